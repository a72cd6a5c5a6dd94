//! Calls of driver functions as pages and recordings write them, and the texts that they carry: taken apart or refused.
#![no_main]

use card_calls::Value;
use card_calls::text;
use reader_cli::spoken::Spoken;
use serde_json::{Map, Value as Json};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let spoken = serde_json::from_slice::<Map<String, Json>>(bytes).ok().and_then(|object| Spoken::of(&object).ok());
    for value in spoken.iter().flat_map(|spoken| &spoken.values) {
        if let Value::Text(text) = value {
            texts(text);
        }
    }
    texts(&String::from_utf8_lossy(bytes));
});

fn texts(given: &str) {
    let _ = text::CardInfo::parse(given);
    let _ = text::PayInfo::parse(given);
    for address in text::addresses(given).unwrap_or_default() {
        let _ = text::values(given, &address);
    }
    let _ = text::hex_fields("pHex", given, &[8, 16]);
}
