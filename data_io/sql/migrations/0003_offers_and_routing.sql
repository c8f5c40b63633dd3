-- Routing as the field knows it: more of each contact and agent, offers with their answers, and
-- what the tick says beside its plan. Tables that get a column in the middle are made anew.

ALTER TABLE queues ADD COLUMN priority BIGINT;
ALTER TABLE queues ADD COLUMN max_wait_s DOUBLE;
ALTER TABLE queues ADD COLUMN relax_after_s DOUBLE;
ALTER TABLE queues ADD COLUMN arrivals_per_h DOUBLE;
ALTER TABLE queues ADD COLUMN service_level DOUBLE;

ALTER TABLE customers ADD COLUMN health DOUBLE;

ALTER TABLE agent_load ADD COLUMN state_since TIMESTAMPTZ;
ALTER TABLE agent_load ADD COLUMN last_customer_at TIMESTAMPTZ;
ALTER TABLE agent_load ADD COLUMN profiles VARCHAR;

ALTER TABLE contact_skills ADD COLUMN importance VARCHAR;

ALTER TABLE agents RENAME TO agents_before;
CREATE TABLE agents (
    agent_id VARCHAR NOT NULL,
    presence VARCHAR NOT NULL,
    site VARCHAR NOT NULL,
    time_zone VARCHAR NOT NULL,
    shift_start_at TIMESTAMPTZ NOT NULL,
    shift_end_at TIMESTAMPTZ NOT NULL,
    capacity_units DOUBLE NOT NULL,
    idle_since TIMESTAMPTZ,
    presence_since TIMESTAMPTZ,
    handled_s DOUBLE,
    productive_s DOUBLE,
    version BIGINT NOT NULL
);
INSERT INTO agents BY NAME SELECT * FROM agents_before;
DROP TABLE agents_before;

ALTER TABLE contacts RENAME TO contacts_before;
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
    priority BIGINT,
    profiles VARCHAR,
    hold_until TIMESTAMPTZ,
    waited_before_s DOUBLE,
    resolver_agent_id VARCHAR,
    resolved_at TIMESTAMPTZ,
    version BIGINT NOT NULL
);
INSERT INTO contacts BY NAME SELECT * FROM contacts_before;
DROP TABLE contacts_before;

CREATE TABLE holidays (
    calendar_id VARCHAR NOT NULL,
    day VARCHAR NOT NULL,
    opens_minute BIGINT NOT NULL,
    closes_minute BIGINT NOT NULL
);

CREATE TABLE overflow (
    queue_id VARCHAR NOT NULL,
    to_queue_id VARCHAR NOT NULL,
    condition VARCHAR NOT NULL,
    threshold DOUBLE NOT NULL,
    tier VARCHAR
);

CREATE TABLE customer_agents (
    customer_id VARCHAR NOT NULL,
    agent_id VARCHAR NOT NULL,
    score DOUBLE NOT NULL
);

CREATE TABLE agent_activities (
    agent_id VARCHAR NOT NULL,
    starts_at TIMESTAMPTZ NOT NULL,
    ends_at TIMESTAMPTZ NOT NULL
);

CREATE TABLE agent_profiles (
    agent_id VARCHAR NOT NULL,
    profile VARCHAR NOT NULL,
    max_items BIGINT NOT NULL
);

CREATE TABLE agent_preferences (
    agent_id VARCHAR NOT NULL,
    subject VARCHAR NOT NULL,
    weight DOUBLE NOT NULL
);

CREATE TABLE agent_quotas (
    agent_id VARCHAR NOT NULL,
    skill VARCHAR NOT NULL,
    quota BIGINT NOT NULL,
    done BIGINT NOT NULL,
    mentor_agent_id VARCHAR
);

CREATE TABLE contact_steps (
    contact_id VARCHAR NOT NULL,
    step BIGINT NOT NULL,
    alternative BIGINT NOT NULL,
    skill VARCHAR NOT NULL,
    min_proficiency BIGINT NOT NULL,
    expires_s DOUBLE
);

-- Offers that somebody else made; those of the store are in `assignment`.
CREATE TABLE offers (
    contact_id VARCHAR NOT NULL,
    agent_id VARCHAR NOT NULL,
    channel VARCHAR NOT NULL,
    offered_at TIMESTAMPTZ NOT NULL,
    event VARCHAR NOT NULL,
    event_at TIMESTAMPTZ NOT NULL,
    profiles VARCHAR
);

ALTER TABLE assignment ADD COLUMN profiles VARCHAR;
ALTER TABLE assignment ADD COLUMN seen_before BOOLEAN;
ALTER TABLE assignment ADD COLUMN num_context BIGINT;
ALTER TABLE assignment ADD COLUMN is_borrowed BOOLEAN;

ALTER TABLE lost_assignment RENAME TO lost_assignment_before;
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
    profiles VARCHAR,
    seen_before BOOLEAN,
    num_context BIGINT,
    is_borrowed BOOLEAN,
    cause VARCHAR NOT NULL
);
INSERT INTO lost_assignment BY NAME SELECT * FROM lost_assignment_before;
DROP TABLE lost_assignment_before;

ALTER TABLE explanation ADD COLUMN priority DOUBLE;
ALTER TABLE explanation ADD COLUMN interruption DOUBLE;
ALTER TABLE explanation ADD COLUMN fairness DOUBLE;
ALTER TABLE explanation ADD COLUMN declines DOUBLE;
ALTER TABLE explanation ADD COLUMN overqualified DOUBLE;
ALTER TABLE explanation ADD COLUMN borrowing DOUBLE;
ALTER TABLE explanation ADD COLUMN region DOUBLE;
ALTER TABLE explanation ADD COLUMN tier BIGINT;
ALTER TABLE explanation ADD COLUMN step BIGINT;
ALTER TABLE explanation ADD COLUMN relaxes_at TIMESTAMPTZ;
ALTER TABLE explanation ADD COLUMN breach_at TIMESTAMPTZ;
ALTER TABLE explanation ADD COLUMN unavoidable BOOLEAN;

ALTER TABLE price ADD COLUMN profiles VARCHAR;

ALTER TABLE tick ADD COLUMN tier_weight DOUBLE;
ALTER TABLE tick ADD COLUMN preference_cost DOUBLE;
ALTER TABLE tick ADD COLUMN policy_arm VARCHAR;

CREATE TABLE requeue (
    tick_at TIMESTAMPTZ NOT NULL,
    contact_id VARCHAR NOT NULL,
    agent_id VARCHAR NOT NULL,
    channel VARCHAR NOT NULL,
    state VARCHAR NOT NULL,
    gone_since TIMESTAMPTZ,
    detail VARCHAR NOT NULL
);

CREATE TABLE outlook (
    tick_at TIMESTAMPTZ NOT NULL,
    queue_id VARCHAR NOT NULL,
    is_open BOOLEAN NOT NULL,
    num_waiting BIGINT NOT NULL,
    num_free BIGINT NOT NULL,
    effective_agents DOUBLE NOT NULL,
    predicted_wait_s DOUBLE,
    lends BOOLEAN NOT NULL,
    borrows_from VARCHAR,
    num_breaching BIGINT NOT NULL,
    num_unavoidable BIGINT NOT NULL
);

CREATE TABLE response_result (
    applied_at TIMESTAMPTZ NOT NULL,
    response_id VARCHAR NOT NULL,
    contact_id VARCHAR NOT NULL,
    tick_at TIMESTAMPTZ NOT NULL,
    agent_id VARCHAR NOT NULL,
    answer VARCHAR NOT NULL,
    responded_at TIMESTAMPTZ NOT NULL,
    is_applied BOOLEAN NOT NULL,
    refusal VARCHAR
);

-- When the platform last showed a contact, whose offer is open, as waiting.
CREATE TABLE sighting (
    contact_id VARCHAR NOT NULL,
    seen_at TIMESTAMPTZ NOT NULL
);
