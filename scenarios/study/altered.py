"""A base with the changes of an override: what is true then, and what routers believe."""

from dataclasses import dataclass, replace
from fnmatch import fnmatchcase

import numpy as np

from scenarios.lab.centre import Breaks, Flags, Floats, Ints, LabCentre
from scenarios.study.base import Base
from scenarios.study.changes import Changes, Close, Errors, Hire, Learn, Volume, Weigh
from scenarios.study.errors import StudyError, check
from scenarios.study.typed import nearest


@dataclass(frozen=True, eq=False)
class Altered:
    """A centre under an override."""

    truth: LabCentre
    """What days are made of, and what they are worth."""
    weights: LabCentre
    """The same centre with the weights by which routers decide."""
    errors: Errors
    """How wrong routers' numbers are; drawn anew for every day."""


def alter(base: Base, changes: Changes) -> Altered:
    """The base with these changes, in the order of their keys; StudyError if one cannot be."""
    for learn in changes.learn:
        base = replace(base, centre=_taught(base.centre, learn))
    for close in changes.close:
        base = _closed(base, close)
    for hire in changes.hire:
        base = _hired(base, hire)
    centre = base.centre
    rate = centre.classes.rate
    for volume in changes.volume:
        rate = _more(centre, rate, volume)
    h = centre.h
    for handling in changes.handling:
        rows = find_classes(centre, handling.classes)
        h = np.where(np.isin(np.arange(len(h)), rows)[:, None], h * handling.factor, h)
    centre = replace(centre, classes=replace(centre.classes, rate=rate), h=h)
    if changes.tick_s is not None:
        centre = replace(centre, tick_s=changes.tick_s)
    if changes.chats is not None:
        centre = replace(centre, chats=changes.chats.at_once, slowdown=changes.chats.slowdown)
    weights = centre
    for weigh in changes.weigh:
        weights = _weighed(weights, weigh)
    return Altered(centre, weights, changes.errors or Errors())


def find_classes(centre: LabCentre, patterns: tuple[str, ...]) -> Ints:
    """Positions of the classes that any of the patterns names; StudyError if one names none."""
    names = centre.classes.names
    for pattern in patterns:
        if not any(fnmatchcase(name, pattern) for name in names):
            raise StudyError(f"no class is called {pattern!r}; {nearest(pattern, names)}")
    found = [any(fnmatchcase(name, one) for one in patterns) for name in names]
    return np.flatnonzero(found)


def spread(candidates: Ints, number: int) -> Ints:
    """So many of the candidates, evenly over their order."""
    return candidates[np.arange(number) * len(candidates) // max(number, 1)]


def _taught(centre: LabCentre, learn: Learn) -> LabCentre:
    """Agents learn; those are chosen, evenly, who know one of the classes less well."""
    rows = find_classes(centre, learn.classes)
    able: Flags = np.ones(centre.num_agents, dtype=np.bool_)
    level = np.full((len(rows), centre.num_agents), learn.p or 0.0)
    h = centre.h.copy()
    if learn.as_in is not None:
        known = _counterparts(centre, rows, learn.classes[0], learn.as_in)
        able = np.logical_and.reduce(centre.eligible[known] & (centre.p[known] > 0), axis=0)
        level = learn.times * centre.p[known]
        h[rows] = np.where(centre.eligible[rows], h[rows], h[known])
    gains = able & (~centre.eligible[rows] | (centre.p[rows] < level)).any(axis=0)
    agents = spread(np.flatnonzero(gains), learn.agents)
    if np.count_nonzero(gains) < learn.agents:
        raise StudyError(
            f"learn: {learn.agents} agents, but only {np.count_nonzero(gains)} can learn and would"
            f" gain from {', '.join(learn.classes)}; expected no more: lower the number"
        )
    p, eligible = centre.p.copy(), centre.eligible.copy()
    cells = np.ix_(rows, agents)
    better = level[:, agents] > np.where(eligible[cells], p[cells], 0.0)
    p[cells] = np.where(better, level[:, agents], p[cells])
    eligible[cells] |= better
    return replace(centre, p=p, h=h, eligible=eligible)


def _counterparts(centre: LabCentre, rows: Ints, pattern: str, as_in: str) -> Ints:
    """For each of the classes the one of the other pattern whose * is the same text."""
    names = list(centre.classes.names)
    before, after = pattern.split("*")
    found = []
    for row in rows.tolist():
        same = names[row][len(before) : len(names[row]) - len(after)]
        name = as_in.replace("*", same)
        if name not in names:
            raise StudyError(f"learn: no class is called {name!r}; {nearest(name, names)}")
        found.append(names.index(name))
    return np.array(found, dtype=np.int64)


def _closed(base: Base, close: Close) -> Base:
    agents = np.arange(base.centre.num_agents)
    if close.team is not None:
        gone = _team(base, close.team)
    else:
        gone = spread(agents, round((close.share or 0.0) * len(agents)))
    check(len(gone) < len(agents), "close: nobody would be left", "somebody who stays")
    return _with_agents(base, np.setdiff1d(agents, gone))


def _hired(base: Base, hire: Hire) -> Base:
    agents = np.arange(base.centre.num_agents)
    like = agents if hire.team is None else _team(base, hire.team)
    return _with_agents(base, np.concatenate([agents, spread(like, hire.agents)]))


def _team(base: Base, team: str) -> Ints:
    if team not in base.team:
        raise StudyError(f"no team is called {team!r}; {nearest(team, set(base.team) - {''})}")
    return np.flatnonzero(np.array(base.team) == team)


def _with_agents(base: Base, agents: Ints) -> Base:
    """The base with these of its agents; who is named twice is there twice."""
    centre, breaks = base.centre, base.centre.breaks
    if centre.staffing is not None:
        raise StudyError(
            f"centre {centre.name} plans heads of teams; expected agents with shifts: leave out"
            " close and hire"
        )
    if breaks is not None:
        row, agent = np.nonzero(breaks.agent[:, None] == agents)
        breaks = Breaks(agent, breaks.from_s[row], breaks.until_s[row])
    centre = replace(
        centre,
        p=centre.p[:, agents],
        h=centre.h[:, agents],
        eligible=centre.eligible[:, agents],
        shift_from_s=centre.shift_from_s[agents],
        shift_until_s=centre.shift_until_s[agents],
        breaks=breaks,
    )
    return Base(centre, tuple(base.team[agent] for agent in agents.tolist()))


def _more(centre: LabCentre, rate: Floats, volume: Volume) -> Floats:
    intervals = np.array(volume.intervals or range(centre.num_intervals))
    outside = intervals[(intervals < 0) | (intervals >= centre.num_intervals)].tolist()
    found = f"volume: intervals {outside}"
    check(not outside, found, f"numbers from 0 to {centre.num_intervals - 1}")
    rate = rate.copy()
    rate[np.ix_(find_classes(centre, volume.classes), intervals)] *= volume.factor
    return rate


def _weighed(centre: LabCentre, weigh: Weigh) -> LabCentre:
    """The centre with other weights, which only routers are to see."""
    rows = find_classes(centre, weigh.classes)
    here = np.isin(np.arange(centre.num_classes), rows)
    classes = centre.classes
    # Losses are shares of values: what a factor of the value does to them must not show.
    loss = weigh.loss / weigh.value
    return replace(
        centre,
        classes=replace(
            classes,
            value_mean=np.where(here, weigh.value, 1.0) * classes.value_mean,
            loss_share=np.where(here, loss, 1.0) * classes.loss_share,
            waiting_cost=np.where(here, weigh.waiting_cost, 1.0) * classes.waiting_cost,
        ),
    )
