"""Section 1 of `docs/model.md`, written a second time: whose conversations these are."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from models.policy import Policy
from models.recount.numbers import Bools, Floats, Ints, ints
from models.tables import Tier


@dataclass(frozen=True, eq=False)
class Customers:
    """Of C conversations: what their customer is worth, and how angry they are."""

    value: Floats
    tier: Ints
    """Position in `Tier`."""
    penalty: Floats
    """Breach penalty of the tier, escalation not counted."""
    escalated: Bools
    sentiment: Floats
    health: Floats


def customers_of(policy: Policy, members: pl.DataFrame, start: Ints) -> Customers:
    """Each conversation begins at its `start`, with its lead."""
    lead = members[start]
    stated = np.fmax.reduceat(_floats(members, "value"), start)
    known = lead["customer_value"].fill_null(policy.default_value).to_numpy()
    penalty = np.array([policy.breach_penalties[tier] for tier in Tier])
    return Customers(
        value=np.where(np.isnan(stated), known, stated),
        tier=ints(lead["tier_at"]),
        penalty=penalty[ints(lead["tier_at"])],
        escalated=np.logical_or.reduceat(members["escalated"].to_numpy(), start),
        sentiment=np.nan_to_num(np.fmin.reduceat(_floats(members, "sentiment"), start)),
        health=lead["health"].fill_null(1.0).to_numpy(),
    )


def _floats(frame: pl.DataFrame, column: str) -> Floats:
    return frame[column].cast(pl.Float64).fill_null(np.nan).to_numpy()
