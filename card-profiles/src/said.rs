//! What the reader of TOML or JSON says of a text that is none, in Chinese.
//!
//! Source: the sentences of serde's own errors, which are the same for every format; those of the reader of TOML; our own of the
//! words of a profile, which reach the author through it.
//! Owns: these sentences. Never: the place, which stands with whoever read the text.

/// Sentences and the same in Chinese; `{}` is what was written, a name or what else there is.
const SENTENCES: [(&str, &str); 29] = [
    (
        "{} is no name of a profile: write 1 to 64 letters A to Z, a to z, digits, '.', '_' and '-', a letter or digit first",
        "{} 不能作卡片描述的名称：用 1 至 64 个英文字母、数字、'.'、'_' 和 '-'，首位为字母或数字",
    ),
    ("{} is no id: write letters A to Z, a to z, digits and _ only", "{} 不能作代号：只用英文字母、数字和 _"),
    ("{} is neither {} nor {}", "{} 既不是 {}，也不是 {}"),
    (
        "the card uses SSF33, an algorithm that is not public; only free files can be read",
        "SSF33 的算法没有公开，不能用于描述",
    ),
    ("{} is a text in quotes", "{} 应为加引号的文字"),
    ("string values must be quoted", "文字须加引号"),
    ("invalid boolean", "此处不是 true 或 false；文字须加引号"),
    ("missing opening quote", "缺少开头的引号"),
    ("invalid basic string", "文字中有不允许的字符，或缺少结尾的引号"),
    ("missing comma between array elements", "列表各项之间缺少逗号"),
    ("missing comma between key-value pairs", "表的各键之间缺少逗号"),
    ("missing assignment between key-value pairs", "键与值之间缺少等号"),
    ("key with no value", "键后没有值"),
    ("missing value for key", "键后没有值"),
    ("unexpected key or value", "此处多写了内容"),
    ("unclosed table", "表名缺少结尾的 ]"),
    ("unclosed array table", "表名缺少结尾的 ]]"),
    ("unclosed array", "列表缺少结尾的 ]"),
    ("unclosed inline table", "表缺少结尾的 }"),
    ("{} mixes and / or; use one of them", "{} 混用了 and 和 or；只能用其中一种"),
    ("{}: a MAC is made with a key, not with the PIN", "{}：MAC 用密钥计算，不用个人口令"),
    ("{}: {} joins no conditions; write and, or or", "{}：{} 不能连接条件；应写 and 或 or"),
    (
        "{} is no access condition: write free, never, PIN, a key, joined by and / or; or MAC and a key",
        "{} 不是访问条件：应写 free、never、PIN 或密钥名，用 and 或 or 连接；或写 MAC 和密钥名",
    ),
    ("{} is neither PIN nor a key name", "{} 既不是 PIN，也不是密钥名"),
    ("{} is no format: write {}, n from 1 to 255", "{} 不是数据格式：应写 {}，n 为 1 到 255"),
    ("{} is not hexadecimal bytes", "{} 不是十六进制字节"),
    ("{} is not a file identifier of four hex digits", "{} 不是四位十六进制的文件标识符"),
    ("a key has 8 or 16 bytes, not {}", "密钥为 8 或 16 字节，不能是 {}"),
    ("{} where {} is expected", "写的是 {}，应为 {}"),
];

/// The sentence in Chinese; one that is not known stays as it was said, in brackets.
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
    // What the reader of TOML expected besides is signs.
    let sentence = |message: &str| SENTENCES.iter().find_map(|(en, zh)| Some(filled(zh, &holes(en, message)?)));
    sentence(message).or_else(|| sentence(message.split_once(", expected ")?.0))
}

/// What stands in the holes of a sentence; `None` when it is another one.
fn holes<'m>(sentence: &str, message: &'m str) -> Option<Vec<&'m str>> {
    let mut parts = sentence.split("{}");
    let mut rest = message.strip_prefix(parts.next()?)?;
    let mut holes = Vec::new();
    let mut parts = parts.peekable();
    while let Some(part) = parts.next() {
        // The last part ends the message, and so does a hole without one.
        let (hole, after) = match parts.peek() {
            Some(_) => rest.split_once(part)?,
            None => (rest.strip_suffix(part)?, ""),
        };
        holes.push(hole);
        rest = after;
    }
    rest.is_empty().then_some(holes)
}

fn filled(sentence: &str, holes: &[&str]) -> String {
    let mut parts = sentence.split("{}");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.zip(holes).fold(first, |said, (part, hole)| said + hole + part)
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
    fn what_was_written_stands_in_the_sentence() {
        assert_eq!(
            chinese("\"a\": \"with\" joins no conditions; write and, or or"),
            "\"a\"：\"with\" 不能连接条件；应写 and 或 or"
        );
        assert_eq!(chinese("a key has 8 or 16 bytes, not 24"), "密钥为 8 或 16 字节，不能是 24");
        assert_eq!(holes("a {} b", "a b"), None);
        assert_eq!(holes("a {}", "a x"), Some(vec!["x"]));
        for (en, zh) in SENTENCES {
            assert_eq!(en.matches("{}").count(), zh.matches("{}").count(), "{en}");
        }
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
        assert_eq!(chinese(other.message()), "文字须加引号", "{other}");
        assert_eq!(chinese("the moon is full"), "此处写法不对（the moon is full）");
        let json = serde_json::from_str::<Row>(r#"{"name": true}"#).expect_err("no string").to_string();
        let said = json.split(" at line").next().expect("a sentence");
        assert_eq!(chinese(said), "类型不对：写的是 布尔值 `true`，应为 字符串");
    }
}
