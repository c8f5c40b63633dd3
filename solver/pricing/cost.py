"""What an agent's time costs a contact, from both prices (`value.md` 1).

    w [ 0.8 fast min(h / A, 1) + 0.3 slow min(h, A) + slow max(h - A, 0) ]

with the attention share w, the handling time h and the window A of the fast price. Near closing
time the slow price of time that nobody will need any more fades. The three numbers that are
charged for an agent, shares and fading included, are all that a tick needs to know.
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
    late_share: float = 1.0
    """Of the slow price beyond the window."""
    fade_from_s: float = 60.0
    """Before closing time, the slow price inside the window begins to fade."""
    fade_to_s: float = 120.0
    """After closing time, it is gone."""
    overrun_to_s: float = 100.0
    """After closing time, the slow price beyond the window is gone."""


@dataclass(frozen=True, eq=False)
class Charges:
    """What is charged for the whole attention of each of A agents."""

    window_s: float
    fast: Floats
    """(A,) money for a window."""
    slow: Floats
    """(A,) money per second within the window."""
    late: Floats
    """(A,) money per second beyond it."""


def charges_at(
    fast_price: Floats, slow_price: Floats, closing_in_s: float, parameters: CostParameters
) -> Charges:
    """Charges from (A,) fast prices in money and (A,) slow prices in money per agent-second."""
    return Charges(
        window_s=parameters.window_s,
        fast=parameters.fast_share * fast_price,
        slow=parameters.slow_share * _inside_fade(closing_in_s, parameters) * slow_price,
        late=parameters.late_share * _overrun_fade(closing_in_s, parameters) * slow_price,
    )


def time_cost(handling_s: Floats, attention: Floats, charges: Charges) -> Floats:
    """(C, A) money that the agents' time costs; `handling_s` is (C, A), `attention` (C,)."""
    within_s = np.minimum(handling_s, charges.window_s)
    cost = (
        charges.fast * within_s / charges.window_s
        + charges.slow * within_s
        + charges.late * (handling_s - within_s)
    )
    return attention[:, None] * cost


def path_cost(price: Floats, cell_s: float, at_s: float, handling_s: Floats) -> Floats:
    """(C, A) money that an agent's whole attention costs from `at_s` on, at a path of prices.

    `price` is (A, T) money per second in cells of `cell_s` seconds; what lies after the last cell
    costs nothing.
    """
    paid = np.concatenate([np.zeros((len(price), 1)), np.cumsum(price, axis=1) * cell_s], axis=1)
    begin = _paid_until(paid, np.full(handling_s.shape, at_s / cell_s))
    return _paid_until(paid, (at_s + handling_s) / cell_s) - begin


def _paid_until(paid: Floats, cells: Floats) -> Floats:
    """(C, A) what has been paid by (C, A) moments, in cells since the first."""
    last = paid.shape[1] - 1
    moment = np.clip(cells, 0.0, float(last))
    cell = np.minimum(moment.astype(np.int64), last - 1)
    agent = np.arange(len(paid))
    before = paid[agent, cell]
    at: Floats = before + (moment - cell) * (paid[agent, cell + 1] - before)
    return at


def _inside_fade(closing_in_s: float, parameters: CostParameters) -> float:
    length = parameters.fade_from_s + parameters.fade_to_s
    return float(np.clip((closing_in_s + parameters.fade_to_s) / length, 0.0, 1.0))


def _overrun_fade(closing_in_s: float, parameters: CostParameters) -> float:
    length = parameters.window_s + parameters.overrun_to_s
    return float(np.clip((closing_in_s + parameters.overrun_to_s) / length, 0.0, 1.0))
