"""Section 2 of `docs/model.md`, written a second time: who is at work, how long, and from when."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from models.batch import Batch
from models.policy import Policy
from models.recount.numbers import Bools, Floats, instant, ints, seconds
from models.recount.offered import answers_offers
from models.tables import Presence

AT_WORK = (Presence.AVAILABLE, Presence.BUSY, Presence.WRAP_UP)


@dataclass(frozen=True, eq=False)
class WhoIsThere:
    """Of A agents, in the order of their ids."""

    present: Bools
    on_shift: Bools
    responding: Bools
    ready: Bools
    """Available, on shift and responding."""
    away_recently: Bools
    """Away for so short that a lock still holds, and on shift."""
    shift_left_s: Floats
    starts_in_s: Floats
    """Until who is not on shift is so; infinite where unknown, and for who is."""


def who_is_there(batch: Batch, policy: Policy, table: pl.DataFrame) -> WhoIsThere:
    """From the table of agents with their position, `agent`."""
    now, presence = instant(batch.now), table["presence"]
    start, end = seconds(table, "shift_start_at", now), seconds(table, "shift_end_at", now)
    pauses = batch.agent_activities.join(table.select("agent_id", "agent"), on="agent_id")
    agent = ints(pauses["agent"])
    begins, ends = seconds(pauses, "starts_at", now), seconds(pauses, "ends_at", now)
    going_on, to_come = (begins <= 0) & (ends > 0), begins > 0
    back = np.zeros(len(table))
    np.maximum.at(back, agent[going_on], ends[going_on])
    left = end.copy()
    np.minimum.at(left, agent[to_come], begins[to_come])
    on_shift = (start <= 0) & (end > 0) & (back == 0)
    returns = (back > 0) & (back < end)
    responding = answers_offers(batch, policy, table)
    away = (presence == Presence.AWAY).to_numpy()
    away &= -seconds(table, "presence_since", now) < policy.lock_release_s
    return WhoIsThere(
        present=presence.is_in(AT_WORK).to_numpy(),
        on_shift=on_shift,
        responding=responding,
        ready=(presence == Presence.AVAILABLE).to_numpy() & on_shift & responding,
        away_recently=away & on_shift,
        shift_left_s=left,
        starts_in_s=np.where(start > 0, start, np.where(returns, back, np.inf)),
    )
