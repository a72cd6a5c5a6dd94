-- What a supervisor at the terminal said of a record, and when its terminal told that the card shows the opposite. The record itself is final.
CREATE TABLE row_judgement (
    judged_terminal TEXT NOT NULL,
    judged_record   BIGINT NOT NULL,
    said            TEXT CHECK (said IN ('done', 'not-done')),
    said_by         TEXT,
    said_why        TEXT,
    contradicted_at TEXT,
    PRIMARY KEY (judged_terminal, judged_record),
    CHECK ((said IS NULL) = (said_by IS NULL)),
    CHECK ((said IS NULL) = (said_why IS NULL)),
    CHECK (said IS NOT NULL OR contradicted_at IS NOT NULL),
    FOREIGN KEY (judged_terminal, judged_record) REFERENCES upload_row (terminal, record)
);
CREATE TRIGGER row_judgement_is_contradicted_once BEFORE UPDATE ON row_judgement WHEN OLD.contradicted_at IS NOT NULL
BEGIN SELECT RAISE(ABORT, 'a card contradicts a record once'); END;
CREATE TRIGGER row_judgement_stays BEFORE DELETE ON row_judgement BEGIN SELECT RAISE(ABORT, 'what was said of a record is kept'); END;
