//! What is wrong with the faulty rows of the registry.
//!
//! Source: the checks that a registry import owes (GB 11643, GB/T 2260, GB/T 3304; 50 bytes of GBK for a name on the chip).
//! Owns: one fault a row, so that the report can be compared row by row.

use super::people::{Invention, check_character};

/// What is wrong with a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum FaultKind {
    /// The 18th character does not fit the other 17.
    CheckDigit,
    /// The number holds a date that no calendar has.
    ImpossibleDateInNumber,
    /// The number is not 18 characters long.
    NumberLength,
    /// The number holds something other than digits.
    NumberCharacters,
    /// The date of birth is not the one of the number.
    BirthDateDiffers,
    /// The date of birth is no date.
    ImpossibleBirthDate,
    /// The date of birth lies in the future.
    FutureBirthDate,
    /// The sex is not the one of the number's 17th digit.
    SexDiffers,
    /// The sex is no code.
    UnknownSex,
    /// There is no sex.
    SexMissing,
    /// The ethnic group is no code.
    UnknownEthnicGroup,
    /// The region is no county of the prefecture.
    UnknownRegion,
    /// The person stands in the file already.
    Duplicate,
    /// The number stands in the file already, with another name.
    NumberTaken,
    /// The name needs more than 30 + 20 bytes.
    NameTooLong,
    /// The name has a character that GBK, and so the chip, does not have.
    NameUnencodable(char),
    /// The name has a character that no name has.
    NameCharacters,
    /// Two dots in a row.
    NameSeparator,
    /// There is no name.
    NameMissing,
    /// The telephone number has letters or too few digits.
    Phone,
    /// The address needs more than 80 bytes.
    AddressTooLong,
    /// The row has too few cells.
    TooFewCells,
}

impl FaultKind {
    /// The stable code that the import must give.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::CheckDigit => "NUMBER_CHECK",
            Self::ImpossibleDateInNumber => "NUMBER_DATE",
            Self::NumberLength => "NUMBER_LENGTH",
            Self::NumberCharacters => "NUMBER_CHARACTERS",
            Self::BirthDateDiffers => "BIRTH_DATE_DIFFERS",
            Self::ImpossibleBirthDate => "BIRTH_DATE_INVALID",
            Self::FutureBirthDate => "NUMBER_DATE_FUTURE",
            Self::SexDiffers => "SEX_DIFFERS",
            Self::UnknownSex => "SEX_UNKNOWN",
            Self::SexMissing | Self::NameMissing => "VALUE_MISSING",
            Self::UnknownEthnicGroup => "ETHNIC_GROUP_UNKNOWN",
            Self::UnknownRegion => "REGION_UNKNOWN",
            Self::Duplicate => "DUPLICATE_IN_FILE",
            Self::NumberTaken => "NUMBER_TAKEN_IN_FILE",
            Self::NameTooLong => "NAME_TOO_LONG",
            Self::NameUnencodable(_) => "NOT_ENCODABLE",
            Self::NameCharacters => "NAME_CHARACTER",
            Self::NameSeparator => "NAME_SEPARATOR",
            Self::Phone => "PHONE_INVALID",
            Self::AddressTooLong => "VALUE_TOO_LONG",
            Self::TooFewCells => "CELL_COUNT",
        }
    }
}

/// A row that must be refused, and why.
#[derive(Debug, Clone, Copy)]
pub struct FaultyRow {
    /// Line in the file, the header being 1.
    pub row: usize,
    /// Its one fault.
    pub kind: FaultKind,
}

/// A faulty row in the making.
pub(super) struct Fault {
    pub(super) kind: FaultKind,
    pub(super) cells: Vec<String>,
    /// For duplicates: how the file's first row is to be changed.
    pub(super) repeats: Option<fn(&mut Vec<String>)>,
}

const NUMBER: usize = 0;
const NAME: usize = 1;
const SEX: usize = 2;
const ETHNIC: usize = 3;
const BIRTH: usize = 4;
const REGION: usize = 5;
const ADDRESS: usize = 6;
const PHONE: usize = 7;

/// All faulty rows, two or more of most kinds.
pub(super) fn all(invention: &mut Invention) -> Vec<Fault> {
    let mut faults = Vec::new();
    let mut spoil = |kind: FaultKind, change: &dyn Fn(&mut Vec<String>)| {
        let (mut cells, _) = invention.spare();
        change(&mut cells);
        faults.push(Fault { kind, cells, repeats: None });
    };

    for _ in 0..3 {
        spoil(FaultKind::CheckDigit, &|cells| {
            let right = cells[NUMBER].pop().expect("a number has 18 characters");
            cells[NUMBER].push(if right == '5' { '6' } else { '5' });
        });
    }
    for impossible in ["19990230", "20011301"] {
        spoil(FaultKind::ImpossibleDateInNumber, &|cells| {
            let body = format!("{}{impossible}{}", &cells[NUMBER][..6], &cells[NUMBER][14..17]);
            cells[NUMBER] = format!("{body}{}", check_character(&body));
            cells[BIRTH] = String::from("19990228");
        });
    }
    spoil(FaultKind::NumberLength, &|cells| cells[NUMBER].truncate(17));
    spoil(FaultKind::NumberLength, &|cells| cells[NUMBER].truncate(15));
    spoil(FaultKind::NumberCharacters, &|cells| cells[NUMBER].replace_range(8..9, "O"));
    spoil(FaultKind::BirthDateDiffers, &|cells| cells[BIRTH] = String::from("19300101"));
    spoil(FaultKind::BirthDateDiffers, &|cells| cells[BIRTH] = String::from("19300102"));
    spoil(FaultKind::ImpossibleBirthDate, &|cells| cells[BIRTH] = String::from("19870229"));
    spoil(FaultKind::ImpossibleBirthDate, &|cells| cells[BIRTH] = String::from("87年3月"));
    spoil(FaultKind::FutureBirthDate, &|cells| {
        let body = format!("{}21870214{}", &cells[NUMBER][..6], &cells[NUMBER][14..17]);
        cells[NUMBER] = format!("{body}{}", check_character(&body));
        cells[BIRTH] = String::from("21870214");
    });
    for _ in 0..2 {
        spoil(FaultKind::SexDiffers, &|cells| cells[SEX] = String::from(if cells[SEX] == "1" { "2" } else { "1" }));
    }
    spoil(FaultKind::UnknownSex, &|cells| cells[SEX] = String::from("7"));
    spoil(FaultKind::SexMissing, &|cells| cells[SEX] = String::new());
    spoil(FaultKind::UnknownEthnicGroup, &|cells| cells[ETHNIC] = String::from("77"));
    spoil(FaultKind::UnknownRegion, &|cells| cells[REGION] = String::from("513399"));
    spoil(FaultKind::UnknownRegion, &|cells| cells[REGION] = String::from("110105"));
    spoil(FaultKind::NameTooLong, &|cells| cells[NAME] = ["丹增"; 9].join("·"));
    spoil(FaultKind::NameTooLong, &|cells| cells[NAME] = ["阿旺"; 12].join("·"));
    for private in ['\u{E000}', '\u{E001}', '\u{F8FF}'] {
        spoil(FaultKind::NameUnencodable(private), &|cells| cells[NAME].push(private));
    }
    spoil(FaultKind::NameUnencodable('\u{E002}'), &|cells| cells[NAME] = String::from("扎西·\u{E002}"));
    spoil(FaultKind::NameCharacters, &|cells| cells[NAME] = String::from("王?明"));
    spoil(FaultKind::NameCharacters, &|cells| cells[NAME] = String::from("李2静"));
    spoil(FaultKind::NameSeparator, &|cells| cells[NAME] = String::from("扎西··多吉"));
    spoil(FaultKind::NameMissing, &|cells| cells[NAME] = String::new());
    spoil(FaultKind::Phone, &|cells| cells[PHONE] = String::from("1990000123"));
    spoil(FaultKind::Phone, &|cells| cells[PHONE] = String::from("199-电话"));
    spoil(FaultKind::AddressTooLong, &|cells| cells[ADDRESS] = "长".repeat(41));
    spoil(FaultKind::TooFewCells, &|cells| cells.truncate(4));

    faults.push(Fault { kind: FaultKind::Duplicate, cells: Vec::new(), repeats: Some(|_| ()) });
    faults.push(Fault { kind: FaultKind::Duplicate, cells: Vec::new(), repeats: Some(|_| ()) });
    faults.push(Fault {
        kind: FaultKind::NumberTaken,
        cells: Vec::new(),
        repeats: Some(|cells| cells[NAME] = String::from("赵样例")),
    });
    faults
}
