//! Flows of the counter against software cards in this process: every tear, every failed write, exactly once.

mod blanks;
#[path = "../support/cards.rs"]
mod cards;
mod dying;
mod judged;
mod loads;
mod purchases;
mod refunds;
mod stand;
mod taps;
