//! The same face in another program: Chromium shapes and draws it with its own libraries.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use card_face::{Field, Page, Side, Template};

use super::{fonts, holder, photo};

/// Stacks of two and three, a subjoined wa, vowels above and below, Chinese around them.
const NAME: &str = "བསྒྲུབས་རྒྱལ་སྐྱིད·扎西";

fn chromium() -> PathBuf {
    let names = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
    names.into_iter().map(PathBuf::from).find(|path| path.exists()).expect("a browser: scripts/setup")
}

/// Whether each pixel of a field's place is dark.
#[expect(clippy::cast_possible_truncation, reason = "a place on a card: a few thousand dots")]
fn ink(png: &[u8], [left, top, right, bottom]: [f32; 4]) -> (Vec<bool>, usize) {
    let mut reader = png::Decoder::new(std::io::Cursor::new(png)).read_info().expect("a PNG");
    let (width, _) = reader.info().size();
    let samples = reader.info().color_type.samples();
    let mut pixels = vec![0; reader.output_buffer_size().expect("a size")];
    reader.next_frame(&mut pixels).expect("pixels");
    let across = left as usize..right as usize;
    let dark = (top as usize..bottom as usize)
        .flat_map(|y| across.clone().map(move |x| (y * width as usize + x) * samples))
        .map(|at| pixels[at] < 128);
    (dark.collect(), across.len())
}

/// Share of dark pixels of one that have no dark pixel of the other within two pixels.
fn astray(one: &(Vec<bool>, usize), other: &(Vec<bool>, usize)) -> f64 {
    let (width, height) = (one.1 as isize, (one.0.len() / one.1) as isize);
    let dark = |image: &(Vec<bool>, usize), x: isize, y: isize| {
        (0..width).contains(&x) && (0..height).contains(&y) && image.0[(y * width + x) as usize]
    };
    let near = |x: isize, y: isize| (-2..=2).any(|dy| (-2..=2).any(|dx| dark(other, x + dx, y + dy)));
    let places = || (0..height).flat_map(|y| (0..width).map(move |x| (x, y))).filter(|(x, y)| dark(one, *x, *y));
    let (all, alone) = (places().count(), places().filter(|(x, y)| !near(*x, *y)).count());
    assert!(all > 500, "{all} dark pixels");
    alone as f64 / all as f64
}

#[test]
fn a_browser_shapes_tibetan_and_chinese_the_same_way() {
    let folder = tempfile::tempdir().expect("a folder");
    let (photo, template) = (photo(), Template::built_in(Side::Back));
    let lay = |name: &str| Page::lay(&template, &fonts(), &holder(name, &photo), false).expect("fits");
    let page = lay(NAME);
    // Big, so that a mark in a wrong place is many pixels away.
    let [left, top, right, bottom] =
        page.ink(&template).into_iter().find(|(field, _)| *field == Field::Name).expect("a name").1;
    let dpi = 600;
    let dots = |mm: f32| mm / 25.4 * dpi as f32;
    let place = [dots(left) - 8.0, dots(top) - 8.0, dots(right) + 8.0, dots(bottom) + 8.0];
    let ours = ink(&page.png(dpi).expect("drawn"), place);

    let html = folder.path().join("page.html");
    let svg = page.svg().replace("photo:", "data:,");
    let (across, down) = (2022, 1275);
    let css = format!("html,body{{margin:0;background:#fff}}svg{{display:block;width:{across}px;height:{down}px}}");
    std::fs::write(&html, format!("<!doctype html><meta charset=utf-8><style>{css}</style>{svg}")).expect("written");
    let shot = folder.path().join("shot.png");
    let ended = Command::new(chromium())
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--hide-scrollbars"])
        .args(["--disable-background-networking", "--disable-component-update", "--disable-sync"])
        .arg("--force-device-scale-factor=1")
        .arg(format!("--window-size={across},{down}"))
        .arg(format!("--user-data-dir={}", folder.path().join("profile").display()))
        .arg(format!("--screenshot={}", shot.display()))
        .arg(format!("file://{}", html.display()))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .expect("chromium starts");
    assert!(ended.success());
    let theirs = ink(&std::fs::read(shot).expect("a picture"), place);
    let apart = astray(&ours, &theirs).max(astray(&theirs, &ours));
    assert!(apart < 0.01, "{apart} of the ink lies elsewhere");
    // The same comparison sees one subjoined letter that is missing.
    let other = ink(&lay("བསྒུབས་རྒྱལ་སྐྱིད·扎西").png(dpi).expect("drawn"), place);
    assert!(astray(&theirs, &other) > 0.02);
}
