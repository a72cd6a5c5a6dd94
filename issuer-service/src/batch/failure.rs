//! Why a batch is not made, approved or given up, and what to do about it.
//!
//! Owns: the errors of batches and card numbers. Never: names a person other than by row number.

use super::{NumberState, PassedOver};
use crate::centre::CardKeysMissing;
use crate::error::Explain;
use crate::exit::Exit;
use crate::lang::Lang;
use crate::operator::OperatorError;
use crate::output::Show;
use crate::person::no_card::NoCard;
use crate::request::RequestError;
use crate::state::word;
use crate::stock::StockError;
use crate::store::StoreError;

/// How many people a message names.
const PEOPLE_NAMED_MAX: usize = 50;

/// Why a batch cannot be made, approved or run.
#[derive(Debug, thiserror::Error)]
pub enum BatchError {
    /// Nobody to make a card for.
    #[error("nobody without a card fits the selection")]
    NobodyLeft {
        /// Who fits it, and cannot get a card.
        passed_over: Vec<PassedOver>,
    },
    /// For these people no card can be made.
    #[error("for {} people no card can be made", people.len())]
    PeopleKept {
        /// Who, and why.
        people: Vec<(i64, NoCard)>,
    },
    /// These people cannot be in a batch.
    #[error("{} of the people named cannot get a card", people.len())]
    PeopleRefused {
        /// Unknown, with a live card, or in another batch.
        people: Vec<i64>,
    },
    /// These requests cannot be in a batch.
    #[error("{} of the requests named are not open", requests.len())]
    RequestsRefused {
        /// Unknown, in a batch, done or withdrawn.
        requests: Vec<i64>,
    },
    /// There is no such card number.
    #[error("there is no such card number")]
    NumberUnknown,
    /// The card number is not free.
    #[error("the card number is {state}")]
    NumberTaken {
        /// State it is in.
        state: String,
    },
    /// There is no such batch.
    #[error("there is no batch {number}")]
    NotFound {
        /// Number.
        number: i64,
    },
    /// They are as old as those who need a photo, and have none.
    #[error("{} people have no photo", people.len())]
    PhotosMissing {
        /// Row numbers.
        people: Vec<i64>,
    },
    /// The batch is not in the state needed.
    #[error("batch {number} is {state}")]
    WrongState {
        /// Number.
        number: i64,
        /// State it is in.
        state: String,
    },
    /// The maker wants to approve.
    #[error("batch {number} was made by {maker}, who cannot approve it")]
    MakerIsChecker {
        /// Number.
        number: i64,
        /// The maker.
        maker: String,
    },
    /// The job named is not being written in this batch.
    #[error("job {job} of batch {number} is not being written")]
    JobNotWriting {
        /// Batch.
        number: i64,
        /// Job.
        job: i64,
    },
    /// The job named does not wait in this batch.
    #[error("job {job} of batch {number} does not wait")]
    JobNotWaiting {
        /// Batch.
        number: i64,
        /// Job.
        job: i64,
    },
    /// A bank or factory was asked about the batch and has not answered.
    #[error("file {task} of batch {number} awaits its answer")]
    PartnerAsked {
        /// Batch.
        number: i64,
        /// 任务号.
        task: String,
    },
    /// All numbers of the prefix are given away.
    #[error("no card number is left with prefix {prefix}")]
    NumbersExhausted {
        /// Prefix of the numbers.
        prefix: char,
    },
    /// Keys of the card type.
    #[error(transparent)]
    CardKeys(#[from] Box<CardKeysMissing>),
    /// Stock.
    #[error(transparent)]
    Stock(#[from] Box<StockError>),
    /// The request.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// The operator.
    #[error(transparent)]
    Operator(#[from] OperatorError),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Explain for BatchError {
    fn code(&self) -> &'static str {
        match self {
            Self::NobodyLeft { .. } => "BATCH_EMPTY",
            Self::PeopleKept { .. } => "BATCH_PEOPLE_KEPT",
            Self::PeopleRefused { .. } => "BATCH_PEOPLE_REFUSED",
            Self::RequestsRefused { .. } => "BATCH_REQUESTS_REFUSED",
            Self::PhotosMissing { .. } => "BATCH_PHOTOS_MISSING",
            Self::NumberUnknown => "CARD_NUMBER_NOT_FOUND",
            Self::NumberTaken { .. } => "CARD_NUMBER_TAKEN",
            Self::NotFound { .. } => "BATCH_NOT_FOUND",
            Self::WrongState { .. } => "BATCH_STATE",
            Self::MakerIsChecker { .. } => "BATCH_MAKER_IS_CHECKER",
            Self::JobNotWriting { .. } => "JOB_NOT_WRITING",
            Self::JobNotWaiting { .. } => "JOB_NOT_WAITING",
            Self::PartnerAsked { .. } => "BATCH_PARTNER_ASKED",
            Self::NumbersExhausted { .. } => "CARD_NUMBERS_EXHAUSTED",
            Self::CardKeys(error) => error.code(),
            Self::Stock(error) => error.code(),
            Self::Request(error) => error.code(),
            Self::Operator(error) => error.code(),
            Self::Store(error) => error.code(),
        }
    }

    fn what(&self, lang: Lang) -> String {
        match self {
            Self::NobodyLeft { passed_over } => {
                let text = lang.pick("没有符合条件且尚无卡的人", "nobody without a card fits the selection").to_owned();
                [vec![text], passed_over.iter().map(|over| over.text(lang)).collect()]
                    .concat()
                    .join(lang.pick("；", "; "))
            }
            Self::PeopleKept { people } => {
                let told = |(person, why): &(i64, NoCard)| {
                    let why = why.text(lang);
                    lang.pick(format!("人员 {person} {why}"), format!("person {person}: {why}"))
                };
                let list = people.iter().map(told).collect::<Vec<_>>().join(lang.pick("；", "; "));
                lang.pick(format!("不能制卡: {list}"), format!("no card can be made: {list}"))
            }
            Self::PeopleRefused { people } => {
                let list: Vec<String> = people.iter().map(ToString::to_string).collect();
                lang.pick(
                    format!("这些人员不存在、已故、已有卡或在其他批次中: {}", list.join(", ")),
                    format!("unknown, dead, with a card, or in another batch: {}", list.join(", ")),
                )
            }
            Self::RequestsRefused { requests } => {
                let list: Vec<String> = requests.iter().map(ToString::to_string).collect();
                lang.pick(
                    format!("这些申请不存在、已编批、已办结或已撤回: {}", list.join(", ")),
                    format!("unknown, in a batch, done or withdrawn: {}", list.join(", ")),
                )
            }
            Self::PhotosMissing { people } => {
                let shown: Vec<String> = people.iter().take(PEOPLE_NAMED_MAX).map(ToString::to_string).collect();
                let more = if people.len() > PEOPLE_NAMED_MAX { ", …" } else { "" };
                let (count, shown) = (people.len(), shown.join(", "));
                lang.pick(
                    format!("{count} 人已到须有照片的年龄而没有照片: {shown}{more}"),
                    format!("{count} people are of an age for which a photo is required, and have none: {shown}{more}"),
                )
            }
            Self::NumberUnknown => lang.pick("没有这个卡号", "there is no such card number").to_owned(),
            Self::NumberTaken { state } => {
                let state = word(&NumberState::TABLE, state, lang);
                lang.pick(format!("这个卡号{state}，不是空闲"), format!("the card number is {state}, not free"))
            }
            Self::NotFound { number } => lang.pick(format!("没有批次 {number}"), format!("there is no batch {number}")),
            Self::WrongState { number, state } => {
                lang.pick(format!("批次 {number} 处于 {state} 状态"), format!("batch {number} is {state}"))
            }
            Self::MakerIsChecker { number, maker } => lang.pick(
                format!("批次 {number} 由 {maker} 制单，不能自己审核"),
                format!("batch {number} was made by {maker}, who cannot approve it"),
            ),
            Self::JobNotWriting { number, job } => lang.pick(
                format!("批次 {number} 的任务 {job} 不在制作中"),
                format!("job {job} of batch {number} is not in work"),
            ),
            Self::JobNotWaiting { number, job } => lang.pick(
                format!("批次 {number} 的任务 {job} 不在待制状态"),
                format!("job {job} of batch {number} does not wait for a card"),
            ),
            Self::PartnerAsked { number, task } => lang.pick(
                format!("批次 {number} 的文件 {task} 尚未回盘"),
                format!("file {task} of batch {number} awaits its answer"),
            ),
            Self::NumbersExhausted { prefix } => {
                lang.pick(format!("前缀 {prefix} 的卡号已用完"), format!("no card number is left with prefix {prefix}"))
            }
            Self::CardKeys(error) => error.what(lang),
            Self::Stock(error) => error.what(lang),
            Self::Request(error) => error.what(lang),
            Self::Operator(error) => error.what(lang),
            Self::Store(error) => error.what(lang),
        }
    }

    fn next(&self, lang: Lang) -> &'static str {
        match self {
            Self::NobodyLeft { .. } => {
                lang.pick("先导入人员，或换一个县", "import people first, or choose another county")
            }
            Self::PeopleKept { .. } => lang.pick(
                "用 issuer person list --no-card 查看并处理；已编批的先取消批次，再编批时会略过这些人",
                "see them with `issuer person list --no-card` and mend it; a batch that is made already is cancelled and made again, which passes them over",
            ),
            Self::PhotosMissing { .. } => lang.pick(
                "用 issuer photo import 收照片，或只给其余的人编批（--persons）",
                "take their photos in with `issuer photo import`, or make a batch of the others with --persons",
            ),
            Self::PeopleRefused { .. } => lang.pick("去掉这些人员", "leave these people out"),
            Self::RequestsRefused { .. } => lang.pick("去掉这些申请", "leave these requests out"),
            Self::NumberUnknown | Self::NumberTaken { .. } => {
                lang.pick("用 issuer number list 查看", "look at the pool with `issuer number list`")
            }
            Self::NotFound { .. } => lang.pick("用 issuer batch list 查看", "see the batches with `issuer batch list`"),
            Self::WrongState { .. } => lang.pick("用 issuer batch show 查看", "look at it with `issuer batch show`"),
            Self::MakerIsChecker { .. } => lang.pick("由另一位审核员审核", "let another approver approve it"),
            Self::JobNotWriting { .. } => {
                lang.pick("用 issuer batch show 查看制作中的任务", "see the jobs in work with `issuer batch show`")
            }
            Self::JobNotWaiting { .. } => lang.pick(
                "用 issuer card list --batch 和 issuer batch show 查看；制作中的卡用 issuer batch spoil 申报",
                "look at `issuer card list --batch` and `issuer batch show`; a card in work is declared lost with `issuer batch spoil`",
            ),
            Self::PartnerAsked { .. } => lang.pick(
                "回盘后再办，或用 issuer exchange abandon 放弃该文件",
                "do it after the answer, or give the file up with `issuer exchange abandon`",
            ),
            Self::NumbersExhausted { .. } => lang.pick(
                "用 issuer number prefix propose 申请下一个前缀，由另一位操作员审核",
                "propose another prefix with `issuer number prefix propose`, and let another operator approve it",
            ),
            Self::CardKeys(error) => error.next(lang),
            Self::Stock(error) => error.next(lang),
            Self::Request(error) => error.next(lang),
            Self::Operator(error) => error.next(lang),
            Self::Store(error) => error.next(lang),
        }
    }

    fn exit(&self) -> Exit {
        match self {
            Self::NotFound { .. } | Self::NobodyLeft { .. } | Self::NumberUnknown => Exit::NotFound,
            Self::PeopleRefused { .. }
            | Self::PeopleKept { .. }
            | Self::RequestsRefused { .. }
            | Self::NumberTaken { .. }
            | Self::PhotosMissing { .. }
            | Self::WrongState { .. }
            | Self::MakerIsChecker { .. }
            | Self::JobNotWriting { .. }
            | Self::JobNotWaiting { .. }
            | Self::PartnerAsked { .. }
            | Self::NumbersExhausted { .. } => Exit::Refused,
            Self::CardKeys(error) => error.exit(),
            Self::Stock(error) => error.exit(),
            Self::Request(error) => error.exit(),
            Self::Operator(error) => error.exit(),
            Self::Store(error) => error.exit(),
        }
    }
}
