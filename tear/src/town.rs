//! A town at rest: one centre, cards in people's hands, terminals with their PSAMs; all of it can be copied.
//!
//! ```text
//! FOLDER/centre          the centre's folder
//! FOLDER/terminal-N      the data folder of terminal N
//! ```
//! Source: the centre makes cards, PSAMs and allotments itself (`issuer-service`); nothing is written into its tables by hand.
//! Owns: the layout, the invented people, what each party holds. Never: a key or a person of anybody's; a fault (`course`).
//! Units: fen.

use std::cell::Cell;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use card_core::Session;
use card_core::key::Key16;
use card_core::security::CityCode;
use card_core::transport::{Transport, TransportError};
use card_counter::secret::Pin;
use card_counter::store::Store as Journal;
use card_counter::tap::{Ask, tap};
use card_counter::{pin, terminal};
use card_profiles::account::AccountRules;
use card_profiles::memory::CardMemory;
use card_profiles::rehearsal::TRANSPORT_KEY;
use card_profiles::{Catalog, Profile};
use card_sim::{Card, Socket};
use issuer_service::audit::Act;
use issuer_service::batch::{self, Selection};
use issuer_service::card::life;
use issuer_service::card::state::Step;
use issuer_service::centre::Centre;
use issuer_service::clearing::allotment::{self, AllotmentState};
use issuer_service::clearing::closure;
use issuer_service::clearing::decision::{self, DecisionMove, RowAct};
use issuer_service::clearing::institution::{DEFAULT_LIMITS, Institution, InstitutionKind, Terminal, TerminalState};
use issuer_service::clearing::refusal::ClearingError;
use issuer_service::clearing::sale::SaleState;
use issuer_service::clearing::upload::{RowKind, RowOutcome};
use issuer_service::http::Desk;
use issuer_service::lang::Lang;
use issuer_service::operator::Role;
use issuer_service::person::Details;
use issuer_service::person::dossier::Statement;
use issuer_service::person::field::Fields;
use issuer_service::psam::{self, Order};
use issuer_service::registry;
use issuer_service::station::Station;
use issuer_service::station::book::Book;
use issuer_service::station::care::Care;
use issuer_service::station::event::{Event, Watcher};
use issuer_service::station::gather::Gather;
use issuer_service::station::local::Local;
use issuer_service::station::slot::Slot;
use issuer_service::store::StoreError;
use issuer_service::vault::data_keys::DataKeys;
use issuer_service::vault::{Kind, Vault};
use settlement::batch::ChainPosition;
use settlement::blacklist::{Held, Period};
use settlement::fen::Fen;
use settlement::id::{CardIdentifier, InstitutionCode, StaffNumber, TerminalNumber};
use settlement::journal::State;
use settlement::judgement::{Judgement, Reason};
use settlement::signing::TerminalKey;
use settlement::{Accounts, DateTime};
use tempfile::TempDir;

use crate::course::Post;
use crate::failure::Failure;

/// City of people and terminals.
const CITY: &str = "513300";
/// 初始化机构编号.
const INSTITUTION: &str = "915600000251330051010000";
/// The pharmacy.
const PHARMACY: &str = "P51330100001";
/// PIN of every card when it comes to a terminal first.
pub const PIN: &str = "864213";
/// The batch of all cards.
const BATCH: i64 = 1;
/// Who does what at the centre.
const OPERATORS: [(&str, Role); 7] = [
    ("li", Role::Capture),
    ("wang", Role::Approve),
    ("sun", Role::Station),
    ("chen", Role::Counter),
    ("zhao", Role::Keys),
    ("ma", Role::Clearing),
    ("wu", Role::Approve),
];

/// What all copies of a town share: it does not change.
pub struct Shared {
    vault: Vault,
    accounts: Accounts,
    /// Card types.
    pub catalog: Catalog,
}

/// A town.
pub struct Town {
    /// What does not change.
    pub shared: Arc<Shared>,
    folder: TempDir,
    /// Cards, each in a socket.
    pub cards: Vec<Socket>,
    /// PSAMs, one a terminal.
    pub psams: Vec<Socket>,
    keys: Vec<Arc<TerminalKey>>,
    /// Whether the holder was told that the card refuses the PIN that it had.
    told: Cell<bool>,
    /// Letters under way to the centre.
    pub post: Post,
}

impl Shared {
    /// Rows of the medical account of every card.
    ///
    /// # Panics
    /// Never: the first built-in profile has an account.
    #[must_use]
    pub fn account(&self) -> &AccountRules {
        self.catalog.first().account.as_ref().expect("the usual card has an account")
    }
}

impl Town {
    /// Founds a town: the centre makes the cards and PSAMs, hands them out, and allots `opening` to every holder.
    ///
    /// # Errors
    /// [`Failure`].
    pub fn found(cards: u8, terminals: u8, opening: Fen) -> Result<Self, Failure> {
        let folder = ground()?;
        let (card_profile, psam_profile) = (Centre::card_profile(), Centre::psam_profile());
        let vault = Vault::rehearsal(&[card_profile.clone(), psam_profile.clone()])?;
        let shared = Arc::new(Shared { vault, accounts: Accounts::builtin(), catalog: Catalog::builtin() });
        let mut town = Self {
            shared,
            folder,
            cards: Vec::new(),
            psams: Vec::new(),
            keys: Vec::new(),
            told: Cell::new(false),
            post: Post::default(),
        };
        let city = CityCode::parse(CITY).ok_or(Failure::NotMade("a city"))?;
        let mut centre = Centre::create(&town.centre_folder(), city, INSTITUTION, None)?;
        let data_keys = Arc::new(DataKeys::random()?);
        centre.store.unlock(Arc::clone(&data_keys))?;
        let values = town.shared.vault.check_values(city)?.keys;
        centre.store.journal(|tx| -> Result<(), StoreError> {
            OPERATORS.iter().try_for_each(|(name, role)| tx.add_operator(name, &[*role]))?;
            tx.add_key_set(1, Kind::Rehearsal, "zhao", &values)?;
            (1..=u32::from(cards)).try_for_each(|n| {
                let (details, row) = (person(n), u64::from(n));
                let said = Statement {
                    source: 1,
                    at: 1,
                    import: 1,
                    row,
                    details: &details,
                    fields: Fields::ALL,
                    taken_back: Fields::NONE,
                };
                registry::upsert(tx, &said).map(drop)
            })
        })?;
        let selection = Selection::Next { county: None, count: u32::from(cards) };
        batch::create(&mut centre.store, &selection, Some("li"))?;
        batch::approve(&mut centre.store, BATCH, Some("wang"), 'A')?;
        for serial in 1..=cards {
            town.cards.push(blank(&card_profile, [0x51, 0x33, 0, 0, 0, serial])?);
        }
        town.personalize(&mut centre, &card_profile, &data_keys)?;
        town.open_pharmacy(&mut centre)?;
        for n in 0..terminals {
            town.add_terminal(&mut centre, &psam_profile, n)?;
        }
        for socket in &town.cards {
            town.hand_out(&mut centre, socket, opening)?;
        }
        Ok(town)
    }

    /// Another town that is exactly like this one: what becomes of it does not touch this one.
    ///
    /// # Errors
    /// [`Failure::System`].
    pub fn twin(&self) -> Result<Self, Failure> {
        let folder = ground()?;
        copy(self.folder.path(), folder.path())?;
        Ok(Self {
            shared: Arc::clone(&self.shared),
            folder,
            cards: self.cards.iter().map(Socket::twin).collect(),
            psams: self.psams.iter().map(Socket::twin).collect(),
            keys: self.keys.clone(),
            told: self.told.clone(),
            post: self.post.clone(),
        })
    }

    /// The holder is told that the card refuses the PIN that it had: no power loss takes that back.
    pub fn tell_holder(&self) {
        self.told.set(true);
    }

    /// Whether the holder was told so.
    #[must_use]
    pub fn is_told(&self) -> bool {
        self.told.get()
    }

    /// The centre's folder.
    #[must_use]
    pub fn centre_folder(&self) -> PathBuf {
        self.folder.path().join("centre")
    }

    /// The data folder of a terminal.
    #[must_use]
    pub fn terminal_folder(&self, terminal: usize) -> PathBuf {
        self.folder.path().join(format!("terminal-{terminal}"))
    }

    /// The number of a terminal, which its PSAM has.
    #[must_use]
    pub fn number(terminal: usize) -> TerminalNumber {
        let [.., a, b] = (terminal + 1).to_be_bytes();
        TerminalNumber([0x51, 0x33, 0, 0, a, b])
    }

    /// The key with which a terminal signs.
    #[must_use]
    pub fn key(&self, terminal: usize) -> Option<&TerminalKey> {
        self.keys.get(terminal).map(|key| &**key)
    }

    /// The centre's desk for terminals, on its own connection.
    ///
    /// # Errors
    /// [`Failure::Centre`].
    pub fn desk(&self) -> Result<Desk, Failure> {
        let Centre { store, config, .. } = Centre::open(&self.centre_folder())?;
        Ok(Desk::new(store, &self.shared.vault, &config, self.shared.accounts.clone(), Lang::En))
    }

    /// The holder of a card gets so much more from the fund; one asks, another approves.
    ///
    /// # Errors
    /// [`Failure`].
    pub fn allot(&self, card: CardIdentifier, amount: Fen) -> Result<(), Failure> {
        let mut centre = Centre::open(&self.centre_folder())?;
        allot(&mut centre, card, amount)
    }

    /// Two people close every sale that the centre agreed to and has heard nothing of.
    ///
    /// # Errors
    /// [`Failure`].
    pub fn close_sales(&self) -> Result<(), Failure> {
        let mut centre = Centre::open(&self.centre_folder())?;
        let sales = centre.store.read(|tx| -> Result<_, ClearingError> { Ok(tx.sales(false)?) })?;
        for sale in sales.iter().filter(|sale| sale.state == SaleState::Authorised) {
            let proposed = centre.store.act(|tx| closure::propose(tx, sale.sale_id, "no word of it", "ma"))?;
            centre.store.act(|tx| closure::decide(tx, proposed.number, DecisionMove::Approve, "wu"))?;
        }
        Ok(())
    }

    /// A supervisor at the till says of everything whose outcome is unknown that the card did it, or that it did not.
    ///
    /// # Errors
    /// [`Failure`].
    pub fn judge(&self, done: bool) -> Result<(), Failure> {
        const NOT_SENT: Failure = Failure::NotMade("an entry that was sent");
        let mut store = Journal::open(&self.terminal_folder(0))?;
        store.take_turn()?;
        for entry in store.entries()?.into_iter().filter(|entry| entry.state == State::Uncertain) {
            let sent = entry.sent.ok_or(NOT_SENT)?;
            let after = entry.draft.subject.balance_after(sent.balance_before).ok_or(NOT_SENT)?;
            let by = StaffNumber::parse("007").map_err(|_| Failure::NotMade("a person"))?;
            let reason = Reason::parse("till roll").map_err(|_| Failure::NotMade("a reason"))?;
            store.judge(entry.number, after, &Judgement { done, by, reason })?;
        }
        Ok(())
    }

    /// Two people post every purchase that the centre held.
    ///
    /// # Errors
    /// [`Failure`].
    pub fn post_held(&self) -> Result<(), Failure> {
        let mut centre = Centre::open(&self.centre_folder())?;
        let rows = centre.store.read(|tx| -> Result<_, ClearingError> { Ok(tx.rows_not_posted()?) })?;
        let held = rows.iter().filter(|row| row.outcome == RowOutcome::Held && row.kind == RowKind::Purchase);
        for row in held.filter(|row| row.is_open()) {
            let place = (row.terminal, row.journal_sequence);
            let proposed =
                centre.store.act(|tx| decision::propose(tx, place, RowAct::Post, "the card proves it", "ma"))?;
            centre.store.act(|tx| decision::decide(tx, proposed.number, DecisionMove::Approve, "wu"))?;
        }
        Ok(())
    }

    fn personalize(&self, centre: &mut Centre, profile: &Profile, data_keys: &Arc<DataKeys>) -> Result<(), Failure> {
        let database = centre.place()?;
        let local = Local {
            database: &database,
            folder: &centre.folder,
            data_keys,
            book: Book { vault: &self.shared.vault, config: &centre.config, profile },
            batch: BATCH,
            operator: Some("sun"),
            care: Care::default(),
            writes: Gather::default(),
        };
        let cards = self.cards.clone();
        let summary = Station {
            centre: &local,
            profile,
            batch: BATCH,
            wait: std::time::Duration::from_secs(5),
            failures_max: 1,
            row_max: 1,
            printer: None,
            watcher: &Nobody,
        }
        .run(vec![Box::new(Hopper { cards, at: 0 })])?;
        if summary.left == 0 && summary.spoilt == 0 { Ok(()) } else { Err(Failure::NotMade("every card")) }
    }

    fn open_pharmacy(&self, centre: &mut Centre) -> Result<(), Failure> {
        let institution = Institution {
            code: pharmacy()?,
            name: "样例药店".to_owned(),
            region: "513301".to_owned(),
            kind: InstitutionKind::Pharmacy,
        };
        centre.store.act(|tx| -> Result<_, ClearingError> {
            tx.add_institution(&institution)?;
            let object = format!("institution {}", institution.code);
            let detail = institution.kind.name().to_owned();
            Ok(((), Act { actor: "ma".to_owned(), act: "institution.add", object, detail }))
        })?;
        Ok(())
    }

    fn add_terminal(&mut self, centre: &mut Centre, profile: &Profile, n: u8) -> Result<(), Failure> {
        let socket = blank(profile, [0x51, 0x33, 0, 0, 0x99, n])?;
        let number = Self::number(usize::from(n));
        let order =
            Order { terminal_number: &number.to_string(), institution: PHARMACY, keys: None, operator: Some("zhao") };
        let mut session = session(&socket)?;
        psam::personalize(&mut centre.store, &centre.config, &self.shared.vault, &mut session, &order)?;
        let folder = self.terminal_folder(usize::from(n));
        let mut journal = Journal::open(&folder)?;
        journal.set_terminal(number)?;
        // A list of nobody, which no day of a proof outlives.
        let instant = |text| DateTime::parse(text).map_err(|_| Failure::NotMade("an instant"));
        let period = Period { issued_at: instant("20260101000000")?, valid_until: instant("20991231235959")? };
        journal.set_blacklist(&Held::default(), period)?;
        // What the centre agrees to is believed by its signature.
        journal.set_centre_key(&self.shared.vault.signer().public_key())?;
        let key = terminal::make_key(&folder)?;
        let terminal = Terminal {
            number,
            institution: pharmacy()?,
            public_key: key.public_key(),
            state: TerminalState::Active,
            limits: DEFAULT_LIMITS,
            parameters: 1,
            chain: ChainPosition::START,
            kiosk: false,
            signed_in_at: None,
            signed_out_at: None,
        };
        centre.store.act(|tx| -> Result<_, ClearingError> {
            tx.add_terminal(&terminal)?;
            let (object, detail) = (format!("terminal {number}"), format!("institution {}", terminal.institution));
            Ok(((), Act { actor: "ma".to_owned(), act: "terminal.add", object, detail }))
        })?;
        self.psams.push(socket);
        self.keys.push(Arc::new(key));
        Ok(())
    }

    /// The holder takes the card, changes its PIN, and money waits for it.
    fn hand_out(&self, centre: &mut Centre, socket: &Socket, opening: Fen) -> Result<(), Failure> {
        let mut tapped = tap(session(socket)?, &self.shared.catalog, CardMemory::default(), Ask::Algorithm)?;
        let initial = tapped.profile.pin.as_ref().map_or_else(String::new, |row| row.initial.clone());
        pin::change(&mut tapped, &Pin::parse(&initial)?, &Pin::parse(PIN)?, false)?;
        let number = tapped.issuer_item("card_number").to_owned();
        let order = life::Order { step: Step::Activate, reason: "", operator: Some("chen") };
        life::carry_out(&mut centre.store, &centre.config.life, &number, &order)?;
        allot(centre, tapped.identifier, opening)
    }
}

fn allot(centre: &mut Centre, card: CardIdentifier, amount: Fen) -> Result<(), Failure> {
    if amount == Fen::ZERO {
        return Ok(());
    }
    let request = centre.store.act(|tx| allotment::request(tx, &[card], amount, "ma"))?.request;
    centre.store.act(|tx| allotment::decide(tx, request, AllotmentState::Approved, "wu"))?;
    Ok(())
}

fn pharmacy() -> Result<InstitutionCode, Failure> {
    InstitutionCode::parse(PHARMACY).map_err(|_| Failure::NotMade("a pharmacy"))
}

fn session(socket: &Socket) -> Result<Session, Failure> {
    let card = socket.connect().map_err(TerminalErrorOf::from)?;
    Ok(Session::new(Box::new(card)))
}

/// A card that does not come up is what the terminal would say of it.
struct TerminalErrorOf(card_counter::TerminalError);

impl From<TransportError> for TerminalErrorOf {
    fn from(error: TransportError) -> Self {
        Self(error.into())
    }
}

impl From<TerminalErrorOf> for Failure {
    fn from(error: TerminalErrorOf) -> Self {
        Self::Terminal(error.0)
    }
}

fn blank(profile: &Profile, serial: [u8; 6]) -> Result<Socket, Failure> {
    Ok(Socket::new(Card::factory(profile, serial, &Key16::new(TRANSPORT_KEY))?))
}

fn person(n: u32) -> Details {
    Details {
        number: format!("51330119000101{n:03}0"),
        name: "样例".to_owned(),
        name_raw: "样例".to_owned(),
        sex: "1".to_owned(),
        ethnic_group: "04".to_owned(),
        birth_date: "19000101".to_owned(),
        region: "513301".to_owned(),
        address: "示范路1号".to_owned(),
        phone: "19900001234".to_owned(),
        employer: String::new(),
        certificate: String::new(),
        alive: String::new(),
        name_script: String::new(),
    }
}

/// A new folder, in memory where the machine has such: thousands of towns come and go. That what is committed is on the disk is
/// SQLite's promise; what is committed when is the proof's matter.
fn ground() -> Result<TempDir, Failure> {
    let mut named = tempfile::Builder::new();
    named.prefix("sscard-tear-");
    let made = named.tempdir_in("/dev/shm").or_else(|_| named.tempdir());
    made.map_err(Failure::system("a folder for temporary files"))
}

/// Copies a folder.
fn copy(from: &Path, to: &Path) -> Result<(), Failure> {
    fs::create_dir_all(to).map_err(Failure::system(to))?;
    for entry in fs::read_dir(from).map_err(Failure::system(from))? {
        let path = entry.map_err(Failure::system(from))?.path();
        let Some(name) = path.file_name() else { continue };
        if path.is_dir() {
            copy(&path, &to.join(name))?;
        } else {
            fs::copy(&path, to.join(name)).map_err(Failure::system(&path))?;
        }
    }
    Ok(())
}

/// Nobody is told.
struct Nobody;

impl Watcher for Nobody {
    fn event(&self, _: &Event<'_>) {}
    fn step(&self, _: &str, _: usize, _: usize) {}
}

/// A reader through which the cards of the town go one after another.
struct Hopper {
    cards: Vec<Socket>,
    at: usize,
}

impl Slot for Hopper {
    fn name(&self) -> &'static str {
        "hopper"
    }

    fn card(&mut self, _: std::time::Duration) -> Result<Option<Box<dyn Transport>>, TransportError> {
        let connected = self.cards.get(self.at).map(Socket::connect).transpose()?;
        Ok(connected.map(|transport| Box::new(transport) as Box<dyn Transport>))
    }

    fn emptied(&mut self, _: std::time::Duration) -> Result<bool, TransportError> {
        self.at += 1;
        Ok(true)
    }

    fn next(&mut self, _: std::time::Duration) -> Result<bool, TransportError> {
        self.at += 1;
        Ok(self.at < self.cards.len())
    }

    fn feeds(&self) -> bool {
        true
    }
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Town {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Town").field("cards", &self.cards.len()).finish_non_exhaustive()
    }
}
