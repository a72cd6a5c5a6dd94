//! The money side of the centre as terminals and operators meet it: the real program, its server, its database.

#[path = "../database/ask.rs"]
mod ask;
mod catalogues;
mod centre;
mod closed_before;
mod day;
mod decisions;
mod door;
#[path = "../database/fresh.rs"]
mod fresh;
#[path = "../database/hold.rs"]
mod hold;
mod joined;
mod kiosk;
mod lists;
mod loads;
mod numbers;
mod parameters;
mod pins;
mod psams;
mod receipts;
mod refunds;
mod sales;
mod succession;
mod take_backs;
mod torn;
mod uploads;
