-- Rows that leave the database for the archive.

-- name: read_tick_before
SELECT * FROM tick WHERE tick_at < $before

-- name: delete_tick_before
DELETE FROM tick WHERE tick_at < $before

-- name: read_assignment_before
-- But for events that keep a contact, which still waits in that version, from a second assignment.
SELECT * FROM assignment AS a
WHERE a.tick_at < $before
  AND NOT EXISTS (
      SELECT 1 FROM contacts AS c
      WHERE c.contact_id = a.contact_id AND c.version <= a.contact_version
  )

-- name: delete_assignment_before
-- The rows of read_assignment_before.
DELETE FROM assignment AS a
WHERE a.tick_at < $before
  AND NOT EXISTS (
      SELECT 1 FROM contacts AS c
      WHERE c.contact_id = a.contact_id AND c.version <= a.contact_version
  )

-- name: read_response_result_before
SELECT * FROM response_result WHERE applied_at < $before

-- name: delete_response_result_before
DELETE FROM response_result WHERE applied_at < $before

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
