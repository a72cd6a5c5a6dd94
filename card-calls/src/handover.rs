//! What a program was not told of a purchase that its call made, handed over without the card (交接).
//!
//! Source: docs/adr/0081. Owns: which code and output that is. Never: reads a card; takes the mark away.

use card_core::algorithm::Algorithm;
use card_counter::TerminalError;
use card_counter::journal::Entry;
use card_counter::language::Words;
use card_profiles::Catalog;
use settlement::journal::State;

use crate::code::Code;
use crate::debit;

/// What the next call of the card would answer of this purchase: its code (-3006 it is paid, -3007 it was judged paid and is not) and the
/// output; `None` where it would say nothing of it: it is no call's, or the card did nothing that anybody believed.
///
/// # Errors
/// [`TerminalError::AlgorithmNotPublic`]; [`TerminalError::Configuration`] where profiles of the site say different outputs of cards of this
/// region, so that the card itself is needed.
pub fn of(catalog: &Catalog, entry: &Entry) -> Result<Option<(Code, String)>, TerminalError> {
    let code = match entry.state {
        _ if !entry.is_owed_to_a_caller() => return Ok(None),
        State::Confirmed => Code::EARLIER_PAID,
        State::Reversed if entry.is_contradicted() => Code::EARLIER_UNPAID,
        _ => return Ok(None),
    };
    let sent = entry.sent.ok_or(TerminalError::Bug("what is settled was sent"))?;
    let algorithm = Algorithm::of_account(sent.algorithm).map_err(|_| TerminalError::AlgorithmNotPublic)?;
    let city = entry.draft.card_identifier.city().ok_or(TerminalError::Bug("a card that pays has a city"))?;
    let mut outputs = Vec::new();
    for profile in catalog.alike(city, algorithm) {
        outputs.push(debit::answered(profile, entry)?);
    }
    outputs.sort();
    outputs.dedup();
    match <[String; 1]>::try_from(outputs) {
        Ok([output]) => Ok(Some((code, output))),
        Err(_) => Err(TerminalError::Configuration {
            place: "regions".to_owned(),
            reason: Words::new(
                "此地区的卡片描述给出不同的输出:由该卡的下次调用取得",
                "the profiles for cards of this region say different outputs: the next call with the card itself gets it",
            ),
        }),
    }
}
