//! The pages of the handbook about cards as things, on a centre whose cards are made.

use std::path::Path;

use crate::console::{run, steps};
use crate::desk::Desk;

const EN: &str = include_str!("../../../docs/handbook/stock.en.md");
const ZH: &str = include_str!("../../../docs/handbook/stock.zh.md");

fn made(folder: &Path) {
    drop(Desk::at(&folder.join("centre"), 3));
}

#[test]
fn the_english_page_about_stock_is_true() {
    assert!(run(EN, "C.UTF-8", made) > 25);
}

#[test]
fn the_chinese_page_about_stock_is_true_and_has_the_same_commands() {
    assert!(run(ZH, "zh_CN.UTF-8", made) > 25);
    let commands = |page| steps(page).into_iter().map(|step| step.command).collect::<Vec<_>>();
    assert_eq!(commands(ZH), commands(EN));
}
