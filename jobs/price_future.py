"""The future as prices see it: a forecast by class, and the floor at the instant of the run."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl

from data_io.price_store import PriceMemory
from jobs.price_classes import ContactClasses
from jobs.price_probe import INTERRUPTIBLE, Probed
from models.batch import Batch
from models.forecast import Forecast, History, Prior, build_forecast
from models.hours import NO_CALENDAR
from models.policy import Policy
from models.problem import Floats, Ints
from models.tables import INSTANT, LoadState
from solver.pricing.moment import Beliefs, Moment
from solver.pricing.scenarios import day_factor

INTERVAL = timedelta(minutes=30)
INTERVALS = 48
"""Of a day, on the centre's clock."""
SLOT = timedelta(minutes=15)
"""Arrivals and looks are known by these."""
MICROSECOND = timedelta(microseconds=1)
MOST_GAP = timedelta(hours=1)
MOST_SILENCE = timedelta(days=1)
HOUR_S = 3600.0
CLOSED_S = -86_400.0


@dataclass(frozen=True, eq=False)
class Outlook:
    """What is expected from the instant of the run on."""

    forecast: Forecast
    weekday: int
    at: float
    """Now, in intervals since midnight."""
    factor: float
    """How busy the day is, relative to its forecast."""
    closing_in_s: float

    def expected(self, length_s: float) -> Floats:
        """(K,) contacts of the next `length_s` seconds, before the day's factor."""
        return self.forecast.expected(
            self.weekday, self.at, self.at + length_s / INTERVAL.total_seconds()
        )


def build_outlook(
    batch: Batch, classes: ContactClasses, memory: PriceMemory, probed: Probed, policy: Policy
) -> Outlook:
    """Forecast from the store's history, or from the staff where there is none."""
    zone = centre_zone(batch)
    now = batch.now.astimezone(zone)
    since = memory.instant("watched_since") or batch.now
    watched = watched_slots(memory, batch.now)
    history = build_history(classes, watched, since.astimezone(zone), now)
    queue = classes.queues
    # What is believed of a queue is shared by its classes.
    worth = policy.prices.prior_contacts / np.bincount(queue)[queue]
    prior = Prior(staffed_rate(probed, queue, policy), worth)
    # What came today is in the day's factor: in the forecast too, it would count twice.
    forecast = build_forecast(history.before_today, prior)
    expected = (history.seen[-1] @ forecast.mean[now.weekday()]).sum()
    return Outlook(
        forecast=forecast,
        weekday=now.weekday(),
        at=_interval(now),
        factor=day_factor(float(history.counts[-1].sum()), float(expected)),
        closing_in_s=closing_in_s(probed),
    )


def centre_zone(batch: Batch) -> ZoneInfo:
    """The zone of most rows of `calendars`, UTC where there are none."""
    zones = batch.calendars["time_zone"].mode().sort()
    return ZoneInfo("UTC" if zones.is_empty() else zones[0])


def watched_slots(memory: PriceMemory, now: datetime) -> pl.DataFrame:
    """(slot_at) quarters of an hour until `now` in which nobody who came was missed.

    Between two looks somebody watched, unless they are further apart than `MOST_GAP`. Where only
    contacts that went tell of looks, they may be `MOST_SILENCE` apart: nights are silent.
    """
    slot_s = int(SLOT.total_seconds())
    looks = memory.looks.with_columns(number=pl.col("slot_at").dt.epoch("s") // slot_s)
    here = int(now.timestamp()) // slot_s
    known = np.unique(np.append(looks["number"].to_numpy(), here)).astype(np.int64)
    kept = looks.filter("is_kept")["number"].to_numpy().min(initial=here)
    every = np.arange(known[0], here + 1)
    before = known[np.searchsorted(known, every, side="right") - 1]
    after = known[np.searchsorted(known, every)]
    watched = after - before <= np.where(after <= kept, MOST_SILENCE // SLOT, MOST_GAP // SLOT)
    instants = pl.from_epoch(pl.Series("slot_at", every[watched] * slot_s), time_unit="s")
    return instants.cast(pl.Datetime("us")).dt.replace_time_zone("UTC").to_frame()


def build_history(
    classes: ContactClasses, watched: pl.DataFrame, since: datetime, now: datetime
) -> History:
    """Counts by local day and interval of the slots that were watched; both instants are local.

    The last day is today; the first one is that of `since`.
    """
    first = since.date()
    days = (now.date() - first).days + 1
    begin = pl.max_horizontal("slot_at", pl.lit(since).cast(INSTANT))
    end = pl.min_horizontal(pl.col("slot_at") + SLOT, pl.lit(now).cast(INSTANT))
    share = (end - begin).dt.total_microseconds().clip(0) / (INTERVAL / MICROSECOND)
    watched = _on_the_clock(watched.with_columns(share=share), first, days, now)
    seen = np.zeros((days, INTERVALS))
    np.add.at(seen, _cells(watched), watched["share"].to_numpy())
    came = _on_the_clock(classes.arrivals, first, days, now).join(
        watched.select("slot_at"), on="slot_at", how="semi"
    )
    counts = np.zeros((days, INTERVALS, classes.number))
    where = (*_cells(came), came["class_idx"].to_numpy().astype(np.int64))
    np.add.at(counts, where, came["num"].to_numpy().astype(np.float64))
    age = np.arange(days - 1, -1, -1)
    # The hour that comes twice when clocks change is one hour.
    seen = np.minimum(seen, 1.0)
    return History(counts, seen, (now.weekday() - age) % 7, age.astype(np.float64))


def _on_the_clock(rows: pl.DataFrame, first: date, days: int, now: datetime) -> pl.DataFrame:
    """The rows of those days, with their `day` and `place` on the clock of `now`."""
    local = pl.col("slot_at").dt.convert_time_zone(str(now.tzinfo))
    minutes = local.dt.hour().cast(pl.Int64) * 60 + local.dt.minute().cast(pl.Int64)
    placed = rows.with_columns(day=(local.dt.date() - first).dt.total_days(), place=minutes // 30)
    return placed.filter(pl.col("day").is_between(0, days - 1))


def _cells(rows: pl.DataFrame) -> tuple[Ints, Ints]:
    day, place = (rows[name].to_numpy().astype(np.int64) for name in ("day", "place"))
    return day, place


def staffed_rate(probed: Probed, queue: Ints, policy: Policy) -> Floats:
    """(K,) contacts per interval that would load the staff as the policy expects.

    `queue` is (K,) the queue of each class. Each agent's time is shared evenly between the queues
    that the agent serves, and then between their classes. Of work that is done beside other work
    nothing is believed: it follows no staff.
    """
    beliefs = probed.beliefs
    on_duty = probed.agents.present & probed.agents.on_shift
    takes_all = beliefs.attention >= INTERRUPTIBLE
    serves = (beliefs.allowed & on_duty & takes_all[:, None]).astype(np.float64)
    of_queue = np.zeros((queue.max(initial=0) + 1, serves.shape[1]))
    np.add.at(of_queue, queue, serves)
    num_queues = np.count_nonzero(of_queue, axis=0)
    each = serves / np.maximum(of_queue[queue] * num_queues, 1)
    mean_s = beliefs.attention * beliefs.handling_s.mean(axis=1)
    load_s = policy.prices.expected_load * INTERVAL.total_seconds()
    rate: Floats = load_s * each.sum(axis=1) / mean_s
    return rate


def closing_in_s(probed: Probed) -> float:
    """Until the last queue closes; infinite where one always is open, below 0 if all are shut."""
    hours = probed.hours
    queues = hours.queues
    if (queues["calendar_idx"] == NO_CALENDAR).any():
        return np.inf
    is_open = queues["is_open"].to_numpy()
    if not is_open.any():
        return CLOSED_S
    clock = queues["calendar_idx"].to_numpy()[is_open]
    return float(hours.closes_in_s(clock).max())


def look_of(
    batch: Batch, classes: ContactClasses, probed: Probed, outlook: Outlook
) -> Callable[[float], Moment]:
    """The floor of now, with the forecast for as many seconds as are asked for."""
    agents = probed.agents
    held = _held(batch, classes, probed)
    kind = classes.column("class_idx")
    value = classes.waiting["value"].to_numpy()
    on_duty = agents.present & agents.on_shift & agents.responding

    def look(length_s: float) -> Moment:
        return Moment(
            waiting_kind=kind,
            waiting_value=probed.money_fixed[kind] + probed.money_share[kind] * value,
            held_agent=held["agent_idx"].to_numpy().astype(np.int64),
            held_kind=held["class_idx"].to_numpy().astype(np.int64),
            held_elapsed_s=held["elapsed_s"].to_numpy(),
            duty_left_s=np.where(on_duty, np.maximum(agents.shift_left_s, 0.0), 0.0),
            forecast=outlook.expected(length_s)[None, :],
            horizon_s=length_s,
            factor=outlook.factor,
            closing_in_s=outlook.closing_in_s,
        )

    return look


def rate_per_s(outlook: Outlook, beliefs: Beliefs) -> Floats:
    """(K,) contacts a second within the next hour; evenly mixed where none are expected."""
    rate = outlook.expected(HOUR_S) / HOUR_S
    return rate if rate.sum() > 0 else np.full(len(beliefs.attention), 1.0)


def _held(batch: Batch, classes: ContactClasses, probed: Probed) -> pl.DataFrame:
    """(agent_idx, class_idx, elapsed_s) of what agents work on; of unknown ones the largest class
    of their channel.
    """
    numbered = probed.agents.agents.select("agent_id", "agent_idx")
    elapsed = (batch.now - pl.col("started_at")).dt.total_microseconds() / 1e6
    return (
        batch.agent_load.filter(pl.col("state") != LoadState.PARKED.value)
        .join(numbered, on="agent_id")
        .join(classes.held, on="contact_id", how="left")
        .join(classes.by_channel.rename({"class_idx": "like"}), on="channel", how="left")
        .select(
            "agent_idx",
            class_idx=pl.coalesce("class_idx", "like"),
            elapsed_s=elapsed.clip(0.0),
        )
        .drop_nulls()
        .sort("agent_idx", "class_idx", "elapsed_s")
    )


def _interval(local: datetime) -> float:
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0)
    # Wall clock: on days when clocks change, a day has 48 intervals all the same.
    return (local.replace(tzinfo=None) - midnight.replace(tzinfo=None)) / INTERVAL
