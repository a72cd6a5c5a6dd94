//! What follows on what: the kiosk as a state machine without readers, browser, centre or clock of its own.
//!
//! Owns: the screen; what is known of a visit, and that it is forgotten; the time that is left. Never: waits, sends, draws.
//! Units: milliseconds of the caller's clock, which only moves on.

mod answers;

use card_core::tries::TriesLeft;
use card_counter::error::TerminalError;
use card_counter::language::{Language, Words};
use card_counter::secret::Pin;
use settlement::DateTime;
use settlement::fen::Fen;
use settlement::query::{
    CardState, CertificateAnswer, LossAct, OnCard, SelfService, StatementLine, TicketKind, TicketSubject,
};

use super::guide::{self, Guide, Texts};
use super::screen::{ALARM_EVERY, Act, Choosing, Digits, Function, LATE, Screen, VISIT_LIMIT, Wait};
use super::visit::{Asked, AtCentre, Contact, Job, NoCertificate, Print, Question, Said, Told, Visit};

/// Rows of a list that a page has room for.
pub const ROWS: usize = 6;
/// Items that have room beside the difference that they explain; more have pages of their own.
pub const TOGETHER: usize = 2;

/// What happens to the kiosk.
#[derive(Debug)]
pub enum Event {
    /// A page is there, or is gone: whoever stood there began anew.
    Page,
    /// A touch, on the screen of this number.
    Touched(u64, Act),
    /// A card came in: a visit of this number begins.
    CardIn(u64),
    /// The card is out.
    CardOut,
    /// What the card of a visit said.
    Card(u64, Said),
    /// What the centre told of a visit, and when.
    Centre(u64, DateTime, Told),
    /// What became of the document of a visit.
    Printed(u64, bool),
    /// The public texts of the site and its centre.
    Public(Texts),
    /// Readers cannot be used, or can again.
    Readers(Result<(), TerminalError>),
    /// Time passed.
    Tick,
}

/// What the machine wants done.
#[derive(Debug)]
pub enum Effect {
    /// By the card of a visit.
    Card(u64, Job),
    /// By the centre, for a visit.
    Centre(u64, Question),
    /// By the printer, for a visit.
    Print(u64, Box<CertificateAnswer>),
    /// A sound: a card is left.
    Alarm,
}

/// The kiosk.
#[derive(Debug)]
pub struct Machine {
    /// Language of the screen.
    pub language: Language,
    /// Whether its text is large.
    pub large: bool,
    /// Whether its contrast is high.
    pub contrast: bool,
    /// Public texts that come with the product.
    pub guides: Vec<Guide>,
    /// Those of the site and its centre.
    pub texts: Texts,
    /// Whether there is a centre to ask.
    pub has_centre: bool,
    /// When it last answered this kiosk.
    pub contact: Contact,
    screen: Screen,
    number: u64,
    visit: Option<Visit>,
    card_in: bool,
    until: Option<u64>,
    now: u64,
    changed: bool,
}

impl Machine {
    /// A kiosk that nobody stands at.
    #[must_use]
    pub fn new(guides: Vec<Guide>, has_centre: bool, contact: Contact) -> Self {
        Self {
            language: Language::Zh,
            large: false,
            contrast: false,
            guides,
            texts: Texts::default(),
            has_centre,
            contact,
            screen: Screen::Welcome,
            number: 1,
            visit: None,
            card_in: false,
            until: None,
            now: 0,
            changed: true,
        }
    }

    /// What stands on the screen.
    #[must_use]
    pub const fn screen(&self) -> &Screen {
        &self.screen
    }

    /// Its number: a touch of another screen does nothing.
    #[must_use]
    pub const fn number(&self) -> u64 {
        self.number
    }

    /// The visit, while a card is in and nobody ended it.
    #[must_use]
    pub const fn visit(&self) -> Option<&Visit> {
        self.visit.as_ref()
    }

    /// Seconds that the page may still stand, rounded up.
    #[must_use]
    pub fn left(&self) -> Option<u64> {
        self.until.map(|until| until.saturating_sub(self.now).div_ceil(1000))
    }

    /// Whether the countdown calls.
    #[must_use]
    pub fn is_late(&self) -> bool {
        self.left().is_some_and(|left| left <= LATE)
    }

    /// Whether the screen is to be shown anew; once.
    pub const fn take_changed(&mut self) -> bool {
        std::mem::replace(&mut self.changed, false)
    }

    /// An event at a time of the caller's clock.
    pub fn handle(&mut self, event: Event, now: u64) -> Option<Effect> {
        self.now = self.now.max(now);
        match event {
            Event::Page => {
                if matches!(self.screen, Screen::Closed(_)) {
                    self.stay()
                } else {
                    self.leave()
                }
                None
            }
            Event::Touched(number, act) if number == self.number => self.touched(act),
            // A touch of what is no longer there.
            Event::Touched(..) => None,
            Event::CardIn(number) => {
                self.card_in = true;
                let until = self.now + VISIT_LIMIT * 1000;
                self.visit = Some(Visit::new(number, until));
                self.go(Screen::Reading);
                None
            }
            Event::CardOut => {
                self.card_in = false;
                self.leave();
                None
            }
            Event::Card(number, said) => {
                // Of a visit that was ended meanwhile: it is forgotten.
                if self.visit.as_ref().is_some_and(|visit| visit.number == number) {
                    self.card_said(said)
                } else {
                    None
                }
            }
            Event::Centre(number, at, told) => {
                if told.is_contact() {
                    self.contact = Some(at);
                }
                if self.visit.as_ref().is_some_and(|visit| visit.number == number) {
                    self.centre_told(told)
                } else {
                    None
                }
            }
            Event::Printed(number, is_done) => {
                let is_here = self.visit.as_ref().is_some_and(|visit| visit.number == number);
                if let (Screen::Certified(certified), true) = (&mut self.screen, is_here) {
                    certified.print = if is_done { Print::Done } else { Print::Failed };
                    self.changed = true;
                }
                None
            }
            Event::Public(texts) => {
                // Who reads one goes on reading it.
                if matches!(self.screen, Screen::Titles { .. } | Screen::Text { .. }) && self.texts != texts {
                    self.leave();
                }
                self.changed |= self.texts != texts;
                self.texts = texts;
                None
            }
            Event::Readers(Err(error)) => {
                self.card_in = false;
                self.visit = None;
                self.go(Screen::Closed(error));
                None
            }
            Event::Readers(Ok(())) => {
                if matches!(self.screen, Screen::Closed(_)) {
                    self.leave();
                }
                None
            }
            Event::Tick => self.until.is_some_and(|until| self.now >= until).then(|| self.expired()).flatten(),
        }
    }

    fn go(&mut self, screen: Screen) {
        self.screen = screen;
        self.number += 1;
        self.stay();
    }

    /// The same page, from now on.
    fn stay(&mut self) {
        self.changed = true;
        let limit = self.screen.place().limit().map(|limit| self.now + limit * 1000);
        // The page that asks for the card is not cut short by the visit that it ends.
        let whole = self.visit.as_ref().map(|visit| visit.until);
        self.until = limit.map(|limit| whole.map_or(limit, |whole| limit.min(whole)));
    }

    /// The visit ends: everything of it is forgotten.
    fn leave(&mut self) {
        self.visit = None;
        if self.card_in {
            self.go(Screen::TakeCard { alarm: false });
        } else {
            (self.language, self.large, self.contrast) = (Language::Zh, false, false);
            self.go(Screen::Welcome);
        }
    }

    fn expired(&mut self) -> Option<Effect> {
        if let Screen::TakeCard { .. } = self.screen {
            self.screen = Screen::TakeCard { alarm: true };
            self.changed = true;
            self.until = Some(self.now + ALARM_EVERY * 1000);
            return Some(Effect::Alarm);
        }
        // What was asked may have been done all the same: nobody goes away without a word about it.
        if let Screen::Working(_, Wait::Act) = self.screen
            && self.visit.is_some()
        {
            return self.not_known();
        }
        self.leave();
        None
    }

    /// An act that nobody answered: that is said, and what the centre told before it stands no longer. It is asked anew.
    fn not_known(&mut self) -> Option<Effect> {
        self.visit.as_mut()?.centre = AtCentre::Unasked;
        self.go(Screen::Notice(NOT_KNOWN));
        self.overview()
    }

    fn touched(&mut self, act: Act) -> Option<Effect> {
        match act {
            Act::Language => {
                self.language = match self.language {
                    Language::Zh => Language::En,
                    Language::En => Language::Zh,
                };
            }
            Act::Large => self.large = !self.large,
            Act::Contrast => self.contrast = !self.contrast,
            Act::Leave => {
                if !matches!(self.screen, Screen::TakeCard { .. } | Screen::Closed(_)) {
                    self.leave();
                }
                return None;
            }
            act => return self.answered(act),
        }
        // Who reads the screen in another way is still there, but an alarm goes on.
        match self.screen {
            Screen::TakeCard { .. } => self.changed = true,
            _ => self.stay(),
        }
        None
    }

    /// A touch that belongs to what stands on the screen; any other does nothing.
    fn answered(&mut self, act: Act) -> Option<Effect> {
        let items = self.items();
        match (&mut self.screen, act) {
            (Screen::Welcome, Act::Guide(number)) if number < self.guides.len() => self.go(Screen::Guide(number)),
            (Screen::Guide(_) | Screen::Titles { .. }, Act::Back) => self.leave(),
            (Screen::Welcome, Act::Titles(section)) if !self.texts.of_section(section).is_empty() => {
                self.go(Screen::Titles { section, part: 0 });
            }
            (Screen::Titles { section, part }, Act::Next | Act::Previous) => {
                let (section, rows) = (*section, self.texts.of_section(*section).len());
                let part = turned(*part, act, rows.div_ceil(ROWS));
                self.go(Screen::Titles { section, part });
            }
            (Screen::Titles { section, part }, Act::Text(row)) if row < ROWS => {
                let (section, number) = (*section, *part * ROWS + row);
                if number < self.texts.of_section(section).len() {
                    self.go(Screen::Text { section, number, part: 0 });
                }
            }
            (Screen::Text { section, number, part }, Act::Next | Act::Previous) => {
                let (section, number, part) = (*section, *number, *part);
                let text = self.texts.of_section(section).get(number)?;
                let parts = guide::parts(text, self.language, self.large).len();
                self.go(Screen::Text { section, number, part: turned(part, act, parts) });
            }
            (Screen::Text { section, number, .. }, Act::Back) => {
                let (section, part) = (*section, *number / ROWS);
                self.go(Screen::Titles { section, part });
            }
            (Screen::Pin { digits, .. } | Screen::NewPin { digits, .. }, Act::Digit(_) | Act::Rub | Act::Clear) => {
                match act {
                    Act::Digit(digit) => digits.push(digit),
                    Act::Rub => digits.rub(),
                    _ => digits.clear(),
                }
                self.stay();
            }
            (Screen::Pin { digits, wrong }, Act::Enter) => {
                let Some(pin) = digits.take() else {
                    *wrong = Some(TOO_SHORT);
                    self.stay();
                    return None;
                };
                let tries = self.visit.as_ref().and_then(|visit| visit.facts.as_ref()).map(|facts| facts.tries);
                if tries == Some(TriesLeft::Known(1)) {
                    self.go(Screen::LastTry { pin });
                    return None;
                }
                // A PIN that was blocked here can only be a new one by now, or spends nothing.
                return self.open(pin, tries == Some(TriesLeft::Known(0)));
            }
            (Screen::LastTry { .. }, Act::Agree) => {
                let Screen::LastTry { pin } = std::mem::replace(&mut self.screen, Screen::Reading) else { return None };
                return self.open(pin, true);
            }
            (Screen::Home, Act::Open(function)) => return self.opened(function),
            (Screen::Transactions { part, at_centre }, Act::Next | Act::Previous) => {
                let (part, at_centre) = (*part, *at_centre);
                let part = turned(part, act, self.rows(at_centre).div_ceil(ROWS));
                self.go(Screen::Transactions { part, at_centre });
            }
            (Screen::Told(Function::Difference), Act::Next) if items > TOGETHER => {
                self.go(Screen::Items { part: 0 });
            }
            (Screen::Items { part: 0 }, Act::Previous) => self.go(Screen::Told(Function::Difference)),
            (Screen::Items { part }, Act::Next | Act::Previous) => {
                let part = *part;
                let part = turned(part, act, items.div_ceil(ROWS));
                self.go(Screen::Items { part });
            }
            (Screen::Transactions { part, at_centre: true }, Act::Complain(row)) if row < ROWS => {
                let line = *part * ROWS + row;
                if self.line(line).is_some_and(|line| line.original.is_some()) {
                    self.go(Screen::Complaint(line));
                }
            }
            (Screen::Complaint(line), Act::Agree) => {
                let line = *line;
                let about = self.line(line)?.original;
                return self.ask(Asked::Ticket(TicketKind::Complaint, TicketSubject::Transaction, about));
            }
            (Screen::Complaint(line), Act::Back) => {
                let part = *line / ROWS;
                self.go(Screen::Transactions { part, at_centre: true });
            }
            (Screen::Transactions { .. }, Act::Open(function @ (Function::Transactions | Function::Account))) => {
                return self.opened(function);
            }
            (Screen::Holder { shown }, Act::Reveal) => {
                *shown = !*shown;
                self.stay();
            }
            (Screen::NewPin { .. }, Act::Enter) => return self.chosen(),
            (Screen::Away(function), Act::Again) => {
                let function = *function;
                if let Some(visit) = self.visit.as_mut() {
                    visit.centre = AtCentre::Unasked;
                }
                return self.wait_for_centre(function);
            }
            (Screen::Told(Function::Loss), Act::Agree) => {
                let act = self.loss()?;
                return self.ask(Asked::Loss(act));
            }
            (Screen::Told(Function::Certificate), Act::Agree) => {
                return if self.no_certificate().is_none() { self.ask(Asked::Certificate) } else { None };
            }
            (Screen::Ticket(kind), Act::Kind) => {
                *kind = match kind {
                    TicketKind::Complaint => TicketKind::Suggestion,
                    TicketKind::Suggestion => TicketKind::Complaint,
                };
                self.stay();
            }
            (Screen::Ticket(kind), Act::Subject(subject)) => {
                let kind = *kind;
                return self.ask(Asked::Ticket(kind, subject, None));
            }
            (
                Screen::Transactions { .. }
                | Screen::Told(_)
                | Screen::Items { .. }
                | Screen::Certified(_)
                | Screen::Ticket(_)
                | Screen::Away(_)
                | Screen::Holder { .. }
                | Screen::NewPin { .. }
                | Screen::Notice(_)
                | Screen::Refused(_),
                Act::Back,
            ) => self.go(Screen::Home),
            _ => {}
        }
        None
    }

    fn open(&mut self, pin: Pin, consent: bool) -> Option<Effect> {
        self.work(Words::new("正在核对密码…", "Checking the PIN…"), Wait::Open, Job::Open { pin, consent })
    }

    /// The card is at work, and the screen says so.
    fn work(&mut self, words: Words, wait: Wait, job: Job) -> Option<Effect> {
        let visit = self.visit.as_ref()?.number;
        self.go(Screen::Working(words, wait));
        Some(Effect::Card(visit, job))
    }

    /// The centre is asked for an act, and the screen says so.
    fn ask(&mut self, what: Asked) -> Option<Effect> {
        let visit = self.visit.as_ref()?;
        let (number, question) = (visit.number, visit.question(what)?);
        self.go(Screen::Working(ASKING, Wait::Act));
        Some(Effect::Centre(number, question))
    }

    /// Rows of the log, or of the account at the centre.
    fn rows(&self, at_centre: bool) -> usize {
        let Some(visit) = &self.visit else { return 0 };
        if at_centre {
            visit.account().map_or(0, |account| account.lines.len())
        } else {
            visit.log.as_ref().map_or(0, |log| log.records.len())
        }
    }

    /// How many items explain the difference.
    fn items(&self) -> usize {
        self.visit.as_ref().and_then(|visit| visit.account()).map_or(0, |account| account.pending.len())
    }

    /// A line of the account at the centre.
    #[must_use]
    pub fn line(&self, number: usize) -> Option<&StatementLine> {
        self.visit.as_ref()?.account()?.lines.get(number)
    }

    /// What the holder may do about a loss now.
    #[must_use]
    pub fn loss(&self) -> Option<LossAct> {
        let AtCentre::There(page) = &self.visit.as_ref()?.centre else { return None };
        let may = |service| page.may.contains(&service);
        match (may(SelfService::ReportLoss), may(SelfService::Release)) {
            (true, _) => Some(LossAct::Report),
            (false, true) => Some(LossAct::Release),
            (false, false) => None,
        }
    }

    /// Why the holder has no certificate made here now; `None` when one may be made.
    #[must_use]
    pub fn no_certificate(&self) -> Option<NoCertificate> {
        let Some((visit, page)) = self.visit.as_ref().and_then(|visit| match &visit.centre {
            AtCentre::There(page) => Some((visit, page)),
            _ => None,
        }) else {
            return Some(NoCertificate::Away);
        };
        match page {
            _ if page.may.contains(&SelfService::Certificate) => None,
            _ if visit.opened.as_ref().is_some_and(|opened| opened.is_initial) => Some(NoCertificate::InitialPin),
            _ if page.may.contains(&SelfService::Release) => Some(NoCertificate::Lost),
            _ if page.card.state != CardState::Normal => Some(NoCertificate::Card),
            _ if page.benefits.is_none() => Some(NoCertificate::NoData),
            // Nothing else keeps the centre from it.
            _ => Some(NoCertificate::Limit),
        }
    }

    fn opened(&mut self, function: Function) -> Option<Effect> {
        let visit = self.visit.as_ref()?;
        let reading = Words::new("正在读卡…", "Reading the card…");
        match function {
            Function::Transactions if visit.log.is_some() => {
                self.go(Screen::Transactions { part: 0, at_centre: false })
            }
            Function::Transactions => return self.work(reading, Wait::Log, Job::Log),
            Function::Holder if visit.holder.is_some() => self.go(Screen::Holder { shown: false }),
            Function::Holder => return self.work(reading, Wait::Holder, Job::Holder),
            Function::NewPin => {
                let choosing = Choosing::Present;
                self.go(Screen::NewPin { choosing, digits: Digits::default(), wrong: None });
            }
            Function::Ticket if self.has_centre => self.go(Screen::Ticket(TicketKind::Suggestion)),
            _ if self.has_centre => return self.wait_for_centre(function),
            _ => {}
        }
        None
    }

    /// What the centre tells, as soon as it has.
    fn wait_for_centre(&mut self, function: Function) -> Option<Effect> {
        match &self.visit.as_ref()?.centre {
            AtCentre::There(_) => self.show_told(function),
            AtCentre::Away(_) => self.go(Screen::Away(function)),
            AtCentre::Asking => self.go(Screen::Working(ASKING, Wait::Overview(function))),
            AtCentre::Unasked => {
                self.go(Screen::Working(ASKING, Wait::Overview(function)));
                return self.overview();
            }
        }
        None
    }

    fn show_told(&mut self, function: Function) {
        self.go(match function {
            Function::Account => Screen::Transactions { part: 0, at_centre: true },
            function => Screen::Told(function),
        });
    }

    /// Asks for the holder's page, as soon as the log is there; the log is fetched first.
    fn overview(&mut self) -> Option<Effect> {
        if !self.has_centre {
            return None;
        }
        let visit = self.visit.as_mut()?;
        let balance_fen = Fen::from_card(visit.opened.as_ref()?.balances.personal_account);
        let Some(log) = &visit.log else { return Some(Effect::Card(visit.number, Job::Log)) };
        let question = visit.question(Asked::Overview(OnCard { balance_fen, log: log.told.clone() }))?;
        visit.centre = AtCentre::Asking;
        Some(Effect::Centre(visit.number, question))
    }

    /// One of the PINs of a change was entered.
    fn chosen(&mut self) -> Option<Effect> {
        let Screen::NewPin { choosing, digits, wrong } = &mut self.screen else { return None };
        let Some(entered) = digits.take() else {
            *wrong = Some(TOO_SHORT);
            self.stay();
            return None;
        };
        let next = |choosing, wrong| Screen::NewPin { choosing, digits: Digits::default(), wrong };
        let screen = match std::mem::replace(choosing, Choosing::Present) {
            Choosing::Present => next(Choosing::New { present: entered }, None),
            Choosing::New { present } if present.is(&entered.digits()) => next(
                Choosing::New { present },
                Some(Words::new(
                    "新密码与现在的密码相同，请另选一个。",
                    "That is the PIN that you have. Choose another.",
                )),
            ),
            Choosing::New { present } if is_easily_guessed(&entered) => next(
                Choosing::New { present },
                Some(Words::new(
                    "这个密码容易被猜到（相同或连续的数字），请另选一个。",
                    "That PIN is easily guessed: one digit again and again, or digits in a row. Choose another.",
                )),
            ),
            Choosing::New { present } => next(Choosing::Again { present, new: entered }, None),
            Choosing::Again { present, new } if new.is(&entered.digits()) => {
                let words = Words::new("正在修改密码…", "Changing the PIN…");
                return self.work(words, Wait::NewPin, Job::ChangePin { present, new });
            }
            Choosing::Again { present, .. } => next(
                Choosing::New { present },
                Some(Words::new(
                    "两次输入的新密码不同，请重新输入。",
                    "The two new PINs differ. Enter the new PIN again.",
                )),
            ),
        };
        self.go(screen);
        None
    }
}

/// One digit again and again, or each the next one, up or down (assumed: what a finder of the card tries first).
fn is_easily_guessed(pin: &Pin) -> bool {
    let digits = pin.digits();
    let steps = || digits.bytes().zip(digits.bytes().skip(1));
    [0, 1, 9].into_iter().any(|step| steps().all(|(digit, next)| (digit - b'0' + step) % 10 == next - b'0'))
}

/// The next or the last part of so many.
fn turned(part: usize, act: Act, parts: usize) -> usize {
    if act == Act::Next { (part + 1).min(parts.saturating_sub(1)) } else { part.saturating_sub(1) }
}

const ASKING: Words = Words::new("正在联系中心…", "Asking the centre…");

/// What is said of an act that did not reach the centre, or that it cannot do now.
pub(super) const NOT_DONE: Words = Words::new(
    "联系不上中心，或中心暂时不能办理。这次没有办理，请稍后再试。",
    "The centre is not reached, or cannot do this now. Nothing was done this time: try again later.",
);

/// What is said of an act that nobody answered.
pub(super) const NOT_KNOWN: Words = Words::new(
    "中心没有答复，不知道是否已办理。请稍后在本机查看，或拨打 12333 询问。",
    "The centre did not answer. It is not known whether this was done: look again here later, or call 12333.",
);

const TOO_SHORT: Words = Words::new("密码为 4 至 12 位数字。", "A PIN has 4 to 12 digits.");

fn wrong_pin(left: u8) -> Words {
    let tries = if left == 1 { "try" } else { "tries" };
    Words::of(format!("密码不对，还可试 {left} 次。"), format!("The PIN is wrong. {left} {tries} left."))
}
