-- What people decide about uploaded records that were not posted: one asks, another decides; the record itself stays as it was judged.
CREATE TABLE row_decision (
    number       INTEGER PRIMARY KEY,
    row_terminal TEXT NOT NULL,
    row_record   BIGINT NOT NULL,
    act          TEXT NOT NULL CHECK (act IN ('post', 'return', 'dismiss')),
    reason       TEXT NOT NULL CHECK (length(reason) > 0),
    state        TEXT NOT NULL CHECK (state IN ('proposed', 'approved', 'rejected')),
    maker        TEXT NOT NULL,
    made_at      TEXT NOT NULL,
    checker      TEXT CHECK (checker <> maker),
    checked_at   TEXT,
    -- Window that the decision counts in; of an approved one.
    posted_on    TEXT REFERENCES clearing_window (business_date),
    CHECK ((state = 'proposed') = (checker IS NULL)),
    CHECK ((state = 'approved') = (posted_on IS NOT NULL)),
    FOREIGN KEY (row_terminal, row_record) REFERENCES upload_row (terminal, record)
);
CREATE UNIQUE INDEX row_decision_one_of_a_row ON row_decision (row_terminal, row_record) WHERE state <> 'rejected';
CREATE INDEX row_decision_posted ON row_decision (posted_on);
CREATE TRIGGER row_decision_is_made_once BEFORE UPDATE ON row_decision WHEN OLD.state <> 'proposed'
BEGIN SELECT RAISE(ABORT, 'a decision about a record is final'); END;
CREATE TRIGGER row_decision_stays BEFORE DELETE ON row_decision BEGIN SELECT RAISE(ABORT, 'a decision about a record is final'); END;
