"""Locks and reservations of section 3 of `docs/model.md` as the audit reads them."""

from dataclasses import replace

import pytest

from models.plan import Reason
from models.policy import Policy, VoiceFollow
from models.recount.case import Recount
from tests.models.recounted import declined, verdict
from tests.models.tiny import NOW, Row, ago, ahead, serves, tiny

POLICY = Policy()
KEEP_TEXT_OWNER = replace(POLICY, voice_follow=VoiceFollow.KEEP_TEXT_OWNER)


@pytest.mark.parametrize(
    ("agent", "expected"),
    [
        # Available, or away for less than lock_release_s = 60.
        ({"presence": "available"}, Reason.CUSTOMER_LOCKED),
        ({"presence": "away", "presence_since": ago(59)}, Reason.CUSTOMER_LOCKED),
        ({"presence": "away", "presence_since": ago(60)}, None),
        ({"presence": "away"}, None),
        ({"presence": "offline", "presence_since": ago(1)}, None),
        ({"presence": "away", "presence_since": ago(1), "shift_end_at": NOW}, None),
    ],
)
def test_a_lock_outlives_a_short_absence(agent: Row, expected: Reason | None) -> None:
    """Who holds an email of the customer keeps the message that just came in."""
    batch = tiny(
        agents=[{"agent_id": "a"} | agent, {"agent_id": "b"}],
        contacts=[{"contact_id": "m", "channel": "messaging", "customer_id": "k"}],
        agent_load=[{"agent_id": "a", "contact_id": "h", "customer_id": "k"}],
    )
    assert verdict(Recount(batch, POLICY), "m", "b") is expected


def test_a_call_locks_whatever_its_agent_can_do_and_is_never_locked_itself() -> None:
    """Agent a serves only calls, so a written item would lock nothing."""
    agents = [{"agent_id": "a"}, {"agent_id": "b"}]
    channels = serves("a", voice=1) + serves("b", voice=1, messaging=5)

    def tables(held: str, waiting: str) -> Recount:
        item = {"agent_id": "a", "contact_id": "h", "customer_id": "k", "channel": held}
        contacts = [{"contact_id": "c", "channel": waiting, "customer_id": "k"}]
        rows: dict[str, list[Row]] = {"agents": agents, "agent_channels": channels}
        return Recount(tiny(**rows, contacts=contacts, agent_load=[item]), POLICY)

    assert verdict(tables("voice", "messaging"), "c", "b") is Reason.CUSTOMER_LOCKED
    assert verdict(tables("email", "messaging"), "c", "b") is None
    assert verdict(tables("voice", "voice"), "c", "b") is None


def test_of_several_locks_the_live_item_then_the_latest_wins() -> None:
    """b has the later email, a the call; without the call the email that started last decides."""
    contacts = [{"contact_id": "m", "channel": "messaging", "customer_id": "k"}]
    agents = [{"agent_id": "a"}, {"agent_id": "b"}, {"agent_id": "c"}]

    def only(*items: Row) -> int:
        load = [{"customer_id": "k", "contact_id": f"h{n}"} | item for n, item in enumerate(items)]
        batch = tiny(agents=agents, contacts=contacts, agent_load=load)
        return int(Recount(batch, POLICY).eligibility.only_agent[0])

    early = {"agent_id": "b", "started_at": ago(50)}
    assert only({"agent_id": "a", "channel": "voice", "started_at": ago(90)}, early) == 0
    assert only({"agent_id": "a", "started_at": ago(90)}, early) == 1
    assert only({"agent_id": "c", "started_at": ago(50)}, early) == 2


@pytest.mark.parametrize(
    ("declines_s", "held", "waited_s", "policy", "expected"),
    [
        ((), "email", 0, POLICY, Reason.CUSTOMER_LOCKED),
        ((), "voice", 0, POLICY, Reason.CUSTOMER_LOCKED),
        # Three declines ban the pair, as b could serve it: neither item locks any more.
        ((700, 701, 702), "email", 0, POLICY, None),
        ((700, 701, 702), "voice", 0, POLICY, None),
        # One, a moment ago, only lets it rest.
        ((100,), "email", 0, POLICY, Reason.CUSTOMER_LOCKED),
        # Beyond 4 h a message is starved: only the agent of a call is waited for.
        ((), "email", 4 * 3600 + 1, POLICY, None),
        ((), "voice", 4 * 3600 + 1, POLICY, Reason.CUSTOMER_LOCKED),
        # Where texts keep their own agent a call locks nothing, whoever has it.
        ((), "email", 0, KEEP_TEXT_OWNER, Reason.CUSTOMER_LOCKED),
        ((), "voice", 0, KEEP_TEXT_OWNER, None),
    ],
)
def test_who_can_no_longer_serve_a_customer_locks_nothing(
    declines_s: tuple[float, ...],
    held: str,
    waited_s: float,
    policy: Policy,
    expected: Reason | None,
) -> None:
    """Agent a holds something of the customer, whose message b could take."""
    batch = tiny(
        agents=[{"agent_id": "a"}, {"agent_id": "b"}],
        contacts=[
            {"contact_id": "m", "channel": "messaging", "customer_id": "k"}
            | {"entered_at": ago(waited_s)}
        ],
        agent_load=[{"agent_id": "a", "contact_id": "h", "customer_id": "k", "channel": held}],
        declines=declined("m", "a", *declines_s),
    )
    assert verdict(Recount(batch, policy), "m", "b") is expected


@pytest.mark.parametrize(("ends_s", "expected"), [(250, Reason.HELD_FOR_PREFERRED), (251, None)])
def test_a_message_waits_for_the_agent_who_had_it(ends_s: float, expected: Reason | None) -> None:
    """1.2 E may be min(600, 0.5 * 600) = 300 s: E is 250 s at most."""
    contact = {"contact_id": "m", "channel": "messaging", "last_agent_id": "a"}
    call = {"channel": "voice", "contact_id": "h", "expected_end_at": ahead(ends_s)}
    batch = tiny(
        agents=[{"agent_id": "a", "presence": "busy"}, {"agent_id": "b"}],
        contacts=[contact | {"last_agent_at": ago(3599)}],
        agent_load=[call | {"agent_id": "a"}],
    )
    assert verdict(Recount(batch, POLICY), "m", "b") is expected


@pytest.mark.parametrize(("waited_s", "expected"), [(300, Reason.HELD_FOR_PREFERRED), (301, None)])
def test_a_wait_for_one_agent_is_bounded_from_its_first_second(
    waited_s: float, expected: Reason | None
) -> None:
    """The target is far away; 300 s and 1.2 * 250 s are the 600 s of `hold_preferred_s`."""
    contact = {"contact_id": "m", "channel": "messaging", "entered_at": ago(waited_s)}
    call = {"channel": "voice", "contact_id": "h", "expected_end_at": ahead(250)}
    batch = tiny(
        queues=[{"queue_id": "q", "target_answer_s": 1e6}],
        agents=[{"agent_id": "a", "presence": "busy"}, {"agent_id": "b"}],
        contacts=[contact | {"last_agent_id": "a", "last_agent_at": ago(600)}],
        agent_load=[call | {"agent_id": "a"}],
    )
    assert verdict(Recount(batch, POLICY), "m", "b") is expected


@pytest.mark.parametrize(
    ("most", "ends_s", "declines", "expected"),
    [
        # Free for emails, but with as many messages as a may have: any of them may end.
        (1, 250, 0, Reason.HELD_FOR_PREFERRED),
        (1, 251, 0, None),
        (1, -1, 0, None),  # nobody knows when
        (2, 250, 0, None),  # there is room now
        # What keeps the pair apart is not waited for.
        (1, 250, 1, None),
    ],
)
def test_a_message_waits_for_room_at_an_agent_who_is_free(
    most: int, ends_s: float, declines: int, expected: Reason | None
) -> None:
    """Failing a test from `at_capacity` to `units_full` is like being busy."""
    contact = {"contact_id": "m", "channel": "messaging"}
    item = {"contact_id": "h", "channel": "messaging", "expected_end_at": ahead(ends_s)}
    batch = tiny(
        agents=[{"agent_id": "a"}, {"agent_id": "b"}],
        agent_channels=serves("a", messaging=most, email=1) + serves("b", messaging=1),
        contacts=[contact | {"last_agent_id": "a", "last_agent_at": ago(600)}],
        agent_load=[item | {"agent_id": "a"}],
        declines=declined("m", "a", *(100,) * declines),
    )
    assert verdict(Recount(batch, POLICY), "m", "b") is expected


def test_a_chat_is_held_for_the_preferred_agent_alone_who_is_free_soon() -> None:
    """a's call ends in 25 s, 1.2 * 25 = 30 is half of 60: a may take the chat, b must not."""
    batch = tiny(
        agents=[{"agent_id": "a"}, {"agent_id": "b"}],
        contacts=[
            {"contact_id": "c", "channel": "chat"}
            | {"last_agent_id": "a", "last_agent_at": ago(600)}
        ],
        agent_load=[
            {"agent_id": "a", "contact_id": "h", "channel": "voice"}
            | {"expected_end_at": ahead(25)}
        ],
    )
    tables = Recount(batch, POLICY)
    assert tables.agents.free_soon.tolist() == [True, False]
    assert verdict(tables, "c", "a") is None
    assert verdict(tables, "c", "b") is Reason.HELD_FOR_PREFERRED


@pytest.mark.parametrize(
    ("starts_s", "expected"),
    [
        # E + h <= left: 28,200 + 600 = 8 h.
        (28_200, Reason.HELD_FOR_PREFERRED),
        (28_201, None),
    ],
)
def test_an_email_waits_for_its_owner_to_come(starts_s: float, expected: Reason | None) -> None:
    """The owner is offline and starts within `ahead_s`, early enough for the target."""
    owner = {"agent_id": "a", "presence": "offline", "shift_start_at": ahead(starts_s)}
    batch = tiny(
        agents=[owner | {"shift_end_at": ahead(60_000)}, {"agent_id": "b"}],
        customers=[{"customer_id": "k", "owner_agent_id": "a"}],
        contacts=[{"contact_id": "c", "customer_id": "k"}],
    )
    assert verdict(Recount(batch, POLICY), "c", "b") is expected


@pytest.mark.parametrize(
    ("back_s", "expected"), [(3_000, Reason.HELD_FOR_PREFERRED), (4 * 3_600, None)]
)
def test_an_email_waits_for_an_owner_on_a_break(back_s: float, expected: Reason | None) -> None:
    """Who is back before the shift ends, in 4 h, is waited for; the target leaves 8 h."""
    batch = tiny(
        agents=[{"agent_id": "a", "presence": "away"}, {"agent_id": "b"}],
        agent_activities=[{"agent_id": "a", "starts_at": ago(60), "ends_at": ahead(back_s)}],
        customers=[{"customer_id": "k", "owner_agent_id": "a"}],
        contacts=[{"contact_id": "c", "customer_id": "k"}],
    )
    assert verdict(Recount(batch, POLICY), "c", "b") is expected
