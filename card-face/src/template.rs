//! A template: SVG text with fields, which a city edits in a drawing program.
//!
//! Source: SVG 1.1, SVG 2. Owns: sides, fields, where each stands, what must be on a side. Never: draws; fills in.

mod rules;

use std::ops::Range;

use resvg::usvg::roxmltree::{Document, Node, ParsingOptions};

use crate::fault::Fault;
use crate::{BLEED_MAX_MM, HEIGHT_MM, WIDTH_MM};

pub(crate) use self::rules::IMAGE_SIDE_MAX;

/// The front built in.
const FRONT: &str = include_str!("../templates/front.svg");
/// The back built in.
const BACK: &str = include_str!("../templates/back.svg");
/// Stands on every card.
pub(crate) const LEGEND: &str = "中华人民共和国社会保障卡";
/// Most bytes of a template: artwork with an image inside has some 100 kB.
pub(crate) const TEMPLATE_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Elements of a template; also what keeps the reading of a hostile one short.
const NODES_MAX: u32 = 40_000;
/// Fields of one template.
const FIELDS_MAX: usize = 24;

/// A side of a card.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Side {
    /// 正面: emblem and legend.
    Front,
    /// 背面: photo and data.
    Back,
}

impl Side {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Front, Self::Back];

    /// `front`, `back`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Front => "front",
            Self::Back => "back",
        }
    }

    /// The template built in.
    #[must_use]
    pub const fn built_in(self) -> &'static str {
        match self {
            Self::Front => FRONT,
            Self::Back => BACK,
        }
    }

    /// Fields that must stand on it (assumed: the notices name photo, name, number, card number and date of issue; the approved artwork
    /// of a place may say more).
    const fn needs(self) -> &'static [Field] {
        match self {
            Self::Front => &[],
            Self::Back => &[Field::Photo, Field::Name, Field::Number, Field::CardNumber, Field::IssueDate],
        }
    }
}

/// What is filled in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// 姓名.
    Name,
    /// 姓名 in the script of the holder's own people; it and its element are left out where the holder has none.
    NameScript,
    /// 社会保障号码.
    Number,
    /// 卡号.
    CardNumber,
    /// 发卡日期.
    IssueDate,
    /// 有效期.
    ValidUntil,
    /// 照片.
    Photo,
}

impl Field {
    /// All.
    pub const ALL: [Self; 7] =
        [Self::Name, Self::NameScript, Self::Number, Self::CardNumber, Self::IssueDate, Self::ValidUntil, Self::Photo];

    /// As `data-field` names it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::NameScript => "name_script",
            Self::Number => "number",
            Self::CardNumber => "card_number",
            Self::IssueDate => "issue_date",
            Self::ValidUntil => "valid_until",
            Self::Photo => "photo",
        }
    }

    const fn is_date(self) -> bool {
        matches!(self, Self::IssueDate | Self::ValidUntil)
    }
}

/// Where a field stands in the text of its template.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) field: Field,
    /// Behind the name of its element: attributes may be written there.
    pub(crate) attributes: usize,
    /// Attributes that are written anew: `id`, `font-size`, `href`.
    pub(crate) replaced: Vec<Range<usize>>,
    /// The whole element.
    pub(crate) element: Range<usize>,
    /// Its sample text; empty for the photo.
    pub(crate) content: Range<usize>,
    /// Of the sample text, in millimetres.
    pub(crate) size: f32,
    pub(crate) size_min: f32,
    pub(crate) width: f32,
    /// `YYYY年MM月DD日` of a date.
    pub(crate) format: Option<String>,
    /// A photo that may be absent.
    pub(crate) optional: bool,
}

/// A template that keeps the rules.
#[derive(Clone, Debug)]
pub struct Template {
    pub(crate) text: String,
    pub(crate) places: Vec<Place>,
    /// Values of `width`, `height` and `viewBox` of the root.
    pub(crate) root: [Range<usize>; 3],
    bleed_mm: f32,
    /// Own text without fields.
    words: String,
    /// Texts of the legend.
    legend: Vec<Range<usize>>,
}

impl Template {
    /// The template built in.
    ///
    /// # Panics
    /// Never: it is tested.
    #[must_use]
    pub fn built_in(side: Side) -> Self {
        Self::read(side.built_in()).expect("the built-in template keeps the rules")
    }

    /// Reads a template.
    ///
    /// # Errors
    /// Every fault of it.
    pub fn read(text: &str) -> Result<Self, Vec<Fault>> {
        if text.len() > TEMPLATE_BYTES_MAX {
            return Err(vec![Fault::Large { most: TEMPLATE_BYTES_MAX }]);
        }
        if rules::is_too_deep(text) {
            return Err(vec![Fault::Many { what: "depth", most: rules::DEPTH_MAX }]);
        }
        let options = ParsingOptions { allow_dtd: false, nodes_limit: NODES_MAX };
        let document = Document::parse_with_options(text, options)
            .map_err(|error| vec![Fault::Xml { said: error.to_string() }])?;
        let mut faults = Vec::new();
        rules::look(&document, &mut faults);
        let root = root(&document).ok_or(Fault::Size).map_err(|fault| faults.push(fault)).unwrap_or_default();
        let bleed_mm = bleed(&document).ok_or(Fault::Bleed).map_err(|fault| faults.push(fault)).unwrap_or_default();
        let mut places = Vec::new();
        for node in document.descendants().filter(|node| node.has_attribute(FIELD)) {
            places.extend(place(&document, node).map_err(|fault| faults.push(fault)));
        }
        if places.len() > FIELDS_MAX {
            faults.push(Fault::Many { what: "fields", most: FIELDS_MAX });
        }
        let (words, legend) = (words(&document), legend(&document));
        if faults.is_empty() {
            Ok(Self { text: text.to_owned(), places, root, bleed_mm, words, legend })
        } else {
            Err(faults)
        }
    }

    /// The same without the legend: what is missing then is its ink.
    pub(crate) fn without_legend(&self) -> Self {
        let mut bare = self.clone();
        for range in &self.legend {
            // Places of fields stay where they are.
            bare.text.replace_range(range.clone(), &" ".repeat(range.len()));
        }
        bare
    }

    /// By how much the artwork goes on beyond the card, in millimetres.
    #[must_use]
    pub fn bleed_mm(&self) -> f32 {
        self.bleed_mm
    }

    /// Fields in it, each as often as it stands there.
    pub fn fields(&self) -> impl Iterator<Item = Field> {
        self.places.iter().map(|place| place.field)
    }

    /// What this side of a card must have and the template does not.
    #[must_use]
    pub fn lacks(&self, side: Side) -> Vec<Fault> {
        let fields = side.needs().iter().filter(|needed| self.fields().all(|field| field != **needed));
        let mut faults: Vec<_> = fields.map(|field| Fault::Lacks { what: field.name() }).collect();
        if side == Side::Front && !self.words.contains(LEGEND) {
            faults.push(Fault::Lacks { what: LEGEND });
        }
        faults
    }
}

const FIELD: &str = "data-field";

fn line(document: &Document<'_>, node: Node<'_, '_>) -> u32 {
    document.text_pos_at(node.range().start).row
}

/// Millimetres: a plain number, or one with `mm`.
fn millimetres(text: &str) -> Option<f32> {
    let number: f32 = text.trim().trim_end_matches("mm").trim_end().parse().ok()?;
    number.is_finite().then_some(number)
}

fn near(one: f32, other: f32) -> bool {
    (one - other).abs() < 0.005
}

fn root(document: &Document<'_>) -> Option<[Range<usize>; 3]> {
    let root = document.root_element();
    let attribute = |name| root.attribute_node(name);
    let (width, height, view) = (attribute("width")?, attribute("height")?, attribute("viewBox")?);
    let sides = [(width.value(), WIDTH_MM), (height.value(), HEIGHT_MM)];
    let fits = sides
        .iter()
        .all(|(text, side)| text.trim().ends_with("mm") && millimetres(text).is_some_and(|number| near(number, *side)));
    let numbers: Vec<f32> = view
        .value()
        .split([' ', ','])
        .filter(|part| !part.is_empty())
        .map(|part| part.parse().ok())
        .collect::<Option<_>>()?;
    let [x, y, across, down] = numbers.try_into().ok()?;
    let fits = fits && near(x, 0.0) && near(y, 0.0) && near(across, WIDTH_MM) && near(down, HEIGHT_MM);
    fits.then(|| [width.range_value(), height.range_value(), view.range_value()])
}

fn bleed(document: &Document<'_>) -> Option<f32> {
    let Some(text) = document.root_element().attribute("data-bleed") else { return Some(0.0) };
    millimetres(text).filter(|bleed| (0.0..=BLEED_MAX_MM).contains(bleed))
}

fn place(document: &Document<'_>, node: Node<'_, '_>) -> Result<Place, Fault> {
    let line = line(document, node);
    let name = node.attribute(FIELD).unwrap_or_default();
    let known = Field::ALL.into_iter().find(|field| field.name() == name);
    // A name from a file is told as far as it is one.
    let shown = || name.chars().filter(|c| c.is_ascii_graphic()).take(24).collect();
    let field = known.ok_or_else(|| Fault::Field { line, name: shown() })?;
    let wrong = |what| Fault::FieldShape { line, field: field.name(), what };
    let number = |what: &'static str| {
        let value = node.attribute(what).and_then(|text| text.trim().parse::<f32>().ok());
        value.filter(|value| value.is_finite() && *value > 0.0 && *value < 200.0).ok_or_else(|| wrong(what))
    };
    let element = node.range();
    // `<` and the name as it is written, with its prefix.
    let tail = document.input_text().get(element.start + 1..).unwrap_or_default();
    let length = tail.find(|c: char| c.is_whitespace() || matches!(c, '>' | '/')).ok_or_else(|| wrong("text"))?;
    let written = |names: &[&str]| {
        let ours = |name: &str| names.contains(&name);
        node.attributes().filter(|attribute| ours(attribute.name())).map(|attribute| attribute.range()).collect()
    };
    let mut place = Place {
        field,
        attributes: element.start + 1 + length,
        replaced: Vec::new(),
        element,
        content: 0..0,
        size: 0.0,
        size_min: 0.0,
        width: 0.0,
        format: None,
        optional: false,
    };
    if field == Field::Photo {
        if !node.has_tag_name("image") {
            return Err(wrong("image"));
        }
        number("width")?;
        number("height")?;
        place.replaced = written(&["id", "href"]);
        place.optional = node.attribute("data-optional") == Some("true");
        return Ok(place);
    }
    if !node.has_tag_name("text") {
        return Err(wrong("text"));
    }
    place.size = number("font-size")?;
    place.width = number("data-width")?;
    place.size_min = number("data-size-min")?;
    if place.size_min > place.size {
        return Err(wrong("data-size-min"));
    }
    if node.attribute("style").is_some_and(|style| style.contains("font")) {
        // It would win over the size that is written here.
        return Err(wrong("style"));
    }
    let sample: String = node.descendants().filter_map(|node| node.is_text().then(|| node.text()).flatten()).collect();
    let (Some(first), Some(last)) = (node.first_child(), node.last_child()) else { return Err(wrong("text")) };
    if sample.trim().is_empty() {
        return Err(wrong("text"));
    }
    place.content = first.range().start..last.range().end;
    place.replaced = written(&["id", "font-size"]);
    if let Some(format) = node.attribute("data-format") {
        let whole = ["YYYY", "MM"].iter().all(|part| format.matches(part).count() == 1) && format.len() < 64;
        if !field.is_date() || !whole || format.contains(['<', '&']) {
            return Err(wrong("data-format"));
        }
        place.format = Some(format.to_owned());
    }
    Ok(place)
}

/// What stands in the template besides the samples of fields, without blanks.
fn words(document: &Document<'_>) -> String {
    let own = document.descendants().filter(|node| {
        node.is_text()
            && node.ancestors().any(|above| above.has_tag_name("text"))
            && !node.ancestors().any(|above| above.has_attribute(FIELD))
    });
    own.filter_map(|node| node.text()).flat_map(str::chars).filter(|c| !c.is_whitespace()).collect()
}

/// Texts that are the legend, or a part of it.
fn legend(document: &Document<'_>) -> Vec<Range<usize>> {
    let texts = document.descendants().filter(|node| node.has_tag_name("text") && !node.has_attribute(FIELD));
    let is_legend = |node: &Node<'_, '_>| {
        let own = node.descendants().filter(|node| node.is_text()).filter_map(|node| node.text());
        let words: String = own.flat_map(str::chars).filter(|c| !c.is_whitespace()).collect();
        !words.is_empty() && (LEGEND.contains(&words) || words.contains(LEGEND))
    };
    texts.filter(is_legend).map(|node| node.range()).collect()
}
