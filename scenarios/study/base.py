"""The centre that a study starts from: a company of the lab's families, or one of its own."""

from dataclasses import dataclass

import numpy as np

from scenarios.lab.centre import ContactClasses, LabCentre, LabChannel
from scenarios.lab.families import (
    OVERTIME_S,
    REPORTING_STRUCTURES,
    TUNING_STRUCTURES,
    Family,
    Structure,
    build_centre,
)
from scenarios.lab.lifelike import lifelike
from scenarios.study.described import FamilyCentre, OwnCentre
from scenarios.study.errors import StudyError
from scenarios.study.typed import check_known, nearest

OWN_SEED = 31
"""Of what `lifelike` adds to a centre that has no seed."""


@dataclass(frozen=True, eq=False)
class Base:
    """A centre, and who is in which team."""

    centre: LabCentre
    team: tuple[str, ...]
    """(A,) names; "" where the centre knows none."""


def build_base(described: FamilyCentre | OwnCentre) -> Base:
    """The centre as described; StudyError for names and numbers that do not go together."""
    if isinstance(described, OwnCentre):
        return _own(described)
    families = [family.value for family in Family]
    if described.family not in families:
        raise StudyError(
            f"centre.family is {described.family!r}; {nearest(described.family, families)}"
        )
    structure = _structure(described.structure)
    centre = build_centre(Family(described.family), structure, described.load)
    centre = lifelike(centre, structure.seed) if described.lifelike else centre
    return Base(centre, ("",) * centre.num_agents)


def _structure(name: str) -> Structure:
    known = {one.name: one for one in (*REPORTING_STRUCTURES, *TUNING_STRUCTURES)}
    if name not in known:
        raise StudyError(f"centre.structure is {name!r}; {nearest(name, known)}")
    return known[name]


def _own(described: OwnCentre) -> Base:
    team = [place for place, one in enumerate(described.teams) for _ in range(one.agents)]
    horizon_s = described.hours * 3600.0
    classes = _classes(described, int(np.ceil(described.hours * 60 / described.interval_min)))
    p, h = _abilities(described)
    centre = LabCentre(
        name="own",
        classes=classes,
        p=p[:, team],
        h=h[:, team],
        eligible=p[:, team] > 0,
        shift_from_s=np.zeros(len(team)),
        shift_until_s=np.full(len(team), horizon_s + OVERTIME_S),
        horizon_s=horizon_s,
        interval_s=described.interval_min * 60.0,
        tick_s=described.tick_s,
        overtime_s=OVERTIME_S,
        chats=described.chats,
        slowdown=described.slowdown,
        handle_sigma=described.handle_sigma,
        day_shape=described.day_shape,
    )
    names = tuple(described.teams[place].name for place in team)
    return Base(lifelike(centre, OWN_SEED) if described.lifelike else centre, names)


def _classes(described: OwnCentre, intervals: int) -> ContactClasses:
    rows = described.classes
    channels = {channel.name.lower(): int(channel) for channel in LabChannel}
    for row in rows:
        if row.channel not in channels:
            raise StudyError(
                f"centre.classes {row.name!r}: channel {row.channel!r};"
                f" {nearest(row.channel, channels)}"
            )
        if len(row.per_hour) not in (1, intervals):
            raise StudyError(
                f"centre.classes {row.name!r}: {len(row.per_hour)} numbers in per_hour; expected 1"
                f" or one for each of the {intervals} intervals: mend it"
            )
    rates = [np.broadcast_to(np.array(row.per_hour) / 3600.0, intervals) for row in rows]
    return ContactClasses(
        names=tuple(row.name for row in rows),
        channel=np.array([channels[row.channel] for row in rows]),
        rate=np.stack(rates),
        value_mean=np.array([row.value for row in rows]),
        value_sigma=np.array([row.value_sigma for row in rows]),
        loss_share=np.array([row.loss_share for row in rows]),
        waiting_cost=np.array([row.waiting_cost for row in rows]),
        patience_s=np.array([row.patience_s or np.inf for row in rows]),
        target_s=np.array([row.target_s for row in rows]),
        wrap_up_share=np.array([row.wrap_up_share for row in rows]),
    )


def _abilities(described: OwnCentre) -> tuple[np.ndarray, np.ndarray]:
    """(K, teams) probabilities, 0 for what is not theirs, and handling times."""
    names = [row.name for row in described.classes]
    if len(set(names)) < len(names):
        raise StudyError(f"centre.classes: {names} names one twice; expected each once: mend it")
    for team in described.teams:
        check_known(team.resolves, names, f"centre.teams {team.name!r}.resolves")
    p = np.array([[team.resolves.get(name, 0.0) for team in described.teams] for name in names])
    h = np.array(
        [[row.handle_s * team.handling for team in described.teams] for row in described.classes]
    )
    return p, h
