//! ATR: any answer to reset is read or refused; historical bytes are part of it.
#![no_main]

use card_core::Atr;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Ok(atr) = Atr::parse(bytes) {
        let historical = atr.historical();
        assert!(historical.is_empty() || bytes.windows(historical.len()).any(|window| window == historical));
        assert_eq!(atr.card_factor().is_ok(), historical.len() >= 8);
    }
});
