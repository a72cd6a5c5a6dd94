//! Files exchanged with a bank and a factory: what leaves, what comes back, and what must not.

#[path = "database/ask.rs"]
mod ask;
#[path = "exchange/folder.rs"]
mod folder;
#[path = "database/fresh.rs"]
mod fresh;
#[path = "exchange/hostile.rs"]
mod hostile;
#[path = "exchange/partner.rs"]
mod partner;
#[path = "exchange/round.rs"]
mod round;
