use card_core::Session;
use card_core::trace::{Event, Log};
use card_core::transport::replay::Replay;
use card_core::tries::TriesBook;
use proptest::prelude::*;

use super::*;
use crate::approach::Means;
use crate::builtin;
use crate::codec::Value;
use crate::read::{HOLDER, Reader};
use crate::trace::tests::{MISSHAPEN, TRANSCRIPTS};

/// The trace that our recorder would write of a log.
fn redacted(text: &str) -> String {
    let mut redactor = Redactor::new(Decoder::new());
    let mut safe = String::new();
    for entry in Log::parse(text).entries {
        match entry.event {
            Event::Reader(name) => {
                redactor.reader(&name);
                safe.push_str(&format!("@ {name}\n"));
            }
            Event::Reset(atr) => safe.push_str(&format!("= {}\n", hex::encode_upper(redactor.reset(&atr)))),
            Event::Exchange(exchange) => {
                let (command, answer, _) = redactor.exchange(&exchange.command, exchange.answer.as_deref());
                let answer = answer.map(|answer| format!("< {}\n", hex::encode_upper(answer))).unwrap_or_default();
                safe.push_str(&format!("> {}\n{answer}", hex::encode_upper(command)));
            }
        }
    }
    safe
}

/// Name, guard and value of every part, with its place in the bytes.
fn told(text: &str) -> Vec<(String, Guard, Option<Value>, usize)> {
    let (mut decoder, mut told) = (Decoder::new(), Vec::new());
    for entry in Log::parse(text).entries {
        match entry.event {
            Event::Reader(name) => decoder.reader(&name),
            Event::Reset(atr) => drop(decoder.reset(&atr)),
            Event::Exchange(exchange) => {
                let explained = decoder.exchange(&exchange.command, exchange.answer.as_deref());
                for part in explained.parts {
                    let bytes = if part.side == Side::Command {
                        &exchange.command
                    } else {
                        exchange.answer.as_ref().expect("answered")
                    };
                    let value = part.value(bytes).map(|(value, faults)| {
                        assert!(faults.is_empty() || part.label.en.contains("EF05."), "{} {faults:?}", part.label.en);
                        value
                    });
                    told.push((part.label.en.to_string(), part.guard, value, part.range.start));
                }
            }
        }
    }
    told
}

fn of<'a>(told: &'a [(String, Guard, Option<Value>, usize)], name: &str) -> Vec<&'a str> {
    told.iter().filter(|(label, ..)| label == name).filter_map(|(_, _, value, _)| value.as_ref()?.as_text()).collect()
}

#[test]
fn a_redacted_trace_tells_the_same_story_with_other_values() {
    for (name, text, _) in TRANSCRIPTS {
        let (real, safe) = (told(text), told(&redacted(text)));
        assert_eq!(real.len(), safe.len(), "{name}");
        for (real, safe) in real.iter().zip(&safe) {
            assert_eq!((&real.0, real.1, real.3), (&safe.0, safe.1, safe.3), "{name}");
            let is_blank = real.2.as_ref().is_none_or(|value| match value {
                Value::Text(text) => text.is_empty() || text.chars().all(|c| c == '0'),
                Value::Number(number) => *number == 0,
            });
            let changes = !matches!(real.1, Guard::Open | Guard::Secret) && !is_blank;
            assert_eq!(real.2 != safe.2, changes, "{name} {}", real.0);
        }
    }
}

#[test]
fn what_identifies_a_person_or_a_card_is_gone_in_every_spelling() {
    let planted = ["111111198101011110", "X00000019", "B00000131", "19810101", "张三", "666666", "123456", "654321"];
    for (name, text, _) in TRANSCRIPTS {
        let safe = redacted(text);
        for value in planted {
            let (gbk, _, _) = encoding_rs::GBK.encode(value);
            for spelt in [hex::encode_upper(value), hex::encode_upper(&gbk), value.to_owned()] {
                assert!(!safe.contains(&spelt), "{name} {value} {safe}");
            }
        }
        for secret in ["0123456789ABCDEF", "86504302000000", "62202123456789", "050000000133A05F2E3"] {
            assert!(!safe.contains(secret), "{name} {secret} {safe}");
        }
    }
}

#[test]
fn what_may_be_a_secret_is_replaced_whatever_carries_it() {
    for (text, secret) in MISSHAPEN {
        let safe = redacted(text);
        assert!(!safe.contains(secret), "{text}: {safe}");
    }
    let zeros = redacted("0020000003000000 -> 9000\n80D4000004 00000000 -> 9000");
    assert!(!zeros.contains("000003000000") && !zeros.contains("00000400000000"), "{zeros}");
}

#[test]
fn the_same_value_has_the_same_replacement() {
    let safe = told(&redacted(TRANSCRIPTS[2].1));
    let numbers = of(&safe, "SSSE.EF06.social_security_number");
    assert!(numbers.len() == 4 && numbers.iter().all(|number| *number == numbers[0]), "{numbers:?}");
    assert!(CitizenNumber::parse(numbers[0]).is_ok());
    assert_eq!(of(&safe, "SSSE.EF06.birth_date"), [&numbers[0][6..14]; 2]);
    let cards = of(&safe, "SSSE.EF05.card_number");
    assert!(cards.len() == 2 && cards[0] == cards[1] && card_number_holds(cards[0]), "{cards:?}");
    let names = of(&safe, "SSSE.EF06.name");
    assert!(
        names[0] == names[1] && names[0].chars().count() == 2 && names[0].chars().all(|c| c > '\u{4E00}'),
        "{names:?}"
    );

    let both = told(&redacted(TRANSCRIPTS[4].1));
    let factors = of(&both, "card factor");
    assert!(factors.len() == 2 && factors[0] == factors[1] && factors[0].starts_with("86504302"), "{factors:?}");
    let blocks = of(&both, "data");
    let challenges = blocks.iter().filter(|block| **block == blocks[0]).count();
    assert_eq!(challenges, 5, "GET CHALLENGE twice, both derivations, and what is enciphered: {blocks:?}");
    assert_eq!(of(&both, "plain")[2], blocks[0]);
    let purchase = told(&redacted(TRANSCRIPTS[5].1));
    assert_eq!(of(&purchase, "date and time"), [of(&purchase, "DF04.EF08[1].date_time")[0]; 2]);
}

#[test]
fn a_pin_is_the_same_other_pin_in_verify_and_change() {
    let safe = redacted("0020000003123456 -> 63C2\n805E010007123456FF654321 -> 9000\n00200000031234 5F -> 9000");
    let lines: Vec<&str> = safe.lines().filter(|line| line.starts_with('>')).collect();
    let verified = &lines[0][12..];
    assert_eq!(&lines[1][12..20], format!("{verified}FF"));
    assert!(verified != "123456" && verified.bytes().all(|c| c.is_ascii_digit()), "{safe}");
    assert!(lines[2].ends_with('F') && lines[2][12..17].bytes().all(|c| c.is_ascii_digit()), "{safe}");
}

#[test]
fn the_serial_of_the_atr_is_that_of_the_identifier() {
    let safe = redacted(TRANSCRIPTS[0].1);
    let atr = safe.lines().next().expect("an ATR");
    assert!(atr.starts_with("= 3B6D0000008131473186504302") && !atr.ends_with("00000013"), "{atr}");
    let told = told(&safe);
    let identifier = of(&told, "SSSE.EF05.card_identifier")[0];
    assert_eq!((&identifier[..16], &identifier[16..24]), ("430299D156000005", &atr[atr.len() - 8..]));
    // TD1 announces T=1: the last byte checks all others.
    let checked = [0x3B, 0x88, 0x80, 0x01, 0x86, 0x50, 0x43, 0x02, 0x00, 0x00, 0x00, 0x13, 0x8D];
    let safe = Redactor::new(Decoder::new()).reset(&checked);
    assert_ne!(safe[8..12], checked[8..12]);
    assert_eq!((safe[1..].iter().fold(0, |sum, byte| sum ^ byte), &safe[..8]), (0, &checked[..8]));
}

#[test]
fn a_redacted_read_replays_and_reads_without_faults() {
    let text = "= 3B6D000000813147318650430200000013\n\
        00A404000F7378312E73682EC9E7BBE1B1A3D5CF -> 611E\n\
        00C000001E -> 6F1C840F7378312E73682EC9E7BBE1B1A3D5CFA50988011E9F0C038601019000\n\
        00B2012D40 -> 0110430299D156000005000000133A05F2E3020133 0304322E3030 040C9156000002430200430100D5 050420121001 060420221001 0709423030303030313331 9000\n\
        00B201355B -> 0812313131313131313938313031303131313130 091ED5C5C8FD0000000000000000000000000000000000000000000000000000 4E140000000000000000000000000000000000000000 0A0131 0B0101 0C03513322 0D0419810101 9000\n";
    let profile = builtin("ssc-2.0").expect("built in");
    let read = |trace: &str| {
        let mut session = Session::new(Box::new(Replay::parse(trace).expect("a trace")));
        let mut play = |mut reader: Reader<'_>| {
            let mut book = TriesBook::default();
            let mut guard = card_core::tries::Guard { book: &mut book, consent: false };
            session.play(&mut reader, None, &mut guard).expect("the trace has every command");
            reader.finish()
        };
        let first = play(Reader::issuer(&profile));
        play(Reader::new(&profile, &HOLDER, Means::default()).after(first))
    };
    let real: String = Log::parse(text)
        .entries
        .iter()
        .map(|entry| match &entry.event {
            Event::Exchange(exchange) => format!(
                "> {}\n< {}\n",
                hex::encode(&exchange.command),
                hex::encode(exchange.answer.as_ref().expect("answered"))
            ),
            Event::Reader(_) | Event::Reset(_) => String::new(),
        })
        .collect();
    let (real, safe) = (read(&real), read(&redacted(text)));
    assert_eq!((real.reading.faults.len(), safe.reading.faults.as_slice(), safe.refusals.len()), (0, &[][..], 0));
    let places = |outcome: &crate::read::Outcome| {
        outcome.reading.values.iter().map(|(place, _)| place.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(places(&real), places(&safe));
    assert_eq!(safe.reading.values.text("SSSE.EF05.spec_version"), Some("2.00"));
    assert_ne!(real.reading.values.text("SSSE.EF06.name"), safe.reading.values.text("SSSE.EF06.name"));
}

#[test]
fn bytes_that_no_profile_explains_are_replaced_whole() {
    let safe = redacted(
        "80AA000004 11223344 -> 5566 9000\n00A4040003 AABBCC -> 9000\n00B2010405 -> 0103AABBCC 9000\n0102 -> 03",
    );
    for kept in ["> 80AA000004", "< 0103", "9000"] {
        assert!(safe.contains(kept), "{safe}");
    }
    for gone in ["11223344", "5566", "0103AABBCC", "> 0102", "< 03\n"] {
        assert!(!safe.contains(gone), "{gone} {safe}");
    }
}

proptest! {
    #[test]
    fn any_exchange_keeps_its_lengths_and_its_status(command in prop::collection::vec(any::<u8>(), 0..80), answer in prop::collection::vec(any::<u8>(), 0..80)) {
        let mut redactor = Redactor::new(Decoder::new());
        let (safe, said, _) = redactor.exchange(&command, Some(&answer));
        let said = said.expect("an answer");
        prop_assert_eq!((safe.len(), said.len()), (command.len(), answer.len()));
        if answer.len() >= 2 {
            prop_assert_eq!(said.last_chunk::<2>(), answer.last_chunk::<2>());
        }
        prop_assert_eq!(redactor.reset(&answer).len(), answer.len());
    }
}
