-- Batches, the jobs in them, card numbers, cards, and the station's journal.

CREATE TABLE batch (
    number      BIGINT PRIMARY KEY,
    state       TEXT NOT NULL CHECK (state IN ('created', 'approved', 'running', 'finished', 'cancelled')),
    county      TEXT,
    maker       TEXT NOT NULL,
    checker     TEXT,
    created_at  TEXT NOT NULL,
    approved_at TEXT,
    finished_at TEXT,
    -- Nobody approves what they made.
    CHECK (checker IS NULL OR checker <> maker)
);

CREATE TABLE card_number (
    number     TEXT PRIMARY KEY,
    serial     BIGINT NOT NULL UNIQUE,
    state      TEXT NOT NULL CHECK (state IN ('free', 'reserved', 'used', 'spoilt')),
    changed_at TEXT NOT NULL
);

-- One card to be made; a spoilt one is followed by another job of the same person.
CREATE TABLE job (
    number      BIGINT PRIMARY KEY,
    batch       BIGINT NOT NULL REFERENCES batch (number),
    person      BIGINT NOT NULL REFERENCES person (id),
    -- Given at approval; one number, one job, for ever.
    card_number TEXT UNIQUE REFERENCES card_number (number),
    state       TEXT NOT NULL CHECK (state IN ('requested', 'waiting', 'writing', 'done', 'spoilt', 'cancelled')),
    changed_at  TEXT NOT NULL
);

CREATE INDEX job_batch ON job (batch, state, number);
-- One person has one card under way.
CREATE UNIQUE INDEX job_open ON job (person) WHERE state IN ('requested', 'waiting', 'writing');

CREATE TABLE card (
    -- Historical bytes of the ATR: one chip, one person.
    chip            TEXT PRIMARY KEY,
    job             BIGINT NOT NULL UNIQUE REFERENCES job (number),
    person          BIGINT NOT NULL REFERENCES person (id),
    card_number     TEXT NOT NULL UNIQUE REFERENCES card_number (number),
    card_identifier TEXT NOT NULL UNIQUE,
    profile         TEXT NOT NULL,
    issue_date      TEXT NOT NULL,
    valid_until     TEXT NOT NULL,
    state           TEXT NOT NULL CHECK (state IN ('writing', 'sealed', 'spoilt', 'cancelled')),
    changed_at      TEXT NOT NULL
);

-- One person, one live card.
CREATE UNIQUE INDEX card_live ON card (person) WHERE state IN ('writing', 'sealed');

-- What a station was about to do and what came of it, in order.
CREATE TABLE station_journal (
    sequence BIGINT PRIMARY KEY,
    at       TEXT NOT NULL,
    job      BIGINT NOT NULL REFERENCES job (number),
    reader   TEXT NOT NULL,
    event    TEXT NOT NULL,
    detail   TEXT NOT NULL
);

CREATE INDEX station_journal_job ON station_journal (job, sequence);

CREATE TABLE receipt (
    job       BIGINT PRIMARY KEY REFERENCES job (number),
    body      TEXT NOT NULL,
    signature TEXT NOT NULL
);

-- Who holds which PSAM.
CREATE TABLE psam (
    chip            TEXT PRIMARY KEY,
    terminal_number TEXT NOT NULL,
    institution     TEXT NOT NULL,
    state           TEXT NOT NULL CHECK (state IN ('writing', 'in_custody', 'spoilt')),
    made_by         TEXT NOT NULL,
    changed_at      TEXT NOT NULL
);

-- One terminal, one PSAM.
CREATE UNIQUE INDEX psam_terminal ON psam (terminal_number) WHERE state <> 'spoilt';
