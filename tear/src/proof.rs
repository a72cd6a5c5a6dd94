//! Every point of an act, and every pair of points: torn, gone on with, and counted.
//!
//! A point is torn in the first life. The town that is left goes on with a second life, torn at every point of its own, and each of
//! those with a third, which is left in peace. Two faults that both fall into the first life are a pair too. Towns that are alike in
//! everything on which their future depends ([`Look::key`]) go on alike, so one of them stands for all: its lives are lived once.
//!
//! Owns: which points there are, which towns are alike, the sums. Never: a fault by chance.

use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use card_counter::TerminalError;
use serde::Serialize;
use settlement::DateTime;
use settlement::fen::Fen;
use settlement::message::TerminalLimits;
use settlement::sale::OnlinePolicy;

use crate::books::{Holdings, Look, Verdict};
use crate::clerk::{Act, Habit, Life, Ours, PRICE, TOP_UP, WIDE};
use crate::course::{Course, Event, Point};
use crate::failure::Failure;
use crate::town::Town;

/// What is on the card before the act, fen.
pub const OPENING: u32 = 50_000;

/// Lives that are left in peace after the faults, at most: a terminal that needs more never comes to an end.
const LIVES_MAX: u8 = 4;

/// One point, or one pair that does not hold.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    /// Act.
    pub act: Act,
    /// Where it was torn, and where again.
    pub points: Vec<String>,
    /// Fen on the card right after the first fault.
    pub card_fen: i64,
    /// State of the act's last entry in the journal then.
    pub terminal: Option<String>,
    /// Fen on the card by the centre's ledger then.
    pub centre_fen: i64,
    /// What each of the three holds at the end.
    pub end: Holdings,
    /// What is lost or doubled at the end.
    #[serde(flatten)]
    pub verdict: Verdict,
    /// Whether nothing is.
    pub conserved: bool,
    /// What kept it from coming to an end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stuck: Option<String>,
}

/// The sums.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Totals {
    /// Points.
    pub points: u64,
    /// Pairs of points.
    pub pairs: u64,
    /// Of the pairs, those that were lived because no town like theirs had been.
    pub lived: u64,
    /// Points and pairs after which something was lost, doubled or never came to an end.
    pub broken: u64,
    /// Lost over all of them.
    pub lost_fen: i64,
    /// Doubled over all of them.
    pub doubled_fen: i64,
}

/// How much is proved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// Every point.
    Points,
    /// Every point, and of the pairs every so-manyth of each first point.
    Sample(usize),
    /// Every point and every pair.
    Pairs,
}

/// A proof of one act.
pub struct Proof<'a> {
    act: Act,
    habit: &'a dyn Habit,
    depth: Depth,
    town: Town,
    opening: i64,
    /// Entries of the journal before the act.
    known: usize,
    /// How a town goes on in peace, by its key.
    ends: HashMap<String, Rc<End>>,
    /// What pairs come to, by the key of the town after the first of them.
    seconds: HashMap<String, Rc<Seconds>>,
    totals: Totals,
    /// Whether towns that are alike are lived once.
    once: bool,
}

/// How it ends.
#[derive(Clone, Debug)]
struct End {
    holdings: Holdings,
    verdict: Verdict,
    stuck: Option<String>,
}

/// What the second lives of one town came to.
#[derive(Clone, Debug, Default)]
struct Seconds {
    pairs: u64,
    verdict: Verdict,
    broken: Vec<(String, Rc<End>)>,
}

impl<'a> Proof<'a> {
    /// Founds the town of an act.
    ///
    /// # Errors
    /// [`Failure`].
    pub fn of(act: Act, habit: &'a dyn Habit, depth: Depth) -> Result<Self, Failure> {
        let town = Town::found(1, if act == Act::Elsewhere { 2 } else { 1 }, Fen::from_card(OPENING))?;
        // Loaded as any card is: the journal knows of it.
        lived(&town, &Course::with(&[]), &Ours, 1, Act::Load)??;
        if matches!(act, Act::Refund | Act::Elsewhere) {
            lived(&town, &Course::with(&[]), &Ours, 1, Act::Purchase)??;
        }
        let look = Look::at(&town)?;
        let (opening, known) = (look.holdings.card_fen, look.entries);
        if act == Act::Load {
            let first = crate::books::identifier(&town, 0)?;
            town.allot(first, Fen::from_card(TOP_UP))?;
        }
        let (ends, seconds) = (HashMap::new(), HashMap::new());
        Ok(Self { act, habit, depth, town, opening, known, ends, seconds, totals: Totals::default(), once: true })
    }

    /// Lives every pair, also where a town like it was lived before: what it finds must be the same.
    #[must_use]
    pub fn one_by_one(mut self) -> Self {
        self.once = false;
        self
    }

    /// Tears it everywhere; `told` hears of every point, and of every pair that does not hold.
    ///
    /// # Errors
    /// [`Failure`], also of `told`.
    pub fn run(mut self, told: &mut dyn FnMut(&Row) -> Result<(), Failure>) -> Result<Totals, Failure> {
        let whole = Course::with(&[]);
        let peace = self.town.twin()?;
        self.life(&peace, &whole, 1)??;
        for first in whole.points_from(0) {
            let town = self.town.twin()?;
            let course = Course::with(&[first]);
            // What it says is the clerk's affair: what it left is looked at.
            let _ = self.life(&town, &course, 1)?;
            self.meanwhile(&town)?;
            let events = course.events();
            let look = Look::at(&town)?;
            let end = self.end(&town, &look, 2)?;
            self.totals.points += 1;
            self.count(&end);
            let name = named(&events, first);
            told(&self.row(vec![name.clone()], &look, &end))?;
            if self.depth == Depth::Points {
                continue;
            }
            for second in course.points_from(first.at + 1).into_iter().step_by(self.step()) {
                let (town, course) = (self.town.twin()?, Course::with(&[first, second]));
                let _ = self.life(&town, &course, 1)?;
                self.meanwhile(&town)?;
                self.totals.lived += 1;
                self.totals.pairs += 1;
                let look = Look::at(&town)?;
                let end = self.end(&town, &look, 2)?;
                self.count(&end);
                if !end.holds() {
                    told(&self.row(vec![name.clone(), named(&course.events(), second)], &look, &end))?;
                }
            }
            let seconds = self.seconds(&town, &look)?;
            self.totals.pairs += seconds.pairs;
            self.totals.lost_fen += seconds.verdict.lost_fen;
            self.totals.doubled_fen += seconds.verdict.doubled_fen;
            for (second, end) in &seconds.broken {
                self.totals.broken += 1;
                told(&self.row(vec![name.clone(), second.clone()], &look, end))?;
            }
        }
        Ok(self.totals)
    }

    /// What people do before the card comes back: nothing was heard of a sale and nobody waits any longer, or somebody is wrong about
    /// what the card did.
    fn meanwhile(&self, town: &Town) -> Result<(), Failure> {
        match self.act {
            Act::Closed => town.close_sales(),
            Act::Judged => town.judge(Look::at(town)?.holdings.card_fen == self.opening),
            _ => Ok(()),
        }
    }

    fn step(&self) -> usize {
        if let Depth::Sample(step) = self.depth { step.max(1) } else { 1 }
    }

    /// Second lives of a town, each torn once.
    fn seconds(&mut self, town: &Town, look: &Look) -> Result<Rc<Seconds>, Failure> {
        if let Some(known) = self.seconds.get(&look.key).filter(|_| self.once) {
            return Ok(Rc::clone(known));
        }
        let (peace, course) = (town.twin()?, Course::with(&[]));
        let _ = self.life(&peace, &course, 2)?;
        let events = course.events();
        let mut seconds = Seconds::default();
        for second in course.points_from(0).into_iter().step_by(self.step()) {
            let (town, course) = (town.twin()?, Course::with(&[second]));
            let _ = self.life(&town, &course, 2)?;
            let look = Look::at(&town)?;
            let end = self.end(&town, &look, 3)?;
            self.totals.lived += 1;
            seconds.pairs += 1;
            seconds.verdict.lost_fen += end.verdict.lost_fen;
            seconds.verdict.doubled_fen += end.verdict.doubled_fen;
            if !end.holds() {
                seconds.broken.push((named(&events, second), end));
            }
        }
        let seconds = Rc::new(seconds);
        self.seconds.insert(look.key.clone(), Rc::clone(&seconds));
        Ok(seconds)
    }

    /// Lets a town go on in peace until nothing is left to do.
    fn end(&mut self, town: &Town, look: &Look, number: u8) -> Result<Rc<End>, Failure> {
        if let Some(known) = self.ends.get(&look.key).filter(|_| self.once) {
            return Ok(Rc::clone(known));
        }
        let town = town.twin()?;
        let mut stuck: Option<TerminalError> = None;
        for number in number..number + LIVES_MAX {
            stuck = self.life(&town, &Course::with(&[]), number)?.err();
            if stuck.is_none() {
                break;
            }
        }
        // What is under way arrives at the very last, when everybody has been told how it ended.
        town.post.arrive(&town.desk()?);
        if self.act == Act::Closed {
            town.post_held()?;
        }
        let last = Look::at(&town)?;
        let unfinished = (last.open > 0 || last.transit_fen != 0 || last.open_sales > 0).then(|| "OPEN".to_owned());
        let end = Rc::new(End {
            holdings: last.holdings,
            verdict: last.holdings.verdict(self.opening, self.moved()),
            stuck: stuck.map(|error| error.code().as_str().to_owned()).or(unfinished),
        });
        self.ends.insert(look.key.clone(), Rc::clone(&end));
        Ok(end)
    }

    fn life(&self, town: &Town, course: &Arc<Course>, number: u8) -> Result<Result<(), TerminalError>, Failure> {
        lived(town, course, self.habit, number, self.act)
    }

    /// What the act moves on the card.
    fn moved(&self) -> i64 {
        match self.act {
            Act::Purchase | Act::Online | Act::Consent | Act::Closed | Act::Judged => -i64::from(PRICE),
            Act::Load => i64::from(TOP_UP),
            Act::Refund | Act::Elsewhere => i64::from(PRICE),
            Act::Pin => 0,
        }
    }

    fn count(&mut self, end: &End) {
        self.totals.broken += u64::from(!end.holds());
        self.totals.lost_fen += end.verdict.lost_fen;
        self.totals.doubled_fen += end.verdict.doubled_fen;
    }

    fn row(&self, points: Vec<String>, look: &Look, end: &End) -> Row {
        Row {
            act: self.act,
            points,
            card_fen: look.holdings.card_fen,
            terminal: look.last.filter(|_| look.entries > self.known).map(|state| state.to_string()),
            centre_fen: look.holdings.centre_fen,
            end: end.holdings,
            verdict: end.verdict,
            conserved: end.holds(),
            stuck: end.stuck.clone(),
        }
    }
}

/// Lives once more in a town. What the terminal could not do is the inner result.
fn lived(
    town: &Town,
    course: &Arc<Course>,
    habit: &dyn Habit,
    number: u8,
    act: Act,
) -> Result<Result<(), TerminalError>, Failure> {
    let desk = town.desk()?;
    let date_time = DateTime::parse(&format!("202601051011{number:02}")).map_err(|_| Failure::NotMade("an instant"))?;
    let online = match act {
        Act::Online => OnlinePolicy::OnlinePreferred,
        Act::Consent | Act::Closed => OnlinePolicy::OnlineRequired,
        Act::Purchase | Act::Judged | Act::Load | Act::Refund | Act::Elsewhere | Act::Pin => OnlinePolicy::OfflineOnly,
    };
    let limits = TerminalLimits { online, ..WIDE };
    let terminal = usize::from(act == Act::Elsewhere);
    Ok(Life { town, desk: &desk, terminal, card: 0, course, habit, date_time, again: number > 1, limits }.live(act))
}

impl End {
    fn holds(&self) -> bool {
        self.verdict == Verdict::default() && self.stuck.is_none()
    }
}

impl Totals {
    /// Whether everything was proved and nothing lost, doubled or stuck.
    #[must_use]
    pub const fn hold(&self) -> bool {
        self.points > 0 && self.broken == 0 && self.lost_fen == 0 && self.doubled_fen == 0
    }
}

impl std::ops::AddAssign for Totals {
    fn add_assign(&mut self, more: Self) {
        self.points += more.points;
        self.pairs += more.pairs;
        self.lived += more.lived;
        self.broken += more.broken;
        self.lost_fen += more.lost_fen;
        self.doubled_fen += more.doubled_fen;
    }
}

/// `card 7 DEBIT FOR PURCHASE: in write 3`.
fn named(events: &[Event], point: Point) -> String {
    let event = events.get(point.at);
    let party = event.map_or("", |event| event.party.name());
    let what = event.map_or("", |event| event.what);
    format!("{party} {} {what}: {}", point.at + 1, point.cut)
}

impl std::fmt::Debug for Proof<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Proof").field("act", &self.act).finish_non_exhaustive()
    }
}
