//! Rows of sales that terminals asked about.

use settlement::date::BusinessDate;
use settlement::fen::Fen;
use settlement::id::{BillId, CardIdentifier, Digest, SaleId, TerminalNumber};

use super::engine::{self, OptionalExtension, Row, params};
use super::upload::waiting;
use super::{StoreError, Tx, cell};
use crate::clearing::sale::{AskedSale, SaleMove, SaleState};
use crate::clock;
use crate::state::State;

impl Tx<'_> {
    /// Writes a sale down: authorised, or as not done when nothing was known of it.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when the id is taken.
    pub fn add_sale(&self, sale: &AskedSale) -> Result<(), StoreError> {
        let now = clock::now();
        let settled_at = (sale.state != SaleState::Authorised).then(|| now.clone());
        self.sql.execute(
            "INSERT INTO sale (sale_id, terminal, card, card_sequence, business_date, bill_id, bill_hash, personal_fen,
                 self_paid_fen, pooled_fen, body_hash, state, asked_at, settled_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)",
            params![
                sale.sale_id.to_string(),
                sale.terminal.to_string(),
                sale.card_identifier.to_string(),
                sale.card_sequence,
                sale.business_date.to_string(),
                sale.bill_id.as_str(),
                sale.bill_hash.to_string(),
                sale.personal_account_fen.get(),
                sale.self_paid_fen.get(),
                sale.pooled_fund_fen.get(),
                sale.body_hash.to_string(),
                sale.state.name(),
                now,
                settled_at,
            ],
        )?;
        Ok(())
    }

    /// A sale.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn sale(&self, id: SaleId) -> Result<Option<AskedSale>, StoreError> {
        let mut statement = self.sql.prepare(&format!("{SALE} WHERE sale_id = $1"))?;
        Ok(statement.query_row([id.to_string()], sale).optional()?)
    }

    /// Sales that a terminal asked about with a number of a card, oldest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn sales_of_number(
        &self,
        terminal: TerminalNumber,
        card: CardIdentifier,
        card_sequence: u16,
    ) -> Result<Vec<AskedSale>, StoreError> {
        let mut statement = self.sql.prepare(&format!(
            "{SALE} WHERE terminal = $1 AND card = $2 AND card_sequence = $3 ORDER BY asked_at, sale_id"
        ))?;
        let rows = statement.query_map((terminal.to_string(), card.to_string(), card_sequence), sale)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// All sales, or those without outcome, oldest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn sales(&self, open: bool) -> Result<Vec<AskedSale>, StoreError> {
        let which = if open { "WHERE state = 'authorised'" } else { "" };
        let mut statement = self.sql.prepare(&format!("{SALE} {which} ORDER BY asked_at, sale_id"))?;
        Ok(statement.query_map((), sale)?.collect::<Result<_, _>>()?)
    }

    /// What open sales of a card at a terminal take of its limits on a business day: how many purchases they can be, and their sum at most.
    /// Those with this number are left out: the card does one thing with it. So are those whose record waits for a word to be
    /// taken back.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn authorised_on(
        &self,
        terminal: TerminalNumber,
        card: CardIdentifier,
        business_date: BusinessDate,
        number: u16,
    ) -> Result<(u32, Fen), StoreError> {
        let mut statement = self.sql.prepare(&format!(
            "SELECT count(*), coalesce(sum(most), 0) FROM (SELECT max(personal_fen) AS most FROM sale WHERE terminal = $1
             AND card = $2 AND business_date = $3 AND state = 'authorised' AND card_sequence <> $4
             AND card_sequence NOT IN (SELECT card_sequence FROM upload_row WHERE {})
             GROUP BY card_sequence) AS numbers",
            waiting("$2", "$4")
        ))?;
        let given = (terminal.to_string(), card.to_string(), business_date.to_string(), number);
        Ok(statement.query_row(given, |row| Ok((row.get(0)?, Fen::new(row.get(1)?))))?)
    }

    /// What open sales of a card may take of its account at most, wherever and whenever; those with this number, or whose record
    /// waits for a word to be taken back, are left out.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn authorised_of(&self, card: CardIdentifier, number: u16) -> Result<Fen, StoreError> {
        let mut statement = self.sql.prepare(&format!(
            "SELECT coalesce(sum(most), 0) FROM (SELECT max(personal_fen) AS most FROM sale WHERE card = $1
             AND state = 'authorised' AND card_sequence <> $2 AND card_sequence NOT IN (SELECT card_sequence FROM upload_row
             WHERE {}) GROUP BY card_sequence) AS numbers",
            waiting("$1", "$2")
        ))?;
        Ok(Fen::new(statement.query_row((card.to_string(), number), |row| row.get(0))?))
    }

    /// Open sales with a number of a card.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn authorised_with(&self, card: CardIdentifier, number: u16) -> Result<Vec<SaleId>, StoreError> {
        let mut statement = self.sql.prepare(
            "SELECT sale_id FROM sale WHERE card = $1 AND card_sequence = $2 AND state = 'authorised' ORDER BY sale_id",
        )?;
        let found = statement.query_map((card.to_string(), number), |row| cell::parsed(row, 0, SaleId::parse))?;
        Ok(found.collect::<Result<_, _>>()?)
    }

    /// Moves a sale to its outcome, with the record that shows it when there is one.
    ///
    /// # Errors
    /// [`StoreError::StateMoved`].
    pub fn move_sale(&self, id: SaleId, way: SaleMove, record: Option<u64>) -> Result<(), StoreError> {
        let (from, to) = way.ends();
        let record = record.map(cell::from_u64).transpose()?;
        let rows = self.sql.execute(
            "UPDATE sale SET state = $1, record = $2, settled_at = $3 WHERE sale_id = $4 AND state = $5",
            (to.name(), record, clock::now(), id.to_string(), from.name()),
        )?;
        Self::moved(rows, || format!("sale {id}"), from.name())
    }

    /// What refunds that have no outcome yet may have put onto a card: the ledger does not know of it.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn refunds_under_way(&self, card: CardIdentifier) -> Result<Fen, StoreError> {
        let mut statement = self.sql.prepare(
            "SELECT coalesce(sum(amount_fen), 0) FROM load WHERE card = $1 AND state = 'PREPARED'
             AND original_terminal IS NOT NULL",
        )?;
        Ok(Fen::new(statement.query_row([card.to_string()], |row| row.get(0))?))
    }
}

const SALE: &str = "SELECT sale_id, terminal, card, card_sequence, business_date, bill_id, bill_hash, personal_fen,
    self_paid_fen, pooled_fen, body_hash, state, record, asked_at FROM sale";

fn sale(row: &Row<'_>) -> engine::Result<AskedSale> {
    let states = [SaleState::Authorised, SaleState::Done, SaleState::NotDone, SaleState::Closed];
    let record: Option<i64> = row.get(12)?;
    Ok(AskedSale {
        sale_id: cell::parsed(row, 0, SaleId::parse)?,
        terminal: cell::parsed(row, 1, TerminalNumber::parse)?,
        card_identifier: cell::parsed(row, 2, CardIdentifier::parse)?,
        card_sequence: row.get(3)?,
        business_date: cell::parsed(row, 4, BusinessDate::parse)?,
        bill_id: cell::parsed(row, 5, BillId::parse)?,
        bill_hash: cell::parsed(row, 6, Digest::parse)?,
        personal_account_fen: Fen::new(row.get(7)?),
        self_paid_fen: Fen::new(row.get(8)?),
        pooled_fund_fen: Fen::new(row.get(9)?),
        body_hash: cell::parsed(row, 10, Digest::parse)?,
        state: cell::one_of(row, 11, states, State::name)?,
        record: record.map(i64::unsigned_abs),
        asked_at: row.get(13)?,
    })
}
