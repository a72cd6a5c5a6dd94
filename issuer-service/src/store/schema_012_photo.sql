-- Photos of holders, sealed: the file that came, and the one for the chip.

CREATE TABLE photo (
    person      BIGINT PRIMARY KEY REFERENCES person (id),
    -- Data key of both.
    data_key    BIGINT NOT NULL,
    original    BYTEA NOT NULL,
    -- Sealed, and empty inside when the card had no file for a photo.
    chip        BYTEA NOT NULL,
    -- Pixels of the original.
    width       BIGINT NOT NULL,
    height      BIGINT NOT NULL,
    taken_in_by TEXT NOT NULL,
    taken_in_at TEXT NOT NULL
);
