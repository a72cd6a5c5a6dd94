//! Bytes on the contacts of a T=0 card, against the least that the commands allow.
//!
//! Source: ISO/IEC 7816-3 10.3 for the cost of an exchange; LD/T 32.5 for the data fields; file sizes and keys of the profile.
//! Owns: the least, counted here from the tables alone: which commands cannot be left out, and the bytes of each.
//! Never: uses the plan, the session's counter or the code that reads, except to measure ours.
//! Units: bytes in both directions; milliseconds at 9600 baud (12 etu a byte, 372 clocks an etu, 3.57 MHz).

use card_core::wire::{Line, Wire};
use card_profiles::{Df, Ef, Profile};

use card_sim::Socket;

use crate::counter_wire::{Act, Counter, Desk};
use crate::measure::{Aim, Row};
use crate::sample::Sample;

/// The bound: a tenth more than the least.
const AIM: Aim = Aim::AtMost(1.10);

/// The rows.
///
/// # Panics
/// When the software card refuses a step: then nothing is worth measuring.
#[must_use]
pub fn measure() -> Vec<Row> {
    let mut sample = Sample::new();
    let blank = sample.blank(1);
    let card = Socket::new(blank);
    let personalization = sample.personalize_in(&card);
    let mut counter = Counter::new(&card, &mut sample);
    // The first card of a city is compared with the PSAM; those after it are counted.
    counter.carry_out(Act::Basic, Desk::FirstOfCity, &mut sample);
    let read = counter.carry_out(Act::Basic, Desk::Usual, &mut sample).card;
    let purchase = counter.carry_out(Act::Purchase, Desk::Usual, &mut sample).card;
    [
        ("basic read of a 3.x card", read, least_basic_read(&sample.profile)),
        ("purchase", purchase, least_purchase(&sample.profile)),
        ("personalization", personalization, least_personalization(&sample)),
    ]
    .into_iter()
    .flat_map(|(what, ours, least)| rows(what, ours, least))
    .collect()
}

fn rows(what: &str, ours: Wire, least: u64) -> [Row; 2] {
    let bytes = |wire: Wire| f64::from(u32::try_from(wire.bytes).expect("a card takes no 4 GiB"));
    let millis = |wire: Wire| f64::from(u32::try_from(wire.micros(Line::RESET)).expect("under an hour")) / 1e3;
    let bare = Wire { exchanges: 0, bytes: least };
    let note = format!("{} exchanges", ours.exchanges);
    [
        Row::new(&format!("{what}: wire bytes"), "bytes", bytes(ours), bytes(bare), AIM, &note),
        Row::new(&format!("{what}: wire time"), "ms 9600", millis(ours), millis(bare), AIM, ""),
    ]
}

/// Bytes of one exchange: header 5, procedure byte before data, data, SW1-SW2.
const fn exchange(out: u64, back: u64) -> u64 {
    5 + if out > 0 { 1 + out } else { 0 } + if back > 0 { 1 + back } else { 0 } + 2
}

/// GET CHALLENGE of 8 bytes and EXTERNAL AUTHENTICATE with 16: a challenge is good for one proof.
const PROOF: u64 = exchange(0, 8) + exchange(16, 0);

/// All records of a file in one READ RECORD; a file of more than 256 bytes takes more.
fn whole(ef: &Ef) -> u64 {
    let size = u64::from(ef.size);
    (0..size.div_ceil(256)).map(|part| exchange(0, (size - 256 * part).min(256))).sum()
}

fn file<'a>(profile: &'a Profile, ef: &str) -> (&'a Df, &'a Ef) {
    let ssse = profile.df.first().expect("a first directory");
    (ssse, ssse.ef.iter().find(|row| row.id == ef).expect("a file of SSSE"))
}

/// SELECT of SSSE; its FCI, because a 3.x card names its algorithm nowhere else; EF05; the proof for EF06; EF06.
fn least_basic_read(profile: &Profile) -> u64 {
    let (ssse, issuer) = file(profile, "EF05");
    let (_, holder) = file(profile, "EF06");
    let name = ssse.df_name.len() as u64;
    // 6F len, 84 len name, A5 len, 88 01 sfi, 9F0C 03 86 01 algorithm.
    let fci = 2 + 2 + name + 2 + 3 + 6;
    exchange(name, 0) + exchange(0, fci) + whole(issuer) + PROOF + whole(holder)
}

/// Items of EF05 that a transaction depends on: identifier, version, dates.
const ISSUER_ITEMS: [u8; 4] = [0x01, 0x03, 0x05, 0x06];

/// Those items one by one, or the whole file where that takes less.
fn issuer_items(issuer: &Ef) -> u64 {
    let items = issuer.elements.iter().filter(|row| row.tag.is_some_and(|tag| ISSUER_ITEMS.contains(&tag)));
    items.map(|row| exchange(0, 2 + u64::from(row.format.length))).sum::<u64>().min(whole(issuer))
}

/// SELECT of SSSE; what of EF05 the transaction depends on; SELECT of the account's directory; VERIFY of a PIN of 6 digits;
/// GET BALANCE, by which the bill is split; INITIALIZE FOR PURCHASE with key index, three amounts and terminal, and its answer
/// of 22; DEBIT with sequence, time and MAC1, and its answer of 8.
/// The algorithm need not be asked: INITIALIZE answers it.
fn least_purchase(profile: &Profile) -> u64 {
    let (ssse, issuer) = file(profile, "EF05");
    let start = exchange(1 + 12 + 6, 0) + exchange(0, 22);
    let debit = exchange(4 + 7 + 4, 0) + exchange(0, 8);
    let split = exchange(0, 4);
    exchange(ssse.df_name.len() as u64, 0)
        + issuer_items(issuer)
        + exchange(2, 0)
        + exchange(3, 0)
        + split
        + start
        + debit
}

/// For each directory: SELECT (SSSE by name, the others by FID); for each key GET CHALLENGE of 4 and the key load
/// (LD, usage, id, version and key in whole blocks, MAC of 4); a proof of the update key; an UPDATE RECORD for each
/// item that has a value; a proof where reading needs one; the read-back of each file written.
pub(crate) fn least_personalization(sample: &Sample) -> u64 {
    let directories: u64 = sample
        .profile
        .df
        .iter()
        .enumerate()
        .map(|(index, df)| exchange(if index == 0 { df.df_name.len() as u64 } else { 2 }, 0))
        .sum();
    let keys: u64 = sample
        .profile
        .key
        .iter()
        .map(|key| exchange(0, 4) + exchange((1 + 3 + key.length.bytes() as u64).next_multiple_of(8) + 4, 0))
        .sum();
    let (_, issuer) = file(&sample.profile, "EF05");
    let (_, holder) = file(&sample.profile, "EF06");
    // Both files have one update key; only EF06 needs a proof to be read.
    let items: u64 =
        issuer.elements.iter().chain(&holder.elements).map(|row| exchange(2 + u64::from(row.format.length), 0)).sum();
    directories + keys + PROOF + items + PROOF + whole(issuer) + whole(holder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_of_a_basic_read_by_hand() {
        // 23 SELECT, 38 FCI, 72 EF05, 16 + 24 proof, 99 EF06.
        assert_eq!(least_basic_read(&Sample::new().profile), 23 + 38 + 72 + 16 + 24 + 99);
    }

    #[test]
    fn the_least_of_a_purchase_by_hand() {
        // 23 SELECT, items 01, 03, 05 and 06, 10 SELECT DF04, 11 VERIFY, 12 GET BALANCE, 27 + 30 INITIALIZE, 23 + 16 DEBIT.
        let items = 26 + 14 + 14 + 14;
        assert_eq!(least_purchase(&Sample::new().profile), 23 + items + 10 + 11 + 12 + 27 + 30 + 23 + 16);
    }

    #[test]
    fn ours_is_within_a_tenth_of_the_least_and_never_below_it() {
        for row in measure() {
            assert!(row.met && row.ratio >= 1.0, "{row:?}");
        }
    }
}
