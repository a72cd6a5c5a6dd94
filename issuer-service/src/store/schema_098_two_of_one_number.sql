-- Two purchases of one terminal, one terminal sequence and one card are two where the card's codes show two of its numbers
-- (docs/adr/0094): one by the terminal's own module, one by a module elsewhere that numbers purchases as the card does.
DROP INDEX upload_row_terminal_once;
CREATE UNIQUE INDEX upload_row_terminal_once ON upload_row (terminal, terminal_sequence, card, card_sequence)
    WHERE outcome = 'ACCEPTED' AND kind = 'purchase';
-- Which of them a refund gives back; terminals of before do not say it.
ALTER TABLE load ADD COLUMN original_card_sequence BIGINT;
ALTER TABLE upload_row ADD COLUMN original_card_sequence BIGINT;
