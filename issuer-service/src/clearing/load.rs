//! The online load (圈存): a holder's pending money, or a refund, goes to the chip in two phases.
//!
//! ```text
//! quote → prepare (MAC1 right; pending → transit; MAC2 answered) → outcome (transit → card, or back to pending)
//! ```
//! PREPARED is in the database before MAC2 leaves the centre. A load whose outcome is lost stays open: its money is in
//! transit, and the next INITIALIZE FOR LOAD of the same card decides it by the card's own counter, proved by MAC1.
//!
//! Which of two loads is the later one is never told by which request came in later: a letter may be held up.
//!
//! | another load of the card is | with the same counter | with the next counter |
//! |-----------------------------|-----------------------|-----------------------|
//! | CREDITED                    | the request is older: LOAD_OUTDATED | – |
//! | CREDITED by people alone, named in `after` | prepared beside it, which gives way when its TAC comes (`load_decision`) | – |
//! | CREDITED by people alone    | nobody knows which is later: LOAD_UNRESOLVED | – |
//! | PREPARED, named in `after`  | it was told before this INITIALIZE: NOT_CREDITED | CREDITED |
//! | PREPARED                    | nobody knows which is later: LOAD_UNRESOLVED | CREDITED |
//! | PREPARED beside one that people call CREDITED | as PREPARED | nobody knows which of them: LOAD_UNRESOLVED, two people |
//! | NOT_CREDITED                | –                     | LOAD_UNRESOLVED, until the card's proof comes |
//!
//! `after` is in no MAC, so it is its terminal's word: it leads to a load beside, never to money back for what people called CREDITED.
//!
//! A counter below that of any load of the card is LOAD_OUTDATED. A right TAC credits a load whatever was said of it.
//!
//! Source: PBOC load; the counter steps only when the card has taken the money.
//! Owns: the states of a load and what moves them. Never: computes a MAC (`settlement::load`), knows HTTP.
//! Units: fen.

use card_core::security::SecurityModule;
use serde::Serialize;
use settlement::Accounts;
use settlement::code::ErrorCode;
use settlement::date::{BusinessDate, DateTime};
use settlement::fen::Fen;
use settlement::id::{CardFactor, CardIdentifier, CardRandom, Digest, LoadId, Mac, Tac, TerminalNumber};
use settlement::load;
use settlement::message::{LoadOutcome, LoadOutcomeRequest, LoadRequest};
use settlement::record::{Evidence, Transaction, TransactionRecord};
use settlement::refund::{RefundAct, RefundOf};
use settlement::tac::{self, TacVerdict};

use super::ledger::{Account, Posting, PostingKind};
use super::load_decision::LoadDecision;
use super::refund::{self, Refund};
use super::refusal::ClearingError;
use super::{load_decision, succession, take_back};
use crate::audit::Act;
use crate::clock;
use crate::lang::Lang;
use crate::output::Show;
use crate::store::Tx;

/// Where a load stands.
///
/// | state        | money      | next                   | who                                              |
/// |--------------|------------|------------------------|--------------------------------------------------|
/// | PREPARED     | in transit | CREDITED, NOT_CREDITED | terminal's outcome, card's counter, uploaded TAC, or two people  |
/// | CREDITED     | on card    | NOT_CREDITED           | only what people alone called so: another load's TAC, two people |
/// | NOT_CREDITED | pending    | CREDITED               | the card's own TAC, or two people                |
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum LoadState {
    /// MAC2 may have reached the card.
    Prepared,
    /// The card has the money.
    Credited,
    /// The card does not have it and can no longer take it.
    NotCredited,
}

impl LoadState {
    /// All states.
    pub const ALL: [Self; 3] = [Self::Prepared, Self::Credited, Self::NotCredited];

    /// Name in the store and in output.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Prepared => "PREPARED",
            Self::Credited => "CREDITED",
            Self::NotCredited => "NOT_CREDITED",
        }
    }
}

/// A load.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Load {
    /// Id.
    pub load_id: LoadId,
    /// Terminal.
    pub terminal: TerminalNumber,
    /// Card.
    pub card_identifier: CardIdentifier,
    /// Holder, by the row number of the registry.
    pub holder: i64,
    /// Factor of the card.
    pub card_factor: CardFactor,
    /// Amount.
    pub amount_fen: Fen,
    /// Balance that the card had.
    pub balance_fen: Fen,
    /// Online number that the card had.
    pub card_sequence: u16,
    /// Random that the card gave.
    #[serde(skip)]
    pub random: CardRandom,
    /// Key version that the card answered.
    pub key_version: u8,
    /// Algorithm byte that the card answered.
    pub algorithm: u8,
    /// Digest of the request without its request id.
    #[serde(skip)]
    pub body_hash: Digest,
    /// Date and time in MAC2 and TAC.
    pub date_time: DateTime,
    /// MAC2, answered again to the same request.
    #[serde(skip)]
    pub mac2: Mac,
    /// State.
    pub state: LoadState,
    /// TAC of the card.
    pub tac: Option<Tac>,
    /// What shows the outcome, or what is known of an open one.
    pub evidence: Option<String>,
    /// UTC instant.
    pub prepared_at: String,
    /// Window of the outcome.
    pub settled_on: Option<BusinessDate>,
    /// Of a refund: what it gives back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refund: Option<Refund>,
}

/// The centre's answer to a prepared load.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Prepared {
    /// Whether the load was known.
    pub known: bool,
    /// Date and time for MAC2.
    pub date_time: DateTime,
    /// MAC2.
    pub mac2: Mac,
}

/// What a terminal is told of a card before it loads or refunds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quote {
    /// The pending money of its holder, as far as the card can take it; 0 for who owes, as a refund asks too.
    pub amount: Fen,
    /// Its load that a request has to name ([`open_of`]).
    pub open_load: Option<LoadId>,
    /// What its holder owes, where it is asked in order to load.
    pub owed: Option<Fen>,
}

/// Answers what a terminal asks about a card's money.
///
/// # Errors
/// [`ClearingError`] when the card is unknown, not active or on the blacklist.
pub fn quote(tx: &Tx<'_>, card: CardIdentifier, to_load: bool) -> Result<Quote, ClearingError> {
    let holder = tx.payable_card(card)?.holder;
    let pending = tx.balance(&tx.pending(holder)?)?;
    let open_load = open_of(tx, card)?;
    // What is open is told first: it may be what the holder owes.
    let owed = match to_load && pending < Fen::ZERO && open_load.is_none() {
        true => Some(Fen::ZERO.minus(pending)?),
        false => None,
    };
    Ok(Quote { amount: pending.clamp(Fen::ZERO, Fen::from_card(u32::MAX)), open_load, owed })
}

/// The load of a card that a request has to name to show that it was begun later: the one without outcome, or the last one where only
/// people say that the card has it.
///
/// # Errors
/// [`ClearingError::Store`].
pub fn open_of(tx: &Tx<'_>, card: CardIdentifier) -> Result<Option<LoadId>, ClearingError> {
    if let Some(open) = tx.open_load_of(card)? {
        return Ok(Some(open));
    }
    let Some(last) = tx.last_load(card)? else { return Ok(None) };
    Ok(load_decision::by_people(tx, &last)?.map(|_| last.load_id))
}

/// Checks a load, keeps it as PREPARED and gives the card's MAC2. The caller answers only after the commit.
///
/// # Errors
/// [`ClearingError`]; nothing was kept then.
pub fn prepare(
    tx: &Tx<'_>,
    module: &mut dyn SecurityModule,
    accounts: &Accounts,
    request: &LoadRequest,
) -> Result<(Prepared, Act), ClearingError> {
    let body_hash = content_hash(request);
    if let Some(known) = tx.load(request.load_id)? {
        return if known.body_hash == body_hash {
            let prepared = Prepared { known: true, date_time: known.date_time, mac2: known.mac2 };
            Ok((prepared, act(&known, "load.prepare", "asked again")))
        } else {
            Err(ClearingError::Refused(ErrorCode::RequestIdReused))
        };
    }
    if tx.load_given_up(request.terminal, request.load_id)? {
        return Err(ClearingError::LoadDecided { load: request.load_id });
    }
    let card = tx.payable_card(request.card_identifier)?;
    load::balance_after(request)?;
    let rules = accounts.of(request.algorithm)?;
    if card.factor != request.card_factor || !load::check_mac1(module, rules, request)? {
        return Err(ClearingError::Refused(ErrorCode::Mac1Wrong));
    }
    settle_by_counter(tx, request)?;
    let refund = match &request.refund {
        Some(of) => Some(refund::admit(tx, request, of)?),
        None => {
            pending_covers(tx, card.holder, request.amount_fen)?;
            None
        }
    };
    let date_time = clock::china_now();
    let mac2 = load::mac2(module, rules, request, date_time)?;
    let load = Load {
        load_id: request.load_id,
        terminal: request.terminal,
        card_identifier: request.card_identifier,
        holder: card.holder,
        card_factor: request.card_factor,
        amount_fen: request.amount_fen,
        balance_fen: request.balance_fen,
        card_sequence: request.card_sequence,
        random: request.random,
        key_version: request.key_version,
        algorithm: request.algorithm,
        body_hash,
        date_time,
        mac2,
        state: LoadState::Prepared,
        tac: None,
        evidence: None,
        prepared_at: clock::now(),
        settled_on: None,
        refund,
    };
    tx.add_load(&load)?;
    if load.refund.is_none() {
        let posting = Posting::transfer(
            format!("load:{}:prepared", load.load_id),
            PostingKind::LoadPrepared,
            tx.pending(load.holder)?,
            Account::Transit(load.card_identifier),
            load.amount_fen,
        )?;
        tx.post_once(&posting, tx.current_window()?)?;
    }
    let act = act(&load, "load.prepare", "prepared");
    Ok((Prepared { known: false, date_time, mac2 }, act))
}

/// Whether so much waits for the holder.
fn pending_covers(tx: &Tx<'_>, holder: i64, amount: Fen) -> Result<(), ClearingError> {
    let pending = tx.balance(&tx.pending(holder)?)?;
    if pending < Fen::ZERO {
        return Err(ClearingError::Refused(ErrorCode::LoadOwed));
    }
    if pending == Fen::ZERO || amount <= Fen::ZERO {
        return Err(ClearingError::Refused(ErrorCode::LoadNothingPending));
    }
    if amount > pending {
        return Err(ClearingError::Refused(ErrorCode::LoadAmountDiffers));
    }
    Ok(())
}

/// Takes the outcome that a terminal reports. `true`: the same outcome was known.
///
/// A credit without TAC is noted and stays open until the card's counter, an uploaded TAC or a person decides it. A load that
/// is not known and not credited is kept as given up: its request is refused, should it come in yet.
///
/// # Errors
/// [`ClearingError`] when the load is unknown, has another outcome, or the TAC is wrong.
pub fn outcome(
    tx: &Tx<'_>,
    module: &mut dyn SecurityModule,
    accounts: &Accounts,
    request: &LoadOutcomeRequest,
) -> Result<(bool, Act), ClearingError> {
    let unknown = ClearingError::LoadUnknown { load: request.load_id };
    let Some(load) = tx.load(request.load_id)? else {
        return match request.outcome {
            LoadOutcome::NotCredited => give_up(tx, request),
            LoadOutcome::Credited => Err(unknown),
        };
    };
    if load.terminal != request.terminal {
        return Err(unknown);
    }
    match (request.outcome, load.state) {
        // People called it credited; now the card's own code does.
        (LoadOutcome::Credited, LoadState::Credited)
            if load.tac.is_none() && check_tac(module, accounts, &load, request.tac)? == TacVerdict::Right =>
        {
            if let Some(tac) = request.tac {
                keep_code(tx, &load, tac)?;
            }
            Ok((true, act(&load, "load.outcome", "its TAC, for what was known")))
        }
        (LoadOutcome::Credited, LoadState::Credited) | (LoadOutcome::NotCredited, LoadState::NotCredited) => {
            Ok((true, act(&load, "load.outcome", "reported again")))
        }
        (LoadOutcome::Credited, LoadState::NotCredited) => {
            let is_proved = check_tac(module, accounts, &load, request.tac)? == TacVerdict::Right;
            let Some(tac) = request.tac.filter(|_| is_proved) else {
                return Err(ClearingError::LoadDecided { load: load.load_id });
            };
            if !may_be_proved(tx, &load)? {
                return Err(ClearingError::LoadDecided { load: load.load_id });
            }
            prove(tx, &load, tac)?;
            Ok((false, act(&load, "load.outcome", "credited by its TAC after all")))
        }
        (LoadOutcome::NotCredited, LoadState::Credited) => Err(ClearingError::LoadDecided { load: load.load_id }),
        (LoadOutcome::NotCredited, LoadState::Prepared) => {
            if request.balance_after_fen > load.balance_fen {
                return Err(ClearingError::Refused(ErrorCode::RecordContradictory));
            }
            settle(tx, &load, LoadState::NotCredited, None, "terminal: not credited")?;
            Ok((false, act(&load, "load.outcome", "not credited")))
        }
        (LoadOutcome::Credited, LoadState::Prepared) => {
            if request.balance_after_fen != load.balance_fen.plus(load.amount_fen)? {
                return Err(ClearingError::Refused(ErrorCode::RecordContradictory));
            }
            match (request.tac, check_tac(module, accounts, &load, request.tac)?) {
                (Some(tac), TacVerdict::Right) => {
                    settle(tx, &load, LoadState::Credited, Some(tac), "TAC")?;
                    Ok((false, act(&load, "load.outcome", "credited")))
                }
                (_, TacVerdict::Missing) => {
                    tx.note_load(load.load_id, "terminal: credited, no TAC")?;
                    Ok((false, act(&load, "load.outcome", "credited without TAC, left open")))
                }
                (_, TacVerdict::Wrong | TacVerdict::Right) => Err(ClearingError::Refused(ErrorCode::TacWrong)),
            }
        }
    }
}

/// Posts an outcome and moves the load.
///
/// # Errors
/// [`ClearingError`], also when the load is no longer PREPARED.
pub fn settle(
    tx: &Tx<'_>,
    load: &Load,
    state: LoadState,
    tac: Option<Tac>,
    evidence: &str,
) -> Result<(), ClearingError> {
    let window = tx.current_window()?;
    // The card's code covers its number: what people called credited with that number is not.
    if state == LoadState::Credited
        && tac.is_some()
        && let Some(rival) = rival(tx, load)?
    {
        load_decision::give_way(tx, &rival, &format!("TAC of load {} with the same card counter", load.load_id))?;
    }
    let transit = |kind, to| {
        let reference = format!("load:{}:outcome", load.load_id);
        Posting::transfer(reference, kind, Account::Transit(load.card_identifier), to, load.amount_fen)
    };
    let posting = match (state, &load.refund) {
        (LoadState::Prepared, _) => return Ok(()),
        (LoadState::Credited, None) if load.state == LoadState::NotCredited => {
            // Its money went back to the holder and comes from there again.
            let how = if tac.is_some() { "proved" } else { "decided" };
            let reference = format!("load:{}:{how}", load.load_id);
            let (from, to) = (tx.pending(load.holder)?, Account::Card(load.card_identifier));
            Some(Posting::transfer(reference, PostingKind::LoadCredited, from, to, load.amount_fen)?)
        }
        (LoadState::Credited, None) => Some(transit(PostingKind::LoadCredited, Account::Card(load.card_identifier))?),
        (LoadState::NotCredited, None) => Some(transit(PostingKind::LoadReturned, tx.pending(load.holder)?)?),
        (LoadState::Credited, Some(refund)) => {
            let posting = refund::posting(load, refund)?;
            // It was called credited before, and gave way.
            let again = load.state == LoadState::NotCredited && tx.has_yielded(load.load_id)?;
            posting.map(|first| if again { first.under(format!("refund:{}:proved", load.load_id)) } else { first })
        }
        // It was held, not posted.
        (LoadState::NotCredited, Some(_)) => None,
    };
    if let Some(posting) = posting {
        tx.post_once(&posting, window)?;
        if let (LoadState::Credited, Some(refund)) = (state, &load.refund)
            && let Some(owed) = take_back::late_refund(tx, load, refund, &posting)?
        {
            tx.post_once(&owed, window)?;
        }
    }
    tx.settle_load((load.load_id, load.state), state, tac, evidence, window)?;
    succession::follow(tx, load.card_identifier)
}

/// The card proves a load that was said not to have reached it: what else stood open with its number did not.
///
/// # Errors
/// [`ClearingError`].
pub fn prove(tx: &Tx<'_>, load: &Load, tac: Tac) -> Result<(), ClearingError> {
    close_open(tx, load)?;
    let before = load.evidence.as_deref().unwrap_or_default();
    settle(tx, load, LoadState::Credited, Some(tac), &format!("TAC, against: {before}"))
}

/// The card proves a load that people had called credited: what stands open beside it with its number was not.
///
/// # Errors
/// [`ClearingError`].
pub fn keep_code(tx: &Tx<'_>, load: &Load, tac: Tac) -> Result<(), ClearingError> {
    tx.keep_load_code(load.load_id, tac)?;
    close_open(tx, load)
}

/// A load whose TAC is known has its number: the one without outcome has it not.
fn close_open(tx: &Tx<'_>, proved: &Load) -> Result<(), ClearingError> {
    match tx.last_load(proved.card_identifier)? {
        Some(open) if open.state == LoadState::Prepared && open.card_sequence == proved.card_sequence => {
            let evidence = format!("TAC of load {} with the same card counter", proved.load_id);
            settle(tx, &open, LoadState::NotCredited, None, &evidence)
        }
        _ => Ok(()),
    }
}

/// Whether no other load has the card's number that this one would have, but by people's word: one number, one load.
///
/// # Errors
/// [`ClearingError::Store`].
pub fn may_be_proved(tx: &Tx<'_>, load: &Load) -> Result<bool, ClearingError> {
    Ok(match rival(tx, load)? {
        None => true,
        Some(rival) => load_decision::by_people(tx, &rival)?.is_some(),
    })
}

/// The other load that is called credited with the same number of the card.
///
/// # Errors
/// [`ClearingError::Store`].
pub(super) fn rival(tx: &Tx<'_>, load: &Load) -> Result<Option<Load>, ClearingError> {
    let credited = tx.credited_with_number(load.card_identifier, load.card_sequence)?;
    Ok(credited.filter(|other| other.load_id != load.load_id))
}

fn give_up(tx: &Tx<'_>, request: &LoadOutcomeRequest) -> Result<(bool, Act), ClearingError> {
    let known = tx.give_up_load(request.terminal, request.load_id)?;
    let act = Act {
        actor: format!("terminal:{}", request.terminal),
        act: "load.outcome",
        object: format!("load {}", request.load_id),
        detail: "given up before its request came".to_owned(),
    };
    Ok((known, act))
}

/// Decides an earlier load of the card that has no outcome, by the card's online number and by what this centre said before.
fn settle_by_counter(tx: &Tx<'_>, request: &LoadRequest) -> Result<(), ClearingError> {
    let Some(last) = tx.last_load(request.card_identifier)? else { return Ok(()) };
    let refuse = |code| Err(ClearingError::Refused(code));
    let stepped = last.card_sequence.checked_add(1) == Some(request.card_sequence);
    if last.state == LoadState::Prepared
        && request.card_sequence >= last.card_sequence
        && let Some(rival) = rival(tx, &last)?
    {
        let is_proved = load_decision::by_people(tx, &rival)?.is_none();
        match (is_proved, stepped) {
            (true, true) => return close_open(tx, &rival),
            (true, false) => return refuse(ErrorCode::LoadOutdated),
            // The card took one of the two, and nobody knows which.
            (false, true) => return refuse(ErrorCode::LoadUnresolved),
            (false, false) => {}
        }
    }
    match last.state {
        _ if request.card_sequence < last.card_sequence => refuse(ErrorCode::LoadOutdated),
        LoadState::Credited if request.card_sequence == last.card_sequence => {
            match (load_decision::by_people(tx, &last)?, request.after) {
                (None, _) => refuse(ErrorCode::LoadOutdated),
                // Only its terminal says that it was begun later: it is prepared beside the other, and its TAC decides.
                (Some(_), Some(named)) if named == last.load_id => Ok(()),
                (Some(_), _) => refuse(ErrorCode::LoadUnresolved),
            }
        }
        // It only spends between two loads: more than the load brought cannot be on it.
        LoadState::Prepared if stepped && request.balance_fen <= last.balance_fen.plus(last.amount_fen)? => {
            settle(tx, &last, LoadState::Credited, None, "card counter stepped, MAC1")
        }
        // The card began this one after the centre had named the other: it takes no MAC2 of the other any more.
        LoadState::Prepared if request.card_sequence == last.card_sequence && request.after == Some(last.load_id) => {
            settle(
                tx,
                &last,
                LoadState::NotCredited,
                None,
                "card counter unchanged in an INITIALIZE that its terminal calls later, MAC1",
            )
        }
        LoadState::Prepared => refuse(ErrorCode::LoadUnresolved),
        // The terminal said that the card did not take the money, and the card's own counter says that it did.
        LoadState::NotCredited if stepped => refuse(ErrorCode::LoadUnresolved),
        LoadState::NotCredited | LoadState::Credited => Ok(()),
    }
}

/// What the TAC of a load says.
///
/// # Errors
/// [`ClearingError`] when it cannot be computed.
fn check_tac(
    module: &mut dyn SecurityModule,
    accounts: &Accounts,
    load: &Load,
    tac: Option<Tac>,
) -> Result<TacVerdict, ClearingError> {
    let record = TransactionRecord {
        journal_sequence: 0,
        terminal: load.terminal,
        card_identifier: load.card_identifier,
        card_factor: load.card_factor,
        card_sequence: load.card_sequence,
        transaction: Transaction::Load { load_id: load.load_id, amount_fen: load.amount_fen },
        balance_after_fen: load.balance_fen.plus(load.amount_fen)?,
        date_time: load.date_time,
        business_date: load.date_time.date(),
        key_version: load.key_version,
        algorithm: load.algorithm,
        judgement: None,
        evidence: tac.map_or(Evidence::LogOnly, |tac| Evidence::Answered { tac, number: None }),
    };
    Ok(tac::check(module, accounts.of(load.algorithm)?, &record)?)
}

/// Everything that a load's id is bound to; the request id may differ when a terminal asks again.
fn content_hash(request: &LoadRequest) -> Digest {
    let bytes = [
        &request.terminal.0[..],
        &request.card_identifier.0,
        &request.card_factor.0,
        &request.amount_fen.get().to_be_bytes(),
        &request.balance_fen.get().to_be_bytes(),
        &request.card_sequence.to_be_bytes(),
        &request.random.0,
        &[request.key_version, request.algorithm],
        &request.mac1.0,
    ];
    let mut bytes = bytes.concat();
    bytes.extend(request.after.iter().flat_map(|load| load.0));
    if let Some(RefundOf { original, act, self_paid_fen, pooled_fund_fen }) = &request.refund {
        bytes.extend(original.terminal.0);
        bytes.extend(original.terminal_sequence.to_be_bytes());
        bytes.extend(original.card_sequence.iter().flat_map(|sequence| sequence.to_be_bytes()));
        bytes.extend(act.as_str().bytes());
        bytes.extend(self_paid_fen.get().to_be_bytes());
        bytes.extend(pooled_fund_fen.get().to_be_bytes());
    }
    Digest::of(&bytes)
}

fn act(load: &Load, act: &'static str, detail: &str) -> Act {
    let refund = load.refund.as_ref();
    let of = refund
        .map(|refund| format!(", {} of {}", refund.act.as_str(), refund.original.reference()))
        .unwrap_or_default();
    Act {
        actor: format!("terminal:{}", load.terminal),
        act,
        object: format!("load {}", load.load_id),
        detail: format!("{detail}, {} yuan{of}", load.amount_fen),
    }
}

/// Loads as a person sees them.
#[derive(Clone, Debug, Serialize)]
pub struct Loads {
    /// Oldest first.
    pub loads: Vec<ListedLoad>,
    /// What people ask or decided about them, in order of number.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub decisions: Vec<LoadDecision>,
}

/// A load with its age and what to do.
#[derive(Clone, Debug, Serialize)]
pub struct ListedLoad {
    /// The load.
    #[serde(flatten)]
    pub load: Load,
    /// Whole hours since it was prepared.
    pub age_hours: i64,
    /// What to do next, for an open one.
    pub next_action: Option<&'static str>,
}

impl Loads {
    /// With age and next action.
    #[must_use]
    pub fn of(loads: Vec<Load>, decisions: Vec<LoadDecision>) -> Self {
        let listed = loads.into_iter().map(|load| ListedLoad {
            age_hours: clock::hours_since(&load.prepared_at).unwrap_or_default(),
            next_action: match load.state {
                LoadState::Prepared => Some("read the card at its terminal: its counter decides"),
                LoadState::Credited | LoadState::NotCredited => None,
            },
            load,
        });
        Self { loads: listed.collect(), decisions }
    }
}

impl Show for Loads {
    fn text(&self, lang: Lang) -> String {
        let line = |listed: &ListedLoad| {
            let load = &listed.load;
            let next = match listed.next_action {
                Some(next) => format!(
                    "  {} {} → {}",
                    listed.age_hours,
                    lang.pick("小时", "hours"),
                    lang.pick("在原终端读卡，由卡内序号判定", next)
                ),
                None => String::new(),
            };
            let evidence = load.evidence.as_deref().unwrap_or("–");
            let refund = load.refund.as_ref().map_or_else(String::new, |refund| {
                let word = match refund.act {
                    RefundAct::Refund => lang.pick("退费", "refund of"),
                    RefundAct::Cancel => lang.pick("撤销", "cancel of"),
                };
                format!("  {word} {}", refund.original.reference())
            });
            format!(
                "{}  {}  {}  {}  {}  {evidence}{refund}{next}",
                load.load_id,
                load.terminal,
                load.card_identifier,
                load.amount_fen,
                load.state.name()
            )
        };
        let decisions = self.decisions.iter().map(|decision| decision.text(lang));
        self.loads.iter().map(line).chain(decisions).collect::<Vec<_>>().join("\n")
    }
}
