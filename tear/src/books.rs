//! What the card, the terminal and the centre hold, looked at from outside while nothing moves.
//!
//! Owns: one look; the three numbers that must be one; what of it is lost or doubled. Never: writes, repairs.
//! Units: fen.

use std::fmt::Write as _;

use card_core::{Session, command};
use card_counter::journal::{Entry, Subject};
use card_counter::secret::Pin;
use card_counter::store::Store;
use card_counter::tap::{Ask, tap};
use card_profiles::memory::CardMemory;
use card_sim::Socket;
use issuer_service::centre::Centre;
use issuer_service::clearing::sale::SaleState;
use issuer_service::store::StoreError;
use serde::Serialize;
use settlement::fen::Fen;
use settlement::id::CardIdentifier;
use settlement::journal::State;
use settlement::judgement::{ContradictionRequest, ProofRequest};
use settlement::message::{BatchRequest, LoadOutcomeRequest, LoadRequest, Request as _};
use settlement::sale::{SaleOutcomeRequest, SaleRequest};

use crate::clerk::NEW_PIN;
use crate::failure::Failure;
use crate::town::{PIN, Town};

/// What each of the three says is on one card.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Holdings {
    /// The card itself.
    pub card_fen: i64,
    /// The journals: loads less purchases, those that are confirmed.
    pub terminal_fen: i64,
    /// The centre's ledger.
    pub centre_fen: i64,
}

/// One look at a town with one card.
#[derive(Clone, Debug)]
pub struct Look {
    /// The three numbers.
    pub holdings: Holdings,
    /// Entries of the journals.
    pub entries: usize,
    /// State of the last one.
    pub last: Option<State>,
    /// Entries that are not at their end.
    pub open: usize,
    /// Money that is neither with the fund, nor with a holder, nor on a card: in transit.
    pub transit_fen: i64,
    /// Sales that the centre authorised, and of which it does not know what became.
    pub open_sales: usize,
    /// Tries of the PIN that are left.
    pub pin_tries: u8,
    /// Everything on which the future depends: two towns with the same key go on alike.
    pub key: String,
}

/// What of `moved` fen became of them, by the three that should have moved them once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Verdict {
    /// Moved at one of the three and not at another.
    pub lost_fen: i64,
    /// Moved more than once.
    pub doubled_fen: i64,
}

impl Look {
    /// Looks.
    ///
    /// # Errors
    /// [`Failure`].
    pub fn at(town: &Town) -> Result<Self, Failure> {
        let mut key = String::new();
        let (card_fen, pin_tries) = card(town, &mut key)?;
        let (terminal_fen, states) = terminals(town, &mut key)?;
        let (centre_fen, transit_fen, open_sales) = centre(town, &mut key)?;
        let open = states.iter().filter(|state| !state.is_final()).count();
        let (entries, last) = (states.len(), states.last().copied());
        Ok(Self {
            holdings: Holdings { card_fen, terminal_fen, centre_fen },
            entries,
            last,
            open,
            transit_fen,
            open_sales,
            pin_tries,
            key,
        })
    }
}

impl Holdings {
    /// What of `moved` fen is lost or doubled, when `opening` was on the card before. `moved` is negative for a purchase.
    #[must_use]
    pub fn verdict(&self, opening: i64, moved: i64) -> Verdict {
        let [mut lost_fen, mut doubled_fen] = [0, 0];
        for held in [self.card_fen, self.terminal_fen, self.centre_fen] {
            // How far this one is beyond the one move, in the direction of the move.
            let beyond = (held - opening - moved) * if moved < 0 { -1 } else { 1 };
            lost_fen = lost_fen.max(-beyond);
            doubled_fen = doubled_fen.max(beyond);
        }
        Verdict { lost_fen, doubled_fen }
    }
}

/// The identifier of one of the town's cards, as a terminal reads it.
///
/// # Errors
/// [`Failure`].
pub fn identifier(town: &Town, card: usize) -> Result<CardIdentifier, Failure> {
    let socket = town.cards.get(card).ok_or(Failure::NotMade("a card"))?.twin();
    let session = Session::new(Box::new(socket.connect().map_err(card_counter::TerminalError::from)?));
    let card = tap(session, &town.shared.catalog, CardMemory::default(), Ask::Nothing)?;
    Ok(card.identifier)
}

/// What the balance of a card moves by when it does this, signed.
#[must_use]
pub fn moved(subject: &Subject) -> i64 {
    const BEFORE: u32 = u32::MAX / 2;
    let after = subject.balance_after(BEFORE).unwrap_or(BEFORE);
    i64::from(after) - i64::from(BEFORE)
}

/// What one of the town's cards holds, looked at from inside.
///
/// # Errors
/// [`Failure`].
pub fn balance(town: &Town, card: usize) -> Result<i64, Failure> {
    let twin = town.cards.get(card).ok_or(Failure::NotMade("a card"))?.twin();
    twin.card().power_on().map_err(|_| Failure::NotMade("a card that comes up"))?;
    let account = twin.card().inspect().account.ok_or(Failure::NotMade("an account"))?;
    Ok(i64::from(account.personal_account))
}

fn card(town: &Town, key: &mut String) -> Result<(i64, u8), Failure> {
    let socket = town.cards.first().ok_or(Failure::NotMade("a card"))?;
    let unfinished = socket.card().memory().is_unfinished();
    // What an interrupted command left shows when power comes; this card's does not come for that.
    let twin = socket.twin();
    twin.card().power_on().map_err(|_| Failure::NotMade("a card that comes up"))?;
    let mut seen = twin.card().inspect();
    let account = seen.account.ok_or(Failure::NotMade("an account"))?;
    let pin = seen.pin.ok_or(Failure::NotMade("a PIN"))?;
    // Date and time of a log record come from clocks; which command it was decides nothing.
    for records in seen.files.values_mut() {
        records.retain(|record| record.bytes().any(|digit| digit != b'0'));
    }
    let log = town.shared.account();
    let logged = seen.files.get(&format!("{}.{}", log.df, log.log)).map_or(0, Vec::len);
    let others: Vec<_> = seen.files.iter().filter(|(name, _)| **name != format!("{}.{}", log.df, log.log)).collect();
    let _ = write!(key, "{unfinished} {account:?} {pin:?} {logged} {others:?} {:?}", seen.keys);
    let environment = town.shared.catalog.ssse_name();
    let [new, old] = [NEW_PIN, PIN].map(|digits| takes(socket, environment, digits));
    let _ = write!(key, " {new} {old} {}", town.is_told());
    for psam in &town.psams {
        let unfinished = psam.card().memory().is_unfinished();
        let twin = psam.twin();
        twin.card().power_on().map_err(|_| Failure::NotMade("a PSAM that comes up"))?;
        let seen = twin.card().inspect();
        let _ = write!(key, " {unfinished} {:?} {:?}", seen.terminal_sequence, seen.keys);
    }
    // A card whose PIN nobody knows any more pays nobody: what is on it is lost to its holder.
    Ok((if new || old { i64::from(account.personal_account) } else { 0 }, pin.tries_left))
}

/// Whether the card takes this PIN; asked of a twin, so that no try is spent.
fn takes(socket: &Socket, environment: &[u8], digits: &str) -> bool {
    let answered = || -> Option<bool> {
        let pin = Pin::parse(digits).ok()?.to_bcd();
        let mut session = Session::new(Box::new(socket.twin().connect().ok()?));
        session.send(&command::select_by_name(environment)).ok()?;
        Some(session.send(&command::verify(&pin)).ok()?.sw.is_ok())
    };
    answered().unwrap_or(false)
}

/// What the journals say of the card, and the states of their entries, the first terminal's first.
fn terminals(town: &Town, key: &mut String) -> Result<(i64, Vec<State>), Failure> {
    let (mut sum, mut entries) = (0, Vec::new());
    for terminal in 0..town.psams.len() {
        let (moved, of_it) = terminal_of(town, terminal, key)?;
        sum += moved;
        entries.extend(of_it);
    }
    for letter in town.post.letters() {
        let _ = write!(key, " late {} {}", letter.path, of_whom(&letter.body, &entries));
    }
    Ok((sum, entries.iter().map(|entry| entry.state).collect()))
}

fn terminal_of(town: &Town, terminal: usize, key: &mut String) -> Result<(i64, Vec<Entry>), Failure> {
    let store = Store::open(&town.terminal_folder(terminal))?;
    let entries = store.entries()?;
    let mut sum = 0;
    for entry in &entries {
        let sent = entry.sent.map(|sent| (sent.balance_before, sent.card_sequence, sent.terminal_sequence));
        let done = entry.done.map(|done| (done.balance_after, done.evidence.tac().is_some()));
        let said = entry.judged.as_ref().map(|said| said.done);
        let _ = write!(key, " {} {} {sent:?} {done:?} {:?}", entry.number, entry.state, entry.record);
        let _ = write!(key, " {said:?} {:?}", entry.shown);
        if entry.state == State::Confirmed {
            sum += moved(&entry.draft.subject);
        }
    }
    let refunds: Vec<_> = store.refunds()?.into_iter().map(|order| (order.original, order.state)).collect();
    let _ = write!(key, " {refunds:?}");
    let letters = [LoadRequest::PATH, LoadOutcomeRequest::PATH].map(|path| store.unanswered(path).map(|all| all.len()));
    let unreported = store.unreported_loads(LoadRequest::PATH, LoadOutcomeRequest::PATH)?.len();
    let waiting = store.waiting_batch(BatchRequest::PATH)?.map(|batch| batch.sequence);
    let [loads, outcomes] = letters;
    let asked = store.towards_centre(SaleRequest::PATH, SaleOutcomeRequest::PATH)?;
    let untold = store.unanswered(SaleOutcomeRequest::PATH)?.len();
    let contradicted = store.unreported_contradictions(ContradictionRequest::PATH)?.len();
    let words = store.unanswered(ContradictionRequest::PATH)?.len() + store.unanswered(ProofRequest::PATH)?.len();
    let codes = store.unreported_codes(ProofRequest::PATH)?.len();
    let _ = write!(key, " {asked:?} {untold} {contradicted} {words} {codes}");
    let _ = write!(key, " {} {} {unreported} {waiting:?} {}", loads?, outcomes?, store.chain()?.next_batch);
    Ok((sum, entries))
}

/// The content of a letter, its ids by the entry that they are of: ids are drawn by chance, and which is whose decides.
fn of_whom(body: &str, entries: &[Entry]) -> String {
    let named = (1..).zip(entries).fold(body.to_owned(), |body, (number, entry)| {
        let id = match &entry.draft.subject {
            Subject::Purchase { sale_id, .. } => sale_id.map(|id| id.to_string()),
            subject => subject.load_id().map(|id| id.to_string()),
        };
        id.map_or(body.clone(), |id| body.replace(&id, &format!("entry {number}")))
    });
    // What chance or a key made besides says nothing: ids of requests, nonces, codes, signatures.
    let is_chance =
        |field: &&str| field.len() >= 10 && field.trim_matches('"').bytes().all(|byte| byte.is_ascii_hexdigit());
    named.split([',', ':', '{', '}', '[', ']']).filter(|field| !is_chance(field)).collect::<Vec<_>>().join(" ")
}

fn centre(town: &Town, key: &mut String) -> Result<(i64, i64, usize), Failure> {
    let mut centre = Centre::open_to_look(&town.centre_folder())?;
    let (balances, loads, sales, terminals, given_up) = centre.store.read(|tx| -> Result<_, StoreError> {
        Ok((tx.all_balances()?, tx.loads()?, tx.sales(false)?, tx.terminals()?, tx.loads_given_up()?))
    })?;
    let of = |prefix: &str| {
        let sum = balances.iter().filter(|(account, _)| account.starts_with(prefix)).map(|(_, fen)| *fen);
        sum.fold(0, |sum, fen: Fen| sum + fen.get())
    };
    let states: Vec<_> = loads.iter().map(|load| (load.card_sequence, load.state, load.evidence.clone())).collect();
    let asked: Vec<_> = sales.iter().map(|sale| (sale.card_sequence, sale.state, sale.record)).collect();
    let chains: Vec<_> = terminals.iter().map(|terminal| terminal.chain.next_record).collect();
    let _ = write!(key, " {balances:?} {states:?} {asked:?} {chains:?} {given_up}");
    let open_sales = sales.iter().filter(|sale| sale.state == SaleState::Authorised).count();
    Ok((of("card:"), of("transit:"), open_sales))
}
