//! Every contradiction, brought about by one change of a built-in text.
//!
//! Owns: the changes. Never: a text of its own.

use super::*;
use crate::builtin::builtin_text;

/// Each change of the built-in text, `from` and `to`, brings a finding with these words.
pub(super) fn each_is_found(name: &str, changes: &[(&str, &str, &str)]) {
    let text = builtin_text(name).expect("built in");
    for (from, to, expected) in changes {
        assert!(text.contains(from), "{from:?} is not in the text");
        let profile = Profile::parse(&text.replacen(from, to, 1)).expect("still follows the grammar");
        let findings = lint(&profile);
        let english: Vec<String> = findings.iter().map(ToString::to_string).collect();
        assert!(english.iter().any(|finding| finding.contains(expected)), "{to}: {english:?}");
        for Finding { place, problem } in findings {
            let chinese = problem.zh();
            assert!(chinese.chars().any(|letter| ('一'..='龥').contains(&letter)), "{place}: {chinese}");
            // Numbers of the English sentence stand in the Chinese one too.
            let numbers = |text: &str| {
                let words = text.split(|letter: char| !letter.is_ascii_digit()).filter(|word| word.len() > 1);
                words.map(str::to_owned).collect::<std::collections::BTreeSet<_>>()
            };
            assert_eq!(numbers(&chinese), numbers(&problem.to_string()), "{place}: {chinese}");
            assert!(problem.code().starts_with("LINT_"), "{}", problem.code());
        }
    }
}

/// One change of the built-in text, and a word of the finding that it must bring.
const CHANGES: [(&str, &str, &str); 43] = [
    ("bytes_max = 6", "bytes_max = 255", "pin: bytes of a PIN is 255"),
    ("records = 30", "records = 0", "DF04.EF08: records is 0, expected 1 to 254"),
    ("version = \"3.00\"", "version = \"3.00.1\"", "SSSE.EF05.spec_version: \"3.00.1\" does not fit: 6 bytes"),
    ("format = \"an(80)\"", "format = \"an(254)\"", "bytes of a record is 256"),
    ("tag = 0xF0", "tag = 0xFF", "DF07.EF05.honour: tag is 255"),
    ("size = 64", "size = 65", "size is stated as 65, the rows give 64"),
    ("records = 7", "records = 8", "records is stated as 8"),
    ("format = \"an(9)\"", "format = \"an(8)\"", "the rows give 63"),
    ("format = \"b-tlv(52)\"", "format = \"b-tlv(51)\"", "DF01.EF15.degree_1: length is stated as 51"),
    ("fid = \"EF06\"", "fid = \"EF05\"", "FID EF05 is used twice"),
    ("fid = \"EF07\"", "fid = \"EF25\"", "SFI 05 is used twice"),
    ("fid = \"EF07\"", "fid = \"EF3F\"", "SSSE.EF07: SFI is 31, expected 1 to 30"),
    ("fid = \"EF07\"", "fid = \"EF00\"", "SSSE.EF07: SFI is 0, expected 1 to 30"),
    ("\nid = \"DF01\"", "\nid = \"SSSE\"", "directory id SSSE is used twice"),
    ("tag = 0x4E", "tag = 0x09", "tag 09 is used twice"),
    ("id = \"name_extension\"", "id = \"name\"", "element id name is used twice"),
    ("read = \"RKSSSE\"", "read = \"RKSSSX\"", "key RKSSSX is not among"),
    ("read = \"PIN or RK1DF01\"", "read = \"PIN or RK1DF02\"", "key RK1DF02 is not among"),
    ("read = \"RKSSSE\"", "read = \"STKSSSE\"", "key STKSSSE does not serve"),
    ("name = \"PUK\",", "name = \"IRK\",", "name IRK is used twice"),
    ("class = \"UK\",  id = 0x04", "class = \"UK\",  id = 0x0A", "authentication id SSSE 0A is used twice"),
    ("control_key = \"MKDF01\"", "control_key = \"MKDF02\"", "key MKDF02 is not among"),
    (
        "control_key = \"MKDF01\"",
        "control_key = \"UK1DF01\"",
        "DF01.control_key: key UK1DF01 has the class Uk, this row needs Mk",
    ),
    (
        "purchase_mac1 = [\"amounts\", ",
        "purchase_mac1 = [",
        "account.mac.purchase_mac1: amounts is not among the fields",
    ),
    (
        "purchase_mac2 = [\"amounts\"]",
        "purchase_mac2 = [\"amount\"]",
        "account.mac.purchase_mac2: amounts is not among",
    ),
    ("purchase_tac  = [\"amounts\", ", "purchase_tac  = [", "account.mac.purchase_tac: amounts is not among"),
    (
        "load_mac2     = [\"amount\", \"type\", \"terminal\", \"date-time\"]",
        "load_mac2     = []",
        "account.mac.load_mac2: amount is not among",
    ),
    ("algorithm = \"3des\"", "algorithm = \"sm4\"", "key STKSSSE: bytes of a key is 8, expected 16"),
    ("fid = \"DF02\"", "fid = \"EF07\"", "DF02: FID EF07 is used twice"),
    ("capacity = 32768", "capacity = 9000", "the chip has 9000"),
    ("log = \"EF08\"", "log = \"EF09\"", "DF04.EF09 does not exist"),
    ("challenge = 4", "challenge = 5", "bytes of the challenge is 5"),
    ("load_key = \"DLK\"", "load_key = \"DTK\"", "account: key DTK has the class Dtk, this row needs Dlk"),
    ("load_type = 0x01", "load_type = 0x32", "account: transaction type 32 is used twice"),
    ("ins = 0x2A, p1 = 0x00", "ins = 0x2C, p1 = 0x01", "account: command B02C0100 is used twice"),
    ("log = \"EF08\"", "log = \"EF06\"", "account: DF04.EF06 is no cyclic file"),
    ("purchase_access = \"PIN\"", "purchase_access = \"RK9DF04\"", "account: key RK9DF04 is not among"),
    ("hsm = [\"0090\"]", "hsm = [\"90\"]", "key PUK: HSM address \"90\" is not four hex digits"),
    ("application_block = \"841E0000\"", "application_block = \"841E00\"", "bytes of a command header is 3"),
    ("card_block = \"84160000\"\nchallenge = 4", "card_block = \"84160000\"\nchallenge = 6", "challenge is 6"),
    ("tries = 3\nbytes_min", "tries = 16\nbytes_min", "pin: tries is 16"),
    ("initial = \"123456\"", "initial = \"12345A\"", "digits of the initial PIN"),
    ("tries = 3, purpose = \"内部认证密钥\"", "tries = 16, purpose = \"内部认证密钥\"", "tries is 16"),
];

#[test]
fn every_contradiction_is_found_where_it_is() {
    each_is_found("ssc-3.0", &CHANGES);
}

/// The same for the purse.
const PURSE_CHANGES: [(&str, &str, &str); 12] = [
    ("unload = \"DULK\"", "unload = \"DULX\"", "purse: key DULX is not among"),
    ("public_data = \"EF15\"", "public_data = \"EF14\"", "ADF1.EF14 does not exist"),
    ("log = \"EF18\"", "log = \"EF20\"", "ADF1.EF20 does not exist"),
    ("update = \"MAC DAMK\"", "update = \"MAC DAMX\"", "key DAMX is not among"),
    ("format = \"b(3)\"", "format = \"b(4)\"", "purse: bytes of a log record is stated as 23, the rows give 24"),
    ("purchase_mac1 = [\"amount\", ", "purchase_mac1 = [", "purse.mac.purchase_mac1: amount is not among the fields"),
    (
        "\"new-limit\", \"type\", \"terminal\", \"date-time\"]",
        "\"type\"]",
        "purse.mac.overdraw_mac2: new-limit is not among",
    ),
    ("control_key = \"MKADF1\"", "control_key = \"DAMK\"", "key DAMK has the class"),
    ("factors = 1", "factors = 4", "purse: factors is 4"),
    ("cash = 0x04", "cash = 0x05", "purse: transaction type 05 is used twice"),
    ("unload = \"DULK\"", "unload = \"DLK\"", "purse: key DLK has the class Dlk, this row needs Dulk"),
    ("log = \"EF18\"", "log = \"EF19\"", "purse: ADF1.EF19 is no cyclic file"),
];

#[test]
fn every_contradiction_of_a_purse_is_found() {
    each_is_found("pboc-purse", &PURSE_CHANGES);
}

#[test]
fn a_psam_without_its_terminal_number_is_found() {
    let text = builtin_text("psam").expect("built in");
    let changed = Profile::parse(&text.replacen("terminal_number", "terminal", 1)).expect("the grammar holds");
    assert!(lint(&changed).iter().any(|finding| finding.problem == Problem::PsamIncomplete));
}

#[test]
fn a_code_of_a_psam_has_nine_bytes() {
    let text = builtin_text("psam").expect("built in");
    for (code, is_clean) in [("", true), ("010203040506070809", true), ("0102", false)] {
        let text = text.replacen("[psam]", &format!("[psam]\nauthentication_code = \"{code}\""), 1);
        assert_eq!(lint(&Profile::parse(&text).expect("a profile")).is_empty(), is_clean, "{code}");
    }
}

#[test]
fn environments_share_files_that_there_are() {
    let text = builtin_text("psam").expect("built in").replacen("\"MF.EF16\"]", "\"MF.EF20\"]", 1);
    let findings = lint(&Profile::parse(&text).expect("a profile"));
    let [finding] = findings.as_slice() else { panic!("{findings:?}") };
    assert_eq!(finding.problem, Problem::PlaceMissing("MF.EF20".to_owned()));
}

#[test]
fn a_condition_on_the_pin_needs_a_pin() {
    let mut profile = Profile::parse(builtin_text("ssc-3.0").expect("built in")).expect("profile");
    profile.pin = None;
    assert!(lint(&profile).iter().any(|finding| finding.problem == Problem::PinMissing));
}
