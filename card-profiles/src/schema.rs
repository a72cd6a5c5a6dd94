//! The JSON Schema of a profile text, for editors: completion and first errors while typing.
//!
//! Source: made from the types of the rows by a test, which also holds the file to them; this release carries the file.
//! Owns: the text of the schema. Never: judges a profile (`load`, `lint`).

/// The schema: a whole profile, or an overlay, which may leave any row out.
pub const SCHEMA: &str = include_str!("../../docs/profile.schema.json");

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
    use serde_json::{Value, json};

    use super::SCHEMA;
    use crate::access::Access;
    use crate::builtin::{builtin_text, names};
    use crate::format::Format;
    use crate::profile::Profile;

    impl JsonSchema for Format {
        fn schema_name() -> Cow<'static, str> {
            "Format".into()
        }

        fn json_schema(_: &mut SchemaGenerator) -> Schema {
            json_schema!({
                "type": "string",
                "pattern": "^(b|cn|an|cn-amt|b-amt|b-seq|b-tlv)\\((25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9][0-9]?)\\)$",
                "description": "Format and bytes on the card: an(30)"
            })
        }
    }

    impl JsonSchema for Access {
        fn schema_name() -> Cow<'static, str> {
            "Access".into()
        }

        fn json_schema(_: &mut SchemaGenerator) -> Schema {
            json_schema!({
                "type": "string",
                "pattern": "^(free|never|MAC [A-Z0-9]{3,}|[A-Z0-9]{3,}(( and [A-Z0-9]{3,})*|( or [A-Z0-9]{3,})*))$",
                "description": "free, never, PIN, a key, several joined by and / or, MAC and a key"
            })
        }
    }

    /// The schema as the types give it, with the second form of a text: an overlay.
    fn generated() -> String {
        let whole = serde_json::to_value(schemars::schema_for!(Profile)).expect("JSON");
        let mut overlay = whole.clone();
        let mut definitions = whole["$defs"].clone();
        for (name, definition) in overlay["$defs"].as_object().expect("definitions") {
            let mut partial = definition.clone();
            loosen(&mut partial);
            definitions[format!("{name}Change")] = renamed(partial);
        }
        loosen(&mut overlay);
        let mut overlay = renamed(overlay);
        overlay.as_object_mut().expect("an object").retain(|key, _| key != "$defs" && key != "$schema");
        let file = "^[^./\\\\:][^/\\\\:]*\\.toml$";
        let bases = json!([{"enum": names().collect::<Vec<_>>()}, {"pattern": file}]);
        overlay["properties"]["extends"] = json!({"type": "string", "anyOf": bases});
        overlay["required"] = json!(["extends", "name"]);
        let mut whole = whole;
        whole.as_object_mut().expect("an object").retain(|key, _| key != "$defs" && key != "$schema");
        let schema = json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "title": "Card profile",
            "if": {"required": ["extends"]},
            "then": overlay,
            "else": whole,
            "$defs": definitions,
        });
        format!("{}\n", serde_json::to_string_pretty(&schema).expect("JSON"))
    }

    /// Nothing is required of a row that changes another, and it may carry directives.
    fn loosen(schema: &mut Value) {
        let Some(object) = schema.as_object_mut() else { return };
        object.remove("required");
        if let Some(properties) = object.get_mut("properties").and_then(Value::as_object_mut) {
            properties.insert("remove".to_owned(), json!({"const": true}));
            properties.insert("before".to_owned(), json!({"type": "string"}));
            properties.insert("unset".to_owned(), json!({"type": "array", "items": {"type": "string"}}));
        }
    }

    /// References of a changing row lead to changing rows.
    fn renamed(schema: Value) -> Value {
        match schema {
            Value::Object(object) => object
                .into_iter()
                .map(|(key, value)| match value {
                    Value::String(text) if key == "$ref" => (key, json!(format!("{text}Change"))),
                    value => (key, renamed(value)),
                })
                .collect(),
            Value::Array(list) => list.into_iter().map(renamed).collect(),
            plain => plain,
        }
    }

    /// After a change of the rows: `PROFILE_SCHEMA=write cargo test -p card-profiles schema` writes the file anew.
    #[test]
    fn the_schema_is_the_one_of_the_types() {
        let generated = generated();
        if std::env::var("PROFILE_SCHEMA").is_ok_and(|word| word == "write") {
            let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/profile.schema.json");
            std::fs::write(path, &generated).expect("written");
        } else {
            assert!(generated == SCHEMA, "docs/profile.schema.json is not the schema of the rows: write it anew");
        }
    }

    /// A small reading of the schema: known keys, required keys, references. Enough to hold the built-in texts to it.
    fn check(schema: &Value, value: &Value, root: &Value, place: &str) {
        let text = |key: &str| schema[key].as_str();
        if let Some(name) = text("$ref").and_then(|path| path.strip_prefix("#/$defs/")) {
            return check(&root["$defs"][name], value, root, place);
        }
        if let (Some(required), Some(object)) = (schema["required"].as_array(), value.as_object()) {
            for key in required.iter().filter_map(Value::as_str) {
                assert!(object.contains_key(key), "{place}: {key} is required");
            }
        }
        match (value, schema["properties"].as_object()) {
            (Value::Object(object), Some(properties)) => {
                for (key, value) in object {
                    let inner = properties.get(key).unwrap_or_else(|| panic!("{place}.{key} is not in the schema"));
                    check(inner, value, root, &format!("{place}.{key}"));
                }
            }
            (Value::Array(rows), _) if schema["items"].is_object() => {
                rows.iter().for_each(|row| check(&schema["items"], row, root, place));
            }
            _ => {}
        }
    }

    /// What the grammar refuses in one word, an editor refuses too: of whole rows and of rows that change others.
    #[test]
    fn the_schema_says_what_a_word_may_be() {
        let schema: Value = serde_json::from_str(SCHEMA).expect("JSON");
        let of = |row: &str, key: &str| schema["$defs"][row]["properties"][key].clone();
        for row in ["Df", "DfChange", "Ef", "EfChange"] {
            assert_eq!(of(row, "fid")["pattern"], "^[0-9A-Fa-f]{4}$", "{row}");
        }
        for row in ["Df", "Ef", "Element", "ElementChange", "CertificateFile"] {
            assert_eq!(of(row, "id")["pattern"], "^[A-Za-z0-9_]+$", "{row}");
        }
        for (row, key) in [("MacRows", "purchase_mac1"), ("MacRows", "load_tac"), ("PurseMacRows", "unload_mac3")] {
            assert_eq!(of(row, key)["minItems"], 1, "{row} {key}");
        }
        assert_eq!(of("KeyRow", "length")["enum"], json!([8, 16]));
        assert_eq!(schema["else"]["properties"]["algorithm"]["enum"], json!(["3des", "sm4"]));
        let format = schema["$defs"]["Format"]["pattern"].as_str().expect("a pattern");
        assert!(format.contains("(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9][0-9]?)"), "1 to 255: {format}");
    }

    #[test]
    fn every_builtin_text_follows_the_schema() {
        let schema: Value = serde_json::from_str(SCHEMA).expect("JSON");
        for name in names() {
            let text = builtin_text(name).expect("built in");
            let table: toml::Table = toml::from_str(text).expect("TOML");
            let branch = if table.contains_key("extends") { "then" } else { "else" };
            check(&schema[branch], &serde_json::to_value(table).expect("JSON"), &schema, name);
        }
    }
}
