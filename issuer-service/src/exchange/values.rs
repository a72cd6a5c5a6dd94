//! What a file says about one card to be made.
//!
//! Owns: which detail of a person stands for which value. Never: bytes (`cell`).

use super::template::Value;
use crate::person::Details;
use crate::person::certificate::Certificate;

/// A card to be made, with what a partner may be told.
#[derive(Clone)]
pub struct Subject {
    /// Job.
    pub job: i64,
    /// Row number of the person.
    pub person: i64,
    /// 卡号.
    pub card_number: String,
    /// The person's details.
    pub details: Details,
}

/// What is the same for all rows of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heading {
    /// 任务号.
    pub task: String,
    /// Batch.
    pub batch: i64,
    /// Rows.
    pub count: usize,
    /// Bytes of a row, 0 for delimited files.
    pub record_bytes: usize,
    /// 卡有效期 of a card made now.
    pub valid_until: String,
}

impl Heading {
    /// The text of a value in a line before the rows; empty for what belongs to a row.
    #[must_use]
    pub fn text(&self, value: &Value) -> String {
        match value {
            Value::Text(text) => text.clone(),
            Value::Task => self.task.clone(),
            Value::Batch => self.batch.to_string(),
            Value::Count => self.count.to_string(),
            Value::RecordBytes => self.record_bytes.to_string(),
            Value::ValidUntil => self.valid_until.clone(),
            _ => String::new(),
        }
    }
}

impl Subject {
    /// The text of a value in row `line`; empty for what only a partner can say.
    #[must_use]
    pub fn text(&self, heading: &Heading, line: usize, value: &Value) -> String {
        let details = &self.details;
        let mobile = details.phone.len() == 11 && details.phone.starts_with('1');
        match value {
            Value::Text(_) | Value::Task | Value::Batch | Value::Count | Value::RecordBytes | Value::ValidUntil => {
                heading.text(value)
            }
            Value::Detail => self.job.to_string(),
            Value::Line => line.to_string(),
            Value::Person => self.person.to_string(),
            Value::Name => details.name.clone(),
            Value::Sex => details.sex.clone(),
            Value::Number => details.number.clone(),
            Value::EthnicGroup => details.ethnic_group.clone(),
            Value::BirthDate => details.birth_date.clone(),
            Value::Birthplace => details.birthplace().to_owned(),
            Value::CertificateType => Certificate::of(details).kind.code().to_owned(),
            Value::CertificateNumber => Certificate::of(details).number,
            Value::Nationality => Certificate::of(details).nationality.to_owned(),
            Value::Mobile if mobile => details.phone.clone(),
            Value::Landline if !mobile => details.phone.clone(),
            Value::Mobile | Value::Landline => String::new(),
            Value::Address => details.address.clone(),
            Value::Employer => details.employer.clone(),
            Value::Region => details.region.clone(),
            Value::CardNumber => self.card_number.clone(),
            Value::Phone => details.phone.clone(),
            Value::Result | Value::Reason | Value::BankCardNumber | Value::CardIdentifier | Value::Ignored => {
                String::new()
            }
            // Of the registry's files (`sync`).
            Value::City
            | Value::Digest
            | Value::Sequence
            | Value::Event
            | Value::Identifier
            | Value::CardState
            | Value::IssueDate
            | Value::OldCardNumber
            | Value::Blacklisted
            | Value::At => String::new(),
        }
    }
}

impl std::fmt::Debug for Subject {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Subject(job {})", self.job)
    }
}
