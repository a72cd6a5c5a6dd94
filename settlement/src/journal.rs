//! The states of a transaction in the terminal's journal, as one published table.
//!
//! Source: journal states of offline terminals (PREPARED, SENT, CONFIRMED, UNCERTAIN, REVERSED); grey records of municipal
//! interfaces for what a person must decide.
//! Owns: states, events, who may cause them, which move needs a reason. A site may only remove moves.
//! Never: stores; decides what the card did (`recovery`).

use std::fmt;

/// Where a transaction stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum State {
    /// Amounts fixed and stored; the card has changed nothing.
    Prepared,
    /// Card sequence, terminal sequence, date and time are stored; DEBIT or CREDIT may have left the terminal.
    Sent,
    /// The card did it. Final; a record exists.
    Confirmed,
    /// No answer: the card may have done it. The card pays nothing here until this is settled.
    Uncertain,
    /// No answer, and the card showed later that it did not do it. Final.
    Reversed,
    /// The card refused, or the step was never sent. Final.
    Refused,
    /// A person judged, and the card shows the opposite. It is settled again from the card, as when its answer was lost.
    Contradicted,
}

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Event {
    /// The terminal is about to send DEBIT or CREDIT, and has stored everything that goes into it.
    Sending,
    /// The terminal gave up before anything was sent.
    Abandoned,
    /// The card answered 9000 with its proof.
    CardAnswered,
    /// The card answered a refusal.
    CardRefused,
    /// No usable answer: card pulled, power lost, reader gone, terminal restarted.
    AnswerLost,
    /// The next tap shows that the card did it.
    ShownDone,
    /// The next tap shows that the card did not do it.
    ShownNotDone,
    /// A supervisor decided, with evidence from elsewhere, that the card did it.
    JudgedDone,
    /// A supervisor decided, with evidence from elsewhere, that the card did not do it.
    JudgedNotDone,
    /// The next tap shows the opposite of what a supervisor judged.
    Contradicts,
}

/// Who causes a move.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Actor {
    /// The program.
    Terminal,
    /// The card, through its answer or its state at the next tap.
    Card,
    /// A person who is allowed to.
    Supervisor,
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
    /// Who.
    pub actor: Actor,
    /// Whether a reason must be written down.
    pub reason_needed: bool,
}

/// A move that the table does not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a transaction that is {from} cannot take {event:?}")]
pub struct NoSuchMove {
    /// State.
    pub from: State,
    /// Event.
    pub event: Event,
}

/// Every allowed move. What is not here is refused.
pub const MOVES: &[Move] = &[
    row(State::Prepared, Event::Sending, State::Sent, Actor::Terminal),
    row(State::Prepared, Event::Abandoned, State::Refused, Actor::Terminal),
    row(State::Prepared, Event::CardRefused, State::Refused, Actor::Card),
    row(State::Sent, Event::CardAnswered, State::Confirmed, Actor::Card),
    row(State::Sent, Event::CardRefused, State::Refused, Actor::Card),
    row(State::Sent, Event::AnswerLost, State::Uncertain, Actor::Terminal),
    row(State::Uncertain, Event::ShownDone, State::Confirmed, Actor::Card),
    row(State::Uncertain, Event::ShownNotDone, State::Reversed, Actor::Card),
    by_person(State::Uncertain, Event::JudgedDone, State::Confirmed),
    by_person(State::Uncertain, Event::JudgedNotDone, State::Reversed),
    against_person(State::Confirmed, Event::Contradicts, State::Contradicted),
    against_person(State::Reversed, Event::Contradicts, State::Contradicted),
    by_person(State::Contradicted, Event::JudgedDone, State::Confirmed),
    by_person(State::Contradicted, Event::JudgedNotDone, State::Reversed),
    row(State::Contradicted, Event::ShownDone, State::Confirmed, Actor::Card),
    row(State::Contradicted, Event::ShownNotDone, State::Reversed, Actor::Card),
];

const fn row(from: State, event: Event, to: State, actor: Actor) -> Move {
    Move { from, event, to, actor, reason_needed: false }
}

const fn by_person(from: State, event: Event, to: State) -> Move {
    Move { from, event, to, actor: Actor::Supervisor, reason_needed: true }
}

/// Only of what a person judged: what the card itself said stays.
const fn against_person(from: State, event: Event, to: State) -> Move {
    Move { from, event, to, actor: Actor::Card, reason_needed: true }
}

/// The move that `event` makes from `from`.
///
/// # Errors
/// [`NoSuchMove`] when the table has none.
pub fn find(from: State, event: Event) -> Result<&'static Move, NoSuchMove> {
    MOVES.iter().find(|row| row.from == from && row.event == event).ok_or(NoSuchMove { from, event })
}

/// The state after `event`.
///
/// # Errors
/// [`NoSuchMove`] when the table does not have the move.
pub fn next(from: State, event: Event) -> Result<State, NoSuchMove> {
    find(from, event).map(|row| row.to)
}

impl State {
    /// Every state.
    pub const ALL: [Self; 7] = [
        Self::Prepared,
        Self::Sent,
        Self::Confirmed,
        Self::Uncertain,
        Self::Reversed,
        Self::Refused,
        Self::Contradicted,
    ];

    /// Its spelling in the journal.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Prepared => "PREPARED",
            Self::Sent => "SENT",
            Self::Confirmed => "CONFIRMED",
            Self::Uncertain => "UNCERTAIN",
            Self::Reversed => "REVERSED",
            Self::Refused => "REFUSED",
            Self::Contradicted => "CONTRADICTED",
        }
    }

    /// From its spelling.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }

    /// Over: no move leads out, except that the card may contradict a person.
    #[must_use]
    pub fn is_final(self) -> bool {
        MOVES.iter().all(|row| row.from != self || row.event == Event::Contradicts)
    }

    /// The card may have changed: it pays nothing here before this is settled.
    #[must_use]
    pub const fn blocks_card(self) -> bool {
        match self {
            Self::Sent | Self::Uncertain | Self::Contradicted => true,
            Self::Prepared | Self::Confirmed | Self::Reversed | Self::Refused => false,
        }
    }

    /// What a restarted terminal does to an entry that it finds in this state; `None` when nothing.
    #[must_use]
    pub const fn event_at_restart(self) -> Option<Event> {
        match self {
            Self::Prepared => Some(Event::Abandoned),
            Self::Sent => Some(Event::AnswerLost),
            Self::Confirmed | Self::Uncertain | Self::Reversed | Self::Refused | Self::Contradicted => None,
        }
    }
}

impl Event {
    /// Every event.
    pub const ALL: [Self; 10] = [
        Self::Sending,
        Self::Abandoned,
        Self::CardAnswered,
        Self::CardRefused,
        Self::AnswerLost,
        Self::ShownDone,
        Self::ShownNotDone,
        Self::JudgedDone,
        Self::JudgedNotDone,
        Self::Contradicts,
    ];
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
    fn no_state_answers_one_event_in_two_ways() {
        for from in State::ALL {
            for event in Event::ALL {
                let rows = MOVES.iter().filter(|row| row.from == from && row.event == event).count();
                assert!(rows <= 1, "{from} {event:?}");
                assert_eq!(next(from, event).is_ok(), rows == 1);
            }
        }
    }

    #[test]
    fn what_the_card_may_have_done_is_never_called_refused_without_its_answer() {
        for row in MOVES.iter().filter(|row| row.from.blocks_card()) {
            if row.to == State::Refused || row.to == State::Reversed {
                assert!(row.actor == Actor::Card || row.reason_needed, "{row:?}");
            }
        }
        assert!(find(State::Prepared, Event::CardAnswered).is_err(), "nothing was sent");
    }

    #[test]
    fn only_a_person_is_contradicted_and_the_card_or_a_person_with_a_reason_settles_it() {
        for row in MOVES.iter().filter(|row| row.event == Event::Contradicts) {
            let judged = |by: &&Move| by.to == row.from && by.actor == Actor::Supervisor;
            assert!(MOVES.iter().any(|by| judged(&by)) && row.reason_needed, "{row:?}");
        }
        let settles = |row: &&Move| row.actor == Actor::Card || (row.actor == Actor::Supervisor && row.reason_needed);
        assert!(MOVES.iter().filter(|row| row.from == State::Contradicted).all(|row| settles(&row)));
    }

    #[test]
    fn every_way_ends_and_the_ends_are_the_published_ones() {
        let ends: Vec<State> = State::ALL.into_iter().filter(|state| state.is_final()).collect();
        assert_eq!(ends, [State::Confirmed, State::Reversed, State::Refused]);
        for from in State::ALL.into_iter().filter(|state| !state.is_final()) {
            let mut reached = vec![from];
            for _ in 0..State::ALL.len() {
                let further =
                    MOVES.iter().filter(|row| reached.contains(&row.from)).map(|row| row.to).collect::<Vec<_>>();
                reached.extend(further);
            }
            assert!(reached.contains(&State::Confirmed) && reached.iter().any(|state| state.is_final()), "{from}");
            let cycles = MOVES.iter().any(|row| row.to == from && row.from == from);
            assert!(!cycles, "{from}");
        }
    }

    #[test]
    fn a_restart_leaves_nothing_between_states() {
        for state in State::ALL {
            if let Some(event) = state.event_at_restart() {
                let after = next(state, event).expect("the table has it");
                assert!(after.event_at_restart().is_none());
                let expected = if state.blocks_card() { State::Uncertain } else { State::Refused };
                assert_eq!(after, expected, "{state}");
            }
            assert_eq!(State::parse(state.as_str()), Some(state));
        }
        assert_eq!(State::parse("CONFIRMED "), None);
    }

    #[test]
    fn the_readme_prints_this_table() {
        let readme = include_str!("../README.md");
        for row in MOVES {
            let reason = if row.reason_needed { "yes" } else { "–" };
            let line = format!("| {} | {:?} | {} | {:?} | {reason} |", row.from, row.event, row.to, row.actor);
            assert!(readme.contains(&line), "README.md lacks the row\n{line}");
        }
    }
}
