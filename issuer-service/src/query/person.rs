//! A person as somebody who asks is told of them: cards, progress, account, insurances; masked unless there is a reason.
//!
//! Source: the masks of `person`.
//! Owns: the answers and their words, that an account adds up. Never: shows unmasked data by itself.
//! Units: fen.

use serde::Serialize;
use settlement::date::BusinessDate;
use settlement::fen::Fen;
use settlement::id::CardIdentifier;
use settlement::query::{Benefits, CardView, LineKind, NewCard, StatementLine};

use super::account::{self, Money};
use super::failure::QueryError;
use super::{Asker, card, insurance, progress};
use crate::benefit::AccountYear;
use crate::benefit::rule::BenefitRules;
use crate::card::state::LifeState;
use crate::error::{Explain, Missing};
use crate::operator::{OperatorError, Role};
use crate::person::{Details, masked_name, masked_number, masked_phone};
use crate::store::{Store, Tx};

/// Who it is.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct Identity {
    /// Row number.
    pub person: i64,
    /// AAC002.
    pub number: String,
    /// AAC003.
    pub name: String,
    /// AAE005, may be empty.
    pub phone: String,
    /// Whether the three are masked.
    pub masked: bool,
    /// Whether a death is on record.
    pub dead: bool,
}

impl std::fmt::Debug for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Identity({})", self.person)
    }
}

/// A card of a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct HeldCard {
    /// 卡号.
    pub card_number: String,
    /// How it stands.
    #[serde(flatten)]
    pub view: CardView,
}

/// Everything about a person in one answer, each part only when it was asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Answer {
    /// Who.
    #[serde(flatten)]
    pub identity: Identity,
    /// Cards that were made, the newest first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cards: Option<Vec<HeldCard>>,
    /// A card under way.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub new_card: Option<NewCard>,
    /// Whether progress was asked for: none under way is an answer.
    #[serde(skip)]
    pub tells_progress: bool,
    /// The account.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account: Option<Statement>,
    /// Years of individual accounts, as the agencies told them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account_years: Option<Vec<AccountYear>>,
    /// The five insurances; none where the centre was given no data.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub benefits: Option<Benefits>,
    /// Whether insurances were asked for.
    #[serde(skip)]
    pub tells_benefits: bool,
    /// Short sentences, as a voice reads them.
    #[serde(skip)]
    pub is_short: bool,
}

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Cards and progress.
    Person,
    /// Cards.
    Cards,
    /// Account and account years.
    Account {
        /// First day.
        from: Option<BusinessDate>,
        /// Last day.
        to: Option<BusinessDate>,
    },
    /// The five insurances.
    Insurance,
    /// A card under way.
    Progress,
}

impl Part {
    /// Name of the act in the audit log.
    #[must_use]
    pub const fn act(self) -> &'static str {
        match self {
            Self::Person => "query.person",
            Self::Cards => "query.card",
            Self::Account { .. } => "query.account",
            Self::Insurance => "query.insurance",
            Self::Progress => "query.progress",
        }
    }
}

/// An account over a time: it adds up, or there is no such value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Statement {
    /// First day; none from the beginning.
    pub from: Option<BusinessDate>,
    /// Last day; none until now.
    pub to: Option<BusinessDate>,
    /// 期初.
    pub opening_fen: Fen,
    /// 划入: by source.
    pub inflow: Vec<Inflow>,
    /// 利息: the card account bears none.
    pub interest_fen: Fen,
    /// 支出.
    pub spend_fen: Fen,
    /// 期末.
    pub closing_fen: Fen,
    /// The lines, oldest first.
    pub lines: Vec<StatementLine>,
}

/// What came in from one source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Inflow {
    /// Source.
    pub source: LineKind,
    /// Sum; of corrections it may be below zero.
    pub amount_fen: Fen,
}

impl Answer {
    /// With what another answer about the same person tells.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            cards: self.cards.or(other.cards),
            new_card: self.new_card.or(other.new_card),
            tells_progress: self.tells_progress || other.tells_progress,
            account: self.account.or(other.account),
            account_years: self.account_years.or(other.account_years),
            benefits: self.benefits.or(other.benefits),
            tells_benefits: self.tells_benefits || other.tells_benefits,
            ..self
        }
    }
}

impl Statement {
    /// Of all lines of an account, oldest first, as far as they lie in a time.
    ///
    /// # Errors
    /// [`QueryError::SumsDiffer`] when the parts do not lead from opening to closing.
    pub fn of(
        lines: Vec<StatementLine>,
        from: Option<BusinessDate>,
        to: Option<BusinessDate>,
    ) -> Result<Self, QueryError> {
        let before = |line: &&StatementLine| from.is_some_and(|from| line.date < from);
        let opening_fen = lines.iter().rfind(before).map_or(Fen::ZERO, |line| line.balance_fen);
        let within =
            |line: &StatementLine| from.is_none_or(|from| line.date >= from) && to.is_none_or(|to| line.date <= to);
        let lines: Vec<StatementLine> = lines.into_iter().filter(within).collect();
        let closing_fen = lines.last().map_or(opening_fen, |line| line.balance_fen);
        let of = |kind: LineKind| Fen::sum(lines.iter().filter(|line| line.kind == kind).map(|line| line.amount_fen));
        let mut inflow = Vec::new();
        for source in [LineKind::Allotment, LineKind::Refund, LineKind::Correction] {
            inflow.push(Inflow { source, amount_fen: of(source)? });
        }
        inflow.retain(|inflow| inflow.amount_fen != Fen::ZERO || inflow.source == LineKind::Allotment);
        let spend_fen = Fen::ZERO.minus(of(LineKind::Purchase)?.plus(of(LineKind::TakenBack)?)?)?;
        let interest_fen = Fen::ZERO;
        let came_in = Fen::sum(inflow.iter().map(|inflow| inflow.amount_fen))?.plus(interest_fen)?;
        let sum = opening_fen.plus(came_in)?.minus(spend_fen)?;
        if sum != closing_fen {
            return Err(QueryError::SumsDiffer { lines: sum, ledger: closing_fen });
        }
        Ok(Self { from, to, opening_fen, inflow, interest_fen, spend_fen, closing_fen, lines })
    }
}

/// Whom a question is about.
#[derive(Clone, Copy)]
pub enum Whom<'a> {
    /// Row number.
    Person(i64),
    /// AAC002.
    Number(&'a str),
    /// 卡号.
    Card(&'a str),
    /// Row number of somebody who has proved it by the query password.
    Proved(i64),
}

impl std::fmt::Debug for Whom<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Whom")
    }
}

/// A question that an operator puts.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// About whom.
    pub whom: Whom<'a>,
    /// What.
    pub part: Part,
    /// Unmasked, and why.
    pub reveal: Option<&'a str>,
    /// Who puts it.
    pub operator: Option<&'a str>,
}

/// Puts a question: on record before it is answered, also when nobody is found or who asks may not.
///
/// # Errors
/// [`QueryError::ReasonMissing`], [`QueryError::NumberUnknown`], [`Missing::Card`], those of [`look`].
pub fn ask(
    store: &mut Store,
    rules: BenefitRules,
    asker: &Asker,
    question: &Question<'_>,
) -> Result<Answer, QueryError> {
    let Question { whom, part, reveal, operator } = *question;
    let reason = reveal.map(str::trim);
    if reason.is_some_and(str::is_empty) {
        return Err(QueryError::ReasonMissing);
    }
    store.act(|tx| -> Result<_, QueryError> {
        let roles: &[Role] = match (reason, whom) {
            (Some(_), _) => &[Role::Capture],
            (None, Whom::Proved(_)) => &[Role::Counter, Role::Capture, Role::Query],
            (None, _) => &[Role::Counter, Role::Capture],
        };
        match tx.require_one(operator, roles) {
            Err(OperatorError::Store(error)) => return Err(error.into()),
            Err(error) => {
                let refused = format!("refused: {}", error.code());
                return Ok((Err(error.into()), asker.act_on_nobody(part.act(), &refused)));
            }
            Ok(_) => {}
        }
        let found = match whom {
            Whom::Person(person) | Whom::Proved(person) => Ok(person),
            Whom::Number(number) => tx.person_by_number(number)?.ok_or(QueryError::NumberUnknown),
            Whom::Card(number) => match tx.card_by_number(number)? {
                Some(card) => Ok(tx.goes_on_in(card.person)?),
                None => Err(Missing::Card.into()),
            },
        };
        // Who looks for somebody and finds nobody is on record as well.
        let found = match found {
            Ok(found) => found,
            Err(nobody) => return Ok((Err(nobody), asker.act_on_nobody(part.act(), "0 found"))),
        };
        let answer = look(tx, rules, found, part, reason.is_some())?;
        let detail = reason.map_or_else(|| "masked".to_owned(), |reason| format!("unmasked: {reason}"));
        Ok((Ok(answer), asker.act(part.act(), found, &detail)))
    })?
}

/// One part of what is known of a person.
///
/// # Errors
/// [`QueryError`].
pub fn look(tx: &Tx<'_>, rules: BenefitRules, person: i64, part: Part, reveal: bool) -> Result<Answer, QueryError> {
    let details = tx.person(person)?.ok_or(Missing::Person { id: person })?.details;
    let mut answer = Answer {
        identity: identity(person, &details, reveal, tx.death(person)?.is_some()),
        cards: None,
        new_card: None,
        tells_progress: false,
        account: None,
        account_years: None,
        benefits: None,
        tells_benefits: false,
        is_short: false,
    };
    if matches!(part, Part::Person | Part::Cards) {
        let mut cards = Vec::new();
        for made in tx.cards_of_person(person)?.into_iter().rev() {
            if let Some(state) = LifeState::of_name(&made.state) {
                cards.push(HeldCard { view: card::view(tx, &made, state)?, card_number: made.card_number });
            }
        }
        answer.cards = Some(cards);
    }
    if matches!(part, Part::Person | Part::Progress) {
        (answer.new_card, answer.tells_progress) = (progress::of_person(tx, person)?, true);
    }
    if let Part::Account { from, to } = part {
        let cards: Vec<CardIdentifier> = tx.card_identifiers_of(person)?;
        let lines = account::lines(tx, person, &cards)?;
        let ledger = Money::of(tx, person, &cards)?.total()?;
        let last = lines.last().map_or(Fen::ZERO, |line| line.balance_fen);
        if last != ledger {
            return Err(QueryError::SumsDiffer { lines: last, ledger });
        }
        answer.account = Some(Statement::of(lines, from, to)?);
        answer.account_years = Some(tx.account_years_of(person)?);
    }
    if matches!(part, Part::Insurance) {
        (answer.benefits, answer.tells_benefits) = (insurance::benefits(tx, person, rules)?, true);
    }
    Ok(answer)
}

fn identity(person: i64, details: &Details, reveal: bool, dead: bool) -> Identity {
    let Details { number, name, phone, .. } = details;
    let shown = |text: &str, masked: fn(&str) -> String| if reveal { text.to_owned() } else { masked(text) };
    Identity {
        person,
        number: shown(number, masked_number),
        name: shown(name, masked_name),
        phone: shown(phone, masked_phone),
        masked: !reveal,
        dead,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(date: &str, kind: LineKind, amount: i64, balance: i64) -> StatementLine {
        StatementLine {
            date: BusinessDate::parse(date).expect("real"),
            kind,
            amount_fen: Fen::new(amount),
            balance_fen: Fen::new(balance),
            institution: None,
            original: None,
        }
    }

    #[test]
    fn a_statement_leads_from_opening_to_closing_or_is_none() {
        use LineKind::{Allotment, Correction, Load, Purchase, Refund};
        let lines = vec![
            line("2026-01-05", Allotment, 10_000, 10_000),
            line("2026-01-06", Load, 10_000, 10_000),
            line("2026-02-01", Purchase, -3_000, 7_000),
            line("2026-02-02", Refund, 500, 7_500),
            line("2026-02-03", Correction, -100, 7_400),
            line("2026-03-01", Allotment, 1_000, 8_400),
        ];
        let day = |text: &str| Some(BusinessDate::parse(text).expect("real"));
        let february = Statement::of(lines.clone(), day("2026-02-01"), day("2026-02-28")).expect("adds up");
        let told = (february.opening_fen.get(), february.spend_fen.get(), february.closing_fen.get());
        assert_eq!((told, february.lines.len()), ((10_000, 3_000, 7_400), 3));
        let sources: Vec<_> = february.inflow.iter().map(|one| (one.source, one.amount_fen.get())).collect();
        assert_eq!(sources, [(Allotment, 0), (Refund, 500), (Correction, -100)]);
        let whole = Statement::of(lines.clone(), None, None).expect("adds up");
        assert_eq!((whole.opening_fen, whole.closing_fen), (Fen::ZERO, Fen::new(8_400)));
        let empty = Statement::of(lines.clone(), day("2027-01-01"), None).expect("adds up");
        assert_eq!((empty.opening_fen, empty.closing_fen), (Fen::new(8_400), Fen::new(8_400)));
        let mut broken = lines;
        broken[2].amount_fen = Fen::new(-3_001);
        assert!(matches!(Statement::of(broken, None, None), Err(QueryError::SumsDiffer { .. })));
    }

    #[test]
    fn masks_keep_what_people_recognize_themselves_by() {
        let details = Details {
            number: "513301199001010013".into(),
            name: "扎西·多吉".into(),
            name_raw: String::new(),
            sex: String::new(),
            ethnic_group: String::new(),
            birth_date: String::new(),
            region: String::new(),
            address: String::new(),
            phone: "19900001234".into(),
            employer: String::new(),
            name_script: String::new(),
            certificate: String::new(),
            alive: String::new(),
        };
        let masked = identity(1, &details, false, false);
        assert_eq!(
            (masked.number.as_str(), masked.name.as_str(), masked.phone.as_str()),
            ("51**************13", "扎****", "199******34")
        );
        let open = identity(1, &details, true, false);
        assert_eq!((open.number.as_str(), open.masked), ("513301199001010013", false));
        assert!(!format!("{open:?}").contains("扎西"));
    }
}
