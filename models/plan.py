"""The decision of one tick, with its bound, prices and a reason for every contact."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import polars as pl

from models.solution import Limit, Proof, Termination, relative_gap


class Reason(StrEnum):
    """Why a contact got its decision. The order is the order in which rules are tested."""

    BEST_MATCH = "best_match"
    """Assigned: part of the best joint plan."""
    HELD_FOR = "held_for"
    """Held for a busy agent who should be free soon."""

    NO_PRESENT_AGENT = "no_present_agent"
    CLOSED_HOURS = "closed_hours"
    OUTSIDE_CUSTOMER_HOURS = "outside_customer_hours"
    OFF_SHIFT = "off_shift"
    NOT_A_MEMBER = "not_a_member"
    CHANNEL_NOT_SERVED = "channel_not_served"
    SKILL_MISSING = "skill_missing"
    LANGUAGE_MISSING = "language_missing"
    P_BELOW_FLOOR = "p_below_floor"
    SHIFT_TOO_SHORT = "shift_too_short"
    AT_CAPACITY = "at_capacity"
    CHANNEL_BLOCKED = "channel_blocked"
    LANE_FULL = "lane_full"
    UNITS_FULL = "units_full"
    DECLINED = "declined"
    CUSTOMER_LOCKED = "customer_locked"

    NOT_WORTH_IT = "not_worth_it"
    """Eligible agents exist, but every pair would cost more than it brings."""
    LOST_TO = "lost_to"
    """Eligible agents exist; their slots bring more with other contacts."""


@dataclass(frozen=True, eq=False)
class Carried:
    """What one tick hands to the next: a hint, which never changes what is optimal."""

    prices: pl.DataFrame
    """By the contract of `price`."""
    site_prices: pl.DataFrame
    """(site, price)"""
    rents: pl.DataFrame
    """(contact_id, rent)"""


@dataclass(frozen=True, eq=False)
class Plan:
    """What the tick decided.

    `assignments` follows the contract of `assignment`, `unassigned` that of `unassigned`,
    `explanations` that of `explanation` and `prices` that of `price` (`models/tables.py`). Every
    contact of the batch is in exactly one of the first two; gains are in money and, like `gain`,
    include no load cost, while `gain` of the plan has load costs taken off.
    """

    tick_at: datetime
    assignments: pl.DataFrame
    unassigned: pl.DataFrame
    explanations: pl.DataFrame
    prices: pl.DataFrame
    site_prices: pl.DataFrame
    """(site, price): price of one more new conversation at a capped site."""
    gain_milli: int
    bound_milli: int
    greedy_milli: int
    termination: Termination
    limit: Limit | None
    backend: str
    policy_digest: str
    proof: Proof = Proof.PRICES

    @property
    def gap(self) -> float:
        """(bound - gain) / max(1, |gain|)."""
        return relative_gap(self.gain_milli, self.bound_milli)

    @property
    def carried(self) -> Carried:
        """What the next tick may start from."""
        rents = self.explanations.select("contact_id", "rent")
        return Carried(self.prices, self.site_prices, rents)

    def digest(self) -> str:
        """Fingerprint of every decision, reason, price and number of the plan."""
        content = hashlib.sha256()
        for frame in (self.assignments, self.unassigned, self.explanations, self.prices):
            content.update(frame.write_csv().encode())
        content.update(self.site_prices.write_csv().encode())
        numbers = (self.gain_milli, self.bound_milli, self.greedy_milli, self.policy_digest)
        content.update(
            repr((*numbers, self.termination, self.limit, self.backend, self.proof)).encode()
        )
        return content.hexdigest()


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong with a plan: the rule it breaks and the evidence."""

    rule: str
    detail: str
