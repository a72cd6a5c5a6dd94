//! A card that answers as a test wants, in a reader of the private daemon.

use std::net::{Ipv4Addr, TcpStream};
use std::path::Path;
use std::thread::JoinHandle;

use card_core::wire::Wire;
use card_sim::image;
use card_sim::memory::Durability;
use card_sim::reader::vpcd::{self, Message};

use crate::shop::Shop;

/// Looks at the readers until the daemon has noticed a change.
const LOOKS_MAX: u32 = 1_000;

/// A software card behind a screen that answers some commands itself.
pub(crate) struct Actor {
    stream: TcpStream,
    played: JoinHandle<(Wire, usize)>,
}

impl Actor {
    /// Puts the card of an image into an empty slot. `screen` answers instead of it, or lets a command through.
    pub(crate) fn in_slot(
        shop: &Shop,
        slot: usize,
        path: &Path,
        screen: impl Fn(&[u8]) -> Option<Vec<u8>> + Send + 'static,
    ) -> Self {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port(shop, slot))).expect("the driver listens");
        let (mut theirs, path) = (stream.try_clone().expect("a second handle"), path.to_owned());
        let played = std::thread::spawn(move || {
            let mut card = image::open(&path, Durability::Process).expect("an image");
            let (mut wire, mut screened) = (Wire::default(), 0);
            while let Ok(Some(message)) = vpcd::receive(&mut theirs) {
                let answer = match message {
                    Message::PowerOn | Message::Reset => {
                        card.power_on().expect("the card comes up");
                        None
                    }
                    Message::PowerOff => {
                        card.power_off();
                        None
                    }
                    Message::AskAtr => Some(card.atr().to_vec()),
                    Message::Apdu(command) => {
                        let own = screen(&command);
                        screened += usize::from(own.is_some());
                        let answer = own.unwrap_or_else(|| {
                            let mut answer = Vec::new();
                            card.transmit(&command, &mut answer).expect("the card answers");
                            answer
                        });
                        wire.add(&command, &answer);
                        Some(answer)
                    }
                };
                if answer.is_some_and(|answer| vpcd::send(&mut theirs, &answer).is_err()) {
                    break;
                }
            }
            (wire, screened)
        });
        await_presence(shop, slot, true);
        Self { stream, played }
    }

    /// Takes the card out. Answers the bytes on its contacts, and how many commands the screen answered.
    pub(crate) fn leave(self, shop: &Shop, slot: usize) -> (u64, usize) {
        self.stream.shutdown(std::net::Shutdown::Both).expect("still open");
        let (wire, screened) = self.played.join().expect("no panic");
        await_presence(shop, slot, false);
        (wire.bytes, screened)
    }
}

fn await_presence(shop: &Shop, slot: usize, present: bool) {
    let name = shop.farm.reader_name(slot).expect("a slot");
    let noticed = (0..LOOKS_MAX).any(|_| {
        let readers = shop.run(&["readers"]).json();
        let rows = readers["readers"].as_array().expect("a list").clone();
        rows.iter().any(|row| row.to_string().contains(&name) && row["card_present"] == present)
    });
    assert!(noticed, "the daemon never noticed that the card was there: {present}");
}

/// The port on which the driver of a slot listens: the daemon's configuration has that of each pair.
fn port(shop: &Shop, slot: usize) -> u16 {
    let text = std::fs::read_to_string(shop.path("farm/pcscd/reader.conf")).expect("a configuration");
    let pairs = text.split("0x").skip(1).filter_map(|part| u16::from_str_radix(part.get(..4)?, 16).ok());
    let pair = pairs.collect::<Vec<_>>()[slot / 2];
    pair + u16::try_from(slot % 2).expect("0 or 1")
}
