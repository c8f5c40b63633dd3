"""What a policy refuses, and what its fingerprint tells apart."""

from collections.abc import Mapping
from dataclasses import fields, replace
from enum import StrEnum
from typing import Any

import pytest

from models.channel_policy import ChannelPolicy, default_channels
from models.policy import Policy
from models.tables import Channel, Tier


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"units": 0.0}, "units is 0.0, expected > 0"),
        ({"target_answer_s": -1.0}, "target_answer_s is -1.0; expected a number >= 0"),
        ({"mean_patience_s": 0.0}, "mean_patience_s is 0.0, expected > 0"),
        ({"mean_handle_s": float("nan")}, "mean_handle_s is nan; expected a number >= 0"),
        ({"handle_sigma": 0.0}, "handle_sigma is 0.0, expected > 0"),
        ({"mean_episode_s": 0.0}, "mean_episode_s is 0.0, expected > 0"),
        ({"stick_half_life_s": 0.0}, "stick_half_life_s is 0.0, expected > 0"),
        ({"parked_share": 1.01}, "parked_share is 1.01, expected 0 to 1"),
        ({"parked_share": -0.01}, "parked_share is -0.01; expected a number >= 0"),
        ({"max_new_per_tick": 0}, "max_new_per_tick is 0, expected >= 1"),
        ({"waiting_cost": -0.1}, "waiting_cost is -0.1; expected a number >= 0"),
        ({"units": float("inf")}, "units is inf; expected a number >= 0"),
    ],
)
def test_a_channel_refuses_numbers_out_of_range(changes: Mapping[str, Any], message: str) -> None:
    """Durations and units are above 0, shares within 0 to 1; the message names the number."""
    with pytest.raises(ValueError, match=message):
        replace(default_channels()[Channel.CHAT], **changes)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"channels": {Channel.VOICE: default_channels()[Channel.VOICE]}}, "no numbers for.*chat"),
        ({"p_lowest": 0.96}, "p_lowest 0.96, p_highest 0.95"),
        ({"p_highest": 1.5}, "p_highest 1.5"),
        ({"p_lowest": -0.1}, "p_lowest is -0.1"),
        ({"p_floor": 2.0}, "p_floor 2.0"),
        ({"callback_from_hour": 20}, "0 <= from < until <= 24"),
        ({"callback_until_hour": 25}, "0 <= from < until <= 24"),
        ({"tick_s": 0.0}, "tick_s, hold_horizon_s and longest_delay_s must be above 0"),
        ({"longest_delay_s": 0.0}, "longest_delay_s must be above 0"),
        ({"min_language_proficiency": 11}, "min_language_proficiency is 11"),
        ({"decline_cooldown_s": 1e300}, "decline_cooldown_s is 1e.300"),
        ({"hold_horizon_s": 0.0}, "tick_s, hold_horizon_s and longest_delay_s must be above 0"),
        ({"stick_worth": -1.0}, "stick_worth is -1.0; expected a number >= 0"),
        ({"default_value": float("nan")}, "default_value is nan"),
        ({"breach_penalties": {}}, "no numbers for.*gold"),
        ({"site_caps": {"x": -1}}, "'x': -1"),
        ({"max_declines": -1}, "max_declines is -1"),
    ],
)
def test_a_policy_refuses_numbers_out_of_range(changes: Mapping[str, Any], message: str) -> None:
    """Every refusal says what was found or expected."""
    with pytest.raises(ValueError, match=message):
        replace(Policy(), **changes)


def test_the_edges_of_the_ranges_are_fine() -> None:
    """p from 0 to 1, callbacks round the clock, costs of zero."""
    replace(Policy(), p_lowest=0.0, p_highest=1.0, callback_from_hour=0, callback_until_hour=24)
    free: dict[str, Any] = {
        item.name: 0.0
        for item in fields(Policy)
        if item.name.endswith(("_worth", "_cost", "_share", "_fixed"))
    }
    assert len(free) == 27
    free["priority_worth"] = (0.0,) * 10
    replace(Policy(), **free)


def _changed(value: Any) -> Any:  # noqa: ANN401
    """Another value of the same kind."""
    match value:
        case StrEnum():
            return next(other for other in type(value) if other is not value)
        case bool():
            return not value
        case int() | float():
            return (value or 1.0) * 0.5 if isinstance(value, float) else value + 1
        case tuple():
            return value[1:] if value else (Channel.EMAIL,)
        case _:
            raise AssertionError(f"no rule to change {value!r}")


PLAIN = [
    item.name for item in fields(Policy) if not isinstance(getattr(Policy(), item.name), dict)
]


@pytest.mark.parametrize("name", PLAIN)
def test_the_digest_changes_with_every_number(name: str) -> None:
    """Each plain number of the policy is in its fingerprint."""
    other = replace(Policy(), **{name: _changed(getattr(Policy(), name))})
    assert other.digest() != Policy().digest()


@pytest.mark.parametrize("name", [item.name for item in fields(ChannelPolicy)])
@pytest.mark.parametrize("channel", list(Channel))
def test_the_digest_changes_with_every_number_of_every_channel(
    channel: Channel, name: str
) -> None:
    """So is each number of each channel."""
    before = Policy().channels[channel]
    value = getattr(before, name)
    changed = _changed(value)
    after = replace(before, **{name: changed})
    other = replace(Policy(), channels={**Policy().channels, channel: after})
    assert other.digest() != Policy().digest()


def test_the_digest_changes_with_penalties_and_site_caps() -> None:
    """The remaining mappings count, key by key."""
    digests = {
        Policy().digest(),
        replace(Policy(), breach_penalties={**Policy().breach_penalties, Tier.GOLD: 9.0}).digest(),
        replace(Policy(), site_caps={"porto": 1}).digest(),
        replace(Policy(), site_caps={"porto": 2}).digest(),
        replace(Policy(), site_caps={"oslo": 1}).digest(),
    }
    assert len(digests) == 5


def test_equal_policies_have_equal_digests() -> None:
    """Whatever the order in which channels, tiers and sites were written down."""
    one = replace(Policy(), site_caps={"porto": 1, "oslo": 2})
    other = replace(
        Policy(),
        site_caps={"oslo": 2, "porto": 1},
        channels=dict(sorted(Policy().channels.items())),
        breach_penalties=dict(sorted(Policy().breach_penalties.items())),
    )
    assert one == other
    assert one.digest() == other.digest()


def test_equal_policies_have_equal_digests_however_their_numbers_were_written() -> None:
    """A TOML that says 5 means 5.0."""
    whole = Policy(tick_s=5, breach_penalties={Tier.STANDARD: 1, Tier.SILVER: 3, Tier.GOLD: 8})
    assert whole == Policy()
    assert whole.digest() == Policy().digest()
