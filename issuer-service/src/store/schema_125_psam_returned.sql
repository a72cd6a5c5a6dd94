-- When a PSAM came back from an institution, until it is handed out again: one that was made and never handed out may serve as it did before
-- custody was kept.
ALTER TABLE psam ADD COLUMN returned_at TEXT;
UPDATE psam SET returned_at = changed_at WHERE state = 'in_custody'
    AND EXISTS (SELECT 1 FROM audit a WHERE a.act = 'psam.return' AND a.object = 'terminal ' || psam.terminal_number);
-- It is asked with every request of a terminal.
CREATE INDEX psam_number ON psam (terminal_number);
