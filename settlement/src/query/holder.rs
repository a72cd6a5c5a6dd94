//! The holder's page of a kiosk: card, account, what explains the difference between them, insurances, a new card; loss and release.
//!
//! Owns: the bodies; `total − balance on the card = Σ difference_fen + unexplained_fen`. Never: finds the items (the centre does).
//! Units: fen.

use serde::{Deserialize, Serialize};

use super::{Insurance, Pin, Standing};
use crate::date::{BusinessDate, DateTime, Month};
use crate::fen::{Fen, FenError, on_card};
use crate::id::{CardIdentifier, RequestId, TerminalNumber};
use crate::message::{AnswerStatus, Request, Version1, request};
use crate::refund::Original;

/// Asks for everything that the holder's page shows. It is a question: asked again it needs a new id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OverviewRequest {
    /// Always 1.
    pub version: Version1,
    /// Id.
    pub request_id: RequestId,
    /// Terminal.
    pub terminal: TerminalNumber,
    /// Card in the reader.
    pub card_identifier: CardIdentifier,
    /// What the card said about the PIN.
    pub pin: Pin,
    /// What the card itself says of its money; without it no difference is explained.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_card: Option<OnCard>,
}

/// The money on a card, as it was just read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OnCard {
    /// Balance.
    #[serde(deserialize_with = "on_card")]
    pub balance_fen: Fen,
    /// Its log, newest first, at most [`super::LOG_RECORDS_MAX`]; empty when it could not be read.
    pub log: Vec<LoggedTransaction>,
}

/// A record of the card's log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LoggedTransaction {
    /// Purchase or load.
    pub kind: LogKind,
    /// The number that INITIALIZE answered for it, whatever the profile's log shows.
    pub card_sequence: u16,
    /// Personal account's part.
    #[serde(deserialize_with = "on_card")]
    pub amount_fen: Fen,
    /// Where.
    pub terminal: TerminalNumber,
    /// When, if the card's bytes are a date.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub date_time: Option<DateTime>,
}

/// What a record of the card's log is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogKind {
    /// DEBIT FOR PURCHASE.
    Purchase,
    /// CREDIT FOR LOAD, refunds with it.
    Load,
}

/// The holder's page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OverviewAnswer {
    /// Always 1.
    pub version: Version1,
    /// New or known.
    pub status: AnswerStatus,
    /// The card at the centre.
    pub card: CardView,
    /// A card that is being made for the holder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub new_card: Option<NewCard>,
    /// What the holder may do here with this card now.
    pub may: Vec<SelfService>,
    /// Money at the centre; nothing is told without a PIN.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<AccountView>,
    /// The five insurances; nothing is told without a PIN, nor by a centre that was given no such data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub benefits: Option<Benefits>,
}

/// How a card stands (卡应用状态).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CardState {
    /// 封存: made, not yet handed out.
    Sealed,
    /// 正常.
    Normal,
    /// 正式挂失.
    FormalLoss,
    /// 应用锁定.
    Locked,
    /// 临时挂失.
    TemporaryLoss,
    /// 注销.
    Cancelled,
}

impl CardState {
    /// All, in order of their codes.
    pub const ALL: [Self; 6] =
        [Self::Sealed, Self::Normal, Self::FormalLoss, Self::Locked, Self::TemporaryLoss, Self::Cancelled];

    /// AAZ502.
    #[must_use]
    pub const fn code(self) -> char {
        match self {
            Self::Sealed => '0',
            Self::Normal => '1',
            Self::FormalLoss => '2',
            Self::Locked => '3',
            Self::TemporaryLoss => '4',
            Self::Cancelled => '9',
        }
    }

    /// The state of a code.
    #[must_use]
    pub fn of_code(code: char) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.code() == code)
    }
}

/// A card at the centre.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CardView {
    /// State.
    pub state: CardState,
    /// Day since when; none for a card that has not moved since it was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<BusinessDate>,
    /// Last day of its validity.
    pub valid_until: BusinessDate,
    /// Day on which a temporary loss ends by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub release_on: Option<BusinessDate>,
    /// Whether terminals refuse it, also for another reason than its state.
    pub blacklisted: bool,
    /// Whether another card has come in its place.
    pub replaced: bool,
}

/// A card under way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewCard {
    /// How far it is.
    pub stage: NewCardStage,
    /// Number of the request, when it was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<i64>,
    /// Day of the request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requested_on: Option<BusinessDate>,
    /// Where it waits for its holder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub collect_at: Option<String>,
}

/// How far a new card is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NewCardStage {
    /// 已申请: in no batch yet.
    Requested,
    /// 待审核: in a batch that waits for approval.
    InBatch,
    /// 待制卡: approved, waits for a blank card.
    Approved,
    /// 制卡中: at a station, or at the factory.
    Making,
    /// 已制成: made, not yet on its way.
    Made,
    /// 运送中: on its way to where it is fetched.
    OnTheWay,
    /// 可领取: waits for its holder.
    ReadyToCollect,
    /// 逾期未领: nobody came in time; the office says where it is.
    Returned,
}

impl NewCardStage {
    /// All, in the order in which a card passes them.
    pub const ALL: [Self; 8] = [
        Self::Requested,
        Self::InBatch,
        Self::Approved,
        Self::Making,
        Self::Made,
        Self::OnTheWay,
        Self::ReadyToCollect,
        Self::Returned,
    ];

    /// Chinese and English words.
    #[must_use]
    pub const fn names(self) -> (&'static str, &'static str) {
        match self {
            Self::Requested => ("已申请", "requested"),
            Self::InBatch => ("待审核", "waits for approval"),
            Self::Approved => ("待制卡", "waits to be made"),
            Self::Making => ("制卡中", "being made"),
            Self::Made => ("已制成", "made"),
            Self::OnTheWay => ("运送中", "on its way"),
            Self::ReadyToCollect => ("可领取", "ready to be collected"),
            Self::Returned => ("逾期未领，已退回", "not collected in time, sent back"),
        }
    }
}

/// Money of a holder at the centre.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccountView {
    /// What the ledger says is on this card.
    pub card_fen: Fen,
    /// What waits to be loaded; below zero when a former card spent what had moved on already.
    pub waiting_fen: Fen,
    /// In loads whose outcome the centre does not know.
    pub under_way_fen: Fen,
    /// What the ledger says is on other cards of the holder.
    pub former_cards_fen: Fen,
    /// Sum of these four: the holder's money.
    pub total_fen: Fen,
    /// What explains the difference between the total and the balance on the card; empty when the kiosk did not tell that.
    pub pending: Vec<PendingItem>,
    /// What they leave unexplained: for a person to look into when it is not zero.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unexplained_fen: Option<Fen>,
    /// Last lines of the account, newest first, at most [`super::STATEMENT_LINES_MAX`].
    pub lines: Vec<StatementLine>,
}

/// Something that card and centre do not agree on yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PendingItem {
    /// What.
    pub kind: PendingKind,
    /// Its amount; below zero only for [`PendingKind::Owed`] and [`PendingKind::FormerCard`].
    pub amount_fen: Fen,
    /// Its part of the difference: centre's total less the balance on the card. Zero where both have it, and only the proof is open.
    pub difference_fen: Fen,
    /// Day, when it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub date: Option<BusinessDate>,
    /// Where, when it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub institution: Option<String>,
}

/// What card and centre do not agree on yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PendingKind {
    /// 消费未上传: the card has paid, its terminal has not told the centre.
    SaleNotUploaded,
    /// 消费待入账: the centre was told, and somebody looks into it.
    SaleNotPosted,
    /// 待圈存: waits to be loaded.
    LoadWaiting,
    /// 欠款: owed by the holder; the next allotment covers it before anything can be loaded.
    Owed,
    /// 圈存未完成: a load was begun, the card does not show it.
    LoadUnderWay,
    /// 圈存待确认: the card has it, the centre has no proof yet.
    LoadUnconfirmed,
    /// 退费未完成: a refund was begun, the card does not show it.
    RefundUnderWay,
    /// 退费待入账: the card has it, the centre has no proof yet.
    RefundUnconfirmed,
    /// 原卡余额: still on a former card; it is moved when the days for late uploads are over.
    FormerCard,
}

impl PendingKind {
    /// All.
    pub const ALL: [Self; 9] = [
        Self::SaleNotUploaded,
        Self::SaleNotPosted,
        Self::LoadWaiting,
        Self::Owed,
        Self::LoadUnderWay,
        Self::LoadUnconfirmed,
        Self::RefundUnderWay,
        Self::RefundUnconfirmed,
        Self::FormerCard,
    ];

    /// Chinese and English words.
    #[must_use]
    pub const fn names(self) -> (&'static str, &'static str) {
        match self {
            Self::SaleNotUploaded => ("消费未上传", "purchase not uploaded yet"),
            Self::SaleNotPosted => ("消费待核查", "purchase being looked into"),
            Self::LoadWaiting => ("待圈存", "waits to be loaded"),
            Self::Owed => ("欠款，下次划入先抵扣", "owed: the next allotment covers it first"),
            Self::LoadUnderWay => ("圈存未完成", "load not finished"),
            Self::LoadUnconfirmed => ("圈存待确认", "load not proved yet"),
            Self::RefundUnderWay => ("退费未完成", "refund not finished"),
            Self::RefundUnconfirmed => ("退费待确认", "refund not proved yet"),
            Self::FormerCard => ("原卡余额", "still on a former card"),
        }
    }
}

/// What a list of pending items leaves of a difference.
///
/// # Errors
/// [`FenError::Overflow`].
pub fn difference_of(total: Fen, balance_on_card: Fen, pending: &[PendingItem]) -> Result<Fen, FenError> {
    total.minus(balance_on_card)?.minus(Fen::sum(pending.iter().map(|item| item.difference_fen))?)
}

/// A line of the account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StatementLine {
    /// Day on which the centre counts it.
    pub date: BusinessDate,
    /// What.
    pub kind: LineKind,
    /// What it adds to the account, below zero for a purchase, or a refund that is not one any more; of a [`LineKind::Load`] what went to the card, which adds nothing.
    pub amount_fen: Fen,
    /// Account after it: all of the holder's money.
    pub balance_fen: Fen,
    /// Where, by name, for a purchase or a refund.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub institution: Option<String>,
    /// Which purchase: what a complaint about it names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub original: Option<Original>,
}

/// What a line of the account is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LineKind {
    /// 划入.
    Allotment,
    /// 圈存: from waiting to the card.
    Load,
    /// 消费.
    Purchase,
    /// 退费.
    Refund,
    /// 冲回: a purchase that was not, after all.
    TakenBack,
    /// 更正.
    Correction,
}

impl LineKind {
    /// All.
    pub const ALL: [Self; 6] =
        [Self::Allotment, Self::Load, Self::Purchase, Self::Refund, Self::TakenBack, Self::Correction];

    /// Chinese and English words.
    #[must_use]
    pub const fn names(self) -> (&'static str, &'static str) {
        match self {
            Self::Allotment => ("划入", "allotted"),
            Self::Load => ("圈存", "loaded onto the card"),
            Self::Purchase => ("消费", "purchase"),
            Self::Refund => ("退费", "refund"),
            Self::TakenBack => ("消费冲回", "purchase taken back"),
            Self::Correction => ("更正", "correction"),
        }
    }
}

/// The five insurances of a holder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Benefits {
    /// All five, in the order of [`Insurance::ALL`].
    pub insurances: Vec<InsuranceLine>,
}

/// How a holder stands in one insurance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InsuranceLine {
    /// Which.
    pub insurance: Insurance,
    /// How.
    pub standing: Standing,
    /// First month of the insured or suspended time; none for who was never insured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Month>,
    /// Months with a contribution in all.
    pub months: u32,
    /// Day of the data that say so; none when the centre was given none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub as_of: Option<BusinessDate>,
}

/// What a holder does without a clerk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SelfService {
    /// 临时挂失.
    ReportLoss,
    /// 解除临时挂失.
    Release,
    /// 打印参保证明.
    Certificate,
}

/// Reports a temporary loss, or takes it back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LossRequest {
    /// Always 1.
    pub version: Version1,
    /// Id.
    pub request_id: RequestId,
    /// Terminal.
    pub terminal: TerminalNumber,
    /// Card in the reader.
    pub card_identifier: CardIdentifier,
    /// What the card said about the PIN: one that the holder chose is needed.
    pub pin: Pin,
    /// What.
    pub act: LossAct,
}

/// Loss or release.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LossAct {
    /// 临时挂失.
    Report,
    /// 解除临时挂失.
    Release,
}

/// The card after it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LossAnswer {
    /// Always 1.
    pub version: Version1,
    /// New or known.
    pub status: AnswerStatus,
    /// The card at the centre.
    pub card: CardView,
    /// What the holder may do next.
    pub may: Vec<SelfService>,
}

request!(OverviewRequest, OverviewAnswer, "/terminal/v1/holder", terminal);
request!(LossRequest, LossAnswer, "/terminal/v1/holder/loss", terminal);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_and_what_they_leave_are_the_whole_difference() {
        let item = |kind, amount: i64, difference: i64| PendingItem {
            kind,
            amount_fen: Fen::new(amount),
            difference_fen: Fen::new(difference),
            date: None,
            institution: None,
        };
        let pending = [
            item(PendingKind::SaleNotUploaded, 3_000, 3_000),
            item(PendingKind::LoadWaiting, 10_000, 10_000),
            item(PendingKind::RefundUnconfirmed, 500, -500),
            item(PendingKind::LoadUnconfirmed, 7_000, 0),
        ];
        assert_eq!(difference_of(Fen::new(62_500), Fen::new(50_000), &pending), Ok(Fen::ZERO));
        assert_eq!(difference_of(Fen::new(62_600), Fen::new(50_000), &pending), Ok(Fen::new(100)));
        assert_eq!(difference_of(Fen::new(i64::MIN), Fen::new(1), &[]), Err(FenError::Overflow));
    }

    #[test]
    fn a_question_reads_back_and_a_balance_that_no_card_can_hold_is_refused() {
        let mut body = serde_json::json!({
            "version": 1,
            "request_id": "00112233445566778899AABBCCDDEEFF",
            "terminal": "990011223344",
            "card_identifier": "513300D156000005000000133A05F2E3",
            "pin": "verified",
            "on_card": { "balance_fen": 1250, "log": [
                { "kind": "purchase", "card_sequence": 3, "amount_fen": 250, "terminal": "990011223344" },
            ] },
        });
        let request: OverviewRequest = serde_json::from_value(body.clone()).expect("reads");
        assert_eq!((OverviewRequest::PATH, request.pin), ("/terminal/v1/holder", Pin::Verified));
        assert_eq!(serde_json::to_value(&request).expect("writes"), body);
        for wrong in [serde_json::json!(-1), serde_json::json!(4_294_967_296_u64), serde_json::json!("1")] {
            body["on_card"]["balance_fen"] = wrong;
            assert!(serde_json::from_value::<OverviewRequest>(body.clone()).is_err());
        }
    }

    #[test]
    fn every_state_reads_back_from_its_code() {
        for state in CardState::ALL {
            assert_eq!(CardState::of_code(state.code()), Some(state));
        }
        assert_eq!(CardState::of_code('5'), None);
    }
}
