//! The pages of the handbook about people.

use std::path::Path;

use jpeg_encoder::ColorType;

use crate::console::{agrees, run, steps};
use crate::drawn::{encoded, photo, pixels};

/// What the page finds in its folder: a good photo of two people, and one of another size.
fn photos(folder: &Path) {
    let small = encoded(&pixels(236, 295, [255; 3], 0), 236, 295, ColorType::Rgb, false);
    std::fs::create_dir(folder.join("photos")).expect("folder");
    let numbered = |order| format!("photos/{}.jpg", crate::bureau::number("19900101", order));
    for (name, bytes) in [("face.jpg".to_owned(), photo(2)), (numbered(1), photo(1)), (numbered(2), small)] {
        std::fs::write(folder.join(name), bytes).expect("photo");
    }
}

#[test]
fn the_english_page_about_people_is_true() {
    assert!(run(include_str!("../../../docs/handbook/people.en.md"), "C.UTF-8", photos) > 12);
}

#[test]
fn the_chinese_page_about_people_is_true_and_has_the_same_commands() {
    let (zh, en) =
        (include_str!("../../../docs/handbook/people.zh.md"), include_str!("../../../docs/handbook/people.en.md"));
    assert!(run(zh, "zh_CN.UTF-8", photos) > 12);
    let commands = |page| steps(page).into_iter().map(|step| step.command).collect::<Vec<_>>();
    assert_eq!(commands(zh), commands(en));
}

#[test]
fn the_pages_about_configuration_and_timers_are_true_and_have_the_same_commands() {
    let (zh, en) = (
        include_str!("../../../docs/handbook/configuration.zh.md"),
        include_str!("../../../docs/handbook/configuration.en.md"),
    );
    assert!(run(en, "C.UTF-8", |_| ()) > 15 && run(zh, "zh_CN.UTF-8", |_| ()) > 15);
    // But for the remarks in the file that they write.
    let bare = |command: &str| command.lines().filter(|line| !line.starts_with('#')).collect::<Vec<_>>().join("\n");
    let commands = |page| steps(page).into_iter().map(|step| bare(&step.command)).collect::<Vec<_>>();
    assert_eq!(commands(zh), commands(en));
}

#[test]
fn an_output_that_differs_from_the_page_is_noticed() {
    assert!(agrees("a … c", "a b c") && agrees("a…", "abc") && agrees("x", "x"));
    assert!(!agrees("a … c", "a b d") && !agrees("a", "ab") && !agrees("a … c", "a b c d"));
}
