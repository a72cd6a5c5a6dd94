//! `issuer exchange …`.

use std::path::PathBuf;

use clap::Subcommand;

use super::Common;
use crate::error::Error;
use crate::exchange::failure::ExchangeError;
use crate::exchange::template::{self, BadTemplate};
use crate::exchange::{self, Order, SentFiles, Templates, intake, told};
use crate::exit::Exit;
use crate::output::Output;

/// What to do with banks and factories.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Make a file about a batch for a bank or factory; it stands in DIR/exchange/request.
    ///
    /// A row that the partner's encoding cannot carry, or that is too long for its column, is left out and named: exit
    /// code 10.
    Export {
        /// Template.
        template: String,
        /// Batch.
        #[arg(long, value_name = "NUMBER")]
        batch: i64,
        /// Code of the bank or factory, as it stands in the file's name.
        #[arg(long, value_name = "CODE")]
        partner: String,
    },
    /// Take in the answers of partners: a file, or all that stand in DIR/exchange/response.
    ///
    /// Any mismatch refuses the whole file and changes nothing; every fault is listed with line and column, and the file goes
    /// to DIR/exchange/bad: exit code 7. A file whose name cannot be kept gets another one there; what is no plain file (a link, a folder, a pipe) is named
    /// and left: exit code 10. Cards that the partner refused are spoilt with their numbers: exit code 10, and
    /// `batch create --remake` asks for them again. The same file a second time changes nothing. A run that was killed is
    /// finished by the next one.
    Import {
        /// The file; all of DIR/exchange/response when absent.
        file: Option<PathBuf>,
        /// Template; told from the file's name when absent.
        #[arg(long, value_name = "NAME")]
        template: Option<String>,
    },
    /// List files that were sent.
    List {
        /// About this batch only.
        #[arg(long, value_name = "NUMBER")]
        batch: Option<i64>,
    },
    /// Show a file and what the partner said of each of its cards. Words are shown as stars: they may name somebody.
    Show {
        /// 任务号.
        task: String,
        /// Words and bank card numbers in full; needs an operator who may capture data, and goes into the audit log with its reason.
        #[arg(long)]
        reveal: bool,
        /// Why.
        #[arg(long, value_name = "TEXT")]
        reason: Option<String>,
    },
    /// Put a file into DIR/exchange/request once more: the same bytes under the same name.
    Resend {
        /// 任务号.
        task: String,
    },
    /// Await no answer to a file any more: it is taken out of DIR/exchange/request, and its jobs may be sent again in another
    /// one. Tell a partner who has fetched it.
    Abandon {
        /// 任务号.
        task: String,
        /// Why; goes into the audit log.
        #[arg(long, value_name = "TEXT")]
        reason: String,
    },
    /// Templates of files: built in, or a site's own in DIR/templates.
    #[command(subcommand)]
    Template(TemplateVerb),
}

/// What to do with templates.
#[derive(Debug, Subcommand)]
pub enum TemplateVerb {
    /// List templates.
    List,
    /// Show a template as TOML: a start for one of your own.
    Show {
        /// Name.
        name: String,
    },
    /// Check a template before it goes into DIR/templates.
    Check {
        /// The file.
        file: PathBuf,
    },
}

pub(super) fn run(common: &Common, verb: Verb, output: &Output) -> Result<Exit, Error> {
    let operator = common.operator.as_deref();
    match verb {
        Verb::Template(verb) => return run_template(common, verb, output),
        Verb::List { batch } => {
            let files = common.centre()?.store.read(|tx| tx.exchange_files(batch))?;
            output.show(&SentFiles { files });
            return Ok(Exit::Ok);
        }
        _ => {}
    }
    let mut centre = common.registry(output)?;
    if let Verb::Show { task, reveal, reason } = verb {
        let store = &mut centre.store;
        output.show(&if reveal {
            told::reveal(store, &task, reason.as_deref().unwrap_or_default(), operator)?
        } else {
            store.read(|tx| told::told(tx, &task))?
        });
        return Ok(Exit::Ok);
    }
    let _lock = centre.lock("exchange")?;
    match verb {
        Verb::Export { template, batch, partner } => {
            let order = Order { template: &template, batch, partner_code: &partner, operator };
            let exported = exchange::export(&mut centre, &order)?;
            output.show(&exported);
            return Ok(if exported.left_out.is_empty() { Exit::Ok } else { Exit::Partly });
        }
        Verb::Import { file, template } => {
            let template = template.as_deref();
            let intake = match file {
                Some(file) => intake::take_file(&mut centre, &file, template, operator)?,
                None => intake::take_all(&mut centre, template, operator)?,
            };
            output.show(&intake);
            return Ok(intake.exit());
        }
        Verb::Resend { task } => output.show(&exchange::resend(&mut centre, &task, operator)?),
        Verb::Abandon { task, reason } => {
            output.show(&exchange::abandon(&mut centre, &task, &reason, operator)?);
        }
        Verb::List { .. } | Verb::Show { .. } | Verb::Template(_) => {}
    }
    Ok(Exit::Ok)
}

fn run_template(common: &Common, verb: TemplateVerb, output: &Output) -> Result<Exit, Error> {
    let bad = |bad: BadTemplate| Error::from(ExchangeError::from(bad));
    match verb {
        TemplateVerb::Check { file } => output.show(&template::read(&file).map_err(bad)?),
        TemplateVerb::Show { name } => {
            let template = template::shown(common.folder()?, &name).map_err(bad)?;
            output.show(&template.ok_or(ExchangeError::TemplateUnknown)?);
        }
        TemplateVerb::List => {
            let templates = template::all(common.folder()?).map_err(bad)?.into_values().collect();
            output.show(&Templates { templates });
        }
    }
    Ok(Exit::Ok)
}
