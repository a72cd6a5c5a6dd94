//! What a program was not told of a purchase that its call made, handed over without the card (交接).
//!
//! Source: docs/adr/0081. Owns: which code and output that is. Never: reads a card; takes the mark away.

use card_core::algorithm::Algorithm;
use card_counter::TerminalError;
use card_counter::given_back::GivenBack;
use card_counter::journal::Entry;
use card_counter::language::Words;
use card_counter::store::Store;
use card_profiles::Catalog;
use card_profiles::account::Amounts;
use settlement::journal::State;

use crate::code::Code;
use crate::debit;

/// What is handed over of a purchase.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Handover {
    /// How it stands.
    pub standing: Standing,
    /// The output of its call, with what is left where something went back.
    pub output: String,
}

/// How a purchase stands whose program was not told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// -3006 it is paid, -3007 it was judged paid and is not, -3010 it was paid and went back whole: of that a call says nothing.
    pub code: Code,
    /// What is left, where something went back.
    pub left: Option<Amounts>,
}

/// What the next call of the card would answer of this purchase; `None` where it is no call's, or the card did nothing that anybody
/// believed.
///
/// # Errors
/// [`TerminalError::AlgorithmNotPublic`]; [`TerminalError::Configuration`] where profiles of the site say different outputs of cards of this
/// region, so that the card itself is needed; [`TerminalError::Store`].
pub fn of(catalog: &Catalog, store: &Store, entry: &Entry) -> Result<Option<Handover>, TerminalError> {
    let Some(standing) = standing(store, entry)? else { return Ok(None) };
    let sent = entry.sent.ok_or(TerminalError::Bug("what is settled was sent"))?;
    let algorithm = Algorithm::of_account(sent.algorithm).map_err(|_| TerminalError::AlgorithmNotPublic)?;
    let city = entry.draft.card_identifier.city().ok_or(TerminalError::Bug("a card that pays has a city"))?;
    let mut outputs = Vec::new();
    for profile in catalog.alike(city, algorithm) {
        let output = debit::answered(profile, entry)?;
        outputs.push(standing.left.map_or_else(|| output.clone(), |left| debit::with_left(&output, left)));
    }
    outputs.sort();
    outputs.dedup();
    match <[String; 1]>::try_from(outputs) {
        Ok([output]) => Ok(Some(Handover { standing, output })),
        Err(_) => Err(TerminalError::Configuration {
            place: "regions".to_owned(),
            reason: Words::new(
                "此地区的卡片描述给出不同的输出:由该卡的下次调用取得",
                "the profiles for cards of this region say different outputs: the next call with the card itself gets it",
            ),
        }),
    }
}

/// How it stands, as of [`of`].
///
/// # Errors
/// [`TerminalError::Store`].
pub fn standing(store: &Store, entry: &Entry) -> Result<Option<Standing>, TerminalError> {
    Ok(match entry.state {
        _ if !entry.is_owed_to_a_caller() => None,
        State::Confirmed => {
            let left = debit::left_after_refunds(store, entry)?;
            let is_whole = GivenBack::is_all_of(entry, &store.entries_of(&entry.draft.card_identifier)?);
            let code = if is_whole { Code::GIVEN_BACK } else { Code::EARLIER_PAID };
            Some(Standing { code, left })
        }
        State::Reversed if entry.is_contradicted() => Some(Standing { code: Code::EARLIER_UNPAID, left: None }),
        _ => None,
    })
}
