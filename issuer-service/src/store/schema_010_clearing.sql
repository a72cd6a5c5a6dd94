-- Clearing: institutions, terminals, ledger, allotments, loads, blacklist, uploads, windows.
-- Amounts are integer fen. Business dates are YYYY-MM-DD, instants UTC, byte strings upper-case hex.

CREATE TABLE institution (
    code       TEXT PRIMARY KEY,
    name       TEXT NOT NULL,
    region     TEXT NOT NULL,
    kind       TEXT NOT NULL CHECK (kind IN ('pharmacy', 'hospital')),
    created_at TEXT NOT NULL
);

CREATE TABLE terminal (
    number                  TEXT PRIMARY KEY CHECK (length(number) = 12),
    institution             TEXT NOT NULL REFERENCES institution (code),
    public_key              TEXT NOT NULL CHECK (length(public_key) = 64),
    state                   TEXT NOT NULL CHECK (state IN ('active', 'stopped')),
    purchase_max_fen        BIGINT NOT NULL CHECK (purchase_max_fen > 0),
    card_day_max_fen        BIGINT NOT NULL CHECK (card_day_max_fen > 0),
    pending_records_max     BIGINT NOT NULL CHECK (pending_records_max > 0),
    pending_max_fen         BIGINT NOT NULL CHECK (pending_max_fen > 0),
    blacklist_age_max_hours BIGINT NOT NULL CHECK (blacklist_age_max_hours > 0),
    next_batch              BIGINT NOT NULL,
    next_record             BIGINT NOT NULL,
    previous_hash           TEXT NOT NULL,
    created_at              TEXT NOT NULL
);

CREATE TABLE clearing_window (
    business_date TEXT PRIMARY KEY CHECK (length(business_date) = 10),
    state         TEXT NOT NULL CHECK (state IN ('OPEN', 'CLOSING', 'CLOSED')),
    opened_at     TEXT NOT NULL,
    closing_by    TEXT,
    closing_at    TEXT,
    barrier       BIGINT,
    closed_by     TEXT,
    closed_at     TEXT,
    hash          TEXT
);
CREATE TRIGGER clearing_window_moves_forward BEFORE UPDATE OF state ON clearing_window
WHEN NOT (OLD.state = 'OPEN' AND NEW.state = 'CLOSING' OR OLD.state = 'CLOSING' AND NEW.state = 'CLOSED')
BEGIN SELECT RAISE(ABORT, 'a clearing window moves only OPEN, CLOSING, CLOSED'); END;

-- What a person has said about a difference of a window.
CREATE TABLE window_difference (
    business_date TEXT NOT NULL REFERENCES clearing_window (business_date),
    code          TEXT NOT NULL,
    reference     TEXT NOT NULL,
    amount_fen    BIGINT NOT NULL,
    reason        TEXT NOT NULL CHECK (length(reason) > 0),
    operator      TEXT NOT NULL,
    explained_at  TEXT NOT NULL,
    PRIMARY KEY (business_date, code, reference)
);

-- The ledger. Entries come first (their foreign key waits for the commit), the posting last: its trigger sums them.
CREATE TABLE posting (
    id          BIGINT PRIMARY KEY,
    reference   TEXT NOT NULL UNIQUE,
    kind        TEXT NOT NULL,
    window_date TEXT NOT NULL REFERENCES clearing_window (business_date),
    created_at  TEXT NOT NULL
);
CREATE INDEX posting_window ON posting (window_date);
CREATE TABLE entry (
    posting    BIGINT NOT NULL REFERENCES posting (id) DEFERRABLE INITIALLY DEFERRED,
    line       BIGINT NOT NULL,
    account    TEXT NOT NULL,
    amount_fen BIGINT NOT NULL CHECK (amount_fen <> 0 AND typeof(amount_fen) = 'integer'),
    PRIMARY KEY (posting, line)
);
CREATE INDEX entry_account ON entry (account, posting);

CREATE TRIGGER posting_sums_to_zero BEFORE INSERT ON posting
WHEN (SELECT count(*) < 2 OR sum(amount_fen) <> 0 FROM entry WHERE posting = NEW.id)
BEGIN SELECT RAISE(ABORT, 'a posting needs two entries that sum to zero'); END;
CREATE TRIGGER posting_window_is_open BEFORE INSERT ON posting
WHEN (SELECT state FROM clearing_window WHERE business_date = NEW.window_date) IS NOT 'OPEN'
BEGIN SELECT RAISE(ABORT, 'the clearing window takes no postings'); END;
CREATE TRIGGER entry_not_after_posting BEFORE INSERT ON entry
WHEN EXISTS (SELECT 1 FROM posting WHERE id = NEW.posting)
BEGIN SELECT RAISE(ABORT, 'the posting is complete'); END;
CREATE TRIGGER posting_is_final BEFORE UPDATE ON posting BEGIN SELECT RAISE(ABORT, 'postings are final'); END;
CREATE TRIGGER posting_stays BEFORE DELETE ON posting BEGIN SELECT RAISE(ABORT, 'postings are final'); END;
CREATE TRIGGER entry_is_final BEFORE UPDATE ON entry BEGIN SELECT RAISE(ABORT, 'entries are final'); END;
CREATE TRIGGER entry_stays BEFORE DELETE ON entry BEGIN SELECT RAISE(ABORT, 'entries are final'); END;

-- Money is created by two people: one asks, another approves.
CREATE TABLE allotment (
    request    BIGINT NOT NULL,
    line       BIGINT NOT NULL,
    holder     BIGINT NOT NULL,
    card       TEXT NOT NULL,
    amount_fen BIGINT NOT NULL CHECK (amount_fen > 0),
    PRIMARY KEY (request, line)
);
CREATE TABLE allotment_request (
    id         BIGINT PRIMARY KEY,
    state      TEXT NOT NULL CHECK (state IN ('REQUESTED', 'APPROVED', 'REJECTED')),
    maker      TEXT NOT NULL,
    made_at    TEXT NOT NULL,
    checker    TEXT CHECK (checker IS NULL OR checker <> maker),
    checked_at TEXT
);
CREATE TRIGGER allotment_request_moves_once BEFORE UPDATE OF state ON allotment_request WHEN OLD.state <> 'REQUESTED'
BEGIN SELECT RAISE(ABORT, 'an allotment request is decided once'); END;

CREATE TABLE load (
    load_id       TEXT PRIMARY KEY CHECK (length(load_id) = 32),
    terminal      TEXT NOT NULL REFERENCES terminal (number),
    card          TEXT NOT NULL,
    holder        BIGINT NOT NULL,
    factor        TEXT NOT NULL,
    amount_fen    BIGINT NOT NULL CHECK (amount_fen > 0),
    balance_fen   BIGINT NOT NULL,
    card_sequence BIGINT NOT NULL,
    random        TEXT NOT NULL,
    key_version   BIGINT NOT NULL,
    body_hash     TEXT NOT NULL,
    date_time     TEXT NOT NULL,
    mac2          TEXT NOT NULL,
    state         TEXT NOT NULL CHECK (state IN ('PREPARED', 'CREDITED', 'NOT_CREDITED')),
    tac           TEXT,
    evidence      TEXT,
    prepared_at   TEXT NOT NULL,
    settled_at    TEXT,
    settled_on    TEXT REFERENCES clearing_window (business_date)
);
CREATE UNIQUE INDEX load_one_open_of_a_card ON load (card) WHERE state = 'PREPARED';
CREATE INDEX load_settled ON load (settled_on);
CREATE TRIGGER load_moves_once BEFORE UPDATE OF state ON load WHEN OLD.state <> 'PREPARED'
BEGIN SELECT RAISE(ABORT, 'the outcome of a load is final'); END;

CREATE TABLE blacklist (
    sequence     BIGINT PRIMARY KEY,
    card         TEXT NOT NULL,
    act          TEXT NOT NULL CHECK (act IN ('add', 'remove')),
    reason       TEXT NOT NULL,
    operator     TEXT NOT NULL,
    effective_at TEXT NOT NULL
);
CREATE INDEX blacklist_card ON blacklist (card, sequence);

-- Every request of a terminal as it was signed, with its answer: the same id answers the same, another body is refused.
CREATE TABLE terminal_request (
    request_id  TEXT PRIMARY KEY CHECK (length(request_id) = 32),
    terminal    TEXT NOT NULL REFERENCES terminal (number),
    path        TEXT NOT NULL,
    body_hash   TEXT NOT NULL,
    body        TEXT NOT NULL,
    signature   TEXT NOT NULL,
    answer      TEXT NOT NULL,
    received_at TEXT NOT NULL
);

CREATE TABLE upload (
    terminal     TEXT NOT NULL REFERENCES terminal (number),
    batch        BIGINT NOT NULL,
    request_id   TEXT NOT NULL,
    window_date  TEXT NOT NULL REFERENCES clearing_window (business_date),
    hash         TEXT NOT NULL,
    first_record BIGINT NOT NULL,
    last_record  BIGINT NOT NULL,
    received_at  TEXT NOT NULL,
    PRIMARY KEY (terminal, batch)
);

-- Every record that came: what it says, and what became of it.
CREATE TABLE upload_row (
    terminal          TEXT NOT NULL,
    record            BIGINT NOT NULL,
    batch             BIGINT NOT NULL,
    window_date       TEXT NOT NULL,
    business_date     TEXT NOT NULL,
    institution       TEXT NOT NULL,
    kind              TEXT NOT NULL CHECK (kind IN ('purchase', 'load')),
    card              TEXT NOT NULL,
    card_sequence     BIGINT NOT NULL,
    terminal_sequence BIGINT,
    load_id           TEXT,
    date_time         TEXT NOT NULL,
    personal_fen      BIGINT NOT NULL,
    self_paid_fen     BIGINT NOT NULL,
    pooled_fen        BIGINT NOT NULL,
    balance_after_fen BIGINT NOT NULL,
    tac               TEXT,
    hash              TEXT NOT NULL,
    outcome           TEXT NOT NULL CHECK (outcome IN ('ACCEPTED', 'REFUSED', 'HELD')),
    code              TEXT CHECK ((code IS NULL) = (outcome = 'ACCEPTED')),
    received_at       TEXT NOT NULL,
    PRIMARY KEY (terminal, record),
    FOREIGN KEY (terminal, batch) REFERENCES upload (terminal, batch)
);
CREATE UNIQUE INDEX upload_row_terminal_once ON upload_row (terminal, terminal_sequence)
    WHERE outcome <> 'REFUSED' AND kind = 'purchase';
CREATE UNIQUE INDEX upload_row_card_once ON upload_row (card, card_sequence, kind) WHERE outcome <> 'REFUSED';
CREATE INDEX upload_row_window ON upload_row (window_date, outcome);
CREATE TRIGGER upload_row_is_final BEFORE UPDATE ON upload_row BEGIN SELECT RAISE(ABORT, 'uploaded rows are final'); END;
CREATE TRIGGER upload_row_stays BEFORE DELETE ON upload_row BEGIN SELECT RAISE(ABORT, 'uploaded rows are final'); END;
