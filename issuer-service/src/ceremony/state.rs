//! States of a ceremony and the only moves between them.
//!
//! Owns: the table. Never: moves anything; `store` does, by guarded updates that take a move from here.

use crate::batch::states;

states! {
    /// A ceremony.
    CeremonyState {
        /// Custodians contribute.
        Open = "open",
        /// The keys are in the vault.
        Finished = "finished",
        /// Given up; nothing came of it.
        Cancelled = "cancelled",
    }
    /// Moves of a ceremony.
    CeremonyMove {
        /// By an operator with role keys, when enough custodians have contributed.
        Finish: Open => Finished,
        /// By an operator with role keys.
        Cancel: Open => Cancelled,
    }
}
