-- What the agencies of the five insurances say of people: months of contributions, years of individual accounts. Amounts are fen.

CREATE TABLE benefit_import (
    number      BIGINT PRIMARY KEY,
    kind        TEXT NOT NULL CHECK (kind IN ('contributions', 'accounts')),
    sha256      TEXT NOT NULL,
    -- Day of the data, YYYY-MM-DD.
    as_of       TEXT NOT NULL CHECK (length(as_of) = 10),
    rows        BIGINT NOT NULL,
    operator    TEXT NOT NULL,
    imported_at TEXT NOT NULL
);

CREATE TABLE contribution (
    person    BIGINT NOT NULL REFERENCES person (id),
    insurance TEXT NOT NULL CHECK (insurance IN ('110', '310', '210', '410', '510')),
    month     TEXT NOT NULL CHECK (length(month) = 7),
    base_fen  BIGINT NOT NULL CHECK (base_fen >= 0),
    unit_fen  BIGINT NOT NULL CHECK (unit_fen >= 0),
    own_fen   BIGINT NOT NULL CHECK (own_fen >= 0 AND unit_fen + own_fen <= base_fen),
    -- Where it was said last.
    import    BIGINT NOT NULL REFERENCES benefit_import (number),
    line      BIGINT NOT NULL,
    PRIMARY KEY (person, insurance, month)
);

CREATE TABLE account_year (
    person       BIGINT NOT NULL REFERENCES person (id),
    insurance    TEXT NOT NULL CHECK (insurance IN ('110', '310')),
    year         BIGINT NOT NULL,
    opening_fen  BIGINT NOT NULL CHECK (opening_fen >= 0),
    own_fen      BIGINT NOT NULL CHECK (own_fen >= 0),
    unit_fen     BIGINT NOT NULL CHECK (unit_fen >= 0),
    other_fen    BIGINT NOT NULL CHECK (other_fen >= 0),
    interest_fen BIGINT NOT NULL CHECK (interest_fen >= 0),
    spend_fen    BIGINT NOT NULL CHECK (spend_fen >= 0),
    closing_fen  BIGINT NOT NULL CHECK (closing_fen = opening_fen + own_fen + unit_fen + other_fen + interest_fen - spend_fen),
    import       BIGINT NOT NULL REFERENCES benefit_import (number),
    line         BIGINT NOT NULL,
    PRIMARY KEY (person, insurance, year)
);
