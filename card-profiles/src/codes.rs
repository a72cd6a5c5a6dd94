//! National code lists that card items refer to: sex, ethnic group, region.
//!
//! Source: GB/T 2261.1 (sex), GB/T 3304 (ethnic groups), GB/T 2260 (regions; editions in `data/regions.txt`).
//! Owns: the lists and looking up both ways. Never: decides whether an abolished code is acceptable.

use std::sync::LazyLock;

/// GB/T 2261.1: code and name.
pub const SEXES: [(char, &str); 4] = [('0', "未知的性别"), ('1', "男"), ('2', "女"), ('9', "未说明的性别")];

/// GB/T 3304: names by number 01 to 56.
const ETHNIC_GROUPS: [&str; 56] = [
    "汉族",
    "蒙古族",
    "回族",
    "藏族",
    "维吾尔族",
    "苗族",
    "彝族",
    "壮族",
    "布依族",
    "朝鲜族",
    "满族",
    "侗族",
    "瑶族",
    "白族",
    "土家族",
    "哈尼族",
    "哈萨克族",
    "傣族",
    "黎族",
    "傈僳族",
    "佤族",
    "畲族",
    "高山族",
    "拉祜族",
    "水族",
    "东乡族",
    "纳西族",
    "景颇族",
    "柯尔克孜族",
    "土族",
    "达斡尔族",
    "仫佬族",
    "羌族",
    "布朗族",
    "撒拉族",
    "毛南族",
    "仡佬族",
    "锡伯族",
    "阿昌族",
    "普米族",
    "塔吉克族",
    "怒族",
    "乌孜别克族",
    "俄罗斯族",
    "鄂温克族",
    "德昂族",
    "保安族",
    "裕固族",
    "京族",
    "塔塔尔族",
    "独龙族",
    "鄂伦春族",
    "赫哲族",
    "门巴族",
    "珞巴族",
    "基诺族",
];

/// GB/T 3304: numbers outside the 56.
const OTHER_GROUPS: [(u8, &str); 2] = [(97, "其他"), (98, "外国血统中国籍人士")];

/// The name of a sex code.
#[must_use]
pub fn sex_name(code: char) -> Option<&'static str> {
    SEXES.into_iter().find(|(known, _)| *known == code).map(|(_, name)| name)
}

/// The code of a sex by name: `男`, `男性`.
#[must_use]
pub fn sex_code(name: &str) -> Option<char> {
    let name = name.strip_suffix('性').filter(|short| short.chars().count() == 1).unwrap_or(name);
    SEXES.into_iter().find(|(_, known)| *known == name).map(|(code, _)| code)
}

/// The name of an ethnic group by its number, 1 to 56, 97, 98.
#[must_use]
pub fn ethnic_group_name(number: u8) -> Option<&'static str> {
    let listed = usize::from(number).checked_sub(1).and_then(|index| ETHNIC_GROUPS.get(index)).copied();
    listed.or_else(|| OTHER_GROUPS.into_iter().find(|(known, _)| *known == number).map(|(_, name)| name))
}

/// The number of an ethnic group by name, with or without 族.
#[must_use]
pub fn ethnic_group_number(name: &str) -> Option<u8> {
    let all = ETHNIC_GROUPS.iter().copied().zip(1..).chain(OTHER_GROUPS.map(|(number, name)| (name, number)));
    let is_meant = |known: &str| known == name || known.strip_suffix('族') == Some(name);
    all.into_iter().find(|(known, _)| is_meant(known)).map(|(_, number)| number)
}

/// A region (行政区划).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Region {
    /// Six digits.
    pub code: &'static str,
    /// Its own name, without those above it: `泸定县`.
    pub name: &'static str,
    /// Whether the code is in force in the newest edition.
    pub in_force: bool,
}

static REGIONS: LazyLock<Vec<Region>> = LazyLock::new(|| {
    let lines = include_str!("../data/regions.txt").lines().filter(|line| !line.starts_with('#'));
    lines.filter_map(region_of_line).collect()
});

fn region_of_line(line: &'static str) -> Option<Region> {
    let (code, rest) = line.split_at_checked(6)?;
    let (mark, name) = rest.split_at_checked(1)?;
    Some(Region { code, name, in_force: mark != "-" })
}

/// The region with this code of six digits.
#[must_use]
pub fn region(code: &str) -> Option<Region> {
    let regions = &*REGIONS;
    regions.binary_search_by(|region| region.code.cmp(code)).ok().and_then(|index| regions.get(index)).copied()
}

/// Name with those above it: `四川省甘孜藏族自治州泸定县`. Levels that only group (`市辖区`, `县`) are left out.
#[must_use]
pub fn region_full_name(code: &str) -> Option<String> {
    let own = region(code)?;
    let (province, city) = (format!("{}0000", code.get(..2)?), format!("{}00", code.get(..4)?));
    let above = [province, city].into_iter().filter(|upper| upper != code).filter_map(|upper| region(&upper));
    let names = above.map(|region| region.name).filter(|name| !groups_only(name));
    Some(names.chain([own.name]).collect())
}

fn groups_only(name: &str) -> bool {
    matches!(name, "市辖区" | "县" | "省直辖县级行政区划" | "自治区直辖县级行政区划")
}

/// Regions in force of which `full_name` is the own or the full name; several places can share an own name.
#[must_use]
pub fn regions_named(name: &str) -> Vec<Region> {
    let named = |region: &&Region| {
        region.name == name || (name.ends_with(region.name) && region_full_name(region.code).as_deref() == Some(name))
    };
    REGIONS.iter().filter(|region| region.in_force).filter(named).copied().collect()
}

/// Regions in force directly below a prefecture (`513300`): its counties.
#[must_use]
pub fn counties_of(prefecture: &str) -> Vec<Region> {
    let Some(prefix) = prefecture.strip_suffix("00").filter(|prefix| prefix.len() == 4) else { return Vec::new() };
    let below = |region: &&Region| region.in_force && region.code.starts_with(prefix) && region.code != prefecture;
    REGIONS.iter().filter(below).copied().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sexes_are_found_both_ways() {
        for (code, name) in SEXES {
            assert_eq!((sex_name(code), sex_code(name)), (Some(name), Some(code)));
        }
        assert_eq!(
            (sex_code("男性"), sex_code("女"), sex_code("M"), sex_name('3')),
            (Some('1'), Some('2'), None, None)
        );
    }

    #[test]
    fn every_ethnic_number_is_found_both_ways_and_no_other() {
        let found = (0..=255_u8).filter(|number| ethnic_group_name(*number).is_some()).count();
        assert_eq!(found, 58);
        for number in (1..=56).chain([97, 98]) {
            let name = ethnic_group_name(number).expect("listed");
            assert_eq!(ethnic_group_number(name), Some(number));
        }
        assert_eq!(
            (ethnic_group_name(1), ethnic_group_name(4), ethnic_group_name(33)),
            (Some("汉族"), Some("藏族"), Some("羌族"))
        );
        assert_eq!((ethnic_group_number("藏"), ethnic_group_number("基诺族")), (Some(4), Some(56)));
        assert_eq!(ethnic_group_number("火星族"), None);
    }

    #[test]
    fn the_prefecture_of_the_demo_has_its_18_counties() {
        let counties = counties_of("513300");
        assert_eq!(counties.len(), 18);
        let expected: Vec<String> =
            std::iter::once(513_301).chain(513_322..=513_338).map(|n: u32| n.to_string()).collect();
        assert_eq!(counties.iter().map(|region| region.code).collect::<Vec<_>>(), expected);
        assert_eq!(region_full_name("513322").as_deref(), Some("四川省甘孜藏族自治州泸定县"));
        assert_eq!(region_full_name("110101").as_deref(), Some("北京市东城区"));
        assert_eq!(regions_named("四川省甘孜藏族自治州泸定县"), [region("513322").expect("listed")]);
        assert_eq!(region("513321").map(|region| region.in_force), Some(false));
        assert_eq!((region("111111"), region("51332"), region("")), (None, None, None));
    }

    #[test]
    fn the_list_is_sorted_and_every_line_is_a_region() {
        let lines = include_str!("../data/regions.txt").lines().filter(|line| !line.starts_with('#')).count();
        assert_eq!(REGIONS.len(), lines);
        assert!(REGIONS.len() > 6_000);
        assert!(REGIONS.iter().zip(REGIONS.iter().skip(1)).all(|(left, right)| left.code < right.code));
        assert!(
            REGIONS
                .iter()
                .all(|region| region.code.bytes().all(|digit| digit.is_ascii_digit()) && !region.name.is_empty())
        );
    }
}
