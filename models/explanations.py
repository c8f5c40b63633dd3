"""Why each conversation got its decision: terms of the gain, runner-up, reason and a sentence."""

from dataclasses import dataclass
from datetime import datetime

import numpy as np
import polars as pl

from models.bound import contact_rents, path_prices
from models.capacity import AgentState
from models.conversations import Conversations
from models.eligibility import REASONS, Eligibility
from models.gain import Gain, Term
from models.plan import Reason
from models.problem import MILLI, NOBODY, AssignmentProblem, Ints, Positions
from models.sentences import decision_sentence
from models.solution import Solution
from models.tables import Decision


@dataclass(frozen=True, eq=False)
class Facts:
    """What a solved batch knows about its decisions."""

    now: datetime
    conversations: Conversations
    agents: AgentState
    eligibility: Eligibility
    gain: Gain
    problem: AssignmentProblem
    solution: Solution


def build_explanations(facts: Facts) -> pl.DataFrame:
    """One row per conversation: decision, reason, agent, terms, runner-up and `detail`.

    Columns follow the contracts of `explanation` and `unassigned`, keyed by `conversation_idx`.
    """
    chosen = facts.solution.agent
    runner_up = _best_alternatives(facts)
    rows = pl.DataFrame(
        {
            "conversation_idx": facts.conversations.units["conversation_idx"],
            "agent_idx": chosen,
            "runner_up_idx": runner_up,
            "reason": _reasons(facts),
            "num_before": _furthest_rule(facts)[1][facts.problem.contact_class],
            "num_agents": np.full(len(chosen), facts.problem.num_agents),
        },
        schema_overrides={"agent_idx": pl.Int32, "runner_up_idx": pl.Int32},
    )
    priced = rows.with_columns(
        *_terms(facts, chosen),
        _amount("gain", _pair_gains(facts, chosen)),
        _amount("slot_price", _pair_prices(facts, chosen)),
        _amount("runner_up_gain", _pair_gains(facts, runner_up)),
        _amount("runner_up_price", _pair_prices(facts, runner_up)),
        pl.Series("rent", _rents(facts) / MILLI),
    )
    return _name_agents(priced, facts).with_columns(detail=decision_sentence())


def _best_alternatives(facts: Facts) -> Positions:
    """The agent to compare the decision with, NOBODY where there is none, shape (C,).

    The best gain less price of all but the chosen agent; for a contact that waits, of those that
    it would gain with, and the largest gain where it would gain with nobody.
    """
    pairs, problem, chosen = facts.problem.pairs, facts.problem, facts.solution.agent
    best = np.full(problem.num_contacts, NOBODY, dtype=np.int32)
    path = path_prices(problem, facts.solution.prices)
    reduced = pairs.gain - path[pairs.agent, problem.contact_lane[pairs.contact]]
    waits = (chosen == NOBODY)[pairs.contact]
    would_gain = (_best_gains(problem) > 0)[pairs.contact]
    score = np.where(waits & ~would_gain, pairs.gain, reduced)
    other = np.where(waits, ~would_gain | (pairs.gain > 0), pairs.agent != chosen[pairs.contact])
    contact, agent, score = pairs.contact[other], pairs.agent[other], score[other]
    if len(contact):
        first = np.flatnonzero(np.diff(contact, prepend=-1))
        top = np.maximum.reduceat(score, first)
        hit = np.flatnonzero(score == np.repeat(top, np.diff(first, append=len(contact))))
        best[contact[hit[::-1]]] = agent[hit[::-1]]
    return best


def _rents(facts: Facts) -> Ints:
    """What each conversation is worth above the price of its slot, milli-units, (C,)."""
    if facts.solution.rents is not None:
        return facts.solution.rents
    return contact_rents(facts.problem, facts.solution.prices)


def _best_gains(problem: AssignmentProblem) -> Ints:
    """Largest gain of each contact with any eligible agent, -1 where there is none, (C,)."""
    best = np.full(problem.num_contacts, -1, dtype=np.int64)
    start = problem.pairs.start
    filled = np.flatnonzero(np.diff(start))
    if len(filled):
        best[filled] = np.maximum.reduceat(problem.pairs.gain, start[filled])
    return best


def _reasons(facts: Facts) -> pl.Series:
    """Reason code of every conversation."""
    problem, chosen = facts.problem, facts.solution.agent
    pairs = problem.pairs
    kind = problem.contact_class
    num_pairs = np.diff(pairs.start)
    best = _best_gains(problem)
    furthest, _ = _furthest_rule(facts)
    passes_rules = (np.diff(problem.class_ptr) > 0)[kind]
    locked = problem.only_agent != NOBODY
    held = (chosen != NOBODY) & np.append(facts.agents.free_soon, False)[np.maximum(chosen, 0)]
    names = np.array([reason.value for reason in REASONS], dtype=object)
    by_rule = names[np.maximum(furthest[kind] - 1, 0)]
    reason = np.select(
        [
            held,
            chosen != NOBODY,
            (num_pairs > 0) & (best > 0),
            num_pairs > 0,
            passes_rules & ~locked,
            locked,
        ],
        [
            Reason.HELD_FOR.value,
            Reason.BEST_MATCH.value,
            Reason.LOST_TO.value,
            Reason.NOT_WORTH_IT.value,
            Reason.DECLINED.value,
            Reason.CUSTOMER_LOCKED.value,
        ],
        default=by_rule,
    )
    return pl.Series(reason, dtype=pl.String)


def _furthest_rule(facts: Facts) -> tuple[Ints, Ints]:
    """For each class without an eligible agent the last rule that any agent came to, (K,).

    As 1 + the position in `REASONS`, 0 for other classes, and how many agents failed there.
    """
    per_class = np.diff(facts.problem.class_ptr)
    furthest, count = np.zeros_like(per_class), np.zeros_like(per_class)
    classes = np.flatnonzero(per_class == 0)
    failed = facts.eligibility.first_failures(classes)
    furthest[classes] = failed.max(axis=1, initial=0)
    count[classes] = (failed == furthest[classes][:, None]).sum(axis=1)
    return furthest, count


def _terms(facts: Facts, agent: Positions) -> list[pl.Series]:
    """Terms of the gain of the chosen pairs in money, null where nobody was chosen."""
    problem, gain = facts.problem, facts.gain
    there = np.maximum(agent, 0)
    nobody = agent == NOBODY
    rated = {term: np.zeros(len(agent)) for term in gain.rated}
    if problem.num_agents:
        for place, term in enumerate(gain.rated):
            rate = gain.rate[gain.term_row[:, place], there]
            rated[term] += gain.term_coef[:, place] * rate
    sticky = np.zeros(len(agent))
    worth = gain.sticky.filter(
        pl.Series(
            agent[gain.sticky["conversation_idx"].to_numpy()]
            == gain.sticky["agent_idx"].to_numpy(),
            dtype=pl.Boolean,
        )
    )
    sticky[worth["conversation_idx"].to_numpy()] = worth["worth"].to_numpy()
    values = rated | {
        Term.MATCH: rated.get(Term.MATCH, 0.0) + gain.match_base,
        Term.VALUE_AT_RISK: gain.value_at_risk,
        Term.STICKINESS: sticky,
    }
    return [
        pl.Series(term.value, np.where(nobody, np.nan, values[term])).fill_nan(None)
        for term in Term
    ]


def _pair_gains(facts: Facts, agent: Positions) -> Ints:
    """Gain of each conversation with the given agent in milli-units; NOBODY where none."""
    pairs = facts.problem.pairs
    width = max(facts.problem.num_agents, 1)
    wanted = np.flatnonzero(agent != NOBODY)
    key = pairs.contact.astype(np.int64) * width + pairs.agent
    place = np.searchsorted(key, wanted * width + agent[wanted])
    gains = np.zeros(len(agent), dtype=np.int64)
    gains[wanted] = pairs.gain[place]
    return gains


def _pair_prices(facts: Facts, agent: Positions) -> Ints:
    """Price of entering the conversation's lane at the given agent, milli-units."""
    prices = np.zeros(len(agent), dtype=np.int64)
    wanted = np.flatnonzero(agent != NOBODY)
    path = path_prices(facts.problem, facts.solution.prices)
    prices[wanted] = path[agent[wanted], facts.problem.contact_lane[wanted]]
    return prices


def _amount(name: str, milli: Ints) -> pl.Expr:
    owner = "runner_up_idx" if name.startswith("runner_up") else "agent_idx"
    money = pl.Series(name, milli / MILLI)
    return pl.when(pl.col(owner) != NOBODY).then(money).alias(name)


def _name_agents(rows: pl.DataFrame, facts: Facts) -> pl.DataFrame:
    """Positions replaced by ids; the agent of a contact that waits is whom it lost to."""
    ids = facts.agents.agents.select(pl.col("agent_idx").cast(pl.Int32), "agent_id")
    runner_ids = ids.rename({"agent_idx": "runner_up_idx", "agent_id": "runner_up_agent_id"})
    locked = pl.Series(facts.problem.only_agent)
    now = pl.lit(facts.now, pl.Datetime("us", "UTC"))
    chosen = np.maximum(facts.solution.agent, 0)
    free_in_s = np.append(facts.agents.free_in_s, 0.0)[chosen]
    free_in = pl.lit(pl.Series(np.rint(free_in_s * 1e6).astype(np.int64)))
    is_held = pl.col("reason") == Reason.HELD_FOR.value
    return (
        rows.with_columns(
            agent_idx=pl.when(pl.col("reason") == Reason.LOST_TO.value)
            .then("runner_up_idx")
            .when(pl.col("reason") == Reason.CUSTOMER_LOCKED.value)
            .then(locked)
            .otherwise("agent_idx"),
            decision=pl.when(is_held)
            .then(pl.lit(Decision.HELD.value))
            .when(pl.col("reason") == Reason.BEST_MATCH.value)
            .then(pl.lit(Decision.ASSIGNED.value))
            .otherwise(pl.lit(Decision.UNASSIGNED.value)),
            next_chance_at=pl.when(is_held).then(now + pl.duration(microseconds=free_in)),
        )
        .join(ids, on="agent_idx", how="left", maintain_order="left")
        .join(runner_ids, on="runner_up_idx", how="left", maintain_order="left")
    )
