//! Complaints and suggestions: told through any channel, answered and closed by the counter or an agent.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use settlement::id::InstitutionCode;
use settlement::query::{TicketKind, TicketSubject, TicketText};
use settlement::refund::Original;

use super::asking::{About, Asking, PASSWORD_MAX};
use super::failure::ApiError;
use super::queries::{secret, word};
use super::{AFTER, Acts, Asks, Call, Endpoint, Json, Kind, LIMIT, Looks, Method, Nothing, Parameter, Proves};
use crate::error::Error;
use crate::operator::duty::HOUSE;
use crate::query::door;
use crate::query::failure::QueryError;
use crate::query::ticket::{self, Side, Ticket, TicketError, TicketState};
use crate::store::Store;

/// Characters of what somebody says.
const TEXT_MAX: usize = 1_000;
/// Characters of the name of an institution or a purchase.
const CODE_MAX: usize = 40;

/// Something that somebody tells.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("examples" = [
    { "kind": "complaint", "subject": "service", "text": "窗口排队时间太长",
      "about": { "number": "513301199001010013" }, "password": "830512" },
    { "kind": "suggestion", "subject": "other", "text": "希望周末也能办理" }
]))]
#[schemars(rename = "NewTicket")]
struct New {
    /// What it is.
    kind: TypedKind,
    /// What it is about.
    subject: TypedSubject,
    /// In their words; lines allowed.
    #[schemars(length(min = 1, max = TEXT_MAX))]
    text: String,
    /// Who tells it; nobody who is known when it is absent, and then nobody can read the answer. By row number where a clerk tells it.
    about: Option<About>,
    /// Query password of the person, where people prove themselves.
    #[schemars(length(max = PASSWORD_MAX))]
    password: Option<String>,
    /// Code of an institution that it is about.
    #[schemars(length(max = CODE_MAX))]
    institution: Option<String>,
    /// A purchase that it is about: `purchase` of a line of the account, or as a receipt has it.
    #[schemars(length(max = CODE_MAX))]
    purchase: Option<String>,
}

#[derive(Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(rename = "TicketKind")]
enum TypedKind {
    /// 投诉.
    Complaint,
    /// 建议.
    Suggestion,
}

#[derive(Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(rename = "TicketSubject")]
enum TypedSubject {
    /// 一笔交易.
    Transaction,
    /// 医药机构.
    Institution,
    /// 账户.
    Account,
    /// 社会保障卡.
    Card,
    /// 经办服务.
    Service,
    /// 自助终端.
    Kiosk,
    /// 其他.
    Other,
}

impl From<TypedSubject> for TicketSubject {
    fn from(subject: TypedSubject) -> Self {
        match subject {
            TypedSubject::Transaction => Self::Transaction,
            TypedSubject::Institution => Self::Institution,
            TypedSubject::Account => Self::Account,
            TypedSubject::Card => Self::Card,
            TypedSubject::Service => Self::Service,
            TypedSubject::Kiosk => Self::Kiosk,
            TypedSubject::Other => Self::Other,
        }
    }
}

/// What is answered.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("examples" = [{ "text": "已增开窗口" }]))]
#[schemars(rename = "TicketAnswer")]
struct Answer {
    /// In the centre's words; lines allowed.
    #[schemars(length(min = 1, max = TEXT_MAX))]
    text: String,
}

/// A last word, or why there is nothing to answer.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("examples" = [{}, { "text": "与工单 7 相同" }]))]
#[schemars(rename = "TicketClose")]
struct Close {
    /// Needed for one that nobody has answered.
    #[schemars(length(max = TEXT_MAX))]
    text: Option<String>,
}

/// Who reads the answer to what they told.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("examples" = [{ "about": { "number": "513301199001010013" }, "password": "830512" }]))]
#[schemars(rename = "TicketRead")]
struct Read {
    /// Who.
    about: About,
    /// Query password.
    #[schemars(length(max = PASSWORD_MAX))]
    password: String,
}

/// A ticket without what was said.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Ticket")]
struct Row {
    /// Number.
    number: i64,
    /// `complaint` or `suggestion`.
    kind: String,
    /// What it is about.
    subject: String,
    /// How it came: `web`, `voice`, `counter`, `agent`, `kiosk`.
    channel: &'static str,
    /// `open`, `answered`, `closed`.
    state: String,
    /// UTC instant.
    opened_at: String,
    /// Row number of the person who told it, where that is known; for clerks and agents.
    #[serde(skip_serializing_if = "Option::is_none")]
    person_id: Option<i64>,
    /// Code of the institution.
    #[serde(skip_serializing_if = "Option::is_none")]
    institution: Option<String>,
    /// Purchase.
    #[serde(skip_serializing_if = "Option::is_none")]
    purchase: Option<String>,
}

/// A ticket with what was said.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("examples" = [{
    "ticket": { "number": 7, "kind": "complaint", "subject": "service", "channel": "web", "state": "answered",
        "openedAt": "2026-11-23T08:00:00.000Z" },
    "entries": [
        { "side": "holder", "at": "2026-11-23T08:00:00.000Z", "text": "窗口排队时间太长" },
        { "side": "office", "at": "2026-11-24T01:30:00.000Z", "text": "已增开窗口" }
    ]
}]))]
#[schemars(rename = "TicketWithEntries")]
struct Told {
    /// The ticket.
    ticket: Row,
    /// Name of the institution.
    #[serde(skip_serializing_if = "Option::is_none")]
    institution_name: Option<String>,
    /// The purchase, as it was posted.
    #[serde(skip_serializing_if = "Option::is_none")]
    bought: Option<Bought>,
    /// In order.
    entries: Vec<Entry>,
}

/// A purchase, for who looks into it.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "TicketPurchase")]
struct Bought {
    /// When, by the terminal's clock: `YYYYMMDDHHMMSS`, time of China.
    at: String,
    /// 个人账户.
    personal_account_fen: i64,
    /// 个人自付.
    self_paid_fen: i64,
    /// 统筹基金.
    pooled_fund_fen: i64,
}

/// What was said.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "TicketEntry")]
struct Entry {
    /// `holder` or `office`.
    side: &'static str,
    /// Through whom: a terminal, an operator, a program; for clerks and agents.
    #[serde(skip_serializing_if = "Option::is_none")]
    actor: Option<String>,
    /// UTC instant.
    at: String,
    /// Text; empty once it was forgotten.
    text: String,
}

/// Several tickets.
#[derive(Serialize, JsonSchema)]
struct Tickets {
    /// In order of number.
    tickets: Vec<Row>,
    /// What `after` is for the next of them; none behind the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<i64>,
}

const STATE: Parameter =
    Parameter { name: "state", kind: Kind::Word(&["open", "answered", "closed"]), says: "Only those in this state." };

pub(super) const ENDPOINTS: &[Endpoint] = &[
    Endpoint {
        method: Method::Get,
        path: "/api/v1/tickets",
        asks: Asks::Duty("ticket list --behalf"),
        id: "findTickets",
        says: "Lists complaints and suggestions, without what was said.",
        parameters: &[AFTER, LIMIT, STATE],
        work: &Looks(list),
    },
    Endpoint {
        method: Method::Post,
        path: "/api/v1/tickets",
        asks: Asks::Duty("ticket add"),
        id: "openTicket",
        says: "Takes down what somebody tells.",
        parameters: &[],
        work: &Proves(Acts(add)),
    },
    Endpoint {
        method: Method::Get,
        path: "/api/v1/tickets/{number}",
        asks: Asks::Duty("ticket show --behalf"),
        id: "readTicket",
        says: "Shows a ticket with what was said; who looked is on record.",
        parameters: &[],
        work: &Looks(show),
    },
    Endpoint {
        method: Method::Post,
        path: "/api/v1/tickets/{number}/read",
        asks: Asks::Duty("ticket show --own"),
        id: "readOwnTicket",
        says: "Shows the person who told it what was answered: through web and voice, with the query password, which stands in no address.",
        parameters: &[],
        work: &Proves(Looks(read)),
    },
    Endpoint {
        method: Method::Post,
        path: "/api/v1/tickets/{number}/answer",
        asks: Asks::Duty("ticket answer --behalf"),
        id: "answerTicket",
        says: "Answers an open ticket.",
        parameters: &[],
        work: &Acts(answer),
    },
    Endpoint {
        method: Method::Post,
        path: "/api/v1/tickets/{number}/close",
        asks: Asks::Duty("ticket close --behalf"),
        id: "closeTicket",
        says: "Closes a ticket that was answered, or an open one with a reason.",
        parameters: &[],
        work: &Acts(close),
    },
];

fn text(said: &str) -> Result<TicketText, TicketError> {
    TicketText::parse(&said.replace("\r\n", "\n")).map_err(|_| TicketError::TextUnfit)
}

fn list(call: &mut Call<'_>, _: Nothing) -> Result<Tickets, Error> {
    let (after, limit) = call.page();
    let state = call.parameter("state").and_then(TicketState::of_name);
    let asking = Asking::of_clerk(call, "ticket.list")?;
    let found = call.store.read(|tx| -> Result<_, TicketError> {
        tx.require_one(Some(&asking.operator), HOUSE)?;
        Ok(tx.tickets(state, after, limit)?)
    })?;
    let next = super::next(&found, limit, |ticket| ticket.number);
    Ok(Tickets { tickets: found.into_iter().map(|ticket| row(ticket, false)).collect(), next })
}

fn add(call: &mut Call<'_>, Json(new): Json<New>) -> Result<(), Error> {
    const ACT: &str = "ticket.open";
    let New { kind, subject, text: said, about, password, institution, purchase } = new;
    let (about, password, said) = (about.map(About::fit).transpose()?, secret(password)?, text(&said)?);
    let institution = institution
        .map(|code| InstitutionCode::parse(&code).map_err(|_| ApiError::ParameterUnfit { name: "institution" }))
        .transpose()?;
    let purchase =
        purchase.map(|name| Original::parse(&name).ok_or(ApiError::ParameterUnfit { name: "purchase" })).transpose()?;
    let asking = Asking::of(call, ACT, about.as_ref())?;
    let proves = asking.asker.channel.proves_itself();
    let password = password.as_ref().map(|password| password.as_str());
    let person = match &about {
        Some(about) => Some(asking.person(call, ACT, about, password)?),
        None if password.is_some() && proves => {
            let refused = |store: &mut Store| door::refused(store, &asking.asker, ACT, QueryError::PasswordNeeded);
            return Err(call.store.aside(refused).into());
        }
        None => None,
    };
    if password.is_some() && !proves {
        return Err(ApiError::ParameterUnfit { name: "password" }.into());
    }
    let kind = match kind {
        TypedKind::Complaint => TicketKind::Complaint,
        TypedKind::Suggestion => TicketKind::Suggestion,
    };
    let new = ticket::New {
        kind,
        subject: subject.into(),
        person,
        institution,
        about: purchase,
        text: Some(&said),
        request: None,
    };
    ticket::tell(call.store, &asking.asker, &new, Some(&asking.operator), proves)?;
    Ok(())
}

fn show(call: &mut Call<'_>, _: Nothing) -> Result<Told, Error> {
    let number = call.number()?;
    let asking = Asking::of_clerk(call, "ticket.show")?;
    Ok(told(ticket::show_to(call.store, number, asking.clerk())?, false))
}

fn read(call: &mut Call<'_>, Json(read): Json<Read>) -> Result<Told, Error> {
    const ACT: &str = "ticket.show";
    let (number, about, password) = (call.number()?, read.about.fit()?, secret(Some(read.password))?);
    let asking = Asking::of_the_person(call, ACT, &about)?;
    let person = asking.person(call, ACT, &about, password.as_ref().map(|password| password.as_str()))?;
    Ok(told(ticket::show_own(call.store, &asking.asker, number, person, Some(&asking.operator))?, true))
}

fn answer(call: &mut Call<'_>, Json(answer): Json<Answer>) -> Result<(), Error> {
    let (number, said) = (call.number()?, text(&answer.text)?);
    let asking = Asking::of_clerk(call, "ticket.answer")?;
    ticket::settle_by(call.store, number, false, Some(&said), asking.clerk())?;
    Ok(())
}

fn close(call: &mut Call<'_>, Json(close): Json<Close>) -> Result<(), Error> {
    let (number, said) = (call.number()?, close.text.as_deref().map(text).transpose()?);
    let asking = Asking::of_clerk(call, "ticket.close")?;
    ticket::settle_by(call.store, number, true, said.as_ref(), asking.clerk())?;
    Ok(())
}

fn row(ticket: Ticket, to_the_person: bool) -> Row {
    let Ticket { number, kind, subject, channel, person, institution, about, state, opened_at } = ticket;
    Row {
        number,
        kind: word(kind),
        subject: word(subject),
        channel: channel.name(),
        state,
        opened_at,
        person_id: person.filter(|_| !to_the_person),
        institution: institution.map(|code| code.to_string()),
        purchase: about.map(|of| of.reference()),
    }
}

fn told(told: ticket::Told, to_the_person: bool) -> Told {
    let bought = told.purchase.map(|bought| Bought {
        at: bought.date_time.to_string(),
        personal_account_fen: bought.personal_account_fen.get(),
        self_paid_fen: bought.self_paid_fen.get(),
        pooled_fund_fen: bought.pooled_fund_fen.get(),
    });
    let entry = |entry: ticket::Entry| Entry {
        side: if entry.side == Side::Holder { "holder" } else { "office" },
        actor: Some(entry.actor).filter(|_| !to_the_person),
        at: entry.at,
        text: entry.text,
    };
    Told {
        ticket: row(told.ticket, to_the_person),
        institution_name: told.institution_name,
        bought,
        entries: told.entries.into_iter().map(entry).collect(),
    }
}
