//! What the reader of TOML or JSON says of a text that is none, in Chinese.
//!
//! Source: the sentences of serde's own errors, which are the same for every format.
//! Owns: these sentences. Never: the place, which stands with whoever read the text.

/// The sentence in Chinese; one that is not serde's stays as it was said, in brackets.
#[must_use]
pub fn chinese(message: &str) -> String {
    let message = message.trim();
    known(message).unwrap_or_else(|| format!("此处写法不对（{message}）"))
}

fn known(message: &str) -> Option<String> {
    if let Some(field) = message.strip_prefix("missing field ") {
        return Some(format!("缺少 {field}"));
    }
    if let Some(field) = message.strip_prefix("duplicate field ") {
        return Some(format!("{field} 写了两次"));
    }
    if message == "duplicate key" {
        return Some("同一个键写了两次".to_owned());
    }
    if let Some(rest) = message.strip_prefix("unknown field ") {
        let (field, expected) = rest.split_once(", ")?;
        return Some(format!("不认识 {field}，{}", one_of(expected)?));
    }
    if let Some(rest) = message.strip_prefix("unknown variant ") {
        let (variant, expected) = rest.split_once(", ")?;
        return Some(format!("没有 {variant} 这个取值，{}", one_of(expected)?));
    }
    for (start, zh) in
        [("invalid type: ", "类型不对"), ("invalid value: ", "取值不对"), ("invalid length ", "长度不对")]
    {
        if let Some((given, expected)) = message.strip_prefix(start).and_then(|rest| rest.split_once(", expected ")) {
            return Some(format!("{zh}：写的是 {}，应为 {}", kind(given), kind(expected)));
        }
    }
    None
}

/// "expected one of `a`, `b`", "expected `a` or `b`", "expected `a`", "there are no fields".
fn one_of(expected: &str) -> Option<String> {
    match expected {
        "there are no fields" | "there are no variants" => Some("此处不写任何键".to_owned()),
        _ => {
            let names = expected.strip_prefix("expected ")?;
            let names = names.strip_prefix("one of ").unwrap_or(names);
            Some(format!("应为 {}", names.replace(" or ", "、").replace(", ", "、")))
        }
    }
}

/// The kind of a value, with what stands in it.
fn kind(said: &str) -> String {
    const KINDS: [(&str, &str); 13] = [
        ("a string", "字符串"),
        ("string", "字符串"),
        ("a boolean", "true 或 false"),
        ("boolean", "布尔值"),
        ("a sequence", "数组"),
        ("sequence", "数组"),
        ("a map", "表"),
        ("map", "表"),
        ("floating point", "小数"),
        ("integer", "整数"),
        ("struct", "表"),
        ("array", "数组"),
        ("null", "空值"),
    ];
    let found = KINDS.iter().find_map(|(en, zh)| Some((said.strip_prefix(en)?, zh)));
    match found {
        // `string "x"`, `integer `3``: the kind and what was written.
        Some((rest, zh)) if rest.is_empty() || rest.starts_with(' ') => format!("{zh}{rest}"),
        _ => match said {
            "u8" | "u16" | "u32" | "u64" | "usize" | "i64" | "i32" | "a nonzero u8" | "a nonzero u32" => {
                format!("范围内的整数（{said}）")
            }
            other => other.to_owned(),
        },
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Deserialize, Debug)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only read")]
    struct Row {
        name: String,
        kind: Option<Kind>,
        count: Option<u8>,
    }

    #[derive(Deserialize, Debug)]
    #[serde(rename_all = "lowercase")]
    enum Kind {
        One,
        Two,
    }

    #[test]
    fn what_toml_and_json_say_is_said_in_chinese() {
        for (text, zh) in [
            ("name = 3", "类型不对：写的是 整数 `3`，应为 字符串"),
            ("count = 3", "缺少 `name`"),
            ("name = 'x'\nnosuch = 1", "不认识 `nosuch`，应为 `name`、`kind`、`count`"),
            ("name = 'x'\nkind = 'three'", "没有 `three` 这个取值，应为 `one`、`two`"),
            ("name = 'x'\ncount = 300", "取值不对：写的是 整数 `300`，应为 范围内的整数（u8）"),
            ("name = 'x'\nname = 'y'", "同一个键写了两次"),
        ] {
            let error = toml::from_str::<Row>(text).expect_err(text);
            assert_eq!(chinese(error.message()), zh, "{error}");
        }
        let other = toml::from_str::<Row>("name = x").expect_err("no string");
        assert!(chinese(other.message()).starts_with("此处写法不对（"), "{other}");
        let json = serde_json::from_str::<Row>(r#"{"name": true}"#).expect_err("no string").to_string();
        let said = json.split(" at line").next().expect("a sentence");
        assert_eq!(chinese(said), "类型不对：写的是 布尔值 `true`，应为 字符串");
    }
}
