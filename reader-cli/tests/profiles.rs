//! `sscard profile` and `card diff` as programs: no reader, no daemon.

use std::path::Path;
use std::process::{Command, Output};

fn sscard(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sscard"));
    // No service stands behind these names: what needs none must not look for one.
    command.args(arguments).env_clear().env("PCSCLITE_CSOCK_NAME", "/nonexistent/pcscd.comm").env("LANG", "C");
    command.output().expect("the program runs")
}

fn out(arguments: &[&str], status: i32) -> String {
    let output = sscard(arguments);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(status), "{arguments:?}: {stderr}");
    String::from_utf8(output.stdout).expect("UTF-8")
}

fn json(arguments: &[&str], status: i32) -> serde_json::Value {
    let whole: Vec<&str> = arguments.iter().copied().chain(["--format", "json"]).collect();
    serde_json::from_str(&out(&whole, status)).expect("JSON")
}

fn facts(name: &str) -> serde_json::Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../card-profiles/tests").join(name);
    serde_json::from_str(&std::fs::read_to_string(path).expect("facts")).expect("JSON")
}

#[test]
fn layouts_are_printed_in_the_shape_of_the_published_tables() {
    let cards = [("ssc-1.0", "layout-v1.json"), ("ssc-2.0", "layout-v2.json"), ("ssc-3.0", "layout-v2.json")];
    for (profile, table) in cards {
        let text = out(&["profile", "show", profile, "--format", "layout"], 0);
        let printed: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!(printed, facts(table), "{profile}");
    }
}

#[test]
fn every_profile_is_listed_shown_documented_and_clean() {
    let list = json(&["profile", "list"], 0);
    let names: Vec<&str> =
        list["profiles"].as_array().expect("rows").iter().filter_map(|row| row["name"].as_str()).collect();
    assert!(names.len() >= 13, "{names:?}");
    for name in &names {
        assert!(out(&["profile", "show", name], 0).contains(&format!("name = \"{name}\"")));
        assert_eq!(json(&["profile", "show", name], 0)["name"], *name);
        assert!(out(&["profile", "doc", name], 0).starts_with(&format!("# {name}: ")));
    }
    assert_eq!(json(&["profile", "lint"], 0)["clean"], true);
    let release = json(&["profile", "lint", "ssc-3.0", "--release"], 0);
    let rows = release["assumptions"].as_array().expect("rows");
    assert!(rows.iter().any(|row| row["place"] == "key BK" && row["kind"] == "assumed"), "{release}");
    assert!(json(&["profile", "lint"], 0)["assumptions"].is_null());
}

#[test]
fn a_file_is_linted_and_its_mistakes_are_placed() {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("town.toml");
    let path = path.to_str().expect("UTF-8");
    let overlay = "format = 2\nextends = \"ssc-2.0\"\nname = \"town\"\n\n[pin]\ntries = ";
    std::fs::write(path, format!("{overlay}5\n")).expect("written");
    assert_eq!(json(&["profile", "lint", path], 0)["clean"], true);
    assert_eq!(json(&["profile", "diff", "ssc-2.0", path], 7)["differences"][1]["place"], "pin.tries");
    std::fs::write(path, format!("{overlay}500\n")).expect("written");
    let refused = sscard(&["profile", "lint", path, "--lang", "en"]);
    let stderr = String::from_utf8_lossy(&refused.stderr);
    assert_eq!(refused.status.code(), Some(1), "{stderr}");
    assert!(stderr.contains("PROFILE_MALFORMED") && stderr.contains("line 6 column 9"), "{stderr}");
    assert!(stderr.contains("tries is 500; a number from 0 to 255 tries is expected"), "{stderr}");
    let refused = sscard(&["profile", "lint", path, "--lang", "zh"]);
    let stderr = String::from_utf8_lossy(&refused.stderr);
    assert!(stderr.contains("第 6 行第 9 列有误：tries 写成了 500；应为 0 到 255 次的数字"), "{stderr}");
    std::fs::write(path, format!("{overlay}5\n\n[[df]]\nid = \"DF01\"\n[[df.ef]]\nid = \"EF05\"\nsize = 92\n"))
        .expect("written");
    let found = json(&["profile", "lint", path], 7);
    assert_eq!((&found["clean"], &found["findings"][0]["place"]), (&false.into(), &"DF01.EF05".into()));
    assert_eq!(found["findings"][0]["code"], "LINT_SUM");
    // Where the row stands, in this text or in its base.
    let at = |found: &serde_json::Value| ["line", "column", "base"].map(|part| found["findings"][0][part].clone());
    assert_eq!(at(&found), [10.into(), 1.into(), serde_json::Value::Null]);
    std::fs::write(path, "format = 2\nextends = \"ssc-2.0\"\nname = \"town\"\ncapacity = 100\n").expect("written");
    let found = json(&["profile", "lint", path], 7);
    assert_eq!((&found["findings"][0]["code"], at(&found)[0].clone()), (&"LINT_CAPACITY".into(), 4.into()));
    // A name that is another's.
    std::fs::write(path, "format = 2\nextends = \"ssc-2.0\"\nname = \"ssc-3.0\"\n").expect("written");
    let found = json(&["profile", "lint", path], 7);
    assert_eq!((&found["findings"][0]["code"], &found["findings"][0]["line"]), (&"LINT_NAME_TAKEN".into(), &3.into()));
    std::fs::write(path, format!("{overlay}5\n\n[[df]]\nid = \"DF01\"\n[[df.ef]]\nid = \"EF05\"\nsize = 92\n"))
        .expect("written");
    for (language, problem, next) in [
        ("zh", "文件大小写为 92，按各行计算为 91", "请按所列位置修改"),
        ("en", "size is stated as 92, the rows give 91", "mend the profile text at the places listed"),
    ] {
        let listed = sscard(&["profile", "lint", path, "--lang", language]);
        let (out, notes) = (String::from_utf8_lossy(&listed.stdout), String::from_utf8_lossy(&listed.stderr));
        assert!(out.contains(problem) && notes.contains(next), "{out}{notes}");
    }
}

/// Standard error of a refusal.
fn refusal(arguments: &[&str], status: i32) -> String {
    let refused = sscard(arguments);
    let stderr = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(status), "{arguments:?}: {stderr}");
    stderr
}

#[test]
fn an_unknown_name_is_no_missing_file() {
    for (language, words) in [("en", "no built-in profile has this name"), ("zh", "内置描述中没有这个名称")]
    {
        let unknown = refusal(&["profile", "show", "ssc-9.9", "--lang", language], 2);
        for word in ["PROFILE_UNKNOWN", words, "sscard profile list"] {
            assert!(unknown.contains(word), "{unknown}");
        }
    }
    let missing = refusal(&["profile", "show", "nowhere/town.toml", "--lang", "zh"], 2);
    assert!(missing.contains("FILE_MISSING") && missing.contains("文件或文件夹不存在"), "{missing}");
    assert!(!missing.contains("No such file"), "{missing}");
}

#[test]
fn a_file_that_is_no_text_is_malformed_at_its_byte() {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("gbk");
    let path = path.to_str().expect("UTF-8");
    let data = folder.path().join("data");
    let data = data.to_str().expect("UTF-8");
    std::fs::write(path, b"# one\nname = \"\xD5\xC5\"\n").expect("written");
    for (arguments, code) in [
        (&["profile", "lint", path][..], "PROFILE_MALFORMED"),
        (&["card", "diff", path, path], "DUMP_MALFORMED"),
        (&["shell", "--script", path], "SCRIPT_MALFORMED"),
        (&["shell", "--config", path], "CONFIGURATION_INVALID"),
    ] {
        let whole: Vec<&str> = arguments.iter().copied().chain(["--lang", "en", "--data", data]).collect();
        let stderr = refusal(&whole, 1);
        for word in [code, "line 2: byte 15 of the file is not UTF-8", "save the file again as UTF-8"] {
            assert!(stderr.contains(word), "{stderr}");
        }
    }
}

#[test]
fn profiles_are_compared_fact_by_fact() {
    assert_eq!(json(&["profile", "diff", "psam", "psam"], 0)["same"], true);
    let differences = json(&["profile", "diff", "ssc-2.0", "ssc-3.0"], 7);
    let rows = differences["differences"].as_array().expect("rows");
    let read = rows.iter().find(|row| row["place"] == "SSSE.EF06.read").expect("read differs");
    assert_eq!((&read["left"], &read["right"]), (&"free".into(), &"RKSSSE".into()));
}

#[test]
fn a_comparison_for_people_is_grouped_counted_and_short() {
    let text = |left, right, language| out(&["profile", "diff", left, right, "--lang", language], 7);
    let generations = text("ssc-2.0", "ssc-3.0", "en");
    assert!(generations.starts_with("5 differ, 1 only in ssc-2.0, "), "{generations}");
    assert!(generations.contains("\nSSSE.EF06\n  read: free → RKSSSE\n"), "{generations}");
    assert!(generations.contains("\nonly in ssc-3.0\n  SSSE.EF06.read_v2\n"), "{generations}");
    assert!(generations.lines().any(|line| line.starts_with("  certificate (") && line.ends_with(" facts)")));
    let hebei = text("ssc-1.0", "ssc-1.0-hebei", "zh");
    assert!(hebei.contains("只在 ssc-1.0-hebei 中\n"), "{hebei}");
    assert!(hebei.lines().any(|line| line.starts_with("  SSSE.EF0C（")), "{hebei}");
    // Of the long list of assumptions, those of the overlay alone.
    assert!(hebei.contains("    + control keys MKDF0A") && !hebei.contains("capacity of the chip"), "{hebei}");
    let listed = json(&["profile", "diff", "ssc-1.0", "ssc-1.0-hebei"], 7);
    let facts = listed["differences"].as_array().expect("rows").len();
    assert!(facts > 200 && hebei.lines().count() < facts / 3, "{facts} facts in {} lines", hebei.lines().count());
}

#[test]
fn a_province_without_a_known_psam_says_so_before_a_release() {
    let release = json(&["profile", "lint", "ssc-1.0-zhejiang", "--release"], 0);
    let rows = release["assumptions"].as_array().expect("rows");
    let is_said =
        |row: &serde_json::Value| row["text"].as_str().is_some_and(|text| text.starts_with("no PSAM of the province"));
    assert!(rows.iter().any(|row| is_said(row) && row["place"] == "profile"), "{release}");
}

#[test]
fn the_schema_knows_every_builtin_profile_as_a_base() {
    let schema = json(&["profile", "schema"], 0);
    let bases = schema["then"]["properties"]["extends"]["anyOf"][0]["enum"].as_array().expect("names");
    assert!(bases.iter().any(|name| name == "ssc-3.0-sm4"), "{bases:?}");
    assert_eq!(schema["else"]["properties"]["capacity"]["type"], "integer");
}

#[test]
fn only_profile_show_has_a_layout() {
    out(&["profile", "list", "--format", "layout"], 1);
}

#[test]
fn a_file_that_is_no_dump_is_refused_without_repeating_it() {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("card.json");
    std::fs::write(&path, "{\n \"values\": \"SECRET-NAME\" }").expect("written");
    let path = path.to_str().expect("UTF-8");
    let refused = sscard(&["card", "diff", path, path, "--lang", "en"]);
    let stderr = String::from_utf8_lossy(&refused.stderr);
    assert_eq!(refused.status.code(), Some(1), "{stderr}");
    assert!(
        stderr.contains("DUMP_MALFORMED") && stderr.contains("line 2") && !stderr.contains("SECRET-NAME"),
        "{stderr}"
    );
    out(&["card", "diff", path], 1);
}
