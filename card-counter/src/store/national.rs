//! The journal of the national interface: message numbers given out once, settlements and where they stand.
//!
//! Source: `settlement::national::state`; one SQLite file beside the terminal's own, WAL, `synchronous=FULL`.
//! Owns: schema version 4 of it, numbers durable before they are used, moves as guarded updates with their events.
//! Never: sends; a person's number or a drug in the clear (both are sealed, `sealed`), a name: a request's body is not kept.

mod numbering;
mod sale;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::path::Path;

use rusqlite::{Connection, OptionalExtension as _, Row, params};
use settlement::BusinessDate;
use settlement::fen::Fen;
use settlement::id::BillId;
use settlement::national::state::{Event, State};
use settlement::national::{Infno, MsgId};

use super::entries::write;
use super::sealed::{Seal, broken};
use super::{StoreError, failure, make_folder, owner_only, schema, turn};
use crate::clock::Now;
use crate::error::{NationalError, TerminalError};

pub use numbering::Numbering;
use numbering::free;
pub use sale::StoredSale;

const DATABASE: &str = "national.db";
const TURN: &str = "national.lock";
const VERSION: i64 = 4;

const TABLES: &str = "
CREATE TABLE message (
    number     INTEGER PRIMARY KEY,
    msgid      TEXT NOT NULL UNIQUE,
    infno      INTEGER NOT NULL,
    written_at TEXT NOT NULL,
    sale       INTEGER REFERENCES sale (number),
    outcome    TEXT
) STRICT;
CREATE TABLE sale (
    number       INTEGER PRIMARY KEY,
    state        TEXT NOT NULL,
    bill_id      TEXT NOT NULL,
    settle_msgid TEXT NOT NULL UNIQUE,
    cancel_msgid TEXT UNIQUE,
    psn_no       BLOB NOT NULL,
    psn_mark     TEXT NOT NULL,
    insutype     TEXT NOT NULL,
    region       TEXT,
    day          TEXT NOT NULL,
    total        INTEGER NOT NULL,
    setl_id      TEXT,
    mdtrt_id     TEXT,
    funds        INTEGER,
    account      INTEGER,
    cash         INTEGER,
    clr_optins   TEXT,
    clr_type     TEXT,
    refund_id    TEXT,
    refund_day   TEXT,
    history      TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX sale_of_bill ON sale (bill_id) WHERE state NOT IN ('REFUSED', 'REVERSED', 'CANCELLED');
CREATE TABLE session (
    one       INTEGER PRIMARY KEY CHECK (one = 1),
    sign_no   TEXT NOT NULL,
    signed_at TEXT NOT NULL
) STRICT;
CREATE TABLE compared (day TEXT PRIMARY KEY, at TEXT NOT NULL, even INTEGER NOT NULL) STRICT;
CREATE TRIGGER sale_is_not_removed BEFORE DELETE ON sale BEGIN SELECT RAISE(ABORT, 'settlements are kept'); END;
CREATE TRIGGER message_is_not_removed BEFORE DELETE ON message BEGIN SELECT RAISE(ABORT, 'numbers are kept'); END;
CREATE TRIGGER state_has_its_event BEFORE UPDATE OF state ON sale
WHEN length(NEW.history) <= length(OLD.history)
BEGIN SELECT RAISE(ABORT, 'a state changes with an event'); END;
";

/// What version 2 has beyond version 1: the centre's own number of each answer (接收方报文ID).
const ANSWERS: &str = "
CREATE TABLE answer (
    inf_refmsgid TEXT PRIMARY KEY,
    msgid        TEXT NOT NULL REFERENCES message (msgid)
) STRICT;
";

/// What version 3 has beyond version 2: how often the paper of a settlement was printed again.
const REPRINTS: &str = "
CREATE TABLE reprint (sale INTEGER PRIMARY KEY REFERENCES sale (number), count INTEGER NOT NULL) STRICT;
";

/// What version 4 has beyond version 3: what papers of a settlement and of its cancellation show, sealed.
const PAPERS: &str = "
CREATE TABLE paper (
    sale  INTEGER NOT NULL REFERENCES sale (number),
    state TEXT NOT NULL,
    kept  BLOB NOT NULL,
    PRIMARY KEY (sale, state)
) STRICT;
PRAGMA user_version = 4;
";

const COLUMNS: &str =
    "number, state, bill_id, settle_msgid, cancel_msgid, psn_no, insutype, region, day, total, setl_id,
    mdtrt_id, funds, account, cash, clr_optins, clr_type, refund_id, refund_day, history";

/// The journal, with the turn at it.
pub struct NationalStore {
    connection: Connection,
    place: String,
    seal: Seal,
    _turn: Connection,
}

/// The clerk's session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// 签到编号.
    pub sign_no: String,
    /// When.
    pub signed_at: String,
}

/// A settlement before its first send.
#[derive(Clone, Debug)]
pub struct SaleDraft<'a> {
    /// Bill of the till.
    pub bill_id: &'a BillId,
    /// 人员编号.
    pub psn_no: &'a str,
    /// 险种.
    pub insutype: &'a str,
    /// 参保地.
    pub region: Option<&'a str>,
    /// Sum of the lines.
    pub total: Fen,
}

/// What the centre said of a settlement, or of its refund.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settled {
    /// 结算ID.
    pub setl_id: String,
    /// 就诊ID.
    pub mdtrt_id: String,
    /// Day in the centre's books.
    pub day: BusinessDate,
    /// Funds, account, cash.
    pub paid: [Fen; 3],
    /// 清算经办机构 and 清算类别.
    pub clearing: (Option<String>, Option<String>),
    /// What its paper shows beside, as a text.
    pub paper: Option<String>,
}

impl std::fmt::Debug for NationalStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NationalStore").field("place", &self.place).finish_non_exhaustive()
    }
}

impl NationalStore {
    /// Opens the journal of a data folder, made if it is not there, and takes the turn at it. What an earlier program left
    /// between sending and answer becomes uncertain.
    ///
    /// # Errors
    /// [`TerminalError::Store`]; [`StoreError::Busy`] when another program has the turn.
    pub fn open(folder: &Path) -> Result<Self, TerminalError> {
        make_folder(folder)?;
        let turn = turn(folder, TURN)?;
        let path = folder.join(DATABASE);
        let place = path.display().to_string();
        let fail = |source| failure(&place, source);
        let connection = Connection::open(&path).map_err(fail)?;
        owner_only(&path)?;
        schema::configure(&connection).map_err(fail)?;
        let version: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0)).map_err(fail)?;
        let run = |batches: &[&str]| {
            connection.execute_batch(&format!("BEGIN IMMEDIATE; {} COMMIT;", batches.concat())).map_err(fail)
        };
        match version {
            0 => run(&[TABLES, ANSWERS, REPRINTS, PAPERS])?,
            1 => run(&[ANSWERS, REPRINTS, PAPERS])?,
            2 => run(&[REPRINTS, PAPERS])?,
            3 => run(&[PAPERS])?,
            VERSION => {}
            other => {
                let reason = format!("tables of version {other}, this program knows {VERSION}");
                return Err(StoreError::Corrupt { place, reason }.into());
            }
        }
        let seal = Seal::of_folder(folder)?;
        let mut store = Self { connection, place, seal, _turn: turn };
        for sale in store.sales()? {
            if let Some(event) = sale.state.event_at_restart() {
                store.move_sale(&sale, event, None)?;
            }
        }
        Ok(store)
    }

    /// Opens the journal if it is there.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn open_if_there(folder: &Path) -> Result<Option<Self>, TerminalError> {
        if folder.join(DATABASE).is_file() { Self::open(folder).map(Some) } else { Ok(None) }
    }

    /// The session, if one is open.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn session(&self) -> Result<Option<Session>, StoreError> {
        let read = |row: &Row<'_>| Ok(Session { sign_no: row.get(0)?, signed_at: row.get(1)? });
        let found = self.connection.query_row("SELECT sign_no, signed_at FROM session", [], read).optional();
        found.map_err(|source| self.failure(source))
    }

    /// Keeps a session, or ends it.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn set_session(&mut self, sign_no: Option<&str>) -> Result<(), StoreError> {
        write(&mut self.connection, &self.place, |connection| {
            connection.execute("DELETE FROM session", [])?;
            if let Some(sign_no) = sign_no {
                let at = Now::of_system().utc();
                connection
                    .execute("INSERT INTO session (one, sign_no, signed_at) VALUES (1, ?1, ?2)", [sign_no, &at])?;
            }
            Ok(())
        })
    }

    /// A number for a message, durable before anyone sees it. The clock may have been set back: a number that was given out
    /// is never given out again, and its time is the clock's as long as this second has one left.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn next_message(&mut self, numbering: &Numbering, infno: Infno, now: Now) -> Result<MsgId, StoreError> {
        self.numbered(numbering, infno, now, |_, _| Ok(None))
    }

    /// A settlement and the number of its 2102, in one durable write.
    ///
    /// # Errors
    /// [`NationalError::BillSettled`] or [`NationalError::Open`] when the bill was settled or may have been;
    /// [`TerminalError::Store`].
    pub fn begin_sale(
        &mut self,
        draft: &SaleDraft<'_>,
        numbering: &Numbering,
        now: Now,
    ) -> Result<(i64, MsgId), TerminalError> {
        self.check_free(draft)?;
        let mark = self.seal.mark(draft.psn_no);
        let (history, day) = (event_row(Event::Answered, State::Sent, Some("BEGUN")), now.date().to_string());
        // The number is not known before it is drawn, so what is sealed is bound to the bill.
        let sealed = self.seal.seal(draft.bill_id.as_str(), draft.psn_no)?;
        let mut sale = 0;
        let msgid = self.numbered(numbering, Infno::SETTLE, now, |connection, msgid| {
            connection.execute(
                "INSERT INTO sale (state, bill_id, settle_msgid, psn_no, psn_mark, insutype, region, day, total, history)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
                params![
                    State::Sent.as_str(),
                    draft.bill_id.as_str(),
                    msgid,
                    sealed,
                    mark,
                    draft.insutype,
                    draft.region,
                    day,
                    draft.total.get(),
                    history,
                ],
            )?;
            sale = connection.last_insert_rowid();
            Ok(Some(sale))
        })?;
        Ok((sale, msgid))
    }

    /// Nothing of this bill, and nothing open of this person.
    fn check_free(&self, draft: &SaleDraft<'_>) -> Result<(), TerminalError> {
        let mark = self.seal.mark(draft.psn_no);
        let fail = |source| self.failure(source);
        let mut statement = self
            .connection
            .prepare_cached("SELECT number FROM sale WHERE bill_id = ?1 OR psn_mark = ?2 ORDER BY number")
            .map_err(fail)?;
        let rows = statement.query_map([draft.bill_id.as_str(), &mark], |row| row.get::<_, i64>(0)).map_err(fail)?;
        for number in rows {
            let sale = self.sale(number.map_err(fail)?)?;
            let is_bill = sale.bill_id == draft.bill_id.as_str();
            if sale.state.undoes().is_some() {
                let msgid = sale.unanswered().map_or_else(String::new, |(_, msgid)| msgid.to_owned());
                return Err(NationalError::Open { bill: sale.bill_id, msgid }.into());
            }
            if is_bill && !sale.state.frees_bill() {
                let setl_id = sale.ids.map_or_else(|| sale.state.to_string(), |(setl_id, _)| setl_id);
                return Err(NationalError::BillSettled { bill: sale.bill_id, setl_id }.into());
            }
        }
        Ok(())
    }

    /// The number of a 2103, and that it may have left, in one durable write.
    ///
    /// # Errors
    /// [`StoreError::Moved`] unless the sale is settled; [`StoreError`].
    pub fn begin_cancel(&mut self, sale: &StoredSale, numbering: &Numbering, now: Now) -> Result<MsgId, StoreError> {
        let (number, history) = (sale.number, event_row(Event::Cancelling, State::Cancelling, None));
        let mut moved = 0;
        let msgid = self.numbered(numbering, Infno::CANCEL, now, |connection, msgid| {
            moved = connection.execute(
                "UPDATE sale SET state = ?1, cancel_msgid = ?2, history = history || ',' || ?3 WHERE number = ?4 AND state = ?5",
                params![State::Cancelling.as_str(), msgid, history, number, State::Settled.as_str()],
            )?;
            Ok(Some(number))
        })?;
        if moved == 1 { Ok(msgid) } else { Err(moved_away(number, State::Settled)) }
    }

    fn numbered(
        &mut self,
        numbering: &Numbering,
        infno: Infno,
        now: Now,
        beside: impl FnOnce(&Connection, &str) -> rusqlite::Result<Option<i64>>,
    ) -> Result<MsgId, StoreError> {
        let written_at = now.utc();
        let found = write(&mut self.connection, &self.place, |connection| {
            let Some(msgid) = free(connection, numbering, now)? else { return Ok(None) };
            let sale = beside(connection, msgid.as_str())?;
            connection.execute(
                "INSERT INTO message (msgid, infno, written_at, sale) VALUES (?1, ?2, ?3, ?4)",
                params![msgid.as_str(), infno.0, written_at, sale],
            )?;
            Ok(Some(msgid))
        })?;
        found.ok_or_else(|| self.corrupt("the sequences of an hour are used up"))
    }

    /// What became of a message.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn answered(&mut self, msgid: &MsgId, outcome: &str) -> Result<(), StoreError> {
        write(&mut self.connection, &self.place, |connection| {
            connection.execute("UPDATE message SET outcome = ?2 WHERE msgid = ?1", [msgid.as_str(), outcome])?;
            Ok(())
        })
    }

    /// Keeps the centre's own number of an answer. `false`: it is the number of an answer to another message.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn answer_is_new(&mut self, msgid: &MsgId, inf_refmsgid: &str) -> Result<bool, StoreError> {
        write(&mut self.connection, &self.place, |connection| {
            connection.execute(
                "INSERT INTO answer (inf_refmsgid, msgid) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
                [inf_refmsgid, msgid.as_str()],
            )?;
            let of = "SELECT msgid = ?2 FROM answer WHERE inf_refmsgid = ?1";
            connection.query_row(of, [inf_refmsgid, msgid.as_str()], |row| row.get(0))
        })
    }

    /// 结算ID of every settlement and every cancellation that the centre named.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn known_settlements(&self) -> Result<BTreeSet<String>, StoreError> {
        let fail = |source| self.failure(source);
        let query = "SELECT setl_id FROM sale WHERE setl_id IS NOT NULL
             UNION SELECT refund_id FROM sale WHERE refund_id IS NOT NULL";
        let mut statement = self.connection.prepare_cached(query).map_err(fail)?;
        let rows = statement.query_map([], |row| row.get(0)).map_err(fail)?;
        rows.map(|row| row.map_err(fail)).collect()
    }

    /// Moves a settlement, with its event and the reason that a person gave.
    ///
    /// # Errors
    /// [`StoreError::Moved`] when the table of states has no such move or somebody moved it before.
    pub fn move_sale(&mut self, sale: &StoredSale, event: Event, reason: Option<&str>) -> Result<State, StoreError> {
        let to = sale.state.after(event).ok_or_else(|| moved_away(sale.number, sale.state))?;
        let history = event_row(event, to, reason);
        let moved = write(&mut self.connection, &self.place, |connection| {
            connection.execute(
                "UPDATE sale SET state = ?1, history = history || ',' || ?2 WHERE number = ?3 AND state = ?4",
                params![to.as_str(), history, sale.number, sale.state.as_str()],
            )
        })?;
        if moved == 1 { Ok(to) } else { Err(moved_away(sale.number, sale.state)) }
    }

    /// The centre settled it, or cancelled it: what it said is kept with the move.
    ///
    /// # Errors
    /// [`StoreError::Moved`] when it is neither sent nor being cancelled.
    pub fn settled(&mut self, sale: &StoredSale, said: &Settled) -> Result<State, TerminalError> {
        self.stands(sale, Event::Answered, said, None)
    }

    /// A person judged that the centre settled it, or cancelled it: what it is named by there is kept with the move.
    ///
    /// # Errors
    /// [`StoreError::Moved`] when its outcome is not unknown.
    pub fn judged_done(&mut self, sale: &StoredSale, said: &Settled, reason: &str) -> Result<State, TerminalError> {
        self.stands(sale, Event::JudgedDone, said, Some(reason))
    }

    fn stands(
        &mut self,
        sale: &StoredSale,
        event: Event,
        said: &Settled,
        reason: Option<&str>,
    ) -> Result<State, TerminalError> {
        let to = sale.state.after(event).ok_or_else(|| moved_away(sale.number, sale.state))?;
        let (history, number, from) = (event_row(event, to, reason), sale.number, sale.state.as_str());
        let day = said.day.to_string();
        let seal = |paper: &String| self.seal.seal(&paper_of(number, to), paper);
        let paper = said.paper.as_ref().map(seal).transpose()?;
        let moved = write(&mut self.connection, &self.place, |connection| {
            if let Some(paper) = &paper {
                connection.execute(
                    "INSERT OR REPLACE INTO paper (sale, state, kept) VALUES (?1, ?2, ?3)",
                    params![number, to.as_str(), paper],
                )?;
            }
            if to == State::Cancelled {
                return connection.execute(
                    "UPDATE sale SET state = ?1, history = history || ',' || ?2, refund_id = ?3, refund_day = ?4
                     WHERE number = ?5 AND state = ?6",
                    params![to.as_str(), history, said.setl_id, day, number, from],
                );
            }
            let [funds, account, cash] = said.paid.map(Fen::get);
            connection.execute(
                "UPDATE sale SET state = ?1, history = history || ',' || ?2, setl_id = ?3, mdtrt_id = ?4, day = ?5,
                     funds = ?6, account = ?7, cash = ?8, clr_optins = ?9, clr_type = ?10
                 WHERE number = ?11 AND state = ?12",
                params![
                    to.as_str(),
                    history,
                    said.setl_id,
                    said.mdtrt_id,
                    day,
                    funds,
                    account,
                    cash,
                    said.clearing.0,
                    said.clearing.1,
                    number,
                    from,
                ],
            )
        })?;
        if moved == 1 { Ok(to) } else { Err(moved_away(number, sale.state).into()) }
    }

    /// What the paper of a settlement, or of its cancellation, shows beside; `None` of what was settled by a person's word.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn paper(&self, sale: &StoredSale) -> Result<Option<String>, StoreError> {
        let query = "SELECT kept FROM paper WHERE sale = ?1 AND state = ?2";
        let key = params![sale.number, sale.state.as_str()];
        let sealed: Option<Vec<u8>> = self
            .connection
            .query_row(query, key, |row| row.get(0))
            .optional()
            .map_err(|source| self.failure(source))?;
        let open = |sealed: Vec<u8>| {
            self.seal.open(&paper_of(sale.number, sale.state), &sealed).ok_or_else(|| broken(&self.place))
        };
        sealed.map(open).transpose()
    }

    /// One settlement.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn sale(&self, number: i64) -> Result<StoredSale, StoreError> {
        let found = self.select("WHERE number = ?1", &[&number])?.pop();
        found.ok_or_else(|| self.corrupt("a settlement is not there"))
    }

    /// Every settlement, in the order of their numbers.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn sales(&self) -> Result<Vec<StoredSale>, StoreError> {
        self.select("ORDER BY number", &[])
    }

    /// The newest settlement of a bill.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn sale_of_bill(&self, bill: &str) -> Result<Option<StoredSale>, StoreError> {
        Ok(self.select("WHERE bill_id = ?1 ORDER BY number", &[&bill])?.pop())
    }

    /// Counts one more reprint of the paper of a settlement.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn count_reprint(&mut self, sale: &StoredSale) -> Result<u32, StoreError> {
        write(&mut self.connection, &self.place, |connection| {
            connection.query_row(
                "INSERT INTO reprint (sale, count) VALUES (?1, 1) ON CONFLICT (sale) DO UPDATE SET count = count + 1
                 RETURNING count",
                [sale.number],
                |row| row.get(0),
            )
        })
    }

    /// Days with settlements that were not yet found even with the centre, up to `until`.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn days_to_compare(&self, until: BusinessDate) -> Result<Vec<BusinessDate>, StoreError> {
        let fail = |source| self.failure(source);
        let query = "SELECT day FROM sale UNION SELECT refund_day FROM sale WHERE refund_day IS NOT NULL
             EXCEPT SELECT day FROM compared WHERE even = 1 ORDER BY 1";
        let mut statement = self.connection.prepare_cached(query).map_err(fail)?;
        let rows = statement.query_map([], |row| row.get::<_, String>(0)).map_err(fail)?;
        let mut days = Vec::new();
        for row in rows {
            let day = BusinessDate::parse(&row.map_err(fail)?).map_err(|_| self.corrupt("a day"))?;
            if day <= until {
                days.push(day);
            }
        }
        Ok(days)
    }

    /// Notes whether a day was even.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn compared(&mut self, day: BusinessDate, even: bool) -> Result<(), StoreError> {
        write(&mut self.connection, &self.place, |connection| {
            connection.execute(
                "INSERT OR REPLACE INTO compared (day, at, even) VALUES (?1, ?2, ?3)",
                params![day.to_string(), Now::of_system().utc(), even],
            )?;
            Ok(())
        })
    }

    fn select(&self, rest: &str, values: &[&dyn rusqlite::ToSql]) -> Result<Vec<StoredSale>, StoreError> {
        let fail = |source| self.failure(source);
        let mut statement =
            self.connection.prepare_cached(&format!("SELECT {COLUMNS} FROM sale {rest}")).map_err(fail)?;
        let rows = statement.query_map(values, |row| self.read(row)).map_err(fail)?;
        rows.map(|row| row.map_err(fail)?.ok_or_else(|| broken(&self.place))).collect()
    }

    /// `Ok(None)`: a value of a wrong form, or a seal that does not open.
    fn read(&self, row: &Row<'_>) -> rusqlite::Result<Option<StoredSale>> {
        let text = |column: &str| row.get::<_, Option<String>>(column);
        let day = |text: Option<String>| text.and_then(|text| BusinessDate::parse(&text).ok());
        let fen = |column: &str| row.get::<_, Option<i64>>(column).map(|fen| fen.map(Fen::new));
        let (bill_id, settle_msgid): (String, String) = (row.get("bill_id")?, row.get("settle_msgid")?);
        let sealed: Vec<u8> = row.get("psn_no")?;
        let state: String = row.get("state")?;
        let history: String = row.get("history")?;
        let parts = (State::parse(&state), self.seal.open(&bill_id, &sealed), day(text("day")?), events(&history));
        let (Some(state), Some(psn_no), Some(of_day), Some(history)) = parts else { return Ok(None) };
        Ok(Some(StoredSale {
            number: row.get("number")?,
            state,
            bill_id,
            settle_msgid,
            cancel_msgid: text("cancel_msgid")?,
            psn_no,
            insutype: row.get("insutype")?,
            region: text("region")?,
            day: of_day,
            total: Fen::new(row.get("total")?),
            ids: text("setl_id")?.zip(text("mdtrt_id")?),
            paid: match (fen("funds")?, fen("account")?, fen("cash")?) {
                (Some(funds), Some(account), Some(cash)) => Some([funds, account, cash]),
                _ => None,
            },
            clearing: (text("clr_optins")?, text("clr_type")?),
            refund: text("refund_id")?.zip(day(text("refund_day")?)),
            history,
        }))
    }

    fn failure(&self, source: rusqlite::Error) -> StoreError {
        failure(&self.place, source)
    }

    fn corrupt(&self, reason: &str) -> StoreError {
        StoreError::Corrupt { place: self.place.clone(), reason: reason.to_owned() }
    }
}

/// What a paper is sealed for. No bill has a colon.
fn paper_of(number: i64, state: State) -> String {
    format!("paper:{number}:{}", state.as_str())
}

fn moved_away(number: i64, expected: State) -> StoreError {
    StoreError::Moved { id: number.to_string(), expected: expected.as_str() }
}

/// One event as a JSON array.
fn event_row(event: Event, to: State, reason: Option<&str>) -> String {
    let event = format!("{event:?}");
    let what = reason.map_or_else(|| event.clone(), |reason| format!("{event}: {reason}"));
    serde_json::json!([Now::of_system().utc(), what, to.as_str()]).to_string()
}

fn events(history: &str) -> Option<Vec<(String, String, String)>> {
    serde_json::from_str(&format!("[{history}]")).ok()
}
