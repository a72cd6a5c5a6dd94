//! Invented people of one prefecture.
//!
//! Source: GB 11643-1999 6 (number and its check character); GB/T 2260 (counties of 513300).
//! Owns: names, dates and numbers drawn from a seeded sequence; the check character in a spelling of its own.
//! Never: copies a person; draws from the machine's entropy.

/// The eighteen counties of prefecture 513300 (甘孜藏族自治州).
pub const COUNTIES: [(&str, &str); 18] = [
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

const HAN_SURNAMES: [&str; 12] = ["王", "李", "张", "刘", "陈", "杨", "赵", "黄", "周", "吴", "欧阳", "罗"];
const HAN_GIVEN: [&str; 16] = [
    "试明", "样芳", "例强", "拟静", "试磊", "样敏", "例洋", "拟艳", "试勇", "样娟", "例涛", "拟霞", "试平", "样桂",
    "例超", "拟莲",
];
const TIBETAN: [&str; 20] = [
    "扎西", "多吉", "卓玛", "丹增", "格桑", "次仁", "洛桑", "旺姆", "仁青", "贡秋", "泽仁", "央金", "嘎玛", "尼玛",
    "白玛", "达瓦", "阿旺", "索朗", "拉姆", "曲珍",
];
const YI_NAMES: [&str; 6] = ["阿依", "木呷", "尔古", "曲比", "沙马", "吉克"];
const STREETS: [&str; 6] = ["示范路", "样例街", "虚构巷", "演示村", "试点乡", "假想镇"];
const EMPLOYERS: [&str; 5] = ["示例县供销社", "虚构小学", "样例乡卫生院", "演示牧场", ""];

/// A person as the centre must know him after the import.
#[derive(Debug, Clone)]
pub struct Person {
    /// 社会保障号码: the GB 11643 number.
    pub number: String,
    /// 姓名, separated by U+00B7 where it has parts.
    pub name: String,
    /// `1` male, `2` female.
    pub sex: char,
    /// County, six digits of GB/T 2260.
    pub region: String,
    /// `YYYYMMDD`.
    pub birth_date: String,
}

impl Person {
    /// Bytes of the name on the chip: every character used here takes two in GBK, ASCII one.
    pub fn name_bytes(&self) -> usize {
        self.name.chars().map(|character| if character.is_ascii() { 1 } else { 2 }).sum()
    }
}

/// A seeded sequence from which people are invented.
#[derive(Debug)]
pub(super) struct Invention {
    state: u64,
    serial: u32,
}

impl Invention {
    pub(super) fn new(seed: u64) -> Self {
        Self { state: seed, serial: 0 }
    }

    /// A number below `bound` (SplitMix64, modulo bias is of no interest here).
    pub(super) fn below(&mut self, bound: usize) -> usize {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^= mixed >> 31;
        let bound = u64::try_from(bound).expect("a list has fewer than 2^64 entries");
        usize::try_from(mixed % bound).expect("below a list's length")
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.below(from.len())]
    }

    /// The row of person `index` as the bureau wrote it, and the person that the centre must make of it.
    pub(super) fn good_person(&mut self, index: usize) -> (Vec<String>, Person) {
        let (region, county) = COUNTIES[index % COUNTIES.len()];
        let sex = if self.below(2) == 0 { '1' } else { '2' };
        let (name, ethnic) = self.name(index);
        let person = self.person(region, sex, name);
        let mut cells = self.cells(&person, county, ethnic);
        // Bureaus type the dot of a name in many ways; the centre knows only one.
        let dot = ['·', '•', '‧', '・'][index % 4];
        cells[1] = cells[1].replace('·', &dot.to_string());
        (cells, person)
    }

    /// A faultless person of some county, for a fault to be put into.
    pub(super) fn spare(&mut self) -> (Vec<String>, Person) {
        let (region, county) = COUNTIES[self.below(COUNTIES.len())];
        let sex = if self.below(2) == 0 { '1' } else { '2' };
        let name = format!("{}{}", self.pick(&HAN_SURNAMES), self.pick(&HAN_GIVEN));
        let person = self.person(region, sex, name);
        let cells = self.cells(&person, county, "01");
        (cells, person)
    }

    fn person(&mut self, region: &str, sex: char, name: String) -> Person {
        let birth_date = format!("{:04}{:02}{:02}", 1935 + self.below(80), 1 + self.below(12), 1 + self.below(28));
        // Digit 17 is odd for a man. The serial makes every number differ; it starts at 400.
        self.serial += 1;
        let base = 400 + (self.serial % 250) * 2;
        let order = if sex == '1' { base + 1 } else { base };
        let body = format!("{region}{birth_date}{order:03}");
        let number = format!("{body}{}", check_character(&body));
        Person { number, name, sex, region: region.to_owned(), birth_date }
    }

    fn cells(&mut self, person: &Person, county: &str, ethnic: &str) -> Vec<String> {
        let address = format!("四川省甘孜州{county}{}{}号", self.pick(&STREETS), 1 + self.below(300));
        let phone = format!("1990000{:04}", self.below(10_000));
        vec![
            person.number.clone(),
            person.name.clone(),
            person.sex.to_string(),
            ethnic.to_owned(),
            person.birth_date.clone(),
            person.region.clone(),
            address,
            phone,
            self.pick(&EMPLOYERS).to_owned(),
        ]
    }

    fn name(&mut self, index: usize) -> (String, &'static str) {
        match index % 9 {
            // Two to eight parts: from six parts on the name needs its extension.
            0 | 2 | 4 | 6 => {
                let parts = 2 + index % 7;
                let name: Vec<&str> = (0..parts).map(|_| self.pick(&TIBETAN)).collect();
                (name.join("·"), "04")
            }
            1 => (format!("{}{}", self.pick(&TIBETAN), self.pick(&TIBETAN)), "04"),
            3 => (format!("{}{}", self.pick(&YI_NAMES), self.pick(&HAN_GIVEN)), "07"),
            _ => (format!("{}{}", self.pick(&HAN_SURNAMES), self.pick(&HAN_GIVEN)), "01"),
        }
    }
}

/// The 18th character: the sum over all 18 places of value × 2^(place from the right) must be 1 modulo 11.
///
/// This is the definition of ISO 7064 MOD 11-2, worked as a running remainder; it uses no table of weights, so that it shares
/// nothing with one that does.
pub(super) fn check_character(body: &str) -> char {
    let remainder = body.bytes().fold(0u32, |remainder, byte| (remainder + u32::from(byte - b'0')) * 2 % 11);
    match (12 - remainder) % 11 {
        10 => 'X',
        digit => char::from_digit(digit, 10).expect("below ten"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn check_character_of_the_published_example() {
        assert_eq!(check_character("11010519491231002"), 'X');
        assert_eq!(check_character("44052418800101001"), '4');
    }
}
