//! `sscard conform`: the software card passes whole, and a table of wrong cards shows that every kind of case can fail.

mod bench;
#[path = "../support/cards.rs"]
mod cards;
mod caught;
mod damaged;
mod hostile;
mod interrupted;
mod mutants;
mod program;
mod unasked;
mod whole;
mod wrong_card;
