//! The C boundary: arguments out of memory, answers into it.
//!
//! Owns: how far a text is read, how much of a buffer is written.
//! Never: unwinds; dereferences null; writes more than the buffer that the settings tell of.
//! Units: bytes, the closing zero included in the size of a buffer.

use std::ffi::{c_char, c_int, c_long, c_short, c_uchar};
use std::sync::LazyLock;

use card_calls::calls::refused;
use card_calls::{Code, Failure, Function, Settings, Turn, Value, output};
use card_profiles::text::decode_text;
use zeroize::Zeroizing;

/// Most bytes of a text that are read, its closing zero included: a photo in hex has 8192.
pub const TEXT_BYTES_MAX: usize = 16_384;

/// Most bytes of a command: a header, 255 bytes of data with their length, Le.
pub const COMMAND_BYTES_MAX: usize = 261;

/// Functions to which a deployed header gives other parameters (README.md): a caller of that form is answered -14, and nothing that it
/// gave is read or written, wherever its first argument shows it: no iType, or no address of a text.
pub const OTHER_FORMS: [&str; 11] = [
    "iGetCardType",
    "iCheckCard",
    "iPKBVerifyPIN",
    "iPKBChangePIN",
    "iReadICCardNum",
    "iReadIdentityCard",
    "iReadCardBas_HSM_Step1To2",
    "iReadCard_HSM_Step1To2",
    "iWriteCard_HSM_Step1To2",
    "iReloadPIN_HSM_Step1To2",
    "iUnblockPIN_HSM_Step1To2",
];

/// Below it no text lies: the first page of no process is mapped.
pub const ADDRESS_MIN: usize = 4096;

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
    /// A buffer for a text.
    Out(*mut c_char),
    /// Bytes, as many as the number before says.
    Bytes(*const c_uchar),
    /// A buffer for bytes, as many as the return value says.
    OutBytes(*mut c_uchar),
    /// A place for one byte.
    OutByte(*mut c_uchar),
    /// A place for two bytes.
    OutShort(*mut c_short),
}

impl Given {
    const fn is_out(&self) -> bool {
        matches!(self, Self::Out(_) | Self::OutBytes(_) | Self::OutByte(_) | Self::OutShort(_))
    }

    /// Whether a first argument shows that its caller has another header.
    fn is_of_other_form(&self) -> bool {
        match self {
            Self::Number(number) => !(1..=4).contains(number),
            Self::Text(text) => !text.is_null() && text.addr() < ADDRESS_MIN,
            _ => false,
        }
    }

    const fn is_null(&self) -> bool {
        match self {
            Self::Number(_) => false,
            Self::Text(text) => text.is_null(),
            Self::Out(out) => out.is_null(),
            Self::Bytes(bytes) => bytes.is_null(),
            Self::OutBytes(out) | Self::OutByte(out) => out.is_null(),
            Self::OutShort(out) => out.is_null(),
        }
    }
}

/// Runs one call: arguments, turn, work, result into the caller's buffers.
///
/// # Safety
/// A text is null or ends with a zero byte within [`TEXT_BYTES_MAX`] or has as many readable bytes; bytes are null or as many as the
/// number before says; a buffer is null or has as many writable bytes as the settings say, one for bytes 258.
#[expect(unsafe_code, reason = "reads the caller's texts and writes to the caller's buffers")]
pub unsafe fn answer(name: &str, given: &[Given]) -> c_long {
    if OTHER_FORMS.contains(&name) && given.first().is_some_and(Given::is_of_other_form) {
        return c_long::from(Code::ARGUMENT.0);
    }
    let outs: Vec<&Given> = given.iter().filter(|given| given.is_out()).collect();
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
        // SAFETY: every output with its closing zero fits the size that the settings tell of, and `out` is not null.
        unsafe { write(out, answer.outputs.get(at).map_or("", String::as_str)) };
    }
    answer.handed_over();
    c_long::from(answer.code.0)
}

/// What the answer says for a buffer or place, as C has it. Nothing is written of bytes or numbers where a fault has none.
///
/// # Safety
/// `out` is not null and takes a text of this length with its zero, the bytes, or the number.
#[expect(unsafe_code, reason = "writes to the caller's buffers")]
unsafe fn write(out: &Given, text: &str) {
    match out {
        Given::Out(out) => {
            let bytes = output::gbk(text);
            // SAFETY: the caller's promise.
            unsafe {
                std::ptr::copy_nonoverlapping(bytes.as_ptr().cast::<c_char>(), *out, bytes.len());
                out.add(bytes.len()).write(0);
            }
        }
        Given::OutBytes(out) => {
            let bytes = hex::decode(text).unwrap_or_default();
            // SAFETY: the caller's promise; an answer of a card has 258 bytes at most.
            unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), *out, bytes.len()) };
        }
        // SAFETY: the caller's promise.
        Given::OutByte(out) => unsafe { out.write(text.parse().unwrap_or_default()) },
        Given::OutShort(out) => {
            let number: u16 = text.parse().unwrap_or_default();
            // SAFETY: the caller's promise.
            unsafe { out.write(number.cast_signed()) };
        }
        Given::Number(_) | Given::Text(_) | Given::Bytes(_) => {}
    }
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
            Given::Bytes(bytes) => {
                let count = match values.last() {
                    Some(Value::Number(count)) => usize::try_from(*count).ok(),
                    _ => None,
                };
                let count = count.filter(|count| (1..=COMMAND_BYTES_MAX).contains(count) && !bytes.is_null());
                let wrong = Failure::Argument { name: parameter.name, expected: "1 to 261 bytes" };
                // SAFETY: the caller's promise.
                let read = unsafe { std::slice::from_raw_parts(*bytes, count.ok_or(wrong)?) };
                values.push(Value::Text(Zeroizing::new(hex::encode(read))));
            }
            Given::Out(_) | Given::OutBytes(_) | Given::OutByte(_) | Given::OutShort(_) => {}
        }
        debug_assert_eq!(parameter.kind.is_out(), given.is_out(), "{}", function.name);
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
