//! File control information (文件控制信息), the answer to SELECT of a DF.
//!
//! Source: ISO/IEC 7816-4 5.3.3; PBOC `6F{84 name, A5{88 SFI, 9F0C issuer data}}`; tag `86` in `9F0C` names the algorithm.
//! Owns: name, SFI, algorithm. Never: fails on tags that it does not know.

use iso7816_tlv::ber::{Tag, Tlv, Value};

use crate::limits::{FCI_BYTES_MAX, TLV_DEPTH_MAX};

/// Bytes that `84{name}`, `A5` and `9F0C03 86 01 xx` take in an FCI beside the name itself: a shorter one names no algorithm.
pub const WITH_ALGORITHM: usize = 2 + 2 + 2 + 6;

/// What an FCI says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fci {
    /// `84`: DF name.
    pub df_name: Vec<u8>,
    /// `88`: SFI of the directory or log file.
    pub sfi: Option<u8>,
    /// `9F0C` → `86` → `01 xx`: the algorithm of the card.
    pub algorithm: Option<AlgorithmId>,
}

/// Algorithm byte of the FCI (算法标识).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub struct AlgorithmId(pub u8);

impl AlgorithmId {
    /// DES and 3DES.
    pub const TDES: Self = Self(0x01);
    /// SSF33, not public.
    pub const SSF33: Self = Self(0x02);
    /// SM4 (GB/T 32907).
    pub const SM4: Self = Self(0x03);
}

/// Bytes that are not an FCI.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the answer to SELECT is not an FCI (tag 6F)")]
pub struct NotFci;

impl Fci {
    /// Reads `6F{…}`. Unknown inner tags are passed over.
    ///
    /// # Errors
    /// [`NotFci`] when the bytes are not one BER-TLV with tag `6F`, or more than a short answer holds.
    pub fn parse(bytes: &[u8]) -> Result<Self, NotFci> {
        if bytes.len() > FCI_BYTES_MAX {
            return Err(NotFci);
        }
        let (parsed, _) = Tlv::parse(bytes);
        let template = parsed.map_err(|_| NotFci)?;
        if template.tag().to_bytes() != [0x6F] {
            return Err(NotFci);
        }
        let mut fci = Self::default();
        fci.walk(&template, 0);
        Ok(fci)
    }

    fn walk(&mut self, node: &Tlv, depth: usize) {
        if depth > TLV_DEPTH_MAX {
            return;
        }
        match (node.tag().to_bytes(), node.value()) {
            (_, Value::Constructed(children)) => children.iter().for_each(|child| self.walk(child, depth + 1)),
            ([0x84], Value::Primitive(name)) => self.df_name.clone_from(name),
            ([0x88], Value::Primitive(sfi)) => self.sfi = sfi.first().copied(),
            ([0x9F, 0x0C], Value::Primitive(issuer)) => self.walk_issuer_data(issuer),
            _ => {}
        }
    }

    /// `9F0C` is primitive by its tag, yet holds TLVs on social security cards: `86 01 xx` or `86 … 01 xx`.
    fn walk_issuer_data(&mut self, bytes: &[u8]) {
        let (Ok(inner), _) = Tlv::parse(bytes) else { return };
        if let (&[0x86], Value::Primitive(value)) = (inner.tag().to_bytes(), inner.value())
            && let Some(algorithm) = value.last()
        {
            self.algorithm = Some(AlgorithmId(*algorithm));
        }
    }

    /// The bytes of an FCI with these fields, as the card answers them; a directory without a name has no `84`.
    ///
    /// # Panics
    /// Never with names of 16 bytes or fewer, as ISO/IEC 7816-4 demands.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let tlv = |tag: u16, value: Value| Tlv::new(Tag::try_from(tag).expect("a constant tag"), value).expect("fits");
        let mut proprietary = Vec::new();
        if let Some(sfi) = self.sfi {
            proprietary.push(tlv(0x88, Value::Primitive(vec![sfi])));
        }
        if let Some(AlgorithmId(algorithm)) = self.algorithm {
            proprietary.push(tlv(0x9F0C, Value::Primitive(vec![0x86, 0x01, algorithm])));
        }
        let mut children = Vec::new();
        if !self.df_name.is_empty() {
            children.push(tlv(0x84, Value::Primitive(self.df_name.clone())));
        }
        if !proprietary.is_empty() {
            children.push(tlv(0xA5, Value::Constructed(proprietary)));
        }
        tlv(0x6F, Value::Constructed(children)).to_vec()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::ANSWER_BYTES_MAX;

    const FCI_2_0: &str = "6F16840F7378312E73682EC9E7BBE1B1A3D5CFA50388011E";

    #[test]
    fn the_fci_of_a_2_0_card_has_name_and_sfi_but_no_algorithm() {
        let fci = Fci::parse(&hex::decode(FCI_2_0).expect("hex")).expect("fci");
        assert_eq!(hex::encode_upper(&fci.df_name), "7378312E73682EC9E7BBE1B1A3D5CF");
        assert_eq!((fci.sfi, fci.algorithm), (Some(0x1E), None));
        assert_eq!(hex::encode_upper(fci.encode()), FCI_2_0);
    }

    #[test]
    fn the_algorithm_object_has_the_bytes_that_drivers_search_for() {
        let fci =
            Fci { algorithm: Some(AlgorithmId::TDES), ..Fci::parse(&hex::decode(FCI_2_0).expect("hex")).expect("fci") };
        let bytes = fci.encode();
        assert!(hex::encode_upper(&bytes).contains("9F0C03860101"));
        assert_eq!(Fci::parse(&bytes), Ok(fci));
    }

    #[test]
    fn the_shortest_fci_with_an_algorithm_has_the_length_by_which_it_is_asked_for() {
        let name = hex::decode("7378312E73682EC9E7BBE1B1A3D5CF").expect("hex");
        let shortest = Fci { df_name: name.clone(), sfi: None, algorithm: Some(AlgorithmId::SM4) }.encode();
        assert_eq!(shortest.len(), name.len() + WITH_ALGORITHM);
        assert!(hex::decode(FCI_2_0).expect("hex").len() < name.len() + WITH_ALGORITHM);
    }

    #[test]
    fn a_directory_without_a_name_answers_no_name() {
        let fci = Fci { sfi: Some(0x1E), ..Fci::default() };
        assert_eq!(hex::encode_upper(fci.encode()), "6F05A50388011E");
        assert_eq!(hex::encode_upper(Fci::default().encode()), "6F00");
        assert_eq!([Fci::parse(&fci.encode()), Fci::parse(&[0x6F, 0x00])], [Ok(fci), Ok(Fci::default())]);
    }

    #[test]
    fn rubbish_is_not_an_fci() {
        for bytes in [&[][..], &[0x6F], &[0x6F, 0x05, 0x84], &[0x84, 0x01, 0x00], &[0x6F, 0x84, 0xFF, 0xFF, 0xFF, 0xFF]]
        {
            assert_eq!(Fci::parse(bytes), Err(NotFci));
        }
    }

    #[test]
    fn nesting_without_end_does_not_overflow_the_stack() {
        for length in (0..=FCI_BYTES_MAX).step_by(2).chain([ANSWER_BYTES_MAX]) {
            assert_eq!(Fci::parse(&[0x6F, 0x7F].repeat(length / 2)), Err(NotFci), "{length}");
        }
    }
}
