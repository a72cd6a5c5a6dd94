//! Upload batch: any JSON is read or refused; what was read writes and reads the same.
#![no_main]

use settlement::batch::SignedBatch;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Ok(batch) = serde_json::from_slice::<SignedBatch>(bytes) {
        let text = serde_json::to_vec(&batch).expect("a batch can be written");
        assert_eq!(serde_json::from_slice::<SignedBatch>(&text).expect("what was written reads"), batch);
    }
});
