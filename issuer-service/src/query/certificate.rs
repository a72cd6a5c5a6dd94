//! 参保证明: making one, and answering who checks one.
//!
//! Source: deployed kiosks: numbered, with a check code, at most three in a month for one person (the site's rule, which says whether
//! those of counters count).
//! Owns: who gets one, the limit, what a check tells: who holds the code holds the print, and compares it line by line with what was
//! certified. Never: tells a check a whole name or number.

use std::fmt;

use serde::Serialize;
use settlement::code::ErrorCode;
use settlement::date::{BusinessDate, Month};
use settlement::message::{AnswerStatus, Version1};
use settlement::query::{
    CertificateAnswer, CertificateCode, CertificatePrintRequest, CertificateRequest, CertifiedInsurance, Pin,
};

use super::failure::QueryError;
use super::{Asker, card};
use crate::audit::Act;
use crate::benefit::rule::BenefitRules;
use crate::benefit::standing;
use crate::card::state::LifeState;
use crate::clearing::refusal::ClearingError;
use crate::clock;
use crate::error::Missing;
use crate::lang::Lang;
use crate::output::Show;
use crate::person::mask;
use crate::store::participation::Issued;
use crate::store::{StoreError, Tx};

/// What a check of a code tells.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "verdict", rename_all = "kebab-case")]
pub enum Verdict {
    /// This centre issued it.
    Genuine {
        /// Its number.
        number: u64,
        /// Day on which it was issued.
        issued_on: BusinessDate,
        /// What was certified; none when it is past its time.
        #[serde(skip_serializing_if = "Option::is_none")]
        certified: Option<Certified>,
    },
    /// Not the form of a code.
    Malformed,
    /// This centre issued none with this code.
    Unknown,
}

/// What stands on a certificate, to be compared with the print.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct Certified {
    /// Name, but for its first character.
    pub name: String,
    /// Number, but for its last four characters.
    pub citizen_number: String,
    /// 单位名称, as printed.
    pub employer: String,
    /// Every line, as printed.
    pub insurances: Vec<CertifiedInsurance>,
}

/// Nobody's name stands in a log.
impl fmt::Debug for Certified {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Certified({} lines)", self.insurances.len())
    }
}

impl From<CertificateAnswer> for Certified {
    fn from(answer: CertificateAnswer) -> Self {
        let CertificateAnswer { name, citizen_number, employer, insurances, .. } = answer;
        Self { name: mask(&name, 1, 0), citizen_number: mask(&citizen_number, 0, 4), employer, insurances }
    }
}

impl Certified {
    fn lines(&self, lang: Lang) -> Vec<(&'static str, String)> {
        let mut lines = vec![
            (lang.pick("姓名", "Name"), self.name.clone()),
            (lang.pick("社会保障号码", "Social security number"), self.citizen_number.clone()),
            (lang.pick("单位名称", "Employer"), lang.pick("—", "-").to_owned()),
        ];
        if !self.employer.is_empty()
            && let Some((_, employer)) = lines.last_mut()
        {
            employer.clone_from(&self.employer);
        }
        lines.extend(self.insurances.iter().map(|line| {
            let CertifiedInsurance { insurance, standing, first, last, months, as_of } = line;
            let (insurance, standing) = (insurance.names(), standing.names());
            let span = match (first, last) {
                (Some(first), Some(last)) => format!(" {first} – {last}"),
                _ => String::new(),
            };
            let said = lang.pick(
                format!("{}{span}，共 {months} 个月（数据截至 {as_of}）", standing.0),
                format!("{}{span}, {months} months (data as of {as_of})", standing.1),
            );
            (lang.pick(insurance.0, insurance.1), said)
        }));
        lines
    }
}

/// Makes the certificate of the holder of a card; the same request gets the same one.
///
/// # Errors
/// [`ClearingError`] with the code for the terminal.
pub fn issue(
    tx: &Tx<'_>,
    rules: BenefitRules,
    city: &str,
    asker: &Asker,
    request: &CertificateRequest,
) -> Result<(CertificateAnswer, Act), ClearingError> {
    let refuse = |code| Err(ClearingError::Refused(code));
    if request.pin != Pin::Verified {
        return refuse(ErrorCode::PinNotVerified);
    }
    let Some((made, state)) = card::made(tx, request.card_identifier)? else { return refuse(ErrorCode::CardUnknown) };
    if let Some(mut known) = tx.participation_of_request(request.request_id)? {
        known.status = AnswerStatus::Exists;
        let act = asker.act("certificate.issue", made.person, &format!("certificate {} again", known.number));
        return Ok((known, act));
    }
    if state != LifeState::Normal || tx.death(made.person)?.is_some() {
        return refuse(ErrorCode::SelfServiceRefused);
    }
    let month = Month::of(clock::business_today());
    let left = left_this_month(tx, rules, made.person, month)?;
    if tx.contribution_days_of(made.person)?.is_empty() {
        return refuse(ErrorCode::BenefitsUnknown);
    }
    if left == Some(0) {
        return refuse(ErrorCode::CertificateLimit);
    }
    let Some(mut answer) = certified(tx, rules, city, made.person)? else { return refuse(ErrorCode::CardUnknown) };
    answer.left_this_month = left.map(|left| left - 1);
    tx.add_participation(made.person, month, asker, Some(request.request_id), &answer)?;
    let act = asker.act("certificate.issue", made.person, &format!("certificate {}", answer.number));
    Ok((answer, act))
}

/// Notes what became of a certificate at the printer of the kiosk that it was made for. One that is not on paper does not count towards
/// the month, until a counter prints it.
///
/// # Errors
/// [`ClearingError`] with the code for the terminal: also of a certificate that another one asked for.
pub fn printed(tx: &Tx<'_>, asker: &Asker, request: &CertificatePrintRequest) -> Result<Act, ClearingError> {
    let CertificatePrintRequest { number, printed, .. } = *request;
    let person = tx.note_print(number, &asker.actor, printed)?;
    let person = person.ok_or(ClearingError::Refused(ErrorCode::SelfServiceRefused))?;
    let end = if printed { "printed" } else { "not printed" };
    Ok(asker.act("certificate.print", person, &format!("certificate {number} {end}")))
}

/// What a certificate for a person in front of a clerk would say now, with the next number.
///
/// # Errors
/// [`QueryError::NothingToCertify`] without data, and for the dead.
pub fn proposed(tx: &Tx<'_>, rules: BenefitRules, city: &str, person: i64) -> Result<CertificateAnswer, QueryError> {
    if tx.person(person)?.is_none() {
        return Err(Missing::Person { id: person }.into());
    }
    let answer = if tx.death(person)?.is_some() { None } else { certified(tx, rules, city, person)? };
    answer.ok_or(QueryError::NothingToCertify)
}

/// Keeps what was [`proposed`], in an act in which it still says the same.
///
/// # Errors
/// [`StoreError`].
pub fn make(tx: &Tx<'_>, asker: &Asker, person: i64, answer: &CertificateAnswer) -> Result<(), StoreError> {
    tx.add_participation(person, Month::of(answer.issued_at.date()), asker, None, answer)
}

/// Whether two certificates differ in their codes and instants alone.
#[must_use]
pub fn say_the_same(one: &CertificateAnswer, other: &CertificateAnswer) -> bool {
    let CertificateAnswer { code, issued_at, .. } = one;
    one == &CertificateAnswer { code: *code, issued_at: *issued_at, ..other.clone() }
}

/// What can be certified of a person now, under the next number; `None` without data.
fn certified(
    tx: &Tx<'_>,
    rules: BenefitRules,
    city: &str,
    person: i64,
) -> Result<Option<CertificateAnswer>, StoreError> {
    let days = tx.contribution_days_of(person)?;
    let Some(known) = tx.person(person)?.filter(|_| !days.is_empty()) else { return Ok(None) };
    let contributions = tx.contributions_of(person)?;
    Ok(Some(CertificateAnswer {
        version: Version1,
        status: AnswerStatus::Created,
        number: tx.next_participation()?,
        code: CertificateCode::of(random()?),
        issued_at: clock::china_now(),
        city: city.to_owned(),
        name: known.details.name,
        citizen_number: known.details.number,
        employer: known.details.employer,
        insurances: standing::certified(&contributions, &days, rules),
        left_this_month: None,
    }))
}

/// How many more certificates somebody may have in a month; `None` without a limit.
///
/// # Errors
/// [`StoreError`].
pub fn left_this_month(tx: &Tx<'_>, rules: BenefitRules, person: i64, month: Month) -> Result<Option<u32>, StoreError> {
    let most = u32::from(rules.certificates_a_month);
    if most == 0 {
        return Ok(None);
    }
    Ok(Some(most.saturating_sub(tx.participations_in(person, month, rules.certificates_counted)?)))
}

/// What a code turns out to be.
///
/// # Errors
/// [`StoreError`].
pub fn check(tx: &Tx<'_>, code: &str) -> Result<Verdict, StoreError> {
    let Ok(code) = CertificateCode::parse(code) else { return Ok(Verdict::Malformed) };
    Ok(match tx.participation_by_code(code)? {
        Some(Issued { number, issued_at, content }) => {
            Verdict::Genuine { number, issued_on: issued_at.date(), certified: content.map(Certified::from) }
        }
        None => Verdict::Unknown,
    })
}

fn random() -> Result<[u8; 10], StoreError> {
    use ring::rand::SecureRandom;
    let mut bytes = [0; 10];
    ring::rand::SystemRandom::new().fill(&mut bytes).map_err(|_| StoreError::NoRandom)?;
    Ok(bytes)
}

impl Verdict {
    /// Whether the certificate is the centre's.
    #[must_use]
    pub const fn is_good(&self) -> bool {
        matches!(self, Self::Genuine { .. })
    }

    /// One line of what it is.
    #[must_use]
    pub const fn heading(&self, lang: Lang) -> &'static str {
        let (zh, en) = match self {
            Self::Genuine { .. } => ("本中心出具的参保证明", "A certificate of participation of this centre"),
            Self::Malformed => ("不是查验码", "Not a check code"),
            Self::Unknown => ("查无此证明", "No such certificate"),
        };
        match lang {
            Lang::Zh => zh,
            Lang::En => en,
        }
    }

    /// What else there is to say: labels and values.
    #[must_use]
    pub fn lines(&self, lang: Lang) -> Vec<(&'static str, String)> {
        match self {
            Self::Genuine { number, issued_on, certified } => {
                let mut lines = vec![
                    (lang.pick("编号", "Number"), number.to_string()),
                    (lang.pick("出具日期", "Issued on"), issued_on.to_string()),
                ];
                lines.extend(certified.iter().flat_map(|certified| certified.lines(lang)));
                let note = match certified {
                    Some(_) => lang.pick(
                        "请逐项核对证明：与此处不符的证明已被改动",
                        "compare every line with the print: a print that says anything else was altered",
                    ),
                    None => lang.pick(
                        "证明内容已过保存期限，不能核对；请持证人重新出具",
                        "what it said is past its time and cannot be compared: ask for a new one",
                    ),
                };
                lines.push((lang.pick("说明", "Note"), note.to_owned()));
                lines
            }
            Self::Malformed | Self::Unknown => vec![(
                lang.pick("处理", "What to do"),
                lang.pick(
                    "核对 16 位查验码；仍查不到的，请向社会保障经办机构核实",
                    "compare the 16 characters; if it stays so, ask the social security office",
                )
                .to_owned(),
            )],
        }
    }
}

impl Show for Verdict {
    fn text(&self, lang: Lang) -> String {
        let lines = self.lines(lang).into_iter().map(|(label, value)| format!("  {label}: {value}"));
        [self.heading(lang).to_owned()].into_iter().chain(lines).collect::<Vec<_>>().join("\n")
    }
}
