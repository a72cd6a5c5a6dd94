//! The tables of the terminal's database, and how it is opened.
//!
//! Source: SQLite: WAL with `synchronous=FULL` makes a committed transaction survive loss of power.
//! Owns: schema version 17, and bringing older ones to it. Never: reads or writes a row otherwise.

use rusqlite::Connection;

/// Version of the tables; a newer one is refused, never guessed at.
pub(super) const VERSION: i64 = 17;

/// How long another program may hold the file before we say so.
pub(super) const BUSY_WITHIN: std::time::Duration = std::time::Duration::from_secs(5);

/// Bytes of a page of the file: two or three entries.
const PAGE_BYTES: i64 = 2048;

/// Statements kept ready: a purchase uses about a dozen.
const STATEMENTS_KEPT: usize = 32;

const TABLES: &str = "
CREATE TABLE fact (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;

CREATE TABLE entry (
    number            INTEGER PRIMARY KEY CHECK (number > 0),
    state             TEXT NOT NULL,
    kind              TEXT NOT NULL CHECK (kind IN ('purchase', 'load')),
    terminal          TEXT NOT NULL,
    card_identifier   TEXT NOT NULL,
    card_factor       TEXT NOT NULL,
    business_date     TEXT NOT NULL,
    personal_account  INTEGER NOT NULL,
    self_paid         INTEGER NOT NULL,
    pooled_fund       INTEGER NOT NULL,
    bill_id           TEXT,
    bill_hash         TEXT,
    load_id           TEXT,
    paper             TEXT NOT NULL,
    balance_before    INTEGER,
    card_sequence     INTEGER,
    terminal_sequence INTEGER,
    date_time         TEXT,
    random            TEXT,
    key_version       INTEGER,
    algorithm         INTEGER,
    mac               TEXT,
    balance_after     INTEGER,
    evidence          TEXT,
    tac               TEXT,
    record            INTEGER,
    reason            TEXT,
    reprints          INTEGER NOT NULL DEFAULT 0,
    history           TEXT NOT NULL
) STRICT;
CREATE INDEX entry_of_card ON entry (card_identifier);
CREATE UNIQUE INDEX entry_of_load ON entry (load_id) WHERE load_id IS NOT NULL;
CREATE UNIQUE INDEX entry_of_record ON entry (record) WHERE record IS NOT NULL;

CREATE TABLE letter (
    request_id  TEXT PRIMARY KEY,
    path        TEXT NOT NULL,
    body        TEXT NOT NULL,
    written_at  TEXT NOT NULL,
    entry       INTEGER REFERENCES entry (number),
    answered_at TEXT,
    outcome     TEXT
) STRICT;

CREATE TABLE batch (
    sequence     INTEGER PRIMARY KEY CHECK (sequence > 0),
    first_record INTEGER NOT NULL,
    last_record  INTEGER NOT NULL,
    hash         TEXT NOT NULL,
    request_id   TEXT NOT NULL REFERENCES letter (request_id),
    accepted     INTEGER,
    refused      TEXT
) STRICT;

CREATE TABLE sign_in (
    one                     INTEGER PRIMARY KEY CHECK (one = 1),
    at                      TEXT NOT NULL,
    business_date           TEXT NOT NULL,
    institution_code        TEXT NOT NULL,
    institution_name        TEXT NOT NULL,
    purchase_max_fen        INTEGER NOT NULL,
    card_day_max_fen        INTEGER NOT NULL,
    pending_records_max     INTEGER NOT NULL,
    pending_max_fen         INTEGER NOT NULL,
    blacklist_age_max_hours INTEGER NOT NULL,
    blacklist_sequence      INTEGER NOT NULL
) STRICT;

CREATE TABLE blacklisted (card_identifier TEXT PRIMARY KEY) STRICT;
";

/// The list as its centre signed it: its age counts from there, wherever the file has been since.
const BLACKLIST: &str = "
CREATE TABLE blacklist (
    one         INTEGER PRIMARY KEY CHECK (one = 1),
    sequence    INTEGER NOT NULL,
    issued_at   TEXT NOT NULL,
    valid_until TEXT NOT NULL
) STRICT;
";

/// An entry's events stand in its own row, so that a move writes one page: `history` is a list of JSON arrays. It only
/// grows, no state changes without it, and `event` shows it as rows.
const HISTORY: &str = "
CREATE VIEW event AS
SELECT entry.number AS entry, each.key + 1 AS step, each.value ->> 0 AS at, each.value ->> 1 AS event,
    each.value ->> 2 AS from_state, each.value ->> 3 AS to_state, each.value ->> 4 AS actor, each.value ->> 5 AS reason
FROM entry, json_each('[' || entry.history || ']') AS each;
CREATE TRIGGER history_only_grows BEFORE UPDATE OF history ON entry
WHEN substr(NEW.history, 1, length(OLD.history)) <> OLD.history
BEGIN SELECT RAISE(ABORT, 'events are append-only'); END;
CREATE TRIGGER state_has_its_event BEFORE UPDATE OF state ON entry
WHEN length(NEW.history) <= length(OLD.history)
BEGIN SELECT RAISE(ABORT, 'a state changes with an event'); END;
CREATE TRIGGER entry_is_not_removed BEFORE DELETE ON entry BEGIN SELECT RAISE(ABORT, 'entries are kept'); END;
";

/// What goes back, as it was agreed at the counter. Each try to bring it onto the card is an entry of kind `load` that names
/// its refund; how a refund stands is read off its tries.
const REFUND: &str = "
CREATE TABLE refund (
    number           INTEGER PRIMARY KEY CHECK (number > 0),
    original         INTEGER NOT NULL REFERENCES entry (number),
    act              TEXT NOT NULL CHECK (act IN ('refund', 'cancel')),
    personal_account INTEGER NOT NULL CHECK (personal_account >= 0),
    self_paid        INTEGER NOT NULL CHECK (self_paid >= 0),
    pooled_fund      INTEGER NOT NULL CHECK (pooled_fund >= 0),
    reason           TEXT NOT NULL,
    opened_at        TEXT NOT NULL,
    withdrawn_at     TEXT,
    withdrawn_why    TEXT,
    CHECK (personal_account + self_paid + pooled_fund > 0),
    CHECK ((withdrawn_at IS NULL) = (withdrawn_why IS NULL))
) STRICT;
CREATE INDEX refund_of_original ON refund (original);
CREATE TRIGGER refund_is_withdrawn_once BEFORE UPDATE ON refund
WHEN OLD.withdrawn_at IS NOT NULL OR NEW.number <> OLD.number OR NEW.original <> OLD.original OR NEW.act <> OLD.act
    OR NEW.personal_account <> OLD.personal_account OR NEW.self_paid <> OLD.self_paid
    OR NEW.pooled_fund <> OLD.pooled_fund
BEGIN SELECT RAISE(ABORT, 'a refund is only withdrawn, once'); END;
CREATE TRIGGER refund_is_not_removed BEFORE DELETE ON refund BEGIN SELECT RAISE(ABORT, 'refunds are kept'); END;
ALTER TABLE entry ADD COLUMN refund INTEGER REFERENCES refund (number);
ALTER TABLE entry ADD COLUMN refund_act TEXT;
ALTER TABLE entry ADD COLUMN original_sequence INTEGER;
CREATE INDEX entry_of_refund ON entry (refund) WHERE refund IS NOT NULL;
CREATE UNIQUE INDEX entry_of_refund_once ON entry (refund) WHERE refund IS NOT NULL
    AND state IN ('PREPARED', 'SENT', 'UNCERTAIN', 'CONFIRMED');
";

/// Limits that nobody had signed are not sold by: they are asked for at the next sign-in.
const PARAMETERS: &str = "
DELETE FROM sign_in;
ALTER TABLE sign_in ADD COLUMN card_day_count_max INTEGER NOT NULL DEFAULT 0;
ALTER TABLE sign_in ADD COLUMN parameters INTEGER NOT NULL DEFAULT 0;
ALTER TABLE sign_in ADD COLUMN issued_at TEXT NOT NULL DEFAULT '';
ALTER TABLE sign_in ADD COLUMN valid_until TEXT NOT NULL DEFAULT '';
";

/// Sales that the centre is asked about before the card is debited, and when it is.
const ONLINE: &str = "
ALTER TABLE entry ADD COLUMN sale_id TEXT;
CREATE UNIQUE INDEX entry_of_sale ON entry (sale_id) WHERE sale_id IS NOT NULL;
ALTER TABLE sign_in ADD COLUMN online TEXT NOT NULL DEFAULT 'offline-only';
";

/// The limits as the centre signed them: they are read from there, and asked for at the next sign-in where they were not kept.
const LETTER: &str = "
DELETE FROM sign_in;
ALTER TABLE sign_in ADD COLUMN letter TEXT NOT NULL DEFAULT '';
";

/// What a person said of an entry, and what its card showed of that later. Of older journals what no signed batch holds yet: a
/// record stays as it was signed.
const JUDGEMENT: &str = "
ALTER TABLE entry ADD COLUMN judged TEXT CHECK (judged IN ('done', 'not-done'));
ALTER TABLE entry ADD COLUMN judged_by TEXT;
ALTER TABLE entry ADD COLUMN judged_why TEXT;
ALTER TABLE entry ADD COLUMN shown TEXT CHECK (shown IN ('AGREES', 'SILENT', 'CONTRADICTS'));
UPDATE entry SET judged = CASE said.event WHEN 'JudgedDone' THEN 'done' ELSE 'not-done' END,
    judged_by = substr(said.reason, 1, instr(said.reason, ': ') - 1), judged_why = substr(said.reason, instr(said.reason, ': ') + 2)
FROM event AS said
WHERE said.entry = entry.number AND said.event IN ('JudgedDone', 'JudgedNotDone') AND instr(said.reason, ': ') > 1
    AND coalesce(entry.record, 9223372036854775807) > (SELECT coalesce(max(last_record), 0) FROM batch);
CREATE INDEX entry_judged ON entry (number) WHERE judged IS NOT NULL AND shown IS NULL;
";

/// Drug catalogues that the centre published: what it signed, and the text.
const CATALOGUE: &str = "
CREATE TABLE catalogue (sequence INTEGER PRIMARY KEY CHECK (sequence > 0), letter TEXT NOT NULL, text TEXT NOT NULL) STRICT;
";

/// Refunds of what another till sold: by the name of the purchase and what the centre told of it. The rows are written anew, as SQLite takes
/// no condition from a column; tries point to them by their numbers, which stay. The centre's signed consent stands with its letter.
const ELSEWHERE: &str = "
PRAGMA defer_foreign_keys = ON;
CREATE TEMP TABLE refund_before AS SELECT * FROM main.refund;
DROP TABLE main.refund;
CREATE TABLE refund (
    number            INTEGER PRIMARY KEY CHECK (number > 0),
    original          INTEGER REFERENCES entry (number),
    act               TEXT NOT NULL CHECK (act IN ('refund', 'cancel')),
    personal_account  INTEGER NOT NULL CHECK (personal_account >= 0),
    self_paid         INTEGER NOT NULL CHECK (self_paid >= 0),
    pooled_fund       INTEGER NOT NULL CHECK (pooled_fund >= 0),
    reason            TEXT NOT NULL,
    opened_at         TEXT NOT NULL,
    withdrawn_at      TEXT,
    withdrawn_why     TEXT,
    original_terminal TEXT,
    original_sequence INTEGER,
    card_identifier   TEXT,
    paid_account      INTEGER,
    paid_cash         INTEGER,
    paid_pool         INTEGER,
    CHECK (personal_account + self_paid + pooled_fund > 0),
    CHECK ((withdrawn_at IS NULL) = (withdrawn_why IS NULL)),
    CHECK ((original IS NULL) = (original_terminal IS NOT NULL AND original_sequence IS NOT NULL AND card_identifier IS NOT NULL
        AND paid_account IS NOT NULL AND paid_cash IS NOT NULL AND paid_pool IS NOT NULL))
) STRICT;
INSERT INTO refund SELECT *, NULL, NULL, NULL, NULL, NULL, NULL FROM refund_before;
DROP TABLE refund_before;
CREATE INDEX refund_of_original ON refund (original);
CREATE INDEX refund_of_elsewhere ON refund (original_terminal, original_sequence) WHERE original_terminal IS NOT NULL;
CREATE TRIGGER refund_is_withdrawn_once BEFORE UPDATE ON refund
WHEN OLD.withdrawn_at IS NOT NULL OR NEW.number <> OLD.number OR NEW.original IS NOT OLD.original OR NEW.act <> OLD.act
    OR NEW.personal_account <> OLD.personal_account OR NEW.self_paid <> OLD.self_paid
    OR NEW.pooled_fund <> OLD.pooled_fund OR NEW.original_terminal IS NOT OLD.original_terminal
    OR NEW.original_sequence IS NOT OLD.original_sequence OR NEW.card_identifier IS NOT OLD.card_identifier
    OR NEW.paid_account IS NOT OLD.paid_account OR NEW.paid_cash IS NOT OLD.paid_cash OR NEW.paid_pool IS NOT OLD.paid_pool
BEGIN SELECT RAISE(ABORT, 'a refund is only withdrawn, once'); END;
CREATE TRIGGER refund_is_not_removed BEFORE DELETE ON refund BEGIN SELECT RAISE(ABORT, 'refunds are kept'); END;
ALTER TABLE entry ADD COLUMN original_terminal TEXT;
ALTER TABLE letter ADD COLUMN consent TEXT;
";

/// MAC2 of a purchase beside its TAC. What is written already has none: its record stays as it was, and shows nothing of its number.
const MAC2: &str = "ALTER TABLE entry ADD COLUMN mac2 TEXT;";

/// Which of two purchases of one terminal sequence a refund gives back: the card's number of it. What is written already names none, and its
/// record stays as it was.
const ORIGINAL: &str = "
ALTER TABLE entry ADD COLUMN original_card_sequence INTEGER;
ALTER TABLE refund ADD COLUMN original_card_sequence INTEGER;
CREATE TRIGGER refund_keeps_its_purchase BEFORE UPDATE ON refund
WHEN NEW.original_card_sequence IS NOT OLD.original_card_sequence
BEGIN SELECT RAISE(ABORT, 'a refund keeps its purchase'); END;
";

/// By which identifier each chip was first written down here: one that names itself otherwise later was rewritten. Of chips that the
/// journal knew by several before, nothing is said.
const CHIP: &str = "
CREATE TABLE chip (
    card_factor     TEXT PRIMARY KEY,
    card_identifier TEXT,
    entry           INTEGER NOT NULL REFERENCES entry (number)
) STRICT, WITHOUT ROWID;
INSERT INTO chip SELECT card_factor, CASE count(DISTINCT card_identifier) WHEN 1 THEN min(card_identifier) END, min(number)
    FROM entry GROUP BY card_factor;
CREATE TRIGGER entry_names_its_chip AFTER INSERT ON entry
BEGIN INSERT OR IGNORE INTO chip VALUES (NEW.card_factor, NEW.card_identifier, NEW.number); END;
CREATE TRIGGER chip_keeps_its_name BEFORE UPDATE ON chip BEGIN SELECT RAISE(ABORT, 'a chip keeps its name'); END;
CREATE TRIGGER chip_is_not_removed BEFORE DELETE ON chip BEGIN SELECT RAISE(ABORT, 'chips are kept'); END;
";

/// What other tills gave back of purchases made here, as the centre told of it: asked anew, so a row may go and come.
const GIVEN_ELSEWHERE: &str = "
CREATE TABLE given_elsewhere (
    load_id           TEXT PRIMARY KEY,
    terminal          TEXT NOT NULL,
    terminal_sequence INTEGER NOT NULL,
    card_sequence     INTEGER,
    card_identifier   TEXT NOT NULL,
    act               TEXT NOT NULL CHECK (act IN ('refund', 'cancel')),
    personal_account  INTEGER NOT NULL CHECK (personal_account >= 0),
    self_paid         INTEGER NOT NULL CHECK (self_paid >= 0),
    pooled_fund       INTEGER NOT NULL CHECK (pooled_fund >= 0),
    credited          INTEGER NOT NULL CHECK (credited IN (0, 1))
) STRICT;
CREATE INDEX given_of_purchase ON given_elsewhere (card_identifier, terminal_sequence);
";

/// Of refunds elsewhere that the centre told of and has no more: since when, and that a person dropped it.
const LOST_ELSEWHERE: &str = "
ALTER TABLE given_elsewhere ADD COLUMN lost_at TEXT;
ALTER TABLE given_elsewhere ADD COLUMN dropped_at TEXT;
ALTER TABLE given_elsewhere ADD COLUMN dropped_why TEXT CHECK ((dropped_at IS NULL) = (dropped_why IS NULL));
";

/// Who dropped it; not known of what version 16 dropped.
const DROPPED_BY: &str =
    "ALTER TABLE given_elsewhere ADD COLUMN dropped_by TEXT CHECK (dropped_by IS NULL OR dropped_at IS NOT NULL);";

/// Version 1 kept events in a table of their own.
const FROM_1: &str = "
DROP TRIGGER event_is_not_changed;
DROP TRIGGER event_is_not_removed;
DROP TRIGGER entry_is_not_removed;
ALTER TABLE entry ADD COLUMN history TEXT NOT NULL DEFAULT '';
UPDATE entry SET history = (
    SELECT group_concat(json_array(at, event, from_state, to_state, actor, reason) ORDER BY number)
    FROM event WHERE event.entry = entry.number
);
DROP TABLE event;
";

/// Version 2 kept the tries of the certificate application's PINs; they are in the book of tries with all others now.
const FROM_2: &str = "DROP TABLE tries;";

/// Versions before 4 kept lists that nobody had signed: they are fetched anew.
const FROM_3: &str = "DROP TABLE blacklist; DELETE FROM blacklisted;";

/// What brings each version, from 1 on, to the next one.
const STEPS: [&[&str]; 16] = [
    &[FROM_1, HISTORY],
    &[FROM_2],
    &[FROM_3, BLACKLIST],
    &[REFUND],
    &[PARAMETERS],
    &[ONLINE],
    &[LETTER],
    &[JUDGEMENT],
    &[CATALOGUE],
    &[ELSEWHERE],
    &[MAC2],
    &[ORIGINAL],
    &[CHIP],
    &[GIVEN_ELSEWHERE],
    &[LOST_ELSEWHERE],
    &[DROPPED_BY],
];

/// Settings of every connection.
pub(super) fn configure(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(BUSY_WITHIN)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS_KEPT);
    // Of a new file only: a move writes one or two pages, and what is written is what is waited for.
    connection.pragma_update(None, "page_size", PAGE_BYTES)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    // A damaged page is noticed when it is read.
    connection.pragma_update(None, "cell_size_check", true)
}

/// Makes the tables of an empty database and brings older ones to this version, all or nothing; `Ok(Some(version))` when
/// the file has another version.
pub(super) fn create(connection: &mut Connection) -> rusqlite::Result<Option<i64>> {
    let transaction = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    let version: i64 = transaction.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let steps = match version {
        0 => {
            [TABLES, HISTORY, BLACKLIST].iter().try_for_each(|batch| transaction.execute_batch(batch))?;
            STEPS.get(3..)
        }
        VERSION => return Ok(None),
        older => usize::try_from(older - 1).ok().and_then(|older| STEPS.get(older..)),
    };
    let Some(steps) = steps else { return Ok(Some(version)) };
    steps.iter().copied().flatten().try_for_each(|batch| transaction.execute_batch(batch))?;
    transaction.pragma_update(None, "user_version", VERSION)?;
    transaction.commit()?;
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What version 1 had instead of `history`.
    const EVENTS_OF_1: &str = "
    ALTER TABLE entry DROP COLUMN history;
    CREATE TABLE event (number INTEGER PRIMARY KEY, at TEXT NOT NULL, entry INTEGER NOT NULL REFERENCES entry (number),
        event TEXT NOT NULL, from_state TEXT, to_state TEXT NOT NULL, actor TEXT NOT NULL, reason TEXT) STRICT;
    CREATE TRIGGER event_is_not_changed BEFORE UPDATE ON event BEGIN SELECT RAISE(ABORT, 'no'); END;
    CREATE TRIGGER event_is_not_removed BEFORE DELETE ON event BEGIN SELECT RAISE(ABORT, 'no'); END;
    CREATE TRIGGER entry_is_not_removed BEFORE DELETE ON entry BEGIN SELECT RAISE(ABORT, 'no'); END;
    INSERT INTO entry (number, state, kind, terminal, card_identifier, card_factor, business_date, personal_account,
        self_paid, pooled_fund, paper) VALUES
        (1, 'SENT', 'purchase', 'T', 'C', 'F', '2026-01-05', 1, 2, 3, ''),
        (2, 'PREPARED', 'purchase', 'T', 'C', 'F', '2026-01-05', 1, 2, 3, '');
    INSERT INTO event VALUES (1, 'a', 1, 'Prepared', NULL, 'PREPARED', 'Terminal', NULL),
        (2, 'b', 2, 'Prepared', NULL, 'PREPARED', 'Terminal', NULL),
        (3, 'c', 1, 'Sending', 'PREPARED', 'SENT', 'Terminal', 'why, \"so\"');
    PRAGMA user_version = 1;";

    /// What versions 1 to 3 had besides.
    const LIST_OF_3: &str =
        "CREATE TABLE blacklist (one INTEGER PRIMARY KEY CHECK (one = 1), sequence INTEGER NOT NULL,
        fetched_at TEXT NOT NULL) STRICT;
    INSERT INTO blacklist VALUES (1, 7, '0'); INSERT INTO blacklisted VALUES ('C');";

    /// What versions 1 and 2 had besides.
    const TRIES_OF_2: &str = "CREATE TABLE tries (card_identifier TEXT NOT NULL, secret TEXT NOT NULL,
        tries_left INTEGER NOT NULL, PRIMARY KEY (card_identifier, secret)) STRICT;
    INSERT INTO tries VALUES ('C', 'CERT-PIN', 1);";

    const EVENTS: &str = "SELECT entry, step, at, event, from_state, to_state, actor, reason FROM event
        ORDER BY entry, step";

    fn rows(connection: &Connection, query: &str) -> Vec<String> {
        let mut statement = connection.prepare(query).expect("a query");
        let columns = statement.column_count();
        let row =
            |row: &rusqlite::Row<'_>| (0..columns).map(|column| row.get::<_, rusqlite::types::Value>(column)).collect();
        let rows = statement.query_map([], row).expect("rows");
        rows.map(|row: rusqlite::Result<Vec<_>>| format!("{:?}", row.expect("a row"))).collect()
    }

    fn schema(connection: &Connection) -> Vec<String> {
        rows(connection, "SELECT type, name, tbl_name FROM sqlite_schema ORDER BY name")
    }

    fn version_1() -> Connection {
        let connection = Connection::open_in_memory().expect("a database");
        connection.execute_batch(TABLES).expect("tables");
        connection.execute_batch(EVENTS_OF_1).expect("events");
        connection.execute_batch(TRIES_OF_2).expect("tries");
        connection.execute_batch(LIST_OF_3).expect("a list");
        connection
    }

    #[test]
    fn a_list_that_nobody_signed_is_not_kept() {
        let mut old = Connection::open_in_memory().expect("a database");
        for batch in [TABLES, HISTORY, LIST_OF_3, "PRAGMA user_version = 3"] {
            old.execute_batch(batch).expect("version 3");
        }
        assert_eq!(create(&mut old).expect("brought to this version"), None);
        let mut new = Connection::open_in_memory().expect("a database");
        create(&mut new).expect("made");
        assert_eq!(schema(&old), schema(&new));
        assert!(rows(&old, "SELECT sequence FROM blacklist").is_empty());
        assert!(rows(&old, "SELECT card_identifier FROM blacklisted").is_empty());
    }

    #[test]
    fn a_journal_of_version_4_becomes_one_of_this_version() {
        let mut old = Connection::open_in_memory().expect("a database");
        let signed_in = "INSERT INTO sign_in VALUES (1, '', '2026-01-05', 'P', 'P', 1, 1, 1, 1, 1, 1)";
        for batch in [TABLES, HISTORY, BLACKLIST, signed_in, "PRAGMA user_version = 4"] {
            old.execute_batch(batch).expect("version 4");
        }
        assert_eq!(create(&mut old).expect("brought to this version"), None);
        let mut new = Connection::open_in_memory().expect("a database");
        create(&mut new).expect("made");
        assert_eq!(schema(&old), schema(&new));
        assert!(rows(&old, "SELECT purchase_max_fen FROM sign_in").is_empty(), "limits that nobody signed");
    }

    #[test]
    fn refunds_of_version_10_stay_as_they_are_with_their_tries() {
        let mut old = Connection::open_in_memory().expect("a database");
        configure(&old).expect("settings");
        let of_10 = [
            TABLES,
            HISTORY,
            BLACKLIST,
            REFUND,
            PARAMETERS,
            ONLINE,
            LETTER,
            JUDGEMENT,
            CATALOGUE,
            "PRAGMA user_version = 10",
        ];
        for batch in of_10 {
            old.execute_batch(batch).expect("version 10");
        }
        let rows_of_10 = "
        INSERT INTO entry (number, state, kind, terminal, card_identifier, card_factor, business_date, personal_account,
            self_paid, pooled_fund, paper, history) VALUES
            (1, 'CONFIRMED', 'purchase', 'T', 'C', 'F', '2026-01-05', 1, 2, 3, '', '[1]');
        INSERT INTO refund VALUES (1, 1, 'refund', 1, 0, 0, 'why', 'now', NULL, NULL);
        INSERT INTO refund VALUES (2, 1, 'cancel', 1, 0, 0, 'why', 'now', 'later', 'because');
        INSERT INTO entry (number, state, kind, terminal, card_identifier, card_factor, business_date, personal_account,
            self_paid, pooled_fund, paper, history, refund) VALUES
            (2, 'CONFIRMED', 'load', 'T', 'C', 'F', '2026-01-05', 1, 0, 0, '', '[1]', 1);";
        old.execute_batch(rows_of_10).expect("rows");
        let refunds = "SELECT number, original, act, reason, withdrawn_why FROM refund ORDER BY number";
        let before = rows(&old, refunds);
        assert_eq!(create(&mut old).expect("brought to this version"), None);
        assert_eq!((rows(&old, refunds), before.len()), (before, 2));
        assert!(rows(&old, "PRAGMA foreign_key_check").is_empty());
        let mut new = Connection::open_in_memory().expect("a database");
        create(&mut new).expect("made");
        assert_eq!(schema(&old), schema(&new));
        for refused in [
            "DELETE FROM refund WHERE number = 1",
            "UPDATE refund SET original = NULL WHERE number = 1",
            "UPDATE entry SET refund = 9 WHERE number = 2",
            "INSERT INTO refund (number, act, personal_account, self_paid, pooled_fund, reason, opened_at)
             VALUES (3, 'refund', 1, 0, 0, '', '')",
        ] {
            assert!(old.execute(refused, []).is_err(), "{refused}");
        }
    }

    #[test]
    fn a_chip_known_by_one_name_in_version_13_keeps_it_and_one_of_two_names_says_nothing() {
        let mut old = Connection::open_in_memory().expect("a database");
        create(&mut old).expect("made");
        let rows_of_13 = "
        DROP TABLE given_elsewhere;
        DROP TRIGGER entry_names_its_chip;
        DROP TABLE chip;
        PRAGMA user_version = 13;
        INSERT INTO entry (number, state, kind, terminal, card_identifier, card_factor, business_date, personal_account,
            self_paid, pooled_fund, paper, history) VALUES
            (1, 'SENT', 'purchase', 'T', 'C', 'F', '2026-01-05', 1, 2, 3, '', '[1]'),
            (3, 'SENT', 'purchase', 'T', 'D', 'G', '2026-01-05', 1, 2, 3, '', '[1]'),
            (4, 'SENT', 'purchase', 'T', 'E', 'G', '2026-01-05', 1, 2, 3, '', '[1]');";
        old.execute_batch(rows_of_13).expect("two names of one chip");
        create(&mut old).expect("brought to this version");
        let chips = "SELECT card_factor, coalesce(card_identifier, '-'), entry FROM chip ORDER BY card_factor";
        let known = rows(&old, chips);
        assert_eq!(known, [r#"[Text("F"), Text("C"), Integer(1)]"#, r#"[Text("G"), Text("-"), Integer(3)]"#]);
        for refused in ["UPDATE chip SET card_identifier = 'X'", "DELETE FROM chip"] {
            assert!(old.execute(refused, []).is_err(), "{refused}");
        }
    }

    #[test]
    fn a_journal_of_version_2_becomes_one_of_this_version() {
        let mut old = Connection::open_in_memory().expect("a database");
        for batch in [TABLES, HISTORY, TRIES_OF_2, LIST_OF_3, "PRAGMA user_version = 2"] {
            old.execute_batch(batch).expect("version 2");
        }
        assert_eq!(create(&mut old).expect("brought to this version"), None);
        let mut new = Connection::open_in_memory().expect("a database");
        create(&mut new).expect("made");
        assert_eq!(schema(&old), schema(&new));
    }

    #[test]
    fn a_journal_of_version_1_keeps_every_event_in_its_order() {
        let mut old = version_1();
        let before = rows(
            &old,
            "SELECT entry, row_number() OVER (PARTITION BY entry ORDER BY number), at, event, from_state, to_state, actor,
             reason FROM event ORDER BY entry, number",
        );
        assert_eq!(create(&mut old).expect("brought to this version"), None);
        assert_eq!(rows(&old, EVENTS), before);
        assert_eq!(before.len(), 3);
        let mut new = Connection::open_in_memory().expect("a database");
        create(&mut new).expect("made");
        assert_eq!(schema(&old), schema(&new));
        assert_eq!(create(&mut old).expect("stays"), None);
    }

    #[test]
    fn a_journal_of_a_later_version_is_left_alone() {
        let mut later = Connection::open_in_memory().expect("a database");
        later.pragma_update(None, "user_version", VERSION + 1).expect("a setting");
        assert_eq!(create(&mut later).expect("read"), Some(VERSION + 1));
        assert_eq!(schema(&later), Vec::<String>::new());
    }

    #[test]
    fn events_only_grow_and_no_state_changes_without_one() {
        let mut connection = version_1();
        create(&mut connection).expect("brought to this version");
        for refused in [
            "UPDATE entry SET history = '' WHERE number = 1",
            "UPDATE entry SET history = '[9]' || substr(history, 4) WHERE number = 1",
            "UPDATE entry SET state = 'CONFIRMED' WHERE number = 1",
            "DELETE FROM entry WHERE number = 1",
        ] {
            assert!(connection.execute(refused, []).is_err(), "{refused}");
        }
        let moved = "UPDATE entry SET state = 'SENT', history = history || ',[1,2,3,4,5,6]' WHERE number = 2";
        assert_eq!(connection.execute(moved, []).expect("moved"), 1);
        assert_eq!(rows(&connection, EVENTS).len(), 4);
    }
}
