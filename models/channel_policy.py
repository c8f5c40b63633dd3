"""What the business wants of each channel, in numbers, with the defaults of the trade.

Money is in one currency; durations are seconds.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from models.number_ranges import (
    DAY_S,
    MONTH_S,
    YEAR_S,
    Money,
    Share,
    UpToDay,
    UpToMonth,
    UpToYear,
    Within,
    check_numbers,
)
from models.tables import Channel


@dataclass(frozen=True)
class ChannelPolicy:
    """How contacts of one channel behave and what they cost."""

    units: Annotated[float, Within(1e-3, 10_000, "units")]
    """Units of an agent's capacity that one contact consumes."""
    parked_share: Share
    """Share of the units that a parked contact still consumes, 0 to 1."""
    max_new_per_tick: Annotated[int, Within(1, 1_000)]
    """New contacts of this channel that one agent may get in one tick."""
    real_time: bool
    """Whether the customer is on the line: the agent must stay until it can be handled."""
    blocks: tuple[Channel, ...]
    """Channels that an agent who holds one of these cannot be given."""
    yields_to: tuple[Channel, ...]
    """Channels that interrupt it: held contacts take no units away from them."""
    target_answer_s: Annotated[float, Within(1e-3, MONTH_S, "s")]
    """Answer target where the queue has none."""
    mean_patience_s: Annotated[float, Within(1e-3, YEAR_S, "s")]
    """Mean time until a waiting customer gives up (exponential)."""
    mean_handle_s: Annotated[float, Within(1e-3, DAY_S, "s")]
    """Mean handling time where the queue has none."""
    handle_sigma: Annotated[float, Within(1e-3, 5)]
    """Sigma of the lognormal handling time."""
    waiting_cost: Money
    """Cost of waiting exactly until the target; it grows with the square."""
    mean_episode_s: Annotated[float, Within(1e-3, YEAR_S, "s")]
    """Mean time from first answer to resolution, for handover at the end of a shift."""
    stick_half_life_s: Annotated[float, Within(1e-3, YEAR_S, "s")]
    """After this long, half of the worth of the same agent is gone."""
    attention: Share = 1.0
    """Share of an agent's attention that one contact takes while it is handled: of the price of
    their time it pays as much."""
    extra_units: Annotated[float, Within(0, 10_000, "units")] = 0.0
    """Units beyond an agent's capacity that this channel may fill."""
    wrap_block_s: UpToDay = 60.0
    """Wrap-up consumes capacity for so long; after that it is nothing."""
    inactive_after_s: UpToMonth = 0.0
    """An active contact counts as parked so long after the customer's last message; 0: never."""
    max_per_hour: Annotated[int, Within(0, 10_000)] = 0
    """Offers of this channel that one agent may get in any hour; 0: no limit."""
    accept_timeout_s: UpToDay = 0.0
    """An offer that is not answered within this time expires; 0: offers count as accepted."""
    same_agent_window_s: UpToYear = 0.0
    """So long after the last agent had the customer, that agent is preferred for a reply."""
    hold_preferred_s: UpToMonth = 0.0
    """A contact waits for a busy preferred agent who is expected free within this time."""
    ahead_s: UpToMonth = 0.0
    """A contact may wait for a preferred agent whose shift starts within this time."""
    owner_gone_s: UpToMonth = 900.0
    """Held contacts of an agent who is away for longer than this go back to their queue."""
    relax_after_s: Annotated[float, Within(1e-3, MONTH_S, "s")] = 30.0
    """Skills of low, medium and high importance are dropped after one, two, three times this."""
    max_wait_s: UpToYear = 0.0
    """Who waits longer is served before money counts; 0: no guarantee."""

    def __post_init__(self) -> None:
        """Check ranges."""
        check_numbers(self)


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
        yields_to=(),
        target_answer_s=target_s,
        mean_patience_s=240.0,
        mean_handle_s=handle_s,
        handle_sigma=0.6,
        waiting_cost=waiting_cost,
        mean_episode_s=handle_s,
        stick_half_life_s=72 * _HOUR,
        accept_timeout_s=20.0,
        owner_gone_s=60.0,
        max_wait_s=600.0,
    )


def _written(
    units: float,
    parked_share: float,
    max_new: int,
    target_s: float,
    patience_s: float,
    cost: float,
    **more: Any,  # noqa: ANN401
) -> ChannelPolicy:
    return ChannelPolicy(
        units=units,
        parked_share=parked_share,
        max_new_per_tick=max_new,
        real_time=False,
        blocks=(),
        yields_to=_LIVE,
        max_per_hour=100,
        target_answer_s=target_s,
        mean_patience_s=patience_s,
        mean_handle_s=600.0,
        handle_sigma=0.8,
        waiting_cost=cost,
        mean_episode_s=4 * _HOUR,
        stick_half_life_s=72 * _HOUR,
        attention=0.05,  # interruptible: dearer written work makes chat customers leave
        **more,
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
            yields_to=(),
            target_answer_s=60.0,
            mean_patience_s=180.0,
            mean_handle_s=480.0,
            handle_sigma=0.7,
            waiting_cost=0.4,
            mean_episode_s=900.0,
            stick_half_life_s=0.5 * _HOUR,
            attention=0.33,
            inactive_after_s=180.0,
            accept_timeout_s=30.0,
            same_agent_window_s=0.5 * _HOUR,
            hold_preferred_s=45.0,
            owner_gone_s=60.0,
            relax_after_s=45.0,
            max_wait_s=1200.0,
        ),
        Channel.MESSAGING: _written(
            25.0,
            0.2,
            1,
            600.0,
            _HOUR,
            0.3,
            inactive_after_s=600.0,
            accept_timeout_s=60.0,
            same_agent_window_s=_HOUR,
            hold_preferred_s=600.0,
            relax_after_s=300.0,
            max_wait_s=4 * _HOUR,
        ),
        Channel.SOCIAL: _written(
            20.0,
            0.2,
            2,
            _HOUR,
            12 * _HOUR,
            0.5,
            same_agent_window_s=24 * _HOUR,
            hold_preferred_s=_HOUR,
            relax_after_s=0.5 * _HOUR,
            max_wait_s=24 * _HOUR,
        ),
        Channel.EMAIL: _written(
            10.0,
            0.0,
            3,
            8 * _HOUR,
            48 * _HOUR,
            0.3,
            same_agent_window_s=72 * _HOUR,
            hold_preferred_s=4 * _HOUR,
            ahead_s=16 * _HOUR,
            owner_gone_s=8 * _HOUR,
            relax_after_s=2 * _HOUR,
            max_wait_s=72 * _HOUR,
        ),
        Channel.CASE: _written(
            20.0,
            0.0,
            5,
            8 * _HOUR,
            48 * _HOUR,
            0.3,
            same_agent_window_s=72 * _HOUR,
            hold_preferred_s=4 * _HOUR,
            ahead_s=16 * _HOUR,
            owner_gone_s=8 * _HOUR,
            relax_after_s=2 * _HOUR,
            max_wait_s=72 * _HOUR,
        ),
    }
