//! What people ask about themselves, for the programs of a web site, of a telephone line, of a counter and of agents: the answers of `query`.
//!
//! Units: amounts in fen as integers; days `YYYY-MM-DD`, months `YYYY-MM`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use settlement::date::BusinessDate;
use settlement::query::{LineKind, NewCard, StatementLine};
use zeroize::Zeroizing;

use super::asking::{About, Asking, PASSWORD_MAX};
use super::failure::ApiError;
use super::{Acts, Asks, Call, Endpoint, Json, Looks, Method, Proves};
use crate::benefit::AccountYear;
use crate::card::life::REASON_MAX;
use crate::error::Error;
use crate::output::Show;
use crate::query::door::{self, Put};
use crate::query::password;
use crate::query::person::{Answer, HeldCard, Identity, Part};

/// Parts of one question.
const PARTS_MAX: usize = 5;
/// Characters of a day.
const DAY_MAX: usize = 10;

/// A question about one person.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("examples" = [
    { "about": { "number": "513301199001010013" }, "password": "830512", "what": ["cards", "progress"] },
    { "about": { "card": "A00000001" }, "password": "830512", "what": ["account"], "from": "2026-01-01", "to": "2026-03-31" },
    { "about": { "person": 1 }, "what": ["insurances"] }
]))]
#[schemars(rename = "Query")]
struct Question {
    /// Whom it is about.
    about: About,
    /// 查询密码: where people prove themselves (`web`, `voice`), and nowhere else.
    #[schemars(length(max = PASSWORD_MAX))]
    password: Option<String>,
    /// What is asked, each once.
    #[schemars(length(min = 1, max = PARTS_MAX), extend("uniqueItems" = true))]
    what: Vec<What>,
    /// First day of the account; none from the beginning.
    #[schemars(length(max = DAY_MAX), extend("format" = "date"))]
    from: Option<String>,
    /// Last day of the account, not before the first; none until now.
    #[schemars(length(max = DAY_MAX), extend("format" = "date"))]
    to: Option<String>,
    /// Unmasked, and why: for the audit log; needs an operator who may capture data. No names of people.
    #[schemars(length(max = REASON_MAX))]
    reason: Option<String>,
}

/// What is asked.
#[derive(Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(rename = "QueryPart")]
enum What {
    /// Cards, and a card under way, in one.
    Person,
    /// Cards that were made.
    Cards,
    /// How far a new card is.
    Progress,
    /// The account over a time, and years of individual accounts.
    Account,
    /// The five insurances.
    Insurances,
}

/// The answer: each part only when it was asked for.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("examples" = [{
    "channel": "web",
    "person": { "number": "51**************13", "name": "扎****", "phone": "199******34", "masked": true, "deceased": false },
    "cards": [{ "card": "A00000001", "state": "normal", "validUntil": "2036-11-24", "blacklisted": false, "replaced": false }],
    "progress": { "underWay": false }
}]))]
#[schemars(rename = "QueryAnswer")]
struct Told {
    /// What it came through: `web`, `voice`, `counter`, `agent`.
    channel: &'static str,
    /// Who it is about.
    person: Who,
    /// Cards that were made, the newest first.
    #[serde(skip_serializing_if = "Option::is_none")]
    cards: Option<Vec<Card>>,
    /// How far a new card is.
    #[serde(skip_serializing_if = "Option::is_none")]
    progress: Option<Progress>,
    /// The account over the time that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    account: Option<Account>,
    /// Years of individual accounts, as the agencies told them.
    #[serde(skip_serializing_if = "Option::is_none")]
    account_years: Option<Vec<Year>>,
    /// The five insurances; empty where the centre was given no data.
    #[serde(skip_serializing_if = "Option::is_none")]
    insurances: Option<Vec<Standing>>,
    /// The same in short sentences to be read out, in the language of `Accept-Language`: through `voice` alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    says: Option<Vec<String>>,
}

/// Who it is about.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "MaskedPerson")]
struct Who {
    /// Row number, by which other paths name the person; not told where people prove themselves.
    #[serde(skip_serializing_if = "Option::is_none")]
    person_id: Option<i64>,
    /// First and last two characters of the number.
    number: String,
    /// First character of the name.
    name: String,
    /// First three and last two digits of the telephone; may be empty.
    phone: String,
    /// Whether the three are masked.
    masked: bool,
    /// Whether a death is on record.
    deceased: bool,
}

/// A card that was made.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "HeldCard")]
struct Card {
    /// 卡号.
    card: String,
    /// 卡应用状态.
    #[schemars(extend("enum" = ["sealed", "normal", "formal_loss", "locked", "temporary_loss", "cancelled"]))]
    state: String,
    /// Day since when; none for a card that has not moved since it was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    since: Option<String>,
    /// Last day of its validity.
    valid_until: String,
    /// Day on which a temporary loss ends by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    release_on: Option<String>,
    /// Whether terminals that have the newest list refuse it.
    blacklisted: bool,
    /// Whether another card has come in its place.
    replaced: bool,
}

/// How far a new card is.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "NewCard")]
struct Progress {
    /// Whether one is under way; the rest is there only then.
    under_way: bool,
    /// How far.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("enum" = ["requested", "in_batch", "approved", "making", "made", "on_the_way", "ready_to_collect", "returned"]))]
    stage: Option<String>,
    /// Number of the request, when it was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    request: Option<i64>,
    /// Day of the request.
    #[serde(skip_serializing_if = "Option::is_none")]
    requested_on: Option<String>,
    /// Where it waits for its holder.
    #[serde(skip_serializing_if = "Option::is_none")]
    collect_at: Option<String>,
}

/// An account over a time: opening, what came in, interest, less what was spent, is closing; opening and the amounts of the lines too.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "AccountStatement")]
struct Account {
    /// First day; none from the beginning.
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<String>,
    /// Last day; none until now.
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<String>,
    /// 期初.
    opening_fen: i64,
    /// 收入, by source.
    inflow: Vec<Inflow>,
    /// 利息: the card account bears none.
    interest_fen: i64,
    /// 支出.
    spend_fen: i64,
    /// 期末.
    closing_fen: i64,
    /// The lines, oldest first.
    lines: Vec<Line>,
}

/// What came in from one source.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "AccountInflow")]
struct Inflow {
    /// Source.
    #[schemars(extend("enum" = ["allotment", "refund", "correction"]))]
    source: String,
    /// Sum; of corrections it may be below zero.
    amount_fen: i64,
}

/// A line of the account.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "AccountLine")]
struct Line {
    /// Day on which the centre counts it.
    date: String,
    /// What.
    #[schemars(extend("enum" = ["allotment", "load", "purchase", "refund", "taken_back", "correction"]))]
    kind: String,
    /// What it adds to the account: below zero for what is spent, zero for a load, which moves money from waiting to the card.
    amount_fen: i64,
    /// What a load moved to the card.
    #[serde(skip_serializing_if = "Option::is_none")]
    loaded_fen: Option<i64>,
    /// Account after it: all of the holder's money.
    balance_fen: i64,
    /// Where, by name, for a purchase or a refund.
    #[serde(skip_serializing_if = "Option::is_none")]
    institution: Option<String>,
    /// Which purchase: what a ticket about it names.
    #[serde(skip_serializing_if = "Option::is_none")]
    purchase: Option<String>,
}

/// A year of an individual account.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "AccountYear")]
struct Year {
    /// 险种类型: 110 pension, 310 medical.
    insurance: &'static str,
    /// 年度.
    year: u16,
    /// 期初余额.
    opening_fen: i64,
    /// 个人缴费划入.
    own_fen: i64,
    /// 单位或统筹划入.
    unit_fen: i64,
    /// 其他划入.
    other_fen: i64,
    /// 利息.
    interest_fen: i64,
    /// 支出.
    spend_fen: i64,
    /// 期末余额.
    closing_fen: i64,
}

/// How somebody stands in an insurance.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "InsuranceStanding")]
struct Standing {
    /// 险种类型: 110 pension, 310 medical, 210 unemployment, 410 work injury, 510 maternity.
    insurance: &'static str,
    /// How: `not_insured` is an answer, `no_data` says that nobody told the centre.
    #[schemars(extend("enum" = ["insured", "suspended", "not_insured", "no_data"]))]
    standing: &'static str,
    /// First month of the insured or suspended time.
    #[serde(skip_serializing_if = "Option::is_none")]
    since: Option<String>,
    /// Months with a contribution in all.
    months: u32,
    /// Day of the data that say so.
    #[serde(skip_serializing_if = "Option::is_none")]
    as_of: Option<String>,
}

/// Another query password.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("examples" = [{ "about": { "number": "513301199001010013" }, "password": "830512", "new": "602917" }]))]
#[schemars(rename = "QueryPasswordChange")]
struct Change {
    /// Whose.
    about: About,
    /// The one that there is.
    #[schemars(length(max = PASSWORD_MAX))]
    password: String,
    /// The other one: 6 to 12 digits, not all alike, not in a row, not out of the person's numbers.
    #[schemars(length(max = PASSWORD_MAX))]
    new: String,
}

/// It is another one.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "QueryPasswordChanged")]
struct Changed {
    /// `changed`.
    status: &'static str,
}

/// A query password that the person chose.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("examples" = [{ "password": "830512" }]))]
#[schemars(rename = "QueryPassword")]
struct Chosen {
    /// 6 to 12 digits, not all alike, not in a row, not out of the person's numbers.
    #[schemars(length(max = PASSWORD_MAX))]
    password: String,
}

pub(super) const ENDPOINTS: &[Endpoint] = &[
    Endpoint {
        method: Method::Post,
        path: "/api/v1/queries",
        asks: Asks::Duty("query person"),
        id: "askAboutPerson",
        says: "Asks about one person, masked: cards, progress, account, insurances. Through web and voice with the person's query password.",
        parameters: &[],
        work: &Proves(Looks(ask)),
    },
    Endpoint {
        method: Method::Post,
        path: "/api/v1/queries/password",
        asks: Asks::Duty("query password --own"),
        id: "changeQueryPassword",
        says: "Another query password instead of the one that the person knows: through web and voice.",
        parameters: &[],
        work: &Proves(Looks(change)),
    },
    Endpoint {
        method: Method::Post,
        path: "/api/v1/people/{number}/query-password",
        asks: Asks::Duty("query password --behalf"),
        id: "setQueryPassword",
        says: "Gives a person at the counter a query password, also instead of one that was forgotten or is locked.",
        parameters: &[],
        work: &Proves(Acts(set)),
    },
];

fn ask(call: &mut Call<'_>, Json(question): Json<Question>) -> Result<Told, Error> {
    let Question { about, password, what, from, to, reason } = question;
    let (about, password) = (about.fit()?, secret(password)?);
    super::within("reason", reason.as_deref().unwrap_or_default(), REASON_MAX)?;
    let (from, to) = (day("from", from.as_deref())?, day("to", to.as_deref())?);
    if from.zip(to).is_some_and(|(from, to)| from > to) {
        return Err(ApiError::ParameterUnfit { name: "to" }.into());
    }
    let once = what.iter().enumerate().all(|(at, one)| !what.iter().take(at).any(|before| before == one));
    if what.is_empty() || !once {
        return Err(ApiError::ParameterUnfit { name: "what" }.into());
    }
    let part = |what: &What| match what {
        What::Person => Part::Person,
        What::Cards => Part::Cards,
        What::Progress => Part::Progress,
        What::Account => Part::Account { from, to },
        What::Insurances => Part::Insurance,
    };
    let parts: Vec<Part> = what.iter().map(part).collect();
    let act = parts.first().map_or("query.person", |part| part.act());
    let asking = Asking::of(call, act, Some(&about))?;
    if password.is_some() && !asking.asker.channel.proves_itself() {
        return Err(ApiError::ParameterUnfit { name: "password" }.into());
    }
    let put = Put {
        whom: about.whom(),
        password: password.as_ref().map(|password| password.as_str()),
        parts: &parts,
        reveal: reason.as_deref(),
        operator: Some(&asking.operator),
    };
    let answer = door::put(call.store, call.desk.config.benefits, &asking.asker, &put)?;
    let says = answer.is_short.then(|| answer.text(call.lang).lines().map(|line| line.trim().to_owned()).collect());
    Ok(Told { channel: asking.asker.channel.name(), says, ..told(answer, asking.asker.channel.proves_itself()) })
}

fn change(call: &mut Call<'_>, Json(change): Json<Change>) -> Result<Changed, Error> {
    const ACT: &str = "query.password";
    let Change { about, password, new } = change;
    let (about, password, new) = (about.fit()?, secret(Some(password))?, secret(Some(new))?);
    let asking = Asking::of_the_person(call, ACT, &about)?;
    let person = asking.person(call, ACT, &about, password.as_ref().map(|password| password.as_str()))?;
    password::change(call.store, &asking.asker, person, new.as_ref().map_or("", |new| new.as_str()))?;
    Ok(Changed { status: "changed" })
}

fn set(call: &mut Call<'_>, Json(chosen): Json<Chosen>) -> Result<(), Error> {
    let (person, password) = (call.number()?, secret(Some(chosen.password))?);
    let asking = Asking::at_a_counter(call, "query.password")?;
    password::set(call.store, person, password.as_ref().map_or("", |password| password.as_str()), asking.clerk())?;
    Ok(())
}

/// A password that came in, wiped when it goes.
pub(super) fn secret(password: Option<String>) -> Result<Option<Zeroizing<String>>, ApiError> {
    let password = password.map(Zeroizing::new);
    super::within("password", password.as_ref().map_or("", |password| password.as_str()), PASSWORD_MAX)?;
    Ok(password)
}

fn day(name: &'static str, text: Option<&str>) -> Result<Option<BusinessDate>, ApiError> {
    text.map(|text| BusinessDate::parse(text).map_err(|_| ApiError::ParameterUnfit { name })).transpose()
}

/// The name of a value of the model, as messages spell it.
pub(super) fn word<T: Serialize>(value: T) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => word,
        _ => String::new(),
    }
}

fn told(answer: Answer, by_themselves: bool) -> Told {
    let Answer { identity, cards, new_card, tells_progress, account, account_years, benefits, tells_benefits, .. } =
        answer;
    let Identity { person, number, name, phone, masked, dead } = identity;
    let card = |HeldCard { card_number, view }: HeldCard| Card {
        card: card_number,
        state: word(view.state),
        since: view.since.map(|day| day.to_string()),
        valid_until: view.valid_until.to_string(),
        release_on: view.release_on.map(|day| day.to_string()),
        blacklisted: view.blacklisted,
        replaced: view.replaced,
    };
    let account = account.map(|account| Account {
        from: account.from.map(|day| day.to_string()),
        to: account.to.map(|day| day.to_string()),
        opening_fen: account.opening_fen.get(),
        inflow: account
            .inflow
            .iter()
            .map(|inflow| Inflow { source: word(inflow.source), amount_fen: inflow.amount_fen.get() })
            .collect(),
        interest_fen: account.interest_fen.get(),
        spend_fen: account.spend_fen.get(),
        closing_fen: account.closing_fen.get(),
        lines: account.lines.into_iter().map(line).collect(),
    });
    let standings = |benefits: Option<settlement::query::Benefits>| -> Vec<Standing> {
        let lines = benefits.map(|benefits| benefits.insurances).unwrap_or_default();
        let standing = |line: settlement::query::InsuranceLine| Standing {
            insurance: line.insurance.code(),
            standing: line.standing.name(),
            since: line.since.map(|month| month.to_string()),
            months: line.months,
            as_of: line.as_of.map(|day| day.to_string()),
        };
        lines.into_iter().map(standing).collect()
    };
    Told {
        channel: "",
        person: Who { person_id: (!by_themselves).then_some(person), number, name, phone, masked, deceased: dead },
        cards: cards.map(|cards| cards.into_iter().map(card).collect()),
        progress: tells_progress.then(|| progress(new_card)),
        account,
        account_years: account_years.map(|years| years.into_iter().map(year).collect()),
        insurances: tells_benefits.then(|| standings(benefits)),
        says: None,
    }
}

fn progress(card: Option<NewCard>) -> Progress {
    let under_way = card.is_some();
    let (stage, request, requested_on, collect_at) = match card {
        Some(NewCard { stage, request, requested_on, collect_at }) => (Some(stage), request, requested_on, collect_at),
        None => (None, None, None, None),
    };
    let requested_on = requested_on.map(|day| day.to_string());
    Progress { under_way, stage: stage.map(word), request, requested_on, collect_at }
}

fn line(line: StatementLine) -> Line {
    let amount = line.amount_fen.get();
    let (amount_fen, loaded_fen) = if line.kind == LineKind::Load { (0, Some(amount)) } else { (amount, None) };
    Line {
        date: line.date.to_string(),
        kind: word(line.kind),
        amount_fen,
        loaded_fen,
        balance_fen: line.balance_fen.get(),
        institution: line.institution,
        purchase: line.original.map(|of| of.reference()),
    }
}

fn year(year: AccountYear) -> Year {
    let AccountYear {
        insurance,
        year,
        opening_fen,
        own_fen,
        unit_fen,
        other_fen,
        interest_fen,
        spend_fen,
        closing_fen,
    } = year;
    Year {
        insurance: insurance.code(),
        year,
        opening_fen: opening_fen.get(),
        own_fen: own_fen.get(),
        unit_fen: unit_fen.get(),
        other_fen: other_fen.get(),
        interest_fen: interest_fen.get(),
        spend_fen: spend_fen.get(),
        closing_fen: closing_fen.get(),
    }
}
