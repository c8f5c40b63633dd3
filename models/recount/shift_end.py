"""Section 5 of `docs/model.md`, written a second time: work that the end of a shift cuts off."""

import math

import numpy as np

from models.recount.numbers import SECOND, Bools, Floats, by_channel, is_real_time
from models.recount.sides import Sides


def end_of_shift(sides: Sides) -> tuple[Floats, Floats]:
    """Expected cost of overtime and of handover, each (lanes and handling times, A)."""
    c, policy = sides.conversations, sides.policy
    example = sides.example[sides.handling.example]
    channel, handle = c.channel[example][:, None], c.handle_s[example][:, None]
    left = np.maximum(sides.agents.shift_left_s, 1 / SECOND)  # off shift there are no pairs
    live = is_real_time(policy)[channel]
    sigma = by_channel(policy, lambda p: p.handle_sigma)[channel]
    excess = np.where(live, expected_excess(handle, sigma, left), 0)
    episode = by_channel(policy, lambda p: p.mean_episode_s)[channel]
    handover = np.where(live, 0, policy.handover_cost * np.exp(-left / episode))
    return policy.overtime_cost_per_s * excess, handover


def expected_excess(mean_s: Floats, sigma: Floats, limit_s: Floats) -> Floats:
    """E[(H - limit)+] of lognormal H with this mean and sigma, seconds."""
    log_limit = np.log(limit_s)
    location = np.log(mean_s) - sigma**2 / 2
    above = _normal_cdf((location + sigma**2 - log_limit) / sigma)
    return mean_s * above - limit_s * _normal_cdf((location - log_limit) / sigma)


def _normal_cdf(z: Floats) -> Floats:
    found = (z > 0).astype(np.float64)
    some: Bools = np.abs(z) < 9  # beyond it the other side is below 1e-18
    value, place = np.unique(z[some], return_inverse=True)
    erf = np.array([math.erf(x / math.sqrt(2)) for x in value.tolist()])
    found[some] = ((1 + erf) / 2)[place]
    return found
