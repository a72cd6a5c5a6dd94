//! One command through the system's PC/SC daemon: our session against a bare `SCardTransmit` loop.
//!
//! Owns: a private daemon with one blank card; the bare loop. PC/SC clients find a private daemon by an environment
//! variable that must be set before their first context, so the measurement runs in a child of this program.
//! Never: touches the daemon or the readers of the machine.

use std::ffi::CString;
use std::process::Command;

use card_core::command::{self, Record};
use card_core::transport::pcsc::Readers;
use card_core::{Session, StatusWord};
use card_sim::fault::FaultPlan;
use card_sim::reader::Farm;
use pcsc::{Context, Protocols, Scope, ShareMode};

use crate::measure::{Aim, Row, alternate, timed};

/// Argument that makes this program the child.
pub const CHILD: &str = "round-trip-child";

/// Commands in a block of the measurement.
const ROUNDS: u32 = 1_000;

/// Blocks of the measurement.
const BLOCKS: usize = 21;

/// The command: record 1 of EF05 by SFI, 18 bytes.
const LENGTH: u16 = 18;

/// The row, measured by a child of this program.
///
/// # Panics
/// When no private daemon can be had: `make setup` installs it.
#[must_use]
pub fn measure() -> Row {
    let folder = tempfile::tempdir().expect("a folder for temporary files");
    let image = folder.path().join("blank.card");
    let text = card_profiles::builtin_text("ssc-3.0").expect("built in");
    card_sim::image::create(&image, text, [0, 0, 0, 0, 0, 1], &FaultPlan::default()).expect("an image");
    let farm = Farm::start(&folder.path().join("daemon"), 1).expect("a private PC/SC daemon");
    farm.insert(0, &image).expect("the reader sees the card");
    let program = std::env::current_exe().expect("this program has a path");
    let child = Command::new(program).arg(CHILD).env("PCSCLITE_CSOCK_NAME", farm.csock()).output().expect("a child");
    assert!(child.status.success(), "{}", String::from_utf8_lossy(&child.stderr));
    serde_json::from_slice(&child.stdout).expect("the child prints one row")
}

/// The row, measured here: the only reader of the daemon holds a card.
///
/// # Panics
/// When the card refuses the command.
#[must_use]
pub fn measure_here() -> Row {
    let readers = Readers::establish().expect("the daemon runs");
    let reader = readers.choose("0").expect("one reader").name;
    let ssse = card_profiles::builtin("ssc-3.0").and_then(|profile| profile.df.into_iter().next()).expect("SSSE");
    let select = command::select_by_name(&ssse.df_name);
    let name = CString::new(reader.as_str()).expect("a reader's name");
    let context = Context::establish(Scope::User).expect("the daemon runs");
    let (ours, bare) = alternate(
        BLOCKS,
        ROUNDS,
        |rounds| {
            let mut session = Session::new(Box::new(readers.connect(&reader).expect("the card is free")));
            assert!(session.send(&select).expect("answers").sw.is_ok());
            timed(|| {
                for _ in 0..rounds {
                    let read = command::read_record(5, Record::Number(1), LENGTH);
                    assert_eq!(session.send(&read).expect("answers").sw, StatusWord::OK);
                }
            })
        },
        |rounds| {
            let card = context.connect(&name, ShareMode::Exclusive, Protocols::T0).expect("the card is free");
            let mut buffer = [0; 258];
            let select = select.encode(card_core::apdu::Protocol::T0);
            assert_eq!(card.transmit(&select, &mut buffer).expect("answers").first(), Some(&0x61));
            timed(|| {
                for _ in 0..rounds {
                    let answer = card.transmit(&[0x00, 0xB2, 0x01, 0x2C, 0x12], &mut buffer).expect("answers");
                    assert_eq!(answer.len(), usize::from(LENGTH) + 2);
                }
            })
        },
    );
    let note = "READ RECORD of 18 bytes from a software card in a virtual reader; most of it is the daemon";
    Row::new("round trip through PC/SC", "us", ours * 1e6, bare * 1e6, Aim::AtMost(1.05), note)
}
