"""What is wrong with a policy before anybody waits because of it: contradictions and starvation.

Every check is one function from the numbers to findings. Errors are refused when the settings are
read; warnings are for a person to judge. `models/centre_check.py` looks at a policy together with
the tables of a centre.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from typing import Any

import polars as pl

from models.number_ranges import USUAL_DURATIONS
from models.policy import Boost, Policy
from models.tables import Channel


class Severity(StrEnum):
    """How bad a finding is."""

    ERROR = "error"
    """Somebody would be routed against what is written, or never."""
    WARNING = "warning"
    """It may be meant; often it is not."""


@dataclass(frozen=True)
class PolicyFinding:
    """What is wrong, where, and what to do about it."""

    severity: Severity
    rule: str
    where: str
    """Key in the settings, or row in the tables."""
    detail: str

    def __str__(self) -> str:
        """One line for people."""
        return f"{self.where}: {self.detail}"


FIRST_FEW = 5
"""Findings of one kind; the rest is counted in the last of them."""


def few_findings(
    rows: pl.DataFrame, finding: Callable[[dict[str, Any]], PolicyFinding]
) -> Iterator[PolicyFinding]:
    """A finding per row, for the first few, and how many more there are."""
    for row in rows.head(FIRST_FEW).iter_rows(named=True):
        yield finding(row)
    if len(rows) > FIRST_FEW:
        more = finding(rows.row(FIRST_FEW, named=True))
        detail = f"{len(rows) - FIRST_FEW} others of this kind"
        yield PolicyFinding(more.severity, more.rule, "and more", detail)


def check_policy(policy: Policy) -> tuple[PolicyFinding, ...]:
    """Everything that contradicts itself or lets contacts starve, errors first."""
    found = [finding for check in CHECKS for finding in check(policy)]
    return tuple(sorted(found, key=lambda finding: finding.severity is not Severity.ERROR))


def steps_outlast_an_offer(policy: Policy) -> Iterator[PolicyFinding]:
    """A requirement must hold for two ticks and an offer, or it is gone before it was tried."""
    for channel, numbers in policy.channels.items():
        least = 2 * policy.tick_s + numbers.accept_timeout_s
        if numbers.relax_after_s < least:
            yield _error(
                "relaxes_too_soon",
                f"channels.{channel}.relax_after_s",
                f"{numbers.relax_after_s:g} s is over before an offer can be answered; expected"
                f" at least 2 * tick_s + accept_timeout_s = {least:g} s: raise it",
            )


def nothing_blocks_what_it_yields_to(policy: Policy) -> Iterator[PolicyFinding]:
    """A channel cannot both forbid another one beside it and be interrupted by it."""
    for channel, numbers in policy.channels.items():
        for both in sorted(set(numbers.blocks) & set(numbers.yields_to)):
            yield _error(
                "blocks_what_it_yields_to",
                f"channels.{channel}",
                f"{both} is in blocks and in yields_to; expected one of them: an agent who holds"
                f" {channel} either cannot get {both}, or interrupts for it",
            )


def channels_fit_an_agent(policy: Policy) -> Iterator[PolicyFinding]:
    """A contact must not weigh more than the usual agent offers."""
    for channel, numbers in policy.channels.items():
        if numbers.units > USUAL_CAPACITY + numbers.extra_units:
            yield _warning(
                "too_heavy",
                f"channels.{channel}.units",
                f"{numbers.units:g} is more than the {USUAL_CAPACITY:g} units that agents usually"
                " offer; nobody with so few gets one: lower it, or raise capacity_units",
            )


def waits_are_limited(policy: Policy) -> Iterator[PolicyFinding]:
    """Somebody is served at last: by a limit on waits, or because waiting costs ever more."""
    for channel, numbers in policy.channels.items():
        where = f"channels.{channel}.max_wait_s"
        outranked = policy.strict_classes > 0 and policy.default_priority >= policy.strict_classes
        if numbers.max_wait_s == 0 and outranked:
            yield _error(
                "starves_behind_classes",
                where,
                f"0 is no limit, and classes below {policy.strict_classes} are always first:"
                " others may wait for ever; set max_wait_s",
            )
        elif numbers.max_wait_s == 0 and not (numbers.waiting_cost or policy.ageing_per_s):
            yield _error(
                "starves",
                where,
                "0 is no limit, and neither waiting_cost nor ageing_per_s makes waiting dearer:"
                " a contact may wait for ever; set one of the three",
            )
        if 0 < numbers.max_wait_s <= numbers.target_answer_s:
            yield _error(
                "starves_before_its_target",
                where,
                f"{numbers.max_wait_s:g} s is not beyond target_answer_s"
                f" ({numbers.target_answer_s:g} s): whoever is late comes before all money;"
                " raise it",
            )


def classes_fall(policy: Policy) -> Iterator[PolicyFinding]:
    """A class that is ordered first is not worth less than the next one."""
    worth = policy.priority_worth
    for number, (first, second) in enumerate(pairwise(worth)):
        if first < second:
            yield _error(
                "classes_out_of_order",
                f"priority_worth[{number}]",
                f"class {number} is worth {first:g}, class {number + 1} {second:g}; expected"
                " falling amounts: 0 is the first class",
            )


def somebody_may_serve(policy: Policy) -> Iterator[PolicyFinding]:
    """The floor on the probability of resolving leaves somebody."""
    if policy.p_floor > policy.p_highest:
        yield _error(
            "floor_above_all",
            "p_floor",
            f"{policy.p_floor:g} is above p_highest ({policy.p_highest:g}): nobody is eligible"
            " for a contact that requires a skill; lower it",
        )
    if policy.p_floor > policy.p_no_skill:
        yield _error(
            "floor_above_no_skill",
            "p_floor",
            f"{policy.p_floor:g} is above p_no_skill ({policy.p_no_skill:g}): nobody is eligible"
            " for a contact that requires no skill; lower it",
        )


def offers_can_be_answered(policy: Policy) -> Iterator[PolicyFinding]:
    """An offer should not ring longer than the customer should wait."""
    for channel, numbers in policy.channels.items():
        if numbers.accept_timeout_s > max(numbers.target_answer_s, policy.tick_s):
            yield _warning(
                "rings_beyond_target",
                f"channels.{channel}.accept_timeout_s",
                f"one offer may ring for {numbers.accept_timeout_s:g} s, the whole target is"
                f" {numbers.target_answer_s:g} s: lower it",
            )
    if policy.max_declines == 0:
        yield _warning(
            "first_decline_bans",
            "max_declines",
            "0: one decline keeps the pair apart for good; set 1 or more",
        )


def limits_leave_something(policy: Policy) -> Iterator[PolicyFinding]:
    """A cap of 0 stops everything under it."""
    for profile, limit in policy.profiles.items():
        if limit.max_items == 0:
            yield _warning(
                "profile_closed",
                f"profiles.{profile}.max_items",
                "0: nobody without a limit of their own gets a contact of this profile",
            )
    for site, cap in policy.site_caps.items():
        if cap == 0:
            yield _warning("site_closed", f"site_caps.{site}", "0: nobody there gets a contact")


def boosts_do_something(policy: Policy) -> Iterator[PolicyFinding]:
    """A boost without an effect, or written twice, is a slip."""
    for number, boost in enumerate(policy.boosts):
        where = f"boosts[{number}]"
        if not boost.worth and not boost.age_s:
            yield _warning("idle_boost", where, "neither worth nor age_s: it lifts nobody")
        if boost in policy.boosts[:number]:
            yield _warning("double_boost", where, "it stands there twice, and both count")
        if boost == Boost(worth=boost.worth, age_s=boost.age_s):
            yield _warning("boosts_all", where, "it matches every contact, so it orders nobody")


def holds_end(policy: Policy) -> Iterator[PolicyFinding]:
    """Waiting for a preferred agent must leave time to go elsewhere."""
    for channel, numbers in policy.channels.items():
        limit = numbers.max_wait_s or float("inf")
        if numbers.hold_preferred_s >= limit:
            yield _error(
                "holds_until_starved",
                f"channels.{channel}.hold_preferred_s",
                f"{numbers.hold_preferred_s:g} s is not below max_wait_s ({limit:g} s): contacts"
                " would wait for one agent until they starve; lower it",
            )


def time_is_seen(policy: Policy) -> Iterator[PolicyFinding]:
    """What happens between two ticks is seen by nobody."""
    if policy.hold_horizon_s < policy.tick_s:
        yield _warning(
            "horizon_below_tick",
            "hold_horizon_s",
            f"{policy.hold_horizon_s:g} s is shorter than a tick ({policy.tick_s:g} s): nobody is"
            " ever held for a busy agent",
        )


def drains_can_fill(policy: Policy) -> Iterator[PolicyFinding]:
    """Channels that block a real-time one must be drained for it, or it may never get a slot."""
    for channel in Channel:
        numbers = policy.channels[channel]
        blockers = [
            held
            for held in Channel
            if not policy.channels[held].real_time and channel in policy.channels[held].blocks
        ]
        if numbers.real_time and blockers and policy.drain_agents == 0:
            yield _warning(
                "locked_out",
                "drain_agents",
                f"0: agents who hold {', '.join(blockers)} cannot get {channel}, and refilled work"
                " may lock it out; set 1 or more, or let it yield",
            )


def durations_are_meant(policy: Policy) -> Iterator[PolicyFinding]:
    """A duration in hours or milliseconds is read as seconds; what is odd in seconds is asked."""
    for channel, numbers in policy.channels.items():
        kind = "the customer is there and waits" if numbers.real_time else "people write"
        for name, (live, written) in USUAL_DURATIONS.items():
            usual, seconds = live if numbers.real_time else written, getattr(numbers, name)
            # 0 switches off what it is about.
            if seconds and not usual.least <= seconds <= usual.most:
                yield _warning(
                    "odd_duration",
                    f"channels.{channel}.{name}",
                    f"{seconds:,g} s is unusual where {kind}; usual are {usual}: check that"
                    " seconds are meant",
                )


USUAL_CAPACITY = 100.0

CHECKS = (
    steps_outlast_an_offer,
    nothing_blocks_what_it_yields_to,
    channels_fit_an_agent,
    waits_are_limited,
    classes_fall,
    somebody_may_serve,
    offers_can_be_answered,
    limits_leave_something,
    boosts_do_something,
    holds_end,
    time_is_seen,
    drains_can_fill,
    durations_are_meant,
)


def _error(rule: str, where: str, detail: str) -> PolicyFinding:
    return PolicyFinding(Severity.ERROR, rule, where, detail)


def _warning(rule: str, where: str, detail: str) -> PolicyFinding:
    return PolicyFinding(Severity.WARNING, rule, where, detail)
