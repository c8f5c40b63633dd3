-- What the price job learns from, and what it made (`data_io/price_store.py`).

-- name: read_taken
-- Of `incoming`, contacts that somebody took: an offer was accepted, or stands.
SELECT contact_id
FROM assignment
WHERE event_at > $since AND contact_id IN (SELECT contact_id FROM incoming)
GROUP BY contact_id
HAVING count(*) FILTER (event IN ('accepted', 'completed')) > 0
    OR count(*) FILTER (event = 'offered')
        > count(*) FILTER (event IN ('declined', 'expired', 'rescinded', 'cancelled'))

-- name: append_visits
INSERT INTO visit BY NAME SELECT * FROM incoming

-- name: read_arrivals
-- Contacts that came in each quarter of an hour after $after, of those that went after $gone_after
-- and until $gone_until.
SELECT
    queue_id, channel, language, skills,
    to_timestamp(epoch(entered_at)::BIGINT // 900 * 900) AS slot_at,
    count(*) AS num
FROM visit
WHERE gone_at > $gone_after AND gone_at <= $gone_until AND entered_at > $after
GROUP BY ALL

-- name: read_values
-- Quantiles of the value, at twenty equal steps of probability.
SELECT
    queue_id, channel, language, skills,
    quantile_cont(value, [
        0.025, 0.075, 0.125, 0.175, 0.225, 0.275, 0.325, 0.375, 0.425, 0.475,
        0.525, 0.575, 0.625, 0.675, 0.725, 0.775, 0.825, 0.875, 0.925, 0.975
    ]) AS quantiles
FROM visit
WHERE entered_at > $after AND value IS NOT NULL
GROUP BY ALL

-- name: read_departures
SELECT queue_id, count(*) AS num_gone, count(*) FILTER (NOT is_served) AS num_left
FROM visit
WHERE gone_at > $after
GROUP BY queue_id

-- name: read_kinds_held
-- What the contacts that agents hold were, the last time that they waited.
SELECT DISTINCT ON (v.contact_id) v.contact_id, v.queue_id, v.channel, v.language, v.skills
FROM visit AS v
SEMI JOIN agent_load AS l ON l.contact_id = v.contact_id
WHERE v.gone_at > $after
ORDER BY v.contact_id, v.gone_at DESC

-- name: read_looks
-- Quarters of an hour in which somebody looked. Ticks and snapshots are forgotten before visits
-- are, which end at a look too.
SELECT
    to_timestamp(epoch(look_at)::BIGINT // 900 * 900) AS slot_at,
    min(look_at) AS first_at,
    bool_or(is_kept) AS is_kept
FROM (
    SELECT tick_at AS look_at, TRUE AS is_kept FROM tick
    UNION ALL
    SELECT snapshot_at, TRUE FROM snapshot
    UNION ALL
    SELECT gone_at, FALSE FROM visit
)
WHERE look_at > $after AND look_at <= $until
GROUP BY slot_at
ORDER BY slot_at

-- name: count_given_prices
-- Prices that the source gives.
SELECT (SELECT count(*) FROM agent_prices) + (SELECT count(*) FROM queue_prices) AS num

-- name: newest_price_run
SELECT max(priced_at) AS priced_at FROM price_run WHERE priced_at <= $until

-- name: newest_slow_run
SELECT max(priced_at) AS priced_at FROM price_run WHERE is_slow AND priced_at <= $until

-- name: read_price_runs_after
SELECT * FROM price_run WHERE $after IS NULL OR priced_at > $after

-- name: read_skill_prices_after
SELECT * FROM skill_price WHERE $after IS NULL OR hour_at > $after

-- name: read_agent_price
SELECT * FROM agent_price WHERE priced_at = $priced_at

-- name: read_queue_price
SELECT * FROM queue_price WHERE priced_at = $priced_at

-- name: read_skill_price
SELECT * FROM skill_price WHERE hour_at = $hour_at

-- name: delete_skill_price
DELETE FROM skill_price WHERE hour_at = $hour_at

-- name: delete_visits_before
DELETE FROM visit WHERE gone_at < $before

-- name: delete_agent_prices_before
-- The newest run stays: the next one goes on from it.
DELETE FROM agent_price
WHERE priced_at < $before AND priced_at < (SELECT max(priced_at) FROM price_run)

-- name: delete_queue_prices_before
DELETE FROM queue_price
WHERE priced_at < $before AND priced_at < (SELECT max(priced_at) FROM price_run)

-- name: delete_price_runs_before
DELETE FROM price_run
WHERE priced_at < $before AND priced_at < (SELECT max(priced_at) FROM price_run)

-- name: delete_skill_prices_before
DELETE FROM skill_price WHERE hour_at < $before
