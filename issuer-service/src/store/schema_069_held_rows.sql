-- A record that is held owns no number: only what was accepted does, and what two people posted or returned (store/upload.rs).
-- A terminal's sequence is one of a purchase together with its card: where a security module elsewhere numbers purchases as the card does,
-- two cards at one terminal have the same.
DROP INDEX upload_row_terminal_once;
DROP INDEX upload_row_card_once;
CREATE UNIQUE INDEX upload_row_terminal_once ON upload_row (terminal, terminal_sequence, card)
    WHERE outcome = 'ACCEPTED' AND kind = 'purchase';
CREATE UNIQUE INDEX upload_row_card_once ON upload_row (card, card_sequence, kind) WHERE outcome = 'ACCEPTED';
CREATE INDEX upload_row_terminal_sequence ON upload_row (terminal, terminal_sequence);
CREATE INDEX upload_row_card_sequence ON upload_row (card, card_sequence);
