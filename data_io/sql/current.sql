-- The current state: replaced at each snapshot, read at each tick.

-- name: read_rows
SELECT * FROM {table}

-- name: delete_rows
DELETE FROM {table}

-- name: append_incoming
INSERT INTO {table} SELECT * FROM incoming

-- name: read_incoming
SELECT * FROM incoming

-- name: touch_rejected
UPDATE rejected_row
SET last_seen_at = $snapshot_at
FROM incoming
WHERE rejected_row.table_name = incoming.table_name
  AND rejected_row.row_digest = incoming.row_digest

-- name: append_rejected
INSERT INTO rejected_row
SELECT $snapshot_at, $snapshot_at, table_name, rule, num_rules, raw, row_digest
FROM incoming
WHERE NOT EXISTS (
    SELECT 1 FROM rejected_row
    WHERE rejected_row.table_name = incoming.table_name
      AND rejected_row.row_digest = incoming.row_digest
)

-- name: forget_snapshots_from
-- A snapshot that rewinds (an import of an earlier instant) becomes the newest one.
DELETE FROM snapshot WHERE snapshot_at >= $snapshot_at

-- name: record_snapshot
INSERT INTO snapshot VALUES ($snapshot_at, $num_rejected)

-- name: newest_snapshot
SELECT snapshot_at, num_rejected FROM snapshot ORDER BY snapshot_at DESC LIMIT 1
