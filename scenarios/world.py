"""The world outside a simulated run: customers who come, wait and leave; agents who handle them.

To the job it looks like any other platform: it is a `data_io.source.Source`. It believes nothing
it is told: assignments that cannot be are errors. State is columnar, never an object per contact.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
from numpy.typing import NDArray

from data_io.quarantine import no_rejects
from data_io.source import Snapshot
from models.policy import Policy
from models.tables import (
    AGENT_LOAD,
    INSTANT,
    AssignmentEvent,
    InputTables,
    Presence,
)
from scenarios.fates import ANSWERED, ENDED, NEVER, draw_fates
from scenarios.ledger import ABANDONED, DONE, HELD, STATES, WAITING, WRAPPING, Ledger
from scenarios.population import USUAL_LEVEL, build_population
from scenarios.roster import LABELS, PRESENCES, build_roster

Ints = NDArray[np.int64]

_STATES = pl.Series([state.value for state in STATES])
_OUTCOMES = pl.Series(["waiting", "answered", "answered", "abandoned"])
_TAKES_WORK = [PRESENCES.index(p) for p in (Presence.AVAILABLE, Presence.WRAP_UP)]
_MOOD_LOST = 0.3
"""Mood that a customer loses, once, when the wait passes the target."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Census:
    """Contacts that have entered, by what became of them; the four parts add up to `arrived`."""

    arrived: int
    waiting: int
    in_service: int
    """Held by an agent: ringing, talking, parked or in wrap-up."""
    handled: int
    abandoned: int


@dataclass(frozen=True)
class Acceptance:
    """What became of assignment rows given to the world."""

    started: int
    customer_gone: int
    agent_gone: int
    """The agent went away between snapshot and commit; the contact waits on."""
    repeated: int
    """Rows that were accepted before: told twice is told once."""


class World:
    """A centre that lives: time moves on by `advance`, contacts go to agents by `accept`.

    `tables` must hold queues, agents and agent_channels; agents' presence is not taken from it but
    follows from shifts and `breaks` (agent_id, away_from, away_until). `arrivals` follows the
    contract of contacts with `patience_s` and `handle_s` (null: drawn from the policy), and those
    named in `tables.agent_load` are held from the start. Skills come from `arrival_skills`, or,
    where that is None, from the columns `required_skill` and `min_proficiency` of `arrivals`.
    Raises ValueError when the rows do not fit together.
    """

    def __init__(
        self,
        tables: InputTables,
        arrivals: pl.DataFrame,
        arrival_skills: pl.DataFrame | None,
        policy: Policy,
        seed: int,
        *,
        start_at: datetime,
        breaks: pl.DataFrame | None = None,
    ) -> None:
        people = build_population(tables, arrivals, arrival_skills, policy)
        fates = draw_fates(people.arrivals, policy, seed)
        agents = people.agents
        self._people = people
        self._roster = build_roster(agents, breaks)
        self._ledger = Ledger(people, fates, _micros(start_at))
        self._agent_version: Ints = agents["version"].to_numpy().copy()
        self._idle_since: Ints = agents["idle_since"].dt.epoch("us").fill_null(NEVER).to_numpy()
        self._idle_since = self._idle_since.copy()
        self._hold_from_the_start(people.load)
        self._presence = self._presence_now()

    @property
    def clock(self) -> datetime:
        """The world's present instant, in UTC."""
        return _EPOCH + timedelta(microseconds=self._ledger.now_us)

    def advance(self, until: datetime) -> None:
        """Move on to `until`: contacts enter, customers give up, handling ends, shifts change.

        Raises ValueError when `until` is in the past.
        """
        if until < self.clock:
            raise ValueError(
                f"world: asked to go to {until} at {self.clock}; expected no earlier instant;"
                " build a new world to start again"
            )
        np.add.at(self._agent_version, self._ledger.advance(_micros(until)), 1)
        presence = self._presence_now()
        self._agent_version += presence != self._presence
        self._presence = presence

    def read(self, now: datetime) -> Snapshot:
        """All that the platform shows at `now`, as the contracts say; time moves on to `now`."""
        self.advance(now)
        people, waiting = self._people, self._ledger.waiting()
        customer = np.unique(people.customer[waiting])
        idle_known = self._idle_since != NEVER
        tables = InputTables(
            queues=people.queues,
            calendars=people.calendars,
            customers=people.customers[customer[customer >= 0]],
            agents=people.agents.with_columns(
                LABELS[self._presence],
                _instants("idle_since", self._idle_since, idle_known),
                pl.Series("version", self._agent_version.copy()),
            ),
            agent_channels=people.agent_channels,
            agent_skills=people.agent_skills,
            agent_load=self._load(),
            queue_members=people.queue_members,
            contacts=self._pending(waiting),
            contact_skills=people.contact_skills[people.skill_rows(waiting)],
            declines=people.declines,
        )
        return Snapshot(tables=tables, rejects=no_rejects())

    def accept(self, assignments: pl.DataFrame) -> Acceptance:
        """Begin what committed assignments say: the agent answers within a few seconds.

        Only rows of the event `offered` count. Raises ValueError for a contact or agent that never
        was, and for a contact with two agents: a router must not do that.
        """
        offered = assignments.filter(pl.col("event") == AssignmentEvent.OFFERED.value)
        contact, agent = self._people.positions(offered)
        self._check_possible(offered, contact, agent)
        phase = self._ledger.phase[contact]
        ready = np.isin(self._presence[agent], _TAKES_WORK)
        start = (phase == WAITING) & ready
        units = offered["units"].to_numpy()
        self._ledger.begin(contact[start], agent[start], units[start])
        np.add.at(self._agent_version, agent[start], 1)
        self._idle_since[agent[start]] = self._ledger.now_us
        return Acceptance(
            started=int(start.sum()),
            customer_gone=int((phase == ABANDONED).sum()),
            agent_gone=int(((phase == WAITING) & ~ready).sum()),
            repeated=int(((phase == HELD) | (phase == DONE)).sum()),
        )

    def census(self) -> Census:
        """Contacts that have entered, by phase."""
        entered = self._ledger.num_entered
        counts = np.bincount(self._ledger.phase[:entered], minlength=4)
        return Census(entered, *(int(count) for count in counts))

    def events(self) -> pl.DataFrame:
        """One row per contact that entered: when it entered, was answered and ended, and how.

        Columns contact_id, channel, queue_id, entered_at, answered_at, ended_at, agent_id, outcome
        (answered, abandoned, waiting), target_answer_s. `ended_at` is the end of the conversation
        or of the customer's patience, null while it is to come; wrap-up is not in it. Contacts of
        the backlog, or held from the start, have an `entered_at` before the start.
        """
        ledger, seen = self._ledger, slice(0, self._ledger.num_entered)
        phase, now = ledger.phase[seen], ledger.now_us
        agent_ids, agent = self._people.agents["agent_id"], ledger.agent[seen]
        answered_us = ledger.life[seen, ANSWERED]
        ended_us = np.where(phase == ABANDONED, ledger.leaves_us[seen], ledger.life[seen, ENDED])
        return self._people.contacts[seen].select(
            "contact_id",
            "channel",
            "queue_id",
            "entered_at",
            _instants("answered_at", answered_us, answered_us <= now),
            _instants("ended_at", ended_us, ended_us <= now),
            agent_ids[np.maximum(agent, 0)].set(pl.Series(agent < 0), None),
            _OUTCOMES[phase].alias("outcome"),
            self._people.target_s[seen],
        )

    def _hold_from_the_start(self, load: pl.DataFrame) -> None:
        contact, agent = self._people.positions(load)
        self._check_possible(load, contact, agent)
        self._ledger.hold(
            contact,
            agent,
            units=load["units"].fill_null(pl.Series(self._people.units[contact])).to_numpy(),
            started_us=load["started_at"].dt.epoch("us").to_numpy(),
            num_active=np.ones(len(contact), dtype=np.int64),
            level=np.full(len(contact), USUAL_LEVEL),
        )

    def _presence_now(self) -> Ints:
        ledger, size = self._ledger, len(self._people.agents)
        held = ledger.held()
        whole = self._people.takes_whole_agent[held] & (ledger.state(held) == WRAPPING)
        return self._roster.presence(
            ledger.now_us,
            holding=np.bincount(ledger.agent[held], minlength=size) > 0,
            wrapping=np.bincount(ledger.agent[held[whole]], minlength=size) > 0,
        )

    def _pending(self, waiting: Ints) -> pl.DataFrame:
        mood, soured = pl.col("sentiment"), pl.Series(self._ledger.soured[waiting])
        return self._people.contacts[waiting].with_columns(
            pl.when(soured).then((mood - _MOOD_LOST).clip(lower_bound=-1.0)).otherwise(mood),
            pl.Series("version", self._ledger.version[waiting]),
        )

    def _load(self) -> pl.DataFrame:
        """What agents hold; the expected end is the platform's guess, never the hidden truth."""
        ledger, held = self._ledger, self._ledger.held()
        started = ledger.started_us[held]
        known = np.ones(len(held), dtype=bool)
        expected = started + self._people.mean_handle_us[held]
        columns = (
            self._people.agents["agent_id"][ledger.agent[held]],
            _STATES[ledger.state(held)].alias("state"),
            pl.Series("units", ledger.units[held]),
            _instants("started_at", started, known),
            _instants("expected_end_at", expected, known),
        )
        return (
            self._people.contacts[held]
            .with_columns(*columns)
            .match_to_schema(AGENT_LOAD.schema(), missing_columns="insert", extra_columns="ignore")
        )

    def _check_possible(self, rows: pl.DataFrame, contact: Ints, agent: Ints) -> None:
        ledger = self._ledger
        taken = (ledger.phase[contact] == HELD) | (ledger.phase[contact] == DONE)
        wrong = taken & (ledger.agent[contact] != agent)
        wrong |= contact >= ledger.num_entered
        wrong |= rows["contact_id"].is_duplicated().to_numpy()
        if wrong.any():
            first = rows.filter(pl.Series(wrong))["contact_id"].unique().sort().head(3).to_list()
            raise ValueError(
                f"world: {int(wrong.sum())} rows give out contacts that have not come yet, or that"
                f" have another agent, first {first}; expected one agent for a contact that waits;"
                " the router gave a contact out twice or read another world"
            )


def _micros(instant: datetime) -> int:
    return (instant - _EPOCH) // timedelta(microseconds=1)


def _instants(name: str, micros: Ints, known: NDArray[np.bool_]) -> pl.Series:
    """Instants of microseconds, null where not known; a copy, as polars would share the array."""
    return pl.Series(name, micros.copy()).set(pl.Series(~known), None).cast(INSTANT)
