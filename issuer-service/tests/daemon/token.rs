//! Keys in a PKCS#11 token: SoftHSM of the system, a folder of its own for each test, and another client on the same token.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use card_sim::fault::FaultPlan;
use serde_json::Value;

use crate::bench::Bench;
use crate::city::{CITY, add_what_is_missing, blank, supplement, takes_up_the_city};
use crate::psam::opens_a_card;
use crate::softhsm::{MODULE, PIN, Token};

fn bench(token: &Token, cards: usize, extra: &[&str]) -> Bench {
    let init = ["--pin", "env:TOKEN_PIN", "init", "--vault", "pkcs11", "--module", MODULE, "--token", "centre"];
    Bench::with(1, &vec![FaultPlan::default(); cards], &[&init[..], extra].concat(), token.settings())
}

fn json(bench: &Bench, arguments: &[&str]) -> (Option<i32>, Value) {
    let output = bench.output(&[&["--pin", "env:TOKEN_PIN"], arguments].concat());
    let text = if output.stdout.is_empty() { output.stderr } else { output.stdout };
    (output.status.code(), serde_json::from_slice(&text).expect("JSON"))
}

#[test]
fn a_batch_is_made_with_keys_that_another_client_sees_and_nobody_can_take_out() {
    let token = Token::new();
    let bench = bench(&token, 2, &[]);
    bench.batch(2);
    let made = run(&bench, &["--pin", "env:TOKEN_PIN"]).wait_with_output().expect("ends");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    bench.assert_complete(2, 0);

    let (code, listed) = json(&bench, &["key", "list"]);
    let keys = listed["keys"].as_array().expect("keys");
    assert_eq!((code, keys.iter().filter(|key| key["city"].is_string()).count()), (Some(0), keys.len() - 1));
    assert!(
        keys.iter().all(|key| key["national"].is_null() || key["name"] == "TRANSPORT"),
        "no root key is in the token"
    );
    assert_eq!(json(&bench, &["key", "check"]).0, Some(0));

    let (seen, text) = token.other_client(&["--list-objects", "--type", "secrkey"]);
    assert!(seen, "{text}");
    assert_eq!(text.matches("Secret Key Object").count(), keys.len(), "{text}");
    assert_eq!(text.matches("sensitive").count(), keys.len(), "{text}");
    assert!(!text.contains("extractable") || text.contains("never extractable"), "{text}");
    let out = token.folder().join("value");
    let read = ["--read-object", "--type", "secrkey", "--label", "UKSSSE v1 513300sx", "--output-file"];
    let (taken, said) = token.other_client(&[&read[..], &[out.to_str().expect("path")]].concat());
    assert!(!taken && !out.exists(), "a sensitive key was read: {said}");
}

#[test]
fn a_token_is_not_taken_for_sm4_keys_which_it_could_not_use() {
    let token = Token::new();
    let bench = bench(&token, 0, &[]);
    let arguments = ["init", "--vault", "pkcs11", "--module", MODULE, "--token", "centre", "--cards", "ssc-3.0-sm4"];
    let (_, told) = json(&bench, &arguments);
    assert_eq!(told["code"], "MODULE_WITHOUT_SM4", "{told}");
    assert!(told["next"].as_str().is_some_and(|next| next.contains("init --vault software")), "{told}");
    let config = bench.folder().join("centre").join("centre.toml");
    let text = std::fs::read_to_string(&config).expect("configuration");
    std::fs::write(&config, format!("cards = [\"ssc-3.0-sm4\"]\n{text}")).expect("written");
    let (_, told) = json(&bench, &["key", "list"]);
    assert_eq!(told["code"], "CONFIG_INVALID", "{told}");
}

#[test]
fn another_client_enciphers_zeros_to_the_check_value_of_every_key() {
    let token = Token::new();
    let bench = bench(&token, 0, &[]);
    let (_, listed) = json(&bench, &["key", "list"]);
    let keys: Vec<&Value> =
        listed["keys"].as_array().expect("keys").iter().filter(|key| key["city"].is_string()).collect();
    let id = |key: &&Value| {
        let name = key["name"].as_str().expect("name");
        hex::encode(format!("issuer1:{name}:1:3531303030307368.3531333330307378"))
    };
    let output = Command::new("python3")
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/daemon/encrypt_zeros.py"))
        .args([MODULE, "centre"])
        .args(keys.iter().map(id))
        .envs(token.settings())
        .output()
        .expect("python3 runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let blocks = String::from_utf8(output.stdout).expect("hex");
    let values: Vec<&str> = blocks.lines().map(|block| &block[..6]).collect();
    let expected: Vec<&str> = keys.iter().map(|key| key["city"].as_str().expect("value")).collect();
    assert!(values.len() > 60, "{}", values.len());
    assert_eq!(values, expected);
}

#[test]
fn a_token_that_goes_away_stops_the_batch_and_it_goes_on_when_the_token_is_back() {
    let token = Token::new();
    let bench = bench(&token, 4, &[]);
    bench.batch(4);
    let mut station = run(&bench, &["--pin", "env:TOKEN_PIN"]);
    let lines = BufReader::new(station.stdout.take().expect("output")).lines();
    let away = token.folder().join("away");
    let mut made = 0;
    for line in lines {
        let line: Value = serde_json::from_str(&line.expect("line")).expect("JSON");
        if line["event"] == "made" {
            made += 1;
            if made == 1 {
                std::fs::rename(token.tokens(), &away).expect("the token is pulled");
            }
        }
    }
    let ended = station.wait_with_output().expect("ends");
    let error = String::from_utf8_lossy(&ended.stderr);
    assert_eq!(ended.status.code(), Some(8), "{error}");
    assert!(error.contains("MODULE_GONE") && !error.contains(PIN), "{error}");
    assert!((1..4).contains(&made), "{made} cards were made");
    assert_eq!(json(&bench, &["key", "list"]).0, Some(8), "the token is named as missing");

    std::fs::rename(&away, token.tokens()).expect("the token is back");
    // The card in work is the one in the reader.
    let again = run(&bench, &["--pin", "env:TOKEN_PIN"]).wait_with_output().expect("ends");
    assert!(again.status.success(), "{}", String::from_utf8_lossy(&again.stderr));
    bench.assert_complete(4, 0);
}

#[test]
fn a_wrong_pin_a_wrong_label_and_a_wrong_module_are_told_apart_and_no_pin_is_shown() {
    let token = Token::new();
    let bench = bench(&token, 0, &[]);
    let config = bench.folder().join("centre").join("centre.toml");
    let text = std::fs::read_to_string(&config).expect("text");
    std::fs::write(bench.folder().join("wrong"), "wrong-Marked-PIN\n").expect("file");
    let source = format!("file:{}", bench.folder().join("wrong").display());
    let said = |arguments: &[&str]| {
        let output = bench.output(&[arguments, &["key", "list"]].concat());
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!text.contains("Marked"), "{text}");
        (output.status.code(), text)
    };
    let (code, text_of) = said(&["--pin", &source]);
    assert!(code == Some(6) && text_of.contains("MODULE_PIN_REFUSED"), "{text_of}");
    let (code, text_of) = said(&[]);
    assert!(code == Some(1) && text_of.contains("MODULE_PIN_MISSING"), "{text_of}");
    for (from, to, exit, expected) in [
        ("token = \"centre\"", "token = \"other\"", 8, "MODULE_TOKEN_NOT_FOUND"),
        (MODULE, "/nonexistent/module.so", 1, "MODULE_NOT_LOADED"),
        ("[pkcs11]", "[other]", 1, "CONFIG_INVALID"),
    ] {
        assert!(text.contains(from));
        std::fs::write(&config, text.replace(from, to)).expect("written");
        let (code, text_of) = said(&["--pin", "env:TOKEN_PIN"]);
        assert!(code == Some(exit) && text_of.contains(expected), "{code:?} {text_of}");
    }
}

#[test]
fn a_psam_is_not_made_of_keys_that_may_not_leave_the_token() {
    let token = Token::new();
    let bench = bench(&token, 1, &[]);
    let path = bench.folder().join("psam.card");
    let text = card_profiles::builtin_text("psam").expect("built in");
    card_sim::image::create(&path, text, [0x51, 0, 0, 0, 0, 9], &FaultPlan::default()).expect("image");
    bench.farm().eject(0).expect("ejected");
    bench.farm().insert(0, &path).expect("inserted");
    bench.ok(&["operator", "add", "clerk", "--role", "clearing"]);
    let add = ["institution", "add", "H001", "--name", "样例医院", "--region", "513301", "--type", "hospital"];
    bench.ok(&[&["--operator", "clerk"], &add[..]].concat());
    let reader = bench.farm().reader_name(0).expect("slot");
    let (code, error) = json(
        &bench,
        &[
            "--operator",
            "zhou",
            "psam",
            "personalize",
            "--terminal-number",
            "510000000001",
            "--institution",
            "H001",
            "--reader",
            &reader,
        ],
    );
    assert_eq!((code, &error["code"]), (Some(3), &Value::from("KEY_STAYS_INSIDE")), "{error}");
}

#[test]
fn a_key_that_was_brought_in_to_stay_is_not_exported_in_any_way() {
    let token = Token::new();
    let bench = bench(&token, 0, &[]);
    let config = bench.folder().join("centre/centre.toml");
    let text = std::fs::read_to_string(&config).expect("text");
    std::fs::write(&config, format!("{text}export_key = \"between modules\"\n")).expect("configuration");
    let between = bench.folder().join("between");
    std::fs::write(&between, "shared by vendor").expect("file");
    let write = [
        "--write-object",
        between.to_str().expect("path"),
        "--type",
        "secrkey",
        "--key-type",
        "AES:16",
        "--usage-wrap",
    ];
    let (written, said) = token.other_client(&[&write[..], &["--label", "between modules", "--id", "77"]].concat());
    assert!(written, "{said}");
    let (code, told) = json(&bench, &["--operator", "zhou", "key", "export", "UKSSSE"]);
    assert_eq!((code, told["code"].as_str()), (Some(3), Some("KEY_STAYS_INSIDE")), "{told}");
}

#[test]
fn a_psam_made_with_keys_of_a_token_opens_a_card_made_with_them() {
    let token = Token::new();
    let bench = bench(&token, 1, &["--psam-keys"]);
    bench.batch(1);
    let made = run(&bench, &["--pin", "env:TOKEN_PIN"]).wait_with_output().expect("ends");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let path = bench.folder().join("psam.card");
    let text = card_profiles::builtin_text("psam").expect("built in");
    card_sim::image::create(&path, text, [0x51, 0, 0, 0, 0, 9], &FaultPlan::default()).expect("image");
    bench.farm().eject(0).expect("ejected");
    bench.farm().insert(0, &path).expect("inserted");
    let reader = bench.farm().reader_name(0).expect("slot");
    bench.ok(&["operator", "add", "clerk", "--role", "clearing"]);
    let add = ["institution", "add", "H001", "--name", "样例医院", "--region", "513301", "--type", "hospital"];
    bench.ok(&[&["--operator", "clerk"], &add[..]].concat());
    let order =
        ["psam", "personalize", "--terminal-number", "510000000001", "--institution", "H001", "--reader", &reader];
    let (code, made) = json(&bench, &[&["--operator", "zhou"], &order[..]].concat());
    assert_eq!((code, &made["state"]), (Some(0), &Value::from("in_custody")), "{made}");
    bench.farm().eject(0).expect("ejected");
    opens_a_card(&path, &bench.image(1));

    assert_eq!(json(&bench, &["key", "check"]).0, Some(0), "keys of PSAMs are no keys of cards");
    let (_, objects) = token.other_client(&["--list-objects", "--type", "secrkey"]);
    let upper: Vec<&str> = objects.lines().filter(|line| line.contains("PSAM ")).collect();
    assert!(upper.len() > 10 && !objects.contains("PSAM TRANSPORT"), "{objects}");
    let out = token.folder().join("value");
    let label = upper[0].split_once("label:").expect("a label").1.trim();
    let read = ["--read-object", "--type", "secrkey", "--label", label, "--output-file", out.to_str().expect("path")];
    let (taken, said) = token.other_client(&read);
    assert!(!taken && !out.exists(), "a sensitive key was read: {said}");
}

#[test]
fn a_second_centre_does_not_take_a_token_that_is_in_use() {
    let token = Token::new();
    let bench = bench(&token, 0, &[]);
    let other = bench.folder().join("other");
    let output = bench.output(&[
        "--data",
        other.to_str().expect("path"),
        "--pin",
        "env:TOKEN_PIN",
        "init",
        "--vault",
        "pkcs11",
        "--module",
        MODULE,
        "--token",
        "centre",
    ]);
    assert!(String::from_utf8_lossy(&output.stderr).contains("data"), "an option given twice is refused");
    let output = Command::new(env!("CARGO_BIN_EXE_issuer"))
        .args(["--lang", "en", "--format", "json", "--pin", "env:TOKEN_PIN", "--data"])
        .arg(&other)
        .args(["init", "--vault", "pkcs11", "--module", MODULE, "--token", "centre"])
        .envs(token.settings())
        .output()
        .expect("the program starts");
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code() == Some(3) && error.contains("MODULE_TOKEN_NOT_EMPTY"), "{error}");
    assert!(!Path::new(&other).exists(), "nothing was made");
}

#[test]
fn a_key_goes_out_in_a_way_that_the_token_has_and_in_no_other() {
    let token = Token::new();
    let bench = bench(&token, 0, &["--extractable"]);
    bench.ok(&["operator", "add", "wu", "--role", "keys"]);
    let file = |name: &str, text: &str| {
        let path = bench.folder().join(name);
        std::fs::write(&path, text).expect("file");
        path.to_str().expect("path").to_owned()
    };
    // The shared key of two modules, in two parts.
    let (first, second) = (*b"one part, random", *b"another, as well");
    let shared: [u8; 16] = std::array::from_fn(|index| first[index] ^ second[index]);
    let value = |bytes| hex::encode_upper(card_core::crypto::check_value(&card_core::key::Key16::new(bytes)));
    let pin = ["--pin", "env:TOKEN_PIN"];
    let step = |name: &str, arguments: &[&str]| {
        bench.ok(&[&pin[..], &["--operator", name, "ceremony"], arguments].concat());
    };
    step("zhou", &["start", "--custodian", "zhou", "--custodian", "wu"]);
    for (part, name, mine) in [(1, "zhou", first), (2, "wu", second)] {
        let card = format!(
            "[[component]]\nkey = \"EXPORT\"\nlevel = \"nation\"\npart = {part}\nof = 2\nvalue = \"{}\"\ncheck_value = \"{}\"\nwhole = \"{}\"\n",
            hex::encode_upper(mine),
            value(mine),
            value(shared)
        );
        step(name, &["import", &file("mother.toml", &card)]);
        let secret = format!("file:{}", file("secret", "an invented secret\n"));
        step(name, &["contribute", "--secret", &secret]);
    }
    step("wu", &["finish", "--shares", bench.folder().join("shares").to_str().expect("path")]);
    let (_, listed) = json(&bench, &["key", "list"]);
    let keys = listed["keys"].as_array().expect("keys");
    let of = |name: &str, version: u8| {
        keys.iter().find(|key| key["name"] == name && key["version"] == version).expect("a key").clone()
    };
    assert_ne!(of("UKSSSE", 1)["city"], of("UKSSSE", 2)["city"]);
    assert!(of("UKSSSE", 2)["national"].is_null(), "the root key made in the ceremony is not in the token");

    assert_eq!(of("EXPORT", 2)["national"], value(shared));

    // This module wraps under AES keys alone, though it lists 3DES-CBC too (it answers CKR_MECHANISM_INVALID): that is told as a refusal,
    // not as a module that went away.
    let export = ["--operator", "zhou", "key", "export", "UKSSSE", "--version", "2"];
    let (code, told) = json(&bench, &export);
    assert_eq!((code, told["code"].as_str()), (Some(3), Some("KEY_NO_WAY_TO_WRAP")), "{told}");
    assert!(told["what"].as_str().expect("text").contains("CKM_AES_KEY_WRAP"), "what the token has is told: {told}");

    // Under a key that two modules share, made with the maker's tools.
    let config = bench.folder().join("centre/centre.toml");
    let text = std::fs::read_to_string(&config).expect("text");
    let named = |rows: &str| std::fs::write(&config, format!("{text}{rows}\n")).expect("configuration");
    named("export_key = \"between modules\"");
    let (code, told) = json(&bench, &export);
    assert_eq!((code, told["code"].as_str()), (Some(2), Some("EXPORT_KEY_NOT_FOUND")), "{told}");
    let between = file("between", "shared by vendor");
    let write =
        ["--write-object", &between, "--type", "secrkey", "--key-type", "AES:16", "--usage-wrap", "--usage-decrypt"];
    let (written, said) = token.other_client(&[&write[..], &["--label", "between modules", "--id", "77"]].concat());
    assert!(written, "{said}");
    let (code, out) = json(&bench, &export);
    assert_eq!((code, out["wrapping"].as_str()), (Some(0), Some("AES key wrap (RFC 3394)")), "{out}");
    let wrapped = hex::decode(out["wrapped"].as_str().expect("hex")).expect("hex");
    let plain = unwrapped(b"shared by vendor", &wrapped);
    assert_eq!(of("UKSSSE", 2)["city"], value(plain), "the other module has the same key");
    let zeros = hex::encode_upper(&aes_ecb(&["-e"], b"shared by vendor", &[0; 16])[..3]);
    assert_eq!(out["wrapping_check_value"].as_str(), Some(zeros.as_str()), "{out}");

    // A way that the token does not have, or has for keys of another kind, is passed over.
    named(
        "export_key = \"between modules\"\nwrap = [{ name = \"SM4-CBC\", mechanism = 0x80000105, iv_bytes = 16 }, \"3des-cbc\", \"aes-key-wrap\"]",
    );
    assert_eq!(json(&bench, &export).1["wrapping"], out["wrapping"]);
    named("export_key = \"between modules\"\nwrap = [{ name = \"SM4-CBC\", mechanism = 0x80000105, iv_bytes = 16 }]");
    let (code, told) = json(&bench, &export);
    assert_eq!((code, told["code"].as_str()), (Some(3), Some("KEY_NO_WAY_TO_WRAP")), "{told}");
    assert!(told["what"].as_str().expect("text").contains("SM4-CBC"), "{told}");
    named("wrap = [\"rot13\"]");
    assert_eq!(json(&bench, &export).1["code"], "CONFIG_INVALID");
    named("export_key = \"between modules\"");
    assert_eq!(json(&bench, &["--operator", "li", "key", "export", "UKSSSE"]).0, Some(3), "not without the role");
}

#[test]
fn a_module_that_destroys_nothing_is_worked_with() {
    let token = Token::new();
    let bench = bench(&token, 0, &[]);
    let config = bench.folder().join("centre").join("centre.toml");
    let text = std::fs::read_to_string(&config).expect("text");
    let library = keeps_all(bench.folder());
    std::fs::write(&config, text.replace(MODULE, library.to_str().expect("UTF-8"))).expect("written");
    let (code, check) = json(&bench, &["key", "check"]);
    assert_eq!(code, Some(0), "{check}");
}

/// The module of the tests with another C_DestroyObject, the 23rd function of PKCS #11: CKR_FUNCTION_NOT_SUPPORTED.
fn keeps_all(folder: &Path) -> std::path::PathBuf {
    let text = r#"
        #include <dlfcn.h>
        typedef struct { unsigned char version[2]; void *function[68]; } list;
        static list ours;
        static unsigned long destroy(unsigned long session, unsigned long object) { return 0x54; }
        static unsigned long functions(list **out) { *out = &ours; return 0; }
        unsigned long C_GetFunctionList(list **out) {
            void *module = dlopen("MODULE", RTLD_NOW | RTLD_LOCAL);
            unsigned long (*get)(list **) = dlsym(module, "C_GetFunctionList");
            list *theirs;
            unsigned long code = get(&theirs);
            if (code) return code;
            ours = *theirs;
            ours.function[3] = functions;
            ours.function[22] = destroy;
            return functions(out);
        }"#;
    let (source, library) = (folder.join("keeps.c"), folder.join("keeps.so"));
    std::fs::write(&source, text.replace("MODULE", MODULE)).expect("written");
    let built = Command::new("cc").args(["-shared", "-fPIC", "-o"]).arg(&library).arg(&source).output().expect("cc");
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    library
}

#[test]
fn a_ceremony_killed_while_its_keys_go_into_a_token_is_cancelled_and_leaves_none_there() {
    cancelled_behind_a_kill(false);
}

#[test]
fn a_cancel_ends_and_names_what_a_token_does_not_let_go() {
    cancelled_behind_a_kill(true);
}

fn cancelled_behind_a_kill(keeps: bool) {
    let token = Token::new();
    let bench = bench(&token, 0, &[]);
    bench.ok(&["operator", "add", "wu", "--role", "keys"]);
    let secret = bench.folder().join("secret");
    std::fs::write(&secret, "an invented secret\n").expect("file");
    let secret = format!("file:{}", secret.display());
    let shares = bench.folder().join("shares").display().to_string();
    let line =
        |name, arguments: &[&str]| [&["--pin", "env:TOKEN_PIN", "--operator", name], arguments].concat().join(" ");
    let step = |line: &str| bench.ok(&line.split(' ').collect::<Vec<_>>());
    let begin = || {
        step(&line("zhou", &["ceremony", "start", "--custodian", "zhou", "--custodian", "wu"]));
        for name in ["zhou", "wu"] {
            step(&line(name, &["ceremony", "contribute", "--secret", &secret]));
        }
        line("wu", &["ceremony", "finish", "--shares", &shares])
    };
    let held = || json(&bench, &["key", "list"]).1["keys"].as_array().expect("keys").clone();
    let before = held();
    let finish = begin();
    // One file for each object of the token.
    let files = || {
        let slots = std::fs::read_dir(token.tokens()).expect("folder").flatten();
        let inside = slots.filter_map(|slot| std::fs::read_dir(slot.path()).ok()).flat_map(Iterator::flatten);
        inside.map(|file| file.path()).collect::<Vec<_>>()
    };
    let objects = || files().len();
    let there_before = files();
    let (there, enough) = (there_before.len(), 20);
    let mut killed = bench.issuer(&finish.split(' ').collect::<Vec<_>>()).spawn().expect("starts");
    while objects() < there + enough && killed.try_wait().expect("runs").is_none() {
        std::hint::spin_loop();
    }
    killed.kill().expect("killed");
    killed.wait().expect("ends");
    let (_, show) = json(&bench, &["ceremony", "show", "1"]);
    assert_eq!(show["state"], "finishing", "{show}");
    assert!(held().len() > before.len(), "some keys were in the token when it was killed");
    assert_eq!(json(&bench, &["key", "check"]).0, Some(7));
    if keeps {
        let new: Vec<_> = files().into_iter().filter(|file| !there_before.contains(file)).collect();
        let kept = new.iter().filter(|file| cannot_be_destroyed(file)).count();
        assert!(kept >= enough / 4, "{kept} of {} files", new.len());
    }
    let cancel = line("wu", &["ceremony", "cancel"]);
    let (code, told) = json(&bench, &cancel.split(' ').skip(2).collect::<Vec<_>>());
    let expected = if keeps { 10 } else { 0 };
    assert_eq!((code, &told["state"]), (Some(expected), &Value::from("cancelled")), "{told}");
    let (code, check) = json(&bench, &["key", "check"]);
    assert_eq!(code, Some(0), "{check}");
    if !keeps {
        assert_eq!((held(), &told["left"], &check["left"]), (before, &Value::Null, &serde_json::json!([])));
        step(&begin());
        assert_eq!(json(&bench, &["key", "check"]).0, Some(0));
        assert!(held().iter().any(|key| key["name"] == "UKSSSE" && key["version"] == 2));
        return;
    }
    // What stays is named, on record, and in nobody's way: the next ceremony passes over its version.
    let stays: Vec<Value> = held().into_iter().filter(|key| !before.contains(key)).collect();
    let titles: Vec<String> = stays.iter().map(|key| format!("{} v2", key["name"].as_str().expect("name"))).collect();
    let left: Vec<&Value> = told["left"].as_array().expect("a list").iter().map(|key| &key["name"]).collect();
    assert!(!stays.is_empty(), "{told}");
    assert_eq!(left, stays.iter().map(|key| &key["name"]).collect::<Vec<_>>(), "{told}");
    assert_eq!(check["left"], serde_json::json!(titles));
    let (_, log) = json(&bench, &["ceremony", "protocol", "1"]);
    assert!(log.to_string().contains(&format!("left on the token: {}", titles.join(", "))), "{log}");
    step(&begin());
    let (code, check) = json(&bench, &["key", "check"]);
    assert_eq!((code, &check["left"]), (Some(0), &serde_json::json!(titles)), "{check}");
    assert!(held().iter().any(|key| key["name"] == "UKSSSE" && key["version"] == 3));
}

/// Makes an object of the token one that cannot be destroyed: CKA_DESTROYABLE, a boolean, in the file of it.
fn cannot_be_destroyed(file: &Path) -> bool {
    let attribute = [0x172_u64.to_be_bytes(), 1_u64.to_be_bytes()].concat();
    let mut bytes = std::fs::read(file).unwrap_or_default();
    let at = bytes.windows(attribute.len()).position(|window| window == attribute).map(|at| at + attribute.len());
    let Some(value) = at.and_then(|at| bytes.get_mut(at)) else { return false };
    *value = 0;
    std::fs::write(file, bytes).expect("written");
    true
}

#[test]
fn the_key_of_a_city_s_cards_comes_into_a_token_beside_the_others() {
    let token = Token::new();
    let bench = bench(&token, 0, &[]);
    let before = json(&bench, &["key", "list"]).1["keys"].clone();
    takes_up_the_city(&bench);
    let (code, checked) = json(&bench, &["key", "check"]);
    assert_eq!((code, &checked["needed"]), (Some(7), &serde_json::json!(["UKCITY v1"])));
    add_what_is_missing(&bench, &["--pin", "env:TOKEN_PIN"]);
    let after = json(&bench, &["key", "list"]).1["keys"].clone();
    let (before, after) = (before.as_array().expect("keys"), after.as_array().expect("keys"));
    let added: Vec<&Value> = after.iter().filter(|key| !before.contains(key)).collect();
    assert_eq!((after.len(), added.len()), (before.len() + 1, 1), "{added:?}");
    assert!(
        added[0]["name"] == "UKCITY" && added[0]["national"].is_null() && added[0]["city"].is_string(),
        "{added:?}"
    );
    assert_eq!(json(&bench, &["key", "check"]).0, Some(0));
    let (_, text) = token.other_client(&["--list-objects", "--type", "secrkey"]);
    assert_eq!(text.matches("Secret Key Object").count(), after.len(), "{text}");
    // A card of the city is made with it.
    blank(&bench, CITY, 1);
    bench.farm().insert(0, &bench.image(1)).expect("inserted");
    bench.batch(1);
    let made = run(&bench, &["--pin", "env:TOKEN_PIN"]).wait_with_output().expect("ends");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    bench.assert_complete(1, 0);
}

#[test]
fn what_a_token_keeps_of_a_supplement_that_was_given_up_the_next_one_takes_over() {
    let token = Token::new();
    let bench = bench(&token, 0, &[]);
    takes_up_the_city(&bench);
    let config = bench.folder().join("centre").join("centre.toml");
    let text = std::fs::read_to_string(&config).expect("text");
    let library = keeps_all(bench.folder());
    std::fs::write(&config, text.replace(MODULE, library.to_str().expect("UTF-8"))).expect("written");
    let value = || {
        let keys = json(&bench, &["key", "list"]).1["keys"].as_array().expect("keys").clone();
        keys.into_iter().find(|key| key["name"] == "UKCITY").map(|key| key["city"].clone())
    };
    // The key is in the token, and cannot be put on record.
    let stop = "CREATE TRIGGER stop BEFORE INSERT ON key_value BEGIN SELECT RAISE(ABORT, 'stop'); END";
    crate::ask::ask(&bench.folder().join("centre"), stop).expect("a trigger");
    let pin = ["--pin", "env:TOKEN_PIN"];
    supplement(&bench, &pin, &mut |finish| {
        let (code, told) = json(&bench, finish);
        assert_ne!(code, Some(0), "{told}");
    });
    crate::ask::ask(&bench.folder().join("centre"), "DROP TRIGGER stop").expect("gone");
    let before = value();
    assert!(before.is_some(), "it is in the token");
    let (code, told) = json(&bench, &["--operator", "wu", "ceremony", "cancel"]);
    assert_eq!((code, &told["left"][0]["name"]), (Some(10), &Value::from("UKCITY")), "{told}");
    assert_eq!(json(&bench, &["key", "check"]).1["left"], serde_json::json!(["UKCITY v1"]));
    supplement(&bench, &pin, &mut |finish| {
        let (code, told) = json(&bench, finish);
        assert_eq!((code, &told["state"]), (Some(0), &Value::from("finished")), "{told}");
    });
    assert_eq!(value(), before, "the same key");
    let (code, check) = json(&bench, &["key", "check"]);
    assert_eq!((code, &check["left"]), (Some(0), &serde_json::json!([])), "{check}");
    let sealed = bench.folder().join("centre/ceremonies/1.sealed");
    assert!(!sealed.exists(), "nothing is kept of it any more");
}

fn run(bench: &Bench, extra: &[&str]) -> std::process::Child {
    bench.station_with(&[0], extra)
}

/// RFC 3394 2.2.2, with the block cipher of another program.
fn unwrapped(under: &[u8; 16], wrapped: &[u8]) -> [u8; 16] {
    let mut parts: Vec<[u8; 8]> = wrapped.as_chunks::<8>().0.to_vec();
    assert_eq!(parts.len(), 3, "a key of 16 bytes");
    for step in (1..=12_u8).rev() {
        let at = usize::from((step - 1) % 2) + 1;
        parts[0][7] ^= step;
        let block = aes_ecb(&["-d"], under, &[parts[0], parts[at]].concat());
        parts[0] = *block.first_chunk().expect("a block");
        parts[at] = *block.last_chunk().expect("a block");
    }
    assert_eq!(parts[0], [0xA6; 8], "nothing was altered");
    [parts[1], parts[2]].concat().try_into().expect("16 bytes")
}

fn aes_ecb(way: &[&str], key: &[u8; 16], block: &[u8]) -> Vec<u8> {
    let mut openssl = Command::new("openssl")
        .args(["enc", "-aes-128-ecb", "-nopad", "-K", &hex::encode(key)])
        .args(way)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("openssl runs");
    openssl.stdin.take().expect("input").write_all(block).expect("written");
    openssl.wait_with_output().expect("ends").stdout
}
