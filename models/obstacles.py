"""Why nobody can take a conversation: every test that each agent fails, and the smallest change.

Rules are tested in order for the reason that people are shown; here all of them are looked at, so
that one knows what would have to give. One conversation at a time, for questions of people.
"""

from dataclasses import dataclass

import numpy as np
import polars as pl

from models.batch_problem import BatchProblem
from models.capacity import Mask
from models.plan import Reason
from models.problem import NOBODY, Ints
from models.proficiency import LANGUAGE_PREFIX, MISSING, meets_all, proficiency_table
from models.sentences import length
from models.tables import Presence

MOST_NAMED = 3
"""Agents named in the sentence."""


@dataclass(frozen=True)
class Obstacle:
    """One test, and how many agents fail it."""

    reason: Reason
    name: str
    """What would be dropped, in plain words."""
    num_failing: int


@dataclass(frozen=True)
class Obstacles:
    """What stands between a conversation and the agents."""

    contact_id: str
    """Lead of the conversation."""
    needs: tuple[str, ...]
    """Skills, languages and channels that it asks for."""
    num_agents: int
    tests: tuple[Obstacle, ...]
    """Tests that somebody fails, in their order."""
    dropped: tuple[Obstacle, ...]
    """The fewest tests without which somebody could take it; none where somebody can."""
    gives: tuple[str, ...]
    """Agents who could take it then, or who can now."""
    nearest: str = ""
    """Where one test is dropped, how far the nearest agent is from it, if that can be told."""

    def __str__(self) -> str:
        """The answer in plain words."""
        asks = f"{self.contact_id} needs {_listed(self.needs)}"
        if not self.num_agents:
            return f"{asks}: there are no agents."
        named = ", ".join(self.gives[:MOST_NAMED])
        more = len(self.gives) - MOST_NAMED
        named += f" and {more} more" if more > 0 else ""
        if not self.dropped:
            return f"{asks}: {len(self.gives)} of {self.num_agents} agents may take it ({named})."
        rules = _listed(tuple(test.name for test in self.dropped))
        gives = f"dropping {rules} gives {len(self.gives)} ({named})"
        nearest = f" {self.nearest}." if self.nearest else ""
        return f"{asks}: 0 of {self.num_agents} agents; {gives}.{nearest}"


@dataclass(frozen=True, eq=False)
class _Test:
    reason: Reason
    name: str
    fails: Mask
    """(A,)"""
    skill: str = ""
    levels: Ints | None = None
    """(A,) of the skill that is required, where it is one."""


def obstacles_of(stated: BatchProblem, conversation: int) -> Obstacles:
    """Every test that keeps agents from the conversation at this position, and the smallest set of
    tests whose dropping gives somebody: of several, the one that gives most agents, then the one
    that is tested last.
    """
    unit = stated.conversations.units.row(conversation, named=True)
    agent_ids = stated.agents.agents["agent_id"].to_list()
    kind = unit["class_idx"]
    skills = _skill_tests(stated, kind)
    tests = [
        *_class_tests(stated, kind, unit, skills),
        *_pair_tests(stated, conversation, agent_ids),
    ]
    fails = np.array([test.fails for test in tests])
    smallest = _smallest_set(fails)
    able: Mask = ~np.logical_or.reduce(fails[~smallest], axis=0)
    told = [Obstacle(test.reason, test.name, int(test.fails.sum())) for test in tests]
    return Obstacles(
        contact_id=unit["lead_contact_id"],
        needs=(*(test.name for test in skills), *unit["channels"].split(",")),
        num_agents=len(agent_ids),
        tests=tuple(test for test in told if test.num_failing),
        dropped=tuple(told[place] for place in np.flatnonzero(smallest)),
        gives=tuple(agent_ids[place] for place in np.flatnonzero(able)),
        nearest=_nearest(stated, [tests[place] for place in np.flatnonzero(smallest)], able),
    )


def _nearest(stated: BatchProblem, dropped: list[_Test], able: Mask) -> str:
    """What would be enough for the nearest of the `able` where one test is dropped."""
    if len(dropped) != 1:
        return ""
    ids, places = stated.agents.agents["agent_id"].to_list(), np.flatnonzero(able)
    test = dropped[0]
    if test.levels is not None:
        best = int(test.levels[places].max())
        if best <= MISSING:
            return ""
        who = [ids[place] for place in places if test.levels[place] == best]
        return f"{_skill_name(test.skill, best)} would do for {_listed(tuple(who[:MOST_NAMED]))}"
    if test.reason is Reason.AT_CAPACITY:
        free_s = stated.agents.free_later_s[places]
        first = int(free_s.argmin())
        if np.isfinite(free_s[first]):
            return f"{ids[places[first]]} should be free in {length(float(free_s[first]))}"
    return ""


def _smallest_set(fails: Mask) -> Mask:
    """Which tests (T,) to drop so that some agent of `fails` (T, A) passes all others."""
    if not fails.shape[1]:
        return np.zeros(len(fails), dtype=bool)
    patterns = np.unique(fails, axis=1)
    size = patterns.sum(axis=0)
    fewest = patterns[:, size == size.min()]
    given = np.array([(~fails[~drop].any(axis=0)).sum() for drop in fewest.T])
    best = fewest[:, given == given.max()]
    # Of sets as good the one whose last test comes last, as with the reason: they came furthest.
    last = np.lexsort(best)[-1]
    chosen: Mask = best[:, last]
    return chosen


def _class_tests(
    stated: BatchProblem, kind: int, unit: dict[str, object], skills: list[_Test]
) -> list[_Test]:
    """Tests of `models/eligibility.py` in their order, skill by skill.

    What fails only because another test does is left out: it would not have to give.
    """
    eligibility = stated.eligibility
    num_agents = len(stated.agents.agents)
    fails: dict[Reason, Mask] = {}
    for group in (eligibility.access, eligibility.skills, eligibility.room, eligibility.drain):
        for reason, holds in zip(group.reasons, group.holds, strict=True):
            row = np.broadcast_to(holds, (group.num_rows, num_agents))[group.row_of[kind]]
            fails[reason] = ~row
    off_duty = fails[Reason.NO_PRESENT_AGENT] | fails[Reason.OFF_SHIFT]
    off_duty = off_duty | fails[Reason.NOT_RESPONDING]
    full = fails[Reason.CHANNEL_BLOCKED] | fails[Reason.LANE_FULL]
    full = full | fails[Reason.RATE_LIMITED] | fails[Reason.UNITS_FULL]
    available = (stated.agents.agents["presence"] == Presence.AVAILABLE.value).to_numpy()
    fails[Reason.AT_CAPACITY] &= ~off_duty & ~(available & full)
    fails[Reason.SHIFT_TOO_SHORT] &= ~fails[Reason.OFF_SHIFT]
    fails[Reason.RESERVED] &= ~fails[Reason.NOT_A_MEMBER]
    # Of one item in hand that leaves no room several tests may speak; it has to give once.
    fails[Reason.CHANNEL_BLOCKED] &= ~fails[Reason.AT_CAPACITY]
    blocked = fails[Reason.AT_CAPACITY] | fails[Reason.CHANNEL_BLOCKED]
    fails[Reason.LANE_FULL] &= ~fails[Reason.CHANNEL_NOT_SERVED] & ~blocked
    fails[Reason.UNITS_FULL] &= ~fails[Reason.LANE_FULL] & ~blocked
    texts = unit | {"channels": _listed(tuple(str(unit["channels"]).split(",")))}
    tests: list[_Test] = []
    for reason, failing in fails.items():
        if reason is Reason.SKILL_MISSING:
            tests += skills
        elif reason is not Reason.LANGUAGE_MISSING:
            tests.append(_Test(reason, _NAMES[reason].format(**texts), failing))
    return tests


def _skill_tests(stated: BatchProblem, kind: int) -> list[_Test]:
    """One test for every required skill and language, and one for every step."""
    of_class = pl.col("class_idx") == kind
    plain = stated.conversations.requirements.filter(of_class).sort("is_language", "skill")
    steps = stated.conversations.steps.filter(of_class).sort("group", "alternative", "skill")
    skills = pl.concat([plain["skill"], steps["skill"]]).unique().sort()
    levels = proficiency_table(stated.batch, stated.agents.agents, skills)
    place = {skill: row for row, skill in enumerate(skills)}
    tests = [
        _Test(
            Reason.LANGUAGE_MISSING if is_language else Reason.SKILL_MISSING,
            _skill_name(skill, least),
            levels[place[skill]] < least,
            skill,
            levels[place[skill]].astype(np.int64),
        )
        for skill, least, is_language in plain.select(
            "skill", "min_proficiency", "is_language"
        ).iter_rows()
    ]
    for step in steps.partition_by("group", maintain_order=True):
        alternatives = step.partition_by("alternative", maintain_order=True)
        met = [
            meets_all(
                levels,
                1,
                np.zeros(len(rows), dtype=np.int64),
                np.array([place[skill] for skill in rows["skill"]], dtype=np.int64),
                rows["min_proficiency"].to_numpy(),
            )[0]
            for rows in alternatives
        ]
        names = [_listed(tuple(map(_skill_name, *_pairs(rows)))) for rows in alternatives]
        tests.append(_Test(Reason.SKILL_MISSING, " or ".join(names), ~np.any(met, axis=0)))
    return tests


def _pair_tests(stated: BatchProblem, conversation: int, agent_ids: list[str]) -> list[_Test]:
    """Declines, locks and reservations of the conversation."""
    everyone = np.arange(len(agent_ids))
    apart = stated.problem.banned_agent[stated.problem.banned_contact == conversation]
    tests = [_Test(Reason.DECLINED, _NAMES[Reason.DECLINED], np.isin(everyone, apart))]
    if stated.conversations.units["follower"][conversation]:
        waits = np.ones(len(agent_ids), dtype=bool)
        return [*tests, _Test(Reason.CUSTOMER_LOCKED, "the wait for the customer's call", waits)]
    for reason, only in (
        (Reason.CUSTOMER_LOCKED, stated.locked),
        (Reason.HELD_FOR_PREFERRED, stated.reserved.agent),
    ):
        agent = int(only[conversation])
        if agent != NOBODY:
            name = _NAMES[reason].format(agent_id=agent_ids[agent])
            tests.append(_Test(reason, name, everyone != agent))
    return tests


def _pairs(rows: pl.DataFrame) -> tuple[list[str], list[int]]:
    return rows["skill"].to_list(), rows["min_proficiency"].to_list()


def _skill_name(skill: str, least: int) -> str:
    """`polish at 4`, `language de at 5`; a level of 0 is not told."""
    name = skill.replace(LANGUAGE_PREFIX, "language ", 1)
    return f"{name} at {least}" if least else name


def _listed(names: tuple[str, ...]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


_NAMES = {
    Reason.PAUSED: "its pause",
    Reason.MANUAL_ONLY: "the limit of agents who declined it",
    Reason.NO_PRESENT_AGENT: "the need to be present",
    Reason.CLOSED_HOURS: "the opening hours of {queue_id}",
    Reason.OUTSIDE_CUSTOMER_HOURS: "the customer's hours",
    Reason.OFF_SHIFT: "the need to be on shift",
    Reason.NOT_RESPONDING: "the need to answer offers",
    Reason.NOT_A_MEMBER: "the need to be a member of {queue_id}",
    Reason.RESERVED: "the reserve of the helping queue",
    Reason.CHANNEL_NOT_SERVED: "the need to serve {channels}",
    Reason.P_BELOW_FLOOR: "the least probability of resolving",
    Reason.SHIFT_TOO_SHORT: "the need to finish before the shift ends",
    Reason.AT_CAPACITY: "the need to be free",
    Reason.CHANNEL_BLOCKED: "work in hand that blocks {channels}",
    Reason.LANE_FULL: "the limit of {channel} contacts",
    Reason.PROFILE_FULL: "the limit of {profiles}",
    Reason.RATE_LIMITED: "the hourly limit of {channel} offers",
    Reason.UNITS_FULL: "the limit of capacity units",
    Reason.COOLING_DOWN: "the pause after a decline",
    Reason.DRAINING: "keeping agents free for a waiting call",
    Reason.DECLINED: "earlier declines",
    Reason.CUSTOMER_LOCKED: "the lock to {agent_id}",
    Reason.HELD_FOR_PREFERRED: "the wait for {agent_id}",
}
"""What is dropped with each test."""
