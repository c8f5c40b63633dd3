-- Rows that leave the database for the archive.

-- name: read_before
SELECT * FROM {table} WHERE tick_at < $before

-- name: delete_before
DELETE FROM {table} WHERE tick_at < $before

-- name: delete_lost_before
DELETE FROM lost_assignment WHERE tick_at < $before

-- name: count_rejected_before
SELECT count(*) AS num_rows FROM rejected_row WHERE last_seen_at < $before

-- name: delete_rejected_before
DELETE FROM rejected_row WHERE last_seen_at < $before

-- name: delete_snapshots_before
-- The newest snapshot stays, however old it is.
DELETE FROM snapshot
WHERE snapshot_at < $before AND snapshot_at < (SELECT max(snapshot_at) FROM snapshot)
