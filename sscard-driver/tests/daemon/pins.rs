//! PINs are typed by the holder, given as digits, put anew by a PSAM or an HSM, and never spent twice unasked.
//!
//! Source: PIN functions of the published interface; error table for the codes; the PIN of a new card is 123456.

use crate::counter::{Counter, PSAM, text, third_generation};

const NEW: &str = "864213";

fn open(has_psam: bool) -> Counter {
    let mut counter = Counter::open(2);
    let card = counter.card("person.card", text("ssc-3.0"), &third_generation());
    counter.insert(0, &card);
    if has_psam {
        let psam = counter.card("psam.card", text("psam"), &PSAM);
        counter.insert(1, &psam);
    }
    counter
}

fn codes(counter: &Counter, calls: &[&str], variables: &[(&str, &str)]) -> Vec<i64> {
    counter.session(calls, variables).into_iter().map(|(code, _)| code).collect()
}

#[test]
fn a_pin_is_changed_verified_and_opens_files_until_the_card_is_let_go() {
    let counter = open(false);
    let entry = counter.pin_entry(&format!("[ $1 = old ] && echo 123456 || echo {NEW}"));
    let typed = [("SSCARD_PIN_ENTRY", entry.as_str())];
    let calls = [
        "iReadCard\t#3\t#1\t-\tDF01EF05|20|$",
        "iChangePIN\t#3",
        "iVerifyPIN\t#3",
        "iReadCard\t#3\t#1\t-\tDF01EF05|20|$",
        "iReadDebitRecord\t#3",
    ];
    assert_eq!(codes(&counter, &calls, &typed), [-51, 0, 0, 0, 0]);
    let given = [
        "iPKBVerifyPIN\t#3\t123456",
        "iPKBVerifyPIN\t#3\t864213",
        "iReadCard\t#3\t#1\t-\tDF01EF05|20|$",
        "iPKBChangePIN\t#3\t864213\t123456",
        "iPKBChangePIN\t#3\t864213\t12",
        "iVerifyPIN\t#3",
    ];
    assert_eq!(codes(&counter, &given, &[]), [-51, 0, 0, -36, -33, -13]);
}

#[test]
fn the_last_try_is_for_another_pin_than_the_one_that_was_wrong_and_the_code_is_that_of_a_pin() {
    let counter = open(false);
    let wrong = ["iPKBVerifyPIN\t#3\t999999"; 4];
    let answers = counter.session(&wrong, &[]);
    let codes: Vec<i64> = answers.iter().map(|(code, _)| *code).collect();
    assert_eq!(codes, [-51, -51, -51, -51], "the last two were not sent: {answers:?}");
    for (at, left) in [2, 1, 1, 1].into_iter().enumerate() {
        assert!(answers.get(at).is_some_and(|(_, text)| text.contains(&format!("剩余 {left} 次"))), "{answers:?}");
    }
    // The holder types, knowing that one is left.
    assert_eq!(self::codes(&counter, &["iPKBVerifyPIN\t#3\t123456"], &[]), [0], "the card still had its last try");
}

#[test]
fn two_mistyped_pins_shut_nobody_out_who_types_the_right_one() {
    let counter = open(false);
    let data = counter.folder.path().join("data");
    let folder = [("SSCARD_DATA", data.to_str().expect("UTF-8"))];
    let mistyped = ["iPKBVerifyPIN\t#3\t999999", "iPKBVerifyPIN\t#3\t888888"];
    // In the same program, and in another one that knows of the tries by the folder.
    let right = "iPKBVerifyPIN\t#3\t123456";
    assert_eq!(codes(&counter, &[&mistyped[..], &[right]].concat(), &folder), [-51, -51, 0]);
    assert_eq!(codes(&counter, &mistyped, &folder), [-51, -51]);
    let book = || std::fs::read_to_string(data.join("tries.txt")).expect("a book of tries");
    assert!(book().contains(" PIN 1 "), "{}", book());
    assert_eq!(codes(&counter, &[right], &folder), [0]);
    assert_eq!(book(), "");
    // A third wrong one is the holder's to type.
    let third = "iPKBVerifyPIN\t#3\t777777";
    assert_eq!(codes(&counter, &[&mistyped[..], &[third, right]].concat(), &folder), [-51, -51, -52, -52]);
}

#[test]
fn the_holder_who_types_at_the_keypad_pays_with_the_last_try_too() {
    let counter = open(true);
    let typed = counter.folder.path().join("typed");
    let entry = counter.pin_entry(&format!(
        "n=$(cat {0} 2>/dev/null); echo x$n >{0}; case $n in '') echo 999999;; x) echo 888888;; *) echo 123456;; esac",
        typed.display()
    ));
    let answers = codes(&counter, &["iVerifyPIN\t#3"; 3], &[("SSCARD_PIN_ENTRY", &entry)]);
    assert_eq!(answers, [-51, -51, 0]);
}

#[test]
fn what_a_card_refused_and_became_its_pin_since_is_taken_from_the_holder_with_the_last_try_and_held_back_from_a_program()
 {
    let counter = open(true);
    let entry = counter.pin_entry("echo 880808");
    let calls = [
        "iVerifyPIN\t#3",
        "iVerifyPIN\t#3",
        "iPKBVerifyPIN\t#3\t123456",
        "iPKBChangePIN\t#3\t123456\t880808",
        "iPKBVerifyPIN\t#3\t111111",
        "iPKBVerifyPIN\t#3\t222222",
        "iPKBVerifyPIN\t#3\t880808",
        "iVerifyPIN\t#3",
        "iPKBVerifyPIN\t#3\t880808",
    ];
    let answers = codes(&counter, &calls, &[("SSCARD_PIN_ENTRY", &entry)]);
    assert_eq!(answers, [-51, -51, 0, 0, -51, -51, -51, 0, 0]);
}

#[test]
fn functions_that_write_or_give_pins_out_are_off_until_the_site_allows_them() {
    let counter = open(true);
    let entry = counter.pin_entry(&format!("echo {NEW}"));
    let calls = [
        "iReloadPIN\t#3\t-",
        "iUnblockPIN\t#3\t-",
        "iReloadPIN_HSM_Step1\t#3\t-",
        "iUnblockPIN_HSM_Step1\t#3\t-",
        "iWriteCard\t#3\t-\tSSSEEF05|06|$\tSSSEEF05|20410104|$",
        "iWriteCard_HSM_Step1\t#3\t-\tSSSEEF05|06|$",
        "iSendCpuApdu\t#3\t0084000008",
        "iPKBGetPIN\t{extra}",
    ];
    let off = [("SSCARD_WRITES", ""), ("SSCARD_PIN_ENTRY", entry.as_str()), ("SSCARD_LANG", "en")];
    let answers = counter.session(&calls, &off);
    for ((code, text), call) in answers.iter().zip(calls) {
        let setting = match call {
            _ if call.starts_with("iSend") => "raw_commands = true",
            _ if call.starts_with("iPKB") => "gives_pins = true",
            _ => "writes = true",
        };
        assert_eq!(*code, -3011, "{call}: {text}");
        assert!(text.contains(setting), "{call}: {text}");
    }
    assert_eq!(codes(&counter, &["iPKBVerifyPIN\t#3\t123456", "iReadCard\t#3\t#0\t-\tSSSEEF05|06|$"], &off), [0, 0]);
    let on = [("SSCARD_GIVES_PINS", "true"), ("SSCARD_PIN_ENTRY", entry.as_str())];
    assert_eq!(counter.session(&["iPKBGetPIN\t{extra}"], &on), [(0, format!("{NEW}&"))]);
}

#[test]
fn a_psam_puts_a_new_pin_on_the_card_and_gives_a_blocked_one_its_tries_again() {
    let counter = open(true);
    let entry = counter.pin_entry(&format!("echo {NEW}"));
    let set = [("SSCARD_PIN_ENTRY", entry.as_str()), ("SSCARD_LAST_TRY", "true")];
    let calls = [
        "iPKBVerifyPIN\t#3\t999999",
        "iPKBVerifyPIN\t#3\t999999",
        "iPKBVerifyPIN\t#3\t999999",
        "iPKBVerifyPIN\t#3\t123456",
        "iUnblockPIN\t#3\t-",
        "iPKBVerifyPIN\t#3\t123456",
        "iReloadPIN\t#3\t-",
        "iVerifyPIN\t#3",
    ];
    assert_eq!(codes(&counter, &calls, &set), [-51, -51, -52, -52, 0, 0, 0, 0]);
}

#[test]
fn an_hsm_does_the_same_in_three_steps() {
    for profile in ["ssc-3.0", "ssc-3.0-sm4"] {
        let mut counter = Counter::open(2);
        let card = counter.card("person.card", text(profile), &third_generation());
        counter.insert(0, &card);
        let (keys, entry) = (counter.hsm_keys(text(profile)), counter.pin_entry(&format!("echo {NEW}")));
        let set = [("SSCARD_HSM_KEYS", keys.as_str()), ("SSCARD_PIN_ENTRY", &entry), ("SSCARD_LAST_TRY", "true")];
        let calls = [
            "iPKBVerifyPIN\t#3\t999999",
            "iPKBVerifyPIN\t#3\t999999",
            "iPKBVerifyPIN\t#3\t999999",
            "iUnblockPIN_HSM_Step1\t#3\t-",
            "iUnblockPIN_HSM_Step1To2\t{out}",
            "iUnblockPIN_HSM_Step2\t{out}",
            "iUnblockPIN_HSM_Step2To3\t{out}",
            "iUnblockPIN_HSM_Step3\t{out}",
            "iReloadPIN_HSM_Step1\t#3\t-",
            "iReloadPIN_HSM_Step1To2\t{out}",
            "iReloadPIN_HSM_Step2\t{out}",
            "iReloadPIN_HSM_Step2To3\t{out}",
            "iReloadPIN_HSM_Step3\t{out}",
            "iVerifyPIN\t#3",
        ];
        let answers = counter.session(&calls, &set);
        let codes: Vec<i64> = answers.iter().map(|(code, _)| *code).collect();
        assert_eq!(codes, [-51, -51, -52, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], "{profile}: {answers:?}");
        let text = |at: usize| answers.get(at).map_or("", |(_, text)| text.as_str());
        assert_eq!(text(5).split('|').nth(1), Some("0173"));
        // The published lengths of the whole command: 34 hex digits DES, 50 SM4.
        let hex = if profile.ends_with("sm4") { 50 } else { 34 };
        assert_eq!(text(11).trim_end_matches('|').len(), hex, "{}", text(11));
    }
}
