//! The program `sscard` and a national centre for rehearsal, over HTTP.

mod faults;
mod journeys;
mod till;
