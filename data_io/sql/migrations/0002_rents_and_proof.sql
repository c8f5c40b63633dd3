-- What each conversation is worth where it is, and where the bound of a tick comes from.

ALTER TABLE explanation ADD COLUMN rent DOUBLE DEFAULT 0.0;
ALTER TABLE explanation ALTER COLUMN rent SET NOT NULL;
ALTER TABLE explanation ALTER COLUMN rent DROP DEFAULT;

ALTER TABLE tick ADD COLUMN proof VARCHAR DEFAULT 'prices';
ALTER TABLE tick ALTER COLUMN proof SET NOT NULL;
ALTER TABLE tick ALTER COLUMN proof DROP DEFAULT;
