//! Double entry (复式记账): accounts, and postings that sum to zero or do not exist.
//!
//! Source: double-entry bookkeeping; the accounts are this project's chart (`issuer-service/docs/clearing.md`).
//! Owns: the chart of accounts and their written form, the rule that a posting sums to zero.
//! Never: stores, knows SQL, changes a posting: a correction is a new posting.
//! Units: fen; an entry adds its signed amount to its account, a balance is the sum of an account's entries.

use std::fmt;

use serde::Serialize;
use settlement::fen::{Fen, FenError};
use settlement::id::{CardIdentifier, InstitutionCode, TerminalNumber};

use crate::lang::Lang;
use crate::output::Show;

/// An account of the ledger.
///
/// | code                            | what                                              | usual sign |
/// |---------------------------------|---------------------------------------------------|------------|
/// | `fund:personal-account`         | 个人账户基金, where allotted money comes from     | −          |
/// | `fund:pooled`                   | 统筹基金, what the pool has paid                  | −          |
/// | `pending:<holder>`              | 待圈存, allotted to a person, not yet on a card; − what the person owes (`take_back`) | +          |
/// | `transit:<card>`                | load prepared, its outcome not known              | +          |
/// | `card:<card>`                   | what the chip holds                               | +          |
/// | `institution:<code>:payable`    | 应付, owed to an institution                      | +          |
/// | `institution:<code>:self-paid`  | 个人自付, cash taken at the counter: memorandum   | +          |
/// | `memo:self-paid`                | the other side of that memorandum                 | −          |
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Account {
    /// 个人账户基金.
    PersonalAccountFund,
    /// 统筹基金.
    PooledFund,
    /// 待圈存 of a holder, by the row number of the registry.
    Pending(i64),
    /// A card's load between PREPARED and its outcome.
    Transit(CardIdentifier),
    /// A card, by its identifier in hex.
    Card(CardIdentifier),
    /// Owed to an institution.
    Payable(InstitutionCode),
    /// Cash of holders at an institution.
    SelfPaid(InstitutionCode),
    /// Contra of all self-paid memoranda.
    SelfPaidContra,
}

impl Account {
    /// Every code that begins with this is a card account.
    pub const CARDS: &'static str = "card:";
    /// Every code that begins with this is money of a holder that is on no card.
    pub const PENDING: &'static str = "pending:";
    /// Every code that ends with this is owed to an institution.
    pub const PAYABLE: &'static str = ":payable";
}

impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PersonalAccountFund => f.write_str("fund:personal-account"),
            Self::PooledFund => f.write_str("fund:pooled"),
            Self::Pending(holder) => write!(f, "{}{holder}", Self::PENDING),
            Self::Transit(card) => write!(f, "transit:{card}"),
            Self::Card(card) => write!(f, "{}{card}", Self::CARDS),
            Self::Payable(code) => write!(f, "institution:{code}:payable"),
            Self::SelfPaid(code) => write!(f, "institution:{code}:self-paid"),
            Self::SelfPaidContra => f.write_str("memo:self-paid"),
        }
    }
}

/// Why a posting was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PostingKind {
    /// 划入: fund to a holder's pending amount.
    Allotment,
    /// A load was prepared: pending to transit.
    LoadPrepared,
    /// A load reached the card: transit to card.
    LoadCredited,
    /// A load did not reach the card: transit back to pending.
    LoadReturned,
    /// An accepted purchase.
    Purchase,
    /// A load that people had called credited did not reach the card: card to pending.
    LoadYielded,
    /// A purchase, or a part of it, goes back to its card.
    Refund,
    /// A refund that people had called credited did not reach the card.
    RefundYielded,
    /// Money of a card that is out of use for good: card to its holder's pending amount, or back.
    CardCleared,
    /// A correction by hand, checked by a second person.
    Correction,
}

impl PostingKind {
    /// All.
    pub const ALL: [Self; 10] = [
        Self::Allotment,
        Self::LoadPrepared,
        Self::LoadCredited,
        Self::LoadReturned,
        Self::LoadYielded,
        Self::Purchase,
        Self::Refund,
        Self::RefundYielded,
        Self::CardCleared,
        Self::Correction,
    ];

    /// Name in the store and in output.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Allotment => "ALLOTMENT",
            Self::LoadPrepared => "LOAD_PREPARED",
            Self::LoadCredited => "LOAD_CREDITED",
            Self::LoadReturned => "LOAD_RETURNED",
            Self::Purchase => "PURCHASE",
            Self::LoadYielded => "LOAD_YIELDED",
            Self::Refund => "REFUND",
            Self::RefundYielded => "REFUND_YIELDED",
            Self::CardCleared => "CARD_CLEARED",
            Self::Correction => "CORRECTION",
        }
    }
}

/// One signed amount on one account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Account.
    pub account: Account,
    /// Signed amount, never zero.
    pub amount: Fen,
}

/// Entries that sum to zero, under a reference that can be used once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Posting {
    reference: String,
    kind: PostingKind,
    entries: Vec<Entry>,
}

/// What the ledger answers to a posting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Posted {
    /// Written now.
    Created,
    /// Written before under this reference, with the same entries.
    Exists,
    /// The reference stands for other entries: nothing was written.
    ReferenceReused,
}

/// Why entries are not a posting. All are our own mistakes or amounts out of range; a peer is refused before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PostingError {
    /// Fewer than two entries with an amount.
    #[error("a posting needs at least two entries")]
    TooFewEntries,
    /// The sum is not zero.
    #[error("the entries sum to {0:?}, not to zero")]
    Unbalanced(Fen),
    /// The sum leaves 64 bits.
    #[error("the sum of the entries is out of range")]
    OutOfRange(#[from] FenError),
}

impl Posting {
    /// Entries with amount zero are left out; what remains must be at least two entries that sum to zero.
    ///
    /// # Errors
    /// [`PostingError`].
    pub fn new(
        reference: String,
        kind: PostingKind,
        entries: impl IntoIterator<Item = (Account, Fen)>,
    ) -> Result<Self, PostingError> {
        let entries: Vec<Entry> = entries
            .into_iter()
            .filter(|(_, amount)| *amount != Fen::ZERO)
            .map(|(account, amount)| Entry { account, amount })
            .collect();
        if entries.len() < 2 {
            return Err(PostingError::TooFewEntries);
        }
        let sum = Fen::sum(entries.iter().map(|entry| entry.amount))?;
        if sum != Fen::ZERO {
            return Err(PostingError::Unbalanced(sum));
        }
        Ok(Self { reference, kind, entries })
    }

    /// `amount` from one account to another.
    ///
    /// # Errors
    /// [`PostingError`].
    pub fn transfer(
        reference: String,
        kind: PostingKind,
        from: Account,
        to: Account,
        amount: Fen,
    ) -> Result<Self, PostingError> {
        Self::new(reference, kind, [(from, Fen::ZERO.minus(amount)?), (to, amount)])
    }

    /// The same entries under another reference.
    #[must_use]
    pub fn under(self, reference: String) -> Self {
        Self { reference, ..self }
    }

    /// Key under which the ledger takes it once.
    #[must_use]
    pub fn reference(&self) -> &str {
        &self.reference
    }

    /// Why.
    #[must_use]
    pub const fn kind(&self) -> PostingKind {
        self.kind
    }

    /// Entries, at least two, summing to zero.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }
}

/// The reference of a purchase's posting: the card is part of it, since two cards may have the same number of a terminal.
#[must_use]
pub fn purchase_reference(terminal: TerminalNumber, sequence: u32, card: CardIdentifier) -> String {
    format!("purchase:{terminal}:{sequence}:{card}")
}

/// An accepted purchase: card → payable, pool → payable, and the holder's cash as a memorandum.
///
/// `None` when all three amounts are zero: nothing to post.
///
/// # Errors
/// [`PostingError`].
pub fn purchase(
    reference: String,
    card: CardIdentifier,
    institution: &InstitutionCode,
    personal_account: Fen,
    self_paid: Fen,
    pooled_fund: Fen,
) -> Result<Option<Posting>, PostingError> {
    payment(reference, PostingKind::Purchase, card, institution, [personal_account, self_paid, pooled_fund])
}

/// What the payers pay to an institution: personal account, cash, pool; below zero where it goes back to them.
///
/// `None` when all three amounts are zero: nothing to post.
///
/// # Errors
/// [`PostingError`].
pub(super) fn payment(
    reference: String,
    kind: PostingKind,
    card: CardIdentifier,
    institution: &InstitutionCode,
    [personal_account, self_paid, pooled_fund]: [Fen; 3],
) -> Result<Option<Posting>, PostingError> {
    let posting = Posting::new(
        reference,
        kind,
        [
            (Account::Card(card), Fen::ZERO.minus(personal_account)?),
            (Account::PooledFund, Fen::ZERO.minus(pooled_fund)?),
            (Account::Payable(institution.clone()), personal_account.plus(pooled_fund)?),
            (Account::SelfPaid(institution.clone()), self_paid),
            (Account::SelfPaidContra, Fen::ZERO.minus(self_paid)?),
        ],
    );
    match posting {
        Ok(posting) => Ok(Some(posting)),
        Err(PostingError::TooFewEntries) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Balance of one account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AccountBalance {
    /// Its code.
    pub account: String,
    /// Sum of its entries.
    pub balance_fen: Fen,
}

/// Balances of accounts and their sum.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Balances {
    /// In order of code.
    pub accounts: Vec<AccountBalance>,
    /// Sum; zero when all accounts are listed.
    pub sum_fen: Fen,
}

impl Balances {
    /// With their sum.
    ///
    /// # Errors
    /// [`FenError::Overflow`].
    pub fn of(accounts: Vec<AccountBalance>) -> Result<Self, FenError> {
        let sum_fen = Fen::sum(accounts.iter().map(|account| account.balance_fen))?;
        Ok(Self { accounts, sum_fen })
    }
}

/// What a holder owes: more than waited left the pending money (`take_back`, `succession`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Debt {
    /// Holder, by the row number of the registry.
    pub holder: i64,
    /// How much.
    pub owed_fen: Fen,
    /// The holder's cards, oldest first.
    pub cards: Vec<CardIdentifier>,
}

/// Who owes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Debts {
    /// In order of account.
    pub debts: Vec<Debt>,
    /// Sum.
    pub sum_fen: Fen,
}

impl Debts {
    /// Of holders with what their pending money is below zero, and their cards.
    ///
    /// # Errors
    /// [`FenError::Overflow`].
    pub fn of(balances: Vec<(i64, Fen, Vec<CardIdentifier>)>) -> Result<Self, FenError> {
        let debt = |(holder, balance, cards)| Ok(Debt { holder, owed_fen: Fen::ZERO.minus(balance)?, cards });
        let debts = balances.into_iter().map(debt).collect::<Result<Vec<_>, FenError>>()?;
        let sum_fen = Fen::sum(debts.iter().map(|debt| debt.owed_fen))?;
        Ok(Self { debts, sum_fen })
    }
}

impl Show for Debts {
    fn text(&self, lang: Lang) -> String {
        let lines = self.debts.iter().map(|debt| {
            let cards = debt.cards.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
            format!("{:>16}  {}  {cards}", debt.owed_fen, Account::Pending(debt.holder))
        });
        let sum = format!(
            "{:>16}  {}",
            self.sum_fen,
            lang.pick("欠款合计，下次划入先抵扣", "owed; the next allotment covers it first")
        );
        lines.chain([sum]).collect::<Vec<_>>().join("\n")
    }
}

impl Show for Balances {
    fn text(&self, lang: Lang) -> String {
        let lines = self.accounts.iter().map(|account| format!("{:>16}  {}", account.balance_fen, account.account));
        let sum = format!("{:>16}  {}", self.sum_fen, lang.pick("合计", "sum"));
        lines.chain([sum]).collect::<Vec<_>>().join("\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const CARD: CardIdentifier = CardIdentifier([0x51; 16]);

    fn fen(amount: i64) -> Fen {
        Fen::new(amount)
    }

    fn pharmacy() -> InstitutionCode {
        InstitutionCode::parse("P1").expect("a code")
    }

    #[test]
    fn entries_that_do_not_sum_to_zero_are_no_posting() {
        let entries = [(Account::PooledFund, fen(-5)), (Account::Payable(pharmacy()), fen(6))];
        assert_eq!(
            Posting::new("r".to_owned(), PostingKind::Correction, entries),
            Err(PostingError::Unbalanced(fen(1)))
        );
    }

    #[test]
    fn sums_beyond_64_bits_are_refused() {
        let entries = [(Account::PooledFund, fen(i64::MAX)), (Account::SelfPaidContra, fen(1))];
        assert_eq!(
            Posting::new("r".to_owned(), PostingKind::Correction, entries),
            Err(PostingError::OutOfRange(FenError::Overflow))
        );
        let minimum = fen(i64::MIN);
        let transfer = Posting::transfer(
            "r".to_owned(),
            PostingKind::Correction,
            Account::PooledFund,
            Account::SelfPaidContra,
            minimum,
        );
        assert_eq!(transfer, Err(PostingError::OutOfRange(FenError::Overflow)));
    }

    #[test]
    fn a_purchase_of_nothing_posts_nothing() {
        assert_eq!(purchase("r".to_owned(), CARD, &pharmacy(), Fen::ZERO, Fen::ZERO, Fen::ZERO), Ok(None));
    }

    proptest! {
        #[test]
        fn every_purchase_sums_to_zero(a in 0..=u32::MAX, b in 0..=u32::MAX, c in 0..=u32::MAX) {
            let posting = purchase("r".to_owned(), CARD, &pharmacy(), fen(a.into()), fen(b.into()), fen(c.into())).expect("in range");
            let sum = Fen::sum(posting.iter().flat_map(Posting::entries).map(|entry| entry.amount));
            prop_assert_eq!(sum, Ok(Fen::ZERO));
            prop_assert_eq!(posting.is_none(), (a, b, c) == (0, 0, 0));
        }
    }
}
