//! How the rehearsal fails: by a script that names the message, or by a seed.
//!
//! Owns: which message meets which fault. Never: does it (`server`, `centre`).

use std::collections::BTreeMap;
use std::str::FromStr;

/// What happens to one message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Done, and the answer is lost: the connection ends.
    Lose,
    /// Never arrives: the connection ends and nothing is done.
    Drop,
    /// Done, and answered so many milliseconds later.
    Delay(u64),
    /// Arrives twice; the second answer is the one that comes back.
    Duplicate,
    /// Done, and the answer to an earlier message of this number comes back.
    Stale,
    /// Done, and the answer has what the answer to the last settlement or cancellation before it had.
    Crossed,
    /// Done, and half of the answer comes back.
    Garble,
    /// Done, and the answer's amounts do not add up.
    Amounts,
    /// Answered as done, and not done.
    Forget,
    /// Done with one fen more in the books than in the answer.
    Misbook,
    /// Refused without a reason.
    Refuse,
    /// Done, and refused as by a gateway whose own time is up.
    Busy,
}

impl Fault {
    /// Those that a seed draws from: what a network does.
    const OF_NETWORKS: [Self; 5] = [Self::Lose, Self::Drop, Self::Delay(50), Self::Duplicate, Self::Garble];

    /// Its word in a script.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Lose => "lose",
            Self::Drop => "drop",
            Self::Delay(_) => "delay",
            Self::Duplicate => "duplicate",
            Self::Stale => "stale",
            Self::Crossed => "crossed",
            Self::Garble => "garble",
            Self::Amounts => "amounts",
            Self::Forget => "forget",
            Self::Misbook => "misbook",
            Self::Refuse => "refuse",
            Self::Busy => "busy",
        }
    }
}

/// One line of a script: `2102:1=lose`, `2601=drop` (each of them), `2102:2=delay-300`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Script {
    infno: u16,
    nth: Option<u32>,
    fault: Fault,
}

impl FromStr for Script {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const SHAPE: &str =
            "write INFNO[:NTH]=lose|drop|delay-MS|duplicate|stale|crossed|garble|amounts|forget|misbook|refuse|busy";
        let (message, word) = text.split_once('=').ok_or(SHAPE)?;
        let (infno, nth) = match message.split_once(':') {
            Some((infno, nth)) => (infno, Some(nth.parse().ok().filter(|nth| *nth > 0).ok_or(SHAPE)?)),
            None => (message, None),
        };
        let fault = match word {
            "lose" => Fault::Lose,
            "drop" => Fault::Drop,
            "duplicate" => Fault::Duplicate,
            "stale" => Fault::Stale,
            "crossed" => Fault::Crossed,
            "garble" => Fault::Garble,
            "amounts" => Fault::Amounts,
            "forget" => Fault::Forget,
            "misbook" => Fault::Misbook,
            "refuse" => Fault::Refuse,
            "busy" => Fault::Busy,
            other => {
                let delay = other.strip_prefix("delay-").and_then(|ms| ms.parse().ok()).filter(|ms| *ms <= 60_000);
                Fault::Delay(delay.ok_or(SHAPE)?)
            }
        };
        Ok(Self { infno: infno.parse().map_err(|_| SHAPE)?, nth, fault })
    }
}

/// Faults of a run.
#[derive(Clone, Debug, Default)]
pub struct FaultPlan {
    scripts: Vec<Script>,
    seed: Option<(u64, u32)>,
    seen: BTreeMap<u16, u32>,
}

impl FaultPlan {
    /// By these lines.
    #[must_use]
    pub fn scripted(scripts: Vec<Script>) -> Self {
        Self { scripts, ..Self::default() }
    }

    /// Besides, of a hundred messages so many meet a fault of networks, drawn from this seed.
    #[must_use]
    pub fn with_seed(self, seed: u64, percent: u32) -> Self {
        Self { seed: Some((seed, percent)), ..self }
    }

    /// The fault of the next message of this number.
    pub(crate) fn next(&mut self, infno: u16) -> Option<Fault> {
        let seen = self.seen.entry(infno).or_default();
        *seen += 1;
        let nth = *seen;
        let scripted = self.scripts.iter().find(|line| line.infno == infno && line.nth.is_none_or(|of| of == nth));
        scripted.map(|line| line.fault).or_else(|| self.drawn())
    }

    fn drawn(&mut self) -> Option<Fault> {
        let (state, percent) = self.seed.as_mut()?;
        let chance = next(state) % 100;
        let kind = usize::try_from(next(state) % 5).unwrap_or(0);
        if chance < u64::from(*percent) { Fault::OF_NETWORKS.get(kind).copied() } else { None }
    }
}

/// SplitMix64.
fn next(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mut mixed = *state;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_names_one_message_or_each_of_a_number() {
        let lines = ["2102:2=lose", "2601=drop", "2102:3=delay-300"].map(|line| line.parse().expect("a line"));
        let mut plan = FaultPlan::scripted(lines.to_vec());
        let met: Vec<_> = [2102, 2102, 2102, 2601, 2601, 1101].map(|infno| plan.next(infno)).to_vec();
        let delay = Some(Fault::Delay(300));
        assert_eq!(met, [None, Some(Fault::Lose), delay, Some(Fault::Drop), Some(Fault::Drop), None]);
        for line in ["", "2102", "2102:0=lose", "2102=loose", "x=lose", "2102=delay", "2102=delay-99999999"] {
            assert!(line.parse::<Script>().is_err(), "{line}");
        }
    }

    #[test]
    fn one_seed_is_one_run() {
        let run = |seed| {
            let mut plan = FaultPlan::default().with_seed(seed, 30);
            (0..400).map(|_| plan.next(2102)).collect::<Vec<_>>()
        };
        assert_eq!(run(7), run(7));
        assert_ne!(run(7), run(8));
        let met = run(7).iter().flatten().count();
        assert!((80..160).contains(&met), "{met} of 400");
        assert!(run(7).iter().flatten().any(|fault| *fault == Fault::Lose));
    }
}
