//! READ RECORDs a second of the software card in process, against the copy of the same record out of a table.
//!
//! Owns: both loops. Never: goes through a reader or a session: what is measured is the card alone.

use std::hint::black_box;

use card_core::apdu::Protocol;
use card_core::command::{Record, read_record, select_by_name};

use crate::measure::{Aim, Row, alternate, timed};
use crate::sample::Sample;

/// Commands in a block of the measurement. Short blocks: one fits between two turns of the scheduler.
const ROUNDS: u32 = 2_000;

/// Blocks of the measurement.
const BLOCKS: usize = 201;

/// READ RECORDs a second that the software card owes.
const AIM: f64 = 1e6;

/// The row.
///
/// # Panics
/// When the card does not answer with the record.
#[must_use]
pub fn measure() -> Row {
    let mut sample = Sample::new();
    let socket = card_sim::Socket::new(sample.blank(1));
    sample.personalize_in(&socket);
    let df = sample.profile.df("SSSE").expect("the environment");
    let ef = df.ef.iter().find(|ef| ef.id == "EF05").expect("the issuer's file");
    let mut card = socket.card();
    card.power_on().expect("the card comes up");
    let mut answer = Vec::with_capacity(258);
    card.transmit(&select_by_name(&df.df_name).encode(Protocol::T0), &mut answer).expect("the card answers");
    assert_eq!(answer.first(), Some(&0x61), "the environment is there");
    // Each of the records by its number, as a reader that does not know the card goes through the file.
    let commands: Vec<Vec<u8>> =
        (1..=ef.records).map(|number| read_record(ef.sfi(), Record::Number(number), 0).encode(Protocol::T0)).collect();
    let answers: Vec<Vec<u8>> = commands
        .iter()
        .map(|command| {
            answer.clear();
            card.transmit(command, &mut answer).expect("the card answers");
            assert!(answer.ends_with(&[0x90, 0x00]) && answer.len() > 4, "a record");
            answer.clone()
        })
        .collect();
    let mut copied = Vec::with_capacity(258);
    let (ours, bare) = alternate(
        BLOCKS,
        ROUNDS,
        |rounds| {
            timed(|| {
                for (_, command) in (0..rounds).zip(commands.iter().cycle()) {
                    answer.clear();
                    card.transmit(black_box(command), &mut answer).expect("the card answers");
                    assert!(black_box(&answer).ends_with(&[0x90, 0x00]));
                }
            })
        },
        |rounds| {
            timed(|| {
                for (_, stored) in (0..rounds).zip(answers.iter().cycle()) {
                    copied.clear();
                    copied.extend_from_slice(black_box(stored));
                    assert!(black_box(&copied).ends_with(&[0x90, 0x00]));
                }
            })
        },
    );
    let note = "EF05 record by record; bare: the answer copied out of a table, without command, file, rule or state";
    Row::new("READ RECORDs of the software card", "1/s", 1.0 / ours, 1.0 / bare, Aim::OursAtLeast(AIM), note)
}
