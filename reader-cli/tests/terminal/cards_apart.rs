//! `trace decode` on logs that do not name their readers, with several cards in them: told apart, or said not to be.

use serde_json::Value;

use crate::shop::Shop;
use crate::traces::lines;

const SSSE: &str = "00A404000F7378312E73682EC9E7BBE1B1A3D5CF -> 9000\n";
/// Readings of two cards: the code of the one, of the other, name and number of the one, of the other.
const CODE_1: &str = "00B2012D12 -> 0110430299D156000005000000133A05F2E3 9000\n";
const CODE_2: &str = "00B2012D12 -> 0110430299D156000005000000991B2C3D4E 9000\n";
const NUMBER_1: &str = "00B2083514 -> 0812313131313131313938313031303131313130 9000\n";
const NUMBER_2: &str = "00B2083514 -> 0812323232323232313937323032303232323230 9000\n";
const NAME_2: &str = "00B2093520 -> 091EC0EECBC40000000000000000000000000000000000000000000000000000 9000\n";
const ATR_1: &str = "ATR: 3B6D000000813147318650430200000013\n";
const ATR_2: &str = "ATR: 3B6D000000813147318650430200000099\n";
const ATR_PSAM: &str = "ATR: 3B7D96000000814D326086439F20908A3736\n";
const CHALLENGE: &str = "0084000008 -> 1122334455667788 9000\n";
/// A PSAM's part in a proof: its environment, its application, a key, a cryptogram.
const PSAM: &str = "\
00A404000F7378312E73682EC9E7BBE1B1A3D5CF -> 6113
00A4040006D15600000590 -> 610A
BFDE670A208650430200000013363339393030737836333030303073681122334455667788 -> 9000
80FA0000081122334455667788 -> 99AABBCCDDEEFF00 9000
";

fn decoded(shop: &Shop, parts: &[&str]) -> Vec<Value> {
    let log = shop.path("two.log");
    std::fs::write(&log, parts.concat()).expect("written");
    lines(&shop.run(&["trace", "decode", &log.display().to_string()]).stdout)
}

/// The card of each exchange with one: its number, or `-`.
fn told(events: &[Value]) -> String {
    let of = |event: &Value| event["card"].as_u64().map_or_else(|| "-".to_owned(), |card| card.to_string());
    events.iter().filter(|event| event["event"] == "exchange").map(of).collect()
}

fn of<'a>(events: &'a [Value], word: &str) -> Vec<&'a Value> {
    events.iter().filter(|event| event["event"] == word).collect()
}

#[test]
fn cards_one_after_the_other_are_told_apart_and_one_card_is_told_as_ever() {
    let shop = Shop::open();
    // Nothing but what they say of themselves.
    let events = decoded(&shop, &[SSSE, CODE_1, NUMBER_1, SSSE, CODE_2, NUMBER_2, NAME_2]);
    assert_eq!(told(&events), "1112222");
    let turns = of(&events, "card");
    assert_eq!((turns[1]["line"].clone(), turns[1]["by"].clone()), (4.into(), "SELECT".into()), "{turns:?}");
    assert_eq!(of(&events, "summary")[0]["cards"], 2);
    // The one that was there before comes back, with resets that name it.
    let back = [ATR_1, SSSE, CODE_1, ATR_2, SSSE, CODE_2, NUMBER_2, ATR_1, SSSE, NUMBER_1, CHALLENGE];
    let events = decoded(&shop, &back);
    assert_eq!(told(&events), "11222111");
    assert!(of(&events, "card").iter().all(|turn| turn["by"] == "RESET"), "{events:?}");
    // A PSAM between them is neither, and its environment begins no card's.
    let events = decoded(&shop, &[SSSE, CODE_1, PSAM, NUMBER_1, SSSE, CODE_2, PSAM, NUMBER_2, NAME_2]);
    assert_eq!((told(&events), of(&events, "card_unknown").len()), ("11----122----22".to_owned(), 0), "{events:?}");
    let events =
        decoded(&shop, &[ATR_1, ATR_PSAM, SSSE, CODE_1, PSAM, NUMBER_1, ATR_2, ATR_PSAM, SSSE, CODE_2, NUMBER_2]);
    assert_eq!(told(&events), "11----1222", "{events:?}");
    // Two readers with names, one of them with two cards, in turn: each goes on where it was.
    let (left, right) = ("@ 1 left\n", "@ 2 right\n");
    let in_turn =
        [left, ATR_1, SSSE, CODE_1, right, ATR_PSAM, SSSE, left, NUMBER_1, ATR_2, SSSE, right, CHALLENGE, left, CODE_2];
    let events = decoded(&shop, &in_turn);
    assert_eq!(told(&events), "11-12-2", "{events:?}");
    let items =
        |card: u64| events.iter().filter(move |event| event["card"] == card && event["items"][0]["place"].is_string());
    assert_eq!((items(1).count(), items(2).count()), (2, 1), "{events:?}");
    // More cards than are counted: the rest cannot be told apart, and nothing takes longer than its lines.
    let many: Vec<String> =
        (0..100).map(|serial| format!("{SSSE}{}", CODE_1.replace("000013", &format!("{serial:06}")))).collect();
    let events = decoded(&shop, &many.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!((&of(&events, "summary")[0]["cards"], of(&events, "card_unknown").len()), (&64.into(), 1));
    // One card, twice selected and once reset, is no two.
    for one in [&[SSSE, CODE_1, SSSE, NUMBER_1, CODE_1][..], &[ATR_1, SSSE, CODE_1, ATR_1, SSSE, CODE_1, NUMBER_1]] {
        let events = decoded(&shop, one);
        assert!(!told(&events).contains(|c: char| c.is_ascii_digit()), "{events:?}");
        assert_eq!((of(&events, "card").len(), &of(&events, "summary")[0]["cards"]), (0, &0.into()));
    }
}

#[test]
fn cards_that_talk_at_once_are_never_taken_for_each_other() {
    let shop = Shop::open();
    // Both selected, then read in turn: only what names its card is that card's.
    let events = decoded(&shop, &[SSSE, SSSE, CODE_1, CODE_2, NUMBER_1, NUMBER_2, NAME_2]);
    assert_eq!(told(&events), "--12---", "{events:?}");
    // What names its card is explained all the same.
    let places = |events: &[Value]| events.iter().filter(|event| event["items"][0]["place"].is_string()).count();
    assert_eq!(places(&events), 5, "{events:?}");
    let unknown = of(&events, "card_unknown");
    let last = unknown.last().expect("it is said");
    assert_eq!((last["line"].clone(), last["last_line"].clone()), (5.into(), 7.into()), "{unknown:?}");
    assert_eq!(last["cards"], serde_json::json!(["1", "2"]));
    // The second card has a number, and then the first one's: whose the rest is, nobody can say.
    let events = decoded(&shop, &[SSSE, CODE_1, NUMBER_1, SSSE, CODE_2, NUMBER_1, NAME_2]);
    assert_eq!(told(&events), "111-2--", "{events:?}");
    // What follows a SELECT and names nobody may be of either.
    let events = decoded(&shop, &[SSSE, CODE_1, SSSE, CODE_2, SSSE, CHALLENGE]);
    assert_eq!(told(&events), "1122--", "{events:?}");
    // Two resets before the first word: either card may be meant.
    let both = [ATR_1, ATR_2, SSSE, CODE_1, SSSE, CHALLENGE, SSSE, CODE_2];
    assert_eq!(told(&decoded(&shop, &both)), "11--22");
    for (language, words) in [("zh", "无法分辨是哪一张卡"), ("en", "which card this is cannot be told")] {
        let path = shop.path("two.log").display().to_string();
        std::fs::write(&path, [SSSE, SSSE, CODE_1, CODE_2, NUMBER_1].concat()).expect("written");
        let text = shop.run_text(language, &["trace", "decode", &path]).stdout;
        assert!(text.contains(words) && text.contains("    5  # "), "{text}");
    }
}
