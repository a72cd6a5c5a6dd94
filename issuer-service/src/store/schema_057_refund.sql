-- Refunds: a load may give back what a purchase took.

-- The table of loads is made anew: a refund whose purchase took nothing from the account loads nothing.
CREATE TABLE load_refund (
    load_id           TEXT PRIMARY KEY CHECK (length(load_id) = 32),
    terminal          TEXT NOT NULL REFERENCES terminal (number),
    card              TEXT NOT NULL,
    holder            BIGINT NOT NULL,
    factor            TEXT NOT NULL,
    amount_fen        BIGINT NOT NULL CHECK (amount_fen >= 0),
    balance_fen       BIGINT NOT NULL,
    card_sequence     BIGINT NOT NULL,
    random            TEXT NOT NULL,
    key_version       BIGINT NOT NULL,
    body_hash         TEXT NOT NULL,
    date_time         TEXT NOT NULL,
    mac2              TEXT NOT NULL,
    state             TEXT NOT NULL CHECK (state IN ('PREPARED', 'CREDITED', 'NOT_CREDITED')),
    tac               TEXT,
    evidence          TEXT,
    prepared_at       TEXT NOT NULL,
    settled_at        TEXT,
    settled_on        TEXT REFERENCES clearing_window (business_date),
    algorithm         BIGINT NOT NULL DEFAULT 0,
    -- Of a refund: the purchase by terminal and terminal sequence, how it is undone, who owes it, and the parts that are not the card's.
    original_terminal TEXT REFERENCES terminal (number),
    original_sequence BIGINT,
    refund_act        TEXT CHECK (refund_act IN ('refund', 'cancel')),
    institution       TEXT REFERENCES institution (code),
    self_paid_fen     BIGINT NOT NULL DEFAULT 0 CHECK (self_paid_fen >= 0),
    pooled_fen        BIGINT NOT NULL DEFAULT 0 CHECK (pooled_fen >= 0),
    CHECK ((original_terminal IS NULL) = (original_sequence IS NULL)),
    CHECK ((original_terminal IS NULL) = (refund_act IS NULL)),
    CHECK ((original_terminal IS NULL) = (institution IS NULL)),
    CHECK (amount_fen + self_paid_fen + pooled_fen > 0),
    CHECK (original_terminal IS NOT NULL OR self_paid_fen + pooled_fen = 0)
);
INSERT INTO load_refund (load_id, terminal, card, holder, factor, amount_fen, balance_fen, card_sequence, random, key_version, body_hash,
        date_time, mac2, state, tac, evidence, prepared_at, settled_at, settled_on, algorithm)
    SELECT load_id, terminal, card, holder, factor, amount_fen, balance_fen, card_sequence, random, key_version, body_hash,
        date_time, mac2, state, tac, evidence, prepared_at, settled_at, settled_on, algorithm FROM load;
DROP TABLE load;
ALTER TABLE load_refund RENAME TO load;
CREATE UNIQUE INDEX load_one_open_of_a_card ON load (card) WHERE state = 'PREPARED';
CREATE INDEX load_settled ON load (settled_on);
CREATE INDEX load_of_original ON load (original_terminal, original_sequence) WHERE original_terminal IS NOT NULL;
CREATE TRIGGER load_is_decided_once BEFORE UPDATE OF state ON load WHEN OLD.state <> 'PREPARED'
BEGIN SELECT RAISE(ABORT, 'the outcome of a load is final'); END;

-- A record of a refund is one of a load that names its original: both step the card's online number.
ALTER TABLE upload_row ADD COLUMN original_terminal TEXT;
ALTER TABLE upload_row ADD COLUMN original_sequence BIGINT;
