"""All that a month's log tells about its centre, as what the lab needs to simulate it."""

from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from scenarios.from_log.arrivals import Arrivals, fit_arrivals
from scenarios.from_log.handling import Agents, Handling, fit_agents, fit_handling
from scenarios.from_log.month import Month
from scenarios.from_log.presence import Presence, fit_presence
from scenarios.from_log.readiness import Readiness, fit_readiness
from scenarios.from_log.routing import Rule, fit_rule
from scenarios.from_log.survival import Survival, kaplan_meier
from scenarios.lab.centre import Floats, Ints

MIN_SHARE = 0.05
MIN_WAITED = 100
"""A priority of a type is a class of its own from this share and number of waiting calls on."""
MIN_ABANDONED = 20
"""Patience of a class with fewer is that of all calls."""
PRIORITIES = 3


@dataclass(frozen=True, eq=False)
class Segments:
    """K classes of the lab: a type, a priority, and whether the extra head start is theirs."""

    names: tuple[str, ...]
    type_idx: Ints
    priority: Ints
    share: Floats
    """(K,) of the calls of the type."""
    head_start_s: Floats


@dataclass(frozen=True, eq=False)
class Fit:
    """The centre of the month."""

    month: Month
    types: tuple[str, ...]
    arrivals: Arrivals
    handling: Handling
    agents: Agents
    presence: Presence
    readiness: Readiness
    rule: Rule
    segments: Segments
    patience: tuple[Survival, ...]
    """(K,)"""
    absence_share: float = 1.0
    """Of the length of every absence: counts (`calibrate.py`)."""


def fit_month(month: Month) -> Fit:
    """The centre of a month's log."""
    types = tuple(
        month.calls["type"].value_counts().sort("count", "type", descending=True)["type"]
    )
    handling = fit_handling(month, types)
    agents = fit_agents(month, types, handling)
    presence = fit_presence(month, types, agents)
    rule = fit_rule(month, types, agents)
    segments = _segments(month, types, rule)
    return Fit(
        month=month,
        types=types,
        arrivals=fit_arrivals(month, types),
        handling=handling,
        agents=agents,
        presence=presence,
        readiness=fit_readiness(month, types, agents, presence),
        rule=rule,
        segments=segments,
        patience=_patience(month, types, segments),
    )


def refitted(fit: Fit, days: Month) -> Fit:
    """The same people, rule and classes; arrivals, patience and service times of other days."""
    return replace(
        fit,
        month=days,
        arrivals=fit_arrivals(days, fit.types),
        handling=fit_handling(days, fit.types),
        patience=_patience(days, fit.types, fit.segments),
    )


def priority_of(fit: Fit, kind: Ints, priority: Ints) -> Ints:
    """Priorities of calls as the classes tell them apart; -1 where the log does not know."""
    segments = fit.segments
    usual = np.array(
        [
            segments.priority[segments.type_idx == row][
                segments.share[segments.type_idx == row].argmax()
            ]
            for row in range(len(fit.types))
        ]
    )
    has_own = np.zeros((len(fit.types), PRIORITIES), dtype=np.bool_)
    has_own[segments.type_idx, segments.priority] = True
    known: Ints = np.where(has_own[kind, priority.clip(0)], priority, usual[kind])
    return np.where(priority < 0, -1, known)


def _segments(month: Month, types: tuple[str, ...], rule: Rule) -> Segments:
    """Classes by type and logged priority; priority 2 is split by the extra head start."""
    rows: list[tuple[str, int, int, float, float]] = []
    for row, name in enumerate(types):
        waited = month.calls.filter(pl.col("type") == name, pl.col("waited"))["priority"]
        count = np.bincount(waited.drop_nulls().to_numpy(), minlength=PRIORITIES)[:PRIORITIES]
        if not count.sum():
            count = np.array([1, 0, 0])
        own = (count >= MIN_WAITED) & (count >= MIN_SHARE * count.sum())
        own[count.argmax()] = True
        for priority in np.flatnonzero(own).tolist():
            share = float(count[priority] / count[own].sum())
            label = f"{name} {priority}" if own.sum() > 1 else name
            head_s, usual_s = float(rule.head_start_s[priority]), float(rule.head_start_s[1])
            if priority == 2 and head_s > usual_s:
                extra = rule.has_extra
                rows.append((f"{label} ahead", row, priority, share * extra, head_s))
                rows.append((label, row, priority, share * (1 - extra), usual_s))
            else:
                rows.append((label, row, priority, share, head_s))
    names, kinds, priorities, shares, heads = zip(*rows, strict=True)
    return Segments(
        names, np.array(kinds), np.array(priorities), np.array(shares), np.array(heads)
    )


def _patience(month: Month, types: tuple[str, ...], segments: Segments) -> tuple[Survival, ...]:
    """Kaplan-Meier of waits: leaving is the event, an answer censors."""
    waited = month.calls.filter("waited")
    everybody = _curve(waited)
    found = []
    for kind, priority in zip(segments.type_idx, segments.priority, strict=True):
        mine = waited.filter(pl.col("type") == types[kind])
        if (segments.priority[segments.type_idx == kind] != priority).any():
            mine = mine.filter(pl.col("priority") == int(priority))
        curve = _curve(mine)
        found.append(curve if curve.num_events >= MIN_ABANDONED else everybody)
    return tuple(found)


def _curve(waited: pl.DataFrame) -> Survival:
    return kaplan_meier(waited["wait_s"].to_numpy(), waited["abandoned"].to_numpy())
