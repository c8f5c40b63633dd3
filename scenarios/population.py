"""What stays the same in a world: its agents, and its contacts with all that is known of them."""

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

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
    InputTables,
    Table,
)

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

USUAL_LEVEL = 5.0
"""Level at which a contact without required skills is handled."""


@dataclass(frozen=True, eq=False)
class Population:
    """N contacts in order of time, A agents in the order of their rows; frames as contracted."""

    queues: pl.DataFrame
    calendars: pl.DataFrame
    customers: pl.DataFrame
    agents: pl.DataFrame
    agent_channels: pl.DataFrame
    agent_skills: pl.DataFrame
    queue_members: pl.DataFrame
    declines: pl.DataFrame
    load: pl.DataFrame
    """Contacts held from the start."""
    arrivals: pl.DataFrame
    """Contacts with `patience_s` and `handle_s`."""
    contacts: pl.DataFrame
    contact_skills: pl.DataFrame
    """Sorted by contact position."""
    skill_start: Ints
    """(N + 1,): skills of contact i are rows skill_start[i]:skill_start[i + 1]."""
    skill_idx: Ints
    """Column of `levels` of each row of `contact_skills`."""
    levels: Floats
    """(A, skills) proficiency, 0 where the agent does not have the skill."""
    entered_us: Ints
    customer: Ints
    """Row of `customers`, or -1."""
    has_mood: NDArray[np.bool_]
    target_s: pl.Series
    target_us: Ints
    mean_handle_us: Ints
    units: Floats
    """Units of the contact's channel."""
    takes_whole_agent: NDArray[np.bool_]

    def positions(self, rows: pl.DataFrame) -> tuple[Ints, Ints]:
        """Positions of the contacts and agents that rows name.

        Raises ValueError for those that never were.
        """
        return (
            _positions(self.contacts["contact_id"], rows["contact_id"]),
            _positions(self.agents["agent_id"], rows["agent_id"]),
        )

    def skill_rows(self, contact: Ints) -> Ints:
        """Rows of `contact_skills` of the given contacts, in their order."""
        return _ranges(self.skill_start[contact], self.skill_start[contact + 1])

    def mean_levels(self, contact: Ints, agent: Ints) -> Floats:
        """Mean level of each agent in the skills that its contact requires."""
        count = self.skill_start[contact + 1] - self.skill_start[contact]
        pair = np.repeat(np.arange(len(contact)), count)
        level = self.levels[agent[pair], self.skill_idx[self.skill_rows(contact)]]
        total = np.bincount(pair, weights=level, minlength=len(contact))
        return np.where(count > 0, total / np.maximum(count, 1), USUAL_LEVEL)


def build_population(
    tables: InputTables,
    arrivals: pl.DataFrame,
    arrival_skills: pl.DataFrame | None,
    policy: Policy,
) -> Population:
    """Population of a world; raises ValueError where rows do not fit together."""
    queues, agents = _required(tables, QUEUES), _required(tables, AGENTS)
    ordered = arrivals.sort("entered_at", "contact_id")
    if ordered["contact_id"].n_unique() < len(ordered):
        raise ValueError("arrivals: a contact_id repeats; expected one row per contact")
    contacts = ordered.match_to_schema(
        CONTACTS.schema(), missing_columns="insert", extra_columns="ignore"
    )
    customers = _optional(tables, CUSTOMERS)
    agent_skills = _optional(tables, AGENT_SKILLS)
    skills = _required_skills(arrivals, arrival_skills)
    contact_of = _positions(contacts["contact_id"], skills["contact_id"])
    names = pl.concat([agent_skills["skill"], skills["skill"]]).unique().sort()
    start = np.zeros(len(contacts) + 1, dtype=np.int64)
    np.cumsum(np.bincount(contact_of, minlength=len(contacts)), out=start[1:])
    order = np.argsort(contact_of, kind="stable")
    facts = _facts(contacts, queues, policy)
    return Population(
        queues=queues,
        calendars=_optional(tables, CALENDARS),
        customers=customers,
        agents=agents,
        agent_channels=_required(tables, AGENT_CHANNELS),
        agent_skills=agent_skills,
        queue_members=_optional(tables, QUEUE_MEMBERS),
        declines=_optional(tables, DECLINES),
        load=_optional(tables, AGENT_LOAD),
        arrivals=ordered,
        contacts=contacts,
        contact_skills=skills[order],
        skill_start=start,
        skill_idx=_positions(names, skills["skill"])[order],
        levels=_levels(agents, agent_skills, names),
        entered_us=contacts["entered_at"].dt.epoch("us").to_numpy(),
        customer=_lookup(customers["customer_id"], contacts["customer_id"]),
        has_mood=contacts["sentiment"].is_not_null().to_numpy(),
        target_s=facts["target_answer_s"],
        target_us=np.round(facts["target_answer_s"].to_numpy() * 1e6).astype(np.int64),
        mean_handle_us=np.round(facts["mean_handle_s"].to_numpy() * 1e6).astype(np.int64),
        units=facts["units"].to_numpy(),
        takes_whole_agent=facts["whole"].to_numpy(),
    )


def _levels(agents: pl.DataFrame, agent_skills: pl.DataFrame, names: pl.Series) -> Floats:
    levels = np.zeros((len(agents), len(names)))
    row = _positions(agents["agent_id"], agent_skills["agent_id"])
    levels[row, _positions(names, agent_skills["skill"])] = agent_skills["proficiency"].to_numpy()
    return levels


def _facts(contacts: pl.DataFrame, queues: pl.DataFrame, policy: Policy) -> pl.DataFrame:
    """Target, mean handling time and units of every contact, of its queue or else its channel."""
    numbers = pl.DataFrame(
        [
            (
                channel.value,
                policy.channels[channel].target_answer_s,
                policy.channels[channel].mean_handle_s,
                policy.channels[channel].units,
                channel in policy.channels[channel].blocks,
            )
            for channel in Channel
        ],
        schema=["channel", "channel_target_s", "channel_handle_s", "units", "whole"],
        orient="row",
    )
    known = contacts.select("channel", "queue_id").join(
        numbers, on="channel", how="left", maintain_order="left"
    )
    return known.join(queues, on="queue_id", how="left", maintain_order="left").select(
        pl.coalesce("target_answer_s", "channel_target_s"),
        pl.coalesce("mean_handle_s", "channel_handle_s"),
        "units",
        "whole",
    )


def _required_skills(arrivals: pl.DataFrame, arrival_skills: pl.DataFrame | None) -> pl.DataFrame:
    if arrival_skills is not None:
        return arrival_skills.match_to_schema(CONTACT_SKILLS.schema(), missing_columns="insert")
    if "required_skill" not in arrivals.columns:
        return CONTACT_SKILLS.empty()
    return (
        arrivals.filter(pl.col("required_skill").is_not_null())
        .select("contact_id", pl.col("required_skill").alias("skill"), "min_proficiency")
        .with_columns(pl.col("min_proficiency").fill_null(0))
        .match_to_schema(CONTACT_SKILLS.schema(), missing_columns="insert", integer_cast="upcast")
    )


def _required(tables: InputTables, table: Table) -> pl.DataFrame:
    frame = tables.frame(table)
    if frame is None:
        raise ValueError(f"world: no table {table.name}; expected its rows (they may be none)")
    return frame.match_to_schema(table.schema())


def _optional(tables: InputTables, table: Table) -> pl.DataFrame:
    frame = tables.frame(table)
    return table.empty() if frame is None else frame.match_to_schema(table.schema())


def _lookup(names: pl.Series, wanted: pl.Series) -> Ints:
    """Position of each wanted name in `names`, -1 where it is not there."""
    index = pl.DataFrame({"name": names}).with_row_index("position")
    found = wanted.to_frame("name").join(index, on="name", how="left", maintain_order="left")
    position: Ints = found["position"].cast(pl.Int64).fill_null(-1).to_numpy()
    return position


def _positions(names: pl.Series, wanted: pl.Series) -> Ints:
    position = _lookup(names, wanted)
    unknown = position < 0
    if unknown.any():
        first = wanted.filter(pl.Series(unknown)).head(3).to_list()
        raise ValueError(
            f"world: {int(unknown.sum())} rows name a {wanted.name} that never was, first {first};"
            " expected ids of the world's own snapshots; the router invented or mixed them up"
        )
    return position


def _ranges(start: Ints, stop: Ints) -> Ints:
    """All of start[0]:stop[0], start[1]:stop[1], ... one after the other."""
    sizes = stop - start
    first = np.cumsum(sizes) - sizes
    within: Ints = np.arange(int(sizes.sum())) - np.repeat(first, sizes)
    return within + np.repeat(start, sizes)
