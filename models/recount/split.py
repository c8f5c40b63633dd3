"""Section 3b of `docs/model.md`, written a second time: calls that leave their party."""

from dataclasses import replace

import numpy as np
import polars as pl

from models.batch import Batch
from models.plan import Reason
from models.policy import Policy
from models.recount.agents import Agents
from models.recount.bits import num_set
from models.recount.conversations import LIVE, build_conversations
from models.recount.drain import passing
from models.recount.hours import Hours
from models.recount.numbers import Bools
from models.recount.overflow import Overflow
from models.recount.rules import tests_up_to
from models.recount.sides import Sides
from models.tables import Channel


def split_parties(
    batch: Batch, policy: Policy, hours: Hours, agents: Agents, overflow: Overflow
) -> pl.Series:
    """Parties whose live contacts somebody could take, but nobody all of their contacts."""
    mixed = batch.contacts.filter(_is_mixed())
    if mixed.is_empty():
        return pl.Series("party", dtype=pl.String)
    few = replace(batch, contacts=mixed)
    whole = build_conversations(few, policy, hours, agents, overflow)
    parted = build_conversations(few, policy, hours, agents, overflow, whole.party)
    live = (parted.channels & LIVE).any(axis=1)
    # Both parts of a party stand beside each other, as the parties do in the whole.
    fits_live = _somebody_fits(Sides(few, policy, parted, agents, overflow))[live]
    fits_whole = _somebody_fits(Sides(few, policy, whole, agents, overflow))
    return whole.party.filter(pl.Series(fits_live & ~fits_whole, dtype=pl.Boolean))


def _is_mixed() -> pl.Expr:
    """Whether the party of a contact has live contacts and others."""
    customer = pl.col("customer_id").max().over("conversation_id")
    thread = pl.when(customer.is_null()).then("conversation_id")
    live = pl.col("channel").is_in(
        [channel.value for channel, is_live in zip(Channel, LIVE, strict=True) if is_live]
    )
    party = pl.struct(customer.alias("customer"), thread.alias("thread"))
    return live.any().over(party) & ~live.all().over(party)


def _somebody_fits(sides: Sides) -> Bools:
    """(C,) whether an agent passes all tests up to `units_full`."""
    tests = tests_up_to(Reason.UNITS_FULL, sides)
    classes = np.arange(len(sides.example))
    fits = num_set(passing(tests, classes, len(sides.agents))) > 0
    return fits[sides.class_of]
