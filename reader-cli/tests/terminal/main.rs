//! The program `sscard` on the real PC/SC daemon, with software cards and a small centre.

mod accepted;
mod actor;
mod bridge;
#[path = "../support/cards.rs"]
mod cards;
mod cards_apart;
mod catalogues;
mod centre;
mod certificates;
mod desks;
mod faults;
mod generations;
mod journeys;
mod judged;
mod kiosk;
mod limits;
mod national;
mod online;
mod papers;
mod pin_orders;
mod refunds;
mod refusals;
mod remote;
mod secrets;
mod shell;
mod shop;
mod traces;
