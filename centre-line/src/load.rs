//! Money that goes onto a card: what the centre holds for it, its consent, and the word of the outcome.
//!
//! ```text
//! load      outcomes that are owed → quote → consent → CREDIT → outcome
//! give_back the purchase is uploaded → the card's open load → consent → CREDIT → outcome
//! ```
//! Source: `settlement::message`; docs/adr/0061.
//! Owns: the one order of these, for every program that loads. Never: card commands (`card_counter::load`).

use std::path::Path;

use card_counter::error::TerminalError;
use card_counter::journal::{Draft, Entry, EntryNumber, Hand, Purchased, RefundOrder, Subject};
use card_counter::letter::Letter;
use card_counter::load::load as load_card;
use card_counter::store::Store;
use card_counter::tap::Tapped;
use card_counter::{refund, terminal};
use settlement::BusinessDate;
use settlement::fen::Fen;
use settlement::id::{CardIdentifier, LoadId, RequestId, TerminalNumber};
use settlement::message::{LoadRequest, QuoteAnswer, QuoteRequest, Request, Version1};
use settlement::refund::{Original, OriginalAnswer, OriginalRequest};

use crate::http::Centre;
use crate::upload;

/// Where money comes from, and where it is written down.
pub struct Loader<'a> {
    /// The centre.
    pub centre: &'a Centre<'a>,
    /// The journal, opened a second time, for letters while an entry is written.
    pub letters: Store,
    /// How the journal is written to.
    pub hand: &'a dyn Hand,
}

impl<'a> Loader<'a> {
    /// With the journal of this folder.
    ///
    /// # Errors
    /// [`TerminalError::Store`].
    pub fn of(centre: &'a Centre<'a>, folder: &Path, hand: &'a dyn Hand) -> Result<Self, TerminalError> {
        Ok(Self { centre, letters: Store::open(folder)?, hand })
    }

    /// Loads what the centre holds for the card, which was accepted and settled; `wanted` is what the clerk expects it to be.
    ///
    /// # Errors
    /// [`TerminalError::NothingToLoad`], [`TerminalError::LoadOwed`], [`settlement::ErrorCode::LoadAmountDiffers`], those of [`card_counter::load::load`]; after it,
    /// what the centre said to the outcome is the second of the answer.
    pub fn load(
        &mut self,
        (tapped, day): (&mut Tapped<'_>, BusinessDate),
        store: &mut Store,
        number: TerminalNumber,
        wanted: Option<Fen>,
    ) -> Result<(Entry, Result<(), TerminalError>), TerminalError> {
        upload::offer_outcomes(store, self.centre)?;
        let quote = quote(store, self.centre, number, tapped.identifier)?;
        let quoted = quote.amount_fen;
        if quoted == Fen::ZERO {
            return Err(why_nothing(store, self.centre, number, tapped.identifier)?);
        }
        if wanted.is_some_and(|wanted| wanted != quoted) {
            let code = settlement::ErrorCode::LoadAmountDiffers;
            return Err(TerminalError::CentreRefused { path: "loads/quote", code });
        }
        let amount = quoted.to_card().map_err(|_| TerminalError::CentreAnswer { path: "loads/quote" })?;
        let draft = Draft {
            terminal: number,
            card_identifier: tapped.identifier,
            card_factor: tapped.card_factor(),
            business_date: day,
            subject: Subject::Load { load_id: LoadId(terminal::random()?), amount },
            paper: String::new(),
        };
        self.bring(tapped, store, &draft, quote.open_load)
    }

    /// One try of a refund or cancel that was agreed on. The centre posts it against a purchase that it has: that is uploaded first,
    /// whatever else waits. `slip` is what its receipt needs to know.
    ///
    /// # Errors
    /// As [`Self::load`].
    pub fn give_back(
        &mut self,
        (tapped, day): (&mut Tapped<'_>, BusinessDate),
        store: &mut Store,
        order: &RefundOrder,
        slip: Option<String>,
    ) -> Result<(Entry, Result<(), TerminalError>), TerminalError> {
        upload::offer_outcomes(store, self.centre)?;
        if let Purchased::Here(purchase) = order.original
            && let Some(record) = store.entry(purchase)?.record
        {
            upload::up_to(store, self.centre, self.centre.key(), record)?;
        }
        let draft = refund::draft(store, tapped, order, day, LoadId(terminal::random()?))?;
        let draft = Draft { paper: slip.unwrap_or_default(), ..draft };
        let after = quote(store, self.centre, draft.terminal, tapped.identifier)?.open_load;
        self.bring(tapped, store, &draft, after)
    }

    /// Brings onto the card what the draft says, with the centre's consent. `after` is the card's load without outcome at the centre.
    fn bring(
        &mut self,
        tapped: &mut Tapped<'_>,
        store: &mut Store,
        draft: &Draft,
        after: Option<LoadId>,
    ) -> Result<(Entry, Result<(), TerminalError>), TerminalError> {
        let Self { centre, letters, hand } = self;
        let mut authorize = |request: &LoadRequest, entry: EntryNumber| {
            let letter = Letter::of(&LoadRequest { after, ..request.clone() })?;
            letters.write_letter(request.request_id, &letter, Some(entry))?;
            let answer = centre.send::<LoadRequest>(&letter).or_else(|error| match error {
                // The same request again: the centre answers the same, whether or not the first one arrived.
                TerminalError::CentreUnreachable { .. } => centre.send::<LoadRequest>(&letter),
                other => Err(other),
            })?;
            letters.letter_answered(request.request_id, "OK")?;
            Ok(answer)
        };
        let account = tapped.account()?;
        let id = RequestId(terminal::random()?);
        let loaded = {
            let mut journal = hand.journal(store);
            load_card(tapped, account, &mut *journal, draft, id, &mut authorize)
        };
        // However it ended, the centre is told; what it does not hear now it hears at the next upload.
        match loaded {
            Ok(entry) => {
                let reported = upload::report_outcome(store, centre, entry.number);
                Ok((entry, reported))
            }
            Err(error) => {
                let _ = upload::offer_outcomes(store, centre);
                Err(error)
            }
        }
    }
}

/// What the centre holds for a card, and its load that has no outcome there: asked before the card begins another one.
fn quote(
    store: &mut Store,
    centre: &Centre<'_>,
    terminal: TerminalNumber,
    card_identifier: CardIdentifier,
) -> Result<QuoteAnswer, TerminalError> {
    let request_id = RequestId(terminal::random()?);
    send(store, centre, &QuoteRequest { version: Version1, request_id, terminal, card_identifier, to_load: false })
}

/// Why nothing waits for a card: its holder owes, or there is nothing. It is a question of its own, as centres of before know no `to_load`.
fn why_nothing(
    store: &mut Store,
    centre: &Centre<'_>,
    terminal: TerminalNumber,
    card_identifier: CardIdentifier,
) -> Result<TerminalError, TerminalError> {
    let request_id = RequestId(terminal::random()?);
    let request = QuoteRequest { version: Version1, request_id, terminal, card_identifier, to_load: true };
    Ok(match send(store, centre, &request) {
        Ok(QuoteAnswer { owed_fen: Some(owed), .. }) => TerminalError::LoadOwed { owed },
        // A centre of before says that, and not how much.
        Err(owed @ TerminalError::CentreRefused { code: settlement::ErrorCode::LoadOwed, .. }) => owed,
        _ => TerminalError::NothingToLoad,
    })
}

/// What the centre tells of a purchase of another till to the card in the reader.
///
/// # Errors
/// [`TerminalError::CentreRefused`] with why nothing of it goes back here, [`TerminalError::CentreUnreachable`], [`TerminalError::Store`].
pub fn original(
    store: &mut Store,
    centre: &Centre<'_>,
    original: Original,
    card_identifier: CardIdentifier,
) -> Result<OriginalAnswer, TerminalError> {
    let ours = store.terminal()?.ok_or(TerminalError::NotEnrolled)?;
    let request_id = RequestId(terminal::random()?);
    send(store, centre, &OriginalRequest { version: Version1, request_id, terminal: ours, original, card_identifier })
}

/// Writes a request down, sends it, notes the answer.
fn send<R: Request>(store: &mut Store, centre: &Centre<'_>, request: &R) -> Result<R::Answer, TerminalError> {
    let letter = Letter::of(request)?;
    store.write_letter(request.request_id(), &letter, None)?;
    let answer = centre.send::<R>(&letter)?;
    store.letter_answered(request.request_id(), "OK")?;
    Ok(answer)
}

impl std::fmt::Debug for Loader<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Loader").field("centre", &self.centre).finish_non_exhaustive()
    }
}
