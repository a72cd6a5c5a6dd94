//! Columns of files about contributions and account years, and how agencies head them.
//!
//! Source: national data item codes as they are in use (AAC002, AAE140, AAE002, AAE180, AAE001); plain Chinese and English headers.
//! Owns: the headers, which of the two files it is. Never: looks at a value.

use crate::import::column::{self, comparable};

/// A column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Column {
    /// AAC002 社会保障号码.
    Number,
    /// AAE140 险种类型.
    Insurance,
    /// AAE002 费款所属期.
    Month,
    /// AAE180 缴费基数.
    Base,
    /// 单位缴费.
    UnitPart,
    /// 个人缴费.
    OwnPart,
    /// AAE001 年度.
    Year,
    /// 期初余额.
    Opening,
    /// 个人缴费划入.
    OwnIn,
    /// 单位或统筹划入.
    UnitIn,
    /// 其他划入.
    OtherIn,
    /// 利息.
    Interest,
    /// 支出.
    Spend,
    /// 期末余额.
    Closing,
}

/// The first of each row is its plain name.
#[rustfmt::skip]
const HEADERS: [(Column, &[&str]); 13] = [
    (Column::Insurance, &["险种类型", "险种", "险种代码", "aae140", "insurance", "insurancetype"]),
    (Column::Month, &["费款所属期", "所属期", "缴费月份", "缴费年月", "aae002", "month", "period"]),
    (Column::Base, &["缴费基数", "基数", "月缴费基数", "aae180", "base"]),
    (Column::UnitPart, &["单位缴费", "单位缴费金额", "单位部分", "单位缴纳", "unit", "unitpart"]),
    (Column::OwnPart, &["个人缴费", "个人缴费金额", "个人部分", "个人缴纳", "own", "ownpart"]),
    (Column::Year, &["年度", "结算年度", "年份", "aae001", "year"]),
    (Column::Opening, &["期初余额", "年初余额", "上年结转", "opening"]),
    (Column::OwnIn, &["个人缴费划入", "个人划入", "owninflow"]),
    (Column::UnitIn, &["单位划入", "单位缴费划入", "统筹划入", "unitinflow"]),
    (Column::OtherIn, &["其他划入", "其他收入", "转入", "otherinflow"]),
    (Column::Interest, &["利息", "本年利息", "记账利息", "interest"]),
    (Column::Spend, &["支出", "本年支出", "spend"]),
    (Column::Closing, &["期末余额", "年末余额", "closing"]),
];

/// Columns of a file of contributions, all needed.
const CONTRIBUTIONS: &[Column] =
    &[Column::Number, Column::Insurance, Column::Month, Column::Base, Column::UnitPart, Column::OwnPart];
/// Columns of a file of account years; of other inflow a file may say nothing.
const ACCOUNTS: &[Column] = &[
    Column::Number,
    Column::Insurance,
    Column::Year,
    Column::Opening,
    Column::OwnIn,
    Column::UnitIn,
    Column::Interest,
    Column::Spend,
    Column::Closing,
];

/// What a file is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Months of contributions.
    Contributions,
    /// Years of individual accounts.
    Accounts,
}

impl Kind {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Contributions, Self::Accounts];

    /// Name in the database and in output.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Contributions => "contributions",
            Self::Accounts => "accounts",
        }
    }
}

impl Column {
    /// Its plain Chinese header, which also names it in a report.
    #[must_use]
    pub fn header(self) -> &'static str {
        let names = HEADERS.iter().find(|(column, _)| *column == self).and_then(|(_, names)| names.first());
        names.copied().unwrap_or("社会保障号码")
    }

    fn of_header(header: &str) -> Option<Self> {
        let comparable = comparable(header);
        let known = HEADERS.iter().find(|(_, names)| names.contains(&comparable.as_str())).map(|(column, _)| *column);
        let number = || column::Column::of_header(header).is_some_and(|(column, _)| column == column::Column::Number);
        known.or_else(|| number().then_some(Self::Number))
    }
}

/// Which column stands where, in a file of which kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    /// Kind.
    pub kind: Kind,
    places: Vec<(Column, usize)>,
}

impl Layout {
    /// Recognizes a header; `None` for any other row, and for one with a column of a meaning twice.
    #[must_use]
    pub fn of(headers: &[String]) -> Option<Self> {
        let mut places: Vec<(Column, usize)> = Vec::new();
        for (place, header) in headers.iter().enumerate() {
            let Some(column) = Column::of_header(header) else { continue };
            if places.iter().any(|(known, _)| *known == column) {
                return None;
            }
            places.push((column, place));
        }
        let has = |needed: &[Column]| needed.iter().all(|column| places.iter().any(|(known, _)| known == column));
        let kind = match (has(CONTRIBUTIONS), has(ACCOUNTS)) {
            (true, false) => Kind::Contributions,
            (false, true) => Kind::Accounts,
            // A file that could be both says nothing about which it is.
            _ => return None,
        };
        Some(Self { kind, places })
    }

    /// Place of a column, from 0.
    #[must_use]
    pub fn place(&self, column: Column) -> Option<usize> {
        self.places.iter().find(|(known, _)| *known == column).map(|(_, place)| *place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layout(header: &str) -> Option<Layout> {
        Layout::of(&header.split(',').map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn the_two_files_are_told_apart_by_their_headers_in_any_order() {
        let kind = |header| layout(header).map(|layout| layout.kind);
        let contributions = "姓名,个人缴费,单位缴费,缴费基数,费款所属期,险种类型,社会保障号码";
        assert_eq!(kind(contributions), Some(Kind::Contributions));
        assert_eq!(kind("AAC002,AAE140,AAE002,AAE180,unit,own"), Some(Kind::Contributions));
        let accounts = "公民身份号码,险种,年度,期初余额,个人划入,单位划入,利息,支出,期末余额";
        assert_eq!(kind(accounts), Some(Kind::Accounts));
        assert_eq!(kind("社会保障号码,险种类型,费款所属期,缴费基数,单位缴费"), None, "the own part is missing");
        assert_eq!(
            kind("社会保障号码,险种类型,费款所属期,月份,缴费基数,单位缴费,个人缴费,所属期"),
            None,
            "one meaning twice"
        );
        let places = layout(contributions).expect("a header");
        assert_eq!((places.place(Column::Number), places.place(Column::Year)), (Some(6), None));
    }
}
