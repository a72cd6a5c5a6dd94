//! The pages of the kiosk, how long each may stand, and what may be touched.
//!
//! Source: time limits are this product's choice: one kiosk standard says 300 s a page, which is long where people queue.
//! Owns: the one table of limits; the words that the page says back. Never: what a page shows (`html`), what follows (`machine`).
//! Units: seconds.

use card_counter::error::TerminalError;
use card_counter::language::Words;
use card_counter::secret::Pin;
use settlement::query::{TicketKind, TicketSubject};
use zeroize::Zeroizing;

use super::guide::Section;
use super::visit::Certified;

/// Seconds of a whole visit, whatever is touched.
pub const VISIT_LIMIT: u64 = 600;
/// Seconds at which the countdown calls.
pub const LATE: u64 = 10;
/// Seconds from alarm to alarm while a card is left.
pub const ALARM_EVERY: u64 = 5;

macro_rules! places {
    ($($name:ident $word:literal $limit:expr, $what:literal;)*) => {
        /// A page. What stands on it is a [`Screen`].
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Place { $(#[doc = $what] $name,)* }

        impl Place {
            /// Every page.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// Its name in the page and in tests.
            #[must_use]
            pub const fn word(self) -> &'static str {
                match self { $(Self::$name => $word,)* }
            }

            /// Seconds without a touch after which it is left; `None`: it may stand.
            #[must_use]
            pub const fn limit(self) -> Option<u64> {
                match self { $(Self::$name => $limit,)* }
            }
        }
    };
}

places! {
    Welcome "welcome" None, "Nobody is there.";
    Closed "closed" None, "The readers cannot be used.";
    Guide "guide" Some(90), "A public text.";
    Titles "titles" Some(60), "Titles of public texts.";
    Reading "reading" Some(20), "A card came in.";
    Pin "pin" Some(40), "The PIN is asked for.";
    LastTry "last-try" Some(30), "The last try of the PIN needs a word.";
    Working "working" Some(30), "The card or the centre is at work.";
    Acting "acting" Some(60), "The centre is asked to do something: longer than its two tries take.";
    Home "home" Some(60), "Balances and what can be done.";
    Transactions "transactions" Some(60), "The card's own log.";
    Difference "difference" Some(60), "Why card and centre differ.";
    Insurances "insurances" Some(60), "How the holder stands in the five insurances.";
    Progress "progress" Some(60), "How far a new card is.";
    Certificate "certificate" Some(60), "A certificate of participation.";
    Loss "loss" Some(45), "A temporary loss, or its release.";
    Ticket "ticket" Some(90), "A complaint or a suggestion.";
    Away "away" Some(30), "The centre cannot be asked.";
    Holder "holder" Some(45), "What the card says of its holder.";
    NewPin "new-pin" Some(60), "Another PIN is chosen.";
    Notice "notice" Some(20), "Something was done, or refused.";
    Fault "fault" Some(20), "The visit cannot go on.";
    TakeCard "take-card" Some(15), "The card is to be taken; then the alarm.";
}

/// What may be opened from the first page of a visit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Function {
    /// The card's own log.
    Transactions,
    /// What the card says of its holder.
    Holder,
    /// Another PIN.
    NewPin,
    /// Why card and centre differ.
    Difference,
    /// The account at the centre.
    Account,
    /// The five insurances.
    Insurances,
    /// A new card.
    Progress,
    /// A certificate of participation.
    Certificate,
    /// A temporary loss, or its release.
    Loss,
    /// A complaint or a suggestion.
    Ticket,
}

impl Function {
    /// Every function.
    pub const ALL: [Self; 10] = [
        Self::Transactions,
        Self::Holder,
        Self::NewPin,
        Self::Difference,
        Self::Account,
        Self::Insurances,
        Self::Progress,
        Self::Certificate,
        Self::Loss,
        Self::Ticket,
    ];

    /// As the page says it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Transactions => "open-transactions",
            Self::Holder => "open-holder",
            Self::NewPin => "open-new-pin",
            Self::Difference => "open-difference",
            Self::Account => "open-account",
            Self::Insurances => "open-insurances",
            Self::Progress => "open-progress",
            Self::Certificate => "open-certificate",
            Self::Loss => "open-loss",
            Self::Ticket => "open-ticket",
        }
    }
}

/// What was touched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// The other language.
    Language,
    /// Large text, or not.
    Large,
    /// High contrast, or not.
    Contrast,
    /// A digit of the pad.
    Digit(u8),
    /// The last digit away.
    Rub,
    /// All digits away.
    Clear,
    /// Done with what was entered.
    Enter,
    /// A page back.
    Back,
    /// The end of the visit.
    Leave,
    /// The next part of a list.
    Next,
    /// The part before.
    Previous,
    /// Masked values shown, or masked again.
    Reveal,
    /// Yes, after a warning.
    Agree,
    /// The centre is asked once more.
    Again,
    /// A complaint in place of a suggestion, or the other way.
    Kind,
    /// What a ticket is about.
    Subject(TicketSubject),
    /// A public text that comes with the product.
    Guide(usize),
    /// The titles of a section of public texts.
    Titles(Section),
    /// The public text of a row.
    Text(usize),
    /// A complaint about the line of a row.
    Complain(usize),
    /// A function of the first page.
    Open(Function),
}

impl Act {
    /// From the page's word; `None` for anything else.
    #[must_use]
    pub fn of_word(word: &str) -> Option<Self> {
        let function = || Function::ALL.into_iter().find(|function| function.word() == word).map(Self::Open);
        Some(match word {
            "language" => Self::Language,
            "large" => Self::Large,
            "contrast" => Self::Contrast,
            "rub" => Self::Rub,
            "clear" => Self::Clear,
            "enter" => Self::Enter,
            "back" => Self::Back,
            "leave" => Self::Leave,
            "next" => Self::Next,
            "previous" => Self::Previous,
            "reveal" => Self::Reveal,
            "agree" => Self::Agree,
            "again" => Self::Again,
            "kind" => Self::Kind,
            _ => match word.split_once('-') {
                Some(("digit", digit)) if digit.len() == 1 => Self::Digit(digit.parse().ok()?),
                Some(("subject", name)) => {
                    Self::Subject(TicketSubject::ALL.into_iter().find(|subject| subject.name() == name)?)
                }
                Some(("guide", number)) if number.len() <= 2 => Self::Guide(number.parse().ok()?),
                Some(("text", number)) if number.len() <= 2 => Self::Text(number.parse().ok()?),
                Some(("complain", number)) if number.len() <= 2 => Self::Complain(number.parse().ok()?),
                Some(("titles", name)) => {
                    Self::Titles(Section::ALL.into_iter().find(|section| section.name() == name)?)
                }
                _ => function()?,
            },
        })
    }
}

/// Digits that were entered: their place does not move, and it is wiped.
pub struct Digits(Zeroizing<String>);

impl Digits {
    /// Most digits of a PIN.
    pub const MOST: usize = 12;
    /// Least digits of a PIN.
    pub const LEAST: usize = 4;

    /// One more, while there is room.
    pub fn push(&mut self, digit: u8) {
        if self.0.len() < Self::MOST && digit < 10 {
            self.0.push(char::from(b'0' + digit));
        }
    }

    /// One less.
    pub fn rub(&mut self) {
        self.0.pop();
    }

    /// None.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// How many.
    #[must_use]
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// The PIN, when there are enough; what was entered is wiped.
    pub fn take(&mut self) -> Option<Pin> {
        let pin = Pin::parse(&self.0).ok();
        self.clear();
        pin
    }
}

impl Default for Digits {
    fn default() -> Self {
        Self(Zeroizing::new(String::with_capacity(Self::MOST)))
    }
}

impl std::fmt::Debug for Digits {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Digits(..)")
    }
}

/// Which of the three PINs of a change is asked for.
#[derive(Debug)]
pub enum Choosing {
    /// The present one.
    Present,
    /// The new one.
    New {
        /// The present one.
        present: Pin,
    },
    /// The new one again.
    Again {
        /// The present one.
        present: Pin,
        /// The new one.
        new: Pin,
    },
}

/// What a screen waits for, to go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    /// The PIN's answer.
    Open,
    /// The log.
    Log,
    /// The holder's data.
    Holder,
    /// The changed PIN's answer.
    NewPin,
    /// The holder's page of the centre, for this function.
    Overview(Function),
    /// The centre's answer to an act.
    Act,
}

/// What stands on the screen.
#[derive(Debug)]
pub enum Screen {
    /// Nobody is there.
    Welcome,
    /// The readers cannot be used.
    Closed(TerminalError),
    /// A public text that comes with the product.
    Guide(usize),
    /// Titles of public texts, from this part on.
    Titles {
        /// Of what.
        section: Section,
        /// Part.
        part: usize,
    },
    /// A public text of the site or the centre.
    Text {
        /// Of what.
        section: Section,
        /// Which.
        number: usize,
        /// Part.
        part: usize,
    },
    /// A card came in.
    Reading,
    /// The PIN.
    Pin {
        /// What was entered.
        digits: Digits,
        /// What was wrong before.
        wrong: Option<Words>,
    },
    /// A word before the last try.
    LastTry {
        /// What was entered.
        pin: Pin,
    },
    /// The card or the centre is at work.
    Working(Words, Wait),
    /// The first page of a visit.
    Home,
    /// The log, from this part on; or the lines of the account at the centre.
    Transactions {
        /// Part.
        part: usize,
        /// Whether they are the centre's.
        at_centre: bool,
    },
    /// What only the centre tells, opened by a function.
    Told(Function),
    /// What explains the difference, where it has not all room beside it.
    Items {
        /// Part.
        part: usize,
    },
    /// A ticket of this kind.
    Ticket(TicketKind),
    /// A complaint about this line of the account.
    Complaint(usize),
    /// A certificate was made.
    Certified(Box<Certified>),
    /// The centre cannot be asked for what this function shows.
    Away(Function),
    /// The holder, masked or not.
    Holder {
        /// Whether values are shown whole.
        shown: bool,
    },
    /// Another PIN.
    NewPin {
        /// Which is asked for.
        choosing: Choosing,
        /// What was entered.
        digits: Digits,
        /// What was wrong before.
        wrong: Option<Words>,
    },
    /// Something was done.
    Notice(Words),
    /// An act was refused; the visit goes on.
    Refused(TerminalError),
    /// The visit cannot go on.
    Fault(TerminalError),
    /// The card is to be taken.
    TakeCard {
        /// Whether it was left.
        alarm: bool,
    },
}

impl Screen {
    /// Its page.
    #[must_use]
    pub const fn place(&self) -> Place {
        match self {
            Self::Welcome => Place::Welcome,
            Self::Closed(_) => Place::Closed,
            Self::Guide(_) | Self::Text { .. } => Place::Guide,
            Self::Titles { .. } => Place::Titles,
            Self::Reading => Place::Reading,
            Self::Pin { .. } => Place::Pin,
            Self::LastTry { .. } => Place::LastTry,
            Self::Working(_, Wait::Act) => Place::Acting,
            Self::Working(..) => Place::Working,
            Self::Home => Place::Home,
            Self::Transactions { .. } => Place::Transactions,
            Self::Told(Function::Insurances) => Place::Insurances,
            Self::Told(Function::Progress) => Place::Progress,
            Self::Told(Function::Certificate) | Self::Certified(_) => Place::Certificate,
            Self::Told(Function::Loss) => Place::Loss,
            Self::Told(_) | Self::Items { .. } => Place::Difference,
            Self::Ticket(_) | Self::Complaint(_) => Place::Ticket,
            Self::Away(_) => Place::Away,
            Self::Holder { .. } => Place::Holder,
            Self::NewPin { .. } => Place::NewPin,
            Self::Notice(_) | Self::Refused(_) => Place::Notice,
            Self::Fault(_) => Place::Fault,
            Self::TakeCard { .. } => Place::TakeCard,
        }
    }
}
