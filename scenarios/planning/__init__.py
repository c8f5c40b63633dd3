"""Planning: how many people, when, and who should learn what; simulated before it is shown."""
