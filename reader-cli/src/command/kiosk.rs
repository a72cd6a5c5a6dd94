//! `kiosk`: people serve themselves with their card.
//!
//! Owns: what is done with a card at the kiosk, and the watch for its removal. Never: what stands on the screen (`kiosk`).

use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use card_core::transport::pcsc::Readers;
use card_counter::clock::{Now, Stopwatch};
use card_counter::error::{Code, TerminalError};
use card_counter::language::{Language, Words};
use card_counter::letter::Letter;
use card_counter::read::{self, Keys};
use card_counter::store::Store;
use card_counter::tap::{Ask, Met, Tapped, tap};
use card_counter::terminal::random;
use card_counter::{account, pin};
use card_desk::Desk;
use card_profiles::account::{AccountRules, SequenceConvention};
use settlement::DateTime;
use settlement::fen::Fen;
use settlement::id::{RequestId, TerminalNumber};
use settlement::message::{Request, Version1};
use settlement::query::{
    CertificatePrintRequest, CertificateRequest, LOG_RECORDS_MAX, LogKind, LoggedTransaction, LossRequest,
    OverviewRequest, TicketRequest,
};
use settlement::recovery::LogRecord;
use zeroize::Zeroizing;

use super::Setting;
use super::card::fitting_psam;
use super::office::Office;
use crate::arguments::KioskArguments;
use crate::exit::Exit;
use crate::http::{Centre, Way};
use crate::kiosk::door::Door;
use crate::kiosk::guide::{self, Sheet, Texts};
use crate::kiosk::machine::Event;
use crate::kiosk::press::Press;
use crate::kiosk::visit::{Asked, Facts, Item, Job, Log, Made, Opened, Question, Said, Told, Undone};
use crate::kiosk::{Clock, Kiosk, Signal, Site};
use crate::page::{Page, Value};

/// How long one look for a card lasts.
const LOOK: Duration = Duration::from_secs(600);
/// Before a daemon that failed is asked again.
const PAUSE: Duration = Duration::from_secs(1);
/// Until the public texts are read again; and while the centre does not answer.
const TEXTS_EVERY: Duration = Duration::from_secs(600);
const TEXTS_AGAIN: Duration = Duration::from_secs(60);
/// How long one look for a card's removal lasts.
const WATCH: Duration = Duration::from_secs(60);

/// What comes to whoever holds the card.
enum Work {
    /// From the kiosk, for the card of a visit.
    Job(u64, Job),
    /// The card of a visit is out.
    Out(u64),
}

/// `kiosk`.
pub(super) fn run(setting: &Setting<'_>, arguments: &KioskArguments) -> Result<Exit, TerminalError> {
    let own = setting.configuration.kiosk.with(arguments);
    let door = Door::open(&own.listen)?;
    let mut page = Page::new().with("address", Words::new("地址", "address"), Value::text(door.address()));
    let office = match (&setting.configuration.centre, setting.office()) {
        (None, _) => None,
        (Some(_), Ok(office)) => Some((setting.centre()?, office)),
        // What the card says is told without a centre.
        (Some(_), Err(error)) => {
            let (what, code) = (error.what(), error.code().as_str());
            let words = Words::of(
                format!("不向中心查询({code}):{}", what.zh),
                format!("the centre is not asked ({code}): {}", what.en),
            );
            page = page.noted("CARD_ONLY", words);
            None
        }
    };
    setting.output.answer(&page)?;
    let contact = match &office {
        Some((_, office)) => office.store.contact()?,
        None => None,
    };
    let (signal, signals) = channel();
    let clock = if arguments.told_clock { Clock::Told(0) } else { Clock::System(Stopwatch::start()) };
    let site = Site { has_centre: office.is_some(), contact, place: own.place.clone(), greeting: own.greeting.clone() };
    let (job, jobs) = channel();
    let (question, questions) = channel();
    let (print, prints) = channel();
    let (asking, asked) = channel();
    let kiosk = Kiosk::new(site, guide::built_in(), clock, job, question, print);
    let press = Press {
        font: setting.configuration.font.clone(),
        check: setting.configuration.receipt_check.clone(),
        printer: own.printer.clone(),
        within: own.printer_within,
    };
    let (heard, hears) = channel();
    let (work, works) = channel();
    spawn(move || door.serve(&heard));
    if let Some((way, office)) = office {
        let (public, texts) = (way.clone(), own.pages.clone());
        let told = signal.clone();
        spawn(move || tell_texts(Some(&public), texts.as_deref(), &told));
        let (signal, press) = (signal.clone(), press.clone());
        spawn(move || ask_centre(way, office, &press, asked, &signal));
        forward(questions, asking.clone(), |(visit, question)| Asking::Question(visit, Box::new(question)));
    } else {
        let (texts, told) = (own.pages.clone(), signal.clone());
        spawn(move || tell_texts(None, texts.as_deref(), &told));
    }
    {
        let signal = signal.clone();
        spawn(move || {
            // A printer that hangs holds up neither the centre nor another visit.
            for (visit, answer) in prints {
                let (press, signal, asking) = (press.clone(), signal.clone(), asking.clone());
                spawn(move || {
                    let is_done = press.print(&answer);
                    let _ = signal.send(Signal::Event(Event::Printed(visit, is_done)));
                    // What did not come out does not count; when the centre is away by now, it does.
                    let _ = asking.send(Asking::Printed { number: answer.number, is_done });
                });
            }
        });
    }
    forward(hears, signal.clone(), Signal::Page);
    forward(jobs, work.clone(), |(visit, job)| Work::Job(visit, job));
    if arguments.told_clock {
        let signal = signal.clone();
        spawn(move || {
            for line in std::io::stdin().lines().map_while(Result::ok) {
                let Ok(milliseconds) = line.trim().parse() else { continue };
                if signal.send(Signal::Passed(milliseconds)).is_err() {
                    return;
                }
            }
        });
    }
    spawn(move || kiosk.run(&signals));
    let mut stand = Stand { setting, signal, work, visit: 0 };
    loop {
        stand.visit += 1;
        stand.serve(&works);
    }
}

fn spawn(work: impl FnOnce() + Send + 'static) {
    std::thread::spawn(work);
}

fn forward<A: Send + 'static, B: Send + 'static>(
    from: Receiver<A>,
    to: Sender<B>,
    wrap: impl Fn(A) -> B + Send + 'static,
) {
    spawn(move || {
        for one in from {
            if to.send(wrap(one)).is_err() {
                return;
            }
        }
    });
}

/// Where the card is served.
struct Stand<'s> {
    setting: &'s Setting<'s>,
    signal: Sender<Signal>,
    work: Sender<Work>,
    /// Number of the visit of the card that is in, or comes next.
    visit: u64,
}

impl Stand<'_> {
    /// One card, from the wait for it to its removal.
    fn serve(&self, works: &Receiver<Work>) {
        let (mut desk, ask) = match self.setting.desk_waiting(LOOK).and_then(with_psam) {
            Ok(ready) => ready,
            Err(error) => {
                self.tell(Event::Readers(Err(error)));
                std::thread::sleep(PAUSE);
                return;
            }
        };
        self.tell(Event::Readers(Ok(())));
        desk.recognise(self.setting.card_memory().types().clone());
        let mut reader = None;
        let mut begin = |name: &str, met: Met| {
            reader = Some(name.to_owned());
            self.tell(Event::CardIn(self.visit));
            tap(met, &self.setting.catalog, self.setting.card_memory(), ask)
        };
        // A PSAM is in our hands by now; another one is a card that cannot be served.
        let tapped = desk.meet(&mut begin, |_: &TerminalError| false);
        let Some(reader) = reader else {
            match tapped {
                Err(error) if waits(&error) => {}
                Err(error) => {
                    self.tell(Event::Readers(Err(error)));
                    std::thread::sleep(PAUSE);
                }
                Ok(_) => {}
            }
            return;
        };
        self.watch(reader);
        match tapped {
            Ok(mut tapped) => self.attend(&mut desk, &mut tapped, works),
            Err(error) => {
                self.said(Said::Foreign(error));
                while self.next(works).is_some() {}
            }
        }
        self.tell(Event::CardOut);
    }

    fn tell(&self, event: Event) {
        // The kiosk's thread ends with the process only.
        let _ = self.signal.send(Signal::Event(event));
    }

    fn said(&self, said: Said) {
        self.tell(Event::Card(self.visit, said));
    }

    /// The next job for the card that is in; `None` when it is out. What was meant for another card is not done.
    fn next(&self, works: &Receiver<Work>) -> Option<Job> {
        loop {
            match works.recv() {
                Ok(Work::Job(visit, job)) if visit == self.visit => return Some(job),
                Ok(Work::Out(visit)) if visit == self.visit => return None,
                Ok(Work::Job(..) | Work::Out(_)) => {}
                Err(_) => return None,
            }
        }
    }

    /// Says when the card is out, or its reader gone.
    fn watch(&self, reader: String) {
        let (work, visit) = (self.work.clone(), self.visit);
        spawn(move || {
            let is_in = || Readers::establish().and_then(|readers| readers.wait(&reader, false, WATCH));
            while matches!(is_in(), Ok(false)) {}
            let _ = work.send(Work::Out(visit));
        });
    }

    /// Does what the kiosk wants of the card, until it is out.
    fn attend(&self, desk: &mut Desk<'_>, tapped: &mut Tapped<'_>, works: &Receiver<Work>) {
        let here = pin::tries_left(tapped).map(|tries| Facts {
            identifier: tapped.identifier,
            tries,
            valid_until: tapped.issuer_item("valid_until").to_owned(),
        });
        self.said(here.map_or_else(Said::Foreign, Said::Here));
        while let Some(job) = self.next(works) {
            self.said(match job {
                Job::Open { pin, consent } => Said::Opened(open(tapped, &pin, consent)),
                Job::Log => Said::Log(log(tapped)),
                Job::Holder => Said::Holder(holder(desk, tapped)),
                Job::ChangePin { present, new } => Said::PinChanged(pin::change(tapped, &present, &new, false)),
            });
        }
    }
}

/// The readers with the PSAM in our hands, so that the holder's card is told from it and need not wait for it; and whether cards
/// are asked for their algorithm. Without a PSAM the holder's data of some cards cannot be read, and all else can.
fn with_psam(mut desk: Desk<'_>) -> Result<(Desk<'_>, Ask), TerminalError> {
    match desk.serves_several_algorithms()? {
        Some(true) => Ok((desk.asking(Ask::Algorithm), Ask::Algorithm)),
        Some(false) | None => Ok((desk.asking(Ask::Nothing), Ask::Nothing)),
    }
}

/// Whether an error only says that no card came.
fn waits(error: &TerminalError) -> bool {
    matches!(error.code(), Code::NoCard)
}

fn open(tapped: &mut Tapped<'_>, given: &card_counter::secret::Pin, consent: bool) -> Result<Opened, TerminalError> {
    pin::verify(tapped, given, consent)?;
    let is_initial = tapped.profile.pin.as_ref().is_some_and(|row| given.is(&row.initial));
    let rules = tapped.account()?;
    Ok(Opened { balances: account::balances(tapped, rules)?, is_initial })
}

fn log(tapped: &mut Tapped<'_>) -> Result<Log, TerminalError> {
    let rules = tapped.account()?;
    let records = account::log(tapped, rules)?;
    let told = records.iter().filter_map(|record| logged(rules, record)).take(LOG_RECORDS_MAX).collect();
    Ok(Log { records, told, purchase: rules.purchase_type, load: rules.load_type })
}

/// A record of the log as the centre is told it; `None` for one that is neither purchase nor load.
fn logged(rules: &AccountRules, record: &LogRecord) -> Option<LoggedTransaction> {
    let kind = match record.transaction_type {
        byte if byte == rules.purchase_type => LogKind::Purchase,
        byte if byte == rules.load_type => LogKind::Load,
        _ => return None,
    };
    let card_sequence = match rules.sequence_convention {
        SequenceConvention::Before => record.sequence,
        SequenceConvention::After => record.sequence.wrapping_sub(1),
    };
    Some(LoggedTransaction {
        kind,
        card_sequence,
        amount_fen: Fen::from_card(record.amounts.personal_account),
        terminal: record.terminal,
        date_time: DateTime::from_bcd(record.date_time).ok(),
    })
}

/// What the centre is asked or told.
enum Asking {
    /// A question of a visit.
    Question(u64, Box<Question>),
    /// What became of a certificate at the printer.
    Printed {
        /// Its number.
        number: u64,
        /// Whether the printer took it.
        is_done: bool,
    },
}

/// Asks the centre what the kiosk wants to know, one question after the other.
fn ask_centre(way: Way, office: Office, press: &Press, asked: Receiver<Asking>, signal: &Sender<Signal>) {
    let Office { mut store, key, terminal } = office;
    let centre = Centre::at(way, &key, terminal);
    // A certificate that nobody answered, and of which visit: whoever asks again there asks for the same one.
    let mut open: Option<(u64, RequestId)> = None;
    for asking in asked {
        let (visit, question) = match asking {
            Asking::Question(visit, question) => (visit, *question),
            Asking::Printed { number, is_done: printed } => {
                let _ = random().map(RequestId).and_then(|request_id| {
                    let version = Version1;
                    let request = CertificatePrintRequest { version, request_id, terminal, number, printed };
                    act_at_centre(&centre, &mut store, &request, false)
                });
                continue;
            }
        };
        open = open.filter(|(of, _)| *of == visit);
        let told = answered(&centre, terminal, &mut store, press, question, |id| match open {
            Some((_, before)) => (before, true),
            None => (open.insert((visit, id)).1, false),
        });
        if matches!(&told, Told::Certificate(answer) if answer.as_ref().map_or_else(Undone::of, |_| Undone::Refused) == Undone::Refused)
        {
            open = None;
        }
        let at = Now::of_system().date_time();
        if told.is_contact() {
            // A date for the page of another day: what cannot be written down is not shown then.
            let _ = store.set_contact(at);
        }
        if signal.send(Signal::Event(Event::Centre(visit, at, told))).is_err() {
            return;
        }
    }
}

/// Tells the public texts of the site's folder and of the centre, now and whenever they may have changed. When the centre does not
/// answer, what it said before stands.
fn tell_texts(way: Option<&Way>, folder: Option<&Path>, signal: &Sender<Signal>) {
    let mut last: [Vec<Sheet>; 2] = Default::default();
    loop {
        let sheets = [Language::Zh, Language::En].map(|language| {
            let own = folder.map(|folder| guide::sheets(folder, language)).unwrap_or_default();
            (own, way.and_then(|way| way.public_texts(language)).map(guide::told))
        });
        let is_whole = sheets.iter().all(|(_, told)| told.is_some()) || way.is_none();
        for ((own, told), last) in sheets.into_iter().zip(&mut last) {
            if let Some(told) = told {
                *last = own.into_iter().chain(told).collect();
            } else if last.is_empty() {
                *last = own;
            }
        }
        let texts = Texts::of(last[0].clone(), last[1].clone());
        if signal.send(Signal::Event(Event::Public(texts))).is_err() {
            return;
        }
        std::thread::sleep(if is_whole { TEXTS_EVERY } else { TEXTS_AGAIN });
    }
}

fn answered(
    centre: &Centre<'_>,
    terminal: TerminalNumber,
    store: &mut Store,
    press: &Press,
    question: Question,
    certificate: impl FnOnce(RequestId) -> (RequestId, bool),
) -> Told {
    let Question { card: card_identifier, pin, what } = question;
    let version = Version1;
    let id = || random().map(RequestId);
    match what {
        Asked::Overview(on_card) => Told::Overview(id().and_then(|request_id| {
            let on_card = Some(on_card);
            centre.ask(&OverviewRequest { version, request_id, terminal, card_identifier, pin, on_card }).map(Box::new)
        })),
        Asked::Loss(act) => Told::Loss(
            act,
            id().and_then(|request_id| {
                let request = LossRequest { version, request_id, terminal, card_identifier, pin, act };
                act_at_centre(centre, store, &request, false).map(drop)
            }),
        ),
        Asked::Certificate => Told::Certificate(id().map(certificate).and_then(|(request_id, is_again)| {
            let request = CertificateRequest { version, request_id, terminal, card_identifier, pin };
            act_at_centre(centre, store, &request, is_again).map(|answer| {
                let (address, is_printed) = (press.address(&answer.code.to_string()), press.printer.is_some());
                Box::new(Made { answer, address, is_printed })
            })
        })),
        Asked::Ticket(kind, subject, about) => Told::Ticket(id().and_then(|request_id| {
            let card_identifier = Some(card_identifier);
            let (institution, text) = (None, None);
            let request = TicketRequest {
                version,
                request_id,
                terminal,
                card_identifier,
                kind,
                subject,
                about,
                institution,
                text,
            };
            act_at_centre(centre, store, &request, false).map(|answer| answer.number)
        })),
    }
}

/// Written down before it is sent, unless it is a letter of before, and sent once more where no answer came: the centre does it once.
fn act_at_centre<R: Request>(
    centre: &Centre<'_>,
    store: &mut Store,
    request: &R,
    is_again: bool,
) -> Result<R::Answer, TerminalError> {
    let letter = Letter::of(request)?;
    if !is_again {
        store.write_letter(request.request_id(), &letter, None)?;
    }
    let answer = centre.send::<R>(&letter).or_else(|first| match first {
        TerminalError::CentreUnreachable { .. } => centre.send::<R>(&letter).map_err(|second| {
            // What was sent the first time may be done, whatever became of it the second.
            if Undone::of(&second) == Undone::ForNow { first } else { second }
        }),
        other => Err(other),
    });
    let outcome = answer.as_ref().map_or_else(|error| error.code().as_str(), |_| "OK");
    // What the centre said is said also where it cannot be noted: the next letter is not written there, and not sent.
    let _ = store.letter_answered(request.request_id(), outcome);
    answer
}

/// What stands on the screen of the holder's data, in this order: place, names, and what is left of it when masked.
const ITEMS: [(&str, &str, &str, Mask); 8] = [
    ("SSSE.EF06.name", "姓名", "Name", Mask::Name),
    ("SSSE.EF06.social_security_number", "社会保障号码", "Social security number", Mask::Number),
    ("SSSE.EF06.birth_date", "出生日期", "Date of birth", Mask::Year),
    ("SSSE.EF05.card_number", "卡号", "Card number", Mask::Ends),
    ("SSSE.EF05.issue_date", "发卡日期", "Issued", Mask::Nothing),
    ("SSSE.EF05.valid_until", "有效期至", "Valid until", Mask::Nothing),
    ("DF01.EF06.residence_address", "常住地址", "Address", Mask::Start),
    ("DF01.EF06.phone", "联系电话", "Phone", Mask::Phone),
];

/// What is left of a value when it is masked.
#[derive(Clone, Copy)]
enum Mask {
    Nothing,
    Name,
    Number,
    Phone,
    Year,
    Ends,
    Start,
}

impl Mask {
    /// First and last characters that stay.
    const fn kept(self) -> Option<(usize, usize)> {
        match self {
            Self::Nothing => None,
            Self::Name => Some((1, 0)),
            Self::Number => Some((6, 4)),
            Self::Phone => Some((3, 4)),
            Self::Year => Some((4, 0)),
            Self::Ends => Some((1, 2)),
            Self::Start => Some((3, 0)),
        }
    }

    fn of(self, value: &str) -> Zeroizing<String> {
        let Some((first, last)) = self.kept() else { return Zeroizing::new(value.to_owned()) };
        let count = value.chars().count();
        let shown = |at: usize| at < first || at + last >= count;
        // A value as short as what would stay keeps its first character.
        let is_short = count <= first + last;
        Zeroizing::new(
            value
                .chars()
                .enumerate()
                .map(|(at, character)| if is_short && at > 0 || !is_short && !shown(at) { '*' } else { character })
                .collect(),
        )
    }
}

fn holder(desk: &mut Desk<'_>, tapped: &mut Tapped<'_>) -> Result<Vec<Item>, TerminalError> {
    let mut psam = if tapped.holder_needs_key() { fitting_psam(desk, tapped)? } else { None };
    let files: Vec<(&str, &str)> = [("SSSE", "EF06"), ("DF01", "EF06")]
        .into_iter()
        .filter(|(df, ef)| tapped.profile.ef(df, ef).is_some())
        .collect();
    let read = read::files(tapped, &files, Keys { psam: psam.as_mut(), consent: false });
    if let Some(error) = read.lost {
        return Err(error);
    }
    // The person's own file is what the page is for; the others may be missing.
    let first = read.unread.into_iter().find(|file| file.file.df() == "SSSE");
    if let Some(unread) = first {
        return Err(unread.error);
    }
    let values = &tapped.reading().values;
    let items = ITEMS.into_iter().filter_map(|(place, zh, en, mask)| {
        let value = Zeroizing::new(values.text(place)?.to_owned());
        Some(Item { label: Words::new(zh, en), masked: mask.of(&value), value, is_long: matches!(mask, Mask::Start) })
    });
    Ok(items.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_keep_what_tells_people_their_own_and_no_more() {
        for (mask, value, masked) in [
            (Mask::Number, "513399198001010019", "513399********0019"),
            (Mask::Phone, "13912345678", "139****5678"),
            (Mask::Name, "卓玛措", "卓**"),
            (Mask::Year, "19800101", "1980****"),
            (Mask::Number, "1234567890", "1*********"),
            (Mask::Name, "李", "李"),
            (Mask::Nothing, "20250101", "20250101"),
            (Mask::Start, "", ""),
        ] {
            assert_eq!(mask.of(value).as_str(), masked);
        }
    }
}
