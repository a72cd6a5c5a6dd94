//! One change, and exactly what must follow: a byte on a card, a word of a profile.
//!
//! The card is the software card, made and personalized from the same profile.

mod cells;
mod fields;
mod leaves;
mod outputs;
mod outside;
mod rehearsal;
mod stored_bytes;
