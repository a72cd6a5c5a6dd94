//! The stable codes of every error of the terminal: the only list.
//!
//! Owns: names that programs and manuals may rely on. Never: texts (`wording`), exit codes (`exit`).

macro_rules! codes {
    ($($(#[$doc:meta])* $variant:ident = $text:literal,)*) => {
        /// A stable error code.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code { $($(#[$doc])* $variant,)* }

        impl Code {
            /// All codes, in the order of the list.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The code as printed.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }
        }
    };
}

codes! {
    /// Command line.
    Usage = "USAGE",
    /// Configuration file or variable.
    ConfigurationInvalid = "CONFIGURATION_INVALID",
    /// `env:` or `file:` secret.
    SecretUnreadable = "SECRET_UNREADABLE",
    /// Secret written on the command line.
    SecretForm = "SECRET_FORM",
    /// A named file is not there.
    FileMissing = "FILE_MISSING",
    /// Centre address that this release does not speak.
    AddressUnsupported = "ADDRESS_UNSUPPORTED",
    /// pcscd is not running.
    NoPcscService = "NO_PCSC_SERVICE",
    /// No reader attached.
    NoReader = "NO_READER",
    /// No reader with this name.
    ReaderNotFound = "READER_NOT_FOUND",
    /// Several readers fit.
    ReaderAmbiguous = "READER_AMBIGUOUS",
    /// Reader unplugged.
    ReaderGone = "READER_GONE",
    /// Reader hangs in a call.
    ReaderHangs = "READER_HANGS",
    /// Another program holds the card.
    ReaderInUse = "READER_IN_USE",
    /// No card in the reader.
    NoCard = "NO_CARD",
    /// Card pulled.
    CardRemoved = "CARD_REMOVED",
    /// Card does not answer.
    CardMute = "CARD_MUTE",
    /// Card reset by another program.
    CardReset = "CARD_RESET",
    /// Exchange broke off.
    ExchangeBroken = "EXCHANGE_BROKEN",
    /// Not a social security card.
    NotSsc = "NOT_SSC",
    /// A PSAM where the holder's card should be.
    CardIsPsam = "CARD_IS_PSAM",
    /// Factory card without personalization.
    CardBlank = "CARD_BLANK",
    /// Identifier that is none of the scheme.
    CardIdentifier = "CARD_IDENTIFIER_MALFORMED",
    /// Application or card blocked.
    CardBlocked = "CARD_BLOCKED",
    /// Directory of the profile named that is not on the card.
    ProfileDiffers = "PROFILE_DIFFERS",
    /// Specification version not supported.
    CardVersion = "CARD_VERSION",
    /// Keys of an algorithm that is not public.
    AlgorithmNotPublic = "ALGORITHM_NOT_PUBLIC",
    /// File that cards of this type do not have.
    FileUnknown = "FILE_UNKNOWN",
    /// Ended by Ctrl-C or a signal.
    Interrupted = "INTERRUPTED",
    /// Card stopped answering before a file was read.
    NotReached = "NOT_REACHED",
    /// Medical account application not on the card.
    ApplicationMissing = "APPLICATION_MISSING",
    /// Card refused a command.
    CardRefused = "CARD_REFUSED",
    /// Card's answer has the wrong form.
    CardAnswer = "CARD_ANSWER",
    /// Another card than the one that the transaction began with.
    OtherCard = "OTHER_CARD",
    /// Issued by another city.
    ForeignCity = "FOREIGN_CITY",
    /// Issue date in the future.
    CardNotYetValid = "CARD_NOT_YET_VALID",
    /// Past its validity.
    CardExpired = "CARD_EXPIRED",
    /// On the blacklist.
    CardBlacklisted = "CARD_BLACKLISTED",
    /// No blacklist was ever fetched.
    BlacklistMissing = "BLACKLIST_MISSING",
    /// Blacklist too old.
    BlacklistStale = "BLACKLIST_STALE",
    /// Blacklist of another centre.
    BlacklistForeign = "BLACKLIST_FOREIGN",
    /// Blacklist without a fitting signature.
    BlacklistUnsigned = "BLACKLIST_UNSIGNED",
    /// Blacklist older than the one that is held.
    BlacklistOlder = "BLACKLIST_OLDER",
    /// Blacklist past its time.
    BlacklistExpired = "BLACKLIST_EXPIRED",
    /// Blacklist signed later than the clock says it is.
    BlacklistAhead = "BLACKLIST_AHEAD",
    /// Changes that do not fit the list that is held.
    BlacklistGap = "BLACKLIST_GAP",
    /// Blacklist with more cards than a terminal takes.
    BlacklistTooLong = "BLACKLIST_TOO_LONG",
    /// Catalogue of another centre.
    CatalogueForeign = "CATALOGUE_FOREIGN",
    /// Catalogue without a fitting signature.
    CatalogueUnsigned = "CATALOGUE_UNSIGNED",
    /// Catalogue whose text is not the one that was signed.
    CatalogueAltered = "CATALOGUE_ALTERED",
    /// Catalogue older than the one that is held.
    CatalogueOlder = "CATALOGUE_OLDER",
    /// Catalogue past its time.
    CatalogueExpired = "CATALOGUE_EXPIRED",
    /// Catalogue signed later than the clock says it is.
    CatalogueAhead = "CATALOGUE_AHEAD",
    /// Catalogue with a longer text than a terminal takes.
    CatalogueTooLong = "CATALOGUE_TOO_LONG",
    /// File that is no blacklist.
    BlacklistMalformed = "BLACKLIST_MALFORMED",
    /// Nobody said which key the centre signs with.
    CentreKeyUnknown = "CENTRE_KEY_UNKNOWN",
    /// The centre signs with another key than it did.
    CentreKeyDiffers = "CENTRE_KEY_DIFFERS",
    /// Card without certificate application.
    CertificatesMissing = "CERTIFICATES_MISSING",
    /// PIN, key pair or certificate not on the card yet.
    CardSecretMissing = "CARD_SECRET_MISSING",
    /// Key pair there already.
    KeyPairThere = "KEY_PAIR_THERE",
    /// PIN of another length than the certificate application takes.
    CertificatePinLength = "CERTIFICATE_PIN_LENGTH",
    /// File that is no envelope.
    EnvelopeMalformed = "ENVELOPE_MALFORMED",
    /// Envelope for another key.
    EnvelopeForeign = "ENVELOPE_FOREIGN",
    /// File that is no certificate.
    CertificateMalformed = "CERTIFICATE_MALFORMED",
    /// Certificate longer than its file.
    CertificateTooLong = "CERTIFICATE_TOO_LONG",
    /// Certificate of another key.
    CertificateForeign = "CERTIFICATE_FOREIGN",
    /// Signature that does not verify.
    SignatureWrong = "SIGNATURE_WRONG",
    /// PIN wrong.
    PinWrong = "PIN_WRONG",
    /// PIN blocked.
    PinBlocked = "PIN_BLOCKED",
    /// Initial PIN cannot pay.
    PinInitial = "PIN_INITIAL",
    /// New PIN may not be the initial one.
    PinNewInitial = "PIN_NEW_INITIAL",
    /// PIN has not 4 to 12 digits.
    PinFormat = "PIN_FORMAT",
    /// PIN needed and none given.
    PinNeeded = "PIN_NEEDED",
    /// One try left, or refused before, and not confirmed.
    LastTry = "LAST_TRY",
    /// No PSAM found.
    PsamMissing = "PSAM_MISSING",
    /// Several PSAMs found.
    PsamAmbiguous = "PSAM_AMBIGUOUS",
    /// The card in the PSAM slot is no PSAM.
    NotPsam = "NOT_PSAM",
    /// No PSAM for the card's algorithm.
    PsamAlgorithm = "PSAM_ALGORITHM",
    /// PSAM does not answer.
    PsamSilent = "PSAM_SILENT",
    /// PSAM answers what no PSAM should.
    PsamAnswer = "PSAM_ANSWER",
    /// PSAM's keys are not this card's.
    PsamWrong = "PSAM_WRONG",
    /// PSAM lacks a key.
    PsamKeyMissing = "PSAM_KEY_MISSING",
    /// PSAM refused.
    PsamRefused = "PSAM_REFUSED",
    /// Data folder belongs to another PSAM.
    PsamDiffers = "PSAM_DIFFERS",
    /// Card refused an external authentication.
    KeyRefused = "KEY_REFUSED",
    /// Key not tried because the card refused another of the same PSAM.
    KeyNotTried = "KEY_NOT_TRIED",
    /// Key on the card is blocked.
    KeyBlocked = "KEY_BLOCKED",
    /// MAC2 of the card does not verify.
    MacWrong = "MAC_WRONG",
    /// Bill file malformed.
    BillMalformed = "BILL_MALFORMED",
    /// Bill breaks a rule.
    BillRefused = "BILL_REFUSED",
    /// Catalogue file malformed.
    CatalogueMalformed = "CATALOGUE_MALFORMED",
    /// Policy file malformed.
    PolicyMalformed = "POLICY_MALFORMED",
    /// Card profile malformed.
    ProfileMalformed = "PROFILE_MALFORMED",
    /// Rows of a card profile contradict each other, so that cards would be read wrong.
    ProfileContradicts = "PROFILE_CONTRADICTS",
    /// Neither a built-in profile nor a file.
    ProfileUnknown = "PROFILE_UNKNOWN",
    /// Dump of a card, or values of a person, malformed.
    DumpMalformed = "DUMP_MALFORMED",
    /// Dump of a card of a later version.
    DumpVersion = "DUMP_VERSION",
    /// Trace file cannot be written.
    TraceUnwritable = "TRACE_UNWRITABLE",
    /// No exchange with a card in a file.
    TraceEmpty = "TRACE_EMPTY",
    /// No row of a table of persons is this card's.
    PersonMissing = "PERSON_MISSING",
    /// Key file malformed.
    KeyFileMalformed = "KEY_FILE_MALFORMED",
    /// Key file not marked for rehearsal.
    KeyFileNotRehearsal = "KEY_FILE_NOT_REHEARSAL",
    /// Keys given are not the card's.
    KeysDiffer = "KEYS_DIFFER",
    /// Line of the shell that is no command.
    ShellCommand = "SHELL_COMMAND",
    /// Script of the shell that is no text.
    ScriptMalformed = "SCRIPT_MALFORMED",
    /// Directory, file or item that the profile lacks.
    PlaceUnknown = "PLACE_UNKNOWN",
    /// Key that the profile lacks.
    KeyUnknown = "KEY_UNKNOWN",
    /// File that nothing opens.
    FileNeverRead = "FILE_NEVER_READ",
    /// Shell that may not write.
    ReadOnly = "READ_ONLY",
    /// A file of the card is written after a proof that was not made.
    UpdateUnproved = "UPDATE_UNPROVED",
    /// Value that does not go onto the card.
    ValueRefused = "VALUE_REFUSED",
    /// Item that was read back with another value.
    ReadBackDiffers = "READ_BACK_DIFFERS",
    /// Script that expected something else.
    ScriptMismatch = "SCRIPT_MISMATCH",
    /// Balance does not suffice.
    BalanceInsufficient = "BALANCE_INSUFFICIENT",
    /// The card's totals of the year are full.
    YearTotalFull = "YEAR_TOTAL_FULL",
    /// The terminal's clock has an earlier year than the card's totals.
    ClockBehindCard = "CLOCK_BEHIND_CARD",
    /// Bill paid before.
    BillPaid = "BILL_PAID",
    /// Bill may have been paid by another card.
    BillOpen = "BILL_OPEN",
    /// No confirmed purchase to refund.
    RefundOriginal = "REFUND_ORIGINAL",
    /// Two purchases of a card have the number by which one is named.
    RefundAmbiguous = "REFUND_ORIGINAL_AMBIGUOUS",
    /// No refund of this number.
    RefundUnknown = "REFUND_UNKNOWN",
    /// Refund that is done or withdrawn.
    RefundClosed = "REFUND_CLOSED",
    /// Refund at another till that its card has: it goes on counting.
    RefundCredited = "REFUND_CREDITED",
    /// Refund that may have reached the card.
    RefundUndecided = "REFUND_UNDECIDED",
    /// More than is left of a purchase, or nothing.
    RefundAmount = "REFUND_AMOUNT",
    /// Not the card's latest purchase of the day.
    CancelTooLate = "CANCEL_TOO_LATE",
    /// A limit of the terminal is reached.
    LimitExceeded = "LIMIT_EXCEEDED",
    /// Parameters of another centre or terminal.
    ParametersForeign = "PARAMETERS_FOREIGN",
    /// Parameters without a fitting signature.
    ParametersUnsigned = "PARAMETERS_UNSIGNED",
    /// Limits of this terminal that are not as the centre signed them.
    ParametersAltered = "PARAMETERS_ALTERED",
    /// Parameters older than those that are held.
    ParametersOlder = "PARAMETERS_OLDER",
    /// Parameters past their time.
    ParametersExpired = "PARAMETERS_EXPIRED",
    /// Parameters signed later than the clock says it is.
    ParametersAhead = "PARAMETERS_AHEAD",
    /// The centre has to be asked before a sale, and did not answer.
    OnlineRequired = "ONLINE_REQUIRED",
    /// No answer from the card after DEBIT or CREDIT.
    Uncertain = "UNCERTAIN",
    /// An open transaction of this card could not be settled.
    StillOpen = "STILL_OPEN",
    /// The card's identifier is not the one by which this terminal knew its chip.
    CardRenamed = "CARD_RENAMED",
    /// The clock is behind an instant that is known to have been.
    ClockBack = "CLOCK_BACK",
    /// The terminal's clock is not the centre's.
    ClockDiffers = "CLOCK_DIFFERS",
    /// The terminal signed out, and did not sign in since.
    SignedOut = "SIGNED_OUT",
    /// No undecided transaction has this number.
    NotUndecided = "NOT_UNDECIDED",
    /// Plain HTTP to another machine.
    CentrePlain = "CENTRE_PLAIN",
    /// Whoever answers is not the centre.
    CentreNotTrusted = "CENTRE_NOT_TRUSTED",
    /// The terminal has no certificate for its line.
    LineCertificateMissing = "LINE_CERTIFICATE_MISSING",
    /// No file says who makes the certificate of the national centre.
    LineAuthorityMissing = "LINE_AUTHORITY_MISSING",
    /// A certificate for another key.
    LineCertificateDiffers = "LINE_CERTIFICATE_DIFFERS",
    /// A file that is no certificate.
    LineCertificateMalformed = "LINE_CERTIFICATE_MALFORMED",
    /// The centre does not take the certificate.
    LineCertificateRefused = "LINE_CERTIFICATE_REFUSED",
    /// The certificate is past its end.
    LineCertificateExpired = "LINE_CERTIFICATE_EXPIRED",
    /// Centre does not answer.
    CentreUnreachable = "CENTRE_UNREACHABLE",
    /// Centre's answer has the wrong form.
    CentreAnswer = "CENTRE_ANSWER",
    /// Centre refused.
    CentreRefused = "CENTRE_REFUSED",
    /// Centre cannot answer now.
    CentreBusy = "CENTRE_BUSY",
    /// Centre and terminal disagree on what was uploaded.
    ChainDiffers = "CHAIN_DIFFERS",
    /// Nobody signed in at the national centre.
    NationalNotSignedIn = "NATIONAL_NOT_SIGNED_IN",
    /// The national centre does not answer.
    NationalUnreachable = "NATIONAL_UNREACHABLE",
    /// A settlement or its cancellation was not answered, and is not undone yet.
    NationalUnanswered = "NATIONAL_UNANSWERED",
    /// A settlement or its cancellation was not answered, and was undone.
    NationalReversed = "NATIONAL_REVERSED",
    /// The national centre refused.
    NationalRefused = "NATIONAL_REFUSED",
    /// The national centre's answer cannot be read.
    NationalAnswer = "NATIONAL_ANSWER",
    /// The national centre's amounts do not add up.
    NationalAmounts = "NATIONAL_AMOUNTS",
    /// A settlement of this bill or person is open.
    NationalOpen = "NATIONAL_OPEN",
    /// The bill was settled at the national centre.
    NationalBillSettled = "NATIONAL_BILL_SETTLED",
    /// No such settlement.
    NationalUnknown = "NATIONAL_UNKNOWN",
    /// The person has no such insurance.
    NationalNotInsured = "NATIONAL_NOT_INSURED",
    /// The national centre answered about another person.
    NationalOtherPerson = "NATIONAL_OTHER_PERSON",
    /// A value does not fit its field.
    NationalField = "NATIONAL_FIELD",
    /// Nothing to load for this card.
    NothingToLoad = "NOTHING_TO_LOAD",
    /// The holder owes.
    LoadOwed = "LOAD_OWED",
    /// No font to draw a receipt with.
    FontMissing = "FONT_MISSING",
    /// The font named cannot be used.
    FontUnusable = "FONT_UNUSABLE",
    /// Paid, and the receipt could not be written.
    ReceiptUnwritten = "RECEIPT_UNWRITTEN",
    /// Receipt id unknown.
    ReceiptUnknown = "RECEIPT_UNKNOWN",
    /// No output of a driver's call has this number.
    OutputUnknown = "OUTPUT_UNKNOWN",
    /// A program for rehearsal is not beside this one.
    RehearsalMissing = "REHEARSAL_MISSING",
    /// Terminal has no key yet.
    NotEnrolled = "NOT_ENROLLED",
    /// Journal or data folder cannot be read or written.
    StoreFailed = "STORE_FAILED",
    /// Disk full.
    StoreFull = "STORE_FULL",
    /// Another program holds the journal.
    StoreBusy = "STORE_BUSY",
    /// Journal damaged.
    StoreCorrupt = "STORE_CORRUPT",
    /// Done on the card, not yet in the journal.
    NotRecorded = "NOT_RECORDED",
    /// The bridge cannot listen.
    ListenFailed = "LISTEN_FAILED",
    /// A recording of calls is malformed.
    RecordingMalformed = "RECORDING_MALFORMED",
    /// Standard output cannot be written.
    OutputFailed = "OUTPUT_FAILED",
    /// Broken invariant.
    Bug = "BUG",
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn no_two_codes_share_a_name() {
        let names: BTreeSet<&str> = Code::ALL.iter().map(|code| code.as_str()).collect();
        assert_eq!(names.len(), Code::ALL.len());
    }
}
