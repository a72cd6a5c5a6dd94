//! What is past its time, and its removal.
//!
//! Source: docs/adr/0034. Owns: which rows are due, what stays of them. Never: decides how long anything is kept.

use std::collections::HashSet;

use super::engine::{OptionalExtension, params};
use super::identity::GAVE_WAY;
use super::{StoreError, Tx};
use crate::clock;
use crate::exchange::told;
use crate::person::certificate::Certificate;
use crate::person::dossier::Dossier;
use crate::retention::{Kind, Setting};

/// Bytes of a cell with nothing in it: nonce and tag.
const EMPTY: i64 = 28;

/// Nobody has a card that works or may, a card in the making, or a wish for one. `{person}` is the column.
const WITHOUT_CARD: &str = "
    NOT EXISTS (SELECT 1 FROM card c WHERE c.person = {person} AND c.state NOT IN ('cancelled', 'spoilt'))
    AND NOT EXISTS (SELECT 1 FROM job j WHERE j.person = {person} AND j.state IN ('requested', 'waiting', 'writing'))
    AND NOT EXISTS (SELECT 1 FROM card_request r WHERE r.person = {person} AND r.state IN ('open', 'batched'))";

/// Photos of people without a card, since before `$1` when they had one.
const PHOTOS: &str = "FROM photo p WHERE p.taken_in_at < $1 AND p.person > $2 AND {without}
    AND NOT EXISTS (SELECT 1 FROM card c WHERE c.person = p.person AND c.changed_at >= $1)";
const AGENTS: &str = "FROM stock_receipt p WHERE p.at < $1 AND p.number > $2 AND length(p.agent) > 28";
/// Files that are settled, whose cards are made or given up.
const FILES: &str =
    "FROM exchange_file p WHERE p.state IN ('answered', 'abandoned') AND p.changed_at < $1 AND p.number > $2
    AND (length(p.body) > 28 OR EXISTS (SELECT 1 FROM exchange_row r WHERE r.file = p.number AND r.answer IS NOT NULL))
    AND NOT EXISTS (SELECT 1 FROM exchange_row r JOIN job j ON j.number = r.job
                    WHERE r.file = p.number AND j.state IN ('requested', 'waiting', 'writing'))";
/// The dead, when no card of theirs works and no money of theirs is left, on cards of rows that were joined into theirs neither.
const PEOPLE: &str = "FROM person_death p WHERE p.recorded_at < $1 AND p.person > $2 AND {without}
    AND NOT EXISTS (SELECT 1 FROM person_erased e WHERE e.person = p.person)
    AND NOT EXISTS (SELECT 1 FROM entry e WHERE e.account = 'pending:' || CAST(p.person AS TEXT)
                    GROUP BY e.account HAVING SUM(e.amount_fen) <> 0)
    AND NOT EXISTS (SELECT 1 FROM card c JOIN entry e
                        ON e.account IN ('card:' || c.card_identifier, 'transit:' || c.card_identifier)
                    WHERE c.person = p.person OR c.person IN ({joined})
                    GROUP BY e.account HAVING SUM(e.amount_fen) <> 0)";

/// Names that a file sent and its answer bear in the exchange folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FileNames {
    pub(crate) sent: String,
    pub(crate) answer: Option<String>,
}

fn due(kind: Kind) -> Option<(&'static str, String)> {
    let (key, from) = match kind {
        Kind::Photos => ("p.person", PHOTOS),
        Kind::Agents => ("p.number", AGENTS),
        Kind::Exchange => ("p.number", FILES),
        Kind::People => ("p.person", PEOPLE),
        Kind::Cards | Kind::Money | Kind::Audit | Kind::Keys => return None,
    };
    let of_p = |part: &str| part.replace("{person}", "p.person");
    Some((key, from.replace("{without}", &of_p(WITHOUT_CARD)).replace("{joined}", &of_p(GAVE_WAY))))
}

impl Tx<'_> {
    /// What a site has set.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn retention(&self, kind: Kind) -> Result<Option<Setting>, StoreError> {
        let mut find = self.sql.prepare("SELECT days, reason, set_by, set_at FROM retention WHERE kind = $1")?;
        let read = find.query_row([kind.name()], |row| {
            Ok(Setting { days: row.get(0)?, reason: row.get(1)?, set_by: row.get(2)?, set_at: row.get(3)? })
        });
        Ok(read.optional()?)
    }

    /// Sets how long a kind is kept.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn set_retention(&self, kind: Kind, setting: &Setting) -> Result<(), StoreError> {
        self.sql.execute("DELETE FROM retention WHERE kind = $1", [kind.name()])?;
        let Setting { days, reason, set_by, set_at } = setting;
        let sql = "INSERT INTO retention (kind, days, reason, set_by, set_at) VALUES ($1, $2, $3, $4, $5)";
        self.sql.execute(sql, (kind.name(), *days, reason, set_by, set_at))?;
        Ok(())
    }

    /// What a person is named by in files of partners: numbers of now and before, those of the certificate.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(crate) fn named_in_files(&self, person: i64) -> Result<Vec<String>, StoreError> {
        let mut all = Vec::new();
        let rows = self.rows_joined_into(person)?;
        for row in std::iter::once(person).chain(rows) {
            let Some(dossier) = self.dossier(row)? else { continue };
            all.extend(self.former_numbers(row)?.into_iter().map(|former| former.number));
            all.push(Certificate::of(&dossier.details()).number);
            all.push(dossier.number().to_owned());
        }
        Ok(all)
    }

    /// How many of a kind are from before an instant and not needed any more.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn past_retention(&self, kind: Kind, before: &str) -> Result<u64, StoreError> {
        let Some((_, from)) = due(kind) else { return Ok(0) };
        let count = self.sql.query_row(&format!("SELECT COUNT(*) {from}"), (before, 0_i64), |row| row.get::<i64>(0))?;
        Ok(u64::try_from(count).unwrap_or_default())
    }

    /// The keys of some of them behind `after`, in order.
    pub(crate) fn some_past_retention(&self, kind: Kind, before: &str, after: i64) -> Result<Vec<i64>, StoreError> {
        let Some((key, from)) = due(kind) else { return Ok(Vec::new()) };
        let mut find = self.sql.prepare(&format!("SELECT {key} {from} ORDER BY {key} LIMIT 100"))?;
        Ok(find.query_map((before, after), |row| row.get(0))?.collect::<Result<_, _>>()?)
    }

    /// Empties a hand-out receipt's cell about an agent; that an agent came stays.
    pub(crate) fn forget_agent(&self, number: i64) -> Result<(), StoreError> {
        let mut find = self.sql.prepare("SELECT card_number FROM stock_receipt WHERE number = $1")?;
        let card_number: String = find.query_row([number], |row| row.get(0))?;
        let (key, cell) = self.seal(&super::stock::receipt_place(&card_number), &[])?;
        let sql = "UPDATE stock_receipt SET data_key = $1, agent = $2 WHERE number = $3";
        let rows = self.sql.execute(sql, (key, cell, number))?;
        Self::moved(rows, || format!("receipt {number}"), "kept")
    }

    /// The names of an exchanged file and of its answer.
    pub(crate) fn exchange_names(&self, number: i64) -> Result<FileNames, StoreError> {
        let sql = "SELECT f.name, a.name FROM exchange_file f LEFT JOIN exchange_answer a ON a.file = f.number WHERE f.number = $1";
        let read = self.sql.query_row(sql, [number], |row| Ok(FileNames { sent: row.get(0)?, answer: row.get(1)? }));
        Ok(read?)
    }

    /// Whether a file in the folder for partners was given up: nobody awaits its answer.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(crate) fn exchange_is_given_up(&self, path: &std::path::Path) -> Result<bool, StoreError> {
        let Some(name) = path.file_name().and_then(|name| name.to_str()) else { return Ok(false) };
        let sql = "SELECT 1 FROM exchange_file WHERE name = $1 AND state IN ('answered', 'abandoned')";
        Ok(self.sql.prepare(sql)?.exists([name])?)
    }

    /// Names of the answers that were taken in and whose files are kept.
    pub(crate) fn exchange_answer_names(&self) -> Result<HashSet<String>, StoreError> {
        let mut find = self.sql.prepare(
            "SELECT a.name FROM exchange_answer a JOIN exchange_file f ON f.number = a.file WHERE length(f.body) > 28",
        )?;
        Ok(find.query_map((), |row| row.get(0))?.collect::<Result<_, _>>()?)
    }

    /// Empties an exchanged file and what the partner said of its rows; that it was sent and answered stays, and the bank card number with
    /// its card.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn forget_exchange(&self, number: i64) -> Result<(), StoreError> {
        // Answers of before there was a place for it.
        for (job, words) in self.exchange_answers(number)? {
            let bank = told::bank_card_of(&words);
            if !bank.is_empty() && self.bank_card(job)?.is_none() {
                self.keep_bank_card(job, bank)?;
            }
        }
        let (key, cell) = self.seal(&super::exchange::body_place(number), &[])?;
        let sql = "UPDATE exchange_file SET data_key = $1, body = $2 WHERE number = $3";
        let rows = self.sql.execute(sql, (key, cell, number))?;
        self.sql.execute("UPDATE exchange_row SET data_key = NULL, answer = NULL WHERE file = $1", [number])?;
        Self::moved(rows, || format!("exchange file {number}"), "kept")
    }

    /// Erases a person: dossier, photo and agents are gone, the row number stays for cards, money and the audit log.
    pub(crate) fn erase_person(&self, person: i64) -> Result<(), StoreError> {
        self.put_dossier(person, &Dossier::erased(person))?;
        self.remove_photo(person)?;
        self.forget_benefits(person)?;
        self.forget_participations(person)?;
        self.forget_tickets(person)?;
        self.forget_query_password(person)?;
        self.forget_identities(person)?;
        self.forget_bank_cards(person)?;
        let mut find = self.sql.prepare("SELECT number FROM stock_receipt WHERE person = $1 AND length(agent) > $2")?;
        let agents = find.query_map(params![person, EMPTY], |row| row.get(0))?.collect::<Result<Vec<i64>, _>>()?;
        for number in agents {
            self.forget_agent(number)?;
        }
        // A row that was joined into another may be due by itself, too.
        let sql = "INSERT INTO person_erased (person, erased_at) VALUES ($1, $2) ON CONFLICT (person) DO NOTHING";
        self.sql.execute(sql, (person, clock::now()))?;
        for joined in self.rows_joined_into(person)? {
            self.erase_person(joined)?;
        }
        Ok(())
    }
}
