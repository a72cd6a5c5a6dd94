//! A call of a driver function as pages and recordings write it: `{"function":"iReadCardBas","iType":3}`.
//!
//! Source: JSON of the conventional bridge: the function's name, its parameters by their names.
//! Owns: what such an object means. Never: calls; says what an argument was, it may be a PIN.

use card_calls::function::Kind;
use card_calls::{Failure, Function, Value};
use serde_json::{Map, Value as Json};
use zeroize::Zeroizing;

/// Name of the function in the object.
pub const FUNCTION: &str = "function";

/// A call.
#[derive(Debug)]
pub struct Spoken {
    /// What is called.
    pub function: &'static Function,
    /// Its arguments, in the order of its inputs.
    pub values: Vec<Value>,
}

impl Spoken {
    /// The call of an object; members that are no parameter of the function are left to whoever wrote them.
    ///
    /// # Errors
    /// [`Failure`]: no such function, an argument of another kind.
    pub fn of(object: &Map<String, Json>) -> Result<Self, Failure> {
        let name = object.get(FUNCTION).and_then(Json::as_str).unwrap_or_default();
        let function = Function::named(name).ok_or_else(|| Failure::Function(name.chars().take(64).collect()))?;
        let values = function.inputs().map(|input| value(input.name, input.kind, object.get(input.name)));
        Ok(Self { function, values: values.collect::<Result<_, _>>()? })
    }
}

/// Pages write numbers as text too.
fn value(name: &'static str, kind: Kind, given: Option<&Json>) -> Result<Value, Failure> {
    let wrong = |expected| Failure::Argument { name, expected };
    match (kind, given) {
        (_, None | Some(Json::Null)) => Ok(Value::Absent),
        (Kind::Number | Kind::Byte, Some(Json::Number(number))) => {
            let number = number.as_i64().and_then(|number| i32::try_from(number).ok());
            number.map(Value::Number).ok_or_else(|| wrong("a number"))
        }
        (Kind::Number | Kind::Byte, Some(Json::String(text))) => {
            text.trim().parse().map(Value::Number).map_err(|_| wrong("a number"))
        }
        (Kind::Text | Kind::Secret | Kind::Bytes, Some(Json::String(text))) => {
            Ok(Value::Text(Zeroizing::new(text.clone())))
        }
        (Kind::Number | Kind::Byte, Some(_)) => Err(wrong("a number")),
        (_, Some(_)) => Err(wrong("a text")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn spoken(json: &Json) -> Result<Spoken, Failure> {
        Spoken::of(json.as_object().expect("an object"))
    }

    #[test]
    fn parameters_are_found_by_their_names_and_numbers_may_be_texts() {
        let call =
            spoken(&json!({"pFileAddr": "SSSEEF05|07|$", "iAuthType": "2", "function": "iReadCard", "iType": 3}))
                .expect("a call");
        let [interface, proofs, card, file] = call.values.as_slice() else { panic!("four inputs") };
        assert_eq!((interface, proofs, card), (&Value::Number(3), &Value::Number(2), &Value::Absent));
        assert!(matches!(file, Value::Text(text) if text.as_str() == "SSSEEF05|07|$"));
    }

    #[test]
    fn what_is_no_call_says_so_and_never_what_was_given() {
        for (json, code) in [
            (json!({}), -13),
            (json!({"function": "iNoSuch"}), -13),
            (json!({"function": "iReadCardBas", "iType": "three"}), -14),
            (json!({"function": "iReadCardBas", "iType": 3.5}), -14),
            (json!({"function": "iPKBVerifyPIN", "iType": 3, "pPin": 864_213}), -14),
        ] {
            let failure = spoken(&json).expect_err("no call");
            assert_eq!(failure.code().0, code, "{json}");
            assert!(!failure.to_string().contains("864213"), "{failure}");
        }
    }
}
