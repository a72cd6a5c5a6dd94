//! A card is put into the reader: what is it?
//!
//! Source: LD/T 32 SSSE and EF05 (free to read on every card); city code in the first three bytes of the identifier.
//! Owns: telling apart a foreign object, a blank, a blocked card, an unknown version; what is selected and proved; whether a
//! PSAM has the card's keys. Never: needs a key or a PIN to tell them apart; reads what nothing depends on.

use std::ops::{Deref, DerefMut};

use card_core::algorithm::Algorithm;
use card_core::command::{self, Record};
use card_core::crypto::Block;
use card_core::identify::Heard;
use card_core::security::psam::Psam;
use card_core::security::{CityCode, Factors, KeyRef};
use card_core::tries::Guard;
use card_core::{Session, StatusWord};
pub use card_desk::{Ask, Met};
use card_desk::{proof, tell_apart};
use card_profiles::access::Right;
use card_profiles::account::AccountRules;
use card_profiles::approach::State;
use card_profiles::image::{CardValues, Reading};
use card_profiles::memory::CardMemory;
use card_profiles::profile::{KeyClass, KeyRow};
use card_profiles::psams::{PsamMemory, Served};
use card_profiles::read::{ISSUER, Outcome, Reader, Reason};
use card_profiles::recognition::{NotRecognised, Recognition, RulesNotPublic, recognise};
use card_profiles::{Catalog, Profile};
use settlement::id::{CardFactor, CardIdentifier};

use crate::error::TerminalError;

/// DF and EF of the issuer's data.
const SSSE: &str = "SSSE";
const ISSUER_FILE: &str = "EF05";

/// Where item 01 stands, and how long it is with tag and length.
const ISSUER_SFI: u8 = 0x05;
const IDENTIFIER: Record = Record::Number(1);
const IDENTIFIER_BYTES: u16 = 2 + 16;

/// Key version of everything but the account, until cards say otherwise.
pub const KEY_VERSION: u8 = 1;

/// A card whose environment is selected and of which nothing is known yet but what all cards have alike.
#[derive(Debug)]
pub struct Approached<'a> {
    /// Conversation with it.
    pub session: Session,
    /// Its profile; before it is recognised the one by which every card may be asked.
    pub profile: &'a Profile,
    /// What is remembered of cards.
    pub memory: CardMemory,
    /// Last 8 historical bytes of its ATR.
    factor: Block,
    /// Whether `outcome` says what there is to know of its algorithm.
    fci_asked: bool,
    /// What it was asked of its issuer's file, and answered, when it was asked what it is.
    heard: Option<Heard>,
    /// What was read so far, what is selected and proved.
    outcome: Outcome,
}

/// A social security card that was recognised.
#[derive(Debug)]
pub struct Tapped<'a> {
    card: Approached<'a>,
    /// 卡的识别码.
    pub identifier: CardIdentifier,
    /// Diversification factors of its keys.
    pub factors: Factors,
    /// City that issued it.
    pub city: CityCode,
    /// 规范版本, padding stripped.
    pub version: String,
    recognition: Recognition,
}

impl<'a> Deref for Tapped<'a> {
    type Target = Approached<'a>;

    fn deref(&self) -> &Self::Target {
        &self.card
    }
}

impl DerefMut for Tapped<'_> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.card
    }
}

/// Puts a card to the first questions.
///
/// # Errors
/// [`TerminalError::NotSsc`], [`TerminalError::CardBlocked`], [`TerminalError::CardBlank`], [`TerminalError::CardIdentifier`],
/// [`TerminalError::CardVersion`],
/// or that the card does not answer.
pub fn tap(met: impl Into<Met>, catalog: &Catalog, memory: CardMemory, ask: Ask) -> Result<Tapped<'_>, TerminalError> {
    Approached::new(met.into(), catalog.first(), memory)?.recognise(catalog, ask)
}

/// Selects the environment of a card and no more: what all cards have alike, its PIN and its balances, needs no recognition.
///
/// `profile` is [`Catalog::common`].
///
/// # Errors
/// [`TerminalError::NotSsc`], [`TerminalError::CardBlocked`], or that the card does not answer.
pub fn approach<'a>(
    met: impl Into<Met>,
    profile: &'a Profile,
    memory: CardMemory,
) -> Result<Approached<'a>, TerminalError> {
    let mut card = Approached::new(met.into(), profile, memory)?;
    let environment = profile.df.first().ok_or(TerminalError::Bug("a profile has an environment"))?;
    if let Some(step) = card.outcome.state.select(profile, environment) {
        let sw = card.session.perform(&step, None)?.sw;
        if !sw.is_ok() {
            return Err(refused("SELECT", sw));
        }
    }
    if !card.session.atr()?.is_unique() {
        let answer = card.session.send(&command::read_record(ISSUER_SFI, IDENTIFIER, IDENTIFIER_BYTES))?;
        let identifier = answer.data.split_first_chunk::<2>().and_then(|(_, value)| value.try_into().ok());
        let identifier = identifier.ok_or(TerminalError::CardAnswer { command: "READ RECORD EF05" })?;
        tell_apart(&mut card.session, identifier)?;
    }
    Ok(card)
}

impl<'a> Approached<'a> {
    fn new(met: Met, profile: &'a Profile, memory: CardMemory) -> Result<Self, TerminalError> {
        let factor = met.session.atr()?.card_factor().map_err(card_core::SessionError::Atr)?;
        let outcome = met.ssse.map_or_else(Outcome::default, |answer| Outcome::selected(profile, &answer));
        let Met { session, fci_asked, issuer: heard, .. } = met;
        Ok(Self { session, profile, memory, factor, fci_asked, heard, outcome })
    }

    /// Reads what says which card it is.
    ///
    /// # Errors
    /// As [`tap`].
    pub fn recognise<'c>(mut self, catalog: &'c Catalog, ask: Ask) -> Result<Tapped<'c>, TerminalError> {
        let atr = self.session.atr()?;
        if ask.asks_fci() && !self.fci_asked {
            self.outcome.state.forget_selection();
        }
        let reader = match ask {
            Ask::Algorithm => Reader::issuer(catalog.first()),
            Ask::Basic => Reader::issuer(catalog.first()).basic(),
            Ask::Nothing => Reader::new(catalog.first(), &ISSUER, card_profiles::approach::Means::default()),
        };
        let ways = self.memory.ways(atr.card_type());
        let mut reader = reader.after(self.outcome).by(ways).heard(self.heard.as_ref());
        self.session.play(&mut reader, None, &mut Guard { book: &mut self.memory.tries, consent: false })?;
        let outcome = reader.finish();
        if let Some(Reason::Refused(sw)) = outcome.refusals.first().map(|refusal| &refusal.reason) {
            return Err(not_read(&outcome.state, catalog.first(), *sw));
        }
        // Whether it can be written down how this type of card is read is no matter of this card.
        let _ = self.memory.keep_ways(atr.card_type(), outcome.ways);
        let values = &outcome.reading.values;
        let stated = text(values, "card_identifier");
        let Ok(identifier) = CardIdentifier::parse(stated) else {
            return Err(match stated {
                "" => TerminalError::CardAnswer { command: READ_ISSUER },
                _ => TerminalError::CardIdentifier,
            });
        };
        if identifier.0 == [0; 16] {
            return Err(TerminalError::CardBlank);
        }
        let version = text(values, "spec_version").to_owned();
        let recognition = match recognise(outcome.fci.as_ref(), values) {
            Ok(recognition) => recognition,
            Err(NotRecognised::Identifier) => return Err(TerminalError::CardIdentifier),
            Err(NotRecognised::Version) => return Err(TerminalError::CardVersion { version }),
        };
        let profile = catalog.of_card(&recognition).ok_or_else(|| TerminalError::CardVersion {
            version: format!("{version}, algorithm {:02X}", recognition.algorithm.0),
        })?;
        let city = recognition.city;
        let factors = Factors::of(city, self.factor);
        let Self { session, memory, factor, .. } = self;
        let mut card = Approached { session, profile, memory, factor, fci_asked: ask.asks_fci(), heard: None, outcome };
        tell_apart(&mut card.session, identifier.0)?;
        Ok(Tapped { card, identifier, factors, city, version, recognition })
    }

    /// 卡复位信息: all historical bytes of its ATR.
    ///
    /// # Errors
    /// That the ATR has a wrong form.
    pub fn reset_information(&self) -> Result<String, TerminalError> {
        Ok(hex::encode_upper(self.session.atr()?.historical()))
    }

    /// 卡分散因子.
    #[must_use]
    pub const fn card_factor(&self) -> CardFactor {
        CardFactor(self.factor)
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

    /// A right was proved by other means than a read: a key with an HSM's answer.
    pub fn proved(&mut self, right: Right) {
        self.outcome.state.hold(right);
    }

    /// The rows of its medical account.
    ///
    /// # Errors
    /// [`TerminalError::ApplicationMissing`] when its profile has none.
    pub fn account(&self) -> Result<&'a AccountRules, TerminalError> {
        let missing = || TerminalError::ApplicationMissing { df: self.profile.name.clone() };
        self.profile.account.as_ref().ok_or_else(missing)
    }

    pub(super) const fn state(&mut self) -> &mut State {
        &mut self.outcome.state
    }

    /// The card in the book of tries.
    #[must_use]
    pub fn card(&self) -> Block {
        self.session.card().unwrap_or(self.factor)
    }
}

/// What it means that the card refused SSSE, or, with that selected, its free file.
#[must_use]
pub fn not_read(state: &State, profile: &Profile, sw: StatusWord) -> TerminalError {
    let is_selected =
        profile.df.first().is_some_and(|environment| state.clone().select(profile, environment).is_none());
    refused(if is_selected { READ_ISSUER } else { "SELECT" }, sw)
}

/// READ RECORD of the file that every social security card has.
const READ_ISSUER: &str = "READ RECORD EF05";

fn refused(command: &'static str, sw: StatusWord) -> TerminalError {
    match sw {
        StatusWord::SELECTED_INVALID | StatusWord::NOT_SUPPORTED => TerminalError::CardBlocked { sw },
        // A PSAM has the same environment without this file; a card of ours may say whatever else.
        StatusWord::FILE_NOT_FOUND | StatusWord::RECORD_NOT_FOUND => TerminalError::NotSsc { command, sw },
        // Nor is a card that knows no SELECT.
        StatusWord::INS_UNKNOWN | StatusWord::CLA_UNKNOWN if command != READ_ISSUER => {
            TerminalError::NotSsc { command, sw }
        }
        sw => TerminalError::CardRefused { command, sw },
    }
}

impl<'a> Tapped<'a> {
    /// An item of EF05; empty when it is not filled.
    #[must_use]
    pub fn issuer_item(&self, item: &str) -> &str {
        text(&self.outcome.reading.values, item)
    }

    /// What was read of the card so far: EF05, and what [`crate::read`] added.
    #[must_use]
    pub const fn reading(&self) -> &Reading {
        &self.card.outcome.reading
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
        self.recognition.algorithm(self.profile).map_err(|RulesNotPublic| TerminalError::AlgorithmNotPublic)
    }

    /// Whether `ours` issued it: cities of one prefecture share their first four digits and their keys.
    #[must_use]
    pub fn is_of(&self, ours: CityCode) -> bool {
        self.city.as_str().get(..4) == ours.as_str().get(..4)
    }

    /// The key of this row on this card, as the security module must derive it.
    #[must_use]
    pub fn key(&self, row: &KeyRow) -> KeyRef {
        self.profile.key_of_card(row, KEY_VERSION, &self.factors)
    }

    /// Whether the PSAM holds this card's keys. A PSAM that proved it with a card of the same city is believed; another is
    /// compared ([`Self::compare`]).
    ///
    /// # Errors
    /// [`TerminalError`] when card or PSAM do not answer.
    pub fn fits(&mut self, psam: &mut Psam, known: &mut PsamMemory) -> Result<Option<bool>, TerminalError> {
        if proof::is_believed(psam, known, self.served())? {
            return Ok(Some(true));
        }
        self.compare(psam, known)
    }

    /// Whether the PSAM holds this card's keys: the card proves its IRK, which spends no tries. `None` when the PSAM or the
    /// card has no such key to compare. What it proved is remembered.
    ///
    /// # Errors
    /// As [`Self::fits`].
    pub fn compare(&mut self, psam: &mut Psam, known: &mut PsamMemory) -> Result<Option<bool>, TerminalError> {
        self.select(SSSE)?;
        let irk = self.profile.key_of_class(SSSE, KeyClass::Irk).map(|row| self.key(row));
        let cards = self.served();
        Ok(proof::compare(&mut self.session, irk, psam, known, cards)?)
    }

    /// Forgets that a PSAM proved to hold this card's keys: the card refused one of them.
    pub fn doubt(&self, psam: &Psam, known: &mut PsamMemory) {
        proof::doubt(psam, known, self.served());
    }

    /// Cards that have the keys of this one, diversified.
    const fn served(&self) -> Served {
        Served { city: self.city, algorithm: self.card.profile.algorithm, version: KEY_VERSION }
    }

    /// What was read and proved so far, for a read that goes on from there; [`Self::put_back`] takes the result.
    pub(super) fn take(&mut self) -> Outcome {
        std::mem::take(&mut self.outcome)
    }

    pub(super) fn put_back(&mut self, outcome: Outcome) {
        let atr = self.session.atr().ok();
        let card_type = atr.as_ref().and_then(card_core::Atr::card_type);
        // Hints: what cannot be written down is learnt again. How often the type was read was counted at the tap.
        if self.memory.ways(card_type) != outcome.ways {
            let _ = self.memory.keep_ways(card_type, outcome.ways);
        }
        let card = self.card();
        let _ = self.memory.keep_tries(card);
        self.outcome = outcome;
    }
}

fn text<'v>(values: &'v CardValues, item: &str) -> &'v str {
    values.text(&format!("{SSSE}.{ISSUER_FILE}.{item}")).unwrap_or_default()
}
