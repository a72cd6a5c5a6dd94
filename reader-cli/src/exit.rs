//! Exit codes of `sscard`: the only file that knows them.
//!
//! Source: the exit codes that all programs of this house share (README).
//! Owns: the map from error code to exit code. Never: ends the process (`main`).

use std::process::ExitCode;

use card_counter::error::Code;

/// How the program ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Done.
    Ok = 0,
    /// The command line or an input file is wrong.
    Usage = 1,
    /// What was named does not exist.
    NotFound = 2,
    /// A rule forbids it.
    Refused = 3,
    /// The card does not answer, is not the right one, or its outcome is uncertain.
    Card = 4,
    /// The reader or the PC/SC daemon.
    Reader = 5,
    /// PIN or authentication.
    Authentication = 6,
    /// A value does not verify.
    Mismatch = 7,
    /// The centre does not answer; the record is kept.
    PeerUnreachable = 8,
    /// Storage failed; nothing was done.
    Storage = 9,
    /// Partly done, see the report.
    Partly = 10,
    /// A broken invariant of this program.
    Bug = 64,
}

impl Exit {
    /// The exit code of an error.
    #[must_use]
    pub const fn of(code: Code) -> Self {
        match code {
            Code::Usage
            | Code::ConfigurationInvalid
            | Code::SecretUnreadable
            | Code::SecretForm
            | Code::PinFormat
            | Code::BillMalformed
            | Code::CatalogueMalformed
            | Code::PolicyMalformed
            | Code::ProfileMalformed
            | Code::ProfileContradicts
            | Code::DumpMalformed
            | Code::DumpVersion
            | Code::TraceEmpty
            | Code::RecordingMalformed
            | Code::KeyFileMalformed
            | Code::KeyFileNotRehearsal
            | Code::ShellCommand
            | Code::ScriptMalformed
            | Code::ValueRefused
            | Code::CertificatePinLength
            | Code::EnvelopeMalformed
            | Code::CertificateMalformed
            | Code::BlacklistMalformed
            | Code::CertificateTooLong
            | Code::FontUnusable
            | Code::NationalField
            | Code::CentrePlain
            | Code::LineCertificateMalformed
            | Code::AddressUnsupported => Self::Usage,
            Code::FileMissing
            | Code::ProfileUnknown
            | Code::FileUnknown
            | Code::PersonMissing
            | Code::PlaceUnknown
            | Code::KeyUnknown
            | Code::FontMissing
            | Code::CentreKeyUnknown
            | Code::ReceiptUnknown
            | Code::OutputUnknown
            | Code::NotUndecided
            | Code::RefundOriginal
            | Code::RefundAmbiguous
            | Code::RefundUnknown
            | Code::RehearsalMissing
            | Code::NationalUnknown
            | Code::NationalNotInsured
            | Code::NotEnrolled
            | Code::LineCertificateMissing
            | Code::LineAuthorityMissing
            | Code::NothingToLoad => Self::NotFound,
            Code::BillRefused
            | Code::FileNeverRead
            | Code::ReadOnly
            | Code::UpdateUnproved
            | Code::CardSecretMissing
            | Code::KeyPairThere
            | Code::ForeignCity
            | Code::CardNotYetValid
            | Code::CardExpired
            | Code::CardBlacklisted
            | Code::BlacklistMissing
            | Code::BlacklistStale
            | Code::BlacklistForeign
            | Code::BlacklistOlder
            | Code::CatalogueOlder
            | Code::CatalogueForeign
            | Code::CatalogueExpired
            | Code::CatalogueAhead
            | Code::CatalogueTooLong
            | Code::BlacklistExpired
            | Code::BlacklistAhead
            | Code::BlacklistGap
            | Code::BlacklistTooLong
            | Code::CentreKeyDiffers
            | Code::BalanceInsufficient
            | Code::YearTotalFull
            | Code::ClockBehindCard
            | Code::CentreRefused
            | Code::LoadOwed
            | Code::PsamDiffers
            | Code::BillPaid
            | Code::BillOpen
            | Code::StillOpen
            | Code::RefundClosed
            | Code::RefundCredited
            | Code::RefundUndecided
            | Code::RefundAmount
            | Code::CancelTooLate
            | Code::NationalNotSignedIn
            | Code::NationalRefused
            | Code::NationalOpen
            | Code::NationalBillSettled
            | Code::ParametersForeign
            | Code::ParametersOlder
            | Code::ParametersExpired
            | Code::CardRenamed
            | Code::ClockBack
            | Code::ClockDiffers
            | Code::SignedOut
            | Code::ParametersAhead
            | Code::OnlineRequired
            | Code::LimitExceeded => Self::Refused,
            Code::NoCard
            | Code::CardRemoved
            | Code::CardMute
            | Code::CardReset
            | Code::ExchangeBroken
            | Code::NotSsc
            | Code::CardIsPsam
            | Code::CardBlank
            | Code::CardIdentifier
            | Code::CardBlocked
            | Code::ProfileDiffers
            | Code::CardVersion
            | Code::ApplicationMissing
            | Code::CertificatesMissing
            | Code::AlgorithmNotPublic
            | Code::NotReached
            | Code::CardRefused
            | Code::CardAnswer
            | Code::OtherCard
            | Code::Uncertain => Self::Card,
            Code::NoPcscService
            | Code::NoReader
            | Code::ReaderNotFound
            | Code::ReaderAmbiguous
            | Code::ReaderGone
            | Code::ReaderHangs
            | Code::ReaderInUse
            | Code::PsamMissing
            | Code::PsamAlgorithm
            | Code::PsamSilent
            | Code::PsamAnswer
            | Code::PsamAmbiguous => Self::Reader,
            Code::PinWrong
            | Code::PinBlocked
            | Code::PinInitial
            | Code::PinNewInitial
            | Code::PinNeeded
            | Code::LastTry
            | Code::NotPsam
            | Code::PsamWrong
            | Code::PsamKeyMissing
            | Code::PsamRefused
            | Code::KeyRefused
            | Code::KeyNotTried
            | Code::KeysDiffer
            | Code::CentreNotTrusted
            | Code::LineCertificateRefused
            | Code::LineCertificateExpired
            | Code::KeyBlocked => Self::Authentication,
            Code::MacWrong
            | Code::ChainDiffers
            | Code::NationalAmounts
            | Code::NationalOtherPerson
            | Code::ReadBackDiffers
            | Code::ScriptMismatch
            | Code::EnvelopeForeign
            | Code::CertificateForeign
            | Code::LineCertificateDiffers
            | Code::BlacklistUnsigned
            | Code::CatalogueUnsigned
            | Code::CatalogueAltered
            | Code::ParametersUnsigned
            | Code::ParametersAltered
            | Code::SignatureWrong => Self::Mismatch,
            Code::CentreUnreachable
            | Code::CentreAnswer
            | Code::CentreBusy
            | Code::NationalUnreachable
            | Code::NationalUnanswered
            | Code::NationalReversed
            | Code::NationalAnswer => Self::PeerUnreachable,
            Code::StoreFailed
            | Code::ListenFailed
            | Code::StoreFull
            | Code::StoreBusy
            | Code::StoreCorrupt
            | Code::TraceUnwritable => Self::Storage,
            Code::Interrupted | Code::NotRecorded | Code::ReceiptUnwritten | Code::OutputFailed => Self::Partly,
            Code::Bug => Self::Bug,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_an_exit_code_that_is_not_success() {
        for code in Code::ALL {
            assert_ne!(Exit::of(*code), Exit::Ok, "{}", code.as_str());
        }
    }
}
