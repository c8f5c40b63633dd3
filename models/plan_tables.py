"""Frames that a plan publishes beside its explanations: assignments, prices, and prices back."""

from datetime import datetime

import numpy as np
import polars as pl

from models.batch import Batch
from models.capacity import AgentState
from models.columns import instant
from models.conversations import Conversations
from models.parties import HeldByParty
from models.problem import MILLI, NOBODY, AssignmentProblem, Floats, Ints, Prices, to_milli
from models.tables import ASSIGNMENT, PRICE, AssignmentEvent, Decision


def assignment_frame(
    rows: pl.DataFrame,
    batch: Batch,
    conversations: Conversations,
    agents: AgentState,
    held: HeldByParty,
) -> pl.DataFrame:
    """The offers of the tick by the contract of `assignment`, sorted by contact.

    `rows` are the members of all conversations with their decisions. What a conversation consumes
    and is worth stands with its lead; its other contacts are context.
    """
    is_lead = pl.col("position") == 0
    of_unit = conversations.units.select("conversation_idx", "units", "profiles", "owner_agent_id")
    given = (
        rows.filter(pl.col("decision") == Decision.ASSIGNED.value)
        .drop("profiles", "owner_agent_id", strict=False)
        .join(of_unit, on="conversation_idx")
        .join(agents.agents.select("agent_id", agent_version="version"), on="agent_id")
        .with_columns(
            tick_at=instant(batch.now),
            event_at=instant(batch.now),
            event=pl.lit(AssignmentEvent.OFFERED.value),
            contact_version="version",
            is_lead=is_lead,
            units=pl.when(is_lead).then("units").otherwise(0.0),
            gain=pl.when(is_lead).then("gain").otherwise(0.0),
            profiles=pl.when(is_lead & (pl.col("profiles") != "")).then("profiles"),
        )
    )
    return (
        given.join(_known_to(given, batch, held), on="conversation_idx", how="left")
        .join(_context(conversations, held), on="conversation_idx", how="left")
        .join(_borrowed(given, batch, conversations), on="conversation_idx", how="left")
        .select(ASSIGNMENT.schema().names())
        .sort("contact_id")
    )


def price_frame(
    prices: Prices,
    problem: AssignmentProblem,
    conversations: Conversations,
    agents: AgentState,
    now: datetime,
) -> pl.DataFrame:
    """Prices of all lanes that have a slot, by the contract of `price`, agents in order."""
    agent, lane = np.nonzero(problem.lane_cap * (problem.agent_cap > 0)[:, None])
    site = problem.agent_site[agent]
    capped = site != NOBODY
    site_price = np.zeros(len(agent))
    site_price[capped] = to_money(prices.site)[site[capped]]
    lanes = conversations.lanes.sort("lane_idx")
    profiles = lanes["profiles"].gather(lane)
    return pl.DataFrame(
        {
            "tick_at": pl.Series([now] * len(agent), dtype=pl.Datetime("us", "UTC")),
            "agent_id": agents.agents["agent_id"].gather(agent),
            "channel": lanes["channel"].gather(lane),
            "free_slots": problem.lane_cap[agent, lane],
            "lane_price": to_money(prices.lane)[agent, lane],
            "agent_price": to_money(prices.agent)[agent],
            "site_price": site_price,
            "profiles": profiles.set(profiles == "", None),
        },
        schema=PRICE.schema(),
    )


def prices_of_frame(
    frame: pl.DataFrame,
    site_prices: pl.DataFrame,
    problem: AssignmentProblem,
    conversations: Conversations,
    agents: AgentState,
    sites: tuple[str, ...],
) -> Prices:
    """Prices of an earlier tick in the positions of this one, 0 where there were none.

    `frame` is by the contract of `price`; frames of older releases have no `profiles`.
    """
    if "profiles" not in frame.columns:
        frame = frame.with_columns(profiles=pl.lit(None, pl.String))
    known = (
        frame.with_columns(pl.col("profiles").fill_null(""))
        .join(agents.agents.select("agent_id", "agent_idx"), on="agent_id")
        .join(
            conversations.lanes.select("lane_idx", "channel", "profiles"),
            on=["channel", "profiles"],
        )
    )
    lane = np.zeros(problem.lane_cap.shape)
    agent = np.zeros(problem.num_agents)
    rows = known["agent_idx"].to_numpy()
    lane[rows, known["lane_idx"].to_numpy()] = known["lane_price"].to_numpy()
    agent[rows] = known["agent_price"].to_numpy()
    site_of = dict(site_prices.iter_rows())
    site = np.array([site_of.get(name, 0.0) for name in sites])
    return Prices(to_milli(lane.ravel()).reshape(lane.shape), to_milli(agent), to_milli(site))


def to_money(milli: Ints) -> Floats:
    """Milli-units as money."""
    money: Floats = milli / MILLI
    return money


def _known_to(given: pl.DataFrame, batch: Batch, held: HeldByParty) -> pl.DataFrame:
    """(conversation_idx, seen_before): whether the agent had the customer before."""
    agent = pl.col("agent_id")
    had = given.select(
        "conversation_idx",
        "agent_id",
        "party_customer",
        known=(
            agent.eq_missing(pl.col("last_agent_id"))
            | agent.eq_missing(pl.col("resolver_agent_id"))
            | agent.eq_missing(pl.col("owner_agent_id"))
        ),
    )
    dedicated = had.join(
        batch.customer_agents,
        left_on=["party_customer", "agent_id"],
        right_on=["customer_id", "agent_id"],
        how="semi",
    )
    holding = had.join(held.items, on=["conversation_idx", "agent_id"], how="semi")
    seen = pl.concat([had.filter("known"), dedicated, holding])["conversation_idx"].unique()
    return had.select(
        "conversation_idx", seen_before=pl.col("conversation_idx").is_in(seen.implode())
    ).unique()


def _context(conversations: Conversations, held: HeldByParty) -> pl.DataFrame:
    """(conversation_idx, num_context): what else of the party waits, or is held by somebody."""
    parties = conversations.members.select(
        "conversation_idx", num_waiting=pl.len().over("party").cast(pl.Int64)
    )
    items = held.items.group_by("conversation_idx").agg(num_held=pl.len().cast(pl.Int64))
    num_held = pl.col("num_held").fill_null(0)
    return (
        parties.unique()
        .join(items, on="conversation_idx", how="left")
        .select("conversation_idx", num_context=pl.col("num_waiting") - 1 + num_held)
    )


def _borrowed(given: pl.DataFrame, batch: Batch, conversations: Conversations) -> pl.DataFrame:
    """(conversation_idx, is_borrowed): whether the agent is no member of the lead's queue, which
    has members.
    """
    queues = conversations.units.select("conversation_idx", "queue_id")
    chosen = given.select("conversation_idx", "agent_id").unique()
    borrowed = (
        chosen.join(queues, on="conversation_idx")
        .join(batch.queue_members, on="queue_id", how="semi")
        .join(batch.queue_members, on=["queue_id", "agent_id"], how="anti")
    )
    is_borrowed = pl.col("conversation_idx").is_in(borrowed["conversation_idx"].implode())
    return chosen.select("conversation_idx", is_borrowed=is_borrowed)
