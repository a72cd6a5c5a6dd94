-- Which keys a PSAM holds (docs/adr/0092); those of before hold all.

ALTER TABLE psam ADD COLUMN keys TEXT NOT NULL DEFAULT 'all';
-- A ticket names the card's number of its purchase too (docs/adr/0094); those of before do not say it.
ALTER TABLE ticket ADD COLUMN original_card_sequence BIGINT;
