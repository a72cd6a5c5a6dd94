//! Purchases whose MACs a PSAM computes and checks (`80 70`, `80 72`), as a terminal in the field makes them.
//!
//! Source: LD/T 32.7 purchase with a PSAM; the PSAM gives the terminal number and takes the key version that the card names.
//! Owns: their cases and acts. Never: loads: a PSAM has no load key, so these purchases take nothing from the balance.

use std::rc::Rc;

use card_core::StatusWord;
use card_core::command::{self, Record};

use super::account::Till;
use super::workshop::{Draft, Workshop, sw};
use super::{Act, Deal, Effect, Expect, Text};

/// One part of a purchase, of the transaction begun.
#[derive(Clone, Debug)]
pub struct PsamAct {
    /// The transaction.
    pub deal: Rc<Deal>,
    /// Which part.
    pub what: PsamWhat,
}

/// The parts of a purchase after INITIALIZE.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PsamWhat {
    /// INIT SAM FOR PURCHASE: the terminal's number and MAC1, remembered.
    Start,
    /// DEBIT with them.
    Debit {
        /// With one bit of MAC1 wrong.
        wrong: bool,
    },
    /// CREDIT SAM FOR PURCHASE with the MAC2 that the card answered.
    Check,
}

impl PsamAct {
    /// Where it acts.
    pub(super) fn place(&self) -> String {
        match self.what {
            PsamWhat::Start => format!("80700100 {}", self.deal.key.name),
            PsamWhat::Debit { .. } => hex::encode_upper(self.deal.complete.header()),
            PsamWhat::Check => "80720000".to_owned(),
        }
    }
}

/// The cases: `some` moves yearly totals only, `zero` nothing.
pub(super) fn drafts(shop: &Workshop<'_>, till: &Till<'_>, zero: &Rc<Deal>, some: &Rc<Deal>) -> Vec<Draft> {
    let at_psam = |what| Act::AtPsam(PsamAct { deal: Rc::clone(some), what });
    let proofs = || till.proofs(shop, &some.access);
    let begin = |deal: &Rc<Deal>| Act::Begin(Rc::clone(deal));
    // The version of the key is the card's to name: the PSAM is asked with it.
    let of = |what: &str, leaves: Text, title: Text| {
        let draft = till.of_deal(shop, some, what, title).effect(Effect::Leaves(leaves));
        let draft = draft.with(proofs()).then(begin(some), [Expect::Length(some.start_length())]);
        draft.then(at_psam(PsamWhat::Start), [Expect::Done])
    };
    let leaves = Text::new(
        "卡片与终端交易序号前进，明细增加，年度累计增加 5 分",
        "transaction numbers of card and terminal advance, the log has a new entry, yearly totals grow by 5 fen",
    );
    let title = Text::new(
        "PSAM 计算 MAC1 并校验 MAC2 的消费：明细、序号、年度累计相符",
        "a purchase whose MAC1 a PSAM computes and whose MAC2 it accepts: log, number and yearly totals follow",
    );
    let (sfi, length) = till.log;
    let read = command::read_record(sfi, Record::Number(1), u16::try_from(length).unwrap_or_default());
    let way = till.df.ef.iter().find(|ef| ef.sfi() == sfi).map(|ef| till.proofs(shop, &ef.read)).unwrap_or_default();
    let paid = of("psam", leaves, title).then(at_psam(PsamWhat::Debit { wrong: false }), [Expect::Length(8)]);
    let paid = paid.then(at_psam(PsamWhat::Check), [Expect::Done]);
    let paid = paid.with(way).send(read, [Expect::Logged(Rc::clone(some))]).with(proofs());
    let since = |balance, sequence| Expect::Since { balance: Some(balance), sequence: Some(sequence) };
    let paid = paid.then(begin(zero), [since(0, 1), Expect::Totals(Rc::clone(some), till.totals())]);
    let leaves = Text::new("终端交易序号前进", "the terminal's transaction number advances");
    let title = Text::new(
        "PSAM 的 MAC1 错一位时拒绝，交易结束，余额与序号不变",
        "a MAC1 of the PSAM with one bit wrong ends the purchase; balance and number stay",
    );
    let order = [StatusWord::NOT_ACCEPTED, StatusWord::CONDITIONS_OF_USE];
    let wrong = of("psam.wrong-mac", leaves, title);
    let wrong = wrong.then(at_psam(PsamWhat::Debit { wrong: true }), [sw(&[StatusWord::MAC_WRONG])]);
    let wrong = wrong.then(at_psam(PsamWhat::Debit { wrong: false }), [sw(&order)]);
    let wrong = wrong.with(proofs()).then(begin(zero), [since(0, 0)]);
    vec![paid, wrong]
}
