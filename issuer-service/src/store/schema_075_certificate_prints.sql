-- How often a counter printed a certificate of participation; what a kiosk printed itself the centre is not told.
ALTER TABLE participation_certificate ADD COLUMN printed BIGINT NOT NULL DEFAULT 0;
