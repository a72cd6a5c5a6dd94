-- Limits of terminals, numbered: how often a card may buy on a day, and which limits a terminal may still go by.

ALTER TABLE terminal ADD COLUMN card_day_count_max BIGINT NOT NULL DEFAULT 50 CHECK (card_day_count_max > 0);
ALTER TABLE terminal ADD COLUMN parameters BIGINT NOT NULL DEFAULT 1;

-- Limits that were changed: what was sold by them before held_until (China time, YYYYMMDDHHMMSS) is judged by them.
CREATE TABLE terminal_limits_before (
    terminal           TEXT NOT NULL REFERENCES terminal (number),
    parameters         BIGINT NOT NULL,
    purchase_max_fen   BIGINT NOT NULL,
    card_day_max_fen   BIGINT NOT NULL,
    card_day_count_max BIGINT NOT NULL,
    held_until         TEXT NOT NULL CHECK (length(held_until) = 14),
    PRIMARY KEY (terminal, parameters)
);
