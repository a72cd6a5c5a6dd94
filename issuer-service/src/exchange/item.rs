//! What stands in a cell of an exchange file, by the names that templates have for it.
//!
//! Owns: the names, who may say what. Never: the text of a value (`values`, `sync::file`).

use serde::{Deserialize, Serialize};

use super::template::Partner;

macro_rules! values {
    ($($(#[$doc:meta])* $value:ident = $name:literal),* $(,)?) => {
        /// What stands in a cell.
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub enum Value {
            /// This text: `=CHN`.
            Text(String),
            $($(#[$doc])* $value),*
        }

        impl TryFrom<String> for Value {
            type Error = String;

            fn try_from(text: String) -> Result<Self, String> {
                match text.strip_prefix('=') {
                    Some(text) => Ok(Self::Text(text.to_owned())),
                    None => match text.as_str() {
                        $($name => Ok(Self::$value),)*
                        _ => Err(format!("{text:?} is no value; one of {}, or =TEXT", [$($name),*].join(", "))),
                    },
                }
            }
        }

        impl From<Value> for String {
            fn from(value: Value) -> Self {
                match value {
                    Value::Text(text) => format!("={text}"),
                    $(Value::$value => $name.to_owned()),*
                }
            }
        }
    };
}

values! {
    /// Number of the job (明细号).
    Detail = "detail",
    /// Position of the row in its file, from 1.
    Line = "line",
    /// 任务号 of the file: date and eight digits.
    Task = "task",
    /// Number of the batch.
    Batch = "batch",
    /// How many rows there are.
    Count = "count",
    /// Bytes of a row.
    RecordBytes = "record_bytes",
    /// Row number of the person (个人编号).
    Person = "person",
    /// 姓名.
    Name = "name",
    /// 性别.
    Sex = "sex",
    /// 社会保障号码.
    Number = "number",
    /// AAC058 证件类型.
    CertificateType = "certificate_type",
    /// 证件号码: the citizen number, or that of the certificate.
    CertificateNumber = "certificate_number",
    /// AAC161 国籍: three letters of GB/T 2659.
    Nationality = "nationality",
    /// 民族.
    EthnicGroup = "ethnic_group",
    /// 出生日期.
    BirthDate = "birth_date",
    /// First six digits of a citizen number.
    Birthplace = "birthplace",
    /// The telephone number, if it is a mobile one.
    Mobile = "mobile",
    /// The telephone number, if it is none.
    Landline = "landline",
    /// 地址.
    Address = "address",
    /// 单位名称.
    Employer = "employer",
    /// 行政区划.
    Region = "region",
    /// 卡号.
    CardNumber = "card_number",
    /// 卡有效期, if the card were made today.
    ValidUntil = "valid_until",
    /// What the partner decided; from the partner only.
    Result = "result",
    /// Why, in the partner's words; from the partner only.
    Reason = "reason",
    /// 银行卡号; from the partner only.
    BankCardNumber = "bank_card_number",
    /// 卡的识别码 that the factory wrote, without a check value of this centre; from the partner only.
    CardIdentifier = "card_identifier",
    /// Not looked at; from the partner only.
    Ignored = "ignored",
    /// City code; of the registry's files.
    City = "city",
    /// SHA-256 of the bytes of all rows, hex; in lines before the rows of the registry's files.
    Digest = "digest",
    /// Which entry a row is about; of the registry's files, as are those that follow.
    Sequence = "sequence",
    /// What happened to the card.
    Event = "event",
    /// The telephone number.
    Phone = "phone",
    /// 卡的识别码.
    Identifier = "identifier",
    /// AAZ502 卡状态, its code.
    CardState = "card_state",
    /// 发卡日期.
    IssueDate = "issue_date",
    /// 卡号 of the card in whose place it came.
    OldCardNumber = "old_card_number",
    /// `1` for a card on the blacklist, `0` for another.
    Blacklisted = "blacklisted",
    /// When it happened: date and time in China.
    At = "at",
}

impl Value {
    /// Whether a file of this partner can hold it.
    #[must_use]
    pub const fn is_for(&self, partner: Partner) -> bool {
        match (self, partner) {
            (
                Self::City
                | Self::Digest
                | Self::Sequence
                | Self::Event
                | Self::Phone
                | Self::Identifier
                | Self::CardState
                | Self::IssueDate
                | Self::OldCardNumber
                | Self::Blacklisted
                | Self::At,
                partner,
            ) => matches!(partner, Partner::Registry),
            (
                Self::Detail
                | Self::Batch
                | Self::CertificateType
                | Self::CertificateNumber
                | Self::Nationality
                | Self::Birthplace
                | Self::Mobile
                | Self::Landline
                | Self::Employer
                | Self::BankCardNumber
                | Self::CardIdentifier,
                Partner::Registry,
            ) => false,
            _ => true,
        }
    }

    /// Whether only a partner can say it.
    #[must_use]
    pub const fn is_partners(&self) -> bool {
        matches!(self, Self::Result | Self::Reason | Self::BankCardNumber | Self::CardIdentifier | Self::Ignored)
    }
}
