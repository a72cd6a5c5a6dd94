-- How operators prove who they are, and the sessions of those who have.

CREATE TABLE operator_password (
    operator   TEXT PRIMARY KEY REFERENCES operator (name),
    -- Method, cost, salt and hash: see operator/login/password.rs.
    hash       TEXT NOT NULL,
    -- 1: somebody else knows it. It is good for setting one's own.
    initial    BIGINT NOT NULL CHECK (initial IN (0, 1)),
    changed_at TEXT NOT NULL
);

-- The second factor. Of each step of time one code is taken once.
CREATE TABLE operator_totp (
    number   BIGINT PRIMARY KEY,
    operator TEXT NOT NULL UNIQUE REFERENCES operator (name),
    data_key BIGINT NOT NULL,
    secret   BYTEA NOT NULL,
    step     BIGINT NOT NULL
);

-- Attempts since the last that succeeded, under the name of an operator or a heading for names that nobody has.
CREATE TABLE login_failure (
    name     TEXT PRIMARY KEY,
    failures BIGINT NOT NULL,
    -- Seconds since 1970, UTC.
    last_at  BIGINT NOT NULL
);

CREATE TABLE session (
    -- SHA-256 of the token: who reads the database cannot take a session over.
    token    TEXT PRIMARY KEY,
    operator TEXT NOT NULL REFERENCES operator (name),
    -- Seconds since 1970, UTC.
    began_at BIGINT NOT NULL,
    seen_at  BIGINT NOT NULL
);
CREATE INDEX session_operator ON session (operator);

-- Requests of programs that gave them a key: the same request again is answered, not done.
CREATE TABLE request_key (
    operator TEXT NOT NULL,
    name     TEXT NOT NULL,
    -- SHA-256 of the request.
    digest   TEXT NOT NULL,
    -- What it was done to, as the audit log names it.
    object   TEXT NOT NULL,
    -- Seconds since 1970, UTC.
    at       BIGINT NOT NULL,
    PRIMARY KEY (operator, name)
);
CREATE INDEX request_key_at ON request_key (at);
