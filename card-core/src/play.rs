//! Carries out a script: steps of which each depends on the answers before it.
//!
//! Owns: the loop between a script and a card, the guard over tries, what a script is told of a step that did not happen.
//! Never: chooses a step; goes on after the card stopped answering.

use crate::apdu::Response;
use crate::crypto::Block;
use crate::script::{Step, StepError};
use crate::security::{KeyName, SecurityError, SecurityModule};
use crate::session::{Session, SessionError};
use crate::status::StatusWord;
use crate::tries::{Guard, Secret, TryRefused};

/// Who decides what comes next. A script ends whatever a card answers; that is its own promise.
pub trait Script {
    /// The next step; `None` when the script is at its end. Asked again without an answer between, it is the same.
    fn next_step(&mut self) -> Option<Step>;

    /// What the next step spends a try of, if it does.
    fn secret(&self) -> Option<Secret>;

    /// The card's answer to the next step.
    fn answer(&mut self, answer: &Response);

    /// The next step was not carried out.
    fn skip(&mut self, why: Skipped);
}

/// Why a step was not carried out, while the card still answers.
#[derive(Debug, thiserror::Error)]
pub enum Skipped {
    /// Too few tries are left to spend one unasked.
    #[error(transparent)]
    Withheld(TryRefused),
    /// It needs a key and there is no security module.
    #[error("{0} is needed and there is no security module")]
    NoModule(KeyName),
    /// The security module gave no cryptogram.
    #[error(transparent)]
    Module(SecurityError),
    /// The card gave no challenge.
    #[error("no challenge: {0}")]
    NoChallenge(StatusWord),
    /// The card's proof is wrong.
    #[error("the card does not hold {0}")]
    NotGenuine(KeyName),
}

impl Session {
    /// Carries out a script to its end.
    ///
    /// # Errors
    /// [`SessionError`] when the card stopped answering; the script keeps what it has.
    pub fn play(
        &mut self,
        script: &mut dyn Script,
        mut module: Option<&mut dyn SecurityModule>,
        guard: &mut Guard<'_>,
    ) -> Result<(), SessionError> {
        // A card whose ATR has no factor has no entry in the book: it answers for itself.
        let card: Option<Block> = self.card();
        while let Some(step) = script.next_step() {
            let guarded = card.zip(script.secret());
            let refused = guarded.as_ref().and_then(|(card, secret)| guard.before_try(*card, secret).err());
            if let Some(refused) = refused {
                script.skip(Skipped::Withheld(refused));
                continue;
            }
            match self.perform(&step, reborrow(&mut module)) {
                Ok(answer) => {
                    if let Some((card, secret)) = guarded {
                        guard.book.note(card, &secret, answer.sw);
                    }
                    script.answer(&answer);
                }
                Err(StepError::Session(error)) => return Err(error),
                Err(StepError::Challenge(sw)) => script.skip(Skipped::NoChallenge(sw)),
                Err(StepError::Security(error)) => script.skip(Skipped::Module(error)),
                Err(StepError::NotGenuine(key)) => script.skip(Skipped::NotGenuine(key)),
                Err(StepError::NoModule(key)) => script.skip(Skipped::NoModule(key)),
            }
        }
        Ok(())
    }
}

/// The module for one step: a loan that ends with it.
fn reborrow<'s>(module: &'s mut Option<&mut dyn SecurityModule>) -> Option<&'s mut dyn SecurityModule> {
    match module {
        Some(module) => Some(&mut **module),
        None => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command;
    use crate::transport::replay::Replay;
    use crate::tries::TriesBook;

    /// Sends the same wrong PIN again and again.
    #[derive(Default)]
    struct Stubborn {
        asked: usize,
        answers: Vec<StatusWord>,
        skipped: Vec<String>,
    }

    impl Script for Stubborn {
        fn next_step(&mut self) -> Option<Step> {
            (self.asked < 3).then(|| Step::Send(command::verify(&[0x66, 0x66, 0x66])))
        }

        fn secret(&self) -> Option<Secret> {
            Some(Secret::Pin)
        }

        fn answer(&mut self, answer: &Response) {
            self.asked += 1;
            self.answers.push(answer.sw);
        }

        fn skip(&mut self, why: Skipped) {
            self.asked += 1;
            self.skipped.push(why.to_string());
        }
    }

    fn play(trace: &str, book: &mut TriesBook, consent: bool) -> (Stubborn, Result<(), SessionError>, u64) {
        let mut session = Session::new(Box::new(Replay::parse(trace).expect("trace")));
        let mut script = Stubborn::default();
        let played = session.play(&mut script, None, &mut Guard { book, consent });
        (script, played, session.wire().exchanges)
    }

    #[test]
    fn the_last_try_is_withheld_and_the_script_is_told() {
        let trace = "= 3B6D000000813147318650430200000013\n> 0020000003666666\n< 63C2\n> 0020000003666666\n< 63C1";
        let mut book = TriesBook::default();
        let (script, played, exchanges) = play(trace, &mut book, false);
        assert!(played.is_ok());
        assert_eq!((script.answers.len(), script.skipped.len(), exchanges), (2, 1, 2));
        assert!(script.skipped.iter().all(|why| why.starts_with("PIN has 1 try left")), "{:?}", script.skipped);
        assert_eq!(book.to_text(), "8650430200000013 PIN 1\n");
        let more = "= 3B6D000000813147318650430200000013\n> 0020000003666666\n< 63C0\n> 0020000003666666\n< 6983\n\
                    > 0020000003666666\n< 6983";
        let (script, ..) = play(more, &mut book, true);
        assert_eq!(script.answers, [StatusWord(0x63C0), StatusWord::BLOCKED, StatusWord::BLOCKED]);
    }

    #[test]
    fn a_card_that_stops_answering_ends_the_script_there() {
        let trace = "= 3B6D000000813147318650430200000013\n> 0020000003666666\n< 63C2";
        let (script, played, _) = play(trace, &mut TriesBook::default(), false);
        assert!(played.is_err());
        assert_eq!(script.answers.len(), 1);
    }
}
