"""Who may serve a conversation: one named function per rule, one line in a block of rules.

Follows `docs/model.md` section 3 up to `draining`; declines, locks and reservations concern single
pairs and have modules of their own. Rules are matrices of rows by agents, so no pair is looked at
twice. Rules that look at few columns of a conversation are tested once per distinct combination of
those columns (`models/access_rules.py`, `models/room_rules.py`), only skills once per class. The
first rule that fails is the reason that people are shown.
"""

from dataclasses import dataclass

import numpy as np
import polars as pl

from models.access_rules import ACCESS_RULES, ON_DUTY, access_outcome
from models.batch import Batch
from models.capacity import AgentState, Mask, yield_matrix
from models.columns import LIVE
from models.conversations import Conversations
from models.drain import draining_agents
from models.overflow import Overflow
from models.plan import Reason
from models.policy import Policy
from models.problem import Ints
from models.room_rules import CAPACITY, ROOM_RULES, room_outcome
from models.rule_rows import Codes, Outcome, Rules, outcome_of
from models.skills import SkillLevels
from models.tables import Channel


@dataclass(frozen=True, eq=False)
class Eligibility:
    """Outcome of the rules for K classes and A agents.

    The masks of shape (K, A) are the stages of the tests; each includes those before it.
    """

    suitable_off_duty: Mask
    """Would be suitable if present, on shift and responding."""
    suitable: Mask
    """Passes the tests up to `shift_too_short`: all that do not depend on capacity."""
    fits: Mask
    """Passes the tests up to `units_full`."""
    before_drain: Mask
    """Passes the tests up to `cooling_down`."""
    eligible: Mask
    """Passes the tests up to `draining`."""
    draining: Mask
    """(A,) keeps free for a call that waits too long."""
    own_member: Mask
    """(access rows, A) needs no help of another queue, row `access_of[k]` for class k."""
    access: Outcome
    skills: Outcome
    room: Outcome
    drain: Outcome

    @property
    def access_of(self) -> Ints:
        """(K,) access row of each class."""
        return self.access.row_of

    def first_failures(self, classes: Ints) -> Codes:
        """1 + the position in `REASONS` of the first failure of each pair, 0 for none, (n, A).

        Only for the classes that somebody has to be told about: it costs a pass per rule.
        """
        failed = np.zeros((len(classes), self.suitable.shape[1]), dtype=np.uint8)
        for group in (self.drain, self.room, self.skills, self.access):
            group.mark_failures(failed, classes, 1 + REASONS.index(group.reasons[0]))
        return failed


def agent_has_skills(levels: SkillLevels) -> Mask:
    """Every required skill that is no language, at the required level, and every step."""
    return levels.all_met(language=False)


def agent_speaks_languages(levels: SkillLevels) -> Mask:
    """Every required language, at the required level."""
    return levels.all_met(language=True)


def agent_can_resolve(levels: SkillLevels) -> Mask:
    """Probability of resolving at or above the floor."""
    return levels.reaches_floor()


SKILL_RULES: Rules[SkillLevels] = (
    (Reason.SKILL_MISSING, agent_has_skills),
    (Reason.LANGUAGE_MISSING, agent_speaks_languages),
    (Reason.P_BELOW_FLOOR, agent_can_resolve),
)
REASONS = (
    *(reason for reason, _ in (*ACCESS_RULES, *SKILL_RULES, *ROOM_RULES)),
    Reason.DRAINING,
)
"""All reasons in the order of the tests."""


def build_eligibility(
    batch: Batch,
    conversations: Conversations,
    agents: AgentState,
    levels: SkillLevels,
    overflow: Overflow,
    policy: Policy,
) -> Eligibility:
    """Which agents pass the rules for each class."""
    access, own_member = access_outcome(batch, conversations, agents, overflow)
    room = room_outcome(batch, conversations, agents, policy)
    num_classes, num_agents = len(conversations.classes), len(agents.agents)
    each = np.arange(num_classes)
    skills = outcome_of(SKILL_RULES, levels, each, num_classes, num_agents)
    lasting = tuple(reason for reason in access.reasons if reason not in ON_DUTY)
    off_duty = access.all_hold(lasting)[access.row_of]
    off_duty &= room.all_hold((Reason.SHIFT_TOO_SHORT,))[room.row_of]
    for holds in skills.holds:
        off_duty &= holds
    suitable = off_duty & (agents.present & agents.on_shift & agents.responding)[None, :]
    fits = suitable & room.all_hold(CAPACITY)[room.row_of]
    before_drain = fits & room.all_hold((Reason.COOLING_DOWN,))[room.row_of]
    draining = draining_agents(conversations, agents, before_drain, suitable, policy)
    drain = _drain(conversations, draining, policy)
    return Eligibility(
        suitable_off_duty=off_duty,
        suitable=suitable,
        fits=fits,
        before_drain=before_drain,
        eligible=before_drain & drain.holds[0],
        draining=draining,
        own_member=own_member,
        access=access,
        skills=skills,
        room=room,
        drain=drain,
    )


def _drain(conversations: Conversations, draining: Mask, policy: Policy) -> Outcome:
    """A draining agent gets calls, what every call interrupts, and what has waited too long.

    Even an urgent chat would block the next call.
    """
    is_live = pl.Series(list(Channel)).is_in(list(LIVE)).to_numpy()
    harmless = is_live | yield_matrix(policy)[:, is_live].all(axis=1)
    classes = conversations.classes
    anyway = harmless[classes["channel_idx"].to_numpy()] | classes["is_starved"].to_numpy()
    holds = anyway[:, None] | ~draining[None, :]
    return Outcome(
        (Reason.DRAINING,), (holds,), np.arange(len(anyway)), len(anyway), len(draining)
    )
