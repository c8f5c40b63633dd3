"""Batches kept for replay: the tables, the settings, and the fingerprint of the plan they gave."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from data_io.batch_files import read_batch_files, write_batch
from jobs.config import Config, parse_settings
from models.batch import Batch
from models.plan import Carried, Plan
from models.problem import Ints, Positions, Prices
from models.solution import Limit, Proof, Solution, Termination
from solver.assign import assign
from solver.solve import Solver


@dataclass(frozen=True, eq=False)
class Replay:
    """A batch decided again."""

    plan: Plan
    archived_digest: str

    @property
    def identical(self) -> bool:
        """Whether the plan is the archived one, to the last byte."""
        return self.plan.digest() == self.archived_digest


def archive_batch(
    folder: Path,
    batch: Batch,
    config: Config,
    plan: Plan,
    previous: Carried | None,
    solution: Solution | None = None,
) -> None:
    """Write the batch with what it takes to decide it again, and the decision itself.

    The folder must not exist.
    """
    settings = {
        "solver": asdict(config.solver),
        "policy": asdict(config.policy),
        "plan_digest": plan.digest(),
        "solution": None if solution is None else _as_json(solution),
    }
    write_batch(folder, batch, json.dumps(settings, sort_keys=True, indent=1), previous)


def replay(folder: Path, solver: Solver) -> Replay:
    """Decide an archived batch again, under the settings that it was decided with."""
    batch, text, previous = read_batch_files(folder)
    settings = json.loads(text)
    archived_digest = settings.pop("plan_digest")
    settings.pop("solution", None)
    config = parse_settings(settings)
    plan = assign(batch, config.policy, config.solver, previous, solver=solver)
    return Replay(plan, archived_digest)


def read_solution(given: Mapping[str, Any]) -> Solution:
    """The solution that an archive kept; archives of older releases know no tiers or wishes."""
    whole = {
        name: np.array(given[name], dtype=np.int64).reshape(given["shapes"][name])
        for name in given["shapes"]
    }
    limit = given["limit"]
    return Solution(
        agent=whole["agent"].astype(np.int32),
        gain=given["gain"],
        bound=given["bound"],
        prices=Prices(whole["lane"], whole["agent_price"], whole["site"]),
        termination=Termination(given["termination"]),
        limit=None if limit is None else Limit(limit),
        backend=given["backend"],
        baseline=given["baseline"],
        proof=Proof(given["proof"]),
        rents=whole.get("rents"),
        served=tuple(given["served"]),
        tier_weight=given.get("tier_weight", 0),
        tier_levels=tuple(given.get("tier_levels", ())),
        preference_cost=given.get("preference_cost", 0),
    )


def _as_json(solution: Solution) -> dict[str, Any]:
    prices = solution.prices
    arrays: dict[str, Ints | Positions] = {
        "agent": solution.agent,
        "lane": prices.lane,
        "agent_price": prices.agent,
        "site": prices.site,
    }
    if solution.rents is not None:
        arrays["rents"] = solution.rents
    names = (
        *("gain", "bound", "termination", "limit", "backend", "baseline", "proof", "served"),
        *("tier_weight", "tier_levels", "preference_cost"),
    )
    return (
        {name: array.ravel().tolist() for name, array in arrays.items()}
        | {name: getattr(solution, name) for name in names}
        | {"shapes": {name: array.shape for name, array in arrays.items()}}
    )
