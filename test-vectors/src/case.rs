//! One case: what goes in, what must come out, and where that is known from.
//!
//! Owns: the JSON shape. A file is an array of cases. Fields that are not named here are passed over, so that a file may
//! carry notes of its own.
//! Never: computes.

use serde_json::Value;

/// A case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Case {
    /// Name, unique in its file.
    pub id: String,
    /// Which formula or command.
    pub kind: String,
    /// Key, or what else the kind takes in its place; may be absent for kinds without key.
    pub key: String,
    /// Input.
    pub data: String,
    /// Initial value; absent means zeros.
    pub iv: String,
    /// What must come out.
    pub out: String,
    /// Where `out` is known from; never our own output.
    pub origin: String,
    /// Lines of a conversation with a card, for the kinds that have one.
    pub trace: Vec<String>,
}

/// Why an object is no case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CaseError {
    /// Not an object.
    #[error("not an object")]
    NotObject,
    /// A field is missing.
    #[error("no field {0:?}")]
    Missing(&'static str),
    /// A field is empty.
    #[error("field {0:?} is empty")]
    Empty(&'static str),
    /// A field is not text.
    #[error("field {0:?} is not text")]
    NotText(&'static str),
}

impl Case {
    /// Reads one object.
    ///
    /// # Errors
    /// [`CaseError`].
    pub fn read(value: &Value) -> Result<Self, CaseError> {
        let object = value.as_object().ok_or(CaseError::NotObject)?;
        let optional = |name: &'static str| match object.get(name) {
            None => Ok(String::new()),
            Some(Value::String(text)) => Ok(text.clone()),
            Some(_) => Err(CaseError::NotText(name)),
        };
        let present = |name: &'static str| {
            if object.contains_key(name) { optional(name) } else { Err(CaseError::Missing(name)) }
        };
        let filled = |name: &'static str| {
            present(name).and_then(|text| if text.is_empty() { Err(CaseError::Empty(name)) } else { Ok(text) })
        };
        let trace = match object.get("trace") {
            None => Vec::new(),
            Some(Value::Array(lines)) => lines
                .iter()
                .map(|line| line.as_str().map(str::to_owned).ok_or(CaseError::NotText("trace")))
                .collect::<Result<_, _>>()?,
            Some(_) => return Err(CaseError::NotText("trace")),
        };
        Ok(Self {
            id: filled("id")?,
            kind: filled("kind")?,
            key: optional("key")?,
            data: present("data")?,
            iv: optional("iv")?,
            out: filled("out")?,
            origin: filled("origin")?,
            trace,
        })
    }

    /// How to call an object that may be no case: its id, or its place from 1.
    #[must_use]
    pub fn name(value: &Value, place: usize) -> String {
        value.get("id").and_then(Value::as_str).filter(|id| !id.is_empty()).map_or(format!("#{place}"), str::to_owned)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_case_needs_its_fields_as_text() {
        let good = json!({"id": "a", "kind": "fold", "key": "00", "data": "", "out": "00", "origin": "x", "note": 1});
        assert!(Case::read(&good).is_ok());
        for field in ["id", "kind", "data", "out", "origin"] {
            let mut without = good.clone();
            without.as_object_mut().expect("an object").remove(field);
            assert_eq!(Case::read(&without), Err(CaseError::Missing(field)));
            let mut number = good.clone();
            number[field] = json!(7);
            assert_eq!(Case::read(&number), Err(CaseError::NotText(field)));
        }
        for field in ["id", "kind", "out", "origin"] {
            let mut empty = good.clone();
            empty[field] = json!("");
            assert_eq!(Case::read(&empty), Err(CaseError::Empty(field)));
        }
        assert_eq!(Case::read(&json!([])), Err(CaseError::NotObject));
        assert_eq!(Case::name(&json!({"id": ""}), 3), "#3");
    }
}
