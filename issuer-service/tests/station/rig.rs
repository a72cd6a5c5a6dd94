//! A centre with people, an approved batch, a vault, and readers whose cards are in this process.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use card_core::key::Key16;
use card_core::security::CityCode;
use card_core::transport::{Transport, TransportError};
use card_profiles::rehearsal::TRANSPORT_KEY;
use card_sim::{Card, Socket};
use issuer_service::batch::{self, Selection};
use issuer_service::centre::{Centre, DatabaseConfig};
use issuer_service::operator::Role;
use issuer_service::person::Details;
use issuer_service::person::dossier::Statement;
use issuer_service::person::field::{Field, Fields};
use issuer_service::station::book::Book;
use issuer_service::station::care::Care;
use issuer_service::station::event::{Event, Watcher};
use issuer_service::station::failure::StationError;
use issuer_service::station::gather::Gather;
use issuer_service::station::hook::Hook;
use issuer_service::station::local::Local;
use issuer_service::station::slot::Slot;
use issuer_service::station::{Station, Summary};
use issuer_service::store::StoreError;
use issuer_service::vault::data_keys::DataKeys;
use issuer_service::vault::{Kind, Vault};

use crate::ask::ask;

pub(crate) struct Rig {
    _folder: tempfile::TempDir,
    pub(crate) centre: Centre,
    pub(crate) data_keys: Arc<DataKeys>,
    pub(crate) vault: Vault,
    pub(crate) events: Events,
    pub(crate) failures_max: u32,
    pub(crate) batch: i64,
    people: u32,
    pub(crate) lot: Option<&'static str>,
    pub(crate) station: Option<&'static str>,
    pub(crate) row_max: u32,
    pub(crate) printer: Option<Hook>,
}

/// Names of the events that were told, in order.
#[derive(Default)]
pub(crate) struct Events(Mutex<Vec<String>>);

impl Watcher for Events {
    fn event(&self, event: &Event<'_>) {
        let text = serde_json::to_value(event).expect("an event");
        self.0.lock().expect("events").push(text["event"].as_str().expect("name").to_owned());
    }

    fn step(&self, _reader: &str, done: usize, total: usize) {
        assert!(done <= total);
    }
}

impl Events {
    pub(crate) fn names(&self) -> Vec<String> {
        self.0.lock().expect("events").clone()
    }

    pub(crate) fn count(&self, name: &str) -> usize {
        self.names().iter().filter(|known| *known == name).count()
    }
}

impl Rig {
    /// With an approved batch 1 of `people` people.
    pub(crate) fn new(people: u32) -> Self {
        let folder = tempfile::tempdir().expect("folder");
        let city = CityCode::parse("513300").expect("digits");
        let database = crate::fresh::fresh().map(DatabaseConfig::at);
        let data = folder.path().join("c");
        let mut centre = Centre::create(&data, city, "915600000251330051010000", database.as_ref()).expect("centre");
        let data_keys = Arc::new(DataKeys::random().expect("keys"));
        centre.store.unlock(data_keys.clone()).expect("unlocked");
        let vault = Vault::rehearsal(&[Centre::card_profile(), Centre::psam_profile()]).expect("vault");
        let values = vault.check_values(city).expect("values").keys;
        centre
            .store
            .journal(|tx| -> Result<(), StoreError> {
                tx.set_fact("public_key", &hex::encode_upper(vault.public_key()))?;
                tx.add_operator("li", &[Role::Capture])?;
                tx.add_operator("wang", &[Role::Approve])?;
                tx.add_operator("sun", &[Role::Station])?;
                for custodian in ["zhou", "qian", "wu"] {
                    tx.add_operator(custodian, &[Role::Keys])?;
                }
                tx.add_key_set(1, Kind::Rehearsal, "zhou", &values)
            })
            .expect("rows");
        let mut rig = Self {
            _folder: folder,
            centre,
            data_keys,
            vault,
            events: Events::default(),
            failures_max: 3,
            batch: 0,
            people: 0,
            lot: None,
            station: None,
            row_max: 10,
            printer: None,
        };
        rig.again(people);
        rig
    }

    /// So many more people, and an approved batch of them: the next point of a sweep in the same database.
    pub(crate) fn again(&mut self, people: u32) {
        let known = self.people;
        self.enrol(&(known + 1..=known + people).map(details).collect::<Vec<_>>());
    }

    /// These people besides, and an approved batch of them.
    pub(crate) fn enrol(&mut self, people: &[Details]) {
        let (store, known) = (&mut self.centre.store, self.people);
        let registered = store.journal(|tx| -> Result<(), StoreError> {
            people.iter().zip(u64::from(known) + 1..).try_for_each(|(details, row)| {
                let said = Statement {
                    source: 1,
                    at: 1,
                    import: 1,
                    row,
                    details,
                    fields: Fields::ALL,
                    taken_back: Fields::NONE,
                };
                issuer_service::registry::upsert(tx, &said).map(|_| ())
            })
        });
        registered.expect("rows");
        let people = u32::try_from(people.len()).expect("few");
        let selection = Selection::Next { county: None, count: people };
        let batch = batch::create(store, &selection, Some("li")).expect("made");
        batch::approve(store, batch.number, Some("wang"), 'A').expect("approved");
        (self.batch, self.people) = (batch.number, known + people);
    }

    /// Runs the batch on readers with these cards, each card once.
    pub(crate) fn run(&self, readers: Vec<Vec<Socket>>) -> Result<Summary, StationError> {
        let slots = readers
            .into_iter()
            .zip(0..)
            .map(|(cards, number)| Box::new(Desk::new(number, cards)) as Box<dyn Slot>)
            .collect();
        self.run_slots(slots)
    }

    pub(crate) fn run_slots(&self, slots: Vec<Box<dyn Slot>>) -> Result<Summary, StationError> {
        let profile = Centre::card_profile();
        let book = Book { vault: &self.vault, config: &self.centre.config, profile: &profile };
        Station {
            centre: &Local {
                database: &self.centre.place().expect("a place"),
                folder: &self.centre.folder,
                data_keys: &self.data_keys,
                book,
                batch: self.batch,
                operator: Some("sun"),
                care: Care { lot: self.lot, station: self.station, ..Care::default() },
                writes: Gather::default(),
            },
            profile: &profile,
            batch: self.batch,
            wait: Duration::from_secs(5),
            failures_max: self.failures_max,
            row_max: self.row_max,
            printer: self.printer.as_ref(),
            watcher: &self.events,
        }
        .run(slots)
    }

    /// Tells, over a connection of its own, that a person lives elsewhere now.
    pub(crate) fn moving(&self, person: u32, address: &str) -> impl FnOnce() + Send + 'static {
        let mut store = self.centre.connect().expect("connects");
        store.unlock(self.data_keys.clone()).expect("unlocked");
        let details = Details { address: address.to_owned(), ..details(person) };
        move || {
            let fields = Fields::NONE.with(Field::Address);
            let said = Statement {
                source: 1,
                at: 2,
                import: 1,
                row: u64::from(person),
                details: &details,
                fields,
                taken_back: Fields::NONE,
            };
            let told = store.journal(|tx| issuer_service::registry::upsert(tx, &said).map(drop));
            told.map_err(|error: StoreError| error).expect("told");
        }
    }

    /// One number of the database.
    pub(crate) fn count(&self, sql: &str) -> i64 {
        ask(&self.centre.folder, sql).expect(sql)[0][0].parse().expect("a number")
    }

    /// One text of the database.
    pub(crate) fn text(&self, sql: &str) -> String {
        ask(&self.centre.folder, sql).expect(sql)[0][0].clone()
    }

    pub(crate) fn execute(&self, sql: &str) {
        ask(&self.centre.folder, sql).expect(sql);
    }

    /// From now on the database refuses new rows of a table under a condition.
    pub(crate) fn refuse(&self, table: &str, condition: &str) {
        self.execute(&if std::env::var_os("ISSUER_TEST_POSTGRES").is_some() {
            format!(
                "CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF {condition} THEN
                     RAISE EXCEPTION 'killed'; END IF; RETURN NEW; END $$;
                 CREATE TRIGGER fail BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION fail()"
            )
        } else {
            format!(
                "CREATE TRIGGER fail BEFORE INSERT ON {table} WHEN {condition}
                 BEGIN SELECT RAISE(ABORT, 'killed'); END"
            )
        });
    }

    /// The database takes rows again.
    pub(crate) fn take_again(&self) {
        let server = std::env::var_os("ISSUER_TEST_POSTGRES").is_some();
        self.execute(if server { "DROP FUNCTION fail CASCADE" } else { "DROP TRIGGER fail" });
    }

    /// Every person has one sealed card, every number and job an end, and nothing is left over.
    pub(crate) fn assert_complete(&self, people: i64, spoilt: i64) {
        assert_eq!(self.count("SELECT COUNT(*) FROM card WHERE state = 'sealed'"), people);
        assert_eq!(self.count("SELECT COUNT(DISTINCT person) FROM card WHERE state = 'sealed'"), people);
        assert_eq!(self.count("SELECT COUNT(*) FROM card WHERE state = 'spoilt'"), spoilt);
        assert_eq!(self.count("SELECT COUNT(*) FROM card_number WHERE state = 'used'"), people);
        assert_eq!(self.count("SELECT COUNT(*) FROM card_number WHERE state = 'spoilt'"), spoilt);
        assert_eq!(self.count("SELECT COUNT(*) FROM card_number"), people + spoilt);
        assert_eq!(self.count("SELECT COUNT(*) FROM job WHERE state NOT IN ('done', 'spoilt')"), 0);
        assert_eq!(self.count("SELECT COUNT(*) FROM receipt"), people);
        assert_eq!(self.count("SELECT COUNT(*) FROM batch WHERE state = 'finished'"), self.batch);
    }
}

/// A reader of this process with a hopper.
pub(crate) struct Desk {
    name: String,
    current: Option<Socket>,
    hopper: VecDeque<Socket>,
}

impl Desk {
    pub(crate) fn new(number: u32, cards: Vec<Socket>) -> Self {
        let mut hopper = VecDeque::from(cards);
        Self { name: format!("desk {number}"), current: hopper.pop_front(), hopper }
    }
}

impl Slot for Desk {
    fn name(&self) -> &str {
        &self.name
    }

    fn card(&mut self, _wait: Duration) -> Result<Option<Box<dyn Transport>>, TransportError> {
        let connected = self.current.as_ref().map(Socket::connect).transpose();
        Ok(connected.ok().flatten().map(|transport| Box::new(transport) as Box<dyn Transport>))
    }

    fn emptied(&mut self, _wait: Duration) -> Result<bool, TransportError> {
        self.current = None;
        Ok(true)
    }

    fn next(&mut self, _wait: Duration) -> Result<bool, TransportError> {
        self.current = self.hopper.pop_front();
        Ok(self.current.is_some())
    }

    fn feeds(&self) -> bool {
        true
    }
}

/// What happens once.
type Happens = Arc<Mutex<Option<Box<dyn FnOnce() + Send>>>>;

/// A desk whose first card goes on only after something else has happened, in the middle of its writing.
pub(crate) struct Interrupted {
    desk: Desk,
    happens: Happens,
}

struct Meddling {
    card: Box<dyn Transport>,
    commands: u32,
    happens: Happens,
}

/// Commands of a card before which it happens: the card is bound, and holds some of its data.
const MIDDLE: u32 = 60;

impl Interrupted {
    pub(crate) fn new(desk: Desk, happens: impl FnOnce() + Send + 'static) -> Self {
        Self { desk, happens: Arc::new(Mutex::new(Some(Box::new(happens)))) }
    }
}

impl Transport for Meddling {
    fn transmit(&mut self, command: &[u8], answer: &mut Vec<u8>) -> Result<(), TransportError> {
        self.commands += 1;
        if self.commands == MIDDLE
            && let Some(happens) = self.happens.lock().expect("happens").take()
        {
            happens();
        }
        self.card.transmit(command, answer)
    }

    fn reset(&mut self) -> Result<(), TransportError> {
        self.card.reset()
    }

    fn atr(&self) -> &[u8] {
        self.card.atr()
    }
}

impl Slot for Interrupted {
    fn name(&self) -> &str {
        self.desk.name()
    }

    fn card(&mut self, wait: Duration) -> Result<Option<Box<dyn Transport>>, TransportError> {
        let happens = Arc::clone(&self.happens);
        let card = self.desk.card(wait)?;
        Ok(card.map(|card| Box::new(Meddling { card, commands: 0, happens }) as Box<dyn Transport>))
    }

    fn emptied(&mut self, wait: Duration) -> Result<bool, TransportError> {
        self.desk.emptied(wait)
    }

    fn next(&mut self, wait: Duration) -> Result<bool, TransportError> {
        self.desk.next(wait)
    }

    fn feeds(&self) -> bool {
        true
    }
}

/// A blank card with this serial.
pub(crate) fn blank(serial: u8) -> Socket {
    blank_of_many(serial.into())
}

/// The same, for more cards than a desk ever sees.
pub(crate) fn blank_of_many(serial: u16) -> Socket {
    let profile = Centre::card_profile();
    let [high, low] = serial.to_be_bytes();
    let card = Card::factory(&profile, [0x51, 0x33, 0, 0, high, low], &Key16::new(TRANSPORT_KEY));
    Socket::new(card.expect("a card of the profile"))
}

pub(crate) fn details(n: u32) -> Details {
    let name = if n.is_multiple_of(2) { "扎西·多吉·格桑·次仁·洛桑·丹增" } else { "样例" };
    Details {
        number: format!("51330119900101{n:04}"),
        name: name.to_owned(),
        name_raw: name.to_owned(),
        sex: "1".to_owned(),
        ethnic_group: "04".to_owned(),
        birth_date: "19900101".to_owned(),
        region: "513301".to_owned(),
        address: "示范路1号".to_owned(),
        phone: "19900001234".to_owned(),
        employer: String::new(),
        name_script: String::new(),
        certificate: String::new(),
        alive: String::new(),
    }
}
