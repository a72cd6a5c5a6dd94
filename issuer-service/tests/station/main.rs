//! The personalization station on software cards of this process, torn at every point.

mod aside;
#[path = "../database/ask.rs"]
mod ask;
mod backup;
mod care;
#[path = "../photo/drawn.rs"]
mod drawn;
mod faults;
#[path = "../database/fresh.rs"]
mod fresh;
mod instant;
mod make;
mod meanwhile;
mod money;
mod photo;
mod pin;
mod print;
mod replace;
mod rig;
mod rollover;
mod seen;
mod supply;
#[path = "../database/sweep.rs"]
mod sweep;
mod tear;
mod update;
