//! Cards as things: what is held always follows from the journal, whoever moves what, and whatever happens in between.

#[path = "../database/ask.rs"]
mod ask;
mod boxes;
mod check;
#[expect(dead_code, reason = "the desk of the life of cards does more than these tests ask of it")]
#[path = "../life/desk.rs"]
mod desk;
#[path = "../database/fresh.rs"]
mod fresh;
mod parcels;
mod sequences;
