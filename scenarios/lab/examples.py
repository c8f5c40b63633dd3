"""The examples of ContactCenters (Universite de Montreal): centres, days and what is counted.

Parameters come from the published files; time is in seconds here. `published.py` says which of the
counts make which published measure.
"""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from scenarios.lab.centre import (
    ContactClasses,
    Floats,
    HouseRules,
    LabCentre,
    LabChannel,
    Staffing,
)
from scenarios.lab.day import Day, LabPurpose, stream
from scenarios.lab.rules.team_fifo import TeamFifo

NEVER = float("inf")
ENDLESS_S = 1e9
"""Later than anything that happens."""
MINUTE = 60.0
HOUR = 3600.0
_NUMBER = re.compile(r"(?<![\w.])\d+(?:\.\d+)?(?![\w.])")
"""A number that is no part of a word: names and remarks stand beside the numbers."""


@dataclass(frozen=True, eq=False)
class Example:
    """One published example."""

    name: str
    centre: LabCentre
    draw: Callable[[int], Day]
    """The day of a seed."""
    router: Callable[[], TeamFifo]
    awt_s: float
    """Acceptable wait: shorter ones are in target."""
    expected: float
    """Expected contacts per observation, the denominator of some published shares."""
    occupied_until_s: float = ENDLESS_S
    """Occupancy is integrated up to then."""
    first_team_only: bool = False
    """Occupancy is that of the first team."""
    runs: int = 1
    """Independent runs that make one observation (a week of five mornings)."""


def read_examples(folder: Path) -> list[Example]:
    """All examples; raises FileNotFoundError when a parameter file is missing."""
    given = json.loads((folder / "params.json").read_text())
    mmc = _single_queue(given["MMC"])
    house = mmc.centre.house
    calls = _single_queue({**given["MMC"], **given["MMCAb"]})
    full = replace(house, max_waiting=given["MMCBlocked"]["queue_capacity"])
    cleared = replace(house, clears_queue_at_s=mmc.centre.horizon_s)
    return [
        _call_centre((folder / given["CallCC"]["file"]).read_text()),
        mmc,
        replace(calls, name="MMCAb"),
        replace(mmc, name="MMCBlocked", centre=replace(mmc.centre, house=full)),
        replace(mmc, name="MMCClrQ", centre=replace(mmc.centre, house=cleared)),
        _multi_skill(given["SimpleMSK"]),
        _telethon(given["Telethon"]),
    ]


def _single_queue(given: dict[str, Any]) -> Example:
    """M/M/c over a day; with `nu`, exponential patience."""
    horizon_s, agents = given["day_minutes"] * MINUTE, given["agents"]
    rate = given["lambda"] / MINUTE
    centre = _centre("MMC", np.array([[rate]]), agents, horizon_s, horizon_s)
    patience_s = MINUTE / given["nu"] if "nu" in given else NEVER

    def draw(seed: int) -> Day:
        handling_s = np.full(1, MINUTE / given["mu"])
        return _day(seed, centre, np.ones(1), handling_s, np.full(1, patience_s))

    return Example(
        name="MMC",
        centre=centre,
        draw=draw,
        router=lambda: _one_team(agents),
        awt_s=given["awt"] * MINUTE,
        expected=rate * horizon_s,
        occupied_until_s=horizon_s,
    )


def _call_centre(text: str) -> Example:
    """The classic SSJ example: heads and rates by the hour, a busy-day factor."""
    lines = [[float(word) for word in _NUMBER.findall(line)] for line in text.splitlines()]
    periods = int(lines[1][0])
    heads = np.array([[int(line[0])] for line in lines[2 : 2 + periods]])
    rate = np.array([[line[1] / HOUR for line in lines[2 : 2 + periods]]])
    tail = [line[0] for line in lines[2 + periods :] if line]
    alpha0, gone_at_once, nu, alpha, beta, awt_s = tail
    agents = int(heads.max())
    from_s = np.arange(periods, dtype=np.float64) * HOUR
    staffing = Staffing(np.zeros(agents, dtype=np.int64), from_s, heads)
    centre = _centre("CallCC", rate, agents, periods * HOUR, HOUR, staffing)

    def draw(seed: int) -> Day:
        busy = stream(seed, LabPurpose.VOLUME).gamma(alpha0, 1 / alpha0)
        unit = np.ones(periods)
        day = _day(seed, centre, busy * unit, unit, unit)
        rng = stream(seed, LabPurpose.PATIENCE)
        stays = rng.random(day.patience.shape) > gone_at_once
        patience = np.where(stays, rng.exponential(1 / nu, day.patience.shape), 0.0)
        handling = stream(seed, LabPurpose.HANDLING).gamma(alpha, 1 / beta, day.noise.shape)
        return replace(day, patience=patience, noise=handling)

    return Example(
        name="CallCC",
        centre=centre,
        draw=draw,
        router=lambda: _one_team(agents),
        awt_s=awt_s,
        expected=float(rate.sum() * HOUR),
    )


def _multi_skill(given: dict[str, Any]) -> Example:
    """Three types, two groups, three periods; rates of the period in which a contact arrives."""
    period_s = given["period_minutes"] * MINUTE
    rate = np.array(given["lambda"]) / MINUTE
    heads = np.array(given["agents"], dtype=np.int64).T
    team = np.repeat(np.arange(heads.shape[1]), heads.max(axis=0))
    staffing = Staffing(team, np.arange(len(heads)) * period_s, heads)
    horizon_s = rate.shape[1] * period_s
    centre = _centre("SimpleMSK", rate, len(team), horizon_s, period_s, staffing)
    shape = float(re.findall(r"[\d.]+", given["busyness"])[0])
    handling_s = MINUTE / np.array(given["mu_by_period"])
    patience_s = MINUTE / np.array(given["nu_by_period"])
    teams_of_class, classes_of_team = given["type_to_group"], given["group_to_type"]

    def draw(seed: int) -> Day:
        busy = stream(seed, LabPurpose.VOLUME).gamma(shape, 1 / shape)
        factor = np.full(rate.shape[1], busy)
        return _day(seed, centre, factor, handling_s, patience_s)

    return Example(
        name="SimpleMSK",
        centre=centre,
        draw=draw,
        router=lambda: TeamFifo(team.tolist(), teams_of_class, classes_of_team),
        awt_s=given["awt"] * MINUTE,
        expected=float(rate.sum() * period_s),
        first_team_only=True,
    )


def _telethon(given: dict[str, Any]) -> Example:
    """Five mornings of volunteers; who has waited the mean patience leaves a message."""
    first, last = (int(hour) for hour in given["hours"].split(",")[0].split("-"))
    horizon_s, agents = (last - first) * HOUR, given["agents"]
    rate = given["arrivals_per_hour"] / HOUR
    patience_s = given["patience_mean"] * MINUTE
    heads = np.array([[agents], [0]], dtype=np.int64)
    staffing = Staffing(np.zeros(agents, dtype=np.int64), np.array([0.0, horizon_s]), heads)
    house = HouseRules(
        max_present=given["trunks"],
        clears_queue_at_s=horizon_s,
        gives_up_after_s=patience_s,
    )
    centre = _centre("Telethon", np.array([[rate]]), agents, horizon_s, horizon_s, staffing)
    centre = replace(centre, house=house)

    def draw(seed: int) -> Day:
        handling_s = np.full(1, given["service_mean"] * MINUTE)
        return _day(seed, centre, np.ones(1), handling_s, np.full(1, patience_s))

    return Example(
        name="Telethon",
        centre=centre,
        draw=draw,
        router=lambda: _one_team(agents),
        awt_s=given["awt"] * MINUTE,
        expected=rate * horizon_s * 5,
        runs=5,
    )


def _centre(
    name: str,
    rate: Floats,
    agents: int,
    horizon_s: float,
    interval_s: float,
    staffing: Staffing | None = None,
) -> LabCentre:
    """Everybody can do everything; handling and patience factors of the day are in seconds."""
    kinds = len(rate)
    zero, one = np.zeros(kinds), np.ones(kinds)
    classes = ContactClasses(
        names=tuple(f"type {kind}" for kind in range(kinds)),
        channel=np.full(kinds, int(LabChannel.VOICE)),
        rate=rate,
        value_mean=one,
        value_sigma=zero,
        loss_share=zero,
        waiting_cost=zero,
        patience_s=one,
        target_s=20 * one,
        wrap_up_share=zero,
    )
    pairs = np.ones((kinds, agents))
    return LabCentre(
        name=name,
        classes=classes,
        p=pairs,
        h=pairs,
        eligible=pairs > 0,
        shift_from_s=np.zeros(agents),
        shift_until_s=np.full(agents, NEVER),
        horizon_s=horizon_s,
        interval_s=interval_s,
        tick_s=0.0,
        overtime_s=NEVER,
        staffing=staffing,
    )


def _day(
    seed: int,
    centre: LabCentre,
    busy: Floats,
    handling_s: Floats,
    patience_s: Floats,
) -> Day:
    """Poisson arrivals; exponential handling and patience. The last three are by period, (T,)."""
    rate, period_s = centre.classes.rate, centre.interval_s
    rng = stream(seed, LabPurpose.ARRIVALS)
    count = rng.poisson(rate * busy * period_s).ravel()
    cell = np.repeat(np.arange(len(count)), count)
    kind, period = np.divmod(cell, rate.shape[1])
    arrival = (period + rng.random(len(cell))) * period_s
    order = np.argsort(arrival)
    period, shape = period[order], (len(cell), 1)
    unused: Floats = np.zeros(shape)
    hazard = stream(seed, LabPurpose.PATIENCE).standard_exponential(shape)
    work = stream(seed, LabPurpose.HANDLING).standard_exponential(shape)
    return Day(
        arrival_s=arrival[order],
        kind=kind[order],
        value=np.ones(len(cell)),
        patience=hazard * patience_s[period][:, None],
        noise=work * handling_s[period][:, None],
        outcome=unused,
        returns=unused,
        delay=unused,
        switch=unused,
    )


def _one_team(agents: int) -> TeamFifo:
    return TeamFifo([0] * agents, [[0]], [[0]])
