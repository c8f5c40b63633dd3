"""KPIs against the worked example of the trade, and what they say about nothing."""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from models.kpis import abandonment_rate, mean_answer_s, service_level, waits
from models.tables import INSTANT

START = datetime(2026, 11, 18, 10, tzinfo=UTC)
SCHEMA = {
    "entered_at": INSTANT,
    "answered_at": INSTANT,
    "ended_at": INSTANT,
    "outcome": pl.String(),
    "target_answer_s": pl.Float64(),
}


def visits(*groups: tuple[str, float, int], target_s: float = 20.0) -> pl.DataFrame:
    """Visits as (outcome, wait in seconds, how many)."""

    def row(outcome: str, wait_s: float) -> dict[str, object]:
        left = START + timedelta(seconds=wait_s)
        handled = left + timedelta(seconds=300)
        ended = {"answered": handled, "abandoned": left, "waiting": None}[outcome]
        return {
            "entered_at": START,
            "answered_at": left if outcome == "answered" else None,
            "ended_at": ended,
            "outcome": outcome,
            "target_answer_s": target_s,
        }

    rows: Iterable[dict[str, object]] = (
        row(outcome, wait_s) for outcome, wait_s, count in groups for _ in range(count)
    )
    return pl.DataFrame(list(rows), schema=SCHEMA)


WORKED = (
    ("answered", 12.0, 860),
    ("answered", 45.0, 140),
    ("abandoned", 3.0, 10),
    ("abandoned", 12.0, 10),
    ("abandoned", 60.0, 40),
)
"""1,000 answered, 860 of them within 20 s; 60 abandoned, 20 within 20 s, 10 within 5 s."""


def test_the_worked_example_has_a_service_level_of_82_69_percent() -> None:
    """860 / (1,000 answered + 40 who gave up after the target) = 0.826923."""
    level = service_level(visits(*WORKED))
    assert level == pytest.approx(860 / 1040)
    assert round(100 * (level or 0), 2) == 82.69


def test_the_worked_example_has_an_abandonment_rate_of_4_76_percent() -> None:
    """50 / (1,000 + 60 - 10): who left within 5 s counts neither for nor against."""
    assert abandonment_rate(visits(*WORKED)) == pytest.approx(50 / 1050)


def test_the_worked_example_is_answered_in_16_62_seconds() -> None:
    """(860 * 12 + 140 * 45) / 1,000 = 16.62 s; abandons do not count."""
    assert mean_answer_s(visits(*WORKED)) == pytest.approx(16.62)


@pytest.mark.parametrize(
    ("groups", "level"),
    [
        ([("answered", 20.0, 1)], 1.0),  # exactly at the target is in time
        ([("answered", 20.000001, 1)], 0.0),
        ([("answered", 10.0, 1), ("abandoned", 20.0, 9)], 1.0),  # left in time: not counted
        ([("answered", 10.0, 1), ("abandoned", 20.5, 1)], 0.5),
        ([("abandoned", 30.0, 1)], 0.0),  # nobody answered is zero, not unknown
        ([("answered", 10.0, 1), ("waiting", 0.0, 5)], 1.0),  # still waiting: not decided
    ],
)
def test_service_level_at_the_target(groups: list[tuple[str, float, int]], level: float) -> None:
    """Answered within target / (answered + abandoned after the target)."""
    assert service_level(visits(*groups)) == level


@pytest.mark.parametrize(
    ("groups", "rate"),
    [
        ([("answered", 10.0, 3), ("abandoned", 5.0, 1)], 0.0),  # at 5 s still short
        ([("answered", 10.0, 3), ("abandoned", 5.001, 1)], 0.25),
        ([("answered", 1.0, 1), ("abandoned", 9.0, 1)], 0.5),  # short answers do count
        ([("abandoned", 9.0, 1), ("waiting", 0.0, 9)], 1.0),
    ],
)
def test_abandonment_leaves_short_abandons_out(
    groups: list[tuple[str, float, int]], rate: float
) -> None:
    """Abandoned after 5 s / (answered + abandoned after 5 s)."""
    assert abandonment_rate(visits(*groups)) == rate


def test_every_visit_has_its_own_target() -> None:
    """A wait of 30 s is late against 20 s and in time against 60 s: one half."""
    both = pl.concat([visits(("answered", 30.0, 1)), visits(("answered", 30.0, 1), target_s=60.0)])
    assert service_level(both) == 0.5


@pytest.mark.parametrize("kpi", [service_level, abandonment_rate, mean_answer_s])
@pytest.mark.parametrize(
    "groups", [[], [("waiting", 0.0, 3)], [("abandoned", 2.0, 3)]], ids=["none", "wait", "short"]
)
def test_a_ratio_of_nothing_is_unknown(
    kpi: Callable[[pl.DataFrame], float | None], groups: list[tuple[str, float, int]]
) -> None:
    """No visit that counts gives None, never 0 and never an error."""
    assert kpi(visits(*groups)) is None


def test_waits_end_with_the_answer_or_the_leaving() -> None:
    """Answered: until answered, not until handled; abandoned: until gone; waiting: unknown."""
    found = waits(visits(("answered", 12.5, 1), ("abandoned", 7.0, 1), ("waiting", 0.0, 1)))
    assert found["wait_s"].to_list() == [12.5, 7.0, None]
