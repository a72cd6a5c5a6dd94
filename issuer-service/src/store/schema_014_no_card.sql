-- Why no card can be made for a person although the person is registered; empty when one can.

-- 'conflict': sources differ on the name, undecided. 'text': the chip cannot hold a text of the person's.
-- 'unweighed': a row of an older schema on which sources differ; it is looked at when the data keys are there.
ALTER TABLE person ADD COLUMN no_card TEXT NOT NULL DEFAULT '';
UPDATE person SET no_card = 'unweighed' WHERE conflicts > 0;
CREATE INDEX person_no_card ON person (id) WHERE no_card <> '';
