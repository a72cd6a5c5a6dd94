//! 参保证明 on a sheet of A4 (PDF): who is insured how, since when, and the code by which anybody checks the print.
//!
//! Source: what deployed kiosks print: person, employer, five insurances, date, check code with QR; the layout is ours.
//! Owns: what stands where. Never: asks the centre; writes a file.
//! Units: points, 72 an inch, from the lower left corner.

use settlement::date::Month;
use settlement::query::{CERTIFICATE_PATH, CertificateAnswer};

use super::font::Font;
use super::pdf::{MILLIMETRE, Mark, sheet};
use super::qr;

/// A4.
const WIDTH: f32 = 210.0 * MILLIMETRE;
const HEIGHT: f32 = 297.0 * MILLIMETRE;
const LEFT: f32 = 25.0 * MILLIMETRE;
const RIGHT: f32 = WIDTH - LEFT;
/// A module of the QR code.
const MODULE: f32 = 0.9 * MILLIMETRE;

/// The certificate as a document. `check` stands before the code in its QR: an address where anybody looks it up.
#[must_use]
pub fn certificate(answer: &CertificateAnswer, font: &Font, check: Option<&str>) -> Vec<u8> {
    let mut marks = Vec::new();
    let mut text = |text: String, em: f32, left: f32, baseline: f32, bold: bool| {
        marks.push(Mark::Text { text, em, left, baseline, bold });
    };
    text("社会保险参保证明".to_owned(), 26.0, (WIDTH - 8.0 * 26.0) / 2.0, HEIGHT - 110.0, true);
    let mut at = HEIGHT - 170.0;
    let issued = answer.issued_at.date().to_string();
    for (label, value) in [
        ("姓名", answer.name.as_str()),
        ("社会保障号码", &answer.citizen_number),
        ("单位名称", if answer.employer.is_empty() { "—" } else { &answer.employer }),
    ] {
        text(label.to_owned(), 12.0, LEFT, at, false);
        text(value.to_owned(), 12.0, LEFT + 110.0, at, true);
        at -= 24.0;
    }
    at -= 16.0;
    let columns = [LEFT + 6.0, LEFT + 90.0, LEFT + 170.0, LEFT + 240.0, LEFT + 310.0, LEFT + 380.0];
    let top = at + 18.0;
    let mut rules = vec![top];
    let mut row = |cells: [String; 6], at: f32, bold: bool, text: &mut dyn FnMut(String, f32, f32, f32, bool)| {
        for (cell, left) in cells.into_iter().zip(columns) {
            text(cell, 11.0, left, at, bold);
        }
        rules.push(at - 8.0);
    };
    row(["险种", "状态", "首次缴费", "最近缴费", "累计月数", "数据日期"].map(str::to_owned), at, true, &mut text);
    let month = |month: Option<Month>| month.map_or_else(|| "—".to_owned(), |month| month.to_string());
    for line in &answer.insurances {
        at -= 26.0;
        let (insurance, standing) = (line.insurance.names().0, line.standing.names().0);
        let cells = [
            insurance.to_owned(),
            standing.to_owned(),
            month(line.first),
            month(line.last),
            line.months.to_string(),
            line.as_of.to_string(),
        ];
        row(cells, at, false, &mut text);
    }
    at -= 50.0;
    let code = answer.code.to_string();
    let address = check.map(|check| format!("{}{CERTIFICATE_PATH}{code}", check.trim_end_matches('/')));
    let modules = qr::modules(address.as_deref().unwrap_or(&code));
    text(format!("编号 {}", answer.number), 11.0, LEFT + 150.0, at - 14.0, false);
    text(format!("校验码 {code}"), 14.0, LEFT + 150.0, at - 40.0, true);
    text(format!("出具日期 {issued}"), 11.0, LEFT + 150.0, at - 64.0, false);
    text("本证明由自助终端出具，扫描二维码或凭校验码可核验真伪。".to_owned(), 10.0, LEFT + 150.0, at - 88.0, false);
    if let Some(address) = &address {
        text(address.clone(), 8.0, LEFT + 150.0, at - 106.0, false);
    }
    marks.push(Mark::Code { modules, left: LEFT, top: at, module: MODULE });
    marks.extend(rules.into_iter().map(|height| Mark::Rule { left: LEFT, right: RIGHT, height }));
    sheet(&marks, font, [WIDTH, HEIGHT])
}
