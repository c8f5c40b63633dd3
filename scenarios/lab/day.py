"""One day, drawn before it begins: every customer's luck, the same whatever the router does.

Common random numbers (L'Ecuyer and Buist 2006): every draw belongs to a customer, a purpose and,
where customers come back, an attempt; its position in its stream depends on nothing else.
"""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from scenarios.lab.centre import Floats, Ints, LabCentre

_LAB = 100
"""First spawn key of all streams of the lab, so that no other scenario shares them."""


class LabPurpose(IntEnum):
    """What a stream of the lab is for; a number is never used twice."""

    VOLUME = 0
    ARRIVALS = 1
    VALUES = 2
    PATIENCE = 3
    HANDLING = 4
    OUTCOMES = 5
    RETURNS = 6
    DELAYS = 7
    SWITCHES = 8
    STRUCTURE = 9
    FORECAST = 10
    PRICES = 11
    DECLARED = 12


@dataclass(frozen=True, eq=False)
class Day:
    """N customers in order of arrival, M attempts each; everything random of one day."""

    arrival_s: Floats
    """(N,) ascending."""
    kind: Ints
    """(N,) contact class of the first attempt."""
    value: Floats
    """(N,) money if resolved."""
    patience: Floats
    """(N, M) factor of the class's mean patience: the time in queue after which they leave."""
    noise: Floats
    """(N, M) factor of the handling time, mean 1, the same whoever handles it."""
    outcome: Floats
    """(N, M) uniform: resolved if below the agent's probability."""
    returns: Floats
    """(N, M) uniform: comes back if below the share that does."""
    delay: Floats
    """(N, M) factor of the median delay before coming back."""
    switch: Floats
    """(N, M) uniform: comes back in the other class if below the share that does."""

    def __len__(self) -> int:
        """N."""
        return len(self.arrival_s)


def stream(seed: int, purpose: LabPurpose) -> np.random.Generator:
    """Generator of one purpose of a lab day."""
    key = (_LAB, int(purpose))
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=key))


def draw_day(centre: LabCentre, seed: int) -> Day:
    """The day of that seed: Poisson arrivals with Gamma factors per day and interval.

    Values and handling-time factors are lognormal, patience is exponential.
    """
    classes = centre.classes
    arrival, kind = _arrivals(centre, seed)
    shape = (len(arrival), centre.attempts)
    sigma = classes.value_sigma[kind]
    lognormal = stream(seed, LabPurpose.VALUES).standard_normal(len(arrival))
    hazard = stream(seed, LabPurpose.PATIENCE).standard_exponential(shape)
    bend = centre.handle_sigma
    normal = stream(seed, LabPurpose.HANDLING).standard_normal(shape)
    return Day(
        arrival_s=arrival,
        kind=kind,
        value=classes.value_mean[kind] * np.exp(sigma * lognormal - sigma**2 / 2),
        patience=hazard,
        noise=np.exp(bend * normal - bend**2 / 2),
        outcome=stream(seed, LabPurpose.OUTCOMES).random(shape),
        returns=stream(seed, LabPurpose.RETURNS).random(shape),
        delay=np.exp(stream(seed, LabPurpose.DELAYS).standard_normal(shape)),
        switch=stream(seed, LabPurpose.SWITCHES).random(shape),
    )


def _arrivals(centre: LabCentre, seed: int) -> tuple[Floats, Ints]:
    """Instants and classes, sorted by instant."""
    rate = centre.classes.rate
    begin = np.arange(centre.num_intervals) * centre.interval_s
    length = np.minimum(begin + centre.interval_s, centre.horizon_s) - begin
    volume = stream(seed, LabPurpose.VOLUME)
    factor = _gamma(volume, centre.day_shape, 1) * _gamma(
        volume, centre.interval_shape, centre.num_intervals
    )
    rng = stream(seed, LabPurpose.ARRIVALS)
    count = rng.poisson(rate * length * factor)
    cell = np.repeat(np.arange(count.size), count.ravel())
    kind, interval = np.divmod(cell, centre.num_intervals)
    arrival = begin[interval] + rng.random(len(cell)) * length[interval]
    order = np.argsort(arrival, kind="stable")
    return arrival[order], kind[order]


def _gamma(rng: np.random.Generator, shape: float, size: int) -> Floats:
    """Factors of mean 1; the stream is used alike whether there is a factor or not."""
    draws: Floats = rng.standard_gamma(shape if np.isfinite(shape) else 1.0, size)
    return draws / shape if np.isfinite(shape) else np.ones(size)
