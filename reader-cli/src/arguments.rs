//! What a person types: nouns and verbs of `sscard`.
//!
//! Owns: the command line; completions and help come from it. Never: reads a file, talks to a card.
//! A secret is never an argument: PINs are named by `env:NAME`, `file:PATH` or `prompt`.

pub mod certificate;
pub mod national;
pub mod papers;
pub mod refund;

use std::path::PathBuf;

use card_profiles::conform::Area;
use clap::{Args, Parser, Subcommand, ValueEnum};

use self::certificate::CertificateCommand;
use self::national::NationalCommand;
pub use self::papers::{CatalogueCommand, CatalogueImport, PayArguments, PolicyCommand, ReceiptArguments};
use self::refund::{CancelArguments, RefundCommand};
use card_counter::language::Language;
use card_counter::secret::SecretSource;
use settlement::id::StaffNumber;
use settlement::judgement::Reason;

/// The terminal of the social security card: read, check, load, pay, journal, upload.
#[derive(Debug, Parser)]
#[command(name = "sscard", version, about, propagate_version = true, subcommand_required = true)]
pub struct Arguments {
    /// Where things are.
    #[command(flatten)]
    pub places: Places,
    /// Language of texts; default from the locale.
    #[arg(long, global = true, value_name = "zh|en", value_parser = card_counter::language::parse)]
    pub lang: Option<Language>,
    /// Form of the answer on standard output.
    #[arg(long, global = true, value_enum, default_value_t = Form::Text)]
    pub format: Form,
    /// Record what is said with the cards into a new file. Personal values and secrets are replaced in it: it is safe to send.
    #[arg(long, global = true, value_name = "FILE")]
    pub trace: Option<PathBuf>,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// Where things are: argument, then environment, then configuration file, then default.
#[derive(Args, Debug, Default)]
pub struct Places {
    /// Reader with the social security card: index, name, or part of the name.
    #[arg(long, global = true, env = "SSCARD_READER")]
    pub reader: Option<String>,
    /// Reader with the PSAM: index, name, or part of the name.
    #[arg(long, global = true, env = "SSCARD_PSAM")]
    pub psam: Option<String>,
    /// Address of the centre: `http://HOST:PORT`.
    #[arg(long, global = true, value_name = "URL", env = "SSCARD_CENTRE")]
    pub centre: Option<String>,
    /// Configuration file (TOML).
    #[arg(long, global = true, value_name = "FILE", env = "SSCARD_CONFIG")]
    pub config: Option<PathBuf>,
    /// Data folder: key, journal, receipts.
    #[arg(long, global = true, value_name = "DIR", env = "SSCARD_DATA")]
    pub data: Option<PathBuf>,
    /// City that this terminal serves: six digits of GB/T 2260.
    #[arg(long, global = true, value_name = "CODE", env = "SSCARD_CITY")]
    pub city: Option<String>,
    /// Seconds to wait for a card in any reader when none is there; default 0.
    #[arg(long, global = true, value_name = "SECONDS", env = "SSCARD_WAIT", value_parser = clap::value_parser!(u16).range(0..=600))]
    pub wait: Option<u16>,
    /// How the card is reached, where several readers hold one.
    #[arg(
        long,
        global = true,
        value_name = "contact|contactless|contact-first|contactless-first",
        env = "SSCARD_INTERFACE"
    )]
    pub interface: Option<String>,
    /// Who stands at the counter, for the receipt.
    #[arg(long, global = true, value_name = "NAME", env = "SSCARD_OPERATOR")]
    pub operator: Option<String>,
}

/// Form of the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Form {
    /// For people.
    Text,
    /// One JSON object.
    Json,
    /// The plain table of files and items in which layouts are exchanged: `profile show` only.
    Layout,
}

/// Where the card's PIN comes from.
#[derive(Args, Clone, Debug, Default)]
pub struct PinArguments {
    /// Card PIN: env:NAME, file:PATH or prompt.
    #[arg(long, value_name = "SOURCE")]
    pub pin: Option<SecretSource>,
    /// Spend the last try of the PIN, or a try of a key that the card refused before.
    #[arg(long)]
    pub last_try: bool,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// List readers, the cards in them and what they are.
    Readers,
    /// The card's data.
    #[command(subcommand)]
    Card(CardCommand),
    /// Show the balances of the medical account; with a PIN also the next transaction number.
    Balance(PinArguments),
    /// Show the card's own transaction log.
    Log(PinArguments),
    /// The card's PIN.
    #[command(subcommand)]
    Pin(PinCommand),
    /// Load the account online with what the centre holds for it.
    Load(LoadArguments),
    /// Pay a bill.
    Pay(PayArguments),
    /// Money of a purchase back to the card that paid.
    #[command(subcommand)]
    Refund(RefundCommand),
    /// Undo the card's latest purchase, on its day and at this terminal.
    Cancel(CancelArguments),
    /// The certificate application of cards of the third generation.
    #[command(subcommand)]
    Cert(CertificateCommand),
    /// The drug catalogue. Needs no reader.
    #[command(subcommand)]
    Catalogue(CatalogueCommand),
    /// The city's rules of who pays what. Needs no reader.
    #[command(subcommand)]
    Policy(PolicyCommand),
    /// The terminal's journal.
    #[command(subcommand)]
    Journal(JournalCommand),
    /// Receipts.
    #[command(subcommand)]
    Receipt(ReceiptCommand),
    /// What calls of the driver's functions sold.
    #[command(subcommand)]
    Driver(DriverCommand),
    /// Sign in at the centre: business date, limits.
    SignIn,
    /// Sign out at the centre, after an upload: nothing is sold before the next sign-in.
    SignOut,
    /// The blacklist.
    #[command(subcommand)]
    Blacklist(BlacklistCommand),
    /// Send what was not yet sent.
    Upload,
    /// Close the day: upload, then totals.
    DayEnd,
    /// The terminal itself.
    #[command(subcommand)]
    Terminal(TerminalCommand),
    /// The national medical-insurance centre.
    #[command(subcommand)]
    National(NationalCommand),
    /// The configuration. Needs no reader.
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Conformance suite: what the profile says, tried on the card in the reader. Exit 7 when a case fails.
    Conform(ConformArguments),
    /// Card types: what is on a card. Needs no reader.
    #[command(subcommand)]
    Profile(ProfileCommand),
    /// Explore a card as a file system; from a script with expected answers when standard input is no terminal.
    Shell(ShellArguments),
    /// Logs of conversations with cards. Needs no reader.
    #[command(subcommand)]
    Trace(TraceCommand),
    /// Serve web pages on this machine: the conventional driver functions over a WebSocket. Runs until it is ended.
    Bridge(BridgeArguments),
    /// Let people serve themselves: a full-screen page for a browser on this machine. Runs until it is ended.
    Kiosk(KioskArguments),
    /// Replay recorded calls of the driver's functions and show every difference. Exit 7 when there is one.
    Compat {
        /// Recording: one JSON object a line (docs/compat.md).
        file: PathBuf,
    },
    /// Rehearsal: power is lost and the terminal killed at every place of a payment, and every fen counted. Exit 7 when one is
    /// lost or doubled. Needs no reader: the program sscard-tear does it.
    Tear(TearArguments),
}

/// `config`.
#[derive(Clone, Debug, Subcommand)]
pub enum ConfigCommand {
    /// Show every option that holds now.
    Show {
        /// Where each value comes from: the command line, the environment, a line of the file, or the program.
        #[arg(long)]
        origin: bool,
    },
}

/// `tear`.
#[derive(Args, Clone, Copy, Debug)]
pub struct TearArguments {
    /// What is torn.
    #[arg(value_enum)]
    pub what: Torn,
    /// Every point once; without this every pair of points too, which takes minutes.
    #[arg(long)]
    pub points: bool,
}

/// What is torn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Torn {
    /// All of them.
    All,
    /// A purchase.
    Purchase,
    /// A purchase that the centre is asked about first; without an answer it is made offline.
    Online,
    /// A purchase with the centre's consent only.
    Consent,
    /// The same, when two people at the centre close the sale before the terminal comes back.
    Closed,
    /// A purchase of which a supervisor says the opposite of what the card did, before the card comes back.
    Judged,
    /// A load.
    Load,
    /// A refund.
    Refund,
    /// A refund at another till than the one that sold.
    Elsewhere,
    /// A change of the PIN.
    Pin,
}

/// `bridge`.
#[derive(Args, Clone, Debug)]
pub struct BridgeArguments {
    /// Address of this machine: 127.0.0.1:PORT.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:12342")]
    pub listen: String,
    /// Origin whose pages may call, as `https://his.example.cn`; may be repeated. Without one no page may, only programs.
    #[arg(long, value_name = "ORIGIN")]
    pub origin: Vec<String>,
    /// Program that asks the person at the counter before each call; its arguments are the function and the origin, and it
    /// ends with 0 for yes.
    #[arg(long, value_name = "PROGRAM")]
    pub consent: Option<PathBuf>,
}

/// `kiosk`.
#[derive(Args, Clone, Debug)]
pub struct KioskArguments {
    /// Address of this machine: 127.0.0.1:PORT; 127.0.0.1:12343 when nothing says another.
    #[arg(long, value_name = "ADDRESS")]
    pub listen: Option<String>,
    /// Where the kiosk stands, shown under the title.
    #[arg(long, value_name = "NAME", env = "SSCARD_KIOSK_PLACE")]
    pub place: Option<String>,
    /// Label in a third language on the first page; without one a greeting in Tibetan.
    #[arg(long, value_name = "TEXT", env = "SSCARD_KIOSK_GREETING")]
    pub greeting: Option<String>,
    /// Program that prints: it is given a document (PDF) on standard input. Without one certificates are shown by their code.
    #[arg(long, value_name = "PROGRAM", env = "SSCARD_KIOSK_PRINTER")]
    pub printer: Option<PathBuf>,
    /// Folder of public texts of the site: guides/NAME.zh.txt, vacancies/NAME.zh.txt, and the same with en; those of the centre are
    /// shown too.
    #[arg(long, value_name = "FOLDER", env = "SSCARD_KIOSK_PAGES")]
    pub pages: Option<PathBuf>,
    /// For rehearsals: time passes as standard input says, milliseconds a line.
    #[arg(long, hide = true)]
    pub told_clock: bool,
}

/// `shell`.
#[derive(Args, Debug)]
pub struct ShellArguments {
    /// Read the card by this profile instead of recognising it: built-in name or file.
    #[arg(long, value_name = "PROFILE")]
    pub profile: Option<String>,
    /// Run these lines and stop at the first that fails, with its number; exit 7 when an expected answer did not come.
    #[arg(long, value_name = "FILE")]
    pub script: Option<PathBuf>,
    /// Let the command `update` write to the card.
    #[arg(long)]
    pub allow_update: bool,
}

/// `trace …`.
#[derive(Debug, Subcommand)]
pub enum TraceCommand {
    /// Explain a log command by command: ours, pcscd's (`--apdu`), or hexadecimal lines. Shows the values in it, never PINs
    /// and keys. With `--format json` one object a line.
    Decode {
        /// File; `-` is standard input.
        file: PathBuf,
        /// Read the card by this profile instead of recognising it: built-in name or file.
        #[arg(long, value_name = "PROFILE")]
        profile: Option<String>,
    },
    /// Write such a log anew as a trace that is safe to send: names, numbers, amounts, PINs and keys are replaced, and lines
    /// that are no conversation left out. It still decodes, and replays.
    Redact {
        /// File; `-` is standard input.
        file: PathBuf,
        /// Read the card by this profile instead of recognising it: built-in name or file.
        #[arg(long, value_name = "PROFILE")]
        profile: Option<String>,
        /// File to write; it must not exist.
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
}

/// `profile …`. A profile is named by its built-in name or by a file.
#[derive(Debug, Subcommand)]
pub enum ProfileCommand {
    /// The built-in profiles.
    List,
    /// A profile with all that it extends: as text, as JSON, or with `--format layout` as a table of files and items.
    Show {
        /// Built-in name or file.
        profile: String,
    },
    /// A profile as a document (Markdown).
    Doc {
        /// Built-in name or file.
        profile: String,
    },
    /// The JSON Schema of a profile text, for editors.
    Schema,
    /// Contradictions of a profile; without a name, of every built-in one. Exit 7 when there are any.
    Lint {
        /// Built-in name or file.
        profile: Option<String>,
        /// List also what is assumed, weakly sourced or unnamed.
        #[arg(long)]
        release: bool,
    },
    /// What differs between two profiles. Exit 7 when something does.
    Diff {
        /// Built-in name or file.
        left: String,
        /// Built-in name or file.
        right: String,
    },
}

/// `card …`.
#[derive(Debug, Subcommand)]
pub enum CardCommand {
    /// Read the card: EF05, and EF06 as far as the card's rules allow.
    Read(ReadArguments),
    /// Acceptance checks before a transaction.
    Check(PinArguments),
    /// A card whose keys no PSAM here holds, as of another city: the centre's module says whether it is genuine, and opens its holder's file.
    Authenticate {
        /// Try the reading key although the card refused it before.
        #[arg(long)]
        last_try: bool,
    },
    /// The whole card as a JSON document: values, faults and what could not be read, side by side.
    Dump(DumpArguments),
    /// What differs between two cards, or between a card and its profile and person. Exit 7 when something does.
    Diff(DiffArguments),
}

/// `conform`.
#[derive(Args, Debug)]
pub struct ConformArguments {
    /// Only this area; may be repeated.
    #[arg(long, value_name = "AREA", value_parser = area)]
    pub area: Vec<Area>,
    /// Only this case; may be repeated. A case that cannot be undone is carried out only when it is named here.
    #[arg(long, value_name = "ID")]
    pub case: Vec<String>,
    /// Show the cases, carry out none. With --profile no reader is needed.
    #[arg(long)]
    pub list: bool,
    /// Card type: built-in name or file. Without it, what the card says of itself.
    #[arg(long, value_name = "PROFILE")]
    pub profile: Option<String>,
    /// Write the report to a file: .txt, .json or .xml (JUnit).
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,
    /// Carry out also what writes, spends tries or blocks; the card is brought back where that is possible.
    #[arg(long)]
    pub destructive: bool,
    /// The card's keys, marked REHEARSAL, in place of a PSAM.
    #[arg(long, value_name = "FILE")]
    pub keys: Option<PathBuf>,
    /// PIN of the holder in the certificate application: env:NAME, file:PATH or prompt. A card that has none yet gets it.
    #[arg(long, value_name = "SOURCE")]
    pub certificate_pin: Option<SecretSource>,
    /// PIN of its administrator: env:NAME, file:PATH or prompt. A card that has none yet gets it.
    #[arg(long, value_name = "SOURCE")]
    pub administrator_pin: Option<SecretSource>,
    /// PIN, where a case asks for it.
    #[command(flatten)]
    pub pin: PinArguments,
}

fn area(word: &str) -> Result<Area, String> {
    Area::of_word(word).ok_or_else(|| format!("write one of {}", Area::ALL.map(Area::word).join(", ")))
}

/// `card dump`.
#[derive(Args, Debug)]
pub struct DumpArguments {
    /// File; without it, standard output. It holds personal data. A file that exists is kept, unless `--force`.
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Write over a file that exists.
    #[arg(long, requires = "out")]
    pub force: bool,
    /// Card type by which it is read: built-in name or file. Without it, what the card says of itself.
    #[arg(long, value_name = "PROFILE")]
    pub profile: Option<String>,
    /// PIN, where a file asks for it.
    #[command(flatten)]
    pub pin: PinArguments,
}

/// `card diff`.
#[derive(Args, Debug)]
pub struct DiffArguments {
    /// Two cards; or one with `--against`. A card is the file of a dump, `reader:` (the card in the reader) or `reader:NAME`.
    #[arg(value_name = "CARD", required = true, num_args = 1..=2)]
    pub cards: Vec<String>,
    /// Compare one card with this profile: built-in name or file.
    #[arg(long, value_name = "PROFILE")]
    pub against: Option<String>,
    /// Values that the card must hold: a JSON object from places to values, or a CSV table of persons with places or
    /// Chinese item names as its heads, from which the row of this card's 社会保障号码 counts.
    #[arg(long, value_name = "FILE", requires = "against")]
    pub person: Option<PathBuf>,
    /// The person's values are all that was written: every other item must be blank.
    #[arg(long, requires = "person")]
    pub whole: bool,
    /// Card type by which a card in a reader is read: built-in name or file. Without it, what the card says of itself.
    #[arg(long, value_name = "PROFILE")]
    pub profile: Option<String>,
    /// PIN of a card in a reader.
    #[command(flatten)]
    pub pin: PinArguments,
}

/// `card read`.
#[derive(Args, Debug)]
pub struct ReadArguments {
    /// Every file whose condition can be met.
    #[arg(long, conflicts_with = "file")]
    pub all: bool,
    /// One file: `DF04.EF05`; may be repeated.
    #[arg(long, value_name = "DF.EF")]
    pub file: Vec<String>,
    /// PIN, where a file asks for it.
    #[command(flatten)]
    pub pin: PinArguments,
}

/// `pin …`.
#[derive(Debug, Subcommand)]
pub enum PinCommand {
    /// Verify the PIN: nothing is changed, and a wrong one spends a try.
    Verify(PinArguments),
    /// Change the PIN.
    Change(PinChangeArguments),
    /// Unblock or reset the PIN by an order of the centre (`issuer pin`): a card that is reset gets its initial PIN, which is
    /// changed at once.
    Reset(PinResetArguments),
}

/// `pin reset`.
#[derive(Args, Debug)]
pub struct PinResetArguments {
    /// Number of the order.
    #[arg(long, value_name = "N")]
    pub order: u64,
    /// New PIN, where the order resets it: env:NAME, file:PATH or prompt.
    #[arg(long, value_name = "SOURCE")]
    pub new_pin: Option<SecretSource>,
    /// Spend a try of the card's PUK although it refused it before.
    #[arg(long)]
    pub last_try: bool,
}

/// `pin change`.
#[derive(Args, Debug)]
pub struct PinChangeArguments {
    /// Present PIN.
    #[command(flatten)]
    pub pin: PinArguments,
    /// New PIN: env:NAME, file:PATH or prompt.
    #[arg(long, value_name = "SOURCE")]
    pub new_pin: Option<SecretSource>,
}

/// `load`.
#[derive(Args, Debug)]
pub struct LoadArguments {
    /// Amount in yuan; without it, all that the centre holds for the card.
    #[arg(long, value_name = "YUAN")]
    pub amount: Option<String>,
    /// PIN: needed only when an earlier transaction of the card is to be settled first.
    #[command(flatten)]
    pub pin: PinArguments,
}

/// A staff number: no name, so that none stands in the journal.
fn staff(text: &str) -> Result<StaffNumber, String> {
    StaffNumber::parse(text).map_err(|error| error.to_string())
}

fn why(text: &str) -> Result<Reason, String> {
    Reason::parse(text).map_err(|error| error.to_string())
}

/// `journal …`.
#[derive(Debug, Subcommand)]
pub enum JournalCommand {
    /// Show loads, purchases and refunds.
    List,
    /// Prove that nothing is missing, changed or made up: entries, events, records, signed batches. Exit 7 when something is.
    Verify,
    /// The states of the journal and the only moves between them (Markdown). Needs no reader.
    States,
    /// A supervisor judges a transaction whose outcome the card can no longer tell, by evidence from elsewhere. Needs no reader.
    #[command(group = clap::ArgGroup::new("judgement").required(true).args(["done", "not_done"]))]
    Judge {
        /// Its number, as in `journal list`.
        entry: String,
        /// The card did it: a record for the centre is made, and says that a person judged.
        #[arg(long)]
        done: bool,
        /// The card did not do it.
        #[arg(long)]
        not_done: bool,
        /// Staff number of who judges.
        #[arg(long, value_name = "STAFF", value_parser = staff)]
        by: StaffNumber,
        /// What shows it: a statement, the card's log at another terminal, the holder's bank.
        #[arg(long, value_name = "TEXT", value_parser = why)]
        reason: Reason,
    },
    /// Loads, purchases and totals of each card, for reconciliation.
    Export {
        /// File; without it, standard output.
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
}

/// `receipt …`.
#[derive(Debug, Subcommand)]
pub enum ReceiptCommand {
    /// Print a receipt again, marked as a copy.
    Reprint {
        /// Receipt number or transaction id.
        id: String,
        /// Where it goes.
        #[command(flatten)]
        receipt: ReceiptArguments,
    },
}

/// `driver …`.
#[derive(Debug, Subcommand)]
pub enum DriverCommand {
    /// Hand over, without the card, what a call's program was not told of a purchase: the output that its next call would get. From then on
    /// it counts as told.
    Output {
        /// Entry, as `upload` and `day-end` list it.
        entry: String,
    },
}

/// `blacklist …`.
#[derive(Debug, Subcommand)]
pub enum BlacklistCommand {
    /// Fetch from the centre what changed, or the whole list.
    Update,
    /// Take over a file that the centre wrote (`issuer blacklist export`).
    Import {
        /// File.
        file: PathBuf,
    },
    /// Write the list that this terminal holds, as the centre signed it, for a centre that lost it (`issuer blacklist adopt`).
    Export {
        /// Write it to this new file.
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
    /// Show sequence, size and age.
    Show,
}

/// `terminal …`.
#[derive(Debug, Subcommand)]
pub enum TerminalCommand {
    /// Make the terminal's key and show what the centre needs to register it.
    Enroll,
    /// Make a key for the line to the centre (TLS) and a request for its certificate; the key stays here. The certificate in
    /// force goes on until the new one is taken over.
    Request {
        /// Write the request to this new file, for `issuer terminal enrol`.
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
    /// Take over the certificate that the centre made (`issuer terminal certify`).
    Certificate {
        /// Its file.
        file: PathBuf,
    },
    /// Show number, public key and state.
    Show,
    /// Trust the key with which the centre signs; the first sign-in does so by itself.
    Trust {
        /// 64 hex digits, as `issuer blacklist export` shows them.
        key: String,
        /// In the place of the key trusted until now.
        #[arg(long)]
        replace: bool,
    },
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }
}
