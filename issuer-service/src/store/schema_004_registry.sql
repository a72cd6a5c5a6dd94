-- People's data sealed, found by keyed hashes; sources and what an import is about.

-- Where statements about people come from, and how their files are read.
CREATE TABLE source (
    id         BIGINT PRIMARY KEY,
    name       TEXT NOT NULL UNIQUE,
    -- Empty: told from the file.
    encoding   TEXT NOT NULL,
    -- header=column, one a line, for headers that the program does not know or should read otherwise.
    mapping    TEXT NOT NULL,
    added_by   TEXT NOT NULL,
    added_at   TEXT NOT NULL
);

INSERT INTO source (id, name, encoding, mapping, added_by, added_at) VALUES (1, 'registry', '', '', 'issuer', '');
INSERT INTO source (id, name, encoding, mapping, added_by, added_at) VALUES (2, 'counter', '', '', 'issuer', '');

ALTER TABLE import ADD COLUMN source BIGINT NOT NULL DEFAULT 1;
ALTER TABLE import ADD COLUMN state TEXT NOT NULL DEFAULT 'finished' CHECK (state IN ('running', 'finished'));
-- Last row that is done with, and what came of rows beside accepted, rejected, unchanged.
ALTER TABLE import ADD COLUMN row_done BIGINT NOT NULL DEFAULT 0;
ALTER TABLE import ADD COLUMN changed BIGINT NOT NULL DEFAULT 0;
ALTER TABLE import ADD COLUMN conflicting BIGINT NOT NULL DEFAULT 0;

CREATE TABLE person_sealed (
    id            INTEGER PRIMARY KEY,
    -- Keyed hashes; the number and the name themselves are in the sealed dossier only.
    number_hash   BYTEA NOT NULL UNIQUE,
    name_hash     BYTEA NOT NULL,
    region        TEXT NOT NULL,
    -- Fields on which a source differs from what is held, undecided.
    conflicts     BIGINT NOT NULL,
    -- Data key of the dossier; 0 for a row of an older schema that is not sealed yet.
    data_key      BIGINT NOT NULL,
    dossier       BYTEA NOT NULL,
    import        BIGINT NOT NULL,
    registered_at TEXT NOT NULL,
    changed_at    TEXT NOT NULL
);

INSERT INTO person_sealed (id, number_hash, name_hash, region, conflicts, data_key, dossier, import, registered_at, changed_at)
SELECT id, CAST(number AS BLOB), CAST(name AS BLOB), region, 0, 0,
       CAST(number || char(31) || name || char(31) || name_raw || char(31) || sex || char(31) || ethnic_group || char(31)
            || birth_date || char(31) || region || char(31) || address || char(31) || phone || char(31) || employer AS BLOB),
       import, registered_at, registered_at
FROM person;

DROP TABLE person;
ALTER TABLE person_sealed RENAME TO person;

CREATE INDEX person_region ON person (region, id);
CREATE INDEX person_name ON person (name_hash);
CREATE INDEX person_conflict ON person (id) WHERE conflicts > 0;
CREATE INDEX person_unsealed ON person (id) WHERE data_key = 0;
