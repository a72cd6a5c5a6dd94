//! Keys that a card type needs and the present version lacks: told early, added by custodians, and no other key is touched.

use std::fs;

use card_core::crypto;
use card_core::key::Key16;
use serde_json::{Value, json};

use super::{CUSTODIANS, Site, byte, values};

/// A city's cards of invented content: one file more than the nation's, and its key.
const CITY: &str = r#"format = 2
extends = "ssc-3.0"
name = "ssc-3.0-kangding"

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

impl Site {
    /// The running centre's cards are the city's from now on.
    fn takes_up_the_city(&self) {
        fs::write(self.path("centre/city.toml"), CITY).expect("written");
        let config = self.path("centre/centre.toml");
        let text = fs::read_to_string(&config).expect("a configuration");
        let others = text.lines().filter(|line| !line.starts_with("cards = ")).collect::<Vec<_>>().join("\n");
        fs::write(&config, format!("cards = [\"city.toml\"]\n{others}\n")).expect("written");
    }

    fn start_missing(&self) -> Value {
        let mut arguments = vec!["--operator", "qian", "ceremony", "start", "--missing", "--threshold", "2"];
        CUSTODIANS.iter().for_each(|name| arguments.extend(["--custodian", name]));
        self.ok(&arguments)
    }

    fn all_contribute(&self) {
        CUSTODIANS.iter().for_each(|name| assert!(self.contribute(name, &[]).status.success(), "{name}"));
    }

    /// Two parts of the city's key, one for each of two custodians; the check value of the whole.
    fn parts_of_the_city_s_key(&self) -> String {
        let first: [u8; 16] = std::array::from_fn(|index| 0x2D ^ (13 * byte(index)));
        let whole: [u8; 16] = std::array::from_fn(|index| 0x71 ^ (14 * byte(index)));
        let second: [u8; 16] = std::array::from_fn(|at| first[at] ^ whole[at]);
        let value = |bytes: [u8; 16]| hex::encode_upper(crypto::check_value(&Key16::new(bytes)));
        for (part, name, mine) in [(1, "zhou", first), (2, "qian", second)] {
            let text = format!(
                "[[component]]\nkey = \"UKCITY\"\nlevel = \"city\"\npart = {part}\nof = 2\nvalue = \"{}\"\ncheck_value = \"{}\"\nwhole = \"{}\"\n",
                hex::encode_upper(mine),
                value(mine),
                value(whole)
            );
            fs::write(self.path(&format!("city-{name}.toml")), text).expect("written");
        }
        value(whole)
    }
}

fn names(keys: &Value) -> Vec<&str> {
    keys.as_array().expect("keys").iter().map(|key| key["name"].as_str().expect("a name")).collect()
}

#[test]
fn custodians_add_the_key_of_a_new_card_type_to_the_present_version_and_to_nothing_else() {
    let site = Site::produced();
    let before = values(&site);
    let start = ["--operator", "zhou", "ceremony", "start", "--missing", "--custodian", "zhou", "--custodian", "qian"];
    site.refused(&start, 3, "KEYS_COMPLETE");
    site.ok(&["self-test"]);

    site.takes_up_the_city();
    let checked = site.output(&["key", "check"]);
    let checked = (checked.status.code(), serde_json::from_slice::<Value>(&checked.stdout).expect("JSON"));
    assert_eq!((checked.0, &checked.1["needed"]), (Some(7), &json!(["UKCITY v1"])));
    assert_eq!(checked.1["agreed"], before.len());
    let told = site.output(&["self-test"]);
    let told = (told.status.code(), String::from_utf8_lossy(&told.stdout).into_owned());
    assert!(
        told.0 == Some(7) && told.1.contains("\"CARD_TYPE_KEYS_MISSING\"") && told.1.contains("UKCITY v1"),
        "{told:?}"
    );

    // By the custodians alone, and only what is lacking: neither a key on record nor a key of another version.
    site.refused(
        &["ceremony", "start", "--missing", "--custodian", "zhou", "--custodian", "qian"],
        1,
        "OPERATOR_NOT_NAMED",
    );
    let started = site.start_missing();
    assert_eq!((&started["purpose"], &started["key_set"]), (&json!("supplement"), &json!(1)));
    let whole = site.parts_of_the_city_s_key();
    let taken = |file: &str| {
        site.refused(&["--operator", "zhou", "ceremony", "import", &site.text(file)], 3, "KEY_NOT_LACKING")
    };
    assert!(taken("mother-zhou.toml").contains("UKSSSE"));
    let text = fs::read_to_string(site.path("city-zhou.toml")).expect("parts");
    fs::write(site.path("other.toml"), format!("{text}version = 2\n")).expect("written");
    taken("other.toml");
    for name in ["zhou", "qian"] {
        assert!(site.import(name, &format!("city-{name}.toml")).status.success());
    }
    let finish = ["--operator", "zhou", "ceremony", "finish", "--shares", &site.text("shares")];
    site.refused(&finish, 3, "CUSTODIANS_MISSING");
    site.all_contribute();
    assert_eq!(site.finish()["state"], "finished");

    let after = values(&site);
    let added: Vec<&Value> = after.iter().filter(|key| !before.contains(key)).collect();
    assert_eq!((before.len() + 1, added.len()), (after.len(), 1), "{added:?}");
    assert_eq!((&added[0]["name"], &added[0]["version"]), (&json!("UKCITY"), &json!(1)));
    assert_eq!(added[0]["city"], whole);
    assert_eq!(site.ok(&["key", "check"])["agreed"], after.len());
    site.ok(&["self-test"]);
    site.ok(&["audit", "verify"]);
    // The protocol of each tells its own keys; the next whole ceremony makes the next version.
    assert_eq!(names(&site.ok(&["ceremony", "protocol", "2"])["keys"]), ["UKCITY"]);
    let first = site.ok(&["ceremony", "protocol", "1"]);
    assert!(names(&first["keys"]).len() == before.len() && !names(&first["keys"]).contains(&"UKCITY"));
    let listed = site.ok(&["ceremony", "list"]);
    assert_eq!([0, 1].map(|at| &listed["ceremonies"][at]["purpose"]), ["generate", "supplement"]);
    site.refused(&start, 3, "KEYS_COMPLETE");
    site.start();
    assert_eq!(site.ok(&["ceremony", "show", "3"])["key_set"], 2);

    // What was lost is brought back from both backups.
    let other = Site::new(&["--production"]);
    other.takes_up_the_city();
    for number in ["2", "1"] {
        let backup = site.text(&format!("centre/ceremonies/{number}.backup"));
        other.ok(&["--operator", "wu", "ceremony", "start", "--restore", &backup]);
        for name in ["zhou", "wu"] {
            let share = site.text(&format!("shares/share-{number}-{name}.toml"));
            assert!(other.contribute(name, &["--share", &share]).status.success());
        }
        other.ok(&["--operator", "wu", "ceremony", "finish"]);
    }
    assert_eq!((values(&other), other.ok(&["key", "check"])["agreed"].clone()), (after.clone(), json!(after.len())));
}

#[test]
fn a_supplement_makes_the_keys_that_its_signed_start_names_and_no_others() {
    let site = Site::new(&[]);
    site.takes_up_the_city();
    site.start_missing();
    let receipts = site.ok(&["ceremony", "protocol", "1"])["receipts"].clone();
    assert!(receipts[0][0].as_str().expect("a receipt").contains("\"keys\":[\"UKCITY v1\"]"), "{receipts}");
    site.all_contribute();
    // Somebody adds a key to the city's text before it is finished.
    let text = fs::read_to_string(site.path("centre/city.toml")).expect("a text");
    let row = text.lines().find(|line| line.contains("UKCITY\"") && line.contains("class")).expect("a row").to_owned();
    let more = row.replace("UKCITY", "UKMORE").replace("0x0E", "0x0D");
    fs::write(site.path("centre/city.toml"), text.replace(&row, &format!("{row}\n{more}"))).expect("written");
    let finish = ["--operator", "zhou", "ceremony", "finish", "--shares", &site.text("shares")];
    let told = site.refused(&finish, 3, "CEREMONY_KEYS_CHANGED");
    assert!(told.contains("UKMORE v1") && told.contains("UKCITY v1"), "{told}");
    assert!(!names(&site.ok(&["key", "list"])["keys"]).contains(&"UKCITY"));
    fs::write(site.path("centre/city.toml"), text).expect("put back");
    assert_eq!(site.finish()["state"], "finished");
    assert!(names(&site.ok(&["key", "list"])["keys"]).contains(&"UKCITY"));
}

#[test]
fn a_supplement_cut_short_goes_on_or_takes_out_its_own_key_alone() {
    let site = Site::new(&[]);
    site.takes_up_the_city();
    let before = values(&site);
    let finish = ["--operator", "zhou", "ceremony", "finish", "--shares", &site.text("shares")];
    for gives_up in [true, false] {
        site.start_missing();
        site.all_contribute();
        fs::write(site.path("shares"), "no folder").expect("file");
        site.refused(&finish, 9, "CEREMONY_FILE_FAILED");
        fs::remove_file(site.path("shares")).expect("gone");
        if gives_up {
            site.ok(&["--operator", "zhou", "ceremony", "cancel"]);
            assert_eq!(values(&site), before);
        }
    }
    site.finish();
    let after = values(&site);
    assert!(after.len() == before.len() + 1 && before.iter().all(|key| after.contains(key)));
    // Keys of a centre for rehearsal that nobody brings are made: those of the nation.
    let made = after.iter().find(|key| key["name"] == "UKCITY").expect("the key");
    assert!(made["national"].is_string() && made["city"].is_string(), "{made}");
    assert_eq!(site.ok(&["key", "check"])["agreed"], after.len());

    // Blank cards of another lot: their transport key alone.
    let config = site.path("centre/centre.toml");
    let text = fs::read_to_string(&config).expect("a configuration");
    let others: Vec<&str> = text.lines().filter(|line| !line.starts_with("transport_lot")).collect();
    fs::write(&config, format!("transport_lot = 2\n{}\n", others.join("\n"))).expect("written");
    site.start_missing();
    site.all_contribute();
    site.finish();
    let lot: Vec<Value> = values(&site).into_iter().filter(|key| !after.contains(key)).collect();
    assert!(lot.len() == 1 && lot[0]["name"] == "TRANSPORT" && lot[0]["version"] == 2, "{lot:?}");
}
