//! One byte spelling for what is hashed and signed.
//!
//! Owns: the writer. Every field has a fixed width or a length in front, so no two values share a spelling.
//! Never: reads; depends on JSON, whose spelling is free.
//! Units: numbers big-endian; lengths in 4 bytes.

use crate::fen::Fen;
use crate::id::Digest;

/// Collects fields.
pub(crate) struct Writer {
    bytes: Vec<u8>,
}

impl Writer {
    /// Starts with a name that separates kinds and versions of content.
    pub(crate) fn new(domain: &str) -> Self {
        Self { bytes: Vec::with_capacity(256) }.text(domain)
    }

    pub(crate) fn byte(mut self, value: u8) -> Self {
        self.bytes.push(value);
        self
    }

    pub(crate) fn fixed(mut self, value: &[u8]) -> Self {
        self.bytes.extend(value);
        self
    }

    pub(crate) fn text(self, value: &str) -> Self {
        let length = u32::try_from(value.len()).expect("texts of this house are bounded far below 4 GiB");
        self.fixed(&length.to_be_bytes()).fixed(value.as_bytes())
    }

    pub(crate) fn u16(self, value: u16) -> Self {
        self.fixed(&value.to_be_bytes())
    }

    pub(crate) fn u32(self, value: u32) -> Self {
        self.fixed(&value.to_be_bytes())
    }

    pub(crate) fn u64(self, value: u64) -> Self {
        self.fixed(&value.to_be_bytes())
    }

    pub(crate) fn fen(self, value: Fen) -> Self {
        self.fixed(&value.get().to_be_bytes())
    }

    pub(crate) fn finish(self) -> Vec<u8> {
        self.bytes
    }

    pub(crate) fn digest(self) -> Digest {
        Digest::of(&self.bytes)
    }
}
