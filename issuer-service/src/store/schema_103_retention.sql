-- A kind with a default is kept for good only when somebody said so.
CREATE TABLE retention_or_good (
    kind   TEXT PRIMARY KEY CHECK (kind IN ('photos', 'agents', 'exchange', 'people')),
    -- None: for good.
    days   BIGINT CHECK (days >= 183),
    reason TEXT NOT NULL CHECK (length(reason) > 0),
    set_by TEXT NOT NULL,
    set_at TEXT NOT NULL
);
INSERT INTO retention_or_good (kind, days, reason, set_by, set_at) SELECT kind, days, reason, set_by, set_at FROM retention;
DROP TABLE retention;
ALTER TABLE retention_or_good RENAME TO retention;
