"""Random small problems with every feature, and their optimum by dynamic programming.

Nothing here is shared with what is tested: gains are read pair by pair from the definition of the
problem in plain Python, and the optimum comes from a table over what the agents hold.
"""

from dataclasses import replace
from enum import StrEnum

import numpy as np

from models.problem import MILLI, NO_TIER, NOBODY, AssignmentProblem, Mixes, PairUnits

Hold = tuple[int, ...]
"""Contacts by agent and lane, then units by agent."""

Worth = tuple[int, ...]
"""Contacts served of each tier, then the gain in milli-units; what is larger is better."""


class Family(StrEnum):
    """Which parts a problem has."""

    SLOTS = "slots"
    """Only the agents' own caps bind: what the auction handles."""
    NETWORK = "network"
    """Lanes, agents and sites."""
    MIXES = "mixes"
    """And several mixes for some agents."""
    UNITS = "units"
    """And units of single pairs."""


def draw_problem(family: Family, seed: int) -> AssignmentProblem:
    """A problem of up to 9 contacts and 5 agents; the same arguments give the same arrays.

    Half of them have small whole gains, so that ties are common, half have real ones.
    """
    draw = np.random.default_rng([list(Family).index(family), seed])
    contacts, agents = int(draw.integers(1, 10)), int(draw.integers(2, 6))
    classes, terms = int(draw.integers(1, 4)), int(draw.integers(0, 4))
    lanes, sites = int(draw.integers(1, 4)), int(draw.integers(0, 4))
    member = draw.random((classes, agents)) < 0.85
    pair = draw.permutation(contacts * agents)
    bans, extras = pair[: draw.integers(0, 4)], pair[::-1][: draw.integers(0, 7)]
    only = np.where(draw.random(contacts) < 0.15, draw.integers(0, agents, contacts), NOBODY)
    cap = draw.integers(0, 3, agents)
    lane_cap = draw.integers(0, 3, (agents, lanes))
    site_cap = draw.integers(0, 4, sites)
    if family is Family.SLOTS:
        lane_cap, site_cap = cap[:, None] + draw.integers(0, 2, (agents, lanes)), site_cap + 99
    mixes = _draw_mixes(draw, agents, lanes) if family is Family.MIXES else None
    if mixes is not None:
        owner = np.repeat(np.arange(agents), np.diff(mixes.start))
        lane_cap = np.zeros((agents, lanes), dtype=np.int64)
        np.maximum.at(lane_cap, owner, mixes.count)
        cap = cap + 2
    problem = AssignmentProblem(
        contact_class=draw.integers(0, classes, contacts).astype(np.int32),
        class_ptr=np.concatenate([[0], np.cumsum(member.sum(axis=1))]).astype(np.int64),
        class_agent=np.nonzero(member)[1].astype(np.int32),
        only_agent=only.astype(np.int32),
        banned_contact=(bans // agents).astype(np.int32),
        banned_agent=(bans % agents).astype(np.int32),
        base=_money(draw, seed, -9, 9, contacts),
        term_row=draw.integers(0, 5, (contacts, terms)).astype(np.int32),
        term_coef=draw.integers(0, 3, (contacts, terms)).astype(np.float64),
        rate=_money(draw, seed, 0, 20, (5, agents)),
        extra_contact=(extras // agents).astype(np.int32),
        extra_agent=(extras % agents).astype(np.int32),
        extra_gain=_money(draw, seed, -5, 9, len(extras)),
        contact_lane=draw.integers(0, lanes, contacts).astype(np.int32),
        lane_cap=lane_cap,
        agent_cap=cap,
        load_cost=np.sort(draw.integers(0, 7, (agents, int(draw.integers(0, 3)))), axis=1),
        agent_site=draw.integers(NOBODY, max(sites, 0), agents).astype(np.int32),
        site_cap=site_cap,
        mixes=mixes,
    )
    if family is not Family.UNITS:
        return problem
    weight = draw.integers(0, 6, len(problem.pairs))
    return replace(problem, units=PairUnits(weight, draw.integers(0, 10, agents)))


def best_gain(problem: AssignmentProblem) -> int:
    """The largest gain of any valid assignment, milli-units; tiers aside."""
    return best_worth(replace(problem, tier=None))[-1]


def best_worth(problem: AssignmentProblem) -> Worth:
    """The best of all valid assignments, by a table over what agents hold."""
    rows, limits = pair_gains(problem), _Limits(problem)
    tiers = [] if problem.tier is None else problem.tier.tolist()
    table: dict[Hold, Worth] = {limits.nothing: (0,) * (max(tiers, default=NO_TIER) + 2)}
    for contact, row in enumerate(rows):
        grown = dict(table)
        for hold, worth in table.items():
            for agent, gain in row.items():
                added = limits.add(hold, contact, agent)
                if added is not None:
                    total = [*worth[:-1], worth[-1] + gain - limits.step(hold, agent)]
                    if tiers and tiers[contact] != NO_TIER:
                        total[tiers[contact]] += 1
                    if added not in grown or tuple(total) > grown[added]:
                        grown[added] = tuple(total)
        table = grown
    return max(table.values())


def pair_gains(problem: AssignmentProblem) -> list[dict[int, int]]:
    """Milli-gain by eligible agent, for each contact, from the definition."""
    banned = set(zip(problem.banned_contact.tolist(), problem.banned_agent.tolist(), strict=True))
    rows = []
    for i in range(problem.num_contacts):
        k = problem.contact_class[i]
        row = {}
        for j in problem.class_agent[problem.class_ptr[k] : problem.class_ptr[k + 1]].tolist():
            if (i, j) in banned or problem.only_agent[i] not in {NOBODY, j}:
                continue
            gain = float(problem.base[i])
            for r in range(problem.term_row.shape[1]):
                rate = float(problem.rate[problem.term_row[i, r], j])
                gain += float(problem.term_coef[i, r]) * rate
            for e in range(len(problem.extra_contact)):
                if (problem.extra_contact[e], problem.extra_agent[e]) == (i, j):
                    gain += float(problem.extra_gain[e])
            row[j] = round(gain * MILLI)
        rows.append(row)
    return rows


class _Limits:
    """What agents may hold together, as plain Python numbers."""

    def __init__(self, problem: AssignmentProblem) -> None:
        self.agents, self.lanes = problem.num_agents, problem.num_lanes
        self.nothing: Hold = (0,) * (self.agents * (self.lanes + 1))
        self.lane_of = problem.contact_lane.tolist()
        self.lane_cap, self.agent_cap = problem.lane_cap.tolist(), problem.agent_cap.tolist()
        self.site, self.site_cap = problem.agent_site.tolist(), problem.site_cap.tolist()
        self.cost = problem.load_cost.tolist()
        mixes = problem.all_mixes
        self.mixes = [
            mixes.count[mixes.start[j] : mixes.start[j + 1]].tolist() for j in range(self.agents)
        ]
        self.unit_cap = [2**62] * self.agents
        self.units: dict[tuple[int, int], int] = {}
        if problem.units is not None:
            where = zip(problem.pairs.contact.tolist(), problem.pairs.agent.tolist(), strict=True)
            self.units = dict(zip(where, problem.units.of_pair.tolist(), strict=True))
            self.unit_cap = problem.units.cap.tolist()

    def held(self, hold: Hold, agent: int) -> Hold:
        """Contacts of an agent by lane."""
        return hold[agent * self.lanes : (agent + 1) * self.lanes]

    def step(self, hold: Hold, agent: int) -> int:
        """Load cost of one more contact."""
        steps = self.cost[agent]
        return steps[min(sum(self.held(hold, agent)), len(steps) - 1)] if steps else 0

    def add(self, hold: Hold, contact: int, agent: int) -> Hold | None:
        """What is held with one contact more, or None if that breaks a limit."""
        added = list(hold)
        added[agent * self.lanes + self.lane_of[contact]] += 1
        unit_place = self.agents * self.lanes + agent
        added[unit_place] += self.units.get((contact, agent), 0)
        new = tuple(added)
        held = self.held(new, agent)
        site = self.site[agent]
        fits = (
            sum(held) <= self.agent_cap[agent]
            and all(n <= cap for n, cap in zip(held, self.lane_cap[agent], strict=True))
            and any(
                all(n <= cap for n, cap in zip(held, mix, strict=True))
                for mix in self.mixes[agent]
            )
            and new[unit_place] <= self.unit_cap[agent]
            and (site == NOBODY or self._at(new, site) <= self.site_cap[site])
        )
        return new if fits else None

    def _at(self, hold: Hold, site: int) -> int:
        return sum(sum(self.held(hold, j)) for j in range(self.agents) if self.site[j] == site)


def _draw_mixes(draw: np.random.Generator, agents: int, lanes: int) -> Mixes:
    sizes = draw.integers(1, 4, agents)
    start = np.append(0, np.cumsum(sizes)).astype(np.int64)
    return Mixes(start, draw.integers(0, 4, (int(sizes.sum()), lanes)))


def _money(
    draw: np.random.Generator, seed: int, low: int, high: int, shape: int | tuple[int, ...]
) -> np.ndarray:
    """Whole thousandths in even seeds, real numbers around as large in odd ones."""
    if seed % 2 == 0:
        return draw.integers(low, high, shape) / MILLI
    return draw.uniform(low, high, shape) * 0.7
