-- What people ask the centre: kiosks, passwords for the telephone, certificates of participation, tickets.
-- Instants UTC, byte strings of texts sealed under data_key.

-- A kiosk may ask for holders; a terminal that sells may not.
ALTER TABLE terminal ADD COLUMN kiosk BIGINT NOT NULL DEFAULT 0 CHECK (kiosk IN (0, 1));

-- What explains a difference between a card and the centre is looked for by card.
CREATE INDEX upload_row_unposted ON upload_row (card) WHERE outcome <> 'ACCEPTED';

-- Who may ask by telephone or on the web: a number and this.
CREATE TABLE query_password (
    person       BIGINT PRIMARY KEY REFERENCES person (id),
    -- Argon2id in its PHC form.
    hash         TEXT NOT NULL,
    failures     BIGINT NOT NULL,
    locked_until TEXT,
    set_by       TEXT NOT NULL,
    set_at       TEXT NOT NULL
);

CREATE TABLE participation_certificate (
    number     BIGINT PRIMARY KEY,
    code       TEXT NOT NULL UNIQUE,
    person     BIGINT NOT NULL REFERENCES person (id),
    -- YYYY-MM of China, by which certificates of one person are counted.
    month      TEXT NOT NULL CHECK (length(month) = 7),
    channel    TEXT NOT NULL,
    actor      TEXT NOT NULL,
    -- The terminal's message, which gets the same certificate again.
    request_id TEXT UNIQUE,
    issued_at  TEXT NOT NULL,
    as_of      TEXT NOT NULL,
    -- What was printed.
    data_key   BIGINT NOT NULL,
    content    BYTEA NOT NULL
);
CREATE INDEX participation_certificate_person ON participation_certificate (person, month);

CREATE TABLE ticket (
    number            BIGINT PRIMARY KEY,
    kind              TEXT NOT NULL CHECK (kind IN ('complaint', 'suggestion')),
    subject           TEXT NOT NULL,
    channel           TEXT NOT NULL,
    -- Who told it, when that is known.
    person            BIGINT REFERENCES person (id),
    institution       TEXT REFERENCES institution (code),
    original_terminal TEXT,
    original_sequence BIGINT,
    state             TEXT NOT NULL CHECK (state IN ('open', 'answered', 'closed')),
    -- The terminal's message, which is taken in once.
    request_id        TEXT UNIQUE,
    opened_at         TEXT NOT NULL,
    changed_at        TEXT NOT NULL,
    CHECK ((original_terminal IS NULL) = (original_sequence IS NULL))
);
CREATE INDEX ticket_state ON ticket (state, number);

-- What was said, in order.
CREATE TABLE ticket_entry (
    ticket   BIGINT NOT NULL REFERENCES ticket (number),
    line     BIGINT NOT NULL,
    side     TEXT NOT NULL CHECK (side IN ('holder', 'office')),
    actor    TEXT NOT NULL,
    at       TEXT NOT NULL,
    data_key BIGINT NOT NULL,
    text     BYTEA NOT NULL,
    PRIMARY KEY (ticket, line)
);
