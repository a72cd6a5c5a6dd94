//! Requests (申请): a first card, a replacement, a renewal, changed data; one open request a person.
//!
//! Owns: kinds, states, making and withdrawing; the errors. Never: makes a card (`batch`, `station`); cancels an old card
//! before its successor is begun.

use clap::ValueEnum;
use serde::Serialize;

use crate::audit::Act;
use crate::batch::rule::MakingRules;
use crate::card::Chip;
use crate::card::state::LifeState;
use crate::clock;
use crate::error::Explain;
use crate::exit::Exit;
use crate::lang::Lang;
use crate::operator::{OperatorError, Role};
use crate::output::Show;
use crate::person::dossier::Standing;
use crate::person::no_card::NoCard;
use crate::state::{State, states, word};
use crate::store::{Store, StoreError, Tx};

states! {
    /// A request.
    "card_request" RequestState {
        /// In no batch yet.
        Open = "open" "待编批",
        /// In a batch.
        Batched = "batched" "制卡中",
        /// The card is made.
        Done = "done" "已办结",
        /// Given up by the person or the counter.
        Withdrawn = "withdrawn" "已撤回",
    }
    /// Moves of a request.
    RequestMove {
        /// With a batch that takes it.
        Batch: Open => Batched,
        /// By the operator who captures, as long as it is in no batch, or when the person dies.
        Withdraw: Open => Withdrawn,
        /// With a batch that is cancelled, a partner's answer that refuses the person, a job that is set aside, or when the
        /// person dies.
        Return: Batched => Open,
        /// With the finished card.
        Finish: Batched => Done,
    }
}

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// 新申领: the first card.
    First,
    /// 挂失补卡: the card is lost.
    Lost,
    /// 损坏换卡: the card is damaged.
    Damaged,
    /// 质保换卡: the card failed by itself.
    Warranty,
    /// 到期换卡: the card expires.
    Renewal,
    /// 信息变更换卡: what is printed on the card has changed.
    DataChange,
}

impl Kind {
    /// All kinds.
    pub const ALL: [Self; 6] =
        [Self::First, Self::Lost, Self::Damaged, Self::Warranty, Self::Renewal, Self::DataChange];

    /// Name as typed and stored.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::First => "first",
            Self::Lost => "lost",
            Self::Damaged => "damaged",
            Self::Warranty => "warranty",
            Self::Renewal => "renewal",
            Self::DataChange => "data-change",
        }
    }

    /// The word for it; in English its name.
    #[must_use]
    pub const fn word(self, lang: Lang) -> &'static str {
        match lang {
            Lang::Zh => self.zh(),
            Lang::En => self.name(),
        }
    }

    const fn zh(self) -> &'static str {
        match self {
            Self::First => "新申领",
            Self::Lost => "挂失补卡",
            Self::Damaged => "损坏换卡",
            Self::Warranty => "质保换卡",
            Self::Renewal => "到期换卡",
            Self::DataChange => "信息变更换卡",
        }
    }
}

/// A request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Request {
    /// Number.
    pub number: i64,
    /// Row number of the person.
    pub person: i64,
    /// What is asked for.
    pub kind: Kind,
    /// Whether the person waits at the counter.
    pub instant: bool,
    /// State.
    pub state: String,
    /// 卡号 of the card that the new one takes the place of.
    pub old_card: Option<String>,
    /// Job that is to fulfil it, the latest one.
    pub job: Option<i64>,
    /// Operator who made it.
    pub maker: String,
    /// UTC instant.
    pub made_at: String,
}

/// Several requests.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Requests {
    /// In order of number.
    pub requests: Vec<Request>,
}

/// Why a request is not made or withdrawn.
#[derive(Debug, thiserror::Error)]
pub enum RequestError {
    /// Nobody has this row number.
    #[error("there is no person {person}")]
    NoPerson {
        /// Row number.
        person: i64,
    },
    /// The person goes on in another row.
    #[error("person {person} goes on as person {into}")]
    Joined {
        /// Row number.
        person: i64,
        /// The other one.
        into: i64,
    },
    /// The person's death is recorded.
    #[error("person {person} is dead")]
    Dead {
        /// Row number.
        person: i64,
    },
    /// No card can be made for the person.
    #[error("no card can be made for person {person}: {}", why.name())]
    NoCard {
        /// Row number.
        person: i64,
        /// Why.
        why: NoCard,
    },
    /// The person has an open request.
    #[error("person {person} has an open request")]
    Open {
        /// Row number.
        person: i64,
    },
    /// A first card is asked for by someone who has one.
    #[error("person {person} has a card")]
    HasCard {
        /// Row number.
        person: i64,
    },
    /// Another card is asked for by someone who has none.
    #[error("person {person} has no card")]
    HasNoCard {
        /// Row number.
        person: i64,
    },
    /// The card is valid for longer than the site renews ahead.
    #[error("the card of person {person} is valid until {valid_until}")]
    RenewalEarly {
        /// Row number.
        person: i64,
        /// Last day of the card, `YYYYMMDD`.
        valid_until: String,
        /// First day on which it may be renewed, `YYYYMMDD`.
        from: String,
    },
    /// The loss of the card was not reported.
    #[error("the loss of card {card_number} of person {person} is not reported")]
    LossUnreported {
        /// Row number.
        person: i64,
        /// 卡号.
        card_number: String,
    },
    /// Nothing that is known of the person has changed since the card was begun.
    #[error("nothing of person {person} has changed since the card was made")]
    NothingChanged {
        /// Row number.
        person: i64,
    },
    /// There is no such request.
    #[error("there is no request {number}")]
    NotFound {
        /// Number.
        number: i64,
    },
    /// The request is no one's who waits at the counter.
    #[error("request {number} is not an instant one")]
    NotInstant {
        /// Number.
        number: i64,
    },
    /// The request is in no batch.
    #[error("request {number} is in no batch")]
    NotBatched {
        /// Number.
        number: i64,
    },
    /// The request is in another state.
    #[error("request {number} is {state}")]
    WrongState {
        /// Number.
        number: i64,
        /// State it is in.
        state: String,
    },
    /// The operator.
    #[error(transparent)]
    Operator(#[from] OperatorError),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Makes a request.
///
/// # Errors
/// [`RequestError`].
pub fn make(
    store: &mut Store,
    person: i64,
    kind: Kind,
    instant: bool,
    operator: Option<&str>,
) -> Result<Request, RequestError> {
    let rules = store.making_rules();
    store.act(|tx| {
        let maker = tx.require(operator, Role::Capture)?;
        if !tx.person_exists(person)? {
            return Err(RequestError::NoPerson { person });
        }
        if let Some(into) = tx.joined_into(person)? {
            return Err(RequestError::Joined { person, into });
        }
        if tx.death(person)?.is_some() {
            return Err(RequestError::Dead { person });
        }
        if let Some(why) = tx.why_no_card(person)? {
            return Err(RequestError::NoCard { person, why });
        }
        let old = tx.last_card_in_use(person)?;
        match (kind, &old) {
            (Kind::First, Some(_)) => return Err(RequestError::HasCard { person }),
            (Kind::First, None) => {}
            (_, None) => return Err(RequestError::HasNoCard { person }),
            (Kind::Renewal, Some(chip)) => renewable(tx, person, chip, rules)?,
            (Kind::DataChange, Some(chip)) => changed(tx, person, chip)?,
            (Kind::Lost, Some(chip)) => reported(tx, person, chip)?,
            (Kind::Damaged | Kind::Warranty, Some(_)) => {}
        }
        if tx.person_has_open_job(person)? {
            return Err(RequestError::Open { person });
        }
        let number = tx.add_card_request(person, kind, instant, old.as_ref(), &maker).map_err(|error| match error {
            StoreError::Conflict { .. } => RequestError::Open { person },
            error => error.into(),
        })?;
        let made = tx.request(number)?.ok_or(RequestError::NotFound { number })?;
        let counter = if instant { ", instant" } else { "" };
        let detail = format!("{}{counter}, person {person}", kind.name());
        Ok((made, Act { actor: maker, act: "request.make", object: format!("request {number}"), detail }))
    })
}

/// A card that is lost pays until its loss is reported; one that is sealed never did.
///
/// # Errors
/// [`RequestError::LossUnreported`].
fn reported(tx: &Tx<'_>, person: i64, chip: &Chip) -> Result<(), RequestError> {
    let Some(card) = tx.card_by_chip(chip)? else { return Ok(()) };
    match LifeState::of_name(&card.state) {
        Some(LifeState::Normal | LifeState::Locked) => {
            Err(RequestError::LossUnreported { person, card_number: card.card_number })
        }
        Some(LifeState::Sealed | LifeState::TemporaryLoss | LifeState::FormalLoss | LifeState::Cancelled) | None => {
            Ok(())
        }
    }
}

/// # Errors
/// [`RequestError::RenewalEarly`].
fn renewable(tx: &Tx<'_>, person: i64, chip: &Chip, rules: Option<MakingRules>) -> Result<(), RequestError> {
    let (Some(rules), Some(card)) = (rules, tx.card_by_chip(chip)?) else { return Ok(()) };
    match rules.renewable_from(&card.valid_until) {
        Some(from) if clock::today() < from => {
            Err(RequestError::RenewalEarly { person, valid_until: card.valid_until, from: clock::compact(from) })
        }
        _ => Ok(()),
    }
}

/// # Errors
/// [`RequestError::NothingChanged`] when every value held, and the photo, were there when the card was begun.
fn changed(tx: &Tx<'_>, person: i64, chip: &Chip) -> Result<(), RequestError> {
    let Some(begun) = tx.card_begun_at(chip)?.map(|at| clock::seconds_of(&at)) else { return Ok(()) };
    let dossier = tx.dossier(person)?.ok_or(RequestError::NoPerson { person })?;
    // An earlier value was given up since: also for none at all.
    let later = dossier.history().into_iter().any(|line| match line.standing {
        Standing::Held => line.since >= begun,
        Standing::Past(until) => until >= begun,
        Standing::Agrees | Standing::Conflicts | Standing::Settled => false,
    });
    let photo = tx.photo_taken_at(person)?.is_some_and(|at| clock::seconds_of(&at) >= begun);
    let renumbered = tx.former_numbers(person)?.iter().any(|former| clock::seconds_of(&former.until) >= begun);
    if later || photo || renumbered { Ok(()) } else { Err(RequestError::NothingChanged { person }) }
}

/// Withdraws a request that is in no batch.
///
/// # Errors
/// [`RequestError`].
pub fn withdraw(store: &mut Store, number: i64, reason: &str, operator: Option<&str>) -> Result<Request, RequestError> {
    store.act(|tx| {
        let actor = tx.require(operator, Role::Capture)?;
        let request = tx.request(number)?.ok_or(RequestError::NotFound { number })?;
        if request.state != RequestState::Open.name() {
            return Err(RequestError::WrongState { number, state: request.state });
        }
        tx.move_request(number, RequestMove::Withdraw)?;
        let withdrawn = tx.request(number)?.ok_or(RequestError::NotFound { number })?;
        let detail = reason.to_owned();
        Ok((withdrawn, Act { actor, act: "request.withdraw", object: format!("request {number}"), detail }))
    })
}

impl Show for Request {
    fn text(&self, lang: Lang) -> String {
        let Self { number, person, kind, instant, state, old_card, job, maker, made_at } = self;
        let kind = lang.pick(kind.zh(), kind.name());
        let instant = if *instant { lang.pick("，即时制卡", ", instant") } else { "" };
        let state = word(&RequestState::TABLE, state, lang);
        let old = old_card
            .as_ref()
            .map(|old| lang.pick(format!("，原卡 {old}"), format!(", in place of {old}")))
            .unwrap_or_default();
        let job = job.map(|job| lang.pick(format!("，任务 {job}"), format!(", job {job}"))).unwrap_or_default();
        lang.pick(
            format!("申请 {number}: {kind}{instant}，人员 {person}{old}，{state}{job}（{maker}，{made_at}）"),
            format!("request {number}: {kind}{instant}, person {person}{old}, {state}{job} ({maker}, {made_at})"),
        )
    }
}

impl Show for Requests {
    fn text(&self, lang: Lang) -> String {
        let mut lines: Vec<String> = self.requests.iter().map(|request| request.text(lang)).collect();
        let count = self.requests.len();
        lines.push(lang.pick(format!("共 {count} 件"), format!("{count} requests")));
        lines.join("\n")
    }
}

impl Explain for RequestError {
    fn code(&self) -> &'static str {
        match self {
            Self::NoPerson { .. } => "PERSON_NOT_FOUND",
            Self::Joined { .. } => "PERSON_JOINED",
            Self::Dead { .. } => "HOLDER_DEAD",
            Self::NoCard { why: NoCard::Conflict, .. } => "PERSON_NAME_UNDECIDED",
            Self::NoCard { why: NoCard::Text, .. } => "PERSON_TEXT_NOT_ON_CHIP",
            Self::NoCard { why: NoCard::SaidDead, .. } => "PERSON_SAID_DEAD",
            Self::NoCard { why: NoCard::Photo, .. } => "BATCH_PHOTOS_MISSING",
            Self::Open { .. } => "REQUEST_OPEN",
            Self::HasCard { .. } => "PERSON_HAS_CARD",
            Self::HasNoCard { .. } => "PERSON_HAS_NO_CARD",
            Self::RenewalEarly { .. } => "REQUEST_RENEWAL_EARLY",
            Self::LossUnreported { .. } => "REQUEST_LOSS_UNREPORTED",
            Self::NothingChanged { .. } => "REQUEST_NOTHING_CHANGED",
            Self::NotFound { .. } => "REQUEST_NOT_FOUND",
            Self::NotInstant { .. } => "REQUEST_NOT_INSTANT",
            Self::NotBatched { .. } => "REQUEST_NOT_BATCHED",
            Self::WrongState { .. } => "REQUEST_STATE",
            Self::Operator(error) => error.code(),
            Self::Store(error) => error.code(),
        }
    }

    fn what(&self, lang: Lang) -> String {
        match self {
            Self::NoPerson { person } => {
                lang.pick(format!("没有编号为 {person} 的人员"), format!("there is no person {person}"))
            }
            Self::Joined { person, into } => lang
                .pick(format!("人员 {person} 已并入人员 {into}"), format!("person {person} goes on as person {into}")),
            Self::Dead { person } => {
                lang.pick(format!("人员 {person} 已登记死亡"), format!("person {person} is recorded as dead"))
            }
            Self::NoCard { person, why } => {
                let why = why.text(lang);
                lang.pick(
                    format!("人员 {person} 不能制卡: {why}"),
                    format!("no card can be made for person {person}: {why}"),
                )
            }
            Self::Open { person } => lang.pick(
                format!("人员 {person} 已有未办结的申请或制卡任务"),
                format!("person {person} has an open request, or a card being made"),
            ),
            Self::HasCard { person } => lang.pick(
                format!("人员 {person} 已有卡，不能新申领"),
                format!("person {person} has a card and cannot ask for a first one"),
            ),
            Self::HasNoCard { person } => lang.pick(
                format!("人员 {person} 没有卡，不能补换"),
                format!("person {person} has no card that another could take the place of"),
            ),
            Self::RenewalEarly { person, valid_until, from } => lang.pick(
                format!("人员 {person} 的卡有效期至 {valid_until}，{from} 起才可到期换卡"),
                format!("the card of person {person} is valid until {valid_until}; it may be renewed from {from} on"),
            ),
            Self::LossUnreported { card_number, .. } => lang.pick(
                format!("卡 {card_number} 未挂失，仍可使用"),
                format!("the loss of card {card_number} is not reported: it still works"),
            ),
            Self::NothingChanged { person } => lang.pick(
                format!("人员 {person} 的资料自制卡以来没有变更"),
                format!("nothing that is known of person {person} has changed since the card was made"),
            ),
            Self::NotFound { number } => {
                lang.pick(format!("没有申请 {number}"), format!("there is no request {number}"))
            }
            Self::NotInstant { number } => lang
                .pick(format!("申请 {number} 不是即时制卡"), format!("request {number} was not made at the counter")),
            Self::NotBatched { number } => {
                lang.pick(format!("申请 {number} 尚未编批"), format!("request {number} is in no batch yet"))
            }
            Self::WrongState { number, state } => {
                let state = word(&RequestState::TABLE, state, lang);
                lang.pick(format!("申请 {number} {state}"), format!("request {number} is {state}"))
            }
            Self::Operator(error) => error.what(lang),
            Self::Store(error) => error.what(lang),
        }
    }

    fn next(&self, lang: Lang) -> &'static str {
        match self {
            Self::NoPerson { .. } => {
                lang.pick("用 issuer person find 查找", "find the person with `issuer person find`")
            }
            Self::Joined { .. } => lang.pick("改用并入后的编号", "name the row in which the person goes on"),
            Self::Dead { .. } => lang.pick(
                "登记有误时用 issuer person death --withdraw 撤销",
                "if the record is wrong, withdraw it with `issuer person death --withdraw`",
            ),
            Self::NoCard { why, .. } => why.next(lang),
            Self::Open { .. } => lang.pick(
                "用 issuer request list --person 查看，办结或撤回后再申请",
                "see it with `issuer request list --person`; finish or withdraw it first",
            ),
            Self::HasCard { .. } => lang.pick(
                "用 --kind lost、damaged、warranty、renewal 或 data-change 申请补换",
                "ask with --kind lost, damaged, warranty, renewal or data-change",
            ),
            Self::HasNoCard { .. } => lang.pick("用 --kind first 申请", "ask with --kind first"),
            Self::RenewalEarly { .. } => lang.pick(
                "到期前再办；卡坏了用 --kind damaged（期限由 centre.toml 的 [requests] renewal_months 定）",
                "come back later; a damaged card is --kind damaged (renewal_months of [requests] in centre.toml sets the time)",
            ),
            Self::LossUnreported { .. } => lang.pick(
                "先用 issuer card report-loss --formal 挂失，使其停用，再申请",
                "report the loss first with `issuer card report-loss --formal`, which takes the card out of use, then ask again",
            ),
            Self::NothingChanged { .. } => lang.pick(
                "先用 issuer person upsert 或导入更新资料，再申请",
                "tell the change first, with `issuer person upsert` or an import, then ask again",
            ),
            Self::NotFound { .. } => lang.pick("用 issuer request list 查看", "see them with `issuer request list`"),
            Self::NotInstant { .. } => {
                lang.pick("用 issuer batch create 编批", "make a batch with `issuer batch create`")
            }
            Self::NotBatched { .. } => {
                lang.pick("用 issuer instant new 继续", "go on with `issuer instant new` for the person")
            }
            Self::WrongState { .. } => lang.pick(
                "只有未编批的申请可以撤回；批次未审核时可先取消批次",
                "only a request in no batch can be withdrawn; a batch that is not approved can be cancelled first",
            ),
            Self::Operator(error) => error.next(lang),
            Self::Store(error) => error.next(lang),
        }
    }

    fn exit(&self) -> Exit {
        match self {
            Self::NoPerson { .. } | Self::NotFound { .. } => Exit::NotFound,
            Self::Joined { .. }
            | Self::Dead { .. }
            | Self::NoCard { .. }
            | Self::Open { .. }
            | Self::HasCard { .. }
            | Self::HasNoCard { .. }
            | Self::RenewalEarly { .. }
            | Self::LossUnreported { .. }
            | Self::NothingChanged { .. }
            | Self::NotInstant { .. }
            | Self::NotBatched { .. }
            | Self::WrongState { .. } => Exit::Refused,
            Self::Operator(error) => error.exit(),
            Self::Store(error) => error.exit(),
        }
    }
}
