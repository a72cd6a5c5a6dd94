//! Two books of a day compared: the file that 3202 sends, the file that it brings back, and what differs.
//!
//! Source: columns of the detail files (two adapters); result codes 101 and 102 and the absence of a heading are general knowledge.
//! Owns: both files, the four classes of a difference. Never: mends anything; a person's number is in no finding.
//! Units: columns separated by a tab, rows by a line feed, UTF-8; amounts in yuan with two decimals, refunds negative.

use std::fmt;

use super::number::Amount;
use crate::fen::{Fen, FenError};

/// Rows of a result that are looked at: a day of the busiest institution has some ten thousand.
pub const ROWS_MAX: usize = 200_000;

/// The three sums that are compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sums {
    /// 医疗费总额.
    pub total: Fen,
    /// 基金支付总额.
    pub funds: Fen,
    /// 个人账户支付金额.
    pub account: Fen,
}

impl Sums {
    /// Both together.
    ///
    /// # Errors
    /// [`FenError::Overflow`].
    pub fn plus(self, other: Self) -> Result<Self, FenError> {
        Ok(Self {
            total: self.total.plus(other.total)?,
            funds: self.funds.plus(other.funds)?,
            account: self.account.plus(other.account)?,
        })
    }

    /// With the opposite sign, as a refund counts.
    ///
    /// # Errors
    /// [`FenError::Overflow`].
    pub fn opposite(self) -> Result<Self, FenError> {
        Ok(Self {
            total: Fen::ZERO.minus(self.total)?,
            funds: Fen::ZERO.minus(self.funds)?,
            account: Fen::ZERO.minus(self.account)?,
        })
    }
}

/// One settlement or refund as our journal has it.
#[derive(Clone, PartialEq, Eq)]
pub struct OurRow {
    /// 结算ID.
    pub setl_id: String,
    /// 就诊ID.
    pub mdtrt_id: String,
    /// 人员编号: goes into the file, and nowhere else.
    pub psn_no: String,
    /// Amounts; negative for a refund.
    pub sums: Sums,
    /// Whether it is a refund.
    pub is_refund: bool,
    /// The message that made it.
    pub msgid: String,
}

/// Without the person's number.
impl fmt::Debug for OurRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { setl_id, mdtrt_id, psn_no: _, sums, is_refund, msgid } = self;
        let mut row = f.debug_struct("OurRow");
        row.field("setl_id", setl_id).field("mdtrt_id", mdtrt_id).field("sums", sums);
        row.field("is_refund", is_refund).field("msgid", msgid).finish_non_exhaustive()
    }
}

/// One row of the centre's result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CentreRow {
    /// 结算ID.
    pub setl_id: String,
    /// 就诊ID.
    pub mdtrt_id: String,
    /// 发送方报文ID.
    pub msgid: String,
    /// 对账结果.
    pub result: String,
    /// Whether it is a refund.
    pub is_refund: bool,
    /// 备注.
    pub memo: String,
    /// Amounts, where the centre has any.
    pub sums: Sums,
}

/// What kind of difference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// We have it, the centre has not.
    OnlyOurs,
    /// The centre has it, we have not.
    OnlyCentre,
    /// Both have it, with other amounts.
    AmountDiffers,
    /// One of the two has it cancelled.
    StatusDiffers,
}

impl Class {
    /// Every class.
    pub const ALL: [Self; 4] = [Self::OnlyOurs, Self::OnlyCentre, Self::AmountDiffers, Self::StatusDiffers];

    /// Its stable name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::OnlyOurs => "ONLY_OURS",
            Self::OnlyCentre => "ONLY_CENTRE",
            Self::AmountDiffers => "AMOUNT_DIFFERS",
            Self::StatusDiffers => "STATUS_DIFFERS",
        }
    }
}

/// One difference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What kind.
    pub class: Class,
    /// 结算ID.
    pub setl_id: String,
    /// 就诊ID.
    pub mdtrt_id: String,
    /// The message that made it, where one of the two knows it.
    pub msgid: String,
    /// Ours.
    pub ours: Option<Sums>,
    /// The centre's.
    pub centre: Option<Sums>,
    /// Whether the centre's row is a refund.
    pub is_refund: bool,
}

/// A result file that cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ResultFault {
    /// A row with too few columns.
    #[error("row {0}: 10 columns are needed")]
    Columns(usize),
    /// A row with an amount that is none.
    #[error("row {0}: an amount is no number")]
    Amount(usize),
    /// No text.
    #[error("not UTF-8")]
    NotText,
    /// More rows than a day has.
    #[error("more than {ROWS_MAX} rows")]
    TooLong,
}

const REFUND: &str = "1";
const SETTLED: &str = "0";
/// 对账结果: the institution has more.
const CENTRE_LACKS: &str = "102";

/// The file that 3202 compares.
#[must_use]
pub fn file(rows: &[OurRow]) -> String {
    let line = |row: &OurRow| {
        let flag = if row.is_refund { REFUND } else { SETTLED };
        let Sums { total, funds, account } = row.sums;
        format!("{}\t{}\t{}\t{total}\t{funds}\t{account}\t{flag}\n", row.setl_id, row.mdtrt_id, row.psn_no)
    };
    rows.iter().map(line).collect()
}

/// The sums of a file.
///
/// # Errors
/// [`FenError::Overflow`].
pub fn sums(rows: &[OurRow]) -> Result<Sums, FenError> {
    rows.iter().try_fold(Sums::default(), |sum, row| sum.plus(row.sums))
}

/// Reads the file that 3202 brings back.
///
/// # Errors
/// [`ResultFault`].
pub fn result(bytes: &[u8]) -> Result<Vec<CentreRow>, ResultFault> {
    let text = std::str::from_utf8(bytes).map_err(|_| ResultFault::NotText)?;
    let text = text.strip_prefix('\u{FEFF}').unwrap_or(text);
    let mut rows = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let number = index + 1;
        if number > ROWS_MAX {
            return Err(ResultFault::TooLong);
        }
        if line.trim().is_empty() || index == 0 && line.starts_with("psn_no") {
            continue;
        }
        let cells: Vec<&str> = line.split('\t').map(str::trim).collect();
        let [_, mdtrt_id, setl_id, msgid, result, refund, memo, total, funds, account, ..] = cells.as_slice() else {
            return Err(ResultFault::Columns(number));
        };
        let amount = |text: &str| match text {
            "" => Ok(Fen::ZERO),
            digits => Amount::parse(digits).map(Amount::fen).map_err(|_| ResultFault::Amount(number)),
        };
        rows.push(CentreRow {
            setl_id: (*setl_id).to_owned(),
            mdtrt_id: (*mdtrt_id).to_owned(),
            msgid: (*msgid).to_owned(),
            result: (*result).to_owned(),
            is_refund: *refund == REFUND,
            memo: (*memo).to_owned(),
            sums: Sums { total: amount(total)?, funds: amount(funds)?, account: amount(account)? },
        });
    }
    Ok(rows)
}

/// Writes the file that 3202 brings back; `psn_no` stays empty where the centre does not say whose it is.
#[must_use]
pub fn result_file(rows: &[CentreRow]) -> String {
    let line = |row: &CentreRow| {
        let flag = if row.is_refund { REFUND } else { SETTLED };
        let Sums { total, funds, account } = row.sums;
        [
            String::new(),
            row.mdtrt_id.clone(),
            row.setl_id.clone(),
            row.msgid.clone(),
            row.result.clone(),
            flag.to_owned(),
            row.memo.clone(),
            total.to_string(),
            funds.to_string(),
            account.to_string(),
        ]
        .join("\t")
            + "\n"
    };
    rows.iter().map(line).collect()
}

/// What differs, in the order of the centre's rows. A row that both have alike is no finding, whatever its code says.
#[must_use]
pub fn classify(ours: &[OurRow], centre: &[CentreRow]) -> Vec<Finding> {
    centre.iter().filter_map(|row| compare(ours, row)).collect()
}

fn compare(ours: &[OurRow], row: &CentreRow) -> Option<Finding> {
    let same = ours.iter().find(|our| our.setl_id == row.setl_id && our.is_refund == row.is_refund);
    let finding = |class, ours: Option<&OurRow>, centre| Finding {
        class,
        setl_id: row.setl_id.clone(),
        mdtrt_id: row.mdtrt_id.clone(),
        msgid: ours.map_or(&row.msgid, |our| &our.msgid).clone(),
        ours: ours.map(|our| our.sums),
        centre,
        is_refund: row.is_refund,
    };
    match same {
        // A refund that the centre lacks: there the sale still stands.
        Some(our) if row.result == CENTRE_LACKS => {
            let class = if row.is_refund { Class::StatusDiffers } else { Class::OnlyOurs };
            Some(finding(class, Some(our), None))
        }
        Some(our) if our.sums != row.sums => Some(finding(Class::AmountDiffers, Some(our), Some(row.sums))),
        Some(_) => None,
        None if row.is_refund => {
            // A refund that we lack: of a sale of ours, or of nothing that we know.
            let sale = ours.iter().find(|our| our.mdtrt_id == row.mdtrt_id && !our.is_refund);
            let class = if sale.is_some() { Class::StatusDiffers } else { Class::OnlyCentre };
            Some(finding(class, sale, Some(row.sums)))
        }
        None => Some(finding(Class::OnlyCentre, None, Some(row.sums))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ours(setl_id: &str, total: i64, is_refund: bool) -> OurRow {
        let sums = Sums { total: Fen::new(total), funds: Fen::ZERO, account: Fen::new(total / 2) };
        let (mdtrt_id, psn_no) = (format!("M{}", setl_id.trim_end_matches('R')), "P1".to_owned());
        OurRow { setl_id: setl_id.to_owned(), mdtrt_id, psn_no, sums, is_refund, msgid: format!("msg-{setl_id}") }
    }

    fn centre(setl_id: &str, total: i64, is_refund: bool, result: &str) -> CentreRow {
        let OurRow { setl_id, mdtrt_id, sums, .. } = ours(setl_id, total, is_refund);
        let (msgid, result, memo) = ("their-msg".to_owned(), result.to_owned(), String::new());
        CentreRow { setl_id, mdtrt_id, msgid, result, is_refund, memo, sums }
    }

    #[test]
    fn each_class_is_found_and_nothing_else() {
        let books = [ours("S1", 100, false), ours("S2", 200, false), ours("S3", 300, false), ours("S4", 400, false)];
        let theirs = [
            centre("S1", 100, false, "102"),
            centre("S2", 201, false, "103"),
            centre("S3R", -300, true, "101"),
            centre("S9", 900, false, "101"),
            centre("S8R", -800, true, "101"),
            centre("S4", 400, false, "0"),
        ];
        let found: Vec<_> =
            classify(&books, &theirs).iter().map(|f| (f.class, f.setl_id.clone(), f.msgid.clone())).collect();
        let expected = [
            (Class::OnlyOurs, "S1", "msg-S1"),
            (Class::AmountDiffers, "S2", "msg-S2"),
            (Class::StatusDiffers, "S3R", "msg-S3"),
            (Class::OnlyCentre, "S9", "their-msg"),
            (Class::OnlyCentre, "S8R", "their-msg"),
        ];
        assert_eq!(found, expected.map(|(class, id, msgid)| (class, id.to_owned(), msgid.to_owned())));
    }

    #[test]
    fn a_refund_that_the_centre_lacks_is_another_status_not_another_sale() {
        let books = [ours("S1", 100, false), ours("S1R", -100, true)];
        let found = classify(&books, &[centre("S1R", -100, true, "102")]);
        assert_eq!(found.iter().map(|finding| finding.class).collect::<Vec<_>>(), [Class::StatusDiffers]);
        assert_eq!(found[0].centre, None);
    }

    #[test]
    fn both_files_have_their_columns_and_the_result_reads_back() {
        assert_eq!(file(&[ours("S1", 12_345, false)]), "S1\tMS1\tP1\t123.45\t0.00\t61.72\t0\n");
        let rows = [centre("S1", 100, false, "102"), centre("S3R", -300, true, "101")];
        let text = result_file(&rows);
        assert!(result(text.as_bytes()) == Ok(rows.to_vec()));
        let headed = format!("\u{FEFF}psn_no\tmdtrt_id\n{text}\r\n");
        assert_eq!(result(headed.as_bytes()).map(|rows| rows.len()), Ok(2));
        assert_eq!(result(b"a\tb\n").err(), Some(ResultFault::Columns(1)));
        assert_eq!(result(text.replace("1.00", "1.001").as_bytes()).err(), Some(ResultFault::Amount(1)));
        assert_eq!(result(&[0xFF]).err(), Some(ResultFault::NotText));
    }
}
