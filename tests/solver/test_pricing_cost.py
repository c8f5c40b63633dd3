"""What an agent's time costs a contact, from the fast and the slow price."""

import numpy as np
import pytest

from solver.pricing.cost import CostParameters, SlowCost, constant_cost, path_cost, time_cost

PARAMETERS = CostParameters(window_s=300.0)
FAR = 10_000.0


def cost(handling_s: float, fast: float, slow: float, closing_in_s: float = FAR) -> float:
    """Of one contact at one agent, with all of their attention."""
    handling = np.array([[handling_s]])
    parts = constant_cost(np.array([slow]), handling, PARAMETERS.window_s)
    prices = np.array([fast])
    return float(time_cost(handling, np.ones(1), prices, parts, closing_in_s, PARAMETERS)[0, 0])


@pytest.mark.parametrize(
    ("handling_s", "expected"),
    [
        (150.0, 0.8 * 4.0 * 0.5 + 0.3 * 0.01 * 150.0),
        (300.0, 0.8 * 4.0 + 0.3 * 0.01 * 300.0),
        (450.0, 0.8 * 4.0 + 0.3 * 0.01 * 300.0 + 0.01 * 150.0),
    ],
)
def test_cost_is_the_published_mix(handling_s: float, expected: float) -> None:
    """w [0.8 fast min(h/A, 1) + 0.3 slow min(h, A) + slow max(h - A, 0)], A = 300 s."""
    assert cost(handling_s, fast=4.0, slow=0.01) == pytest.approx(expected)


def test_attention_scales_the_cost() -> None:
    """A chat that takes a third of an agent costs a third of their time."""
    handling = np.array([[200.0, 500.0], [200.0, 500.0]])
    prices, slow = np.array([3.0, 5.0]), np.array([0.01, 0.02])
    parts = constant_cost(slow, handling, 300.0)
    both = time_cost(handling, np.array([1.0, 1 / 3]), prices, parts, FAR, PARAMETERS)
    np.testing.assert_allclose(both[1], both[0] / 3)


@pytest.mark.parametrize(
    ("closing_in_s", "share"), [(61.0, 1.0), (60.0, 1.0), (-30.0, 0.5), (-120.0, 0.0)]
)
def test_the_slow_price_inside_the_window_fades_around_closing_time(
    closing_in_s: float, share: float
) -> None:
    """Linear from 60 s before closing time to 120 s after it: half at 30 s after."""
    expected = 0.3 * 0.01 * 200.0 * share
    assert cost(200.0, fast=0.0, slow=0.01, closing_in_s=closing_in_s) == pytest.approx(expected)


@pytest.mark.parametrize(("closing_in_s", "share"), [(300.0, 1.0), (100.0, 0.5), (-100.0, 0.0)])
def test_the_price_beyond_the_window_fades_before_closing_time(
    closing_in_s: float, share: float
) -> None:
    """(T + 100 - t) / (A + 100): 400, 200 and 0 of 400."""
    handling, parts = np.array([[400.0]]), SlowCost(np.zeros((1, 1)), np.array([[7.0]]))
    found = time_cost(handling, np.ones(1), np.zeros(1), parts, closing_in_s, PARAMETERS)
    assert found[0, 0] == pytest.approx(7.0 * share)


def test_a_path_is_charged_by_overlap() -> None:
    """Prices 1, 2, 3 per second over 0 to 100, 100 to 200, 200 to 300 s; 3 goes on after that."""
    prices, edges = np.array([[1.0], [2.0], [3.0]]), np.array([0.0, 100.0, 200.0, 300.0])
    handling = np.array([[50.0], [150.0], [100.0], [400.0]])
    parts = path_cost(prices, edges, handling, window_s=150.0)
    # 50; 100 + 50 * 2; 100; of 400 s: 200 in the window, then 50 * 2 + 100 * 3 + 100 * 3.
    np.testing.assert_allclose(parts.within[:, 0], [50.0, 200.0, 100.0, 200.0])
    np.testing.assert_allclose(parts.beyond[:, 0], [0.0, 0.0, 0.0, 700.0])


def test_a_constant_path_costs_what_the_constant_does() -> None:
    """One price in all sub-periods is one price."""
    rng = np.random.default_rng(0)
    slow, handling = rng.uniform(0.0, 0.05, 6), rng.uniform(10.0, 2000.0, (5, 6))
    edges = np.array([0.0, 200.0, 500.0, 900.0])
    path = path_cost(np.tile(slow, (3, 1)), edges, handling, 300.0)
    plain = constant_cost(slow, handling, 300.0)
    np.testing.assert_allclose(path.within, plain.within)
    np.testing.assert_allclose(path.beyond, plain.beyond, atol=1e-12)
