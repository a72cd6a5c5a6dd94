//! The functions of the conventional driver interface: one table for the C library, its header, the server, the bridge and recordings.
//!
//! Source: driver interface that five programs share; names marked "vendor" are seen in fewer, their parameters in part assumed.
//! Owns: names, parameters and their order, what carries each out. Never: pointers (`sscard-driver`), JSON (`reader-cli`).

use crate::calls::Calls;
use crate::failure::Failure;
use crate::settings::Settings;
use crate::{basic, certificate, debit, helper, pin, read, reader, write};

/// What a parameter is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A number.
    Number,
    /// Text for the function, GBK in C.
    Text,
    /// Text that holds a PIN.
    Secret,
    /// A buffer that the function fills.
    Out,
}

/// A parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parameter {
    /// Its conventional name.
    pub name: &'static str,
    /// What it is.
    pub kind: Kind,
}

/// Carries a function out: one text for each buffer.
type Run = fn(&mut Calls, &Settings, &Arguments<'_>) -> Result<Vec<String>, Failure>;

/// A function.
#[derive(Clone, Copy)]
pub struct Function {
    /// Its conventional name.
    pub name: &'static str,
    /// Its parameters, in their order.
    pub parameters: &'static [Parameter],
    /// What it does, for the header.
    pub purpose: &'static str,
    pub(crate) run: Run,
}

impl std::fmt::Debug for Function {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

/// One argument.
#[derive(Clone, PartialEq, Eq)]
pub enum Value {
    /// A number.
    Number(i32),
    /// A text.
    Text(zeroize::Zeroizing<String>),
    /// A null pointer, or nothing.
    Absent,
}

/// An argument may be a PIN: only its kind is shown.
impl std::fmt::Debug for Value {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Number(number) => write!(f, "{number}"),
            Self::Text(text) => write!(f, "Text({} bytes)", text.len()),
            Self::Absent => f.write_str("Absent"),
        }
    }
}

/// The arguments of one call, beside the parameters that they are for; buffers have none.
#[derive(Debug)]
pub struct Arguments<'a> {
    function: &'static Function,
    values: &'a [Value],
}

impl Function {
    /// The function of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<&'static Self> {
        FUNCTIONS.iter().find(|function| function.name == name)
    }

    /// Parameters that are not buffers.
    pub fn inputs(&self) -> impl Iterator<Item = Parameter> {
        self.parameters.iter().copied().filter(|parameter| parameter.kind != Kind::Out)
    }

    /// Names of the buffers.
    pub fn output_names(&self) -> impl Iterator<Item = &'static str> {
        self.parameters.iter().filter(|parameter| parameter.kind == Kind::Out).map(|parameter| parameter.name)
    }

    /// How many buffers it fills.
    #[must_use]
    pub fn outputs(&self) -> usize {
        self.parameters.iter().filter(|parameter| parameter.kind == Kind::Out).count()
    }
}

impl<'a> Arguments<'a> {
    /// Arguments in the order of the function's inputs.
    #[must_use]
    pub const fn new(function: &'static Function, values: &'a [Value]) -> Self {
        Self { function, values }
    }

    fn value(&self, name: &str) -> Option<&'a Value> {
        let place = self.function.inputs().position(|parameter| parameter.name == name)?;
        self.values.get(place)
    }

    /// A number.
    ///
    /// # Errors
    /// [`Failure::Argument`] when it is none.
    pub fn number(&self, name: &'static str) -> Result<i32, Failure> {
        match self.value(name) {
            Some(Value::Number(number)) => Ok(*number),
            _ => Err(Failure::Argument { name, expected: "a number" }),
        }
    }

    /// A text that must be there.
    ///
    /// # Errors
    /// [`Failure::Argument`] when it is not.
    pub fn text(&self, name: &'static str) -> Result<&'a str, Failure> {
        self.optional(name)?.ok_or(Failure::Argument { name, expected: "a text" })
    }

    /// A text that may be absent or empty.
    ///
    /// # Errors
    /// [`Failure::Argument`] when it is a number.
    pub fn optional(&self, name: &'static str) -> Result<Option<&'a str>, Failure> {
        match self.value(name) {
            Some(Value::Text(text)) => Ok(Some(text.as_str()).filter(|text| !text.is_empty())),
            Some(Value::Absent) | None => Ok(None),
            Some(Value::Number(_)) => Err(Failure::Argument { name, expected: "a text" }),
        }
    }
}

const fn number(name: &'static str) -> Parameter {
    Parameter { name, kind: Kind::Number }
}

const fn text(name: &'static str) -> Parameter {
    Parameter { name, kind: Kind::Text }
}

const fn secret(name: &'static str) -> Parameter {
    Parameter { name, kind: Kind::Secret }
}

const fn out(name: &'static str) -> Parameter {
    Parameter { name, kind: Kind::Out }
}

const TYPE: Parameter = number("iType");
const CARD: Parameter = text("pCardInfo");
const FILE: Parameter = text("pFileAddr");
const DATA: Parameter = text("pWriteData");
const KEY: Parameter = text("pKey");
const PAY: Parameter = text("pPayInfo");
const STEP: Parameter = text("pStepInfo");
const OUT: Parameter = out("pOutInfo");

const fn row(name: &'static str, parameters: &'static [Parameter], purpose: &'static str, run: Run) -> Function {
    Function { name, parameters, purpose, run }
}

/// All functions, in the order of the header.
pub const FUNCTIONS: &[Function] = &[
    row("iReadCardBas", &[TYPE, OUT], "读基本信息: the eleven basic fields.", basic::read),
    row("iReadCardBas_HSM_Step1", &[TYPE, OUT], "读基本信息, step 1: what the HSM is asked.", basic::step1),
    row("iReadCardBas_HSM_Step2", &[KEY, OUT], "读基本信息, step 2: with what the HSM answered.", basic::step2),
    row(
        "iReadCard",
        &[TYPE, number("iAuthType"), CARD, FILE, OUT],
        "通用读: items of files. iAuthType: 0 none, 1 PIN, 2 key (PSAM).",
        read::read,
    ),
    row("iReadCard_HSM_Step1", &[TYPE, CARD, FILE, OUT], "通用读, step 1.", read::step1),
    row("iReadCard_HSM_Step2", &[KEY, OUT], "通用读, step 2.", read::step2),
    row("iWriteCard", &[TYPE, CARD, FILE, DATA, OUT], "通用写: items of one file.", write::write),
    row("iWriteCard_HSM_Step1", &[TYPE, CARD, FILE, OUT], "通用写, step 1.", write::step1),
    row("iWriteCard_HSM_Step2", &[KEY, DATA, OUT], "通用写, step 2.", write::step2),
    row("iVerifyPIN", &[TYPE, OUT], "校验PIN: typed by the holder.", pin::verify),
    row("iChangePIN", &[TYPE, OUT], "修改PIN: typed by the holder.", pin::change),
    row("iReloadPIN", &[TYPE, CARD, OUT], "重置PIN: the new PIN typed by the holder.", pin::reload),
    row("iReloadPIN_HSM_Step1", &[TYPE, CARD, OUT], "重置PIN, step 1.", pin::reload_step1),
    row("iReloadPIN_HSM_Step2", &[KEY, OUT], "重置PIN, step 2.", pin::reload_step2),
    row("iReloadPIN_HSM_Step3", &[KEY, OUT], "重置PIN, step 3: pKey is the whole command.", pin::reload_step3),
    row("iUnblockPIN", &[TYPE, CARD, OUT], "解锁PIN.", pin::unblock),
    row("iUnblockPIN_HSM_Step1", &[TYPE, CARD, OUT], "解锁PIN, step 1.", pin::unblock_step1),
    row("iUnblockPIN_HSM_Step2", &[KEY, OUT], "解锁PIN, step 2.", pin::unblock_step2),
    row("iUnblockPIN_HSM_Step3", &[KEY, OUT], "解锁PIN, step 3: pKey is the whole command.", pin::unblock_step3),
    row("iDoDebit", &[TYPE, CARD, PAY, OUT], "消费: journalled before the card is debited.", debit::debit),
    row("iDoDebit_HSM_Step1", &[TYPE, CARD, PAY, OUT], "消费, step 1.", debit::step1),
    row("iDoDebit_HSM_Step2", &[KEY, OUT], "消费, step 2.", debit::step2),
    row("iReadDebitRecord", &[TYPE, OUT], "读交易记录: the log of the card, newest first.", debit::records),
    row(
        "PKI_SignData",
        &[secret("pUserPin"), text("pInData"), TYPE, OUT],
        "签名: SM2 signature with the key of the card's certificate.",
        certificate::sign,
    ),
    row(
        "PKI_VerifySign",
        &[secret("pUserPin"), text("pCert"), text("pClearText"), text("pSignature"), TYPE, OUT],
        "验签: 0 when the signature is the certificate's.",
        certificate::verify,
    ),
    row("iGetCardType", &[TYPE, OUT], "卡类型 (vendor).", reader::card_type),
    row("iCheckCard", &[TYPE, OUT], "检卡 (vendor): `3|` for a social security card.", reader::check),
    row(
        "iGetReaderInfo",
        &[out("pReaderSN"), out("pPsamTermNo")],
        "读卡器信息 (vendor): device and terminal number.",
        reader::reader_info,
    ),
    row("iPKBVerifyPIN", &[TYPE, secret("pPin"), OUT], "校验PIN with the digits given (vendor).", pin::verify_given),
    row(
        "iPKBChangePIN",
        &[TYPE, secret("pOldPin"), secret("pNewPin"), OUT],
        "修改PIN with the digits given (vendor).",
        pin::change_given,
    ),
    row("iReadICCardNum", &[TYPE, OUT], "银行卡号 (vendor): of the bank application on the card.", reader::bank_number),
    row("iReadIdentityCard", &[TYPE, OUT], "读身份证 (vendor): not supported, -13.", reader::unsupported),
    row("iReadCardBas_HSM_Step1To2", &[STEP, OUT], "What an HSM of rehearsal keys answers (vendor).", helper::basic),
    row("iReadCard_HSM_Step1To2", &[STEP, OUT], "The same for iReadCard.", helper::proof),
    row("iWriteCard_HSM_Step1To2", &[STEP, OUT], "The same for iWriteCard.", helper::proof),
    row("iReloadPIN_HSM_Step1To2", &[STEP, OUT], "The same for iReloadPIN.", helper::proof),
    row("iReloadPIN_HSM_Step2To3", &[STEP, OUT], "The command for step 3 of iReloadPIN.", helper::command),
    row("iUnblockPIN_HSM_Step1To2", &[STEP, OUT], "The same for iUnblockPIN.", helper::proof),
    row("iUnblockPIN_HSM_Step2To3", &[STEP, OUT], "The command for step 3 of iUnblockPIN.", helper::command),
    row("iDoDebit_HSM_Step1To2", &[STEP, OUT], "The same for iDoDebit.", helper::debit),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_function_has_a_name_of_its_own_and_a_buffer_for_its_answer() {
        for (place, function) in FUNCTIONS.iter().enumerate() {
            assert!(FUNCTIONS.iter().skip(place + 1).all(|other| other.name != function.name), "{function:?} twice");
            assert!(function.outputs() > 0 && !function.purpose.is_empty(), "{function:?}");
        }
    }
}
