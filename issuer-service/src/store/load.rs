//! Rows of allotments, loads and the blacklist.

use settlement::date::{BusinessDate, DateTime};
use settlement::fen::Fen;
use settlement::id::{
    CardFactor, CardIdentifier, CardRandom, Digest, InstitutionCode, LoadId, Mac, Tac, TerminalNumber,
};
use settlement::refund::{Original, RefundAct};

use super::engine::{self, OptionalExtension, Row, params};
use super::{StoreError, Tx, cell};
use crate::clearing::load::{Load, LoadState};
use crate::clearing::refund::Refund;
use crate::clock;

impl Tx<'_> {
    /// Writes a prepared load.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when the id is taken or the card has an open load.
    pub fn add_load(&self, load: &Load) -> Result<(), StoreError> {
        let refund = load.refund.as_ref();
        self.sql.execute(
            "INSERT INTO load (load_id, terminal, card, holder, factor, amount_fen, balance_fen, card_sequence, random,
                 key_version, algorithm, body_hash, date_time, mac2, state, prepared_at, original_terminal, original_sequence,
                 refund_act, institution, self_paid_fen, pooled_fen, original_posting, original_card_sequence)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23,
                 $24)",
            params![
                load.load_id.to_string(),
                load.terminal.to_string(),
                load.card_identifier.to_string(),
                load.holder,
                load.card_factor.to_string(),
                load.amount_fen.get(),
                load.balance_fen.get(),
                load.card_sequence,
                load.random.to_string(),
                load.key_version,
                load.algorithm,
                load.body_hash.to_string(),
                load.date_time.to_string(),
                load.mac2.to_string(),
                load.state.name(),
                load.prepared_at,
                refund.map(|refund| refund.original.terminal.to_string()),
                refund.map(|refund| refund.original.terminal_sequence),
                refund.map(|refund| refund.act.as_str()),
                refund.map(|refund| refund.institution.as_str().to_owned()),
                refund.map_or(0, |refund| refund.self_paid_fen.get()),
                refund.map_or(0, |refund| refund.pooled_fund_fen.get()),
                refund.map(|refund| refund.posting.clone()),
                refund.and_then(|refund| refund.original.card_sequence),
            ],
        )?;
        Ok(())
    }

    /// A load.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn load(&self, id: LoadId) -> Result<Option<Load>, StoreError> {
        let mut statement = self.sql.prepare(&format!("{LOAD} WHERE load_id = $1"))?;
        Ok(statement.query_row([id.to_string()], load).optional()?)
    }

    /// The last load of a card: the one with its highest number, and of several with that number the one that the card may have
    /// taken, since it takes one. Clocks say nothing about it.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn last_load(&self, card: CardIdentifier) -> Result<Option<Load>, StoreError> {
        let mut statement = self.sql.prepare(&format!(
            "{LOAD} WHERE card = $1 ORDER BY card_sequence DESC, state = 'NOT_CREDITED', state = 'CREDITED', prepared_at DESC LIMIT 1"
        ))?;
        Ok(statement.query_row([card.to_string()], load).optional()?)
    }

    /// The load of a card that has no outcome; there is one at most.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn open_load_of(&self, card: CardIdentifier) -> Result<Option<LoadId>, StoreError> {
        let mut statement = self.sql.prepare("SELECT load_id FROM load WHERE card = $1 AND state = 'PREPARED'")?;
        Ok(statement.query_row([card.to_string()], |row| cell::parsed(row, 0, LoadId::parse)).optional()?)
    }

    /// The load with this number of the card that was credited.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn credited_with_number(&self, card: CardIdentifier, card_sequence: u16) -> Result<Option<Load>, StoreError> {
        let mut statement =
            self.sql.prepare(&format!("{LOAD} WHERE card = $1 AND card_sequence = $2 AND state = 'CREDITED'"))?;
        Ok(statement.query_row((card.to_string(), card_sequence), load).optional()?)
    }

    /// Keeps that a terminal gave up a load whose request has not come in. `true`: it was kept before.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn give_up_load(&self, terminal: TerminalNumber, id: LoadId) -> Result<bool, StoreError> {
        if self.load_given_up(terminal, id)? {
            return Ok(true);
        }
        self.sql.execute(
            "INSERT INTO load_given_up (load_id, terminal, given_up_at) VALUES ($1, $2, $3)",
            (id.to_string(), terminal.to_string(), clock::now()),
        )?;
        Ok(false)
    }

    /// Whether a terminal gave up a load before its request came in.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn load_given_up(&self, terminal: TerminalNumber, id: LoadId) -> Result<bool, StoreError> {
        let mut statement = self.sql.prepare("SELECT 1 FROM load_given_up WHERE load_id = $1 AND terminal = $2")?;
        Ok(statement.exists((id.to_string(), terminal.to_string()))?)
    }

    /// How many loads terminals gave up before their request came in.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn loads_given_up(&self) -> Result<i64, StoreError> {
        Ok(self.sql.query_row("SELECT count(*) FROM load_given_up", (), |row| row.get(0))?)
    }

    /// Loads without outcome, oldest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn open_loads(&self) -> Result<Vec<Load>, StoreError> {
        let mut statement =
            self.sql.prepare(&format!("{LOAD} WHERE state = 'PREPARED' ORDER BY prepared_at, load_id"))?;
        Ok(statement.query_map((), load)?.collect::<Result<_, _>>()?)
    }

    /// All loads, oldest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn loads(&self) -> Result<Vec<Load>, StoreError> {
        let mut statement = self.sql.prepare(&format!("{LOAD} ORDER BY prepared_at, load_id"))?;
        Ok(statement.query_map((), load)?.collect::<Result<_, _>>()?)
    }

    /// PREPARED → an outcome, or NOT_CREDITED → CREDITED where the card's proof overrules a word, with what shows it.
    ///
    /// # Errors
    /// [`StoreError::StateMoved`].
    pub fn settle_load(
        &self,
        (id, from): (LoadId, LoadState),
        state: LoadState,
        tac: Option<Tac>,
        evidence: &str,
        window_date: BusinessDate,
    ) -> Result<(), StoreError> {
        let rows = self.sql.execute(
            "UPDATE load SET state = $1, tac = $2, evidence = $3, settled_at = $4, settled_on = $5
             WHERE load_id = $6 AND state = $7",
            (
                state.name(),
                tac.map(|tac| tac.to_string()),
                evidence,
                clock::now(),
                window_date.to_string(),
                id.to_string(),
                from.name(),
            ),
        )?;
        Self::moved(rows, || format!("load {id}"), from.name())
    }

    /// Keeps the code of a load that people had called credited.
    ///
    /// # Errors
    /// [`StoreError::StateMoved`].
    pub fn keep_load_code(&self, id: LoadId, tac: Tac) -> Result<(), StoreError> {
        let rows = self.sql.execute(
            "UPDATE load SET tac = $1 WHERE load_id = $2 AND state = 'CREDITED' AND tac IS NULL",
            (tac.to_string(), id.to_string()),
        )?;
        Self::moved(rows, || format!("load {id}"), "CREDITED without a code")
    }

    /// Notes what is known of a load that stays open.
    ///
    /// # Errors
    /// [`StoreError::StateMoved`].
    pub fn note_load(&self, id: LoadId, evidence: &str) -> Result<(), StoreError> {
        let rows = self.sql.execute(
            "UPDATE load SET evidence = $1 WHERE load_id = $2 AND state = 'PREPARED'",
            (evidence, id.to_string()),
        )?;
        Self::moved(rows, || format!("load {id}"), "PREPARED")
    }

    /// The refunds of a posting of a purchase that reached the card or may have, oldest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn refunds_of(&self, posting: &str) -> Result<Vec<Load>, StoreError> {
        let mut statement = self.sql.prepare(&format!(
            "{LOAD} WHERE original_posting = $1 AND state <> 'NOT_CREDITED' ORDER BY prepared_at, load_id"
        ))?;
        let rows = statement.query_map([posting], load)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Refunds at other terminals of what a terminal sold, by their ids from one on: those without outcome, and those that got theirs, or
    /// another one, in a window from `since` on.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn refunds_elsewhere(
        &self,
        terminal: TerminalNumber,
        since: Option<BusinessDate>,
        after: Option<LoadId>,
        most: usize,
    ) -> Result<Vec<Load>, StoreError> {
        let mut statement = self.sql.prepare(&format!(
            "{LOAD} WHERE original_terminal = $1 AND terminal <> $1 AND load_id > $2
             AND (state = 'PREPARED' OR settled_on >= $3) ORDER BY load_id LIMIT {most}"
        ))?;
        let text = |value: Option<String>| value.unwrap_or_default();
        let since = text(since.map(|since| since.to_string()));
        let rows = statement.query_map((terminal.to_string(), text(after.map(|id| id.to_string())), since), load)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// When loads and refunds of a card were, and what they brought: those that reached it.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn credited_loads(&self, card: CardIdentifier) -> Result<Vec<(DateTime, Fen)>, StoreError> {
        let mut statement =
            self.sql.prepare("SELECT date_time, amount_fen FROM load WHERE card = $1 AND state = 'CREDITED'")?;
        let rows = statement
            .query_map([card.to_string()], |row| Ok((cell::parsed(row, 0, DateTime::parse)?, Fen::new(row.get(1)?))))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Refunds credited in a window, oldest first; twice what gave way in between.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn refunds_credited(&self, window_date: BusinessDate) -> Result<Vec<Load>, StoreError> {
        let mut statement = self.sql.prepare(&format!(
            "{LOAD} WHERE original_terminal IS NOT NULL AND {CREDITED_IN}
             UNION ALL {LOAD} WHERE original_terminal IS NOT NULL AND {YIELDED_SINCE} ORDER BY prepared_at, load_id"
        ))?;
        Ok(statement.query_map([window_date.to_string()], load)?.collect::<Result<_, _>>()?)
    }

    /// Sum of the loads credited in a window, refunds left out.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn loads_credited(&self, window_date: BusinessDate) -> Result<Fen, StoreError> {
        let sum = self.sql.query_row(
            &format!(
                "SELECT coalesce(sum(amount_fen), 0) FROM (SELECT amount_fen FROM load WHERE original_terminal IS NULL AND {CREDITED_IN}
                 UNION ALL SELECT amount_fen FROM load WHERE original_terminal IS NULL AND {YIELDED_SINCE}) AS credited"
            ),
            [window_date.to_string()],
            |row| row.get(0),
        )?;
        Ok(Fen::new(sum))
    }
}

/// Credited in a window, and not given way.
const CREDITED_IN: &str = "settled_on = $1 AND state = 'CREDITED'";
/// Counted as credited in a window before it gave way; the card may have proved it since, in the same window or another.
const YIELDED_SINCE: &str = "load_id IN (SELECT yielded_load FROM load_yield WHERE credited_on = $1)";

const LOAD: &str = "SELECT load_id, terminal, card, holder, factor, amount_fen, balance_fen, card_sequence, random,
    key_version, body_hash, date_time, mac2, state, tac, evidence, prepared_at, settled_on, algorithm,
    original_terminal, original_sequence, refund_act, institution, self_paid_fen, pooled_fen, original_posting,
    original_card_sequence FROM load";

fn load(row: &Row<'_>) -> engine::Result<Load> {
    Ok(Load {
        load_id: cell::parsed(row, 0, LoadId::parse)?,
        terminal: cell::parsed(row, 1, TerminalNumber::parse)?,
        card_identifier: cell::parsed(row, 2, CardIdentifier::parse)?,
        holder: row.get(3)?,
        card_factor: cell::parsed(row, 4, CardFactor::parse)?,
        amount_fen: Fen::new(row.get(5)?),
        balance_fen: Fen::new(row.get(6)?),
        card_sequence: row.get(7)?,
        random: cell::parsed(row, 8, CardRandom::parse)?,
        key_version: row.get(9)?,
        body_hash: cell::parsed(row, 10, Digest::parse)?,
        date_time: cell::parsed(row, 11, DateTime::parse)?,
        mac2: cell::parsed(row, 12, Mac::parse)?,
        state: cell::one_of(row, 13, LoadState::ALL, LoadState::name)?,
        tac: cell::parsed_option(row, 14, Tac::parse)?,
        evidence: row.get(15)?,
        prepared_at: row.get(16)?,
        settled_on: cell::parsed_option(row, 17, BusinessDate::parse)?,
        algorithm: row.get(18)?,
        refund: refund(row)?,
    })
}

/// What makes a load a refund, when it is one.
fn refund(row: &Row<'_>) -> engine::Result<Option<Refund>> {
    let Some(terminal) = cell::parsed_option(row, 19, TerminalNumber::parse)? else { return Ok(None) };
    Ok(Some(Refund {
        original: Original { terminal, terminal_sequence: row.get(20)?, card_sequence: row.get(26)? },
        act: cell::one_of(row, 21, RefundAct::ALL, RefundAct::as_str)?,
        institution: cell::parsed(row, 22, InstitutionCode::parse)?,
        self_paid_fen: Fen::new(row.get(23)?),
        pooled_fund_fen: Fen::new(row.get(24)?),
        posting: row.get(25)?,
    }))
}
