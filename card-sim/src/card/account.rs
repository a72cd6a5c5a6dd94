//! The medical account (医疗保险个人账户): balances, load, purchase, proof.
//!
//! Source: account rows of the profile (`B0` family); PBOC state machine; COS manual on atomicity.
//! Owns: the transaction between INITIALIZE and DEBIT or CREDIT; the commit of balance, totals, sequence, log and proof.
//! Never: changes anything persistent at INITIALIZE; lets a sequence number roll over.
//! Units: amounts in fen, unsigned 32 bits.

use card_core::StatusWord;
use card_core::algorithm::Algorithm;
use card_core::crypto::{CardKey, SessionKey};
use card_profiles::account::{Amounts, Balances, DebitDate, MacFields, load_seed, purchase_seed};
use card_profiles::identity::{is_bcd_date, is_bcd_time};

use super::{Answer, Card, Stop, expect_le, same};
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

/// Algorithm byte that the card answers: 00 = 3DES (COS manual), 04 = SM4 (highway cards).
pub(super) const fn algorithm_byte(algorithm: Algorithm) -> u8 {
    match algorithm {
        Algorithm::Tdes => 0x00,
        Algorithm::Sm4 => 0x04,
    }
}

/// Where its transaction numbers lie.
pub(super) fn numbers(account: &AccountModel) -> [usize; 2] {
    [ONLINE, OFFLINE].map(|offset| account.address + offset)
}

/// Between INITIALIZE and its DEBIT or CREDIT: in volatile memory only.
pub(super) enum Transaction {
    Load { session: SessionKey, fields: MacFields },
    Purchase { key: CardKey, random: [u8; 4], fields: MacFields },
}

impl Card {
    pub(super) fn get_balance(
        &mut self,
        model: &Model,
        kind: u8,
        le: usize,
        out: &mut Vec<u8>,
    ) -> Result<Answer, Stop> {
        let account = self.financial(model)?;
        self.allow(account.balance_access.allows(self.state.rights))?;
        let at = account.address;
        match kind {
            1 => out.extend_from_slice(self.memory.read(at + PERSONAL, 4)),
            _ => {
                out.extend_from_slice(self.memory.read(at + TOTALS + 4 * usize::from(kind.saturating_sub(2)), 4));
                out.extend_from_slice(self.memory.read(at + YEAR, 2));
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
        let account = self.financial(model)?;
        self.allow(account.load_access.allows(self.state.rights))?;
        let (key, version) = self.account_key(model, account, account.load_key, key_index)?;
        let balances = self.balances(account);
        let card_sequence = self.sequence(account, ONLINE)?;
        let balance_after = balances.personal_account.checked_add(amount).ok_or(StatusWord::CONDITIONS_OF_USE)?;
        let random = self.random()?;
        let fields = MacFields {
            amount,
            balance_before: balances.personal_account,
            balance_after,
            transaction_type: account.rules.load_type,
            terminal,
            card_sequence,
            ..MacFields::default()
        };
        let session = key.transaction_session(load_seed(random, card_sequence));
        let mac1 = session.mac([0; 8], &fields.input(&account.rules.mac.load_mac1));
        out.extend(balances.personal_account.to_be_bytes());
        out.extend(card_sequence.to_be_bytes());
        out.extend([version, algorithm_byte(model.rules.algorithm)]);
        out.extend(random);
        out.extend(mac1);
        self.state.transaction = Some(Transaction::Load { session, fields });
        Ok(Answer::Later)
    }

    pub(super) fn credit_load(
        &mut self,
        model: &Model,
        date_time: [u8; 7],
        mac2: [u8; 4],
        out: &mut Vec<u8>,
    ) -> Result<Answer, Stop> {
        let transaction = self.state.transaction.take();
        let account = self.financial(model)?;
        let Some(Transaction::Load { session, mut fields }) = transaction else {
            return Err(StatusWord::NOT_ACCEPTED.into());
        };
        fields.date_time = date_time;
        let rows = &account.rules.mac;
        if !same(&session.mac([0; 8], &fields.input(&rows.load_mac2)), &mac2) {
            return Err(StatusWord::MAC_WRONG.into());
        }
        dated(account.rules.debit_date, date_time)?;
        let tac = self.tac(model, account, &fields.input(&rows.load_tac));
        let at = account.address;
        let mut changes = Changes::default();
        changes.set(at + PERSONAL, &fields.balance_after.to_be_bytes());
        changes.set(at + ONLINE, &(fields.card_sequence + 1).to_be_bytes());
        let amounts = Amounts { personal_account: fields.amount, ..Amounts::default() };
        self.log(model, account, &fields, amounts, &mut changes)?;
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
        let account = self.financial(model)?;
        self.allow(account.purchase_access.allows(self.state.rights))?;
        let (key, version) = self.account_key(model, account, account.purchase_key, key_index)?;
        let amounts = Amounts::from_bytes(amounts);
        let balances = self.balances(account);
        let card_sequence = self.sequence(account, OFFLINE)?;
        let balance_after = balances.personal_account.checked_sub(amounts.personal_account);
        let balance_after = balance_after.ok_or(StatusWord::AMOUNT_INSUFFICIENT)?;
        let random = self.random()?;
        out.extend(balances.personal_account.to_be_bytes());
        out.extend(balances.self_paid_total.to_be_bytes());
        out.extend(balances.pooled_fund_total.to_be_bytes());
        out.extend(balances.year.to_be_bytes());
        out.extend(card_sequence.to_be_bytes());
        out.extend([version, algorithm_byte(model.rules.algorithm)]);
        out.extend(random);
        let fields = MacFields {
            amounts,
            balance_before: balances.personal_account,
            balance_after,
            transaction_type: account.rules.purchase_type,
            terminal,
            card_sequence,
            ..MacFields::default()
        };
        self.state.transaction = Some(Transaction::Purchase { key, random, fields });
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
        let transaction = self.state.transaction.take();
        let account = self.financial(model)?;
        let Some(Transaction::Purchase { key, random, mut fields }) = transaction else {
            return Err(StatusWord::NOT_ACCEPTED.into());
        };
        fields.terminal_sequence = sequence;
        fields.date_time = date_time;
        let rows = &account.rules.mac;
        let session = key.transaction_session(purchase_seed(random, fields.card_sequence, sequence));
        if !same(&session.mac([0; 8], &fields.input(&rows.purchase_mac1)), &mac1) {
            return Err(StatusWord::MAC_WRONG.into());
        }
        let (self_paid, pooled, year) = self.totals_after(account, fields.amounts, date_time)?;
        let mac2 = session.mac([0; 8], &fields.input(&rows.purchase_mac2));
        let tac = self.tac(model, account, &fields.input(&rows.purchase_tac));
        let at = account.address;
        let mut changes = Changes::default();
        changes.set(at + PERSONAL, &fields.balance_after.to_be_bytes());
        changes.set(at + TOTALS, &self_paid.to_be_bytes());
        changes.set(at + TOTALS + 4, &pooled.to_be_bytes());
        changes.set(at + YEAR, &year);
        changes.set(at + OFFLINE, &(fields.card_sequence + 1).to_be_bytes());
        self.log(model, account, &fields, fields.amounts, &mut changes)?;
        changes.set(at + PURCHASE_PROOF, &proof(account.rules.numbered(fields.card_sequence), mac2, tac));
        self.commit(&changes)?;
        out.extend(tac);
        out.extend(mac2);
        Ok(Answer::Later)
    }

    /// GET TRANSACTION PROVE: MAC2 and TAC of the last purchase or load, if it has this number. A load has no MAC2.
    pub(super) fn prove(&mut self, model: &Model, kind: u8, sequence: u16, out: &mut Vec<u8>) -> Result<Answer, Stop> {
        let account = self.financial(model)?;
        let at = account.address + if kind == account.rules.load_type { LOAD_PROOF } else { PURCHASE_PROOF };
        let stored = self.memory.read(at, PROOF_BYTES);
        let ([present], number) = (self.memory.array::<1>(at), self.memory.array::<2>(at + 1));
        if present != 1 || u16::from_be_bytes(number) != sequence {
            return Err(StatusWord::MAC_NOT_AVAILABLE.into());
        }
        out.extend(stored.iter().skip(3));
        Ok(Answer::Later)
    }

    /// The account, when its DF is the current one. Any financial command ends a transaction that was open.
    fn financial<'m>(&mut self, model: &'m Model) -> Result<&'m AccountModel, Stop> {
        self.state.transaction = None;
        let account = model.account.as_ref().ok_or(StatusWord::INS_UNKNOWN)?;
        if self.state.df == Some(account.df) { Ok(account) } else { Err(StatusWord::CONDITIONS_OF_USE.into()) }
    }

    /// The key of a transaction and its version; the TAC key must be there too.
    fn account_key(
        &self,
        model: &Model,
        account: &AccountModel,
        key: usize,
        key_index: u8,
    ) -> Result<(CardKey, u8), Stop> {
        let (row, tac) = (&model.keys[key], &model.keys[account.tac_key]);
        let state = self.key_state(row);
        if key_index != account.rules.key_index || !state.present || !self.key_state(tac).present {
            return Err(StatusWord::KEY_INDEX.into());
        }
        Ok((self.key(row), state.version))
    }

    pub(crate) fn balances(&self, account: &AccountModel) -> Balances {
        let at = account.address;
        let amount = |offset| u32::from_be_bytes(self.memory.array(at + offset));
        Balances {
            personal_account: amount(PERSONAL),
            self_paid_total: amount(TOTALS),
            pooled_fund_total: amount(TOTALS + 4),
            year: u16::from_be_bytes(self.memory.array(at + YEAR)),
        }
    }

    /// Online and offline transaction numbers: those of the next load and the next purchase.
    pub(crate) fn sequences(&self, account: &AccountModel) -> (u16, u16) {
        let number = |offset| u16::from_be_bytes(self.memory.array(account.address + offset));
        (number(ONLINE), number(OFFLINE))
    }

    /// The next transaction number. FFFF is never used, so that the counter cannot roll over.
    fn sequence(&self, account: &AccountModel, offset: usize) -> Result<u16, Stop> {
        let sequence = u16::from_be_bytes(self.memory.array(account.address + offset));
        if sequence == u16::MAX { Err(StatusWord::COUNTER_MAX.into()) } else { Ok(sequence) }
    }

    /// Totals after a purchase: they start from zero with the first purchase of another year. A date that is none, or of
    /// an earlier year, is refused where the profile says so.
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

    pub(super) fn random(&mut self) -> Result<[u8; 4], Stop> {
        let mut random = [0; 4];
        self.challenges.fill(&mut random).ok_or(StatusWord::CONDITIONS_OF_USE)?;
        Ok(random)
    }
}

/// Day and time of day of a transaction, where the profile has them checked.
pub(super) fn dated(rule: DebitDate, [century, year, month, day, hour, minute, second]: [u8; 7]) -> Result<(), Stop> {
    let is_time = is_bcd_time([hour, minute, second]);
    match rule {
        DebitDate::Checked if !is_time || !is_bcd_date([century, year, month, day]) => {
            Err(StatusWord::WRONG_DATA.into())
        }
        DebitDate::Checked | DebitDate::Any => Ok(()),
    }
}

pub(super) fn proof(number: u16, mac2: [u8; 4], tac: [u8; 4]) -> Vec<u8> {
    [&[1][..], &number.to_be_bytes(), &mac2, &tac].concat()
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
