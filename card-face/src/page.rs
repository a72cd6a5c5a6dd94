//! One side of one card, laid out: as an image or as a document.
//!
//! Source: PNG with pHYs; PDF (ISO 32000) with TrimBox and BleedBox, fonts embedded as subsets of the glyphs in use.
//! Owns: the size at which each text fits, what is drawn of an image inside. Never: a date or a random id: the same card is the same bytes.
//! Units: millimetres, dots an inch, points (72 an inch).

use std::sync::Arc;

use krilla::geom::{Rect as Box_, Size as PageSize};
use krilla::metadata::Metadata;
use krilla::page::PageSettings;
use krilla_svg::{SurfaceExt, SvgSettings};
use resvg::tiny_skia::{Pixmap, Rect, Transform};
use resvg::usvg::{Group, ImageHrefResolver, ImageKind, Node, Options, Text, Tree};
use zeroize::Zeroizing;

use crate::fault::Fault;
use crate::fill::{self, Holder, ID, PHOTO, PHOTO_BYTES_MAX};
use crate::fonts::{self, Fonts};
use crate::picture;
use crate::template::{Field, Template};
use crate::{DPI, HEIGHT_MM, WIDTH_MM};

const INCH_MM: f32 = 25.4;
pub(crate) const POINT_MM: f32 = INCH_MM / 72.0;
/// A size is written with two digits: hundredths of a millimetre.
const SIZE_STEP: f32 = 0.01;
/// How often a text is made smaller: once by its measure, then by a step for what rounding left.
const ROUNDS_MAX: usize = 4;

/// Which form images inside take.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Image,
    Document,
}

/// One side of one card.
pub struct Page {
    text: Zeroizing<String>,
    photo: Option<Zeroizing<Vec<u8>>>,
    fonts: Fonts,
    bleed_mm: f32,
    tree: Tree,
}

impl Page {
    /// Lays out one side; `bleed` takes the artwork beyond the card as far as the template goes.
    ///
    /// # Errors
    /// Every [`Fault`] of what is to be printed.
    pub fn lay(template: &Template, fonts: &Fonts, holder: &Holder<'_>, bleed: bool) -> Result<Self, Vec<Fault>> {
        let bleed_mm = if bleed { template.bleed_mm() } else { 0.0 };
        let photo = match holder.photo {
            None => None,
            Some(photo) if photo.len() <= PHOTO_BYTES_MAX => Some(Zeroizing::new(photo.to_vec())),
            Some(_) => return Err(vec![Fault::Photo]),
        };
        let drawn = photo.as_ref().map(|photo| picture::as_png(photo).ok_or_else(|| vec![Fault::Photo])).transpose()?;
        let mut sizes: Vec<f32> = template.places.iter().map(|place| place.size).collect();
        let mut faults = Vec::new();
        for round in 0..ROUNDS_MAX {
            let text = fill::filled(template, fonts, holder, &sizes, bleed_mm)?;
            let tree = tree(&text, fonts, drawn.clone(), Form::Image)?;
            faults.clear();
            let mut small_enough = true;
            for (number, text) in fields(&tree) {
                let (Some(place), Some(size)) = (template.places.get(number), sizes.get_mut(number)) else { continue };
                let width = text.bounding_box().width();
                if width <= place.width {
                    continue;
                }
                small_enough = false;
                let measured = (*size * place.width / width / SIZE_STEP).floor() * SIZE_STEP;
                let smaller = if round == 0 { measured } else { measured.min(*size - SIZE_STEP) };
                if smaller < place.size_min {
                    faults.push(Fault::Long { field: place.field.name() });
                }
                *size = smaller;
            }
            if !faults.is_empty() {
                return Err(faults);
            }
            if small_enough {
                faults.extend(missing_glyphs(template, &tree));
                return if faults.is_empty() {
                    Ok(Self { text, photo, fonts: fonts.clone(), bleed_mm, tree })
                } else {
                    Err(faults)
                };
            }
        }
        Err(vec![Fault::Drawing])
    }

    /// Ink of each field, in millimetres from the card's upper left corner.
    #[must_use]
    pub fn ink(&self, template: &Template) -> Vec<(Field, [f32; 4])> {
        let scale = (WIDTH_MM + 2.0 * self.bleed_mm) / self.tree.size().width();
        let mut boxes = Vec::new();
        each(self.tree.root(), &mut |node| {
            let number = node.id().strip_prefix(ID).and_then(|number| number.parse::<usize>().ok());
            let Some(place) = number.and_then(|number| template.places.get(number)) else { return };
            // Boxes in the element's own units, carried to the page by its own transform.
            let ink: Rect = match node {
                Node::Text(text) => text.flattened().bounding_box(),
                other => other.bounding_box(),
            };
            let ink = ink.transform(node.abs_transform());
            boxes.extend(ink.map(|ink| {
                let sides = [ink.left(), ink.top(), ink.right(), ink.bottom()];
                (place.field, sides.map(|side| side * scale - self.bleed_mm))
            }));
        });
        boxes
    }

    /// Glyphs of a field's texts as they are drawn: number in its font, and where it begins, in millimetres from the first.
    #[must_use]
    pub fn glyphs(&self, template: &Template, field: Field) -> Vec<(u16, f32)> {
        let mut glyphs = Vec::new();
        for (number, text) in fields(&self.tree) {
            if template.places.get(number).is_some_and(|place| place.field == field) {
                let drawn = text.layouted().iter().flat_map(|span| span.positioned_glyphs.iter());
                glyphs.extend(drawn.map(|glyph| (glyph.id.0, glyph.transform().tx)));
            }
        }
        let first = glyphs.first().map_or(0.0, |(_, at)| *at);
        glyphs.into_iter().map(|(id, at)| (id, at - first)).collect()
    }

    /// The filled template: SVG text, its photo left open as `photo:`.
    #[must_use]
    pub fn svg(&self) -> &str {
        &self.text
    }

    /// An image on white, `dpi` dots an inch, which it also says; the resolution is kept within [`DPI`].
    ///
    /// # Errors
    /// [`Fault::Drawing`].
    pub fn png(&self, dpi: u32) -> Result<Vec<u8>, Fault> {
        let dpi = dpi.clamp(*DPI.start(), *DPI.end());
        let map = self.pixels(dpi)?;
        let (width, height) = (map.width(), map.height());
        let mut rows = Vec::with_capacity(map.data().len() / 4 * 3);
        for pixel in map.pixels() {
            // Colours are kept multiplied by their opacity: what is missing is white.
            let white = 255 - pixel.alpha();
            rows.extend([pixel.red(), pixel.green(), pixel.blue()].map(|part| part.saturating_add(white)));
        }
        let mut bytes = Vec::new();
        let mut encoder = png::Encoder::new(&mut bytes, width, height);
        encoder.set_color(png::ColorType::Rgb);
        encoder.set_depth(png::BitDepth::Eight);
        // An inch is 0.0254 m; rounded.
        let per_metre = (dpi * 10_000 + 127) / 254;
        encoder.set_pixel_dims(Some(png::PixelDimensions { xppu: per_metre, yppu: per_metre, unit: png::Unit::Meter }));
        let written = encoder.write_header().and_then(|mut writer| {
            writer.write_image_data(&rows)?;
            writer.finish()
        });
        written.map_err(|_| Fault::Drawing)?;
        Ok(bytes)
    }

    /// Pixels with their opacity.
    pub(crate) fn pixels(&self, dpi: u32) -> Result<Pixmap, Fault> {
        let [across, down] = [WIDTH_MM, HEIGHT_MM].map(|side| dots(side + 2.0 * self.bleed_mm, dpi));
        let mut map = Pixmap::new(across, down).ok_or(Fault::Drawing)?;
        let size = self.tree.size();
        let scale = Transform::from_scale(across as f32 / size.width(), down as f32 / size.height());
        resvg::render(&self.tree, scale, &mut map.as_mut());
        Ok(map)
    }

    /// A document of one page, text as text in embedded fonts.
    ///
    /// # Errors
    /// [`Fault::Drawing`].
    pub fn pdf(&self) -> Result<Vec<u8>, Fault> {
        let photo = self.photo.as_ref().map(|photo| Arc::new(photo.to_vec()));
        let tree = tree(&self.text, &self.fonts, photo, Form::Document).map_err(|_| Fault::Drawing)?;
        let bleed = self.bleed_mm / POINT_MM;
        let [across, down] = [WIDTH_MM, HEIGHT_MM].map(|side| side / POINT_MM);
        let size = PageSize::from_wh(across + 2.0 * bleed, down + 2.0 * bleed).ok_or(Fault::Drawing)?;
        let trim = Box_::from_xywh(bleed, bleed, across, down);
        let whole = Box_::from_xywh(0.0, 0.0, size.width(), size.height());
        let settings = PageSettings::new(size).with_trim_box(trim).with_bleed_box(whole);
        let mut document = krilla::Document::new();
        document.set_metadata(Metadata::new().title("社会保障卡".to_owned()).language("zh-CN".to_owned()));
        let mut page = document.start_page_with(settings);
        let mut surface = page.surface();
        surface.draw_svg(&tree, size, SvgSettings { embed_text: true, filter_scale: 1.0 }).ok_or(Fault::Drawing)?;
        surface.finish();
        page.finish();
        document.finish().map_err(|_| Fault::Drawing)
    }
}

impl std::fmt::Debug for Page {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Page").field("bleed_mm", &self.bleed_mm).finish_non_exhaustive()
    }
}

/// A length in dots.
#[expect(clippy::cast_possible_truncation, reason = "a card at 1,200 dots an inch has some 4,500")]
fn dots(length_mm: f32, dpi: u32) -> u32 {
    (length_mm / INCH_MM * dpi as f32).round() as u32
}

/// The drawing of a filled template. `photo` is a PNG for an image, a JPEG for a document.
fn tree(text: &str, fonts: &Fonts, photo: Option<Arc<Vec<u8>>>, form: Form) -> Result<Tree, Vec<Fault>> {
    let resolver = ImageHrefResolver {
        resolve_data: Box::new(move |kind, bytes, _| {
            // Looked at before, when the template was read; a second look costs less than an exception.
            picture::is_bounded(&bytes).then_some(())?;
            match (kind, form) {
                ("image/png", _) => Some(ImageKind::PNG(bytes)),
                ("image/jpeg", Form::Image) => picture::as_png(&bytes).map(ImageKind::PNG),
                ("image/jpeg", Form::Document) => Some(ImageKind::JPEG(bytes)),
                _ => None,
            }
        }),
        // The only address there is; everything else is nowhere.
        resolve_string: Box::new(move |address, _| {
            let photo = photo.clone().filter(|_| address == PHOTO)?;
            Some(if form == Form::Image { ImageKind::PNG(photo) } else { ImageKind::JPEG(photo) })
        }),
    };
    let options = Options {
        resources_dir: None,
        font_family: fonts.family().to_owned(),
        image_href_resolver: resolver,
        fontdb: fonts.database(),
        languages: vec!["zh".to_owned()],
        ..Options::default()
    };
    Tree::from_str(text, &options).map_err(|_| vec![Fault::Drawing])
}

/// A drawing without a photo.
pub(crate) fn drawing(text: &str, fonts: &Fonts) -> Result<Tree, Fault> {
    tree(text, fonts, None, Form::Document).map_err(|_| Fault::Drawing)
}

fn each(group: &Group, visit: &mut dyn FnMut(&Node)) {
    for node in group.children() {
        visit(node);
        if let Node::Group(below) = node {
            each(below, visit);
        }
    }
}

fn texts(tree: &Tree) -> Vec<Text> {
    let mut texts = Vec::new();
    each(tree.root(), &mut |node| {
        if let Node::Text(text) = node {
            texts.push(Text::clone(text));
        }
    });
    texts
}

/// Texts of fields, by their number.
fn fields(tree: &Tree) -> Vec<(usize, Text)> {
    let numbered = |text: Text| Some((text.id().strip_prefix(ID)?.parse().ok()?, text));
    texts(tree).into_iter().filter_map(numbered).collect()
}

/// Texts of which a glyph is the box of a missing one.
fn missing_glyphs(template: &Template, tree: &Tree) -> Vec<Fault> {
    let mut faults: Vec<Fault> = Vec::new();
    for text in texts(tree) {
        let glyphs = text.layouted().iter().flat_map(|span| span.positioned_glyphs.iter());
        let Some(missing) = glyphs.into_iter().find(|glyph| glyph.id.0 == 0) else { continue };
        let number = text.id().strip_prefix(ID).and_then(|number| number.parse::<usize>().ok());
        let field =
            number.and_then(|number| template.places.get(number)).map_or("template", |place| place.field.name());
        let fault = Fault::Glyph { field, script: fonts::script_of(&missing.text) };
        if !faults.contains(&fault) {
            faults.push(fault);
        }
    }
    faults
}
