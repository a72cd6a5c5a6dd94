//! Any byte of any key or PIN that a card stores, and which case names that key when it is another one.
//!
//! Control keys that no case proves are proved by the plan that finds out which control key a directory has. What nothing
//! proves stands in `docs/conformance.md` with the reason.

use std::collections::BTreeMap;

use card_core::script::Step;
use card_core::security::{CityCode, Factors};
use card_core::{Atr, Session};
use card_profiles::access::Right;
use card_profiles::certificate::MASTER_KEY;
use card_profiles::conform::{Bench, Case, Effect, Need, cases};
use card_profiles::plan::{Plan, Problem, Target};
use card_profiles::profile::{CardKind, EfKind, KeyClass, KeyRow, Profile};
use card_profiles::rehearsal::TRANSPORT_LOT;
use card_sim::Socket;
use reader_cli::conform::{Outcome, Runner, Verdict};

use super::bench::{CITY, Module, PROFILES, bench, card, profile, straight};

/// Where the slots of keys begin in the memory of a card, how long each is, and where its key begins: `card-sim/README.md`.
const KEYS_AT: usize = 1040;
const SLOT: usize = 20;
const KEY_AT: usize = 4;
/// Bytes of the account.
const ACCOUNT: usize = 40;
/// Tries and number of bytes stand before the digits of the PIN.
const DIGITS_AT: usize = 2;
/// The top bit of a byte: the lowest is parity in a DES key and takes no part.
const MASK: u8 = 0x80;

/// What finds a damaged key.
enum Finder {
    Case(Box<Case>),
    /// Loading the control key over itself: [`Plan::probe`].
    Probe,
    /// No command shows it, and why.
    Nothing(&'static str),
}

/// Cards of one profile, and who talks to them.
struct Stand {
    rows: Profile,
    bench: Bench,
    cases: Vec<Case>,
    module: Module,
}

impl Stand {
    fn of(name: &str) -> Self {
        let rows = profile(name);
        let socket = card(&rows);
        let module = Module::of(&rows, &socket);
        let mut bench = bench(&rows, &socket);
        bench.terminal = module.terminal().unwrap_or(bench.terminal);
        let mut cases = cases(&rows, &bench);
        // What is simplest first; what blocks for good only where nothing else shows a key.
        cases.sort_by_key(|case| (matches!(case.effect, Effect::Final(_)), case.moves.len() + case.restore.len()));
        Self { rows, bench, cases, module }
    }

    fn run(&mut self, socket: &Socket, case: &Case) -> Outcome {
        let session = Session::new(straight(socket.clone()));
        let mut runner = Runner::new(session, Some(&mut self.module), (&self.rows, &self.bench), true);
        runner.run(case, true).expect("the card answers")
    }

    /// The key that a case names on a card with this byte damaged.
    fn named(&mut self, socket: &Socket, case: &Case, address: usize, mask: u8) -> Option<String> {
        socket.card().flip(address, mask).expect("in memory");
        let outcome = self.run(socket, case);
        socket.card().flip(address, mask).expect("in memory");
        match outcome.verdict {
            Verdict::Failed(difference) => difference.key.map(|key| key.0),
            Verdict::Passed | Verdict::Skipped(_) | Verdict::NotRun(_) => None,
        }
    }

    /// The first case that names `called` when the byte is damaged.
    fn finder(&mut self, wanted: &dyn Fn(&Need) -> bool, address: usize, mask: u8, called: &str) -> Option<Case> {
        let candidates: Vec<Case> = self.cases.iter().filter(|case| case.needs.iter().any(wanted)).cloned().collect();
        candidates.into_iter().find(|case| {
            let socket = card(&self.rows);
            self.named(&socket, case, address, mask).as_deref() == Some(called)
        })
    }

    /// What finds a damaged key of a row.
    fn of_key(&mut self, index: usize) -> Finder {
        let row = self.rows.key[index].clone();
        let wanted = |need: &Need| match need {
            Need::Key(key, _) => key.name == row.name && row.version.is_none_or(|version| version == key.version),
            Need::Pin | Need::CertificatePin(_) | Need::Directory(_) => false,
        };
        let is_control = self.rows.df.iter().any(|df| df.control_key == row.name);
        match self.finder(&wanted, KEYS_AT + SLOT * index + KEY_AT, MASK, &called(&row)) {
            Some(case) => Finder::Case(Box::new(case)),
            None if is_control => Finder::Probe,
            None => Finder::Nothing(reason(&self.rows, &row)),
        }
    }

    /// Whether the plan that asks for the control key of a directory names it as wrong; `false`: as right.
    fn probe_names(&mut self, socket: &Socket, row: &KeyRow) -> bool {
        let factor = Atr::parse(socket.card().atr()).and_then(|atr| atr.card_factor()).expect("an ATR");
        let city = CityCode::parse(CITY).expect("six digits");
        let target = Target::blank(Factors::of(city, factor), TRANSPORT_LOT);
        let plan = Plan::probe(&self.rows, &row.df, &target).expect("a plan");
        let mut session = Session::new(straight(socket.clone()));
        let mut answer = |step: &Step| session.perform(step, Some(&mut self.module)).expect("the card answers");
        let answers: Vec<_> = plan.steps.iter().map(|planned| answer(&planned.step)).collect();
        let found = plan.judge(&answers);
        for mismatch in &found {
            assert_eq!(mismatch.right.as_deref(), Some(&Right::Key(row.name.clone())), "{mismatch}");
            assert!(matches!(mismatch.problem, Problem::Refused(_)), "{mismatch}");
            assert!(mismatch.to_string().contains(row.name.as_str()) && mismatch.zh().contains(row.name.as_str()));
        }
        !found.is_empty()
    }
}

/// As a report names a key.
fn called(row: &KeyRow) -> String {
    match row.version {
        Some(version) if version > 1 => format!("{} v{version}", row.name),
        _ => row.name.to_string(),
    }
}

/// Why no command shows a key. A key of another class must be shown.
fn reason(rows: &Profile, row: &KeyRow) -> &'static str {
    match (rows.kind, row.class) {
        (CardKind::User, KeyClass::Stk) => "no row lets a message of its directory be made under it",
        (CardKind::User, KeyClass::Dsk) => "no published command uses it",
        _ => panic!("{}: nothing shows {}", rows.name, row.name),
    }
}

#[test]
fn a_damaged_byte_of_a_key_is_named_with_its_key() {
    for name in PROFILES {
        let mut stand = Stand::of(name);
        let (mut bytes, mut silent) = (0, 0);
        for (index, row) in stand.rows.key.clone().iter().enumerate() {
            let finder = stand.of_key(index);
            if let Finder::Case(case) = &finder {
                let sound = stand.run(&card(&stand.rows), case);
                assert_eq!(sound.verdict, Verdict::Passed, "{name} {}: a sound card passes {}", row.name, case.id);
            }
            for byte in 0..row.length.bytes() {
                let (socket, address) = (card(&stand.rows), KEYS_AT + SLOT * index + KEY_AT + byte);
                match &finder {
                    Finder::Case(case) => {
                        let named = stand.named(&socket, case, address, MASK);
                        assert_eq!(named, Some(called(row)), "{name} {} byte {byte}: {}", row.name, case.id);
                    }
                    Finder::Probe => {
                        socket.card().flip(address, MASK).expect("in memory");
                        assert!(stand.probe_names(&socket, row), "{name} {} byte {byte}", row.name);
                        socket.card().flip(address, MASK).expect("in memory");
                        assert!(!stand.probe_names(&socket, row), "{name} {}: sound again", row.name);
                    }
                    Finder::Nothing(_) => {
                        silent += 1;
                        break;
                    }
                }
                bytes += 1;
            }
        }
        assert!(bytes >= 8 * (stand.rows.key.len() - silent), "{name}: {bytes}");
        println!("{name}: {bytes} bytes of {} keys, {silent} keys show nowhere", stand.rows.key.len());
    }
}

#[test]
fn a_damaged_byte_of_the_master_key_of_the_certificates_is_named() {
    for name in ["ssc-3.0", "ssc-3.0-sm4"] {
        let mut stand = Stand::of(name);
        // Behind the keys: the PIN, the files (a cyclic one has two bytes before its records), the account.
        let files = stand.rows.df.iter().flat_map(|df| &df.ef);
        let files = files.map(|ef| usize::from(ef.size) + if ef.kind == EfKind::Cyclic { 2 } else { 0 });
        let pin = stand.rows.pin.iter().map(|pin| DIGITS_AT + usize::from(pin.bytes_max));
        let at = KEYS_AT + SLOT * stand.rows.key.len() + pin.chain(files).sum::<usize>() + ACCOUNT + KEY_AT;
        let wanted = |need: &Need| matches!(need, Need::Key(key, _) if key.name.as_str() == MASTER_KEY);
        let case = stand.finder(&wanted, at, MASK, MASTER_KEY).expect("a case that proves it");
        for address in at..at + 16 {
            let socket = card(&stand.rows);
            assert_eq!(stand.named(&socket, &case, address, MASK).as_deref(), Some(MASTER_KEY), "{name} {address}");
        }
    }
}

#[test]
fn a_damaged_digit_of_the_pin_is_named_as_the_pin() {
    for name in PROFILES {
        let mut stand = Stand::of(name);
        if stand.rows.pin.is_none() {
            continue;
        }
        let at = KEYS_AT + SLOT * stand.rows.key.len() + DIGITS_AT;
        let case = stand.finder(&|need| *need == Need::Pin, at, 0x01, "PIN").expect("a case that verifies the PIN");
        // 123456: three bytes of two digits.
        for (address, mask) in (at..at + 3).flat_map(|at| [(at, 0x01), (at, 0x10)]) {
            let socket = card(&stand.rows);
            assert_eq!(stand.named(&socket, &case, address, mask).as_deref(), Some("PIN"), "{name} {address}");
            assert_eq!(stand.run(&socket, &case).verdict, Verdict::Passed, "{name}: sound again");
        }
    }
}

/// The part of the page that says what finds a damaged key of each card.
pub(crate) fn page() -> String {
    let mut page = String::from(
        "\n## Keys\n\nA byte of a key was damaged on the software card, each in turn: these cases fail and name the key. Control keys that \
         no case proves are found by loading them over themselves, as personalization does before it goes on with a \
         card that was interrupted.\n\n| card | found by | keys |\n|---|---|---|\n",
    );
    for name in PROFILES {
        let mut stand = Stand::of(name);
        let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (index, row) in stand.rows.key.clone().iter().enumerate() {
            let by = match stand.of_key(index) {
                Finder::Case(case) => format!("`{}`", case.kind),
                Finder::Probe => "loaded over itself".to_owned(),
                Finder::Nothing(reason) => format!("nothing: {reason}"),
            };
            found.entry(by).or_default().push(called(row));
        }
        for (by, keys) in found {
            page.push_str(&format!("| {name} | {by} | {} |\n", keys.join(" ")));
        }
    }
    page
}
