"""What prices know: beliefs about classes and agents that last, and what is so at this moment."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.problem import Floats, Ints
from solver.pricing.scenarios import Remaining

Flags = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Beliefs:
    """K contact classes, A agents: learned or declared, never the truth of this very day."""

    resolution: Floats
    """(K, A) probability that the agent resolves a contact of the class."""
    handling_s: Floats
    """(K, A) mean handling time, wrap-up included."""
    handling_sigma: float
    """Of the lognormal of handling times around their means."""
    allowed: Flags
    """(K, A) eligible, and not below the floor on the resolution probability."""
    attention: Floats
    """(K,) share of an agent's attention that a contact takes."""
    slots: Ints
    """(A,) contacts of the smallest attention that the agent can hold at once."""
    values: Floats
    """(K, Q) money if resolved, at Q equal steps of probability, ascending."""
    loss_share: Floats
    """(K,) of the value: lost if the customer leaves."""
    waiting_cost: Floats
    """(K,) money per second."""
    mean_patience_s: Floats
    """(K,) may be infinite."""

    @property
    def value_mean(self) -> Floats:
        """(K,) money."""
        mean: Floats = self.values.mean(axis=1)
        return mean

    @property
    def loss(self) -> Floats:
        """(K,) money that a customer who leaves costs on average."""
        return self.loss_share * self.value_mean


@dataclass(frozen=True, eq=False)
class Moment:
    """The floor as prices see it, at the instant at which they are made."""

    waiting_kind: Ints
    """(W,) class of every waiting contact."""
    waiting_value: Floats
    """(W,) money if resolved."""
    held_agent: Ints
    """(H,) who holds each contact that is being served."""
    held_kind: Ints
    """(H,)"""
    held_elapsed_s: Floats
    """(H,)"""
    duty_left_s: Floats
    """(A,) seconds for which the agent still takes work; 0 off duty."""
    forecast: Floats
    """(P, K) contacts forecast for each sub-period of the horizon, before the day's factor."""
    horizon_s: float
    """Length of the P sub-periods together."""
    factor: float
    """How busy the day is, relative to its forecast (`scenarios.day_factor`)."""
    closing_in_s: float
    """Until no more contacts arrive; below 0 afterwards."""


def work_in_progress(beliefs: Beliefs, moment: Moment) -> Remaining:
    """What is held, as handling times that are partly over."""
    mean_s = beliefs.handling_s[moment.held_kind, moment.held_agent]
    sigma = np.full(len(mean_s), beliefs.handling_sigma)
    return Remaining(moment.held_elapsed_s, np.log(mean_s) - sigma**2 / 2, sigma)
