-- Authorised sales whose terminal never comes back: one person asks that they be closed, another decides.

CREATE TABLE sale_closed (
    sale_id       TEXT PRIMARY KEY CHECK (length(sale_id) = 32),
    terminal      TEXT NOT NULL REFERENCES terminal (number),
    card          TEXT NOT NULL,
    card_sequence BIGINT NOT NULL,
    business_date TEXT NOT NULL,
    bill_id       TEXT NOT NULL,
    bill_hash     TEXT NOT NULL,
    personal_fen  BIGINT NOT NULL CHECK (personal_fen >= 0),
    self_paid_fen BIGINT NOT NULL CHECK (self_paid_fen >= 0),
    pooled_fen    BIGINT NOT NULL CHECK (pooled_fen >= 0),
    body_hash     TEXT NOT NULL,
    state         TEXT NOT NULL CHECK (state IN ('authorised', 'done', 'not_done', 'closed')),
    record        BIGINT,
    asked_at      TEXT NOT NULL,
    settled_at    TEXT,
    CHECK ((state = 'authorised') = (settled_at IS NULL)),
    CHECK ((state = 'done') = (record IS NOT NULL))
);
INSERT INTO sale_closed (sale_id, terminal, card, card_sequence, business_date, bill_id, bill_hash, personal_fen, self_paid_fen, pooled_fen,
        body_hash, state, record, asked_at, settled_at)
    SELECT sale_id, terminal, card, card_sequence, business_date, bill_id, bill_hash, personal_fen, self_paid_fen, pooled_fen,
        body_hash, state, record, asked_at, settled_at FROM sale;
DROP TABLE sale;
ALTER TABLE sale_closed RENAME TO sale;
CREATE INDEX sale_open ON sale (terminal, card) WHERE state = 'authorised';
CREATE INDEX sale_of_card ON sale (card, card_sequence);
CREATE TRIGGER sale_done_stays_done BEFORE UPDATE ON sale WHEN OLD.state = 'done'
BEGIN SELECT RAISE(ABORT, 'a sale that is done stays done'); END;

CREATE TABLE sale_closure (
    number     BIGINT PRIMARY KEY,
    sale_id    TEXT NOT NULL REFERENCES sale (sale_id),
    reason     TEXT NOT NULL CHECK (length(reason) > 0),
    state      TEXT NOT NULL CHECK (state IN ('proposed', 'approved', 'rejected')),
    maker      TEXT NOT NULL,
    made_at    TEXT NOT NULL,
    checker    TEXT CHECK (checker <> maker),
    checked_at TEXT,
    CHECK ((state = 'proposed') = (checker IS NULL))
);
CREATE UNIQUE INDEX sale_closure_one_of_a_sale ON sale_closure (sale_id) WHERE state <> 'rejected';
CREATE TRIGGER sale_closure_is_made_once BEFORE UPDATE ON sale_closure WHEN OLD.state <> 'proposed'
BEGIN SELECT RAISE(ABORT, 'a decision about a sale is final'); END;
CREATE TRIGGER sale_closure_stays BEFORE DELETE ON sale_closure BEGIN SELECT RAISE(ABORT, 'a decision about a sale is final'); END;
