//! Rows of passwords, second factors, mistakes at the door, and sessions.

use ring::digest::{SHA256, digest};

use super::cell;
use super::engine::OptionalExtension;
use super::{Store, StoreError, Tx};
use crate::clock;
use crate::operator::login::Opened;
use crate::vault::data_keys::Lookup;

/// In place of a digest: a request of many acts that has begun.
pub(crate) const REQUEST_BEGUN: &str = "begun";

/// Where the secret of an operator's second factor opens.
pub(super) fn totp_place(operator: &str) -> String {
    format!("second factor {operator}")
}

impl Tx<'_> {
    /// The hash of an operator's password, and whether somebody else knows the password.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn password(&self, operator: &str) -> Result<Option<(String, bool)>, StoreError> {
        let mut find = self.sql.prepare("SELECT hash, initial FROM operator_password WHERE operator = $1")?;
        Ok(find.query_row([operator], |row| Ok((row.get(0)?, row.get::<i64>(1)? == 1))).optional()?)
    }

    /// A password instead of the one before. Sessions end: they were begun with that one.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(crate) fn set_password(&self, operator: &str, hash: &str, initial: bool) -> Result<(), StoreError> {
        self.sql.execute("DELETE FROM operator_password WHERE operator = $1", [operator])?;
        self.sql.execute(
            "INSERT INTO operator_password (operator, hash, initial, changed_at) VALUES ($1, $2, $3, $4)",
            (operator, hash, i64::from(initial), clock::now()),
        )?;
        self.end_sessions(operator)
    }

    /// The secret of an operator's second factor.
    ///
    /// # Errors
    /// [`StoreError`], also while the data keys are closed.
    pub(crate) fn totp(&self, operator: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let mut find = self.sql.prepare("SELECT data_key, secret FROM operator_totp WHERE operator = $1")?;
        let found: Option<(u8, Vec<u8>)> =
            find.query_row([operator], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
        let Some((key, sealed)) = found else { return Ok(None) };
        Ok(Some(self.open(key, &totp_place(operator), &sealed)?.to_vec()))
    }

    /// A second factor instead of the one before.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(crate) fn set_totp(&self, operator: &str, secret: &[u8]) -> Result<(), StoreError> {
        self.remove_totp(operator)?;
        let last: i64 =
            self.sql.query_row("SELECT COALESCE(MAX(number), 0) FROM operator_totp", (), |row| row.get(0))?;
        let (key, sealed) = self.seal(&totp_place(operator), secret)?;
        self.sql.execute(
            "INSERT INTO operator_totp (number, operator, data_key, secret, step) VALUES ($1, $2, $3, $4, 0)",
            (last + 1, operator, key, sealed),
        )?;
        Ok(())
    }

    /// Takes an operator's second factor away.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(crate) fn remove_totp(&self, operator: &str) -> Result<(), StoreError> {
        self.sql.execute("DELETE FROM operator_totp WHERE operator = $1", [operator])?;
        Ok(())
    }

    /// Takes the code of a step; `false` when one of this step or of a later one was taken before. One that was taken at a step after
    /// `ahead` was taken by a clock that stood ahead, and keeps nobody out.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(crate) fn take_totp_step(&self, operator: &str, step: u64, ahead: u64) -> Result<bool, StoreError> {
        let (step, ahead) = (cell::from_u64(step)?, cell::from_u64(ahead)?);
        let sql = "UPDATE operator_totp SET step = $1 WHERE operator = $2 AND (step < $1 OR step > $3)";
        Ok(self.sql.execute(sql, (step, operator, ahead))? == 1)
    }

    /// The last attempt under a name was not after `now`, whatever the clock said then.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(crate) fn no_login_after(&self, name: &str, now: u64) -> Result<(), StoreError> {
        let sql = "UPDATE login_failure SET last_at = $1 WHERE name = $2 AND last_at > $1";
        self.sql.execute(sql, (cell::from_u64(now)?, name))?;
        Ok(())
    }

    /// Attempts under a name since the last success, and the second of the last of them.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(crate) fn login_failures(&self, name: &str) -> Result<(u32, u64), StoreError> {
        let mut find = self.sql.prepare("SELECT failures, last_at FROM login_failure WHERE name = $1")?;
        let found = find.query_row([name], |row| Ok((row.get(0)?, cell::u64(row, 1)?))).optional()?;
        Ok(found.unwrap_or_default())
    }

    /// Counts an attempt before it is looked at; what is older than `forgotten` is forgotten.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(crate) fn count_login(&self, name: &str, now: u64, forgotten: u64) -> Result<(), StoreError> {
        self.sql.execute("DELETE FROM login_failure WHERE last_at < $1", [cell::from_u64(forgotten)?])?;
        self.sql.execute(
            "INSERT INTO login_failure (name, failures, last_at) VALUES ($1, 0, 0) ON CONFLICT (name) DO NOTHING",
            [name],
        )?;
        self.sql.execute(
            "UPDATE login_failure SET failures = failures + 1, last_at = $1 WHERE name = $2",
            (cell::from_u64(now)?, name),
        )?;
        Ok(())
    }

    /// Forgets attempts under a name.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(crate) fn forget_logins(&self, name: &str) -> Result<(), StoreError> {
        self.sql.execute("DELETE FROM login_failure WHERE name = $1", [name])?;
        Ok(())
    }

    /// Where mistakes under a name from a block of addresses are counted. Nobody outside can tell which share a heading.
    ///
    /// # Errors
    /// [`StoreError`], also while the data keys are closed.
    pub(crate) fn door_heading(&self, name: &str, from: &str) -> Result<String, StoreError> {
        let (name, pair) = (self.door_mark(name)?, self.door_mark(&format!("{name}\0{from}"))?);
        Ok(format!("@{}{}", name.get(..4).unwrap_or_default(), pair.get(..5).unwrap_or_default()))
    }

    fn door_mark(&self, text: &str) -> Result<String, StoreError> {
        Ok(self.data()?.keys.lookups(Lookup::Login, text).next().map(hex::encode).unwrap_or_default())
    }

    /// Forgets attempts under a name at the doors; while the data keys are closed nobody knows which they are.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(crate) fn forget_door_logins(&self, name: &str) -> Result<(), StoreError> {
        if let Ok(mark) = self.door_mark(name) {
            let begins = format!("@{}%", mark.get(..4).unwrap_or_default());
            self.sql.execute("DELETE FROM login_failure WHERE name LIKE $1", [begins])?;
        }
        Ok(())
    }

    /// Begins a session; those that began before `ended` go.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(crate) fn begin_session(&self, token: &str, operator: &str, now: u64, ended: u64) -> Result<(), StoreError> {
        self.sql.execute("DELETE FROM session WHERE began_at < $1", [cell::from_u64(ended)?])?;
        let now = cell::from_u64(now)?;
        self.sql.execute(
            "INSERT INTO session (token, operator, began_at, seen_at) VALUES ($1, $2, $3, $4)",
            (hashed(token), operator, now, now),
        )?;
        Ok(())
    }

    /// The session of a token.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(crate) fn session(&self, token: &str) -> Result<Option<Opened>, StoreError> {
        let mut find = self.sql.prepare("SELECT operator, began_at, seen_at FROM session WHERE token = $1")?;
        let read = find.query_row([hashed(token)], |row| {
            Ok(Opened { operator: row.get(0)?, began_at: cell::u64(row, 1)?, seen_at: cell::u64(row, 2)? })
        });
        Ok(read.optional()?)
    }

    /// Somebody came back in a session.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(crate) fn see_session(&self, token: &str, now: u64) -> Result<(), StoreError> {
        let sql = "UPDATE session SET seen_at = $1 WHERE token = $2";
        self.sql.execute(sql, (cell::from_u64(now)?, hashed(token)))?;
        Ok(())
    }

    /// Keeps the rows of people that a search of a session found.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(crate) fn set_found(&self, token: &str, people: &[i64], now: u64) -> Result<(), StoreError> {
        let rows = people.iter().map(i64::to_string).collect::<Vec<_>>().join(" ");
        let sql = "UPDATE session SET found = $1, found_at = $2 WHERE token = $3";
        self.sql.execute(sql, (rows, cell::from_u64(now)?, hashed(token)))?;
        Ok(())
    }

    /// The rows of people that the last search of a session found, unless it was before `since`.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(crate) fn found_of(&self, token: &str, since: u64) -> Result<Option<Vec<i64>>, StoreError> {
        let mut find = self.sql.prepare("SELECT found FROM session WHERE token = $1 AND found_at >= $2")?;
        let rows: Option<String> =
            find.query_row((hashed(token), cell::from_u64(since)?), |row| row.get(0)).optional()?;
        Ok(rows.map(|rows| rows.split_whitespace().filter_map(|row| row.parse().ok()).collect()))
    }

    /// The next page of a session about this person shows them unmasked; zero: about nobody.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(crate) fn set_opened(&self, token: &str, person: i64) -> Result<(), StoreError> {
        self.sql.execute("UPDATE session SET opened = $1 WHERE token = $2", (person, hashed(token)))?;
        Ok(())
    }

    /// Whether a session's next page about a person shows them unmasked: once.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(crate) fn take_opened(&self, token: &str, person: i64) -> Result<bool, StoreError> {
        let sql = "UPDATE session SET opened = 0 WHERE token = $1 AND opened = $2";
        Ok(self.sql.execute(sql, (hashed(token), person))? == 1)
    }

    /// Ends a session.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(crate) fn end_session(&self, token: &str) -> Result<(), StoreError> {
        self.sql.execute("DELETE FROM session WHERE token = $1", [hashed(token)])?;
        Ok(())
    }

    /// Ends every session of an operator.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(crate) fn end_sessions(&self, operator: &str) -> Result<(), StoreError> {
        self.sql.execute("DELETE FROM session WHERE operator = $1", [operator])?;
        Ok(())
    }
}

/// A request with a key, until its first act is recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct RequestKey {
    operator: String,
    name: String,
    digest: String,
}

/// Days that a key is known: assumed.
const KEY_SECONDS: u64 = 7 * 86_400;

impl Store {
    /// From here on the first act is bound to this key of an operator, in its own transaction.
    pub(crate) fn begin_request(&mut self, operator: &str, name: &str, digest: &str) {
        let (operator, name, digest) = (operator.to_owned(), name.to_owned(), digest.to_owned());
        self.request = Some(RequestKey { operator, name, digest });
    }

    /// The request is over.
    pub(crate) fn end_request(&mut self) {
        (self.request, self.acted) = (None, None);
    }

    /// Does what is no part of the request under way: its acts use up no key, and answer nothing.
    pub(crate) fn aside<T>(&mut self, work: impl FnOnce(&mut Self) -> T) -> T {
        let before = (self.request.take(), self.acted.take());
        let done = work(self);
        (self.request, self.acted) = before;
        done
    }

    /// What the first act since the request began was done to.
    #[must_use]
    pub(crate) fn acted(&mut self) -> Option<String> {
        self.acted.take()
    }
}

impl Tx<'_> {
    /// The digest of the request that used a key, and what it was done to.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(crate) fn request_key(&self, operator: &str, name: &str) -> Result<Option<(String, String)>, StoreError> {
        let mut find = self.sql.prepare("SELECT digest, object FROM request_key WHERE operator = $1 AND name = $2")?;
        Ok(find.query_row([operator, name], |row| Ok((row.get(0)?, row.get(1)?))).optional()?)
    }

    /// A request of many acts, bound as [`REQUEST_BEGUN`] by its first, is at its end.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(crate) fn end_request_key(&self, operator: &str, name: &str) -> Result<(), StoreError> {
        self.sql.execute(
            "UPDATE request_key SET digest = '' WHERE operator = $1 AND name = $2 AND digest = $3",
            (operator, name, REQUEST_BEGUN),
        )?;
        Ok(())
    }

    /// A request whose only act says that it was refused: its key may come again.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(crate) fn free_request_key(&self, operator: &str, name: &str) -> Result<(), StoreError> {
        self.sql.execute("DELETE FROM request_key WHERE operator = $1 AND name = $2", [operator, name])?;
        Ok(())
    }

    /// What a request is bound to its key by: the present mark first, then those of older data keys. No mark tells what stood in it.
    ///
    /// # Errors
    /// [`StoreError`], also while the data keys are closed.
    pub(crate) fn request_marks(&self, digest: &str) -> Result<Vec<String>, StoreError> {
        Ok(self.data()?.keys.lookups(Lookup::Request, digest).map(hex::encode).collect())
    }

    pub(super) fn bind_request(&self, request: &RequestKey, object: &str) -> Result<(), StoreError> {
        let RequestKey { operator, name, digest } = request;
        let now = clock::seconds();
        let before = cell::from_u64(now.saturating_sub(KEY_SECONDS))?;
        self.sql.execute("DELETE FROM request_key WHERE at < $1", [before])?;
        self.sql.execute(
            "INSERT INTO request_key (operator, name, digest, object, at) VALUES ($1, $2, $3, $4, $5)",
            (operator, name, digest, object, cell::from_u64(now)?),
        )?;
        Ok(())
    }
}

fn hashed(token: &str) -> String {
    hex::encode(digest(&SHA256, token.as_bytes()))
}

#[cfg(test)]
mod tests {
    use crate::audit::Act;
    use crate::store::{Place, Server, Store, StoreError, fresh};

    fn act(store: &mut Store, object: &str) -> Result<(), StoreError> {
        let (actor, object, detail) = ("wang".to_owned(), object.to_owned(), String::new());
        store.act(|_| Ok(((), Act { actor, act: "test", object, detail })))
    }

    fn known(store: &mut Store) -> Option<(String, String)> {
        store.read(|tx| tx.request_key("wang", "k")).expect("read")
    }

    #[test]
    fn the_first_act_takes_the_key_and_who_is_refused_gets_it_back() {
        let folder = tempfile::tempdir().expect("folder");
        let place = match fresh::fresh() {
            Some(url) => Place::Server(Box::new(Server::new(&url, None, None).expect("an address"))),
            None => Place::File(folder.path().join("x.db")),
        };
        let mut store = Store::create(&place, folder.path()).expect("created");
        store.begin_request("wang", "k", "mark");
        // What is no part of the request takes nothing.
        store.aside(|store| act(store, "place question")).expect("done");
        assert_eq!((known(&mut store), store.acted()), (None, None));
        act(&mut store, "place refusal").expect("done");
        act(&mut store, "place more").expect("done");
        assert_eq!(known(&mut store), Some(("mark".to_owned(), "place refusal".to_owned())));
        assert_eq!(store.acted().as_deref(), Some("place refusal"));
        // Of that request alone.
        store.journal(|tx| tx.free_request_key("li", "k")).expect("done");
        assert!(known(&mut store).is_some());
        store.journal(|tx| tx.free_request_key("wang", "k")).expect("done");
        assert_eq!(known(&mut store), None);
        store.end_request();
        store.begin_request("wang", "k", "mark");
        act(&mut store, "place 1").expect("done");
        assert_eq!(known(&mut store), Some(("mark".to_owned(), "place 1".to_owned())));
    }
}
