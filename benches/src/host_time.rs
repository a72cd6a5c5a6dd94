//! What the terminal itself needs for a purchase, without the card, the PSAM and the journal.
//!
//! Source: the order in which `sscard pay` calls the flows (`reader-cli/src/command/pay.rs`), from power-up to the confirmed entry.
//! Owns: the clocks around every call of a card and every call of the journal. The bare side copies the bytes of the same exchanges.
//! Never: counts the reading of profiles, or a bill's prices.
//! Units: milliseconds a purchase.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use card_core::Session;
use card_core::apdu::Protocol;
use card_core::security::psam::Psam;
use card_core::transport::{Transport, TransportError};
use card_counter::journal::{Done, Draft, Entry, EntryNumber, Journal, Sent, Shown};
use card_counter::pay::{Till, pay};
use card_counter::secret::Pin;
use card_counter::settle::settle;
use card_counter::store::{Store, StoreError};
use card_counter::tap::{Ask, tap};
use card_counter::{account, pin};
use card_profiles::Catalog;
use card_profiles::memory::CardMemory;
use card_profiles::psams::PsamMemory;
use card_sim::Socket;
use settlement::date::DateTime;
use settlement::id::CardIdentifier;
use settlement::journal::Event;

use crate::measure::{Aim, Row, alternate, timed};
use crate::purchase;
use crate::sample::Sample;

/// Purchases in a block.
const ROUNDS: u32 = 20;
/// Blocks.
const BLOCKS: usize = 21;
/// The bound, milliseconds.
const AIM: Aim = Aim::OursAtMost(1.0);
/// The initial PIN of the software card: this bench pays with it, a terminal would refuse.
const PIN: &str = "123456";

/// Time that was not the terminal's.
type Elsewhere = Arc<AtomicU64>;

/// Bytes of exchanges, in order: command and answer.
type Said = Arc<Mutex<Vec<(Vec<u8>, Vec<u8>)>>>;

/// The row.
///
/// # Panics
/// When a card refuses, or the working folder cannot be written.
#[must_use]
pub fn measure() -> Row {
    let folder = tempfile::tempdir_in(".").expect("this folder can be written");
    let mut bench = Bench::new(folder.path());
    let said = Said::default();
    bench.purchase(Some(&said));
    let said = said.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let (ours, bare) = alternate(
        BLOCKS,
        ROUNDS,
        |rounds| (0..rounds).map(|_| bench.purchase(None)).sum(),
        |rounds| timed(|| (0..rounds).for_each(|_| copied(&said))),
    );
    let note = format!("{} exchanges; bare: their bytes copied", said.len());
    Row::new("purchase: host time", "ms", ours * 1e3, bare * 1e3, AIM, &note)
}

/// The bytes of every exchange, once.
fn copied(said: &[(Vec<u8>, Vec<u8>)]) {
    for (command, answer) in said {
        std::hint::black_box((command.clone(), answer.clone()));
    }
}

struct Bench {
    card: Socket,
    psam: Socket,
    catalog: Catalog,
    known: PsamMemory,
    store: Store,
}

impl Bench {
    fn new(folder: &Path) -> Self {
        let mut sample = Sample::new();
        let card = Socket::new(sample.blank(1));
        sample.personalize_in(&card);
        let psam = purchase::psam(&mut sample);
        let store = Store::open(&folder.join("terminal")).expect("a journal");
        Self { card, psam, catalog: Catalog::builtin(), known: PsamMemory::default(), store }
    }

    /// One purchase: the time that the terminal itself needed for it.
    fn purchase(&mut self, said: Option<&Said>) -> Duration {
        let elsewhere = Elsewhere::default();
        let timer = |socket: &Socket| Timer {
            card: Box::new(socket.connect().expect("comes up")),
            elsewhere: Arc::clone(&elsewhere),
            said: said.map(Arc::clone),
        };
        let (card, psam) = (timer(&self.card), timer(&self.psam));
        let mut journal = Clocked { store: &mut self.store, elsewhere: Arc::clone(&elsewhere) };
        let start = Instant::now();
        let session = Session::new(Box::new(card));
        let mut tapped = tap(session, &self.catalog, CardMemory::default(), Ask::Nothing).expect("our card");
        let names = self.catalog.psam_of(self.catalog.first());
        let mut psam =
            Psam::open(Session::new(Box::new(psam)), names, self.catalog.first().psam_keys()).expect("a PSAM");
        pin::tries_left(&mut tapped).expect("the card answers");
        pin::verify(&mut tapped, &Pin::parse(PIN).expect("digits"), false).expect("the PIN is right");
        let rules = tapped.account().expect("an account");
        settle(&mut tapped, rules, &mut journal, true).expect("nothing is open");
        assert_eq!(tapped.fits(&mut psam, &mut self.known).expect("both answer"), Some(true));
        account::personal_account(&mut tapped, rules).expect("a balance");
        let draft = purchase::draft(tapped.identifier, tapped.card_factor());
        let date_time = DateTime::parse("20260105101112").expect("a date");
        let mut till = Till { psam: &mut psam, rules, date_time };
        pay(&mut tapped, &mut till, &mut journal, &draft).expect("the card pays");
        start.elapsed().saturating_sub(Duration::from_nanos(elsewhere.load(Ordering::Relaxed)))
    }
}

/// A card whose time does not count.
struct Timer {
    card: Box<dyn Transport>,
    elsewhere: Elsewhere,
    said: Option<Said>,
}

impl Transport for Timer {
    fn transmit(&mut self, command: &[u8], answer: &mut Vec<u8>) -> Result<(), TransportError> {
        let before = answer.len();
        let sent = clocked(&self.elsewhere, || self.card.transmit(command, answer));
        if let Some(said) = &self.said {
            let heard = answer.get(before..).unwrap_or_default().to_vec();
            said.lock().unwrap_or_else(PoisonError::into_inner).push((command.to_vec(), heard));
        }
        sent
    }

    fn reset(&mut self) -> Result<(), TransportError> {
        clocked(&self.elsewhere, || self.card.reset())
    }

    fn atr(&self) -> &[u8] {
        self.card.atr()
    }

    fn protocol(&self) -> Protocol {
        self.card.protocol()
    }
}

/// A journal whose time does not count.
struct Clocked<'s> {
    store: &'s mut Store,
    elsewhere: Elsewhere,
}

impl Journal for Clocked<'_> {
    fn prepare(&mut self, draft: &Draft) -> Result<Entry, StoreError> {
        clocked(&self.elsewhere, || self.store.prepare(draft))
    }

    fn send(&mut self, number: EntryNumber, sent: &Sent) -> Result<(), StoreError> {
        clocked(&self.elsewhere, || self.store.send(number, sent))
    }

    fn confirm(&mut self, number: EntryNumber, event: Event, done: &Done) -> Result<Entry, StoreError> {
        clocked(&self.elsewhere, || self.store.confirm(number, event, done))
    }

    fn close(&mut self, number: EntryNumber, event: Event, reason: &str) -> Result<Entry, StoreError> {
        clocked(&self.elsewhere, || self.store.close(number, event, reason))
    }

    fn contradict(&mut self, number: EntryNumber, against: &str, done: Option<&Done>) -> Result<Entry, StoreError> {
        clocked(&self.elsewhere, || self.store.contradict(number, against, done))
    }

    fn note_shown(&mut self, number: EntryNumber, shown: Shown) -> Result<(), StoreError> {
        clocked(&self.elsewhere, || self.store.note_shown(number, shown))
    }

    fn open_of(&mut self, card: &CardIdentifier) -> Result<Vec<Entry>, StoreError> {
        clocked(&self.elsewhere, || self.store.open_of(card))
    }
}

fn clocked<T>(elsewhere: &Elsewhere, work: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let done = work();
    let nanos = u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX);
    elsewhere.fetch_add(nanos, Ordering::Relaxed);
    done
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_elsewhere_is_counted_once_and_every_exchange_is_heard() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut bench = Bench::new(folder.path());
        let said = Said::default();
        bench.purchase(Some(&said));
        let said = said.lock().expect("nobody holds it").clone();
        let sent = |cla: u8, ins: u8| said.iter().filter(|(command, _)| command.starts_with(&[cla, ins])).count();
        assert_eq!((sent(0xB0, 0x2C), sent(0x80, 0x70), sent(0x80, 0x72)), (1, 1, 1), "one DEBIT, one MAC1, one MAC2");
        assert!(said.iter().all(|(command, answer)| command.len() >= 4 && answer.len() >= 2));
        assert_eq!(bench.store.entries().expect("reads").len(), 1);
        bench.purchase(None);
        assert_eq!(bench.store.entries().expect("reads").len(), 2);
    }
}
