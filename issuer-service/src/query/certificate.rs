//! 参保证明: making one, and answering who checks one.
//!
//! Source: deployed kiosks: numbered, with a check code, at most three in a month for one person (the site's rule).
//! Owns: who gets one, the limit, what a check tells. Never: tells a check a word about the holder.

use serde::Serialize;
use settlement::code::ErrorCode;
use settlement::date::{BusinessDate, Month};
use settlement::message::{AnswerStatus, Version1};
use settlement::query::{CertificateAnswer, CertificateCode, CertificateRequest, Pin};

use super::{Asker, card};
use crate::audit::Act;
use crate::benefit::rule::BenefitRules;
use crate::benefit::standing;
use crate::card::state::LifeState;
use crate::clearing::refusal::ClearingError;
use crate::clock;
use crate::lang::Lang;
use crate::output::Show;
use crate::store::participation::Issued;
use crate::store::{StoreError, Tx};

/// What a check of a code tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "verdict", rename_all = "kebab-case")]
pub enum Verdict {
    /// This centre issued it.
    Genuine {
        /// Its number.
        number: u64,
        /// Day on which it was issued.
        issued_on: BusinessDate,
        /// Day of the data on it.
        as_of: BusinessDate,
    },
    /// Not the form of a code.
    Malformed,
    /// This centre issued none with this code.
    Unknown,
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
    let Some(as_of) = tx.contributions_as_of()? else { return refuse(ErrorCode::BenefitsUnknown) };
    let Some(person) = tx.person(made.person)? else { return refuse(ErrorCode::CardUnknown) };
    let month = Month::of(clock::business_today());
    let left = left_this_month(tx, rules, made.person, month)?;
    if left == Some(0) {
        return refuse(ErrorCode::CertificateLimit);
    }
    let contributions = tx.contributions_of(made.person)?;
    let answer = CertificateAnswer {
        version: Version1,
        status: AnswerStatus::Created,
        number: tx.next_participation()?,
        code: CertificateCode::of(random()?),
        issued_at: clock::china_now(),
        city: city.to_owned(),
        name: person.details.name,
        citizen_number: person.details.number,
        employer: person.details.employer,
        as_of,
        insurances: standing::certified(&contributions, Month::of(as_of), rules),
        left_this_month: left.map(|left| left - 1),
    };
    tx.add_participation(made.person, month, asker, Some(request.request_id), &answer)?;
    let act = asker.act("certificate.issue", made.person, &format!("certificate {}", answer.number));
    Ok((answer, act))
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
    Ok(Some(most.saturating_sub(tx.participations_in(person, month)?)))
}

/// What a code turns out to be.
///
/// # Errors
/// [`StoreError`].
pub fn check(tx: &Tx<'_>, code: &str) -> Result<Verdict, StoreError> {
    let Ok(code) = CertificateCode::parse(code) else { return Ok(Verdict::Malformed) };
    Ok(match tx.participation_by_code(code)? {
        Some(Issued { number, issued_at, as_of }) => Verdict::Genuine { number, issued_on: issued_at.date(), as_of },
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
            Self::Genuine { number, issued_on, as_of } => vec![
                (lang.pick("编号", "Number"), number.to_string()),
                (lang.pick("出具日期", "Issued on"), issued_on.to_string()),
                (lang.pick("数据截止", "Data as of"), as_of.to_string()),
                (
                    lang.pick("说明", "Note"),
                    lang.pick(
                        "请核对证明上的姓名与持证人；此处不显示个人信息",
                        "compare the name on the print with the bearer; nothing personal is shown here",
                    )
                    .to_owned(),
                ),
            ],
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
