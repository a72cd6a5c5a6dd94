//! Commands under secure messaging (安全报文): UNBLOCK and RELOAD PIN, APPLICATION BLOCK and UNBLOCK, CARD BLOCK.
//!
//! Source: PIN commands: three drivers and an HSM log (session key from the card's challenge, initial value zero); blocking:
//! INS and MAC of PBOC, which no source confirms for this card, so that the profile says which.
//! Owns: the message that the MAC covers and the bytes of the command. Never: decides who may block what.

use crate::apdu::Command;
use crate::crypto::Block;
use crate::pin::PinBcd;
use crate::security::{KeyRef, MacKey, SecurityError, SecurityModule};

/// Which key makes the MAC, and where it starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Messaging {
    /// Session key from a challenge of 8 bytes; the MAC starts from zeros (PIN commands of the social security card).
    Session,
    /// The key itself; the MAC starts from a challenge of so many bytes (4 or 8), completed with zeros (PBOC).
    Whole {
        /// Bytes of the challenge.
        challenge: u8,
    },
}

/// A command whose data field ends with a MAC.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecureCommand {
    /// CLA INS P1 P2.
    pub header: [u8; 4],
    /// Key that makes the MAC, and enciphers the PIN.
    pub key: KeyRef,
    /// How.
    pub messaging: Messaging,
    /// PIN carried, enciphered: as a PIN block with the session key, or as a message with the key itself.
    pub pin: Option<PinBcd>,
}

impl SecureCommand {
    /// UNBLOCK PIN (口令解锁): `84 24 00 00 04 MAC`, key STK of SSSE; after EXTERNAL AUTHENTICATION with PUK.
    #[must_use]
    pub const fn unblock_pin(key: KeyRef) -> Self {
        Self { header: [0x84, 0x24, 0x00, 0x00], key, messaging: Messaging::Session, pin: None }
    }

    /// RELOAD PIN (重装口令): `84 24 00 01 Lc E MAC`, key STK of SSSE; after EXTERNAL AUTHENTICATION with PUK.
    #[must_use]
    pub const fn reload_pin(key: KeyRef, pin: PinBcd) -> Self {
        Self { header: [0x84, 0x24, 0x00, 0x01], key, messaging: Messaging::Session, pin: Some(pin) }
    }

    /// PIN UNBLOCK of a purse (个人密码解锁): the PIN enciphered and authenticated by DPUK.
    #[must_use]
    pub const fn unblock_purse_pin(header: [u8; 4], key: KeyRef, pin: PinBcd, challenge: u8) -> Self {
        Self { header, key, messaging: Messaging::Whole { challenge }, pin: Some(pin) }
    }

    /// A command that carries nothing but its MAC: blocking and unblocking.
    #[must_use]
    pub const fn bare(header: [u8; 4], key: KeyRef, messaging: Messaging) -> Self {
        Self { header, key, messaging, pin: None }
    }

    /// Bytes of the challenge that goes before it.
    #[must_use]
    pub const fn challenge(&self) -> u8 {
        match self.messaging {
            Messaging::Session => 8,
            Messaging::Whole { challenge } => challenge,
        }
    }

    /// The command for a challenge, completed with zeros to 8 bytes.
    ///
    /// # Errors
    /// [`SecurityError`]; [`SecurityError::Unsupported`] when a PIN does not fit a block.
    pub fn command(&self, module: &mut dyn SecurityModule, challenge: Block) -> Result<Command, SecurityError> {
        let enciphered = match (&self.pin, self.messaging) {
            (None, _) => Vec::new(),
            (Some(pin), Messaging::Session) => {
                let block = self.key.form.rules.pin_block(pin.expose());
                let block = block.ok_or(SecurityError::Unsupported { operation: "put this PIN into one block" })?;
                module.encipher(&self.key, challenge, &block)?
            }
            (Some(pin), Messaging::Whole { .. }) => module.encipher_message(&self.key, pin.expose())?,
        };
        let [cla, ins, p1, p2] = self.header;
        let lc = u8::try_from(enciphered.len() + 4).expect("one block and a MAC");
        let message = [&[cla, ins, p1, p2, lc][..], &enciphered].concat();
        let mac = match self.messaging {
            Messaging::Session => module.mac(&self.key, MacKey::Message(challenge), [0; 8], &message)?,
            Messaging::Whole { .. } => module.mac(&self.key, MacKey::Whole, challenge, &message)?,
        };
        let command = Command::new(cla, ins, p1, p2).with_data([&enciphered[..], &mac].concat());
        Ok(if self.pin.is_some() { command.secret() } else { command })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::apdu::Protocol;
    use crate::crypto::CardKey;
    use crate::crypto::KeyForm;
    use crate::key::Key16;
    use crate::security::KeyName;
    use crate::security::keyring::KeyRing;

    fn module(key: &str, form: KeyForm) -> (KeyRing, KeyRef) {
        let (mut ring, name) = (KeyRing::new(), KeyName::new("STKSSSE"));
        ring.insert(name.clone(), 1, Key16::new(hex::decode(key).expect("hex").try_into().expect("16 bytes")));
        (ring, KeyRef { name, version: 1, path: Vec::new(), form })
    }

    fn bytes(command: &SecureCommand, ring: &mut KeyRing, challenge: &str) -> String {
        let challenge = hex::decode(challenge).expect("hex").try_into().expect("8 bytes");
        hex::encode_upper(command.command(ring, challenge).expect("command").encode(Protocol::T0))
    }

    #[test]
    fn pin_commands_of_a_des_card_have_the_bytes_computed_with_another_program() {
        let (mut ring, key) = module("0102030405060708FFFFFFFFFFFFFFFF", KeyForm::DES);
        let pin = PinBcd::parse("654321").expect("digits");
        let reload = SecureCommand::reload_pin(key.clone(), pin);
        assert_eq!(bytes(&reload, &mut ring, "1122334455667788"), "842400010CF1ACD2CC81993D9211CDCD81");
        assert_eq!(bytes(&SecureCommand::unblock_pin(key), &mut ring, "1122334455667788"), "8424000004DA1674C6");
    }

    #[test]
    fn a_pin_reload_of_an_sm4_card_has_the_length_of_the_published_command() {
        let (mut ring, key) = module("0123456789ABCDEFFEDCBA9876543210", KeyForm::SM4);
        let reload = SecureCommand::reload_pin(key, PinBcd::parse("123456").expect("digits"));
        let bytes = bytes(&reload, &mut ring, "1122334455667788");
        assert!(bytes.starts_with("8424000114") && bytes.len() == 50, "{bytes}");
    }

    #[test]
    fn blocking_commands_have_the_macs_of_the_published_examples() {
        // DAMK of the synthetic set, challenge 11223344; initial value 11223344 00000000.
        let (mut ring, key) = module("5B06B0BC65CD1F6C0E1DE701D6B89FA4", KeyForm::TDES);
        for (header, mac) in [
            ([0x84, 0x1E, 0x00, 0x00], "91907340"),
            ([0x84, 0x1E, 0x00, 0x01], "ADF7F1F2"),
            ([0x84, 0x18, 0x00, 0x00], "6565922D"),
            ([0x84, 0x16, 0x00, 0x00], "9253E4B2"),
        ] {
            let command = SecureCommand::bare(header, key.clone(), Messaging::Whole { challenge: 4 });
            let expected = format!("{}04{mac}", hex::encode_upper(header));
            assert_eq!(bytes(&command, &mut ring, "1122334400000000"), expected);
        }
    }

    #[test]
    fn a_pin_is_never_sent_in_clear_and_never_shown() {
        let text = "5B06B0BC65CD1F6C0E1DE701D6B89FA4";
        let (mut ring, key) = module(text, KeyForm::TDES);
        let pin = PinBcd::parse("123456").expect("digits");
        let unblock = SecureCommand::unblock_purse_pin([0x84, 0x24, 0x00, 0x01], key, pin, 4);
        let command = unblock.command(&mut ring, [0; 8]).expect("a message");
        // One block of 3DES, which holds 03 12 34 56 80 and zeros, and the MAC.
        let bytes = Key16::new(hex::decode(text).expect("hex").try_into().expect("16 bytes"));
        let plain = CardKey::derived(&bytes, &[], KeyForm::TDES).decipher(&command.data()[..8]).expect("a block");
        assert_eq!(hex::encode_upper(&*plain), "0312345680000000");
        assert_eq!(command.data().len(), 12);
        assert!(command.is_secret() && !command.data().windows(3).any(|part| part == [0x12, 0x34, 0x56]));
        assert!(!format!("{unblock:?}").contains("12"));
    }
}
