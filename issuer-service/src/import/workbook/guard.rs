//! A bound on what a part of an archive may unpack to.
//!
//! Owns: counting unpacked bytes, in all and for one XML event. Never: believes a size that the archive states.

use std::cell::Cell;
use std::io::{self, Read};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::import::refusal::TableError;

/// Bytes of a part: a million rows of two kilobytes.
const PART_BYTES_MAX: u64 = 2 << 30;
/// Bytes of one tag or one text, which the XML reader holds at once.
const EVENT_BYTES_MAX: u64 = 1 << 20;

/// Bytes since the last event; the one who asks for events sets it back.
pub(super) type EventBytes = Rc<Cell<u64>>;

/// A reader that ends with an error where a bound is reached.
#[derive(Debug)]
pub(super) struct Guard<R> {
    inner: R,
    total: Arc<AtomicU64>,
    event: EventBytes,
}

#[derive(Debug, thiserror::Error)]
#[error("more than any registry")]
struct TooLarge;

impl<R> Guard<R> {
    pub(super) fn new(inner: R) -> Self {
        Self::counting(inner, Arc::default())
    }

    pub(super) fn counting(inner: R, total: Arc<AtomicU64>) -> Self {
        Self { inner, total, event: Rc::default() }
    }

    pub(super) fn event_bytes(&self) -> EventBytes {
        self.event.clone()
    }
}

impl<R: Read> Read for Guard<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(out)?;
        let bytes = u64::try_from(read).unwrap_or(u64::MAX);
        self.event.set(self.event.get().saturating_add(bytes));
        let total = self.total.fetch_add(bytes, Ordering::Relaxed).saturating_add(bytes);
        if total > PART_BYTES_MAX || self.event.get() > EVENT_BYTES_MAX {
            Err(io::Error::other(TooLarge))
        } else {
            Ok(read)
        }
    }
}

/// What an error of the XML reader says about the workbook.
pub(super) fn error(error: quick_xml::Error) -> TableError {
    match error {
        quick_xml::Error::Io(error) if error.get_ref().is_some_and(|inner| inner.is::<TooLarge>()) => {
            TableError::WorkbookTooLarge
        }
        _ => TableError::WorkbookDamaged,
    }
}
