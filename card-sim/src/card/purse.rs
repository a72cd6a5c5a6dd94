//! Electronic deposit (电子存折 ED) and electronic purse (电子钱包 EP): load, purchase, cash, unload, overdraw limit,
//! composite purchase, proof.
//!
//! Source: purse rows of the profile; COS manual of PBOC 1.0/2.0 for states, answers and atomicity.
//! Owns: balances and limits; the commit of balance, number, log, proof and cache. Never: says what a transaction is
//! (`transaction`).
//! Units: amounts in fen, unsigned 32 bits; limits 24 bits.

use card_core::StatusWord;
use card_core::algorithm::TacKey;
use card_core::crypto::{CardKey, KeyForm};
use card_profiles::account::MacFields;
use card_profiles::purse::Purse;

use super::transaction::{Open, Step, dated, proof};
use super::{Answer, Card, Stop, expect_le};
use crate::memory::Changes;
use crate::model::{Model, PROOF_BYTES, PURSE_BYTES, PurseModel};

/// Offsets in one purse.
const BALANCE: usize = 0;
const ONLINE: usize = 4;
const OFFLINE: usize = 6;
const LIMIT: usize = 8;
/// Largest overdraw limit.
const LIMIT_MAX: u32 = 0x00FF_FFFF;

/// What INITIALIZE began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Begin {
    Load,
    Purchase,
    Cash,
    Composite,
    Unload,
}

/// What a committed transaction leaves: the number of the log, and the number and MACs of the proof.
struct Record {
    number: u16,
    limit: u32,
    amount: u32,
    mac: [u8; 4],
    tac: [u8; 4],
}

impl Card {
    /// INITIALIZE FOR LOAD, PURCHASE, CASH WITHDRAW, CAPP PURCHASE, UNLOAD.
    pub(super) fn purse_begin(
        &mut self,
        model: &Model,
        (begin, purse): (Begin, Purse),
        key_index: u8,
        amount: u32,
        terminal: [u8; 6],
        out: &mut Vec<u8>,
    ) -> Result<Answer, Stop> {
        let applet = self.purse(model)?;
        let (types, keys, access) = (&applet.rules.types, &applet.keys, &applet.access);
        let (step, transaction_type, key, rule) = match (begin, purse) {
            (Begin::Load, _) => (Step::Load, applet.rules.load_type(purse), keys.load, access.load),
            (Begin::Purchase, Purse::Deposit) => (Step::Debit, types.ed_purchase, keys.purchase, access.ed_purchase),
            (Begin::Purchase, Purse::Purse) => (Step::Debit, types.ep_purchase, keys.purchase, access.ep_purchase),
            (Begin::Cash, _) => (Step::Debit, types.cash, keys.purchase, access.cash),
            (Begin::Composite, _) => (Step::Composite, types.composite, keys.purchase, access.ep_purchase),
            (Begin::Unload, _) => (Step::Unload, types.unload, keys.unload, access.unload),
        };
        self.allow(rule.allows(self.state.rights))?;
        let is_index = key_index == applet.rules.key_index;
        let (key, version) = self.transaction_key(model, [key, keys.tac], is_index)?;
        let online = matches!(step, Step::Load | Step::Unload);
        let at = purse_address(applet, purse);
        let card_sequence = self.next_number(at + if online { ONLINE } else { OFFLINE })?;
        let balance = self.amount_at(at + BALANCE);
        let balance_after = match step {
            Step::Load => balance.checked_add(amount).ok_or(StatusWord::CONDITIONS_OF_USE)?,
            Step::Debit | Step::Composite | Step::Unload | Step::Overdraw => {
                balance.checked_sub(amount).ok_or(StatusWord::AMOUNT_INSUFFICIENT)?
            }
        };
        let fields = MacFields {
            amount,
            balance_before: balance,
            balance_after,
            transaction_type,
            terminal,
            card_sequence,
            old_limit: self.purse_limit(applet, purse),
            ..MacFields::default()
        };
        out.extend(balance.to_be_bytes());
        out.extend(card_sequence.to_be_bytes());
        if !online {
            out.extend(limit_bytes(fields.old_limit));
        }
        let open = self.open(step, at, key, fields)?;
        open.announce(model, version, out);
        match step {
            Step::Load => out.extend(open.mac(&open.session(), &applet.rules.mac.load_mac1)),
            Step::Unload => out.extend(open.mac(&open.session(), &applet.rules.mac.unload_mac1)),
            Step::Debit | Step::Composite | Step::Overdraw => {}
        }
        self.state.transaction = Some(open);
        Ok(Answer::Later)
    }

    /// INITIALIZE FOR UPDATE: balance, online number, limit, key version, algorithm, random, MAC1.
    pub(super) fn purse_begin_overdraw(
        &mut self,
        model: &Model,
        key_index: u8,
        terminal: [u8; 6],
        out: &mut Vec<u8>,
    ) -> Result<Answer, Stop> {
        let applet = self.purse(model)?;
        self.allow(applet.access.overdraw.allows(self.state.rights))?;
        let keys = [applet.keys.overdraw, applet.keys.tac];
        let (key, version) = self.transaction_key(model, keys, key_index == applet.rules.key_index)?;
        let purse = Purse::Deposit;
        let at = purse_address(applet, purse);
        let card_sequence = self.next_number(at + ONLINE)?;
        let (balance, old_limit) = (self.purse_balance(applet, purse), self.purse_limit(applet, purse));
        let fields = MacFields {
            balance_before: balance,
            transaction_type: applet.rules.types.overdraw,
            terminal,
            card_sequence,
            old_limit,
            ..MacFields::default()
        };
        let open = self.open(Step::Overdraw, at, key, fields)?;
        out.extend(balance.to_be_bytes());
        out.extend(card_sequence.to_be_bytes());
        out.extend(limit_bytes(old_limit));
        open.announce(model, version, out);
        out.extend(open.mac(&open.session(), &applet.rules.mac.overdraw_mac1));
        self.state.transaction = Some(open);
        Ok(Answer::Later)
    }

    /// CREDIT FOR LOAD: answers the TAC.
    pub(super) fn purse_credit(
        &mut self,
        model: &Model,
        date_time: [u8; 7],
        mac2: [u8; 4],
        out: &mut Vec<u8>,
    ) -> Result<Answer, Stop> {
        let (applet, mut open) = self.purse_open(model, &[Step::Load])?;
        open.fields.date_time = date_time;
        let rows = &applet.rules.mac;
        open.checked(&rows.load_mac2, mac2)?;
        dated(applet.rules.debit_date, date_time)?;
        let tac = self.key(&model.keys[applet.keys.tac]).tac(&open.fields.input(&rows.load_tac));
        let number = open.fields.card_sequence;
        let record = Record { number, limit: open.fields.old_limit, amount: open.fields.amount, mac: [0; 4], tac };
        self.purse_commit(model, applet, &open, ONLINE, &record, Changes::default())?;
        out.extend(tac);
        Ok(Answer::Later)
    }

    /// DEBIT FOR UNLOAD: answers MAC3, which the proof keeps in the place of MAC2 (assumed).
    pub(super) fn purse_unload(
        &mut self,
        model: &Model,
        date_time: [u8; 7],
        mac2: [u8; 4],
        out: &mut Vec<u8>,
    ) -> Result<Answer, Stop> {
        let (applet, mut open) = self.purse_open(model, &[Step::Unload])?;
        open.fields.date_time = date_time;
        let rows = &applet.rules.mac;
        let session = open.checked(&rows.unload_mac2, mac2)?;
        dated(applet.rules.debit_date, date_time)?;
        let mac3 = open.mac(&session, &rows.unload_mac3);
        let number = open.fields.card_sequence;
        let record =
            Record { number, limit: open.fields.old_limit, amount: open.fields.amount, mac: mac3, tac: [0; 4] };
        self.purse_commit(model, applet, &open, ONLINE, &record, Changes::default())?;
        out.extend(mac3);
        Ok(Answer::Later)
    }

    /// UPDATE OVERDRAW LIMIT: the stored balance holds the limit, so it moves with it. The log carries the offline number
    /// and the new limit (COS manual).
    pub(super) fn purse_overdraw(
        &mut self,
        model: &Model,
        limit: [u8; 3],
        date_time: [u8; 7],
        mac2: [u8; 4],
        out: &mut Vec<u8>,
    ) -> Result<Answer, Stop> {
        let (applet, mut open) = self.purse_open(model, &[Step::Overdraw])?;
        let [a, b, c] = limit;
        let fields = &mut open.fields;
        fields.date_time = date_time;
        fields.new_limit = u32::from_be_bytes([0, a, b, c]);
        let rows = &applet.rules.mac;
        open.checked(&rows.overdraw_mac2, mac2)?;
        dated(applet.rules.debit_date, date_time)?;
        let fields = &mut open.fields;
        let raised = fields.balance_before.checked_add(fields.new_limit).ok_or(StatusWord::CONDITIONS_OF_USE)?;
        fields.balance_after = raised.checked_sub(fields.old_limit).ok_or(StatusWord::AMOUNT_INSUFFICIENT)?;
        let tac = self.overdraw_tac_key(model, applet).tac(&open.fields.input(&rows.overdraw_tac));
        let at = purse_address(applet, Purse::Deposit);
        let mut changes = Changes::default();
        changes.set(at + LIMIT, &limit);
        let number = self.number_at(at + OFFLINE);
        let record = Record { number, limit: open.fields.new_limit, amount: 0, mac: [0; 4], tac };
        self.purse_commit(model, applet, &open, ONLINE, &record, changes)?;
        out.extend(tac);
        Ok(Answer::Later)
    }

    /// DEBIT FOR PURCHASE, CASH WITHDRAW, CAPP PURCHASE: answers TAC and MAC2.
    pub(super) fn purse_debit(
        &mut self,
        model: &Model,
        sequence: u32,
        date_time: [u8; 7],
        mac1: [u8; 4],
        out: &mut Vec<u8>,
    ) -> Result<Answer, Stop> {
        let (applet, mut open) = self.purse_open(model, &[Step::Debit, Step::Composite])?;
        open.fields.terminal_sequence = sequence;
        open.fields.date_time = date_time;
        let rows = &applet.rules.mac;
        let session = open.checked(&rows.purchase_mac1, mac1)?;
        dated(applet.rules.debit_date, date_time)?;
        let mac = open.mac(&session, &rows.purchase_mac2);
        let tac = self.key(&model.keys[applet.keys.tac]).tac(&open.fields.input(&rows.purchase_tac));
        let mut changes = Changes::default();
        for (address, bytes) in &open.cache {
            changes.set(*address, bytes);
        }
        let number = open.fields.card_sequence;
        let record = Record { number, limit: open.fields.old_limit, amount: open.fields.amount, mac, tac };
        self.purse_commit(model, applet, &open, OFFLINE, &record, changes)?;
        out.extend(tac);
        out.extend(mac);
        Ok(Answer::Later)
    }

    /// GET BALANCE: that of the ED holds its overdraw limit.
    pub(super) fn purse_balance_of(
        &mut self,
        model: &Model,
        purse: Purse,
        le: usize,
        out: &mut Vec<u8>,
    ) -> Result<Answer, Stop> {
        let applet = self.purse(model)?;
        let rule = match purse {
            Purse::Deposit => applet.access.ed_balance,
            Purse::Purse => applet.access.ep_balance,
        };
        self.allow(rule.allows(self.state.rights))?;
        expect_le(le, 4)?;
        out.extend(self.purse_balance(applet, purse).to_be_bytes());
        Ok(Answer::Now)
    }

    /// GET TRANSACTION PROVE: MAC2 and TAC of the last transaction of this type, if it has this number.
    pub(super) fn purse_prove(
        &mut self,
        model: &Model,
        transaction_type: u8,
        number: u16,
        out: &mut Vec<u8>,
    ) -> Result<Answer, Stop> {
        let applet = self.purse(model)?;
        let at = proof_address(applet, transaction_type).ok_or(StatusWord::MAC_NOT_AVAILABLE)?;
        self.answer_proof(at, number, out)
    }

    fn purse<'m>(&mut self, model: &'m Model) -> Result<&'m PurseModel, Stop> {
        self.financial(model.purse.as_ref(), |applet| applet.df)
    }

    /// The transaction that a second half completes; it is over, whatever comes of it.
    fn purse_open<'m>(&mut self, model: &'m Model, steps: &[Step]) -> Result<(&'m PurseModel, Open), Stop> {
        let open = self.state.transaction.take();
        let applet = self.purse(model)?;
        let open = open.filter(|open| steps.contains(&open.step)).ok_or(StatusWord::NOT_ACCEPTED)?;
        Ok((applet, open))
    }

    /// The key of the TAC of an overdraw limit, folded or whole as the profile says.
    fn overdraw_tac_key(&self, model: &Model, applet: &PurseModel) -> CardKey {
        let row = &model.keys[applet.keys.tac];
        let mut rules = row.form.rules;
        rules.tac_key = match (model.rules.tac_key, applet.rules.overdraw_tac_key) {
            (TacKey::Whole, _) | (_, TacKey::Whole) => TacKey::Whole,
            (TacKey::Folded, TacKey::Folded) => TacKey::Folded,
        };
        let form = KeyForm { rules, ..row.form };
        CardKey::new(card_core::key::Key16::new(self.memory.array(row.address + 4)), form)
    }

    pub(crate) fn purse_balance(&self, applet: &PurseModel, purse: Purse) -> u32 {
        self.amount_at(purse_address(applet, purse) + BALANCE)
    }

    pub(crate) fn purse_limit(&self, applet: &PurseModel, purse: Purse) -> u32 {
        let [a, b, c] = self.memory.array(purse_address(applet, purse) + LIMIT);
        u32::from_be_bytes([0, a, b, c])
    }

    /// Online and offline transaction numbers of a purse.
    pub(crate) fn purse_sequences(&self, applet: &PurseModel, purse: Purse) -> (u16, u16) {
        let at = purse_address(applet, purse);
        (self.number_at(at + ONLINE), self.number_at(at + OFFLINE))
    }

    /// Balance, number, log and proof with `changes`, together or not at all.
    fn purse_commit(
        &mut self,
        model: &Model,
        applet: &PurseModel,
        open: &Open,
        counter: usize,
        record: &Record,
        mut changes: Changes,
    ) -> Result<(), Stop> {
        let (at, fields, rules) = (open.address, &open.fields, &applet.rules);
        changes.set(at + BALANCE, &fields.balance_after.to_be_bytes());
        changes.set(at + counter, &(fields.card_sequence + 1).to_be_bytes());
        if rules.logs_ep_purchase || fields.transaction_type != rules.types.ep_purchase {
            let mut line = Vec::with_capacity(23);
            line.extend(rules.log_sequence.of(record.number).to_be_bytes());
            line.extend(limit_bytes(record.limit));
            line.extend(record.amount.to_be_bytes());
            line.push(fields.transaction_type);
            line.extend(fields.terminal);
            line.extend(fields.date_time);
            self.append(&model.dfs[applet.df].efs[applet.log], &line, &mut changes)?;
        }
        let place = proof_address(applet, fields.transaction_type).expect("the types of INITIALIZE have a proof");
        changes.set(place, &proof(rules.prove_sequence.of(fields.card_sequence), record.mac, record.tac));
        self.commit(&changes)?;
        if rules.drops_pin {
            self.state.rights &= !crate::model::PIN_RIGHT;
        }
        Ok(())
    }
}

fn purse_address(applet: &PurseModel, purse: Purse) -> usize {
    applet.address
        + match purse {
            Purse::Deposit => 0,
            Purse::Purse => PURSE_BYTES,
        }
}

/// Where the transaction numbers of both purses lie.
pub(super) fn numbers(applet: &PurseModel) -> [usize; 4] {
    let of = |purse, offset| purse_address(applet, purse) + offset;
    [of(Purse::Deposit, ONLINE), of(Purse::Deposit, OFFLINE), of(Purse::Purse, ONLINE), of(Purse::Purse, OFFLINE)]
}

/// Where the proof of a transaction type lies; `None` for a type that the card does not know.
fn proof_address(applet: &PurseModel, transaction_type: u8) -> Option<usize> {
    let types = applet.rules.transaction_types();
    let index = types.iter().position(|known| *known == transaction_type)?;
    Some(applet.address + 2 * PURSE_BYTES + index * PROOF_BYTES)
}

fn limit_bytes(limit: u32) -> [u8; 3] {
    let [_, bytes @ ..] = limit.min(LIMIT_MAX).to_be_bytes();
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use card_core::key::Key16;
    use card_profiles::builtin;

    #[test]
    fn a_transaction_number_at_its_maximum_is_never_used() {
        let profile = builtin("pboc-purse").expect("built in");
        for (purse, offset, command) in [
            (Purse::Deposit, ONLINE, "805000010B0100000000990011223344"),
            (Purse::Purse, ONLINE, "805000020B0100000000990011223344"),
            (Purse::Deposit, ONLINE, "805005010B0100000000990011223344"),
            (Purse::Deposit, ONLINE, "805004010701990011223344"),
            (Purse::Deposit, OFFLINE, "805001010B0100000000990011223344"),
            (Purse::Deposit, OFFLINE, "805002010B0100000000990011223344"),
            (Purse::Purse, OFFLINE, "805001020B0100000000990011223344"),
            (Purse::Purse, OFFLINE, "805003020B0100000000990011223344"),
        ] {
            let mut card = Card::factory(&profile, [0; 6], &Key16::new([0x11; 16])).expect("a card");
            card.power_on().expect("power");
            let model = std::sync::Arc::clone(&card.model);
            let applet = model.purse.as_ref().expect("a purse");
            for (number, sw1) in [(u16::MAX - 1, 0x61), (u16::MAX, 0x94)] {
                let mut changes = Changes::default();
                changes.set(purse_address(applet, purse) + offset, &number.to_be_bytes());
                for key in model.keys.iter().filter(|key| key.df == applet.df) {
                    changes.set(key.address, &[1, 3, 1, 0]);
                }
                card.commit(&changes).expect("power");
                card.state.df = Some(applet.df);
                card.state.rights = u128::MAX;
                let mut answer = Vec::new();
                card.transmit(&hex::decode(command).expect("hex"), &mut answer).expect("answer");
                assert_eq!(answer.first(), Some(&sw1), "{command} at {number:04X}: {answer:02X?}");
                assert!(sw1 == 0x61 || answer == [0x94, 0x02]);
            }
        }
    }
}
