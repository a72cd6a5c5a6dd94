//! What is wrong with a file from a partner, and where: all of it, not the first thing only.
//!
//! Owns: codes, places, words in both languages. Never: repeats what stands in a cell.

use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};

use crate::lang::Lang;

/// Faults that are listed; the rest is counted.
pub const FAULTS_MAX: usize = 1_000;

/// One fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Line of the file, from 1; 0 for the file as a whole.
    pub line: u64,
    /// Title of the column.
    pub column: Option<String>,
    /// What.
    pub code: Code,
    /// Batch that the file's name says.
    pub batch: Option<i64>,
    /// What is meant of the file that was sent.
    pub sent: Option<SentRow>,
}

/// A row of a file that was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct SentRow {
    /// Line in that file, from 1.
    pub line: u64,
    /// Job that it is about.
    pub job: i64,
}

/// With its words in both languages: a report lies beside the file for whoever opens it.
impl Serialize for Fault {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fault = serializer.serialize_struct("Fault", 6)?;
        fault.serialize_field("line", &self.line)?;
        if let Some(column) = &self.column {
            fault.serialize_field("column", column)?;
        }
        fault.serialize_field("code", &self.code)?;
        if let Some(batch) = self.batch {
            fault.serialize_field("batch", &batch)?;
        }
        if let Some(sent) = &self.sent {
            fault.serialize_field("sent", sent)?;
        }
        fault.serialize_field("zh", &self.words(Lang::Zh))?;
        fault.serialize_field("en", &self.words(Lang::En))?;
        fault.end()
    }
}

macro_rules! codes {
    ($($(#[$doc:meta])* $code:ident $zh:literal $en:literal),* $(,)?) => {
        /// What is wrong.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
        #[serde(rename_all = "SCREAMING_SNAKE_CASE")]
        pub enum Code { $($(#[$doc])* $code),* }

        impl Code {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$code),*];

            /// In words.
            #[must_use]
            pub const fn text(self, lang: Lang) -> &'static str {
                match (self, lang) {
                    $((Self::$code, Lang::Zh) => $zh, (Self::$code, Lang::En) => $en),*
                }
            }
        }
    };
}

codes! {
    /// The name itself may not be kept.
    NameUnfit "文件名含公民身份号码或控制字符、超过 200 字节，或不是 UTF-8；文件以此处的名字存放" "the file's name holds a citizen number or a control character, is longer than 200 bytes, or is no UTF-8; the file is kept under the name told here",
    /// The system does not let us read it.
    Unreadable "系统不允许读取该文件，检查权限后重新放入" "the system does not let us read the file: look at its permissions and put it in again",
    /// It is a link, a folder, a pipe.
    NotPlain "不是普通文件（是链接、目录、管道等）" "it is no plain file but a link, a folder or a pipe",
    /// No template has a file of this name.
    NameUnknown "文件名不符合任何回盘模板" "the file's name is that of no template from a partner",
    /// Several templates have it.
    NameAmbiguous "文件名符合多个模板，须用 --template 指明" "several templates have such a name: say which with --template",
    /// The batch in the name does not exist.
    BatchUnknown "文件名中的批次不存在" "there is no batch of the number in the file's name",
    /// Nothing was sent that it could answer.
    NothingSent "该批次没有等待此类回盘的文件" "no file of this batch awaits such an answer",
    /// It is longer than any answer to what was sent.
    TooLong "文件比应有的回盘大得多" "the file is longer than any answer to what was sent",
    /// Nothing is in it.
    Empty "文件是空的" "the file is empty",
    /// Its lines end otherwise than agreed.
    LineEnds "各行以回车换行（CRLF）结尾，约定为换行（LF）；请以 LF 重新导出" "its lines end with CR LF instead of LF; export it again with LF",
    /// It does not end with a line end.
    CutOff "文件不完整，末行没有换行" "the file is cut off: its last line has no end",
    /// A line before the rows is not as agreed.
    Head "文件头不符" "the line before the rows is not as agreed",
    /// The count in the header is not the count of rows.
    Count "文件头的记录数与行数不符" "the header's count is not the count of the rows",
    /// The row has another length or number of cells.
    Shape "行长或列数不符" "the row's length or number of cells is not as agreed",
    /// Bytes are no text of the encoding.
    Encoding "不是约定编码的文本" "these bytes are no text of the agreed encoding",
    /// Another task than in the rest of the file, or none that was sent.
    Task "任务号不是已发出、待回盘的任务" "the task is none that was sent and awaits its answer",
    /// The row is about nobody who was asked for.
    RowForeign "该行不属于本任务" "the row is about nobody who was asked for in this task",
    /// A row is about the same card as an earlier one.
    RowTwice "该行与前面某行重复" "the row is about the same card as an earlier one",
    /// A row that was asked for is not answered.
    RowMissing "有已发出的记录没有回盘" "a row that was sent is not answered",
    /// A cell is not what was sent.
    Differs "与发出的内容不一致" "the cell is not what was sent",
    /// The result is empty.
    Result "处理结果为空" "the result is empty",
    /// The result is none that the template knows, and no reason stands beside it.
    ResultUnknown "处理结果不是模板所列，也没有写明原因" "the result is none that the template lists, and no reason is given",
    /// The reason is longer than any cell of it.
    ReasonTooLong "原因超过 200 个字" "the reason has more than 200 characters",
    /// The card identifier is none of this city.
    Identifier "卡识别码无效或不是本市的" "the card identifier is none, or none of this city",
    /// Another card has the identifier.
    IdentifierTaken "卡识别码已属于另一张卡" "another card has this identifier",
    /// The bank card number is none.
    BankCard "银行卡号不是 12 至 19 位数字" "the bank card number has not 12 to 19 digits",
    /// Its check digit (Luhn) does not fit.
    BankCardCheck "银行卡号的校验位（Luhn）不符" "the check digit (Luhn) of the bank card number does not fit",
    /// It stands in the file twice.
    BankCardTwice "银行卡号与前面某行相同" "an earlier row has this bank card number",
    /// Another person's card in use, or in the making, has it.
    BankCardTaken "银行卡号已属于另一人的卡" "another person's card has this bank card number",
    /// The person has a card in use.
    LiveCard "该人员已有在用的卡" "the person has a card in use",
    /// The card is not waited for any more.
    NotWaiting "该任务已不在待制状态" "the card is not waited for any more",
}

/// Faults as they are found.
#[derive(Debug, Default)]
pub struct Faults {
    /// The first ones.
    pub listed: Vec<Fault>,
    /// How many there are.
    pub count: u64,
}

impl Faults {
    /// Of the file as a whole.
    #[must_use]
    pub fn of_file(code: Code) -> Self {
        let mut faults = Self::default();
        faults.add(0, None, code);
        faults
    }

    /// The batch of the file's name is unknown.
    #[must_use]
    pub fn of_batch(batch: i64) -> Self {
        let mut faults = Self::of_file(Code::BatchUnknown);
        faults.listed.iter_mut().for_each(|fault| fault.batch = Some(batch));
        faults
    }

    /// Adds one.
    pub fn add(&mut self, line: usize, column: Option<&str>, code: Code) {
        let line = u64::try_from(line).unwrap_or(u64::MAX);
        self.push(Fault { line, column: column.map(str::to_owned), code, batch: None, sent: None });
    }

    /// Adds that a row which was sent is not answered by the file.
    pub fn add_missing(&mut self, sent: SentRow) {
        self.push(Fault { line: 0, column: None, code: Code::RowMissing, batch: None, sent: Some(sent) });
    }

    fn push(&mut self, fault: Fault) {
        self.count += 1;
        if self.listed.len() < FAULTS_MAX {
            self.listed.push(fault);
        }
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.count == 0
    }
}

impl Fault {
    /// For people.
    #[must_use]
    pub fn text(&self, lang: Lang) -> String {
        let place = match (self.line, &self.column) {
            (0, _) => lang.pick("整个文件", "the file").to_owned(),
            (line, None) => lang.pick(format!("第 {line} 行"), format!("line {line}")),
            (line, Some(column)) => lang.pick(format!("第 {line} 行 {column}"), format!("line {line} {column}")),
        };
        let code = serde_code(self.code);
        format!("{place} {code}: {}", self.words(lang))
    }

    fn words(&self, lang: Lang) -> String {
        let text = self.code.text(lang);
        if let Some(SentRow { line, job }) = self.sent {
            return lang.pick(
                format!("{text}: 发出文件第 {line} 行，制卡任务 {job}"),
                format!("{text}: line {line} of the file sent, job {job}"),
            );
        }
        self.batch.map_or_else(|| text.to_owned(), |batch| format!("{text}: {batch}"))
    }
}

/// The code as JSON spells it.
fn serde_code(code: Code) -> String {
    let mut text = String::new();
    for character in format!("{code:?}").chars() {
        if character.is_ascii_uppercase() && !text.is_empty() {
            text.push('_');
        }
        text.push(character.to_ascii_uppercase());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_spelt_alike_for_people_and_programs() {
        for code in Code::ALL {
            let json = crate::output::json_line(code);
            assert_eq!(json, format!("\"{}\"", serde_code(*code)));
        }
    }
}
