//! States of cards as things, blank or finished, and the only moves between them.
//!
//! Owns: the table. Never: moves anything; `store` does, by guarded updates that take a move from here.

use crate::state::{State, Way, states};

states! {
    /// A card as a thing: a blank one of a box, or one with a number.
    "stock" StockState {
        /// As the maker's papers say; nobody has counted.
        Received = "received" "已到货",
        /// Blank, counted, in the store.
        Blank = "blank" "空白在库",
        /// Blank, at a station.
        Issued = "issued" "已领用",
        /// Bound to a job at a station.
        InWork = "in_work" "制作中",
        /// Made.
        Finished = "finished" "成品",
        /// In a parcel that has not left.
        Packed = "packed" "已装箱",
        /// On its way, with a carrier.
        InTransit = "in_transit" "在途",
        /// Waits for its holder at an outlet.
        AtOutlet = "at_outlet" "网点待领",
        /// Nobody came within the site's days.
        Unclaimed = "unclaimed" "逾期未领",
        /// Back in the store.
        Returned = "returned" "已退回",
        /// In the hands of its holder or of an agent.
        HandedOut = "handed_out" "已领取",
        /// Failed or damaged; to be destroyed.
        Spoilt = "spoilt" "废卡",
        /// In a sack that another operator is to destroy.
        Condemned = "condemned" "待销毁",
        /// Not where it should be.
        Missing = "missing" "短少",
        /// No more.
        Destroyed = "destroyed" "已销毁",
    }
    /// Moves of cards as things.
    StockMove {
        /// When a box is counted.
        Count: Received => Blank,
        /// When a box is counted: the papers said more.
        Short: Received => Missing,
        /// To a station.
        Issue: Blank => Issued,
        /// Back from a station.
        TakeBack: Issued => Blank,
        /// With the job that a station binds to it.
        Begin: Issued => InWork,
        /// With the finished card.
        Finish: InWork => Finished,
        /// With the spoilt card.
        Fail: InWork => Spoilt,
        /// With a card in work that is declared lost.
        LoseInWork: InWork => Missing,
        /// Damaged before a station had it.
        Damage: Blank => Spoilt,
        /// Damaged at a station before it was bound to a job.
        DamageIssued: Issued => Spoilt,
        /// Into a parcel.
        Pack: Finished => Packed,
        /// Into a parcel, once more.
        PackAgain: Returned => Packed,
        /// Out of a parcel that has not left.
        Unpack: Packed => Returned,
        /// With the parcel.
        Dispatch: Packed => InTransit,
        /// At the outlet that the parcel was bound for.
        Accept: InTransit => AtOutlet,
        /// At the store, of a parcel that came back.
        AcceptBack: InTransit => Returned,
        /// To the holder or an agent, at an outlet.
        HandOut: AtOutlet => HandedOut,
        /// As before, after the site's days.
        HandOutLate: Unclaimed => HandedOut,
        /// As before, where it was made.
        HandOutHere: Finished => HandedOut,
        /// As before, in the store.
        HandOutReturned: Returned => HandedOut,
        /// A card that is out of use is handed in again.
        TakeIn: HandedOut => Returned,
        /// A hand-out is undone: it was booked for the wrong card.
        UndoHandOut: HandedOut => AtOutlet,
        /// As before, of a card that was handed out where it was made.
        UndoHandOutHere: HandedOut => Finished,
        /// When the site's days are over.
        Lapse: AtOutlet => Unclaimed,
        /// Back to the store.
        SendBack: AtOutlet => InTransit,
        /// Back to the store, unclaimed.
        SendBackUnclaimed: Unclaimed => InTransit,
        /// Back to the store, what was handed in.
        SendBackTakenIn: Returned => InTransit,
        /// Not found when it was looked for.
        LoseBlank: Blank => Missing,
        /// As before.
        LoseIssued: Issued => Missing,
        /// As before.
        LoseFinished: Finished => Missing,
        /// Not in the parcel.
        LoseInTransit: InTransit => Missing,
        /// Not found when it was looked for.
        LoseAtOutlet: AtOutlet => Missing,
        /// As before.
        LoseUnclaimed: Unclaimed => Missing,
        /// As before.
        LoseReturned: Returned => Missing,
        /// As before.
        LoseSpoilt: Spoilt => Missing,
        /// A blank one is back in its box.
        FindBlank: Missing => Blank,
        /// One with a number is back in the store.
        FindCard: Missing => Returned,
        /// Into a sack, with a reason.
        Condemn: Spoilt => Condemned,
        /// As before.
        CondemnBlank: Blank => Condemned,
        /// As before: cancelled before anybody had it.
        CondemnFinished: Finished => Condemned,
        /// As before: nobody is to have it any more.
        CondemnReturned: Returned => Condemned,
        /// By another operator than the one who filled the sack.
        Destroy: Condemned => Destroyed,
    }
}

impl StockMove {
    /// Name in the journal.
    #[must_use]
    pub fn name(self) -> &'static str {
        let (from, to) = self.ends();
        way(from.name(), to.name()).map_or("", |way| way.name)
    }
}

/// The only move between two states; there is at most one.
#[must_use]
pub fn way(from: &str, to: &str) -> Option<&'static Way> {
    StockState::TABLE.moves.iter().find(|way| way.from == from && way.to == to)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_states_have_one_move_between_them_at_most_and_nothing_is_undestroyed() {
        let moves = StockState::TABLE.moves;
        for (place, way) in moves.iter().enumerate() {
            assert!(!moves[..place].iter().any(|other| (other.from, other.to) == (way.from, way.to)), "{way:?}");
            assert!(way.from != "destroyed", "{way:?}");
        }
    }
}
