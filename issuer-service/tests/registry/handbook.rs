//! The pages of the handbook about people.

use crate::console::{agrees, run, steps};

#[test]
fn the_english_page_about_people_is_true() {
    assert!(run(include_str!("../../../docs/handbook/people.en.md"), "C.UTF-8", |_| ()) > 12);
}

#[test]
fn the_chinese_page_about_people_is_true_and_has_the_same_commands() {
    let (zh, en) =
        (include_str!("../../../docs/handbook/people.zh.md"), include_str!("../../../docs/handbook/people.en.md"));
    assert!(run(zh, "zh_CN.UTF-8", |_| ()) > 12);
    let commands = |page| steps(page).into_iter().map(|step| step.command).collect::<Vec<_>>();
    assert_eq!(commands(zh), commands(en));
}

#[test]
fn an_output_that_differs_from_the_page_is_noticed() {
    assert!(agrees("a … c", "a b c") && agrees("a…", "abc") && agrees("x", "x"));
    assert!(!agrees("a … c", "a b d") && !agrees("a", "ab") && !agrees("a … c", "a b c d"));
}
