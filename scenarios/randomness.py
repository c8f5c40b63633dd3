"""Random streams: one per purpose, so that a change in one place leaves every other draw alone."""

from enum import IntEnum

import numpy as np


class Purpose(IntEnum):
    """What a stream is for; a number is never used twice, or old seeds would change meaning."""

    WORKFORCE = 0
    SHIFTS = 1
    VOLUME = 2
    CONTACTS = 3
    CUSTOMERS = 4
    HISTORY = 5
    INITIAL_LOAD = 6
    FATES = 7
    BATCH_AGENTS = 8
    BATCH_CONTACTS = 9
    BATCH_CUSTOMERS = 10
    BATCH_LOAD = 11
    BREAKS = 12
    ELAPSED = 13
    BATCH_SKILLS = 14
    RULES = 15


def stream(seed: int, purpose: Purpose) -> np.random.Generator:
    """Generator of one purpose; the same seed and purpose give the same draws on any machine."""
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(int(purpose),)))
