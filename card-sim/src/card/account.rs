//! The medical account (医疗保险个人账户): balances, load, purchase, proof.
//!
//! Source: account rows of the profile (`B0` family); PBOC state machine; COS manual on atomicity.
//! Owns: balances and yearly totals; the commit of balance, totals, sequence, log and proof. Never: says what a transaction is
//! (`transaction`).
//! Units: amounts in fen, unsigned 32 bits.

use card_core::StatusWord;
use card_profiles::account::{Amounts, Balances, DebitDate, MacFields};

use super::transaction::{Open, Step, dated, proof};
use super::{Answer, Card, Stop, expect_le};
use crate::memory::Changes;
use crate::model::{AccountModel, Model, PROOF_BYTES};

/// Offsets in the account's memory.
const PERSONAL: usize = 0;
const TOTALS: usize = 4;
const YEAR: usize = 12;
const ONLINE: usize = 14;
const OFFLINE: usize = 16;
const PURCHASE_PROOF: usize = 18;
const LOAD_PROOF: usize = PURCHASE_PROOF + PROOF_BYTES;

/// Where its transaction numbers lie.
pub(super) fn numbers(account: &AccountModel) -> [usize; 2] {
    [ONLINE, OFFLINE].map(|offset| account.address + offset)
}

impl Card {
    pub(super) fn get_balance(
        &mut self,
        model: &Model,
        kind: u8,
        le: usize,
        out: &mut Vec<u8>,
    ) -> Result<Answer, Stop> {
        let account = self.account(model)?;
        self.allow(account.balance_access.allows(self.state.rights))?;
        let at = account.address;
        match kind {
            1 => out.extend_from_slice(self.memory.read(at + PERSONAL, 4)),
            _ => {
                out.extend_from_slice(self.memory.read(at + TOTALS + 4 * usize::from(kind.saturating_sub(2)), 4));
                out.extend(account.rules.totals_year.stored(self.number_at(at + YEAR)).to_be_bytes());
            }
        }
        expect_le(le, out.len())?;
        Ok(Answer::Now)
    }

    pub(super) fn init_load(
        &mut self,
        model: &Model,
        key_index: u8,
        amount: u32,
        terminal: [u8; 6],
        out: &mut Vec<u8>,
    ) -> Result<Answer, Stop> {
        let account = self.account(model)?;
        self.allow(account.load_access.allows(self.state.rights))?;
        let keys = [account.load_key, account.tac_key];
        let (key, version) = self.transaction_key(model, keys, key_index == account.rules.key_index)?;
        let balance = self.balances(account).personal_account;
        let card_sequence = self.next_number(account.address + ONLINE)?;
        let balance_after = balance.checked_add(amount).ok_or(StatusWord::CONDITIONS_OF_USE)?;
        let fields = MacFields {
            amount,
            balance_before: balance,
            balance_after,
            transaction_type: account.rules.load_type,
            terminal,
            card_sequence,
            ..MacFields::default()
        };
        out.extend(balance.to_be_bytes());
        out.extend(card_sequence.to_be_bytes());
        let open = self.open(Step::Load, account.address, key, fields)?;
        open.announce(model, version, out);
        out.extend(open.mac(&open.session(), &account.rules.mac.load_mac1));
        self.state.transaction = Some(open);
        Ok(Answer::Later)
    }

    pub(super) fn credit_load(
        &mut self,
        model: &Model,
        date_time: [u8; 7],
        mac2: [u8; 4],
        out: &mut Vec<u8>,
    ) -> Result<Answer, Stop> {
        let (account, mut open) = self.account_open(model, Step::Load)?;
        open.fields.date_time = date_time;
        let rows = &account.rules.mac;
        open.checked(&rows.load_mac2, mac2)?;
        dated(account.rules.debit_date, date_time)?;
        let fields = &open.fields;
        let tac = self.tac(model, account, &fields.input(&rows.load_tac));
        let at = account.address;
        let mut changes = Changes::default();
        changes.set(at + PERSONAL, &fields.balance_after.to_be_bytes());
        changes.set(at + ONLINE, &(fields.card_sequence + 1).to_be_bytes());
        let amounts = Amounts { personal_account: fields.amount, ..Amounts::default() };
        self.log(model, account, fields, amounts, &mut changes)?;
        changes.set(at + LOAD_PROOF, &proof(account.rules.numbered(fields.card_sequence), [0; 4], tac));
        self.commit(&changes)?;
        out.extend(tac);
        Ok(Answer::Later)
    }

    pub(super) fn init_purchase(
        &mut self,
        model: &Model,
        key_index: u8,
        amounts: [u8; 12],
        terminal: [u8; 6],
        out: &mut Vec<u8>,
    ) -> Result<Answer, Stop> {
        let account = self.account(model)?;
        self.allow(account.purchase_access.allows(self.state.rights))?;
        let keys = [account.purchase_key, account.tac_key];
        let (key, version) = self.transaction_key(model, keys, key_index == account.rules.key_index)?;
        let amounts = Amounts::from_bytes(amounts);
        let balances = self.balances(account);
        let card_sequence = self.next_number(account.address + OFFLINE)?;
        let balance_after = balances.personal_account.checked_sub(amounts.personal_account);
        let balance_after = balance_after.ok_or(StatusWord::AMOUNT_INSUFFICIENT)?;
        out.extend(balances.personal_account.to_be_bytes());
        out.extend(balances.self_paid_total.to_be_bytes());
        out.extend(balances.pooled_fund_total.to_be_bytes());
        out.extend(account.rules.totals_year.stored(balances.year).to_be_bytes());
        out.extend(card_sequence.to_be_bytes());
        let fields = MacFields {
            amounts,
            balance_before: balances.personal_account,
            balance_after,
            transaction_type: account.rules.purchase_type,
            terminal,
            card_sequence,
            ..MacFields::default()
        };
        let open = self.open(Step::Debit, account.address, key, fields)?;
        open.announce(model, version, out);
        self.state.transaction = Some(open);
        Ok(Answer::Later)
    }

    pub(super) fn debit_purchase(
        &mut self,
        model: &Model,
        sequence: u32,
        date_time: [u8; 7],
        mac1: [u8; 4],
        out: &mut Vec<u8>,
    ) -> Result<Answer, Stop> {
        let (account, mut open) = self.account_open(model, Step::Debit)?;
        open.fields.terminal_sequence = sequence;
        open.fields.date_time = date_time;
        let rows = &account.rules.mac;
        let session = open.checked(&rows.purchase_mac1, mac1)?;
        let fields = &open.fields;
        let (self_paid, pooled, year) = self.totals_after(account, fields.amounts, date_time)?;
        let mac2 = open.mac(&session, &rows.purchase_mac2);
        let tac = self.tac(model, account, &fields.input(&rows.purchase_tac));
        let at = account.address;
        let mut changes = Changes::default();
        changes.set(at + PERSONAL, &fields.balance_after.to_be_bytes());
        changes.set(at + TOTALS, &self_paid.to_be_bytes());
        changes.set(at + TOTALS + 4, &pooled.to_be_bytes());
        changes.set(at + YEAR, &year);
        changes.set(at + OFFLINE, &(fields.card_sequence + 1).to_be_bytes());
        self.log(model, account, fields, fields.amounts, &mut changes)?;
        changes.set(at + PURCHASE_PROOF, &proof(account.rules.numbered(fields.card_sequence), mac2, tac));
        self.commit(&changes)?;
        out.extend(tac);
        out.extend(mac2);
        Ok(Answer::Later)
    }

    /// GET TRANSACTION PROVE: MAC2 and TAC of the last purchase or load, if it has this number. A load has no MAC2.
    pub(super) fn prove(&mut self, model: &Model, kind: u8, sequence: u16, out: &mut Vec<u8>) -> Result<Answer, Stop> {
        let account = self.account(model)?;
        let at = account.address + if kind == account.rules.load_type { LOAD_PROOF } else { PURCHASE_PROOF };
        self.answer_proof(at, sequence, out)
    }

    fn account<'m>(&mut self, model: &'m Model) -> Result<&'m AccountModel, Stop> {
        self.financial(model.account.as_ref(), |account| account.df)
    }

    /// The transaction that a second half completes; it is over, whatever comes of it.
    fn account_open<'m>(&mut self, model: &'m Model, step: Step) -> Result<(&'m AccountModel, Open), Stop> {
        let open = self.state.transaction.take();
        let account = self.account(model)?;
        let open = open.filter(|open| open.step == step).ok_or(StatusWord::NOT_ACCEPTED)?;
        Ok((account, open))
    }

    pub(crate) fn balances(&self, account: &AccountModel) -> Balances {
        let at = account.address;
        let amount = |offset| self.amount_at(at + offset);
        Balances {
            personal_account: amount(PERSONAL),
            self_paid_total: amount(TOTALS),
            pooled_fund_total: amount(TOTALS + 4),
            year: self.number_at(at + YEAR),
        }
    }

    /// Online and offline transaction numbers: those of the next load and the next purchase.
    pub(crate) fn sequences(&self, account: &AccountModel) -> (u16, u16) {
        (self.number_at(account.address + ONLINE), self.number_at(account.address + OFFLINE))
    }

    /// Totals after a purchase: they start from zero with the first purchase of a later year. A date that is none is refused where
    /// the profile says so; one of an earlier year is refused, leaves the totals, or starts them anew, as it says.
    fn totals_after(
        &self,
        account: &AccountModel,
        amounts: Amounts,
        date_time: [u8; 7],
    ) -> Result<(u32, u32, [u8; 2]), Stop> {
        let rule = account.rules.debit_date;
        dated(rule, date_time)?;
        let [century, year, ..] = date_time;
        let (before, year) = (self.balances(account), [century, year]);
        if rule == DebitDate::Checked && u16::from_be_bytes(year) < before.year {
            return Err(StatusWord::CONDITIONS_OF_USE.into());
        }
        if rule == DebitDate::Calendar && u16::from_be_bytes(year) < before.year {
            return Ok((before.self_paid_total, before.pooled_fund_total, before.year.to_be_bytes()));
        }
        let (self_paid, pooled) = if before.year == u16::from_be_bytes(year) {
            (before.self_paid_total, before.pooled_fund_total)
        } else {
            (0, 0)
        };
        let add = |total: u32, amount| total.checked_add(amount).ok_or(StatusWord::CONDITIONS_OF_USE);
        Ok((add(self_paid, amounts.self_paid)?, add(pooled, amounts.pooled_fund)?, year))
    }

    fn tac(&self, model: &Model, account: &AccountModel, input: &[u8]) -> [u8; 4] {
        self.key(&model.keys[account.tac_key]).tac(input)
    }

    /// The record of the medical log: number, type, terminal, date and time, three amounts.
    fn log(
        &self,
        model: &Model,
        account: &AccountModel,
        fields: &MacFields,
        amounts: Amounts,
        changes: &mut Changes,
    ) -> Result<(), Stop> {
        let mut record = Vec::with_capacity(28);
        record.extend(account.rules.numbered(fields.card_sequence).to_be_bytes());
        record.push(fields.transaction_type);
        record.extend(fields.terminal);
        record.extend(fields.date_time);
        record.extend(amounts.to_bytes());
        self.append(&model.dfs[account.df].efs[account.log], &record, changes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use card_core::key::Key16;
    use card_profiles::builtin;

    #[test]
    fn a_transaction_number_at_its_maximum_is_never_used() {
        let profile = builtin("ssc-3.0").expect("built in");
        for (offset, command) in [
            (ONLINE, "B02800010B0100000000990011223344"),
            (OFFLINE, "B02801011301000000000000000000000000990011223344"),
        ] {
            let mut card = Card::factory(&profile, [0; 6], &Key16::new([0x11; 16])).expect("a card");
            card.power_on().expect("power");
            let model = std::sync::Arc::clone(&card.model);
            let account = model.account.as_ref().expect("account");
            for (number, sw) in [(u16::MAX - 1, 0x6100), (u16::MAX, 0x9402)] {
                let mut changes = Changes::default();
                changes.set(account.address + offset, &number.to_be_bytes());
                for key in [account.load_key, account.purchase_key, account.tac_key] {
                    changes.set(model.keys[key].address, &[1, 3, 1, 0]);
                }
                card.commit(&changes).expect("power");
                card.state.df = Some(account.df);
                card.state.rights = u128::MAX;
                let mut answer = Vec::new();
                card.transmit(&hex::decode(command).expect("hex"), &mut answer).expect("answer");
                let got = u16::from_be_bytes(*answer.last_chunk().expect("a status word"));
                let got = if got >> 8 == 0x61 { 0x6100 } else { got };
                assert_eq!(got, sw, "{command} at {number:04X}");
            }
        }
    }
}
