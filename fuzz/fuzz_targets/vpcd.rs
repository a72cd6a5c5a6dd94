//! Stream of a reader's driver: any bytes are messages up to the first that is cut off, each message is those bytes again, and
//! a card in the slot answers each or falls silent.
#![no_main]

use std::sync::LazyLock;

use card_core::key::Key16;
use card_profiles::{Profile, builtin};
use card_sim::reader::vpcd::{Message, receive, send};
use card_sim::{Card, Silence};
use libfuzzer_sys::fuzz_target;

static PROFILE: LazyLock<Profile> = LazyLock::new(|| builtin("ssc-3.0").expect("built in"));

/// A stream that arrives in pieces of so many bytes.
struct Pieces<'a>(&'a [u8], usize);

impl std::io::Read for Pieces<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let length = buffer.len().min(self.1).min(self.0.len());
        let (piece, rest) = self.0.split_at(length);
        buffer[..length].copy_from_slice(piece);
        self.0 = rest;
        Ok(length)
    }
}

// The first byte says in what pieces the stream arrives.
fuzz_target!(|input: &[u8]| {
    let Some((size, stream)) = input.split_first() else { return };
    let mut driver = Pieces(stream, 1 + usize::from(*size));
    let mut card = Card::factory(&PROFILE, [0, 0, 0, 0, 0, 1], &Key16::new([0x11; 16])).expect("a card");
    let (mut again, mut powered) = (Vec::new(), false);
    while let Some(message) = receive(&mut driver).expect("a slice does not fail") {
        let mut answer = Vec::new();
        let body = match message {
            Message::PowerOff => {
                card.power_off();
                powered = false;
                vec![0]
            }
            Message::PowerOn | Message::Reset => {
                card.power_on().expect("comes up");
                powered = true;
                vec![if message == Message::PowerOn { 1 } else { 2 }]
            }
            Message::AskAtr => {
                answer.extend_from_slice(card.atr());
                vec![4]
            }
            Message::Apdu(apdu) => {
                match card.transmit(&apdu, &mut answer) {
                    Ok(()) => assert!(powered && (2..=258).contains(&answer.len()), "{} bytes", answer.len()),
                    Err(silence) => assert!(matches!(silence, Silence::Unpowered) && !powered, "{silence}"),
                }
                apdu
            }
        };
        send(&mut again, &body).expect("a vector takes it");
        let mut back = Vec::new();
        send(&mut back, &answer).expect("a vector takes it");
        assert_eq!(back.split_first_chunk::<2>(), Some((&(answer.len() as u16).to_be_bytes(), &answer[..])));
    }
    // What is left is a message that was cut off.
    let rest = stream.strip_prefix(&again[..]).expect("each message is those bytes again");
    let announced = rest.first_chunk::<2>().map(|length| 2 + usize::from(u16::from_be_bytes(*length)));
    assert!(announced.is_none_or(|announced| rest.len() < announced), "a whole message was left");
});
