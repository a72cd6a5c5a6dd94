-- Who answers for a PSAM that is handed out, by name: sealed, and gone when it comes back. `psam.holder` is of a centre from before
-- this table; what stands there is sealed with the next act on a PSAM.
CREATE TABLE psam_custodian (
    -- The number of its terminal, read as a number.
    number   BIGINT PRIMARY KEY,
    data_key BIGINT NOT NULL,
    name     BYTEA NOT NULL
);
