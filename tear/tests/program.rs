//! The program as a person types it: text and JSON, both languages, exit codes.

use std::process::{Command, Output};

fn torn(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_sscard-tear")).args(arguments).output().expect("the program starts")
}

fn lines(bytes: &[u8]) -> Vec<String> {
    String::from_utf8(bytes.to_vec()).expect("UTF-8").lines().map(str::to_owned).collect()
}

#[test]
fn json_is_one_object_a_line_and_the_sums_last() {
    let ran = torn(&["--format", "json", "pin"]);
    assert_eq!(ran.status.code(), Some(0), "{}", String::from_utf8_lossy(&ran.stderr));
    let lines: Vec<serde_json::Value> =
        lines(&ran.stdout).iter().map(|line| serde_json::from_str(line).expect("an object")).collect();
    let (totals, rows) = lines.split_last().expect("lines");
    assert_eq!(totals["points"], rows.len());
    assert!(totals["pairs"].as_u64().expect("a number") > 400, "{totals}");
    assert_eq!((&totals["lost_fen"], &totals["doubled_fen"]), (&0.into(), &0.into()));
    assert!(rows.iter().all(|row| row["act"] == "pin" && row["conserved"] == true));
    assert!(rows.iter().all(|row| row["end"]["card_fen"] == 50_000 && row["end"]["centre_fen"] == 50_000));
}

#[test]
fn text_is_a_table_in_both_languages() {
    for (language, head, yes, sums) in [("zh", "断电或终止之处", "是", "断点 "), ("en", "point", "yes", " points, ")]
    {
        let ran = torn(&["--lang", language, "pin", "--points"]);
        assert_eq!(ran.status.code(), Some(0));
        let lines = lines(&ran.stdout);
        assert!(lines[0].starts_with(head) && lines[lines.len() - 1].contains(sums), "{lines:#?}");
        assert!(lines.len() > 20 && lines[1..lines.len() - 1].iter().all(|line| line.ends_with(yes)), "{lines:#?}");
    }
}

#[test]
fn a_wrong_word_is_a_mistake_of_the_command_line() {
    for (arguments, said) in
        [(&["--lang", "en", "refnud"][..], "USAGE"), (&["--lang", "zh", "--format", "json"][..], "\"code\":\"USAGE\"")]
    {
        let ran = torn(arguments);
        assert_eq!(ran.status.code(), Some(1));
        assert!(ran.stdout.is_empty() && String::from_utf8_lossy(&ran.stderr).contains(said), "{ran:?}");
    }
}
