"""The problem: tables, rules, gain, capacity, and the check that a plan is right."""
