//! Backups taken while the centre works, brought back, and everything that can go wrong between.

#[path = "../database/ask.rs"]
mod ask;
#[expect(dead_code, reason = "shared with the tests of the registry, which need more of it")]
#[path = "../registry/bureau.rs"]
mod bureau;
#[path = "../photo/drawn.rs"]
mod drawn;
#[path = "../database/fresh.rs"]
mod fresh;
mod hostile;
mod kill;
mod round;
