"""Section 1 of `docs/model.md`: which contacts form a conversation, and what it looks like."""

from dataclasses import replace
from datetime import datetime

import pytest

from models.conversations import Conversations
from models.overflow import HELPER_SEPARATOR
from models.policy import Policy, VoiceFollow
from models.tables import Channel
from tests.models.tiny import NOW, Row, ago, ahead, tiny
from tests.models.tiny_conversations import conversations, conversations_of, only_unit


def members_of(found: Conversations) -> list[list[str]]:
    """Contact ids of every conversation, the lead first."""
    groups = found.members.group_by("conversation_idx", maintain_order=True).agg("contact_id")
    return groups["contact_id"].to_list()


def test_a_customer_on_two_channels_is_one_conversation() -> None:
    """The heaviest channel leads and gives lane, queue and handling time; others add a quarter."""
    unit = only_unit(
        queues=[{"queue_id": "calls", "mean_handle_s": 240.0}, {"queue_id": "mail"}],
        customers=[{"customer_id": "u"}],
        contacts=[
            {"contact_id": "a", "customer_id": "u", "channel": "email", "queue_id": "mail"},
            {"contact_id": "b", "customer_id": "u", "channel": "voice", "queue_id": "calls"},
            {"contact_id": "c", "customer_id": "u", "channel": "chat", "queue_id": "mail"},
        ],
    )
    assert (unit["lead_contact_id"], unit["lane"], unit["queue_id"]) == ("b", "voice", "calls")
    assert (unit["handle_s"], unit["any_live"], unit["real_time"]) == (240.0, True, True)
    assert unit["channels"] == "chat,email,voice"
    assert unit["units"] == 100.0  # 100 + 0.25 * (33 + 10), capped at most_extra_units


def test_contacts_without_a_customer_belong_to_their_conversation() -> None:
    """Two contacts of one thread are one conversation, a third thread stays alone."""
    found = conversations(
        contacts=[
            {"contact_id": "a", "conversation_id": "t1"},
            {"contact_id": "b", "conversation_id": "t1"},
            {"contact_id": "c", "conversation_id": "t2"},
        ]
    )
    assert members_of(found) == [["a", "b"], ["c"]]


def test_one_named_customer_identifies_the_whole_conversation() -> None:
    """A thread where one contact names the customer joins that customer's other thread."""
    found = conversations(
        customers=[{"customer_id": "u"}],
        contacts=[
            {"contact_id": "a", "conversation_id": "t1"},
            {"contact_id": "b", "conversation_id": "t1", "customer_id": "u"},
            {"contact_id": "c", "conversation_id": "t2", "customer_id": "u"},
        ],
    )
    assert members_of(found) == [["a", "b", "c"]]


def test_of_two_customers_in_a_conversation_the_largest_id_counts() -> None:
    """Thread t1 names u1 and u2 and so belongs to u2; another thread of u1 stays apart."""
    found = conversations(
        contacts=[
            {"contact_id": "a", "conversation_id": "t1", "customer_id": "u1"},
            {"contact_id": "b", "conversation_id": "t1", "customer_id": "u2"},
            {"contact_id": "c", "conversation_id": "t2", "customer_id": "u1"},
            {"contact_id": "d", "conversation_id": "t3", "customer_id": "u2"},
        ]
    )
    assert members_of(found) == [["c"], ["a", "b", "d"]]


def test_a_customer_and_a_conversation_of_the_same_id_stay_apart() -> None:
    """An id that names a customer here and a thread there does not join two parties."""
    found = conversations(
        contacts=[
            {"contact_id": "a", "conversation_id": "t", "customer_id": "same"},
            {"contact_id": "b", "conversation_id": "same"},
        ]
    )
    assert sorted(members_of(found)) == [["a"], ["b"]]


@pytest.mark.parametrize(
    ("first", "second", "lead"),
    [
        ({"channel": "email"}, {"channel": "case"}, "b"),  # 20 units outweigh 10
        ({"channel": "social"}, {"channel": "case"}, "a"),  # 20 = 20, same age: smaller id
        ({"entered_at": ago(1)}, {"entered_at": ago(2)}, "b"),  # earlier
        ({}, {}, "a"),  # smaller id
        ({"channel": "email", "entered_at": ago(9)}, {"channel": "case"}, "b"),  # weight first
    ],
)
def test_the_lead_is_the_heaviest_then_earliest_then_smallest(
    first: Row, second: Row, lead: str
) -> None:
    """Order of the tests: weight of the channel, `entered_at`, `contact_id`."""
    unit = only_unit(
        contacts=[
            {"contact_id": "a", "conversation_id": "t"} | first,
            {"contact_id": "b", "conversation_id": "t"} | second,
        ]
    )
    assert unit["lead_contact_id"] == lead


def test_requirements_take_the_highest_level_of_every_member() -> None:
    """A language is the skill `language:<code>` at 5 or higher where a row asks for more."""
    found = conversations(
        contacts=[
            {"contact_id": "a", "conversation_id": "t", "language": "es"},
            {"contact_id": "b", "conversation_id": "t", "language": "fr"},
        ],
        contact_skills=[
            {"contact_id": "a", "skill": "billing", "min_proficiency": 4},
            {"contact_id": "b", "skill": "billing", "min_proficiency": 6},
            {"contact_id": "a", "skill": "language:es", "min_proficiency": 8},
            {"contact_id": "a", "skill": "language:fr", "min_proficiency": 3},
        ],
    )
    rows = found.requirements.select("skill", "min_proficiency", "is_language").rows()
    assert rows == [("billing", 6, False), ("language:es", 8, True), ("language:fr", 5, True)]


@pytest.mark.parametrize(
    ("channel", "message_at", "wait_s"),
    [
        ("voice", ago(10), 100.0),  # real-time: since it entered, whatever was written
        ("chat", ago(10), 100.0),  # real-time too
        ("messaging", ago(10), 10.0),  # written: since the last message
        ("email", None, 100.0),  # no message noted: since it entered
        ("email", ahead(30), 0.0),  # a clock that runs ahead is no negative wait
    ],
)
def test_the_clock_of_a_member(channel: str, message_at: datetime | None, wait_s: float) -> None:
    """Written channels wait since the last unanswered message, real-time ones since they came."""
    found = conversations(
        contacts=[
            {
                "contact_id": "a",
                "channel": channel,
                "entered_at": ago(100),
                "last_message_at": message_at,
            }
        ]
    )
    assert found.members["wait_s"].to_list() == [wait_s]


def test_the_clock_of_a_conversation_is_its_members_earliest() -> None:
    """An email waiting since 500 s (its message) beats a call waiting since 100 s."""
    unit = only_unit(
        contacts=[
            {
                "contact_id": "a",
                "conversation_id": "t",
                "entered_at": ago(900),
                "last_message_at": ago(500),
            },
            {
                "contact_id": "b",
                "conversation_id": "t",
                "channel": "voice",
                "entered_at": ago(100),
            },
        ]
    )
    assert unit["clock"] == ago(500)


@pytest.mark.parametrize(
    ("contact", "queue", "target_s"),
    [
        ({"due_at": ahead(40)}, {"target_answer_s": 30.0}, 140.0),  # due - clock = 40 + 100
        ({"due_at": ago(400)}, {"target_answer_s": 30.0}, 1.0),  # already late: at least 1 s
        ({"due_at": ago(99.5)}, {}, 1.0),  # 0.5 s is raised to 1 s
        ({}, {"target_answer_s": 30.0}, 30.0),
        ({}, {}, 28_800.0),  # the email channel's own
    ],
)
def test_the_target_is_the_promise_then_the_queue_s_then_the_channel_s(
    contact: Row, queue: Row, target_s: float
) -> None:
    """`due_at - clock`, else the queue's `target_answer_s`, else the channel's."""
    found = conversations(
        queues=[{"queue_id": "q"} | queue],
        contacts=[{"contact_id": "a", "entered_at": ago(100)} | contact],
    )
    assert found.members["target_s"].to_list() == [target_s]


def test_handling_time_is_the_lead_queue_s_else_the_lane_s() -> None:
    """600 s of an email without, 90 s with a queue that knows better."""
    contact = {"contact_id": "a"}
    assert only_unit(contacts=[contact])["handle_s"] == 600.0
    queue = {"queue_id": "q", "mean_handle_s": 90.0}
    assert only_unit(queues=[queue], contacts=[contact])["handle_s"] == 90.0


@pytest.mark.parametrize(
    ("contacts", "customers", "value"),
    [
        ([{"value": 70.0}, {"value": 90.0}], [{"customer_id": "u", "value": 40.0}], 90.0),
        ([{}, {}], [{"customer_id": "u", "value": 40.0}], 40.0),
        ([{}, {}], [], 200.0),  # default_value
        ([{"value": 0.0}], [], 0.0),  # known to be worth nothing is not unknown
    ],
)
def test_the_value_is_the_contacts_then_the_customer_s_then_the_default(
    contacts: list[Row], customers: list[Row], value: float
) -> None:
    """The largest of the members' values; the customer's only where no member has one."""
    rows = [
        {"contact_id": f"c{place}", "customer_id": "u"} | row for place, row in enumerate(contacts)
    ]
    assert only_unit(contacts=rows, customers=customers)["value"] == value


def test_mood_escalation_and_tier_are_the_worst_of_the_members() -> None:
    """Lowest sentiment, escalated if any is, tier of the customer."""
    unit = only_unit(
        customers=[{"customer_id": "u", "tier": "gold", "owner_agent_id": "o"}],
        contacts=[
            {"contact_id": "a", "customer_id": "u", "sentiment": 0.5},
            {"contact_id": "b", "customer_id": "u", "sentiment": -0.25, "escalated": True},
            {"contact_id": "c", "customer_id": "u"},
        ],
    )
    assert (unit["sentiment"], unit["escalated"]) == (-0.25, True)
    assert (unit["tier"], unit["owner_agent_id"]) == ("gold", "o")


def test_an_unknown_customer_is_calm_standard_and_not_escalated() -> None:
    """Where nothing is known: sentiment 0, tier standard, no escalation, no owner."""
    unit = only_unit(contacts=[{"contact_id": "a"}])
    assert (unit["sentiment"], unit["escalated"]) == (0.0, False)
    assert (unit["tier"], unit["owner_agent_id"]) == ("standard", None)


@pytest.mark.parametrize(
    ("waits", "may_hold"),
    [
        ([20.0], True),  # 60 - 20 = 40 = 2 * tick_s + accept_timeout_s
        ([20.000001], False),
        ([0.0, 20.5], False),  # the tightest member decides
        ([70.0], False),
    ],
)
def test_a_conversation_may_be_held_while_two_ticks_and_an_answer_are_left(
    waits: list[float], may_hold: bool
) -> None:
    """min(target - wait) >= 2 * 5 s and the 30 s to accept, with the 60 s of a chat."""
    unit = only_unit(
        contacts=[
            {
                "contact_id": f"c{place}",
                "conversation_id": "t",
                "channel": "chat",
                "entered_at": ago(wait),
            }
            for place, wait in enumerate(waits)
        ]
    )
    assert unit["may_hold"] is may_hold


@pytest.mark.parametrize(("left_s", "may_hold"), [(10.0, True), (9.999, False)])
def test_every_member_has_its_own_time_to_accept(left_s: float, may_hold: bool) -> None:
    """An email that is accepted at once needs two ticks, whatever the chat beside it asks for."""
    contacts: list[Row] = [
        {"contact_id": "chat", "channel": "chat", "conversation_id": "t"},
        {"contact_id": "mail", "conversation_id": "t", "due_at": ahead(left_s)},
    ]
    contacts[1]["entered_at"] = ago(100)
    assert only_unit(contacts=contacts)["may_hold"] is may_hold


def test_a_line_is_everybody_of_a_queue_and_channel() -> None:
    """Three emails stand in one line, whatever else parts them; another channel or queue does not.

    A party counts once, in the queue and the channel of its lead. First come, first in line; ids
    decide between `a` and `b`.
    """
    found = conversations(
        queues=[{"queue_id": "q"}, {"queue_id": "r"}],
        contacts=[
            {"contact_id": "a"},
            {"contact_id": "b", "language": "es", "profiles": "heavy"},
            {"contact_id": "c", "entered_at": ago(28_795)},  # less than two ticks of its 8 h left
            {"contact_id": "d", "channel": "case"},
            {"contact_id": "e", "queue_id": "r"},
            {"contact_id": "f", "channel": "chat", "conversation_id": "t"},
            {"contact_id": "g", "conversation_id": "t"},
        ],
    )
    sizes = dict(found.units.select("lead_contact_id", "line_size").iter_rows())
    assert sizes == {"a": 3, "b": 3, "c": 3, "d": 1, "e": 1, "f": 1}
    places = dict(found.units.select("lead_contact_id", "line_place").iter_rows())
    assert places == {"c": 0, "a": 1, "b": 2, "d": 0, "e": 0, "f": 0}
    kinds = dict(found.units.select("lead_contact_id", "class_idx").iter_rows())
    assert len({kinds["a"], kinds["b"], kinds["c"]}) == 3


def test_equal_conversations_are_one_class_whenever_they_came() -> None:
    """Three emails with time left; the case is a class of its own."""
    found = conversations(
        contacts=[
            {"contact_id": "a", "entered_at": ago(10)},
            {"contact_id": "b", "entered_at": ago(20)},
            {"contact_id": "c", "entered_at": ago(10)},
            {"contact_id": "d", "entered_at": ago(5), "channel": "case"},
        ]
    )
    kind = dict(found.units.select("lead_contact_id", "class_idx").iter_rows())
    assert kind["a"] == kind["b"] == kind["c"] != kind["d"]


@pytest.mark.parametrize(
    "change",
    [
        {"queue_id": "other"},
        {"channel": "case"},
        {"language": "es"},
        {"entered_at": ago(28_795)},  # less than two ticks left: may not be held
    ],
)
def test_whatever_a_rule_looks_at_parts_the_classes(change: Row) -> None:
    """Conversations that differ in queue, lane, requirements or hold right are two classes."""
    found = conversations(
        queues=[{"queue_id": "q"}, {"queue_id": "other"}],
        contacts=[{"contact_id": "a"}, {"contact_id": "b"} | change],
    )
    assert len(found.classes) == 2


def test_the_share_of_further_contacts_is_rounded_to_six_decimals() -> None:
    """10 + (1/3) * 10 = 13.333333 units, not a binary fraction of them."""
    policy = replace(Policy(), extra_contact_share=1 / 3)
    unit = only_unit(
        policy,
        contacts=[
            {"contact_id": "a", "conversation_id": "t"},
            {"contact_id": "b", "conversation_id": "t"},
        ],
    )
    assert unit["units"] == 13.333333


def test_a_batch_without_contacts_has_no_conversations() -> None:
    """Empty tables give empty frames, not an error."""
    found = conversations(agents=[{"agent_id": "a"}])
    assert (len(found.units), len(found.members), len(found.classes)) == (0, 0, 0)


@pytest.mark.parametrize(
    ("values", "expected"),
    [((100.0, None), 100.0), ((None, None), 500.0), ((0.0, 20.0), 20.0)],
)
def test_a_value_of_a_member_goes_before_the_customers(
    values: tuple[float | None, float | None], expected: float
) -> None:
    """The largest of the members' values where any is given, else the customer's 500."""
    unit = only_unit(
        customers=[{"customer_id": "u", "value": 500.0}],
        contacts=[
            {"contact_id": name, "customer_id": "u", "value": value}
            for name, value in zip("ab", values, strict=True)
        ],
    )
    assert unit["value"] == expected


def test_no_conversation_grows_beyond_all_agents() -> None:
    """Forty emails are 10 + 39 * 2.5 = 107.5 units, capped at 100; two are 12.5."""
    for count, expected in ((40, 100.0), (2, 12.5)):
        emails = [{"contact_id": f"e{n}", "customer_id": "u"} for n in range(count)]
        assert only_unit(contacts=emails)["units"] == expected


OFFICE_HOURS: dict[str, list[Row]] = {
    "calendars": [
        {
            "calendar_id": "k",
            "time_zone": "UTC",
            "weekday": day,
            "opens_minute": 540,
            "closes_minute": 1020,
        }
        for day in range(5)
    ],
    "queues": [{"queue_id": "q", "calendar_id": "k", "target_answer_s": 36_000.0}],
}
"""Open from 9:00 to 17:00 UTC on five days; the target is ten hours. NOW is 10:00, Wednesday."""


@pytest.mark.parametrize(
    ("contact", "wait_s", "target_s", "breach_at"),
    [
        # Since 20:00 yesterday: one hour of opening; nine more are until 17:00 and 2 tomorrow.
        ({"entered_at": ago(14 * 3600)}, 3600.0, 36_000.0, ahead(25 * 3600)),
        # Due at 12:00 tomorrow: 8 hours of today and 3 of tomorrow, all since 9:00 today.
        (
            {"entered_at": ago(14 * 3600), "due_at": ahead(26 * 3600)},
            3600.0,
            39_600.0,
            ahead(26 * 3600),
        ),
        # Due before the queue opens: at least a second, and long past.
        ({"entered_at": ago(14 * 3600), "due_at": ago(3 * 3600)}, 3600.0, 1.0, None),
        # Exactly at the target: missed.
        ({"entered_at": ago(26 * 3600), "due_at": NOW}, 9 * 3600.0, 9 * 3600.0, None),
    ],
)
def test_waits_and_targets_run_in_opening_hours(
    contact: Row, wait_s: float, target_s: float, breach_at: datetime | None
) -> None:
    """The clock stands still while the queue is closed."""
    found = conversations(contacts=[{"contact_id": "a"} | contact], **OFFICE_HOURS)
    assert found.members.select("wait_s", "target_s").row(0) == (wait_s, target_s)
    assert found.units["breach_at"].to_list() == [breach_at]


def test_clocks_may_run_outside_hours() -> None:
    """With `age_outside_hours` the same email has waited all 14 hours."""
    policy = replace(Policy(), age_outside_hours=True)
    unit = only_unit(
        policy, contacts=[{"contact_id": "a", "entered_at": ago(50_400)}], **OFFICE_HOURS
    )
    assert (unit["waited_s"], unit["breach_at"]) == (50_400.0, None)


@pytest.mark.parametrize(
    ("credit", "channel", "wait_s"),
    [(1.0, "chat", 130.0), (0.5, "chat", 115.0), (0.0, "chat", 100.0), (1.0, "email", 130.0)],
)
def test_a_transfer_keeps_its_age(credit: float, channel: str, wait_s: float) -> None:
    """100 s of this visit and a share of the 30 s before it."""
    contact = {"contact_id": "a", "channel": channel, "entered_at": ago(100)}
    policy = replace(Policy(), age_credit=credit)
    found = conversations(policy, contacts=[contact | {"waited_before_s": 30.0}])
    assert found.members["wait_s"].to_list() == [wait_s]
    assert found.units["clock"].to_list() == [ago(wait_s)]


def test_the_breach_is_the_earliest_of_the_members_and_none_where_one_is_past_it() -> None:
    """Chats of 10 s and 50 s with 60 s each: in 10 s; with a third of 61 s it has happened."""
    chats = [
        {
            "contact_id": f"c{age}",
            "conversation_id": "t",
            "channel": "chat",
            "entered_at": ago(age),
        }
        for age in (10, 50, 61)
    ]
    assert only_unit(contacts=chats[:2])["breach_at"] == ahead(10)
    late = only_unit(contacts=chats)
    assert (late["breach_at"], late["least_left_s"]) == (None, -1.0)


def test_a_breach_beyond_the_known_hours_is_not_foretold() -> None:
    """A queue that never opens: its target is never missed."""
    unit = only_unit(
        queues=[{"queue_id": "q", "calendar_id": "k"}], contacts=[{"contact_id": "a"}]
    )
    assert (unit["is_open"], unit["breach_at"], unit["least_left_s"]) == (False, None, 28_800.0)


def test_lanes_are_channels_and_profiles() -> None:
    """The eight channels first, then what occurs, by channel in their order and by profiles."""
    found = conversations(
        contacts=[
            {"contact_id": "a", "profiles": " vip,high , ,vip"},
            {"contact_id": "b", "profiles": "high"},
            {"contact_id": "c", "channel": "chat", "profiles": "high"},
            {"contact_id": "d", "profiles": " , "},
            {"contact_id": "e", "profiles": "vip", "conversation_id": "t"},
            {"contact_id": "f", "profiles": "high", "conversation_id": "t"},
        ]
    )
    assert found.lanes["channel"].to_list()[:8] == [channel.value for channel in Channel]
    assert found.lanes.rows()[8:] == [
        (8, 3, "chat", "high"),
        (9, 6, "email", "high"),
        (10, 6, "email", "high,vip"),
    ]
    lanes = dict(found.units.select("lead_contact_id", "lane_idx").iter_rows())
    assert lanes == {"a": 10, "b": 9, "c": 8, "d": 6, "e": 10}


@pytest.mark.parametrize(
    ("hold_until", "paused"), [(None, False), (NOW, False), (ahead(0.001), True)]
)
def test_a_contact_is_paused_while_its_hold_lies_ahead(
    hold_until: datetime | None, paused: bool
) -> None:
    """A hold that ends now is over."""
    assert only_unit(contacts=[{"contact_id": "a", "hold_until": hold_until}])["paused"] is paused


def test_a_contact_that_many_agents_declined_is_left_to_people() -> None:
    """Two different agents are needed here; the same one twice is one."""
    policy = replace(Policy(), max_declining_agents=2)
    tables: dict[str, list[Row]] = {
        "contacts": [{"contact_id": "a", "conversation_id": "t"}, {"contact_id": "b"}],
        "declines": [
            {"contact_id": contact, "agent_id": agent, "declined_at": ago(at)}
            for contact, agent, at in (("a", "x", 9), ("a", "y", 8), ("b", "x", 9), ("b", "x", 8))
        ],
    }
    units = conversations(policy, **tables).units
    assert units.select("lead_contact_id", "manual_only").rows() == [("a", True), ("b", False)]


@pytest.mark.parametrize(
    ("contacts", "preferred", "by_window"),
    [
        ([{}], "owner", False),
        ([{"last_agent_id": "l", "last_agent_at": ago(1799)}], "l", True),
        ([{"last_agent_id": "l", "last_agent_at": ago(1800)}], "owner", False),  # half an hour
        ([{"last_agent_id": "l"}], "owner", False),
        (
            [
                {"last_agent_id": "l", "last_agent_at": ago(9)},
                {"last_agent_id": "m", "last_agent_at": ago(8)},
            ],
            "m",
            True,
        ),
        (
            [
                {"last_agent_id": "m", "last_agent_at": ago(8)},
                {"last_agent_id": "l", "last_agent_at": ago(8)},
            ],
            "m",  # the largest id
            True,
        ),
        # An email of an hour ago is within 72 hours, though the chat's window is over.
        ([{}, {"channel": "email", "last_agent_id": "l", "last_agent_at": ago(3600)}], "l", True),
    ],
)
def test_the_preferred_agent(contacts: list[Row], preferred: str, by_window: bool) -> None:
    """The last agent within the channel's window, else the owner."""
    chat = {"channel": "chat", "customer_id": "u"}
    rows = [{"contact_id": f"c{place}"} | chat | row for place, row in enumerate(contacts)]
    unit = only_unit(
        contacts=rows,
        customers=[{"customer_id": "u", "owner_agent_id": "owner"}],
        customer_agents=[{"customer_id": "u", "agent_id": "d", "score": 90.0}],
    )
    assert (unit["preferred_agent_id"], unit["preferred_by_window"]) == (preferred, by_window)


def test_dedicated_agents_come_after_the_owner() -> None:
    """The highest score, then the smallest id; nobody for customers without any."""
    found = conversations(
        contacts=[
            {"contact_id": "a", "customer_id": "u"},
            {"contact_id": "b", "customer_id": "v"},
        ],
        customers=[{"customer_id": "u"}],
        customer_agents=[
            {"customer_id": "u", "agent_id": agent, "score": score}
            for agent, score in (("x", 50.0), ("z", 70.0), ("y", 70.0))
        ],
    )
    assert found.units["preferred_agent_id"].to_list() == ["y", None]


OVERFLOWING: dict[str, list[Row]] = {
    "agents": [{"agent_id": "x"}],
    "queues": [
        {"queue_id": "q"},
        {"queue_id": "help", "arrivals_per_h": 1.0},
        {"queue_id": "more, help", "arrivals_per_h": 1.0},
    ],
}


@pytest.mark.parametrize(
    ("waited_s", "tier", "helpers"),
    [
        (60.0, "standard", []),
        (60.5, "standard", ["more, help"]),
        (0.0, "gold", ["help"]),
        (60.5, "gold", ["help", "more, help"]),
    ],
)
def test_the_queues_that_help(waited_s: float, tier: str, helpers: list[str]) -> None:
    """After 60 s everybody may go to one queue; gold customers at any time to the other."""
    found = conversations(
        customers=[{"customer_id": "u", "tier": tier}],
        contacts=[{"contact_id": "a", "customer_id": "u", "entered_at": ago(waited_s)}],
        overflow=[
            {
                "queue_id": "q",
                "to_queue_id": "more, help",
                "condition": "waited",
                "threshold": 60.0,
            },
            {
                "queue_id": "q",
                "to_queue_id": "help",
                "condition": "waited",
                "threshold": 60.0,
                "tier": "gold",
            },
            {
                "queue_id": "q",
                "to_queue_id": "help",
                "condition": "backlog",
                "threshold": 0.0,
                "tier": "gold",
            },
        ],
        **OVERFLOWING,
    )
    assert found.helping["to_queue_id"].to_list() == helpers
    assert found.units["helpers"].to_list() == [HELPER_SEPARATOR.join(helpers)]


SPLIT_PARTY: list[Row] = [
    {"contact_id": "call", "customer_id": "u", "channel": "voice"},
    {"contact_id": "mail", "customer_id": "u", "entered_at": ago(10)},
    {"contact_id": "chat", "customer_id": "u", "channel": "chat"},
]


@pytest.mark.parametrize(
    ("follow", "waits"),
    [
        (VoiceFollow.KEEP_TEXT_OWNER, False),
        (VoiceFollow.MOVE_ALL_TO_VOICE_AGENT, True),
        (VoiceFollow.REASSIGN_ON_TEXT_CONTACT, True),
    ],
)
def test_a_split_party_is_two_conversations(follow: VoiceFollow, waits: bool) -> None:
    """The call is one, the rest another; the rest waits unless it keeps its own agent."""
    policy = replace(Policy(), voice_follow=follow)
    found = conversations_of(tiny(contacts=SPLIT_PARTY), policy, split=("customer:u",))
    units = found.units.sort("lead_contact_id")
    assert units.select("lead_contact_id", "channels", "follower", "any_live").rows() == [
        ("call", "voice", False, True),
        ("chat", "chat,email", waits, False),
    ]
    assert found.members["party"].unique().to_list() == ["customer:u"]
    assert members_of(found) == [["chat", "mail"], ["call"]]


def test_only_the_parties_named_are_split() -> None:
    """Another customer with a call and an email stays one conversation."""
    other = [
        row | {"contact_id": f"v-{row['contact_id']}", "customer_id": "v"} for row in SPLIT_PARTY
    ]
    found = conversations_of(tiny(contacts=[*SPLIT_PARTY, *other]), split=("customer:u",))
    assert sorted(map(len, members_of(found))) == [1, 2, 3]
    assert not conversations(contacts=SPLIT_PARTY).units["follower"].any()
