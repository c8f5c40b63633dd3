"""A real bank's call centre of 1999: the queue at one instant, or a day of real arrivals.

Rules and assumptions are listed in `docs/importers.md`; times of the log are read and put on a
time line by `anonymous_bank_log.py`.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import polars as pl

from data_io.imports.anonymous_bank_log import (
    MIN_CALLS,
    STINT_BREAK,
    ZONE,
    calls_before,
    observed_skills,
    read_calls,
    stints,
)
from data_io.imports.anonymous_bank_tables import (
    PRIORITY_VALUE,
    REGULAR_VALUE,
    build_agent_channels,
    build_agents,
    build_contacts,
    build_customers,
    build_queues,
    idle_since,
    seconds_between,
)
from data_io.imports.imported import Imported, UnreadableLogError, typed_frame
from models.tables import (
    AGENT_LOAD,
    AGENT_SKILLS,
    CALENDARS,
    CONTACT_SKILLS,
    DECLINES,
    INSTANT,
    QUEUE_MEMBERS,
    Channel,
    InputTables,
    LoadState,
    Presence,
)

ATTRIBUTION = (
    "Anonymous Bank call-centre data of 1999, I. Guedj and A. Mandelbaum, Technion SEELab,"
    " for research use."
)


@dataclass(frozen=True, eq=False)
class BankDay:
    """What a replay of one day's real arrivals needs; frames follow `models/tables.py`.

    `arrivals` holds the columns of contacts and: `required_skill`, `min_proficiency`,
    `patience_s` (the wait of a customer who hung up; null where a served one never showed it),
    `patience_observed`, `handle_s` (null where nobody served the call), `waited_s` (in the real
    queue) and `real_agent_id`; one row per call, in order of entry.
    """

    starts_at: datetime
    """Local midnight, in UTC."""
    ends_at: datetime
    arrivals: pl.DataFrame
    agents: pl.DataFrame
    agent_channels: pl.DataFrame
    agent_skills: pl.DataFrame
    queues: pl.DataFrame
    customers: pl.DataFrame
    assumptions: tuple[str, ...]
    attribution: str


def import_bank(path: Path, day: date, at: time) -> Imported:
    """The calls in queue, calls in service and servers at a local time of `day` as one batch.

    `path` is a month's file, whose neighbours are read as history, or their folder. Raises
    UnreadableLogError when it is not the log or holds no call of that day.
    """
    calls = read_calls(path)
    now = _utc(day, at)
    starts_at, ends_at = _day(calls, day)
    history = calls_before(calls, now)
    shifts = _shift_at(_stints_of(calls, starts_at, ends_at), now)
    on_shift = pl.lit(now, INSTANT).is_between("shift_start_at", "shift_end_at", closed="left")
    waiting = _waiting(calls, now)
    serving = calls.filter(
        pl.col("agent_id").is_not_null(),
        pl.lit(now, INSTANT).is_between("served_at", "done_at", closed="left"),
    )
    tables = InputTables(
        queues=build_queues(calls, history),
        calendars=CALENDARS.empty(),
        customers=build_customers(pl.concat([waiting, serving])),
        agents=build_agents(
            shifts.join(idle_since(history), on="agent_id", how="left"),
            pl.when(on_shift)
            .then(pl.lit(Presence.AVAILABLE.value))
            .otherwise(pl.lit(Presence.OFFLINE.value)),
        ),
        agent_channels=build_agent_channels(shifts),
        agent_skills=typed_frame(AGENT_SKILLS, observed_skills(history, shifts)),
        agent_load=typed_frame(
            AGENT_LOAD,
            serving,
            conversation_id="contact_id",
            channel=pl.lit(Channel.VOICE.value),
            state=pl.lit(LoadState.ACTIVE.value),
            started_at="served_at",
        ),
        queue_members=QUEUE_MEMBERS.empty(),
        contacts=build_contacts(waiting, history),
        contact_skills=typed_frame(CONTACT_SKILLS, waiting, skill="type", min_proficiency=1),
        declines=DECLINES.empty(),
    )
    facts = (
        f"{len(waiting)} calls wait and {len(serving)} are in service at {at:%H:%M:%S} of {day}.",
        f"{shifts.filter(on_shift).height} of the day's {len(shifts)} servers are on shift.",
    )
    return Imported(tables, (*facts, *_ASSUMPTIONS), now, ATTRIBUTION)


def read_bank_day(path: Path, day: date) -> BankDay:
    """The day's calls as they arrived, with its servers and shifts, for a replay.

    Skills, mean handling times and last servers are those of history before the day. A server
    who came twice, or still worked after midnight, has the shift with most time in the day.
    Raises UnreadableLogError.
    """
    calls = read_calls(path)
    starts_at, ends_at = _day(calls, day)
    history = calls_before(calls, starts_at)
    arrivals = calls.filter(
        pl.col("entered_at").is_between(
            pl.lit(starts_at, INSTANT), pl.lit(ends_at, INSTANT), closed="left"
        )
    )
    present = _stints_of(calls, starts_at, ends_at)
    shifts = _main_shift(present, starts_at, ends_at)
    again = len(present) - len(shifts)
    contacts = build_contacts(arrivals, history).join(_observed(arrivals), on="contact_id")
    facts = (
        f"{len(arrivals):,} calls of {day} asked for an agent;"
        f" {int(arrivals['abandoned'].sum()):,} of them hung up in the queue.",
        f"{len(shifts)} servers took calls; {again} other shifts that touch the day are left out.",
    )
    return BankDay(
        starts_at=starts_at,
        ends_at=ends_at,
        arrivals=contacts.sort("entered_at", "contact_id"),
        agents=build_agents(shifts, pl.lit(Presence.AVAILABLE.value)),
        agent_channels=build_agent_channels(shifts),
        agent_skills=typed_frame(AGENT_SKILLS, observed_skills(history, shifts)),
        queues=build_queues(calls, history),
        customers=build_customers(arrivals),
        assumptions=(*facts, *_ASSUMPTIONS),
        attribution=ATTRIBUTION,
    )


def _utc(day: date, at: time) -> datetime:
    return datetime.combine(day, at, ZoneInfo(ZONE)).astimezone(UTC)


def _day(calls: pl.DataFrame, day: date) -> tuple[datetime, datetime]:
    """Start and end of a local day, in UTC; raises UnreadableLogError without calls in it."""
    starts_at, ends_at = _utc(day, time()), _utc(day + timedelta(days=1), time())
    days = calls["entered_at"].dt.convert_time_zone(ZONE).dt.date().unique().sort().to_list()
    if day not in days:
        raise UnreadableLogError(
            f"no call on {day}",
            f"a day of the log, {days[0]} to {days[-1]}",
            "give another date",
        )
    return starts_at, ends_at


def _stints_of(calls: pl.DataFrame, starts_at: datetime, ends_at: datetime) -> pl.DataFrame:
    return stints(calls).filter(
        pl.col("shift_start_at") < pl.lit(ends_at, INSTANT),
        pl.col("shift_end_at") > pl.lit(starts_at, INSTANT),
    )


def _shift_at(present: pl.DataFrame, now: datetime) -> pl.DataFrame:
    """One shift per server: the one that covers `now`, else the next one, else the last."""
    instant = pl.lit(now, INSTANT)
    ended = pl.col("shift_end_at") <= instant
    distance = (
        pl.when(ended)
        .then(instant - pl.col("shift_end_at"))
        .otherwise(pl.col("shift_start_at") - instant)
    )
    return _first_of(present.sort(ended, distance))


def _main_shift(present: pl.DataFrame, starts_at: datetime, ends_at: datetime) -> pl.DataFrame:
    """One shift per server: the one with most time within the day."""
    within = pl.min_horizontal("shift_end_at", pl.lit(ends_at, INSTANT)) - pl.max_horizontal(
        "shift_start_at", pl.lit(starts_at, INSTANT)
    )
    return _first_of(present.sort(within, "shift_start_at", descending=[True, False]))


def _first_of(shifts: pl.DataFrame) -> pl.DataFrame:
    return shifts.unique("agent_id", keep="first", maintain_order=True).sort("agent_id")


def _waiting(calls: pl.DataFrame, now: datetime) -> pl.DataFrame:
    """Calls in queue; the log lets a call leave the queue seconds after its service began."""
    instant = pl.lit(now, INSTANT)
    return calls.filter(
        instant.is_between("entered_at", "left_queue_at", closed="left"),
        (pl.col("served_at") > instant).fill_null(value=True),
    )


def _observed(arrivals: pl.DataFrame) -> pl.DataFrame:
    waited_s = seconds_between("entered_at", "left_queue_at")
    return arrivals.select(
        "contact_id",
        required_skill="type",
        min_proficiency=pl.lit(1, pl.Int64),
        patience_s=pl.when("abandoned").then(waited_s),
        patience_observed="abandoned",
        handle_s=seconds_between("served_at", "done_at"),
        waited_s=waited_s.fill_null(0.0),
        real_agent_id="agent_id",
    )


_ASSUMPTIONS = (
    f"Clock times of the log are those of {ZONE}, as are the customers' and the servers' zones.",
    "A server is on shift from the first to the last call without a break of"
    f" {STINT_BREAK.total_seconds() / 3600:.0f} h: the roster, which a centre knows in advance and"
    " the log does not hold, is read from the whole day, later calls included.",
    f"Skills are call types that a server handled at least {MIN_CALLS} times before; the level is"
    " 1 + log2(1 + calls), at most 10; a server without history takes regular calls at level 1."
    " A contact requires level 1.",
    f"Money: a priority customer (2) is gold and worth {PRIORITY_VALUE:.0f}, any other (0, 1) is"
    f" standard and worth {REGULAR_VALUE:.0f}; customer 0 is not identified.",
    "A server takes one call at a time (100 of 100 units); the log holds no wrap-up time, so a"
    " server is free as soon as a call ends. Answer targets are the channel's.",
    "Phantom calls and those that ended in the voice menu are left out; calls that nobody named"
    " served (NO_SERVER) arrive but teach no skill and keep no server busy.",
)
