//! The machine by itself: every page with its limit, every touch on every page, what is forgotten.

mod acts;

use card_core::tries::TriesLeft;
use card_counter::error::{LineFault, TerminalError};
use card_counter::language::{Language, Words};
use card_counter::store::StoreError;
use card_profiles::account::Balances;
use settlement::code::ErrorCode;
use settlement::fen::Fen;
use settlement::id::{CardIdentifier, TerminalNumber};
use settlement::message::{AnswerStatus, Version1};
use settlement::query::{
    AccountView, Benefits, CardState, CardView, CertificateAnswer, CertificateCode, LineKind, LossAct, OverviewAnswer,
    PendingItem, PendingKind, Pin, SelfService, StatementLine, TicketKind, TicketSubject,
};
use settlement::refund::Original;
use settlement::{BusinessDate, DateTime};
use zeroize::Zeroizing;

use super::guide::{self, Section, Sheet, Texts};
use super::html;
use super::machine::{Effect, Event, Machine};
use super::screen::{ALARM_EVERY, Act, Function, Place, Screen, VISIT_LIMIT};
use super::visit::{Asked, AtCentre, Facts, Item, Job, Log, Made, Opened, Question, Said, Told, Undone};

const NAME: &str = "欧阳蕴涵";

struct Stand {
    machine: Machine,
    now: u64,
}

impl Stand {
    fn new() -> Self {
        Self { machine: Machine::new(guide::built_in(), true, None), now: 0 }
    }

    fn event(&mut self, event: Event) -> Option<Effect> {
        self.machine.handle(event, self.now)
    }

    fn touch(&mut self, act: Act) -> Option<Effect> {
        let number = self.machine.number();
        self.event(Event::Touched(number, act))
    }

    fn pass(&mut self, seconds: u64) -> Option<Effect> {
        self.now += seconds * 1000;
        self.event(Event::Tick)
    }

    fn place(&self) -> Place {
        self.machine.screen().place()
    }

    fn card_in(&mut self, tries: u8) {
        self.event(Event::CardIn(7));
        let facts = Facts {
            identifier: CardIdentifier([7; 16]),
            tries: TriesLeft::Known(tries),
            valid_until: "20990101".to_owned(),
        };
        self.event(Event::Card(7, Said::Here(facts)));
        assert_eq!(self.place(), Place::Pin);
    }

    fn enter(&mut self, pin: &str) -> Option<Effect> {
        for digit in pin.bytes() {
            self.touch(Act::Digit(digit - b'0'));
        }
        self.touch(Act::Enter)
    }

    fn home(&mut self) {
        self.card_in(6);
        let job = self.enter("864213");
        assert!(matches!(job, Some(Effect::Card(7, Job::Open { consent: false, .. }))));
        let balances = Balances { personal_account: 50_000, self_paid_total: 0, pooled_fund_total: 0, year: 0x2026 };
        self.event(Event::Card(7, Said::Opened(Ok(Opened { balances, is_initial: false }))));
        assert_eq!(self.place(), Place::Home);
    }

    fn log(&mut self) -> Option<Effect> {
        let log = Log { records: Vec::new(), told: Vec::new(), purchase: 6, load: 2 };
        self.event(Event::Card(7, Said::Log(Ok(log))))
    }

    fn centre(&mut self, told: Told) -> Option<Effect> {
        let at = DateTime::parse("20261122101500").expect("a date");
        self.event(Event::Centre(7, at, told))
    }

    /// The centre answers after a page of it was opened.
    fn told(&mut self, function: Function) {
        self.home();
        self.log();
        self.touch(Act::Open(function));
        assert_eq!(self.place(), Place::Working);
        self.centre(Told::Overview(Ok(page())));
    }

    fn holder(&mut self) {
        self.home();
        assert!(matches!(self.touch(Act::Open(Function::Holder)), Some(Effect::Card(7, Job::Holder))));
        let value = |text: &str| Zeroizing::new(text.to_owned());
        let item =
            Item { label: Words::new("姓名", "Name"), value: value(NAME), masked: value("欧***"), is_long: false };
        self.event(Event::Card(7, Said::Holder(Ok(vec![item]))));
    }

    /// A way to each page.
    fn at(place: Place) -> Self {
        let mut stand = Self::new();
        match place {
            Place::Welcome => {}
            Place::Closed => drop(stand.event(Event::Readers(Err(TerminalError::NotEnrolled)))),
            Place::Guide => drop(stand.touch(Act::Guide(0))),
            Place::Titles => {
                stand.event(Event::Public(texts(7)));
                stand.touch(Act::Titles(Section::Vacancies));
            }
            Place::Reading => drop(stand.event(Event::CardIn(7))),
            Place::Pin => stand.card_in(6),
            Place::LastTry => {
                stand.card_in(1);
                stand.enter("864213");
            }
            Place::Working => {
                stand.card_in(6);
                stand.enter("864213");
            }
            Place::Acting => {
                stand.told(Function::Loss);
                stand.touch(Act::Agree);
            }
            Place::Home => stand.home(),
            Place::Transactions => {
                stand.home();
                stand.touch(Act::Open(Function::Transactions));
                stand.log();
            }
            Place::Holder => stand.holder(),
            Place::Difference => stand.told(Function::Difference),
            Place::Insurances => stand.told(Function::Insurances),
            Place::Progress => stand.told(Function::Progress),
            Place::Certificate => stand.told(Function::Certificate),
            Place::Loss => stand.told(Function::Loss),
            Place::Ticket => {
                stand.home();
                stand.touch(Act::Open(Function::Ticket));
            }
            Place::Away => {
                stand.home();
                stand.log();
                stand.centre(Told::Overview(Err(TerminalError::NotEnrolled)));
                stand.touch(Act::Open(Function::Insurances));
            }
            Place::NewPin => {
                stand.home();
                stand.touch(Act::Open(Function::NewPin));
            }
            Place::Notice => {
                stand.home();
                stand.touch(Act::Open(Function::Holder));
                stand.event(Event::Card(7, Said::Holder(Err(TerminalError::PinNeeded))));
            }
            Place::Fault => {
                stand.card_in(6);
                stand.enter("864213");
                stand.event(Event::Card(7, Said::Opened(Err(TerminalError::PinBlocked))));
            }
            Place::TakeCard => {
                stand.home();
                stand.touch(Act::Leave);
            }
        }
        assert_eq!(stand.place(), place);
        stand
    }
}

#[test]
fn every_page_is_left_when_its_limit_is_over_and_not_before() {
    for place in Place::ALL {
        let mut stand = Stand::at(*place);
        let Some(limit) = place.limit() else {
            assert_eq!(stand.machine.left(), None);
            stand.pass(100_000);
            assert_eq!(stand.place(), *place);
            continue;
        };
        assert_eq!(stand.machine.left(), Some(limit), "{place:?}");
        assert!(stand.pass(limit - 1).is_none());
        assert_eq!((stand.place(), stand.machine.left(), stand.machine.is_late()), (*place, Some(1), true));
        let effect = stand.pass(1);
        let next = match place {
            Place::Guide | Place::Titles => Place::Welcome,
            // It may have been done: that is said, and the visit ends behind it.
            Place::Acting => Place::Notice,
            _ => Place::TakeCard,
        };
        assert_eq!(stand.place(), next, "{place:?}");
        if *place == Place::Acting {
            assert!(stand.machine.visit().is_some());
            continue;
        }
        assert_eq!(matches!(effect, Some(Effect::Alarm)), *place == Place::TakeCard);
        assert!(stand.machine.visit().is_none(), "{place:?} is forgotten");
    }
}

#[test]
fn a_touch_begins_the_limit_anew_but_a_visit_ends() {
    let mut stand = Stand::at(Place::Home);
    let each = Place::Home.limit().expect("limited") - 1;
    for _ in 0..VISIT_LIMIT / each {
        stand.pass(each);
        assert_eq!(stand.place(), Place::Home);
        stand.touch(Act::Large);
    }
    stand.pass(VISIT_LIMIT % each);
    assert_eq!(stand.place(), Place::TakeCard);
}

#[test]
fn a_card_that_is_left_is_called_for_until_it_is_out() {
    let mut stand = Stand::at(Place::TakeCard);
    assert!(matches!(stand.pass(Place::TakeCard.limit().expect("limited")), Some(Effect::Alarm)));
    for _ in 0..3 {
        assert!(stand.pass(ALARM_EVERY - 1).is_none());
        // Whoever touches the screen does not silence it.
        stand.touch(Act::Large);
        assert!(matches!(stand.pass(1), Some(Effect::Alarm)));
    }
    stand.event(Event::CardOut);
    assert_eq!(stand.place(), Place::Welcome);
    assert_eq!((stand.machine.language, stand.machine.large), (Language::Zh, false));
}

#[test]
fn whatever_is_touched_on_whatever_page_nothing_of_the_next_visit_is_the_last_ones() {
    let acts: Vec<Act> = [
        "language", "large", "contrast", "rub", "clear", "enter", "back", "leave", "next", "previous", "reveal",
        "agree",
    ]
    .into_iter()
    .chain(["titles-vacancies", "titles-guides", "text-0", "text-99", "complain-0", "complain-99"])
    .chain(["digit-0", "digit-9", "guide-0", "guide-99", "open-transactions", "open-holder", "open-new-pin"])
    .map(|word| Act::of_word(word).expect("an act"))
    .collect();
    for place in Place::ALL {
        for act in &acts {
            let mut stand = Stand::at(*place);
            stand.touch(*act);
            // Touches of a page that is no longer there.
            stand.event(Event::Touched(0, *act));
            assert!(!html::screen(&stand.machine, "", "").contains("<script"));
            stand.event(Event::CardOut);
            stand.event(Event::CardIn(8));
            let late = Item {
                label: Words::new("", ""),
                value: Zeroizing::new(NAME.to_owned()),
                masked: Zeroizing::default(),
                is_long: false,
            };
            stand.event(Event::Card(7, Said::Holder(Ok(vec![late]))));
            stand.centre(Told::Overview(Ok(page())));
            let visit = stand.machine.visit().expect("a card is in");
            assert!(matches!(visit.centre, AtCentre::Unasked));
            assert!(visit.facts.is_none() && visit.opened.is_none() && visit.log.is_none() && visit.holder.is_none());
            assert_eq!(stand.place(), Place::Reading, "{place:?} {act:?}");
        }
    }
}

#[test]
fn the_last_try_is_spent_only_after_a_word_and_tries_count_down() {
    let mut stand = Stand::new();
    stand.card_in(2);
    assert!(matches!(stand.enter("864213"), Some(Effect::Card(7, Job::Open { consent: false, .. }))));
    stand.event(Event::Card(7, Said::Opened(Err(TerminalError::PinWrong { left: 1 }))));
    assert_eq!(stand.place(), Place::Pin);
    assert!(stand.enter("864213").is_none());
    assert_eq!(stand.place(), Place::LastTry);
    assert!(matches!(stand.touch(Act::Agree), Some(Effect::Card(7, Job::Open { consent: true, .. }))));
    stand.event(Event::Card(7, Said::Opened(Err(TerminalError::PinBlocked))));
    assert_eq!(stand.place(), Place::Fault);
}

#[test]
fn a_pin_that_was_blocked_here_may_have_been_made_anew_at_a_counter() {
    let mut stand = Stand::new();
    stand.card_in(0);
    let page = html::screen(&stand.machine, "", "");
    assert!(page.contains("上次在此使用时密码已锁定") && !page.contains("最后 1 次"), "{page}");
    assert!(matches!(stand.enter("864213"), Some(Effect::Card(7, Job::Open { consent: true, .. }))));
}

#[test]
fn no_remedy_for_the_public_is_a_command() {
    let errors = [
        TerminalError::NotEnrolled,
        TerminalError::CardIsPsam,
        TerminalError::NotSsc { command: "SELECT", sw: card_core::StatusWord::FILE_NOT_FOUND },
        TerminalError::CardBlank,
    ];
    for error in errors {
        let mut stand = Stand::new();
        stand.event(Event::CardIn(7));
        let code = error.code();
        stand.event(Event::Card(7, Said::Foreign(error)));
        let page = html::screen(&stand.machine, "", "");
        assert!(page.contains(code.as_str()) && !page.contains("sscard"), "{page}");
    }
}

#[test]
fn a_new_pin_is_typed_twice_and_is_another() {
    let mut stand = Stand::at(Place::NewPin);
    let guessed = ["111111", "123456", "7890", "6543", "0987654321"].map(|pin| (pin, "easily guessed"));
    let before = [("864213", "present"), ("864213", "the same")];
    let after = [("1357", "new"), ("2468", "another"), ("9753", "new")];
    for (entered, what) in before.into_iter().chain(guessed).chain(after) {
        assert!(stand.enter(entered).is_none(), "{what}");
        assert_eq!(stand.place(), Place::NewPin, "{what}");
        let page = html::screen(&stand.machine, "", "");
        assert_eq!(page.contains("容易被猜到"), what == "easily guessed", "{entered}");
    }
    let Some(Effect::Card(7, Job::ChangePin { present, new })) = stand.enter("9753") else { panic!("it is changed") };
    assert!(present.is("864213") && new.is("9753"));
    assert!(stand.enter("12").is_none());
}

#[test]
fn no_digit_that_was_entered_stands_on_the_screen() {
    let mut stand = Stand::new();
    stand.card_in(6);
    let before = html::screen(&stand.machine, "", "");
    for digit in [7, 7, 7, 7] {
        stand.touch(Act::Digit(digit));
    }
    let after = html::screen(&stand.machine, "", "");
    assert_eq!(before.matches('7').count(), after.matches('7').count());
    assert!(after.contains("data-digits=\"4\""));
    let Screen::Pin { digits, .. } = stand.machine.screen() else { panic!("the PIN is asked for") };
    assert_eq!(format!("{digits:?}"), "Digits(..)");
    stand.touch(Act::Enter);
    assert!(!format!("{:?}", stand.machine.screen()).contains("7777"));
}

#[test]
fn what_a_card_says_is_text_and_never_markup() {
    let mut stand = Stand::at(Place::Holder);
    let item = Item {
        label: Words::new("姓名", "Name"),
        value: Zeroizing::new("<img src=x onerror=alert(1)>".to_owned()),
        masked: Zeroizing::default(),
        is_long: true,
    };
    stand.touch(Act::Back);
    stand.event(Event::CardOut);
    stand.home();
    stand.touch(Act::Open(Function::Holder));
    stand.event(Event::Card(7, Said::Holder(Ok(vec![item]))));
    stand.touch(Act::Reveal);
    let drawn = html::screen(&stand.machine, "<s>", "<u>");
    assert!(
        drawn.contains("&lt;img src=x") && !drawn.contains("<img") && !drawn.contains("<s>") && !drawn.contains("<u>")
    );
}

fn texts(count: usize) -> Texts {
    let sheet = |number: usize| Sheet {
        section: Section::Vacancies,
        // The newest first.
        name: format!("{:03}", 999 - number),
        title: format!("岗位{number}"),
        text: "长".repeat(700),
    };
    Texts::of((0..count).map(sheet).collect(), Vec::new())
}

#[test]
fn public_texts_are_read_by_titles_and_parts_and_nobody_is_left_on_one_that_is_gone() {
    let mut stand = Stand::new();
    stand.touch(Act::Titles(Section::Vacancies));
    assert_eq!(stand.place(), Place::Welcome, "there are none");
    stand.event(Event::Public(texts(7)));
    stand.touch(Act::Titles(Section::Vacancies));
    stand.touch(Act::Next);
    assert!(html::screen(&stand.machine, "", "").contains("岗位6"));
    stand.touch(Act::Text(1));
    assert_eq!(stand.place(), Place::Titles, "there is no such row");
    stand.touch(Act::Text(0));
    assert!(matches!(stand.machine.screen(), Screen::Text { number: 6, part: 0, .. }));
    for _ in 0..9 {
        stand.touch(Act::Next);
    }
    let Screen::Text { part, .. } = *stand.machine.screen() else { panic!("a text") };
    assert!(part > 0 && html::screen(&stand.machine, "", "").contains("长"));
    stand.event(Event::Public(texts(7)));
    assert_eq!(stand.place(), Place::Guide, "nothing changed");
    stand.touch(Act::Back);
    assert!(matches!(stand.machine.screen(), Screen::Titles { part: 1, .. }));
    stand.event(Event::Public(texts(1)));
    assert_eq!(stand.place(), Place::Welcome);
    // Who is at a visit is not disturbed.
    stand.home();
    stand.event(Event::Public(texts(2)));
    assert_eq!(stand.place(), Place::Home);
}

#[test]
fn a_document_goes_to_the_printer_while_its_visit_lives_and_not_after() {
    let made = || {
        let answer = CertificateAnswer {
            version: Version1,
            status: AnswerStatus::Created,
            number: 3,
            code: CertificateCode::of([7; 10]),
            issued_at: DateTime::parse("20261122101500").expect("a date"),
            city: "513300".to_owned(),
            name: NAME.to_owned(),
            citizen_number: String::new(),
            employer: String::new(),
            insurances: Vec::new(),
            left_this_month: Some(2),
        };
        Told::Certificate(Ok(Box::new(Made { answer, address: "C".to_owned(), is_printed: true })))
    };
    let at = DateTime::parse("20261122101500").expect("a date");
    let asked = || {
        let mut stand = Stand::new();
        stand.home();
        stand.log();
        let mut page = page();
        page.may.push(SelfService::Certificate);
        stand.centre(Told::Overview(Ok(page)));
        stand.touch(Act::Open(Function::Certificate));
        assert!(matches!(stand.touch(Act::Agree), Some(Effect::Centre(7, _))));
        stand
    };
    let mut stand = asked();
    let Some(Effect::Print(7, _)) = stand.event(Event::Centre(7, at, made())) else { panic!("it is printed") };
    let screen = |stand: &Stand| html::screen(&stand.machine, "", "");
    assert!(screen(&stand).contains("正在打印") && !screen(&stand).contains("窗口打印"));
    stand.event(Event::Printed(6, true));
    assert!(screen(&stand).contains("正在打印"), "another's");
    stand.event(Event::Printed(7, false));
    assert!(screen(&stand).contains("打印机没有响应") && screen(&stand).contains("窗口打印"));
    // The holder took the card before the centre answered.
    let mut stand = asked();
    stand.event(Event::CardOut);
    assert!(stand.event(Event::Centre(7, at, made())).is_none());
    stand.event(Event::CardIn(8));
    assert!(stand.event(Event::Centre(7, at, made())).is_none());
}

#[test]
fn a_complaint_about_a_line_names_its_purchase() {
    let mut stand = Stand::new();
    stand.home();
    stand.log();
    let mut page = page();
    let original = Original { terminal: TerminalNumber([9; 6]), terminal_sequence: 4, card_sequence: None };
    let line = |original| StatementLine {
        date: BusinessDate::parse("2026-11-12").expect("a day"),
        kind: LineKind::Purchase,
        amount_fen: Fen::new(-800),
        balance_fen: Fen::ZERO,
        institution: None,
        original,
    };
    page.account = Some(AccountView {
        card_fen: Fen::ZERO,
        waiting_fen: Fen::ZERO,
        under_way_fen: Fen::ZERO,
        former_cards_fen: Fen::ZERO,
        total_fen: Fen::ZERO,
        pending: Vec::new(),
        unexplained_fen: None,
        lines: (0..8).map(|number| line((number == 7).then_some(original))).collect(),
    });
    stand.centre(Told::Overview(Ok(page)));
    stand.touch(Act::Open(Function::Transactions));
    stand.touch(Act::Open(Function::Account));
    stand.touch(Act::Complain(0));
    assert_eq!(stand.place(), Place::Transactions, "no purchase that the centre knows");
    stand.touch(Act::Next);
    stand.touch(Act::Complain(1));
    assert_eq!(stand.place(), Place::Ticket);
    let Some(Effect::Centre(7, question)) = stand.touch(Act::Agree) else { panic!("it is sent") };
    let about = match question.what {
        Asked::Ticket(TicketKind::Complaint, TicketSubject::Transaction, about) => about,
        other => panic!("{other:?}"),
    };
    assert_eq!(about, Some(original));
}

/// A card in order, and nothing else.
fn page() -> Box<OverviewAnswer> {
    let valid_until = BusinessDate::parse("2036-01-01").expect("a day");
    let (since, release_on) = (None, None);
    let card =
        CardView { state: CardState::Normal, since, valid_until, release_on, blacklisted: false, replaced: false };
    let (new_card, account, benefits) = (None, None, None);
    let (version, status, may) = (Version1, AnswerStatus::Created, vec![SelfService::ReportLoss]);
    Box::new(OverviewAnswer { version, status, card, new_card, may, account, benefits })
}

#[test]
fn what_explains_the_difference_has_pages_where_there_is_much_of_it() {
    let item = |fen| PendingItem {
        kind: PendingKind::SaleNotUploaded,
        amount_fen: Fen::new(fen),
        difference_fen: Fen::new(fen),
        date: None,
        institution: None,
    };
    for (count, parts) in [(2, 0), (3, 1), (6, 1), (7, 2), (20, 4)] {
        let mut stand = Stand::new();
        stand.home();
        stand.log();
        let account = AccountView {
            card_fen: Fen::new(50_000),
            waiting_fen: Fen::ZERO,
            under_way_fen: Fen::ZERO,
            former_cards_fen: Fen::ZERO,
            total_fen: Fen::new(50_000),
            pending: (1..=count).map(item).collect(),
            unexplained_fen: Some(Fen::ZERO),
            lines: Vec::new(),
        };
        stand.centre(Told::Overview(Ok(Box::new(OverviewAnswer { account: Some(account), ..*page() }))));
        stand.touch(Act::Open(Function::Difference));
        let mut seen = 0;
        for _ in 0..10 {
            stand.touch(Act::Next);
            if let Screen::Items { part } = stand.machine.screen() {
                seen = seen.max(part + 1);
            }
        }
        assert_eq!(seen, parts, "{count}");
        for _ in 0..10 {
            stand.touch(Act::Previous);
        }
        assert!(matches!(stand.machine.screen(), Screen::Told(Function::Difference)), "{count}");
    }
}

#[test]
fn the_centre_is_asked_once_by_itself_and_again_when_it_was_away_or_the_pin_changed() {
    let mut stand = Stand::new();
    stand.home();
    let Some(Effect::Centre(7, question)) = stand.log() else { panic!("it is asked") };
    assert!(matches!(question.what, Asked::Overview(on_card) if on_card.balance_fen == Fen::new(50_000)));
    assert_eq!(question.pin, Pin::Verified);
    // The first page waits for nobody.
    assert_eq!(stand.place(), Place::Home);
    assert!(stand.log().is_none(), "asked already");
    stand.centre(Told::Overview(Err(TerminalError::CentreUnreachable { address: String::new(), sent: true })));
    assert_eq!((stand.place(), stand.machine.contact), (Place::Home, None));
    stand.touch(Act::Open(Function::Insurances));
    assert_eq!(stand.place(), Place::Away);
    assert!(matches!(stand.touch(Act::Again), Some(Effect::Centre(7, _))));
    stand.centre(Told::Overview(Ok(page())));
    assert_eq!(stand.place(), Place::Insurances);
    assert!(stand.machine.contact.is_some());
    let changed = stand.event(Event::Card(7, Said::PinChanged(Ok(()))));
    assert!(matches!(changed, Some(Effect::Centre(7, _))));
    // A kiosk without a centre asks nobody.
    let mut alone = Stand { machine: Machine::new(guide::built_in(), false, None), now: 0 };
    alone.home();
    assert!(alone.log().is_none());
    for function in [Function::Insurances, Function::Ticket, Function::Difference] {
        assert!(alone.touch(Act::Open(function)).is_none());
        assert_eq!(alone.place(), Place::Home);
    }
}

#[test]
fn what_was_asked_before_another_page_was_opened_does_not_take_the_screen() {
    let mut stand = Stand::new();
    stand.home();
    // The log that is fetched for the centre comes while the holder's data are waited for.
    stand.touch(Act::Open(Function::Holder));
    assert!(matches!(stand.log(), Some(Effect::Centre(..))));
    assert_eq!(stand.place(), Place::Working);
    stand.centre(Told::Overview(Ok(page())));
    assert_eq!(stand.place(), Place::Working);
    stand.event(Event::Card(7, Said::Holder(Ok(Vec::new()))));
    assert_eq!(stand.place(), Place::Holder);
}
