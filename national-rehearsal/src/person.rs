//! The invented people of a rehearsal, and what 1101 and 2001 say of them.
//!
//! Source: `data/persons.toml`, or a file of the same shape. Owns: who is found by which credential. Never: a real person.

use serde::Deserialize;
use settlement::BusinessDate;
use settlement::fen::Fen;
use settlement::national::message::{
    BaseInfo, Benefit, BenefitAnswer, BenefitQuery, InsuredInfo, PersonAnswer, PersonQuery,
};
use settlement::national::{Amount, Text};

use crate::centre::Refusal;

/// The people of a rehearsal.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct People {
    #[serde(rename = "person")]
    pub(crate) persons: Vec<Person>,
}

/// One of them.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Person {
    pub(crate) psn_no: String,
    certno: String,
    name: String,
    card_number: String,
    card_sn: String,
    e_credential: String,
    sex: String,
    birth: BusinessDate,
    #[serde(rename = "insured")]
    pub(crate) insurances: Vec<Insurance>,
}

/// One insurance.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Insurance {
    pub(crate) insutype: String,
    psn_type: String,
    pub(crate) region: String,
    #[serde(deserialize_with = "yuan")]
    pub(crate) balance: Fen,
}

fn yuan<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Fen, D::Error> {
    Fen::parse_yuan(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
}

/// 正常参保.
const INSURED: &str = "1";

impl People {
    /// Who has this credential.
    pub(crate) fn find(&self, query: &PersonQuery) -> Result<&Person, Refusal> {
        let number = query.mdtrt_cert_no.as_str();
        let found = self.persons.iter().find(|person| match query.mdtrt_cert_type.as_str() {
            "01" => person.e_credential == number,
            "02" => person.certno == number,
            "03" => {
                person.card_number == number
                    && query.card_sn.as_ref().is_some_and(|sn| sn.as_str().eq_ignore_ascii_case(&person.card_sn))
            }
            _ => false,
        });
        let is_named = |person: &&Person| {
            query.psn_name.as_ref().is_none_or(|name| name.as_str() == person.name)
                && query.certno.as_ref().is_none_or(|number| number.as_str() == person.certno)
        };
        if query.mdtrt_cert_type.as_str() == "03" && query.card_sn.is_none() {
            return Err(Refusal::new("CARD_SN_MISSING", "凭证类型为 03 时须有卡识别码"));
        }
        found.filter(is_named).ok_or(Refusal::new("PERSON_UNKNOWN", "没有查到人员信息"))
    }

    pub(crate) fn person(&self, psn_no: &str) -> Result<&Person, Refusal> {
        let found = self.persons.iter().find(|person| person.psn_no == psn_no);
        found.ok_or(Refusal::new("PERSON_UNKNOWN", "没有查到人员信息"))
    }

    pub(crate) fn insurance(&mut self, psn_no: &str, insutype: &str) -> Result<&mut Insurance, Refusal> {
        let person = self.persons.iter_mut().find(|person| person.psn_no == psn_no);
        let person = person.ok_or(Refusal::new("PERSON_UNKNOWN", "没有查到人员信息"))?;
        let found = person.insurances.iter_mut().find(|insurance| insurance.insutype == insutype);
        found.ok_or(Refusal::new("NOT_INSURED", "人员未参加该险种"))
    }
}

impl Person {
    /// What 1101 answers.
    pub(crate) fn answer(&self, today: BusinessDate) -> PersonAnswer {
        let row = |insurance: &Insurance| InsuredInfo {
            balc: Amount::of(insurance.balance).ok(),
            insutype: Text::new(&*insurance.insutype),
            psn_type: Some(Text::new(&*insurance.psn_type)),
            psn_insu_stas: Some(Text::new(INSURED)),
            psn_insu_date: BusinessDate::new(2015, 1, 1).ok(),
            paus_insu_date: None,
            cvlserv_flag: Some(Text::new("0")),
            insuplc_admdvs: Some(Text::new(&*insurance.region)),
            emp_name: None,
        };
        let years = today.days_since(self.birth) / 366;
        PersonAnswer {
            baseinfo: BaseInfo {
                psn_no: Text::new(&*self.psn_no),
                psn_cert_type: Some(Text::new("01")),
                certno: Some(Text::new(&*self.certno)),
                psn_name: Some(Text::new(&*self.name)),
                gend: Some(Text::new(&*self.sex)),
                naty: None,
                brdy: Some(self.birth),
                age: settlement::national::number::Decimal::new(years * 10).ok(),
            },
            insuinfo: self.insurances.iter().map(row).collect(),
            idetinfo: Vec::new(),
        }
    }

    /// What 2001 answers.
    pub(crate) fn benefit(&self, query: &BenefitQuery) -> BenefitAnswer {
        let insured = self.insurances.iter().any(|insurance| insurance.insutype == query.insutype.as_str());
        let (flag, result) = if insured { ("1", "享受待遇") } else { ("0", "未参加该险种") };
        BenefitAnswer {
            trtinfo: vec![Benefit {
                trt_chk_type: Some(Text::new("1")),
                fund_pay_type: None,
                trt_enjymnt_flag: Some(Text::new(flag)),
                begndate: None,
                enddate: None,
                trt_chk_rslt: Some(Text::new(result)),
            }],
        }
    }
}
