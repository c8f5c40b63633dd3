"""Two decisions of one batch, by the numbers of both policies: who moves, and what it is worth."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from models.batch import Batch
from models.batch_problem import BatchProblem
from models.capacity import Mask
from models.eligibility import REASONS
from models.feasibility import counts_by_lane
from models.plan import Plan, Reason
from models.problem import MILLI, NOBODY, AssignmentProblem, Ints, Positions
from models.solution import Solution, counts_by_agent, total_load_cost
from models.tables import Decision

MOVES = (
    *("contact_id", "customer_id", "queue_id", "channel", "old_decision", "old_agent_id"),
    *("new_decision", "new_agent_id", "worth_by_old", "worth_by_new", "barred_by", "why"),
)
"""Columns of `moves_between`."""


@dataclass(frozen=True, eq=False)
class DecidedBatch:
    """A batch as one policy states it, and what was decided."""

    plan: Plan
    stated: BatchProblem
    solution: Solution


@dataclass(frozen=True)
class Judged:
    """What one policy's numbers say of the old plan and of the new one, in milli-units."""

    pairs: tuple[int, int]
    """Gains of the pairs that this policy allows; the others gain nothing."""
    load: tuple[int, int]
    """Load costs: what further contacts for the same agent in one tick cost."""
    num_barred: tuple[int, int]
    """Conversations whose agent this policy does not allow."""
    num_overfull: tuple[int, int]
    """Agents and sites with more at once than this policy lets them take: such a plan looks better
    by its numbers than any that it allows."""

    @property
    def gain(self) -> tuple[int, int]:
        """Gain of both plans, load costs taken off."""
        return self.pairs[0] - self.load[0], self.pairs[1] - self.load[1]


def judge_both(stated: BatchProblem, before: DecidedBatch, after: DecidedBatch) -> Judged:
    """Both plans by the numbers of one problem of their batch."""
    problem = stated.problem
    agents = [_agents_in(stated, decided) for decided in (before, after)]
    gains, barred = zip(*(_pair_gains(stated, agent) for agent in agents), strict=True)
    old, new = (
        np.where(away, NOBODY, agent).astype(np.int32)
        for agent, away in zip(agents, barred, strict=True)
    )
    return Judged(
        pairs=(int(gains[0].sum()), int(gains[1].sum())),
        load=(total_load_cost(problem, old), total_load_cost(problem, new)),
        num_barred=(int(barred[0].sum()), int(barred[1].sum())),
        num_overfull=(_count_overfull(problem, old), _count_overfull(problem, new)),
    )


def moves_between(batch: Batch, before: DecidedBatch, after: DecidedBatch) -> pl.DataFrame:
    """The contacts whose agent differs, in the columns of `MOVES`, sorted by contact.

    The agent is the one whom a plan gives or holds them for, null for nobody. Worth is what the
    new place gains more than the old one by that policy's numbers, in money, where a place that
    the policy does not allow gains nothing; null for contacts that go with another one of their
    conversation. `barred_by` is the reason for which the new policy does not allow the old place,
    `why` the sentence of the new plan.
    """
    facts = batch.contacts.select("contact_id", "customer_id", "queue_id", "channel")
    why = after.plan.explanations.select("contact_id", why="detail")
    by_old = _worths(before.stated, before, after).drop("barred_by")
    by_new = _worths(after.stated, before, after)
    return (
        facts.join(_places(before, "old"), on="contact_id")
        .join(_places(after, "new"), on="contact_id")
        .filter(pl.col("old_agent_id").ne_missing(pl.col("new_agent_id")))
        .join(by_old.rename({"worth": "worth_by_old"}), on="contact_id", how="left")
        .join(by_new.rename({"worth": "worth_by_new"}), on="contact_id", how="left")
        .join(why, on="contact_id")
        .select(MOVES)
        .sort("contact_id")
    )


def _count_overfull(problem: AssignmentProblem, agent: Positions) -> int:
    """Agents whose new contacts do not fit together, and capped sites with too many."""
    by_lane, by_agent = counts_by_lane(problem, agent), counts_by_agent(problem, agent)
    mixes = problem.all_mixes
    of = np.repeat(np.arange(problem.num_agents), np.diff(mixes.start))
    fits = np.zeros(problem.num_agents, dtype=bool)
    fits[of[(by_lane[of] <= mixes.count).all(axis=1)]] = True
    overfull = ~fits | (by_lane > problem.lane_cap).any(axis=1) | (by_agent > problem.agent_cap)
    capped = problem.agent_site != NOBODY
    by_site = np.zeros(len(problem.site_cap), dtype=np.int64)
    np.add.at(by_site, problem.agent_site[capped], by_agent[capped])
    return int(overfull.sum()) + int((by_site > problem.site_cap).sum())


def _places(decided: DecidedBatch, prefix: str) -> pl.DataFrame:
    """(contact_id, decision, agent_id) of every contact, the last two with the prefix.

    The agent is the one of the plan: who is merely preferred and waited for is none.
    """
    agents = decided.stated.agents.agents.select("agent_idx", "agent_id")
    waiting = decided.plan.unassigned.select("contact_id", "decision")
    return (
        _given(decided)
        .join(agents, on="agent_idx", how="left")
        .join(waiting, on="contact_id", how="left")
        .select(
            "contact_id",
            pl.col("decision").fill_null(Decision.ASSIGNED.value).alias(f"{prefix}_decision"),
            pl.col("agent_id").alias(f"{prefix}_agent_id"),
        )
    )


def _agents_in(stated: BatchProblem, decided: DecidedBatch) -> Positions:
    """Agent of each conversation of `stated` in a plan that may group contacts otherwise: that of
    its lead.
    """
    # Agents have the same positions whatever the policy: they are those of the batch, sorted.
    leads = _leads(stated).join(
        _given(decided), on="contact_id", how="left", maintain_order="left"
    )
    return leads["agent_idx"].to_numpy()


def _given(decided: DecidedBatch) -> pl.DataFrame:
    """(contact_id, agent_idx) of every contact in a plan, NOBODY where it waits."""
    agents = pl.DataFrame({"agent_idx": decided.solution.agent}).with_row_index("conversation_idx")
    members = decided.stated.conversations.members.select(
        "contact_id", pl.col("conversation_idx").cast(pl.UInt32)
    )
    return members.join(agents, on="conversation_idx").drop("conversation_idx")


def _leads(stated: BatchProblem) -> pl.DataFrame:
    """(contact_id) of the lead of every conversation, in position order."""
    leads = stated.conversations.members.filter(pl.col("position") == 0)
    return leads.sort("conversation_idx").select("contact_id")


def _worths(judge: BatchProblem, before: DecidedBatch, after: DecidedBatch) -> pl.DataFrame:
    """(contact_id, worth, barred_by) of every lead: what its new place gains more than its old
    one, in money, and why the judge does not allow the old one.
    """
    old_agent = _agents_in(judge, before)
    old, barred = _pair_gains(judge, old_agent)
    new, _ = _pair_gains(judge, _agents_in(judge, after))
    return _leads(judge).with_columns(
        worth=pl.Series((new - old) / MILLI), barred_by=_barring_rules(judge, old_agent, barred)
    )


def _pair_gains(stated: BatchProblem, agent: Positions) -> tuple[Ints, Mask]:
    """Gain of each conversation with the agent given, in milli-units, 0 with nobody and where the
    pair is not eligible; and which are not, both (C,).
    """
    pairs, width = stated.problem.pairs, max(stated.problem.num_agents, 1)
    gains = np.zeros(len(agent), dtype=np.int64)
    wanted = np.flatnonzero(agent != NOBODY)
    key = pairs.contact.astype(np.int64) * width + pairs.agent
    asked = wanted * width + agent[wanted]
    place = np.searchsorted(key, asked)
    there = np.append(key, -1)[place] == asked
    gains[wanted[there]] = pairs.gain[place[there]]
    barred = np.zeros(len(agent), dtype=bool)
    barred[wanted[~there]] = True
    return gains, barred


def _barring_rules(stated: BatchProblem, agent: Positions, barred: Mask) -> pl.Series:
    """Reason code of each barred pair, in position order; null for all others."""
    asked = np.flatnonzero(barred)
    problem = stated.problem
    kinds, kind = np.unique(problem.contact_class[asked], return_inverse=True)
    failed = stated.eligibility.first_failures(kinds.astype(np.int64))[kind, agent[asked]]
    width = max(problem.num_agents, 1)
    banned = problem.banned_contact.astype(np.int64) * width + problem.banned_agent
    reasons = np.select(
        [
            failed > 0,
            np.isin(asked * width + agent[asked], banned),
            stated.reserved.agent[asked] != NOBODY,
        ],
        [
            np.array(["", *(reason.value for reason in REASONS)])[failed],
            Reason.DECLINED.value,
            Reason.HELD_FOR_PREFERRED.value,
        ],
        Reason.CUSTOMER_LOCKED.value,
    )
    rules = np.full(len(agent), None, dtype=object)
    rules[asked] = reasons.tolist()
    return pl.Series("barred_by", rules.tolist(), dtype=pl.String)
