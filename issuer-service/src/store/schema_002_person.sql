-- People, and the files that they came from.

CREATE TABLE import (
    number      BIGINT PRIMARY KEY,
    imported_at TEXT NOT NULL,
    actor       TEXT NOT NULL,
    sha256      TEXT NOT NULL,
    accepted    BIGINT NOT NULL,
    rejected    BIGINT NOT NULL,
    unchanged   BIGINT NOT NULL
);

CREATE TABLE person (
    id            BIGINT PRIMARY KEY,
    number        TEXT NOT NULL UNIQUE,
    name          TEXT NOT NULL,
    name_raw      TEXT NOT NULL,
    sex           TEXT NOT NULL,
    ethnic_group  TEXT NOT NULL,
    birth_date    TEXT NOT NULL,
    region        TEXT NOT NULL,
    address       TEXT NOT NULL,
    phone         TEXT NOT NULL,
    employer      TEXT NOT NULL,
    -- Written before the import's own row, in the same transaction.
    import        BIGINT NOT NULL,
    import_row    BIGINT NOT NULL,
    registered_at TEXT NOT NULL
);

CREATE INDEX person_region ON person (region, id);
