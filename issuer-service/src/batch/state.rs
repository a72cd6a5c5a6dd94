//! States of batches, jobs, card numbers and cards, and the only moves between them.
//!
//! Owns: the tables. Never: moves anything; `store` does, by guarded updates that take a move from here.

use crate::state::states;

states! {
    /// A batch.
    "batch" BatchState {
        /// Made by one operator.
        Created = "created" "已编批",
        /// Approved by another; every job has a card number.
        Approved = "approved" "已审核",
        /// A station has begun.
        Running = "running" "制作中",
        /// Every person in it has a card, or was refused by a partner.
        Finished = "finished" "已完成",
        /// Given up before a station began.
        Cancelled = "cancelled" "已取消",
    }
    /// Moves of a batch.
    BatchMove {
        /// By an approver who is not the maker.
        Approve: Created => Approved,
        /// By a maker or approver, before approval.
        Cancel: Created => Cancelled,
        /// By an approver, before a station begins and while no partner is asked: its numbers are spoilt.
        Withdraw: Approved => Cancelled,
        /// By a station.
        Start: Approved => Running,
        /// By a station, or by a partner's answer, when no job is open.
        Finish: Running => Finished,
    }
}

states! {
    /// A job: one card to be made.
    "job" JobState {
        /// In a batch that is not approved.
        Requested = "requested" "待审核",
        /// Has a card number, waits for a blank card.
        Waiting = "waiting" "待制",
        /// Bound to a chip that is being written.
        Writing = "writing" "写卡中",
        /// The card is made and verified.
        Done = "done" "已完成",
        /// The card failed, a partner refused the person, the job was set aside, or the person died: its number is never used again.
        Spoilt = "spoilt" "已作废",
        /// The batch was cancelled.
        Cancelled = "cancelled" "已取消",
    }
    /// Moves of a job.
    JobMove {
        /// With the batch.
        Approve: Requested => Waiting,
        /// With the batch, or when the person dies.
        Cancel: Requested => Cancelled,
        /// With an approved batch that is withdrawn.
        Withdraw: Waiting => Cancelled,
        /// By a station, before the first write to the chip.
        Bind: Waiting => Writing,
        /// By a station, after everything was read back.
        Finish: Writing => Done,
        /// By a station when the card fails, or by an operator when it is lost.
        Spoil: Writing => Spoilt,
        /// By the answer of a bank or factory that refuses the person or failed, or when the person dies.
        Refuse: Waiting => Spoilt,
        /// Before a blank card is bound to it, when no card can be made for its person any more, or by an approver.
        SetAside: Waiting => Spoilt,
    }
}

states! {
    /// A card number (卡号).
    "card_number" NumberState {
        /// Never given to a job.
        Free = "free" "空闲",
        /// Belongs to a job.
        Reserved = "reserved" "已预留",
        /// On a finished card.
        Used = "used" "已使用",
        /// Of a card that failed, or kept out of use; never again.
        Spoilt = "spoilt" "已作废",
    }
    /// Moves of a card number.
    NumberMove {
        /// With a job's approval.
        Reserve: Free => Reserved,
        /// With the finished card.
        Use: Reserved => Used,
        /// With the spoilt job, or with its withdrawn batch.
        Spoil: Reserved => Spoilt,
        /// By an operator, with a reason: nobody is to get it.
        Block: Free => Spoilt,
    }
}

states! {
    /// A chip that belongs to a person, until its card is made: `card::state` has what follows, and publishes both.
    "card" CardState {
        /// Being written.
        Writing = "writing" "写卡中",
        /// 封存: made, not yet handed out.
        Sealed = "sealed" "封存",
        /// Failed; quarantined.
        Spoilt = "spoilt" "已作废",
    }
    /// Moves of a card while it is made; `card::state` has those that follow.
    CardMove {
        /// With the finished job.
        Seal: Writing => Sealed,
        /// With the spoilt job.
        Spoil: Writing => Spoilt,
    }
}
