"""Who holds more than their limits is found; who got it from us in a legal order is not."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from models.over_limit import OVER_LIMIT, build_over_limit
from models.policy import Policy
from models.tables import Channel
from tests.models.tiny import Row, ago, serves, tiny, with_channel

DEFAULT = Policy()


def held(*items: Row) -> list[Row]:
    """Items of ana, in the order given."""
    return [{"agent_id": "ana", "contact_id": f"h{n}"} | item for n, item in enumerate(items)]


def above(
    items: list[Row], policy: Policy = DEFAULT, units: float = 100.0, **limits: int
) -> Mapping[str, tuple[float, float]]:
    """(held, most) of ana by the limit that is broken."""
    batch = tiny(
        agents=[{"agent_id": "ana", "capacity_units": units}, {"agent_id": "ben"}],
        agent_channels=serves("ana", **(dict.fromkeys(Channel, 20) | limits)),
        agent_load=items,
    )
    found = build_over_limit(batch, policy)
    assert found.schema == OVER_LIMIT
    assert set(found["agent_id"]) <= {"ana"}
    return {limit: (held, most) for _, limit, held, most in found.rows()}


CALL, CHAT, MAIL = {"channel": "voice"}, {"channel": "chat"}, {"channel": "email"}


@pytest.mark.parametrize(
    ("items", "expected"),
    [
        ([], {}),
        ([CALL], {}),
        ([CHAT] * 3, {}),  # 3 * 33 = 99 of 100
        ([CHAT] * 4, {"units": (132.0, 100.0)}),
        ([CALL, CALL], {"units": (200.0, 100.0)}),
        ([MAIL] * 10, {}),
        ([MAIL] * 11, {"units": (110.0, 100.0)}),
        # Mail yields to a call: it may lie beneath one, but not above what fits by itself.
        ([MAIL] * 10 + [CALL], {}),
        ([MAIL] * 11 + [CALL], {"units": (110.0, 100.0)}),
        # Chat does not yield to a call.
        ([CHAT, CALL], {"units": (133.0, 100.0)}),
    ],
)
def test_units(items: list[Row], expected: dict[str, tuple[float, float]]) -> None:
    """100 units: a call takes 100, a chat 33, a mail 10."""
    assert above(held(*items)) == expected


def test_counts_by_channel() -> None:
    """Beyond `max_items`, or on a channel that the agent does not serve at all."""
    small: dict[str, Any] = {"units": 5.0}
    items = held(*[MAIL | small] * 3, CHAT | small)
    assert above(items, email=2, chat=1) == {"email": (3.0, 2.0)}
    assert above(items, email=3, chat=0) == {"chat": (1.0, 0.0)}
    assert above(items, email=3, chat=1) == {}


def test_what_is_parked_or_over_weighs_as_it_does_for_ticks() -> None:
    """Parked chats are not counted and weigh a fifth: 4 * 6.6 = 26.4; wrap-up is over in 60 s."""
    parked = held(*[CHAT | {"state": "parked"}] * 4)
    assert above(parked, chat=1) == {}
    # 16 * 6.6 = 105.6
    assert above(held(*[CHAT | {"state": "parked"}] * 16)) == {"units": (105.6, 100.0)}
    assert above(held(CALL, CALL | {"state": "wrap_up", "state_since": ago(60)}), voice=1) == {}


def test_the_contacts_of_one_customer_are_one_piece_of_work() -> None:
    """Four chats of one customer: one of `max_items`, and 33 * (1 + 3/4) = 57.75 units, unless
    the platform says what each weighs.
    """
    chats = held(*[CHAT | {"customer_id": "u"}] * 4)
    assert above(chats, units=57.75, chat=1) == {}
    assert above(chats, units=57.74, chat=1) == {"units": (57.75, 57.74)}
    stated = held(*[CHAT | {"customer_id": "u", "units": 33.0}] * 4)
    assert above(stated, chat=1) == {"units": (132.0, 100.0)}
    # The name of a conversation is no name of a customer.
    assert above(held(CHAT | {"customer_id": "u"}, CHAT | {"conversation_id": "u"}), chat=1) == {
        "chat": (2.0, 1.0)
    }


def test_extra_units_are_allowed_to_their_channel() -> None:
    """A channel that may fill 35 more: four chats are 132 of 135."""
    policy = with_channel(DEFAULT, Channel.CHAT, extra_units=35.0)
    assert above(held(*[CHAT] * 4), policy) == {}
    assert above(held(*[CHAT] * 5), policy) == {"units": (165.0, 135.0)}


def test_nobody_holds_anything() -> None:
    """No rows at all, also without agents."""
    assert build_over_limit(tiny(), replace(DEFAULT)).is_empty()
