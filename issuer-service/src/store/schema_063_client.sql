-- Certificates of programs that ask for an operator.

CREATE TABLE certificate_of_all (
    number      BIGINT PRIMARY KEY,
    role        TEXT NOT NULL CHECK (role IN ('station', 'client', 'terminal', 'institution')),
    name        TEXT NOT NULL,
    state       TEXT NOT NULL CHECK (state IN ('enrolled', 'certified', 'revoked')),
    -- What the holder sent: a certificate request, PEM.
    request     TEXT NOT NULL,
    -- SHA-256 of the key in it. A key is certified once.
    public_key  TEXT NOT NULL UNIQUE,
    maker       TEXT NOT NULL,
    checker     TEXT,
    -- SHA-256 of the certificate.
    fingerprint TEXT UNIQUE,
    valid_until TEXT,
    changed_at  TEXT NOT NULL,
    -- The certificate and the authority's, PEM.
    chain       TEXT,
    -- Nobody certifies what they enrolled.
    CHECK (checker IS NULL OR checker <> maker)
);
INSERT INTO certificate_of_all (number, role, name, state, request, public_key, maker, checker, fingerprint, valid_until, changed_at, chain)
    SELECT number, role, name, state, request, public_key, maker, checker, fingerprint, valid_until, changed_at, chain FROM certificate;
DROP TABLE certificate;
ALTER TABLE certificate_of_all RENAME TO certificate;
CREATE INDEX certificate_name ON certificate (role, name);
