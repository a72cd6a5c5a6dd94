//! The commands of the electronic deposit and purse, from the rows of the profile.
//!
//! Owns: their P1-P2 and lengths. Never: looks at the state of the card.

use card_core::StatusWord;
use card_profiles::account::CommandRow;
use card_profiles::purse::{Purse, PurseCommands};

use super::{Header, Message, Request, Which, record_file};
use crate::card::Begin;
use crate::model::PurseModel;

/// The rows that are the purse's alone: PIN and blocking commands have their own place at the door.
pub(super) const fn rows(commands: &PurseCommands) -> [CommandRow; 14] {
    [
        commands.init_load,
        commands.credit_load,
        commands.init_purchase,
        commands.debit,
        commands.init_cash,
        commands.init_composite,
        commands.update_cache,
        commands.init_unload,
        commands.debit_unload,
        commands.init_overdraw,
        commands.update_overdraw,
        commands.get_balance,
        commands.prove,
        commands.reload_pin,
    ]
}

pub(super) fn request<'a>(model: &PurseModel, cla: u8, ins: u8, header: Header<'a>) -> Result<Request<'a>, StatusWord> {
    let commands = &model.rules.commands;
    let is = |row: CommandRow| (row.cla, row.ins, row.p1, row.p2) == (cla, ins, header.p1, header.p2);
    let open = |row: CommandRow| (row.cla, row.ins, row.p1) == (cla, ins, header.p1);
    let purse = [Purse::Deposit, Purse::Purse].into_iter().find(|purse| purse.p2() == header.p2);
    let begun = match purse {
        Some(purse) if open(commands.init_load) => Some((Begin::Load, purse)),
        Some(purse) if open(commands.init_purchase) => Some((Begin::Purchase, purse)),
        _ if is(commands.init_cash) => Some((Begin::Cash, Purse::Deposit)),
        _ if is(commands.init_composite) => Some((Begin::Composite, Purse::Purse)),
        _ if is(commands.init_unload) => Some((Begin::Unload, Purse::Deposit)),
        _ => None,
    };
    if let Some(begin) = begun {
        let mut fields = header.fields(11)?;
        let [key_index] = fields.take();
        let amount = u32::from_be_bytes(fields.take());
        return Ok(Request::PurseBegin { begin, key_index, amount, terminal: fields.take() });
    }
    if is(commands.init_overdraw) {
        let mut fields = header.fields(7)?;
        let [key_index] = fields.take();
        return Ok(Request::PurseBeginOverdraw { key_index, terminal: fields.take() });
    }
    if is(commands.credit_load) || is(commands.debit_unload) {
        let mut fields = header.fields(11)?;
        let (date_time, mac2) = (fields.take(), fields.take());
        let credit = is(commands.credit_load);
        return Ok(if credit {
            Request::PurseCredit { date_time, mac2 }
        } else {
            Request::PurseUnload { date_time, mac2 }
        });
    }
    if is(commands.debit) {
        let mut fields = header.fields(15)?;
        let sequence = u32::from_be_bytes(fields.take());
        return Ok(Request::PurseDebit { sequence, date_time: fields.take(), mac1: fields.take() });
    }
    if is(commands.update_overdraw) {
        let mut fields = header.fields(14)?;
        return Ok(Request::PurseOverdraw { limit: fields.take(), date_time: fields.take(), mac2: fields.take() });
    }
    if open(commands.get_balance)
        && let Some(purse) = purse
    {
        return Ok(Request::PurseBalance { purse, le: header.le()? });
    }
    if open(commands.prove) && model.rules.transaction_types().contains(&header.p2) {
        let number = u16::from_be_bytes(header.fields(2)?.take());
        return Ok(Request::PurseProve { transaction_type: header.p2, number });
    }
    if is(commands.reload_pin) {
        let (digits, mac) = header.data()?.split_last_chunk::<4>().ok_or(StatusWord::WRONG_LENGTH)?;
        if !(2..=6).contains(&digits.len()) {
            return Err(StatusWord::WRONG_LENGTH);
        }
        return Ok(Request::PurseReloadPin { digits, mac: *mac });
    }
    if (commands.update_cache.cla, commands.update_cache.ins) == (cla, ins) {
        let which = match header.p2 & 0x07 {
            0 => Which::Tag(header.p1),
            4 => Which::Number(header.p1),
            _ => return Err(StatusWord::WRONG_P1P2),
        };
        let command = [cla, ins, header.p1, header.p2, header.p3];
        return Ok(Request::PurseCache { file: record_file(header)?, which, header: command, data: header.data()? });
    }
    Err(StatusWord::WRONG_P1P2)
}

/// PIN UNBLOCK: whole blocks and a MAC.
pub(super) fn unblock_pin<'a>(model: &PurseModel, block: usize, header: Header<'a>) -> Result<Request<'a>, StatusWord> {
    let row = model.rules.commands.unblock_pin;
    header.parameters(row.p1, row.p2)?;
    let message = Message::read(row.cla, row.ins, header)?;
    if message.data.len() != block { Err(StatusWord::WRONG_LENGTH) } else { Ok(Request::PurseUnblockPin(message)) }
}
