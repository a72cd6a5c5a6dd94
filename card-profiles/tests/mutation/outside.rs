//! Any stored byte that is not in a data file, and what a terminal hears of it: logs, PINs, their tries, counters, proofs, blocks.
//!
//! The card was used: its cyclic files are full, its account moved money, its certificate application has PINs. What no command
//! tells is listed with its reason ([`UNHEARD`]); bytes of data files and keys have tests of their own (`stored_bytes`), and
//! `docs/conformance.md` says for every key what finds a damaged byte.

use std::collections::{BTreeMap, BTreeSet};

use card_core::command::{self, Record};
use card_core::pin::PinBcd;
use card_core::{Command, Session};
use card_profiles::account::{AccountRules, Amounts, BalanceKind};
use card_profiles::certificate::{CertificateRules, Role};
use card_profiles::image::{decode_record, encode_file};
use card_profiles::profile::EfKind;
use card_profiles::{CardValues, Df, Ef, Place, Profile, Value, builtin};
use card_sim::Socket;

use crate::cells::{Cell, cells};
use crate::rehearsal::{everything, full, made};

/// Whether a cell of a card of this profile is of a kind.
type IsOf = fn(&Cell, &Profile) -> bool;

/// Bytes of which no command tells anything, and why.
const UNHEARD: [(&str, IsOf); 6] = [
    (
        "the log of transactions is read only behind a whole commit record, and one bit makes none of zeros",
        |cell, _| *cell == Cell::Log,
    ),
    ("PIN: bytes behind its last digit are compared with nothing", |cell, profile| match cell {
        Cell::Pin(byte) => *byte >= 2 + initial_pin(profile).len(),
        _ => false,
    }),
    ("blocks: the failures of a PSAM count on no user card", |cell, _| *cell == Cell::Block(1)),
    ("key: the fourth byte of a slot holds nothing", |cell, _| matches!(cell, Cell::Key(_, 3))),
    ("key: its version is answered by INITIALIZE only, of a key that moves money", |cell, profile| match cell {
        Cell::Key(name, 2) => !profile
            .account
            .iter()
            .any(|rules| [&rules.purchase_key, &rules.load_key].iter().any(|key| name.ends_with(&format!(".{key}")))),
        _ => false,
    }),
    (
        "certificate application: files that nobody filled, and private keys, which never leave the card",
        |cell, _| matches!(cell, Cell::Certificate(name, _) if !name.ends_with("_pin")),
    ),
];

/// The digits with which the PINs of the certificate application begin, and those of another PIN.
const CERTIFICATE_PIN: &str = "246813579024";
const OTHER_PIN: &str = "999999999999";
const PURCHASE_NUMBER: u16 = 8;
const LOAD_NUMBER: u16 = 6;

fn initial_pin(profile: &Profile) -> Vec<u8> {
    hex::decode(&profile.pin.as_ref().expect("a PIN").initial).expect("digits")
}

/// What was heard: answers by the part of the card that they tell of.
type Heard = BTreeMap<String, Vec<u8>>;

/// A card that was used.
struct Used<'p> {
    profile: &'p Profile,
    socket: Socket,
    cells: Vec<Cell>,
}

impl<'p> Used<'p> {
    fn new(profile: &'p Profile) -> Self {
        let socket = made(profile, &everything(profile)).socket;
        let used = Self { profile, socket, cells: cells(profile) };
        for (df, file) in profile.df.iter().enumerate().flat_map(|(at, df)| (0..df.ef.len()).map(move |ef| (at, ef))) {
            let (row, ef) = (&profile.df[df], &profile.df[df].ef[file]);
            if ef.kind == EfKind::Cyclic {
                let records = encode_file(row, ef, &records(row, ef)).expect("values that fit");
                // The newest record, number 1, stands in the last slot.
                let bytes = records.iter().rev().flat_map(|(_, bytes)| bytes);
                let bytes: Vec<u8> = [ef.records - 1, ef.records].iter().chain(bytes).copied().collect();
                used.store(|cell| matches!(cell, Cell::File(d, f, _) if (*d, *f) == (df, file)), &bytes);
            }
        }
        let proof = |number: u16, seed: u8| [&[1][..], &number.to_be_bytes(), &[seed; 4], &[seed + 1; 4]].concat();
        let account = [
            &12_345_u32.to_be_bytes()[..],
            &678_u32.to_be_bytes(),
            &90_u32.to_be_bytes(),
            &[0x20, 0x26, 0x00, 0x07, 0x00, 0x09],
            &proof(PURCHASE_NUMBER, 0x31),
            &proof(LOAD_NUMBER, 0x41),
        ];
        used.store(|cell| matches!(cell, Cell::Account(_)), &account.concat());
        if let Some(rules) = &profile.certificate {
            let mut session = used.certificates();
            for role in [Role::User, Role::Administrator] {
                let pin = used.certificate_pin(role, CERTIFICATE_PIN);
                let set_up = rules.set_up_pin(role, &pin).expect("its length");
                assert!(session.send(&set_up).expect("answer").sw.is_ok(), "{role:?}");
            }
        }
        used
    }

    /// Of a card with a certificate application.
    fn certificate_rules(&self) -> &'p CertificateRules {
        self.profile.certificate.as_ref().expect("an application")
    }

    /// As many of these digits as the card takes.
    fn certificate_pin(&self, role: Role, digits: &str) -> PinBcd {
        let bytes = match self.certificate_rules().pin(role).bytes {
            0 => 4,
            exact => usize::from(exact),
        };
        PinBcd::parse(&digits[..2 * bytes]).expect("digits")
    }

    fn account(&self) -> &'p AccountRules {
        self.profile.account.as_ref().expect("an account")
    }

    fn memory(&self) -> Vec<u8> {
        self.socket.card().memory().bytes().to_vec()
    }

    /// Brings the memory to these bytes, past every command.
    fn bring_to(&self, bytes: &[u8]) {
        for (address, (is, wanted)) in
            self.memory().iter().zip(bytes).enumerate().filter(|(_, (is, wanted))| is != wanted)
        {
            self.socket.card().flip(address, is ^ wanted).expect("in memory");
        }
    }

    fn store(&self, is_it: impl Fn(&Cell) -> bool, bytes: &[u8]) {
        let mut memory = self.memory();
        let addresses: Vec<usize> = (0..self.cells.len()).filter(|at| is_it(&self.cells[*at])).collect();
        assert_eq!(addresses.len(), bytes.len());
        addresses.into_iter().zip(bytes).for_each(|(at, byte)| memory[at] = *byte);
        self.bring_to(&memory);
    }

    /// The card after power-up, with a directory selected.
    fn at(&self, df: &str) -> Session {
        let mut session = Session::new(Box::new(self.socket.connect().expect("comes up")));
        let row = self.profile.df(df).expect("a directory");
        for df in self.profile.df.first().into_iter().filter(|first| first.id != df).chain([row]) {
            session.send(&command::select_by_fid(df.fid)).expect("answer");
        }
        session
    }

    fn certificates(&self) -> Session {
        let mut session = self.at("SSSE");
        self.certificate_rules().select().iter().for_each(|select| drop(session.send(select).expect("answer")));
        session
    }

    fn verified(&self, df: &str) -> Session {
        let mut session = self.at(df);
        session.send(&command::verify(&initial_pin(self.profile))).expect("answer");
        session
    }

    /// Asks what tells of the part in which a cell lies; afterwards the memory is as it was.
    fn hear(&self, cell: &Cell) -> Heard {
        let before = self.memory();
        let mut heard = Heard::new();
        let mut note = |what: &str, answer: Vec<u8>| {
            heard.insert(what.to_owned(), answer);
            // What was spent on the question is given back.
            self.bring_to(&before);
        };
        match cell {
            Cell::Pin(_) => {
                note("tries of the PIN", said(&mut self.at("SSSE"), &command::verify(&[0x99; 3])));
                note("PIN", said(&mut self.at("SSSE"), &command::verify(&initial_pin(self.profile))));
            }
            Cell::Certificate(..) => {
                for (role, name) in [(Role::User, "user_pin"), (Role::Administrator, "administrator_pin")] {
                    for (digits, what) in [(OTHER_PIN, "tries of "), (CERTIFICATE_PIN, "")] {
                        let step = self.certificate_rules().verify(role, &self.certificate_pin(role, digits));
                        let sw = self.certificates().perform(&step, None).expect("answer").sw;
                        note(&format!("{what}{name}"), sw.0.to_be_bytes().to_vec());
                    }
                }
            }
            Cell::Key(name, _) => {
                let row =
                    self.profile.key.iter().find(|row| format!("{}.{}", row.df, row.name) == *name).expect("a key");
                let mut session = self.at(&row.df);
                session.send(&command::get_challenge(8)).expect("answer");
                note(
                    &format!("tries of {name}"),
                    said(&mut session, &command::external_authenticate(row.id, [0; 8], [0; 8])),
                );
            }
            Cell::File(df, file, byte) => {
                let (row, ef) = (&self.profile.df[*df], &self.profile.df[*df].ef[*file]);
                let mut session = self.verified(&row.id);
                // One record tells of its own bytes; of the two that count them the first and the last tell.
                let numbers = if *byte < 2 { vec![1, ef.records] } else { vec![number_of(ef, *byte)] };
                for number in numbers {
                    let read = command::read_record(
                        ef.sfi(),
                        Record::Number(number),
                        ef.record_length().try_into().expect("short"),
                    );
                    let answer = session.send(&read).expect("answer");
                    let place = Place::file(&row.id, &ef.id).record(number);
                    let reading = decode_record(row, ef, number, &answer.data);
                    heard.insert(format!("{place} {}", answer.sw), Vec::new());
                    for (place, value) in reading.values.iter() {
                        heard.entry(place.to_string()).or_default().extend(words(value).bytes());
                    }
                    for fault in &reading.faults {
                        heard.entry(fault.place.to_string()).or_default().extend(format!("{fault:?}").bytes());
                    }
                }
            }
            Cell::Account(_) => self.hear_account(&mut heard),
            Cell::Block(_) => {
                for df in &self.profile.df {
                    let mut session = self.at("SSSE");
                    let select = command::select_by_fid(df.fid);
                    heard.insert(df.id.clone(), said(&mut session, &select));
                }
                let selects = self.profile.certificate.iter().flat_map(|rules| rules.select());
                let selects: Vec<Command> = selects.collect();
                for (at, select) in (1..).zip(&selects) {
                    let mut session = self.at("SSSE");
                    selects.iter().take(at - 1).for_each(|select| drop(session.send(select).expect("answer")));
                    heard.insert(format!("certificates {at}"), said(&mut session, select));
                }
            }
            Cell::Log => {
                heard.insert(
                    "card".to_owned(),
                    said(&mut self.at("SSSE"), &command::verify(&initial_pin(self.profile))),
                );
            }
        }
        self.bring_to(&before);
        heard
    }

    fn hear_account(&self, heard: &mut Heard) {
        let rules = self.account();
        let session = &mut self.verified(&rules.df);
        let kinds = [
            ("personal account", BalanceKind::PersonalAccount),
            ("self-paid total", BalanceKind::SelfPaidTotal),
            ("pooled-fund total", BalanceKind::PooledFundTotal),
        ];
        for (name, kind) in kinds {
            let answer = session.send(&rules.get_balance(kind)).expect("answer").data;
            heard.insert(name.to_owned(), answer[..4].to_vec());
            if answer.len() > 4 {
                heard.insert("year".to_owned(), answer[4..].to_vec());
            }
        }
        let load = session.send(&rules.init_load(1, [1; 6])).expect("answer").data;
        let load = AccountRules::parse_load_start(&load).expect("its length");
        heard.insert("number of loads".to_owned(), load.card_sequence.to_be_bytes().to_vec());
        let amounts = Amounts { personal_account: 1, ..Amounts::default() };
        let purchase = session.send(&rules.init_purchase(amounts, [1; 6])).expect("answer").data;
        let purchase = AccountRules::parse_purchase_start(&purchase).expect("its length");
        heard.insert("number of purchases".to_owned(), purchase.card_sequence.to_be_bytes().to_vec());
        // The row numbers a transaction by what INITIALIZE answered before it.
        let before = |number: u16| (0..=number).find(|start| rules.numbered(*start) == number).expect("a number");
        for (name, kind, number) in
            [("last purchase", rules.purchase_type, PURCHASE_NUMBER), ("last load", rules.load_type, LOAD_NUMBER)]
        {
            let prove = rules.prove(kind, before(number)).expect("the card has the command");
            heard.insert(name.to_owned(), said(session, &prove));
        }
    }
}

/// Answer and status word.
fn said(session: &mut Session, command: &Command) -> Vec<u8> {
    let answer = session.send(command).expect("answer");
    [answer.data, answer.sw.0.to_be_bytes().to_vec()].concat()
}

/// A value as it is: its `Debug` tells its length only.
fn words(value: &Value) -> String {
    match value {
        Value::Text(text) => text.to_string(),
        Value::Number(number) => number.to_string(),
    }
}

/// A value in every item of every record, none like its neighbour's.
fn records(df: &Df, ef: &Ef) -> CardValues {
    let mut values = CardValues::new();
    for number in 1..=ef.records {
        for row in &ef.elements {
            let value = match full(row) {
                Value::Number(_) => Value::Number(u64::from(number)),
                Value::Text(_) if row.is_date() => format!("1111110{}", number % 9 + 1).into(),
                Value::Text(text) => text.replace(['1', 'A', '5'], &format!("{}", number % 9 + 1)).into(),
            };
            values.insert(Place::file(&df.id, &ef.id).record(number).item(&row.id), value);
        }
    }
    values
}

/// Number of the record to which a byte of a full cyclic file belongs: the newest, 1, stands last.
fn number_of(ef: &Ef, byte: usize) -> u8 {
    let slot = u8::try_from((byte - 2) / ef.record_length()).expect("few records");
    ef.records - slot
}

/// What a terminal must hear of a cell that changed.
fn expected(cell: &Cell, profile: &Profile) -> BTreeSet<String> {
    let one = |name: &str| BTreeSet::from([name.to_owned()]);
    match cell {
        Cell::Pin(0) => one("tries of the PIN"),
        Cell::Pin(_) => one("PIN"),
        Cell::Key(name, _) => one(&format!("tries of {name}")),
        // A PIN that was never set up has neither digits nor tries.
        Cell::Certificate(name, 0) => BTreeSet::from([name.clone(), format!("tries of {name}")]),
        Cell::Certificate(name, 1) => one(&format!("tries of {name}")),
        Cell::Certificate(name, _) => one(name),
        Cell::Account(0..4) => one("personal account"),
        Cell::Account(4..8) => one("self-paid total"),
        Cell::Account(8..12) => one("pooled-fund total"),
        Cell::Account(12..14) => one("year"),
        Cell::Account(14..16) => one("number of loads"),
        Cell::Account(16..18) => one("number of purchases"),
        Cell::Account(18..29) => one("last purchase"),
        Cell::Account(_) => one("last load"),
        Cell::File(df, file, byte) => {
            let (df, ef) = (&profile.df[*df], &profile.df[*df].ef[*file]);
            let record = Place::file(&df.id, &ef.id).record(number_of(ef, *byte));
            let mut rest = (byte - 2) % ef.record_length();
            let item = ef.elements.iter().find(|row| {
                let is_here = rest < usize::from(row.format.length);
                rest = rest.wrapping_sub(usize::from(row.format.length));
                is_here
            });
            one(&record.item(&item.expect("an item").id).to_string())
        }
        Cell::Block(at) => {
            let names = profile.df.iter().map(|df| df.id.clone());
            let certificates = profile.certificate.iter().flat_map(|_| ["certificates 1", "certificates 2"]);
            let names: Vec<String> = names.chain(certificates.map(str::to_owned)).collect();
            if *at == 0 { names.into_iter().collect() } else { one(&names[at - 2]) }
        }
        Cell::Log => BTreeSet::new(),
    }
}

/// A bit that means something: a count beyond the most that there can be is taken for the most, so that it loses one that it has.
fn mask_of(cell: &Cell, address: usize, stored: u8) -> u8 {
    match cell {
        Cell::Pin(0) | Cell::Key(_, 0 | 1) | Cell::Certificate(_, 0 | 1) | Cell::File(_, _, 0 | 1) if stored != 0 => {
            stored & stored.wrapping_neg()
        }
        _ => 1 << (address % 8),
    }
}

#[test]
fn a_terminal_hears_of_every_damaged_byte_of_a_used_card_but_those_listed() {
    for (name, least) in [("ssc-1.0", 700), ("ssc-2.0", 1_300), ("ssc-3.0", 1_400)] {
        let (heard_of, reasons) = heard_of_each_cell(&builtin(name).expect("built in"));
        assert!(heard_of > least, "{name}: {heard_of}");
        // A reason that no cell of this card needs is one of the certificate application, which older cards lack.
        let of_certificates = |reason: &str| reason.starts_with("certificate application");
        let expected =
            UNHEARD.iter().map(|(reason, _)| *reason).filter(|reason| name == "ssc-3.0" || !of_certificates(reason));
        assert_eq!(reasons, expected.collect(), "{name}");
    }
}

/// How many cells of a used card a terminal hears of, and the reasons why it does not hear of the others.
fn heard_of_each_cell(profile: &Profile) -> (usize, BTreeSet<&'static str>) {
    let used = Used::new(profile);
    let proves = |name: &str| {
        let row = profile.key.iter().find(|row| format!("{}.{}", row.df, row.name) == name);
        row.is_some_and(|row| profile.proves(row) && (row.df == "SSSE" || row.id >= 0x80))
    };
    let (mut reasons, mut heard_of) = (BTreeSet::new(), 0);
    let mut sound = BTreeMap::<String, Heard>::new();
    for (address, cell) in used.cells.iter().enumerate() {
        let is_asked = match cell {
            Cell::Key(name, byte) => *byte < 4 && proves(name),
            Cell::File(df, file, _) => profile.df[*df].ef[*file].kind == EfKind::Cyclic,
            // Two of three bytes of what no command reads say no more than one.
            Cell::Log => address % 3 == 0,
            Cell::Certificate(name, byte) => name.ends_with("_pin") || *byte == 0,
            Cell::Pin(_) | Cell::Account(_) | Cell::Block(_) => true,
        };
        if !is_asked {
            continue;
        }
        let part = match cell {
            Cell::File(df, file, byte @ 0..2) => format!("{df} {file} counted {byte}"),
            Cell::File(df, file, byte) => format!("{df} {file} {}", number_of(&profile.df[*df].ef[*file], *byte)),
            Cell::Key(name, _) => name.clone(),
            other => format!("{:?}", std::mem::discriminant(other)),
        };
        let before = sound.entry(part).or_insert_with(|| used.hear(cell));
        let mask = mask_of(cell, address, used.memory()[address]);
        used.socket.card().flip(address, mask).expect("in memory");
        let now = used.hear(cell);
        used.socket.card().flip(address, mask).expect("in memory");
        let names = before.keys().chain(now.keys());
        let told: BTreeSet<String> = names.filter(|name| before.get(*name) != now.get(*name)).cloned().collect();
        match UNHEARD.iter().find(|(_, is_it)| is_it(cell, profile)) {
            Some((reason, _)) => {
                assert_eq!(told, BTreeSet::new(), "byte {address}, {cell:?}: {reason}");
                reasons.insert(*reason);
            }
            // Which record is the newest and how many there are shows in all of them.
            None if matches!(cell, Cell::File(_, _, 0 | 1)) => {
                let Cell::File(df, file, _) = cell else { unreachable!("a file") };
                let file = format!("{}.{}", profile.df[*df].id, profile.df[*df].ef[*file].id);
                assert!(!told.is_empty() && told.iter().all(|name| name.starts_with(&file)), "{cell:?}: {told:?}");
                heard_of += 1;
            }
            None => {
                assert_eq!(told, expected(cell, profile), "byte {address}, {cell:?}");
                heard_of += 1;
            }
        }
    }
    (heard_of, reasons)
}
