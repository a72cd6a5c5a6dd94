//! A receipt as an image (PNG), dot by dot as a receipt printer of 203 dots an inch has it.
//!
//! Owns: the grid of columns, drawing of glyphs and QR. Never: breaks lines; they fit the paper.
//! Units: dots; 8 are a millimetre. A column is 12 dots, a Chinese character 24.

use ab_glyph::{Font as _, PxScale, point};
use settlement::receipt::{Paper, ReceiptCode, Row, Style};

use super::font::Font;
use super::qr::{self, Modules};

/// Dots of a column.
const COLUMN: usize = 12;
/// Dots of a Chinese character.
const EM: usize = 2 * COLUMN;
/// Dots from one line to the next.
const LINE: usize = 32;
/// Dots around the text.
const MARGIN: usize = 16;
/// Light modules around a QR code (ISO/IEC 18004).
const QUIET: usize = 4;
/// Dots of a QR code at most: 40 mm.
const QR_MAX: usize = 320;
/// Dots a metre.
const DOTS_PER_METRE: u32 = 8_000;

struct Canvas {
    width: usize,
    grey: Vec<u8>,
}

pub(super) fn png(rows: &[Row], paper: Paper, font: &Font, qr_text: impl Fn(&ReceiptCode) -> String) -> Vec<u8> {
    let width = paper.columns() * COLUMN + 2 * MARGIN;
    let drawn: Vec<Result<(&str, Style), Modules>> = rows
        .iter()
        .map(|row| match row {
            Row::Line { text, style } => Ok((text.as_str(), *style)),
            Row::Code(code) => Err(qr::modules(&qr_text(code))),
        })
        .collect();
    let height = |row: &Result<_, Modules>| match row {
        Ok(_) => LINE,
        Err(modules) => (modules.size + 2 * QUIET) * module_dots(modules),
    };
    let total = drawn.iter().map(height).sum::<usize>() + 2 * MARGIN;
    let mut canvas = Canvas { width, grey: vec![0xFF; width * total] };
    let mut top = MARGIN;
    for row in &drawn {
        match row {
            Ok((text, style)) => canvas.text(text, *style, top, font),
            Err(modules) => canvas.modules(modules, top),
        }
        top += height(row);
    }
    encode(&canvas, total)
}

fn module_dots(modules: &Modules) -> usize {
    (QR_MAX / (modules.size + 2 * QUIET)).max(1)
}

impl Canvas {
    /// Makes a dot at least so dark.
    fn darken(&mut self, x: usize, y: usize, cover: f32) {
        if x < self.width
            && let Some(dot) = self.grey.get_mut(y * self.width + x)
        {
            // A cover is 0 to 1, so the product is 0 to 255.
            #[expect(clippy::cast_possible_truncation, reason = "0 to 255 by its clamp")]
            let light = 255 - (cover.clamp(0.0, 1.0) * 255.0) as u8;
            *dot = (*dot).min(light);
        }
    }

    fn text(&mut self, text: &str, style: Style, top: usize, font: &Font) {
        let em = dots(EM);
        let baseline = dots(top) + (dots(LINE) - em) / 2.0 + em * 0.86;
        let mut column = 0;
        for character in text.chars() {
            let columns = settlement::receipt::width(character.encode_utf8(&mut [0; 4]));
            let glyph = font.glyph(character);
            // A wide Latin letter is pressed into its column.
            let room = dots(columns * COLUMN);
            let press = (room / (font.advance(glyph) * em)).min(1.0);
            let scale = PxScale { x: em * font.height() * press, y: em * font.height() };
            let left = dots(MARGIN + column * COLUMN);
            if let Some(outline) =
                font.face().outline_glyph(glyph.with_scale_and_position(scale, point(left, baseline)))
            {
                let bounds = outline.px_bounds();
                let thickness = if style == Style::Plain { 1 } else { 2 };
                outline.draw(|x, y, cover| {
                    for shift in 0..thickness {
                        let (x, y) = (bounds.min.x + px(x + shift), bounds.min.y + px(y));
                        if let (Some(x), Some(y)) = (place(x), place(y)) {
                            self.darken(x, y, cover);
                        }
                    }
                });
            }
            column += columns;
        }
    }

    fn modules(&mut self, modules: &Modules, top: usize) {
        let size = module_dots(modules);
        let left = self.width.saturating_sub(modules.size * size) / 2;
        for y in 0..modules.size * size {
            for x in 0..modules.size * size {
                if modules.is_dark(x / size, y / size) {
                    self.darken(left + x, top + QUIET * size + y, 1.0);
                }
            }
        }
    }
}

/// Counts of dots are far below 2^24, where every whole number is exact.
fn dots(count: usize) -> f32 {
    count as f32
}

fn px(count: u32) -> f32 {
    count as f32
}

/// A dot on the canvas; `None` left of it or above.
#[expect(clippy::cast_possible_truncation, reason = "not negative, and few thousands")]
fn place(at: f32) -> Option<usize> {
    (at >= 0.0).then_some(at as usize)
}

fn encode(canvas: &Canvas, height: usize) -> Vec<u8> {
    let size = |count: usize| u32::try_from(count).expect("dots of a receipt are few thousands");
    let mut out = Vec::new();
    let mut encoder = png::Encoder::new(&mut out, size(canvas.width), size(height));
    encoder.set_color(png::ColorType::Grayscale);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_pixel_dims(Some(png::PixelDimensions {
        xppu: DOTS_PER_METRE,
        yppu: DOTS_PER_METRE,
        unit: png::Unit::Meter,
    }));
    let fails = "a list of bytes takes any image";
    let mut writer = encoder.write_header().expect(fails);
    writer.write_image_data(&canvas.grey).expect(fails);
    writer.finish().expect(fails);
    out
}
