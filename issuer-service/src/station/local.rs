//! The centre of a station that runs beside the database: the book is opened here.
//!
//! Owns: one connection a reader, and one on which they write. Never: decides what the book says.

use std::path::Path;
use std::sync::Arc;

use card_core::security::SecurityModule;
use zeroize::Zeroizing;

use super::book::{Blank, Book, By, Written};
use super::care::{self, Care};
use super::failure::StationError;
use super::gather::Gather;
use super::line::{Bound, Centre, Found, KEYS_DONE, Line, Order, Rest};
use super::print;
use crate::card::Chip;
use crate::operator::OperatorError;
use crate::store::{Place, Store, Tx};
use crate::vault::data_keys::DataKeys;

/// A centre in this process.
pub struct Local<'a> {
    /// Its database; each reader has its own connection.
    pub database: &'a Place,
    /// Its folder, with the anchor of the audit log unless the configuration says where that is.
    pub folder: &'a Path,
    /// What people's data are sealed with.
    pub data_keys: &'a Arc<DataKeys>,
    /// Its book.
    pub book: Book<'a>,
    /// Batch to make.
    pub batch: i64,
    /// Operator at the station.
    pub operator: Option<&'a str>,
    /// What is watched besides single cards.
    pub care: Care<'a>,
    /// What its readers write at the same time.
    pub writes: Gather<'a>,
}

impl Local<'_> {
    fn operator(&self) -> Result<&str, StationError> {
        let named = self.operator.ok_or(OperatorError::NotNamed);
        named.map_err(|error| StationError::Batch(error.into()))
    }

    fn by<'b>(&'b self, reader: &'b str) -> Result<By<'b>, StationError> {
        Ok(By { operator: self.operator()?, reader, station: None, message: None })
    }

    /// A connection with the data keys.
    fn open(&self) -> Result<Store, StationError> {
        let mut store = self.store()?;
        store.unlock(self.data_keys.clone())?;
        Ok(store)
    }

    fn store(&self) -> Result<Store, StationError> {
        let anchor = self.book.config.audit.anchor.as_deref();
        let mut store = Store::open(self.database, self.folder)?.anchored_at(anchor);
        store.set_clock_rules(self.book.config.clock_rules());
        Ok(store)
    }
}

impl Centre for Local<'_> {
    fn begin(&self, readers: &[&str]) -> Result<(), StationError> {
        self.book.begin(&mut self.store()?, self.batch, &self.by("-")?, readers, (self.care.lot, self.care.station))
    }

    fn line(&self, reader: &str) -> Result<Box<dyn Line + '_>, StationError> {
        let operator = self.operator()?.to_owned();
        let who = Arc::new(Who { operator, reader: reader.to_owned() });
        Ok(Box::new(LocalLine { centre: self, store: self.open()?, who, keyed: Vec::new() }))
    }

    fn end(&self) -> Result<Rest, StationError> {
        self.book.end(&mut self.store()?, self.batch, &self.by("-")?)
    }
}

/// Who writes, for what is carried out by another reader's thread.
struct Who {
    operator: String,
    reader: String,
}

impl Who {
    fn by(&self) -> By<'_> {
        By { operator: &self.operator, reader: &self.reader, station: None, message: None }
    }
}

struct LocalLine<'l, 'a> {
    centre: &'l Local<'a>,
    store: Store,
    who: Arc<Who>,
    /// Directories of the card at hand that have their keys, of which the journal does not know yet.
    keyed: Vec<(i64, String)>,
}

impl<'a> LocalLine<'_, 'a> {
    fn write<T: Send + 'a>(
        &self,
        work: impl FnMut(&Tx<'_>) -> Result<T, StationError> + Send + 'a,
    ) -> Result<T, StationError> {
        self.centre.writes.write(|| self.centre.open(), work)
    }
}

impl Line for LocalLine<'_, '_> {
    fn work_left(&mut self) -> Result<bool, StationError> {
        Ok(self.store.read(|tx| tx.work_left(self.centre.batch))?)
    }

    fn is_left_to_others(&mut self) -> Result<bool, StationError> {
        Ok(self.store.read(|tx| tx.work_left(self.centre.batch))?)
    }

    fn others_may_come(&mut self) -> Result<bool, StationError> {
        Ok(self.store.read(|tx| tx.work_left_here(self.centre.batch))?)
    }

    fn find(&mut self, chip: &Chip) -> Result<Found, StationError> {
        let Self { centre, store, who, .. } = self;
        centre.book.find(store, centre.batch, chip, &who.by())
    }

    fn bind(&mut self, chip: &Chip, made: Option<&str>) -> Result<Bound, StationError> {
        let (book, batch, care) = (self.centre.book, self.centre.batch, self.centre.care);
        let identified = book.identified(&mut self.store, chip)?;
        let (chip, made, who) = (chip.clone(), made.map(str::to_owned), Arc::clone(&self.who));
        self.write(move |tx| {
            let (chip, made) = (&chip, made.as_deref());
            let blank = Blank { batch, chip, made, job: None, lot: care.lot, place: care.station };
            book.bind_in(tx, &blank, identified, &who.by())
        })
    }

    fn note(&mut self, job: i64, event: &str, detail: &str) -> Result<(), StationError> {
        let (event, detail) = (event.to_owned(), detail.to_owned());
        let (keyed, who) = (std::mem::take(&mut self.keyed), Arc::clone(&self.who));
        self.write(move |tx| {
            keyed.iter().try_for_each(|(job, df)| tx.note(*job, ("", &who.reader), KEYS_DONE, df))?;
            Ok(tx.note(job, ("", &who.reader), &event, &detail)?)
        })
    }

    fn keyed(&mut self, job: i64, df: &str) -> Result<(), StationError> {
        self.keyed.push((job, df.to_owned()));
        Ok(())
    }

    fn finish(&mut self, order: &Order, steps: usize, read_back: &str, to_print: bool) -> Result<(), StationError> {
        self.keyed.clear();
        let (book, who) = (self.centre.book, Arc::clone(&self.who));
        let (job, changes) = (order.card.job, order.changes);
        let written = Written { job, steps, read_back, changes, to_print, order: Some(order) };
        let finished = book.finished(&mut self.store, &written, &who.by())?;
        self.write(move |tx| book.finish_in(tx, &finished, &who.by()))
    }

    fn spoil(&mut self, order: &Order, reason: &str) -> Result<i64, StationError> {
        let Self { centre, store, who, keyed } = self;
        keyed.clear();
        centre.book.spoil(store, order.card.job, reason, &who.by())
    }

    fn failures_in_a_row(&mut self) -> Result<u32, StationError> {
        Ok(self.store.read(|tx| tx.failures_in_a_row("", &self.who.reader))?)
    }

    fn hold_reader(&mut self, reason: &str) -> Result<(), StationError> {
        let Self { centre, store, who, .. } = self;
        centre.book.hold_reader(store, reason, &who.by())
    }

    fn lot_is_bad(&mut self) -> Result<bool, StationError> {
        let Self { centre, store, who, .. } = self;
        let Care { lot: Some(lot), lot_percent_max, .. } = centre.care else { return Ok(false) };
        care::lot_is_bad(store, lot, lot_percent_max, &who.by())
    }

    fn photo(&mut self, order: &Order) -> Result<Option<Zeroizing<String>>, StationError> {
        Ok(self.store.read(|tx| tx.photo(order.card.person))?.as_ref().map(print::photo))
    }

    fn module(&self, _job: i64) -> Box<dyn SecurityModule> {
        Box::new(self.centre.book.vault.keys())
    }
}

impl std::fmt::Debug for Local<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Local").field("batch", &self.batch).finish_non_exhaustive()
    }
}
