//! 参保证明 at the counter: made for a person, or printed again by its code; each print is counted and on record.
//!
//! Source: what kiosks print (`sscard kiosk`): person, employer, insurances, date, check code with QR; the layout is ours.
//! Owns: who may, what the sheet looks like, that its file's name tells nothing. Never: certifies anything that `certificate` would not.
//! Units: millimetres.

use std::fmt::Write as _;
use std::path::Path;

use card_face::Fonts;
use maud::html;
use serde::Serialize;
use settlement::date::Month;
use settlement::query::{CERTIFICATE_PATH, CertificateAnswer, CertificateCode};
use zeroize::Zeroizing;

use super::certificate;
use super::failure::QueryError;
use super::{Asker, Channel};
use crate::audit::Act;
use crate::benefit::rule::BenefitRules;
use crate::face;
use crate::face::failure::FaceError;
use crate::lang::Lang;
use crate::operator::Role;
use crate::output::Show;
use crate::store::{Store, StoreError, Tx};

/// A4.
const SIZE_MM: [f32; 2] = [210.0, 297.0];
/// A module of the QR code.
const MODULE_MM: f32 = 0.9;
/// How often a certificate is drawn whose number others take meanwhile: more clerks than a centre has (assumed).
const DRAWN_MAX: usize = 32;
/// Left edge.
const LEFT: f32 = 25.0;

/// Where a document goes, and who prints it.
#[derive(Clone, Copy, Debug)]
pub struct Order<'a> {
    /// A new file.
    pub out: &'a Path,
    /// Address where anybody checks certificates; it stands before the code in the QR.
    pub check: Option<&'a str>,
    /// Operator.
    pub operator: Option<&'a str>,
}

/// What was printed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Printed {
    /// Number of the certificate.
    pub number: u64,
    /// Its check code.
    pub code: String,
    /// How often a counter has printed it, with this time.
    pub printed: u32,
    /// Size of the file.
    pub bytes: usize,
}

/// Makes a certificate for a person at the counter and prints it; the monthly count of kiosks does not bind a clerk. That it was made and
/// printed is on record before the paper is out, and neither is when it cannot be drawn, or its file cannot be begun. It is drawn before
/// the act, so that nobody waits for a drawing, and anew when what is certified, or its number, has changed meanwhile.
///
/// # Errors
/// [`QueryError`]; nothing is made then, unless the disk fills up with the last bytes ([`FaceError::NotWritten`]): `print` makes up for it.
pub fn make(
    store: &mut Store,
    folder: &Path,
    (rules, city): (BenefitRules, &str),
    person: i64,
    order: &Order<'_>,
) -> Result<Printed, QueryError> {
    let (place, fonts) = (face::Place::new(order.out)?, face::fonts(folder)?);
    let mut answer = store.read(|tx| -> Result<_, QueryError> {
        tx.require(order.operator, Role::Counter)?;
        certificate::proposed(tx, rules, city, person)
    })?;
    for _ in 0..DRAWN_MAX {
        let bytes = laid(&answer, order, &fonts)?;
        let made = store.act(|tx| -> Result<_, Halt> {
            let actor = tx.require(order.operator, Role::Counter).map_err(QueryError::from)?;
            let asker = Asker::new(Channel::Counter, actor);
            let present = certificate::proposed(tx, rules, city, person)?;
            if !certificate::say_the_same(&present, &answer) {
                return Err(Halt::Changed(Box::new(present)));
            }
            certificate::make(tx, &asker, person, &answer)?;
            let made = asker.act("certificate.issue", person, &format!("certificate {}", answer.number));
            let (printed, act) = counted(tx, (&answer, bytes.len()), person, &asker)?;
            tx.append_audit(&made)?;
            Ok((printed, act))
        });
        match made {
            Ok(printed) => {
                place.fill(&bytes)?;
                return Ok(printed);
            }
            Err(Halt::Changed(present)) => answer = *present,
            Err(Halt::Failed(error)) => return Err(error),
        }
    }
    Err(StoreError::Locked.into())
}

/// Prints the certificate with a code, drawn before it is counted.
///
/// # Errors
/// [`QueryError`]; nothing is counted then, unless the disk fills up with the last bytes.
pub fn print(store: &mut Store, folder: &Path, code: &str, order: &Order<'_>) -> Result<Printed, QueryError> {
    let code = CertificateCode::parse(code).map_err(|_| QueryError::CertificateUnknown)?;
    let (place, fonts) = (face::Place::new(order.out)?, face::fonts(folder)?);
    let known = |tx: &Tx<'_>| -> Result<_, QueryError> {
        let actor = tx.require(order.operator, Role::Counter)?;
        let (person, answer) = tx.participation_to_print(code)?.ok_or(QueryError::CertificateUnknown)?;
        Ok((actor, person, answer.ok_or(QueryError::CertificateForgotten)?))
    };
    let (_, _, answer) = store.read(known)?;
    let bytes = laid(&answer, order, &fonts)?;
    let printed = store.act(|tx| -> Result<_, QueryError> {
        let (actor, person, answer) = known(tx)?;
        counted(tx, (&answer, bytes.len()), person, &Asker::new(Channel::Counter, actor))
    })?;
    place.fill(&bytes)?;
    Ok(printed)
}

/// Why an act was not done.
enum Halt {
    /// What is certified, or its number, is not any more what was drawn.
    Changed(Box<CertificateAnswer>),
    Failed(QueryError),
}

impl From<QueryError> for Halt {
    fn from(error: QueryError) -> Self {
        Self::Failed(error)
    }
}

impl From<StoreError> for Halt {
    fn from(error: StoreError) -> Self {
        Self::Failed(error.into())
    }
}

/// The bytes of a document that tells of a person.
type Sheet = Zeroizing<Vec<u8>>;

/// Draws it, in time.
fn laid(answer: &CertificateAnswer, order: &Order<'_>, fonts: &Fonts) -> Result<Sheet, QueryError> {
    if face::tells(order.out, [&answer.name, "", &answer.citizen_number, &answer.code.to_string()]) {
        return Err(FaceError::Tells.into());
    }
    let (svg, fonts) = (Zeroizing::new(drawn(answer, order.check)), fonts.clone());
    let sheet = card_face::in_time(move || card_face::sheet(&svg, "社会保险参保证明", SIZE_MM, &fonts));
    Ok(Zeroizing::new(sheet.map_err(|fault| FaceError::of(vec![fault]))?))
}

/// Counts a print of so many bytes.
fn counted(
    tx: &Tx<'_>,
    (answer, bytes): (&CertificateAnswer, usize),
    person: i64,
    asker: &Asker,
) -> Result<(Printed, Act), QueryError> {
    let printed = tx.count_print(answer.code)?;
    let act = asker.act("certificate.print", person, &format!("certificate {}, print {printed}", answer.number));
    Ok((Printed { number: answer.number, code: answer.code.to_string(), printed, bytes }, act))
}

/// The sheet as SVG.
fn drawn(answer: &CertificateAnswer, check: Option<&str>) -> String {
    let code = answer.code.to_string();
    let address = check.map(|check| format!("{}{CERTIFICATE_PATH}{code}", check.trim_end_matches('/')));
    let month = |month: Option<Month>| month.map_or_else(|| "—".to_owned(), |month| month.to_string());
    let employer = if answer.employer.is_empty() { "—" } else { &answer.employer };
    let columns = [0.0, 30.0, 58.0, 84.0, 110.0, 134.0];
    let head = ["险种", "状态", "首次缴费", "最近缴费", "累计月数", "数据日期"].map(str::to_owned);
    let rows: Vec<[String; 6]> = std::iter::once(head)
        .chain(answer.insurances.iter().map(|line| {
            let (insurance, standing) = (line.insurance.names().0, line.standing.names().0);
            let (first, last) = (month(line.first), month(line.last));
            [insurance.to_owned(), standing.to_owned(), first, last, line.months.to_string(), line.as_of.to_string()]
        }))
        .collect();
    let (mut under, mut cells) = (92.0, Vec::new());
    for row in &rows {
        cells.push((under, row));
        under += 9.0;
    }
    let (modules, size) = modules(address.as_deref().unwrap_or(&code));
    let note = "凭校验码或扫描二维码，任何人都可以核验。由窗口凭码打印，与自助终端出具的同为一份。";
    html! {
        svg xmlns="http://www.w3.org/2000/svg" width="210mm" height="297mm" viewBox="0 0 210 297" {
            g font-size="4" fill="#000" {
                text x="105" y="42" font-size="9" text-anchor="middle" { "社会保险参保证明" }
                @for (at, (label, value)) in [("姓名", answer.name.as_str()), ("社会保障号码", &answer.citizen_number), ("单位名称", employer)].into_iter().enumerate() {
                    @let y = 58.0 + 8.0 * f32::from(u8::try_from(at).unwrap_or_default());
                    text x=(LEFT) y=(y) { (label) }
                    text x=(LEFT + 38.0) y=(y) { (value) }
                }
                @for (y, row) in &cells {
                    @for (cell, left) in row.iter().zip(columns) { text x=(LEFT + left) y=(y) { (cell) } }
                    path d={ "M" (LEFT) " " (y + 3.0) "H" (210.0 - LEFT) } stroke="#000" stroke-width="0.2" {}
                }
                path transform={ "translate(" (LEFT) " " (under + 8.0) ") scale(" (MODULE_MM) ")" } d=(modules) {}
                @let beside = LEFT + size * MODULE_MM + 8.0;
                text x=(beside) y=(under + 14.0) { "编号 " (answer.number) }
                text x=(beside) y=(under + 23.0) font-size="5" { "校验码 " (code) }
                text x=(beside) y=(under + 32.0) { "出具日期 " (answer.issued_at.date()) }
                @if let Some(address) = &address { text x=(beside) y=(under + 39.0) font-size="2.6" { (address) } }
                text x=(LEFT) y=(under + 60.0) font-size="3.4" { (note) }
            }
        }
    }
    .into_string()
}

/// Dark modules of a QR code as a path, and how many modules it is wide.
fn modules(text: &str) -> (String, f32) {
    let Ok(code) = qrcodegen::QrCode::encode_text(text, qrcodegen::QrCodeEcc::Medium) else {
        return (String::new(), 0.0);
    };
    let mut path = String::new();
    for y in 0..code.size() {
        for x in (0..code.size()).filter(|x| code.get_module(*x, y)) {
            // Writing into a text does not fail.
            let _ = write!(path, "M{x} {y}h1v1h-1z");
        }
    }
    (path, f32::from(u8::try_from(code.size()).unwrap_or(u8::MAX)))
}

impl From<FaceError> for QueryError {
    fn from(error: FaceError) -> Self {
        Self::Face(Box::new(error))
    }
}

impl Show for Printed {
    fn text(&self, lang: Lang) -> String {
        let Self { number, code, printed, bytes } = self;
        lang.pick(
            format!("证明 {number}  {code}  窗口打印第 {printed} 次，{bytes} 字节"),
            format!("certificate {number}  {code}  print {printed} at a counter, {bytes} bytes"),
        )
    }
}

#[cfg(test)]
mod tests {
    use settlement::date::DateTime;
    use settlement::message::{AnswerStatus, Version1};

    use super::*;

    #[test]
    fn a_sheet_says_what_was_certified_and_no_more_than_text() {
        let answer = CertificateAnswer {
            version: Version1,
            status: AnswerStatus::Created,
            number: 7,
            code: CertificateCode::of([3; 10]),
            issued_at: DateTime::parse("20261122101500").expect("a date"),
            city: "513300".to_owned(),
            name: "扎西<b>".to_owned(),
            citizen_number: "513301199001010013".to_owned(),
            employer: String::new(),
            insurances: Vec::new(),
            left_this_month: None,
        };
        let svg = drawn(&answer, Some("https://centre.example/"));
        assert!(svg.contains("扎西&lt;b&gt;") && svg.contains("513301199001010013"));
        let code = answer.code.to_string();
        assert!(svg.contains(&format!("https://centre.example{CERTIFICATE_PATH}{code}")) && svg.contains("h1v1h-1z"));
    }
}
