//! The functions of the conventional driver interface: one table for the C library, its header, the server, the bridge and recordings.
//!
//! Source: driver interface that five programs share; names marked "vendor" are seen in fewer, their parameters in part assumed.
//! Owns: names, parameters and their order, what carries each out. Never: pointers (`sscard-driver`), JSON (`reader-cli`).

use crate::calls::Calls;
use crate::failure::Failure;
use crate::settings::Settings;
use crate::{basic, certificate, debit, desk, elsewhere, helper, keypad, pin, public, read, reader, write};

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
    /// A number of one byte.
    Byte,
    /// Bytes, as many as the number before says; hex here.
    Bytes,
    /// A buffer for bytes, as many as the return value says; hex here.
    OutBytes,
    /// A place for a number of one byte; decimal here.
    OutByte,
    /// A place for a number of two bytes; decimal here.
    OutShort,
}

impl Kind {
    /// Whether the function fills it.
    #[must_use]
    pub const fn is_out(self) -> bool {
        matches!(self, Self::Out | Self::OutBytes | Self::OutByte | Self::OutShort)
    }
}

/// What the site allows a function for; without it the answer is -3011.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needs {
    /// Nothing.
    Nothing,
    /// `writes`: it changes what is on a card, or puts a PIN anew.
    Writes,
    /// `raw_commands`: the caller's own commands go to a card.
    RawCommands,
    /// `gives_pins`: the caller gets the digits of a PIN.
    GivesPins,
}

/// What the return value of a call that is done says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answers {
    /// 0.
    Done,
    /// A number: the first text of what carries it out, the buffers' texts follow.
    Number,
}

/// Buffers that receive the message of a fault, the first one there is.
const MESSAGES: [&str; 3] = ["pErrMsg", "pOutInfo", "pReaderSN"];

/// A parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parameter {
    /// Its conventional name.
    pub name: &'static str,
    /// What it is.
    pub kind: Kind,
}

/// Carries a function out: one text for each buffer.
pub(crate) type Run = fn(&mut Calls, &Settings, &Arguments<'_>) -> Result<Vec<String>, Failure>;

/// A function.
#[derive(Clone, Copy)]
pub struct Function {
    /// Its conventional name.
    pub name: &'static str,
    /// Its parameters, in their order.
    pub parameters: &'static [Parameter],
    /// What it does, for the header.
    pub purpose: &'static str,
    /// What the site allows it for.
    pub needs: Needs,
    /// What its return value says.
    pub answers: Answers,
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
        self.parameters.iter().copied().filter(|parameter| !parameter.kind.is_out())
    }

    /// Names of the buffers.
    pub fn output_names(&self) -> impl Iterator<Item = &'static str> {
        self.parameters.iter().filter(|parameter| parameter.kind.is_out()).map(|parameter| parameter.name)
    }

    /// Among the texts of an answer, the place of the message of a fault: that of a buffer for it, else behind all buffers.
    #[must_use]
    pub fn message_at(&self) -> usize {
        let place = |wanted: &&str| self.output_names().position(|name| name == *wanted);
        MESSAGES.iter().find_map(place).unwrap_or_else(|| self.outputs())
    }

    /// The setting that must be set before it may be called, where it is not.
    #[must_use]
    pub const fn lacks(&self, settings: &Settings) -> Option<&'static str> {
        match self.needs {
            Needs::Writes if !settings.writes => Some("writes"),
            Needs::RawCommands if !settings.raw_commands => Some("raw_commands"),
            Needs::GivesPins if !settings.gives_pins => Some("gives_pins"),
            Needs::Nothing | Needs::Writes | Needs::RawCommands | Needs::GivesPins => None,
        }
    }

    /// How many buffers it fills.
    #[must_use]
    pub fn outputs(&self) -> usize {
        self.parameters.iter().filter(|parameter| parameter.kind.is_out()).count()
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

    /// Bytes.
    ///
    /// # Errors
    /// [`Failure::Argument`] when it is no hex.
    pub fn bytes(&self, name: &'static str) -> Result<zeroize::Zeroizing<Vec<u8>>, Failure> {
        let bytes = hex::decode(self.text(name)?.trim());
        Ok(bytes.map_err(|_| Failure::Argument { name, expected: "bytes in hex" })?.into())
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
const ERROR: Parameter = out("pErrMsg");
const HANDLE: Parameter = number("ReaderHandle");
const SLOT: Parameter = byte("ICC_Slot_No");
const RLEN: Parameter = Parameter { name: "rlen", kind: Kind::OutByte };
const PASS_LENGTH: Parameter = Parameter { name: "cpasslen", kind: Kind::OutByte };
const WSDL: Parameter = text("wsdlAddress");
const USER: Parameter = text("userId");
const PASSWORD: Parameter = secret("password");
const AUTH: Parameter = secret("authKey");

const fn bytes(name: &'static str) -> Parameter {
    Parameter { name, kind: Kind::Bytes }
}

const fn bytes_out(name: &'static str) -> Parameter {
    Parameter { name, kind: Kind::OutBytes }
}

const fn byte(name: &'static str) -> Parameter {
    Parameter { name, kind: Kind::Byte }
}

const fn row(name: &'static str, parameters: &'static [Parameter], purpose: &'static str, run: Run) -> Function {
    Function { name, parameters, purpose, needs: Needs::Nothing, answers: Answers::Done, run }
}

impl Function {
    const fn needs(self, needs: Needs) -> Self {
        Self { needs, ..self }
    }

    const fn number(self) -> Self {
        Self { answers: Answers::Number, ..self }
    }
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
    row("iWriteCard", &[TYPE, CARD, FILE, DATA, OUT], "通用写: items of one file.", write::write).needs(Needs::Writes),
    row("iWriteCard_HSM_Step1", &[TYPE, CARD, FILE, OUT], "通用写, step 1.", write::step1).needs(Needs::Writes),
    row("iWriteCard_HSM_Step2", &[KEY, DATA, OUT], "通用写, step 2.", write::step2).needs(Needs::Writes),
    row("iVerifyPIN", &[TYPE, OUT], "校验PIN: typed by the holder.", pin::verify),
    row("iChangePIN", &[TYPE, OUT], "修改PIN: typed by the holder.", pin::change),
    row("iReloadPIN", &[TYPE, CARD, OUT], "重置PIN: the new PIN typed by the holder.", pin::reload)
        .needs(Needs::Writes),
    row("iReloadPIN_HSM_Step1", &[TYPE, CARD, OUT], "重置PIN, step 1.", pin::reload_step1).needs(Needs::Writes),
    row("iReloadPIN_HSM_Step2", &[KEY, OUT], "重置PIN, step 2.", pin::reload_step2).needs(Needs::Writes),
    row("iReloadPIN_HSM_Step3", &[KEY, OUT], "重置PIN, step 3: pKey is the whole command.", pin::reload_step3)
        .needs(Needs::Writes),
    row("iUnblockPIN", &[TYPE, CARD, OUT], "解锁PIN.", pin::unblock).needs(Needs::Writes),
    row("iUnblockPIN_HSM_Step1", &[TYPE, CARD, OUT], "解锁PIN, step 1.", pin::unblock_step1).needs(Needs::Writes),
    row("iUnblockPIN_HSM_Step2", &[KEY, OUT], "解锁PIN, step 2.", pin::unblock_step2).needs(Needs::Writes),
    row("iUnblockPIN_HSM_Step3", &[KEY, OUT], "解锁PIN, step 3: pKey is the whole command.", pin::unblock_step3)
        .needs(Needs::Writes),
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
    row("iReadCardType", &[TYPE, OUT], "卡类型 (vendor): as iGetCardType.", reader::card_type),
    row("iReadCardNo", &[TYPE, OUT], "卡号 (vendor).", public::number),
    row(
        "iReadCardInPutPin",
        &[TYPE, number("iAuthType"), CARD, FILE, secret("pPin"), OUT],
        "通用读 with the digits given (vendor).",
        public::read_with_pin,
    ),
    row(
        "iReadCardPublicInfo",
        &[out("KSBM"), out("KLB"), out("GFBB"), out("JGBM"), out("FKRQ"), out("KYXQ"), out("KH"), ERROR],
        "发卡公共信息 (vendor): 卡识别码, 卡类别, 规范版本, 初始化机构编号, 发卡日期, 卡有效期, 卡号.",
        public::card,
    ),
    row(
        "iReadPersonPublicInfo",
        &[out("SHBZHM"), out("XM"), out("XB"), out("MZ"), out("CSD"), out("CSRQ"), ERROR],
        "持卡人公共信息 (vendor): 社会保障号码, 姓名, 性别, 民族, 出生地, 出生日期.",
        public::person,
    ),
    row("iReadMedicareNO", &[out("pcMedicareNum"), ERROR], "个人医保账号 (vendor).", public::medical_account),
    row("iReadPBOCAccount", &[out("pOutData"), ERROR], "银行卡号 (vendor): as iReadICCardNum.", reader::bank_account),
    row(
        "ReadICCardNum",
        &[number("ICType"), out("cardnumber"), ERROR],
        "银行卡号 (vendor): as iReadICCardNum.",
        reader::bank_card,
    ),
    row("iReadUid", &[out("pUid"), OUT], "机具唯一识别号 (vendor): SSCARD_DEVICE.", reader::uid),
    row(
        "iReadIdentityInfo",
        &[
            text("pcPhotoPath"),
            out("pName"),
            out("pGeneder"),
            out("pNation"),
            out("pBirth"),
            out("pAddress"),
            out("pCertNO"),
            out("pDepartment"),
            out("pMadedDate"),
            out("pExpire"),
            out("pPhotoBuffer"),
            ERROR,
        ],
        "读身份证 (vendor): not supported, -13.",
        reader::unsupported,
    ),
    row("iPKBGetPIN", &[out("pcPass"), ERROR], "取密码 (vendor): the digits that the holder types.", keypad::ask_pin)
        .needs(Needs::GivesPins),
    row(
        "iReaderGetPass",
        &[byte("ctimeout"), text("cdsp"), byte("audiocmd"), PASS_LENGTH, out("cpass")],
        "取密码 (vendor): as iPKBGetPIN. audiocmd: 1 PIN, 2 again, 3 old, 4 new.",
        keypad::get_pass,
    )
    .needs(Needs::GivesPins),
    row("iSendCpuApdu", &[TYPE, secret("pApdu"), OUT], "发送指令 (vendor): command and answer in hex.", desk::send)
        .needs(Needs::RawCommands),
    row("iWriteCA", &[], "写证书 (vendor): not supported, -13; touches no parameter.", elsewhere::certificate),
    row("iWriteCA_HSM_Step1", &[], "写证书, step 1: not supported, -13.", elsewhere::certificate),
    row("iWriteCA_HSM_Step2", &[], "写证书, step 2: not supported, -13.", elsewhere::certificate),
    row(
        "iCommReadCardBas",
        &[WSDL, USER, PASSWORD, AUTH, TYPE, OUT],
        "读基本信息 by a web service: not supported, -13.",
        elsewhere::web_service,
    ),
    row(
        "iCommReadCard",
        &[WSDL, USER, PASSWORD, AUTH, TYPE, number("iAuthType"), CARD, FILE, OUT],
        "通用读 by a web service: not supported, -13.",
        elsewhere::web_service,
    ),
    row(
        "iCommWriteCard",
        &[WSDL, USER, PASSWORD, AUTH, TYPE, CARD, FILE, DATA, OUT],
        "通用写 by a web service: not supported, -13.",
        elsewhere::web_service,
    ),
    row(
        "iCommReloadPIN",
        &[WSDL, USER, PASSWORD, AUTH, TYPE, CARD, OUT],
        "重置PIN by a web service: not supported, -13.",
        elsewhere::web_service,
    ),
    row(
        "iCommUnblockPIN",
        &[WSDL, USER, PASSWORD, AUTH, TYPE, CARD, OUT],
        "解锁PIN by a web service: not supported, -13.",
        elsewhere::web_service,
    ),
    row(
        "iCommDoDebit",
        &[WSDL, USER, PASSWORD, AUTH, TYPE, CARD, PAY, OUT],
        "消费 by a web service: not supported, -13.",
        elsewhere::web_service,
    ),
    row(
        "ICC_Reader_Open",
        &[text("dev_Name")],
        "打开读写器: a handle; AUTO, USB1 and COM1 are the readers of the desk.",
        desk::open,
    )
    .number(),
    row("ICC_Reader_Close", &[HANDLE], "关闭读写器.", desk::close),
    row(
        "ICC_Reader_pre_PowerOn",
        &[HANDLE, SLOT, bytes_out("Response")],
        "上电: the answer to reset and its length. Slot 0x01 the card, 0x11 the PSAM.",
        desk::power_on,
    )
    .number(),
    row(
        "ICC_Reader_Application",
        &[HANDLE, SLOT, number("Lenth_of_Command_APDU"), bytes("Command_APDU"), bytes_out("Response_APDU")],
        "发送指令: the answer with its status word and its length.",
        desk::apply,
    )
    .number()
    .needs(Needs::RawCommands),
    row("ICC_Reader_GetStatus", &[HANDLE, SLOT], "卡状态: 0 has power, -3 has none, -2 no card.", desk::status),
    row(
        "ICC_Reader_GetPass",
        &[HANDLE, byte("ctime"), RLEN, out("cpass")],
        "取密码: as iPKBGetPIN.",
        keypad::get_input,
    )
    .needs(Needs::GivesPins),
    row(
        "SD_ReadCardInfo",
        &[HANDLE, out("cardinfo")],
        "读卡信息 (vendor): `sbjgbh~t…~n` and four more.",
        public::sd_card,
    ),
    row(
        "SD_VerifyPin",
        &[HANDLE, secret("PIN"), Parameter { name: "Sw1Sw2", kind: Kind::OutShort }],
        "校验PIN (vendor): with the status word.",
        pin::sd_verify,
    )
    .number(),
    row(
        "SD_GetInputPass",
        &[HANDLE, byte("ctime"), RLEN, out("cpass")],
        "取密码 (vendor): as iPKBGetPIN.",
        keypad::get_input,
    )
    .needs(Needs::GivesPins),
];

/// Which card is in the reader: 卡识别码. No program calls it; who is asked for consent sees it.
pub static IDENTIFIER: Function =
    row("identifier", &[TYPE, OUT], "The identifier of the card, for who agrees to a call.", public::identifier);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_function_has_a_name_of_its_own_and_a_buffer_for_its_answer() {
        for (place, function) in FUNCTIONS.iter().enumerate() {
            assert!(FUNCTIONS.iter().skip(place + 1).all(|other| other.name != function.name), "{function:?} twice");
            assert!(!function.purpose.is_empty(), "{function:?}");
        }
    }

    #[test]
    fn the_message_of_a_fault_has_its_buffer_and_never_that_of_a_pin_or_of_bytes() {
        for (name, place) in [
            ("iReadCardBas", 0),
            ("iGetReaderInfo", 0),
            ("iReadCardPublicInfo", 7),
            ("iPKBGetPIN", 1),
            ("iReaderGetPass", 2),
            ("ICC_Reader_Application", 1),
            ("ICC_Reader_Open", 0),
        ] {
            assert_eq!(Function::named(name).expect(name).message_at(), place, "{name}");
        }
    }

    #[test]
    fn what_writes_and_what_sends_raw_commands_is_off_until_the_site_allows_it() {
        let off = Settings::default();
        let of = |needs: Needs| FUNCTIONS.iter().filter(move |row| row.needs == needs);
        for row in FUNCTIONS {
            let writes = ["iWriteCard", "iReloadPIN", "iUnblockPIN"].iter().any(|kind| row.name.starts_with(kind));
            let is_helper = row.name.contains("To");
            assert_eq!(row.needs == Needs::Writes, writes && !is_helper, "{row:?}");
            assert_eq!(row.lacks(&off).is_some(), row.needs != Needs::Nothing, "{row:?}");
        }
        let on =
            |writes, raw_commands, gives_pins| Settings { writes, raw_commands, gives_pins, ..Settings::default() };
        assert!(of(Needs::Writes).all(|row| row.lacks(&on(true, false, false)).is_none()));
        assert!(of(Needs::RawCommands).all(|row| row.lacks(&on(true, false, true)) == Some("raw_commands")));
        assert!(of(Needs::GivesPins).all(|row| row.lacks(&on(true, true, false)) == Some("gives_pins")));
    }
}
