//! Card and PSAM that talk in one stream, told apart.
//!
//! Source: which commands a PSAM has: the published list of PSAM commands; which names and files: rows of the profiles.
//! Owns: who of the two an exchange is with. A log that names its readers has one of them in each.
//! Never: explains a byte (`tracker`).
//!
//! Environments of card and PSAM have one name: a SELECT of it is the card's until what follows is only a PSAM's.
#![warn(clippy::indexing_slicing)]

use super::kind::Kind;
use super::shelf::Shelf;
use super::tracker::{Randoms, Tracker};
use super::{Explained, Voice};
use crate::profile::{CardKind, Profile};

/// What is known of the card and of the PSAM in one stream.
#[derive(Clone, Debug, Default)]
pub(super) struct Voices {
    card: Tracker,
    psam: Option<Tracker>,
    /// Whether the last exchange was the PSAM's.
    on_psam: bool,
    /// Whether the card has said anything but answers to a SELECT that may have been the PSAM's.
    card_spoke: bool,
    /// The card before such a SELECT.
    before: Option<Box<Tracker>>,
}

/// Whose a command may be.
enum Whose {
    Card,
    Psam,
    /// Either's: the environments have this name.
    Open,
    /// That of the one who spoke last.
    Last,
}

impl Voices {
    /// Explains one exchange and follows what it selects.
    pub(super) fn exchange(
        &mut self,
        catalogue: &Shelf,
        fixed: bool,
        random: &mut Randoms,
        command: &[u8],
        answer: Option<&[u8]>,
    ) -> Explained {
        let mut took = false;
        match self.whose(catalogue, command) {
            Whose::Psam => took = self.turn_to_psam(),
            Whose::Card => {
                (self.on_psam, self.card_spoke, self.before) = (false, true, None);
            }
            Whose::Open => {
                self.on_psam = false;
                if self.before.is_none() {
                    self.before = Some(Box::new(self.card.clone()));
                }
            }
            Whose::Last => {}
        }
        let voice = self.psam.as_mut().filter(|_| self.on_psam).unwrap_or(&mut self.card);
        let explained = voice.exchange(catalogue, fixed, random, command, answer);
        // Only a PSAM has the file that was asked for.
        if !self.on_psam && self.card.profile(catalogue).kind == CardKind::Psam {
            took = self.turn_to_psam();
        }
        let voice = match (self.on_psam, &self.before) {
            (true, _) => Voice::Psam { took },
            (false, Some(_)) => Voice::Open,
            (false, None) => Voice::Card,
        };
        Explained { voice, ..explained }
    }

    /// What is known of the PSAM.
    pub(super) fn psam(&self) -> Option<Tracker> {
        self.psam.clone()
    }

    /// The PSAM beside another card is the one beside this.
    pub(super) fn set_psam(&mut self, psam: Tracker) {
        self.psam = Some(psam);
    }

    /// What follows is the PSAM's, and so was the SELECT that could be either's. Whether there was one.
    fn turn_to_psam(&mut self) -> bool {
        self.on_psam = true;
        let took = match self.before.take() {
            Some(before) => {
                self.psam = Some(std::mem::replace(&mut self.card, *before));
                true
            }
            None if self.psam.is_none() && !self.card_spoke => {
                self.psam = Some(std::mem::take(&mut self.card));
                true
            }
            None => false,
        };
        self.psam.get_or_insert_default();
        took
    }

    fn last(&self) -> &Tracker {
        self.psam.as_ref().filter(|_| self.on_psam).unwrap_or(&self.card)
    }

    fn whose(&self, catalogue: &[Profile], command: &[u8]) -> Whose {
        let Some(header) = command.first_chunk::<4>().copied() else { return Whose::Last };
        if self.last().awaits(command.len()) {
            return Whose::Last;
        }
        let kind = Kind::of(header, self.last().profile(catalogue), catalogue);
        if kind.is_of_psam() {
            return Whose::Psam;
        }
        match kind {
            Kind::GetResponse | Kind::Unknown => Whose::Last,
            Kind::Select if header[2] == 0x04 => whose_name(catalogue, command.get(5..).unwrap_or_default()),
            Kind::Select
            | Kind::ReadRecord
            | Kind::UpdateRecord
            | Kind::AppendRecord
            | Kind::ReadBinary
            | Kind::UpdateBinary => self.whose_file(catalogue, kind, header, command.get(5..7).unwrap_or_default()),
            // A PSAM does not ask for these where a card is beside it.
            _ if self.card_spoke || self.psam.is_none() || self.before.is_some() => Whose::Card,
            _ => Whose::Last,
        }
    }

    /// Whoever has the file; of two that do, the one who spoke last, unless it is selected there already.
    fn whose_file(&self, catalogue: &[Profile], kind: Kind, header: [u8; 4], fid: &[u8]) -> Whose {
        let Some(psam) = &self.psam else { return self.while_open(kind) };
        let has = |voice: &Tracker| match (kind, fid) {
            (Kind::Select, [high, low]) => voice.has_fid(catalogue, header, u16::from_be_bytes([*high, *low])),
            (Kind::Select, _) => true,
            _ => voice.has_file(catalogue, header, kind),
        };
        let is_there = kind == Kind::Select && psam.is_in(catalogue, fid);
        match (has(psam), has(&self.card) && (self.card_spoke || self.before.is_some())) {
            (true, true) if self.on_psam && !is_there => Whose::Last,
            (true, false) => Whose::Psam,
            (_, true) => self.while_open(kind),
            (false, false) => Whose::Last,
        }
    }

    /// The card's, or still nobody's while only SELECT follows a SELECT of an environment.
    fn while_open(&self, kind: Kind) -> Whose {
        match (&self.before, kind) {
            (Some(_), Kind::Select) => Whose::Open,
            // Which of them has the file is seen when it is looked for.
            (Some(_), Kind::ReadBinary) => Whose::Last,
            _ => Whose::Card,
        }
    }
}

/// Whose an application is, by its name.
fn whose_name(catalogue: &[Profile], data: &[u8]) -> Whose {
    let has = |kind: CardKind| {
        let mut directories = catalogue
            .iter()
            .filter(|profile| (profile.kind == CardKind::Psam) == (kind == CardKind::Psam))
            .flat_map(|profile| &profile.df);
        directories
            .any(|df| !df.df_name.is_empty() && data.starts_with(&df.df_name) && data.len() <= df.df_name.len() + 1)
    };
    match (has(CardKind::User), has(CardKind::Psam)) {
        (true, true) => Whose::Open,
        (false, true) => Whose::Psam,
        (_, false) => Whose::Card,
    }
}
