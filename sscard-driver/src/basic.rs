//! The eleven basic fields of a card (读基本信息).
//!
//! Source: output string that three driver programs share; SSSE EF05 is free to read, EF06 needs RKSSSE on a 3.x card.
//! Owns: the order of the fields and where each comes from.
//! Never: refuses what an issuer may choose (serial, check character of 卡号), keeps a card after the call.

use std::sync::{LazyLock, Mutex, PoisonError};
use std::time::Duration;

use card_core::algorithm::Algorithm;
use card_core::security::psam::Psam;
use card_core::security::{Factors, SecurityModule};
use card_core::session::SessionError;
use card_core::transport::pcsc::Interface;
use card_core::tries::Guard;
use card_core::{Session, StatusWord};
use card_desk::{Desk, DeskError, Met, Setup, proof, tell_apart};
use card_profiles::approach::Means;
use card_profiles::image::CardValues;
use card_profiles::memory::CardMemory;
use card_profiles::profile::KeyClass;
use card_profiles::psams::{PsamMemory, Served};
use card_profiles::read::{HOLDER, Outcome, Reader, Reason};
use card_profiles::recognition::{NotRecognised, Recognition, recognise};
use card_profiles::{Catalog, Profile};

use crate::failure::Failure;
use crate::output;
use crate::settings::Settings;

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

/// What the library knows of card types: built in, each text read once in a process.
static CATALOG: LazyLock<Catalog> = LazyLock::new(Catalog::builtin);

/// What this process learnt of cards and PSAMs, where no folder is set.
static MEMORY: Mutex<Option<Memory>> = Mutex::new(None);

/// 终端机编号 without a PSAM.
const NO_TERMINAL: [u8; 6] = [0; 6];

/// Characters of 卡号 that are used, whatever follows them.
const CARD_NUMBER_CHARACTERS: usize = 9;

/// Name of the environment's first file in messages.
const ISSUER_FILE: &str = "SSSE.EF05";
/// The holder's file in messages.
const HOLDER_FILE: &str = "SSSE.EF06";

/// Version of a card's keys.
const KEY_VERSION: u8 = 1;

/// What was learnt of cards, and of PSAMs.
#[derive(Debug, Default)]
struct Memory {
    cards: CardMemory,
    psams: PsamMemory,
}

/// A card that was recognised, and what is read of it.
#[derive(Debug)]
pub struct Tapped<'c> {
    /// Conversation with it.
    pub session: Session,
    /// What it is.
    pub card: Recognition,
    /// Its profile.
    pub profile: &'c Profile,
    first: Outcome,
}

/// Reads the basic fields of the card in a reader.
///
/// # Errors
/// [`Failure`].
pub fn read(interface: Interface, settings: &Settings) -> Result<String, Failure> {
    let (card, psam) = (settings.reader.as_deref(), settings.psam.as_deref());
    let desk = Desk::open(Setup { card, psam, interface, wait: Duration::ZERO }, &CATALOG)?;
    let mut shared = MEMORY.lock().unwrap_or_else(PoisonError::into_inner);
    let mut of_folder = settings
        .data
        .as_deref()
        .map(|folder| Memory { cards: CardMemory::recall(folder), psams: PsamMemory::recall(folder) });
    let Memory { cards, psams } = of_folder.as_mut().unwrap_or_else(|| shared.get_or_insert_default());
    let mut desk = desk.knowing(std::mem::take(psams));
    let basic = read_at(&mut desk, cards);
    *psams = desk.into_known();
    let mut basic = basic?;
    basic.device.clone_from(&settings.device);
    Ok(basic.text())
}

fn read_at(desk: &mut Desk<'_>, memory: &mut CardMemory) -> Result<Basic, Failure> {
    let catalog = &*CATALOG;
    desk.recognise(memory.types().clone());
    let is_foreign = |failure: &Failure| matches!(failure, Failure::NotSocialSecurity { .. });
    let begin = &mut |reader: &str, met: Met| match tap(met, catalog, memory) {
        // A PSAM has the environment too, but no such file.
        Err(Failure::Refused { sw: StatusWord::FILE_NOT_FOUND, file: ISSUER_FILE }) => {
            Err(Failure::NotSocialSecurity { readers: vec![reader.to_owned()] })
        }
        result => result,
    };
    let mut tapped = desk.meet(begin, is_foreign)?;
    // A card that needs no proof is read without PSAM, so a fault of the PSAM waits until its keys are wanted.
    let (terminal, mut keys) = match desk.psam(tapped.profile) {
        Ok(Some(psam)) => (psam.terminal_number(), Ok(psam)),
        Ok(None) => (NO_TERMINAL, Err(Failure::NoPsam)),
        Err(error @ DeskError::Algorithm { .. }) => {
            let other = desk.any_psam().ok().flatten();
            (other.map_or(NO_TERMINAL, |psam| psam.terminal_number()), Err(error.into()))
        }
        Err(error) => (NO_TERMINAL, Err(error.into())),
    };
    if let Ok(psam) = &mut keys {
        tapped.compare_first(psam, desk.known())?;
    }
    let module = keys.as_mut().map(|psam| -> &mut dyn SecurityModule { psam });
    let mut basic = match holder(&mut tapped, module.ok(), memory) {
        Err(Failure::NoPsam) => return Err(keys.err().unwrap_or(Failure::NoPsam)),
        Err(failure @ Failure::KeyRefused(_)) => {
            // A PSAM that was believed to have the card's keys is compared with it after all.
            if let Ok(psam) = &mut keys {
                tapped.compare(psam, desk.known())?;
            }
            return Err(failure);
        }
        result => result?,
    };
    basic.terminal = hex_upper(&terminal);
    Ok(basic)
}

impl Tapped<'_> {
    /// Before a try of a key is spent: whether the PSAM holds the card's keys, unless it proved that with a card of this city.
    ///
    /// # Errors
    /// [`Failure::OtherKeys`], or that one of the two does not answer.
    pub fn compare_first(&mut self, psam: &mut Psam, known: &mut PsamMemory) -> Result<(), Failure> {
        let needs_key = self.profile.ef("SSSE", "EF06").is_some_and(|ef| !ef.read.rights().is_empty());
        if !needs_key || self.card.algorithm().is_err() || proof::is_believed(psam, known, self.served())? {
            return Ok(());
        }
        self.compare(psam, known)
    }

    fn compare(&mut self, psam: &mut Psam, known: &mut PsamMemory) -> Result<(), Failure> {
        let factors = self.factors()?;
        let row = self.profile.key_of_class("SSSE", KeyClass::Irk);
        let irk = row.map(|row| self.profile.key_of_card(row, KEY_VERSION, &factors));
        let cards = self.served();
        match proof::compare(&mut self.session, irk, psam, known, cards)? {
            Some(false) => Err(Failure::OtherKeys(self.card.city)),
            Some(true) | None => Ok(()),
        }
    }

    fn factors(&self) -> Result<Factors, SessionError> {
        Ok(Factors::of(self.card.city, self.session.atr()?.card_factor()?))
    }

    /// Cards that have the keys of this one, diversified.
    const fn served(&self) -> Served {
        Served { city: self.card.city, algorithm: self.profile.algorithm, version: KEY_VERSION }
    }
}

/// Reads who issued a card, and recognises it.
///
/// # Errors
/// [`Failure`]; [`Failure::CardData`] for what is no identifier or no version, or an algorithm that its generation has not.
pub fn tap<'c>(met: impl Into<Met>, catalog: &'c Catalog, memory: &mut CardMemory) -> Result<Tapped<'c>, Failure> {
    let Met { mut session, ssse, issuer, .. } = met.into();
    let card_type = session.atr()?.card_type().map(<[u8]>::to_vec);
    let selected = ssse.map_or_else(Outcome::default, |answer| Outcome::selected(catalog.first(), &answer));
    let reader = Reader::issuer(catalog.first()).after(selected).by(memory.ways(card_type.as_deref()));
    let mut reader = reader.heard(issuer.as_ref());
    session.play(&mut reader, None, &mut Guard { book: &mut memory.tries, consent: false })?;
    let first = reader.finish();
    // The next call begins as this one ended; whether that can be written is no matter of this card.
    let _ = memory.keep_ways(card_type.as_deref(), first.ways);
    if let Some(Reason::Refused(sw)) = first.refusals.first().map(|refusal| &refusal.reason) {
        return Err(Failure::Refused { file: ISSUER_FILE, sw: *sw });
    }
    let card = recognise(first.fci.as_ref(), &first.reading.values).map_err(|error| Failure::CardData {
        item: match error {
            NotRecognised::Identifier => "SSSE.EF05.card_identifier",
            NotRecognised::Version => "SSSE.EF05.spec_version",
        },
    })?;
    let profile = catalog.of_card(&card).ok_or(Failure::CardData { item: "SSSE.EF05.spec_version" })?;
    tell_apart(&mut session, *card.identifier.bytes())?;
    Ok(Tapped { session, card, profile, first })
}

/// Reads the holder's file, and makes the fields of what is on the card.
///
/// # Errors
/// [`Failure`]; [`Failure::NoPsam`] when the card wants a proof and `module` is absent.
pub fn holder(
    tapped: &mut Tapped<'_>,
    module: Option<&mut dyn SecurityModule>,
    memory: &mut CardMemory,
) -> Result<Basic, Failure> {
    let factors = tapped.factors()?;
    let Tapped { session, card, profile, first } = tapped;
    let atr = session.atr()?;
    let named = session.card().unwrap_or(factors.card);
    let has_keys = module.is_some() && card.algorithm().is_ok();
    let means = Means { factors: has_keys.then_some(factors), ..Means::default() };
    let mut reader = Reader::new(profile, &HOLDER, means).after(std::mem::take(first));
    let played = session.play(&mut reader, module, &mut Guard { book: &mut memory.tries, consent: false });
    let Outcome { reading, refusals, ways, .. } = reader.finish();
    let _ = memory.keep_ways(atr.card_type(), ways).and_then(|()| memory.keep_tries(named));
    played?;
    if let Some(refusal) = refusals.into_iter().next() {
        return Err(failure(refusal.reason, card.algorithm()));
    }
    let values = &reading.values;
    let identifier = card.identifier.to_string();
    Ok(Basic {
        region: identifier.chars().take(6).collect(),
        social_security_number: text(values, "SSSE.EF06.social_security_number"),
        card_number: text(values, "SSSE.EF05.card_number").chars().take(CARD_NUMBER_CHARACTERS).collect(),
        card_identifier: identifier,
        name: text(values, "SSSE.EF06.name") + &text(values, "SSSE.EF06.name_extension"),
        historical: hex_upper(atr.historical()),
        spec_version: text(values, "SSSE.EF05.spec_version"),
        issue_date: text(values, "SSSE.EF05.issue_date"),
        valid_until: text(values, "SSSE.EF05.valid_until"),
        terminal: String::new(),
        device: String::new(),
    })
}

/// Why the holder's file is closed.
fn failure(reason: Reason, algorithm: Result<Algorithm, card_core::algorithm::Ssf33>) -> Failure {
    match reason {
        Reason::Unproved(_) if algorithm.is_err() => Failure::Algorithm(card_core::fci::AlgorithmId::SSF33.0),
        Reason::Unproved(_) => Failure::NoPsam,
        Reason::Module { key, fault } => Failure::Module { key, fault },
        Reason::Withheld { right, left } => Failure::Withheld { right, left },
        Reason::ProofRefused { sw, .. } => Failure::KeyRefused(sw),
        Reason::Refused(sw) => Failure::Refused { file: HOLDER_FILE, sw },
        Reason::Never | Reason::NoSuchFile | Reason::Lost => {
            Failure::Refused { file: HOLDER_FILE, sw: StatusWord::SECURITY_STATUS }
        }
    }
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
