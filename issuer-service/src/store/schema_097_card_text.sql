-- Texts of the site's own card types by which cards were made: one name, one text, for ever. Built-in texts are not kept here.
CREATE TABLE card_text (
    name     TEXT NOT NULL PRIMARY KEY,
    digest   TEXT NOT NULL,
    text     TEXT NOT NULL,
    taken_at TEXT NOT NULL
);
CREATE TRIGGER card_text_is_not_changed BEFORE UPDATE ON card_text BEGIN SELECT RAISE(ABORT, 'cards were made by this text'); END;
CREATE TRIGGER card_text_stays BEFORE DELETE ON card_text BEGIN SELECT RAISE(ABORT, 'cards were made by this text'); END;
