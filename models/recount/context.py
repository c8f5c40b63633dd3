"""Check of what an assignment says of its customer: profiles, acquaintance, context, borrowing."""

from collections.abc import Iterator

import numpy as np
import polars as pl

from models.plan import Finding
from models.recount.case import Case, differing, findings
from models.recount.numbers import ints


def context_true(case: Case) -> Iterator[Finding]:
    """What an assignment says of profiles, acquaintance, context and borrowing is true."""
    items = _items_of_parties(case)
    rows = (
        case.plan.assignments.join(_members(case, items), on="contact_id", maintain_order="left")
        .join(case.agents.ids.select("agent_id", "agent"), on="agent_id", maintain_order="left")
        .join(
            _acquainted(case, items).with_columns(seen_before_true=pl.lit(value=True)),
            on=["conversation", "agent_id"],
            how="left",
            maintain_order="left",
        )
        .with_columns(pl.col("seen_before_true").fill_null(value=False))
    )
    borrowed = case.overflow.has_members[:, None] & ~case.overflow.member
    queue = case.conversations.queue[ints(rows["conversation"])]
    rows = rows.with_columns(
        is_borrowed_true=pl.Series(borrowed[queue, ints(rows["agent"])], dtype=pl.Boolean)
    )
    columns = ["profiles", "seen_before", "num_context", "is_borrowed"]
    yield from findings("context", "wrong word on the customer", differing(rows, columns, "_true"))


def _members(case: Case, items: pl.DataFrame) -> pl.DataFrame:
    """(contact_id, conversation, profiles_true, num_context_true) of every waiting contact."""
    c = case.conversations
    held = items.group_by("conversation").agg(num_held=pl.len().cast(pl.Int64))
    carried = np.array(c.lanes.profiles, dtype=object)[c.lane[c.of_member]]
    others = pl.len().over("party").cast(pl.Int64) - 1
    return (
        c.members.select("contact_id", "conversation", "party", "is_lead")
        .with_columns(carried=pl.Series(carried, dtype=pl.String), others=others)
        .join(held, on="conversation", how="left", maintain_order="left")
        .select(
            "contact_id",
            "conversation",
            # What a conversation consumes stands with its lead.
            profiles_true=pl.when(pl.col("is_lead") & (pl.col("carried") != "")).then("carried"),
            num_context_true=pl.col("others") + pl.col("num_held").fill_null(0),
        )
    )


def _items_of_parties(case: Case) -> pl.DataFrame:
    """(conversation, contact_id, agent_id): what anybody holds of the party, each item once."""
    members, held = case.conversations.members, case.agents.held_rows
    columns = ("conversation", "contact_id", "agent_id")
    customers = members.select("conversation", customer_id="party_customer").drop_nulls().unique()
    # All conversations of a party have whatever is held in any of its threads.
    threads = members.select("party", "conversation_id").unique()
    parts = members.select("party", "conversation").unique()
    return pl.concat(
        [
            held.join(customers, on="customer_id").select(columns),
            held.join(threads.join(parts, on="party"), on="conversation_id").select(columns),
        ]
    ).unique()


def _acquainted(case: Case, items: pl.DataFrame) -> pl.DataFrame:
    """(conversation, agent_id) of all who had the customer before."""
    members = case.conversations.members
    customers = members.select("conversation", customer_id="party_customer").drop_nulls()
    dedicated = customers.join(case.batch.customer_agents, on="customer_id")
    named = [
        members.select("conversation", agent_id=column)
        for column in ("last_agent_id", "resolver_agent_id", "owner_agent_id")
    ]
    held = items.select("conversation", "agent_id")
    return (
        pl.concat([*named, dedicated.select("conversation", "agent_id"), held])
        .drop_nulls()
        .unique()
    )
