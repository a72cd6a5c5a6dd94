//! `issuer person …` and `issuer import`.

use std::io::Read;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde::Serialize;

use super::Common;
use crate::audit::Act;
use crate::batch::photo;
use crate::card::state::Step;
use crate::card::{Card, life};
use crate::centre::Centre;
use crate::error::{Error, Missing};
use crate::exit::Exit;
use crate::import::encoding::Declared;
use crate::import::single::{self, Upserted};
use crate::import::{self, Order};
use crate::lang::Lang;
use crate::operator::Role;
use crate::output::{ImportProgress, Output, Show};
use crate::person::field::{Field, Fields};
use crate::person::{Masked, People};
use crate::registry::identity::{self, Because, By, OrderState, Orders};
use crate::registry::identity_failure::IdentityError;
use crate::registry::search::{self, Revealed};
use crate::registry::source::{COUNTER, REGISTRY, Source};
use crate::registry::worklist::{self, Choice, Merged, Take};
use crate::registry::{RegistryError, comparison};
use crate::store::{Store, StoreError, Tx};

/// Options of an import.
#[derive(Debug, Args)]
pub struct Import {
    /// The file.
    file: PathBuf,
    /// Source that it comes from.
    #[arg(long, value_name = "NAME", default_value = REGISTRY)]
    source: String,
    /// Its encoding; told from the file when neither this nor the source states one.
    #[arg(long, value_enum)]
    encoding: Option<Declared>,
    /// Sheet of a workbook, by its name; the first one that is shown when absent.
    #[arg(long, value_name = "NAME")]
    sheet: Option<String>,
    /// Check everything, change nothing.
    #[arg(long)]
    dry_run: bool,
    /// Write the report here too: JSON, or CSV (UTF-8 with a mark, for spreadsheet programs) when the name ends in .csv.
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
}

/// What to do with people.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Take in a bureau's file; every fault of every row is told at once.
    ///
    /// The file is CSV in GB 18030 or UTF-8, its cells separated by commas, tabs or semicolons; an Excel workbook (.xlsx, its
    /// first sheet); or JSON, an array of objects or one object a line. Its header needs a number (身份证号, AAC002, number …)
    /// and a name (姓名, AAC003, name …); sex, ethnic group, birth date, region, address, phone and employer are read when
    /// they are there, other columns are ignored and listed. "row" of a fault is the line of the file where the row starts,
    /// counted as a text editor counts; the header of an ordinary file is line 1.
    ///
    /// People who are not registered yet are; of the others the file is one more statement: it changes what its source alone
    /// said before, and contradicts other sources, which `person conflicts` lists. Faulty rows are refused: exit code 10. An
    /// import that was killed goes on where it stopped when the same file is imported again.
    Import(Import),
    /// Take in what one JSON object says of one person, read from the standard input or a file.
    Upsert {
        /// File of the object; - for the standard input.
        #[arg(default_value = "-")]
        file: PathBuf,
        /// Source that says it.
        #[arg(long, value_name = "NAME", default_value = COUNTER)]
        source: String,
    },
    /// List people, masked.
    List {
        /// Of this county only.
        #[arg(long, value_name = "CODE")]
        county: Option<String>,
        /// Of this batch only.
        #[arg(long, value_name = "NUMBER", conflicts_with_all = ["county", "after"])]
        batch: Option<i64>,
        /// Only those for whom no card can be made, with the reason: sources differ on the name, the chip cannot hold a text, a photo is
        /// missing.
        #[arg(long, conflicts_with_all = ["county", "batch"])]
        no_card: bool,
        /// After this person.
        #[arg(long, value_name = "ID", default_value_t = 0)]
        after: i64,
        /// At most so many.
        #[arg(long, default_value_t = 100)]
        limit: u32,
    },
    /// Find people by numbers or names, one a line on the standard input; masked.
    Find {
        /// What the lines are.
        #[arg(long, value_enum, default_value = "number")]
        by: search::By,
        /// Behind this row number.
        #[arg(long, value_name = "N", default_value_t = 0)]
        after: i64,
        /// At most so many.
        #[arg(long, value_name = "N", default_value_t = 1_000)]
        limit: u32,
    },
    /// Show a person, masked.
    Show {
        /// Row number of the person.
        id: i64,
        /// Unmasked; needs an operator who may capture data, and goes into the audit log with its reason.
        #[arg(long)]
        reveal: bool,
        /// Why.
        #[arg(long, value_name = "TEXT")]
        reason: Option<String>,
    },
    /// Show what sources say and said of a person, masked.
    History {
        /// Row number of the person.
        id: i64,
        /// Unmasked, as with `person show`.
        #[arg(long)]
        reveal: bool,
        /// Why.
        #[arg(long, value_name = "TEXT")]
        reason: Option<String>,
    },
    /// Compare two sources: people on whom they agree, on whom they differ, whom one of them does not know.
    Compare {
        /// One source.
        first: String,
        /// The other.
        second: String,
        /// List the first so many people of each kind.
        #[arg(long, default_value_t = 20)]
        limit: usize,
    },
    /// List people on whom sources differ, until an operator decides with `person merge`.
    Conflicts {
        /// After this person.
        #[arg(long, value_name = "ID", default_value_t = 0)]
        after: i64,
        /// At most so many.
        #[arg(long, default_value_t = 20)]
        limit: u32,
    },
    /// Record that a person died: every card goes out of use, no new one is made.
    #[command(group = clap::ArgGroup::new("record").required(true).args(["on", "withdraw"]))]
    Death {
        /// Row number of the person.
        id: i64,
        /// Day of the death.
        #[arg(long, value_name = "YYYYMMDD", value_parser = super::psam::day)]
        on: Option<String>,
        /// Take a record back that was wrong; cards stay cancelled.
        #[arg(long)]
        withdraw: bool,
        /// What shows it; no names of people.
        #[arg(long)]
        reason: String,
    },
    /// Ask that a person get another number: the one before was wrong, or it changed. Another operator decides.
    ///
    /// The number comes in one JSON object on the standard input or in a file: `{"number": "…"}`; of who has no citizen number with
    /// certificate_type and nationality as in `person upsert`. Row, cards, requests, money and tickets stay with the person.
    Renumber {
        /// Row number of the person.
        id: i64,
        /// File of the object; - for the standard input.
        #[arg(default_value = "-")]
        file: PathBuf,
        /// wrong: the number before never was the person's; changed: it was.
        #[arg(long, value_enum)]
        because: Because,
        /// What shows it; no names and numbers of people.
        #[arg(long, value_name = "TEXT")]
        reason: String,
    },
    /// Ask that two rows that are one person become one: the first has neither card nor money and goes on in the other. Another operator
    /// decides.
    Join {
        /// Row number that gives way.
        id: i64,
        /// Row number in which the person goes on.
        #[arg(long, value_name = "ID")]
        into: i64,
        /// What shows it; no names and numbers of people.
        #[arg(long, value_name = "TEXT")]
        reason: String,
    },
    /// List orders of another number or a joining.
    Orders {
        /// In this state only.
        #[arg(long, value_parser = ["proposed", "approved", "rejected"])]
        state: Option<String>,
        /// Behind this order.
        #[arg(long, value_name = "NUMBER", default_value_t = 0)]
        after: i64,
        /// At most so many.
        #[arg(long, default_value_t = 100)]
        limit: u32,
    },
    /// Do what another operator asked for.
    Approve {
        /// Number of the order.
        number: i64,
    },
    /// Refuse what another operator asked for.
    Reject {
        /// Number of the order.
        number: i64,
        /// Why.
        #[arg(long, value_name = "TEXT")]
        reason: String,
    },
    /// Decide conflicts: the values of a source are held from now on, or those that are held stay. Every statement is kept.
    Merge {
        /// Row number of the person; all people on whom sources differ with --all.
        #[arg(required_unless_present = "all")]
        id: Option<i64>,
        /// Everybody on whom sources differ.
        #[arg(long, conflicts_with = "id")]
        all: bool,
        /// Hold what this source says; without it, what is held stays.
        #[arg(long, value_name = "NAME")]
        take: Option<String>,
        /// Hold nothing: what was said is wrong. Of the fields named with --field only.
        #[arg(long, conflicts_with_all = ["take", "all"], requires = "fields")]
        none: bool,
        /// Only these fields: name, sex, ethnic_group, birth_date, region, address, phone, employer, certificate, alive, name_script.
        #[arg(long = "field", value_name = "FIELD", value_parser = field, value_delimiter = ',')]
        fields: Vec<Field>,
    },
}

/// `issuer import`.
pub(super) fn run_import(common: &Common, import: Import, output: &Output) -> Result<Exit, Error> {
    let mut centre = common.registry(output)?;
    let Import { file, source, encoding, sheet, dry_run, report } = import;
    let actor = common.actor();
    let progress = ImportProgress::new(output);
    let order = Order {
        file: &file,
        source: &source,
        encoding,
        sheet: sheet.as_deref(),
        city: centre.config.city,
        people: centre.config.people,
        dry_run,
        report: report.as_deref(),
        actor: &actor,
        lang: output.lang(),
        watcher: &progress,
    };
    // Two imports at once would each think that the other one was killed.
    let _lock = centre.lock("import")?;
    let report = import::run(&mut centre.store, &order);
    progress.finish();
    let report = report?;
    output.show(&report);
    Ok(if report.counts().refused == 0 { Exit::Ok } else { Exit::Partly })
}

pub(super) fn run(common: &Common, verb: Verb, output: &Output) -> Result<Exit, Error> {
    if let Verb::Import(import) = verb {
        return run_import(common, import, output);
    }
    if let Verb::Death { id, on, reason, .. } = verb {
        return death(common, id, on.as_deref(), &reason, output);
    }
    let mut centre = common.registry(output)?;
    let store = &mut centre.store;
    match verb {
        Verb::Import(_) | Verb::Death { .. } => unreachable!("handled above"),
        Verb::Renumber { id, file, because, reason } => {
            let by = By { reason: &reason, operator: common.operator.as_deref() };
            let text = object(&file)?;
            let site = (centre.config.city, centre.config.people, output.lang());
            output.show(&identity::renumber(&mut centre.store, id, &text, because, site, by)?);
        }
        Verb::Join { id, into, reason } => {
            let by = By { reason: &reason, operator: common.operator.as_deref() };
            output.show(&identity::join(store, id, into, by)?);
        }
        Verb::Orders { state, after, limit } => {
            let state = state.and_then(|name| OrderState::of_name(&name));
            output.show(&Orders { orders: store.read(|tx| tx.identity_orders(state, after, limit))? });
        }
        Verb::Approve { number } => {
            output.show(&identity::approve(store, number, common.operator.as_deref())?);
        }
        Verb::Reject { number, reason } => {
            let by = By { reason: &reason, operator: common.operator.as_deref() };
            output.show(&identity::reject(store, number, by)?);
        }
        Verb::Upsert { file, source } => return upsert(common, &mut centre, &file, &source, output),
        Verb::List { county, batch, no_card, after, limit } => {
            let rules = store.making_rules();
            let people = store.read(|tx| -> Result<_, Error> {
                let people = match batch {
                    Some(batch) => search::masked(tx, &tx.people_of_batch(batch, limit)?)?,
                    None if no_card => {
                        let kept = photo::kept_from_card(tx, rules, after, limit)?;
                        let ids: Vec<_> = kept.iter().map(|(id, _)| *id).collect();
                        let mut people = search::masked(tx, &ids)?;
                        for (person, (_, why)) in people.iter_mut().zip(&kept) {
                            person.no_card.get_or_insert(*why);
                        }
                        people
                    }
                    None => tx.people(county.as_deref(), after, limit)?.iter().map(Masked::from).collect(),
                };
                Ok(People { total: tx.people_count()?, people })
            })?;
            output.show(&people);
        }
        Verb::Find { by, after, limit } => {
            let texts = Output::input_lines();
            let people = store.read(|tx| -> Result<_, Error> {
                let ids = search::find(tx, by, texts, (after, limit))?;
                Ok(People { total: tx.people_count()?, people: search::masked(tx, &ids)? })
            })?;
            let found = !people.people.is_empty();
            output.show(&people);
            return Ok(if found { Exit::Ok } else { Exit::NotFound });
        }
        Verb::Show { id, reveal: false, .. } => {
            let look =
                |tx: &Tx<'_>| Ok::<_, StoreError>((tx.person(id)?, tx.cards_of_person(id)?, tx.joined_into(id)?));
            let (person, cards, goes_on_as) = store.read(look)?;
            let person = Masked::from(&person.ok_or(Missing::Person { id })?);
            output.show(&WithCards { person, goes_on_as, cards });
        }
        Verb::Show { id, reveal: true, reason } => {
            common.prove(store)?;
            let person = reveal(store, common.operator.as_deref(), id, reason, |tx| {
                tx.person(id)?.ok_or(RegistryError::PersonUnknown { id })
            })?;
            output.show(&Revealed::from(&person));
        }
        Verb::History { id, reveal: false, .. } => {
            let look = |tx: &Tx<'_>| worklist::history(tx, &tx.sources()?, id, false);
            output.show(&store.read(look)?);
        }
        Verb::History { id, reveal: true, reason } => {
            common.prove(store)?;
            let look = |tx: &Tx<'_>| worklist::history(tx, &tx.sources()?, id, true);
            output.show(&reveal(store, common.operator.as_deref(), id, reason, look)?);
        }
        Verb::Compare { first, second, limit } => {
            let (first, second) = (known(store, &first)?, known(store, &second)?);
            let (one, other) = ((first.id, first.name), (second.id, second.name));
            output.show(&store.read(|tx| comparison::compare(tx, one, other, limit))?);
        }
        Verb::Conflicts { after, limit } => {
            output.show(&store.read(|tx| worklist::list(tx, &tx.sources()?, after, limit))?);
        }
        Verb::Merge { id, take, none, fields, .. } => {
            let source = take.map(|name| known(store, &name)).transpose()?;
            let take = match source {
                _ if none => Take::Nothing,
                Some(source) => Take::Source(source.id),
                None => Take::Held,
            };
            let all = fields.is_empty();
            let fields = fields.into_iter().fold(if all { Fields::ALL } else { Fields::NONE }, Fields::with);
            let operator = common.operator.as_deref();
            output.show(&merge(store, operator, id, all, Choice { fields, take })?);
        }
    }
    Ok(Exit::Ok)
}

fn death(common: &Common, id: i64, on: Option<&str>, reason: &str, output: &Output) -> Result<Exit, Error> {
    let mut centre = if on.is_some() { common.registry(output)? } else { common.centre_told(Some(reason), output)? };
    let operator = common.operator.as_deref();
    if let Some(into) = centre.store.read(|tx| tx.joined_into(id))? {
        return Err(IdentityError::Joined { person: id, into }.into());
    }
    match on {
        Some(day) => {
            let order = life::Order { step: Step::Death, reason, operator };
            output.show(&life::record_death(&mut centre.store, &centre.config.life, id, day, &order)?);
        }
        None => output.show(&life::withdraw_death(&mut centre.store, id, reason, operator)?),
    }
    Ok(Exit::Ok)
}

/// Shows what is masked otherwise, to an operator with a reason, both in the audit log before it is shown.
fn reveal<T>(
    store: &mut Store,
    operator: Option<&str>,
    id: i64,
    reason: Option<String>,
    look: impl FnOnce(&Tx<'_>) -> Result<T, RegistryError>,
) -> Result<T, Error> {
    let detail = reason.filter(|text| !text.trim().is_empty()).ok_or(RegistryError::ReasonMissing)?;
    store.act(|tx| -> Result<_, Error> {
        let actor = tx.require(operator, Role::Capture)?;
        let shown = look(tx)?;
        Ok((shown, Act { actor, act: "person.reveal", object: format!("person {id}"), detail }))
    })
}

fn upsert(
    common: &Common,
    centre: &mut Centre,
    file: &std::path::Path,
    source: &str,
    output: &Output,
) -> Result<Exit, Error> {
    let source = known(&mut centre.store, source)?;
    let text = object(file)?;
    let site = (centre.config.city, centre.config.people);
    let upserted = single::upsert(&mut centre.store, &text, &source, site, &common.actor(), output.lang())?;
    output.show(&upserted);
    Ok(if matches!(upserted.upserted, Upserted::Refused { .. }) { Exit::Partly } else { Exit::Ok })
}

/// The bytes of one JSON object.
fn object(file: &std::path::Path) -> Result<Vec<u8>, Error> {
    Ok(single::read(file, || {
        let mut bytes = Vec::new();
        std::io::stdin().take(single::BYTES_MAX + 1).read_to_end(&mut bytes).map(|_| bytes)
    })?)
}

/// One person in one act; everybody in as many as the work takes, each durable.
fn merge(
    store: &mut Store,
    operator: Option<&str>,
    id: Option<i64>,
    every_field: bool,
    choice: Choice,
) -> Result<Merged, Error> {
    let take = match choice.take {
        Take::Held => "what is held".to_owned(),
        Take::Source(source) => format!("source {source}"),
        Take::Nothing => "nothing".to_owned(),
    };
    if let Some(id) = id {
        return store.act(|tx| -> Result<_, Error> {
            let actor = tx.require(operator, Role::Capture)?;
            let open = tx.dossier(id)?.ok_or(RegistryError::PersonUnknown { id })?.conflicts();
            let choice = if every_field { Choice { fields: open, ..choice } } else { choice };
            let merged = worklist::merge(tx, id, choice)?;
            let fields: Vec<&str> = choice.fields.iter().map(Field::key).collect();
            let detail = format!("{} take {take}", fields.join(" "));
            Ok((merged, Act { actor, act: "person.merge", object: format!("person {id}"), detail }))
        });
    }
    let (mut total, mut after) = (Merged::default(), 0);
    loop {
        let (merged, last) = store.act(|tx| -> Result<_, Error> {
            let actor = tx.require(operator, Role::Capture)?;
            let (merged, last) = worklist::merge_next(tx, after, choice)?;
            let detail = format!("{} fields of {} people after {after} take {take}", merged.fields, merged.people);
            Ok(((merged, last), Act { actor, act: "person.merge", object: "conflicts".to_owned(), detail }))
        })?;
        total.people += merged.people;
        total.fields += merged.fields;
        match last {
            Some(last) => after = last,
            None => return Ok(total),
        }
    }
}

fn known(store: &mut Store, name: &str) -> Result<Source, RegistryError> {
    store.read(|tx| tx.source(name))?.ok_or(RegistryError::SourceUnknown)
}

fn field(text: &str) -> Result<Field, &'static str> {
    Field::of_key(text).ok_or("字段为 name、sex、ethnic_group、birth_date、region、address、phone、employer、certificate、alive、name_script 之一 | a field is name, sex, ethnic_group, birth_date, region, address, phone, employer, certificate, alive or name_script")
}

/// A person and the cards made for them.
#[derive(Debug, Serialize)]
struct WithCards {
    #[serde(flatten)]
    person: Masked,
    /// Row in which the person goes on.
    #[serde(skip_serializing_if = "Option::is_none")]
    goes_on_as: Option<i64>,
    /// In order of job.
    cards: Vec<Card>,
}

impl Show for WithCards {
    fn text(&self, lang: Lang) -> String {
        let mut text = self.person.text(lang);
        if let Some(into) = self.goes_on_as {
            text.push_str(&lang.pick(format!("\n已并入人员 {into}"), format!("\ngoes on as person {into}")));
        }
        for card in &self.cards {
            let Card { card_number, state, issue_date, valid_until, .. } = card;
            text.push_str(&lang.pick(
                format!("\n卡 {card_number}  {state}  {issue_date}–{valid_until}"),
                format!("\ncard {card_number}  {state}  {issue_date}–{valid_until}"),
            ));
        }
        text
    }
}
