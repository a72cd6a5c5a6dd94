//! Faults as options.

use clap::{Args, ValueEnum};

use crate::fault::{Fault, Moment, Trigger};
use crate::noise::Noise;

/// What is to go wrong. Options that do not belong together are refused.
#[derive(Debug, Args)]
#[group(required = true, multiple = true)]
pub(crate) struct FaultArguments {
    /// Forget the faults set before.
    #[arg(long)]
    pub(crate) clear: bool,
    /// Lose power before, inside or after a command.
    #[arg(long, value_enum, requires = "which", group = "kind")]
    power_loss: Option<When>,
    /// Stay mute from a command on.
    #[arg(long, requires = "which", group = "kind")]
    mute: bool,
    /// Answer a command so many milliseconds late.
    #[arg(long, value_name = "MS", requires = "which", group = "kind")]
    slow: Option<u64>,
    /// Announce more data (61xx) to a command and each GET RESPONSE after it, without end.
    #[arg(long, requires = "which", group = "kind")]
    endless: bool,
    /// Break the answer to a command off after so many bytes.
    #[arg(long, value_name = "BYTES", requires = "which", group = "kind")]
    truncate: Option<u64>,
    /// Answer a command with one byte that is neither a procedure byte nor a status.
    #[arg(long, requires = "which", group = "kind")]
    wrong_procedure: bool,
    /// From a command on, flip so many of a million bits of the answers, as the seed decides.
    #[arg(long, value_name = "PPM", requires_all = ["which", "seed"], group = "kind",
          value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    bit_errors: Option<u32>,
    /// From now on, let so many of a thousand commands meet a fault, as the seed decides.
    #[arg(long, value_name = "PERMILLE", requires = "seed", conflicts_with = "which", group = "kind",
          value_parser = clap::value_parser!(u32).range(1..=1000))]
    storm: Option<u32>,
    /// Fail every memory write with 6581 after so many more.
    #[arg(long, value_name = "N", conflicts_with = "which", group = "kind")]
    lemon_after_writes: Option<u64>,
    /// With `bit-errors` and `storm`: the same seed gives the same faults.
    #[arg(long, value_name = "NUMBER", requires = "kind")]
    seed: Option<u64>,
    /// At the n-th command from now.
    #[arg(long, value_name = "N", group = "which", requires = "kind", value_parser = clap::value_parser!(u64).range(1..))]
    at: Option<u64>,
    /// At a command with this instruction byte, two hex digits.
    #[arg(long, value_name = "HEX", group = "which", requires = "kind", value_parser = instruction)]
    ins: Option<u8>,
    /// At the n-th such command.
    #[arg(long, value_name = "N", requires = "ins", value_parser = clap::value_parser!(u64).range(1..))]
    nth: Option<u64>,
    /// With `inside`: memory writes of the command that still succeed.
    #[arg(long, value_name = "K", requires = "power_loss")]
    write: Option<u64>,
    /// With `inside`: leave the next write half done.
    #[arg(long, requires = "write")]
    half: bool,
    /// Put the card back after so many milliseconds.
    #[arg(long, value_name = "MS", requires = "power_loss")]
    back_after: Option<u64>,
}

/// Where in the command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum When {
    /// Before the card does anything.
    Before,
    /// At a memory write.
    Inside,
    /// When all is done and nothing answered.
    After,
}

impl FaultArguments {
    /// The fault, if one is set.
    pub(crate) fn fault(&self) -> Option<Fault> {
        let at = Trigger { ins: self.ins, nth: self.at.or(self.nth).unwrap_or(1) };
        if let Some(when) = self.power_loss {
            let moment = match when {
                When::Before => Moment::Before,
                When::Inside => Moment::Inside { write: self.write.unwrap_or(0), half: self.half },
                When::After => Moment::After,
            };
            return Some(Fault::PowerLoss { at, moment, back_after_ms: self.back_after });
        }
        if self.mute {
            return Some(Fault::Mute { at });
        }
        if let Some(ms) = self.slow {
            return Some(Fault::Slow { at, ms });
        }
        if self.endless {
            return Some(Fault::Endless { at });
        }
        if let Some(keep) = self.truncate {
            return Some(Fault::Truncated { at, keep });
        }
        if self.wrong_procedure {
            return Some(Fault::WrongProcedure { at });
        }
        let seed = Noise::new(self.seed.unwrap_or_default());
        if let Some(per_million) = self.bit_errors {
            return Some(Fault::BitErrors { at, per_million, seed });
        }
        if let Some(per_mille) = self.storm {
            return Some(Fault::Storm { per_mille, seed });
        }
        self.lemon_after_writes.map(|after_writes| Fault::Lemon { after_writes })
    }
}

fn instruction(text: &str) -> Result<u8, String> {
    let byte = u8::from_str_radix(text, 16).ok().filter(|_| text.len() == 2);
    byte.ok_or_else(|| "two hex digits, for example 2C".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        faults: FaultArguments,
    }

    fn read(line: &str) -> Option<FaultArguments> {
        let words = ["fault"].into_iter().chain(line.split_whitespace());
        Line::try_parse_from(words).ok().map(|line| line.faults)
    }

    #[test]
    fn every_kind_of_fault_can_be_typed() {
        let (at, ins) = (Trigger::command(3), Trigger::instruction(0x2C, 2));
        for (line, fault) in [
            (
                "--power-loss inside --ins 2C --nth 2 --write 4 --half --back-after 9",
                Fault::PowerLoss { at: ins, moment: Moment::Inside { write: 4, half: true }, back_after_ms: Some(9) },
            ),
            ("--power-loss before --at 3", Fault::PowerLoss { at, moment: Moment::Before, back_after_ms: None }),
            ("--power-loss after --at 3", Fault::PowerLoss { at, moment: Moment::After, back_after_ms: None }),
            ("--mute --at 3", Fault::Mute { at }),
            ("--slow 40 --at 3", Fault::Slow { at, ms: 40 }),
            ("--endless --ins 2C --nth 2", Fault::Endless { at: ins }),
            ("--truncate 1 --at 3", Fault::Truncated { at, keep: 1 }),
            ("--wrong-procedure --at 3", Fault::WrongProcedure { at }),
            ("--bit-errors 20 --seed 7 --at 3", Fault::BitErrors { at, per_million: 20, seed: Noise::new(7) }),
            ("--storm 100 --seed 7", Fault::Storm { per_mille: 100, seed: Noise::new(7) }),
            ("--lemon-after-writes 5", Fault::Lemon { after_writes: 5 }),
        ] {
            assert_eq!(read(line).and_then(|faults| faults.fault()), Some(fault), "{line}");
        }
        assert!(read("--clear").is_some_and(|faults| faults.clear && faults.fault().is_none()));
    }

    #[test]
    fn what_does_not_belong_together_is_refused() {
        for line in [
            "",
            "--at 3",
            "--seed 7",
            "--mute",
            "--slow 40",
            "--mute --slow 40 --at 3",
            "--bit-errors 20 --at 3",
            "--bit-errors 20 --seed 7",
            "--bit-errors 0 --seed 7 --at 3",
            "--storm 100",
            "--storm 1001 --seed 7",
            "--storm 100 --seed 7 --at 3",
            "--lemon-after-writes 5 --at 3",
            "--mute --at 0",
            "--mute --ins 2",
        ] {
            assert!(read(line).is_none(), "{line}");
        }
    }
}
