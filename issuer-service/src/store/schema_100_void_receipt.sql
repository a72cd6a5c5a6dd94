-- Receipts of cards handed out that are void: the hand-out was booked for the wrong card and undone. What was kept of an agent is gone.
CREATE TABLE stock_receipt_void (
    number      BIGINT PRIMARY KEY,
    card_number TEXT NOT NULL,
    place       TEXT NOT NULL REFERENCES stock_place (code),
    operator    TEXT NOT NULL,
    at          TEXT NOT NULL,
    voided_by   TEXT NOT NULL,
    voided_at   TEXT NOT NULL,
    reason      TEXT NOT NULL
);
