"""Section 1 of `docs/model.md`: what leaves a conversation: what is put off, and second calls."""

from dataclasses import dataclass, replace

import pytest

from models.plan import Plan
from models.policy import Policy
from models.solution import SolveOptions
from solver.assign import assign
from tests.models.tiny import Row, ago, ahead, tiny
from tests.models.tiny_conversations import conversations

Tables = dict[str, list[Row]]

ONE: list[Row] = [{"agent_id": "a"}]
TWO: list[Row] = [*ONE, {"agent_id": "b"}]
MAIL: Row = {"contact_id": "mail", "customer_id": "u"}
NIGHT: Row = {"channel": "callback", "time_zone": "America/Los_Angeles"}
"""At ten in the morning UTC it is two at night there."""


def other(**changes: object) -> Row:
    """Another contact of the same customer."""
    return {"contact_id": "other", "customer_id": "u"} | changes


def together(policy: Policy | None = None, /, **tables: list[Row]) -> list[str]:
    """Contact ids of each conversation, joined, the lead first."""
    members = conversations(policy, **tables).members
    groups = members.group_by("conversation_idx", maintain_order=True).agg("contact_id")
    return sorted(" ".join(ids) for ids in groups["contact_id"])


@dataclass(frozen=True)
class Outcome:
    """Who got what, and why the others wait."""

    given: dict[str, str]
    waits: dict[str, str]


def plan_of(policy: Policy | None = None, /, **tables: list[Row]) -> Plan:
    """The plan for a tiny batch."""
    return assign(tiny(**tables), policy or Policy(), SolveOptions())


def outcome(policy: Policy | None = None, /, **tables: list[Row]) -> Outcome:
    """The decision about a tiny batch."""
    plan = plan_of(policy, **tables)
    return Outcome(
        dict(plan.assignments.select("contact_id", "agent_id").iter_rows()),
        dict(plan.unassigned.select("contact_id", "reason").iter_rows()),
    )


TEN_DECLINES: list[Row] = [
    {"contact_id": "other", "agent_id": f"x{n}", "declined_at": ago(900)} for n in range(10)
]
SHUT: list[Row] = [{"queue_id": "q"}, {"queue_id": "shut", "calendar_id": "never"}]


@pytest.mark.parametrize(
    ("contact", "tables", "reason"),
    [
        (other(hold_until=ahead(600)), {}, "paused"),
        (other(), {"declines": TEN_DECLINES}, "manual_only"),
        (other(**NIGHT), {}, "outside_customer_hours"),
        (other(queue_id="shut"), {"queues": SHUT}, "closed_hours"),
    ],
    ids=["paused", "manual only", "not reachable", "closed"],
)
def test_what_nobody_can_take_now_does_not_hold_the_others_up(
    contact: Row, tables: Tables, reason: str
) -> None:
    """The mail of the same customer goes to `a`; the other contact is a conversation by itself."""
    tables = {"agents": ONE, "contacts": [MAIL, contact]} | tables
    assert together(**tables) == ["mail", "other"]
    assert outcome(**tables) == Outcome({"mail": "a"}, {"other": reason})


@pytest.mark.parametrize(
    ("contact", "tables"),
    [
        (other(hold_until=ago(0)), {}),
        (other(), {"declines": TEN_DECLINES[1:]}),
        (other(**NIGHT | {"time_zone": "Europe/Lisbon"}), {}),
        (other(queue_id="shut"), {"queues": [SHUT[0], {"queue_id": "shut"}]}),
    ],
    ids=["the pause is over", "nine agents declined", "it is ten o'clock there", "open"],
)
def test_what_somebody_can_take_stays_with_the_others(contact: Row, tables: Tables) -> None:
    """The same contacts, without what puts them off: one conversation for `a`."""
    tables = {"agents": ONE, "contacts": [MAIL, contact]} | tables
    assert len(together(**tables)) == 1
    assert outcome(**tables) == Outcome({"mail": "a", "other": "a"}, {})


HELPS: Row = {"queue_id": "shut", "to_queue_id": "q", "condition": "closed"}
LENDS: Row = {"queue_id": "q", "arrivals_per_h": 0.0}


@pytest.mark.parametrize(
    ("queue", "row", "stays"),
    [
        (LENDS, HELPS, True),
        (LENDS, HELPS | {"tier": "standard"}, True),
        (LENDS, HELPS | {"tier": "gold"}, False),  # of a standard customer
        (LENDS | {"service_level": 0.5}, HELPS, False),  # lends nobody
        (LENDS | {"arrivals_per_h": None}, HELPS, False),
        # Other conditions help an open queue only.
        (LENDS, HELPS | {"condition": "waited", "threshold": 0.0}, False),
        (LENDS, HELPS | {"condition": "backlog", "threshold": 0.0}, False),
    ],
)
def test_a_closed_queue_puts_off_unless_another_one_takes_over(
    queue: Row, row: Row, stays: bool
) -> None:
    """With an open row of the condition `closed`, members of the other queue could take it."""
    found = together(
        queues=[queue, SHUT[1]],
        overflow=[row],
        agents=ONE,
        contacts=[MAIL, other(queue_id="shut", entered_at=ago(60))],
    )
    assert found == (["other mail"] if stays else ["mail", "other"])


def test_what_is_put_off_still_belongs_to_its_customer() -> None:
    """The callback names no customer itself, but its thread does: value 900, and one beside it.

    What is put off adds no units either: the mail alone weighs 10.
    """
    contacts = [
        MAIL | {"conversation_id": "t"},
        {"contact_id": "other", "conversation_id": "t"} | NIGHT,
    ]
    tables: Tables = {
        "agents": ONE,
        "customers": [{"customer_id": "u", "value": 900.0}],
        "contacts": contacts,
        "agent_load": [{"contact_id": "h", "agent_id": "a", "customer_id": "u"}],
    }
    units = conversations(**tables).units
    assert units["value"].to_list() == [900.0, 900.0]
    row = plan_of(**tables).assignments.row(0, named=True)
    # One other contact waits, one item is held.
    assert (row["contact_id"], row["units"], row["num_context"]) == ("mail", 10.0, 2)


def call(contact_id: str, waited_s: float, channel: str = "voice") -> Row:
    """A call of the same customer."""
    return other(contact_id=contact_id, channel=channel, entered_at=ago(waited_s))


@pytest.mark.parametrize(
    ("contacts", "expected"),
    [
        ([call("v1", 9), call("v2", 10), MAIL], ["v1", "v2 mail"]),  # the first one keeps the mail
        ([call("v2", 9), call("v1", 9), MAIL], ["v1 mail", "v2"]),  # then the smaller id
        ([call("v1", 9, "video"), call("v2", 10)], ["v1", "v2"]),  # video is a call as well
        ([call("v1", 9), call("v2", 8), call("v3", 7)], ["v1", "v2", "v3"]),
        ([call("v1", 9), call("v2", 10, "callback")], ["v2 v1"]),  # nobody waits on the line yet
        ([call("v1", 9, "callback"), call("v2", 10, "callback")], ["v2 v1"]),
        # What is put off goes first: of the calls that are left there is but one.
        ([call("v1", 9) | {"hold_until": ahead(60)}, call("v2", 8), MAIL], ["v1", "v2 mail"]),
    ],
)
def test_one_call_of_a_customer_belongs_to_the_conversation(
    contacts: list[Row], expected: list[str]
) -> None:
    """The first that came; each further one is a conversation by itself."""
    assert together(agents=ONE, contacts=contacts) == expected


def test_two_calls_of_one_customer_go_to_two_agents() -> None:
    """An agent talks to one at a time. A call and a callback go to one agent."""
    two_calls = outcome(agents=TWO, contacts=[call("v1", 9), call("v2", 10)])
    assert sorted(two_calls.given.values()) == ["a", "b"]
    back = outcome(agents=TWO, contacts=[call("v1", 9), call("v2", 10, "callback")])
    assert len(set(back.given.values())) == 1
    assert sorted(back.given) == ["v1", "v2"]
    alone = outcome(agents=ONE, contacts=[call("v1", 9), call("v2", 10)])
    assert alone == Outcome({"v2": "a"}, {"v1": "lost_to"})


def test_everybody_s_second_call_is_their_own() -> None:
    """Of two customers with a call each nobody has a second one."""
    contacts = [call("v1", 9), call("v2", 10) | {"customer_id": "w"}]
    assert together(agents=ONE, contacts=contacts) == ["v1", "v2"]
    thread = [row | {"conversation_id": "t", "customer_id": None} for row in contacts]
    assert together(
        agents=ONE, contacts=[*thread, other(conversation_id="t", customer_id=None)]
    ) == [
        "v1",
        "v2 other",
    ]


def test_how_many_declines_put_off_is_a_number_of_the_policy() -> None:
    """Three different agents are enough here; the same one three times is one."""
    policy = replace(Policy(), max_declining_agents=3)
    contacts = [MAIL, other()]
    assert together(policy, contacts=contacts, declines=TEN_DECLINES[:3]) == ["mail", "other"]
    same = [
        {"contact_id": "other", "agent_id": "x", "declined_at": ago(900 + n)} for n in range(3)
    ]
    assert together(policy, contacts=contacts, declines=same) == ["mail other"]
