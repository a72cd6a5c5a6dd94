//! How to talk to a social security card (社会保障卡): bytes, commands, readers, keys.
//!
//! Owns: APDUs and status words, TLV, ATR and FCI, transports, the session that carries commands, the DES and SM4
//! primitives, key diversification and the [`SecurityModule`](security::SecurityModule) boundary.
//! Never: knows a profile, JSON, a database, an async runtime or a clock.

pub mod algorithm;
pub mod apdu;
pub mod atr;
pub mod command;
pub mod crypto;
pub mod fci;
pub mod identify;
pub mod key;
pub mod limits;
pub mod notebook;
pub mod pin;
pub mod play;
pub mod script;
pub mod secure;
pub mod security;
pub mod session;
pub mod status;
pub mod tlv;
pub mod trace;
pub mod transport;
pub mod tries;
pub mod wire;

pub use apdu::{Command, Response};
pub use atr::Atr;
pub use session::{Session, SessionError};
pub use status::StatusWord;
pub use transport::{Transport, TransportError};
