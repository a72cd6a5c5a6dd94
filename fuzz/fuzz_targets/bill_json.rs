//! Bill: any JSON is read or refused; what was read writes and reads the same.
#![no_main]

use settlement::bill::Bill;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Ok(bill) = Bill::parse(bytes) {
        let text = serde_json::to_vec(&bill).expect("a bill can be written");
        assert_eq!(Bill::parse(&text).expect("what was written reads"), bill);
    }
});
