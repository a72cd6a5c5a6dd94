//! Codes of a registry: sex, ethnic group, certificate type, county.
//!
//! Source: GB/T 2261.1 (sex), GB/T 3304 (ethnic group), GB/T 2260 (county); AAC058 as one vendor lists it.
//! Owns: the tables. Never: guesses a code from a text that is not in them.

use card_core::security::CityCode;

/// Ethnic groups in the order of their codes 01 to 56 (GB/T 3304).
const ETHNIC_GROUPS: [&str; 56] = [
    "汉",
    "蒙古",
    "回",
    "藏",
    "维吾尔",
    "苗",
    "彝",
    "壮",
    "布依",
    "朝鲜",
    "满",
    "侗",
    "瑶",
    "白",
    "土家",
    "哈尼",
    "哈萨克",
    "傣",
    "黎",
    "傈僳",
    "佤",
    "畲",
    "高山",
    "拉祜",
    "水",
    "东乡",
    "纳西",
    "景颇",
    "柯尔克孜",
    "土",
    "达斡尔",
    "仫佬",
    "羌",
    "布朗",
    "撒拉",
    "毛南",
    "仡佬",
    "锡伯",
    "阿昌",
    "普米",
    "塔吉克",
    "怒",
    "乌孜别克",
    "俄罗斯",
    "鄂温克",
    "德昂",
    "保安",
    "裕固",
    "京",
    "塔塔尔",
    "独龙",
    "鄂伦春",
    "赫哲",
    "门巴",
    "珞巴",
    "基诺",
];

/// Counties of 甘孜藏族自治州 (513300), GB/T 2260.
const COUNTIES_513300: [(&str, &str); 18] = [
    ("513301", "康定市"),
    ("513322", "泸定县"),
    ("513323", "丹巴县"),
    ("513324", "九龙县"),
    ("513325", "雅江县"),
    ("513326", "道孚县"),
    ("513327", "炉霍县"),
    ("513328", "甘孜县"),
    ("513329", "新龙县"),
    ("513330", "德格县"),
    ("513331", "白玉县"),
    ("513332", "石渠县"),
    ("513333", "色达县"),
    ("513334", "理塘县"),
    ("513335", "巴塘县"),
    ("513336", "乡城县"),
    ("513337", "稻城县"),
    ("513338", "得荣县"),
];

/// Sex code from a code or a word.
#[must_use]
pub fn sex(text: &str) -> Option<&'static str> {
    match text {
        "1" | "男" => Some("1"),
        "2" | "女" => Some("2"),
        _ => None,
    }
}

/// Ethnic group code, two digits, from a code or a name with or without 族; `97` 其他, `98` foreign descent.
#[must_use]
pub fn ethnic_group(text: &str) -> Option<String> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    if (1..=2).contains(&text.len()) && digits {
        let code: usize = text.parse().ok()?;
        return ((1..=ETHNIC_GROUPS.len()).contains(&code) || code == 97 || code == 98).then(|| format!("{code:02}"));
    }
    let name = text.strip_suffix('族').unwrap_or(text);
    ETHNIC_GROUPS.iter().position(|known| *known == name).map(|place| format!("{:02}", place + 1))
}

/// Whether AAC058 knows this certificate type; only `01` (citizen's number) can be registered now.
#[must_use]
pub fn certificate_type_known(text: &str) -> bool {
    ["01", "02", "03", "04", "05", "06", "07", "08"].contains(&text)
}

/// Name of a county of the prefecture; `None` when it is not one.
///
/// The list of 513300 is built in. For another prefecture every code that shares its first four digits counts.
#[must_use]
pub fn county(city: CityCode, code: &str) -> Option<&'static str> {
    if city.as_str() == "513300" {
        return COUNTIES_513300.into_iter().find(|(known, _)| *known == code).map(|(_, name)| name);
    }
    let digits = code.len() == 6 && code.bytes().all(|byte| byte.is_ascii_digit());
    (digits && code.get(..4) == city.as_str().get(..4) && !code.ends_with("00")).then_some("")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_and_words_meet() {
        assert_eq!((sex("1"), sex("女"), sex("9"), sex("")), (Some("1"), Some("2"), None, None));
        assert_eq!(ethnic_group("04").as_deref(), Some("04"));
        assert_eq!(ethnic_group("4").as_deref(), Some("04"));
        assert_eq!(ethnic_group("藏族").as_deref(), Some("04"));
        assert_eq!(ethnic_group("基诺").as_deref(), Some("56"));
        for text in ["", "0", "00", "57", "77", "汉汉", "族", "001"] {
            assert_eq!(ethnic_group(text), None, "{text:?}");
        }
    }

    #[test]
    fn only_counties_of_the_prefecture_count() {
        let ganzi = CityCode::parse("513300").expect("digits");
        assert_eq!(COUNTIES_513300.iter().filter(|(code, _)| county(ganzi, code).is_some()).count(), 18);
        for code in ["513300", "513399", "110105", "51330", "", "甘孜县"] {
            assert_eq!(county(ganzi, code), None, "{code:?}");
        }
        let chengdu = CityCode::parse("510100").expect("digits");
        assert!(county(chengdu, "510104").is_some() && county(chengdu, "513301").is_none());
    }
}
