//! The card's EEPROM: bytes, write operations, and transactions that survive power loss.
//!
//! Source: COS manual on atomicity ("in every situation, power loss during an EEPROM update included, data stay
//! consistent"); a redo log: write the log, write the commit record, apply, clear the record.
//! Owns: the bytes, the log, recovery, the count of write operations, power loss and wear on demand.
//! Never: knows what the bytes mean (`model`), writes outside a transaction except at manufacture.
//! Units: addresses and lengths in bytes from the start of the memory.
#![cfg_attr(not(test), warn(clippy::indexing_slicing))]

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

/// Bytes of the commit record: magic, length of the log, check sum of the log.
const RECORD_BYTES: usize = 12;
/// Where the log starts.
const LOG_START: usize = 16;
/// Bytes of the log: the largest transaction is UPDATE BINARY of 255 bytes; a purchase needs about 130.
const LOG_BYTES: usize = 1024;
/// First address of data.
pub(crate) const DATA_START: usize = LOG_START + LOG_BYTES;
/// "There is a whole log": four bytes, so that a half-written record is none.
const COMMITTED: [u8; 4] = *b"DONE";
/// Address and length before each change in the log.
const ENTRY_HEADER: usize = 6;

/// What stops a memory operation.
#[derive(Debug, thiserror::Error)]
pub enum MemoryError {
    /// The card has no power, or just lost it.
    #[error("power lost")]
    PowerLost,
    /// The memory takes no more writes.
    #[error("memory worn out")]
    Worn,
    /// The image file behind the memory cannot be written.
    #[error("the card's image file cannot be written: {0}")]
    Storage(#[from] io::Error),
    /// The log in the memory names addresses outside it: not an image of this program.
    #[error("the log at byte {0} of the memory names addresses outside it")]
    Corrupt(usize),
}

/// How far a change goes when the host of the image file fails. The card's own power loss is always safe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// Safe when the process is killed.
    Process,
    /// Safe when the machine loses power: `fdatasync` before and after a transaction is applied.
    Disk,
}

/// Non-volatile memory of one card.
#[derive(Debug)]
pub struct Memory {
    bytes: Vec<u8>,
    backing: Option<Backing>,
    powered: bool,
    writes: u64,
    tear: Option<Tear>,
    worn_after: Option<u64>,
    broken: bool,
}

#[derive(Debug)]
struct Backing {
    medium: Box<dyn Medium>,
    offset: u64,
    durability: Durability,
}

/// What lies behind the memory. Writes may reach it in any order, or in part, until it was synchronized.
trait Medium: std::fmt::Debug + Send {
    fn write(&self, at: u64, bytes: &[u8]) -> io::Result<()>;
    fn sync(&self) -> io::Result<()>;
}

impl Medium for File {
    fn write(&self, at: u64, bytes: &[u8]) -> io::Result<()> {
        self.write_all_at(bytes, at)
    }

    fn sync(&self) -> io::Result<()> {
        self.sync_data()
    }
}

#[derive(Clone, Copy, Debug)]
struct Tear {
    left: u64,
    cut: Cut,
}

/// What stays of the write in which power fails.
#[derive(Clone, Copy, Debug)]
enum Cut {
    Nothing,
    Half,
    Bytes(usize),
}

/// The changes of one command, applied together or not at all.
#[derive(Debug)]
pub(crate) struct Changes {
    log: Vec<u8>,
    starts: Vec<usize>,
}

/// None yet, with room for those of a purchase.
impl Default for Changes {
    fn default() -> Self {
        Self { log: Vec::with_capacity(192), starts: Vec::with_capacity(8) }
    }
}

impl Changes {
    /// Adds `bytes` at `address`.
    ///
    /// # Panics
    /// When the changes of a command do not fit the log: the caller's fault, no card byte can cause it.
    pub(crate) fn set(&mut self, address: usize, bytes: &[u8]) {
        self.starts.push(self.log.len());
        self.log.reserve(ENTRY_HEADER + bytes.len());
        self.log.extend(u32::try_from(address).expect("memory is smaller than 4 GiB").to_be_bytes());
        self.log.extend(u16::try_from(bytes.len()).expect("a change is at most 255 bytes").to_be_bytes());
        self.log.extend_from_slice(bytes);
        assert!(self.log.len() <= LOG_BYTES, "the changes of one command fit the log");
    }

    fn entries(&self) -> impl Iterator<Item = (usize, &[u8])> {
        let ends = self.starts.iter().skip(1).copied().chain([self.log.len()]);
        self.starts.iter().zip(ends).map(|(start, end)| (*start, self.log.get(*start..end).unwrap_or_default()))
    }
}

impl Memory {
    /// Memory of this process alone, without power.
    #[must_use]
    pub fn in_process(bytes: Vec<u8>) -> Self {
        Self { bytes, backing: None, powered: false, writes: 0, tear: None, worn_after: None, broken: false }
    }

    /// Memory behind which every write also goes to `file` at `offset`.
    #[must_use]
    pub fn in_file(bytes: Vec<u8>, file: File, offset: u64, durability: Durability) -> Self {
        Self::on(Box::new(file), bytes, offset, durability)
    }

    fn on(medium: Box<dyn Medium>, bytes: Vec<u8>, offset: u64, durability: Durability) -> Self {
        Self { backing: Some(Backing { medium, offset, durability }), ..Self::in_process(bytes) }
    }

    /// Gives power and finishes or forgets a transaction that power loss interrupted.
    ///
    /// # Errors
    /// [`MemoryError`]: no power yet, worn memory with an unfinished transaction, or a log that is none.
    pub fn power_on(&mut self) -> Result<(), MemoryError> {
        self.powered = true;
        self.broken = false;
        let Some(log) = self.committed_log() else { return Ok(()) };
        self.redo(&log).inspect_err(|_| self.broken = true)
    }

    /// Whether a transaction could be neither finished nor forgotten: what the bytes say must not be shown.
    #[must_use]
    pub const fn is_broken(&self) -> bool {
        self.broken
    }

    /// Whether a transaction was interrupted that power will finish.
    #[must_use]
    pub fn is_unfinished(&self) -> bool {
        self.committed_log().is_some()
    }

    fn redo(&mut self, log: &[u8]) -> Result<(), MemoryError> {
        let mut at = 0;
        while at < log.len() {
            let (address, bytes) = entry(log, at).ok_or(MemoryError::Corrupt(LOG_START + at))?;
            if address < DATA_START || address + bytes.len() > self.bytes.len() {
                return Err(MemoryError::Corrupt(LOG_START + at));
            }
            self.write(address, bytes)?;
            at += ENTRY_HEADER + bytes.len();
        }
        self.sync()?;
        self.write(0, &[0; RECORD_BYTES])
    }

    /// Takes the power away. A tear that was ordered and did not happen is forgotten.
    pub fn power_off(&mut self) {
        self.powered = false;
        self.tear = None;
    }

    /// Whether there is power.
    #[must_use]
    pub const fn is_powered(&self) -> bool {
        self.powered
    }

    /// Loses power after `writes` more write operations; with `half`, inside the next one, which stays half-written.
    pub const fn tear_after(&mut self, writes: u64, half: bool) {
        self.tear = Some(Tear { left: writes, cut: if half { Cut::Half } else { Cut::Nothing } });
    }

    /// Loses power after `writes` more write operations, inside the next one: `bytes` of it are written, one more is mixed.
    pub const fn tear_inside(&mut self, writes: u64, bytes: usize) {
        self.tear = Some(Tear { left: writes, cut: Cut::Bytes(bytes) });
    }

    /// Fails every write after `writes` more; `None` makes the memory sound again.
    pub const fn wear_after(&mut self, writes: Option<u64>) {
        self.worn_after = writes;
    }

    /// Writes left before the memory is worn, if it will be.
    #[must_use]
    pub const fn writes_before_worn(&self) -> Option<u64> {
        self.worn_after
    }

    /// Write operations since the card was put into this process.
    #[must_use]
    pub const fn writes(&self) -> u64 {
        self.writes
    }

    /// All bytes, log included.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// A cell fails: the bits of `mask` in the byte at `address` are inverted, here and in the image, past every check.
    ///
    /// # Errors
    /// [`MemoryError::Storage`] when the image cannot be written.
    ///
    /// # Panics
    /// When the address lies outside the memory.
    pub fn flip(&mut self, address: usize, mask: u8) -> Result<(), MemoryError> {
        let [byte] = self.array(address);
        self.store(address, &[byte ^ mask])
    }

    /// `length` bytes at `address`.
    ///
    /// # Panics
    /// When they lie outside the memory: addresses come from the model, never from a command.
    pub(crate) fn read(&self, address: usize, length: usize) -> &[u8] {
        self.bytes.get(address..address + length).expect("the model lays out the memory")
    }

    /// `N` bytes at `address`.
    pub(crate) fn array<const N: usize>(&self, address: usize) -> [u8; N] {
        *self.read(address, N).first_chunk().expect("as many bytes as asked for")
    }

    /// Makes all of `changes` or, when power fails, none of them.
    pub(crate) fn commit(&mut self, changes: &Changes) -> Result<(), MemoryError> {
        if changes.log.is_empty() {
            return Ok(());
        }
        for (start, entry) in changes.entries() {
            self.write(LOG_START + start, entry)?;
        }
        let mut record = [0; RECORD_BYTES];
        let length = u32::try_from(changes.log.len()).expect("the log is 1 KiB");
        let parts = [COMMITTED, length.to_be_bytes(), check_sum(&changes.log).to_be_bytes()];
        record.as_chunks_mut::<4>().0.iter_mut().zip(parts).for_each(|(slot, part)| *slot = part);
        self.write(0, &record)?;
        self.sync()?;
        self.redo(&changes.log).inspect_err(|_| self.broken = true)
    }

    /// The log, when its commit record says that it is whole.
    fn committed_log(&self) -> Option<Vec<u8>> {
        let record = self.bytes.get(..RECORD_BYTES)?;
        let [magic, length, sum] = record.as_chunks::<4>().0 else { return None };
        let length = usize::try_from(u32::from_be_bytes(*length)).ok().filter(|n| (1..=LOG_BYTES).contains(n))?;
        let log = self.bytes.get(LOG_START..LOG_START + length)?;
        (*magic == COMMITTED && check_sum(log) == u32::from_be_bytes(*sum)).then(|| log.to_vec())
    }

    /// One write operation of the EEPROM.
    fn write(&mut self, address: usize, bytes: &[u8]) -> Result<(), MemoryError> {
        if !self.powered {
            return Err(MemoryError::PowerLost);
        }
        match &mut self.worn_after {
            Some(0) => return Err(MemoryError::Worn),
            Some(left) => *left -= 1,
            None => {}
        }
        match &mut self.tear {
            Some(Tear { left: 0, cut }) => {
                let whole = match cut {
                    Cut::Nothing => None,
                    Cut::Half => Some(bytes.len() / 2),
                    Cut::Bytes(whole) => Some(*whole),
                };
                let torn = whole.map(|whole| torn(self.bytes.get(address..).unwrap_or_default(), bytes, whole));
                self.powered = false;
                self.tear = None;
                if let Some(torn) = torn {
                    self.store(address, &torn)?;
                }
                return Err(MemoryError::PowerLost);
            }
            Some(tear) => tear.left -= 1,
            None => {}
        }
        self.writes += 1;
        self.store(address, bytes)
    }

    fn store(&mut self, address: usize, bytes: &[u8]) -> Result<(), MemoryError> {
        if let Some(Backing { medium, offset, .. }) = &self.backing {
            medium.write(offset + address as u64, bytes)?;
        }
        let slot = self.bytes.get_mut(address..address + bytes.len()).expect("the model lays out the memory");
        slot.copy_from_slice(bytes);
        Ok(())
    }

    fn sync(&self) -> Result<(), MemoryError> {
        match &self.backing {
            Some(Backing { medium, durability: Durability::Disk, .. }) => Ok(medium.sync()?),
            Some(_) | None => Ok(()),
        }
    }
}

/// Address and bytes of the log entry at `at`.
fn entry(log: &[u8], at: usize) -> Option<(usize, &[u8])> {
    let (address, rest) = log.get(at..)?.split_first_chunk::<4>()?;
    let (length, rest) = rest.split_first_chunk::<2>()?;
    let bytes = rest.get(..usize::from(u16::from_be_bytes(*length)))?;
    Some((usize::try_from(u32::from_be_bytes(*address)).ok()?, bytes))
}

/// What stays when power fails inside a write: the first bytes whole, one mixed, the rest old.
fn torn(old: &[u8], new: &[u8], whole: usize) -> Vec<u8> {
    let mix = |(index, (old, new)): (usize, (&u8, &u8))| match index.cmp(&whole) {
        std::cmp::Ordering::Less => *new,
        std::cmp::Ordering::Equal => (old & 0xF0) | (new & 0x0F),
        std::cmp::Ordering::Greater => *old,
    };
    old.iter().zip(new).enumerate().map(mix).collect()
}

/// What each value of a byte adds to the check sum.
const CRC: [u32; 256] = {
    let mut table = [0; 256];
    let mut rest: &mut [u32] = &mut table;
    let mut value = 0;
    while let Some((slot, tail)) = rest.split_first_mut() {
        let mut sum: u32 = value;
        let mut bit = 0;
        while bit < 8 {
            sum = if sum & 1 == 1 { (sum >> 1) ^ 0xEDB8_8320 } else { sum >> 1 };
            bit += 1;
        }
        *slot = sum;
        value += 1;
        rest = tail;
    }
    table
};

/// CRC-32 (ISO/IEC 3309, reflected polynomial EDB88320).
pub(crate) fn check_sum<'b>(bytes: impl IntoIterator<Item = &'b u8>) -> u32 {
    let step = |sum: u32, byte: &u8| {
        let [low, ..] = sum.to_le_bytes();
        CRC.get(usize::from(low ^ byte)).copied().unwrap_or_default() ^ (sum >> 8)
    };
    !bytes.into_iter().fold(u32::MAX, step)
}

#[cfg(test)]
mod tests;
