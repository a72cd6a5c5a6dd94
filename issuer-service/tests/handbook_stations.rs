//! The pages of the handbook about stations elsewhere: every command is run, and says what the page says.

#[path = "registry/console.rs"]
mod console;
#[path = "database/fresh.rs"]
mod fresh;

use console::{run, steps};

const EN: &str = include_str!("../../docs/handbook/stations.en.md");
const ZH: &str = include_str!("../../docs/handbook/stations.zh.md");

#[test]
fn the_english_page_about_stations_is_true() {
    assert!(run(EN, "C.UTF-8", |_| {}) > 15);
}

#[test]
fn the_chinese_page_about_stations_is_true_and_has_the_same_commands() {
    assert!(run(ZH, "zh_CN.UTF-8", |_| {}) > 15);
    let commands = |page| steps(page).into_iter().map(|step| step.command).collect::<Vec<_>>();
    assert_eq!(commands(ZH), commands(EN));
}
