//! Steps of a ceremony that are cut short or cannot be recorded: nothing is kept of them, and the next ceremony gets its keys.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use card_core::key::Key16;
use card_core::security::KeyName;
use issuer_service::vault::{Vault, root_key};
use serde_json::Value;

use super::{CUSTODIANS, PLANTED, Site, values};

impl Site {
    /// A production centre where a ceremony is open and only its end is missing.
    fn ready() -> Self {
        let site = Self::new(&["--production"]);
        site.mother_cards();
        site.all_bring();
        site
    }

    /// Starts a ceremony, and everybody brings what there is to bring.
    fn all_bring(&self) {
        self.start();
        for name in CUSTODIANS {
            assert!(self.contribute(name, &[]).status.success());
        }
        for name in ["zhou", "qian"] {
            assert!(self.import(name, &format!("mother-{name}.toml")).status.success());
        }
    }

    /// As long as it runs, the audit log cannot be written.
    fn unrecorded(&self, work: impl FnOnce()) {
        let (anchor, away) = (self.path("centre/audit.anchor"), self.path("away"));
        fs::rename(&anchor, &away).expect("away");
        work();
        fs::rename(&away, &anchor).expect("back");
    }

    fn try_to_finish(&self, exit: i32, code: &str) -> String {
        self.refused(&["--operator", "zhou", "ceremony", "finish", "--shares", &self.text("shares")], exit, code)
    }

    fn cancel(&self) -> Value {
        self.ok(&["--operator", "zhou", "ceremony", "cancel"])
    }

    /// The next ceremony gives the first key set, and every key is on record.
    fn begins_anew(&self) {
        assert_eq!(values(self).len(), 0, "a ceremony that was given up leaves no key");
        assert!(!self.path("centre/ceremonies/1.backup").exists());
        self.all_bring();
        assert_eq!(self.finish()["key_set"], 1);
        assert_eq!(self.ok(&["key", "check"])["agreed"], values(self).len());
        self.ok(&["audit", "verify"]);
    }
}

#[test]
fn a_part_whose_record_cannot_be_written_is_not_kept() {
    let site = Site::new(&["--production"]);
    site.mother_cards();
    site.start();
    for name in CUSTODIANS {
        site.unrecorded(|| assert_eq!(site.contribute(name, &[]).status.code(), Some(9)));
        assert!(site.contribute(name, &[]).status.success());
    }
    site.unrecorded(|| assert_eq!(site.import("zhou", "mother-zhou.toml").status.code(), Some(9)));
    assert!(site.import("qian", "mother-qian.toml").status.success());
    site.try_to_finish(3, "KEY_PARTS_MISSING");
    assert!(site.import("zhou", "mother-zhou.toml").status.success());
    let undo = ["--operator", "zhou", "ceremony", "import", "--undo", "TRANSPORT"];
    site.unrecorded(|| drop(site.refused(&undo, 9, "AUDIT_ANCHOR_MISSING")));
    assert_eq!(site.finish()["state"], "finished", "what could not be taken back is still there");
    let receipts = site.ok(&["ceremony", "protocol", "1"])["receipts"].as_array().expect("receipts").len();
    assert_eq!(receipts, 1 + 3 + 2 + 1, "start, contributions, parts, finish");
    let left: Vec<_> = fs::read_dir(site.path("centre/ceremonies")).expect("folder").collect();
    assert_eq!(left.len(), 1, "the backup alone: {left:?}");
}

#[test]
fn a_start_that_cannot_be_recorded_leaves_no_file() {
    let site = Site::new(&["--production"]);
    let start = ["--operator", "zhou", "ceremony", "start", "--custodian", "zhou", "--custodian", "qian"];
    site.unrecorded(|| drop(site.refused(&start, 9, "AUDIT_ANCHOR_MISSING")));
    assert_eq!(fs::read_dir(site.path("centre/ceremonies")).expect("folder").count(), 0);
    site.start();
    assert_eq!(fs::read_dir(site.path("centre/ceremonies")).expect("folder").count(), 1);
}

#[test]
fn a_finish_that_cannot_be_recorded_writes_no_key_no_share_and_no_backup() {
    let site = Site::ready();
    site.unrecorded(|| drop(site.try_to_finish(9, "AUDIT_ANCHOR_MISSING")));
    assert_eq!(values(&site).len(), 0);
    assert!(!site.path("shares").exists() && !site.path("centre/ceremonies/1.backup").exists());
    assert_eq!(site.ok(&["ceremony", "show", "1"])["state"], "open");
    site.cancel();
    site.begins_anew();
}

#[test]
fn a_finish_cut_short_takes_nothing_more_and_goes_on() {
    let site = Site::ready();
    fs::write(site.path("shares"), "no folder").expect("file");
    let error = site.try_to_finish(9, "CEREMONY_FILE_FAILED");
    assert!(error.contains("ceremony cancel"), "{error}");
    assert_eq!(site.ok(&["ceremony", "show", "1"])["state"], "finishing");
    let undo = ["--operator", "zhou", "ceremony", "import", "--undo", "TRANSPORT"];
    site.refused(&undo, 3, "CEREMONY_FINISHING");
    let start = ["--operator", "zhou", "ceremony", "start", "--custodian", "zhou", "--custodian", "qian"];
    site.refused(&start, 3, "CEREMONY_OPEN");
    site.refused(&["--operator", "zhou", "key", "discard"], 3, "CEREMONY_OPEN");
    fs::remove_file(site.path("shares")).expect("gone");
    assert_eq!(site.finish()["key_set"], 1);
    assert_eq!(site.ok(&["key", "check"])["agreed"], values(&site).len());
    // The same with a cancel.
    let site = Site::ready();
    fs::write(site.path("shares"), "no folder").expect("file");
    site.try_to_finish(9, "CEREMONY_FILE_FAILED");
    site.cancel();
    fs::remove_file(site.path("shares")).expect("gone");
    site.begins_anew();
}

#[test]
fn a_finish_killed_when_the_keys_are_in_the_vault_is_cancelled_and_leaves_none() {
    let inode = |path: &Path| fs::metadata(path).map(|file| file.ino()).ok();
    let site = Site::ready();
    let vault = site.path("centre/centre.vault");
    let before = inode(&vault);
    let mut finish = site
        .command(&["--operator", "zhou", "ceremony", "finish", "--shares", &site.text("shares")])
        .spawn()
        .expect("starts");
    while inode(&vault) == before && finish.try_wait().expect("runs").is_none() {
        std::hint::spin_loop();
    }
    finish.kill().expect("killed");
    finish.wait().expect("ends");
    let state = site.ok(&["ceremony", "show", "1"])["state"].clone();
    if state == "finished" {
        // It was faster than the kill: nothing was cut short.
        assert_eq!(site.ok(&["key", "check"])["agreed"], values(&site).len());
        return;
    }
    assert_eq!(state, "finishing");
    let held = values(&site).len();
    let said = site.cancel().to_string();
    assert!(held > 60 && said.contains("cancelled"), "{held} {said}");
    let protocol = site.ok(&["ceremony", "protocol", "1"]).to_string();
    assert!(protocol.contains(&format!("{held} keys taken out")), "{protocol}");
    site.begins_anew();
}

#[test]
fn a_transport_key_brought_again_is_the_same_key_and_another_one_is_refused_before_anything_is_written() {
    let site = Site::produced();
    site.all_bring();
    assert_eq!(site.finish()["key_set"], 2);
    assert_eq!(site.ok(&["key", "check"])["agreed"], values(&site).len());
    // Another key under the same lot.
    let before = (values(&site), fs::read(site.path("centre/centre.vault")).expect("vault"));
    let cards = ["mother-zhou.toml", "mother-qian.toml"].map(|name| site.path(name));
    let first = fs::read_to_string(&cards[0]).expect("card");
    let city = first.split("[[component]]").nth(1).expect("the city's key").to_owned();
    let other = city.replace("UKSSSE", "TRANSPORT").replace("city", "nation");
    fs::write(&cards[0], format!("[[component]]{other}version = 1\n")).expect("card");
    let second = fs::read_to_string(&cards[1]).expect("card");
    let city = second.split("[[component]]").nth(1).expect("the city's key").to_owned();
    let other = city.replace("UKSSSE", "TRANSPORT").replace("city", "nation");
    fs::write(&cards[1], format!("[[component]]{other}version = 1\n")).expect("card");
    fs::remove_dir_all(site.path("shares")).expect("gone");
    site.all_bring();
    let error = site.try_to_finish(3, "KEY_EXISTS");
    assert!(error.contains("TRANSPORT version 1") && error.contains("import --undo"), "{error}");
    assert!(!error.contains("UNIQUE"), "{error}");
    assert_eq!((values(&site), fs::read(site.path("centre/centre.vault")).expect("vault")), before);
    assert!(!site.path("shares").exists() && !site.path("centre/ceremonies/3.backup").exists());
    for name in ["zhou", "qian"] {
        site.ok(&["--operator", name, "ceremony", "import", "--undo", "TRANSPORT"]);
    }
    assert_eq!(site.finish()["key_set"], 3);
    assert_eq!(site.ok(&["key", "check"])["agreed"], values(&site).len());
}

#[test]
fn key_sets_are_restored_in_any_order() {
    let site = Site::produced();
    site.all_bring();
    site.finish();
    let other = Site::new(&["--production"]);
    for number in ["2", "1"] {
        let backup = site.text(&format!("centre/ceremonies/{number}.backup"));
        other.ok(&["--operator", "wu", "ceremony", "start", "--restore", &backup]);
        for name in ["zhou", "wu"] {
            let share = site.text(&format!("shares/share-{number}-{name}.toml"));
            assert!(other.contribute(name, &["--share", &share]).status.success());
        }
        other.ok(&["--operator", "wu", "ceremony", "finish"]);
    }
    assert_eq!(values(&other), values(&site));
    assert_eq!(other.ok(&["key", "check"])["agreed"], values(&site).len());
}

#[test]
fn keys_on_no_record_are_in_the_way_until_they_are_taken_out() {
    let site = Site::ready();
    // What a program left that put keys in before it recorded them.
    let path = site.path("centre/centre.vault");
    let vault = Vault::open_file(&path, PLANTED[0]).expect("opens");
    let left = Key16::new(std::array::from_fn(|index| 0x9B ^ (11 * super::byte(index))));
    vault.add(root_key(KeyName::new("MKSSSE"), 1, left)).expect("added");
    vault.reseal(&path, PLANTED[0]).expect("sealed");
    let error = site.try_to_finish(3, "KEY_EXISTS");
    assert!(error.contains("on no record") && error.contains("key discard"), "{error}");
    assert!(!site.path("shares").exists());
    assert_eq!(site.output(&["key", "check"]).status.code(), Some(7));
    site.cancel();
    assert_eq!(values(&site).len(), 1, "a cancel takes out what its ceremony brought, no more");
    site.unrecorded(|| drop(site.refused(&["--operator", "zhou", "key", "discard"], 9, "AUDIT_ANCHOR_MISSING")));
    assert_eq!(values(&site).len(), 1);
    let gone = site.ok(&["--operator", "zhou", "key", "discard"]);
    assert_eq!(gone["keys"], serde_json::json!(["MKSSSE v1"]));
    site.begins_anew();
    assert_eq!(site.ok(&["--operator", "zhou", "key", "discard"])["keys"], serde_json::json!([]));
}

#[test]
fn a_state_of_an_earlier_step_is_not_taken_for_the_present_one() {
    let site = Site::ready();
    let sealed = site.path("centre/ceremonies/1.sealed");
    let text = fs::read_to_string(&sealed).expect("state");
    let undo = ["--operator", "zhou", "ceremony", "import", "--undo", "TRANSPORT"];
    site.ok(&undo);
    fs::write(&sealed, text).expect("an older state");
    site.try_to_finish(1, "CEREMONY_FILE_MALFORMED");
    site.cancel();
    site.begins_anew();
}
