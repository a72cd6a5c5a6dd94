//! What stops a station, apart from what merely fails a card or a reader.

use std::io;
use std::path::PathBuf;

use card_core::security::SecurityError;
use card_core::transport::TransportError;
use card_core::transport::pcsc::ChooseError;
use card_profiles::plan::PlanError;

use super::care::HoldKind;
use super::line_failure::LineError;
use crate::batch::BatchError;
use crate::error::Explain;
use crate::exit::Exit;
use crate::lang::Lang;
use crate::stock::StockError;
use crate::store::StoreError;
use crate::vault::{module_code, module_exit, module_next, module_what};

/// Why a station stops. What is begun can be resumed.
#[derive(Debug, thiserror::Error)]
pub enum StationError {
    /// The batch or the operator.
    #[error(transparent)]
    Batch(#[from] BatchError),
    /// The line to a centre elsewhere.
    #[error(transparent)]
    Line(#[from] LineError),
    /// The database: without journal no card is touched.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// No reader, an unknown one, or several that match.
    #[error(transparent)]
    Choose(#[from] ChooseError),
    /// The reader named twice.
    #[error("reader {reader} is named twice")]
    SameReader {
        /// Its name.
        reader: String,
    },
    /// The daemon or the reader.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// The vault lacks a key of the card type.
    #[error(transparent)]
    Security(#[from] SecurityError),
    /// The profile and the values do not go together.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// A person's details do not fit the card.
    #[error("the details of the person of job {job} do not fit the card")]
    Content {
        /// Job.
        job: i64,
    },
    /// A job names a person who is not there.
    #[error("job {job} has no person")]
    PersonMissing {
        /// Job.
        job: i64,
    },
    /// The job has no card of this batch that waits to be handed out.
    #[error("job {job} has no sealed card of this batch")]
    NotPrintable {
        /// Job.
        job: i64,
    },
    /// A card that was printed is printed again for a reason.
    #[error("job {job} was printed; no reason was given")]
    ReprintReason {
        /// Job.
        job: i64,
    },
    /// What was read back is not what the centre prepared.
    #[error("what was read back of job {job} is not what was prepared")]
    ReadBackDiffers {
        /// Job.
        job: i64,
    },
    /// What goes onto the card changed while it was written.
    #[error("the data of the person of job {job} changed while the card was written")]
    DataChanged {
        /// Job.
        job: i64,
    },
    /// Cards were made by another text of this name.
    #[error("cards were made by another text of {name}")]
    CardTextChanged {
        /// Name of the card type.
        name: String,
    },
    /// A reader or lot is kept from work.
    #[error("{} {name} is held", kind.name())]
    Held {
        /// What.
        kind: HoldKind,
        /// Which.
        name: String,
    },
    /// A reader or lot is not kept from work.
    #[error("{} {name} is not held", kind.name())]
    NotHeld {
        /// What.
        kind: HoldKind,
        /// Which.
        name: String,
    },
    /// Blank cards of stock.
    #[error(transparent)]
    Stock(#[from] StockError),
    /// The receipts cannot be written as files; they are in the database.
    #[error("receipts in {folder}: {source}")]
    Receipt {
        /// The folder.
        folder: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// Code of [`StationError::DataChanged`], at either end of a line.
pub(super) const DATA_CHANGED: &str = "STATION_DATA_CHANGED";

impl StationError {
    /// Whether the card at hand is to be written anew, of what the centre holds now.
    pub(super) fn wants_it_anew(&self) -> bool {
        self.code() == DATA_CHANGED
    }

    /// The code, for a thread that stops others.
    pub(super) fn code_for_log(&self) -> &'static str {
        self.code()
    }
}

impl Explain for StationError {
    fn code(&self) -> &'static str {
        match self {
            Self::Batch(error) => error.code(),
            Self::Line(error) => error.code(),
            Self::Store(error) => error.code(),
            Self::Stock(error) => error.code(),
            Self::Choose(error) => choose_code(error),
            Self::SameReader { .. } => "READER_NAMED_TWICE",
            Self::Transport(error) => transport_code(error),
            Self::Security(error) => module_code(error),
            Self::Plan(error) => error.code(),
            Self::Content { .. } => "CARD_CONTENT",
            Self::PersonMissing { .. } => "PERSON_NOT_FOUND",
            Self::NotPrintable { .. } => "CARD_NOT_PRINTABLE",
            Self::ReprintReason { .. } => "REASON_MISSING",
            Self::ReadBackDiffers { .. } => "STATION_READ_BACK_DIFFERS",
            Self::DataChanged { .. } => "STATION_DATA_CHANGED",
            Self::CardTextChanged { .. } => "CARD_TEXT_CHANGED",
            Self::Held { kind: HoldKind::Reader, .. } => "READER_HELD",
            Self::Held { kind: HoldKind::Lot, .. } => "LOT_HELD",
            Self::NotHeld { .. } => "NOT_HELD",
            Self::Receipt { .. } => "RECEIPT_NOT_WRITTEN",
        }
    }

    fn what(&self, lang: Lang) -> String {
        match self {
            Self::Batch(error) => error.what(lang),
            Self::Line(error) => error.what(lang),
            Self::Store(error) => error.what(lang),
            Self::Stock(error) => error.what(lang),
            Self::Choose(ChooseError::Transport(error)) | Self::Transport(error) => {
                lang.pick(format!("读写器出错: {}", error.zh()), format!("the reader failed: {error}"))
            }
            Self::Choose(error) => lang
                .pick(format!("不能确定读写器: {}", choose_zh(error)), format!("no reader could be chosen: {error}")),
            Self::SameReader { reader } => {
                lang.pick(format!("读写器 {reader} 指定了两次"), format!("reader {reader} is named twice"))
            }
            Self::Security(error) => module_what(error, lang),
            Self::Plan(error) => {
                lang.pick(format!("不能生成写卡步骤: {error}"), format!("no plan can be made: {error}"))
            }
            Self::Content { job } => lang.pick(
                format!("任务 {job} 的人员数据写不进卡"),
                format!("the details of the person of job {job} do not fit the card"),
            ),
            Self::PersonMissing { job } => {
                lang.pick(format!("任务 {job} 的人员不存在"), format!("job {job} has no person"))
            }
            Self::NotPrintable { job } => lang.pick(
                format!("任务 {job} 没有本批次已制成而未发出的卡，未印刷"),
                format!("job {job} has no card of this batch that is made and not handed out; nothing was printed"),
            ),
            Self::ReprintReason { job } => lang.pick(
                format!("任务 {job} 的卡已印刷过，没有说明重印原因"),
                format!("the card of job {job} was printed, and no reason was given to print it again"),
            ),
            Self::ReadBackDiffers { job } => lang.pick(
                format!("任务 {job} 的回读内容与中心备好的数据不符，未记为制成"),
                format!("what was read back of job {job} is not what the centre prepared; it is not called made"),
            ),
            Self::DataChanged { job } => lang.pick(
                format!("任务 {job} 的人员数据在写卡期间有变更，未记为制成"),
                format!(
                    "the data of the person of job {job} changed while the card was written; it is not called made"
                ),
            ),
            Self::CardTextChanged { name } => lang.pick(
                format!("已有卡按名为 {name} 的另一份描述制成，该描述此后有改动，未开始制卡"),
                format!("cards were made by another text of {name}: it was edited since; no card was begun"),
            ),
            Self::Held { kind: HoldKind::Reader, name } => lang.pick(
                format!("读写器 {name} 因连续废卡已停用"),
                format!("reader {name} is held: it spoilt too many cards in a row"),
            ),
            Self::Held { kind: HoldKind::Lot, name } => lang.pick(
                format!("卡片批号 {name} 因废卡过多已停用"),
                format!("lot {name} is held: too many of its cards failed"),
            ),
            Self::NotHeld { kind, name } => lang.pick(
                format!("{} {name} 没有停用", if *kind == HoldKind::Reader { "读写器" } else { "卡片批号" }),
                format!("{} {name} is not held", kind.name()),
            ),
            Self::Receipt { folder, source } => lang.pick(
                format!("回执不能写入 {}: {source}；数据库中已有", folder.display()),
                format!("receipts cannot be written to {}: {source}; they are in the database", folder.display()),
            ),
        }
    }

    fn next(&self, lang: Lang) -> &'static str {
        match self {
            Self::Batch(error) => error.next(lang),
            Self::Line(error) => error.next(lang),
            Self::Store(error) => error.next(lang),
            Self::Stock(error) => error.next(lang),
            Self::Choose(ChooseError::Transport(_)) | Self::Transport(_) => lang.pick(
                "检查读写器和 PC/SC 服务，再运行同一批次",
                "check the reader and the PC/SC daemon, then run the batch again",
            ),
            Self::Choose(_) | Self::SameReader { .. } => lang.pick(
                "用 --reader 给出序号或全名，每台一次",
                "name each reader once with --reader, by number or full name",
            ),
            Self::Security(error) => module_next(error, lang),
            Self::Plan(_) | Self::Content { .. } | Self::PersonMissing { .. } => {
                lang.pick("核对人员数据和卡片描述文件", "compare the person's details with the card profile")
            }
            Self::NotPrintable { .. } => lang
                .pick("用 issuer card list --batch 查看", "see which cards there are with `issuer card list --batch`"),
            Self::ReprintReason { .. } => lang.pick("加上 --reason 原因", "add --reason TEXT"),
            Self::ReadBackDiffers { .. } => lang.pick(
                "核对工位与中心的程序版本；用 batch spoil 申报该卡作废",
                "compare the versions of station and centre; declare the card lost with `batch spoil`",
            ),
            Self::DataChanged { .. } => lang.pick(
                "放回同一张卡，再运行同一命令：按新数据重写",
                "put the same card in and run the same command: it is written anew of the new data",
            ),
            Self::CardTextChanged { .. } => lang.pick(
                "改回原来的描述；确要改卡的内容，给改后的描述另取一个 name",
                "put the former text back; if cards are to change, give the edited text a `name` of its own",
            ),
            Self::Held { .. } => lang.pick(
                "检查后用 issuer station release 解除，或换一台读写器、一个批号",
                "look at it, then `issuer station release`; or take another reader or lot",
            ),
            Self::NotHeld { .. } => {
                lang.pick("用 issuer station holds 查看", "see what is held with `issuer station holds`")
            }
            Self::Receipt { .. } => lang.pick("换一个可写的目录再运行", "name a folder that can be written, run again"),
        }
    }

    fn exit(&self) -> Exit {
        match self {
            Self::Batch(error) => error.exit(),
            Self::Line(error) => error.exit(),
            Self::Store(error) => error.exit(),
            Self::Stock(error) => error.exit(),
            Self::Choose(ChooseError::NoMatch { .. }) => Exit::NotFound,
            Self::Choose(ChooseError::Ambiguous { .. }) | Self::SameReader { .. } | Self::ReprintReason { .. } => {
                Exit::Usage
            }
            Self::Choose(_) | Self::Transport(_) => Exit::Reader,
            Self::Security(error) => module_exit(error),
            Self::NotHeld { .. } | Self::NotPrintable { .. } => Exit::NotFound,
            Self::ReadBackDiffers { .. } => Exit::Mismatch,
            Self::Held { .. }
            | Self::DataChanged { .. }
            | Self::CardTextChanged { .. }
            | Self::Plan(_)
            | Self::Content { .. }
            | Self::PersonMissing { .. } => Exit::Refused,
            Self::Receipt { .. } => Exit::Storage,
        }
    }

    fn retryable(&self) -> bool {
        match self {
            Self::Batch(error) => error.retryable(),
            Self::Line(error) => error.retryable(),
            Self::Store(error) => error.retryable(),
            Self::Stock(error) => error.retryable(),
            Self::DataChanged { .. } => true,
            Self::Choose(_)
            | Self::SameReader { .. }
            | Self::Transport(_)
            | Self::Security(_)
            | Self::NotHeld { .. }
            | Self::NotPrintable { .. }
            | Self::ReprintReason { .. }
            | Self::ReadBackDiffers { .. }
            | Self::Held { .. }
            | Self::CardTextChanged { .. }
            | Self::Plan(_)
            | Self::Content { .. }
            | Self::PersonMissing { .. }
            | Self::Receipt { .. } => false,
        }
    }
}

fn choose_zh(error: &ChooseError) -> String {
    match error {
        ChooseError::Transport(error) => error.zh(),
        ChooseError::NoReader => "没有连接读写器".to_owned(),
        ChooseError::NoMatch { wanted, attached } => {
            format!("没有与“{wanted}”相符的；已连接: {}", attached.join("、"))
        }
        ChooseError::Ambiguous { wanted, matching } => {
            format!("“{wanted}”与多台相符: {}", matching.join("、"))
        }
    }
}

const fn choose_code(error: &ChooseError) -> &'static str {
    match error {
        ChooseError::Transport(error) => transport_code(error),
        ChooseError::NoReader => "NO_READER",
        ChooseError::NoMatch { .. } => "READER_NOT_FOUND",
        ChooseError::Ambiguous { .. } => "READER_AMBIGUOUS",
    }
}

/// Stable code of a reader's failure.
pub(crate) const fn transport_code(error: &TransportError) -> &'static str {
    match error {
        TransportError::CardRemoved { .. } => "CARD_REMOVED",
        TransportError::NoCard { .. } => "NO_CARD",
        TransportError::CardMute { .. } => "CARD_MUTE",
        TransportError::CardReset { .. } => "CARD_RESET",
        TransportError::InUse { .. } => "CARD_IN_USE",
        TransportError::ReaderGone { .. } => "READER_GONE",
        TransportError::Timeout { .. } | TransportError::ReaderSick { .. } => "READER_HANGS",
        TransportError::NoService => "PCSC_NOT_RUNNING",
        TransportError::Protocol { .. } => "EXCHANGE_BROKEN",
        TransportError::TraceDiffers { .. } | TransportError::TraceEnded { .. } => "TRACE",
    }
}
