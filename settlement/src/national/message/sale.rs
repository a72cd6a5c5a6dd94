//! 2101, 2102, 2103: a purchase tried, settled, cancelled; 5203 and 5204: looked up again.
//!
//! Source: four adapters; amounts of `setlinfo` are confirmed by two. Owns: their rows.
//! Never: a person's name or document in what is kept of an answer: those fields of `setlinfo` have no row and are passed over.

use crate::date::DateTime;
use crate::national::field::{Text, body, record};
use crate::national::number::{Amount, Decimal, Price, Ratio, Share};

record! {
    /// `druginfo` of 2101 and 2102.
    DrugInfo {
        psn_no: Text<30>, H H, "人员编号";
        mdtrt_cert_type: Text<3>, H G, "就诊凭证类型";
        mdtrt_cert_no: Option<Text<50>>, H H, "就诊凭证编号";
        begntime: DateTime, H G, "开始时间";
        medfee_sumamt: Amount, H H, "医疗费总额";
        invono: Option<Text<20>>, H G, "发票号";
        insutype: Text<6>, H G, "险种类型";
        dise_codg: Option<Text<30>>, H G, "病种编码";
        dise_name: Option<Text<500>>, H G, "病种名称";
        acct_used_flag: Text<3>, H G, "个人账户使用标志";
        med_type: Text<6>, H G, "医疗类别";
    }
}

record! {
    /// `drugdetail` of 2101 and 2102, one row a drug.
    DrugDetail {
        feedetl_sn: Text<30>, H H, "费用明细流水号";
        rxno: Option<Text<30>>, H H, "处方号";
        rx_circ_flag: Option<Text<3>>, H G, "外购处方标志";
        fee_ocur_time: DateTime, H G, "费用发生时间";
        med_list_codg: Text<50>, H G, "医疗目录编码";
        medins_list_codg: Text<150>, H G, "医药机构目录编码";
        det_item_fee_sumamt: Amount, H H, "明细项目费用总额";
        cnt: Share, H H, "数量";
        pric: Price, H H, "单价";
        sin_dos_dscr: Option<Text<200>>, H G, "单次剂量描述";
        used_frqu_dscr: Option<Text<200>>, H G, "使用频次描述";
        prd_days: Option<Decimal<6, 2>>, H G, "周期天数";
        medc_way_dscr: Option<Text<200>>, H G, "用药途径描述";
        bilg_dr_codg: Option<Text<30>>, H H, "开单医生编码";
        bilg_dr_name: Option<Text<50>>, H H, "开单医师姓名";
        tcmdrug_used_way: Option<Text<6>>, H G, "中药使用方式";
    }
}

record! {
    /// `setlinfo` of 2101, 2102, 2103 and 5203.
    SettlementInfo {
        setl_id: Option<Text<30>>, H H, "结算ID";
        mdtrt_id: Option<Text<30>>, H H, "就诊ID";
        psn_no: Text<30>, H H, "人员编号";
        insutype: Option<Text<6>>, H G, "险种类型";
        setl_time: Option<DateTime>, G G, "结算时间";
        medfee_sumamt: Amount, H H, "医疗费总额";
        fulamt_ownpay_amt: Amount, H H, "全自费金额";
        overlmt_selfpay: Amount, H H, "超限价自费费用";
        preselfpay_amt: Amount, H H, "先行自付金额";
        inscp_scp_amt: Amount, H H, "符合政策范围金额";
        act_pay_dedc: Option<Amount>, H H, "实际支付起付线";
        hifp_pay: Option<Amount>, H H, "基本医疗保险统筹基金支出";
        cvlserv_pay: Option<Amount>, H H, "公务员医疗补助资金支出";
        hifes_pay: Option<Amount>, H H, "企业补充医疗保险基金支出";
        hifmi_pay: Option<Amount>, H H, "居民大病保险资金支出";
        hifob_pay: Option<Amount>, H H, "职工大额医疗费用补助基金支出";
        maf_pay: Option<Amount>, H H, "医疗救助基金支出";
        oth_pay: Option<Amount>, H H, "其他支出";
        fund_pay_sumamt: Amount, H H, "基金支付总额";
        psn_part_amt: Option<Amount>, H H, "个人负担总金额";
        acct_pay: Amount, H H, "个人账户支出";
        psn_cash_pay: Amount, H H, "个人现金支出";
        balc: Option<Amount>, H H, "余额";
        acct_mulaid_pay: Option<Amount>, H H, "个人账户共济支付金额";
        medins_setl_id: Option<Text<30>>, H H, "医药机构结算ID";
        clr_optins: Option<Text<6>>, H G, "清算经办机构";
        clr_way: Option<Text<6>>, H G, "清算方式";
        clr_type: Option<Text<6>>, H G, "清算类别";
        refd_setl_flag: Option<Text<3>>, H G, "退费结算标志";
    }
}

record! {
    /// `detlcutinfo` of 2101 and 2102, and the rows of 5204: how each line came out.
    LineInfo {
        feedetl_sn: Text<30>, H H, "费用明细流水号";
        det_item_fee_sumamt: Option<Amount>, H H, "明细项目费用总额";
        cnt: Option<Share>, H H, "数量";
        pric: Option<Price>, H H, "单价";
        pric_uplmt_amt: Option<Price>, H G, "定价上限金额";
        selfpay_prop: Option<Ratio>, H H, "自付比例";
        fulamt_ownpay_amt: Option<Amount>, H H, "全自费金额";
        overlmt_amt: Option<Amount>, H H, "超限价金额";
        preselfpay_amt: Option<Amount>, H H, "先行自付金额";
        inscp_scp_amt: Option<Amount>, H H, "符合政策范围金额";
        chrgitm_lv: Option<Text<3>>, H G, "收费项目等级";
        med_chrgitm_type: Option<Text<6>>, H G, "医疗收费项目类别";
        bas_medn_flag: Option<Text<3>>, H G, "基本药物标志";
        hi_nego_drug_flag: Option<Text<3>>, H G, "医保谈判药品标志";
    }
}

record! {
    /// `data` of 2103, 5203 and 5204.
    Cancel {
        psn_no: Text<30>, H H, "人员编号";
        setl_id: Text<30>, H H, "结算ID";
        mdtrt_id: Text<30>, H H, "就诊ID";
    }
}

body! {
    /// `input` of 2101 and 2102.
    Purchase {
        druginfo = "druginfo": DrugInfo, H, "购药信息";
        drugdetail = "drugdetail": Vec<DrugDetail>, H, "购药明细";
    }
}

body! {
    /// `output` of 2101, 2102 and 5203.
    SettledAnswer {
        setlinfo = "setlinfo": SettlementInfo, H, "结算信息";
        detlcutinfo = "detlcutinfo": Vec<LineInfo>, H, "明细分割信息";
    }
}

body! {
    /// `input` of 2103, 5203 and 5204.
    CancelRequest { data = "data": Cancel, G, "结算标识"; }
}

body! {
    /// `output` of 2103.
    CancelAnswer { setlinfo = "setlinfo": SettlementInfo, H, "退费结算信息"; }
}

body! {
    /// `output` of 5204.
    DetailAnswer { feedetail = "feedetail": Vec<LineInfo>, G, "费用明细"; }
}
