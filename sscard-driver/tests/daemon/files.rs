//! Files are read and written by the addresses of the interface, with a PSAM or by the steps of an HSM.
//!
//! Source: file addresses, outputs and steps of the published interface; error table for the codes.

use crate::counter::{Counter, PERSON, PSAM, text, third_generation};

const CARD: &str = "513300D156000005000000010A0B0C0D|A12345674|";

fn with_psam(profile: &str, psam: &str) -> Counter {
    let mut counter = Counter::open(2);
    let card = counter.card("person.card", text(profile), &third_generation());
    let psam = counter.card("psam.card", text(psam), &PSAM);
    counter.insert(0, &card);
    counter.insert(1, &psam);
    counter
}

fn codes(answers: &[(i64, String)]) -> Vec<i64> {
    answers.iter().map(|(code, _)| *code).collect()
}

#[test]
fn items_are_read_and_written_by_their_addresses_and_the_card_must_be_the_one_meant() {
    for (profile, psam) in [("ssc-3.0", "psam"), ("ssc-3.0-sm4", "psam-sx3")] {
        let counter = with_psam(profile, psam);
        let call = |line: &str| {
            let [answer] = counter.session(&[line], &[]).try_into().expect("one call");
            answer
        };
        let read = |address: &str| call(&format!("iReadCard\t#3\t#2\t{CARD}\t{address}"));
        assert_eq!(
            read("SSSEEF05|06|07|$SSSEEF06|08|09|$"),
            (0, "20360104|A12345674|$111111198101011110|扎西·次仁旺姆格桑德吉|$".to_owned()),
            "{profile}"
        );
        let write = |address: &str, data: &str| call(&format!("iWriteCard\t#3\t{CARD}\t{address}\t{data}"));
        assert_eq!(write("DF01EF05|20|21|$", "DF01EF05|10|成都市锦江区|$"), (0, String::new()), "{profile}");
        assert_eq!(read("DF01EF05|20|21|$").1, "10|成都市锦江区|$");
        // An amount is yuan, a record of a cyclic file is joined.
        assert_eq!(
            write("DF02EF07:01$", "DF02EF07|20240101^1^张三药店^1^01^20250101^0$").0,
            -23,
            "another number of fields"
        );
        assert_eq!(write("DF01EF05|20|$", "DF01EF05|100|$").0, -42, "too long for its item");
        assert_eq!(write("DF01EF05|20|$", "DF01EF06|10|$").0, -14, "data of another file");
        assert_eq!(read("DF01EFFF|20|$").0, -25, "no such file");
        assert_eq!(read("DF01EF05|7F|$").0, -25, "no such item");
        let other = format!("iReadCard\t#3\t#2\t{}\tSSSEEF05|07|$", CARD.replace("A1234", "B1234"));
        assert_eq!(call(&other).0, -22, "another card than the one meant");
        assert_eq!(call("iReadCard\t#3\t#0\t-\tSSSEEF05|07|$"), (0, "A12345674|$".to_owned()), "nobody meant");
        assert_eq!(call(&format!("iReadCard\t#3\t#0\t{CARD}\tSSSEEF06|09|$")).0, -0x6982, "no proof, closed file");
    }
}

#[test]
fn a_file_of_a_city_s_own_is_read_where_the_settings_name_its_text() {
    let town = "format = 2\nextends = \"ssc-3.0\"\nname = \"ssc-3.0-town\"\n\n[[df]]\nid = \"SSSE\"\n\n  [[df.ef]]\n  id = \"EF0E\"\n  name = \"市民服务\"\n  \
        fid = \"EF0E\"\n  kind = \"tlv-records\"\n  size = 4\n  records = 1\n  read = \"free\"\n  update = \"UKSSSE\"\n  \
        elements = [{ tag = 0xE1, id = \"level\", name = \"等级\", format = \"an(2)\", value = \"A3\" }]\n";
    let mut counter = Counter::open(2);
    let card = counter.card("town.card", town, &third_generation());
    counter.insert(0, &card);
    let settings = card.with_file_name("driver.toml");
    let say = |rows: &str| std::fs::write(&settings, rows).expect("written");
    std::fs::write(card.with_file_name("town.toml"), town).expect("written");
    let path = settings.display().to_string();
    let read = || {
        let set = [("SSCARD_DRIVER_CONFIG", path.as_str())];
        let [answer] = counter.session(&["iReadCard\t#3\t#0\t-\tSSSEEF0E|E1|$"], &set).try_into().expect("one call");
        answer
    };
    say("");
    assert_eq!(read().0, -25);
    say("[regions]\n5133 = \"town.toml\"\n");
    assert_eq!(read(), (0, "A3|$".to_owned()));
    say("[regions]\ntown = \"town.toml\"\n");
    assert_eq!(read().0, -14);
    say("[regions]\n5133 = \"town.toml\"\n");
    std::fs::write(card.with_file_name("town.toml"), town.replace("size = 4", "size = 9")).expect("written");
    let (code, said) = read();
    assert!(code == -14 && said.contains("SSSE.EF0E"), "{code} {said}");
}

#[test]
fn an_hsm_far_away_reads_and_writes_in_two_steps_without_a_psam() {
    for profile in ["ssc-3.0", "ssc-3.0-sm4"] {
        let mut counter = Counter::open(2);
        let card = counter.card("person.card", text(profile), &third_generation());
        counter.insert(0, &card);
        let keys = counter.hsm_keys(text(profile));
        let set = [("SSCARD_HSM_KEYS", keys.as_str()), ("SSCARD_DEVICE", "D-01")];
        let answers = counter.session(
            &[
                "iReadCardBas\t#3",
                "iReadCardBas_HSM_Step1\t#3",
                "iReadCardBas_HSM_Step1To2\t{out}",
                "iReadCardBas_HSM_Step2\t{out}",
                &format!("iReadCard_HSM_Step1\t#3\t{CARD}\tSSSEEF06|08|$"),
                "iReadCard_HSM_Step1To2\t{out}",
                "iReadCard_HSM_Step2\t{out}",
                &format!("iWriteCard_HSM_Step1\t#3\t{CARD}\tSSSEEF05|07|$"),
                "iWriteCard_HSM_Step1To2\t{out}",
                "iWriteCard_HSM_Step2\t{out}\tSSSEEF05|B98765432|$",
                "iReadCard\t#3\t#0\t-\tSSSEEF05|07|$",
                "iReadCard_HSM_Step1\t#3\t-\tSSSEEF05|07|$",
                "iReadCard_HSM_Step2\t-",
            ],
            &set,
        );
        assert_eq!(codes(&answers), [-2201, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, -2204, 0], "{profile}: {answers:?}");
        let text = |at: usize| answers.get(at).map_or("", |(_, text)| text.as_str());
        assert_eq!(text(1).split('|').count(), 10, "nine fields: {}", text(1));
        let algorithm = if profile.ends_with("sm4") { "03" } else { "01" };
        assert_eq!(text(1).split('|').nth(2), Some(algorithm));
        assert!(text(3).starts_with("513300|111111198101011110|A12345674|"), "{}", text(3));
        assert!(text(4).starts_with(&format!("{algorithm}|004C|")), "{}", text(4));
        assert!(text(7).starts_with(&format!("{algorithm}|0094|")), "{}", text(7));
        assert_eq!((text(6), text(10), text(12)), ("111111198101011110|$", "B98765432|$", "B98765432|$"));
    }
}

#[test]
fn a_step_is_good_once_for_its_own_function_and_a_wrong_answer_proves_nothing() {
    let mut counter = Counter::open(2);
    let card = counter.card("person.card", text("ssc-3.0"), &third_generation());
    counter.insert(0, &card);
    let wrong = "00112233445566778899AABBCCDDEEFF";
    let answers = counter.session(
        &[
            "iReadCardBas_HSM_Step2\tno step before",
            "iReadCardBas_HSM_Step1\t#3",
            "iReadCard_HSM_Step2\tof another function",
            "iReadCardBas_HSM_Step1\t#3",
            &format!("iReadCardBas_HSM_Step2\t{wrong}|{wrong}|"),
            "iReadCard_HSM_Step1\t#3\t-\tSSSEEF06|08|$",
            &format!("iReadCard_HSM_Step2\t{wrong}|"),
            &format!("iReadCard_HSM_Step2\t{wrong}|"),
        ],
        &[],
    );
    let [before, _, other, _, not_genuine, _, refused, gone] = codes(&answers).try_into().expect("eight calls");
    assert_eq!((before, other, not_genuine), (-27_013, -27_013, -21), "{answers:?}");
    assert!((-25_538..=-25_536).contains(&refused), "63Cx: {refused}");
    assert_eq!(gone, -27_013);
}

#[test]
fn vendor_functions_tell_cards_readers_and_what_is_not_there() {
    let counter = with_psam("ssc-3.0", "psam");
    let device = [("SSCARD_DEVICE", "D-01")];
    let answers = counter.session(
        &[
            "iGetCardType\t#3",
            "iCheckCard\t#3",
            "iGetReaderInfo\t{extra}",
            "iReadICCardNum\t#3",
            "iReadIdentityCard\t#3",
            "iCheckCard\t#2",
        ],
        &device,
    );
    assert_eq!(codes(&answers), [0, 0, 0, -27_266, -13, -2], "{answers:?}");
    let texts: Vec<&str> = answers.iter().take(3).map(|(_, text)| text.as_str()).collect();
    // The caller's first buffer is the one it made last.
    assert_eq!(texts, ["3.00|01|1|", "3|", "D-01&513300000001"]);
    let mut counter = Counter::open(2);
    let values: Vec<_> = PERSON.into_iter().chain([("SSSE.EF05.spec_version", "2.00")]).collect();
    let card = counter.card("second.card", text("ssc-2.0"), &values);
    counter.insert(0, &card);
    let [(code, text)] = counter.session(&["iGetCardType\t#1"], &[]).try_into().expect("one call");
    assert_eq!((code, text.as_str()), (0, "2.00|01|1|"));
}
