//! A visit: what is known of the card in front of the kiosk, and what card and centre are asked for it.
//!
//! Owns: the types of questions and answers; everything personal stands in [`Visit`], and goes with it. Never: decides what follows.

use card_core::tries::TriesLeft;
use card_counter::error::TerminalError;
use card_counter::language::Words;
use card_counter::secret::Pin;
use card_profiles::account::Balances;
use settlement::DateTime;
use settlement::id::CardIdentifier;
use settlement::query::{
    self, AccountView, CertificateAnswer, LoggedTransaction, LossAct, OnCard, OverviewAnswer, TicketKind, TicketSubject,
};
use settlement::recovery::LogRecord;
use settlement::refund::Original;
use zeroize::Zeroizing;

/// What the card said.
#[derive(Debug)]
pub enum Said {
    /// It is one of ours, and its PIN has so many tries.
    Here(Facts),
    /// It is none that the kiosk can serve, or does not answer.
    Foreign(TerminalError),
    /// The PIN was right, or not.
    Opened(Result<Opened, TerminalError>),
    /// Its log, newest first.
    Log(Result<Log, TerminalError>),
    /// Its holder.
    Holder(Result<Vec<Item>, TerminalError>),
    /// The PIN was changed, or not.
    PinChanged(Result<(), TerminalError>),
}

/// What is known of a card before its PIN.
#[derive(Debug)]
pub struct Facts {
    /// Which card it is.
    pub identifier: CardIdentifier,
    /// Tries of its PIN.
    pub tries: TriesLeft,
    /// Last day of its validity, where it says one: `YYYYMMDD`.
    pub valid_until: String,
}

/// What the PIN opens at once.
#[derive(Debug)]
pub struct Opened {
    /// Balances on the card.
    pub balances: Balances,
    /// Whether the PIN is the one that every new card has.
    pub is_initial: bool,
}

/// The card's own log.
#[derive(Debug)]
pub struct Log {
    /// Records, newest first.
    pub records: Vec<LogRecord>,
    /// The same for the centre.
    pub told: Vec<LoggedTransaction>,
    /// Type byte of purchases.
    pub purchase: u8,
    /// Type byte of loads.
    pub load: u8,
}

/// An item of the holder's data.
#[derive(Debug)]
pub struct Item {
    /// What it is.
    pub label: Words,
    /// Whole.
    pub value: Zeroizing<String>,
    /// For whoever looks over a shoulder.
    pub masked: Zeroizing<String>,
    /// Whether it needs a line for itself.
    pub is_long: bool,
}

/// What the card is to do next.
#[derive(Debug)]
pub enum Job {
    /// VERIFY, and the balances.
    Open {
        /// PIN.
        pin: Pin,
        /// Whether the last try may be spent.
        consent: bool,
    },
    /// The log.
    Log,
    /// The holder's data.
    Holder,
    /// CHANGE PIN.
    ChangePin {
        /// The present one.
        present: Pin,
        /// The new one.
        new: Pin,
    },
}

/// What the centre is asked.
#[derive(Debug)]
pub struct Question {
    /// About which card.
    pub card: CardIdentifier,
    /// What it said about the PIN.
    pub pin: query::Pin,
    /// What.
    pub what: Asked,
}

/// What the centre is asked for.
#[derive(Debug)]
pub enum Asked {
    /// The holder's page.
    Overview(OnCard),
    /// A temporary loss, or its release.
    Loss(LossAct),
    /// A certificate of participation, printed.
    Certificate,
    /// A complaint or a suggestion, about this purchase.
    Ticket(TicketKind, TicketSubject, Option<Original>),
}

/// What the centre said.
#[derive(Debug)]
pub enum Told {
    /// The holder's page.
    Overview(Result<Box<OverviewAnswer>, TerminalError>),
    /// A temporary loss was noted, or released.
    Loss(LossAct, Result<(), TerminalError>),
    /// The certificate, which nobody has printed yet.
    Certificate(Result<Box<Made>, TerminalError>),
    /// Number of the ticket.
    Ticket(Result<u64, TerminalError>),
}

impl Told {
    /// Whether the centre was there.
    #[must_use]
    pub const fn is_contact(&self) -> bool {
        let error = match self {
            Self::Overview(Err(error))
            | Self::Loss(_, Err(error))
            | Self::Certificate(Err(error))
            | Self::Ticket(Err(error)) => error,
            Self::Overview(Ok(_)) | Self::Loss(_, Ok(_)) | Self::Certificate(Ok(_)) | Self::Ticket(Ok(_)) => {
                return true;
            }
        };
        matches!(error, TerminalError::CentreRefused { .. })
    }
}

/// Why no certificate of participation is made for the holder now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoCertificate {
    /// The centre was not heard.
    Away,
    /// The PIN is the one that came with the card.
    InitialPin,
    /// It is reported lost, and the holder may take that back here.
    Lost,
    /// The card is not in normal use.
    Card,
    /// The centre was given no data about the holder's insurances.
    NoData,
    /// None is left this month.
    Limit,
}

/// What is known of an act that the centre did not say it did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Undone {
    /// It was not done: nothing was sent, or the centre cannot now. The same may be tried later.
    ForNow,
    /// It was not done, and the error says why: the centre's, or this machine's before anything was sent.
    Refused,
    /// Nobody knows: it was sent, and nobody answered, or nobody can read the answer. So it is of every error that is not known to come
    /// before.
    NotKnown,
}

impl Undone {
    /// Of an error.
    #[must_use]
    pub const fn of(error: &TerminalError) -> Self {
        match error {
            TerminalError::CentreUnreachable { sent: true, .. } | TerminalError::CentreAnswer { .. } => Self::NotKnown,
            // TLS was not set up: nothing of it was heard.
            TerminalError::CentreUnreachable { sent: false, .. } | TerminalError::Line(_) => Self::ForNow,
            TerminalError::CentreRefused { code, .. } if code.retryable() => Self::ForNow,
            TerminalError::CentreRefused { code, .. } if code.is_no_word() => Self::NotKnown,
            // The letter was not written down: it is not sent then.
            TerminalError::CentreRefused { .. } | TerminalError::Store(_) | TerminalError::Bug(_) => Self::Refused,
            _ => Self::NotKnown,
        }
    }
}

/// A certificate as the centre made it.
#[derive(Debug)]
pub struct Made {
    /// What it says.
    pub answer: CertificateAnswer,
    /// What its QR code holds: an address with the code, or the code.
    pub address: String,
    /// Whether the kiosk has a printer.
    pub is_printed: bool,
}

/// What became of a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Print {
    /// There is no printer.
    Nowhere,
    /// The printer has it.
    Waits,
    /// The printer took it.
    Done,
    /// It did not, or not in time.
    Failed,
}

/// A certificate that was made.
#[derive(Debug)]
pub struct Certified {
    /// Its number.
    pub number: u64,
    /// Its check code.
    pub code: String,
    /// What its QR code holds: an address with the code, or the code.
    pub address: String,
    /// How many more there may be this month.
    pub left: Option<u32>,
    /// Whether it is on paper.
    pub print: Print,
}

/// How far the centre was asked for the holder's page.
#[derive(Debug, Default)]
pub enum AtCentre {
    /// Not yet, or there is none.
    #[default]
    Unasked,
    /// It was, and has not answered.
    Asking,
    /// Its answer.
    There(Box<OverviewAnswer>),
    /// It could not be asked, or refused.
    Away(Trouble),
}

/// Why something could not be had, as people read it.
#[derive(Clone, Debug)]
pub struct Trouble {
    /// What happened.
    pub what: Words,
    /// What to do next.
    pub next: Words,
    /// Code.
    pub code: &'static str,
}

impl From<&TerminalError> for Trouble {
    fn from(error: &TerminalError) -> Self {
        Self { what: error.what(), next: error.next(), code: error.code().as_str() }
    }
}

/// The last time that the centre answered this kiosk.
pub type Contact = Option<DateTime>;

/// A card is in, and what is known of it.
#[derive(Debug)]
pub struct Visit {
    /// Its number.
    pub number: u64,
    /// Before its PIN.
    pub facts: Option<Facts>,
    /// After it.
    pub opened: Option<Opened>,
    /// Its log.
    pub log: Option<Log>,
    /// Its holder.
    pub holder: Option<Vec<Item>>,
    /// What the centre says.
    pub centre: AtCentre,
    /// When it ends, whatever is touched.
    pub until: u64,
}

impl Visit {
    /// A visit of which nothing is known.
    #[must_use]
    pub const fn new(number: u64, until: u64) -> Self {
        Self { number, facts: None, opened: None, log: None, holder: None, centre: AtCentre::Unasked, until }
    }

    /// The holder's account at the centre, where that told it.
    #[must_use]
    pub fn account(&self) -> Option<&AccountView> {
        match &self.centre {
            AtCentre::There(page) => page.account.as_ref(),
            AtCentre::Unasked | AtCentre::Asking | AtCentre::Away(_) => None,
        }
    }

    /// A question to the centre about its card; `None` before the PIN.
    #[must_use]
    pub fn question(&self, what: Asked) -> Option<Question> {
        let (facts, opened) = self.facts.as_ref().zip(self.opened.as_ref())?;
        let pin = if opened.is_initial { query::Pin::Initial } else { query::Pin::Verified };
        Some(Question { card: facts.identifier, pin, what })
    }
}
