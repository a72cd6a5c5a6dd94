//! What a store, a security module, a list, a font or a certificate did, in Chinese.
//!
//! Owns: the Chinese side of errors whose English stands with their types. Never: codes, what to do next (`wording`).

use card_core::atr::AtrError;
use card_core::security::SecurityError;
use card_core::session::{ChallengeError, SessionError};
use settlement::blacklist::ListFault;
use settlement::catalogue::delivery::DeliveryFault;

use super::blacklist::BlacklistError;
use super::certificate::CertificateError;
use super::font::FontError;
use super::place::status;
use crate::file;
use crate::store::StoreError;

pub(super) fn store(error: &StoreError) -> String {
    match error {
        StoreError::Full { place } => format!("{place}:磁盘已满"),
        StoreError::Busy { place } => format!("{place}:另一个程序正在使用"),
        StoreError::Corrupt { place, reason } => format!("{place}:已损坏({reason})"),
        StoreError::Database { place, source } => format!("{place}:数据库报错({source})"),
        StoreError::Folder { place, source } => format!("{place}:{}", file::system(source).zh),
        StoreError::Altered { place } => format!("{place}:限额不是中心签发的"),
        StoreError::Moved { id, expected } => format!("日志号 {id} 已不在 {expected} 状态"),
    }
}

pub(super) fn security(error: &SecurityError) -> String {
    match error {
        SecurityError::KeyNotFound { name, version } => format!("安全模块没有密钥 {name} 版本 {version}"),
        SecurityError::LevelTooLow { name, levels } => {
            format!("安全模块中 {name} 的级别不同:不能用 {levels} 个分散因子")
        }
        SecurityError::Unsupported { operation } => format!("此安全模块不能做这一操作({operation})"),
        SecurityError::Refused { name, sw } => format!("安全模块拒绝使用 {name}:{}", status(*sw)),
        SecurityError::StaysInside { name } => format!("{name} 只能在安全模块内使用"),
        SecurityError::Gone(source) => format!("安全模块没有应答({source})"),
        SecurityError::NotPsam(sw) => format!("PSAM 卡槽中的卡不是社保 PSAM:应答 {}", status(*sw)),
        SecurityError::Session(error) => format!("安全模块没有应答:{}", session(error)),
        SecurityError::Challenge(ChallengeError::Session(error)) => session(error),
        SecurityError::Challenge(ChallengeError::Refused(sw)) => format!("卡没有给出随机数:{}", status(*sw)),
    }
}

pub(super) fn session(error: &SessionError) -> String {
    match error {
        SessionError::Transport(error) => error.zh(),
        SessionError::NoStatusWord(bytes, _) => format!("卡只应答了 {bytes} 字节,没有状态字"),
        SessionError::WrongForm(bytes, _) => format!("应答 {bytes} 字节,长度与命令不符"),
        SessionError::TooLong(bytes, _) => format!("应答 {bytes} 字节,超过所要的长度"),
        SessionError::EndlessAnswer(bytes, _) => format!("已应答 {bytes} 字节,卡仍称还有数据"),
        SessionError::Atr(AtrError::Truncated(bytes)) => format!("复位应答只有 {bytes} 字节,少于其中所称"),
        SessionError::Atr(AtrError::HistoricalTooShort(bytes)) => {
            format!("复位应答只有 {bytes} 字节历史字节,社保卡有 13 字节")
        }
    }
}

pub(super) fn blacklist(error: &BlacklistError) -> String {
    match error {
        BlacklistError::List(fault) => list(*fault),
        BlacklistError::Malformed { path, place } => format!("{path}:第 {} 行第 {} 列", place.line, place.column),
        BlacklistError::KeyUnknown => "终端还不知道中心的签名公钥".to_owned(),
        BlacklistError::KeyDiffers { offered, trusted } => format!("中心用 {offered} 签名,本终端信任的是 {trusted}"),
    }
}

fn list(fault: ListFault) -> String {
    match fault {
        ListFault::Foreign { key } => format!("名单出自公钥为 {key} 的中心"),
        ListFault::Unsigned { sequence } => format!("第 {sequence} 号名单的签名不符"),
        ListFault::Older { offered, held } => format!("第 {offered} 号名单早于已有的第 {held} 号"),
        ListFault::Expired { sequence, until } => format!("第 {sequence} 号名单已于 {until} 到期"),
        ListFault::Ahead { sequence, issued_at, now } => {
            format!("第 {sequence} 号名单签于 {issued_at},而本机时钟为 {now}")
        }
        ListFault::Gap { since, held } => format!("这是对第 {since} 号名单的变动,已有的是第 {held} 号"),
        ListFault::TooLong { sequence, cards } => format!("第 {sequence} 号名单有 {cards} 张卡,超过终端可存的张数"),
    }
}

pub(super) fn catalogue(fault: DeliveryFault) -> String {
    match fault {
        DeliveryFault::Foreign { key } => format!("目录出自公钥为 {key} 的中心"),
        DeliveryFault::Unsigned { sequence } => format!("第 {sequence} 号目录的签名不符"),
        DeliveryFault::Altered { sequence } => format!("第 {sequence} 号目录的内容与签名不符"),
        DeliveryFault::Older { offered, held } => format!("第 {offered} 号目录早于已有的第 {held} 号"),
        DeliveryFault::Expired { sequence, until } => format!("第 {sequence} 号目录应在 {until} 之前重新获取"),
        DeliveryFault::Ahead { sequence, issued_at, now } => {
            format!("第 {sequence} 号目录签于 {issued_at},而本机时钟为 {now}")
        }
        DeliveryFault::TooLong { sequence, bytes } => format!("第 {sequence} 号目录有 {bytes} 字节,超过终端可存的大小"),
    }
}

pub(super) fn certificate(error: &CertificateError) -> String {
    match error {
        CertificateError::CertificatesMissing => "卡上没有证书应用".to_owned(),
        CertificateError::CardSecretMissing { what } => format!("卡上还没有{}", secret(what)),
        CertificateError::KeyPairThere => "卡上已有签名密钥对,换掉它,证书就作废了".to_owned(),
        CertificateError::CertificatePinLength { bytes, .. } => format!("PIN 为 {bytes} 字节,每字节两位数字"),
        CertificateError::Envelope { path, source } => format!("{path}:{}", source.zh()),
        CertificateError::EnvelopeForeign => "卡的签名密钥打不开这个信封".to_owned(),
        CertificateError::CertificateMalformed { path } => format!("{path}:不是一张 DER 证书"),
        CertificateError::CertificateTooLong { bytes, room } => format!("证书 {bytes} 字节,卡上只有 {room} 字节"),
        CertificateError::CertificateForeign => "证书中不是这张卡的公钥".to_owned(),
        CertificateError::SignatureWrong => "用卡的公钥验证签名不通过".to_owned(),
    }
}

/// What a card of the certificate application may lack, as its error names it in English.
fn secret(what: &str) -> &str {
    match what {
        "master key" => "主控密钥",
        "key pair" => "密钥对",
        "certificate" => "证书",
        other => other,
    }
}

pub(super) fn font(error: &FontError) -> String {
    match error {
        FontError::Missing => format!("以下位置都没有中文字体:{}", FontError::PLACES.join("、")),
        FontError::Unreadable { path, source } => format!("{}:{}", path.display(), file::system(source).zh),
        FontError::Unusable { path } => format!("{}:不是含汉字的轮廓字体", path.display()),
    }
}
