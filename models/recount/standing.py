"""Sections 1 and 3 of `docs/model.md`, written a second time: tiers, boosts, who is preferred."""

import numpy as np
import polars as pl

from models.policy import Policy
from models.recount.centre import Centre
from models.recount.numbers import SECOND, Bools, Floats, Ints, by_channel, instant, ints
from models.tables import Channel, Tier

NO_TIER = -1
NOBODY = -1
LONG_STARVED, STARVED, STRICT = 0, 1, 2
"""Tiers; from STRICT on they are those of the strict classes of priority."""

STARVED_TIERS = (LONG_STARVED, STARVED)


def tier_of(policy: Policy, members: pl.DataFrame, start: Ints) -> Ints:
    """(C,) tier of the model, NO_TIER where money counts."""
    wait, most = members["wait_s"].to_numpy(), members["most_wait_s"].to_numpy()
    share = np.divide(wait, most, out=np.zeros(len(wait)), where=most > 0)
    ratio = np.maximum.reduceat(share, start)
    priority = np.minimum.reduceat(ints(members["class_of_priority"]), start)
    strict = np.where(priority < policy.strict_classes, STRICT + priority, NO_TIER)
    return np.select([ratio > 2, ratio > 1], [LONG_STARVED, STARVED], strict).astype(np.int64)


def boosts_of(
    policy: Policy, lead: pl.DataFrame, channel: Ints, escalated: Bools
) -> tuple[Floats, Floats]:
    """(C,) money and seconds that the rules add which match."""
    worth, age_s = np.zeros(len(lead)), np.zeros(len(lead))
    queue, tier = lead["queue_id"], ints(lead["tier_at"])
    for boost in policy.boosts:
        hit = escalated | (not boost.escalated)
        if boost.queue_id:
            hit &= (queue == boost.queue_id).to_numpy()
        if boost.channel is not None:
            hit &= channel == list(Channel).index(boost.channel)
        if boost.tier is not None:
            hit &= tier == list(Tier).index(boost.tier)
        worth[hit] += boost.worth
        age_s[hit] += boost.age_s
    return worth, age_s


def preferred_of(centre: Centre, members: pl.DataFrame, start: Ints) -> tuple[Ints, Bools]:
    """(C,) the preferred agent of section 3, NOBODY where there is none in the batch, and whether
    the last agent's window says so.
    """
    batch, policy = centre.batch, centre.policy
    window = np.rint(by_channel(policy, lambda c: c.same_agent_window_s) * SECOND)
    since = instant(batch.now) - window.astype(np.int64)[ints(members["channel_at"])]
    recent = (
        members.filter(
            pl.col("last_agent_id").is_not_null()
            & (pl.col("last_agent_at").dt.epoch("us") > pl.Series(since))
        )
        .sort("last_agent_at", "last_agent_id", descending=True)
        .unique("conversation", keep="first", maintain_order=True)
        .select("conversation", by_window="last_agent_id")
    )
    dedicated = (
        batch.customer_agents.sort("score", "agent_id", descending=[True, False])
        .unique("customer_id", keep="first", maintain_order=True)
        .select(party_customer="customer_id", dedicated="agent_id")
    )
    rows = (
        members[start]
        .join(recent, on="conversation", how="left", maintain_order="left")
        .join(dedicated, on="party_customer", how="left", maintain_order="left")
        .select("by_window", agent_id=pl.coalesce("by_window", "owner_agent_id", "dedicated"))
        .join(
            centre.agents.ids.select("agent_id", "agent"),
            on="agent_id",
            how="left",
            maintain_order="left",
        )
    )
    return ints(rows["agent"].fill_null(NOBODY)), rows["by_window"].is_not_null().to_numpy()
