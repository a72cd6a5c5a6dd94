//! The paper of a settlement at the national centre, and of its cancellation: items, what each payer paid, and the centre's ids of it.
//!
//! Source: output of 2102 and 2103 (结算ID, 就诊ID, amounts, lines, balance); layout of the receipt of a purchase.
//! Owns: what stands on it, in Chinese and English; what is kept for a reprint. Never: prints; keeps whose it is.

use serde::{Deserialize, Serialize};

use super::row::{Page, Row, Style};
use super::{Check, Copy, MaskedName, Paper, holder, item_rows, mark, readable, sums, text_of};
use crate::catalogue::Class;
use crate::code::Language;
use crate::date::{BusinessDate, DateTime};
use crate::fen::Fen;
use crate::id::TerminalNumber;
use crate::split::Parts;

/// What is kept of a settlement, or of its cancellation, for its paper alone; no holder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NationalPaper {
    /// Who stood at the counter.
    pub operator: String,
    /// When.
    pub at: DateTime,
    /// Personal account after it, where the centre said it.
    pub balance_after: Option<Fen>,
    /// The whole bill; of a cancellation zero.
    pub parts: Parts,
    /// Its items; of a cancellation none.
    pub lines: Vec<NationalLine>,
}

/// One item as the centre split it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NationalLine {
    /// Name, where a catalogue has it; else its code.
    pub name: String,
    /// Class, where it is known.
    pub class: Option<Class>,
    /// Price of one, yuan.
    pub price: String,
    /// How much.
    pub quantity: String,
    /// Its amounts.
    pub parts: Parts,
}

/// Everything on the paper.
#[derive(Clone, Debug)]
pub struct NationalReceipt<'a> {
    /// 定点医药机构名称.
    pub institution_name: &'a str,
    /// 定点医药机构编号.
    pub institution: &'a str,
    /// Terminal, where it is enrolled.
    pub terminal: Option<TerminalNumber>,
    /// The person, while it is known: at the first print.
    pub holder: Option<&'a MaskedName>,
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
    /// Items, operator, balance; none of what was settled before they were kept, or by a person's word.
    pub kept: Option<&'a NationalPaper>,
    /// The terminal's signed word for a settlement.
    pub check: Option<Check<'a>>,
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
        if let Some(terminal) = self.terminal {
            page.pair(shared.terminal, &terminal.to_string());
        }
        if let Some(kept) = self.kept {
            page.pair(shared.operator, &kept.operator);
        }
        holder(&mut page, self.holder, self.copy, shared);
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
        match self.kept.filter(|kept| !kept.lines.is_empty()) {
            Some(kept) => {
                for line in &kept.lines {
                    item_rows(&mut page, (&line.named(shared.class), &line.price, &line.quantity), &line.parts, shared);
                }
                page.rule();
                sums(&mut page, &kept.parts, shared);
                page.rule();
            }
            None => page.strong(total, &self.total.to_string()),
        }
        for (word, amount) in [funds, account, cash].into_iter().zip(self.paid) {
            page.pair(word, &amount.to_string());
        }
        if let Some(kept) = self.kept {
            if let Some(balance) = kept.balance_after {
                page.pair(shared.balance, &balance.to_string());
            }
            page.rule();
            page.pair(shared.time, &readable(kept.at));
        }
        if let Some(check) = self.check {
            check.onto(&mut page, shared);
        }
        page.into_rows()
    }

    /// The same as plain text, lines ending in LF.
    #[must_use]
    pub fn text(&self, paper: Paper, language: Language) -> String {
        text_of(&self.rows(paper, language))
    }
}

impl NationalLine {
    fn named(&self, [before, after]: [&str; 2]) -> String {
        self.class.map_or_else(|| self.name.clone(), |class| format!("[{before}{class}{after}] {}", self.name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::receipt::{Book, ReceiptCode, Sold};
    use crate::signing::TerminalKey;
    use zeroize::Zeroizing;

    fn plain() -> NationalReceipt<'static> {
        NationalReceipt {
            institution_name: "康定县雪域安康大药房连锁有限公司第一门店",
            institution: "P51399000001",
            terminal: Some(TerminalNumber([0x99, 0, 0x11, 0x22, 0x33, 0x44])),
            holder: None,
            bill: "B-1",
            settlement: "513399000000000000000000000017",
            visit: "513399000000000000000000000018",
            insurance: "310",
            day: BusinessDate::new(2026, 1, 5).expect("real"),
            total: Fen::new(1_250),
            paid: [Fen::new(250), Fen::new(900), Fen::new(100)],
            cancelled: None,
            copy: Copy::Original,
            kept: None,
            check: None,
        }
    }

    fn kept() -> NationalPaper {
        let parts = |amount: i64, own: i64, over: i64, first: i64| Parts {
            amount_fen: Fen::new(amount),
            own_pay_fen: Fen::new(own),
            over_limit_fen: Fen::new(over),
            first_self_pay_fen: Fen::new(first),
            in_scope_fen: Fen::new(amount - own - over - first),
        };
        let line = |name: &str, class, parts| NationalLine {
            name: name.to_owned(),
            class,
            price: "6.25".to_owned(),
            quantity: "1".to_owned(),
            parts,
        };
        NationalPaper {
            operator: "01".to_owned(),
            at: DateTime::parse("20260105101530").expect("real"),
            balance_after: Some(Fen::new(9_100)),
            parts: parts(1_250, 0, 50, 50),
            lines: vec![
                line("复方丹参滴丸", Some(Class::B), parts(625, 0, 50, 50)),
                line("XA01BC", None, parts(625, 0, 0, 0)),
            ],
        }
    }

    #[test]
    fn a_settlement_has_its_items_the_person_the_balance_and_a_code() {
        let (kept, name) = (kept(), MaskedName::of("扎西·次仁"));
        let sold = Sold {
            book: Book::National,
            terminal: TerminalNumber([0x99, 0, 0x11, 0x22, 0x33, 0x44]),
            record: 3,
            business_date: plain().day,
            personal_account: 900,
            self_paid: 100,
            pooled_fund: 250,
        };
        let code = ReceiptCode::sign(sold, &TerminalKey::from_seed(&Zeroizing::new([1; 32])));
        let settled = NationalReceipt {
            holder: Some(&name),
            kept: Some(&kept),
            check: Some(Check { code: &code, address: None }),
            ..plain()
        };
        let expected = "        国家医保结算凭证
机构
康定县雪域安康大药房连锁有限公司
第一门店
                    P51399000001
终端                990011223344
操作员                        01
持卡人                     扎***
单号                         B-1
结算ID
513399000000000000000000000017
就诊ID
513399000000000000000000000018
险种                         310
结算日                2026-01-05
--------------------------------
[乙类] 复方丹参滴丸
  6.25 × 1                 6.25
  超限价                    0.50
  先行自付                  0.50
XA01BC
  6.25 × 1                 6.25
--------------------------------
合计                       12.50
政策范围内                 11.50
先行自付                    0.50
超限价                      0.50
--------------------------------
基金支付                    2.50
个人账户支付                9.00
现金支付                    1.00
账户余额                   91.00
--------------------------------
时间         2026-01-05 10:15:30
验证码: ";
        let text = settled.text(Paper::Mm58, Language::Zh);
        assert!(text.starts_with(expected), "\n{text}");
        let told = text.replace('\n', "");
        assert!(told.contains(&code.text()) && told.contains("12333"), "{text}");
        assert!(settled.rows(Paper::Mm58, Language::Zh).iter().any(|row| row.line().is_none()), "drawn, too");
        let english = settled.text(Paper::Mm80, Language::En);
        for word in ["[class 乙]", "In scope", "First self-pay", "Balance", "Operator", "Holder", "Terminal", "Funds"]
        {
            assert!(english.contains(word), "{word}\n{english}");
        }
        // Nobody keeps the name: a reprint says where it stood.
        let again = NationalReceipt { holder: None, copy: Copy::Reprint(1), ..settled }.text(Paper::Mm80, Language::Zh);
        assert!(again.contains("首次打印时显示") && again.contains("复方丹参滴丸") && !again.contains("扎"), "{again}");
    }

    #[test]
    fn a_settlement_and_its_cancellation_name_the_centres_ids_in_both_languages_and_widths() {
        let (settled, day) = (NationalReceipt { terminal: None, ..plain() }, plain().day);
        let text = settled.text(Paper::Mm80, Language::Zh);
        let expected = "                国家医保结算凭证
机构    康定县雪域安康大药房连锁有限公司第一门店
                                    P51399000001
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
        let kept = NationalPaper { parts: Parts::default(), lines: Vec::new(), ..kept() };
        let kept = Some(&kept);
        let cancelled = NationalReceipt { cancelled: Some(("R-19", day)), copy: Copy::Reprint(2), kept, ..settled };
        for (language, words) in [
            (Language::Zh, ["国家医保结算撤销凭证", "补打 第2次", "退现金", "账户余额"]),
            (Language::En, ["Settlement cancelled", "REPRINT 2", "In cash", "Balance"]),
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
