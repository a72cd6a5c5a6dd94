//! The money side of the centre as terminals and operators meet it: the real program, its server, its database.

mod centre;
mod day;
mod door;
mod loads;
mod uploads;
