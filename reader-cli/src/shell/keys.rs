//! What a shell may prove to its card: the PSAM of the card's algorithm, once it has the card's keys, and the tries left.
//!
//! Source: as `card_desk::proof`: the card proves its IRK, which has no counter of tries, before a key of the PSAM is tried.
//! Owns: that comparison, the book of tries, what the card refused. Never: forgets a refusal because the card was reset or the
//! shell begun anew; tries a key of one algorithm on a card of another.

use card_core::play::Script;
use card_core::security::psam::Psam;
use card_core::security::{KeyName, SecurityModule};
use card_core::session::SessionError;
use card_core::tries::{Guard, Secret, TriesLeft};
use card_core::{Session, StatusWord};
use card_counter::error::{Otherwise, ProfileDiffers, TerminalError};
use card_counter::tap::KEY_VERSION;
use card_desk::{Desk, proof};
use card_profiles::memory::CardMemory;
use card_profiles::profile::KeyClass;
use card_profiles::psams::Served;
use card_profiles::recognition::RulesNotPublic;

use super::{Recognised, Shell};

/// Directory of the environment, where a card has its IRK.
const SSSE: &str = "SSSE";

/// The secrets at hand.
pub struct Keys<'d> {
    desk: Desk<'d>,
    psam: Option<Psam>,
    fits: Fits,
    memory: CardMemory,
    refused: Option<KeyName>,
}

/// Whether the PSAM has the card's keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fits {
    NotCompared,
    /// Or one of both has nothing to compare.
    Yes,
    No,
}

impl<'d> Keys<'d> {
    /// Nothing is looked for yet.
    #[must_use]
    pub const fn new(desk: Desk<'d>, memory: CardMemory) -> Self {
        Self { desk, psam: None, fits: Fits::NotCompared, memory, refused: None }
    }

    /// Whether a PSAM is in hand.
    #[must_use]
    pub const fn has_psam(&self) -> bool {
        self.psam.is_some()
    }

    /// A key of the PSAM that the card refused: the others are not tried unasked.
    #[must_use]
    pub const fn refused(&self) -> Option<&KeyName> {
        self.refused.as_ref()
    }

    /// Whether keys of a PSAM may be tried on this card: one of the card's algorithm is there, and has its IRK, or one of both
    /// has none to compare. Spends no try; the environment is perhaps selected afterwards.
    ///
    /// # Errors
    /// [`TerminalError::AlgorithmNotPublic`]; [`TerminalError::ProfileDiffers`] when the profile's algorithm is not the card's;
    /// [`TerminalError::PsamWrong`]; those of the search for a PSAM; that the card does not answer.
    pub fn fit(&mut self, shell: &mut Shell) -> Result<bool, TerminalError> {
        let Some(card) = shell.recognised.clone() else { return Ok(false) };
        let algorithm = card.recognition.algorithm(&shell.profile);
        let algorithm = algorithm.map_err(|RulesNotPublic| TerminalError::AlgorithmNotPublic)?;
        if algorithm != shell.profile.algorithm {
            return Err(ProfileDiffers {
                profile: shell.profile.name.clone(),
                otherwise: Otherwise::Algorithm(Some(card.recognition.algorithm)),
                fitting: vec![card.recognition.profile_name().to_owned()],
            }
            .into());
        }
        if self.psam.is_none() {
            self.psam = self.desk.psam(&shell.profile)?;
        }
        let Some(psam) = &self.psam else { return Ok(false) };
        if self.fits == Fits::NotCompared && !proof::is_believed(psam, self.desk.known(), served(shell, &card))? {
            self.compare(shell, &card)?;
        }
        match self.fits {
            Fits::No => Err(TerminalError::PsamWrong { city: card.recognition.city }),
            Fits::NotCompared | Fits::Yes => Ok(true),
        }
    }

    fn compare(&mut self, shell: &mut Shell, card: &Recognised) -> Result<(), TerminalError> {
        let Some(psam) = &mut self.psam else { return Ok(()) };
        shell.select_environment()?;
        let factors = shell.factors();
        let irk = shell.profile.key_of_class(SSSE, KeyClass::Irk).zip(factors);
        let irk = irk.map(|(row, factors)| shell.profile.key_of_card(row, KEY_VERSION, &factors));
        let cards = served(shell, card);
        self.fits = match proof::compare(&mut shell.session, irk, psam, self.desk.known(), cards)? {
            Some(false) => Fits::No,
            Some(true) | None => Fits::Yes,
        };
        Ok(())
    }

    /// Carries out a script, its tries guarded; keys of the PSAM are at hand when they [fit](Self::fit).
    ///
    /// # Errors
    /// [`SessionError`] when the card stopped answering.
    pub fn play(&mut self, session: &mut Session, script: &mut dyn Script, consent: bool) -> Result<(), SessionError> {
        let psam = self.psam.as_mut().filter(|_| self.fits != Fits::No);
        let module = psam.map(|psam| -> &mut dyn SecurityModule { psam });
        let played = session.play(script, module, &mut Guard { book: &mut self.memory.tries, consent });
        self.keep(session);
        played
    }

    /// The PSAM, once it [fits](Self::fit).
    pub fn module(&mut self) -> Option<&mut dyn SecurityModule> {
        self.psam.as_mut().map(|psam| -> &mut dyn SecurityModule { psam })
    }

    /// What is known of a secret before a try.
    ///
    /// # Errors
    /// [`TerminalError::LastTry`], when the card refused it before, or one try is left, and nobody consents.
    pub fn before_try(
        &mut self,
        session: &Session,
        secret: &Secret,
        consent: bool,
    ) -> Result<TriesLeft, TerminalError> {
        let Some(card) = session.card() else { return Ok(TriesLeft::Unknown) };
        let guard = Guard { book: &mut self.memory.tries, consent };
        guard
            .before_try(card, secret)
            .map_err(|refused| TerminalError::LastTry { secret: refused.secret.to_string(), left: refused.left })
    }

    /// What is known of the tries of a secret.
    #[must_use]
    pub fn tries_left(&self, session: &Session, secret: &Secret) -> TriesLeft {
        session.card().map_or(TriesLeft::Unknown, |card| self.memory.tries.left(card, secret))
    }

    /// Takes what the card said to a try, and keeps it.
    pub fn note(&mut self, session: &Session, secret: &Secret, sw: StatusWord) {
        let Some(card) = session.card() else { return };
        self.memory.tries.note(card, secret, sw);
        self.keep(session);
    }

    fn keep(&mut self, session: &Session) {
        // Whether this can be written must not hide what the card said.
        let _ = session.card().map(|card| self.memory.keep_tries(card));
    }

    /// A key of the PSAM proved itself: it is trusted again.
    pub fn accept(&mut self) {
        self.refused = None;
    }

    /// The card refused a key of the PSAM: perhaps it was wrongly believed to have the card's keys.
    pub fn refuse(&mut self, shell: &mut Shell, key: KeyName) {
        self.refused = Some(key);
        let (Some(card), Some(psam)) = (shell.recognised.clone(), &self.psam) else { return };
        proof::doubt(psam, self.desk.known(), served(shell, &card));
        // The refusal itself is told; a card that does not answer any more says so to the next command.
        let _ = self.compare(shell, &card);
    }
}

/// Cards that have the keys of this one, diversified.
const fn served(shell: &Shell, card: &Recognised) -> Served {
    Served { city: card.recognition.city, algorithm: shell.profile.algorithm, version: KEY_VERSION }
}

/// Secrets and conversations are not in `Debug`.
impl std::fmt::Debug for Keys<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Keys").field("fits", &self.fits).field("refused", &self.refused).finish_non_exhaustive()
    }
}
