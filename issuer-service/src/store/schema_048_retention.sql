-- How long what is about people is kept, and who was erased.

CREATE TABLE retention (
    -- What is kept; a kind without a row is kept for good.
    kind   TEXT PRIMARY KEY CHECK (kind IN ('photos', 'agents', 'exchange', 'people')),
    days   BIGINT NOT NULL CHECK (days >= 183),
    reason TEXT NOT NULL CHECK (length(reason) > 0),
    set_by TEXT NOT NULL,
    set_at TEXT NOT NULL
);

-- People of whom nothing is kept but their row number, which cards, money and the audit log name.
CREATE TABLE person_erased (
    person    BIGINT PRIMARY KEY REFERENCES person (id),
    erased_at TEXT NOT NULL
);
