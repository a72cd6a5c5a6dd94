-- When a terminal last signed in, and signed out since. Of what it did before this table nothing is known.
ALTER TABLE terminal ADD COLUMN signed_in_at TEXT;
ALTER TABLE terminal ADD COLUMN signed_out_at TEXT;
