//! What a PSAM of a shop cannot do, and what becomes of a card whose name somebody rewrote with a PSAM that can.
//!
//! Source: docs/adr/0092; rows of `issuer-service/src/psam/keys.rs`.

use settlement::journal::State;

use crate::counter::{Counter, PSAM, text, third_generation};
use crate::money::{CARD, Shop, pay};

/// The PSAM of a pharmacy: the built-in text without the keys that write.
fn of_a_pharmacy() -> String {
    let writes = ["PUK", "STK", "UK", "LK"].map(|class| format!("class = \"{class}\""));
    let rows = text("psam").lines().filter(|line| !writes.iter().any(|class| line.contains(class)));
    rows.collect::<Vec<_>>().join("\n")
}

#[test]
fn a_pharmacys_psam_reads_and_names_the_key_that_it_lacks_for_a_new_pin_or_another_name() {
    let mut counter = Counter::open(2);
    let card = counter.card("person.card", text("ssc-3.0"), &third_generation());
    let psam = counter.card("psam.card", &of_a_pharmacy(), &PSAM);
    counter.insert(0, &card);
    counter.insert(1, &psam);
    let entry = counter.pin_entry("echo 864213");
    let calls = [
        "iReadCardBas\t#3",
        "iReloadPIN\t#3\t-",
        "iUnblockPIN\t#3\t-",
        "iWriteCard\t#3\t-\tSSSEEF05|06|$\tSSSEEF05|20410104|$",
        "iPKBVerifyPIN\t#3\t123456",
        "iReadCard\t#3\t#0\t-\tSSSEEF05|06|$",
    ];
    let answers = counter.session(&calls, &[("SSCARD_PIN_ENTRY", &entry), ("SSCARD_LANG", "en")]);
    let codes: Vec<i64> = answers.iter().map(|(code, _)| *code).collect();
    assert_eq!(codes, [0, -2203, -2203, -2203, 0, 0], "{answers:?}");
    let said = |at: usize| answers.get(at).map_or("", |(_, text)| text.as_str());
    for (at, key) in [(1, "PUK"), (2, "PUK"), (3, "UKSSSE")] {
        assert!(said(at).starts_with(&format!("the PSAM has no key {key}")), "{}", said(at));
    }
    assert_eq!(said(5), "20360104|$", "nothing was written");
}

#[test]
fn a_card_whose_identifier_was_rewritten_is_not_debited_by_the_till_that_knows_its_chip() {
    let shop = Shop::open(true);
    let other = "513300D156000005000000990A0B0C0D";
    let renamed = pay("0.1|0.3").replace("513300D156000005000000010A0B0C0D", other);
    let written = format!("iWriteCard\t#3\t{CARD}\tSSSEEF05|01|$\tSSSEEF05|{other}|$");
    let back = written
        .replacen(CARD, &CARD.replace("00000001", "00000099"), 1)
        .replace(&format!("SSSEEF05|{other}"), "SSSEEF05|513300D156000005000000010A0B0C0D");
    let answers = shop.calls(&[&pay("0.1|0.2"), &written, &renamed, &back, &pay("0.1|0.3")]);
    let codes: Vec<i64> = answers.iter().map(|(code, _)| *code).collect();
    assert_eq!(codes, [0, 0, -3002, 0, 0], "{answers:?}");
    let said = answers.get(2).map_or("", |(_, text)| text.as_str());
    assert!(said.contains("卡识别码被改写过"), "{said}");
    assert_eq!(shop.states(), [State::Confirmed; 2], "the renamed card paid nothing");
}
