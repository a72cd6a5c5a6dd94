//! The eleven basic fields of a card (读基本信息).
//!
//! Source: output string that three driver programs share; SSSE EF05 is free to read, EF06 needs RKSSSE on a 3.x card.
//! Owns: the order of the fields and where each comes from.
//! Never: refuses what an issuer may choose (serial, check character of 卡号), keeps a card after the call.

use std::sync::{LazyLock, Mutex, PoisonError};

use card_core::algorithm::Algorithm;
use card_core::security::psam::Psam;
use card_core::security::{Factors, SecurityError, SecurityModule};
use card_core::session::SessionError;
use card_core::transport::pcsc::{Interface, Readers};
use card_core::tries::Guard;
use card_core::{Response, Session, StatusWord};
use card_profiles::approach::Means;
use card_profiles::image::CardValues;
use card_profiles::memory::CardMemory;
use card_profiles::read::{HOLDER, Outcome, Reader, Reason};
use card_profiles::recognition::{NotRecognised, Recognition, recognise};
use card_profiles::{Catalog, Profile};

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

/// What the library knows of card types: built in, each text read once in a process.
static CATALOG: LazyLock<Catalog> = LazyLock::new(Catalog::builtin);

/// What this process learnt of cards, where no folder is set.
static MEMORY: Mutex<Option<CardMemory>> = Mutex::new(None);

/// 终端机编号 without a PSAM.
const NO_TERMINAL: [u8; 6] = [0; 6];

/// Characters of 卡号 that are used, whatever follows them.
const CARD_NUMBER_CHARACTERS: usize = 9;

/// Name of the environment's first file in messages.
const ISSUER_FILE: &str = "SSSE.EF05";
/// The holder's file in messages.
const HOLDER_FILE: &str = "SSSE.EF06";

/// A card that was recognised, and what is read of it.
#[derive(Debug)]
pub struct Tapped<'c> {
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
    let catalog = &*CATALOG;
    let Slots { reader, mut card, ssse, psam } =
        Slots::find(&Readers::establish()?, interface, settings, catalog.ssse_name(), catalog.psams())?;
    let mut shared = MEMORY.lock().unwrap_or_else(PoisonError::into_inner);
    let mut of_folder = settings.data.as_deref().map(CardMemory::recall);
    let memory = of_folder.as_mut().unwrap_or_else(|| shared.get_or_insert_default());
    let tapped = match tap(&mut card, ssse.as_ref(), catalog, memory) {
        // A PSAM has the environment too, but no such file.
        Err(Failure::Refused { sw: StatusWord::FILE_NOT_FOUND, file: ISSUER_FILE }) => {
            return Err(Failure::NotSocialSecurity { readers: vec![reader] });
        }
        result => result?,
    };
    // A card that needs no proof is read without PSAM, so a fault of the PSAM waits until its keys are wanted.
    let opened = match psam {
        Some(opened) => {
            opened.map_err(|error| Failure::Psam(error.into())).and_then(|psam| open(psam, catalog, &tapped))
        }
        None => Err(Failure::NoPsam),
    };
    let (terminal, mut keys) = match opened {
        Ok((psam, true)) => (psam.terminal_number(), Ok(psam)),
        Ok((psam, false)) => (psam.terminal_number(), Err(Failure::Algorithm(tapped.card.algorithm.0))),
        Err(failure) => (NO_TERMINAL, Err(failure)),
    };
    let module = keys.as_mut().map(|psam| -> &mut dyn SecurityModule { psam });
    let mut basic = match holder(&mut card, tapped, module.ok(), memory) {
        Err(Failure::NoPsam) => return Err(keys.err().unwrap_or(Failure::NoPsam)),
        result => result?,
    };
    basic.terminal = hex_upper(&terminal);
    basic.device.clone_from(&settings.device);
    Ok(basic.text())
}

/// Opens the PSAM in the environment of the card's algorithm (`true`), else in another, for its terminal number.
fn open(mut psam: Session, catalog: &Catalog, tapped: &Tapped<'_>) -> Result<(Psam, bool), Failure> {
    let keys = || tapped.profile.psam_keys();
    let wanted = catalog.psam_of(tapped.profile);
    let fits = wanted.are_in(&mut psam).map_err(SecurityError::from).map_err(Failure::Psam)?;
    let mut names = wanted;
    let mut is_selected = fits;
    for other in catalog.psams().iter().filter(|_| !fits) {
        if other.are_in(&mut psam).map_err(SecurityError::from).map_err(Failure::Psam)? {
            (names, is_selected) = (other, true);
            break;
        }
    }
    if !is_selected {
        return Ok((Psam::open(psam, names, keys()).map_err(Failure::Psam)?, fits));
    }
    Ok((Psam::open_selected(psam, names, keys()).map_err(Failure::Psam)?, fits))
}

/// Reads who issued a card, and recognises it. `ssse` is its answer to SELECT of SSSE, where that is selected already.
///
/// # Errors
/// [`Failure`]; [`Failure::CardData`] for what is no identifier or no version, or an algorithm that its generation has not.
pub fn tap<'c>(
    session: &mut Session,
    ssse: Option<&Response>,
    catalog: &'c Catalog,
    memory: &mut CardMemory,
) -> Result<Tapped<'c>, Failure> {
    let card_type = session.atr()?.card_type().map(<[u8]>::to_vec);
    let selected = ssse.map_or_else(Outcome::default, |answer| Outcome::selected(catalog.first(), answer));
    let mut reader = Reader::issuer(catalog.first()).after(selected).by(memory.ways(card_type.as_deref()));
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
    Ok(Tapped { card, profile, first })
}

/// Reads the holder's file, and makes the fields of what is on the card.
///
/// # Errors
/// [`Failure`]; [`Failure::NoPsam`] when the card wants a proof and `module` is absent.
pub fn holder(
    session: &mut Session,
    tapped: Tapped<'_>,
    module: Option<&mut dyn SecurityModule>,
    memory: &mut CardMemory,
) -> Result<Basic, Failure> {
    let Tapped { card, profile, first } = tapped;
    let atr = session.atr()?;
    let factor = atr.card_factor().map_err(SessionError::from)?;
    let has_keys = module.is_some() && card.algorithm().is_ok();
    let means = Means { factors: has_keys.then(|| Factors::of(card.city, factor)), ..Means::default() };
    let mut reader = Reader::new(profile, &HOLDER, means).after(first);
    let played = session.play(&mut reader, module, &mut Guard { book: &mut memory.tries, consent: false });
    let Outcome { reading, refusals, ways, .. } = reader.finish();
    let _ = memory.keep_ways(atr.card_type(), ways).and_then(|()| memory.keep_tries(factor));
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
        Reason::ProofRefused { sw, .. } => Failure::Refused { file: "EXTERNAL AUTHENTICATE RKSSSE", sw },
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
