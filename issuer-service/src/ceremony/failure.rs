//! Why a ceremony does not go on.

use std::io;
use std::path::PathBuf;

use card_core::security::KeyName;

use crate::centre::CentreError;
use crate::error::Explain;
use crate::exit::Exit;
use crate::lang::Lang;
use crate::operator::OperatorError;
use crate::store::StoreError;
use crate::vault::VaultError;

/// Why a ceremony does not go on. Nothing was changed.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the fields are named for what they hold")]
pub enum CeremonyError {
    /// None is open, or there is none of this number.
    #[error("there is no such ceremony")]
    NotFound,
    /// None is open; the last one ended with its keys in the vault.
    #[error("no ceremony is open; ceremony {number} is finished")]
    Finished { number: i64 },
    /// One is open already.
    #[error("another ceremony is open")]
    OpenAlready,
    /// Two to 255 custodians, each once, and a threshold from 2 to their number.
    #[error("{threshold} of {count} custodians cannot share a secret")]
    Numbers { threshold: u8, count: usize },
    /// The operator is not a custodian of this ceremony.
    #[error("{name} is no custodian of this ceremony")]
    NotCustodian { name: String },
    /// The custodian has contributed.
    #[error("{name} has contributed already")]
    Contributed { name: String },
    /// The secret that protects a share is too short.
    #[error("a custodian's secret has at least 12 characters")]
    SecretShort,
    /// A generation takes a contribution, a restoration takes a share.
    #[error("this ceremony takes {}", if *.share { "a share" } else { "no share" })]
    WrongInput { share: bool },
    /// A generation needs a folder for its shares.
    #[error("the shares need a folder")]
    SharesNowhere,
    /// The keys are on their way into the vault.
    #[error("the keys of ceremony {number} are on their way into the vault; it takes nothing any more")]
    Finishing { number: i64 },
    /// A finish began and could not be ended.
    #[error("ceremony {number} is begun to be finished: {source}")]
    CutShort { number: i64, source: Box<CeremonyError> },
    /// Another key of this name and version is in the vault or on record.
    #[error("another key {name} version {version} {}; nothing was changed", if *.on_record { "is on record" } else { "is in the vault, on no record" })]
    KeyInTheWay { name: KeyName, version: u8, on_record: bool },
    /// Cards were made and no keys are on record: which are in use cannot be told.
    #[error("no key is on record, and cards were made")]
    Unrecorded,
    /// Not every custodian, or fewer than the threshold, have contributed.
    #[error("{have} of {need} custodians have contributed")]
    TooFew { have: usize, need: usize },
    /// The share is not that of the backup.
    #[error("the share of {name} has check value {found}, the backup says {expected}")]
    ShareWrong { name: String, found: String, expected: String },
    /// The shares fit the backup one by one and do not open it.
    #[error("the shares do not give the secret of the backup")]
    SecretWrong,
    /// The vault is for rehearsal and the file is not, or the other way round.
    #[error("a file of a {file} ceremony does not go into a {vault} vault")]
    KindDiffers { file: String, vault: String },
    /// A key that no profile of this centre has.
    #[error("no profile has a key {name}")]
    KeyUnknown { name: KeyName },
    /// A part of a key differs from its check value.
    #[error("part {part} of key {name} has check value {found}")]
    PartWrong { name: KeyName, part: u8, found: String },
    /// A custodian brings a second part of a key.
    #[error("{custodian} brings two parts of key {name}")]
    TwoParts { name: KeyName, custodian: String },
    /// Parts of a key contradict each other.
    #[error("the parts of key {name} contradict each other")]
    PartsDiffer { name: KeyName },
    /// A part of a key is missing.
    #[error("parts of key {name} are missing")]
    PartsMissing { name: KeyName },
    /// The joined key differs from its check value.
    #[error("key {name} has check value {found}")]
    WholeWrong { name: KeyName, found: String },
    /// A production vault needs the factory's transport key.
    #[error("nobody brought the transport key {name} of lot {lot}")]
    TransportMissing { name: KeyName, lot: u8 },
    /// 255 key sets are there.
    #[error("no version is left")]
    VersionsExhausted,
    /// A file is not of this kind or damaged.
    #[error("{path} is no such file of a ceremony")]
    FileMalformed { path: PathBuf },
    /// A file of parts cannot be read.
    #[error("{path}, line {line}: {}", fault.text(Lang::En))]
    PartsMalformed { path: PathBuf, line: usize, fault: PartsFault },
    /// A key that has no levels is brought with one, or the transport key without its lot.
    #[error("{}", level_wrong(name, *lot))]
    LevelWrong { name: KeyName, lot: bool },
    /// The key is not among those that a supplement adds.
    #[error("key {name} is not among those that this ceremony adds")]
    NotLacking { name: KeyName },
    /// There is nothing to add.
    #[error("{}", key_set.map_or_else(|| "there is no key version yet to which keys could be added".to_owned(), |of| format!("version {of} lacks no key that the card types need")))]
    NothingMissing { key_set: Option<u8> },
    /// The keys that are lacking are not those of the signed start of the supplement.
    #[error(
        "the start of the supplement names {}, and now {} are lacking; nothing was changed",
        listed(started),
        listed(needed)
    )]
    KeysChanged { started: String, needed: String },
    /// The custodian brought no part of the key.
    #[error("{custodian} brought no part of such a key")]
    PartUnknown { custodian: String },
    /// The secret does not open a file, or it was altered.
    #[error("the secret does not open {path}")]
    FileNotOpened { path: PathBuf },
    /// A file cannot be read or written.
    #[error("{path}: {source}")]
    File { path: PathBuf, source: io::Error },
    /// The system gives no random numbers.
    #[error("the system gives no random numbers")]
    NoRandom,
    /// Keys or the vault.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// The folder, or another process that works on the same ceremony.
    #[error(transparent)]
    Centre(#[from] CentreError),
    /// The operator.
    #[error(transparent)]
    Operator(#[from] OperatorError),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What is wrong with a file of parts; nothing of its content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PartsFault {
    /// It is no TOML, or a value is of another kind.
    Toml,
    /// A part lacks this.
    Missing(&'static str),
    /// A name that a part does not have.
    Name,
    /// No level.
    Level,
    /// The value is no key.
    Value,
    /// Which part of how many.
    Part,
    /// No part at all.
    Empty,
}

impl PartsFault {
    fn text(self, lang: Lang) -> String {
        let (zh, en) = match self {
            Self::Toml => (
                "不是 TOML，或值的类型不对（part、of、version 为 1 至 255 的数，其余加引号）",
                "no TOML, or a value of another kind (part, of, version are numbers from 1 to 255, the others stand in quotation marks)",
            ),
            Self::Missing(name) => {
                return lang.pick(format!("这个分量缺少 {name}"), format!("{name} is missing in this part"));
            }
            Self::Name => (
                "没有这样的名称；一个分量有 key、level、part、of、value、check_value、whole，传输密钥还有 version",
                "there is no such name; a part has key, level, part, of, value, check_value, whole, and version for the transport key",
            ),
            Self::Level => ("level 是 nation、province 或 city", "level is nation, province or city"),
            Self::Value => ("这个分量的 value 不是 32 个十六进制数字", "value of this part is not 32 hex digits"),
            Self::Part => ("part 应为 1 至 of，of 至少为 2", "part goes from 1 to of, and of is at least 2"),
            Self::Empty => ("没有任何 [[component]]", "there is no [[component]]"),
        };
        lang.pick(zh, en).to_owned()
    }
}

fn listed(keys: &str) -> &str {
    if keys.is_empty() { "none" } else { keys }
}

fn level_wrong(name: &KeyName, lot: bool) -> String {
    let version = if lot { ", and version = the factory's lot" } else { "" };
    format!("key {name} has no levels: level = \"nation\" is expected{version}")
}

impl Explain for CeremonyError {
    fn code(&self) -> &'static str {
        match self {
            Self::NotFound => "CEREMONY_NOT_FOUND",
            Self::Finished { .. } => "CEREMONY_FINISHED",
            Self::OpenAlready => "CEREMONY_OPEN",
            Self::Numbers { .. } => "CEREMONY_NUMBERS",
            Self::NotCustodian { .. } => "CUSTODIAN_UNKNOWN",
            Self::Contributed { .. } => "CUSTODIAN_CONTRIBUTED",
            Self::SecretShort => "CUSTODIAN_SECRET_SHORT",
            Self::WrongInput { .. } => "CEREMONY_INPUT",
            Self::SharesNowhere => "CEREMONY_SHARES_FOLDER",
            Self::Unrecorded => "KEYS_UNRECORDED",
            Self::Finishing { .. } => "CEREMONY_FINISHING",
            Self::CutShort { source, .. } => source.code(),
            Self::KeyInTheWay { .. } => "KEY_EXISTS",
            Self::TooFew { .. } => "CUSTODIANS_MISSING",
            Self::ShareWrong { .. } => "SHARE_WRONG",
            Self::SecretWrong => "SHARES_WRONG",
            Self::KindDiffers { .. } => "CEREMONY_KIND_DIFFERS",
            Self::KeyUnknown { .. } => "KEY_UNKNOWN",
            Self::PartWrong { .. } => "KEY_PART_WRONG",
            Self::TwoParts { .. } => "KEY_TWO_PARTS",
            Self::PartsDiffer { .. } => "KEY_PARTS_DIFFER",
            Self::PartsMissing { .. } => "KEY_PARTS_MISSING",
            Self::WholeWrong { .. } => "KEY_CHECK_VALUE_WRONG",
            Self::TransportMissing { .. } => "TRANSPORT_KEY_MISSING",
            Self::VersionsExhausted => "KEY_VERSIONS_EXHAUSTED",
            Self::NotLacking { .. } => "KEY_NOT_LACKING",
            Self::NothingMissing { .. } => "KEYS_COMPLETE",
            Self::KeysChanged { .. } => "CEREMONY_KEYS_CHANGED",
            Self::FileMalformed { .. } | Self::PartsMalformed { .. } => "CEREMONY_FILE_MALFORMED",
            Self::LevelWrong { .. } => "KEY_LEVEL_WRONG",
            Self::PartUnknown { .. } => "KEY_PART_NOT_FOUND",
            Self::FileNotOpened { .. } => "CEREMONY_FILE_NOT_OPENED",
            Self::File { .. } => "CEREMONY_FILE_FAILED",
            Self::NoRandom => "NO_RANDOM",
            Self::Vault(error) => error.code(),
            Self::Centre(error) => error.code(),
            Self::Operator(error) => error.code(),
            Self::Store(error) => error.code(),
        }
    }

    fn what(&self, lang: Lang) -> String {
        let (zh, en) = match self {
            Self::NotFound => ("没有这样的密钥仪式".to_owned(), self.to_string()),
            Self::Finished { number } => (
                format!("没有进行中的密钥仪式；第 {number} 号仪式已完成，密钥已入库"),
                format!("{self}, its keys are in the vault"),
            ),
            Self::OpenAlready => ("已有进行中的密钥仪式".to_owned(), self.to_string()),
            Self::Numbers { threshold, count } => {
                (format!("{count} 名保管人不能以 {threshold} 人为门限（至少 2 人，不得重复）"), self.to_string())
            }
            Self::NotCustodian { name } => (format!("{name} 不是本次仪式的保管人"), self.to_string()),
            Self::Contributed { name } => (format!("{name} 已提交过"), self.to_string()),
            Self::SecretShort => ("保管人口令至少 12 个字符".to_owned(), self.to_string()),
            Self::WrongInput { share: true } => ("恢复仪式需要份额文件".to_owned(), self.to_string()),
            Self::WrongInput { share: false } => ("生成仪式不接受份额文件".to_owned(), self.to_string()),
            Self::Unrecorded => ("没有任何密钥记录，却已制过卡".to_owned(), self.to_string()),
            Self::SharesNowhere => ("份额没有存放的文件夹".to_owned(), self.to_string()),
            Self::Finishing { number } => {
                (format!("第 {number} 号仪式的密钥正在入库，不再接受任何内容"), self.to_string())
            }
            Self::CutShort { number, source } => {
                let source = source.what(lang);
                (
                    format!("第 {number} 号仪式已开始入库，没有做完: {source}"),
                    format!("ceremony {number} has begun to put its keys into the vault and did not end: {source}"),
                )
            }
            Self::KeyInTheWay { name, version, on_record: true } => {
                (format!("密钥 {name} 第 {version} 版已有记录，而且是另一把密钥，未作改动"), self.to_string())
            }
            Self::KeyInTheWay { name, version, on_record: false } => {
                (format!("密钥库中有另一把密钥 {name} 第 {version} 版，没有任何记录，未作改动"), self.to_string())
            }
            Self::TooFew { have, need } => (format!("需要 {need} 名保管人，只有 {have} 名已提交"), self.to_string()),
            Self::ShareWrong { name, found, expected } => {
                (format!("{name} 的份额校验值为 {found}，备份记录为 {expected}"), self.to_string())
            }
            Self::SecretWrong => ("这些份额还原不出备份的密钥".to_owned(), self.to_string()),
            Self::KindDiffers { file, vault } => {
                (format!("{file} 仪式的文件不能用于 {vault} 密钥库"), self.to_string())
            }
            Self::KeyUnknown { name } => (format!("卡片描述中没有密钥 {name}"), self.to_string()),
            Self::PartWrong { name, part, found } => {
                (format!("密钥 {name} 第 {part} 分量的校验值为 {found}，与文件所写不符"), self.to_string())
            }
            Self::TwoParts { name, custodian } => {
                (format!("{custodian} 不能携带密钥 {name} 的两个分量"), self.to_string())
            }
            Self::PartsDiffer { name } => (format!("密钥 {name} 的各分量互相矛盾"), self.to_string()),
            Self::PartsMissing { name } => (format!("密钥 {name} 的分量不全"), self.to_string()),
            Self::WholeWrong { name, found } => {
                (format!("密钥 {name} 合成后的校验值为 {found}，与文件所写不符"), self.to_string())
            }
            Self::TransportMissing { name, lot } => {
                (format!("没有人带来第 {lot} 批次的传输密钥 {name}"), self.to_string())
            }
            Self::VersionsExhausted => ("密钥版本号已用完".to_owned(), self.to_string()),
            Self::NotLacking { name } => (format!("密钥 {name} 不在本次补充之列"), self.to_string()),
            Self::KeysChanged { started, needed } => {
                let none = |keys: &String| if keys.is_empty() { "（无）".to_owned() } else { keys.clone() };
                let (started, needed) = (none(started), none(needed));
                (format!("本次补充开始时签名的密钥为 {started}，现在所缺的为 {needed}，未作改动"), self.to_string())
            }
            Self::NothingMissing { key_set } => (
                key_set.map_or_else(
                    || "还没有任何密钥版本，无从补充".to_owned(),
                    |of| format!("第 {of} 版不缺卡片类型所需的密钥"),
                ),
                self.to_string(),
            ),
            Self::FileMalformed { path } => {
                (format!("{} 不是所需的仪式文件，或已损坏", path.display()), self.to_string())
            }
            Self::PartsMalformed { path, line, fault } => {
                (format!("{} 第 {line} 行: {}", path.display(), fault.text(lang)), self.to_string())
            }
            Self::LevelWrong { name, lot } => {
                let version = if *lot { "，version 应为工厂批次" } else { "" };
                (format!("密钥 {name} 不分级: level 应为 \"nation\"{version}"), self.to_string())
            }
            Self::PartUnknown { custodian } => (format!("{custodian} 没有带来这样的密钥分量"), self.to_string()),
            Self::FileNotOpened { path } => {
                (format!("口令打不开 {}（口令错误，或文件被改动）", path.display()), self.to_string())
            }
            Self::File { path, source } => (format!("{} 无法读写: {source}", path.display()), self.to_string()),
            Self::NoRandom => ("系统不提供随机数".to_owned(), self.to_string()),
            Self::Vault(error) => return error.what(lang),
            Self::Centre(error) => return error.what(lang),
            Self::Operator(error) => return error.what(lang),
            Self::Store(error) => return error.what(lang),
        };
        lang.pick(zh, en)
    }

    fn next(&self, lang: Lang) -> &'static str {
        let (zh, en) = match self {
            Self::NotFound | Self::Finished { .. } | Self::OpenAlready => {
                ("用 issuer ceremony list 查看", "see which there are with `issuer ceremony list`")
            }
            Self::Numbers { .. } => (
                "用 --custodian 逐一列出保管人，--threshold 至少为 2，不大于人数",
                "name each custodian once with --custodian, and a --threshold from 2 to their number",
            ),
            Self::NotCustodian { .. } => ("由列出的保管人办理", "let a custodian who is listed do it"),
            Self::Contributed { .. } => ("等其他保管人提交", "wait for the other custodians"),
            Self::SecretShort => ("换一个更长的口令", "choose a longer secret"),
            Self::WrongInput { share: true } => ("用 --share 给出份额文件", "give the share with --share FILE"),
            Self::WrongInput { share: false } => ("去掉 --share", "leave --share out"),
            Self::Unrecorded => ("密钥仍在使用，保留它们", "the keys are in use: keep them"),
            Self::SharesNowhere => ("用 --shares 给出文件夹", "give a folder with --shares DIR"),
            Self::Finishing { .. } | Self::CutShort { .. } => (
                "排除原因后再执行 issuer ceremony finish，它会接着做；或用 issuer ceremony cancel 放弃，密钥会从库中取出",
                "mend the cause and run `issuer ceremony finish` again, it goes on; or give it up with `issuer ceremony cancel`, which takes \
                 the keys out again",
            ),
            Self::KeyInTheWay { on_record: true, .. } => (
                "带来它的保管人用 issuer ceremony import --undo 收回；另一批次的传输密钥用另一个 version",
                "who brought it takes it back with `issuer ceremony import --undo KEY`; a transport key of another lot has another version",
            ),
            Self::KeyInTheWay { on_record: false, .. } => (
                "用 issuer key check 查看；放弃的仪式留下的密钥用 issuer key discard 取出",
                "see it with `issuer key check`; what a ceremony that was given up has left is taken out with `issuer key discard`",
            ),
            Self::TooFew { .. } => (
                "其余保管人用 issuer ceremony contribute 提交后再试",
                "let the others run `issuer ceremony contribute`, then try again",
            ),
            Self::ShareWrong { .. } | Self::SecretWrong => {
                ("找出该仪式的份额文件", "find the share that this ceremony gave out")
            }
            Self::KindDiffers { .. } => ("演练与生产不得混用", "never mix rehearsal and production"),
            Self::KeyUnknown { .. } | Self::PartWrong { .. } | Self::PartsDiffer { .. } | Self::WholeWrong { .. } => {
                ("与上级密钥管理机构核对母卡", "compare the mother cards with the authority above")
            }
            Self::TwoParts { .. } => ("由另一名保管人携带该分量", "let another custodian bring that part"),
            Self::PartsMissing { .. } | Self::TransportMissing { .. } => {
                ("用 issuer ceremony import 导入所缺分量", "bring what is missing with `issuer ceremony import`")
            }
            Self::VersionsExhausted => ("新建发卡中心", "make a new centre"),
            Self::NotLacking { .. } => (
                "从文件中去掉这把密钥；要给所有密钥换新版本，另办密钥仪式（不加 --missing）",
                "leave it out of the file; a new version of all keys is another ceremony, without --missing",
            ),
            Self::KeysChanged { .. } => (
                "把 centre.toml 改回开始时的样子再继续；或用 issuer ceremony cancel 放弃后重新开始",
                "put centre.toml back as it was at the start and go on; or give the supplement up with `issuer ceremony cancel` and start anew",
            ),
            Self::NothingMissing { .. } => (
                "用 issuer key check 查看；先在 centre.toml 的 cards 中写明卡片描述，或不加 --missing",
                "see it with `issuer key check`; name the card's text in `cards` of centre.toml first, or leave --missing out",
            ),
            Self::FileMalformed { .. } | Self::File { .. } => {
                ("检查文件、权限和磁盘", "check the file, permissions and disk")
            }
            Self::PartsMalformed { .. } => ("改正该行后重新导入", "mend that line and import the file again"),
            Self::LevelWrong { .. } => ("在母卡文件中改正后重新导入", "mend it in the file and import it again"),
            Self::PartUnknown { .. } => (
                "用 issuer ceremony protocol 查看谁带来了哪些分量",
                "see who brought which parts with `issuer ceremony protocol`",
            ),
            Self::FileNotOpened { .. } => ("核对口令和文件后重试", "check the secret and the file, then try again"),
            Self::NoRandom => ("停用这台机器", "do not use this machine"),
            Self::Vault(error) => return error.next(lang),
            Self::Centre(error) => return error.next(lang),
            Self::Operator(error) => return error.next(lang),
            Self::Store(error) => return error.next(lang),
        };
        lang.pick(zh, en)
    }

    fn exit(&self) -> Exit {
        match self {
            Self::NotFound | Self::PartUnknown { .. } => Exit::NotFound,
            Self::CutShort { source, .. } => source.exit(),
            Self::Numbers { .. }
            | Self::SharesNowhere
            | Self::SecretShort
            | Self::WrongInput { .. }
            | Self::FileMalformed { .. }
            | Self::PartsMalformed { .. } => Exit::Usage,
            Self::FileNotOpened { .. } => Exit::Authentication,
            Self::ShareWrong { .. }
            | Self::SecretWrong
            | Self::PartWrong { .. }
            | Self::PartsDiffer { .. }
            | Self::WholeWrong { .. } => Exit::Mismatch,
            Self::OpenAlready
            | Self::Finished { .. }
            | Self::NotCustodian { .. }
            | Self::Contributed { .. }
            | Self::TooFew { .. }
            | Self::Finishing { .. }
            | Self::Unrecorded
            | Self::KeyInTheWay { .. }
            | Self::KindDiffers { .. }
            | Self::KeyUnknown { .. }
            | Self::LevelWrong { .. }
            | Self::TwoParts { .. }
            | Self::PartsMissing { .. }
            | Self::TransportMissing { .. }
            | Self::NotLacking { .. }
            | Self::NothingMissing { .. }
            | Self::KeysChanged { .. }
            | Self::VersionsExhausted => Exit::Refused,
            Self::File { .. } => Exit::Storage,
            Self::NoRandom => Exit::Bug,
            Self::Vault(error) => error.exit(),
            Self::Centre(error) => error.exit(),
            Self::Operator(error) => error.exit(),
            Self::Store(error) => error.exit(),
        }
    }
}
