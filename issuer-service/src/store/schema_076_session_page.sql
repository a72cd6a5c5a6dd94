-- What a session's next page shows: rows of people that a search found, and whose data were opened. Rows alone, no names.
ALTER TABLE session ADD COLUMN found TEXT NOT NULL DEFAULT '';
ALTER TABLE session ADD COLUMN found_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE session ADD COLUMN opened BIGINT NOT NULL DEFAULT 0;
