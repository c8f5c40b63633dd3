"""The network form as a readable linear programme, by PuLP with CBC: an oracle, not for ticks.

    max   sum gain[i, j] take[i, j] - sum load_cost[j, n] step[j, n]
    s.t.  sum_j take[i, j] <= 1                                 contact i
          sum_{i in lane l} take[i, j] <= lane_cap[j, l]        price of the lane
          sum_i take[i, j] <= sum_n step[j, n]                  price of the agent
          sum_{j in site s} sum_i take[i, j] <= site_cap[s]     price of the site
          take >= 0,  0 <= step[j, n] <= 1,  n <= agent_cap[j]

Capacities nest, so the vertices are whole numbers and no integer variables are needed
(`methods.md` 1.2). With the flow it shares only the final check of its claim.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from time import monotonic
from typing import TypeVar

import numpy as np
import pulp
from pulp.apis.coin_api import pulp_cbc_path

from models.bound import no_prices
from models.problem import NOBODY, AssignmentProblem, Positions, Prices
from models.solution import Hint, Limit, Solution, SolveOptions, step_costs
from solver.backend import BackendError, Clock, failed, with_bound
from solver.backends import greedy

NAME = "lp"
Key = TypeVar("Key", int, tuple[int, int])
_OUT_OF_TIME = (pulp.LpSolutionNoSolutionFound, pulp.LpSolutionIntegerFeasible)


def solve(
    problem: AssignmentProblem,
    options: SolveOptions,
    hint: Hint | None,
    clock: Clock = monotonic,
) -> Solution:
    """The optimal assignment with a bound from CBC's duals, rounded to whole prices.

    At the deadline the baseline's plan, marked failed. Raises BackendError on any other outcome.
    """
    del clock  # CBC keeps its own
    model = _Model(problem)
    model.lp.solve(pulp.COIN_CMD(path=pulp_cbc_path, msg=False, timeLimit=options.deadline_s))
    if model.lp.sol_status in _OUT_OF_TIME:
        return failed(greedy.solve(problem, options, hint), Limit.TIME)
    if model.lp.sol_status != pulp.LpSolutionOptimal:
        found = f"CBC ended with {pulp.LpSolution[model.lp.sol_status]!r}"
        raise BackendError(NAME, found, "an optimal solution", "keep the batch and report it")
    return with_bound(problem, model.assignment(), model.prices(), NAME)


class _Model:
    """The programme of one problem; rows are kept by what they limit."""

    def __init__(self, problem: AssignmentProblem) -> None:
        self.problem = problem
        self.lp = pulp.LpProblem("assignment", pulp.LpMaximize)
        pairs = problem.pairs
        contact, agent = pairs.contact.tolist(), pairs.agent.tolist()
        lane = problem.contact_lane[pairs.contact].tolist()
        site = problem.agent_site[pairs.agent].tolist()
        steps, cost = self._add_steps()

        self.take = [self.lp.add_variable(f"take_{e}", lowBound=0) for e in range(len(pairs))]
        self.lp += pulp.lpDot(pairs.gain.tolist(), self.take) - cost
        self._limit("contact", contact, dict.fromkeys(contact, 1))
        place = list(zip(agent, lane, strict=True))
        self.lane_row = self._limit("lane", place, {p: int(problem.lane_cap[p]) for p in place})
        self.agent_row = self._limit("agent", agent, steps)
        self.site_row = self._limit("site", site, dict(enumerate(problem.site_cap.tolist())))

    def _add_steps(self) -> tuple[dict[int, pulp.LpAffineExpression], pulp.LpAffineExpression]:
        """Units that each agent takes, and what all of them cost."""
        agent_cap = np.minimum(self.problem.agent_cap, self.problem.num_contacts)
        price = step_costs(self.problem, int(agent_cap.max(initial=0))).tolist()
        steps = {
            j: [self.lp.add_variable(f"step_{j}_{n}", lowBound=0, upBound=1) for n in range(cap)]
            for j, cap in enumerate(agent_cap.tolist())
        }
        cost = pulp.lpSum(pulp.lpDot(price[j][: len(row)], row) for j, row in steps.items())
        return {j: pulp.lpSum(row) for j, row in steps.items()}, cost

    def _limit(
        self,
        kind: str,
        keys: Sequence[Key],
        caps: Mapping[Key, int | pulp.LpAffineExpression],
    ) -> dict[Key, pulp.LpConstraint]:
        """One row for each key that has a cap: the pairs of that key take no more than it."""
        members = defaultdict(list)
        for key, take in zip(keys, self.take, strict=True):
            members[key].append(take)
        rows = {}
        for number, key in enumerate(sorted(members.keys() & caps.keys())):
            rows[key] = pulp.lpSum(members[key]) <= caps[key]
            self.lp.addConstraint(rows[key], f"{kind}_{number}")
        return rows

    def assignment(self) -> Positions:
        """Agent of each contact; raises BackendError if CBC's answer is not whole."""
        pairs = self.problem.pairs
        value = np.array([take.value() for take in self.take], dtype=np.float64)
        if (np.abs(value - np.rint(value)) > 1e-6).any():
            found = "CBC's optimum has fractions"
            raise BackendError(NAME, found, "a vertex, which is whole", "report the problem")
        agent = np.full(self.problem.num_contacts, NOBODY, dtype=np.int32)
        taken = np.flatnonzero(value > 0.5)
        agent[pairs.contact[taken]] = pairs.agent[taken]
        return agent

    def prices(self) -> Prices:
        """The rows' duals as whole prices, at least 0."""
        prices = no_prices(self.problem)
        for level, rows in (
            (prices.lane, self.lane_row),
            (prices.agent, self.agent_row),
            (prices.site, self.site_row),
        ):
            for key, row in rows.items():
                level[key] = max(0, round(row.pi))
        return prices
