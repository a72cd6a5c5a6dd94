//! Record TLV: any bytes end, and what was read encodes to the same bytes.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let mut again = Vec::new();
    for item in card_core::tlv::items(bytes) {
        let Ok(item) = item else { break };
        again.extend(card_core::tlv::encode(item.tag, item.value));
    }
    assert!(bytes.starts_with(&again));
});
