//! How many points of a sweep a run looks at: all of them on a file; on a PostgreSQL server, where each costs several times as
//! much, a spread sample, unless `ISSUER_TEST_SWEEP=whole` asks for all (`make soak` does).
//!
//! The points are the same in every run: what a sample finds once it finds again.

/// The distance between two points that are looked at; `sampled` on a server.
pub(crate) fn stride(sampled: usize) -> usize {
    let on_server = std::env::var_os("ISSUER_TEST_POSTGRES").is_some();
    let whole = std::env::var("ISSUER_TEST_SWEEP").is_ok_and(|word| word == "whole");
    if on_server && !whole { sampled } else { 1 }
}
