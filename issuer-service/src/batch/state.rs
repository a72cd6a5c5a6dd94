//! States of batches, jobs, card numbers and cards, and the only moves between them.
//!
//! Owns: the tables. Never: moves anything; `store` does, by guarded updates that take a move from here.

/// A state and its name in the database.
pub trait State: Copy {
    /// The name.
    fn name(self) -> &'static str;
}

/// States of a table and its moves: from, to. There is no other way to change a state.
macro_rules! states {
    ($(#[$doc:meta])* $state:ident { $($(#[$sdoc:meta])* $s:ident = $name:literal),* $(,)? }
     $(#[$mdoc:meta])* $move:ident { $($(#[$vdoc:meta])* $m:ident: $from:ident => $to:ident),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $state { $($(#[$sdoc])* $s),* }

        impl $crate::batch::State for $state {
            fn name(self) -> &'static str {
                match self { $(Self::$s => $name),* }
            }
        }

        $(#[$mdoc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $move { $($(#[$vdoc])* $m),* }

        impl $move {
            /// The state before and the state after.
            #[must_use]
            pub const fn ends(self) -> ($state, $state) {
                match self { $(Self::$m => ($state::$from, $state::$to)),* }
            }
        }
    };
}

pub(crate) use states;

states! {
    /// A batch.
    BatchState {
        /// Made by one operator.
        Created = "created",
        /// Approved by another; every job has a card number.
        Approved = "approved",
        /// A station has begun.
        Running = "running",
        /// Every person in it has a card.
        Finished = "finished",
        /// Given up before approval.
        Cancelled = "cancelled",
    }
    /// Moves of a batch.
    BatchMove {
        /// By an approver who is not the maker.
        Approve: Created => Approved,
        /// By a maker or approver, before approval.
        Cancel: Created => Cancelled,
        /// By a station.
        Start: Approved => Running,
        /// By a station, when no job is open.
        Finish: Running => Finished,
    }
}

states! {
    /// A job: one card to be made.
    JobState {
        /// In a batch that is not approved.
        Requested = "requested",
        /// Has a card number, waits for a blank card.
        Waiting = "waiting",
        /// Bound to a chip that is being written.
        Writing = "writing",
        /// The card is made and verified.
        Done = "done",
        /// The card failed; another job follows.
        Spoilt = "spoilt",
        /// The batch was cancelled.
        Cancelled = "cancelled",
    }
    /// Moves of a job.
    JobMove {
        /// With the batch.
        Approve: Requested => Waiting,
        /// With the batch.
        Cancel: Requested => Cancelled,
        /// By a station, before the first write to the chip.
        Bind: Waiting => Writing,
        /// By a station, after everything was read back.
        Finish: Writing => Done,
        /// By a station when the card fails, or by an operator when it is lost.
        Spoil: Writing => Spoilt,
    }
}

states! {
    /// A card number (卡号).
    NumberState {
        /// Never given to a job, or given back before any card saw it.
        Free = "free",
        /// Belongs to a job.
        Reserved = "reserved",
        /// On a finished card.
        Used = "used",
        /// On a spoilt card; never again.
        Spoilt = "spoilt",
    }
    /// Moves of a card number.
    NumberMove {
        /// With a job's approval.
        Reserve: Free => Reserved,
        /// With the finished card.
        Use: Reserved => Used,
        /// With the spoilt card.
        Spoil: Reserved => Spoilt,
    }
}

states! {
    /// A chip that belongs to a person.
    CardState {
        /// Being written.
        Writing = "writing",
        /// 封存: made, not yet handed out.
        Sealed = "sealed",
        /// Failed; quarantined.
        Spoilt = "spoilt",
        /// Out of use.
        Cancelled = "cancelled",
    }
    /// Moves of a card.
    CardMove {
        /// With the finished job.
        Seal: Writing => Sealed,
        /// With the spoilt job.
        Spoil: Writing => Spoilt,
    }
}
