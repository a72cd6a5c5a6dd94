-- The order of a card's loads: what a terminal gave up stays so however late its request comes, and the card's proof has the last word.

-- Loads that a terminal reported as not credited before their request came in.
CREATE TABLE load_given_up (
    load_id     TEXT NOT NULL CHECK (length(load_id) = 32),
    terminal    TEXT NOT NULL REFERENCES terminal (number),
    given_up_at TEXT NOT NULL,
    PRIMARY KEY (load_id, terminal)
);
CREATE TRIGGER load_given_up_stays BEFORE UPDATE ON load_given_up
BEGIN SELECT RAISE(ABORT, 'what a terminal gave up stays so'); END;

DROP TRIGGER load_is_decided_once;
CREATE TRIGGER load_is_final BEFORE UPDATE OF state ON load
WHEN OLD.state = 'CREDITED' OR (OLD.state = 'NOT_CREDITED' AND NEW.state <> 'CREDITED')
BEGIN SELECT RAISE(ABORT, 'the outcome of a load is final'); END;
