"""What an agent's time costs a contact, from both prices (`value.md` 1).

    w [ 0.8 fast min(h / A, 1) + 0.3 slow min(h, A) + slow max(h - A, 0) ]

with the attention share w, the handling time h and the window A of the fast price. Near closing
time the slow price of time that nobody will need any more fades.
"""

from dataclasses import dataclass

import numpy as np

from models.problem import Floats


@dataclass(frozen=True)
class CostParameters:
    """How the two prices are mixed; tuned on days that no result is reported for."""

    window_s: float
    """A: length of the future that the fast price samples, about a mean handling time."""
    fast_share: float = 0.8
    slow_share: float = 0.3
    """Of the slow price inside the window, where the fast price tells most."""
    fade_from_s: float = 60.0
    """Before closing time, the slow price inside the window begins to fade."""
    fade_to_s: float = 120.0
    """After closing time, it is gone."""
    overrun_to_s: float = 100.0
    """After closing time, the slow price beyond the window is gone."""


@dataclass(frozen=True, eq=False)
class SlowCost:
    """Slow price of C contacts' handling times at A agents, before shares and fading; money."""

    within: Floats
    """(C, A) inside the window."""
    beyond: Floats
    """(C, A) after it."""


def time_cost(
    handling_s: Floats,
    attention: Floats,
    fast_price: Floats,
    slow: SlowCost,
    closing_in_s: float,
    parameters: CostParameters,
) -> Floats:
    """(C, A) money that the agents' time costs; `attention` is (C,), `fast_price` (A,)."""
    fast = fast_price * np.minimum(handling_s / parameters.window_s, 1.0)
    cost = (
        parameters.fast_share * fast
        + parameters.slow_share * _inside_fade(closing_in_s, parameters) * slow.within
        + _overrun_fade(closing_in_s, parameters) * slow.beyond
    )
    return attention[:, None] * cost


def constant_cost(slow_price: Floats, handling_s: Floats, window_s: float) -> SlowCost:
    """Slow cost at one price per agent, (A,) money per second, for (C, A) handling times."""
    return SlowCost(
        within=slow_price * np.minimum(handling_s, window_s),
        beyond=slow_price * np.maximum(handling_s - window_s, 0.0),
    )


def path_cost(
    slow_price: Floats, edges_s: Floats, handling_s: Floats, window_s: float
) -> SlowCost:
    """Slow cost at (P, A) prices of sub-periods: the sum of price times overlap.

    Sub-period s lasts from edges_s[s] to edges_s[s + 1] seconds from now, the first edge being 0;
    whatever lies after the last costs what the last one does.
    """
    inside = _spent_until(np.minimum(handling_s, window_s), slow_price, edges_s)
    return SlowCost(inside, _spent_until(handling_s, slow_price, edges_s) - inside)


def _spent_until(moment_s: Floats, slow_price: Floats, edges_s: Floats) -> Floats:
    """(C, A) integral of each agent's price from now to (C, A) moments."""
    each = slow_price * np.diff(edges_s)[:, None]
    before = np.vstack([np.zeros_like(each[:1]), np.cumsum(each, axis=0)[:-1]])
    period = np.searchsorted(edges_s[1:-1], moment_s, side="right")
    agent = np.arange(slow_price.shape[1])
    return before[period, agent] + slow_price[period, agent] * (moment_s - edges_s[period])


def _inside_fade(closing_in_s: float, parameters: CostParameters) -> float:
    length = parameters.fade_from_s + parameters.fade_to_s
    return float(np.clip((closing_in_s + parameters.fade_to_s) / length, 0.0, 1.0))


def _overrun_fade(closing_in_s: float, parameters: CostParameters) -> float:
    length = parameters.window_s + parameters.overrun_to_s
    return float(np.clip((closing_in_s + parameters.overrun_to_s) / length, 0.0, 1.0))
