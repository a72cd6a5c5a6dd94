//! The door of operators: who is let in, who may do what there, and what is asked over HTTP.

#[path = "../database/ask.rs"]
mod ask;
mod base32;
mod description;
mod door;
#[path = "../photo/drawn.rs"]
mod drawn;
#[path = "../database/fresh.rs"]
mod fresh;
mod fuzz;
mod machine;
mod matrix;
mod office;
mod pages;
mod programs;
mod refused;
mod resources;
