//! Rows of the ledger: postings and their entries.
//!
//! The database itself refuses a posting that does not sum to zero, a second one under the same reference, one into a
//! window that is not open, and every later change: see the triggers of the schema.

use settlement::date::BusinessDate;
use settlement::fen::Fen;
use settlement::id::CardIdentifier;

use super::engine::OptionalExtension;
use super::{StoreError, Tx};
use crate::clearing::ledger::{self, Account, Posted, Posting};
use crate::clearing::refusal::ClearingError;
use crate::clearing::upload::UploadRow;
use crate::clock;

impl Tx<'_> {
    /// Writes a posting into a window, once.
    ///
    /// # Errors
    /// [`StoreError`], also when the window takes no postings.
    pub fn post(&self, posting: &Posting, window_date: BusinessDate) -> Result<Posted, StoreError> {
        if let Some(known) = self.posting_entries(posting.reference())? {
            let ours = posting.entries().iter().map(|entry| (entry.account.to_string(), entry.amount));
            return Ok(if ours.eq(known) { Posted::Exists } else { Posted::ReferenceReused });
        }
        let id: i64 = self.sql.query_row("SELECT coalesce(max(id), 0) + 1 FROM posting", (), |row| row.get(0))?;
        let mut insert =
            self.sql.prepare("INSERT INTO entry (posting, line, account, amount_fen) VALUES ($1, $2, $3, $4)")?;
        for (line, entry) in (1_i64..).zip(posting.entries()) {
            insert.execute((id, line, entry.account.to_string(), entry.amount.get()))?;
        }
        self.sql
            .prepare("INSERT INTO posting (id, reference, kind, window_date, created_at) VALUES ($1, $2, $3, $4, $5)")?
            .execute((id, posting.reference(), posting.kind().name(), window_date.to_string(), clock::now()))?;
        Ok(Posted::Created)
    }

    /// Balance of an account: the sum of its entries.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn balance(&self, account: &Account) -> Result<Fen, StoreError> {
        let mut statement = self.sql.prepare("SELECT coalesce(sum(amount_fen), 0) FROM entry WHERE account = $1")?;
        Ok(Fen::new(statement.query_row([account.to_string()], |row| row.get(0))?))
    }

    /// Balance of every account, in order of its code.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn all_balances(&self) -> Result<Vec<(String, Fen)>, StoreError> {
        let mut statement =
            self.sql.prepare("SELECT account, sum(amount_fen) FROM entry GROUP BY account ORDER BY account")?;
        Ok(statement.query_map((), |row| Ok((row.get(0)?, Fen::new(row.get(1)?))))?.collect::<Result<_, _>>()?)
    }

    /// Holders whose pending money is below zero, with their cards.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn debts(&self) -> Result<Vec<(i64, Fen, Vec<CardIdentifier>)>, StoreError> {
        let mut debts = Vec::new();
        for (account, balance) in self.all_balances()? {
            let holder = account.strip_prefix(Account::PENDING).and_then(|holder| holder.parse().ok());
            if let Some(holder) = holder.filter(|_| balance < Fen::ZERO) {
                debts.push((holder, balance, self.card_identifiers_of(holder)?));
            }
        }
        Ok(debts)
    }

    /// Balance of every account, in order of its code; windows after `through` are left out.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn balances(&self, through: BusinessDate) -> Result<Vec<(String, Fen)>, StoreError> {
        let mut statement = self.sql.prepare(
            "SELECT account, sum(amount_fen) FROM entry JOIN posting ON posting.id = entry.posting
             WHERE window_date <= $1 GROUP BY account ORDER BY account",
        )?;
        let rows = statement.query_map([through.to_string()], |row| Ok((row.get(0)?, Fen::new(row.get(1)?))))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Writes a posting whose reference must be new: what is decided now was not posted before.
    ///
    /// # Errors
    /// [`ClearingError::ReferenceReused`]; [`ClearingError::Store`].
    pub fn post_once(&self, posting: &Posting, window_date: BusinessDate) -> Result<(), ClearingError> {
        match self.post(posting, window_date)? {
            Posted::Created => Ok(()),
            Posted::Exists | Posted::ReferenceReused => {
                Err(ClearingError::ReferenceReused { reference: posting.reference().to_owned() })
            }
        }
    }

    /// Reference under which a purchase that is posted was: of the names that a record may have, the last one that is there.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn purchase_reference(&self, row: &UploadRow) -> Result<String, StoreError> {
        let (name, named_apart) = names(row);
        for again in (1..=row.undone.len()).rev() {
            let reference = format!("{named_apart}:{again}");
            if self.is_posted(&reference)? {
                return Ok(reference);
            }
        }
        Ok(if self.is_posted(&named_apart)? { named_apart } else { name })
    }

    /// Reference of a purchase that is posted now: its own, or with the number of the record where the name went to another record (ADR 94) or
    /// its posting was taken back, and with how often decisions of the record were, where they were.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn new_purchase_reference(&self, row: &UploadRow) -> Result<String, StoreError> {
        let (name, named_apart) = names(row);
        Ok(match (self.is_posted(&name)?, row.undone.len()) {
            (false, _) => name,
            (true, 0) => named_apart,
            (true, again) => format!("{named_apart}:{again}"),
        })
    }

    /// What each card's account held after window `through`, in order of the card.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn card_balances(&self, through: BusinessDate) -> Result<Vec<(CardIdentifier, Fen)>, StoreError> {
        let accounts = self.balances(through)?;
        let cards = accounts.iter().filter_map(|(account, balance)| {
            CardIdentifier::parse(account.strip_prefix(Account::CARDS)?).ok().map(|card| (card, *balance))
        });
        Ok(cards.collect())
    }

    /// Sums by kind of posting and account of one window.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn movements(&self, window_date: BusinessDate) -> Result<Vec<(String, String, Fen)>, StoreError> {
        let mut statement = self.sql.prepare(
            "SELECT kind, account, sum(amount_fen) FROM posting JOIN entry ON entry.posting = posting.id
             WHERE window_date = $1 GROUP BY kind, account ORDER BY kind, account",
        )?;
        let rows = statement
            .query_map([window_date.to_string()], |row| Ok((row.get(0)?, row.get(1)?, Fen::new(row.get(2)?))))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// References of the postings of one window with their number, in order.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn posting_references(&self, window_date: BusinessDate) -> Result<Vec<(i64, String)>, StoreError> {
        let mut statement = self.sql.prepare("SELECT id, reference FROM posting WHERE window_date = $1 ORDER BY id")?;
        Ok(statement
            .query_map([window_date.to_string()], |row| Ok((row.get(0)?, row.get(1)?)))?
            .collect::<Result<_, _>>()?)
    }

    /// Whether something is posted under a reference.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn is_posted(&self, reference: &str) -> Result<bool, StoreError> {
        Ok(self.posting_entries(reference)?.is_some())
    }

    fn posting_entries(&self, reference: &str) -> Result<Option<Vec<(String, Fen)>>, StoreError> {
        let mut find = self.sql.prepare("SELECT id FROM posting WHERE reference = $1")?;
        let Some(id) = find.query_row([reference], |row| row.get::<i64>(0)).optional()? else { return Ok(None) };
        let mut statement =
            self.sql.prepare("SELECT account, amount_fen FROM entry WHERE posting = $1 ORDER BY line")?;
        let entries = statement.query_map([id], |row| Ok((row.get(0)?, Fen::new(row.get(1)?))))?;
        Ok(Some(entries.collect::<Result<_, _>>()?))
    }
}

/// What a purchase is posted under, and the same with the number of its record.
fn names(row: &UploadRow) -> (String, String) {
    let name = ledger::purchase_reference(row.terminal, row.terminal_sequence.unwrap_or_default(), row.card_identifier);
    let apart = format!("{name}:{}", row.journal_sequence);
    (name, apart)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clearing::ledger::PostingKind;
    use crate::store::{Place, Server, Store};
    use proptest::prelude::*;

    fn day() -> BusinessDate {
        BusinessDate::parse("2026-03-01").expect("real")
    }

    fn store() -> (tempfile::TempDir, Store) {
        let folder = tempfile::tempdir().expect("folder");
        let place = match crate::store::fresh::fresh() {
            Some(url) => Place::Server(Box::new(Server::new(&url, None, None).expect("an address"))),
            None => Place::File(folder.path().join("x.db")),
        };
        let mut store = Store::create(&place, folder.path()).expect("created");
        store.journal(|tx| tx.open_window(day())).expect("window");
        (folder, store)
    }

    fn transfer(reference: &str, from: Account, to: Account, fen: i64) -> Posting {
        Posting::transfer(reference.to_owned(), PostingKind::Correction, from, to, Fen::new(fen)).expect("balanced")
    }

    fn raw(store: &mut Store, statements: &[&str]) -> Result<(), StoreError> {
        store.journal(|tx| statements.iter().try_for_each(|sql| Ok(tx.sql.execute_batch(sql)?)))
    }

    #[test]
    fn the_database_refuses_entries_that_do_not_sum_to_zero() {
        let (_folder, mut store) = store();
        let entries = "INSERT INTO entry VALUES (1, 1, 'fund:pooled', -5), (1, 2, 'memo:self-paid', 6)";
        let posting = "INSERT INTO posting VALUES (1, 'r', 'CORRECTION', '2026-03-01', '')";
        assert!(raw(&mut store, &[entries, posting]).is_err(), "unbalanced");
        assert!(raw(&mut store, &[entries]).is_err(), "entries without a posting");
        assert!(raw(&mut store, &[posting]).is_err(), "a posting without entries");
        // A BIGINT of a server holds no fraction: it makes 1 and -1 of these.
        if matches!(store.connection, crate::store::engine::Connection::File(_)) {
            let halves = "INSERT INTO entry VALUES (1, 1, 'a', 0.5), (1, 2, 'b', -0.5)";
            assert!(raw(&mut store, &[halves, posting]).is_err());
        }
        let balanced = "INSERT INTO entry VALUES (1, 1, 'fund:pooled', -6), (1, 2, 'memo:self-paid', 6)";
        raw(&mut store, &[balanced, posting]).expect("balanced");
    }

    #[test]
    fn the_database_refuses_every_change_of_what_is_posted() {
        let (_folder, mut store) = store();
        let posting = transfer("r", Account::PooledFund, Account::SelfPaidContra, 6);
        store.journal(|tx| tx.post(&posting, day())).expect("posted");
        for sql in [
            "UPDATE entry SET amount_fen = 7 WHERE line = 1",
            "DELETE FROM entry",
            "UPDATE posting SET reference = 'x'",
            "DELETE FROM posting",
            "INSERT INTO entry VALUES (1, 3, 'a', 1), (1, 4, 'b', -1)",
        ] {
            assert!(raw(&mut store, &[sql]).is_err(), "{sql}");
        }
    }

    #[test]
    fn a_window_that_is_not_open_takes_no_posting() {
        let (_folder, mut store) = store();
        let posting = transfer("r", Account::PooledFund, Account::SelfPaidContra, 6);
        assert!(
            store.journal(|tx| tx.post(&posting, BusinessDate::parse("2026-03-02").expect("real"))).is_err(),
            "no such window"
        );
        raw(&mut store, &["UPDATE clearing_window SET state = 'CLOSING'"]).expect("closing");
        assert!(store.journal(|tx| tx.post(&posting, day())).is_err(), "closing");
        assert!(raw(&mut store, &["UPDATE clearing_window SET state = 'OPEN'"]).is_err(), "no way back");
    }

    #[test]
    fn one_reference_posts_once_and_only_the_same_entries() {
        let (_folder, mut store) = store();
        let (ours, other) = (
            transfer("r", Account::PooledFund, Account::SelfPaidContra, 6),
            transfer("r", Account::PooledFund, Account::SelfPaidContra, 7),
        );
        let answers =
            [&ours, &ours, &other].map(|posting| store.journal(|tx| tx.post(posting, day())).expect("answered"));
        assert_eq!(answers, [Posted::Created, Posted::Exists, Posted::ReferenceReused]);
        assert_eq!(store.read(|tx| tx.balance(&Account::PooledFund)).expect("balance"), Fen::new(-6));
        // What must be new is not, also with the same entries.
        for posting in [&ours, &other] {
            let again = store.journal(|tx| tx.post_once(posting, day()));
            assert!(matches!(again, Err(ClearingError::ReferenceReused { .. })), "{again:?}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn the_ledger_sums_to_zero_whatever_is_posted_however_often(
            moves in prop::collection::vec((0_usize..4, 0_usize..4, 1_i64..1_000_000, 0_u8..12), 1..40),
        ) {
            let accounts = [
                Account::PersonalAccountFund,
                Account::Pending(1),
                Account::Card(CardIdentifier([1; 16])),
                Account::Transit(CardIdentifier([1; 16])),
            ];
            let (_folder, mut store) = store();
            let mut expected = std::collections::BTreeMap::<String, i64>::new();
            let mut first = std::collections::BTreeMap::new();
            for (from, to, fen, reference) in moves {
                let posting = transfer(&reference.to_string(), accounts[from].clone(), accounts[to].clone(), fen);
                let posted = store.journal(|tx| tx.post(&posting, day())).expect("answered");
                match first.get(&reference) {
                    None => {
                        prop_assert_eq!(posted, Posted::Created);
                        *expected.entry(accounts[from].to_string()).or_default() -= fen;
                        *expected.entry(accounts[to].to_string()).or_default() += fen;
                        first.insert(reference, posting);
                    }
                    Some(known) if *known == posting => prop_assert_eq!(posted, Posted::Exists),
                    Some(_) => prop_assert_eq!(posted, Posted::ReferenceReused),
                }
            }
            let balances = store.read(|tx| tx.balances(day())).expect("balances");
            prop_assert_eq!(Fen::sum(balances.iter().map(|(_, balance)| *balance)), Ok(Fen::ZERO));
            let balances: std::collections::BTreeMap<_, _> =
                balances.into_iter().map(|(account, balance)| (account, balance.get())).collect();
            prop_assert_eq!(balances, expected);
        }
    }
}
