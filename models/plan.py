"""The decision of one tick, with its bound, prices and a reason for every contact."""

import hashlib
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

import polars as pl

from models.solution import Limit, Proof, Termination, relative_gap
from models.tables import OUTLOOK, REQUEUE


class Reason(StrEnum):
    """Why a contact got its decision. The order is the order in which rules are tested."""

    BEST_MATCH = "best_match"
    """Assigned: part of the best joint plan."""
    HELD_FOR = "held_for"
    """Held for a busy agent who should be free soon."""

    PAUSED = "paused"
    """Put on hold by hand until an instant ahead."""
    MANUAL_ONLY = "manual_only"
    """So many agents declined it that people must decide."""
    NO_PRESENT_AGENT = "no_present_agent"
    CLOSED_HOURS = "closed_hours"
    OUTSIDE_CUSTOMER_HOURS = "outside_customer_hours"
    OFF_SHIFT = "off_shift"
    NOT_RESPONDING = "not_responding"
    """The agent let an offer expire and has not answered for a presence since."""
    NOT_A_MEMBER = "not_a_member"
    RESERVED = "reserved"
    """A helping queue keeps the agent back for its own contacts."""
    CHANNEL_NOT_SERVED = "channel_not_served"
    SKILL_MISSING = "skill_missing"
    LANGUAGE_MISSING = "language_missing"
    P_BELOW_FLOOR = "p_below_floor"
    SHIFT_TOO_SHORT = "shift_too_short"
    AT_CAPACITY = "at_capacity"
    CHANNEL_BLOCKED = "channel_blocked"
    LANE_FULL = "lane_full"
    PROFILE_FULL = "profile_full"
    """A capacity profile of the conversation is used up."""
    RATE_LIMITED = "rate_limited"
    """The agent had as many offers of the channel as one hour allows."""
    UNITS_FULL = "units_full"
    COOLING_DOWN = "cooling_down"
    """The agent declined a contact of the channel a moment ago."""
    DRAINING = "draining"
    """The agent finishes what they hold, to be free for a waiting call."""
    DECLINED = "declined"
    CUSTOMER_LOCKED = "customer_locked"
    HELD_FOR_PREFERRED = "held_for_preferred"
    """Waits for the preferred agent, who should be free soon enough."""

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
    `explanations` that of `explanation`, and so on (`models/tables.py`). Every contact of the
    batch is in exactly one of the first two; gains are in money and, like `gain`, include no load
    cost, while `gain` of the plan has load costs taken off.
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
    tier_weight_milli: int = 0
    """Added to prices and rents per level of a tier that is served; 0 without tiers."""
    tier_levels: tuple[int, ...] = ()
    """Level of each tier, falling; prices and rents are those of gains so raised."""
    preference_cost_milli: int = 0
    """Gain given up for what agents prefer."""
    requeue: pl.DataFrame = field(default_factory=REQUEUE.empty)
    """Held contacts whose agent is gone."""
    outlook: pl.DataFrame = field(default_factory=OUTLOOK.empty)
    """Each queue before the tick, and what will miss its target."""

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
        frames = (
            self.assignments,
            self.unassigned,
            self.explanations,
            self.prices,
            self.site_prices,
            self.requeue,
            self.outlook,
        )
        for frame in frames:
            content.update(frame.write_csv().encode())
        facts = (
            self.gain_milli,
            self.bound_milli,
            self.greedy_milli,
            self.policy_digest,
            self.termination,
            self.limit,
            self.backend,
            self.proof,
            self.tier_weight_milli,
            self.tier_levels,
            self.preference_cost_milli,
        )
        content.update(repr(facts).encode())
        return content.hexdigest()


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong with a plan: the rule it breaks and the evidence."""

    rule: str
    detail: str
