//! What a reset forgets and keeps, and what happens where a counter, a balance or a file is full.

use card_core::Session;
use card_core::transport::Transport;
use card_profiles::Profile;
use card_sim::ModelError;

use super::account::{self, TERMINAL, debit_command, init, load};
use super::rig::{Rig, SERIAL, TRANSPORT, keyed};
use super::{purse, tear_commands, tear_purse};

const THEN: &str = "20260102030405";

type Reset = (&'static str, fn(&Rig));

/// Both ways in which a reader resets a card.
const RESETS: [Reset; 2] = [
    ("warm", |rig| rig.socket.connect().expect("power").reset().expect("a warm reset")),
    ("cold", |rig| {
        rig.socket.card().power_off();
        rig.socket.connect().expect("power");
    }),
];

#[test]
fn a_reset_forgets_pin_rights_challenge_selection_and_answers_and_keeps_every_counter() {
    for (kind, reset) in RESETS {
        let mut rig = keyed("ssc-3.0");
        rig.select("SSSE");
        assert_eq!(rig.raw("0020000003999999"), "63C2");
        assert!(rig.authenticate("RKSSSE").sw.is_ok());
        rig.raw("0084000008");
        assert_eq!(rig.raw("0082000410 0000000000000000 0102030405060708"), "63C2");
        rig.select("DF04");
        rig.raw("00A4000002EF08");
        let before = rig.socket.card().inspect();
        let memory = tear_commands::state(&rig);
        rig.raw("0084000008");
        reset(&rig);
        assert_eq!(rig.socket.card().inspect(), before, "{kind}: counters and contents stay");
        assert!(tear_commands::state(&rig) == memory, "{kind}: every byte stays");
        for (command, sw) in [
            ("00B201041C", "6986"),
            ("00B201441C", "6A82"),
            ("00A4000002DF04", "6A82"),
            ("00C0000008", "6985"),
            ("0082000410 0000000000000000 0102030405060708", "6A88"),
            ("0020000003123456", "6A88"),
            ("B026000104", "6985"),
        ] {
            assert_eq!(rig.sw(command), sw, "{kind}: {command}");
        }
        assert_eq!(rig.sw("00A4000002DDF1"), "611E");
        assert_eq!(rig.sw("0082000410 0000000000000000 0102030405060708"), "6984", "{kind}: the challenge is gone");
        assert_eq!(rig.sw("00B2013414"), "6982", "{kind}: RKSSSE is not proved any more");
        rig.select("DF04");
        assert_eq!(rig.sw("00B201441C"), "6982", "{kind}: nor is the PIN verified");
        assert_eq!(rig.socket.card().inspect().keys["SSSE.UKSSSE"].tries_left, 2);
        assert_eq!(rig.raw("0020000003999999"), "63C1", "{kind}: a try spent before counts");
    }
}

#[test]
fn a_verified_pin_does_not_outlive_a_reset_of_either_kind() {
    for (kind, reset) in RESETS {
        let mut rig = keyed("ssc-3.0");
        rig.select("DF04");
        rig.verify_pin();
        assert_eq!(rig.sw("00B201441C"), "6A83", "open, and empty");
        reset(&rig);
        rig.session = Session::new(Box::new(rig.socket.connect().expect("power")));
        rig.select("DF04");
        assert_eq!(rig.sw("00B201441C"), "6982", "{kind}");
    }
}

#[test]
fn a_transaction_and_a_derived_key_do_not_outlive_a_reset_of_either_kind() {
    for (kind, reset) in RESETS {
        let mut card = account::card();
        load(&mut card, 1000);
        card.verify_pin();
        let amounts = "000000010000000000000000";
        let start = init(&mut card, amounts);
        let debit = debit_command(&mut card, &start, amounts, "00000001", THEN);
        reset(&card);
        card.sw("00A4000002DDF1");
        card.sw("00A4000002DF04");
        assert_eq!(card.raw(&debit), "6901", "{kind}");

        let mut composite = purse::card();
        purse::load(&mut composite, 2, 1000);
        let begin = format!("805003020B0100000001{}", purse::TERMINAL);
        let start = composite.fetch(&begin);
        assert_eq!(composite.raw(&format!("80DCAAC82BAA29{}", "5A".repeat(41))), "9000");
        reset(&composite);
        composite.sw("00A4040009A00000000386980701");
        assert_eq!(composite.raw(&purse::debit_command(&start, 9, 1, 1)), "6901", "{kind}");
        assert_eq!(composite.raw("00B201CC00"), format!("AA29{}9000", "00".repeat(41)), "{kind}: the cache is gone");

        let mut psam = keyed("psam");
        psam.select("DF01");
        assert_eq!(psam.raw(&format!("801A481210{}", "1122334455667788".repeat(2))), "9000");
        assert_eq!(psam.raw("80FA0000080102030405060708"), "6108");
        psam.sw(&format!("807001002C{}01{}", "00".repeat(26), "00".repeat(17)));
        let used = psam.socket.card().inspect().terminal_sequence;
        reset(&psam);
        psam.sw("00A4000002DF01");
        assert_eq!(psam.raw("80FA0000080102030405060708"), "6985", "{kind}: the derived key is gone");
        assert_eq!(psam.raw("807200000400000000"), "6901", "{kind}: so is the purchase");
        assert_eq!((used, psam.socket.card().inspect().terminal_sequence), (Some(1), Some(1)), "{kind}");
    }
}

#[test]
fn a_full_account_takes_no_more_and_stays_as_it_was() {
    let mut rig = account::card();
    load(&mut rig, u32::MAX);
    let before = tear_commands::state(&rig);
    assert_eq!(rig.sw(&format!("B02800010B0100000001{TERMINAL}")), "6985", "one fen more than fits");
    assert!(tear_commands::state(&rig) == before);
    assert!(load(&mut rig, 0).ends_with("9000"), "nothing more fits too");

    // Totals of a year: the card sees that they overflow when the date is known, at DEBIT.
    rig.verify_pin();
    let most = "00000000FFFFFFFFFFFFFFFF";
    let start = init(&mut rig, most);
    let debit = debit_command(&mut rig, &start, most, "00000001", THEN);
    assert!(rig.fetch(&debit).ends_with("9000"));
    for (amounts, then, sw) in [
        ("000000000000000100000000", THEN, "6985"),
        ("000000000000000000000001", THEN, "6985"),
        ("000000010000000000000000", THEN, "9000"),
        ("00000000FFFFFFFF00000001", "20270102030405", "9000"),
    ] {
        let start = init(&mut rig, amounts);
        assert!(start.ends_with("9000"), "{start}");
        let debit = debit_command(&mut rig, &start, amounts, "00000002", then);
        let before = tear_commands::state(&rig);
        let answer = rig.fetch(&debit);
        assert!(answer.ends_with(sw), "{amounts} {then}: {answer}");
        assert_eq!(tear_commands::state(&rig) == before, sw == "6985", "{amounts}");
    }
    assert_eq!(rig.sw(&format!("B02801011301FFFFFFFF0000000000000000{TERMINAL}")), "9401", "more than there is");
}

#[test]
fn a_full_purse_takes_no_more_and_stays_as_it_was() {
    for p2 in [1, 2_u8] {
        let mut rig = purse::card();
        assert!(purse::load(&mut rig, p2, u32::MAX).ends_with("9000"));
        let before = tear_commands::state(&rig);
        assert_eq!(rig.sw(&format!("805000{p2:02X}0B0100000001{}", purse::TERMINAL)), "6985");
        assert!(tear_commands::state(&rig) == before);
    }
    let mut rig = purse::card();
    purse::load(&mut rig, 1, u32::MAX);
    let start = rig.fetch(&format!("805004010701{}", purse::TERMINAL));
    let mac2 = purse::online_mac("DUK", &start, 11, &format!("00000107{}{}", purse::TERMINAL, purse::THEN));
    let before = tear_commands::state(&rig);
    assert_eq!(rig.raw(&format!("805800000E000001{}{mac2}", purse::THEN)), "6985", "a limit is part of the balance");
    assert!(tear_commands::state(&rig) == before);
}

#[test]
fn an_aged_card_has_so_many_transactions_left_and_no_more() {
    let mut rig = account::card();
    rig.socket.card().age(2).expect("memory of this process");
    assert!(load(&mut rig, 10).ends_with("9000") && load(&mut rig, 10).ends_with("9000"));
    let before = tear_commands::state(&rig);
    assert_eq!(rig.sw(&format!("B02800010B0100000000{TERMINAL}")), "9402", "loads");
    assert!(tear_commands::state(&rig) == before);
    rig.verify_pin();
    assert!(init(&mut rig, "000000010000000000000000").ends_with("9000"), "purchases have numbers of their own");
    let mut rig = purse::card();
    rig.socket.card().age(1).expect("memory of this process");
    for p2 in [1, 2] {
        assert!(purse::load(&mut rig, p2, 10).ends_with("9000"));
        assert_eq!(rig.sw(&format!("805000{p2:02X}0B0100000000{}", purse::TERMINAL)), "9402");
    }
    let mut psam = keyed("psam");
    psam.select("DF01");
    psam.socket.card().age(1).expect("memory of this process");
    let purchase = format!("807001002C{}0100{}", "00".repeat(26), "00".repeat(16));
    assert!(psam.fetch(&purchase).starts_with("FFFFFFFF"));
    assert_eq!(psam.sw(&purchase), "9402");
    // Without power, and on an image: what is written stays.
    rig.socket.card().power_off();
    rig.socket.card().age(0).expect("memory of this process");
    assert_eq!(rig.socket.card().inspect().purse.expect("a purse").deposit_sequences, (u16::MAX, u16::MAX));
    // No number goes back: those of an older card stay.
    rig.socket.card().age(100).expect("memory of this process");
    assert_eq!(rig.socket.card().inspect().purse.expect("a purse").deposit_sequences, (u16::MAX, u16::MAX));
    psam.socket.card().age(100).expect("memory of this process");
    assert_eq!(psam.socket.card().inspect().terminal_sequence, Some(u32::MAX));
}

#[test]
fn a_cyclic_file_turns_round_for_ever_and_keeps_as_many_as_it_has() {
    let mut rig = keyed("ssc-3.0");
    rig.select("DF02");
    rig.verify_pin();
    assert!(rig.authenticate("UK6DF02").sw.is_ok());
    assert_eq!(rig.sw("00B201B412"), "6A83", "empty");
    // More turns than a counter of one byte holds.
    for number in 1..=600_u16 {
        let record = format!("{number:04X}{}", "30".repeat(16));
        let command = if number % 2 == 0 { format!("00E200B012{record}") } else { format!("00DC00B312{record}") };
        assert_eq!(rig.raw(&command), "9000", "{number}");
        let kept = number.min(4);
        for back in 0..kept {
            let answer = rig.raw(&format!("00B2{:02X}B412", back + 1));
            assert_eq!(answer[..4], format!("{:04X}", number - back), "after {number}, {back} back");
        }
        assert_eq!(rig.raw(&format!("00B2{:02X}B412", kept + 1)), "6A83");
    }
    assert_eq!(rig.raw("00B200B412"), "6A83");
    assert_eq!(rig.raw("00B2FFB412"), "6A83");
}

#[test]
fn a_card_is_as_large_as_its_chip_and_no_larger() {
    let text = card_profiles::flatten(card_profiles::builtin_text("ssc-3.0").expect("built in")).expect("flat");
    let made = |capacity: u32| {
        let text = text.replacen("capacity = 32768", &format!("capacity = {capacity}"), 1);
        let profile = Profile::parse(&text).expect("a profile");
        assert_eq!(profile.capacity, capacity);
        card_sim::Card::factory(&profile, SERIAL, &card_core::key::Key16::new(TRANSPORT)).map(|_| ())
    };
    let Err(ModelError::Capacity { needed, capacity: 1 }) = made(1) else { panic!("a chip of one byte") };
    let exact = u32::try_from(needed).expect("small");
    assert_eq!(made(exact), Ok(()));
    assert_eq!(made(exact - 1), Err(ModelError::Capacity { needed, capacity: exact - 1 }));
}

#[test]
fn a_cached_record_of_a_file_under_mac_needs_its_mac_and_goes_with_the_debit() {
    let record = format!("AA29{}", "5A".repeat(41));
    let begin = format!("805003020B0100000001{}", purse::TERMINAL);
    let begun = || {
        let mut rig = tear_purse::composite_under_mac();
        purse::load(&mut rig, 2, 1000);
        let start = rig.fetch(&begin);
        assert!(start.ends_with("9000"), "{start}");
        (rig, start)
    };
    let signed = tear_purse::signed("DAMK", &format!("80DCAAC82F{record}"));
    let (mut rig, start) = begun();
    assert_eq!(rig.raw(&format!("80DCAAC82B{record}")), "6987", "without a MAC");
    assert_eq!(rig.raw(&signed), "6984", "without a challenge");
    rig = tear_commands::challenged(rig, 4);
    assert_eq!(rig.raw(&signed), "9000");
    assert_eq!(rig.raw("00B201CC00"), format!("AA29{}9000", "00".repeat(41)), "not before the debit");
    assert!(rig.fetch(&purse::debit_command(&start, 9, 1, 1)).ends_with("9000"));
    assert_eq!(rig.raw("00B201CC00"), format!("{record}9000"));

    let (rig, start) = begun();
    let mut rig = tear_commands::challenged(rig, 4);
    assert_eq!(rig.raw(&format!("{}00000000", &signed[..signed.len() - 8])), "9302");
    assert_eq!(rig.socket.card().inspect().keys["ADF1.DAMK"].tries_left, 2);
    assert_eq!(rig.raw(&purse::debit_command(&start, 9, 1, 1)), "6901", "a wrong MAC ends the transaction");
    assert_eq!(rig.socket.card().inspect().purse.expect("a purse").purse, 1000);
}

#[test]
fn a_cached_record_that_must_be_enciphered_goes_with_the_debit_and_in_no_other_form() {
    let record = format!("AA29{}", "5A".repeat(41));
    let begin = format!("805003020B0100000001{}", purse::TERMINAL);
    let mut rig = tear_purse::composite_enciphered();
    purse::load(&mut rig, 2, 1000);
    let start = rig.fetch(&begin);
    assert_eq!(rig.raw(&format!("80DCAAC82B{record}")), "6987", "plain, without a MAC");
    let plain = tear_purse::signed("DAMK", &format!("80DCAAC82F{record}"));
    rig = tear_commands::challenged(rig, 4);
    assert_eq!(rig.raw(&plain), "6700", "plain, with its MAC");
    // Length byte, record of 43 bytes, padding: 48 bytes; with a MAC of 4 that is Lc 34.
    let right = tear_purse::enciphered_cache(&record);
    assert!(right.starts_with("80DCAAC834") && !right.contains("5A5A5A5A"), "{right}");
    // The same bytes under another length byte, and with other padding, each with its right MAC.
    let blocks = |plain: &str| {
        let key = card_core::key::Key16::new(purse::key("DAMK").expose().try_into().expect("16 bytes"));
        let data = card_core::crypto::tdes_encrypt(&key, &purse::bytes(plain));
        tear_purse::signed("DAMK", &format!("80DCAAC834{}", hex::encode_upper(data)))
    };
    assert_eq!(blocks(&format!("2B{record}80000000")), right, "as the manual pads");
    for wrong in [format!("2A{record}80000000"), format!("2B{record}00000000"), format!("2B{record}80000001")] {
        rig = tear_commands::challenged(rig, 4);
        assert_eq!(rig.raw(&blocks(&wrong)), "6988", "{wrong}");
    }
    rig = tear_commands::challenged(rig, 4);
    assert_eq!(rig.raw(&right), "9000");
    assert_eq!(rig.raw("00B201CC00"), format!("AA29{}9000", "00".repeat(41)), "not before the debit");
    assert!(rig.fetch(&purse::debit_command(&start, 9, 1, 1)).ends_with("9000"));
    assert_eq!(rig.raw("00B201CC00"), format!("{record}9000"));

    rig.fetch(&begin);
    rig = tear_commands::challenged(rig, 4);
    assert_eq!(rig.raw(&format!("{}00000000", &right[..right.len() - 8])), "9302");
    assert_eq!(rig.socket.card().inspect().keys["ADF1.DAMK"].tries_left, 2);
}

/// A day, a time of day, and whether the card takes them.
const MOMENTS: [(&str, bool); 10] = [
    ("20250102235959", true),
    ("20240229000000", true),
    ("20250102240000", false),
    ("20250102236000", false),
    ("20250102235960", false),
    ("20250102 0A0000", false),
    ("202501020000FF", false),
    ("20250229120000", false),
    ("20251301120000", false),
    ("2025010A120000", false),
];

#[test]
fn a_transaction_of_a_purse_at_no_day_or_time_is_refused_where_the_profile_says_so() {
    use super::purse::{PIN, TERMINAL, card, card_with, load, online_mac};
    for strict in [true, false] {
        for (moment, is_moment) in MOMENTS {
            let moment = moment.replace(' ', "");
            let mut rig = if strict { card() } else { card_with("debit_date = \"checked\"", "debit_date = \"any\"") };
            load(&mut rig, 1, 1000);
            let sw = if is_moment || !strict { "9000" } else { "6A80" };
            let before = rig.raw("805C000104");
            assert_eq!(rig.raw(PIN), "9000");
            let start = rig.fetch(&format!("805000010B0100000001{TERMINAL}"));
            let mac = online_mac("DLK", &start, 8, &format!("0000000101{TERMINAL}{moment}"));
            assert!(rig.fetch(&format!("805200000B{moment}{mac}")).ends_with(sw), "CREDIT {moment}");
            let start = rig.fetch(&format!("805005010B0100000001{TERMINAL}"));
            let mac = online_mac("DULK", &start, 8, &format!("0000000103{TERMINAL}{moment}"));
            assert!(rig.fetch(&format!("805403000B{moment}{mac}")).ends_with(sw), "UNLOAD {moment}");
            let start = rig.fetch(&format!("805004010701{TERMINAL}"));
            let mac = online_mac("DUK", &start, 11, &format!("00000007{TERMINAL}{moment}"));
            assert!(rig.fetch(&format!("805800000E000000{moment}{mac}")).ends_with(sw), "LIMIT {moment}");
            for (init, kind) in [("80500101", 5), ("80500201", 4)] {
                let start = rig.fetch(&format!("{init}0B0100000000{TERMINAL}"));
                let command = super::purse::debit_command_at(&start, kind, 0, 1, &moment);
                assert!(rig.fetch(&command).ends_with(sw), "DEBIT {init} {moment}");
                assert_eq!(rig.raw(&command), "6901", "the transaction is over: {moment}");
            }
            assert_eq!(rig.raw("805C000104"), before, "{moment}");
        }
    }
}
