//! The only file of this program that prints: the table of points and its sums.

use std::ffi::OsString;
use std::io::Write as _;
use std::process::ExitCode;

use card_counter::language::{Language, Words};
use clap::ValueEnum as _;
use issuer_service::lang::column;
use settlement::fen::Fen;

use crate::clerk::Act;
use crate::failure::Failure;
use crate::program::Form;
use crate::proof::{Row, Totals};

/// A wrong command line.
const USAGE: u8 = 1;

/// Places of a column.
const POINT: usize = 58;
const STATE: usize = 12;
const MONEY: usize = 10;

/// Form and language of what is printed.
#[derive(Clone, Copy, Debug)]
pub struct Output {
    form: Form,
    language: Language,
}

impl Output {
    /// In this form and language.
    #[must_use]
    pub const fn new(form: Form, language: Language) -> Self {
        Self { form, language }
    }

    /// What the columns are.
    ///
    /// # Errors
    /// [`Failure::Output`].
    pub fn head(&self) -> Result<(), Failure> {
        if self.form == Form::Json {
            return Ok(());
        }
        let word = |zh, en| Words::new(zh, en).text(self.language).to_owned();
        let columns = [
            (word("断电或终止之处", "point"), POINT),
            (word("当时卡内", "on card"), MONEY),
            (word("当时日志", "journal"), STATE),
            (word("当时中心", "centre"), MONEY),
            (word("最后卡内", "end: card"), MONEY),
            (word("终端", "terminal"), MONEY),
            (word("中心", "centre"), MONEY),
            (word("钱款守恒", "money conserved"), 0),
        ];
        let line: Vec<String> = columns.iter().map(|(text, places)| column(text, *places)).collect();
        print(&line.join(" "))
    }

    /// A point, or a pair that does not hold.
    ///
    /// # Errors
    /// [`Failure::Output`].
    pub fn row(&self, row: &Row) -> Result<(), Failure> {
        if self.form == Form::Json {
            return json(row);
        }
        let act = match row.act {
            Act::Purchase => Words::new("消费", "purchase"),
            Act::Online => Words::new("联机消费", "online"),
            Act::Consent => Words::new("须同意消费", "consent"),
            Act::Judged => Words::new("误判的消费", "judged wrong"),
            Act::Closed => Words::new("中心关闭的消费", "closed sale"),
            Act::Load => Words::new("划入", "load"),
            Act::Refund => Words::new("退费", "refund"),
            Act::Elsewhere => Words::new("异机退费", "refund elsewhere"),
            Act::Pin => Words::new("改PIN", "PIN"),
        };
        let money = |fen: i64| column(&Fen::new(fen).to_string(), MONEY);
        let conserved = match (row.conserved, &row.stuck) {
            (true, _) => Words::new("是", "yes").text(self.language).to_owned(),
            (false, Some(code)) => {
                Words::of(format!("否:{code}"), format!("NO: {code}")).text(self.language).to_owned()
            }
            (false, None) => {
                let (lost, doubled) = (Fen::new(row.verdict.lost_fen), Fen::new(row.verdict.doubled_fen));
                Words::of(format!("否:缺 {lost},重 {doubled}"), format!("NO: lost {lost}, doubled {doubled}"))
                    .text(self.language)
                    .to_owned()
            }
        };
        let point = format!("{} · {}", act.text(self.language), row.points.join(" + "));
        let line = [
            column(&point, POINT),
            money(row.card_fen),
            column(row.terminal.as_deref().unwrap_or("–"), STATE),
            money(row.centre_fen),
            money(row.end.card_fen),
            money(row.end.terminal_fen),
            money(row.end.centre_fen),
            conserved,
        ];
        print(&line.join(" "))
    }

    /// The sums.
    ///
    /// # Errors
    /// [`Failure::Output`].
    pub fn totals(&self, totals: &Totals) -> Result<(), Failure> {
        if self.form == Form::Json {
            return json(totals);
        }
        let Totals { points, pairs, lived, broken, lost_fen, doubled_fen } = totals;
        let words = Words::of(
            format!(
                "断点 {points} 处,两处一组 {pairs} 组(逐一走过 {lived} 组,其余与之相同);不守恒 {broken} 处,缺 {lost_fen} 分,重 {doubled_fen} 分"
            ),
            format!(
                "{points} points, {pairs} pairs ({lived} lived through, the others are like them); broken {broken}, lost {lost_fen} fen, doubled {doubled_fen} fen"
            ),
        );
        print(words.text(self.language))
    }

    /// Why the proof did not come to its end.
    pub fn failure(&self, failure: &Failure) {
        let (what, next) = match failure.is_storage() {
            true => (
                Words::of(
                    format!("磁盘或标准输出出错:{failure}"),
                    format!("the disk or standard output failed: {failure}"),
                ),
                Words::new(
                    "检查临时文件夹(TMPDIR)的空间和权限",
                    "see to space and permissions of the folder for temporary files (TMPDIR)",
                ),
            ),
            false => (
                Words::of(format!("演练未能开始:{failure}"), format!("the rehearsal could not begin: {failure}")),
                Words::new("请把此行报告给软件的维护者", "report this line to those who maintain the program"),
            ),
        };
        let code = if failure.is_storage() { "STORE_FAILED" } else { "BUG" };
        let (what, next) = (what.text(self.language), next.text(self.language));
        let line = match self.form {
            Form::Text => format!("{what} ({code})\n{next}"),
            Form::Json => serde_json::json!({ "code": code, "what": what, "next": next }).to_string(),
        };
        // Nowhere is left to complain when standard error is closed.
        let _ = writeln!(std::io::stderr().lock(), "{line}");
    }
}

/// Answers a wrong command line, or a request for help.
#[must_use]
pub fn usage(error: &clap::Error, arguments: &[OsString]) -> ExitCode {
    if !error.use_stderr() {
        // Help that cannot be printed helps nobody.
        let _ = error.print();
        return ExitCode::SUCCESS;
    }
    let asked = |option| command_line::value_of(arguments, option).unwrap_or_default();
    let locale = || card_counter::language::of_locale(|name| std::env::var(name).ok());
    let language = card_counter::language::parse(&asked("--lang")).unwrap_or_else(|_| locale());
    let pick = |(zh, en): command_line::Words| match language {
        Language::Zh => zh,
        Language::En => en,
    };
    let (what, next) = (pick(command_line::what(error)), pick(command_line::next("sscard-tear", error)));
    let line = match Form::from_str(&asked("--format"), false).unwrap_or(Form::Text) {
        Form::Text => format!("{what} ({})\n{next}", command_line::CODE),
        Form::Json => serde_json::json!({ "code": command_line::CODE, "what": what, "next": next }).to_string(),
    };
    let _ = writeln!(std::io::stderr().lock(), "{line}");
    ExitCode::from(USAGE)
}

fn json(value: &impl serde::Serialize) -> Result<(), Failure> {
    print(&serde_json::to_string(value).unwrap_or_default())
}

fn print(line: &str) -> Result<(), Failure> {
    writeln!(std::io::stdout().lock(), "{}", line.trim_end()).map_err(Failure::Output)
}
