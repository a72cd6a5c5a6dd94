//! Which PSAM serves the card.
//!
//! Owns: the search: by name, by memory, by asking; that what is remembered wrongly is found out. Never: chooses between two that
//! fit; asks a card whose answer the others' give.

use card_core::identify::Kind;
use card_core::security::SecurityError;
use card_core::security::psam::{Psam, PsamNames};
use card_core::session::SessionError;
use card_core::transport::pcsc::ReaderInfo;
use card_core::{StatusWord, command};
use card_profiles::Profile;

use crate::{Desk, DeskError, Held};

impl Desk<'_> {
    /// The PSAM that serves cards of this profile: in the reader that was named, or the only one that has the environment of
    /// the profile's algorithm; `None` when there is no PSAM at all.
    ///
    /// # Errors
    /// [`DeskError`]: no such reader, no PSAM in it, none with this environment, or several with their names.
    pub fn psam(&mut self, profile: &Profile) -> Result<Option<Psam>, DeskError> {
        let wanted = self.catalog.psam_of(profile).clone();
        self.opened(&[wanted], profile)
    }

    /// The only PSAM, whatever its environments: for its terminal number.
    ///
    /// # Errors
    /// As [`Desk::psam`].
    pub fn any_psam(&mut self) -> Result<Option<Psam>, DeskError> {
        self.opened(self.catalog.psams(), self.catalog.first())
    }

    fn opened(&mut self, wanted: &[PsamNames], profile: &Profile) -> Result<Option<Psam>, DeskError> {
        let by_memory = self.by_memory;
        let found = self.psam_with(wanted).and_then(|found| {
            let open = |(names, held): (PsamNames, Held)| {
                let atr = held.session.atr().map_err(of_psam)?;
                Ok((atr, Psam::open_selected(held.session, &names, profile.psam_keys())?))
            };
            found.map(open).transpose()
        });
        match found {
            Ok(Some((atr, psam))) => {
                // A hint: what cannot be written down is asked again.
                let _ = self.known.change(|book| book.note(atr.bytes()));
                Ok(Some(psam))
            }
            Ok(None) => Ok(None),
            // What was a PSAM once is perhaps none now: every card is asked.
            Err(_) if by_memory && self.by_memory => {
                self.ask_instead()?;
                self.opened(wanted, profile)
            }
            Err(error) => Err(error),
        }
    }

    /// Lets go of what was taken for PSAMs by memory: each card is asked, and what it says is remembered.
    pub(crate) fn ask_instead(&mut self) -> Result<(), DeskError> {
        (self.by_memory, self.asks_all, self.psams) = (false, true, None);
        for reader in self.readers.list()? {
            if reader.atr.is_some_and(|atr| self.known.book().knows(&atr)) {
                self.taken.retain(|taken| *taken != reader.name);
            }
        }
        Ok(())
    }

    /// Whether a PSAM at hand serves more than the cards that every terminal expects: then a card is asked for its algorithm.
    /// `None` when there is no PSAM.
    ///
    /// # Errors
    /// As [`Desk::psam`].
    pub fn serves_several_algorithms(&mut self) -> Result<Option<bool>, DeskError> {
        let usual = self.catalog.psam_of(self.catalog.first()).environment.clone();
        let others: Vec<PsamNames> =
            self.catalog.psams().iter().filter(|names| names.environment != usual).cloned().collect();
        self.look_for_psams()?;
        let mut psams = self.psams.take().unwrap_or_default();
        let several = psams.iter_mut().map(|held| self.has_one_of(held, &others)).find(|has| !matches!(has, Ok(false)));
        let any = !psams.is_empty();
        self.psams = Some(psams);
        match several {
            Some(has) => has.map(Some),
            None => Ok(any.then_some(false)),
        }
    }

    /// Whether a PSAM has one of the unusual environments. That it has none is remembered, and not asked again until a card
    /// of such an algorithm comes.
    fn has_one_of(&mut self, held: &mut Held, others: &[PsamNames]) -> Result<bool, DeskError> {
        let atr = held.session.atr().map_err(of_psam)?;
        if self.known.book().serves_usual_only(atr.bytes()) {
            return Ok(false);
        }
        for names in others {
            if names.are_in(&mut held.session).map_err(of_psam)? {
                return Ok(true);
            }
        }
        // A hint: what cannot be written down is asked again.
        let _ = self.known.change(|book| book.note_usual_only(atr.bytes()));
        Ok(false)
    }

    /// The only PSAM with one of these environments.
    fn psam_with(&mut self, wanted: &[PsamNames]) -> Result<Option<(PsamNames, Held)>, DeskError> {
        let psams = self.look_for_psams()?;
        let mut fitting = Vec::new();
        for (place, held) in psams.iter_mut().enumerate() {
            for names in wanted {
                if names.are_in(&mut held.session).map_err(of_psam)? {
                    fitting.push((place, names.clone()));
                    break;
                }
            }
        }
        let readers = |psams: &[Held]| psams.iter().map(|held| held.reader.clone()).collect::<Vec<String>>();
        match fitting.as_slice() {
            [] if psams.is_empty() => Ok(None),
            [] => {
                let readers = readers(psams);
                // What was named is perhaps no PSAM at all.
                if self.psam.is_some() && !self.is_any_psam()? {
                    return Err(SecurityError::NotPsam(StatusWord::FILE_NOT_FOUND).into());
                }
                Err(DeskError::Algorithm { readers })
            }
            [(place, names)] => Ok(Some((names.clone(), psams.remove(*place)))),
            several => {
                let fits = |place: &usize| several.iter().any(|(fitting, _)| fitting == place);
                let fitting = readers(psams).into_iter().enumerate().filter(|(place, _)| fits(place));
                Err(DeskError::SeveralPsams { readers: fitting.map(|(_, reader)| reader).collect() })
            }
        }
    }

    fn is_any_psam(&mut self) -> Result<bool, DeskError> {
        let all = self.catalog.psams();
        for held in self.look_for_psams()? {
            for names in all {
                let application = command::select_by_name(&names.application);
                if names.are_in(&mut held.session).map_err(of_psam)?
                    && held.session.send(&application).map_err(of_psam)?.sw.is_ok()
                {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    /// The PSAMs: what is in the reader that was named, or every card that is one.
    fn look_for_psams(&mut self) -> Result<&mut Vec<Held>, DeskError> {
        let found = match (self.psams.take(), self.psam) {
            (Some(found), _) => found,
            (None, Some(wanted)) => {
                let reader = self.readers.choose(wanted)?;
                if reader.atr.is_none() {
                    return Err(DeskError::NoPsam { readers: vec![reader.name] });
                }
                vec![self.take(reader.name).map_err(in_slot)?]
            }
            (None, None) => self.psams_found()?,
        };
        Ok(self.psams.insert(found))
    }

    /// Those that are remembered; else every card that says that it is one.
    fn psams_found(&mut self) -> Result<Vec<Held>, DeskError> {
        // A reader that was named for the card is not asked whether it holds a PSAM.
        if let Some(wanted) = self.card {
            let reader = self.readers.choose(wanted)?.name;
            self.hold(&reader);
        }
        let others = self.readers.list()?;
        let others: Vec<&ReaderInfo> =
            others.iter().filter(|reader| reader.atr.is_some() && !self.taken.contains(&reader.name)).collect();
        let is_known = |reader: &&ReaderInfo| reader.atr.as_deref().is_some_and(|atr| self.known.book().knows(atr));
        let known: Vec<String> = others.iter().copied().filter(is_known).map(|reader| reader.name.clone()).collect();
        if !known.is_empty() && !self.asks_all {
            self.by_memory = true;
            return known.into_iter().map(|reader| self.take(reader).map_err(in_slot)).collect();
        }
        let card_is_here = self.taken.is_empty();
        let mut found: Vec<String> = Vec::new();
        let order = self.likeliest_psams_first(others.clone());
        for (asked, reader) in order.into_iter().enumerate() {
            // All but one are PSAMs: that one is the card.
            if card_is_here && asked > 0 && asked == found.len() && asked + 1 == others.len() {
                break;
            }
            if self.ask(reader) == Some(Kind::Psam) {
                found.push(reader.name.clone());
            }
        }
        found.into_iter().map(|reader| self.take(reader).map_err(in_slot)).collect()
    }
}

/// What a PSAM did not answer, told as the PSAM's and not as the holder's card's.
fn of_psam(error: SessionError) -> DeskError {
    SecurityError::Session(error).into()
}

fn in_slot(error: DeskError) -> DeskError {
    match error {
        DeskError::Session(error) => of_psam(error),
        other => other,
    }
}
