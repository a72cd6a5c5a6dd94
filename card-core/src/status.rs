//! Status words SW1-SW2 (状态码).
//!
//! Source: ISO/IEC 7816-4 5.1.3; PBOC 2.0 and LD/T 32.5 for `93xx` and `94xx`.
//! Owns: the values and their meaning. Never: decides what a program does next.

use std::fmt;

/// A status word as the card sent it. Any value is legal; the constants name the known ones.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StatusWord(pub u16);

impl StatusWord {
    /// Done.
    pub const OK: Self = Self(0x9000);
    /// The file ended before Le bytes (ISO/IEC 7816-4 5.1.3); what there is comes with it.
    pub const END_OF_FILE: Self = Self(0x6282);
    /// Selected file or application invalid (blocked).
    pub const SELECTED_INVALID: Self = Self(0x6283);
    /// Memory write failed.
    pub const MEMORY_FAILURE: Self = Self(0x6581);
    /// Wrong Lc or Le.
    pub const WRONG_LENGTH: Self = Self(0x6700);
    /// CLA or secure messaging mismatch.
    pub const SECURE_MESSAGING_MISMATCH: Self = Self(0x6900);
    /// Command not accepted in this state.
    pub const NOT_ACCEPTED: Self = Self(0x6901);
    /// File structure does not fit the command.
    pub const FILE_STRUCTURE: Self = Self(0x6981);
    /// Security status not satisfied.
    pub const SECURITY_STATUS: Self = Self(0x6982);
    /// Key or PIN blocked.
    pub const BLOCKED: Self = Self(0x6983);
    /// Challenge missing or used.
    pub const CHALLENGE_INVALID: Self = Self(0x6984);
    /// Conditions of use not satisfied, or application locked.
    pub const CONDITIONS_OF_USE: Self = Self(0x6985);
    /// No current file.
    pub const NO_CURRENT_FILE: Self = Self(0x6986);
    /// Secure messaging data missing.
    pub const SECURE_MESSAGING_MISSING: Self = Self(0x6987);
    /// Secure messaging data or MAC wrong.
    pub const SECURE_MESSAGING_WRONG: Self = Self(0x6988);
    /// Wrong data field.
    pub const WRONG_DATA: Self = Self(0x6A80);
    /// Function not supported, or card or application blocked.
    pub const NOT_SUPPORTED: Self = Self(0x6A81);
    /// File or application not found.
    pub const FILE_NOT_FOUND: Self = Self(0x6A82);
    /// Record not found.
    pub const RECORD_NOT_FOUND: Self = Self(0x6A83);
    /// No space in the file.
    pub const NO_SPACE: Self = Self(0x6A84);
    /// Wrong P1-P2.
    pub const WRONG_P1P2: Self = Self(0x6A86);
    /// Key or referenced data not found.
    pub const KEY_NOT_FOUND: Self = Self(0x6A88);
    /// Offset outside the file.
    pub const WRONG_OFFSET: Self = Self(0x6B00);
    /// INS not supported.
    pub const INS_UNKNOWN: Self = Self(0x6D00);
    /// CLA not supported.
    pub const CLA_UNKNOWN: Self = Self(0x6E00);
    /// MAC wrong.
    pub const MAC_WRONG: Self = Self(0x9302);
    /// Application locked for good.
    pub const APPLICATION_LOCKED: Self = Self(0x9303);
    /// Balance insufficient.
    pub const AMOUNT_INSUFFICIENT: Self = Self(0x9401);
    /// Transaction counter at its maximum.
    pub const COUNTER_MAX: Self = Self(0x9402);
    /// Key index not supported.
    pub const KEY_INDEX: Self = Self(0x9403);
    /// Required MAC or TAC not available.
    pub const MAC_NOT_AVAILABLE: Self = Self(0x9406);

    /// `63Cx`: authentication refused, `tries` left (0 to 15).
    #[must_use]
    pub const fn tries_left(tries: u8) -> Self {
        Self(0x63C0 | (tries as u16 & 0x0F))
    }

    /// SW1.
    #[must_use]
    pub const fn sw1(self) -> u8 {
        self.0.to_be_bytes()[0]
    }

    /// SW2.
    #[must_use]
    pub const fn sw2(self) -> u8 {
        self.0.to_be_bytes()[1]
    }

    /// `9000`, or `61xx`: done with data waiting.
    #[must_use]
    pub const fn is_ok(self) -> bool {
        self.0 == Self::OK.0 || self.sw1() == 0x61
    }

    /// The `x` of `63Cx`.
    #[must_use]
    pub const fn tries(self) -> Option<u8> {
        if self.0 & 0xFFF0 == 0x63C0 { Some((self.0 & 0x0F) as u8) } else { None }
    }

    /// Meaning in Chinese and in English; `None` when no source names the value.
    ///
    /// Source: COS manual table of status words; driver error table.
    #[must_use]
    pub const fn meaning(self) -> Option<(&'static str, &'static str)> {
        Some(match self.0 {
            0x9000 => ("成功", "done"),
            0x6282 => ("文件在所需长度前结束", "the file ended before so many bytes"),
            0x6283 => ("所选文件或应用无效", "selected file or application is blocked"),
            0x6581 => ("写存储器失败", "memory write failed"),
            0x6700 => ("长度错误", "wrong length"),
            0x6900 => ("CLA 与安全报文不符", "CLA and secure messaging do not match"),
            0x6901 => ("当前状态不接受该命令", "command not accepted in this state"),
            0x6981 => ("文件结构不符", "file structure does not fit the command"),
            0x6982 => ("不满足安全条件", "security status not satisfied"),
            0x6983 => ("密钥或口令已锁定", "key or PIN blocked"),
            0x6984 => ("随机数无效", "challenge missing or already used"),
            0x6985 => ("使用条件不满足", "conditions of use not satisfied"),
            0x6986 => ("未选择文件", "no current file"),
            0x6987 => ("缺少安全报文数据", "secure messaging data missing"),
            0x6988 => ("安全报文数据错误", "secure messaging data wrong"),
            0x6A80 => ("数据域错误", "wrong data field"),
            0x6A81 => ("不支持该功能或卡已锁定", "not supported, or card or application blocked"),
            0x6A82 => ("未找到文件", "file not found"),
            0x6A83 => ("未找到记录", "record not found"),
            0x6A84 => ("文件空间不足", "no space in the file"),
            0x6A86 => ("P1、P2 错误", "wrong P1 P2"),
            0x6A88 => ("未找到密钥", "key not found"),
            0x6B00 => ("偏移量超出文件", "offset outside the file"),
            0x6D00 => ("不支持的 INS", "INS not supported"),
            0x6E00 => ("不支持的 CLA", "CLA not supported"),
            0x9302 => ("MAC 错误", "MAC wrong"),
            0x9303 => ("应用永久锁定", "application locked for good"),
            0x9401 => ("余额不足", "balance insufficient"),
            0x9402 => ("交易序号已到最大值", "transaction counter at its maximum"),
            0x9403 => ("不支持的密钥索引", "key index not supported"),
            0x9406 => ("所需 MAC 或 TAC 不可用", "required MAC or TAC not available"),
            sw if sw & 0xFFF0 == 0x63C0 => ("认证失败", "authentication refused"),
            _ => return None,
        })
    }
}

impl fmt::Display for StatusWord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04X}", self.0)
    }
}

impl fmt::Debug for StatusWord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.meaning() {
            Some((_, english)) => write!(f, "{self} ({english})"),
            None => write!(f, "{self}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_word_splits_and_joins() {
        for value in 0..=u16::MAX {
            let sw = StatusWord(value);
            assert_eq!(u32::from(sw.sw1()) * 256 + u32::from(sw.sw2()), u32::from(value));
            assert_eq!(sw.is_ok(), value == 36_864 || (24_832..=25_087).contains(&value));
            assert_eq!(sw.tries(), value.checked_sub(25_536).filter(|x| *x < 16).and_then(|x| u8::try_from(x).ok()));
            assert_eq!(sw.to_string().len(), 4);
        }
    }

    #[test]
    fn tries_left_is_the_inverse_of_tries() {
        for tries in 0..16 {
            assert_eq!(StatusWord::tries_left(tries).tries(), Some(tries));
        }
    }
}
