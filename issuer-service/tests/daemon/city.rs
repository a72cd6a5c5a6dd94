//! A city whose cards have files of their own: from its profile text to a card that is made, read, paid with and cleared.

use std::path::Path;

use card_profiles::builtin_text;
use card_sim::fault::FaultPlan;
use card_sim::image;
use serde_json::json;

use crate::ask::ask;
use crate::bench::Bench;
use crate::till::Pharmacy;

/// A text of invented content: one file that every card of the city gets filled, and its key.
pub(crate) const CITY: &str = r#"format = 2
extends = "ssc-3.0"
name = "ssc-3.0-kangding"
title = "康定市社会保障卡"
source = "invented"

key = [
  { name = "UKCITY", df = "SSSE", class = "UK", id = 0x0E, usage = 0x0E, length = 16, tries = 3, purpose = "市民服务更新密钥" },
]

[[df]]
id = "SSSE"

  [[df.ef]]
  id = "EF0E"
  name = "市民服务"
  fid = "EF0E"
  kind = "tlv-records"
  size = 4
  records = 1
  read = "free"
  update = "UKCITY"
  elements = [
    { tag = 0xE1, id = "service_level", name = "服务等级", format = "an(2)", value = "A3" },
  ]
"#;

pub(crate) fn blank(bench: &Bench, text: &str, number: u8) {
    let path = bench.image(number);
    image::create(&path, text, [0x51, 0x33, 0, 0, 0, number], &FaultPlan::default()).expect("an image");
}

fn centre_of(text: &str) -> (tempfile::TempDir, Bench) {
    centre_of_files(text, &[])
}

/// A centre of a text that extends files beside it.
fn centre_of_files(text: &str, beside: &[(&str, &str)]) -> (tempfile::TempDir, Bench) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("kangding.toml");
    std::fs::write(&path, text).expect("written");
    for (name, text) in beside {
        std::fs::write(folder.path().join(name), text).expect("written");
    }
    let bench = Bench::with(3, &[], &["init", "--cards", path.to_str().expect("a path")], Vec::new());
    (folder, bench)
}

/// The centre's copy of the text.
fn text_of(bench: &Bench) -> std::path::PathBuf {
    bench.folder().join("centre").join("kangding.toml")
}

#[test]
fn a_card_of_a_city_s_own_text_is_made_read_paid_with_and_cleared() {
    // What the city has is its province's: its own text extends it, and says another level.
    let province = CITY.replace("ssc-3.0-kangding", "ssc-3.0-sichuan").replace("\"A3\"", "\"A1\"");
    let city = "format = 2\nextends = \"sichuan.toml\"\nname = \"ssc-3.0-kangding\"\n\n[[df]]\nid = \"SSSE\"\n\n  [[df.ef]]\n  id = \"EF0E\"\n  elements = [\n    { id = \"service_level\", value = \"A3\" },\n  ]\n";
    let (kept, bench) = centre_of_files(city, &[("sichuan.toml", &province)]);
    // The centre has both from now on.
    drop(kept);
    assert_eq!(std::fs::read_to_string(text_of(&bench).with_file_name("sichuan.toml")).ok(), Some(province.clone()));
    blank(&bench, CITY, 1);
    bench.farm().insert(0, &bench.image(1)).expect("inserted");
    for till in ["till-0", "till-1"] {
        let data = bench.folder().join(till);
        std::fs::create_dir_all(&data).expect("a folder");
        std::fs::write(data.join("city.toml"), city).expect("written");
        std::fs::write(data.join("sichuan.toml"), &province).expect("written");
        std::fs::write(data.join("sscard.toml"), "[regions]\n5133 = \"city.toml\"\n").expect("written");
    }
    let pharmacy = Pharmacy::of(bench);
    assert_eq!(pharmacy.one("SELECT profile FROM card"), "ssc-3.0-kangding");
    assert_eq!(pharmacy.one("SELECT name FROM card_text"), "ssc-3.0-kangding");
    let run = pharmacy.one("SELECT detail FROM audit WHERE act = 'batch.run'");
    assert!(run.ends_with(&format!("text {}", pharmacy.one("SELECT digest FROM card_text"))), "{run}");

    // The terminal reads the city's own item by the same text; the shell and the decoder of its trace know it too.
    let script = pharmacy.bench.folder().join("script");
    std::fs::write(&script, "cat SSSE.EF0E\nexpect SSSE.EF0E.service_level A3\n").expect("written");
    let (script, trace) = (script.display().to_string(), pharmacy.bench.folder().join("trace").display().to_string());
    pharmacy.sscard(0, &["--trace", &trace, "shell", "--script", &script]).output().map_or_else(
        |error| panic!("{error}"),
        |output| assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr)),
    );
    let decoded = pharmacy.sscard(0, &["trace", "decode", &trace]).output().expect("sscard is built");
    let decoded = String::from_utf8_lossy(&decoded.stdout).into_owned();
    assert!(decoded.contains("SSSE.EF0E.service_level"), "{decoded}");

    pharmacy.pay(0, "B-1", "10.00");
    pharmacy.ok(0, &["upload"]);
    assert_eq!(pharmacy.money(), (json!(49_000), "49000".to_owned()));
    // The holder's data change, and the card in use takes them by the text that is kept, whatever has become of the file.
    std::fs::write(text_of(&pharmacy.bench), CITY.replace("ssc-3.0-kangding", "ssc-3.0-kangding-2")).expect("written");
    let number = pharmacy.one("SELECT card_number FROM card");
    pharmacy.bench.ok(&["--operator", "tashi", "card", "update", "items", &number]);
}

/// A centre that works already names the text in `cards`.
pub(crate) fn takes_up_the_city(bench: &Bench) {
    std::fs::write(text_of(bench), CITY).expect("written");
    let config = bench.folder().join("centre/centre.toml");
    let text = std::fs::read_to_string(&config).expect("a configuration");
    std::fs::write(&config, format!("cards = [\"kangding.toml\"]\n{text}")).expect("written");
}

/// The custodians zhou and wu add the keys that are lacking.
pub(crate) fn add_what_is_missing(bench: &Bench, more: &[&str]) {
    supplement(bench, more, &mut |finish| bench.ok(&[more, finish].concat()));
}

/// The same up to its last step, which is told to `end`.
pub(crate) fn supplement(bench: &Bench, more: &[&str], end: &mut dyn FnMut(&[&str])) {
    // Known already when it is done again.
    bench.output(&["operator", "add", "wu", "--role", "keys"]);
    let secret = bench.folder().join("secret");
    std::fs::write(&secret, "an invented secret\n").expect("written");
    let secret = format!("file:{}", secret.display());
    let step = |name, arguments: &[&str]| bench.ok(&[more, &["--operator", name, "ceremony"], arguments].concat());
    step("zhou", &["start", "--missing", "--custodian", "zhou", "--custodian", "wu"]);
    step("zhou", &["contribute", "--secret", &secret]);
    step("wu", &["contribute", "--secret", &secret]);
    let shares = bench.folder().join("shares");
    end(&["--operator", "wu", "ceremony", "finish", "--shares", shares.to_str().expect("a path")]);
}

#[test]
fn a_centre_at_work_takes_up_a_city_s_text_with_its_key_and_psams_and_cards_in_use_work_on() {
    let pharmacy = Pharmacy::of(Bench::new(3, &[FaultPlan::default()]));
    let bench = &pharmacy.bench;
    pharmacy.pay(0, "B-1", "10.00");
    let refused = |arguments: &[&str], expected: &str| {
        let output = bench.output(arguments);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && said.contains(&format!("\"{expected}\"")), "{arguments:?}: {said}");
        said
    };
    let people = bench.folder().join("more.csv");
    let text = format!("社会保障号码,姓名,性别,民族,出生日期,行政区划代码\n{}\n", crate::bench::row(7));
    std::fs::write(&people, text).expect("written");
    bench.ok(&["--operator", "li", "person", "import", people.to_str().expect("a path")]);

    // Before a card or a number is taken it is said which key is lacking, and what to do.
    let create = ["--operator", "li", "batch", "create", "--count", "1"];
    let (approve, run) =
        (["--operator", "wang", "batch", "approve", "2"], ["--operator", "sun", "batch", "run", "2", "--reader", "0"]);
    bench.ok(&create);
    takes_up_the_city(bench);
    let numbers = bench.count("SELECT COUNT(*) FROM card_number");
    let told = refused(&approve, "CARD_TYPE_KEYS_MISSING");
    assert!(told.contains("UKCITY v1") && told.contains("ceremony start --missing"), "{told}");
    refused(&create, "CARD_TYPE_KEYS_MISSING");
    assert_eq!(bench.count("SELECT COUNT(*) FROM card_number"), numbers);

    // A job that an earlier program began without the key: its record said nothing of what is lacking.
    let centre = bench.folder().join("centre");
    let stand_in = "INSERT INTO key_value (key_set, name, version, city) VALUES (1, 'UKCITY', 1, '000000')";
    ask(&centre, stand_in).expect("recorded");
    bench.ok(&approve);
    blank(bench, CITY, 2);
    bench.farm().eject(0).ok();
    bench.farm().insert(0, &bench.image(2)).expect("inserted");
    refused(&run, "KEY_NOT_FOUND");
    assert_eq!(bench.count("SELECT COUNT(*) FROM job WHERE state = 'writing'"), 1);
    ask(&centre, "DELETE FROM key_value WHERE name = 'UKCITY'").expect("gone");
    refused(&run, "CARD_TYPE_KEYS_MISSING");

    add_what_is_missing(bench, &[]);
    bench.ok(&["key", "check"]);
    bench.ok(&run);
    assert_eq!(bench.count("SELECT COUNT(*) FROM job WHERE state <> 'done'"), 0, "the job that was begun goes on");
    assert_eq!(bench.count("SELECT COUNT(*) FROM card_key_set WHERE key_set = 1"), 2);

    // Tills and PSAMs from before serve both cards.
    let number = pharmacy.one("SELECT card_number FROM card WHERE profile = 'ssc-3.0-kangding'");
    let identifier = pharmacy.one("SELECT card_identifier FROM card WHERE profile = 'ssc-3.0-kangding'");
    bench.ok(&["--operator", "tashi", "card", "activate", &number]);
    bench.ok(&["--operator", "ma", "account", "allot", "--card", &identifier, "--amount", "300.00"]);
    bench.ok(&["--operator", "wang", "account", "approve", "2"]);
    bench.farm().eject(0).ok();
    bench.farm().insert(0, &bench.image(2)).expect("inserted");
    pharmacy.ok(0, &["pin", "change", "--pin", "env:INITIAL", "--new-pin", "env:OWN"]);
    pharmacy.ok(0, &["load"]);
    pharmacy.pay(0, "B-2", "20.00");
    bench.farm().eject(0).ok();
    bench.farm().insert(0, &bench.image(1)).expect("inserted");
    pharmacy.pay(0, "B-3", "30.00");
    pharmacy.ok(0, &["upload"]);
    assert_eq!(pharmacy.money(), (json!(46_000), "74000".to_owned()));
    bench.ok(&["audit", "verify"]);
}

fn made(lines: &[serde_json::Value]) -> i64 {
    lines.last().and_then(|line| line["made"].as_i64()).unwrap_or_default()
}

#[test]
fn a_text_edited_in_the_middle_of_a_batch_is_refused_and_goes_on_under_another_name() {
    let (_kept, bench) = centre_of(CITY);
    blank(&bench, CITY, 1);
    bench.farm().insert(0, &bench.image(1)).expect("inserted");
    bench.batch(3);
    assert_eq!(made(&bench.run(&[0]).1), 1);
    let edited = CITY.replace("\"A3\"", "\"B7\"");
    std::fs::write(text_of(&bench), &edited).expect("written");
    blank(&bench, &edited, 2);
    let refused = || {
        let output = bench.output(&["--operator", "sun", "batch", "run", "1", "--reader", "0"]);
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let (code, error) = refused();
    assert!(code == Some(3) && error.contains("CARD_TEXT_CHANGED"), "{code:?} {error}");
    assert_eq!(bench.count("SELECT COUNT(*) FROM card"), 1, "no card was begun");
    // Remarks are no part of what is on a card.
    std::fs::write(text_of(&bench), format!("# looked through\n{}", CITY.replace("\"invented\"", "\"the city\"")))
        .expect("written");
    blank(&bench, CITY, 3);
    bench.farm().eject(0).ok();
    bench.farm().insert(0, &bench.image(3)).expect("inserted");
    assert_eq!(made(&bench.run(&[0]).1), 1);
    // Under a name of its own the edited text counts from now on.
    let other = edited.replace("kangding\"", "kangding-2\"");
    std::fs::write(text_of(&bench), &other).expect("written");
    blank(&bench, &other, 4);
    bench.farm().eject(0).ok();
    bench.farm().insert(0, &bench.image(4)).expect("inserted");
    assert_eq!(made(&bench.run(&[0]).1), 1);
    assert_eq!(bench.count("SELECT COUNT(*) FROM card WHERE profile = 'ssc-3.0-kangding-2' AND state = 'sealed'"), 1);
    assert_eq!(bench.count("SELECT COUNT(*) FROM card WHERE profile = 'ssc-3.0-kangding' AND state = 'sealed'"), 2);
    assert_eq!(bench.count("SELECT COUNT(*) FROM card_text"), 2);
}

#[test]
fn a_text_that_no_card_can_be_made_by_is_refused_where_it_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let init = |name: &str, text: &str, more: &[&str]| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).expect("written");
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_issuer"));
        let data = folder.path().join(format!("centre-{name}"));
        let output = command
            .args(["--lang", "en", "--data"])
            .arg(&data)
            .args(["init", "--cards"])
            .arg(&path)
            .args(more)
            .output()
            .expect("the program starts");
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned(), data)
    };
    let refused = |name: &str, text: &str, words: &str, next: &str| {
        let (code, error, data) = init(name, text, &[]);
        assert!(code == Some(1) && error.contains("CARD_TYPE_UNUSABLE") && error.contains(words), "{name}: {error}");
        assert!(error.contains(next), "{name}: {error}");
        assert!(!data.exists(), "{name}: nothing was made");
    };
    refused("size.toml", &CITY.replace("size = 4", "size = 5"), "line 14", "profile lint");
    refused("key.toml", &CITY.replace("update = \"UKCITY\"", "update = \"UKCOTY\""), "UKCOTY", "profile lint");
    let psam = CITY.replace("tries = 3, purpose", "tries = 3, psam = { usage = 0x48, id = 0x70 }, purpose");
    refused("psam.toml", &psam, "PSAM psam lacks UKCITY", "name it in `psams`");
    refused(
        "account.toml",
        &format!("{CITY}\n[account]\npurchase_type = 7\n"),
        "ssc-3.0, which clearing computes with",
        "[account]",
    );
    refused(
        "field.toml",
        &CITY.replace(
            "\"SSSE\"\n\n  [[df.ef]]",
            "\"SSSE\"\n\n  [[df.ef]]\n  id = \"EF06\"\n  remove = true\n\n  [[df.ef]]",
        ),
        "EF06",
        "profile diff ssc-3.0",
    );
    refused("kind.toml", builtin_text("psam").expect("built in"), "a PSAM", "PSAMs in the row `psams`");
    // With its own PSAM the key has its place there.
    let own = "format = 2\nextends = \"psam\"\nname = \"psam-kangding\"\nkey = [\n  { name = \"UKCITY\", df = \"DF01\", class = \"UK\", id = 0x70, usage = 0x48, length = 16, tries = 3, purpose = \"市民服务更新密钥\" },\n]\n";
    let path = folder.path().join("psam-kangding.toml");
    std::fs::write(&path, own).expect("written");
    let (code, error, data) = init("served.toml", &psam, &["--psams", path.to_str().expect("a path")]);
    assert_eq!(code, Some(0), "{error}");
    let text = std::fs::read_to_string(data.join("centre.toml")).expect("a configuration");
    assert!(text.contains("cards = [\"served.toml\"]\npsams = [\"psam-kangding.toml\"]\n"), "{text}");
    assert!(Path::new(&data.join("psam-kangding.toml")).is_file());
    // Cards of the second generation: whether the centre can fill them the plan says.
    for (name, code) in [("ssc-2.0", Some(0)), ("ssc-1.0", Some(1))] {
        let data = folder.path().join(name);
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_issuer"))
            .args(["--lang", "en", "--data"])
            .arg(&data)
            .args(["init", "--cards", name])
            .output()
            .expect("the program starts");
        assert_eq!(output.status.code(), code, "{name}: {}", String::from_utf8_lossy(&output.stderr));
    }
}
