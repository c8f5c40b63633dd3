"""How long calls take by type, how fast each agent is, and which types are theirs."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from scenarios.from_log.month import Month
from scenarios.lab.centre import Flags, Floats

MIN_CALLS = 5
"""Fewer calls of a type may be stray: no skill."""
MIN_OF_HOUR = 100
"""Hours with fewer calls have no factor of their own."""
MIN_SHARE = 0.25
"""A type is a skill of an agent if it is at least this share as frequent among their calls as
among all."""


@dataclass(frozen=True, eq=False)
class Handling:
    """Service times by type: lognormal, times the agent's factor."""

    mean_s: Floats
    """(types,)"""
    sigma: Floats
    """(types,) of the lognormal with the mean and the variance of the month (moments): a fit to
    logarithms would take the many calls of a few seconds for a long tail."""
    of_hour: Floats
    """(24,) factor by hour of entry: calls at opening and closing are shorter."""


@dataclass(frozen=True, eq=False)
class Agents:
    """A agents that the month has seen."""

    names: tuple[str, ...]
    factor: Floats
    """(A,) of service times, shrunk towards 1."""
    can_serve: Flags
    """(types, A)"""


def fit_handling(month: Month, types: tuple[str, ...]) -> Handling:
    """Lognormals of the service times of each type, by moments."""
    served = month.calls.filter(pl.col("service_s") > 0)
    by_type = served.group_by("type").agg(
        mean=pl.col("service_s").mean(),
        sigma=(1 + pl.col("service_s").var() / pl.col("service_s").mean() ** 2).log().sqrt(),
    )
    rows = pl.DataFrame({"type": types}).join(
        by_type, on="type", how="left", maintain_order="left"
    )
    mean_s = rows["mean"].fill_null(1.0).to_numpy()
    means = pl.DataFrame({"type": types, "mean_s": mean_s})
    ratio = pl.col("service_s") / pl.col("mean_s")
    by_hour = (
        served.join(means, on="type")
        .group_by(hour=(pl.col("entered_s") // 3600).cast(pl.Int64))
        .agg(factor=ratio.mean(), num=pl.len())
        .filter(pl.col("num") >= MIN_OF_HOUR)
    )
    of_hour = np.ones(24)
    of_hour[by_hour["hour"].to_numpy()] = by_hour["factor"].to_numpy()
    return Handling(mean_s, rows["sigma"].fill_null(0.0).to_numpy(), of_hour)


def fit_agents(month: Month, types: tuple[str, ...], handling: Handling) -> Agents:
    """Skills and factors of everybody who served a call."""
    served = month.calls.filter(pl.col("service_s") > 0)
    means = pl.DataFrame({"type": types, "mean_s": handling.mean_s})
    ratio = served.join(means, on="type").with_columns(
        ratio=pl.col("service_s") / pl.col("mean_s")
    )
    by_agent = (
        ratio.group_by("agent_id").agg(num=pl.len(), mean=pl.col("ratio").mean()).sort("agent_id")
    )
    names = tuple(by_agent["agent_id"].to_list())
    # Of all ratios: a type's skewness makes the spread of a single agent's few calls useless.
    variance = float(ratio["ratio"].to_numpy().var(ddof=1))
    num = by_agent["num"].to_numpy().astype(np.float64)
    factor = shrunk(by_agent["mean"].to_numpy(), num, variance)
    return Agents(names, factor, _skills(served, names, types))


def skills_of(names: tuple[str, ...], agents: Agents) -> Flags:
    """(types, names) who serves what; strangers serve what most agents do."""
    place = {name: at for at, name in enumerate(agents.names)}
    usual = agents.can_serve.mean(axis=1) > 0.5
    columns = [agents.can_serve[:, place[name]] if name in place else usual for name in names]
    return np.stack(columns, axis=1)


def factors_of(names: tuple[str, ...], agents: Agents) -> Floats:
    """(names,) factors of service times; 1 for strangers."""
    known = dict(zip(agents.names, agents.factor.tolist(), strict=True))
    return np.array([known.get(name, 1.0) for name in names])


def shrunk(mean: Floats, num: Floats, variance: float) -> Floats:
    """(A,) means pulled towards 1 by what chance alone would make of so few calls.

    Weight = between / (between + variance / num), the empirical Bayes rule of a normal model;
    `between`, the variance of true factors, is that of the means less what chance adds to it, all
    agents alike in weight (method of moments).
    """
    between = max(float(((mean - 1) ** 2).mean() - (variance / num).mean()), 0.0)
    weight = between / (between + variance / num) if variance > 0 else np.ones(len(mean))
    return 1 + weight * (mean - 1)


def _skills(served: pl.DataFrame, names: tuple[str, ...], types: tuple[str, ...]) -> Flags:
    count = np.zeros((len(types), len(names)))
    for row, kind in enumerate(types):
        of_agent = served.filter(type=kind).group_by("agent_id").len()
        known = pl.DataFrame({"agent_id": names}).join(
            of_agent, on="agent_id", how="left", maintain_order="left"
        )
        count[row] = known["len"].fill_null(0).to_numpy()
    share = count / count.sum(axis=0)
    usual = count.sum(axis=1) / count.sum()
    skilled: Flags = (count >= MIN_CALLS) & (share >= MIN_SHARE * usual[:, None])
    return skilled
