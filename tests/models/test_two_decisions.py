"""Two decisions of one batch: judged by the numbers of both, contact by contact."""

from dataclasses import replace

import numpy as np

from models.batch_problem import build_problem
from models.policy import Policy
from models.problem import MILLI, NOBODY
from models.solution import SolveOptions
from models.tables import Channel
from models.two_decisions import MOVES, DecidedBatch, judge_both, moves_between
from solver.solve import solve
from tests.models.tiny import pair_gains, serves, tiny, with_channel

DEFAULT = Policy()
BATCH = tiny(
    agents=[{"agent_id": "ana"}, {"agent_id": "ben", "capacity_units": 20.0}],
    agent_channels=[*serves("ana", email=2), *serves("ben", email=2)],
    contacts=[{"contact_id": "m1", "value": 100.0}, {"contact_id": "m2", "value": 900.0}],
)


def decided(policy: Policy, m1: int, m2: int) -> DecidedBatch:
    """The batch with both mails given to these agents: 0 ana, 1 ben."""
    stated = build_problem(BATCH, policy)
    solution = solve(stated.problem, SolveOptions())
    chosen = replace(solution, agent=np.array([m1, m2], dtype=np.int32))
    return DecidedBatch(stated.to_plan(chosen), stated, chosen)


def test_only_who_changes_their_agent_moves() -> None:
    """m1 goes from Ana to Ben, m2 stays with her: worth is the difference of the two gains."""
    dearer = replace(DEFAULT, failure_fixed=6.0)
    before, after = decided(DEFAULT, 0, 0), decided(dearer, 1, 0)
    (move,) = moves_between(BATCH, before, after).rows(named=True)
    assert tuple(move) == MOVES
    assert (move["contact_id"], move["old_agent_id"], move["new_agent_id"]) == ("m1", "ana", "ben")
    for policy, name in ((DEFAULT, "worth_by_old"), (dearer, "worth_by_new")):
        gains = pair_gains(build_problem(BATCH, policy))
        assert move[name] == (gains["m1", "ben"] - gains["m1", "ana"]) / MILLI
    assert move["barred_by"] is None


def test_a_place_that_the_other_policy_bars_gains_nothing_and_is_counted() -> None:
    """Mails of 30 units never fit the 20 of Ben: what the old plan gave them is worth 0 there."""
    heavy = with_channel(DEFAULT, Channel.EMAIL, units=30.0)
    before, after = decided(DEFAULT, 1, NOBODY), decided(heavy, NOBODY, NOBODY)
    judged = judge_both(after.stated, before, after)
    assert (judged.num_barred, judged.pairs) == ((1, 0), (0, 0))
    (move,) = moves_between(BATCH, before, after).rows(named=True)
    assert (move["barred_by"], move["worth_by_new"]) == ("at_capacity", 0.0)
    assert move["worth_by_old"] == -pair_gains(before.stated)["m1", "ben"] / MILLI


def test_more_than_fits_is_counted_as_overfull() -> None:
    """Two mails of 15 units each fit Ben alone, but not together; with Ana they do."""
    wide = with_channel(DEFAULT, Channel.EMAIL, units=15.0)
    before, after = decided(DEFAULT, 1, 1), decided(wide, 0, 0)
    assert judge_both(after.stated, before, after).num_overfull == (1, 0)
    assert judge_both(before.stated, before, after).num_overfull == (0, 0)


def test_load_costs_are_taken_off_the_pairs() -> None:
    """Two mails for one agent in a tick: the second costs `load_step_cost` more."""
    before, after = decided(DEFAULT, 0, 0), decided(DEFAULT, 0, 1)
    judged = judge_both(before.stated, before, after)
    gains = pair_gains(before.stated)
    assert judged.pairs[0] == gains["m1", "ana"] + gains["m2", "ana"]
    assert judged.load == (round(DEFAULT.load_step_cost * MILLI), 0)
    assert judged.gain[0] == judged.pairs[0] - judged.load[0]
