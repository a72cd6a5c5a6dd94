-- The printer of the kiosk did not take the certificate: it does not count towards the month until somebody prints it. `printed` holds
-- the prints of kiosks as well, where they are told.
ALTER TABLE participation_certificate ADD COLUMN unprinted BIGINT NOT NULL DEFAULT 0;
