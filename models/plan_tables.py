"""Frames that a plan publishes beside its explanations: assignments, prices, and prices back."""

from datetime import datetime

import numpy as np
import polars as pl

from models.batch import Batch
from models.capacity import AgentState, Mask
from models.columns import instant, places
from models.conversations import Conversations
from models.parties import HeldByParty
from models.problem import MILLI, NOBODY, AssignmentProblem, Floats, Ints, Prices, to_milli
from models.tables import ASSIGNMENT, INSTANT, PRICE, AssignmentEvent, Decision


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
    given = rows.filter(pl.col("decision") == Decision.ASSIGNED.value)
    of = given["conversation_idx"].to_numpy()
    units, is_lead = conversations.units, pl.col("position") == 0
    version = agents.agents["version"].to_numpy()
    named = pl.Series(units["profiles"].to_numpy()[of], dtype=pl.String)
    seen = _known_to(given, units["owner_agent_id"].gather(of), len(units), batch, held)
    return given.select(
        "contact_id",
        "conversation_id",
        "customer_id",
        "queue_id",
        "channel",
        "agent_id",
        tick_at=instant(batch.now),
        event_at=instant(batch.now),
        event=pl.lit(AssignmentEvent.OFFERED.value),
        contact_version="version",
        agent_version=pl.Series(version[places(given["agent_id"], agents.agents["agent_id"])]),
        is_lead=is_lead,
        units=pl.when(is_lead).then(pl.Series(units["units"].to_numpy()[of])).otherwise(0.0),
        gain=pl.when(is_lead).then("gain").otherwise(0.0),
        profiles=pl.when(is_lead & (named != "")).then(named),
        seen_before=pl.Series(seen[of], dtype=pl.Boolean),
        num_context=pl.Series(_context(conversations, held)[of], dtype=pl.Int64),
        is_borrowed=pl.Series(_borrowed(given, batch, conversations)[of], dtype=pl.Boolean),
    ).select(ASSIGNMENT.schema().names())


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
            "tick_at": pl.Series([now], dtype=INSTANT).new_from_index(0, len(agent)),
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


def _known_to(
    given: pl.DataFrame, owner: pl.Series, num: int, batch: Batch, held: HeldByParty
) -> Mask:
    """Whether the agent had the customer before, by conversation, of which there are `num`."""
    agent = pl.col("agent_id")
    known = (
        agent.eq_missing(pl.col("last_agent_id"))
        | agent.eq_missing(pl.col("resolver_agent_id"))
        | agent.eq_missing(owner)
    )
    seen = [given.filter(known)]
    if not batch.customer_agents.is_empty():
        dedicated = given.join(
            batch.customer_agents,
            left_on=["party_customer", "agent_id"],
            right_on=["customer_id", "agent_id"],
            how="semi",
        )
        seen.append(dedicated)
    if not held.items.is_empty():
        seen.append(given.join(held.items, on=["conversation_idx", "agent_id"], how="semi"))
    found = np.zeros(num, dtype=bool)
    for rows in seen:
        found[rows["conversation_idx"].to_numpy()] = True
    return found


def _context(conversations: Conversations, held: HeldByParty) -> Ints:
    """What else of the party waits, or is held by somebody, by conversation."""
    members = conversations.members
    waiting = members.select(pl.len().over("party").cast(pl.Int64)).to_series().to_numpy()
    leads = np.flatnonzero(members["position"].to_numpy() == 0)
    num: Ints = waiting[leads] - 1 + held.count(len(leads))
    return num


def _borrowed(given: pl.DataFrame, batch: Batch, conversations: Conversations) -> Mask:
    """Whether the agent is no member of the lead's queue, which has members, by conversation."""
    found = np.zeros(len(conversations.units), dtype=bool)
    if batch.queue_members.is_empty():
        return found
    queues = conversations.units.select("conversation_idx", lead_queue_id="queue_id")
    borrowed = (
        given.select("conversation_idx", "agent_id")
        .join(queues, on="conversation_idx")
        .join(batch.queue_members, left_on="lead_queue_id", right_on="queue_id", how="semi")
        .join(
            batch.queue_members,
            left_on=["lead_queue_id", "agent_id"],
            right_on=["queue_id", "agent_id"],
            how="anti",
        )
    )
    found[borrowed["conversation_idx"].to_numpy()] = True
    return found
