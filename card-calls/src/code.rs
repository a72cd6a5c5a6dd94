//! Return values of the C functions, with what happened and what to do next, in Chinese and English.
//!
//! Source: error table that three driver programs share; card errors are the negative status word.
//! Owns: the one table of codes. Never: decides which code an event gets (`failure`).

use card_core::StatusWord;

/// A return value: 0 is done, a negative number is a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Code(pub i32);

/// The language of a message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Language {
    /// Chinese.
    #[default]
    Zh,
    /// English.
    En,
}

/// What happened and what to do next, in one language.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Advice<T = &'static str> {
    /// What happened.
    pub what: T,
    /// What to do next.
    pub next: T,
}

/// A row of the table.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// The return value.
    pub code: Code,
    /// Its stable name, in the C header too.
    pub name: &'static str,
    /// In Chinese.
    pub zh: Advice,
    /// In English.
    pub en: Advice,
}

impl Code {
    /// Done.
    pub const OK: Self = Self(0);
    /// Not a social security card.
    pub const CARD_TYPE: Self = Self(-1);
    /// No card.
    pub const NO_CARD: Self = Self(-2);
    /// A card without power.
    pub const NO_POWER: Self = Self(-3);
    /// The card does not answer.
    pub const CARD_MUTE: Self = Self(-4);
    /// A library could not be loaded.
    pub const LIBRARY: Self = Self(-5);
    /// The reader cannot be used.
    pub const READER: Self = Self(-11);
    /// No connection to readers.
    pub const NOT_CONNECTED: Self = Self(-12);
    /// The function is not supported.
    pub const UNSUPPORTED: Self = Self(-13);
    /// An argument is wrong.
    pub const ARGUMENT: Self = Self(-14);
    /// The exchange with the card broke off.
    pub const EXCHANGE: Self = Self(-15);
    /// Card identifier or specification version malformed.
    pub const CARD_DATA: Self = Self(-20);
    /// Internal authentication failed.
    pub const INTERNAL_AUTHENTICATION: Self = Self(-21);
    /// Another card than the one named.
    pub const OTHER_CARD: Self = Self(-22);
    /// Data given is not acceptable.
    pub const DATA_REFUSED: Self = Self(-23);
    /// The PSAM holds the key at a lower level.
    pub const PSAM_LEVEL: Self = Self(-24);
    /// No such file or item.
    pub const NO_SUCH_ITEM: Self = Self(-25);
    /// PIN entry cancelled.
    pub const PIN_CANCELLED: Self = Self(-31);
    /// PIN entry took too long.
    pub const PIN_TIMEOUT: Self = Self(-32);
    /// PIN of a wrong length.
    pub const PIN_LENGTH: Self = Self(-33);
    /// The two new PINs differ.
    pub const PIN_DIFFERS: Self = Self(-34);
    /// The initial PIN cannot pay.
    pub const PIN_INITIAL: Self = Self(-35);
    /// The PIN cannot be set to the initial one.
    pub const PIN_TO_INITIAL: Self = Self(-36);
    /// A character that does not belong.
    pub const DATA_CHARACTER: Self = Self(-41);
    /// Data of a wrong length.
    pub const DATA_LENGTH: Self = Self(-42);
    /// Wrong PIN.
    pub const PIN_WRONG: Self = Self(-51);
    /// PIN blocked.
    pub const PIN_BLOCKED: Self = Self(-52);
    /// The answer to reset cannot be used.
    pub const ATR: Self = Self(-80);
    /// A fault of this library.
    pub const UNKNOWN: Self = Self(-999);
    /// No PSAM.
    pub const NO_PSAM: Self = Self(-2201);
    /// The PSAM does not know the card's algorithm.
    pub const PSAM_ALGORITHM: Self = Self(-2202);
    /// The PSAM has no RKSSSE.
    pub const PSAM_NO_KEY: Self = Self(-2203);
    /// No HSM authentication is needed.
    pub const NO_HSM_NEEDED: Self = Self(-2204);

    /// The terminal's journal is not there, not its own, or fails: nothing was debited.
    pub const JOURNAL: Self = Self(-3001);
    /// A rule of the terminal or the card forbids the payment: nothing was debited.
    pub const RULE: Self = Self(-3002);
    /// Whether the card was debited is not known, or not recorded yet: the next call with this card settles it.
    pub const UNCERTAIN: Self = Self(-3003);
    /// A signature does not verify.
    pub const SIGNATURE: Self = Self(-3004);
    /// The person at the counter did not agree to a page's call.
    pub const CONSENT: Self = Self(-3005);
    /// An earlier purchase of this card turned out to be paid: the output is that purchase's, and nothing was debited by this call.
    pub const EARLIER_PAID: Self = Self(-3006);
    /// An earlier purchase of this card that a person judged paid was not: nothing was debited by this call.
    pub const EARLIER_UNPAID: Self = Self(-3007);
    /// The terminal has signed out: nothing was debited.
    pub const SIGNED_OUT: Self = Self(-3008);
    /// The terminal's clock is not right: nothing was debited.
    pub const CLOCK: Self = Self(-3009);
    /// Something of the purchase of this call went back: the output is that purchase's and what is left, and nothing was debited by this call.
    pub const GIVEN_BACK: Self = Self(-3010);
    /// The site does not allow the function: nothing was done.
    pub const NOT_ALLOWED: Self = Self(-3011);

    /// Whether the terminal has more to say of it than this table.
    #[must_use]
    pub const fn is_of_terminal(self) -> bool {
        matches!(self, Self::JOURNAL | Self::RULE | Self::UNCERTAIN | Self::SIGNED_OUT | Self::CLOCK)
    }

    /// The code of a refusal by the card: the negative status word.
    #[must_use]
    pub fn of_status(sw: StatusWord) -> Self {
        Self(-i32::from(sw.0))
    }

    /// The status word of a card error; `None` for the library's own codes.
    #[must_use]
    pub fn status(self) -> Option<StatusWord> {
        u16::try_from(self.0.checked_neg()?).ok().filter(|sw| *sw >= 0x6000).map(StatusWord)
    }

    /// What happened and what to do next; card errors share the meanings of status words.
    #[must_use]
    pub fn advice(self, language: Language) -> Advice {
        if let Some(row) = ROWS.iter().find(|row| row.code == self) {
            return row.advice(language);
        }
        let meaning = self.status().and_then(StatusWord::meaning);
        match (language, meaning) {
            (Language::Zh, Some((what, _))) => Advice { what, next: CARD_REFUSED.zh.next },
            (Language::En, Some((_, what))) => Advice { what, next: CARD_REFUSED.en.next },
            (_, None) => CARD_REFUSED.advice(language),
        }
    }
}

impl Row {
    /// The texts in one language.
    #[must_use]
    pub const fn advice(&self, language: Language) -> Advice {
        match language {
            Language::Zh => self.zh,
            Language::En => self.en,
        }
    }
}

/// A status word that has no meaning of its own here.
const CARD_REFUSED: Row = row(
    Code(0),
    "CARD_REFUSED",
    ["卡拒绝了命令", "请取出卡后重试；仍不成功请联系发卡机构"],
    ["the card refused", "take the card out and try again; if it stays, ask the issuer"],
);

/// All codes of the library, in the order of the published table.
pub const ROWS: &[Row] = &[
    row(
        Code::CARD_TYPE,
        "CARD_TYPE",
        ["卡类型不对", "请插入社会保障卡"],
        ["not a social security card", "insert a social security card"],
    ),
    row(Code::NO_CARD, "NO_CARD", ["无卡", "请插卡后重试"], ["no card", "insert the card and try again"]),
    row(
        Code::NO_POWER,
        "NO_POWER",
        ["有卡未上电", "请取出卡后重新插入"],
        ["the card has no power", "take the card out and insert it again"],
    ),
    row(
        Code::CARD_MUTE,
        "CARD_MUTE",
        ["卡无应答", "请检查卡的方向与触点后重新插入"],
        ["the card does not answer", "check the card's side and contacts, then insert it again"],
    ),
    row(
        Code::LIBRARY,
        "LIBRARY",
        ["加载动态库错", "请重新安装读卡程序"],
        ["a library could not be loaded", "install the program again"],
    ),
    row(
        Code::READER,
        "READER",
        ["读卡器连接错", "请检查读卡器的连接，并确认没有其他程序占用；有多张卡时请设置 SSCARD_READER"],
        [
            "the reader cannot be used",
            "check its cable and that no other program uses it; with several cards set SSCARD_READER",
        ],
    ),
    row(
        Code::NOT_CONNECTED,
        "NOT_CONNECTED",
        ["未建立连接", "请启动智能卡服务 pcscd"],
        ["no connection to the readers", "start the smart card service pcscd"],
    ),
    row(
        Code::UNSUPPORTED,
        "UNSUPPORTED",
        ["不支持该命令", "请使用支持该功能的版本"],
        ["the function is not supported", "use a version that has it"],
    ),
    row(
        Code::ARGUMENT,
        "ARGUMENT",
        ["命令参数错", "请检查调用参数（iType 应为 1 至 4）"],
        ["an argument is wrong", "check the arguments (iType is 1 to 4)"],
    ),
    row(
        Code::EXCHANGE,
        "EXCHANGE",
        ["信息校验和出错", "请取出卡后重试"],
        ["the exchange with the card broke off", "take the card out and try again"],
    ),
    row(
        Code::CARD_DATA,
        "CARD_DATA",
        ["卡识别码或规范版本格式错", "请到发卡机构检查此卡"],
        ["card identifier or specification version is malformed", "have the card checked by its issuer"],
    ),
    row(
        Code::INTERNAL_AUTHENTICATION,
        "INTERNAL_AUTHENTICATION",
        ["内部认证失败，用户卡不合法", "请勿受理此卡，并通知发卡机构"],
        ["internal authentication failed: the card is not genuine", "do not accept the card; tell the issuer"],
    ),
    row(
        Code::OTHER_CARD,
        "OTHER_CARD",
        ["传入数据与卡内不符", "请换回原来的卡"],
        ["the card is not the one that was named", "put the first card back"],
    ),
    row(
        Code::DATA_REFUSED,
        "DATA_REFUSED",
        ["传入数据不合法", "请检查传入的数据"],
        ["the data given is not acceptable", "check the data given"],
    ),
    row(
        Code::PSAM_LEVEL,
        "PSAM_LEVEL",
        ["PSAM卡密钥级别不够", "请换用上级 PSAM 卡，或改用加密机流程"],
        ["the PSAM holds the key at a lower level", "use a PSAM of a higher level, or the HSM functions"],
    ),
    row(
        Code::NO_SUCH_ITEM,
        "NO_SUCH_ITEM",
        ["文件结构中无传入的文件名或数据项", "请检查文件名与数据项"],
        ["no such file or item", "check the names of file and item"],
    ),
    row(
        Code::PIN_CANCELLED,
        "PIN_CANCELLED",
        ["用户取消密码输入", "请重新输入密码"],
        ["PIN entry was cancelled", "enter the PIN again"],
    ),
    row(
        Code::PIN_TIMEOUT,
        "PIN_TIMEOUT",
        ["密码输入操作超时", "请重新输入密码"],
        ["PIN entry took too long", "enter the PIN again"],
    ),
    row(
        Code::PIN_LENGTH,
        "PIN_LENGTH",
        ["输入密码长度错", "请重新输入密码"],
        ["the PIN has a wrong length", "enter the PIN again"],
    ),
    row(
        Code::PIN_DIFFERS,
        "PIN_DIFFERS",
        ["两次输入密码不一致", "请重新输入新密码"],
        ["the two new PINs differ", "enter the new PIN again"],
    ),
    row(
        Code::PIN_INITIAL,
        "PIN_INITIAL",
        ["初始密码不能交易", "请先修改密码"],
        ["the initial PIN cannot pay", "change the PIN first"],
    ),
    row(
        Code::PIN_TO_INITIAL,
        "PIN_TO_INITIAL",
        ["不能改为初始密码", "请换一个密码"],
        ["the PIN cannot be set to the initial one", "choose another PIN"],
    ),
    row(
        Code::DATA_CHARACTER,
        "DATA_CHARACTER",
        ["运算数据含非法字符", "请检查传入的数据"],
        ["a character does not belong in the data", "check the data given"],
    ),
    row(
        Code::DATA_LENGTH,
        "DATA_LENGTH",
        ["运算数据长度错", "请检查传入数据或输出缓冲区的长度"],
        ["data of a wrong length", "check the length of the data or of the output buffer"],
    ),
    row(Code::PIN_WRONG, "PIN_WRONG", ["PIN校验失败", "请重新输入密码"], ["wrong PIN", "enter the PIN again"]),
    row(
        Code::PIN_BLOCKED,
        "PIN_BLOCKED",
        ["PIN锁定", "请到发卡机构解锁"],
        ["the PIN is blocked", "have it unblocked by the issuer"],
    ),
    row(
        Code::ATR,
        "ATR",
        ["复位信息不合法", "请到发卡机构检查此卡"],
        ["the answer to reset cannot be used", "have the card checked by its issuer"],
    ),
    row(
        Code::UNKNOWN,
        "UNKNOWN",
        ["未知错误", "请重试；仍不成功请联系供应商"],
        ["unknown fault", "try again; if it stays, ask the supplier"],
    ),
    row(
        Code::NO_PSAM,
        "NO_PSAM",
        ["无PSAM卡", "请插入 PSAM 卡或设置 SSCARD_PSAM，或改用加密机流程"],
        ["no PSAM", "insert a PSAM, set SSCARD_PSAM, or use the HSM functions"],
    ),
    row(
        Code::PSAM_ALGORITHM,
        "PSAM_ALGORITHM",
        ["PSAM卡算法不支持", "请换用支持此卡算法的 PSAM 卡，或改用加密机流程"],
        ["the PSAM does not know the card's algorithm", "use a PSAM that does, or the HSM functions"],
    ),
    row(
        Code::PSAM_NO_KEY,
        "PSAM_NO_KEY",
        ["PSAM卡内没有RKSSSE密钥", "请换用含该密钥的 PSAM 卡，或改用加密机流程"],
        ["the PSAM has no key RKSSSE", "use a PSAM that has it, or the HSM functions"],
    ),
    row(
        Code::NO_HSM_NEEDED,
        "NO_HSM_NEEDED",
        ["不需要加密机认证", "请直接调用第二步"],
        ["no HSM authentication is needed", "call the second step"],
    ),
    row(
        Code::JOURNAL,
        "JOURNAL",
        ["终端日志不可用，未扣款", "请用 sscard terminal enroll 登记终端，并把 SSCARD_DATA 设为它的数据目录"],
        [
            "the terminal's journal cannot be used; nothing was debited",
            "enrol the terminal with sscard, and set SSCARD_DATA to its folder",
        ],
    ),
    row(
        Code::RULE,
        "RULE",
        ["按规定不能受理，未扣款", "请按提示处理"],
        ["a rule forbids it; nothing was debited", "see the message"],
    ),
    row(
        Code::UNCERTAIN,
        "UNCERTAIN",
        ["扣款结果未知", "请勿重复收费；用同一张卡、同样的参数再调用一次，即可查明"],
        [
            "whether the card was debited is not known",
            "do not charge again; the same call with the same card settles it",
        ],
    ),
    row(
        Code::SIGNATURE,
        "SIGNATURE",
        ["签名验证不通过", "请勿采信此签名"],
        ["the signature does not verify", "do not rely on it"],
    ),
    row(
        Code::CONSENT,
        "CONSENT",
        ["经办人未同意", "请经办人确认后再试"],
        ["the person at the counter did not agree", "try again when they do"],
    ),
    row(
        Code::EARLIER_PAID,
        "EARLIER_PAID",
        ["此卡上一笔消费查明已付，本次未扣款", "输出为上一笔的结果，先记账；确需再收一笔时再调用"],
        [
            "an earlier purchase of this card turned out to be paid; nothing was debited now",
            "the output is that purchase's: enter it first, and call again only if another one is to be paid",
        ],
    ),
    row(
        Code::EARLIER_UNPAID,
        "EARLIER_UNPAID",
        ["此卡一笔被判定已付的消费实际未付，本次未扣款", "输出为该笔的结果，无 TAC；请补收或收回药品，之后再调用"],
        [
            "an earlier purchase of this card that was judged paid was not; nothing was debited now",
            "the output is that purchase's, without a TAC: take its payment again or the goods back, then call again",
        ],
    ),
    row(
        Code::SIGNED_OUT,
        "SIGNED_OUT",
        ["终端已签退，未扣款", "执行 sscard sign-in 后再收款"],
        ["the terminal has signed out; nothing was debited", "run sscard sign-in, then sell"],
    ),
    row(
        Code::CLOCK,
        "CLOCK",
        ["终端时钟不对，未扣款", "校准终端时钟后再收款"],
        ["the terminal's clock is not right; nothing was debited", "set the terminal's clock, then sell"],
    ),
    row(
        Code::GIVEN_BACK,
        "GIVEN_BACK",
        ["此笔消费已退费或撤销，本次未扣款", "输出为原消费的结果和剩余金额；确需再收一笔时换新的时间再调用"],
        [
            "money of this purchase went back; nothing was debited now",
            "the output is that purchase's and what is left of it; call with another time if another one is to be paid",
        ],
    ),
    row(
        Code::NOT_ALLOWED,
        "NOT_ALLOWED",
        ["本机未开放此功能", "确需使用时由管理员在设置中开放"],
        ["the function is switched off here", "the administrator allows it in the settings where it is needed"],
    ),
];

const fn row(code: Code, name: &'static str, zh: [&'static str; 2], en: [&'static str; 2]) -> Row {
    let [zh_what, zh_next] = zh;
    let [en_what, en_next] = en;
    Row { code, name, zh: Advice { what: zh_what, next: zh_next }, en: Advice { what: en_what, next: en_next } }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_listed_once_and_says_what_and_what_next() {
        for (index, row) in ROWS.iter().enumerate() {
            assert!(ROWS.iter().skip(index + 1).all(|other| other.code != row.code), "{:?} twice", row.code);
            assert!(ROWS.iter().skip(index + 1).all(|other| other.name != row.name), "{} twice", row.name);
            assert!(row.code < Code::OK && row.code.status().is_none(), "{:?} looks like a status word", row.code);
            for text in [row.zh.what, row.zh.next, row.en.what, row.en.next] {
                assert!(!text.is_empty());
            }
        }
    }

    #[test]
    fn card_errors_are_the_negative_status_word() {
        // Source: the published table: -25536 63C0, -26368 6700, -27272 6A88, -37894 9406.
        for (code, sw) in [(-25_536, 0x63C0), (-26_368, 0x6700), (-27_272, 0x6A88), (-37_894, 0x9406)] {
            assert_eq!(Code::of_status(StatusWord(sw)), Code(code));
            assert_eq!(Code(code).status(), Some(StatusWord(sw)));
        }
        assert_eq!(Code(i32::MIN).status(), None);
        assert_eq!(Code::NO_PSAM.status(), None);
    }

    #[test]
    fn a_status_word_without_a_meaning_still_has_advice() {
        let advice = Code::of_status(StatusWord(0x6F00)).advice(Language::En);
        assert!(advice.what.contains("refused") && !advice.next.is_empty());
        assert_eq!(Code::of_status(StatusWord::FILE_NOT_FOUND).advice(Language::Zh).what, "未找到文件");
    }
}
