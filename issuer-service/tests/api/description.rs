//! The description for programs is what the program makes, and leaves out no path and no code.

use std::collections::BTreeSet;
use std::path::Path;

use issuer_service::http::api::{ENDPOINTS, description};
use serde_json::Value;

#[test]
fn the_description_that_is_kept_is_the_one_that_is_made() {
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("openapi.json");
    assert!(
        std::fs::read_to_string(kept).expect("openapi.json") == description::text(),
        "issuer api openapi > issuer-service/openapi.json"
    );
}

#[test]
fn every_endpoint_and_every_schema_that_is_named_stands_in_it() {
    let text = description::text();
    let made: Value = serde_json::from_str(&text).expect("JSON");
    for endpoint in ENDPOINTS.iter().copied().flatten() {
        let said = &made["paths"][endpoint.path][endpoint.method.name().to_lowercase()];
        assert_eq!(said["operationId"], endpoint.id);
        assert_eq!(said["requestBody"].is_object(), endpoint.work().takes().0.is_some(), "{}", endpoint.id);
    }
    let schemas = made["components"]["schemas"].as_object().expect("schemas");
    let named: BTreeSet<&str> =
        text.split("\"#/components/schemas/").skip(1).map(|rest| rest.split('"').next().expect("a name")).collect();
    assert!(named.len() > 20);
    assert!(named.iter().all(|name| schemas.contains_key(*name)), "{named:?}");
    assert!(!text.contains("$defs"));
}

/// Codes of errors as the sources spell them: in every `code` of an `Explain`.
fn spelt(folder: &Path, into: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(folder).expect("folder") {
        let path = entry.expect("entry").path();
        if path.is_dir() {
            spelt(&path, into);
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        for errors in text.split("\nimpl Explain for").skip(1) {
            let errors = errors.split("\n}").next().expect("a block");
            let Some((_, codes)) = errors.split_once("fn code(&self) -> &'static str {") else { continue };
            let codes = codes.split("\n    }").next().expect("a function");
            let words = codes.split('"').skip(1).step_by(2);
            into.extend(words.filter(|word| word.len() > 3 && !word.contains(char::is_lowercase)).map(str::to_owned));
        }
    }
}

#[test]
fn every_code_of_the_programs_errors_is_named_in_it() {
    let mut known = BTreeSet::new();
    spelt(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut known);
    assert!(known.len() > 300, "{}", known.len());
    let made: Value = serde_json::from_str(&description::text()).expect("JSON");
    let named = made["components"]["schemas"]["Problem"]["properties"]["code"]["enum"].as_array().expect("codes");
    let named: BTreeSet<String> = named.iter().map(|code| code.as_str().expect("a code").to_owned()).collect();
    let (missing, gone): (Vec<_>, Vec<_>) = (known.difference(&named).collect(), named.difference(&known).collect());
    assert!(
        missing.is_empty() && gone.is_empty(),
        "src/http/api/codes.txt lacks {missing:?}, and these are none: {gone:?}"
    );
}
