-- A held item that is promised for later than its agent's next shift stays with them; contacts that
-- only people can place are an alarm of their queue.
ALTER TABLE agent_load ADD COLUMN due_at TIMESTAMPTZ;
ALTER TABLE outlook ADD COLUMN num_manual_only BIGINT DEFAULT 0;
