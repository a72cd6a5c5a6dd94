//! The C boundary: arguments out of memory, answers into it.
//!
//! Owns: how far a text is read, how much of a buffer is written.
//! Never: unwinds; dereferences null; writes more than the buffer that the settings tell of.
//! Units: bytes, the closing zero included in the size of a buffer.

use std::ffi::{c_char, c_int, c_long};
use std::sync::LazyLock;

use card_calls::calls::refused;
use card_calls::{Code, Failure, Function, Kind, Settings, Turn, Value, output};
use card_profiles::text::decode_text;
use zeroize::Zeroizing;

/// Most bytes of a text that are read, its closing zero included: a photo in hex has 8192.
pub const TEXT_BYTES_MAX: usize = 16_384;

/// The calls of this process, one after the other: a card has one owner.
static TURN: LazyLock<Turn> = LazyLock::new(Turn::default);

/// All callers of one process are one.
const CALLER: u64 = 0;

/// What C gives for a parameter.
#[derive(Clone, Copy, Debug)]
pub enum Given {
    /// A number.
    Number(c_int),
    /// A text.
    Text(*const c_char),
    /// A buffer.
    Out(*mut c_char),
}

/// Runs one call: arguments, turn, work, result into the caller's buffers.
///
/// # Safety
/// A text is null or ends with a zero byte within [`TEXT_BYTES_MAX`] or has as many readable bytes; a buffer is null or has as
/// many writable bytes as the settings say.
#[expect(unsafe_code, reason = "reads the caller's texts and writes to the caller's buffers")]
pub unsafe fn answer(name: &str, given: &[Given]) -> c_long {
    let outs: Vec<*mut c_char> = given
        .iter()
        .filter_map(|given| match given {
            Given::Out(out) => Some(*out),
            Given::Number(_) | Given::Text(_) => None,
        })
        .collect();
    if outs.iter().any(|out| out.is_null()) {
        return c_long::from(Code::ARGUMENT.0);
    }
    let settings = Settings::load(|name| std::env::var(name).ok());
    let answer = match Function::named(name) {
        None => refused(settings.as_ref().ok(), &Failure::Function(name.to_owned())),
        Some(function) => {
            // SAFETY: the caller's promise for texts.
            match unsafe { arguments(function, given) } {
                Ok(values) => TURN.call(CALLER, settings, function, &values),
                Err(failure) => refused(settings.as_ref().ok(), &failure),
            }
        }
    };
    for (at, out) in outs.into_iter().enumerate() {
        let bytes = output::gbk(answer.outputs.get(at).map_or("", String::as_str));
        // SAFETY: every output with its closing zero fits the size that the settings tell of, and `out` is not null.
        unsafe {
            std::ptr::copy_nonoverlapping(bytes.as_ptr().cast::<c_char>(), out, bytes.len());
            out.add(bytes.len()).write(0);
        }
    }
    answer.handed_over();
    c_long::from(answer.code.0)
}

/// # Safety
/// As [`answer`].
#[expect(unsafe_code, reason = "reads the caller's texts")]
unsafe fn arguments(function: &Function, given: &[Given]) -> Result<Vec<Value>, Failure> {
    let mut values = Vec::new();
    for (parameter, given) in function.parameters.iter().zip(given) {
        match given {
            Given::Number(number) => values.push(Value::Number(*number)),
            // SAFETY: the caller's promise.
            Given::Text(text) => values.push(unsafe { text_of(parameter.name, *text) }?),
            Given::Out(_) => {}
        }
        debug_assert_eq!(parameter.kind == Kind::Out, matches!(given, Given::Out(_)), "{}", function.name);
    }
    Ok(values)
}

/// # Safety
/// As [`answer`].
#[expect(unsafe_code, reason = "reads the caller's text")]
unsafe fn text_of(name: &'static str, text: *const c_char) -> Result<Value, Failure> {
    if text.is_null() {
        return Ok(Value::Absent);
    }
    let mut bytes = Zeroizing::new(Vec::new());
    for at in 0..TEXT_BYTES_MAX {
        // SAFETY: all bytes before were not zero, so this one is readable too, up to the most that is read.
        match unsafe { text.add(at).read() }.cast_unsigned() {
            0 => {
                let (text, malformed) = decode_text(&bytes);
                let text = Zeroizing::new(text);
                return if malformed { Err(Failure::Characters(name)) } else { Ok(Value::Text(text)) };
            }
            byte => bytes.push(byte),
        }
    }
    Err(Failure::Endless(name))
}
