"""Section 5 of `docs/model.md`, written a second time: what lies between one pair alone.

Keys are conversation * A + agent.
"""

from dataclasses import dataclass

import numpy as np
import polars as pl

from models.recount.numbers import SECOND, Floats, Ints, by_channel, instant, ints, seconds
from models.recount.pairs import Eligibility
from models.recount.sides import Sides


@dataclass(frozen=True, eq=False)
class Between:
    """Pairs that know each other, or of which one refused the other."""

    key: Ints
    """Sorted, each once. All that follow have the same shape."""
    stickiness: Floats
    declines: Floats
    """Cost, not below 0."""

    def of(self, key: Ints) -> tuple[Ints, Ints]:
        """Places in ascending keys that are among these pairs, and the places here."""
        place = np.searchsorted(key, self.key)
        hit = np.flatnonzero(np.append(key, -1)[place] == self.key)
        return place[hit], hit


def build_between(sides: Sides, eligibility: Eligibility) -> Between:
    """All pairs with stickiness or declines."""
    known, refused = _stickiness(sides, eligibility), _declines(sides)
    rows = known.join(refused, on="key", how="full", coalesce=True).sort("key").fill_null(0.0)
    return Between(
        key=ints(rows["key"]),
        stickiness=rows["worth"].to_numpy(),
        declines=rows["cost"].to_numpy(),
    )


def _stickiness(sides: Sides, eligibility: Eligibility) -> pl.DataFrame:
    """(key, worth): the largest where there are several reasons."""
    members, policy = sides.conversations.members, sides.policy
    now = instant(sides.batch.now)
    customers = members.select("conversation", customer_id="party_customer").drop_nulls().unique()
    last = _named(sides, members, "last_agent_id")
    half_life = by_channel(policy, lambda p: p.stick_half_life_s)[ints(last["channel_at"])]
    solved = _named(sides, members, "resolver_agent_id")
    solved_age = np.maximum(0, -seconds(solved, "resolved_at", now))
    fading = _fading(policy.resolver_worth, solved_age, policy.resolver_half_life_s)
    owner = _named(sides, members.filter("is_lead"), "owner_agent_id")
    dedicated = _named(sides, customers.join(sides.batch.customer_agents, on="customer_id"))
    holding = eligibility.ties
    last_age = np.maximum(0, -seconds(last, "last_agent_at", now))
    pairs = pl.concat(
        [
            _worth(last, _fading(policy.stick_worth, last_age, half_life)),
            _worth(owner, np.full(len(owner), policy.owner_worth)),
            _worth(dedicated, policy.owner_worth * dedicated["score"].to_numpy() / 100),
            _worth(holding, np.full(len(holding), policy.stick_worth)),
            _worth(solved, np.where(solved_age < policy.resolver_window_s, fading, np.nan)),
        ]
    ).filter(pl.col("worth").is_not_nan())
    return pairs.group_by(_key(sides)).agg(pl.col("worth").max())


def _declines(sides: Sides) -> pl.DataFrame:
    """(key, cost) of the pairs of which the agent declined a member."""
    rows = _named(
        sides,
        sides.batch.declines.join(
            sides.conversations.members.select("contact_id", "conversation"), on="contact_id"
        ),
    )
    return rows.group_by(_key(sides)).agg(cost=sides.policy.decline_cost * pl.len())


def _named(sides: Sides, rows: pl.DataFrame, column: str = "agent_id") -> pl.DataFrame:
    """Rows whose agent is in the batch, with `agent`."""
    agents = sides.agents.ids.select("agent_id", "agent")
    return rows.join(agents, left_on=column, right_on="agent_id")


def _fading(worth: float, age_s: Floats, half_life_s: Floats | float) -> Floats:
    """NaN where the age is unknown."""
    left: Floats = worth * np.exp2(-age_s / np.maximum(half_life_s, 1 / SECOND))
    return left


def _worth(pairs: pl.DataFrame, worth: Floats) -> pl.DataFrame:
    return pairs.select(
        pl.col("conversation").cast(pl.Int64),
        pl.col("agent").cast(pl.Int64),
        worth=pl.Series(worth, dtype=pl.Float64),
    )


def _key(sides: Sides) -> pl.Expr:
    position = pl.col("conversation").cast(pl.Int64) * len(sides.agents)
    return (position + pl.col("agent").cast(pl.Int64)).alias("key")
