"""A study is run once: what is finished stays, what changed is redone, all else is as it was."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from models import kpis
from scenarios.lab.day import draw_day
from scenarios.lab.engine import simulate
from scenarios.lab.policies import new_router
from scenarios.lab.value import value_of
from scenarios.study.base import build_base
from scenarios.study.compare import Measure, compare, difference_table
from scenarios.study.conduct import Findings, Progress, conduct
from scenarios.study.errors import StudyError
from scenarios.study.parts import Parts
from scenarios.study.read import with_days
from scenarios.study.report.page import build_page
from scenarios.study.spec import Study
from scenarios.study.tables import write_tables
from scenarios.study.workers import Outcome
from tests.scenarios.study.studies import in_this_process, tiny_study


def conducted(study: Study, folder: Path) -> Findings:
    """The study, run without other processes."""
    return conduct(study, folder, in_this_process, Progress())


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Findings]:
    """The tiny study, run, and its folder: 3 overrides x 2 policies x 3 days."""
    folder = tmp_path_factory.mktemp("study")
    return folder, conducted(tiny_study(), folder)


def test_every_run_is_there_once(finished: tuple[Path, Findings]) -> None:
    """And so are rows by class, by interval and by price; a bound serves two overrides."""
    findings = finished[1]
    names = ["override", "policy", "day"]
    assert findings.runs.height == findings.runs.select(names).n_unique() == 18
    assert findings.by_class.height == findings.by_interval.height == 36
    assert findings.prices.height == 3 * 3 * 2 * 2
    # 18 runs; heavier weights share the bounds of "as it is", so 2 overrides x 3 days have some.
    assert findings.num_done == 18 + 6
    assert findings.runs.null_count().row(0) == (0,) * findings.runs.width


def test_a_run_is_the_labs_day(finished: tuple[Path, Findings]) -> None:
    """Without other rates in the study a row is what `simulate` gives; KPIs are the product's."""
    study = tiny_study(overrides={"heavier": {"weigh": [{"loss": 3.0}]}})
    centre = build_base(study.centre).centre
    events = simulate(centre, draw_day(centre, 202), new_router("skills", centre, 202))
    row = conducted(study, finished[0] / "again").runs.row(
        by_predicate=(pl.col("override") == "as it is")
        & (pl.col("policy") == "skills")
        & (pl.col("day") == 202),
        named=True,
    )
    assert row["value"] == value_of(centre, events).total
    assert row["service_level"] == kpis.service_level(events.visit)
    assert row["abandonment_rate"] == kpis.abandonment_rate(events.visit)
    assert row["mean_answer_s"] == kpis.mean_answer_s(events.visit)
    assert row["occupancy"] == kpis.occupancy(events.handling, events.agent_state)
    assert row["contacts"] == events.visit.height


def test_parts_add_up(finished: tuple[Path, Findings]) -> None:
    """Contacts and money of classes, and contacts of intervals, are those of the day."""
    findings = finished[1]
    names = ["override", "policy", "day"]
    for parts, columns in (
        (findings.by_class, ["contacts", "value", "resolved", "waiting", "lost"]),
        (findings.by_interval, ["contacts"]),
    ):
        total = parts.group_by(names, maintain_order=True).agg(pl.col(columns).sum())
        both = findings.runs.join(total, on=names, suffix="_total")
        for column in columns:
            difference = both.select((pl.col(column) - pl.col(f"{column}_total")).abs().max())
            assert difference.item() < 1e-6


def test_value_is_never_above_the_bound(finished: tuple[Path, Findings]) -> None:
    """Captured is value / bound, at most 1, and the same bound holds under every policy."""
    runs = finished[1].runs
    assert (runs["captured"] <= 1.0).all()
    assert runs.group_by("override", "day").agg(pl.col("bound").n_unique())["bound"].max() == 1


def test_a_second_start_does_nothing(finished: tuple[Path, Findings]) -> None:
    """The tables are the same, and no run is done."""
    folder, first = finished
    again = conducted(tiny_study(), folder)
    assert again.num_done == 0
    assert again.runs.equals(first.runs)
    assert again.prices.equals(first.prices)


def test_only_what_changed_is_redone(finished: tuple[Path, Findings]) -> None:
    """Another name changes nothing; another weight redoes its own 6 runs; a day more adds 8."""
    folder, first = finished
    study = tiny_study()
    renamed = replace(
        study, overrides=(*study.overrides[:2], replace(study.overrides[2], name="other"))
    )
    assert conducted(renamed, folder).num_done == 0
    heavier = {"spike": {"volume": [{"factor": 2.0}]}, "heavier": {"weigh": [{"loss": 4.0}]}}
    assert conducted(tiny_study(overrides=heavier), folder).num_done == 6
    more = conducted(with_days(study, 4), folder)
    assert more.num_done == 6 + 2
    assert more.runs.filter(pl.col("day") < 204).equals(first.runs)


def test_other_rates_redo_every_day(finished: tuple[Path, Findings]) -> None:
    """All overrides are drawn from the largest rates, so a larger spike changes all days."""
    spike = {"spike": {"volume": [{"factor": 3.0}]}, "heavier": {"weigh": [{"loss": 3.0}]}}
    assert conducted(tiny_study(overrides=spike), finished[0]).num_done == 18 + 6


def test_what_was_interrupted_goes_on(tmp_path: Path) -> None:
    """A study stopped after five pieces does the other 19 at its next start."""

    def stopped(tasks: Sequence[Any], work: Callable[[Any], Any]) -> Iterator[Outcome[Any]]:
        yield from in_this_process(tasks[:5], work)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        conduct(tiny_study(), tmp_path, stopped, Progress())
    # A part that was being written is no part.
    (tmp_path / "parts" / ".unfinished-x").mkdir()
    assert conducted(tiny_study(), tmp_path).num_done == 19


def test_a_run_that_fails_is_told_and_the_others_are_compared(tmp_path: Path) -> None:
    """All but one are there; where all fail there is nothing to tell but why."""

    def one_fails(tasks: Sequence[Any], work: Callable[[Any], Any]) -> Iterator[Outcome[Any]]:
        yield Outcome(0, None, "it died")
        for place in range(1, len(tasks)):
            yield Outcome(place, work(tasks[place]))

    def all_fail(tasks: Sequence[Any], work: Callable[[Any], Any]) -> Iterator[Outcome[Any]]:  # noqa: ARG001
        yield from (Outcome(place, None, "it died") for place in range(len(tasks)))

    findings = conduct(tiny_study(), tmp_path, one_fails, Progress())
    assert findings.runs.height == 17
    assert [one.reason for one in findings.failures] == ["it died"]
    assert conducted(tiny_study(), tmp_path).num_done == 1
    with pytest.raises(StudyError, match="all 18 runs failed, expected none; the first one: it d"):
        conduct(tiny_study(), tmp_path / "other", all_fail, Progress())


def test_the_second_writer_of_a_part_loses(tmp_path: Path) -> None:
    """Two starts at once do no harm: the part is whole, and nothing unfinished stays."""
    study = tiny_study()
    results: list[Any] = []

    def keep(tasks: Sequence[Any], work: Callable[[Any], Any]) -> Iterator[Outcome[Any]]:
        for outcome in in_this_process(tasks[:1], work):
            results.append((tasks[0].piece.key, outcome.result))
            yield outcome

    conduct(study, tmp_path, keep, Progress())
    key, result = results[0]
    Parts(tmp_path / "parts").write(key, result)
    assert [path.name for path in (tmp_path / "parts").iterdir()] == [key]


def test_a_study_may_do_without_bounds(tmp_path: Path) -> None:
    """No bound, no captured share, no prices; tables and page are written all the same."""
    study = tiny_study(bound_iterations=0)
    findings = conducted(study, tmp_path)
    assert findings.num_done == 18
    assert findings.runs["captured"].null_count() == 18
    differences = compare(study, findings.runs)
    assert {one.measure for one in differences} == set(Measure) - {Measure.CAPTURED}
    write_tables(tmp_path, study, findings, difference_table(differences))
    assert pl.read_parquet(tmp_path / "prices.parquet").is_empty()
    assert "Value captured" not in build_page(study, findings, differences)
