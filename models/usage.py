"""What recent offers say of agents: who does not respond, and how much of their limits is used.

Follows `docs/model.md` section 2. Columns are channels in the order of `Channel`, or profiles.
"""

from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import polars as pl
from numpy.typing import NDArray

from models.batch import Batch
from models.columns import duration, instant
from models.held_items import profile_rows
from models.offers import NEVER_TAKEN, WITHDRAWN
from models.policy import Policy, ProfileReset
from models.problem import LARGEST_CAP, Ints
from models.tables import AssignmentEvent, Channel

NO_LIMIT = LARGEST_CAP
"""What is left of a limit that is not there."""

_HOUR = timedelta(hours=1)
_NO_NAMES = pl.DataFrame(schema={"profiles": pl.String, "profile": pl.String})


@dataclass(frozen=True, eq=False)
class ProfileUse:
    """Limits of capacity profiles and what of them held items do not show, A rows, P columns."""

    names: tuple[str, ...]
    limit: Ints
    """(A, P) NO_LIMIT where there is none."""
    used_in_shift: Ints
    """(A, P) offers of this shift, 0 for profiles that are given back at once."""
    by_shift: NDArray[np.bool_]
    """(P,) whether the profile is given back only when the shift ends."""

    def left(self, items: pl.DataFrame) -> Ints:
        """What the profiles leave beside these unparked held items, shape (A, P)."""
        held = _carried(items, self.names, len(self.limit))
        used = self.used_in_shift + np.where(self.by_shift, 0, held)
        left: Ints = np.where(self.limit == NO_LIMIT, NO_LIMIT, np.maximum(self.limit - used, 0))
        return left


def build_responding(batch: Batch, agents: pl.DataFrame, policy: Policy) -> NDArray[np.bool_]:
    """Whether each agent has let no offer expire of late, or has a newer presence, shape (A,)."""
    responding = np.ones(len(agents), dtype=bool)
    if batch.offers.is_empty():
        return responding
    since = instant(batch.now) - duration(pl.lit(policy.auto_ready_s))
    silent = (
        batch.offers.filter(
            pl.col("event") == AssignmentEvent.EXPIRED.value, pl.col("event_at") > since
        )
        .join(agents.select("agent_id", "agent_idx", "presence_since"), on="agent_id")
        .filter((pl.col("presence_since") <= pl.col("event_at")).fill_null(value=True))
    )
    responding[silent["agent_idx"].to_numpy()] = False
    return responding


def build_rate_left(batch: Batch, agents: pl.DataFrame, policy: Policy) -> Ints:
    """Offers that each agent may still get this hour, (A, channels); NO_LIMIT without limit."""
    most = np.array([policy.channels[channel].max_per_hour for channel in Channel])
    left: Ints = np.where(most > 0, np.maximum(most - _had(batch, agents), 0), NO_LIMIT)
    return left


def _had(batch: Batch, agents: pl.DataFrame) -> Ints:
    """Offers of the last hour, (A, channels)."""
    if batch.offers.is_empty():
        return np.zeros((len(agents), len(Channel)), dtype=np.int64)
    recent = batch.offers.filter(
        pl.col("offered_at") > instant(batch.now - _HOUR),
        ~pl.col("event").is_in(WITHDRAWN),
    ).join(agents.select("agent_id", "agent_idx"), on="agent_id")
    channels = tuple(channel.value for channel in Channel)
    return _counted(recent, "channel", channels, len(agents))


def build_profile_use(batch: Batch, agents: pl.DataFrame, policy: Policy) -> ProfileUse:
    """Limits of the profiles that contacts of the batch carry, and their use in this shift."""
    names = tuple(_names_of_texts(batch.contacts["profiles"])["profile"].unique().sort())
    if not names:
        nothing = np.zeros((len(agents), 0), dtype=np.int64)
        return ProfileUse(names, nothing, nothing, np.zeros(0, dtype=bool))
    default = [
        policy.profiles[name].max_items if name in policy.profiles else NO_LIMIT for name in names
    ]
    limit = np.tile(np.array(default, dtype=np.int64), (len(agents), 1))
    own = batch.agent_profiles.filter(pl.col("profile").is_in(names)).join(
        agents.select("agent_id", "agent_idx"), on="agent_id"
    )
    limit[own["agent_idx"].to_numpy(), _positions(own["profile"], names)] = own["max_items"]
    by_shift = np.array(
        [
            name in policy.profiles and policy.profiles[name].reset is ProfileReset.END_OF_SHIFT
            for name in names
        ],
        dtype=bool,
    )
    used = np.zeros_like(limit)
    if by_shift.any():
        used = np.where(by_shift, _carried(_taken_in_shift(batch, agents), names, len(agents)), 0)
    return ProfileUse(names, limit, used, by_shift)


def _taken_in_shift(batch: Batch, agents: pl.DataFrame) -> pl.DataFrame:
    """Offers with profiles that were taken since the agent's shift began, with `agent_idx`."""
    return (
        batch.offers.filter(pl.col("profiles").is_not_null(), ~pl.col("event").is_in(NEVER_TAKEN))
        .join(agents.select("agent_id", "agent_idx", "shift_start_at"), on="agent_id")
        .filter(pl.col("offered_at") >= pl.col("shift_start_at"))
    )


def _carried(rows: pl.DataFrame, names: tuple[str, ...], num_agents: int) -> Ints:
    """How many of the rows (agent_idx, profiles) of each agent carry each profile, (A, P).

    Few texts occur in many rows, so each is taken apart once.
    """
    if not names:
        return np.zeros((num_agents, 0), dtype=np.int64)
    told = rows.filter(pl.col("profiles").is_not_null())
    texts = tuple(told["profiles"].unique().sort())
    named = _names_of_texts(pl.Series("profiles", texts, dtype=pl.String))
    named = named.filter(pl.col("profile").is_in(names))
    carries = np.zeros((len(texts), len(names)), dtype=np.int64)
    carries[_positions(named["profiles"], texts), _positions(named["profile"], names)] = 1
    return _counted(told, "profiles", texts, num_agents) @ carries


def _names_of_texts(texts: pl.Series) -> pl.DataFrame:
    """(profiles, profile): each distinct text with every profile that it names."""
    if texts.null_count() == len(texts):
        return _NO_NAMES
    distinct = texts.drop_nulls().unique().alias("text").to_frame()
    return profile_rows(distinct.with_columns(profiles="text"), "text").rename(
        {"text": "profiles"}
    )


def _counted(rows: pl.DataFrame, column: str, names: tuple[str, ...], num_agents: int) -> Ints:
    """How many of the rows of each agent have each of the names in the column, (A, names)."""
    known = rows.filter(pl.col(column).is_in(names))
    place = known["agent_idx"].to_numpy().astype(np.int64) * len(names)
    place = place + _positions(known[column], names)
    count = np.bincount(place, minlength=num_agents * len(names)).astype(np.int64)
    return count.reshape(num_agents, len(names))


def _positions(names: pl.Series, order: tuple[str, ...]) -> Ints:
    # Without names there is nothing to look up, and Polars would not know the type.
    place = names.replace_strict(order, range(len(order))) if order else names
    found: Ints = place.cast(pl.Int64).to_numpy()
    return found
