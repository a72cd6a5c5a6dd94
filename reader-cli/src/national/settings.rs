//! `[national]` of the configuration file.
//!
//! Source: outer fields of the national interface; what it leaves to the peer is an option with a default (docs/national.md).
//! Owns: its keys, their checks. Never: a person's data.

use std::path::PathBuf;
use std::time::Duration;

use card_counter::error::TerminalError;
use card_counter::language::Words;
use card_counter::store::Numbering;
use serde::Deserialize;
use settlement::national::Unit;
use settlement::national::amounts::MutualAid;
use settlement::national::envelope::InstitutionNumber;

/// The table as it is written: no other keys.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct NationalFile {
    address: String,
    authority: Option<PathBuf>,
    institution: String,
    institution_name: String,
    region: String,
    receiver: String,
    clerk: String,
    mac: String,
    ip: String,
    version: Option<String>,
    operator_type: Option<String>,
    device: Option<String>,
    insurance: Option<String>,
    purchase_type: Option<String>,
    clearing_type: Option<String>,
    clearing_office: Option<String>,
    width_unit: Option<WidthUnit>,
    mutual_aid: Option<Aid>,
    sequences: Option<String>,
    timeout: Option<u64>,
    refusals: Option<Vec<String>>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum WidthUnit {
    Characters,
    Utf8,
    Gb18030,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Aid {
    Inside,
    Separate,
}

/// What every message needs to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NationalSettings {
    /// Address of the centre.
    pub address: String,
    /// PEM file of the authority that made its certificate.
    pub authority: Option<PathBuf>,
    /// Institution, and this terminal's share of its sequences.
    pub numbering: Numbering,
    /// 定点医药机构名称.
    pub institution_name: String,
    /// 就医地医保区划.
    pub region: String,
    /// 接收方系统代码.
    pub receiver: String,
    /// 经办人 and 操作员编号.
    pub clerk: String,
    /// MAC 地址 that signs in.
    pub mac: String,
    /// IP 地址 that signs in.
    pub ip: String,
    /// 接口版本号.
    pub version: String,
    /// 经办人类别.
    pub operator_type: String,
    /// 设备编号.
    pub device: Option<String>,
    /// 险种, unless one is named.
    pub insurance: String,
    /// 医疗类别.
    pub purchase_type: String,
    /// 清算类别 that is compared even on a day without settlements.
    pub clearing_type: String,
    /// 清算经办机构 that is compared even then.
    pub clearing_office: String,
    /// What widths count.
    pub unit: Unit,
    /// Where 共济 stands.
    pub mutual_aid: MutualAid,
    /// 交易状态码 of 2102 and 2103 that mean for certain that nothing was done (assumed: none does, gateways answer some of them for
    /// time-outs behind them).
    pub refusals: Vec<String>,
    /// How long the centre may take.
    pub within: Duration,
}

/// Longest time that a person at a counter is made to wait.
const TIMEOUT_MAX_S: u64 = 120;
const TIMEOUT_S: u64 = 20;

impl NationalSettings {
    pub(crate) fn of(file: NationalFile) -> Result<Self, TerminalError> {
        let institution = InstitutionNumber::parse(&file.institution).ok_or_else(|| {
            wrong(
                "institution",
                ("定点医药机构编号为 12 位大写字母或数字", "an institution has 12 capital letters and digits"),
            )
        })?;
        let is_region = |text: &str| text.len() == 6 && text.bytes().all(|byte| byte.is_ascii_digit());
        for (key, value) in [("region", Some(&file.region)), ("clearing-office", file.clearing_office.as_ref())] {
            if value.is_some_and(|value| !is_region(value)) {
                return Err(wrong(key, ("医保区划为 6 位数字", "a region has six digits")));
            }
        }
        let (first, last) = sequences(file.sequences.as_deref().unwrap_or("0-9999"))?;
        let timeout = file.timeout.unwrap_or(TIMEOUT_S);
        if !(1..=TIMEOUT_MAX_S).contains(&timeout) {
            return Err(wrong("timeout", ("等待秒数为 1 至 120", "seconds to wait are 1 to 120")));
        }
        let or = |value: Option<String>, default: &str| value.unwrap_or_else(|| default.to_owned());
        Ok(Self {
            address: file.address,
            authority: file.authority,
            numbering: Numbering { institution, first, last },
            institution_name: file.institution_name,
            receiver: file.receiver,
            clerk: file.clerk,
            mac: file.mac,
            ip: file.ip,
            version: or(file.version, "V1.0"),
            operator_type: or(file.operator_type, "1"),
            device: file.device,
            insurance: or(file.insurance, "310"),
            purchase_type: or(file.purchase_type, "41"),
            clearing_type: or(file.clearing_type, "41"),
            clearing_office: or(file.clearing_office, &file.region),
            region: file.region,
            unit: match file.width_unit {
                None | Some(WidthUnit::Characters) => Unit::Characters,
                Some(WidthUnit::Utf8) => Unit::Utf8,
                Some(WidthUnit::Gb18030) => Unit::Gb18030,
            },
            mutual_aid: match file.mutual_aid {
                None | Some(Aid::Inside) => MutualAid::Inside,
                Some(Aid::Separate) => MutualAid::Separate,
            },
            refusals: file.refusals.unwrap_or_default(),
            within: Duration::from_secs(timeout),
        })
    }
}

fn sequences(text: &str) -> Result<(u16, u16), TerminalError> {
    let read = |digits: &str| digits.parse::<u16>().ok().filter(|number| *number <= 9_999);
    let range = text.split_once('-').and_then(|(first, last)| Some((read(first)?, read(last)?)));
    range.filter(|(first, last)| first <= last).ok_or_else(|| {
        wrong("sequences", ("顺序号范围为 0 至 9999 之内的 首-末", "sequences are FIRST-LAST within 0 to 9999"))
    })
}

fn wrong(key: &str, (zh, en): (&'static str, &'static str)) -> TerminalError {
    TerminalError::Configuration { place: format!("national.{key}"), reason: Words::new(zh, en) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "address = \"http://127.0.0.1:1\"\ninstitution = \"P51399000001\"\ninstitution-name = \"桥头药房\"\n\
        region = \"513399\"\nreceiver = \"TERM\"\nclerk = \"007\"\nmac = \"M\"\nip = \"I\"\n";

    fn of(text: &str) -> Result<NationalSettings, String> {
        let file: NationalFile = toml::from_str(text).map_err(|error| error.message().to_owned())?;
        NationalSettings::of(file).map_err(|error| error.to_string())
    }

    #[test]
    fn what_is_not_written_has_its_default_and_what_is_wrong_is_named() {
        let settings = of(GOOD).expect("good");
        assert_eq!((settings.insurance.as_str(), settings.purchase_type.as_str()), ("310", "41"));
        assert_eq!((settings.numbering.first, settings.numbering.last), (0, 9_999));
        assert_eq!(settings.clearing_office, "513399");
        let split =
            of(&format!("{GOOD}sequences = \"5000-9999\"\nwidth-unit = \"gb18030\"\nmutual-aid = \"separate\"\n"));
        let split = split.expect("good");
        assert_eq!((split.numbering.first, split.unit, split.mutual_aid), (5_000, Unit::Gb18030, MutualAid::Separate));
        for (line, expected) in [
            ("sequences = \"9-1\"", "national.sequences"),
            ("sequences = \"0-10000\"", "national.sequences"),
            ("timeout = 0", "national.timeout"),
            ("clearing-office = \"5133\"", "national.clearing-office"),
            ("width-unit = \"inches\"", "unknown variant"),
            ("colour = 1", "unknown field"),
        ] {
            let error = of(&format!("{GOOD}{line}\n")).expect_err(line);
            assert!(error.contains(expected), "{line}: {error}");
        }
        let error = of(&GOOD.replace("P51399000001", "51399000001")).expect_err("11");
        assert!(error.contains("national.institution"), "{error}");
    }
}
