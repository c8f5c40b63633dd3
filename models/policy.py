"""What the business wants, in numbers: every default that a manager can change.

Defaults are those of the trade and are to be calibrated on history. Money is in one currency;
durations are seconds.
"""

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields

from models.tables import Channel, Tier


@dataclass(frozen=True)
class ChannelPolicy:
    """How contacts of one channel behave and what they cost."""

    units: float
    """Units of an agent's capacity that one contact consumes."""
    parked_share: float
    """Share of the units that a parked contact still consumes, 0 to 1."""
    max_new_per_tick: int
    """New contacts of this channel that one agent may get in one tick."""
    real_time: bool
    """Whether the customer is on the line: the agent must stay until it can be handled."""
    blocks: tuple[Channel, ...]
    """Channels that an agent who holds one of these cannot be given."""
    target_answer_s: float
    """Answer target where the queue has none."""
    mean_patience_s: float
    """Mean time until a waiting customer gives up (exponential)."""
    mean_handle_s: float
    """Mean handling time where the queue has none."""
    handle_sigma: float
    """Sigma of the lognormal handling time."""
    waiting_cost: float
    """Cost of waiting exactly until the target; it grows with the square."""
    mean_episode_s: float
    """Mean time from first answer to resolution, for handover at the end of a shift."""
    stick_half_life_s: float
    """After this long, half of the worth of the same agent is gone."""

    def __post_init__(self) -> None:
        """Check ranges: durations and units above 0, shares within 0 to 1."""
        _check_numbers(self)
        positive = ("units", "target_answer_s", "mean_patience_s", "mean_handle_s", "handle_sigma")
        for name in (*positive, "mean_episode_s", "stick_half_life_s"):
            if not getattr(self, name) > 0:
                raise ValueError(f"channel policy: {name} is {getattr(self, name)}, expected > 0")
        if min(self.units, self.target_answer_s) < 1e-3:
            raise ValueError(
                f"channel policy: units {self.units} and target_answer_s {self.target_answer_s};"
                " expected at least 0.001"
            )
        if self.parked_share > 1:
            raise ValueError(
                f"channel policy: parked_share is {self.parked_share}, expected 0 to 1"
            )
        if self.max_new_per_tick < 1:
            raise ValueError(
                f"channel policy: max_new_per_tick is {self.max_new_per_tick}, expected >= 1"
            )


_LARGEST = 1e9
"""No number of a policy is larger; a duration of 30 years is a slip of the pen."""
_HOUR = 3600.0
_ALL = tuple(Channel)
_LIVE = (Channel.VOICE, Channel.VIDEO, Channel.CALLBACK)


def _live(target_s: float, handle_s: float, waiting_cost: float) -> ChannelPolicy:
    return ChannelPolicy(
        units=100.0,
        parked_share=1.0,
        max_new_per_tick=1,
        real_time=True,
        blocks=_ALL,
        target_answer_s=target_s,
        mean_patience_s=240.0,
        mean_handle_s=handle_s,
        handle_sigma=0.6,
        waiting_cost=waiting_cost,
        mean_episode_s=handle_s,
        stick_half_life_s=72 * _HOUR,
    )


def _written(
    units: float,
    parked_share: float,
    max_new: int,
    target_s: float,
    patience_s: float,
    cost: float,
) -> ChannelPolicy:
    return ChannelPolicy(
        units=units,
        parked_share=parked_share,
        max_new_per_tick=max_new,
        real_time=False,
        blocks=(),
        target_answer_s=target_s,
        mean_patience_s=patience_s,
        mean_handle_s=600.0,
        handle_sigma=0.8,
        waiting_cost=cost,
        mean_episode_s=4 * _HOUR,
        stick_half_life_s=72 * _HOUR,
    )


def default_channels() -> Mapping[Channel, ChannelPolicy]:
    """Channel defaults (`routing.md` R.3, `methods.md` 2.3)."""
    return {
        Channel.VOICE: _live(20.0, 300.0, 0.5),
        Channel.VIDEO: _live(30.0, 420.0, 0.5),
        Channel.CALLBACK: _live(300.0, 300.0, 0.5),
        Channel.CHAT: ChannelPolicy(
            units=33.0,
            parked_share=0.2,
            max_new_per_tick=1,
            real_time=True,
            blocks=_LIVE,
            target_answer_s=60.0,
            mean_patience_s=180.0,
            mean_handle_s=480.0,
            handle_sigma=0.7,
            waiting_cost=0.4,
            mean_episode_s=900.0,
            stick_half_life_s=0.5 * _HOUR,
        ),
        Channel.MESSAGING: _written(25.0, 0.2, 1, 600.0, _HOUR, 0.3),
        Channel.SOCIAL: _written(20.0, 0.2, 2, _HOUR, 12 * _HOUR, 0.5),
        Channel.EMAIL: _written(10.0, 0.0, 3, 8 * _HOUR, 48 * _HOUR, 0.3),
        Channel.CASE: _written(20.0, 0.0, 5, 8 * _HOUR, 48 * _HOUR, 0.3),
    }


def default_breach_penalties() -> Mapping[Tier, float]:
    """Cost of missing the answer target once, by tier (`methods.md` 2.3)."""
    return {Tier.STANDARD: 1.0, Tier.SILVER: 3.0, Tier.GOLD: 8.0}


@dataclass(frozen=True)
class Policy:
    """All numbers that turn tables into eligibility, capacity and gain."""

    tick_s: float = 5.0
    """Time to the next tick: the least that a skipped contact waits."""
    longest_delay_s: float = 3600.0
    """Cap on the expected delay of a skipped contact."""
    most_waiting_cost: float = 1000.0
    """Cap on what one more delay of an overdue contact costs, which grows with the square."""
    channels: Mapping[Channel, ChannelPolicy] = field(default_factory=default_channels)
    breach_penalties: Mapping[Tier, float] = field(default_factory=default_breach_penalties)
    site_caps: Mapping[str, int] = field(default_factory=dict)
    """New conversations that a site may get in one tick; a site not named is not capped."""

    default_value: float = 200.0
    """Lifetime value of a customer of whom nothing is known."""
    benefit_fixed: float = 4.0
    """Worth of a resolution: the repeat contact that it avoids."""
    benefit_share: float = 0.02
    """Plus this share of the customer's value (churn avoided)."""
    failure_fixed: float = 4.0
    """Cost of a contact that was handled and not resolved."""
    failure_share: float = 0.01
    loss_fixed: float = 2.0
    """Cost of a customer who gives up."""
    loss_share: float = 0.01
    escalation_factor: float = 3.0
    """Loss and breach penalty of an escalated contact are this many times as high."""
    sentiment_weight: float = 0.5
    """Effect of a furious customer on impatience and loss; both at most double."""

    p_lowest: float = 0.35
    """Probability of resolving at proficiency 0 (`routing.md` R.6)."""
    p_highest: float = 0.95
    """Probability of resolving at proficiency 10."""
    p_no_skill: float = 0.7
    """Probability of resolving a contact that requires no skill."""
    p_floor: float = 0.25
    """Pairs below this probability are not eligible."""
    min_language_proficiency: int = 5
    """Level of a language that an agent needs to serve in it."""

    stick_worth: float = 1.5
    """Worth of the agent who had this customer last: explanations saved."""
    owner_worth: float = 1.2
    """Worth of the customer's dedicated agent."""
    overtime_cost_per_s: float = 0.01
    """Cost of a second of expected overtime."""
    shift_margin_s: float = 120.0
    """A live contact needs mean handling time and this much before the shift ends."""
    handover_cost: float = 1.0
    """Cost of an episode that outlives the agent's shift and changes hands."""
    idle_worth: float = 0.05
    """Tie-break: worth of giving work to an agent idle for ten minutes or more."""
    load_step_cost: float = 0.02
    """Each further new contact of an agent in a tick costs this much more than the one before."""

    hold_horizon_s: float = 60.0
    """A contact may be held for a busy agent expected free within this time."""
    max_declines: int = 3
    """After this many declines the pair is banned."""
    decline_cooldown_s: float = 600.0
    """A decline keeps the pair apart for this long."""
    extra_contact_share: float = 0.25
    """Share of its units that each further contact of a conversation adds ..."""
    most_extra_units: float = 100.0
    """... up to this, or the lead's own weight: no conversation may grow beyond all agents."""
    callback_from_hour: int = 8
    """Callbacks go out from this local hour of the customer ..."""
    callback_until_hour: int = 20
    """... until this one."""

    def __post_init__(self) -> None:
        """Check that every channel and tier has its numbers and that ranges hold."""
        _check_numbers(self)
        missing = [channel.value for channel in Channel if channel not in self.channels]
        missing += [tier.value for tier in Tier if tier not in self.breach_penalties]
        if missing:
            raise ValueError(f"policy: no numbers for {missing}; expected all channels and tiers")
        if not self.p_lowest <= self.p_highest <= 1 or max(self.p_no_skill, self.p_floor) > 1:
            raise ValueError(
                f"policy: p_lowest {self.p_lowest}, p_highest {self.p_highest}, p_no_skill"
                f" {self.p_no_skill}, p_floor {self.p_floor}; expected probabilities, with"
                " p_lowest <= p_highest"
            )
        if not self.callback_from_hour < self.callback_until_hour <= 24:
            raise ValueError("policy: callback hours must be 0 <= from < until <= 24")
        if not (self.tick_s > 0 and self.hold_horizon_s > 0 and self.longest_delay_s > 0):
            raise ValueError("policy: tick_s, hold_horizon_s and longest_delay_s must be above 0")
        if self.min_language_proficiency > 10:
            raise ValueError(
                f"policy: min_language_proficiency is {self.min_language_proficiency};"
                " expected 0 to 10"
            )
        penalties = {tier: float(amount) for tier, amount in self.breach_penalties.items()}
        object.__setattr__(self, "breach_penalties", penalties)
        named = (*penalties.items(), *self.site_caps.items())
        wrong = {str(name): number for name, number in named if not 0 <= number < math.inf}
        if wrong:
            raise ValueError(f"policy: {wrong}; expected penalties and site caps >= 0")

    def digest(self) -> str:
        """Fingerprint of all numbers: equal policies, equal digests, on any machine."""
        text = json.dumps(asdict(self), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:12]


def _check_numbers(settings: "ChannelPolicy | Policy") -> None:
    """Check that every number is finite and not negative; whole numbers become floats where meant.

    Equal settings must have equal fingerprints, and JSON tells 5 from 5.0.
    """
    for item in fields(settings):
        number = getattr(settings, item.name)
        if not isinstance(number, int | float) or isinstance(number, bool):
            continue
        if not 0 <= number <= _LARGEST:
            raise ValueError(f"policy: {item.name} is {number}; expected a number >= 0")
        if item.type is float:
            object.__setattr__(settings, item.name, float(number))
