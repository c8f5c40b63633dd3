"""Why each conversation got its decision: terms of the gain, runner-up, reason and a sentence."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from models.agent_time import attention_s
from models.bound import path_prices
from models.circumstances import (
    Facts,
    is_borrowed,
    is_outranked,
    is_unavoidable,
    relaxed_classes,
    takers,
)
from models.columns import instant, with_facts
from models.eligibility import REASONS
from models.gain import Term
from models.pair_worth import gains_of, terms_of
from models.plan import Reason
from models.problem import MILLI, NO_TIER, NOBODY, AssignmentProblem, Ints, Positions
from models.sentences import charges_told, decision_sentence, length
from models.tables import Decision


@dataclass(frozen=True, eq=False)
class _Priced:
    """All pairs at the plan's prices, looked at once."""

    path: Ints
    """(A, L) price of entering a lane."""
    reduced: Ints
    """(E,) gain less price."""
    best_gain: Ints
    """(C,) largest gain with any eligible agent, -1 where there is none."""


def build_explanations(facts: Facts) -> pl.DataFrame:
    """One row per conversation: decision, reason, agent, terms, runner-up and `detail`.

    Columns follow the contracts of `explanation` and `unassigned`, keyed by `conversation_idx`.
    """
    priced = _priced(facts)
    chosen = facts.solution.agent
    runner_up = _best_alternatives(facts, priced)
    furthest, num_before = _furthest_rule(facts)
    rows = facts.conversations.units.select(
        "conversation_idx",
        "step",
        "relaxes_at",
        "breach_at",
        "follower",
        "preferred_by_window",
        "hold_until",
        is_relaxed=pl.col("class_idx").is_in(relaxed_classes(facts.conversations).implode()),
        tier=pl.when(pl.col("tier_idx") != NO_TIER).then(pl.col("tier_idx").cast(pl.Int64)),
    ).hstack(
        [
            pl.Series("agent_idx", chosen, dtype=pl.Int32),
            pl.Series("runner_up_idx", runner_up, dtype=pl.Int32),
            _reasons(facts, priced, furthest),
            pl.Series("num_before", num_before[facts.problem.contact_class]),
            pl.Series("num_agents", np.full(len(chosen), facts.problem.num_agents)),
            pl.Series("unavoidable", is_unavoidable(facts)),
            pl.Series("is_borrowed", is_borrowed(facts)),
            pl.Series("outranked", is_outranked(facts, runner_up)),
        ]
    )
    lost_to = set(runner_up[(chosen == NOBODY) & (runner_up != NOBODY)].tolist())
    rows = with_facts(rows, takers(facts, lost_to), "runner_up_idx")
    told = rows.hstack(terms_of(facts.problem, facts.gain, chosen)).with_columns(
        _amount("gain", gains_of(facts.problem, chosen)),
        _amount("slot_price", _pair_prices(facts, priced, chosen)),
        _amount("runner_up_gain", gains_of(facts.problem, runner_up)),
        _amount("runner_up_price", _pair_prices(facts, priced, runner_up)),
        pl.Series("rent", _rents(facts, priced) / MILLI),
    )
    sentence = decision_sentence(
        facts.now, facts.solution.tier_weight / MILLI, set(told["reason"].unique())
    )
    if facts.gain.has_prices:
        told = told.with_columns(_charges(facts, np.where(chosen != NOBODY, chosen, runner_up)))
        sentence += charges_told()
    return _name_agents(told, facts).with_columns(detail=sentence)


def _charges(facts: Facts, agent: Positions) -> list[pl.Series]:
    """What serving each conversation would pay for the agent's time, and get for the head."""
    terms = terms_of(facts.problem, facts.gain, agent)
    seconds = attention_s(facts.conversations.units, facts.policy)
    distinct, of = np.unique(seconds, return_inverse=True)
    return [
        pl.Series("time_told", [length(value) for value in distinct], dtype=pl.String)[of],
        terms[Term.AGENT_TIME].alias("time_charged"),
        terms[Term.HEAD_WORTH].alias("head_paid"),
    ]


def _priced(facts: Facts) -> _Priced:
    problem, pairs = facts.problem, facts.problem.pairs
    path = path_prices(problem, facts.solution.prices)
    reduced = pairs.gain - path[pairs.agent, problem.contact_lane[pairs.contact]]
    return _Priced(path, reduced, _best(problem, pairs.gain, -1))


def _best(problem: AssignmentProblem, value: Ints, nothing: int) -> Ints:
    """Largest value of the pairs of each contact, `nothing` where there are none, (C,)."""
    best = np.full(problem.num_contacts, nothing, dtype=np.int64)
    start = problem.pairs.start
    filled = np.flatnonzero(np.diff(start))
    if len(filled):
        best[filled] = np.maximum.reduceat(value, start[filled])
    return best


def _best_alternatives(facts: Facts, priced: _Priced) -> Positions:
    """The agent to compare the decision with, NOBODY where there is none, shape (C,).

    The best gain less price of all but the chosen agent; for a contact that waits, of those that
    it would gain with, and the largest gain where it would gain with nobody.
    """
    pairs, problem, chosen = facts.problem.pairs, facts.problem, facts.solution.agent
    best = np.full(problem.num_contacts, NOBODY, dtype=np.int32)
    waits = (chosen == NOBODY)[pairs.contact]
    would_gain = (priced.best_gain > 0)[pairs.contact]
    score = np.where(waits & ~would_gain, pairs.gain, priced.reduced)
    other = np.where(waits, ~would_gain | (pairs.gain > 0), pairs.agent != chosen[pairs.contact])
    contact, agent, score = pairs.contact[other], pairs.agent[other], score[other]
    if len(contact):
        first = np.flatnonzero(np.diff(contact, prepend=-1))
        top = np.maximum.reduceat(score, first)
        hit = np.flatnonzero(score == np.repeat(top, np.diff(first, append=len(contact))))
        best[contact[hit[::-1]]] = agent[hit[::-1]]
    return best


def _rents(facts: Facts, priced: _Priced) -> Ints:
    """What each conversation is worth above the price of its slot, milli-units, (C,).

    With tiers, prices are those of gains that are raised by the level of the tier.
    """
    problem, solution = facts.problem, facts.solution
    if solution.rents is not None:
        return solution.rents
    best = _best(problem, priced.reduced, -1)
    has_pairs = np.diff(problem.pairs.start) > 0
    if problem.tier is not None and solution.tier_levels:
        levels = np.append(np.array(solution.tier_levels, dtype=np.int64), 0)
        best = best + solution.tier_weight * levels[problem.tier]
    return np.where(has_pairs, np.maximum(best, 0), 0)


def _reasons(facts: Facts, priced: _Priced, furthest: Ints) -> pl.Series:
    """Reason code of every conversation."""
    problem, chosen, units = facts.problem, facts.solution.agent, facts.conversations.units
    kind = problem.contact_class
    has_pairs = np.diff(problem.pairs.start) > 0
    passes_rules = (np.diff(problem.class_ptr) > 0)[kind]
    held = (chosen != NOBODY) & np.append(facts.agents.free_soon, False)[np.maximum(chosen, 0)]
    names = np.array([reason.value for reason in REASONS], dtype=object)
    reached = furthest[kind]
    cases = (
        (held, Reason.HELD_FOR),
        (chosen != NOBODY, Reason.BEST_MATCH),
        (units["follower"].to_numpy(), Reason.CUSTOMER_LOCKED),
        (has_pairs & (priced.best_gain > 0), Reason.LOST_TO),
        (has_pairs, Reason.NOT_WORTH_IT),
        (facts.locked != NOBODY, Reason.CUSTOMER_LOCKED),
        (facts.reserved.agent != NOBODY, Reason.HELD_FOR_PREFERRED),
        (passes_rules, Reason.DECLINED),
        (reached > 0, None),
        # Without any agent nobody came to any test.
        (units["paused"].to_numpy(), Reason.PAUSED),
        (units["manual_only"].to_numpy(), Reason.MANUAL_ONLY),
    )
    reason = np.select(
        [case for case, _ in cases],
        [names[reached - 1] if code is None else code.value for _, code in cases],
        default=Reason.NO_PRESENT_AGENT.value,
    )
    return pl.Series("reason", reason, dtype=pl.String)


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


def _pair_prices(facts: Facts, priced: _Priced, agent: Positions) -> Ints:
    """Price of entering the conversation's lane at the given agent, milli-units."""
    prices = np.zeros(len(agent), dtype=np.int64)
    wanted = np.flatnonzero(agent != NOBODY)
    prices[wanted] = priced.path[agent[wanted], facts.problem.contact_lane[wanted]]
    return prices


def _amount(name: str, milli: Ints) -> pl.Expr:
    owner = "runner_up_idx" if name.startswith("runner_up") else "agent_idx"
    money = pl.Series(name, milli / MILLI)
    return pl.when(pl.col(owner) != NOBODY).then(money).alias(name)


def _name_agents(rows: pl.DataFrame, facts: Facts) -> pl.DataFrame:
    """Positions replaced by ids; the agent of a contact that waits is whom it waits for, or to
    whom it lost.
    """
    reason = pl.col("reason")
    soon_s = np.append(facts.agents.free_in_s, 0.0)[np.maximum(facts.solution.agent, 0)]
    later_s = np.where(facts.reserved.agent != NOBODY, facts.reserved.free_in_s, 0.0)
    waits_for = (reason == Reason.HELD_FOR.value) | (reason == Reason.HELD_FOR_PREFERRED.value)
    wait_s = (
        pl.when(reason == Reason.HELD_FOR.value)
        .then(pl.Series(soon_s))
        .otherwise(pl.Series(later_s))
    )
    chance = instant(facts.now) + pl.duration(microseconds=(wait_s * 1e6).round().cast(pl.Int64))
    named = rows.with_columns(
        agent_idx=pl.when(reason == Reason.LOST_TO.value)
        .then("runner_up_idx")
        .when(reason == Reason.CUSTOMER_LOCKED.value)
        .then(pl.Series(facts.locked))
        .when(reason == Reason.HELD_FOR_PREFERRED.value)
        .then(pl.Series(facts.reserved.agent))
        .otherwise("agent_idx"),
        decision=pl.when(waits_for)
        .then(pl.lit(Decision.HELD.value))
        .when(reason == Reason.BEST_MATCH.value)
        .then(pl.lit(Decision.ASSIGNED.value))
        .otherwise(pl.lit(Decision.UNASSIGNED.value)),
        next_chance_at=pl.when(waits_for).then(chance),
    )
    ids = facts.agents.agents["agent_id"]
    return named.with_columns(
        agent_id=ids.gather(named["agent_idx"].replace(NOBODY, None)),
        runner_up_agent_id=ids.gather(named["runner_up_idx"].replace(NOBODY, None)),
    )
