"""Rows that are broken, or that name what is not there, through the command line."""

from pathlib import Path

from tests.jobs.commands import call, call_json, exported, settings, write_csvs
from tests.models.tiny import NOW, tiny

AT = ("--at", f"{NOW:%Y-%m-%dT%H:%M:%S}")


def test_a_holiday_with_malformed_hours_keeps_the_queue_closed(tmp_path: Path) -> None:
    """On a Wednesday at 10 the queue would be open; the broken holiday closes it."""
    config = settings(tmp_path)
    opening = {"calendar_id": "office", "time_zone": "UTC", "weekday": NOW.weekday()}
    centre = tiny(
        queues=[{"queue_id": "q", "calendar_id": "office"}],
        calendars=[opening | {"opens_minute": 480, "closes_minute": 1080}],
        agents=[{"agent_id": "ana"}],
        contacts=[{"contact_id": "c1", "channel": "voice"}],
    )
    inbox = write_csvs(tmp_path / "inbox", centre)
    (inbox / "holidays.csv").write_text(
        "calendar_id,day,opens_minute,closes_minute\n"
        f"office,{NOW:%Y-%m-%d},closed,closed\n"
        f"office,{NOW:%Y}-12-25,0,0\n"
    )
    call("tick", "--config", config, *AT)
    waits = exported(tmp_path / "home", "unassigned")
    assert [(row["contact_id"], row["reason"]) for row in waits] == [("c1", "closed_hours")]
    rejected = call_json("status", "--config", config)["rejected"]
    assert [(row["table_name"], row["rule"]) for row in rejected] == [
        ("holidays", "opens_minute_type")
    ]
    checked = " ".join(call("validate", inbox, *AT, code=1).split())
    assert f"their days stay closed (office {NOW:%Y-%m-%d})" in checked


def test_ids_that_lead_nowhere_are_noted_with_examples(tmp_path: Path) -> None:
    """Members who are not there today are legal, so no row is lost, and nobody is refused."""
    centre = tiny(
        agents=[{"agent_id": "ana"}],
        queue_members=[{"queue_id": "q", "agent_id": name} for name in ("ana", "Ana", "ben")],
        customers=[{"customer_id": "u1", "owner_agent_id": "zoe"}],
    )
    inbox = write_csvs(tmp_path, centre)
    found = call_json("validate", inbox, *AT)
    assert found["rejected"] == []
    assert found["notes"] == [
        "queue_members.agent_id: 2 of 3 rows name 2 that are not in agents, such as Ana, ben: they"
        " have no effect; correct the ids, or let it be where they are merely not there today",
        "customers.owner_agent_id: 1 of 1 rows name 1 that are not in agents, such as zoe: they"
        " have no effect; correct the ids, or let it be where they are merely not there today",
    ]
    checked = call_json("policy", "check", "default", "--on", inbox, *AT)
    assert [one["rule"] for one in checked["findings"]] == ["unknown_id", "unknown_id"]


BORROWING = tiny(
    queues=[{"queue_id": "calls"}, {"queue_id": "general"}, {"queue_id": "late"}],
    agents=[{"agent_id": "ana"}],
    queue_members=[
        {"queue_id": "calls", "agent_id": "ana"},
        {"queue_id": "general", "agent_id": "ana"},
    ],
)
OVERFLOW = "queue_id,to_queue_id,condition,threshold,tier\n"


def test_overflow_of_closed_queues_needs_no_threshold_and_helps_another(tmp_path: Path) -> None:
    """`closed` has nothing to exceed; a queue that helps itself is a slip, with its own rule."""
    inbox = write_csvs(tmp_path, BORROWING)
    rows = ("calls,general,closed,,", "late,general,closed,0,", "calls,calls,backlog,5,")
    (inbox / "overflow.csv").write_text(OVERFLOW + "\n".join(rows) + "\n")
    found = call_json("validate", inbox, *AT, code=1)
    assert found["good"]["overflow"] == 2
    assert [(row["table_name"], row["rule"], row["num"]) for row in found["rejected"]] == [
        ("overflow", "helps_another_queue", 1)
    ]


def test_the_check_names_helpers_that_never_lend(tmp_path: Path) -> None:
    """Which queue, whom it was to help, and what to set."""
    inbox = write_csvs(tmp_path, BORROWING)
    rows = ("calls,general,backlog,5,", "late,general,closed,,", "calls,late,backlog,5,")
    (inbox / "overflow.csv").write_text(OVERFLOW + "\n".join(rows) + "\n")
    findings = call_json("policy", "check", "default", "--on", inbox, *AT)["findings"]
    told = {row["where"]: row["detail"] for row in findings if row["rule"] == "never_lends"}
    assert told == {
        "queue general": "it never helps calls and 1 other, which overflow names it for, because"
        " its arrivals_per_h in queues is empty: set it to the contacts expected in an hour",
        "queue late": "it never helps calls, which overflow names it for, because its"
        " arrivals_per_h in queues is empty, and it has no rows in queue_members: set it to the"
        " contacts expected in an hour, and list its members",
    }
