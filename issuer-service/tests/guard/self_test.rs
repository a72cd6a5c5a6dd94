//! `issuer self-test` and `config show`: what they find, that they change nothing, what the edge tells monitoring.

use std::fs;

use serde_json::Value;

use crate::bench::Bench;

/// Findings by subject, and how the run ended.
fn found(bench: &Bench, words: &[&str]) -> (Vec<(String, String, String)>, i32) {
    let words: Vec<&str> = words.iter().copied().chain(["self-test"]).collect();
    let output = bench.run(&words);
    let said: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let text = |look: &Value, name: &str| look[name].as_str().expect("a text").to_owned();
    let looks = said["looks"].as_array().expect("looks").iter();
    let looks = looks.map(|look| (text(look, "subject"), text(look, "finding"), text(look, "code")));
    (looks.collect(), output.status.code().expect("ended"))
}

fn of<'a>(looks: &'a [(String, String, String)], subject: &str) -> (&'a str, &'a str) {
    let look = looks.iter().find(|look| look.0 == subject).unwrap_or_else(|| panic!("{subject} in {looks:?}"));
    (&look.1, &look.2)
}

#[test]
fn a_sound_centre_passes_and_nothing_of_it_is_changed() {
    let bench = Bench::new();
    let records = bench.ask("SELECT COUNT(*) FROM audit");
    let (looks, exit) = found(&bench, &[]);
    assert_eq!(exit, 0, "{looks:?}");
    assert!(looks.len() >= 9 && looks.iter().all(|look| look.1 == "good" && look.2.is_empty()), "{looks:?}");
    assert_eq!(bench.ask("SELECT COUNT(*) FROM audit"), records);
}

#[test]
fn every_thing_that_is_missing_or_differs_is_found_by_its_name() {
    let bench = Bench::new();
    let data = bench.data();
    fs::write(bench.place().join("wrong"), "not the passphrase\n").expect("written");
    let (looks, exit) = found(&bench, &["--passphrase", "file:wrong"]);
    assert_eq!((exit, of(&looks, "key vault").0, of(&looks, "data keys").0), (7, "failed", "failed"), "{looks:?}");

    let kept = fs::read(data.join("audit.anchor")).expect("an anchor");
    fs::remove_file(data.join("audit.anchor")).expect("removed");
    let (looks, exit) = found(&bench, &[]);
    assert_eq!((exit, of(&looks, "audit log").0), (7, "failed"), "{looks:?}");
    fs::write(data.join("audit.anchor"), kept).expect("written");

    let toml = fs::read_to_string(data.join("centre.toml")).expect("a configuration");
    fs::write(data.join("centre.toml"), format!("{toml}\nunheard_of = 1\n")).expect("written");
    let (looks, exit) = found(&bench, &[]);
    assert_eq!((exit, of(&looks, "configuration and database")), (7, ("failed", "CONFIG_INVALID")), "{looks:?}");
    fs::write(data.join("centre.toml"), toml).expect("written");
    assert_eq!(found(&bench, &[]).1, 0);
}

/// A recorded check value that differs is what a vault of other keys looks like.
#[test]
fn keys_that_are_not_those_on_record_are_found() {
    let bench = Bench::new();
    bench.ask("UPDATE key_value SET city = '000000' WHERE name = 'UKSSSE'");
    let (looks, exit) = found(&bench, &[]);
    assert_eq!((exit, of(&looks, "check values of keys")), (7, ("failed", "KEYS_NOT_AS_RECORDED")), "{looks:?}");
}

#[test]
fn config_show_names_every_option_that_the_page_names_and_its_origin() {
    let bench = Bench::new();
    let said: Value = serde_json::from_str(&bench.done(&["config", "show"])).expect("JSON");
    let rows = said["settings"].as_array().expect("settings");
    let origin = |name: &str| {
        rows.iter().find(|row| row["name"] == name).unwrap_or_else(|| panic!("{name}"))["origin"]["from"].clone()
    };
    assert_eq!(
        (origin("city"), origin("photo.width"), origin("data")),
        ("file".into(), "default".into(), "command_line".into())
    );
    let output = bench.command(&["config", "show"]).env("ISSUER_OPERATOR", "chen").output().expect("run");
    assert!(String::from_utf8_lossy(&output.stdout).contains("ISSUER_OPERATOR"));
}
