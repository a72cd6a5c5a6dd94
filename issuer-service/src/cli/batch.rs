//! `issuer batch …`.

use std::path::PathBuf;
use std::time::Duration;

use card_core::transport::pcsc::Readers;
use clap::Subcommand;

use super::Common;
use crate::batch::{self, Batches, Selection};
use crate::centre::Centre;
use crate::error::Error;
use crate::exit::Exit;
use crate::output::{Output, Progress};
use crate::station::book::Book;
use crate::station::care::Care;
use crate::station::failure::StationError;
use crate::station::gather::Gather;
use crate::station::hook::Hook;
use crate::station::local::Local;
use crate::station::print;
use crate::station::slot::{PcscSlot, Slot};
use crate::station::{self, Station};

/// What to do with batches.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Make a batch: of people without a card, or of requests that are open.
    ///
    /// People without a card who have not asked for one get a request for a first card. Requests made at the counter
    /// (`request new --instant`) are in no batch with others unless they are named.
    Create {
        /// Of this county.
        #[arg(long, value_name = "CODE", conflicts_with_all = ["persons", "requests"])]
        county: Option<String>,
        /// At most so many.
        #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..), conflicts_with_all = ["persons", "requests"])]
        count: u32,
        /// These people, by row number.
        #[arg(long, value_name = "ID", value_delimiter = ',')]
        persons: Vec<i64>,
        /// Open requests of every kind, the oldest first, instead of people without a card.
        #[arg(long, conflicts_with_all = ["persons", "requests"])]
        open: bool,
        /// These requests, by number.
        #[arg(long, value_name = "NUMBER", value_delimiter = ',', conflicts_with = "persons")]
        requests: Vec<i64>,
        /// People of this batch whom a bank or factory refused: new jobs with new numbers.
        #[arg(long, value_name = "BATCH", conflicts_with_all = ["persons", "requests", "open", "county", "count"])]
        remake: Option<i64>,
    },
    /// Approve a batch that another operator made.
    Approve {
        /// Number of the batch.
        number: i64,
    },
    /// Give up a batch that nobody approved.
    Cancel {
        /// Number of the batch.
        number: i64,
    },
    /// Give up an approved batch that no station has begun. Its card numbers are spoilt; its people can be batched again.
    Withdraw {
        /// Number of the batch.
        number: i64,
        /// Why; goes into the audit log.
        #[arg(long, value_name = "TEXT")]
        reason: String,
    },
    /// Make the cards of a batch on one or more readers.
    Run {
        /// Number of the batch.
        number: i64,
        /// A reader, by place in the list, name or part of it; may be given several times.
        #[arg(long = "reader", required = true, env = "ISSUER_READER", value_delimiter = ',')]
        readers: Vec<String>,
        /// Shell command that puts the next card into the reader: ends with 0 when it did. {slot} is the reader's place.
        #[arg(long, value_name = "COMMAND")]
        feeder: Option<String>,
        /// Write the receipts as files here too.
        #[arg(long, value_name = "DIR")]
        receipts: Option<PathBuf>,
        /// Seconds to wait for a card to be put in, or back.
        #[arg(long, value_name = "SECONDS", default_value_t = 60)]
        wait: u64,
        /// Failed cards in a row that stop a reader.
        #[arg(long, value_name = "COUNT", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
        max_failures: u32,
        /// Failed cards in a row, on all readers together, that stop the station.
        #[arg(long, value_name = "COUNT", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..))]
        stop_after: u32,
        /// Lot of the blank cards, as the box says; a lot of which too many fail is held.
        #[arg(long, value_name = "NAME")]
        lot: Option<String>,
        /// Station of the stock that the cards were issued to, when several have cards of the lot.
        #[arg(long, value_name = "CODE", requires = "lot")]
        station: Option<String>,
        /// Per cent of a lot's cards that may fail, judged from the fifth failed card on.
        #[arg(long, value_name = "PERCENT", default_value_t = 10, value_parser = clap::value_parser!(u64).range(0..=100))]
        lot_failures: u64,
        /// Shell command that prints a card that is made: {job} and {card_number} are filled in, what is printed comes as JSON
        /// on its standard input, and as files that it names: {front.png}, {back.png}, {front.pdf}, {back.pdf}.
        #[arg(long, value_name = "COMMAND")]
        printer: Option<String>,
        /// Seconds that feeder and printer may take; then they are ended.
        #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..))]
        hook_time: u64,
    },
    /// Print cards again that are made: those whose printing failed, or one that is named. Their chips are not touched.
    Print {
        /// Number of the batch.
        number: i64,
        /// The card of this job, however it was printed before.
        #[arg(long)]
        job: Option<i64>,
        /// Why a card that was printed is printed again; no names of people.
        #[arg(long, value_name = "TEXT", requires = "job")]
        reason: Option<String>,
        /// Shell command that prints a card, as with `batch run --printer`.
        #[arg(long, value_name = "COMMAND")]
        printer: String,
        /// Seconds that the printer may take; then it is ended.
        #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..))]
        hook_time: u64,
    },
    /// Declare a card in work lost: its person gets another one.
    Spoil {
        /// Number of the batch.
        number: i64,
        /// Job whose card is lost.
        #[arg(long)]
        job: i64,
    },
    /// End a job that waits, without a card: its number is spoilt, its request is open again. What cannot be made for its person
    /// any more is set aside by itself when a station comes to it.
    SetAside {
        /// Number of the batch.
        number: i64,
        /// Job that no card is to be made for.
        #[arg(long)]
        job: i64,
        /// Why; goes into the audit log.
        #[arg(long, value_name = "TEXT")]
        reason: String,
    },
    /// List batches.
    List,
    /// Show a batch.
    Show {
        /// Number of the batch.
        number: i64,
    },
}

pub(super) fn run(common: &Common, verb: Verb, output: &Output) -> Result<Exit, Error> {
    let reason = match &verb {
        Verb::Withdraw { reason, .. } | Verb::SetAside { reason, .. } => Some(reason.as_str()),
        _ => None,
    };
    let mut centre = common.centre_told(reason, output)?;
    if matches!(verb, Verb::Create { .. }) && centre.config.requests.photo_from_age.is_some() {
        // How old somebody is stands in the dossier.
        common.data_keys(&mut centre, output)?;
    }
    let (operator, prefix) = (common.operator.as_deref(), centre.config.card_number_prefix);
    let store = &mut centre.store;
    let shown = match verb {
        Verb::Create { remake: Some(batch), .. } => batch::create(store, &Selection::Refused(batch), operator)?,
        Verb::Create { county, count, persons, open, requests, remake: None } => {
            let selection = match (persons.is_empty(), requests.is_empty(), open) {
                (false, ..) => Selection::People(persons),
                (true, false, _) => Selection::Requests(requests),
                (true, true, true) => Selection::Open { county, count },
                (true, true, false) => Selection::Next { county, count },
            };
            batch::create(store, &selection, operator)?
        }
        Verb::Approve { number } => batch::approve(store, number, operator, prefix)?,
        Verb::Cancel { number } => batch::cancel(store, number, operator)?,
        Verb::Withdraw { number, reason } => batch::withdraw(store, number, &reason, operator)?,
        Verb::Spoil { number, job } => batch::declare_lost(store, number, job, operator, prefix)?,
        Verb::SetAside { number, job, reason } => batch::aside::by_hand(store, number, job, &reason, operator)?,
        Verb::Show { number } => store.read(|tx| batch::found(tx, number))?,
        Verb::Run {
            number,
            readers,
            feeder,
            receipts,
            wait,
            max_failures,
            stop_after,
            lot,
            station,
            lot_failures,
            printer,
            hook_time,
        } => {
            let folder = Some(centre.folder.clone());
            let hook = |template| Hook { template, limit: Duration::from_secs(hook_time), folder: folder.clone() };
            let (feeder, printer) = (feeder.map(hook), printer.map(hook));
            let order = Order {
                number,
                readers,
                feeder,
                receipts,
                wait,
                max_failures,
                stop_after,
                lot,
                station,
                lot_failures,
                printer,
            };
            return make(common, &mut centre, &order, output);
        }
        Verb::Print { number, job, reason, printer, hook_time } => {
            let _lock = centre.lock(&format!("batch-{number}"))?;
            common.data_keys(&mut centre, output)?;
            let limit = Duration::from_secs(hook_time);
            let hook = Hook { template: printer, limit, folder: Some(centre.folder.clone()) };
            let reprinted = print::batch_again(&mut centre.store, number, job, &hook, (operator, reason.as_deref()))?;
            output.show(&reprinted);
            return Ok(if reprinted.unprinted.is_empty() { Exit::Ok } else { Exit::Partly });
        }
        Verb::List => {
            output.show(&Batches { batches: store.read(|tx| tx.batches())? });
            return Ok(Exit::Ok);
        }
    };
    output.show(&shown);
    Ok(Exit::Ok)
}

/// Which cards to make, and how.
pub(super) struct Order {
    number: i64,
    readers: Vec<String>,
    feeder: Option<Hook>,
    receipts: Option<PathBuf>,
    wait: u64,
    max_failures: u32,
    stop_after: u32,
    lot: Option<String>,
    station: Option<String>,
    lot_failures: u64,
    printer: Option<Hook>,
}

impl Order {
    /// One card on one reader, without feeder and printer.
    pub(super) fn of_one(
        batch: i64,
        reader: String,
        wait: u64,
        (lot, station): (Option<String>, Option<String>),
    ) -> Self {
        Self {
            number: batch,
            readers: vec![reader],
            feeder: None,
            receipts: None,
            wait,
            max_failures: 3,
            stop_after: 10,
            lot,
            station,
            lot_failures: 10,
            printer: None,
        }
    }
}

pub(super) fn make(common: &Common, centre: &mut Centre, order: &Order, output: &Output) -> Result<Exit, Error> {
    let _lock = centre.lock(&format!("batch-{}", order.number))?;
    let vault = common.vault(centre, output)?;
    let data_keys = common.data_keys(centre, output)?;
    let slots = slots(&order.readers, order.feeder.as_ref())?;
    let batch = centre.store.read(|tx| batch::found(tx, order.number))?;
    let progress = Progress::new(output, batch.cards, batch.done);
    station::asked::listen();
    let profile = centre.config.made();
    let summary = Station {
        centre: &Local {
            database: &centre.place()?,
            folder: &centre.folder,
            data_keys: &data_keys,
            book: Book { vault: &vault, config: &centre.config, profile: &profile },
            batch: order.number,
            operator: common.operator.as_deref(),
            care: Care {
                lot: order.lot.as_deref(),
                station: order.station.as_deref(),
                lot_percent_max: order.lot_failures,
            },
            writes: Gather::default(),
        },
        profile: &profile,
        batch: order.number,
        wait: Duration::from_secs(order.wait),
        failures_max: order.max_failures,
        row_max: order.stop_after,
        printer: order.printer.as_ref(),
        watcher: &progress,
    }
    .run(slots);
    progress.finish();
    centre.sign_checkpoint(&vault, &common.actor())?;
    if let Some(folder) = &order.receipts {
        station::export_receipts(&mut centre.store, order.number, folder)?;
    }
    let summary = summary?;
    output.show(&summary);
    Ok(if summary.left == 0 && summary.set_aside.is_empty() { Exit::Ok } else { Exit::Partly })
}

pub(super) fn slots(wanted: &[String], feeder: Option<&Hook>) -> Result<Vec<Box<dyn Slot>>, StationError> {
    let readers = Readers::establish()?;
    let mut chosen: Vec<String> = Vec::new();
    for wanted in wanted {
        let reader = readers.choose(wanted)?.name;
        if chosen.contains(&reader) {
            return Err(StationError::SameReader { reader });
        }
        chosen.push(reader);
    }
    let attached = readers.list()?;
    chosen
        .iter()
        .map(|name| {
            let place = attached.iter().position(|reader| reader.name == *name).unwrap_or_default();
            Ok(Box::new(PcscSlot::new(name, place, feeder.cloned())?) as Box<dyn Slot>)
        })
        .collect()
}
