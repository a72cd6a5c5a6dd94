//! The slip of a refund or cancel (退费凭证, 撤销凭证): what went back to whom, and of which purchase.
//!
//! Source: layout of the receipt of a purchase; the original's numbers are those that its receipt shows.
//! Owns: what stands on it, in Chinese and English. Never: prints; shows a full name or number.

use super::row::{Page, Row, Style};
use super::{Check, Copy, Ground, MaskedName, Paper, mark, masked, readable, text_of};
use crate::code::Language;
use crate::date::DateTime;
use crate::fen::{Fen, FenError};
use crate::id::{BillId, CardIdentifier, Tac, TerminalNumber};
use crate::message::Institution;
use crate::refund::{Original, Parts, RefundAct};

/// Everything on the slip.
#[derive(Clone, Debug)]
pub struct RefundSlip<'a> {
    /// Pharmacy.
    pub institution: &'a Institution,
    /// Terminal that gives back.
    pub terminal: TerminalNumber,
    /// Who stood at the counter.
    pub operator: &'a str,
    /// Refund or cancel.
    pub act: RefundAct,
    /// Its number at the counter.
    pub number: &'a str,
    /// The purchase.
    pub original: Original,
    /// Its bill, where this terminal knows it: it sold.
    pub bill_id: Option<&'a BillId>,
    /// Card; the 8 digits of its serial are printed.
    pub card_identifier: CardIdentifier,
    /// Holder, while the card is in the reader, as on the receipt of a purchase.
    pub holder: Option<&'a MaskedName>,
    /// Online number that the card had.
    pub card_sequence: u16,
    /// What each payer gets back.
    pub parts: Parts,
    /// Personal account after it.
    pub balance_after: Fen,
    /// When.
    pub date_time: DateTime,
    /// TAC, when there is one.
    pub tac: Option<Tac>,
    /// Settled at the next tap, not at once.
    pub ground: Ground,
    /// First print or reprint.
    pub copy: Copy,
    /// The code of the purchase, where this terminal sold it: what the centre says of it names what went back.
    pub check: Option<Check<'a>>,
}

/// Words that a purchase's receipt does not have.
struct Words {
    refund: &'static str,
    cancel: &'static str,
    number: &'static str,
    original: &'static str,
    sold_at: &'static str,
    total: &'static str,
    account: &'static str,
    cash: &'static str,
    pool: &'static str,
    sequence: &'static str,
    check: &'static str,
}

const ZH: Words = Words {
    refund: "医保个人账户退费凭证",
    cancel: "医保个人账户撤销凭证",
    number: "退费号",
    original: "原终端序号",
    sold_at: "原终端",
    total: "退回合计",
    account: "退回个人账户",
    cash: "退现金",
    pool: "退统筹基金",
    sequence: "卡联机序号",
    check: "原消费的验证码,可查其退费:",
};

const EN: Words = Words {
    refund: "Medical account refund",
    cancel: "Medical account cancellation",
    number: "Refund",
    original: "Original terminal no.",
    sold_at: "Sold at terminal",
    total: "Given back",
    account: "To personal account",
    cash: "In cash",
    pool: "To pooled fund",
    sequence: "Card online no.",
    check: "Code of the purchase; it tells refunds:",
};

impl RefundSlip<'_> {
    /// Its rows.
    ///
    /// # Errors
    /// [`FenError::Overflow`] when the parts have no sum.
    pub fn rows(&self, paper: Paper, language: Language) -> Result<Vec<Row>, FenError> {
        let shared = super::Words::of(language);
        let words = match language {
            Language::Zh => &ZH,
            Language::En => &EN,
        };
        let mut page = Page::new(paper);
        let title = match self.act {
            RefundAct::Refund => words.refund,
            RefundAct::Cancel => words.cancel,
        };
        page.centre(title, Style::Title);
        if let Some(mark) = mark(self.copy, language) {
            page.centre(&mark, Style::Strong);
        }
        page.pair(shared.institution, &self.institution.name);
        page.pair("", self.institution.code.as_str());
        page.pair(shared.terminal, &self.terminal.to_string());
        page.pair(shared.operator, self.operator);
        match (self.holder, self.copy) {
            (Some(holder), _) => page.pair(shared.holder, holder.as_str()),
            (None, Copy::Reprint(_)) => page.pair(shared.holder, shared.not_kept),
            (None, Copy::Original) => {}
        }
        page.pair(shared.card, &masked(self.card_identifier));
        page.pair(words.number, self.number);
        if let Some(bill) = self.bill_id {
            page.pair(shared.bill, bill.as_str());
        }
        if self.original.terminal != self.terminal {
            page.pair(words.sold_at, &self.original.terminal.to_string());
        }
        let on_card = self.original.card_sequence.map_or_else(String::new, |sequence| format!("/{sequence:04X}"));
        page.pair(words.original, &format!("{:08X}{on_card}", self.original.terminal_sequence));
        page.rule();
        page.strong(words.total, &self.parts.total()?.to_string());
        page.strong(words.account, &self.parts.personal_account.to_string());
        page.pair(words.cash, &self.parts.self_paid.to_string());
        page.pair(words.pool, &self.parts.pooled_fund.to_string());
        page.pair(shared.balance, &self.balance_after.to_string());
        page.rule();
        page.pair(shared.time, &readable(self.date_time));
        page.pair(words.sequence, &format!("{:04X}", self.card_sequence));
        page.pair("TAC", &self.tac.map_or_else(|| shared.no_tac.to_owned(), |tac| tac.to_string()));
        if let Some(ground) = shared.ground(self.ground) {
            page.left(ground, Style::Plain);
        }
        if let Some(check) = self.check {
            page.left(words.check, Style::Plain);
            check.onto(&mut page, shared);
        }
        Ok(page.into_rows())
    }

    /// The slip as plain text, lines ending in LF.
    ///
    /// # Errors
    /// As [`Self::rows`].
    pub fn text(&self, paper: Paper, language: Language) -> Result<String, FenError> {
        Ok(text_of(&self.rows(paper, language)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::InstitutionCode;

    const TERMINAL: TerminalNumber = TerminalNumber([0x99, 0, 0x11, 0x22, 0x33, 0x44]);

    fn text(act: RefundAct, paper: Paper, language: Language, copy: Copy) -> String {
        text_of_sale(act, (paper, language), copy, TERMINAL, Some("B-20260105-0001"))
    }

    fn text_of_sale(
        act: RefundAct,
        (paper, language): (Paper, Language),
        copy: Copy,
        sold_at: TerminalNumber,
        bill: Option<&str>,
    ) -> String {
        let institution = Institution {
            code: InstitutionCode::parse("P51330100001").expect("word"),
            name: "康定县雪域安康大药房连锁有限公司第一门店".into(),
        };
        let bill = bill.map(|bill| BillId::parse(bill).expect("word"));
        let slip = RefundSlip {
            institution: &institution,
            terminal: TERMINAL,
            operator: "01",
            act,
            number: "R00002",
            original: Original { terminal: sold_at, terminal_sequence: 0xA5C3, card_sequence: None },
            bill_id: bill.as_ref(),
            card_identifier: CardIdentifier::parse("513300D156000005000000133A05F2E3").expect("hex"),
            holder: None,
            card_sequence: 4,
            parts: Parts { personal_account: Fen::new(5_500), self_paid: Fen::new(1_490), pooled_fund: Fen::ZERO },
            balance_after: Fen::new(50_000),
            date_time: DateTime::parse("20260106091500").expect("real"),
            tac: Some(Tac([0xAA, 0xBB, 0xCC, 0xDD])),
            ground: Ground::Card,
            copy,
            check: None,
        };
        slip.text(paper, language).expect("small sums")
    }

    #[test]
    fn the_chinese_slip_of_58_mm() {
        let text = text(RefundAct::Refund, Paper::Mm58, Language::Zh, Copy::Original);
        let expected = "      医保个人账户退费凭证
机构
康定县雪域安康大药房连锁有限公司
第一门店
                    P51330100001
终端                990011223344
操作员                        01
卡                  ****00000013
退费号                    R00002
单号             B-20260105-0001
原终端序号              0000A5C3
--------------------------------
退回合计                   69.90
退回个人账户               55.00
退现金                     14.90
退统筹基金                  0.00
账户余额                  500.00
--------------------------------
时间         2026-01-06 09:15:00
卡联机序号                  0004
TAC                     AABBCCDD
应答曾中断,后经卡片核实
";
        assert_eq!(text, expected, "\n{text}");
    }

    #[test]
    fn what_another_till_sold_names_it_and_no_bill() {
        let text = text_of_sale(
            RefundAct::Refund,
            (Paper::Mm58, Language::Zh),
            Copy::Original,
            TerminalNumber([0x88; 6]),
            None,
        );
        assert!(text.contains("原终端              888888888888\n原终端序号              0000A5C3\n"), "{text}");
        assert!(!text.contains("单号"), "{text}");
    }

    #[test]
    fn a_cancel_says_so_in_both_languages_and_a_reprint_too() {
        for (language, title, mark) in [
            (Language::Zh, "医保个人账户撤销凭证", "** 补打 第3次 **"),
            (Language::En, "Medical account cancellation", "** REPRINT 3 **"),
        ] {
            for paper in [Paper::Mm58, Paper::Mm80] {
                let text = text(RefundAct::Cancel, paper, language, Copy::Reprint(3));
                assert!(text.contains(title) && text.contains(mark), "{text}");
                assert!(text.lines().all(|line| super::super::width(line) <= paper.columns()), "{text}");
                assert!(!text.contains("513300D15600"), "the card is masked");
            }
        }
    }
}
