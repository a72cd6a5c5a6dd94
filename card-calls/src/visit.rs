//! The card of one call: found in a reader, or kept from the call before.
//!
//! Owns: which card a call works with, its PSAM, its PIN, whether it is kept after the call.
//! Never: shows a PIN; keeps a card that a call failed with; takes another card than `pCardInfo` names.

use std::time::{Duration, Instant};

use card_core::script::TwoChallenges;
use card_core::security::psam::Psam;
use card_core::transport::pcsc::Interface;
use card_counter::TerminalError;
use card_counter::journal::EntryNumber;
use card_counter::pin;
use card_counter::secret::Pin;
use card_counter::tap::{Ask, Tapped, tap};
use card_desk::{Desk, DeskError, Setup};
use card_profiles::Catalog;
use card_profiles::memory::CardMemory;
use card_profiles::psams::PsamMemory;

use crate::calls::Calls;
use crate::debit::Begun;
use crate::entry::{self, Prompt};
use crate::failure::Failure;
use crate::profiles;
use crate::prove::Asked;
use crate::refused::{Giver, RefusedPins};
use crate::settings::Settings;
use crate::text::CardInfo;

/// The holder's PIN among those of a card.
pub(crate) const HOLDER: &str = "PIN";

/// A card between two calls.
#[derive(Debug)]
pub(crate) struct Held {
    pub(crate) tapped: Tapped<'static>,
    pub(crate) reader: String,
    pub(crate) interface: Interface,
    /// The holder's PIN was verified; whether it is the initial one.
    pub(crate) verified: Option<bool>,
    pub(crate) until: Instant,
    /// Which step of which function may come next.
    pub(crate) next: Next,
    /// A purchase that was begun with the card.
    pub(crate) debit: Option<Begun>,
}

/// What may come next with a card that is held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// Any function: its PIN is verified.
    Any,
    /// Step 2 of a function, with what it needs to know.
    Step2(Step),
    /// Step 3.
    Step3(Step),
}

/// A function of steps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// `iReadCardBas`: the card's own proof and what it is over, the key of the holder's file, 终端机编号.
    Basic { own: [u8; 8], challenges: TwoChallenges, asked: Option<Asked>, terminal: [u8; 6] },
    /// `iReadCard`.
    Read { address: String, asked: Option<Asked> },
    /// `iWriteCard`.
    Write { address: String, asked: Option<Asked> },
    /// `iReloadPIN`.
    Reload { asked: Asked },
    /// `iUnblockPIN`.
    Unblock { asked: Asked },
    /// `iDoDebit`.
    Debit,
}

/// One call with a card.
pub(crate) struct Visit<'s> {
    pub(crate) settings: &'s Settings,
    pub(crate) tapped: Tapped<'static>,
    pub(crate) reader: String,
    pub(crate) interface: Interface,
    pub(crate) verified: Option<bool>,
    /// What the card is kept for after this call.
    pub(crate) keep: Option<Next>,
    pub(crate) debit: Option<Begun>,
    /// Purchases that the answer tells of.
    pub(crate) told: Vec<EntryNumber>,
    /// PINs that cards refused in this process.
    pub(crate) refused: RefusedPins,
    desk: Desk<'s>,
}

impl Calls {
    /// Works with the card in a reader: the one that is held with its PIN, or a new one.
    pub(crate) fn with_card<T>(
        &mut self,
        settings: &Settings,
        interface: i32,
        work: impl FnOnce(&mut Visit<'_>) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        self.with_card_asking(Ask::Algorithm, settings, interface, work)
    }

    /// The same, and what is asked of a new card.
    pub(crate) fn with_card_asking<T>(
        &mut self,
        ask: Ask,
        settings: &Settings,
        interface: i32,
        work: impl FnOnce(&mut Visit<'_>) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let interface = Interface::of_type(interface).ok_or(Failure::CardInterface(interface))?;
        let held = self.held.take_if(|held| held.next == Next::Any && held.interface == interface);
        self.drop_held();
        let setup =
            Setup { card: settings.reader.as_deref(), psam: settings.psam.as_deref(), interface, wait: Duration::ZERO };
        let catalog = profiles::of_site(&settings.regions)?;
        let desk = Desk::open(setup, catalog)?.knowing(match &settings.data {
            Some(folder) => PsamMemory::recall(folder),
            None => std::mem::take(&mut self.psams),
        });
        let mut visit = match held.and_then(|held| held.alive()) {
            Some(Held { tapped, reader, verified, .. }) => {
                let desk = desk.with_card_in(&reader);
                Visit {
                    settings,
                    tapped,
                    reader,
                    interface,
                    verified,
                    keep: Some(Next::Any),
                    debit: None,
                    told: Vec::new(),
                    refused: std::mem::take(&mut self.refused),
                    desk,
                }
            }
            None => self.new_card(ask, settings, (catalog, interface), desk)?,
        };
        let result = work(&mut visit);
        self.end(visit, result.is_ok());
        result
    }

    fn new_card<'s>(
        &mut self,
        ask: Ask,
        settings: &'s Settings,
        (catalog, interface): (&'static Catalog, Interface),
        mut desk: Desk<'s>,
    ) -> Result<Visit<'s>, Failure> {
        let memory = settings.data.as_deref().map_or_else(|| self.cards.clone().fresh(), CardMemory::recall);
        desk.recognise(memory.types().clone());
        let is_foreign = |error: &TerminalError| matches!(error, TerminalError::NotSsc { .. });
        let begin =
            &mut |reader: &str, met| tap(met, catalog, memory.clone(), ask).map(|tapped| (tapped, reader.to_owned()));
        match desk.meet(begin, is_foreign) {
            Ok((tapped, reader)) => Ok(Visit {
                settings,
                tapped,
                reader,
                interface,
                verified: None,
                keep: None,
                debit: None,
                told: Vec::new(),
                refused: std::mem::take(&mut self.refused),
                desk,
            }),
            Err(error) => {
                self.psams = desk.into_known();
                Err(error.into())
            }
        }
    }

    /// Goes on with the card of the step before.
    pub(crate) fn next_step<T>(&mut self, next: impl FnOnce(&Next) -> Option<T>) -> Result<(Held, T), Failure> {
        let known = self.held.as_ref().filter(|held| Instant::now() <= held.until).and_then(|held| next(&held.next));
        match known.and_then(|known| Some((self.held.take()?, known))) {
            Some(found) => Ok(found),
            None => {
                self.drop_held();
                Err(Failure::NoStep("Step1"))
            }
        }
    }

    /// Keeps a card for another step.
    pub(crate) fn keep(&mut self, settings: &Settings, held: Held, next: Next) {
        self.held = Some(Held { next, until: Instant::now() + settings.hold, ..held });
    }

    /// What was learnt of a card that is let go.
    pub(crate) fn learn(&mut self, held: Held) {
        let mut tapped = held.tapped;
        self.cards = std::mem::take(&mut tapped.memory);
    }

    fn end(&mut self, visit: Visit<'_>, done: bool) {
        let Visit { settings, mut tapped, reader, interface, verified, keep, debit, told, refused, desk } = visit;
        self.refused = refused;
        self.told = told;
        self.psams = desk.into_known();
        match keep.filter(|_| done) {
            Some(next) => {
                self.cards = tapped.memory.clone();
                let until = Instant::now() + settings.hold;
                self.held = Some(Held { tapped, reader, interface, verified, until, next, debit });
            }
            None => {
                self.cards = std::mem::take(&mut tapped.memory);
                let _ = debit.map(Begun::abandon);
            }
        }
    }
}

impl Held {
    /// The card, if it is still there and its time is not over.
    fn alive(mut self) -> Option<Self> {
        (Instant::now() <= self.until && self.tapped.session.challenge().is_ok()).then_some(self)
    }
}

impl Visit<'_> {
    /// Whether the card is the one that the caller means; nobody means one who says nothing.
    pub(crate) fn is_meant(&self, info: Option<&str>) -> Result<(), Failure> {
        let Some(info) = info else { return Ok(()) };
        let info = CardInfo::parse(info)?;
        let same = self.tapped.identifier.to_string().eq_ignore_ascii_case(info.identifier)
            && (info.number.is_empty() || info.number == card_number(&self.tapped));
        if same { Ok(()) } else { Err(Failure::OtherCard) }
    }

    /// The PSAM of the card, compared with it before a try of a key is spent.
    pub(crate) fn psam(&mut self) -> Result<Psam, Failure> {
        self.tapped.algorithm()?;
        let Some(mut psam) = self.desk.psam(self.tapped.profile)? else {
            return Err(DeskError::NoPsam { readers: Vec::new() }.into());
        };
        match self.tapped.fits(&mut psam, self.desk.known())? {
            Some(false) => Err(TerminalError::PsamWrong { city: self.tapped.city }.into()),
            Some(true) | None => Ok(psam),
        }
    }

    /// A PSAM that was believed to have the card's keys, and a key was refused: it is compared with the card after all.
    pub(crate) fn blame(&mut self, psam: &mut Psam, error: Failure) -> Failure {
        let refused =
            matches!(error, Failure::Counter(TerminalError::KeyRefused { .. } | TerminalError::KeyBlocked { .. }));
        match refused.then(|| self.tapped.compare(psam, self.desk.known())) {
            Some(Ok(Some(false))) => TerminalError::PsamWrong { city: self.tapped.city }.into(),
            _ => error,
        }
    }

    /// What the card refused was computed by a PSAM that was believed: it is compared at the next tap.
    pub(crate) fn doubt(&mut self, psam: &Psam) {
        self.tapped.doubt(psam, self.desk.known());
    }

    /// 终端机编号 of any PSAM at hand; `None` without one.
    pub(crate) fn terminal_number(&mut self) -> Option<[u8; 6]> {
        match self.desk.psam(self.tapped.profile) {
            Ok(psam) => psam.map(|psam| psam.terminal_number()),
            Err(DeskError::Algorithm { .. }) => self.desk.any_psam().ok().flatten().map(|psam| psam.terminal_number()),
            Err(_) => None,
        }
    }

    /// The holder's PIN, verified before or now.
    pub(crate) fn pin(&mut self) -> Result<(), Failure> {
        if self.verified.is_some() {
            return Ok(());
        }
        let given = entry::ask(self.settings, Prompt::Verify)?;
        self.verify(Giver::Holder, &given)
    }

    /// The holder's PIN for a transaction: the initial one is refused.
    pub(crate) fn pin_for_transaction(&mut self) -> Result<(), Failure> {
        match self.verified {
            Some(true) => Err(TerminalError::PinInitial.into()),
            Some(false) => Ok(()),
            None => {
                let given = entry::ask(self.settings, Prompt::Verify)?;
                pin::of_transaction(&self.tapped, &given)?;
                self.try_pin(Giver::Holder, &given)?;
                self.verified = Some(false);
                Ok(())
            }
        }
    }

    fn try_pin(&mut self, giver: Giver, given: &Pin) -> Result<(), Failure> {
        // Whether a card that tells its tries has others by now than it last answered.
        pin::tries_left(&mut self.tapped)?;
        self.with_pin(HOLDER, (giver, given), |visit, consent| pin::verify(&mut visit.tapped, given, consent))
    }

    pub(crate) fn verify(&mut self, giver: Giver, given: &Pin) -> Result<(), Failure> {
        self.verified = None;
        self.try_pin(giver, given)?;
        let initial = self.tapped.profile.pin.as_ref().is_some_and(|row| given.is(&row.initial));
        self.verified = Some(initial);
        Ok(())
    }
}

/// Characters of 卡号 that are used, whatever follows them.
const CARD_NUMBER_CHARACTERS: usize = 9;

/// 卡号.
pub(crate) fn card_number(tapped: &Tapped<'_>) -> String {
    tapped.issuer_item("card_number").chars().take(CARD_NUMBER_CHARACTERS).collect()
}
