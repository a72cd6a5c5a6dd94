//! Rows of tickets and of what was said in them, sealed.

use settlement::id::{InstitutionCode, RequestId, TerminalNumber};
use settlement::query::{TicketKind, TicketSubject, TicketText};
use settlement::refund::Original;

use super::counter::Counter;
use super::engine::{self, OptionalExtension, Row, params};
use super::{StoreError, Tx, cell};
use crate::clock;
use crate::query::ticket::{Entry, New, Side, Ticket, TicketMove, TicketState};
use crate::query::{Asker, Channel};
use crate::state::State;

const COLUMNS: &str =
    "SELECT number, kind, subject, channel, person, institution, original_terminal, original_sequence,
    original_card_sequence, state, opened_at FROM ticket";

impl Tx<'_> {
    /// Opens a ticket; its number.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when the request has one.
    pub fn add_ticket(&self, asker: &Asker, new: &New<'_>) -> Result<i64, StoreError> {
        let number = self.next_of(Counter::Ticket)?;
        let now = clock::now();
        self.sql.execute(
            "INSERT INTO ticket (number, kind, subject, channel, person, institution, original_terminal, original_sequence,
                 original_card_sequence, state, request_id, opened_at, changed_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 'open', $10, $11, $12)",
            params![
                number,
                new.kind.name(),
                new.subject.name(),
                asker.channel.name(),
                new.person,
                new.institution.as_ref().map(|code| code.as_str().to_owned()),
                new.about.map(|of| of.terminal.to_string()),
                new.about.map(|of| of.terminal_sequence),
                new.about.and_then(|of| of.card_sequence),
                new.request.map(|request| request.to_string()),
                now,
                now,
            ],
        )?;
        if let Some(text) = new.text {
            self.add_ticket_entry(number, Side::Holder, &asker.actor, text)?;
        }
        Ok(number)
    }

    /// Adds what was said.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn add_ticket_entry(&self, ticket: i64, side: Side, actor: &str, text: &TicketText) -> Result<(), StoreError> {
        let mut last = self.sql.prepare("SELECT COALESCE(MAX(line), 0) + 1 FROM ticket_entry WHERE ticket = $1")?;
        let line: i64 = last.query_row([ticket], |row| row.get(0))?;
        let (key, sealed) = self.seal(&entry_place(ticket, line), text.as_str().as_bytes())?;
        self.sql.execute(
            "INSERT INTO ticket_entry (ticket, line, side, actor, at, data_key, text) VALUES ($1, $2, $3, $4, $5, $6, $7)",
            (ticket, line, side.name(), actor, clock::now(), key, sealed),
        )?;
        Ok(())
    }

    /// A ticket.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn ticket(&self, number: i64) -> Result<Option<Ticket>, StoreError> {
        let mut find = self.sql.prepare(&format!("{COLUMNS} WHERE number = $1"))?;
        Ok(find.query_row([number], ticket).optional()?)
    }

    /// The ticket that a terminal's request opened.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn ticket_of_request(&self, request: RequestId) -> Result<Option<i64>, StoreError> {
        let mut find = self.sql.prepare("SELECT number FROM ticket WHERE request_id = $1")?;
        Ok(find.query_row([request.to_string()], |row| row.get(0)).optional()?)
    }

    /// Tickets behind `after`, in a state or any, in order.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn tickets(&self, state: Option<TicketState>, after: i64, limit: u32) -> Result<Vec<Ticket>, StoreError> {
        let mut find = self
            .sql
            .prepare(&format!("{COLUMNS} WHERE number > $1 AND (state = $2 OR $2 IS NULL) ORDER BY number LIMIT $3"))?;
        Ok(find.query_map((after, state.map(State::name), limit), ticket)?.collect::<Result<_, _>>()?)
    }

    /// What was said, in order.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn ticket_entries(&self, number: i64) -> Result<Vec<Entry>, StoreError> {
        let mut find = self.sql.prepare(
            "SELECT side, actor, at, line, data_key, text FROM ticket_entry WHERE ticket = $1 ORDER BY line",
        )?;
        let rows = find.query_map([number], |row| {
            let entry = Entry {
                side: cell::one_of(row, 0, Side::ALL, Side::name)?,
                actor: row.get(1)?,
                at: row.get(2)?,
                text: String::new(),
            };
            Ok((entry, row.get::<i64>(3)?, row.get::<u8>(4)?, row.get::<Vec<u8>>(5)?))
        })?;
        rows.map(|row| {
            let (entry, line, key, sealed) = row?;
            let place = entry_place(number, line);
            let text = self.open(key, &place, &sealed)?;
            let text = String::from_utf8(text.to_vec()).map_err(|_| StoreError::RowSealed { place })?;
            Ok(Entry { text, ..entry })
        })
        .collect()
    }

    /// Moves a ticket.
    ///
    /// # Errors
    /// [`StoreError::StateMoved`].
    pub fn move_ticket(&self, number: i64, by: TicketMove) -> Result<(), StoreError> {
        let (from, to) = by.ends();
        let rows = self
            .sql
            .prepare("UPDATE ticket SET state = $1, changed_at = $2 WHERE number = $3 AND state = $4")?
            .execute((to.name(), clock::now(), number, from.name()))?;
        Self::moved(rows, || format!("ticket {number}"), from.name())
    }

    /// Empties what was said in the tickets of a person; that it was said stays.
    pub(super) fn forget_tickets(&self, person: i64) -> Result<(), StoreError> {
        let mut find = self.sql.prepare(
            "SELECT e.ticket, e.line FROM ticket_entry e JOIN ticket t ON t.number = e.ticket WHERE t.person = $1",
        )?;
        let entries = find.query_map([person], |row| Ok((row.get(0)?, row.get(1)?)))?;
        for (ticket, line) in entries.collect::<Result<Vec<(i64, i64)>, _>>()? {
            let (key, cell) = self.seal(&entry_place(ticket, line), &[])?;
            let sql = "UPDATE ticket_entry SET data_key = $1, text = $2 WHERE ticket = $3 AND line = $4";
            self.sql.execute(sql, (key, cell, ticket, line))?;
        }
        Ok(())
    }
}

pub(super) fn entry_place(ticket: i64, line: i64) -> String {
    format!("ticket {ticket} line {line}")
}

fn ticket(row: &Row<'_>) -> engine::Result<Ticket> {
    let about = match cell::parsed_option(row, 6, TerminalNumber::parse)? {
        Some(terminal) => Some(Original { terminal, terminal_sequence: row.get(7)?, card_sequence: row.get(8)? }),
        None => None,
    };
    Ok(Ticket {
        number: row.get(0)?,
        kind: cell::one_of(row, 1, TicketKind::ALL, TicketKind::name)?,
        subject: cell::one_of(row, 2, TicketSubject::ALL, TicketSubject::name)?,
        channel: cell::one_of(row, 3, Channel::ALL, Channel::name)?,
        person: row.get(4)?,
        institution: cell::parsed_option(row, 5, InstitutionCode::parse)?,
        about,
        state: row.get(9)?,
        opened_at: row.get(10)?,
    })
}
