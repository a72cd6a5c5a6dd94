-- Why a PSAM was taken out of use, lost or replaced, and who said so; nothing of those that were before this table knew.

ALTER TABLE psam ADD COLUMN reason TEXT;
ALTER TABLE psam ADD COLUMN ended_by TEXT;
ALTER TABLE psam_return ADD COLUMN reason TEXT NOT NULL DEFAULT '';
ALTER TABLE psam_return ADD COLUMN opened_by TEXT NOT NULL DEFAULT '';
