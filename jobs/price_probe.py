"""What prices believe of classes and agents: asked of the product's own build, by probes.

A batch of one fresh contact per class, with all agents as they are, is built as for a tick: who is
suitable, with which probability, and what is at stake. So no rule is written twice.
"""

from dataclasses import dataclass

import numpy as np
import polars as pl

from jobs.price_classes import ContactClasses
from models.access_rules import ON_DUTY
from models.batch import Batch
from models.batch_problem import BatchProblem, build_problem
from models.capacity import AgentState, Mask
from models.hours import OpenHours
from models.plan import Reason
from models.policy import Policy
from models.problem import Floats, Ints
from models.skills import SkillLevels, build_skill_levels
from models.tables import CONTACT_SKILLS, CONTACTS, INSTANT, Channel
from models.urgency import build_stakes
from solver.pricing.moment import Beliefs

PROBE = "probe:"
INTERRUPTIBLE = 0.1
"""Whatever takes less attention is done beside other work."""


@dataclass(frozen=True, eq=False)
class Probed:
    """Beliefs about K classes and A agents."""

    beliefs: Beliefs
    agents: AgentState
    hours: OpenHours
    money_fixed: Floats
    """(K,) money if resolved of a contact whose customer is worth nothing ..."""
    money_share: Floats
    """(K,) ... and what is added per money of the customer's value."""
    allowed_without: tuple[Mask, Mask, Mask]
    """(K, A) who would be suitable without the floor on the probability, without membership of
    queues, without required skills other than languages."""


def probe(batch: Batch, classes: ContactClasses, policy: Policy) -> Probed:
    """What the product would make of one fresh contact of each class."""
    found = build_problem(probe_batch(batch, classes), policy)
    units = _units_in_order(found)
    kind = units["class_idx"].to_numpy().astype(np.int64)
    levels = build_skill_levels(found.batch, found.conversations, found.agents, policy)
    resolution = _resolution(levels)[kind]
    stakes = build_stakes(units.with_columns(value=pl.lit(0.0)), policy)
    richer = build_stakes(units.with_columns(value=pl.lit(1.0)), policy)
    fixed, share = stakes.spread, richer.spread - stakes.spread
    value = classes.values.mean(axis=1)
    spread = fixed + share * value
    loss = stakes.loss + (richer.loss - stakes.loss) * value
    failure = stakes.failure + (richer.failure - stakes.failure) * value
    best = levels.best_probability(found.eligibility.suitable_off_duty)[kind]
    # As in the match: a failure that nobody can expect to avoid is not charged.
    charged = np.minimum(failure, best * spread - policy.service_worth)
    channel = [policy.channels[Channel(name)] for name in classes.kinds["channel"]]
    attention = np.array([rules.attention for rules in channel])
    handling_s = units["handle_s"].to_numpy()
    allowed = found.eligibility.suitable_off_duty[kind]
    beliefs = Beliefs(
        resolution=resolution,
        handling_s=np.repeat(handling_s[:, None], allowed.shape[1], axis=1),
        handling_sigma=float(np.mean([rules.handle_sigma for rules in channel])),
        allowed=allowed,
        attention=np.maximum(attention, 1e-3),
        slots=_slots(batch, found.agents, policy),
        values=fixed[:, None] + share[:, None] * classes.values,
        loss_share=(loss - charged) / np.maximum(spread, 1e-9),
        waiting_cost=np.array([rules.waiting_cost / rules.target_answer_s for rules in channel]),
        mean_patience_s=np.array([rules.mean_patience_s for rules in channel]),
    )
    return Probed(
        beliefs=beliefs,
        agents=found.agents,
        hours=found.hours,
        money_fixed=fixed,
        money_share=share,
        allowed_without=_without_guards(found, kind),
    )


def probe_batch(batch: Batch, classes: ContactClasses) -> Batch:
    """The batch with one fresh contact of each class instead of those that wait."""
    named = classes.kinds.with_columns(
        contact_id=pl.lit(PROBE) + pl.col("class_idx").cast(pl.String).str.zfill(6)
    )
    now = pl.lit(batch.now, INSTANT)
    contacts = named.with_columns(
        conversation_id="contact_id", entered_at=now, version=pl.lit(0, pl.Int64)
    ).match_to_schema(CONTACTS.schema(), missing_columns="insert", extra_columns="ignore")
    skills = (
        named.filter(pl.col("skills") != "")
        .select("contact_id", pl.col("skills").str.split("\x1e"))
        .explode("skills")
        .select(
            "contact_id",
            skill=pl.col("skills").str.split("\x1f").list.get(0),
            min_proficiency=pl.col("skills").str.split("\x1f").list.get(1).cast(pl.Int64),
        )
        .match_to_schema(CONTACT_SKILLS.schema(), missing_columns="insert")
    )
    return batch.at(
        batch.now,
        contacts=contacts,
        contact_skills=skills,
        contact_steps=batch.contact_steps.clear(),
        declines=batch.declines.clear(),
    )


def _units_in_order(found: BatchProblem) -> pl.DataFrame:
    """The conversations in the order of the classes that they probe."""
    lead = found.conversations.members.select("conversation_idx", probe="contact_id")
    return found.conversations.units.join(lead, on="conversation_idx").sort("probe")


def _resolution(levels: SkillLevels) -> Floats:
    """(classes of the model, A) probability of resolving."""
    base, row, share = levels.match_terms()
    rates = levels.match_rates()
    total = np.repeat(base[:, None], rates.shape[1], axis=1)
    for place in range(row.shape[1]):
        total += share[:, place, None] * rates[row[:, place]]
    return total


def _slots(batch: Batch, agents: AgentState, policy: Policy) -> Ints:
    """(A,) chats and the like that each can hold at once."""
    several = [
        name.value
        for name, rules in policy.channels.items()
        if INTERRUPTIBLE <= rules.attention < 1
    ]
    most = (
        batch.agent_channels.filter(pl.col("channel").is_in(several))
        .group_by("agent_id")
        .agg(pl.col("max_items").max())
    )
    joined = agents.agents.select("agent_id").join(
        most, on="agent_id", how="left", maintain_order="left"
    )
    slots: Ints = joined["max_items"].fill_null(1).clip(1, 10).to_numpy().astype(np.int64)
    return slots


def _without_guards(found: BatchProblem, kind: Ints) -> tuple[Mask, Mask, Mask]:
    eligibility = found.eligibility
    access, skills, room = eligibility.access, eligibility.skills, eligibility.room
    lasting = {reason for reason in access.reasons if reason not in ON_DUTY}
    members = {Reason.NOT_A_MEMBER, Reason.RESERVED}
    able = {Reason.SKILL_MISSING}
    floor = {Reason.P_BELOW_FLOOR}

    def suitable(asked: set[Reason]) -> Mask:
        mask = access.all_hold(lasting & asked)[access.row_of]
        mask &= skills.all_hold(asked)[skills.row_of]
        return (mask & room.all_hold({Reason.SHIFT_TOO_SHORT})[room.row_of])[kind]

    every = lasting | able | floor | {Reason.LANGUAGE_MISSING}
    return suitable(every - floor), suitable(every - members), suitable(every - able)
