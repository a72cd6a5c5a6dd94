//! A sale at a terminal of its centre's policy: offline, or with the centre's consent between INITIALIZE and DEBIT.
//!
//! ```text
//! accepted, limited what holds without the centre; of a terminal that asks, what holds for it too, and the rest if no answer comes
//! sell              INITIALIZE → the question → DEBIT → the record goes to the centre at once
//! begin, finish     the same in two calls, where an HSM computes between them
//! ```
//! Source: `settlement::sale`; docs/adr/0049.
//! Owns: the one order of these, for every program that sells. Never: card commands (`card_counter::pay`), prices.

use std::path::Path;
use std::time::Duration;

use card_core::security::SecurityError;
use card_core::security::psam::PurchaseStart;
use card_counter::check::{self, Check, Rules};
use card_counter::error::TerminalError;
use card_counter::journal::{Draft, Entry, Hand};
use card_counter::pay::{self, Offer, Till};
use card_counter::store::Store;
use card_counter::tap::Tapped;
use card_counter::terminal;
use card_profiles::account::AccountRules;
use settlement::DateTime;
use settlement::fen::Fen;
use settlement::id::{SaleId, TerminalNumber};
use settlement::sale::OnlinePolicy;
use settlement::signing::TerminalKey;

use crate::http::{Centre, Way};
use crate::online::{self, Asked};
use crate::upload::{self, Uploaded};

/// How long the centre may take for a sale: then the holder has waited enough (assumed).
const SALE_ANSWER_WITHIN: Duration = Duration::from_secs(5);

/// How a terminal sells.
#[derive(Debug)]
pub struct Seller<'a> {
    policy: OnlinePolicy,
    asking: Option<Asking<'a>>,
    /// What the centre answered to the sale that is under way.
    asked: Option<Asked>,
    /// Whether that sale may be made without an answer.
    without: Result<(), Option<TerminalError>>,
}

/// Whom a terminal asks, and where its letters are written down beside a journal that is in use.
#[derive(Debug)]
struct Asking<'a> {
    centre: Centre<'a>,
    letters: Store,
}

impl<'a> Seller<'a> {
    /// A terminal that asks nobody.
    #[must_use]
    pub const fn alone(policy: OnlinePolicy) -> Self {
        Self { policy, asking: None, asked: None, without: Ok(()) }
    }

    /// A terminal that asks this centre; `letters` is its journal, opened a second time.
    #[must_use]
    pub const fn asking(policy: OnlinePolicy, centre: Centre<'a>, letters: Store) -> Self {
        Self { policy, asking: Some(Asking { centre, letters }), asked: None, without: Ok(()) }
    }

    /// As the signed limits of the terminal in this folder say. A terminal that only prefers to ask, and has no way to its centre,
    /// sells alone; `key` is `None` where it has no need of it.
    ///
    /// # Errors
    /// No way to the centre where its consent is required; [`TerminalError::NotEnrolled`], [`TerminalError::Store`].
    pub fn of(
        policy: OnlinePolicy,
        way: Result<Way, TerminalError>,
        key: Option<&'a TerminalKey>,
        (folder, terminal): (&Path, TerminalNumber),
    ) -> Result<Self, TerminalError> {
        match (way, policy) {
            (_, OnlinePolicy::OfflineOnly) | (Err(_), OnlinePolicy::OnlinePreferred) => Ok(Self::alone(policy)),
            (way, OnlinePolicy::OnlinePreferred | OnlinePolicy::OnlineRequired) => {
                let key = key.ok_or(TerminalError::NotEnrolled)?;
                let centre = Centre::at_within(way?, key, terminal, SALE_ANSWER_WITHIN);
                Ok(Self::asking(policy, centre, Store::open(folder)?))
            }
        }
    }

    /// The terminal's key, where its policy needs one.
    ///
    /// # Errors
    /// [`TerminalError::NotEnrolled`], [`TerminalError::Store`].
    pub fn key(policy: OnlinePolicy, folder: &Path) -> Result<Option<TerminalKey>, TerminalError> {
        if policy.is_offline() { Ok(None) } else { terminal::key(folder).map(Some) }
    }

    /// The id by which the centre is asked about a sale; `None` where nobody is asked.
    ///
    /// # Errors
    /// [`TerminalError::Bug`]: the system has no random bytes.
    pub fn sale_id(&self) -> Result<Option<SaleId>, TerminalError> {
        self.asking.as_ref().map(|_| terminal::random().map(SaleId)).transpose()
    }

    /// What a sale to this card is refused for, whatever its amount is.
    ///
    /// # Errors
    /// [`TerminalError::Store`].
    pub fn checks(&self, tapped: &Tapped<'_>, rules: &Rules, store: &Store) -> Result<Vec<Check>, TerminalError> {
        check::sale(tapped, rules, store, self.asking.is_some())
    }

    /// Whether all of [`Self::checks`] passed.
    ///
    /// # Errors
    /// The first refusal.
    pub fn accepted(&self, tapped: &Tapped<'_>, rules: &Rules, store: &Store) -> Result<(), TerminalError> {
        check::all_passed(self.checks(tapped, rules, store)?)
    }

    /// The limits for a purchase that takes so much from the personal account; of a terminal that asks, those of a sale without an
    /// answer are judged now and count when none comes.
    ///
    /// # Errors
    /// Those of [`check::of_sale`] and [`check::within_limits`].
    pub fn limited(
        &mut self,
        tapped: &Tapped<'_>,
        rules: &Rules,
        store: &Store,
        amount: Fen,
    ) -> Result<(), TerminalError> {
        if self.asking.is_none() {
            return check::within_limits(store, tapped, rules, amount);
        }
        check::of_sale(store, tapped, rules, amount)?;
        let listed = check::blacklist(tapped, rules, store).and_then(check::all_passed);
        self.without = listed.and_then(|()| check::of_waiting(store, rules, amount)).map_err(Some);
        Ok(())
    }

    /// Sells. The PIN is verified, the card accepted and settled, the amounts are fixed. [`Self::tell`] comes next, however it ended.
    ///
    /// # Errors
    /// As [`pay::pay_agreed`], and what the centre says: no money moved, and the entry is closed.
    pub fn sell(
        &mut self,
        tapped: &mut Tapped<'_>,
        till: &mut Till<'_>,
        (store, hand): (&mut Store, &dyn Hand),
        draft: &Draft,
    ) -> Result<Entry, TerminalError> {
        let mut journal = hand.journal(store);
        pay::pay_agreed(tapped, till, &mut *journal, draft, &mut |offer| self.consent(offer, draft))
    }

    /// The first half of a sale whose MAC1 somebody else computes: INITIALIZE, and the question.
    ///
    /// # Errors
    /// As [`pay::offer`], and what the centre says: no money moved, and the entry is closed.
    pub fn begin(
        &mut self,
        tapped: &mut Tapped<'_>,
        rules: &AccountRules,
        store: &mut Store,
        draft: &Draft,
        date_time: DateTime,
    ) -> Result<Offer, TerminalError> {
        pay::offer_agreed(tapped, rules, store, draft, date_time, &mut |offer| self.consent(offer, draft))
    }

    /// What the centre answered to the sale that is under way.
    #[must_use]
    pub const fn asked(&self) -> Option<Asked> {
        self.asked
    }

    /// The second half, in another call: DEBIT of what the centre agreed to in the first. [`Self::tell`] comes next.
    ///
    /// # Errors
    /// As [`pay::complete`].
    pub fn finish(
        &mut self,
        (tapped, rules): (&mut Tapped<'_>, &AccountRules),
        store: &mut Store,
        (offer, asked): (&Offer, Option<Asked>),
        start: PurchaseStart,
        verified: &mut dyn FnMut([u8; 4]) -> Result<bool, SecurityError>,
    ) -> Result<Entry, TerminalError> {
        self.asked = asked;
        pay::complete(tapped, rules, store, offer, start, verified)
    }

    /// The centre's part: its no is final, and without an answer the policy decides.
    fn consent(&mut self, offer: &Offer, draft: &Draft) -> Result<(), TerminalError> {
        let Some(asking) = &mut self.asking else { return Ok(()) };
        let sale = offer.sale(draft).ok_or(TerminalError::Bug("what is asked about has an id"))?;
        let answer = online::ask(&mut asking.letters, &asking.centre, sale, offer.number);
        if let Err(TerminalError::ClockDiffers { .. }) = answer {
            // It agreed all the same: it hears that the sale is not made.
            self.asked = Some(Asked::Agreed);
        }
        let answer = answer?;
        self.asked = Some(answer);
        match (answer, self.policy) {
            (Asked::Agreed, _) => Ok(()),
            (Asked::Unanswered, OnlinePolicy::OnlineRequired) => Err(TerminalError::OnlineRequired),
            (Asked::Unanswered, _) => match &mut self.without {
                Ok(()) => Ok(()),
                Err(refusal) => Err(refusal.take().unwrap_or(TerminalError::OnlineRequired)),
            },
        }
    }

    /// What the centre agreed to it hears of at once, done or not; of a sale that is done, what it said to the record, where it was
    /// asked. What it does not hear now goes with the next upload.
    pub fn tell(
        &self,
        store: &mut Store,
        paid: &Result<Entry, TerminalError>,
    ) -> Option<Result<Uploaded, TerminalError>> {
        let Asking { centre, .. } = self.asking.as_ref().filter(|_| self.asked == Some(Asked::Agreed))?;
        match paid {
            Ok(entry) => entry.record.map(|record| upload::tell(store, centre, centre.key(), record)),
            Err(_) => {
                // What was agreed to and not done takes nothing of the limits any more.
                let _ = online::report(store, centre);
                None
            }
        }
    }
}
