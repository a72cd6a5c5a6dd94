//! Functions of deployed drivers whose text nobody has published: they exist, so that programs which name them start, and answer -13.
//!
//! Source: names and parameters of `iComm…` from one header; of `iWriteCA…` the names alone, so that no parameter of them is touched.
//! Owns: why each is not supported. Never: guesses a protocol or the place of a buffer.

use card_counter::language::Words;

use crate::calls::Calls;
use crate::failure::Failure;
use crate::function::Arguments;
use crate::settings::Settings;

/// `iComm…`: an HSM behind a web service.
pub(crate) fn web_service(_: &mut Calls, _: &Settings, _: &Arguments<'_>) -> Result<Vec<String>, Failure> {
    Err(Failure::Unsupported {
        why: Words::new(
            "该网络服务的接口未公布;请用 …_HSM_Step1/Step2 自行访问加密机",
            "the web service's interface is not published; reach the HSM yourself between …_HSM_Step1 and Step2",
        ),
    })
}

/// `iWriteCA…`.
pub(crate) fn certificate(_: &mut Calls, _: &Settings, _: &Arguments<'_>) -> Result<Vec<String>, Failure> {
    Err(Failure::Unsupported {
        why: Words::new(
            "该函数的参数未公布;请用 sscard cert 写证书",
            "its parameters are not published; sscard cert puts certificates on cards",
        ),
    })
}
