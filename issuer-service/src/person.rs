//! A person of the registry (参保人员).
//!
//! Owns: what is kept of a person, and how it is shown to operators: masked.
//! Never: holds unchecked values; `Debug` shows the row number only.

pub mod certificate;
pub mod code;
pub mod date;
pub mod dossier;
pub mod field;
pub mod name;
pub mod no_card;
pub mod number;
pub mod phone;
pub mod plain;
pub mod rule;

use serde::Serialize;

use self::certificate::{Certificate, Kind};
use self::no_card::NoCard;
use crate::lang::Lang;
use crate::output::Show;

/// What a registry says about a person, checked.
#[derive(Clone, PartialEq, Eq)]
pub struct Details {
    /// AAC002 社会保障号码: GB 11643, 18 characters; of people without a citizen number what was made from their certificate.
    pub number: String,
    /// AAC003 姓名 with U+00B7 as separator.
    pub name: String,
    /// AAC003 as the registry wrote it.
    pub name_raw: String,
    /// AAC004 性别: `1` or `2` (GB/T 2261.1).
    pub sex: String,
    /// AAC005 民族: `01` to `56`, `97`, `98` (GB/T 3304); empty when the registry does not say.
    pub ethnic_group: String,
    /// AAC006 出生日期: `YYYYMMDD`.
    pub birth_date: String,
    /// AAB301 行政区划: a county of the prefecture, 6 digits (GB/T 2260); empty when nothing tells which.
    pub region: String,
    /// AAE006 地址, may be empty.
    pub address: String,
    /// AAE005 联系电话, may be empty.
    pub phone: String,
    /// 单位名称, may be empty.
    pub employer: String,
    /// AAC058, certificate number and AAC161 of who has no citizen number (`certificate::Certificate::text`); otherwise empty.
    pub certificate: String,
    /// AAC060 生存状态: `1` to `5` (`code::DEAD` is one of them); empty when the registry does not say.
    pub alive: String,
    /// 姓名 in the script of the person's own people (藏文 …), may be empty.
    pub name_script: String,
}

impl Details {
    /// Six digits of the region where a citizen was registered first (出生地); empty for others, whose numbers begin with letters or a 9.
    #[must_use]
    pub fn birthplace(&self) -> &str {
        let digits = |text: &&str| !text.starts_with('9') && text.bytes().all(|byte| byte.is_ascii_digit());
        self.number.get(..6).filter(digits).unwrap_or_default()
    }
}

/// A registered person.
#[derive(Clone, PartialEq, Eq)]
pub struct Person {
    /// Row number in this centre, never reused; safe to print.
    pub id: i64,
    /// Details.
    pub details: Details,
    /// Why no card can be made.
    pub no_card: Option<NoCard>,
}

impl std::fmt::Debug for Details {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Details(..)")
    }
}

impl std::fmt::Debug for Person {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Person({})", self.id)
    }
}

/// A person as an operator sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Masked {
    /// Row number.
    pub id: i64,
    /// First and last two characters of the number.
    pub number: String,
    /// First character of the name.
    pub name: String,
    /// First character of the name in the script of the person's own people.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name_script: String,
    /// Sex code.
    pub sex: String,
    /// Ethnic group code.
    pub ethnic_group: String,
    /// Year of birth.
    pub birth_date: String,
    /// County.
    pub region: String,
    /// First three and last two digits.
    pub phone: String,
    /// Kind of certificate and nationality of who has no citizen number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub certificate: Option<String>,
    /// Why no card can be made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub no_card: Option<NoCard>,
}

impl From<&Person> for Masked {
    fn from(person: &Person) -> Self {
        let details = &person.details;
        Self {
            id: person.id,
            number: masked_number(&details.number),
            name: masked_name(&details.name),
            name_script: masked_name(&details.name_script),
            sex: details.sex.clone(),
            ethnic_group: details.ethnic_group.clone(),
            birth_date: mask(&details.birth_date, 4, 0),
            region: details.region.clone(),
            phone: masked_phone(&details.phone),
            certificate: Some(Certificate::of(details))
                .filter(|certificate| certificate.kind != Kind::Citizen)
                .map(|certificate| format!("{} {}", certificate.kind.code(), certificate.nationality)),
            no_card: person.no_card,
        }
    }
}

/// The mask of a number, everywhere: its first two and last two characters. Two masks laid on each other would leave little.
#[must_use]
pub fn masked_number(number: &str) -> String {
    mask(number, 2, 2)
}

/// The mask of a name: its first character.
#[must_use]
pub fn masked_name(name: &str) -> String {
    mask(name, 1, 0)
}

/// The mask of a telephone: its first three and last two digits.
#[must_use]
pub fn masked_phone(phone: &str) -> String {
    mask(phone, 3, 2)
}

/// Keeps the first `head` and last `tail` characters; the rest becomes stars. Short texts become stars altogether.
#[must_use]
pub fn mask(text: &str, head: usize, tail: usize) -> String {
    let count = text.chars().count();
    if count <= head + tail {
        return "*".repeat(count);
    }
    let starts: String = text.chars().take(head).collect();
    let ends: String = text.chars().skip(count - tail).collect();
    format!("{starts}{}{ends}", "*".repeat(count - head - tail))
}

impl Show for Masked {
    fn text(&self, lang: Lang) -> String {
        let Self { id, number, name, name_script, sex, ethnic_group, birth_date, region, phone, certificate, no_card } =
            self;
        let why = no_card.map_or_else(String::new, |why| {
            lang.pick(format!("  不能制卡: {}", why.text(lang)), format!("  no card: {}", why.text(lang)))
        });
        let certificate = certificate.as_ref().map(|certificate| format!("  {certificate}")).unwrap_or_default();
        let name = [name.as_str(), name_script].join(" ").trim_end().to_owned();
        format!("{id:>6}  {number}  {name}  {sex}  {ethnic_group}  {birth_date}  {region}  {phone}{certificate}{why}")
    }
}

/// Several people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct People {
    /// People registered in all.
    pub total: u64,
    /// Those asked for.
    pub people: Vec<Masked>,
}

impl Show for People {
    fn text(&self, lang: Lang) -> String {
        let mut lines: Vec<String> = self.people.iter().map(|person| person.text(lang)).collect();
        let (shown, total) = (self.people.len(), self.total);
        lines.push(lang.pick(format!("共登记 {total} 人，列出 {shown} 人"), format!("{shown} of {total} people")));
        lines.join("\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_keep_the_ends_and_never_a_short_text() {
        assert_eq!(mask("513301199001011234", 2, 2), "51**************34");
        assert_eq!(mask("扎西·多吉", 1, 0), "扎****");
        assert_eq!(mask("王", 1, 0), "*");
        assert_eq!(mask("", 1, 0), "");
    }
}
