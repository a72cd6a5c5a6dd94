//! Faces of cards: what is laid out, in both forms, and which templates are refused.

#[path = "face/browser.rs"]
mod browser;

use card_face::{Fault, Field, Fonts, Holder, Page, Review, Side, Template, review};
use jpeg_encoder::{ColorType, Encoder};
use proptest::prelude::*;

/// 25 Han characters and two separators: the longest that the notice foresees.
const LONGEST: &str = "阿卜杜热合曼·买买提依明江·吐尔逊尼亚孜霍加大师傅甲乙";

fn fonts() -> Fonts {
    Fonts::find(None).expect("a Chinese font: scripts/setup")
}

fn photo() -> Vec<u8> {
    // A darker left half: a photo that is turned or stretched is seen.
    let pixels: Vec<u8> =
        (0..358 * 441).flat_map(|at| if at % 358 < 179 { [90, 60, 40] } else { [230, 220, 210] }).collect();
    let mut bytes = Vec::new();
    Encoder::new(&mut bytes, 90).encode(&pixels, 358, 441, ColorType::Rgb).expect("an encoder");
    bytes
}

fn holder<'a>(name: &'a str, photo: &'a [u8]) -> Holder<'a> {
    Holder {
        name,
        name_script: "",
        number: "11010519491231002X",
        card_number: "A00000001",
        issue_date: "20261122",
        valid_until: "20361122",
        photo: Some(photo),
    }
}

fn back(name: &str) -> Result<Page, Vec<Fault>> {
    Page::lay(&Template::built_in(Side::Back), &fonts(), &holder(name, &photo()), false)
}

#[expect(clippy::cast_possible_truncation, reason = "a place on a card: a few thousand dots")]
fn dots(mm: f32, dpi: u32) -> usize {
    (mm / 25.4 * dpi as f32) as usize
}

fn width(page: &Page, field: Field) -> f32 {
    let ink = page.ink(&Template::built_in(Side::Back));
    let (_, [left, _, right, _]) = ink.into_iter().find(|(found, _)| *found == field).expect("a field");
    right - left
}

#[test]
fn the_templates_built_in_fit_everybody() {
    for side in Side::ALL {
        let template = Template::read(side.built_in()).expect("it keeps the rules");
        let Review { faults, drawn } = review(&template, side, &fonts());
        assert_eq!(faults, [], "{side:?}");
        assert_eq!(drawn, if side == Side::Back { 5 } else { 1 });
    }
}

#[test]
fn a_long_name_is_made_smaller_a_longer_one_is_refused_and_none_is_cut() {
    let usual = back("扎西多吉").expect("fits");
    let longest = back(LONGEST).expect("fits when smaller");
    assert!(width(&usual, Field::Name) < 16.0 && (40.0..=50.0).contains(&width(&longest, Field::Name)));
    // Every character is there: each is one glyph of this font.
    let glyphs = longest.glyphs(&Template::built_in(Side::Back), Field::Name).len();
    assert_eq!(glyphs, LONGEST.chars().count());
    let faults = back(&LONGEST.repeat(2)).expect_err("too long at any size");
    assert_eq!(faults, [Fault::Long { field: "name" }]);
    let told = format!("{faults:?} {} {} {} {}", faults[0], faults[0].zh(), faults[0].next_zh(), faults[0].next_en());
    assert!(!told.contains('阿') && !told.contains("11010519491231002X"), "{told}");
}

#[test]
fn a_name_in_its_own_script_stands_under_the_name_and_nothing_where_there_is_none() {
    let (template, photo) = (Template::built_in(Side::Back), photo());
    let lay = |name_script| {
        let printed = Holder { name_script, ..holder("扎西多吉", &photo) };
        Page::lay(&template, &fonts(), &printed, false).expect("fits")
    };
    let (with, without) = (lay("བཀྲ་ཤིས་རྡོ་རྗེ"), lay(""));
    assert!(!with.glyphs(&template, Field::NameScript).is_empty());
    assert!(without.glyphs(&template, Field::NameScript).is_empty());
    let boxes = with.ink(&template);
    let of = |field| boxes.iter().find(|(found, _)| *found == field).expect("drawn").1;
    let ([left, _, _, bottom], [script, top, _, end], [_, number, ..]) =
        (of(Field::Name), of(Field::NameScript), of(Field::Number));
    assert!((left - script).abs() < 1.0 && bottom <= top && end <= number, "{boxes:?}");
    assert!(without.ink(&template).iter().all(|(field, _)| *field != Field::NameScript));
}

#[test]
fn a_script_without_font_and_a_value_that_is_missing_are_told_with_the_remedy() {
    // A character of Cuneiform is in no font of the list.
    let faults = back("扎西\u{12000}").expect_err("no glyph");
    assert_eq!((faults[0].code(), faults.len()), ("FACE_GLYPH_MISSING", 1));
    assert!(faults[0].next_en().contains("fonts-") && !faults[0].en().contains('\u{12000}'));
    // Without the Tibetan font its package is named.
    let plain = Fonts::of(["/usr/share/fonts/truetype/wqy/wqy-microhei.ttc".into()]);
    if let Ok(plain) = plain {
        let photo = photo();
        let laid = Page::lay(&Template::built_in(Side::Back), &plain, &holder("བོད་མི", &photo), false);
        assert!(laid.expect_err("no glyph")[0].next_zh().contains("fonts-ddc-uchen"));
    }
    assert_eq!(back(" ").expect_err("no name"), [Fault::Missing { field: "name" }]);
    let without = Holder { photo: None, issue_date: "2026", ..holder("丁一", &[]) };
    let faults = Page::lay(&Template::built_in(Side::Back), &fonts(), &without, false).expect_err("two are missing");
    assert_eq!(faults, [Fault::Missing { field: "photo" }, Fault::Missing { field: "issue_date" }]);
    assert!(Fonts::of([]).expect_err("none").to_string().contains("no Chinese font"));
}

#[test]
fn tibetan_stacks_are_one_glyph_wide_and_in_the_order_of_the_font() {
    let template = Template::built_in(Side::Back);
    let run = |name| back(name).expect("fits").glyphs(&template, Field::Name);
    // ས + subjoined ག + subjoined ྲ: one stack. Unstacked, the same letters stand beside each other.
    let (stack, flat) = (run("སྒྲ"), run("སགར"));
    let spread = |run: &[(u16, f32)]| run.iter().map(|(_, at)| *at).fold(0.0_f32, f32::max);
    assert!(spread(&stack) < spread(&flat) / 2.0, "{stack:?} {flat:?}");
    // The vowel sign i stands above its letter: it takes no width of its own.
    assert!(spread(&run("ཀི")) < spread(&run("ཀཀ")) / 2.0);
    // A name of Chinese and Tibetan takes each part from its own font.
    assert!(run("མི·王").len() >= 3);
}

#[test]
fn an_image_has_the_size_of_a_card_says_its_resolution_and_is_the_same_each_time() {
    let page = back("扎西多吉").expect("fits");
    for (dpi, size) in [(300, (1011, 638)), (600, (2022, 1275))] {
        let bytes = page.png(dpi).expect("drawn");
        let mut reader = png::Decoder::new(std::io::Cursor::new(&bytes)).read_info().expect("a PNG");
        assert_eq!(reader.info().size(), size);
        let dims = reader.info().pixel_dims.expect("pHYs");
        assert_eq!(dims.xppu, (dpi * 10_000 + 127) / 254);
        let mut pixels = vec![0; reader.output_buffer_size().expect("a size")];
        reader.next_frame(&mut pixels).expect("pixels");
        // The photo's left half, right half, and the ground beyond it, in millimetres.
        let at = |x: f32, y: f32| {
            let [x, y] = [x, y].map(|mm| dots(mm, dpi));
            let start = (y * size.0 as usize + x) * 3;
            [pixels[start], pixels[start + 1], pixels[start + 2]]
        };
        let near = |one: [u8; 3], other: [u8; 3]| one.iter().zip(other).all(|(a, b)| a.abs_diff(b) < 8);
        assert!(near(at(9.0, 20.0), [90, 60, 40]) && near(at(22.0, 20.0), [230, 220, 210]), "{:?}", at(9.0, 20.0));
        assert!(at(2.0, 2.0)[2] > 230);
        assert_eq!(bytes, back("扎西多吉").expect("fits").png(dpi).expect("drawn"));
    }
}

#[test]
fn a_document_has_its_trim_box_a_subset_of_each_font_and_is_the_same_each_time() {
    let photo = photo();
    let template = Template::built_in(Side::Back);
    let lay = |bleed| Page::lay(&template, &fonts(), &holder("བོད་མི·扎西", &photo), bleed).expect("fits");
    let bytes = lay(true).pdf().expect("a document");
    let text = String::from_utf8_lossy(&bytes);
    assert!(text.contains("/TrimBox") && text.contains("/BleedBox"), "boxes");
    let subsets = text.matches("/FontFile").count();
    assert!(subsets >= 2, "{subsets} fonts");
    // The whole Chinese font has 5 MB; what is used of it fits beside the photo.
    assert!(bytes.len() < photo.len() + 200_000, "{} bytes", bytes.len());
    assert_eq!(bytes, lay(true).pdf().expect("a document"));
    assert_ne!(bytes, lay(false).pdf().expect("a document"));
    // 85.60 mm and twice 3 mm of bleed are 259.65 points.
    assert!(text.contains("259.6"), "media box");
}

/// A template of the right size around something.
fn around(inside: &str) -> String {
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" xmlns:xlink=\"http://www.w3.org/1999/xlink\" width=\"85.6mm\" height=\"53.98mm\" \
         viewBox=\"0 0 85.6 53.98\">{inside}</svg>"
    )
}

#[test]
fn a_template_names_nothing_outside_of_itself_and_draws_no_more_than_it_says() {
    let field = |attributes: &str| around(&format!("<text data-field=\"name\" {attributes}>x</text>"));
    let whole = "x=\"1\" y=\"9\" font-size=\"3\" data-width=\"20\" data-size-min=\"2\"";
    assert!(Template::read(&field(whole)).is_ok());
    let deep = around(&format!("{}{}", "<g>".repeat(60_000), "</g>".repeat(60_000)));
    let many = around(&"<g/>".repeat(9_000));
    let clipped = around(&"<g opacity=\"0.5\"/>".repeat(65));
    let bomb = "<!DOCTYPE svg [<!ENTITY a \"aaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;\">]><svg>&b;</svg>";
    // A PNG that says it is 65,535 pixels across and down.
    let huge = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAA//8AAP//CAIAAAAgM9r9AAAAAElFTkSuQmCC";
    let cases: &[(&str, String)] = &[
        ("FACE_TEMPLATE_XML", "not xml".to_owned()),
        ("FACE_TEMPLATE_XML", bomb.to_owned()),
        ("FACE_TOO_MUCH", deep),
        ("FACE_TOO_MUCH", many),
        ("FACE_TOO_MUCH", clipped),
        ("FACE_TEMPLATE_LARGE", around(&" ".repeat(5 << 20))),
        ("FACE_SIZE", around("").replace("53.98mm", "54mm")),
        ("FACE_SIZE", around("").replace("0 0 85.6", "0 0 856")),
        ("FACE_BLEED", around("").replace("<svg ", "<svg data-bleed=\"50\" ")),
        ("FACE_OUTSIDE", around("<image href=\"http://example.com/a.png\" width=\"9\" height=\"9\"/>")),
        ("FACE_OUTSIDE", around("<image xlink:href=\"/etc/passwd\" width=\"9\" height=\"9\"/>")),
        ("FACE_OUTSIDE", around("<image href=\"file:///etc/passwd\" width=\"9\" height=\"9\"/>")),
        ("FACE_OUTSIDE", around("<image href=\"data:image/svg+xml;base64,PHN2Zy8+\" width=\"9\" height=\"9\"/>")),
        ("FACE_OUTSIDE", around("<rect width=\"9\" height=\"9\" fill=\"url(http://example.com/#a)\"/>")),
        ("FACE_OUTSIDE", around("<use href=\"other.svg#a\"/>")),
        ("FACE_OUTSIDE", around("<style>rect { fill: URL( 'x.svg#a' ) }</style>")),
        ("FACE_ELEMENT", around("<style>@import 'x.css';</style>")),
        ("FACE_ELEMENT", around("<script>1</script>")),
        ("FACE_ELEMENT", around("<foreignObject><p/></foreignObject>")),
        ("FACE_ELEMENT", around("<svg/>")),
        ("FACE_ELEMENT", around("<filter id=\"f\"/>")),
        ("FACE_ELEMENT", around("<o:x xmlns:o=\"urn:o\"><rect/></o:x>")),
        ("FACE_ATTRIBUTE", around("<rect onload=\"x()\"/>")),
        ("FACE_ATTRIBUTE", around("<rect filter=\"blur(900)\"/>")),
        ("FACE_ATTRIBUTE", around("<rect style=\"fil\\74 er: blur(9)\"/>")),
        ("FACE_ATTRIBUTE", around("<clipPath id=\"a\"><rect clip-path=\"url(#a)\"/></clipPath>")),
        ("FACE_ATTRIBUTE", around("<path d=\"M0 0H80\" stroke-dasharray=\"0.1\"/>")),
        ("FACE_ATTRIBUTE", around("<g stroke-dasharray=\"0.1\"><rect width=\"9\" height=\"9\"/></g>")),
        ("FACE_ATTRIBUTE", around("<rect width=\"9\" height=\"9\" stroke-dasharray=\"0 0\"/>")),
        ("FACE_ATTRIBUTE", around("<rect width=\"9\" height=\"9\" style=\"stroke-dasharray:0.1\"/>")),
        ("FACE_ELEMENT", around("<style>rect { stroke-dasharray: 0.1 }</style>")),
        ("FACE_TOO_MUCH", around("<rect width=\"80\" height=\"50\" stroke-dasharray=\"0.01\"/>")),
        ("FACE_TOO_MUCH", around(&"<line x2=\"80\" stroke-dasharray=\"1 1\"/>".repeat(500))),
        ("FACE_NUMBER", around("<rect width=\"1e38\" height=\"9\"/>")),
        ("FACE_NUMBER", around("<path d=\"M0 0L20001-1\"/>")),
        ("FACE_NUMBER", around("<g transform=\"scale(1e9)\"><rect width=\"9\" height=\"9\"/></g>")),
        ("FACE_NUMBER", around("<rect width=\"9\" height=\"9\" style=\"stroke-width:1e20\"/>")),
        ("FACE_USE", around("<g id=\"a\"><use href=\"#a\"/></g>")),
        (
            "FACE_USE",
            around("<g id=\"a\"><rect/></g><g id=\"b\"><use href=\"#a\"/><use href=\"#a\"/></g><use href=\"#b\"/>"),
        ),
        ("FACE_USE", around("<use href=\"#nowhere\"/>")),
        ("FACE_IMAGE", around(&format!("<image href=\"{huge}\" width=\"9\" height=\"9\"/>"))),
        ("FACE_IMAGE", around("<image href=\"data:image/png;base64,AAAA\" width=\"9\" height=\"9\"/>")),
        ("FACE_FIELD_UNKNOWN", around("<text data-field=\"pin\">x</text>")),
        ("FACE_FIELD_SHAPE", field("font-size=\"3\" data-width=\"20\"")),
        ("FACE_FIELD_SHAPE", field("font-size=\"NaN\" data-width=\"20\" data-size-min=\"2\"")),
        ("FACE_FIELD_SHAPE", field(&format!("{whole} style=\"font-size:9px\""))),
        ("FACE_FIELD_SHAPE", field(whole).replace(">x<", "><")),
        ("FACE_FIELD_SHAPE", around("<rect data-field=\"photo\" width=\"9\" height=\"9\"/>")),
    ];
    for (code, text) in cases {
        let shown: String = text.chars().take(300).collect();
        let faults = Template::read(text).expect_err(&shown);
        assert!(faults.iter().any(|fault| fault.code() == *code), "{code}: {faults:?} of {shown}");
        assert!(faults.iter().all(|fault| !fault.zh().is_empty() && !fault.next_en().is_empty()));
    }
}

#[test]
fn a_review_sees_bare_edges_fields_on_each_other_and_what_is_not_there() {
    let field = |name: &str, y: u32| {
        format!(
            "<text data-field=\"{name}\" x=\"30\" y=\"{y}\" font-size=\"4\" data-width=\"50\" data-size-min=\"1\">x</text>"
        )
    };
    let codes = |inside: &str| {
        let template = Template::read(&around(inside)).expect("it keeps the rules");
        let mut codes: Vec<_> =
            review(&template, Side::Back, &fonts()).faults.iter().map(|fault| fault.to_string()).collect();
        codes.sort();
        codes.join("\n")
    };
    let seen = codes(&format!("{}{}", field("name", 10), field("number", 11)));
    assert!(seen.contains("name and number lie on each other"), "{seen}");
    assert!(seen.contains("lacks photo") && seen.contains("lacks card_number"), "{seen}");
    assert!(seen.contains("edges"), "{seen}");
    let seen = codes(&format!("<rect width=\"85.6\" height=\"53.98\"/>{}", field("name", 55)));
    assert!(seen.contains("name is printed beyond the card") && !seen.contains("edges"), "{seen}");
}

#[test]
fn the_legend_is_seen_by_whoever_holds_the_card() {
    let front = Side::Front.built_in();
    let legend = front.lines().find(|line| line.contains("中华人民共和国社会保障卡")).expect("it stands there").trim();
    let seen = |written: &str| {
        let template = Template::read(&front.replace(legend, written)).expect("it keeps the rules");
        !review(&template, Side::Front, &fonts()).faults.iter().any(|fault| fault.code() == "FACE_LACKS")
    };
    assert!(seen(legend));
    // In two lines, and upright, it is read as well.
    let parts = legend
        .replace("人民共和国", "人民共和国</text><text x=\"50\" y=\"18\" font-size=\"4.9\" text-anchor=\"middle\">");
    assert!(seen(&parts));
    for hidden in [
        legend.replace("x=\"50\"", "x=\"500\""),
        legend.replace("<text", "<text opacity=\"0\""),
        legend.replace("font-size=\"4.9\"", "font-size=\"0.01\""),
        legend.replace("font-size=\"4.9\"", "font-size=\"0.6\""),
        legend.replace("#7a1010", "#d3e8e6"),
        legend.replace("<text", "<text visibility=\"hidden\""),
        format!("{legend}<rect width=\"85.6\" height=\"20\" fill=\"#fff\"/>"),
        legend.replace("卡<", "<"),
    ] {
        assert!(!seen(&hidden), "{hidden}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// What was damaged anywhere is a template or a list of faults.
    #[test]
    fn a_damaged_template_is_refused_or_read(at in 0_usize..2_000, gone in 0_usize..80, put in "[<>\"'&#a-z0-9:/= -]{0,12}") {
        let text = Side::Back.built_in();
        let start = text.char_indices().map(|(at, _)| at).find(|start| *start >= at).unwrap_or(0);
        let end = text.char_indices().map(|(at, _)| at).find(|end| *end >= start + gone).unwrap_or(text.len());
        let damaged = format!("{}{put}{}", &text[..start], &text[end..]);
        if let Err(faults) = Template::read(&damaged) {
            prop_assert!(!faults.is_empty());
        }
    }
}
