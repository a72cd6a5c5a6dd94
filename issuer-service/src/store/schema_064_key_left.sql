-- Keys of a ceremony that was given up which the token would not let go: they are no key set's, and no later ceremony uses their version.
ALTER TABLE ceremony_key ADD COLUMN left_behind BIGINT NOT NULL DEFAULT 0 CHECK (left_behind IN (0, 1));
