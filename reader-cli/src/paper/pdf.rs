//! A receipt as a document (PDF), one page as long as the receipt, with the glyphs that it uses and the text behind them.
//!
//! Source: ISO 32000: Type 0 font with Identity-H, a subset of the font, a ToUnicode map.
//! Owns: the page. Never: a date or a random id: the same receipt is the same bytes.
//! Units: points, 72 an inch; a column is 1.5 mm.

use std::collections::BTreeMap;

use ab_glyph::GlyphId;
use pdf_writer::types::{CidFontType, FontFlags, SystemInfo, TextRenderingMode, UnicodeCmap};
use pdf_writer::{Content, Finish as _, Name, Pdf, Rect, Ref, Str};
use settlement::receipt::{Paper, ReceiptCode, Row, Style};
use subsetter::GlyphRemapper;

use super::font::Font;
use super::qr::{self, Modules};

pub(super) const MILLIMETRE: f32 = 72.0 / 25.4;
/// Width of a column.
const COLUMN: f32 = 1.5 * MILLIMETRE;
/// A Chinese character.
const EM: f32 = 2.0 * COLUMN;
/// From one line to the next.
const LINE: f32 = 4.0 * MILLIMETRE;
const MARGIN: f32 = 4.0 * MILLIMETRE;
/// A module of a QR code.
const MODULE: f32 = 0.7 * MILLIMETRE;
/// Light modules around a QR code.
const QUIET: f32 = 4.0;

const FONT: Name<'static> = Name(b"F1");
const FONT_NAME: Name<'static> = Name(b"RCPTAA+Receipt");
const SYSTEM_INFO: SystemInfo<'static> =
    SystemInfo { registry: Str(b"Adobe"), ordering: Str(b"Identity"), supplement: 0 };

/// Glyphs in use: their numbers in the subset.
struct Glyphs {
    numbers: GlyphRemapper,
    characters: BTreeMap<u16, (char, GlyphId)>,
}

pub(super) fn document(rows: &[Row], paper: Paper, font: &Font, qr_text: impl Fn(&ReceiptCode) -> String) -> Vec<u8> {
    let drawn: Vec<Result<(&str, Style), Modules>> = rows
        .iter()
        .map(|row| match row {
            Row::Line { text, style } => Ok((text.as_str(), *style)),
            Row::Code(code) => Err(qr::modules(&qr_text(code))),
        })
        .collect();
    let height = |row: &Result<_, Modules>| match row {
        Ok(_) => LINE,
        Err(modules) => (count(modules.size) + 2.0 * QUIET) * MODULE,
    };
    let width = count(paper.columns()) * COLUMN + 2.0 * MARGIN;
    let total = drawn.iter().map(height).sum::<f32>() + 2.0 * MARGIN;
    let mut content = Content::new();
    let mut glyphs = Glyphs { numbers: GlyphRemapper::new(), characters: BTreeMap::new() };
    let mut top = total - MARGIN;
    for row in &drawn {
        match row {
            Ok((text, style)) => line(&mut content, &mut glyphs, font, text, *style, top),
            Err(modules) => code(&mut content, modules, width, top),
        }
        top -= height(row);
    }
    write(content, &glyphs, font, [width, total])
}

/// What stands on a sheet.
pub(super) enum Mark {
    /// Text on a line: size, where it begins, its baseline.
    Text { text: String, em: f32, left: f32, baseline: f32, bold: bool },
    /// A thin line across.
    Rule { left: f32, right: f32, height: f32 },
    /// A QR code by its upper left corner and the side of a module.
    Code { modules: Modules, left: f32, top: f32, module: f32 },
}

/// A sheet with its marks, as wide and high as `size`.
pub(super) fn sheet(marks: &[Mark], font: &Font, size: [f32; 2]) -> Vec<u8> {
    let mut content = Content::new();
    let mut glyphs = Glyphs { numbers: GlyphRemapper::new(), characters: BTreeMap::new() };
    for mark in marks {
        match mark {
            Mark::Text { text, em, left, baseline, bold } => {
                content.begin_text().set_font(FONT, *em);
                match bold {
                    false => content.set_text_rendering_mode(TextRenderingMode::Fill),
                    true => content.set_line_width(0.3).set_text_rendering_mode(TextRenderingMode::FillStroke),
                };
                let mut at = *left;
                for character in text.chars() {
                    let glyph = font.glyph(character);
                    let number = glyphs.numbers.remap(glyph.0);
                    glyphs.characters.entry(number).or_insert((character, glyph));
                    content.set_text_matrix([1.0, 0.0, 0.0, 1.0, at, *baseline]).show(Str(&number.to_be_bytes()));
                    at += font.advance(glyph) * em;
                }
                content.end_text();
            }
            Mark::Rule { left, right, height } => {
                content.set_line_width(0.6).move_to(*left, *height).line_to(*right, *height).stroke();
            }
            Mark::Code { modules, left, top, module } => {
                for y in 0..modules.size {
                    for x in (0..modules.size).filter(|x| modules.is_dark(*x, y)) {
                        content.rect(left + count(x) * module, top - (count(y) + 1.0) * module, *module, *module);
                    }
                }
                content.fill_nonzero();
            }
        }
    }
    write(content, &glyphs, font, size)
}

fn line(content: &mut Content, glyphs: &mut Glyphs, font: &Font, text: &str, style: Style, top: f32) {
    let baseline = top - (LINE - EM) / 2.0 - EM * 0.86;
    content.begin_text().set_font(FONT, EM);
    // Bold is the outline drawn besides.
    match style {
        Style::Plain => content.set_text_rendering_mode(TextRenderingMode::Fill),
        Style::Strong | Style::Title => {
            content.set_line_width(0.3).set_text_rendering_mode(TextRenderingMode::FillStroke)
        }
    };
    let mut column = 0;
    for character in text.chars() {
        let columns = settlement::receipt::width(character.encode_utf8(&mut [0; 4]));
        let glyph = font.glyph(character);
        let number = glyphs.numbers.remap(glyph.0);
        glyphs.characters.entry(number).or_insert((character, glyph));
        let press = (count(columns) * COLUMN / (font.advance(glyph) * EM)).min(1.0);
        let left = MARGIN + count(column) * COLUMN;
        content.set_text_matrix([press, 0.0, 0.0, 1.0, left, baseline]).show(Str(&number.to_be_bytes()));
        column += columns;
    }
    content.end_text();
}

fn code(content: &mut Content, modules: &Modules, width: f32, top: f32) {
    let left = (width - count(modules.size) * MODULE) / 2.0;
    for y in 0..modules.size {
        for x in (0..modules.size).filter(|x| modules.is_dark(*x, y)) {
            let down = top - (QUIET + count(y) + 1.0) * MODULE;
            content.rect(left + count(x) * MODULE, down, MODULE, MODULE);
        }
    }
    content.fill_nonzero();
}

fn count(number: usize) -> f32 {
    number as f32
}

fn write(content: Content, glyphs: &Glyphs, font: &Font, [width, height]: [f32; 2]) -> Vec<u8> {
    let [catalog, pages, page, page_content, type0, cid, descriptor, unicode, file] =
        [1, 2, 3, 4, 5, 6, 7, 8, 9].map(Ref::new);
    let mut pdf = Pdf::new();
    pdf.catalog(catalog).pages(pages);
    pdf.pages(pages).kids([page]).count(1);
    let mut leaf = pdf.page(page);
    leaf.media_box(Rect::new(0.0, 0.0, width, height)).parent(pages).contents(page_content);
    leaf.resources().fonts().pair(FONT, type0);
    leaf.finish();
    pdf.stream(page_content, &content.finish());
    pdf.type0_font(type0)
        .base_font(FONT_NAME)
        .encoding_predefined(Name(b"Identity-H"))
        .descendant_font(cid)
        .to_unicode(unicode);
    let subset = subsetter::subset(font.bytes(), 0, &glyphs.numbers);
    // A font that was parsed is subset; where its outlines are of an unknown kind the whole one serves as well.
    let bytes = subset.unwrap_or_else(|_| font.bytes().to_vec());
    let has_glyf = bytes.windows(4).take(512).any(|tag| tag == b"glyf");
    let mut cid_font = pdf.cid_font(cid);
    cid_font
        .subtype(if has_glyf { CidFontType::Type2 } else { CidFontType::Type0 })
        .base_font(FONT_NAME)
        .system_info(SYSTEM_INFO)
        .font_descriptor(descriptor)
        .default_width(1000.0);
    if has_glyf {
        cid_font.cid_to_gid_map_predefined(Name(b"Identity"));
    }
    let mut widths = cid_font.widths();
    for (number, (_, glyph)) in &glyphs.characters {
        widths.same(*number, *number, font.advance(*glyph) * 1000.0);
    }
    widths.finish();
    cid_font.finish();
    let mut described = pdf.font_descriptor(descriptor);
    described
        .name(FONT_NAME)
        .flags(FontFlags::SYMBOLIC)
        .bbox(Rect::new(-200.0, -300.0, 1200.0, 1100.0))
        .italic_angle(0.0)
        .ascent(font.ascent() * 1000.0)
        .descent(font.descent() * 1000.0)
        .cap_height(700.0)
        .stem_v(80.0);
    if has_glyf {
        described.font_file2(file)
    } else {
        described.font_file3(file)
    };
    described.finish();
    let mut map = UnicodeCmap::new(Name(b"Custom"), SYSTEM_INFO);
    for (number, (character, _)) in &glyphs.characters {
        map.pair(*number, *character);
    }
    pdf.cmap(unicode, &map.finish());
    let mut stream = pdf.stream(file, &bytes);
    if !has_glyf {
        stream.pair(Name(b"Subtype"), Name(b"OpenType"));
    }
    stream.finish();
    pdf.finish()
}
