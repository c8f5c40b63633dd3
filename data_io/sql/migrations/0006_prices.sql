-- What the price job asks for agents' time and pays for heads, and what that did to each decision.
CREATE TABLE agent_prices (
    agent_id VARCHAR NOT NULL,
    window_s DOUBLE NOT NULL,
    fast_price DOUBLE NOT NULL,
    slow_price DOUBLE NOT NULL,
    late_price DOUBLE NOT NULL
);

CREATE TABLE queue_prices (
    queue_id VARCHAR NOT NULL,
    head_worth DOUBLE NOT NULL
);

ALTER TABLE explanation ADD COLUMN agent_time DOUBLE;
ALTER TABLE explanation ADD COLUMN head_worth DOUBLE;
