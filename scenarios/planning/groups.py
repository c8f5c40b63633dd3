"""Groups of agents who are alike, and a centre that is staffed by heads of each group."""

from dataclasses import dataclass, replace

import numpy as np

from scenarios.lab.centre import Flags, Floats, Ints, LabCentre, Staffing
from solver.pricing.slow import signatures

SKILLED = 0.6
"""Probability of resolving from which somebody has the skill, as for skills-based routing."""


@dataclass(frozen=True, eq=False)
class AgentGroups:
    """M groups; whoever is in one has its column of skills."""

    names: tuple[str, ...]
    p: Floats
    """(K, M) probability of resolving."""
    h: Floats
    """(K, M) mean handling time in seconds."""
    eligible: Flags
    """(K, M)"""

    def __len__(self) -> int:
        """M."""
        return len(self.names)

    @property
    def skilled(self) -> Flags:
        """(K, M) who is planned for a class: the skilled, or anybody eligible where none is."""
        skilled = self.eligible & (self.p >= SKILLED)
        has_skilled: Flags = np.logical_or.reduce(skilled, axis=1)
        planned: Flags = np.where(has_skilled[:, None], skilled, self.eligible)
        return planned


@dataclass(frozen=True, eq=False)
class Grouping:
    """The groups of a centre, and who is in which."""

    groups: AgentGroups
    of_agent: Ints
    """(A,)"""

    @property
    def heads(self) -> Ints:
        """(M,) agents of each group."""
        return np.bincount(self.of_agent, minlength=len(self.groups))


def group_agents(centre: LabCentre) -> Grouping:
    """Agents with the same columns of p, h and eligibility, in order of their first agent."""
    found = signatures(centre.p, centre.h, centre.eligible.astype(np.float64))
    order = np.argsort(found.example)
    example = found.example[order]
    groups = AgentGroups(
        names=tuple(f"group {position + 1}" for position in range(len(example))),
        p=centre.p[:, example],
        h=centre.h[:, example],
        eligible=centre.eligible[:, example],
    )
    return Grouping(groups, np.argsort(order)[found.of_agent])


def staffed(centre: LabCentre, groups: AgentGroups, heads: Ints) -> LabCentre:
    """The centre with (T, M) heads by interval and group instead of its own agents.

    The heads of the last interval stay until the queue is empty. Nobody has breaks: heads are
    those at work.
    """
    if heads.shape != (centre.num_intervals, len(groups)) or (heads < 0).any():
        raise ValueError(
            f"heads: {heads.shape}, lowest {heads.min(initial=0)}; expected"
            f" ({centre.num_intervals}, {len(groups)}), a row per interval, nothing negative"
        )
    team = np.repeat(np.arange(len(groups)), heads.max(axis=0))
    from_s = np.arange(centre.num_intervals, dtype=np.float64) * centre.interval_s
    end_s = centre.horizon_s + centre.overtime_s
    return replace(
        centre,
        p=groups.p[:, team],
        h=groups.h[:, team],
        eligible=groups.eligible[:, team],
        shift_from_s=np.zeros(len(team)),
        shift_until_s=np.full(len(team), end_s),
        breaks=None,
        staffing=Staffing(team, from_s, heads),
    )
