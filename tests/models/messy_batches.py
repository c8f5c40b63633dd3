"""Small, messy batches: few ids, so that everything collides, instants on round seconds, so that
limits are met exactly, and empty cells wherever the contract allows them."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TypeVar

import numpy as np
import polars as pl

from models.batch import Batch, empty_batch
from models.policy import Policy
from models.tables import (
    AGENT_CHANNELS,
    AGENT_LOAD,
    AGENT_SKILLS,
    AGENTS,
    CALENDARS,
    CONTACT_SKILLS,
    CONTACTS,
    CUSTOMERS,
    DECLINES,
    QUEUE_MEMBERS,
    QUEUES,
    Channel,
    LoadState,
    Presence,
    Table,
    Tier,
)

NOW = datetime(2026, 3, 3, 10, 0, tzinfo=UTC)
ZONES = ("Europe/Madrid", "America/New_York", "Asia/Kolkata", "Pacific/Auckland")
SKILLS = ("billing", "network", "language:es", "language:de")
QUEUE_IDS = ("q1", "q2", "q3")
WRITTEN = (Channel.CHAT, Channel.MESSAGING, Channel.EMAIL, Channel.EMAIL)
T = TypeVar("T")
_ADDED = {
    "queues": ("priority", "max_wait_s", "relax_after_s", "arrivals_per_h", "service_level"),
    "customers": ("health",),
    "agents": ("presence_since", "handled_s", "productive_s"),
    "agent_load": ("state_since", "last_customer_at", "profiles", "due_at"),
    "contacts": (
        "priority",
        "profiles",
        "hold_until",
        "waited_before_s",
        "resolver_agent_id",
        "resolved_at",
    ),
    "contact_skills": ("importance",),
}
"""Columns that these batches leave empty."""


class _Draws:
    """Random cells; in half of the batches most pairs are eligible."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.common = self.one_of(0.8, 0.97)
        """Share of the agents who have what is common."""

    def one_of(self, *options: T) -> T:
        """One of the options."""
        return options[int(self.rng.integers(len(options)))]

    def maybe(self, *options: T) -> T | None:
        """One of the options, or nothing in one of three cases."""
        return None if self.chance(1 / 3) else self.one_of(*options)

    def ago(self, *seconds: float) -> datetime:
        """An instant so many seconds before now."""
        return NOW - timedelta(seconds=self.one_of(*seconds))

    def chance(self, share: float) -> bool:
        """True in this share of the draws."""
        return bool(self.rng.random() < share)

    def below(self, limit: int) -> int:
        """A whole number from 0."""
        return int(self.rng.integers(limit))


def messy_batch(seed: int, num_contacts: int, num_agents: int) -> Batch:
    """A valid batch; the same arguments give the same rows."""
    draw = _Draws(seed)
    agents = [f"a{n}" for n in range(num_agents)]
    contacts = [f"c{n}" for n in range(num_contacts)]
    return replace(
        empty_batch(NOW),
        queues=_queues(draw),
        calendars=_calendars(draw),
        customers=_customers(draw, agents),
        agents=_agents(draw, agents),
        agent_channels=_frame(
            AGENT_CHANNELS,
            *(
                (agent, channel, draw.one_of(*([1, 2, 5] if draw.chance(draw.common) else [0])))
                for agent in agents
                for channel in Channel
                if draw.chance(draw.common)
            ),
        ),
        agent_skills=_frame(
            AGENT_SKILLS,
            *(
                (agent, skill, draw.one_of(*([5, 7, 10] if draw.chance(draw.common) else [0, 4])))
                for agent in agents
                for skill in SKILLS
                if draw.chance(draw.common)
            ),
        ),
        agent_load=_load(draw, agents, num_contacts),
        queue_members=_frame(
            QUEUE_MEMBERS,
            *(
                (queue, agent)
                for queue in QUEUE_IDS
                if draw.chance(0.6)
                for agent in agents
                if draw.chance(draw.common)
            ),
        ),
        contacts=_contacts(draw, contacts),
        contact_skills=_frame(
            CONTACT_SKILLS,
            *(
                (draw.one_of(*contacts), draw.one_of(*SKILLS), draw.one_of(0, 4, 5, 7))
                for _ in contacts
            ),
        ),
        declines=_frame(
            DECLINES,
            *(
                (
                    draw.one_of(*contacts),
                    draw.one_of(*agents),
                    draw.ago(-10, 1, 599, 600, 601, 700, 800, 3_000),
                )
                for _ in range(draw.below(num_contacts))
            ),
        ),
    )


def messy_policy(seed: int) -> Policy:
    """A policy with numbers at which limits are met."""
    draw = _Draws(seed)
    return Policy(
        tick_s=draw.one_of(1.0, 5.0, 30.0),
        longest_delay_s=draw.one_of(60.0, 3_600.0),
        site_caps={"north": 2} if draw.chance(0.3) else {},
        p_floor=draw.one_of(0.0, 0.25, 0.65, 0.8),
        hold_horizon_s=draw.one_of(30.0, 60.0, 600.0),
        max_declines=draw.one_of(1, 2, 3),
        load_step_cost=draw.one_of(0.0, 0.02, 0.5),
        extra_contact_share=draw.one_of(0.0, 0.25, 1.0),
    )


def _frame(table: Table, *rows: tuple[object, ...]) -> pl.DataFrame:
    """Rows in the columns of the first release; those added since are empty."""
    added = _ADDED.get(table.name, ())
    names = [name for name in table.schema().names() if name not in added]
    schema = {name: table.schema()[name] for name in names}
    frame = pl.DataFrame(list(rows), schema=schema, orient="row").match_to_schema(
        table.schema(), missing_columns="insert"
    )
    return frame.unique(table.key, keep="first", maintain_order=True)


def _queues(draw: _Draws) -> pl.DataFrame:
    calendars = ("open", "open", "part", "none")
    return _frame(
        QUEUES,
        *(
            (
                queue,
                None if draw.chance(draw.common) else draw.one_of(*calendars),
                draw.maybe(20.0, 60.0, 900.0),
                draw.maybe(60.0, 300.0, 780.0),
            )
            for queue in QUEUE_IDS
        ),
    )


def _calendars(draw: _Draws) -> pl.DataFrame:
    """Tuesday at 10:00 UTC is minute 660 in Madrid: the limits of the openings are met."""
    zone = draw.one_of(*ZONES)
    openings = ((600, 660), (660, 900), (0, 60), (300, 301))
    return _frame(
        CALENDARS,
        ("open", "Europe/Madrid", 1, 660, 1_440),
        *(("part", zone, 1, *opening) for opening in openings if draw.chance(0.5)),
    )


def _customers(draw: _Draws, agents: list[str]) -> pl.DataFrame:
    return _frame(
        CUSTOMERS,
        *(
            (
                name,
                draw.one_of(0.0, 100.0, 2_000.0),
                draw.one_of(*Tier),
                draw.maybe(*agents, "a99"),
                draw.maybe(*ZONES),
            )
            for name in ("k1", "k2", "k3")
        ),
    )


def _agents(draw: _Draws, agents: list[str]) -> pl.DataFrame:
    soon, late = (-100, -420, -900), (-4_000, -20_000)
    return _frame(
        AGENTS,
        *(
            (
                agent,
                Presence.AVAILABLE if draw.chance(draw.common) else draw.one_of(*Presence),
                draw.one_of("north", "south"),
                draw.one_of(*ZONES),
                draw.ago(0, 3_600, 7_200) if draw.chance(draw.common) else draw.ago(-10),
                draw.ago(*(late if draw.chance(draw.common) else soon)),
                draw.one_of(20.0, 33.0, 66.0, 99.0, 100.0, 100.0, 100.0, 125.5),
                draw.maybe(draw.ago(-5, 0, 60, 599, 900)),
                draw.below(5),
            )
            for agent in agents
        ),
    )


def _load(draw: _Draws, agents: list[str], num_contacts: int) -> pl.DataFrame:
    return _frame(
        AGENT_LOAD,
        *(
            (
                draw.one_of(*agents),
                f"h{n}",
                draw.maybe(f"t{draw.below(num_contacts)}"),
                draw.maybe("k1", "k2", "k3", "k9"),
                draw.one_of(*Channel, *WRITTEN),
                draw.one_of(*LoadState),
                draw.maybe(0.0, 6.6, 33.3, 100.0),
                draw.ago(0, 100, 295, 595, 3_600),
                draw.maybe(draw.ago(-1, -30, -60, -61, -500, 40)),
            )
            for n in range(draw.below(2 * len(agents) + 1))
        ),
    )


def _contacts(draw: _Draws, contacts: list[str]) -> pl.DataFrame:
    values = (None, 0.0, 50.0, 3_000.0)
    return _frame(
        CONTACTS,
        *(
            (
                contact,
                f"t{draw.below(len(contacts))}",
                draw.maybe("k1", "k2", "k3", "k4", "k9") if draw.chance(0.5) else None,
                draw.one_of(*QUEUE_IDS),
                draw.one_of(*Channel, *WRITTEN),
                draw.maybe("es", "de", None),
                draw.ago(0, 5, 20, 50, 300, 5_000, -30),
                draw.maybe(draw.ago(0, 10, 600, -10)),
                draw.maybe(draw.ago(-10, -600, -40_000, 100)),
                draw.one_of(*values),
                draw.maybe(-1.0, -0.5, 0.0, 0.7),
                draw.maybe(True, False),
                draw.maybe("a1", "a2", "a3", "a77"),
                draw.maybe(draw.ago(-100, 100, 3_600, 400_000)),
                draw.maybe(*ZONES),
                draw.below(5),
            )
            for contact in contacts
        ),
    )
