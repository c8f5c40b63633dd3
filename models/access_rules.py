"""Where and when a conversation may be served, and by whom: the first tests of a pair.

Follows `docs/model.md` section 3 from `paused` to `channel_not_served`.
"""

from dataclasses import dataclass

import numpy as np
import polars as pl

from models.batch import Batch
from models.capacity import AgentState, Mask
from models.conversations import Conversations
from models.overflow import HELPER_SEPARATOR, Overflow
from models.plan import Reason
from models.rule_rows import Outcome, Rules, distinct_rows, listed_names, outcome_of, share_any
from models.tables import Channel

ACCESS_KEY = (
    "queue_id",
    "helpers",
    "channels",
    "is_open",
    "customer_open",
    "has_requirement",
    "paused",
    "manual_only",
)
ON_DUTY = (Reason.NO_PRESENT_AGENT, Reason.OFF_SHIFT, Reason.NOT_RESPONDING)
"""Tests of the agent alone, whatever the conversation: these pass with time."""


@dataclass(frozen=True, eq=False)
class Access:
    """What the tests look at; one row per combination of `ACCESS_KEY`."""

    agents: AgentState
    paused: Mask
    manual_only: Mask
    is_open: Mask
    """The queue, or one that helps it."""
    customer_open: Mask
    channels: Mask
    """(rows, channels) channels of the members."""
    own_member: Mask
    """(rows, A) member of the queue; of one without members whoever it is open to."""
    helps: Mask
    """(rows, A) member of a queue that helps."""
    helps_freely: Mask
    """(rows, A) member of a queue that helps and does not keep the agent back."""
    lists_members: Mask
    """(rows,) the queue names its members; of one that names none, nobody is borrowed."""


def is_not_paused(access: Access) -> Mask:
    """Nobody put a contact of the conversation on hold."""
    return ~access.paused[:, None]


def is_left_to_the_machine(access: Access) -> Mask:
    """Not declined by so many agents that people must decide."""
    return ~access.manual_only[:, None]


def agent_is_present(access: Access) -> Mask:
    """Available, busy or in wrap-up."""
    return access.agents.present[None, :]


def queue_is_open(access: Access) -> Mask:
    """The queue's calendar has an opening now, or that of a queue that helps."""
    return access.is_open[:, None]


def customer_can_be_called(access: Access) -> Mask:
    """Callbacks go out in the customer's local hours only."""
    return access.customer_open[:, None]


def agent_is_on_shift(access: Access) -> Mask:
    """Within the agent's shift, and not in a planned activity."""
    return access.agents.on_shift[None, :]


def agent_is_responding(access: Access) -> Mask:
    """Has not let an offer expire since the last sign of presence."""
    return access.agents.responding[None, :]


def agent_is_member(access: Access) -> Mask:
    """Member of the queue, or of one that helps it."""
    return access.own_member | access.helps


def agent_is_not_kept_back(access: Access) -> Mask:
    """Not needed by the only queues that could send the agent to help."""
    return access.own_member | access.helps_freely


def agent_serves_channels(access: Access) -> Mask:
    """Serves every channel of the conversation."""
    return ~share_any(access.channels, ~access.agents.served)


ACCESS_RULES: Rules[Access] = (
    (Reason.PAUSED, is_not_paused),
    (Reason.MANUAL_ONLY, is_left_to_the_machine),
    (Reason.NO_PRESENT_AGENT, agent_is_present),
    (Reason.CLOSED_HOURS, queue_is_open),
    (Reason.OUTSIDE_CUSTOMER_HOURS, customer_can_be_called),
    (Reason.OFF_SHIFT, agent_is_on_shift),
    (Reason.NOT_RESPONDING, agent_is_responding),
    (Reason.NOT_A_MEMBER, agent_is_member),
    (Reason.RESERVED, agent_is_not_kept_back),
    (Reason.CHANNEL_NOT_SERVED, agent_serves_channels),
)


def access_outcome(
    batch: Batch, conversations: Conversations, agents: AgentState, overflow: Overflow
) -> tuple[Outcome, Mask]:
    """Outcome of the access rules, and who needs no help of another queue, (rows, A)."""
    rows, row_of = distinct_rows(conversations.classes, ACCESS_KEY)
    access = _access(batch, rows, agents, overflow)
    outcome = outcome_of(ACCESS_RULES, access, row_of, len(rows), len(agents.agents))
    return outcome, access.own_member | ~access.lists_members[:, None]


def _access(batch: Batch, rows: pl.DataFrame, agents: AgentState, overflow: Overflow) -> Access:
    queues = tuple(batch.queues["queue_id"])
    member = _pairs(batch.queue_members, queues, agents)
    kept_back = _pairs(overflow.kept_back, queues, agents)
    own = batch.queues["queue_id"].search_sorted(rows["queue_id"])
    listed = rows["queue_id"].is_in(batch.queue_members["queue_id"].unique().implode()).to_numpy()
    helps, helps_freely = _help(rows["helpers"], queues, member, member & ~kept_back)
    return Access(
        agents=agents,
        paused=rows["paused"].to_numpy(),
        manual_only=rows["manual_only"].to_numpy(),
        is_open=rows["is_open"].to_numpy() | (rows["helpers"] != "").to_numpy(),
        customer_open=rows["customer_open"].to_numpy(),
        channels=listed_names(rows["channels"], tuple(channel.value for channel in Channel)),
        own_member=np.where(
            listed[:, None],
            member[own],
            rows["has_requirement"].to_numpy()[:, None],
        ),
        helps=helps,
        helps_freely=helps_freely,
        lists_members=listed,
    )


def _pairs(listed: pl.DataFrame, queues: tuple[str, ...], agents: AgentState) -> Mask:
    """[queue, agent] whether the frame (queue_id, agent_id) lists the pair."""
    found = np.zeros((len(queues), len(agents.agents)), dtype=bool)
    if listed.is_empty():
        return found
    places = pl.DataFrame(
        {"queue_id": queues, "queue_idx": range(len(queues))},
        schema={"queue_id": pl.String, "queue_idx": pl.Int64},
    )
    rows = listed.join(places, on="queue_id").join(
        agents.agents.select("agent_id", "agent_idx"), on="agent_id"
    )
    found[rows["queue_idx"].to_numpy(), rows["agent_idx"].to_numpy()] = True
    return found


def _help(
    helpers: pl.Series, queues: tuple[str, ...], member: Mask, lent: Mask
) -> tuple[Mask, Mask]:
    """(rows, A) members of any helping queue, and those who are lent by one."""
    if not (helpers != "").any():
        nobody = np.zeros((len(helpers), member.shape[1]), dtype=bool)
        return nobody, nobody
    incidence = listed_names(helpers.unique().sort(), queues, HELPER_SEPARATOR)
    of_row = helpers.rank("dense").to_numpy().astype(np.int64) - 1
    return share_any(incidence, member.T)[of_row], share_any(incidence, lent.T)[of_row]
