-- Cards as things: how many of which box, or which card, is where in what state; every move of them; who keeps which place.

CREATE TABLE stock_place (
    code      TEXT PRIMARY KEY,
    kind      TEXT NOT NULL CHECK (kind IN ('store', 'station', 'outlet', 'parcel', 'sack')),
    title     TEXT NOT NULL,
    -- Who answers for what is there.
    keeper    TEXT NOT NULL,
    -- Of a parcel: where it goes.
    bound_for TEXT REFERENCES stock_place (code),
    made_by   TEXT NOT NULL,
    made_at   TEXT NOT NULL,
    -- Of a sack of cards to be destroyed: who destroyed them.
    closed_by TEXT,
    closed_at TEXT,
    CHECK ((kind = 'parcel') = (bound_for IS NOT NULL)),
    -- Nobody destroys alone.
    CHECK (closed_by IS NULL OR closed_by <> made_by)
);
INSERT INTO stock_place (code, kind, title, keeper, made_by, made_at) VALUES ('store', 'store', '', '-', '-', '-');

-- What is held. `unit` is box:NAME for blank cards, which have no names of their own, and card:卡号 from then on.
CREATE TABLE stock (
    unit  TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('received', 'blank', 'issued', 'in_work', 'finished', 'packed', 'in_transit',
                                         'at_outlet', 'unclaimed', 'returned', 'handed_out', 'spoilt', 'condemned',
                                         'missing', 'destroyed')),
    place TEXT NOT NULL REFERENCES stock_place (code),
    lot   TEXT NOT NULL,
    cards BIGINT NOT NULL CHECK (cards > 0),
    since TEXT NOT NULL,
    PRIMARY KEY (unit, state, place)
);
CREATE INDEX stock_place_state ON stock (place, state);
CREATE INDEX stock_lot ON stock (lot, state);

-- Every move, in order; what is held follows from it. Cards that enter come from nowhere.
CREATE TABLE stock_journal (
    sequence   BIGINT PRIMARY KEY,
    at         TEXT NOT NULL,
    move       TEXT NOT NULL,
    lot        TEXT NOT NULL,
    cards      BIGINT NOT NULL CHECK (cards > 0),
    from_unit  TEXT,
    from_state TEXT,
    from_place TEXT,
    to_unit    TEXT NOT NULL,
    to_state   TEXT NOT NULL,
    to_place   TEXT NOT NULL,
    operator   TEXT NOT NULL,
    reason     TEXT NOT NULL
);
CREATE INDEX stock_journal_from ON stock_journal (from_unit, sequence);
CREATE INDEX stock_journal_to ON stock_journal (to_unit, sequence);
