//! Virtual readers of a private PC/SC daemon, with software cards in them.
//!
//! Source: vpcd protocol of the virtual smart card project; pcsc-lite socket activation (`LISTEN_FDS`).
//! Owns: a daemon of its own, one slot a card, putting cards in and pulling them out, cleaning up.
//! Never: touches the system's daemon; needs root. The driver, not we, listens for cards, and on all addresses.

pub mod control;
mod daemon;
mod error;
mod slot;
pub mod vpcd;

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

pub use error::ReaderError;

use crate::fault::FaultPlan;
use crate::image;
use crate::memory::Durability;
use daemon::Daemon;
use slot::Slot;

/// Most slots of one daemon: pcsc-lite has 16 reader contexts.
pub const SLOTS_MAX: usize = 16;

/// Tries to start a daemon on free ports.
const PORT_TRIES: usize = 3;
/// Longest wait for all drivers to listen; it takes some 10 ms.
const START_LIMIT: Duration = Duration::from_secs(5);
/// Between two looks at the drivers.
const START_LOOK: Duration = Duration::from_millis(2);
/// Longest wait for the daemon to see a change: it polls every 400 ms.
const NOTICE_LIMIT: Duration = Duration::from_secs(10);

/// A private daemon with its readers; dropping it ends everything.
///
/// Several threads may move cards at once: a reader takes up to 400 ms to notice one, and the others need not wait for it.
#[derive(Debug)]
pub struct Farm {
    daemon: Mutex<Daemon>,
    csock: PathBuf,
    daemon_pid: u32,
    slots: Vec<Slot>,
    hopper: Option<PathBuf>,
    fed: Mutex<Vec<PathBuf>>,
    durability: Durability,
}

/// What is in a slot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SlotStatus {
    /// Number of the slot, from 0.
    pub slot: usize,
    /// Name of the reader, as PC/SC programs see it.
    pub reader: String,
    /// Image in it.
    pub image: Option<PathBuf>,
    /// Whether the reader sees a card: an image may be away for a moment after a power loss.
    pub present: bool,
}

impl Farm {
    /// Starts a private daemon with `slots` empty readers. Files go into `state`, which must be this farm's own.
    ///
    /// # Errors
    /// [`ReaderError`]; a missing daemon or driver names the package to install.
    pub fn start(state: &Path, slots: usize) -> Result<Self, ReaderError> {
        Self::start_with(state, slots, &[], Durability::Process)
    }

    /// As [`Farm::start`], with images in the first slots before the daemon looks.
    ///
    /// # Errors
    /// [`ReaderError`].
    pub fn start_with(
        state: &Path,
        slots: usize,
        images: &[PathBuf],
        durability: Durability,
    ) -> Result<Self, ReaderError> {
        let count = slots.max(images.len());
        if count == 0 || count > SLOTS_MAX {
            return Err(ReaderError::SlotCount(count));
        }
        let farm = Self::on_free_ports(state, count, images, durability)?;
        for slot in 0..images.len() {
            if !farm.slot(slot)?.wait_until_powered(NOTICE_LIMIT) {
                return Err(farm.daemon().failed());
            }
        }
        Ok(farm)
    }

    /// A daemon whose drivers all listen; ports that another program took in between are given up for others.
    fn on_free_ports(
        state: &Path,
        count: usize,
        images: &[PathBuf],
        durability: Durability,
    ) -> Result<Self, ReaderError> {
        let mut failure = None;
        for _ in 0..PORT_TRIES {
            // The driver opens two slots a copy, so an odd slot has an empty neighbour.
            let pairs = vpcd::port_pairs(count.div_ceil(2)).map_err(ReaderError::Network)?;
            let ports: Vec<u16> = pairs.iter().flat_map(|port| [*port, port + 1]).collect();
            let slots: Result<Vec<Slot>, _> =
                ports.iter().enumerate().map(|(number, port)| Slot::open(number, *port)).collect();
            let slots = slots.map_err(ReaderError::Network)?;
            for (slot, path) in slots.iter().zip(images) {
                slot.put(path, image::open(path, durability)?);
            }
            let mut daemon = Daemon::start(state, &pairs)?;
            let deadline = Instant::now() + START_LIMIT;
            while daemon.runs() && Instant::now() < deadline {
                if vpcd::all_listen(&ports) {
                    return Ok(Self {
                        csock: daemon.csock().to_owned(),
                        daemon_pid: daemon.pid(),
                        daemon: Mutex::new(daemon),
                        slots,
                        hopper: None,
                        fed: Mutex::new(images.to_vec()),
                        durability,
                    });
                }
                std::thread::sleep(START_LOOK);
            }
            failure = Some(daemon.failed());
        }
        Err(failure.expect("at least one try"))
    }

    /// Path for `PCSCLITE_CSOCK_NAME` of every PC/SC program that is to see these readers.
    #[must_use]
    pub fn csock(&self) -> &Path {
        &self.csock
    }

    /// Process id of the daemon.
    #[must_use]
    pub const fn daemon_pid(&self) -> u32 {
        self.daemon_pid
    }

    /// Whether the daemon still runs.
    pub fn daemon_runs(&self) -> bool {
        self.daemon().runs()
    }

    /// Name of the reader of a slot, as PC/SC programs see it.
    ///
    /// # Errors
    /// [`ReaderError::NoSuchSlot`].
    pub fn reader_name(&self, slot: usize) -> Result<String, ReaderError> {
        Ok(self.slot(slot)?.reader_name())
    }

    /// Puts a card in, and waits until the reader has powered it.
    ///
    /// # Errors
    /// [`ReaderError::Occupied`], or why the image cannot be opened.
    pub fn insert(&self, slot: usize, path: &Path) -> Result<(), ReaderError> {
        let place = self.slot(slot)?;
        let _turn = place.turn();
        self.put(slot, path)?;
        self.fed().push(path.to_owned());
        Ok(())
    }

    /// As [`Farm::insert`], by the one whose turn it is at the slot.
    fn put(&self, slot: usize, path: &Path) -> Result<(), ReaderError> {
        let place = self.slot(slot)?;
        if place.image().is_some() {
            return Err(ReaderError::Occupied(slot));
        }
        place.put(path, image::open(path, self.durability)?);
        if place.wait_until_powered(NOTICE_LIMIT) { Ok(()) } else { Err(self.daemon().failed()) }
    }

    /// Pulls the card, and waits until the reader has noticed. Answers the image that was in the slot.
    ///
    /// # Errors
    /// [`ReaderError::NoSuchSlot`].
    pub fn eject(&self, slot: usize) -> Result<Option<PathBuf>, ReaderError> {
        let place = self.slot(slot)?;
        let _turn = place.turn();
        Ok(Self::pull(place))
    }

    /// As [`Farm::eject`], by the one whose turn it is at the slot.
    fn pull(place: &Slot) -> Option<PathBuf> {
        let taken = place.take();
        if taken.is_some() {
            place.wait_until_missed(NOTICE_LIMIT);
        }
        taken
    }

    /// Folder of images that [`Farm::next`] feeds from.
    pub fn set_hopper(&mut self, folder: Option<PathBuf>) {
        self.hopper = folder;
    }

    /// The feeder: ejects, then inserts the next image of the hopper, in the order of names, each once.
    /// `None`: the hopper is empty.
    ///
    /// # Errors
    /// [`ReaderError::NoHopper`], or as [`Farm::insert`].
    pub fn next(&self, slot: usize) -> Result<Option<PathBuf>, ReaderError> {
        let place = self.slot(slot)?;
        let folder = self.hopper.clone().ok_or(ReaderError::NoHopper)?;
        let _turn = place.turn();
        Self::pull(place);
        let fault = |source| ReaderError::State { path: folder.clone(), source };
        let mut images = Vec::new();
        for entry in std::fs::read_dir(&folder).map_err(fault)? {
            images.push(entry.map_err(fault)?.path());
        }
        images.retain(|path| path.extension().is_some_and(|ending| ending == "card"));
        images.sort();
        // Taken from the hopper before it is in the reader, so that two feeders never take the same one.
        let taken = {
            let mut fed = self.fed();
            let next = images.into_iter().find(|path| !fed.contains(path));
            fed.extend(next.clone());
            next
        };
        let Some(path) = taken else { return Ok(None) };
        self.put(slot, &path)?;
        Ok(Some(path))
    }

    /// Sets what is to go wrong with the card in a slot.
    ///
    /// # Errors
    /// [`ReaderError::Empty`], or [`ReaderError::State`] when the image cannot hold the faults.
    pub fn set_faults(&self, slot: usize, faults: FaultPlan) -> Result<(), ReaderError> {
        self.slot(slot)?.set_faults(faults)?.ok_or(ReaderError::Empty(slot))
    }

    /// Faults still to come for the card in a slot.
    ///
    /// # Errors
    /// [`ReaderError::Empty`].
    pub fn faults(&self, slot: usize) -> Result<FaultPlan, ReaderError> {
        self.slot(slot)?.faults().ok_or(ReaderError::Empty(slot))
    }

    /// All slots.
    #[must_use]
    pub fn status(&self) -> Vec<SlotStatus> {
        self.slots.iter().map(Slot::status).collect()
    }

    fn daemon(&self) -> MutexGuard<'_, Daemon> {
        self.daemon.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn fed(&self) -> MutexGuard<'_, Vec<PathBuf>> {
        self.fed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn slot(&self, slot: usize) -> Result<&Slot, ReaderError> {
        self.slots.get(slot).ok_or(ReaderError::NoSuchSlot { slot, slots: self.slots.len() })
    }
}
