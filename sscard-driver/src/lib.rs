//! `libsscarddriver.so`: the C functions that programs of hospitals and pharmacies call.
//!
//! Source: the driver interface that five programs share (`iReadCardBas` …): `long`, 0 done, negative fault, `pOutInfo` in GBK.
//! Owns: the C boundary: pointers, unwinding, one call at a time. Never: unwinds into C, writes past the caller's buffer,
//! writes through a null pointer, keeps a card after the call.

pub mod basic;
pub mod code;
pub mod failure;
pub mod output;
pub mod settings;

use std::ffi::{c_char, c_int, c_long};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, PoisonError};

use card_core::transport::pcsc::Interface;

use crate::code::{Code, Language};
use crate::failure::Failure;
use crate::settings::Settings;

/// One card operation at a time in a process: a card has one owner.
static TURN: Mutex<()> = Mutex::new(());

/// Reads the eleven basic fields (读基本信息) of the social security card.
///
/// `iType`: 1 contact, 2 contactless, 3 either with contact first, 4 either with contactless first.
/// `pOutInfo`: the caller's buffer, 1024 bytes unless `SSCARD_OUT_BYTES` says more; receives GBK text ended by a zero byte:
/// `发卡地区行政区划|社会保障号码|卡号|卡识别码|姓名|卡复位信息|规范版本|发卡日期|卡有效期|终端机编号|终端设备号|`.
/// Returns 0, or a negative code with the message in `pOutInfo`; a refusal by the card is the negative status word.
///
/// # Safety
/// `pOutInfo` is null or points to a buffer of that many bytes that nothing else uses during the call.
#[expect(unsafe_code, reason = "a C interface: the name is not mangled, the buffer is a raw pointer")]
#[expect(non_snake_case, reason = "names of the published interface")]
#[unsafe(no_mangle)]
pub unsafe extern "system" fn iReadCardBas(iType: c_int, pOutInfo: *mut c_char) -> c_long {
    // SAFETY: the caller's promise is ours to `answer`.
    unsafe {
        answer(pOutInfo, |settings| {
            let interface = Interface::of_type(iType).ok_or(Failure::CardInterface(iType))?;
            basic::read(interface, settings)
        })
    }
}

/// Runs one call: settings, turn, work, result into the caller's buffer.
///
/// # Safety
/// `out` is null or points to as many writable bytes as the settings say.
#[expect(unsafe_code, reason = "writes to the caller's buffer")]
unsafe fn answer(out: *mut c_char, work: impl FnOnce(&Settings) -> Result<String, Failure>) -> c_long {
    if out.is_null() {
        return c_long::from(Code::ARGUMENT.0);
    }
    let (code, bytes) = outcome(work);
    // SAFETY: `outcome` keeps `bytes` and the closing zero within the size of the caller's buffer, and `out` is not null.
    unsafe {
        std::ptr::copy_nonoverlapping(bytes.as_ptr().cast::<c_char>(), out, bytes.len());
        out.add(bytes.len()).write(0);
    }
    c_long::from(code.0)
}

/// The return value and the text for the caller, which with its closing zero fits the buffer. Never unwinds.
fn outcome(work: impl FnOnce(&Settings) -> Result<String, Failure>) -> (Code, Vec<u8>) {
    let settings = Settings::load(|name| std::env::var(name).ok());
    let (room, language) =
        settings.as_ref().map_or((output::OUT_BYTES_DEFAULT, Language::default()), |s| (s.out_bytes, s.language));
    let result = catch_unwind(AssertUnwindSafe(|| {
        // A call that panicked left no state behind, so the next one may go on.
        let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        let bytes = output::gbk(&work(&settings?)?);
        if bytes.len() < room { Ok(bytes) } else { Err(Failure::OutputTooLong { needed: bytes.len() + 1, room }) }
    }));
    match result.unwrap_or(Err(Failure::Panicked)) {
        Ok(bytes) => (Code::OK, bytes),
        Err(failure) => {
            let message = output::gbk(&failure.message(language));
            (failure.code(), output::cut(&message, room - 1).to_vec())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_a_code_and_the_next_call_works() {
        let (code, message) = outcome(|_| panic!("a broken invariant"));
        assert_eq!(code, Code::UNKNOWN);
        assert!(!message.is_empty());
        assert_eq!(outcome(|_| Ok("a|".to_owned())), (Code::OK, b"a|".to_vec()));
    }

    #[test]
    fn output_that_does_not_fit_with_its_zero_is_refused() {
        assert_eq!(outcome(|_| Ok("x".repeat(1023))).0, Code::OK);
        let (code, message) = outcome(|_| Ok("x".repeat(1024)));
        assert_eq!(code, Code::DATA_LENGTH);
        assert!(message.len() < 1024);
    }

    #[test]
    #[expect(unsafe_code, reason = "calls the C function as C does")]
    fn bytes_after_the_closing_zero_stay_as_they_were() {
        let mut buffer = [0x5A_u8; 1024];
        // SAFETY: the buffer has 1024 bytes and nobody else uses it.
        let code = unsafe { iReadCardBas(9, buffer.as_mut_ptr().cast()) };
        assert_eq!(code, -14);
        let end = buffer.iter().position(|byte| *byte == 0).expect("a closing zero");
        assert!(buffer.iter().skip(end + 1).all(|byte| *byte == 0x5A));
        // SAFETY: a null pointer is allowed.
        assert_eq!(unsafe { iReadCardBas(1, std::ptr::null_mut()) }, -14);
    }
}
