//! `docs/wire.md`: what each ceremony costs on the contacts, ours beside deployed sequences and beside the least.
//!
//! Source: deployed sequences: published driver and tool sequences, sent here to the software card as they stand; the least:
//! ISO/IEC 7816-3 10.3 and the data fields of LD/T 32.5, counted from the profile's tables alone.
//! Owns: the ceremonies and the text. Never: estimates: ours and deployed are counted by the session.
//! Units: bytes in both directions; milliseconds of the line alone, without the card's work.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use card_core::security::{CityCode, Factors};
use card_core::wire::{Line, Wire};
use card_core::{Atr, Session};
use card_profiles::access::{Access, Right};
use card_profiles::plan::{self, ControlKeyState, Plan, Target};
use card_profiles::profile::EfKind;
use card_profiles::rehearsal::TRANSPORT_LOT;
use card_profiles::{CardValues, Ef, Place, Profile};
use card_sim::{Card, InProcess, Socket};

use crate::counter_wire::{Act, Counter, Desk, Spent};
use crate::deployed::{
    BALANCE_DRIVER, PIN_DRIVER, READ_2_CURRENT, READ_2_DRIVER, READ_2_SFI, READ_3_HSM, READ_3_PSAM, WRITE_2_SFI,
    full_read, replay,
};
use crate::sample::Sample;

/// One ceremony: rows of name and cost; the last row is the least.
#[derive(Debug)]
pub struct Ceremony {
    /// What is done.
    pub name: &'static str,
    /// Ours; ours when something is met for the first time; deployed sequences with their origin.
    pub rows: Vec<(&'static str, Wire)>,
    /// The least that the commands allow.
    pub least: Wire,
    /// What goes over the PSAM's own contacts meanwhile.
    pub psam: Option<Wire>,
}

/// The C library, whose function reads a card as `card read` does.
const LIBRARY: &str = "ours, `iReadCardBas`";
/// The same where the card is compared with the PSAM first.
const LIBRARY_FIRST: &str = "ours, `iReadCardBas`, first contact of all";

/// Every file in the forms in which deployed programs read those that they read.
const EVERY_FILE: &str = "deployed: every file in the forms that programs print";

/// Eleven fields of cards of a type that was once found to know no other way.
const LIBRARY_LEARNT: &str = "ours, `iReadCardBas`, the slow way once learnt (eight items)";

/// Cards of a type that was once found to know no other way.
const LEARNT: &str = "ours, the slow way once learnt";

/// Rows that are held to the least and to the deployed sequences.
#[cfg(test)]
const HELD: [&str; 3] = ["ours", "ours, no reader named", LIBRARY];

/// All ceremonies.
///
/// # Panics
/// When the software card refuses a step: then nothing is worth counting.
#[must_use]
pub fn ceremonies() -> Vec<Ceremony> {
    let mut sample = Sample::new();
    let three = sample.profile.clone();
    let two = card_profiles::builtin("ssc-2.0").expect("built in");
    let socket = Socket::new(sample.blank(1));
    let plan = sample.plan(&blank_atr(&socket));
    let personalization = sample.carry_out(&plan, connect(&socket)).wire();
    let blank_two = Card::factory(&two, [0x51, 0x33, 0, 0, 0, 2], &card_core::key::Key16::new(*b"REHEARSAL-FACTRY"));
    let two_socket = Socket::new(blank_two.expect("a built-in profile makes a card"));
    let plan_two = sample.plan_of(&two, &blank_atr(&two_socket));
    sample.carry_out(&plan_two, connect(&two_socket));
    let mut replay = |socket: &Socket, sequence| replay(socket, &three, &mut sample, sequence);
    let deployed = [
        replay(&socket, READ_3_PSAM),
        replay(&socket, READ_3_HSM),
        replay(&two_socket, READ_2_SFI),
        replay(&two_socket, READ_2_DRIVER),
        replay(&two_socket, READ_2_CURRENT),
        replay(&socket, PIN_DRIVER),
        replay(&socket, BALANCE_DRIVER),
        replay(&socket, &full_read(&three)),
    ];
    let [psam, hsm, sfi, driver, current, pin, balance, every_file] = deployed;
    let basic = [("SSSE", "EF05"), ("SSSE", "EF06")];
    let tap = environment(&three) + algorithm(&three) + files(&three, &basic[..1]);
    let enter = pair(2, 0);
    let mut ours = |card: &Socket, act: Act| {
        let mut counter = Counter::new(card, &mut sample);
        [Desk::Unknown, Desk::FirstOfCity, Desk::Usual, Desk::Slow]
            .map(|desk| counter.carry_out(act, desk, &mut sample))
    };
    let [basic_three, full, basic_two, pin_ours, balance_ours, purchase, load] = [
        ours(&socket, Act::Basic),
        ours(&socket, Act::Full),
        ours(&two_socket, Act::Basic),
        ours(&socket, Act::Pin),
        ours(&socket, Act::Balance),
        ours(&socket, Act::Purchase),
        ours(&socket, Act::Load),
    ];
    let mut library = |card: &Socket| {
        let mut counter = Counter::new(card, &mut sample);
        let desks = [Desk::Unknown, Desk::Usual, Desk::Slow];
        let [first, usual, slow] = desks.map(|desk| counter.read_by_library(desk).card);
        [(LIBRARY, usual), (LIBRARY_FIRST, first), (LIBRARY_LEARNT, slow)]
    };
    let [library_three, library_two] = [library(&socket), library(&two_socket)];
    let written = nine_items(&mut sample, &two);
    let key = one_key(&mut sample);
    vec![
        Ceremony::of_program(
            "Basic read, 3.x card (`card read`)",
            basic_three,
            [
                &library_three[..],
                &[("deployed: a driver with PSAM", psam), ("deployed: a driver with HSM, both calls", hsm)],
            ]
            .concat(),
            tap + proof() + whole(three.ef("SSSE", "EF06").expect("a file of SSSE")),
        ),
        Ceremony::of_program(
            "Basic read, 2.x card (`card read`)",
            basic_two,
            [
                &library_two[..],
                &[
                    ("deployed: by SFI and tag (ten items)", sfi),
                    ("deployed: a driver, file by file (eight items)", driver),
                    ("deployed: by SFI and in the current file (seven items)", current),
                ],
            ]
            .concat(),
            environment(&two) + files(&two, &basic),
        ),
        Ceremony::of_program(
            "Full read, 3.x card, with PIN and keys (`card read --all --pin`)",
            full,
            vec![(EVERY_FILE, every_file)],
            environment(&three) + algorithm(&three) + files(&three, &all_files(&three)),
        ),
        Ceremony::of_program(
            "PIN (what `balance --pin` begins with)",
            pin_ours,
            vec![("deployed: with the FCI fetched", pin)],
            environment(&three) + pair(3, 0),
        ),
        Ceremony::of_program(
            "Balance: personal account and both yearly totals (`balance`)",
            balance_ours,
            vec![("deployed: with the FCI fetched, one balance", balance)],
            environment(&three) + enter + pair(0, 4) + pair(0, 6) + pair(0, 6),
        ),
        Ceremony::of_program(
            "Purchase, to the receipt (`pay`)",
            purchase,
            vec![("deployed: a driver's read, PIN and purchase, log record read back", psam + deployed_purchase())],
            environment(&three) + issuer_items(&three) + purchase_commands(),
        ),
        Ceremony::of_program(
            "Load of the account (`load`)",
            load,
            vec![("deployed: a driver's read and PIN, the two commands of a logged load", psam + deployed_load())],
            environment(&three) + issuer_items(&three) + enter + pair(11, 16) + pair(11, 4),
        ),
        Ceremony {
            name: "Personalization, 3.x card: all keys and the two basic files, read back",
            rows: vec![("ours", personalization)],
            // The bytes are the least's own; with as many, the plan has no step too many.
            least: Wire {
                exchanges: plan.exchanges().try_into().expect("small"),
                bytes: crate::wire::least_personalization(&Sample::new()),
            },
            psam: None,
        },
        key,
        written,
    ]
}

/// One key of 16 bytes onto a card from the factory: ours and a published example.
fn one_key(sample: &mut Sample) -> Ceremony {
    let socket = Socket::new(sample.blank(4));
    let mut plan = sample.plan(&blank_atr(&socket));
    let first =
        plan.steps.iter().position(|step| matches!(step.act, plan::Act::LoadKey(_))).expect("a plan loads keys");
    plan.steps.truncate(first + 1);
    assert_eq!(plan.steps.len(), 2, "SELECT and one key");
    let ours = sample.carry_out(&plan, connect(&socket)).wire();
    let select = environment(&sample.profile);
    // LD, usage, id, version and 16 bytes of key in whole blocks of 8, and a MAC of 4.
    let least = select + pair(0, 4) + pair((1 + 3 + 16_u64).next_multiple_of(8) + 4, 0);
    // `84D400001C`, the MAC from a challenge of 4.
    let published = select + pair(0, 4) + pair(0x1C, 0);
    Ceremony {
        name: "One key of 16 bytes, 3.x card from the factory",
        rows: vec![("ours", ours), ("deployed: a published load of a key", published)],
        least,
        psam: None,
    }
}

/// The items that a deployed tool writes: file and tag.
const NINE: [(&str, u8); 9] = [
    ("EF05", 0x05),
    ("EF05", 0x07),
    ("EF06", 0x08),
    ("EF06", 0x09),
    ("EF06", 0x4E),
    ("EF06", 0x0A),
    ("EF06", 0x0B),
    ("EF06", 0x0D),
    ("EF06", 0x0C),
];

/// Two basic files of a 2.x card that has its keys: ours and a deployed tool's.
fn nine_items(sample: &mut Sample, two: &Profile) -> Ceremony {
    let blank = Card::factory(two, [0x51, 0x33, 0, 0, 0, 3], &card_core::key::Key16::new(*b"REHEARSAL-FACTRY"));
    let socket = Socket::new(blank.expect("a built-in profile makes a card"));
    let row = |file: &str, tag: u8| {
        let ef = two.ef("SSSE", file).expect("a file of SSSE");
        ef.elements.iter().find(|row| row.tag == Some(tag)).expect("an item of the file")
    };
    let mut values = CardValues::new();
    let mut least = environment(two) + proof();
    for (file, tag) in NINE {
        let row = row(file, tag);
        let place = Place::file("SSSE", file).item(&row.id);
        let known = sample.values.iter().find(|(known, _)| **known == place);
        let (_, value) = known.unwrap_or_else(|| panic!("{place}: a value of the sample"));
        values.insert(place, value.clone());
        least = least + pair(2 + u64::from(row.format.length), 0);
    }
    let mut target = Target::blank(factors(&socket), TRANSPORT_LOT);
    let first = Plan::personalize(two, &values, &target).expect("values that fit");
    sample.carry_out(&first, connect(&socket));
    let deployed = replay(&socket, two, sample, WRITE_2_SFI);
    two.df.iter().for_each(|df| target.control.set(&df.id, ControlKeyState::Production));
    let mut plan = Plan::personalize(two, &values, &target).expect("values that fit");
    // Nothing is written in the other directories.
    plan.steps.retain(|step| step.df == "SSSE");
    let read_back = sample.carry_out(&plan, connect(&socket)).wire();
    plan.steps.retain(|step| step.act != plan::Act::ReadBack);
    let ours = sample.carry_out(&plan, connect(&socket)).wire();
    Ceremony {
        name: "Personalization, 2.x card: nine items of the two basic files, under the production key",
        rows: vec![
            ("ours", ours),
            ("ours, read back", read_back),
            ("deployed: a tool, by SFI and tag, not read back", deployed),
        ],
        least,
        psam: None,
    }
}

impl Ceremony {
    fn of_program(
        name: &'static str,
        [unknown, first, usual, slow]: [Spent; 4],
        others: Vec<(&'static str, Wire)>,
        least: Wire,
    ) -> Self {
        let mut rows = vec![("ours", usual.card), ("ours, no reader named", usual.card)];
        if first.card != usual.card {
            rows.push(("ours, first card of a city", first.card));
        }
        rows.push(("ours, first contact of all", unknown.card));
        if slow.card != usual.card {
            rows.push((LEARNT, slow.card));
        }
        let psam = (usual.psam != Wire::default()).then_some(usual.psam);
        Self { name, rows: rows.into_iter().chain(others).collect(), least, psam }
    }
}

/// The text of `docs/wire.md`.
///
/// # Panics
/// As [`ceremonies`].
#[must_use]
pub fn text() -> String {
    let mut text = String::from(HEAD);
    for ceremony in ceremonies() {
        write!(text, "\n## {}\n\n{TABLE}", ceremony.name).expect("a String takes all");
        for (name, wire) in ceremony.rows.iter().chain([&("the least", ceremony.least)]) {
            let ratio = percent(wire.bytes, ceremony.least.bytes);
            writeln!(
                text,
                "| {name} | {} | {} | {} | {} | {ratio} |",
                wire.exchanges,
                wire.bytes,
                tenths(wire.micros(Line::RESET)),
                tenths(wire.micros(Line::FAST))
            )
            .expect("a String takes all");
        }
        if let Some(wire) = ceremony.psam {
            writeln!(
                text,
                "| *the PSAM, on its own contacts* | {} | {} | {} | {} | |",
                wire.exchanges,
                wire.bytes,
                tenths(wire.micros(Line::RESET)),
                tenths(wire.micros(Line::FAST))
            )
            .expect("a String takes all");
        }
    }
    text
}

const HEAD: &str = "# Bytes on the wire

Generated by `cargo run -p benches -- wire-tables`; a test compares. Bytes in both directions on the contacts of a T=0 card: header 5,
procedure byte where data follows, data, status word 2 (ISO/IEC 7816-3 10.3). Milliseconds are those of the line alone, at 9600 baud
(after reset) and at 115,200 baud (F/D = 31); the card's own work is not in them.

*Ours* is counted while the functions that `sscard` calls run, from the card's power-up to the answer, on a software card whose log is
empty. It is the same whether the readers are named or not, once the terminal has met its PSAM: PSAMs are remembered by their answer to
reset, so that the holder's card is never asked whether it is one, and so are the cities whose cards a PSAM proved to have the keys of. The
*first card of a city* proves its IRK before the PSAM's keys spend a try: 40 bytes, of INTERNAL AUTHENTICATION 24 and of GET RESPONSE 16,
which is why a first contact lies above the least by more than a tenth. They are a rule of ours and none of the card's: with a foreign PSAM
the next command would spend a try of RKSSSE, and no shorter command spends none. On that card the FCI (38 bytes) could be left in the card
instead, since the proof shows the algorithm; but whether the city is new is known by EF05 only, and the FCI must be fetched before it or
with a second SELECT. The deployed driver fetches the FCI on every card, `sscard`
proves once a city: on a 3.x card a first contact has fewer bytes than any read of the driver (312, 316). The 270 bytes of the second table are
a driver's on a 2.x card, which needs no key: there our first contact has 194, as every other. At the *first contact of all* the PSAM is remembered
neither; the row is the worst case, in which the holder's card is asked first. What a command recognises shows what it is by the EF05 that
is read of it anyhow, so that only a PSAM pays for that question (7 bytes, once, on its own contacts); for a PIN or a balance the card
refuses one READ BINARY (7 bytes). Commands that read files or move money recognise the card: SELECT of SSSE, EF05 whole, and the FCI of a
3.x card where keys of its algorithm are used. PIN and balances are asked alike of every card and need no recognition. Tests hold the
traces of `sscard` itself to these rows. The C library finds, remembers and asks as `sscard` does; a test counts the bytes on the contacts
of a card while programs call it.

The deployed sequences are counted while they run; what a purchase, a load and the load of a key add to one is counted by the lengths that are
printed. *The least* is counted from the profile's tables, recognition included where the
ceremony depends on it: every command that cannot be left out, whole files in one READ RECORD where they fit; of EF05 a transaction needs
the identifier, the version and both dates. What goes over the PSAM's contacts meanwhile (its environment, its terminal number, its
application, then its part) stands below each table's least; a terminal talks to its PSAM on another line.
*The slow way once learnt* is the worst card: it refused whole files, SFIs and an Le of the length when a card of its type was met first,
and is read after SELECT of each file, record by record, with Le 00. Nothing is tried in vain then; the usual way is tried again now and
then. A card that lacks one of the three lies between these rows and the usual ones. PIN, balances and money know no other way.
Whether the PSAM serves cards of another algorithm is asked before the first transaction (23 bytes), and remembered.
The library's slow way asks for the items of the eleven fields alone, by their tags, as drivers do, and costs less than any of them; `card read`
shows fourteen items. In the full read the slow way lies 35 bytes above the printed forms: that card corrects Le 00 five times, and would refuse their Le.

What the sources print of deployed programs: basic reads in six orders, the PIN, a balance, a purchase with its log record, nine writes of a
personalization, the load of one key, and a real card's log of a load to a purse, whose two commands and answers (`805000020B`, `805200000B`) are as
long as those of the account; no source prints a load to the account itself. Nor does one print which files a whole read asks for: its row sends, for
every file of the profile, the forms that programs print for the files that they read (`00A4020002`, a record by its tag, `00B20104`). A
personalization with all its keys has no such row: neither an order of keys, nor a transport key, nor a read-back is printed; what is printed of it stands in
tables of its own.
";
const TABLE: &str =
    "| | exchanges | bytes | ms at 9600 | ms at 115200 | of the least |\n|---|---:|---:|---:|---:|---:|\n";

/// Milliseconds with one decimal.
fn tenths(micros: u64) -> String {
    let tenths = (micros + 50) / 100;
    format!("{}.{}", tenths / 10, tenths % 10)
}

fn percent(bytes: u64, least: u64) -> String {
    format!("{} %", (bytes * 100 + least / 2) / least)
}

fn blank_atr(socket: &Socket) -> Vec<u8> {
    socket.card().atr().to_vec()
}

pub(crate) fn connect(socket: &Socket) -> Session {
    let transport: InProcess = socket.connect().expect("the card comes up");
    Session::new(Box::new(transport))
}

pub(crate) fn factors(socket: &Socket) -> Factors {
    let card = Atr::parse(socket.card().atr()).and_then(|atr| atr.card_factor()).expect("the factory's ATR");
    Factors::of(CityCode::parse("513300").expect("six digits"), card)
}

fn all_files(profile: &Profile) -> Vec<(&str, &str)> {
    profile.df.iter().flat_map(|df| df.ef.iter().map(|ef| (df.id.as_str(), ef.id.as_str()))).collect()
}

/// One command with `out` bytes of data and an answer of `back`: an answer to data is fetched by a second exchange.
fn pair(out: u64, back: u64) -> Wire {
    let of = |out: u64, back: u64| 5 + 2 + out + back + u64::from(out > 0) + u64::from(back > 0);
    match (out, back) {
        (0, back) => Wire { exchanges: 1, bytes: of(0, back) },
        (out, 0) => Wire { exchanges: 1, bytes: of(out, 0) },
        (out, back) => Wire { exchanges: 2, bytes: of(out, 0) + of(0, back) },
    }
}

/// GET CHALLENGE and EXTERNAL AUTHENTICATE: a challenge of 8 bytes is good for one proof with 16.
fn proof() -> Wire {
    pair(0, 8) + pair(16, 0)
}

/// SELECT of the environment, its FCI left in the card.
fn environment(profile: &Profile) -> Wire {
    let name = profile.df.first().map_or(0, |df| df.df_name.len());
    pair(name as u64, 0)
}

/// The FCI of a 3.x card, which names its algorithm nowhere else: `6F`, `84` name, `A5`, `88 01` SFI, `9F0C 03 86 01 xx`.
fn algorithm(profile: &Profile) -> Wire {
    let name = profile.df.first().map_or(0, |df| df.df_name.len());
    pair(0, 2 + 2 + name as u64 + 2 + 3 + 6)
}

/// These files, in the order of their directories, each with the shortest proof that is still missing.
fn files(profile: &Profile, wanted: &[(&str, &str)]) -> Wire {
    let mut wire = Wire::default();
    let mut proofs = Proofs::new(profile);
    for (index, df) in profile.df.iter().enumerate() {
        let here = || df.ef.iter().filter(|ef| wanted.contains(&(df.id.as_str(), ef.id.as_str())));
        if index > 0 && here().next().is_some() {
            wire = wire + pair(2, 0);
            proofs.enter();
        }
        for ef in here() {
            wire = wire + proofs.of(&ef.read) + whole(ef);
        }
    }
    wire
}

/// A whole file: all records in one READ RECORD, a cyclic file without records its refusal; 256 bytes at most in one answer.
fn whole(ef: &Ef) -> Wire {
    match ef.kind {
        EfKind::Cyclic => pair(0, 0),
        EfKind::TlvRecords | EfKind::Transparent => {
            let size = u64::from(ef.size);
            (0..size.div_ceil(256)).fold(Wire::default(), |sum, part| sum + pair(0, (size - 256 * part).min(256)))
        }
    }
}

/// What of EF05 a transaction depends on (identifier, version, dates), item by item; the whole file where that is less.
fn issuer_items(profile: &Profile) -> Wire {
    let ef = profile.ef("SSSE", "EF05").expect("a file of SSSE");
    let items = ef.elements.iter().filter(|row| row.tag.is_some_and(|tag| [0x01, 0x03, 0x05, 0x06].contains(&tag)));
    let items = items.fold(Wire::default(), |sum, row| sum + pair(0, 2 + u64::from(row.format.length)));
    if items.bytes < whole(ef).bytes { items } else { whole(ef) }
}

/// What is proved already, and what the next proof costs.
pub(crate) struct Proofs<'a> {
    profile: &'a Profile,
    held: BTreeSet<Right>,
}

impl<'a> Proofs<'a> {
    pub(crate) const fn new(profile: &'a Profile) -> Self {
        Self { profile, held: BTreeSet::new() }
    }

    /// Another directory: rights of directory keys end.
    pub(crate) fn enter(&mut self) {
        let profile = self.profile;
        self.held.retain(|right| match right {
            Right::Pin => true,
            Right::Key(name) => profile.key(name).is_some_and(|row| row.id < 0x80),
        });
    }

    fn of(&mut self, access: &Access) -> Wire {
        self.missing(access).into_iter().fold(Wire::default(), |sum, right| match right {
            Right::Pin => sum + pair(3, 0),
            Right::Key(_) => sum + proof(),
        })
    }

    /// What is still to be proved for a file: the shortest. It is held afterwards.
    pub(crate) fn missing(&mut self, access: &Access) -> Vec<Right> {
        let rights: Vec<&Right> = match access {
            Access::Free | Access::Never | Access::Mac(_) => Vec::new(),
            Access::All(rights) => rights.iter().collect(),
            Access::Any(rights) => match rights.iter().any(|right| self.held.contains(right)) {
                true => Vec::new(),
                false => rights.iter().find(|right| **right == Right::Pin).or(rights.first()).into_iter().collect(),
            },
        };
        rights.into_iter().filter(|right| self.held.insert((*right).clone())).cloned().collect()
    }
}

/// SELECT of the account's directory, VERIFY, GET BALANCE, INITIALIZE, DEBIT.
fn purchase_commands() -> Wire {
    pair(2, 0) + pair(3, 0) + pair(0, 4) + pair(19, 22) + pair(15, 8)
}

/// VERIFY, SELECT of the account's directory, INITIALIZE, DEBIT, SELECT of the log, its newest record.
fn deployed_purchase() -> Wire {
    pair(3, 0) + pair(2, 0) + pair(19, 22) + pair(15, 8) + pair(2, 0) + pair(0, 28)
}

/// VERIFY, SELECT of the account's directory, INITIALIZE FOR LOAD, CREDIT FOR LOAD.
fn deployed_load() -> Wire {
    pair(3, 0) + pair(2, 0) + pair(11, 16) + pair(11, 4)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ours_is_within_a_tenth_of_the_least_and_never_above_a_deployed_sequence() {
        let (mut held, mut compared) = (0, 0);
        for ceremony in ceremonies() {
            let ours = ceremony.rows.iter().filter(|(name, _)| HELD.contains(name));
            for (name, wire) in ours {
                let what = format!("{}, {name}: {wire:?} of {:?}", ceremony.name, ceremony.least);
                assert!(wire.bytes >= ceremony.least.bytes, "less than the least: {what}");
                assert!(wire.bytes * 10 <= ceremony.least.bytes * 11, "{what}");
                for (deployed, other) in ceremony.rows.iter().filter(|(name, _)| name.starts_with("deployed")) {
                    assert!(wire.bytes <= other.bytes, "{what}; {deployed}: {other:?}");
                    compared += 1;
                }
                held += 1;
            }
        }
        let by_the_library = 2;
        let nine_items = 1;
        let one_key = 1;
        assert_eq!(
            held,
            2 * 7 + by_the_library + 1 + one_key + nine_items,
            "seven ceremonies of the program, two of the library"
        );
        let (reads_of_three, reads_of_two) = (2, 3);
        let of_program = reads_of_three + reads_of_two + 5;
        let of_library = reads_of_three + reads_of_two;
        assert_eq!(compared, 2 * of_program + of_library + one_key + nine_items, "every deployed sequence of the page");
    }

    #[test]
    fn a_first_contact_costs_what_the_page_says() {
        let (proof, question) = (Wire { exchanges: 2, bytes: 40 }, Wire { exchanges: 1, bytes: 7 });
        let (mut proofs, mut questions) = (0, 0);
        for ceremony in ceremonies() {
            let row = |wanted: &str| ceremony.rows.iter().find(|(name, _)| *name == wanted).map(|(_, wire)| *wire);
            let Some(unknown) = row("ours, first contact of all") else { continue };
            if let Some(library) = row(LIBRARY_FIRST) {
                assert_eq!((library, row(LIBRARY)), (unknown, row("ours")), "{}: as `sscard`", ceremony.name);
            }
            let ours = row("ours").expect("a row");
            let first = row("ours, first card of a city");
            proofs += usize::from(first.is_some());
            assert_eq!(first.unwrap_or(ours) - ours, if first.is_some() { proof } else { Wire::default() });
            let is_asked = ["PIN", "Balance"].iter().any(|name| ceremony.name.starts_with(name));
            questions += usize::from(is_asked);
            let asked = if is_asked { question } else { Wire::default() };
            assert_eq!(unknown - first.unwrap_or(ours), asked, "{}", ceremony.name);
            for (deployed, other) in ceremony.rows.iter().filter(|(name, _)| name.starts_with("deployed")) {
                assert!(unknown.bytes <= other.bytes, "{}: {unknown:?}; {deployed}: {other:?}", ceremony.name);
            }
            assert_eq!(ceremony.psam.is_some(), first.is_some() || ceremony.name.starts_with("Load"));
        }
        assert_eq!((proofs, questions), (3, 2), "basic and full read of a 3.x card, purchase; PIN and balance");
    }

    #[test]
    fn the_slow_way_once_learnt_tries_nothing_in_vain() {
        let (mut read, mut eleven_fields) = (0, 0);
        for ceremony in ceremonies() {
            let row = |wanted: &str| ceremony.rows.iter().find(|(name, _)| *name == wanted).map(|(_, wire)| *wire);
            let Some((slow, ours)) = row(LEARNT).zip(row("ours")) else { continue };
            assert!(slow.bytes > ours.bytes && slow.exchanges > ours.exchanges, "{}: {slow:?} {ours:?}", ceremony.name);
            // What a driver sends that knows the slow way alone is no less.
            if let Some(by_item) = row(EVERY_FILE) {
                assert!(slow.bytes <= by_item.bytes * 21 / 20, "{slow:?} {by_item:?}");
            }
            read += 1;
            // Eleven fields need eight items.
            let Some(library) = row(LIBRARY_LEARNT) else { continue };
            let deployed =
                ceremony.rows.iter().filter(|(name, _)| name.starts_with("deployed") && !name.contains("seven"));
            for (name, other) in deployed {
                assert!(library.bytes <= other.bytes, "{}: {library:?}; {name}: {other:?}", ceremony.name);
                eleven_fields += 1;
            }
        }
        assert_eq!(read, 5, "two basic reads, the full read, purchase and load");
        assert_eq!(eleven_fields, 4, "two drivers at each generation");
    }

    #[test]
    fn ours_by_hand() {
        let ours = |name: &str| ceremonies().into_iter().find(|one| one.name.contains(name)).expect(name).rows[0].1;
        // 23 SELECT, 38 FCI, 72 EF05, 16 + 24 proof, 99 EF06.
        assert_eq!(ours("Basic read, 3.x").bytes, 23 + 38 + 72 + 16 + 24 + 99);
        // 23 SELECT, 11 VERIFY.
        assert_eq!(ours("PIN (what").bytes, 23 + 11);
        // 23 SELECT, 10 SELECT DF04, balances of 4, 6 and 6 bytes.
        assert_eq!(ours("`balance`").bytes, 23 + 10 + 12 + 14 + 14);
        // 23 SELECT, 72 EF05, 10 SELECT DF04, INITIALIZE FOR LOAD with 11 bytes and its answer of 16, CREDIT with 11 and 4.
        assert_eq!(ours("`load`").bytes, 23 + 72 + 10 + (19 + 24) + (19 + 12));
    }

    #[test]
    fn the_least_of_two_ceremonies_by_hand() {
        let least = |name: &str| ceremonies().into_iter().find(|one| one.name.starts_with(name)).expect(name).least;
        assert_eq!(least("Basic read, 2.x card"), Wire { exchanges: 3, bytes: 194 });
        // 23 SELECT, 38 FCI, 72 EF05, 16 + 24 proof, 99 EF06.
        assert_eq!(least("Basic read, 3.x card"), Wire { exchanges: 6, bytes: 23 + 38 + 72 + 16 + 24 + 99 });
    }

    #[test]
    fn the_page_is_the_one_that_is_made() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/wire.md");
        let page = std::fs::read_to_string(path).expect("docs/wire.md");
        assert!(page == text(), "docs/wire.md is old: cargo run -p benches -- wire-tables");
    }
}
