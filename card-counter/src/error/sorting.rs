//! Which stable code an error has.
//!
//! Owns: the map from every error to its code, exhaustive. Never: texts (`wording`), exit codes (`exit`).

use card_core::security::SecurityError;
use card_core::session::SessionError;
use card_core::transport::TransportError;
use card_core::transport::pcsc::ChooseError;
use card_profiles::access::Right;
use card_profiles::read::Reason;
use settlement::catalogue::delivery::DeliveryFault;
use settlement::parameters::ParameterFault;

use super::font::FontError;
use super::shell::ShellError;
use super::{Code, Paper, TerminalError};
use crate::file::FileKind;

impl TerminalError {
    /// The stable code.
    #[must_use]
    pub const fn code(&self) -> Code {
        match self {
            Self::Usage { .. } => Code::Usage,
            Self::Configuration { .. } => Code::ConfigurationInvalid,
            Self::SecretUnreadable { .. } => Code::SecretUnreadable,
            Self::SecretForm => Code::SecretForm,
            Self::File { .. } => Code::FileMissing,
            Self::Profile { .. } => Code::ProfileMalformed,
            Self::ProfileContradicts(_) => Code::ProfileContradicts,
            Self::ProfileUnknown { .. } => Code::ProfileUnknown,
            Self::NotText { kind, .. } => match kind {
                FileKind::Configuration => Code::ConfigurationInvalid,
                FileKind::Profile => Code::ProfileMalformed,
                FileKind::Dump => Code::DumpMalformed,
                FileKind::Script => Code::ScriptMalformed,
                FileKind::Blacklist => Code::BlacklistMalformed,
                FileKind::Recording => Code::RecordingMalformed,
            },
            Self::Dump { .. } => Code::DumpMalformed,
            Self::DumpVersion { .. } => Code::DumpVersion,
            Self::Trace { .. } => Code::TraceUnwritable,
            Self::TraceEmpty { .. } => Code::TraceEmpty,
            Self::PersonMissing { .. } => Code::PersonMissing,
            Self::KeyFile { source: card_profiles::key_file::KeyFileError::Mark, .. } => Code::KeyFileNotRehearsal,
            Self::KeyFile { .. } => Code::KeyFileMalformed,
            Self::KeysDiffer => Code::KeysDiffer,
            Self::Shell(error) => of_shell(error),
            Self::Address { .. } => Code::AddressUnsupported,
            Self::PinFormat => Code::PinFormat,
            Self::PinNeeded => Code::PinNeeded,
            Self::Choose(error) => match error {
                ChooseError::Transport(error) => of_transport(error),
                ChooseError::NoReader => Code::NoReader,
                ChooseError::NoMatch { .. } => Code::ReaderNotFound,
                ChooseError::Ambiguous { .. } => Code::ReaderAmbiguous,
            },
            Self::Session(error) => of_session(error),
            Self::NoUserCard { .. } => Code::NoCard,
            Self::SeveralUserCards { .. } => Code::ReaderAmbiguous,
            Self::PsamMissing { .. } => Code::PsamMissing,
            Self::SeveralPsams { .. } => Code::PsamAmbiguous,
            Self::NotSsc { .. } => Code::NotSsc,
            Self::CardIsPsam => Code::CardIsPsam,
            Self::CardBlank => Code::CardBlank,
            Self::CardIdentifier => Code::CardIdentifier,
            Self::CardBlocked { .. } => Code::CardBlocked,
            Self::ProfileDiffers(_) => Code::ProfileDiffers,
            Self::CardVersion { .. } => Code::CardVersion,
            Self::AlgorithmNotPublic => Code::AlgorithmNotPublic,
            Self::FileUnknown { .. } => Code::FileUnknown,
            Self::Interrupted => Code::Interrupted,
            Self::NotReached => Code::NotReached,
            Self::ApplicationMissing { .. } => Code::ApplicationMissing,
            Self::CardRefused { .. } => Code::CardRefused,
            Self::CardAnswer { .. } => Code::CardAnswer,
            Self::OtherCard => Code::OtherCard,
            Self::ForeignCity { .. } => Code::ForeignCity,
            Self::NotYetValid { .. } => Code::CardNotYetValid,
            Self::Expired { .. } => Code::CardExpired,
            Self::Blacklisted { .. } => Code::CardBlacklisted,
            Self::BlacklistMissing => Code::BlacklistMissing,
            Self::BlacklistStale { .. } => Code::BlacklistStale,
            Self::Blacklist(error) => error.code(),
            Self::Catalogue(fault) => match fault {
                DeliveryFault::Foreign { .. } => Code::CatalogueForeign,
                DeliveryFault::Unsigned { .. } => Code::CatalogueUnsigned,
                DeliveryFault::Altered { .. } => Code::CatalogueAltered,
                DeliveryFault::Older { .. } => Code::CatalogueOlder,
                DeliveryFault::Expired { .. } => Code::CatalogueExpired,
                DeliveryFault::Ahead { .. } => Code::CatalogueAhead,
                DeliveryFault::TooLong { .. } => Code::CatalogueTooLong,
            },
            Self::Certificate(error) => error.code(),
            Self::PinWrong { .. } => Code::PinWrong,
            Self::PinBlocked => Code::PinBlocked,
            Self::PinInitial => Code::PinInitial,
            Self::PinNewInitial => Code::PinNewInitial,
            Self::LastTry { .. } => Code::LastTry,
            Self::PsamAlgorithm { .. } => Code::PsamAlgorithm,
            Self::PsamSilent => Code::PsamSilent,
            Self::PsamWrong { .. } => Code::PsamWrong,
            Self::KeyRefused { .. } => Code::KeyRefused,
            Self::KeyNotTried { .. } => Code::KeyNotTried,
            Self::KeyBlocked { .. } => Code::KeyBlocked,
            Self::Security(error) => of_security(error),
            Self::PsamDiffers { .. } => Code::PsamDiffers,
            Self::MacWrong => Code::MacWrong,
            Self::Paper { kind, .. } => match kind {
                Paper::Bill => Code::BillMalformed,
                Paper::Catalogue => Code::CatalogueMalformed,
                Paper::Policy => Code::PolicyMalformed,
            },
            Self::BillRefused { .. } => Code::BillRefused,
            Self::BalanceInsufficient => Code::BalanceInsufficient,
            Self::YearTotalFull { .. } => Code::YearTotalFull,
            Self::ClockBehindCard { .. } => Code::ClockBehindCard,
            Self::BillPaid { .. } => Code::BillPaid,
            Self::BillOpen { .. } => Code::BillOpen,
            Self::Refund(fault) => fault.code(),
            Self::LimitExceeded { .. } => Code::LimitExceeded,
            Self::Parameters(fault) => match fault {
                ParameterFault::Foreign { .. } | ParameterFault::Elsewhere { .. } => Code::ParametersForeign,
                ParameterFault::Unsigned { .. } => Code::ParametersUnsigned,
                ParameterFault::Older { .. } => Code::ParametersOlder,
                ParameterFault::Expired { .. } => Code::ParametersExpired,
                ParameterFault::Ahead { .. } => Code::ParametersAhead,
            },
            Self::OnlineRequired => Code::OnlineRequired,
            Self::Uncertain { .. } => Code::Uncertain,
            Self::StillOpen { .. } => Code::StillOpen,
            Self::CardRenamed { .. } => Code::CardRenamed,
            Self::ClockBack { .. } => Code::ClockBack,
            Self::ClockDiffers { .. } => Code::ClockDiffers,
            Self::SignedOut { .. } => Code::SignedOut,
            Self::NotUndecided { .. } => Code::NotUndecided,
            Self::Line(fault) => fault.code(),
            Self::CentreUnreachable { .. } => Code::CentreUnreachable,
            Self::CentreAnswer { .. } => Code::CentreAnswer,
            Self::CentreRefused { code, .. } if code.retryable() => Code::CentreBusy,
            Self::CentreRefused { .. } => Code::CentreRefused,
            Self::ChainDiffers { .. } => Code::ChainDiffers,
            Self::National(error) => error.code(),
            Self::NothingToLoad => Code::NothingToLoad,
            Self::LoadOwed { .. } => Code::LoadOwed,
            Self::NotEnrolled => Code::NotEnrolled,
            Self::Font(FontError::Unusable { .. }) => Code::FontUnusable,
            Self::Font(FontError::Missing | FontError::Unreadable { .. }) => Code::FontMissing,
            Self::ReceiptUnwritten { .. } => Code::ReceiptUnwritten,
            Self::Listen { .. } => Code::ListenFailed,
            Self::Recording { .. } => Code::RecordingMalformed,
            Self::ReceiptUnknown { .. } => Code::ReceiptUnknown,
            Self::OutputUnknown { .. } => Code::OutputUnknown,
            Self::RehearsalMissing { .. } => Code::RehearsalMissing,
            Self::Store(error) => error.code(),
            Self::Output { .. } => Code::OutputFailed,
            Self::NotRecorded { .. } => Code::NotRecorded,
            Self::Bug(_) => Code::Bug,
        }
    }
}

/// The code of an error of the transport.
#[must_use]
pub const fn of_transport(error: &TransportError) -> Code {
    match error {
        TransportError::CardRemoved { .. } => Code::CardRemoved,
        TransportError::NoCard { .. } => Code::NoCard,
        TransportError::CardMute { .. } => Code::CardMute,
        TransportError::CardReset { .. } => Code::CardReset,
        TransportError::InUse { .. } => Code::ReaderInUse,
        TransportError::ReaderGone { .. } => Code::ReaderGone,
        TransportError::Timeout { .. } | TransportError::ReaderSick { .. } => Code::ReaderHangs,
        TransportError::NoService => Code::NoPcscService,
        TransportError::Protocol { .. } | TransportError::TraceDiffers { .. } | TransportError::TraceEnded { .. } => {
            Code::ExchangeBroken
        }
    }
}

const fn of_shell(error: &ShellError) -> Code {
    match error {
        ShellError::Usage(_) => Code::ShellCommand,
        ShellError::NoSuchPlace(_) | ShellError::Closed { reason: Reason::NoSuchFile, .. } => Code::PlaceUnknown,
        ShellError::NoSuchKey(_) => Code::KeyUnknown,
        ShellError::Closed { reason: Reason::Never, .. } => Code::FileNeverRead,
        ShellError::PinSource | ShellError::Closed { reason: Reason::Unproved(Right::Pin), .. } => Code::PinNeeded,
        ShellError::Closed { reason: Reason::Unproved(Right::Key(_)), .. } => Code::PsamMissing,
        ShellError::Closed { reason: Reason::ProofRefused { right: Right::Pin, .. }, .. } => Code::PinWrong,
        ShellError::Closed { reason: Reason::ProofRefused { right: Right::Key(_), .. }, .. } => Code::KeyRefused,
        ShellError::Closed { reason: Reason::Refused(_), .. } => Code::CardRefused,
        ShellError::Closed { reason: Reason::Module { .. }, .. } => Code::PsamRefused,
        ShellError::Closed { reason: Reason::Withheld { .. }, .. } => Code::LastTry,
        ShellError::Closed { reason: Reason::Spared { .. }, .. } => Code::KeyNotTried,
        ShellError::Closed { reason: Reason::Lost, .. } => Code::NotReached,
        ShellError::ReadOnly => Code::ReadOnly,
        ShellError::Unproved { .. } => Code::UpdateUnproved,
        ShellError::Value { .. } => Code::ValueRefused,
        ShellError::ReadBack(_) => Code::ReadBackDiffers,
        ShellError::Expectation { .. } => Code::ScriptMismatch,
    }
}

const fn of_session(error: &SessionError) -> Code {
    match error {
        SessionError::Transport(error) => of_transport(error),
        SessionError::NoStatusWord(..)
        | SessionError::TooLong(..)
        | SessionError::WrongForm(..)
        | SessionError::EndlessAnswer(..)
        | SessionError::Atr(_) => Code::CardAnswer,
    }
}

/// What a PSAM's reader or the PSAM did: never a matter of the holder's card.
const fn of_psam(error: &SessionError) -> Code {
    match error {
        SessionError::Transport(
            TransportError::CardRemoved { .. }
            | TransportError::NoCard { .. }
            | TransportError::CardMute { .. }
            | TransportError::CardReset { .. },
        ) => Code::PsamSilent,
        SessionError::Transport(error) => of_transport(error),
        SessionError::NoStatusWord(..)
        | SessionError::TooLong(..)
        | SessionError::WrongForm(..)
        | SessionError::EndlessAnswer(..)
        | SessionError::Atr(_) => Code::PsamAnswer,
    }
}

const fn of_security(error: &SecurityError) -> Code {
    match error {
        SecurityError::KeyNotFound { .. } | SecurityError::LevelTooLow { .. } => Code::PsamKeyMissing,
        SecurityError::Unsupported { .. }
        | SecurityError::Refused { .. }
        | SecurityError::StaysInside { .. }
        | SecurityError::Gone(_) => Code::PsamRefused,
        SecurityError::NotPsam(_) => Code::NotPsam,
        SecurityError::Session(error) => of_psam(error),
        SecurityError::Challenge(_) => Code::CardRefused,
    }
}
