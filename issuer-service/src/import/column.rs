//! The columns of a registry, and how bureaus head them.
//!
//! Source: LD/T national codes (AAC002 …) as two vendors print them; field names of the national medical insurance
//! interface (`psn_name`, `certno` …); pinyin initials of older exports (`XM`, `SFZH` …).
//! Owns: the table of headers, recognizing a decorated one. Never: looks at a value.

use crate::person::field::Field;
use crate::person::plain::plain;

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Column {
    /// AAC002 社会保障号码.
    Number,
    /// AAC003 姓名.
    Name,
    /// AAC004 性别.
    Sex,
    /// AAC005 民族.
    EthnicGroup,
    /// AAC006 出生日期.
    BirthDate,
    /// AAB301 行政区划代码.
    Region,
    /// AAE006 地址.
    Address,
    /// AAE005 联系电话.
    Phone,
    /// AAB004 单位名称.
    Employer,
    /// AAC058 证件类型.
    CertificateType,
    /// 证件签发日期.
    CertificateDate,
    /// AAC161 国籍.
    Nationality,
    /// AAC060 生存状态.
    Alive,
    /// 本民族文字姓名.
    NameScript,
}

/// Headers without blanks and decorations, in small letters. The first of each row is its plain name; when a file has
/// several of a row, the one that stands first here is read.
#[rustfmt::skip]
const HEADERS: [(Column, &[&str]); 14] = [
    (Column::Number, &[
        "社会保障号码", "社会保障号", "个人社会保障号码", "个人社会保障号", "社保号码", "社保号", "aac002",
        "公民身份号码", "公民身份证号码", "公民身份证号", "居民身份证号码", "居民身份证号", "身份证号码", "身份证号", "身份证件号码",
        "身份证件号", "身份号码", "身份证", "证件号码", "证件号", "有效证件号码", "人员证件号码", "参保人身份证号码", "参保人身份证号",
        "参保人证件号码", "持卡人身份证号码", "持卡人身份证号", "持卡人证件号码", "本人身份证号码", "本人身份证号", "aac147",
        "number", "socialsecuritynumber", "idnumber", "idcardnumber", "idcardno", "idcard", "idno", "certno", "certificatenumber",
        "citizenid", "shbzhm", "shbzh", "gmsfhm", "sfzhm", "sfzh", "zjhm",
    ]),
    (Column::Name, &[
        "姓名", "aac003", "参保人姓名", "参保人员姓名", "参保人", "持卡人姓名", "持卡人", "人员姓名", "个人姓名", "本人姓名", "申领人姓名",
        "职工姓名", "居民姓名", "中文姓名", "名字", "name", "fullname", "personname", "psnname", "xm",
    ]),
    (Column::Sex, &[
        "性别", "aac004", "性别代码", "性别码", "性别编码", "性别名称", "sex", "gender", "sexcode", "gendercode", "gend", "xb", "xbdm",
    ]),
    (Column::EthnicGroup, &[
        "民族", "aac005", "民族代码", "民族码", "民族编码", "民族名称", "ethnicgroup", "ethnicity", "ethnic", "nation", "nationcode",
        "naty", "mz", "mzdm",
    ]),
    (Column::BirthDate, &[
        "出生日期", "aac006", "出生年月日", "出生时间", "生日", "birthdate", "dateofbirth", "birthday", "dob", "brdy", "csrq",
    ]),
    (Column::Region, &[
        "行政区划代码", "行政区划", "行政区划编码", "aab301", "区划代码", "区划编码", "区划", "参保地行政区划代码", "参保地行政区划",
        "参保地区划代码", "参保地区划", "参保区划", "参保地代码", "参保地", "参保所属区划", "统筹区代码", "统筹区划代码", "统筹区划", "统筹区",
        "所属区划", "所属区县", "所属县区", "所属县市区", "所属县市", "所属县", "区县代码", "县区代码", "区县名称", "区县", "县区", "县市区",
        "县市", "县级区划", "户籍区划", "户籍区划代码", "户籍行政区划", "户籍行政区划代码", "户籍地区划", "户籍地行政区划代码",
        "户籍所在地行政区划代码", "户口所在地行政区划代码", "户口所在地行政区划", "户口所在地区划", "常住户口所在地行政区划代码",
        "aac301", "region", "regioncode", "county", "countycode", "insuadmdvs", "admdvs", "xzqhdm", "xzqh", "qhdm",
    ]),
    (Column::Address, &[
        "常住户口所在地地址", "常住户口所在地详细地址", "常住户口所在地", "户籍地址", "户籍详细地址", "户籍所在地地址", "户籍所在地",
        "户籍住址", "户口地址", "户口所在地详细地址", "户口所在地地址", "户口所在地", "aac010", "地址", "详细地址", "aae006", "家庭住址",
        "家庭地址", "住址", "现住址", "现居住地址", "居住地址", "常住地址", "通讯地址", "通信地址", "联系地址", "address", "addr",
        "homeaddress", "residence", "hjdz", "jtzz", "txdz", "zz", "dz",
    ]),
    (Column::Phone, &[
        "手机号码", "手机号", "手机", "移动电话", "本人手机号码", "本人手机号", "联系手机", "aac067", "联系电话", "aae005", "联系电话号码",
        "本人联系电话", "联系方式", "电话号码", "电话", "mobile", "mobilephone", "cellphone", "mob", "phone", "phonenumber",
        "telephone", "tel", "sjhm", "sjh", "lxdh", "dh",
    ]),
    (Column::Employer, &[
        "单位名称", "aab004", "aab069", "参保单位名称", "参保单位", "工作单位名称", "工作单位", "所在单位", "用人单位", "单位全称", "单位",
        "employer", "employername", "empname", "company", "companyname", "dwmc", "gzdw",
    ]),
    (Column::CertificateType, &[
        "证件类型", "aac058", "证件类型代码", "证件类别", "证件种类", "身份证件类型", "人员证件类型", "有效证件类型", "certificatetype",
        "certtype", "psncerttype", "idtype", "zjlx",
    ]),
    (Column::CertificateDate, &["证件签发日期", "签发日期", "证件有效期起始日期", "certificatedate", "dateofissue"]),
    (Column::Nationality, &[
        "国籍", "aac161", "国籍代码", "国籍或地区", "国家或地区", "国家地区", "国籍地区", "nationality", "nationalitycode", "citizenship", "gj",
    ]),
    (Column::Alive, &[
        "生存状态", "aac060", "生存状态代码", "生存状况", "人员生存状态", "生存标志", "生存状态标志", "alive",
        "alivestatus", "lifestatus", "survival", "survivalstatus", "sczt",
    ]),
    (Column::NameScript, &[
        "本民族文字姓名", "民族文字姓名", "少数民族文字姓名", "民族语文姓名", "藏文姓名", "藏文名", "彝文姓名", "维吾尔文姓名", "维文姓名",
        "蒙古文姓名", "蒙文姓名", "朝鲜文姓名", "哈萨克文姓名", "namescript", "nameinscript", "nativename", "tibetanname", "mzwzxm",
    ]),
];

/// Words in brackets that make a header another person's or another thing: `姓名(监护人)`.
const OTHERS: [&str; 16] = [
    "监护",
    "代办",
    "代理",
    "经办",
    "联系人",
    "配偶",
    "父",
    "母",
    "户主",
    "法人",
    "单位",
    "拼音",
    "英文",
    "曾用",
    "扩展",
    "银行",
];

impl Column {
    /// All.
    pub const ALL: [Self; 14] = [
        Self::Number,
        Self::Name,
        Self::Sex,
        Self::EthnicGroup,
        Self::BirthDate,
        Self::Region,
        Self::Address,
        Self::Phone,
        Self::Employer,
        Self::CertificateType,
        Self::CertificateDate,
        Self::Nationality,
        Self::Alive,
        Self::NameScript,
    ];

    /// Its name in mappings.
    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::Number => "number",
            Self::CertificateType => "certificate_type",
            Self::CertificateDate => "certificate_date",
            Self::Nationality => "nationality",
            Self::Name => Field::Name.key(),
            Self::Sex => Field::Sex.key(),
            Self::EthnicGroup => Field::EthnicGroup.key(),
            Self::BirthDate => Field::BirthDate.key(),
            Self::Region => Field::Region.key(),
            Self::Address => Field::Address.key(),
            Self::Phone => Field::Phone.key(),
            Self::Employer => Field::Employer.key(),
            Self::Alive => Field::Alive.key(),
            Self::NameScript => Field::NameScript.key(),
        }
    }

    /// The field of a person that it fills.
    #[must_use]
    pub fn field(self) -> Option<Field> {
        Field::of_key(self.key())
    }

    /// Its plain Chinese header.
    #[must_use]
    pub fn header(self) -> &'static str {
        self.headers().first().copied().unwrap_or_default()
    }

    /// The column that a header names, and how far down the table it stands. Blanks, case, full-width forms, marks of
    /// required columns (`*`), brackets (`性别（1男2女）`) and a national code before or behind (`AAC003姓名`) do not matter.
    #[must_use]
    pub fn of_header(header: &str) -> Option<(Self, usize)> {
        let (bare, bracketed) = bare(header)?;
        let code = |text: &str| national_code(text).and_then(of_bare);
        of_bare(&bare)
            .or_else(|| national_code(&bare).and_then(|code| of_bare(&bare.replace(code, ""))))
            .or_else(|| code(&bare))
            .or_else(|| code(&bracketed))
    }

    fn headers(self) -> &'static [&'static str] {
        HEADERS.iter().find(|(column, _)| *column == self).map_or(&[], |(_, names)| names)
    }
}

fn of_bare(bare: &str) -> Option<(Column, usize)> {
    HEADERS.iter().find_map(|(column, names)| Some((*column, names.iter().position(|name| *name == bare)?)))
}

/// A header as it is compared with those of a saved mapping: without decorations, but with what stands in brackets.
#[must_use]
pub fn comparable(header: &str) -> String {
    plain(header).chars().filter(|c| !c.is_whitespace() && !c.is_control()).flat_map(char::to_lowercase).collect()
}

/// The header without decorations, and what stood in brackets.
fn bare(header: &str) -> Option<(String, String)> {
    let (mut bare, mut bracketed, mut depth) = (String::new(), String::new(), 0_u32);
    for character in plain(header).chars() {
        match character {
            '(' | '[' | '{' | '<' | '【' | '〔' | '《' => depth += 1,
            ')' | ']' | '}' | '>' | '】' | '〕' | '》' => depth = depth.saturating_sub(1),
            _ if depth > 0 => bracketed.extend(character.to_lowercase()),
            '*' | '#' | '_' | '-' | '.' | ':' | '/' | '"' | '\'' | '“' | '”' | '※' | '★' | '、' => {}
            _ if character.is_whitespace() || character.is_control() => {}
            _ => bare.extend(character.to_lowercase()),
        }
    }
    (!OTHERS.iter().any(|other| bracketed.contains(other))).then_some((bare, bracketed))
}

/// A national code at an end of a header: `aac003姓名`, `姓名aac003`.
fn national_code(bare: &str) -> Option<&str> {
    let is_code =
        |text: &&str| matches!(text.as_bytes(), [b'a', b'a', b'a'..=b'z', d @ ..] if d.iter().all(u8::is_ascii_digit));
    let head = bare.get(..6).filter(is_code);
    head.or_else(|| bare.get(bare.len().checked_sub(6)?..).filter(is_code))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(header: &str) -> Option<Column> {
        Column::of_header(header).map(|(column, _)| column)
    }

    #[test]
    fn no_header_stands_for_two_columns() {
        let all: Vec<&str> = HEADERS.iter().flat_map(|(_, names)| names.iter().copied()).collect();
        for (place, name) in all.iter().enumerate() {
            assert!(!all[..place].contains(name), "{name} stands twice");
            assert_eq!(bare(name).map(|(bare, _)| bare).as_deref(), Some(*name), "{name} is not bare");
        }
    }

    #[test]
    fn bureaus_head_their_columns_in_many_ways() {
        for (column, headers) in [
            (
                Column::Number,
                "公民身份号码 身份证号 身份证件号码 证件号 个人社会保障号 社保号 AAC002 aac147 ID_Number id-number SFZH",
            ),
            (Column::Name, "姓名 参保人姓名 持卡人姓名 人员姓名 AAC003 Name psn_name"),
            (Column::Sex, "性别 性别代码 AAC004 Gender"),
            (Column::EthnicGroup, "民族 民族代码 AAC005 naty"),
            (Column::BirthDate, "出生日期 出生年月日 AAC006 date_of_birth"),
            (
                Column::Region,
                "行政区划 区划代码 所属区县 县区代码 户籍区划 户口所在地行政区划代码 参保地行政区划代码 参保地 AAB301",
            ),
            (Column::Address, "户籍地址 户口地址 常住户口所在地地址 家庭住址 住址 通讯地址 AAE006"),
            (Column::Phone, "手机 手机号 手机号码 移动电话 联系电话 联系方式 AAE005"),
            (Column::Employer, "单位 单位名称 工作单位 参保单位"),
            (Column::CertificateType, "证件类型 证件类别 AAC058"),
            (Column::Nationality, "国籍 AAC161 nationality"),
            (Column::Alive, "生存状态 AAC060 alive"),
            (Column::NameScript, "本民族文字姓名 藏文姓名 name_script nameScript"),
        ] {
            for header in headers.split(' ') {
                assert_eq!(of(header), Some(column), "{header}");
            }
        }
    }

    #[test]
    fn decorations_do_not_matter() {
        for (header, column) in [
            ("性别（1男2女）", Column::Sex),
            ("*姓名", Column::Name),
            ("姓　名", Column::Name),
            ("＊证件号码（必填）：", Column::Number),
            ("出生日期\n(YYYYMMDD)", Column::BirthDate),
            ("【必填】姓名", Column::Name),
            ("ＡＡＣ００３", Column::Name),
            ("AAC003姓名", Column::Name),
            ("姓名_AAC003", Column::Name),
            ("证照编号(AAC002)", Column::Number),
            ("\u{FEFF}\"姓名\"", Column::Name),
        ] {
            assert_eq!(of(header), Some(column), "{header}");
        }
    }

    #[test]
    fn headers_of_others_are_not_taken_for_the_persons_own() {
        for header in [
            "姓名(监护人)",
            "监护人姓名",
            "单位联系电话",
            "备注",
            "",
            "***",
            "AAC001",
            "国籍(配偶)",
            "户口性质",
            "aac",
            "姓名拼音",
        ] {
            assert_eq!(of(header), None, "{header}");
        }
    }
}
