//! Faults on demand: power loss before, inside or after a command; a mute card; memory that fails.
//!
//! Owns: what is to happen and when; a power loss happens once, a lemon and a mute card stay so.
//! Never: strikes by chance: every fault names its command or its write.
//! Units: commands and memory writes are counted from the moment when the fault is set.

use serde::{Deserialize, Serialize};

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

    /// Counts a command and says what happens at it.
    pub(crate) fn strike(&mut self, ins: Option<u8>) -> Option<Strike> {
        let mut strike = None;
        self.faults.retain_mut(|fault| match fault {
            Fault::PowerLoss { at, moment, back_after_ms } => {
                let now = at.counts(ins);
                if now && strike.is_none() {
                    strike = Some(Strike::PowerLoss { moment: *moment, back_after_ms: *back_after_ms });
                }
                !now
            }
            Fault::Mute { at } => {
                // Once reached the count stays at zero: from then on every command meets a mute card.
                if at.nth == 0 || at.counts(ins) {
                    strike = Some(Strike::Mute);
                }
                true
            }
            Fault::Lemon { .. } => true,
        });
        strike
    }

    /// Writes before the memory fails, if it will.
    pub(crate) fn lemon(&self) -> Option<u64> {
        let writes = |fault: &Fault| match fault {
            Fault::Lemon { after_writes } => Some(*after_writes),
            Fault::PowerLoss { .. } | Fault::Mute { .. } => None,
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
        ]);
        let text = serde_json::to_string(&plan).expect("plain data");
        assert_eq!(serde_json::from_str::<FaultPlan>(&text).expect("its own text"), plan);
    }
}
