"""Which rule the bank's switch followed: who was taken when several waited.

A head start of b seconds shows as a step: of two calls that both wait for the agent, the one of
higher priority goes first if it came at most b seconds later, and never if it came later still.
Priority is that of the log: 0 not identified, 1 regular, 2 high.
"""

from dataclasses import dataclass

import numpy as np
import polars as pl

from scenarios.from_log.handling import Agents
from scenarios.from_log.month import DAY_S, Month
from scenarios.lab.centre import Flags, Floats

GRID_S = np.arange(0.0, 305.0, 5.0)
LONGEST_WAIT_S = 1500.0
CLEAR_CHANGE = 0.15
"""Drop of the share of first-come decisions that makes a change of rule."""
MIN_CHOICES = 50


@dataclass(frozen=True, eq=False)
class Choices:
    """A row per decision in which a call of another priority waited, too, for the same agent.

    For pairs of priorities (high, low): the one that was taken and the oldest of the other.
    """

    day: Floats
    high: Floats
    low: Floats
    lead_s: Floats
    """How much later the higher one came."""
    high_first: Flags
    """The higher one was taken."""

    @property
    def is_first_come(self) -> Flags:
        """(n,) whoever came first was taken."""
        first_come: Flags = self.high_first == (self.lead_s <= 0)
        return first_come


@dataclass(frozen=True, eq=False)
class Rule:
    """First come, first served with head starts."""

    since_day: int
    """First day on which the rule held; before, all were served in order of entry."""
    head_start_s: Floats
    """(3,) by priority; of priority 2, for those who have the extra."""
    has_extra: float
    """Share of priority 2 with the head start; the others have that of priority 1."""
    follows: float
    """Share of decisions against priorities 0 and 1 that the head start of 1 explains."""
    first_come_by_day: Floats
    """(D,) share of these decisions that were first come, first served; nan without any."""


def fit_rule(month: Month, types: tuple[str, ...], agents: Agents) -> Rule:
    """Day of a change of rule, if there is one, and head starts since then."""
    choices = read_choices(month, types, agents)
    days = len(month.days)
    by_day = np.full(days, np.nan)
    for day in range(days):
        mine = choices.is_first_come[choices.day == day]
        by_day[day] = mine.mean() if len(mine) else np.nan
    grid = np.arange(-0.5, days - 0.5)
    change, before, after = step(choices.day, choices.is_first_come, grid)
    since = int(np.ceil(change)) if before - after > CLEAR_CHANGE else 0
    regular_s, follows, _ = _head_start(choices, (1, 0), since)
    extra_s, share, _ = _head_start(choices, (2, 1), since)
    return Rule(since, np.array([0.0, regular_s, regular_s + extra_s]), share, follows, by_day)


def read_choices(month: Month, types: tuple[str, ...], agents: Agents) -> Choices:
    """All decisions of the month in which somebody of another priority waited for the agent."""
    queue = month.calls.filter(pl.col("waited"), pl.col("priority").is_not_null()).with_columns(
        at=DAY_S * pl.col("day") + pl.col("entered_s")
    )
    queue = queue.sort("at")
    entered = queue["at"].to_numpy()
    left = entered + queue["wait_s"].to_numpy()
    priority = queue["priority"].to_numpy()
    kind = np.array([types.index(one) for one in queue["type"]], dtype=np.int64)
    place = {name: at for at, name in enumerate(agents.names)}
    agent = np.array([place.get(name or "", -1) for name in queue["agent_id"]], dtype=np.int64)
    rows = []
    for taken in np.flatnonzero(agent >= 0):
        first = np.searchsorted(entered, left[taken] - LONGEST_WAIT_S)
        last = np.searchsorted(entered, left[taken] - 1)
        others = np.arange(first, last)
        waits = (left[others] > left[taken] + 1) & agents.can_serve[kind[others], agent[taken]]
        others = others[waits]
        for level in range(3):
            rivals = others[priority[others] == level]
            if level != priority[taken] and len(rivals):
                rows.append((taken, rivals[0]))
    pairs = np.array(rows, dtype=np.int64).reshape(-1, 2)
    chosen, rival = pairs[:, 0], pairs[:, 1]
    higher = np.where(priority[chosen] > priority[rival], chosen, rival)
    lower = np.where(priority[chosen] > priority[rival], rival, chosen)
    return Choices(
        day=queue["day"].to_numpy()[chosen].astype(np.float64),
        high=priority[higher].astype(np.float64),
        low=priority[lower].astype(np.float64),
        lead_s=entered[higher] - entered[lower],
        high_first=higher == chosen,
    )


def step(at: Floats, success: Flags, grid: Floats) -> tuple[float, float, float]:
    """Where the probability of success changes, and the shares up to there and beyond.

    The place on the grid of the largest binomial likelihood of two constant shares.
    """
    best_fit, best = -np.inf, (float(grid[0]), 0.0, 0.0)
    for place in grid:
        inside = at <= place
        within = float(success[inside].mean()) if inside.any() else 0.0
        beyond = float(success[~inside].mean()) if not inside.all() else 0.0
        number = int(inside.sum())
        fit = number * _entropy(within) + (len(at) - number) * _entropy(beyond)
        if fit > best_fit + 1e-9:
            best_fit, best = fit, (float(place), within, beyond)
    return best


def _head_start(choices: Choices, pair: tuple[int, int], since: int) -> tuple[float, float, float]:
    """Seconds of head start of the higher priority, and the shares within and beyond it."""
    asked = (
        (choices.high == pair[0])
        & (choices.low == pair[1])
        & (choices.day >= since)
        & (choices.lead_s > 0)
    )
    if asked.sum() < MIN_CHOICES:
        return 0.0, 0.0, 0.0
    found, within, beyond = step(choices.lead_s[asked], choices.high_first[asked], GRID_S)
    return (found, within, beyond) if within > beyond else (0.0, 0.0, beyond)


def _entropy(share: float) -> float:
    """Mean log-likelihood of a binomial share at itself."""
    return sum(float(x * np.log(x)) for x in (share, 1 - share) if x > 0)
