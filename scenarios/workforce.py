"""The agents of a generated centre: sites, shifts, breaks, channels, skills and languages."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
from numpy.typing import NDArray

from models.tables import (
    AGENT_CHANNELS,
    AGENT_SKILLS,
    AGENTS,
    INSTANT,
    QUEUE_MEMBERS,
    Channel,
    Presence,
)
from scenarios.centre import BREAKS_SCHEMA, LANGUAGES, PROFILES, QUEUES, SITES, SKILLS
from scenarios.randomness import Purpose, stream

Ints = NDArray[np.int64]
CHANNELS = tuple(Channel)

_SHIFT = timedelta(hours=8, minutes=30)
_GRID = timedelta(minutes=15)
_SENIOR_SHARE = 0.3
_BREAK_SHARE = 0.36
_MIN_LANGUAGE = 5


@dataclass(frozen=True, eq=False)
class Workforce:
    """A agents as arrays, in the order of their ids."""

    agent_id: pl.Series
    site: Ints
    profile: Ints
    senior: NDArray[np.bool_]
    max_items: Ints
    """(A, channels)"""
    levels: Ints
    """(A, skills), 0 where the agent does not have the skill."""
    languages: Ints
    """(A, languages), 0 where the agent does not speak it."""
    shift_start_at: pl.Series
    shift_end_at: pl.Series
    breaks: pl.DataFrame

    def __len__(self) -> int:
        """A."""
        return len(self.agent_id)


def generate_workforce(seed: int, num_agents: int, start_at: datetime) -> Workforce:
    """Agents of a centre whose shifts surround `start_at`; some begin or end soon after it."""
    rng = stream(seed, Purpose.WORKFORCE)
    agent_id = pl.Series("agent_id", [f"agent-{number:05d}" for number in range(num_agents)])
    site = _shares(rng, num_agents, [site.share for site in SITES])
    profile = _shares(rng, num_agents, [profile.share for profile in PROFILES])
    senior = rng.random(num_agents) < _SENIOR_SHARE
    starts, ends = _shifts(seed, site, start_at)
    return Workforce(
        agent_id=agent_id,
        site=site,
        profile=profile,
        senior=senior,
        max_items=_max_items(rng, profile, senior),
        levels=_levels(rng, senior),
        languages=_languages(rng, site),
        shift_start_at=starts,
        shift_end_at=ends,
        breaks=_breaks(seed, agent_id, start_at),
    )


def agents_frame(workforce: Workforce, now: datetime) -> pl.DataFrame:
    """Table `agents` as the platform shows it at `now`, when nobody wraps up."""
    instant = pl.lit(now, INSTANT)
    away = workforce.breaks.filter(
        (pl.col("away_from") <= instant) & (instant < pl.col("away_until"))
    )
    on_shift = (pl.col("shift_start_at") <= instant) & (instant < pl.col("shift_end_at"))
    units = np.array([profile.capacity_units for profile in PROFILES])
    return (
        pl.DataFrame(
            {
                "agent_id": workforce.agent_id,
                "site": pl.Series([site.name for site in SITES])[workforce.site],
                "time_zone": pl.Series([site.time_zone for site in SITES])[workforce.site],
                "shift_start_at": workforce.shift_start_at,
                "shift_end_at": workforce.shift_end_at,
                "capacity_units": units[workforce.profile],
            }
        )
        .select(
            "agent_id",
            pl.when(~on_shift)
            .then(pl.lit(Presence.OFFLINE.value))
            .when(pl.col("agent_id").is_in(away["agent_id"].implode()))
            .then(pl.lit(Presence.AWAY.value))
            .otherwise(pl.lit(Presence.AVAILABLE.value))
            .alias("presence"),
            "site",
            "time_zone",
            "shift_start_at",
            "shift_end_at",
            "capacity_units",
            pl.lit(1, pl.Int64).alias("version"),
        )
        .match_to_schema(AGENTS.schema(), missing_columns="insert")
    )


def agent_channels_frame(workforce: Workforce) -> pl.DataFrame:
    """Table `agent_channels`."""
    names = [channel.value for channel in CHANNELS]
    return melt(workforce.agent_id, names, workforce.max_items, "channel", "max_items").select(
        AGENT_CHANNELS.schema().names()
    )


def agent_skills_frame(workforce: Workforce) -> pl.DataFrame:
    """Table `agent_skills`; languages are the skills `language:xx`."""
    names = [*SKILLS, *(f"language:{language}" for language in LANGUAGES)]
    levels = np.hstack([workforce.levels, workforce.languages])
    return melt(workforce.agent_id, names, levels, "skill", "proficiency").select(
        AGENT_SKILLS.schema().names()
    )


def queue_members_frame(workforce: Workforce) -> pl.DataFrame:
    """Table `queue_members`: senior agents of the queues that are theirs alone."""
    frames = [
        pl.DataFrame(
            {
                "queue_id": [queue.name] * int(workforce.senior.sum()),
                "agent_id": workforce.agent_id.filter(pl.Series(workforce.senior)),
            },
            schema=QUEUE_MEMBERS.schema(),
        )
        for queue in QUEUES
        if queue.senior
    ]
    return pl.concat(frames)


def melt(ids: pl.Series, names: list[str], matrix: Ints, name: str, number: str) -> pl.DataFrame:
    """Frame (agent_id, `name`, `number`) of the positive entries of a matrix, rows ascending."""
    row, column = np.nonzero(matrix > 0)
    return pl.DataFrame(
        {"agent_id": ids[row], name: pl.Series(names)[column], number: matrix[row, column]},
        schema_overrides={name: pl.String(), number: pl.Int64()},
    )


def _shares(rng: np.random.Generator, count: int, shares: list[float]) -> Ints:
    """Positions 0, 1, ... in proportion to `shares`, shuffled: small centres get every kind."""
    quantiles = (np.arange(count) + 0.5) / count
    kinds = np.searchsorted(np.cumsum(shares)[:-1], quantiles, side="right").astype(np.int64)
    return rng.permutation(kinds)


def _max_items(rng: np.random.Generator, profile: Ints, senior: NDArray[np.bool_]) -> Ints:
    usual = np.zeros((len(PROFILES), len(CHANNELS)), dtype=np.int64)
    for row, kind in enumerate(PROFILES):
        for channel, items in kind.channels:
            usual[row, CHANNELS.index(channel)] = items
    most = usual[profile]
    several = most > 1
    change = rng.integers(-1, 1, size=most.shape) + senior[:, None].astype(np.int64)
    return np.where(several, np.maximum(most + change, 1), most)


def _levels(rng: np.random.Generator, senior: NDArray[np.bool_]) -> Ints:
    """One strong skill, some good and some weak ones; seniors know more, better."""
    num_agents, num_skills = len(senior), len(SKILLS)
    rank = np.argsort(np.argsort(rng.random((num_agents, num_skills)), axis=1), axis=1)
    known = np.where(senior, rng.integers(5, 8, num_agents), rng.integers(3, 6, num_agents))
    strong = rng.integers(7, 11, (num_agents, num_skills))
    weak = rng.integers(2, 7, (num_agents, num_skills)) + senior[:, None]
    level = np.where(rank < 1 + senior[:, None], strong, weak)
    return np.where(rank < known[:, None], level, 0)


def _languages(rng: np.random.Generator, site: Ints) -> Ints:
    share = np.array([place.speaks for place in SITES])[site]
    speaks = rng.random(share.shape) < share
    speaks[:, 0] |= ~speaks.any(axis=1)
    fluent = rng.integers(7, 11, share.shape)
    passable = rng.integers(_MIN_LANGUAGE - 1, 9, share.shape)
    return np.where(speaks, np.where(share >= 1.0, fluent, passable), 0)


def _shifts(seed: int, site: Ints, start_at: datetime) -> tuple[pl.Series, pl.Series]:
    """Shift instants, drawn as wall-clock quarter hours of the site so that DST moves them along.

    Of all agents 6 % end within half an hour of `start_at`, 3 % begin, 3 % have just left.
    """
    rng = stream(seed, Purpose.SHIFTS)
    kind = _shares(rng, len(site), [0.06, 0.03, 0.03, 0.88])
    soon = rng.integers(1, 3, len(site))
    worked = rng.integers(1, 30, len(site))
    quarters = np.choose(kind, [soon - 34, soon, -soon - 34, -worked])
    walls = [
        start_at.astimezone(ZoneInfo(place.time_zone)).replace(tzinfo=None) for place in SITES
    ]
    grid = [wall - (wall - datetime.min) % _GRID for wall in walls]  # noqa: DTZ901 (wall time)
    starts = [grid[at] + int(ahead) * _GRID for at, ahead in zip(site, quarters, strict=True)]
    zones = [ZoneInfo(SITES[at].time_zone) for at in site]
    return (
        _instants("shift_start_at", starts, zones),
        _instants("shift_end_at", [start + _SHIFT for start in starts], zones),
    )


def _instants(name: str, walls: list[datetime], zones: list[ZoneInfo]) -> pl.Series:
    instants = [
        wall.replace(tzinfo=zone).astimezone(UTC) for wall, zone in zip(walls, zones, strict=True)
    ]
    return pl.Series(name, instants, dtype=INSTANT)


def _breaks(seed: int, agent_id: pl.Series, start_at: datetime) -> pl.DataFrame:
    """Breaks of 5 to 15 minutes that touch the hour after `start_at`, at most one per agent."""
    rng = stream(seed, Purpose.BREAKS)
    num_agents = len(agent_id)
    takes = rng.random(num_agents) < _BREAK_SHARE
    from_s = rng.integers(-600, 3600, num_agents)
    for_s = rng.integers(300, 900, num_agents)
    chosen = np.flatnonzero(takes & (from_s + for_s > 0))
    start = pl.lit(start_at, INSTANT)
    return (
        pl.DataFrame(
            {"agent_id": agent_id[chosen], "from_s": from_s[chosen], "for_s": for_s[chosen]}
        )
        .select(
            "agent_id",
            away_from=start + pl.duration(seconds="from_s"),
            away_until=start + pl.duration(seconds=pl.col("from_s") + pl.col("for_s")),
        )
        .match_to_schema(BREAKS_SCHEMA)
    )
