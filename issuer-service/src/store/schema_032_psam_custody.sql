-- Who holds which PSAM, until when. The table is made anew: its states have grown.

CREATE TABLE psam_custody (
    chip            TEXT PRIMARY KEY,
    terminal_number TEXT NOT NULL,
    institution     TEXT NOT NULL,
    state           TEXT NOT NULL
        CHECK (state IN ('writing', 'in_custody', 'handed_out', 'lost', 'retired', 'spoilt')),
    made_by         TEXT NOT NULL,
    changed_at      TEXT NOT NULL,
    -- Version of its keys; unknown of PSAMs older than this table, which have version 1.
    key_set         BIGINT NOT NULL DEFAULT 1,
    -- Person who answers for it, and the day on which it is due back, while it is handed out.
    holder          TEXT,
    due             TEXT,
    CHECK ((state = 'handed_out') = (due IS NOT NULL))
);
INSERT INTO psam_custody (chip, terminal_number, institution, state, made_by, changed_at)
    SELECT chip, terminal_number, institution, state, made_by, changed_at FROM psam;
DROP TABLE psam;
ALTER TABLE psam_custody RENAME TO psam;
CREATE UNIQUE INDEX psam_terminal ON psam (terminal_number) WHERE state <> 'spoilt';

-- A PSAM that has to come back because another has taken its place.
CREATE TABLE psam_return (
    terminal_number TEXT NOT NULL,
    replaced_by     TEXT NOT NULL,
    owner           TEXT NOT NULL,
    due             TEXT NOT NULL,
    opened_at       TEXT NOT NULL,
    closed_at       TEXT,
    PRIMARY KEY (terminal_number, opened_at)
);
CREATE UNIQUE INDEX psam_return_open ON psam_return (terminal_number) WHERE closed_at IS NULL;

-- PSAMs whose transactions are suspect from an instant on.
CREATE TABLE psam_blacklist (
    terminal_number TEXT PRIMARY KEY,
    reason          TEXT NOT NULL,
    operator        TEXT NOT NULL,
    listed_at       TEXT NOT NULL
);
