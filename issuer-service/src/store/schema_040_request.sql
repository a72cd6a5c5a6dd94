-- What people ask for: a first card, or another one in place of one they have.

CREATE TABLE card_request (
    number     BIGINT PRIMARY KEY,
    person     BIGINT NOT NULL REFERENCES person (id),
    kind       TEXT NOT NULL
        CHECK (kind IN ('first', 'lost', 'damaged', 'warranty', 'renewal', 'data-change')),
    -- Made while the person waits at the counter (1), or with others (0).
    instant    BIGINT NOT NULL,
    state      TEXT NOT NULL CHECK (state IN ('open', 'batched', 'done', 'withdrawn')),
    -- Chip of the card that the new one takes the place of.
    old_chip   TEXT REFERENCES card (chip),
    -- The job that is to fulfil it, the latest one.
    job        BIGINT REFERENCES job (number),
    maker      TEXT NOT NULL,
    made_at    TEXT NOT NULL,
    changed_at TEXT NOT NULL,
    CHECK (kind = 'first' OR old_chip IS NOT NULL)
);

-- One person has one open request.
CREATE UNIQUE INDEX card_request_open ON card_request (person) WHERE state IN ('open', 'batched');
CREATE UNIQUE INDEX card_request_job ON card_request (job);
CREATE INDEX card_request_state ON card_request (state, number);
