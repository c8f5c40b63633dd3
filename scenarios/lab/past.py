"""Days that a centre has lived through under skills-based routing, and what they teach.

What is learned from them takes the place of the truth: probabilities and handling times by
shrinkage towards levels that agents declared, not always rightly (Beta and normal posterior
means), patience by the waits of those who stayed and left, rates by class and interval, and the
abandonment that the centre is used to. Values and shares lost stay known, as from a customer base.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from models.kpis import waits
from scenarios.lab.beliefs import Forecast, beliefs_of
from scenarios.lab.centre import Floats, Ints, LabCentre
from scenarios.lab.day import LabPurpose, draw_day, stream
from scenarios.lab.engine import simulate
from scenarios.lab.events import Events
from scenarios.lab.rules.skills import SkillsBased
from scenarios.lab.value import LEFT
from solver.pricing.moment import Beliefs

PAST_DAYS = tuple(range(601, 621))
"""Seeds of past days; no result is tuned on or reported for them."""
LEVELS = np.array([0.50, 0.65, 0.80, 0.90])
"""Agents declare in which of the ranges between these their probability lies."""
PROMISED = np.array([0.42, 0.575, 0.725, 0.85, 0.93])
"""What each level promises."""
WRONGLY_DECLARED = 0.2
"""Share of pairs that are one level higher or lower than declared."""
ALIKE = 0.1
"""Days whose volumes differ by so much of the usual are still alike."""
USUAL_PATIENCE_S = 240.0
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
    waited_s: Floats
    """(D, K) seconds that all of them waited together."""


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
        waited_s=np.concatenate([day.waited_s for day in days]),
    )


def learned_beliefs(centre: LabCentre, past: Past, floor_p: float) -> Beliefs:
    """Beliefs with learned probabilities, handling times and patience."""
    level = declared_levels(centre)
    resolution = _shrunk(past.resolved, past.handled, level, PROMISED)
    mean_s = past.handled_s.sum() / max(past.handled.sum(), 1.0)
    handling_s = _shrunk_in_class(past.handled_s, past.handled, level, float(mean_s))
    return replace(
        beliefs_of(centre, floor_p),
        resolution=resolution,
        handling_s=handling_s,
        allowed=centre.eligible & (resolution >= floor_p),
        mean_patience_s=learned_patience_s(past),
    )


def declared_levels(centre: LabCentre) -> Ints:
    """(K, A) what agents declare: their range, but a share of them is one level off."""
    rng = stream(0, LabPurpose.DECLARED)
    truth = np.digitize(centre.p, LEVELS)
    is_wrong = rng.random(truth.shape) < WRONGLY_DECLARED
    step = np.where(rng.random(truth.shape) < 0.5, -1, 1)
    return np.clip(truth + np.where(is_wrong, step, 0), 0, len(LEVELS))


def learned_patience_s(past: Past) -> Floats:
    """(K,) mean patience: seconds waited per customer who left (exponential, censored waits)."""
    waited_s = past.waited_s.sum(axis=0) + PRIOR_CONTACTS * USUAL_PATIENCE_S
    patience_s: Floats = waited_s / (past.left.sum(axis=0) + PRIOR_CONTACTS)
    return patience_s


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
        waited_s=_count((kind,), shape[:1], waits(visit)["wait_s"].to_numpy())[None],
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
    steps = np.ones(len(PROMISED))
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
