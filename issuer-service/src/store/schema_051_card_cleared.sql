-- Cards whose money has gone to their holders, and how often: each time has a reference of its own in the ledger.

CREATE TABLE card_cleared (
    card       TEXT PRIMARY KEY,
    times      BIGINT NOT NULL CHECK (times > 0),
    changed_at TEXT NOT NULL
);
