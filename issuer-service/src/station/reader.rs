//! One reader of the station: card after card until nothing is left.
//!
//! Owns: the order of cards on a reader, waiting for a pulled one, what failures in a row end. Never: writes to a card (`work`).

use std::time::{Duration, Instant};

use card_core::Session;
use card_core::transport::{Transport, TransportError};

use super::event::{Event, Refusal, What};
use super::failure::{StationError, transport_code};
use super::line::{Found, Line, Order};
use super::slot::Slot;
use super::work::{Claim, Work, Written};
use super::{Counts, Ended, Station, Stop};
use crate::card::Chip;
use crate::error::Explain;

/// How long an empty reader with a feeder is waited at before the feeder is asked.
const FEEDER_WAIT: Duration = Duration::from_secs(2);
/// How often a wait at a reader looks whether everything stops.
const STOP_HEARD: Duration = Duration::from_secs(1);
/// Times a feeder may claim to have fed while the reader stays empty.
const EMPTY_FEEDS_MAX: u32 = 3;
/// Times one card may be pulled in one run: a card that comes off more often has a bad contact.
const RETURNS_MAX: u32 = 20;

/// A reader at work.
pub(super) struct Reader<'a> {
    station: &'a Station<'a>,
    slot: Box<dyn Slot>,
    stop: &'a Stop,
    counts: Counts,
}

/// Why the work on a reader is interrupted.
enum Halt {
    /// The reader failed; the others go on.
    Reader(TransportError),
    /// Everything stops.
    Station(StationError),
}

impl From<StationError> for Halt {
    fn from(error: StationError) -> Self {
        Self::Station(error)
    }
}

impl From<TransportError> for Halt {
    fn from(error: TransportError) -> Self {
        Self::Reader(error)
    }
}

/// What came of one card.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Made,
    Spoilt,
    /// Half-written and pulled; its job stays open.
    Away,
    /// Not to be written.
    Unused,
    /// Blank, and nobody waits for it.
    NothingWaits,
    /// Pulled before anything was bound to it.
    Gone,
    /// Stock has none for this station.
    NoBlanks,
}

impl<'a> Reader<'a> {
    pub(super) fn new(station: &'a Station<'a>, slot: Box<dyn Slot>, stop: &'a Stop) -> Self {
        Self { station, slot, stop, counts: Counts::default() }
    }

    /// What it has counted.
    pub(super) const fn counts(&self) -> Counts {
        self.counts
    }

    /// Works until there is nothing to do, or nothing to do it with.
    pub(super) fn run(&mut self) -> Result<Ended, StationError> {
        let mut line = self.station.centre.line(self.slot.name())?;
        match self.cards(&mut *line) {
            Ok(ended) => Ok(ended),
            Err(Halt::Reader(error)) => {
                self.tell(None, What::ReaderEnded { reason: transport_code(&error) });
                Ok(Ended::ReaderFailed)
            }
            // Another reader's failures, or an operator, have had the same effect as ours would have.
            Err(Halt::Station(error)) => match error.code() {
                code @ "LOT_HELD" => {
                    self.tell(None, What::ReaderEnded { reason: code });
                    Ok(Ended::LotBad)
                }
                code @ "READER_HELD" => {
                    self.tell(None, What::ReaderEnded { reason: code });
                    Ok(Ended::TooManyFailures)
                }
                _ => Err(error),
            },
        }
    }

    fn cards(&mut self, line: &mut dyn Line) -> Result<Ended, Halt> {
        let (mut last, mut empty_feeds, mut gone) = (None, 0, 0);
        loop {
            if self.stop.is_due() {
                return Ok(Ended::Stopped);
            }
            if !line.work_left()? {
                return self.nothing_left(line);
            }
            let wait = if self.slot.feeds() { FEEDER_WAIT } else { self.station.wait };
            let Some(transport) = self.card_within(wait)? else {
                if self.stop.is_due() {
                    continue;
                }
                empty_feeds += 1;
                if !self.slot.feeds() || empty_feeds > EMPTY_FEEDS_MAX {
                    return Ok(Ended::NoCards);
                }
                if !self.next()? {
                    return Ok(self.no_next());
                }
                continue;
            };
            empty_feeds = 0;
            let session = Session::new(transport);
            let chip = session.atr().ok().and_then(|atr| Chip::of(atr.historical()));
            if chip.is_some() && chip == last {
                // The card just dealt with is still there.
                drop(session);
                if !self.within(self.station.wait, |slot, step| slot.emptied(step))? {
                    return Ok(if self.stop.is_due() { Ended::Stopped } else { Ended::NoCards });
                }
                continue;
            }
            match self.one_card(line, session, chip.as_ref())? {
                Outcome::Made => {
                    self.counts.made += 1;
                    self.stop.made();
                }
                Outcome::Spoilt => {
                    self.counts.spoilt += 1;
                    if let Some(ended) = self.failed(line)? {
                        return Ok(ended);
                    }
                }
                // It may be put back as well as be replaced; one that is mute for good is replaced.
                Outcome::Gone if gone < RETURNS_MAX => {
                    gone += 1;
                    continue;
                }
                Outcome::NoBlanks => {
                    self.tell(None, What::ReaderEnded { reason: "STOCK_NOTHING_ISSUED" });
                    return Ok(Ended::NoBlanks);
                }
                // This card stays blank, and every other one would.
                Outcome::NothingWaits if !line.others_may_come()? => {
                    return self.nothing_left(line);
                }
                Outcome::Away | Outcome::Unused | Outcome::NothingWaits | Outcome::Gone => {}
            }
            (last, gone) = (chip, 0);
            if !line.work_left()? {
                return self.nothing_left(line);
            }
            if !self.next()? {
                return Ok(self.no_next());
            }
        }
    }

    /// A card, unless none comes in time or everything stops.
    fn card_within(&mut self, wait: Duration) -> Result<Option<Box<dyn Transport>>, Halt> {
        let mut card = None;
        self.within(wait, |slot, step| {
            card = slot.card(step)?;
            Ok(card.is_some())
        })?;
        Ok(card)
    }

    /// The next card in place of this one. A feeder brings it at once or never, people take their time.
    fn next(&mut self) -> Result<bool, Halt> {
        if self.slot.feeds() {
            return Ok(self.slot.next(self.station.wait)?);
        }
        self.within(self.station.wait, |slot, step| slot.next(step))
    }

    /// Waits for something at the reader in steps of a second, between which a stop is heard; whether it came.
    fn within(
        &mut self,
        wait: Duration,
        mut step: impl FnMut(&mut dyn Slot, Duration) -> Result<bool, TransportError>,
    ) -> Result<bool, Halt> {
        let mut left = wait;
        loop {
            let now = left.min(STOP_HEARD);
            let came = step(&mut *self.slot, now)?;
            left = left.saturating_sub(now);
            if came || left.is_zero() || self.stop.is_due() {
                return Ok(came);
            }
        }
    }

    /// Nothing is left for this station: others have the rest, or there is none.
    fn nothing_left(&self, line: &mut dyn Line) -> Result<Ended, Halt> {
        if !line.is_left_to_others()? {
            return Ok(Ended::NothingLeft);
        }
        self.tell(None, What::ReaderEnded { reason: "JOBS_ON_LEASE" });
        Ok(Ended::OnLease)
    }

    /// Why no next card has come.
    fn no_next(&self) -> Ended {
        if self.stop.is_due() {
            return Ended::Stopped;
        }
        let Some(reason) = self.slot.trouble() else { return Ended::NoCards };
        self.tell(None, What::ReaderEnded { reason });
        Ended::FeederFailed
    }

    /// What a failed card means for the lot, the station and this reader.
    fn failed(&self, line: &mut dyn Line) -> Result<Option<Ended>, StationError> {
        let in_a_row = self.stop.failed();
        let (reason, ended) = if line.lot_is_bad()? {
            self.stop.now();
            ("LOT_BAD", Ended::LotBad)
        } else if in_a_row >= self.station.row_max {
            self.stop.now();
            ("STATION_STOPPED", Ended::StationStopped)
        } else if line.failures_in_a_row()? >= self.station.failures_max {
            line.hold_reader("TOO_MANY_FAILURES")?;
            ("TOO_MANY_FAILURES", Ended::TooManyFailures)
        } else {
            return Ok(None);
        };
        self.tell(None, What::ReaderEnded { reason });
        Ok(Some(ended))
    }

    /// Deals with the card in the reader.
    fn one_card(&mut self, line: &mut dyn Line, mut session: Session, chip: Option<&Chip>) -> Result<Outcome, Halt> {
        let Some(chip) = chip else {
            self.tell(None, What::Refused { reason: Refusal::NotSocialSecurityCard });
            return Ok(Outcome::Unused);
        };
        let work = Work { station: self.station, reader: self.slot.name().to_owned() };
        match work.claim(line, &mut session, chip)? {
            Claim::New(order) => {
                self.tell(Some(order.card.job), What::Begun);
                self.make(line, &work, session, *order, false)
            }
            Claim::Resume(order) => {
                self.tell(Some(order.card.job), What::Resumed);
                self.make(line, &work, session, *order, true)
            }
            Claim::Refused(reason) => {
                self.tell(None, What::Refused { reason });
                Ok(Outcome::Unused)
            }
            Claim::NothingWaits => Ok(Outcome::NothingWaits),
            Claim::NoBlanks => Ok(Outcome::NoBlanks),
            Claim::Lost(error) if error.card_lost() => Ok(Outcome::Gone),
            Claim::Lost(error) => Err(Halt::Reader(error)),
        }
    }

    fn make(
        &mut self,
        line: &mut dyn Line,
        work: &Work<'_>,
        mut session: Session,
        mut order: Order,
        mut resumed: bool,
    ) -> Result<Outcome, Halt> {
        let job = order.card.job;
        for _ in 0..RETURNS_MAX {
            match work.write(line, &mut session, &mut order, resumed)? {
                Written::Verified { steps, read_back } => {
                    match line.finish(&order, steps, &read_back, self.station.printer.is_some()) {
                        Err(error) if error.wants_it_anew() => {
                            let found = line.find(&order.card.chip)?;
                            let Found::Begun(anew) = found else {
                                // What the registry holds now goes onto no card.
                                self.tell(Some(job), What::Refused { reason: Refusal::DataUnfit });
                                return Ok(Outcome::Unused);
                            };
                            (order, resumed) = (*anew, true);
                            self.tell(Some(job), What::Resumed);
                            continue;
                        }
                        finished => finished?,
                    }
                    self.tell(Some(job), What::Made { card_number: &order.card.card_number });
                    if let Some(reason) = work.print(line, &order)? {
                        self.counts.unprinted += 1;
                        self.tell(Some(job), What::Unprinted { reason });
                    }
                    return Ok(Outcome::Made);
                }
                Written::Bad(reason) => {
                    let next_job = line.spoil(&order, &reason)?;
                    self.tell(Some(job), What::Spoilt { reason: &reason, next_job });
                    return Ok(Outcome::Spoilt);
                }
                Written::Lost(error) if error.card_lost() => {
                    line.note(job, "pulled", transport_code(&error))?;
                    self.tell(Some(job), What::Pulled);
                }
                Written::Lost(error) => return Err(Halt::Reader(error)),
            }
            drop(session);
            match self.returned(&order)? {
                Some(back) => session = back,
                None => break,
            }
            self.counts.retries += 1;
            self.tell(Some(job), What::Returned);
            resumed = true;
        }
        line.note(job, "away", "")?;
        self.tell(Some(job), What::NotReturned);
        Ok(Outcome::Away)
    }

    /// Waits until the card of this job is back; any other one is refused.
    fn returned(&mut self, order: &Order) -> Result<Option<Session>, Halt> {
        let start = Instant::now();
        loop {
            let left = self.station.wait.saturating_sub(start.elapsed());
            if left.is_zero() || self.stop.is_due() {
                return Ok(None);
            }
            let Some(transport) = self.card_within(left)? else { return Ok(None) };
            let session = Session::new(transport);
            let chip = session.atr().ok().and_then(|atr| Chip::of(atr.historical()));
            if chip.as_ref() == Some(&order.card.chip) {
                return Ok(Some(session));
            }
            drop(session);
            self.tell(Some(order.card.job), What::WrongCard);
            let left = self.station.wait.saturating_sub(start.elapsed());
            if !self.within(left, |slot, step| slot.emptied(step))? {
                return Ok(None);
            }
        }
    }

    fn tell(&self, job: Option<i64>, what: What<'_>) {
        self.station.watcher.event(&Event { reader: self.slot.name(), job, what });
    }
}
