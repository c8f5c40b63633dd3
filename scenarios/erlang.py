"""Erlang B, C and A: exact blocking, waiting and abandonment of one queue, and their inversions.

Traffic is in erlang (arrival rate x mean handling time), times are in the unit of the mean
handling time that is given. B and C take servers that are not whole, by the continuous extension
`1 / B(n, a) = a * integral over t >= 0 of exp(-a t) (1 + t)^n` (Jagerman 1974); A is the
stationary birth-death chain of M/M/n+M (Palm 1946; Mandelbaum and Zeltyn 2007).
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import gammaincc, gammaln

Floats = NDArray[np.float64]

_MOST = 1e9
"""No inversion looks for more servers or traffic than that."""
_NEGLIGIBLE = 1e-18
"""States rarer than that, relative to the most frequent one, end the chain of Erlang A."""


def erlang_b(servers: float, traffic: float) -> float:
    """Share of contacts that find all servers busy and leave, 0 to 1 (M/G/n/n).

    `B = a^n e^-a / Gamma(n + 1, a)` with the upper incomplete gamma function, in logarithms; the
    same as the recursion `B(n) = a B(n-1) / (n + a B(n-1))` where servers are whole.
    Raises ValueError for negative numbers.
    """
    _not_negative("erlang b", servers=servers, traffic=traffic)
    if traffic == 0:
        return 1.0 if servers == 0 else 0.0
    tail = float(gammaincc(servers + 1, traffic))
    if tail < 1e-290:
        return _blocking_when_swamped(servers, traffic)
    log_b = servers * np.log(traffic) - traffic - gammaln(servers + 1) - np.log(tail)
    return float(np.exp(log_b))


def erlang_c(servers: float, traffic: float) -> float:
    """Share of contacts that must wait, 0 to 1 (M/M/n); 1 where traffic is not below servers.

    `C = n B / (n - a (1 - B))`. Raises ValueError for negative numbers.
    """
    if traffic >= servers:
        _not_negative("erlang c", servers=servers, traffic=traffic)
        return 1.0
    blocking = erlang_b(servers, traffic)
    return servers * blocking / (servers - traffic * (1 - blocking))


def mean_wait(servers: float, traffic: float, mean_handle: float) -> float:
    """Mean wait of all contacts in M/M/n, in the unit of `mean_handle`; inf without slack."""
    if traffic >= servers:
        return float("inf")
    return erlang_c(servers, traffic) * mean_handle / (servers - traffic)


def mean_queue(servers: float, traffic: float) -> float:
    """Mean number that waits in M/M/n: Little's law on `mean_wait`, whatever the time unit."""
    return traffic * mean_wait(servers, traffic, 1.0)


def service_level(servers: float, traffic: float, mean_handle: float, target: float) -> float:
    """Share of contacts of M/M/n that wait at most `target`: `1 - C exp(-(n - a) t / h)`."""
    if traffic >= servers:
        return 0.0
    late = np.exp(-(servers - traffic) * target / mean_handle)
    return float(1 - erlang_c(servers, traffic) * late)


def servers_for_blocking(blocking: float, traffic: float) -> float:
    """Servers, not whole, at which Erlang B equals `blocking` (between 0 and 1)."""
    _share("servers for blocking", blocking)
    return _falling(lambda servers: erlang_b(servers, traffic) - blocking, 0.0, traffic + 1)


def traffic_for_blocking(blocking: float, servers: float) -> float:
    """Traffic in erlang at which Erlang B of these servers equals `blocking` (between 0 and 1)."""
    _share("traffic for blocking", blocking)
    return _falling(lambda traffic: blocking - erlang_b(servers, traffic), 0.0, servers + 1)


def servers_for_mean_wait(wait: float, traffic: float, mean_handle: float) -> float:
    """Servers, not whole, at which the mean wait of M/M/n equals `wait` > 0."""
    if wait <= 0:
        raise ValueError(f"servers for mean wait: wait is {wait}, expected > 0; give a longer one")
    least = traffic * (1 + 1e-9) + 1e-12
    return _falling(
        lambda servers: min(mean_wait(servers, traffic, mean_handle), _MOST) - wait,
        least,
        traffic + 1,
    )


def required_servers(traffic: float, mean_handle: float, target: float, level: float) -> int:
    """Fewest whole servers of M/M/n that answer a share `level` (0 to 1) within `target`."""
    _share("required servers", level)
    servers = int(np.floor(traffic)) + 1
    while service_level(servers, traffic, mean_handle, target) < level:
        servers += 1
    return servers


def square_root_staffing(traffic: float, slack: float) -> int:
    """Servers `a + slack * sqrt(a)`, rounded up (Halfin and Whitt 1981): where to start."""
    return int(np.ceil(traffic + slack * np.sqrt(traffic)))


@dataclass(frozen=True, eq=False)
class ErlangA:
    """M/M/n+M in equilibrium; times are in the unit of the mean handling time given."""

    probability: Floats
    """(S,) of 0, 1, ... contacts in the system; rarer states are left out."""
    wait_share: float
    """Share of contacts that find all servers busy."""
    abandon_share: float
    """Share of contacts that leave before they are answered."""
    queue: float
    """Mean number waiting."""
    mean_wait: float
    """Mean time in queue of all contacts, whether they leave or are answered."""


def erlang_a(servers: int, traffic: float, mean_handle: float, mean_patience: float) -> ErlangA:
    """The stationary chain with n servers, exponential handling and exponential patience.

    Births `a / h`, deaths `min(s, n) / h + max(s - n, 0) / patience`; ratios of neighbours are
    summed in logarithms until they are negligible. Raises ValueError for numbers that are not
    positive (traffic and servers may be 0).
    """
    _not_negative("erlang a", servers=servers, traffic=traffic)
    if mean_handle <= 0 or mean_patience <= 0:
        raise ValueError(
            f"erlang a: mean handling time {mean_handle} and patience {mean_patience}, expected"
            " both > 0; use erlang_b or erlang_c for the limits"
        )
    probability = _chain(servers, traffic, mean_handle / mean_patience)
    state = np.arange(len(probability))
    queue = float((probability * np.maximum(state - servers, 0)).sum())
    arrivals = traffic / mean_handle
    leaving = queue / mean_patience
    return ErlangA(
        probability=probability,
        wait_share=float(probability[state >= servers].sum()),
        abandon_share=leaving / arrivals if arrivals else 0.0,
        queue=queue,
        mean_wait=queue / arrivals if arrivals else 0.0,
    )


def _chain(servers: int, traffic: float, haste: float) -> Floats:
    """Probabilities of 0, 1, ... with deaths `min(s, n) + haste * max(s - n, 0)` per handling."""
    length = 2 * servers + 64
    while True:
        state = np.arange(1, length)
        deaths = np.minimum(state, servers) + haste * np.maximum(state - servers, 0)
        with np.errstate(divide="ignore"):
            steps = np.log(traffic) - np.log(deaths)
        log_weight = np.concatenate([[0.0], np.cumsum(steps)])
        weight: Floats = np.exp(log_weight - log_weight.max())
        falling = traffic < deaths[-1]
        if falling and weight[-1] < _NEGLIGIBLE * (1 - traffic / deaths[-1]):
            probability: Floats = weight / weight.sum()
            return probability
        length *= 2


def _blocking_when_swamped(servers: float, traffic: float) -> float:
    """Erlang B by its recursion from a fraction of a server, where the gamma tail underflows.

    For the fraction n < 1 and traffic of hundreds, `1 / B = 1 + n/a + n (n-1)/a^2 + ...` is exact
    to the last digit after a dozen terms.
    """
    whole = int(servers)
    fraction = servers - whole
    inverse = term = 1.0
    for step in range(12):
        term *= (fraction - step) / traffic
        inverse += term
    for step in range(1, whole + 1):
        inverse = 1 + (fraction + step) / traffic * inverse
    return 1 / inverse


def _falling(excess: Callable[[float], float], low: float, high: float) -> float:
    """The zero of a function that falls from `low` on; the bracket doubles until it is inside."""
    while excess(high) > 0:
        if high > _MOST:
            raise ValueError(f"erlang: no answer below {_MOST:,.0f}; expected one, ask for less")
        high *= 2
    return float(brentq(excess, low, high, xtol=1e-12, rtol=1e-14))


def _not_negative(what: str, **numbers: float) -> None:
    for name, number in numbers.items():
        if not number >= 0:
            raise ValueError(f"{what}: {name} is {number}, expected >= 0; give what is offered")


def _share(what: str, share: float) -> None:
    if not 0 < share < 1:
        raise ValueError(f"{what}: {share} is no share; expected more than 0 and less than 1")
