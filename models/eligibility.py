"""Who may serve a conversation: one named function per rule, one line in `RULES`.

Follows `docs/model.md` section 3. Rules are matrices over classes of conversations and agents, so
no pair is looked at twice. The first rule that fails is kept per class and agent: it is the reason
that people are shown.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from models.batch import Batch
from models.capacity import NUM_CHANNELS, AgentState, Mask
from models.conversations import Conversations, channel_frame
from models.plan import Reason
from models.policy import Policy
from models.problem import Floats, Ints


@dataclass(frozen=True, eq=False)
class Floor:
    """What the rules look at: K classes of conversations, A agents."""

    policy: Policy
    agents: AgentState
    lane: Ints
    """(K,) channel position of the class's lane."""
    needed_channels: Mask
    """(K, channels)"""
    real_time: Mask
    may_hold: Mask
    is_open: Mask
    customer_open: Mask
    has_requirement: Mask
    handle_s: Floats
    units: Floats
    has_members: Mask
    """(K,) whether the class's queue lists its members."""
    is_member: Mask
    """(K, A)"""
    has_skills: Mask
    """(K, A) every required skill that is no language, at the level."""
    has_languages: Mask
    """(K, A)"""
    p: Floats
    """(K, A) probability of resolving."""


@dataclass(frozen=True, eq=False)
class Eligibility:
    """Outcome of the rules for every class and agent."""

    failed: NDArray[np.uint8]
    """(K, A) 0 where eligible, else 1 + the position in `RULES` of the first failure."""
    p: Floats
    """(K, A)"""
    suitable: Mask
    """(K, A) passes every test that does not depend on capacity."""


def agent_is_present(floor: Floor) -> Mask:
    """Available, busy or in wrap-up."""
    return floor.agents.present[None, :]


def queue_is_open(floor: Floor) -> Mask:
    """The queue's calendar has an opening now."""
    return floor.is_open[:, None]


def customer_can_be_called(floor: Floor) -> Mask:
    """Callbacks go out in the customer's local hours only."""
    return floor.customer_open[:, None]


def agent_is_on_shift(floor: Floor) -> Mask:
    """Within the agent's shift."""
    return floor.agents.on_shift[None, :]


def agent_is_member(floor: Floor) -> Mask:
    """Member of the queue; a queue without members asks for a requirement instead."""
    return np.where(floor.has_members[:, None], floor.is_member, floor.has_requirement[:, None])


def agent_serves_channels(floor: Floor) -> Mask:
    """Serves every channel of the conversation."""
    return ~_any(floor.needed_channels, ~floor.agents.served)


def agent_has_skills(floor: Floor) -> Mask:
    """Every required skill at the required level."""
    return floor.has_skills


def agent_speaks_languages(floor: Floor) -> Mask:
    """Every required language at the required level."""
    return floor.has_languages


def agent_can_resolve(floor: Floor) -> Mask:
    """Probability of resolving at or above the floor."""
    return floor.p >= floor.policy.p_floor


def shift_is_long_enough(floor: Floor) -> Mask:
    """Real-time work can be finished, with a margin, before the shift ends."""
    needed_s = floor.handle_s + floor.policy.shift_margin_s
    enough: Mask = floor.agents.shift_left_s[None, :] >= needed_s[:, None]
    return enough | ~floor.real_time[:, None]


def agent_is_free(floor: Floor) -> Mask:
    """Free now, or free soon where the conversation may be held."""
    held = floor.agents.free_soon[None, :] & floor.may_hold[:, None]
    return floor.agents.free_now[None, :] | held


def nothing_blocks(floor: Floor) -> Mask:
    """No held item forbids a channel of the conversation."""
    return ~_any(floor.needed_channels, floor.agents.blocked)


def lane_has_room(floor: Floor) -> Mask:
    """Fewer items of the lane than the agent takes at once."""
    return (floor.agents.lane_left > 0).T[floor.lane]


def units_fit(floor: Floor) -> Mask:
    """The conversation's units fit the agent's free units."""
    return floor.units[:, None] <= floor.agents.free_units[None, :]


RULES: tuple[tuple[Reason, Callable[[Floor], Mask]], ...] = (
    (Reason.NO_PRESENT_AGENT, agent_is_present),
    (Reason.CLOSED_HOURS, queue_is_open),
    (Reason.OUTSIDE_CUSTOMER_HOURS, customer_can_be_called),
    (Reason.OFF_SHIFT, agent_is_on_shift),
    (Reason.NOT_A_MEMBER, agent_is_member),
    (Reason.CHANNEL_NOT_SERVED, agent_serves_channels),
    (Reason.SKILL_MISSING, agent_has_skills),
    (Reason.LANGUAGE_MISSING, agent_speaks_languages),
    (Reason.P_BELOW_FLOOR, agent_can_resolve),
    (Reason.SHIFT_TOO_SHORT, shift_is_long_enough),
    (Reason.AT_CAPACITY, agent_is_free),
    (Reason.CHANNEL_BLOCKED, nothing_blocks),
    (Reason.LANE_FULL, lane_has_room),
    (Reason.UNITS_FULL, units_fit),
)
FIRST_CAPACITY_RULE = [reason for reason, _ in RULES].index(Reason.AT_CAPACITY)


def build_floor(
    batch: Batch, conversations: Conversations, agents: AgentState, policy: Policy
) -> Floor:
    """The facts that the rules look at."""
    classes = conversations.classes
    num_classes, num_agents = len(classes), len(agents.agents)
    levels, requirements = _levels(batch, conversations, agents)
    language = requirements["is_language"].to_numpy()
    owner = requirements["class_idx"].to_numpy()
    met = levels >= requirements["min_proficiency"].to_numpy()[:, None]
    skills = ~language
    has_members, is_member = _membership(batch, conversations, agents)
    return Floor(
        policy=policy,
        agents=agents,
        lane=classes["lane_idx"].to_numpy().astype(np.int64),
        needed_channels=_needed_channels(classes, policy),
        real_time=classes["real_time"].to_numpy(),
        may_hold=classes["may_hold"].to_numpy(),
        is_open=classes["is_open"].to_numpy(),
        customer_open=classes["customer_open"].to_numpy(),
        has_requirement=(classes["requirements"] != "").to_numpy(),
        handle_s=classes["handle_s"].to_numpy(),
        units=classes["units"].to_numpy(),
        has_members=has_members,
        is_member=is_member,
        has_skills=_all_of(met[skills], owner[skills], (num_classes, num_agents)),
        has_languages=_all_of(met[language], owner[language], (num_classes, num_agents)),
        p=_resolution(levels[skills], owner[skills], (num_classes, num_agents), policy),
    )


def first_failures(floor: Floor) -> Eligibility:
    """The first failing rule of every class and agent."""
    shape = floor.p.shape
    failed = np.zeros(shape, dtype=np.uint8)
    for position in reversed(range(len(RULES))):
        holds = np.broadcast_to(RULES[position][1](floor), shape)
        np.copyto(failed, np.uint8(position + 1), where=~holds)
    suitable = (failed == 0) | (failed > FIRST_CAPACITY_RULE)
    return Eligibility(failed=failed, p=floor.p, suitable=suitable)


def _any(rows: Mask, columns: Mask) -> Mask:
    """[k, a] whether row k and row a share a true position."""
    shared: Mask = (rows.astype(np.float32) @ columns.astype(np.float32).T) > 0
    return shared


def _needed_channels(classes: pl.DataFrame, policy: Policy) -> Mask:
    needed = np.zeros((len(classes), NUM_CHANNELS), dtype=bool)
    rows = (
        classes.select("class_idx", channel=pl.col("channels").str.split(","))
        .explode("channel")
        .join(channel_frame(policy).select("channel", "channel_idx"), on="channel")
    )
    needed[rows["class_idx"].to_numpy(), rows["channel_idx"].to_numpy()] = True
    return needed


def _levels(
    batch: Batch, conversations: Conversations, agents: AgentState
) -> tuple[NDArray[np.int8], pl.DataFrame]:
    """Proficiency per requirement row and agent, -1 where missing; and the requirement rows."""
    skills = conversations.requirements.select("skill").unique().sort("skill")
    skills = skills.with_row_index("skill_idx")
    known = batch.agent_skills.join(skills, on="skill").join(
        agents.agents.select("agent_id", "agent_idx"), on="agent_id"
    )
    table = np.full((len(skills), len(agents.agents)), -1, dtype=np.int8)
    table[known["skill_idx"].to_numpy(), known["agent_idx"].to_numpy()] = known[
        "proficiency"
    ].to_numpy()
    rows = conversations.requirements.join(skills, on="skill").sort("class_idx", "skill")
    return table[rows["skill_idx"].to_numpy()], rows


def _all_of(met: Mask, owner: Ints, shape: tuple[int, int]) -> Mask:
    """[k, a] whether agent a meets every requirement row of class k; rows sorted by class."""
    result = np.ones(shape, dtype=bool)
    if len(owner):
        first = np.flatnonzero(np.diff(owner, prepend=-1))
        result[owner[first]] = np.logical_and.reduceat(met, first, axis=0)
    return result


def _resolution(
    levels: NDArray[np.int8], owner: Ints, shape: tuple[int, int], policy: Policy
) -> Floats:
    """[k, a] probability of resolving: linear in the mean proficiency of the required skills."""
    p = np.full(shape, policy.p_no_skill)
    if len(owner):
        first = np.flatnonzero(np.diff(owner, prepend=-1))
        counts = np.diff(first, append=len(owner))
        total = np.add.reduceat(np.maximum(levels, 0).astype(np.int64), first, axis=0)
        mean = total / (10.0 * counts[:, None])
        p[owner[first]] = policy.p_lowest + (policy.p_highest - policy.p_lowest) * mean
    return p


def _membership(
    batch: Batch, conversations: Conversations, agents: AgentState
) -> tuple[Mask, Mask]:
    queues = conversations.classes.select("queue_id").unique().sort("queue_id")
    queues = queues.with_row_index("queue_idx")
    rows = batch.queue_members.join(queues, on="queue_id").join(
        agents.agents.select("agent_id", "agent_idx"), on="agent_id"
    )
    member = np.zeros((len(queues), len(agents.agents)), dtype=bool)
    member[rows["queue_idx"].to_numpy(), rows["agent_idx"].to_numpy()] = True
    queue_of_class = (
        conversations.classes.join(queues, on="queue_id", how="left", maintain_order="left")
        .get_column("queue_idx")
        .to_numpy()
    )
    listed = np.zeros(len(queues), dtype=bool)
    listed[
        queues.filter(pl.col("queue_id").is_in(batch.queue_members["queue_id"].implode()))[
            "queue_idx"
        ].to_numpy()
    ] = True
    return listed[queue_of_class], member[queue_of_class]
