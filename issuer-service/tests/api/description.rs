//! The description for programs is what the program makes, and leaves out no path and no code.

use std::collections::BTreeSet;
use std::path::Path;

use issuer_service::http::api::{ENDPOINTS, description};
use serde_json::Value;
use settlement::code::ErrorCode;

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

/// Every text that comes in by a schema, by the path to it.
fn texts(all: &Value, schema: &Value, at: &str, into: &mut Vec<(String, Value)>) {
    if let Some(name) = schema["$ref"].as_str().and_then(|name| name.rsplit('/').next()) {
        return texts(all, &all[name], at, into);
    }
    for choice in ["oneOf", "anyOf"] {
        schema[choice].as_array().into_iter().flatten().for_each(|choice| texts(all, choice, at, into));
    }
    for (name, below) in schema["properties"].as_object().into_iter().flatten() {
        texts(all, below, &format!("{at}.{name}"), into);
    }
    let kinds: Vec<&str> = match &schema["type"] {
        Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).collect(),
        kind => kind.as_str().into_iter().collect(),
    };
    if kinds.contains(&"string") {
        into.push((at.to_owned(), schema.clone()));
    }
}

#[test]
fn every_text_that_comes_in_has_its_bound_and_every_list() {
    let made: Value = serde_json::from_str(&description::text()).expect("JSON");
    let all = &made["components"]["schemas"];
    let mut found = Vec::new();
    for (path, methods) in made["paths"].as_object().expect("paths") {
        for (method, said) in methods.as_object().expect("methods") {
            let at = format!("{method} {path}");
            for parameter in said["parameters"].as_array().into_iter().flatten() {
                let name = parameter["name"].as_str().expect("a name");
                texts(all, &parameter["schema"], &format!("{at} {name}"), &mut found);
            }
            texts(all, &said["requestBody"]["content"]["application/json"]["schema"], &at, &mut found);
        }
    }
    assert!(found.len() > 60, "{}", found.len());
    for (at, text) in found {
        let is_bound = ["maxLength", "enum", "const"].iter().any(|bound| !text[bound].is_null());
        // The key of a request has a pattern that says how long it is.
        let is_key = text["pattern"].as_str().is_some_and(|pattern| pattern.ends_with("{8,64}$"));
        assert!(is_bound || is_key, "{at}: {text}");
    }
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
    // What clearing tells terminals it tells operators too.
    let told = ErrorCode::ALL.iter().filter(|code| **code != ErrorCode::Unknown);
    known.extend(told.map(|code| code.as_str().to_owned()));
    let made: Value = serde_json::from_str(&description::text()).expect("JSON");
    let named = made["components"]["schemas"]["Problem"]["properties"]["code"]["enum"].as_array().expect("codes");
    let named: BTreeSet<String> = named.iter().map(|code| code.as_str().expect("a code").to_owned()).collect();
    let (missing, gone): (Vec<_>, Vec<_>) = (known.difference(&named).collect(), named.difference(&known).collect());
    assert!(
        missing.is_empty() && gone.is_empty(),
        "src/http/api/codes.txt lacks {missing:?}, and these are none: {gone:?}"
    );
}
