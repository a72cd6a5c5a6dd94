//! The image file: a whole card, carried from reader to reader.
//!
//! Source: our own format, version 1; `README.md` beside this crate describes it byte by byte.
//! Owns: header, identity, the area of faults, the memory behind them; the lock against two readers.
//! Never: opens what is not marked REHEARSAL; overwrites a file when it makes a card.
//! Units: offsets and lengths in bytes, big-endian in the header.
#![cfg_attr(not(test), warn(clippy::indexing_slicing))]

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use card_core::Atr;
use card_core::key::Key16;
use card_profiles::rehearsal::{TRANSPORT_KEY, TRANSPORT_LOT};
use card_profiles::{Profile, ProfileError};
use serde::{Deserialize, Serialize};

use crate::card::{self, Card, Silence};
use crate::fault::FaultPlan;
use crate::inspection::Inspection;
use crate::memory::{Durability, Memory, check_sum};
use crate::model::{LAYOUT, Model, ModelError};
use card_profiles::key_file::{GivenKeys, KeyFileError};
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
}

/// Why an image cannot be made or opened.
#[derive(Debug, thiserror::Error)]
pub enum ImageError {
    /// The file system refused.
    #[error("{}: {source}", path.display())]
    File {
        /// Image.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// There is a file already.
    #[error("{} exists already", .0.display())]
    Exists(PathBuf),
    /// There is no such file.
    #[error("{} does not exist", .0.display())]
    NotFound(PathBuf),
    /// Another reader holds it.
    #[error("{} is in another reader", .0.display())]
    InUse(PathBuf),
    /// Not an image of this program.
    #[error("{} is no card image: {problem}", path.display())]
    Malformed {
        /// Image.
        path: PathBuf,
        /// What is wrong with it.
        problem: Malformed,
    },
    /// The faults do not fit their area.
    #[error("the faults of {} need more than {FAULT_AREA} bytes", .0.display())]
    TooManyFaults(PathBuf),
    /// No card can be made of the profile.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// The profile text is none.
    #[error(transparent)]
    Profile(#[from] ProfileError),
    /// The keys cannot be put in.
    #[error(transparent)]
    Keys(#[from] KeyFileError),
    /// The card's memory cannot be brought to a sound state.
    #[error(transparent)]
    Card(#[from] Silence),
}

impl ImageError {
    /// Stable code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::File { .. } => "IMAGE_FILE",
            Self::Exists(_) => "IMAGE_EXISTS",
            Self::NotFound(_) => "IMAGE_NOT_FOUND",
            Self::InUse(_) => "IMAGE_IN_USE",
            Self::Malformed { .. } => "IMAGE_MALFORMED",
            Self::TooManyFaults(_) => "FAULTS_TOO_MANY",
            Self::Model(_) => "PROFILE_UNUSABLE",
            Self::Profile(_) => ProfileError::CODE,
            Self::Keys(error) => error.code(),
            Self::Card(_) => "IMAGE_MEMORY",
        }
    }
}

/// What can be wrong with the bytes of an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// Other first bytes.
    #[error("it does not start with the mark of an image")]
    Magic,
    /// Another format or layout.
    #[error("format {format}, layout {layout}; this program reads format {FORMAT}, layouts 1 to {LAYOUT}")]
    Version {
        /// Format version.
        format: u32,
        /// Layout version.
        layout: u32,
    },
    /// Areas that lie outside the file, or not as the profile lays them out.
    #[error("its areas do not fit the file")]
    Areas,
    /// The identity is not the JSON expected.
    #[error("its identity cannot be read")]
    Identity,
    /// Header or identity are not what their check sum says.
    #[error("a byte of its first {0} is damaged: header or identity")]
    Damaged(usize),
    /// Not marked REHEARSAL.
    #[error("it is not marked {MARK}")]
    Mark,
    /// The faults are not the JSON expected.
    #[error("its faults cannot be read")]
    Faults,
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
    let profile = Profile::parse(profile_text)?;
    let model = Model::of(&profile)?;
    let atr = card::atr(&profile, serial);
    let factor = Atr::parse(&atr).and_then(|atr| atr.card_factor()).map_err(ModelError::from)?;
    let slots = keys.slots(&profile, factor)?;
    let memory = model.factory(&profile, &Key16::new(TRANSPORT_KEY), factor, &slots);
    let identity = Identity {
        mark: MARK.to_owned(),
        profile: card_profiles::flatten(profile_text)?,
        atr: hex::encode_upper(&atr),
        lot: TRANSPORT_LOT,
        given_keys: slots.iter().map(ToString::to_string).collect(),
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
    let mut card = Card::assemble(parts.model, parts.atr, memory, parts.faults);
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
    let mut card = Card::assemble(parts.model, parts.atr, Memory::in_process(parts.memory), FaultPlan::default());
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
    model: Model,
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
        let model = Model::of(&Profile::parse(&identity.profile)?)?;
        if model.size_in(layout) != memory.len() {
            return Err(areas());
        }
        memory.resize(model.size, 0);
        let (fault_offset, memory_offset) = (u64::from(fault_offset), u64::from(memory_offset));
        Ok(Self { layout, identity, model, atr, faults, fault_offset, memory, memory_offset })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use card_profiles::builtin_text;

    const SERIAL: [u8; 6] = [0x51, 0x33, 0, 0, 0, 1];

    fn made(folder: &Path) -> PathBuf {
        made_of(folder, builtin_text("ssc-3.0").expect("built in"))
    }

    fn made_of(folder: &Path, text: &str) -> PathBuf {
        let path = folder.join("a.card");
        create(&path, text, SERIAL, &FaultPlan::default()).expect("made");
        path
    }

    /// The text as images carry it that were made before certificates had access rules.
    fn older_text() -> String {
        let text = builtin_text("ssc-3.0").expect("built in");
        let (before, rest) = text.split_once("\naccess = { generate").expect("the row");
        format!("{before}\n{}", rest.split_once('\n').expect("more rows").1)
    }

    #[test]
    fn a_new_card_opens_and_says_what_it_is() {
        let folder = tempfile::tempdir().expect("folder");
        let path = made(folder.path());
        let (identity, inspection) = inspect(&path).expect("image");
        assert_eq!(identity.profile, builtin_text("ssc-3.0").expect("built in"));
        assert!(inspection.atr.ends_with("513300000001"), "{}", inspection.atr);
        let pin = inspection.pin.expect("PIN");
        assert!(pin.initial && pin.tries_left == 3);
        assert!(matches!(create(&path, &identity.profile, SERIAL, &FaultPlan::default()), Err(ImageError::Exists(_))));
    }

    #[test]
    fn keys_from_a_file_are_in_the_card_and_their_names_in_the_image() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("a.card");
        let text = builtin_text("ssc-3.0").expect("built in");
        let keys = "mark = \"REHEARSAL\"\n[[key]]\nname = \"UKSSSE\"\nversion = 2\n\
            value = \"00112233445566778899AABBCCDDEEFF\"\n";
        let keys = GivenKeys::parse(keys).expect("a key file");
        create_with_keys(&path, text, SERIAL, &FaultPlan::default(), &keys).expect("made");
        let (identity, inspection) = inspect(&path).expect("image");
        assert_eq!(identity.given_keys, ["UKSSSE version 2"]);
        assert_eq!(inspection.keys["SSSE.UKSSSE"].version, Some(2));
        assert_eq!(inspection.keys["SSSE.RKSSSE"].version, None);
    }

    #[test]
    fn one_card_is_in_one_reader_only() {
        let folder = tempfile::tempdir().expect("folder");
        let path = made(folder.path());
        let first = open(&path, Durability::Process).expect("free");
        assert!(matches!(open(&path, Durability::Process), Err(ImageError::InUse(_))));
        inspect(&path).expect("looking is allowed");
        drop(first);
        open(&path, Durability::Process).expect("free again");
    }

    #[test]
    fn what_a_card_did_is_in_its_image() {
        let folder = tempfile::tempdir().expect("folder");
        let path = made(folder.path());
        let mut card = open(&path, Durability::Disk).expect("free");
        card.power_on().expect("power");
        let mut answer = Vec::new();
        for command in ["00A4000002DDF1", "0020000003999999"] {
            card.transmit(&hex::decode(command).expect("hex"), &mut answer).expect("answer");
        }
        assert_eq!(hex::encode_upper(&answer), "611E63C2");
        let pin = inspect(&path).expect("image").1.pin.expect("PIN");
        assert_eq!(pin.tries_left, 2);
    }

    #[test]
    fn faults_are_kept_in_the_image_and_used_up_there() {
        use crate::fault::{Fault, Moment, Trigger};
        let folder = tempfile::tempdir().expect("folder");
        let path = made(folder.path());
        let open = || open(&path, Durability::Process).expect("free");
        let loss = Fault::PowerLoss { at: Trigger::command(2), moment: Moment::After, back_after_ms: Some(1) };
        open().set_faults(FaultPlan::new(vec![loss, Fault::Lemon { after_writes: 100 }])).expect("fits");
        let select = hex::decode("00A4000002DDF1").expect("hex");
        for lost in [false, true, false] {
            let mut card = open();
            card.power_on().expect("power");
            assert_eq!(card.transmit(&select, &mut Vec::new()).is_err(), lost);
        }
        assert_eq!(open().faults().faults(), [Fault::Lemon { after_writes: 100 }]);
    }

    /// An image as version 1 of the layout had it: without the blocks at the end of the memory.
    fn of_layout_1(path: &Path) -> Vec<u8> {
        let mut bytes = std::fs::read(path).expect("image");
        let model = Model::of(&Profile::parse(&older_text()).expect("a profile")).expect("a model");
        let length = u32::try_from(model.blocks).expect("small").to_be_bytes();
        bytes.truncate(bytes.len() - (model.size - model.blocks));
        bytes[12..16].copy_from_slice(&1_u32.to_be_bytes());
        bytes[28..32].copy_from_slice(&length);
        bytes[SUM_AT..SUM_AT + 4].fill(0);
        bytes
    }

    #[test]
    fn an_image_of_the_first_layout_loads_and_is_renewed_even_if_that_was_cut_off() {
        let folder = tempfile::tempdir().expect("folder");
        let path = made_of(folder.path(), &older_text());
        let new = std::fs::read(&path).expect("image");
        let old = of_layout_1(&path);
        for longer in [0, new.len() - old.len()] {
            let bytes = [&old[..], &vec![0; longer]].concat();
            std::fs::write(&path, bytes).expect("written");
            let (_, inspection) = inspect(&path).expect("an older image");
            assert_eq!(inspection.pin.map(|pin| pin.tries_left), Some(3));
            drop(open(&path, Durability::Disk).expect("an older image"));
            assert!(std::fs::read(&path).expect("image") == new, "renewed with {longer} bytes more");
        }
        std::fs::write(&path, &old[..old.len() - 1]).expect("written");
        assert!(inspect(&path).is_err());
    }

    #[test]
    fn an_image_from_before_the_certificate_application_loads_without_it() {
        let folder = tempfile::tempdir().expect("folder");
        let path = made_of(folder.path(), &older_text());
        let mut card = open(&path, Durability::Process).expect("an older image");
        card.power_on().expect("power");
        let mut answer = Vec::new();
        let select = hex::decode("00A404000C504B492EC9E7BBE1B1A3D5CF").expect("hex");
        card.transmit(&select, &mut answer).expect("answer");
        assert_eq!(answer, [0x6A, 0x82]);
        assert_eq!(card.inspect().certificates, None);
    }

    #[test]
    fn no_damaged_image_panics() {
        let folder = tempfile::tempdir().expect("folder");
        let path = made(folder.path());
        let bytes = std::fs::read(&path).expect("image");
        let damaged = folder.path().join("b.card");
        for end in (0..bytes.len()).step_by(997).chain(0..80) {
            std::fs::write(&damaged, &bytes[..end]).expect("written");
            assert!(inspect(&damaged).is_err(), "{end}");
        }
    }

    #[test]
    fn a_damaged_byte_before_the_memory_is_refused_or_is_none_that_is_read() {
        let folder = tempfile::tempdir().expect("folder");
        let path = made_of(folder.path(), builtin_text("pboc-purse").expect("built in"));
        let mut bytes = std::fs::read(&path).expect("image");
        let parts = Parts::of(&path, &bytes).expect("sound");
        let identity = HEADER + serde_json::to_vec(&parts.identity).expect("plain data").len();
        let faults = usize::try_from(parts.fault_offset).expect("small");
        let memory = usize::try_from(parts.memory_offset).expect("small");
        // Sum (4) and zeros; the length of the faults and `[]`: all else is never read.
        let read =
            |at: usize| at < SUM_AT + 4 || (HEADER..identity).contains(&at) || (faults..faults + 6).contains(&at);
        let mut refused = 0;
        for at in 0..memory {
            for mask in [1 << (at % 8), 0xFF] {
                bytes[at] ^= mask;
                if read(at) {
                    let error = Parts::of(&path, &bytes).err().unwrap_or_else(|| panic!("byte {at} is not missed"));
                    let ImageError::Malformed { problem, .. } = error else { panic!("byte {at}: {error}") };
                    assert!(at < SUM_AT || at >= faults || problem == Malformed::Damaged(identity), "{at}: {problem}");
                    refused += 1;
                }
                bytes[at] ^= mask;
            }
            // A sound profile is read in milliseconds: not beside each of thousands of zeros.
            if !read(at) && at % 512 == 0 {
                bytes[at] ^= 0xFF;
                assert!(Parts::of(&path, &bytes).is_ok(), "{at}");
                bytes[at] ^= 0xFF;
            }
        }
        assert!(refused > 2 * 9_000, "{refused}");
    }

    #[test]
    fn an_image_of_an_older_program_has_no_check_sum_and_opens() {
        let folder = tempfile::tempdir().expect("folder");
        let path = made(folder.path());
        let mut bytes = std::fs::read(&path).expect("image");
        assert_ne!(bytes[SUM_AT..SUM_AT + 4], [0; 4]);
        bytes[SUM_AT..SUM_AT + 4].fill(0);
        assert!(Parts::of(&path, &bytes).is_ok());
    }
}
