"""Which parties are split into a call and what else the customer sent: `docs/model.md` 3b."""

import numpy as np
import polars as pl

from models.batch import Batch
from models.capacity import AgentState
from models.columns import LIVE
from models.conversations import build_conversations
from models.eligibility import build_eligibility
from models.hours import OpenHours
from models.members import party_names
from models.overflow import Overflow
from models.policy import Policy
from models.skills import build_skill_levels

NO_SPLIT = pl.Series("party", [], dtype=pl.String)


_COPY = "\x00"
"""Ends the ids of copies; no text of a valid row has it."""


def build_splits(
    batch: Batch, policy: Policy, hours: OpenHours, agents: AgentState, overflow: Overflow
) -> pl.Series:
    """Parties whose call goes ahead alone, sorted: nobody takes all of it, somebody the call.

    Looks at parties with live and other contacts only, so that it costs nothing where there are
    none, and once at both forms of each: its live contacts stand beside it as a party of copies.
    """
    contacts = _mixed(batch.contacts)
    if contacts.is_empty():
        return NO_SPLIT
    both = _with_copies(batch, contacts)
    conversations = build_conversations(both, policy, hours, agents, overflow, NO_SPLIT)
    levels = build_skill_levels(both, conversations, agents, policy)
    eligibility = build_eligibility(both, conversations, agents, levels, overflow, policy)
    passes = np.logical_or.reduce(eligibility.fits, axis=1)
    kind = conversations.units["class_idx"].to_numpy()
    told = conversations.units.select(
        pl.col("party").str.strip_suffix(_COPY),
        is_copy=pl.col("party").str.ends_with(_COPY),
        passes=pl.Series(passes[kind], dtype=pl.Boolean),
    )
    stuck = told.filter(~pl.col("is_copy") & ~pl.col("passes"))
    return told.filter("is_copy", "passes").join(stuck, on="party", how="semi")["party"].sort()


def _mixed(contacts: pl.DataFrame) -> pl.DataFrame:
    """Contacts of parties with live and other contacts, with `party_customer`."""
    is_live = pl.col("channel").is_in(LIVE)
    if not contacts.select(is_live.any() & ~is_live.all()).item():
        return contacts.clear()
    parties = contacts.select("contact_id", "channel").join(party_names(contacts), on="contact_id")
    is_mixed = is_live.any().over("party") & ~is_live.all().over("party")
    mixed = parties.filter(is_mixed).select("contact_id", "party_customer")
    return contacts.join(mixed, on="contact_id")


def _with_copies(batch: Batch, contacts: pl.DataFrame) -> Batch:
    """The batch with these contacts only, and a copy of each live one whose party is a copy."""
    live = contacts.filter(pl.col("channel").is_in(LIVE)).with_columns(
        customer_id="party_customer"
    )
    customer, contact = "customer_id", "contact_id"
    copies = _renamed(live, live, contact, "conversation_id", customer)
    customers = batch.customers.join(contacts, on=customer, how="semi")
    tables = {
        table: frame.join(contacts, on=contact, how="semi")
        for table, frame in (
            ("contact_skills", batch.contact_skills),
            ("contact_steps", batch.contact_steps),
            ("declines", batch.declines),
        )
    }
    return batch.narrowed(
        contacts=pl.concat([contacts, copies]).select(batch.contacts.columns),
        customers=pl.concat([customers, _renamed(customers, live, customer)]),
        # Who cools down after a decline is not asked here.
        offers=batch.offers.clear(),
        **{
            table: pl.concat([rows, _renamed(rows, live, contact)])
            for table, rows in tables.items()
        },
    )


def _renamed(rows: pl.DataFrame, live: pl.DataFrame, key: str, *others: str) -> pl.DataFrame:
    """The rows of the live contacts, or of their customers, under the ids of copies."""
    return rows.join(live, on=key, how="semi").with_columns(pl.col(key, *others) + _COPY)
