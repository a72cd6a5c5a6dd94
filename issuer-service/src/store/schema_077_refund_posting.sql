-- Which posting of a purchase a refund gives back: several may have stood under one name, one behind the other.
ALTER TABLE load ADD COLUMN original_posting TEXT;
UPDATE load SET original_posting = 'purchase:' || original_terminal || ':' || original_sequence || ':' || card
    WHERE original_terminal IS NOT NULL;
CREATE INDEX load_original_posting ON load (original_posting);
