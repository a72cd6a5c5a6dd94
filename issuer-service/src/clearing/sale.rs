//! The centre's part of a sale online (联机消费): it is asked before the card is debited, and told what became of it.
//!
//! | refused | when |
//! |---------|------|
//! | CARD_UNKNOWN, CARD_NOT_ACTIVE, CARD_BLACKLISTED | so the card stands at this moment |
//! | LIMIT_EXCEEDED | with what the card bought here on its day, and what is authorised here and not told yet |
//! | BALANCE_BEYOND_LEDGER | the account pays more than the ledger says the card holds, and may have got since, less what is authorised anywhere |
//! | DUPLICATE_CARD_SEQUENCE | the card was past this number already: a late letter, or another chip |
//! | REQUEST_ID_REUSED | the id stands for another sale |
//! | SALE_ALREADY_DECIDED | it was told as not done, or its record is there |
//!
//! A card does one thing with a number. So questions with the same number are authorised beside each other and count once, as the largest; when
//! one of them has its record, the others were not done. Which question is the later one nobody has to know.
//!
//! Nothing is posted here: the money moves with the uploaded record that names the sale (`upload`). A record of an authorised sale
//! is not judged by blacklist and limits again; one of a sale that the centre never heard of is judged as any sale offline.
//!
//! Source: two-phase settlement of municipal interfaces; a card's balance is never trusted over the centre's when it can be asked.
//! Owns: those rules, the states of a sale. Never: posts, computes a code, knows HTTP.
//! Units: fen.

use serde::{Serialize, Serializer};
use settlement::code::ErrorCode;
use settlement::date::BusinessDate;
use settlement::fen::Fen;
use settlement::id::{BillId, CardIdentifier, Digest, SaleId, TerminalNumber};
use settlement::record::{Transaction, TransactionRecord};
use settlement::sale::{Sale, SaleOutcome, SaleOutcomeRequest, SaleRequest};

use super::institution::{SaleLimits, Terminal};
use super::ledger::Account;
use super::refusal::ClearingError;
use super::upload::{RowOutcome, UploadRow};
use crate::audit::Act;
use crate::clock;
use crate::lang::Lang;
use crate::output::Show;
use crate::state::{State, states, word};
use crate::store::Tx;

states! {
    /// A sale that a terminal asked about.
    "sale" SaleState {
        /// The card may be debited; what it takes of the limits is kept.
        Authorised = "authorised" "已授权",
        /// Its record came in.
        Done = "done" "已上传",
        /// The card was not debited.
        NotDone = "not_done" "未发生",
        /// Its terminal never told; two people closed it.
        Closed = "closed" "已关闭",
    }
    /// Moves of a sale.
    SaleMove {
        /// With the terminal's record of it, accepted or held.
        Finish: Authorised => Done,
        /// With the terminal's word, or with another record that has the card's number.
        Release: Authorised => NotDone,
        /// With a record after all: its TAC weighs more than the terminal's word.
        Correct: NotDone => Done,
        /// By two people, with a reason: its terminal is not expected any more.
        Close: Authorised => Closed,
        /// With a record after all, which is held.
        ComeLate: Closed => Done,
        /// With the terminal's word after all.
        TellLate: Closed => NotDone,
    }
}

/// A sale as the centre keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AskedSale {
    /// Id.
    pub sale_id: SaleId,
    /// Terminal.
    pub terminal: TerminalNumber,
    /// Card.
    pub card_identifier: CardIdentifier,
    /// Number that its debit has.
    pub card_sequence: u16,
    /// Day on which it counts.
    pub business_date: BusinessDate,
    /// Bill.
    pub bill_id: BillId,
    /// Hash of the priced bill.
    #[serde(skip)]
    pub bill_hash: Digest,
    /// 个人账户.
    pub personal_account_fen: Fen,
    /// 个人自付.
    pub self_paid_fen: Fen,
    /// 统筹基金.
    pub pooled_fund_fen: Fen,
    /// Hash of the sale as the terminal told it.
    #[serde(skip)]
    pub body_hash: Digest,
    /// State.
    #[serde(serialize_with = "named")]
    pub state: SaleState,
    /// Number of its record at the terminal.
    pub record: Option<u64>,
    /// UTC instant.
    pub asked_at: String,
}

fn named<S: Serializer>(state: &SaleState, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(state.name())
}

/// Whether the card may pay this now; keeps it as authorised. `true`: it was before. The caller answers only after the commit.
///
/// # Errors
/// [`ClearingError`]; nothing was kept then.
pub fn authorise(tx: &Tx<'_>, terminal: &Terminal, request: &SaleRequest) -> Result<(bool, Act), ClearingError> {
    let refuse = |code| Err(ClearingError::Refused(code));
    let sale = &request.sale;
    if let Some(known) = tx.sale(sale.sale_id)? {
        return match (known.body_hash == sale.hash(), known.state) {
            (false, _) => refuse(ErrorCode::RequestIdReused),
            (true, SaleState::Authorised) => Ok((true, act(sale, "sale.authorise", "asked again"))),
            (true, SaleState::Done | SaleState::NotDone | SaleState::Closed) => refuse(ErrorCode::SaleAlreadyDecided),
        };
    }
    let card = tx.payable_card(sale.card_identifier)?;
    if card.factor != sale.card_factor {
        return refuse(ErrorCode::CardUnknown);
    }
    let total = Fen::sum([sale.personal_account_fen, sale.self_paid_fen, sale.pooled_fund_fen])?;
    if total == Fen::ZERO || sale.personal_account_fen > sale.balance_fen {
        return refuse(ErrorCode::RecordContradictory);
    }
    let (card_identifier, number) = (sale.card_identifier, sale.card_sequence);
    // What has the card's own code: neither a terminal's question nor people's word moves a card past a number, or a wrong one would shut it
    // out of every till that asks. The record of such a sale shows the word as wrong.
    if tx.last_proved_number(card_identifier)?.is_some_and(|last| last >= number) {
        return refuse(ErrorCode::DuplicateCardSequence);
    }
    let at = Some((sale.terminal, sale.business_date));
    let (bought, spent) = tx.spent_on(sale.terminal, card_identifier, sale.business_date)?;
    // The card says by its number that it has not done what people's word has under this one or a higher one.
    let (words, unspent) = tx.words_not_done(card_identifier, number, at)?;
    let (waiting, waited) = tx.waiting_for_words(card_identifier, number, at)?;
    let (bought, spent) = (bought.saturating_sub(words).saturating_add(waiting), spent.minus(unspent)?.plus(waited)?);
    let (open, kept) = tx.authorised_on(sale.terminal, card_identifier, sale.business_date, number)?;
    let spent = Fen::sum([spent, kept])?;
    if !SaleLimits::from(terminal.limits).allow(sale.personal_account_fen, bought.saturating_add(open), spent)? {
        return refuse(ErrorCode::LimitExceeded);
    }
    let held = held_at_most(tx, card_identifier, number)?.minus(tx.authorised_of(card_identifier, number)?)?;
    if sale.personal_account_fen > held {
        return refuse(ErrorCode::BalanceBeyondLedger);
    }
    tx.add_sale(&AskedSale::of(sale, SaleState::Authorised))?;
    Ok((false, act(sale, "sale.authorise", "authorised")))
}

/// Notes that a sale was not done. `true`: that was known.
///
/// # Errors
/// [`ClearingError`] when its record is there, or the id stands for another sale.
pub fn outcome(tx: &Tx<'_>, request: &SaleOutcomeRequest) -> Result<(bool, Act), ClearingError> {
    let (sale, SaleOutcome::NotDone) = (&request.sale, request.outcome);
    let known = match tx.sale(sale.sale_id)? {
        Some(known) if known.body_hash != sale.hash() => {
            return Err(ClearingError::Refused(ErrorCode::RequestIdReused));
        }
        Some(AskedSale { state: SaleState::Done, .. }) => {
            return Err(ClearingError::Refused(ErrorCode::SaleAlreadyDecided));
        }
        Some(AskedSale { state: SaleState::NotDone, .. }) => true,
        Some(AskedSale { state: SaleState::Authorised, .. }) => {
            tx.move_sale(sale.sale_id, SaleMove::Release, None)?;
            false
        }
        Some(AskedSale { state: SaleState::Closed, .. }) => {
            tx.move_sale(sale.sale_id, SaleMove::TellLate, None)?;
            false
        }
        // Phase 1 never arrived, or was refused: what comes of it later is not believed.
        None => {
            tx.add_sale(&AskedSale::of(sale, SaleState::NotDone))?;
            false
        }
    };
    Ok((known, act(sale, "sale.outcome", "not done")))
}

/// The sale that a record of a purchase names, when the centre knows it.
///
/// # Errors
/// [`ClearingError`].
pub fn of_record(tx: &Tx<'_>, record: &TransactionRecord) -> Result<Option<AskedSale>, ClearingError> {
    match &record.transaction {
        Transaction::Purchase { sale_id: Some(sale_id), .. } => Ok(tx.sale(*sale_id)?),
        _ => Ok(None),
    }
}

/// The record of a sale came in and was not refused.
///
/// # Errors
/// [`ClearingError`].
pub fn recorded(tx: &Tx<'_>, sale: &AskedSale, row: &UploadRow) -> Result<(), ClearingError> {
    match (sale.state, row.outcome) {
        // Without the card's own code a record is a word against the word.
        (SaleState::NotDone, RowOutcome::Held | RowOutcome::Refused) => Ok(()),
        _ => finish(tx, sale, row.journal_sequence),
    }
}

/// Two people decided that the card paid: the sale that it was asked about, if it was, is done.
///
/// # Errors
/// [`ClearingError`].
pub fn decided(tx: &Tx<'_>, row: &UploadRow) -> Result<(), ClearingError> {
    match same(tx, row)? {
        Some(sale) => finish(tx, &sale, row.journal_sequence),
        None => Ok(()),
    }
}

/// The sale that a row is the record of, by what both say.
fn same(tx: &Tx<'_>, row: &UploadRow) -> Result<Option<AskedSale>, ClearingError> {
    let asked = tx.sales_of_number(row.terminal, row.card_identifier, row.card_sequence)?;
    let is_same = |sale: &AskedSale| {
        sale.business_date == row.business_date
            && sale.personal_account_fen == row.personal_account_fen
            && sale.self_paid_fen == row.self_paid_fen
            && sale.pooled_fund_fen == row.pooled_fund_fen
    };
    Ok(asked.into_iter().find(is_same))
}

fn finish(tx: &Tx<'_>, sale: &AskedSale, record: u64) -> Result<(), ClearingError> {
    let way = match sale.state {
        SaleState::Authorised => SaleMove::Finish,
        SaleState::NotDone => SaleMove::Correct,
        SaleState::Closed => SaleMove::ComeLate,
        SaleState::Done => return Ok(()),
    };
    Ok(tx.move_sale(sale.sale_id, way, Some(record))?)
}

/// Two people decided that the card did not pay: a sale that still waits for this record waits no longer.
///
/// # Errors
/// [`ClearingError`].
pub fn dismissed(tx: &Tx<'_>, row: &UploadRow) -> Result<(), ClearingError> {
    match same(tx, row)? {
        Some(AskedSale { sale_id, state: SaleState::Authorised, .. }) => {
            Ok(tx.move_sale(sale_id, SaleMove::Release, None)?)
        }
        _ => Ok(()),
    }
}

/// A record has the card's number: what else was authorised with it was not done. A number that nothing shows says nothing of others.
///
/// # Errors
/// [`ClearingError`].
pub fn release_others(tx: &Tx<'_>, row: &UploadRow) -> Result<(), ClearingError> {
    if row.owns_no_number() {
        return Ok(());
    }
    for other in tx.authorised_with(row.card_identifier, row.card_sequence)? {
        tx.move_sale(other, SaleMove::Release, None)?;
    }
    Ok(())
}

/// What a card may hold whose next number is this: by the ledger, with every load and refund that may have reached it and was not told yet,
/// with what people's word took of it and it has not done, less what it did instead.
fn held_at_most(tx: &Tx<'_>, card: CardIdentifier, number: u16) -> Result<Fen, ClearingError> {
    let not_done = tx.words_not_done(card, number, None)?.1;
    let instead = tx.waiting_for_words(card, number, None)?.1;
    let parts = [
        tx.balance(&Account::Card(card))?,
        tx.balance(&Account::Transit(card))?,
        tx.refunds_under_way(card)?,
        not_done.minus(instead)?,
    ];
    Ok(Fen::sum(parts)?)
}

impl AskedSale {
    fn of(sale: &Sale, state: SaleState) -> Self {
        Self {
            sale_id: sale.sale_id,
            terminal: sale.terminal,
            card_identifier: sale.card_identifier,
            card_sequence: sale.card_sequence,
            business_date: sale.business_date,
            bill_id: sale.bill_id.clone(),
            bill_hash: sale.bill_hash,
            personal_account_fen: sale.personal_account_fen,
            self_paid_fen: sale.self_paid_fen,
            pooled_fund_fen: sale.pooled_fund_fen,
            body_hash: sale.hash(),
            state,
            record: None,
            asked_at: clock::now(),
        }
    }

    /// Whether a record says the same as what was asked: terminal, card, its number, bill, amounts, day.
    #[must_use]
    pub fn is(&self, record: &TransactionRecord) -> bool {
        let Transaction::Purchase {
            personal_account_fen,
            self_paid_fen,
            pooled_fund_fen,
            bill_id,
            bill_hash,
            sale_id,
            ..
        } = &record.transaction
        else {
            return false;
        };
        *sale_id == Some(self.sale_id)
            && record.terminal == self.terminal
            && record.card_identifier == self.card_identifier
            && record.card_sequence == self.card_sequence
            && record.business_date == self.business_date
            && *bill_id == self.bill_id
            && *bill_hash == self.bill_hash
            && *personal_account_fen == self.personal_account_fen
            && *self_paid_fen == self.self_paid_fen
            && *pooled_fund_fen == self.pooled_fund_fen
    }
}

fn act(sale: &Sale, act: &'static str, detail: &str) -> Act {
    Act {
        actor: format!("terminal:{}", sale.terminal),
        act,
        object: format!("sale {}", sale.sale_id),
        detail: format!("{detail}, card {}, {} yuan of the account", sale.card_identifier, sale.personal_account_fen),
    }
}

/// Sales as a person sees them.
#[derive(Clone, Debug, Serialize)]
pub struct AskedSales {
    /// Oldest first.
    pub sales: Vec<AskedSale>,
}

impl Show for AskedSales {
    fn text(&self, lang: Lang) -> String {
        let line = |sale: &AskedSale| {
            let state = word(&SaleState::TABLE, sale.state.name(), lang);
            let age = clock::hours_since(&sale.asked_at).unwrap_or_default();
            let next = match sale.state {
                SaleState::Authorised => lang.pick(
                    format!("  {age} 小时 → 由该终端上传后了结;终端不再回来时 issuer sale propose {}", sale.sale_id),
                    format!(
                        "  {age} hours → its terminal tells with its next upload; if it never comes back: issuer sale propose {}",
                        sale.sale_id
                    ),
                ),
                SaleState::Done | SaleState::NotDone | SaleState::Closed => String::new(),
            };
            format!(
                "{}  {}  {}  {}  {}  {}  {state}{next}",
                sale.sale_id,
                sale.terminal,
                sale.business_date,
                sale.bill_id,
                sale.card_identifier,
                sale.personal_account_fen
            )
        };
        self.sales.iter().map(line).collect::<Vec<_>>().join("\n")
    }
}
