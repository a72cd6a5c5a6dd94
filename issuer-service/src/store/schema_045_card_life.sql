-- The life of a card after it is made: states of AAZ502, every move, what replaces what, deaths. The table of cards is made
-- anew: its states have grown.

CREATE TABLE card_in_life (
    -- Historical bytes of the ATR: one chip, one person.
    chip            TEXT PRIMARY KEY,
    job             BIGINT NOT NULL UNIQUE REFERENCES job (number),
    person          BIGINT NOT NULL REFERENCES person (id),
    card_number     TEXT NOT NULL UNIQUE REFERENCES card_number (number),
    card_identifier TEXT NOT NULL UNIQUE,
    profile         TEXT NOT NULL,
    issue_date      TEXT NOT NULL,
    valid_until     TEXT NOT NULL,
    state           TEXT NOT NULL CHECK (state IN ('writing', 'spoilt', 'sealed', 'normal', 'formal_loss', 'locked',
                                                   'temporary_loss', 'cancelled')),
    changed_at      TEXT NOT NULL
);
INSERT INTO card_in_life (chip, job, person, card_number, card_identifier, profile, issue_date, valid_until, state, changed_at)
    SELECT chip, job, person, card_number, card_identifier, profile, issue_date, valid_until, state, changed_at FROM card;
DROP TABLE card;
ALTER TABLE card_in_life RENAME TO card;

-- One person, one card in the making or not handed out, and one that works or may work again: the old one works until the new one
-- is activated.
CREATE UNIQUE INDEX card_coming ON card (person) WHERE state IN ('writing', 'sealed');
CREATE UNIQUE INDEX card_live ON card (person) WHERE state IN ('normal', 'locked', 'temporary_loss');
CREATE INDEX card_person ON card (person);
CREATE INDEX card_temporary_loss ON card (job) WHERE state = 'temporary_loss';

-- Every move of a card's life, in order.
CREATE TABLE card_move (
    sequence   BIGINT PRIMARY KEY,
    job        BIGINT NOT NULL REFERENCES job (number),
    step       TEXT NOT NULL,
    from_state TEXT NOT NULL,
    to_state   TEXT NOT NULL,
    reason     TEXT NOT NULL,
    operator   TEXT NOT NULL,
    moved_at   TEXT NOT NULL,
    -- Day on which a temporary loss ends by itself, YYYYMMDD.
    release_on TEXT
);
CREATE INDEX card_move_job ON card_move (job, sequence);

-- Which card took the place of which: recorded when the new one is activated.
CREATE TABLE card_replacement (
    old_job     BIGINT PRIMARY KEY REFERENCES job (number),
    new_job     BIGINT NOT NULL REFERENCES job (number),
    replaced_at TEXT NOT NULL
);
CREATE INDEX card_replacement_new ON card_replacement (new_job);

-- AAC060: people known to be dead.
CREATE TABLE person_death (
    person      BIGINT PRIMARY KEY REFERENCES person (id),
    died_on     TEXT NOT NULL,
    reason      TEXT NOT NULL,
    operator    TEXT NOT NULL,
    recorded_at TEXT NOT NULL
);
