//! How many points of a sweep a run looks at: all of them, or a spread sample where each is dear, on a PostgreSQL server more often than on
//! a file; `ISSUER_TEST_SWEEP=whole` asks for all (`make soak` does).
//!
//! The points are the same in every run: what a sample finds once it finds again.

/// The distance between two points that are looked at, on a file and on a server.
pub(crate) fn stride(file: usize, server: usize) -> usize {
    let on_server = std::env::var_os("ISSUER_TEST_POSTGRES").is_some();
    let whole = std::env::var("ISSUER_TEST_SWEEP").is_ok_and(|word| word == "whole");
    if whole {
        1
    } else if on_server {
        server
    } else {
        file
    }
}
