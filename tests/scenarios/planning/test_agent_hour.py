"""What one more agent-hour is worth: prices where they are known, and simulated hours."""

from dataclasses import replace

import numpy as np
import pytest

from scenarios.planning.agent_hour import (
    Estimate,
    Hour,
    estimate_prices,
    random_hours,
    simulate_hours,
    with_one_more,
)
from scenarios.planning.groups import group_agents
from tests.scenarios.planning.planned_centres import queue, two_teams

SEEDS = (1, 2, 3)


@pytest.mark.parametrize("estimate", list(Estimate))
def test_an_hour_without_customers_is_worth_nothing(estimate: Estimate) -> None:
    """Far too many come in the second hour, nobody in the first and the third."""
    centre = queue([0.0, 300.0, 0.0], agents=2, patience_s=30.0)
    price = estimate_prices(centre, estimate, SEEDS)
    assert price.shape == (1, 3)
    assert price[0, 0] == pytest.approx(0.0, abs=1e-6)
    assert price[0, 1] > 100.0
    assert price[0, 2] < 0.05 * price[0, 1]


def test_in_overload_an_hour_is_worth_what_it_serves() -> None:
    """Calls of 60 s worth 10: 600 an hour, whichever call it is, where work is never short.

    Patience does not count: nothing is lost, and nothing paid for waiting.
    """
    centre = queue([600.0, 600.0], agents=2, patience_s=30.0)
    price = estimate_prices(centre, Estimate.SAMPLED, SEEDS)
    assert price == pytest.approx(np.full((1, 2), 600.0), rel=1e-6)


def test_only_the_scarce_group_has_a_price() -> None:
    """Team 0 has nothing to do."""
    price = estimate_prices(two_teams(), Estimate.SAMPLED, SEEDS)
    assert price[0] == pytest.approx([0.0, 0.0], abs=1e-6)
    assert (price[1] > 100.0).all()


def test_simulation_agrees_in_overload() -> None:
    """One more agent serves nearly 60 calls of 60 s: between 500 and 650 with the overrun."""
    centre = queue([600.0, 600.0], agents=2, patience_s=30.0)
    gained = simulate_hours(centre, [Hour(0, 0)], SEEDS, "fifo")
    assert gained.shape == (1, 3)
    assert 450.0 < gained.mean() < 650.0


def test_one_more_agent_changes_nothing_where_nobody_comes() -> None:
    """The same customers, the same luck: the difference is 0, not noise."""
    gained = simulate_hours(two_teams(), [Hour(0, 1)], SEEDS, "skills")
    empty = queue([0.0, 0.0, 60.0], agents=2)
    assert (simulate_hours(empty, [Hour(0, 0)], SEEDS, "fifo") == 0).all()
    assert np.abs(gained).max() < 30.0


def test_one_more_agent_is_there_for_an_hour_only() -> None:
    """The new column is the group's, from the hour's begin to its end."""
    centre = two_teams()
    more = with_one_more(centre, group_agents(centre).groups, Hour(1, 1))
    assert more.num_agents == centre.num_agents + 1
    assert more.eligible[:, -1].tolist() == [False, True]
    assert (more.shift_from_s[-1], more.shift_until_s[-1]) == (3600.0, 7200.0)


def test_random_pairs_are_different_and_repeatable() -> None:
    """40 of 48, the same for the same seed."""
    pairs = random_hours(4, 12, 40, seed=5)
    assert len(set(pairs)) == 40
    assert pairs == random_hours(4, 12, 40, seed=5)
    assert pairs != random_hours(4, 12, 40, seed=6)


def test_prices_need_a_tick() -> None:
    """The bound knows none without: an error says so."""
    with pytest.raises(ValueError, match="expected a tick above 0"):
        estimate_prices(replace(queue([10.0]), tick_s=0.0), Estimate.HINDSIGHT, SEEDS)
