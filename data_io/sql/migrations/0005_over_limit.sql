-- Work that people give by hand may exceed every limit: it is reported.
ALTER TABLE tick ADD COLUMN num_over_limit BIGINT;
ALTER TABLE outlook ALTER COLUMN num_manual_only SET NOT NULL;
