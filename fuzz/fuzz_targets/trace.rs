//! Traces: any log is read, explained and redacted; what was redacted is read again with the same lengths and status words.
#![no_main]

use std::sync::LazyLock;

use card_core::trace::{Event, Log};
use card_core::transport::replay::Replay;
use card_profiles::trace::Decoder;
use card_profiles::trace::cards::{Cards, Whose};
use card_profiles::trace::redact::Redactor;
use libfuzzer_sys::fuzz_target;

static DECODER: LazyLock<Decoder> = LazyLock::new(Decoder::new);

fuzz_target!(|bytes: &[u8]| {
    let text = String::from_utf8_lossy(bytes);
    let _ = Replay::parse(&text);
    let mut redactor = Redactor::new(DECODER.clone());
    let log = Log::parse(&text);
    let cards = Cards::of(DECODER.clone(), &log.entries);
    for turn in (0..log.entries.len()).filter_map(|entry| cards.turn(entry)) {
        let is_exchange = |at: usize| matches!(log.entries[at].event, Event::Exchange(_));
        assert!(turn.exchanges.0 <= turn.exchanges.1 && is_exchange(turn.exchanges.0) && is_exchange(turn.exchanges.1));
        assert!(!matches!(turn.whose, Whose::Card(card) if card == 0));
    }
    for entry in log.entries {
        match entry.event {
            Event::Reader(name) => redactor.reader(&name),
            Event::Reset(atr) => assert_eq!(redactor.reset(&atr).len(), atr.len()),
            Event::Exchange(exchange) => {
                let answer = exchange.answer.as_deref();
                let (command, safe, explained) = redactor.exchange(&exchange.command, answer);
                assert_eq!(command.len(), exchange.command.len());
                assert_eq!(safe.as_ref().map(Vec::len), answer.map(<[u8]>::len));
                // Data that stands in the place of an answer has no status word.
                if explained.status.is_some() {
                    assert_eq!(
                        safe.as_ref().and_then(|safe| safe.last_chunk::<2>()),
                        answer.and_then(|answer| answer.last_chunk::<2>())
                    );
                }
                for part in &explained.parts {
                    let _ = part.value(&exchange.command);
                    let _ = part.value(answer.unwrap_or_default());
                }
            }
        }
    }
});
