//! What went back of a purchase is never answered as paid; records that do not fit are left out whole.
//!
//! Source: refunds of `card_counter::refund`; buffer of 1 to 4 KiB of the published interface.

use card_counter::clock::Now;
use card_counter::refund::{Asked, agree};
use card_counter::store::{Asking, Store};
use settlement::fen::Fen;
use settlement::id::LoadId;
use settlement::journal::State;
use settlement::refund::{Elsewhere, Original, Parts, RefundAct, Standing};

use crate::money::{CARD, Shop, pay};

#[test]
fn a_call_whose_money_went_back_is_told_so_with_what_is_left_and_another_call_pays() {
    let shop = Shop::open(true);
    let paid = shop.calls(&[&pay("0.1|0.2")]);
    let (code, output) = paid.first().expect("one call");
    assert_eq!(*code, 0, "{output}");
    for (fen, left) in [(15, format!("{:08X}{:08X}{:08X}", 0, 5, 10)), (15, "0".repeat(24))] {
        let mut store = Store::open(shop.data.as_ref()).expect("a journal");
        let entry = store.entries().expect("entries").remove(0);
        agree(&mut store, &entry, Asked::Total(Fen::new(fen)), RefundAct::Refund, "returned").expect("agreed");
        drop(store);
        let again = shop.calls(&[&pay("0.1|0.2")]);
        assert_eq!(again, [(-3010, format!("{output}{left}|"))]);
        assert_eq!(shop.states(), [State::Confirmed], "nothing was debited");
    }
    let step1 = pay("0.1|0.2").replace("iDoDebit", "iDoDebit_HSM_Step1");
    assert_eq!(shop.codes(&[&step1]), [-3010], "an HSM is not asked for it either");
    let time = Now::of_system().later(60).date_time();
    assert_eq!(shop.codes(&[&format!("iDoDebit\t#3\t{CARD}\t0.1|0.2|{time}|")]), [0], "another purchase is another");
    assert_eq!(shop.states(), [State::Confirmed; 2]);
}

#[test]
fn a_call_whose_money_another_till_gave_back_is_told_so_with_what_is_left() {
    let shop = Shop::open(true);
    let paid = shop.calls(&[&pay("0.1|0.2")]);
    let (code, output) = paid.first().expect("one call");
    assert_eq!(*code, 0, "{output}");
    let mut store = Store::open(shop.data.as_ref()).expect("a journal");
    let entry = store.entries().expect("entries").remove(0);
    let sent = entry.sent.expect("paid");
    let elsewhere = Elsewhere {
        load_id: LoadId([7; 16]),
        original: Original {
            terminal: entry.draft.terminal,
            terminal_sequence: sent.terminal_sequence,
            card_sequence: Some(sent.card_sequence),
        },
        card_identifier: entry.draft.card_identifier,
        act: RefundAct::Refund,
        parts: Parts::of_card(entry.draft.subject.amounts()).share(Fen::new(15)).expect("a half"),
        standing: Standing::Credited,
    };
    let through = entry.draft.business_date;
    let mut told = |standing| {
        let asking = Asking::Ends { through, all: None };
        store.keep_elsewhere(&[Elsewhere { standing, ..elsewhere }], asking).expect("kept");
        shop.calls(&[&pay("0.1|0.2")])
    };
    let left = format!("{:08X}{:08X}{:08X}", 0, 5, 10);
    assert_eq!(told(Standing::Credited), [(-3010, format!("{output}{left}|"))]);
    // The other till's centre learnt that the card has nothing of it.
    assert_ne!(told(Standing::NotCredited).first().map(|(code, _)| *code), Some(-3010));
    assert_eq!(shop.states(), [State::Confirmed], "nothing was debited");
}

#[test]
fn of_records_that_do_not_fit_the_newest_are_answered_whole() {
    let shop = Shop::open(true);
    let times: Vec<String> = (0..4).map(|n| Now::of_system().later(n * 10).date_time().to_string()).collect();
    let pays: Vec<String> = times.iter().map(|time| format!("iDoDebit\t#3\t{CARD}\t0.1|0.2|{time}|")).collect();
    assert_eq!(shop.codes(&pays.iter().map(String::as_str).collect::<Vec<_>>()), [0; 4]);
    let listed = |bytes: &str| {
        let set = [("SSCARD_PIN_ENTRY", shop.entry.as_str()), ("SSCARD_OUT_BYTES", bytes)];
        let calls = ["iReadDebitRecord\t#3", "iReadCard\t#3\t#1\t-\tDF04EF08|$SSSEEF05|07|$"];
        shop.counter.session(&calls, &set)
    };
    let all = listed("1024");
    let records: Vec<&str> = all.first().map_or("", |(_, text)| text.as_str()).split_terminator('|').collect();
    assert_eq!(records.len(), 4, "{all:?}");
    let two = records.iter().take(2).map(|record| record.len() + 1).sum::<usize>();
    for (room, count) in [(two + 1, 2), (two, 1), (two + 5, 2)] {
        let answers = listed(&room.to_string());
        let kept: String = records.iter().take(count).map(|record| format!("{record}|")).collect();
        assert_eq!(answers.first(), Some(&(0, kept)), "{room}");
    }
    let (newest, last) = (*records.first().expect("four"), times.last().expect("four").as_str());
    assert!(newest.contains(last), "{records:?}");
    let small = listed(&records.first().map_or(0, |record| record.len()).to_string());
    assert_eq!(small.first().map(|(code, _)| *code), Some(-42), "not even one fits: {small:?}");
    // A whole file among others gives way, they do not.
    let answers = listed(&(two + 1 + "$A12345674|$".len()).to_string());
    let (code, text) = answers.get(1).expect("two calls");
    assert_eq!((*code, text.matches('^').count() > 0), (0, true), "{text}");
    assert!(text.starts_with(newest) && text.ends_with("|$A12345674|$"), "{text}");
}
