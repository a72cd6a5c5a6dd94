//! `issuer backup …`.

use std::path::PathBuf;

use clap::Subcommand;
use zeroize::Zeroizing;

use super::{Common, SourceParser, local};
use crate::backup::archive::Reader;
use crate::backup::create;
use crate::backup::failure::BackupError;
use crate::backup::restore::{self, Order};
use crate::centre::DatabaseConfig;
use crate::error::Error;
use crate::exit::Exit;
use crate::output::{Output, StepsBar};
use crate::vault::passphrase::Source;

/// What to do with backups.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Take a backup while the centre works: one sealed file with its database, keys, audit anchor, configuration and exchange
    /// folders. It is read back before it gets its name. What cannot be taken (a link, a name that is no UTF-8) is named: exit
    /// code 10.
    Create {
        /// The file; it may not exist.
        file: PathBuf,
        /// What it is sealed under.
        #[command(flatten)]
        seal: Seal,
    },
    /// Read a backup to its end and say what it holds.
    Verify {
        /// The file.
        file: PathBuf,
        /// What it is sealed under.
        #[command(flatten)]
        seal: Seal,
    },
    /// Bring a centre back into the folder of --data, which must be empty or not there.
    ///
    /// The backup is verified first; then audit log, ledger and cards of what came back. The lost centre may have given out
    /// numbers since the backup: --gap of each kind (card numbers, batches, jobs, requests, files to partners, blacklist
    /// entries) are skipped. Do not let the old centre work beside it.
    Restore {
        /// The file.
        file: PathBuf,
        /// What it is sealed under.
        #[command(flatten)]
        seal: Seal,
        /// Numbers of each kind that are skipped.
        #[arg(long, value_name = "COUNT", default_value_t = 10_000)]
        gap: u32,
        /// Empty database of a PostgreSQL server: postgres://USER@HOST:PORT/NAME; a file in the data folder when absent.
        #[arg(long, value_name = "URL", env = "ISSUER_DATABASE", hide_env_values = true)]
        database: Option<String>,
        /// Where the password of the database is: env:NAME or file:PATH.
        #[arg(long, value_name = "SOURCE", value_parser = SourceParser, requires = "database")]
        database_password: Option<Source>,
        /// PEM file of the certificates that vouch for the server; needed when it is another machine.
        #[arg(long, value_name = "FILE", requires = "database")]
        database_ca: Option<PathBuf>,
    },
}

/// What a backup is sealed under.
#[derive(Debug, clap::Args)]
pub struct Seal {
    /// Passphrase of the backup, not that of the vault: env:NAME or file:PATH; asked for when absent.
    #[arg(long, value_name = "SOURCE", value_parser = SourceParser)]
    backup_passphrase: Option<Source>,
}

impl Seal {
    fn read(&self, output: &Output) -> Result<Zeroizing<String>, BackupError> {
        match &self.backup_passphrase {
            Some(source) => Ok(source.read()?),
            None => {
                let asked = output.ask(("备份口令: ", "backup passphrase: "));
                asked.filter(|text| !text.is_empty()).ok_or(BackupError::PassphraseMissing)
            }
        }
    }
}

pub(super) fn run(common: &Common, verb: Verb, output: &Output) -> Result<Exit, Error> {
    match verb {
        Verb::Create { file, seal } => {
            let mut centre = common.centre()?;
            let passphrase = seal.read(output)?;
            let bar = StepsBar::new(output);
            let contents = create::create(&mut centre, &file, &passphrase, &common.actor(), &bar);
            bar.finish();
            let contents = contents?;
            output.show(&contents);
            return Ok(if contents.left_out.is_empty() { Exit::Ok } else { Exit::Partly });
        }
        Verb::Verify { file, seal } => {
            let passphrase = seal.read(output)?;
            output.show(&Reader::open(&file, &passphrase)?.verify()?);
        }
        Verb::Restore { file, seal, gap, database, database_password, database_ca } => {
            let passphrase = seal.read(output)?;
            let password = database_password.map(|source| source.to_string());
            let database = database.map(|url| DatabaseConfig { url, password, ca: database_ca });
            let (folder, actor) = (common.folder()?, local());
            let database = database.as_ref();
            let order = Order { file: &file, passphrase: &passphrase, folder, database, gap, actor: &actor };
            let bar = StepsBar::new(output);
            let restored = restore::restore(&order, &bar);
            bar.finish();
            output.show(&restored?);
        }
    }
    Ok(Exit::Ok)
}
