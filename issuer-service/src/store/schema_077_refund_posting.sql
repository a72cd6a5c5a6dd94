-- Which posting of a purchase a refund gives back: several may have stood under one name, one behind the other.
ALTER TABLE load ADD COLUMN original_posting TEXT;
-- What was prepared behind the taking back of the first one is of the posting of its name that stood then: the latest one, which has the
-- number of its record.
UPDATE load SET original_posting = coalesce(
        (SELECT reference FROM posting
            WHERE reference LIKE 'purchase:' || original_terminal || ':' || original_sequence || ':' || card || ':%'
                AND created_at <= prepared_at
            ORDER BY id DESC LIMIT 1),
        'purchase:' || original_terminal || ':' || original_sequence || ':' || card)
    WHERE original_terminal IS NOT NULL;
CREATE INDEX load_original_posting ON load (original_posting);
