//! Loading the account online, in two phases with the centre: money that waits for the holder, or a refund.
//!
//! Source: INITIALIZE FOR LOAD and CREDIT FOR LOAD as PBOC's analogue; states of `settlement::journal`. A card knows no other
//! way for money to come back; that it takes a CREDIT of nothing, where only cash and pool are refunded, is assumed.
//! Owns: the order: the load's id is stored before the first send, everything in CREDIT before CREDIT.
//! Never: talks HTTP (the caller brings the centre as a closure), credits twice.

use card_profiles::account::{AccountRules, LoadStart};
use settlement::fen::Fen;
use settlement::id::{CardRandom, LoadId, Mac, RequestId, Tac};
use settlement::journal::Event;
use settlement::message::{LoadAnswer, LoadRequest, Version1};
use settlement::record::Evidence;

use crate::error::TerminalError;
use crate::journal::{Done, Draft, Entry, EntryNumber, Journal, Sent};
use crate::pay::{is_refusal, same_algorithm};
use crate::tap::Tapped;

/// The centre's part: takes the card's INITIALIZE, answers date, time and MAC2. The second argument is the entry, so that
/// the request is stored with it before it is sent.
pub type Authorize<'a> = &'a mut dyn FnMut(&LoadRequest, EntryNumber) -> Result<LoadAnswer, TerminalError>;

/// Loads what the draft says. The card is accepted and settled; the amount is the centre's, or that of a refund.
///
/// # Errors
/// [`TerminalError::Uncertain`] when the card did not answer CREDIT; any other error: nothing was credited.
pub fn load(
    tapped: &mut Tapped<'_>,
    rules: &AccountRules,
    journal: &mut dyn Journal,
    draft: &Draft,
    request_id: RequestId,
    authorize: Authorize<'_>,
) -> Result<Entry, TerminalError> {
    let load_id = draft.subject.load_id().ok_or(TerminalError::Bug("a load or a refund is loaded"))?;
    let amount = draft.subject.on_card();
    let number = journal.prepare(draft)?.number;
    let ready = initialize(tapped, rules, amount, draft.terminal.0).and_then(|start| {
        let request = request(tapped, &start, draft, load_id, request_id);
        authorize(&request, number).map(|answer| (start, answer))
    });
    let (start, answer) = match ready {
        Ok(ready) => ready,
        Err(error) => {
            let event = match error {
                TerminalError::CardRefused { .. } => Event::CardRefused,
                _ => Event::Abandoned,
            };
            journal.close(number, event, error.code().as_str())?;
            return Err(error);
        }
    };
    let Some(balance_after) = draft.subject.balance_after(start.balance) else {
        journal.close(number, Event::Abandoned, "BALANCE_OVERFLOW")?;
        return Err(TerminalError::CardAnswer { command: "INITIALIZE FOR LOAD" });
    };
    let sent = Sent {
        balance_before: start.balance,
        card_sequence: start.card_sequence,
        terminal_sequence: 0,
        date_time: answer.date_time,
        random: CardRandom(start.random),
        key_version: start.key_version,
        algorithm: start.algorithm,
        mac: answer.mac2,
    };
    journal.send(number, &sent)?;
    let tac = credit(tapped, rules, journal, number, &sent)?;
    let done = Done { balance_after, evidence: Evidence::Answered { tac, number: None } };
    journal
        .confirm(number, Event::CardAnswered, &done)
        .map_err(|source| TerminalError::NotRecorded { id: number.to_string(), source })
}

/// INITIALIZE FOR LOAD: changes nothing on the card.
///
/// # Errors
/// [`TerminalError::AlgorithmNotPublic`], [`TerminalError::PsamAlgorithm`], or the card's refusal.
pub fn initialize(
    tapped: &mut Tapped<'_>,
    rules: &AccountRules,
    amount: u32,
    terminal: [u8; 6],
) -> Result<LoadStart, TerminalError> {
    tapped.select(&rules.df)?;
    let answer = tapped.session.send(&rules.init_load(amount, terminal))?;
    let data = answer.ok().map_err(|sw| TerminalError::CardRefused { command: "INITIALIZE FOR LOAD", sw })?;
    let start = AccountRules::parse_load_start(&data)?;
    same_algorithm(start.algorithm, tapped.profile.algorithm, "INITIALIZE FOR LOAD")?;
    Ok(start)
}

fn request(
    tapped: &Tapped<'_>,
    start: &LoadStart,
    draft: &Draft,
    load_id: LoadId,
    request_id: RequestId,
) -> LoadRequest {
    LoadRequest {
        version: Version1,
        request_id,
        terminal: draft.terminal,
        load_id,
        card_identifier: tapped.identifier,
        card_factor: tapped.card_factor(),
        amount_fen: Fen::from_card(draft.subject.on_card()),
        balance_fen: Fen::from_card(start.balance),
        card_sequence: start.card_sequence,
        random: CardRandom(start.random),
        key_version: start.key_version,
        algorithm: start.algorithm,
        mac1: Mac(start.mac1),
        refund: draft.refund_of(),
        after: None,
    }
}

fn credit(
    tapped: &mut Tapped<'_>,
    rules: &AccountRules,
    journal: &mut dyn Journal,
    number: EntryNumber,
    sent: &Sent,
) -> Result<Tac, TerminalError> {
    let mut lost = |reason: &str| {
        // When not even that can be written the entry stays SENT, and a restart makes it UNCERTAIN.
        let _ = journal.close(number, Event::AnswerLost, reason);
        TerminalError::Uncertain { id: number.to_string() }
    };
    let command = rules.credit_load(sent.date_time.to_bcd(), sent.mac.0);
    let data = match tapped.session.send(&command).map(card_core::Response::ok) {
        Ok(Ok(data)) => data,
        Ok(Err(sw)) if is_refusal(sw) => {
            journal.close(number, Event::CardRefused, &sw.to_string())?;
            return Err(TerminalError::CardRefused { command: "CREDIT FOR LOAD", sw });
        }
        Ok(Err(sw)) => return Err(lost(&sw.to_string())),
        Err(error) => return Err(lost(TerminalError::from(error).code().as_str())),
    };
    AccountRules::parse_load_tac(&data).map(Tac).map_err(|_| lost("CARD_ANSWER"))
}
