"""Checks of sections 3 and 4: every pair is eligible, and nobody gets more than fits."""

from collections.abc import Iterator

import numpy as np
import polars as pl

from models.plan import Finding
from models.recount.agents import yield_matrix
from models.recount.case import Case, agent_names, findings
from models.recount.numbers import DECIMALS, Ints, block_matrix, by_channel
from models.recount.pairs import REASONS
from models.tables import Channel


def pairs_eligible(case: Case) -> Iterator[Finding]:
    """No rule of section 3 is broken by a chosen pair; the finding is named after the rule."""
    choice = case.choice
    broken = case.eligibility.first_broken(choice.conversation, choice.agent)
    for place, reason in enumerate(REASONS):
        wrong = np.flatnonzero(broken == place)
        yield from findings(reason.value, "chosen pair that breaks this rule", _pairs(case, wrong))


def held_means_free_soon(case: Case) -> Iterator[Finding]:
    """Contacts are held for agents who are free soon, and assigned to those who are free now."""
    choice, agents = case.choice, case.agents
    early = np.flatnonzero(~choice.held & agents.free_soon[choice.agent])
    yield from findings(
        "assigned_too_early", "assignment to an agent who is only free soon", _pairs(case, early)
    )
    late = np.flatnonzero(choice.held & ~agents.free_soon[choice.agent])
    yield from findings(
        "held_in_vain", "contact held for an agent who is not free soon", _pairs(case, late)
    )


def lanes_within_caps(case: Case) -> Iterator[Finding]:
    """No lane of an agent gets more new conversations than its cap."""
    over = _new_in_lanes(case) > case.room.lane_cap
    yield from findings("lane_cap", "agent over a lane's cap", agent_names(case, over))


def agents_within_caps(case: Case) -> Iterator[Finding]:
    """No agent gets more new conversations than its cap."""
    over = _new_in_lanes(case).sum(axis=1) > case.room.agent_cap
    yield from findings("agent_cap", "agent over the cap of a tick", agent_names(case, over))


def items_fit_together(case: Case) -> Iterator[Finding]:
    """The new conversations of every agent fit beside each other, whoever they are."""
    over = case.room.overfull(_new_in_lanes(case))
    yield from findings("agent_mix", "agent with more than fits together", agent_names(case, over))


def sites_within_caps(case: Case) -> Iterator[Finding]:
    """No capped site gets more new conversations than its cap."""
    chosen = case.agents.ids["site"].gather(case.choice.agent).value_counts(name="new")
    over = chosen.filter(
        pl.col("new")
        > pl.col("site").replace_strict(case.policy.site_caps, default=None, return_dtype=pl.Int64)
    )
    yield from findings("site_cap", "site over its cap", over["site"].sort())


def units_within_capacity(case: Case) -> Iterator[Finding]:
    """New conversations fit the free units for each of their channels, beside what does not yield
    to it.
    """
    size = (len(case.agents), len(Channel))
    c, choice = case.conversations, case.choice
    cell = choice.agent * len(Channel) + c.channel[choice.conversation]
    new = np.bincount(cell, c.units[choice.conversation], minlength=size[0] * size[1])
    new = new.reshape(size)
    burdens = ~yield_matrix(case.policy) | np.eye(len(Channel), dtype=bool)
    used = np.round(new @ burdens.astype(np.float64), DECIMALS)
    over = (new > 0) & (used > case.agents.free_units)
    yield from findings("agent_units", "agent over its units", agent_names(case, over))


def items_within_concurrency(case: Case) -> Iterator[Finding]:
    """Held and new items of a channel together stay within what the agent serves at once."""
    new = _new_in_channels(case)
    over = (new > 0) & (case.agents.held + new > case.agents.max_items)
    yield from findings("agent_items", "agent over its items", agent_names(case, over))


def profiles_within_limits(case: Case) -> Iterator[Finding]:
    """New items that carry a profile stay within what it leaves the agent."""
    new = _new_in_lanes(case) @ case.tables.sides.lane_carries.astype(np.int64)
    over = (new > 0) & (new > case.agents.profile_left)
    yield from findings("agent_profile", "agent over a profile", agent_names(case, over))


def rates_within_limits(case: Case) -> Iterator[Finding]:
    """New items of a channel stay within what its rate leaves, and its most in one tick."""
    new = _new_in_channels(case)
    most = by_channel(case.policy, lambda c: c.max_new_per_tick)
    over = (new > 0) & (new > np.minimum(case.agents.rate_left, most))
    yield from findings("agent_rate", "agent over the rate of a channel", agent_names(case, over))


def new_items_not_blocked(case: Case) -> Iterator[Finding]:
    """No new item is blocked by what the agent holds or by another new item of its."""
    new = _new_in_channels(case)
    other = new[:, :, None] - np.eye(len(Channel), dtype=np.int64) > 0  # an item spares itself
    among_new = (other & block_matrix(case.policy)).any(axis=1) & (new > 0)
    held = (new > 0) & case.agents.blocked
    over = held | among_new
    yield from findings("agent_blocked", "agent with items that block", agent_names(case, over))


def _new_in_lanes(case: Case) -> Ints:
    """(A, L) new conversations, held ones included."""
    size = case.room.lane_cap.shape
    cell = case.choice.agent * size[1] + case.conversations.lane[case.choice.conversation]
    return np.bincount(cell, minlength=size[0] * size[1]).reshape(size).astype(np.int64)


def _new_in_channels(case: Case) -> Ints:
    """(A, 8) new conversations, held ones included."""
    in_channel = np.eye(len(Channel), dtype=np.int64)[case.conversations.lanes.channel]
    new: Ints = _new_in_lanes(case) @ in_channel
    return new


def _pairs(case: Case, places: Ints) -> list[str]:
    contacts = case.choice.contact_id.gather(places).to_list()
    agents = case.agents.ids["agent_id"].gather(case.choice.agent[places]).to_list()
    return [f"{contact} to {agent}" for contact, agent in zip(contacts, agents, strict=True)]
