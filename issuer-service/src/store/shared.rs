//! Acts of several people in one commit: the disk is waited for once.
//!
//! Source: docs/adr/0079. Each act is a part of the transaction, kept or undone as if it had one of its own; their records stand in the
//! anchor as those of one commit.
//!
//! A line to a server may break behind a commit, with its answer: then the log is asked whether it was done.
//!
//! Owns: when the shared transaction begins and ends, what became of a commit. Never: tells anybody that an act is done before the commit that holds it.

use super::engine::{Connection, Transaction};
use super::{Recorded, Store, StoreError};

/// Undoes everything unless it was kept.
struct Shared<'a>(&'a mut Store);

impl Store {
    /// Several acts in one commit: each is kept or not as if it were alone, sees those before it, and is durable when this returns.
    /// Nothing outside of the database may rest on one of them before. When the commit fails, nothing of any is kept.
    ///
    /// # Errors
    /// [`StoreError`]; [`StoreError::Unsure`] alone leaves open whether they are done.
    pub(crate) fn together<T>(&mut self, acts: impl FnOnce(&mut Self) -> T) -> Result<T, StoreError> {
        self.together_or_none(|store| Ok(acts(store)))
    }

    /// The same, and nothing of any is kept when they end with an error.
    ///
    /// # Errors
    /// What they give, or as [`Store::together`].
    pub(super) fn together_or_none<T, E: From<StoreError>>(
        &mut self,
        acts: impl FnOnce(&mut Self) -> Result<T, E>,
    ) -> Result<T, E> {
        self.connection.begin_shared()?;
        self.shared = Some(Recorded::default());
        let shared = Shared(self);
        let outcome = acts(shared.0)?;
        shared.keep()?;
        Ok(outcome)
    }

    /// What became of a commit with these records. The line may have broken behind it: then it is done if its first record is in the log.
    ///
    /// # Errors
    /// What ended it, when nothing of it was kept; [`StoreError::Unsure`] when that cannot be found out.
    pub(super) fn ended(
        &mut self,
        commit: Result<(), StoreError>,
        records: &[(i64, String)],
    ) -> Result<(), StoreError> {
        if let Err(error) = commit {
            if !error.is_gone() {
                return Err(error);
            }
            match self.was_kept(records.first()) {
                Ok(Some(true)) => {}
                Ok(Some(false)) => return Err(error),
                Ok(None) | Err(_) => {
                    self.unsure = true;
                    return Err(StoreError::Unsure);
                }
            }
        }
        if let Some((last, _)) = records.last() {
            self.anchor.done(*last);
        }
        Ok(())
    }

    /// Whether a record is in the log; `None`: there is none to be looked for. Whoever commits has the writers' lock until that is over:
    /// once it is ours the answer is final.
    fn was_kept(&mut self, record: Option<&(i64, String)>) -> Result<Option<bool>, StoreError> {
        let Some((sequence, hash)) = record else { return Ok(None) };
        let sql = self.connection.begin_alone()?;
        let found = sql.prepare("SELECT 1 FROM audit WHERE sequence = $1 AND hash = $2")?.exists((*sequence, hash))?;
        Ok(Some(found))
    }

    /// Whether a commit ended, since this was asked last, so that nobody knows whether it was done.
    pub(crate) fn take_unsure(&mut self) -> bool {
        std::mem::take(&mut self.unsure)
    }

    /// Begins a transaction, or a part of the shared one.
    pub(super) fn begin(connection: &mut Connection, shared: bool, alone: bool) -> Result<Transaction<'_>, StoreError> {
        match (shared, alone) {
            (true, _) => connection.begin_part(),
            (false, true) => connection.begin_alone(),
            (false, false) => connection.begin_reading(),
        }
    }
}

impl Shared<'_> {
    /// The records go into the anchor, then everything is committed.
    fn keep(self) -> Result<(), StoreError> {
        let store = &mut *self.0;
        let Recorded { behind, records } = store.shared.as_ref().cloned().unwrap_or_default();
        if !records.is_empty() {
            let intended = store.anchor.intend(behind.flatten().as_ref(), &records);
            intended.map_err(|error| store.anchor.refused(error))?;
        }
        match store.connection.end_shared(true).map_err(StoreError::from) {
            // Whoever is left of it undoes the rest.
            Err(error) if !error.is_gone() => Err(error),
            ended => {
                store.shared = None;
                store.ended(ended, &records)
            }
        }
    }
}

impl Drop for Shared<'_> {
    fn drop(&mut self) {
        if self.0.shared.take().is_some() {
            // A line that is broken, or a full disk, has undone it already.
            let _ = self.0.connection.end_shared(false);
        }
    }
}

impl Recorded {
    /// Those of one more act.
    pub(super) fn and(&mut self, more: Self) {
        if !more.records.is_empty() {
            self.behind = self.behind.take().or(more.behind);
            self.records.extend(more.records);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use crate::audit::Act;
    use crate::error::Explain;
    use crate::exit::Exit;
    use crate::store::cut::Cut;
    use crate::store::{Place, Server, Store, StoreError, fresh};

    fn new(folder: &Path) -> Store {
        let place = match fresh::fresh() {
            Some(url) => Place::Server(Box::new(Server::new(&url, None, None).expect("an address"))),
            None => Place::File(folder.join("x.db")),
        };
        Store::create(&place, folder).expect("created")
    }

    fn act(store: &mut Store, name: &str, bad: bool) -> Result<(), StoreError> {
        store.act(|tx| {
            tx.set_fact(name, "written")?;
            if bad {
                // A statement that the database itself refuses.
                tx.sql.execute("INSERT INTO migration (number, applied_at) VALUES (1, '')", ())?;
            }
            let (actor, object, detail) = ("x".to_owned(), format!("place {name}"), String::new());
            Ok(((), Act { actor, act: "test", object, detail }))
        })
    }

    fn there(store: &mut Store) -> Vec<bool> {
        ["a", "b", "c"].map(|name| store.read(|tx| tx.fact(name)).expect("read").is_some()).to_vec()
    }

    fn words(store: &Store) -> Vec<String> {
        let text = std::fs::read_to_string(store.anchor().path()).expect("an anchor");
        text.lines().filter_map(|line| line.split(' ').next().map(str::to_owned)).collect()
    }

    #[test]
    fn acts_of_one_commit_are_kept_each_for_itself() {
        let folder = tempfile::tempdir().expect("folder");
        let mut store = new(folder.path());
        let told = store.together(|store| ["a", "b", "c"].map(|name| act(store, name, name == "b").is_ok()));
        assert_eq!(told.expect("committed"), [true, false, true]);
        assert_eq!(there(&mut store), [true, false, true]);
        assert_eq!(words(&store), ["start", "intend", "with", "done"]);
        // The log goes on behind them, one by one and together.
        act(&mut store, "b", false).expect("done");
        store.together(|store| act(store, "b", false)).expect("committed").expect("done");
        assert_eq!(words(&store).len(), 8);
        let records = store.read(|tx| tx.audit_page(0, 10)).expect("read");
        assert_eq!(records.iter().map(|record| record.sequence).collect::<Vec<_>>(), [1, 2, 3, 4]);
    }

    #[test]
    fn nothing_is_kept_of_acts_whose_commit_does_not_come() {
        let folder = tempfile::tempdir().expect("folder");
        let mut store = new(folder.path());
        act(&mut store, "c", false).expect("done");
        // The anchor goes while they are under way: the commit may not come.
        let path = store.anchor().path().to_owned();
        let told = store.together(|store| {
            act(store, "a", false).expect("under way");
            std::fs::remove_file(&path).expect("gone");
        });
        assert!(matches!(told, Err(StoreError::AnchorMissing { .. })), "{told:?}");
        assert_eq!(there(&mut store), [false, false, true]);
        // Whoever dies over them leaves nothing behind either.
        let died = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            store.together(|store| {
                store.journal(|tx| tx.set_fact("b", "written")).expect("under way");
                panic!("dies")
            })
        }));
        assert!(died.is_err());
        assert_eq!(there(&mut store), [false, false, true]);
        assert_eq!(store.read(|tx| tx.audit_page(0, 10)).expect("read").len(), 1);
    }

    /// On a line that breaks where the test says; `None` where the database is a file, which has none.
    fn on_a_line(folder: &Path) -> Option<(Cut, Store)> {
        let (cut, url) = Cut::of(&fresh::fresh()?);
        let place = Place::Server(Box::new(Server::new(&url, None, None).expect("an address")));
        Some((cut, Store::create(&place, folder).expect("created")))
    }

    fn all(store: &mut Store) -> Result<[bool; 3], StoreError> {
        store.together(|store| ["a", "b", "c"].map(|name| act(store, name, name == "b").is_ok()))
    }

    fn records(store: &mut Store) -> usize {
        store.read(|tx| tx.audit_page(0, 10)).expect("read").len()
    }

    #[test]
    fn a_commit_whose_answer_is_lost_is_done_when_the_log_has_it_and_nobody_knows_when_that_cannot_be_read() {
        let folder = tempfile::tempdir().expect("folder");
        let Some((cut, mut store)) = on_a_line(folder.path()) else { return };
        act(&mut store, "c", false).expect("done");
        cut.before();
        assert!(matches!(all(&mut store), Err(StoreError::Gone)), "it never came to the server");
        assert!(cut.is_whole());
        assert_eq!((there(&mut store), records(&mut store)), (vec![false, false, true], 1));
        cut.behind();
        assert_eq!(all(&mut store).expect("done, and found"), [true, false, true]);
        assert!(cut.is_whole());
        assert_eq!((there(&mut store), records(&mut store)), (vec![true, false, true], 3));
        assert_eq!(words(&store).last().map(String::as_str), Some("done"));
        // One alone is looked for as well.
        cut.behind();
        act(&mut store, "b", false).expect("done, and found");
        cut.before();
        assert!(matches!(act(&mut store, "b", false), Err(StoreError::Gone)));
        assert_eq!(records(&mut store), 4);
        assert!(!store.take_unsure());
        cut.for_good();
        let unsure = all(&mut store).expect_err("nobody can tell");
        assert!(matches!(unsure, StoreError::Unsure), "{unsure}");
        assert_eq!((unsure.code(), unsure.exit(), unsure.retryable()), ("DATABASE_UNSURE", Exit::Storage, false));
        assert!(store.take_unsure());
        cut.mend();
        assert_eq!(records(&mut store), 6, "it was done");
        act(&mut store, "a", false).expect("the log goes on behind it");
    }
}
