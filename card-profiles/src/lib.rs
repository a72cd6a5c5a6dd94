//! What is on a card: profile texts, codecs, images, plans, and the account applet's commands.
//!
//! Owns: the description of every DF, EF, record, item, key and account command, loaded from one text a card type.
//! Never: performs I/O on cards; execution belongs to [`card_core::Session`].

pub mod access;
pub mod account;
mod address;
pub mod approach;
pub mod assumption;
pub mod builtin;
pub mod catalog;
pub mod certificate;
pub mod chain;
pub mod codec;
pub mod codes;
pub mod conform;
pub mod document;
pub mod facts;
pub mod format;
mod hexadecimal;
pub mod identity;
pub mod image;
pub mod key_file;
pub mod layout;
pub mod limits;
pub mod lint;
pub mod load;
pub mod maintenance;
pub mod memory;
pub mod name;
mod number;
mod overlay;
pub mod own_keys;
pub mod place;
pub mod plan;
pub mod profile;
pub mod psam;
pub mod psams;
pub mod purse;
pub mod read;
pub mod recognition;
pub mod rehearsal;
pub mod said;
pub mod schema;
pub mod text;
pub mod trace;
pub mod ways;

pub use access::Access;
pub use builtin::{builtin, builtin_text};
pub use catalog::Catalog;
pub use chain::{Chain, Texts};
pub use codec::Value;
pub use image::CardValues;
pub use load::{ProfileError, flatten};
pub use place::Place;
pub use profile::{Df, Ef, Element, Profile};
