//! The pages of the handbook about the life of cards, on a centre whose cards are made.

use std::path::Path;

use crate::console::{run, steps};
use crate::desk::Desk;

fn made(folder: &Path) {
    drop(Desk::at(&folder.join("centre"), 3).with_vault());
}

#[test]
fn the_english_page_about_cards_is_true() {
    assert!(run(include_str!("../../../docs/handbook/cards.en.md"), "C.UTF-8", made) > 12);
}

#[test]
fn the_chinese_page_about_cards_is_true_and_has_the_same_commands() {
    let (zh, en) =
        (include_str!("../../../docs/handbook/cards.zh.md"), include_str!("../../../docs/handbook/cards.en.md"));
    assert!(run(zh, "zh_CN.UTF-8", made) > 12);
    let commands = |page| steps(page).into_iter().map(|step| step.command).collect::<Vec<_>>();
    assert_eq!(commands(zh), commands(en));
}
