"""What an agent's time costs, from the fast and the slow price."""

import numpy as np
import pytest

from solver.pricing.cost import CostParameters, charges_at, path_cost, time_cost

FAR = 3600.0
PARAMETERS = CostParameters(window_s=300.0)


def cost_of(handle_s: float, fast: float, slow: float, closing_in_s: float = FAR) -> float:
    """Cost of one contact of full attention at one agent."""
    charges = charges_at(np.array([fast]), np.array([slow]), closing_in_s, PARAMETERS)
    return float(time_cost(np.array([[handle_s]]), np.ones(1), charges)[0, 0])


@pytest.mark.parametrize(
    ("handle_s", "expected"),
    [
        # 0.8 * 2 * 150 / 300 + 0.3 * 0.01 * 150
        (150.0, 0.8 + 0.45),
        # 0.8 * 2 + 0.3 * 0.01 * 300
        (300.0, 1.6 + 0.9),
        # the same and 0.01 for every second beyond 300
        (500.0, 1.6 + 0.9 + 2.0),
    ],
)
def test_cost_by_hand(handle_s: float, expected: float) -> None:
    """The fast price in proportion up to the window, the slow one in part within, whole beyond."""
    assert cost_of(handle_s, fast=2.0, slow=0.01) == pytest.approx(expected)


def test_a_share_of_attention_costs_its_share() -> None:
    """A chat among three costs a third of a call of the same length."""
    charges = charges_at(np.array([2.0, 0.0]), np.array([0.01, 0.02]), FAR, PARAMETERS)
    both = time_cost(np.full((2, 2), 400.0), np.array([1.0, 1 / 3]), charges)
    np.testing.assert_allclose(both[1], both[0] / 3)


@pytest.mark.parametrize(
    ("closing_in_s", "share"),
    # From 60 s before to 120 s after closing: (closing_in + 120) / 180.
    [(61.0, 1.0), (60.0, 1.0), (-30.0, 0.5), (-120.0, 0.0), (-500.0, 0.0)],
)
def test_the_slow_price_within_the_window_fades_around_closing(
    closing_in_s: float, share: float
) -> None:
    """300 s at 0.3 * 0.01, of which that share is asked."""
    assert cost_of(300.0, 0.0, 0.01, closing_in_s) == pytest.approx(0.9 * share)


@pytest.mark.parametrize(
    ("closing_in_s", "share"),
    # Seconds before closing and 100 more, of the 400 of window and fade.
    [(300.0, 1.0), (100.0, 0.5), (-100.0, 0.0), (-500.0, 0.0)],
)
def test_the_slow_price_beyond_the_window_fades_as_closing_comes_near(
    closing_in_s: float, share: float
) -> None:
    """100 s beyond the window at 0.07 each, of which that share is asked."""
    charges = charges_at(np.zeros(1), np.array([0.07]), closing_in_s, PARAMETERS)
    late = time_cost(np.array([[400.0]]), np.ones(1), charges)
    within = time_cost(np.array([[300.0]]), np.ones(1), charges)
    assert float((late - within)[0, 0]) == pytest.approx(7.0 * share)


def test_path_cost_by_hand() -> None:
    """Cells of 100 s at 0.01, 0.02 and 0.03: from 50 s on, 100 s are half of two cells.

    0.5 + 1.0 = 1.5; 500 s reach past the last cell: 0.5 + 2 + 3 = 5.5.
    """
    price = np.array([[0.01, 0.02, 0.03]])
    found = path_cost(price, 100.0, 50.0, np.array([[100.0], [500.0]]))
    np.testing.assert_allclose(found, [[1.5], [5.5]])


def test_a_level_path_costs_time_times_price() -> None:
    """Whatever the moment, as long as the work ends before the path does."""
    price = np.array([[0.01] * 40, [0.03] * 40])
    handling = np.array([[200.0, 310.0], [95.0, 400.0]])
    for at_s in (0.0, 33.0, 100.0):
        found = path_cost(price, 15.0, at_s, handling)
        np.testing.assert_allclose(found, handling * np.array([0.01, 0.03]))
