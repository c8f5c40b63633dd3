"""The benchmark of tiers measures what it says."""

import json

import pytest

from benchmarks.tiers import main


def test_the_benchmark_of_tiers_sets_plans_beside_the_greedy_one(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Greedy first, then a plan for every deadline, none worse in served by tier and gain."""
    main(["--size", "200x40", "--seconds", "0.01", "20", "--json"])
    greedy, *plans = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    assert (greedy["backend"], [plan["deadline_s"] for plan in plans]) == ("greedy", [0.01, 20.0])
    for plan in plans:
        served = plan["served_by_tier"], plan["gain"]
        assert served >= (greedy["served_by_tier"], greedy["gain"])
        assert plan["served"] >= sum(plan["served_by_tier"]) > 0
    assert (plans[1]["termination"], plans[1]["gap"]) == ("optimal", 0.0)


def test_the_benchmark_of_tiers_prints_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    """One line per plan below the headings."""
    main(["--size", "60x12", "--seconds", "0.01"])
    printed = capsys.readouterr().out
    assert "Tiers first, 60x12" in printed
    assert [
        line.split()[1] for line in printed.splitlines() if "feasible" in line or "optimal" in line
    ] == ["greedy", "auto"]
