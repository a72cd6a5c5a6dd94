//! `sscard conform` as a program, on cards in readers of a private daemon.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::{Command, Output};

use card_profiles::key_file::GivenKeys;
use card_profiles::{builtin, builtin_text};
use card_sim::fault::{Fault, FaultPlan, Moment, Trigger};
use card_sim::memory::Durability;
use card_sim::reader::Farm;
use card_sim::{Socket, image};
use quick_xml::Reader;
use quick_xml::events::Event;
use serde_json::Value;

use super::bench::key_text;
use crate::cards;

/// PINs of the certificate application.
const APPLICATION: [&str; 4] = ["--certificate-pin", "env:USER_PIN", "--administrator-pin", "env:ADMINISTRATOR_PIN"];

/// Cards in readers, the built program, a folder.
pub(crate) struct Counter {
    pub(crate) farm: Farm,
    pub(crate) folder: tempfile::TempDir,
}

impl Counter {
    /// Readers with these images, one each.
    fn of(folder: tempfile::TempDir, images: &[PathBuf]) -> Self {
        let farm = Farm::start_with(&folder.path().join("farm"), 2, images, Durability::Process).expect("a daemon");
        Self { farm, folder }
    }

    /// A factory card of `profile` with the keys of its key file, and that file.
    pub(crate) fn keyed(profile: &str) -> Self {
        let folder = tempfile::tempdir().expect("folder");
        let (rows, text) = (builtin(profile).expect("built in"), builtin_text(profile).expect("built in"));
        let keys = key_text(&rows);
        std::fs::write(folder.path().join("keys.toml"), &keys).expect("written");
        let path = folder.path().join("one.card");
        let given = GivenKeys::parse(&keys).expect("a key file");
        image::create_with_keys(&path, text, cards::serial_of(1), &FaultPlan::default(), &given).expect("made");
        Self::of(folder, &[path])
    }

    pub(crate) fn path(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().expect("the program runs")
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sscard"));
        command
            .arg("conform")
            .args(arguments)
            .env("PCSCLITE_CSOCK_NAME", self.farm.csock())
            .env("SSCARD_DATA", self.path("data"))
            .env("INITIAL", cards::INITIAL_PIN)
            .env("PIN", cards::PIN)
            .env("USER_PIN", "314159")
            .env("ADMINISTRATOR_PIN", "27182818")
            .env("LC_ALL", "C.UTF-8");
        command
    }
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("UTF-8")
}

pub(crate) fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {}", text(&output.stderr)))
}

/// Elements of an XML document by name, its nesting and attributes checked by a parser.
fn elements(xml: &str) -> BTreeMap<String, Vec<BTreeMap<String, String>>> {
    let (mut reader, mut found, mut open) = (Reader::from_str(xml), BTreeMap::new(), 0);
    reader.config_mut().check_end_names = true;
    loop {
        let element = match reader.read_event().expect("well-formed") {
            Event::Start(element) => {
                open += 1;
                element
            }
            Event::Empty(element) => element,
            Event::End(_) => {
                open -= 1;
                continue;
            }
            Event::Eof => break,
            _ => continue,
        };
        let attributes = element.attributes().map(|attribute| {
            let attribute = attribute.expect("an attribute");
            let value = quick_xml::escape::unescape(&attribute.value).expect("escaped").into_owned();
            (attribute.key.as_ref().to_owned(), value)
        });
        let name = element.name().as_ref().to_owned();
        found.entry(name).or_insert_with(Vec::new).push(attributes.collect());
    }
    assert_eq!(open, 0, "every element is closed");
    found
}

#[test]
fn a_keyed_card_passes_whole_over_the_daemon_and_is_reported_in_three_forms() {
    let counter = Counter::keyed("ssc-3.0");
    let keys = counter.path("keys.toml");
    let usual = [&["--profile", "ssc-3.0", "--keys", &keys, "--pin", "env:INITIAL", "--destructive"][..], &APPLICATION];
    let usual = usual.concat();
    let (file, xml, txt) = (counter.path("r.json"), counter.path("r.xml"), counter.path("r.txt"));
    let ran = counter.run(&[&usual[..], &["--report", &file, "--format", "json"]].concat());
    assert_eq!(ran.status.code(), Some(0), "{}{}", text(&ran.stdout), text(&ran.stderr));
    let report = json(&ran);
    let rows = report["cases"].as_array().expect("cases");
    let skipped: Vec<&Value> = rows.iter().filter(|row| row["verdict"] == "skipped").collect();
    let passed = rows.iter().filter(|row| row["verdict"] == "passed").count();
    assert!(passed > 500 && report["totals"]["passed"] == passed && report["totals"]["failed"] == 0);
    // What cannot be undone waits to be named, and says so; so does what needs a key pair that a new card has not.
    let reason = |row: &Value, word: &str| row["reason"].as_str().is_some_and(|why| why.contains(word));
    let counted = |word| skipped.iter().filter(|row| reason(row, word)).count();
    let (named, missing, psam) = (counted("--case"), counted("no key pair"), counted("without --keys"));
    assert_eq!(named + missing + psam, skipped.len(), "{named} {missing} {psam}");
    assert!(named > 40 && missing > 4 && psam == 2, "{named} {missing} {psam}");
    // A new card is far from its last number.
    let ran = counter.run(&[&usual[..], &["--case", "account.load.number-end", "--lang", "en"]].concat());
    assert!(text(&ran.stdout).contains("its numbers end in 65"), "{}", text(&ran.stdout));
    let written: Value = serde_json::from_str(&std::fs::read_to_string(&file).expect("written")).expect("JSON");
    assert_eq!(written, report);
    // With key pairs the whole area is carried out, but for what replaces them.
    let ran = counter.run(&[&usual[..], &["--case", "certificate.install"]].concat());
    assert_eq!(ran.status.code(), Some(0), "{}{}", text(&ran.stdout), text(&ran.stderr));
    let ran = counter.run(&[&usual[..], &["--area", "certificate", "--format", "json"]].concat());
    let report = json(&ran);
    assert_eq!((ran.status.code(), &report["totals"]["failed"]), (Some(0), &Value::from(0)), "{}", text(&ran.stdout));
    let rows = report["cases"].as_array().expect("cases");
    let waits = |row: &Value| reason(row, "--case") || reason(row, "no certificate");
    assert!(rows.iter().all(|row| row["verdict"] == "passed" || waits(row)), "{rows:?}");
    assert!(rows.iter().any(|row| row["id"] == "certificate.sign" && row["verdict"] == "passed"));
    let some = ["--area", "records", "--area", "account", "--report"];
    let ran = counter.run(&[&usual[..], &some, &[&xml, "--lang", "zh"]].concat());
    assert_eq!(ran.status.code(), Some(0), "{}", text(&ran.stderr));
    assert!(text(&ran.stdout).contains("合计: 通过"), "{}", text(&ran.stdout));
    let found = elements(&std::fs::read_to_string(&xml).expect("written"));
    let (suites, cases) = (&found["testsuites"][0], &found["testcase"]);
    assert_eq!((suites["tests"].as_str(), suites["failures"].as_str()), (cases.len().to_string().as_str(), "0"));
    assert_eq!(found["testsuite"].len(), 2);
    assert!(
        cases.iter().any(|case| case["name"] == "account.purchase.complete" && case["classname"] == "ssc-3.0.account")
    );
    let ran =
        counter.run(&[&usual[..], &["--case", "keys.UK1DF07.blocked", "--report", &txt, "--lang", "en"]].concat());
    assert_eq!(ran.status.code(), Some(0), "{}", text(&ran.stderr));
    assert!(
        std::fs::read_to_string(&txt).expect("written").starts_with("pass keys.UK1DF07.blocked UK1DF07 is blocked")
    );
    // The key is blocked now: its case fails, and the report says where and what.
    let ran = counter.run(&[&usual[..], &["--case", "keys.UK1DF07.right", "--report", &xml, "--lang", "en"]].concat());
    assert_eq!(ran.status.code(), Some(7), "{}", text(&ran.stderr));
    let failure = &elements(&std::fs::read_to_string(&xml).expect("written"))["failure"][0]["message"];
    assert!(failure.contains("9000") && failure.contains("6983"), "{failure}");
}

#[test]
fn a_personal_card_and_its_psam_are_recognised_and_what_the_psam_cannot_is_named() {
    let folder = tempfile::tempdir().expect("folder");
    let images = [folder.path().join("person.card"), folder.path().join("psam.card")];
    for (path, profile, serial) in
        [(&images[0], "ssc-3.0", cards::serial_of(1)), (&images[1], "psam", cards::PSAM_SERIAL)]
    {
        image::create(path, builtin_text(profile).expect("built in"), serial, &FaultPlan::default()).expect("made");
        let socket = Socket::new(image::open(path, Durability::Process).expect("opens"));
        if profile == "psam" {
            cards::make_psam(&socket, profile, 1)
        } else {
            cards::make_user(&socket, profile, 1, cards::CITY, 1)
        }
    }
    let counter = Counter::of(folder, &images);
    let ran = counter.run(&["--pin", "env:PIN", "--format", "json", "--lang", "en"]);
    assert_eq!(ran.status.code(), Some(0), "{}{}", text(&ran.stdout), text(&ran.stderr));
    let report = json(&ran);
    assert_eq!(report["profile"], "ssc-3.0");
    let row = |id: &str| {
        report["cases"].as_array().expect("cases").iter().find(|row| row["id"] == id).expect("a case").clone()
    };
    for id in ["access.SSSE.EF06.read.by-key", "access.DF04.EF05.read.only-pin", "records.DF03.EF05.by-number"] {
        assert_eq!(row(id)["verdict"], "passed", "{id}");
    }
    assert!(row("pin.counts")["reason"].as_str().expect("a reason").contains("--destructive"));
    assert!(row("keys.MKSSSE.right")["reason"].as_str().expect("a reason").contains("MKSSSE"));
    let ran = counter.run(&["--pin", "env:PIN", "--destructive", "--area", "account", "--format", "json"]);
    assert_eq!(ran.status.code(), Some(0), "{}{}", text(&ran.stdout), text(&ran.stderr));
    let money = json(&ran);
    let money = money["cases"].as_array().expect("cases");
    let verdict = |id: &str| money.iter().find(|row| row["id"] == id).map(|row| row["verdict"].clone());
    for id in ["account.purchase.psam", "account.purchase.psam.wrong-mac"] {
        assert_eq!(verdict(id), Some(Value::from("passed")), "{id}");
    }
    assert_eq!(verdict("account.load.complete"), Some(Value::from("skipped")), "a PSAM has no load key");
    // Nothing of the person is in the report.
    let whole = text(&ran.stdout);
    assert!(!whole.contains("张三") && !whole.contains("111111198101011110") && !whole.contains(cards::PIN));
    // The PSAM itself is tested where a profile of one is named.
    let ran = counter.run(&["--profile", "psam", "--area", "psam", "--format", "json"]);
    assert_eq!(ran.status.code(), Some(0), "{}{}", text(&ran.stdout), text(&ran.stderr));
    assert_eq!((&json(&ran)["profile"], &json(&ran)["totals"]["failed"]), (&Value::from("psam"), &Value::from(0)));
    // A PIN that is wrong is not tried twice.
    let ran = counter.run(&[
        "--pin",
        "env:INITIAL",
        "--format",
        "json",
        "--lang",
        "en",
        "--area",
        "records",
        "--area",
        "pin",
    ]);
    let report = json(&ran);
    assert_eq!(ran.status.code(), Some(7));
    let tried = report["cases"].as_array().expect("cases").iter().filter(|row| row["verdict"] == "failed").count();
    assert_eq!(tried, 1, "{}", text(&ran.stdout));
}

#[test]
fn a_psam_with_later_versions_of_the_purchase_key_passes_with_those() {
    let folder = tempfile::tempdir().expect("folder");
    let (path, keys) = (folder.path().join("psam.card"), folder.path().join("keys.toml"));
    let of = |version: u8| format!("[[key]]\nname = \"DPK\"\nversion = {version}\nvalue = \"{}\"\n", "5A".repeat(16));
    let given = format!("mark = \"REHEARSAL\"\n{}{}", of(2), of(3));
    std::fs::write(&keys, &given).expect("written");
    let given = GivenKeys::parse(&given).expect("a key file");
    let rows = builtin_text("psam").expect("built in");
    image::create_with_keys(&path, rows, cards::PSAM_SERIAL, &FaultPlan::default(), &given).expect("made");
    let counter = Counter::of(folder, &[path]);
    let keys = counter.path("keys.toml");
    let usual = ["--profile", "psam", "--keys", &keys, "--destructive", "--area", "psam"];
    let ran = counter.run(&[&usual[..], &["--format", "json", "--lang", "en"]].concat());
    assert_eq!(ran.status.code(), Some(0), "{}{}", text(&ran.stdout), text(&ran.stderr));
    let report = json(&ran);
    for row in report["cases"].as_array().expect("cases") {
        let id = row["id"].as_str().expect("an id");
        if id.starts_with("psam.DPK-1.") {
            assert!(row["reason"].as_str().is_some_and(|reason| reason.contains("DPK")), "{row}");
        } else if id.starts_with("psam.DPK-") {
            assert_eq!(row["verdict"], "passed", "{row}");
        }
    }
    assert_eq!(report["totals"]["failed"], 0);
}

#[test]
fn two_psams_are_not_chosen_between_and_a_card_is_none() {
    let folder = tempfile::tempdir().expect("folder");
    let images = ["one.card", "two.card"].map(|name| folder.path().join(name));
    for path in &images {
        let rows = builtin_text("psam").expect("built in");
        image::create(path, rows, cards::PSAM_SERIAL, &FaultPlan::default()).expect("made");
    }
    let person = folder.path().join("person.card");
    let rows = builtin_text("ssc-2.0").expect("built in");
    image::create(&person, rows, cards::serial_of(1), &FaultPlan::default()).expect("made");
    let counter = Counter::of(folder, &images);
    let code = |arguments: &[&str]| {
        let ran = counter.run(&[&["--profile", "psam", "--area", "psam", "--lang", "en"], arguments].concat());
        (ran.status.code(), text(&ran.stderr))
    };
    let (status, said) = code(&[]);
    assert!(status == Some(5) && said.contains("PSAM_AMBIGUOUS"), "{status:?} {said}");
    assert_eq!(code(&["--psam", "1"]).0, Some(0), "the one that is named");
    counter.farm.eject(1).expect("ejected");
    assert_eq!(code(&[]).0, Some(0), "the only one");
    counter.farm.eject(0).expect("ejected");
    counter.farm.insert(1, &person).expect("inserted");
    let (status, said) = code(&[]);
    assert!(status == Some(5) && said.contains("PSAM_MISSING"), "{status:?} {said}");
}

#[test]
fn a_card_removed_midway_ends_the_run_with_its_report() {
    let counter = Counter::keyed("ssc-2.0");
    let (keys, file) = (counter.path("keys.toml"), counter.path("r.json"));
    let lost = Fault::PowerLoss { at: Trigger::command(400), moment: Moment::Before, back_after_ms: None };
    counter.farm.set_faults(0, FaultPlan::new(vec![lost])).expect("a card is there");
    let ran = counter.run(&["--profile", "ssc-2.0", "--keys", &keys, "--report", &file, "--lang", "en"]);
    assert_eq!(ran.status.code(), Some(4), "{}{}", text(&ran.stdout), text(&ran.stderr));
    let report: Value = serde_json::from_str(&std::fs::read_to_string(&file).expect("written")).expect("JSON");
    let code = report["ended_early"]["code"].as_str().expect("a code");
    assert!(text(&ran.stderr).contains(code), "{}", text(&ran.stderr));
    let rows = report["cases"].as_array().expect("cases");
    let at = rows.iter().position(|row| row["id"] == report["ended_early"]["case"]).expect("the case");
    assert!(at > 20 && rows[..at].iter().all(|row| row["verdict"] != "failed"));
    assert!(rows[at..].iter().all(|row| row["reason"].as_str().is_some_and(|reason| reason.contains(code))));
}

#[test]
fn keys_of_another_card_are_refused_before_a_try_is_spent() {
    let counter = Counter::keyed("ssc-3.0");
    let other = counter.path("other.toml");
    let text_of = key_text(&builtin("ssc-3.0").expect("built in")).replace("value = \"", "value = \"0");
    let shifted: Vec<String> = text_of
        .lines()
        .map(|line| if line.starts_with("value") { format!("{}\"", &line[..line.len() - 2]) } else { line.to_owned() })
        .collect();
    std::fs::write(&other, shifted.join("\n")).expect("written");
    let ran = counter.run(&["--profile", "ssc-3.0", "--keys", &other, "--destructive", "--lang", "en"]);
    assert_eq!(ran.status.code(), Some(6), "{}", text(&ran.stderr));
    assert!(text(&ran.stderr).contains("KEYS_DIFFER"), "{}", text(&ran.stderr));
    let inside = image::inspect(&counter.folder.path().join("one.card")).expect("an image").1;
    assert!(inside.keys.values().all(|key| key.tries_left == 3), "{:?}", inside.keys);
}

/// A key file whose every key has another first digit.
fn changed(text: &str) -> String {
    let digit = |line: &str| match line.strip_prefix("value = \"") {
        Some(value) => format!("value = \"{}{}\n", if value.starts_with('0') { '1' } else { '0' }, &value[1..]),
        None => format!("{line}\n"),
    };
    text.lines().map(digit).collect()
}

#[test]
fn keys_of_another_purse_are_refused_before_a_try_is_spent() {
    for profile in ["pboc-purse", "pboc-purse-sm4"] {
        let counter = Counter::keyed(profile);
        let (other, card) = (counter.path("other.toml"), counter.folder.path().join("one.card"));
        let before = image::inspect(&card).expect("an image").1;
        let text_of = key_text(&builtin(profile).expect("built in"));
        std::fs::write(&other, changed(&text_of)).expect("written");
        let ran = counter.run(&["--profile", profile, "--keys", &other, "--destructive", "--lang", "en"]);
        assert_eq!(ran.status.code(), Some(6), "{profile}: {}", text(&ran.stderr));
        assert!(text(&ran.stderr).contains("KEYS_DIFFER"), "{profile}: {}", text(&ran.stderr));
        assert_eq!(image::inspect(&card).expect("an image").1, before, "{profile}");
    }
}

#[test]
fn keys_of_another_psam_do_not_lock_it() {
    let counter = Counter::keyed("psam");
    let other = counter.path("other.toml");
    std::fs::write(&other, changed(&key_text(&builtin("psam").expect("built in")))).expect("written");
    let ran =
        counter.run(&["--reader", "0", "--profile", "psam", "--keys", &other, "--destructive", "--format", "json"]);
    assert_eq!(ran.status.code(), Some(7), "{}", text(&ran.stderr));
    let cases = json(&ran)["cases"].as_array().expect("cases").clone();
    for version in 1..=3 {
        let verdict = |what: &str| {
            let id = format!("psam.DPK-{version}.purchase.{what}");
            cases.iter().find(|case| case["id"] == id.as_str()).expect("the case")["verdict"].clone()
        };
        assert_eq!(["mac1", "mac2", "wrong-mac2", "once"].map(verdict), ["failed", "skipped", "skipped", "skipped"]);
    }
    let inside = image::inspect(&counter.folder.path().join("one.card")).expect("an image").1;
    assert!(inside.blocked.is_empty(), "{:?}", inside.blocked);
}

#[test]
fn a_blocked_card_is_called_blocked_once() {
    let counter = Counter::keyed("ssc-2.0");
    let keys = counter.path("keys.toml");
    let usual = ["--profile", "ssc-2.0", "--keys", &keys, "--lang", "en"];
    let named = ["--destructive", "--case", "blocking.DF04.for-good"];
    let ran = counter.run(&[&usual[..], &named].concat());
    assert_eq!(ran.status.code(), Some(0), "{}{}", text(&ran.stdout), text(&ran.stderr));
    // One application is shut: the rest is tried, and why not everything is said once.
    let ran = counter.run(&usual);
    let said = text(&ran.stdout);
    assert_eq!(ran.status.code(), Some(10), "{said}{}", text(&ran.stderr));
    assert_eq!((said.matches("DF04 cannot be selected (").count(), said.matches("FAIL").count()), (1, 0), "{said}");
    // Named in the order in which they could not be carried out: all but what the block of the first directory ends.
    let together = ["blocking.SSSE.for-good", "blocking.DF03.for-good", "keys.UK1DF03.blocked", "keys.UK1DF03.right"];
    let together: Vec<&str> = together.iter().flat_map(|case| ["--case", case]).collect();
    let ran = counter.run(&[&usual[..], &["--destructive", "--format", "json"], &together].concat());
    let report = json(&ran);
    assert_eq!(ran.status.code(), Some(0), "{}{}", text(&ran.stdout), text(&ran.stderr));
    let order: Vec<&str> =
        report["cases"].as_array().expect("cases").iter().filter_map(|row| row["id"].as_str()).collect();
    let wanted = ["keys.UK1DF03.right", "keys.UK1DF03.blocked", "blocking.DF03.for-good", "blocking.SSSE.for-good"];
    assert_eq!((order.as_slice(), &report["totals"]["passed"]), (&wanted[..], &Value::from(4)), "{report}");
    for arguments in [&usual[..], &["--keys", &keys, "--lang", "en"]] {
        let ran = counter.run(arguments);
        let said = text(&ran.stderr);
        assert_eq!((ran.status.code(), text(&ran.stdout).as_str()), (Some(4), ""), "{said}");
        assert!(said.contains("CARD_BLOCKED"), "{said}");
    }
}

#[test]
fn a_card_of_another_profile_is_not_failed_but_told_which_fits() {
    for (card, named, missing, fitting) in [
        ("ssc-1.0", "ssc-3.0", "DF07", "ssc-1.0,"),
        ("ssc-3.0-sm4", "pboc-purse", "ADF1", "directory of ssc-3.0-sm4\n"),
        ("pboc-purse", "ssc-2.0", "SSSE", "pboc-purse"),
    ] {
        let counter = Counter::keyed(card);
        let ran = counter.run(&["--reader", "0", "--profile", named, "--lang", "en"]);
        let said = text(&ran.stderr);
        assert_eq!((ran.status.code(), text(&ran.stdout).as_str()), (Some(4), ""), "{card}: {said}");
        let place = format!("no {missing} of {named} (6A82)");
        assert!(["PROFILE_DIFFERS", &place, fitting].iter().all(|word| said.contains(word)), "{card}: {said}");
    }
    // A profile from a file too, whatever its name; and another algorithm, before a key is tried.
    let counter = Counter::keyed("ssc-2.0");
    let town = counter.path("town.toml");
    let rows = "format = 2\nextends = \"ssc-2.0-health-relief\"\nname = \"ssc-2.0\"\n";
    std::fs::write(&town, rows).expect("written");
    let ran = counter.run(&["--reader", "0", "--profile", town.as_str(), "--lang", "zh"]);
    let said = text(&ran.stderr);
    assert_eq!(ran.status.code(), Some(4), "{said}");
    assert!(
        said.contains("PROFILE_DIFFERS") && said.contains("卡上没有 ssc-2.0 的 DF05(6A82);符合的描述:ssc-2.0"),
        "{said}"
    );
    // What this site has configured fits as well as what is built in.
    let (site, config) = (counter.path("site.toml"), counter.path("sscard.toml"));
    std::fs::write(&site, "format = 2\nextends = \"ssc-2.0\"\nname = \"our-city\"\n").expect("written");
    std::fs::write(&config, "[regions]\n513300 = \"site.toml\"\n").expect("written");
    let named = ["--reader", "0", "--profile", town.as_str(), "--config", config.as_str(), "--lang", "en"];
    let said = text(&counter.run(&named).stderr);
    assert!(said.contains("it has every directory of ") && said.contains("ssc-2.0-shandong, our-city\n"), "{said}");
    let counter = Counter::keyed("ssc-3.0-sm4");
    let keys = counter.path("keys.toml");
    let before = std::fs::read(counter.path("one.card")).expect("an image");
    let ran = counter.run(&["--profile", "ssc-3.0", "--keys", keys.as_str(), "--destructive", "--lang", "en"]);
    let said = text(&ran.stderr);
    assert_eq!(ran.status.code(), Some(4), "{said}");
    let words = "the card names algorithm 03, ssc-3.0 another; it has every directory of ssc-3.0-sm4";
    assert!(said.contains("PROFILE_DIFFERS") && said.contains(words), "{said}");
    assert!(
        std::fs::read(counter.path("one.card")).expect("an image") == before,
        "no try is spent, nothing is written"
    );
    // A card that says its version is of no other, though it has the directories; SSF33 is no failure of the card.
    for (made, city, named, code, words) in [
        (
            "ssc-3.0",
            cards::CITY,
            "ssc-2.0",
            "PROFILE_DIFFERS",
            "the card states version 3.00, ssc-2.0 is of another; it is of ssc-3.0\n",
        ),
        ("ssc-1.0", cards::CITY, "ssc-2.0", "PROFILE_DIFFERS", "it is of ssc-1.0\n"),
        ("ssc-2.0", "110000", "ssc-2.0", "ALGORITHM_NOT_PUBLIC", ""),
    ] {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("one.card");
        let rows = builtin_text(made).expect("built in");
        image::create(&path, rows, cards::serial_of(1), &FaultPlan::default()).expect("made");
        let socket = Socket::new(image::open(&path, Durability::Process).expect("image"));
        cards::make_user(&socket, made, 1, city, 1);
        drop(socket);
        let counter = Counter::of(folder, &[path]);
        let ran = counter.run(&["--reader", "0", "--profile", named, "--lang", "en"]);
        let said = text(&ran.stderr);
        assert_eq!(text(&ran.stdout), "", "{made}: {said}");
        assert!(ran.status.code() != Some(0) && said.contains(code) && said.contains(words), "{made}: {said}");
    }
    // What both have is tried, whichever is named.
    let counter = Counter::keyed("ssc-1.0");
    let some = ["--profile", "ssc-2.0", "--case", "records.SSSE.EF05.by-number", "--lang", "zh"];
    let ran = counter.run(&some);
    assert_eq!(ran.status.code(), Some(0), "{}{}", text(&ran.stdout), text(&ran.stderr));
}

#[test]
fn a_refused_mac_is_the_last_under_its_key() {
    let counter = Counter::keyed("pboc-purse");
    let (other, card) = (counter.path("other.toml"), counter.folder.path().join("one.card"));
    let text_of = key_text(&builtin("pboc-purse").expect("built in"));
    let (before, wrong) = text_of.split_once("name = \"DAMK\"").expect("a key");
    let (wrong, after) = wrong.split_once("[[key]]").expect("keys behind it");
    std::fs::write(&other, format!("{before}name = \"DAMK\"{}[[key]]{after}", changed(wrong))).expect("written");
    let tries = |counter: &Counter| {
        let inside = image::inspect(&counter.folder.path().join("one.card")).expect("an image").1;
        inside.keys.iter().find(|(name, _)| name.contains("DAMK")).map(|(_, key)| key.tries_left).expect("the key")
    };
    let full = tries(&counter);
    let ran = counter.run(&[
        "--profile",
        "pboc-purse",
        "--keys",
        &other,
        "--pin",
        "env:INITIAL",
        "--destructive",
        "--format",
        "json",
        "--lang",
        "en",
    ]);
    let report = json(&ran);
    assert_eq!(ran.status.code(), Some(7), "{}", text(&ran.stderr));
    let rows = report["cases"].as_array().expect("cases");
    let about = |row: &&Value| row["key"] == "DAMK";
    let about: Vec<&Value> = rows.iter().filter(about).collect();
    assert_eq!(about.len(), 1, "{about:?}");
    let skipped = rows.iter().filter(|row| row["reason"].as_str().is_some_and(|why| why.contains("refused DAMK")));
    let skipped: Vec<&Value> = skipped.map(|row| &row["id"]).collect();
    assert!(skipped.contains(&&Value::from("blocking.ADF1.temporary")) && skipped.len() > 3, "{skipped:?}");
    assert_eq!(tries(&counter), full - 1, "{}", card.display());
}

#[test]
fn what_is_wrong_on_the_command_line_is_said_before_a_card_is_asked() {
    let folder = tempfile::tempdir().expect("folder");
    let unmarked = folder.path().join("keys.toml");
    std::fs::write(&unmarked, "[[key]]\nname = \"DPK\"\nvalue = \"00112233445566778899AABBCCDDEEFF\"\n")
        .expect("written");
    let unmarked = unmarked.display().to_string();
    let run = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sscard"));
        command.arg("conform").args(arguments).env("PCSCLITE_CSOCK_NAME", "/nonexistent/pcscd.comm");
        command.env("SSCARD_DATA", folder.path()).env("LC_ALL", "C.UTF-8").output().expect("the program runs")
    };
    let listed = json(&run(&["--list", "--profile", "pboc-purse", "--area", "account", "--format", "json"]));
    let cases = listed["cases"].as_array().expect("cases");
    assert!(cases.iter().any(|case| case["id"] == "account.ed-load.complete" && case["effect"] == "leaves"));
    for (arguments, status, word) in [
        (&["--list", "--profile", "psam", "--case", "psam.nothing"][..], 1, "psam.nothing"),
        (&["--area", "nothing"], 1, "selection"),
        (&["--report", "report.pdf"], 1, ".xml"),
        (&["--profile", "ssc-3.0", "--keys", &unmarked], 1, "KEY_FILE_NOT_REHEARSAL"),
        (&["--profile", "ssc-9.9"], 2, "PROFILE_UNKNOWN"),
        (&["--profile", "ssc-3.0"], 5, "NO_PCSC_SERVICE"),
    ] {
        let ran = run(arguments);
        assert_eq!(ran.status.code(), Some(status), "{arguments:?}: {}", text(&ran.stderr));
        assert!(text(&ran.stderr).contains(word), "{arguments:?}: {}", text(&ran.stderr));
    }
}

#[test]
fn the_last_try_of_a_pin_is_not_spent_unasked_and_what_the_card_says_is_remembered() {
    let counter = Counter::keyed("ssc-3.0");
    let wrong = |more: &[&str]| {
        let mut command =
            counter.command(&["--profile", "ssc-3.0", "--area", "access", "--pin", "env:WRONG", "--format", "json"]);
        let output = command.args(more).env("WRONG", "654123").output().expect("runs");
        (output.status.code(), format!("{}{}", text(&output.stdout), text(&output.stderr)))
    };
    let book = || std::fs::read_to_string(counter.path("data/tries.txt")).unwrap_or_default();
    for left in [2, 1] {
        let (_, said) = wrong(&[]);
        assert!(book().contains(&format!(" PIN {left} ")), "{said}\n{}", book());
    }
    let (status, said) = wrong(&[]);
    assert_eq!(status, Some(6), "{said}");
    assert!(said.contains("LAST_TRY") && book().contains(" PIN 1 "), "{said}");
    // The right one, with consent, brings all tries back.
    let right = counter.run(&["--profile", "ssc-3.0", "--area", "access", "--pin", "env:INITIAL", "--last-try"]);
    assert_ne!(right.status.code(), Some(6), "{}", text(&right.stderr));
    assert_eq!(book(), "");
}
