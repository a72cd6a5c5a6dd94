//! What a card's own records beside one show of it: the numbers follow each other, and the balances agree to the fen.
//!
//! The code of a record was spoilt on its way, and the card has forgotten it since. Its next purchase has the next number and the card's own
//! code, and began with what this one left; the one before left what this one began with. Between two purchases only loads change the
//! balance, and the centre knows them. So the card did it, with this amount: nothing else leads from the one to the other.
//!
//! A card's code does not cover the balance after it: this is the till's word. The next record must have its number by the card's own codes,
//! and come from another institution, which has nothing of it.
//!
//! Source: docs/adr/0084. Owns: that comparison. Never: decides, posts.
//! Units: fen.

use settlement::code::ErrorCode;
use settlement::date::DateTime;
use settlement::fen::Fen;

use super::refusal::ClearingError;
use super::upload::{RowKind, UploadRow};
use crate::store::Tx;

/// Whether the card's neighbouring records show that it did this purchase, whose code is wrong.
///
/// # Errors
/// [`ClearingError::Store`]; [`ClearingError::Sum`].
pub(super) fn show(tx: &Tx<'_>, row: &UploadRow) -> Result<bool, ClearingError> {
    if row.kind != RowKind::Purchase || row.code != Some(ErrorCode::TacWrong) || row.tac.is_none() {
        return Ok(false);
    }
    let loads = tx.credited_loads(row.card_identifier)?;
    let brought = |from: Option<DateTime>, to: DateTime| {
        let between = loads.iter().filter(|(at, _)| *at <= to && from.is_none_or(|from| *at > from));
        Fen::sum(between.map(|(_, amount)| *amount))
    };
    let Some(next) = numbered(tx, row, row.card_sequence.checked_add(1), UploadRow::has_cards_number)? else {
        return Ok(false);
    };
    if next.institution == row.institution {
        return Ok(false);
    }
    if row.balance_after_fen.plus(brought(Some(row.date_time), next.date_time)?)? != before(&next)? {
        return Ok(false);
    }
    let began = match numbered(tx, row, row.card_sequence.checked_sub(1), |_| true)? {
        Some(last) => last.balance_after_fen.plus(brought(Some(last.date_time), row.date_time)?)?,
        // Its first one began with what was loaded.
        None if !tx.has_purchase_below(row.card_identifier, row.card_sequence)? => brought(None, row.date_time)?,
        None => return Ok(false),
    };
    Ok(began == before(row)?)
}

/// The purchase of this number of the same card that stands.
fn numbered(
    tx: &Tx<'_>,
    row: &UploadRow,
    number: Option<u16>,
    of: fn(&UploadRow) -> bool,
) -> Result<Option<UploadRow>, ClearingError> {
    let Some(number) = number else { return Ok(None) };
    let found = tx.purchases_of_number(row.card_identifier, number)?;
    Ok(found.into_iter().find(|one| one.is_posted() && of(one)))
}

fn before(row: &UploadRow) -> Result<Fen, ClearingError> {
    Ok(row.balance_after_fen.plus(row.personal_account_fen)?)
}
