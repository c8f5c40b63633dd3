"""Centres and days of a few rows, made by hand."""

from collections.abc import Sequence

import numpy as np

from scenarios.lab.centre import ContactClasses, Floats, LabCentre
from scenarios.lab.day import Day

NEVER = float("inf")


def classes(
    number: int = 1,
    *,
    channel: Sequence[int] | None = None,
    rate: float = 0.01,
    value: Sequence[float] | None = None,
    patience_s: float = 1.0,
    loss_share: float = 0.0,
    waiting_cost: float = 0.0,
) -> ContactClasses:
    """Classes without spread; patience of a day is in seconds unless a mean is given."""
    one = np.ones(number)
    return ContactClasses(
        names=tuple(f"class {kind}" for kind in range(number)),
        channel=np.zeros(number, dtype=np.int64) if channel is None else np.array(channel),
        rate=np.full((number, 1), rate),
        value_mean=10 * one if value is None else np.array(value, dtype=np.float64),
        value_sigma=0 * one,
        loss_share=loss_share * one,
        waiting_cost=waiting_cost * one,
        patience_s=patience_s * one,
        target_s=20 * one,
        wrap_up_share=0 * one,
    )


def centre(
    agents: int = 1,
    kinds: ContactClasses | None = None,
    *,
    p: Floats | None = None,
    handle_s: float = 100.0,
    horizon_s: float = 1000.0,
    tick_s: float = 0.0,
) -> LabCentre:
    """Everybody is eligible for everything and there all day, and may stay as long as it takes."""
    given = classes() if kinds is None else kinds
    shape = (len(given.names), agents)
    return LabCentre(
        name="hand-made",
        classes=given,
        p=np.full(shape, 0.5) if p is None else p,
        h=np.full(shape, handle_s),
        eligible=np.ones(shape, dtype=bool),
        shift_from_s=np.zeros(agents),
        shift_until_s=np.full(agents, NEVER),
        horizon_s=horizon_s,
        interval_s=horizon_s,
        tick_s=tick_s,
    )


def day(
    arrival_s: Sequence[float],
    *,
    kind: Sequence[int] | None = None,
    patience: float | Sequence[float] = NEVER,
    noise: float | Sequence[float] = 1.0,
    outcome: float = 0.0,
    returns: float = 1.0,
    delay: float = 1.0,
    switch: float = 1.0,
    value: float = 10.0,
    attempts: int = 1,
) -> Day:
    """Customers at these instants; numbers are those of every customer and attempt."""
    number = len(arrival_s)
    shape = (number, attempts)

    def rows(given: float | Sequence[float]) -> Floats:
        column = np.asarray(given, dtype=np.float64).reshape(-1, 1)
        return np.broadcast_to(column, shape).copy()

    return Day(
        arrival_s=np.array(arrival_s, dtype=np.float64),
        kind=np.zeros(number, dtype=np.int64) if kind is None else np.array(kind),
        value=np.full(number, value),
        patience=rows(patience),
        noise=rows(noise),
        outcome=rows(outcome),
        returns=rows(returns),
        delay=rows(delay),
        switch=rows(switch),
    )
