"""Section 7 of `docs/model.md`: what queues have to expect, and breaches nobody can prevent."""

from dataclasses import replace
from datetime import datetime
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.batch_problem import BatchProblem, build_problem
from models.outlook import build_outlook, unavoidable
from models.policy import Policy
from models.problem import NOBODY
from models.tables import OUTLOOK
from tests.models.tiny import NOW, Row, ago, ahead, tiny

HOUR = 3600.0


def stated(policy: Policy | None = None, /, **tables: list[Row]) -> BatchProblem:
    """A tiny batch as a problem."""
    return build_problem(tiny(**tables), policy or Policy())


def lost(found: BatchProblem, *assigned: str) -> list[str]:
    """Leads of the conversations whose breach nobody can prevent, of all but those assigned."""
    leads = found.conversations.units["lead_contact_id"]
    waits = ~leads.is_in(list(assigned)).to_numpy()
    mask = unavoidable(
        found.batch.now, found.conversations, found.eligibility, found.agents, waits
    )
    return sorted(leads.filter(pl.Series(mask, dtype=pl.Boolean)).to_list())


def outlook(found: BatchProblem, agent: list[int] | None = None) -> dict[str, dict[str, Any]]:
    """Rows of `outlook` by queue, where nobody is assigned unless said."""
    nobody = [NOBODY] * found.problem.num_contacts
    frame = build_outlook(
        found.batch.now,
        found.conversations,
        found.overflow,
        found.eligibility,
        found.agents,
        np.array(agent or nobody, dtype=np.int32),
    )
    assert frame.schema == OUTLOOK.schema()
    return {row["queue_id"]: row for row in frame.iter_rows(named=True)}


def call(name: str, waited_s: float, **more: object) -> Row:
    """A call, due 20 s after it came."""
    return {"contact_id": name, "channel": "voice", "entered_at": ago(waited_s), **more}


def on_call(agent_id: str, left_s: float) -> Row:
    """A call that an agent holds for so much longer."""
    return {
        "agent_id": agent_id,
        "contact_id": f"h-{agent_id}",
        "channel": "voice",
        "started_at": ago(400),
        "expected_end_at": ahead(left_s),
    }


@pytest.mark.parametrize(
    ("end_s", "saved"), [(9.0, True), (10.0, True), (10.000001, False), (-5.0, True)]
)
def test_who_is_free_in_time_can_save_a_call(end_s: float, saved: bool) -> None:
    """A call that has waited 10 of its 20 s; an overdue item may end any moment."""
    found = stated(
        agents=[{"agent_id": "a"}],
        contacts=[call("c", 10)],
        agent_load=[on_call("a", end_s)],
    )
    assert lost(found) == ([] if saved else ["c"])


def test_one_agent_saves_one_of_three_calls() -> None:
    """Breaches in 10, 14 and 18 s and one agent free in 5 s: the first is saved, the others not.

    Once the first is assigned only two compete: again, one of them can be saved.
    """
    found = stated(
        agents=[{"agent_id": "a"}],
        contacts=[call("c", 10), call("d", 6), call("e", 2)],
        agent_load=[on_call("a", 5)],
    )
    assert lost(found) == ["d", "e"]
    assert lost(found, "c") == ["e"]


def test_those_that_are_due_together_share_one_fate() -> None:
    """Two calls of the same second and one agent: neither is sure to be saved."""
    found = stated(agents=[{"agent_id": "a"}], contacts=[call("c", 5), call("d", 5)])
    assert lost(found) == ["c", "d"]


def test_what_is_late_already_is_not_unavoidable() -> None:
    """Past its target there is nothing left to prevent, and it takes nobody from others."""
    found = stated(agents=[{"agent_id": "a"}], contacts=[call("c", 20), call("d", 5)])
    assert lost(found) == []
    assert outlook(found)["q"]["num_breaching"] == 1


def wait_for(target_s: float, handle_s: float) -> dict[str, list[Row]]:
    """A queue with that target and that handling time."""
    return {"queues": [{"queue_id": "q", "target_answer_s": target_s, "mean_handle_s": handle_s}]}


def test_an_agent_may_take_one_call_after_the_other() -> None:
    """Calls of 100 s each, `a` free in 50 s, and breaches in 240, 250, 250 and 260 s.

    By 240 s: 1 + floor(190 / 100) = 2 calls for one. By 250 s: 1 + 2 = 3 for three. By 260 s
    still 3, for four: the last one is lost. At 149 s each it is 1 + 1 = 2: three are.
    """
    calls = [
        call(name, 1000 - left) for name, left in zip("cdef", (240, 250, 250, 260), strict=True)
    ]
    tables: dict[str, list[Row]] = {
        "agents": [{"agent_id": "a"}],
        "contacts": calls,
        "agent_load": [on_call("a", 50)],
    }
    policy = replace(Policy(), drain_share=1.0)
    assert lost(stated(policy, **tables, **wait_for(1000, 100))) == ["f"]
    assert lost(stated(policy, **tables, **wait_for(1000, 149))) == ["d", "e", "f"]


@pytest.mark.parametrize("handle_s", [200.0, 200.001])
def test_a_call_may_begin_when_the_breach_comes(handle_s: float) -> None:
    """Two calls 200 s before their breach and one agent: the second begins at 200 s, or after."""
    found = stated(
        replace(Policy(), drain_share=1.0),
        agents=[{"agent_id": "a"}],
        contacts=[call("c", 800), call("d", 800)],
        **wait_for(1000, handle_s),
    )
    assert lost(found) == ([] if handle_s == 200 else ["c", "d"])


@pytest.mark.parametrize("channel", ["chat", "email"])
def test_written_work_is_lost_only_where_nobody_can_be_there(channel: str) -> None:
    """Three conversations of 200 s due in 10 s: one agent who is free in 9 s saves all, 11 s none.

    How much written work one agent does at a time is not known here.
    """
    for end_s, saved in ((9, True), (11, False)):
        found = stated(
            agents=[{"agent_id": "a"}],
            contacts=[
                {"contact_id": name, "channel": channel, "due_at": ahead(10)} for name in "cde"
            ],
            agent_load=[on_call("a", end_s)],
            **wait_for(1000, 200),
        )
        assert lost(found) == ([] if saved else ["c", "d", "e"])


def test_an_agent_whose_shift_starts_in_time_counts() -> None:
    """An email due in an hour, and somebody who logs in before, or after."""
    for starts_s, saved in ((HOUR, True), (HOUR + 1, False)):
        later = {
            "agent_id": "a",
            "presence": "offline",
            "shift_start_at": ahead(starts_s),
            "shift_end_at": ahead(9 * HOUR),
        }
        found = stated(agents=[later], contacts=[{"contact_id": "c", "due_at": ahead(HOUR)}])
        assert lost(found) == ([] if saved else ["c"])


def test_who_could_never_serve_it_saves_nothing() -> None:
    """A free agent without the skill, and one on shift who is away."""
    found = stated(
        agents=[{"agent_id": "a"}, {"agent_id": "b", "presence": "away"}],
        contacts=[call("c", 5), call("d", 5)],
        contact_skills=[{"contact_id": "c", "skill": "x", "min_proficiency": 1}],
    )
    assert lost(found) == ["c"]


def test_without_agents_every_breach_ahead_is_unavoidable() -> None:
    """There is nobody."""
    found = stated(agents=[], contacts=[call("c", 5), call("d", 30)])
    assert lost(found) == ["c"]


@pytest.mark.parametrize("agents", [[], [{"agent_id": "a"}]])
def test_what_is_put_off_is_not_unavoidable(agents: list[Row]) -> None:
    """Somebody paused `c`, ten agents declined `d`: the alarm would tell what people know.

    They take nobody from `e`, either, which the one agent there can save. The 20 s of `c` begin
    when its hold ends, in 5 s.
    """
    found = stated(
        agents=agents,
        contacts=[call("c", 5, hold_until=ahead(5)), call("d", 5), call("e", 5)],
        declines=[
            {"contact_id": "d", "agent_id": f"x{n}", "declined_at": ago(9)} for n in range(10)
        ],
    )
    units = found.conversations.units.sort("lead_contact_id")
    assert units.select("paused", "manual_only").rows() == [
        (True, False),
        (False, True),
        (False, False),
    ]
    assert units["breach_at"].to_list() == [ahead(25), ahead(15), ahead(15)]
    assert lost(found) == ([] if agents else ["e"])
    row = outlook(found)["q"]
    assert (row["num_unavoidable"], row["num_manual_only"]) == (len(lost(found)), 1)


@settings(max_examples=12, deadline=None)
@given(
    waited=st.lists(st.integers(0, 25), min_size=1, max_size=6),
    ends=st.lists(st.integers(1, 30), max_size=4),
    handle_s=st.sampled_from([5, 7, 300]),
)
def test_the_count_is_what_a_queue_by_hand_gives(
    waited: list[int], ends: list[int], handle_s: int
) -> None:
    """Fewer agents free by a breach than calls that breach no later, counted one by one.

    Calls that are urgent, beyond half of their 20 s, are a class of their own. With calls of five
    seconds each agent may begin another one every five seconds.
    """
    found = stated(
        agents=[{"agent_id": f"a{n}"} for n in range(len(ends))],
        contacts=[call(f"c{n}", waited_s) for n, waited_s in enumerate(waited)],
        agent_load=[on_call(f"a{n}", left) for n, left in enumerate(ends)],
        queues=[{"queue_id": "q", "mean_handle_s": handle_s}],
    )
    left = {f"c{n}": 20 - waited_s for n, waited_s in enumerate(waited) if waited_s < 20}
    expected = [
        name
        for name, mine in left.items()
        if sum(1 + (mine - end) // handle_s for end in ends if end <= mine)
        < sum(other <= mine for other in left.values() if (other < 10) == (mine < 10))
    ]
    assert lost(found) == sorted(expected)


def test_what_is_left_to_people_is_counted_by_queue() -> None:
    """Ten agents declined two mails of `q`, one in a thread with a third one, and one of `r`."""
    contacts: list[Row] = [
        {"contact_id": "c"},
        {"contact_id": "d", "conversation_id": "t"},
        {"contact_id": "e", "conversation_id": "t"},
        {"contact_id": "f", "queue_id": "r"},
        {"contact_id": "g", "queue_id": "r", "hold_until": ahead(60)},
    ]
    found = stated(
        queues=[{"queue_id": name} for name in "qrs"],
        agents=[{"agent_id": "a"}],
        contacts=contacts,
        declines=[
            {"contact_id": contact, "agent_id": f"x{n}", "declined_at": ago(900)}
            for contact in "cdf"
            for n in range(10)
        ],
    )
    rows = outlook(found)
    assert {name: row["num_manual_only"] for name, row in rows.items()} == {"q": 2, "r": 1, "s": 0}


@pytest.mark.parametrize(("back_in_s", "saved"), [(10, True), (16, False)])
def test_who_comes_back_from_a_break_in_time_saves_the_target(back_in_s: int, saved: bool) -> None:
    """A call of 5 s has 15 s left; the only agent is in a meeting, with hours of shift to come."""
    meeting: Row = {"agent_id": "a", "starts_at": ago(60), "ends_at": ahead(back_in_s)}
    found = stated(agents=[{"agent_id": "a"}], contacts=[call("c", 5)], agent_activities=[meeting])
    assert lost(found) == ([] if saved else ["c"])


def test_a_queue_says_how_it_stands() -> None:
    """Three emails wait for two free members of whom one serves another queue as well.

    N = 1 + 1/2, and (3 - 2) * 300 s / 1.5 = 200 s. All three are due together, in eight hours, and
    nothing says that two agents cannot write three emails until then.
    """
    found = stated(
        queues=[{"queue_id": "q", "mean_handle_s": 300.0}, {"queue_id": "r"}],
        agents=[{"agent_id": "a"}, {"agent_id": "b"}],
        queue_members=[
            {"queue_id": "q", "agent_id": "a"},
            {"queue_id": "q", "agent_id": "b"},
            {"queue_id": "r", "agent_id": "b"},
        ],
        contacts=[{"contact_id": name} for name in ("c", "d", "e")],
    )
    rows = outlook(found)
    assert rows["q"] == {
        "tick_at": NOW,
        "queue_id": "q",
        "is_open": True,
        "num_waiting": 3,
        "num_free": 2,
        "effective_agents": 1.5,
        "predicted_wait_s": pytest.approx(200.0),
        "lends": False,
        "borrows_from": None,
        "num_breaching": 0,
        "num_unavoidable": 0,
        "num_manual_only": 0,
    }
    assert (rows["r"]["num_waiting"], rows["r"]["predicted_wait_s"]) == (0, 0.0)


def test_a_queue_names_those_that_help_it_now() -> None:
    """Two lenders whose condition holds for some email, each once; a third one's does not."""
    rows = outlook(
        stated(
            queues=[
                {"queue_id": "q"},
                *({"queue_id": name, "arrivals_per_h": 0.0} for name in ("r", "s", "t")),
            ],
            agents=[{"agent_id": "a"}],
            contacts=[
                {"contact_id": "c", "entered_at": ago(100)},
                {"contact_id": "d", "entered_at": ago(300)},
            ],
            overflow=[
                overflow("s", 200.0),
                overflow("r", 50.0),
                overflow("t", 400.0),
            ],
        )
    )
    assert rows["q"]["borrows_from"] == "r,s"
    assert rows["r"]["borrows_from"] is None
    assert [rows[name]["lends"] for name in "qrst"] == [False, True, True, True]


def overflow(to_queue_id: str, threshold: float) -> Row:
    """Help for whoever has waited so long."""
    return {
        "queue_id": "q",
        "to_queue_id": to_queue_id,
        "condition": "waited",
        "threshold": threshold,
    }


def test_what_is_assigned_is_not_lost_and_what_is_held_still_waits() -> None:
    """Two calls have 10 s left; `a` is free, and `b` in 12 s, which is too late."""
    tables: dict[str, list[Row]] = {
        "agents": [{"agent_id": "a"}, {"agent_id": "b"}],
        "contacts": [call("c", 10), call("d", 10)],
        "agent_load": [on_call("b", 12)],
    }
    found = stated(**tables)
    # `a` alone can be free within the 10 s that both have left.
    assert outlook(found)["q"]["num_unavoidable"] == 2
    assert outlook(found, [0, NOBODY])["q"]["num_unavoidable"] == 0
    # Held for `b`, the other one waits on: still one agent for one call.
    assert outlook(found, [0, 1])["q"]["num_unavoidable"] == 0
    assert outlook(found, [1, 1])["q"]["num_unavoidable"] == 2


def test_targets_run_in_opening_hours() -> None:
    """A queue that closes in a minute: the target of 90 s runs on in the morning."""
    monday_to_friday = [
        {
            "calendar_id": "k",
            "time_zone": "UTC",
            "weekday": day,
            "opens_minute": 9 * 60,
            "closes_minute": 10 * 60 + 1,
        }
        for day in range(5)
    ]
    found = stated(
        queues=[{"queue_id": "q", "calendar_id": "k", "target_answer_s": 90.0}],
        calendars=monday_to_friday,
        agents=[],
        contacts=[call("c", 0)],
    )
    # 60 s until 10:01, and the other 30 s tomorrow at 9:00:30.
    tomorrow: datetime = ahead(23 * HOUR + 30)
    assert found.conversations.units["breach_at"].to_list() == [tomorrow]
    assert lost(found) == ["c"]
