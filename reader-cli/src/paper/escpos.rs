//! Bytes for a receipt printer.
//!
//! Source: ESC/POS commands as printer makers publish them: ESC @, ESC t, FS &, ESC a, ESC E, GS !, GS ( k, ESC d, GS V;
//! Chinese models print GBK after FS &.
//! Owns: their order. Never: a byte of a text that steers the printer; an image where the printer draws the QR itself.

use settlement::receipt::{ReceiptCode, Row, Style};

const ESC: u8 = 0x1B;
const FS: u8 = 0x1C;
const GS: u8 = 0x1D;
const LF: u8 = 0x0A;

/// Dots of one module: a code of 49 modules is 294 dots, which both papers hold.
const MODULE_DOTS: u8 = 6;

/// A character that GBK does not have is printed as this one.
const MISSING: char = '□';

pub(super) fn bytes(rows: &[Row], qr_text: impl Fn(&ReceiptCode) -> String) -> Vec<u8> {
    let mut out = Vec::new();
    // As after power-on; single bytes in code page 0, pairs as Chinese characters.
    out.extend([ESC, b'@', ESC, b't', 0, FS, b'&']);
    for row in rows {
        match row {
            Row::Line { text, style } => line(&mut out, text, *style),
            Row::Code(code) => qr(&mut out, &qr_text(code)),
        }
    }
    // Past the knife, then a cut that leaves a corner.
    out.extend([ESC, b'd', 3, GS, b'V', 66, 0]);
    out
}

fn line(out: &mut Vec<u8>, text: &str, style: Style) {
    // Double height keeps the columns.
    let (before, after): (&[u8], &[u8]) = match style {
        Style::Plain => (&[], &[]),
        Style::Strong => (&[ESC, b'E', 1], &[ESC, b'E', 0]),
        Style::Title => (&[GS, b'!', 0x01], &[GS, b'!', 0x00]),
    };
    out.extend(before);
    out.extend(gbk(text));
    out.extend(after);
    out.push(LF);
}

fn gbk(text: &str) -> Vec<u8> {
    let known = |character: char| {
        let mut buffer = [0; 4];
        let (_, _, failed) = encoding_rs::GBK.encode(character.encode_utf8(&mut buffer));
        if failed || character.is_control() { MISSING } else { character }
    };
    let text: String = text.chars().map(known).collect();
    encoding_rs::GBK.encode(&text).0.into_owned()
}

fn qr(out: &mut Vec<u8>, text: &str) {
    let mut function = |data: &[u8]| {
        let [low, high, ..] = data.len().to_le_bytes();
        out.extend([GS, b'(', b'k', low, high]);
        out.extend(data);
    };
    // Model 2, size of a module, level M, the data, print.
    function(&[49, 65, 50, 0]);
    function(&[49, 67, MODULE_DOTS]);
    function(&[49, 69, 49]);
    function(&[&[49, 80, 48], text.as_bytes()].concat());
    let print = [GS, b'(', b'k', 3, 0, 49, 81, 48];
    out.extend([ESC, b'a', 1]);
    out.extend(print);
    out.extend([LF, ESC, b'a', 0]);
}
