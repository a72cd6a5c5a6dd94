-- Bank card numbers (银行卡号, AAE010) that partners gave to cards: kept with the card, however long its exchange file is.
CREATE TABLE bank_card (
    job         BIGINT PRIMARY KEY REFERENCES job (number),
    -- Keyed hash of the number.
    number_hash BYTEA NOT NULL,
    data_key    BIGINT NOT NULL,
    bank_number BYTEA NOT NULL,
    kept_at     TEXT NOT NULL
);
CREATE INDEX bank_card_hash ON bank_card (number_hash);
