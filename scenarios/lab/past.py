"""Days that a centre has lived through under skills-based routing, and what they teach.

What is learned from them takes the place of the truth: probabilities and handling times by
shrinkage towards the declared level (Beta and normal posterior means), rates by class and
interval, and the abandonment that the centre is used to.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from scenarios.lab.beliefs import Forecast, beliefs_of
from scenarios.lab.centre import Floats, Ints, LabCentre
from scenarios.lab.day import draw_day
from scenarios.lab.engine import simulate
from scenarios.lab.events import Events
from scenarios.lab.rules.skills import SkillsBased
from scenarios.lab.value import LEFT
from solver.pricing.moment import Beliefs

PAST_DAYS = tuple(range(601, 621))
"""Seeds of past days; no result is tuned on or reported for them."""
LEVELS = np.array([0.45, 0.60, 0.75, 0.90])
"""Agents declare in which of the ranges between these their probability lies."""
DECLARED = np.array([0.40, 0.525, 0.675, 0.825, 0.93])
"""What each level promises."""
ALIKE = 0.1
"""Days whose volumes differ by so much of the usual are still alike."""
PRIOR_CONTACTS = 30.0
"""Contacts' worth of belief in the mean of the declared level."""


@dataclass(frozen=True, eq=False)
class Past:
    """Sums over past days: K classes, A agents, T intervals."""

    num_days: int
    arrived: Floats
    """(K, T) first visits."""
    handled: Floats
    """(K, A) contacts."""
    resolved: Floats
    """(K, A) of them, those that were resolved."""
    handled_s: Floats
    """(K, A) seconds."""
    gone: Floats
    """(D, K) visits that ended, on each day."""
    left: Floats
    """(D, K) of them, those who left without an answer."""


def live_through(centre: LabCentre, seeds: Sequence[int] = PAST_DAYS) -> Past:
    """What those days would have left behind under skills-based routing."""
    days = [_sums(centre, simulate(centre, draw_day(centre, s), SkillsBased())) for s in seeds]
    return Past(
        num_days=len(days),
        arrived=_total([day.arrived for day in days]),
        handled=_total([day.handled for day in days]),
        resolved=_total([day.resolved for day in days]),
        handled_s=_total([day.handled_s for day in days]),
        gone=np.concatenate([day.gone for day in days]),
        left=np.concatenate([day.left for day in days]),
    )


def learned_beliefs(centre: LabCentre, past: Past, floor_p: float) -> Beliefs:
    """Beliefs with learned probabilities and handling times; all else is public."""
    level = np.digitize(centre.p, LEVELS)
    resolution = _shrunk(past.resolved, past.handled, level, DECLARED)
    mean_s = past.handled_s.sum() / max(past.handled.sum(), 1.0)
    handling_s = _shrunk_in_class(past.handled_s, past.handled, level, float(mean_s))
    return replace(
        beliefs_of(centre, floor_p),
        resolution=resolution,
        handling_s=handling_s,
        allowed=centre.eligible & (resolution >= floor_p),
    )


def learned_forecast(centre: LabCentre, past: Past) -> Forecast:
    """Mean arrivals by class and interval."""
    begin = np.arange(centre.num_intervals) * centre.interval_s
    length_s = np.minimum(begin + centre.interval_s, centre.horizon_s) - begin
    rate = past.arrived / (past.num_days * length_s)
    return Forecast(rate, centre.interval_s, centre.horizon_s)


def usual_abandonment(past: Past, factor: float = 1.0) -> Floats:
    """(K,) share of each class that left, on days about as busy as `factor` times the usual.

    A weighted mean over past days: Gaussian in how busy they were, `ALIKE` wide.
    """
    visits = past.gone.sum(axis=1)
    busy = visits / visits.mean()
    # The nearest day counts in full, so that days busier than any have a usual, too.
    distance = np.abs(busy - factor)
    weight = np.exp(-((distance / ALIKE) ** 2 - (distance.min() / ALIKE) ** 2) / 2)
    share: Floats = (weight @ past.left) / np.maximum(weight @ past.gone, 1e-9)
    return share


def _sums(centre: LabCentre, events: Events) -> Past:
    visit, shape = events.visit, centre.p.shape
    kind = visit["contact_class"].to_numpy()
    first = visit.filter(pl.col("attempt") == 0)
    entered_s = _seconds_of_day(first["entered_at"])
    interval = np.minimum(entered_s / centre.interval_s, centre.num_intervals - 1)
    handling = events.handling
    pair = handling["contact_class"].to_numpy(), handling["agent_id"].to_numpy()
    spent = (handling["wrapped_up_at"] - handling["answered_at"]).dt.total_microseconds() / 1e6
    return Past(
        num_days=1,
        arrived=_count(
            (first["contact_class"].to_numpy(), interval.astype(np.int64)),
            centre.classes.rate.shape,
        ),
        handled=_count(pair, shape),
        resolved=_count(pair, shape, handling["is_resolved"].cast(pl.Float64).to_numpy()),
        handled_s=_count(pair, shape, spent.to_numpy()),
        gone=_count((kind,), shape[:1])[None],
        left=_count((kind,), shape[:1], visit["outcome"].is_in(LEFT).cast(float).to_numpy())[None],
    )


def _shrunk(total: Floats, number: Floats, level: Ints, promised: Floats) -> Floats:
    """(K, A) mean of each pair, shrunk to the mean of its class and level, and that to `promised`.

    Posterior means with `PRIOR_CONTACTS` contacts' worth of prior at both steps.
    """
    prior = np.zeros(total.shape)
    for own, promise in enumerate(promised):
        mine = level == own
        sums = (total * mine).sum(axis=1) + PRIOR_CONTACTS * promise
        of_class = sums / ((number * mine).sum(axis=1) + PRIOR_CONTACTS)
        prior = np.where(mine, of_class[:, None], prior)
    pair: Floats = (total + PRIOR_CONTACTS * prior) / (number + PRIOR_CONTACTS)
    return pair


def _shrunk_in_class(total: Floats, number: Floats, level: Ints, usual: float) -> Floats:
    """The same, where levels promise nothing: each class's mean over all levels, or the usual."""
    sums = total.sum(axis=1) + PRIOR_CONTACTS * usual
    of_class = sums / (number.sum(axis=1) + PRIOR_CONTACTS)
    relative = total / of_class[:, None]
    steps = np.ones(len(DECLARED))
    mean: Floats = of_class[:, None] * _shrunk(relative, number, level, steps)
    return mean


def _count(
    at: tuple[np.ndarray, ...], shape: tuple[int, ...], weight: Floats | None = None
) -> Floats:
    cells = np.zeros(shape)
    np.add.at(cells, at, 1.0 if weight is None else weight)
    return cells


def _total(tables: list[Floats]) -> Floats:
    total: Floats = np.sum(tables, axis=0)
    return total


def _seconds_of_day(instants: pl.Series) -> Floats:
    midnight = instants.dt.truncate("1d")
    seconds: Floats = (instants - midnight).dt.total_microseconds().to_numpy() / 1e6
    return seconds
