"""What a planner asks for, read strictly from a TOML file (`docs/planning.md` has an example)."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from scenarios.lab.policies import SBR, new_router
from scenarios.planning.cross_training import Training, TrainingEffort
from scenarios.planning.groups import Grouping, group_agents
from scenarios.planning.service import Scope, Targets
from scenarios.planning.shift_rules import Contract, ShiftCase, ShiftRules, Staff
from scenarios.planning.staffing import Effort, StaffingCase
from scenarios.planning.week import WeekCase
from scenarios.study.base import Base, build_base
from scenarios.study.described import FamilyCentre, OwnCentre
from scenarios.study.errors import StudyError, check
from scenarios.study.typed import check_known, expect, nearest, read_section

MOST_GROUPS = 20
"""Heads are planned by team; a centre of individuals has none."""


@dataclass(frozen=True)
class ClassTarget:
    """What is promised to one class instead of what all are."""

    service_level: float | None = None
    abandonment: float | None = None


@dataclass(frozen=True)
class TargetSection:
    """[targets]"""

    service_level: float | None = None
    """Least share answered within the class's target_s."""
    abandonment: float | None = None
    """Largest share that leaves."""
    scope: str = Scope.DAY.value
    classes: Mapping[str, ClassTarget] = field(default_factory=dict)


@dataclass(frozen=True)
class CostSection:
    """[costs]"""

    wage: float = 25.0
    """Money per hour."""
    teams: Mapping[str, float] = field(default_factory=dict)
    """By team, where it is another."""
    most: Mapping[str, int] = field(default_factory=dict)
    """By team: most heads at once."""


@dataclass(frozen=True)
class ContractSection:
    """One of [[contracts]]."""

    name: str
    hours: tuple[float, ...]
    agents: Mapping[str, int]
    """By team: how many have it."""
    max_shifts: int = 5
    max_hours: float = 40.0
    rest_h: float = 11.0
    earliest_h: float = 0.0
    """Hours since the centre opens."""
    latest_h: float = 24.0


@dataclass(frozen=True)
class WeekSection:
    """[week]"""

    volume: tuple[float, ...]
    """Of each day, relative to [centre]."""
    every_min: float = 30.0
    break_min: float = 30.0
    break_is_paid: bool = False
    under_cost: float = 200.0
    """Money per head-hour that is missing."""


@dataclass(frozen=True)
class Asked:
    """A file, section by section."""

    targets: TargetSection = field(default_factory=TargetSection)
    costs: CostSection = field(default_factory=CostSection)
    effort: Effort = field(default_factory=Effort)
    training: Training = field(default_factory=Training)
    training_effort: TrainingEffort = field(default_factory=TrainingEffort)
    contracts: tuple[ContractSection, ...] = ()
    week: WeekSection | None = None
    policy: str = SBR


@dataclass(frozen=True, eq=False)
class PlanFile:
    """A file with the centre that it is about."""

    asked: Asked
    base: Base
    grouping: Grouping

    @property
    def names(self) -> tuple[str, ...]:
        """(M,) of the groups."""
        return self.grouping.groups.names


def read_plan_file(path: Path) -> PlanFile:
    """The file; StudyError for anything that cannot be meant."""
    if not path.is_file():
        raise StudyError(f"{path} is no file; expected a TOML file: docs/planning.md has one")
    try:
        given = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise StudyError(f"{path} is no TOML: {error}; expected a plan: mend it") from None
    try:
        base = build_base(_centre(given.pop("centre", None)))
        asked = read_section(Asked, given, "plan")
        new_router(asked.policy, base.centre, 0)
    except ValueError as error:
        raise StudyError(f"{path.name}: {error}") from None
    return PlanFile(asked, base, _named(base))


def _centre(section: object) -> FamilyCentre | OwnCentre:
    if section is None:
        raise StudyError("[centre] is missing; expected what is to be planned: add it")
    if "family" in expect(section, dict, "centre"):
        return read_section(FamilyCentre, section, "centre")
    return read_section(OwnCentre, section, "centre")


def staffing_case(file: PlanFile) -> StaffingCase:
    """What `plan staffing` plans."""
    names, costs = file.names, file.asked.costs
    check(
        len(names) <= MOST_GROUPS,
        f"{len(names)} groups of agents",
        f"at most {MOST_GROUPS}: describe teams whose agents are alike",
    )
    check_known(costs.teams, names, "costs.teams")
    check_known(costs.most, names, "costs.most")
    return StaffingCase(
        centre=file.base.centre,
        groups=file.grouping.groups,
        hourly_cost=np.array([costs.teams.get(name, costs.wage) for name in names]),
        targets=_targets(file),
        most_heads=np.array([float(costs.most.get(name, np.inf)) for name in names]),
        policy=file.asked.policy,
    )


def week_case(file: PlanFile) -> WeekCase:
    """What `plan shifts` plans."""
    asked, day = file.asked, staffing_case(file)
    if asked.week is None or not asked.contracts:
        raise StudyError(
            "plan shifts: no [week] or no [[contracts]]; expected both: docs/planning.md has them"
        )
    for contract in asked.contracts:
        check_known(contract.agents, file.names, f"contracts {contract.name!r}.agents")
    centre, week = day.centre, asked.week
    shape = (len(week.volume), centre.num_intervals, len(file.names))
    shifts = ShiftCase(
        required=np.zeros(shape, dtype=np.int64),
        interval_s=centre.interval_s,
        staff=tuple(
            Staff(group, _contract(contract), contract.agents[name], float(wage))
            for group, (name, wage) in enumerate(zip(file.names, day.hourly_cost, strict=True))
            for contract in asked.contracts
            if contract.agents.get(name, 0) > 0
        ),
        rules=ShiftRules(
            every_s=60 * week.every_min,
            break_s=60 * week.break_min,
            break_is_paid=week.break_is_paid,
        ),
        under_cost=week.under_cost,
    )
    return WeekCase(day, week.volume, shifts)


def _contract(asked: ContractSection) -> Contract:
    return Contract(
        name=asked.name,
        hours=asked.hours,
        max_shifts=asked.max_shifts,
        max_hours=asked.max_hours,
        rest_s=3600 * asked.rest_h,
        earliest_s=3600 * asked.earliest_h,
        latest_s=3600 * asked.latest_h,
    )


def _targets(file: PlanFile) -> Targets:
    asked, names = file.asked.targets, file.base.centre.classes.names
    check_known(asked.classes, names, "targets.classes")
    scopes = [scope.value for scope in Scope]
    if asked.scope not in scopes:
        raise StudyError(f"targets.scope is {asked.scope!r}; {nearest(asked.scope, scopes)}")
    all_of_them = ClassTarget(asked.service_level, asked.abandonment)
    each = [asked.classes.get(name, all_of_them) for name in names]
    try:
        return Targets(
            np.array([_share(one.service_level) for one in each]),
            np.array([_share(one.abandonment) for one in each]),
            Scope(asked.scope),
        )
    except ValueError as error:
        raise StudyError(str(error)) from None


def _share(share: float | None) -> float:
    return np.nan if share is None else share


def _named(base: Base) -> Grouping:
    """Groups by the name of their team, where there is one of their own."""
    grouping = group_agents(base.centre)
    first = np.unique(grouping.of_agent, return_index=True)[1]
    teams = [base.team[agent] for agent in first]
    if "" in teams or len(set(teams)) < len(teams):
        return grouping
    return replace(grouping, groups=replace(grouping.groups, names=tuple(teams)))
