//! `sscard shell` on the real daemon, by script and at a terminal.

use std::os::unix::fs::PermissionsExt as _;

use crate::cards;
use crate::shop::{CARD, Shop, blank_image};

/// A visit to everything.
const VISIT: &str = "# a visit
info
ls
cd SSSE
ls
cat EF05
expect SSSE.EF05.spec_version 3.00
cat EF06
expect SSSE.EF06.name 张三
cat --hex EF05
records EF05
cd DF04
cat EF05 => PIN_NEEDED
verify env:WRONG => PIN_WRONG
verify env:PIN
cat EF05
cat DF03/EF05
auth RK1DF04
auth NOKEY => KEY_UNKNOWN
challenge
expect 9000
apdu 0084000008 => 9000
apdu 00A4 0000 02 DFFF => 6A82
expect 6A8x
update SSSE.EF05.card_class 2 => READ_ONLY
cat EF99 => PLACE_UNKNOWN
reset
cat DF04.EF05 => PIN_NEEDED
tree
help
exit
dance
";

#[test]
fn a_script_without_a_pin_is_told_the_command_of_the_shell() {
    let shop = Shop::open();
    let path = shop.path("pin.sh");
    for line in ["verify", "cat DF04.EF05"] {
        std::fs::write(&path, line).expect("written");
        let ran = shop.run(&["shell", "--script", &path.display().to_string()]);
        assert_eq!(ran.code(), "PIN_NEEDED", "{}", ran.stderr);
        assert!(ran.stderr.contains("verify env:") && !ran.stderr.contains("--pin"), "{}", ran.stderr);
    }
}

#[test]
fn a_script_visits_the_whole_card() {
    let shop = Shop::open();
    let path = shop.path("visit.sh");
    std::fs::write(&path, VISIT).expect("written");
    let ran = shop.run(&["shell", "--script", &path.display().to_string()]);
    assert_eq!(ran.status, 0, "{}{}", ran.stdout, ran.stderr);
    let lines: Vec<serde_json::Value> =
        ran.stdout.lines().map(|line| serde_json::from_str(line).expect("JSON Lines")).collect();
    assert_eq!((&lines[0]["profile"], &lines[0]["psam"]), (&"ssc-3.0".into(), &true.into()));
    let find = |key: &str| lines.iter().find(|line| !line[key].is_null()).unwrap_or_else(|| panic!("{key}"));
    assert_eq!(find("SSSE.EF06.name")["SSSE.EF06.name"], "张三");
    assert_eq!(find("hex")["bytes"], 64);
    let records = find("records")["records"].as_array().expect("a list").clone();
    assert_eq!((records.len(), &records[6]["tag"]), (7, &"07".into()));
    assert_eq!(find("tries_max")["tries_left_before"], serde_json::Value::Null);
    assert!(find("DF04.EF05.tag_80").is_object() || ran.stdout.contains("DF04.EF05."), "{}", ran.stdout);
    assert_eq!(find("commands")["commands"][0]["command"], "ls [DF]");
}

#[test]
fn a_script_stops_at_the_line_that_disagrees() {
    let shop = Shop::open();
    let ran = shop.run_typing("# first\napdu 0084000008 => 9000\n\napdu 00A4000002DFFF => 9000\ninfo\n", &["shell"]);
    assert_eq!((ran.status, ran.code().as_str()), (7, "SCRIPT_MISMATCH"), "{}", ran.stderr);
    assert!(ran.stdout.contains("line 4"), "{}", ran.stdout);
    assert!(!ran.stdout.contains("historical_bytes"), "nothing after the line is run: {}", ran.stdout);
    let value = shop.run_typing("cat SSSE.EF06\nexpect SSSE.EF06.name 李四\n", &["shell"]);
    assert_eq!((value.status, value.code().as_str()), (7, "SCRIPT_MISMATCH"));
    assert!(!value.stderr.contains("张三") && !value.stderr.contains("李四"), "{}", value.stderr);
    let unknown = shop.run_typing("dance\n", &["shell"]);
    assert_eq!((unknown.status, unknown.code().as_str()), (1, "SHELL_COMMAND"));
    let blocked = shop.run_typing("verify env:WRONG\n", &["shell"]);
    assert_eq!((blocked.status, blocked.code().as_str()), (6, "PIN_WRONG"));
}

#[test]
fn a_key_that_the_card_refused_is_not_tried_again_unasked() {
    let shop = Shop::with(2);
    let tries = || shop.inside("person.card").keys["SSSE.RKSSSE"].tries_left;
    let most = tries();
    let auth = |line: &str| shop.run_typing(line, &["shell"]).code();
    assert_eq!((auth("auth RKSSSE\n").as_str(), tries()), ("KEY_REFUSED", most - 1));
    assert_eq!((auth("auth rkssse\n").as_str(), tries()), ("LAST_TRY", most - 1));
    assert_eq!((auth("auth RKSSSE --last-try\n").as_str(), tries()), ("KEY_REFUSED", most - 2));
}

#[test]
fn the_psam_is_the_one_with_the_environment_of_the_card() {
    let shop = Shop::of_profiles("ssc-3.0-sm4", "psam-sx3", cards::CITY);
    let other = blank_image(&shop.path("other.card"), "psam", [0x51, 0x33, 0, 0, 0x99, 8]);
    cards::make_psam(&other, "psam", 1);
    drop(other);
    shop.farm.insert(2, &shop.path("other.card")).expect("inserted");
    let reader = shop.farm.reader_name(CARD).expect("a slot");
    let ran = shop.run_typing("auth RKSSSE\ncat SSSE.EF06\n", &["--reader", &reader, "shell"]);
    assert_eq!(ran.status, 0, "{}{}", ran.stdout, ran.stderr);
}

#[test]
fn an_item_is_written_when_that_was_asked_for() {
    let shop = Shop::open();
    let script = "update SSSE.EF05.card_class 2 => UPDATE_UNPROVED\nauth UKSSSE\nupdate SSSE.EF05.card_class 2\ncat SSSE.EF05\n\
        expect SSSE.EF05.card_class 2\nupdate SSSE.EF05.card_class 22 => VALUE_REFUSED\nupdate SSSE.EF05.nothing 2 => PLACE_UNKNOWN\n\
        update SSSE.EF06.birth_date 20259999 => VALUE_REFUSED\n";
    let ran = shop.run_typing(script, &["shell", "--allow-update"]);
    assert_eq!(ran.status, 0, "{}{}", ran.stdout, ran.stderr);
    assert_eq!(shop.run(&["card", "read"]).json()["SSSE.EF05.card_class"], "2");
    let refused = shop.run_typing("update SSSE.EF06.sex 1\n", &["shell", "--allow-update"]);
    assert_eq!((refused.status, refused.code().as_str()), (3, "UPDATE_UNPROVED"), "{}", refused.stderr);
    assert!(refused.stderr.contains("auth UKSSSE"), "{}", refused.stderr);
}

#[test]
fn at_a_terminal_the_history_keeps_no_secret_and_is_the_owners_alone() {
    let shop = Shop::open();
    let ran =
        shop.run_at_terminal("ls\napdu 0020000003864213\nverify 864213\ncat SSSE.EF05\nexit\n", "--lang en shell");
    assert_eq!(ran.status, 0, "{}{}", ran.stdout, ran.stderr);
    assert!(ran.stdout.contains("SECRET_FORM"), "{}", ran.stdout);
    let path = shop.path("data/shell_history");
    let history = std::fs::read_to_string(&path).expect("a history");
    assert!(history.contains("ls\n") && history.contains("cat SSSE.EF05\n"), "{history}");
    assert!(!history.contains("864213"), "{history}");
    assert_eq!(std::fs::metadata(&path).expect("a file").permissions().mode() & 0o777, 0o600);
}
