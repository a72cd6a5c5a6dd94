//! Making a trace safe to send: personal values and secrets are replaced, everything else stays.
//!
//! Source: `docs/trace.md` (what is replaced, what stays).
//! Owns: replacements. The same value has the same replacement in one trace; lengths, tags, padding and the kind of each
//! character stay, so that the trace still decodes and replays.
//! Never: derives a replacement from the value: it depends on the order of first appearance alone, and cannot be undone.
#![warn(clippy::indexing_slicing)]

use std::collections::{BTreeMap, BTreeSet};

use super::part::{Guard, Part, Side};
use super::{Decoder, Explained};
use crate::format::FormatKind;
use crate::identity::{CARD_NUMBER_BODY, CitizenNumber, card_number, card_number_holds, citizen_check, is_date};

/// Attempts at a replacement that no other value has; more only where a value has few forms, such as one digit.
const ATTEMPTS_MAX: usize = 64;

/// Values that are remembered; later ones are replaced without being remembered.
const VALUES_MAX: usize = 65_536;

/// Replaces what must not leave the house, exchange by exchange.
pub struct Redactor {
    decoder: Decoder,
    random: Stream,
    replaced: BTreeMap<(Class, Vec<u8>), Vec<u8>>,
    used: BTreeSet<(Class, Vec<u8>)>,
}

/// Values of one class have one replacement wherever they stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Class {
    Digits,
    Text,
    Number,
    Bytes,
    Pin,
    Serial,
}

/// What was replaced is not in `Debug`.
impl std::fmt::Debug for Redactor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Redactor").field("values", &self.replaced.len()).finish_non_exhaustive()
    }
}

impl Redactor {
    /// A new trace, read by this decoder.
    #[must_use]
    pub const fn new(decoder: Decoder) -> Self {
        Self { decoder, random: Stream(0x5353_4341_5244_0001), replaced: BTreeMap::new(), used: BTreeSet::new() }
    }

    /// What follows is said with the card in this reader.
    pub fn reader(&mut self, name: &str) {
        self.decoder.reader(name);
    }

    /// What follows is said with this card of the reader, where a log shows several.
    pub fn card(&mut self, number: usize) {
        self.decoder.card(number);
    }

    /// The card was powered or reset. Its ATR with another serial.
    pub fn reset(&mut self, atr: &[u8]) -> Vec<u8> {
        let parts = self.decoder.reset(atr);
        let mut safe = atr.to_vec();
        self.replace(Side::Answer, &parts, &mut safe);
        // A check byte, where the ATR has one, makes the exclusive-or of all bytes but the first zero.
        let checks = |bytes: &[u8]| bytes.iter().skip(1).fold(0, |sum, byte| sum ^ byte);
        if checks(atr) == 0 && safe != atr {
            let wrong = checks(&safe);
            if let Some(last) = safe.last_mut() {
                *last ^= wrong;
            }
        }
        safe
    }

    /// One exchange: command and answer as they may be seen, and what they were.
    pub fn exchange(&mut self, command: &[u8], answer: Option<&[u8]>) -> (Vec<u8>, Option<Vec<u8>>, Explained) {
        let explained = self.decoder.exchange(command, answer);
        let mut safe = command.to_vec();
        self.replace(Side::Command, &explained.parts, &mut safe);
        let answer = answer.map(|answer| {
            let mut safe = answer.to_vec();
            self.replace(Side::Answer, &explained.parts, &mut safe);
            safe
        });
        (safe, answer, explained)
    }

    fn replace(&mut self, side: Side, parts: &[Part], bytes: &mut [u8]) {
        for part in parts.iter().filter(|part| part.side == side) {
            let Some(slice) = bytes.get_mut(part.range.clone()) else { continue };
            let safe = self.part(part, slice);
            slice.iter_mut().zip(safe).for_each(|(byte, safe)| *byte = safe);
        }
    }

    fn part(&mut self, part: &Part, bytes: &[u8]) -> Vec<u8> {
        let is_blank = bytes.iter().all(|byte| *byte == 0x00) || bytes.iter().all(|byte| *byte == 0xFF);
        match (part.guard, part.kind) {
            // A secret of zeros is one too: its padding is not told from it.
            (Guard::Secret, FormatKind::Cn) => self.digits(Class::Pin, bytes),
            (Guard::Secret, _) => self.secret(bytes),
            _ if is_blank => bytes.to_vec(),
            (Guard::Open, _) => bytes.to_vec(),
            (Guard::Identifier, _) if bytes.len() == 16 => {
                let (head, tail) = bytes.split_at(8);
                let (serial, mac) = tail.split_at(4);
                [head.to_vec(), self.bytes(Class::Serial, serial), self.bytes(Class::Bytes, mac)].concat()
            }
            (Guard::CardFactor, _) if bytes.len() == 8 => {
                let (maker, serial) = bytes.split_at(4);
                [maker.to_vec(), self.bytes(Class::Serial, serial)].concat()
            }
            (Guard::Personal, FormatKind::An) => self.text(bytes),
            (Guard::Personal, FormatKind::Cn) if is_ascii_year(bytes) => self.text(bytes),
            (Guard::Personal, FormatKind::Cn | FormatKind::CnAmount) => self.digits(Class::Digits, bytes),
            (Guard::Personal, FormatKind::BAmount | FormatKind::BSequence) => self.number(bytes),
            _ => self.bytes(Class::Bytes, bytes),
        }
    }

    /// The replacement of a value: the one it had before, else a new one that no other value of its class has.
    fn once(&mut self, class: Class, value: &[u8], make: impl Fn(&mut Stream) -> Vec<u8>) -> Vec<u8> {
        let key = (class, value.to_vec());
        if let Some(safe) = self.replaced.get(&key) {
            return safe.clone();
        }
        let mut safe = make(&mut self.random);
        for _ in 0..ATTEMPTS_MAX {
            if safe != value && !self.used.contains(&(class, safe.clone())) {
                break;
            }
            safe = make(&mut self.random);
        }
        if self.replaced.len() < VALUES_MAX {
            self.used.insert((class, safe.clone()));
            self.replaced.insert(key, safe.clone());
        }
        safe
    }

    /// BCD: digits stay digits, a date stays a date; F and other nibbles stay where they are.
    fn digits(&mut self, class: Class, bytes: &[u8]) -> Vec<u8> {
        let text = hex::encode_upper(bytes);
        let padded = text.trim_end_matches('F');
        let safe = self.digit_text(class, padded);
        let whole = format!("{safe}{}", text.get(padded.len()..).unwrap_or_default());
        hex::decode(whole).unwrap_or_else(|_| vec![0; bytes.len()])
    }

    /// Digits (other characters stay) with leading zeros kept; the same in BCD and in text.
    fn digit_text(&mut self, class: Class, text: &str) -> String {
        let zeros = text.len() - text.trim_start_matches('0').len();
        let is_code = text.len() <= 2;
        let century =
            if text.len() == 4 { text.get(..2).filter(|century| matches!(*century, "19" | "20")) } else { None };
        let date = text.get(..8).filter(|date| class == Class::Digits && is_date(date) && matches!(text.len(), 8 | 14));
        let safe = self.once(class, text.as_bytes(), |random| match (date, century) {
            (None, Some(century)) => [century.as_bytes(), &[random.digit(0), random.digit(0)]].concat(),
            (Some(_), _) => {
                let time = if text.len() == 14 { random.time() } else { String::new() };
                format!("{}{time}", random.date()).into_bytes()
            }
            (None, None) => text
                .bytes()
                .enumerate()
                .map(|(index, c)| match c {
                    b'0' if index < zeros && !is_code && class == Class::Digits => b'0',
                    b'0'..=b'9' => random.digit(if index == zeros && zeros > 0 { 1 } else { 0 }),
                    other => other,
                })
                .collect(),
        });
        String::from_utf8(safe).unwrap_or_else(|_| "0".repeat(text.len()))
    }

    /// Text: each character by one of its kind; padding stays.
    fn text(&mut self, bytes: &[u8]) -> Vec<u8> {
        let end = bytes.iter().rposition(|byte| !matches!(byte, 0x00 | 0xFF | b' ')).map_or(0, |last| last + 1);
        let (content, padding) = bytes.split_at_checked(end).unwrap_or((bytes, &[]));
        let text = std::str::from_utf8(content).ok().filter(|text| text.is_ascii());
        let safe = match text {
            Some(text) if text.len() == 18 && CitizenNumber::parse(text).is_ok() => self.citizen_number(text),
            Some(text) if card_number_holds(text) => {
                let body = text.get(..CARD_NUMBER_BODY).unwrap_or(text).as_bytes();
                let safe = self.once(Class::Text, body, |random| random.like(body));
                String::from_utf8(safe).ok().and_then(|body| card_number(&body)).unwrap_or_default().into_bytes()
            }
            Some(text) if text.bytes().all(|c| c.is_ascii_digit()) => self.digit_text(Class::Digits, text).into_bytes(),
            _ => self.once(Class::Text, content, |random| random.like(content)),
        };
        let safe = if safe.len() == content.len() { safe } else { self.bytes(Class::Text, content) };
        [&safe, padding].concat()
    }

    /// Another number with its own date and the right check character; the date is replaced as a date of birth is.
    fn citizen_number(&mut self, text: &str) -> Vec<u8> {
        let date = self.digit_text(Class::Digits, text.get(6..14).unwrap_or_default());
        let safe = self.once(Class::Text, text.get(..17).unwrap_or(text).as_bytes(), |random| {
            let digits: String = (0..9).map(|index| char::from(random.digit(u8::from(index == 0)))).collect();
            let (region, order) = digits.split_at(6);
            format!("{region}{date}{order}").into_bytes()
        });
        let body = String::from_utf8(safe).unwrap_or_default();
        let check = citizen_check(&body).unwrap_or('0');
        format!("{body}{check}").into_bytes()
    }

    /// Big-endian number of as many bytes.
    fn number(&mut self, bytes: &[u8]) -> Vec<u8> {
        let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
        let value = bytes.get(zeros..).unwrap_or_default();
        let safe = self.once(Class::Number, value, |random| {
            (0..value.len()).map(|index| if index == 0 { random.byte().max(1) } else { random.byte() }).collect()
        });
        [vec![0; zeros], safe].concat()
    }

    /// Bytes of which nothing is kept but their count.
    fn secret(&mut self, bytes: &[u8]) -> Vec<u8> {
        self.once(Class::Bytes, bytes, |random| bytes.iter().map(|_| random.byte().clamp(1, 0xFE)).collect())
    }

    fn bytes(&mut self, class: Class, bytes: &[u8]) -> Vec<u8> {
        let end = bytes.iter().rposition(|byte| !matches!(byte, 0x00 | 0xFF)).map_or(0, |last| last + 1);
        let (content, padding) = bytes.split_at_checked(end).unwrap_or((bytes, &[]));
        let safe = self.once(class, content, |random| content.iter().map(|_| random.byte().clamp(1, 0xFE)).collect());
        [&safe, padding].concat()
    }
}

/// Four digits of a year as text where a date belongs, as a test card of 2012 has it.
fn is_ascii_year(bytes: &[u8]) -> bool {
    bytes.len() == 4 && bytes.iter().all(u8::is_ascii_digit) && (bytes.starts_with(b"19") || bytes.starts_with(b"20"))
}

/// An even stream of numbers (SplitMix64). It hides nothing by itself and need not: it never sees a value.
#[derive(Clone, Debug)]
struct Stream(u64);

impl Stream {
    const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    const fn byte(&mut self) -> u8 {
        self.next().to_be_bytes()[0]
    }

    fn below(&mut self, limit: u8) -> u8 {
        self.byte() % limit.max(1)
    }

    fn digit(&mut self, least: u8) -> u8 {
        b'0' + least + self.below(10 - least)
    }

    fn date(&mut self) -> String {
        let year = 1930 + u32::from(self.below(90));
        format!("{year}{:02}{:02}", 1 + self.below(12), 1 + self.below(28))
    }

    fn time(&mut self) -> String {
        format!("{:02}{:02}{:02}", self.below(24), self.below(60), self.below(60))
    }

    /// Each character by one of its kind: digit, capital, small letter, Chinese character; the rest of ASCII stays.
    fn like(&mut self, text: &[u8]) -> Vec<u8> {
        let mut safe = Vec::with_capacity(text.len());
        let mut rest = text;
        while let Some((first, after)) = rest.split_first() {
            rest = after;
            match (*first, after.first()) {
                (b'0'..=b'9', _) => safe.push(self.digit(0)),
                (b'A'..=b'Z', _) => safe.push(b'A' + self.below(26)),
                (b'a'..=b'z', _) => safe.push(b'a' + self.below(26)),
                (c, _) if c < 0x80 => safe.push(c),
                (0x81..=0xFE, Some(0x40..=0xFE)) => {
                    // Level 1 of GB 2312: every code from B0A1 to D6FE is a Chinese character.
                    safe.push(0xB0 + self.below(0x27));
                    safe.push(0xA1 + self.below(0x5E));
                    rest = rest.get(1..).unwrap_or_default();
                }
                // Half a character: another half.
                _ => safe.push(0x81 + self.below(0x7E)),
            }
        }
        safe
    }
}

#[cfg(test)]
#[expect(clippy::indexing_slicing, reason = "a test that looks past the end fails, as it should")]
mod tests;
