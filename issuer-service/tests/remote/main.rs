//! Stations at the other end of a TLS line: whole days, lines that break at every message, peers that are not who they say.

#[path = "../database/ask.rs"]
mod ask;
mod certificate;
mod cut;
#[path = "../photo/drawn.rs"]
mod drawn;
mod edge;
#[path = "../database/fresh.rs"]
mod fresh;
mod hall;
mod intruder;
mod lease;
mod outcome;
#[path = "../station/rig.rs"]
#[expect(dead_code, reason = "the readers that are torn have more to ask of it")]
mod rig;
mod run;
mod secrets;
#[path = "../database/sweep.rs"]
mod sweep;
mod terminal;
