-- Why somebody rejected what another person had proposed.
CREATE TABLE rejection (
    rejected_kind   TEXT NOT NULL CHECK (rejected_kind IN ('row', 'sale', 'allotment')),
    rejected_number BIGINT NOT NULL,
    rejected_why    TEXT NOT NULL CHECK (length(rejected_why) > 0),
    PRIMARY KEY (rejected_kind, rejected_number)
);
CREATE TRIGGER rejection_is_not_changed BEFORE UPDATE ON rejection BEGIN SELECT RAISE(ABORT, 'a rejection is final'); END;
CREATE TRIGGER rejection_stays BEFORE DELETE ON rejection BEGIN SELECT RAISE(ABORT, 'a rejection is final'); END;
