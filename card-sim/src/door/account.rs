//! The commands of the medical account, from the rows of the profile.
//!
//! Owns: their P1-P2 and lengths. Never: looks at the state of the card.

use card_core::StatusWord;
use card_profiles::account::CommandRow;

use super::{Header, Request};
use crate::model::Model;

pub(super) fn rows(model: &Model) -> [Option<CommandRow>; 6] {
    model.account.as_ref().map_or([None; 6], |account| {
        let rules = &account.rules;
        [
            Some(rules.get_balance),
            Some(rules.init_load),
            Some(rules.credit_load),
            Some(rules.init_purchase),
            Some(rules.debit_purchase),
            rules.prove,
        ]
    })
}

pub(super) fn request<'a>(model: &Model, cla: u8, ins: u8, header: Header<'a>) -> Result<Request<'a>, StatusWord> {
    let rules = &model.account.as_ref().ok_or(StatusWord::INS_UNKNOWN)?.rules;
    let is = |row: CommandRow| row.header() == [cla, ins, header.p1, header.p2];
    let open = |row: CommandRow| (row.cla, row.ins, row.p1) == (cla, ins, header.p1);
    if is(rules.init_load) {
        let mut fields = header.fields(11)?;
        let [key_index] = fields.take();
        return Ok(Request::InitLoad { key_index, amount: u32::from_be_bytes(fields.take()), terminal: fields.take() });
    }
    if is(rules.credit_load) {
        let mut fields = header.fields(11)?;
        return Ok(Request::CreditLoad { date_time: fields.take(), mac2: fields.take() });
    }
    if is(rules.init_purchase) {
        let mut fields = header.fields(19)?;
        let [key_index] = fields.take();
        return Ok(Request::InitPurchase { key_index, amounts: fields.take(), terminal: fields.take() });
    }
    if is(rules.debit_purchase) {
        let mut fields = header.fields(15)?;
        let sequence = u32::from_be_bytes(fields.take());
        return Ok(Request::DebitPurchase { sequence, date_time: fields.take(), mac1: fields.take() });
    }
    // P2 is the balance or the transaction type asked for, so only P1 belongs to the row.
    if open(rules.get_balance) && matches!(header.p2, 1..=3) {
        return Ok(Request::GetBalance { kind: header.p2, le: header.le()? });
    }
    if rules.prove.is_some_and(open) && [rules.purchase_type, rules.load_type].contains(&header.p2) {
        return Ok(Request::Prove { kind: header.p2, sequence: u16::from_be_bytes(header.fields(2)?.take()) });
    }
    Err(StatusWord::WRONG_P1P2)
}
