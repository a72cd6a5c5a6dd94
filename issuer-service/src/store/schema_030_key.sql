-- Which keys the centre has: sets of one version each, with their check values. Key bytes are never here.

CREATE TABLE key_set (
    -- The version of every key in it.
    number  BIGINT PRIMARY KEY CHECK (number BETWEEN 1 AND 255),
    kind    TEXT NOT NULL CHECK (kind IN ('rehearsal', 'production')),
    made_by TEXT NOT NULL,
    made_at TEXT NOT NULL
);

CREATE TABLE key_value (
    key_set  BIGINT NOT NULL REFERENCES key_set (number),
    name     TEXT NOT NULL,
    version  BIGINT NOT NULL,
    -- First 3 bytes of E(0), hex, on the level that the vault holds or below it.
    national TEXT,
    province TEXT,
    city     TEXT,
    PRIMARY KEY (name, version)
);

-- The set that a card was begun with; cards older than this table have set 1.
CREATE TABLE card_key_set (
    job     BIGINT PRIMARY KEY REFERENCES job (number),
    key_set BIGINT NOT NULL REFERENCES key_set (number)
);
