-- Files exchanged with banks and factories: what was sent, row by row, and what came back.

CREATE TABLE exchange_file (
    number       BIGINT PRIMARY KEY,
    -- 任务号: date and eight digits.
    task         TEXT NOT NULL UNIQUE,
    batch        BIGINT NOT NULL REFERENCES batch (number),
    partner      TEXT NOT NULL CHECK (partner IN ('bank', 'factory')),
    partner_code TEXT NOT NULL,
    template     TEXT NOT NULL,
    name         TEXT NOT NULL UNIQUE,
    sha256       TEXT NOT NULL,
    row_count    BIGINT NOT NULL,
    state        TEXT NOT NULL CHECK (state IN ('prepared', 'sent', 'answered', 'abandoned')),
    valid_until  TEXT NOT NULL,
    -- Its bytes, sealed: a file sent again is the same file.
    data_key     BIGINT NOT NULL,
    body         BYTEA NOT NULL,
    made_by      TEXT NOT NULL,
    made_at      TEXT NOT NULL,
    changed_at   TEXT NOT NULL
);

CREATE INDEX exchange_file_batch ON exchange_file (batch, number);

CREATE TABLE exchange_row (
    file            BIGINT NOT NULL REFERENCES exchange_file (number),
    line            BIGINT NOT NULL,
    job             BIGINT NOT NULL REFERENCES job (number),
    partner         TEXT NOT NULL,
    state           TEXT NOT NULL CHECK (state IN ('exported', 'accepted', 'refused', 'abandoned')),
    -- Number of the bank card and the partner's words, sealed.
    data_key        BIGINT,
    answer          BYTEA,
    -- First 24 hex digits of the identifier that a factory wrote.
    card_identifier TEXT UNIQUE,
    changed_at      TEXT NOT NULL,
    PRIMARY KEY (file, line)
);

-- One partner is asked about one job once.
CREATE UNIQUE INDEX exchange_row_open ON exchange_row (job, partner) WHERE state IN ('exported', 'accepted');

-- Files that came back and were taken in: each once, one for each file sent.
CREATE TABLE exchange_answer (
    sha256   TEXT PRIMARY KEY,
    file     BIGINT NOT NULL UNIQUE REFERENCES exchange_file (number),
    name     TEXT NOT NULL,
    accepted BIGINT NOT NULL,
    refused  BIGINT NOT NULL,
    taken_by TEXT NOT NULL,
    taken_at TEXT NOT NULL
);
