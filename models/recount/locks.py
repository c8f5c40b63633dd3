"""Locks and reservations, section 3 of `docs/model.md`, written a second time."""

import numpy as np
import polars as pl

from models.plan import Reason
from models.policy import VoiceFollow
from models.recount.conversations import LIVE
from models.recount.numbers import Bools, Ints, by_channel, ints, is_real_time, positions
from models.recount.sides import Sides
from models.recount.standing import NOBODY
from models.recount.tested import Tested
from models.tables import LoadState

LOCKED_TO_NOBODY = -2
"""Of followers of a call that is not with an agent yet."""

NOT_AT_WORK = (Reason.NO_PRESENT_AGENT, Reason.OFF_SHIFT, Reason.NOT_RESPONDING)
HOLD_FACTOR = 1.2
"""By how much an expected end may be missed."""


def party_items(sides: Sides) -> pl.DataFrame:
    """(conversation, agent, contact_id, state, started_at, is_live) of every item of a party that
    is held, once for each of its conversations.
    """
    members = sides.conversations.members
    live = pl.Series(LIVE[positions(sides.agents.held_rows["channel"])], dtype=pl.Boolean)
    held = sides.agents.held_rows.with_columns(is_live=live)
    customers = members.select("party", customer_id="party_customer").drop_nulls().unique()
    threads = members.select("party", "conversation_id").unique()
    columns = ("agent", "contact_id", "state", "started_at", "is_live")
    of_parties = pl.concat(
        [
            held.join(customers, on="customer_id").select("party", *columns),
            held.join(threads, on="conversation_id").select("party", *columns),
        ]
    ).unique(["party", "contact_id"])
    parts = members.select("conversation", "party").unique()
    return parts.join(of_parties, on="party").select("conversation", *columns)


def locked_to(sides: Sides, tested: Tested, ties: pl.DataFrame, banned: Ints) -> Ints:
    """(C,) agent that the conversation is locked to, NOBODY or LOCKED_TO_NOBODY; `banned` are
    keys, conversation * A + agent.
    """
    c, agents = sides.conversations, sides.agents
    held = ties.filter(pl.col("state").is_in([LoadState.OFFERED, LoadState.ACTIVE]))
    ordered = held.sort("conversation", "is_live", "started_at", "agent")
    conversation, agent = ints(ordered["conversation"]), ints(ordered["agent"])
    there = (agents.present | agents.away_recently) & agents.on_shift
    could = tested.suitable(conversation, agent, forgiven=(Reason.NO_PRESENT_AGENT,))
    written = ~(c.channels & LIVE).any(axis=1)
    counts = written[conversation] & there[agent]
    counts &= ~np.isin(conversation * len(agents) + agent, banned)
    follows = sides.policy.voice_follow is not VoiceFollow.KEEP_TEXT_OWNER
    counts &= np.where(ordered["is_live"], follows, could & ~c.starved[conversation])
    only = np.full(len(c), NOBODY, dtype=np.int64)
    only[conversation[counts]] = agent[counts]  # the last of each conversation stays
    only[c.follower] = LOCKED_TO_NOBODY
    return only


def reserved_for(sides: Sides, tested: Tested, apart: Ints, only: Ints) -> Ints:
    """(C,) preferred agent that the conversation waits for, or NOBODY."""
    c, agents = sides.conversations, sides.agents
    some = np.flatnonzero((only == NOBODY) & ~c.starved & (c.preferred != NOBODY))
    agent = c.preferred[some]
    kept = ~np.isin(some * len(agents) + agent, apart)
    kept &= _busy_but_soon(sides, tested, some, agent) | _comes_soon(sides, tested, some, agent)
    reserved = np.full(len(c), NOBODY, dtype=np.int64)
    reserved[some[kept]] = agent[kept]
    return reserved


def _busy_but_soon(sides: Sides, tested: Tested, some: Ints, agent: Ints) -> Bools:
    """The agent could serve the conversation, but for work that ends before it waited too long."""
    c, agents, policy = sides.conversations, sides.agents, sides.policy
    most = by_channel(policy, lambda p: p.hold_preferred_s)[c.channel[some]]
    ends = HOLD_FACTOR * agents.free_later_s[agent]
    soon = c.waits.longest_s[some] + ends <= most
    soon &= ends <= policy.hold_slack_share * c.waits.left_s[some]
    has_room = tested.all_hold(Reason.AT_CAPACITY, Reason.UNITS_FULL, some, agent)
    busy = ~agents.free_now[agent] | ~has_room
    found: Bools = soon & busy & tested.suitable(some, agent)
    return found


def _comes_soon(sides: Sides, tested: Tested, some: Ints, agent: Ints) -> Bools:
    """The shift of the agent starts early enough for a written conversation."""
    c, agents, policy = sides.conversations, sides.agents, sides.policy
    starts = agents.free_later_s[agent]
    ahead = by_channel(policy, lambda p: p.ahead_s)[c.channel[some]]
    early = (starts <= ahead) & (starts + c.handle_s[some] <= c.waits.left_s[some])
    early &= ~is_real_time(policy)[c.channel[some]] & ~agents.on_shift[agent]
    found: Bools = early & tested.suitable(some, agent, forgiven=NOT_AT_WORK)
    return found
