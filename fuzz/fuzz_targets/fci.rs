//! FCI: any answer to SELECT is read or refused; what was read reads the same again.
#![no_main]

use card_core::fci::Fci;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Ok(fci) = Fci::parse(bytes)
        && fci.df_name.len() <= 16
    {
        assert_eq!(Fci::parse(&fci.encode()), Ok(fci));
    }
});
