//! The personalization station on software cards of this process, torn at every point.

mod care;
mod faults;
mod instant;
mod make;
mod money;
mod replace;
mod rig;
mod rollover;
mod tear;
