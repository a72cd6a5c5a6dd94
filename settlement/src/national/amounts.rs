//! What the centre's amounts must be among themselves, and against ours.
//!
//! Source: identities between the amounts of `setlinfo` (the names are the interface's; tolerance is none).
//! Owns: the identities, the list of differences from our own split. Never: corrects an amount; the centre's value wins.
//! Units: fen.

use super::message::SettlementInfo;
use crate::fen::{Fen, FenError};
use crate::split::Split;

/// Where 共济 (the family's account) stands. Cities differ.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MutualAid {
    /// Inside `acct_pay` (assumed).
    #[default]
    Inside,
    /// Beside `acct_pay`.
    Separate,
}

/// What does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Contradiction {
    /// Who pays.
    #[error("medfee_sumamt = fund_pay_sumamt + acct_pay + psn_cash_pay")]
    Payers,
    /// What it is made of.
    #[error("medfee_sumamt = fulamt_ownpay_amt + overlmt_selfpay + preselfpay_amt + inscp_scp_amt")]
    Parts,
    /// Not what was asked to be settled.
    #[error("medfee_sumamt = sum of the lines sent")]
    Total,
    /// Not the message that was sent.
    #[error("medins_setl_id = msgid")]
    Message,
    /// Not the person that was sent.
    #[error("psn_no of the answer = psn_no that was sent")]
    Person,
    /// A cancellation under a number that already names something else.
    #[error("setl_id of a cancellation is new")]
    Known,
    /// Not the visit of the settlement that was to be cancelled.
    #[error("mdtrt_id of the answer = mdtrt_id of the settlement")]
    Visit,
    /// An answer that came before, to another message.
    #[error("inf_refmsgid is new")]
    Repeated,
    /// Settled, and nothing to name it by.
    #[error("setl_id, mdtrt_id")]
    Unnamed,
    /// A purchase with a negative amount.
    #[error("no amount is negative")]
    Sign,
    /// Amounts that cannot be added.
    #[error("amounts fit 64 bits")]
    Range,
}

impl From<FenError> for Contradiction {
    fn from(_: FenError) -> Self {
        Self::Range
    }
}

/// What was sent, which the answer must fit.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// Person.
    pub psn_no: &'a str,
    /// Sum of the lines.
    pub total: Fen,
    /// Message, where the answer must name it.
    pub msgid: Option<&'a str>,
    /// Where 共济 stands.
    pub mutual_aid: MutualAid,
}

/// Asserts the identities of an answer, with no tolerance.
///
/// # Errors
/// [`Contradiction`]: the first that does not hold.
pub fn check(info: &SettlementInfo, asked: &Asked<'_>) -> Result<(), Contradiction> {
    let require = |holds: bool, contradiction| if holds { Ok(()) } else { Err(contradiction) };
    require(info.psn_no.as_str() == asked.psn_no, Contradiction::Person)?;
    if let (Some(ours), Some(theirs)) = (asked.msgid, &info.medins_setl_id) {
        require(theirs.as_str() == ours, Contradiction::Message)?;
    }
    let total = info.medfee_sumamt.fen();
    require(total == asked.total, Contradiction::Total)?;
    let aid = match asked.mutual_aid {
        MutualAid::Inside => Fen::ZERO,
        MutualAid::Separate => info.acct_mulaid_pay.map_or(Fen::ZERO, |aid| aid.fen()),
    };
    let payers = [info.fund_pay_sumamt.fen(), info.acct_pay.fen(), info.psn_cash_pay.fen(), aid];
    require(Fen::sum(payers)? == total, Contradiction::Payers)?;
    let parts =
        [info.fulamt_ownpay_amt.fen(), info.overlmt_selfpay.fen(), info.preselfpay_amt.fen(), info.inscp_scp_amt.fen()];
    require(Fen::sum(parts)? == total, Contradiction::Parts)?;
    require(payers.iter().chain(&parts).all(|amount| *amount >= Fen::ZERO), Contradiction::Sign)
}

/// The settlement that a cancellation was asked for, which its answer must fit.
#[derive(Clone, Copy, Debug)]
pub struct Cancelled<'a> {
    /// Person.
    pub psn_no: &'a str,
    /// 就诊ID of the settlement.
    pub mdtrt_id: &'a str,
    /// Message, where the answer names one.
    pub msgid: &'a str,
    /// Total, funds, account of the settlement.
    pub sums: [Fen; 3],
}

/// Asserts that an answer to 2103 is about this settlement and is no other's. `is_known` says of a 结算ID whether it names a
/// settlement or a cancellation that we know already.
///
/// The amounts are those of the settlement, all with the other sign or, as some centres send them, all without it; what funds and account did
/// not pay is cash and, in some cities beside the account, 共济.
///
/// # Errors
/// [`Contradiction`]: the first that does not hold.
pub fn check_cancelled(
    info: &SettlementInfo,
    asked: &Cancelled<'_>,
    is_known: impl Fn(&str) -> bool,
) -> Result<(), Contradiction> {
    let require = |holds: bool, contradiction| if holds { Ok(()) } else { Err(contradiction) };
    require(info.psn_no.as_str() == asked.psn_no, Contradiction::Person)?;
    if let Some(theirs) = &info.medins_setl_id {
        require(theirs.as_str() == asked.msgid, Contradiction::Message)?;
    }
    let (Some(setl_id), Some(mdtrt_id)) = (&info.setl_id, &info.mdtrt_id) else { return Err(Contradiction::Unnamed) };
    require(mdtrt_id.as_str() == asked.mdtrt_id, Contradiction::Visit)?;
    require(!is_known(setl_id.as_str()), Contradiction::Known)?;
    let aid = info.acct_mulaid_pay.map_or(Fen::ZERO, |aid| aid.fen());
    let [total, funds, account] = [info.medfee_sumamt, info.fund_pay_sumamt, info.acct_pay].map(|amount| amount.fen());
    let other = |sums: [Fen; 3]| -> Result<[Fen; 3], FenError> {
        let [total, funds, account] = sums.map(|sum| Fen::ZERO.minus(sum));
        Ok([total?, funds?, account?])
    };
    let theirs = [total, funds, account];
    require(theirs == asked.sums || theirs == other(asked.sums)?, Contradiction::Total)?;
    let rest = total.minus(funds)?.minus(account)?;
    let cash = info.psn_cash_pay.fen();
    require(cash == rest || cash.plus(aid)? == rest, Contradiction::Payers)
}

/// One amount that we and the centre see otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Name on the wire.
    pub field: &'static str,
    /// 中文名, English.
    pub label: (&'static str, &'static str),
    /// Ours.
    pub ours: Fen,
    /// The centre's, which counts.
    pub centre: Fen,
}

/// Where our split differs from the centre's.
#[must_use]
pub fn differences(split: &Split, info: &SettlementInfo) -> Vec<Difference> {
    let parts = &split.parts;
    [
        ("medfee_sumamt", ("合计", "total"), parts.amount_fen, info.medfee_sumamt),
        ("fulamt_ownpay_amt", ("全自费", "own pay"), parts.own_pay_fen, info.fulamt_ownpay_amt),
        ("overlmt_selfpay", ("超限价", "over limit"), parts.over_limit_fen, info.overlmt_selfpay),
        ("preselfpay_amt", ("先行自付", "first self-pay"), parts.first_self_pay_fen, info.preselfpay_amt),
        ("inscp_scp_amt", ("政策范围内", "in scope"), parts.in_scope_fen, info.inscp_scp_amt),
        ("fund_pay_sumamt", ("基金", "funds"), split.pooled_fund_fen, info.fund_pay_sumamt),
        ("acct_pay", ("个人账户", "account"), split.personal_account_fen, info.acct_pay),
        ("psn_cash_pay", ("现金", "cash"), split.self_paid_fen, info.psn_cash_pay),
    ]
    .into_iter()
    .map(|(field, label, ours, centre)| Difference { field, label, ours, centre: centre.fen() })
    .filter(|difference| difference.ours != difference.centre)
    .collect()
}

#[cfg(test)]
mod tests {
    use super::super::field::{Reading, Record as _};
    use super::super::json::Node;
    use super::*;

    fn answer(members: &[(&str, &str)]) -> SettlementInfo {
        let mut all = vec![
            ("setl_id", "REFD2"),
            ("mdtrt_id", "MDTRT1"),
            ("psn_no", "P1"),
            ("psn_name", "甲"),
            ("medfee_sumamt", "-12.50"),
            ("fund_pay_sumamt", "0"),
            ("acct_pay", "-2.50"),
            ("psn_cash_pay", "-10.00"),
            ("fulamt_ownpay_amt", "0"),
            ("overlmt_selfpay", "0"),
            ("preselfpay_amt", "0"),
            ("inscp_scp_amt", "-12.50"),
        ];
        for (name, value) in members {
            all.retain(|(other, _)| other != name);
            all.push((name, value));
        }
        let text: Vec<String> = all.iter().map(|(name, value)| format!("\"{name}\":\"{value}\"")).collect();
        let node = Node::parse(format!("{{{}}}", text.join(",")).as_bytes()).expect("JSON");
        SettlementInfo::read(&node.members().expect("an object"), Reading::Lenient).expect("fits its rows")
    }

    #[test]
    fn a_cancellation_is_believed_of_its_own_settlement_under_a_name_of_its_own() {
        let asked = Cancelled {
            psn_no: "P1",
            mdtrt_id: "MDTRT1",
            msgid: "M2",
            sums: [Fen::new(1_250), Fen::ZERO, Fen::new(250)],
        };
        let check =
            |members: &[(&str, &str)]| check_cancelled(&answer(members), &asked, |id| ["SETL1", "REFD1"].contains(&id));
        assert_eq!(check(&[]), Ok(()));
        let unsigned = [("medfee_sumamt", "12.50"), ("acct_pay", "2.50"), ("psn_cash_pay", "10.00")];
        assert_eq!(check(&unsigned), Ok(()), "without its sign");
        let (aid, less) = (("acct_mulaid_pay", "-4.00"), ("psn_cash_pay", "-6.00"));
        assert_eq!((check(&[aid]), check(&[aid, less])), (Ok(()), Ok(())), "inside the account, and beside it");
        assert_eq!(check(&[("medins_setl_id", "M2")]), Ok(()));
        for (members, fault) in [
            (("psn_no", "P2"), Contradiction::Person),
            (("medins_setl_id", "M1"), Contradiction::Message),
            (("setl_id", "SETL1"), Contradiction::Known),
            (("setl_id", "REFD1"), Contradiction::Known),
            (("mdtrt_id", "MDTRT2"), Contradiction::Visit),
            (("acct_pay", "-2.49"), Contradiction::Total),
            (("acct_pay", "2.50"), Contradiction::Total),
            (("psn_cash_pay", "10.00"), Contradiction::Payers),
            (("psn_cash_pay", "-9.99"), Contradiction::Payers),
        ] {
            assert_eq!(check(&[members]), Err(fault), "{members:?}");
        }
    }
}
