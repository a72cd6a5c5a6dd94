//! The next tap of a card whose answer was lost: what did it do? Before anything else, exactly once.
//!
//! Source: `settlement::recovery` decides; counter by INITIALIZE (which changes nothing), balance, log, PROVE.
//! What a person judged meanwhile is compared with the same facts: where they say the opposite the entry is CONTRADICTED, and settled
//! as the card shows it.
//!
//! Owns: reading the facts, writing the decision. Never: decides; debits or credits.

use card_profiles::account::{AccountRules, Amounts};
use settlement::fen::Fen;
use settlement::id::{Mac, Tac};
use settlement::journal::{Event, State};
use settlement::record::{CardsCode, Evidence, NumberProof};
use settlement::recovery::{self, CardNow, Contradiction, Decision, Kind, Proof, Unanswered};

use crate::error::{TerminalError, Unsettled};
use crate::journal::{Done, Entry, Journal, Sent, Shown, Subject};
use crate::tap::Tapped;
use crate::{account, load, pay};

/// Why an entry that the card did not do is closed.
pub(crate) const NOT_DONE: &str = "NOT_DONE";

/// Settles every open entry of the card, oldest first, and compares those that a person judged. The PIN was verified if
/// `pin_verified`; without it what was judged is left for another tap. The answer has what changed.
///
/// # Errors
/// [`TerminalError::StillOpen`] when the facts do not decide, or the PIN is needed to read them.
pub fn settle(
    tapped: &mut Tapped<'_>,
    rules: &AccountRules,
    journal: &mut dyn Journal,
    pin_verified: bool,
) -> Result<Vec<Entry>, TerminalError> {
    let mut settled = Vec::new();
    for entry in journal.open_of(&tapped.identifier)? {
        if entry.awaits_its_card() {
            if pin_verified {
                settled.extend(compare(tapped, rules, journal, &entry)?);
            }
            continue;
        }
        if entry.state == State::Sent {
            journal.close(entry.number, Event::AnswerLost, "NEXT_TAP")?;
        }
        let id = entry.number.to_string();
        if !pin_verified {
            return Err(TerminalError::StillOpen { id, why: Unsettled::PinNeeded });
        }
        let sent = entry.sent.ok_or(TerminalError::Bug("an entry that blocks its card was sent"))?;
        let decision = look(tapped, rules, &entry, &sent)?;
        match write(journal, &entry, &sent, decision)? {
            Ok(entry) => settled.push(entry),
            Err(why) => return Err(TerminalError::StillOpen { id, why: why.into() }),
        }
    }
    if pin_verified {
        ask_for_codes(tapped, rules, journal)?;
    }
    Ok(settled)
}

/// Asks the card for its own code of records that the centre could not post with what it was sent, or has not seen yet. A card that tells
/// none holds up nobody.
fn ask_for_codes(
    tapped: &mut Tapped<'_>,
    rules: &AccountRules,
    journal: &mut dyn Journal,
) -> Result<(), TerminalError> {
    for entry in journal.doubted_of(&tapped.identifier)? {
        let Some(sent) = entry.sent else { continue };
        let transaction_type = match entry.draft.subject {
            Subject::Purchase { .. } => rules.purchase_type,
            Subject::Load { .. } | Subject::Refund { .. } => rules.load_type,
        };
        let mut told = || {
            let proof =
                tapped.select(&rules.df).and_then(|()| prove(tapped, rules, transaction_type, sent.card_sequence));
            proof.ok().flatten().map(|proof| code(&entry, &sent, proof.tac, proof.mac2))
        };
        // What is another code than the record's is asked for twice: one answer may be spoilt on its way. The same code again is kept
        // where the centre refused it: it hears that the card says so, and the card is not asked for ever.
        let known = entry.done.and_then(|done| done.evidence.code());
        if let Some(code) = told()
            && (Some(code) == known || told() == Some(code))
        {
            journal.note_proof(entry.number, code)?;
        }
    }
    Ok(())
}

/// What the card told of an entry: of a purchase MAC2 shows its number, of a load nobody says what stands in its place.
fn code(entry: &Entry, sent: &Sent, tac: Tac, mac2: Mac) -> CardsCode {
    let is_purchase = matches!(entry.draft.subject, Subject::Purchase { .. });
    CardsCode { tac, number: is_purchase.then_some(NumberProof { random: sent.random, mac2 }) }
}

/// Writes the decision; `Ok(Err(…))` when the facts do not decide.
fn write(
    journal: &mut dyn Journal,
    entry: &Entry,
    sent: &Sent,
    decision: Decision,
) -> Result<Result<Entry, Contradiction>, TerminalError> {
    Ok(match shown(entry, sent, decision)? {
        Ok(Some(done)) => Ok(journal.confirm(entry.number, Event::ShownDone, &done)?),
        Ok(None) => Ok(journal.close(entry.number, Event::ShownNotDone, NOT_DONE)?),
        Err(why) => Err(why),
    })
}

/// How the entry ended as the card shows it; `None` where the card did nothing.
fn shown(entry: &Entry, sent: &Sent, decision: Decision) -> Result<Result<Option<Done>, Contradiction>, TerminalError> {
    let evidence = match decision {
        Decision::Done { tac, mac2 } => code(entry, sent, tac, mac2).proved(),
        Decision::DoneWithoutTac => Evidence::LogOnly,
        Decision::NotDone => return Ok(Ok(None)),
        Decision::Contradiction { why } => return Ok(Err(why)),
    };
    let after = entry.draft.subject.balance_after(sent.balance_before);
    let balance_after = after.ok_or(TerminalError::Bug("the balance after was checked before the entry was sent"))?;
    Ok(Ok(Some(Done { balance_after, evidence })))
}

/// Compares what a person judged with what the card shows; the entry as it stands now, when that is the opposite.
fn compare(
    tapped: &mut Tapped<'_>,
    rules: &AccountRules,
    journal: &mut dyn Journal,
    entry: &Entry,
) -> Result<Option<Entry>, TerminalError> {
    let (Some(judgement), Some(sent)) = (&entry.judged, entry.sent) else {
        return Err(TerminalError::Bug("what was judged was sent"));
    };
    let decision = look(tapped, rules, entry, &sent)?;
    let done = match shown(entry, &sent, decision)? {
        Ok(done) => done,
        Err(_) => {
            journal.note_shown(entry.number, Shown::Silent)?;
            return Ok(None);
        }
    };
    if done.is_some() == judgement.done {
        journal.note_shown(entry.number, Shown::Agrees)?;
        return Ok(None);
    }
    let against = format!("against {}: {}", judgement.by, judgement.reason);
    Ok(Some(journal.contradict(entry.number, &against, done.as_ref())?))
}

/// Reads the facts off the card and has them judged.
fn look(tapped: &mut Tapped<'_>, rules: &AccountRules, entry: &Entry, sent: &Sent) -> Result<Decision, TerminalError> {
    let log = account::log(tapped, rules)?;
    let terminal = entry.draft.terminal;
    let (kind, transaction_type, sequence, balance) = match entry.draft.subject {
        Subject::Purchase { .. } => {
            let start = pay::initialize(tapped, rules, Amounts::default(), terminal.0)?;
            (Kind::Purchase, rules.purchase_type, start.card_sequence, start.balances.personal_account)
        }
        Subject::Load { .. } | Subject::Refund { .. } => {
            let start = load::initialize(tapped, rules, 0, terminal.0)?;
            (Kind::Load, rules.load_type, start.card_sequence, start.balance)
        }
    };
    let proof = prove(tapped, rules, transaction_type, sent.card_sequence)?;
    let unanswered = Unanswered {
        kind,
        transaction_type,
        convention: rules.sequence_convention,
        balance_before: Fen::from_card(sent.balance_before),
        card_sequence: sent.card_sequence,
        amounts: entry.draft.subject.in_log(),
        terminal,
        date_time: sent.date_time,
    };
    let now = CardNow { sequence, balance: Fen::from_card(balance), log: Some(&log), proof };
    Ok(recovery::decide(&unanswered, &now))
}

/// GET TRANSACTION PROVE. The session that could verify MAC2 ended with the PSAM's power; the centre verifies both codes.
fn prove(
    tapped: &mut Tapped<'_>,
    rules: &AccountRules,
    transaction_type: u8,
    card_sequence: u16,
) -> Result<Option<Proof>, TerminalError> {
    let Some(command) = rules.prove(transaction_type, card_sequence) else { return Ok(None) };
    let answer = tapped.session.send(&command)?;
    let Ok(data) = answer.ok() else { return Ok(None) };
    let proof = AccountRules::parse_prove(&data)?;
    Ok(Some(Proof { tac: Tac(proof.tac), mac2: Mac(proof.mac2), mac2_verified: false }))
}
