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
