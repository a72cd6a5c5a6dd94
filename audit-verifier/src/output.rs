//! What the user sees, and the exit code: 0 holds · 2 no such file · 7 does not hold · 9 cannot be read.

use std::process::ExitCode;

use clap::ValueEnum;

use crate::chain::{Failure, Reason, Verdict};

/// Language.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Lang {
    /// 中文.
    Zh,
    /// English.
    En,
}

/// Tells a verdict.
pub(crate) fn verdict(verdict: &Verdict, lang: Lang) -> ExitCode {
    let Verdict { records, checkpoints, signed_until, anchored, key_pinned, clock_back, first_bad } = verdict;
    if let Some((sequence, reason)) = first_bad {
        let reason = words(*reason, lang);
        match lang {
            Lang::Zh => println!("第 {sequence} 条不可信: {reason}"),
            Lang::En => println!("record {sequence} does not hold: {reason}"),
        }
        return ExitCode::from(7);
    }
    match lang {
        Lang::Zh => println!("日志完整: {records} 条记录, {checkpoints} 个签名检查点"),
        Lang::En => println!("the log holds: {records} records, {checkpoints} signed checkpoints"),
    }
    let behind = i64::try_from(*records).unwrap_or(i64::MAX) - signed_until;
    if behind > 0 {
        match lang {
            Lang::Zh => {
                println!("签名到第 {signed_until} 条，其后 {behind} 条没有签名: 能改写数据库和锚文件的人可以重造它们")
            }
            Lang::En => println!(
                "signed up to record {signed_until}; the {behind} behind it are not: who can write database and anchor can make them anew"
            ),
        }
    }
    if let Some(sequence) = clock_back {
        match lang {
            Lang::Zh => println!("第 {sequence} 条的时间早于此前的记录: 时钟被拨回过"),
            Lang::En => println!("record {sequence} is earlier than one before it: the clock was set back"),
        }
    }
    if !anchored {
        match lang {
            Lang::Zh => println!("未给出 --anchor: 最后一个检查点之后的末尾未核对"),
            Lang::En => println!("without --anchor: the end behind the last checkpoint was not compared"),
        }
    }
    if !key_pinned && *checkpoints > 0 {
        match lang {
            Lang::Zh => println!("未给出 --public-key: 公钥取自日志本身"),
            Lang::En => println!("without --public-key: the key is the one that the log names"),
        }
    }
    ExitCode::SUCCESS
}

/// Tells why nothing could be verified, and what to do.
pub(crate) fn error(error: &Failure, lang: Lang) -> ExitCode {
    let (code, zh, en) = match error {
        Failure::File { source, .. } if source.kind() == std::io::ErrorKind::NotFound => {
            (2, "检查文件名", "check the name of the file")
        }
        Failure::File { .. } => (9, "检查权限和磁盘", "check permissions and disk"),
        Failure::Line { .. } => (9, "用 issuer audit export 重新导出", "export again with `issuer audit export`"),
        Failure::LogUnread { .. } => (
            9,
            "把 centre.db 和 centre.db-wal 一起复制到可写的文件夹再核验",
            "copy centre.db and centre.db-wal together into a folder that can be written, and verify there",
        ),
        Failure::Overtaken { .. } => (9, "再运行一次", "run it again"),
        Failure::Database { .. } => (9, "检查文件是否为 centre.db", "check that the file is a centre.db"),
    };
    match lang {
        Lang::Zh => eprintln!("错误: {error}\n处理办法: {zh}"),
        Lang::En => eprintln!("error: {error}\nnext: {en}"),
    }
    ExitCode::from(code)
}

const fn words(reason: Reason, lang: Lang) -> &'static str {
    let (zh, en) = match reason {
        Reason::Gap => ("记录缺失或次序被改", "it is missing, or stands elsewhere"),
        Reason::Unchained => ("与前一条不相接", "it does not follow from the record before"),
        Reason::Altered => ("内容被改动", "its content was altered"),
        Reason::CheckpointDiffers => ("与签名检查点不符", "it differs from its signed checkpoint"),
        Reason::KeyMissing => (
            "检查点有签名，但日志中没有公钥: 用 --public-key 给出",
            "its checkpoint is signed and the log names no key: give it with --public-key",
        ),
        Reason::SignatureWrong => ("检查点签名无效", "the signature of its checkpoint is wrong"),
        Reason::CheckpointMissing => ("此处的签名检查点被删除", "the checkpoint that was signed here is missing"),
        Reason::CutOff => ("日志末尾被截去", "the end of the log was cut off"),
        Reason::AnchorDiffers => ("锚文件中没有这一条", "the anchor does not know it"),
        Reason::Replaced => (
            "此前已有另一条同号记录提交: 日志在此被截去后续写",
            "another one was committed before: the log was cut off here and went on",
        ),
        Reason::AnchorBroken => ("锚文件损坏", "the anchor is damaged"),
        Reason::Unsigned => {
            ("此前核验时已有签名，现在没有", "it was signed when the log was looked at before, and is not")
        }
    };
    match lang {
        Lang::Zh => zh,
        Lang::En => en,
    }
}
