-- Questions of programs: what a program asks through, and how many wrong query passwords came through it.

-- A property of the certificate, not of what its holder sends; none for a program that asks nothing about people.
ALTER TABLE certificate ADD COLUMN channel TEXT CHECK (channel IN ('web', 'voice', 'counter', 'agent'));

-- Wrong query passwords of one asker in the hour that began then (seconds since 1970).
CREATE TABLE query_mistakes (
    actor    TEXT PRIMARY KEY,
    began_at BIGINT NOT NULL,
    wrong    BIGINT NOT NULL
);
