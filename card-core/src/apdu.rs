//! Command and response APDUs (命令报文, 响应报文).
//!
//! Source: ISO/IEC 7816-4 5.1; ISO/IEC 7816-3 10 and 12 for their shape on T=0 and T=1.
//! Owns: CLA INS P1 P2 Lc data Le and their bytes. Never: what a command means (`command`), how it travels (`transport`).
//! Units: lengths in bytes; only short APDUs (Lc ≤ 255, Le ≤ 256), the card's standard knows no others.

use std::fmt;

use crate::limits::COMMAND_DATA_MAX;
use crate::status::StatusWord;

/// How the card and the reader exchange bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// Character protocol: data travels in one direction a command; answers to data are fetched with GET RESPONSE.
    T0,
    /// Block protocol.
    T1,
}

/// A command APDU.
#[derive(Clone, PartialEq, Eq)]
pub struct Command {
    /// Class byte.
    pub cla: u8,
    /// Instruction byte.
    pub ins: u8,
    /// First parameter.
    pub p1: u8,
    /// Second parameter.
    pub p2: u8,
    data: Vec<u8>,
    le: Option<u16>,
    secret: bool,
}

impl Command {
    /// A command without data and without expected answer.
    #[must_use]
    pub const fn new(cla: u8, ins: u8, p1: u8, p2: u8) -> Self {
        Self { cla, ins, p1, p2, data: Vec::new(), le: None, secret: false }
    }

    /// With a data field.
    ///
    /// # Panics
    /// When `data` is longer than 255 bytes: a short APDU cannot carry it, and no caller may build one.
    #[must_use]
    pub fn with_data(mut self, data: impl Into<Vec<u8>>) -> Self {
        self.data = data.into();
        assert!(self.data.len() <= COMMAND_DATA_MAX, "the data field of a short APDU holds 255 bytes");
        self
    }

    /// A command with a data field whose length somebody else chose, a card or a file; `None` when it is longer than 255 bytes.
    #[must_use]
    pub fn carrying([cla, ins, p1, p2]: [u8; 4], data: &[u8]) -> Option<Self> {
        (data.len() <= COMMAND_DATA_MAX).then(|| Self::new(cla, ins, p1, p2).with_data(data))
    }

    /// With an expected answer of `le` bytes, 0 and 256 both meaning "all, up to 256".
    #[must_use]
    pub const fn with_le(mut self, le: u16) -> Self {
        self.le = Some(if le == 0 || le > 256 { 256 } else { le });
        self
    }

    /// Marks the data field as secret (PIN, key): it never appears in `Debug` or in a trace.
    #[must_use]
    pub const fn secret(mut self) -> Self {
        self.secret = true;
        self
    }

    /// The data field.
    #[must_use]
    pub fn data(&self) -> &[u8] {
        &self.data
    }

    /// Expected bytes (1 to 256), if an answer is wanted.
    #[must_use]
    pub const fn le(&self) -> Option<u16> {
        self.le
    }

    /// Whether the data field is secret.
    #[must_use]
    pub const fn is_secret(&self) -> bool {
        self.secret
    }

    /// CLA INS P1 P2.
    #[must_use]
    pub const fn header(&self) -> [u8; 4] {
        [self.cla, self.ins, self.p1, self.p2]
    }

    /// The bytes for the reader. On T=0 a command with data carries no Le: the answer is fetched with GET RESPONSE.
    #[must_use]
    pub fn encode(&self, protocol: Protocol) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(6 + self.data.len());
        bytes.extend(self.header());
        if !self.data.is_empty() {
            bytes.push(u8::try_from(self.data.len()).expect("checked in with_data"));
            bytes.extend(&self.data);
        }
        match self.le {
            Some(le) if self.data.is_empty() || protocol == Protocol::T1 => {
                bytes.push(u8::try_from(le & 0xFF).expect("masked to one byte"));
            }
            None if self.data.is_empty() && protocol == Protocol::T0 => bytes.push(0),
            _ => {}
        }
        bytes
    }
}

impl fmt::Debug for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02X}{:02X}{:02X}{:02X}", self.cla, self.ins, self.p1, self.p2)?;
        match (self.data.len(), self.secret) {
            (0, _) => {}
            (n, true) => write!(f, " [{n} secret bytes]")?,
            (n, false) => write!(f, " {n:02X} {}", hex::encode_upper(&self.data))?,
        }
        if let Some(le) = self.le {
            write!(f, " Le={le}")?;
        }
        Ok(())
    }
}

/// A response APDU. `Debug` shows lengths only: what a card answers may be personal.
#[derive(Clone, PartialEq, Eq)]
pub struct Response {
    /// Data before the status word.
    pub data: Vec<u8>,
    /// SW1-SW2.
    pub sw: StatusWord,
}

impl Response {
    /// Splits raw answer bytes into data and status word; `None` when fewer than two bytes came.
    #[must_use]
    pub fn parse(answer: &[u8]) -> Option<Self> {
        let (data, sw) = answer.split_last_chunk::<2>()?;
        Some(Self { data: data.to_vec(), sw: StatusWord(u16::from_be_bytes(*sw)) })
    }

    /// The data if the status word says done, else the status word.
    ///
    /// # Errors
    /// The status word, when it is neither `9000` nor `61xx`.
    pub fn ok(self) -> Result<Vec<u8>, StatusWord> {
        if self.sw.is_ok() { Ok(self.data) } else { Err(self.sw) }
    }
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes, {:?}", self.data.len(), self.sw)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn four_cases_have_the_bytes_of_iso_7816() {
        let bare = Command::new(0x00, 0x84, 0x00, 0x00);
        assert_eq!(hex::encode_upper(bare.encode(Protocol::T0)), "0084000000");
        assert_eq!(hex::encode_upper(bare.encode(Protocol::T1)), "00840000");
        let read = bare.clone().with_le(8);
        assert_eq!(hex::encode_upper(read.encode(Protocol::T0)), "0084000008");
        let write = Command::new(0x00, 0xA4, 0x00, 0x00).with_data([0xEF, 0x05]);
        assert_eq!(hex::encode_upper(write.encode(Protocol::T0)), "00A4000002EF05");
        let both = write.with_le(0);
        assert_eq!(hex::encode_upper(both.encode(Protocol::T0)), "00A4000002EF05");
        assert_eq!(hex::encode_upper(both.encode(Protocol::T1)), "00A4000002EF0500");
    }

    #[test]
    fn secret_data_is_not_in_debug() {
        let verify = Command::new(0x00, 0x20, 0x00, 0x00).with_data([0x12, 0x34, 0x56]).secret();
        assert_eq!(format!("{verify:?}"), "00200000 [3 secret bytes]");
    }

    #[test]
    fn a_response_needs_two_bytes() {
        assert!(Response::parse(&[]).is_none());
        assert!(Response::parse(&[0x90]).is_none());
        assert_eq!(Response::parse(&[1, 0x90, 0]).expect("three bytes").data, [1]);
    }
}
