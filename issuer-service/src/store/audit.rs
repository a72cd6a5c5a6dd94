//! Rows of the audit log and of its checkpoints.

use super::engine::{self, OptionalExtension, Row};
use super::{Recorded, StoreError, Tx};
use crate::audit::anchor::{Anchor, AnchorError};
use crate::audit::object::Object;
use crate::audit::text::{self, TextFault};
use crate::audit::{Act, Checkpoint, Record, Sought};
use crate::card::Card;
use crate::clock;
use crate::operator::OperatorError;
use crate::operator::duty::OnDuty;
use crate::person::Details;
use crate::person::certificate::Certificate;
use card_profiles::identity::CardIdentifier;

/// Fact: this log has an anchor.
const ANCHORED: &str = "audit_anchor";

/// Acts on many people whose detail is what somebody typed.
const OWN_WORDS: &[&str] = &["account.reject", "exchange.abandon", "exchange.reveal", "batch.withdraw"];

impl Anchor {
    /// What its refusal means to the centre.
    pub(super) fn refused(&self, error: AnchorError) -> StoreError {
        let path = || self.path().to_owned();
        match error {
            AnchorError::File(error) if error.kind() == std::io::ErrorKind::NotFound => {
                StoreError::AnchorMissing { path: path() }
            }
            AnchorError::File(error) => self.failed(error),
            AnchorError::Differs { log, anchor } => StoreError::LogDiffers { log, anchor },
            AnchorError::Damaged => StoreError::AnchorDamaged { path: path() },
        }
    }

    fn failed(&self, source: std::io::Error) -> StoreError {
        match source.kind() {
            std::io::ErrorKind::StorageFull => StoreError::DiskFull,
            _ => StoreError::Anchor { path: self.path().to_owned(), source },
        }
    }
}

impl Tx<'_> {
    /// Appends the record of an act; part of the act's transaction.
    pub(crate) fn append_audit(&self, act: &Act) -> Result<(), StoreError> {
        text::check(act)?;
        self.names_nobody(act)?;
        let head = self.audit_head()?;
        self.begin_anchor(head.as_ref())?;
        self.follow_clock()?;
        let record = Record::following(head.clone(), clock::now(), act);
        let line = (record.sequence, record.hash.clone());
        self.sql
            .prepare(
                "INSERT INTO audit (sequence, recorded_at, actor, act, object, detail, previous, hash)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
            )?
            .execute((
                record.sequence,
                record.recorded_at,
                record.actor,
                record.act,
                record.object,
                record.detail,
                record.previous,
                record.hash,
            ))?;
        let mut recorded = self.recorded.borrow_mut();
        recorded.behind.get_or_insert(head);
        recorded.records.push(line);
        let mut object = self.object.borrow_mut();
        if object.is_none() {
            if let Some(request) = self.request {
                self.bind_request(request, &act.object)?;
            }
            *object = Some(act.object.clone());
        }
        Ok(())
    }

    /// The text of an act does not say who it is about: the person, the holder of the card, who asked, anybody of a batch. Where the
    /// data keys are closed nobody can tell, and a text in other letters than those of the program's own words is refused.
    fn names_nobody(&self, act: &Act) -> Result<(), StoreError> {
        let foreign = text::has_foreign_letters(&act.detail);
        let concerned = self.concerned(&act.object, foreign || OWN_WORDS.contains(&act.act))?;
        if concerned.is_empty() {
            return Ok(());
        }
        if let Err(closed) = self.data() {
            return if foreign { Err(closed) } else { Ok(()) };
        }
        for id in concerned {
            match self.person(id) {
                Ok(Some(person)) if names(&act.detail, &person.details) => {
                    return Err(StoreError::TextUnfit { why: TextFault::Name });
                }
                Ok(Some(person)) if tells_certificate(&act.detail, &person.details) => {
                    return Err(StoreError::TextUnfit { why: TextFault::Number });
                }
                Ok(Some(person)) if text::tells_phone(&act.detail, &person.details.phone) => {
                    return Err(StoreError::TextUnfit { why: TextFault::Phone });
                }
                // A row that does not open is told where it is needed.
                _ => {}
            }
        }
        Ok(())
    }

    /// Row numbers of the people whom an object of an act is about; those of many only when `many` are wanted.
    fn concerned(&self, object: &str, many: bool) -> Result<Vec<i64>, StoreError> {
        let object = Object::parse(object);
        debug_assert!(object.is_some(), "a kind of object that audit::object does not list");
        let card = |card: Option<Card>| card.map(|card| card.person);
        let of_card = |text: Option<String>| -> Result<Option<i64>, StoreError> {
            let identifier = text.as_deref().and_then(CardIdentifier::parse);
            Ok(card(identifier.map(|identifier| self.card_by_identifier(&identifier)).transpose()?.flatten()))
        };
        let card_of = |sql: &str, id: &str| -> Result<Option<String>, StoreError> {
            Ok(self.sql.prepare(sql)?.query_row([id], |row| row.get(0)).optional()?)
        };
        let one = match object.unwrap_or(Object::Nobody) {
            Object::Person(id) => Some(id),
            Object::Request(number) => self.request(number)?.map(|request| request.person),
            Object::Job(job) if self.job_state(job)?.is_some() => Some(self.job_person(job)?),
            Object::Batch(batch) if many => return self.people_of_batch(batch, u32::MAX),
            Object::Task(task) if many => return self.people_of_task(task),
            Object::Allotment(request) if many => {
                let mut find = self.sql.prepare("SELECT DISTINCT holder FROM allotment WHERE request = $1")?;
                return Ok(find.query_map([request], |row| row.get(0))?.collect::<Result<_, _>>()?);
            }
            Object::Card(name) => card(match CardIdentifier::parse(name) {
                Some(identifier) => self.card_by_identifier(&identifier)?,
                None => self.card_by_number(name)?,
            }),
            Object::Sale(id) => of_card(card_of("SELECT card FROM sale WHERE sale_id = $1", id)?)?,
            Object::Load(id) => of_card(card_of("SELECT card FROM load WHERE load_id = $1", id)?)?,
            Object::Record(place) => {
                let (terminal, record) = place.split_once('/').unwrap_or((place, ""));
                let mut find = self.sql.prepare(
                    "SELECT card FROM upload_row WHERE terminal = $1 AND record = $2 ORDER BY batch LIMIT 1",
                )?;
                let record = record.parse::<i64>().unwrap_or_default();
                of_card(find.query_row((terminal, record), |row| row.get(0)).optional()?)?
            }
            Object::Ticket(number) => {
                let mut find = self.sql.prepare("SELECT person FROM ticket WHERE number = $1")?;
                find.query_row([number], |row| row.get(0)).optional()?.flatten()
            }
            Object::Job(_) | Object::Batch(_) | Object::Task(_) | Object::Allotment(_) | Object::Nobody => None,
        };
        Ok(one.into_iter().collect())
    }

    /// Row numbers of the people of a file to a partner or to the holder registry.
    fn people_of_task(&self, task: &str) -> Result<Vec<i64>, StoreError> {
        let mut find = self.sql.prepare(
            "SELECT DISTINCT j.person FROM exchange_file f JOIN exchange_row r ON r.file = f.number
             JOIN job j ON j.number = r.job WHERE f.task = $1
             UNION SELECT DISTINCT j.person FROM sync_file f JOIN registry_sync r ON r.file = f.number
             JOIN job j ON j.number = r.job WHERE f.task = $1",
        )?;
        Ok(find.query_map([task], |row| row.get(0))?.collect::<Result<_, _>>()?)
    }

    /// Writes the records of this transaction down in the anchor: the last thing before the commit. From here on they are to be
    /// found, or a power loss explains it. Gives the last of them. Who acts must still be allowed to.
    pub(super) fn anchor_records(&self, on_duty: Option<&OnDuty>) -> Result<Option<i64>, StoreError> {
        let recorded = self.records(on_duty)?;
        let Some((last, _)) = recorded.records.last() else { return Ok(None) };
        let behind = recorded.behind.flatten();
        self.anchor.intend(behind.as_ref(), &recorded.records).map_err(|error| self.anchor.refused(error))?;
        Ok(Some(*last))
    }

    /// The records of this transaction, of which nothing stands in the anchor yet. Who acts must still be allowed to.
    pub(super) fn records(&self, on_duty: Option<&OnDuty>) -> Result<Recorded, StoreError> {
        let recorded = self.recorded.take();
        if recorded.records.is_empty() {
            return Ok(recorded);
        }
        if let Some(OnDuty { operator, roles }) = on_duty {
            match self.require_one(Some(operator), roles) {
                Err(OperatorError::Store(error)) => return Err(error),
                Err(error) => return Err(StoreError::OffDuty(Box::new(error))),
                Ok(_) => {}
            }
        }
        Ok(recorded)
    }

    /// Whether the log ends where its anchor says: nothing may happen on one that was cut off.
    ///
    /// # Errors
    /// [`StoreError::LogDiffers`], [`StoreError::AnchorDamaged`], [`StoreError::AnchorMissing`], [`StoreError::Anchor`].
    pub fn log_is_whole(&self) -> Result<(), StoreError> {
        // What this transaction has recorded so far is not in the anchor yet.
        let behind = self.recorded.borrow().behind.clone();
        let head = match behind {
            Some(head) => head,
            None => self.audit_head()?,
        };
        match self.anchor.compare(head.as_ref()) {
            Err(AnchorError::File(error)) if error.kind() == std::io::ErrorKind::NotFound && !self.is_anchored()? => {
                Ok(())
            }
            outcome => outcome.map_err(|error| self.anchor.refused(error)),
        }
    }

    /// The anchor of this log.
    #[must_use]
    pub fn anchor(&self) -> &Anchor {
        self.anchor
    }

    /// Whether this log has an anchor outside the database.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn is_anchored(&self) -> Result<bool, StoreError> {
        Ok(self.fact(ANCHORED)?.is_some())
    }

    fn begin_anchor(&self, head: Option<&(i64, String)>) -> Result<(), StoreError> {
        let there = self.anchor.path().exists();
        match (self.is_anchored()?, there) {
            (true, true) => Ok(()),
            (true, false) => Err(StoreError::AnchorMissing { path: self.anchor.path().to_owned() }),
            (false, there) => {
                if !there {
                    self.anchor.begin(head).map_err(|source| self.anchor.failed(source))?;
                }
                self.set_fact(ANCHORED, "1")
            }
        }
    }

    /// Position and hash of the last record.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn audit_head(&self) -> Result<Option<(i64, String)>, StoreError> {
        let mut statement = self.sql.prepare("SELECT sequence, hash FROM audit ORDER BY sequence DESC LIMIT 1")?;
        Ok(statement.query_row((), |row| Ok((row.get(0)?, row.get(1)?))).optional()?)
    }

    /// Hands every record to `take`, in order, until it answers `false`.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn audit_records(&self, mut take: impl FnMut(&Record) -> bool) -> Result<(), StoreError> {
        self.sql.each(
            "SELECT sequence, recorded_at, actor, act, object, detail, previous, hash FROM audit ORDER BY sequence",
            |row| Ok(take(&record(row)?)),
        )
    }

    /// Records after `after`, in order.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn audit_page(&self, after: i64, limit: u32) -> Result<Vec<Record>, StoreError> {
        let mut find = self.sql.prepare(
            "SELECT sequence, recorded_at, actor, act, object, detail, previous, hash FROM audit
             WHERE sequence > $1 ORDER BY sequence LIMIT $2",
        )?;
        Ok(find.query_map((after, limit), record)?.collect::<Result<_, _>>()?)
    }

    /// A page of records below a position of those that are looked for, the newest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn audit_before(&self, before: i64, sought: &Sought, most: u32) -> Result<Vec<Record>, StoreError> {
        let mut find = self.sql.prepare(
            "SELECT sequence, recorded_at, actor, act, object, detail, previous, hash FROM audit
             WHERE sequence < $1 AND substr(actor, 1, length($2)) = $2 AND substr(act, 1, length($3)) = $3
             AND substr(object, 1, length($4)) = $4 ORDER BY sequence DESC LIMIT $5",
        )?;
        let sought = (before, &sought.actor, &sought.act, &sought.object, i64::from(most));
        Ok(find.query_map(sought, record)?.collect::<Result<_, _>>()?)
    }

    /// All checkpoints, in order.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn audit_checkpoints(&self) -> Result<Vec<Checkpoint>, StoreError> {
        let mut statement =
            self.sql.prepare("SELECT sequence, hash, signed_at, signature FROM audit_checkpoint ORDER BY sequence")?;
        let rows = statement.query_map((), |row| {
            Ok(Checkpoint { sequence: row.get(0)?, hash: row.get(1)?, signed_at: row.get(2)?, signature: row.get(3)? })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Whether a record is signed by a checkpoint of its own.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(crate) fn is_checkpoint(&self, sequence: i64) -> Result<bool, StoreError> {
        Ok(self.sql.prepare("SELECT sequence FROM audit_checkpoint WHERE sequence = $1")?.exists([sequence])?)
    }

    /// How many checkpoints there are.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(crate) fn audit_checkpoint_count(&self) -> Result<i64, StoreError> {
        Ok(self.sql.prepare("SELECT COUNT(*) FROM audit_checkpoint")?.query_row((), |row| row.get(0))?)
    }

    /// Adds a checkpoint; one that exists stays.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn add_audit_checkpoint(&self, checkpoint: &Checkpoint) -> Result<(), StoreError> {
        self.sql.execute(
            "INSERT INTO audit_checkpoint (sequence, hash, signed_at, signature) VALUES ($1, $2, $3, $4)
             ON CONFLICT (sequence) DO NOTHING",
            (checkpoint.sequence, &checkpoint.hash, &checkpoint.signed_at, &checkpoint.signature),
        )?;
        Ok(())
    }

    /// A fact about the centre.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn fact(&self, name: &str) -> Result<Option<String>, StoreError> {
        let mut statement = self.sql.prepare("SELECT value FROM centre WHERE name = $1")?;
        Ok(statement.query_row([name], |row| row.get(0)).optional()?)
    }

    /// Sets a fact about the centre.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn set_fact(&self, name: &str, value: &str) -> Result<(), StoreError> {
        self.sql.execute(
            "INSERT INTO centre (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
            (name, value),
        )?;
        Ok(())
    }
}

fn record(row: &Row<'_>) -> engine::Result<Record> {
    Ok(Record {
        sequence: row.get(0)?,
        recorded_at: row.get(1)?,
        actor: row.get(2)?,
        act: row.get(3)?,
        object: row.get(4)?,
        detail: row.get(5)?,
        previous: row.get(6)?,
        hash: row.get(7)?,
    })
}

/// Whether a text says somebody's name, in either script.
fn names(text: &str, details: &Details) -> bool {
    [&details.name, &details.name_script].into_iter().any(|name| text::names(text, name))
}

/// Whether a text says the number of somebody's certificate, and so the social security number made from it.
fn tells_certificate(text: &str, details: &Details) -> bool {
    !details.certificate.is_empty() && text::tells(text, &Certificate::of(details).number)
}
