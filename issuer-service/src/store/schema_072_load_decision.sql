-- What people decide about loads whose outcome nobody told: one asks, another decides.
CREATE TABLE load_decision (
    number     INTEGER PRIMARY KEY,
    load_id    TEXT NOT NULL REFERENCES load (load_id),
    act        TEXT NOT NULL CHECK (act IN ('credited', 'not-credited')),
    reason     TEXT NOT NULL CHECK (length(reason) > 0),
    state      TEXT NOT NULL CHECK (state IN ('proposed', 'approved', 'rejected')),
    maker      TEXT NOT NULL,
    made_at    TEXT NOT NULL,
    checker    TEXT CHECK (checker <> maker),
    checked_at TEXT,
    -- Window that the decision counts in; of an approved one.
    decided_on TEXT REFERENCES clearing_window (business_date),
    CHECK ((state = 'proposed') = (checker IS NULL)),
    CHECK ((state = 'approved') = (decided_on IS NOT NULL))
);
CREATE UNIQUE INDEX load_decision_one_waits ON load_decision (load_id) WHERE state = 'proposed';
CREATE INDEX load_decision_of_load ON load_decision (load_id);
CREATE INDEX load_decision_on ON load_decision (decided_on);
CREATE TRIGGER load_decision_is_made_once BEFORE UPDATE ON load_decision WHEN OLD.state <> 'proposed'
BEGIN SELECT RAISE(ABORT, 'a decision about a load is final'); END;
CREATE TRIGGER load_decision_stays BEFORE DELETE ON load_decision BEGIN SELECT RAISE(ABORT, 'a decision about a load is final'); END;

-- Loads that people called credited, and that gave way: their card showed that it did not take them, or two people said so.
CREATE TABLE load_yield (
    yielded_load     TEXT PRIMARY KEY REFERENCES load (load_id),
    yielded_decision BIGINT NOT NULL REFERENCES load_decision (number),
    -- Window in which it had counted as credited.
    credited_on      TEXT NOT NULL REFERENCES clearing_window (business_date),
    yielded_on       TEXT NOT NULL REFERENCES clearing_window (business_date),
    yielded_why      TEXT NOT NULL
);
CREATE INDEX load_yield_on ON load_yield (yielded_on);
CREATE INDEX load_yield_credited ON load_yield (credited_on);
CREATE TRIGGER load_yield_is_not_changed BEFORE UPDATE ON load_yield BEGIN SELECT RAISE(ABORT, 'what yielded stays so'); END;
CREATE TRIGGER load_yield_stays BEFORE DELETE ON load_yield BEGIN SELECT RAISE(ABORT, 'what yielded stays so'); END;

DROP TRIGGER load_is_final;
CREATE TRIGGER load_outcome_is_final BEFORE UPDATE OF state ON load
WHEN (OLD.state = 'CREDITED' AND NOT (NEW.state = 'NOT_CREDITED' AND OLD.tac IS NULL
        AND EXISTS (SELECT 1 FROM load_yield WHERE yielded_load = OLD.load_id)))
    OR (OLD.state = 'NOT_CREDITED' AND NEW.state <> 'CREDITED')
BEGIN SELECT RAISE(ABORT, 'the outcome of a load is final'); END;

-- Rejections are of one more kind.
CREATE TABLE rejection_of_loads (
    rejected_kind   TEXT NOT NULL CHECK (rejected_kind IN ('row', 'sale', 'allotment', 'load')),
    rejected_number BIGINT NOT NULL,
    rejected_why    TEXT NOT NULL CHECK (length(rejected_why) > 0),
    PRIMARY KEY (rejected_kind, rejected_number)
);
INSERT INTO rejection_of_loads (rejected_kind, rejected_number, rejected_why)
    SELECT rejected_kind, rejected_number, rejected_why FROM rejection;
DROP TABLE rejection;
ALTER TABLE rejection_of_loads RENAME TO rejection;
CREATE TRIGGER rejection_is_final BEFORE UPDATE ON rejection BEGIN SELECT RAISE(ABORT, 'a rejection is final'); END;
CREATE TRIGGER rejection_is_kept BEFORE DELETE ON rejection BEGIN SELECT RAISE(ABORT, 'a rejection is final'); END;
