"""Declines: what bans a pair, what is forgiven once, and who rests (`docs/model.md` 3)."""

from dataclasses import replace

import pytest

from models.batch_problem import BatchProblem, build_problem
from models.policy import Policy
from tests.models.tiny import Row, ago, pair_gains, serves, tiny

Tables = dict[str, list[Row]]
AB: list[Row] = [{"agent_id": "a"}, {"agent_id": "b"}]


def stated(policy: Policy | None = None, /, **tables: list[Row]) -> BatchProblem:
    """A tiny batch as a problem; unless named, `a` and `b` could serve the one email `c`."""
    base: Tables = {"agents": AB, "contacts": [{"contact_id": "c"}]}
    return build_problem(tiny(**base | tables), policy or Policy())


def declined(agent_id: str, *seconds_ago: float, contact_id: str = "c") -> list[Row]:
    """Rows of `declines` of one agent."""
    return [
        {"contact_id": contact_id, "agent_id": agent_id, "declined_at": ago(s)}
        for s in seconds_ago
    ]


def agents_of(found: BatchProblem, lead: str = "c") -> set[str]:
    """Agents who may serve the conversation."""
    return {agent for contact, agent in pair_gains(found) if contact == lead}


@pytest.mark.parametrize(
    ("seconds_ago", "may"),
    [
        ([], True),
        ([599], False),  # within the 600 s of the cool-down
        ([600], True),  # not less than 600 s ago
        ([3000, 2000], True),  # two, both long ago
        ([3000, 2000, 1000], False),  # the third ends it
    ],
)
def test_declines_keep_a_pair_apart(seconds_ago: list[float], may: bool) -> None:
    """Three declines at any time, or one within the cool-down; for this agent only."""
    found = stated(declines=declined("a", *seconds_ago))
    assert agents_of(found) == ({"a", "b"} if may else {"b"})


def test_a_contact_that_everybody_declined_can_still_be_routed() -> None:
    """`field.md`: the only agent who declined must not be excluded for ever.

    Both declined three times: forgiven once, for mail. After six it is over for good.
    """
    thrice = (4000.0, 3000.0, 2000.0)
    once_more = (*thrice, 1900.0, 1800.0, 1700.0)
    assert agents_of(stated(declines=declined("a", *thrice) + declined("b", *thrice))) == {
        "a",
        "b",
    }
    found = stated(declines=declined("a", *once_more) + declined("b", *thrice))
    assert agents_of(found) == {"b"}
    found = stated(declines=declined("a", *once_more) + declined("b", *once_more))
    assert agents_of(found) == set()


def test_a_call_is_not_forgiven() -> None:
    """Real-time: who declined three times is not rung again."""
    call = [{"contact_id": "c", "channel": "voice", "entered_at": ago(100)}]
    assert agents_of(stated(contacts=call, declines=declined("a", 90, 60, 30))) == {"b"}
    both = declined("a", 90, 60, 30) + declined("b", 91, 61, 31)
    assert agents_of(stated(contacts=call, declines=both)) == set()


def test_nobody_is_forgiven_while_somebody_suitable_has_not_declined_enough() -> None:
    """`b` declined twice only, so `a` stays banned; `b` counts although they are full."""
    thrice = declined("a", 4000, 3000, 2000)
    assert agents_of(stated(declines=thrice + declined("b", 4000, 3000))) == {"b"}
    full: list[Row] = [{"agent_id": "b", "contact_id": "h", "channel": "email"}]
    one_each = [*serves("a", email=1), *serves("b", email=1)]
    found = stated(declines=thrice, agent_load=full, agent_channels=one_each)
    assert agents_of(found) == set()
    unable = [*serves("a", email=1), *serves("b", chat=1)]
    found = stated(declines=thrice, agent_load=[], agent_channels=unable)
    assert agents_of(found) == {"a"}  # b is not suitable, so all who are have declined


def test_the_only_agent_who_declined_a_moment_ago_does_not_rest() -> None:
    """A rest needs somebody else who is suitable; the pause after a decline is 15 s."""
    alone: list[Row] = [{"agent_id": "a"}]
    assert agents_of(stated(agents=alone, declines=declined("a", 60))) == {"a"}
    assert agents_of(stated(declines=declined("a", 60))) == {"b"}
    both = declined("a", 60) + declined("b", 50)
    assert agents_of(stated(declines=both)) == {"a", "b"}
    banned = declined("b", 4000, 3000, 2000)
    # b is banned and a would rest: nobody is left who does neither, so a is asked.
    assert agents_of(stated(declines=declined("a", 60) + banned)) == {"a"}


def test_declines_of_members_count_for_the_conversation_but_bans_for_one_member() -> None:
    """Two declines of one member and one of the other: three to the gain, no ban."""
    thread = [{"contact_id": name, "conversation_id": "t"} for name in ("c", "d")]
    found = stated(
        contacts=thread,
        declines=declined("a", 3000, 2000) + declined("a", 1000, contact_id="d"),
    )
    rows = found.declines.pairs.select("num", "is_banned", "rests").rows()
    assert rows == [(3, False, False)]
    last = stated(contacts=thread, declines=declined("a", 60, contact_id="d"))
    assert agents_of(last) == {"b"}  # any member's last decline


def test_without_a_decline_nobody_is_banned() -> None:
    """Also where no decline at all is tolerated: then the first one bans."""
    strict = replace(Policy(), max_declines=0)
    assert agents_of(stated(strict)) == {"a", "b"}
    # Not even forgiven: 0 * 2 declines are reached as well.
    assert agents_of(stated(strict, declines=declined("a", 5000))) == {"b"}


def test_declines_of_people_who_are_not_there_any_more_do_no_harm() -> None:
    """Rows of unknown agents and contacts are ignored."""
    rows = declined("gone", 60) + declined("a", 60, contact_id="other")
    found = stated(declines=rows)
    assert found.declines.pairs.is_empty()
    assert agents_of(found) == {"a", "b"}
