//! The centre of a station that runs beside the database: the book is opened here.
//!
//! Owns: one connection a reader. Never: decides what the book says.

use std::path::Path;
use std::sync::Arc;

use card_core::security::SecurityModule;
use zeroize::Zeroizing;

use super::book::{Blank, Book, By, Written};
use super::care::{self, Care};
use super::failure::StationError;
use super::line::{Bound, Centre, Found, KEYS_DONE, Line, Order, Rest};
use super::print;
use crate::card::Chip;
use crate::operator::OperatorError;
use crate::store::{Place, Store};
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
}

impl Local<'_> {
    fn operator(&self) -> Result<&str, StationError> {
        let named = self.operator.ok_or(OperatorError::NotNamed);
        named.map_err(|error| StationError::Batch(error.into()))
    }

    fn by<'b>(&'b self, reader: &'b str) -> Result<By<'b>, StationError> {
        Ok(By { operator: self.operator()?, reader, station: None, message: None })
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
        let mut store = self.store()?;
        store.unlock(self.data_keys.clone())?;
        Ok(Box::new(LocalLine { centre: self, store, reader: reader.to_owned(), keyed: Vec::new() }))
    }

    fn end(&self) -> Result<Rest, StationError> {
        self.book.end(&mut self.store()?, self.batch, &self.by("-")?)
    }
}

struct LocalLine<'a> {
    centre: &'a Local<'a>,
    store: Store,
    reader: String,
    /// Directories of the card at hand that have their keys, of which the journal does not know yet.
    keyed: Vec<(i64, String)>,
}

impl LocalLine<'_> {
    fn book(&self) -> Book<'_> {
        self.centre.book
    }
}

impl Line for LocalLine<'_> {
    fn work_left(&mut self) -> Result<bool, StationError> {
        Ok(self.store.read(|tx| tx.work_left(self.centre.batch))?)
    }

    fn find(&mut self, chip: &Chip) -> Result<Found, StationError> {
        let Self { centre, store, reader, .. } = self;
        centre.book.find(store, centre.batch, chip, &centre.by(reader)?)
    }

    fn bind(&mut self, chip: &Chip, made: Option<&str>) -> Result<Bound, StationError> {
        let Self { centre, store, reader, .. } = self;
        let blank =
            Blank { batch: centre.batch, chip, made, job: None, lot: centre.care.lot, place: centre.care.station };
        centre.book.bind(store, &blank, &centre.by(reader)?)
    }

    fn note(&mut self, job: i64, event: &str, detail: &str) -> Result<(), StationError> {
        let Self { store, reader, keyed, .. } = self;
        store.journal(|tx| {
            keyed.iter().try_for_each(|(job, df)| tx.note(*job, ("", reader), KEYS_DONE, df))?;
            tx.note(job, ("", reader), event, detail)
        })?;
        keyed.clear();
        Ok(())
    }

    fn keyed(&mut self, job: i64, df: &str) -> Result<(), StationError> {
        self.keyed.push((job, df.to_owned()));
        Ok(())
    }

    fn finish(&mut self, order: &Order, steps: usize, read_back: &str) -> Result<(), StationError> {
        let Self { centre, store, reader, keyed } = self;
        keyed.clear();
        centre.book.finish(store, &Written { job: order.card.job, steps, read_back }, &centre.by(reader)?)
    }

    fn spoil(&mut self, order: &Order, reason: &str) -> Result<i64, StationError> {
        let Self { centre, store, reader, keyed } = self;
        keyed.clear();
        centre.book.spoil(store, order.card.job, reason, &centre.by(reader)?)
    }

    fn hold_reader(&mut self, reason: &str) -> Result<(), StationError> {
        let Self { centre, store, reader, .. } = self;
        centre.book.hold_reader(store, reason, &centre.by(reader)?)
    }

    fn lot_is_bad(&mut self) -> Result<bool, StationError> {
        let Self { centre, store, reader, .. } = self;
        let Care { lot: Some(lot), lot_percent_max, .. } = centre.care else { return Ok(false) };
        care::lot_is_bad(store, lot, lot_percent_max, &centre.by(reader)?)
    }

    fn photo(&mut self, order: &Order) -> Result<Option<Zeroizing<String>>, StationError> {
        Ok(self.store.read(|tx| tx.photo(order.card.person))?.as_ref().map(print::photo))
    }

    fn module(&self, _job: i64) -> Box<dyn SecurityModule> {
        Box::new(self.book().vault.keys())
    }
}

impl std::fmt::Debug for Local<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Local").field("batch", &self.batch).finish_non_exhaustive()
    }
}
