//! A long file sealed under a passphrase of its own, written and read as a stream.
//!
//! ```text
//! issuer sealed 1 KIND argon2id KIB PASSES LANES SALT aes-256-gcm NONCE   one line, authenticated with every part
//! part(65536) ‖ tag(16) …                                                 the last part may be shorter, or empty
//! ```
//! Source: Argon2id (RFC 9106); AES-256-GCM (NIST SP 800-38D); parts numbered and the last one marked in the nonce (the STREAM
//! construction of Hoang, Reyhanitabar, Rogaway and Vizár), so that none can be changed, moved, or cut off at the end.
//! Owns: the bytes of such a file. Never: knows what is in it; gives out bytes that were not authenticated.
//! Units: bytes.

use std::io::{self, Read, Write};

use ring::aead::{Aad, LessSafeKey, NONCE_LEN, Nonce};
use ring::rand::{SecureRandom, SystemRandom};
use zeroize::Zeroizing;

use super::VaultError;
use super::seal::{LANES, MEMORY_KIB, PASSES, derive};

/// Open bytes of a part.
const PART: usize = 1 << 16;
/// Bytes of a tag.
const TAG: usize = 16;
/// Random bytes of a nonce; behind them the number of the part (4) and the mark of the last one.
const PREFIX: usize = NONCE_LEN - 5;
/// Longest first line.
const HEAD_MAX: u64 = 512;

/// What was found wrong with a stream; carried by [`io::Error`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    /// It was altered, or cut off.
    #[error("the sealed file was altered or cut off")]
    Altered,
    /// It has more parts than a nonce can number.
    #[error("the sealed file is too long")]
    TooLong,
}

struct Parts {
    key: LessSafeKey,
    head: Vec<u8>,
    prefix: [u8; PREFIX],
    number: u32,
}

impl Parts {
    fn nonce(&mut self, last: bool) -> io::Result<Nonce> {
        let mut nonce = [0; NONCE_LEN];
        let (prefix, rest) = nonce.split_at_mut(PREFIX);
        prefix.copy_from_slice(&self.prefix);
        let (number, mark) = rest.split_at_mut(4);
        number.copy_from_slice(&self.number.to_be_bytes());
        mark.fill(u8::from(last));
        self.number = self.number.checked_add(1).ok_or_else(|| io::Error::other(Broken::TooLong))?;
        Ok(Nonce::assume_unique_for_key(nonce))
    }
}

/// Seals what is written to it. Without [`Sealer::finish`] the file is cut off, and says so when it is read.
pub struct Sealer<W> {
    out: W,
    parts: Parts,
    part: Zeroizing<Vec<u8>>,
}

impl<W: Write> Sealer<W> {
    /// Begins a file of this kind.
    ///
    /// # Errors
    /// [`VaultError::NoRandom`], or what the system says.
    pub fn begin(mut out: W, kind: &str, passphrase: &str) -> Result<io::Result<Self>, VaultError> {
        let random = SystemRandom::new();
        let (mut salt, mut prefix) = ([0; 16], [0; PREFIX]);
        random.fill(&mut salt).and_then(|()| random.fill(&mut prefix)).map_err(|_| VaultError::NoRandom)?;
        let key =
            derive(passphrase, &salt, MEMORY_KIB, PASSES, LANES).expect("our own parameters are within their bounds");
        let (salt, nonce) = (hex::encode_upper(salt), hex::encode_upper(prefix));
        let head =
            format!("issuer sealed 1 {kind} argon2id {MEMORY_KIB} {PASSES} {LANES} {salt} aes-256-gcm {nonce}\n");
        Ok(out.write_all(head.as_bytes()).map(|()| {
            let parts = Parts { key, head: head.into_bytes(), prefix, number: 0 };
            Self { out, parts, part: Zeroizing::new(Vec::with_capacity(PART + TAG)) }
        }))
    }

    /// Seals the last part; what was written to.
    ///
    /// # Errors
    /// What the system says.
    pub fn finish(mut self) -> io::Result<W> {
        self.seal(true)?;
        self.out.flush()?;
        Ok(self.out)
    }

    fn seal(&mut self, last: bool) -> io::Result<()> {
        let nonce = self.parts.nonce(last)?;
        let aad = Aad::from(&self.parts.head);
        self.parts
            .key
            .seal_in_place_append_tag(nonce, aad, &mut *self.part)
            .expect("a part is far below the limit of AES-GCM");
        self.out.write_all(&self.part)?;
        self.part.clear();
        Ok(())
    }
}

impl<W: Write> Write for Sealer<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // A full part waits for another byte: the last one is marked.
        if self.part.len() == PART && !bytes.is_empty() {
            self.seal(false)?;
        }
        let taken = bytes.get(..PART - self.part.len()).unwrap_or(bytes);
        self.part.extend_from_slice(taken);
        Ok(taken.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// Opens such a file.
pub struct Opener<R> {
    input: R,
    parts: Parts,
    /// Sealed bytes read ahead.
    ahead: Vec<u8>,
    part: Zeroizing<Vec<u8>>,
    at: usize,
    ended: bool,
}

impl<R: Read> Opener<R> {
    /// Reads the head and the first part; `None` when it is no such file, of another kind, or asks for more than a machine has.
    ///
    /// # Errors
    /// [`VaultError::NotOpened`] for another passphrase, or a first part that was altered.
    pub fn begin(mut input: R, kind: &str, passphrase: &str) -> io::Result<Option<Result<Self, VaultError>>> {
        let mut head = Vec::new();
        while head.last() != Some(&b'\n') {
            let mut byte = [0];
            if u64::try_from(head.len()).is_ok_and(|length| length > HEAD_MAX) || input.read(&mut byte)? == 0 {
                return Ok(None);
            }
            head.extend(byte);
        }
        let Some((key, prefix)) = keyed(&head, kind, passphrase) else { return Ok(None) };
        let parts = Parts { key, head, prefix, number: 0 };
        let part = Zeroizing::new(Vec::new());
        let mut opener = Self { input, parts, ahead: Vec::new(), part, at: 0, ended: false };
        match opener.next() {
            Ok(()) => Ok(Some(Ok(opener))),
            Err(error) if broken(&error).is_some() => Ok(Some(Err(VaultError::NotOpened))),
            Err(error) => Err(error),
        }
    }

    fn next(&mut self) -> io::Result<()> {
        let mut sealed = std::mem::take(&mut self.ahead);
        // One byte more than a part tells whether it is the last.
        let wanted = PART + TAG + 1 - sealed.len();
        Read::by_ref(&mut self.input).take(u64::try_from(wanted).unwrap_or(0)).read_to_end(&mut sealed)?;
        self.ended = sealed.len() <= PART + TAG;
        if !self.ended {
            self.ahead.extend(sealed.pop());
        }
        let nonce = self.parts.nonce(self.ended)?;
        let altered = |_| io::Error::other(Broken::Altered);
        let aad = Aad::from(&self.parts.head);
        let length = self.parts.key.open_in_place(nonce, aad, &mut sealed).map_err(altered)?.len();
        sealed.truncate(length);
        (self.part, self.at) = (Zeroizing::new(sealed), 0);
        Ok(())
    }
}

impl<R: Read> Read for Opener<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.at == self.part.len() && !self.ended {
            self.next()?;
        }
        let mut rest = self.part.get(self.at..).unwrap_or_default();
        let read = rest.read(out)?;
        self.at += read;
        Ok(read)
    }
}

/// What is wrong with the stream that an error came from.
#[must_use]
pub fn broken(error: &io::Error) -> Option<Broken> {
    error.get_ref().and_then(|inner| inner.downcast_ref::<Broken>()).copied()
}

fn keyed(head: &[u8], kind: &str, passphrase: &str) -> Option<(LessSafeKey, [u8; PREFIX])> {
    let words: Vec<&str> = std::str::from_utf8(head).ok()?.trim_end().split(' ').collect();
    let ["issuer", "sealed", "1", found, "argon2id", memory, passes, lanes, salt, "aes-256-gcm", prefix] = words[..]
    else {
        return None;
    };
    if found != kind {
        return None;
    }
    let salt = hex::decode(salt).ok()?;
    let key = derive(passphrase, &salt, memory.parse().ok()?, passes.parse().ok()?, lanes.parse().ok()?)?;
    Some((key, hex::decode(prefix).ok()?.try_into().ok()?))
}

impl<W> std::fmt::Debug for Sealer<W> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Sealer(..)")
    }
}

impl<R> std::fmt::Debug for Opener<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Opener(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sealed(plain: &[u8]) -> Vec<u8> {
        let mut sealer = Sealer::begin(Vec::new(), "test", "p").expect("random").expect("memory");
        // In pieces that fit no part.
        plain.chunks(1_000).for_each(|piece| sealer.write_all(piece).expect("memory"));
        sealer.finish().expect("memory")
    }

    fn opened(sealed: &[u8], passphrase: &str) -> Option<Vec<u8>> {
        let mut plain = Vec::new();
        let mut opener = Opener::begin(sealed, "test", passphrase).expect("memory")?.ok()?;
        opener.read_to_end(&mut plain).ok().map(|_| plain)
    }

    #[test]
    fn every_length_around_a_part_comes_back() {
        for length in [0, 1, PART - 1, PART, PART + 1, 2 * PART, 2 * PART + 77] {
            let plain: Vec<u8> = (0..length).map(|n| u8::try_from(n % 251).expect("small")).collect();
            assert_eq!(opened(&sealed(&plain), "p"), Some(plain), "{length}");
        }
    }

    #[test]
    fn a_byte_changed_a_part_moved_or_an_end_cut_off_is_seen() {
        let good = sealed(&vec![7; 2 * PART + 50]);
        let head = good.iter().position(|byte| *byte == b'\n').expect("a head") + 1;
        let full = PART + TAG;
        // A key costs a tenth of a second: every part's edges, and bytes of the head.
        for at in [0, 17, 30, head - 2, head, head + 9, head + full - 1, head + full, head + 2 * full, good.len() - 1] {
            let mut altered = good.clone();
            altered[at] ^= 1;
            assert_eq!(opened(&altered, "p"), None, "byte {at}");
        }
        for cut in [head - 1, head, head + full, head + full + 5, head + 2 * full, good.len() - 1] {
            assert_eq!(opened(&good[..cut], "p"), None, "cut at {cut}");
        }
        let swapped =
            [&good[..head], &good[head + full..head + 2 * full], &good[head..head + full], &good[head + 2 * full..]];
        assert_eq!(opened(&swapped.concat(), "p"), None);
        assert_eq!(opened(&[&good[..], b"x"].concat(), "p"), None);
        assert_eq!(opened(&good, "q"), None);
        assert!(opened(&good, "p").is_some());
    }

    #[test]
    fn a_head_that_asks_for_more_than_a_machine_has_is_no_file_of_ours() {
        let text = "issuer sealed 1 test argon2id 4194304000 2 1 00112233445566778899AABBCCDDEEFF aes-256-gcm 00112233445566\nx";
        assert!(Opener::begin(text.as_bytes(), "test", "p").expect("memory").is_none());
        assert!(Opener::begin(&[b'a'; 9_000][..], "test", "p").expect("memory").is_none());
        assert!(Opener::begin(&sealed(b"x")[..], "other", "p").expect("memory").is_none());
    }
}
