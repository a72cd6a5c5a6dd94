//! Purchases in the terminal's journal, against bare durable SQLite inserts.
//!
//! Source: a purchase is three durable moves: PREPARED before the card is touched, SENT before DEBIT, CONFIRMED after it.
//! Owns: the bare side: as many transactions of one inserted row each, 250 bytes, with the same durability.
//! Never: touches a card.

use std::path::Path;

use card_counter::journal::{Done, Journal, Sent};
use card_counter::store::Store;
use rusqlite::{Connection, params};
use settlement::date::DateTime;
use settlement::id::{CardFactor, CardIdentifier, CardRandom, Mac, Tac};
use settlement::journal::Event;
use settlement::record::Evidence;

use crate::measure::{Aim, Row, alternate, timed};
use crate::purchase;

/// Purchases in a block of the measurement.
const ROUNDS: u32 = 25;

/// Blocks of the measurement: many short ones, because a disk's mood changes within a second.
const BLOCKS: usize = 61;

/// Durable moves of one purchase.
const MOVES: u32 = 3;

/// Bytes of a bare row.
const ROW_BYTES: usize = 250;

/// The row.
///
/// # Panics
/// When the folder for temporary files cannot be written.
#[must_use]
pub fn measure() -> Row {
    // Below the working folder: a folder for temporary files may be memory, where durable costs nothing.
    let folder = tempfile::tempdir_in(".").expect("this folder can be written");
    let mut store = Store::open(&folder.path().join("terminal")).expect("a journal");
    let bare = bare(&folder.path().join("bare.sqlite"));
    let (ours, bare) = alternate(
        BLOCKS,
        ROUNDS,
        |rounds| timed(|| (0..rounds).for_each(|_| one(&mut store))),
        |rounds| {
            timed(|| {
                for _ in 0..rounds * MOVES {
                    let mut insert = bare.prepare_cached("INSERT INTO row (body) VALUES (?1)").expect("a statement");
                    insert.execute(params![[0x5A_u8; ROW_BYTES]]).expect("written");
                }
            })
        },
    );
    let note = "three durable moves a purchase; bare: three durable inserts of one row of 250 bytes";
    Row::new("purchases journaled", "1/s", 1.0 / ours, 1.0 / bare, Aim::AtLeast(0.9), note)
}

fn one(store: &mut Store) {
    let card = CardIdentifier::parse("513300D156000005000000133A05F2E3").expect("hex");
    let draft = purchase::draft(card, CardFactor::parse("8650430200000013").expect("hex"));
    let number = store.prepare(&draft).expect("written").number;
    let sent = Sent {
        balance_before: 50_000,
        card_sequence: 7,
        terminal_sequence: 0xA5C3,
        date_time: DateTime::parse("20260105101112").expect("a date"),
        random: CardRandom([1, 2, 3, 4]),
        key_version: 1,
        algorithm: 1,
        mac: Mac([5, 6, 7, 8]),
    };
    store.send(number, &sent).expect("written");
    let done = Done { balance_after: 50_000, evidence: Evidence::Answered { tac: Tac([1, 2, 3, 4]), number: None } };
    store.confirm(number, Event::CardAnswered, &done).expect("written");
}

fn bare(path: &Path) -> Connection {
    let connection = Connection::open(path).expect("a database");
    connection.pragma_update(None, "journal_mode", "WAL").expect("a setting");
    connection.pragma_update(None, "synchronous", "FULL").expect("a setting");
    connection.execute("CREATE TABLE row (number INTEGER PRIMARY KEY, body BLOB NOT NULL)", []).expect("a table");
    connection
}
