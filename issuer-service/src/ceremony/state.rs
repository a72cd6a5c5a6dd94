//! States of a ceremony and the only moves between them.
//!
//! Owns: the table. Never: moves anything; `store` does, by guarded updates that take a move from here.

use crate::state::states;

states! {
    /// A ceremony.
    "ceremony" CeremonyState {
        /// Custodians contribute.
        Open = "open" "进行中",
        /// Its keys are on their way into the vault; nothing is contributed any more.
        Finishing = "finishing" "密钥入库中",
        /// The keys are in the vault.
        Finished = "finished" "已完成",
        /// Given up; nothing came of it.
        Cancelled = "cancelled" "已取消",
    }
    /// Moves of a ceremony.
    CeremonyMove {
        /// By an operator with role keys, when enough custodians have contributed and nothing speaks against the keys.
        Begin: Open => Finishing,
        /// When the keys are in the vault.
        Finish: Finishing => Finished,
        /// By an operator with role keys.
        Cancel: Open => Cancelled,
        /// By an operator with role keys; the keys are taken out of the vault again.
        TakeOut: Finishing => Cancelled,
    }
}
