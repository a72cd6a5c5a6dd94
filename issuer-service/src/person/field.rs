//! The fields of a person that sources make statements about (字段), and sets of them.
//!
//! Source: the national codes in the doc comments. Owns: their order, names and places in [`Details`].
//! Never: the number; it says who the person is, and cannot be in question.

use super::Details;
use crate::lang::Lang;

/// One field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Field {
    /// AAC003 姓名.
    Name,
    /// AAC004 性别.
    Sex,
    /// AAC005 民族.
    EthnicGroup,
    /// AAC006 出生日期.
    BirthDate,
    /// AAB301 行政区划.
    Region,
    /// AAE006 地址.
    Address,
    /// AAE005 联系电话.
    Phone,
    /// AAB004 单位名称.
    Employer,
    /// AAC058 with number and AAC161: 证件.
    Certificate,
    /// AAC060 生存状态.
    Alive,
    /// 本民族文字姓名: for the face of the card and the pages; no item of a chip.
    NameScript,
}

/// Some of the fields.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fields(u16);

impl Field {
    /// How many there are.
    pub const COUNT: usize = 11;
    /// All, in the order in which a dossier keeps them.
    pub const ALL: [Self; Self::COUNT] = [
        Self::Name,
        Self::Sex,
        Self::EthnicGroup,
        Self::BirthDate,
        Self::Region,
        Self::Address,
        Self::Phone,
        Self::Employer,
        Self::Certificate,
        Self::Alive,
        Self::NameScript,
    ];

    /// Those that a person can be without: what was said of them can be taken back.
    pub const RETRACTABLE: [Self; 7] =
        [Self::EthnicGroup, Self::Region, Self::Address, Self::Phone, Self::Employer, Self::Alive, Self::NameScript];
    /// Those that a number tells, or the certificate that it was made from.
    pub const OF_NUMBER: [Self; 3] = [Self::Sex, Self::BirthDate, Self::Certificate];

    /// Name in files and on the command line.
    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Sex => "sex",
            Self::EthnicGroup => "ethnic_group",
            Self::BirthDate => "birth_date",
            Self::Region => "region",
            Self::Address => "address",
            Self::Phone => "phone",
            Self::Employer => "employer",
            Self::Certificate => "certificate",
            Self::Alive => "alive",
            Self::NameScript => "name_script",
        }
    }

    /// The field of a name.
    #[must_use]
    pub fn of_key(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|field| field.key() == key)
    }

    /// Name for people.
    #[must_use]
    pub const fn label(self, lang: Lang) -> &'static str {
        match (lang, self) {
            (Lang::En, _) => self.key(),
            (Lang::Zh, Self::Name) => "姓名",
            (Lang::Zh, Self::Sex) => "性别",
            (Lang::Zh, Self::EthnicGroup) => "民族",
            (Lang::Zh, Self::BirthDate) => "出生日期",
            (Lang::Zh, Self::Region) => "行政区划",
            (Lang::Zh, Self::Address) => "地址",
            (Lang::Zh, Self::Phone) => "联系电话",
            (Lang::Zh, Self::Employer) => "单位名称",
            (Lang::Zh, Self::Certificate) => "证件",
            (Lang::Zh, Self::Alive) => "生存状态",
            (Lang::Zh, Self::NameScript) => "本民族文字姓名",
        }
    }

    /// Place in [`Self::ALL`].
    #[must_use]
    pub const fn place(self) -> usize {
        self as usize
    }

    /// Its value.
    #[must_use]
    pub fn of(self, details: &Details) -> &str {
        match self {
            Self::Name => &details.name,
            Self::Sex => &details.sex,
            Self::EthnicGroup => &details.ethnic_group,
            Self::BirthDate => &details.birth_date,
            Self::Region => &details.region,
            Self::Address => &details.address,
            Self::Phone => &details.phone,
            Self::Employer => &details.employer,
            Self::Certificate => &details.certificate,
            Self::Alive => &details.alive,
            Self::NameScript => &details.name_script,
        }
    }

    /// Characters at the start and at the end that an operator sees.
    #[must_use]
    pub const fn shown_ends(self) -> (usize, usize) {
        match self {
            Self::Name | Self::NameScript | Self::Address | Self::Employer => (1, 0),
            Self::BirthDate => (4, 0),
            Self::Phone => (3, 2),
            Self::Certificate => (5, 4),
            Self::Sex | Self::EthnicGroup | Self::Region | Self::Alive => (usize::MAX, 0),
        }
    }

    /// A value as an operator sees it.
    #[must_use]
    pub fn masked(self, value: &str) -> String {
        match self.shown_ends() {
            (usize::MAX, _) => value.to_owned(),
            (head, tail) => super::mask(value, head, tail),
        }
    }
}

impl Fields {
    /// None.
    pub const NONE: Self = Self(0);
    /// All.
    pub const ALL: Self = Self((1 << Field::COUNT) - 1);

    /// With one more.
    #[must_use]
    pub const fn with(self, field: Field) -> Self {
        Self(self.0 | 1 << field as u8)
    }

    /// Without those of another set.
    #[must_use]
    pub const fn without(self, others: Self) -> Self {
        Self(self.0 & !others.0)
    }

    /// Whether a field is among them.
    #[must_use]
    pub const fn has(self, field: Field) -> bool {
        self.0 & 1 << field as u8 != 0
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// One after the other.
    pub fn iter(self) -> impl Iterator<Item = Field> {
        Field::ALL.into_iter().filter(move |field| self.has(*field))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_stands_in_its_place_under_its_key() {
        for (place, field) in Field::ALL.into_iter().enumerate() {
            assert_eq!((field.place(), Field::of_key(field.key())), (place, Some(field)));
            assert!(Fields::ALL.has(field) && !Fields::NONE.has(field));
            assert_eq!(Fields::NONE.with(field).iter().collect::<Vec<_>>(), [field]);
        }
    }

    #[test]
    fn what_tells_a_person_apart_is_masked() {
        assert_eq!(Field::Name.masked("扎西多吉"), "扎***");
        assert_eq!(Field::Phone.masked("19900001234"), "199******34");
        assert_eq!(Field::Region.masked("513301"), "513301");
        assert_eq!(Field::Certificate.masked("08 E12345678 GBR"), "08 E1******* GBR");
    }
}
