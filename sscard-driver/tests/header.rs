//! `include/sscarddriver.h` is what the tables say, and the library exports what the header says.
//!
//! Owns: the shape of the header. To write it anew: `SSCARD_WRITE_HEADER=1 cargo test -p sscard-driver --test header`.

use std::fmt::Write;
use std::path::Path;

use card_calls::code::ROWS;
use card_calls::output::{OUT_BYTES_DEFAULT, OUT_BYTES_MAX};
use card_calls::{FUNCTIONS, Function, Kind};
use sscarddriver::EXPORTS;

const HEAD: &str = r#"/* sscarddriver.h: the C functions of libsscarddriver.so (sscarddriver.dll).
 *
 * Generated from the tables of functions and codes by tests/header.rs; do not edit.
 * Every function returns 0 or a negative code; pOutInfo receives GBK text ended by a zero byte, fields ended by '|',
 * or the message of the code. A refusal by the card is the negative status word: -27266 is 6A82.
 * iType: 1 contact, 2 contactless, 3 either with contact first, 4 either with contactless first.
 * Texts are GBK; what each function reads and writes is described in README.md.
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
    assert_eq!((OUT_BYTES_DEFAULT, OUT_BYTES_MAX), (1024, 4096));
}

#[test]
fn every_function_of_the_table_is_exported_with_its_parameters() {
    let kind = |kind: Kind| match kind {
        Kind::Number => "number",
        Kind::Text | Kind::Secret => "text",
        Kind::Out => "out",
    };
    let table: Vec<(&str, Vec<(&str, &str)>)> = FUNCTIONS
        .iter()
        .map(|row| (row.name, row.parameters.iter().map(|given| (given.name, kind(given.kind))).collect()))
        .collect();
    let exports: Vec<(&str, Vec<(&str, &str)>)> = EXPORTS.iter().map(|(name, list)| (*name, list.to_vec())).collect();
    assert_eq!(exports, table);
}

fn header() -> String {
    let mut text = HEAD.to_owned();
    for function in FUNCTIONS {
        write!(text, "\n/* {} */\n{};\n", function.purpose, signature(function)).expect("text grows");
    }
    text.push('\n');
    for row in ROWS {
        writeln!(text, "#define SSCARD_{} ({}) /* {}; {} */", row.name, row.code.0, row.zh.what, row.en.what)
            .expect("text grows");
    }
    text + TAIL
}

/// `long SSCARD_CALL name(int a, const char *b, char *c)`.
fn signature(function: &Function) -> String {
    let parameters: Vec<String> = function
        .parameters
        .iter()
        .map(|parameter| match parameter.kind {
            Kind::Number => format!("int {}", parameter.name),
            Kind::Text | Kind::Secret => format!("const char *{}", parameter.name),
            Kind::Out => format!("char *{}", parameter.name),
        })
        .collect();
    format!("long SSCARD_CALL {}({})", function.name, parameters.join(", "))
}
