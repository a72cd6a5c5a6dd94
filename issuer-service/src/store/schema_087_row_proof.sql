-- The code that a card told of a record afterwards; the centre has checked it. The record itself is final.
CREATE TABLE row_proof (
    proved_terminal TEXT NOT NULL,
    proved_record   BIGINT NOT NULL,
    proof           TEXT NOT NULL,
    proved_at       TEXT NOT NULL,
    PRIMARY KEY (proved_terminal, proved_record),
    FOREIGN KEY (proved_terminal, proved_record) REFERENCES upload_row (terminal, record)
);
CREATE TRIGGER row_proof_is_not_changed BEFORE UPDATE ON row_proof BEGIN SELECT RAISE(ABORT, 'a proof stays as it came'); END;
CREATE TRIGGER row_proof_stays BEFORE DELETE ON row_proof BEGIN SELECT RAISE(ABORT, 'what a card told of a record is kept'); END;
