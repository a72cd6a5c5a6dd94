-- Drug catalogues for terminals: taken in by one person, published by another; a published one is final.
CREATE TABLE catalogue (
    version      TEXT PRIMARY KEY,
    digest       TEXT NOT NULL,
    codes        BIGINT NOT NULL CHECK (codes >= 0),
    bytes        BIGINT NOT NULL CHECK (bytes > 0),
    text         TEXT NOT NULL,
    imported_by  TEXT NOT NULL,
    imported_at  TEXT NOT NULL,
    sequence     BIGINT UNIQUE CHECK (sequence > 0),
    valid_from   TEXT,
    published_by TEXT CHECK (published_by <> imported_by),
    published_at TEXT,
    CHECK ((sequence IS NULL) = (valid_from IS NULL)),
    CHECK ((sequence IS NULL) = (published_by IS NULL)),
    CHECK ((sequence IS NULL) = (published_at IS NULL))
);
CREATE TRIGGER catalogue_is_published_once BEFORE UPDATE ON catalogue WHEN OLD.sequence IS NOT NULL
BEGIN SELECT RAISE(ABORT, 'a published catalogue is final'); END;
CREATE TRIGGER catalogue_stays BEFORE DELETE ON catalogue BEGIN SELECT RAISE(ABORT, 'catalogues are kept'); END;
