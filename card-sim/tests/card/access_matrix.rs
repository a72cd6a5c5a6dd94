//! Every file × every command × every state of the rights, on every social security card, against the published tables.
//!
//! The table beside this file is spelt from the published file tables; what its words mean is spelt below. Neither the
//! profile's rules nor their evaluation is asked.
//!
//! Which states: a rule names at most three rights. For each file all sets of the rights that it names are tried, each with
//! none, with each one and with all of the other rights of its directory and of the environment. States that agree on the
//! named rights must answer alike; a rule that looked at another right would show with that right alone (if it opened) or
//! without any (if it were asked for). Where a directory knows at most six rights, all their sets are tried besides. On a card
//! that extends another the files taken over are tried with none and all of the others: their rows are the same.

use std::collections::{BTreeMap, BTreeSet};

use super::rig::{Rig, keyed};

const TABLE: &str = include_str!("access_table.txt");
/// Profile, and the generations and regions of the table that it holds; the last is its own, the others it takes over.
const PROFILES: [(&str, &[&str]); 9] = [
    ("ssc-1.0", &["1.0"]),
    ("ssc-1.0-hebei", &["1.0", "hebei"]),
    ("ssc-1.0-zhejiang", &["1.0", "zhejiang"]),
    ("ssc-2.0", &["2.0"]),
    ("ssc-2.0-ef0d", &["2.0", "ef0d"]),
    ("ssc-2.0-health-relief", &["2.0", "relief"]),
    ("ssc-2.0-shandong", &["2.0", "shandong"]),
    ("ssc-3.0", &["3.0"]),
    ("ssc-3.0-sm4", &["3.0", "sm4"]),
];
/// Rights that the environment gives, which last in every directory.
const LASTING: [&str; 3] = ["PIN", "UKSSSE", "PUK"];
/// Directories of up to so many rights are tried in all their sets.
const ALL_SETS: usize = 6;

struct File {
    df: &'static str,
    ef: &'static str,
    kind: Kind,
    read: &'static str,
    update: &'static str,
    taken_over: bool,
}

#[derive(Clone, Copy)]
enum Kind {
    Tlv { records: u8, first: (u8, u8), last: (u8, u8) },
    Cyclic { records: u8, length: u8 },
    Binary,
}

type Held = BTreeSet<&'static str>;

fn hex_byte(text: &str) -> u8 {
    u8::from_str_radix(text, 16).expect("two hex digits")
}

/// The files of a card; a row of its own replaces one taken over.
fn files(of: &[&str]) -> Vec<File> {
    let mut files = rows(of);
    let own: BTreeSet<_> = files.iter().filter(|file| !file.taken_over).map(|file| (file.df, file.ef)).collect();
    files.retain(|file| !file.taken_over || !own.contains(&(file.df, file.ef)));
    files
}

fn rows(of: &[&str]) -> Vec<File> {
    let own = of.last().expect("a generation");
    let lines = TABLE.lines().filter(|line| !line.starts_with('#'));
    let rows = lines.map(|line| line.split(" | ").collect::<Vec<_>>());
    let rows = rows.filter(|row| row[0].split(' ').any(|one| of.contains(&one)));
    rows.map(|row| {
        let words: Vec<&str> = row[3].split(' ').collect();
        let number = |at: usize| words[at].parse().expect("a number");
        let record = |at: usize| {
            let (tag, length) = words[at].split_once(':').expect("tag:length");
            (hex_byte(tag), length.parse().expect("a length"))
        };
        let kind = match words[0] {
            "tlv" => Kind::Tlv { records: number(1), first: record(2), last: record(3) },
            "cyclic" => Kind::Cyclic { records: number(1), length: number(2) },
            _ => Kind::Binary,
        };
        let taken_over = !row[0].split(' ').any(|one| one == *own);
        File { df: row[1], ef: row[2], kind, read: row[4], update: row[5], taken_over }
    })
    .collect()
}

/// The rights that a condition names.
fn named(condition: &'static str) -> impl Iterator<Item = &'static str> {
    condition.split(' ').filter(|word| !["free", "never", "and", "or"].contains(word))
}

/// What the words of a condition say.
fn opens(condition: &str, held: &Held) -> bool {
    match condition {
        "free" => true,
        "never" => false,
        words if words.contains(" or ") => words.split(" or ").any(|word| held.contains(word)),
        words => words.split(" and ").all(|word| held.contains(word)),
    }
}

fn sets(of: &[&'static str]) -> impl Iterator<Item = Held> {
    (0..1_u32 << of.len())
        .map(move |set| (0..).zip(of).filter(|(bit, _)| set >> bit & 1 == 1).map(|(_, one)| *one).collect())
}

/// The states in which a file is tried.
fn states(file: &File, directory: &Held) -> BTreeSet<Held> {
    let own: Held = named(file.read).chain(named(file.update)).collect();
    let others: Held = directory.iter().copied().chain(LASTING).filter(|right| !own.contains(right)).collect();
    let own: Vec<_> = own.into_iter().collect();
    let single = others.iter().filter(|_| !file.taken_over).map(|one| Held::from([*one]));
    let besides = [Held::new(), others.clone()].into_iter().chain(single);
    let mut all: BTreeSet<Held> = besides
        .flat_map(|besides| sets(&own).map(move |set| set.union(&besides).copied().collect()).collect::<Vec<_>>())
        .collect();
    if directory.len() <= ALL_SETS && !file.taken_over {
        all.extend(sets(&directory.iter().copied().collect::<Vec<_>>()));
    }
    all
}

/// Resets, selects and proves: just these rights are held.
fn enter(rig: &mut Rig, df: &str, held: &Held) {
    rig.reset();
    let fid = if df == "SSSE" { "DDF1".to_owned() } else { df.to_owned() };
    for select in ["DDF1", &fid] {
        assert_eq!(rig.sw(&format!("00A4000002{select}"))[..2], *"61", "{df}");
    }
    for right in held {
        match *right {
            "PIN" => rig.verify_pin(),
            name => assert!(rig.authenticate(name).sw.is_ok(), "{name}"),
        }
    }
}

/// A record that the card takes: tag, length and filling, or filling alone.
fn record(kind: Kind, last: bool) -> Vec<u8> {
    match kind {
        Kind::Tlv { first, last: end, .. } => {
            let (tag, length) = if last { end } else { first };
            [&[tag, length][..], &vec![0x30; usize::from(length)]].concat()
        }
        Kind::Cyclic { length, .. } => vec![0x30; usize::from(length)],
        Kind::Binary => vec![0x30; 4],
    }
}

/// What one command must answer when the file has it and the rule opens; `None`: the file does not have it.
struct Expected {
    command: String,
    writes: bool,
    answer: Option<&'static str>,
}

/// Every command that reads or writes, by SFI or (`sfi` 0) in the current file; `written`: records of a cyclic file so far.
fn commands(file: &File, sfi: u8, written: u8) -> Vec<Expected> {
    let p2 = |mode: u8| format!("{:02X}", sfi << 3 | mode);
    let data = |bytes: &[u8]| format!("{:02X}{}", bytes.len(), hex::encode_upper(bytes));
    let p1 = if sfi == 0 { 0 } else { 0x80 | sfi };
    let first = record(file.kind, false);
    let (tag, number) = (first[0], |one: bool| if one { "9000" } else { "6A83" });
    let (tlv, cyclic, binary, last) = match file.kind {
        Kind::Tlv { records, .. } => (true, false, false, records),
        Kind::Cyclic { .. } => (false, true, false, written.max(1)),
        Kind::Binary => (false, false, true, 1),
    };
    let has = |has: bool, answer| has.then_some(answer);
    let there = number(tlv || written > 0);
    let read =
        |p1: u8, mode, answer| Expected { command: format!("00B2{p1:02X}{}00", p2(mode)), writes: false, answer };
    let write = |command: String, answer| Expected { command, writes: true, answer };
    let one = |p1: u8, mode, record: &[u8], answer| write(format!("00DC{p1:02X}{}{}", p2(mode), data(record)), answer);
    vec![
        read(tag, 0, has(tlv, "9000")),
        read(1, 4, has(tlv || cyclic, there)),
        read(last, 4, has(tlv || cyclic, there)),
        read(last.saturating_add(1), 4, has(tlv || cyclic, "6A83")),
        read(last, 5, has(tlv || cyclic, there)),
        one(tag, 0, &first, has(tlv, "9000")),
        one(1, 4, &first, has(tlv, "9000")),
        one(last, 4, &record(file.kind, true), has(tlv, "9000")),
        one(0, 3, &first, has(cyclic, "9000")),
        write(format!("00E200{}{}", p2(0), data(&first)), has(cyclic, "9000")),
        Expected { command: format!("00B0{p1:02X}0004"), writes: false, answer: has(binary, "9000") },
        write(format!("00D6{p1:02X}00{}", data(&first)), has(binary, "9000")),
    ]
}

/// Tries every command on a file; `written` counts the records of a cyclic one.
fn try_all(rig: &mut Rig, profile: &str, file: &File, held: &Held, written: &mut u8) -> usize {
    let mut tried = 0;
    let low = hex_byte(&file.ef[2..]);
    assert_eq!(rig.sw(&format!("00A4000002{}", file.ef)), "9000");
    for sfi in [0, low] {
        for place in 0..12 {
            // Made anew each time: a cyclic file may have a record more.
            let Expected { command, writes, answer } = commands(file, sfi, *written).swap_remove(place);
            let open = opens(if writes { file.update } else { file.read }, held);
            let before = rig.socket.card().memory().writes();
            let raw = rig.raw(&command);
            let sw = match (answer, open) {
                (None, _) => "6981",
                (Some(_), false) => "6982",
                (Some(answer), true) => answer,
            };
            let words = || format!("{profile} {}.{} {command} with {held:?}: {raw}, not {sw}", file.df, file.ef);
            assert!(raw.ends_with(sw) && (sw == "9000" || raw.len() == 4), "{}", words());
            assert_eq!(raw.len() > 4, sw == "9000" && !writes, "{}", words());
            let changed = rig.socket.card().memory().writes() > before;
            assert_eq!(changed, writes && sw == "9000", "{}", words());
            if let Kind::Cyclic { records, .. } = file.kind {
                *written = (*written + u8::from(changed)).min(records);
            }
            tried += 1;
        }
    }
    tried
}

fn matrix(profile: &str, of: &[&str]) {
    let files = files(of);
    let mut rig = keyed(profile);
    let mut directories: BTreeMap<&str, Held> = BTreeMap::new();
    for file in &files {
        directories.entry(file.df).or_default().extend(named(file.read).chain(named(file.update)));
    }
    // Nothing on the card that the table lacks, and nothing in the table that the card lacks.
    for df in directories.keys() {
        let there: BTreeSet<String> =
            rig.profile.df(df).expect("a DF").ef.iter().map(|ef| format!("{:04X}", ef.fid)).collect();
        let listed = files.iter().filter(|file| file.df == *df).map(|file| file.ef.to_owned()).collect();
        assert_eq!(there, listed, "{profile} {df}");
    }
    let mut tried = 0;
    for file in &files {
        let mut written = 0;
        for held in states(file, &directories[file.df]) {
            enter(&mut rig, file.df, &held);
            tried += try_all(&mut rig, profile, file, &held, &mut written);
        }
    }
    assert!(tried > 3_000, "{profile}: {tried}");
}

#[test]
fn first_generation() {
    let (profile, of) = PROFILES[0];
    matrix(profile, of);
}

#[test]
fn second_generation() {
    let (profile, of) = PROFILES[3];
    matrix(profile, of);
}

#[test]
fn third_generation() {
    let (profile, of) = PROFILES[7];
    matrix(profile, of);
}

#[test]
fn regions_and_sm4() {
    for (profile, of) in PROFILES.iter().filter(|(_, of)| of.len() > 1) {
        matrix(profile, of);
    }
}

#[test]
fn every_built_in_social_security_card_is_in_the_matrix() {
    let known: BTreeSet<&str> = PROFILES.iter().map(|(profile, _)| *profile).collect();
    let built_in: BTreeSet<&str> = card_profiles::builtin::names().filter(|name| name.starts_with("ssc-")).collect();
    assert_eq!(known, built_in);
}
