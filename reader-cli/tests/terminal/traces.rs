//! `--trace FILE` and `trace decode FILE` on the real daemon.

use std::os::unix::fs::PermissionsExt as _;

use card_core::Session;
use card_core::trace::{Event, Log};
use card_core::transport::replay::Replay;
use card_core::wire::Wire;
use card_core::{command, transport::Transport as _};
use serde_json::Value;

use crate::shop::Shop;

pub(crate) fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))).collect()
}

#[test]
fn a_recorded_read_is_safe_decodes_and_replays() {
    let shop = Shop::open();
    let path = shop.path("read.trace").display().to_string();
    let read = shop.run(&["--trace", &path, "card", "read"]);
    assert_eq!((read.status, read.json()["SSSE.EF06.name"].as_str()), (0, Some("张三")), "{}", read.stderr);
    let text = std::fs::read_to_string(&path).expect("a trace");
    assert!(text.starts_with("# sscard trace 1\n"), "{text}");
    assert_eq!(std::fs::metadata(&path).expect("a file").permissions().mode() & 0o777, 0o600);

    let decoded = shop.run(&["trace", "decode", &path]);
    let events = lines(&decoded.stdout);
    let items: Vec<&Value> = events.iter().filter_map(|event| event["items"].as_array()).flatten().collect();
    let value = |place: &str| items.iter().find(|item| item["place"] == place).unwrap_or_else(|| panic!("{place}"));
    let name = value("SSSE.EF06.name")["value"].as_str().expect("text");
    assert!(name != "张三" && name.chars().count() == 2, "{name}");
    assert_eq!(value("SSSE.EF05.spec_version")["value"], "3.00");
    assert_eq!(value("SSSE.EF06.name")["faults"], serde_json::json!([]));
    assert!(events.iter().any(|event| event["remarks"][0] == "key RKSSSE (指纹信息阅读密钥)"), "{}", decoded.stdout);
    assert!(events.iter().all(|event| event["event"] != "exchange" || event["known"] == true), "{}", decoded.stdout);
    assert!(events.iter().any(|event| event["micros_measured"].is_u64()));
    let summary = events.last().expect("a summary");
    assert_eq!((&summary["event"], &summary["junk_lines"]), (&Value::from("summary"), &Value::from(0)));

    let readers: Vec<String> = Log::parse(&text)
        .entries
        .into_iter()
        .filter_map(|entry| match entry.event {
            Event::Reader(name) => Some(name),
            Event::Reset(_) | Event::Exchange(_) => None,
        })
        .collect();
    assert!(readers.len() >= 2, "{text}");
    for reader in readers {
        let mut replay = Replay::parse_reader(&text, Some(&reader)).expect("our own grammar");
        let log = Log::parse(&text);
        let mut current = String::new();
        for entry in log.entries {
            match entry.event {
                Event::Reader(name) => current = name,
                Event::Exchange(exchange) if current == reader => {
                    let mut answer = Vec::new();
                    replay.transmit(&exchange.command, &mut answer).expect("the same command");
                    assert_eq!(Some(answer), exchange.answer);
                }
                Event::Reset(_) | Event::Exchange(_) => {}
            }
        }
        assert!(replay.is_finished());
    }
}

/// What a command says to the holder's card, which alone has files of records, and to the PSAM.
fn said(shop: &Shop, arguments: &[&str]) -> [Wire; 2] {
    let path = shop.path("said.trace");
    let named = path.display().to_string();
    let ran = shop.run(&[&["--trace", &named], arguments].concat());
    assert_eq!(ran.status, 0, "{arguments:?}: {}{}", ran.stdout, ran.stderr);
    let names = [crate::shop::CARD, crate::shop::PSAM].map(|slot| shop.farm.reader_name(slot).expect("a slot"));
    let (mut wires, mut at) = ([Wire::default(); 2], None);
    for entry in Log::parse(&std::fs::read_to_string(&path).expect("a trace")).entries {
        match entry.event {
            Event::Reader(name) => at = names.iter().position(|known| name.contains(known.as_str())),
            Event::Exchange(exchange) => {
                let wire = &mut wires[at.expect("one of the two readers")];
                wire.add(&exchange.command, &exchange.answer.expect("an answer"));
            }
            Event::Reset(_) => {}
        }
    }
    std::fs::remove_file(path).expect("a trace");
    wires
}

/// Exchanges and bytes of a row of a ceremony, as `docs/wire.md` has them; nothing where the ceremony has no such row.
fn on_the_page(ceremony: &str, row: &str) -> Wire {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/wire.md");
    let page = std::fs::read_to_string(page).expect("docs/wire.md");
    let rows = page.lines().skip_while(|line| !line.starts_with(&format!("## {ceremony}"))).skip(1);
    let mut rows = rows.take_while(|line| !line.starts_with("## "));
    let Some(row) = rows.find(|line| line.starts_with(&format!("| {row} |"))) else { return Wire::default() };
    let numbers: Vec<u64> = row.split(" | ").filter_map(|cell| cell.parse().ok()).collect();
    Wire { exchanges: numbers[0], bytes: numbers[1] }
}

const UNNAMED: &str = "ours, no reader named";
const FIRST_OF_CITY: &str = "ours, first card of a city";
const FIRST_OF_ALL: &str = "ours, first contact of all";
const OF_PSAM: &str = "*the PSAM, on its own contacts*";

#[test]
fn the_program_says_to_the_cards_what_the_page_of_wire_bytes_has() {
    let shop = Shop::ready();
    let read = ["card", "read"];
    let usual = [on_the_page("Basic read, 3.x", UNNAMED), on_the_page("Basic read, 3.x", OF_PSAM)];
    assert_eq!(said(&shop, &read), usual);
    let [card, psam] = said(&shop, &["balance"]);
    assert_eq!((card, psam), (on_the_page("Balance", UNNAMED), Wire::default()), "the PSAM is not even powered");
    let full = ["card", "read", "--all", "--pin", "env:PIN"];
    let [_, psam] = said(&shop, &full);
    assert_eq!(psam, on_the_page("Full read, 3.x", OF_PSAM));
    shop.centre.books().pending.insert(shop.identifier(), settlement::fen::Fen::new(2_000));
    assert_eq!(said(&shop, &["load"]), [on_the_page("Load", UNNAMED), on_the_page("Load", OF_PSAM)]);
    let bill = shop.bill("B-1", &[("X1", 1, "12.50")]);
    let catalogue = shop.path("drugs.csv").display().to_string();
    let pay = ["pay", bill.as_str(), "--catalogue", &catalogue, "--pin", "env:PIN"];
    assert_eq!(said(&shop, &pay), [on_the_page("Purchase", UNNAMED), on_the_page("Purchase", OF_PSAM)]);
    // Named readers change nothing once the PSAM is known.
    let names = [crate::shop::CARD, crate::shop::PSAM].map(|slot| shop.farm.reader_name(slot).expect("a slot"));
    let named = [&["--reader", &names[0], "--psam", &names[1]][..], &read].concat();
    assert_eq!(said(&shop, &named), usual);
}

#[test]
fn what_is_met_for_the_first_time_costs_once_what_the_page_has() {
    let shop = Shop::open();
    let read = ["card", "read"];
    let [card, _] = said(&shop, &read);
    assert_eq!(card, on_the_page("Basic read, 3.x", FIRST_OF_CITY), "the PSAM was asked before the card");
    let known = std::fs::read_to_string(shop.path("data/psams.txt")).expect("a book of PSAMs");
    assert!(known.ends_with(&format!(" {} 513300:3des:1\n", hex::encode_upper(crate::cards::TERMINAL))), "{known}");
    assert_eq!(said(&shop, &read)[0], on_the_page("Basic read, 3.x", UNNAMED));
    for nonsense in ["nonsense", ""] {
        std::fs::write(shop.path("data/psams.txt"), nonsense).expect("written");
        assert_eq!(said(&shop, &read)[0], on_the_page("Basic read, 3.x", FIRST_OF_CITY));
        assert_eq!(said(&shop, &read)[0], on_the_page("Basic read, 3.x", UNNAMED));
    }
    // The card that is taken for the PSAM is asked what it is.
    let taken_for_psam = format!("{} -\n", shop.inside("person.card").atr);
    for (arguments, ceremony) in [(&["card", "read"][..], "Basic read, 3.x"), (&["balance"], "Balance")] {
        std::fs::write(shop.path("data/psams.txt"), &taken_for_psam).expect("written");
        assert_eq!(said(&shop, arguments)[0], on_the_page(ceremony, FIRST_OF_ALL), "{ceremony}");
    }
}

#[test]
fn a_trace_is_never_written_over_and_never_for_nothing() {
    let shop = Shop::open();
    let path = shop.path("kept.trace");
    std::fs::write(&path, "mine").expect("written");
    let named = path.display().to_string();
    let refused = shop.run(&["--trace", &named, "card", "read"]);
    assert_eq!((refused.status, refused.code().as_str()), (9, "TRACE_UNWRITABLE"));
    assert_eq!(std::fs::read_to_string(&path).expect("read"), "mine");
    let useless = shop.run(&["--trace", &shop.path("new.trace").display().to_string(), "profile", "list"]);
    assert_eq!((useless.status, useless.code().as_str()), (1, "CONFIGURATION_INVALID"));
    assert!(!shop.path("new.trace").exists());
}

#[test]
fn a_disk_that_fills_up_stops_the_trace_and_not_the_command() {
    let shop = Shop::open();
    let path = shop.path("full.trace").display().to_string();
    let read = shop.run_under("ulimit -f 1; trap '' XFSZ", &["--trace", &path, "card", "read", "--all"]);
    assert_eq!(read.code(), "TRACE_UNWRITABLE", "{}", read.stderr);
    assert!(read.stdout.contains("张三"), "{}", read.stdout);
}

/// Reads one byte of what it says and closes, as `head` does.
fn end_after_one_byte(mut child: std::process::Child) -> crate::shop::Ran {
    use std::io::Read as _;
    let mut pipe = child.stdout.take().expect("piped");
    pipe.read_exact(&mut [0]).expect("it says something");
    drop(pipe);
    crate::shop::ran(child.wait_with_output().expect("ends"))
}

#[test]
fn the_log_of_another_program_is_explained_and_its_noise_numbered() {
    let shop = Shop::open();
    let log = shop.path("pcscd.log");
    std::fs::write(
        &log,
        "00000000 debuglog.c: noise\n00000001 more noise\n00000012 APDU: 00 A4 04 00 0F 73 78 31 2E 73 68 2E C9 E7 BB E1 B1 A3 D5 CF\n\
         00000100 SW: 61 18\n00000001 APDU: 00 20 00 00 03 12 34 56\n00000100 SW: 63 C1\n",
    )
    .expect("written");
    let path = log.display().to_string();
    let events = lines(&shop.run(&["trace", "decode", &path]).stdout);
    assert_eq!(
        (&events[0]["event"], &events[0]["line"], &events[0]["last_line"]),
        (&"junk".into(), &1.into(), &2.into())
    );
    assert_eq!((&events[2]["command"], &events[2]["tries_left"]), (&"VERIFY".into(), &1.into()));
    assert_eq!(events[2]["items"][0]["value"], Value::Null);
    for (language, words) in [("zh", "还剩 1 次"), ("en", "1 try left")] {
        let told = shop.run_text(language, &["trace", "decode", &path]);
        assert!(told.stdout.contains(words) && !told.stdout.contains("123456"), "{}", told.stdout);
    }
    let text = std::fs::read_to_string(&log).expect("written");
    for mark in [&[0xFF, 0xFE][..], &[]] {
        let wide: Vec<u8> = mark.iter().copied().chain(text.encode_utf16().flat_map(u16::to_le_bytes)).collect();
        std::fs::write(&log, wide).expect("written");
        assert_eq!(lines(&shop.run(&["trace", "decode", &path]).stdout), events, "the same in UTF-16");
    }
    let endless = shop.run(&["trace", "decode", "/dev/zero"]);
    assert_eq!(endless.status, 2);
    assert!(endless.stderr.contains("file too large (> 65536 KiB)"), "{}", endless.stderr);
    std::fs::write(&log, "> 00A40000023F00\n< 9000\n".repeat(2_000)).expect("written");
    let started = shop.start(&["trace", "decode", &path]);
    let ended = end_after_one_byte(started);
    assert_eq!((ended.status, ended.stderr.as_str()), (0, ""), "whoever reads has enough");
    std::fs::write(&log, "nothing\n").expect("written");
    let empty = shop.run(&["trace", "decode", &path]);
    assert_eq!((empty.status, empty.code().as_str()), (1, "TRACE_EMPTY"));
    let missing = shop.run(&["trace", "decode", "nowhere.trace"]);
    assert_eq!((missing.status, missing.code().as_str()), (2, "FILE_MISSING"));
}

#[test]
fn a_card_that_stops_answering_is_recorded_as_such() {
    let shop = Shop::open();
    shop.faults(
        crate::shop::CARD,
        vec![card_sim::fault::Fault::PowerLoss {
            at: card_sim::fault::Trigger::instruction(0xB2, 1),
            moment: card_sim::fault::Moment::After,
            back_after_ms: Some(crate::shop::AWAY_MS),
        }],
    );
    let path = shop.path("lost.trace").display().to_string();
    let read = shop.run(&["--trace", &path, "card", "read"]);
    assert_eq!(read.status, 4, "{}", read.stderr);
    let text = std::fs::read_to_string(&path).expect("a trace");
    let reader = text.lines().find_map(|line| line.strip_prefix("@ ")).expect("a reader");
    assert!(text.lines().any(|line| line.starts_with("! ")), "{text}");
    let mut session = Session::new(Box::new(Replay::parse_reader(&text, Some(reader)).expect("a trace")));
    let name = hex::decode("7378312E73682EC9E7BBE1B1A3D5CF").expect("hex");
    assert!(session.send(&command::select_by_name(&name)).expect("recorded").sw.is_ok());
}
