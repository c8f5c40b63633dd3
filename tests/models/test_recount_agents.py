"""Section 2 of `docs/model.md` as the audit reads it: who is there, until when, and how full."""

import math

import pytest

from models.plan import Reason
from models.policy import Policy
from models.recount.case import Recount
from models.tables import Channel
from tests.models.recounted import offer, verdict
from tests.models.tiny import NOW, Row, ago, ahead, tiny, with_channel

POLICY = Policy()
EMAIL, CHAT = (list(Channel).index(c) for c in (Channel.EMAIL, Channel.CHAT))


@pytest.mark.parametrize(
    ("expired_s", "presence_since", "expected"),
    [
        (299, None, Reason.NOT_RESPONDING),  # within auto_ready_s = 300
        (300, None, None),
        (299, ago(299), Reason.NOT_RESPONDING),  # not after the event
        (299, ago(298), None),
    ],
)
def test_who_let_an_offer_expire_must_come_back(
    expired_s: float, presence_since: object, expected: Reason | None
) -> None:
    """Nothing for `auto_ready_s` unless the agent takes a presence anew."""
    batch = tiny(
        agents=[{"agent_id": "a", "presence_since": presence_since}],
        contacts=[{"contact_id": "c"}],
        offers=[offer("a", "gone", "expired", expired_s)],
    )
    assert verdict(Recount(batch, POLICY), "c", "a") is expected


def test_activities_end_the_shift_early_and_interrupt_it() -> None:
    """A break under way takes the agent off shift; one ahead is the end of the time left."""
    agents = [{"agent_id": "a"}, {"agent_id": "b"}]
    activities = [
        {"agent_id": "a", "starts_at": NOW, "ends_at": ahead(60)},
        # 300 s of handling and 120 s of margin do not fit 419 s.
        {"agent_id": "b", "starts_at": ahead(419), "ends_at": ahead(900)},
    ]
    contacts = [{"contact_id": "v", "channel": "voice"}]
    batch = tiny(agents=agents, contacts=contacts, agent_activities=activities)
    tables = Recount(batch, POLICY)
    assert verdict(tables, "v", "a") is Reason.OFF_SHIFT
    assert verdict(tables, "v", "b") is Reason.SHIFT_TOO_SHORT
    assert tables.agents.shift_left_s.tolist() == [4 * 3600, 419]


@pytest.mark.parametrize(
    ("agent", "ends_s", "expected"),
    [
        ({"shift_start_at": ahead(100)}, [], 100),
        ({"shift_start_at": ahead(100)}, [50], 100),  # whatever is going on
        ({}, [50], 50),
        ({}, [50, 80], 80),  # of several the latest
        ({"shift_end_at": ahead(81)}, [80], 80),
        ({"shift_end_at": ahead(80)}, [80], None),  # the shift is over by then
        ({"shift_end_at": ago(1)}, [], None),
        ({}, [], None),  # on shift
    ],
)
def test_who_is_not_on_shift_starts_with_it_or_after_a_break(
    agent: Row, ends_s: list[float], expected: float | None
) -> None:
    """Breaks began 10 s ago; another one, ahead, is none of them. E is the same."""
    breaks = [{"starts_at": ago(10), "ends_at": ahead(end)} for end in ends_s]
    breaks.append({"starts_at": ahead(1), "ends_at": ahead(99)})
    batch = tiny(
        agents=[{"agent_id": "a"} | agent],
        contacts=[{"contact_id": "c"}],
        agent_activities=[{"agent_id": "a"} | row for row in breaks],
    )
    agents = Recount(batch, POLICY).agents
    known = math.inf if expected is None else expected
    assert agents.starts_in_s.tolist() == [known]
    assert agents.free_later_s.tolist() == [known]


@pytest.mark.parametrize(
    ("agent", "ends_s", "expected"),
    [
        ({"presence": "busy"}, [900, 400], 400),  # beyond any horizon
        ({}, [400], 400),  # also of who is free now
        ({}, [-1, 400], 400),
        ({}, [-1], None),
        ({}, [], None),
        ({"presence": "away"}, [400], None),
        ({"shift_end_at": ago(1)}, [400], None),
        ({"shift_start_at": ahead(900)}, [400], 900),
    ],
)
def test_who_is_at_work_is_free_when_the_first_item_ends(
    agent: Row, ends_s: list[float], expected: float | None
) -> None:
    """E is known of who is present and on shift and holds what is not overdue."""
    held = [{"contact_id": f"h{n}", "expected_end_at": ahead(end)} for n, end in enumerate(ends_s)]
    batch = tiny(
        agents=[{"agent_id": "a"} | agent],
        contacts=[{"contact_id": "c"}],
        agent_load=[{"agent_id": "a"} | row for row in held],
    )
    found = Recount(batch, POLICY).agents.free_later_s.tolist()
    assert found == [math.inf if expected is None else expected]


@pytest.mark.parametrize(
    ("item", "free_for_chat", "blocks_voice"),
    [
        # Chats: 33 units in full, 6.6 parked; they block calls unless parked or over.
        ({"state": "active", "last_customer_at": ago(179)}, 67.0, True),
        ({"state": "active", "last_customer_at": ago(180)}, 93.4, False),
        ({"state": "parked"}, 93.4, False),
        ({"state": "wrap_up", "state_since": ago(59)}, 67.0, True),
        ({"state": "wrap_up", "state_since": ago(60)}, 100.0, False),
        ({"state": "wrap_up"}, 67.0, True),
    ],
)
def test_silence_parks_and_wrap_up_ends(
    item: Row, free_for_chat: float, blocks_voice: bool
) -> None:
    """`inactive_after_s` of a chat is 180, `wrap_block_s` 60; both limits are met exactly."""
    held = {"agent_id": "a", "contact_id": "h", "channel": "chat", "expected_end_at": ahead(900)}
    batch = tiny(
        agents=[{"agent_id": "a"}], contacts=[{"contact_id": "c"}], agent_load=[held | item]
    )
    agents = Recount(batch, POLICY).agents
    assert agents.free_units[0, CHAT] == pytest.approx(free_for_chat, abs=1e-9)
    assert bool(agents.blocked[0, 0]) is blocks_voice


@pytest.mark.parametrize(
    ("item", "blocked"),
    [
        ({"channel": "chat", "state": "offered"}, {"voice", "video", "callback", "chat"}),
        ({"channel": "chat", "last_customer_at": ago(5)}, {"voice", "video", "callback"}),
        ({"channel": "email", "state": "offered"}, set()),
    ],
)
def test_what_rings_keeps_other_rings_away(item: Row, blocked: set[str]) -> None:
    """A real-time item that is only offered blocks all real-time channels; answered, a chat
    blocks calls.
    """
    batch = tiny(
        agents=[{"agent_id": "a"}, {"agent_id": "b"}],
        contacts=[{"contact_id": "c"}],
        agent_load=[{"agent_id": "a", "contact_id": "h"} | item],
    )
    agents = Recount(batch, POLICY).agents
    assert [name in blocked for name in Channel] == agents.blocked[0].tolist()
    assert not agents.blocked[1].any()


def test_what_yields_takes_nothing_from_its_interrupter() -> None:
    """Emails yield to calls: 100 units are free for a call, 90 for an email."""
    held = [{"agent_id": "a", "contact_id": "h", "expected_end_at": ahead(900)}]
    batch = tiny(agents=[{"agent_id": "a"}], contacts=[{"contact_id": "c"}], agent_load=held)
    agents = Recount(batch, with_channel(POLICY, Channel.CHAT, extra_units=5.0)).agents
    assert agents.free_units[0, 0] == 100
    assert agents.free_units[0, EMAIL] == 90
    assert agents.free_units[0, CHAT] == 95
    assert agents.interrupts[0, [0, EMAIL]].tolist() == [1, 0]
