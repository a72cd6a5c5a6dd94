//! The states of a settlement at the national centre, as one table.
//!
//! Source: an unanswered settlement is uncertain and is undone by 2601 before the same is sold again; 2601 undoes 2102 and 2103.
//! Owns: states, events, moves. Never: stores, sends.

use std::fmt;

use super::envelope::Infno;

/// Where a settlement stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum State {
    /// 2102 is stored and may have left.
    Sent,
    /// The centre settled it.
    Settled,
    /// The centre refused it, or it was never sent. Final.
    Refused,
    /// 2102 was not answered, or not with an answer that holds: 2601 is to follow.
    Uncertain,
    /// 2601 undid a 2102 whose answer was lost. Final.
    Reversed,
    /// 2103 is stored and may have left.
    Cancelling,
    /// 2103 was not answered: 2601 is to follow.
    CancelUncertain,
    /// The centre cancelled it. Final.
    Cancelled,
}

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Event {
    /// The centre answered as asked.
    Answered,
    /// The centre refused.
    Refused,
    /// No answer, or none that holds; or the terminal was started again.
    AnswerLost,
    /// 2103 is about to be sent.
    Cancelling,
    /// The centre accepted 2601.
    Reversed,
    /// A person decided, with the centre's word, that the message was not carried out.
    JudgedNotDone,
    /// A person decided, with what the centre names it by, that it was.
    JudgedDone,
}

/// One allowed move.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Move {
    /// From.
    pub from: State,
    /// What happened.
    pub event: Event,
    /// To.
    pub to: State,
}

/// Every allowed move. What is not here is refused.
pub const MOVES: &[Move] = &[
    row(State::Sent, Event::Answered, State::Settled),
    row(State::Sent, Event::Refused, State::Refused),
    row(State::Sent, Event::AnswerLost, State::Uncertain),
    row(State::Uncertain, Event::Reversed, State::Reversed),
    row(State::Uncertain, Event::JudgedNotDone, State::Reversed),
    row(State::Uncertain, Event::JudgedDone, State::Settled),
    row(State::Settled, Event::Cancelling, State::Cancelling),
    row(State::Cancelling, Event::Answered, State::Cancelled),
    row(State::Cancelling, Event::Refused, State::Settled),
    row(State::Cancelling, Event::AnswerLost, State::CancelUncertain),
    row(State::CancelUncertain, Event::Reversed, State::Settled),
    row(State::CancelUncertain, Event::JudgedNotDone, State::Settled),
    row(State::CancelUncertain, Event::JudgedDone, State::Cancelled),
];

const fn row(from: State, event: Event, to: State) -> Move {
    Move { from, event, to }
}

impl State {
    /// Every state.
    pub const ALL: [Self; 8] = [
        Self::Sent,
        Self::Settled,
        Self::Refused,
        Self::Uncertain,
        Self::Reversed,
        Self::Cancelling,
        Self::CancelUncertain,
        Self::Cancelled,
    ];

    /// Its spelling in the journal.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sent => "SENT",
            Self::Settled => "SETTLED",
            Self::Refused => "REFUSED",
            Self::Uncertain => "UNCERTAIN",
            Self::Reversed => "REVERSED",
            Self::Cancelling => "CANCELLING",
            Self::CancelUncertain => "CANCEL_UNCERTAIN",
            Self::Cancelled => "CANCELLED",
        }
    }

    /// From its spelling.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }

    /// The state after `event`; `None` when the table has no such move.
    #[must_use]
    pub fn after(self, event: Event) -> Option<Self> {
        MOVES.iter().find(|row| row.from == self && row.event == event).map(|row| row.to)
    }

    /// What a restarted terminal does to a settlement that it finds in this state; `None` when nothing.
    #[must_use]
    pub const fn event_at_restart(self) -> Option<Event> {
        match self {
            Self::Sent | Self::Cancelling => Some(Event::AnswerLost),
            Self::Settled
            | Self::Refused
            | Self::Uncertain
            | Self::Reversed
            | Self::CancelUncertain
            | Self::Cancelled => None,
        }
    }

    /// The message whose outcome is unknown, which 2601 undoes.
    #[must_use]
    pub const fn undoes(self) -> Option<Infno> {
        match self {
            Self::Uncertain => Some(Infno::SETTLE),
            Self::CancelUncertain => Some(Infno::CANCEL),
            Self::Sent | Self::Settled | Self::Refused | Self::Reversed | Self::Cancelling | Self::Cancelled => None,
        }
    }

    /// Whether the same bill may be settled (again): nothing of it stands at the centre, for certain.
    #[must_use]
    pub const fn frees_bill(self) -> bool {
        match self {
            Self::Refused | Self::Reversed | Self::Cancelled => true,
            Self::Sent | Self::Settled | Self::Uncertain | Self::Cancelling | Self::CancelUncertain => false,
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_state_answers_one_event_in_two_ways_and_every_way_ends() {
        for row in MOVES {
            assert_eq!(MOVES.iter().filter(|other| other.from == row.from && other.event == row.event).count(), 1);
            assert_ne!(row.from, row.to);
        }
        for state in State::ALL {
            assert_eq!(State::parse(state.as_str()), Some(state));
            let is_final = MOVES.iter().all(|row| row.from != state);
            assert_eq!(
                is_final,
                state.frees_bill(),
                "{state}: what stands at the centre can be moved, what does not is over"
            );
        }
    }

    #[test]
    fn a_lost_answer_is_never_called_refused_or_settled_without_a_further_word() {
        for state in State::ALL {
            if let Some(after) = state.after(Event::AnswerLost) {
                assert!(after.undoes().is_some_and(Infno::is_reversible), "{state} to {after}");
                assert!(!after.frees_bill() && after.event_at_restart().is_none());
            }
            let Some(event) = state.event_at_restart() else { continue };
            assert!(state.after(event).is_some_and(|after| after.undoes().is_some()), "{state}");
        }
    }
}
