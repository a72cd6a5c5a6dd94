//! What a call answers: the eleven fields, or a published code with a message.
//!
//! Source: the published output string and error table.

use std::path::Path;

use crate::counter::{Counter, PERSON, PSAM, text, third_generation};

#[test]
fn callers_in_c_and_python_get_the_eleven_fields_of_a_3_x_card() {
    let mut counter = Counter::open(2);
    let card = counter.card("person.card", text("ssc-3.0"), &third_generation());
    let psam = counter.card("psam.card", text("psam"), &PSAM);
    counter.insert(0, &psam);
    counter.insert(1, &card);
    let historical = historical(&card);
    let expected = format!(
        "513300|111111198101011110|A12345674|513300D156000005000000010A0B0C0D|扎西·次仁旺姆格桑德吉多吉卓玛|{historical}|3.00|20260105|20360104|513300000001|D-01|"
    );
    let device = [("SSCARD_DEVICE", "D-01")];
    assert_eq!(counter.c(&["3"], &device), [(0, expected.clone())]);
    assert_eq!(counter.python(&["1"], &device), [(0, expected.clone())]);
    let all = counter.c(&["3", "8"], &device);
    assert_eq!(all, vec![(0, expected.clone()); 8], "threads wait for each other");
    let named = [("SSCARD_DEVICE", "D-01"), ("SSCARD_READER", "1"), ("SSCARD_PSAM", "0")];
    assert_eq!(counter.c(&["1"], &named), [(0, expected)]);
}

#[test]
fn every_type_of_card_is_read_by_its_own_profile_and_its_own_psam() {
    for (profile, version, psam, is_long) in [
        ("ssc-1.0", "1.00", None, false),
        ("ssc-2.0", "2.00", None, true),
        ("ssc-3.0", "3.00", Some("psam"), true),
        ("ssc-3.0-sm4", "3.00", Some("psam-sx3"), true),
    ] {
        let mut counter = Counter::open(2);
        let mut values: Vec<_> = PERSON.into_iter().chain([("SSSE.EF05.spec_version", version)]).collect();
        values.retain(|(place, _)| is_long || !place.ends_with("name_extension"));
        let card = counter.card("person.card", text(profile), &values);
        counter.insert(0, &card);
        if let Some(psam) = psam {
            let psam = counter.card("psam.card", text(psam), &PSAM);
            counter.insert(1, &psam);
        }
        let [(code, text)] = counter.c(&["3"], &[]).try_into().expect("one call");
        assert_eq!(code, 0, "{profile}: {text}");
        let terminal = if psam.is_some() { "513300000001" } else { "000000000000" };
        let name =
            if is_long { "扎西·次仁旺姆格桑德吉多吉卓玛" } else { "扎西·次仁旺姆格桑德吉" };
        assert!(text.contains(&format!("|{name}|")), "{profile}: {text}");
        assert!(text.ends_with(&format!("|{version}|20260105|20360104|{terminal}||")), "{profile}: {text}");
    }
}

#[test]
fn an_sm4_card_with_a_3des_psam_sends_the_caller_to_the_hsm() {
    let mut counter = Counter::open(2);
    let card = counter.card("person.card", text("ssc-3.0-sm4"), &third_generation());
    let psam = counter.card("psam.card", text("psam"), &PSAM);
    counter.insert(0, &card);
    counter.insert(1, &psam);
    assert_eq!(counter.c(&["3"], &[]).first().map(|(code, _)| *code), Some(-2202));
}

#[test]
fn what_is_missing_has_its_published_code_and_a_message() {
    let mut counter = Counter::open(2);
    let code = |counter: &Counter, kind: &str, variables: &[(&str, &str)]| {
        let [(code, text)] = counter.c(&[kind], variables).try_into().expect("one call");
        assert!(!text.is_empty(), "{code} without a message");
        code
    };
    let nowhere = counter.folder.path().join("nowhere").display().to_string();
    assert_eq!(code(&counter, "3", &[("PCSCLITE_CSOCK_NAME", &nowhere)]), -12, "no daemon");
    assert_eq!(code(&counter, "3", &[]), -2, "no card");
    assert_eq!(code(&counter, "5", &[]), -14, "no such iType");
    assert_eq!(code(&counter, "3", &[("SSCARD_READER", "no such reader")]), -11);
    assert_eq!(code(&counter, "3", &[("SSCARD_OUT_BYTES", "0")]), -14);

    let card = counter.card("person.card", text("ssc-3.0"), &third_generation());
    counter.insert(0, &card);
    assert_eq!(code(&counter, "3", &[]), -2201, "no PSAM");
    assert_eq!(code(&counter, "2", &[]), -2, "no contactless reader");

    let blank = counter.card("blank-psam.card", text("psam"), &[]);
    counter.insert(1, &blank);
    assert_eq!(code(&counter, "3", &[]), -2203, "a PSAM without keys");
    assert_eq!(code(&counter, "3", &[("SSCARD_READER", "1")]), -1, "a PSAM is no user card");

    counter.farm.eject(1).expect("pulled");
    let second = counter.card("second.card", text("ssc-3.0"), &third_generation());
    counter.insert(1, &second);
    assert_eq!(code(&counter, "3", &[]), -11, "two cards and none named");

    counter.farm.eject(1).expect("pulled");
    let other = text("ssc-3.0").replacen("7378312E73682EC9E7BBE1B1A3D5CF", "315041592E5359532E4444463031", 1);
    let other = counter.card("bank.card", &other, &[]);
    counter.insert(1, &other);
    assert_eq!(code(&counter, "3", &[("SSCARD_READER", "1")]), -1, "another application's card");
}

fn historical(image: &Path) -> String {
    let (identity, _) = card_sim::image::inspect(image).expect("an image");
    // TS, T0 and two interface bytes come before the historical bytes.
    identity.atr.chars().skip(8).collect()
}
