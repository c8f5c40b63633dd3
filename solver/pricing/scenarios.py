"""Sampled futures for the prices: how many contacts come, which, when, and when agents are free.

Everything is drawn from the generator that is passed in, so the same seed gives the same prices.
Sources: `value.md` 1 and `methods.md` 4.3 and 8.1 (day factor with a Gamma posterior, Poisson
arrivals, lognormal handling times given the time elapsed).
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import log_ndtr, ndtr, ndtri

from models.problem import Floats, Ints

DAY_FACTOR_PRIOR = 50.0
"""Contacts' worth of belief that the day is as forecast; 1 / 50 is the variance of the factor."""
SCENARIO_SHAPE = 200.0
"""Shape of the Gamma factor of mean 1 by which the near future differs from the day so far."""

SMALLEST_TAIL = 1e-300


@dataclass(frozen=True, eq=False)
class SampledContacts:
    """N contacts of one sampled future."""

    kind: Ints
    """(N,) class."""
    arrival_s: Floats
    """(N,) seconds from now, ascending."""
    value: Floats
    """(N,) money if resolved."""


@dataclass(frozen=True, eq=False)
class Remaining:
    """Work in progress: handling times are lognormal, of which `elapsed_s` have passed."""

    elapsed_s: Floats
    """(W,)"""
    log_mean: Floats
    """(W,) mean of the logarithm of the whole handling time in seconds."""
    log_sd: Floats
    """(W,) and its standard deviation; 0 for a time that is known."""


def day_factor(seen: float, expected: float, prior: float = DAY_FACTOR_PRIOR) -> float:
    """How busy the day is, relative to its forecast: the posterior mean (prior + seen) / (...)."""
    return (prior + seen) / (prior + expected)


def demand_scenarios(
    waiting: Floats,
    forecast: Floats,
    factor: float,
    scenarios: int,
    rng: np.random.Generator,
    shape: float = SCENARIO_SHAPE,
) -> Floats:
    """(S, P, K) contacts: those who wait, in the first sub-period, and those who come.

    `waiting` is (K,), `forecast` (P, K). One Gamma factor per scenario lifts or lowers all.
    """
    lift = rng.gamma(shape, 1.0 / shape, scenarios)[:, None, None]
    demand = rng.poisson(factor * lift * forecast).astype(np.float64)
    demand[:, 0] += waiting
    return demand


def sampled_contacts(
    rate: Floats,
    window_s: float,
    values: Floats,
    factor: float,
    rng: np.random.Generator,
    shape: float = SCENARIO_SHAPE,
) -> SampledContacts:
    """The contacts of the next `window_s` seconds, one by one.

    `rate` is (K,) contacts per second; `values` (K, Q) money at Q equal steps of probability, one
    of which each contact gets.
    """
    lift = factor * rng.gamma(shape, 1.0 / shape)
    number = rng.poisson(lift * rate * window_s)
    kind = np.repeat(np.arange(len(rate)), number)
    arrival = rng.uniform(0.0, window_s, len(kind))
    value = values[kind, rng.integers(0, values.shape[1], len(kind))]
    order = np.argsort(arrival, kind="stable")
    return SampledContacts(kind=kind[order], arrival_s=arrival[order], value=value[order])


def value_buckets(values: Floats, buckets: int) -> Floats:
    """(K, B) mean value of B equally likely parts of each class, from (K, Q) quantiles."""
    parts = np.array_split(np.sort(values, axis=1), buckets, axis=1)
    return np.stack([part.mean(axis=1) for part in parts], axis=1)


def mean_remaining_s(work: Remaining) -> Floats:
    """(W,) expected seconds still to go, E[X - elapsed | X > elapsed]."""
    mean, sd = work.log_mean, np.maximum(work.log_sd, 1e-9)
    reached = np.log(np.maximum(work.elapsed_s, 1e-9))
    tail = log_ndtr((mean - reached) / sd)
    beyond = log_ndtr((mean + sd**2 - reached) / sd)
    whole = np.exp(mean + sd**2 / 2 + beyond - tail)
    return np.asarray(np.maximum(whole - work.elapsed_s, 0.0), dtype=np.float64)


def sampled_remaining_s(work: Remaining, scenarios: int, rng: np.random.Generator) -> Floats:
    """(S, W) seconds still to go, drawn from the same conditional distribution."""
    sd = np.maximum(work.log_sd, 1e-9)
    reached = (np.log(np.maximum(work.elapsed_s, 1e-9)) - work.log_mean) / sd
    tail = np.maximum(ndtr(-reached) * rng.random((scenarios, len(sd))), SMALLEST_TAIL)
    whole = np.exp(work.log_mean - sd * ndtri(tail))
    return np.asarray(np.maximum(whole - work.elapsed_s, 0.0), dtype=np.float64)
