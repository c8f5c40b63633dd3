"""Who was there: shifts and absences from first to last call, since the log holds no roster.

An agent is on shift from the first to the last call of a stretch of work. Between two calls they
were away if the next call came late although somebody waited whom they could have served.
Shorter delays of this kind, while somebody waited, are the time off after a call: wrap-up, a
sip of water. It is cut short where the queue empties, hence Kaplan-Meier.
"""

from dataclasses import dataclass

import numpy as np
import polars as pl

from scenarios.from_log.handling import Agents, skills_of
from scenarios.from_log.month import DAY_S, Month
from scenarios.from_log.survival import Survival, kaplan_meier
from scenarios.lab.centre import Flags, Floats

LONG_GAP_S = 900.0
NEGLECTED_S = 60.0
"""Away: no call for LONG_GAP_S while somebody waited for at least this long."""
LONGEST_IDLE_S = 3600.0
"""Away whatever the queue: nobody on duty is left alone that long."""
PROMPT_S = 3.0
"""The log's service begins about a second after the wait ended."""


@dataclass(frozen=True, eq=False)
class Presence:
    """Shifts with absences, both as rows of agent_id, day, from_s, until_s."""

    shifts: pl.DataFrame
    """One per agent and day."""
    absences: pl.DataFrame
    """Within the shifts."""
    time_off: Survival
    """After a call until the next, where somebody waited as it ended."""


@dataclass(frozen=True, eq=False)
class QueueTimes:
    """Stretches in which somebody waited, ascending and apart, in seconds."""

    from_s: Floats
    until_s: Floats

    def busy_until(self, at_s: Floats) -> Floats:
        """End of the stretch that holds each instant; the instant itself if nobody waits."""
        place = np.searchsorted(self.from_s, at_s, side="right") - 1
        ends = np.concatenate([self.until_s, [-np.inf]])[place]
        until_s: Floats = np.maximum(ends, at_s)
        return until_s

    def busy_s(self, at_s: Floats) -> Floats:
        """Seconds with somebody waiting up to each instant."""
        past = np.concatenate([[0.0], np.cumsum(self.until_s - self.from_s)])
        place = np.searchsorted(self.from_s, at_s, side="right")
        over = np.concatenate([[0.0], self.until_s])[place] - at_s
        seconds: Floats = past[place] - np.where(place > 0, np.clip(over, 0.0, None), 0.0)
        return seconds


def fit_presence(month: Month, types: tuple[str, ...], agents: Agents) -> Presence:
    """Shifts, absences and time off of the month; agents are those of `agents` or unknown."""
    gaps = gaps_of(month)
    parts, times, events = [], [], []
    queues = month.calls.filter("waited")
    for name in gaps["agent_id"].unique(maintain_order=True):
        mine = gaps.filter(agent_id=name)
        done, next_s = mine["done_s"].to_numpy(), mine["next_s"].to_numpy()
        waiting = queue_times(queues.filter(pl.col("type").is_in(_skills(name, types, agents))))
        away = is_away(done, next_s, waiting)
        parts.append(mine.filter(away))
        off_s, is_event = time_off(done[~away], next_s[~away], waiting)
        times.append(off_s)
        events.append(is_event)
    shifts = (
        month.stints.group_by("agent_id", "day")
        .agg(pl.col("from_s").min(), pl.col("until_s").max())
        .sort("day", "agent_id")
    )
    absences = _within(pl.concat(parts) if parts else gaps.clear(), shifts)
    curve = kaplan_meier(np.concatenate(times), np.concatenate(events))
    return Presence(shifts, absences, curve)


def queue_times(waited: pl.DataFrame) -> QueueTimes:
    """Stretches in which at least one of these calls waited; day d begins at d x 86,400 s."""
    begin = (DAY_S * waited["day"] + waited["entered_s"]).to_numpy()
    order = np.argsort(begin, kind="stable")
    begin = begin[order]
    end = begin + waited["wait_s"].to_numpy()[order]
    if not len(begin):
        return QueueTimes(begin, end)
    latest = np.maximum.accumulate(end)
    first = np.concatenate([[True], begin[1:] > latest[:-1]])
    last = np.concatenate([first[1:], [True]])
    return QueueTimes(begin[first], latest[last])


def is_away(done_s: Floats, next_s: Floats, waiting: QueueTimes) -> Flags:
    """(n,) whether the agent was away between the end of a call and the next."""
    gap_s = next_s - done_s
    neglected_s = waiting.busy_s(next_s) - waiting.busy_s(done_s)
    away: Flags = (gap_s > LONGEST_IDLE_S) | ((gap_s > LONG_GAP_S) & (neglected_s > NEGLECTED_S))
    return away


def time_off(done_s: Floats, next_s: Floats, waiting: QueueTimes) -> tuple[Floats, Flags]:
    """Times off after calls, and whether each was seen to its end.

    Only where somebody waited as the call ended; seen if the next call was taken before the queue
    emptied, else known to be longer than that.
    """
    until_s = waiting.busy_until(done_s)
    known = until_s > done_s
    gap_s = np.clip(next_s - done_s, 0.0, None)[known]
    queue_s = (until_s - done_s)[known]
    is_event = gap_s <= queue_s + PROMPT_S
    return np.where(is_event, gap_s, queue_s), is_event


def heads(presence: Presence, num_days: int, interval_s: float) -> Floats:
    """(num_days, T) agents on shift and not away, on average over each interval."""
    step = np.arange(round(DAY_S / interval_s))

    def overlap(rows: pl.DataFrame) -> Floats:
        begin, end = rows["from_s"].to_numpy()[:, None], rows["until_s"].to_numpy()[:, None]
        shared = np.minimum(end, (step + 1) * interval_s) - np.maximum(begin, step * interval_s)
        total = np.zeros((num_days, len(step)))
        np.add.at(total, rows["day"].to_numpy(), np.clip(shared, 0.0, None) / interval_s)
        return total

    return overlap(presence.shifts) - overlap(presence.absences)


def calls_of_agents(month: Month) -> pl.DataFrame:
    """Calls in order of agent and service: agent_id, day, served_s, done_s (days included)."""
    begin = DAY_S * pl.col("day") + pl.col("entered_s") + pl.col("wait_s")
    served = month.calls.filter(pl.col("service_s") > 0).with_columns(served_s=begin)
    return served.sort("agent_id", "served_s").select(
        "agent_id", "day", "served_s", done_s=pl.col("served_s") + pl.col("service_s")
    )


def gaps_of(month: Month) -> pl.DataFrame:
    """Between two calls of the same agent and day: agent_id, day, done_s, next_s."""
    of_day = ["agent_id", "day"]
    return (
        calls_of_agents(month)
        .with_columns(
            done_s=pl.col("done_s").cum_max().over(of_day),
            next_s=pl.col("served_s").shift(-1).over(of_day),
        )
        .filter(pl.col("next_s") > pl.col("done_s"))
        .select(*of_day, "done_s", "next_s")
    )


def _within(away: pl.DataFrame, shifts: pl.DataFrame) -> pl.DataFrame:
    """Absences in seconds of their day, cut to the shift."""
    begin = DAY_S * pl.col("day")
    return (
        away.join(shifts, on=["agent_id", "day"], maintain_order="left")
        .select(
            "agent_id",
            "day",
            from_s=pl.max_horizontal(pl.col("done_s") - begin, "from_s"),
            until_s=pl.min_horizontal(pl.col("next_s") - begin, "until_s"),
        )
        .filter(pl.col("until_s") > pl.col("from_s"))
    )


def _skills(name: str, types: tuple[str, ...], agents: Agents) -> list[str]:
    able = skills_of((name,), agents)[:, 0]
    return [one for one, is_mine in zip(types, able, strict=True) if is_mine]
