//! Keys that a card has from the factory, by name or class and version, so that other programs' known keys can be tried.
//!
//! Source: our own format, version 1; `README.md` of `card-sim` describes it.
//! Owns: the text of a key file, which slots its rows fill. Never: prints a key; is read where it is not marked REHEARSAL.
//! Units: keys and factors in bytes, hex in the text.

use std::fmt;

use card_core::crypto::{Block, CardKey, KeyForm, KeyLength};
use card_core::key::Key16;
use card_core::security::KeyName;
use serde::Deserialize;
use zeroize::Zeroizing;

use crate::certificate::MASTER_KEY;
use crate::profile::{KeyClass, KeyRow, Profile};
use crate::rehearsal::MARK;
use crate::said;

/// Most diversification steps of one key: province, city, card, and one to spare.
const FACTORS_MAX: usize = 4;

/// Bytes of the application serial number in file 0015 of a purse; the last 8 are the factor of its keys.
pub type ApplicationSerial = [u8; 10];

/// Rows of a key file.
#[derive(Default)]
pub struct GivenKeys {
    rows: Vec<Row>,
    /// The serial of a purse, and its line.
    serial: Option<(usize, ApplicationSerial)>,
}

/// A key for every slot that `which` means.
struct Row {
    line: usize,
    which: Which,
    version: u8,
    key: Given,
}

enum Which {
    Name(KeyName),
    Class { class: KeyClass, df: Option<String> },
}

enum Given {
    /// The card's own key.
    Value(Zeroizing<Vec<u8>>),
    /// A key above it, and the way down.
    Master { key: Key16, factors: Vec<Factor> },
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Factor {
    Block(Block),
    /// That of the card's ATR.
    Card,
    /// That of the application serial of a purse.
    Serial,
}

/// What `card` and `serial` are on one card.
#[derive(Clone, Copy)]
struct OwnFactors {
    card: Block,
    /// `None`: the profile has no purse.
    serial: Option<Block>,
}

/// Why a text is no key file, or does not fit the card. Never says what a key is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyFileError {
    /// Not TOML, or a field that is unknown, missing or of another type.
    #[error("key file, line {line}: {problem}")]
    Syntax {
        /// Line, from 1.
        line: usize,
        /// What was expected.
        problem: String,
    },
    /// Not a text.
    #[error("key file, line {line}: not UTF-8")]
    Utf8 {
        /// Line of the first byte that is none, from 1.
        line: usize,
    },
    /// No row.
    #[error("the key file has no [[key]]")]
    Empty,
    /// Not marked as keys of a rehearsal.
    #[error("the key file does not say mark = \"{MARK}\"; keys of real cards do not belong into a software card")]
    Mark,
    /// A row that contradicts itself.
    #[error("key file, line {line}{}: {problem}", key.as_ref().map_or_else(String::new, |key| format!(", key {key}")))]
    Row {
        /// Line, from 1.
        line: usize,
        /// Name or class of the key, where the row says it and it cannot be a key itself.
        key: Option<String>,
        /// What is wrong.
        problem: RowProblem,
    },
}

/// What can be wrong with one row.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RowProblem {
    /// Neither or both.
    #[error("a key has either a name or a class")]
    Which,
    /// A directory beside a name.
    #[error("df goes with a class; a name is unique on the card")]
    Directory,
    /// Neither or both.
    #[error("a key has either a value or a master and factors")]
    Value,
    /// Not hex, or not as long as needed.
    #[error("{what} is not {bytes} bytes in hex")]
    Hex {
        /// `value`, `master`, `factors`.
        what: &'static str,
        /// Bytes needed.
        bytes: usize,
    },
    /// Too many steps.
    #[error("a master key has 1 to {FACTORS_MAX} factors")]
    Factors,
    /// A serial, or a factor that is one, where the profile has no purse.
    #[error("the profile has no purse: no serial of file 0015")]
    NoSerial,
    /// The profile has no such key.
    #[error("the profile has no such key")]
    NoSuchKey,
    /// The profile has a row for each version of this key, and none for this one.
    #[error("the profile has no row for this version of the key")]
    NoSuchVersion,
}

impl RowProblem {
    /// The problem in Chinese.
    #[must_use]
    pub fn zh(&self) -> String {
        match self {
            Self::Which => "每个密钥须写 name 或 class，且只写一个".to_owned(),
            Self::Directory => "df 与 class 同用；name 在卡内是唯一的".to_owned(),
            Self::Value => "每个密钥须写 value，或写 master 和 factors，且只写一种".to_owned(),
            Self::Hex { what, bytes } => format!("{what} 不是 {bytes} 字节的十六进制"),
            Self::Factors => format!("上级密钥须有 1 到 {FACTORS_MAX} 个分散因子"),
            Self::NoSerial => "卡片描述中没有电子钱包：没有 0015 文件的应用序列号".to_owned(),
            Self::NoSuchKey => "卡片描述中没有这个密钥".to_owned(),
            Self::NoSuchVersion => "卡片描述中没有这个版本的密钥".to_owned(),
        }
    }
}

impl KeyFileError {
    /// Stable code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Syntax { .. } | Self::Utf8 { .. } | Self::Empty | Self::Row { .. } => "KEY_FILE_MALFORMED",
            Self::Mark => "KEY_FILE_NOT_REHEARSAL",
        }
    }

    /// The error in Chinese.
    #[must_use]
    pub fn zh(&self) -> String {
        match self {
            Self::Syntax { line, problem } => format!("密钥文件第 {line} 行：{}", said::chinese(problem)),
            Self::Utf8 { line } => format!("密钥文件第 {line} 行不是 UTF-8"),
            Self::Empty => "密钥文件中没有 [[key]]".to_owned(),
            Self::Mark => format!("密钥文件没有写 mark = \"{MARK}\"；真实卡片的密钥不得放进软件卡"),
            Self::Row { line, key, problem } => {
                let key = key.as_ref().map_or_else(String::new, |key| format!("，密钥 {key}"));
                format!("密钥文件第 {line} 行{key}：{}", problem.zh())
            }
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Text {
    #[serde(default)]
    mark: String,
    /// Application serial of a purse: 10 bytes in hex.
    #[serde(default)]
    serial: Option<toml::Spanned<String>>,
    #[serde(default)]
    key: Vec<toml::Spanned<TextRow>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TextRow {
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    class: Option<KeyClass>,
    #[serde(default)]
    df: Option<String>,
    #[serde(default = "first_version")]
    version: u8,
    #[serde(default)]
    value: Option<toml::Spanned<String>>,
    #[serde(default)]
    master: Option<toml::Spanned<String>>,
    #[serde(default)]
    factors: Vec<String>,
}

const fn first_version() -> u8 {
    1
}

impl GivenKeys {
    /// Reads the bytes of a key file.
    ///
    /// # Errors
    /// [`KeyFileError`] at the first place that cannot be used.
    pub fn parse_bytes(bytes: &[u8]) -> Result<Self, KeyFileError> {
        let text = std::str::from_utf8(bytes).map_err(|error| {
            let valid = bytes.get(..error.valid_up_to()).unwrap_or(bytes);
            KeyFileError::Utf8 { line: 1 + valid.iter().filter(|byte| **byte == b'\n').count() }
        })?;
        Self::parse(text)
    }

    /// Reads a key file.
    ///
    /// # Errors
    /// [`KeyFileError`] at the first place that cannot be used.
    pub fn parse(text: &str) -> Result<Self, KeyFileError> {
        let line_of = |offset: usize| 1 + text.get(..offset).unwrap_or(text).matches('\n').count();
        let rows: Text = toml::from_str(text).map_err(|error| KeyFileError::Syntax {
            line: line_of(error.span().map_or(0, |span| span.start)),
            // What stands in quotes may be a key.
            problem: error.message().split('"').next().unwrap_or_default().to_owned(),
        })?;
        if rows.mark != MARK {
            return Err(KeyFileError::Mark);
        }
        if rows.key.is_empty() {
            return Err(KeyFileError::Empty);
        }
        let serial = rows.serial.map(|text| {
            let line = line_of(text.span().start);
            let problem = RowProblem::Hex { what: "serial", bytes: 10 };
            let bytes = of_hex(text.get_ref()).as_slice().try_into();
            bytes.map(|serial| (line, serial)).map_err(|_| KeyFileError::Row { line, key: None, problem })
        });
        let serial = serial.transpose()?;
        let rows = rows.key.into_iter().map(|row| {
            let line = line_of(row.span().start);
            let row = row.into_inner();
            let (key, bytes) = (row.shown(), row.bytes_at());
            Row::read(line, row).map_err(|problem| {
                // What is no key is named where it stands.
                let is_of_bytes = matches!(problem, RowProblem::Hex { what: "value" | "master", .. });
                let line = bytes.filter(|_| is_of_bytes).map_or(line, line_of);
                KeyFileError::Row { line, key, problem }
            })
        });
        Ok(Self { rows: rows.collect::<Result<_, _>>()?, serial })
    }

    /// The application serial that the factory puts into a purse, so that a host finds in file 0015 the factor that its keys
    /// have: as the key file says it, or `0000` and the factor of the ATR. `None` where no key is derived with it.
    #[must_use]
    pub fn serial(&self, profile: &Profile, card_factor: Block) -> Option<ApplicationSerial> {
        let uses = |row: &Row| matches!(&row.key, Given::Master { factors, .. } if factors.contains(&Factor::Serial));
        let is_wanted = profile.purse.is_some() && (self.serial.is_some() || self.rows.iter().any(uses));
        is_wanted.then(|| self.serial_or(card_factor))
    }

    fn serial_or(&self, card_factor: Block) -> ApplicationSerial {
        self.serial.map_or_else(
            || {
                let mut serial = ApplicationSerial::default();
                serial.iter_mut().skip(2).zip(card_factor).for_each(|(slot, byte)| *slot = byte);
                serial
            },
            |(_, serial)| serial,
        )
    }

    /// What fills each slot of `profile`, the last row that means it; and those slots as the image is marked with them.
    ///
    /// # Errors
    /// [`KeyFileError::Row`] of the first row that does not fit the profile.
    pub fn slots(&self, profile: &Profile, card_factor: Block) -> Result<Vec<Slot>, KeyFileError> {
        if let Some((line, _)) = self.serial.filter(|_| profile.purse.is_none()) {
            return Err(KeyFileError::Row { line, key: None, problem: RowProblem::NoSerial });
        }
        let serial = self.serial_or(card_factor).last_chunk().copied().filter(|_| profile.purse.is_some());
        let own = OwnFactors { card: card_factor, serial };
        let mut slots: Vec<Slot> = Vec::new();
        for row in &self.rows {
            let wrong = |problem| KeyFileError::Row { line: row.line, key: row.which.shown(), problem };
            let meant = || profile.key.iter().enumerate().filter(|(_, key)| row.which.means(key));
            let mut found = false;
            let rows = meant().filter(|(_, key)| key.version.is_none_or(|version| version == row.version));
            let rows = rows.map(|(index, key)| (index, key.name.clone(), profile.form(key)));
            for (index, name, form) in rows.chain(master_key(profile).filter(|(_, name, _)| row.which.names(name))) {
                found = true;
                let bytes = row.key.of_card(form, own).map_err(wrong)?;
                slots.retain(|slot| slot.index != index);
                slots.push(Slot { index, name, version: row.version, bytes });
            }
            if !found {
                let has_others = meant().next().is_some();
                return Err(wrong(if has_others { RowProblem::NoSuchVersion } else { RowProblem::NoSuchKey }));
            }
        }
        slots.sort_by_key(|slot| slot.index);
        Ok(slots)
    }
}

/// The master key of the certificate application, behind the keys of the rows: by its name only, no class means it.
fn master_key(profile: &Profile) -> impl Iterator<Item = (usize, KeyName, KeyForm)> {
    let rules = profile.certificate.as_ref().filter(|rules| rules.access.is_some());
    rules.map(|rules| (profile.key.len(), KeyName::new(MASTER_KEY), rules.key_form())).into_iter()
}

/// A key slot to fill.
pub struct Slot {
    /// Index of the key's row in the profile; that of the certificate application's master key comes after them.
    pub index: usize,
    /// Name of the key.
    pub name: KeyName,
    /// Version.
    pub version: u8,
    /// The card's own key, as many bytes as its row says.
    pub bytes: Zeroizing<Vec<u8>>,
}

/// The key itself is not shown.
impl fmt::Debug for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Slot({self})")
    }
}

impl fmt::Display for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} version {}", self.name, self.version)
    }
}

impl TextRow {
    /// Where its bytes stand.
    fn bytes_at(&self) -> Option<usize> {
        self.value.as_ref().or(self.master.as_ref()).map(|bytes| bytes.span().start)
    }

    /// How the row calls its key.
    fn shown(&self) -> Option<String> {
        let class = self.class.map(|class| format!("{class:?}").to_uppercase());
        shown(self.name.as_deref()).or_else(|| class.map(|class| of_directory(&class, self.df.as_deref())))
    }
}

/// A name that may be shown: one as long as half a key, and in hex, may be a key that slipped into the wrong line.
fn shown(name: Option<&str>) -> Option<String> {
    let is_safe = |name: &&str| name.len() < 16 && name.bytes().all(|byte| byte.is_ascii_alphanumeric());
    name.filter(is_safe).map(str::to_owned)
}

/// A class, and the directory whose keys of it are meant.
fn of_directory(class: &str, df: Option<&str>) -> String {
    shown(df).map_or_else(|| class.to_owned(), |df| format!("{class} ({df})"))
}

impl Which {
    fn shown(&self) -> Option<String> {
        match self {
            Self::Name(name) => shown(Some(name.as_str())),
            Self::Class { class, df } => Some(of_directory(&format!("{class:?}").to_uppercase(), df.as_deref())),
        }
    }

    fn names(&self, key: &KeyName) -> bool {
        matches!(self, Self::Name(name) if name == key)
    }

    fn means(&self, key: &KeyRow) -> bool {
        match self {
            Self::Name(name) => key.name == *name,
            Self::Class { class, df } => key.class == *class && df.as_ref().is_none_or(|df| key.df == *df),
        }
    }
}

impl Given {
    fn of_card(&self, form: KeyForm, own: OwnFactors) -> Result<Zeroizing<Vec<u8>>, RowProblem> {
        match self {
            Self::Value(bytes) if bytes.len() == form.length.bytes() => Ok(bytes.clone()),
            Self::Value(_) => Err(RowProblem::Hex { what: "value", bytes: form.length.bytes() }),
            Self::Master { key, factors } => {
                let path = factors.iter().map(|factor| factor.block(own)).collect::<Option<Vec<Block>>>();
                let path = path.ok_or(RowProblem::NoSerial)?;
                Ok(Zeroizing::new(CardKey::derived(key, &path, form).expose().to_vec()))
            }
        }
    }
}

impl Factor {
    const fn block(self, own: OwnFactors) -> Option<Block> {
        match self {
            Self::Block(block) => Some(block),
            Self::Card => Some(own.card),
            Self::Serial => own.serial,
        }
    }
}

impl Row {
    fn read(line: usize, row: TextRow) -> Result<Self, RowProblem> {
        let which = match (row.name, row.class) {
            (Some(name), None) if row.df.is_none() => Which::Name(KeyName::new(&name)),
            (Some(_), None) => return Err(RowProblem::Directory),
            (None, Some(class)) => Which::Class { class, df: row.df },
            (None, None) | (Some(_), Some(_)) => return Err(RowProblem::Which),
        };
        let own = |bytes: Option<toml::Spanned<String>>| bytes.map(|bytes| Zeroizing::new(bytes.into_inner()));
        let key = match (own(row.value), own(row.master)) {
            (Some(value), None) if row.factors.is_empty() => {
                let bytes = of_hex(&value);
                if KeyLength::of(bytes.len()).is_none() {
                    return Err(RowProblem::Hex { what: "value", bytes: 16 });
                }
                Given::Value(bytes)
            }
            (None, Some(master)) => {
                if !(1..=FACTORS_MAX).contains(&row.factors.len()) {
                    return Err(RowProblem::Factors);
                }
                let bytes = of_hex(&master);
                let key = bytes.as_slice().try_into().map_err(|_| RowProblem::Hex { what: "master", bytes: 16 })?;
                let factors = row.factors.iter().map(|text| factor(text)).collect::<Result<_, _>>()?;
                Given::Master { key: Key16::new(key), factors }
            }
            _ => return Err(RowProblem::Value),
        };
        Ok(Self { line, which, version: row.version, key })
    }
}

/// Bytes in hex, with blanks between them or not; none when it is no hex.
fn of_hex(text: &str) -> Zeroizing<Vec<u8>> {
    let digits: Zeroizing<Vec<u8>> = Zeroizing::new(text.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect());
    Zeroizing::new(hex::decode(digits.as_slice()).unwrap_or_default())
}

/// 8 bytes in hex; `card`: the last 8 historical bytes of the card's ATR; `serial`: those of the application serial of a purse.
fn factor(text: &str) -> Result<Factor, RowProblem> {
    match text {
        "card" => return Ok(Factor::Card),
        "serial" => return Ok(Factor::Serial),
        _ => {}
    }
    let block = of_hex(text).as_slice().try_into().ok();
    block.map(Factor::Block).ok_or(RowProblem::Hex { what: "factors", bytes: 8 })
}

impl fmt::Debug for GivenKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "GivenKeys({} rows)", self.rows.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::builtin;

    const CARD: Block = [0x11, 0x01, 0, 0, 0, 0x12, 0x34, 0x56];

    fn problem(rows: &str) -> RowProblem {
        let keys = GivenKeys::parse(&format!("mark = \"REHEARSAL\"\n[[key]]\n{rows}"));
        let slots = keys.and_then(|keys| keys.slots(&builtin("ssc-3.0").expect("built in"), CARD));
        match slots.map(|slots| slots.len()) {
            Err(KeyFileError::Row { line, problem, .. }) => {
                // A value that is not hex has a line of its own; behind the mark and the head of the row.
                let own = |what: &str| rows.lines().position(|row| row.starts_with(what)).map(|row| row + 3);
                let place = if let RowProblem::Hex { what, .. } = &problem { own(what) } else { None };
                assert!(line == 2 || Some(line) == place, "{rows}: {line}");
                problem
            }
            other => panic!("{rows}: {other:?}"),
        }
    }

    #[test]
    fn versions_count_from_0_and_hex_may_have_blanks() {
        let text = "mark = \"REHEARSAL\"\n[[key]]\nname = \"DPK\"\nversion = 0\n\
            value = \"00112233 44556677 8899AABB CCDDEEFF\"\n";
        let keys = GivenKeys::parse(text).expect("a key file");
        let slots = keys.slots(&builtin("ssc-3.0").expect("built in"), CARD).expect("fits");
        let texts: Vec<String> =
            slots.iter().map(|slot| format!("{slot} {}", hex::encode_upper(&*slot.bytes))).collect();
        assert_eq!(texts, ["DPK version 0 00112233445566778899AABBCCDDEEFF"]);
    }

    #[test]
    fn a_master_key_comes_down_as_in_the_published_set() {
        let text = "mark = \"REHEARSAL\"\n[[key]]\nname = \"DPK\"\nversion = 2\n\
            master = \"A0A1A2A3A4A5A6A7A8A9AAABACADAEAF\"\nfactors = [\"card\"]\n";
        let keys = GivenKeys::parse(text).expect("a key file");
        let slots = keys.slots(&builtin("ssc-3.0").expect("built in"), CARD).expect("fits");
        let texts: Vec<String> =
            slots.iter().map(|slot| format!("{slot} {}", hex::encode_upper(&*slot.bytes))).collect();
        assert_eq!(texts, ["DPK version 2 FDDDBACD60892A46777871F41C45BC9A"]);
        assert_eq!(format!("{keys:?}"), "GivenKeys(1 rows)");
    }

    #[test]
    fn a_purse_key_comes_down_by_the_serial_of_file_0015() {
        let rows = |serial: &str, factor: &str| {
            format!(
                "mark = \"REHEARSAL\"\n{serial}[[key]]\nname = \"DPK\"\nmaster = \"{}\"\nfactors = [\"{factor}\"]\n",
                "A0".repeat(16)
            )
        };
        let keys = |text: &str| GivenKeys::parse(text).expect("a key file");
        let purse = builtin("pboc-purse").expect("built in");
        let value = |text: &str| keys(text).slots(&purse, CARD).expect("fits").first().expect("a slot").bytes.clone();
        // purse.md 1.4: the last 8 bytes of the serial.
        let stated = "serial = \"0055 0102030405060708\"\n";
        assert_eq!(value(&rows(stated, "serial")), value(&rows("", "0102030405060708")));
        assert_eq!(keys(&rows(stated, "serial")).serial(&purse, CARD), Some([0, 0x55, 1, 2, 3, 4, 5, 6, 7, 8]));
        // Not stated: the factory gives a serial that ends in the factor of the ATR.
        assert_eq!(value(&rows("", "serial")), value(&rows("", "card")));
        let made = keys(&rows("", "serial")).serial(&purse, CARD).expect("a serial");
        assert_eq!(made.last_chunk(), Some(&CARD));
        assert_eq!(keys(&rows("", "card")).serial(&purse, CARD), None);
        let social = builtin("ssc-3.0").expect("built in");
        for (text, at) in [(rows(stated, "card"), 2), (rows("", "serial"), 2)] {
            let error = keys(&text).slots(&social, CARD).err();
            assert!(
                matches!(error, Some(KeyFileError::Row { line, problem: RowProblem::NoSerial, .. }) if line == at),
                "{error:?}"
            );
        }
        let short = GivenKeys::parse(&rows("serial = \"0102\"\n", "serial")).err();
        assert!(matches!(
            short,
            Some(KeyFileError::Row { line: 2, problem: RowProblem::Hex { what: "serial", bytes: 10 }, .. })
        ));
    }

    #[test]
    fn a_class_fills_every_key_of_it_and_a_later_row_wins() {
        let text = format!(
            "mark = \"REHEARSAL\"\n[[key]]\nclass = \"UK\"\nvalue = \"{}\"\n[[key]]\nclass = \"STK\"\ndf = \"DF04\"\n\
            value = \"{}\"\n[[key]]\nname = \"UK1DF04\"\nversion = 3\nvalue = \"{}\"\n",
            "11".repeat(16),
            "22".repeat(8),
            "33".repeat(16)
        );
        let profile = builtin("ssc-3.0").expect("built in");
        let slots = GivenKeys::parse(&text).and_then(|keys| keys.slots(&profile, CARD)).expect("fits");
        let updates = profile.key.iter().filter(|key| key.class == KeyClass::Uk).count();
        assert_eq!(slots.len(), updates + 1);
        for slot in slots {
            let expected = match slot.name.as_str() {
                "UK1DF04" => (3, vec![0x33; 16]),
                "STKDF04" => (1, vec![0x22; 8]),
                _ => (1, vec![0x11; 16]),
            };
            assert_eq!((slot.version, slot.bytes.to_vec()), expected, "{}", slot.name);
        }
    }

    #[test]
    fn a_refusal_names_line_and_key_in_both_languages_and_no_bytes() {
        let long = "00112233445566778899AABBCCDDEEFF";
        let error = |rows: &str| {
            let keys = GivenKeys::parse(&format!("mark = \"REHEARSAL\"\n\n[[key]]\n{rows}"));
            keys.and_then(|keys| keys.slots(&builtin("ssc-3.0").expect("built in"), CARD)).expect_err("refused")
        };
        for (rows, zh, en) in [
            (
                format!("name = \"STKSSSE\"\nvalue = \"{long}\""),
                "密钥文件第 3 行，密钥 STKSSSE：value 不是 8 字节的十六进制",
                "key file, line 3, key STKSSSE: value is not 8 bytes in hex",
            ),
            (
                format!("class = \"UK\"\ndf = \"DF09\"\nvalue = \"{long}\""),
                "密钥文件第 3 行，密钥 UK (DF09)：卡片描述中没有这个密钥",
                "key file, line 3, key UK (DF09): the profile has no such key",
            ),
            (
                format!("name = \"{long}\"\nvalue = \"{long}\""),
                "密钥文件第 3 行：卡片描述中没有这个密钥",
                "key file, line 3: the profile has no such key",
            ),
        ] {
            let error = error(&rows);
            assert_eq!((error.zh().as_str(), error.to_string().as_str()), (zh, en));
        }
    }

    #[test]
    fn what_cannot_be_used_is_refused_with_its_line_and_without_the_key() {
        let long = "00112233445566778899AABBCCDDEEFF";
        assert_eq!(problem(&format!("value = \"{long}\"")), RowProblem::Which);
        assert_eq!(problem(&format!("name = \"DPK\"\nclass = \"DPK\"\nvalue = \"{long}\"")), RowProblem::Which);
        assert_eq!(problem(&format!("name = \"DPK\"\ndf = \"DF04\"\nvalue = \"{long}\"")), RowProblem::Directory);
        assert_eq!(problem("name = \"DPK\""), RowProblem::Value);
        assert_eq!(problem(&format!("name = \"DPK\"\nvalue = \"{long}\"\nfactors = [\"card\"]")), RowProblem::Value);
        assert_eq!(problem(&format!("name = \"DPK\"\nmaster = \"{long}\"")), RowProblem::Factors);
        assert_eq!(problem(&format!("name = \"DPX\"\nvalue = \"{long}\"")), RowProblem::NoSuchKey);
        let bytes = |what, bytes| RowProblem::Hex { what, bytes };
        assert_eq!(problem("name = \"DPK\"\nvalue = \"0011\""), bytes("value", 16));
        assert_eq!(problem("name = \"DPK\"\nvalue = \"0011223344556677\""), bytes("value", 16));
        assert_eq!(problem(&format!("name = \"STKSSSE\"\nvalue = \"{long}\"")), bytes("value", 8));
        assert_eq!(problem(&format!("name = \"DPK\"\nmaster = \"{long}\"\nfactors = [\"51\"]")), bytes("factors", 8));
        let parse = |text: &str| GivenKeys::parse(text).expect_err("refused");
        assert_eq!(parse(&format!("[[key]]\nname = \"DPK\"\nvalue = \"{long}\"")), KeyFileError::Mark);
        assert_eq!(parse("mark = \"REHEARSAL\"\n"), KeyFileError::Empty);
        let rows = format!("\n[[key]]\nvalue = \"{long}\"");
        let bytes = [b"mark = \"REHEARSAL\"\n# ", &[0xC3, 0xDC][..], rows.as_bytes()].concat();
        let error = GivenKeys::parse_bytes(&bytes).expect_err("GBK");
        assert_eq!((error.clone(), error.code()), (KeyFileError::Utf8 { line: 2 }, "KEY_FILE_MALFORMED"));
        let error = parse(&format!("mark = \"REHEARSAL\"\n\n[[key]]\nnam = \"DPK\"\nvalue = \"{long}\""));
        assert!(matches!(error, KeyFileError::Syntax { line: 3 | 4, .. }) && !error.to_string().contains("0011"));
    }
}
