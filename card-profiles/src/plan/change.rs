//! Changing items of a card in its holder's hands: what is on it now against what is wanted, then only what differs.
//!
//! Source: LD/T 32 READ and UPDATE of records and binary files, under each file's own conditions.
//! Owns: the parts that a change is made of, the same ones in the same order for comparing and for writing.
//! Never: loads a key, touches an item that was not named, writes what it could not read back.

use std::collections::BTreeSet;

use card_core::command::{self, Record};
use card_core::script::Step;

use super::{Act, Expected, Plan, PlanError, PlannedStep, compare};
use crate::access::Access;
use crate::address::{self, chunks};
use crate::approach::{Means, State};
use crate::image::{self, CardValues};
use crate::limits::WRITE_CHUNK;
use crate::place::Place;
use crate::profile::{Df, Ef, EfKind, Profile};
use crate::ways::Ways;

/// A record of a TLV file, or a piece of a transparent one.
struct Part<'a> {
    df: &'a Df,
    ef: &'a Ef,
    /// Record number, from 1; none in a transparent file.
    record: Option<u8>,
    /// Where a piece begins.
    offset: u16,
    bytes: Vec<u8>,
}

impl Plan {
    /// Steps that compare a card with these values: each [`Act::ReadBack`] reads one part, in the order that
    /// [`Plan::change`] counts them in. A part that differs is judged a mismatch, not a refusal.
    ///
    /// # Errors
    /// [`PlanError`]: a value that does not fit, or a file that these means do not open for reading.
    pub fn compare(profile: &Profile, values: &CardValues, means: &Means) -> Result<Self, PlanError> {
        let mut changer = Changer::new(profile, means);
        for part in parts(profile, values)? {
            changer.reach(&part, &part.ef.read)?;
            let (read, expected) = match part.record {
                Some(number) => {
                    let read = address::read_record(part.ef, Ways::default(), Record::Number(number), part.bytes.len());
                    (read, Expected::Records(vec![(part.place(), part.bytes.clone())]))
                }
                None => {
                    let read = address::read_binary(part.ef, Ways::default(), part.offset, part.bytes.len());
                    (read, Expected::Bytes(part.bytes.clone()))
                }
            };
            changer.push(Step::Send(read), Act::ReadBack, &part, expected);
        }
        Ok(Self { steps: changer.steps })
    }

    /// Steps that write those parts of these values that are named, counted from 0 as [`Plan::compare`] reads them.
    ///
    /// # Errors
    /// [`PlanError`], also for a part that is not named: whether a card can take these values does not depend on what is on it.
    pub fn change(
        profile: &Profile,
        values: &CardValues,
        means: &Means,
        differing: &BTreeSet<usize>,
    ) -> Result<Self, PlanError> {
        let all = parts(profile, values)?;
        let mut rehearsal = Changer::new(profile, means);
        all.iter().try_for_each(|part| rehearsal.reach(part, &part.ef.update))?;
        let mut changer = Changer::new(profile, means);
        for (place, part) in all.iter().enumerate() {
            // The first piece of a transparent file makes it the current one.
            let leads = part.record.is_none()
                && part.offset == 0
                && all.iter().enumerate().any(|(other, piece)| differing.contains(&other) && piece.same_file(part));
            if !differing.contains(&place) && !leads {
                continue;
            }
            changer.reach(part, &part.ef.update)?;
            let update = match part.record {
                Some(number) => command::update_record(part.ef.sfi(), address::of_record(part.ef, number), &part.bytes),
                None => address::update_binary(part.ef, part.offset, &part.bytes),
            };
            changer.push(Step::Send(update.secret()), Act::Write, part, Expected::Done);
        }
        Ok(Self { steps: changer.steps })
    }
}

impl Part<'_> {
    fn place(&self) -> Place {
        match self.record {
            Some(number) => compare::record_place(self.df, self.ef, number),
            None => Place::file(&self.df.id, &self.ef.id),
        }
    }

    fn same_file(&self, other: &Self) -> bool {
        self.df.id == other.df.id && self.ef.id == other.ef.id
    }
}

/// What these values come to, file by file in the order of the profile.
fn parts<'a>(profile: &'a Profile, values: &CardValues) -> Result<Vec<Part<'a>>, PlanError> {
    let faults = image::check(profile, values);
    if !faults.is_empty() {
        return Err(PlanError::Values(faults));
    }
    let mut parts = Vec::new();
    for (df, ef) in profile.df.iter().flat_map(|df| df.ef.iter().map(move |ef| (df, ef))) {
        let records = image::encode_file(df, ef, values).map_err(PlanError::Values)?;
        match ef.kind {
            _ if records.is_empty() => {}
            EfKind::Cyclic => return Err(PlanError::Cyclic(Place::file(&df.id, &ef.id))),
            EfKind::TlvRecords => parts.extend(records.into_iter().map(|(number, bytes)| Part {
                df,
                ef,
                record: Some(number),
                offset: 0,
                bytes,
            })),
            EfKind::Transparent => {
                // What a longer value left behind is no part of this one.
                let mut bytes: Vec<u8> = records.into_iter().flat_map(|(_, bytes)| bytes).collect();
                bytes.resize(bytes.len().max(usize::from(ef.size)), 0);
                let pieces = chunks(&bytes, WRITE_CHUNK);
                parts.extend(pieces.map(|(offset, piece)| Part {
                    df,
                    ef,
                    record: None,
                    offset,
                    bytes: piece.to_vec(),
                }));
            }
        }
    }
    Ok(parts)
}

struct Changer<'a> {
    profile: &'a Profile,
    means: &'a Means,
    state: State,
    steps: Vec<PlannedStep>,
}

impl<'a> Changer<'a> {
    fn new(profile: &'a Profile, means: &'a Means) -> Self {
        Self { profile, means, state: State::default(), steps: Vec::new() }
    }

    /// Selects the directory of a part, the environment before it, and proves what `access` asks.
    fn reach(&mut self, part: &Part<'_>, access: &Access) -> Result<(), PlanError> {
        let first = self.profile.df.first().filter(|_| self.steps.is_empty());
        for df in first.into_iter().chain([part.df]) {
            if let Some(step) = self.state.select(self.profile, df) {
                self.steps.push(PlannedStep {
                    step,
                    act: Act::Select,
                    df: df.id.clone(),
                    place: None,
                    expected: Expected::Done,
                });
            }
        }
        let proved = self.state.prove(self.profile, access, self.means);
        for (right, step) in proved.map_err(|right| PlanError::Closed { place: part.place(), right })? {
            self.push(step, Act::Prove(right), part, Expected::Done);
        }
        Ok(())
    }

    fn push(&mut self, step: Step, act: Act, part: &Part<'_>, expected: Expected) {
        self.steps.push(PlannedStep { step, act, df: part.df.id.clone(), place: Some(part.place()), expected });
    }
}
