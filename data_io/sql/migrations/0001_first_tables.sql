-- The tables of models/tables.py, column for column, and two of the store's own.
-- No primary keys or indexes: there is one writer, uniqueness is checked inside the transaction,
-- and an index makes deletes an order of magnitude dearer.

CREATE TABLE queues (
    queue_id VARCHAR NOT NULL,
    calendar_id VARCHAR,
    target_answer_s DOUBLE,
    mean_handle_s DOUBLE
);

CREATE TABLE calendars (
    calendar_id VARCHAR NOT NULL,
    time_zone VARCHAR NOT NULL,
    weekday BIGINT NOT NULL,
    opens_minute BIGINT NOT NULL,
    closes_minute BIGINT NOT NULL
);

CREATE TABLE customers (
    customer_id VARCHAR NOT NULL,
    value DOUBLE NOT NULL,
    tier VARCHAR NOT NULL,
    owner_agent_id VARCHAR,
    time_zone VARCHAR
);

CREATE TABLE agents (
    agent_id VARCHAR NOT NULL,
    presence VARCHAR NOT NULL,
    site VARCHAR NOT NULL,
    time_zone VARCHAR NOT NULL,
    shift_start_at TIMESTAMPTZ NOT NULL,
    shift_end_at TIMESTAMPTZ NOT NULL,
    capacity_units DOUBLE NOT NULL,
    idle_since TIMESTAMPTZ,
    version BIGINT NOT NULL
);

CREATE TABLE agent_channels (
    agent_id VARCHAR NOT NULL,
    channel VARCHAR NOT NULL,
    max_items BIGINT NOT NULL
);

CREATE TABLE agent_skills (
    agent_id VARCHAR NOT NULL,
    skill VARCHAR NOT NULL,
    proficiency BIGINT NOT NULL
);

CREATE TABLE agent_load (
    agent_id VARCHAR NOT NULL,
    contact_id VARCHAR NOT NULL,
    conversation_id VARCHAR,
    customer_id VARCHAR,
    channel VARCHAR NOT NULL,
    state VARCHAR NOT NULL,
    units DOUBLE,
    started_at TIMESTAMPTZ NOT NULL,
    expected_end_at TIMESTAMPTZ
);

CREATE TABLE queue_members (
    queue_id VARCHAR NOT NULL,
    agent_id VARCHAR NOT NULL
);

CREATE TABLE contacts (
    contact_id VARCHAR NOT NULL,
    conversation_id VARCHAR NOT NULL,
    customer_id VARCHAR,
    queue_id VARCHAR NOT NULL,
    channel VARCHAR NOT NULL,
    language VARCHAR,
    entered_at TIMESTAMPTZ NOT NULL,
    last_message_at TIMESTAMPTZ,
    due_at TIMESTAMPTZ,
    value DOUBLE,
    sentiment DOUBLE,
    escalated BOOLEAN,
    last_agent_id VARCHAR,
    last_agent_at TIMESTAMPTZ,
    time_zone VARCHAR,
    version BIGINT NOT NULL
);

CREATE TABLE contact_skills (
    contact_id VARCHAR NOT NULL,
    skill VARCHAR NOT NULL,
    min_proficiency BIGINT NOT NULL
);

CREATE TABLE declines (
    contact_id VARCHAR NOT NULL,
    agent_id VARCHAR NOT NULL,
    declined_at TIMESTAMPTZ NOT NULL
);

CREATE TABLE tick (
    tick_at TIMESTAMPTZ NOT NULL,
    num_contacts BIGINT NOT NULL,
    num_agents BIGINT NOT NULL,
    num_assigned BIGINT NOT NULL,
    num_held BIGINT NOT NULL,
    num_unassigned BIGINT NOT NULL,
    num_lost BIGINT NOT NULL,
    num_rejected BIGINT NOT NULL,
    gain DOUBLE NOT NULL,
    bound DOUBLE NOT NULL,
    gap DOUBLE NOT NULL,
    greedy_gain DOUBLE NOT NULL,
    termination VARCHAR NOT NULL,
    "limit" VARCHAR,
    backend VARCHAR NOT NULL,
    policy_digest VARCHAR NOT NULL,
    ingest_s DOUBLE NOT NULL,
    read_s DOUBLE NOT NULL,
    build_s DOUBLE NOT NULL,
    solve_s DOUBLE NOT NULL,
    explain_s DOUBLE NOT NULL,
    audit_s DOUBLE NOT NULL
);

CREATE TABLE assignment (
    tick_at TIMESTAMPTZ NOT NULL,
    event_at TIMESTAMPTZ NOT NULL,
    event VARCHAR NOT NULL,
    contact_id VARCHAR NOT NULL,
    contact_version BIGINT NOT NULL,
    conversation_id VARCHAR NOT NULL,
    customer_id VARCHAR,
    queue_id VARCHAR NOT NULL,
    channel VARCHAR NOT NULL,
    agent_id VARCHAR NOT NULL,
    agent_version BIGINT NOT NULL,
    is_lead BOOLEAN NOT NULL,
    units DOUBLE NOT NULL,
    gain DOUBLE NOT NULL
);

CREATE TABLE unassigned (
    tick_at TIMESTAMPTZ NOT NULL,
    contact_id VARCHAR NOT NULL,
    conversation_id VARCHAR NOT NULL,
    decision VARCHAR NOT NULL,
    reason VARCHAR NOT NULL,
    agent_id VARCHAR,
    next_chance_at TIMESTAMPTZ,
    detail VARCHAR NOT NULL
);

CREATE TABLE explanation (
    tick_at TIMESTAMPTZ NOT NULL,
    contact_id VARCHAR NOT NULL,
    conversation_id VARCHAR NOT NULL,
    decision VARCHAR NOT NULL,
    reason VARCHAR NOT NULL,
    agent_id VARCHAR,
    gain DOUBLE,
    match DOUBLE,
    value_at_risk DOUBLE,
    stickiness DOUBLE,
    shift_end DOUBLE,
    handover DOUBLE,
    hold DOUBLE,
    balance DOUBLE,
    slot_price DOUBLE,
    runner_up_agent_id VARCHAR,
    runner_up_gain DOUBLE,
    runner_up_price DOUBLE,
    detail VARCHAR NOT NULL
);

CREATE TABLE price (
    tick_at TIMESTAMPTZ NOT NULL,
    agent_id VARCHAR NOT NULL,
    channel VARCHAR NOT NULL,
    free_slots BIGINT NOT NULL,
    lane_price DOUBLE NOT NULL,
    agent_price DOUBLE NOT NULL,
    site_price DOUBLE NOT NULL
);

CREATE TABLE rejected_row (
    first_seen_at TIMESTAMPTZ NOT NULL,
    last_seen_at TIMESTAMPTZ NOT NULL,
    table_name VARCHAR NOT NULL,
    rule VARCHAR NOT NULL,
    num_rules BIGINT NOT NULL,
    raw VARCHAR NOT NULL,
    row_digest VARCHAR NOT NULL
);

-- Planned rows that no longer matched at the commit, with the cause.
CREATE TABLE lost_assignment (
    tick_at TIMESTAMPTZ NOT NULL,
    event_at TIMESTAMPTZ NOT NULL,
    event VARCHAR NOT NULL,
    contact_id VARCHAR NOT NULL,
    contact_version BIGINT NOT NULL,
    conversation_id VARCHAR NOT NULL,
    customer_id VARCHAR,
    queue_id VARCHAR NOT NULL,
    channel VARCHAR NOT NULL,
    agent_id VARCHAR NOT NULL,
    agent_version BIGINT NOT NULL,
    is_lead BOOLEAN NOT NULL,
    units DOUBLE NOT NULL,
    gain DOUBLE NOT NULL,
    cause VARCHAR NOT NULL
);

-- When the source was read, and how many of its rows went to quarantine.
CREATE TABLE snapshot (
    snapshot_at TIMESTAMPTZ NOT NULL,
    num_rejected BIGINT NOT NULL
);
