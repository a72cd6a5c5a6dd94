-- Sales that terminals ask the centre about before the card is debited.

ALTER TABLE terminal ADD COLUMN online TEXT NOT NULL DEFAULT 'offline-only'
    CHECK (online IN ('offline-only', 'online-preferred', 'online-required'));

-- One row for each id that a terminal made. What it takes of the terminal's limits for its card and day is kept while it is authorised;
-- its money moves with the record that names it, as that of any sale.
CREATE TABLE sale (
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
    state         TEXT NOT NULL CHECK (state IN ('authorised', 'done', 'not_done')),
    record        BIGINT,
    asked_at      TEXT NOT NULL,
    settled_at    TEXT,
    CHECK ((state = 'authorised') = (settled_at IS NULL)),
    CHECK ((state = 'done') = (record IS NOT NULL))
);
CREATE INDEX sale_open ON sale (terminal, card) WHERE state = 'authorised';
CREATE TRIGGER sale_that_is_done_stays_done BEFORE UPDATE ON sale WHEN OLD.state = 'done'
BEGIN SELECT RAISE(ABORT, 'a sale that is done stays done'); END;
