-- How often what goes onto the card of a job changed since the job was made, and how often it had when it was last given to a station
-- elsewhere; nothing stands here of a job of which nothing changed. A card made of older data is written anew: it is no mistake of
-- the station.
CREATE TABLE job_data (
    job     BIGINT PRIMARY KEY REFERENCES job (number),
    changes BIGINT NOT NULL,
    given   BIGINT NOT NULL
);
