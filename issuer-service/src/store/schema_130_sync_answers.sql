-- Two tasks may be answered with the same bytes: a layout without a head has nothing in it that tells them apart.

-- SHA-256 of the answer that was taken in. It stood in `answer`, of which there could be one only, and which stays empty.
ALTER TABLE sync_file ADD COLUMN answered_with TEXT;
UPDATE sync_file SET answered_with = answer, answer = NULL;
CREATE INDEX sync_file_answered_with ON sync_file (answered_with);
