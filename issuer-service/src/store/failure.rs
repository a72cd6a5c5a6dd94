//! Why the database did not do what was asked.
//!
//! Owns: the errors of the store, and what the engine's failures mean. Never: a statement.

use std::path::PathBuf;

use super::engine::EngineError;
use crate::audit::text::TextFault;
use crate::error::Explain;
use crate::exit::Exit;
use crate::lang::Lang;
use crate::operator::OperatorError;

/// Why the database did not do what was asked. Nothing of the transaction remains.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another process holds the database.
    #[error("the database is locked by another process")]
    Locked,
    /// The disk is full.
    #[error("the disk is full")]
    DiskFull,
    /// The server is not there, ended the connection, or takes no more of them.
    #[error("the database server does not answer")]
    Gone,
    /// The line broke behind a commit, and nobody can tell whether it was done.
    #[error("the database server does not answer; whether it was done is not known")]
    Unsure,
    /// The server does not let this user in, or not to this.
    #[error("the database server refuses this user")]
    AccessRefused,
    /// The server has no such database.
    #[error("the server has no such database")]
    NoDatabase,
    /// The server's certificate is not vouched for, or is that of another machine.
    #[error("the database server does not prove that it is the one named")]
    Untrusted,
    /// The server has no TLS and a certificate was named.
    #[error("the database server has no TLS")]
    WithoutTls,
    /// Nothing can be written: the file, or the server, takes nothing in.
    #[error("the database is read-only")]
    ReadOnly,
    /// The file's log has something in it, and cannot be read where nothing may be written.
    #[error("{path} cannot be read here")]
    LogUnread {
        /// The log.
        path: std::path::PathBuf,
    },
    /// The file was written while it was looked at without a lock.
    #[error("the database was written meanwhile")]
    Overtaken,
    /// The server lacks what the centre needs.
    #[error("the database server has version {found}, {needed} is needed")]
    TooOld {
        /// Its version.
        found: u32,
        /// The least.
        needed: u32,
    },
    /// The server would lose what it has acknowledged.
    #[error("the database server is not durable: {setting} is off")]
    NotDurable {
        /// Its setting.
        setting: &'static str,
    },
    /// The database sorts or encodes text in another way.
    #[error("the database was not made with {wanted}")]
    Unfit {
        /// Option of CREATE DATABASE.
        wanted: &'static str,
    },
    /// A centre lives in the database already.
    #[error("the database holds a centre already")]
    Inhabited,
    /// The file is no database, or damaged.
    #[error("the database file is damaged")]
    Damaged,
    /// The database is gone or empty, where a centre's should be.
    #[error("the database of the centre is missing or empty")]
    NoCentre,
    /// A newer program made this database.
    #[error("the database has schema {found}, this program knows {known}")]
    SchemaNewer {
        /// Schema of the file.
        found: i64,
        /// Newest schema known here.
        known: i64,
    },
    /// A row was not in the state that the move starts from: someone else was faster.
    #[error("{object} is no longer in state {expected}")]
    StateMoved {
        /// What was to move: `batch 3`.
        object: String,
        /// State expected.
        expected: &'static str,
    },
    /// A unique constraint refused the row.
    #[error("such a row exists already ({constraint})")]
    Conflict {
        /// Table and columns.
        constraint: String,
    },
    /// People's data were asked for without the data keys.
    #[error("the data keys are not open")]
    DataKeysClosed,
    /// A row does not open under the data keys.
    #[error("{place} does not open")]
    RowSealed {
        /// Which: `person 3`.
        place: String,
    },
    /// The data keys are those of another database.
    #[error("the data keys belong to another database")]
    DataKeysForeign,
    /// The data keys were rotated, and the file does not give the new ones to this process.
    #[error("the data keys have changed")]
    DataKeysChanged,
    /// Rows do not open under any key, so that no key may be destroyed.
    #[error("{rows} rows do not open, the first is {place}")]
    DataKeyNeeded {
        /// How many.
        rows: u64,
        /// The first: `person 3`.
        place: String,
    },
    /// The system gives no random numbers.
    #[error("the system gives no random numbers")]
    NoRandom,
    /// The anchor of the audit log cannot be written.
    #[error("{}: {source}", path.display())]
    Anchor {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The audit log was anchored and the file is gone.
    #[error("{} is missing", path.display())]
    AnchorMissing {
        /// The file.
        path: PathBuf,
    },
    /// The audit log does not end where its anchor says.
    #[error("the audit log ends at record {log}, its anchor at {anchor}")]
    LogDiffers {
        /// Last record of the log.
        log: i64,
        /// Last record of the anchor.
        anchor: i64,
    },
    /// The end of the anchor is none of ours, or says that the log was cut off before.
    #[error("{} is damaged", path.display())]
    AnchorDamaged {
        /// The file.
        path: PathBuf,
    },
    /// The clock stands before the last record.
    #[error("the clock says {now}, the last act was at {last}")]
    ClockBehind {
        /// The clock.
        now: String,
        /// The last record.
        last: String,
    },
    /// The clock stands days beyond the last instant at which it was believed.
    #[error("the clock says {now}, the last act was at {last}")]
    ClockAhead {
        /// The clock.
        now: String,
        /// That instant.
        last: String,
    },
    /// The clock was set since the last act: this machine has run for another time than it says.
    #[error("the clock says {now}, by the time that this machine has run it is {due}")]
    ClockMoved {
        /// The clock.
        now: String,
        /// What it should say.
        due: String,
    },
    /// A text may not stand in the audit log.
    #[error("a text does not belong in the audit log: {why:?}")]
    TextUnfit {
        /// Why.
        why: TextFault,
    },
    /// Who acts was disabled, or lost the role, meanwhile.
    #[error(transparent)]
    OffDuty(Box<OperatorError>),
    /// Anything else that the engine reports.
    #[error("database: {0}")]
    Engine(#[source] EngineError),
}

impl StoreError {
    /// Whether nothing is broken and nothing was done: waiting, or asking again, may be enough.
    #[must_use]
    pub fn is_for_now(&self) -> bool {
        self.retryable() || matches!(self, Self::StateMoved { .. })
    }

    /// Whether the server is away.
    #[must_use]
    pub const fn is_gone(&self) -> bool {
        matches!(self, Self::Gone)
    }
}

impl Explain for StoreError {
    fn code(&self) -> &'static str {
        match self {
            Self::Locked => "DATABASE_LOCKED",
            Self::DiskFull => "DISK_FULL",
            Self::Gone => "DATABASE_GONE",
            Self::Unsure => "DATABASE_UNSURE",
            Self::AccessRefused => "DATABASE_ACCESS_REFUSED",
            Self::NoDatabase => "DATABASE_NOT_FOUND",
            Self::Untrusted => "DATABASE_CERTIFICATE_REFUSED",
            Self::WithoutTls => "DATABASE_WITHOUT_TLS",
            Self::ReadOnly => "DATABASE_READ_ONLY",
            Self::LogUnread { .. } => "DATABASE_LOG_UNREAD",
            Self::Overtaken => "DATABASE_OVERTAKEN",
            Self::TooOld { .. } => "DATABASE_TOO_OLD",
            Self::NotDurable { .. } => "DATABASE_NOT_DURABLE",
            Self::Unfit { .. } => "DATABASE_UNFIT",
            Self::Inhabited => "DATABASE_INHABITED",
            Self::Damaged | Self::NoCentre => "DATABASE_DAMAGED",
            Self::SchemaNewer { .. } => "DATABASE_NEWER",
            Self::StateMoved { .. } => "STATE_MOVED",
            Self::Conflict { .. } => "ROW_EXISTS",
            Self::DataKeysClosed => "DATA_KEYS_CLOSED",
            Self::RowSealed { .. } => "ROW_DOES_NOT_OPEN",
            Self::DataKeysForeign => "DATA_KEYS_FOREIGN",
            Self::DataKeysChanged => "DATA_KEYS_CHANGED",
            Self::DataKeyNeeded { .. } => "DATA_KEY_STILL_NEEDED",
            Self::NoRandom => "NO_RANDOM",
            Self::Anchor { .. } => "AUDIT_ANCHOR_FAILED",
            Self::AnchorMissing { .. } => "AUDIT_ANCHOR_MISSING",
            Self::LogDiffers { .. } => "AUDIT_LOG_DIFFERS",
            Self::AnchorDamaged { .. } => "AUDIT_ANCHOR_DAMAGED",
            Self::ClockBehind { .. } => "CLOCK_BEHIND_LOG",
            Self::ClockAhead { .. } => "CLOCK_AHEAD_OF_LOG",
            Self::ClockMoved { .. } => "CLOCK_MOVED",
            Self::TextUnfit { .. } => "REASON_UNFIT",
            Self::OffDuty(error) => error.code(),
            Self::Engine(_) => "DATABASE_FAILED",
        }
    }

    fn what(&self, lang: Lang) -> String {
        match self {
            Self::Locked => lang
                .pick("数据库被另一进程占用；已完成的步骤都在，进行中的一步没有做", "another process holds the database; finished steps are kept, the one under way was not done")
                .to_owned(),
            Self::DiskFull => lang
                .pick(
                    "磁盘已满；已完成的步骤都在，进行中的一步没有做",
                    "the disk is full; finished steps are kept, the one under way was not done",
                )
                .to_owned(),
            Self::Gone => lang
                .pick(
                    "数据库服务器没有应答或断开了连接；已完成的步骤都在，进行中的一步要么完整要么没有",
                    "the database server does not answer or ended the connection; finished steps are kept, the one under \
                     way is there whole or not at all",
                )
                .to_owned(),
            Self::Unsure => lang
                .pick(
                    "数据库服务器在提交时断开了连接；这一步是否完成尚不清楚",
                    "the database server ended the connection over a commit; whether this step was done is not known",
                )
                .to_owned(),
            Self::AccessRefused => {
                lang.pick("数据库服务器拒绝了这个用户", "the database server refuses this user").to_owned()
            }
            Self::NoDatabase => lang.pick("服务器上没有这个数据库", "the server has no such database").to_owned(),
            Self::Untrusted => lang
                .pick(
                    "数据库服务器的证书不是指定的证书签发的，或者是另一台机器的；没有发送任何内容",
                    "the certificate of the database server is not vouched for by the file named, or is that of another \
                     machine; nothing was sent",
                )
                .to_owned(),
            Self::WithoutTls => lang
                .pick("数据库服务器不支持 TLS，没有发送任何内容", "the database server has no TLS; nothing was sent")
                .to_owned(),
            Self::ReadOnly => lang
                .pick("数据库现在只读（磁盘已满、目录只读，或服务器是备用机）；已完成的步骤都在，进行中的一步没有做", "the database is read-only now: the disk is full, the folder is read-only, or the server is a standby; finished steps are kept, the one under way was not done")
                .to_owned(),
            Self::LogUnread { path } => lang.pick(
                format!("{} 中有尚未并入数据库的内容，在只读的文件夹中读不到", path.display()),
                format!("{} has a part of the database in it, which cannot be read in a folder that is read-only", path.display()),
            ),
            Self::Overtaken => lang
                .pick("读取期间数据库被改写，结果不作数", "the database was written while it was read: the result is void")
                .to_owned(),
            Self::TooOld { found, needed } => lang.pick(
                format!("数据库服务器是 PostgreSQL {found}，至少要 {needed}"),
                format!("the database server is PostgreSQL {found}, {needed} is the least"),
            ),
            Self::NotDurable { setting } => lang.pick(
                format!("数据库服务器的 {setting} 已关闭：断电会丢失已确认的数据，拒绝使用"),
                format!("{setting} of the database server is off: it would lose what it has acknowledged; refused"),
            ),
            Self::Unfit { wanted } => lang.pick(
                format!("这个数据库不是以 {wanted} 建立的，文字的顺序会不同，拒绝使用"),
                format!("the database was not made with {wanted}: its texts would sort in another way; refused"),
            ),
            Self::Inhabited => lang
                .pick("这个数据库里已有一个发卡中心，未作改动", "the database holds a centre already; nothing was changed")
                .to_owned(),
            Self::Damaged => lang.pick("数据库文件已损坏", "the database file is damaged").to_owned(),
            Self::NoCentre => lang
                .pick(
                    "中心的数据库不见了或是空的；不会另建一个，否则号码会重新发出",
                    "the centre's database is missing or empty; no other is made in its place, it would give all numbers out again",
                )
                .to_owned(),
            Self::SchemaNewer { found, known } => lang.pick(
                format!("数据库结构为第 {found} 版，本程序只认识到第 {known} 版"),
                format!("the database has schema {found}, this program knows up to {known}"),
            ),
            Self::StateMoved { object, expected } => lang.pick(
                format!("{object} 已不在 {expected} 状态，未作改动"),
                format!("{object} is no longer {expected}; nothing was done"),
            ),
            Self::Conflict { constraint } => {
                lang.pick(format!("记录已存在 ({constraint})"), format!("such a row exists already ({constraint})"))
            }
            Self::DataKeysClosed => lang
                .pick("人员数据已加密，数据密钥没有打开", "people's data are sealed, the data keys are not open")
                .to_owned(),
            Self::RowSealed { place } => lang.pick(
                format!("{place} 的数据解不开（被改动、被移动，或密钥已停用）"),
                format!("{place} does not open: altered, moved, or sealed under a key that is gone"),
            ),
            Self::DataKeysForeign => {
                lang.pick("数据密钥不是这个数据库的", "the data keys are those of another database").to_owned()
            }
            Self::DataKeysChanged => lang
                .pick(
                    "数据密钥已被轮换，本进程用自己的口令打不开新的；已完成的步骤都在",
                    "the data keys were rotated and their file opens no more for this process; finished steps are kept",
                )
                .to_owned(),
            Self::DataKeyNeeded { rows, place } => lang.pick(
                format!("其余记录已改用新密钥，但有 {rows} 条解不开（第一条: {place}），旧密钥没有销毁"),
                format!("all other rows are under the new key, but {rows} do not open (first: {place}); no key was destroyed"),
            ),
            Self::NoRandom => lang.pick("系统不提供随机数", "the system gives no random numbers").to_owned(),
            Self::Anchor { path, source } => {
                let path = path.display();
                lang.pick(
                    format!("审计锚文件 {path} 无法读写，未作改动: {source}"),
                    format!("the audit anchor {path} cannot be read or written, nothing was done: {source}"),
                )
            }
            Self::AnchorMissing { path } => {
                let path = path.display();
                lang.pick(
                    format!("审计锚文件 {path} 不见了，未作改动"),
                    format!("the audit anchor {path} is gone; nothing was done"),
                )
            }
            Self::LogDiffers { log, anchor } => lang.pick(
                format!("审计日志止于第 {log} 条，锚文件止于第 {anchor} 条：日志被截去、数据库或锚文件被换过；未作改动"),
                format!(
                    "the audit log ends at record {log}, its anchor at {anchor}: records were cut off, or the database or the \
                     anchor was exchanged; nothing was done"
                ),
            ),
            Self::AnchorDamaged { path } => {
                let path = path.display();
                lang.pick(
                    format!("审计锚文件 {path} 末尾有不是本程序写的行，或记着日志曾被截去；未作改动"),
                    format!(
                        "the end of the audit anchor {path} holds a line that is not ours, or says that the log was cut off before; \
                         nothing was done"
                    ),
                )
            }
            Self::ClockBehind { now, last } => lang.pick(
                format!("时钟为 {now}，而上一次操作在 {last}：时钟被拨回；未作改动"),
                format!("the clock says {now}, and the last act was at {last}: it was set back; nothing was done"),
            ),
            Self::ClockAhead { now, last } => lang.pick(
                format!("时钟为 {now}，上一次操作在 {last}，相隔数日：时钟可能跳动；未作改动"),
                format!("the clock says {now}, days after the last act at {last}: it may have jumped; nothing was done"),
            ),
            Self::ClockMoved { now, due } => lang.pick(
                format!("时钟为 {now}，按上一次操作后本机运行的时间应为 {due}：时钟被拨动；未作改动"),
                format!("the clock says {now}, by the time that this machine has run since the last act it is {due}: it was set; nothing was done"),
            ),
            Self::TextUnfit { why } => match why {
                TextFault::TooLong => lang.pick("文字过长，未作改动", "the text is too long; nothing was done"),
                TextFault::Control => {
                    lang.pick("文字中有控制字符，未作改动", "the text holds control characters; nothing was done")
                }
                TextFault::Number => {
                    lang.pick("文字中有公民身份号码，未作改动", "the text holds a citizen number; nothing was done")
                }
                TextFault::Name => lang.pick(
                    "文字中有当事人的姓名，未作改动",
                    "the text holds the name of the person concerned; nothing was done",
                ),
                TextFault::Phone => lang.pick(
                    "文字中有当事人的电话号码，未作改动",
                    "the text holds the telephone number of the person concerned; nothing was done",
                ),
            }
            .to_owned(),
            Self::OffDuty(error) => error.what(lang),
            Self::Engine(error) => lang.pick(format!("数据库出错: {error}"), format!("the database failed: {error}")),
        }
    }

    fn next(&self, lang: Lang) -> &'static str {
        match self {
            Self::Locked => lang.pick(
                "等另一进程结束后再运行同一命令，从停下处继续",
                "wait until the other process ends, then run the same command: it goes on where it stopped",
            ),
            Self::DiskFull => lang.pick(
                "腾出空间后再运行同一命令，从停下处继续",
                "free some space, then run the same command: it goes on where it stopped",
            ),
            Self::Gone => lang.pick(
                "恢复服务器和网络后再执行同一命令，它会接着做",
                "bring the server and the network back, then give the same command: it goes on where it was",
            ),
            Self::Unsure => lang.pick(
                "恢复服务器和网络，先查看这一步是否已完成（issuer audit list），再决定是否重做",
                "bring the server and the network back and look whether it was done (`issuer audit list`) before you do it again",
            ),
            Self::AccessRefused => lang.pick(
                "检查 centre.toml 中的用户、口令来源和服务器的权限",
                "check the user and the source of the password in centre.toml, and the rights on the server",
            ),
            Self::NoDatabase => lang.pick(
                "请管理员建立: CREATE DATABASE 名称 ENCODING UTF8 LOCALE 'C.UTF-8' TEMPLATE template0",
                "have it made: CREATE DATABASE name ENCODING UTF8 LOCALE 'C.UTF-8' TEMPLATE template0",
            ),
            Self::Untrusted => lang.pick(
                "检查 centre.toml 中的地址（主机名须与证书一致）和 ca 文件",
                "check the address in centre.toml, whose host must be the one in the certificate, and the file of `ca`",
            ),
            Self::WithoutTls => lang.pick(
                "请管理员打开服务器的 ssl；同一台机器上可去掉 ca",
                "have `ssl` of the server turned on; on the same machine `ca` may be left out",
            ),
            Self::ReadOnly => lang.pick(
                "腾出空间，或使目录可写；服务器则等主机恢复，或改用主机的地址（可以写几个主机，自动选可写的）",
                "make room, or make the folder writable; with a server wait for the primary, or name it: an address may list several hosts, the one that takes writes is used",
            ),
            Self::LogUnread { .. } => lang.pick(
                "把 centre.db 和 centre.db-wal 一起复制到可写的文件夹再核验；或在中心执行任一命令使其并入后重新复制",
                "copy centre.db and centre.db-wal together into a folder that can be written, and verify there; or run any command at the centre, which takes that part in, and copy again",
            ),
            Self::Overtaken => lang.pick("再运行一次", "run it again"),
            Self::TooOld { .. } => lang.pick("换用较新的服务器", "use a newer server"),
            Self::NotDurable { .. } => {
                lang.pick("请管理员打开这个设置并重启服务器", "have the setting turned on and the server restarted")
            }
            Self::Unfit { .. } => lang.pick(
                "另建一个: CREATE DATABASE 名称 ENCODING UTF8 LOCALE 'C.UTF-8' TEMPLATE template0",
                "make another: CREATE DATABASE name ENCODING UTF8 LOCALE 'C.UTF-8' TEMPLATE template0",
            ),
            Self::Inhabited => lang.pick("换一个空的数据库", "choose an empty database"),
            Self::Damaged => lang.pick("从备份恢复", "restore it from a backup"),
            Self::NoCentre => lang.pick(
                "放回数据库文件，或用 issuer backup restore 从备份恢复到新目录",
                "put the database back, or bring the centre back into a new folder with `issuer backup restore`",
            ),
            Self::SchemaNewer { .. } => lang.pick("改用新版程序", "use the newer program"),
            Self::StateMoved { .. } => lang.pick("查看当前状态后再决定", "look at its present state, then decide"),
            Self::Conflict { .. } => lang.pick("查看已有的记录", "look at the row that is there"),
            Self::DataKeysClosed => lang.pick("用 --passphrase 给出口令", "give the passphrase with --passphrase"),
            Self::RowSealed { .. } => lang.pick("从备份恢复这一行", "restore the row from a backup"),
            Self::DataKeysForeign => lang.pick(
                "把数据库和它的 centre.datakeys 放在一起",
                "put the database and its own centre.datakeys together",
            ),
            Self::DataKeysChanged => {
                lang.pick("再执行同一命令，给出现在的口令", "give the same command again, with the passphrase of now")
            }
            Self::DataKeyNeeded { .. } => lang.pick(
                "从备份恢复或删除这些记录后，再执行 issuer key rotate-data",
                "restore these rows from a backup or remove them, then run `issuer key rotate-data` again",
            ),
            Self::NoRandom => lang.pick("检查操作系统", "check the operating system"),
            Self::Anchor { .. } => {
                lang.pick("检查磁盘空间和权限后重试", "check space and permissions of the disk, then try again")
            }
            Self::AnchorMissing { .. } => lang.pick(
                "从备份放回该文件；确实丢失时由审计员执行 issuer audit anchor",
                "bring the file back from a backup; if it is lost for good, an auditor runs `issuer audit anchor`",
            ),
            Self::LogDiffers { .. } | Self::AnchorDamaged { .. } => lang.pick(
                "执行 issuer audit verify 查看缺哪一条，再从备份恢复 (issuer backup restore)；查明原因后，审计员可执行 issuer audit anchor",
                "see with `issuer audit verify` what is missing, then bring the centre back with `issuer backup restore`; once the \
                 cause is known an auditor may run `issuer audit anchor`",
            ),
            Self::ClockBehind { .. } => lang.pick(
                "校正本机时钟后重试；如果是日志中的时间错了，由 manage 权限的操作员执行 issuer audit clock --reason 说明",
                "set the clock right, then try again; if it is the log that is wrong, who holds the role manage answers for it with \
                 `issuer audit clock --reason`",
            ),
            Self::ClockAhead { .. } | Self::ClockMoved { .. } => lang.pick(
                "核对本机时钟；正确时由 manage 权限的操作员执行 issuer audit clock --reason 说明，再重试",
                "check the clock; if it is right, who holds the role manage says so with `issuer audit clock --reason`, then try again",
            ),
            Self::TextUnfit { .. } => lang.pick(
                "写编号、日期和原因，不写姓名和身份号码：审计日志以明文长期保存",
                "write references, dates and why, no names and no citizen numbers: the audit log is kept in clear",
            ),
            Self::OffDuty(error) => error.next(lang),
            Self::Engine(_) => lang.pick(
                "检查数据目录或数据库服务器的权限和磁盘，再重试",
                "check rights and disk of the data folder or of the database server, then try again",
            ),
        }
    }

    fn exit(&self) -> Exit {
        match self {
            Self::StateMoved { .. }
            | Self::Conflict { .. }
            | Self::Inhabited
            | Self::ClockBehind { .. }
            | Self::ClockAhead { .. }
            | Self::ClockMoved { .. } => Exit::Refused,
            Self::TextUnfit { .. } => Exit::Usage,
            Self::DataKeysClosed | Self::AccessRefused | Self::Untrusted | Self::WithoutTls => Exit::Authentication,
            Self::DataKeyNeeded { .. } => Exit::Partly,
            Self::OffDuty(error) => error.exit(),
            Self::Locked
            | Self::DiskFull
            | Self::Gone
            | Self::Unsure
            | Self::NoDatabase
            | Self::ReadOnly
            | Self::LogUnread { .. }
            | Self::Overtaken
            | Self::TooOld { .. }
            | Self::NotDurable { .. }
            | Self::Unfit { .. }
            | Self::Damaged
            | Self::NoCentre
            | Self::SchemaNewer { .. }
            | Self::RowSealed { .. }
            | Self::DataKeysForeign
            | Self::DataKeysChanged
            | Self::NoRandom
            | Self::Anchor { .. }
            | Self::AnchorMissing { .. }
            | Self::LogDiffers { .. }
            | Self::AnchorDamaged { .. }
            | Self::Engine(_) => Exit::Storage,
        }
    }

    fn retryable(&self) -> bool {
        match self {
            Self::Locked
            | Self::DiskFull
            | Self::Gone
            | Self::ReadOnly
            | Self::Overtaken
            | Self::DataKeysChanged
            | Self::Anchor { .. } => true,
            Self::Unsure
            | Self::AccessRefused
            | Self::LogUnread { .. }
            | Self::NoDatabase
            | Self::Untrusted
            | Self::WithoutTls
            | Self::TooOld { .. }
            | Self::NotDurable { .. }
            | Self::Unfit { .. }
            | Self::Inhabited
            | Self::Damaged
            | Self::NoCentre
            | Self::SchemaNewer { .. }
            | Self::StateMoved { .. }
            | Self::Conflict { .. }
            | Self::DataKeysClosed
            | Self::RowSealed { .. }
            | Self::DataKeysForeign
            | Self::DataKeyNeeded { .. }
            | Self::NoRandom
            | Self::AnchorMissing { .. }
            | Self::LogDiffers { .. }
            | Self::AnchorDamaged { .. }
            | Self::ClockBehind { .. }
            | Self::ClockAhead { .. }
            | Self::ClockMoved { .. }
            | Self::TextUnfit { .. }
            | Self::OffDuty(_)
            | Self::Engine(_) => false,
        }
    }
}

impl From<EngineError> for StoreError {
    fn from(error: EngineError) -> Self {
        error.meaning()
    }
}
