//! What the server says: where it listens, or why not, in Chinese and English.
//!
//! Owns: standard output and standard error of the server. Never: prints a token, a call or an answer.

use std::io::Write as _;

use crate::server::ServerError;

/// How it is called.
pub fn usage() {
    error_line(
        "用法: sscard-driver-server unix:路径 | 127.0.0.1:端口",
        "usage: sscard-driver-server unix:PATH | 127.0.0.1:PORT",
    );
}

/// Where it listens.
pub fn listening(address: &str) {
    let mut out = std::io::stdout().lock();
    // Whoever started it may not read; it serves all the same.
    let _ = writeln!(out, "{address}").and_then(|()| out.flush());
}

/// Why it does not listen.
pub fn error(error: &ServerError) {
    match error {
        ServerError::Address(given) => error_line(
            &format!("地址写法不对（{given}）；请写 unix:路径 或 127.0.0.1:端口，不接受其他机器的连接"),
            &format!(
                "the address is wrong ({given}); write unix:PATH or 127.0.0.1:PORT, other machines cannot connect"
            ),
        ),
        ServerError::Token => error_line(
            "端口需要口令：请把至少 16 个字节写入文件，并设置 SSCARD_SERVER_TOKEN_FILE",
            "a port needs a token: write at least 16 bytes to a file and set SSCARD_SERVER_TOKEN_FILE",
        ),
        ServerError::Listen { .. } => error_line(
            &format!("不能监听（{error}）；请换一个地址，或结束占用它的程序"),
            &format!("cannot listen ({error}); choose another address, or end the program that has it"),
        ),
    }
}

fn error_line(zh: &str, en: &str) {
    let language = std::env::var("SSCARD_LANG").unwrap_or_default();
    // Nobody to tell: the exit code says it too.
    let _ = writeln!(std::io::stderr().lock(), "{}", if language == "en" { en } else { zh });
}
