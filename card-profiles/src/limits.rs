//! Bounds of what one command carries and of what a card may make us read, each with its reason.
//!
//! Owns: numbers only.

/// Bytes in one UPDATE BINARY: the most that published sequences use (`FA`); 255 would not save a command on any file.
pub const WRITE_CHUNK: usize = 0xFA;

/// Bytes in one READ: a short answer (ISO/IEC 7816-4 5.1) holds 256.
pub const READ_CHUNK: usize = 256;

/// Types of card whose ways are remembered: vendors, systems and makers that a country uses in decades, with room to spare.
pub const CARD_TYPES_MAX: usize = 512;

/// Reads of a type in another way before the usual one is tried again: it costs such a card one exchange, and ends a mistake.
pub const CARD_TYPE_READS: u8 = 32;

/// PSAMs that are remembered: those of the terminals that share a data folder, and a few that were changed.
pub const PSAMS_MAX: usize = 16;

/// Cities, algorithms and key versions remembered of one PSAM: those whose cards come to one counter in a year.
pub const PSAM_PROOFS_MAX: usize = 64;
