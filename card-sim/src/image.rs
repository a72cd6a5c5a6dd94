//! The image file: a whole card, carried from reader to reader.
//!
//! Source: our own format, version 1; `README.md` beside this crate describes it byte by byte.
//! Owns: header, identity, the area of faults, the memory behind them; the lock against two readers.
//! Never: opens what is not marked REHEARSAL; overwrites a file when it makes a card.
//! Units: offsets and lengths in bytes, big-endian in the header.
#![cfg_attr(not(test), warn(clippy::indexing_slicing))]

mod error;

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;
use std::time::Duration;

use card_core::Atr;
use card_core::key::Key16;
use card_profiles::Profile;
use card_profiles::rehearsal::{TRANSPORT_KEY, TRANSPORT_LOT};
use serde::{Deserialize, Serialize};

pub use self::error::{ImageError, Malformed};
use crate::card::{Card, Made};
use crate::fault::FaultPlan;
use crate::inspection::Inspection;
use crate::memory::{Durability, Memory, check_sum};
use crate::model::{Environments, LAYOUT, ModelError};
use card_profiles::key_file::GivenKeys;
use card_profiles::rehearsal::MARK;

/// First bytes of an image.
const MAGIC: [u8; 8] = *b"SSCCARD\x1A";
/// Version of the file format.
pub const FORMAT: u32 = 1;
/// Bytes of the header.
const HEADER: usize = 64;
/// Where the header has the check sum of what is before it and of the identity; zero in images of older programs.
const SUM_AT: usize = 32;
/// Bytes of the area of faults: length (4) and JSON.
const FAULT_AREA: usize = 4096;
/// Largest image that is read: a profile of 1 MiB and a chip of 1 MiB.
const IMAGE_MAX: u64 = 4 << 20;
/// Looks at a card in a reader before giving up; each takes less than the card's next command.
const LOOKS_MAX: usize = 64;
/// Tries to take a card, and the pause between them: a look takes a few milliseconds.
const LOCK_TRIES: u32 = 40;
const LOCK_PAUSE: Duration = Duration::from_millis(5);

/// What does not change in the life of a card.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Identity {
    /// `REHEARSAL`.
    pub mark: String,
    /// Profile text, in full: with what it extends, so that a card outlives a change of the built-in profiles.
    pub profile: String,
    /// Answer to reset, hex.
    pub atr: String,
    /// Lot of the factory: version of its transport key.
    pub lot: u8,
    /// Keys that were put in at the factory, by name and version.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub given_keys: Vec<String>,
    /// The other environments of a PSAM that has several.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub beside: Vec<Beside>,
}

/// An environment beside the first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Beside {
    /// Profile text, in full.
    pub profile: String,
    /// Keys that were put in at the factory, by name and version.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub given_keys: Vec<String>,
}

/// Where the faults of a card are kept.
#[derive(Debug)]
pub(crate) struct FaultStore {
    file: File,
    offset: u64,
}

impl FaultStore {
    pub(crate) fn save(&self, plan: &FaultPlan) -> io::Result<()> {
        let area = fault_area(plan).ok_or(io::ErrorKind::FileTooLarge)?;
        self.file.write_all_at(&area, self.offset)
    }
}

/// Check sum of the numbers of the header and of the identity; never zero, which stands for none.
fn sum_of(numbers: &[u8], identity: &[u8]) -> u32 {
    check_sum(numbers.iter().chain(identity)).max(1)
}

/// Length and JSON.
fn fault_area(plan: &FaultPlan) -> Option<Vec<u8>> {
    let json = serde_json::to_vec(plan).expect("plain data");
    let length = u32::try_from(json.len()).ok().filter(|_| json.len() + 4 <= FAULT_AREA)?;
    Some([&length.to_be_bytes()[..], &json].concat())
}

/// Makes a card as a factory delivers it, in a new file.
///
/// # Errors
/// [`ImageError`]; an existing file is not touched.
pub fn create(path: &Path, profile_text: &str, serial: [u8; 6], faults: &FaultPlan) -> Result<(), ImageError> {
    create_with_keys(path, profile_text, serial, faults, &GivenKeys::default())
}

/// Makes a card of a factory that put `keys` into it, in a new file; the image is marked with their names.
///
/// # Errors
/// [`ImageError`]; an existing file is not touched.
pub fn create_with_keys(
    path: &Path,
    profile_text: &str,
    serial: [u8; 6],
    faults: &FaultPlan,
    keys: &GivenKeys,
) -> Result<(), ImageError> {
    create_of_environments(path, &[(profile_text, keys)], serial, faults)
}

/// Makes a card of several environments, each of a profile text with the keys that the factory put into it, in a new file.
///
/// # Errors
/// [`ImageError`]; an existing file is not touched.
///
/// # Panics
/// When there is no environment.
pub fn create_of_environments(
    path: &Path,
    environments: &[(&str, &GivenKeys)],
    serial: [u8; 6],
    faults: &FaultPlan,
) -> Result<(), ImageError> {
    let profiles: Vec<Profile> =
        environments.iter().map(|(text, _)| Profile::parse(*text)).collect::<Result<_, _>>()?;
    let parts: Vec<(&Profile, &GivenKeys)> =
        profiles.iter().zip(environments).map(|(profile, (_, keys))| (profile, *keys)).collect();
    let Made { atr, memory, given_keys, .. } = Made::of(&parts, serial, &Key16::new(TRANSPORT_KEY))?;
    let texts = environments.iter().zip(given_keys);
    let mut beside: Vec<Beside> = texts
        .map(|((text, _), given_keys)| Ok(Beside { profile: card_profiles::flatten(*text)?, given_keys }))
        .collect::<Result<_, ImageError>>()?;
    let first = beside.remove(0);
    let identity = Identity {
        mark: MARK.to_owned(),
        profile: first.profile,
        atr: hex::encode_upper(&atr),
        lot: TRANSPORT_LOT,
        given_keys: first.given_keys,
        beside,
    };
    let identity = serde_json::to_vec(&identity).expect("plain data");
    let fault_offset = (HEADER + identity.len()).next_multiple_of(4096);
    let memory_offset = fault_offset + FAULT_AREA;
    let number = |value: usize| u32::try_from(value).expect("an image is smaller than 4 GiB").to_be_bytes();
    let mut bytes = MAGIC.to_vec();
    for value in [FORMAT.to_be_bytes(), LAYOUT.to_be_bytes(), number(identity.len()), number(fault_offset)] {
        bytes.extend(value);
    }
    bytes.extend([number(memory_offset), number(memory.len())].as_flattened());
    bytes.extend(sum_of(&bytes, &identity).to_be_bytes());
    bytes.resize(HEADER, 0);
    bytes.extend(identity);
    bytes.resize(fault_offset, 0);
    bytes.extend(fault_area(faults).ok_or_else(|| ImageError::TooManyFaults(path.to_owned()))?);
    bytes.resize(memory_offset, 0);
    bytes.extend(memory);
    let fault = |source| ImageError::File { path: path.to_owned(), source };
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    let file = file.map_err(|source| match source.kind() {
        io::ErrorKind::AlreadyExists => ImageError::Exists(path.to_owned()),
        _ => fault(source),
    })?;
    file.write_all_at(&bytes, 0).and_then(|()| file.sync_all()).map_err(fault)
}

/// Opens a card for a reader; no other reader can open it until it is dropped.
///
/// # Errors
/// [`ImageError`].
pub fn open(path: &Path, durability: Durability) -> Result<Card, ImageError> {
    let file = OpenOptions::new().read(true).write(true).open(path).map_err(|source| not_found(path, source))?;
    lock(path, &file)?;
    let parts = Parts::read(path, &file)?;
    if parts.layout < LAYOUT {
        parts.renew(&file).map_err(|source| ImageError::File { path: path.to_owned(), source })?;
    }
    let faults = file.try_clone().map_err(|source| ImageError::File { path: path.to_owned(), source })?;
    let memory = Memory::in_file(parts.memory, file, parts.memory_offset, durability);
    let mut card = Card::assemble(parts.environments, parts.atr, memory, parts.faults);
    card.keep_faults_in(FaultStore { file: faults, offset: parts.fault_offset });
    Ok(card)
}

/// Looks at a card without opening it: also while it is in a reader. Nothing is written.
///
/// # Errors
/// [`ImageError`]; [`ImageError::InUse`] when its reader never pauses.
pub fn inspect(path: &Path) -> Result<(Identity, Inspection), ImageError> {
    let file = File::open(path).map_err(|source| not_found(path, source))?;
    let parts = match file.try_lock_shared() {
        // No reader writes until the file is closed here.
        Ok(()) => Parts::read(path, &file)?,
        Err(std::fs::TryLockError::WouldBlock) => settled(path, &file)?,
        Err(std::fs::TryLockError::Error(source)) => return Err(ImageError::File { path: path.to_owned(), source }),
    };
    let mut card =
        Card::assemble(parts.environments, parts.atr, Memory::in_process(parts.memory), FaultPlan::default());
    card.power_on()?;
    Ok((parts.identity, card.inspect()))
}

/// Takes the card for one reader. Someone who looks at it holds it for a moment, a reader for long.
fn lock(path: &Path, file: &File) -> Result<(), ImageError> {
    for _ in 0..LOCK_TRIES {
        match file.try_lock() {
            Ok(()) => return Ok(()),
            Err(std::fs::TryLockError::WouldBlock) => std::thread::sleep(LOCK_PAUSE),
            Err(std::fs::TryLockError::Error(source)) => {
                return Err(ImageError::File { path: path.to_owned(), source });
            }
        }
    }
    Err(ImageError::InUse(path.to_owned()))
}

/// A card that its reader writes to: read until two looks agree, so that none falls into the middle of a write.
fn settled(path: &Path, file: &File) -> Result<Parts, ImageError> {
    let mut last = Parts::read(path, file)?;
    for _ in 0..LOOKS_MAX {
        let next = Parts::read(path, file)?;
        if next.memory == last.memory {
            return Ok(next);
        }
        last = next;
    }
    Err(ImageError::InUse(path.to_owned()))
}

fn not_found(path: &Path, source: io::Error) -> ImageError {
    match source.kind() {
        io::ErrorKind::NotFound => ImageError::NotFound(path.to_owned()),
        _ => ImageError::File { path: path.to_owned(), source },
    }
}

/// An image taken apart and checked.
struct Parts {
    layout: u32,
    identity: Identity,
    environments: Environments,
    atr: Vec<u8>,
    faults: FaultPlan,
    fault_offset: u64,
    memory: Vec<u8>,
    memory_offset: u64,
}

impl Parts {
    /// Brings the file to this layout: zeros behind the memory first, so that a file cut off in between is still one of the
    /// old layout; then layout, length and check sum in one write.
    fn renew(&self, file: &File) -> io::Result<()> {
        file.set_len(self.memory_offset + self.memory.len() as u64)?;
        file.sync_all()?;
        // Magic, format, layout, length of the identity, offsets of faults and memory, length of the memory; the sum.
        let mut header = [0; SUM_AT + 4];
        file.read_exact_at(&mut header, 0)?;
        let (numbers, sum) = header.split_at_mut(SUM_AT);
        let length = u32::try_from(self.memory.len()).map_err(io::Error::other)?;
        let [_, _, _, layout, identity, .., memory] = numbers.as_chunks_mut::<4>().0 else { return Ok(()) };
        (*layout, *memory) = (LAYOUT.to_be_bytes(), length.to_be_bytes());
        let mut identity = vec![0; usize::try_from(u32::from_be_bytes(*identity)).map_err(io::Error::other)?];
        file.read_exact_at(&mut identity, HEADER as u64)?;
        sum.copy_from_slice(&sum_of(numbers, &identity).to_be_bytes());
        file.write_all_at(&header, 0)?;
        file.sync_all()
    }

    fn read(path: &Path, file: &File) -> Result<Self, ImageError> {
        let fault = |source| ImageError::File { path: path.to_owned(), source };
        let length = file.metadata().map_err(fault)?.len();
        let whole = usize::try_from(length).ok().filter(|_| length <= IMAGE_MAX);
        let too_long = ImageError::Malformed { path: path.to_owned(), problem: Malformed::Areas };
        let mut bytes = vec![0; whole.ok_or(too_long)?];
        file.read_exact_at(&mut bytes, 0).map_err(fault)?;
        Self::of(path, &bytes)
    }

    fn of(path: &Path, bytes: &[u8]) -> Result<Self, ImageError> {
        let malformed = |problem| ImageError::Malformed { path: path.to_owned(), problem };
        let length = bytes.len() as u64;
        let header = bytes.split_first_chunk::<8>().filter(|(magic, _)| **magic == MAGIC);
        let (_, header) = header.ok_or_else(|| malformed(Malformed::Magic))?;
        let mut numbers = header.as_chunks::<4>().0.iter().map(|chunk| u32::from_be_bytes(*chunk));
        let mut next = || numbers.next().ok_or_else(|| malformed(Malformed::Areas));
        let (format, layout) = (next()?, next()?);
        if format != FORMAT || !(1..=LAYOUT).contains(&layout) {
            return Err(malformed(Malformed::Version { format, layout }));
        }
        let [identity_length, fault_offset, memory_offset, memory_length] = [next()?, next()?, next()?, next()?];
        let area = |offset: u32, length: u32| {
            let start = usize::try_from(offset).ok()?;
            bytes.get(start..start.checked_add(usize::try_from(length).ok()?)?)
        };
        let areas = || malformed(Malformed::Areas);
        let (faults_end, memory_end) =
            (u64::from(fault_offset) + FAULT_AREA as u64, u64::from(memory_offset) + u64::from(memory_length));
        // A file that is being brought from layout 1 to this one is longer than it says.
        let fits = if layout == LAYOUT { memory_end == length } else { memory_end <= length };
        if faults_end != u64::from(memory_offset) || !fits {
            return Err(areas());
        }
        let identity = area(u32::try_from(HEADER).expect("64"), identity_length).ok_or_else(areas)?;
        // An image of an older program has no sum; a sum that was damaged to none would be another damage beside it.
        let (summed, rest) = bytes.split_at_checked(SUM_AT).ok_or_else(areas)?;
        let sum = rest.first_chunk().map_or(0, |sum| u32::from_be_bytes(*sum));
        if sum != 0 && sum != sum_of(summed, identity) {
            return Err(malformed(Malformed::Damaged(HEADER + identity.len())));
        }
        let identity: Identity = serde_json::from_slice(identity).map_err(|_| malformed(Malformed::Identity))?;
        if identity.mark != MARK {
            return Err(malformed(Malformed::Mark));
        }
        let fault_length = area(fault_offset, 4).and_then(|bytes| bytes.first_chunk().copied()).ok_or_else(areas)?;
        let faults = area(fault_offset.saturating_add(4), u32::from_be_bytes(fault_length)).ok_or_else(areas)?;
        let faults = serde_json::from_slice(faults).map_err(|_| malformed(Malformed::Faults))?;
        let mut memory = area(memory_offset, memory_length).ok_or_else(areas)?.to_vec();
        let atr = hex::decode(&identity.atr).map_err(|_| malformed(Malformed::Identity))?;
        Atr::parse(&atr).and_then(|atr| atr.card_factor()).map_err(ModelError::from)?;
        let texts = std::iter::once(&identity.profile).chain(identity.beside.iter().map(|beside| &beside.profile));
        let profiles: Vec<Profile> = texts.map(Profile::parse).collect::<Result<_, _>>()?;
        let environments = Environments::of(&profiles.iter().collect::<Vec<_>>())?;
        if environments.size_in(layout) != memory.len() {
            return Err(areas());
        }
        memory.resize(environments.size_in(LAYOUT), 0);
        let (fault_offset, memory_offset) = (u64::from(fault_offset), u64::from(memory_offset));
        Ok(Self { layout, identity, environments, atr, faults, fault_offset, memory, memory_offset })
    }
}

#[cfg(test)]
mod tests;
