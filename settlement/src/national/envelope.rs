//! The envelope around every message: who asks, under which number, and what came back.
//!
//! Source: request and response fields of the national interface (four adapters, two of them agree on each name and width).
//! Owns: `msgid`, message numbers, the outer fields. Never: makes a number of its own (the store does, durably), sends.
//! Units: widths as in `field`; `input` and `output` in the same unit.

use std::fmt;

use super::field::{Fault, FieldFault, Reading, Record as _, Text, Unit, record};
use super::json::{Json, Members, Node};
use super::message::Body;
use crate::date::DateTime;

/// 交易编号: the number of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Infno(pub u16);

impl Infno {
    /// 签到.
    pub const SIGN_IN: Self = Self(9001);
    /// 签退.
    pub const SIGN_OUT: Self = Self(9002);
    /// 人员信息获取.
    pub const PERSON: Self = Self(1101);
    /// 人员待遇享受检查.
    pub const BENEFIT: Self = Self(2001);
    /// 药店预结算.
    pub const TRIAL: Self = Self(2101);
    /// 药店结算.
    pub const SETTLE: Self = Self(2102);
    /// 药店结算撤销.
    pub const CANCEL: Self = Self(2103);
    /// 冲正交易.
    pub const REVERSE: Self = Self(2601);
    /// 对总账.
    pub const TOTALS: Self = Self(3201);
    /// 对明细账.
    pub const DETAIL: Self = Self(3202);
    /// 结算信息查询.
    pub const SETTLEMENT_QUERY: Self = Self(5203);
    /// 费用明细查询.
    pub const DETAIL_QUERY: Self = Self(5204);
    /// 文件上传.
    pub const UPLOAD: Self = Self(9101);
    /// 文件下载.
    pub const DOWNLOAD: Self = Self(9102);

    /// Whether an answer that did not come is undone by 2601 (2102, 2103; hospitals have more).
    #[must_use]
    pub const fn is_reversible(self) -> bool {
        matches!(self, Self::SETTLE | Self::CANCEL)
    }

    /// Whether `input` may be longer than the interface's 40000: a file travels in it.
    const fn carries_file(self) -> bool {
        matches!(self, Self::UPLOAD)
    }
}

impl fmt::Display for Infno {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}", self.0)
    }
}

/// 定点医药机构编号: 12 letters and digits.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InstitutionNumber(Box<str>);

impl InstitutionNumber {
    /// Reads one.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let fits = text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
        fits.then(|| Self(text.into()))
    }

    /// The 12 characters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for InstitutionNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// 发送方报文ID: institution (12), `yyyyMMddHHmmss` (14), sequence (4); never used twice.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MsgId(Box<str>);

impl MsgId {
    /// From its parts; `None` for a sequence of more than four digits.
    #[must_use]
    pub fn of(institution: &InstitutionNumber, at: DateTime, sequence: u16) -> Option<Self> {
        (sequence <= 9_999).then(|| Self(format!("{}{at}{sequence:04}", institution.as_str()).into()))
    }

    /// Reads one.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let institution = InstitutionNumber::parse(text.get(..12)?)?;
        let at = DateTime::parse(text.get(12..26)?).ok()?;
        let sequence = text.get(26..)?;
        let is_sequence = sequence.len() == 4 && sequence.bytes().all(|byte| byte.is_ascii_digit());
        if is_sequence { Self::of(&institution, at, sequence.parse().ok()?) } else { None }
    }

    /// The 30 characters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The institution in it.
    #[must_use]
    pub fn institution(&self) -> &str {
        self.0.get(..12).unwrap_or_default()
    }

    /// The moment in it.
    #[must_use]
    pub fn at(&self) -> Option<DateTime> {
        DateTime::parse(self.0.get(12..26)?).ok()
    }
}

impl fmt::Display for MsgId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for MsgId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

record! {
    /// The outer fields of a request, without `input`.
    Head {
        infno: Text<4>, H H, "交易编号";
        msgid: Text<30>, H H, "发送方报文ID";
        mdtrtarea_admvs: Text<6>, H H, "就医地医保区划";
        insuplc_admdvs: Option<Text<6>>, H H, "参保地医保区划";
        recer_sys_code: Text<10>, H H, "接收方系统代码";
        dev_no: Option<Text<100>>, H H, "设备编号";
        dev_safe_info: Option<Text<2000>>, H H, "设备安全信息";
        cainfo: Option<Text<1024>>, H H, "数字签名信息";
        signtype: Option<Text<10>>, H G, "签名类型";
        infver: Text<6>, H G, "接口版本号";
        opter_type: Text<3>, H G, "经办人类别";
        opter: Text<30>, H H, "经办人";
        opter_name: Text<50>, H H, "经办人姓名";
        inf_time: DateTime, H H, "交易时间";
        fixmedins_code: Text<12>, H H, "定点医药机构编号";
        fixmedins_name: Text<20>, H H, "定点医药机构名称";
        sign_no: Option<Text<30>>, H H, "交易签到流水号";
    }
}

record! {
    /// The outer fields of an answer, without `output`.
    Outcome {
        infcode: Text<4>, H G, "交易状态码";
        inf_refmsgid: Option<Text<30>>, H H, "接收方报文ID";
        refmsg_time: Option<Text<17>>, H H, "接收报文时间";
        respond_time: Option<Text<17>>, H H, "响应报文时间";
        err_msg: Option<Text<200>>, H H, "错误信息";
        warn_msg: Option<Text<200>>, H G, "警告信息";
        signtype: Option<Text<10>>, H G, "签名类型";
        cainfo: Option<Text<1024>>, H H, "数字签名信息";
    }
}

/// Longest `input` and `output`.
pub const BODY_MAX: usize = 40_000;
const INPUT: &str = "input";
const OUTPUT: &str = "output";

/// A request as it was read.
#[derive(Clone, Debug)]
pub struct Request {
    /// Outer fields.
    pub head: Head,
    /// Nodes of the body.
    pub input: Members,
}

/// An answer as it was read.
#[derive(Clone, Debug)]
pub struct Response {
    /// Outer fields.
    pub outcome: Outcome,
    /// Nodes of the body; none when the answer has none.
    pub output: Members,
}

impl Request {
    /// The text of a request, every width checked; fields without value stand there empty.
    ///
    /// # Errors
    /// [`FieldFault`] of the first row that does not fit.
    pub fn write(infno: Infno, head: &Head, input: &impl Body, unit: Unit) -> Result<String, FieldFault> {
        let Json::Object(written) = head.write(unit)? else { return Err(FieldFault::at(INPUT, Fault::NotObject)) };
        let input = input.write(unit).map_err(|fault| fault.below(INPUT))?;
        let length = unit.length(&input.to_string());
        if length > BODY_MAX && !infno.carries_file() {
            return Err(FieldFault::at(INPUT, Fault::TooLong { length, width: BODY_MAX }));
        }
        Ok(envelope::<Head>(written, (INPUT, input)))
    }

    /// Reads a request.
    ///
    /// # Errors
    /// [`FieldFault`]; the place is empty when it is no object at all.
    pub fn read(bytes: &[u8], how: Reading) -> Result<Self, FieldFault> {
        let (head, input) = apart(bytes, INPUT)?;
        let input = input.ok_or_else(|| FieldFault::at(INPUT, Fault::Missing))?;
        let members = input.members().ok_or_else(|| FieldFault::at(INPUT, Fault::NotObject))?;
        let head = Head::read(&head, how)?;
        if let Reading::Strict(unit) = how {
            let length = unit.length(input.as_written());
            if length > BODY_MAX && head.infno.as_str() != Infno::UPLOAD.to_string() {
                return Err(FieldFault::at(INPUT, Fault::TooLong { length, width: BODY_MAX }));
            }
        }
        Ok(Self { head, input: members })
    }
}

impl Response {
    /// The text of an answer.
    ///
    /// # Errors
    /// [`FieldFault`] of the first row that does not fit.
    pub fn write(outcome: &Outcome, output: &impl Body, unit: Unit) -> Result<String, FieldFault> {
        let Json::Object(written) = outcome.write(unit)? else { return Err(FieldFault::at(OUTPUT, Fault::NotObject)) };
        let output = output.write(unit).map_err(|fault| fault.below(OUTPUT))?;
        Ok(envelope::<Outcome>(written, (OUTPUT, output)))
    }

    /// Reads an answer, leniently.
    ///
    /// # Errors
    /// [`FieldFault`].
    pub fn read(bytes: &[u8]) -> Result<Self, FieldFault> {
        let (outcome, output) = apart(bytes, OUTPUT)?;
        let outcome = Outcome::read(&outcome, Reading::Lenient)?;
        Ok(Self { outcome, output: output.and_then(|node| node.members()).unwrap_or_default() })
    }

    /// Whether the centre did what was asked: `infcode` 0.
    #[must_use]
    pub fn is_done(&self) -> bool {
        let code = self.outcome.infcode.as_str().trim();
        !code.is_empty() && code.bytes().all(|byte| byte == b'0')
    }

    /// The body.
    ///
    /// # Errors
    /// [`FieldFault`] of the first row that cannot be read.
    pub fn body<B: Body>(&self) -> Result<B, FieldFault> {
        B::read(&self.output, Reading::Lenient).map_err(|fault| fault.below(OUTPUT))
    }
}

/// Every name of the table, those without value empty, then the body.
fn envelope<R: super::field::Record>(written: Vec<(String, Json)>, body: (&str, Json)) -> String {
    let value = |name: &str| written.iter().find(|(member, _)| member == name).map(|(_, value)| value.clone());
    let mut members: Vec<(String, Json)> = R::TABLE
        .fields
        .iter()
        .map(|field| (field.name.to_owned(), value(field.name).unwrap_or_else(|| Json::text(""))))
        .collect();
    members.push((body.0.to_owned(), body.1));
    Json::Object(members).to_string()
}

/// The outer fields, and the body beside them.
fn apart(bytes: &[u8], body: &'static str) -> Result<(Members, Option<Node>), FieldFault> {
    let node = Node::parse(bytes).map_err(|error| FieldFault::at("", Fault::Json(error)))?;
    let members = node.members().ok_or_else(|| FieldFault::at("", Fault::NotObject))?;
    Ok(members.without(body))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_id_has_its_three_parts_and_nothing_else() {
        let institution = InstitutionNumber::parse("P51332200001").expect("12");
        let at = DateTime::parse("20260105093000").expect("real");
        let id = MsgId::of(&institution, at, 7).expect("four digits");
        assert_eq!(id.as_str(), "P51332200001202601050930000007");
        assert_eq!(MsgId::parse(id.as_str()), Some(id.clone()));
        assert_eq!((id.institution(), id.at()), ("P51332200001", Some(at)));
        assert_eq!(MsgId::of(&institution, at, 10_000), None);
        for text in
            ["", "P5133220000120260105093000000", "P51332200001202602300930000007", "P51332200001202601050930000O07"]
        {
            assert_eq!(MsgId::parse(text), None, "{text}");
        }
        assert_eq!(InstitutionNumber::parse("P5133220000"), None);
        assert_eq!(InstitutionNumber::parse("p51332200001"), None);
    }
}
