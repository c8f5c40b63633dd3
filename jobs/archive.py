"""Batches kept for replay: the tables, the settings, and the fingerprint of the plan they gave."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from data_io.batch_files import read_batch_files, write_batch
from jobs.config import Config, parse_settings
from models.batch import Batch
from models.plan import Carried, Plan
from solver.assign import Solver, assign


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
    folder: Path, batch: Batch, config: Config, plan: Plan, previous: Carried | None
) -> None:
    """Write the batch with what it takes to decide it again; the folder must not exist."""
    settings = {
        "solver": asdict(config.solver),
        "policy": asdict(config.policy),
        "plan_digest": plan.digest(),
    }
    write_batch(folder, batch, json.dumps(settings, sort_keys=True, indent=1), previous)


def replay(folder: Path, solver: Solver) -> Replay:
    """Decide an archived batch again, under the settings that it was decided with."""
    batch, text, previous = read_batch_files(folder)
    settings = json.loads(text)
    archived_digest = settings.pop("plan_digest")
    config = parse_settings(settings)
    plan = assign(batch, config.policy, config.solver, previous, solver=solver)
    return Replay(plan, archived_digest)
