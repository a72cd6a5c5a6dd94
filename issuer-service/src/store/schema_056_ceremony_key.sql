-- A finish of a ceremony that was cut short: which keys are its own, so that they can be taken out of the vault again.

-- The table of ceremonies is made anew: a ceremony whose keys are on their way into the vault is no longer open.
CREATE TABLE ceremony_finishing (
    number      BIGINT PRIMARY KEY,
    purpose     TEXT NOT NULL CHECK (purpose IN ('generate', 'restore')),
    kind        TEXT NOT NULL CHECK (kind IN ('rehearsal', 'production')),
    key_set     BIGINT NOT NULL,
    threshold   BIGINT NOT NULL CHECK (threshold >= 2),
    state       TEXT NOT NULL CHECK (state IN ('open', 'finishing', 'finished', 'cancelled')),
    started_by  TEXT NOT NULL,
    started_at  TEXT NOT NULL,
    ended_at    TEXT,
    -- Of the secret that was shared.
    check_value TEXT
);
INSERT INTO ceremony_finishing (number, purpose, kind, key_set, threshold, state, started_by, started_at, ended_at, check_value)
    SELECT number, purpose, kind, key_set, threshold, state, started_by, started_at, ended_at, check_value FROM ceremony;
DROP TABLE ceremony;
ALTER TABLE ceremony_finishing RENAME TO ceremony;

-- One ceremony at a time; a vault has one kind.
CREATE UNIQUE INDEX ceremony_open ON ceremony (kind) WHERE state IN ('open', 'finishing');

-- Keys that a ceremony puts into the vault, written down before the first one is put there; none that was there before.
CREATE TABLE ceremony_key (
    ceremony    BIGINT NOT NULL REFERENCES ceremony (number),
    name        TEXT NOT NULL,
    version     BIGINT NOT NULL,
    -- Of the key as the vault holds it: first 3 bytes of E(0), hex.
    check_value TEXT NOT NULL,
    PRIMARY KEY (ceremony, name, version)
);
