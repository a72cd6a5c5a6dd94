//! The commands of the card, one constructor each, faithful to the standard and without memory.
//!
//! Source: LD/T 32.5-2015 command list; ISO/IEC 7816-4; PSAM commands from published driver sequences.
//! Owns: CLA INS P1 P2 and the shape of the data field.
//! Never: sends (`session`), computes cryptograms (`security`), knows the account commands (data of the profile).

use crate::apdu::Command;

/// How READ RECORD and UPDATE RECORD find a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Record {
    /// By record identifier: the first record with this tag (P2 mode 0).
    Tag(u8),
    /// By record number, from 1 (P2 mode 4).
    Number(u8),
    /// All records from this number on (P2 mode 5; READ RECORD only).
    AllFrom(u8),
}

impl Record {
    const fn p1(self) -> u8 {
        match self {
            Self::Tag(p1) | Self::Number(p1) | Self::AllFrom(p1) => p1,
        }
    }

    const fn mode(self) -> u8 {
        match self {
            Self::Tag(_) => 0,
            Self::Number(_) => 4,
            Self::AllFrom(_) => 5,
        }
    }
}

/// SELECT (选择文件) by DF name.
///
/// | CLA | INS | P1 | P2 | Lc | Data | Le |
/// |-----|-----|----|----|----|------|----|
/// | 00  | A4  | 04 | 00 | n  | name | –  |
///
/// Answers the FCI when [`Command::with_le`] asks for it. Status: `6A82` no such application.
#[must_use]
pub fn select_by_name(name: &[u8]) -> Command {
    Command::new(0x00, 0xA4, 0x04, 0x00).with_data(name)
}

/// SELECT a DF or EF by file identifier: `00 A4 00 00 02 FID`.
#[must_use]
pub fn select_by_fid(fid: u16) -> Command {
    Command::new(0x00, 0xA4, 0x00, 0x00).with_data(fid.to_be_bytes())
}

/// READ RECORD (读记录): `00 B2 P1 P2 Le`, P2 = SFI × 8 + mode; SFI 0 is the current file.
///
/// A tagged record answers with its tag and length: `le` = value length + 2.
/// Status: `6982` read condition, `6A82` no such file, `6A83` no such record.
#[must_use]
pub fn read_record(sfi: u8, record: Record, le: u16) -> Command {
    Command::new(0x00, 0xB2, record.p1(), (sfi & 0x1F) << 3 | record.mode()).with_le(le)
}

/// UPDATE RECORD (修改记录): `00 DC P1 P2 Lc Tag Len Value`.
///
/// Status: `6982` update condition, `6A83` no such record, `6700` length differs from the record's.
#[must_use]
pub fn update_record(sfi: u8, record: Record, bytes: &[u8]) -> Command {
    Command::new(0x00, 0xDC, record.p1(), (sfi & 0x1F) << 3 | record.mode()).with_data(bytes)
}

/// READ BINARY (读二进制) of the current file: `00 B0 offset Le`.
#[must_use]
pub fn read_binary(offset: u16, le: u16) -> Command {
    let [p1, p2] = offset.to_be_bytes();
    Command::new(0x00, 0xB0, p1, p2).with_le(le)
}

/// READ BINARY by SFI: `00 B0 80+SFI offset Le`; selects the file.
#[must_use]
pub fn read_binary_sfi(sfi: u8, offset: u8, le: u16) -> Command {
    Command::new(0x00, 0xB0, 0x80 | (sfi & 0x1F), offset).with_le(le)
}

/// UPDATE BINARY (修改二进制) of the current file: `00 D6 offset Lc data`.
#[must_use]
pub fn update_binary(offset: u16, bytes: &[u8]) -> Command {
    let [p1, p2] = offset.to_be_bytes();
    Command::new(0x00, 0xD6, p1, p2).with_data(bytes)
}

/// UPDATE BINARY by SFI: `00 D6 80+SFI offset Lc data`; selects the file.
#[must_use]
pub fn update_binary_sfi(sfi: u8, offset: u8, bytes: &[u8]) -> Command {
    Command::new(0x00, 0xD6, 0x80 | (sfi & 0x1F), offset).with_data(bytes)
}

/// GET CHALLENGE (取随机数): `00 84 00 00 Le`, Le 04, 08 or 10. Good for the next command only.
#[must_use]
pub fn get_challenge(le: u16) -> Command {
    Command::new(0x00, 0x84, 0x00, 0x00).with_le(le)
}

/// GET RESPONSE (取响应数据): `00 C0 00 00 Le`; T=0 only, sent by the session.
#[must_use]
pub fn get_response(le: u16) -> Command {
    Command::new(0x00, 0xC0, 0x00, 0x00).with_le(le)
}

/// INTERNAL AUTHENTICATION (内部认证): the card proves that it holds IRK.
///
/// | CLA | INS | P1 | P2 | Lc | Data              | Le |
/// |-----|-----|----|----|----|-------------------|----|
/// | 00  | 88  | 00 | 00 | 10 | factor(8) data(8) | 08 |
///
/// Answers DES(SK, data) with SK = 3DES(IRK, factor).
#[must_use]
pub fn internal_authenticate(factor: [u8; 8], data: [u8; 8]) -> Command {
    Command::new(0x00, 0x88, 0x00, 0x00).with_data([factor, data].concat()).with_le(8)
}

/// EXTERNAL AUTHENTICATION (外部认证): the terminal proves that it holds `key`.
///
/// | CLA | INS | P1 | P2  | Lc | Data             | Le |
/// |-----|-----|----|-----|----|------------------|----|
/// | 00  | 82  | 00 | key | 10 | auth(8) plain(8) | –  |
///
/// Status: `9000` proved; `63Cx` refused, x tries left; `6983` blocked; `6984` no challenge; `6A88` no such key.
/// Before: GET CHALLENGE (8) as the very last command. After: grants files whose rule names `key`.
#[must_use]
pub fn external_authenticate(key: u8, auth: [u8; 8], plain: [u8; 8]) -> Command {
    Command::new(0x00, 0x82, 0x00, key).with_data([auth, plain].concat())
}

/// EXTERNAL AUTHENTICATION of a purse: the key itself enciphered the challenge.
///
/// | CLA | INS | P1 | P2  | Lc | Data    | Le |
/// |-----|-----|----|-----|----|---------|----|
/// | 00  | 82  | 00 | key | 08 | auth(8) | –  |
///
/// Status and order as [`external_authenticate`]; the challenge has 8 bytes, or 4 completed with zeros.
/// Source: COS manual; published example.
#[must_use]
pub fn external_authenticate_whole(key: u8, auth: [u8; 8]) -> Command {
    Command::new(0x00, 0x82, 0x00, key).with_data(auth)
}

/// What a card does with the data of a purse's INTERNAL AUTHENTICATION; the byte is P1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Internal {
    /// Enciphers whole blocks (key type 30).
    Encipher,
    /// Deciphers whole blocks (key type 31).
    Decipher,
    /// Answers a MAC of 4 bytes (key type 32).
    Mac,
}

impl Internal {
    /// All of them, in the order of P1.
    pub const ALL: [Self; 3] = [Self::Encipher, Self::Decipher, Self::Mac];

    /// P1.
    #[must_use]
    pub const fn p1(self) -> u8 {
        match self {
            Self::Encipher => 0x00,
            Self::Decipher => 0x01,
            Self::Mac => 0x02,
        }
    }
}

/// INTERNAL AUTHENTICATION of a purse.
///
/// | CLA | INS | P1  | P2  | Lc | Data | Le |
/// |-----|-----|-----|-----|----|------|----|
/// | 00  | 88  | use | key | n  | data | n; 04 for a MAC |
///
/// Source: COS manual.
///
/// # Panics
/// As [`Command::with_data`], when `data` is longer than 255 bytes.
#[must_use]
pub fn internal_authenticate_whole(what: Internal, key: u8, data: &[u8]) -> Command {
    let command = Command::new(0x00, 0x88, what.p1(), key).with_data(data);
    let le = match what {
        Internal::Mac => 4,
        Internal::Encipher | Internal::Decipher => u16::try_from(data.len()).expect("a short data field"),
    };
    command.with_le(le)
}

/// EXTERNAL or INTERNAL AUTHENTICATION with the version of the key as its last data byte (Lc 11 on SM4 cards).
#[must_use]
pub fn with_key_version(command: Command, version: u8) -> Command {
    let data = [command.data(), &[version]].concat();
    command.with_data(data)
}

/// VERIFY (校验口令): `00 20 00 00 Lc PIN`, PIN as BCD. Status: `63Cx` wrong, x tries left; `6983` blocked.
#[must_use]
pub fn verify(pin_bcd: &[u8]) -> Command {
    Command::new(0x00, 0x20, 0x00, 0x00).with_data(pin_bcd).secret()
}

/// VERIFY without data: asks for the tries left (ISO/IEC 7816-4 7.5.6). Not documented for this card; only where the profile
/// says that the card knows it.
#[must_use]
pub fn ask_pin_tries() -> Command {
    Command::new(0x00, 0x20, 0x00, 0x00)
}

/// CHANGE PIN (修改口令): `80 5E 01 00 Lc old FF new`, PINs as BCD.
#[must_use]
pub fn change_pin(old_bcd: &[u8], new_bcd: &[u8]) -> Command {
    Command::new(0x80, 0x5E, 0x01, 0x00).with_data([old_bcd, &[0xFF], new_bcd].concat()).secret()
}

/// UNBLOCK PIN (口令解锁): `84 24 00 00 04 MAC`, after EXTERNAL AUTHENTICATION with PUK.
#[must_use]
pub fn unblock_pin(mac: [u8; 4]) -> Command {
    Command::new(0x84, 0x24, 0x00, 0x00).with_data(mac)
}

/// RELOAD PIN (重装口令): `84 24 00 01 Lc E MAC`, after EXTERNAL AUTHENTICATION with PUK; E is the encrypted PIN block.
#[must_use]
pub fn reload_pin(encrypted_block: &[u8], mac: [u8; 4]) -> Command {
    Command::new(0x84, 0x24, 0x00, 0x01).with_data([encrypted_block, &mac].concat()).secret()
}

/// PSAM: derive a session key: `BF DE usage id Lc factors random`, factors from the card's upwards.
#[must_use]
pub fn psam_derive(usage: u8, id: u8, factors_and_random: &[u8]) -> Command {
    Command::new(0xBF, 0xDE, usage, id).with_data(factors_and_random)
}

/// PSAM: encipher with the derived session key: `80 FA 00 00 Lc data`, answers as many bytes.
#[must_use]
pub fn psam_encipher(data: &[u8]) -> Command {
    let le = u16::try_from(data.len()).expect("a short data field");
    Command::new(0x80, 0xFA, 0x00, 0x00).with_data(data).with_le(le)
}

/// PSAM: MAC with the derived session key: `80 FA 05 00 Lc IV data`, data already padded; answers one block.
#[must_use]
pub fn psam_mac(iv: &[u8], padded: &[u8]) -> Command {
    let le = u16::try_from(iv.len()).expect("an initial value is one block");
    Command::new(0x80, 0xFA, 0x05, 0x00).with_data([iv, padded].concat()).with_le(le)
}

/// PSAM: INIT SAM FOR PURCHASE of the social security card, answers terminal sequence (4) and MAC1 (4).
///
/// `80 70 01 00 Lc`: card random (4), card sequence (2), three amounts (12), type (1), date and time (7),
/// key version (1), algorithm (1), then 8-byte factors from the card's upwards. Lc `2C` with two factors, `24` with one.
#[must_use]
pub fn psam_init_purchase(fields: &[u8], factors: &[[u8; 8]]) -> Command {
    Command::new(0x80, 0x70, 0x01, 0x00).with_data([fields, factors.as_flattened()].concat()).with_le(8)
}

/// PSAM: CREDIT SAM FOR PURCHASE: `80 72 00 00 04 MAC2`. Status: `9302` MAC2 wrong. Only directly after `80 70`.
#[must_use]
pub fn psam_credit_purchase(mac2: [u8; 4]) -> Command {
    Command::new(0x80, 0x72, 0x00, 0x00).with_data(mac2)
}

/// PSAM of the construction ministry: `80 CA 00 00 09`, its security authentication code (安全认证码), 9 bytes.
#[must_use]
pub const fn psam_authentication_code() -> Command {
    Command::new(0x80, 0xCA, 0x00, 0x00).with_le(9)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::apdu::Protocol;

    fn bytes(command: &Command) -> String {
        hex::encode_upper(command.encode(Protocol::T0))
    }

    #[test]
    fn commands_have_the_bytes_of_published_sequences() {
        assert_eq!(bytes(&read_record(5, Record::Tag(0x07), 11)), "00B207280B");
        assert_eq!(bytes(&read_record(0, Record::Number(1), 0)), "00B2010400");
        assert_eq!(bytes(&read_record(0, Record::AllFrom(1), 255)), "00B20105FF");
        assert_eq!(bytes(&read_record(8, Record::Number(1), 28)), "00B201441C");
        assert_eq!(bytes(&update_record(5, Record::Tag(5), &[5, 4, 0x20, 0x26, 1, 1])), "00DC052806050420260101");
        assert_eq!(bytes(&verify(&[0x12, 0x34, 0x56])), "0020000003123456");
        assert_eq!(bytes(&change_pin(&[0x12, 0x34, 0x56], &[0x65, 0x43, 0x21])), "805E010007123456FF654321");
        assert_eq!(bytes(&read_binary_sfi(0x16, 0, 6)), "00B0960006");
        assert_eq!(bytes(&get_challenge(8)), "0084000008");
        assert_eq!(bytes(&psam_encipher(&[0; 8])), "80FA0000080000000000000000");
    }

    #[test]
    fn every_record_address_is_the_formula_of_the_standard() {
        for sfi in 0..32_u8 {
            for p1 in 0..=255_u8 {
                for (record, mode) in [(Record::Tag(p1), 0), (Record::Number(p1), 4), (Record::AllFrom(p1), 5)] {
                    let command = read_record(sfi, record, 1);
                    assert_eq!((command.p1, u16::from(command.p2)), (p1, u16::from(sfi) * 8 + mode));
                }
            }
        }
    }
}
