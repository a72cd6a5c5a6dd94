//! One life of a personalization station: it takes up the place as the last life left it, and works until the batch is
//! finished, or until what lies under it ends it.
//!
//! Owns: readers whose cards are files of the place, what a life says of the books before it begins. Never: knows which
//! fault it will meet.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use card_core::transport::{Transport, TransportError};
use card_sim::memory::Durability;
use card_sim::{Socket, image};
use issuer_service::batch::{self, BatchState};
use issuer_service::centre::Centre;
use issuer_service::state::State;
use issuer_service::station::Station;
use issuer_service::station::book::Book;
use issuer_service::station::care::Care;
use issuer_service::station::event::{Event, Watcher};
use issuer_service::station::gather::Gather;
use issuer_service::station::local::Local;
use issuer_service::station::slot::Slot;
use serde::{Deserialize, Serialize};

use crate::failure::Failure;
use crate::place::{BATCH, OPERATOR, Place};
use crate::store::{Books, Findings};

/// What a life finds before it touches anything.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Begin {
    /// Kinds of the journal's entries that were not known before.
    pub entries: Vec<String>,
    /// Records of the audit log.
    pub audited: u64,
    /// What does not fit together.
    pub findings: Findings,
}

/// What a life that ended by itself has done.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct End {
    /// Cards it made.
    pub made: u64,
    /// Cards of the batch that are spoilt.
    pub spoilt: u64,
    /// People who still wait.
    pub left: u64,
}

/// Lives once. `say` is told what it finds, before it begins.
///
/// # Errors
/// [`Failure`].
pub fn live(place: &Place, known: u64, say: impl FnOnce(&Begin)) -> Result<End, Failure> {
    // This connection brings the database back from what the last life left, and stays, so that the second look is never the
    // last to leave: that one would write the log back.
    let mut centre = Centre::open(&place.centre())?;
    let books = Books::open(&place.centre())?;
    say(&Begin { entries: books.entries(known)?, audited: books.audited()?, findings: books.findings()? });
    drop(books);
    let batch = centre.store.read(|tx| batch::found(tx, BATCH))?;
    if batch.state == BatchState::Finished.name() {
        return Ok(End { made: 0, spoilt: batch.spoilt, left: 0 });
    }
    let (vault, data_keys, profile) = (Place::vault()?, place.data_keys()?, Centre::card_profile());
    let mut slots: Vec<Box<dyn Slot>> = Vec::new();
    for reader in 0.. {
        let hopper = place.hopper(reader);
        if !hopper.is_dir() {
            break;
        }
        slots.push(Box::new(Desk::new(reader, hopper, place.out())?));
    }
    let database = centre.place()?;
    let local = Local {
        database: &database,
        folder: &centre.folder,
        data_keys: &data_keys,
        book: Book { vault: &vault, config: &centre.config, profile: &profile },
        batch: BATCH,
        operator: Some(OPERATOR),
        care: Care::default(),
        writes: Gather::default(),
    };
    let summary = Station {
        centre: &local,
        profile: &profile,
        batch: BATCH,
        wait: Duration::from_secs(5),
        failures_max: 3,
        row_max: 10,
        printer: None,
        watcher: &Nobody,
    }
    .run(slots)?;
    let spoilt = centre.store.read(|tx| batch::found(tx, BATCH))?.spoilt;
    Ok(End { made: summary.made, spoilt, left: summary.left })
}

/// Nobody is told.
struct Nobody;

impl Watcher for Nobody {
    fn event(&self, _: &Event<'_>) {}
    fn step(&self, _: &str, _: usize, _: usize) {}
}

/// A reader whose cards are files: the first of its hopper is in it, and stays there when the station dies.
struct Desk {
    name: String,
    hopper: PathBuf,
    out: PathBuf,
    current: Option<(PathBuf, Socket)>,
}

impl Desk {
    fn new(reader: usize, hopper: PathBuf, out: PathBuf) -> Result<Self, Failure> {
        let mut desk = Self { name: format!("desk {reader}"), hopper, out, current: None };
        desk.current = desk.first()?;
        Ok(desk)
    }

    fn first(&self) -> Result<Option<(PathBuf, Socket)>, Failure> {
        let Some(path) = files(&self.hopper)?.into_iter().next() else { return Ok(None) };
        let card = image::open(&path, Durability::Process)?;
        Ok(Some((path, Socket::new(card))))
    }

    /// Takes the card out and puts the next one in.
    fn feed(&mut self) -> Result<bool, Failure> {
        if let Some((path, _)) = self.current.take()
            && let Some(name) = path.file_name()
        {
            fs::rename(&path, self.out.join(name)).map_err(Failure::system(&path))?;
        }
        self.current = self.first()?;
        Ok(self.current.is_some())
    }

    fn gone(&self) -> TransportError {
        TransportError::ReaderGone { reader: self.name.clone() }
    }
}

/// Files of a folder, in order of their names.
pub(crate) fn files(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let entries = fs::read_dir(folder).map_err(Failure::system(folder))?;
    let mut files: Vec<PathBuf> = entries.filter_map(|entry| entry.ok().map(|entry| entry.path())).collect();
    files.sort();
    Ok(files)
}

impl Slot for Desk {
    fn name(&self) -> &str {
        &self.name
    }

    fn card(&mut self, _: Duration) -> Result<Option<Box<dyn Transport>>, TransportError> {
        let connected = self.current.as_ref().map(|(_, socket)| socket.connect()).transpose()?;
        Ok(connected.map(|transport| Box::new(transport) as Box<dyn Transport>))
    }

    fn emptied(&mut self, _: Duration) -> Result<bool, TransportError> {
        self.feed().map_err(|_| self.gone())?;
        Ok(true)
    }

    fn next(&mut self, _: Duration) -> Result<bool, TransportError> {
        self.feed().map_err(|_| self.gone())
    }

    fn feeds(&self) -> bool {
        true
    }
}
