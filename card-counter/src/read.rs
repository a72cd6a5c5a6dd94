//! Reading the card's files as far as their conditions can be met.
//!
//! Source: access conditions and file structures are rows of the profile; `card_profiles::read` decides each step.
//! Owns: what a clerk is told of a file that could not be read. Never: stops at the first such file.

use card_core::algorithm::Algorithm;
use card_core::security::psam::Psam;
use card_core::security::{SecurityError, SecurityModule};
use card_core::tries::Guard;
use card_core::{Session, StatusWord};
use card_profiles::Profile;
use card_profiles::access::Right;
use card_profiles::approach::Means;
use card_profiles::image::Reading;
use card_profiles::memory::CardMemory;
use card_profiles::place::Place;
use card_profiles::read::{CyclicRecord, HOLDER, ModuleFault, Outcome, Reader, Reason, Refusal};

use crate::error::TerminalError;
use crate::pin;
use crate::tap::Tapped;

/// What a read brought; the values are in [`Tapped::reading`].
#[derive(Debug, Default)]
pub struct Read {
    /// Files that could not be read, or not whole.
    pub unread: Vec<Unread>,
    /// Records of cyclic files as the card answered them, newest first.
    pub records: Vec<CyclicRecord>,
    /// Why the card stopped answering, if it did: what was read before counts.
    pub lost: Option<TerminalError>,
}

/// A file that could not be read.
#[derive(Debug)]
pub struct Unread {
    /// `SSSE.EF06`.
    pub file: Place,
    /// Why.
    pub error: TerminalError,
}

/// What may be proved to the card.
#[derive(Debug, Default)]
pub struct Keys<'k> {
    /// PSAM, compared with the card.
    pub psam: Option<&'k mut Psam>,
    /// Whether tries of keys that the card refused before may be spent.
    pub consent: bool,
}

/// Reads files in this order. A PIN counts when it was verified before.
pub fn files(tapped: &mut Tapped<'_>, files: &[(&str, &str)], keys: Keys<'_>) -> Read {
    let module = keys.psam.map(|psam| -> &mut dyn SecurityModule { psam });
    files_with(tapped, files, module, keys.consent)
}

/// As [`files`], with any security module.
pub fn files_with(
    tapped: &mut Tapped<'_>,
    files: &[(&str, &str)],
    module: Option<&mut dyn SecurityModule>,
    consent: bool,
) -> Read {
    carry_out(tapped, files, module, consent, Wanted::Files)
}

/// Every file of the card's profile as far as the card has it: each is read until the card says that it ends, that of the issuer's data
/// too, of which a tap reads the rows alone.
pub fn whole(tapped: &mut Tapped<'_>, keys: Keys<'_>) -> Read {
    let files = tapped.profile.df.iter().flat_map(|df| df.ef.iter().map(|ef| (df.id.as_str(), ef.id.as_str())));
    let files: Vec<_> = files.collect();
    let module = keys.psam.map(|psam| -> &mut dyn SecurityModule { psam });
    carry_out(tapped, &files, module, keys.consent, Wanted::ToTheEnd)
}

/// How much of its files is wanted.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Wanted {
    /// What the profile has.
    Files,
    /// The basic items alone, where there is a choice.
    Basic,
    /// What the card has.
    ToTheEnd,
}

/// What the eleven basic fields need of the holder's file, where it must be read record by record; else the whole file.
pub fn basic_fields(tapped: &mut Tapped<'_>, module: Option<&mut dyn SecurityModule>, consent: bool) -> Read {
    carry_out(tapped, &HOLDER, module, consent, Wanted::Basic)
}

fn carry_out(
    tapped: &mut Tapped<'_>,
    files: &[(&str, &str)],
    module: Option<&mut dyn SecurityModule>,
    consent: bool,
    wanted: Wanted,
) -> Read {
    let has_keys = module.is_some() && tapped.algorithm().is_ok();
    let means = Means { factors: has_keys.then_some(tapped.factors), ..Means::default() };
    let mut earlier = tapped.take();
    earlier.refusals.clear();
    earlier.records.clear();
    // All is read anew; what the card does not give again stands as it was read.
    let before = if wanted == Wanted::ToTheEnd { std::mem::take(&mut earlier.reading) } else { Reading::default() };
    let reader = Reader::new(tapped.profile, files, means).after(earlier);
    let mut reader = match wanted {
        Wanted::Files => reader,
        Wanted::Basic => reader.basic(),
        Wanted::ToTheEnd => reader.to_the_end(),
    };
    let card = &mut **tapped;
    let mut guard = Guard { book: &mut card.memory.tries, consent };
    let lost = card.session.play(&mut reader, module, &mut guard).err().map(TerminalError::from);
    let mut outcome = reader.finish();
    let refusals = std::mem::take(&mut outcome.refusals);
    let records = std::mem::take(&mut outcome.records);
    outcome.reading.complete_by(before);
    tapped.put_back(outcome);
    let algorithm = || tapped.algorithm();
    let unread = refusals.into_iter().map(|refusal| Unread {
        error: error_of(tapped.profile, algorithm, &refusal.place, refusal.reason),
        file: refusal.place,
    });
    Read { unread: unread.collect(), records, lost }
}

/// Every file of the card's profile but EF05 of SSSE, which every tap reads.
#[must_use]
pub fn all_of<'a>(tapped: &Tapped<'a>) -> Vec<(&'a str, &'a str)> {
    let files = tapped.profile.df.iter().flat_map(|df| df.ef.iter().map(|ef| (df.id.as_str(), ef.id.as_str())));
    files.filter(|file| *file != ("SSSE", "EF05")).collect()
}

/// Reads every file of a card that does not say whose keys it has, each to its end, by this profile: what is free, and what a PIN (BCD)
/// opens. What was read, and what was not: what needs a key for the reason `why`.
pub fn unnamed(
    session: &mut Session,
    profile: &Profile,
    pin: Option<Vec<u8>>,
    memory: &mut CardMemory,
    consent: bool,
    why: impl Fn() -> TerminalError,
) -> (Reading, Read) {
    let files: Vec<(&str, &str)> =
        profile.df.iter().flat_map(|df| df.ef.iter().map(|ef| (df.id.as_str(), ef.id.as_str()))).collect();
    let mut reader = Reader::new(profile, &files, Means { pin, ..Means::default() }).to_the_end();
    let mut guard = Guard { book: &mut memory.tries, consent };
    let lost = session.play(&mut reader, None, &mut guard).err().map(TerminalError::from);
    if let Some(card) = session.card() {
        // A hint: what cannot be written down is asked again.
        let _ = memory.keep_tries(card);
    }
    let Outcome { reading, refusals, records, .. } = reader.finish();
    let error = |reason, place: &Place| error_of(profile, || Err(why()), place, reason);
    let unread =
        refusals.into_iter().map(|Refusal { place, reason }| Unread { error: error(reason, &place), file: place });
    (reading, Read { unread: unread.collect(), records, lost })
}

/// What a clerk can do about a file.
fn error_of(
    profile: &Profile,
    algorithm: impl Fn() -> Result<Algorithm, TerminalError>,
    file: &Place,
    reason: Reason,
) -> TerminalError {
    match reason {
        Reason::NoSuchFile => TerminalError::FileUnknown { file: file.to_string(), profile: profile.name.clone() },
        Reason::Never => TerminalError::CardRefused { command: "READ", sw: StatusWord::SECURITY_STATUS },
        Reason::Unproved(Right::Pin) => TerminalError::PinNeeded,
        Reason::Unproved(Right::Key(_)) => match algorithm() {
            Ok(_) => TerminalError::PsamMissing { readers: Vec::new() },
            Err(error) => error,
        },
        Reason::Module { key: name, fault } => match fault {
            ModuleFault::NoKey => SecurityError::KeyNotFound { name, version: 1 }.into(),
            ModuleFault::Level { factors } => SecurityError::LevelTooLow { name, levels: factors }.into(),
            ModuleFault::Unsupported => SecurityError::Unsupported { operation: "prove this key" }.into(),
            ModuleFault::Refused(sw) => SecurityError::Refused { name, sw }.into(),
            ModuleFault::Silent => TerminalError::PsamSilent,
        },
        Reason::Spared { key, refused } => {
            TerminalError::KeyNotTried { key: key.to_string(), refused: refused.to_string() }
        }
        Reason::Withheld { right, left } => TerminalError::LastTry { secret: right.to_string(), left },
        Reason::ProofRefused { right: Right::Pin, sw } => match pin::outcome(sw, "VERIFY") {
            Err(error) => error,
            Ok(()) => TerminalError::Bug("a refusal is no success"),
        },
        Reason::ProofRefused { right: Right::Key(name), sw } => match (sw, sw.tries()) {
            (_, Some(0)) | (StatusWord::BLOCKED, _) => TerminalError::KeyBlocked { key: name.to_string() },
            (_, Some(left)) => TerminalError::KeyRefused { key: name.to_string(), left },
            (sw, None) => TerminalError::CardRefused { command: "EXTERNAL AUTHENTICATION", sw },
        },
        Reason::Refused(sw) => TerminalError::CardRefused { command: "READ", sw },
        Reason::Lost => TerminalError::NotReached,
    }
}
