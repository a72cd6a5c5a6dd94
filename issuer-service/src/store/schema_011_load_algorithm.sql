-- Algorithm byte that the card answered: its TAC is checked by it. Loads older than this column were of 3DES cards.

ALTER TABLE load ADD COLUMN algorithm BIGINT NOT NULL DEFAULT 0;
