//! The pages of the handbook about the database and its backups.

use std::path::Path;

use crate::console::{run, steps};

/// What the page finds in its folder: a name to look for.
fn names(folder: &Path) {
    std::fs::write(folder.join("people.names"), "扎西\n").expect("file");
}

#[test]
fn the_pages_about_the_database_are_true_and_have_the_same_commands() {
    let (zh, en) =
        (include_str!("../../../docs/handbook/database.zh.md"), include_str!("../../../docs/handbook/database.en.md"));
    assert!(run(en, "C.UTF-8", names) > 12);
    assert!(run(zh, "zh_CN.UTF-8", names) > 12);
    let commands = |page| steps(page).into_iter().map(|step| step.command).collect::<Vec<_>>();
    assert_eq!(commands(zh), commands(en));
}
