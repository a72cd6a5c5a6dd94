//! A sheet of paper drawn as SVG by its caller, as a document.
//!
//! Owns: that its fonts are embedded and nothing outside of it is read. Never: knows what stands on it.
//! Units: millimetres.

use krilla::geom::Size as PageSize;
use krilla::metadata::Metadata;
use krilla::page::PageSettings;
use krilla_svg::{SurfaceExt, SvgSettings};

use crate::fault::Fault;
use crate::fonts::Fonts;
use crate::page::{POINT_MM, drawing};

/// A document of one page of this size; `svg` fills it.
///
/// # Errors
/// [`Fault::Drawing`].
pub fn sheet(svg: &str, title: &str, [width, height]: [f32; 2], fonts: &Fonts) -> Result<Vec<u8>, Fault> {
    let tree = drawing(svg, fonts)?;
    let size = PageSize::from_wh(width / POINT_MM, height / POINT_MM).ok_or(Fault::Drawing)?;
    let mut document = krilla::Document::new();
    document.set_metadata(Metadata::new().title(title.to_owned()).language("zh-CN".to_owned()));
    let mut page = document.start_page_with(PageSettings::new(size));
    let mut surface = page.surface();
    surface.draw_svg(&tree, size, SvgSettings { embed_text: true, filter_scale: 1.0 }).ok_or(Fault::Drawing)?;
    surface.finish();
    page.finish();
    document.finish().map_err(|_| Fault::Drawing)
}
