//! What a person types about the national centre.
//!
//! Owns: its part of the command line. A person's number is never an argument. Never: reads a file.

use std::path::PathBuf;

use card_counter::secret::SecretSource;
use clap::{ArgGroup, Args, Subcommand};
use settlement::BusinessDate;
use settlement::id::BillId;

use super::ReceiptArguments;

/// `national …`.
#[derive(Debug, Subcommand)]
pub enum NationalCommand {
    /// Sign in (9001); then finish what was not answered.
    SignIn,
    /// Sign out (9002).
    SignOut,
    /// Who a person is and how insured (1101).
    Person(PersonArguments),
    /// What may be paid for a person (2001).
    Benefit(PersonArguments),
    /// What a bill would come to (2101), and where our own split differs.
    Trial(SaleArguments),
    /// Settle a bill (2102).
    Settle {
        /// The sale.
        #[command(flatten)]
        sale: SaleArguments,
        /// Where the paper goes.
        #[command(flatten)]
        receipt: ReceiptArguments,
    },
    /// Cancel the settlement of a bill (2103).
    Cancel {
        /// Bill.
        #[arg(value_parser = bill)]
        bill: BillId,
        /// Where the paper goes.
        #[command(flatten)]
        receipt: ReceiptArguments,
    },
    /// Print the paper of a bill's settlement again, or of its cancellation. Asks nobody.
    Reprint {
        /// Bill.
        #[arg(value_parser = bill)]
        bill: BillId,
        /// Where the paper goes.
        #[command(flatten)]
        receipt: ReceiptArguments,
    },
    /// Undo what was not answered (2601). Every other command begins with it.
    Finish,
    /// Settlements and where they stand. Asks nobody.
    List,
    /// Note what the centre said of a message that it neither answered nor undid.
    Judge(JudgeArguments),
    /// The settlement of a bill as the centre has it (5203). Exit 7 when it differs from ours.
    Show {
        /// Bill.
        #[arg(value_parser = bill)]
        bill: BillId,
    },
    /// The lines of a settlement as the centre has them (5204).
    Lines {
        /// Bill.
        #[arg(value_parser = bill)]
        bill: BillId,
    },
    /// Compare a day with the centre: totals (3201), then in detail (3202). Exit 7 when something differs.
    Reconcile {
        /// Day; default today.
        #[arg(long, value_name = "YYYY-MM-DD", value_parser = day)]
        day: Option<BusinessDate>,
    },
    /// Finish what was not answered, then compare today and every earlier day that was not even. Exit 7 when something differs.
    DayEnd,
    /// Download a list (1301 to 1319) into a new file.
    Catalogue(CatalogueArguments),
}

/// `national judge`.
#[derive(Args, Debug)]
#[command(group = ArgGroup::new("judgement").required(true).args(["done", "not_done"]))]
pub struct JudgeArguments {
    /// Bill.
    #[arg(value_parser = bill)]
    pub bill: BillId,
    /// The centre carried it out: a settlement is looked up there by the names that follow, and believed when it is this one.
    #[arg(long, requires = "settlement")]
    pub done: bool,
    /// The centre did not carry it out.
    #[arg(long)]
    pub not_done: bool,
    /// What the centre calls it (结算ID); of a cancellation, its refund.
    #[arg(long, value_name = "ID", requires = "done", value_parser = name)]
    pub settlement: Option<String>,
    /// The visit of a settlement (就诊ID).
    #[arg(long, value_name = "ID", requires = "done", value_parser = name)]
    pub visit: Option<String>,
    /// Who said so and when.
    #[arg(long, value_name = "TEXT", value_parser = reason)]
    pub reason: String,
}

/// Whom it is about: exactly one.
#[derive(Args, Debug)]
#[command(group = ArgGroup::new("whom").required(true).args(["id", "e_credential", "card"]))]
pub struct PersonArguments {
    /// Citizen number: env:NAME, file:PATH or prompt.
    #[arg(long, value_name = "SOURCE")]
    pub id: Option<SecretSource>,
    /// Electronic credential, as the scanner gives it: env:NAME, file:PATH or prompt.
    #[arg(long, value_name = "SOURCE")]
    pub e_credential: Option<SecretSource>,
    /// The card in the reader.
    #[arg(long)]
    pub card: bool,
    /// Insurance, where the person has several; default from the configuration, else 310.
    #[arg(long, value_name = "CODE")]
    pub insurance: Option<String>,
}

/// `national trial`, `national settle`.
#[derive(Args, Debug)]
pub struct SaleArguments {
    /// Bill file (JSON), as `pay` takes it.
    pub bill: PathBuf,
    /// Drug catalogue for our own split; default from the configuration. Without one nothing is compared.
    #[arg(long, value_name = "FILE")]
    pub catalogue: Option<PathBuf>,
    /// Payment policy for our own split; default from the configuration, else the built-in one.
    #[arg(long, value_name = "FILE")]
    pub policy: Option<PathBuf>,
    /// Leave the personal account alone.
    #[arg(long)]
    pub without_account: bool,
    /// Whom it is about.
    #[command(flatten)]
    pub person: PersonArguments,
}

/// `national catalogue`.
#[derive(Args, Debug)]
pub struct CatalogueArguments {
    /// Number of the list: 1301 to 1319.
    #[arg(value_name = "1301-1319", value_parser = clap::value_parser!(u16).range(1301..=1319))]
    pub list: u16,
    /// Version after which rows are wanted, where the list comes as a file; 0 is all.
    #[arg(long, value_name = "VERSION", default_value = "0")]
    pub after: String,
    /// Day since which rows were changed, where the list comes by pages.
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = day, default_value = "2000-01-01")]
    pub since: BusinessDate,
    /// New file.
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
}

fn bill(text: &str) -> Result<BillId, String> {
    BillId::parse(text).map_err(|error| error.to_string())
}

/// Characters of an id of the centre.
const NAME_MAX: usize = 30;

fn name(text: &str) -> Result<String, String> {
    let fits = (1..=NAME_MAX).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
    if fits { Ok(text.to_owned()) } else { Err(format!("write 1 to {NAME_MAX} letters and digits")) }
}

fn day(text: &str) -> Result<BusinessDate, String> {
    BusinessDate::parse(text).map_err(|error| error.to_string())
}

/// Characters of a reason.
const REASON_MAX: usize = 200;

pub(super) fn reason(text: &str) -> Result<String, String> {
    let fits = (1..=REASON_MAX).contains(&text.chars().count()) && !text.chars().any(char::is_control);
    if fits { Ok(text.to_owned()) } else { Err(format!("write 1 to {REASON_MAX} printable characters")) }
}
