//! Conformance cases (一致性检测): what a card must do, made from the rows of its profile.
//!
//! Source: the areas of LD/T 6001.3 (record presence, access safety, key versions, certificate check, account
//! transactions); what each command answers from LD/T 32.5 and the COS manual. Where a source leaves a status word open,
//! the case accepts each that one names.
//! Owns: cases, their acts and what is expected, and judging an answer. Never: talks to a card; the terminal carries out.
//! Units: as the commands: lengths in bytes, amounts in fen.

mod access;
mod account;
mod answer;
mod area;
mod blocking;
mod certificate;
mod composite;
mod culprit;
mod dates;
mod deal;
mod deals;
mod ending;
mod keys;
mod messaging;
mod numbers;
mod pin;
mod proof;
mod protocol;
mod psam;
mod purse_pin;
mod record;
mod records;
mod selection;
mod with_psam;
mod workshop;

use std::rc::Rc;

use card_core::apdu::Command;
use card_core::command::Internal;
use card_core::pin::PinBcd;
use card_core::script::Step;
use card_core::secure::SecureCommand;
use card_core::security::KeyRef;

pub use answer::{Difference, Memory, Reply, altered};
pub use area::{Area, Text};
pub use certificate::{CertificateAct, CertificateMemory, CertificateWhat, WhichPair};
pub use culprit::Culprit;
pub use deal::{Deal, Start};
pub use ending::{Ending, in_order};
pub use numbers::{Demand, Series};
pub use proof::{proof, refuses};
pub use psam::PsamCipher;
pub use selection::algorithm_of;
pub use with_psam::{PsamAct, PsamWhat};
use workshop::Workshop;

use crate::account::{DebitDate, YearCoding};
use crate::approach::Means;
use crate::certificate::Role;
use crate::profile::{CardKind, Profile};

/// A transaction number is brought to its end only from so near.
pub const NUMBERS_LEFT_MAX: u16 = 16;

/// The certificate application among directories.
pub const CERTIFICATES: &str = "PKI";

/// One conformance case.
#[derive(Clone, Debug)]
pub struct Case {
    /// Stable id: `access.DF03.EF05.read.without-proof`.
    pub id: String,
    /// The id without the row: `access.*.*.read.without-proof`. Cases of one kind differ in their row only.
    pub kind: String,
    /// Area.
    pub area: Area,
    /// What the card must do.
    pub title: Text,
    /// Row of the profile that it comes from: `DF03.EF05`, `key UK1DF03`, `pin`.
    pub row: String,
    /// What it does to the card.
    pub effect: Effect,
    /// What the terminal must be able to prove or compute.
    pub needs: Vec<Need>,
    /// Transaction numbers that the card must have left.
    pub numbers: Vec<Demand>,
    /// What is done, and what the card must answer.
    pub moves: Vec<Move>,
    /// What brings the card back to how it was, carried out even when the case fails.
    pub restore: Vec<Move>,
    /// What writes a record again as it was, where that takes more than `restore`; balances are as before.
    pub rewrite: Vec<Move>,
    /// How money that it moved is brought back where it came to no end; `None` when it moves none.
    pub money: Option<Rc<Money>>,
}

/// The money of a case that moves one fen there and back, or an overdraw limit, for who finds the card as an earlier run left it.
#[derive(Clone, Debug)]
pub struct Money {
    /// What moves.
    pub asks: Asked,
    /// Asks for it: the last answer tells it ([`Self::told`]).
    pub look: Vec<Move>,
    /// Brings one fen.
    pub up: Vec<Move>,
    /// Takes one fen.
    pub down: Vec<Move>,
}

/// What a case moves and brings back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// A balance: GET BALANCE answers its 4 bytes.
    Balance,
    /// The overdraw limit: INITIALIZE FOR UPDATE answers it among other things.
    Limit,
}

impl Money {
    /// What a look was told, in fen.
    #[must_use]
    pub fn told(&self, data: &[u8]) -> Option<u32> {
        match self.asks {
            Asked::Balance => data.try_into().ok().map(u32::from_be_bytes),
            Asked::Limit => crate::purse::PurseRules::parse_overdraw_start(data).ok().map(|start| start.limit),
        }
    }

    /// What brings a balance back to what it was; `None` when no case of ours left it so.
    #[must_use]
    pub fn way_back(&self, before: u32, now: u32) -> Option<&[Move]> {
        match i64::from(now) - i64::from(before) {
            0 => Some(&[]),
            1 => Some(&self.down),
            -1 => Some(&self.up),
            _ => None,
        }
    }
}

impl Case {
    /// Whether its way back moves money: then it is gone only when the case moved some.
    #[must_use]
    pub fn returns_money(&self) -> bool {
        let change = |done: &Move| match &done.act {
            Act::Complete { deal, .. } => deal.change,
            _ => 0,
        };
        self.restore.iter().map(change).sum::<i64>() != 0
    }
}

/// What a case does to a card that conforms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Nothing lasting.
    Nothing,
    /// It spends tries, writes or blocks, and brings all of it back.
    Restored,
    /// As [`Effect::Restored`], but this stays: a transaction number, an entry of the log.
    Leaves(Text),
    /// It cannot be undone: data are gone, or a key, an application or the card is blocked for good.
    Final(Ending),
}

/// What a case needs of the terminal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Need {
    /// The card's PIN.
    Pin,
    /// A PIN of the certificate application.
    CertificatePin(Role),
    /// A key, for this use.
    Key(KeyRef, Use),
    /// A directory that can be selected, by its id; the certificate application is [`CERTIFICATES`].
    Directory(String),
}

/// How a security module must be able to use a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Use {
    /// Authentication.
    Authenticate,
    /// Encipherment of a block with the key itself.
    Block,
    /// Encipherment of a message with the key itself.
    Message,
    /// MAC with the session key of a PIN command.
    MessageMac,
    /// MAC with the key itself.
    WholeMac,
    /// MAC with the session key of a transaction.
    TransactionMac,
    /// TAC.
    Tac,
    /// Purchases: numbered, their MAC1 computed and MAC2 checked by a PSAM.
    Purchase,
}

/// One thing done, and what the card must answer.
#[derive(Clone, Debug)]
pub struct Move {
    /// What is done.
    pub act: Act,
    /// What must come of it: all of these.
    pub expect: Vec<Expect>,
    /// Remember the answer's data for later moves.
    pub keep: bool,
}

/// What is done. Cryptograms are made by whoever carries out, with a security module.
#[derive(Clone, Debug)]
pub enum Act {
    /// What cannot be done without this, which is not given: never carried out.
    Lacking(Need),
    /// The card is reset.
    Reset,
    /// A step as it stands.
    Do(Step),
    /// GET CHALLENGE of so many bytes, remembered for the acts below.
    Challenge(u8),
    /// EXTERNAL AUTHENTICATION for the challenge remembered.
    Authenticate {
        /// The key.
        key: KeyRef,
        /// Its id on the card.
        id: u8,
        /// Another key version than the card's.
        other_version: bool,
        /// With one bit of the cryptogram wrong.
        wrong: bool,
    },
    /// INTERNAL AUTHENTICATION of a purse on a block, compared with what the key gives.
    Internal {
        /// What the card does.
        what: Internal,
        /// The key.
        key: KeyRef,
        /// Its id on the card.
        id: u8,
    },
    /// A command with its MAC for the challenge remembered.
    Secure {
        /// The command.
        command: SecureCommand,
        /// With one bit of the MAC wrong.
        wrong: bool,
    },
    /// RELOAD PIN of a purse: the digits and their TAC.
    ReloadPin {
        /// CLA INS P1 P2.
        header: [u8; 4],
        /// Digits in BCD.
        digits: PinBcd,
        /// DRPK.
        key: KeyRef,
        /// With one bit of the MAC wrong.
        wrong: bool,
    },
    /// Writes the data kept.
    Write {
        /// CLA INS P1 P2 of the update.
        header: [u8; 4],
        /// With the last bit inverted.
        altered: bool,
        /// With a MAC for the challenge remembered.
        mac: Option<Sealing>,
    },
    /// INITIALIZE of a transaction; its answer is remembered.
    Begin(Rc<Deal>),
    /// The second half of the transaction begun.
    Complete {
        /// The transaction.
        deal: Rc<Deal>,
        /// With one bit of the MAC wrong.
        wrong: bool,
    },
    /// A purchase as a PSAM has its part in it.
    AtPsam(PsamAct),
    /// Transactions of nothing, one after the other, until the card refuses one: at most [`NUMBERS_LEFT_MAX`], else none.
    Exhaust(Rc<Deal>),
    /// GET TRANSACTION PROVE of the transaction begun, or of the number `ahead` of it.
    Prove {
        /// The transaction.
        deal: Rc<Deal>,
        /// How far behind the number of the transaction begun.
        ahead: u16,
    },
    /// PSAM: `80 FA` on a block, compared with what the key gives; `BF DE` must have gone before.
    Encipher {
        /// What is asked for.
        what: PsamCipher,
        /// The key, with the factors that `BF DE` sent.
        key: KeyRef,
        /// What `BF DE` had as random.
        random: [u8; 8],
        /// What is enciphered.
        data: [u8; 8],
    },
    /// The certificate application: what depends on its answers before.
    Certificate(CertificateAct),
    /// PSAM: CREDIT SAM FOR PURCHASE with the MAC2 that a card would give for the transaction.
    Credit {
        /// The transaction, begun with [`Act::Begin`].
        deal: Rc<Deal>,
        /// With one bit of the MAC wrong.
        wrong: bool,
    },
}

/// How data are written under a key.
#[derive(Clone, Debug)]
pub struct Sealing {
    /// The key.
    pub key: KeyRef,
    /// With one bit of the MAC wrong.
    pub wrong: bool,
    /// Enciphered besides: length byte and data, filled to whole blocks.
    pub enciphered: bool,
}

/// What a card must answer.
#[derive(Clone, Debug)]
pub enum Expect {
    /// `9000`, or `61xx`.
    Done,
    /// One of these status words.
    Status(Vec<card_core::StatusWord>),
    /// Any refusal.
    Refused,
    /// So many bytes.
    Length(usize),
    /// A record with this tag and value length.
    Record(u8, u8),
    /// A record of so many bytes, or that there is none yet.
    RecordOrNone(usize),
    /// An FCI with this name, SFI and algorithm.
    Fci(card_core::fci::Fci),
    /// Tag, length and a point of the curve of SM2.
    Point,
    /// A signature by the public key asked for last.
    Signature,
    /// A certificate with the public key asked for last.
    Certificate,
    /// These data, which hold nothing of a person.
    Exactly(Vec<u8>),
    /// The data kept.
    Same,
    /// Other data than those kept.
    Other,
    /// The data kept with the last bit inverted.
    Altered,
    /// An Le that is too short for a record with this tag and value length: on T=0 `6Cxx` and the record when asked again,
    /// on T=1 a refusal for its length.
    Corrected(u8, u8),
    /// The transaction starts from a balance and a number that differ from those of the one begun before by so much.
    Since {
        /// Fen.
        balance: Option<i64>,
        /// Steps.
        sequence: Option<u16>,
    },
    /// The answer's first 4 bytes are the balance of the transaction begun, plus so much.
    Balance(i64),
    /// The newest entry of the log is the transaction begun.
    Logged(Rc<Deal>),
    /// MACs and TAC of the transaction are right; or the proof is what the completion answered.
    Proved,
    /// A deal starts as its rows say: key version, algorithm, MAC1.
    Started,
    /// Yearly totals and their year are those of the start before (account).
    TotalsStay,
    /// Yearly totals follow from those before (account).
    Totals(Rc<Deal>, TotalsRule),
}

/// What the profile says of yearly totals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TotalsRule {
    /// What a purchase of an earlier year does to them.
    pub date: DebitDate,
    /// How the card writes their year.
    pub year: YearCoding,
}

/// What the cases are made for.
#[derive(Clone, Debug)]
pub struct Bench {
    /// What the terminal can prove. What needs a PIN or factors that are not given is [`Act::Lacking`].
    pub means: Means,
    /// PINs of the certificate application; the same holds for them.
    pub certificate_pins: CertificatePins,
    /// Terminal number in transactions.
    pub terminal: [u8; 6],
    /// Date and time in transactions: YYYYMMDDHHMMSS in BCD.
    pub moment: [u8; 7],
}

/// PINs of the certificate application, where they are given.
#[derive(Clone, Debug, Default)]
pub struct CertificatePins {
    /// The holder's.
    pub user: Option<PinBcd>,
    /// The administrator's.
    pub administrator: Option<PinBcd>,
}

impl CertificatePins {
    /// The one of a role.
    #[must_use]
    pub const fn of(&self, role: Role) -> Option<&PinBcd> {
        match role {
            Role::User => self.user.as_ref(),
            Role::Administrator => self.administrator.as_ref(),
        }
    }
}

/// Every case of a profile, area by area, in the order of its rows.
#[must_use]
pub fn cases(profile: &Profile, bench: &Bench) -> Vec<Case> {
    let mut shop = Workshop::new(profile, bench);
    selection::cases(&mut shop);
    records::cases(&mut shop);
    access::cases(&mut shop);
    keys::cases(&mut shop);
    match profile.kind {
        CardKind::User => {
            pin::cases(&mut shop);
            purse_pin::cases(&mut shop);
            messaging::cases(&mut shop);
            certificate::cases(&mut shop);
            account::cases(&mut shop);
            blocking::cases(&mut shop);
        }
        CardKind::Psam => psam::cases(&mut shop),
    }
    protocol::cases(&mut shop);
    shop.finish()
}

impl Case {
    /// The directory that a move of this case enters, when it must be open.
    #[must_use]
    pub fn entered(&self, profile: &Profile, done: &Move) -> Option<String> {
        let Act::Do(Step::Send(command)) = &done.act else { return None };
        let must_open = matches!(done.expect.as_slice(), [Expect::Done]);
        must_open.then(|| workshop::directory(profile, self.area, command)).flatten()
    }
}

impl Move {
    /// Where it acts, in the form of the standard: the command header, or the name of the step.
    #[must_use]
    pub fn place(&self) -> String {
        let header = |header: [u8; 4]| hex::encode_upper(header);
        let command = |command: &Command| header(command.header());
        match &self.act {
            Act::Reset => "reset".to_owned(),
            Act::Lacking(_) => "not given".to_owned(),
            Act::Do(Step::Send(sent) | Step::Fetch { command: sent, .. }) => command(sent),
            Act::Do(Step::Authenticate { key, .. } | Step::AuthenticateByTwo { key, .. }) => {
                format!("0082 {}", key.name)
            }
            Act::Do(Step::CheckCard { key, .. }) => format!("0088 {}", key.name),
            Act::Do(Step::Secure(secure)) | Act::Secure { command: secure, .. } => {
                format!("{} {}", header(secure.header), secure.key.name)
            }
            Act::Do(Step::LoadKey(load)) => format!("{} {}", header(load.header), load.key.name),
            Act::Do(Step::VerifyHashed { header: bytes, .. }) => header(*bytes),
            Act::Do(Step::AuthenticateWhole { header: bytes, key }) => format!("{} {}", header(*bytes), key.name),
            Act::Do(Step::ReplaceHashed(hashed)) => format!("{} {}", header(hashed.header), hashed.key.name),
            Act::Challenge(_) => "00840000".to_owned(),
            Act::Authenticate { key, .. } => format!("0082 {}", key.name),
            Act::Internal { what, key, .. } => format!("0088{:02X} {}", what.p1(), key.name),
            Act::ReloadPin { header: bytes, .. } | Act::Write { header: bytes, .. } => header(*bytes),
            Act::Begin(deal) | Act::Exhaust(deal) => command(&deal.begin),
            Act::AtPsam(act) => act.place(),
            Act::Complete { deal, .. } => header(deal.complete.header()),
            Act::Prove { deal, .. } => deal.prove.map_or_else(String::new, |(row, _)| header(row.header())),
            Act::Encipher { what: PsamCipher::Block, key, .. } => format!("80FA0000 {}", key.name),
            Act::Encipher { what: PsamCipher::Mac, key, .. } => format!("80FA0500 {}", key.name),
            Act::Certificate(act) => header(act.header()),
            Act::Credit { .. } => "80720000".to_owned(),
        }
    }
}
