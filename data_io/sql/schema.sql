-- Bookkeeping of the migrations in sql/migrations.

-- name: create_schema_migration
CREATE TABLE IF NOT EXISTS schema_migration (
    version BIGINT NOT NULL,
    name VARCHAR NOT NULL,
    applied_at TIMESTAMPTZ NOT NULL
)

-- name: newest_migration
SELECT max(version) AS version FROM schema_migration

-- name: record_migration
INSERT INTO schema_migration VALUES ($version, $name, $applied_at)
