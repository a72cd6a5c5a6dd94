//! `refund …` and `cancel` on the command line.

use clap::{Args, Subcommand};

use super::{PinArguments, ReceiptArguments};

/// `refund …`.
#[derive(Debug, Subcommand)]
pub enum RefundCommand {
    /// Give back a purchase, whole or in part, to the card that paid.
    Give(RefundGive),
    /// Try an open refund again, with the card that paid in the reader.
    Finish {
        /// Number, as `refund list` shows it.
        id: String,
        /// PIN: needed only when an earlier transaction of the card is to be settled first.
        #[command(flatten)]
        pin: PinArguments,
        /// Where the slip goes.
        #[command(flatten)]
        receipt: ReceiptArguments,
    },
    /// Open refunds with their age, oldest first; and refunds at other tills that the centre told of and lost.
    List {
        /// Also those that are done or withdrawn.
        #[arg(long)]
        all: bool,
    },
    /// Give up an open refund: nothing goes back.
    Withdraw {
        /// Number, as `refund list` shows it.
        id: String,
        /// Why. Name no person.
        #[arg(long, value_name = "TEXT", value_parser = super::national::reason)]
        reason: String,
    },
    /// Count a refund at another till no more that the centre lost: only one that is known not to have reached its card.
    Drop {
        /// Id, as `refund list` shows it.
        id: String,
        /// How it is known. Name no person.
        #[arg(long, value_name = "TEXT", value_parser = super::national::reason)]
        reason: String,
    },
}

/// `refund give`.
#[derive(Args, Debug)]
pub struct RefundGive {
    /// The purchase: its number in the journal.
    #[arg(required_unless_present = "original", conflicts_with = "original")]
    pub id: Option<String>,
    /// The purchase as its receipt names it, `TERMINAL/SEQUENCE`: also one that another till of the institution sold.
    #[arg(long, value_name = "REFERENCE")]
    pub original: Option<String>,
    /// So much of the bill, in yuan, shared as it was paid; without any amount, all that is left.
    #[arg(long, value_name = "YUAN", conflicts_with_all = ["account", "cash", "pool"])]
    pub amount: Option<String>,
    /// So much to the card's account.
    #[arg(long, value_name = "YUAN")]
    pub account: Option<String>,
    /// So much in cash.
    #[arg(long, value_name = "YUAN")]
    pub cash: Option<String>,
    /// So much less from the pool.
    #[arg(long, value_name = "YUAN")]
    pub pool: Option<String>,
    /// Why. Name no person.
    #[arg(long, value_name = "TEXT", default_value = "", value_parser = remark)]
    pub reason: String,
    /// PIN: needed only when an earlier transaction of the card is to be settled first.
    #[command(flatten)]
    pub pin: PinArguments,
    /// Where the slip goes.
    #[command(flatten)]
    pub receipt: ReceiptArguments,
}

/// `cancel`.
#[derive(Args, Debug)]
pub struct CancelArguments {
    /// The purchase that is meant; another one is not cancelled.
    #[arg(long, value_name = "ENTRY")]
    pub id: Option<String>,
    /// Why. Name no person.
    #[arg(long, value_name = "TEXT", default_value = "", value_parser = remark)]
    pub reason: String,
    /// PIN of the card: it tells only then that nothing was bought since.
    #[command(flatten)]
    pub pin: PinArguments,
    /// Where the slip goes.
    #[command(flatten)]
    pub receipt: ReceiptArguments,
}

/// A reason that may be left out.
fn remark(text: &str) -> Result<String, String> {
    if text.is_empty() { Ok(String::new()) } else { super::national::reason(text) }
}
