//! What the centre told the terminal, and what the terminal knows of itself and of cards.
//!
//! Owns: rows of `fact`, `sign_in`, `blacklist`, `tries`. Never: decides what they mean.

use rusqlite::{OptionalExtension as _, Row, params};
use settlement::blacklist::{Held, Period, SignedBlacklist};
use settlement::fen::Fen;
use settlement::id::{CardIdentifier, InstitutionCode, PublicKey, Signature, TerminalNumber};
use settlement::message::{Institution, SignInAnswer, TerminalLimits};
use settlement::parameters::{HeldParameters, SignedParameters};
use settlement::sale::OnlinePolicy;
use settlement::{BusinessDate, DateTime};

use super::entries::write;
use super::{Store, StoreError};
use crate::clock::{Now, Running};

/// The last sign-in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedIn {
    /// Day on which transactions count.
    pub business_date: BusinessDate,
    /// The pharmacy.
    pub institution: Institution,
    /// What the terminal may do without asking.
    pub limits: TerminalLimits,
    /// Which signed parameters they are.
    pub parameters: HeldParameters,
    /// Until when it may sell by them.
    pub limits_until: DateTime,
    /// Newest blacklist at that time.
    pub blacklist_sequence: u64,
}

/// The blacklist as it was last taken over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Blacklist {
    /// Sequence.
    pub sequence: u64,
    /// When it was signed, and until when it may be used.
    pub period: Period,
    /// Cards on it.
    pub cards: u64,
}

const TERMINAL: &str = "terminal_number";
const CENTRE_KEY: &str = "centre_key";
/// The centre's signature over the blacklist that is held.
const LIST_SIGNATURE: &str = "blacklist_signature";
/// When the centre last answered a kiosk.
const CONTACT: &str = "kiosk_contact";
/// When the terminal signed out; gone with the next sign-in.
const SIGNED_OUT: &str = "signed_out_at";
/// The time that the centre signed last in an answer to this terminal, and how long the machine had run then: instant, seconds, start.
const CLOCK_TOLD: &str = "clock_told";
/// The last entry before the last sign-in: what was journalled since counts for the clock.
const CLOCK_FROM: &str = "clock_from_entry";

impl Store {
    /// The terminal number that this folder belongs to.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn terminal(&self) -> Result<Option<TerminalNumber>, StoreError> {
        let text = self.fact(TERMINAL)?;
        text.map(|text| TerminalNumber::parse(&text).map_err(|_| self.corrupt("the terminal number"))).transpose()
    }

    /// Binds the folder to a terminal number, once.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn set_terminal(&mut self, number: TerminalNumber) -> Result<(), StoreError> {
        let place = self.place.clone();
        write(&mut self.connection, &place, |connection| {
            connection
                .execute("INSERT INTO fact (name, value) VALUES (?1, ?2)", params![TERMINAL, number.to_string()])?;
            Ok(())
        })
    }

    /// Keeps what the centre said at sign-in.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn set_sign_in(&mut self, answer: &SignInAnswer) -> Result<(), StoreError> {
        let place = self.place.clone();
        let parameters = &answer.parameters;
        let limits = parameters.limits;
        write(&mut self.connection, &place, |connection| {
            connection.execute(
                "INSERT OR REPLACE INTO sign_in (one, at, business_date, institution_code, institution_name,
                     purchase_max_fen, card_day_max_fen, pending_records_max, pending_max_fen,
                     blacklist_age_max_hours, blacklist_sequence, card_day_count_max, parameters, issued_at, valid_until,
                     online, letter)
                 VALUES (1, ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)",
                params![
                    Now::of_system().utc(),
                    answer.business_date.to_string(),
                    answer.institution.code.as_str(),
                    answer.institution.name,
                    limits.purchase_max_fen.get(),
                    limits.card_day_max_fen.get(),
                    limits.pending_records_max,
                    limits.pending_max_fen.get(),
                    limits.blacklist_age_max_hours,
                    i64::try_from(answer.blacklist_sequence).unwrap_or(i64::MAX),
                    limits.card_day_count_max,
                    i64::try_from(parameters.sequence).unwrap_or(i64::MAX),
                    parameters.issued_at.to_string(),
                    parameters.valid_until.to_string(),
                    limits.online.as_str(),
                    parameters.to_text(),
                ],
            )?;
            connection.execute("DELETE FROM fact WHERE name = ?1", [SIGNED_OUT])?;
            // The centre's signed time is the word on what was before it: a clock that was ahead once is not held against it.
            connection.execute(
                "INSERT OR REPLACE INTO fact (name, value) SELECT ?1, coalesce(max(number), 0) FROM entry",
                [CLOCK_FROM],
            )?;
            Ok(())
        })
    }

    /// Keeps the time that the centre has just signed beside how long the machine runs.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn note_clock(&mut self, centre: Now, running: &Running) -> Result<(), StoreError> {
        let place = self.place.clone();
        let told = format!("{} {} {}", centre.seconds(), running.seconds, running.boot);
        write(&mut self.connection, &place, |connection| {
            connection
                .execute("INSERT OR REPLACE INTO fact (name, value) VALUES (?1, ?2)", [CLOCK_TOLD, told.as_str()])
                .map(drop)
        })
    }

    /// What time it is by the centre's last word and by how long the machine has run since; `None` before the first, after another start
    /// of the machine, and where the system does not say.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn centres_clock(&self, running: Option<&Running>) -> Result<Option<Now>, StoreError> {
        let (Some(running), Some(told)) = (running, self.fact(CLOCK_TOLD)?) else { return Ok(None) };
        let read = || {
            let mut words = told.split(' ');
            let (told, ran) = (words.next()?.parse().ok()?, words.next()?.parse::<i64>().ok()?);
            Some((Now::at(told)?, running.seconds.checked_sub(ran)?, words.next()? == running.boot))
        };
        let (centre, since, is_same_start) = read().ok_or_else(|| self.corrupt("the centre's clock"))?;
        Ok((is_same_start && since >= 0).then(|| centre.later(since)))
    }

    /// The latest instant that is known to have been: what the centre signed (limits, blacklist), and what was journalled since the
    /// last sign-in; `None` of an empty journal. What was refused is no act: a clock that was ahead while it refused stops nothing later.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn clock_mark(&self) -> Result<Option<Now>, StoreError> {
        let from: i64 = self.fact(CLOCK_FROM)?.and_then(|number| number.parse().ok()).unwrap_or(0);
        let begun: Option<String> = self
            .connection
            .prepare_cached("SELECT max(substr(history, 3, 20)) FROM entry WHERE number > ?1 AND state <> 'REFUSED'")
            .and_then(|mut statement| statement.query_row([from], |row| row.get(0)))
            .map_err(|source| self.failure(source))?;
        let signed_in = self.sign_in()?.and_then(|signed_in| Now::of_china(signed_in.parameters.issued_at));
        let listed = self.blacklist()?.and_then(|list| Now::of_china(list.period.issued_at));
        let begun = begun.and_then(|at| Now::of_utc(&at));
        Ok([begun, signed_in, listed].into_iter().flatten().max_by_key(|at| at.seconds()))
    }

    /// The last sign-in, if there was one. Its limits are those that the centre signed, and are compared with the rows.
    ///
    /// # Errors
    /// [`StoreError::Altered`] when the limits are not as the centre signed them; [`StoreError`].
    pub fn sign_in(&self) -> Result<Option<SignedIn>, StoreError> {
        let found = self
            .connection
            .query_row("SELECT * FROM sign_in WHERE one = 1", [], |row| {
                Ok((signed_in(row)?, row.get::<_, String>("letter")?))
            })
            .optional()
            .map_err(|source| self.failure(source))?;
        let Some((row, letter)) = found else { return Ok(None) };
        let row = row.ok_or_else(|| self.corrupt("the sign-in"))?;
        let is_signed = match (SignedParameters::parse(&letter), self.centre_key()?, self.terminal()?) {
            (Some(signed), Some(key), Some(terminal)) => {
                let held = HeldParameters { sequence: signed.sequence, issued_at: signed.issued_at };
                let is_same =
                    (row.limits, row.parameters, row.limits_until) == (signed.limits, held, signed.valid_until);
                is_same && self.is_signed(&signed, &letter, &key, terminal)
            }
            _ => false,
        };
        if is_signed { Ok(Some(row)) } else { Err(StoreError::Altered { place: self.place.clone() }) }
    }

    /// Whether the centre signed these limits. The same letter under the same key is looked at once in a program's life.
    fn is_signed(&self, signed: &SignedParameters, letter: &str, key: &PublicKey, terminal: TerminalNumber) -> bool {
        let seen = (letter.to_owned(), *key);
        if self.checked.borrow().as_ref() == Some(&seen) {
            return true;
        }
        let is_of = signed.is_of(key, terminal);
        if is_of {
            *self.checked.borrow_mut() = Some(seen);
        }
        is_of
    }

    /// The key with which the centre signs, once it is known.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn centre_key(&self) -> Result<Option<PublicKey>, StoreError> {
        let text = self.fact(CENTRE_KEY)?;
        text.map(|text| PublicKey::parse(&text).map_err(|_| self.corrupt("the centre's key"))).transpose()
    }

    /// Trusts a key as the centre's from now on.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn set_centre_key(&mut self, key: &PublicKey) -> Result<(), StoreError> {
        let place = self.place.clone();
        write(&mut self.connection, &place, |connection| {
            let statement = "INSERT OR REPLACE INTO fact (name, value) VALUES (?1, ?2)";
            connection.execute(statement, params![CENTRE_KEY, key.to_string()])?;
            Ok(())
        })
    }

    /// When the terminal signed out; `None` while it may sell.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn signed_out(&self) -> Result<Option<DateTime>, StoreError> {
        let text = self.fact(SIGNED_OUT)?;
        text.map(|text| DateTime::parse(&text).map_err(|_| self.corrupt("the sign-out"))).transpose()
    }

    /// The terminal signs out: it sells nothing before it signs in again.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn set_signed_out(&mut self, at: DateTime) -> Result<(), StoreError> {
        let place = self.place.clone();
        write(&mut self.connection, &place, |connection| {
            let statement = "INSERT OR REPLACE INTO fact (name, value) VALUES (?1, ?2)";
            connection.execute(statement, params![SIGNED_OUT, at.to_string()])?;
            Ok(())
        })
    }

    /// When the centre last answered this kiosk, if it ever did.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn contact(&self) -> Result<Option<DateTime>, StoreError> {
        let text = self.fact(CONTACT)?;
        text.map(|text| DateTime::parse(&text).map_err(|_| self.corrupt("the last contact"))).transpose()
    }

    /// The centre answered this kiosk.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn set_contact(&mut self, at: DateTime) -> Result<(), StoreError> {
        let place = self.place.clone();
        write(&mut self.connection, &place, |connection| {
            let statement =
                "INSERT INTO fact (name, value) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET value = ?2";
            connection.execute(statement, params![CONTACT, at.to_string()])?;
            Ok(())
        })
    }

    /// Replaces the blacklist by one that was opened. What nobody signed cannot be given out again.
    ///
    /// # Errors
    /// [`StoreError`]: the old list stays.
    pub fn set_blacklist(&mut self, list: &Held, period: Period) -> Result<(), StoreError> {
        self.replace_blacklist(list, period, None)
    }

    /// Replaces the blacklist by `opened`, which `list` led to; its signature is kept.
    ///
    /// # Errors
    /// [`StoreError`]: the old list stays.
    pub fn take_over_blacklist(&mut self, list: &SignedBlacklist, opened: &Held) -> Result<(), StoreError> {
        let period = Period { issued_at: list.issued_at, valid_until: list.valid_until };
        self.replace_blacklist(opened, period, Some(&list.signature))
    }

    fn replace_blacklist(
        &mut self,
        list: &Held,
        period: Period,
        signature: Option<&Signature>,
    ) -> Result<(), StoreError> {
        let place = self.place.clone();
        write(&mut self.connection, &place, |connection| {
            connection.execute("DELETE FROM blacklisted", [])?;
            let mut insert = connection.prepare("INSERT INTO blacklisted (card_identifier) VALUES (?1)")?;
            for card in &list.cards {
                insert.execute([card.to_string()])?;
            }
            connection.execute(
                "INSERT OR REPLACE INTO blacklist (one, sequence, issued_at, valid_until) VALUES (1, ?1, ?2, ?3)",
                params![
                    i64::try_from(list.sequence).unwrap_or(i64::MAX),
                    period.issued_at.to_string(),
                    period.valid_until.to_string()
                ],
            )?;
            connection.execute("DELETE FROM fact WHERE name = ?1", [LIST_SIGNATURE])?;
            if let Some(signature) = signature {
                connection.execute(
                    "INSERT INTO fact (name, value) VALUES (?1, ?2)",
                    params![LIST_SIGNATURE, signature.to_string()],
                )?;
            }
            Ok(())
        })
    }

    /// The blacklist that is held, whole, as its centre signed it; `None` when there is none, or its signature was not kept.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn signed_blacklist(&self) -> Result<Option<SignedBlacklist>, StoreError> {
        let (list, signature, key) = (self.blacklist()?, self.fact(LIST_SIGNATURE)?, self.centre_key()?);
        let (Some(list), Some(signature), Some(key)) = (list, signature, key) else { return Ok(None) };
        let signature = Signature::parse(&signature).map_err(|_| self.corrupt("the signature of the blacklist"))?;
        Ok(Some(SignedBlacklist::whole(&self.held_blacklist()?, list.period, key, signature)))
    }

    /// The blacklist's sequence, times and size; `None` when none was ever taken over.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn blacklist(&self) -> Result<Option<Blacklist>, StoreError> {
        let query = "SELECT sequence, issued_at, valid_until, (SELECT count(*) FROM blacklisted) FROM blacklist";
        let found = self
            .connection
            .query_row(query, [], |row| {
                let (issued_at, valid_until): (String, String) = (row.get(1)?, row.get(2)?);
                let time = |text: &str| DateTime::parse(text).ok();
                let period = time(&issued_at).zip(time(&valid_until));
                let period = period.map(|(issued_at, valid_until)| Period { issued_at, valid_until });
                Ok((row.get::<_, i64>(0)?.unsigned_abs(), period, row.get::<_, i64>(3)?.unsigned_abs()))
            })
            .optional()
            .map_err(|source| self.failure(source))?;
        let Some((sequence, period, cards)) = found else { return Ok(None) };
        let period = period.ok_or_else(|| self.corrupt("the times of the blacklist"))?;
        Ok(Some(Blacklist { sequence, period, cards }))
    }

    /// The blacklist with its cards; an empty one when none was ever taken over.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn held_blacklist(&self) -> Result<Held, StoreError> {
        let Some(list) = self.blacklist()? else { return Ok(Held::default()) };
        let mut find = self
            .connection
            .prepare("SELECT card_identifier FROM blacklisted")
            .map_err(|source| self.failure(source))?;
        let rows = find.query_map([], |row| row.get::<_, String>(0)).map_err(|source| self.failure(source))?;
        let mut held = Held { sequence: list.sequence, issued_at: Some(list.period.issued_at), ..Held::default() };
        for row in rows {
            let text = row.map_err(|source| self.failure(source))?;
            held.cards.insert(CardIdentifier::parse(&text).map_err(|_| self.corrupt("a card of the blacklist"))?);
        }
        Ok(held)
    }

    /// Whether a card is on the list.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn is_blacklisted(&self, card: &CardIdentifier) -> Result<bool, StoreError> {
        self.connection
            .query_row("SELECT count(*) FROM blacklisted WHERE card_identifier = ?1", [card.to_string()], |row| {
                row.get::<_, i64>(0)
            })
            .map(|count| count > 0)
            .map_err(|source| self.failure(source))
    }
}

fn signed_in(row: &Row<'_>) -> rusqlite::Result<Option<SignedIn>> {
    let date = BusinessDate::parse(&row.get::<_, String>("business_date")?);
    let code = InstitutionCode::parse(&row.get::<_, String>("institution_code")?);
    let time = |name: &str| row.get::<_, String>(name).map(|text| DateTime::parse(&text));
    let (Ok(business_date), Ok(code)) = (date, code) else { return Ok(None) };
    let Some(online) = OnlinePolicy::parse(&row.get::<_, String>("online")?) else { return Ok(None) };
    let (Ok(issued_at), Ok(limits_until)) = (time("issued_at")?, time("valid_until")?) else { return Ok(None) };
    Ok(Some(SignedIn {
        business_date,
        institution: Institution { code, name: row.get("institution_name")? },
        limits: TerminalLimits {
            purchase_max_fen: Fen::new(row.get("purchase_max_fen")?),
            card_day_max_fen: Fen::new(row.get("card_day_max_fen")?),
            card_day_count_max: row.get("card_day_count_max")?,
            pending_records_max: row.get("pending_records_max")?,
            pending_max_fen: Fen::new(row.get("pending_max_fen")?),
            blacklist_age_max_hours: row.get("blacklist_age_max_hours")?,
            online,
        },
        parameters: HeldParameters { sequence: row.get::<_, i64>("parameters")?.unsigned_abs(), issued_at },
        limits_until,
        blacklist_sequence: row.get::<_, i64>("blacklist_sequence")?.unsigned_abs(),
    }))
}

#[cfg(test)]
mod tests {
    use ring::signature::{Ed25519KeyPair, KeyPair as _};
    use settlement::batch::ChainPosition;
    use settlement::id::Signature;
    use settlement::message::{AnswerStatus, Version1};

    use super::*;
    use crate::check::LIMITS_BEFORE_SIGN_IN;

    const TERMINAL: TerminalNumber = TerminalNumber([0x99; 6]);

    fn signed_by(seed: u8, limits: TerminalLimits) -> SignInAnswer {
        let pair = Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).expect("a seed");
        let key = PublicKey(pair.public_key().as_ref().try_into().expect("32 bytes"));
        let now = Now::of_system();
        let period = (now.date_time(), now.later(3_600).date_time());
        let parameters = SignedParameters::sign(TERMINAL, 1, limits, period, key, |bytes| {
            Signature(pair.sign(bytes).as_ref().try_into().expect("64 bytes"))
        });
        let code = InstitutionCode::parse("P1").expect("a word");
        SignInAnswer {
            version: Version1,
            status: AnswerStatus::Created,
            business_date: now.date(),
            institution: Institution { code, name: "P".to_owned() },
            next_batch_sequence: 1,
            chain: ChainPosition::START,
            parameters,
            blacklist_sequence: 0,
            catalogue_sequence: 0,
            centre_key: key,
        }
    }

    fn signed_in(folder: &std::path::Path) -> Store {
        let mut store = Store::open(folder).expect("a journal");
        let answer = signed_by(7, LIMITS_BEFORE_SIGN_IN);
        store.set_terminal(TERMINAL).expect("written");
        store.set_centre_key(&answer.centre_key).expect("written");
        store.set_sign_in(&answer).expect("written");
        assert_eq!(store.sign_in().expect("right").expect("there").limits, LIMITS_BEFORE_SIGN_IN);
        store
    }

    #[test]
    fn limits_that_somebody_changed_in_the_journal_are_found_out_at_the_next_start_and_at_once() {
        let wider = TerminalLimits { purchase_max_fen: Fen::new(99_999_999), ..LIMITS_BEFORE_SIGN_IN };
        let forged = signed_by(8, wider).parameters.to_text();
        let changes: [(&str, &[&dyn rusqlite::ToSql]); 6] = [
            ("UPDATE sign_in SET purchase_max_fen = 99999999", &[]),
            ("UPDATE sign_in SET card_day_count_max = 9999", &[]),
            ("UPDATE sign_in SET online = 'online-preferred'", &[]),
            ("UPDATE sign_in SET valid_until = '20991231235959'", &[]),
            ("UPDATE sign_in SET letter = ''", &[]),
            ("UPDATE sign_in SET purchase_max_fen = 99999999, letter = ?1", &[&forged]),
        ];
        for (change, values) in changes {
            let folder = tempfile::tempdir().expect("a folder");
            let store = signed_in(folder.path());
            store.connection.execute(change, values).expect("changed");
            assert!(matches!(store.sign_in(), Err(StoreError::Altered { .. })), "{change}: in the same program");
            drop(store);
            let mut store = Store::open(folder.path()).expect("a journal");
            assert!(matches!(store.sign_in(), Err(StoreError::Altered { .. })), "{change}");
            assert!(matches!(store.clock_mark(), Err(StoreError::Altered { .. })), "nothing is sold by them");
            store.set_sign_in(&signed_by(7, LIMITS_BEFORE_SIGN_IN)).expect("written");
            assert!(store.sign_in().is_ok(), "the next sign-in mends it");
        }
    }

    fn store() -> (tempfile::TempDir, Store) {
        let folder = tempfile::tempdir().expect("a folder");
        let store = Store::open(folder.path()).expect("a journal");
        (folder, store)
    }

    fn list(sequence: u64, cards: &[u8], hours: i64) -> (Held, Period) {
        let issued = Now::of_system().later(hours * 3_600);
        let period = Period { issued_at: issued.date_time(), valid_until: issued.later(86_400).date_time() };
        let cards = cards.iter().map(|card| CardIdentifier([*card; 16])).collect();
        (Held { sequence, issued_at: Some(period.issued_at), cards }, period)
    }

    #[test]
    fn a_list_takes_the_place_of_the_one_before_it_whole() {
        let (folder, mut store) = store();
        assert_eq!(
            (store.blacklist().expect("readable"), store.held_blacklist().expect("readable")),
            (None, Held::default())
        );
        let (first, _) = list(4, &[1, 2], 0);
        store.set_blacklist(&first, list(4, &[], 0).1).expect("written");
        let (second, period) = list(5, &[2, 3], 1);
        store.set_blacklist(&second, period).expect("written");
        drop(store);
        let store = Store::open(folder.path()).expect("a journal");
        assert_eq!(store.blacklist().expect("readable"), Some(Blacklist { sequence: 5, period, cards: 2 }));
        assert_eq!(store.held_blacklist().expect("readable"), second);
        let listed = [1, 2, 3].map(|card| store.is_blacklisted(&CardIdentifier([card; 16])).expect("readable"));
        assert_eq!(listed, [false, true, true]);
    }

    #[test]
    fn what_the_centre_signed_last_is_the_latest_instant_that_is_known() {
        let (_folder, mut store) = store();
        assert!(store.clock_mark().expect("readable").is_none(), "nothing is known yet");
        let (held, period) = list(1, &[], 24);
        store.set_blacklist(&held, period).expect("written");
        let mark = store.clock_mark().expect("readable").expect("known");
        assert_eq!(mark.date_time(), period.issued_at);
        // An older list moves it back: what counts is the one that is held.
        let (older, earlier) = list(1, &[], 1);
        store.set_blacklist(&older, earlier).expect("written");
        assert_eq!(store.clock_mark().expect("readable").expect("known").date_time(), earlier.issued_at);
    }

    #[test]
    fn a_folder_belongs_to_one_terminal_and_remembers_its_centre() {
        let (folder, mut store) = store();
        assert_eq!((store.terminal().expect("readable"), store.contact().expect("readable")), (None, None));
        store.set_terminal(TERMINAL).expect("written");
        assert!(store.set_terminal(TerminalNumber([0x11; 6])).is_err(), "once");
        let (first, second) = (PublicKey([1; 32]), PublicKey([2; 32]));
        let times = ["20260105101112", "20260105101113"].map(|text| DateTime::parse(text).expect("an instant"));
        for (key, at) in [first, second].iter().zip(times) {
            store.set_centre_key(key).expect("written");
            store.set_contact(at).expect("written");
        }
        drop(store);
        let store = Store::open(folder.path()).expect("a journal");
        assert_eq!(store.terminal().expect("readable"), Some(TERMINAL));
        assert_eq!(store.centre_key().expect("readable"), Some(second));
        assert_eq!(store.contact().expect("readable"), Some(times[1]));
    }
}
