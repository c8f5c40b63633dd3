"""A centre by arithmetic: rows and plans without generator or solver, to exercise the store.

Tick `n` brings new contacts, still shows those of tick `n - 1` (a platform that lags), and shows
one contact of tick `n - 3` again in a raised version (a declined offer).
"""

from datetime import UTC, datetime, timedelta

import polars as pl

from models.batch import Batch
from models.plan import Plan, Reason
from models.solution import Termination
from models.tables import (
    AGENT_CHANNELS,
    AGENT_SKILLS,
    AGENTS,
    ASSIGNMENT,
    CONTACT_SKILLS,
    CONTACTS,
    EXPLANATION,
    PRICE,
    QUEUES,
    REJECTED_ROW,
    RESPONSES,
    TICK,
    UNASSIGNED,
    AssignmentEvent,
    Column,
    Decision,
    InputTables,
    Table,
)

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
EVERY = timedelta(seconds=5)
NO_REJECTS = REJECTED_ROW.empty().drop("first_seen_at", "last_seen_at")


def tick_instant(number: int) -> datetime:
    """Scheduled instant of the tick `number`, counted from 0."""
    return START + number * EVERY


def complete(table: Table, given: pl.DataFrame) -> pl.DataFrame:
    """`given` in the contract of `table`: missing columns are null, or plain values."""
    return given.select(
        (pl.col(column.name) if column.name in given.columns else pl.lit(_plain(column)))
        .cast(column.dtype)
        .alias(column.name)
        for column in table.columns
    )


def stand_in_tables(number: int, num_new: int, num_agents: int) -> InputTables:
    """Input of the tick `number`: contacts of two ticks and one that came back."""
    contacts = pl.concat(
        [
            _contacts(number, num_new),
            _contacts(number - 1, num_new),
            _contacts(number - 3, 1).with_columns(version=pl.lit(2)),
        ]
    )
    agents = pl.select(agent_id=pl.format("agent-{}", pl.int_range(num_agents)))
    return InputTables(
        queues=complete(QUEUES, pl.DataFrame({"queue_id": ["queue"]})),
        agents=complete(AGENTS, agents.with_columns(version=pl.lit(1))),
        agent_channels=complete(AGENT_CHANNELS, agents),
        agent_skills=complete(AGENT_SKILLS, agents),
        contacts=complete(CONTACTS, contacts),
        contact_skills=complete(CONTACT_SKILLS, contacts),
    )


def stand_in_plan(batch: Batch, tick_at: datetime, max_assigned: int = 1_000_000_000) -> Plan:
    """The first waiting contacts go to the agents in turn; the others stay unassigned."""
    num_agents = batch.agents.height
    planned = batch.contacts.with_row_index("position").with_columns(
        tick_at=pl.lit(tick_at),
        event_at=pl.lit(tick_at),
        event=pl.lit(AssignmentEvent.OFFERED.value),
        agent_id=pl.format("agent-{}", pl.col("position") % num_agents),
        contact_version=pl.col("version"),
        agent_version=pl.lit(1),
        units=pl.lit(25.0),
        decision=pl.when(pl.col("position") < max_assigned)
        .then(pl.lit(Decision.ASSIGNED.value))
        .otherwise(pl.lit(Decision.UNASSIGNED.value)),
        reason=pl.lit(Reason.BEST_MATCH.value),
        detail=pl.format("position {} of the stand-in's list", "position"),
    )
    assigned = planned.filter(pl.col("decision") == Decision.ASSIGNED)
    waiting = planned.filter(pl.col("decision") == Decision.UNASSIGNED)
    prices = batch.agents.select("agent_id", tick_at=pl.lit(tick_at))
    return Plan(
        tick_at=tick_at,
        assignments=complete(ASSIGNMENT, assigned),
        unassigned=complete(UNASSIGNED, waiting.drop("agent_id")),
        explanations=complete(EXPLANATION, planned),
        prices=complete(PRICE, prices),
        site_prices=pl.DataFrame(schema={"site": pl.String, "price": pl.Float64}),
        gain_milli=1_000,
        bound_milli=1_000,
        greedy_milli=1_000,
        termination=Termination.OPTIMAL,
        limit=None,
        backend="stand_in",
        policy_digest="none",
    )


def stand_in_responses(offers: pl.DataFrame) -> pl.DataFrame:
    """Answers to offers of one tick, the same for the same rows: one in three is declined."""
    answers = ("declined", "accepted", "delivered")
    rows = offers.sort("contact_id").with_row_index("position")
    answered = rows.with_columns(
        response_id=pl.format("{} {}", "contact_id", pl.col("tick_at").dt.epoch("us")),
        answer=(pl.col("position") % len(answers)).replace_strict(dict(enumerate(answers))),
        responded_at=pl.col("tick_at") + EVERY / 2,
    )
    return complete(RESPONSES, answered)


def stand_in_tick_row(plan: Plan) -> pl.DataFrame:
    """The row of `tick` that goes with the plan; the store fills in what landed."""
    row = pl.DataFrame(
        {
            "tick_at": [plan.tick_at],
            "num_contacts": [plan.assignments.height + plan.unassigned.height],
            "num_unassigned": [plan.unassigned.height],
        }
    )
    return complete(TICK, row)


def _contacts(number: int, num_rows: int) -> pl.DataFrame:
    return pl.select(position=pl.int_range(num_rows if number >= 0 else 0)).select(
        contact_id=pl.format("contact-{}-{}", pl.lit(number), "position"),
        conversation_id=pl.format("conversation-{}-{}", pl.lit(number), "position"),
        entered_at=pl.lit(tick_instant(number)),
        version=pl.lit(1),
    )


def _plain(column: Column) -> str | int | datetime | None:
    if column.nullable:
        return None
    if column.choices:
        return column.choices[0]
    if isinstance(column.dtype, pl.Datetime):
        return START
    return "queue" if isinstance(column.dtype, pl.String) else 1
