//! Rows a second of `issuer person import`, against the bare parse and the bare insert of the same rows.
//!
//! Source: AES-256-GCM and HMAC-SHA-256 as docs/adr/0020 asks for them.
//! Owns: the bare sides. *Parse*: the `csv` crate reads every cell. *Insert*: SQLite, durable transactions of 1,000 rows, each
//! row's cells as texts, the number unique, since a registry finds people by it. *Seal*: one AEAD over the cells and the keyed
//! hashes of number and name; it is not in the floor of the aim. *Registry*: these sealed rows with the indexes that find a person by
//! keyed hashes, which fall all over their pages, and by county; as many rows a transaction as an import takes.
//! Never: counts the making of the file or of the centre.

use std::path::Path;
use std::time::Duration;

use ring::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use ring::hmac;
use rusqlite::types::{ToSqlOutput, Value};
use rusqlite::{Connection, params_from_iter};

use crate::centre::Place;
use crate::measure::{Aim, Row, alternate, timed};
use crate::people;

/// Rows of one import.
const ROWS: u32 = 50_000;

/// Imports, each of new people into the same database.
const BLOCKS: usize = 5;

/// Rows of a bare transaction, and of one as an import has them.
const TRANSACTION: u32 = 1_000;
const WIDE: u32 = 25_000;

/// Bytes of a keyed hash.
const HASH_BYTES: usize = 32;

/// What of the bare work is done.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Bare {
    Parse,
    Insert,
    Seal,
    Registry,
}

/// The rows.
///
/// # Panics
/// When the working folder cannot be written.
#[must_use]
pub fn measure() -> Vec<Row> {
    let what = "people imported";
    let row = |bare, aim, what: &str, note: &str| {
        let (ours, bare) = against(bare);
        Row::new(what, "1/s", 1.0 / ours, 1.0 / bare, aim, note)
    };
    let note =
        "bare: csv parse and durable insert of the same cells, 1,000 rows a transaction, number unique; nothing sealed";
    vec![
        row(Bare::Insert, Aim::AtLeast(0.5), what, note),
        row(
            Bare::Seal,
            Aim::None,
            &format!("{what}, sealed"),
            "bare: the same, with AEAD of the cells and two keyed hashes",
        ),
        row(
            Bare::Registry,
            Aim::None,
            &format!("{what}, sealed and found"),
            "bare: sealed cells as one, unique by a keyed hash, indexes by another one and by county, 25,000 rows a transaction",
        ),
        row(Bare::Parse, Aim::None, &format!("{what}, to the parse"), "bare: the csv parse alone"),
    ]
}

/// Seconds a row of ours and of the bare work.
fn against(bare: Bare) -> (f64, f64) {
    let mut place = Place::new();
    let (file, bare_file) = (place.path("people.csv"), place.path("bare.csv"));
    let mut database = open(&place.path("bare.sqlite"));
    let (mut next, mut bare_next) = (0, 0);
    alternate(
        BLOCKS,
        ROWS,
        |rows| {
            std::fs::write(&file, people::csv(next, rows)).expect("written");
            next += rows;
            timed(|| place.import(&file, rows))
        },
        |rows| {
            std::fs::write(&bare_file, people::csv(bare_next, rows)).expect("written");
            bare_next += rows;
            bare_import(&bare_file, &mut database, bare)
        },
    )
}

fn open(path: &Path) -> Connection {
    let connection = Connection::open(path).expect("a database");
    connection.pragma_update(None, "journal_mode", "WAL").expect("a setting");
    connection.pragma_update(None, "synchronous", "FULL").expect("a setting");
    let columns = "name TEXT, sex TEXT, ethnic TEXT, birth TEXT, region TEXT, address TEXT, phone TEXT, employer TEXT";
    let table =
        format!("CREATE TABLE person (id INTEGER PRIMARY KEY, number TEXT NOT NULL UNIQUE, {columns}, sealed BLOB)");
    connection.execute(&table, ()).expect("a table");
    let registry = "CREATE TABLE registry (id INTEGER PRIMARY KEY, number BLOB NOT NULL UNIQUE, name BLOB NOT NULL,
                                           region TEXT NOT NULL, sealed BLOB NOT NULL);
                    CREATE INDEX registry_name ON registry (name);
                    CREATE INDEX registry_region ON registry (region, id);
                    PRAGMA cache_size = -65536; PRAGMA wal_autocheckpoint = 8192;";
    connection.execute_batch(registry).expect("a table");
    connection
}

fn bare_import(file: &Path, database: &mut Connection, bare: Bare) -> Duration {
    let aead = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &[0x5A; 32]).expect("32 bytes"));
    let lookup = hmac::Key::new(hmac::HMAC_SHA256, &[0xA5; 32]);
    timed(|| {
        let mut reader = csv::Reader::from_path(file).expect("a file");
        let mut record = csv::StringRecord::new();
        let mut left = reader.read_record(&mut record).expect("a row");
        let mut number = 0_u64;
        while left {
            let tx = (bare != Bare::Parse).then(|| database.transaction().expect("alone"));
            for _ in 0..(if bare == Bare::Registry { WIDE } else { TRANSACTION }) {
                assert_eq!(record.len(), people::COLUMNS, "every cell is read");
                if let (Bare::Registry, Some(tx)) = (bare, &tx) {
                    number += 1;
                    let sealed = seal(&aead, &lookup, number, &record);
                    let (sealed, hashes) = sealed.split_at(sealed.len() - 2 * HASH_BYTES);
                    let (number, name) = hashes.split_at(HASH_BYTES);
                    let insert = "INSERT INTO registry (number, name, region, sealed) VALUES (?1, ?2, ?3, ?4)";
                    let mut statement = tx.prepare_cached(insert).expect("a statement");
                    let region = record.get(people::REGION).unwrap_or_default();
                    statement.execute((number, name, region, sealed)).expect("inserted");
                } else if let Some(tx) = &tx {
                    let sealed = (bare == Bare::Seal).then(|| {
                        number += 1;
                        seal(&aead, &lookup, number, &record)
                    });
                    let insert = "INSERT INTO person (number, name, sex, ethnic, birth, region, address, phone, employer, sealed)
                                  VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";
                    let cells = record.iter().map(ToSqlOutput::from);
                    let sealed = ToSqlOutput::Owned(sealed.map_or(Value::Null, Value::Blob));
                    let mut statement = tx.prepare_cached(insert).expect("a statement");
                    statement.execute(params_from_iter(cells.chain([sealed]))).expect("inserted");
                }
                left = reader.read_record(&mut record).expect("a row");
                if !left {
                    break;
                }
            }
            if let Some(tx) = tx {
                tx.commit().expect("durable");
            }
        }
    })
}

/// Nonce, cells, tag, and both hashes.
fn seal(aead: &LessSafeKey, lookup: &hmac::Key, number: u64, record: &csv::StringRecord) -> Vec<u8> {
    let mut nonce = [0; 12];
    nonce[4..].copy_from_slice(&number.to_be_bytes());
    let mut sealed = record.as_slice().as_bytes().to_vec();
    aead.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::empty(), &mut sealed).expect("a short row");
    for cell in record.iter().take(2) {
        sealed.extend_from_slice(hmac::sign(lookup, cell.as_bytes()).as_ref());
    }
    sealed
}
