//! What is printed on one card, written into its template.
//!
//! Owns: the text of each field, runs of fonts, escaping, the size at which a text is tried. Never: cuts or abbreviates a text.
//! Units: sizes in millimetres.

use std::fmt::Write as _;
use std::ops::Range;

use zeroize::Zeroizing;

use crate::fault::Fault;
use crate::fonts::Fonts;
use crate::template::{Field, Place, Template};
use crate::{HEIGHT_MM, WIDTH_MM};

/// Most bytes of a photo (assumed: the notices ask for 100 kB at most).
pub const PHOTO_BYTES_MAX: usize = 4 * 1024 * 1024;

/// What stands for the photo in the text that is drawn.
pub(crate) const PHOTO: &str = "photo:";
/// Text behind a field's number in the drawing.
pub(crate) const ID: &str = "data-field.";

/// What is printed on one card.
#[derive(Clone, Copy)]
pub struct Holder<'a> {
    /// 姓名.
    pub name: &'a str,
    /// 姓名 in the script of the holder's own people; empty where there is none.
    pub name_script: &'a str,
    /// 社会保障号码.
    pub number: &'a str,
    /// 卡号.
    pub card_number: &'a str,
    /// 发卡日期, `YYYYMMDD`.
    pub issue_date: &'a str,
    /// 有效期, `YYYYMMDD`.
    pub valid_until: &'a str,
    /// 照片: a JPEG.
    pub photo: Option<&'a [u8]>,
}

impl std::fmt::Debug for Holder<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Holder(..)")
    }
}

/// The text of a place.
pub(crate) fn value(place: &Place, holder: &Holder<'_>) -> Result<Zeroizing<String>, Fault> {
    let date = |digits: &str| {
        let format = place.format.as_deref().unwrap_or("YYYY年MM月DD日");
        let part = |range: Range<usize>| digits.get(range).unwrap_or_default();
        let whole = digits.len() == 8 && digits.bytes().all(|byte| byte.is_ascii_digit());
        let filled = || format.replace("YYYY", part(0..4)).replace("MM", part(4..6)).replace("DD", part(6..8));
        if whole { filled() } else { String::new() }
    };
    let text = match place.field {
        Field::Name => holder.name.to_owned(),
        Field::NameScript => holder.name_script.to_owned(),
        Field::Number => holder.number.to_owned(),
        Field::CardNumber => holder.card_number.to_owned(),
        Field::IssueDate => date(holder.issue_date),
        Field::ValidUntil => date(holder.valid_until),
        Field::Photo => String::new(),
    };
    let empty = text.trim().is_empty() && place.field != Field::Photo;
    if empty { Err(Fault::Missing { field: place.field.name() }) } else { Ok(Zeroizing::new(text)) }
}

/// The template with everything in it, each field at its size.
///
/// # Errors
/// Every [`Fault`] of a value.
pub(crate) fn filled(
    template: &Template,
    fonts: &Fonts,
    holder: &Holder<'_>,
    sizes: &[f32],
    bleed_mm: f32,
) -> Result<Zeroizing<String>, Vec<Fault>> {
    let mut faults = Vec::new();
    let mut edits: Vec<(Range<usize>, Zeroizing<String>)> = root(template, bleed_mm);
    for (number, (place, size)) in template.places.iter().zip(sizes).enumerate() {
        if place.field == Field::Photo {
            match (holder.photo, place.optional) {
                (Some(_), _) => edits.extend(element(place, &format!(" id=\"{ID}{number}\" href=\"{PHOTO}\""))),
                (None, true) => edits.push((place.element.clone(), Zeroizing::default())),
                (None, false) => faults.push(Fault::Missing { field: place.field.name() }),
            }
            continue;
        }
        if place.field == Field::NameScript && holder.name_script.is_empty() {
            edits.push((place.element.clone(), Zeroizing::default()));
            continue;
        }
        edits.extend(element(place, &format!(" id=\"{ID}{number}\" font-size=\"{size}\"")));
        match value(place, holder).and_then(|text| spans(fonts, place.field, &text)) {
            Ok(text) => edits.push((place.content.clone(), text)),
            Err(fault) => faults.push(fault),
        }
    }
    if !faults.is_empty() {
        return Err(faults);
    }
    edits.sort_by_key(|(range, _)| (range.start, range.end));
    let mut text = Zeroizing::new(String::with_capacity(template.text.len() + 1024));
    let mut done = 0;
    for (range, new) in &edits {
        text.push_str(template.text.get(done..range.start).unwrap_or_default());
        text.push_str(new);
        done = range.end.max(done);
    }
    text.push_str(template.text.get(done..).unwrap_or_default());
    Ok(text)
}

/// The root with its bleed around the card.
fn root(template: &Template, bleed_mm: f32) -> Vec<(Range<usize>, Zeroizing<String>)> {
    let [across, down] = [WIDTH_MM, HEIGHT_MM].map(|side| side + 2.0 * bleed_mm);
    let [width, height, view] = template.root.clone();
    [
        (width, format!("{across}mm")),
        (height, format!("{down}mm")),
        (view, format!("{start} {start} {across} {down}", start = 0.0 - bleed_mm)),
    ]
    .map(|(range, text)| (range, Zeroizing::new(text)))
    .into()
}

/// Attributes of a field's element written anew.
fn element(place: &Place, attributes: &str) -> Vec<(Range<usize>, Zeroizing<String>)> {
    let old = place.replaced.iter().map(|range| (range.clone(), Zeroizing::default()));
    let new = (place.attributes..place.attributes, Zeroizing::new(attributes.to_owned()));
    old.chain([new]).collect()
}

/// A value as spans of one font each.
fn spans(fonts: &Fonts, field: Field, text: &str) -> Result<Zeroizing<String>, Fault> {
    let runs = fonts.runs(text).map_err(|script| Fault::Glyph { field: field.name(), script })?;
    let mut spans = Zeroizing::new(String::with_capacity(text.len() * 3 + 64 * runs.len()));
    for (family, run) in runs {
        let _ = write!(spans, "<tspan font-family=\"'{}'\">", escaped(family).as_str());
        spans.push_str(&escaped(run));
        spans.push_str("</tspan>");
    }
    Ok(spans)
}

fn escaped(text: &str) -> Zeroizing<String> {
    let mut escaped = Zeroizing::new(String::with_capacity(text.len() + 16));
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&apos;"),
            character if character.is_control() => {}
            character => escaped.push(character),
        }
    }
    escaped
}
