//! Words for people, in Chinese and English: what happened, where, and what to do next.

use std::fmt::Write;
use std::io;

use clap::ValueEnum;

use super::Failure;
use crate::card::Silence;
use crate::fault::{Fault, FaultPlan, Moment, Trigger};
use crate::image::{ImageError, Malformed};
use crate::model::ModelError;
use crate::reader::ReaderError;
use crate::reader::control::Status;
use card_profiles::rehearsal::MARK;

/// Language of messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Lang {
    /// 中文.
    Zh,
    /// English.
    En,
}

impl Lang {
    /// That of the environment, as POSIX orders its variables.
    pub(crate) fn of_locale() -> Self {
        let locale = ["LC_ALL", "LC_MESSAGES", "LANG"].into_iter().filter_map(|name| std::env::var(name).ok());
        match locale.into_iter().find(|value| !value.is_empty()) {
            Some(value) if value.starts_with("zh") => Self::Zh,
            _ => Self::En,
        }
    }

    pub(crate) const fn pick<'t>(self, zh: &'t str, en: &'t str) -> &'t str {
        match self {
            Self::Zh => zh,
            Self::En => en,
        }
    }
}

/// Stable code.
pub(crate) fn code(failure: &Failure) -> &str {
    match failure {
        Failure::NoProfile(_) => "PROFILE_NOT_FOUND",
        Failure::HopperEmpty => "HOPPER_EMPTY",
        Failure::Image(error) => error.code(),
        Failure::Reader(error) => error.code(),
        Failure::ServerEnded { .. } => "CARD_SERVER_ENDED",
        Failure::KeyFile { source, .. } => source.code(),
        Failure::File { .. } => "FILE",
    }
}

/// Code, what happened and what to do next, in two lines.
pub(crate) fn failure(lang: Lang, failure: &Failure) -> String {
    if let Failure::ServerEnded { report, .. } = failure {
        // The server has worded it already.
        return report.clone();
    }
    let (code, [what, next]) = (code(failure), told(lang, failure));
    in_two_lines(lang, code, &what, &next)
}

/// An error as people read it.
pub(crate) fn in_two_lines(lang: Lang, code: &str, what: &str, next: &str) -> String {
    match lang {
        Lang::Zh => format!("错误 {code}: {what}\n  处理: {next}"),
        Lang::En => format!("error {code}: {what}\n  next: {next}"),
    }
}

/// What happened, and what to do next.
pub(crate) fn told(lang: Lang, failure: &Failure) -> [String; 2] {
    let (zh, next_zh, next_en) = advice(failure);
    match lang {
        Lang::Zh => [format!("{zh}{}", particulars(failure)), next_zh.to_owned()],
        Lang::En => [failure.to_string(), next_en.to_owned()],
    }
}

/// What happened and what to do next when keys cannot be put into a card.
const KEY_FILE: (&str, &str, &str) = (
    "密钥文件不能用于此卡",
    "按 card-sim/README.md 的格式修改密钥文件",
    "mend the key file as card-sim/README.md describes it",
);

/// Where, and what the system said, in Chinese and in brackets; nothing where the first words say all.
fn particulars(failure: &Failure) -> String {
    let words = match failure {
        Failure::NoProfile(name) => name.clone(),
        Failure::HopperEmpty => String::new(),
        Failure::ServerEnded { report, .. } => report.clone(),
        Failure::KeyFile { path, source } => format!("{}: {}", path.display(), source.zh()),
        Failure::File { path, source } => format!("{}: {}", path.display(), system(source)),
        Failure::Image(error) => image_particulars(error),
        Failure::Reader(error) => reader_particulars(error),
    };
    if words.is_empty() { words } else { format!(" ({words})") }
}

fn image_particulars(error: &ImageError) -> String {
    match error {
        ImageError::File { path, source } => format!("{}: {}", path.display(), system(source)),
        ImageError::Exists(path)
        | ImageError::NotFound(path)
        | ImageError::InUse(path)
        | ImageError::TooManyFaults(path) => path.display().to_string(),
        ImageError::Malformed { path, problem } => {
            let problem = match problem {
                Malformed::Magic => "开头没有卡映像标记".to_owned(),
                Malformed::Version { format, layout } => format!("格式 {format}, 布局 {layout}"),
                Malformed::Areas => "各区与文件不符".to_owned(),
                Malformed::Identity => "卡片身份无法读出".to_owned(),
                Malformed::Damaged(bytes) => format!("前 {bytes} 字节（文件头或卡片身份）中有字节损坏"),
                Malformed::Mark => format!("没有 {MARK} 标记"),
                Malformed::Faults => "故障设置无法读出".to_owned(),
            };
            format!("{}: {problem}", path.display())
        }
        ImageError::Profile(error) => error.zh(),
        ImageError::Card(silence) => match silence {
            Silence::Unpowered => "卡未上电".to_owned(),
            Silence::PowerLost { .. } => "卡掉电".to_owned(),
            Silence::Mute => "卡无应答".to_owned(),
            Silence::Memory(_) => "卡存储器故障".to_owned(),
        },
        // Names of rows, files and keys: the words between them are those of the grammar.
        ImageError::Model(ModelError::NotBeside(name)) => format!("{name} 不是 PSAM, 用户卡只有一个环境"),
        ImageError::Model(ModelError::SameEnvironment(name)) => format!("两个环境同名: {name}"),
        ImageError::Model(error) => error.to_string(),
        ImageError::Keys(error) => error.zh(),
    }
}

fn reader_particulars(error: &ReaderError) -> String {
    match error {
        ReaderError::NoDaemon | ReaderError::NoDriver | ReaderError::NoHopper => String::new(),
        ReaderError::DaemonFailed { report } => report.clone(),
        ReaderError::Running(path) | ReaderError::NotRunning(path) | ReaderError::PathTooLong(path) => {
            path.display().to_string()
        }
        ReaderError::NoSuchSlot { slot, slots } => format!("卡槽 {slot}; 共 {slots} 个, 从 0 起"),
        ReaderError::SlotCount(count) => count.to_string(),
        ReaderError::Occupied(slot) | ReaderError::Empty(slot) => format!("卡槽 {slot}"),
        ReaderError::Image(error) => image_particulars(error),
        ReaderError::State { path, source } => format!("{}: {}", path.display(), system(source)),
        ReaderError::Network(error) => system(error),
        ReaderError::Server { code, .. } => code.clone(),
    }
}

/// What the system says of a file or connection, in Chinese.
fn system(error: &io::Error) -> String {
    let words = match error.kind() {
        io::ErrorKind::NotFound => "不存在",
        io::ErrorKind::PermissionDenied => "没有权限",
        io::ErrorKind::AlreadyExists => "已存在",
        io::ErrorKind::IsADirectory => "是目录",
        io::ErrorKind::NotADirectory => "不是目录",
        io::ErrorKind::StorageFull => "磁盘已满",
        io::ErrorKind::ReadOnlyFilesystem => "文件系统只读",
        io::ErrorKind::FileTooLarge => "文件过大",
        io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof => "内容不完整或不是所要的格式",
        io::ErrorKind::ConnectionRefused | io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => "连接中断",
        io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock => "超时",
        _ => return error.raw_os_error().map_or_else(|| "系统错误".to_owned(), |code| format!("系统错误 {code}")),
    };
    words.to_owned()
}

/// What happened in Chinese; what to do next in both.
fn advice(failure: &Failure) -> (&'static str, &'static str, &'static str) {
    match failure {
        Failure::NoProfile(_) => (
            "没有这个卡片描述",
            "使用 ssc-3.0、psam 或描述文件的路径",
            "use ssc-3.0, psam, or the path of a profile file",
        ),
        Failure::HopperEmpty => ("卡仓已空", "把新卡映像放入卡仓目录", "put more images into the hopper folder"),
        Failure::ServerEnded { .. } => ("卡服务已退出", "查看 server.log", "see server.log in the state folder"),
        Failure::KeyFile { .. } => KEY_FILE,
        Failure::File { .. } => (
            "文件或目录不可用",
            "检查路径、权限和磁盘空间",
            "check the path, its permissions and the space on the disk",
        ),
        Failure::Image(error) => image_advice(error),
        Failure::Reader(error) => reader_advice(error),
    }
}

const fn image_advice(error: &ImageError) -> (&'static str, &'static str, &'static str) {
    match error {
        ImageError::File { .. } => (
            "卡映像文件不可用",
            "检查路径、权限和磁盘空间",
            "check the path, its permissions and the space on the disk",
        ),
        ImageError::Exists(_) => {
            ("文件已存在, 未改动", "换一个文件名, 或先删除旧文件", "choose another name, or remove the old file first")
        }
        ImageError::NotFound(_) => {
            ("没有这个卡映像", "用 card-sim new 制作, 或检查路径", "make it with card-sim new, or check the path")
        }
        ImageError::InUse(_) => {
            ("卡在另一个读卡器中", "先用 card-sim reader eject 取出", "pull it there first: card-sim reader eject")
        }
        ImageError::Malformed { problem: Malformed::Version { .. }, .. } => (
            "卡映像的版本不符",
            "用制作它的版本或更新版本的 card-sim 打开",
            "open it with the version of card-sim that made it, or a later one",
        ),
        ImageError::Malformed { .. } => ("不是卡映像", "用 card-sim new 重新制作", "make a new one with card-sim new"),
        ImageError::TooManyFaults(_) => ("故障设置过多", "用 --clear 清除后重设", "start over with --clear"),
        ImageError::Model(ModelError::NotBeside(_) | ModelError::SameEnvironment(_)) => (
            "卡片描述不能合为一张卡",
            "--beside 写另一环境的 PSAM 描述",
            "name a PSAM of another environment after --beside",
        ),
        ImageError::Model(_) | ImageError::Profile(_) => {
            ("卡片描述不能制卡", "按提示修改描述文件", "mend the profile where the message says")
        }
        ImageError::Keys(_) => KEY_FILE,
        ImageError::Card(_) => ("卡存储器无法恢复", "此映像作废, 另制新卡", "this image is spoilt; make a new card"),
    }
}

fn reader_advice(error: &ReaderError) -> (&'static str, &'static str, &'static str) {
    match error {
        ReaderError::NoDaemon => {
            ("未安装 pcscd", "安装软件包: apt-get install pcscd", "install the package: apt-get install pcscd")
        }
        ReaderError::NoDriver => (
            "未安装虚拟读卡器驱动",
            "安装软件包: apt-get install vsmartcard-vpcd",
            "install the package: apt-get install vsmartcard-vpcd",
        ),
        ReaderError::DaemonFailed { .. } => (
            "专用 PC/SC 服务未能工作",
            "查看状态目录中的 server.log 和 pcscd.log, 然后 card-sim reader stop 并重新启动",
            "see server.log in the state folder, then card-sim reader stop and start again",
        ),
        ReaderError::Running(_) => (
            "读卡器已在运行",
            "先 card-sim reader stop, 或用 --state 另选目录",
            "card-sim reader stop first, or choose another folder with --state",
        ),
        ReaderError::NotRunning(_) => (
            "读卡器未运行",
            "先 card-sim reader start, --state 须与启动时相同",
            "card-sim reader start first; --state must be the one given there",
        ),
        ReaderError::NoSuchSlot { .. } => {
            ("没有这个卡槽", "用 card-sim reader status 查看", "see card-sim reader status")
        }
        ReaderError::SlotCount(_) => {
            ("卡槽数量不对", "1 到 16 个; 更多请另开一组 (--state)", "1 to 16; start another set with --state for more")
        }
        ReaderError::Occupied(_) => ("卡槽中已有卡", "先 card-sim reader eject", "card-sim reader eject first"),
        ReaderError::Empty(_) => ("卡槽中没有卡", "先 card-sim reader insert", "card-sim reader insert first"),
        ReaderError::NoHopper => ("未指定卡仓", "启动时加 --hopper 目录", "start with --hopper DIR"),
        ReaderError::Image(error) => image_advice(error),
        ReaderError::State { .. } => (
            "状态目录不可用",
            "检查权限, 或用 --state 另选目录",
            "check its permissions, or choose another with --state",
        ),
        ReaderError::PathTooLong(_) => {
            ("状态目录路径过长", "用 --state 选一个短路径", "choose a shorter path with --state")
        }
        ReaderError::Network(_) => {
            ("与卡服务的连接中断", "card-sim reader stop 后重新启动", "card-sim reader stop, then start again")
        }
        ReaderError::Server { .. } => ("卡服务拒绝", "用 card-sim reader status 查看", "see card-sim reader status"),
    }
}

pub(crate) fn faults(lang: Lang, plan: &FaultPlan) -> String {
    if plan.is_empty() {
        return lang.pick("没有故障设置\n", "no faults are set\n").to_owned();
    }
    plan.faults().iter().map(|fault| format!("{}\n", fault_in_words(lang, fault))).collect()
}

/// One fault, and when it happens.
fn fault_in_words(lang: Lang, fault: &Fault) -> String {
    let when = |at: &Trigger| match (lang, at.ins, at.nth) {
        (Lang::Zh, _, 0) => "已经发生".to_owned(),
        (Lang::En, _, 0) => "it happened".to_owned(),
        (Lang::Zh, None, nth) => format!("第 {nth} 条命令"),
        (Lang::En, None, nth) => format!("command {nth} from now"),
        (Lang::Zh, Some(ins), nth) => format!("第 {nth} 条 INS {ins:02X} 命令"),
        (Lang::En, Some(ins), nth) => format!("command {nth} with INS {ins:02X} from now"),
    };
    let words = |zh: String, en: String| match lang {
        Lang::Zh => zh,
        Lang::En => en,
    };
    match fault {
        Fault::PowerLoss { at, moment, back_after_ms } => {
            let (zh, en) = match moment {
                Moment::Before => ("执行之前".to_owned(), "before the card acts".to_owned()),
                Moment::After => {
                    ("执行之后、应答之前".to_owned(), "after the card acted, before it answers".to_owned())
                }
                Moment::Inside { write, half: false } => {
                    (format!("第 {write} 次写入之后"), format!("after {write} memory writes"))
                }
                Moment::Inside { write, half: true } => (
                    format!("第 {write} 次写入之后、下一次写到一半"),
                    format!("after {write} memory writes, inside the next"),
                ),
            };
            let (back_zh, back_en) = match back_after_ms {
                Some(ms) => (format!("{ms} 毫秒后自行插回"), format!("back in the reader after {ms} ms")),
                None => ("须重新插卡".to_owned(), "until it is put back".to_owned()),
            };
            let when = when(at);
            words(format!("掉电: {when}, {zh}; {back_zh}"), format!("power loss: {when}, {en}; {back_en}"))
        }
        Fault::Lemon { after_writes } => words(
            format!("存储器损坏: 再写 {after_writes} 次后, 每次写入都失败 (6581)"),
            format!("worn memory: every write fails (6581) after {after_writes} more"),
        ),
        Fault::Mute { at } => {
            words(format!("不再应答: 从{}起", when(at)), format!("mute: {} and ever after", when(at)))
        }
        Fault::Slow { at, ms } => {
            words(format!("应答迟缓: {}, 迟 {ms} 毫秒", when(at)), format!("slow: {}, {ms} ms late", when(at)))
        }
        Fault::Endless { at } => {
            words(format!("应答没有尽头: {}", when(at)), format!("endless answer (61xx): {}", when(at)))
        }
        Fault::Truncated { at, keep } => words(
            format!("应答中断: {}, 只发出 {keep} 字节", when(at)),
            format!("answer cut off: {}, {keep} bytes come", when(at)),
        ),
        Fault::WrongProcedure { at } => {
            words(format!("过程字节错误: {}", when(at)), format!("wrong procedure byte: {}", when(at)))
        }
        Fault::BitErrors { at, per_million, .. } => words(
            format!("应答有误码: 从{}起, 每百万位 {per_million} 位", when(at)),
            format!("bit errors: {} and ever after, {per_million} of a million bits", when(at)),
        ),
        Fault::Storm { per_mille, .. } => words(
            format!("随机故障: 每千条命令 {per_mille} 条"),
            format!("storm of faults: {per_mille} of a thousand commands"),
        ),
    }
}

pub(crate) fn status(lang: Lang, status: &Status) -> String {
    let state = if status.daemon_runs { lang.pick("运行中", "running") } else { lang.pick("已停止", "dead") };
    let mut text = format!("pcscd {} {state}  {}\n", status.daemon_pid, status.csock.display());
    for slot in &status.slots {
        let card = match (&slot.image, slot.present) {
            (None, _) => lang.pick("空", "empty").to_owned(),
            (Some(image), true) => image.display().to_string(),
            (Some(image), false) => format!("{} ({})", image.display(), lang.pick("暂离", "away")),
        };
        writeln!(text, "{:2}  {}  {card}", slot.slot, slot.reader).expect("a String takes any text");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_are_told_in_plain_words_of_either_language() {
        let at = Trigger { ins: Some(0xB2), nth: 3 };
        let seed = serde_json::from_str("7").expect("a seed");
        let faults = [
            Fault::PowerLoss { at, moment: Moment::Inside { write: 2, half: true }, back_after_ms: Some(500) },
            Fault::Lemon { after_writes: 9 },
            Fault::Mute { at: Trigger::command(1) },
            Fault::Slow { at, ms: 40 },
            Fault::Endless { at: Trigger::command(0) },
            Fault::Truncated { at, keep: 1 },
            Fault::WrongProcedure { at },
            Fault::BitErrors { at, per_million: 10, seed },
            Fault::Storm { per_mille: 5, seed },
        ];
        for fault in faults {
            let (zh, en) = (fault_in_words(Lang::Zh, &fault), fault_in_words(Lang::En, &fault));
            assert!(!zh.replace("INS", "").replace("B2", "").chars().any(|c| c.is_ascii_alphabetic()), "{zh}");
            assert!(en.is_ascii() && !en.contains(['{', '}']), "{en}");
        }
        assert_eq!(
            fault_in_words(Lang::En, &faults[0]),
            "power loss: command 3 with INS B2 from now, after 2 memory writes, inside the next; back in the reader after 500 ms"
        );
        assert_eq!(fault_in_words(Lang::Zh, &faults[3]), "应答迟缓: 第 3 条 INS B2 命令, 迟 40 毫秒");
    }

    #[test]
    fn chinese_messages_carry_no_english_words() {
        let path = || std::path::PathBuf::from("/1/2");
        let denied = || io::Error::from(io::ErrorKind::PermissionDenied);
        let failures = [
            Failure::NoProfile("1".to_owned()),
            Failure::HopperEmpty,
            Failure::File { path: path(), source: denied() },
            Failure::File { path: path(), source: io::Error::from_raw_os_error(5) },
            ImageError::File { path: path(), source: denied() }.into(),
            ImageError::Exists(path()).into(),
            ImageError::Malformed { path: path(), problem: Malformed::Version { format: 9, layout: 9 } }.into(),
            ImageError::Card(Silence::Mute).into(),
            ReaderError::NoSuchSlot { slot: 4, slots: 2 }.into(),
            ReaderError::Network(denied()).into(),
            ReaderError::State { path: path(), source: denied() }.into(),
            ReaderError::Occupied(1).into(),
        ];
        for one in failures {
            let [told, next] = told(Lang::Zh, &one);
            let (zh, en) = (failure(Lang::Zh, &one), failure(Lang::En, &one));
            assert_eq!(zh, format!("错误 {}: {told}\n  处理: {next}", code(&one)));
            assert!(en.starts_with(&format!("error {}: ", code(&one))) && en.contains("\n  next: "), "{en}");
            assert!(!told.chars().any(|c| c.is_ascii_alphabetic()), "{told}");
            assert!(!told.contains("()"), "{told}");
        }
    }
}
