-- What the holder registry of province and ministry is told of each card, in order, and the files that tell it.

CREATE TABLE sync_file (
    number     BIGINT PRIMARY KEY,
    -- 任务号: date and eight digits.
    task       TEXT NOT NULL UNIQUE,
    name       TEXT NOT NULL UNIQUE,
    sha256     TEXT NOT NULL,
    row_count  BIGINT NOT NULL,
    state      TEXT NOT NULL CHECK (state IN ('prepared', 'sent', 'answered')),
    -- Its bytes, sealed, until it is answered: a file sent again is the same file.
    data_key   BIGINT NOT NULL,
    body       BYTEA NOT NULL,
    made_by    TEXT NOT NULL,
    made_at    TEXT NOT NULL,
    -- SHA-256 of the answer that was taken in.
    answer     TEXT UNIQUE,
    changed_at TEXT NOT NULL
);

CREATE TABLE registry_sync (
    sequence   BIGINT PRIMARY KEY,
    job        BIGINT NOT NULL REFERENCES job (number),
    event      TEXT NOT NULL CHECK (event IN ('issue', 'state', 'replacement', 'blacklist', 'data')),
    -- The card as it was then: state, whether on the blacklist, number of the card in whose place it came.
    card_state TEXT NOT NULL,
    listed     BIGINT NOT NULL,
    old_card   TEXT,
    at         TEXT NOT NULL,
    state      TEXT NOT NULL CHECK (state IN ('pending', 'sent', 'accepted', 'refused', 'dropped')),
    -- The file that told it last.
    file       BIGINT REFERENCES sync_file (number),
    -- The registry's result, and its words, sealed.
    result     TEXT NOT NULL,
    data_key   BIGINT,
    answer     BYTEA,
    changed_at TEXT NOT NULL
);
CREATE INDEX registry_sync_job ON registry_sync (job, sequence);
CREATE INDEX registry_sync_open ON registry_sync (sequence) WHERE state IN ('pending', 'sent', 'refused');
CREATE INDEX registry_sync_file ON registry_sync (file);
