//! `include/sscarddriver.h` is what the source says: functions from `lib.rs`, codes from the table.
//!
//! Owns: the shape of the header. To write it anew: `SSCARD_WRITE_HEADER=1 cargo test -p sscard-driver --test header`.

use std::fmt::Write;
use std::path::Path;

use sscarddriver::code::ROWS;

const SOURCE: &str = include_str!("../src/lib.rs");

const HEAD: &str = r#"/* sscarddriver.h: the C functions of libsscarddriver.so (sscarddriver.dll).
 *
 * Generated from src/lib.rs and src/code.rs by tests/header.rs; do not edit.
 * Every function returns 0 or a negative code; pOutInfo receives GBK text ended by a zero byte, fields ended by '|',
 * or the message of the code. A refusal by the card is the negative status word: -27266 is 6A82.
 */
#ifndef SSCARDDRIVER_H
#define SSCARDDRIVER_H

#if defined(_WIN32)
#define SSCARD_CALL __stdcall
#else
#define SSCARD_CALL
#endif

/* Bytes of pOutInfo that a caller provides, and the most that SSCARD_OUT_BYTES may ask for. */
#define SSCARD_OUT_BYTES_DEFAULT 1024
#define SSCARD_OUT_BYTES_MAX 4096

#ifdef __cplusplus
extern "C" {
#endif
"#;

const TAIL: &str = r"
#ifdef __cplusplus
}
#endif

#endif
";

#[test]
fn the_header_says_what_the_source_says() {
    let header = header();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("include/sscarddriver.h");
    if std::env::var_os("SSCARD_WRITE_HEADER").is_some() {
        std::fs::write(&path, &header).expect("the header can be written");
    }
    let present = std::fs::read_to_string(&path).expect("the header is checked in");
    assert!(present == header, "include/sscarddriver.h is old; run this test with SSCARD_WRITE_HEADER=1");
    assert_eq!(sscarddriver::output::OUT_BYTES_DEFAULT, 1024);
    assert_eq!(sscarddriver::output::OUT_BYTES_MAX, 4096);
}

fn header() -> String {
    let mut text = HEAD.to_owned();
    let functions = functions();
    assert!(!functions.is_empty(), "no exported function found");
    for (documentation, signature) in functions {
        write!(text, "\n/*{documentation}\n */\n{signature};\n").expect("text grows");
    }
    text.push('\n');
    for row in ROWS {
        writeln!(text, "#define SSCARD_{} ({}) /* {}; {} */", row.name, row.code.0, row.zh.what, row.en.what)
            .expect("text grows");
    }
    text + TAIL
}

/// Comment and C signature of each exported function, in the order of the source.
fn functions() -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut documentation = String::new();
    for line in SOURCE.lines() {
        if let Some(text) = line.strip_prefix("///") {
            write!(documentation, "\n *{text}").expect("text grows");
        } else if let Some(signature) = line.strip_prefix("pub unsafe extern \"system\" fn ") {
            found.push((documentation.split("\n *\n * # Safety").next().unwrap_or_default().to_owned(), c(signature)));
        } else if !line.starts_with("#[") {
            documentation.clear();
        }
    }
    found
}

/// `name(a: c_int, b: *mut c_char) -> c_long {` in C.
fn c(signature: &str) -> String {
    let (name, rest) = signature.split_once('(').expect("a parameter list");
    let (parameters, result) = rest.split_once(") -> ").expect("a result on the same line");
    let parameters: Vec<String> = parameters
        .split(", ")
        .map(|parameter| {
            let (name, kind) = parameter.split_once(": ").expect("a name and a type");
            format!("{}{name}", c_type(kind))
        })
        .collect();
    format!("{}SSCARD_CALL {name}({})", c_type(result.trim_end_matches(" {")), parameters.join(", "))
}

fn c_type(kind: &str) -> &'static str {
    match kind {
        "c_int" => "int ",
        "c_long" => "long ",
        "*mut c_char" => "char *",
        "*const c_char" => "const char *",
        other => panic!("{other} has no C type in this test"),
    }
}
