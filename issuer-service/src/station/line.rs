//! What a station asks of the centre, wherever the centre is: in this process (`local`) or at the other end of a line
//! (`remote`).
//!
//! Owns: the questions, what an order to make a card consists of. Never: holds a key: a module answers references.

use std::sync::Arc;

use card_core::security::{CityCode, SecurityModule};
use card_profiles::CardValues;
use card_profiles::plan::Plan;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::failure::StationError;
use crate::batch::SetAside;
use crate::card::{Card, Chip};

/// A centre that gives work to the readers of a station.
pub trait Centre: Sync {
    /// Begins a run on these readers: operator, holds, batch.
    ///
    /// # Errors
    /// [`StationError`]; nothing is begun then.
    fn begin(&self, readers: &[&str]) -> Result<(), StationError>;

    /// A line for the thread of one reader.
    ///
    /// # Errors
    /// [`StationError`].
    fn line(&self, reader: &str) -> Result<Box<dyn Line + '_>, StationError>;

    /// Ends a run; finishes the batch when nothing of it is open.
    ///
    /// # Errors
    /// [`StationError`].
    fn end(&self) -> Result<Rest, StationError>;
}

/// What the thread of one reader asks. What is noted, finished or spoilt is durable when the call returns.
pub trait Line {
    /// Whether the batch has something to do for a station.
    ///
    /// # Errors
    /// [`StationError`].
    fn work_left(&mut self) -> Result<bool, StationError>;

    /// Whether other stations have begun or on lease what is left, when there is nothing to do for this one.
    ///
    /// # Errors
    /// [`StationError`].
    fn is_left_to_others(&mut self) -> Result<bool, StationError>;

    /// Whether one of the next cards may be of use though nobody waits for a blank one: a card begun here, one from a factory.
    ///
    /// # Errors
    /// [`StationError`].
    fn others_may_come(&mut self) -> Result<bool, StationError>;

    /// Whether the centre knows the chip, before the card is asked anything.
    ///
    /// # Errors
    /// [`StationError`].
    fn find(&mut self, chip: &Chip) -> Result<Found, StationError>;

    /// Binds a chip to a job, durably, before anything is written to it. `made` is the identifier that a factory wrote:
    /// city, RID, serial as 24 hex digits.
    ///
    /// # Errors
    /// [`StationError`].
    fn bind(&mut self, chip: &Chip, made: Option<&str>) -> Result<Bound, StationError>;

    /// Notes something about a job in the journal.
    ///
    /// # Errors
    /// [`StationError`].
    fn note(&mut self, job: i64, event: &str, detail: &str) -> Result<(), StationError>;

    /// A directory of a job's card has its production keys. It may be forgotten when this process is killed: the card is asked
    /// then. What is noted of the job later brings it along.
    ///
    /// # Errors
    /// [`StationError`].
    fn keyed(&mut self, job: i64, df: &str) -> Result<(), StationError>;

    /// A card was read back as written: its receipt is signed. `read_back` is the digest of what the card answered. With `to_print` it is
    /// on record before the printer gets anything that it was to print the card, and by whom.
    ///
    /// # Errors
    /// [`StationError::ReadBackDiffers`] when it is not what the centre prepared; [`StationError::DataChanged`] when what goes onto the
    /// card changed meanwhile: [`Line::find`] has the order by which the same card is written anew.
    fn finish(&mut self, order: &Order, steps: usize, read_back: &str, to_print: bool) -> Result<(), StationError>;

    /// A card failed; the job that follows.
    ///
    /// # Errors
    /// [`StationError`].
    fn spoil(&mut self, order: &Order, reason: &str) -> Result<i64, StationError>;

    /// Cards that failed on this reader since the last good one or its last release, in whichever run.
    ///
    /// # Errors
    /// [`StationError`].
    fn failures_in_a_row(&mut self) -> Result<u32, StationError>;

    /// Keeps the reader from work.
    ///
    /// # Errors
    /// [`StationError`].
    fn hold_reader(&mut self, reason: &str) -> Result<(), StationError>;

    /// Whether the lot of this run has become bad; it is kept from work then.
    ///
    /// # Errors
    /// [`StationError`].
    fn lot_is_bad(&mut self) -> Result<bool, StationError>;

    /// The photo that is printed, JPEG in Base64 (RFC 4648), when there is one.
    ///
    /// # Errors
    /// [`StationError`].
    fn photo(&mut self, order: &Order) -> Result<Option<Zeroizing<String>>, StationError>;

    /// The module that answers for the keys of a job's card.
    fn module(&self, job: i64) -> Box<dyn SecurityModule>;
}

/// What the centre knows of a chip.
#[derive(Debug)]
pub enum Found {
    /// Nothing, or nothing that it says before the card was looked at.
    Free,
    /// It was begun here and goes on.
    Begun(Box<Order>),
    /// It belongs to somebody already.
    Taken,
    /// It was begun here, and what is known of its person now goes onto no card: its job is set aside.
    Unfit,
}

/// What came of binding.
#[derive(Debug)]
pub enum Bound {
    /// The chip is the card of this order now.
    New(Box<Order>),
    /// It belongs to somebody already.
    Taken,
    /// It holds an identifier that no factory told the centre.
    NotBlank,
    /// No job waits for a blank card.
    NothingWaits,
    /// The job that was on lease is not any more: the lease has ended, or nobody waits for its card.
    Gone,
    /// Stock has no blank card for this station.
    NoBlanks,
}

/// A card to be made: everything but keys.
#[derive(Clone)]
pub struct Order {
    /// The card.
    pub card: Card,
    /// What is written to it.
    pub values: CardValues,
    /// Who it is for, as it is printed.
    pub holder: Holder,
    /// City of the centre, a diversification factor.
    pub city: CityCode,
    /// Lot of the transport key.
    pub transport_lot: u8,
    /// Version of its keys.
    pub key_version: u8,
    /// Directories that have their production keys, as the journal says.
    pub keyed: Vec<String>,
    /// How often what goes onto the card had changed since the job was made (docs/adr/0075).
    pub changes: i64,
    /// Its plan, of a blank card, when it was made with the order.
    pub plan: Option<Arc<Plan>>,
}

impl Order {
    /// Whether what is written by another order is the same.
    #[must_use]
    pub fn makes_the_same_as(&self, other: &Self) -> bool {
        let card = |order: &Self| (order.card.job, order.card.chip.clone(), order.city, order.transport_lot);
        self.values == other.values && self.key_version == other.key_version && card(self) == card(other)
    }
}

/// Who a card is for, as it is printed on it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// 姓名.
    pub name: String,
    /// 姓名 in the script of the holder's own people; empty where there is none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name_script: String,
    /// 社会保障号码.
    pub number: String,
}

/// What is left at the end of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rest {
    /// People of the batch who still wait for a card.
    pub left: u64,
    /// Jobs whose chip was not seen again.
    pub unfinished: Vec<i64>,
    /// Jobs of the batch for which no card can be made any more.
    #[serde(default)]
    pub set_aside: Vec<SetAside>,
}

/// Note in the journal: this directory has its production control key.
pub const KEYS_DONE: &str = "keys";

impl std::fmt::Debug for Order {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Order").field("job", &self.card.job).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Holder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Holder(..)")
    }
}
