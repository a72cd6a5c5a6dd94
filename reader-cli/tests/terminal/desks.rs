//! Which of several readers is taken, when it is waited for, and what is remembered of cards and PSAMs.

use std::path::PathBuf;

use card_profiles::{builtin, builtin_text};
use serde_json::json;
use settlement::fen::Fen;

use crate::actor::Actor;
use crate::cards;
use crate::shop::{CARD, PSAM, Shop, blank_image, blank_psam_of_both, image_of, ran, user_image};

/// Looks for what a running program wrote; each takes some milliseconds.
const LOOKS_MAX: u32 = 2_000;

fn identifier(serial: u8) -> String {
    format!("513300D156000005000000{serial:02X}0A0B0C0D")
}

/// A card as a contactless reader shows it: an ATR that the reader made up, and the block protocol.
fn contactless_image(shop: &Shop, serial: u8) -> PathBuf {
    let text = builtin_text("ssc-3.0").expect("built in").replace("3B6D0000", "3B8D8001");
    let path = shop.path("contactless.card");
    let card = image_of(&path, &text, cards::serial_of(serial));
    cards::make_user(&card, "ssc-3.0", 1, cards::CITY, serial);
    path
}

/// The identifier of the card that is found; or the code of the error.
fn found(shop: &Shop, arguments: &[&str]) -> String {
    let read = shop.run(&[arguments, &["card", "read"]].concat());
    match read.status {
        0 => read.json()["SSSE.EF05.card_identifier"].as_str().expect("text").to_owned(),
        _ => read.code(),
    }
}

#[test]
fn contacts_and_antenna_are_taken_in_the_order_wanted() {
    let shop = Shop::open();
    shop.farm.insert(2, &contactless_image(&shop, 2)).expect("inserted");
    let (contact, antenna, none) = (identifier(1), identifier(2), "NO_CARD".to_owned());
    let of = |interface: &str| found(&shop, &["--interface", interface]);
    let all = || ["contact", "contactless", "contact-first", "contactless-first"].map(of);
    assert_eq!(all(), [contact.clone(), antenna.clone(), contact.clone(), antenna.clone()]);
    assert_eq!(found(&shop, &[]), contact, "contacts first, where nothing is said");
    shop.farm.eject(CARD).expect("ejected");
    assert_eq!(all(), [none.clone(), antenna.clone(), antenna.clone(), antenna]);
    shop.farm.eject(2).expect("ejected");
    shop.farm.insert(CARD, &shop.path("person.card")).expect("inserted");
    assert_eq!(all(), [contact.clone(), none, contact.clone(), contact]);
    assert_eq!(shop.run(&["--interface", "air", "card", "read"]).status, 1);
}

#[test]
fn a_card_on_the_block_protocol_pays_through_the_daemon() {
    let shop = Shop::open();
    shop.farm.eject(CARD).expect("ejected");
    let path = contactless_image(&shop, 1);
    std::fs::rename(path, shop.path("person.card")).expect("in the place of the other");
    shop.farm.insert(CARD, &shop.path("person.card")).expect("inserted");
    let trace = shop.path("blocks.trace");
    let read = shop.run(&["--trace", &trace.display().to_string(), "card", "read", "--all", "--pin", "env:PIN"]);
    assert_eq!(read.status, 0, "{}", read.stderr);
    assert_eq!(read.json()["SSSE.EF06.name"], "\u{5f20}\u{4e09}");
    let trace = std::fs::read_to_string(trace).expect("a trace");
    let of_card = trace.split("@ ").find(|part| part.contains("3B8D8001")).expect("its reader");
    assert!(!of_card.contains("> 00C0"), "whole answers come at once: {of_card}");
    shop.begin();
    let paid = shop.pay(&shop.bill("B-1", &[("X1", 2, "12.50")]));
    assert_eq!((paid.status, &paid.json()["state"]), (0, &json!("CONFIRMED")), "{}", paid.stderr);
    assert_eq!(shop.balance(), 50_000 - 2_500);
}

#[test]
fn a_card_is_waited_for_in_whichever_reader_it_comes() {
    for slot in [CARD, 2] {
        let shop = Shop::open();
        shop.farm.eject(CARD).expect("ejected");
        let trace = shop.path("waiting.trace");
        let named = trace.display().to_string();
        let waiting = shop.start(&["--wait", "60", "--trace", &named, "card", "read"]);
        // The PSAM was taken for the card and told apart: now nothing is left but to wait.
        let looked = (0..LOOKS_MAX).any(|_| {
            std::thread::sleep(std::time::Duration::from_millis(5));
            std::fs::read_to_string(&trace).unwrap_or_default().contains("D15600000590")
        });
        assert!(looked, "it never looked");
        shop.farm.insert(slot, &shop.path("person.card")).expect("inserted");
        let read = ran(waiting.wait_with_output().expect("ends"));
        assert_eq!(read.status, 0, "{}", read.stderr);
        assert_eq!(read.json()["SSSE.EF05.card_identifier"].as_str(), Some(identifier(1).as_str()));
    }
}

#[test]
fn a_psam_alone_is_no_card_and_a_card_alone_is_one() {
    let shop = Shop::open();
    shop.farm.eject(CARD).expect("ejected");
    for arguments in [&["balance"][..], &["card", "read"], &["log", "--pin", "env:PIN"], &["balance"]] {
        let ran = shop.run(arguments);
        assert_eq!((ran.status, ran.code().as_str()), (4, "NO_CARD"), "{arguments:?}");
    }
    let change = shop.run(&["pin", "change", "--pin", "env:PIN", "--new-pin", "env:WRONG"]);
    assert_eq!((change.status, change.code().as_str()), (4, "NO_CARD"));
    shop.farm.eject(PSAM).expect("ejected");
    shop.farm.insert(PSAM, &shop.path("person.card")).expect("the card where the PSAM was");
    assert_eq!(shop.run(&["balance"]).status, 0);
    shop.farm.insert(CARD, &shop.path("psam.card")).expect("the PSAM where the card was");
    assert_eq!(found(&shop, &[]), identifier(1), "they are known by their answers, not by their places");
}

#[test]
fn what_is_remembered_wrongly_is_found_out_and_mended() {
    let shop = Shop::open();
    assert_eq!(found(&shop, &[]), identifier(1));
    let book = shop.path("data/psams.txt");
    let right = std::fs::read_to_string(&book).expect("a book");
    let atr_of = |name: &str| shop.inside(name).atr;
    let (card, psam) = (atr_of("person.card"), atr_of("psam.card"));
    // The holder's card as a PSAM; both as PSAMs; the card instead of the PSAM, with proofs.
    for wrong in [
        format!("{card} -\n"),
        format!("{card} -\n{psam} -\n"),
        format!("{card} 513300000007 513300:3des:1\n"),
        format!("{psam} 513300000008 513300:3des:1\n"),
    ] {
        std::fs::write(&book, &wrong).expect("written");
        let read = shop.run(&["card", "read"]);
        assert_eq!((read.status, &read.json()["SSSE.EF06.name"]), (0, &json!("张三")), "{wrong}{}", read.stderr);
        std::fs::write(&book, &wrong).expect("written");
        assert_eq!(shop.run(&["balance"]).status, 0, "{wrong}");
        std::fs::write(&book, &wrong).expect("written");
        let enrolled = shop.run(&["terminal", "show"]);
        assert!(enrolled.status == 0 || enrolled.code() == "NOT_ENROLLED", "{wrong}{}", enrolled.stderr);
        assert_eq!(found(&shop, &[]), identifier(1));
        assert_eq!(std::fs::read_to_string(&book).expect("a book"), right, "{wrong}");
    }
}

#[test]
fn what_is_remembered_wrongly_stops_no_payment_and_costs_no_proof() {
    let shop = Shop::ready();
    let book = shop.path("data/psams.txt");
    let right = std::fs::read_to_string(&book).expect("a book");
    let (card, psam) = (shop.inside("person.card").atr, shop.inside("psam.card").atr);
    for (number, wrong) in
        [format!("{card} -\n"), format!("{card} -\n{right}"), format!("{right}{card} -\n")].iter().enumerate()
    {
        std::fs::write(&book, wrong).expect("written");
        let paid = shop.pay(&shop.bill(&format!("B-{number}"), &[("X1", 1, "1.00")]));
        assert_eq!(paid.status, 0, "{wrong}{}", paid.stderr);
        let mended = std::fs::read_to_string(&book).expect("a book");
        assert!(
            mended.starts_with(&psam) && mended.ends_with(" 513300:3des:1\n") && !mended.contains(&card),
            "{mended}"
        );
    }
    // A card for which there is no PSAM changes nothing that is remembered of the one that is there.
    let sm4 = image_of(&shop.path("sm4.card"), builtin_text("ssc-3.0-sm4").expect("built in"), cards::serial_of(8));
    cards::make_user(&sm4, "ssc-3.0-sm4", 1, cards::CITY, 8);
    drop(sm4);
    shop.farm.eject(CARD).expect("ejected");
    shop.farm.insert(CARD, &shop.path("sm4.card")).expect("inserted");
    let before = std::fs::read_to_string(&book).expect("a book");
    assert_eq!(shop.run(&["card", "read"]).code(), "PSAM_ALGORITHM");
    assert_eq!(std::fs::read_to_string(&book).expect("a book"), before);
    // That it serves no others was asked once; a card of another algorithm has it asked again.
    let usual_only = || std::fs::read_to_string(&book).expect("a book").contains(" usual-only ");
    assert!(usual_only());
    assert_eq!(shop.pay(&shop.bill("B-7", &[("X1", 1, "1.00")])).code(), "PSAM_ALGORITHM");
    assert!(!usual_only());
    shop.farm.eject(CARD).expect("ejected");
    shop.farm.insert(CARD, &shop.path("person.card")).expect("inserted");
    assert_eq!(shop.pay(&shop.bill("B-8", &[("X1", 1, "1.00")])).status, 0);
    assert!(usual_only());
}

#[test]
fn a_psam_believed_in_vain_costs_one_try_and_is_named() {
    let shop = Shop::with(2);
    let (psam, book) = (shop.inside("psam.card").atr, shop.path("data/psams.txt"));
    std::fs::create_dir_all(shop.path("data")).expect("a folder");
    std::fs::write(&book, format!("{psam} {} 513300:3des:1\n", hex::encode_upper(cards::TERMINAL))).expect("written");
    let tries = || shop.inside("person.card").keys["SSSE.RKSSSE"].tries_left;
    let before = tries();
    let read = shop.run(&["card", "read"]);
    assert_eq!((read.status, read.code().as_str()), (6, "PSAM_WRONG"), "{}", read.stderr);
    assert_eq!(read.json()["faults"][0]["code"], "KEY_REFUSED");
    assert_eq!(tries(), before - 1);
    for _ in 0..2 {
        assert_eq!(shop.run(&["card", "read"]).code(), "PSAM_WRONG");
        assert_eq!(tries(), before - 1, "no further try is spent");
    }
}

#[test]
fn commands_at_one_card_and_psam_at_once_take_turns() {
    let shop = Shop::open();
    let read = ["--reader", "0", "--psam", "1", "card", "read"];
    let running = [0; 3].map(|_| shop.start(&read));
    for child in running {
        let ran = ran(child.wait_with_output().expect("ends"));
        assert_eq!(ran.status, 0, "{}", ran.stderr);
    }
}

#[test]
fn two_cards_beside_a_known_psam_are_refused_with_their_readers() {
    let shop = Shop::open();
    assert_eq!(found(&shop, &[]), identifier(1));
    user_image(&shop.path("other.card"), 2, cards::CITY);
    shop.farm.insert(2, &shop.path("other.card")).expect("inserted");
    for arguments in [&["balance"][..], &["card", "read"], &["pay", "--pin", "env:PIN"]] {
        let bill = shop.bill("B-1", &[("X1", 1, "1.00")]);
        let catalogue = shop.path("drugs.csv").display().to_string();
        let more = [bill.as_str(), "--catalogue", &catalogue];
        let papers = if arguments[0] == "pay" { &more[..] } else { &[] };
        let two = shop.run(&[arguments, papers].concat());
        assert_eq!((two.status, two.code().as_str()), (5, "READER_AMBIGUOUS"), "{arguments:?} {}", two.stderr);
    }
}

#[test]
fn a_region_of_the_site_is_read_by_its_own_profile_and_asked_by_its_own_rows() {
    let shop = Shop::open();
    let own = builtin_text("ssc-2.0-ef0d").expect("built in");
    let profile = builtin("ssc-2.0-ef0d").expect("built in");
    let card = image_of(&shop.path("regional.card"), own, cards::serial_of(9));
    cards::make_person(&card, &profile, 1, cards::CITY, &cards::holder(&profile, cards::CITY, 9), cards::PIN);
    drop(card);
    shop.farm.eject(CARD).expect("ejected");
    shop.farm.insert(CARD, &shop.path("regional.card")).expect("inserted");
    let read = |configuration: &str| {
        let path = shop.path("sscard.toml");
        std::fs::write(&path, configuration).expect("written");
        let path = path.display().to_string();
        let read = shop.run(&["--config", &path, "card", "read", "--file", "SSSE.EF0D", "--pin", "env:PIN"]);
        assert_eq!(shop.run(&["--config", &path, "balance"]).status, 0);
        if read.status == 0 { "read".to_owned() } else { read.json()["faults"][0]["code"].to_string() }
    };
    assert_eq!(read(""), "\"FILE_UNKNOWN\"");
    assert_eq!(read("[regions]\n5133 = \"ssc-2.0-ef0d\"\n"), "read");
    assert_eq!(read("[regions]\n37 = \"ssc-2.0-ef0d\"\n"), "\"FILE_UNKNOWN\"", "another region");
    let national = "[regions]\n5133 = \"ssc-3.0-sm4\"\n";
    assert_eq!(read(national), "\"FILE_UNKNOWN\"", "a profile of another generation is not forced on a card");
    // A profile that asks otherwise for the PIN: the card is recognised first, and asked by its own rows.
    let text = "format = 2\nextends = \"ssc-2.0-ef0d\"\nname = \"ssc-own\"\ntitle = \"own\"\nsource = \"invented\"\n\
                [pin]\nanswers_tries = true\n";
    std::fs::write(shop.path("own.toml"), text).expect("written");
    let said = |configuration: &str| {
        std::fs::write(shop.path("sscard.toml"), configuration).expect("written");
        let (path, trace) = (shop.path("sscard.toml").display().to_string(), shop.path("own.trace"));
        let ran = shop.run(&["--config", &path, "--trace", &trace.display().to_string(), "balance"]);
        assert_eq!(ran.status, 0, "{}", ran.stderr);
        let text = std::fs::read_to_string(&trace).expect("a trace");
        std::fs::remove_file(trace).expect("a trace");
        text.contains("> 00B2")
    };
    assert!(said("[regions]\n5133 = \"own.toml\"\n"), "the issuer's file is read first");
    assert!(!said("[regions]\n5133 = \"ssc-2.0-ef0d\"\n"), "a profile that asks alike changes nothing");
}

#[test]
fn how_a_type_of_card_is_read_is_learnt_once_through_the_daemon() {
    let shop = Shop::open();
    shop.farm.eject(CARD).expect("ejected");
    // Two cards of one type that know no READ RECORD of all records.
    let read = |serial: u8| {
        let path = shop.path(&format!("{serial}.card"));
        user_image(&path, serial, cards::CITY);
        let actor = Actor::in_slot(&shop, 2, &path, |command| {
            let is_all = command.first_chunk::<4>().is_some_and(|[_, ins, _, p2]| *ins == 0xB2 && p2 & 7 == 5);
            is_all.then(|| vec![0x6A, 0x86])
        });
        let read = shop.run(&["card", "read"]);
        assert_eq!((read.status, &read.json()["SSSE.EF06.name"]), (0, &json!("张三")), "{}", read.stderr);
        actor.leave(&shop, 2)
    };
    let (first, refused) = read(1);
    assert_eq!(refused, 1, "all at once is tried once");
    assert!(
        std::fs::read_to_string(shop.path("data/card-types.txt")).expect("a book").ends_with(" record-by-record\n")
    );
    let (second, refused) = read(2);
    assert_eq!(refused, 0, "the second card of the type is not tried with");
    assert!(second < first);
}

/// A PSAM of both environments in the place of the shop's, each with the keys of its world.
fn put_psam_of_both(shop: &Shop, worlds: [u8; 2]) {
    let path = shop.path(&format!("both-{}-{}.card", worlds[0], worlds[1]));
    let psam = blank_psam_of_both(&path, cards::PSAM_SERIAL);
    for (profile, world) in ["psam", "psam-sx3"].into_iter().zip(worlds) {
        cards::make_psam(&psam, profile, world);
    }
    drop(psam);
    shop.farm.eject(PSAM).expect("ejected");
    shop.farm.insert(PSAM, &path).expect("inserted");
}

#[test]
fn one_psam_of_both_environments_serves_cards_of_both_algorithms() {
    let shop = Shop::open();
    put_psam_of_both(&shop, [1, 1]);
    shop.begin();
    let sm4 = blank_image(&shop.path("sm4.card"), "ssc-3.0-sm4", cards::serial_of(2));
    cards::make_user(&sm4, "ssc-3.0-sm4", 1, cards::CITY, 2);
    drop(sm4);
    for (round, card) in ["person.card", "sm4.card", "person.card"].into_iter().enumerate() {
        if round > 0 {
            shop.farm.eject(CARD).expect("ejected");
            shop.farm.insert(CARD, &shop.path(card)).expect("inserted");
        }
        if round == 1 {
            shop.centre.books().pending.insert(shop.identifier(), Fen::new(50_000));
            let loaded = shop.run(&["load"]);
            assert_eq!(loaded.status, 0, "{}", loaded.stderr);
            shop.centre.books().pending.clear();
        }
        let read = shop.run(&["card", "read", "--all", "--pin", "env:PIN"]);
        assert_eq!((read.status, &read.json()["SSSE.EF06.name"]), (0, &json!("张三")), "{card}: {}", read.stderr);
        let paid = shop.pay(&shop.bill(&format!("B-{round}"), &[("X1", 1, "10.00")]));
        assert_eq!((paid.status, &paid.json()["state"]), (0, &json!("CONFIRMED")), "{card}: {}", paid.stderr);
    }
    let psam = shop.inside("both-1-1.card");
    assert_eq!(
        (psam.terminal_sequence, psam.beside[0].terminal_sequence),
        (Some(2), Some(1)),
        "a number of its own each"
    );
    // What one environment proved is not believed of the other.
    put_psam_of_both(&shop, [1, 2]);
    assert_eq!(shop.run(&["card", "read"]).status, 0);
    shop.farm.eject(CARD).expect("ejected");
    shop.farm.insert(CARD, &shop.path("sm4.card")).expect("inserted");
    std::fs::remove_file(shop.path("data/psams.txt")).expect("a book");
    assert_eq!(shop.run(&["card", "read"]).code(), "PSAM_WRONG");
    assert_eq!(shop.inside("sm4.card").keys["SSSE.RKSSSE"].tries_left, 3, "no try is spent");
}
