//! Certificates of people without a citizen number (证件): officers, Hong Kong, Macao and Taiwan permits, foreigners.
//!
//! Source: AAC058 as one vendor lists it; AAC161 (nationality) by the letters of GB/T 2659. The forms of the numbers are general knowledge,
//! and the social security number made from them is assumed (ADR 51): no source of the card names a rule.
//! Owns: kinds, the forms of their numbers, the text in which a dossier keeps a certificate. Never: the number of a citizen (`number`).

use std::sync::LazyLock;

use card_profiles::codes;

use super::Details;
use super::number::{FILLER, Number};
use crate::lang::Lang;

/// AAC058 证件类型.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// `01` 居民身份证 or 户口簿: a citizen number.
    Citizen,
    /// `02` 军官证.
    Officer,
    /// `03` 武警证.
    ArmedPolice,
    /// `04` 港澳居民来往内地通行证.
    HongKongMacao,
    /// `05` the same, of a resident of Macao.
    Macao,
    /// `06` 台湾居民来往大陆通行证.
    Taiwan,
    /// `07` 外国人永久居留证.
    Permanent,
    /// `08` 外国护照.
    Passport,
}

/// China's own letters, and those of the places whose people are Chinese citizens with permits.
const CHINA: &str = "CHN";
const PLACES: [&str; 4] = [CHINA, "HKG", "MAC", "TWN"];
/// Words before 字第 on certificates of the forces, and the letter that stands for each in a number (assumed).
const WORDS: [(char, char); 8] =
    [('军', 'J'), ('士', 'S'), ('文', 'W'), ('学', 'X'), ('退', 'T'), ('离', 'L'), ('武', 'A'), ('警', 'P')];

/// A certificate.
#[derive(Clone, PartialEq, Eq)]
pub struct Certificate {
    /// Its kind.
    pub kind: Kind,
    /// Its number: letters and digits without blanks, without the count of renewals.
    pub number: String,
    /// AAC161: three letters of GB/T 2659.
    pub nationality: &'static str,
}

/// Why a certificate cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CertificateFault {
    /// Its number is none of its kind.
    Form,
    /// The nationality must be said and is not.
    NationalityMissing,
    /// The nationality is not one of holders of this kind.
    NationalityDiffers,
}

impl Kind {
    /// All, in order of code.
    pub const ALL: [Self; 8] = [
        Self::Citizen,
        Self::Officer,
        Self::ArmedPolice,
        Self::HongKongMacao,
        Self::Macao,
        Self::Taiwan,
        Self::Permanent,
        Self::Passport,
    ];

    /// AAC058.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Citizen => "01",
            Self::Officer => "02",
            Self::ArmedPolice => "03",
            Self::HongKongMacao => "04",
            Self::Macao => "05",
            Self::Taiwan => "06",
            Self::Permanent => "07",
            Self::Passport => "08",
        }
    }

    /// The kind of a code.
    #[must_use]
    pub fn of_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.code() == code)
    }

    /// How its number is written.
    #[must_use]
    pub const fn form(self, lang: Lang) -> &'static str {
        match (self, lang) {
            (Self::Citizen, Lang::Zh) => "18 位公民身份号码",
            (Self::Citizen, Lang::En) => "a citizen number of 18 characters",
            (Self::Officer | Self::ArmedPolice, Lang::Zh) => {
                "如 军字第1234567号: 军、士、文、学、退、离、武、警之一，4 至 10 位数字"
            }
            (Self::Officer | Self::ArmedPolice, Lang::En) => {
                "as 军字第1234567号: one of 军 士 文 学 退 离 武 警, then 4 to 10 digits"
            }
            (Self::HongKongMacao, Lang::Zh) => "H 或 M 加 8 位数字（其后可有两位换证次数）",
            (Self::HongKongMacao, Lang::En) => "H or M and 8 digits, perhaps two more that count renewals",
            (Self::Macao, Lang::Zh) => "M 加 8 位数字（其后可有两位换证次数）",
            (Self::Macao, Lang::En) => "M and 8 digits, perhaps two more that count renewals",
            (Self::Taiwan, Lang::Zh) => "8 位数字（其后可有两位换证次数和一个字母）",
            (Self::Taiwan, Lang::En) => "8 digits, perhaps two more that count renewals, and a letter",
            (Self::Permanent, Lang::Zh) => "三个国家字母加 12 位数字，或 9 开头的 18 位号码",
            (Self::Permanent, Lang::En) => "three letters of a state and 12 digits, or 18 digits that begin with 9",
            (Self::Passport, Lang::Zh) => "5 至 14 位字母和数字",
            (Self::Passport, Lang::En) => "5 to 14 letters and digits",
        }
    }
}

impl Certificate {
    /// Reads a number as bureaus write it, blanks, hyphens and brackets not minding. `plain` has no full-width forms; `nationality` is
    /// what a registry says.
    ///
    /// # Errors
    /// [`CertificateFault`].
    pub fn read(kind: Kind, plain: &str, nationality: Option<&'static str>) -> Result<Self, CertificateFault> {
        let text: String = plain.chars().filter(|c| !(c.is_whitespace() || matches!(c, '-' | '(' | ')'))).collect();
        let text = text.to_uppercase();
        let number = number_of(kind, &text).ok_or(CertificateFault::Form)?;
        let nationality = match kind {
            Kind::Citizen => return Err(CertificateFault::Form),
            Kind::Officer | Kind::ArmedPolice | Kind::HongKongMacao | Kind::Macao | Kind::Taiwan => {
                nationality.is_none_or(|said| PLACES.contains(&said)).then_some(CHINA)
            }
            Kind::Permanent => {
                let own = nationality_letters(number.get(..3).unwrap_or_default()).ok_or(CertificateFault::Form)?;
                nationality.is_none_or(|said| said == own).then_some(own)
            }
            Kind::Passport => {
                let said = nationality.ok_or(CertificateFault::NationalityMissing)?;
                (!PLACES.contains(&said)).then_some(said)
            }
        };
        Ok(Self { kind, number, nationality: nationality.ok_or(CertificateFault::NationalityDiffers)? })
    }

    /// What a social security number says of the certificate from which it was made, or of a foreigner with permanent residence; `None`
    /// for a citizen number, also that of a residence permit.
    #[must_use]
    pub fn of_number(number: &Number, kind: Option<Kind>) -> Option<Self> {
        if let Some(nationality) = number.permanent_nationality() {
            return Some(Self { kind: Kind::Permanent, number: number.as_str().to_owned(), nationality });
        }
        let (letters, document) = number.made_from()?;
        let area = nationality_letters(letters)?;
        let fits = |kind: &Kind| match kind {
            Kind::Citizen => false,
            Kind::Officer | Kind::ArmedPolice => area == CHINA,
            Kind::HongKongMacao => matches!(area, "HKG" | "MAC"),
            Kind::Macao => area == "MAC",
            Kind::Taiwan => area == "TWN",
            Kind::Permanent | Kind::Passport => !PLACES.contains(&area),
        };
        let usual = match area {
            CHINA if document.starts_with(['A', 'P']) => Kind::ArmedPolice,
            CHINA => Kind::Officer,
            "HKG" | "MAC" => Kind::HongKongMacao,
            "TWN" => Kind::Taiwan,
            _ if document.len() == 12 && document.bytes().all(|byte| byte.is_ascii_digit()) => Kind::Permanent,
            _ => Kind::Passport,
        };
        let kind = kind.filter(fits).unwrap_or(usual);
        let number = if kind == Kind::Permanent { format!("{area}{document}") } else { document.to_owned() };
        let nationality = if PLACES.contains(&area) { CHINA } else { area };
        Some(Self { kind, number, nationality })
    }

    /// The social security number of its holder: three letters, a zero, the number (assumed).
    ///
    /// # Panics
    /// Never: every kind's number is short enough.
    #[must_use]
    pub fn social_number(&self) -> Number {
        let letters = match self.kind {
            Kind::Citizen | Kind::Officer | Kind::ArmedPolice => CHINA,
            Kind::HongKongMacao | Kind::Macao if self.number.starts_with('M') => "MAC",
            Kind::HongKongMacao | Kind::Macao => "HKG",
            Kind::Taiwan => "TWN",
            Kind::Permanent | Kind::Passport => self.nationality,
        };
        let document = if self.kind == Kind::Permanent { self.number.get(3..) } else { Some(self.number.as_str()) };
        let text = format!("{letters}{FILLER}{}", document.unwrap_or_default());
        Number::parse(&text).expect("letters of the list, a zero, at most 14 letters and digits")
    }

    /// Whether its holder is no citizen of China.
    #[must_use]
    pub fn is_foreign(&self) -> bool {
        self.nationality != CHINA
    }

    /// Whether its holder may have this nationality as a registry says it: permits are of Chinese citizens, whichever letters are written.
    #[must_use]
    pub fn may_be_of(&self, nationality: &str) -> bool {
        self.nationality == nationality || !self.is_foreign() && PLACES.contains(&nationality)
    }

    /// As a dossier keeps it: `08 E12345678 GBR`.
    #[must_use]
    pub fn text(&self) -> String {
        format!("{} {} {}", self.kind.code(), self.number, self.nationality)
    }

    /// The certificate of registered details; that of a citizen when they name none.
    #[must_use]
    pub fn of(details: &Details) -> Self {
        Self::parse(&details.certificate).unwrap_or_else(|| Self {
            kind: Kind::Citizen,
            number: details.number.clone(),
            nationality: CHINA,
        })
    }

    fn parse(text: &str) -> Option<Self> {
        let mut words = text.split(' ');
        let (kind, number, letters) = (words.next()?, words.next()?, words.next()?);
        Some(Self { kind: Kind::of_code(kind)?, number: number.to_owned(), nationality: nationality_letters(letters)? })
    }
}

/// The number of a certificate in its one form.
fn number_of(kind: Kind, text: &str) -> Option<String> {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    match kind {
        Kind::Citizen => None,
        Kind::Officer | Kind::ArmedPolice => {
            let word = text.chars().next()?;
            let (_, letter) = WORDS.into_iter().find(|(known, letter)| *known == word || *letter == word)?;
            let rest = text.get(word.len_utf8()..)?;
            let number = rest.strip_prefix("字第").unwrap_or(rest);
            let number = number.strip_suffix('号').unwrap_or(number);
            (digits(number) && (4..=10).contains(&number.len())).then(|| format!("{letter}{number}"))
        }
        Kind::HongKongMacao | Kind::Macao => {
            let number = text.strip_prefix('M').or_else(|| text.strip_prefix('H').filter(|_| kind != Kind::Macao))?;
            (digits(number) && matches!(number.len(), 8 | 10)).then(|| text.get(..9).map(str::to_owned))?
        }
        Kind::Taiwan => {
            let number =
                text.strip_suffix(|c: char| c.is_ascii_uppercase()).filter(|rest| rest.len() == 10).unwrap_or(text);
            (digits(number) && matches!(number.len(), 8 | 10)).then(|| text.get(..8).map(str::to_owned))?
        }
        Kind::Permanent => {
            let (letters, number) = text.split_at_checked(3)?;
            let foreign = nationality_letters(letters).is_some_and(|own| !PLACES.contains(&own));
            (foreign && digits(number) && number.len() == 12).then(|| text.to_owned())
        }
        Kind::Passport => {
            let plain = text.bytes().all(|byte| byte.is_ascii_digit() || byte.is_ascii_uppercase());
            let counted = text.bytes().any(|byte| byte.is_ascii_digit());
            (plain && counted && (5..=14).contains(&text.len())).then(|| text.to_owned())
        }
    }
}

/// Letters of a nationality from its three letters, its number of three digits or its Chinese name in GB/T 2659, or from two of them.
#[must_use]
pub fn nationality(plain: &str) -> Option<&'static str> {
    let text: String = plain.chars().filter(|c| !(c.is_whitespace() || matches!(c, '-' | '(' | ')'))).collect();
    // Nearly every row of a file says nothing.
    if text.is_empty() {
        return None;
    }
    let text = text.to_ascii_uppercase();
    let found = ROWS.iter().find(|(code, letters, name)| {
        let named = |text: &str| text == *name || name.strip_prefix("中国") == Some(text) && *letters != CHINA;
        let rest = |part: &str| text.strip_prefix(part).or_else(|| text.strip_suffix(part));
        *letters == text
            || *code == text
            || named(&text)
            || rest(letters).is_some_and(named)
            || rest(code).is_some_and(named)
    });
    found.map(|(_, letters, _)| *letters)
}

/// The letters themselves, when GB/T 2659 has them.
pub(super) fn nationality_letters(text: &str) -> Option<&'static str> {
    ROWS.iter().find(|(_, letters, _)| *letters == text).map(|(_, letters, _)| *letters)
}

/// The letters of a number of three digits.
pub(super) fn nationality_of_code(text: &str) -> Option<&'static str> {
    ROWS.iter().find(|(code, ..)| *code == text).map(|(_, letters, _)| *letters)
}

/// Code, letters and name of each state and region.
static ROWS: LazyLock<Vec<(&str, &str, &str)>> = LazyLock::new(|| {
    let list = codes::LISTS.iter().filter(|list| list.standard == "GB/T 2659").flat_map(codes::CodeList::rows);
    list.filter_map(|(code, row)| row.split_once(' ').map(|(letters, name)| (code, letters, name))).collect()
});

impl std::fmt::Debug for Certificate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Certificate({})", self.kind.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn number(kind: Kind, text: &str, nationality: Option<&'static str>) -> Result<String, CertificateFault> {
        Certificate::read(kind, text, nationality).map(|one| one.social_number().as_str().to_owned())
    }

    #[test]
    fn a_number_is_made_from_each_kind_of_certificate_and_renewals_are_one_person() {
        for (kind, texts, made) in [
            (Kind::Officer, &["军字第0012345号", "军字第 0012345 号", "J0012345"][..], "CHN0J0012345"),
            (Kind::ArmedPolice, &["武字第7654321号", "A7654321"], "CHN0A7654321"),
            (Kind::HongKongMacao, &["H12345678", "h1234567801", "H 12345678-02"], "HKG0H12345678"),
            (Kind::HongKongMacao, &["M12345678"], "MAC0M12345678"),
            (Kind::Macao, &["M1234567800"], "MAC0M12345678"),
            (Kind::Taiwan, &["01234567", "0123456701", "0123456702(B)"], "TWN001234567"),
            (Kind::Permanent, &["CAN110078102501", "can 110078102501"], "CAN0110078102501"),
        ] {
            for text in texts {
                assert_eq!(number(kind, text, None).as_deref(), Ok(made), "{text}");
            }
        }
        assert_eq!(number(Kind::Passport, "e12 345-678", Some("GBR")).as_deref(), Ok("GBR0E12345678"));
    }

    #[test]
    fn what_is_no_number_of_its_kind_is_refused() {
        for (kind, text) in [
            (Kind::Officer, "0012345"),
            (Kind::Officer, "军字第12号"),
            (Kind::Officer, "王字第0012345号"),
            (Kind::HongKongMacao, "C12345678"),
            (Kind::HongKongMacao, "H1234567"),
            (Kind::Macao, "H12345678"),
            (Kind::Taiwan, "T1234567"),
            (Kind::Taiwan, "012345678"),
            (Kind::Permanent, "ZZZ110078102501"),
            (Kind::Permanent, "CHN110078102501"),
            (Kind::Passport, "E123"),
            (Kind::Passport, "E12345678901234"),
            (Kind::Passport, "EABCDEFG"),
            (Kind::Passport, "E1234567é"),
            (Kind::Citizen, "E12345678"),
        ] {
            assert_eq!(number(kind, text, Some("CAN")), Err(CertificateFault::Form), "{text}");
        }
        assert_eq!(number(Kind::Passport, "E12345678", None), Err(CertificateFault::NationalityMissing));
        assert_eq!(number(Kind::Passport, "E12345678", Some("CHN")), Err(CertificateFault::NationalityDiffers));
        assert_eq!(number(Kind::Permanent, "CAN110078102501", Some("USA")), Err(CertificateFault::NationalityDiffers));
        assert_eq!(number(Kind::Taiwan, "01234567", Some("USA")), Err(CertificateFault::NationalityDiffers));
    }

    #[test]
    fn the_number_made_tells_its_certificate_again() {
        for (kind, text, nationality) in [
            (Kind::Officer, "军字第0012345号", None),
            (Kind::ArmedPolice, "警字第0012345号", None),
            (Kind::HongKongMacao, "M12345678", None),
            (Kind::Taiwan, "01234567", None),
            (Kind::Permanent, "CAN110078102501", None),
            (Kind::Passport, "E12345678", Some("GBR")),
        ] {
            let read = Certificate::read(kind, text, nationality).expect("good");
            let made = read.social_number();
            assert!(Certificate::of_number(&made, None) == Some(read.clone()), "{text}");
            assert!(Certificate::parse(&read.text()) == Some(read), "{text}");
        }
        let macao = Number::parse("MAC0M12345678").expect("good");
        assert_eq!(Certificate::of_number(&macao, Some(Kind::Macao)).map(|one| one.kind), Some(Kind::Macao));
        assert_eq!(Certificate::of_number(&macao, Some(Kind::Passport)).map(|one| one.kind), Some(Kind::HongKongMacao));
        let citizen = Number::parse("11010519491231002X").expect("good");
        assert!(Certificate::of_number(&citizen, Some(Kind::Passport)).is_none());
    }

    #[test]
    fn nationalities_are_known_by_letters_number_and_name() {
        for text in ["GBR", "gbr", "826", "英国", "GBR英国", "英国(GBR)", "826-英国"] {
            assert_eq!(nationality(text), Some("GBR"), "{text}");
        }
        assert_eq!(
            (nationality("香港"), nationality("中国香港"), nationality("中国")),
            (Some("HKG"), Some("HKG"), Some("CHN"))
        );
        for text in ["", "GB", "ZZZ", "086x", "英", "GBR法国"] {
            assert_eq!(nationality(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_ends_without_panic(text in "\\PC{0,24}") {
            for kind in Kind::ALL {
                if let Ok(read) = Certificate::read(kind, &text, Some("GBR")) {
                    prop_assert!(read.social_number().as_str().len() <= 18);
                }
            }
            let _ = nationality(&text);
        }
    }
}
