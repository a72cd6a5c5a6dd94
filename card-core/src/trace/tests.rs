use proptest::prelude::*;

use super::*;

/// Commands and answers of a log as `command answer`, hexadecimal.
fn said(text: &str) -> Vec<String> {
    Log::parse(text)
        .entries
        .iter()
        .map(|entry| match &entry.event {
            Event::Reader(name) => format!("@{name}"),
            Event::Reset(atr) => format!("={}", hex::encode_upper(atr)),
            Event::Exchange(exchange) => {
                let answer = exchange.answer.as_ref().map_or("-".to_owned(), hex::encode_upper);
                format!("{} {answer}", hex::encode_upper(&exchange.command))
            }
        })
        .collect()
}

const SAID: [&str; 3] = ["=3B6D0000", "00A4000002EF05 9000", "00B2010403 0A01319000"];

#[test]
fn the_log_of_pcsc_lite_is_read_past_its_other_lines() {
    let log = "00000000 debuglog.c:340:DebugLogSetLevel() debug level=debug\n\
        \u{1B}[34m00000012\u{1B}[0m [139925] ifdhandler.c: Card ATR: 3B 6D 00 00 \n\
        00000005 APDU: 00 A4 00 00 02 EF 05 \n00000112 SW: 90 00 \n\
        00000007 winscard_svc.c:320 Received command: TRANSMIT from client 8\n\
        00000003 \u{1B}[35mAPDU: 00 B2 01 04 03 \u{1B}[0m\n00000200 SW: 0A 01 31 90 00 \n";
    assert_eq!(said(log), SAID);
    let junk: Vec<usize> = Log::parse(log).junk.iter().map(|junk| junk.line).collect();
    assert_eq!(junk, [1, 5]);
}

#[test]
fn every_spelling_of_common_tools_says_the_same() {
    for log in [
        "= 3B6D0000\n> 00A4000002EF05\n< 9000\n> 00B2010403\n< 0A01319000",
        "=3B 6D 00 00\n=> 00 A4 00 00 02 EF 05\n<= 90 00\n=> 00 B2 01 04 03\n<= 0A 01 31 90 00",
        "ATR: 3B:6D:00:00\n00A4000002EF05 -> 9000\n00B2010403 -> 0A 01 31 9000",
        "3B6D0000\n00A4000002EF05\n9000\n00B2010403\n0A01319000",
        "3B6D0000\r\n00A4000002EF05 => 9000\r\n00B2010403 => 0A0131 9000\r\n",
        "= 3b6d0000\n> 0x00,0xA4,0x00,0x00,0x02,0xEF,0x05\n<  [] 90 0\n> 00 B2 1 4 3\n< A 1 31 90 0",
        "= 3B6D0000\n> 00 A4 00 00 02 EF 05\n< 90 00 : Normal processing.\n> 00 B2 01 04 03\n< 0A 01 31 90 00 : ok",
        "ATR: 3B6D0000\nA>> T=0 (4+0002) 00A40000 02 EF05\nA<< (0000+2) (4ms) 9000\nA>> T=0 (4) 00B2010403\nA<< (0003+2) (9ms) 0A0131 9000",
        "= 3B6D0000\nC-APDU: 00A4000002EF05\nR-APDU: 9000\nC-APDU: 00B2010403\nR-APDU: 0A01319000",
    ] {
        assert_eq!(said(log), SAID, "{log}");
        assert_eq!(Log::parse(log).junk, [], "{log}");
    }
}

#[test]
fn an_answer_goes_on_in_lines_indented_further() {
    let log =
        "   00B20105FF      -> 0110 4302\n                   0201 33\n                   9000\n   0084000008 -> 6700";
    assert_eq!(said(log), ["00B20105FF 01104302020133".to_owned() + "9000", "0084000008 6700".to_owned()]);
}

#[test]
fn commands_without_answers_are_kept() {
    assert_eq!(
        said("00A4040006D15600000590\n0084000008\n80FA0000080102030405060708"),
        ["00A4040006D15600000590 -", "0084000008 -", "80FA0000080102030405060708 -"]
    );
    assert_eq!(said("> 0084000008\n! CARD_REMOVED\n< 9000"), ["0084000008 -"]);
}

#[test]
fn our_own_lines_name_reader_and_time() {
    let log = Log::parse(
        "# sscard trace 1\n@ 1 Virtual PCD 00 00\n> 0084000008\n< 01020304050607089000\n# at 20 us, took 1204 us\n",
    );
    let Some(Entry { line: 3, event: Event::Exchange(exchange) }) = log.entries.last() else { panic!("{log:?}") };
    assert_eq!(exchange.micros, Some(1204));
    assert_eq!(log.entries[0].event, Event::Reader("1 Virtual PCD 00 00".to_owned()));
}

#[test]
fn junk_has_its_line_and_nothing_of_its_text() {
    let log = Log::parse("> 00A4 0\n\nhello\n< 9000\n> 0084000008\nwelt\n< 6700");
    let expected = [
        Junk { line: 1, reason: JunkReason::NotHex },
        Junk { line: 3, reason: JunkReason::NoTrace },
        Junk { line: 4, reason: JunkReason::AnswerAlone },
        Junk { line: 6, reason: JunkReason::NoTrace },
    ];
    assert_eq!(log.junk, expected);
    assert_eq!(log.entries.len(), 1);
    let long = Log::parse(&format!("> {}", "00".repeat(TRACE_LINE_MAX)));
    assert_eq!(long.junk, [Junk { line: 1, reason: JunkReason::TooLong }]);
}

proptest! {
    #[test]
    fn any_text_is_read_without_panic(text in "(?s)[ -~\u{1B}äあ\n>=<@!#:,()]{0,400}") {
        let log = Log::parse(&text);
        let lines = text.lines().count();
        prop_assert!(log.entries.len() + log.junk.len() <= 2 * lines);
        prop_assert!(log.junk.iter().all(|junk| (1..=lines).contains(&junk.line)));
    }

    #[test]
    fn what_is_written_in_our_marks_is_read_back(exchanges in prop::collection::vec((prop::collection::vec(any::<u8>(), 1..40), prop::collection::vec(any::<u8>(), 1..40)), 0..8)) {
        let text: String = exchanges.iter().map(|(command, answer)| format!("> {}\n< {}\n", hex::encode(command), hex::encode_upper(answer))).collect();
        let read: Vec<(Vec<u8>, Vec<u8>)> = Log::parse(&text).entries.into_iter().filter_map(|entry| match entry.event {
            Event::Exchange(exchange) => Some((exchange.command, exchange.answer?)),
            Event::Reader(_) | Event::Reset(_) => None,
        }).collect();
        prop_assert_eq!(read, exchanges);
    }
}

#[test]
fn times_tabs_and_dumps_of_other_programs_are_read() {
    let log = Log::parse(
        "[12:00:01.250] > 00A40000023F00\n[12:00:01.300] < 6110\n2024-05-01 12:00:02 -> 00C0000010\n\
         00B2010400\t01026A829000\n\
         Sending: 00 B0 95 00 12 \nReceived (SW1=0x90, SW2=0x00):\n\
         01 02 03 04 05 06 07 08 09 0A 0B 0C 0D 0E 0F 10 ................\n41 42                                           AB\n\
         Sending: 00 84 00 00 08 \nReceived (SW1=0x67, SW2=0x00)\n",
    );
    assert_eq!(log.junk, []);
    let said: Vec<(String, Option<String>)> = log
        .entries
        .into_iter()
        .filter_map(|entry| match entry.event {
            Event::Exchange(exchange) => {
                Some((hex::encode_upper(exchange.command), exchange.answer.map(hex::encode_upper)))
            }
            Event::Reader(_) | Event::Reset(_) => None,
        })
        .collect();
    let pair = |command: &str, answer: Option<&str>| (command.to_owned(), answer.map(ToOwned::to_owned));
    assert_eq!(
        said,
        [
            pair("00A40000023F00", Some("6110")),
            pair("00C0000010", None),
            pair("00B2010400", Some("01026A829000")),
            pair("00B0950012", Some("0102030405060708090A0B0C0D0E0F1041429000")),
            pair("0084000008", Some("6700")),
        ]
    );
}
