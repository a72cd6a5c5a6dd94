//! Bounds on what a file or a peer may send, each with its reason.

use crate::fen::Fen;

/// Records of one upload batch: a busy pharmacy sells some hundred times a day; at about 700 bytes a record a batch stays
/// below a megabyte.
pub const BATCH_RECORDS_MAX: usize = 1_000;

/// Bytes of one message body: a full batch with room to spare.
pub const MESSAGE_BYTES_MAX: usize = 2 * 1024 * 1024;

/// Rows of a drug catalogue: the national lists together have some hundred thousand.
pub const CATALOGUE_ROWS_MAX: usize = 500_000;

/// Bytes of the text of a catalogue: its rows with some hundred bytes each.
pub const CATALOGUE_BYTES_MAX: u64 = 64 << 20;

/// Bytes of one part of a catalogue's text: written as JSON it stays below [`MESSAGE_BYTES_MAX`].
pub const CATALOGUE_PART_BYTES: usize = 512 * 1024;

/// Characters of a drug's name (national interface: 50 for names, some run longer with dosage form).
pub const DRUG_NAME_CHARACTERS_MAX: usize = 100;

/// Bytes of a bill file: [`BILL_ITEMS_MAX`] items of some 200 bytes, with room for spaces.
pub const BILL_BYTES_MAX: usize = 256 * 1024;

/// Items of a bill: a long prescription of slices has some 40.
pub const BILL_ITEMS_MAX: usize = 200;

/// Characters of a prescription number (national interface: ids have 30; tills add a prefix).
pub const PRESCRIPTION_LENGTH_MAX: usize = 64;

/// Days that one purchase may last: a year's supply; the longest prescriptions of chronic diseases are 12 weeks.
pub const SUPPLY_DAYS_MAX: u16 = 366;

/// Days over which a quantity may be limited.
pub const LIMIT_DAYS_MAX: u16 = 366;

/// Dearest unit of a drug: a million yuan.
pub const UNIT_PRICE_MAX: Fen = Fen::new(100_000_000);

/// Seconds by which two clocks may differ before neither is believed (assumed): of a terminal and its centre, of a terminal and what is
/// known to have been, of a terminal and the program that calls it.
pub const CLOCK_DIFFERENCE_MAX_S: i64 = 600;

/// Cards of one blacklist answer: 16 bytes each as 32 digits, below [`MESSAGE_BYTES_MAX`].
pub const BLACKLIST_ENTRIES_MAX: usize = 50_000;

/// Refunds of one answer about other tills: some 350 bytes each, below [`MESSAGE_BYTES_MAX`].
pub const ELSEWHERE_PAGE: usize = 200;
