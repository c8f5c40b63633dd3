"""What a study has to do, piece by piece: a run per override, policy and day, bounds of days.

A piece is named by what it is made of, not by where it stands in the file: its key is a hash of
the centre with its change, the rates that days are drawn from, the policy, the day and the code.
So a second start does what is not there yet, and a changed file redoes just what it changes.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, fields, is_dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

import models
import scenarios.lab
import solver
from scenarios.lab.centre import Floats
from scenarios.lab.engine import simulate
from scenarios.study.altered import Altered, alter
from scenarios.study.base import build_base
from scenarios.study.believing import believing_router
from scenarios.study.bounds import BoundOfDay, bound_the_day
from scenarios.study.customers import draw_customers, largest_rate
from scenarios.study.measure import Measures, measure
from scenarios.study.routing import new_router, route_of
from scenarios.study.spec import Study

KEY_LENGTH = 20


@dataclass(frozen=True)
class Run:
    """One simulated day."""

    key: str
    """Hash of all that its result depends on."""
    override: str
    policy: str
    day: int


@dataclass(frozen=True)
class DayBound:
    """The hindsight bound of a day under an override: it is the same for all policies."""

    key: str
    """As of a run; overrides that change only how routers decide share it."""
    override: str
    day: int


@dataclass(frozen=True)
class Task:
    """A piece of a study, with all that another process needs to do it."""

    study: Study
    piece: Run | DayBound


@dataclass(frozen=True, eq=False)
class Laboratory:
    """A study's centres, ready to run."""

    altered: dict[str, Altered]
    """By override."""
    largest: Floats
    """(K, T) rates from which every day is drawn."""


def build_laboratory(study: Study) -> Laboratory:
    """The centres of all overrides; StudyError for one that cannot be."""
    base = build_base(study.centre)
    altered = {one.name: alter(base, one.changes) for one in study.overrides}
    return Laboratory(altered, largest_rate([one.truth for one in altered.values()]))


def plan_runs(study: Study, laboratory: Laboratory) -> list[Run]:
    """All runs, day by day, so that a study that is stopped has whole days."""
    of_centre = {name: digest(one) for name, one in laboratory.altered.items()}
    drawn_from = digest(laboratory.largest)
    routes = {policy: digest(route_of(study, policy)) for policy in study.policies}
    return [
        Run(
            key=digest((code_digest(), of_centre[override.name], drawn_from, routes[policy], day)),
            override=override.name,
            policy=policy,
            day=day,
        )
        for day in study.days
        for override in study.overrides
        for policy in study.policies
    ]


def plan_bounds(study: Study, laboratory: Laboratory) -> list[DayBound]:
    """The bound of every override and day, unless the study does without."""
    if study.bound_iterations == 0:
        return []
    of_truth = {name: digest(one.truth) for name, one in laboratory.altered.items()}
    same = (code_digest(), digest(laboratory.largest), "bound", study.bound_iterations)
    return [
        DayBound(digest((*same, of_truth[override.name], day)), override.name, day)
        for day in study.days
        for override in study.overrides
    ]


def do_task(task: Task) -> Measures | BoundOfDay:
    """Simulate the day and measure it, or bound it."""
    piece, laboratory = task.piece, build_laboratory(task.study)
    altered = laboratory.altered[piece.override]
    day = draw_customers(altered.truth, piece.day, laboratory.largest)
    if isinstance(piece, DayBound):
        return bound_the_day(altered.truth, day, task.study.bound_iterations)
    route = route_of(task.study, piece.policy)
    router = believing_router(
        lambda centre, seed: new_router(route, centre, seed), altered, piece.day
    )
    return measure(altered.truth, simulate(altered.truth, day, router))


@lru_cache
def code_digest() -> str:
    """Hash of the code that decides what a run gives."""
    folders = [Path(next(iter(package.__path__))) for package in (models, solver, scenarios.lab)]
    files = [path for folder in folders for path in sorted(folder.rglob("*.py"))]
    own = sorted(Path(__file__).parent.glob("*.py"))
    return digest(tuple(path.read_text(encoding="utf-8") for path in (*files, *own)))


def digest(value: object) -> str:
    """Hash of nested dataclasses, arrays and plain values."""
    found = hashlib.sha256()
    for part in _flat(value):
        found.update(part)
    return found.hexdigest()[:KEY_LENGTH]


def _flat(value: object) -> Iterable[bytes]:
    if is_dataclass(value):
        for item in fields(value):
            yield item.name.encode()
            yield from _flat(getattr(value, item.name))
    elif isinstance(value, np.ndarray):
        yield f"{value.dtype} {value.shape}".encode()
        yield np.ascontiguousarray(value).tobytes()
    elif isinstance(value, tuple):
        yield str(len(value)).encode()
        for one in value:
            yield from _flat(one)
    else:
        yield repr(value).encode() + b"\0"
