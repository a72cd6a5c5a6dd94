-- Databases that held people before freed pages were overwritten: the next rotation of data keys writes the file anew, once.

INSERT INTO centre (name, value)
    SELECT 'free_pages', 'unknown' WHERE EXISTS (SELECT 1 FROM person);
