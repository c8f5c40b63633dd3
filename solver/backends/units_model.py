"""The complete model of a problem with pair units over the pairs that are still open, by MathOpt.

max   sum gain[e] take[e] - sum step_cost[j, n] step[j, n]      or contacts served of one tier
s.t.  sum_{e of i} take[e] <= 1                                        contact i
      sum_{e of j} units[e] take[e] <= unit_cap[j],  sum take <= agent_cap[j]
      sum_{e of j in lane l} take[e] <= sum_p count[p, l] mix[p],  sum_p mix[p] = 1
      sum_{e of j} take[e] <= sum_n step[j, n]                         where load costs
      sum_{e of site s} take[e] <= site_cap[s]
      sum_{e of tier t} take[e] >= served[t]
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from math import floor

import numpy as np
from numpy.typing import NDArray
from ortools.math_opt.python import mathopt

from models.problem import NOBODY, Ints
from solver.units_form import NO_PLACE, UnitsForm

NAME = "units"
BY_GAIN = -1

CP_SAT_WORK = 1.0
"""Deterministic seconds of CP-SAT on windows: it ends there or takes far longer than SCIP."""

TOLERANCE = 1e-9
"""Of SCIP's bounds, relative."""


@dataclass(frozen=True, eq=False)
class Question:
    """The best plan of a kind: what to maximise, over which pairs, within which limits."""

    is_open: NDArray[np.bool_]
    """(E,)"""
    served: tuple[int, ...]
    """Contacts to serve at least, of the strictest tiers; the others are free."""
    tier: int
    """Whose contacts to count, or BY_GAIN."""
    at_least: int
    """Milli-units, or contacts; plans below do not count."""
    at_most: int
    """What no plan exceeds; a plan that reaches it ends the search."""
    hint: Ints
    """(C,) pairs of a plan that may be near"""


@dataclass(frozen=True, eq=False)
class Answer:
    """The best plan (C,) found, if any, and what no plan among those asked for exceeds."""

    place: Ints | None
    bound: int
    complete: bool
    """Whether the search ended: the plan is the best, or there is none."""


def answer(form: UnitsForm, question: Question, seconds: float, seed: int) -> Answer:
    """What a search of so many seconds finds; equal arguments give equal answers if it ends."""
    model = _Model(form, question)
    first = _solve(model, seconds, seed, mathopt.SolverType.CP_SAT)
    if first.complete or question.tier != BY_GAIN:
        return first
    hint = question.hint if first.place is None else first.place
    model.hint(hint)
    model.open_window()
    return _better(first, _solve(model, seconds - model.spent_s, seed, mathopt.SolverType.GSCIP))


def _solve(model: "_Model", seconds: float, seed: int, solver: mathopt.SolverType) -> Answer:
    question, unit = model.question, model.unit
    below = question.at_least - model.granule
    if -(-question.at_least // unit) * unit > question.at_most:
        # No multiple lies between; CP-SAT would call such a model invalid.
        return Answer(None, below, complete=True)
    if seconds <= 0:
        return Answer(None, question.at_most, complete=False)
    parameters = mathopt.SolveParameters(
        time_limit=timedelta(seconds=seconds), threads=1, random_seed=seed % 2**31,
        relative_gap_tolerance=0.0, absolute_gap_tolerance=0.0,
    )  # fmt: skip
    exact = solver is mathopt.SolverType.CP_SAT
    if exact and question.tier == BY_GAIN:
        parameters.cp_sat.max_deterministic_time = CP_SAT_WORK
    result = mathopt.solve(model.mip, solver, params=parameters, model_params=model.hints)
    model.spent_s += result.solve_time().total_seconds()
    reason = result.termination.reason
    if reason is mathopt.TerminationReason.INFEASIBLE:
        return Answer(None, below, complete=True)
    bound = result.termination.objective_bounds.dual_bound
    slack = 1e-3 if exact else 1e-3 + TOLERANCE * abs(bound)
    whole = question.at_most // unit if np.isinf(bound) else floor(bound + slack)
    most = min(max(whole * unit, below), question.at_most)
    if not result.has_primal_feasible_solution():
        return Answer(None, most, complete=False)
    return Answer(model.plan(result), most, reason is mathopt.TerminationReason.OPTIMAL)


def _better(one: Answer, other: Answer) -> Answer:
    """What both found together; the second searched from the first's plan."""
    place = one.place if other.place is None else other.place
    return Answer(place, min(one.bound, other.bound), other.complete)


class _Model:
    """The model of one question."""

    def __init__(self, form: UnitsForm, question: Question) -> None:
        self.mip = mathopt.Model()
        self.spent_s = 0.0
        self.limits, self.question = form.limits, question
        self.pairs = np.flatnonzero(question.is_open)
        self.take = np.full(len(question.is_open), None, dtype=object)
        for pair in self.pairs.tolist():
            self.take[pair] = self.mip.add_binary_variable()
        self.agent = form.limits.agent[self.pairs]
        self.granule = form.granule if question.tier == BY_GAIN else 1
        self.unit = self.granule
        """What the objective is a multiple of, for every plan of open pairs."""
        self._serve_contacts(form)
        self._keep_agents()
        self._keep_sites()
        self._maximise(self._pay_for_load())

    def _of(self, which: NDArray[np.bool_]) -> tuple[Ints, list[mathopt.Variable]]:
        pairs = self.pairs[which]
        return pairs, list(self.take[pairs])

    def _serve_contacts(self, form: UnitsForm) -> None:
        """Everybody at most once, and of each tier as many as asked for."""
        contact, limits = self.limits.contact[self.pairs], self.limits
        tier = limits.tier[contact]
        everybody = {
            number
            for number, count in enumerate(self.question.served)
            if count == form.reachable[number]
        }
        begins = np.flatnonzero(np.diff(contact, prepend=-1))
        for group in np.split(self.pairs, begins[1:]) if len(begins) else []:
            takes = list(self.take[group])
            if int(limits.tier[limits.contact[group[0]]]) in everybody:
                self.mip.add_linear_constraint(mathopt.fast_sum(takes) == 1)
            else:
                self.mip.add_linear_constraint(mathopt.fast_sum(takes) <= 1)
        for number, count in enumerate(self.question.served):
            _, takes = self._of(tier == number)
            if count:
                self.mip.add_linear_constraint(mathopt.fast_sum(takes) >= count)

    def _keep_agents(self) -> None:
        limits = self.limits
        for j in np.unique(self.agent).tolist():
            pairs, takes = self._of(self.agent == j)
            units = limits.units[pairs]
            if units.sum() > limits.unit_cap[j]:
                weighed = _weighted(takes, units.tolist())
                self.mip.add_linear_constraint(weighed <= int(limits.unit_cap[j]))
            if len(takes) > limits.agent_cap[j]:
                self.mip.add_linear_constraint(mathopt.fast_sum(takes) <= int(limits.agent_cap[j]))
            self._keep_mixes(pairs, limits.mix[limits.mix_start[j] : limits.mix_start[j + 1]])

    def _keep_mixes(self, pairs: Ints, mixes: Ints) -> None:
        """The agent's counts by lane stay within one of the rows."""
        lane = self.limits.lane[pairs]
        number = np.bincount(lane, minlength=mixes.shape[1])
        if (number <= mixes).all(axis=1).any():
            return
        chosen = [self.mip.add_binary_variable() for _ in range(len(mixes))]
        self.mip.add_linear_constraint(mathopt.fast_sum(chosen) == 1)
        for place in np.flatnonzero(number).tolist():
            takes = list(self.take[pairs[lane == place]])
            room = _weighted(chosen, mixes[:, place].tolist())
            self.mip.add_linear_constraint(mathopt.fast_sum(takes) <= room)

    def _keep_sites(self) -> None:
        site = self.limits.site[self.agent]
        for number in np.unique(site[site != NOBODY]).tolist():
            _, takes = self._of(site == number)
            self.mip.add_linear_constraint(
                mathopt.fast_sum(takes) <= int(self.limits.site_cap[number])
            )

    def _pay_for_load(self) -> tuple[list[mathopt.Variable], list[int]]:
        """Steps that the agents' loads take, and what each costs; the cheaper ones come first."""
        limits = self.limits
        steps: list[mathopt.Variable] = []
        costs: list[int] = []
        if self.question.tier != BY_GAIN:
            return steps, costs
        for j in np.flatnonzero(limits.step_cost.any(axis=1)).tolist():
            _, takes = self._of(self.agent == j)
            row = limits.step_cost[j].tolist()
            mine = [self.mip.add_binary_variable() for _ in takes]
            steps += mine
            costs += [row[min(n, len(row) - 1)] for n in range(len(mine))]
            self.mip.add_linear_constraint(mathopt.fast_sum(takes) <= mathopt.fast_sum(mine))
        return steps, costs

    def _maximise(self, load: tuple[list[mathopt.Variable], list[int]]) -> None:
        steps, costs = load
        limits, question = self.limits, self.question
        if question.tier == BY_GAIN:
            worth = limits.gain[self.pairs]
        else:
            tier = limits.tier[limits.contact[self.pairs]]
            worth = np.where(tier == question.tier, 1, 0)
        takes = list(self.take[self.pairs]) + steps
        weights = np.append(worth, [-cost for cost in costs]).astype(np.int64)
        self.unit = int(np.gcd.reduce(weights)) or self.granule
        weights //= self.unit
        total = _weighted(takes, weights.tolist())
        low, high = -(-question.at_least // self.unit), question.at_most // self.unit
        self.window = self.mip.add_linear_constraint(lb=low, ub=high, expr=total)
        self.mip.maximize(total)
        self.hint(question.hint)

    def open_window(self) -> None:
        """Take off the row that repeats the objective: it spoils SCIP's linear programmes."""
        self.mip.delete_linear_constraint(self.window)

    def hint(self, place: Ints) -> None:
        """Let searches begin near a plan (C,)."""
        chosen = place[place != NO_PLACE]
        hinted = np.zeros(len(self.take), dtype=np.bool_)
        hinted[chosen] = True
        values = {self.take[pair]: float(hinted[pair]) for pair in self.pairs.tolist()}
        self.hints = mathopt.ModelSolveParameters(
            solution_hints=[mathopt.SolutionHint(variable_values=values)]
        )

    def plan(self, result: mathopt.SolveResult) -> Ints:
        """The pair of each contact in the plan found, or NO_PLACE, shape (C,)."""
        place = np.full(len(self.limits.tier), NO_PLACE, dtype=np.int64)
        taken = np.array(result.variable_values(list(self.take[self.pairs]))) > 0.5
        pairs = self.pairs[taken]
        place[self.limits.contact[pairs]] = pairs
        return place


def _weighted(
    variables: Sequence[mathopt.Variable], weights: Sequence[int]
) -> mathopt.LinearExpression:
    terms = (weight * variable for weight, variable in zip(weights, variables, strict=True))
    return mathopt.fast_sum(terms)
