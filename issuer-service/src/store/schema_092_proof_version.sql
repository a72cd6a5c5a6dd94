-- By which rule a closed window was proved and its hash made: 1 up to now, 2 since every entry on the institutions' accounts counts.
ALTER TABLE clearing_window ADD COLUMN proof_version BIGINT CHECK (proof_version > 0);
UPDATE clearing_window SET proof_version = 1 WHERE state = 'CLOSED';
