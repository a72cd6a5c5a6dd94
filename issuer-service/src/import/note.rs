//! What a bureau should know about how its file was read, without anything being wrong with it.
//!
//! Owns: codes and texts. Never: speaks of a single row.

use crate::lang::Lang;

/// One remark.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Note {
    /// The header was found below other lines.
    HeaderLine(u64),
    /// Two columns of one meaning: the one that was read, the one that was not.
    ColumnDoubled(String, String),
    /// No column of it: taken from the number.
    SexFromNumber,
    /// No column of it: taken from the number.
    BirthDateFromNumber,
    /// No column of it: taken from the first six digits of the number; so many accepted people's are no county here.
    RegionFromNumber(u64),
    /// No column of it: stays unknown.
    EthnicGroupUnknown,
    /// Accepted people whose name, address or employer the chip cannot hold, so many.
    TextNotOnChip(u64),
    /// People registered by this import who have name and birth date of another one: how many, and the first of them, each with the other.
    Alike(u64, Vec<(i64, i64)>),
    /// Rows that take back what their source never said, so many.
    NotSaid(u64),
    /// An interrupted import went on behind this row.
    Resumed(u64),
    /// No row below the header.
    NoRows,
    /// More faults than are listed.
    FaultsOmitted(u64),
}

impl Note {
    /// Stable code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::HeaderLine(_) => "HEADER_LINE",
            Self::ColumnDoubled(..) => "COLUMN_DOUBLED",
            Self::SexFromNumber => "SEX_FROM_NUMBER",
            Self::BirthDateFromNumber => "BIRTH_DATE_FROM_NUMBER",
            Self::RegionFromNumber(_) => "REGION_FROM_NUMBER",
            Self::EthnicGroupUnknown => "ETHNIC_GROUP_ABSENT",
            Self::TextNotOnChip(_) => "TEXT_NOT_ON_CHIP",
            Self::Alike(..) => "PERSON_ALIKE",
            Self::NotSaid(_) => "NOTHING_TAKEN_BACK",
            Self::Resumed(_) => "RESUMED",
            Self::NoRows => "NO_ROWS",
            Self::FaultsOmitted(_) => "FAULTS_OMITTED",
        }
    }

    /// The text.
    #[must_use]
    pub fn message(&self, lang: Lang) -> String {
        let (zh, en) = match self {
            Self::HeaderLine(line) => {
                return lang.pick(
                    format!("表头在第 {line} 行，其上各行未读"),
                    format!("the header is on line {line}; the lines above it were not read"),
                );
            }
            Self::ColumnDoubled(read, ignored) => {
                return lang.pick(
                    format!("“{read}”与“{ignored}”含义相同，先读“{read}”，空时读“{ignored}”"),
                    format!(
                        "{read:?} and {ignored:?} mean the same; {read:?} was read, and where it is empty {ignored:?}"
                    ),
                );
            }
            Self::RegionFromNumber(0) => (
                "没有行政区划列，取号码前六位",
                "no column of the region: taken from the first six digits of the number",
            ),
            Self::RegionFromNumber(without) => {
                return lang.pick(
                    format!("没有行政区划列，取号码前六位；其中 {without} 人的前六位不是本市（州）现行县级代码，行政区划留空"),
                    format!("no column of the region: the first six digits of the number were taken; of {without} people they are no county of this prefecture in force, their region stays empty"),
                );
            }
            Self::TextNotOnChip(people) => {
                return lang.pick(
                    format!("{people} 人的姓名、地址或单位含芯片（GBK）存不下的字: 照登，但不能制卡（issuer person list --no-card）"),
                    format!("{people} people have a name, address or employer that the chip (GBK) cannot hold: registered, but no card can be made (issuer person list --no-card)"),
                );
            }
            Self::Alike(people, pairs) => {
                let each = pairs.iter().map(|(new, known)| match new {
                    0 => format!("{known}"),
                    new => format!("{new}={known}"),
                });
                let list = each.collect::<Vec<_>>().join(lang.pick("、", ", "));
                return lang.pick(
                    format!("{people} 名新登记的人与另一登记人员姓名、出生日期相同（{list}）: 核对是否同一人，是则 issuer person join"),
                    format!("{people} people registered now have name and birth date of another one ({list}): see whether it is one person; if so, `issuer person join`"),
                );
            }
            Self::NotSaid(rows) => {
                return lang.pick(
                    format!("{rows} 行要撤回该来源没有说过的内容，现值不变（issuer person history）"),
                    format!(
                        "{rows} rows take back what this source never said; what is held stays (issuer person history)"
                    ),
                );
            }
            Self::Resumed(row) => {
                return lang.pick(
                    format!("上次导入中断，从第 {row} 行之后继续；人数为两次合计"),
                    format!("an interrupted import went on behind line {row}; the counts are those of both runs"),
                );
            }
            Self::FaultsOmitted(count) => {
                return lang.pick(
                    format!("另有 {count} 处问题未列出；改正后重新导入"),
                    format!("{count} more faults are not listed; import the file again when these are mended"),
                );
            }
            Self::SexFromNumber => ("没有性别列，取自号码", "no column of the sex: taken from the number"),
            Self::BirthDateFromNumber => {
                ("没有出生日期列，取自号码", "no column of the birth date: taken from the number")
            }
            Self::EthnicGroupUnknown => ("没有民族列，民族留空", "no column of the ethnic group: it stays empty"),
            Self::NoRows => ("表头以下没有数据", "there is nothing below the header"),
        };
        lang.pick(zh, en).to_owned()
    }
}
