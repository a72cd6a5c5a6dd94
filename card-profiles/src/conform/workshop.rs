//! What the makers of cases share: ways to a file, proofs, keys of the card.
//!
//! Owns: the list of cases being made; what a case needs, gathered from its moves. Never: knows what a case is about.

use std::rc::Rc;

use card_core::StatusWord;
use card_core::algorithm::Algorithm;
use card_core::apdu::Command;
use card_core::command::{self, Internal, Record};
use card_core::crypto::Block;
use card_core::pin::PinBcd;
use card_core::script::Step;
use card_core::security::{Factors, KeyRef};

use super::deal::Tail;
use super::{
    Act, Area, Bench, CERTIFICATES, Case, CertificateWhat, Effect, Expect, Money, Move, Need, PsamCipher, Text, Use,
    numbers,
};
use crate::access::{Access, Right};
use crate::address;
use crate::approach::select_command;
use crate::certificate::{CertificatePin, Role};
use crate::profile::{CardKind, Df, Ef, EfKind, KeyClass, KeyRow, Profile};

/// Where no card is known, inside the workshop only: what would use it leaves as [`Act::Lacking`].
const NO_FACTORS: Factors = Factors { province: [0; 8], city: [0; 8], card: [0; 8] };
/// INS of SELECT.
const SELECT: u8 = 0xA4;
/// Where no PIN is given, inside the workshop only: what would use it leaves as [`Act::Lacking`].
const NO_PIN: [u8; 2] = [0, 0];

/// Where cases are made.
pub(super) struct Workshop<'a> {
    pub(super) profile: &'a Profile,
    pub(super) bench: &'a Bench,
    cases: Vec<Case>,
}

/// A case being made.
pub(super) struct Draft {
    case: Case,
}

impl<'a> Workshop<'a> {
    pub(super) fn new(profile: &'a Profile, bench: &'a Bench) -> Self {
        Self { profile, bench, cases: Vec::new() }
    }

    /// Starts a case. `row` stands in the id where the kind has its stars: `access`, `DF03.EF05`, `read.free`.
    pub(super) fn draft(&self, area: Area, row: &str, what: &str, title: Text) -> Draft {
        let stars: Vec<&str> = row.split('.').map(|_| "*").collect();
        let (id, kind) = match (row.is_empty(), what.is_empty()) {
            (true, _) => (format!("{}.{what}", area.word()), format!("{}.{what}", area.word())),
            (false, true) => (format!("{}.{row}", area.word()), format!("{}.{}", area.word(), stars.join("."))),
            (false, false) => {
                (format!("{}.{row}.{what}", area.word()), format!("{}.{}.{what}", area.word(), stars.join(".")))
            }
        };
        Draft {
            case: Case {
                id,
                kind,
                area,
                title,
                row: row.to_owned(),
                effect: Effect::Nothing,
                needs: Vec::new(),
                numbers: Vec::new(),
                moves: Vec::new(),
                restore: Vec::new(),
                rewrite: Vec::new(),
                money: None,
            },
        }
    }

    pub(super) fn add(&mut self, draft: Draft) {
        let mut case = draft.case;
        let demands = numbers::demands(self, &case);
        case.numbers = demands;
        let moves = case.moves.iter().chain(&case.restore);
        let entered = moves.clone().filter_map(|done| match &done.act {
            Act::Do(Step::Send(command)) => directory(self.profile, case.area, command).map(Need::Directory),
            _ => None,
        });
        // What is only looked at is carried out as well.
        let looks = case.numbers.iter().flat_map(|demand| &demand.look);
        let looks = looks.chain(case.money.iter().flat_map(|money| &money.look));
        let mut found: Vec<Need> = Vec::new();
        for need in entered.chain(moves.clone().chain(looks).flat_map(needs)) {
            if !found.contains(&need) {
                found.push(need);
            }
        }
        case.needs = found;
        self.withhold(&mut case);
        self.cases.push(case);
    }

    /// No move leaves that would send a secret which was not given: the card would count it as a wrong one.
    fn withhold(&self, case: &mut Case) {
        let moves = case.moves.iter_mut().chain(&mut case.restore).chain(&mut case.rewrite);
        moves
            .chain(case.numbers.iter_mut().flat_map(|demand| &mut demand.look))
            .for_each(|done| self.withhold_of(done));
        if let Some(money) = &mut case.money {
            let mut own = Money::clone(money);
            let moves = own.look.iter_mut().chain(&mut own.up).chain(&mut own.down);
            moves.for_each(|done| self.withhold_of(done));
            *money = Rc::new(own);
        }
    }

    fn withhold_of(&self, done: &mut Move) {
        if let Some(need) = needs(done).into_iter().find(|need| !self.is_given(need)) {
            done.act = Act::Lacking(need);
        }
    }

    fn is_given(&self, need: &Need) -> bool {
        match need {
            Need::Pin => self.bench.means.pin.is_some(),
            Need::CertificatePin(role) => self.bench.certificate_pins.of(*role).is_some(),
            Need::Key(..) => self.bench.means.factors.is_some(),
            Need::Directory(_) => true,
        }
    }

    pub(super) fn finish(self) -> Vec<Case> {
        self.cases
    }

    /// The key of a row on the card.
    pub(super) fn key(&self, row: &KeyRow) -> KeyRef {
        let means = &self.bench.means;
        let factors = means.factors.unwrap_or(NO_FACTORS);
        self.profile.key_of_card(row, means.versions.of(&row.name), &factors)
    }

    /// The PIN as BCD.
    pub(super) fn pin(&self) -> &[u8] {
        self.bench.means.pin.as_deref().unwrap_or(&NO_PIN)
    }

    /// A PIN of the certificate application; where none is given, zeros of a length that fits.
    pub(super) fn certificate_pin(&self, row: &CertificatePin, role: Role) -> PinBcd {
        let digits = "0".repeat(2 * usize::from(row.bytes.clamp(2, 6)));
        let none = || PinBcd::parse(&digits).expect("4 to 12 digits are a PIN");
        self.bench.certificate_pins.of(role).cloned().unwrap_or_else(none)
    }

    /// The factor that leads to this card's own keys.
    pub(super) fn card_factor(&self) -> Block {
        self.bench.means.factors.unwrap_or(NO_FACTORS).card
    }

    /// VERIFY as this card has it.
    pub(super) fn verify(&self, digits: &[u8]) -> Command {
        let mut verify = command::verify(digits);
        verify.p2 = self.profile.purse.as_ref().map_or(0, |purse| purse.pin_id);
        verify
    }

    /// Selecting a directory from the reset state: the first one, then this one.
    pub(super) fn enter(&self, df: &Df) -> Vec<Move> {
        let first = self.profile.df.first().filter(|first| first.id != df.id);
        first.into_iter().chain([df]).map(|df| done(Act::Do(Step::Send(select_command(self.profile, df))))).collect()
    }

    /// After a reset, in this directory.
    pub(super) fn fresh(&self, df: &Df) -> Vec<Move> {
        let mut moves = vec![Move { act: Act::Reset, expect: Vec::new(), keep: false }];
        moves.extend(self.enter(df));
        moves
    }

    /// The proof of a right.
    pub(super) fn prove(&self, right: &Right) -> Option<Move> {
        Some(match right {
            Right::Pin => done(Act::Do(Step::Send(self.verify(self.pin())))),
            Right::Key(name) => {
                let row = self.profile.key(name)?;
                done(Act::Do(Step::Authenticate { key: self.key(row), id: row.id }))
            }
        })
    }

    /// The proofs of rights.
    pub(super) fn proofs(&self, rights: &[Right]) -> Vec<Move> {
        rights.iter().filter_map(|right| self.prove(right)).collect()
    }

    /// The rights that open a condition in the shortest way; `None` where none does.
    pub(super) fn way(&self, access: &Access) -> Option<Vec<Right>> {
        match access {
            Access::Free => Some(Vec::new()),
            Access::Never | Access::Mac(_) => None,
            Access::All(rights) => Some(rights.clone()),
            Access::Any(rights) => {
                let pin = self.bench.means.pin.is_some().then_some(&Right::Pin);
                let first = pin.filter(|pin| rights.contains(pin)).or(rights.first());
                Some(first.into_iter().cloned().collect())
            }
        }
    }

    /// Whether a key can be proved by EXTERNAL AUTHENTICATION where its directory is selected. The keys of a PSAM serve
    /// cards; only its control key is proved to it.
    pub(super) fn authenticates(&self, row: &KeyRow) -> bool {
        let of_first = self.profile.df.first().is_some_and(|first| first.id == row.df);
        let reached = of_first || !self.profile.lasts_until_reset(row);
        match self.profile.kind {
            CardKind::User => self.profile.proves(row) && reached,
            CardKind::Psam => row.class == KeyClass::Mk && of_first,
        }
    }

    /// The directory of a key.
    pub(super) fn home(&self, row: &KeyRow) -> Option<&'a Df> {
        self.profile.df.iter().find(|df| df.id == row.df)
    }

    /// A file whose first item can be read with the PIN alone.
    pub(super) fn pin_file(&self) -> Option<(&'a Df, &'a Ef)> {
        let opens = |ef: &&Ef| ef.read.rights().contains(&Right::Pin) && ef.read.allows(|right| *right == Right::Pin);
        self.profile.df.iter().find_map(|df| df.ef.iter().find(opens).map(|ef| (df, ef)))
    }
}

impl Draft {
    pub(super) fn of_row(mut self, row: impl Into<String>) -> Self {
        self.case.row = row.into();
        self
    }

    pub(super) fn effect(mut self, effect: Effect) -> Self {
        self.case.effect = effect;
        self
    }

    pub(super) fn with(mut self, moves: impl IntoIterator<Item = Move>) -> Self {
        self.case.moves.extend(moves);
        self
    }

    pub(super) fn then(self, act: Act, expect: impl IntoIterator<Item = Expect>) -> Self {
        self.with([Move { act, expect: expect.into_iter().collect(), keep: false }])
    }

    pub(super) fn keep(self, act: Act, expect: impl IntoIterator<Item = Expect>) -> Self {
        self.with([Move { act, expect: expect.into_iter().collect(), keep: true }])
    }

    /// The same, expecting this besides of the last move.
    pub(super) fn expecting(mut self, expect: Expect) -> Self {
        if let Some(last) = self.case.moves.last_mut() {
            last.expect.push(expect);
        }
        self
    }

    pub(super) fn send(self, command: Command, expect: impl IntoIterator<Item = Expect>) -> Self {
        self.then(Act::Do(Step::Send(command)), expect)
    }

    /// With the way in which money of a case that came to no end is brought back, where the case moves some.
    pub(super) fn with_money(mut self, money: &Rc<Money>) -> Self {
        let moves = |done: &Move| match &done.act {
            Act::Complete { deal, .. } => deal.change != 0 && deal.tail != Tail::Limit,
            _ => false,
        };
        self.case.money = self.case.moves.iter().any(moves).then(|| Rc::clone(money));
        self
    }

    /// With the way in which the overdraw limit of a case that came to no end is brought back, where the case moves it.
    pub(super) fn with_limit(mut self, limit: &Rc<Money>) -> Self {
        let moves = |done: &Move| match &done.act {
            Act::Complete { deal, wrong: false } => deal.change != 0 && deal.tail == Tail::Limit,
            _ => false,
        };
        if self.case.moves.iter().any(moves) {
            self.case.money = Some(Rc::clone(limit));
        }
        self
    }

    /// What writes the record again that the case may have overwritten, where a run ended in it.
    pub(super) fn rewrite(mut self, moves: impl IntoIterator<Item = Move>) -> Self {
        self.case.rewrite.extend(moves);
        self
    }

    pub(super) fn restore(mut self, moves: impl IntoIterator<Item = Move>) -> Self {
        self.case.restore.extend(moves);
        self
    }
}

/// A move that must be done.
pub(super) fn done(act: Act) -> Move {
    Move { act, expect: vec![Expect::Done], keep: false }
}

/// One of these status words.
pub(super) fn sw(words: &[StatusWord]) -> Expect {
    Expect::Status(words.to_vec())
}

/// The directory that a SELECT is for. The numbers below the certificate application are its own.
pub(super) fn directory(profile: &Profile, area: Area, command: &Command) -> Option<String> {
    if command.ins != SELECT {
        return None;
    }
    let certificates = profile.certificate.as_ref().into_iter().flat_map(|rules| rules.select());
    if area == Area::Certificate && certificates.into_iter().any(|select| select.data() == command.data()) {
        return Some(CERTIFICATES.to_owned());
    }
    let is_meant = |df: &&Df| {
        let by_name = !df.df_name.is_empty() && command.data() == df.df_name;
        by_name || area != Area::Certificate && command.data() == df.fid.to_be_bytes()
    };
    profile.df.iter().find(is_meant).map(|df| df.id.clone())
}

/// A read of the first item of a file, or of its first byte.
pub(super) fn read_first(ef: &Ef) -> (Command, Expect) {
    match (ef.kind, ef.elements.first()) {
        (EfKind::TlvRecords, Some(element)) => {
            let length = element.format.length;
            let command = command::read_record(ef.sfi(), Record::Number(1), u16::from(length) + 2);
            (command, Expect::Record(element.tag.unwrap_or_default(), length))
        }
        (EfKind::Cyclic, _) => {
            let length = ef.record_length();
            let le = u16::try_from(length).unwrap_or(u16::MAX);
            (command::read_record(ef.sfi(), Record::Number(1), le), Expect::RecordOrNone(length))
        }
        (EfKind::TlvRecords | EfKind::Transparent, _) => (command::read_binary_sfi(ef.sfi(), 0, 1), Expect::Length(1)),
    }
}

/// CLA INS P1 P2 of the update of what [`read_first`] reads; a cyclic file takes a new record.
pub(super) fn write_first(ef: &Ef) -> [u8; 4] {
    let command = match ef.kind {
        EfKind::TlvRecords => command::update_record(ef.sfi(), address::of_record(ef, 1), &[]),
        // UPDATE RECORD of the record before the newest: a new one.
        EfKind::Cyclic => Command::new(0x00, 0xDC, 0x00, ef.sfi() << 3 | 0x03),
        EfKind::Transparent => command::update_binary_sfi(ef.sfi(), 0, &[]),
    };
    command.header()
}

/// What a move needs.
fn needs(done: &Move) -> Vec<Need> {
    let key = |key: &KeyRef, usage| vec![Need::Key(key.clone(), usage)];
    match &done.act {
        Act::Lacking(need) => vec![need.clone()],
        Act::Do(Step::Send(command)) if command.is_secret() => vec![Need::Pin],
        Act::Reset | Act::Challenge(_) | Act::Do(Step::Send(_) | Step::Fetch { .. }) | Act::Prove { .. } => Vec::new(),
        Act::Do(Step::Authenticate { key: used, .. } | Step::AuthenticateByTwo { key: used, .. })
        | Act::Do(Step::CheckCard { key: used, .. })
        | Act::Authenticate { key: used, .. }
        | Act::Encipher { what: PsamCipher::Block, key: used, .. } => key(used, Use::Authenticate),
        Act::Encipher { what: PsamCipher::Mac, key: used, .. } => key(used, Use::MessageMac),
        Act::Do(Step::Secure(command)) | Act::Secure { command, .. } => match command.messaging {
            card_core::secure::Messaging::Session => key(&command.key, Use::MessageMac),
            card_core::secure::Messaging::Whole { .. } if command.pin.is_some() => {
                [key(&command.key, Use::Message), key(&command.key, Use::WholeMac), vec![Need::Pin]].concat()
            }
            card_core::secure::Messaging::Whole { .. } => key(&command.key, Use::WholeMac),
        },
        Act::Internal { what: Internal::Mac, key: used, .. } => key(used, Use::WholeMac),
        Act::Internal { key: used, .. } => match used.form.rules.algorithm {
            Algorithm::Tdes => key(used, Use::Authenticate),
            Algorithm::Sm4 => key(used, Use::Block),
        },
        Act::Do(Step::VerifyHashed { .. }) => vec![Need::Pin],
        Act::Certificate(act) => match &act.what {
            CertificateWhat::Verify { role, .. } | CertificateWhat::SetUp { role, .. } => {
                vec![Need::CertificatePin(*role)]
            }
            CertificateWhat::Generate
            | CertificateWhat::PublicKey { .. }
            | CertificateWhat::Sign
            | CertificateWhat::Certificate { .. }
            | CertificateWhat::Open { .. }
            | CertificateWhat::Install { .. } => Vec::new(),
        },
        Act::Do(Step::AuthenticateWhole { key: used, .. }) => key(used, Use::Block),
        Act::Do(Step::ReplaceHashed(hashed)) => {
            let used = [key(&hashed.key, Use::Block), key(&hashed.key, Use::WholeMac)].concat();
            [used, vec![Need::CertificatePin(Role::Administrator)]].concat()
        }
        Act::Do(Step::LoadKey(load)) => [key(&load.protecting, Use::WholeMac), key(&load.key, Use::WholeMac)].concat(),
        Act::ReloadPin { key: used, .. } => [key(used, Use::Tac), vec![Need::Pin]].concat(),
        Act::Write { mac: Some(sealing), .. } => {
            let mac = key(&sealing.key, Use::WholeMac);
            if sealing.enciphered { [key(&sealing.key, Use::Message), mac].concat() } else { mac }
        }
        Act::Write { mac: None, .. } => Vec::new(),
        Act::Begin(deal) if deal.mac1.is_some() => key(&deal.key, Use::TransactionMac),
        Act::Begin(_) => Vec::new(),
        Act::AtPsam(act) => key(&act.deal.key, Use::Purchase),
        Act::Exhaust(deal) if deal.is_numbered_at_once() => Vec::new(),
        Act::Exhaust(deal) => key(&deal.key, Use::TransactionMac),
        Act::Complete { deal, .. } | Act::Credit { deal, .. } => {
            let tac = deal.tac.is_some().then(|| Need::Key(deal.tac_key.clone(), Use::Tac));
            key(&deal.key, Use::TransactionMac).into_iter().chain(tac).collect()
        }
    }
}
