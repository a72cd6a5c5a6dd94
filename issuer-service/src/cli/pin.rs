//! `issuer pin …`.

use clap::Subcommand;
use settlement::id::TerminalNumber;
use settlement::pin::PinAct;

use super::Common;
use crate::card::pin::{self, PinOrders};
use crate::error::Error;
use crate::exit::Exit;
use crate::output::Output;

/// What to do about the PINs of cards. A terminal carries an order out: `sscard pin reset --order N`.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// 重置: the holder forgot the PIN. The card gets the initial one, which the holder changes at once.
    Reset(Order),
    /// 解锁: the holder knows the PIN and used up its tries.
    Unblock(Order),
    /// 复核: approve an order that another operator made.
    Approve {
        /// Its number.
        number: i64,
    },
    /// Give up an order that is not used.
    Withdraw {
        /// Its number.
        number: i64,
        /// Why; no names of people.
        #[arg(long)]
        reason: String,
    },
    /// List orders, the newest first.
    List {
        /// Only those without an end.
        #[arg(long)]
        open: bool,
        /// At most so many.
        #[arg(long, default_value_t = 100)]
        limit: u32,
    },
}

/// An order.
#[derive(Debug, clap::Args)]
pub struct Order {
    /// 卡号.
    card_number: String,
    /// How the holder was identified; no names of people.
    #[arg(long)]
    reason: String,
    /// The only terminal that may carry it out.
    #[arg(long, value_name = "NUMBER", value_parser = TerminalNumber::parse)]
    terminal: Option<TerminalNumber>,
}

pub(super) fn run(common: &Common, verb: Verb, output: &Output) -> Result<Exit, Error> {
    let reason = match &verb {
        Verb::Reset(order) | Verb::Unblock(order) => Some(order.reason.as_str()),
        Verb::Withdraw { reason, .. } => Some(reason.as_str()),
        Verb::Approve { .. } | Verb::List { .. } => None,
    };
    let mut centre = common.centre_told(reason, output)?;
    let operator = common.operator.as_deref();
    let (store, rules) = (&mut centre.store, &centre.config.life);
    let mut make = |act, order: &Order| {
        pin::make(store, rules, (&order.card_number, act), order.terminal, &order.reason, operator)
    };
    match verb {
        Verb::Reset(order) => output.show(&make(PinAct::Reset, &order)?),
        Verb::Unblock(order) => output.show(&make(PinAct::Unblock, &order)?),
        Verb::Approve { number } => output.show(&pin::approve(store, number, operator)?),
        Verb::Withdraw { number, reason } => output.show(&pin::withdraw(store, number, &reason, operator)?),
        Verb::List { open, limit } => {
            output.show(&PinOrders { orders: store.read(|tx| tx.pin_orders(open, limit))? });
        }
    }
    Ok(Exit::Ok)
}
