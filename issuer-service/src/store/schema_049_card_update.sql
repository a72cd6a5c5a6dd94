-- Changed data that go onto a card already made, one open update a card, carried out when the card is next in a reader.

CREATE TABLE card_update (
    number     BIGINT PRIMARY KEY,
    job        BIGINT NOT NULL REFERENCES job (number),
    -- What changed, names of items joined by commas; never a value.
    items      TEXT NOT NULL,
    state      TEXT NOT NULL CHECK (state IN ('waiting', 'begun', 'done', 'superseded', 'withdrawn', 'ended', 'fixed')),
    origin     TEXT NOT NULL CHECK (origin IN ('registry', 'photo', 'counter')),
    reason     TEXT NOT NULL,
    asked_by   TEXT,
    asked_at   TEXT NOT NULL,
    -- Where and by whom it was last worked on.
    reader     TEXT,
    operator   TEXT,
    -- Records and pieces written in all.
    written    BIGINT NOT NULL,
    -- Code of what stopped it last.
    stopped_by TEXT NOT NULL,
    changed_at TEXT NOT NULL
);
CREATE UNIQUE INDEX card_update_open ON card_update (job) WHERE state IN ('waiting', 'begun');
CREATE INDEX card_update_job ON card_update (job);
