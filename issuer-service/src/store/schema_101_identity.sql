-- One person, one row, one number: another number for a person, two rows that are one person. One asks, another decides.
CREATE TABLE identity_order (
    number     INTEGER PRIMARY KEY,
    act        TEXT NOT NULL CHECK (act IN ('renumber', 'join')),
    person     BIGINT NOT NULL REFERENCES person (id),
    -- Of a joining: the row in which the person goes on.
    other      BIGINT REFERENCES person (id) CHECK (other <> person),
    -- Of another number: whether the one before was the person's.
    because    TEXT CHECK (because IN ('wrong', 'changed')),
    -- Of another number: it, and the certificate that it was made from.
    data_key   BIGINT,
    identity   BYTEA,
    reason     TEXT NOT NULL CHECK (length(reason) > 0),
    state      TEXT NOT NULL CHECK (state IN ('proposed', 'approved', 'rejected')),
    maker      TEXT NOT NULL,
    made_at    TEXT NOT NULL,
    checker    TEXT CHECK (checker <> maker),
    checked_at TEXT,
    rejection  TEXT,
    CHECK ((state = 'proposed') = (checker IS NULL)),
    CHECK ((act = 'join') = (other IS NOT NULL)),
    CHECK ((act = 'renumber') = (because IS NOT NULL)),
    CHECK ((act = 'renumber') = (identity IS NOT NULL))
);
CREATE UNIQUE INDEX identity_order_one_waits ON identity_order (person) WHERE state = 'proposed';
CREATE TRIGGER identity_order_is_made_once BEFORE UPDATE OF state ON identity_order WHEN OLD.state <> 'proposed'
BEGIN SELECT RAISE(ABORT, 'a decision about a person is final'); END;

-- Numbers that a person had, or was registered by without having them.
CREATE TABLE person_former (
    number      INTEGER PRIMARY KEY,
    person      BIGINT NOT NULL REFERENCES person (id),
    -- Keyed hash of the number.
    number_hash BYTEA NOT NULL,
    because     TEXT NOT NULL CHECK (because IN ('wrong', 'changed')),
    data_key    BIGINT NOT NULL,
    former      BYTEA NOT NULL,
    until       TEXT NOT NULL,
    ordered_by  BIGINT NOT NULL REFERENCES identity_order (number)
);
CREATE INDEX person_former_person ON person_former (person);
CREATE INDEX person_former_hash ON person_former (number_hash);

-- Rows that were found to be another person's: the person goes on there.
CREATE TABLE person_joined (
    person     BIGINT PRIMARY KEY REFERENCES person (id),
    into_person BIGINT NOT NULL REFERENCES person (id) CHECK (into_person <> person),
    joined_at  TEXT NOT NULL,
    ordered_by BIGINT NOT NULL REFERENCES identity_order (number)
);
CREATE INDEX person_joined_into ON person_joined (into_person);
CREATE TRIGGER person_joined_stays BEFORE UPDATE ON person_joined BEGIN SELECT RAISE(ABORT, 'a person that was joined stays so'); END;
