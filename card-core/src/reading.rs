//! Reads a card in the fewest bytes that it supports.
//!
//! Source: ISO/IEC 7816-3 12.2 (`61xx` announces the length of the answer); READ RECORD mode 5 as in a published log.
//! Owns: which answers need not be fetched; falling back record by record where a card does not know mode 5.
//! Never: authenticates, knows what a record means.
//! Units: bytes on the card, tags and lengths of records included.
#![warn(clippy::indexing_slicing)]

use crate::apdu::Protocol;
use crate::command::{self, Record};
use crate::fci::{AlgorithmId, Fci};
use crate::limits::RECORDS_MAX;
use crate::session::{Session, SessionError};
use crate::status::StatusWord;
use crate::tlv;

/// Bytes that `84{name}`, `A5` and `9F0C03 86 01 xx` take in an FCI beside the name itself: a shorter answer names no algorithm.
const FCI_WITH_ALGORITHM: usize = 2 + 2 + 2 + 6;

/// Selects an environment by name and learns the card's algorithm; `None` when its FCI does not name one.
///
/// The FCI is fetched only when the length that the card announces has room for an algorithm.
/// The inner error is the card's refusal: `6A82` when it has no such environment.
///
/// # Errors
/// [`SessionError`] when the card does not answer.
pub fn select_environment(
    session: &mut Session,
    name: &[u8],
) -> Result<Result<Option<AlgorithmId>, StatusWord>, SessionError> {
    let select = command::select_by_name(name);
    let mut response = match session.protocol() {
        Protocol::T0 => session.send(&select)?,
        Protocol::T1 => session.send(&select.with_le(0))?,
    };
    if !response.sw.is_ok() {
        return Ok(Err(response.sw));
    }
    let announced = if response.sw.sw2() == 0 { 256 } else { usize::from(response.sw.sw2()) };
    if response.sw.sw1() == 0x61 && announced >= name.len() + FCI_WITH_ALGORITHM {
        response = session.send(&command::get_response(u16::from(response.sw.sw2())))?;
    }
    Ok(Ok(Fci::parse(&response.data).ok().and_then(|fci| fci.algorithm)))
}

/// All records of a tagged file in the current directory, one after the other.
///
/// One READ RECORD with mode 5 where the card knows it; what is missing then is read record by record. `lengths` are those
/// of the records in order; a card that has others corrects Le.
/// The inner error is the card's refusal of the first record.
///
/// # Errors
/// [`SessionError`] when the card does not answer.
pub fn tagged_records(
    session: &mut Session,
    sfi: u8,
    lengths: &[u16],
) -> Result<Result<Vec<u8>, StatusWord>, SessionError> {
    let size = lengths.iter().sum::<u16>().min(0xFF);
    let whole = session.send(&command::read_record(sfi, Record::AllFrom(1), size))?;
    let mut bytes = match whole.sw {
        sw if sw.is_ok() => whole.data,
        sw @ (StatusWord::SECURITY_STATUS | StatusWord::FILE_NOT_FOUND) => return Ok(Err(sw)),
        _ => Vec::new(),
    };
    let read = tlv::items(&bytes).take_while(Result::is_ok).count();
    for (number, length) in (1..=RECORDS_MAX).zip(lengths).skip(read) {
        let response = session.send(&command::read_record(sfi, Record::Number(number), *length))?;
        match response.sw {
            sw if sw.is_ok() => bytes.extend(response.data),
            sw if bytes.is_empty() => return Ok(Err(sw)),
            _ => break,
        }
    }
    Ok(Ok(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transport::replay::Replay;

    const SSSE: &str = "7378312E73682EC9E7BBE1B1A3D5CF";

    fn session(trace: &str) -> Session {
        Session::new(Box::new(Replay::parse(trace).expect("trace")))
    }

    fn select(trace: &str) -> (Result<Option<AlgorithmId>, StatusWord>, u64) {
        let mut session = session(trace);
        let selected = select_environment(&mut session, &hex::decode(SSSE).expect("hex")).expect("answers");
        (selected, session.wire().exchanges)
    }

    #[test]
    fn the_fci_of_a_2_0_card_is_too_short_for_an_algorithm_and_stays_in_the_card() {
        assert_eq!(select(&format!("> 00A404000F{SSSE}\n< 6118")), (Ok(None), 1));
    }

    #[test]
    fn a_longer_fci_is_fetched_and_names_the_algorithm() {
        let fci = format!("6F1C840F{SSSE}A50988011E9F0C03860103");
        assert_eq!(
            select(&format!("> 00A404000F{SSSE}\n< 611E\n> 00C000001E\n< {fci}9000")),
            (Ok(Some(AlgorithmId::SM4)), 2)
        );
        let shortest = format!("6F19840F{SSSE}A5069F0C03860101");
        assert_eq!(
            select(&format!("> 00A404000F{SSSE}\n< 611B\n> 00C000001B\n< {shortest}9000")),
            (Ok(Some(AlgorithmId::TDES)), 2)
        );
    }

    #[test]
    fn a_card_without_the_environment_says_so() {
        assert_eq!(select(&format!("> 00A404000F{SSSE}\n< 6A82")), (Err(StatusWord::FILE_NOT_FOUND), 1));
    }

    fn records(trace: &str, lengths: &[u16]) -> Result<String, StatusWord> {
        tagged_records(&mut session(trace), 5, lengths).expect("answers").map(hex::encode_upper)
    }

    #[test]
    fn one_command_reads_all_records() {
        assert_eq!(records("> 00B2012D09\n< 0201330304322E30309000", &[3, 6]), Ok("0201330304322E3030".to_owned()));
    }

    #[test]
    fn a_card_that_does_not_know_mode_5_is_read_record_by_record() {
        let by_number = "> 00B2012C03\n< 0201339000\n> 00B2022C06\n< 0304322E30309000";
        for refusal in ["6A86", "6A81", "6D00", "6B00", "6700"] {
            let trace = format!("> 00B2012D09\n< {refusal}\n{by_number}");
            assert_eq!(records(&trace, &[3, 6]), Ok("0201330304322E3030".to_owned()), "{refusal}");
        }
    }

    #[test]
    fn a_card_that_answers_the_first_record_only_is_read_on_from_the_second() {
        let trace =
            "> 00B2012D09\n< 0201339000\n> 00B2022C03\n< 6C06\n> 00B2022C06\n< 0304322E30309000\n> 00B2032C03\n< 6A83";
        assert_eq!(records(trace, &[3, 3, 3]), Ok("0201330304322E3030".to_owned()));
    }

    #[test]
    fn a_closed_file_is_a_refusal_after_one_command() {
        assert_eq!(records("> 00B2012D09\n< 6982", &[3, 6]), Err(StatusWord::SECURITY_STATUS));
    }
}
