-- The centre itself: facts, operators, audit.

CREATE TABLE centre (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
);

CREATE TABLE operator (
    name       TEXT PRIMARY KEY,
    state      TEXT NOT NULL CHECK (state IN ('active', 'closed')),
    created_at TEXT NOT NULL
);

CREATE TABLE operator_role (
    operator TEXT NOT NULL REFERENCES operator (name),
    role     TEXT NOT NULL,
    PRIMARY KEY (operator, role)
);

-- Append-only: each record holds the hash of the one before it.
CREATE TABLE audit (
    sequence    BIGINT PRIMARY KEY,
    recorded_at TEXT NOT NULL,
    actor       TEXT NOT NULL,
    act         TEXT NOT NULL,
    object      TEXT NOT NULL,
    detail      TEXT NOT NULL,
    previous    TEXT NOT NULL,
    hash        TEXT NOT NULL
);

-- Heads of the chain, signed with the centre's Ed25519 key.
CREATE TABLE audit_checkpoint (
    sequence  BIGINT PRIMARY KEY REFERENCES audit (sequence),
    hash      TEXT NOT NULL,
    signed_at TEXT NOT NULL,
    signature TEXT NOT NULL
);
