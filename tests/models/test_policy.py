"""What a policy refuses, and what its fingerprint tells apart."""

import re
from collections.abc import Mapping
from dataclasses import fields, replace
from enum import StrEnum
from typing import Any, get_args, get_type_hints

import pytest

from models.channel_policy import ChannelPolicy, default_channels
from models.number_ranges import ranges_of
from models.policy import Boost, Policy, ProfilePolicy
from models.price_policy import PricePolicy
from models.tables import Channel, Tier


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"units": 0.0}, "units is 0; expected a number from 0.001 to 10,000 units; correct it"),
        (
            {"target_answer_s": -1.0},
            "target_answer_s is -1; expected a number from 0.001 to 2,592,000 s (30 days);"
            " durations are in seconds: correct it",
        ),
        ({"mean_patience_s": 0.0}, "mean_patience_s is 0; expected"),
        ({"mean_handle_s": float("nan")}, "mean_handle_s is nan; expected"),
        ({"mean_handle_s": 86_401.0}, "from 0.001 to 86,400 s (1 day)"),
        ({"handle_sigma": 0.0}, "handle_sigma is 0; expected"),
        ({"mean_episode_s": 0.0}, "mean_episode_s is 0; expected"),
        ({"stick_half_life_s": 0.0}, "stick_half_life_s is 0; expected"),
        ({"parked_share": 1.01}, "parked_share is 1.01; expected a number from 0 to 1;"),
        ({"parked_share": -0.01}, "parked_share is -0.01; expected"),
        (
            {"max_new_per_tick": 0},
            "max_new_per_tick is 0; expected a whole number from 1 to 1,000; correct it",
        ),
        ({"waiting_cost": -0.1}, "waiting_cost is -0.1; expected a number from 0 to 1,000,000 mo"),
        ({"attention": 1.01}, "attention is 1.01; expected a number from 0 to 1; correct it"),
        ({"units": float("inf")}, "units is inf; expected"),
        ({"accept_timeout_s": 100_000.0}, "accept_timeout_s is 100,000; expected"),
    ],
)
def test_a_channel_refuses_numbers_out_of_range(changes: Mapping[str, Any], message: str) -> None:
    """The message names the number, its range, and what to do."""
    with pytest.raises(ValueError, match=re.escape(message)):
        replace(default_channels()[Channel.CHAT], **changes)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"channels": {Channel.VOICE: default_channels()[Channel.VOICE]}}, "no numbers for ['vid"),
        (
            {"p_lowest": 0.96},
            "p_lowest is 0.96 and p_highest 0.95; expected a p_highest that is no",
        ),
        ({"p_highest": 1.5}, "p_highest is 1.5; expected a number from 0 to 1; correct it"),
        ({"p_lowest": -0.1}, "p_lowest is -0.1"),
        ({"p_floor": 2.0}, "p_floor is 2; expected"),
        ({"callback_from_hour": 20}, "callback_from_hour is 20 and callback_until_hour 20"),
        ({"callback_until_hour": 25}, "callback_until_hour is 25; expected"),
        ({"tick_s": 0.0}, "tick_s is 0; expected a number from 0.001 to 3,600 s (1 hour)"),
        ({"longest_delay_s": 0.0}, "longest_delay_s is 0; expected"),
        ({"min_language_proficiency": 11}, "min_language_proficiency is 11; expected"),
        ({"decline_cooldown_s": 1e300}, "decline_cooldown_s is 1e+300; expected"),
        ({"hold_horizon_s": 0.0}, "hold_horizon_s is 0; expected"),
        ({"stick_worth": -1.0}, "stick_worth is -1; expected a number from 0 to 1,000,000 money"),
        ({"default_value": float("nan")}, "default_value is nan"),
        ({"breach_penalties": {}}, "no numbers for ['standard', 'silver', 'gold']; expected all"),
        ({"site_caps": {"x": -1}}, "site_caps.x is -1; expected a whole number from 0 to 1,000,0"),
        ({"max_declines": -1}, "max_declines is -1"),
        ({"priority_worth": (1.0, -2.0)}, "priority_worth[1] is -2; expected"),
        ({"priority_worth": (1.0,) * 11}, "priority_worth has 11 values; expected at most 10"),
        (
            {"breach_penalties": dict.fromkeys(Tier, 1.0) | {Tier.GOLD: 2e6}},
            "breach_penalties.gold is 2,000,000; expected",
        ),
        ({"head_worth": -0.1}, "head_worth is -0.1; expected a number from 0 to 1,000,000 money"),
        ({"lend_service_level": 80.0}, "lend_service_level is 80; expected a number from 0 to 1"),
    ],
)
def test_a_policy_refuses_numbers_out_of_range(changes: Mapping[str, Any], message: str) -> None:
    """Every refusal says what was found, what was expected and what to do."""
    with pytest.raises(ValueError, match=re.escape(message)):
        replace(Policy(), **changes)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"expected_load": 0.0}, "expected_load is 0; expected a number from 0.01 to 2"),
        ({"prior_contacts": 0.5}, "prior_contacts is 0.5; expected a number from 1 to 100,000"),
        ({"abandonment_ceilings": {"q": 5.0}}, "abandonment_ceilings.q is 5; expected a number"),
        ({"price_max_age_s": -1.0}, "price_max_age_s is -1; expected a number from 0 to 86,400 s"),
    ],
)
def test_prices_refuse_numbers_out_of_range(changes: Mapping[str, Any], message: str) -> None:
    """As other numbers do, queue by queue where they are stated by queue."""
    with pytest.raises(ValueError, match=re.escape(message)):
        PricePolicy(**changes)


@pytest.mark.parametrize("kind", [Policy, ChannelPolicy, ProfilePolicy, PricePolicy, Boost])
def test_every_number_has_a_range(kind: type) -> None:
    """And its default lies within; whoever adds a number must say what is sensible."""
    ranges = ranges_of(kind)
    plain = {
        name
        for name, hint in get_type_hints(kind).items()
        if hint in (int, float) or float in get_args(hint) or int in get_args(hint)
    }
    assert set(ranges) == plain
    assert all(0 <= within.least < within.most < 1e9 for within in ranges.values())


def test_the_edges_of_the_ranges_are_fine() -> None:
    """p from 0 to 1, callbacks round the clock, costs of zero."""
    replace(Policy(), p_lowest=0.0, p_highest=1.0, callback_from_hour=0, callback_until_hour=24)
    free: dict[str, Any] = {
        item.name: 0.0
        for item in fields(Policy)
        if item.name.endswith(("_worth", "_cost", "_share", "_fixed"))
    }
    assert len(free) == 29
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
        case PricePolicy():
            return replace(value, most_head_worth=value.most_head_worth + 1.0)
        case _:
            raise AssertionError(f"no rule to change {value!r}")


PLAIN = [
    item.name for item in fields(Policy) if not isinstance(getattr(Policy(), item.name), dict)
]


@pytest.mark.parametrize("name", PLAIN)
def test_the_digest_changes_with_every_number(name: str) -> None:
    """Each plain number of the policy is in its fingerprint."""
    changed: Any = (1.0,) if name == "priority_worth" else _changed(getattr(Policy(), name))
    other = replace(Policy(), **{name: changed})
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
