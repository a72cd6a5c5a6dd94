//! Answers of a hostile card: a conversation ends after so many exchanges and bytes as the limits say, whatever the card says, and
//! carries out what it was told once: a command with data is never sent twice.
#![no_main]

use std::sync::{Arc, LazyLock, Mutex};

use card_core::apdu::{Command, Protocol, Response};
use card_core::command::{self, Record};
use card_core::limits::{GET_RESPONSE_MAX, LE_CORRECTIONS_MAX, SHORT_ANSWER_MAX};
use card_core::play::{Script, Skipped};
use card_core::script::Step;
use card_core::transport::{Transport, TransportError};
use card_core::tries::{Guard, Secret, TriesBook};
use card_core::{Atr, Session};
use card_profiles::approach::Means;
use card_profiles::read::Reader;
use card_profiles::{Profile, builtin};
use libfuzzer_sys::fuzz_target;

/// A card that answers with the input, piece by piece: each behind one byte of length, over and over.
struct Hostile {
    bytes: Vec<u8>,
    at: usize,
    protocol: Protocol,
    heard: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl Hostile {
    fn piece(&mut self) -> Vec<u8> {
        let mut next = || {
            let byte = self.bytes[self.at % self.bytes.len()];
            self.at += 1;
            byte
        };
        // Answers of a real card have at most 258 bytes; a reader may hand over more.
        let length = 2 * usize::from(next());
        (0..length).map(|_| next()).collect()
    }
}

impl Transport for Hostile {
    fn transmit(&mut self, command: &[u8], answer: &mut Vec<u8>) -> Result<(), TransportError> {
        self.heard.lock().expect("one thread").push(command.to_vec());
        let piece = self.piece();
        if piece.len() == 510 {
            return Err(TransportError::CardMute { reader: "fuzz".to_owned() });
        }
        answer.extend(piece);
        Ok(())
    }

    fn reset(&mut self) -> Result<(), TransportError> {
        Ok(())
    }

    fn atr(&self) -> &[u8] {
        &self.bytes
    }

    fn protocol(&self) -> Protocol {
        self.protocol
    }
}

/// Commands of each shape: with and without data and expected bytes.
fn commands(parameter: u8) -> [Command; 5] {
    [
        command::read_record(parameter, Record::Number(parameter), u16::from(parameter)),
        command::select_by_name(&[parameter; 16]).with_le(0),
        command::update_record(parameter, Record::Tag(parameter), &[parameter; 3]),
        command::internal_authenticate([parameter; 8], [0; 8]),
        command::get_challenge(8),
    ]
}

fuzz_target!(|input: &[u8]| {
    let Some(([choice, parameter], answers)) = input.split_first_chunk() else { return };
    if let Some(response) = Response::parse(answers) {
        assert_eq!([&response.data[..], &response.sw.0.to_be_bytes()].concat(), answers);
    }
    if answers.is_empty() {
        return;
    }
    let protocol = if choice & 1 == 0 { Protocol::T0 } else { Protocol::T1 };
    let heard = Arc::new(Mutex::new(Vec::new()));
    let card = Hostile { bytes: answers.to_vec(), at: 0, protocol, heard: Arc::clone(&heard) };
    let mut session = Session::new(Box::new(card));
    assert_eq!(session.atr().is_ok(), Atr::parse(answers).is_ok());
    for command in commands(*parameter) {
        heard.lock().expect("one thread").clear();
        let answer = session.send(&command);
        let heard = heard.lock().expect("one thread");
        assert!(heard.len() <= 1 + LE_CORRECTIONS_MAX + 2 * GET_RESPONSE_MAX, "{} exchanges", heard.len());
        let bytes = command.encode(protocol);
        assert_eq!(heard.first(), Some(&bytes));
        if !command.data().is_empty() {
            assert!(heard.iter().skip(1).all(|later| *later != bytes), "sent twice");
        }
        if let Ok(response) = answer {
            assert!(response.data.len() <= SHORT_ANSWER_MAX);
        }
    }
    heard.lock().expect("one thread").clear();
    let mut book = TriesBook::default();
    let mut read = Counted { script: Reader::new(&CARD, &FILES, Means::default()), steps: 0 };
    let _ = session.play(&mut read, None, &mut Guard { book: &mut book, consent: false });
    assert!(read.steps <= *STEPS_MAX, "{} steps to read {} files", read.steps, FILES.len());
    let heard = heard.lock().expect("one thread").len();
    // The step that lost the card was not counted.
    assert!(heard <= (read.steps + 1) * (1 + LE_CORRECTIONS_MAX + 2 * GET_RESPONSE_MAX), "{heard} exchanges");
});

/// A card type, and files of each structure in two directories.
static CARD: LazyLock<Profile> = LazyLock::new(|| builtin("ssc-3.0").expect("built in"));
const FILES: [(&str, &str); 4] = [("SSSE", "EF05"), ("SSSE", "EF08"), ("DF02", "EF07"), ("DF03", "EF05")];

/// The way to each file, and each of its records, or parts of 8 bytes, in each form of READ.
static STEPS_MAX: LazyLock<usize> = LazyLock::new(|| {
    let files = FILES.iter().filter_map(|(df, ef)| CARD.ef(df, ef));
    files.map(|ef| 16 + 8 * usize::from(ef.records).max(ef.elements.len()) + usize::from(ef.size) / 8).sum()
});

/// A script whose steps are counted.
struct Counted<S> {
    script: S,
    steps: usize,
}

impl<S: Script> Script for Counted<S> {
    fn next_step(&mut self) -> Option<Step> {
        self.script.next_step()
    }

    fn secret(&self) -> Option<Secret> {
        self.script.secret()
    }

    fn answer(&mut self, answer: &Response) {
        self.steps += 1;
        self.script.answer(answer);
    }

    fn skip(&mut self, why: Skipped) {
        self.steps += 1;
        self.script.skip(why);
    }
}
