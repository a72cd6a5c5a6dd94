//! Rows of people: sealed dossiers, found by keyed hashes.
//!
//! Owns: what of a dossier stands open beside it (county, count of conflicts). Never: writes a name or a number unsealed.

use super::counter::Counter;
use super::engine::{OptionalExtension, Statement, Value, params};
use super::sealed::Ready;
use super::{StoreError, Tx};
use crate::person::dossier::Dossier;
use crate::person::field::Field;
use crate::person::no_card::NoCard;
use crate::person::{Details, Person};
use crate::registry::newcomer::{Known, Newcomer, Sealed};
use crate::store::batch::LACKS_CARD;
use crate::vault::data_keys::{LOOKUP_BYTES, Lookup, Marks};

/// Row number of a person.
type Id = i64;

/// What a row of a person gets beside its number and its instants.
struct NewRow<'a> {
    number: [u8; LOOKUP_BYTES],
    name: [u8; LOOKUP_BYTES],
    region: &'a str,
    conflicts: i64,
    no_card: &'static str,
    dossier: &'a [u8],
    /// The dossier, when it is sealed already under the generation that seals.
    sealed: Option<&'a Sealed>,
    import: u32,
}

/// People of one name who are looked at for one who is alike.
const ALIKE_MAX: u32 = 300;
/// So many at once: most names have few.
const ALIKE_AT_ONCE: u32 = 20;
/// Condition on a person `p`: not erased, and the row in which the person goes on.
const GOES_ON: &str = "NOT EXISTS (SELECT 1 FROM person_erased e WHERE e.person = p.id)
    AND NOT EXISTS (SELECT 1 FROM person_joined d WHERE d.person = p.id)";

/// Registers people one after the other: the statement is made ready once, and keeps the room for its values.
pub(crate) struct Adder<'t, 'a> {
    tx: &'t Tx<'a>,
    insert: Statement<'t>,
}

impl Adder<'_, '_> {
    /// Registers a person whose row was made ready before, unless the number is registered; the row number. The marks are
    /// [current](Tx::are_current) ones.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(crate) fn add(&mut self, newcomer: &Newcomer, marks: &Marks, import: u32) -> Result<Option<Id>, StoreError> {
        self.add_row(&NewRow {
            number: marks.number,
            name: marks.name,
            region: &newcomer.region,
            conflicts: 0,
            no_card: no_card(newcomer.no_card),
            dossier: &newcomer.dossier,
            sealed: newcomer.sealed.as_ref(),
            import,
        })
    }

    fn add_row(&mut self, row: &NewRow<'_>) -> Result<Option<Id>, StoreError> {
        let Self { tx, insert } = self;
        let id: Id = match tx.next_person.get() {
            Some(id) => id,
            None => tx.next_of(Counter::Person)?,
        };
        let now;
        let (key, sealed) = match row.sealed.filter(|sealed| sealed.id == id) {
            Some(sealed) => (tx.data()?.seals, &sealed.bytes),
            None => {
                now = tx.seal(&place(id), row.dossier)?;
                (now.0, &now.1)
            }
        };
        let instant = tx.instant();
        let NewRow { number, name, region, conflicts, no_card, import, .. } = row;
        let added =
            insert.execute(params![id, number, name, region, conflicts, key, sealed, import, instant, no_card])?;
        tx.next_person.set(Some(id + i64::from(added == 1)));
        Ok((added == 1).then_some(id))
    }
}

impl<'a> Tx<'a> {
    /// Makes ready to register people.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(crate) fn adder(&self) -> Result<Adder<'_, 'a>, StoreError> {
        let insert = self.sql.prepare(
            "INSERT INTO person (id, number_hash, name_hash, region, conflicts, data_key, dossier, import,
                                 registered_at, changed_at, no_card)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9, $10) ON CONFLICT (number_hash) DO NOTHING",
        )?;
        Ok(Adder { tx: self, insert })
    }
}

impl Tx<'_> {
    /// Registers a person; the row number.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when the number is registered.
    pub fn add_dossier(&self, dossier: &Dossier, import: u32) -> Result<Id, StoreError> {
        let row = NewRow {
            number: self.lookup(Lookup::Number, dossier.number())?,
            name: self.lookup(Lookup::Name, dossier.value(Field::Name))?,
            region: dossier.value(Field::Region),
            conflicts: conflicts(dossier),
            no_card: no_card(NoCard::of(dossier)),
            dossier: &dossier.to_bytes(),
            sealed: None,
            import,
        };
        self.adder()?.add_row(&row)?.ok_or_else(|| StoreError::Conflict { constraint: "person.number_hash".to_owned() })
    }

    /// Replaces a person's dossier.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn put_dossier(&self, id: Id, dossier: &Dossier) -> Result<(), StoreError> {
        let (key, sealed) = self.seal(&place(id), &dossier.to_bytes())?;
        let rows = self
            .sql
            .prepare(
                "UPDATE person SET number_hash = $1, name_hash = $2, region = $3, conflicts = $4, data_key = $5,
                                   dossier = $6, changed_at = $7, no_card = $8 WHERE id = $9",
            )?
            .execute(params![
                self.lookup(Lookup::Number, dossier.number())?,
                self.lookup(Lookup::Name, dossier.value(Field::Name))?,
                dossier.value(Field::Region),
                conflicts(dossier),
                key,
                sealed,
                self.instant(),
                no_card(NoCard::of(dossier)),
                id
            ])?;
        Self::moved(rows, || format!("person {id}"), "registered")
    }

    /// The person with a social security number, now or before, and the dossier.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn dossier_by_number(&self, number: &str) -> Result<Option<(Id, Dossier)>, StoreError> {
        Ok(self.known_by_any_number(number, false)?.map(|known| (known.id, known.dossier)))
    }

    /// The person who has a social security number now, in the row in which the person goes on.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(crate) fn known_by_number(&self, number: &str) -> Result<Option<Known>, StoreError> {
        for hash in self.data()?.keys.lookups(Lookup::Number, number) {
            if let Some(known) = self.known_by_mark(&hash)? {
                let id = self.goes_on_in(known.id)?;
                return if id == known.id { Ok(Some(known)) } else { self.known_person(id) };
            }
        }
        Ok(None)
    }

    /// The person whose number has this keyed hash. Nobody else can have the number when the hash is of current marks.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(crate) fn known_by_mark(&self, number: &[u8; LOOKUP_BYTES]) -> Result<Option<Known>, StoreError> {
        let mut find = self.sql.prepare("SELECT id, data_key, dossier, import FROM person WHERE number_hash = $1")?;
        let found = find
            .query_row([number], |row| {
                Ok((row.get::<Id>(0)?, row.get::<u8>(1)?, row.get::<Vec<u8>>(2)?, row.get::<u32>(3)?))
            })
            .optional()?;
        let Some((id, key, sealed, import)) = found else { return Ok(None) };
        Ok(Some(Known { id, import, dossier: self.opened(id, key, &sealed)? }))
    }

    /// Whether every row has its hashes under the generation of these marks, and a new one gets them: no rotation is under way.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(crate) fn are_current(&self, marks: &Marks) -> Result<bool, StoreError> {
        let Ready { keys, seals } = self.data()?;
        Ok(marks.generation == *seals && keys.has_only(*seals))
    }

    /// A person's dossier.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn dossier(&self, id: Id) -> Result<Option<Dossier>, StoreError> {
        let mut find = self.sql.prepare("SELECT data_key, dossier FROM person WHERE id = $1")?;
        let found = find.query_row([id], |row| Ok((row.get::<u8>(0)?, row.get::<Vec<u8>>(1)?))).optional()?;
        found.map(|(key, sealed)| self.opened(id, key, &sealed)).transpose()
    }

    /// The person with a row number.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn person(&self, id: Id) -> Result<Option<Person>, StoreError> {
        Ok(self.dossier(id)?.map(|dossier| person(id, &dossier)))
    }

    /// Row numbers of people who bear a name, written exactly so, in order.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn people_named(&self, name: &str, after: Id, limit: u32) -> Result<Vec<Id>, StoreError> {
        let mut find = self.sql.prepare(
            "SELECT id FROM person p WHERE name_hash = $1 AND id > $2
             AND NOT EXISTS (SELECT 1 FROM person_joined d WHERE d.person = p.id) ORDER BY id LIMIT $3",
        )?;
        let mut all: Vec<Id> = Vec::new();
        for hash in self.data()?.keys.lookups(Lookup::Name, name) {
            let rows = find.query_map(params![hash, after, limit], |row| row.get(0))?;
            all.append(&mut rows.collect::<Result<_, _>>()?);
        }
        all.sort_unstable();
        all.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        Ok(all)
    }

    /// Somebody registered before this row, or before all that are to come, who bears the name and was born on the day of these details;
    /// rather one with the same telephone.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn alike(&self, details: &Details, before: Option<Id>) -> Result<Option<Id>, StoreError> {
        if let Some(before) = before
            && !self.sql.prepare("SELECT 1 FROM person WHERE id < $1 LIMIT 1")?.exists([before])?
        {
            return Ok(None);
        }
        let (mut found, mut after, mut looked) = (None, 0, 0);
        while looked < ALIKE_MAX {
            let some = self.people_named(&details.name, after, ALIKE_AT_ONCE)?;
            let Some(last) = some.last().copied() else { break };
            for id in some {
                if before.is_some_and(|before| id >= before) {
                    return Ok(found);
                }
                let Some(other) = self.dossier(id)? else { continue };
                if other.number() == details.number || other.value(Field::BirthDate) != details.birth_date {
                    continue;
                }
                if !details.phone.is_empty() && other.value(Field::Phone) == details.phone {
                    return Ok(Some(id));
                }
                found.get_or_insert(id);
            }
            (after, looked) = (last, looked + ALIKE_AT_ONCE);
        }
        Ok(found)
    }

    /// Row numbers of the people of a batch, in order of their jobs.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn people_of_batch(&self, batch: i64, limit: u32) -> Result<Vec<Id>, StoreError> {
        let mut find = self
            .sql
            .prepare("SELECT person FROM job WHERE batch = $1 GROUP BY person ORDER BY MIN(number) LIMIT $2")?;
        Ok(find.query_map((batch, limit), |row| row.get(0))?.collect::<Result<_, _>>()?)
    }

    /// Row numbers after `after` of people on whom sources differ, in order.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn people_in_conflict(&self, after: Id, limit: u32) -> Result<Vec<Id>, StoreError> {
        let mut find = self.sql.prepare(&format!(
            "SELECT id FROM person p WHERE conflicts > 0 AND id > $1 AND {GOES_ON} ORDER BY id LIMIT $2"
        ))?;
        Ok(find.query_map((after, limit), |row| row.get(0))?.collect::<Result<_, _>>()?)
    }

    /// Row numbers after `after` of people for whom no card can be made, in order, with the reason; when `photos` are asked for, with people
    /// who have none and wait for a card.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn people_kept_from_card(
        &self,
        after: Id,
        photos: bool,
        limit: u32,
    ) -> Result<Vec<(Id, Option<NoCard>)>, StoreError> {
        let lacking = format!(
            "OR (NOT EXISTS (SELECT 1 FROM photo i WHERE i.person = p.id) AND (({LACKS_CARD})
                 OR EXISTS (SELECT 1 FROM card_request o WHERE o.person = p.id AND o.state = 'open')))"
        );
        let mut find = self.sql.prepare(&format!(
            "SELECT p.id, p.no_card FROM person p WHERE p.id > $1 AND {GOES_ON} AND (p.no_card <> '' {}) ORDER BY p.id LIMIT $2",
            if photos { &lacking } else { "" }
        ))?;
        let rows = find.query_map((after, limit), |row| Ok((row.get(0)?, NoCard::of_name(&row.get::<String>(1)?))))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Why no card can be made for a person; none for one who can get one, or is not registered.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn why_no_card(&self, id: Id) -> Result<Option<NoCard>, StoreError> {
        let mut find = self.sql.prepare("SELECT no_card FROM person WHERE id = $1")?;
        let name: Option<String> = find.query_row([id], |row| row.get(0)).optional()?;
        Ok(name.and_then(|name| NoCard::of_name(&name)))
    }

    /// Rows of an older schema of which nobody knows yet whether a card can be made, so many.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(super) fn unweighed_people(&self, limit: u32) -> Result<Vec<Id>, StoreError> {
        let mut find = self.sql.prepare("SELECT id FROM person WHERE no_card = 'unweighed' ORDER BY id LIMIT $1")?;
        Ok(find.query_map([limit], |row| row.get(0))?.collect::<Result<_, _>>()?)
    }

    /// Writes down whether a card can be made, as the dossier says.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(super) fn weigh(&self, id: Id) -> Result<(), StoreError> {
        let Some(dossier) = self.dossier(id)? else { return Ok(()) };
        self.sql
            .prepare("UPDATE person SET no_card = $1 WHERE id = $2")?
            .execute((no_card(NoCard::of(&dossier)), id))?;
        Ok(())
    }

    /// People after row number `after`, of one county or of all, in order.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn people(&self, county: Option<&str>, after: Id, limit: u32) -> Result<Vec<Person>, StoreError> {
        let mut find = self.sql.prepare(&format!(
            "SELECT id, data_key, dossier FROM person p WHERE id > $1 AND (region = $2 OR $2 IS NULL)
             AND {GOES_ON} ORDER BY id LIMIT $3"
        ))?;
        let rows = find.query_map((after, county, limit), |row| {
            Ok((row.get::<Id>(0)?, row.get::<u8>(1)?, row.get::<Vec<u8>>(2)?))
        })?;
        rows.map(|row| {
            let (id, key, sealed) = row?;
            Ok(person(id, &self.opened(id, key, &sealed)?))
        })
        .collect()
    }

    /// Hands every dossier to `take`, in order of row number, one at a time.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn each_dossier(&self, mut take: impl FnMut(Id, &Dossier)) -> Result<(), StoreError> {
        self.sql.each(&format!("SELECT id, data_key, dossier FROM person p WHERE {GOES_ON} ORDER BY id"), |row| {
            let id: Id = row.get(0)?;
            let Value::Bytes(sealed) = row.value(2)? else {
                return Err(StoreError::RowSealed { place: place(id) });
            };
            take(id, &self.opened(id, row.get(1)?, sealed)?);
            Ok(true)
        })
    }

    /// How many people are registered.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn people_count(&self) -> Result<u64, StoreError> {
        let count: i64 = self.sql.query_row(
            "SELECT (SELECT COUNT(*) FROM person) - (SELECT COUNT(*) FROM person_erased)
                  - (SELECT COUNT(*) FROM person_joined d
                     WHERE NOT EXISTS (SELECT 1 FROM person_erased e WHERE e.person = d.person))",
            (),
            |row| row.get(0),
        )?;
        Ok(u64::try_from(count).unwrap_or_default())
    }

    /// On how many people sources differ.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn conflict_count(&self) -> Result<u64, StoreError> {
        let count: i64 = self.sql.query_row(
            &format!("SELECT COUNT(*) FROM person p WHERE conflicts > 0 AND {GOES_ON}"),
            (),
            |row| row.get(0),
        )?;
        Ok(u64::try_from(count).unwrap_or_default())
    }

    fn opened(&self, id: Id, key: u8, sealed: &[u8]) -> Result<Dossier, StoreError> {
        let plain = self.open(key, &place(id), sealed)?;
        Dossier::from_bytes(&plain).ok_or_else(|| StoreError::RowSealed { place: place(id) })
    }
}

/// Where a dossier belongs: it opens in its own row only.
pub(crate) fn place(id: Id) -> String {
    format!("person {id}")
}

fn person(id: Id, dossier: &Dossier) -> Person {
    Person { id, details: dossier.details(), no_card: NoCard::of(dossier) }
}

fn no_card(why: Option<NoCard>) -> &'static str {
    why.map_or("", NoCard::name)
}

fn conflicts(dossier: &Dossier) -> i64 {
    i64::try_from(dossier.conflicts().iter().count()).unwrap_or(i64::MAX)
}
