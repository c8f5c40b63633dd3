"""The one number that is not read off the log: how much of each absence counts.

Absences of the log are in part the agents' answer to their own quiet; at the same clock times a
simulated queue may be long. So the share of each that is kept is set such that the known month,
simulated with its own calls and heads, has as many customers abandon as it really had.
"""

from dataclasses import replace

import polars as pl

from models.kpis import abandonment_rate
from scenarios.from_log.fit import Fit
from scenarios.from_log.measures import real_visits
from scenarios.from_log.simulated import calls_of, roster_of, simulate_day

STEPS = 6
"""Of the bisection: to a 64th."""
MONTHS = 2
"""Simulated at each."""


def calibrated(fit: Fit, seed: int) -> Fit:
    """The fit with `absence_share` set; 0 or 1 where even that is not enough."""
    real = abandonment_rate(real_visits(fit.month, fit.types)) or 0.0
    low, high = 0.0, 1.0
    for _ in range(STEPS):
        middle = (low + high) / 2
        # The same luck at every step, so that only the share moves the rate.
        if _abandoned(replace(fit, absence_share=middle), seed) > real:
            high = middle
        else:
            low = middle
    return replace(fit, absence_share=(low + high) / 2)


def _abandoned(fit: Fit, seed: int) -> float:
    month = fit.month
    days = range(len(month.days))
    visits = [
        simulate_day(
            fit,
            roster_of(fit.presence, day, fit.absence_share),
            int(month.weekday[day]),
            seed + again * len(month.days) + day,
            calls_of(month, fit.types, day),
        )
        for again in range(MONTHS)
        for day in days
    ]
    return abandonment_rate(pl.concat(visits)) or 0.0
