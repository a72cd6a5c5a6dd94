-- Of which insurance and county an import had rows: its day is the day of their data, and of no others.
CREATE TABLE benefit_day (
    import    BIGINT NOT NULL REFERENCES benefit_import (number),
    insurance TEXT NOT NULL CHECK (insurance IN ('110', '310', '210', '410', '510')),
    region    TEXT NOT NULL,
    PRIMARY KEY (import, insurance, region)
);

INSERT INTO benefit_day (import, insurance, region)
    SELECT DISTINCT c.import, c.insurance, p.region FROM contribution c JOIN person p ON p.id = c.person;

-- An import that was taken back: when.
ALTER TABLE benefit_import ADD COLUMN taken_back_at TEXT;

-- What a correction took the place of, until nobody can take the correction back.
CREATE TABLE contribution_before (
    replaced_by BIGINT NOT NULL REFERENCES benefit_import (number),
    person    BIGINT NOT NULL REFERENCES person (id),
    insurance TEXT NOT NULL,
    month     TEXT NOT NULL,
    base_fen  BIGINT NOT NULL,
    unit_fen  BIGINT NOT NULL,
    own_fen   BIGINT NOT NULL,
    import    BIGINT NOT NULL REFERENCES benefit_import (number),
    line      BIGINT NOT NULL,
    PRIMARY KEY (replaced_by, person, insurance, month)
);

CREATE TABLE account_year_before (
    replaced_by  BIGINT NOT NULL REFERENCES benefit_import (number),
    person       BIGINT NOT NULL REFERENCES person (id),
    insurance    TEXT NOT NULL,
    year         BIGINT NOT NULL,
    opening_fen  BIGINT NOT NULL,
    own_fen      BIGINT NOT NULL,
    unit_fen     BIGINT NOT NULL,
    other_fen    BIGINT NOT NULL,
    interest_fen BIGINT NOT NULL,
    spend_fen    BIGINT NOT NULL,
    closing_fen  BIGINT NOT NULL,
    import       BIGINT NOT NULL REFERENCES benefit_import (number),
    line         BIGINT NOT NULL,
    PRIMARY KEY (replaced_by, person, insurance, year)
);
