//! The types of cards that a centre makes and serves: built in, or of a text of the site's own.
//!
//! Source: ours (docs/adr/0093). Owns: reading the rows `cards` and `psams` of `centre.toml`, and what a text must carry before cards are
//! made by it. Never: says what is on a card (`card-profiles`).

use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

use card_core::security::{CityCode, Factors};
use card_profiles::lint::{Finding, Position, lint, name_taken, position};
use card_profiles::plan::{Plan, PlanError, Target};
use card_profiles::profile::{CardKind, KeyClass};
use card_profiles::{Chain, Profile, ProfileError, builtin_text, flatten};

use super::cards::Cards;
use crate::lang::Lang;
use crate::station::content;

/// Most bytes of a text.
const TEXT_BYTES_MAX: u64 = 4 << 20;

/// Keys of a text that say nothing about a card.
const REMARKS: [&str; 5] = ["title", "source", "assumed", "confidence", "extends"];

/// A type of cards with the environment of a PSAM that serves them.
#[derive(Clone, Debug)]
pub struct CardType {
    /// Its algorithm, by which its keys are named.
    pub kind: Cards,
    /// What is on such a card.
    pub profile: Profile,
    /// What is on their PSAM.
    pub psam: Profile,
    /// SHA-256 of what the text says of the card, hex: of a built-in text as it is, of another one whole, without remarks.
    pub digest: String,
    /// The whole text, its base included; `None`: built in.
    pub text: Option<String>,
}

/// A text that no card can be made by here.
#[derive(Debug, thiserror::Error)]
#[error("{row} {name}: {fault}")]
pub struct CardTypeError {
    /// `cards` or `psams`.
    pub row: &'static str,
    /// As written there.
    pub name: Box<str>,
    /// What is wrong.
    pub fault: CardTypeFault,
}

/// What is wrong with a text.
#[derive(Debug, thiserror::Error)]
pub enum CardTypeFault {
    /// No built-in profile, and no file that can be read.
    #[error("no built-in profile has this name, and as a file: {0}")]
    Unreadable(io::Error),
    /// A file somewhere else, which no backup of the centre takes along.
    #[error("the file lies outside the centre's folder, where no backup takes it along: put it into the folder")]
    Outside,
    /// It is no profile.
    #[error("{0}")]
    Malformed(ProfileError),
    /// Its rows contradict each other.
    #[error("{}{first}; {count} contradictions in all", at.as_ref().map(place_en).unwrap_or_default())]
    Contradicts {
        /// Where the first stands.
        at: Option<Position>,
        /// The first.
        first: Box<Finding>,
        /// All.
        count: usize,
    },
    /// A PSAM among cards, or a card among PSAMs.
    #[error("it is the text of {}", if *.0 == CardKind::Psam { "a PSAM" } else { "a card" })]
    Kind(CardKind),
    /// Two of one algorithm.
    #[error("there is another of its algorithm: keys are named by algorithm, one each")]
    Twice,
    /// A PSAM of an algorithm of which there are no cards.
    #[error("there are no cards of its algorithm")]
    NoCards,
    /// The centre writes values that the card has no place for.
    #[error("the centre cannot fill such a card: {0}")]
    Plan(PlanError),
    /// Keys or formulas of the medical account are others than those that clearing computes with.
    #[error("keys, numbers or MAC fields of its account are others than those of {0}, which clearing computes with")]
    Account(&'static str),
    /// Keys of the card that its PSAM has not where the card's text says.
    #[error("PSAM {psam} lacks {} where the card's text has it; name its own PSAM text in the row psams", keys.join(", "))]
    PsamLacks {
        /// The PSAM's name.
        psam: String,
        /// Names of keys.
        keys: Vec<String>,
    },
}

impl CardType {
    /// The type that is built in for an algorithm.
    #[must_use]
    pub fn national(kind: Cards) -> Self {
        let digest = digest_of(builtin_text(kind.name()).unwrap_or_default());
        Self { kind, profile: kind.card_profile(), psam: kind.psam_profile(), digest, text: None }
    }

    /// The types that the rows name; files as seen from `folder`.
    ///
    /// # Errors
    /// [`CardTypeError`].
    pub fn read_all(folder: &Path, cards: &[String], psams: &[String]) -> Result<Vec<Self>, CardTypeError> {
        let wrong = |row, name: &String, fault| CardTypeError { row, name: name.as_str().into(), fault };
        let mut types: Vec<Self> = Vec::new();
        for name in cards {
            let found = Self::read(folder, name).map_err(|fault| wrong("cards", name, fault))?;
            if types.iter().any(|other| other.kind == found.kind) {
                return Err(wrong("cards", name, CardTypeFault::Twice));
            }
            types.push(found);
        }
        for name in psams {
            let psam = psam(folder, name).map_err(|fault| wrong("psams", name, fault))?;
            let served = types.iter_mut().find(|found| found.profile.algorithm == psam.algorithm);
            served.ok_or_else(|| wrong("psams", name, CardTypeFault::NoCards))?.psam = psam;
        }
        for (found, name) in types.iter().zip(cards) {
            found.is_served().map_err(|fault| wrong("cards", name, fault))?;
        }
        Ok(types)
    }

    /// The type of this name, or of this file as seen from where the program runs; whatever serves it.
    ///
    /// # Errors
    /// [`CardTypeError`].
    pub fn read_alone(name: &str) -> Result<Self, CardTypeError> {
        Self::read(Path::new(""), name).map_err(|fault| CardTypeError { row: "cards", name: name.into(), fault })
    }

    fn read(folder: &Path, name: &str) -> Result<Self, CardTypeFault> {
        if let Some(kind) = Cards::ALL.into_iter().find(|kind| kind.name() == name) {
            return Ok(Self::national(kind));
        }
        let (text, profile) = read_text(folder, name, CardKind::User)?;
        let kind = Cards::of(profile.algorithm);
        let flat = flatten(&text).map_err(CardTypeFault::Malformed)?;
        let is_builtin = builtin_text(name).is_some();
        let digest = if is_builtin { digest_of(text.text()) } else { digest_of(&said(&flat)) };
        let text = (!is_builtin).then_some(flat);
        let found = Self { kind, psam: kind.psam_profile(), profile, digest, text };
        found.can_be_made()?;
        Ok(found)
    }

    /// Whether the centre can fill such a card and clear its payments.
    fn can_be_made(&self) -> Result<(), CardTypeFault> {
        let factors = Factors::of(CityCode::parse("000000").expect("six digits"), [0; 8]);
        Plan::personalize(&self.profile, &content::sample(&self.profile), &Target::blank(factors, 1))
            .map_err(CardTypeFault::Plan)?;
        // What clearing takes from the national text of the algorithm, the card must have alike.
        let account = |profile: &Profile| {
            profile.account.as_ref().map(|row| {
                let keys = [&row.purchase_key, &row.load_key, &row.tac_key];
                let numbers = (row.key_index, row.purchase_type, row.load_type, row.sequence_convention);
                format!("{keys:?} {numbers:?} {:?} {:?}", row.mac, row.key_form)
            })
        };
        if account(&self.profile) == account(&self.kind.card_profile()) {
            Ok(())
        } else {
            Err(CardTypeFault::Account(self.kind.name()))
        }
    }

    /// Whether a PSAM of `psam` has the card's keys where its text says; those that no PSAM holds (LK) are left out.
    fn is_served(&self) -> Result<(), CardTypeFault> {
        let national = self.kind.card_profile().psam_keys();
        let own = self.profile.psam_keys().into_iter().filter(|(name, place)| national.get(name) != Some(place));
        let is_there = |name: &_, usage, id| self.psam.key(name).is_some_and(|row| (row.usage, row.id) == (usage, id));
        let is_lk = |name: &_| self.profile.key(name).is_some_and(|row| row.class == KeyClass::Lk);
        let lacks = own.filter(|(name, place)| !is_lk(name) && !is_there(name, place.usage, place.id));
        let keys: Vec<String> = lacks.map(|(name, _)| name.to_string()).collect();
        let psam = self.psam.name.clone();
        if keys.is_empty() { Ok(()) } else { Err(CardTypeFault::PsamLacks { psam, keys }) }
    }
}

fn psam(folder: &Path, name: &str) -> Result<Profile, CardTypeFault> {
    read_text(folder, name, CardKind::Psam).map(|(_, profile)| profile)
}

/// The text of a file with those of its folder that it extends.
fn chain(path: &Path) -> io::Result<Chain> {
    Ok(Chain::read(file(path)?, |base| file(&path.with_file_name(base))))
}

/// A file and those of its folder that it extends, the nearest first: all that a centre keeps of its card type.
pub fn files_of(path: &Path) -> Vec<PathBuf> {
    let bases = chain(path).unwrap_or_default();
    std::iter::once(path.to_owned()).chain(bases.files().map(|base| path.with_file_name(base))).collect()
}

/// Whether a path from a folder stays in it.
fn is_within(name: &str) -> bool {
    Path::new(name).components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir))
}

/// A text without contradictions.
fn read_text(folder: &Path, name: &str, kind: CardKind) -> Result<(Chain, Profile), CardTypeFault> {
    let text = match builtin_text(name) {
        Some(text) => text.to_owned().into(),
        // Of no folder: what the program that runs is asked to look at, wherever it lies.
        None if !folder.as_os_str().is_empty() && !is_within(name) => return Err(CardTypeFault::Outside),
        None => chain(&folder.join(name)).map_err(CardTypeFault::Unreadable)?,
    };
    let profile = Profile::parse(&text).map_err(CardTypeFault::Malformed)?;
    if profile.kind != kind {
        return Err(CardTypeFault::Kind(profile.kind));
    }
    let findings: Vec<Finding> = name_taken(text.text(), &profile).into_iter().chain(lint(&profile)).collect();
    let count = findings.len();
    match findings.into_iter().next() {
        None => Ok((text, profile)),
        Some(first) => {
            let at = position(&text, &first.place);
            Err(CardTypeFault::Contradicts { at, first: Box::new(first), count })
        }
    }
}

fn file(path: &Path) -> io::Result<String> {
    if fs::metadata(path)?.len() > TEXT_BYTES_MAX {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    fs::read_to_string(path)
}

/// What a whole text says of the card, without remarks, in one order.
fn said(flat: &str) -> String {
    fn strip(value: &mut toml::Value) {
        match value {
            toml::Value::Table(table) => {
                REMARKS.iter().for_each(|remark| drop(table.remove(*remark)));
                table.iter_mut().for_each(|(_, value)| strip(value));
            }
            toml::Value::Array(rows) => rows.iter_mut().for_each(strip),
            _ => {}
        }
    }
    let mut table = toml::Value::Table(flat.parse().unwrap_or_default());
    strip(&mut table);
    table.to_string()
}

fn place_en(at: &Position) -> String {
    let base = at.base.as_ref().map(|base| format!(" of its base {base}")).unwrap_or_default();
    format!("line {}{base}, ", at.line)
}

fn place_zh(at: &Position) -> String {
    let base = at.base.as_ref().map(|base| format!("其基础 {base} ")).unwrap_or_default();
    format!("{base}第 {} 行 ", at.line)
}

fn digest_of(text: &str) -> String {
    hex::encode_upper(ring::digest::digest(&ring::digest::SHA256, text.as_bytes()))
}

impl CardTypeFault {
    /// In a language.
    pub(super) fn text(&self, lang: Lang) -> String {
        let zh = match self {
            Self::Unreadable(source) => format!("不是内置描述的名称，按文件读取时出错: {source}"),
            Self::Outside => "文件不在中心目录内，备份不会带走它；请放入中心目录".to_owned(),
            Self::Malformed(error) => error.zh(),
            Self::Contradicts { at, first, count } => {
                let line = at.as_ref().map(place_zh).unwrap_or_default();
                format!("{line}{}：{}；共 {count} 处矛盾", first.place, first.problem.zh())
            }
            Self::Kind(CardKind::Psam) => "这是 PSAM 的描述".to_owned(),
            Self::Kind(CardKind::User) => "这是用户卡的描述".to_owned(),
            Self::Twice => "已有同一算法的另一种卡；密钥按算法命名，每种算法只能有一种".to_owned(),
            Self::NoCards => "没有这种算法的卡".to_owned(),
            Self::Plan(error) => format!("中心写不了这样的卡：{}", error.zh()),
            Self::Account(name) => format!("个人账户的密钥、编号或 MAC 字段与清算所用的 {name} 不同"),
            Self::PsamLacks { psam, keys } => {
                format!("PSAM {psam} 在卡片描述所写位置没有密钥 {}；请在 psams 中写明所用 PSAM 的描述", keys.join("、"))
            }
        };
        lang.pick(zh, self.to_string())
    }

    /// What the person who wrote the row does next.
    pub(super) fn next(&self, lang: Lang) -> &'static str {
        match self {
            Self::Unreadable(_) | Self::Outside => lang.pick(
                "把描述文件放入中心目录并写对其名称，或写内置描述的名称 (sscard profile list)",
                "put the text into the centre's folder under the name in the row, or name a built-in one (`sscard profile list`)",
            ),
            Self::Malformed(_) | Self::Contradicts { .. } => lang.pick(
                "用 sscard profile lint 检查并改正该描述，或在该行写内置描述的名称 (sscard profile list)",
                "see what is wrong with `sscard profile lint` and mend the text, or name a built-in one (`sscard profile list`)",
            ),
            Self::Kind(_) => {
                lang.pick("用户卡写在 cards，PSAM 写在 psams", "name cards in the row `cards`, PSAMs in the row `psams`")
            }
            Self::Twice | Self::NoCards => lang.pick(
                "cards 中每种算法写一种卡，psams 只写其中已有的算法",
                "name one card of each algorithm in `cards`, and in `psams` only algorithms that `cards` has",
            ),
            Self::Plan(_) => lang.pick(
                "sscard profile diff ssc-3.0 该描述 列出不同之处；补上所缺的文件、记录或项",
                "`sscard profile diff ssc-3.0 TEXT` shows what differs; put back the file, record or item that is missing",
            ),
            Self::Account(_) => lang.pick(
                "删去该描述中 [account] 及其密钥的改动；本中心只清算国家规定的个人账户",
                "take what changes [account] and its keys out of the text: this centre clears the national account",
            ),
            Self::PsamLacks { .. } => lang.pick(
                "写一份带有这些密钥的 PSAM 描述 (extends = \"psam\")，写入 psams",
                "write a PSAM text that has these keys (`extends = \"psam\"`) and name it in `psams`",
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_outside_the_folder_is_not_taken_since_no_backup_has_it() {
        for name in ["../city.toml", "/city.toml", "texts/../../city.toml"] {
            let error = CardType::read_all(Path::new("centre"), &[name.to_owned()], &[]).expect_err("refused");
            assert!(error.to_string().contains("outside the centre's folder"), "{name}: {error}");
        }
        let error = CardType::read_all(Path::new("centre"), &["./city.toml".to_owned()], &[]).expect_err("not there");
        assert!(!error.to_string().contains("outside"), "{error}");
    }
}
