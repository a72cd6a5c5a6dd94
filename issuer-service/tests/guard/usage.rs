//! Command lines that cannot be read: told as every other mistake is, in the language and shape that the line asks for.

use crate::bench::Bench;

#[test]
fn a_line_that_cannot_be_read_is_told_in_both_languages_with_code_and_next_step() {
    let bench = Bench::new();
    let before = bench.ask("SELECT COUNT(*) FROM audit");
    for line in [
        "persn list",
        "person",
        "person list --colour",
        "person show",
        "person show one",
        "card lock A1",
        "ceremony start --custodian a --custodian b --threshold many",
        "psam personalize --reader x --terminal-number 12 --institution H001",
        "person death 1 --on yesterday --reason seen",
        "person death 1 --on 20260101 --withdraw --reason seen",
        "card list --batch 1 --person 2",
        "--passphrase Geheim-77 key list",
    ] {
        bench.refused(&line.split(' ').collect::<Vec<_>>(), "USAGE", 1);
    }
    assert_eq!(bench.ask("SELECT COUNT(*) FROM audit"), before);
}

#[test]
fn what_is_wrong_is_said_of_the_command_that_was_typed_and_a_secret_is_not_repeated() {
    let bench = Bench::new();
    let told = |lang: &str, words: &[&str]| {
        let mut command = bench.command(words);
        let output = command.args(["--format", "text", "--lang", lang]).output().expect("the program starts");
        assert_eq!((output.status.code(), output.stdout.len()), (Some(1), 0));
        String::from_utf8(output.stderr).expect("text")
    };
    let lock = ["card", "lock", "A1"];
    assert_eq!(
        told("en", &lock),
        "error USAGE: --reason <REASON> is missing\nnext: issuer card lock --help lists what can be typed\n"
    );
    assert_eq!(
        told("zh", &lock),
        "错误 USAGE: 缺少 --reason <REASON>\n处理办法: issuer card lock --help 列出可用的命令和参数\n"
    );
    let secret = told("en", &["--passphrase", "Geheim-77", "key", "list"]);
    assert!(secret.contains("--passphrase") && secret.contains("env:NAME") && !secret.contains("Geheim"), "{secret}");
    let help = bench.command(&["card", "lock", "--help"]).output().expect("the program starts");
    assert!(help.status.success() && help.stderr.is_empty() && !help.stdout.is_empty());
}
