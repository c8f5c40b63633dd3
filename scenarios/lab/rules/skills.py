"""Skills-based routing (SBR): priority, then skills, then the longest idle agent.

An agent has the skill of a class if they resolve at least 60 % of it: binary, as skills are.
"""

from dataclasses import dataclass

from scenarios.lab.floor import Floor
from scenarios.lab.router import Decision
from scenarios.lab.rules.one_by_one import by_priority, one_by_one

SKILLED = 0.6


@dataclass(frozen=True)
class SkillsBased:
    """The most valuable class first, FIFO within it; skilled agents only, longest idle first."""

    threshold: float = SKILLED

    def decide(self, floor: Floor) -> Decision:
        """Pairs that start now."""
        return one_by_one(floor, by_priority(floor), floor.centre.p >= self.threshold)
