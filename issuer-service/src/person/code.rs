//! Codes of a registry as bureaus write them: sex, ethnic group, certificate type, county.
//!
//! Source: the national lists in `card_profiles::codes`; letters of ethnic groups from GB/T 3304 table 3; AAC058
//! (certificate type) as one vendor lists it.
//! Owns: which spellings of a code a registry may use. Never: guesses a code from a text that is not in a list; believes a
//! code and a word that differ.

use card_core::security::CityCode;
use card_profiles::codes::{self, Region};

use crate::person::plain::code_and_word;

/// GB/T 3304: letters of the numbers 01 to 56.
const ETHNIC_LETTERS: [&str; 56] = [
    "HA", "MG", "HU", "ZA", "UG", "MH", "YI", "ZH", "BY", "CS", "MA", "DO", "YA", "BA", "TJ", "HN", "KZ", "DA", "LI",
    "LS", "VA", "SH", "GS", "LH", "SU", "DX", "NX", "JP", "KG", "TU", "DU", "ML", "QI", "BL", "SL", "MN", "GL", "XB",
    "AC", "PM", "TA", "NU", "UZ", "RS", "EW", "DE", "BN", "YG", "GI", "TT", "DR", "OR", "HZ", "MB", "LB", "JN",
];

/// Names that older lists have, or keyboards, for numbers of GB/T 3304.
const ETHNIC_NAMES: [(&str, u8); 6] =
    [("毛难", 36), ("崩龙", 46), ("乌兹别克", 43), ("僳僳", 20), ("栗僳", 20), ("柯尔克兹", 29)];

/// What is wrong with a region.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RegionFault {
    /// Neither a code nor a name.
    Form,
    /// No county of the prefecture.
    Unknown,
}

/// The counties of a prefecture.
#[derive(Clone, Debug)]
pub struct Counties {
    city: CityCode,
    counties: Vec<Region>,
    above: Vec<String>,
}

/// Sex code from a code, a word or both; only male and female can be compared with a number.
#[must_use]
pub fn sex(plain: &str) -> Option<&'static str> {
    let (code, word) = code_and_word(plain);
    let by_code = match code {
        "1" | "01" => Some("1"),
        "2" | "02" => Some("2"),
        _ => None,
    };
    if word.is_empty() {
        return by_code;
    }
    let by_word = match (codes::sex_code(word), word.to_ascii_lowercase().as_str()) {
        (Some('1'), _) | (_, "m" | "male" | "man") => Some("1"),
        (Some('2'), _) | (_, "f" | "female" | "woman") => Some("2"),
        _ => None,
    };
    agreed(code, word, by_code, by_word)
}

/// Ethnic group code, two digits, from a number, letters, a name with or without 族, or a number and a name.
#[must_use]
pub fn ethnic_group(plain: &str) -> Option<String> {
    let (code, word) = code_and_word(plain);
    let known = |number: &u8| codes::ethnic_group_name(*number).is_some();
    let by_code = Some(code).filter(|code| (1..=2).contains(&code.len())).and_then(|code| code.parse().ok());
    let by_code = by_code.filter(known);
    if word.is_empty() {
        return by_code.map(two_digits);
    }
    let letters = word.to_ascii_uppercase();
    let short = word.strip_suffix('族').unwrap_or(word);
    let by_word = codes::ethnic_group_number(word)
        .or_else(|| ETHNIC_LETTERS.iter().zip(1..).find(|(known, _)| **known == letters).map(|(_, number)| number))
        .or_else(|| ETHNIC_NAMES.iter().find(|(known, _)| *known == short).map(|(_, number)| *number));
    agreed(code, word, by_code, by_word).map(two_digits)
}

fn two_digits(number: u8) -> String {
    format!("{number:02}")
}

/// AAC060 of the dead.
pub const DEAD: &str = "2";

/// AAC060 from a code, a word or both.
#[must_use]
pub fn alive(plain: &str) -> Option<&'static str> {
    const CODES: [&str; 5] = ["1", DEAD, "3", "4", "5"];
    let (code, word) = code_and_word(plain);
    let digit = code.strip_prefix('0').unwrap_or(code);
    let by_code = CODES.into_iter().find(|known| *known == digit);
    if word.is_empty() {
        return by_code;
    }
    let by_word = match word.to_ascii_lowercase().as_str() {
        "正常" | "健在" | "在世" | "生存" | "存活" | "normal" | "alive" | "living" => Some("1"),
        "死亡" | "已死亡" | "去世" | "已故" | "dead" | "died" | "deceased" => Some(DEAD),
        "判刑" | "服刑" | "判刑收监" | "sentenced" => Some("3"),
        "失踪" | "missing" => Some("4"),
        "不详" | "未知" | "其他" | "unknown" => Some("5"),
        _ => None,
    };
    agreed(code, word, by_code, by_word)
}

/// AAC058 of a code or a word; `None` when the list has no such type.
#[must_use]
pub fn certificate_type(plain: &str) -> Option<&'static str> {
    const TYPES: [&str; 8] = ["01", "02", "03", "04", "05", "06", "07", "08"];
    // What holds another one's word stands before it. Residence permits (居住证) have a citizen number.
    const WORDS: [(&str, &str); 19] = [
        ("永久居留", "07"),
        ("永居", "07"),
        ("居住证", "01"),
        ("居民身份证", "01"),
        ("身份证", "01"),
        ("户口簿", "01"),
        ("户口本", "01"),
        ("武警", "03"),
        ("武装警察", "03"),
        ("军官证", "02"),
        ("士官证", "02"),
        ("解放军", "02"),
        ("文职", "02"),
        ("港澳", "04"),
        ("香港", "04"),
        ("澳门", "05"),
        ("台湾", "06"),
        ("台胞", "06"),
        ("护照", "08"),
    ];
    if plain.is_empty() {
        return None;
    }
    let (code, word) = code_and_word(plain);
    let two_digits = format!("{code:0>2}");
    let by_code = TYPES.into_iter().find(|known| *known == two_digits);
    let by_word = WORDS.into_iter().find(|(known, _)| word.contains(known)).map(|(_, code)| code);
    // 外国人身份证, 香港居民身份证 …: a certificate of others is no citizen's, whatever words it shares.
    let others =
        ["港", "澳", "台", "外国", "临时"].iter().any(|other| word.contains(other)) && !word.contains("居住证");
    agreed(code, word, by_code, by_word.filter(|found| !(others && *found == "01")))
}

/// A code and a word that are both written must mean the same.
fn agreed<T: PartialEq>(code: &str, word: &str, by_code: Option<T>, by_word: Option<T>) -> Option<T> {
    match (code.is_empty(), word.is_empty()) {
        (false, false) => by_code.filter(|code| by_word.as_ref() == Some(code)),
        (false, true) => by_code,
        (true, _) => by_word,
    }
}

impl Counties {
    /// Those of this prefecture.
    #[must_use]
    pub fn of(city: CityCode) -> Self {
        let name = |code: String| codes::region(&code).map(|region| region.name).unwrap_or_default();
        let province = name(format!("{}0000", city.as_str().get(..2).unwrap_or_default()));
        let prefecture = name(city.as_str().to_owned());
        let short = |text: &str, ends: &[char]| text.strip_suffix(ends).unwrap_or(text).to_owned();
        let provinces = [String::new(), province.to_owned(), short(province, &['省', '市'])];
        let head: String = prefecture.chars().take(2).collect();
        let prefectures =
            [String::new(), prefecture.to_owned(), format!("{head}州"), format!("{head}市"), head.clone()];
        let both = |province: &String| prefectures.iter().map(|own| format!("{province}{own}")).collect::<Vec<_>>();
        let above = provinces.iter().flat_map(both).collect();
        Self { city, counties: codes::counties_of(city.as_str()), above }
    }

    /// Whether the code is a county of this prefecture that is in force.
    #[must_use]
    pub fn has(&self, code: &str) -> bool {
        if self.counties.binary_search_by(|county| county.code.cmp(code)).is_ok() {
            return true;
        }
        codes::region(code).is_some_and(|region| {
            region.in_force && code.get(..4) == self.city.as_str().get(..4) && !code.ends_with("00")
        })
    }

    /// The county's code from its code, the code of one of its towns or villages (8, 9 or 12 digits), its name (康定市,
    /// 甘孜州康定市, 四川省甘孜藏族自治州康定市), or code and name.
    ///
    /// # Errors
    /// [`RegionFault`].
    pub fn read(&self, plain: &str) -> Result<String, RegionFault> {
        let (code, word) = code_and_word(plain);
        let by_code = match code.len() {
            0 => None,
            6 | 8 | 9 | 12 => code.get(..6),
            _ => return Err(RegionFault::Form),
        };
        if let Some(code) = by_code.filter(|code| word.is_empty() && self.has(code)) {
            return Ok(code.to_owned());
        }
        let word: String = word.split_whitespace().collect();
        let by_word = self.counties.iter().find(|county| self.is_name(&word, county)).map(|county| county.code);
        let ends_like_a_place = word.ends_with(['县', '市', '区', '州', '旗', '盟', '省']);
        if by_code.is_none() && by_word.is_none() && !ends_like_a_place {
            return Err(RegionFault::Form);
        }
        let agreed = agreed(code, &word, by_code, by_word).filter(|code| self.has(code));
        agreed.map(str::to_owned).ok_or(RegionFault::Unknown)
    }

    fn is_name(&self, word: &str, county: &Region) -> bool {
        word.strip_suffix(county.name).is_some_and(|above| self.above.iter().any(|known| known == above))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ganzi() -> Counties {
        Counties::of(CityCode::parse("513300").expect("digits"))
    }

    #[test]
    fn sexes_are_understood_and_never_guessed() {
        for text in ["1", "01", "男", "男性", "M", "m", "Male", "1男", "1-男", "男(1)"] {
            assert_eq!(sex(text), Some("1"), "{text}");
        }
        for text in ["2", "02", "女", "女性", "F", "female", "2:女"] {
            assert_eq!(sex(text), Some("2"), "{text}");
        }
        for text in ["", "0", "9", "7", "3", "男女", "1女", "未知的性别", "x"] {
            assert_eq!(sex(text), None, "{text}");
        }
    }

    #[test]
    fn ethnic_groups_are_understood_and_never_guessed() {
        for text in ["04", "4", "藏族", "藏", "ZA", "za", "04藏族", "4-藏", "藏族(04)"] {
            assert_eq!(ethnic_group(text).as_deref(), Some("04"), "{text}");
        }
        assert_eq!(ethnic_group("HA").as_deref(), Some("01"));
        assert_eq!(ethnic_group("基诺").as_deref(), Some("56"));
        assert_eq!(ethnic_group("毛难族").as_deref(), Some("36"));
        assert_eq!(ethnic_group("97").as_deref(), Some("97"));
        for text in ["", "0", "00", "57", "77", "汉汉", "族", "001", "04汉族", "XX", "汉族藏族"] {
            assert_eq!(ethnic_group(text), None, "{text:?}");
        }
    }

    #[test]
    fn every_ethnic_group_has_its_own_letters() {
        for (place, letters) in ETHNIC_LETTERS.iter().enumerate() {
            assert_eq!(ethnic_group(letters), Some(format!("{:02}", place + 1)));
        }
        // Table 3 of the standard, read at its ends and where its order is easily mistaken.
        for (letters, name) in [
            ("HA", "汉族"),
            ("UG", "维吾尔族"),
            ("KG", "柯尔克孜族"),
            ("BN", "保安族"),
            ("GI", "京族"),
            ("LB", "珞巴族"),
            ("JN", "基诺族"),
        ] {
            assert_eq!(ethnic_group(letters), ethnic_group(name), "{letters}");
        }
    }

    #[test]
    fn certificate_types_are_told_by_code_and_by_word() {
        for text in ["01", "1", "身份证", "居民身份证", "居民身份证（户口簿）", "居民身份证(户口簿)", "01-居民身份证"]
        {
            assert_eq!(certificate_type(text), Some("01"), "{text}");
        }
        assert_eq!(certificate_type("护照"), Some("08"));
        for (text, code) in [
            ("台湾居民来往大陆通行证", "06"),
            ("台湾居民居住证", "01"),
            ("港澳居民居住证", "01"),
            ("外国人永久居留身份证", "07"),
            ("中国人民解放军军官证", "02"),
            ("人民武装警察警官证", "03"),
        ] {
            assert_eq!(certificate_type(text), Some(code), "{text}");
        }
        for text in ["99", "00", "", "学生证", "01护照", "临时身份证", "香港居民身份证"] {
            assert_eq!(certificate_type(text), None, "{text}");
        }
    }

    #[test]
    fn only_counties_of_the_prefecture_count() {
        let ganzi = ganzi();
        assert!(codes::counties_of("513300").iter().all(|county| ganzi.has(county.code)));
        // 513321 was a county until it became the city 513301.
        for code in ["513300", "513321", "513399", "110105", "51330", "", "甘孜县"] {
            assert!(!ganzi.has(code), "{code:?}");
        }
        let chengdu = Counties::of(CityCode::parse("510100").expect("digits"));
        assert!(chengdu.has("510104") && !chengdu.has("513301"));
    }

    #[test]
    fn a_county_is_known_by_code_town_code_and_name() {
        for text in [
            "513301",
            "513301001",
            "513301001002",
            "51330100",
            "康定市",
            "甘孜州康定市",
            "甘孜藏族自治州康定市",
            "四川省甘孜藏族自治州康定市",
            "四川 甘孜州 康定市",
            "513301康定市",
            "康定市(513301)",
        ] {
            assert_eq!(ganzi().read(text).as_deref(), Ok("513301"), "{text}");
        }
        for text in [
            "513399",
            "110105",
            "110105001",
            "513321",
            "513300",
            "朝阳区",
            "阿坝州康定市",
            "513322康定市",
            "513301甘孜县",
        ] {
            assert_eq!(ganzi().read(text), Err(RegionFault::Unknown), "{text}");
        }
        for text in ["", "51330", "5133010", "x", "康定"] {
            assert_eq!(ganzi().read(text), Err(RegionFault::Form), "{text}");
        }
    }
}
