//! The eleven basic fields of a card (读基本信息).
//!
//! Source: output string that three driver programs share; SSSE EF05 is free to read, EF06 needs RKSSSE on a 3.x card;
//! algorithm in the FCI, else by city: Beijing SSF33, all others 3DES.
//! Owns: the order of the fields and where each comes from.
//! Never: refuses what an issuer may choose (serial, check character of 卡号), keeps a card after the call.

use std::sync::LazyLock;

use card_core::fci::AlgorithmId;
use card_core::reading;
use card_core::script::Step;
use card_core::security::psam::{Psam, PsamNames};
use card_core::security::{Factors, SecurityError, SecurityModule};
use card_core::transport::pcsc::{Interface, Readers};
use card_core::{Session, StatusWord};
use card_profiles::access::Right;
use card_profiles::identity::CardIdentifier;
use card_profiles::image::{CardValues, decode_file};
use card_profiles::profile::KeyRow;
use card_profiles::{Ef, Profile};

use crate::failure::Failure;
use crate::output;
use crate::settings::Settings;
use crate::slots::Slots;

/// The fields, in the order of the output.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Basic {
    /// 发卡地区行政区划: the first 6 digits of the card identifier.
    pub region: String,
    /// 社会保障号码.
    pub social_security_number: String,
    /// 卡号.
    pub card_number: String,
    /// 卡识别码, 32 hex digits.
    pub card_identifier: String,
    /// 姓名, with its extension.
    pub name: String,
    /// 卡复位信息: the historical bytes, 26 hex digits.
    pub historical: String,
    /// 规范版本.
    pub spec_version: String,
    /// 发卡日期.
    pub issue_date: String,
    /// 卡有效期.
    pub valid_until: String,
    /// 终端机编号, 12 hex digits; zeros without PSAM.
    pub terminal: String,
    /// 终端设备号.
    pub device: String,
}

/// What the library knows of cards.
struct Known {
    card: Profile,
    psam: PsamNames,
}

/// Built in, read once in a process.
static KNOWN: LazyLock<Known> = LazyLock::new(|| Known {
    card: card_profiles::builtin("ssc-3.0").expect("built in"),
    psam: card_profiles::builtin("psam").and_then(|profile| profile.psam_names()).expect("built in"),
});

/// 终端机编号 without a PSAM.
const NO_TERMINAL: [u8; 6] = [0; 6];

/// Characters of 卡号 that are used, whatever follows them.
const CARD_NUMBER_CHARACTERS: usize = 9;

/// Reads the basic fields of the card in a reader.
///
/// # Errors
/// [`Failure`].
pub fn read(interface: Interface, settings: &Settings) -> Result<String, Failure> {
    let Known { card: profile, psam: names } = &*KNOWN;
    let ssse = profile.df.first().map_or(&[][..], |df| &df.df_name);
    let Slots { reader, mut card, psam } = Slots::find(&Readers::establish()?, interface, settings, ssse, names)?;
    // A card that needs no proof is read without PSAM, so a fault of the PSAM waits until its keys are wanted.
    let mut psam = match psam {
        Some(opened) => opened
            .map_err(SecurityError::from)
            .and_then(|session| Psam::open(session, names, profile.psam_keys()))
            .map_err(Failure::Psam),
        None => Err(Failure::NoPsam),
    };
    let terminal = psam.as_ref().map_or(NO_TERMINAL, Psam::terminal_number);
    let module = psam.as_mut().map(|psam| -> &mut dyn SecurityModule { psam });
    let mut basic = match read_card(&mut card, profile, module.ok()) {
        Err(Failure::NoPsam) => return Err(psam.err().unwrap_or(Failure::NoPsam)),
        // A PSAM has the environment too, but no such file.
        Err(Failure::Refused { sw: StatusWord::FILE_NOT_FOUND, file: SSSE | ISSUER_FILE }) => {
            return Err(Failure::NotSocialSecurity { readers: vec![reader] });
        }
        result => result?,
    };
    basic.terminal = hex_upper(&terminal);
    basic.device.clone_from(&settings.device);
    Ok(basic.text())
}

/// Names of the environment and of its first file in messages.
const SSSE: &str = "SSSE";
const ISSUER_FILE: &str = "SSSE.EF05";

/// Reads the fields that are on the card.
///
/// # Errors
/// [`Failure`]; [`Failure::NoPsam`] when the card wants a proof and `module` is absent.
pub fn read_card(
    session: &mut Session,
    profile: &Profile,
    module: Option<&mut dyn SecurityModule>,
) -> Result<Basic, Failure> {
    let df = profile.df.first().ok_or(Failure::CardData { item: SSSE })?;
    let algorithm =
        reading::select_environment(session, &df.df_name)?.map_err(|sw| Failure::Refused { file: SSSE, sw })?;
    let values = |session: &mut Session, id: &str, file: &'static str| -> Result<CardValues, Failure> {
        let ef = profile.ef(&df.id, id).ok_or(Failure::CardData { item: file })?;
        let bytes = reading::tagged_records(session, ef.sfi(), &record_lengths(ef))?
            .map_err(|sw| Failure::Refused { file, sw })?;
        Ok(decode_file(df, ef, &bytes).values)
    };
    let issuer = values(session, "EF05", ISSUER_FILE)?;
    let version = text(&issuer, "SSSE.EF05.spec_version");
    let identifier = CardIdentifier::parse(&text(&issuer, "SSSE.EF05.card_identifier"))
        .filter(CardIdentifier::has_rid)
        .ok_or(Failure::CardData { item: "SSSE.EF05.card_identifier" })?;
    match version.chars().next() {
        Some('3') => authenticate(session, profile, algorithm, &identifier, module)?,
        Some('2') => {}
        _ => return Err(Failure::CardData { item: "SSSE.EF05.spec_version" }),
    }
    let holder = values(session, "EF06", "SSSE.EF06")?;
    let identifier_text = identifier.to_string();
    Ok(Basic {
        region: identifier_text.chars().take(6).collect(),
        social_security_number: text(&holder, "SSSE.EF06.social_security_number"),
        card_number: text(&issuer, "SSSE.EF05.card_number").chars().take(CARD_NUMBER_CHARACTERS).collect(),
        card_identifier: identifier_text,
        name: text(&holder, "SSSE.EF06.name") + &text(&holder, "SSSE.EF06.name_extension"),
        historical: hex_upper(session.atr()?.historical()),
        spec_version: version,
        issue_date: text(&issuer, "SSSE.EF05.issue_date"),
        valid_until: text(&issuer, "SSSE.EF05.valid_until"),
        terminal: String::new(),
        device: String::new(),
    })
}

/// Proves the key that opens EF06 of a 3.x card.
fn authenticate(
    session: &mut Session,
    profile: &Profile,
    algorithm: Option<AlgorithmId>,
    identifier: &CardIdentifier,
    module: Option<&mut dyn SecurityModule>,
) -> Result<(), Failure> {
    let city = identifier.city().ok_or(Failure::CardData { item: "SSSE.EF05.card_identifier" })?;
    let used = AlgorithmId::of_card(algorithm, city);
    if used != AlgorithmId::TDES {
        return Err(Failure::Algorithm(used.0));
    }
    let Some(row) = key_of(profile, "EF06") else { return Ok(()) };
    let factors = Factors::of(city, session.atr()?.card_factor().map_err(card_core::SessionError::from)?);
    let step = Step::Authenticate { key: profile.key_of_card(row, KEY_VERSION, &factors), id: row.id };
    match session.perform(&step, module)?.sw {
        sw if sw.is_ok() => Ok(()),
        sw => Err(Failure::Refused { file: "EXTERNAL AUTHENTICATE RKSSSE", sw }),
    }
}

/// Version of the keys that cards are issued with.
const KEY_VERSION: u8 = 1;

/// The first key in the read rule of a file of SSSE.
fn key_of<'p>(profile: &'p Profile, ef: &str) -> Option<&'p KeyRow> {
    let rights = profile.ef(SSSE, ef)?.read.rights();
    let name = rights.iter().find_map(|right| match right {
        Right::Key(name) => Some(name),
        Right::Pin => None,
    })?;
    profile.key(name)
}

fn record_lengths(ef: &Ef) -> Vec<u16> {
    ef.elements.iter().map(|element| u16::from(element.format.length) + 2).collect()
}

fn text(values: &CardValues, place: &str) -> String {
    values.text(place).unwrap_or_default().to_owned()
}

fn hex_upper(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02X}")).collect()
}

impl Basic {
    /// The output string.
    #[must_use]
    pub fn text(&self) -> String {
        output::fields([
            self.region.as_str(),
            &self.social_security_number,
            &self.card_number,
            &self.card_identifier,
            &self.name,
            &self.historical,
            &self.spec_version,
            &self.issue_date,
            &self.valid_until,
            &self.terminal,
            &self.device,
        ])
    }
}

/// The fields are a person's: only their lengths are shown.
impl std::fmt::Debug for Basic {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Basic({} characters)", self.text().chars().count())
    }
}
