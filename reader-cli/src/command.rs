//! One command line, from arguments to answer.
//!
//! Owns: which flow a command runs, and what every flow with a card begins with. Never: card commands, SQL, printing.

mod account;
mod bridge;
mod card;
mod catalogue;
mod certificate;
mod compat;
mod config;
mod conform;
mod contents;
mod day_end;
mod delivery;
mod driver;
mod handout;
mod journal;
mod kiosk;
mod load;
mod national;
mod office;
mod pay;
mod policy;
mod profile;
mod readers;
mod refund;
mod reset;
mod shell;
mod states;
mod tear;
mod trace;
mod trial;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use card_core::security::psam::Psam;
use card_core::tries::TriesLeft;
use card_desk::{Desk, Setup};
use card_profiles::Catalog;
use card_profiles::key_file::GivenKeys;
use card_profiles::memory::CardMemory;
use card_profiles::psams::{PsamBook, PsamMemory};
use card_profiles::trace::Decoder;
use settlement::id::TerminalNumber;
use settlement::journal::State;

use crate::arguments::{
    Arguments, CardCommand, CatalogueCommand, Command, ConfigCommand, Form, PinArguments, PinCommand, Places,
    ProfileCommand, ReceiptArguments, TraceCommand,
};
use crate::configuration::Configuration;
use crate::exit::Exit;
use crate::output::Output;
use crate::page::Page;
use crate::trace::Trace;
use card_counter::check::Rules;
use card_counter::clock::Now;
use card_counter::error::{Code, TerminalError};
use card_counter::file;
use card_counter::journal::{Entry, EntryNumber, Journal as _, Subject};
use card_counter::language::Words;
use card_counter::pin;
use card_counter::profile::{Contradictions, SiteText};
use card_counter::secret::Pin;
use card_counter::settle::settle;
use card_counter::store::Store;
use card_counter::tap::{Approached, Ask, Met, Tapped, tap};

/// What every command works with.
#[derive(Debug)]
struct Setting<'a> {
    configuration: Configuration,
    catalog: Catalog,
    output: &'a Output,
    now: Now,
    trace: Option<Trace>,
    /// What a tap settled, until somebody was told.
    owed: RefCell<Owed>,
}

/// Notes about what a tap settled, and the entries that they are about.
#[derive(Debug, Default)]
struct Owed {
    notes: Page,
    entries: Vec<EntryNumber>,
}

impl Setting<'_> {
    /// The notes were given with an answer.
    fn told(&self) {
        let Owed { entries, .. } = self.owed.take();
        // A mark that stays is said once more.
        if let Some(Ok(Some(mut store))) = (!entries.is_empty()).then(|| Store::open_if_there(&self.configuration.data))
        {
            for number in entries {
                let _ = store.word_given(number);
            }
        }
    }

    /// The end of a command: what is owed goes out before its error.
    fn say_what_is_owed(&self, has_failed: bool) {
        let notes = self.owed.borrow().notes.clone();
        if has_failed && !notes.notes.is_empty() && self.output.answer(&notes).is_err() {
            return;
        }
        self.told();
    }
}

/// Runs a command.
///
/// # Errors
/// [`TerminalError`]; what was done before it is in the journal.
pub fn run(arguments: &Arguments, output: &Output) -> Result<Exit, TerminalError> {
    let shows_layout = matches!(arguments.command, Command::Profile(ProfileCommand::Show { .. }));
    if output.form == Form::Layout && !shows_layout {
        let reason = Words::new(
            "layout 只用于 profile show；请写 text 或 json",
            "the form layout is that of profile show; write text or json",
        );
        return Err(TerminalError::Configuration { place: "--format".to_owned(), reason });
    }
    let is_on_paper = match &arguments.command {
        Command::Profile(_) | Command::Trace(_) | Command::Policy(_) | Command::Tear(_) | Command::Config(_) => true,
        Command::Catalogue(command) => !is_fetched(command),
        Command::Card(CardCommand::Diff(arguments)) => !contents::reads_cards(arguments),
        _ => false,
    };
    if arguments.trace.is_some() && matches!(arguments.command, Command::Bridge(_) | Command::Compat { .. }) {
        let reason = Words::new("驱动函数的通信不作记录", "what the driver's functions say to cards is not recorded");
        return Err(TerminalError::Configuration { place: "--trace".to_owned(), reason });
    }
    if arguments.trace.is_some() && is_on_paper {
        let reason = Words::new(
            "此命令不与卡通信，没有可记录的内容",
            "this command speaks with no card: there is nothing to record",
        );
        return Err(TerminalError::Configuration { place: "--trace".to_owned(), reason });
    }
    match &arguments.command {
        // What is on paper only: no reader, no data folder; of a configuration, if there is one, the regions.
        Command::Profile(command) => quietly(profile::run(output, &arguments.places, command)),
        Command::Catalogue(command) if !is_fetched(command) => quietly(catalogue::run(output, command)),
        Command::Policy(command) => quietly(policy::run(output, command)),
        Command::Trace(TraceCommand::Decode { file, profile }) => {
            let by = (&arguments.places, profile.as_deref());
            quietly(trace::decode(output, file, by))
        }
        Command::Trace(TraceCommand::Redact { file, profile, out }) => {
            let by = (&arguments.places, profile.as_deref());
            quietly(trace::redact(output, file, by, out))
        }
        Command::Card(CardCommand::Diff(cards)) if !contents::reads_cards(cards) => {
            contents::diff(output, &arguments.places, cards)
        }
        Command::Tear(arguments) => tear::run(output, *arguments),
        Command::Config(ConfigCommand::Show { origin }) => quietly(config::show(&arguments.places, output, *origin)),
        command => at_the_counter(arguments, command, output),
    }
}

/// Whether a command about catalogues is about those of the centre, which lie in the terminal's folder.
const fn is_fetched(command: &CatalogueCommand) -> bool {
    matches!(command, CatalogueCommand::Update | CatalogueCommand::Held)
}

/// Runs a command that needs to know where things are.
fn at_the_counter(arguments: &Arguments, command: &Command, output: &Output) -> Result<Exit, TerminalError> {
    let configuration = Configuration::load(&arguments.places, |name| std::env::var(name).ok())?;
    let now = Now::of_system();
    let site = card_counter::profile::of_site(&configuration.regions)?;
    for found in site.iter().filter_map(SiteText::contradictions) {
        output.remark(Code::ProfileContradicts.as_str(), &contradicts(&found));
    }
    let catalog = card_counter::profile::catalog(&site);
    let decoder = || Decoder::knowing(&catalog);
    let trace = arguments.trace.as_deref().map(|path| Trace::create_by(path, now, decoder())).transpose()?;
    let setting = Setting { configuration, catalog, output, now, trace, owed: RefCell::default() };
    let exit = carry_out(&setting, command);
    setting.say_what_is_owed(exit.is_err());
    if let Err(TerminalError::PsamAlgorithm { readers }) = &exit
        && readers.is_empty()
    {
        // The card said so, no PSAM was asked: perhaps one has more by now than is remembered. A hint: what cannot be written
        // down is refused once more.
        let _ = PsamMemory::recall(&setting.configuration.data).change(PsamBook::doubt_usual_only);
    }
    match setting.trace.as_ref().and_then(Trace::failure) {
        None => exit,
        // What was done is done; that it was not recorded is said beside it.
        Some(error) => {
            output.error(&error);
            exit.map(|exit| if exit == Exit::Ok { Exit::Partly } else { exit })
        }
    }
}

/// Profiles of the site: first digits of the city code, built-in name or path.
type Regions = BTreeMap<String, String>;

/// The regions of the site, for what is on paper: without any place to look for a configuration there are none.
fn regions(places: &Places) -> Result<Regions, TerminalError> {
    if !Configuration::is_anywhere(places, |name| std::env::var(name).ok()) {
        return Ok(Regions::new());
    }
    Ok(Configuration::load(places, |name| std::env::var(name).ok())?.regions)
}

/// The profiles that come with the product, and those of the site.
fn catalog(configuration: &Configuration) -> Result<Catalog, TerminalError> {
    Ok(card_counter::profile::catalog(&card_counter::profile::of_site(&configuration.regions)?))
}

/// The profiles by which what lies in a file is read, those of the site among them.
fn catalog_on_paper(places: &Places) -> Result<Catalog, TerminalError> {
    Ok(card_counter::profile::catalog(&card_counter::profile::of_site(&regions(places)?)?))
}

/// A text by which cards are read, though rows of it contradict each other.
fn contradicts(found: &Contradictions) -> Words {
    let words = found.words();
    Words::of(
        format!("{};不影响读卡;用 sscard profile lint 查看", words.zh),
        format!("{}; cards are read by it all the same; see sscard profile lint", words.en),
    )
}

fn carry_out(setting: &Setting<'_>, command: &Command) -> Result<Exit, TerminalError> {
    match command {
        Command::Readers => readers::list(setting),
        Command::Card(CardCommand::Read(arguments)) => card::read(setting, arguments),
        Command::Card(CardCommand::Check(arguments)) => card::check(setting, arguments),
        Command::Card(CardCommand::Authenticate { last_try }) => card::authenticate(setting, *last_try),
        Command::Card(CardCommand::Dump(arguments)) => card::dump(setting, arguments),
        Command::Balance(arguments) => account::balance(setting, arguments),
        Command::Log(arguments) => account::log(setting, arguments),
        Command::Pin(PinCommand::Verify(arguments)) => account::verify_pin(setting, arguments),
        Command::Pin(PinCommand::Change(arguments)) => account::change_pin(setting, arguments),
        Command::Pin(PinCommand::Reset(arguments)) => reset::reset(setting, arguments),
        Command::Cert(command) => certificate::run(setting, command),
        Command::Load(arguments) => load::load(setting, arguments),
        Command::Pay(arguments) => pay::pay(setting, arguments),
        Command::Refund(command) => refund::run(setting, command),
        Command::Cancel(arguments) => refund::cancel(setting, arguments),
        Command::Shell(arguments) => shell::run(setting, arguments),
        Command::Journal(command) => journal::run(setting, command),
        Command::Receipt(command) => journal::receipt(setting, command),
        Command::Driver(command) => driver::run(setting, command),
        Command::SignIn => office::sign_in(setting),
        Command::SignOut => office::sign_out(setting),
        Command::Blacklist(command) => office::blacklist(setting, command),
        Command::Catalogue(CatalogueCommand::Update) => delivery::run(setting, true),
        Command::Catalogue(CatalogueCommand::Held) => delivery::run(setting, false),
        Command::Upload => day_end::upload(setting),
        Command::DayEnd => day_end::day_end(setting),
        Command::Terminal(command) => office::terminal(setting, command),
        Command::National(command) => national::run(setting, command),
        Command::Conform(arguments) => conform::run(setting, arguments),
        Command::Bridge(arguments) => bridge::run(setting, arguments),
        Command::Kiosk(arguments) => kiosk::run(setting, arguments),
        Command::Compat { file } => compat::run(setting, file),
        Command::Card(CardCommand::Diff(arguments)) => contents::diff_at_counter(setting, arguments),
        Command::Profile(_)
        | Command::Trace(_)
        | Command::Catalogue(_)
        | Command::Policy(_)
        | Command::Tear(_)
        | Command::Config(_) => Err(TerminalError::Bug("what needs no configuration runs without it")),
    }
}

/// An answer about files that nobody reads to its end, as with `| head`: nothing is lost, and nothing to be told.
fn quietly(done: Result<Exit, TerminalError>) -> Result<Exit, TerminalError> {
    match done {
        Err(TerminalError::Output { closed: true }) => Ok(Exit::Ok),
        other => other,
    }
}

impl Setting<'_> {
    fn desk(&self) -> Result<Desk<'_>, TerminalError> {
        self.desk_waiting(self.configuration.wait)
    }

    /// As [`Setting::desk`], with another wait for the card than was configured.
    fn desk_waiting(&self, wait: Duration) -> Result<Desk<'_>, TerminalError> {
        let Configuration { reader, psam, interface, data, .. } = &self.configuration;
        let (card, psam) = (reader.as_deref(), psam.as_deref());
        let setup = Setup { card, psam, interface: *interface, wait };
        let desk = Desk::open(setup, &self.catalog)?.knowing(PsamMemory::recall(data));
        Ok(match &self.trace {
            None => desk,
            Some(trace) => desk.recorded(|reader, card| Box::new(trace.recorder(reader, Box::new(card)))),
        })
    }

    /// The readers for a transaction, and whether its card is asked for its algorithm: INITIALIZE answers that, unless a PSAM at
    /// hand serves several.
    fn desk_for_money(&self) -> Result<(Desk<'_>, Ask), TerminalError> {
        let mut desk = self.desk()?.asking(Ask::Nothing);
        desk.recognise(self.card_memory().types().clone());
        match desk.serves_several_algorithms()? {
            Some(true) => Ok((desk.asking(Ask::Algorithm), Ask::Algorithm)),
            Some(false) => Ok((desk, Ask::Nothing)),
            None => Err(TerminalError::PsamMissing { readers: desk.names()? }),
        }
    }

    /// The card in the reader, recognised.
    fn tapped(&self, desk: &mut Desk<'_>) -> Result<Tapped<'_>, TerminalError> {
        self.tapped_asking(desk, Ask::Algorithm)
    }

    /// As [`Setting::tapped`]; where the algorithm cannot matter it is not asked.
    fn tapped_asking(&self, desk: &mut Desk<'_>, ask: Ask) -> Result<Tapped<'_>, TerminalError> {
        desk.recognise(self.card_memory().types().clone());
        self.meet(desk, &mut |met| tap(met, &self.catalog, self.card_memory(), ask))
    }

    /// Begins with the card in the reader.
    fn meet<T>(
        &self,
        desk: &mut Desk<'_>,
        begin: &mut dyn FnMut(Met) -> Result<T, TerminalError>,
    ) -> Result<T, TerminalError> {
        let is_foreign = |error: &TerminalError| matches!(error, TerminalError::NotSsc { .. });
        match desk.meet(&mut |_, met| begin(met), is_foreign) {
            Err(error) if is_foreign(&error) && matches!(desk.named_card_is_psam(), Ok(true)) => {
                Err(TerminalError::CardIsPsam)
            }
            result => result,
        }
    }

    fn card_memory(&self) -> CardMemory {
        CardMemory::recall(&self.configuration.data)
    }

    /// The PSAM for a card, which a transaction cannot do without.
    fn psam(&self, desk: &mut Desk<'_>, tapped: &Tapped<'_>) -> Result<Psam, TerminalError> {
        tapped.algorithm()?;
        match desk.psam(tapped.profile)? {
            Some(psam) => Ok(psam),
            None => Err(TerminalError::PsamMissing { readers: desk.names()? }),
        }
    }

    /// The journal of this terminal, with the turn at the counter, bound to this PSAM.
    fn till(&self, psam: &Psam) -> Result<(Store, TerminalNumber), TerminalError> {
        Store::open_for_money(&self.configuration.data, psam.terminal_number())
    }

    /// The journal for commands that only look: when it cannot be opened they say so and go on.
    fn memory(&self) -> (Option<Store>, Page) {
        match Store::open_if_there(&self.configuration.data) {
            Ok(store) => (store, Page::new()),
            Err(error) => {
                let (what, place) = (error.code().as_str(), error.to_string());
                let words = Words::of(
                    format!("日志打不开({what}),未检查此卡有无未了结的交易:{place}"),
                    format!("the journal cannot be opened ({what}); open transactions were not looked for: {place}"),
                );
                (None, Page::new().noted("JOURNAL_UNAVAILABLE", words))
            }
        }
    }

    /// What acceptance checks compare with.
    fn rules(&self, store: Option<&Store>) -> Result<Rules, TerminalError> {
        Rules::of(store, self.configuration.city, Now::of_system())
    }

    /// The PIN of the card, after its tries were shown.
    fn pin(&self, card: &mut Approached<'_>, arguments: &PinArguments) -> Result<Pin, TerminalError> {
        let left = pin::tries_left(card)?;
        let most = card.profile.pin.as_ref().map(|row| row.tries);
        let (zh, en) = match (left, most) {
            (TriesLeft::Known(left), _) => {
                let tries = if left == 1 { "try" } else { "tries" };
                let words = Words::of(format!("密码还可试 {left} 次"), format!("the PIN has {left} {tries} left"));
                self.output.remark("PIN_TRIES", &words);
                (format!("密码(还可试 {left} 次): "), format!("PIN ({left} {tries} left): "))
            }
            (TriesLeft::Unknown, Some(most)) => {
                (format!("密码(至多可试 {most} 次): "), format!("PIN ({most} tries at most): "))
            }
            (TriesLeft::Unknown, None) => ("密码: ".to_owned(), "PIN: ".to_owned()),
        };
        Pin::read(arguments.pin.as_ref(), Words::of(zh, en).text(self.output.language))
    }

    /// VERIFY, where a PIN was given; whether it was.
    fn verify_given(&self, card: &mut Approached<'_>, arguments: &PinArguments) -> Result<bool, TerminalError> {
        if arguments.pin.is_none() {
            return Ok(false);
        }
        let pin = self.pin(card, arguments)?;
        pin::verify(card, &pin, arguments.last_try)?;
        Ok(true)
    }

    fn prompt(&self, zh: &'static str, en: &'static str) -> &'static str {
        match self.output.language {
            card_counter::language::Language::Zh => zh,
            card_counter::language::Language::En => en,
        }
    }
}

/// The keys of a key file marked REHEARSAL, with its name for errors.
fn key_file(path: &Path) -> Result<(String, GivenKeys), TerminalError> {
    let name = path.display().to_string();
    let bytes = zeroize::Zeroizing::new(file::bytes(path, file::BYTES_MAX)?);
    let keys =
        GivenKeys::parse_bytes(&bytes).map_err(|source| TerminalError::KeyFile { path: name.clone(), source })?;
    Ok((name, keys))
}

/// Settles what is open for this card, where the journal is at hand. Without PIN an open entry is only noted.
fn settle_first(
    setting: &Setting<'_>,
    tapped: &mut Tapped<'_>,
    store: Option<&mut Store>,
    pin_verified: bool,
) -> Result<Page, TerminalError> {
    let Some(store) = store else { return Ok(Page::new()) };
    let is_open = !store.open_of(&tapped.identifier)?.is_empty();
    let settled = if pin_verified && (is_open || !store.doubted_of(&tapped.identifier)?.is_empty()) {
        store.take_turn()?;
        settle_and_untold(tapped, store)?
    } else {
        untold_here(store, tapped)?
    };
    let page = settled_page(setting, tapped, None, store, (&settled, None))?;
    if is_open && !pin_verified {
        return Ok(page.noted(
            "OPEN_TRANSACTION",
            Words::new(
                "此卡有一笔结果未知的交易;请加 --pin 再执行一次,终端会查明",
                "this card has a transaction whose outcome is unknown; run this again with --pin and the terminal will find out",
            ),
        ));
    }
    Ok(page)
}

/// Settles what is open for the card, and finds what was settled before and nobody was told of, as when the program was killed.
fn settle_and_untold(tapped: &mut Tapped<'_>, store: &mut Store) -> Result<Vec<Entry>, TerminalError> {
    let before = untold_here(store, tapped)?;
    let settled = settle(tapped, tapped.account()?, store, true)?;
    Ok(before.into_iter().chain(settled).collect())
}

/// What was settled before and nobody at the counter was told of; what a driver's call sold is told to that program.
fn untold_here(store: &Store, tapped: &Tapped<'_>) -> Result<Vec<Entry>, TerminalError> {
    let untold = store.untold_of(&tapped.identifier)?;
    Ok(untold.into_iter().filter(|entry| !entry.is_owed_to_a_caller()).collect())
}

/// Prints receipts of what was settled as paid, but that which is handed out later, and notes each.
fn settled_page(
    setting: &Setting<'_>,
    tapped: &mut Tapped<'_>,
    psam: Option<&mut Psam>,
    store: &mut Store,
    (settled, later): (&[Entry], Option<EntryNumber>),
) -> Result<Page, TerminalError> {
    let mut page = Page::new();
    let handout = setting.handout(&ReceiptArguments::default())?;
    let has_receipt = settled.iter().any(|entry| entry.done.is_some());
    let holder = if has_receipt { setting.holder(tapped, psam, &handout) } else { None };
    for entry in settled {
        let (number, state) = (entry.number, entry.state);
        if later != Some(number) {
            setting.hand_out_settled(entry, store, &handout, holder.as_ref())?;
        }
        if entry.is_contradicted() {
            page = page.noted("JUDGEMENT_CONTRADICTED", contradicted(entry));
            continue;
        }
        page = page.noted(
            "SETTLED",
            Words::of(format!("交易 {number} 已查明:{state}"), format!("transaction {number} is settled: {state}")),
        );
    }
    let mut owed = setting.owed.borrow_mut();
    owed.notes = std::mem::take(&mut owed.notes).joined(page.clone());
    let said = settled.iter().filter(|entry| !entry.is_owed_to_a_caller());
    owed.entries.extend(said.map(|entry| entry.number));
    Ok(page)
}

/// A person judged, the card shows the opposite: what that was, and what the clerk does now.
fn contradicted(entry: &Entry) -> Words {
    let number = entry.number;
    let (zh, en) = match (&entry.draft.subject, entry.state) {
        (Subject::Purchase { bill_id, .. }, State::Confirmed) => (
            format!("卡已付款,单据 {bill_id};若已另行收款,用 sscard refund give {number} 退回"),
            format!(
                "the card paid bill {bill_id}; if it was paid otherwise since, give it back: sscard refund give {number}"
            ),
        ),
        (Subject::Purchase { bill_id, .. }, _) => (
            format!("卡未付款,单据 {bill_id};请重新收款,或收回药品"),
            format!("the card did not pay bill {bill_id}: take the payment again, or the goods back"),
        ),
        (Subject::Refund { refund, .. }, State::Confirmed) => (
            format!("退费 {refund} 已到卡上;若已另行退款,请收回"),
            format!("refund {refund} is on the card: take back what was given otherwise since"),
        ),
        (Subject::Refund { refund, .. }, _) => (
            format!("退费 {refund} 未到卡上,已重新打开:执行 sscard refund finish {refund}"),
            format!("refund {refund} is not on the card and is open again: run sscard refund finish {refund}"),
        ),
        (Subject::Load { .. }, State::Confirmed) => {
            ("划入的金额已在卡上".to_owned(), "the money of the load is on the card".to_owned())
        }
        (Subject::Load { .. }, _) => (
            "划入的金额不在卡上,请重新划入".to_owned(),
            "the money of the load is not on the card: load it again".to_owned(),
        ),
    };
    Words::of(
        format!("交易 {number} 的人工判定与卡不符:{zh}"),
        format!("what was judged of transaction {number} is not what the card shows: {en}"),
    )
}
