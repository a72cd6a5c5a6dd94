//! Checks a profile for contradictions.
//!
//! Owns: what must agree inside one profile: sizes, identifiers, references, capacity.
//! Never: compares with a card or with another profile, reads text (`load`).

mod certificate;
mod limits;

use std::collections::BTreeSet;
use std::fmt;

use card_core::security::KeyName;

use crate::access::{Access, Right};
use crate::account::CommandRow;
use crate::codec::{self, EncodeError, Value};
use crate::format::FormatKind;
use crate::load::{GRAMMAR, GRAMMAR_MIN};
use crate::profile::{CardKind, Df, Ef, EfKind, Element, KeyClass, KeyRow, Profile};

/// Bytes of a record of the transaction log that the account commands write.
const LOG_RECORD: usize = 28;

/// Bytes of a record of the log of a purse.
const PURSE_LOG_RECORD: usize = 23;

/// Most bytes of a record: one command writes it, one answer reads it.
const RECORD_MAX: usize = 255;

/// Tries that the card can count.
const TRIES: [usize; 15] = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15];

/// Tags that mark padding, not a record.
const PADDING: [u8; 2] = [0x00, 0xFF];

/// Historical bytes of a social security card: 7 of the maker, 6 of the serial.
const SERIAL_BYTES: usize = 6;

/// One contradiction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Where: `DF04.EF05.tag_81`, `key UK1DF04`, `pin`.
    pub place: String,
    /// What.
    pub problem: Problem,
}

/// What contradicts what.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// Grammar version that this program does not read.
    #[error("grammar version {0} is not known")]
    GrammarUnknown(u32),
    /// Stated size or count differs from the sum of the rows.
    #[error("{what} is stated as {stated}, the rows give {computed}")]
    Sum {
        /// Size, records, length.
        what: &'static str,
        /// As written.
        stated: usize,
        /// As computed.
        computed: usize,
    },
    /// Two rows share an identifier.
    #[error("{what} {value} is used twice")]
    Duplicate {
        /// Which identifier.
        what: &'static str,
        /// Its value.
        value: String,
    },
    /// A row names a key that is not there, or not in this DF nor in the first one.
    #[error("key {0} is not among the keys of this directory or of the first")]
    KeyMissing(KeyName),
    /// A condition names a key that cannot be proved by EXTERNAL AUTHENTICATION.
    #[error("key {0} does not serve external authentication")]
    KeyCannotAuthenticate(KeyName),
    /// A row needs a key of another class.
    #[error("key {key} has the class {found:?}, this row needs {needed:?}")]
    KeyClassWrong {
        /// Key.
        key: KeyName,
        /// Its class.
        found: KeyClass,
        /// What the row needs.
        needed: KeyClass,
    },
    /// A file of another structure than its use needs.
    #[error("{0} is no cyclic file, and transactions are logged there")]
    LogNotCyclic(String),
    /// A version of the specification that does not exist.
    #[error("{0:?} is no generation of the card: 1, 2 or 3 comes first")]
    VersionUnknown(String),
    /// HSM address of another form.
    #[error("HSM address {0:?} is not four hex digits")]
    HsmAddress(String),
    /// A PSAM without what a terminal looks for in it.
    #[error("a PSAM has an environment with the file of terminal_number, and an application")]
    PsamIncomplete,
    /// A condition names the PIN of a card that has none.
    #[error("the card has no PIN")]
    PinMissing,
    /// A row names a directory or file that is not there.
    #[error("{0} does not exist")]
    PlaceMissing(String),
    /// A private key whose file says that it can be read.
    #[error("a private key that can be read")]
    PrivateReadable,
    /// Commands without access conditions.
    #[error("no row says what must be proved before its commands")]
    AccessMissing,
    /// A tag where none may be, or none where one must be.
    #[error("a record of TLV files has a tag, a field of other files has none")]
    Tag,
    /// A number outside what the card can hold.
    #[error("{what} is {value}, expected {expected}")]
    OutOfRange {
        /// What.
        what: &'static str,
        /// As written.
        value: usize,
        /// What is possible.
        expected: &'static str,
    },
    /// A value that the profile itself fixes does not fit its item.
    #[error("{value:?} does not fit: {error}")]
    Unencodable {
        /// The value.
        value: String,
        /// Why.
        error: EncodeError,
    },
    /// Files and keys need more memory than the chip has.
    #[error("files and keys need {needed} bytes, the chip has {capacity}")]
    Capacity {
        /// Sum.
        needed: usize,
        /// Of the chip.
        capacity: usize,
    },
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.problem)
    }
}

/// All contradictions of a profile, in the order of its text; empty when there are none.
#[must_use]
pub fn lint(profile: &Profile) -> Vec<Finding> {
    let mut findings = Findings(Vec::new());
    if !(GRAMMAR_MIN..=GRAMMAR).contains(&profile.format) {
        findings.add("format", Problem::GrammarUnknown(profile.format));
    }
    findings.sum(
        "atr",
        "historical bytes",
        historical_bytes_announced(profile),
        profile.atr.maker.len() + SERIAL_BYTES,
    );
    limits::lint_limits(profile, &mut findings);
    lint_dialect(profile, &mut findings);
    findings.duplicates("df", "directory id", profile.df.iter().map(|df| df.id.clone()));
    findings.duplicates("df", "FID", profile.df.iter().map(|df| format!("{:04X}", df.fid)));
    let names = profile.df.iter().filter(|df| !df.df_name.is_empty());
    findings.duplicates("df", "DF name", names.map(|df| hex::encode_upper(&df.df_name)));
    profile.df.iter().for_each(|df| lint_df(profile, df, &mut findings));
    lint_keys(profile, &mut findings);
    lint_account(profile, &mut findings);
    lint_purse(profile, &mut findings);
    let code = profile.psam.authentication_code.len();
    findings.range("psam", "bytes of authentication_code", code, &[0, 9], "9, or none");
    certificate::lint_certificate(profile, &mut findings);
    let certificates = profile.certificate.iter().flat_map(|rules| &rules.file).map(|file| file.size);
    let files = profile.df.iter().flat_map(|df| &df.ef).map(|ef| ef.size).chain(certificates);
    let files: usize = files.map(usize::from).sum();
    let keys: usize = profile.key.iter().map(|key| key.length.bytes()).sum();
    let capacity = usize::try_from(profile.capacity).unwrap_or(usize::MAX);
    if files + keys > capacity {
        findings.add("capacity", Problem::Capacity { needed: files + keys, capacity });
    }
    findings.0
}

struct Findings(Vec<Finding>);

impl Findings {
    fn add(&mut self, place: impl Into<String>, problem: Problem) {
        self.0.push(Finding { place: place.into(), problem });
    }

    fn sum(&mut self, place: &str, what: &'static str, stated: usize, computed: usize) {
        if stated != computed {
            self.add(place, Problem::Sum { what, stated, computed });
        }
    }

    fn range(&mut self, place: &str, what: &'static str, value: usize, allowed: &[usize], expected: &'static str) {
        if !allowed.contains(&value) {
            self.add(place, Problem::OutOfRange { what, value, expected });
        }
    }

    fn record(&mut self, place: &str, bytes: usize) {
        if bytes == 0 || bytes > RECORD_MAX {
            let expected = "1 to 255, tag and length included: one command writes it";
            self.add(place, Problem::OutOfRange { what: "bytes of a record", value: bytes, expected });
        }
    }

    fn log(&mut self, place: &str, df: &Df, log: &Ef, bytes: usize) {
        self.sum(place, "bytes of a log record", bytes, log.record_length());
        if log.kind != EfKind::Cyclic {
            self.add(place, Problem::LogNotCyclic(format!("{}.{}", df.id, log.id)));
        }
    }

    fn duplicates(&mut self, place: &str, what: &'static str, values: impl Iterator<Item = String>) {
        let mut seen = BTreeSet::new();
        for value in values {
            if !seen.insert(value.clone()) {
                self.add(place, Problem::Duplicate { what, value });
            }
        }
    }
}

fn historical_bytes_announced(profile: &Profile) -> usize {
    profile.atr.prefix.get(1).map_or(0, |t0| usize::from(t0 & 0x0F))
}

fn lint_dialect(profile: &Profile, findings: &mut Findings) {
    findings.range("key_load", "bytes of the command header", profile.key_load.command.len(), &[4], "CLA INS P1 P2");
    findings.range("key_load", "bytes of the challenge", profile.key_load.challenge.into(), &[4, 8], "4 or 8");
    if profile.kind == CardKind::Psam && profile.psam_names().is_none() {
        findings.add("df", Problem::PsamIncomplete);
    }
    if let Some(row) = &profile.blocking {
        let commands =
            [&row.application_block, &row.application_block_for_good, &row.application_unblock, &row.card_block];
        commands.into_iter().for_each(|header| {
            findings.range("blocking", "bytes of a command header", header.len(), &[4], "CLA INS P1 P2");
        });
        findings.range("blocking", "bytes of the challenge", row.challenge.into(), &[0, 4, 8], "0, 4 or 8");
    }
    if let Some(pin) = &profile.pin {
        findings.range("pin", "tries", pin.tries.into(), &TRIES, "1 to 15");
        let bytes = pin.initial.len().div_ceil(2);
        if bytes < pin.bytes_min.into()
            || bytes > pin.bytes_max.into()
            || !pin.initial.bytes().all(|b| b.is_ascii_digit())
        {
            let expected = "digits that fit between bytes_min and bytes_max";
            findings.add(
                "pin",
                Problem::OutOfRange { what: "digits of the initial PIN", value: pin.initial.len(), expected },
            );
        }
    }
}

fn lint_df(profile: &Profile, df: &Df, findings: &mut Findings) {
    findings.duplicates(&df.id, "file id", df.ef.iter().map(|ef| ef.id.clone()));
    findings.duplicates(&df.id, "FID", df.ef.iter().map(|ef| format!("{:04X}", ef.fid)));
    findings.duplicates(&df.id, "SFI", df.ef.iter().map(|ef| format!("{:02X}", ef.sfi())));
    match profile.key(&df.control_key) {
        Some(key) if key.df == df.id => {}
        _ => findings.add(&df.id, Problem::KeyMissing(df.control_key.clone())),
    }
    for ef in &df.ef {
        lint_ef(profile, df, ef, findings);
    }
}

fn lint_ef(profile: &Profile, df: &Df, ef: &Ef, findings: &mut Findings) {
    let place = format!("{}.{}", df.id, ef.id);
    lint_access(profile, df, &place, &ef.read, findings);
    lint_access(profile, df, &place, &ef.update, findings);
    findings.duplicates(&place, "element id", ef.elements.iter().map(|element| element.id.to_string()));
    let values: usize = ef.record_length();
    let stated = usize::from(ef.size);
    match ef.kind {
        EfKind::TlvRecords => {
            findings.sum(&place, "records", ef.records.into(), ef.elements.len());
            findings.sum(&place, "size", stated, values + 2 * ef.elements.len());
            // A composite may be there several times; its instances share a tag.
            let single = ef.elements.iter().filter(|element| element.format.kind != FormatKind::BTlv);
            findings.duplicates(&place, "tag", single.filter_map(tag_text));
        }
        EfKind::Cyclic => {
            findings.sum(&place, "size", stated, values * usize::from(ef.records));
            findings.record(&place, values);
        }
        EfKind::Transparent => {
            findings.sum(&place, "records", ef.records.into(), 1);
            if !ef.elements.is_empty() {
                findings.sum(&place, "size", stated, values);
            }
        }
    }
    for element in &ef.elements {
        let place = format!("{place}.{}", element.id);
        if element.tag.is_some() != (ef.kind == EfKind::TlvRecords) {
            findings.add(&place, Problem::Tag);
        }
        if ef.kind == EfKind::TlvRecords {
            findings.record(&place, usize::from(element.format.length) + 2);
        }
        if let Some(tag) = element.tag.filter(|tag| PADDING.contains(tag)) {
            let expected = "01 to FE: 00 and FF mark padding";
            findings.add(&place, Problem::OutOfRange { what: "tag", value: tag.into(), expected });
        }
        // The one value that a profile fixes for every card.
        if &*element.id == "spec_version"
            && let Err(error) = codec::encode(element.format, &Value::from(profile.version.as_str()))
        {
            findings.add(&place, Problem::Unencodable { value: profile.version.clone(), error });
        }
        lint_composite(&place, element, findings);
    }
}

fn lint_composite(place: &str, element: &Element, findings: &mut Findings) {
    let kind_bytes = match element.format.kind {
        FormatKind::BAmount => Some(4),
        FormatKind::BSequence => Some(2),
        FormatKind::BTlv => Some(element.inner.iter().map(|item| usize::from(item.format.length) + 2).sum()),
        FormatKind::B | FormatKind::Cn | FormatKind::An | FormatKind::CnAmount => None,
    };
    if let Some(bytes) = kind_bytes {
        findings.sum(place, "length", element.format.length.into(), bytes);
    }
    findings.duplicates(place, "element id", element.inner.iter().map(|item| item.id.to_string()));
    findings.duplicates(place, "tag", element.inner.iter().filter_map(tag_text));
    if element.inner.iter().any(|item| item.tag.is_none()) {
        findings.add(place, Problem::Tag);
    }
}

fn tag_text(element: &Element) -> Option<String> {
    element.tag.map(|tag| format!("{tag:02X}"))
}

fn lint_access(profile: &Profile, df: &Df, place: &str, access: &Access, findings: &mut Findings) {
    if let Access::Mac(name) = access
        && reachable_key(profile, &df.id, name).is_none()
    {
        findings.add(place, Problem::KeyMissing(name.clone()));
    }
    for right in access.rights() {
        match right {
            Right::Pin if profile.pin.is_none() => findings.add(place, Problem::PinMissing),
            Right::Pin => {}
            Right::Key(name) => match reachable_key(profile, &df.id, name) {
                None => findings.add(place, Problem::KeyMissing(name.clone())),
                Some(key) if !key.class.authenticates_externally() => {
                    findings.add(place, Problem::KeyCannotAuthenticate(name.clone()));
                }
                Some(_) => {}
            },
        }
    }
}

/// The key, when it is in the directory or in the first one, whose rights last until reset.
fn reachable_key<'a>(profile: &'a Profile, df: &str, name: &KeyName) -> Option<&'a KeyRow> {
    let first = profile.df.first().map(|first| first.id.as_str());
    profile.key(name).filter(|key| key.df == df || Some(key.df.as_str()) == first)
}

/// The name of a key, with the version that its row is for.
fn named(key: &KeyRow) -> String {
    key.version.map_or_else(|| key.name.to_string(), |version| format!("{} version {version}", key.name))
}

fn lint_keys(profile: &Profile, findings: &mut Findings) {
    findings.duplicates("key", "name", profile.key.iter().map(named));
    let slots = profile.key.iter().map(|key| format!("{} usage {:02X} id {:02X}", key.df, key.usage, key.id));
    findings.duplicates("key", "slot", slots);
    let external = profile.key.iter().filter(|key| key.class.authenticates_externally());
    if profile.kind == CardKind::User {
        findings.duplicates("key", "authentication id", external.map(|key| format!("{} {:02X}", key.df, key.id)));
    }
    if let Some(levels) = profile.psam.purchase_levels.filter(|levels| *levels > 3) {
        findings.add("psam", Problem::OutOfRange { what: "purchase_levels", value: levels.into(), expected: "0 to 3" });
    }
    for key in &profile.key {
        let place = format!("key {}", named(key));
        if key.version == Some(0) {
            findings.add(&place, Problem::OutOfRange { what: "version", value: 0, expected: "1 to 255" });
        }
        if profile.df(&key.df).is_none() {
            findings.add(&place, Problem::PlaceMissing(key.df.clone()));
        }
        for address in key.hsm.iter().filter(|text| text.len() != 4 || hex::decode(text).is_err()) {
            findings.add(&place, Problem::HsmAddress(address.clone()));
        }
        if key.tries == 0 || key.tries > 15 {
            findings.add(&place, Problem::OutOfRange { what: "tries", value: key.tries.into(), expected: "1 to 15" });
        }
    }
}

/// A key that the card itself uses in a directory.
fn lint_key_of(profile: &Profile, place: &str, df: &str, name: &KeyName, needed: KeyClass, findings: &mut Findings) {
    match profile.key(name).filter(|key| key.df == df) {
        None => findings.add(place, Problem::KeyMissing(name.clone())),
        Some(key) if key.class != needed => {
            findings.add(place, Problem::KeyClassWrong { key: name.clone(), found: key.class, needed });
        }
        Some(_) => {}
    }
}

fn header(row: &CommandRow) -> String {
    hex::encode_upper([row.cla, row.ins, row.p1, row.p2])
}

fn lint_account(profile: &Profile, findings: &mut Findings) {
    let Some(rules) = &profile.account else { return };
    let used =
        [(&rules.purchase_key, KeyClass::Dpk), (&rules.load_key, KeyClass::Dlk), (&rules.tac_key, KeyClass::Dtk)];
    used.into_iter().for_each(|(name, class)| lint_key_of(profile, "account", &rules.df, name, class, findings));
    findings.duplicates(
        "account",
        "transaction type",
        [rules.purchase_type, rules.load_type].into_iter().map(|kind| format!("{kind:02X}")),
    );
    let commands = [&rules.init_load, &rules.credit_load, &rules.init_purchase, &rules.debit_purchase];
    findings.duplicates("account", "command", commands.into_iter().map(header));
    let Some((df, log)) = profile.df(&rules.df).zip(profile.ef(&rules.df, &rules.log)) else {
        return findings.add("account", Problem::PlaceMissing(format!("{}.{}", rules.df, rules.log)));
    };
    for access in [&rules.purchase_access, &rules.load_access, &rules.balance_access] {
        lint_access(profile, df, "account", access, findings);
    }
    findings.log("account", df, log, LOG_RECORD);
}

fn lint_purse(profile: &Profile, findings: &mut Findings) {
    let Some(rules) = &profile.purse else { return };
    let keys = &rules.keys;
    let used = [
        (&keys.purchase, KeyClass::Dpk),
        (&keys.load, KeyClass::Dlk),
        (&keys.unload, KeyClass::Dulk),
        (&keys.overdraw, KeyClass::Duk),
        (&keys.tac, KeyClass::Dtk),
        (&keys.maintenance, KeyClass::Stk),
        (&keys.unblock_pin, KeyClass::Puk),
        (&keys.reload_pin, KeyClass::Drpk),
    ];
    used.into_iter().for_each(|(name, class)| lint_key_of(profile, "purse", &rules.df, name, class, findings));
    let types = &rules.types;
    let types = [
        types.ed_load,
        types.ep_load,
        types.unload,
        types.cash,
        types.ed_purchase,
        types.ep_purchase,
        types.overdraw,
        types.composite,
    ];
    findings.duplicates("purse", "transaction type", types.into_iter().map(|kind| format!("{kind:02X}")));
    for file in [&rules.public_data, &rules.holder_data] {
        if profile.ef(&rules.df, file).is_none() {
            findings.add("purse", Problem::PlaceMissing(format!("{}.{file}", rules.df)));
        }
    }
    let Some((df, log)) = profile.df(&rules.df).zip(profile.ef(&rules.df, &rules.log)) else {
        return findings.add("purse", Problem::PlaceMissing(format!("{}.{}", rules.df, rules.log)));
    };
    let access = &rules.access;
    let conditions = [
        &access.load,
        &access.ed_purchase,
        &access.ep_purchase,
        &access.cash,
        &access.unload,
        &access.overdraw,
        &access.ed_balance,
        &access.ep_balance,
    ];
    conditions.into_iter().for_each(|condition| lint_access(profile, df, "purse", condition, findings));
    findings.log("purse", df, log, PURSE_LOG_RECORD);
    findings.range("purse", "factors", rules.factors.into(), &[1, 2, 3], "1 to 3");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::builtin::builtin_text;

    /// One change of the built-in text, and a word of the finding that it must bring.
    const CHANGES: [(&str, &str, &str); 32] = [
        ("version = \"3.00\"", "version = \"3.00.1\"", "SSSE.EF05.spec_version: \"3.00.1\" does not fit: 6 bytes"),
        ("format = \"an(80)\"", "format = \"an(254)\"", "bytes of a record is 256"),
        ("tag = 0xF0", "tag = 0xFF", "DF07.EF05.honour: tag is 255"),
        ("size = 64", "size = 65", "size is stated as 65, the rows give 64"),
        ("records = 7", "records = 8", "records is stated as 8"),
        ("format = \"an(9)\"", "format = \"an(8)\"", "the rows give 63"),
        ("format = \"b-tlv(52)\"", "format = \"b-tlv(51)\"", "DF01.EF15.degree_1: length is stated as 51"),
        ("fid = \"EF06\"", "fid = \"EF05\"", "FID EF05 is used twice"),
        ("fid = \"EF07\"", "fid = \"EF25\"", "SFI 05 is used twice"),
        ("\nid = \"DF01\"", "\nid = \"SSSE\"", "directory id SSSE is used twice"),
        ("tag = 0x4E", "tag = 0x09", "tag 09 is used twice"),
        ("id = \"name_extension\"", "id = \"name\"", "element id name is used twice"),
        ("read = \"RKSSSE\"", "read = \"RKSSSX\"", "key RKSSSX is not among"),
        ("read = \"PIN or RK1DF01\"", "read = \"PIN or RK1DF02\"", "key RK1DF02 is not among"),
        ("read = \"RKSSSE\"", "read = \"STKSSSE\"", "key STKSSSE does not serve"),
        ("name = \"PUK\",", "name = \"IRK\",", "name IRK is used twice"),
        ("class = \"UK\",  id = 0x04", "class = \"UK\",  id = 0x0A", "authentication id SSSE 0A is used twice"),
        ("control_key = \"MKDF01\"", "control_key = \"MKDF02\"", "key MKDF02 is not among"),
        ("capacity = 32768", "capacity = 9000", "the chip has 9000"),
        ("log = \"EF08\"", "log = \"EF09\"", "DF04.EF09 does not exist"),
        ("challenge = 4", "challenge = 5", "bytes of the challenge is 5"),
        ("load_key = \"DLK\"", "load_key = \"DTK\"", "account: key DTK has the class Dtk, this row needs Dlk"),
        ("load_type = 0x01", "load_type = 0x32", "account: transaction type 32 is used twice"),
        ("ins = 0x2A, p1 = 0x00", "ins = 0x2C, p1 = 0x01", "account: command B02C0100 is used twice"),
        ("log = \"EF08\"", "log = \"EF06\"", "account: DF04.EF06 is no cyclic file"),
        ("purchase_access = \"PIN\"", "purchase_access = \"RK9DF04\"", "account: key RK9DF04 is not among"),
        ("hsm = [\"0090\"]", "hsm = [\"90\"]", "key PUK: HSM address \"90\" is not four hex digits"),
        ("application_block = \"841E0000\"", "application_block = \"841E00\"", "bytes of a command header is 3"),
        ("card_block = \"84160000\"\nchallenge = 4", "card_block = \"84160000\"\nchallenge = 6", "challenge is 6"),
        ("tries = 3\nbytes_min", "tries = 16\nbytes_min", "pin: tries is 16"),
        ("initial = \"123456\"", "initial = \"12345A\"", "digits of the initial PIN"),
        ("tries = 3, purpose = \"内部认证密钥\"", "tries = 16, purpose = \"内部认证密钥\"", "tries is 16"),
    ];

    #[test]
    fn every_contradiction_is_found_where_it_is() {
        let text = builtin_text("ssc-3.0").expect("built in");
        for (from, to, expected) in CHANGES {
            assert!(text.contains(from), "{from:?} is not in the text");
            let profile = Profile::parse(&text.replacen(from, to, 1)).expect("still follows the grammar");
            let findings: Vec<String> = lint(&profile).iter().map(ToString::to_string).collect();
            assert!(findings.iter().any(|finding| finding.contains(expected)), "{to}: {findings:?}");
        }
    }

    /// The same for the purse.
    const PURSE_CHANGES: [(&str, &str, &str); 9] = [
        ("unload = \"DULK\"", "unload = \"DULX\"", "purse: key DULX is not among"),
        ("public_data = \"EF15\"", "public_data = \"EF14\"", "ADF1.EF14 does not exist"),
        ("log = \"EF18\"", "log = \"EF20\"", "ADF1.EF20 does not exist"),
        ("update = \"MAC DAMK\"", "update = \"MAC DAMX\"", "key DAMX is not among"),
        ("format = \"b(3)\"", "format = \"b(4)\"", "purse: bytes of a log record is stated as 23, the rows give 24"),
        ("factors = 1", "factors = 4", "purse: factors is 4"),
        ("cash = 0x04", "cash = 0x05", "purse: transaction type 05 is used twice"),
        ("unload = \"DULK\"", "unload = \"DLK\"", "purse: key DLK has the class Dlk, this row needs Dulk"),
        ("log = \"EF18\"", "log = \"EF19\"", "purse: ADF1.EF19 is no cyclic file"),
    ];

    #[test]
    fn every_contradiction_of_a_purse_is_found() {
        let text = builtin_text("pboc-purse").expect("built in");
        for (from, to, expected) in PURSE_CHANGES {
            assert!(text.contains(from), "{from:?} is not in the text");
            let profile = Profile::parse(&text.replacen(from, to, 1)).expect("still follows the grammar");
            let findings: Vec<String> = lint(&profile).iter().map(ToString::to_string).collect();
            assert!(findings.iter().any(|finding| finding.contains(expected)), "{to}: {findings:?}");
        }
    }

    #[test]
    fn a_psam_without_its_terminal_number_is_found() {
        let text = builtin_text("psam").expect("built in");
        let changed = Profile::parse(&text.replacen("terminal_number", "terminal", 1)).expect("the grammar holds");
        assert!(lint(&changed).iter().any(|finding| finding.problem == Problem::PsamIncomplete));
    }

    #[test]
    fn a_code_of_a_psam_has_nine_bytes() {
        let text = builtin_text("psam").expect("built in");
        for (code, is_clean) in [("", true), ("010203040506070809", true), ("0102", false)] {
            let text = text.replacen("[psam]", &format!("[psam]\nauthentication_code = \"{code}\""), 1);
            assert_eq!(lint(&Profile::parse(&text).expect("a profile")).is_empty(), is_clean, "{code}");
        }
    }

    #[test]
    fn a_condition_on_the_pin_needs_a_pin() {
        let mut profile = Profile::parse(builtin_text("ssc-3.0").expect("built in")).expect("profile");
        profile.pin = None;
        assert!(lint(&profile).iter().any(|finding| finding.problem == Problem::PinMissing));
    }
}
