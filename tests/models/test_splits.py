"""The voice exception: when a call goes ahead of what else its customer sent (section 3b)."""

from dataclasses import replace

import pytest

from models.attendance import build_attendance
from models.batch_problem import BatchProblem, build_problem
from models.capacity import build_agent_state
from models.hours import build_hours
from models.members import build_members
from models.needs import build_asked
from models.overflow import build_overflow
from models.plan import Plan
from models.policy import Policy, VoiceFollow
from models.solution import SolveOptions
from models.splits import build_splits
from solver.assign import assign
from tests.models.tiny import Row, ago, pair_gains, serves, tiny

Tables = dict[str, list[Row]]

OF_CUSTOMER: Row = {"customer_id": "u"}
CALL: Row = {"contact_id": "c", "channel": "voice", "entered_at": ago(5), **OF_CUSTOMER}
MAIL: Row = {"contact_id": "m", "channel": "email", **OF_CUSTOMER}
CHAT: Row = {"contact_id": "x", "channel": "chat", **OF_CUSTOMER}
BOTH: Tables = {"contacts": [CALL, MAIL], "agents": [{"agent_id": "a"}, {"agent_id": "b"}]}
ONLY_CALLS: Tables = {"agent_channels": [*serves("a", voice=1), *serves("b", email=5)]}
"""`a` takes calls, `b` mail: nobody takes both."""


def splits(policy: Policy | None = None, /, **tables: list[Row]) -> list[str]:
    """Names of the parties that are split."""
    batch, policy = tiny(**BOTH | tables), policy or Policy()
    hours, agents = build_hours(batch, policy), build_agent_state(batch, policy)
    overflow = build_overflow(batch, policy, agents, hours)
    contacts = build_members(batch, policy, hours, overflow)
    asked = build_asked(batch, policy, contacts, build_attendance(batch, agents), hours)
    return build_splits(batch, policy, contacts, asked, agents, overflow).live.to_list()


def stated(policy: Policy | None = None, /, **tables: list[Row]) -> BatchProblem:
    """The batch as a problem."""
    return build_problem(tiny(**BOTH | tables), policy or Policy())


def plan_of(policy: Policy | None = None, /, **tables: list[Row]) -> Plan:
    """The plan for the batch."""
    return assign(tiny(**BOTH | tables), policy or Policy(), SolveOptions())


def follows(how: VoiceFollow) -> Policy:
    """The default policy with this rule for what waits beside a call."""
    return replace(Policy(), voice_follow=how)


def test_a_call_and_a_mail_stay_together_where_somebody_takes_both() -> None:
    """One conversation, one agent."""
    assert splits() == []
    plan = plan_of()
    assert len(set(plan.assignments["agent_id"])) == 1
    assert plan.assignments.height == 2


def test_a_call_goes_alone_where_nobody_takes_both() -> None:
    """`a` could take the call but not the mail."""
    assert splits(**ONLY_CALLS) == ["customer:u"]


@pytest.mark.parametrize(
    "tables",
    [
        # Nobody takes calls at all: splitting would help nobody.
        {"agent_channels": [*serves("a", email=1), *serves("b", chat=1)]},
        {"contacts": [CALL], **ONLY_CALLS},
        {"contacts": [MAIL], **ONLY_CALLS},
        {"contacts": [MAIL, CHAT], **ONLY_CALLS},  # nothing live
        {"contacts": [CALL, MAIL | {"customer_id": "v"}], **ONLY_CALLS},
        {"contacts": [CALL, MAIL], "agents": []},
        # Both take both, but somebody is already talking to them: declines and locks come later.
        {"agent_load": [{"contact_id": "h", "agent_id": "b", **OF_CUSTOMER}]},
        {"declines": [{"contact_id": "m", "agent_id": "a", "declined_at": ago(60)}]},
    ],
)
def test_who_is_not_split(tables: Tables) -> None:
    """A split needs both kinds of contacts, nobody for all of them and somebody for the call."""
    assert splits(**tables) == []


def test_units_count_for_a_split_and_the_lane_is_that_of_the_call() -> None:
    """A mail held already, the only one of `a`, is no reason; 110 units are."""
    one_mail: Tables = {
        "agents": [{"agent_id": "a"}],
        "agent_channels": [*serves("a", voice=1, email=1)],
        "agent_load": [{"contact_id": "h", "agent_id": "a", "channel": "email"}],
    }
    assert splits(**one_mail) == []
    heavy = replace(Policy(), extra_contact_share=1.0, most_extra_units=110.0)
    # 100 of the call and 10 of the mail, against the 100 units that a has for calls.
    assert splits(heavy, **one_mail) == ["customer:u"]


def test_a_customer_whom_only_the_mail_names_keeps_it_in_the_split() -> None:
    """The call itself is anonymous; its thread tells who calls, on both sides of the split."""
    thread = {"conversation_id": "t"}
    contacts = [CALL | thread | {"customer_id": None}, MAIL | thread]
    assert splits(contacts=contacts, **ONLY_CALLS) == ["customer:u"]
    found = stated(
        contacts=contacts, **ONLY_CALLS, customers=[{"customer_id": "u", "value": 900.0}]
    )
    assert found.conversations.units["value"].to_list() == [900.0, 900.0]


@pytest.mark.parametrize(
    "how", [VoiceFollow.REASSIGN_ON_TEXT_CONTACT, VoiceFollow.MOVE_ALL_TO_VOICE_AGENT]
)
def test_what_is_written_waits_while_the_call_is_given_away(how: VoiceFollow) -> None:
    """The follower has nobody, although `b` is free for mail, and is told why."""
    found = stated(follows(how), **ONLY_CALLS)
    assert set(pair_gains(found)) == {("c", "a")}
    plan = plan_of(follows(how), **ONLY_CALLS)
    assert plan.assignments.select("contact_id", "agent_id", "is_lead").rows() == [
        ("c", "a", True)
    ]
    assert plan.unassigned.select("contact_id", "reason").rows() == [("m", "customer_locked")]


def test_what_is_written_goes_its_own_way_where_the_policy_says_so() -> None:
    """`keep_text_owner`: the mail goes to `b` in the same tick."""
    plan = plan_of(follows(VoiceFollow.KEEP_TEXT_OWNER), **ONLY_CALLS)
    assert plan.assignments.select("contact_id", "agent_id", "is_lead").rows() == [
        ("c", "a", True),
        ("m", "b", True),
    ]


def test_both_parts_know_what_is_held_of_the_customer() -> None:
    """A mail that `b` holds of the same thread as the waiting mail: both parts see it."""
    held: list[Row] = [{"contact_id": "h", "agent_id": "b", "conversation_id": "t-m"}]
    found = stated(**ONLY_CALLS, agent_load=held)
    assert found.held.items["conversation_idx"].to_list() == [0, 1]
    row = plan_of(**ONLY_CALLS, agent_load=held).assignments.row(0, named=True)
    # One other contact waits and one is held; a has nothing of it.
    assert (row["num_context"], row["seen_before"]) == (2, False)


def test_only_the_party_that_is_stuck_is_split() -> None:
    """Two customers with a call and a mail; the second asks for nothing that nobody does."""
    others = [
        {**CALL, "contact_id": "c2", "customer_id": "v"},
        {**CHAT, "contact_id": "x2", "customer_id": "v"},
    ]
    channels = [*serves("a", voice=1, chat=1), *serves("b", email=5)]
    assert splits(contacts=[CALL, MAIL, *others], agent_channels=channels) == ["customer:u"]


def test_a_customer_named_like_a_part_of_another_stays_apart() -> None:
    """Ids may end in anything: splitting `u` does not swallow the mail of `u:follower`."""
    other = {**MAIL, "contact_id": "o", "customer_id": "u:follower"}
    found = stated(contacts=[CALL, MAIL, other], **ONLY_CALLS)
    assert len(found.conversations.units) == 3
    assert set(pair_gains(found)) == {("c", "a"), ("o", "b")}
