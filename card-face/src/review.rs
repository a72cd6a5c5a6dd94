//! A template looked at as a whole: with the shortest and the longest of everything that will be printed by it.
//!
//! Source: notice of twelve ministries 2016 no. 33 (names of 25 Han characters). Owns: invented holders, what is compared on a card.
//! Never: uses a person of the registry.

use jpeg_encoder::{ColorType, Encoder};

use crate::fault::Fault;
use crate::fill::Holder;
use crate::fonts::Fonts;
use crate::page::Page;
use crate::template::{Field, LEGEND, Side, Template};
use crate::time::in_time;
use crate::{HEIGHT_MM, WIDTH_MM};

/// What a review found.
#[derive(Clone, Debug)]
pub struct Review {
    /// Every fault, each once.
    pub faults: Vec<Fault>,
    /// How many invented holders it was drawn with.
    pub drawn: usize,
}

/// Names to try: short, usual, the longest that a notice foresees, Latin, and stacks of three below and two marks above.
pub const NAMES: [&str; 5] = [
    "丁一",
    "扎西多吉",
    "阿卜杜热合曼·买买提依明江·吐尔逊尼亚孜霍加大师傅甲乙",
    "Alexandra Featherstonehaugh",
    "བསྒྲུབས་རྒྱལ་སྐྱིད",
];

/// The name in a script of its own that stands under the usual one: stacks of three below and two marks above.
const SCRIPT: &str = NAMES[4];

/// Pixels of the invented photo, of the shape of real ones.
const PHOTO_SIZE: (u16, u16) = (26, 32);

/// Dots an inch at which edges are looked at.
const EDGE_DPI: u32 = 96;

/// Draws a template with invented holders and tells everything that is wrong with it; one that cannot be drawn in time is.
#[must_use]
pub fn review(template: &Template, side: Side, fonts: &Fonts) -> Review {
    let (own, fonts) = (template.clone(), fonts.clone());
    let reviewed = in_time(move || Ok(reviewed(&own, side, &fonts)));
    reviewed.unwrap_or_else(|fault| Review { faults: vec![fault], drawn: 0 })
}

fn reviewed(template: &Template, side: Side, fonts: &Fonts) -> Review {
    let mut faults = template.lacks(side);
    let mut add = |fault: Fault| {
        if !faults.contains(&fault) {
            faults.push(fault);
        }
    };
    let photo = grey();
    let mut drawn = 0;
    for (number, name) in NAMES.into_iter().enumerate() {
        let holder = invented(name, number % 2 == 0, &photo);
        match Page::lay(template, fonts, &holder, true) {
            Ok(page) => {
                drawn += 1;
                compare(&page.ink(template)).into_iter().for_each(&mut add);
                if number == 0 && is_bare(&page) {
                    add(Fault::Bare);
                }
                if number == 0 && side == Side::Front && !shows_legend(template, &page, fonts, &holder) {
                    add(Fault::Lacks { what: LEGEND });
                }
            }
            // A machine without a Tibetan font can print everybody else: that is told when such a name comes.
            Err(found) => found
                .into_iter()
                .filter(|fault| !matches!(fault, Fault::Glyph { field: "name" | "name_script", .. }))
                .for_each(&mut add),
        }
        if !template.fields().any(|field| field == Field::Name) {
            break;
        }
    }
    Review { faults, drawn }
}

/// A template with an invented holder of this name, to be looked at.
///
/// # Errors
/// Every [`Fault`] of it.
pub fn sample(template: &Template, fonts: &Fonts, name: &str) -> Result<Page, Vec<Fault>> {
    Page::lay(template, fonts, &invented(name, true, &grey()), false)
}

/// Somebody who is not; `wide` has the widest numbers.
fn invented<'a>(name: &'a str, wide: bool, photo: &'a [u8]) -> Holder<'a> {
    Holder {
        name,
        name_script: if name == NAMES[1] { SCRIPT } else { "" },
        number: if wide { "11010519491231002X" } else { "110105194912310021" },
        card_number: if wide { "W00000000" } else { "A11111111" },
        issue_date: "20260908",
        valid_until: "20360908",
        photo: Some(photo),
    }
}

fn grey() -> Vec<u8> {
    let (width, height) = PHOTO_SIZE;
    let pixels = vec![0x80; usize::from(width) * usize::from(height)];
    let mut photo = Vec::new();
    // A photo that could not be made is told as one that is none.
    let _ = Encoder::new(&mut photo, 80).encode(&pixels, width, height, ColorType::Luma);
    photo
}

/// Fields beyond the card, and on each other.
fn compare(ink: &[(Field, [f32; 4])]) -> Vec<Fault> {
    let mut faults = Vec::new();
    for (number, (field, [left, top, right, bottom])) in ink.iter().enumerate() {
        if *left < 0.0 || *top < 0.0 || *right > WIDTH_MM || *bottom > HEIGHT_MM {
            faults.push(Fault::OffCard { field: field.name() });
        }
        for (other, [left_2, top_2, right_2, bottom_2]) in ink.iter().skip(number + 1) {
            if left < right_2 && left_2 < right && top < bottom_2 && top_2 < bottom {
                faults.push(Fault::Overlap { field: field.name(), other: other.name() });
            }
        }
    }
    faults
}

/// Whether paper shows at an edge of what is drawn.
fn is_bare(page: &Page) -> bool {
    let Ok(map) = page.pixels(EDGE_DPI) else { return true };
    let (width, height) = (map.width(), map.height());
    let opaque = |x, y| map.pixel(x, y).is_some_and(|pixel| pixel.alpha() > 250);
    !((0..width).all(|x| opaque(x, 0) && opaque(x, height - 1))
        && (0..height).all(|y| opaque(0, y) && opaque(width - 1, y)))
}

/// Dots an inch at which the legend is looked for, and how much a dot must change by it to be its ink.
const LEGEND_DPI: u32 = 150;
const INK: u8 = 40;
/// Least height of the legend, in dots: a millimetre and a half. Whoever holds the card reads it.
const LEGEND_DOTS: u32 = 9;

/// Whether somebody who holds the card sees the legend: its ink lies on the card, stands out and is large enough.
fn shows_legend(template: &Template, with: &Page, fonts: &Fonts, holder: &Holder<'_>) -> bool {
    let Ok(without) = Page::lay(&template.without_legend(), fonts, holder, true) else { return false };
    let (Ok(with), Ok(without)) = (with.pixels(LEGEND_DPI), without.pixels(LEGEND_DPI)) else { return false };
    let edge = dots(template.bleed_mm());
    let (right, below) = (with.width().saturating_sub(edge), with.height().saturating_sub(edge));
    let (mut rows, mut columns, mut ink) = ((u32::MAX, 0), (u32::MAX, 0), 0_usize);
    for y in edge..below {
        for x in edge..right {
            let (Some(one), Some(other)) = (with.pixel(x, y), without.pixel(x, y)) else { continue };
            let differs = [(one.red(), other.red()), (one.green(), other.green()), (one.blue(), other.blue())]
                .into_iter()
                .any(|(one, other)| one.abs_diff(other) >= INK);
            if differs {
                (rows, columns) = ((rows.0.min(y), rows.1.max(y + 1)), (columns.0.min(x), columns.1.max(x + 1)));
                ink += 1;
            }
        }
    }
    // Written across or down; each of its characters has some dots of ink.
    let (high, wide) = (rows.1.saturating_sub(rows.0), columns.1.saturating_sub(columns.0));
    high.min(wide) >= LEGEND_DOTS && ink >= LEGEND.chars().count() * 8
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a bleed of at most five millimetres")]
fn dots(mm: f32) -> u32 {
    (mm / 25.4 * LEGEND_DPI as f32).round() as u32
}
