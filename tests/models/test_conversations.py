"""Section 1 of `docs/model.md`: which contacts form a conversation, and what it looks like."""

from dataclasses import replace
from datetime import datetime

import pytest

from models.conversations import Conversations
from models.policy import Policy
from tests.models.tiny import Row, ago, ahead
from tests.models.tiny_conversations import conversations, only_unit


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
        ([50.0], True),  # 60 - 50 = 10 = 2 * tick_s
        ([50.000001], False),
        ([0.0, 50.5], False),  # the tightest member decides
        ([70.0], False),
    ],
)
def test_a_conversation_may_be_held_with_two_ticks_to_spare(
    waits: list[float], may_hold: bool
) -> None:
    """min(target - wait) >= 2 * 5 s, with the 60 s of a chat."""
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


def test_a_class_queues_by_clock_and_then_by_lead() -> None:
    """Three equal emails rank by clock, ties by id; the case is a class of its own."""
    found = conversations(
        contacts=[
            {"contact_id": "a", "entered_at": ago(10)},
            {"contact_id": "b", "entered_at": ago(20)},
            {"contact_id": "c", "entered_at": ago(10)},
            {"contact_id": "d", "entered_at": ago(5), "channel": "case"},
        ]
    )
    rank = dict(found.units.select("lead_contact_id", "rank").iter_rows())
    assert rank == {"b": 0, "a": 1, "c": 2, "d": 0}
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
