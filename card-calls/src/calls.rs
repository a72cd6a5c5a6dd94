//! One call after the other: arguments in, code and texts out.
//!
//! Owns: what this process remembers of cards and PSAMs, the card that is kept between two calls and how long.
//! Never: unwinds; answers more than a buffer holds; keeps a card past its time.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::time::Instant;

use card_counter::TerminalError;
use card_counter::journal::EntryNumber;
use card_counter::store::Store;
use card_profiles::account::Amounts;
use card_profiles::memory::CardMemory;
use card_profiles::psams::PsamMemory;
use settlement::id::CardIdentifier;

use crate::code::{Code, Language};
use crate::debit::Begun;
use crate::desk::Powered;
use crate::failure::Failure;
use crate::function::{Answers, Arguments, Function, Value};
use crate::output;
use crate::refused::RefusedPins;
use crate::settings::{SettingError, Settings};
use crate::visit::Held;

/// What a call answers.
#[derive(Clone, PartialEq, Eq)]
pub struct Answer {
    /// Return value.
    pub code: Code,
    /// One text for each buffer; a fault has its message in the first, or the output of the earlier purchase that it is about.
    pub outputs: Vec<String>,
    /// Purchases that it tells of, if any.
    pub told: Option<Told>,
}

/// Purchases that an answer tells of. Until the caller has it they are marked as untold, and the next call of the card answers -3006.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    folder: PathBuf,
    entries: Vec<EntryNumber>,
}

impl Answer {
    /// The caller has the answer: nobody else needs to be told. A mark that stays is said once more.
    pub fn handed_over(&self) {
        let Some(told) = &self.told else { return };
        if let Ok(Some(mut store)) = Store::open_if_there(&told.folder) {
            for number in &told.entries {
                let _ = store.word_given(*number);
            }
        }
    }
}

/// Outputs are personal: only their lengths are shown.
impl std::fmt::Debug for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let lengths: Vec<usize> = self.outputs.iter().map(String::len).collect();
        f.debug_struct("Answer").field("code", &self.code).field("lengths", &lengths).finish()
    }
}

/// The calls of one process.
#[derive(Debug, Default)]
pub struct Calls {
    pub(crate) cards: CardMemory,
    pub(crate) psams: PsamMemory,
    pub(crate) held: Option<Held>,
    /// Cards that the caller's own commands go to.
    pub(crate) powered: Powered,
    /// PINs that cards refused.
    pub(crate) refused: RefusedPins,
    /// Purchases that the answer of this call tells of.
    pub(crate) told: Vec<EntryNumber>,
}

impl Calls {
    /// Carries out a call. Never unwinds: what panics is a fault of ours, and a card that was held is let go.
    pub fn call(
        &mut self,
        settings: Result<Settings, SettingError>,
        function: &'static Function,
        values: &[Value],
    ) -> Answer {
        let (room, language) = room(settings.as_ref().ok());
        let folder = settings.as_ref().ok().and_then(|settings| settings.data.clone());
        self.told.clear();
        let done = catch_unwind(AssertUnwindSafe(|| self.carry_out(settings, function, values, room)));
        let done = done.unwrap_or_else(|_| {
            self.held = None;
            Err(Failure::Panicked)
        });
        // An error of another kind tells of no purchase.
        let tells = done.as_ref().err().is_none_or(|failure| failure.receipt().is_some());
        let entries = std::mem::take(&mut self.told);
        let told = folder.filter(|_| tells && !entries.is_empty()).map(|folder| Told { folder, entries });
        Answer { told, ..answer(done, function, room, language) }
    }

    fn carry_out(
        &mut self,
        settings: Result<Settings, SettingError>,
        function: &'static Function,
        values: &[Value],
        room: usize,
    ) -> Result<(Code, Vec<String>), Failure> {
        let settings = settings?;
        if let Some(setting) = function.lacks(&settings) {
            return Err(Failure::NotAllowed { setting });
        }
        let mut outputs = (function.run)(self, &settings, &Arguments::new(function, values))?;
        let code = match function.answers {
            Answers::Done => Code::OK,
            Answers::Number => returned(&mut outputs)?,
        };
        let longest = outputs.iter().map(|text| output::gbk(text).len() + 1).max().unwrap_or_default();
        if longest > room { Err(Failure::OutputTooLong { needed: longest, room }) } else { Ok((code, outputs)) }
    }

    /// Until when the card that is held may be; `None` when none is.
    #[must_use]
    pub fn held_until(&self) -> Option<Instant> {
        self.held.as_ref().map(|held| held.until)
    }

    /// The card that is kept, and the amounts of the purchase that was begun with it.
    pub(crate) fn kept(&self) -> Option<(CardIdentifier, Option<Amounts>)> {
        let amounts = |held: &Held| held.debit.as_ref().map(|begun| begun.offer().amounts);
        self.held.as_ref().map(|held| (held.tapped.identifier, amounts(held)))
    }

    /// Lets all cards go; a purchase of which the card was not sent DEBIT ends as abandoned.
    pub(crate) fn drop_held(&mut self) {
        self.powered.let_go();
        self.release();
    }

    /// Lets the card of a function go, and none that the caller's own commands go to.
    pub(crate) fn release(&mut self) {
        if let Some(mut held) = self.held.take() {
            // A journal that cannot say so now says so at its next opening.
            let _ = held.debit.take().map(Begun::abandon);
        }
    }
}

/// An answer that no call gave: an unknown function, an argument that could not be read.
#[must_use]
pub fn refused(settings: Option<&Settings>, failure: &Failure) -> Answer {
    let (room, language) = room(settings);
    Answer { code: failure.code(), outputs: vec![fitting(&failure.message(language), room)], told: None }
}

fn room(settings: Option<&Settings>) -> (usize, Language) {
    settings.map_or((output::OUT_BYTES_DEFAULT, Language::default()), |s| (s.out_bytes, s.language))
}

/// The return value that stands before the texts.
fn returned(outputs: &mut Vec<String>) -> Result<Code, Failure> {
    let number = (!outputs.is_empty()).then(|| outputs.remove(0)).and_then(|text| text.parse().ok());
    number.map(Code).ok_or_else(|| TerminalError::Bug("a function of a number answers one").into())
}

fn answer(done: Result<(Code, Vec<String>), Failure>, function: &Function, room: usize, language: Language) -> Answer {
    match done {
        Ok((code, outputs)) => Answer { code, outputs, told: None },
        Err(failure) => {
            let text = failure.receipt().map_or_else(|| failure.message(language), str::to_owned);
            let at = function.message_at();
            let mut outputs = vec![String::new(); function.outputs().max(at + 1)];
            if let Some(place) = outputs.get_mut(at) {
                *place = fitting(&text, room);
            }
            Answer { code: failure.code(), outputs, told: None }
        }
    }
}

/// A message that with its closing zero fits the buffer.
fn fitting(message: &str, room: usize) -> String {
    if output::gbk(message).len() < room {
        return message.to_owned();
    }
    let mut kept = 0;
    let mut bytes = 0;
    for character in message.chars() {
        bytes += output::gbk(character.encode_utf8(&mut [0; 4])).len();
        if bytes + 1 > room {
            break;
        }
        kept += character.len_utf8();
    }
    message.get(..kept).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::function::{Kind, Needs, Parameter, Run};

    const OUT: &[Parameter] = &[Parameter { name: "pOutInfo", kind: Kind::Out }];

    const fn own(name: &'static str, run: Run) -> Function {
        Function { name, parameters: OUT, purpose: "", needs: Needs::Nothing, answers: Answers::Done, run }
    }

    fn call(function: &'static Function) -> Answer {
        Calls::default().call(Ok(Settings::default()), function, &[])
    }

    #[test]
    fn a_panic_becomes_a_code_and_the_next_call_works() {
        static PANICS: Function = own("p", |_, _, _| panic!("a broken invariant"));
        static WORKS: Function = own("w", |_, _, _| Ok(vec!["a|".into()]));
        let mut calls = Calls::default();
        let answer = calls.call(Ok(Settings::default()), &PANICS, &[]);
        assert_eq!(answer.code, Code::UNKNOWN);
        assert!(answer.outputs.iter().all(|text| !text.is_empty()));
        assert_eq!(calls.call(Ok(Settings::default()), &WORKS, &[]).outputs, ["a|"]);
    }

    #[test]
    fn output_that_does_not_fit_with_its_zero_is_refused() {
        static FITS: Function = own("f", |_, _, _| Ok(vec!["x".repeat(1023)]));
        static LONG: Function = own("l", |_, _, _| Ok(vec!["张".repeat(512)]));
        assert_eq!(call(&FITS).code, Code::OK);
        let answer = call(&LONG);
        assert_eq!(answer.code, Code::DATA_LENGTH);
        assert!(answer.outputs.iter().all(|text| text.len() < 1024));
    }

    #[test]
    fn a_message_is_cut_at_a_character() {
        assert_eq!(fitting("a张三", 4), "a张");
        assert_eq!(fitting("a张三", 1), "");
    }
}
