//! 1101 and 2001: the person at the counter.
//!
//! Owns: the credential that is shown, the insurance that pays. Never: keeps what the centre says of a person.

use card_counter::error::{NationalError, TerminalError};
use settlement::fen::Fen;
use settlement::national::message::{
    BENEFIT, BaseInfo, BenefitAnswer, BenefitQuery, BenefitRequest, PERSON, PersonQuery, PersonRequest,
};
use settlement::national::{Infno, Text};
use settlement::receipt::MaskedName;

use super::{National, mask};

/// What the person shows.
#[derive(Clone, PartialEq, Eq)]
pub enum Credential {
    /// 医保电子凭证.
    Electronic(String),
    /// 居民身份证.
    Citizen(String),
    /// 社会保障卡: number, identifier, and the holder's number and name where the card gave them.
    Card {
        /// 卡号.
        number: String,
        /// 卡识别码.
        identifier: String,
        /// 社会保障号码 and 姓名.
        holder: Option<(String, String)>,
    },
}

/// Which kind, not whose.
impl std::fmt::Debug for Credential {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Electronic(_) => "Electronic(..)",
            Self::Citizen(_) => "Citizen(..)",
            Self::Card { .. } => "Card(..)",
        })
    }
}

/// One insurance of a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Insured {
    /// 险种.
    pub insutype: String,
    /// 人员类别.
    pub psn_type: Option<String>,
    /// 参保状态.
    pub status: Option<String>,
    /// 参保地.
    pub region: Option<String>,
    /// 余额.
    pub balance: Option<Fen>,
}

/// A person as the centre knows them.
#[derive(Clone, PartialEq, Eq)]
pub struct Known {
    pub(super) psn_no: String,
    pub(super) name: String,
    pub(super) certificate: (&'static str, Option<String>),
    /// Insurances.
    pub insured: Vec<Insured>,
}

/// Not whose.
impl std::fmt::Debug for Known {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Known").field("insured", &self.insured).finish_non_exhaustive()
    }
}

impl Known {
    /// Name and number as a screen may show them.
    #[must_use]
    pub fn masked(&self) -> (String, String) {
        (mask::name(&self.name), mask::number(&self.psn_no))
    }

    /// The name as a paper may show it, where the centre said one.
    #[must_use]
    pub fn holder(&self) -> Option<MaskedName> {
        if self.name.is_empty() { None } else { Some(MaskedName::of(&self.name)) }
    }

    /// The insurance of this code.
    ///
    /// # Errors
    /// [`NationalError::NotInsured`].
    pub fn insurance(&self, insutype: &str) -> Result<&Insured, TerminalError> {
        let found = self.insured.iter().find(|row| row.insutype == insutype);
        found.ok_or_else(|| {
            let named: Vec<&str> = self.insured.iter().map(|row| row.insutype.as_str()).collect();
            NationalError::NotInsured { insutype: insutype.to_owned(), named: named.join(", ") }.into()
        })
    }

    /// Values that an answer may repeat.
    pub(super) fn values(&self) -> [&str; 2] {
        [&self.psn_no, &self.name]
    }
}

impl National<'_> {
    /// Looks a person up.
    ///
    /// # Errors
    /// [`TerminalError::National`].
    pub fn person(&mut self, credential: &Credential) -> Result<Known, TerminalError> {
        let text = |text: &str| Some(Text::new(text));
        let (kind, number, data) = match credential {
            Credential::Electronic(token) => ("01", token, (None, None, None)),
            Credential::Citizen(number) => ("02", number, (None, text(number), None)),
            Credential::Card { number, identifier, holder } => {
                let (certno, name) = holder.as_ref().map_or((None, None), |(number, name)| (text(number), text(name)));
                ("03", number, (Text::new(&**identifier).into(), certno, name))
            }
        };
        let (card_sn, certno, psn_name) = data;
        let query = PersonQuery {
            mdtrt_cert_type: Text::new(kind),
            mdtrt_cert_no: Text::new(&**number),
            card_sn,
            begntime: Some(self.now.date_time()),
            psn_cert_type: certno.is_some().then(|| Text::new("01")),
            certno,
            psn_name,
        };
        let about: Vec<&str> = match credential {
            Credential::Electronic(token) => vec![token],
            Credential::Citizen(number) => vec![number],
            Credential::Card { number, identifier, holder } => {
                let holder = holder.iter().flat_map(|(number, name)| [number.as_str(), name.as_str()]);
                [number.as_str(), identifier.as_str()].into_iter().chain(holder).collect()
            }
        };
        let answer = self.ask(PERSON, &PersonRequest { data: query }, None, &about)?;
        is_asked(credential, &answer.baseinfo)?;
        let word = |text: &Option<Text<6>>| text.as_ref().map(|text| text.as_str().to_owned());
        let base = answer.baseinfo;
        Ok(Known {
            psn_no: base.psn_no.as_str().to_owned(),
            name: base.psn_name.map_or_else(String::new, |name| name.as_str().to_owned()),
            certificate: (kind, (kind != "01").then(|| (**number).to_owned())),
            insured: answer
                .insuinfo
                .iter()
                .map(|row| Insured {
                    insutype: row.insutype.as_str().to_owned(),
                    psn_type: word(&row.psn_type),
                    status: word(&row.psn_insu_stas),
                    region: word(&row.insuplc_admdvs),
                    balance: row.balc.map(|balance| balance.fen()),
                })
                .collect(),
        })
    }

    /// What may be paid for a person.
    ///
    /// # Errors
    /// [`TerminalError::National`].
    pub fn benefit(&mut self, known: &Known, insutype: &str) -> Result<BenefitAnswer, TerminalError> {
        let region = known.insurance(insutype)?.region.clone();
        let data = BenefitQuery {
            psn_no: Text::new(&*known.psn_no),
            insutype: Text::new(insutype),
            fixmedins_code: Text::new(self.settings.numbering.institution.as_str()),
            med_type: Text::new(&*self.settings.purchase_type),
            begntime: self.now.date_time(),
        };
        Ok(self.ask(BENEFIT, &BenefitRequest { data }, region.as_deref(), &known.values())?)
    }

    /// A text of the centre about a person, safe to show.
    #[must_use]
    pub fn shown(text: &str, known: &Known) -> String {
        mask::plain(text, &known.values())
    }

    /// 险种 that pays: the one named, or the configured one.
    #[must_use]
    pub fn insurance_or_default(&self, named: Option<&str>) -> String {
        named.unwrap_or(&self.settings.insurance).to_owned()
    }
}

/// Whether an answer is about the person whom the credential names: by the number where both have one, else by the name. What was not
/// sent, or is not answered, says nothing.
fn is_asked(credential: &Credential, base: &BaseInfo) -> Result<(), NationalError> {
    let (number, name) = match credential {
        Credential::Electronic(_) => return Ok(()),
        Credential::Citizen(number) => (Some(number.as_str()), None),
        Credential::Card { holder, .. } => {
            holder.as_ref().map_or((None, None), |(number, name)| (Some(number.as_str()), Some(name.as_str())))
        }
    };
    let (their_number, their_name) = (base.certno.as_ref(), base.psn_name.as_ref());
    let (field, same) = match (number.zip(their_number), name.zip(their_name)) {
        (Some((asked, answered)), _) => ("certno", asked.trim().eq_ignore_ascii_case(answered.as_str().trim())),
        (None, Some((asked, answered))) => ("psn_name", letters(asked) == letters(answered.as_str())),
        (None, None) => return Ok(()),
    };
    if same { Ok(()) } else { Err(NationalError::OtherPerson { infno: Infno::PERSON, field }) }
}

/// A name without the dots and spaces that are written in several ways.
fn letters(name: &str) -> String {
    name.chars().filter(|character| character.is_alphabetic()).collect()
}
