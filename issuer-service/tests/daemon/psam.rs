//! A PSAM made on the daemon lets a terminal into a card made there.

use card_core::Session;
use card_core::script::Step;
use card_core::security::psam::Psam;
use card_core::security::{CityCode, Factors, KeyName};
use card_profiles::account::{AccountRules, Amounts, psam_purchase_fields};
use card_profiles::key_file::GivenKeys;
use card_profiles::{builtin, builtin_text};
use card_sim::Socket;
use card_sim::fault::{Fault, FaultPlan, Moment, Trigger};
use card_sim::image;
use card_sim::memory::Durability;

use crate::bench::Bench;

const PERSONALIZE: [&str; 8] =
    ["--operator", "zhou", "psam", "personalize", "--terminal-number", "510000000001", "--institution", "H001"];

/// With every key, so that power is lost where the tests say.
const ALL: [&str; 2] = ["--keys", "all"];

fn bench_with_psam(faults: FaultPlan) -> (Bench, std::path::PathBuf) {
    bench_of(Bench::new(2, &[FaultPlan::default()]), &["psam"], faults)
}

/// With a blank PSAM of these environments in the second reader.
fn bench_of(bench: Bench, environments: &[&str], faults: FaultPlan) -> (Bench, std::path::PathBuf) {
    let path = bench.folder().join("psam.card");
    let keys = GivenKeys::default();
    let parts: Vec<_> = environments.iter().map(|name| (builtin_text(name).expect("built in"), &keys)).collect();
    image::create_of_environments(&path, &parts, [0x51, 0, 0, 0, 0, 9], &faults).expect("image");
    bench.farm().insert(1, &path).expect("inserted");
    let reader = bench.farm().reader_name(1).expect("slot");
    let unknown = bench.output(&[&PERSONALIZE[..], &["--reader", &reader]].concat());
    let error = String::from_utf8_lossy(&unknown.stderr);
    assert!(unknown.status.code() == Some(2) && error.contains("INSTITUTION_UNKNOWN"), "{error}");
    bench.ok(&["operator", "add", "clerk", "--role", "clearing"]);
    let add = ["institution", "add", "H001", "--name", "样例医院", "--region", "513301", "--type", "hospital"];
    bench.ok(&[&["--operator", "clerk"], &add[..]].concat());
    (bench, path)
}

fn personalize(bench: &Bench) -> (Option<i32>, String) {
    let output = personalized(bench);
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

fn personalized(bench: &Bench) -> std::process::Output {
    let reader = bench.farm().reader_name(1).expect("slot");
    bench.output(&[&PERSONALIZE[..], &ALL, &["--reader", &reader]].concat())
}

/// What the program said of each environment of the PSAM that it made.
fn environments(output: &std::process::Output) -> Vec<(String, Option<String>)> {
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let told: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let text = |value: &serde_json::Value| value.as_str().map(str::to_owned);
    let rows = told["environments"].as_array().expect("a list");
    rows.iter().map(|row| (text(&row["environment"]).expect("a name"), text(&row["left_out"]))).collect()
}

#[test]
fn a_psam_made_here_opens_a_card_made_here() {
    let (bench, path) = bench_with_psam(FaultPlan::default());
    bench.batch(1);
    assert_eq!(bench.run(&[0]).0, Some(0));
    let told = environments(&personalized(&bench));
    assert_eq!(told, [("sx1".to_owned(), None), ("sx3".to_owned(), Some("NO_SUCH_CARDS".to_owned()))]);
    assert_eq!(bench.count("SELECT COUNT(*) FROM psam WHERE state = 'in_custody'"), 1);
    assert_eq!(personalize(&bench).0, Some(3), "a PSAM is made once");
    for slot in [0, 1] {
        bench.farm().eject(slot).expect("ejected");
    }
    opens_a_card(&path, &bench.image(1));
}

#[test]
fn a_psam_gets_the_keys_of_its_institutions_kind_and_another_kind_does_not_get_it() {
    // Pulled midway, it is finished with the keys that it was begun with.
    let loss = Fault::PowerLoss { at: Trigger::command(25), moment: Moment::After, back_after_ms: Some(50) };
    let (bench, path) = bench_with_psam(FaultPlan::new(vec![loss]));
    let reader = bench.farm().reader_name(1).expect("slot");
    let made = |keys: &[&str]| {
        let output = bench.output(&[&PERSONALIZE[..], keys, &["--reader", &reader]].concat());
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let (code, error) = made(&[]);
    assert_eq!(code, Some(4), "{error}");
    let (code, error) = made(&ALL);
    assert!(code == Some(3) && error.contains("PSAM_KEYS_DIFFER"), "{error}");
    let done = (0..5).map(|_| made(&[])).find(|(code, _)| *code == Some(0));
    assert!(done.is_some(), "it comes to an end");
    let (_, inspection) = image::inspect(&path).expect("image");
    let has = |name: &str| inspection.keys.iter().any(|(place, key)| place.contains(name) && key.version.is_some());
    for (name, there) in [("DPK", true), ("RKSSSE", true), ("UK1DF04", true), ("PUK", false), ("UKSSSE", false)] {
        assert_eq!(has(name), there, "{name} of {:?}", inspection.keys);
    }
    let listed = bench.output(&["psam", "list"]).stdout;
    let listed: serde_json::Value = serde_json::from_slice(&listed).expect("JSON");
    assert_eq!(listed["psams"][0]["keys"], "hospital", "{listed}");
    let told = "SELECT COUNT(*) FROM audit WHERE act LIKE 'psam.%' AND detail LIKE '%keys hospital%'";
    assert!(bench.count(told) >= 1);
    let add = ["institution", "add", "P002", "--name", "样例药店", "--region", "513301", "--type", "pharmacy"];
    bench.ok(&[&["--operator", "clerk"], &add[..]].concat());
    let holder = bench.folder().join("holder");
    std::fs::write(&holder, "张三\n").expect("written");
    let handout = |to| {
        let file = holder.to_str().expect("a path");
        let rest = ["--holder", file, "--until", "20991231", "--institution", to];
        bench.output(&[&["--operator", "zhou", "psam", "handout", "510000000001"], &rest[..]].concat())
    };
    let error = String::from_utf8_lossy(&handout("P002").stderr).into_owned();
    assert!(error.contains("PSAM_KEYS_TOO_MANY"), "{error}");
    assert_eq!(handout("H001").status.code(), Some(0), "its own institution has it");
}

/// A terminal with the PSAM in the first file proves itself to the card in the second, made at 513300.
pub(crate) fn opens_a_card(psam: &std::path::Path, card: &std::path::Path) {
    serves_a_card(psam, card, ["psam", "ssc-3.0"]);
}

/// It reads the holder's name behind a key, and sells: the card takes MAC1 of the PSAM, the PSAM MAC2 of the card.
fn serves_a_card(psam: &std::path::Path, card: &std::path::Path, [psam_name, card_name]: [&str; 2]) {
    let socket = |path: &std::path::Path| Socket::new(image::open(path, Durability::Process).expect("image"));
    let card = Session::new(Box::new(socket(card).connect().expect("card")));
    let psam = Session::new(Box::new(socket(psam).connect().expect("psam")));
    let (ssc, psam_profile) = (builtin(card_name).expect("built in"), builtin(psam_name).expect("built in"));
    let names = psam_profile.psam_names().expect("names");
    let mut psam = Psam::open(psam, &names, ssc.psam_keys()).expect("a PSAM");
    assert_eq!(hex::encode_upper(psam.terminal_number()), "510000000001");
    let factor = card.atr().and_then(|atr| Ok(atr.card_factor()?)).expect("factor");
    let factors = Factors::of(CityCode::parse("513300").expect("digits"), factor);
    let key = ssc.key_of_card(ssc.key(&KeyName::new("RKSSSE")).expect("a key"), 1, &factors);
    let mut card = card;
    let select = card_core::command::select_by_name(&ssc.df("SSSE").expect("df").df_name);
    assert!(card.send(&select).expect("answer").sw.is_ok());
    let answer = card.perform(&Step::Authenticate { key, id: 0x0A }, Some(&mut psam)).expect("answer");
    assert!(answer.sw.is_ok(), "{answer:?}");
    let read = card_core::command::read_record(6, card_core::command::Record::Tag(0x08), 20);
    assert_eq!(card.send(&read).expect("answer").data.len(), 20);
    let rules = ssc.account.as_ref().expect("an account");
    let mut ok = |command: &card_core::Command| {
        let answer = card.send(command).expect("answer");
        assert!(answer.sw.is_ok(), "{card_name}: {answer:?}");
        answer.data
    };
    ok(&card_core::command::select_by_name(&ssc.df("DF04").expect("df").df_name));
    ok(&card_core::command::verify(&[0x12, 0x34, 0x56]));
    let amounts = Amounts { personal_account: 0, self_paid: 500, pooled_fund: 200 };
    let start = AccountRules::parse_purchase_start(&ok(&rules.init_purchase(amounts, psam.terminal_number())));
    let start = start.expect("22 bytes");
    let date_time = [0x20, 0x26, 0x03, 0x01, 0x10, 0x11, 0x12];
    let fields = psam_purchase_fields(&start, amounts, rules.purchase_type, date_time);
    let begun = psam.init_purchase(&rules.purchase_key, &fields, [factors.card, factors.city]).expect("MAC1");
    let debit = rules.debit_purchase(begun.terminal_sequence, date_time, begun.mac1);
    let proof = AccountRules::parse_purchase_proof(&ok(&debit)).expect("8 bytes");
    assert!(psam.credit_purchase(&rules.purchase_key, proof.mac2).expect("an answer"), "{card_name}: MAC2");
}

#[test]
fn a_psam_of_a_site_with_both_kinds_of_cards_has_both_environments_and_serves_both() {
    let init = ["init", "--cards", "ssc-3.0-sm4,ssc-3.0"];
    let both = ["psam", "psam-sx3"];
    // Pulled in the second environment, it is finished by the same command.
    let loss = Fault::PowerLoss { at: Trigger::command(130), moment: Moment::After, back_after_ms: Some(50) };
    let bench = Bench::with(2, &[], &init, Vec::new());
    let (bench, path) = bench_of(bench, &both, FaultPlan::new(vec![loss]));
    let card = bench.folder().join("sm4.card");
    image::create(
        &card,
        builtin_text("ssc-3.0-sm4").expect("built in"),
        [0x51, 0x33, 0, 0, 0, 1],
        &FaultPlan::default(),
    )
    .expect("image");
    bench.farm().insert(0, &card).expect("inserted");
    // The feeder has no card for the second person yet.
    bench.batch(2);
    let (_, lines) = bench.run(&[0]);
    assert_eq!(lines.last().expect("summary")["made"], 1, "{lines:?}");
    assert_eq!(bench.count("SELECT COUNT(*) FROM card WHERE profile = 'ssc-3.0-sm4' AND state = 'sealed'"), 1);
    let (code, error) = personalize(&bench);
    assert_eq!(code, Some(4), "{error}");
    let again = (0..5).map(|_| personalized(&bench)).find(|output| output.status.success());
    let told = environments(&again.expect("it comes to an end"));
    assert_eq!(told, [("sx1".to_owned(), None), ("sx3".to_owned(), None)]);
    let detail = "SELECT COUNT(*) FROM audit WHERE act = 'psam.make' AND detail = 'sx1 written, sx3 written, keys all'";
    assert_eq!(bench.count(detail), 1);
    for slot in [0, 1] {
        bench.farm().eject(slot).expect("ejected");
    }
    serves_a_card(&path, &card, ["psam-sx3", "ssc-3.0-sm4"]);
    // A 3DES card of the same vault is served by the other environment of the same PSAM.
    let config = bench.folder().join("centre").join("centre.toml");
    let text = std::fs::read_to_string(&config).expect("configuration");
    let turned = text.replace("[\"ssc-3.0-sm4\", \"ssc-3.0\"]", "[\"ssc-3.0\", \"ssc-3.0-sm4\"]");
    assert_ne!(turned, text);
    std::fs::write(&config, turned).expect("written");
    let other = bench.folder().join("tdes.card");
    image::create(&other, builtin_text("ssc-3.0").expect("built in"), [0x51, 0x33, 0, 0, 0, 2], &FaultPlan::default())
        .expect("image");
    bench.farm().insert(0, &other).expect("inserted");
    assert_eq!(bench.run(&[0]).0, Some(0));
    bench.farm().eject(0).expect("ejected");
    serves_a_card(&path, &other, ["psam", "ssc-3.0"]);
}

#[test]
fn an_environment_without_keys_or_without_its_place_on_the_chip_is_left_out_in_clear_words() {
    let written = |name: &str| (name.to_owned(), None);
    let out = |name: &str, why: &str| (name.to_owned(), Some(why.to_owned()));
    // The site took up SM4 cards after its keys were made: no ceremony has made keys for them yet.
    let (bench, _) = bench_of(Bench::with(2, &[], &["init"], Vec::new()), &["psam", "psam-sx3"], FaultPlan::default());
    let config = bench.folder().join("centre").join("centre.toml");
    let text = std::fs::read_to_string(&config).expect("configuration");
    std::fs::write(&config, format!("cards = [\"ssc-3.0\", \"ssc-3.0-sm4\"]\n{text}")).expect("written");
    assert_eq!(environments(&personalized(&bench)), [written("sx1"), out("sx3", "NO_KEYS")]);
    let init = ["init", "--cards", "ssc-3.0,ssc-3.0-sm4"];
    let (bench, _) = bench_of(Bench::with(2, &[], &init, Vec::new()), &["psam"], FaultPlan::default());
    assert_eq!(environments(&personalized(&bench)), [written("sx1"), out("sx3", "NOT_ON_CHIP")]);
}

#[test]
fn a_psam_pulled_half_way_is_finished_by_the_same_command() {
    for nth in [5, 60, 110] {
        let loss = Fault::PowerLoss { at: Trigger::command(nth), moment: Moment::After, back_after_ms: Some(50) };
        let (bench, path) = bench_with_psam(FaultPlan::new(vec![loss]));
        let (code, error) = personalize(&bench);
        assert_eq!(code, Some(4), "{nth}: {error}");
        // The daemon looks for cards every 400 ms: a command that comes before it has seen the PSAM leave and come back is told the same.
        let again = (0..5)
            .map(|_| personalize(&bench))
            .find(|(code, error)| *code != Some(4) || !error.contains("EXCHANGE_BROKEN"));
        let (code, error) = again.expect("it comes to an end");
        assert_eq!(code, Some(0), "{nth}: {error}");
        let (_, inspection) = image::inspect(&path).expect("image");
        let (later, first): (Vec<_>, Vec<_>) =
            inspection.keys.iter().partition(|(name, _)| ["DF01.DPK v2", "DF01.DPK v3"].contains(&name.as_str()));
        assert!(first.iter().all(|(_, key)| key.version == Some(1) && key.tries_left == 3), "{nth}");
        assert!(later.len() == 2 && later.iter().all(|(_, key)| key.version.is_none()), "{nth}: no such versions yet");
    }
}

#[test]
fn a_psam_gets_its_second_environment_later_and_the_first_is_left_as_it_was() {
    let written = |name: &str| (name.to_owned(), None);
    let out = |name: &str, why: &str| (name.to_owned(), Some(why.to_owned()));
    // Pulled while sx3 is added: the first environment takes about 140 commands.
    let loss = |nth| Fault::PowerLoss { at: Trigger::command(nth), moment: Moment::After, back_after_ms: Some(50) };
    let init = ["init", "--cards", "ssc-3.0-sm4,ssc-3.0"];
    let (bench, path) =
        bench_of(Bench::with(2, &[], &init, Vec::new()), &["psam", "psam-sx3"], FaultPlan::new(vec![loss(210)]));
    // The site had no SM4 cards when the PSAM was made.
    let config = bench.folder().join("centre").join("centre.toml");
    let text = std::fs::read_to_string(&config).expect("configuration");
    let of_both = "[\"ssc-3.0-sm4\", \"ssc-3.0\"]";
    assert!(text.contains(of_both), "{text}");
    std::fs::write(&config, text.replace(of_both, "[\"ssc-3.0\"]")).expect("written");
    assert_eq!(environments(&personalized(&bench)), [written("sx1"), out("sx3", "NO_SUCH_CARDS")]);
    let refused = |code: &str| {
        let (exit, error) = personalize(&bench);
        assert!(exit == Some(3) && error.contains(code), "{error}");
    };
    refused("PSAM_NOT_BLANK");
    let keys_of_first = || {
        let (_, inspection) = image::inspect(&path).expect("image");
        inspection.keys.iter().map(|(name, key)| (name.clone(), format!("{key:?}"))).collect::<Vec<_>>()
    };
    let before = keys_of_first();
    std::fs::write(&config, &text).expect("written");
    let holder = bench.folder().join("holder");
    std::fs::write(&holder, "张三\n").expect("written");
    let handout = ["--holder", holder.to_str().expect("a path"), "--until", "20991231", "--institution", "H001"];
    bench.ok(&[&["--operator", "zhou", "psam", "handout", "510000000001"], &handout[..]].concat());
    refused("PSAM_STATE");
    bench.ok(&["--operator", "zhou", "psam", "return", "510000000001"]);
    let (code, error) = personalize(&bench);
    assert_eq!(code, Some(4), "{error}");
    assert_eq!(bench.count("SELECT COUNT(*) FROM psam WHERE state = 'in_custody'"), 1, "it is what it was");
    let again = (0..5).map(|_| personalized(&bench)).find(|output| output.status.success());
    let told = environments(&again.expect("it comes to an end"));
    assert_eq!(told, [out("sx1", "WRITTEN_BEFORE"), written("sx3")]);
    let detail = "SELECT COUNT(*) FROM audit WHERE act = 'psam.add' AND detail = 'sx1 there already, written before, sx3 written, keys all, key version 1'";
    assert_eq!(bench.count(detail), 1);
    refused("PSAM_NOT_BLANK");
    let unchanged = keys_of_first().into_iter().filter(|row| before.contains(row)).count();
    assert!(unchanged >= before.len() / 2, "{unchanged} of {}", before.len());
    bench.farm().eject(1).expect("ejected");
    // Both environments serve cards of this vault.
    bench.batch(2);
    for (serial, card, psam) in [(1, "ssc-3.0-sm4", "psam-sx3"), (2, "ssc-3.0", "psam")] {
        let file = bench.folder().join(format!("{card}.card"));
        let turned = format!("[\"{card}\", \"{}\"]", if card == "ssc-3.0" { "ssc-3.0-sm4" } else { "ssc-3.0" });
        std::fs::write(&config, text.replace(of_both, &turned)).expect("written");
        let blank = builtin_text(card).expect("built in");
        image::create(&file, blank, [0x51, 0x33, 0, 0, 0, serial], &FaultPlan::default()).expect("image");
        bench.farm().insert(0, &file).expect("inserted");
        let (_, lines) = bench.run(&[0]);
        assert_eq!(lines.last().expect("summary")["made"], 1, "{lines:?}");
        bench.farm().eject(0).expect("ejected");
        serves_a_card(&path, &file, [psam, card]);
    }
}
