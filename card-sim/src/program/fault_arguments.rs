//! Faults as options.

use clap::{Args, ValueEnum};

use crate::fault::{Fault, Moment, Trigger};

/// What is to go wrong. Options that do not belong together are refused.
#[derive(Debug, Args)]
#[group(required = true, multiple = true)]
pub(crate) struct FaultArguments {
    /// Forget the faults set before.
    #[arg(long)]
    pub(crate) clear: bool,
    /// Lose power before, inside or after a command.
    #[arg(long, value_enum, requires = "which", conflicts_with_all = ["mute", "lemon_after_writes"])]
    power_loss: Option<When>,
    /// Stay mute from a command on.
    #[arg(long, requires = "which", conflicts_with = "lemon_after_writes")]
    mute: bool,
    /// Fail every memory write with 6581 after so many more.
    #[arg(long, value_name = "N")]
    lemon_after_writes: Option<u64>,
    /// At the n-th command from now.
    #[arg(long, value_name = "N", group = "which", value_parser = clap::value_parser!(u64).range(1..))]
    at: Option<u64>,
    /// At a command with this instruction byte, two hex digits.
    #[arg(long, value_name = "HEX", group = "which", value_parser = instruction)]
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
        self.lemon_after_writes.map(|after_writes| Fault::Lemon { after_writes })
    }
}

fn instruction(text: &str) -> Result<u8, String> {
    let byte = u8::from_str_radix(text, 16).ok().filter(|_| text.len() == 2);
    byte.ok_or_else(|| "two hex digits, for example 2C".to_owned())
}
