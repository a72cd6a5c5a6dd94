//! The terminal's journal of loads, purchases and refunds: what is written down, and in which order.
//!
//! Source: states and moves are `settlement::journal`, the only authority.
//! Owns: the shape of an entry and the trait through which the flows write. Never: SQL (`store`), card commands.
//! Units: fen; entry and record numbers from 1, without gaps.

use card_profiles::account::Amounts;
use settlement::fen::Fen;
use settlement::id::{BillId, CardFactor, CardIdentifier, CardRandom, Digest, LoadId, Mac, SaleId, TerminalNumber};
use settlement::journal::{Event, State};
use settlement::judgement::Judgement;
use settlement::record::{CardsCode, Evidence, Transaction, TransactionRecord};
use settlement::refund::{Original, Parts, RefundAct, RefundOf};
use settlement::{BusinessDate, DateTime};

use crate::error::TerminalError;
use crate::given_back::GivenBack;
use crate::store::{Store, StoreError};

/// Number of a journal entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntryNumber(pub u64);

/// One load, purchase or refund, from its preparation to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Number; also the number of its receipt.
    pub number: EntryNumber,
    /// Where it stands.
    pub state: State,
    /// What was prepared.
    pub draft: Draft,
    /// What was about to be sent, once that was known.
    pub sent: Option<Sent>,
    /// How it ended, when the card did it.
    pub done: Option<Done>,
    /// Number of its record for the centre, when the card did it.
    pub record: Option<u64>,
    /// Code of the refusal or contradiction, when there is one.
    pub reason: Option<String>,
    /// What a person said of it, when one did.
    pub judged: Option<Judgement>,
    /// What the card showed of that later, at its next tap.
    pub shown: Option<Shown>,
    /// Of a purchase: what other tills gave back of it, as the centre told at the last sign-in or upload.
    pub elsewhere: Vec<GivenElsewhere>,
}

/// A refund of a purchase at another till of the institution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GivenElsewhere {
    /// How it is undone.
    pub act: RefundAct,
    /// What each payer gets back.
    pub parts: Parts,
    /// Whether the card has it; otherwise it may.
    pub is_credited: bool,
}

/// What the card shows of a transaction that a person judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Shown {
    /// The same.
    Agrees,
    /// Nothing that decides: the judgement stands.
    Silent,
    /// The opposite.
    Contradicts,
}

/// What is fixed before the card is touched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    /// Terminal.
    pub terminal: TerminalNumber,
    /// Card.
    pub card_identifier: CardIdentifier,
    /// Its diversification factor.
    pub card_factor: CardFactor,
    /// Day on which it counts.
    pub business_date: BusinessDate,
    /// Purchase, load or refund.
    pub subject: Subject,
    /// Lines of the receipt that are known now: bill lines and split.
    pub paper: String,
}

/// Number of a refund: what was agreed at the counter, however many tries the card takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RefundNumber(pub u64);

/// Purchase, load or refund.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// A bill.
    Purchase {
        /// The three amounts.
        amounts: Amounts,
        /// Bill.
        bill_id: BillId,
        /// Hash of the priced bill.
        bill_hash: Digest,
        /// Id by which the centre is asked about it first; none of a sale offline.
        sale_id: Option<SaleId>,
    },
    /// A load.
    Load {
        /// Id that the centre knows it by.
        load_id: LoadId,
        /// Amount, fen.
        amount: u32,
    },
    /// One try of a refund or cancel: a load that names its original.
    Refund {
        /// Id that the centre knows it by.
        load_id: LoadId,
        /// The refund.
        refund: RefundNumber,
        /// How the purchase is undone.
        act: RefundAct,
        /// The purchase.
        original: Original,
        /// What each payer gets back; the personal account's part goes onto the card.
        amounts: Amounts,
    },
}

/// Everything that goes into DEBIT or CREDIT, and what the card answered to INITIALIZE.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sent {
    /// Personal account before, fen.
    pub balance_before: u32,
    /// Number that INITIALIZE answered.
    pub card_sequence: u16,
    /// Terminal transaction number from the PSAM; 0 for a load.
    pub terminal_sequence: u32,
    /// Date and time in the command.
    pub date_time: DateTime,
    /// Card random.
    pub random: CardRandom,
    /// Key version that the card answered.
    pub key_version: u8,
    /// Algorithm byte that the card answered.
    pub algorithm: u8,
    /// MAC1 of a purchase, MAC2 of a load: the MAC in the command.
    pub mac: Mac,
}

/// The card did it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Done {
    /// Personal account after, fen.
    pub balance_after: u32,
    /// How the terminal knows.
    pub evidence: Evidence,
}

/// How a store is written to as a journal: as it is, or watched.
pub trait Hand {
    /// The journal of this store.
    fn journal<'s>(&'s self, store: &'s mut Store) -> Box<dyn Journal + 's>;
}

/// The store as it is.
#[derive(Clone, Copy, Debug)]
pub struct Plain;

impl Hand for Plain {
    fn journal<'s>(&'s self, store: &'s mut Store) -> Box<dyn Journal + 's> {
        Box::new(store)
    }
}

/// Where the flows write. Every method is durable when it returns; a failure means that nothing was written.
pub trait Journal {
    /// Writes a new entry in PREPARED.
    ///
    /// # Errors
    /// [`StoreError`]: the card must not be touched.
    fn prepare(&mut self, draft: &Draft) -> Result<Entry, StoreError>;

    /// Moves PREPARED to SENT.
    ///
    /// # Errors
    /// [`StoreError`]: DEBIT or CREDIT must not be sent.
    fn send(&mut self, number: EntryNumber, sent: &Sent) -> Result<(), StoreError>;

    /// Moves to CONFIRMED and makes the record for the centre.
    ///
    /// # Errors
    /// [`StoreError`]: the entry stays where it was and is settled at the next tap.
    fn confirm(&mut self, number: EntryNumber, event: Event, done: &Done) -> Result<Entry, StoreError>;

    /// Moves by an event that makes no record: refused, lost, reversed. `reason` is a code.
    ///
    /// # Errors
    /// [`StoreError`]: the entry stays where it was.
    fn close(&mut self, number: EntryNumber, event: Event, reason: &str) -> Result<Entry, StoreError>;

    /// The card shows the opposite of what a person judged: that and what the card did, in one write. `done` is `None` where it did
    /// nothing.
    ///
    /// # Errors
    /// [`StoreError`]: nothing was written, it is compared again at the next tap.
    fn contradict(&mut self, number: EntryNumber, against: &str, done: Option<&Done>) -> Result<Entry, StoreError>;

    /// Notes that the card does not contradict what a person judged: it is not looked at again.
    ///
    /// # Errors
    /// [`StoreError`]: it is looked at again at the next tap.
    fn note_shown(&mut self, number: EntryNumber, shown: Shown) -> Result<(), StoreError>;

    /// Entries of a card with a record of which the centre wants the card's own code: it found the code wrong, or there was none and
    /// the card agrees with the person who judged. A journal that does not know has none.
    ///
    /// # Errors
    /// [`StoreError`].
    fn doubted_of(&mut self, _card: &CardIdentifier) -> Result<Vec<Entry>, StoreError> {
        Ok(Vec::new())
    }

    /// Keeps what the card told of such an entry, for the next upload.
    ///
    /// # Errors
    /// [`StoreError`]: it is asked again at the next tap.
    fn note_proof(&mut self, _number: EntryNumber, _code: CardsCode) -> Result<(), StoreError> {
        Ok(())
    }

    /// Entries of a card that block it, and those that a person judged and the card was not asked about since; oldest first.
    ///
    /// # Errors
    /// [`StoreError`].
    fn open_of(&mut self, card: &CardIdentifier) -> Result<Vec<Entry>, StoreError>;
}

impl<J: Journal + ?Sized> Journal for &mut J {
    fn prepare(&mut self, draft: &Draft) -> Result<Entry, StoreError> {
        (**self).prepare(draft)
    }

    fn send(&mut self, number: EntryNumber, sent: &Sent) -> Result<(), StoreError> {
        (**self).send(number, sent)
    }

    fn confirm(&mut self, number: EntryNumber, event: Event, done: &Done) -> Result<Entry, StoreError> {
        (**self).confirm(number, event, done)
    }

    fn close(&mut self, number: EntryNumber, event: Event, reason: &str) -> Result<Entry, StoreError> {
        (**self).close(number, event, reason)
    }

    fn contradict(&mut self, number: EntryNumber, against: &str, done: Option<&Done>) -> Result<Entry, StoreError> {
        (**self).contradict(number, against, done)
    }

    fn note_shown(&mut self, number: EntryNumber, shown: Shown) -> Result<(), StoreError> {
        (**self).note_shown(number, shown)
    }

    fn doubted_of(&mut self, card: &CardIdentifier) -> Result<Vec<Entry>, StoreError> {
        (**self).doubted_of(card)
    }

    fn note_proof(&mut self, number: EntryNumber, code: CardsCode) -> Result<(), StoreError> {
        (**self).note_proof(number, code)
    }

    fn open_of(&mut self, card: &CardIdentifier) -> Result<Vec<Entry>, StoreError> {
        (**self).open_of(card)
    }
}

impl Entry {
    /// The finished transaction as the centre counts it; `None` unless the card did it.
    #[must_use]
    pub fn to_record(&self) -> Option<TransactionRecord> {
        let (sent, journal_sequence) = (self.sent?, self.record?);
        let done = match self.done {
            Some(done) => done,
            // The card showed since that it did not do it: the record stays as it was made.
            None if self.judged.as_ref().is_some_and(|said| said.done) => Done {
                balance_after: self.draft.subject.balance_after(sent.balance_before)?,
                evidence: Evidence::Judged,
            },
            None => return None,
        };
        let transaction = match &self.draft.subject {
            Subject::Purchase { amounts, bill_id, bill_hash, sale_id } => Transaction::Purchase {
                terminal_sequence: sent.terminal_sequence,
                personal_account_fen: Fen::from_card(amounts.personal_account),
                self_paid_fen: Fen::from_card(amounts.self_paid),
                pooled_fund_fen: Fen::from_card(amounts.pooled_fund),
                bill_id: bill_id.clone(),
                bill_hash: *bill_hash,
                sale_id: *sale_id,
            },
            Subject::Load { load_id, amount } => {
                Transaction::Load { load_id: *load_id, amount_fen: Fen::from_card(*amount) }
            }
            Subject::Refund { load_id, act, original, amounts, .. } => Transaction::Refund {
                load_id: *load_id,
                original: *original,
                act: *act,
                personal_account_fen: Fen::from_card(amounts.personal_account),
                self_paid_fen: Fen::from_card(amounts.self_paid),
                pooled_fund_fen: Fen::from_card(amounts.pooled_fund),
            },
        };
        Some(TransactionRecord {
            journal_sequence,
            terminal: self.draft.terminal,
            card_identifier: self.draft.card_identifier,
            card_factor: self.draft.card_factor,
            card_sequence: sent.card_sequence,
            transaction,
            balance_after_fen: Fen::from_card(done.balance_after),
            date_time: sent.date_time,
            business_date: self.draft.business_date,
            key_version: sent.key_version,
            algorithm: sent.algorithm,
            evidence: done.evidence,
            judgement: self.judged.clone(),
        })
    }
}

/// A bill is taken once: not when it was paid, and not while another card may have paid it.
///
/// # Errors
/// [`TerminalError::BillPaid`], [`TerminalError::BillOpen`].
pub fn unpaid(entries: &[Entry], bill: &BillId) -> Result<(), TerminalError> {
    let (id, number) = (bill.to_string(), |entry: &Entry| entry.number.to_string());
    if let Some(paid) = entries.iter().find(|entry| entry.pays(bill)) {
        let undone = GivenBack::of(paid, entries).filter(|given| given.is_whole).map(|given| given.act);
        return Err(TerminalError::BillPaid { bill: id, entry: number(paid), undone });
    }
    match entries.iter().find(|entry| entry.is_for(bill) && entry.state.blocks_card()) {
        Some(open) => {
            let card = open.draft.card_identifier.to_string();
            Err(TerminalError::BillOpen { bill: id, entry: number(open), card })
        }
        None => Ok(()),
    }
}

impl Entry {
    /// Whether a person judged, and the card showed the opposite.
    #[must_use]
    pub fn is_contradicted(&self) -> bool {
        self.shown == Some(Shown::Contradicts)
    }

    /// Whether it is a purchase of a program that calls the driver's functions: it has no receipt of ours, and what became of it is owed
    /// to that program, not to who stands at the counter.
    #[must_use]
    pub const fn is_owed_to_a_caller(&self) -> bool {
        matches!(self.draft.subject, Subject::Purchase { .. }) && self.draft.paper.is_empty()
    }

    /// Whether nobody asked the card yet what a person judged.
    #[must_use]
    pub fn awaits_its_card(&self) -> bool {
        self.judged.is_some() && self.shown.is_none()
    }

    /// Whether it is a confirmed payment of this bill.
    #[must_use]
    pub fn pays(&self, bill: &BillId) -> bool {
        self.is_for(bill) && self.state == State::Confirmed
    }

    fn is_for(&self, bill: &BillId) -> bool {
        matches!(&self.draft.subject, Subject::Purchase { bill_id, .. } if bill_id == bill)
    }
}

impl Shown {
    /// All.
    pub const ALL: [Self; 3] = [Self::Agrees, Self::Silent, Self::Contradicts];

    /// Its spelling.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Agrees => "AGREES",
            Self::Silent => "SILENT",
            Self::Contradicts => "CONTRADICTS",
        }
    }

    /// From its spelling.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|shown| shown.as_str() == text)
    }
}

impl Subject {
    /// What the personal account moves by, fen; the direction is in the kind.
    #[must_use]
    pub const fn on_card(&self) -> u32 {
        match self {
            Self::Purchase { amounts, .. } => amounts.personal_account,
            Self::Load { amount, .. } => *amount,
            Self::Refund { amounts, .. } => amounts.personal_account,
        }
    }

    /// The three amounts; of a load, its amount as the personal account's.
    #[must_use]
    pub const fn amounts(&self) -> Amounts {
        match self {
            Self::Purchase { amounts, .. } | Self::Refund { amounts, .. } => *amounts,
            Self::Load { amount, .. } => Amounts { personal_account: *amount, self_paid: 0, pooled_fund: 0 },
        }
    }

    /// The amounts as the card's log has them: of what is loaded, for whatever reason, the personal account's alone.
    #[must_use]
    pub const fn in_log(&self) -> Amounts {
        match self {
            Self::Purchase { amounts, .. } => *amounts,
            Self::Load { .. } | Self::Refund { .. } => {
                Amounts { personal_account: self.on_card(), self_paid: 0, pooled_fund: 0 }
            }
        }
    }

    /// Id by which the centre knows what goes onto the card; none of a purchase.
    #[must_use]
    pub const fn load_id(&self) -> Option<LoadId> {
        match self {
            Self::Purchase { .. } => None,
            Self::Load { load_id, .. } | Self::Refund { load_id, .. } => Some(*load_id),
        }
    }

    /// Id by which the centre was asked about a purchase first.
    #[must_use]
    pub const fn sale_id(&self) -> Option<SaleId> {
        match self {
            Self::Purchase { sale_id, .. } => *sale_id,
            Self::Load { .. } | Self::Refund { .. } => None,
        }
    }

    /// The refund that this is a try of.
    #[must_use]
    pub const fn refund(&self) -> Option<RefundNumber> {
        match self {
            Self::Refund { refund, .. } => Some(*refund),
            Self::Purchase { .. } | Self::Load { .. } => None,
        }
    }

    /// Balance after, when the card does it; `None` when no card could hold it.
    #[must_use]
    pub const fn balance_after(&self, before: u32) -> Option<u32> {
        match self {
            Self::Purchase { amounts, .. } => before.checked_sub(amounts.personal_account),
            Self::Load { .. } | Self::Refund { .. } => before.checked_add(self.on_card()),
        }
    }
}

impl Draft {
    /// What a load that goes with this entry gives back; `None` for one of money that waits for the holder.
    #[must_use]
    pub const fn refund_of(&self) -> Option<RefundOf> {
        let Subject::Refund { act, original, amounts, .. } = &self.subject else { return None };
        Some(RefundOf {
            original: *original,
            act: *act,
            self_paid_fen: Fen::from_card(amounts.self_paid),
            pooled_fund_fen: Fen::from_card(amounts.pooled_fund),
        })
    }
}

/// A refund as it was agreed at the counter: it stays until the card has its money or somebody withdraws it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefundOrder {
    /// Number.
    pub number: RefundNumber,
    /// The purchase.
    pub original: Purchased,
    /// Card that paid.
    pub card_identifier: CardIdentifier,
    /// How the purchase is undone.
    pub act: RefundAct,
    /// What each payer gets back.
    pub parts: Parts,
    /// Why, as the counter wrote it.
    pub reason: String,
    /// UTC instant.
    pub opened_at: String,
    /// Where it stands.
    pub state: RefundState,
    /// The last try, if there was one.
    pub last: Option<EntryNumber>,
}

/// The purchase that a refund undoes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purchased {
    /// Of this journal: its entry.
    Here(EntryNumber),
    /// Of another till of the institution, or of a journal that is lost; as the centre told it.
    Elsewhere {
        /// Its name.
        original: Original,
        /// What was paid.
        paid: Parts,
    },
}

impl Purchased {
    /// As the counter names it: the entry's number, or the reference on the receipt.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::Here(number) => number.to_string(),
            Self::Elsewhere { original, .. } => original.reference(),
        }
    }
}

/// Where a refund stands.
///
/// | state     | when                                                   | next |
/// |-----------|--------------------------------------------------------|------|
/// | OPEN      | no try was confirmed; a try may be UNCERTAIN           | DONE, WITHDRAWN |
/// | DONE      | a try is CONFIRMED: the card has the money             | –    |
/// | WITHDRAWN | somebody withdrew it while no try could have succeeded | –    |
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RefundState {
    /// Agreed; the card does not have the money yet, or may have it.
    Open,
    /// The card has the money.
    Done,
    /// Nothing goes back.
    Withdrawn,
}

impl RefundState {
    /// Its spelling.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "OPEN",
            Self::Done => "DONE",
            Self::Withdrawn => "WITHDRAWN",
        }
    }
}

/// How a purchase stands towards a centre that was asked about it. It is read off the letters; `settlement::sale` has the messages.
///
/// | state      | when                                                             | next |
/// |------------|------------------------------------------------------------------|------|
/// | ASKED      | the question is written down, no answer is known                 | AUTHORISED, DECLINED, UNCERTAIN |
/// | AUTHORISED | the centre agreed; the card's part is not over                   | UNCERTAIN |
/// | DECLINED   | the centre refused; nothing was sent to the card                 | –    |
/// | UNCERTAIN  | the card's part is over, and the centre did not say that it knows | CLEARED, RELEASED |
/// | CLEARED    | the batch with its record was answered, and the centre posted it | –    |
/// | NOT_POSTED | the centre has its record and did not post it; people decide     | –    |
/// | RELEASED   | the centre knows that the card was not debited                   | –    |
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TowardsCentre {
    /// Asked, not answered.
    Asked,
    /// The centre agreed.
    Authorised,
    /// The centre refused.
    Declined,
    /// What became of it is on its way.
    Uncertain,
    /// Its record was taken over and posted.
    Cleared,
    /// Its record was taken over and not posted.
    NotPosted,
    /// Told as not done.
    Released,
}

impl TowardsCentre {
    /// All.
    pub const ALL: [Self; 7] = [
        Self::Asked,
        Self::Authorised,
        Self::Declined,
        Self::Uncertain,
        Self::Cleared,
        Self::NotPosted,
        Self::Released,
    ];

    /// Its spelling.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Asked => "ASKED",
            Self::Authorised => "AUTHORISED",
            Self::Declined => "DECLINED",
            Self::Uncertain => "UNCERTAIN",
            Self::Cleared => "CLEARED",
            Self::NotPosted => "NOT_POSTED",
            Self::Released => "RELEASED",
        }
    }

    /// Of an entry in this state: how the question was answered, how its end, whether its record was taken over, and posted.
    #[must_use]
    pub fn of(state: State, asked: Option<&str>, told: Option<&str>, (taken, posted): (bool, bool)) -> Self {
        match (state, asked) {
            (State::Confirmed, _) if taken && posted => Self::Cleared,
            (State::Confirmed, _) if taken => Self::NotPosted,
            (State::Confirmed, _) => Self::Uncertain,
            (State::Prepared | State::Sent | State::Uncertain | State::Contradicted, None) => Self::Asked,
            (State::Prepared | State::Sent | State::Uncertain | State::Contradicted, Some(OK)) => Self::Authorised,
            (_, Some(code)) if code != OK => Self::Declined,
            (State::Refused | State::Reversed, _) if told == Some(OK) => Self::Released,
            _ => Self::Uncertain,
        }
    }
}

/// How a letter is marked that was answered as it should be.
const OK: &str = "OK";

impl std::fmt::Display for RefundNumber {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "R{:05}", self.0)
    }
}

impl std::fmt::Display for EntryNumber {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:06}", self.0)
    }
}
