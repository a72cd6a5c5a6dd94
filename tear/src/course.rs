//! The course of one life of a terminal: everything that leaves a trace outside its memory, counted; and what befalls it there.
//!
//! | party   | an event is                    | before                     | inside                            | after                      |
//! |---------|--------------------------------|----------------------------|-----------------------------------|----------------------------|
//! | card    | a command, or its power-up     | power lost, nothing done   | power lost at a write of its memory | power lost, all done, no answer |
//! | PSAM    | the same                       | the same                   | the same                          | the same                   |
//! | journal | a commit, whatever wrote it    | killed, rolled back        |                                   | killed, durable            |
//! | centre  | a letter                       | it never arrives           | it arrives when the next letter has been answered, or after everything | its answer is lost         |
//!
//! A killed terminal touches nothing any more: what its code still does until it returns reaches no card, no journal, no centre.
//!
//! Source: power loss and writes of `card_sim::fault`; commits as SQLite itself announces them.
//! Owns: the count, the moment, the death. Never: knows what a purchase is.

use std::cell::RefCell;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use card_core::transport::{Transport, TransportError};
use card_counter::TerminalError;
use card_counter::letter::Letter;
use card_counter::store::Commits;
use card_profiles::account::AccountRules;
use card_sim::fault::{Fault, FaultPlan, Moment, Trigger};
use card_sim::noise::Noise;
use card_sim::{InProcess, Socket};
use centre_line::http::{Line, Signed};
use issuer_service::http::{Desk, answer_here};
use serde::Serialize;
use settlement::id::{Signature, TerminalNumber};

/// Who keeps the trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Party {
    /// The holder's card.
    Card,
    /// The terminal's PSAM.
    Psam,
    /// The terminal's journal.
    Journal,
    /// The centre.
    Centre,
}

/// Something that happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event {
    /// At whom.
    pub party: Party,
    /// What.
    pub what: &'static str,
    /// Writes of a card's memory that it took.
    pub writes: u64,
}

/// Where in an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cut {
    /// Before it.
    Before,
    /// At a write of the card's memory.
    Inside {
        /// Writes that were done.
        write: u64,
        /// Whether the next one stays half-written.
        half: bool,
    },
    /// When all is done and nobody knows yet.
    After,
    /// A letter is under way for long: it arrives when another was answered, whoever wrote it.
    Late,
}

/// One place for a fault: which event of the course, and where in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Point {
    /// Which event, from 0.
    pub at: usize,
    /// Where in it.
    pub cut: Cut,
}

/// The course of a life.
pub struct Course {
    state: Mutex<State>,
}

/// Faults under a seed.
#[derive(Clone, Copy, Debug)]
pub struct Weather {
    /// Of a thousand events, so many are struck.
    pub per_mille: u64,
    /// Decides which, and how.
    pub noise: Noise,
}

#[derive(Default)]
struct State {
    plan: Vec<Point>,
    weather: Option<Weather>,
    struck: u64,
    events: Vec<Event>,
    dead: bool,
    /// The commit that is under way is the last.
    dying: bool,
    /// What the terminal is about to write.
    label: &'static str,
}

impl Party {
    /// Its word.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Card => "card",
            Self::Psam => "PSAM",
            Self::Journal => "journal",
            Self::Centre => "centre",
        }
    }
}

impl Event {
    /// Every place in it.
    #[must_use]
    pub fn cuts(&self) -> Vec<Cut> {
        let inside = || (0..self.writes).flat_map(|write| [false, true].map(|half| Cut::Inside { write, half }));
        match (self.party, self.what) {
            // A card without power cannot lose it.
            (Party::Card | Party::Psam, POWER_UP) => inside().collect(),
            (Party::Card | Party::Psam, _) => [Cut::Before, Cut::After].into_iter().chain(inside()).collect(),
            (Party::Journal, _) => vec![Cut::Before, Cut::After],
            (Party::Centre, _) => vec![Cut::Before, Cut::Late, Cut::After],
        }
    }
}

impl Course {
    /// A life with faults at these places.
    #[must_use]
    pub fn with(plan: &[Point]) -> Arc<Self> {
        Arc::new(Self { state: Mutex::new(State { plan: plan.to_vec(), ..State::default() }) })
    }

    /// A life with faults as they come.
    #[must_use]
    pub fn under(weather: Weather) -> Arc<Self> {
        Arc::new(Self { state: Mutex::new(State { weather: Some(weather), ..State::default() }) })
    }

    /// How many faults there were.
    #[must_use]
    pub fn struck(&self) -> u64 {
        self.state().struck
    }

    /// What happened so far.
    #[must_use]
    pub fn events(&self) -> Vec<Event> {
        self.state().events.clone()
    }

    /// Every place for a fault behind so many events.
    #[must_use]
    pub fn points_from(&self, first: usize) -> Vec<Point> {
        let events = self.events();
        let places = events.iter().enumerate().skip(first);
        places.flat_map(|(at, event)| event.cuts().into_iter().map(move |cut| Point { at, cut })).collect()
    }

    /// Whether the terminal was killed.
    #[must_use]
    pub fn is_dead(&self) -> bool {
        self.state().dead
    }

    /// The terminal is killed from outside, wherever it is.
    pub fn kill(&self) {
        self.state().dead = true;
    }

    /// What the terminal writes next.
    pub fn say(&self, label: &'static str) {
        self.state().label = label;
    }

    /// An event begins: its number and what befalls it; `None` when the terminal is dead and nothing happens any more.
    fn arrives(&self, party: Party, what: &'static str) -> Option<(usize, Option<Cut>)> {
        let mut state = self.state();
        if state.dead {
            return None;
        }
        let at = state.events.len();
        state.events.push(Event { party, what, writes: 0 });
        let planned = state.plan.iter().find(|point| point.at == at).map(|point| point.cut);
        let blow = state.weather.as_mut().and_then(|weather| weather.blow(party));
        state.struck += u64::from(planned.is_some() || blow.is_some());
        match blow {
            Some(Blow::Kill) => {
                state.dead = true;
                None
            }
            Some(Blow::Cut(cut)) => Some((at, Some(cut))),
            None => Some((at, planned)),
        }
    }

    fn took(&self, at: usize, writes: u64) {
        if let Some(event) = self.state().events.get_mut(at) {
            event.writes = writes;
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Commits for Course {
    fn begins(&self) -> bool {
        let label = self.state().label;
        let Some((_, cut)) = self.arrives(Party::Journal, label) else { return false };
        let mut state = self.state();
        state.dead = cut == Some(Cut::Before);
        state.dying = cut == Some(Cut::After);
        !state.dead
    }

    fn is_done(&self) {
        let mut state = self.state();
        state.dead |= state.dying;
    }
}

/// What the weather brings.
enum Blow {
    Cut(Cut),
    /// The terminal is killed before it happens.
    Kill,
}

impl Weather {
    fn blow(&mut self, party: Party) -> Option<Blow> {
        if self.noise.below(1000) >= self.per_mille {
            return None;
        }
        Some(match (party, self.noise.below(5)) {
            (_, 0) => Blow::Kill,
            (_, 1) => Blow::Cut(Cut::Before),
            (Party::Card | Party::Psam, 2 | 3) => {
                Blow::Cut(Cut::Inside { write: self.noise.below(WRITES), half: self.noise.below(2) == 1 })
            }
            (Party::Centre, 2) => Blow::Cut(Cut::Late),
            _ => Blow::Cut(Cut::After),
        })
    }
}

/// Writes of a memory among which the weather chooses: no command has more.
const WRITES: u64 = 16;

/// What a card does when power comes.
const POWER_UP: &str = "power-up";

/// A card or PSAM in a reader of the terminal.
pub struct Contact {
    card: InProcess,
    socket: Socket,
    party: Party,
    course: Arc<Course>,
    rules: AccountRules,
}

impl Contact {
    /// Powers the card.
    ///
    /// # Errors
    /// [`TransportError`] when it does not come up, or the terminal is dead.
    pub fn power_up(
        socket: &Socket,
        party: Party,
        course: &Arc<Course>,
        rules: &AccountRules,
    ) -> Result<Self, TransportError> {
        let (at, cut) = course.arrives(party, POWER_UP).ok_or_else(gone)?;
        let before = {
            let mut card = socket.card();
            if let Some(Cut::Inside { write, half }) = cut {
                card.memory().tear_after(write, half);
            }
            card.memory().writes()
        };
        let connected = socket.connect();
        course.took(at, socket.card().memory().writes() - before);
        if cut.is_some() {
            // Power that comes and goes again, also where nothing had to be written.
            socket.card().power_off();
        }
        let (socket, course) = (socket.clone(), Arc::clone(course));
        Ok(Self { card: connected?, socket, party, course, rules: rules.clone() })
    }
}

impl Transport for Contact {
    fn transmit(&mut self, command: &[u8], answer: &mut Vec<u8>) -> Result<(), TransportError> {
        let (at, cut) = self.course.arrives(self.party, name(command, &self.rules)).ok_or_else(gone)?;
        let moment = cut.map(|cut| match cut {
            Cut::Before => Moment::Before,
            Cut::Inside { write, half } => Moment::Inside { write, half },
            Cut::After | Cut::Late => Moment::After,
        });
        let before = {
            let mut card = self.socket.card();
            if let Some(moment) = moment {
                let loss = Fault::PowerLoss { at: Trigger::command(1), moment, back_after_ms: None };
                // A card of this process keeps its faults in memory.
                let _ = card.set_faults(FaultPlan::new(vec![loss]));
            }
            card.memory().writes()
        };
        let answered = self.card.transmit(command, answer);
        let mut card = self.socket.card();
        if moment.is_some() {
            // A card that had no power any more has not met its fault: it does not keep it for another life.
            let _ = card.set_faults(FaultPlan::default());
        }
        self.course.took(at, card.memory().writes() - before);
        answered
    }

    fn reset(&mut self) -> Result<(), TransportError> {
        if self.course.is_dead() { Err(gone()) } else { self.card.reset() }
    }

    fn atr(&self) -> &[u8] {
        self.card.atr()
    }
}

/// Letters that are under way for long.
#[derive(Clone, Debug, Default)]
pub struct Post(RefCell<Vec<Delayed>>);

#[derive(Clone, Debug)]
struct Delayed {
    letter: Letter,
    terminal: TerminalNumber,
    signature: Signature,
}

impl Post {
    /// All of them arrive, in the order in which they were sent. Nobody waits for the answers.
    pub fn arrive(&self, desk: &Desk) {
        for Delayed { letter, terminal, signature } in self.0.take() {
            let _ = answer_here(desk, letter.path, terminal, &signature, letter.body.as_bytes());
        }
    }

    /// What is under way: path and body of each letter.
    #[must_use]
    pub fn letters(&self) -> Vec<Letter> {
        self.0.borrow().iter().map(|delayed| delayed.letter.clone()).collect()
    }
}

/// The line to a centre in this process.
pub struct Wire<'a> {
    desk: &'a Desk,
    course: Arc<Course>,
    post: &'a Post,
}

impl<'a> Wire<'a> {
    /// The line, and where its letters are when they are late.
    #[must_use]
    pub fn to(desk: &'a Desk, course: &Arc<Course>, post: &'a Post) -> Self {
        Self { desk, course: Arc::clone(course), post }
    }
}

impl Line for Wire<'_> {
    fn carry(&self, signed: &Signed<'_>) -> Result<(u16, String), TerminalError> {
        let lost = || TerminalError::CentreUnreachable { address: "the centre".to_owned(), sent: true };
        let Signed { letter, terminal, signature } = *signed;
        let (_, cut) = self.course.arrives(Party::Centre, letter.path).ok_or_else(lost)?;
        match cut {
            Some(Cut::Before) => return Err(lost()),
            Some(Cut::Late) => {
                self.post.0.borrow_mut().push(Delayed { letter: letter.clone(), terminal, signature });
                return Err(lost());
            }
            _ => {}
        }
        let answer = answer_here(self.desk, letter.path, terminal, &signature, letter.body.as_bytes());
        self.post.arrive(self.desk);
        if cut.is_some() { Err(lost()) } else { Ok(answer) }
    }
}

fn gone() -> TransportError {
    TransportError::ReaderGone { reader: "a terminal that was killed".to_owned() }
}

/// What people call a command; those of the account by the rows of the profile.
fn name(command: &[u8], rules: &AccountRules) -> &'static str {
    let head = command.first_chunk::<3>();
    let is = |row: card_profiles::account::CommandRow| row.header().first_chunk::<3>() == head;
    match head.copied().unwrap_or_default() {
        _ if is(rules.init_purchase) => "INITIALIZE FOR PURCHASE",
        _ if is(rules.debit_purchase) => "DEBIT FOR PURCHASE",
        _ if is(rules.init_load) => "INITIALIZE FOR LOAD",
        _ if is(rules.credit_load) => "CREDIT FOR LOAD",
        _ if is(rules.get_balance) => "GET BALANCE",
        _ if rules.prove.is_some_and(is) => "GET TRANSACTION PROVE",
        [0x00, 0xA4, _] => "SELECT",
        [0x00, 0xB0, _] => "READ BINARY",
        [0x00, 0xB2, _] => "READ RECORD",
        [0x00, 0xC0, _] => "GET RESPONSE",
        [0x00, 0x20, _] => "VERIFY",
        [0x80, 0x5E, _] => "CHANGE PIN",
        [0x80, 0x70, _] => "INIT SAM FOR PURCHASE",
        [0x80, 0x72, _] => "CREDIT SAM FOR PURCHASE",
        _ => "command",
    }
}

impl std::fmt::Display for Cut {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Before => f.write_str("before"),
            Self::Inside { write, half: false } => write!(f, "before write {}", write + 1),
            Self::Inside { write, half: true } => write!(f, "in write {}", write + 1),
            Self::After => f.write_str("after"),
            Self::Late => f.write_str("late"),
        }
    }
}

impl std::fmt::Debug for Course {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Course").field("events", &self.events().len()).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Contact {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Contact").field("party", &self.party).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Wire<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Wire").finish_non_exhaustive()
    }
}
