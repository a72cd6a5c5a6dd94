-- Readers and lots of blank cards that are kept from work, and which lot a card came from.

CREATE TABLE station_hold (
    number      BIGINT PRIMARY KEY,
    kind        TEXT NOT NULL CHECK (kind IN ('reader', 'lot')),
    name        TEXT NOT NULL,
    reason      TEXT NOT NULL,
    held_at     TEXT NOT NULL,
    released_by TEXT,
    released_at TEXT
);
CREATE UNIQUE INDEX station_hold_open ON station_hold (kind, name) WHERE released_at IS NULL;

CREATE TABLE card_lot (
    job BIGINT PRIMARY KEY REFERENCES job (number),
    lot TEXT NOT NULL
);
CREATE INDEX card_lot_lot ON card_lot (lot);
