"""A fitted centre in the lab: a day's agents, calls and luck, and what came of them."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from scenarios.from_log.arrivals import INTERVAL_S
from scenarios.from_log.fit import Fit, priority_of
from scenarios.from_log.handling import factors_of, skills_of
from scenarios.from_log.measures import TARGET_S
from scenarios.from_log.month import DAY_S, Month
from scenarios.from_log.pausing import simulate_pausing
from scenarios.from_log.presence import Presence
from scenarios.lab.centre import Breaks, ContactClasses, Floats, Ints, LabCentre, LabChannel
from scenarios.lab.day import Day, LabPurpose, draw_day, stream

LAST_S = 900.0
"""Whose shift ends this close to the last of the day's closes the house."""
STAYS_S = 1800.0
UNKNOWN = -1


@dataclass(frozen=True, eq=False)
class Roster:
    """Who works on a day; rows of agent_id, from_s, until_s."""

    shifts: pl.DataFrame
    absences: pl.DataFrame


@dataclass(frozen=True, eq=False)
class Calls:
    """The calls of a day as the log knows them."""

    entered_s: Floats
    type_idx: Ints
    priority: Ints
    """UNKNOWN where the log has none."""


def roster_of(presence: Presence, day: int, absence_share: float) -> Roster:
    """The roster of one day of the month, with that share of the length of every absence."""
    length = pl.col("until_s") - pl.col("from_s")
    away = presence.absences.filter(day=day).with_columns(
        until_s=pl.col("from_s") + absence_share * length
    )
    return Roster(presence.shifts.filter(day=day), away)


def calls_of(month: Month, types: tuple[str, ...], day: int) -> Calls:
    """The calls of one day of the month; types that `types` does not know are left out."""
    rows = month.calls.filter(pl.col("day") == day, pl.col("type").is_in(types))
    return Calls(
        entered_s=rows["entered_s"].to_numpy().astype(np.float64),
        type_idx=np.array([types.index(one) for one in rows["type"]], dtype=np.int64),
        priority=rows["priority"].fill_null(UNKNOWN).to_numpy().astype(np.int64),
    )


def simulate_day(
    fit: Fit, roster: Roster, weekday: int, seed: int, calls: Calls | None = None
) -> pl.DataFrame:
    """Visits of a day with that roster: `Events.visit` with `type`.

    Calls are those given, or drawn from the fitted rates of the weekday.
    """
    centre = _centre(fit, roster, weekday)
    if calls is None:
        drawn = draw_day(centre, seed)
        arrival_s, kind = drawn.arrival_s, drawn.kind
    else:
        arrival_s, kind = calls.entered_s, _classes_of(fit, calls, seed)
    day = _luck(fit, arrival_s, kind, seed)
    visit = simulate_pausing(
        centre, day, fit.segments.head_start_s, _pauses(fit, len(kind), seed)
    ).visit
    names = pl.Series([fit.types[row] for row in fit.segments.type_idx])
    return visit.with_columns(type=names.gather(visit["contact_class"]))


def _centre(fit: Fit, roster: Roster, weekday: int) -> LabCentre:
    segments = fit.segments
    names = tuple(roster.shifts["agent_id"].to_list())
    place = {name: at for at, name in enumerate(names)}
    away = roster.absences
    eligible = skills_of(names, fit.agents)[segments.type_idx]
    mean_s = fit.handling.mean_s[segments.type_idx]
    return LabCentre(
        name=fit.month.name,
        classes=_classes(fit, weekday),
        p=np.ones(eligible.shape),
        h=mean_s[:, None] * factors_of(names, fit.agents),
        eligible=eligible,
        shift_from_s=roster.shifts["from_s"].to_numpy().astype(np.float64),
        shift_until_s=_closing(roster.shifts["until_s"].to_numpy().astype(np.float64)),
        horizon_s=float(DAY_S),
        interval_s=float(INTERVAL_S),
        tick_s=0.0,
        breaks=Breaks(
            agent=np.array([place[name] for name in away["agent_id"]], dtype=np.int64),
            from_s=away["from_s"].to_numpy().astype(np.float64),
            until_s=away["until_s"].to_numpy().astype(np.float64),
        ),
        day_shape=fit.arrivals.day_shape,
        interval_shape=fit.arrivals.interval_shape,
    )


def _closing(until_s: Floats) -> Floats:
    """Ends of shifts; whoever is there at the end of the day stays until nobody waits.

    They handled the last call: the log shows no later work, but they would have done it.
    """
    closes_s = until_s.max(initial=0.0)
    return np.where(until_s > closes_s - LAST_S, closes_s + STAYS_S, until_s)


def _classes(fit: Fit, weekday: int) -> ContactClasses:
    segments = fit.segments
    number = len(segments.names)
    ones, nothing = np.ones(number), np.zeros(number)
    return ContactClasses(
        names=segments.names,
        channel=np.full(number, int(LabChannel.VOICE)),
        rate=fit.arrivals.rate[weekday][segments.type_idx] * segments.share[:, None],
        value_mean=ones,
        value_sigma=nothing,
        loss_share=nothing,
        waiting_cost=nothing,
        # One second: the day holds patience in seconds, since it is not exponential.
        patience_s=ones,
        target_s=np.full(number, TARGET_S),
        wrap_up_share=nothing,
    )


def _luck(fit: Fit, arrival_s: Floats, kind: Ints, seed: int) -> Day:
    """The day's customers."""
    shape = (len(kind), 1)
    type_idx = fit.segments.type_idx[kind][:, None]
    hazard = stream(seed, LabPurpose.PATIENCE).standard_exponential(shape)
    patience = np.empty(shape)
    for row, curve in enumerate(fit.patience):
        mine = kind == row
        patience[mine] = curve.draw(hazard[mine])
    sigma = fit.handling.sigma[type_idx]
    normal = stream(seed, LabPurpose.HANDLING).standard_normal(shape)
    of_hour = fit.handling.of_hour[(arrival_s // 3600).astype(np.int64)]
    unused = np.zeros(shape)
    return Day(
        arrival_s=arrival_s,
        kind=kind,
        value=np.ones(len(kind)),
        patience=patience,
        noise=np.exp(sigma * normal - sigma**2 / 2) * of_hour[:, None],
        outcome=unused,
        returns=unused,
        delay=unused,
        switch=unused,
    )


def _pauses(fit: Fit, number: int, seed: int) -> Floats:
    """(N, 2) seconds after a call if nobody waits, and if somebody does."""
    hazard = stream(seed, LabPurpose.DELAYS).standard_exponential(number)
    busy_s = fit.presence.time_off.draw(hazard)
    return np.stack([fit.readiness.pause_s * hazard, busy_s], axis=1)


def _classes_of(fit: Fit, calls: Calls, seed: int) -> Ints:
    """Classes of real calls; what the log does not know is drawn by the shares of the type."""
    segments = fit.segments
    known = priority_of(fit, calls.type_idx, calls.priority)
    uniform = stream(seed, LabPurpose.SWITCHES).random(len(known))
    kind = np.zeros(len(known), dtype=np.int64)
    for type_idx in range(len(fit.types)):
        for priority in (UNKNOWN, *np.unique(segments.priority).tolist()):
            mine = (calls.type_idx == type_idx) & (known == priority)
            fits = (segments.type_idx == type_idx) & (
                (segments.priority == priority) | (priority == UNKNOWN)
            )
            rows = np.flatnonzero(fits)
            if len(rows) and mine.any():
                until = np.cumsum(segments.share[rows])
                place = np.searchsorted(until / until[-1], uniform[mine], side="right")
                kind[mine] = rows[np.minimum(place, len(rows) - 1)]
    return kind
