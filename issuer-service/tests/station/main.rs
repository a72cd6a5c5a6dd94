//! The personalization station on software cards of this process, torn at every point.

#[path = "../database/ask.rs"]
mod ask;
mod care;
mod faults;
#[path = "../database/fresh.rs"]
mod fresh;
mod instant;
mod make;
mod money;
mod replace;
mod rig;
mod rollover;
mod tear;
