//! The kiosk: a full-screen page where people serve themselves with their card.
//!
//! Owns: the loop that joins its parts: events of the card, the page and the clock go into `machine`, its screens come out as
//! `html` through `door`. Never: speaks with a card (`command::kiosk` does), keeps anything of a visit.
//! Units: milliseconds.

pub mod door;
pub mod guide;
mod html;
pub mod machine;
pub mod press;
pub mod screen;
pub mod settings;
pub mod visit;

use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::time::Duration;

use card_counter::clock::Stopwatch;
use settlement::query::CertificateAnswer;

use self::door::{Heard, Mouth};
use self::guide::Guide;
use self::machine::{Effect, Event, Machine};
use self::screen::Act;
use self::visit::{Contact, Job, Question};

/// How often the countdown looks at the clock.
const LOOK: Duration = Duration::from_millis(200);

/// What a site says of its kiosk.
#[derive(Clone, Debug, Default)]
pub struct Site {
    /// Whether there is a centre to ask.
    pub has_centre: bool,
    /// When it last answered.
    pub contact: Contact,
    /// Where it stands, under the title.
    pub place: String,
    /// A label in a third language on the first page.
    pub greeting: String,
}

/// What comes to the loop.
#[derive(Debug)]
pub enum Signal {
    /// From the page.
    Page(Heard),
    /// From the readers, or the centre.
    Event(Event),
    /// So many milliseconds passed: a rehearsal's clock.
    Passed(u64),
}

/// Whose clock counts.
#[derive(Debug)]
pub enum Clock {
    /// The system's.
    System(Stopwatch),
    /// A rehearsal's: it says what passed.
    Told(u64),
}

impl Clock {
    fn now(&self) -> u64 {
        match self {
            Self::System(watch) => u64::try_from(watch.micros() / 1000).unwrap_or(u64::MAX),
            Self::Told(now) => *now,
        }
    }
}

/// The loop of a kiosk.
#[derive(Debug)]
pub struct Kiosk {
    site: Site,
    machine: Machine,
    clock: Clock,
    jobs: Sender<(u64, Job)>,
    questions: Sender<(u64, Question)>,
    prints: Sender<(u64, Box<CertificateAnswer>)>,
    page: Option<(u64, Box<Mouth>)>,
    told_left: Option<(u64, bool)>,
}

impl Kiosk {
    /// A kiosk; its jobs for the card, its questions to the centre and its documents go out with the number of their visit.
    #[must_use]
    pub fn new(
        site: Site,
        guides: Vec<Guide>,
        clock: Clock,
        jobs: Sender<(u64, Job)>,
        questions: Sender<(u64, Question)>,
        prints: Sender<(u64, Box<CertificateAnswer>)>,
    ) -> Self {
        let machine = Machine::new(guides, site.has_centre, site.contact);
        Self { site, machine, clock, jobs, questions, prints, page: None, told_left: None }
    }

    /// Until everybody who signals is gone.
    pub fn run(mut self, signals: &Receiver<Signal>) {
        loop {
            match signals.recv_timeout(LOOK) {
                Ok(signal) => self.take(signal),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            self.handle(Event::Tick);
            self.show();
        }
    }

    fn take(&mut self, signal: Signal) {
        match signal {
            Signal::Passed(milliseconds) => {
                if let Clock::Told(now) = &mut self.clock {
                    *now += milliseconds;
                }
            }
            Signal::Event(event) => self.handle(event),
            Signal::Page(Heard::Came(number, mouth)) => {
                self.page = Some((number, mouth));
                self.handle(Event::Page);
            }
            Signal::Page(Heard::Went(number)) => {
                if self.page.as_ref().is_some_and(|(here, _)| *here == number) {
                    self.page = None;
                    self.handle(Event::Page);
                }
            }
            Signal::Page(Heard::Said(number, said)) => {
                let is_here = self.page.as_ref().is_some_and(|(here, _)| *here == number);
                let said =
                    said.split_once(' ').and_then(|(screen, act)| Some((screen.parse().ok()?, Act::of_word(act)?)));
                if let (Some((screen, act)), true) = (said, is_here) {
                    self.handle(Event::Touched(screen, act));
                }
            }
        }
    }

    fn handle(&mut self, event: Event) {
        match self.machine.handle(event, self.clock.now()) {
            Some(Effect::Card(visit, job)) => {
                // Without readers there is no card to ask: the time limit ends the wait.
                let _ = self.jobs.send((visit, job));
            }
            Some(Effect::Centre(visit, question)) => {
                // As with the card.
                let _ = self.questions.send((visit, question));
            }
            Some(Effect::Print(visit, answer)) => {
                // As with the card.
                let _ = self.prints.send((visit, answer));
            }
            Some(Effect::Alarm) => self.tell("A".to_owned()),
            None => {}
        }
    }

    fn show(&mut self) {
        let left = self.machine.left().map(|left| (left, self.machine.is_late()));
        if self.machine.take_changed() {
            let drawn = html::screen(&self.machine, &self.site.place, &self.site.greeting);
            self.tell(format!("S {}\n{drawn}", self.machine.number()));
        } else if let (Some((seconds, late)), true) = (left, left != self.told_left) {
            self.tell(format!("T {seconds} {}", u8::from(late)));
        }
        self.told_left = left;
    }

    fn tell(&mut self, text: String) {
        if let Some((_, mouth)) = &mut self.page
            && !mouth.tell(text)
        {
            self.page = None;
            let _ = self.machine.handle(Event::Page, self.clock.now());
        }
    }
}

#[cfg(test)]
mod tests;
