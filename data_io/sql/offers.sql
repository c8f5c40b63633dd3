-- Offers: their events, what the platform answers, and when their contacts were last seen.

-- name: read_offers
-- The last event of every offer that may still matter to the tick $tick_at: if it came after
-- $since, those of contacts that wait, are held, were seen lately or are named by `incoming`, and
-- those that use up a profile in their agent's shift. Three scans are faster than one with ORs.
SELECT DISTINCT ON (e.contact_id, e.tick_at) e.*
FROM (
    SELECT a.* FROM assignment AS a WHERE a.event_at > $since
    UNION ALL
    SELECT a.*
    FROM assignment AS a
    SEMI JOIN (
        SELECT contact_id FROM contacts
        UNION
        SELECT contact_id FROM agent_load
        UNION
        SELECT contact_id FROM sighting
        UNION
        SELECT contact_id FROM incoming
    ) AS c ON c.contact_id = a.contact_id
    UNION ALL
    SELECT a.*
    FROM assignment AS a
    JOIN agents AS g ON g.agent_id = a.agent_id
    WHERE a.profiles IS NOT NULL AND a.tick_at >= g.shift_start_at
) AS e
WHERE e.tick_at < $tick_at
ORDER BY
    e.contact_id,
    e.tick_at,
    CASE e.event WHEN 'offered' THEN 0 WHEN 'delivered' THEN 1 WHEN 'accepted' THEN 2 ELSE 3 END
    DESC

-- name: read_known_responses
SELECT response_id
FROM incoming
WHERE response_id IN (SELECT response_id FROM response_result)

-- name: read_sightings
SELECT contact_id, seen_at FROM sighting

-- name: delete_sightings
DELETE FROM sighting

-- name: append_sightings
INSERT INTO sighting SELECT contact_id, seen_at FROM incoming

-- name: read_responses_after
SELECT * FROM response_result WHERE applied_at > $after
