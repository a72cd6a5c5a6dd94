//! Carrying a plan out on the card in a reader, step by step, each judged before the next.
//!
//! Owns: what the answer to a step means for the card. Never: retries a step, knows what the plan is for.

use card_core::script::{Step, StepError};
use card_core::security::{SecurityError, SecurityModule};
use card_core::session::SessionError;
use card_core::transport::TransportError;
use card_core::{Response, Session};
use card_profiles::Profile;
use card_profiles::plan::{ControlKeyState, Plan, PlannedStep, Target};

use super::failure::StationError;
use super::line_failure::LineError;
use crate::store::StoreError;

/// A session and the keys for it.
pub(crate) struct Writer<'a> {
    pub(crate) session: &'a mut Session,
    pub(crate) keys: Box<dyn SecurityModule>,
}

/// Why a plan was not carried out to its end.
pub(crate) enum Broken {
    /// The card failed or refused; a code says how.
    Bad(String),
    /// Card or reader did not answer; the card's state is unknown.
    Lost(TransportError),
    /// Not the card's fault.
    Station(StationError),
}

impl Writer<'_> {
    /// Carries out a plan; `done` is called after each step with its number and its answer. How many steps there were.
    pub(crate) fn carry_out(
        &mut self,
        plan: &Plan,
        mut done: impl FnMut(&PlannedStep, usize, &Response) -> Result<(), StationError>,
    ) -> Result<usize, Broken> {
        for (step, number) in plan.steps.iter().zip(1..) {
            let answer = self.perform(step)?;
            step.judge(&answer).map_err(|mismatch| Broken::Bad(format!("{} {mismatch}", mismatch.code())))?;
            done(step, number, &answer)?;
        }
        Ok(plan.steps.len())
    }

    /// Asks an interrupted card which directories have their production keys, and notes it in `target`. Directories known
    /// to have them are not asked. They are keyed in the profile's order, so that the first one without ends the search.
    pub(crate) fn find_control_keys(
        &mut self,
        profile: &Profile,
        target: &mut Target,
        mut found: impl FnMut(&str) -> Result<(), StationError>,
    ) -> Result<(), Broken> {
        for df in &profile.df {
            if target.control.of(&df.id) == ControlKeyState::Production {
                continue;
            }
            let probe = Plan::probe(profile, &df.id, target).map_err(StationError::from)?;
            let mut answer = None;
            for step in &probe.steps {
                answer = Some(self.perform(step)?);
            }
            match answer.as_ref().and_then(ControlKeyState::of_probe) {
                Some(ControlKeyState::Production) => {
                    found(&df.id)?;
                    target.control.set(&df.id, ControlKeyState::Production);
                }
                Some(ControlKeyState::Transport) => break,
                None => return Err(Broken::Bad(refused(answer.as_ref()))),
            }
        }
        Ok(())
    }

    fn perform(&mut self, step: &PlannedStep) -> Result<Response, Broken> {
        self.send(&step.step)
    }

    /// Carries out one step.
    pub(crate) fn send(&mut self, step: &Step) -> Result<Response, Broken> {
        self.session.perform(step, Some(&mut *self.keys)).map_err(|error| match error {
            StepError::Session(error) => error.into(),
            StepError::Challenge(sw) => Broken::Bad(format!("CARD_REFUSED {sw}")),
            // A module at the other end of a line tells by this why the line did not serve.
            StepError::Security(SecurityError::Gone(cause)) => match cause.downcast::<LineError>() {
                Ok(error) => Broken::Station((*error).into()),
                Err(cause) => Broken::Station(SecurityError::Gone(cause).into()),
            },
            StepError::Security(error) => Broken::Station(error.into()),
            StepError::NotGenuine(key) => Broken::Bad(format!("CARD_NOT_GENUINE {key}")),
            StepError::NoModule(_) => unreachable!("the vault's keys are passed above"),
        })
    }
}

/// The code of a refusal.
pub(crate) fn refused(answer: Option<&Response>) -> String {
    answer.map_or_else(|| "CARD_REFUSED".to_owned(), |answer| format!("CARD_REFUSED {}", answer.sw))
}

/// A card that talks nonsense is bad; one that is silent may only have been pulled.
impl From<SessionError> for Broken {
    fn from(error: SessionError) -> Self {
        match error {
            SessionError::Transport(error) => Self::Lost(error),
            SessionError::NoStatusWord(..)
            | SessionError::TooLong(..)
            | SessionError::WrongForm(..)
            | SessionError::EndlessAnswer(..)
            | SessionError::Atr(_) => Self::Bad("CARD_NONSENSE".to_owned()),
        }
    }
}

impl From<StoreError> for Broken {
    fn from(error: StoreError) -> Self {
        Self::Station(error.into())
    }
}

impl From<StationError> for Broken {
    fn from(error: StationError) -> Self {
        Self::Station(error)
    }
}
