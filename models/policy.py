"""What the business wants, in numbers: every default that a manager can change.

Defaults are those of the trade and are to be calibrated on history. Money is in one currency;
durations are seconds.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Annotated

from models.channel_policy import ChannelPolicy, default_channels
from models.number_ranges import (
    DAY_S,
    HOUR_S,
    MONTH_S,
    YEAR_S,
    Count,
    Money,
    Share,
    UpToDay,
    UpToMonth,
    UpToYear,
    Weight,
    Within,
    check_numbers,
)
from models.price_policy import PricePolicy
from models.remembered import remembered
from models.tables import Channel, Tier


def default_breach_penalties() -> Mapping[Tier, float]:
    """Cost of missing the answer target once, by tier (`methods.md` 2.3)."""
    return {Tier.STANDARD: 1.0, Tier.SILVER: 3.0, Tier.GOLD: 8.0}


class VoiceFollow(StrEnum):
    """What becomes of a customer's written contacts when a call goes to another agent."""

    KEEP_TEXT_OWNER = "keep_text_owner"
    """They go their own way, to their own agent."""
    MOVE_ALL_TO_VOICE_AGENT = "move_all_to_voice_agent"
    """They wait for the agent of the call."""
    REASSIGN_ON_TEXT_CONTACT = "reassign_on_text_contact"
    """They rest while the customer is on the line, and go their own way afterwards."""


class ProfileReset(StrEnum):
    """When a contact gives back the place that it took in a capacity profile."""

    IMMEDIATE = "immediate"
    """When it is closed."""
    END_OF_SHIFT = "end_of_shift"


@dataclass(frozen=True)
class ProfilePolicy:
    """Limit of one capacity profile, for agents without a limit of their own."""

    max_items: Annotated[int, Within(0, 1_000)]
    reset: ProfileReset = ProfileReset.IMMEDIATE

    def __post_init__(self) -> None:
        """Check the range."""
        check_numbers(self)


@dataclass(frozen=True)
class Boost:
    """A rule that lifts the contacts that it matches; what is empty matches everything."""

    queue_id: str = ""
    channel: Channel | None = None
    tier: Tier | None = None
    escalated: bool = False
    """Only escalated contacts."""
    worth: Money = 0.0
    """Money added to their priority."""
    age_s: UpToYear = 0.0
    """They are treated as if they had waited so much longer; reports keep the true wait."""

    def __post_init__(self) -> None:
        """Check ranges."""
        check_numbers(self)


@dataclass(frozen=True)
class Policy:
    """All numbers that turn tables into eligibility, capacity and gain."""

    tick_s: Annotated[float, Within(1e-3, HOUR_S, "s")] = 5.0
    """Time to the next tick: the least that a skipped contact waits."""
    longest_delay_s: Annotated[float, Within(1e-3, MONTH_S, "s")] = 3600.0
    """Cap on the expected delay of a skipped contact."""
    most_waiting_cost: Money = 1000.0
    """Cap on what one more delay of an overdue contact costs, which grows with the square."""
    channels: Mapping[Channel, ChannelPolicy] = field(default_factory=default_channels)
    breach_penalties: Mapping[Tier, Money] = field(default_factory=default_breach_penalties)
    prices: PricePolicy = field(default_factory=PricePolicy)
    site_caps: Mapping[str, Count] = field(default_factory=dict)
    """New conversations that a site may get in one tick; a site not named is not capped."""

    default_value: Annotated[float, Within(0, 1e7, "money")] = 200.0
    """Lifetime value of a customer of whom nothing is known."""
    benefit_fixed: Money = 4.0
    """Worth of a resolution: the repeat contact that it avoids."""
    benefit_share: Share = 0.02
    """Plus this share of the customer's value (churn avoided)."""
    failure_fixed: Money = 4.0
    """Cost of a contact that was handled and not resolved."""
    failure_share: Share = 0.01
    loss_fixed: Money = 2.0
    """Cost of a customer who gives up."""
    loss_share: Share = 0.01
    escalation_factor: Weight = 3.0
    """Loss and breach penalty of an escalated contact are this many times as high."""
    sentiment_weight: Weight = 0.5
    """Effect of a furious customer on impatience and loss; both at most double."""

    p_lowest: Share = 0.35
    """Probability of resolving at proficiency 0 (`routing.md` R.6)."""
    p_highest: Share = 0.95
    """Probability of resolving at proficiency 10."""
    p_no_skill: Share = 0.7
    """Probability of resolving a contact that requires no skill."""
    p_floor: Share = 0.25
    """Pairs below this probability are not eligible."""
    min_language_proficiency: Annotated[int, Within(0, 10)] = 5
    """Level of a language that an agent needs to serve in it."""

    stick_worth: Money = 1.5
    """Worth of the agent who had this customer last: explanations saved."""
    owner_worth: Money = 1.2
    """Worth of the customer's dedicated agent."""
    overtime_cost_per_s: Money = 0.01
    """Cost of a second of expected overtime."""
    shift_margin_s: UpToDay = 120.0
    """A live contact needs mean handling time and this much before the shift ends."""
    head_worth: Money = 0.0
    """Worth of serving anybody, against abandonment, in queues without a row of `queue_prices`."""
    service_worth: Money = 1.0
    """The match of the best suitable agent is worth at least this: nobody could do better."""
    handover_cost: Money = 1.0
    """Cost of an episode that outlives the agent's shift and changes hands."""
    idle_worth: Money = 0.05
    """Tie-break: worth of giving work to an agent without new work for `idle_full_s` or more."""
    idle_full_s: Annotated[float, Within(1, MONTH_S, "s")] = 600.0
    """Longer idleness is worth no more."""
    load_step_cost: Money = 0.02
    """Each further new contact of an agent in a tick costs this much more than the one before."""

    hold_horizon_s: Annotated[float, Within(1e-3, DAY_S, "s")] = 60.0
    """A contact may be held for a busy agent expected free within this time."""
    max_declines: Count = 3
    """After this many declines the pair is banned."""
    decline_cooldown_s: UpToMonth = 600.0
    """A decline keeps the pair apart for this long, while another agent is left."""
    decline_pause_s: UpToDay = 15.0
    """After a decline the agent gets no offer of that channel for this long."""
    decline_cost: Money = 0.5
    """Each decline of the pair takes this much off its gain."""
    max_declining_agents: Count = 10
    """After so many agents declined it, a contact is left to people."""
    auto_ready_s: UpToMonth = 300.0
    """An agent who let an offer expire gets nothing until a new presence, or for this long."""
    extra_contact_share: Share = 0.25
    """Share of its units that each further contact of a conversation adds ..."""
    most_extra_units: Annotated[float, Within(0, 10_000, "units")] = 100.0
    """... up to this, or the lead's own weight: no conversation may grow beyond all agents."""
    default_priority: Annotated[int, Within(0, 9)] = 5
    """Priority class of contacts whose queue has none."""
    strict_classes: Annotated[int, Within(0, 2)] = 0
    """Contacts of classes below this one are served before money counts: 0, 1 or 2."""
    priority_worth: tuple[Money, ...] = ()
    """Money that a contact of class 0, 1, ... gains by being served; 0 beyond the list."""
    ageing_per_s: Money = 0.0
    """Money that a second of waiting adds to the priority ..."""
    most_ageing: Money = 100.0
    """... up to this."""
    boosts: tuple[Boost, ...] = ()
    """Rules that lift contacts; those that match add up."""
    health_weight: Weight = 0.5
    """Effect of a customer about to leave on impatience and loss; both at most double."""
    age_credit: Share = 1.0
    """Share of the wait before a transfer that counts."""
    age_outside_hours: bool = False
    """Whether contacts age, and targets run, while their queue is closed."""

    profiles: Mapping[str, ProfilePolicy] = field(default_factory=dict)
    """Limits of capacity profiles that contacts name; a profile not named has none."""
    interrupt_cost: Money = 0.2
    """Cost of interrupting one contact that yields."""
    drain_share: Share = 0.5
    """A real-time contact that waited this share of its target, with nobody free, drains ..."""
    drain_agents: Count = 3
    """... up to so many agents per class: they get nothing written meanwhile; 0: nobody."""

    resolver_worth: Money = 0.75
    """Worth of who resolved the same issue earlier ..."""
    resolver_half_life_s: UpToYear = 14 * 86_400.0
    """... of which half is gone after this long ..."""
    resolver_window_s: Annotated[float, Within(0, 10 * YEAR_S, "s")] = 30 * 86_400.0
    """... and all after this."""
    lock_release_s: UpToMonth = 60.0
    """A lock to an agent who is away ends after this long."""
    hold_slack_share: Share = 0.5
    """Nobody waits for a preferred agent beyond this share of the time left to the target."""
    region_cost: Money = 0.5
    """Cost of taking a conversation away from the site that had it."""
    voice_follow: VoiceFollow = VoiceFollow.REASSIGN_ON_TEXT_CONTACT

    fairness_band: Weight = 0.15
    """Tolerated excess over the fair share of today's handled time ..."""
    fairness_cost: Money = 0.2
    """... beyond which a further contact costs up to this much."""
    utilisation_worth: Money = 0.06
    """Tie-break: worth of an agent who has handled nothing today over one always busy."""
    busy_cost: Money = 0.1
    """Tie-break: cost per contact that the agent holds already, parked ones not counted."""
    preference_share: Share = 0.01
    """Share of the gain that may be given up for what agents prefer; 0: nothing."""
    quota_worth: Money = 1.0
    """Weight of an open development quota against a preference of 1."""
    overqualified_cost: Money = 0.0
    """Cost of ten levels above what a required skill asks for (nearest proficiency first)."""

    borrow_cost: Money = 0.2
    """Cost of an agent of another queue."""
    lend_horizon_s: UpToDay = 300.0
    """A lending queue keeps an agent for every contact expected within this time."""
    lend_service_level: Share = 0.8
    """A queue below this service level lends nobody."""

    callback_from_hour: Annotated[int, Within(0, 24)] = 8
    """Callbacks go out from this local hour of the customer ..."""
    callback_until_hour: Annotated[int, Within(0, 24)] = 20
    """... until this one."""

    def __post_init__(self) -> None:
        """Check that ranges hold and that every channel and tier has its numbers."""
        check_numbers(self)
        missing = [channel.value for channel in Channel if channel not in self.channels]
        missing += [tier.value for tier in Tier if tier not in self.breach_penalties]
        if missing:
            raise ValueError(
                f"no numbers for {missing}; expected all channels and tiers; add them"
            )
        if self.p_lowest > self.p_highest:
            raise ValueError(
                f"p_lowest is {self.p_lowest:g} and p_highest {self.p_highest:g}; expected a"
                " p_highest that is no lower; correct one of them"
            )
        if self.callback_from_hour >= self.callback_until_hour:
            raise ValueError(
                f"callback_from_hour is {self.callback_from_hour} and callback_until_hour"
                f" {self.callback_until_hour}; expected a later one; correct one of them"
            )
        if len(self.priority_worth) > 10:
            raise ValueError(
                f"priority_worth has {len(self.priority_worth)} values; expected at most 10, one"
                " for each class; take some off"
            )

    def digest(self) -> str:
        """Fingerprint of all numbers: equal policies, equal digests, on any machine."""
        return _digest(self)


@remembered
def _digest(policy: Policy) -> str:
    text = json.dumps(asdict(policy), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:12]
