-- Orders to unblock or reset a card's PIN: made by one operator, approved by another where the site says so, used once.

CREATE TABLE pin_order (
    number      BIGINT PRIMARY KEY,
    job         BIGINT NOT NULL REFERENCES job (number),
    act         TEXT NOT NULL CHECK (act IN ('unblock', 'reset')),
    state       TEXT NOT NULL CHECK (state IN ('asked', 'ready', 'given', 'done', 'refused', 'withdrawn')),
    -- The only terminal that may carry it out, if one was named; then the one that got its command.
    terminal    TEXT,
    reason      TEXT NOT NULL,
    maker       TEXT NOT NULL,
    made_at     TEXT NOT NULL,
    checker     TEXT CHECK (checker IS NULL OR checker <> maker),
    valid_until TEXT NOT NULL,
    changed_at  TEXT NOT NULL
);
CREATE UNIQUE INDEX pin_order_open ON pin_order (job) WHERE state IN ('asked', 'ready');
CREATE INDEX pin_order_job ON pin_order (job);
