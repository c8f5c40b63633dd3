"""Common random numbers across overrides: who calls under both calls with the same luck.

Drawing a day anew for every set of rates would give every override other customers. So a day is
drawn once, at the largest rate that any override has in each class and interval, and an override
keeps a customer with probability (its rate / the largest), by a uniform of the customer's own. A
thinned Poisson process is a Poisson process, so each override's day has exactly the law of
`draw_day` at its rates (Gamma factors multiply all rates alike), and of two overrides the one with
the larger rate has all customers of the other and some more. Where no override changes a rate,
the day is that of `draw_day`.

All else that an override changes (agents, probabilities, handling times, ticks, chats, weights)
takes no part in the draw, so its customers are the same to the last bit.
"""

from collections.abc import Sequence
from dataclasses import fields, replace
from enum import IntEnum
from functools import reduce

import numpy as np

from scenarios.lab.centre import Floats, LabCentre
from scenarios.lab.day import Day, draw_day

_STUDY = 101
"""First spawn key of all streams of studies; the lab's own have 100."""


class StudyPurpose(IntEnum):
    """What a stream of a study is for; a number is never used twice."""

    THINNING = 0
    FORECAST = 1
    RESOLUTION = 2
    HANDLING = 3


def study_stream(seed: int, purpose: StudyPurpose) -> np.random.Generator:
    """Generator of one purpose of one day."""
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(_STUDY, int(purpose))))


def largest_rate(centres: Sequence[LabCentre]) -> Floats:
    """(K, T) the largest rate of any of the centres in each class and interval."""
    return reduce(np.maximum, [centre.classes.rate for centre in centres])


def draw_customers(centre: LabCentre, seed: int, largest: Floats) -> Day:
    """The day of that seed at the centre's rates, thinned from the largest (K, T) rates."""
    everybody = draw_day(replace(centre, classes=replace(centre.classes, rate=largest)), seed)
    interval = (everybody.arrival_s / centre.interval_s).astype(np.int64)
    interval = interval.clip(max=centre.num_intervals - 1)
    uniform = study_stream(seed, StudyPurpose.THINNING).random(len(everybody))
    rate = centre.classes.rate[everybody.kind, interval]
    stays = uniform * largest[everybody.kind, interval] < rate
    return Day(**{item.name: getattr(everybody, item.name)[stays] for item in fields(Day)})
