-- Certificates of stations and terminals at the other end of a line, jobs on lease to them, and what they have asked.

CREATE TABLE certificate (
    number      BIGINT PRIMARY KEY,
    role        TEXT NOT NULL CHECK (role IN ('station', 'terminal', 'institution')),
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
    -- Nobody certifies what they enrolled.
    CHECK (checker IS NULL OR checker <> maker)
);
CREATE INDEX certificate_name ON certificate (role, name);

-- Who a job is kept for. While it waits, until an instant; once a chip is bound, for good.
CREATE TABLE station_job (
    job         BIGINT PRIMARY KEY REFERENCES job (number),
    station     TEXT NOT NULL,
    lease_until TEXT NOT NULL,
    -- Cryptograms given for its card.
    cryptograms BIGINT NOT NULL
);
CREATE INDEX station_job_station ON station_job (station, lease_until);

-- What stations asked, by the ids that they gave: the same message has one effect.
CREATE TABLE station_message (
    station TEXT NOT NULL,
    id      TEXT NOT NULL,
    -- SHA-256 of the message.
    digest  TEXT NOT NULL,
    -- Number that the answer was made of.
    result  BIGINT,
    at      TEXT NOT NULL,
    PRIMARY KEY (station, id)
);
