//! A card is put into the reader: what is it?
//!
//! Source: LD/T 32 SSSE and EF05 (free to read on every card); city code in the first three bytes of the identifier.
//! Owns: telling apart a foreign object, a blank, a blocked card, an unknown version. Never: needs a key or a PIN.

use card_core::fci::AlgorithmId;
use card_core::script::{Nonces, Step, StepError};
use card_core::security::psam::Psam;
use card_core::security::{CityCode, Factors, KeyRef, SecurityError};
use card_core::{Session, StatusWord, command, reading};
use card_profiles::Profile;
use card_profiles::image::{CardValues, Reading, decode_file};
use card_profiles::profile::{KeyClass, KeyRow};
use settlement::id::{CardFactor, CardIdentifier};

use crate::error::TerminalError;
use crate::profiles::Profiles;

/// DF and EF of the issuer's data.
const SSSE: &str = "SSSE";
const ISSUER_FILE: &str = "EF05";

/// Key version of everything but the account, until cards say otherwise.
const KEY_VERSION: u8 = 1;

/// A social security card that was recognised.
#[derive(Debug)]
pub struct Tapped<'a> {
    /// Conversation with it.
    pub session: Session,
    /// Its profile.
    pub profile: &'a Profile,
    /// 卡的识别码.
    pub identifier: CardIdentifier,
    /// Diversification factors of its keys.
    pub factors: Factors,
    /// City that issued it.
    pub city: CityCode,
    /// 规范版本, padding stripped.
    pub version: String,
    /// What EF05 holds.
    pub issuer_data: Reading,
    /// DF that is selected.
    selected: String,
}

/// Puts a card to the first questions.
///
/// # Errors
/// [`TerminalError::NotSsc`], [`TerminalError::CardBlocked`], [`TerminalError::CardBlank`], [`TerminalError::CardVersion`],
/// or that the card does not answer.
pub fn tap<'a>(mut session: Session, profiles: &'a Profiles) -> Result<Tapped<'a>, TerminalError> {
    match reading::select_environment(&mut session, profiles.ssse_name())? {
        Ok(None | Some(AlgorithmId::TDES)) => {}
        Ok(Some(other)) => return Err(other_algorithm(other)),
        Err(sw) => return Err(not_selected(sw)),
    }
    recognise(session, profiles)
}

/// As [`tap`], for a purchase: the algorithm is not asked, because INITIALIZE FOR PURCHASE answers it.
///
/// # Errors
/// As [`tap`].
pub fn tap_to_pay<'a>(mut session: Session, profiles: &'a Profiles) -> Result<Tapped<'a>, TerminalError> {
    match session.send(&command::select_by_name(profiles.ssse_name()))?.sw {
        sw if sw.is_ok() => recognise(session, profiles),
        sw => Err(not_selected(sw)),
    }
}

/// A card whose algorithm this terminal does not have.
pub(super) fn other_algorithm(algorithm: AlgorithmId) -> TerminalError {
    TerminalError::CardVersion { version: format!("algorithm {:02X}", algorithm.0) }
}

fn not_selected(sw: StatusWord) -> TerminalError {
    match sw {
        StatusWord::SELECTED_INVALID | StatusWord::NOT_SUPPORTED => TerminalError::CardBlocked { sw },
        sw => TerminalError::NotSsc { sw },
    }
}

/// SSSE is selected: who issued the card, and is it one of ours to handle?
fn recognise(mut session: Session, profiles: &Profiles) -> Result<Tapped<'_>, TerminalError> {
    let profile = profiles.first();
    let (Some(df), Some(ef)) = (profile.df(SSSE), profile.ef(SSSE, ISSUER_FILE)) else {
        return Err(TerminalError::Bug("every profile has SSSE and its EF05"));
    };
    let lengths: Vec<u16> = ef.elements.iter().map(|element| u16::from(element.format.length) + 2).collect();
    let bytes =
        reading::tagged_records(&mut session, ef.sfi(), &lengths)?.map_err(|sw| TerminalError::NotSsc { sw })?;
    let issuer_data = decode_file(df, ef, &bytes);
    let identifier =
        identifier(&issuer_data.values).ok_or(TerminalError::CardAnswer { command: "READ RECORD EF05" })?;
    if identifier.0 == [0; 16] {
        return Err(TerminalError::CardBlank);
    }
    let city = identifier.city().ok_or(TerminalError::CardAnswer { command: "READ RECORD EF05" })?;
    let version = text(&issuer_data.values, "spec_version").to_owned();
    let profile =
        profiles.of_version(&version).ok_or_else(|| TerminalError::CardVersion { version: version.clone() })?;
    let atr = session.atr()?;
    let factor = atr.card_factor().map_err(card_core::SessionError::Atr)?;
    let selected = SSSE.to_owned();
    let factors = Factors::of(city, factor);
    Ok(Tapped { session, profile, identifier, factors, city, version, issuer_data, selected })
}

impl Tapped<'_> {
    /// 卡分散因子.
    #[must_use]
    pub const fn card_factor(&self) -> CardFactor {
        CardFactor(self.factors.card)
    }

    /// An item of EF05; empty when it is not filled.
    #[must_use]
    pub fn issuer_item(&self, item: &str) -> &str {
        text(&self.issuer_data.values, item)
    }

    /// Whether the basic data of the holder are protected (3.x).
    #[must_use]
    pub fn is_third_generation(&self) -> bool {
        self.version.starts_with('3')
    }

    /// Whether `ours` issued it: cities of one prefecture share their first four digits and their keys.
    #[must_use]
    pub fn is_of(&self, ours: CityCode) -> bool {
        self.city.as_str().get(..4) == ours.as_str().get(..4)
    }

    /// Selects a DF; whether that ended the rights of another DF.
    ///
    /// # Errors
    /// [`TerminalError::ApplicationMissing`], [`TerminalError::CardBlocked`], or that the card refuses.
    pub fn select(&mut self, df: &str) -> Result<bool, TerminalError> {
        if self.selected == df {
            return Ok(false);
        }
        let row = self.profile.df(df).ok_or_else(|| TerminalError::ApplicationMissing { df: df.to_owned() })?;
        let select = if df == SSSE { command::select_by_name(&row.df_name) } else { command::select_by_fid(row.fid) };
        match self.session.send(&select)?.sw {
            sw if sw.is_ok() => {
                df.clone_into(&mut self.selected);
                Ok(true)
            }
            StatusWord::FILE_NOT_FOUND => Err(TerminalError::ApplicationMissing { df: df.to_owned() }),
            sw @ (StatusWord::SELECTED_INVALID | StatusWord::NOT_SUPPORTED) => Err(TerminalError::CardBlocked { sw }),
            sw => Err(TerminalError::CardRefused { command: "SELECT", sw }),
        }
    }

    /// The key of this row on this card, as the security module must derive it.
    #[must_use]
    pub fn key(&self, row: &KeyRow) -> KeyRef {
        self.profile.key_of_card(row, KEY_VERSION, &self.factors)
    }

    /// Whether the PSAM holds this card's keys: the card proves its IRK, which spends no tries. `None` when the PSAM or the
    /// card has no such key to compare.
    ///
    /// # Errors
    /// [`TerminalError`] when card or PSAM do not answer.
    pub fn fits(&mut self, psam: &mut Psam) -> Result<Option<bool>, TerminalError> {
        let Some(row) = self.profile.key_of_class(SSSE, KeyClass::Irk) else { return Ok(None) };
        let step = Step::CheckCard { key: self.key(row), from: Nonces::Terminal };
        self.select(SSSE)?;
        match self.session.perform(&step, Some(psam)) {
            Ok(answer) => Ok(answer.sw.is_ok().then_some(true)),
            Err(StepError::NotGenuine(_)) => Ok(Some(false)),
            Err(StepError::Security(
                SecurityError::KeyNotFound { .. } | SecurityError::LevelTooLow { .. } | SecurityError::Refused { .. },
            )) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

fn identifier(values: &CardValues) -> Option<CardIdentifier> {
    CardIdentifier::parse(values.text(&format!("{SSSE}.{ISSUER_FILE}.card_identifier"))?).ok()
}

fn text<'v>(values: &'v CardValues, item: &str) -> &'v str {
    values.text(&format!("{SSSE}.{ISSUER_FILE}.{item}")).unwrap_or_default()
}
