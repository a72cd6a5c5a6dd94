//! Why a call failed, sorted by who can mend it, and the code that the caller gets.
//!
//! Owns: the one map from events to codes. Never: holds a key, a PIN or a value read from a card.

use card_core::StatusWord;
use card_core::atr::AtrError;
use card_core::script::StepError;
use card_core::security::{CityCode, KeyName, SecurityError};
use card_core::session::{ChallengeError, SessionError};
use card_core::transport::TransportError;
use card_core::transport::pcsc::ChooseError;

use card_desk::DeskError;
use card_profiles::access::Right;
use card_profiles::read::ModuleFault;

use crate::code::{Advice, Code, Language};
use crate::settings::SettingError;

/// Why a call failed.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    // The caller.
    /// `iType` is not 1 to 4.
    #[error("iType {0}")]
    CardInterface(i32),
    /// The output does not fit into the caller's buffer.
    #[error("{needed} > {room}")]
    OutputTooLong {
        /// Bytes that the output takes.
        needed: usize,
        /// Bytes of the buffer.
        room: usize,
    },
    /// A variable or the settings file.
    #[error(transparent)]
    Setting(#[from] SettingError),

    // The operator: readers and cards in them.
    /// No reader could be chosen.
    #[error(transparent)]
    Choose(#[from] ChooseError),
    /// Several user cards and none named.
    #[error("{}", readers.join(", "))]
    SeveralCards {
        /// Readers that hold one.
        readers: Vec<String>,
    },
    /// No card in any reader of the kind asked for.
    #[error("{}", readers.join(", "))]
    NoCard {
        /// Readers looked at.
        readers: Vec<String>,
    },
    /// A card, but no social security card.
    #[error("{}", readers.join(", "))]
    NotSocialSecurity {
        /// Readers that hold one.
        readers: Vec<String>,
    },
    /// The reader or the card in it does not answer.
    #[error(transparent)]
    Session(#[from] SessionError),

    // The holder of keys.
    /// The card wants a proof and there is no PSAM.
    #[error("PSAM")]
    NoPsam,
    /// Several PSAMs that serve the card and none named.
    #[error("PSAM: {}", readers.join(", "))]
    SeveralPsams {
        /// Readers that hold one.
        readers: Vec<String>,
    },
    /// The card's algorithm is not public, or the PSAM cannot compute with it.
    #[error("algorithm {0:02X}")]
    Algorithm(u8),
    /// No PSAM at hand has the environment of the card's algorithm.
    #[error("PSAM: {}", readers.join(", "))]
    PsamEnvironment {
        /// Readers that hold one.
        readers: Vec<String>,
    },
    /// The PSAM's keys are not this card's: the card proved another IRK, and no try was spent.
    #[error("IRK, {0}")]
    OtherKeys(CityCode),
    /// The PSAM refused.
    #[error(transparent)]
    Psam(SecurityError),

    /// The PSAM gave no proof.
    #[error("{key}: {fault}")]
    Module {
        /// Key.
        key: KeyName,
        /// Why.
        fault: ModuleFault,
    },
    /// The card refused this key before: the tries that are left are not spent.
    #[error("{right}: {left}")]
    Withheld {
        /// What would be tried.
        right: Right,
        /// Tries left.
        left: u8,
    },

    /// The card does not hold the key that it should.
    #[error("{0}")]
    NotGenuine(KeyName),

    /// The card refused the proof of a key.
    #[error("EXTERNAL AUTHENTICATE RKSSSE: {0}")]
    KeyRefused(StatusWord),

    // The issuer or maker of the card.
    /// The card refused a command.
    #[error("{file}: {sw}")]
    Refused {
        /// File or step.
        file: &'static str,
        /// Its status word.
        sw: StatusWord,
    },
    /// A value of the card is not what its format says.
    #[error("{item}")]
    CardData {
        /// Item, as `SSSE.EF05.card_identifier`.
        item: &'static str,
    },

    // The makers of this library.
    /// A broken invariant.
    #[error("panic")]
    Panicked,
}

impl Failure {
    /// The return value.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Self::CardInterface(_) | Self::Setting(_) => Code::ARGUMENT,
            Self::OutputTooLong { .. } => Code::DATA_LENGTH,
            Self::Choose(ChooseError::Transport(error)) => of_transport(error),
            Self::Choose(ChooseError::NoReader | ChooseError::NoMatch { .. } | ChooseError::Ambiguous { .. })
            | Self::SeveralCards { .. }
            | Self::SeveralPsams { .. } => Code::READER,
            Self::NoCard { .. } => Code::NO_CARD,
            Self::NotSocialSecurity { .. } => Code::CARD_TYPE,
            Self::Session(error) => of_session(error),
            Self::NoPsam => Code::NO_PSAM,
            Self::Algorithm(_) | Self::PsamEnvironment { .. } => Code::PSAM_ALGORITHM,
            // To the caller a card of another city: the way on is the HSM functions.
            Self::OtherKeys(_) => Code::PSAM_NO_KEY,
            Self::Psam(error) => of_security(error),
            Self::Module { fault, .. } => match fault {
                ModuleFault::NoKey => Code::PSAM_NO_KEY,
                ModuleFault::Level { .. } => Code::PSAM_LEVEL,
                ModuleFault::Unsupported => Code::PSAM_ALGORITHM,
                ModuleFault::Refused(sw) => Code::of_status(*sw),
                ModuleFault::Silent => Code::NO_PSAM,
            },
            Self::Withheld { left, .. } => Code::of_status(StatusWord::tries_left(*left)),
            Self::NotGenuine(_) => Code::INTERNAL_AUTHENTICATION,
            Self::KeyRefused(sw) | Self::Refused { sw, .. } => Code::of_status(*sw),
            Self::CardData { .. } => Code::CARD_DATA,
            Self::Panicked => Code::UNKNOWN,
        }
    }

    /// What happened, where, and what to do next.
    #[must_use]
    pub fn message(&self, language: Language) -> String {
        let Advice { what, next } = self.code().advice(language);
        match language {
            Language::Zh => format!("{what}（{self}）。{next}。"),
            Language::En => format!("{what} ({self}); {next}."),
        }
    }
}

impl From<TransportError> for Failure {
    fn from(error: TransportError) -> Self {
        Self::Session(error.into())
    }
}

impl From<DeskError> for Failure {
    fn from(error: DeskError) -> Self {
        match error {
            DeskError::Choose(error) => Self::Choose(error),
            DeskError::Session(error) => Self::Session(error),
            DeskError::Security(error) => Self::Psam(error),
            DeskError::NoCard { readers } => Self::NoCard { readers },
            DeskError::SeveralCards { readers } => Self::SeveralCards { readers },
            DeskError::NoPsam { .. } => Self::NoPsam,
            DeskError::SeveralPsams { readers } => Self::SeveralPsams { readers },
            DeskError::Algorithm { readers } => Self::PsamEnvironment { readers },
        }
    }
}

impl From<StepError> for Failure {
    fn from(error: StepError) -> Self {
        match error {
            StepError::Session(error) => Self::Session(error),
            StepError::Challenge(sw) => Self::Refused { file: "GET CHALLENGE", sw },
            StepError::Security(error) => Self::Psam(error),
            StepError::NotGenuine(key) => Self::NotGenuine(key),
            StepError::NoModule(_) => Self::NoPsam,
        }
    }
}

fn of_transport(error: &TransportError) -> Code {
    match error {
        TransportError::CardRemoved { .. } | TransportError::NoCard { .. } => Code::NO_CARD,
        TransportError::CardMute { .. } => Code::CARD_MUTE,
        TransportError::CardReset { .. } => Code::NO_POWER,
        TransportError::Timeout { .. } => Code::CARD_MUTE,
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
        SessionError::NoStatusWord(..) | SessionError::EndlessAnswer(..) => Code::EXCHANGE,
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
            (Failure::NoPsam, -2201),
            (Failure::Algorithm(3), -2202),
            (Failure::Psam(SecurityError::KeyNotFound { name: name(), version: 1 }), -2203),
            (Failure::Module { key: name(), fault: ModuleFault::NoKey }, -2203),
            (Failure::Module { key: name(), fault: ModuleFault::Level { factors: 3 } }, -24),
            (Failure::Module { key: name(), fault: ModuleFault::Unsupported }, -2202),
            (Failure::Module { key: name(), fault: ModuleFault::Silent }, -2201),
            (Failure::Psam(SecurityError::LevelTooLow { name: name(), levels: 1 }), -24),
            (Failure::Psam(SecurityError::Refused { name: name(), sw: StatusWord::KEY_NOT_FOUND }), -27_272),
        ];
        for (failure, code) in cases {
            assert_eq!(failure.code(), Code(code), "{failure:?}");
        }
    }

    #[test]
    fn a_message_says_what_where_and_what_next() {
        let failure = Failure::Refused { file: "SSSE.EF06", sw: StatusWord::SECURITY_STATUS };
        assert_eq!(failure.code(), Code(-27_010));
        assert_eq!(
            failure.message(Language::Zh),
            "不满足安全条件（SSSE.EF06: 6982）。请取出卡后重试；仍不成功请联系发卡机构。"
        );
        assert!(failure.message(Language::En).starts_with("security status not satisfied (SSSE.EF06: 6982); take"));
    }
}
