//! The paper receipt (小票), as rows of 32 or 48 columns.
//!
//! Source: outpatient print form of one city (name, card, total, in-scope, own pay, account, cash, date); item list, ids and
//! reprint mark are ours. Receipt printers print GBK: one byte is one column, so what is not ASCII takes two.
//! Owns: what stands on it, in Chinese and English; masking of the holder; its code. Never: prints; shows a full name or number.
//! Units: columns.

mod code;
mod national;
mod row;
mod slip;
mod words;

use crate::code::Language;
use crate::date::DateTime;
use crate::fen::Fen;
use crate::id::{CardIdentifier, Tac, TerminalNumber};
use crate::message::Institution;
use crate::record::Evidence;
use crate::refund::RefundAct;
use crate::split::{Line, Parts, Split};

use row::Page;
use words::Words;

pub use code::{Book, CodeError, ReceiptCode, Sold};
pub use national::{NationalLine, NationalPaper, NationalReceipt};
pub use row::{Row, Style, width};
pub use slip::RefundSlip;

/// Paper.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Paper {
    /// 58 mm: 32 columns.
    Mm58,
    /// 80 mm: 48 columns.
    #[default]
    Mm80,
}

/// A holder's name of which only the first character is known here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MaskedName(String);

/// First or later print.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Copy {
    /// First print.
    Original,
    /// Reprint number n, from 1.
    Reprint(u32),
}

/// What went back of a purchase since it was paid: its paper is no claim to that any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GivenBack {
    /// How, the last time.
    pub act: RefundAct,
    /// All payers together.
    pub total: Fen,
    /// Whether nothing is left.
    pub is_whole: bool,
}

/// What shows that the card did it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Ground {
    /// It answered at once.
    Answered,
    /// The answer was lost; the card was asked later.
    Card,
    /// The card does not tell; a supervisor judged so, and the centre looks into it.
    Judged,
}

impl Ground {
    /// What evidence means on paper.
    #[must_use]
    pub const fn of(evidence: &Evidence) -> Self {
        match evidence {
            Evidence::Answered { .. } => Self::Answered,
            Evidence::Proved { .. } | Evidence::LogOnly => Self::Card,
            Evidence::Judged => Self::Judged,
        }
    }
}

/// Everything on the receipt of a purchase.
#[derive(Clone, Debug)]
pub struct Receipt<'a> {
    /// Pharmacy.
    pub institution: &'a Institution,
    /// Terminal.
    pub terminal: TerminalNumber,
    /// 终端交易序号.
    pub terminal_sequence: u32,
    /// Card transaction number.
    pub card_sequence: u16,
    /// Card; the 8 digits of its serial are printed.
    pub card_identifier: CardIdentifier,
    /// Holder, while the card is in the reader; a journal keeps no name, so a reprint says that it was on the first print.
    pub holder: Option<&'a MaskedName>,
    /// Who stood at the counter.
    pub operator: &'a str,
    /// Lines and amounts.
    pub split: &'a Split,
    /// Personal account after it.
    pub balance_after: Fen,
    /// When.
    pub date_time: DateTime,
    /// TAC, when there is one.
    pub tac: Option<Tac>,
    /// On what ground.
    pub ground: Ground,
    /// First print or reprint.
    pub copy: Copy,
    /// What went back of it since.
    pub given_back: Option<GivenBack>,
    /// The terminal's signed word for it, which anyone can check with the centre.
    pub check: Option<Check<'a>>,
}

/// A code, and where whoever holds the paper asks about it.
#[derive(Clone, Copy, Debug)]
pub struct Check<'a> {
    /// The code.
    pub code: &'a ReceiptCode,
    /// Address of the page that takes it; none: an office does.
    pub address: Option<&'a str>,
}

impl Paper {
    /// The paper of this width.
    #[must_use]
    pub const fn of_millimetres(width: u16) -> Option<Self> {
        match width {
            58 => Some(Self::Mm58),
            80 => Some(Self::Mm80),
            _ => None,
        }
    }

    /// Columns of one line.
    #[must_use]
    pub const fn columns(self) -> usize {
        match self {
            Self::Mm58 => 32,
            Self::Mm80 => 48,
        }
    }
}

impl MaskedName {
    /// Keeps the first character.
    #[must_use]
    pub fn of(name: &str) -> Self {
        let mut characters = name.chars();
        let first: String = characters.next().into_iter().collect();
        Self(first + &"*".repeat(characters.count().min(3)))
    }

    /// What may be shown.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Receipt<'_> {
    /// The rows of the receipt; no text is wider than the paper.
    #[must_use]
    pub fn rows(&self, paper: Paper, language: Language) -> Vec<Row> {
        let words = Words::of(language);
        let mut page = Page::new(paper);
        page.centre(words.title, Style::Title);
        if let Some(mark) = mark(self.copy, language) {
            page.centre(&mark, Style::Strong);
        }
        if let Some(given) = self.given_back {
            page.centre(&given.mark(language), Style::Strong);
        }
        page.pair(words.institution, &self.institution.name);
        page.pair("", self.institution.code.as_str());
        page.pair(words.terminal, &self.terminal.to_string());
        page.pair(words.operator, self.operator);
        holder(&mut page, self.holder, self.copy, words);
        page.pair(words.card, &masked(self.card_identifier));
        page.pair(words.bill, self.split.bill_id.as_str());
        page.rule();
        for line in &self.split.lines {
            item(&mut page, line, words);
        }
        page.rule();
        let split = self.split;
        sums(&mut page, &split.parts, words);
        page.rule();
        page.strong(words.account, &split.personal_account_fen.to_string());
        page.pair(words.cash, &split.self_paid_fen.to_string());
        page.pair(words.pool, &split.pooled_fund_fen.to_string());
        page.pair(words.balance, &self.balance_after.to_string());
        page.rule();
        page.pair(words.time, &readable(self.date_time));
        page.pair(words.sequences, &format!("{:08X}/{:04X}", self.terminal_sequence, self.card_sequence));
        page.pair("TAC", &self.tac.map_or_else(|| words.no_tac.to_owned(), |tac| tac.to_string()));
        if let Some(ground) = words.ground(self.ground) {
            page.left(ground, Style::Plain);
        }
        if let Some(check) = self.check {
            check.onto(&mut page, words);
        }
        page.into_rows()
    }

    /// The receipt as plain text, lines ending in LF; what a printer draws is left out, its letters stand there.
    #[must_use]
    pub fn text(&self, paper: Paper, language: Language) -> String {
        text_of(&self.rows(paper, language))
    }
}

impl GivenBack {
    /// The mark on a receipt.
    fn mark(self, language: Language) -> String {
        let Self { act, total, is_whole } = self;
        match (language, act, is_whole) {
            (Language::Zh, RefundAct::Cancel, true) => "** 已撤销 **".to_owned(),
            (Language::En, RefundAct::Cancel, true) => "** CANCELLED **".to_owned(),
            (Language::Zh, _, true) => format!("** 已全额退费 {total} **"),
            (Language::En, _, true) => format!("** ALL REFUNDED {total} **"),
            (Language::Zh, _, false) => format!("** 已退费 {total} **"),
            (Language::En, _, false) => format!("** REFUNDED {total} **"),
        }
    }
}

impl Check<'_> {
    /// Drawn, in letters for whoever cannot scan it, and with a word about where.
    fn onto(self, page: &mut Page, words: &Words) {
        page.code(self.code);
        page.left(&format!("{}: {}", words.code, self.code.text()), Style::Plain);
        match self.address {
            Some(address) => {
                let address = address.trim_end_matches('/');
                page.left(&format!("{}: {address}/receipt/{}", words.check_at, words.code), Style::Plain);
            }
            None => page.left(words.check_office, Style::Plain),
        }
    }
}

/// Rows as plain text; the letters of a code that printers draw stand behind it.
fn text_of(rows: &[Row]) -> String {
    rows.iter().filter_map(Row::line).fold(String::new(), |text, line| text + line + "\n")
}

/// The mark of a reprint.
fn mark(copy: Copy, language: Language) -> Option<String> {
    let Copy::Reprint(number) = copy else { return None };
    let words = Words::of(language);
    Some(match language {
        Language::Zh => format!("** {}{number}次 **", words.reprint),
        Language::En => format!("** {}{number} **", words.reprint),
    })
}

/// Who paid. A name is on the card, or with the national centre, and in no journal: without them nobody here knows it.
fn holder(page: &mut Page, holder: Option<&MaskedName>, copy: Copy, words: &Words) {
    match (holder, copy) {
        (Some(holder), _) => page.pair(words.holder, holder.as_str()),
        (None, Copy::Reprint(_)) => page.pair(words.holder, words.not_kept),
        (None, Copy::Original) => {}
    }
}

/// A card by the 8 digits of its serial.
fn masked(card: CardIdentifier) -> String {
    format!("****{}", card.to_string().get(16..24).unwrap_or_default())
}

fn item(page: &mut Page, line: &Line, words: &Words) {
    let [before, after] = words.class;
    let name = format!("[{before}{}{after}] {}", line.class, line.name);
    item_rows(page, (&name, &line.price(), &line.quantity.to_string()), &line.parts, words);
}

/// An item by its name, price and quantity, and who pays what of it.
fn item_rows(page: &mut Page, (name, price, quantity): (&str, &str, &str), parts: &Parts, words: &Words) {
    page.left(name, Style::Plain);
    page.pair(&format!("  {price} × {quantity}"), &parts.amount_fen.to_string());
    for (word, fen) in [
        (words.own_pay, parts.own_pay_fen),
        (words.over_limit, parts.over_limit_fen),
        (words.first_self_pay, parts.first_self_pay_fen),
    ] {
        amount(page, &format!("  {word}"), fen);
    }
}

/// The sum of a bill, and the parts that make it up.
fn sums(page: &mut Page, parts: &Parts, words: &Words) {
    page.strong(words.total, &parts.amount_fen.to_string());
    amount(page, words.in_scope, parts.in_scope_fen);
    amount(page, words.first_self_pay, parts.first_self_pay_fen);
    amount(page, words.over_limit, parts.over_limit_fen);
    amount(page, words.own_pay, parts.own_pay_fen);
}

/// A row with an amount; nothing when the amount is zero.
fn amount(page: &mut Page, word: &str, amount: Fen) {
    if amount != Fen::ZERO {
        page.pair(word, &amount.to_string());
    }
}

fn readable(date_time: DateTime) -> String {
    let digits = date_time.to_string();
    let part = |range: std::ops::Range<usize>| digits.get(range).unwrap_or_default();
    format!("{} {}:{}:{}", date_time.date(), part(8..10), part(10..12), part(12..14))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bill::Bill;
    use crate::catalogue::{Catalogue, tests::SMALL};
    use crate::date::BusinessDate;
    use crate::id::InstitutionCode;
    use crate::policy::Policy;
    use crate::split::Terms;
    use proptest::prelude::*;

    fn split() -> Split {
        let bill = br#"{"bill_id":"B-20260105-0001","items":[
            {"code":"XA01","quantity":2,"unit_price":"13.00","rx":"CF-1"},
            {"code":"XB01","quantity":1,"unit_price":"33.33"},
            {"code":"XC01","quantity":1,"unit_price":"99.00"}]}"#;
        let day = BusinessDate::parse("2026-01-05").expect("real");
        let catalogue = Catalogue::parse(SMALL).expect("good");
        let terms = Terms { catalogue: &catalogue, policy: &Policy::default(), day, earlier: &[] };
        Split::of(&Bill::parse(bill).expect("a bill"), &terms, Fen::new(50_000)).expect("splits")
    }

    fn with(name: &str, operator: &str, paper: Paper, language: Language, copy: Copy) -> String {
        let institution = Institution {
            code: InstitutionCode::parse("P51330100001").expect("word"),
            name: "康定县雪域安康大药房连锁有限公司第一门店".into(),
        };
        let (split, holder) = (split(), MaskedName::of(name));
        Receipt {
            institution: &institution,
            terminal: TerminalNumber([0x99, 0, 0x11, 0x22, 0x33, 0x44]),
            terminal_sequence: 0xA5C3,
            card_sequence: 7,
            card_identifier: CardIdentifier::parse("513300D156000005000000133A05F2E3").expect("hex"),
            holder: Some(&holder),
            operator,
            split: &split,
            balance_after: Fen::new(44_500),
            date_time: DateTime::parse("20260105101530").expect("real"),
            tac: Some(Tac([0xAA, 0xBB, 0xCC, 0xDD])),
            ground: Ground::Answered,
            copy,
            given_back: None,
            check: None,
        }
        .text(paper, language)
    }

    #[test]
    fn the_chinese_receipt_of_58_mm() {
        let text = with("扎西·次仁", "01", Paper::Mm58, Language::Zh, Copy::Original);
        let expected = "      医保个人账户消费凭证
机构
康定县雪域安康大药房连锁有限公司
第一门店
                    P51330100001
终端                990011223344
操作员                        01
持卡人                     扎***
卡                  ****00000013
单号             B-20260105-0001
--------------------------------
[甲类] 阿莫西林胶囊
  13.00 × 2               26.00
  超限价                    1.00
[乙类] 复方丹参滴丸
  33.33 × 1               33.33
  超限价                    3.33
  先行自付                  3.00
[丙类] 维生素礼盒
  99.00 × 1               99.00
  全自费                   99.00
--------------------------------
合计                      158.33
政策范围内                 52.00
先行自付                    3.00
超限价                      4.33
全自费                     99.00
--------------------------------
个人账户支付               55.00
现金支付                  103.33
统筹基金支付                0.00
账户余额                  445.00
--------------------------------
时间         2026-01-05 10:15:30
终端/卡序号        0000A5C3/0007
TAC                     AABBCCDD
";
        assert_eq!(text, expected, "\n{text}");
    }

    #[test]
    fn a_reprint_says_so_and_no_full_name_or_identifier_is_shown() {
        for paper in [Paper::Mm58, Paper::Mm80] {
            for (language, mark) in [(Language::Zh, "** 补打 第2次 **"), (Language::En, "** REPRINT 2 **")] {
                let text = with("扎西·次仁", "01", paper, language, Copy::Reprint(2));
                assert!(text.contains(mark), "{text}");
                assert!(!text.contains("扎西") && !text.contains("513300D15600"));
                assert!(!with("扎西", "01", paper, language, Copy::Original).contains(mark));
            }
        }
    }

    #[test]
    fn english_words_stand_on_the_english_receipt() {
        let text = with("Tashi", "01", Paper::Mm80, Language::En, Copy::Original);
        for word in ["Personal account", "Pooled fund", "In scope", "Terminal/card no.", "T***"] {
            assert!(text.contains(word), "{word}\n{text}");
        }
    }

    proptest! {
        #[test]
        fn no_line_is_wider_than_the_paper_and_nothing_steers_the_printer(name in "\\PC{0,30}", operator in ".{0,80}") {
            for paper in [Paper::Mm58, Paper::Mm80] {
                let text = with(&name, &operator, paper, Language::Zh, Copy::Original);
                for line in text.lines() {
                    prop_assert!(width(line) <= paper.columns(), "{line:?}");
                }
                prop_assert!(text.chars().all(|c| c == '\n' || !c.is_control()));
            }
        }
    }
}
