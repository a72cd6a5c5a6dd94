//! Where it went wrong, in two languages.
//!
//! Owns: the text of the place of every error. Never: what happened or what to do next (`wording`); a PIN, a name, a social number.

use card_core::StatusWord;
use card_core::transport::pcsc::ChooseError;
use card_profiles::certificate::Role;
use settlement::parameters::ParameterFault;

use super::chinese;
use super::shell::ShellError;
use super::{CertificateError, TerminalError, Unsettled};
use crate::file;
use crate::language::Words;

impl TerminalError {
    /// Where: reader, file and line, status word, tries left. What a library or the system said stays as it was said.
    #[must_use]
    pub fn place(&self) -> Words {
        let said = |zh: String| Words::of(zh, self.to_string());
        match self {
            Self::Paper { path, reason, .. } => {
                Words::of(format!("{path}:{}", reason.zh), format!("{path}: {}", reason.en))
            }
            Self::Recording { path, line, reason } => {
                Words::of(format!("{path} 第 {line} 行:{}", reason.zh), self.to_string())
            }
            Self::Usage { said } => said.clone(),
            Self::BillRefused { reason } => reason.clone(),
            Self::Configuration { place, reason } => {
                Words::of(format!("{place}:{}", reason.zh), format!("{place}: {}", reason.en))
            }
            Self::Shell(ShellError::Closed { place, reason }) => {
                Words::of(format!("{place}:{}", reason.zh()), format!("{place}: {reason}"))
            }
            Self::Shell(ShellError::Value { place, source }) => {
                Words::of(format!("{place}:{}", source.zh()), format!("{place}: {source}"))
            }
            Self::Shell(ShellError::Unproved { place, rule, .. }) => said(format!("{place}:写条件 {rule}")),
            Self::Shell(ShellError::NoSuchPlace(place)) => said(format!("卡片描述中没有 {place}")),
            Self::Shell(ShellError::NoSuchKey(key)) => said(format!("卡片描述中没有可认证的密钥 {key}")),
            Self::Shell(ShellError::ReadBack(place)) => said(format!("{place} 读回的值不同")),
            Self::Shell(ShellError::Expectation { expected, got }) => said(format!("预期 {expected},实为 {got}")),
            Self::StillOpen { id, why } => {
                let why = match why {
                    Unsettled::PinNeeded => Words::new("验证密码后才能查询", "the card tells only after its PIN"),
                    Unsettled::Contradiction(why) => Words::explained(why),
                };
                Words::of(format!("交易 {id}:{}", why.zh), format!("transaction {id}: {}", why.en))
            }
            Self::BillOpen { bill, entry, card } => Words::of(
                format!("账单 {bill},日志号 {entry},卡 {card}"),
                format!("bill {bill}, entry {entry}, card {card}"),
            ),
            Self::KeyFile { path, source } => Words::of(format!("{path}:{}", source.zh()), format!("{path}: {source}")),
            Self::Certificate(CertificateError::CertificatePinLength { role, bytes }) => {
                let (zh, en) = match role {
                    Role::User => ("证书应用的用户 PIN", "the user PIN of the certificate application"),
                    Role::Administrator => {
                        ("证书应用的管理员 PIN", "the administrator PIN of the certificate application")
                    }
                };
                let most = u16::from(*bytes) * 2;
                let least = most.saturating_sub(1);
                Words::of(format!("{zh} 为 {least} 或 {most} 位数字"), format!("{en} has {least} or {most} digits"))
            }
            Self::Certificate(CertificateError::Envelope { path, source }) => {
                Words::of(format!("{path}:{}", source.zh()), format!("{path}: {source}"))
            }
            Self::Profile { place, source } => {
                Words::of(format!("{place}:{}", source.zh()), format!("{place}: {source}"))
            }
            Self::Listen { address, source } => {
                let said = file::system(source);
                Words::of(format!("{address}:{}", said.zh), format!("{address}: {}", said.en))
            }
            Self::File { path, source } | Self::Trace { path, source } => {
                let said = file::system(source);
                Words::of(format!("{path}:{}", said.zh), format!("{path}: {}", said.en))
            }
            Self::ProfileContradicts(found) => found.words(),
            Self::ProfileUnknown { name } => {
                Words::of(format!("{name}:内置描述中没有这个名称,也没有这个文件"), self.to_string())
            }
            Self::ProfileDiffers(differs) => differs.words(),
            Self::NotText { path, line, byte, .. } => {
                Words::of(format!("{path} 第 {line} 行:文件第 {byte} 个字节不是 UTF-8"), self.to_string())
            }
            Self::Session(error) => said(chinese::session(error)),
            Self::DumpVersion { path, format, known } => said(format!("{path}:版本 {format},本程序可读 1 至 {known}")),
            Self::Dump { path, line, column } => {
                said(format!("{path} 第 {line} 行第 {column} 列:此处应为卡片内容,或由位置到值的对象"))
            }
            Self::SecretUnreadable { place } => said(format!("{place} 读不到")),
            Self::SecretForm => said("口令用 env:名称、file:路径 或 prompt 给出,不写在命令行上".to_owned()),
            Self::TraceEmpty { path } => Words::same(path.clone()),
            Self::PersonMissing { path } => said(format!("{path}:没有一行是这张卡的社会保障号码")),
            Self::KeysDiffer => said("卡以内部认证证明的 IRK 与所给密钥不同".to_owned()),
            Self::Address { address } => said(format!("{address} 不是 https:// 或 http:// 地址")),
            Self::PinFormat => said("密码为 4 至 12 位数字".to_owned()),
            Self::PinNeeded => said("没有给出密码".to_owned()),
            Self::NoUserCard { readers } => said(format!("以下读卡器中没有卡:{}", readers.join("、"))),
            Self::SeveralUserCards { readers } => said(format!("有卡的读卡器:{}", readers.join("、"))),
            Self::PsamMissing { readers } if readers.is_empty() => said("没有找到 PSAM".to_owned()),
            Self::PsamMissing { readers } => said(format!("以下读卡器中没有 PSAM:{}", readers.join("、"))),
            Self::SeveralPsams { readers } => said(format!("有 PSAM 的读卡器:{}", readers.join("、"))),
            Self::Choose(ChooseError::Transport(error)) => said(error.zh()),
            Self::Choose(ChooseError::NoReader) => said("没有连接读卡器".to_owned()),
            Self::Choose(ChooseError::NoMatch { wanted, attached }) => {
                said(format!("没有与“{wanted}”相符的读卡器;已连接:{}", attached.join("、")))
            }
            Self::Choose(ChooseError::Ambiguous { wanted, matching }) => {
                said(format!("“{wanted}”与多个读卡器相符:{}", matching.join("、")))
            }
            Self::NotSsc { command, sw } => said(format!("对 {command} 的应答为 {}", status(*sw))),
            Self::CardIsPsam => said("所指定读卡器中的卡是 PSAM".to_owned()),
            Self::CardBlank => said("卡的识别码全为零".to_owned()),
            Self::CardIdentifier => said("SSSE EF05 第 01 项:卡的识别码没有城市代码,或没有本类卡的 RID".to_owned()),
            Self::CardBlocked { sw } => said(format!("应答 {}", status(*sw))),
            Self::CardVersion { version } => said(format!("规范版本“{version}”")),
            Self::AlgorithmNotPublic => {
                said("卡的密钥用 SSF33 或第三代以前的 SM4,规则未公开:只能读免密钥的数据".to_owned())
            }
            Self::FileUnknown { file, profile } => said(format!("{profile} 没有文件 {file}")),
            Self::Interrupted => said("由 Ctrl-C 或信号结束；正在进行的一项已做完".to_owned()),
            Self::NotReached => said("读完此文件之前卡已无应答".to_owned()),
            Self::ApplicationMissing { df } => said(format!("卡上没有应用 {df}")),
            Self::CardRefused { command, sw } => said(format!("对 {command} 的应答为 {}", status(*sw))),
            Self::CardAnswer { command } => said(format!("对 {command} 的应答格式不对")),
            Self::OtherCard => said("读卡器中是另一张卡".to_owned()),
            Self::ForeignCity { city, ours } => said(format!("发卡城市 {city},本终端 {ours}")),
            Self::NotYetValid { from } => said(format!("自 {from} 起有效")),
            Self::Expired { until } => said(format!("有效期至 {until}")),
            Self::Blacklisted { sequence } => said(format!("在第 {sequence} 号黑名单上")),
            Self::BlacklistMissing => said("从未取过黑名单".to_owned()),
            Self::BlacklistStale { age_hours, limit_hours } => {
                said(format!("黑名单已有 {age_hours} 小时,最多 {limit_hours} 小时"))
            }
            Self::PinWrong { left } => said(format!("还可试 {left} 次")),
            Self::PinBlocked => said("密码已无剩余次数".to_owned()),
            Self::PinInitial => said("给出的是初始密码".to_owned()),
            Self::PinNewInitial => said("新密码与初始密码相同".to_owned()),
            Self::LastTry { secret, left } => said(format!("{secret} 还可试 {left} 次")),
            Self::PsamAlgorithm { readers } if readers.is_empty() => said("没有支持此卡算法的 PSAM".to_owned()),
            Self::PsamAlgorithm { readers } => said(format!("有 PSAM 的读卡器:{}", readers.join("、"))),
            Self::PsamSilent => said("PSAM 没有应答".to_owned()),
            Self::PsamWrong { city } => said(format!("PSAM 的密钥与此卡(城市 {city})不符")),
            Self::KeyRefused { key, left } => said(format!("卡不接受 {key},还可试 {left} 次")),
            Self::KeyNotTried { key, refused } => said(format!("卡拒绝了 {refused},{key} 未再尝试")),
            Self::KeyBlocked { key } => said(format!("卡的 {key} 已锁定")),
            Self::PsamDiffers { journal, psam } => said(format!("数据目录属于终端 {journal},PSAM 为 {psam}")),
            Self::MacWrong => said("卡的 MAC2 验证不通过".to_owned()),
            Self::BalanceInsufficient => said("个人账户余额少于应付金额".to_owned()),
            Self::YearTotalFull { year } => said(format!("{year} 年的累计容不下这笔金额")),
            Self::ClockBehindCard { year } => said(format!("卡上累计属于 {year} 年")),
            Self::BillPaid { bill, entry, undone } => {
                said(format!("账单 {bill} 已付,见日志号 {entry}{}", undone.map_or("", super::refund::undone_zh)))
            }
            Self::Refund(fault) => fault.words(),
            Self::LimitExceeded { limit } => limit.words(),
            Self::Parameters(fault) => said(match fault {
                ParameterFault::Foreign { key } => format!("参数由公钥为 {key} 的中心签发"),
                ParameterFault::Elsewhere { terminal } => format!("参数是终端 {terminal} 的"),
                ParameterFault::Unsigned { sequence } => format!("第 {sequence} 号参数的签名不符"),
                ParameterFault::Older { offered, held } => format!("第 {offered} 号参数比终端的第 {held} 号旧"),
                ParameterFault::Expired { sequence, until } => format!("第 {sequence} 号参数有效至 {until}"),
                ParameterFault::Ahead { sequence, issued_at, now } => {
                    format!("第 {sequence} 号参数签发于 {issued_at},终端时钟为 {now}")
                }
            }),
            Self::OnlineRequired => said("本终端须经中心同意才能收款,未能问到中心".to_owned()),
            Self::Uncertain { id } => said(format!("交易 {id} 的结果未知")),
            Self::Line(fault) => said(fault.zh()),
            Self::CentreUnreachable { address, .. } => said(format!("中心 {address} 没有应答")),
            Self::CentreAnswer { path } => said(format!("中心对 {path} 的应答格式不对")),
            Self::CentreRefused { path, code } => said(format!("中心拒绝 {path}:{code}")),
            Self::ChainDiffers { theirs, ours } => said(format!("中心等待第 {theirs} 批,终端已到第 {ours} 批")),
            Self::National(error) => error.place(),
            Self::NothingToLoad => said("没有为此卡待划入的金额".to_owned()),
            Self::LoadOwed { owed } => said(format!("欠款 {owed} 元")),
            Self::NotEnrolled => said("终端还没有密钥和编号".to_owned()),
            Self::ReceiptUnwritten { id, path, source } => {
                said(format!("交易 {id} 的小票写不到 {path}:{}", file::system(source).zh))
            }
            Self::ClockBack { mark } => said(format!("已知时间 {mark}")),
            Self::CardRenamed { entry } => said(format!("交易 {entry} 中此芯片的卡识别码与现在不同")),
            Self::ClockDiffers { centre } => said(format!("中心时间 {centre}")),
            Self::SignedOut { at } => said(format!("本终端已于 {at} 签退")),
            Self::NotUndecided { id } => said(format!("没有结果未知的交易 {id}")),
            Self::ReceiptUnknown { id } => said(format!("没有小票 {id}")),
            Self::OutputUnknown { id } => said(format!("没有调用的输出 {id}")),
            Self::RehearsalMissing { program, source } => {
                said(format!("{program} 不能启动:{}", file::system(source).zh))
            }
            Self::Output { .. } => said("标准输出写不出".to_owned()),
            Self::NotRecorded { id, source } => {
                said(format!("交易 {id} 已在卡上完成,尚未记入日志:{}", chinese::store(source)))
            }
            Self::Bug(what) => said(format!("程序内部错误:{what}")),
            Self::Shell(ShellError::Usage(words)) => words.clone(),
            Self::Shell(ShellError::PinSource) => said("没有给出密码".to_owned()),
            Self::Shell(ShellError::ReadOnly) => said("启动时没有给 --allow-update".to_owned()),
            Self::Blacklist(error) => said(chinese::blacklist(error)),
            Self::Catalogue(fault) => said(chinese::catalogue(*fault)),
            Self::Certificate(error) => said(chinese::certificate(error)),
            Self::Security(error) => said(chinese::security(error)),
            Self::Font(error) => said(chinese::font(error)),
            Self::Store(error) => said(chinese::store(error)),
        }
    }
}

/// A status word with its meaning, in Chinese.
pub(super) fn status(sw: StatusWord) -> String {
    sw.meaning().map_or_else(|| sw.to_string(), |(zh, _)| format!("{sw}({zh})"))
}

#[cfg(test)]
mod tests {
    use card_core::security::{KeyName, SecurityError};
    use settlement::blacklist::ListFault;

    use super::*;
    use crate::store::StoreError;

    #[test]
    fn a_chinese_place_is_in_chinese() {
        let sw = StatusWord(0x6581);
        let command = "READ RECORD EF05";
        let errors = [
            TerminalError::NotSsc { command, sw },
            TerminalError::CardAnswer { command },
            TerminalError::CardRefused { command, sw },
            TerminalError::CardVersion { version: "9.00".to_owned() },
            TerminalError::CardBlocked { sw },
            TerminalError::CardIdentifier,
            TerminalError::PinBlocked,
            TerminalError::Choose(ChooseError::NoMatch { wanted: "9".to_owned(), attached: vec!["R 0".to_owned()] }),
            TerminalError::Dump { path: "a.json".to_owned(), line: 1, column: 2 },
            TerminalError::KeysDiffer,
            TerminalError::AlgorithmNotPublic,
            TerminalError::PsamMissing { readers: Vec::new() },
            TerminalError::Store(StoreError::Busy { place: "journal.db".to_owned() }),
            TerminalError::Security(SecurityError::NotPsam(sw)),
            TerminalError::Security(SecurityError::KeyNotFound { name: KeyName::new("DPK"), version: 1 }),
            TerminalError::Blacklist(ListFault::Gap { since: 1, held: 2 }.into()),
            TerminalError::Certificate(CertificateError::CardSecretMissing { what: "key pair" }),
            TerminalError::Shell(ShellError::ReadOnly),
        ];
        for error in errors {
            let Words { zh, en } = error.place();
            assert!(zh.chars().any(|sign| ('一'..='龥').contains(&sign)), "{zh}");
            assert!(!zh.contains("the ") && en.is_ascii(), "{zh} / {en}");
        }
        assert_eq!(
            TerminalError::CardRefused { command, sw }.place().zh,
            "对 READ RECORD EF05 的应答为 6581(写存储器失败)"
        );
    }
}
