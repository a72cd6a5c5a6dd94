//! The paper of a settlement at the national centre, and of its cancellation: what each payer paid, and the centre's ids of it.
//!
//! Source: output of 2102 and 2103 (结算ID, 就诊ID, amounts); layout of the receipt of a purchase.
//! Owns: what stands on it, in Chinese and English. Never: prints; a line of the bill or whose it is, which the journal does not keep.

use super::row::{Page, Row, Style};
use super::{Copy, Paper, mark, text_of};
use crate::code::Language;
use crate::date::BusinessDate;
use crate::fen::Fen;

/// Everything on the paper.
#[derive(Clone, Debug)]
pub struct NationalReceipt<'a> {
    /// 定点医药机构名称.
    pub institution_name: &'a str,
    /// 定点医药机构编号.
    pub institution: &'a str,
    /// Who stood at the counter.
    pub operator: &'a str,
    /// Bill of the till.
    pub bill: &'a str,
    /// 结算ID.
    pub settlement: &'a str,
    /// 就诊ID.
    pub visit: &'a str,
    /// 险种.
    pub insurance: &'a str,
    /// Day in the centre's books.
    pub day: BusinessDate,
    /// Sum of the lines.
    pub total: Fen,
    /// Funds, account, cash.
    pub paid: [Fen; 3],
    /// 结算ID of the refund and its day, where the settlement was cancelled: the amounts went back.
    pub cancelled: Option<(&'a str, BusinessDate)>,
    /// First print or reprint.
    pub copy: Copy,
}

struct Words {
    settled: &'static str,
    cancelled: &'static str,
    settlement: &'static str,
    visit: &'static str,
    refund: &'static str,
    insurance: &'static str,
    day: &'static str,
    cancelled_on: &'static str,
    /// Total, funds, account, cash: paid, and given back.
    paid: [&'static str; 4],
    back: [&'static str; 4],
}

const ZH: Words = Words {
    settled: "国家医保结算凭证",
    cancelled: "国家医保结算撤销凭证",
    settlement: "结算ID",
    visit: "就诊ID",
    refund: "退费结算ID",
    insurance: "险种",
    day: "结算日",
    cancelled_on: "撤销日",
    paid: ["合计", "基金支付", "个人账户支付", "现金支付"],
    back: ["退回合计", "退基金", "退回个人账户", "退现金"],
};

const EN: Words = Words {
    settled: "National settlement",
    cancelled: "Settlement cancelled",
    settlement: "Settlement",
    visit: "Visit",
    refund: "Refund",
    insurance: "Insurance",
    day: "Settled on",
    cancelled_on: "Cancelled on",
    paid: ["Total", "Funds", "Personal account", "Cash"],
    back: ["Given back", "To funds", "To personal account", "In cash"],
};

impl NationalReceipt<'_> {
    /// Its rows.
    #[must_use]
    pub fn rows(&self, paper: Paper, language: Language) -> Vec<Row> {
        let shared = super::Words::of(language);
        let words = match language {
            Language::Zh => &ZH,
            Language::En => &EN,
        };
        let mut page = Page::new(paper);
        page.centre(if self.cancelled.is_some() { words.cancelled } else { words.settled }, Style::Title);
        if let Some(mark) = mark(self.copy, language) {
            page.centre(&mark, Style::Strong);
        }
        page.pair(shared.institution, self.institution_name);
        page.pair("", self.institution);
        page.pair(shared.operator, self.operator);
        page.pair(shared.bill, self.bill);
        page.pair(words.settlement, self.settlement);
        page.pair(words.visit, self.visit);
        page.pair(words.insurance, self.insurance);
        page.pair(words.day, &self.day.to_string());
        if let Some((refund, day)) = self.cancelled {
            page.pair(words.refund, refund);
            page.pair(words.cancelled_on, &day.to_string());
        }
        page.rule();
        let [total, funds, account, cash] = if self.cancelled.is_some() { words.back } else { words.paid };
        page.strong(total, &self.total.to_string());
        for (word, amount) in [funds, account, cash].into_iter().zip(self.paid) {
            page.pair(word, &amount.to_string());
        }
        page.into_rows()
    }

    /// The same as plain text, lines ending in LF.
    #[must_use]
    pub fn text(&self, paper: Paper, language: Language) -> String {
        text_of(&self.rows(paper, language))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_settlement_and_its_cancellation_name_the_centres_ids_in_both_languages_and_widths() {
        let day = BusinessDate::parse("2026-01-05").expect("real");
        let settled = NationalReceipt {
            institution_name: "康定县雪域安康大药房连锁有限公司第一门店",
            institution: "P51399000001",
            operator: "01",
            bill: "B-1",
            settlement: "513399000000000000000000000017",
            visit: "513399000000000000000000000018",
            insurance: "310",
            day,
            total: Fen::new(1_250),
            paid: [Fen::new(250), Fen::new(900), Fen::new(100)],
            cancelled: None,
            copy: Copy::Original,
        };
        let text = settled.text(Paper::Mm80, Language::Zh);
        let expected = "                国家医保结算凭证
机构    康定县雪域安康大药房连锁有限公司第一门店
                                    P51399000001
操作员                                        01
单号                                         B-1
结算ID            513399000000000000000000000017
就诊ID            513399000000000000000000000018
险种                                         310
结算日                                2026-01-05
------------------------------------------------
合计                                       12.50
基金支付                                    2.50
个人账户支付                                9.00
现金支付                                    1.00
";
        assert_eq!(text, expected, "\n{text}");
        let cancelled = NationalReceipt { cancelled: Some(("R-19", day)), copy: Copy::Reprint(2), ..settled };
        for (language, words) in [
            (Language::Zh, ["国家医保结算撤销凭证", "补打 第2次", "退现金"]),
            (Language::En, ["Settlement cancelled", "REPRINT 2", "In cash"]),
        ] {
            for paper in [Paper::Mm58, Paper::Mm80] {
                let text = cancelled.text(paper, language);
                words.iter().for_each(|word| assert!(text.contains(word), "{word}\n{text}"));
                assert!(text.contains("R-19") && text.contains("513399000000000000000000000017"), "{text}");
                assert!(text.lines().all(|line| super::super::width(line) <= paper.columns()), "{text}");
            }
        }
    }
}
