-- Whether a purchase with the card's own code also shows the card's number (docs/adr/0087). What came before was believed for it.
ALTER TABLE upload_row ADD COLUMN number_unproved BIGINT NOT NULL DEFAULT 0 CHECK (number_unproved IN (0, 1));
ALTER TABLE row_proof ADD COLUMN proof_unproved BIGINT NOT NULL DEFAULT 0 CHECK (proof_unproved IN (0, 1));
DROP INDEX upload_row_card_once;
CREATE UNIQUE INDEX upload_row_card_once ON upload_row (card, card_sequence, kind)
    WHERE outcome = 'ACCEPTED' AND number_unproved = 0;
