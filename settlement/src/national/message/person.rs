//! 1101 and 2001: who the person is, how insured, and what may be paid.
//!
//! Source: four adapters; widths of ids and names by the interface's type table. Owns: their rows.

use crate::date::{BusinessDate, DateTime};
use crate::national::field::{Text, body, record};
use crate::national::number::{Amount, Decimal};

record! {
    /// `data` of 1101.
    PersonQuery {
        mdtrt_cert_type: Text<3>, H G, "就诊凭证类型";
        mdtrt_cert_no: Text<50>, H H, "就诊凭证编号";
        card_sn: Option<Text<32>>, H H, "卡识别码";
        begntime: Option<DateTime>, G G, "开始时间";
        psn_cert_type: Option<Text<6>>, H G, "人员证件类型";
        certno: Option<Text<50>>, H H, "证件号码";
        psn_name: Option<Text<50>>, H H, "人员姓名";
    }
}

record! {
    /// `baseinfo` of 1101.
    BaseInfo {
        psn_no: Text<30>, H H, "人员编号";
        psn_cert_type: Option<Text<6>>, H G, "人员证件类型";
        certno: Option<Text<50>>, H H, "证件号码";
        psn_name: Option<Text<50>>, H H, "人员姓名";
        gend: Option<Text<6>>, H G, "性别";
        naty: Option<Text<3>>, H G, "民族";
        brdy: Option<BusinessDate>, H G, "出生日期";
        age: Option<Decimal<4, 1>>, H G, "年龄";
    }
}

record! {
    /// `insuinfo` of 1101, one row an insurance.
    InsuredInfo {
        balc: Option<Amount>, H H, "余额";
        insutype: Text<6>, H G, "险种类型";
        psn_type: Option<Text<6>>, H G, "人员类别";
        psn_insu_stas: Option<Text<6>>, H G, "人员参保状态";
        psn_insu_date: Option<BusinessDate>, H G, "个人参保日期";
        paus_insu_date: Option<BusinessDate>, H G, "暂停参保日期";
        cvlserv_flag: Option<Text<3>>, H G, "公务员标志";
        insuplc_admdvs: Option<Text<6>>, H H, "参保地医保区划";
        emp_name: Option<Text<200>>, H G, "单位名称";
    }
}

record! {
    /// `idetinfo` of 1101, one row a status.
    Status {
        psn_idet_type: Option<Text<6>>, G G, "人员身份类别";
        psn_type_lv: Option<Text<3>>, G G, "人员类别等级";
        memo: Option<Text<500>>, G G, "备注";
        begntime: Option<DateTime>, G G, "开始时间";
        endtime: Option<DateTime>, G G, "结束时间";
    }
}

record! {
    /// `data` of 2001.
    BenefitQuery {
        psn_no: Text<30>, H H, "人员编号";
        insutype: Text<6>, H G, "险种类型";
        fixmedins_code: Text<12>, H H, "定点医药机构编号";
        med_type: Text<6>, H G, "医疗类别";
        begntime: DateTime, H G, "开始时间";
    }
}

record! {
    /// `trtinfo` of 2001, one row a check.
    Benefit {
        trt_chk_type: Option<Text<3>>, H G, "待遇检查类型";
        fund_pay_type: Option<Text<6>>, H G, "基金支付类型";
        trt_enjymnt_flag: Option<Text<3>>, H G, "基金款项待遇享受标志";
        begndate: Option<BusinessDate>, G G, "开始日期";
        enddate: Option<BusinessDate>, G G, "结束日期";
        trt_chk_rslt: Option<Text<4000>>, H G, "待遇检查结果";
    }
}

body! {
    /// `input` of 1101.
    PersonRequest { data = "data": PersonQuery, G, "查询条件"; }
}

body! {
    /// `output` of 1101.
    PersonAnswer {
        baseinfo = "baseinfo": BaseInfo, H, "基本信息";
        insuinfo = "insuinfo": Vec<InsuredInfo>, H, "参保信息";
        idetinfo = "idetinfo": Vec<Status>, H, "身份信息";
    }
}

body! {
    /// `input` of 2001.
    BenefitRequest { data = "data": BenefitQuery, G, "查询条件"; }
}

body! {
    /// `output` of 2001.
    BenefitAnswer { trtinfo = "trtinfo": Vec<Benefit>, G, "待遇检查结果"; }
}
