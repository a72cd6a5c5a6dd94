//! Sixteen readers at once, for some seconds.

#[test]
fn sixteen_readers_make_cards_that_another_client_reads_and_nothing_else_happens() {
    let folder = tempfile::tempdir().expect("a folder");
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_soak"))
        .args(["readers", "--seconds", "20", "--place"])
        .arg(folder.path())
        .output()
        .expect("the program starts");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.contains("errors: 0") && said.contains(" 0 misread"), "{said}");
    let made: u64 = said.split_whitespace().nth(7).and_then(|word| word.parse().ok()).expect("a count");
    assert!(made >= 16, "each reader made a card at least: {said}");
}

#[test]
fn operators_kiosks_and_readers_are_all_answered_at_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_soak"))
        .args(["people", "--seconds", "12", "--operators", "8", "--kiosks", "2", "--place"])
        .arg(folder.path())
        .output()
        .expect("the program starts");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.contains("everybody was answered") && said.contains("p99"), "{said}");
}
