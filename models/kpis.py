"""KPIs over visits to a queue, one definition for live tables and simulated ones.

A visit has `entered_at`, `answered_at`, `ended_at`, `outcome` (answered, abandoned, waiting) and
`target_answer_s`. A handling has `agent_id`, `answered_at`, `ended_at` (of the conversation) and
`wrapped_up_at`; a span of an agent's state has `agent_id`, `state`, `started_at`, `ended_at`.
Every ratio is None on an empty denominator.
"""

import polars as pl

SHORT_ABANDON_S = 5.0
"""Abandons within this time count neither for nor against anybody."""

AVAILABLE = "available"
"""State of an agent who takes work, or finishes it."""


def service_level(visits: pl.DataFrame) -> float | None:
    """Share answered within target: answered in time / (answered + abandoned after the target).

    The default variant: whoever left before the target passed is not counted.
    """
    wait = waits(visits)
    late = pl.col("wait_s") > pl.col("target_answer_s")
    answered = pl.col("outcome") == "answered"
    counted = wait.filter(answered | ((pl.col("outcome") == "abandoned") & late))
    return _mean(counted.select(answered & ~late))


def abandonment_rate(visits: pl.DataFrame) -> float | None:
    """Abandoned / (answered + abandoned), short abandons left out of both."""
    abandoned = pl.col("outcome") == "abandoned"
    ended = waits(visits).filter(
        (pl.col("outcome") == "answered") | (abandoned & (pl.col("wait_s") > SHORT_ABANDON_S))
    )
    return _mean(ended.select(abandoned))


def mean_answer_s(visits: pl.DataFrame) -> float | None:
    """Mean wait of answered contacts in seconds."""
    return _mean(waits(visits).filter(pl.col("outcome") == "answered").select("wait_s"))


def mean_handle_s(handlings: pl.DataFrame) -> float | None:
    """AHT per segment in seconds: conversation and wrap-up, sum / handled."""
    handled = pl.col("wrapped_up_at") - pl.col("answered_at")
    return _mean(handlings.select(handled.dt.total_microseconds() / 1e6))


def occupancy(handlings: pl.DataFrame, agent_states: pl.DataFrame) -> float | None:
    """Wall-clock time with at least one contact / available time, of all agents together.

    Contacts that overlap count once, wrap-up counts, and only time in the state `available` does.
    """
    available = agent_states.filter(pl.col("state") == AVAILABLE)
    offered_s: float = available.select(_seconds("started_at", "ended_at").sum()).item()
    if not offered_s:
        return None
    both = busy_spans(handlings).join(available, on="agent_id", suffix="_state")
    overlap = both.select(
        started_at=pl.max_horizontal("started_at", "started_at_state"),
        ended_at=pl.min_horizontal("ended_at", "ended_at_state"),
    ).filter(pl.col("ended_at") > pl.col("started_at"))
    occupied_s: float = overlap.select(_seconds("started_at", "ended_at").sum()).item()
    return occupied_s / offered_s


def busy_spans(handlings: pl.DataFrame) -> pl.DataFrame:
    """Spans in which an agent holds something: agent_id, started_at, ended_at; none overlap."""
    before = pl.col("wrapped_up_at").cum_max().shift(1).over("agent_id")
    begins = (pl.col("answered_at") > before).fill_null(value=True)
    return (
        handlings.sort("agent_id", "answered_at", "wrapped_up_at")
        .with_columns(begins=begins)
        .with_columns(span=pl.col("begins").cum_sum())
        .group_by("agent_id", "span", maintain_order=True)
        .agg(started_at=pl.col("answered_at").min(), ended_at=pl.col("wrapped_up_at").max())
        .drop("span")
    )


def captured_share(value: float, bound: float) -> float | None:
    """Value / hindsight bound, 0 to 1 (`methods.md` 10.1); None without a positive bound."""
    return value / bound if bound > 0 else None


def gap_closed(value: float, baseline: float, bound: float) -> float | None:
    """(value - baseline) / (bound - baseline): 0 at today's router, 1 at the hindsight bound."""
    return (value - baseline) / (bound - baseline) if bound > baseline else None


def waits(visits: pl.DataFrame) -> pl.DataFrame:
    """Visits with `wait_s`: until answered, or until given up; null for those who still wait."""
    until = pl.when(pl.col("outcome") == "answered").then("answered_at").otherwise("ended_at")
    wait = (until - pl.col("entered_at")).dt.total_microseconds() / 1e6
    return visits.with_columns(wait_s=wait)


def _seconds(begin: str, end: str) -> pl.Expr:
    return (pl.col(end) - pl.col(begin)).dt.total_microseconds() / 1e6


def _mean(column: pl.DataFrame) -> float | None:
    value = column.to_series().cast(pl.Float64).mean()
    return None if value is None else float(value)  # type: ignore[arg-type]
