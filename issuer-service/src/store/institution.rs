//! Rows of institutions, of their terminals and of what the terminals asked.

use settlement::batch::ChainPosition;
use settlement::date::DateTime;
use settlement::fen::Fen;
use settlement::id::{Digest, InstitutionCode, PublicKey, RequestId, TerminalNumber};
use settlement::message::TerminalLimits;
use settlement::sale::OnlinePolicy;

use super::engine::{self, OptionalExtension, Row, params};
use super::{StoreError, Tx, cell};
use crate::clearing::institution::{Institution, InstitutionKind, SaleLimits, Terminal, TerminalState};
use crate::clock;

/// A request as it was received.
#[derive(Clone, Copy, Debug)]
pub struct ReceivedRequest<'a> {
    /// Id.
    pub id: RequestId,
    /// Terminal.
    pub terminal: TerminalNumber,
    /// Endpoint.
    pub path: &'a str,
    /// Body as it was signed.
    pub body: &'a str,
    /// Signature, hex.
    pub signature: &'a str,
}

/// What is known of a request id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KnownRequest {
    /// Never seen.
    New,
    /// The same request; this was the answer.
    Same(String),
    /// Another terminal, path or body.
    Other,
}

impl Tx<'_> {
    /// Registers an institution.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when the code is taken.
    pub fn add_institution(&self, institution: &Institution) -> Result<(), StoreError> {
        self.sql.execute(
            "INSERT INTO institution (code, name, region, kind, created_at) VALUES ($1, $2, $3, $4, $5)",
            (institution.code.as_str(), &institution.name, &institution.region, institution.kind.name(), clock::now()),
        )?;
        Ok(())
    }

    /// An institution.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn institution(&self, code: &InstitutionCode) -> Result<Option<Institution>, StoreError> {
        let mut statement = self.sql.prepare("SELECT code, name, region, kind FROM institution WHERE code = $1")?;
        Ok(statement.query_row([code.as_str()], institution).optional()?)
    }

    /// All institutions, in order of code.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn institutions(&self) -> Result<Vec<Institution>, StoreError> {
        let mut statement = self.sql.prepare("SELECT code, name, region, kind FROM institution ORDER BY code")?;
        Ok(statement.query_map((), institution)?.collect::<Result<_, _>>()?)
    }

    /// Registers a terminal at the start of its chain.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when the number is taken.
    pub fn add_terminal(&self, terminal: &Terminal) -> Result<(), StoreError> {
        let limits = terminal.limits;
        self.sql.execute(
            "INSERT INTO terminal (number, institution, public_key, state, purchase_max_fen, card_day_max_fen,
                 pending_records_max, pending_max_fen, blacklist_age_max_hours, next_batch, next_record, previous_hash,
                 created_at, card_day_count_max, parameters, kiosk, online)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)",
            params![
                terminal.number.to_string(),
                terminal.institution.as_str(),
                terminal.public_key.to_string(),
                terminal.state.name(),
                limits.purchase_max_fen.get(),
                limits.card_day_max_fen.get(),
                limits.pending_records_max,
                limits.pending_max_fen.get(),
                limits.blacklist_age_max_hours,
                terminal.chain.next_batch,
                cell::from_u64(terminal.chain.next_record)?,
                terminal.chain.previous_hash.to_string(),
                clock::now(),
                limits.card_day_count_max,
                cell::from_u64(terminal.parameters)?,
                i64::from(terminal.kiosk),
                limits.online.as_str(),
            ],
        )?;
        Ok(())
    }

    /// A terminal.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn terminal(&self, number: TerminalNumber) -> Result<Option<Terminal>, StoreError> {
        let mut statement = self.sql.prepare(&format!("{TERMINAL} WHERE number = $1"))?;
        Ok(statement.query_row([number.to_string()], terminal).optional()?)
    }

    /// All terminals, in order of number.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn terminals(&self) -> Result<Vec<Terminal>, StoreError> {
        let mut statement = self.sql.prepare(&format!("{TERMINAL} ORDER BY number"))?;
        Ok(statement.query_map((), terminal)?.collect::<Result<_, _>>()?)
    }

    /// Moves a terminal's chain on, if it still stands where the batch began.
    ///
    /// # Errors
    /// [`StoreError::StateMoved`] when another upload was faster.
    pub fn advance_chain(
        &self,
        number: TerminalNumber,
        from: &ChainPosition,
        to: &ChainPosition,
    ) -> Result<(), StoreError> {
        let rows = self.sql.execute(
            "UPDATE terminal SET next_batch = $1, next_record = $2, previous_hash = $3 WHERE number = $4 AND next_batch = $5",
            (
                to.next_batch,
                cell::from_u64(to.next_record)?,
                to.previous_hash.to_string(),
                number.to_string(),
                from.next_batch,
            ),
        )?;
        Self::moved(rows, || format!("terminal {number}"), "at the batch before")
    }

    /// Changes the limits of a terminal; those until now count for what it sells by them before `held_until`.
    ///
    /// # Errors
    /// [`StoreError::StateMoved`] when another change was faster.
    pub fn set_terminal_limits(
        &self,
        terminal: &Terminal,
        limits: TerminalLimits,
        held_until: DateTime,
    ) -> Result<(), StoreError> {
        let before = terminal.limits;
        self.sql.execute(
            "INSERT INTO terminal_limits_before (terminal, parameters, purchase_max_fen, card_day_max_fen, card_day_count_max,
                 held_until)
             VALUES ($1, $2, $3, $4, $5, $6)",
            params![
                terminal.number.to_string(),
                cell::from_u64(terminal.parameters)?,
                before.purchase_max_fen.get(),
                before.card_day_max_fen.get(),
                before.card_day_count_max,
                held_until.to_string(),
            ],
        )?;
        let rows = self.sql.execute(
            "UPDATE terminal SET purchase_max_fen = $1, card_day_max_fen = $2, card_day_count_max = $3,
                 pending_records_max = $4, pending_max_fen = $5, blacklist_age_max_hours = $6, online = $7,
                 parameters = parameters + 1
             WHERE number = $8 AND parameters = $9",
            params![
                limits.purchase_max_fen.get(),
                limits.card_day_max_fen.get(),
                limits.card_day_count_max,
                limits.pending_records_max,
                limits.pending_max_fen.get(),
                limits.blacklist_age_max_hours,
                limits.online.as_str(),
                terminal.number.to_string(),
                cell::from_u64(terminal.parameters)?,
            ],
        )?;
        Self::moved(rows, || format!("terminal {}", terminal.number), "of these parameters")
    }

    /// What a terminal may have sold by at this time (China): its limits now, and those that it may still have held.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn sale_limits(&self, terminal: &Terminal, sold_at: DateTime) -> Result<SaleLimits, StoreError> {
        let mut statement = self.sql.prepare(
            "SELECT purchase_max_fen, card_day_max_fen, card_day_count_max FROM terminal_limits_before
             WHERE terminal = $1 AND held_until >= $2",
        )?;
        let rows = statement.query_map((terminal.number.to_string(), sold_at.to_string()), |row| {
            Ok(SaleLimits {
                purchase_max_fen: Fen::new(row.get(0)?),
                card_day_max_fen: Fen::new(row.get(1)?),
                card_day_count_max: row.get(2)?,
            })
        })?;
        let held: Vec<SaleLimits> = rows.collect::<Result<_, _>>()?;
        Ok(held.into_iter().fold(terminal.limits.into(), SaleLimits::or))
    }

    /// Stops a terminal, or lets it work again.
    ///
    /// # Errors
    /// [`StoreError::StateMoved`] when there is no such terminal in the other state.
    pub fn set_terminal_state(&self, number: TerminalNumber, state: TerminalState) -> Result<(), StoreError> {
        let rows = self.sql.execute(
            "UPDATE terminal SET state = $1 WHERE number = $2 AND state <> $1",
            (state.name(), number.to_string()),
        )?;
        Self::moved(rows, || format!("terminal {number}"), "in the other state")
    }

    /// A terminal signs in.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn note_sign_in(&self, number: TerminalNumber) -> Result<(), StoreError> {
        self.sql.execute(
            "UPDATE terminal SET signed_in_at = $1, signed_out_at = NULL WHERE number = $2",
            (clock::now(), number.to_string()),
        )?;
        Ok(())
    }

    /// A terminal signs out.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn note_sign_out(&self, number: TerminalNumber) -> Result<(), StoreError> {
        self.sql
            .execute("UPDATE terminal SET signed_out_at = $1 WHERE number = $2", (clock::now(), number.to_string()))?;
        Ok(())
    }

    /// Whether a request came before, and what was answered.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn known_request(&self, request: &ReceivedRequest<'_>) -> Result<KnownRequest, StoreError> {
        let mut statement =
            self.sql.prepare("SELECT terminal, path, body_hash, answer FROM terminal_request WHERE request_id = $1")?;
        let known: Option<(String, String, String, String)> = statement
            .query_row([request.id.to_string()], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))
            .optional()?;
        let Some((terminal, path, body_hash, answer)) = known else { return Ok(KnownRequest::New) };
        let same = terminal == request.terminal.to_string()
            && path == request.path
            && body_hash == Digest::of(request.body.as_bytes()).to_string();
        Ok(if same { KnownRequest::Same(answer) } else { KnownRequest::Other })
    }

    /// Keeps a request with its answer. A body of `None` leaves its hash only.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn add_request(
        &self,
        request: &ReceivedRequest<'_>,
        body: Option<&str>,
        answer: &str,
    ) -> Result<(), StoreError> {
        self.sql
            .prepare(
                "INSERT INTO terminal_request (request_id, terminal, path, body_hash, body, signature, answer, received_at)
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
            )?
            .execute((
                request.id.to_string(),
                request.terminal.to_string(),
                request.path,
                Digest::of(request.body.as_bytes()).to_string(),
                body.unwrap_or_default(),
                request.signature,
                answer,
                clock::now(),
            ))?;
        Ok(())
    }
}

const TERMINAL: &str = "SELECT number, institution, public_key, state, purchase_max_fen, card_day_max_fen,
    pending_records_max, pending_max_fen, blacklist_age_max_hours, next_batch, next_record, previous_hash, card_day_count_max, parameters,
    kiosk, online, signed_in_at, signed_out_at FROM terminal";

fn institution(row: &Row<'_>) -> engine::Result<Institution> {
    Ok(Institution {
        code: cell::parsed(row, 0, InstitutionCode::parse)?,
        name: row.get(1)?,
        region: row.get(2)?,
        kind: cell::one_of(row, 3, [InstitutionKind::Pharmacy, InstitutionKind::Hospital], InstitutionKind::name)?,
    })
}

fn terminal(row: &Row<'_>) -> engine::Result<Terminal> {
    Ok(Terminal {
        number: cell::parsed(row, 0, TerminalNumber::parse)?,
        institution: cell::parsed(row, 1, InstitutionCode::parse)?,
        public_key: cell::parsed(row, 2, PublicKey::parse)?,
        state: cell::one_of(row, 3, [TerminalState::Active, TerminalState::Stopped], TerminalState::name)?,
        limits: TerminalLimits {
            purchase_max_fen: Fen::new(row.get(4)?),
            card_day_max_fen: Fen::new(row.get(5)?),
            card_day_count_max: row.get(12)?,
            pending_records_max: row.get(6)?,
            pending_max_fen: Fen::new(row.get(7)?),
            blacklist_age_max_hours: row.get(8)?,
            online: cell::one_of(row, 15, OnlinePolicy::ALL, OnlinePolicy::as_str)?,
        },
        parameters: cell::u64(row, 13)?,
        chain: ChainPosition {
            next_batch: row.get(9)?,
            next_record: cell::u64(row, 10)?,
            previous_hash: cell::parsed(row, 11, Digest::parse)?,
        },
        kiosk: row.get::<i64>(14)? != 0,
        signed_in_at: row.get(16)?,
        signed_out_at: row.get(17)?,
    })
}
