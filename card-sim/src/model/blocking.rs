//! The commands that block and unblock, as a card knows them.
//!
//! Source: blocking rows of the profile; of a purse its commands (COS manual of PBOC 1.0/2.0).
//! Owns: their headers, where their MAC starts. Never: blocks (`card::maintenance`).

use card_profiles::profile::Profile;

use super::ModelError;

/// CLA INS P1 P2 of the blocking commands.
#[derive(Debug)]
pub(crate) struct Blocking {
    pub(crate) application: [u8; 4],
    pub(crate) application_for_good: [u8; 4],
    pub(crate) application_again: [u8; 4],
    pub(crate) card: [u8; 4],
    pub(crate) start: MacStart,
}

/// Where the MAC of a blocking command starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MacStart {
    /// From a challenge of 4 or 8 bytes.
    Challenge,
    /// From zeros, with the session key of a challenge of 8 bytes.
    Session,
}

impl Blocking {
    /// The rows of the card, or of its purse, where P2 01 blocks for good.
    pub(super) fn of(profile: &Profile) -> Result<Option<Self>, ModelError> {
        let command =
            |bytes: &Vec<u8>| bytes.as_slice().try_into().map_err(|_| ModelError::Size("blocking".to_owned()));
        if let Some(row) = &profile.blocking {
            return Ok(Some(Self {
                application: command(&row.application_block)?,
                application_for_good: command(&row.application_block_for_good)?,
                application_again: command(&row.application_unblock)?,
                card: command(&row.card_block)?,
                start: match row.challenge {
                    0 => MacStart::Session,
                    // What a terminal asks for; the other length serves as well.
                    _ => MacStart::Challenge,
                },
            }));
        }
        Ok(profile.purse.as_ref().map(|purse| {
            let commands = purse.commands;
            let [cla, ins, p1, _] = commands.block.header();
            Self {
                application: commands.block.header(),
                application_for_good: [cla, ins, p1, 0x01],
                application_again: commands.unblock.header(),
                card: commands.block_card.header(),
                start: MacStart::Challenge,
            }
        }))
    }

    pub(crate) const fn commands(&self) -> [[u8; 4]; 4] {
        [self.application, self.application_for_good, self.application_again, self.card]
    }
}
