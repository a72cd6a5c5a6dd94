//! The block protocol (T=1): whole answers at once, no GET RESPONSE, no correction of Le.
//!
//! Source: ISO/IEC 7816-3 12.1 (command and response APDU cross unchanged); ISO/IEC 7816-4 5.1 (Le is the most that is wanted).
//! Owns: what differs from T=0, which the rest of the card speaks. Never: carries a command that writes out twice.

use card_core::StatusWord;

use super::Card;
use crate::memory::MemoryError;

/// INS of GET RESPONSE.
const GET_RESPONSE: u8 = 0xC0;

impl Card {
    /// Carries a command of T=1 out. An Le below what there is answers `6700` where T=0 would name the length (assumed): only
    /// reading commands ask for an exact length, so nothing was done.
    pub(super) fn execute_block(&mut self, command: &[u8], answer: &mut Vec<u8>) -> Result<StatusWord, MemoryError> {
        if command.get(1) == Some(&GET_RESPONSE) {
            return Ok(StatusWord::INS_UNKNOWN);
        }
        let mark = answer.len();
        let (character, le) = split(command);
        let mut sw = self.execute(character, answer)?;
        if sw.sw1() == 0x6C {
            let exact = if sw.sw2() == 0 { 256 } else { usize::from(sw.sw2()) };
            if le.is_none_or(|le| le < exact) {
                return Ok(StatusWord::WRONG_LENGTH);
            }
            let mut again = character.to_vec();
            again.truncate(4);
            again.push(sw.sw2());
            sw = self.execute(&again, answer)?;
        }
        // Announced data come with the answer, those of a warning too.
        answer.append(&mut self.state.pending);
        answer.truncate(mark + le.unwrap_or(0).min(answer.len() - mark));
        Ok(if sw.sw1() == 0x61 { StatusWord::OK } else { sw })
    }
}

/// The command as T=0 has it, and the most bytes wanted in answer.
fn split(command: &[u8]) -> (&[u8], Option<usize>) {
    let wanted = |le: u8| Some(if le == 0 { 256 } else { usize::from(le) });
    match command.get(4..) {
        None | Some([]) => (command, None),
        Some([le]) => (command, wanted(*le)),
        Some([lc, rest @ ..]) => match rest.split_at_checked(usize::from(*lc)) {
            Some((_, [le])) => (command.get(..command.len() - 1).unwrap_or_default(), wanted(*le)),
            _ => (command, None),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_case_of_a_command_is_told_apart() {
        for (command, character, le) in [
            (&[0, 1, 2, 3][..], 4, None),
            (&[0, 1, 2, 3, 8], 5, Some(8)),
            (&[0, 1, 2, 3, 0], 5, Some(256)),
            (&[0, 1, 2, 3, 2, 9, 9], 7, None),
            (&[0, 1, 2, 3, 2, 9, 9, 0], 7, Some(256)),
            (&[0, 1, 2, 3, 2, 9, 9, 7, 7], 9, None),
            (&[0, 1], 2, None),
        ] {
            let (seen, wanted) = split(command);
            assert_eq!((seen.len(), wanted), (character, le), "{command:?}");
        }
    }
}
