//! The life of cards after they are made, as the counter works: by the program, on a centre whose cards are made.

#[path = "../database/ask.rs"]
mod ask;
mod desk;
#[path = "../database/fresh.rs"]
mod fresh;
mod loss;
mod moves;
mod succession;
mod sync;
mod sync_hostile;
mod words;
