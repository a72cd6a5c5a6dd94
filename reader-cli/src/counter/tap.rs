//! A card is put into the reader: what is it?
//!
//! Source: LD/T 32 SSSE and EF05 (free to read on every card); city code in the first three bytes of the identifier.
//! Owns: telling apart a foreign object, a blank, a blocked card, an unknown version; what is selected and proved.
//! Never: needs a key or a PIN to tell them apart.

use card_core::algorithm::{Algorithm, Ssf33};
use card_core::crypto::Block;
use card_core::script::{Nonces, Step, StepError};
use card_core::security::psam::Psam;
use card_core::security::{CityCode, Factors, KeyRef, SecurityError};
use card_core::tries::Guard;
use card_core::{Session, StatusWord};
use card_profiles::account::AccountRules;
use card_profiles::approach::State;
use card_profiles::image::{CardValues, Reading};
use card_profiles::memory::CardMemory;
use card_profiles::profile::{KeyClass, KeyRow};
use card_profiles::read::{ISSUER, Outcome, Reader, Reason};
use card_profiles::recognition::{Recognition, recognise};
use card_profiles::{Catalog, Profile};
use settlement::id::{CardFactor, CardIdentifier};

use crate::error::TerminalError;

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
    /// What is remembered of cards.
    pub memory: CardMemory,
    recognition: Recognition,
    /// What was read so far, what is selected and proved.
    outcome: Outcome,
}

/// Whether the card's algorithm is asked of its FCI.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ask {
    /// Asked, where the FCI is long enough to name one.
    Algorithm,
    /// Not asked: INITIALIZE FOR PURCHASE answers it, and the terminal serves one algorithm only.
    Nothing,
}

/// Puts a card to the first questions.
///
/// # Errors
/// [`TerminalError::NotSsc`], [`TerminalError::CardBlocked`], [`TerminalError::CardBlank`], [`TerminalError::CardVersion`],
/// or that the card does not answer.
pub fn tap(
    mut session: Session,
    catalog: &Catalog,
    mut memory: CardMemory,
    ask: Ask,
) -> Result<Tapped<'_>, TerminalError> {
    let atr = session.atr()?;
    let factor = atr.card_factor().map_err(card_core::SessionError::Atr)?;
    let reader = match ask {
        Ask::Algorithm => Reader::issuer(catalog.first()),
        Ask::Nothing => Reader::new(catalog.first(), &ISSUER, card_profiles::approach::Means::default()),
    };
    let mut reader = reader.by(memory.ways(atr.card_type()));
    session.play(&mut reader, None, &mut Guard { book: &mut memory.tries, consent: false })?;
    let outcome = reader.finish();
    if let Some(Reason::Refused(sw)) = outcome.refusals.first().map(|refusal| &refusal.reason) {
        return Err(not_read(*sw));
    }
    // Whether it can be written down how this type of card is read is no matter of this card.
    let _ = memory.keep_ways(atr.card_type(), outcome.ways);
    let values = &outcome.reading.values;
    let identifier = text(values, "card_identifier");
    let no_answer = TerminalError::CardAnswer { command: "READ RECORD EF05" };
    let Ok(identifier) = CardIdentifier::parse(identifier) else { return Err(no_answer) };
    if identifier.0 == [0; 16] {
        return Err(TerminalError::CardBlank);
    }
    let version = text(values, "spec_version").to_owned();
    let recognition = match recognise(outcome.fci.as_ref(), values) {
        Ok(recognition) => recognition,
        Err(card_profiles::recognition::NotRecognised::Identifier) => return Err(no_answer),
        Err(card_profiles::recognition::NotRecognised::Version) => return Err(TerminalError::CardVersion { version }),
    };
    let profile = catalog.of_card(&recognition).ok_or_else(|| TerminalError::CardVersion {
        version: format!("{version}, algorithm {:02X}", recognition.algorithm.0),
    })?;
    let city = recognition.city;
    let factors = Factors::of(city, factor);
    Ok(Tapped { session, profile, identifier, factors, city, version, memory, recognition, outcome })
}

/// The card refused SSSE or its free file.
fn not_read(sw: StatusWord) -> TerminalError {
    match sw {
        StatusWord::SELECTED_INVALID | StatusWord::NOT_SUPPORTED => TerminalError::CardBlocked { sw },
        sw => TerminalError::NotSsc { sw },
    }
}

impl<'a> Tapped<'a> {
    /// 卡分散因子.
    #[must_use]
    pub const fn card_factor(&self) -> CardFactor {
        CardFactor(self.factors.card)
    }

    /// An item of EF05; empty when it is not filled.
    #[must_use]
    pub fn issuer_item(&self, item: &str) -> &str {
        text(&self.outcome.reading.values, item)
    }

    /// What was read of the card so far: EF05, and what [`super::read`] added.
    #[must_use]
    pub const fn reading(&self) -> &Reading {
        &self.outcome.reading
    }

    /// Replaces what counts as read of the card.
    pub(super) fn show(&mut self, reading: Reading) {
        self.outcome.reading = reading;
    }

    /// Whether the holder's basic data need a key (3.x).
    #[must_use]
    pub fn holder_needs_key(&self) -> bool {
        self.profile.ef(SSSE, "EF06").is_some_and(|ef| !ef.read.rights().is_empty())
    }

    /// The algorithm of its keys.
    ///
    /// # Errors
    /// [`TerminalError::AlgorithmNotPublic`].
    pub fn algorithm(&self) -> Result<Algorithm, TerminalError> {
        self.recognition.algorithm().map_err(|Ssf33| TerminalError::AlgorithmNotPublic)
    }

    /// Whether `ours` issued it: cities of one prefecture share their first four digits and their keys.
    #[must_use]
    pub fn is_of(&self, ours: CityCode) -> bool {
        self.city.as_str().get(..4) == ours.as_str().get(..4)
    }

    /// The rows of its medical account.
    ///
    /// # Errors
    /// [`TerminalError::ApplicationMissing`] when its profile has none.
    pub fn account(&self) -> Result<&'a AccountRules, TerminalError> {
        let missing = || TerminalError::ApplicationMissing { df: self.profile.name.clone() };
        self.profile.account.as_ref().ok_or_else(missing)
    }

    /// Selects a DF; rights of another DF end with that.
    ///
    /// # Errors
    /// [`TerminalError::ApplicationMissing`], [`TerminalError::CardBlocked`], or that the card refuses.
    pub fn select(&mut self, df: &str) -> Result<(), TerminalError> {
        let row = self.profile.df(df).ok_or_else(|| TerminalError::ApplicationMissing { df: df.to_owned() })?;
        let Some(step) = self.outcome.state.select(self.profile, row) else { return Ok(()) };
        let sw = self.session.perform(&step, None)?.sw;
        if sw.is_ok() {
            return Ok(());
        }
        self.outcome.state.forget_selection();
        match sw {
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

    /// What was read and proved so far, for a read that goes on from there; [`Self::put_back`] takes the result.
    pub(super) fn take(&mut self) -> Outcome {
        std::mem::take(&mut self.outcome)
    }

    pub(super) fn put_back(&mut self, outcome: Outcome) {
        let atr = self.session.atr().ok();
        let card_type = atr.as_ref().and_then(card_core::Atr::card_type);
        // Hints: what cannot be written down is learnt again.
        let _ = self.memory.keep_ways(card_type, outcome.ways);
        let _ = self.memory.keep_tries(self.card());
        self.outcome = outcome;
    }

    pub(super) const fn state(&mut self) -> &mut State {
        &mut self.outcome.state
    }

    /// The card in the book of tries.
    pub(super) const fn card(&self) -> Block {
        self.factors.card
    }
}

fn text<'v>(values: &'v CardValues, item: &str) -> &'v str {
    values.text(&format!("{SSSE}.{ISSUER_FILE}.{item}")).unwrap_or_default()
}
