//! 投诉与建议工单: what people tell the centre, what it answers, until somebody closes it.
//!
//! Owns: the states, what a ticket may be about, the acts. Never: shows a text without a record of who saw it.

use clap::ValueEnum;
use serde::Serialize;
use settlement::code::ErrorCode;
use settlement::date::DateTime;
use settlement::fen::Fen;
use settlement::id::{InstitutionCode, RequestId};
use settlement::message::{AnswerStatus, Version1};
use settlement::query::{TicketAnswer, TicketKind, TicketRequest, TicketSubject, TicketText};
use settlement::refund::Original;

use super::{Asker, Channel, Clerk, card};
use crate::audit::Act;
use crate::clearing::refusal::ClearingError;
use crate::error::Explain;
use crate::exit::Exit;
use crate::lang::Lang;
use crate::operator::{OperatorError, Role};
use crate::output::Show;
use crate::state::{State, states, word};
use crate::store::{Store, StoreError, Tx};

states! {
    /// A ticket.
    "ticket" TicketState {
        /// Nobody has answered what was said last.
        Open = "open" "待答复",
        /// The office has answered.
        Answered = "answered" "已答复",
        /// Nothing more is to be done.
        Closed = "closed" "已办结",
    }
    /// Moves of a ticket.
    TicketMove {
        /// By the counter, with a text.
        Answer: Open => Answered,
        /// By the counter, when it is settled.
        Close: Answered => Closed,
        /// By the counter, with a reason for why there is nothing to answer.
        Dismiss: Open => Closed,
    }
}

/// A ticket without its texts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Ticket {
    /// Number.
    pub number: i64,
    /// Complaint or suggestion.
    pub kind: TicketKind,
    /// About what.
    pub subject: TicketSubject,
    /// How it came.
    pub channel: Channel,
    /// Row number of the person who told it, when that is known.
    pub person: Option<i64>,
    /// Institution that it is about.
    pub institution: Option<InstitutionCode>,
    /// Purchase that it is about.
    pub about: Option<Original>,
    /// State.
    pub state: String,
    /// UTC instant.
    pub opened_at: String,
}

/// Who said something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// The person.
    Holder,
    /// The centre.
    Office,
}

impl Side {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Holder, Self::Office];

    /// Name in the database.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Holder => "holder",
            Self::Office => "office",
        }
    }
}

/// What was said.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// Who.
    pub side: Side,
    /// Through whom: a terminal or an operator.
    pub actor: String,
    /// UTC instant.
    pub at: String,
    /// Text; empty once it was forgotten.
    pub text: String,
}

impl std::fmt::Debug for Entry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Entry({})", self.side.name())
    }
}

/// A ticket with everything that was said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Told {
    /// The ticket.
    #[serde(flatten)]
    pub ticket: Ticket,
    /// Name of the institution that it is about.
    pub institution_name: Option<String>,
    /// The purchase that it is about, as it was posted.
    pub purchase: Option<Bought>,
    /// In order.
    pub entries: Vec<Entry>,
}

/// What a purchase was, for who looks into it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Bought {
    /// Name on its receipt.
    pub reference: String,
    /// When, by the terminal's clock.
    pub date_time: DateTime,
    /// 个人账户.
    pub personal_account_fen: Fen,
    /// 个人自付.
    pub self_paid_fen: Fen,
    /// 统筹基金.
    pub pooled_fund_fen: Fen,
}

/// A terminal's time as people read it.
fn printed(at: DateTime) -> String {
    let text = at.to_string();
    let part = |from: usize, to: usize| text.get(from..to).unwrap_or_default();
    format!("{}-{}-{} {}:{}", part(0, 4), part(4, 6), part(6, 8), part(8, 10), part(10, 12))
}

impl Bought {
    /// In words, without the institution.
    #[must_use]
    pub fn words(&self, lang: Lang) -> String {
        let Self { reference, date_time, personal_account_fen, self_paid_fen, pooled_fund_fen } = self;
        let at = printed(*date_time);
        lang.pick(
            format!("{reference}  {at}  个人账户 {personal_account_fen}  自付 {self_paid_fen}  统筹 {pooled_fund_fen}"),
            format!("{reference}  {at}  account {personal_account_fen}  cash {self_paid_fen}  pool {pooled_fund_fen}"),
        )
    }
}

/// Several tickets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Tickets {
    /// In order of number.
    pub tickets: Vec<Ticket>,
}

/// A ticket to be opened.
#[derive(Clone, Debug)]
pub struct New<'a> {
    /// Complaint or suggestion.
    pub kind: TicketKind,
    /// About what.
    pub subject: TicketSubject,
    /// Who tells it.
    pub person: Option<i64>,
    /// Institution.
    pub institution: Option<InstitutionCode>,
    /// Purchase.
    pub about: Option<Original>,
    /// In their words.
    pub text: Option<&'a TicketText>,
    /// The terminal's message.
    pub request: Option<RequestId>,
}

/// Why nothing was done to a ticket.
#[derive(Debug, thiserror::Error)]
pub enum TicketError {
    /// No such ticket.
    #[error("there is no ticket {number}")]
    NotFound {
        /// Number.
        number: i64,
    },
    /// It is in another state.
    #[error("ticket {number} is {state}")]
    WrongState {
        /// Number.
        number: i64,
        /// State.
        state: String,
    },
    /// The text is empty, too long or no text.
    #[error("the text cannot be kept")]
    TextUnfit,
    /// What it is about does not exist.
    #[error("{0}")]
    About(ErrorCode),
    /// No such person.
    #[error("there is no person {person}")]
    NoPerson {
        /// Row number.
        person: i64,
    },
    /// Who acts.
    #[error(transparent)]
    Operator(#[from] OperatorError),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Opens a ticket; its number.
///
/// # Errors
/// [`TicketError`].
pub fn open(tx: &Tx<'_>, asker: &Asker, new: &New<'_>) -> Result<i64, TicketError> {
    if let Some(person) = new.person
        && !tx.person_exists(person)?
    {
        return Err(TicketError::NoPerson { person });
    }
    let mut institution = new.institution.clone();
    let mut about = new.about;
    if let Some(original) = &mut about {
        let mut named = Vec::new();
        for purchase in tx.accepted_purchases(*original)? {
            // A purchase of somebody else's card is nobody's to name.
            let holder = tx.card_facts(purchase.card_identifier)?.map(|card| card.holder);
            let is_of = new.person.is_none() || holder == new.person;
            if is_of && institution.as_ref().is_none_or(|code| *code == purchase.institution) {
                named.push(purchase);
            }
        }
        let Some(first) = named.first() else { return Err(TicketError::About(ErrorCode::TransactionUnknown)) };
        institution = Some(first.institution.clone());
        if let [only] = named.as_slice() {
            original.card_sequence = Some(only.card_sequence);
        }
    }
    if let Some(code) = &institution
        && tx.institution(code)?.is_none()
    {
        return Err(TicketError::About(ErrorCode::InstitutionUnknown));
    }
    Ok(tx.add_ticket(asker, &New { institution, about, ..new.clone() })?)
}

/// Takes a kiosk's message in, once.
///
/// # Errors
/// [`ClearingError`] with the code for the terminal.
pub fn take(tx: &Tx<'_>, asker: &Asker, request: &TicketRequest) -> Result<(TicketAnswer, Act), ClearingError> {
    let person = match request.card_identifier {
        Some(identifier) => {
            let found = card::made(tx, identifier)?.ok_or(ClearingError::Refused(ErrorCode::CardUnknown))?;
            Some(found.0.person)
        }
        None => None,
    };
    let (number, status) = match tx.ticket_of_request(request.request_id)? {
        Some(number) => (number, AnswerStatus::Exists),
        None => {
            let new = New {
                kind: request.kind,
                subject: request.subject,
                person,
                institution: request.institution.clone(),
                about: request.about,
                text: request.text.as_ref(),
                request: Some(request.request_id),
            };
            let number = open(tx, asker, &new).map_err(|error| match error {
                TicketError::About(code) => ClearingError::Refused(code),
                TicketError::Store(error) => error.into(),
                _ => ClearingError::Refused(ErrorCode::MessageMalformed),
            })?;
            (number, AnswerStatus::Created)
        }
    };
    let act = opened(asker, number, request.kind, request.subject, person);
    let number = u64::try_from(number).map_err(|_| StoreError::Damaged)?;
    Ok((TicketAnswer { version: Version1, status, number }, act))
}

/// The record of a ticket that was opened.
fn opened(asker: &Asker, number: i64, kind: TicketKind, subject: TicketSubject, person: Option<i64>) -> Act {
    let who = person.map_or_else(|| "nobody known".to_owned(), |person| format!("person {person}"));
    let detail = format!("{}, {} about {}, by {who}", asker.head(), kind.name(), subject.name());
    Act { actor: asker.actor.clone(), act: "ticket.open", object: format!("ticket {number}"), detail }
}

/// Opens a ticket that somebody told an operator.
///
/// # Errors
/// [`TicketError`].
pub fn add(store: &mut Store, channel: Channel, new: &New<'_>, operator: Option<&str>) -> Result<Ticket, TicketError> {
    tell(store, &Asker::new(channel, operator.unwrap_or_default().to_owned()), new, operator, false)
}

/// Opens a ticket of somebody. `proved`: the person has shown to be the one; else a clerk says who it is.
///
/// # Errors
/// [`TicketError`]; [`ErrorCode::TransactionUnknown`] also when nobody is known where people prove themselves, and a purchase is named.
pub fn tell(
    store: &mut Store,
    asker: &Asker,
    new: &New<'_>,
    operator: Option<&str>,
    proved: bool,
) -> Result<Ticket, TicketError> {
    // Who sees nobody cannot say who it is.
    let roles: &[Role] = if proved || new.person.is_none() { &[Role::Counter, Role::Query] } else { &[Role::Counter] };
    store.act(|tx| {
        tx.require_one(operator, roles)?;
        if asker.channel.proves_itself() && new.person.is_none() && new.about.is_some() {
            return Err(TicketError::About(ErrorCode::TransactionUnknown));
        }
        let number = open(tx, asker, new)?;
        let ticket = tx.ticket(number)?.ok_or(TicketError::NotFound { number })?;
        Ok((ticket, opened(asker, number, new.kind, new.subject, new.person)))
    })
}

/// Shows everything that was said; who saw it is on record.
///
/// # Errors
/// [`TicketError`].
pub fn show(store: &mut Store, number: i64, operator: Option<&str>) -> Result<Told, TicketError> {
    show_to(store, number, Clerk::of(operator))
}

/// As [`show`], also for a program that names an operator.
///
/// # Errors
/// [`TicketError`].
pub fn show_to(store: &mut Store, number: i64, clerk: Clerk<'_>) -> Result<Told, TicketError> {
    store.act(|tx| {
        let (actor, behalf) = clerk.on_duty(tx, Role::Counter)?;
        let ticket = tx.ticket(number)?.ok_or(TicketError::NotFound { number })?;
        let told = told(tx, ticket)?;
        let detail = format!("{} texts{behalf}", told.entries.len());
        Ok((told, Act { actor, act: "ticket.show", object: format!("ticket {number}"), detail }))
    })
}

/// Shows a person who has proved to be the one what was said in a ticket of theirs; who saw it is on record, also when there is none.
///
/// # Errors
/// [`TicketError::NotFound`], also when it is somebody else's.
pub fn show_own(
    store: &mut Store,
    asker: &Asker,
    number: i64,
    person: i64,
    operator: Option<&str>,
) -> Result<Told, TicketError> {
    store.act(|tx| -> Result<_, TicketError> {
        tx.require_one(operator, &[Role::Counter, Role::Query])?;
        let Some(ticket) = tx.ticket(number)?.filter(|ticket| ticket.person == Some(person)) else {
            return Ok((Err(TicketError::NotFound { number }), asker.act("ticket.show", person, "0 found")));
        };
        let told = told(tx, ticket)?;
        let detail = format!("{}, {} texts, to the person", asker.head(), told.entries.len());
        let act = Act { actor: asker.actor.clone(), act: "ticket.show", object: format!("ticket {number}"), detail };
        Ok((Ok(told), act))
    })?
}

fn told(tx: &Tx<'_>, ticket: Ticket) -> Result<Told, StoreError> {
    let entries = tx.ticket_entries(ticket.number)?;
    let institution = ticket.institution.as_ref().map(|code| tx.institution(code)).transpose()?.flatten();
    let purchase = bought(tx, &ticket)?;
    Ok(Told { ticket, institution_name: institution.map(|found| found.name), purchase, entries })
}

/// The purchase that a ticket is about: of who told it, where that is known.
fn bought(tx: &Tx<'_>, ticket: &Ticket) -> Result<Option<Bought>, StoreError> {
    let Some(original) = ticket.about else { return Ok(None) };
    for row in tx.accepted_purchases(original)? {
        if ticket.person.is_none() || tx.card_facts(row.card_identifier)?.map(|card| card.holder) == ticket.person {
            return Ok(Some(Bought {
                reference: original.reference(),
                date_time: row.date_time,
                personal_account_fen: row.personal_account_fen,
                self_paid_fen: row.self_paid_fen,
                pooled_fund_fen: row.pooled_fund_fen,
            }));
        }
    }
    Ok(None)
}

/// Answers, or closes with or without a last word.
///
/// # Errors
/// [`TicketError`].
pub fn settle(
    store: &mut Store,
    number: i64,
    closes: bool,
    text: Option<&TicketText>,
    operator: Option<&str>,
) -> Result<Ticket, TicketError> {
    settle_by(store, number, closes, text, Clerk::of(operator))
}

/// As [`settle`], also for a program that names an operator.
///
/// # Errors
/// [`TicketError`].
pub fn settle_by(
    store: &mut Store,
    number: i64,
    closes: bool,
    text: Option<&TicketText>,
    clerk: Clerk<'_>,
) -> Result<Ticket, TicketError> {
    store.act(|tx| {
        let (actor, behalf) = clerk.on_duty(tx, Role::Counter)?;
        let ticket = tx.ticket(number)?.ok_or(TicketError::NotFound { number })?;
        let wrong = || TicketError::WrongState { number, state: ticket.state.clone() };
        let by = match (TicketState::of_name(&ticket.state), closes) {
            (Some(TicketState::Open), false) => TicketMove::Answer,
            (Some(TicketState::Open), true) => TicketMove::Dismiss,
            (Some(TicketState::Answered), true) => TicketMove::Close,
            _ => return Err(wrong()),
        };
        // What is closed unanswered needs its reason, as an answer needs its text.
        if text.is_none() && by != TicketMove::Close {
            return Err(TicketError::TextUnfit);
        }
        if let Some(text) = text {
            tx.add_ticket_entry(number, Side::Office, &actor, text)?;
        }
        tx.move_ticket(number, by)?;
        let act = if closes { "ticket.close" } else { "ticket.answer" };
        let detail = format!("{}{behalf}", by.ends().1.name());
        let ticket = tx.ticket(number)?.ok_or(TicketError::NotFound { number })?;
        Ok((ticket, Act { actor, act, object: format!("ticket {number}"), detail }))
    })
}

impl Show for Ticket {
    fn text(&self, lang: Lang) -> String {
        let Self { number, kind, subject, channel, person, institution, about, state, opened_at } = self;
        let (kind, subject) = (kind.names(), subject.names());
        let state = word(&TicketState::TABLE, state, lang);
        let channel = channel.name();
        let person = person
            .map_or_else(String::new, |person| lang.pick(format!("，人员 {person}"), format!(", person {person}")));
        let place = institution.as_ref().map_or_else(String::new, |code| format!("  {code}"));
        let about = about.map_or_else(String::new, |of| format!("  {}", of.reference()));
        lang.pick(
            format!("工单 {number}  {}  {}  {state}  {channel}{person}{place}{about}  {opened_at}", kind.0, subject.0),
            format!(
                "ticket {number}  {}  {}  {state}  {channel}{person}{place}{about}  {opened_at}",
                kind.1, subject.1
            ),
        )
    }
}

impl Show for Tickets {
    fn text(&self, lang: Lang) -> String {
        let count = self.tickets.len();
        let end = lang.pick(format!("共 {count} 件"), format!("{count} tickets"));
        self.tickets.iter().map(|ticket| ticket.text(lang)).chain([end]).collect::<Vec<_>>().join("\n")
    }
}

impl Show for Told {
    fn text(&self, lang: Lang) -> String {
        let line = |entry: &Entry| {
            let Entry { side, actor, at, text } = entry;
            let side = match side {
                Side::Holder => lang.pick("来件", "said"),
                Side::Office => lang.pick("答复", "answered"),
            };
            format!("  {side}  {actor}  {at}\n    {}", text.replace('\n', "\n    "))
        };
        let about = [self.institution_name.clone(), self.purchase.as_ref().map(|purchase| purchase.words(lang))];
        let about = about.into_iter().flatten().map(|words| format!("  {words}"));
        [self.ticket.text(lang)]
            .into_iter()
            .chain(about)
            .chain(self.entries.iter().map(line))
            .collect::<Vec<_>>()
            .join("\n")
    }
}

/// A kind as it is typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum TypedKind {
    /// 投诉.
    Complaint,
    /// 建议.
    Suggestion,
}

impl From<TypedKind> for TicketKind {
    fn from(kind: TypedKind) -> Self {
        match kind {
            TypedKind::Complaint => Self::Complaint,
            TypedKind::Suggestion => Self::Suggestion,
        }
    }
}

/// Reads a subject as it is typed.
///
/// # Errors
/// The names that there are.
pub fn subject(text: &str) -> Result<TicketSubject, String> {
    let names = || TicketSubject::ALL.map(TicketSubject::name).join(", ");
    TicketSubject::ALL.into_iter().find(|subject| subject.name() == text).ok_or_else(|| format!("one of {}", names()))
}

impl Explain for TicketError {
    fn code(&self) -> &'static str {
        match self {
            Self::NotFound { .. } => "TICKET_NOT_FOUND",
            Self::WrongState { .. } => "TICKET_STATE",
            Self::TextUnfit => "TICKET_TEXT_UNFIT",
            Self::About(code) => code.as_str(),
            Self::NoPerson { .. } => "PERSON_NOT_FOUND",
            Self::Operator(error) => error.code(),
            Self::Store(error) => error.code(),
        }
    }

    fn what(&self, lang: Lang) -> String {
        match self {
            Self::NotFound { number } => {
                lang.pick(format!("没有工单 {number}"), format!("there is no ticket {number}"))
            }
            Self::WrongState { number, state } => {
                let state = word(&TicketState::TABLE, state, lang);
                lang.pick(format!("工单 {number} {state}"), format!("ticket {number} is {state}"))
            }
            Self::TextUnfit => lang
                .pick(
                    "缺少文字，或文字超过 1000 字、含控制字符",
                    "there is no text, or it is longer than 1000 characters or holds control characters",
                )
                .to_owned(),
            Self::About(code) => code.texts(crate::clearing::refusal::language(lang)).0.to_owned(),
            Self::NoPerson { person } => {
                lang.pick(format!("没有编号为 {person} 的人员"), format!("there is no person {person}"))
            }
            Self::Operator(error) => error.what(lang),
            Self::Store(error) => error.what(lang),
        }
    }

    fn next(&self, lang: Lang) -> &'static str {
        match self {
            Self::NotFound { .. } => lang.pick("用 issuer ticket list 查看", "see them with `issuer ticket list`"),
            Self::WrongState { .. } => lang.pick(
                "待答复的可答复或办结，已答复的可办结",
                "an open one is answered or closed, an answered one is closed",
            ),
            Self::TextUnfit => lang.pick(
                "把文字写在标准输入；已答复的办结可以不写",
                "write the text on the standard input; closing what was answered needs none",
            ),
            Self::About(code) => code.texts(crate::clearing::refusal::language(lang)).1,
            Self::NoPerson { .. } => {
                lang.pick("用 issuer person list 查看", "see who there is with `issuer person list`")
            }
            Self::Operator(error) => error.next(lang),
            Self::Store(error) => error.next(lang),
        }
    }

    fn exit(&self) -> Exit {
        match self {
            Self::NotFound { .. } | Self::About(_) | Self::NoPerson { .. } => Exit::NotFound,
            Self::WrongState { .. } => Exit::Refused,
            Self::TextUnfit => Exit::Usage,
            Self::Operator(error) => error.exit(),
            Self::Store(error) => error.exit(),
        }
    }
}
