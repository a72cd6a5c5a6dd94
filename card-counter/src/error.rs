//! Everything that can go wrong at the counter, sorted by who can mend it.
//!
//! Owns: the error type and its stable code. Never: texts (`error::wording`), exit codes (`exit`), PINs, names, social numbers.

mod blacklist;
mod certificate;
mod chinese;
pub mod code;
mod conversions;
mod details;
mod font;
mod line;
mod national;
mod place;
mod refund;
mod shell;
mod sorting;
mod wording;

pub use blacklist::BlacklistError;
pub use certificate::CertificateError;
pub use code::Code;
pub use details::{Limit, Otherwise, Paper, ProfileDiffers, Unsettled};
pub use font::FontError;
pub use line::LineFault;
pub use national::NationalError;
pub use refund::RefundFault;
pub use shell::ShellError;
pub use sorting::of_transport;

use card_core::StatusWord;
use card_core::security::{CityCode, SecurityError};
use card_core::session::SessionError;
use card_core::transport::pcsc::ChooseError;
use settlement::catalogue::delivery::DeliveryFault;
use settlement::code::ErrorCode;
use settlement::parameters::ParameterFault;
use settlement::refund::RefundAct;

use crate::file::FileKind;
use crate::language::Words;

/// An error of the terminal.
#[derive(Debug, thiserror::Error)]
pub enum TerminalError {
    // The person at the keyboard.
    /// A command line that cannot be read.
    #[error("{}", said.en)]
    Usage {
        /// What is wrong with it; no value of it is repeated.
        said: Words,
    },
    /// A configuration file or variable cannot be read.
    #[error("{place}: {}", reason.en)]
    Configuration {
        /// File and line, or variable.
        place: String,
        /// What was expected.
        reason: Words,
    },
    /// A secret's source cannot be read.
    #[error("{place} cannot be read")]
    SecretUnreadable {
        /// `env:NAME` or `file:PATH`.
        place: String,
    },
    /// A secret's source is written in no form known; what was written is not shown, it may be the secret.
    #[error("a secret is named by env:NAME, file:PATH or prompt, and never written on the command line")]
    SecretForm,
    /// A file that was named is not there or cannot be read.
    #[error("{path}: {source}")]
    File {
        /// Path as given.
        path: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// A card profile that is none.
    #[error("{place}: {source}")]
    Profile {
        /// Built-in name or file.
        place: String,
        /// Line, column and what was expected.
        source: card_profiles::ProfileError,
    },
    /// A card profile by which cards would be read wrong.
    #[error("{}", .0.words().en)]
    ProfileContradicts(Box<crate::profile::Contradictions>),
    /// A name that is neither a built-in profile nor a file.
    #[error("{name}: no built-in profile has this name, and no file either")]
    ProfileUnknown {
        /// As given.
        name: String,
    },
    /// A file that is not UTF-8 text.
    #[error("{path}, line {line}: byte {byte} of the file is not UTF-8")]
    NotText {
        /// File.
        path: String,
        /// What it was expected to be.
        kind: FileKind,
        /// Line, from 1.
        line: usize,
        /// Byte of the file, from 1.
        byte: usize,
    },
    /// A dump, or the values of a person, that is none.
    #[error("{path}, line {line} column {column}: a dump of a card or an object from places to values was expected")]
    Dump {
        /// File.
        path: String,
        /// Line, from 1.
        line: usize,
        /// Column, from 1.
        column: usize,
    },
    /// A dump of a version that this program does not know.
    #[error("{path}: a dump of version {format}, this program reads 1 to {known}")]
    DumpVersion {
        /// File.
        path: String,
        /// Its version.
        format: u32,
        /// The last that is known.
        known: u32,
    },
    /// The trace file cannot be written, or exists.
    #[error("{path}: {source}")]
    Trace {
        /// Path as given.
        path: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// A file without a single exchange.
    #[error("{path}")]
    TraceEmpty {
        /// Path as given.
        path: String,
    },
    /// A table of persons without the card's holder.
    #[error("{path}: no row has the social security number of this card")]
    PersonMissing {
        /// File.
        path: String,
    },
    /// A key file that cannot be used; what it holds is not shown.
    #[error("{path}: {source}")]
    KeyFile {
        /// File.
        path: String,
        /// Line and what was expected.
        source: card_profiles::key_file::KeyFileError,
    },
    /// The keys given are not those of the card: it proved another IRK.
    #[error("the card holds other keys than those given")]
    KeysDiffer,
    /// Something in the shell.
    #[error(transparent)]
    Shell(#[from] ShellError),
    /// A centre address without `https://` or `http://`.
    #[error("{address} is not an https:// or http:// address")]
    Address {
        /// Address as given.
        address: String,
    },
    /// A PIN that is not 4 to 12 digits.
    #[error("a PIN has 4 to 12 digits")]
    PinFormat,
    /// A PIN is needed and nobody is there to ask.
    #[error("a PIN is needed")]
    PinNeeded,

    // Readers: the operator.
    /// No reader could be chosen.
    #[error(transparent)]
    Choose(#[from] ChooseError),
    /// The reader or the card in it does not answer.
    #[error(transparent)]
    Session(#[from] SessionError),
    /// No card in any reader that is not a PSAM's.
    #[error("no card in {}", readers.join(", "))]
    NoUserCard {
        /// Readers looked at.
        readers: Vec<String>,
    },
    /// Cards in several readers, none named.
    #[error("cards in {}", readers.join(", "))]
    SeveralUserCards {
        /// Readers with a card.
        readers: Vec<String>,
    },
    /// No PSAM in any reader.
    #[error("no PSAM{}{}", if readers.is_empty() { "" } else { " in " }, readers.join(", "))]
    PsamMissing {
        /// Readers looked at.
        readers: Vec<String>,
    },
    /// Several PSAMs, none named.
    #[error("PSAMs in {}", readers.join(", "))]
    SeveralPsams {
        /// Readers with a PSAM.
        readers: Vec<String>,
    },

    // The card: its holder, or who issued it.
    /// Not a social security card.
    #[error("not a social security card: {command} answered {sw:?}")]
    NotSsc {
        /// SELECT of the environment, or READ RECORD of the file that all of them have.
        command: &'static str,
        /// Its answer.
        sw: StatusWord,
    },
    /// A factory card without personalization.
    #[error("the card is not personalized")]
    CardBlank,
    /// An identifier without city digits or without the scheme's RID.
    #[error("SSSE EF05, item 01: the card identifier has no city digits, or not the RID of these cards")]
    CardIdentifier,
    /// Card or application blocked.
    #[error("the card is blocked: {sw:?}")]
    CardBlocked {
        /// Answer to SELECT.
        sw: StatusWord,
    },
    /// A directory of the profile that was named is not on the card.
    #[error(transparent)]
    ProfileDiffers(#[from] ProfileDiffers),
    /// A specification version without profile.
    #[error("specification version {version:?} is not supported")]
    CardVersion {
        /// Item 03.
        version: String,
    },
    /// The card's keys work with SSF33, or with SM4 before the third generation: neither's rules are public.
    #[error(
        "the rules of the card's keys are not public (SSF33, or SM4 before the third generation): only what needs no key can be read"
    )]
    AlgorithmNotPublic,
    /// A file that cards of this type do not have.
    #[error("{profile} has no file {file}")]
    FileUnknown {
        /// File as given.
        file: String,
        /// Profile of the card.
        profile: String,
    },
    /// Somebody ended the run between two cases.
    #[error("ended by Ctrl-C or a signal; the case at hand was brought to its end")]
    Interrupted,
    /// The card stopped answering before this file was read.
    #[error("the card stopped answering before this file was read to its end")]
    NotReached,
    /// The DF of the medical account is not there.
    #[error("the card has no application {df}")]
    ApplicationMissing {
        /// DF id.
        df: String,
    },
    /// The card in the reader that was named for the holder's is a PSAM.
    #[error("the card in the reader that was named is a PSAM")]
    CardIsPsam,
    /// The card refused a command.
    #[error("the card refused {command}: {sw:?}")]
    CardRefused {
        /// Command in the standard's words.
        command: &'static str,
        /// Status word.
        sw: StatusWord,
    },
    /// The card's answer has another form than its profile says.
    #[error("the card's answer to {command} has a wrong form")]
    CardAnswer {
        /// Command or file.
        command: &'static str,
    },
    /// Another card than the one that the transaction began with.
    #[error("another card is in the reader")]
    OtherCard,
    /// The card's city is not ours.
    #[error("the card was issued by city {city}, this terminal serves {ours}")]
    ForeignCity {
        /// City of the card.
        city: CityCode,
        /// City of the terminal.
        ours: CityCode,
    },
    /// Issue date in the future.
    #[error("the card is valid from {from}")]
    NotYetValid {
        /// Issue date.
        from: String,
    },
    /// Past its validity.
    #[error("the card was valid until {until}")]
    Expired {
        /// Last day.
        until: String,
    },
    /// On the blacklist.
    #[error("the card is on blacklist {sequence}")]
    Blacklisted {
        /// Sequence of the list.
        sequence: u64,
    },
    /// The terminal never fetched a blacklist.
    #[error("no blacklist was ever fetched")]
    BlacklistMissing,
    /// The blacklist is too old for selling.
    #[error("the blacklist is {age_hours} hours old, {limit_hours} are allowed")]
    BlacklistStale {
        /// Age.
        age_hours: i64,
        /// Limit.
        limit_hours: u32,
    },

    /// A blacklist is not taken over, or the key that it is checked by is not as it was.
    #[error(transparent)]
    Blacklist(#[from] BlacklistError),
    /// A catalogue is not taken over, or not sold by.
    #[error(transparent)]
    Catalogue(#[from] DeliveryFault),

    // Certificates: who issues them, or the holder.
    /// Something of the certificate application.
    #[error(transparent)]
    Certificate(#[from] CertificateError),

    // PIN and keys: the holder, or who runs the PSAMs.
    /// PIN wrong.
    #[error("wrong PIN, {} left", tries(*left))]
    PinWrong {
        /// Tries left.
        left: u8,
    },
    /// PIN blocked.
    #[error("the PIN is blocked")]
    PinBlocked,
    /// The initial PIN is refused for transactions.
    #[error("the initial PIN cannot be used for transactions")]
    PinInitial,
    /// The new PIN may not be the initial one.
    #[error("the new PIN may not be the initial PIN")]
    PinNewInitial,
    /// The last try is not spent without being asked for.
    #[error("{secret} has {} left", tries(*left))]
    LastTry {
        /// `PIN` or a key name.
        secret: String,
        /// Tries left.
        left: u8,
    },
    /// No PSAM at hand has the environment of the card's algorithm.
    #[error("no PSAM for the algorithm of this card{}{}", if readers.is_empty() { "" } else { "; PSAMs in " }, readers.join(", "))]
    PsamAlgorithm {
        /// Readers with a PSAM.
        readers: Vec<String>,
    },
    /// The PSAM does not answer.
    #[error("the PSAM does not answer")]
    PsamSilent,
    /// The PSAM's keys are not this card's; nothing was spent.
    #[error("the PSAM's keys do not fit this card (city {city})")]
    PsamWrong {
        /// City of the card.
        city: CityCode,
    },
    /// The card refused an external authentication.
    #[error("the card refused {key}, {} left", tries(*left))]
    KeyRefused {
        /// Key name.
        key: String,
        /// Tries left.
        left: u8,
    },
    /// A key is not tried: the card refused another of the same security module.
    #[error("{key} was not tried: the card refused {refused} of the same PSAM")]
    KeyNotTried {
        /// Key name.
        key: String,
        /// The key that the card refused.
        refused: String,
    },
    /// A key of the card is blocked.
    #[error("{key} of the card is blocked")]
    KeyBlocked {
        /// Key name.
        key: String,
    },
    /// The PSAM gave no cryptogram.
    #[error(transparent)]
    Security(SecurityError),
    /// The data folder belongs to another PSAM.
    #[error("the data folder belongs to terminal {journal}, the PSAM is {psam}")]
    PsamDiffers {
        /// Terminal number of the journal.
        journal: String,
        /// Terminal number of the PSAM.
        psam: String,
    },
    /// MAC2 of the card is wrong.
    #[error("MAC2 of the card does not verify")]
    MacWrong,

    // Money: the rules.
    /// A bill, catalogue or policy that cannot be read.
    #[error("{path}: {reason}")]
    Paper {
        /// Which of the three.
        kind: Paper,
        /// File.
        path: String,
        /// Where and what.
        reason: Words,
    },
    /// A bill that breaks a rule.
    #[error("the bill is refused: {reason}")]
    BillRefused {
        /// Rule and line.
        reason: Words,
    },
    /// The account has less than the bill wants from it.
    #[error("the account does not hold the amount")]
    BalanceInsufficient,
    /// The card's total of the year cannot take the amount.
    #[error("the card's totals of {year} cannot take the amount")]
    YearTotalFull {
        /// Year.
        year: String,
    },
    /// The card was paid with in a later year than the terminal's clock has.
    #[error("the card was paid with in {year}, a later year than the terminal's clock has")]
    ClockBehindCard {
        /// Year of the card's totals.
        year: String,
    },
    /// A bill that was paid before.
    #[error("bill {bill} was paid, see entry {entry}{}", undone.map_or("", refund::undone))]
    BillPaid {
        /// Bill.
        bill: String,
        /// Journal id of the payment.
        entry: String,
        /// How all of it went back since, where it did.
        undone: Option<RefundAct>,
    },
    /// A bill whose payment by another card has no known outcome yet.
    #[error("bill {bill} is open in entry {entry}, card {card}")]
    BillOpen {
        /// Bill.
        bill: String,
        /// Journal id of the open payment.
        entry: String,
        /// Identifier of the card that may have paid.
        card: String,
    },
    /// A refund is not begun, or not ended.
    #[error(transparent)]
    Refund(#[from] RefundFault),
    /// A limit of the terminal.
    #[error("{limit} is reached")]
    LimitExceeded {
        /// Which.
        limit: Limit,
    },
    /// Signed parameters are not taken over, or may not be sold by any more.
    #[error(transparent)]
    Parameters(#[from] ParameterFault),
    /// The centre has to be asked before a sale, and did not answer.
    #[error("this terminal sells with its centre's consent only, and the centre was not asked or did not answer")]
    OnlineRequired,
    /// The card did not answer after DEBIT or CREDIT was sent.
    #[error("the outcome of transaction {id} is unknown")]
    Uncertain {
        /// Journal id.
        id: String,
    },
    /// An open transaction of this card could not be settled yet.
    #[error("transaction {id} of this card is still open: {why}")]
    StillOpen {
        /// Journal id.
        id: String,
        /// Why it cannot be settled.
        why: Unsettled,
    },

    /// The card has another identifier than when this terminal first met its chip.
    #[error("in entry {entry} its chip had another identifier")]
    CardRenamed {
        /// Journal id of the first meeting.
        entry: String,
    },
    /// The clock is behind what was journalled, or what the centre signed: dates of sales would be wrong.
    #[error("the clock is behind {mark}, which is known to have been")]
    ClockBack {
        /// The latest instant that is known, China's time.
        mark: settlement::DateTime,
    },
    /// The centre's clock and this terminal's are more than ten minutes apart: the date of a sale would be wrong.
    #[error("the centre has {centre}")]
    ClockDiffers {
        /// The centre's time, China's.
        centre: settlement::DateTime,
    },
    /// The terminal signed out, and did not sign in since.
    #[error("this terminal signed out at {at}")]
    SignedOut {
        /// When, China's time.
        at: settlement::DateTime,
    },
    /// No entry with this number waits for a judgement.
    #[error("no undecided transaction has the number {id}")]
    NotUndecided {
        /// Journal id.
        id: String,
    },

    // The centre.
    /// The line to it is not opened.
    #[error(transparent)]
    Line(#[from] LineFault),
    /// The centre does not answer.
    #[error("the centre at {address} does not answer")]
    CentreUnreachable {
        /// Address.
        address: String,
        /// Whether something may have arrived there; when not, nothing of it was done.
        sent: bool,
    },
    /// The centre's answer has another form than agreed.
    #[error("the centre's answer to {path} has a wrong form")]
    CentreAnswer {
        /// Path of the request.
        path: &'static str,
    },
    /// The centre refused.
    #[error("the centre refused {path}: {code}")]
    CentreRefused {
        /// Path of the request.
        path: &'static str,
        /// Its code.
        code: ErrorCode,
    },
    /// The centre's chain of batches is not the terminal's.
    #[error("the centre expects batch {theirs}, the terminal is at batch {ours}")]
    ChainDiffers {
        /// The centre's next batch.
        theirs: u32,
        /// The terminal's next batch.
        ours: u32,
    },
    /// Nothing is waiting to be loaded for this card.
    #[error("nothing to load for this card")]
    NothingToLoad,
    /// The holder owes: the next allotment covers that before anything is loaded.
    #[error("owed: {owed} yuan")]
    LoadOwed {
        /// How much.
        owed: settlement::fen::Fen,
    },

    /// The national centre.
    #[error(transparent)]
    National(#[from] NationalError),

    // The terminal's own storage.
    /// The terminal has no key and number yet.
    #[error("the terminal is not enrolled")]
    NotEnrolled,
    /// No font for a receipt that is drawn.
    #[error(transparent)]
    Font(#[from] font::FontError),
    /// The transaction is done and in the journal; its receipt could not be written.
    #[error("the receipt of transaction {id} could not be written to {path}: {source}")]
    ReceiptUnwritten {
        /// Journal id.
        id: String,
        /// File or device.
        path: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// The bridge cannot listen.
    #[error("{address}: {source}")]
    Listen {
        /// As given.
        address: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// A line of a recording that is no call.
    #[error("{path}, line {line}: {}", reason.en)]
    Recording {
        /// File.
        path: String,
        /// Line, from 1.
        line: usize,
        /// What was expected.
        reason: Words,
    },
    /// A program for rehearsal is not beside this one.
    #[error("{program}: {source}")]
    RehearsalMissing {
        /// Where it was looked for.
        program: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// No such receipt.
    #[error("no receipt {id}")]
    ReceiptUnknown {
        /// As given.
        id: String,
    },
    /// No purchase of a driver's call that has an output.
    #[error("no output of a call {id}")]
    OutputUnknown {
        /// As given.
        id: String,
    },
    /// The journal or the data folder failed.
    #[error(transparent)]
    Store(#[from] crate::store::StoreError),
    /// Standard output failed.
    #[error("standard output cannot be written")]
    Output {
        /// Whoever read it has gone, as `head` does.
        closed: bool,
    },
    /// The card was debited or credited, and the journal could not say so.
    #[error("transaction {id} is done on the card, not yet in the journal: {source}")]
    NotRecorded {
        /// Journal id.
        id: String,
        /// Why.
        source: crate::store::StoreError,
    },
    /// A broken invariant of this program.
    #[error("broken invariant: {0}")]
    Bug(&'static str),
}

/// So many tries, in English.
fn tries(left: u8) -> String {
    if left == 1 { "1 try".to_owned() } else { format!("{left} tries") }
}

impl TerminalError {
    /// Whether the card stopped answering: what it did with the last command is unknown.
    #[must_use]
    pub const fn answer_lost(&self) -> bool {
        matches!(self, Self::Session(_) | Self::CardAnswer { .. })
    }
}
