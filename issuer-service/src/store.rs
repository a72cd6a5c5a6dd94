//! The database: a SQLite file or a PostgreSQL server, durable at every commit. The only place, with its folder, that
//! knows SQL.
//!
//! Owns: connections, transactions, forward migrations.
//! Never: decides a business rule beyond what a constraint or a guarded update states.
//!
//! A statement is written once, in what both databases accept: `$n` parameters numbered in order of first appearance,
//! TEXT, BIGINT and BYTEA columns, row numbers given by the caller, `ON CONFLICT … DO NOTHING`. It runs through
//! `self.sql`, a [`engine`] transaction: `prepare`, `execute`, `query_row`, `query_map`, `exists`, `each`. After a
//! statement that failed, a transaction can only end: PostgreSQL keeps nothing of it. Schemas may also use what
//! `engine/dialect.rs` knows: one form of trigger, and a table made anew (`DROP TABLE a;`, `ALTER TABLE b RENAME TO a;`).

mod allotment;
mod audit;
mod bank_card;
mod batch;
pub mod benefit;
mod card;
pub mod card_text;
mod card_update;
mod catalogue;
mod cell;
mod ceremony;
mod clearing_card;
mod clock_mark;
mod closure;
pub(crate) mod copy;
pub(crate) mod counter;
#[cfg(test)]
#[path = "../tests/database/cut.rs"]
pub(crate) mod cut;
mod decision;
pub mod engine;
pub(crate) mod exchange;
mod failure;
#[cfg(test)]
#[path = "../tests/database/fresh.rs"]
pub(crate) mod fresh;
pub mod identity;
mod import;
pub mod institution;
mod key;
mod ledger;
mod life;
mod load;
mod load_decision;
mod login;
mod measure;
mod operator;
pub mod participation;
pub mod peer;
mod person;
mod photo;
mod pin;
pub mod proposal;
mod psam;
pub mod query;
mod rejection;
mod request;
mod retention;
pub(crate) mod rotation;
mod sale;
mod sealed;
mod shared;
mod source;
mod station;
mod stock;
mod succession;
mod sync;
mod ticket;
mod upload;
mod window;

use std::cell::{Cell, OnceCell, RefCell};
use std::path::Path;
use std::sync::Arc;

pub use self::clock_mark::ClockRules;
pub use self::engine::{AddressError, Place, Server};
pub use self::failure::StoreError;
pub(crate) use self::person::{Adder, place as place_of_person};

use self::engine::{Connection, Transaction};
pub(crate) use self::login::REQUEST_BEGUN;
use self::sealed::{KeyHolder, Ready};
use crate::audit::Act;
use crate::audit::anchor::Anchor;
use crate::batch::rule::MakingRules;
use crate::centre::CardKeys;
use crate::clock;
use crate::operator::duty::OnDuty;

/// Forward migrations in order. Each area adds its own file; a published file never changes.
const MIGRATIONS: &[(i64, &str)] = &[
    (1, include_str!("store/schema_001_centre.sql")),
    (2, include_str!("store/schema_002_person.sql")),
    (3, include_str!("store/schema_003_batch.sql")),
    (4, include_str!("store/schema_004_registry.sql")),
    (5, include_str!("store/schema_005_stock.sql")),
    (10, include_str!("store/schema_010_clearing.sql")),
    (11, include_str!("store/schema_011_load_algorithm.sql")),
    (12, include_str!("store/schema_012_photo.sql")),
    (13, include_str!("store/schema_013_pin_order.sql")),
    (14, include_str!("store/schema_014_no_card.sql")),
    (30, include_str!("store/schema_030_key.sql")),
    (31, include_str!("store/schema_031_ceremony.sql")),
    (32, include_str!("store/schema_032_psam_custody.sql")),
    (40, include_str!("store/schema_040_request.sql")),
    (41, include_str!("store/schema_041_exchange.sql")),
    (42, include_str!("store/schema_042_station.sql")),
    (45, include_str!("store/schema_045_card_life.sql")),
    (46, include_str!("store/schema_046_remote_station.sql")),
    (47, include_str!("store/schema_047_hand_out.sql")),
    (48, include_str!("store/schema_048_retention.sql")),
    (49, include_str!("store/schema_049_card_update.sql")),
    (50, include_str!("store/schema_050_sync.sql")),
    (51, include_str!("store/schema_051_card_cleared.sql")),
    (52, include_str!("store/schema_052_psam_reason.sql")),
    (53, include_str!("store/schema_053_free_pages.sql")),
    (55, include_str!("store/schema_055_station_line.sql")),
    (56, include_str!("store/schema_056_ceremony_key.sql")),
    (57, include_str!("store/schema_057_refund.sql")),
    (58, include_str!("store/schema_058_parameters.sql")),
    (59, include_str!("store/schema_059_online.sql")),
    (60, include_str!("store/schema_060_query.sql")),
    (61, include_str!("store/schema_061_benefit.sql")),
    (62, include_str!("store/schema_062_login.sql")),
    (63, include_str!("store/schema_063_client.sql")),
    (64, include_str!("store/schema_064_key_left.sql")),
    (65, include_str!("store/schema_065_row_judgement.sql")),
    (66, include_str!("store/schema_066_catalogue.sql")),
    (67, include_str!("store/schema_067_load_order.sql")),
    (68, include_str!("store/schema_068_row_decision.sql")),
    (69, include_str!("store/schema_069_held_rows.sql")),
    (70, include_str!("store/schema_070_sale_closure.sql")),
    (73, include_str!("store/schema_073_benefit_days.sql")),
    (74, include_str!("store/schema_074_rejection.sql")),
    (75, include_str!("store/schema_075_certificate_prints.sql")),
    (76, include_str!("store/schema_076_session_page.sql")),
    (80, include_str!("store/schema_080_data_given.sql")),
    (81, include_str!("store/schema_081_psam_custodian.sql")),
    (82, include_str!("store/schema_082_sign_out.sql")),
    (83, include_str!("store/schema_083_row_take_back.sql")),
    (85, include_str!("store/schema_085_unprinted_certificate.sql")),
    (87, include_str!("store/schema_087_row_proof.sql")),
    (89, include_str!("store/schema_089_data_changes.sql")),
    (71, include_str!("store/schema_071_decided_anew.sql")),
    (72, include_str!("store/schema_072_load_decision.sql")),
    (77, include_str!("store/schema_077_refund_posting.sql")),
    (90, include_str!("store/schema_090_number_unproved.sql")),
    (92, include_str!("store/schema_092_proof_version.sql")),
    (97, include_str!("store/schema_097_card_text.sql")),
    (98, include_str!("store/schema_098_two_of_one_number.sql")),
    (100, include_str!("store/schema_100_void_receipt.sql")),
    (101, include_str!("store/schema_101_identity.sql")),
    (102, include_str!("store/schema_102_bank_card.sql")),
    (103, include_str!("store/schema_103_retention.sql")),
    (104, include_str!("store/schema_104_query_door.sql")),
    (108, include_str!("store/schema_108_psam_keys_ticket_number.sql")),
    (125, include_str!("store/schema_125_psam_returned.sql")),
    (130, include_str!("store/schema_130_sync_answers.sql")),
];

/// One connection.
#[derive(Debug)]
pub struct Store {
    connection: Connection,
    data: KeyHolder,
    anchor: Anchor,
    /// Who acts through this connection, when a command needs a role.
    on_duty: Option<OnDuty>,
    /// The request under way, when a program gave it a key.
    request: Option<login::RequestKey>,
    /// What the first act since then was done to.
    acted: Option<String>,
    /// How far the clock may stand from the log.
    clock: ClockRules,
    /// What the site asks for before a card is made.
    making: Option<MakingRules>,
    /// Keys that the cards need which are made from now on.
    card_keys: Option<Arc<CardKeys>>,
    /// Opened to look: nothing is brought up to date.
    looks: bool,
    /// Audit records of acts that share a commit, while it is under way.
    shared: Option<Recorded>,
    /// A commit ended so that nobody knows whether it was done.
    unsure: bool,
}

/// A transaction under way. Areas add their statements as methods, each in its own file of `store/`.
#[derive(Debug)]
pub struct Tx<'a> {
    sql: Transaction<'a>,
    held: &'a KeyHolder,
    /// The data keys, once the transaction has needed them.
    data: OnceCell<Ready>,
    anchor: &'a Anchor,
    rules: ClockRules,
    /// Audit records of this transaction.
    recorded: RefCell<Recorded>,
    /// Row number of the next person registered: nobody else registers one meanwhile.
    next_person: Cell<Option<i64>>,
    /// When it first wrote an instant.
    instant: OnceCell<String>,
    /// The request under way, whose key its first record uses up.
    request: Option<&'a login::RequestKey>,
    /// What its first record is about.
    object: RefCell<Option<String>>,
}

/// Audit records of a transaction, to be written down in the anchor before its commit.
#[derive(Clone, Debug, Default)]
struct Recorded {
    /// The last record before them, once there is one of them.
    behind: Option<Option<(i64, String)>>,
    /// Positions and hashes.
    records: Vec<(i64, String)>,
}

impl Store {
    /// Makes a new database file, or takes the empty database of a server. The anchor of the audit log lies in `folder`.
    ///
    /// # Errors
    /// [`StoreError::Inhabited`] when a centre lives there.
    pub fn create(place: &Place, folder: &Path) -> Result<Self, StoreError> {
        let mut store = Self::connect(place, folder, true)?;
        let inhabited = store.read(|tx| tx.fact("public_key"))?.is_some();
        if inhabited { Err(StoreError::Inhabited) } else { Ok(store) }
    }

    /// Opens a database and applies the migrations that it lacks.
    ///
    /// # Errors
    /// [`StoreError::NoCentre`] when it is empty; [`StoreError`].
    pub fn open(place: &Place, folder: &Path) -> Result<Self, StoreError> {
        Self::connect(place, folder, false)
    }

    /// Opens a database to look at it: nothing is written, and in its folder nothing need be writable.
    ///
    /// # Errors
    /// [`StoreError::LogUnread`] when a part of it can only be read by who may write; [`StoreError`].
    pub fn open_to_look(place: &Place, folder: &Path) -> Result<Self, StoreError> {
        let (connection, anchor) = (Connection::open_to_look(place)?, Anchor::in_folder(folder));
        let (data, clock) = (KeyHolder::default(), ClockRules::default());
        let mut store = Self {
            connection,
            data,
            anchor,
            on_duty: None,
            request: None,
            acted: None,
            clock,
            making: None,
            card_keys: None,
            looks: true,
            shared: None,
            unsure: false,
        };
        let (found, known) = (store.applied()?, MIGRATIONS.iter().map(|(number, _)| *number).max().unwrap_or(0));
        match found.iter().copied().find(|number| *number > known) {
            Some(newer) => Err(StoreError::SchemaNewer { found: newer, known }),
            None if found.is_empty() => Err(StoreError::NoCentre),
            None => Ok(store),
        }
    }

    fn connect(place: &Place, folder: &Path, new: bool) -> Result<Self, StoreError> {
        let known: Vec<i64> = MIGRATIONS.iter().map(|(number, _)| *number).collect();
        Self::connect_with(place, folder, new, &known)
    }

    /// Brings the database to these of our schemas, and no further. One that is not new must have had a centre before.
    fn connect_with(place: &Place, folder: &Path, new: bool, schemas: &[i64]) -> Result<Self, StoreError> {
        // Looked at before the engine writes its head into it.
        if !new && matches!(place, Place::File(path) if std::fs::metadata(path).is_ok_and(|file| file.len() == 0)) {
            return Err(StoreError::NoCentre);
        }
        let anchor = Anchor::in_folder(folder);
        let connection = Connection::open(place, new)?;
        let (data, clock) = (KeyHolder::default(), ClockRules::default());
        let mut store = Self {
            connection,
            data,
            anchor,
            on_duty: None,
            request: None,
            acted: None,
            clock,
            making: None,
            card_keys: None,
            looks: false,
            shared: None,
            unsure: false,
        };
        if !new && store.applied()?.is_empty() {
            return Err(StoreError::NoCentre);
        }
        store.migrate_to(schemas)?;
        Ok(store)
    }

    /// The anchor lies at another place than in the folder; a relative one begins there.
    #[must_use]
    pub fn anchored_at(mut self, path: Option<&Path>) -> Self {
        if let Some(path) = path {
            self.anchor = self.anchor.elsewhere(path);
        }
        self
    }

    /// The anchor of the audit log.
    #[must_use]
    pub const fn anchor(&self) -> &Anchor {
        &self.anchor
    }

    /// From here on every act needs this operator, active and with the role still.
    pub fn set_on_duty(&mut self, on_duty: OnDuty) {
        self.on_duty = Some(on_duty);
    }

    /// From here on nobody is asked for: the next request over this connection is somebody else's.
    pub fn off_duty(&mut self) {
        self.on_duty = None;
    }

    /// What the site asks for before a card is made; nothing when nobody has said.
    #[must_use]
    pub const fn making_rules(&self) -> Option<MakingRules> {
        self.making
    }

    /// Keys that the cards need which are made from now on; nothing when nobody has said.
    #[must_use]
    pub fn card_keys(&self) -> Option<Arc<CardKeys>> {
        self.card_keys.clone()
    }

    /// From here on the site asks for this before a card is made.
    pub fn set_making_rules(&mut self, rules: MakingRules) {
        self.making = Some(rules);
    }

    /// From here on the cards that are made need these keys.
    pub fn set_card_keys(&mut self, keys: CardKeys) {
        self.card_keys = Some(Arc::new(keys));
    }

    /// From here on the clock may stand so far from the log.
    pub const fn set_clock_rules(&mut self, rules: ClockRules) {
        self.clock = rules;
    }

    /// Reads, in one snapshot.
    ///
    /// # Errors
    /// What the closure gives, or [`StoreError`].
    pub fn read<T, E: From<StoreError>>(&mut self, look: impl FnOnce(&Tx<'_>) -> Result<T, E>) -> Result<T, E> {
        let sql = Self::begin(&mut self.connection, self.shared.is_some(), false)?;
        look(&Tx::new(sql, &self.data, &self.anchor, self.clock))
    }

    /// Acts: everything that the closure writes, and the audit record of the [`Act`] that it returns, or nothing.
    ///
    /// # Errors
    /// What the closure gives, or [`StoreError`].
    pub fn act<T, E: From<StoreError>>(&mut self, act: impl FnOnce(&Tx<'_>) -> Result<(T, Act), E>) -> Result<T, E> {
        self.act_under_way(|tx| {
            tx.clock_holds()?;
            act(tx)
        })
    }

    /// Acts several times in one transaction: everything and a record of each, or nothing. The same is asked first as of one act.
    ///
    /// # Errors
    /// What the closure gives, or [`StoreError`].
    pub fn acts<T, E: From<StoreError>>(
        &mut self,
        act: impl FnOnce(&Tx<'_>) -> Result<(T, Vec<Act>), E>,
    ) -> Result<T, E> {
        self.journal(|tx| {
            tx.log_is_whole()?;
            tx.clock_holds()?;
            let (outcome, acts) = act(tx)?;
            for act in &acts {
                tx.append_audit(act)?;
            }
            Ok(outcome)
        })
    }

    /// An act that ends what was begun, whatever the clock says meanwhile: a card that is written is not left in the machine.
    ///
    /// # Errors
    /// What the closure gives, or [`StoreError`].
    pub fn act_under_way<T, E: From<StoreError>>(
        &mut self,
        act: impl FnOnce(&Tx<'_>) -> Result<(T, Act), E>,
    ) -> Result<T, E> {
        self.journal(|tx| {
            tx.log_is_whole()?;
            let (outcome, act) = act(tx)?;
            tx.append_audit(&act)?;
            Ok(outcome)
        })
    }

    /// The one act on a log that does not fit its anchor: a new anchor is begun at the present head, and the record says who did it.
    ///
    /// # Errors
    /// What the closure gives, or [`StoreError`].
    pub fn renew_anchor<E: From<StoreError>>(&mut self, act: impl FnOnce(&Tx<'_>) -> Result<Act, E>) -> Result<(), E> {
        let successor = self.anchor.successor();
        let sql = self.connection.begin_alone()?;
        let tx = Tx::new(sql, &self.data, &successor, self.clock);
        let act = act(&tx)?;
        let head = tx.audit_head()?;
        let failed = |anchor: &Anchor| {
            let path = anchor.path().to_owned();
            |source| StoreError::Anchor { path, source }
        };
        successor.begin_again(head.as_ref()).map_err(failed(&successor))?;
        tx.append_audit(&act)?;
        let recorded = tx.anchor_records(self.on_duty.as_ref())?;
        tx.sql.commit().map_err(StoreError::from)?;
        if let Some(sequence) = recorded {
            successor.done(sequence);
        }
        // The record is there before the file is: killed in between, the old one still does not fit, and the act is done again.
        let kept = head.map_or(0, |(sequence, _)| sequence);
        Ok(self.anchor.give_way(&successor, kept).map_err(failed(&self.anchor))?)
    }

    /// Writes what is no act of a person: journal entries, states that a machine passes through.
    ///
    /// # Errors
    /// What the closure gives, or [`StoreError`].
    pub fn journal<T, E: From<StoreError>>(&mut self, write: impl FnOnce(&Tx<'_>) -> Result<T, E>) -> Result<T, E> {
        let sql = Self::begin(&mut self.connection, self.shared.is_some(), true)?;
        let request = self.request.clone();
        let tx = Tx { request: request.as_ref(), ..Tx::new(sql, &self.data, &self.anchor, self.clock) };
        if let Some(shared) = &self.shared {
            tx.recorded.borrow_mut().behind.clone_from(&shared.behind);
        }
        let outcome = write(&tx)?;
        let object = tx.object.take();
        if let Some(shared) = &mut self.shared {
            let recorded = tx.records(self.on_duty.as_ref())?;
            tx.sql.commit().map_err(StoreError::from)?;
            shared.and(recorded);
        } else {
            let Recorded { behind, records } = tx.records(self.on_duty.as_ref())?;
            if !records.is_empty() {
                let intended = self.anchor.intend(behind.flatten().as_ref(), &records);
                intended.map_err(|error| self.anchor.refused(error))?;
            }
            let ended = tx.commit();
            self.ended(ended, &records)?;
        }
        if let Some(object) = object {
            self.request = None;
            self.acted.get_or_insert(object);
        }
        Ok(outcome)
    }

    /// Does everything and keeps nothing: a dry run on the real path.
    ///
    /// # Errors
    /// What the closure gives, or [`StoreError`].
    pub fn rehearse<T, E: From<StoreError>>(&mut self, act: impl FnOnce(&Tx<'_>) -> Result<T, E>) -> Result<T, E> {
        let sql = Self::begin(&mut self.connection, self.shared.is_some(), true)?;
        act(&Tx::new(sql, &self.data, &self.anchor, self.clock))
    }

    fn migrate(&mut self) -> Result<(), StoreError> {
        let known: Vec<i64> = MIGRATIONS.iter().map(|(number, _)| *number).collect();
        self.migrate_to(&known)
    }

    fn migrate_to(&mut self, wanted: &[i64]) -> Result<(), StoreError> {
        let known = MIGRATIONS.iter().map(|(number, _)| *number).max().unwrap_or(0);
        let found = self.applied()?;
        if let Some(newer) = found.iter().copied().find(|number| *number > known) {
            return Err(StoreError::SchemaNewer { found: newer, known });
        }
        if wanted.iter().all(|number| found.contains(number)) {
            return Ok(());
        }
        // A table that is rebuilt is dropped and renamed, which references to it must not notice; they are checked behind.
        self.connection.check_references(false)?;
        let migrated = self.apply(wanted);
        self.connection.check_references(true)?;
        migrated
    }

    fn apply(&mut self, wanted: &[i64]) -> Result<(), StoreError> {
        self.journal(|tx| {
            tx.sql.execute_batch(
                "CREATE TABLE IF NOT EXISTS migration (number BIGINT PRIMARY KEY, applied_at TEXT NOT NULL)",
            )?;
            let found = tx.applied()?;
            for (number, sql) in
                MIGRATIONS.iter().filter(|(number, _)| wanted.contains(number) && !found.contains(number))
            {
                tx.sql.execute_batch(sql)?;
                tx.sql.execute("INSERT INTO migration (number, applied_at) VALUES ($1, $2)", (number, clock::now()))?;
            }
            if tx.sql.references_hold()? { Ok(()) } else { Err(StoreError::Damaged) }
        })
    }

    fn applied(&mut self) -> Result<Vec<i64>, StoreError> {
        self.read(|tx| if tx.sql.table_exists("migration")? { tx.applied() } else { Ok(Vec::new()) })
    }
}

impl<'a> Tx<'a> {
    fn new(sql: Transaction<'a>, held: &'a KeyHolder, anchor: &'a Anchor, rules: ClockRules) -> Self {
        Self {
            sql,
            held,
            data: OnceCell::new(),
            anchor,
            rules,
            recorded: RefCell::default(),
            next_person: Cell::new(None),
            instant: OnceCell::new(),
            request: None,
            object: RefCell::default(),
        }
    }

    /// Keeps everything; durable when it returns.
    fn commit(self) -> Result<(), StoreError> {
        Ok(self.sql.commit()?)
    }

    /// The instant of the transaction, one for all its rows.
    fn instant(&self) -> &str {
        self.instant.get_or_init(clock::now)
    }

    /// Numbers of the migrations that the database has.
    fn applied(&self) -> Result<Vec<i64>, StoreError> {
        let mut find = self.sql.prepare("SELECT number FROM migration ORDER BY number")?;
        Ok(find.query_map((), |row| row.get(0))?.collect::<Result<_, _>>()?)
    }

    /// A guarded move: exactly one row must have been in the expected state.
    fn moved(rows: usize, object: impl FnOnce() -> String, expected: &'static str) -> Result<(), StoreError> {
        if rows == 1 { Ok(()) } else { Err(StoreError::StateMoved { object: object(), expected }) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_opens_twice_and_migrates_once() {
        let folder = tempfile::tempdir().expect("folder");
        let path = Place::File(folder.path().join("x.db"));
        drop(Store::create(&path, folder.path()).expect("created"));
        let mut store = Store::open(&path, folder.path()).expect("opened");
        assert_eq!(store.applied().expect("list").len(), MIGRATIONS.len());
    }

    #[test]
    fn a_database_of_a_newer_program_is_refused() {
        let folder = tempfile::tempdir().expect("folder");
        let path = Place::File(folder.path().join("x.db"));
        let mut store = Store::create(&path, folder.path()).expect("created");
        let newer = "INSERT INTO migration (number, applied_at) VALUES (9999, '')";
        store.journal(|tx| -> Result<_, StoreError> { Ok(tx.sql.execute(newer, ())?) }).expect("row");
        assert!(matches!(Store::open(&path, folder.path()), Err(StoreError::SchemaNewer { found: 9999, .. })));
    }

    #[test]
    fn an_empty_file_is_no_centre_and_stays_empty() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("x.db");
        std::fs::write(&path, "").expect("file");
        assert!(matches!(Store::open(&Place::File(path.clone()), folder.path()), Err(StoreError::NoCentre)));
        let raw = rusqlite::Connection::open(&path).expect("opens");
        let tables: i64 = raw.query_row("SELECT COUNT(*) FROM sqlite_master", (), |row| row.get(0)).expect("count");
        assert_eq!(tables, 0);
    }

    #[test]
    fn a_file_that_is_no_database_is_called_damaged() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("x.db");
        std::fs::write(&path, "not a database, but long enough to look like a file of one".repeat(40)).expect("file");
        assert!(matches!(Store::open(&Place::File(path), folder.path()), Err(StoreError::Damaged)));
    }
}
