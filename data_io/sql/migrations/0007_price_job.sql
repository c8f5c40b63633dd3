-- What the price job learns from, and what it made.
ALTER TABLE tick ADD COLUMN priced_at TIMESTAMPTZ;

-- Contacts that stopped waiting: served by somebody, or given up.
CREATE TABLE visit (
    contact_id VARCHAR NOT NULL,
    queue_id VARCHAR NOT NULL,
    channel VARCHAR NOT NULL,
    language VARCHAR,
    skills VARCHAR NOT NULL,
    value DOUBLE,
    entered_at TIMESTAMPTZ NOT NULL,
    gone_at TIMESTAMPTZ NOT NULL,
    is_served BOOLEAN NOT NULL
);

CREATE TABLE price_run (
    priced_at TIMESTAMPTZ NOT NULL,
    is_slow BOOLEAN NOT NULL,
    window_s DOUBLE NOT NULL,
    num_classes BIGINT NOT NULL,
    num_contacts BIGINT NOT NULL,
    num_agents BIGINT NOT NULL,
    expected_per_h DOUBLE NOT NULL,
    day_factor DOUBLE NOT NULL,
    floor_cost_per_h DOUBLE,
    member_cost_per_h DOUBLE,
    skill_cost_per_h DOUBLE,
    made_s DOUBLE NOT NULL
);

CREATE TABLE skill_price (
    hour_at TIMESTAMPTZ NOT NULL,
    skills VARCHAR NOT NULL,
    num_agents BIGINT NOT NULL,
    num_runs BIGINT NOT NULL,
    price_per_h DOUBLE NOT NULL
);

CREATE TABLE agent_price (
    priced_at TIMESTAMPTZ NOT NULL,
    agent_id VARCHAR NOT NULL,
    window_s DOUBLE NOT NULL,
    fast_price DOUBLE NOT NULL,
    slow_price DOUBLE NOT NULL,
    late_price DOUBLE NOT NULL,
    fast_made DOUBLE NOT NULL,
    slow_made DOUBLE NOT NULL,
    skills VARCHAR NOT NULL
);

CREATE TABLE queue_price (
    priced_at TIMESTAMPTZ NOT NULL,
    queue_id VARCHAR NOT NULL,
    head_worth DOUBLE NOT NULL,
    num_gone BIGINT NOT NULL,
    num_left BIGINT NOT NULL
);
