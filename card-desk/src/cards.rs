//! Which reader holds the card.
//!
//! Owns: the choice by name, or by what is in the readers when exactly one fits, asking no card whose answer the others' give;
//! waiting. Never: chooses between two that fit.

use std::time::Instant;

use card_core::identify::{Kind, Slot};
use card_core::transport::pcsc::{ChooseError, Interface, ReaderInfo};

use crate::{Desk, DeskError, Held, held};

/// What is looked for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sought {
    /// The holder's card, by its own answer.
    Card,
    /// The holder's card; where only one can be it, that is not asked.
    CardUnasked,
    /// A PSAM, as the card in question.
    Psam,
}

impl Desk<'_> {
    /// The card: in the reader that was named, or the only one that is no PSAM. Where that is configured, waits for it, in
    /// whichever reader it comes.
    ///
    /// # Errors
    /// [`DeskError`]: no such reader, no card, or several with their names.
    pub fn card(&mut self) -> Result<Held, DeskError> {
        self.in_time(Sought::Card)
    }

    /// As [`Desk::card`], for a caller that finds out what the card is: where only one can be the card it is not asked. Named
    /// no PSAM's, it may be one all the same ([`Desk::turns_out_a_psam`]).
    ///
    /// # Errors
    /// As [`Desk::card`].
    pub fn card_unasked(&mut self) -> Result<Held, DeskError> {
        self.in_time(Sought::CardUnasked)
    }

    /// The PSAM that is itself in question, not at work for a card: in the reader that was named, as `--reader` or `--psam`, or
    /// the only one.
    ///
    /// # Errors
    /// [`DeskError`]: no such reader, no PSAM, or several with their names.
    pub fn psam_as_card(&mut self) -> Result<Held, DeskError> {
        self.in_time(Sought::Psam)
    }

    /// Whether a card that was taken unasked is a PSAM; it is then remembered as one, and not taken again.
    ///
    /// # Errors
    /// [`DeskError`] when the daemon fails.
    pub fn turns_out_a_psam(&mut self, held: &str) -> Result<bool, DeskError> {
        if self.card.is_some() {
            return Ok(false);
        }
        self.taken.retain(|taken| taken != held);
        let found = self.readers.list()?.into_iter().find(|reader| reader.name == held && reader.atr.is_some());
        let is_psam = found.and_then(|reader| self.ask(&reader)) == Some(Kind::Psam);
        if is_psam && self.by_memory {
            // Then what is taken for the PSAM is perhaps the card.
            self.ask_instead()?;
        }
        Ok(is_psam)
    }

    /// Whether the card in the reader that was named for the holder's is a PSAM.
    ///
    /// # Errors
    /// [`DeskError`] when the daemon fails.
    pub fn named_card_is_psam(&mut self) -> Result<bool, DeskError> {
        let Some(wanted) = self.card else { return Ok(false) };
        let reader = self.readers.choose(wanted)?;
        Ok(reader.atr.is_some() && self.ask(&reader) == Some(Kind::Psam))
    }

    fn in_time(&mut self, sought: Sought) -> Result<Held, DeskError> {
        let start = Instant::now();
        // What is in a reader before the first look is no card that may be taken, once it was looked at. One that comes during the look,
        // or just behind it, is looked at next.
        let mut others = if self.wait.is_zero() { Ok(Vec::new()) } else { self.holding() };
        loop {
            let found = match sought {
                Sought::Psam => self.psam_now(),
                Sought::Card | Sought::CardUnasked => self.card_now(sought == Sought::CardUnasked),
            };
            let error = match found {
                Err(error) if error.waits_for_a_card() => error,
                result => return result,
            };
            let left = self.wait.saturating_sub(start.elapsed());
            if left.is_zero() {
                return Err(error);
            }
            self.asked.clear();
            if let Some(wanted) = self.card.or(self.psam.filter(|_| sought == Sought::Psam)) {
                let reader = self.readers.choose(wanted)?.name;
                if !self.readers.wait(&reader, true, left)? {
                    return Err(error);
                }
                continue;
            }
            let mut looked_at = others?;
            match self.readers.wait_for_any(self.interface, &looked_at, left)? {
                Some(found) => looked_at.push(found.name),
                None => return Err(error),
            }
            others = Ok(looked_at);
        }
    }

    fn psam_now(&mut self) -> Result<Held, DeskError> {
        if let Some(wanted) = self.card.or(self.psam) {
            let reader = self.readers.choose(wanted)?.name;
            return self.take(reader);
        }
        let attached = self.readers.list()?;
        if attached.is_empty() {
            return Err(ChooseError::NoReader.into());
        }
        let holding = attached.iter().filter(|reader| reader.atr.is_some());
        let psams = holding.filter(|reader| self.ask(reader) == Some(Kind::Psam));
        let found: Vec<String> = psams.map(|reader| reader.name.clone()).collect();
        match found.as_slice() {
            [] => Err(DeskError::NoPsam { readers: self.names()? }),
            [one] => self.take(one.clone()),
            _ => Err(DeskError::SeveralPsams { readers: found }),
        }
    }

    /// Readers that hold something.
    fn holding(&self) -> Result<Vec<String>, DeskError> {
        let readers = self.readers.list()?.into_iter();
        Ok(readers.filter(|reader| reader.atr.is_some()).map(|reader| reader.name).collect())
    }

    fn card_now(&mut self, unasked: bool) -> Result<Held, DeskError> {
        if let Some(wanted) = self.card {
            let reader = self.readers.choose(wanted)?.name;
            return self.take(reader);
        }
        let psam = self.psam.map(|wanted| self.readers.choose(wanted)).transpose()?.map(|reader| reader.name);
        let attached = self.readers.list()?;
        if attached.is_empty() {
            return Err(ChooseError::NoReader.into());
        }
        let is_free = |name: &String| psam.as_ref() != Some(name) && !self.taken.contains(name);
        let holding: Vec<ReaderInfo> = attached
            .iter()
            .filter(|reader| reader.atr.is_some() && is_free(&reader.name) && self.interface.turn(reader).is_some())
            .cloned()
            .collect();
        let psam_known = psam.is_some() || !self.taken.is_empty();
        match holding.as_slice() {
            // One of those that were taken for PSAMs by memory is perhaps the card.
            [] if self.by_memory => {
                self.ask_instead()?;
                self.card_now(unasked)
            }
            [] => {
                let readers = attached.into_iter().map(|reader| reader.name).filter(is_free).collect();
                Err(DeskError::NoCard { readers })
            }
            [one] if psam_known => self.take(one.name.clone()),
            _ => match unasked.then(|| self.only_one_left(&holding)).flatten() {
                Some(reader) => self.take(reader),
                None => self.only_user_card(psam.as_deref(), &holding),
            },
        }
    }

    /// The reader of the only card that can be the holder's, if it was not asked yet: the others are PSAMs, by memory or by
    /// their own answer. The likeliest PSAMs are asked first.
    fn only_one_left(&mut self, holding: &[ReaderInfo]) -> Option<String> {
        let is_known = |reader: &&ReaderInfo| reader.atr.as_deref().is_some_and(|atr| self.known.book().knows(atr));
        let mut left: Vec<&ReaderInfo> = holding.iter().filter(|reader| !is_known(reader)).collect();
        let order = self.likeliest_psams_first(left.clone());
        for reader in order {
            if let [one] = left.as_slice() {
                return self.kind_of(&one.name).is_none().then(|| one.name.clone());
            }
            if self.ask(reader) == Some(Kind::Psam) {
                left.retain(|other| other.name != reader.name);
            }
        }
        None
    }

    /// The only social security card of the first turn of the interface; else the only other card, which is then told what it
    /// is not.
    fn only_user_card(&mut self, psam: Option<&str>, holding: &[ReaderInfo]) -> Result<Held, DeskError> {
        for reader in holding {
            let _ = self.ask(reader);
        }
        let names_of = |readers: &[ReaderInfo]| readers.iter().map(|reader| reader.name.clone()).collect::<Vec<_>>();
        let mut slots = std::mem::take(&mut self.asked);
        let mut chosen = Err(DeskError::NoCard { readers: names_of(holding) });
        for wanted in [Some(Kind::User), Some(Kind::Other), None] {
            let found: Vec<usize> =
                of_kind(&slots, wanted, psam).into_iter().filter(|at| is_named(&slots, *at, holding)).collect();
            match first_turn(self.interface, &slots, found).as_slice() {
                [] => continue,
                [one] => chosen = held(slots.remove(*one), self.ask),
                several => chosen = Err(DeskError::SeveralCards { readers: names(&slots, several) }),
            }
            break;
        }
        if let Ok(held) = &chosen {
            self.hold(&held.reader);
        }
        self.asked = slots;
        chosen
    }
}

fn is_named(slots: &[Slot], at: usize, readers: &[ReaderInfo]) -> bool {
    slots.get(at).is_some_and(|slot| readers.iter().any(|reader| reader.name == slot.reader))
}

/// Of these slots, those in the readers that the interface tries first.
fn first_turn(interface: Interface, slots: &[Slot], places: Vec<usize>) -> Vec<usize> {
    let turn = |at: &usize| {
        let slot = slots.get(*at)?;
        let atr = slot.card.as_ref().ok().and_then(|asked| asked.session.atr().ok()).map(|atr| atr.bytes().to_vec());
        interface.turn(&ReaderInfo { name: slot.reader.clone(), atr })
    };
    let first = places.iter().filter_map(turn).min();
    places.into_iter().filter(|at| turn(at).is_some() && turn(at) == first).collect()
}

/// Places of the slots with this kind of card; `None`: cards that could not be asked.
fn of_kind(slots: &[Slot], wanted: Option<Kind>, except: Option<&str>) -> Vec<usize> {
    let is = |slot: &Slot| slot.card.as_ref().ok().map(|asked| asked.kind) == wanted;
    let fits = |(_, slot): &(usize, &Slot)| Some(slot.reader.as_str()) != except && is(slot);
    slots.iter().enumerate().filter(fits).map(|(at, _)| at).collect()
}

fn names(slots: &[Slot], places: &[usize]) -> Vec<String> {
    places.iter().filter_map(|at| slots.get(*at)).map(|slot| slot.reader.clone()).collect()
}
