"""The engine's benchmark compares like with like: every exact peer has the same optimum."""

import json
from dataclasses import asdict

import pytest

from benchmarks.engine import Task, main
from benchmarks.engine_instances import SIZES, Form, Size, Structure, build_instance, next_tick
from benchmarks.engine_peers import PEERS
from benchmarks.engine_runs import OURS, Case, Kind, Tick, checked_gain
from models.solution import SolveOptions
from solver.backends import auction

HEURISTIC = {"greedy", "top_20"}


@pytest.mark.parametrize("form", Form)
def test_every_exact_peer_has_the_auction_s_optimum(form: Form) -> None:
    """Flow, scipy, CBC, GLOP, HiGHS and CP-SAT; greedy and pruning at most as much."""
    problem = next_tick(3, Size(60, 15), form, Structure.PLAIN)
    best = auction.solve(problem, SolveOptions(deadline_s=60.0), None)
    for name, peer in PEERS.items():
        answer = peer.solve(problem)
        gain = checked_gain(problem, answer.agent)
        if name in HEURISTIC:
            assert gain <= best.gain
        else:
            assert gain == best.gain == answer.bound


def test_a_next_tick_keeps_most_contacts_and_agents() -> None:
    """About 5 % of 1,000 contacts and at most 20 % of 200 agents' slots differ."""
    before, after = build_instance(1, SIZES["S"]), next_tick(1, SIZES["S"])
    changed = (before.term_coef != after.term_coef).any(axis=1)
    assert 20 <= changed.sum() <= 90
    assert 10 <= (before.agent_cap != after.agent_cap).sum() <= 60
    assert (before.class_agent == after.class_agent).all()


def test_the_rows_of_one_method_are_json_with_gain_bound_and_gap(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """On a next tick the auction runs to three targets, cold and warm, and proves the last; the
    checker accepts each.
    """
    task = Task(Case(Kind.NETWORK, "S", 0, tick=Tick.NEXT), (OURS,))
    assert main(["--one", json.dumps(asdict(task))]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [row["start"] for row in rows] == ["cold"] * 3 + ["warm"] * 3
    for row in rows:
        assert row["gap"] == (row["bound"] - row["gain"]) / row["gain"]
        assert row["certified"] is True
    assert [row["gap"] for row in rows if row["target"] == 0] == [0, 0]
