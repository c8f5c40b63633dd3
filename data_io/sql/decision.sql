-- The decision of a tick: committed once, compared with the current versions, then published.

-- name: newest_tick
SELECT max(tick_at) AS tick_at FROM tick

-- name: read_tick
SELECT num_assigned, num_lost FROM tick WHERE tick_at = $tick_at

-- name: read_whole_tick
SELECT * FROM tick WHERE tick_at = $tick_at

-- name: read_lost
SELECT * FROM lost_assignment WHERE tick_at = $tick_at

-- name: judge_planned
-- `incoming` holds the planned rows; a row with a cause must not land.
SELECT
    p.*,
    CASE
        WHEN c.contact_id IS NULL THEN 'contact_gone'
        WHEN c.version <> p.contact_version THEN 'contact_changed'
        WHEN g.agent_id IS NULL THEN 'agent_gone'
        WHEN g.version <> p.agent_version THEN 'agent_changed'
        WHEN e.contact_version >= p.contact_version THEN 'already_assigned'
        WHEN p.contact_id IN (SELECT contact_id FROM agent_load) THEN 'already_assigned'
    END AS cause
FROM incoming AS p
LEFT JOIN contacts AS c ON c.contact_id = p.contact_id
LEFT JOIN agents AS g ON g.agent_id = p.agent_id
LEFT JOIN (
    -- Versions with an offer that did not come back.
    SELECT contact_id, max(contact_version) AS contact_version
    FROM (
        SELECT contact_id, contact_version
        FROM assignment
        WHERE contact_id IN (SELECT contact_id FROM incoming)
        GROUP BY contact_id, contact_version
        HAVING count(*) FILTER (event = 'offered')
            > count(*) FILTER (event IN ('declined', 'expired', 'rescinded'))
    )
    GROUP BY contact_id
) AS e ON e.contact_id = p.contact_id
ORDER BY p.contact_id

-- name: append_lost
INSERT INTO lost_assignment SELECT * FROM incoming

-- name: read_doubled
-- Asked after the rows of a tick were appended, with those rows as `incoming`: versions with two
-- offers that did not come back.
SELECT contact_id, contact_version
FROM assignment
WHERE contact_id IN (SELECT contact_id FROM incoming)
GROUP BY contact_id, contact_version
HAVING count(*) FILTER (event = 'offered')
    > 1 + count(*) FILTER (event IN ('declined', 'expired', 'rescinded'))
ORDER BY contact_id, contact_version

-- name: read_ticks_after
SELECT * FROM tick WHERE tick_at > $after

-- name: read_events_after
-- And older offers that the platform has not acted on: their contacts wait, and nobody else has them.
SELECT *
FROM assignment AS e
WHERE e.event_at > $after OR EXISTS (
    FROM contacts AS c
    WHERE c.contact_id = e.contact_id AND c.version <= e.contact_version
)
