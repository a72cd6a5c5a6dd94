//! 3201 and 3202: the day's books compared, by totals and in detail.
//!
//! Source: four adapters; `stmtinfo` and `fileinfo` by three. Owns: their rows. Files of 3202 are `national::statement`'s.

use crate::date::BusinessDate;
use crate::national::field::{Text, body, record};
use crate::national::number::{Amount, Decimal};

record! {
    /// `data` of 3201.
    Totals {
        insutype: Text<6>, H H, "险种";
        clr_type: Text<6>, H H, "清算类别";
        setl_optins: Text<6>, H H, "结算经办机构";
        stmt_begndate: BusinessDate, H H, "对账开始日期";
        stmt_enddate: BusinessDate, H H, "对账结束日期";
        refd_setl_flag: Option<Text<3>>, H G, "退费结算标志";
        medfee_sumamt: Amount, H H, "医疗费总额";
        fund_pay_sumamt: Amount, H H, "基金支付总额";
        acct_pay: Amount, H H, "个人账户支付金额";
        fixmedins_setl_cnt: Decimal<10, 0>, H H, "定点医药机构结算笔数";
    }
}

record! {
    /// `stmtinfo` of 3201.
    StatementInfo {
        setl_optins: Option<Text<6>>, H H, "结算经办机构";
        stmt_rslt: Text<6>, H H, "对账结果";
        stmt_rslt_dscr: Option<Text<200>>, H H, "对账结果说明";
    }
}

record! {
    /// `data` of 3202.
    Detail {
        setl_optins: Text<6>, H H, "结算经办机构";
        file_qury_no: Text<200>, H M, "文件查询号";
        stmt_begndate: BusinessDate, H H, "对账开始日期";
        stmt_enddate: BusinessDate, H H, "对账结束日期";
        medfee_sumamt: Amount, H H, "医疗费总额";
        fund_pay_sumamt: Amount, H H, "基金支付总额";
        acct_pay: Amount, H H, "个人账户支付金额";
        fixmedins_setl_cnt: Decimal<10, 0>, H H, "定点医药机构结算笔数";
        clr_type: Option<Text<6>>, M H, "清算类别";
        refd_setl_flag: Option<Text<3>>, H G, "退费结算标志";
    }
}

body! {
    /// `input` of 3201.
    TotalsRequest { data = "data": Totals, M, "总账"; }
}

body! {
    /// `output` of 3201.
    StatementAnswer { stmtinfo = "stmtinfo": StatementInfo, H, "对账结果"; }
}

body! {
    /// `input` of 3202.
    DetailRequest { data = "data": Detail, M, "明细账"; }
}
