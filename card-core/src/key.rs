//! Keys in memory: no `Debug`, no copies left behind.
//!
//! Owns: the key bytes and their wiping. Never: prints, serializes or compares them in variable time.

use std::fmt;

use zeroize::{Zeroize, ZeroizeOnDrop};

/// A two-key 3DES key (16 bytes). An 8-byte key is held as twice the same half, which makes 3DES equal to DES.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct Key16([u8; 16]);

/// A single-DES key (8 bytes): session keys and folded keys.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct Key8([u8; 8]);

impl Key16 {
    /// Takes key bytes.
    #[must_use]
    pub const fn new(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// An 8-byte key as both halves.
    #[must_use]
    pub fn from_half(half: &Key8) -> Self {
        let mut bytes = [0; 16];
        let (left, right) = bytes.split_at_mut(8);
        left.copy_from_slice(&half.0);
        right.copy_from_slice(&half.0);
        Self(bytes)
    }

    /// The key bytes, for the primitive or the vault that needs them. Call sites are few and reviewed.
    #[must_use]
    pub const fn expose(&self) -> &[u8; 16] {
        &self.0
    }

    /// Left half.
    #[must_use]
    pub fn left(&self) -> Key8 {
        Key8(*self.0.first_chunk().expect("16 bytes have a left half"))
    }

    /// Right half.
    #[must_use]
    pub fn right(&self) -> Key8 {
        Key8(*self.0.last_chunk().expect("16 bytes have a right half"))
    }

    /// Left half xor right half: the TAC key of PBOC.
    #[must_use]
    pub fn fold(&self) -> Key8 {
        let mut folded = self.left();
        folded.0.iter_mut().zip(&self.right().0).for_each(|(left, right)| *left ^= right);
        folded
    }
}

impl Key8 {
    /// Takes key bytes.
    #[must_use]
    pub const fn new(bytes: [u8; 8]) -> Self {
        Self(bytes)
    }

    /// The key bytes, for the primitive that needs them.
    #[must_use]
    pub const fn expose(&self) -> &[u8; 8] {
        &self.0
    }
}

impl fmt::Debug for Key16 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key16(..)")
    }
}

impl fmt::Debug for Key8 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key8(..)")
    }
}
