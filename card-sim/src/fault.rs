//! Faults on demand and under a seed: power loss before, inside or after a command; a mute or slow card; answers without end,
//! cut off, with wrong bits or without a status; memory that fails.
//!
//! Owns: what is to happen and when; a power loss happens once, a lemon and a mute card stay so.
//! Never: strikes by chance: every fault names its command or its write, or the seed that decides.
//! Units: commands and memory writes are counted from the moment when the fault is set.

use serde::{Deserialize, Serialize};

use crate::noise::Noise;

/// INS of GET RESPONSE.
const GET_RESPONSE: u8 = 0xC0;
/// "255 more bytes": what an endless answer announces each time.
const MORE: [u8; 2] = [0x61, 0xFF];
/// Bytes of one piece of an endless answer.
const PIECE: [u8; 255] = [0xAA; 255];
/// Neither a procedure byte of any command nor the first byte of a status word (ISO/IEC 7816-3 10.3.3: 6X but 60, 9X).
const NO_PROCEDURE: u8 = 0x05;
/// Longest delay of a storm.
const STORM_DELAY_MS: u64 = 50;
/// A storm's card is back before a person would have put it back, and after a daemon has noticed.
const STORM_BACK_MS: u64 = 600;
/// Memory writes after which a storm tears a command: more than any has.
const STORM_WRITES: u64 = 24;
/// Bytes that a storm leaves of an answer, at most.
const STORM_KEEP: u64 = 8;
/// Bits in a million that a storm's noisy answer has wrong: one in 100.
const STORM_NOISE: u32 = 10_000;

/// Faults to come, in the order in which they were set.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct FaultPlan {
    faults: Vec<Fault>,
}

/// One fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Fault {
    /// The card loses power, as when it is pulled.
    PowerLoss {
        /// At which command.
        at: Trigger,
        /// Where in it.
        moment: Moment,
        /// When it is back in the reader; `None`: when someone puts it back.
        #[serde(default)]
        back_after_ms: Option<u64>,
    },
    /// Every write fails with `6581` after so many more.
    Lemon {
        /// Writes that still succeed.
        after_writes: u64,
    },
    /// The card does not answer from this command on.
    Mute {
        /// At which command.
        at: Trigger,
    },
    /// The command is carried out and its answer comes late.
    Slow {
        /// At which command.
        at: Trigger,
        /// How late.
        ms: u64,
    },
    /// The command is carried out; its answer and each GET RESPONSE after it announce more, without end.
    Endless {
        /// At which command; 0: it happened, and GET RESPONSE still meets it.
        at: Trigger,
    },
    /// The command is carried out and its answer breaks off.
    Truncated {
        /// At which command.
        at: Trigger,
        /// Bytes of the answer that still come.
        keep: u64,
    },
    /// The card answers one byte that is neither a procedure byte nor part of a status word.
    WrongProcedure {
        /// At which command.
        at: Trigger,
    },
    /// From this command on, bits of the answers are wrong.
    BitErrors {
        /// At which command; 0: they are.
        at: Trigger,
        /// Of a million bits, so many are wrong.
        per_million: u32,
        /// Decides which; moves on with each answer.
        seed: Noise,
    },
    /// From now on each command may meet any of the faults above but a lemon and a card that stays mute.
    Storm {
        /// Of a thousand commands, so many meet one.
        per_mille: u32,
        /// Decides which; moves on with each command.
        seed: Noise,
    },
}

/// At which command: the `nth` (from 1), of any kind or with this instruction byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trigger {
    /// Only commands with this INS count.
    #[serde(default)]
    pub ins: Option<u8>,
    /// Which of them, from 1.
    pub nth: u64,
}

/// Where in the command power is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Moment {
    /// Before the card does anything.
    Before,
    /// At a memory write; when the command has fewer writes, after it.
    Inside {
        /// Writes of the command that succeed.
        write: u64,
        /// Whether the next one stays half-written.
        half: bool,
    },
    /// After everything is done, before the answer.
    After,
}

/// A fault that happens now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Strike {
    PowerLoss { moment: Moment, back_after_ms: Option<u64> },
    Mute,
    Slow { ms: u64 },
    Endless { piece: bool },
    Truncated { keep: u64 },
    WrongProcedure,
    Noisy { per_million: u32, noise: Noise },
}

impl Strike {
    /// What becomes of an answer, and how late it comes.
    pub(crate) fn shape(self, answer: &mut Vec<u8>, mark: usize) -> u64 {
        match self {
            Self::PowerLoss { .. } | Self::Mute => {}
            Self::Slow { ms } => return ms,
            Self::Endless { piece } => {
                answer.truncate(mark);
                if piece {
                    answer.extend(PIECE);
                }
                answer.extend(MORE);
            }
            Self::Truncated { keep } => {
                let keep = usize::try_from(keep).unwrap_or(usize::MAX);
                answer.truncate(mark.saturating_add(keep));
            }
            Self::WrongProcedure => {
                answer.truncate(mark);
                answer.push(NO_PROCEDURE);
            }
            Self::Noisy { per_million, mut noise } => {
                noise.flip(answer.get_mut(mark..).unwrap_or_default(), per_million);
            }
        }
        0
    }
}

/// What a storm brings with one command.
fn gust(noise: &mut Noise) -> Strike {
    match noise.below(9) {
        0 => Strike::Mute,
        1 => Strike::Slow { ms: noise.below(STORM_DELAY_MS) },
        2 => Strike::PowerLoss { moment: Moment::Before, back_after_ms: Some(STORM_BACK_MS) },
        3 => Strike::PowerLoss { moment: Moment::After, back_after_ms: Some(STORM_BACK_MS) },
        4 => {
            let moment = Moment::Inside { write: noise.below(STORM_WRITES), half: noise.below(2) == 1 };
            Strike::PowerLoss { moment, back_after_ms: Some(STORM_BACK_MS) }
        }
        5 => Strike::Endless { piece: false },
        6 => Strike::Truncated { keep: noise.below(STORM_KEEP) },
        7 => Strike::WrongProcedure,
        _ => Strike::Noisy { per_million: STORM_NOISE, noise: noise.branch() },
    }
}

impl Trigger {
    /// The `nth` command of any kind.
    #[must_use]
    pub const fn command(nth: u64) -> Self {
        Self { ins: None, nth }
    }

    /// The `nth` command with this instruction byte.
    #[must_use]
    pub const fn instruction(ins: u8, nth: u64) -> Self {
        Self { ins: Some(ins), nth }
    }

    /// Counts a command; whether it is the one.
    fn counts(&mut self, ins: Option<u8>) -> bool {
        if self.ins.is_none_or(|wanted| ins == Some(wanted)) {
            self.nth = self.nth.saturating_sub(1);
            return self.nth == 0;
        }
        false
    }
}

impl FaultPlan {
    /// A plan of these faults.
    #[must_use]
    pub const fn new(faults: Vec<Fault>) -> Self {
        Self { faults }
    }

    /// Faults still to come.
    #[must_use]
    pub fn faults(&self) -> &[Fault] {
        &self.faults
    }

    /// Adds a fault.
    pub fn add(&mut self, fault: Fault) {
        self.faults.push(fault);
    }

    /// Whether nothing is to come.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.faults.is_empty()
    }

    /// Counts a command and says what happens at it. Where several faults meet, a mute card wins, then the first one set.
    pub(crate) fn strike(&mut self, ins: Option<u8>) -> Option<Strike> {
        let mut strike = None;
        let mut first = |new: Strike| {
            if strike.is_none() || new == Strike::Mute {
                strike = Some(new);
            }
        };
        let mut endless = false;
        self.faults.retain_mut(|fault| match fault {
            Fault::PowerLoss { at, moment, back_after_ms } => {
                let now = at.counts(ins);
                if now {
                    first(Strike::PowerLoss { moment: *moment, back_after_ms: *back_after_ms });
                }
                !now
            }
            Fault::Mute { at } => {
                // Once reached the count stays at zero: from then on every command meets a mute card.
                if at.nth == 0 || at.counts(ins) {
                    first(Strike::Mute);
                }
                true
            }
            Fault::Slow { at, ms } => {
                let now = at.counts(ins);
                if now {
                    first(Strike::Slow { ms: *ms });
                }
                !now
            }
            Fault::Endless { at } if at.nth == 0 => {
                // It lasts as long as someone asks for more.
                let asked = ins == Some(GET_RESPONSE);
                if asked {
                    first(Strike::Endless { piece: true });
                }
                asked
            }
            Fault::Endless { at } => {
                if at.counts(ins) {
                    first(Strike::Endless { piece: false });
                }
                true
            }
            Fault::Truncated { at, keep } => {
                let now = at.counts(ins);
                if now {
                    first(Strike::Truncated { keep: *keep });
                }
                !now
            }
            Fault::WrongProcedure { at } => {
                let now = at.counts(ins);
                if now {
                    first(Strike::WrongProcedure);
                }
                !now
            }
            Fault::BitErrors { at, per_million, seed } => {
                if at.nth == 0 || at.counts(ins) {
                    first(Strike::Noisy { per_million: *per_million, noise: seed.branch() });
                }
                true
            }
            Fault::Storm { per_mille, seed } => {
                if seed.below(1000) < u64::from(*per_mille) {
                    let gust = gust(seed);
                    endless = matches!(gust, Strike::Endless { .. });
                    first(gust);
                }
                true
            }
            Fault::Lemon { .. } => true,
        });
        if endless && matches!(strike, Some(Strike::Endless { piece: false })) {
            self.faults.push(Fault::Endless { at: Trigger::command(0) });
        }
        strike
    }

    /// Writes before the memory fails, if it will.
    pub(crate) fn lemon(&self) -> Option<u64> {
        let writes = |fault: &Fault| match fault {
            Fault::Lemon { after_writes } => Some(*after_writes),
            Fault::PowerLoss { .. }
            | Fault::Mute { .. }
            | Fault::Slow { .. }
            | Fault::Endless { .. }
            | Fault::Truncated { .. }
            | Fault::WrongProcedure { .. }
            | Fault::BitErrors { .. }
            | Fault::Storm { .. } => None,
        };
        self.faults.iter().filter_map(writes).min()
    }

    /// Notes how many writes are left.
    pub(crate) fn set_lemon(&mut self, left: Option<u64>) {
        let Some(left) = left else { return };
        for fault in &mut self.faults {
            if let Fault::Lemon { after_writes } = fault {
                *after_writes = left;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_power_loss_strikes_once_at_the_command_named() {
        let loss = |at| Fault::PowerLoss { at, moment: Moment::After, back_after_ms: Some(5) };
        let mut plan = FaultPlan::new(vec![loss(Trigger::command(2)), loss(Trigger::instruction(0x2C, 2))]);
        let struck: Vec<bool> =
            [0xA4, 0x2C, 0xB2, 0x2C, 0x2C].map(|ins| plan.strike(Some(ins)).is_some()).into_iter().collect();
        assert_eq!(struck, [false, true, false, true, false]);
        assert!(plan.is_empty());
    }

    #[test]
    fn a_mute_card_stays_mute() {
        let mut plan = FaultPlan::new(vec![Fault::Mute { at: Trigger::instruction(0xB2, 1) }]);
        let struck: Vec<bool> = [0xA4, 0xB2, 0xA4].map(|ins| plan.strike(Some(ins)).is_some()).into_iter().collect();
        assert_eq!(struck, [false, true, true]);
    }

    #[test]
    fn a_plan_reads_back_from_its_text() {
        let plan = FaultPlan::new(vec![
            Fault::PowerLoss {
                at: Trigger::instruction(0x2C, 1),
                moment: Moment::Inside { write: 3, half: true },
                back_after_ms: None,
            },
            Fault::Lemon { after_writes: 7 },
            Fault::Mute { at: Trigger::command(9) },
            Fault::Slow { at: Trigger::command(1), ms: 40 },
            Fault::Endless { at: Trigger::command(2) },
            Fault::Truncated { at: Trigger::instruction(0xB2, 1), keep: 3 },
            Fault::WrongProcedure { at: Trigger::command(1) },
            Fault::BitErrors { at: Trigger::command(1), per_million: 20, seed: Noise::new(7) },
            Fault::Storm { per_mille: 100, seed: Noise::new(u64::MAX) },
        ]);
        let text = serde_json::to_string(&plan).expect("plain data");
        assert_eq!(serde_json::from_str::<FaultPlan>(&text).expect("its own text"), plan);
    }

    #[test]
    fn an_endless_answer_lasts_as_long_as_more_is_asked_for() {
        let mut plan = FaultPlan::new(vec![Fault::Endless { at: Trigger::instruction(0xA4, 1) }]);
        let struck = [0xB2, 0xA4, 0xC0, 0xC0, 0xB2, 0xC0].map(|ins| plan.strike(Some(ins)));
        let (start, piece) = (Some(Strike::Endless { piece: false }), Some(Strike::Endless { piece: true }));
        assert_eq!(struck, [None, start, piece, piece, None, None]);
        assert!(plan.is_empty());
    }

    #[test]
    fn an_answer_is_shaped_behind_what_was_there() {
        for (strike, after, late) in [
            (Strike::Slow { ms: 9 }, vec![1, 2, 0x90, 0x00], 9),
            (Strike::Endless { piece: false }, vec![1, 0x61, 0xFF], 0),
            (Strike::Endless { piece: true }, [&[1][..], &PIECE, &MORE].concat(), 0),
            (Strike::Truncated { keep: 2 }, vec![1, 2, 0x90], 0),
            (Strike::Truncated { keep: u64::MAX }, vec![1, 2, 0x90, 0x00], 0),
            (Strike::WrongProcedure, vec![1, NO_PROCEDURE], 0),
            (Strike::Noisy { per_million: 1_000_000, noise: Noise::new(0) }, vec![1, 0xFD, 0x6F, 0xFF], 0),
            (Strike::Noisy { per_million: 0, noise: Noise::new(0) }, vec![1, 2, 0x90, 0x00], 0),
        ] {
            let mut answer = vec![1, 2, 0x90, 0x00];
            assert_eq!(strike.shape(&mut answer, 1), late, "{strike:?}");
            assert_eq!(answer, after, "{strike:?}");
        }
    }

    #[test]
    fn a_storm_of_one_seed_is_the_same_every_time_and_brings_every_fault() {
        let storm = |seed| {
            let mut plan = FaultPlan::new(vec![Fault::Storm { per_mille: 300, seed: Noise::new(seed) }]);
            (0..2000_u32).map(|_| plan.strike(Some(0xB2))).collect::<Vec<_>>()
        };
        assert!(storm(1) == storm(1) && storm(1) != storm(2));
        let kinds: std::collections::HashSet<_> = storm(1).iter().flatten().map(std::mem::discriminant).collect();
        assert_eq!(kinds.len(), 7, "power loss, mute, slow, endless, truncated, wrong procedure, noise");
        let count = storm(1).iter().flatten().count();
        assert!((450..750).contains(&count), "{count} of 2000 at 300 in a thousand");
    }

    #[test]
    fn a_storm_kept_in_between_goes_on_where_it_was() {
        let mut whole = FaultPlan::new(vec![Fault::Storm { per_mille: 500, seed: Noise::new(3) }]);
        let mut kept = whole.clone();
        for _ in 0..50 {
            assert_eq!(whole.strike(Some(0xB2)), kept.strike(Some(0xB2)));
            let text = serde_json::to_string(&kept).expect("plain data");
            kept = serde_json::from_str(&text).expect("its own text");
        }
    }
}
