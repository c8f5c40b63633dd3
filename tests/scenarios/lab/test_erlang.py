"""Erlang B, C and A against recursions, each other's limits and the laws of queues."""

import math

import numpy as np
import pytest

from scenarios.erlang import (
    erlang_a,
    erlang_b,
    erlang_c,
    mean_queue,
    mean_wait,
    required_servers,
    servers_for_blocking,
    servers_for_mean_wait,
    service_level,
    square_root_staffing,
    traffic_for_blocking,
)


@pytest.mark.parametrize(("servers", "traffic"), [(0, 3.0), (3, 10.4), (40, 31.0), (7, 900.0)])
def test_b_of_whole_servers_is_the_recursion(servers: int, traffic: float) -> None:
    """B(0) = 1, B(n) = a B(n-1) / (n + a B(n-1)) (Jagerman 1974)."""
    expected = 1.0
    for n in range(1, servers + 1):
        expected = traffic * expected / (n + traffic * expected)
    assert erlang_b(servers, traffic) == pytest.approx(expected, rel=1e-12)


def test_b_of_a_fraction_obeys_the_same_recursion() -> None:
    """The continuous extension satisfies 1/B(n) = 1 + n/a * 1/B(n-1) for any n."""
    for servers, traffic in ((2.5, 3.0), (17.44497, 10.0), (1.25, 2000.0)):
        assert 1 / erlang_b(servers, traffic) == pytest.approx(
            1 + servers / traffic / erlang_b(servers - 1, traffic), rel=1e-10
        )


def test_one_server_in_closed_form() -> None:
    """n = 1: B = a / (1 + a), C = a, mean wait = a h / (1 - a), mean queue = a^2 / (1 - a)."""
    assert erlang_b(1, 0.5) == pytest.approx(1 / 3)
    assert erlang_c(1, 0.5) == pytest.approx(0.5)
    assert mean_wait(1, 0.5, 300.0) == pytest.approx(300.0)
    assert mean_queue(1, 0.5) == pytest.approx(0.5)
    assert service_level(1, 0.5, 300.0, 0.0) == pytest.approx(0.5)


def test_inversions_undo_what_they_invert() -> None:
    """The formula at the answer gives back the question."""
    assert erlang_b(servers_for_blocking(0.02, 25.0), 25.0) == pytest.approx(0.02)
    assert erlang_b(40, traffic_for_blocking(0.3, 40)) == pytest.approx(0.3)
    assert mean_wait(servers_for_mean_wait(12.0, 25.0, 200.0), 25.0, 200.0) == pytest.approx(12.0)


def test_required_servers_are_enough_and_one_fewer_is_not() -> None:
    """The fewest servers that reach 80 % in 20 s."""
    servers = required_servers(10.0, 180.0, 20.0, 0.8)
    assert service_level(servers, 10.0, 180.0, 20.0) >= 0.8
    assert service_level(servers - 1, 10.0, 180.0, 20.0) < 0.8


def test_square_root_staffing_rounds_up() -> None:
    """100 + 1 * sqrt(100) = 110; 90 + 0.5 * 9.487 = 94.74, so 95."""
    assert square_root_staffing(100.0, 1.0) == 110
    assert square_root_staffing(90.0, 0.5) == 95


def test_a_with_patience_like_handling_is_poisson() -> None:
    """With theta = mu every contact present leaves at rate mu: M/M/infinity, Poisson(a)."""
    found = erlang_a(12, 10.0, 300.0, 300.0).probability
    expected = [math.exp(-10 + n * math.log(10) - math.lgamma(n + 1)) for n in range(len(found))]
    assert np.abs(found - expected).max() < 1e-14


def test_a_with_endless_patience_is_c() -> None:
    """theta to 0: nobody leaves; a = 90, n = 100 waits with probability 0.21694 (methods.md 9)."""
    patient = erlang_a(100, 90.0, 300.0, 3e9)
    assert patient.wait_share == pytest.approx(erlang_c(100, 90.0), rel=1e-5)
    assert patient.wait_share == pytest.approx(0.21694, abs=1e-5)
    assert patient.mean_wait == pytest.approx(mean_wait(100, 90.0, 300.0), rel=1e-4)


def test_a_without_patience_is_b() -> None:
    """theta to infinity: who must wait is lost; a = 90, n = 100 loses 0.02696 (methods.md 9)."""
    hasty = erlang_a(100, 90.0, 300.0, 3e-6)
    assert hasty.abandon_share == pytest.approx(erlang_b(100, 90.0), rel=1e-5)
    assert hasty.abandon_share == pytest.approx(0.02696, abs=1e-5)


@pytest.mark.parametrize("traffic", [0.0, 6.0, 14.0, 60.0])
def test_a_balances_what_enters_and_leaves(traffic: float) -> None:
    """Arrivals = served + left: a (1 - P(leave)) is the mean number of busy servers."""
    chain = erlang_a(14, traffic, 200.0, 90.0)
    busy = (chain.probability * np.minimum(np.arange(len(chain.probability)), 14)).sum()
    assert busy == pytest.approx(traffic * (1 - chain.abandon_share))
    assert chain.queue == pytest.approx(traffic / 200.0 * chain.mean_wait)


def test_numbers_that_mean_nothing_are_refused() -> None:
    """Every refusal says what was found and what is expected."""
    with pytest.raises(ValueError, match="traffic is -1"):
        erlang_b(3, -1)
    with pytest.raises(ValueError, match="no share"):
        servers_for_blocking(1.0, 10.0)
    with pytest.raises(ValueError, match="expected > 0"):
        servers_for_mean_wait(0.0, 10.0, 180.0)
    with pytest.raises(ValueError, match="expected both > 0"):
        erlang_a(3, 1.0, 300.0, 0.0)
