"""A study from its TOML file, or a ready one of the library; what cannot be meant is refused."""

import tomllib
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from scenarios.lab.families import REPORTING_DAYS
from scenarios.lab.policies import SBR
from scenarios.study.changes import Changes
from scenarios.study.described import FamilyCentre, OwnCentre
from scenarios.study.errors import StudyError
from scenarios.study.routing import check_routes
from scenarios.study.spec import AS_IT_IS, Override, Study, Sweep, SweepPoint, Variant
from scenarios.study.typed import check_known, expect, nearest, read_section

LIBRARY = Path(__file__).parents[1] / "library"
MOST_DAYS = 10_000


@dataclass(frozen=True)
class _Head:
    """The keys outside of every section, but for the overrides."""

    title: str
    question: str
    policies: tuple[str, ...]
    days: int
    first_day: int = REPORTING_DAYS[0]
    baseline_policy: str = SBR
    baseline_override: str = AS_IT_IS
    bound_iterations: int = 0


@dataclass(frozen=True)
class _Sweep:
    """A section of [sweeps], but for its changes."""

    key: str
    """Path of the number below `changes`, such as "learn.0.agents"."""
    values: tuple[float, ...]
    unit: str
    base: float | None = None
    """Value at which an override stands that is there anyway."""
    base_override: str | None = None
    """Its name; the baseline unless said otherwise."""


def ready_studies() -> list[str]:
    """Names of the library's studies."""
    return sorted(path.stem for path in LIBRARY.glob("*.toml"))


def find_study(name: str) -> Study:
    """The study of a file, or the ready one of that name; StudyError if there is neither."""
    path = Path(name)
    if name in ready_studies():
        path = LIBRARY / f"{name}.toml"
    elif not path.is_file():
        raise StudyError(
            f"study: {name!r} is neither a file nor a ready study; expected a TOML file or one of"
            f" {', '.join(ready_studies())}: mend the name"
        )
    return read_study(path)


def read_study(path: Path) -> Study:
    """The study that a file describes; StudyError for anything that cannot be meant."""
    try:
        given = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise StudyError(f"{path} is no TOML: {error}; expected a study: mend it") from None
    try:
        return build_study(path.stem, given)
    except StudyError as error:
        raise StudyError(f"{path.name}: {error}") from None


def build_study(name: str, given: Mapping[str, Any]) -> Study:
    """The study of that name from the mapping that its TOML file gives."""
    apart = {"centre", "overrides", "sweeps", "variants"}
    heads = {key: value for key, value in given.items() if key not in apart}
    check_known(heads, {*_Head.__dataclass_fields__, *apart}, "the study")
    head = read_section(_Head, heads, "study")
    overrides = [Override(AS_IT_IS, Changes())]
    for title, section in expect(given.get("overrides", {}), dict, "overrides").items():
        overrides.append(_read_override(title, section))
    sweeps = []
    for title, section in expect(given.get("sweeps", {}), dict, "sweeps").items():
        sweep, its_overrides = _read_sweep(title, section, head.baseline_override)
        sweeps.append(sweep)
        overrides += its_overrides
    variants = [
        _read_variant(title, section)
        for title, section in expect(given.get("variants", {}), dict, "variants").items()
    ]
    study = Study(
        name=name,
        title=head.title,
        question=head.question,
        centre=_read_centre(given.get("centre")),
        overrides=tuple(overrides),
        sweeps=tuple(sweeps),
        policies=head.policies,
        variants=tuple(variants),
        days=tuple(range(head.first_day, head.first_day + head.days)),
        baseline_policy=head.baseline_policy,
        baseline_override=head.baseline_override,
        bound_iterations=head.bound_iterations,
    )
    _check_names(study)
    return study


def with_days(study: Study, days: int) -> Study:
    """The study on so many days from its first; StudyError for less than two."""
    first = study.days[0] if study.days else REPORTING_DAYS[0]
    study = replace(study, days=tuple(range(first, first + days)))
    _check_names(study)
    return study


def _read_centre(section: object) -> FamilyCentre | OwnCentre:
    if section is None:
        raise StudyError("[centre] is missing; expected the base that overrides change: add it")
    if "family" in expect(section, dict, "centre"):
        return read_section(FamilyCentre, section, "centre")
    return read_section(OwnCentre, section, "centre")


def _read_override(title: str, section: object) -> Override:
    where = f"overrides.{title}"
    given = dict(expect(section, dict, where))
    against = expect(given.pop("against"), str, f"{where}.against") if "against" in given else None
    return Override(title, read_section(Changes, given, where), against)


def _read_variant(title: str, section: object) -> Variant:
    where = f"variants.{title}"
    given = expect(section, dict, where)
    check_known(given, set(Variant.__dataclass_fields__) - {"name"}, where)
    return read_section(Variant, {**given, "name": title}, where)


def _read_sweep(title: str, section: object, baseline: str) -> tuple[Sweep, list[Override]]:
    """The sweep, and an override for each of its values."""
    given = dict(expect(section, dict, f"sweeps.{title}"))
    where = f"sweeps.{title}"
    changes = expect(given.pop("changes", {}), dict, f"{where}.changes")
    head = read_section(_Sweep, given, where)
    overrides, points = [], []
    if head.base is not None:
        points.append(SweepPoint(head.base, head.base_override or baseline))
    for value in head.values:
        name = f"{title} {value:g}"
        whole = int(value) if value.is_integer() else value
        section = _with(changes, head.key.split("."), whole, f"{where}.key {head.key!r}")
        changed = read_section(Changes, section, f"{where}.changes")
        overrides.append(Override(name, changed, is_swept=True))
        points.append(SweepPoint(value, name))
    points.sort(key=lambda point: point.value)
    return Sweep(title, head.unit, tuple(points)), overrides


def _with(changes: Mapping[str, Any], path: list[str], value: float, where: str) -> dict[str, Any]:
    """The changes with the number in its place; sections on the way there must exist."""
    changed = deepcopy(dict(changes))
    place: Any = changed
    for step in path[:-1]:
        try:
            place = place[int(step)] if isinstance(place, list) else place[step]
        except (KeyError, ValueError, IndexError):
            raise StudyError(
                f"{where} leads nowhere: there is no {step!r}; expected a path through the"
                " sections of changes, such as learn.0.agents: mend it"
            ) from None
    if not isinstance(place, dict):
        raise StudyError(f"{where} ends in a list or value; expected a key of a section: mend it")
    place[path[-1]] = value
    return changed


def _check_names(study: Study) -> None:
    """Raise StudyError for names that nobody has, and for too little to compare."""
    check_routes(study)
    names = [override.name for override in study.overrides]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise StudyError(f"overrides {twice} are named twice; expected each once: mend it")
    shown = [point.override for sweep in study.sweeps for point in sweep.points]
    against = [study.against(one) for one in study.overrides]
    for name in (*against, *shown):
        if name not in names:
            raise StudyError(f"override {name!r} is unknown; {nearest(name, names)}")
    if not 2 <= len(study.days) <= MOST_DAYS:
        raise StudyError(
            f"{len(study.days)} days; expected 2 to {MOST_DAYS:,}, as an interval needs two: mend"
            " it"
        )
    if study.bound_iterations < 0:
        raise StudyError(
            f"bound_iterations is {study.bound_iterations}; expected 0 or more: mend it"
        )
