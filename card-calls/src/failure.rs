//! Why a call failed, sorted by who can mend it, and the code that the caller gets.
//!
//! Owns: the one map from events to codes. Never: holds a key, a PIN or a value read from a card.

use card_core::StatusWord;
use card_core::atr::AtrError;
use card_core::script::StepError;
use card_core::security::SecurityError;
use card_core::session::{ChallengeError, SessionError};
use card_core::transport::TransportError;
use card_core::transport::pcsc::ChooseError;
use card_counter::TerminalError;
use card_counter::error::CertificateError;
use card_counter::language::Words;
use card_counter::store::StoreError;
use card_desk::DeskError;
use card_profiles::account::AnswerLength;
use card_profiles::codec::EncodeError;

use crate::code::{Advice, Code, Language};
use crate::settings::SettingError;

/// Why a call failed.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    // The caller.
    /// No function of this name.
    #[error("{0}")]
    Function(String),
    /// The function needs what is not there.
    #[error("not here")]
    Unsupported {
        /// What is missing.
        why: Words,
    },
    /// The site does not allow the function.
    #[error("{setting} = true")]
    NotAllowed {
        /// The setting that allows it.
        setting: &'static str,
    },
    /// The caller's clock is too far from the terminal's.
    #[error("pPayInfo: {apart_s} s")]
    CallerClock {
        /// Seconds between them.
        apart_s: u64,
    },
    /// `iType` is not 1 to 4.
    #[error("iType {0}")]
    CardInterface(i32),
    /// An argument is not what it should be; it is not repeated, it may be a secret.
    #[error("{name}: {expected}")]
    Argument {
        /// Parameter.
        name: &'static str,
        /// What it should be.
        expected: &'static str,
    },
    /// An argument has no end.
    #[error("{0}")]
    Endless(&'static str),
    /// An argument is not GBK.
    #[error("{0}: GBK")]
    Characters(&'static str),
    /// The output does not fit into the caller's buffer.
    #[error("{needed} > {room}")]
    OutputTooLong {
        /// Bytes that the output takes.
        needed: usize,
        /// Bytes of the buffer.
        room: usize,
    },
    /// No such file or item on this type of card.
    #[error("{0}")]
    NoSuchItem(String),
    /// A value that its item cannot hold.
    #[error("{item}: {source}")]
    Value {
        /// Item, as `SSSE.EF05.card_number`.
        item: String,
        /// Why.
        source: EncodeError,
    },
    /// Another number of values than items.
    #[error("{values} values, {items} items")]
    Count {
        /// Values given.
        values: usize,
        /// Items named.
        items: usize,
    },
    /// A step without the step before it, or too late.
    #[error("{0}")]
    NoStep(&'static str),
    /// Step 1 of what needs no key.
    #[error("{0}")]
    NoHsmNeeded(String),
    /// The card is not the one of `pCardInfo`.
    #[error("pCardInfo")]
    OtherCard,
    /// What was read back is not what was written.
    #[error("{0}")]
    NotAsWritten(String),
    /// The PIN is needed and there is nowhere to type it.
    #[error("SSCARD_PIN_ENTRY")]
    NoPinEntry,
    /// The program that asks for PINs cannot be run.
    #[error("{program}: {source}")]
    PinEntry {
        /// As set.
        program: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// The holder cancelled.
    #[error("PIN")]
    PinCancelled,
    /// The person at the counter did not agree to the call.
    #[error("--consent")]
    NoConsent,
    /// A PIN that the card refused before, and few tries are left: it was not sent.
    #[error("{left}")]
    PinAsBefore {
        /// Tries left.
        left: u8,
    },
    /// A card in a reader that nobody gave power.
    #[error("power")]
    NoPower,
    /// The holder took too long.
    #[error("PIN")]
    PinTimeout,
    /// The two new PINs differ.
    #[error("PIN")]
    PinDiffers,
    /// A signature that is not the certificate's.
    #[error("SM2")]
    Signature,
    /// A variable or the settings file.
    #[error(transparent)]
    Setting(#[from] SettingError),

    /// What is wrong with readers, card, keys, money or journal.
    #[error(transparent)]
    Counter(TerminalError),
    /// The card's own proof is not what the HSM computed.
    #[error("IRK")]
    NotGenuine,

    /// An earlier purchase of the card is paid; what that call would have answered.
    #[error("{entry}")]
    EarlierPaid {
        /// Its entry.
        entry: String,
        /// The output.
        receipt: String,
    },
    /// An earlier purchase of the card that a person judged paid is not; its output, without a TAC.
    #[error("{entry}")]
    EarlierUnpaid {
        /// Its entry.
        entry: String,
        /// The output.
        receipt: String,
    },
    /// Something of the purchase of this call went back; its output, and what is left.
    #[error("{entry}")]
    GivenBack {
        /// Its entry.
        entry: String,
        /// The output.
        receipt: String,
    },
    /// What became of a purchase of the counter is not said there yet.
    #[error("{entry}")]
    OwedToCounter {
        /// Its entry.
        entry: String,
    },

    // The makers of this library.
    /// A broken invariant.
    #[error("panic")]
    Panicked,
}

macro_rules! of_the_counter {
    ($($error:ty),*) => {
        $(impl From<$error> for Failure {
            fn from(error: $error) -> Self {
                Self::Counter(error.into())
            }
        })*
    };
}

of_the_counter!(
    TerminalError,
    CertificateError,
    StoreError,
    DeskError,
    TransportError,
    SessionError,
    ChallengeError,
    SecurityError,
    StepError,
    AnswerLength
);

impl Failure {
    /// The return value.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Self::Function(_) | Self::Unsupported { .. } | Self::NoPinEntry | Self::PinEntry { .. } => {
                Code::UNSUPPORTED
            }
            Self::NoPower => Code::NO_POWER,
            Self::NotAllowed { .. } => Code::NOT_ALLOWED,
            Self::CallerClock { .. } => Code::CLOCK,
            Self::PinAsBefore { .. } => Code::PIN_WRONG,
            Self::CardInterface(_) | Self::Argument { .. } | Self::Setting(_) => Code::ARGUMENT,
            Self::Characters(_) => Code::DATA_CHARACTER,
            Self::OutputTooLong { .. } | Self::Endless(_) => Code::DATA_LENGTH,
            Self::NoSuchItem(_) => Code::NO_SUCH_ITEM,
            Self::Value { source, .. } => match source {
                EncodeError::TooLong { .. } | EncodeError::Length { .. } | EncodeError::TooLarge { .. } => {
                    Code::DATA_LENGTH
                }
                EncodeError::NotDigit { .. } | EncodeError::NotHex | EncodeError::Control { .. } => {
                    Code::DATA_CHARACTER
                }
                _ => Code::DATA_REFUSED,
            },
            Self::Count { .. } => Code::DATA_REFUSED,
            Self::NoStep(_) => Code::of_status(StatusWord::CONDITIONS_OF_USE),
            Self::NoHsmNeeded(_) => Code::NO_HSM_NEEDED,
            Self::OtherCard => Code::OTHER_CARD,
            Self::NotAsWritten(_) => Code::EXCHANGE,
            Self::PinCancelled => Code::PIN_CANCELLED,
            Self::NoConsent => Code::CONSENT,
            Self::PinTimeout => Code::PIN_TIMEOUT,
            Self::PinDiffers => Code::PIN_DIFFERS,
            Self::Signature => Code::SIGNATURE,
            Self::Counter(error) => of_counter(error),
            Self::NotGenuine => Code::INTERNAL_AUTHENTICATION,
            Self::EarlierPaid { .. } => Code::EARLIER_PAID,
            Self::EarlierUnpaid { .. } => Code::EARLIER_UNPAID,
            Self::GivenBack { .. } => Code::GIVEN_BACK,
            Self::OwedToCounter { .. } => Code::RULE,
            Self::Panicked => Code::UNKNOWN,
        }
    }

    /// The output of an earlier purchase that the call answers instead of a message.
    #[must_use]
    pub fn receipt(&self) -> Option<&str> {
        match self {
            Self::EarlierPaid { receipt, .. }
            | Self::EarlierUnpaid { receipt, .. }
            | Self::GivenBack { receipt, .. } => Some(receipt),
            _ => None,
        }
    }

    /// What happened, where, and what to do next.
    #[must_use]
    pub fn message(&self, language: Language) -> String {
        let Advice { what, next } = self.advice(language);
        let place = self.place(language);
        match language {
            Language::Zh => format!("{what}（{place}）。{next}。"),
            Language::En => format!("{what} ({place}); {next}."),
        }
    }

    /// The words of the published code; of an event that has none of its own, those of the terminal.
    fn advice(&self, language: Language) -> Advice<String> {
        let text = |words: Words| words.text(of_house(language)).to_owned();
        match self {
            Self::Counter(error) if self.code().is_of_terminal() => {
                Advice { what: text(error.what()), next: text(error.next()) }
            }
            Self::OwedToCounter { .. } => Advice {
                what: text(Words::new(
                    "此卡在柜台的一笔消费已查明,柜台尚不知道,未扣款",
                    "a purchase of this card at the counter is settled and the counter was not told: nothing was debited",
                )),
                next: text(Words::new(
                    "请在柜台用 sscard balance 读此卡,再重新调用",
                    "read the card at the counter with sscard balance, then call again",
                )),
            },
            Self::NoStep(step) => Advice {
                what: match language {
                    Language::Zh => format!("{step} 尚未执行，或卡已离开、已超时"),
                    Language::En => format!("{step} was not done, or its card is gone or was let go meanwhile"),
                },
                next: text(Words::new("同一张卡从 Step1 重新开始", "begin again with Step1 and the same card")),
            },
            // The published words name the one key that every PSAM was thought to have; a PSAM of a shop has few.
            Self::Counter(TerminalError::Security(SecurityError::KeyNotFound { name, .. }))
                if name.as_str() != "RKSSSE" =>
            {
                Advice {
                    what: match language {
                        Language::Zh => format!("PSAM卡内没有{name}密钥"),
                        Language::En => format!("the PSAM has no key {name}"),
                    },
                    next: text(Words::new(
                        "此机构的 PSAM 不能办理这项业务：请改用加密机流程，或到制作了全部密钥的 PSAM 处办理",
                        "the PSAM of this institution is not for this act: use the HSM functions, or a desk whose PSAM was made with every key",
                    )),
                }
            }
            Self::CallerClock { .. } => Advice {
                what: text(Words::new(
                    "调用程序的时间与终端时钟相差超过 10 分钟,未扣款",
                    "the caller's time is more than 10 minutes from the terminal's clock: nothing was debited",
                )),
                next: text(Words::new(
                    "校准调用程序或终端的时钟后再调用",
                    "set the clock of the calling program or of the terminal, then call again",
                )),
            },
            Self::PinAsBefore { .. } => Advice {
                what: text(Words::new(
                    "PIN校验失败,与刚才卡拒绝的密码相同,未再尝试",
                    "wrong PIN: the same that the card refused before, not tried again",
                )),
                next: text(Words::new("请输入正确的密码", "enter the right PIN")),
            },
            _ => {
                let Advice { what, next } = self.code().advice(language);
                Advice { what: what.to_owned(), next: next.to_owned() }
            }
        }
    }

    fn place(&self, language: Language) -> String {
        match (self, language) {
            (
                Self::Counter(TerminalError::PinWrong { left } | TerminalError::LastTry { left, .. })
                | Self::PinAsBefore { left },
                Language::Zh,
            ) => format!("剩余 {left} 次"),
            (Self::PinAsBefore { left }, Language::En) => format!("{left} left"),
            (Self::Unsupported { why }, _) => why.text(of_house(language)).to_owned(),
            (Self::Counter(error), _) => error.place().text(of_house(language)).to_owned(),
            (Self::Value { item, source }, Language::Zh) => format!("{item}: {}", source.zh()),
            (other, _) => other.to_string(),
        }
    }
}

const fn of_house(language: Language) -> card_counter::language::Language {
    match language {
        Language::Zh => card_counter::language::Language::Zh,
        Language::En => card_counter::language::Language::En,
    }
}

/// The published code of what can go wrong at a counter; what the table does not know has codes of the house.
fn of_counter(error: &TerminalError) -> Code {
    use TerminalError as E;
    match error {
        E::Choose(ChooseError::Transport(error)) => of_transport(error),
        E::Choose(_) | E::SeveralUserCards { .. } | E::SeveralPsams { .. } => Code::READER,
        E::NoUserCard { .. } => Code::NO_CARD,
        E::Session(error) => of_session(error),
        E::NotSsc { .. } | E::CardIsPsam => Code::CARD_TYPE,
        E::CardBlank | E::CardIdentifier | E::CardVersion { .. } | E::CardAnswer { .. } => Code::CARD_DATA,
        E::CardBlocked { sw } | E::CardRefused { sw, .. } => Code::of_status(*sw),
        E::NotReached => Code::CARD_MUTE,
        E::FileUnknown { .. } => Code::NO_SUCH_ITEM,
        E::ApplicationMissing { .. } | E::Certificate(CertificateError::CertificatesMissing) => {
            Code::of_status(StatusWord::FILE_NOT_FOUND)
        }
        E::Certificate(CertificateError::CardSecretMissing { .. }) => Code::of_status(StatusWord::KEY_NOT_FOUND),
        E::Certificate(CertificateError::SignatureWrong) => Code::SIGNATURE,
        E::OtherCard => Code::OTHER_CARD,
        E::PsamMissing { .. } | E::PsamSilent => Code::NO_PSAM,
        E::PsamAlgorithm { .. } | E::AlgorithmNotPublic => Code::PSAM_ALGORITHM,
        // To the caller a card of another city: the way on is the HSM functions.
        E::PsamWrong { .. } => Code::PSAM_NO_KEY,
        E::Security(error) => of_security(error),
        E::KeyRefused { left, .. } | E::LastTry { left, .. } => Code::of_status(StatusWord::tries_left(*left)),
        E::KeyNotTried { .. } => Code::of_status(StatusWord::SECURITY_STATUS),
        E::KeyBlocked { .. } => Code::of_status(StatusWord::BLOCKED),
        E::PinWrong { .. } => Code::PIN_WRONG,
        E::PinBlocked => Code::PIN_BLOCKED,
        E::PinInitial => Code::PIN_INITIAL,
        E::PinNewInitial => Code::PIN_TO_INITIAL,
        E::PinFormat => Code::PIN_LENGTH,
        E::PinNeeded => Code::of_status(StatusWord::SECURITY_STATUS),
        E::BalanceInsufficient => Code::of_status(StatusWord::AMOUNT_INSUFFICIENT),
        E::MacWrong => Code::of_status(StatusWord::MAC_WRONG),
        E::Uncertain { .. } | E::StillOpen { .. } | E::NotRecorded { .. } => Code::UNCERTAIN,
        E::NotEnrolled | E::PsamDiffers { .. } | E::Store(_) => Code::JOURNAL,
        E::ForeignCity { .. }
        | E::NotYetValid { .. }
        | E::Expired { .. }
        | E::Blacklisted { .. }
        | E::CardRenamed { .. }
        | E::BlacklistMissing
        | E::BlacklistStale { .. }
        | E::Blacklist(_)
        | E::YearTotalFull { .. }
        | E::BillPaid { .. }
        | E::BillOpen { .. }
        | E::LimitExceeded { .. }
        | E::OnlineRequired
        | E::CentreRefused { .. }
        | E::Parameters(_) => Code::RULE,
        E::SignedOut { .. } => Code::SIGNED_OUT,
        E::ClockBehindCard { .. } | E::ClockBack { .. } | E::ClockDiffers { .. } => Code::CLOCK,
        E::KeyFile { .. }
        | E::File { .. }
        | E::Configuration { .. }
        | E::Profile { .. }
        | E::ProfileContradicts(_)
        | E::ProfileUnknown { .. }
        | E::NotText { .. } => Code::ARGUMENT,
        // What only the terminal's own program does.
        _ => Code::UNKNOWN,
    }
}

fn of_transport(error: &TransportError) -> Code {
    match error {
        TransportError::CardRemoved { .. } | TransportError::NoCard { .. } => Code::NO_CARD,
        TransportError::CardMute { .. } | TransportError::Timeout { .. } => Code::CARD_MUTE,
        TransportError::CardReset { .. } => Code::NO_POWER,
        TransportError::InUse { .. } | TransportError::ReaderGone { .. } | TransportError::ReaderSick { .. } => {
            Code::READER
        }
        TransportError::NoService => Code::NOT_CONNECTED,
        TransportError::Protocol { .. } | TransportError::TraceDiffers { .. } | TransportError::TraceEnded { .. } => {
            Code::EXCHANGE
        }
    }
}

fn of_session(error: &SessionError) -> Code {
    match error {
        SessionError::Transport(error) => of_transport(error),
        SessionError::NoStatusWord(..)
        | SessionError::TooLong(..)
        | SessionError::WrongForm(..)
        | SessionError::EndlessAnswer(..) => Code::EXCHANGE,
        SessionError::Atr(AtrError::Truncated(_) | AtrError::HistoricalTooShort(_)) => Code::ATR,
    }
}

fn of_security(error: &SecurityError) -> Code {
    match error {
        SecurityError::KeyNotFound { .. } => Code::PSAM_NO_KEY,
        SecurityError::LevelTooLow { .. } => Code::PSAM_LEVEL,
        SecurityError::Unsupported { .. } | SecurityError::StaysInside { .. } => Code::PSAM_ALGORITHM,
        SecurityError::Refused { sw, .. } => Code::of_status(*sw),
        SecurityError::NotPsam(_) | SecurityError::Gone(_) => Code::NO_PSAM,
        // Whatever is wrong with the PSAM's reader, the caller's way on is the HSM functions.
        SecurityError::Session(_) | SecurityError::Challenge(ChallengeError::Session(_)) => Code::NO_PSAM,
        SecurityError::Challenge(ChallengeError::Refused(sw)) => Code::of_status(*sw),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use card_core::security::KeyName;

    #[test]
    fn what_sends_a_caller_to_the_hsm_has_the_published_codes() {
        let name = || KeyName::new("RKSSSE");
        let cases = [
            (TerminalError::PsamMissing { readers: Vec::new() }, -2201),
            (TerminalError::PsamAlgorithm { readers: Vec::new() }, -2202),
            (TerminalError::AlgorithmNotPublic, -2202),
            (SecurityError::KeyNotFound { name: name(), version: 1 }.into(), -2203),
            (SecurityError::LevelTooLow { name: name(), levels: 1 }.into(), -24),
            (SecurityError::Unsupported { operation: "prove this key" }.into(), -2202),
            (SecurityError::Refused { name: name(), sw: StatusWord::KEY_NOT_FOUND }.into(), -27_272),
            (TerminalError::PsamSilent, -2201),
        ];
        for (error, code) in cases {
            assert_eq!(Failure::Counter(error).code(), Code(code));
        }
        let lacks = |name| Failure::from(SecurityError::KeyNotFound { name: KeyName::new(name), version: 1 });
        for name in ["PUK", "RKSSSE", "UKSSSE"] {
            for (language, start) in [(Language::Zh, "PSAM卡内没有"), (Language::En, "the PSAM has no key ")] {
                let message = lacks(name).message(language);
                assert!(message.starts_with(&format!("{start}{name}")), "{message}");
            }
        }
    }

    #[test]
    fn a_message_says_what_where_and_what_next() {
        let failure = Failure::from(TerminalError::CardRefused { command: "READ", sw: StatusWord::SECURITY_STATUS });
        assert_eq!(failure.code(), Code(-27_010));
        let zh = failure.message(Language::Zh);
        assert!(zh.starts_with("不满足安全条件（") && zh.ends_with("请联系发卡机构。"), "{zh}");
        assert!(failure.message(Language::En).starts_with("security status not satisfied (the card refused READ"));
        assert_eq!(
            Failure::from(TerminalError::PinWrong { left: 2 }).message(Language::Zh),
            "PIN校验失败（剩余 2 次）。请重新输入密码。"
        );
    }

    #[test]
    fn what_the_published_table_does_not_know_is_said_in_the_words_of_the_terminal() {
        let failure = Failure::from(TerminalError::LimitExceeded { limit: card_counter::error::Limit::Purchase });
        assert_eq!(failure.code(), Code::RULE);
        assert!(failure.message(Language::En).contains("purchase_max_fen"));
        assert_eq!(Failure::from(TerminalError::NotEnrolled).code(), Code::JOURNAL);
    }
}
