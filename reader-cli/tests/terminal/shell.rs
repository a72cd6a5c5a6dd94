//! `sscard shell` on the real daemon, by script and at a terminal.

use std::collections::BTreeMap;
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

/// Tries left of every key and of the PIN of the card.
fn tries(shop: &Shop) -> (BTreeMap<String, u8>, u8) {
    let inside = shop.inside("person.card");
    let keys = inside.keys.iter().map(|(name, key)| (name.clone(), key.tries_left));
    (keys.collect(), inside.pin.expect("a PIN").tries_left)
}

#[test]
fn a_psam_of_another_issuer_costs_no_try_whatever_is_asked_for_and_however_often() {
    let shop = Shop::with(2);
    let before = tries(&shop);
    let script = "cat EF06 => PLACE_UNKNOWN\ncat SSSE.EF06 => PSAM_WRONG\ncat SSSE.EF08 => PSAM_WRONG\n\
        cat DF03.EF05 => PIN_NEEDED\ncat DF07.EF05 => PSAM_WRONG\ncat DF01.EF05 => PIN_NEEDED\nauth UKSSSE => PSAM_WRONG\n\
        auth RK2DF03 => PSAM_WRONG\nauth RK2DF03 --last-try => PSAM_WRONG\nreset\ncat SSSE.EF06 => PSAM_WRONG\n\
        auth UKSSSE => PSAM_WRONG\ncat SSSE.EF05\nverify env:PIN\ncat DF03.EF05\n";
    for _ in 0..2 {
        let ran = shop.run_typing(script, &["shell"]);
        assert_eq!(ran.status, 0, "{}{}", ran.stdout, ran.stderr);
        assert!(ran.stderr.contains("PSAM_WRONG"), "said when the shell begins: {}", ran.stderr);
    }
    assert_eq!(tries(&shop), before);
    assert!(!shop.path("data/tries.txt").exists());
}

#[test]
fn a_key_that_the_card_refused_is_not_tried_again_unasked() {
    let shop = Shop::with_other_reading_keys();
    let (most, _) = tries(&shop);
    let left = |key: &str| tries(&shop).0[key];
    let key = "DF03.RK2DF03";
    let ran = |lines: &str| {
        let ran = shop.run_typing(lines, &["shell"]);
        assert_eq!(ran.status, 0, "{}{}", ran.stdout, ran.stderr);
    };
    // The update keys are the card's; the first refusal ends what is tried unasked.
    ran("auth UKSSSE\ncat DF03.EF05 => KEY_REFUSED\ncat DF03.EF05 => LAST_TRY\nauth RK2DF03 => LAST_TRY\n");
    assert_eq!((left(key), left("SSSE.RKSSSE")), (most[key] - 1, most["SSSE.RKSSSE"]));
    ran("auth rk2df03 => LAST_TRY\nreset\nauth RK2DF03 => LAST_TRY\ncat SSSE.EF06 => KEY_REFUSED\n\
        cat SSSE.EF06 => LAST_TRY\ncat DF07.EF05 => KEY_NOT_TRIED\nreset\ncat SSSE.EF06 => LAST_TRY\n");
    assert_eq!((left(key), left("SSSE.RKSSSE")), (most[key] - 1, most["SSSE.RKSSSE"] - 1));
    // Written out it is the same try.
    let raw = "apdu 0084000008\napdu 0082000A100102030405060708090A0B0C0D0E0F10";
    assert_eq!(shop.run_typing(&format!("{raw}\n"), &["shell"]).code(), "LAST_TRY");
    assert_eq!(left("SSSE.RKSSSE"), most["SSSE.RKSSSE"] - 1);
    ran(&format!("{raw} --last-try => 63Cx\n"));
    assert_eq!(left("SSSE.RKSSSE"), most["SSSE.RKSSSE"] - 2);
}

#[test]
fn keys_of_an_algorithm_that_is_not_public_or_not_the_cards_are_not_tried() {
    // A city of Beijing, and no algorithm in the FCI.
    let shop = Shop::of_profiles("ssc-2.0", "psam", "110000");
    let before = tries(&shop);
    let script = "cat SSSE.EF06\nauth UKSSSE => ALGORITHM_NOT_PUBLIC\ncat SSSE.EF08 => ALGORITHM_NOT_PUBLIC\n\
        auth UKSSSE --last-try => ALGORITHM_NOT_PUBLIC\ncat DF07.EF05 => ALGORITHM_NOT_PUBLIC\nverify env:PIN\ncat DF03.EF05\n";
    let ran = shop.run_typing(script, &["shell"]);
    assert_eq!(ran.status, 0, "{}{}", ran.stdout, ran.stderr);
    assert_eq!(tries(&shop), before);
    let shop = Shop::of_profiles("ssc-3.0-sm4", "psam", cards::CITY);
    let before = tries(&shop);
    let script = "auth UKSSSE => PROFILE_DIFFERS\ncat SSSE.EF06 => PROFILE_DIFFERS\ncat SSSE.EF05\n";
    let ran = shop.run_typing(script, &["shell", "--profile", "ssc-3.0"]);
    assert_eq!(ran.status, 0, "{}{}", ran.stdout, ran.stderr);
    assert_eq!(tries(&shop), before);
}

#[test]
fn two_psams_do_not_keep_from_what_needs_none() {
    let shop = Shop::open();
    let other = blank_image(&shop.path("other.card"), "psam", [0x51, 0x33, 0, 0, 0x99, 8]);
    cards::make_psam(&other, "psam", 1);
    drop(other);
    shop.farm.insert(2, &shop.path("other.card")).expect("inserted");
    let reader = shop.farm.reader_name(CARD).expect("a slot");
    let script = "ls\ncat SSSE.EF05\nauth UKSSSE => PSAM_AMBIGUOUS\nverify env:PIN\ncat DF03.EF05\n";
    let ran = shop.run_typing(script, &["--reader", &reader, "shell"]);
    assert_eq!(ran.status, 0, "{}{}", ran.stdout, ran.stderr);
}

#[test]
fn a_raw_read_is_kept_for_expect_and_a_psam_of_others_is_a_remark() {
    let shop = Shop::open();
    let script = "cd SSSE\napdu 00B2012D40\nexpect SSSE.EF05.card_class 1\nexpect SSSE.EF05.card_class 2 => SCRIPT_MISMATCH\nexpect SSSE.EF05.card_class 2\n";
    let ran = shop.run_typing(script, &["shell"]);
    assert_eq!(ran.code(), "SCRIPT_MISMATCH", "{}{}", ran.stdout, ran.stderr);
    assert!(ran.stderr.contains("another value came"), "{}", ran.stderr);
    let shop = Shop::with(2);
    let ran = shop.run_typing("ls\n", &["shell"]);
    assert_eq!(ran.status, 0, "{}", ran.stderr);
    assert!(ran.stderr.contains("PSAM_WRONG") && !ran.stderr.contains("\"next\""), "{}", ran.stderr);
}

#[test]
fn a_raw_verify_does_not_spend_the_last_try_unasked() {
    let shop = Shop::open();
    let raw = "apdu 0020000003000000";
    assert_eq!(shop.run_typing(&format!("{raw} => 63Cx\n").repeat(12), &["shell"]).code(), "LAST_TRY");
    assert_eq!(tries(&shop).1, 1);
    let ran = shop.run_text("en", &["shell", "--script", &shop.path("typed").display().to_string()]);
    assert!(ran.stderr.contains("one try is left"), "{}", ran.stderr);
    assert_eq!(shop.run_typing(&format!("{raw} --last-try => 63C0\n"), &["shell"]).status, 0);
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
fn composites_and_cyclic_files_are_written_and_a_read_ends_no_proof() {
    let shop = Shop::open();
    let place = "DF02.EF15.employment_assistance_1";
    let script = format!(
        "update {place} 1 => SHELL_COMMAND\ncd DF02\nauth UK5DF02\nupdate {place}.PLACE 20260102 => PLACE_UNKNOWN\n\
         update {place}.INNER 1 => UPDATE_UNPROVED\nverify env:PIN\nupdate {place}.INNER 1\ncat EF15\nexpect {place}.INNER 1\n\
         apdu 00B201AC00 => 9000\nupdate DF02.EF15.employment_assistance_2.INNER 2\ncat EF15\nexpect {place}.INNER 1\n\
         expect DF02.EF15.employment_assistance_2.INNER 2\nupdate DF02.EF16.x 1 => SHELL_COMMAND\nupdate DF02.EF16 AA => SHELL_COMMAND\n\
         auth UK6DF02\nupdate DF02.EF16 CYCLE\nrecords EF16\nupdate DF02.EF16[1] CYCLE => SHELL_COMMAND\n\
         cat --hex EF16[1]\ncat EF16[1]\ncat EF16[99] => PLACE_UNKNOWN\ncat EF15[1] => PLACE_UNKNOWN\n"
    );
    let script = script.replace("INNER", "assistance_type").replace("CYCLE", &"20".repeat(18));
    let ran = shop.run_typing(&script, &["shell", "--allow-update"]);
    assert_eq!(ran.status, 0, "{}{}", ran.stdout, ran.stderr);
    assert!(ran.stdout.contains(&"20".repeat(18)), "{}", ran.stdout);
    let told = shop.run_typing(&format!("update {place} 1\n"), &["shell", "--allow-update"]);
    assert!(told.stderr.contains(&format!("update {place}.")), "{}", told.stderr);
}

#[test]
fn the_city_s_own_text_counts_in_shell_trace_and_lists() {
    let shop = Shop::open();
    std::fs::create_dir_all(shop.path("data")).expect("a folder");
    let (own, config) = (shop.path("data/own.toml"), shop.path("data/sscard.toml"));
    let text = "format = 2\nextends = \"ssc-3.0\"\nname = \"ssc-3.0-own\"\n\n[[df]]\nid = \"SSSE\"\n\n  [[df.ef]]\n  id = \"EF05\"\n  name = \"own words\"\n";
    std::fs::write(&own, text).expect("written");
    std::fs::write(&config, "[regions]\n5133 = \"own.toml\"\n").expect("written");
    let trace = shop.path("trace").display().to_string();
    let ran = shop.run_typing("info\ncat SSSE.EF05\n", &["--trace", &trace, "shell"]);
    assert!(ran.status == 0 && ran.stdout.contains("ssc-3.0-own"), "{}{}", ran.stdout, ran.stderr);
    let decoded = shop.run(&["trace", "decode", &trace]);
    assert!(decoded.stdout.contains("ssc-3.0-own"), "{}", decoded.stdout);
    assert!(shop.run(&["profile", "list"]).stdout.contains("ssc-3.0-own"));
    // Keys alone contradict: cards are read, with a remark. Files contradict: nothing is read by such a text.
    std::fs::write(&own, format!("{text}\n[pin]\ntries = 99\n")).expect("written");
    let remarked = shop.run(&["card", "read"]);
    assert!(remarked.status == 0 && remarked.stderr.contains("PROFILE_CONTRADICTS"), "{}", remarked.stderr);
    assert_eq!(shop.run(&["profile", "lint"]).status, 7);
    std::fs::write(&own, text.replace("name = \"own words\"", "size = 7")).expect("written");
    let refused = shop.run(&["card", "read"]);
    assert_eq!((refused.status, refused.code().as_str()), (1, "PROFILE_CONTRADICTS"), "{}", refused.stderr);
    assert!(refused.stderr.contains("line 8") || refused.stderr.contains("第 8 行"), "{}", refused.stderr);
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
