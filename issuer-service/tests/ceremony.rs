//! Key ceremonies on the command line: production keys, parts from above, wrong shares, restoration, and no secret anywhere.

#[path = "database/ask.rs"]
mod ask;
#[path = "ceremony/cut.rs"]
mod cut;
#[path = "database/fresh.rs"]
mod fresh;
#[path = "ceremony/supplement.rs"]
mod supplement;

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use card_core::crypto;
use card_core::key::Key16;
use serde_json::Value;

const CUSTODIANS: [&str; 3] = ["zhou", "qian", "wu"];

/// What must be found nowhere: passphrase, secrets of custodians, dice, and values of parts.
const PLANTED: [&str; 6] = [
    "planted-passphrase-4711",
    "planted-secret-of-zhou",
    "planted-secret-of-qian",
    "planted-secret-of-wu",
    "planted-dice-6-1-4-2",
    "9A3107C45E8821FD601BD3947E02AF46",
];

fn byte(index: usize) -> u8 {
    u8::try_from(index).expect("a key has 16 bytes")
}

struct Site {
    folder: tempfile::TempDir,
    said: std::cell::RefCell<String>,
}

impl Site {
    fn new(init: &[&str]) -> Self {
        let site = Self { folder: tempfile::tempdir().expect("folder"), said: std::cell::RefCell::default() };
        std::fs::write(site.path("passphrase"), format!("{}\n", PLANTED[0])).expect("file");
        site.ok(&[&["init"], init].concat());
        for name in CUSTODIANS {
            site.ok(&["operator", "add", name, "--role", "keys"]);
            std::fs::write(site.path(name), format!("planted-secret-of-{name}\n")).expect("file");
        }
        std::fs::write(site.path("dice"), format!("{}\n", PLANTED[4])).expect("file");
        site
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn text(&self, name: &str) -> String {
        self.path(name).to_str().expect("path").to_owned()
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_issuer"));
        command
            .args(["--lang", "en", "--format", "json", "--passphrase"])
            .arg(format!("file:{}", self.text("passphrase")))
            .arg("--data")
            .arg(self.path("centre"))
            .args(arguments)
            .envs(arguments.contains(&"init").then(fresh::fresh).flatten().map(|url| ("ISSUER_DATABASE", url)))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    fn output(&self, arguments: &[&str]) -> Output {
        let output = self.command(arguments).output().expect("the program starts");
        let mut said = self.said.borrow_mut();
        said.push_str(&String::from_utf8_lossy(&output.stdout));
        said.push_str(&String::from_utf8_lossy(&output.stderr));
        output
    }

    fn ok(&self, arguments: &[&str]) -> Value {
        let output = self.output(arguments);
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap_or(Value::Null)
    }

    fn refused(&self, arguments: &[&str], exit: i32, code: &str) -> String {
        let output = self.output(arguments);
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(exit), "{arguments:?}: {error}");
        assert!(error.contains(&format!("\"{code}\"")), "{arguments:?}: {error}");
        error
    }

    fn start(&self) {
        let mut arguments = vec!["--operator", "zhou", "ceremony", "start", "--threshold", "2"];
        CUSTODIANS.iter().for_each(|name| arguments.extend(["--custodian", name]));
        self.ok(&arguments);
    }

    fn contribute(&self, name: &str, extra: &[&str]) -> Output {
        let secret = format!("file:{}", self.text(name));
        self.output(&[&["--operator", name, "ceremony", "contribute", "--secret", &secret], extra].concat())
    }

    fn finish(&self) -> Value {
        self.ok(&["--operator", "zhou", "ceremony", "finish", "--shares", &self.text("shares")])
    }

    fn share(&self, name: &str) -> String {
        self.text(&format!("shares/share-1-{name}.toml"))
    }

    /// Two mother cards: the city's UKSSSE and the transport key, each in two parts.
    fn mother_cards(&self) {
        let part = |value: u8| -> [u8; 16] { std::array::from_fn(|index| value ^ (17 * byte(index))) };
        let planted: [u8; 16] = hex::decode(PLANTED[5]).expect("hex").try_into().expect("16 bytes");
        for (index, name) in ["zhou", "qian"].into_iter().enumerate() {
            let mut text = String::new();
            for (key, whole, level) in [("UKSSSE", part(0x5A), "city"), ("TRANSPORT", planted, "nation")] {
                let first = part(0xC3);
                let second: [u8; 16] = std::array::from_fn(|at| first[at] ^ whole[at]);
                let mine = if index == 0 { first } else { second };
                let value = |bytes: [u8; 16]| hex::encode_upper(crypto::check_value(&Key16::new(bytes)));
                text.push_str(&format!(
                    "[[component]]\nkey = \"{key}\"\nlevel = \"{level}\"\npart = {}\nof = 2\nvalue = \"{}\"\ncheck_value = \"{}\"\nwhole = \"{}\"\n",
                    index + 1,
                    hex::encode_upper(mine),
                    value(mine),
                    value(whole)
                ));
                if key == "TRANSPORT" {
                    text.push_str("version = 1\n");
                }
            }
            std::fs::write(self.path(&format!("mother-{name}.toml")), text).expect("file");
        }
    }

    fn import(&self, name: &str, file: &str) -> Output {
        self.output(&["--operator", name, "ceremony", "import", &self.text(file)])
    }

    /// A production centre after its ceremony.
    fn produced() -> Self {
        let site = Self::new(&["--production"]);
        site.mother_cards();
        site.start();
        for name in CUSTODIANS {
            assert!(site.contribute(name, &["--component", &format!("file:{}", site.text("dice"))]).status.success());
        }
        for name in ["zhou", "qian"] {
            let output = site.import(name, &format!("mother-{name}.toml"));
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        }
        site.finish();
        site
    }
}

fn values(site: &Site) -> Vec<Value> {
    site.ok(&["key", "list"])["keys"].as_array().expect("keys").clone()
}

#[test]
fn a_production_centre_has_no_keys_until_its_ceremony_is_finished() {
    let site = Site::new(&["--production"]);
    assert_eq!(values(&site).len(), 0);
    site.mother_cards();
    site.start();
    let finish = ["--operator", "zhou", "ceremony", "finish", "--shares", &site.text("shares")];
    site.refused(&finish, 3, "CUSTODIANS_MISSING");
    for name in CUSTODIANS {
        assert!(site.contribute(name, &[]).status.success());
        assert_eq!(site.contribute(name, &[]).status.code(), Some(3), "{name} contributes once");
    }
    site.refused(&finish, 3, "TRANSPORT_KEY_MISSING");
    assert!(site.import("zhou", "mother-zhou.toml").status.success());
    site.refused(&finish, 3, "KEY_PARTS_MISSING");
    assert_eq!(site.import("zhou", "mother-qian.toml").status.code(), Some(3), "nobody brings two parts of a key");
    assert!(site.import("qian", "mother-qian.toml").status.success());
    assert_eq!(values(&site).len(), 0, "nothing is in the vault before the end");
    let finished = site.finish();
    // Given again behind its end.
    site.refused(&finish, 3, "CEREMONY_FINISHED");
    assert_eq!((&finished["kind"], &finished["state"]), (&Value::from("production"), &Value::from("finished")));
    let keys = values(&site);
    let of = |name: &str| keys.iter().find(|key| key["name"] == name).expect("a key").clone();
    let whole: [u8; 16] = std::array::from_fn(|index| 0x5A ^ (17 * byte(index)));
    let expected = hex::encode_upper(crypto::check_value(&Key16::new(whole)));
    assert_eq!((of("UKSSSE")["city"].as_str(), &of("UKSSSE")["national"]), (Some(expected.as_str()), &Value::Null));
    assert!(of("RKSSSE")["national"].is_string() && keys.len() > 60);
    assert_eq!(site.ok(&["key", "check"])["agreed"], keys.len());
    assert!(!site.path("centre/ceremonies/1.sealed").exists());
    site.ok(&["audit", "verify"]);
}

#[test]
fn a_site_with_sm4_cards_gets_keys_of_both_algorithms_and_is_told_of_each_by_its_own_check_value() {
    let site = Site::new(&["--production", "--cards", "ssc-3.0,ssc-3.0-sm4"]);
    site.mother_cards();
    site.start();
    for name in CUSTODIANS {
        assert!(site.contribute(name, &[]).status.success());
    }
    for name in ["zhou", "qian"] {
        assert!(site.import(name, &format!("mother-{name}.toml")).status.success());
    }
    let finish = ["--operator", "zhou", "ceremony", "finish", "--shares", &site.text("shares")];
    let missing = site.refused(&finish, 3, "TRANSPORT_KEY_MISSING");
    assert!(missing.contains("TRANSPORT-SM4"), "{missing}");
    // Parts and whole by their SM4 check values; those of 3DES are refused.
    let (first, second): ([u8; 16], [u8; 16]) = (std::array::from_fn(byte), *b"the other's part");
    let whole: [u8; 16] = std::array::from_fn(|at| first[at] ^ second[at]);
    let sm4 = |key: [u8; 16]| hex::encode_upper(&crypto::sm4_encrypt(&Key16::new(key), &[0; 16])[..3]);
    let tdes = |key: [u8; 16]| hex::encode_upper(crypto::check_value(&Key16::new(key)));
    let card = |part: u8, mine: [u8; 16], check: &str| {
        format!(
            "[[component]]\nkey = \"TRANSPORT-SM4\"\nversion = 1\nlevel = \"nation\"\npart = {part}\nof = 2\nvalue = \"{}\"\ncheck_value = \"{check}\"\nwhole = \"{}\"\n",
            hex::encode_upper(mine),
            sm4(whole)
        )
    };
    std::fs::write(site.path("sm4.toml"), card(1, first, &tdes(first))).expect("file");
    assert_eq!(site.import("zhou", "sm4.toml").status.code(), Some(7));
    for (name, part, mine) in [("zhou", 1, first), ("qian", 2, second)] {
        std::fs::write(site.path("sm4.toml"), card(part, mine, &sm4(mine))).expect("file");
        let output = site.import(name, "sm4.toml");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    site.finish();
    let keys = values(&site);
    let of = |name: &str| keys.iter().find(|key| key["name"] == name).unwrap_or_else(|| panic!("{name}")).clone();
    assert_eq!(of("TRANSPORT-SM4")["national"].as_str(), Some(sm4(whole).as_str()));
    assert!(of("TRANSPORT-SM4")["city"].is_null());
    let (plain, other): (Vec<_>, Vec<_>) =
        keys.iter().partition(|key| !key["name"].as_str().expect("a name").ends_with("-SM4"));
    assert_eq!(plain.len(), other.len(), "each key of one algorithm has one of the other");
    assert_ne!(of("RKSSSE")["national"], of("RKSSSE-SM4")["national"]);
    assert!(["national", "province", "city"].iter().all(|level| of("RKSSSE-SM4")[level].is_string()));
    assert_eq!(site.ok(&["key", "check"])["agreed"], keys.len());
}

#[test]
fn any_two_of_three_custodians_restore_the_keys_elsewhere_and_one_cannot() {
    let site = Site::produced();
    let expected = values(&site);
    let backup = site.text("centre/ceremonies/1.backup");
    for absent in CUSTODIANS {
        let other = Site::new(&["--production"]);
        other.ok(&["--operator", "wu", "ceremony", "start", "--restore", &backup]);
        let present: Vec<&str> = CUSTODIANS.into_iter().filter(|name| *name != absent).collect();
        let finish = ["--operator", "wu", "ceremony", "finish"];
        for (count, name) in present.iter().enumerate() {
            other.refused(&finish, 3, "CUSTODIANS_MISSING");
            assert!(other.contribute(name, &["--share", &site.share(name)]).status.success(), "{count} {name}");
        }
        other.ok(&finish);
        assert_eq!(values(&other), expected, "without {absent}");
        assert_eq!(other.ok(&["key", "check"])["agreed"], expected.len());
    }
}

#[test]
fn a_wrong_share_is_named_by_its_check_value_and_does_not_count() {
    let (site, stranger) = (Site::produced(), Site::produced());
    let other = Site::new(&["--production"]);
    other.ok(&["--operator", "zhou", "ceremony", "start", "--restore", &site.text("centre/ceremonies/1.backup")]);
    let output = other.contribute("zhou", &["--share", &stranger.share("zhou")]);
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(7), "{error}");
    let value = |site: &Site| {
        let protocol = site.ok(&["ceremony", "show", "1"]);
        protocol["custodians"][0]["check_value"].as_str().expect("value").to_owned()
    };
    assert!(
        error.contains("SHARE_WRONG") && error.contains(&value(&stranger)) && error.contains(&value(&site)),
        "{error}"
    );
    // Somebody else's share, a wrong secret, an altered file, no share at all.
    assert_eq!(other.contribute("zhou", &["--share", &site.share("wu")]).status.code(), Some(6));
    std::fs::write(other.path("zhou"), "not-the-secret-of-zhou\n").expect("file");
    assert_eq!(other.contribute("zhou", &["--share", &site.share("zhou")]).status.code(), Some(6));
    std::fs::write(other.path("zhou"), format!("{}\n", PLANTED[1])).expect("file");
    let altered = std::fs::read_to_string(site.share("zhou")).expect("share").replace("threshold = 2", "threshold = 1");
    std::fs::write(other.path("altered.toml"), altered).expect("file");
    assert_eq!(other.contribute("zhou", &["--share", &other.text("altered.toml")]).status.code(), Some(6));
    assert_eq!(other.contribute("zhou", &[]).status.code(), Some(1));
    other.refused(&["--operator", "zhou", "ceremony", "finish"], 3, "CUSTODIANS_MISSING");
}

#[test]
fn a_wrong_part_a_test_key_and_a_rehearsal_backup_are_refused_in_production() {
    let site = Site::new(&["--production"]);
    site.mother_cards();
    site.start();
    let text = std::fs::read_to_string(site.path("mother-zhou.toml")).expect("card");
    let wrong = text.replacen("value = \"C3", "value = \"43", 1);
    assert_ne!(wrong, text);
    std::fs::write(site.path("wrong.toml"), wrong).expect("file");
    let output = site.import("zhou", "wrong.toml");
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code() == Some(7) && error.contains("KEY_PART_WRONG"), "{error}");
    // The two parts of a well-known key.
    let well_known = [*b"\x00\x11\x22\x33\x44\x55\x66\x77\x88\x99\xAA\xBB\xCC\xDD\xEE\xFF", *b"REHEARSAL-FACTRY"];
    for (whole, key) in well_known.into_iter().zip(["UKSSSE", "TRANSPORT"]) {
        for (part, name) in [(1, "zhou"), (2, "qian")] {
            let first: [u8; 16] = std::array::from_fn(|index| 3 * byte(index) + 1);
            let second: [u8; 16] = std::array::from_fn(|index| first[index] ^ whole[index]);
            let mine = if part == 1 { first } else { second };
            let value = |bytes: [u8; 16]| hex::encode_upper(crypto::check_value(&Key16::new(bytes)));
            let text = format!(
                "[[component]]\nkey = \"{key}\"\nversion = 1\nlevel = \"nation\"\npart = {part}\nof = 2\nvalue = \"{}\"\ncheck_value = \"{}\"\nwhole = \"{}\"\n",
                hex::encode_upper(mine),
                value(mine),
                value(whole)
            );
            std::fs::write(site.path("part.toml"), text).expect("file");
            assert!(site.import(name, "part.toml").status.success());
        }
    }
    for name in CUSTODIANS {
        assert!(site.contribute(name, &[]).status.success());
    }
    let finish = ["--operator", "zhou", "ceremony", "finish", "--shares", &site.text("shares")];
    site.refused(&finish, 3, "KEY_TEST_REFUSED");
    assert_eq!(values(&site).len(), 0);
    assert!(!site.path("shares").exists() && !site.path("centre/ceremonies/1.backup").exists());
    site.ok(&["--operator", "zhou", "ceremony", "cancel"]);

    let rehearsal = Site::new(&[]);
    rehearsal.start();
    for name in CUSTODIANS {
        assert!(rehearsal.contribute(name, &[]).status.success());
    }
    assert_eq!(rehearsal.finish()["key_set"], 2, "the next version after that of `init`");
    let backup = rehearsal.text("centre/ceremonies/1.backup");
    site.refused(&["--operator", "zhou", "ceremony", "start", "--restore", &backup], 3, "CEREMONY_KIND_DIFFERS");
}

#[test]
fn a_protocol_says_who_did_what_and_a_rehearsal_says_so_in_both_languages() {
    let site = Site::new(&[]);
    site.start();
    for name in CUSTODIANS {
        assert!(site.contribute(name, &[]).status.success());
    }
    site.finish();
    let page = site.text("protocol.html");
    let protocol = site.ok(&["ceremony", "protocol", "1", "--html", &page]);
    let receipts = protocol["receipts"].as_array().expect("receipts");
    assert_eq!(receipts.len(), 5, "start, three contributions, finish");
    let public_key = hex::decode(protocol["public_key"].as_str().expect("key")).expect("hex");
    let public_key = ring::signature::UnparsedPublicKey::new(&ring::signature::ED25519, public_key);
    for receipt in receipts {
        let (body, signature) = (receipt[0].as_str().expect("body"), receipt[1].as_str().expect("signature"));
        public_key.verify(body.as_bytes(), &hex::decode(signature).expect("hex")).expect("the centre's signature");
        assert!(body.contains("\"rehearsal\""), "{body}");
        assert!(
            public_key.verify(body.replace("zhou", "wang").as_bytes(), &hex::decode(signature).expect("hex")).is_err()
                == body.contains("zhou")
        );
    }
    let english = std::fs::read_to_string(&page).expect("page");
    assert!(
        english.contains("REHEARSAL")
            && CUSTODIANS.iter().all(|name| english.contains(name))
            && english.contains("UKSSSE")
    );
    let chinese = Command::new(env!("CARGO_BIN_EXE_issuer"))
        .args(["--lang", "zh", "--data"])
        .arg(site.path("centre"))
        .args(["ceremony", "protocol", "1"])
        .output()
        .expect("the program starts");
    let chinese = String::from_utf8(chinese.stdout).expect("UTF-8");
    assert!(chinese.contains("演练") && chinese.contains("密钥仪式第 1 号") && chinese.contains("UKSSSE"), "{chinese}");
}

#[test]
fn no_secret_of_a_ceremony_is_in_any_file_or_output() {
    let site = Site::produced();
    site.ok(&["ceremony", "protocol", "1", "--html", &site.text("protocol.html")]);
    let mut searched = 0;
    let said = site.said.borrow().clone().into_bytes();
    let mut texts: Vec<(PathBuf, Vec<u8>)> = vec![(PathBuf::from("output"), said)];
    collect(&site.path("centre"), &mut texts);
    collect(&site.path("shares"), &mut texts);
    if std::env::var_os("ISSUER_TEST_POSTGRES").is_some() {
        let all = "SELECT schema_to_xml(current_schema(), true, false, '')";
        texts.push((
            PathBuf::from("database"),
            ask::ask(&site.path("centre"), all).expect("every row").concat().concat().into(),
        ));
    }
    texts.push((site.path("protocol.html"), std::fs::read(site.path("protocol.html")).expect("page")));
    for (path, bytes) in &texts {
        for planted in PLANTED {
            let forms = [
                planted.as_bytes().to_vec(),
                planted.to_lowercase().into_bytes(),
                hex::decode(planted).unwrap_or_else(|_| planted.as_bytes().to_vec()),
            ];
            for form in forms {
                assert!(!bytes.windows(form.len()).any(|window| window == form), "{planted} in {}", path.display());
            }
        }
        searched += bytes.len();
    }
    assert!(texts.len() >= 7 && searched > 50_000, "{} files, {searched} bytes", texts.len());
}

fn collect(folder: &Path, texts: &mut Vec<(PathBuf, Vec<u8>)>) {
    for entry in std::fs::read_dir(folder).expect("folder") {
        let path = entry.expect("entry").path();
        if path.is_dir() {
            collect(&path, texts);
        } else {
            texts.push((path.clone(), std::fs::read(&path).expect("file")));
        }
    }
}

#[test]
fn a_production_centre_is_not_made_without_a_passphrase() {
    let folder = tempfile::tempdir().expect("folder");
    let output = Command::new(env!("CARGO_BIN_EXE_issuer"))
        .args(["--lang", "en", "--data"])
        .arg(folder.path().join("centre"))
        .args(["init", "--production"])
        .stdin(Stdio::null())
        .output()
        .expect("the program starts");
    assert_eq!(output.status.code(), Some(1));
    assert!(!folder.path().join("centre").exists());
}

#[test]
fn a_transport_key_of_another_level_or_without_its_lot_is_refused_when_it_is_brought() {
    let site = Site::new(&["--production"]);
    site.mother_cards();
    site.start();
    let text = std::fs::read_to_string(site.path("mother-zhou.toml")).expect("card");
    let at = text.find("key = \"TRANSPORT\"").expect("the transport key");
    for (from, to) in [("\"nation\"", "\"city\""), ("\"nation\"", "\"province\""), ("version = 1\n", "")] {
        let wrong = format!("{}{}", &text[..at], text[at..].replace(from, to));
        std::fs::write(site.path("wrong.toml"), wrong).expect("file");
        let error =
            site.refused(&["--operator", "zhou", "ceremony", "import", &site.text("wrong.toml")], 3, "KEY_LEVEL_WRONG");
        assert!(error.contains("nation") && error.contains("TRANSPORT"), "{error}");
    }
    // Nothing of a refused file is kept.
    for name in CUSTODIANS {
        assert!(site.contribute(name, &[]).status.success());
    }
    let finish = ["--operator", "zhou", "ceremony", "finish", "--shares", &site.text("shares")];
    site.refused(&finish, 3, "TRANSPORT_KEY_MISSING");
}

#[test]
fn a_file_of_parts_that_cannot_be_read_is_told_by_line_and_reason_and_never_by_content() {
    let site = Site::new(&["--production"]);
    site.mother_cards();
    site.start();
    let text = std::fs::read_to_string(site.path("mother-zhou.toml")).expect("card");
    let second = text.lines().skip(1).position(|line| line == "[[component]]").expect("two parts") + 2;
    let value = text.lines().find_map(|line| line.strip_prefix("value = ")).expect("a value").to_owned();
    let cases = [
        (text.replacen("of = 2", "of = two", 1), 5, "TOML"),
        (text.replacen("of = 2", "off = 2", 1), 5, "name"),
        (text.replacen("level = \"city\"", "level = \"town\"", 1), 3, "nation, province or city"),
        (text.replacen("level = \"city\"\n", "", 1), 1, "level"),
        (text.replacen(&value, "\"12\"", 1), 1, "32 hex digits"),
        (text.replacen("part = 1", "part = 3", 1), 1, "part"),
        (text.replacen("version = 1", "version = 300", 1), second + 8, "TOML"),
        (String::new(), 1, "component"),
    ];
    for (wrong, line, reason) in cases {
        std::fs::write(site.path("wrong.toml"), &wrong).expect("file");
        let import = ["--operator", "zhou", "ceremony", "import", &site.text("wrong.toml")];
        let error = site.refused(&import, 1, "CEREMONY_FILE_MALFORMED");
        assert!(
            error.contains(&format!("line {line}:")) && error.contains(reason),
            "{error} instead of {line} {reason}"
        );
        assert!(!error.contains(value.trim_matches('"')), "{error}");
    }
}

#[test]
fn who_brought_a_wrong_part_takes_it_back_and_the_protocol_tells_of_it() {
    let site = Site::new(&["--production"]);
    site.mother_cards();
    site.start();
    let undo = |name: &'static str, key: &'static str| ["--operator", name, "ceremony", "import", "--undo", key];
    site.refused(&undo("zhou", "TRANSPORT"), 2, "KEY_PART_NOT_FOUND");
    assert!(site.import("zhou", "mother-zhou.toml").status.success());
    site.refused(&undo("qian", "TRANSPORT"), 2, "KEY_PART_NOT_FOUND");
    assert_eq!(site.ok(&undo("zhou", "TRANSPORT"))["parts"], 1);
    assert!(site.import("qian", "mother-qian.toml").status.success());
    for name in CUSTODIANS {
        assert!(site.contribute(name, &[]).status.success());
    }
    let finish = ["--operator", "zhou", "ceremony", "finish", "--shares", &site.text("shares")];
    site.refused(&finish, 3, "KEY_PARTS_MISSING");
    assert!(site.import("zhou", "mother-zhou.toml").status.success());
    site.finish();
    let protocol = site.ok(&["ceremony", "protocol", "1"]).to_string();
    assert!(protocol.contains("take back TRANSPORT 1/2"), "{protocol}");
}
