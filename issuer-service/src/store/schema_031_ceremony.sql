-- Key ceremonies: who takes part, what was contributed, the receipts. Secrets are in sealed files, never here.

CREATE TABLE ceremony (
    number      BIGINT PRIMARY KEY,
    purpose     TEXT NOT NULL CHECK (purpose IN ('generate', 'restore')),
    kind        TEXT NOT NULL CHECK (kind IN ('rehearsal', 'production')),
    key_set     BIGINT NOT NULL,
    threshold   BIGINT NOT NULL CHECK (threshold >= 2),
    state       TEXT NOT NULL CHECK (state IN ('open', 'finished', 'cancelled')),
    started_by  TEXT NOT NULL,
    started_at  TEXT NOT NULL,
    ended_at    TEXT,
    -- Of the secret that was shared.
    check_value TEXT
);

-- One ceremony at a time.
CREATE UNIQUE INDEX ceremony_open ON ceremony (state) WHERE state = 'open';

CREATE TABLE ceremony_custodian (
    ceremony       BIGINT NOT NULL REFERENCES ceremony (number),
    place          BIGINT NOT NULL CHECK (place BETWEEN 1 AND 255),
    custodian      TEXT NOT NULL REFERENCES operator (name),
    contributed_at TEXT,
    -- Of the contribution; at the end of a generation, of the share.
    check_value    TEXT,
    PRIMARY KEY (ceremony, place),
    UNIQUE (ceremony, custodian)
);

CREATE TABLE ceremony_receipt (
    ceremony  BIGINT NOT NULL REFERENCES ceremony (number),
    sequence  BIGINT NOT NULL,
    body      TEXT NOT NULL,
    signature TEXT NOT NULL,
    PRIMARY KEY (ceremony, sequence)
);
