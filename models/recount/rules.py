"""Section 3 of `docs/model.md`, written a second time: the tests of a class and an agent.

Declines, locks and reservations, which concern single conversations, are tested by
`models/recount/pairs.py`; who is draining depends on all other tests of this file.
"""

from collections.abc import Callable

import numpy as np
import polars as pl

from models.plan import Reason
from models.recount.agents import yield_matrix
from models.recount.conversations import LIVE
from models.recount.drain import draining_agents
from models.recount.needs import languages_met, skills_met
from models.recount.numbers import Bools, class_of, instant, ints, is_real_time, positions, seconds
from models.recount.sides import Sides, Test, distinct
from models.tables import Channel


def apply_rules(sides: Sides) -> tuple[Test, ...]:
    """Every test in the order of RULES."""
    tests = tests_up_to(Reason.COOLING_DOWN, sides)
    return (*tests, not_draining(sides, draining_agents(sides, tests, tests[:SUITABLE])))


def tests_up_to(last: Reason, sides: Sides) -> tuple[Test, ...]:
    """The tests in the order of RULES up to this one, which comes before draining."""
    return tuple(rule(sides) for _, rule in _BEFORE_DRAINING[: RULES.index(last) + 1])


def not_paused(sides: Sides) -> Test:
    """No member is put on hold by hand."""
    return _by_class(sides, ~sides.conversations.paused[sides.example])


def not_left_to_people(sides: Sides) -> Test:
    """No member was declined by too many agents."""
    return _by_class(sides, ~sides.conversations.manual_only[sides.example])


def present(sides: Sides) -> Test:
    """The agent is present."""
    return _by_agent(sides, sides.agents.present)


def queue_open(sides: Sides) -> Test:
    """The queue is open, or one that helps, as helping queues always are."""
    c = sides.conversations
    helped = np.array([len(queues) > 0 for queues in c.helper_sets], dtype=bool)
    is_open = sides.overflow.is_open[c.queue] | helped[c.helpers]
    return _by_class(sides, is_open[sides.example])


def customer_reachable(sides: Sides) -> Test:
    """No callback rings outside the customer's hours."""
    return _by_class(sides, sides.conversations.reachable[sides.example])


def on_shift(sides: Sides) -> Test:
    """The agent is on shift."""
    return _by_agent(sides, sides.agents.on_shift)


def responding(sides: Sides) -> Test:
    """The agent did not let an offer expire a while ago."""
    return _by_agent(sides, sides.agents.responding)


def queue_member(sides: Sides) -> Test:
    """The agent belongs to the queue or to one that helps it."""
    return _members(sides, sides.overflow.member)


def not_kept_back(sides: Sides) -> Test:
    """The agent belongs to the queue, or to a helping one that can do without."""
    return _members(sides, sides.overflow.member & ~sides.overflow.kept_back)


def channels_served(sides: Sides) -> Test:
    """The agent serves every channel of the members."""
    return _no_channel(sides, sides.agents.max_items < 1)


def skilled(sides: Sides) -> Test:
    """The agent has every skill that is no language, at the level, and every step holds."""
    return Test(skills_met(sides.needs), sides.set_of)


def speaks(sides: Sides) -> Test:
    """The agent speaks every language, at the level."""
    return Test(languages_met(sides.needs), sides.set_of)


def likely_enough(sides: Sides) -> Test:
    """The probability of resolving reaches the floor."""
    floor = sides.policy.p_floor - 1e-12  # a mean of levels may miss its own value by one bit
    return Test(sides.probability >= floor, sides.set_of)


def shift_long_enough(sides: Sides) -> Test:
    """A real-time conversation ends before the shift does, with a margin."""
    c, example = sides.conversations, sides.example[sides.handling.example]
    waits = ~is_real_time(sides.policy)[c.channel[example]]
    needed = c.handle_s[example] + sides.policy.shift_margin_s
    holds = waits[:, None] | (sides.agents.shift_left_s >= needed[:, None])
    return Test(holds, sides.handling.row)


def has_capacity(sides: Sides) -> Test:
    """The agent is free now, or free soon and the conversation may be held."""
    now, soon = sides.agents.free_now, sides.agents.free_soon
    may_be_held = sides.conversations.may_be_held[sides.example]
    return Test(np.stack([now, now | soon]), may_be_held.astype(np.int64))


def not_blocked(sides: Sides) -> Test:
    """No held, unparked item blocks any channel of the members."""
    return _no_channel(sides, sides.agents.blocked)


def lane_has_room(sides: Sides) -> Test:
    """The agent holds fewer unparked items of the channel than it may."""
    room = sides.agents.held < sides.agents.max_items
    return Test(room.T, sides.channel)


def profiles_left(sides: Sides) -> Test:
    """No profile of the conversation is used up."""
    used_up = sides.agents.profile_left < 1
    return Test(~(sides.lane_carries @ used_up.T), sides.conversations.lane[sides.example])


def rate_allows(sides: Sides) -> Test:
    """The channel's rate leaves the agent an offer in this hour."""
    return Test((sides.agents.rate_left >= 1).T, sides.channel)


def units_fit(sides: Sides) -> Test:
    """The conversation's units fit the agent's free units for its channel."""
    units = sides.conversations.units[sides.example]
    weights = np.unique(units, return_inverse=True)[1]
    needed = distinct(class_of(sides.channel, weights))
    free = sides.agents.free_units.T[sides.channel[needed.example]]
    return Test(units[needed.example][:, None] <= free, needed.row)


def not_cooling_down(sides: Sides) -> Test:
    """The agent declined nothing of the channel a moment ago."""
    batch, agents = sides.batch, sides.agents
    age_s = -seconds(batch.declines, "declined_at", instant(batch.now))
    lately = batch.declines.filter(
        pl.Series(age_s < sides.policy.decline_pause_s, dtype=pl.Boolean)
    )
    pair = ["contact_id", "agent_id"]
    offered = (
        batch.offers.join(lately, on=pair, how="semi")
        .sort("offered_at")
        .unique(pair, keep="last", maintain_order=True)
        .select(*pair, offered="channel")
    )
    rows = (
        lately.join(agents.ids, on="agent_id")
        .join(offered, on=pair, how="left")
        .join(batch.contacts.select("contact_id", "channel"), on="contact_id", how="left")
        .with_columns(of=pl.coalesce("offered", "channel"))
        .filter(pl.col("of").is_not_null())
    )
    ready = np.ones((len(Channel), len(agents)), dtype=bool)
    ready[positions(rows["of"]), ints(rows["agent"])] = False
    return Test(ready, sides.channel)


def not_draining(sides: Sides, draining: Bools) -> Test:
    """The agent is not kept for an urgent call, or the conversation is one, has waited too long,
    or would not keep one out.
    """
    always = np.ones_like(draining)
    yields = yield_matrix(sides.policy)[:, LIVE].all(axis=1)
    spared = (LIVE | yields)[sides.channel] | sides.conversations.starved[sides.example]
    return Test(np.stack([~draining, always]), spared.astype(np.int64))


_BEFORE_DRAINING: tuple[tuple[Reason, Callable[[Sides], Test]], ...] = (
    (Reason.PAUSED, not_paused),
    (Reason.MANUAL_ONLY, not_left_to_people),
    (Reason.NO_PRESENT_AGENT, present),
    (Reason.CLOSED_HOURS, queue_open),
    (Reason.OUTSIDE_CUSTOMER_HOURS, customer_reachable),
    (Reason.OFF_SHIFT, on_shift),
    (Reason.NOT_RESPONDING, responding),
    (Reason.NOT_A_MEMBER, queue_member),
    (Reason.RESERVED, not_kept_back),
    (Reason.CHANNEL_NOT_SERVED, channels_served),
    (Reason.SKILL_MISSING, skilled),
    (Reason.LANGUAGE_MISSING, speaks),
    (Reason.P_BELOW_FLOOR, likely_enough),
    (Reason.SHIFT_TOO_SHORT, shift_long_enough),
    (Reason.AT_CAPACITY, has_capacity),
    (Reason.CHANNEL_BLOCKED, not_blocked),
    (Reason.LANE_FULL, lane_has_room),
    (Reason.PROFILE_FULL, profiles_left),
    (Reason.RATE_LIMITED, rate_allows),
    (Reason.UNITS_FULL, units_fit),
    (Reason.COOLING_DOWN, not_cooling_down),
)

RULES = (*(reason for reason, _ in _BEFORE_DRAINING), Reason.DRAINING)
"""The tests of a class and an agent, in order; those of a single conversation follow."""

SUITABLE = RULES.index(Reason.SHIFT_TOO_SHORT) + 1
"""So many tests say whether an agent could serve the class at all during this shift."""


def _by_agent(sides: Sides, holds: Bools) -> Test:
    return Test(holds[None, :], np.zeros(len(sides.example), dtype=np.int64))


def _by_class(sides: Sides, holds: Bools) -> Test:
    """A test that looks at no agent; `holds` is (K,)."""
    either = np.broadcast_to(np.array([[False], [True]]), (2, len(sides.agents)))
    return Test(either, holds.astype(np.int64))


def _members(sides: Sides, of_helpers: Bools) -> Test:
    """Members of the queue, of one without members everybody if there is a requirement, and of
    helping queues those in `of_helpers`, (Q, A).
    """
    c, o = sides.conversations, sides.overflow
    asks = c.has_requirement[sides.example].astype(np.int64)
    queue, helpers = c.queue[sides.example], c.helpers[sides.example]
    kinds = distinct(class_of(queue, helpers, asks))
    queue, helpers, asks = queue[kinds.example], helpers[kinds.example], asks[kinds.example]
    everybody = ~o.has_members[queue] & (asks > 0)
    helping = np.zeros((len(c.helper_sets), len(sides.agents)), dtype=bool)
    for code, queues in enumerate(c.helper_sets):
        helping[code] = of_helpers[np.array(queues, dtype=np.int64)].any(axis=0)
    return Test(o.member[queue] | everybody[:, None] | helping[helpers], kinds.row)


def _no_channel(sides: Sides, forbidden: Bools) -> Test:
    """No channel of the members is forbidden (A, 8) at the agent."""
    sets = distinct(sides.channel_sets[sides.example])
    needed = sides.conversations.channels[sides.example[sets.example]]
    return Test(~(needed @ forbidden.T), sets.row)
