-- A station elsewhere says itself of which data it made a card: nothing has to be kept of what it was given.
ALTER TABLE job_data DROP COLUMN given;
