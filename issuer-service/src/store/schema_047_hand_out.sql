-- Receipts of cards that were handed out, and parcels that one operator may pack and open.

-- The table of places is made anew: two people are needed for a sack only; who packs a parcel may open it.
CREATE TABLE stock_place_of_parcels (
    code      TEXT PRIMARY KEY,
    kind      TEXT NOT NULL CHECK (kind IN ('store', 'station', 'outlet', 'parcel', 'sack')),
    title     TEXT NOT NULL,
    -- Who answers for what is there.
    keeper    TEXT NOT NULL,
    -- Of a parcel: code of the place where it goes.
    bound_for TEXT,
    made_by   TEXT NOT NULL,
    made_at   TEXT NOT NULL,
    -- Of a parcel: who opened it; of a sack: who destroyed what was in it.
    closed_by TEXT,
    closed_at TEXT,
    CHECK ((kind = 'parcel') = (bound_for IS NOT NULL)),
    -- Nobody destroys alone.
    CHECK (kind <> 'sack' OR closed_by IS NULL OR closed_by <> made_by)
);
INSERT INTO stock_place_of_parcels (code, kind, title, keeper, bound_for, made_by, made_at, closed_by, closed_at)
    SELECT code, kind, title, keeper, bound_for, made_by, made_at, closed_by, closed_at FROM stock_place;
DROP TABLE stock_place;
ALTER TABLE stock_place_of_parcels RENAME TO stock_place;

-- To whom a card was handed out, where, by whom. What identifies an agent is sealed.
CREATE TABLE stock_receipt (
    number      BIGINT PRIMARY KEY,
    card_number TEXT NOT NULL UNIQUE,
    person      BIGINT NOT NULL REFERENCES person (id),
    place       TEXT NOT NULL REFERENCES stock_place (code),
    operator    TEXT NOT NULL,
    at          TEXT NOT NULL,
    -- An agent: key and sealed certificate type, number and name; none when the holder came.
    data_key    BIGINT,
    agent       BYTEA,
    CHECK ((data_key IS NULL) = (agent IS NULL))
);
