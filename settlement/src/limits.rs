//! Bounds on what a file or a peer may send, each with its reason.

/// Records of one upload batch: a busy pharmacy sells some hundred times a day; at about 700 bytes a record a batch stays
/// below a megabyte.
pub const BATCH_RECORDS_MAX: usize = 1_000;

/// Bytes of one message body: a full batch with room to spare.
pub const MESSAGE_BYTES_MAX: usize = 2 * 1024 * 1024;

/// Cards of one blacklist answer: 16 bytes each as 32 digits, below [`MESSAGE_BYTES_MAX`].
pub const BLACKLIST_ENTRIES_MAX: usize = 50_000;
