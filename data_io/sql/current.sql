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

-- name: read_consumed
-- The last event of every waiting contact whose present version an earlier tick consumed.
SELECT DISTINCT ON (a.contact_id)
    a.contact_id, a.event, a.agent_id, a.conversation_id, a.customer_id, a.channel,
    a.units, a.event_at
FROM assignment AS a
JOIN contacts AS c ON c.contact_id = a.contact_id AND c.version <= a.contact_version
WHERE a.tick_at < $tick_at
ORDER BY a.contact_id, a.contact_version DESC, a.event_at DESC, a.event

-- name: read_departed
-- The last event, if it came after $after, of every contact that no longer waits.
SELECT DISTINCT ON (a.contact_id)
    a.contact_id, a.event, a.agent_id, a.conversation_id, a.customer_id, a.channel,
    a.units, a.event_at
FROM assignment AS a
WHERE a.event_at > $after AND a.tick_at < $tick_at
  AND NOT EXISTS (SELECT 1 FROM contacts AS c WHERE c.contact_id = a.contact_id)
ORDER BY a.contact_id, a.contact_version DESC, a.event_at DESC, a.event
