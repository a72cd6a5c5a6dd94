-- What two people decided of a record and took back, since its card contradicts the record: a second decision of the same record, numbered
-- with the others. The first one stays as it was.
CREATE TABLE row_take_back (
    taken_number   INTEGER PRIMARY KEY,
    taken_terminal TEXT NOT NULL,
    taken_record   BIGINT NOT NULL,
    taken_reason   TEXT NOT NULL CHECK (length(taken_reason) > 0),
    taken_state    TEXT NOT NULL CHECK (taken_state IN ('proposed', 'approved', 'rejected')),
    taken_by       TEXT NOT NULL,
    taken_at       TEXT NOT NULL,
    taken_checker  TEXT CHECK (taken_checker <> taken_by),
    taken_checked  TEXT,
    -- Window that it counts in; of an approved one.
    taken_on       TEXT REFERENCES clearing_window (business_date),
    CHECK ((taken_state = 'proposed') = (taken_checker IS NULL)),
    CHECK ((taken_state = 'approved') = (taken_on IS NOT NULL)),
    FOREIGN KEY (taken_terminal, taken_record) REFERENCES upload_row (terminal, record)
);
CREATE UNIQUE INDEX row_take_back_one_of_a_row ON row_take_back (taken_terminal, taken_record) WHERE taken_state <> 'rejected';
CREATE INDEX row_take_back_on ON row_take_back (taken_on);
CREATE TRIGGER row_take_back_is_made_once BEFORE UPDATE ON row_take_back WHEN OLD.taken_state <> 'proposed'
BEGIN SELECT RAISE(ABORT, 'a decision about a record is final'); END;
CREATE TRIGGER row_take_back_stays BEFORE DELETE ON row_take_back BEGIN SELECT RAISE(ABORT, 'a decision about a record is final'); END;
