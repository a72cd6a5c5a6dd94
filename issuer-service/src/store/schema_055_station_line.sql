-- Stations elsewhere: whose reader it was, what they have begun, and the certificates themselves.

-- Empty for the centre's own station. Readers of different stations may have one name; a lot is the same everywhere.
ALTER TABLE station_journal ADD COLUMN station TEXT NOT NULL DEFAULT '';
ALTER TABLE station_hold ADD COLUMN station TEXT NOT NULL DEFAULT '';
DROP INDEX station_hold_open;
CREATE UNIQUE INDEX station_hold_open ON station_hold (kind, station, name) WHERE released_at IS NULL;

-- A station has begun a run of a batch, under a card type with this digest. Until its certificates are revoked.
CREATE TABLE station_run (
    station  TEXT NOT NULL,
    batch    BIGINT NOT NULL REFERENCES batch (number),
    profile  TEXT NOT NULL,
    begun_at TEXT NOT NULL,
    PRIMARY KEY (station, batch)
);

-- The certificate and the authority's, PEM.
ALTER TABLE certificate ADD COLUMN chain TEXT;
