//! What a rehearsal (演练) uses in place of a secret: obviously fake, refused everywhere else.
//!
//! Owns: the constants. Never: is reachable from a centre that is not marked as a rehearsal (`issuer-service` checks).

/// The mark of key files and card images: there is no other, they hold rehearsal keys.
pub const MARK: &str = "REHEARSAL";

/// Value of the transport key of rehearsal cards as a factory delivers them: 16 ASCII bytes that no one can take for a key.
pub const TRANSPORT_KEY: [u8; 16] = *b"REHEARSAL-FACTRY";

/// Name of the transport key in a vault; its version is the number of the factory's lot.
pub const TRANSPORT_KEY_NAME: &str = "TRANSPORT";

/// Lot number of the transport key of rehearsal cards.
pub const TRANSPORT_LOT: u8 = 1;
