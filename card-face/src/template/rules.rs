//! What a template may be made of: shapes, gradients, text, images inside, each bounded.
//!
//! Source: SVG 1.1; what each element costs to draw. Owns: the lists of elements and attributes, every bound.
//! Never: lets a template name anything outside of itself, or draw the same thing more often than it says.

use resvg::usvg::roxmltree::{Attribute, Document, Node};

use super::line;
use crate::fault::Fault;
use crate::picture;

/// Elements inside each other.
pub(super) const DEPTH_MAX: usize = 32;
/// Elements of the drawing: traced artwork has some thousand paths.
const ELEMENTS_MAX: usize = 8_000;
/// Elements with a layer of their own: one image of the card's size each.
const LAYERS_MAX: usize = 64;
/// Elements drawn again by `use`.
const USES_MAX: usize = 64;
/// Images inside.
const IMAGES_MAX: usize = 8;
/// Dashes of all lines: each is drawn for itself. A fine border around the card has some thousand.
const DASHES_MAX: usize = 20_000;
/// Largest number of a shape or a transformation: a hundred times the card, in millimetres, for drawings in points or pixels.
const NUMBER_MAX: f32 = 10_000.0;
/// Attributes that place a shape or say how large it is.
const NUMBERED: &[&str] = &[
    "cx",
    "cy",
    "d",
    "dx",
    "dy",
    "font-size",
    "fx",
    "fy",
    "gradientTransform",
    "height",
    "letter-spacing",
    "points",
    "r",
    "rotate",
    "rx",
    "ry",
    "stroke-dashoffset",
    "stroke-miterlimit",
    "stroke-width",
    "textLength",
    "transform",
    "width",
    "word-spacing",
    "x",
    "x1",
    "x2",
    "y",
    "y1",
    "y2",
];
/// Pixels across or down of an image inside: 600 dots an inch for a card with its bleed are some 2,260.
pub(crate) const IMAGE_SIDE_MAX: u32 = 4_096;

const SVG: &str = "http://www.w3.org/2000/svg";

/// Elements that are drawn, or say how.
const ELEMENTS: &[&str] = &[
    "svg",
    "g",
    "defs",
    "title",
    "desc",
    "metadata",
    "style",
    "path",
    "rect",
    "circle",
    "ellipse",
    "line",
    "polyline",
    "polygon",
    "text",
    "tspan",
    "image",
    "use",
    "clipPath",
    "linearGradient",
    "radialGradient",
    "stop",
];

/// Attributes that would make layers of effects, or drawings inside drawings.
const ATTRIBUTES_REFUSED: &[&str] = &["filter", "mask", "marker", "marker-start", "marker-mid", "marker-end", "base"];

/// Looks at a whole document.
pub(super) fn look(document: &Document<'_>, faults: &mut Vec<Fault>) {
    let root = document.root_element();
    if !root.has_tag_name((SVG, "svg")) {
        faults.push(Fault::Element { line: 1, name: shown(root.tag_name().name()) });
        return;
    }
    let (mut elements, mut layers, mut uses, mut images, mut dashes) = (0, 0, 0, 0, 0_usize);
    for node in root.descendants().filter(Node::is_element) {
        let line = line(document, node);
        let name = node.tag_name().name();
        if node.tag_name().namespace() != Some(SVG) {
            // Notes of drawing programs are not drawn; a drawing inside them would be.
            if node.descendants().any(|below| below.tag_name().namespace() == Some(SVG)) {
                faults.push(Fault::Element { line, name: shown(name) });
            }
            continue;
        }
        elements += 1;
        let nested_root = name == "svg" && node != root;
        if nested_root || !ELEMENTS.contains(&name) {
            faults.push(Fault::Element { line, name: shown(name) });
            continue;
        }
        uses += usize::from(name == "use");
        images += usize::from(name == "image");
        for attribute in node.attributes() {
            faults.extend(look_at_attribute(node, line, &attribute));
            layers += usize::from(makes_layer(&attribute));
        }
        match dashes_of(node) {
            Some(more) => dashes = dashes.saturating_add(more),
            None => faults.push(Fault::Attribute { line, name: DASHES.to_owned() }),
        }
        match name {
            "style" => faults.extend(look_at_style(line, node)),
            "use" if !is_plain_use(document, node) => faults.push(Fault::Use { line }),
            // A clip that is clipped would be drawn once more for each of its users, and so would theirs.
            "clipPath" if node.descendants().any(|below| below.attributes().any(|a| a.value().contains("url("))) => {
                faults.push(Fault::Attribute { line, name: "clip-path".to_owned() });
            }
            _ => {}
        }
    }
    for (what, count, most) in [
        ("elements", elements, ELEMENTS_MAX),
        ("layers", layers, LAYERS_MAX),
        ("uses", uses, USES_MAX),
        ("images", images, IMAGES_MAX),
        ("dashes", dashes, DASHES_MAX),
    ] {
        if count > most {
            faults.push(Fault::Many { what, most });
        }
    }
}

/// Whether elements lie too deep inside each other, told before anything is built of them: a bound on angle brackets, not a parser. Text
/// that is no XML may pass; the parser says so.
pub(super) fn is_too_deep(text: &str) -> bool {
    let (mut depth, mut deepest) = (0_usize, 0_usize);
    let mut rest = text;
    while let Some(at) = rest.find('<') {
        let tag = rest.get(at..).unwrap_or_default();
        let skipped =
            [("<!--", "-->"), ("<![CDATA[", "]]>"), ("<?", "?>")].iter().find(|(open, _)| tag.starts_with(open));
        if let Some((open, close)) = skipped {
            let Some(end) = tag.get(open.len()..).and_then(|inside| inside.find(close)) else { return false };
            rest = tag.get(open.len() + end + close.len()..).unwrap_or_default();
            continue;
        }
        let Some(end) = tag_end(tag) else { return false };
        if tag.starts_with("</") {
            depth = depth.saturating_sub(1);
        } else if !tag.get(..end).unwrap_or_default().ends_with('/') {
            depth += 1;
        }
        deepest = deepest.max(depth);
        rest = tag.get(end + 1..).unwrap_or_default();
    }
    deepest > DEPTH_MAX
}

/// Where a tag ends: at the first `>` outside of quotes.
fn tag_end(tag: &str) -> Option<usize> {
    let mut quote = None;
    for (at, byte) in tag.bytes().enumerate() {
        match (quote, byte) {
            (None, b'>') => return Some(at),
            (None, b'"' | b'\'') => quote = Some(byte),
            (Some(open), byte) if open == byte => quote = None,
            _ => {}
        }
    }
    None
}

/// Whether an attribute gives its element a layer of its own.
fn makes_layer(attribute: &Attribute<'_, '_>) -> bool {
    let layer = |text: &str| text.contains("opacity") || text.contains("blend") || text.contains("isolat");
    match attribute.name() {
        "opacity" | "clip-path" | "mix-blend-mode" | "isolation" => true,
        "style" => attribute.value().split(';').any(|row| {
            let name = row.split(':').next().unwrap_or_default().trim();
            name == "opacity" || name == "clip-path" || layer(name) && !name.ends_with("-opacity")
        }),
        _ => false,
    }
}

fn look_at_attribute(node: Node<'_, '_>, line: u32, attribute: &Attribute<'_, '_>) -> Option<Fault> {
    let (name, value) = (attribute.name(), attribute.value());
    if ATTRIBUTES_REFUSED.contains(&name) || name.starts_with("on") {
        return Some(Fault::Attribute { line, name: shown(name) });
    }
    if name == "style" && is_refused_style(value) {
        return Some(Fault::Attribute { line, name: "style".to_owned() });
    }
    if !refers_inside(value) {
        return Some(Fault::Outside { line });
    }
    let numbered = NUMBERED.contains(&name) || name == "style";
    if numbered && numbers(value).any(|number| number.is_none_or(|number| number.abs() > NUMBER_MAX)) {
        return Some(Fault::Far { line, name: shown(name) });
    }
    if name != "href" && name != "src" {
        return None;
    }
    if name == "href" && value.starts_with('#') && !node.has_tag_name("image") {
        return None;
    }
    if name == "href" && node.has_tag_name("image") {
        let inside =
            ["data:image/png;base64,", "data:image/jpeg;base64,"].iter().find_map(|head| value.strip_prefix(head));
        let Some(text) = inside else { return Some(Fault::Outside { line }) };
        let drawn = picture::unpacked(text).is_some_and(|bytes| picture::is_bounded(&bytes));
        return (!drawn).then_some(Fault::Image { line });
    }
    Some(Fault::Outside { line })
}

/// Whether every `url(…)` of a value names something in the same text.
fn refers_inside(value: &str) -> bool {
    let lower = value.to_ascii_lowercase();
    lower.match_indices("url(").all(|(at, found)| {
        let target = lower.get(at + found.len()..).unwrap_or_default().trim_start_matches([' ', '\'', '"']);
        target.starts_with('#')
    })
}

fn is_refused_style(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    // An escape could hide a word from this list.
    ["filter", "mask", "marker", "@", "\\", "expression", "dasharray"].iter().any(|word| lower.contains(word))
}

fn look_at_style(line: u32, node: Node<'_, '_>) -> Option<Fault> {
    let text = node.text().unwrap_or_default();
    if !refers_inside(text) {
        return Some(Fault::Outside { line });
    }
    // Layers are counted where they are written; sizes of fields are written on them.
    if numbers(text).any(|number| number.is_none_or(|number| number.abs() > NUMBER_MAX)) {
        return Some(Fault::Far { line, name: "style".to_owned() });
    }
    let hidden = ["opacity", "clip-path", "font-size", "blend", "isolat"]
        .iter()
        .any(|word| text.match_indices(word).any(|(at, _)| !text.get(..at).unwrap_or_default().ends_with('-')));
    (is_refused_style(text) || hidden).then(|| Fault::Element { line, name: "style".to_owned() })
}

/// Whether what is used is in the text, and draws itself alone.
fn is_plain_use(document: &Document<'_>, node: Node<'_, '_>) -> bool {
    let target = node.attributes().find(|attribute| attribute.name() == "href").map(|attribute| attribute.value());
    let Some(id) = target.and_then(|text| text.strip_prefix('#')) else { return false };
    let mut named = document.descendants().filter(|other| other.attribute("id") == Some(id));
    let (Some(target), None) = (named.next(), named.next()) else { return false };
    let within = target.descendants().filter(Node::is_element).take(201).count() <= 200;
    let plain = |below: Node<'_, '_>| {
        !below.has_tag_name("use")
            && !below.has_tag_name("image")
            && !below.has_attribute("data-field")
            && !below.attributes().any(|attribute| makes_layer(&attribute))
    };
    within && target.descendants().filter(Node::is_element).all(plain) && !node.ancestors().any(|above| above == target)
}

/// A name from a file, as far as it is one.
fn shown(name: &str) -> String {
    name.chars().filter(|c| c.is_ascii_graphic()).take(32).collect()
}

const DASHES: &str = "stroke-dasharray";

/// At most how many dashes a shape is drawn in: none without them, `None` where it cannot be told from its attributes.
fn dashes_of(node: Node<'_, '_>) -> Option<usize> {
    let Some(text) = node.attribute(DASHES).map(str::trim).filter(|text| *text != "none") else { return Some(0) };
    let number = |name: &str| match node.attribute(name) {
        None => Some(0.0),
        Some(text) => super::millimetres(text).map(f32::abs),
    };
    // The circumference, or more.
    let around = match node.tag_name().name() {
        "line" => ["x1", "x2", "y1", "y2"].into_iter().map(number).sum::<Option<f32>>()?,
        "rect" => 2.0 * (number("width")? + number("height")?),
        "circle" => 7.0 * number("r")?,
        "ellipse" => 7.0 * number("rx")?.max(number("ry")?),
        _ => return None,
    };
    let period: f32 = numbers(text).sum::<Option<f32>>()?;
    let count = around / period;
    // A period of nothing is no number of dashes.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and a million")]
    (count.is_finite() && (0.0..1e6).contains(&count)).then(|| count as usize + 1)
}

/// Numbers of a path, a list, a transformation or a style; colours are none. `None` for one that is not finite.
fn numbers(text: &str) -> impl Iterator<Item = Option<f32>> {
    let mut rest = text;
    std::iter::from_fn(move || {
        loop {
            let at = rest.find(|c: char| c.is_ascii_digit() || c == '.' || c == '#')?;
            let (before, tail) = rest.split_at(at);
            if tail.starts_with('#')
                || before.ends_with(|c: char| c.is_ascii_alphabetic() && c != 'e' && c != 'E') && is_name(before)
            {
                let end = tail.get(1..)?.find(|c: char| !c.is_ascii_alphanumeric()).map_or(tail.len(), |end| end + 1);
                rest = tail.get(end..)?;
                continue;
            }
            let mut end = 0;
            let bytes = tail.as_bytes();
            let (mut seen_dot, mut seen_exponent) = (false, false);
            while let Some(byte) = bytes.get(end) {
                match byte {
                    b'0'..=b'9' => {}
                    b'.' if !seen_dot && !seen_exponent => seen_dot = true,
                    b'e' | b'E' if !seen_exponent && exponent(bytes.get(end + 1..).unwrap_or_default()) => {
                        seen_exponent = true
                    }
                    b'+' | b'-' if matches!(bytes.get(end.wrapping_sub(1)), Some(b'e' | b'E')) => {}
                    _ => break,
                }
                end += 1;
            }
            let (word, tail) = tail.split_at(end.max(1));
            rest = tail;
            if word == "." {
                continue;
            }
            return Some(word.parse::<f32>().ok().filter(|number| number.is_finite()));
        }
    })
}

/// Whether an exponent stands here: digits, perhaps behind a sign.
fn exponent(bytes: &[u8]) -> bool {
    let digits = bytes.strip_prefix(b"+").or_else(|| bytes.strip_prefix(b"-")).unwrap_or(bytes);
    digits.first().is_some_and(u8::is_ascii_digit)
}

/// Whether what stands before a digit is a word that goes on with it, such as the name of a font; a letter alone is a command of a path.
fn is_name(before: &str) -> bool {
    before.bytes().rev().take_while(u8::is_ascii_alphabetic).count() > 1
}

#[cfg(test)]
mod tests {
    use super::numbers;

    #[test]
    fn numbers_are_found_in_paths_lists_transformations_and_styles() {
        let told = |text: &str| numbers(text).collect::<Vec<_>>();
        let some = |all: &[f32]| all.iter().copied().map(Some).collect::<Vec<_>>();
        assert_eq!(told("M1-2.5L.5.25e1,1E-2z"), some(&[1.0, 2.5, 0.5, 2.5, 0.01]));
        assert_eq!(told("translate(3 -4) scale(1e38)"), some(&[3.0, 4.0, 1e38]));
        assert_eq!(told("fill:#123456;stroke-width:2mm;font-family:Noto2"), some(&[2.0]));
        assert_eq!(told("1e99"), [None]);
        assert_eq!(told("none . # e"), []);
    }
}
