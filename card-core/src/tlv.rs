//! Record TLV: Tag (1 byte), Length (1 byte), Value, as record files of the card hold it.
//!
//! Source: LD/T 32 record files; ISO/IEC 7816-4 5.2 (SIMPLE-TLV).
//! Owns: splitting and joining. Never: knows what a tag means (`card-profiles`), allocates while reading, panics.
//! Units: offsets and lengths are bytes from the start of the slice given.
#![warn(clippy::indexing_slicing)]

/// One record or inner item.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Tlv<'a> {
    /// Tag byte.
    pub tag: u8,
    /// Value, without tag and length.
    pub value: &'a [u8],
}

/// A tag or a value that ends outside the slice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("TLV at byte {offset} announces {announced} bytes, {present} are there")]
pub struct Truncated {
    /// Where the item starts.
    pub offset: usize,
    /// Bytes that it announces (tag and length included).
    pub announced: usize,
    /// Bytes that follow its start.
    pub present: usize,
}

/// Reads items one after the other; stops after the first truncated one.
#[derive(Clone, Debug)]
pub struct Items<'a> {
    bytes: &'a [u8],
    offset: usize,
}

/// The items of `bytes`, in order.
#[must_use]
pub const fn items(bytes: &[u8]) -> Items<'_> {
    Items { bytes, offset: 0 }
}

impl<'a> Iterator for Items<'a> {
    type Item = Result<Tlv<'a>, Truncated>;

    fn next(&mut self) -> Option<Self::Item> {
        let rest = self.bytes.get(self.offset..)?;
        if rest.is_empty() {
            return None;
        }
        let announced = 2 + rest.get(1).map_or(0, |length| usize::from(*length));
        let Some((tag, value)) = rest.first().zip(rest.get(2..announced)) else {
            let offset = self.offset;
            self.offset = self.bytes.len();
            return Some(Err(Truncated { offset, announced, present: rest.len() }));
        };
        self.offset += announced;
        Some(Ok(Tlv { tag: *tag, value }))
    }
}

/// Tag, length, value as one vector.
///
/// # Panics
/// When `value` is longer than 255 bytes: the length of a record is one byte, and profiles are checked for it at load.
#[must_use]
pub fn encode(tag: u8, value: &[u8]) -> Vec<u8> {
    let length = u8::try_from(value.len()).expect("profiles hold no value longer than 255 bytes");
    [&[tag, length], value].concat()
}

impl std::fmt::Debug for Tlv<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:02X} [{} bytes]", self.tag, self.value.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_records_of_a_real_card_split() {
        let bytes =
            hex::decode("0110430299D156000005000000133A05F2E302013303043 22E3000".replace(' ', "")).expect("hex");
        let tags: Vec<u8> = items(&bytes).map(|item| item.expect("whole").tag).collect();
        assert_eq!(tags, [1, 2, 3]);
    }

    proptest! {
        #[test]
        fn encoded_items_read_back(parts in prop::collection::vec((any::<u8>(), prop::collection::vec(any::<u8>(), 0..=255)), 0..8)) {
            let bytes: Vec<u8> = parts.iter().flat_map(|(tag, value)| encode(*tag, value)).collect();
            let read: Vec<(u8, Vec<u8>)> = items(&bytes).map(|item| item.map(|i| (i.tag, i.value.to_vec())).expect("whole")).collect();
            prop_assert_eq!(read, parts);
        }

        #[test]
        fn any_bytes_end_and_never_read_past_the_slice(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
            let mut used = 0;
            for item in items(&bytes) {
                match item {
                    Ok(item) => used += 2 + item.value.len(),
                    Err(truncated) => prop_assert!(truncated.offset == used && truncated.announced > truncated.present),
                }
            }
            prop_assert!(used <= bytes.len());
        }
    }
}
