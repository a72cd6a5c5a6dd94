//! Functions that hand the digits of a PIN to the caller, as drivers of readers with a keypad do.
//!
//! Source: headers of two vendors. The digits come from the program of the site that asks the holder (`entry`); only where it allows this.
//! Owns: which question each asks. Never: shows a PIN to anybody but the caller.

use std::time::Duration;

use crate::calls::Calls;
use crate::entry::{Prompt, ask};
use crate::failure::Failure;
use crate::function::Arguments;
use crate::settings::Settings;

type Outputs = Result<Vec<String>, Failure>;

/// `iPKBGetPIN`.
pub(crate) fn ask_pin(_: &mut Calls, settings: &Settings, _: &Arguments<'_>) -> Outputs {
    Ok(vec![ask(settings, Prompt::Verify)?.digits().to_string(), String::new()])
}

/// `iReaderGetPass`.
pub(crate) fn get_pass(_: &mut Calls, settings: &Settings, given: &Arguments<'_>) -> Outputs {
    let prompt = match given.number("audiocmd")? {
        1 => Prompt::Verify,
        2 => Prompt::Again,
        3 => Prompt::Old,
        4 => Prompt::New,
        _ => return Err(Failure::Argument { name: "audiocmd", expected: "1 to 4" }),
    };
    typed(settings, prompt, given.number("ctimeout")?)
}

/// `ICC_Reader_GetPass`, `SD_GetInputPass`.
pub(crate) fn get_input(_: &mut Calls, settings: &Settings, given: &Arguments<'_>) -> Outputs {
    typed(settings, Prompt::Verify, given.number("ctime")?)
}

/// Length and digits; 0 seconds are those of the settings.
fn typed(settings: &Settings, prompt: Prompt, seconds: i32) -> Outputs {
    let pin_within = match u64::try_from(seconds) {
        Ok(seconds @ 1..) => Duration::from_secs(seconds),
        Ok(0) | Err(_) => settings.pin_within,
    };
    let digits = ask(&Settings { pin_within, ..settings.clone() }, prompt)?.digits();
    Ok(vec![digits.len().to_string(), digits.to_string()])
}
