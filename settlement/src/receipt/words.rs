//! The words of a receipt in both languages.
//!
//! Source: terms of the outpatient print form of one city; 医保 settlement amounts. Owns: the words. Never: the layout.

use super::Ground;
use crate::code::Language;

pub(super) struct Words {
    pub(super) title: &'static str,
    pub(super) reprint: &'static str,
    pub(super) institution: &'static str,
    pub(super) terminal: &'static str,
    pub(super) operator: &'static str,
    pub(super) holder: &'static str,
    pub(super) not_kept: &'static str,
    pub(super) card: &'static str,
    pub(super) bill: &'static str,
    pub(super) total: &'static str,
    pub(super) own_pay: &'static str,
    pub(super) over_limit: &'static str,
    pub(super) first_self_pay: &'static str,
    pub(super) in_scope: &'static str,
    pub(super) account: &'static str,
    pub(super) cash: &'static str,
    pub(super) pool: &'static str,
    pub(super) balance: &'static str,
    pub(super) time: &'static str,
    pub(super) sequences: &'static str,
    pub(super) no_tac: &'static str,
    pub(super) settled_later: &'static str,
    pub(super) judged: &'static str,
    /// Before and after the class.
    pub(super) class: [&'static str; 2],
    pub(super) code: &'static str,
    pub(super) check_at: &'static str,
    pub(super) check_office: &'static str,
}

const ZH: Words = Words {
    title: "医保个人账户消费凭证",
    reprint: "补打 第",
    institution: "机构",
    terminal: "终端",
    operator: "操作员",
    holder: "持卡人",
    not_kept: "首次打印时显示",
    card: "卡",
    bill: "单号",
    total: "合计",
    own_pay: "全自费",
    over_limit: "超限价",
    first_self_pay: "先行自付",
    in_scope: "政策范围内",
    account: "个人账户支付",
    cash: "现金支付",
    pool: "统筹基金支付",
    balance: "账户余额",
    time: "时间",
    sequences: "终端/卡序号",
    no_tac: "无(由中心核查)",
    settled_later: "应答曾中断,后经卡片核实",
    judged: "由主管判定,中心核查",
    class: ["", "类"],
    code: "验证码",
    check_at: "扫码查验或打开",
    check_office: "凭验证码到社保经办窗口或致电12333查验",
};

const EN: Words = Words {
    title: "Medical account purchase",
    reprint: "REPRINT ",
    institution: "Pharmacy",
    terminal: "Terminal",
    operator: "Operator",
    holder: "Holder",
    not_kept: "on the first print",
    card: "Card",
    bill: "Bill",
    total: "Total",
    own_pay: "Own pay",
    over_limit: "Over limit",
    first_self_pay: "First self-pay",
    in_scope: "In scope",
    account: "Personal account",
    cash: "Cash",
    pool: "Pooled fund",
    balance: "Balance",
    time: "Time",
    sequences: "Terminal/card no.",
    no_tac: "none (centre checks)",
    settled_later: "Answer was lost; settled from the card",
    judged: "Judged by a supervisor; centre checks",
    class: ["class ", ""],
    code: "Code",
    check_at: "Scan to check, or open",
    check_office: "Check it by its code at a social security office or by calling 12333",
};

impl Words {
    /// The line about what shows that the card did it; none where it answered.
    pub(super) const fn ground(&self, ground: Ground) -> Option<&'static str> {
        match ground {
            Ground::Answered => None,
            Ground::Card => Some(self.settled_later),
            Ground::Judged => Some(self.judged),
        }
    }

    pub(super) const fn of(language: Language) -> &'static Self {
        match language {
            Language::Zh => &ZH,
            Language::En => &EN,
        }
    }
}
