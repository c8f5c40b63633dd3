"""The slow price: what a second of an agent's time earns over the next quarter of an hour.

A linear programme gives the contacts expected, by class, to the agents' time, by signature, and
its duals are the prices (`value.md` 1, `methods.md` 4.3):

    max  sum_skm reward[k, m] f[s, k, m]
    s.t. sum_k work_s[k, m] f[s, k, m] <= capacity_s[s, m]                        price agent[s, m]
         sum_m f[s, k, m] + queue[s, k] = demand[s, k] + stay[k] queue[s - 1, k]   contact[s, k]

over sub-periods s, with queues carried over; with one sub-period nothing is carried and this is
the programme of `value.md`. Averaging the duals over sampled demands matters: at mean demand
whatever is not scarce on average costs nothing (Talluri and van Ryzin 1999). A reward is relative
to never being served, so waiting costs nothing beyond the queue that it loses.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from models.problem import Floats, Ints
from solver.pricing import slow_kernels
from solver.pricing.slow_basis_kernels import Basis, Duals, Programme

SMOOTHING = 0.5
"""Weight of the previous price."""

TIE_BREAK = 1e-10
"""Relative change of rates that makes equal ones different, so that the simplex cannot cycle."""


class PricesNotFoundError(RuntimeError):
    """The programme was not solved."""

    def __init__(self, status: int, pivots: int) -> None:
        """State what was found, expected and to be done."""
        what = "too many pivots" if status == slow_kernels.TOO_LONG else "no way to stay optimal"
        super().__init__(
            f"slow price: {what} (limit {pivots:,}); expected an optimum, which always exists:"
            " look for rewards or work of very different sizes"
        )


@dataclass(frozen=True, eq=False)
class SlowInputs:
    """K contact classes, M signatures (agents whose rows are identical), P sub-periods."""

    reward: Floats
    """(K, M) money per contact served, relative to one never served."""
    work_s: Floats
    """(K, M) agent-seconds per contact, attention share included, > 0 where allowed."""
    allowed: NDArray[np.bool_]
    """(K, M) eligible, and not below the floor on the resolution probability."""
    capacity_s: Floats
    """(P, M) agent-seconds on offer, less the work that agents still hold."""
    stay: Floats
    """(K,) share of waiting customers who are still there a sub-period later, 0 to 1."""

    def __post_init__(self) -> None:
        """Check shapes and ranges: a wrong programme must not reach the simplex."""
        shape = self.reward.shape
        if self.work_s.shape != shape or self.allowed.shape != shape:
            raise ValueError(
                f"slow price: reward {shape}, work {self.work_s.shape} and allowed"
                f" {self.allowed.shape} differ in shape; expected (K, M) for all: build them from"
                " the same classes and signatures"
            )
        if self.capacity_s.shape[1:] != shape[1:] or self.stay.shape != shape[:1]:
            raise ValueError(
                f"slow price: capacity is {self.capacity_s.shape}, stay {self.stay.shape};"
                f" expected (P, {shape[1]}) and ({shape[0]},): build them from the same classes"
            )
        used = self.allowed
        if not np.isfinite(self.reward[used]).all() or not (self.work_s[used] > 0).all():
            raise ValueError(
                "slow price: a pair that is allowed has no finite reward, or no work;"
                " expected both: forbid the pair or correct its numbers"
            )
        if (self.capacity_s < 0).any() or ((self.stay < 0) | (self.stay > 1)).any():
            raise ValueError(
                "slow price: negative capacity, or a share outside 0 to 1; expected neither:"
                " cut capacities at 0"
            )


@dataclass(frozen=True, eq=False)
class SlowPrices:
    """Prices of time and of contacts, averaged over the sampled demands."""

    agent: Floats
    """(P, M) money per agent-second."""
    contact: Floats
    """(P, K) money that one more contact is worth."""
    value: float
    """Money: mean optimum of the programmes."""


@dataclass(frozen=True, eq=False)
class Signatures:
    """Agents whose rows are identical share one signature."""

    of_agent: Ints
    """(A,) signature of each agent."""
    example: Ints
    """(M,) the first agent of each."""


def slow_prices(inputs: SlowInputs, demand: Floats) -> SlowPrices:
    """Mean optimal duals over the (S, P, K) sampled demands; raises PricesNotFoundError.

    Contacts waiting now belong to the demand of the first sub-period.
    """
    periods, groups = inputs.capacity_s.shape
    classes = len(inputs.stay)
    if demand.shape[1:] != (periods, classes) or (demand < 0).any():
        raise ValueError(
            f"slow price: demand is {demand.shape}, lowest {demand.min(initial=0.0)}; expected"
            f" (S, {periods}, {classes}) and nothing negative: sample it for these sub-periods"
        )
    typical_s = _typical_work_s(inputs)
    programme, rows = _programme(inputs, typical_s), periods * classes
    basis = Basis(
        key=np.zeros(periods * groups, dtype=np.int64),
        block=np.zeros(rows, dtype=np.int64),
        kind=np.zeros(rows, dtype=np.int64),
        inverse=np.zeros((rows, rows)),
    )
    duals = Duals(np.zeros(rows), np.zeros(periods * groups))
    contact, agent = np.zeros(rows), np.zeros(periods * groups)
    value = 0.0
    limit = 1000 + 50 * (rows + periods * groups)
    slow_kernels.start(programme, basis)
    for sampled in (demand * typical_s).reshape(len(demand), rows):
        status = slow_kernels.solve_from(programme, basis, duals, sampled, limit)
        if status != slow_kernels.OPTIMAL:
            raise PricesNotFoundError(status, limit)
        contact += np.maximum(duals.contact, 0.0)
        agent += np.maximum(duals.block, 0.0)
        value += float(duals.contact @ sampled + duals.block @ programme.capacity)
    return SlowPrices(
        agent=agent.reshape(periods, groups) / len(demand),
        contact=contact.reshape(periods, classes) * typical_s / len(demand),
        value=value / len(demand),
    )


def smoothed(new: SlowPrices, old: SlowPrices | None, weight: float = SMOOTHING) -> SlowPrices:
    """New prices moved towards the old ones, or as they are without old ones of this shape."""
    if old is None or old.agent.shape != new.agent.shape or old.contact.shape != new.contact.shape:
        return new
    return replace(
        new,
        agent=weight * old.agent + (1.0 - weight) * new.agent,
        contact=weight * old.contact + (1.0 - weight) * new.contact,
    )


def signatures(*tables: Floats) -> Signatures:
    """Group agents by their columns in all of these (K, A) tables: resolution, handling and so on.

    Prices depend on nothing else, and the programme shrinks with the number of groups.
    """
    columns = np.ascontiguousarray(np.concatenate(tables, axis=0).T)
    _, example, of_agent = np.unique(columns, axis=0, return_index=True, return_inverse=True)
    return Signatures(of_agent=of_agent.reshape(-1), example=example)


def total_by_signature(groups: Signatures, of_agent: Floats) -> Floats:
    """(..., M) sums over the agents of each signature of an (..., A) quantity, as capacities."""
    flat = of_agent.reshape(-1, of_agent.shape[-1])
    size = len(groups.example)
    sums = np.zeros((len(flat), size))
    for n, row in enumerate(flat):
        sums[n] = np.bincount(groups.of_agent, weights=row, minlength=size)
    return sums.reshape(*of_agent.shape[:-1], size)


def reward_per_contact(
    resolution: Floats,
    value: Floats,
    loss: Floats,
    waiting_cost: Floats,
    patience_s: Floats,
    horizon_s: float,
) -> Floats:
    """(K, M) p V + L + c * mean patience: what serving a class gains over never serving it.

    `loss` is the money lost if the customer leaves, `waiting_cost` money per second; who has more
    patience than the horizon waits to its end.
    """
    spared = loss + waiting_cost * np.minimum(patience_s, horizon_s)
    return resolution * value[:, None] + spared[:, None]


def _typical_work_s(inputs: SlowInputs) -> Floats:
    """(K,) geometric mean of each class: counted in such seconds, contacts have numbers near 1."""
    logs = np.log(np.where(inputs.allowed, inputs.work_s, 1.0)).sum(axis=1)
    typical: Floats = np.exp(logs / np.maximum(inputs.allowed.sum(axis=1), 1))
    return typical


def _programme(inputs: SlowInputs, typical_s: Floats) -> Programme:
    with np.errstate(divide="ignore", invalid="ignore"):
        rate = np.where(inputs.allowed, inputs.reward / inputs.work_s, -np.inf)
        per_s = np.where(inputs.allowed, typical_s[:, None] / inputs.work_s, 0.0)
    # The golden ratio spreads the changes evenly, so no two are equal.
    spread = np.arange(rate.size).reshape(rate.shape) * 0.6180339887498949 % 1.0
    return Programme(
        rate=np.ascontiguousarray(rate * (1.0 + TIE_BREAK * spread)),
        per_s=np.ascontiguousarray(per_s),
        stay=np.require(inputs.stay, np.float64, ["C", "W"]),
        capacity=np.require(inputs.capacity_s, np.float64, ["C", "W"]).reshape(-1),
    )
