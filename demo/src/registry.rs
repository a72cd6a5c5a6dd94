//! The person registry as a bureau sends it: GB 18030 CSV with Chinese headers, good rows and faulty ones.
//!
//! Source: GB 11643 (number), GB/T 2260 (region), GB/T 3304 (ethnic group), the notice of twelve ministries on names with `·`.
//! Owns: invented people, made from a fixed seed, and the list of what is wrong with each faulty row.
//! Never: reads a real register; asks the product what it thinks of a row.
//! Units: rows are lines of the file, the header being row 1.

mod faults;
mod people;

pub use faults::{FaultKind, FaultyRow};
pub use people::{COUNTIES, Person};

use people::Invention;

/// The column headers, in the order of the file.
pub const HEADERS: [&str; 9] =
    ["社会保障号码", "姓名", "性别", "民族", "出生日期", "行政区划代码", "常住户口所在地地址", "联系电话", "单位名称"];

/// Good people in each county: 18 × 19 = 342 of them.
const PEOPLE_PER_COUNTY: usize = 19;

/// One registry file and what a correct import must say about it.
#[derive(Debug)]
pub struct Registry {
    /// The rows that must be accepted, with the values as they must be stored.
    pub good: Vec<GoodRow>,
    /// The rows that must be refused, each with its one fault.
    pub faulty: Vec<FaultyRow>,
    lines: Vec<Vec<String>>,
}

/// A row that must be accepted.
#[derive(Debug)]
pub struct GoodRow {
    /// Line in the file, the header being 1.
    pub row: usize,
    /// The person as the centre must know him: name with the standard dot.
    pub person: Person,
}

impl Registry {
    /// Invents the registry of `seed`: the same seed gives the same bytes.
    pub fn invent(seed: u64) -> Self {
        let mut invention = Invention::new(seed);
        let mut registry = Self { good: Vec::new(), faulty: Vec::new(), lines: Vec::new() };
        let mut faults = faults::all(&mut invention).into_iter();
        let total = COUNTIES.len() * PEOPLE_PER_COUNTY;
        for index in 0..total {
            let (written, person) = invention.good_person(index);
            registry.push_good(written, person);
            // A faulty row after every eighth person, so that faults lie all over the file; the rest at its end.
            if index % 8 == 7
                && let Some(fault) = faults.next()
            {
                registry.push_faulty(fault);
            }
        }
        for fault in faults {
            registry.push_faulty(fault);
        }
        registry
    }

    /// The file: GB 18030, CRLF, as a spreadsheet program of the bureau saves it.
    pub fn to_gb18030(&self) -> Vec<u8> {
        let mut text = csv_line(HEADERS.iter().copied());
        for line in &self.lines {
            text.push_str(&csv_line(line.iter().map(String::as_str)));
        }
        let (bytes, _, unmappable) = encoding_rs::GB18030.encode(&text);
        assert!(!unmappable, "GB 18030 covers all of Unicode");
        bytes.into_owned()
    }

    fn push_good(&mut self, written: Vec<String>, person: Person) {
        self.lines.push(written);
        self.good.push(GoodRow { row: self.lines.len() + 1, person });
    }

    fn push_faulty(&mut self, fault: faults::Fault) {
        let cells = match fault.repeats {
            // A repeated person needs his first appearance in the file: the first good row.
            Some(change) => {
                let mut cells = self.lines[0].clone();
                change(&mut cells);
                cells
            }
            None => fault.cells,
        };
        self.lines.push(cells);
        self.faulty.push(FaultyRow { row: self.lines.len() + 1, kind: fault.kind });
    }
}

fn csv_line<'a>(cells: impl Iterator<Item = &'a str>) -> String {
    let mut line = String::new();
    for (index, cell) in cells.enumerate() {
        if index > 0 {
            line.push(',');
        }
        if cell.contains([',', '"', '\n']) {
            line.push('"');
            line.push_str(&cell.replace('"', "\"\""));
            line.push('"');
        } else {
            line.push_str(cell);
        }
    }
    line.push_str("\r\n");
    line
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn the_same_seed_gives_the_same_file() {
        assert_eq!(Registry::invent(7).to_gb18030(), Registry::invent(7).to_gb18030());
        assert_ne!(Registry::invent(7).to_gb18030(), Registry::invent(8).to_gb18030());
    }

    #[test]
    fn the_file_is_as_large_and_as_faulty_as_the_journey_needs() {
        let registry = Registry::invent(1);
        assert_eq!(registry.good.len(), 342);
        assert!(registry.faulty.len() >= 30, "{} faulty rows", registry.faulty.len());
        let kinds: BTreeSet<_> = registry.faulty.iter().map(|fault| fault.kind).collect();
        assert!(kinds.len() >= 14, "{} kinds", kinds.len());
        let counties: BTreeSet<_> = registry.good.iter().map(|row| row.person.region.clone()).collect();
        assert_eq!(counties.len(), 18);
        let numbers: BTreeSet<_> = registry.good.iter().map(|row| row.person.number.clone()).collect();
        assert_eq!(numbers.len(), 342, "every good person has a number of his own");
    }

    #[test]
    fn names_reach_into_the_extension_and_dots_into_every_spelling() {
        let registry = Registry::invent(1);
        let long = registry.good.iter().filter(|row| row.person.name_bytes() > 30).count();
        assert!(long >= 10, "{long} names above 30 bytes");
        assert!(registry.good.iter().all(|row| row.person.name_bytes() <= 50));
        assert!(registry.good.iter().all(|row| !row.person.name.contains(['•', '‧', '・', '．'])));
        let text = registry.lines.concat().concat();
        for dot in ['·', '•', '‧', '・'] {
            assert!(text.contains(dot), "{dot} is written somewhere");
        }
    }

    #[test]
    fn rows_are_the_lines_of_the_file() {
        let registry = Registry::invent(1);
        let bytes = registry.to_gb18030();
        let (text, _, _) = encoding_rs::GB18030.decode(&bytes);
        let lines: Vec<&str> = text.split("\r\n").collect();
        for good in &registry.good {
            assert!(lines[good.row - 1].starts_with(&good.person.number));
        }
        assert!(lines[0].starts_with("社会保障号码,姓名"));
    }
}
