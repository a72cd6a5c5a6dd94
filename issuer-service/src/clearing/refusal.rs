//! Why an act of clearing is not done, told to a person or to a terminal.
//!
//! Owns: the errors of this area; the code that a terminal gets for each. Never: knows HTTP status codes (`http/`).

use card_core::security::SecurityError;
use settlement::batch::BatchError;
use settlement::blacklist::ListFault;
use settlement::catalogue::CatalogueFault;
use settlement::code::{ErrorCode, Language};
use settlement::date::BusinessDate;
use settlement::fen::{Fen, FenError};
use settlement::id::{CardIdentifier, CatalogueVersion, InstitutionCode, LoadId, SaleId, TerminalNumber};
use settlement::tac::TacError;

use super::ledger::PostingError;
use super::window::WindowState;
use super::wording;
use crate::error::Explain;
use crate::exit::Exit;
use crate::lang::Lang;
use crate::operator::OperatorError;
use crate::store::StoreError;

/// Why an act of clearing is not done. Nothing of it remains.
#[derive(Debug, thiserror::Error)]
pub enum ClearingError {
    /// A terminal's request breaks a rule.
    #[error("{0}")]
    Refused(ErrorCode),
    /// A terminal's batch does not verify as a whole.
    #[error(transparent)]
    Batch(#[from] BatchError),
    /// An institution with this code exists.
    #[error("institution {code} exists")]
    InstitutionExists {
        /// Code.
        code: InstitutionCode,
    },
    /// No such institution.
    #[error("institution {code} is unknown")]
    InstitutionUnknown {
        /// Code.
        code: InstitutionCode,
    },
    /// A terminal with this number exists.
    #[error("terminal {number} exists")]
    TerminalExists {
        /// Number.
        number: TerminalNumber,
    },
    /// No such card.
    #[error("card {card} is unknown")]
    CardUnknown {
        /// Card.
        card: CardIdentifier,
    },
    /// Its holder has another card, or none.
    #[error("card {card} is not active")]
    CardNotActive {
        /// Card.
        card: CardIdentifier,
    },
    /// No such terminal.
    #[error("terminal {number} is unknown")]
    TerminalUnknown {
        /// Number.
        number: TerminalNumber,
    },
    /// Two cards of one request have the same holder.
    #[error("the holder of card {card} stands twice in the request")]
    HolderTwice {
        /// The second card.
        card: CardIdentifier,
    },
    /// No cards were named.
    #[error("no card to allot to")]
    NothingToAllot,
    /// Not positive, or more than a card holds.
    #[error("{amount} yuan cannot be allotted")]
    AmountInvalid {
        /// Amount.
        amount: Fen,
    },
    /// No such request.
    #[error("allotment {request} is unknown")]
    AllotmentUnknown {
        /// Number.
        request: i64,
    },
    /// The second person is the first.
    #[error("{operator} made it and may not decide it")]
    SameOperator {
        /// Name.
        operator: String,
    },
    /// No such load.
    #[error("load {load} is unknown")]
    LoadUnknown {
        /// Id.
        load: LoadId,
    },
    /// The load has its outcome.
    #[error("load {load} has its outcome")]
    LoadDecided {
        /// Id.
        load: LoadId,
    },
    /// Something is asked of the load.
    #[error("decision {number} about load {load} waits")]
    LoadAsked {
        /// Id.
        load: LoadId,
        /// Decision.
        number: i64,
    },
    /// No such decision about a load.
    #[error("there is no decision {number} about a load")]
    LoadDecisionUnknown {
        /// Number.
        number: i64,
    },
    /// No such record, or one that was posted.
    #[error("there is no record {terminal}/{record} that was not posted")]
    RowUnknown {
        /// Terminal.
        terminal: TerminalNumber,
        /// Number.
        record: u64,
    },
    /// Something is asked or decided of the record.
    #[error("decision {number} is about record {terminal}/{record} already")]
    RowDecided {
        /// Terminal.
        terminal: TerminalNumber,
        /// Number.
        record: u64,
        /// Decision.
        number: i64,
    },
    /// Nothing is decided, or nothing shows that it is wrong.
    #[error("record {terminal}/{record} cannot be taken back")]
    RowNotTakenBack {
        /// Terminal.
        terminal: TerminalNumber,
        /// Number.
        record: u64,
    },
    /// A record with the card's own code is not dismissed while another one stands under its number.
    #[error("record {terminal}/{record} has the card's own code")]
    RowProved {
        /// Terminal.
        terminal: TerminalNumber,
        /// Number at the terminal.
        record: u64,
    },
    /// The record contradicts the card, or its numbers went to another.
    #[error("record {terminal}/{record} cannot be posted")]
    RowUnpostable {
        /// Terminal.
        terminal: TerminalNumber,
        /// Number.
        record: u64,
        /// Why it was not posted.
        code: Option<ErrorCode>,
    },
    /// No such sale, or one that is not open.
    #[error("sale {sale} is not authorised and open")]
    SaleNotOpen {
        /// Sale.
        sale: SaleId,
    },
    /// Something is asked or decided of the sale.
    #[error("closure {number} is about sale {sale} already")]
    SaleDecided {
        /// Sale.
        sale: SaleId,
        /// Closure.
        number: i64,
    },
    /// No such decision.
    #[error("there is no decision {number} about a record")]
    DecisionUnknown {
        /// Number.
        number: i64,
    },
    /// No such catalogue.
    #[error("there is no catalogue {version}")]
    CatalogueUnknown {
        /// Version.
        version: CatalogueVersion,
    },
    /// A catalogue with this version is there.
    #[error("catalogue {version} exists")]
    CatalogueExists {
        /// Version.
        version: CatalogueVersion,
    },
    /// It was published before.
    #[error("catalogue {version} was published as number {sequence}")]
    CataloguePublished {
        /// Version.
        version: CatalogueVersion,
        /// Sequence.
        sequence: u64,
    },
    /// The file is no catalogue.
    #[error("the catalogue has {} faults", faults.len())]
    CatalogueMalformed {
        /// All of them, in order of rows.
        faults: Box<[CatalogueFault]>,
    },
    /// No such closure of a sale.
    #[error("there is no closure {number} of a sale")]
    ClosureUnknown {
        /// Number.
        number: i64,
    },
    /// The card is, or is not, on the list already.
    #[error("the blacklist says so already of card {card}")]
    BlacklistUnchanged {
        /// Card.
        card: CardIdentifier,
    },
    /// The state of the card keeps it on the list.
    #[error("the state of card {card} keeps it on the blacklist")]
    BlacklistByState {
        /// Card.
        card: CardIdentifier,
    },
    /// A list of the time before a restoration is not taken back.
    #[error(transparent)]
    ListRefused(#[from] ListFault),
    /// The blacklist is published: nothing is to be taken back or released.
    #[error("the blacklist is not withheld")]
    BlacklistNotWithheld,
    /// No such window.
    #[error("there is no clearing window {date}")]
    WindowUnknown {
        /// Date.
        date: BusinessDate,
    },
    /// An earlier window is not closed.
    #[error("window {earlier} is not closed")]
    WindowBefore {
        /// The earlier date.
        earlier: BusinessDate,
    },
    /// The window is in another state.
    #[error("window {date} is {}", state.name())]
    WindowState {
        /// Date.
        date: BusinessDate,
        /// Its state.
        state: WindowState,
    },
    /// The window has no such difference.
    #[error("window {date} has no difference {number}")]
    DifferenceUnknown {
        /// Date.
        date: BusinessDate,
        /// Number in the list.
        number: usize,
    },
    /// A reason is needed.
    #[error("a reason is needed")]
    ReasonMissing,
    /// The ledger holds another posting under the reference: our own mistake.
    #[error("reference {reference} was posted with other entries")]
    ReferenceReused {
        /// Reference.
        reference: String,
    },
    /// A file that was given cannot be read.
    #[error("{path}: {source}")]
    File {
        /// File.
        path: std::path::PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file cannot be written.
    #[error("{path}: {source}")]
    Unwritten {
        /// File.
        path: std::path::PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file that was given is not of its form.
    #[error("{path} line {line} column {column} is not as expected")]
    FileMalformed {
        /// File.
        path: std::path::PathBuf,
        /// Line, from 1.
        line: usize,
        /// Column, from 1.
        column: usize,
    },
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// Address.
        address: std::net::SocketAddr,
        /// Why.
        source: std::io::Error,
    },
    /// The address is not of this machine.
    #[error("{address} is not a loopback address")]
    NotLoopback {
        /// Address.
        address: std::net::SocketAddr,
    },
    /// Entries that are no posting: our own mistake, or sums beyond 64 bits.
    #[error(transparent)]
    Posting(#[from] PostingError),
    /// A sum beyond 64 bits.
    #[error(transparent)]
    Sum(#[from] FenError),
    /// A code that cannot be computed.
    #[error(transparent)]
    Tac(#[from] TacError),
    /// Who acts.
    #[error(transparent)]
    Operator(#[from] OperatorError),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl ClearingError {
    /// What a terminal is told.
    #[must_use]
    pub fn terminal_code(&self) -> ErrorCode {
        match self {
            Self::Refused(code) => *code,
            Self::Batch(error) => batch_code(error),
            Self::CardUnknown { .. } => ErrorCode::CardUnknown,
            Self::TerminalUnknown { .. } => ErrorCode::TerminalUnknown,
            Self::CardNotActive { .. } => ErrorCode::CardNotActive,
            Self::LoadUnknown { .. } => ErrorCode::LoadUnknown,
            Self::LoadDecided { .. } => ErrorCode::LoadAlreadyDecided,
            Self::Tac(TacError::Algorithm(_) | TacError::Security(SecurityError::Unsupported { .. })) => {
                ErrorCode::AlgorithmUnsupported
            }
            Self::Tac(TacError::Security(_)) => ErrorCode::KeysUnavailable,
            Self::Tac(TacError::NoCity(_)) => ErrorCode::CardUnknown,
            Self::Tac(TacError::Amount(_) | TacError::NotPurchase) | Self::Sum(_) | Self::AmountInvalid { .. } => {
                ErrorCode::RecordContradictory
            }
            Self::WindowState { .. } | Self::WindowUnknown { .. } | Self::WindowBefore { .. } => {
                ErrorCode::WindowClosed
            }
            Self::InstitutionExists { .. }
            | Self::InstitutionUnknown { .. }
            | Self::TerminalExists { .. }
            | Self::HolderTwice { .. }
            | Self::NothingToAllot
            | Self::AllotmentUnknown { .. }
            | Self::SameOperator { .. }
            | Self::LoadAsked { .. }
            | Self::LoadDecisionUnknown { .. }
            | Self::RowUnknown { .. }
            | Self::RowDecided { .. }
            | Self::RowUnpostable { .. }
            | Self::RowNotTakenBack { .. }
            | Self::RowProved { .. }
            | Self::DecisionUnknown { .. }
            | Self::ClosureUnknown { .. }
            | Self::SaleNotOpen { .. }
            | Self::SaleDecided { .. }
            | Self::CatalogueUnknown { .. }
            | Self::CatalogueExists { .. }
            | Self::CataloguePublished { .. }
            | Self::CatalogueMalformed { .. }
            | Self::BlacklistUnchanged { .. }
            | Self::BlacklistByState { .. }
            | Self::ListRefused(_)
            | Self::BlacklistNotWithheld
            | Self::DifferenceUnknown { .. }
            | Self::ReasonMissing
            | Self::ReferenceReused { .. }
            | Self::File { .. }
            | Self::FileMalformed { .. }
            | Self::Unwritten { .. }
            | Self::Listen { .. }
            | Self::NotLoopback { .. }
            | Self::Posting(_)
            | Self::Operator(_) => ErrorCode::CentreDefect,
            Self::Store(StoreError::DataKeysClosed) => ErrorCode::KeysUnavailable,
            Self::Store(error) if error.is_for_now() => ErrorCode::StoreUnavailable,
            Self::Store(_) => ErrorCode::CentreDefect,
        }
    }

    /// What is behind a refusal that is not the terminal's doing, for the log: a stable code, no value of anybody.
    #[must_use]
    pub fn cause(&self) -> String {
        match self {
            Self::Store(StoreError::Engine(error)) => format!("{} {}", self.code(), error.mark()),
            error => error.code().to_owned(),
        }
    }
}

/// What a terminal is told of a batch that does not verify.
pub(super) const fn batch_code(error: &BatchError) -> ErrorCode {
    match error {
        BatchError::OtherTerminal { .. }
        | BatchError::Signature { .. }
        | BatchError::Hash { .. }
        | BatchError::Frame { .. }
        | BatchError::Totals { .. }
        | BatchError::Sum(_)
        | BatchError::NumbersUsedUp(_) => ErrorCode::BatchAltered,
        BatchError::Size(_) => ErrorCode::MessageMalformed,
        BatchError::AlreadyReceived { .. }
        | BatchError::BatchesMissing { .. }
        | BatchError::Chain { .. }
        | BatchError::RecordsMissing { .. }
        | BatchError::RecordRepeated { .. } => ErrorCode::BatchGap,
    }
}

/// The language of a terminal's texts.
#[must_use]
pub const fn language(lang: Lang) -> Language {
    match lang {
        Lang::Zh => Language::Zh,
        Lang::En => Language::En,
    }
}

impl Explain for ClearingError {
    fn code(&self) -> &'static str {
        match self {
            Self::Refused(_) | Self::Batch(_) | Self::CardUnknown { .. } | Self::CardNotActive { .. } => {
                self.terminal_code().as_str()
            }
            Self::InstitutionExists { .. } => "INSTITUTION_EXISTS",
            Self::InstitutionUnknown { .. } => "INSTITUTION_UNKNOWN",
            Self::TerminalExists { .. } => "TERMINAL_EXISTS",
            Self::TerminalUnknown { .. } => "TERMINAL_UNKNOWN",
            Self::HolderTwice { .. } => "HOLDER_TWICE",
            Self::NothingToAllot => "NOTHING_TO_ALLOT",
            Self::AmountInvalid { .. } | Self::Sum(_) => "AMOUNT_INVALID",
            Self::AllotmentUnknown { .. } => "ALLOTMENT_UNKNOWN",
            Self::SameOperator { .. } => "SAME_OPERATOR",
            Self::LoadUnknown { .. } => "LOAD_UNKNOWN",
            Self::LoadDecided { .. } => "LOAD_ALREADY_DECIDED",
            Self::LoadAsked { .. } => "LOAD_PROPOSED",
            Self::LoadDecisionUnknown { .. } => "LOAD_DECISION_UNKNOWN",
            Self::RowUnknown { .. } => "ROW_UNKNOWN",
            Self::RowDecided { .. } => "ROW_DECIDED",
            Self::RowUnpostable { .. } => "ROW_UNPOSTABLE",
            Self::RowNotTakenBack { .. } => "ROW_NOT_TAKEN_BACK",
            Self::RowProved { .. } => "ROW_PROVED",
            Self::DecisionUnknown { .. } => "DECISION_UNKNOWN",
            Self::ClosureUnknown { .. } => "CLOSURE_UNKNOWN",
            Self::SaleNotOpen { .. } => "SALE_NOT_OPEN",
            Self::SaleDecided { .. } => "SALE_DECIDED",
            Self::CatalogueUnknown { .. } => "CATALOGUE_UNKNOWN",
            Self::CatalogueExists { .. } => "CATALOGUE_EXISTS",
            Self::CataloguePublished { .. } => "CATALOGUE_PUBLISHED",
            Self::CatalogueMalformed { .. } => "CATALOGUE_MALFORMED",
            Self::BlacklistUnchanged { .. } => "BLACKLIST_UNCHANGED",
            Self::BlacklistByState { .. } => "BLACKLIST_BY_STATE",
            Self::ListRefused(ListFault::Foreign { .. }) => "BLACKLIST_FOREIGN",
            Self::ListRefused(ListFault::Unsigned { .. }) => "BLACKLIST_UNSIGNED",
            Self::ListRefused(ListFault::Older { .. }) => "BLACKLIST_OLDER",
            Self::ListRefused(ListFault::TooLong { .. }) => "BLACKLIST_TOO_LONG",
            // A list is taken back whenever it was good.
            Self::ListRefused(ListFault::Gap { .. } | ListFault::Expired { .. } | ListFault::Ahead { .. }) => {
                "BLACKLIST_GAP"
            }
            Self::BlacklistNotWithheld => "BLACKLIST_NOT_WITHHELD",
            Self::WindowUnknown { .. } => "WINDOW_UNKNOWN",
            Self::WindowBefore { .. } => "WINDOW_BEFORE_OPEN",
            Self::WindowState { .. } => "WINDOW_STATE",
            Self::DifferenceUnknown { .. } => "DIFFERENCE_UNKNOWN",
            Self::ReasonMissing => "REASON_MISSING",
            Self::ReferenceReused { .. } => "LEDGER_REFERENCE_REUSED",
            Self::File { .. } => "FILE_UNREADABLE",
            Self::FileMalformed { .. } => "FILE_MALFORMED",
            Self::Unwritten { .. } => "FILE_NOT_WRITTEN",
            Self::Listen { .. } => "LISTEN_FAILED",
            Self::NotLoopback { .. } => "LISTEN_NOT_LOOPBACK",
            Self::Posting(_) => "LEDGER_POSTING_INVALID",
            Self::Tac(_) => "CODE_NOT_COMPUTED",
            Self::Operator(error) => error.code(),
            Self::Store(error) => error.code(),
        }
    }

    fn what(&self, lang: Lang) -> String {
        wording::texts(self, lang).0
    }

    fn next(&self, lang: Lang) -> &'static str {
        wording::texts(self, lang).1
    }

    fn exit(&self) -> Exit {
        match self {
            Self::InstitutionUnknown { .. }
            | Self::TerminalUnknown { .. }
            | Self::CardUnknown { .. }
            | Self::AllotmentUnknown { .. }
            | Self::LoadUnknown { .. }
            | Self::LoadDecisionUnknown { .. }
            | Self::RowUnknown { .. }
            | Self::DecisionUnknown { .. }
            | Self::ClosureUnknown { .. }
            | Self::SaleNotOpen { .. }
            | Self::CatalogueUnknown { .. }
            | Self::WindowUnknown { .. }
            | Self::DifferenceUnknown { .. } => Exit::NotFound,
            Self::Refused(_)
            | Self::Batch(_)
            | Self::InstitutionExists { .. }
            | Self::TerminalExists { .. }
            | Self::CardNotActive { .. }
            | Self::HolderTwice { .. }
            | Self::SameOperator { .. }
            | Self::LoadDecided { .. }
            | Self::LoadAsked { .. }
            | Self::RowDecided { .. }
            | Self::SaleDecided { .. }
            | Self::RowUnpostable { .. }
            | Self::RowNotTakenBack { .. }
            | Self::RowProved { .. }
            | Self::CatalogueExists { .. }
            | Self::CataloguePublished { .. }
            | Self::BlacklistUnchanged { .. }
            | Self::BlacklistByState { .. }
            | Self::BlacklistNotWithheld
            | Self::ListRefused(_)
            | Self::WindowBefore { .. }
            | Self::WindowState { .. } => Exit::Refused,
            Self::NothingToAllot
            | Self::AmountInvalid { .. }
            | Self::ReasonMissing
            | Self::File { .. }
            | Self::FileMalformed { .. }
            | Self::CatalogueMalformed { .. }
            | Self::NotLoopback { .. }
            | Self::Sum(_) => Exit::Usage,
            Self::Listen { .. } => Exit::Peer,
            Self::Unwritten { .. } => Exit::Storage,
            Self::Tac(_) => Exit::Authentication,
            Self::ReferenceReused { .. } | Self::Posting(_) => Exit::Bug,
            Self::Operator(error) => error.exit(),
            Self::Store(error) => error.exit(),
        }
    }

    fn retryable(&self) -> bool {
        match self {
            Self::Store(error) => error.retryable(),
            _ => self.terminal_code().retryable() && matches!(self, Self::Refused(_) | Self::Tac(_)),
        }
    }
}
