"""A study in words: what was asked, what was changed, and what came of it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from scenarios.study.changes import Changes, Learn
from scenarios.study.compare import Difference, Kind, Measure, mean_of
from scenarios.study.conduct import Findings
from scenarios.study.report.numbers import signed
from scenarios.study.spec import Study

MOST_SENTENCES = 8
ROUNDING = 1e-9
SERVICE = {Measure.SERVICE_LEVEL: "service level", Measure.ABANDONMENT: "abandonment"}
"""How customers fare, in words."""


@dataclass(frozen=True)
class Sentence:
    """One finding."""

    text: str
    is_clear: bool
    """Not to be explained by luck."""


def describe(changes: Changes) -> str:
    """What an override changes, as a phrase."""
    told = [_learns(one) for one in changes.learn]
    for close in changes.close:
        site = f"a site with {_percent(close.share or 0.0)} of all agents"
        told.append(f"{f'team {close.team}' if close.team else site} closes")
    for hire in changes.hire:
        like = f"like those of team {hire.team}" if hire.team else "like the others"
        told.append(f"{hire.agents} more agents, {like}")
    for volume in changes.volume:
        when = f" in intervals {_listed(volume.intervals)}" if volume.intervals else ""
        told.append(f"{volume.factor:g} x the contacts of {_all(volume.classes)}{when}")
    told += [
        f"{one.factor:g} x the handling times of {_all(one.classes)}" for one in changes.handling
    ]
    if changes.chats:
        longer = _percent(changes.chats.slowdown)
        told.append(f"{changes.chats.at_once} chats at once, each {longer} longer per other chat")
    if changes.tick_s is not None:
        told.append(f"a decision every {changes.tick_s:g} s")
    for weigh in changes.weigh:
        factors = (("value", weigh.value), ("loss", weigh.loss), ("waiting", weigh.waiting_cost))
        given = ", ".join(f"{name} x {factor:g}" for name, factor in factors if factor != 1)
        told.append(f"routers weigh {given or 'as before'} for {_all(weigh.classes)}")
    if changes.errors:
        errors = changes.errors
        told.append(
            f"routers err: forecast {_percent(errors.forecast)} and x {errors.forecast_factor:g},"
            f" resolution {_percent(errors.resolution)}, handling {_percent(errors.handling)}"
        )
    return "; ".join(told) or "nothing changes"


def summarise(study: Study, findings: Findings, found: Sequence[Difference]) -> list[Sentence]:
    """The findings, those about value first, the largest first."""
    of_value = [one for one in found if one.measure is Measure.VALUE]
    best = _best_policy(study, findings)
    changes = [one for one in of_value if one.kind is Kind.CHANGE and one.policy == best]
    changes.sort(key=lambda one: -abs(one.relative.mean))
    told_of = _told_overrides(study, changes)
    swept = {one.name for one in study.overrides if one.is_swept}
    changes = [one for one in changes if one.override in told_of]
    changes.sort(key=lambda one: one.override in swept)
    policies = [
        one
        for one in of_value
        if one.kind is Kind.POLICY and one.override == study.baseline_override
    ]
    policies.sort(key=lambda one: -one.relative.mean)
    told = [_sentence(one, found) for one in (*changes[:MOST_SENTENCES], *policies)]
    captured = findings.runs.filter(override=study.baseline_override).drop_nulls("captured")
    # Where customers come back the bound is too loose to be told without its note.
    if not captured.is_empty() and not study.centre.lifelike:
        shares = (
            captured.group_by("policy", maintain_order=True)
            .agg(pl.col("captured").mean())
            .sort("captured")
        )
        policy, share = shares.row(-1)
        text = (
            f"With everything known beforehand a day could have earned at most"
            f" {mean_of(captured['bound']):,.0f}; {policy} captures {100 * share:.1f} % of it."
        )
        told.append(Sentence(text, is_clear=True))
    beaten = findings.runs.filter(pl.col("value") > pl.col("bound") * (1 + ROUNDING)).height
    if beaten:
        text = f"The hindsight bound was beaten in {beaten} runs, expected in none: a defect."
        told.append(Sentence(text, is_clear=True))
    return told


def _told_overrides(study: Study, changes: Sequence[Difference]) -> set[str]:
    """Those with a sentence: all that are not of a sweep, and of each sweep the strongest."""
    swept = {one.name for one in study.overrides if one.is_swept}
    told = {one.override for one in changes}
    for sweep in study.sweeps:
        of_sweep = {point.override for point in sweep.points} & swept
        strongest = next((one.override for one in changes if one.override in of_sweep), None)
        told -= of_sweep - {strongest}
    return told


def _sentence(one: Difference, found: Sequence[Difference]) -> Sentence:
    """One difference of value, with what it does to service."""
    direction = "more" if one.difference.mean >= 0 else "less"
    if one.kind is Kind.CHANGE:
        who = f"“{one.override}” instead of “{one.against}”, routed by {one.policy}:"
    else:
        who = f"{one.policy} instead of {one.against}, “{one.override}”:"
    if one.difference.mean == 0 and one.p_value == 1:
        return Sentence(f"{who} nothing changes.", is_clear=False)
    service = [
        other
        for other in found
        if (other.kind, other.override, other.policy) == (one.kind, one.override, one.policy)
        and other.measure in SERVICE
    ]
    told = ", ".join(
        f"{SERVICE[other.measure]} goes from {100 * other.before:.1f} to {100 * other.after:.1f} %"
        for other in service
    )
    luck = "" if one.is_clear else ", which among so many comparisons may be luck"
    text = (
        f"{who} a day is worth {abs(one.difference.mean):,.0f} {direction}"
        f" ({signed(100 * one.relative.mean)} % ± {100 * one.relative.half_width:.1f}){luck};"
        f" {told}."
    )
    return Sentence(text, one.is_clear or any(other.is_clear for other in service))


def _best_policy(study: Study, findings: Findings) -> str:
    """The policy that earns most as it is: what changes do is told under it."""
    runs = findings.runs.filter(override=study.baseline_override)
    values = [mean_of(runs.filter(policy=policy)["value"]) for policy in study.policies]
    earned = [-np.inf if value is None else value for value in values]
    return study.policies[int(np.argmax(earned))]


def _learns(learn: Learn) -> str:
    level = (
        f"resolve {_percent(learn.p)} of them"
        if learn.p is not None
        else f"become {_percent(learn.times)} as good as they are in {learn.as_in}"
    )
    return f"{learn.agents} agents learn {_all(learn.classes)} and {level}"


def _all(classes: tuple[str, ...]) -> str:
    return "all classes" if classes == ("*",) else ", ".join(classes)


def _listed(numbers: tuple[int, ...]) -> str:
    return ", ".join(str(number) for number in numbers)


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"
