"""Worth of agents whom the customer knows: `docs/model.md` section 5."""

import math

import polars as pl

from models.batch import Batch
from models.capacity import AgentState
from models.columns import seconds
from models.conversations import Conversations
from models.declines import Declines
from models.parties import HeldByParty
from models.policy import Policy

_BEST_SCORE = 100.0


def stickiness(
    batch: Batch,
    policy: Policy,
    conversations: Conversations,
    agents: AgentState,
    held: HeldByParty,
) -> pl.DataFrame:
    """(conversation_idx, agent_idx, worth), one row per pair, sorted.

    Of the last agent, the owner and other dedicated agents, whoever holds something of the party,
    and the earlier resolver only the strongest reason counts (R.7).
    """
    members = conversations.members
    now = pl.lit(batch.now, pl.Datetime("us", "UTC"))
    ties = []
    if not held.items.is_empty():
        worth = pl.lit(policy.stick_worth)
        ties.append(held.items.select("conversation_idx", "agent_id", worth=worth))
    if not batch.customer_agents.is_empty():
        ties.append(_dedicated(batch, members, policy))
    if _names_somebody(members["last_agent_id"]):
        ties.append(_last_agents(members, now, policy))
    if _names_somebody(conversations.units["owner_agent_id"]):
        ties.append(_owners(conversations.units, policy))
    if _names_somebody(members["resolver_agent_id"]):
        ties.append(_resolvers(members, now, policy))
    if not ties:
        return _NOBODY_KNOWN
    return (
        pl.concat(ties, how="vertical_relaxed")
        .join(agents.agents.select("agent_id", "agent_idx"), on="agent_id")
        .group_by("conversation_idx", "agent_idx")
        .agg(pl.col("worth").max())
        .sort("conversation_idx", "agent_idx")
    )


_NOBODY_KNOWN = pl.DataFrame(
    schema={"conversation_idx": pl.UInt32, "agent_idx": pl.UInt32, "worth": pl.Float64}
)
_NO_PAIRS = pl.DataFrame(
    schema={
        "conversation_idx": pl.UInt32,
        "agent_idx": pl.UInt32,
        "stickiness": pl.Float64,
        "declines": pl.Float64,
        "worth": pl.Float64,
    }
)


def terms_of_pairs(sticky: pl.DataFrame, declines: Declines, policy: Policy) -> pl.DataFrame:
    """(conversation_idx, agent_idx, stickiness, declines, worth): the terms of single pairs side
    by side, with their sum; one row per pair, sorted.
    """
    if sticky.is_empty() and declines.pairs.is_empty():
        return _NO_PAIRS
    pair = ("conversation_idx", "agent_idx")
    refused = declines.pairs.select(*pair, declines=-policy.decline_cost * pl.col("num"))
    known = sticky.rename({"worth": "stickiness"})
    return (
        known.join(refused, on=pair, how="full", coalesce=True)
        .with_columns(pl.col("stickiness", "declines").fill_null(0.0))
        .with_columns(worth=pl.col("stickiness") + pl.col("declines"))
        .sort(pair)
    )


def _names_somebody(ids: pl.Series) -> bool:
    return ids.null_count() < len(ids)


def _last_agents(members: pl.DataFrame, now: pl.Expr, policy: Policy) -> pl.DataFrame:
    age_s = _age_s(now, "last_agent_at")
    return members.filter(pl.col("last_agent_at").is_not_null()).select(
        "conversation_idx",
        agent_id="last_agent_id",
        worth=policy.stick_worth * _halved(age_s, pl.col("stick_half_life_s")),
    )


def _owners(units: pl.DataFrame, policy: Policy) -> pl.DataFrame:
    return units.select(
        "conversation_idx", agent_id="owner_agent_id", worth=pl.lit(policy.owner_worth)
    )


def _dedicated(batch: Batch, members: pl.DataFrame, policy: Policy) -> pl.DataFrame:
    customers = members.select("conversation_idx", customer_id="party_customer").unique()
    return batch.customer_agents.join(customers, on="customer_id").select(
        "conversation_idx",
        "agent_id",
        worth=policy.owner_worth * pl.col("score") / _BEST_SCORE,
    )


def _resolvers(members: pl.DataFrame, now: pl.Expr, policy: Policy) -> pl.DataFrame:
    age_s = _age_s(now, "resolved_at")
    half_life_s = pl.lit(max(policy.resolver_half_life_s, 1e-6))
    return members.filter(age_s < policy.resolver_window_s).select(
        "conversation_idx",
        agent_id="resolver_agent_id",
        worth=policy.resolver_worth * _halved(age_s, half_life_s),
    )


def _age_s(now: pl.Expr, column: str) -> pl.Expr:
    return seconds(now - pl.col(column)).clip(lower_bound=0.0)


def _halved(age_s: pl.Expr, half_life_s: pl.Expr) -> pl.Expr:
    return (-age_s / half_life_s * math.log(2)).exp()
