//! National code lists that card items refer to: region, ethnic group, sex, marital status, education, politics, occupation,
//! nationality.
//!
//! Source: GB/T 2260, 3304, 2261.1, 2261.2, 4658, 4762, 6565, 2659; values and editions in `data/`.
//! Owns: the lists with their editions and looking up. Never: decides whether an abolished code is acceptable.

use std::sync::LazyLock;

/// A national code list that items of a card refer to.
#[derive(Clone, Copy, Debug)]
pub struct CodeList {
    /// Number of the standard.
    pub standard: &'static str,
    /// What it codes, in Chinese and English.
    pub subject: (&'static str, &'static str),
    /// Which edition the values are of, and who says so; in Chinese and English.
    pub edition: (&'static str, &'static str),
    /// The values, a line each, below a head.
    text: &'static str,
    /// Words in the element ids that hold such a code.
    pub elements: &'static [&'static str],
}

/// The lists that the sources of the card name.
pub const LISTS: [CodeList; 8] = [
    CodeList {
        standard: "GB/T 2260",
        subject: ("行政区划", "administrative divisions"),
        edition: (
            "现行代码为 2023-06-30 版，废止代码取自 2020-10 版；卡片资料未说明版本",
            "codes in force of 2023-06-30, abolished ones of 2020-10; the sources of the card name no edition",
        ),
        text: include_str!("../data/regions.txt"),
        elements: &["region", "birthplace"],
    },
    CodeList {
        standard: "GB/T 3304",
        subject: ("民族", "ethnic groups"),
        edition: (
            "1991 年版 (公开目录所列)；卡片资料未说明版本",
            "1991, as public indexes list it; the sources of the card name no edition",
        ),
        text: include_str!("../data/ethnic_groups.txt"),
        elements: &["ethnic_group"],
    },
    CodeList {
        standard: "GB/T 2261.1",
        subject: ("性别", "sex"),
        edition: (
            "2003 年版 (公开目录所列)；卡片资料未说明版本",
            "2003, as public indexes list it; the sources of the card name no edition",
        ),
        text: include_str!("../data/sexes.txt"),
        elements: &["sex"],
    },
    CodeList {
        standard: "GB/T 2261.2",
        subject: ("婚姻状况", "marital status"),
        edition: (
            "2003 年版 (公开目录所列)；卡片资料未说明版本",
            "2003, as public indexes list it; the sources of the card name no edition",
        ),
        text: include_str!("../data/marital_statuses.txt"),
        elements: &["marital_status"],
    },
    CodeList {
        standard: "GB/T 4658",
        subject: ("学历", "education"),
        edition: (
            "2006 年版 (公开目录所列)；卡片资料未说明版本",
            "2006, as public indexes list it; the sources of the card name no edition",
        ),
        text: include_str!("../data/education_levels.txt"),
        elements: &["education_level"],
    },
    CodeList {
        standard: "GB/T 4762",
        subject: ("政治面貌", "political status"),
        edition: (
            "1984 年版 (公开目录所列)；卡片资料未说明版本",
            "1984, as public indexes list it; the sources of the card name no edition",
        ),
        text: include_str!("../data/political_affiliations.txt"),
        elements: &["political_affiliation"],
    },
    CodeList {
        standard: "GB/T 6565",
        subject: ("职业", "occupations"),
        edition: (
            "2015 年版 (公开目录所列) 的大类和中类，不含小类；卡片资料未说明版本",
            "major and middle classes of 2015, as public indexes list it, without the small classes; the sources of the card name no edition",
        ),
        text: include_str!("../data/occupations.txt"),
        elements: &["occupation"],
    },
    CodeList {
        standard: "GB/T 2659",
        subject: ("国籍", "nationalities"),
        edition: (
            "2022 年版 (公开目录所列) 的数字代码，附三字母代码；卡片资料未说明版本和代码形式，其测试值 086 不是中国的代码",
            "numeric codes of 2022, as public indexes list it, with those of three letters; the sources of the card name neither edition nor form, and their test value 086 is not China's",
        ),
        text: include_str!("../data/nationalities.txt"),
        elements: &["nationality"],
    },
];

impl CodeList {
    /// How many values it has.
    #[must_use]
    pub fn values(&self) -> usize {
        lines(self.text).count()
    }

    /// Code and name of each value. An abolished region has a `-` before its name.
    pub fn rows(&self) -> impl Iterator<Item = (&'static str, &'static str)> {
        lines(self.text).filter_map(|line| {
            let end = line.find(|character: char| !character.is_ascii_digit())?;
            let (code, name) = line.split_at_checked(end)?;
            Some((code, name.trim_start()))
        })
    }

    /// Whether an element of this id holds a code of the list: one of its words, alone or joined by `_`.
    #[must_use]
    pub fn is_of(&self, element: &str) -> bool {
        self.elements.iter().any(|word| {
            element.split_once(word).is_some_and(|(before, after)| {
                (before.is_empty() || before.ends_with('_')) && (after.is_empty() || after.starts_with('_'))
            })
        })
    }
}

/// Lists whose codes all have as many digits as the items that hold them.
const FILLING: [&str; 2] = ["GB/T 2260", "GB/T 3304"];

/// Whether an element of this id holds a region or an ethnic group, whose codes fill their items.
#[must_use]
pub fn fills_its_item(element: &str) -> bool {
    LISTS.iter().any(|list| FILLING.contains(&list.standard) && list.is_of(element))
}

/// The lines of a data file below its head.
fn lines(text: &'static str) -> impl Iterator<Item = &'static str> {
    text.lines().filter(|line| !line.starts_with('#'))
}

/// Code and name.
static SEXES: LazyLock<Vec<(char, &str)>> = LazyLock::new(|| {
    let rows = lines(include_str!("../data/sexes.txt"));
    rows.filter_map(|line| line.split_once(' ')).filter_map(|(code, name)| Some((code.chars().next()?, name))).collect()
});

/// Number and name: 01 to 56, 97, 98.
static ETHNIC_GROUPS: LazyLock<Vec<(u8, &str)>> = LazyLock::new(|| {
    let rows = lines(include_str!("../data/ethnic_groups.txt"));
    rows.filter_map(|line| line.split_once(' '))
        .filter_map(|(number, name)| Some((number.parse().ok()?, name)))
        .collect()
});

/// The name of a sex code.
#[must_use]
pub fn sex_name(code: char) -> Option<&'static str> {
    SEXES.iter().find(|(known, _)| *known == code).map(|(_, name)| *name)
}

/// The code of a sex by name: `男`, `男性`.
#[must_use]
pub fn sex_code(name: &str) -> Option<char> {
    let name = name.strip_suffix('性').filter(|short| short.chars().count() == 1).unwrap_or(name);
    SEXES.iter().find(|(_, known)| *known == name).map(|(code, _)| *code)
}

/// The name of an ethnic group by its number, 1 to 56, 97, 98.
#[must_use]
pub fn ethnic_group_name(number: u8) -> Option<&'static str> {
    ETHNIC_GROUPS.iter().find(|(known, _)| *known == number).map(|(_, name)| *name)
}

/// The number of an ethnic group by name, with or without 族.
#[must_use]
pub fn ethnic_group_number(name: &str) -> Option<u8> {
    let is_meant = |known: &str| known == name || known.strip_suffix('族') == Some(name);
    ETHNIC_GROUPS.iter().find(|(_, known)| is_meant(known)).map(|(number, _)| *number)
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

static REGIONS: LazyLock<Vec<Region>> =
    LazyLock::new(|| lines(include_str!("../data/regions.txt")).filter_map(region_of_line).collect());

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
        for (code, name) in SEXES.iter() {
            assert_eq!((sex_name(*code), sex_code(name)), (Some(*name), Some(*code)));
        }
        assert_eq!(SEXES.iter().map(|(code, _)| *code).collect::<String>(), "0129");
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
    fn every_line_of_a_list_is_a_value_and_its_head_names_standard_and_edition() {
        let editions = ["GB/T 2260", "GB/T 3304-1991", "GB/T 2261.1-2003", "GB/T 2261.2-2003", "GB/T 4658-2006"];
        let editions = editions.into_iter().chain(["GB/T 4762-1984", "GB/T 6565-2015", "GB/T 2659.1-2022"]);
        assert_eq!(editions.clone().count(), LISTS.len());
        for (standard, list) in editions.zip(LISTS) {
            let text = list.text;
            assert!(text.starts_with(&format!("# {standard} ")), "{standard}");
            assert!(
                text.lines().any(|line| line.starts_with('#') && line.to_lowercase().contains("edition")),
                "{standard}"
            );
            assert!(standard.starts_with(list.standard));
            let year = standard.split_once('-').map_or("2023", |(_, year)| year);
            assert!(list.edition.0.starts_with(year) || list.edition.0.contains(&format!(" {year}-")), "{standard}");
            assert!(list.edition.1.contains(year), "{standard}");
            assert_eq!(list.rows().count(), list.values(), "{standard}");
            assert!(list.rows().all(|(_, name)| !name.is_empty()), "{standard}");
        }
    }

    #[test]
    fn the_lists_are_whole_by_the_counts_of_their_standards() {
        let list = |standard: &str| LISTS.into_iter().find(|list| list.standard == standard).expect(standard);
        let name = |standard: &str, code: &str| list(standard).rows().find(|row| row.0 == code).map(|row| row.1);
        let values = LISTS.map(|list| list.values());
        assert_eq!(values[1..], [58, 4, 8, 40, 13, 8 + 75, 249]);
        for list in &LISTS[1..6] {
            let codes: Vec<&str> = list.rows().map(|(code, _)| code).collect();
            assert!(codes.is_sorted() && codes.iter().all(|code| code.len() == codes[0].len()), "{}", list.standard);
        }
        // A middle class stands below its major class, and every major class has one.
        let occupations: Vec<&str> = list("GB/T 6565").rows().map(|(code, _)| code).collect();
        for digit in "12345678".chars() {
            let of: Vec<&&str> = occupations.iter().filter(|code| code.starts_with(digit)).collect();
            assert!(of.len() > 1 && of[0].len() == 1 && of[1..].iter().all(|code| code.len() == 3), "{of:?}");
        }
        assert_eq!((name("GB/T 2261.2", "30"), name("GB/T 4658", "28")), (Some("丧偶"), Some("大学普通班毕业")));
        assert_eq!((name("GB/T 4762", "13"), name("GB/T 6565", "205")), (Some("群众"), Some("卫生专业技术人员")));
        assert_eq!((name("GB/T 2659", "156"), name("GB/T 2659", "276")), (Some("CHN 中国"), Some("DEU 德国")));
        let letters = |row: &str| {
            row.split(' ').next().is_some_and(|code| code.len() == 3 && code.bytes().all(|c| c.is_ascii_uppercase()))
        };
        assert!(list("GB/T 2659").rows().all(|(code, row)| code.len() == 3 && letters(row)));
        assert_eq!((name("GB/T 2261.2", "50"), name("GB/T 4658", "50")), (None, None));
    }

    #[test]
    fn every_list_has_its_items_on_a_card_and_no_others() {
        let profile = crate::builtin("ssc-3.0").expect("built in");
        let rows = || profile.df.iter().flat_map(|df| &df.ef).flat_map(|ef| &ef.elements);
        for list in LISTS {
            let found: Vec<&str> = rows().map(|row| &*row.id).filter(|id| list.is_of(id)).collect();
            assert!(!found.is_empty(), "{}", list.standard);
        }
        let region = |id| LISTS[0].is_of(id);
        assert!(region("insured_region") && region("region_4d") && region("region") && region("birthplace"));
        assert!(!region("regional_number") && !region("subregion") && !LISTS[2].is_of("sexes"));
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
