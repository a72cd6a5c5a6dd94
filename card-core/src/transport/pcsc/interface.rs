//! Contacts or antenna: how a reader reaches a card.
//!
//! Source: `iType` of the driver interface: 1 contact, 2 contactless, 3 contact first, 4 contactless first. PC/SC part 3:
//! the ATR that a reader makes up for a contactless card begins `3B 8n 80 01`.
//! Owns: the two signs and the order of trying. Never: opens a reader.
//! Assumed: a contactless slot says so in its name, as the drivers of dual readers do; the ATR decides where there is one.

use super::ReaderInfo;

/// Which interface a caller wants.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Interface {
    /// Contacts only.
    Contact,
    /// Antenna only.
    Contactless,
    /// Either, contacts first.
    #[default]
    ContactFirst,
    /// Either, antenna first.
    ContactlessFirst,
}

impl Interface {
    /// From `iType`; `None` for anything but 1 to 4.
    #[must_use]
    pub const fn of_type(number: i32) -> Option<Self> {
        match number {
            1 => Some(Self::Contact),
            2 => Some(Self::Contactless),
            3 => Some(Self::ContactFirst),
            4 => Some(Self::ContactlessFirst),
            _ => None,
        }
    }

    /// From its name, as a person types it.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::NAMES.iter().find(|(known, _)| *known == name).map(|(_, interface)| *interface)
    }

    /// Every interface with its name.
    pub const NAMES: [(&'static str, Self); 4] = [
        ("contact", Self::Contact),
        ("contactless", Self::Contactless),
        ("contact-first", Self::ContactFirst),
        ("contactless-first", Self::ContactlessFirst),
    ];

    /// The turn in which a reader is tried, 0 or 1; `None` for never.
    #[must_use]
    pub fn turn(self, reader: &ReaderInfo) -> Option<u8> {
        match (self, reader.is_contactless()) {
            (Self::Contact | Self::ContactFirst, false) | (Self::Contactless | Self::ContactlessFirst, true) => Some(0),
            (Self::ContactFirst, true) | (Self::ContactlessFirst, false) => Some(1),
            (Self::Contact, true) | (Self::Contactless, false) => None,
        }
    }
}

impl ReaderInfo {
    /// Whether the card in it, or else the reader, is contactless.
    #[must_use]
    pub fn is_contactless(&self) -> bool {
        match self.atr.as_deref() {
            Some([0x3B, t0, 0x80, 0x01, ..]) if t0 >> 4 == 0x8 => true,
            Some(_) | None => {
                let name = self.name.to_ascii_lowercase();
                ["contactless", "picc", "nfc", "rfid"].iter().any(|word| name.contains(word))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reader(name: &str, atr: Option<&str>) -> ReaderInfo {
        ReaderInfo { name: name.to_owned(), atr: atr.map(|text| hex::decode(text).expect("hex")) }
    }

    #[test]
    fn a_contactless_card_shows_in_the_atr_and_an_empty_slot_in_its_name() {
        for (name, atr, expected) in [
            ("ACS ACR1281 1S Dual Reader ICC 00 00", None, false),
            ("ACS ACR1281 1S Dual Reader PICC 00 01", None, true),
            ("OMNIKEY 5422 Contactless 01 00", None, true),
            ("Reader 00 00", Some("3B6D000000813147318650430200000013"), false),
            ("Reader 00 00", Some("3B8D800100813147318650430200000013"), true),
            ("Reader 00 00", Some("3B"), false),
        ] {
            assert_eq!(reader(name, atr).is_contactless(), expected, "{name} {atr:?}");
        }
    }

    #[test]
    fn interfaces_have_the_numbers_and_the_names_of_their_order() {
        for ((name, interface), number) in Interface::NAMES.into_iter().zip(1..) {
            assert_eq!((Interface::named(name), Interface::of_type(number)), (Some(interface), Some(interface)));
        }
        assert_eq!(Interface::named("antenna"), None);
    }

    #[test]
    fn every_type_tries_its_readers_in_order() {
        let (contact, antenna) = (reader("ICC", None), reader("PICC", None));
        let turns = |number| Interface::of_type(number).map(|wanted| (wanted.turn(&contact), wanted.turn(&antenna)));
        assert_eq!(turns(1), Some((Some(0), None)));
        assert_eq!(turns(2), Some((None, Some(0))));
        assert_eq!(turns(3), Some((Some(0), Some(1))));
        assert_eq!(turns(4), Some((Some(1), Some(0))));
        assert_eq!((turns(0), turns(5)), (None, None));
    }
}
