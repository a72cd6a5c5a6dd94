//! What a city and a centre hand out as files: policy, catalogue, blacklist, limits. Any text is read or refused with its lines.
#![no_main]

use settlement::blacklist::SignedBlacklist;
use settlement::catalogue::Catalogue;
use settlement::parameters::SignedParameters;
use settlement::policy::Policy;

libfuzzer_sys::fuzz_target!(|text: &str| {
    let _ = Policy::parse(text).map_err(|faults| assert!(!faults.is_empty()));
    let _ = Catalogue::parse(text).map_err(|faults| assert!(!faults.is_empty()));
    match SignedBlacklist::parse(text) {
        Ok(list) => {
            assert!(SignedBlacklist::parse(&list.to_text()).is_ok_and(|again| again.to_text() == list.to_text()))
        }
        Err(place) => assert!(place.line <= text.lines().count() + 1),
    }
    if let Ok(limits) = serde_json::from_str::<SignedParameters>(text) {
        let written = serde_json::to_string(&limits).expect("limits can be written");
        assert!(serde_json::from_str::<SignedParameters>(&written).is_ok());
    }
});
