-- A record is decided anew once two people took back what was decided: `again` counts what was taken back before.
DROP INDEX row_decision_one_of_a_row;
DROP INDEX row_take_back_one_of_a_row;
ALTER TABLE row_decision ADD COLUMN again BIGINT NOT NULL DEFAULT 0;
ALTER TABLE row_take_back ADD COLUMN taken_again BIGINT NOT NULL DEFAULT 0;
CREATE UNIQUE INDEX row_decision_one_at_a_time ON row_decision (row_terminal, row_record, again) WHERE state <> 'rejected';
CREATE UNIQUE INDEX row_take_back_one_of_a_decision ON row_take_back (taken_terminal, taken_record, taken_again)
    WHERE taken_state <> 'rejected';
CREATE TRIGGER row_decision_follows_a_take_back BEFORE INSERT ON row_decision
WHEN NEW.again > 0 AND NOT EXISTS (SELECT 1 FROM row_take_back WHERE taken_terminal = NEW.row_terminal
    AND taken_record = NEW.row_record AND taken_again = NEW.again - 1 AND taken_state = 'approved')
BEGIN SELECT RAISE(ABORT, 'a record is decided anew behind a take-back'); END;
-- The decision of the record that there was when its card told the code; none before one.
ALTER TABLE row_proof ADD COLUMN proved_behind BIGINT;
