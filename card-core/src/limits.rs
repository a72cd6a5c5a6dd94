//! Every bound on what a card or reader may make us do, each with its reason.
//!
//! Owns: numbers only. A loop over what a card sends takes its bound from here.

/// GET RESPONSE calls for one command. A short answer needs one; a card that chains 64 KiB in blocks of 256 needs 256.
pub const GET_RESPONSE_MAX: usize = 256;

/// Bytes collected for one command: an extended answer is at most 65,536 bytes of data (ISO/IEC 7816-3).
pub const ANSWER_BYTES_MAX: usize = 65_536;

/// Corrections of Le (`6Cxx`) for one command. A card that corrects twice is not going to agree.
pub const LE_CORRECTIONS_MAX: usize = 1;

/// Data bytes of a short command (ISO/IEC 7816-4 5.1: Lc in one byte).
pub const COMMAND_DATA_MAX: usize = 255;

/// Records read from one file: record numbers run from 1 to 254 (ISO/IEC 7816-4 7.3.1).
pub const RECORDS_MAX: u8 = 254;

/// Historical bytes of an ATR (ISO/IEC 7816-3 8.2.1: K is four bits).
pub const HISTORICAL_BYTES_MAX: usize = 15;

/// Nesting of BER-TLV in an FCI: `6F` → `A5` → `9F0C` → inner items, and one spare.
pub const TLV_DEPTH_MAX: usize = 5;

/// Bytes of an FCI: one short answer. The BER-TLV reader recurses, so the length of its input bounds its depth.
pub const FCI_BYTES_MAX: usize = 256;

/// Readers a PC/SC daemon can hold (pcsc-lite: 16), with room for other daemons.
pub const READERS_MAX: usize = 64;

/// Secrets whose tries a terminal remembers: cards with a wrong try behind them at one counter, in a year.
pub const TRIES_BOOK_MAX: usize = 4096;
