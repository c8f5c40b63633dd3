"""A floor of the lab as the product's tables: a class is a queue with skills of its own.

An agent who is eligible for a class has its skills, at levels whose mean says how likely they
resolve it: with `steps` skills per class, probabilities come in 10 x `steps` equal steps.
Only contacts, agents and what they hold change from tick to tick; the rest is built once.
"""

from datetime import datetime, timedelta

import numpy as np
import polars as pl

from models.batch import Batch, empty_batch
from models.proficiency import TOP_LEVEL
from models.tables import (
    AGENT_CHANNELS,
    AGENT_LOAD,
    AGENT_SKILLS,
    AGENTS,
    CONTACT_SKILLS,
    CONTACTS,
    INSTANT,
    QUEUES,
    LoadState,
    Presence,
    Table,
)
from scenarios.lab.centre import Floats, Ints, LabCentre, LabChannel
from scenarios.lab.events import DAY_START
from scenarios.lab.floor import NOTHING, Floor
from scenarios.lab.tick_policy import CAPACITY, CHANNELS, probability_range
from solver.pricing.scenarios import Remaining, mean_remaining_s

STEPS = 4
"""Skills per class; 40 steps between the smallest and the largest probability."""
_MICRO = 1_000_000
_START_US = round(DAY_START.timestamp() * _MICRO)
_FOREVER = timedelta(days=30)
"""Shifts last so long: in the lab, work that is held is finished at no cost, so that what ends a
shift is that the agent takes nothing new (presence), not that the next call might last longer."""
_DIGITS = 9
_PRESENCE = pl.Series([Presence.OFFLINE.value, Presence.AVAILABLE.value])
_STATE = pl.Series([LoadState.ACTIVE.value, LoadState.PARKED.value])
_CHANNEL_NAMES = pl.Series([channel.value for channel in CHANNELS])


class TickTables:
    """The tables of one centre on one day."""

    def __init__(self, centre: LabCentre, steps: int = STEPS) -> None:
        """Builds what does not change."""
        self._centre = centre
        self._channel = centre.classes.channel.astype(np.int64)
        self._queues = _names("class", centre.num_classes)
        self._agents = _names("agent", centre.num_agents)
        self._skills = pl.Series(
            [f"{queue}.{step:02d}" for queue in self._queues for step in range(steps)]
        )
        self._held = _names("held", centre.num_agents * (centre.chats + 1))
        self._steps = steps
        self._people = self._staff()
        self._static = empty_batch(DAY_START).at(
            DAY_START,
            queues=self._lines(),
            agents=self._people,
            agent_channels=self._limits(),
            agent_skills=self._levels(),
        )

    def batch(self, floor: Floor) -> Batch:
        """The tables as they stand at the floor's instant."""
        now = DAY_START + timedelta(microseconds=round(floor.now_s * _MICRO))
        contacts = self._contacts(floor)
        return self._static.at(
            now,
            contacts=contacts,
            contact_skills=self._asked(contacts["contact_id"], floor.kind),
            agents=self._presence(floor),
            agent_load=self._load(floor),
        )

    def contacts_of(self, contact_ids: pl.Series) -> Ints:
        """Names in the floor of the contacts of these ids."""
        return _numbers(contact_ids)

    def agents_of(self, agent_ids: pl.Series) -> Ints:
        """Positions of the agents of these ids."""
        return _numbers(agent_ids)

    def _staff(self) -> pl.DataFrame:
        return _complete(
            AGENTS,
            agent_id=self._agents,
            presence=Presence.OFFLINE.value,
            site="lab",
            time_zone="UTC",
            shift_start_at=DAY_START,
            shift_end_at=DAY_START + _FOREVER,
            capacity_units=CAPACITY,
            version=0,
        )

    def _presence(self, floor: Floor) -> pl.DataFrame:
        """Who takes work is available; who holds something got work when they took the last."""
        holds = floor.held_kind != NOTHING
        last_s = np.where(holds, floor.held_since_s, -np.inf).max(axis=1)
        since_s = np.where(holds.any(axis=1), last_s, floor.idle_since_s)
        return self._people.with_columns(
            _PRESENCE[floor.on_duty.astype(np.int64)].alias("presence"),
            _instants(since_s).alias("idle_since"),
        )

    def _lines(self) -> pl.DataFrame:
        centre = self._centre
        eligible = centre.eligible.astype(np.float64)
        mean_s = (centre.h * eligible).sum(axis=1) / np.maximum(eligible.sum(axis=1), 1.0)
        return _complete(
            QUEUES,
            queue_id=self._queues,
            target_answer_s=pl.Series(np.maximum(centre.classes.target_s, 1.0)),
            mean_handle_s=pl.Series(np.clip(mean_s, 5.0, 14_400.0)),
        )

    def _limits(self) -> pl.DataFrame:
        """One call, one email, so many chats, where the agent is eligible for a class of these."""
        most = np.array([1, self._centre.chats, 1])
        serves = np.stack(
            [self._centre.eligible[self._channel == kind].any(axis=0) for kind in LabChannel]
        )
        channel, agent = np.nonzero(serves)
        return _complete(
            AGENT_CHANNELS,
            agent_id=self._agents[agent],
            channel=_CHANNEL_NAMES[channel],
            max_items=pl.Series(most[channel]),
        )

    def _levels(self) -> pl.DataFrame:
        """A row for each skill of each eligible pair; the levels of a pair add up to its p."""
        centre, steps = self._centre, self._steps
        low, high = probability_range(centre)
        share = (centre.p - low) / max(high - low, 1e-12)
        total = np.rint(share * steps * TOP_LEVEL).astype(np.int64)
        kind, agent = np.nonzero(centre.eligible)
        step = np.tile(np.arange(steps), len(kind))
        kind, agent = np.repeat(kind, steps), np.repeat(agent, steps)
        level = (total[kind, agent] + step) // steps
        return _complete(
            AGENT_SKILLS,
            agent_id=self._agents[agent],
            skill=self._skills[kind * steps + step],
            proficiency=pl.Series(level),
        )

    def _contacts(self, floor: Floor) -> pl.DataFrame:
        ids = _labels("contact", floor.contact)
        return _complete(
            CONTACTS,
            contact_id=ids,
            conversation_id=ids,
            queue_id=self._queues[floor.kind],
            channel=_CHANNEL_NAMES[self._channel[floor.kind]],
            entered_at=_instants(floor.now_s - floor.waited_s),
            value=pl.Series(floor.value),
            version=0,
        )

    def _asked(self, ids: pl.Series, kind: Ints) -> pl.DataFrame:
        steps = self._steps
        row = np.repeat(np.arange(len(kind)), steps)
        skill = (kind[:, None] * steps + np.arange(steps)).ravel()
        return _complete(
            CONTACT_SKILLS,
            contact_id=ids[row],
            skill=self._skills[skill],
            min_proficiency=0,
        )

    def _load(self, floor: Floor) -> pl.DataFrame:
        """What is held, with the end that can be expected; an email lies still beside others."""
        agent, place = np.nonzero(floor.held_kind != NOTHING)
        kind = floor.held_kind[agent, place]
        since_s = floor.held_since_s[agent, place]
        channel = self._channel[kind]
        live = channel != LabChannel.EMAIL
        beside = np.bincount(agent[live], minlength=len(floor.on_duty))[agent] > 0
        names = self._held[agent * floor.held_kind.shape[1] + place]
        return _complete(
            AGENT_LOAD,
            agent_id=self._agents[agent],
            contact_id=names,
            channel=_CHANNEL_NAMES[channel],
            state=_STATE[(beside & ~live).astype(np.int64)],
            started_at=_instants(since_s),
            expected_end_at=_instants(floor.now_s + self._left_s(floor, agent, kind, since_s)),
        )

    def _left_s(self, floor: Floor, agent: Ints, kind: Ints, since_s: Floats) -> Floats:
        """Expected seconds to go of what is held, given how long it has taken so far."""
        sigma = self._centre.handle_sigma
        log_mean = np.log(self._centre.h[kind, agent]) - sigma**2 / 2
        elapsed_s = floor.now_s - since_s
        return mean_remaining_s(Remaining(elapsed_s, log_mean, np.full(len(kind), sigma)))


def _complete(table: Table, **columns: pl.Series | str | float | datetime) -> pl.DataFrame:
    """A frame of the contract: one value stands for all rows, what is not named is empty.

    Made without expressions: the product's tables are built anew in every tick.
    """
    size = max((len(col) for col in columns.values() if isinstance(col, pl.Series)), default=1)
    series = []
    for column in table.columns:
        given = columns.get(column.name)
        if not isinstance(given, pl.Series):
            given = pl.Series([given], dtype=column.dtype).new_from_index(0, size)
        series.append(given.alias(column.name))
    return pl.DataFrame(series)


def _names(prefix: str, number: int) -> pl.Series:
    return _labels(prefix, np.arange(number))


def _labels(prefix: str, numbers: Ints) -> pl.Series:
    """Names that sort as their numbers do."""
    labels = [f"{prefix}-{number:0{_DIGITS}d}" for number in numbers.tolist()]
    return pl.Series(labels, dtype=pl.String)


def _numbers(labels: pl.Series) -> Ints:
    return np.array([int(label[-_DIGITS:]) for label in labels], dtype=np.int64)


def _instants(seconds: Floats) -> pl.Series:
    micro: Ints = np.rint(seconds * _MICRO).astype(np.int64) + _START_US
    return pl.Series(micro).cast(INSTANT)
