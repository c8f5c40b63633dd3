"""Who goes first, beyond money at risk: priority classes, boosts, starvation and tiers.

Expressions over conversations; follows `docs/model.md` section 1.
"""

from functools import reduce
from operator import and_

import polars as pl

from models.policy import Boost, Policy
from models.problem import NO_TIER

STARVED_TIERS = (0, 1)
FIRST_STRICT_TIER = 2
"""Strict priority classes follow on the starved."""


def starvation(waited_s: pl.Expr, most_s: pl.Expr) -> pl.Expr:
    """Wait of a member as a share of the longest that it should wait; 0 where none is promised."""
    return pl.when(most_s > 0).then(waited_s / most_s).otherwise(0.0)


def tier_of(starved: pl.Expr, priority: pl.Expr, policy: Policy) -> pl.Expr:
    """Tier of a conversation by its starvation and priority class, NO_TIER where money decides."""
    tier = (
        pl.when(starved > 2)
        .then(0)
        .when(starved > 1)
        .then(1)
        .when(priority < policy.strict_classes)
        .then(FIRST_STRICT_TIER + priority)
        .otherwise(NO_TIER)
    )
    return tier.cast(pl.Int32)


def boosts(policy: Policy) -> tuple[pl.Expr, pl.Expr]:
    """Money and seconds that the rules which match a conversation add to it.

    Looks at `queue_id`, `channel`, `tier` and `escalated`.
    """
    worth = age_s = pl.lit(0.0)
    for rule in policy.boosts:
        matches = _matches(rule)
        worth = worth + pl.when(matches).then(rule.worth).otherwise(0.0)
        age_s = age_s + pl.when(matches).then(rule.age_s).otherwise(0.0)
    return worth.alias("boost_worth"), age_s.alias("boost_age_s")


def _matches(rule: Boost) -> pl.Expr:
    tests = [pl.lit(value=True)]
    if rule.queue_id:
        tests.append(pl.col("queue_id") == rule.queue_id)
    if rule.channel is not None:
        tests.append(pl.col("channel") == rule.channel.value)
    if rule.tier is not None:
        tests.append(pl.col("tier") == rule.tier.value)
    if rule.escalated:
        tests.append(pl.col("escalated"))
    return reduce(and_, tests)
