"""A real backlog assigned, and how often the plan agrees with what really happened.

    python -m benchmarks.servicenow PATH --at "2016-03-15 10:00" [--pending unstarted] [--json]

PATH is `incident_event_log.parquet` (`docs/importers.md`). Three ways of assigning the same
incidents are compared: the optimal plan, the greedy one and random eligible agents (mean over
seeds), all within the same capacities. *Person* is the share of assigned incidents whose agent is
who really resolved them; *group* the share whose agent had worked in the group that did, where the
log names one. Agreement is a sanity check, not the aim: who did resolve it need not be the best.
"""

import argparse
import json
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from time import perf_counter

import numpy as np
import polars as pl

from data_io.imports.servicenow import Pending, import_servicenow
from data_io.imports.servicenow_log import read_outcomes
from data_io.validate import validate
from models.batch import Batch
from models.plan import Plan
from models.policy import Policy
from models.problem import NOBODY, AssignmentProblem, Positions, Prices
from models.solution import Hint, Solution, SolveOptions
from models.tables import INPUT_TABLES
from solver.assign import assign
from solver.backend import with_bound
from solver.solve import Solver, solve, warm_up

RANDOM_SEEDS = 20


@dataclass(frozen=True)
class Outcome:
    """One way of assigning, held against what happened; shares are 0 to 1."""

    method: str
    num_assigned: float
    person: float
    group: float
    gain: float
    gap: float | None
    """None for random agents, who prove nothing."""
    termination: str | None
    seconds: float | None


@dataclass(frozen=True)
class Report:
    """What the benchmark prints."""

    at: str
    pending: str
    num_contacts: int
    num_agents: int
    num_rejected: int
    outcomes: tuple[Outcome, ...]
    reasons: dict[str, int]
    resolver_on_duty: float
    """Share of the pending incidents whose real resolver is on duty: the most *person* can be."""
    import_s: float


def run(path: Path, at: datetime, pending: Pending) -> Report:
    """The comparison at one instant."""
    started = perf_counter()
    imported = import_servicenow(path, at, pending)
    import_s = perf_counter() - started
    checked = validate(imported.tables, imported.now)
    frames = {table.name: checked.tables.frame(table) for table in INPUT_TABLES}
    batch = Batch(
        imported.now, **{name: frame for name, frame in frames.items() if frame is not None}
    )
    truth = read_outcomes(path)
    warm_up()
    best, outcome = _measured(batch, truth, "optimal", SolveOptions(backend="flow"), solve)
    _, greedy = _measured(batch, truth, "greedy", SolveOptions(backend="greedy"), solve)
    reasons = best.explanations["reason"].value_counts(sort=True)
    return Report(
        at=f"{at:%Y-%m-%d %H:%M}",
        pending=pending.value,
        num_contacts=len(batch.contacts),
        num_agents=len(batch.agents),
        num_rejected=len(checked.rejects),
        outcomes=(outcome, greedy, _mean_random(batch, truth)),
        reasons=dict(reasons.iter_rows()),
        resolver_on_duty=_resolver_on_duty(batch, truth),
        import_s=import_s,
    )


def _measured(
    batch: Batch, truth: pl.DataFrame, method: str, options: SolveOptions, solver: Solver
) -> tuple[Plan, Outcome]:
    started = perf_counter()
    plan = assign(batch, Policy(), options, solver=solver)
    seconds = perf_counter() - started
    person, group = agreement(plan, batch.agent_skills, truth)
    return plan, Outcome(
        method=method,
        num_assigned=len(plan.assignments),
        person=person,
        group=group,
        gain=plan.gain_milli / 1000,
        gap=plan.gap,
        termination=plan.termination.value,
        seconds=seconds,
    )


def agreement(plan: Plan, agent_skills: pl.DataFrame, truth: pl.DataFrame) -> tuple[float, float]:
    """(person, group): shares of the assigned contacts that agree with the truth; NaN if none."""
    skills = agent_skills.select("agent_id", "skill", worked_there=pl.lit(value=True))
    told = (
        plan.assignments.join(truth, on="contact_id")
        .join(
            skills,
            left_on=["agent_id", "really_resolved_group"],
            right_on=["agent_id", "skill"],
            how="left",
        )
        .select(
            person=pl.col("agent_id") == pl.col("really_resolved_by"),
            group=pl.when(pl.col("really_resolved_group").is_not_null()).then(
                pl.col("worked_there").fill_null(value=False)
            ),
        )
        .mean()
    )
    person, group = told.row(0)
    return (person if person is not None else np.nan, group if group is not None else np.nan)


def _mean_random(batch: Batch, truth: pl.DataFrame) -> Outcome:
    runs = [
        _measured(batch, truth, "random", SolveOptions(), random_solver(seed))[1]
        for seed in range(RANDOM_SEEDS)
    ]
    return Outcome(
        method=f"random, mean of {RANDOM_SEEDS}",
        num_assigned=float(np.mean([run.num_assigned for run in runs])),
        person=float(np.mean([run.person for run in runs])),
        group=float(np.mean([run.group for run in runs])),
        gain=float(np.mean([run.gain for run in runs])),
        gap=None,
        termination=None,
        seconds=None,
    )


def random_solver(seed: int) -> Solver:
    """A solver that gives every contact, in random order, to a random eligible agent with room."""

    def solver(problem: AssignmentProblem, options: SolveOptions, hint: Hint | None) -> Solution:
        del options, hint
        agent = _random_agents(problem, np.random.default_rng(seed))
        free = Prices(
            np.zeros_like(problem.lane_cap),
            np.zeros_like(problem.agent_cap),
            np.zeros_like(problem.site_cap),
        )
        return with_bound(problem, agent, free, "random")

    return solver


def _random_agents(problem: AssignmentProblem, rng: np.random.Generator) -> Positions:
    """Agent of each contact, or NOBODY, shape (C,); sites are not capped in this log."""
    lane_room, agent_room = problem.lane_cap.copy(), problem.agent_cap.copy()
    pairs = problem.pairs
    chosen = np.full(problem.num_contacts, NOBODY, dtype=np.int32)
    for contact in rng.permutation(problem.num_contacts):
        lane = problem.contact_lane[contact]
        agents = pairs.agent[pairs.start[contact] : pairs.start[contact + 1]]
        agents = agents[(lane_room[agents, lane] > 0) & (agent_room[agents] > 0)]
        if len(agents):
            agent = rng.choice(agents)
            chosen[contact] = agent
            lane_room[agent, lane] -= 1
            agent_room[agent] -= 1
    return chosen


def _resolver_on_duty(batch: Batch, truth: pl.DataFrame) -> float:
    known = batch.contacts.select("contact_id").join(truth, on="contact_id")
    present = known.join(
        batch.agents, left_on="really_resolved_by", right_on="agent_id", how="semi"
    )
    return len(present) / max(1, len(known))


def _lines(report: Report) -> list[str]:
    lines = [
        f"{report.at}: {report.num_contacts} pending ({report.pending}), {report.num_agents}"
        f" resolvers, {report.num_rejected} rows rejected, imported in {report.import_s:.2f} s",
        f"{'method':20} {'assigned':>8} {'person':>7} {'group':>7} {'gain':>10} {'gap':>8}"
        f" {'seconds':>8}  termination",
    ]
    lines += [
        f"{row.method:20} {row.num_assigned:8.0f} {row.person:7.1%} {row.group:7.1%}"
        f" {row.gain:10,.1f} {_number(row.gap, '.4%'):>8} {_number(row.seconds, '.3f'):>8}"
        f"  {row.termination or '-'}"
        for row in report.outcomes
    ]
    reasons = ", ".join(f"{reason} {count}" for reason, count in report.reasons.items())
    return [
        *lines,
        f"reasons: {reasons}",
        f"the real resolver is on duty for {report.resolver_on_duty:.1%} of the pending incidents",
    ]


def _number(value: float | None, form: str) -> str:
    return "-" if value is None else format(value, form)


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("path", type=Path)
    parser.add_argument("--at", type=datetime.fromisoformat, default="2016-03-15 10:00")
    parser.add_argument("--pending", type=Pending, choices=list(Pending), default=Pending.OPEN)
    parser.add_argument("--json", action="store_true", help="one JSON object instead of a table")
    arguments = parser.parse_args()
    report = run(arguments.path, arguments.at, arguments.pending)
    print(json.dumps(asdict(report)) if arguments.json else "\n".join(_lines(report)))


if __name__ == "__main__":
    main()
