"""The report as one page of HTML that needs nothing else."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import jinja2
import numpy as np
import polars as pl

from scenarios.study.compare import Difference, Interval, Kind, Measure, mean_interval, mean_of
from scenarios.study.conduct import Findings
from scenarios.study.report.curves import (
    MOST_LINES,
    sensitivity,
    service_by_interval,
    shown_overrides,
)
from scenarios.study.report.forest import forest
from scenarios.study.report.front import Aim, pareto, pareto_points
from scenarios.study.report.maps import (
    abandonment_by_class,
    captured,
    price_map,
)
from scenarios.study.report.numbers import signed
from scenarios.study.report.style import colour
from scenarios.study.report.words import describe, summarise
from scenarios.study.runs import build_laboratory
from scenarios.study.spec import Study

HERE = Path(__file__).parent
FRONT = (
    "Same customers, same agents, other decisions; means over days. Nothing beats a filled dot in"
    " both (the Pareto front); every hollow one is beaten by some other."
)
LOOSE = (
    " Where customers may come back, as here, the bound counts every visit that their luck would"
    " allow: it is far above what is possible."
)


@dataclass(frozen=True)
class Chart:
    """A chart with what it shows and how to read it."""

    title: str
    note: str
    svg: str


@dataclass(frozen=True)
class Row:
    """A row of a table: names, then cells; cells of unclear differences are told in grey."""

    names: tuple[str, ...]
    cells: tuple[str, ...]
    is_clear: tuple[bool, ...]


def write_report(path: Path, study: Study, findings: Findings, found: list[Difference]) -> None:
    """Write the page; the file is there as a whole or not at all."""
    unfinished = path.with_suffix(".unfinished")
    unfinished.write_text(build_page(study, findings, found), encoding="utf-8")
    unfinished.replace(path)


def build_page(study: Study, findings: Findings, found: list[Difference]) -> str:
    """The page as text."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["tied"] = _tied
    return environment.get_template("page.html.j2").render(
        study=study,
        style=(HERE / "page.css").read_text(encoding="utf-8"),
        facts=_facts(study, findings),
        sentences=summarise(study, findings, found),
        overrides=[(one.name, describe(one.changes)) for one in study.overrides],
        policies=[(policy, colour(place)) for place, policy in enumerate(study.policies)],
        levels=_levels(study, findings.runs),
        changes=_differences(found, Kind.CHANGE),
        policy_differences=_differences(found, Kind.POLICY),
        charts=_charts(study, findings, found),
        failures=findings.failures,
    )


def _tied(text: str) -> str:
    """Numbers and their units on one line."""
    return text.replace(" %", "\N{NO-BREAK SPACE}%").replace(
        " ± ", "\N{NO-BREAK SPACE}±\N{NO-BREAK SPACE}"
    )


def _facts(study: Study, findings: Findings) -> list[tuple[str, str]]:
    centre = build_laboratory(study).altered[study.baseline_override].truth
    base = findings.runs.filter(override=study.baseline_override)
    return [
        ("Centre", f"{centre.num_agents} agents, {centre.num_classes} kinds of contacts"),
        (
            "A day",
            f"{centre.horizon_s / 3600:g} hours, {_number(base['contacts'])} contacts on average",
        ),
        ("Decisions", f"every {centre.tick_s:g} s"),
        ("Days", f"{len(study.days)} (seeds {study.days[0]} to {study.days[-1]})"),
        ("Simulated", f"{findings.runs.height} days in all"),
    ]


def _come_back(study: Study) -> bool:
    return study.centre.lifelike


def _charts(study: Study, findings: Findings, found: list[Difference]) -> list[Chart]:
    """Those that the study has something for, in the order of the page."""
    charts = []
    luck = (
        "Dots are mean differences over paired days, bars 95 % intervals (Student's t). A hollow"
        " dot may be luck."
    )
    # Sweeps have a chart of their own.
    shown = [one for one in found if one.override in shown_overrides(study)]
    if any(one.kind is Kind.CHANGE for one in shown):
        title = "What the change does, same router"
        charts.append(Chart(title, luck, forest(shown, Kind.CHANGE, study.policies)))
    if any(one.kind is Kind.POLICY for one in shown):
        title = f"What the router does, against {study.baseline_policy}"
        charts.append(Chart(title, luck, forest(shown, Kind.POLICY, study.policies)))
    charts += [
        Chart(
            f"Sensitivity: {sweep.name}",
            "Means over days; bars are 95 % intervals of the paired difference to the first.",
            sensitivity(study, sweep, findings.runs),
        )
        for sweep in study.sweeps
    ]
    charts += _fronts(study, findings.runs)
    charts.append(
        Chart(
            "Service level through the day",
            "Share answered within target of those who came in the interval, mean over days;"
            f" at most {MOST_LINES} lines.",
            service_by_interval(study, findings.by_interval),
        )
    )
    if findings.runs["captured"].count():
        charts.append(
            Chart(
                "Value captured",
                "Value as a share of what could have been earned with everything known beforehand,"
                " which no router can reach; bars are 95 % intervals."
                + (LOOSE if _come_back(study) else ""),
                captured(study, findings.runs),
            )
        )
    charts.append(
        Chart(
            "Abandonment by class",
            "Mean over days; the busiest classes.",
            abandonment_by_class(study, findings.by_class),
        )
    )
    if not findings.prices.is_empty():
        charts.append(
            Chart(
                f"What an agent's hour is worth, “{study.baseline_override}”",
                "Shadow prices of the hindsight bound: what one more agent-hour of somebody who"
                " does the class well would have earned, mean over days.",
                price_map(findings.prices, study.baseline_override),
            )
        )
    return charts


def _fronts(study: Study, runs: pl.DataFrame) -> list[Chart]:
    """Money against service level and abandonment, where decisions differ but nothing else."""
    charts = []
    for aim, name in ((Aim.SERVICE_LEVEL, "service level"), (Aim.ABANDONMENT, "abandonment")):
        points = pareto_points(study, runs, aim)
        if study.variants or len({one.override for one in points}) > 1:
            charts.append(Chart(f"Money against {name}", FRONT, pareto(study, points, aim)))
    return charts


def _levels(study: Study, runs: pl.DataFrame) -> list[Row]:
    """Means of every override and policy."""
    rows = []
    for override in study.overrides:
        for policy in study.policies:
            days = runs.filter(override=override.name, policy=policy)
            if days.is_empty():
                continue
            value = mean_interval(days["value"].to_numpy())
            cells = (
                _plus_minus(value.mean, value.half_width),
                _number(days["lost"]),
                _percent(days["captured"]),
                _percent(days["service_level"]),
                _percent(days["abandonment_rate"]),
                _number(days["mean_answer_s"]),
                _percent(days["occupancy"]),
                _number(days["contacts"]),
            )
            rows.append(Row((override.name, policy), cells, (True,) * len(cells)))
    return rows


def _differences(found: Sequence[Difference], kind: Kind) -> list[Row]:
    """A row per override and policy, a cell per measure."""
    rows: dict[tuple[str, ...], dict[Measure, Difference]] = {}
    for one in found:
        if one.kind is kind:
            names = (one.override, one.policy, one.against)
            rows.setdefault(names, {})[one.measure] = one
    return [_difference_row(names, row) for names, row in rows.items()]


def _difference_row(names: tuple[str, ...], row: dict[Measure, Difference]) -> Row:
    value = row[Measure.VALUE]
    cells = [
        (_change(value.difference, 1.0, digits=0), value.is_clear),
        (_change(value.relative, 100.0), value.is_clear),
    ]
    for measure, factor in (
        (Measure.SERVICE_LEVEL, 100.0),
        (Measure.ABANDONMENT, 100.0),
        (Measure.MEAN_ANSWER_S, 1.0),
        (Measure.OCCUPANCY, 100.0),
    ):
        one = row.get(measure)
        if one is None:
            cells.append(("", False))
            continue
        cells.append((_change(one.difference, factor), one.is_clear))
    return Row(names, tuple(text for text, _ in cells), tuple(clear for _, clear in cells))


def _change(found: Interval, factor: float, digits: int = 1) -> str:
    half_width = factor * found.half_width
    return f"{signed(factor * found.mean, digits)} ± {half_width:,.{digits}f}"


def _plus_minus(mean: float, half_width: float) -> str:
    return f"{mean:,.0f}" if np.isnan(half_width) else f"{mean:,.0f} ± {half_width:,.0f}"


def _number(days: pl.Series) -> str:
    mean = mean_of(days)
    return "" if mean is None else f"{mean:,.0f}"


def _percent(days: pl.Series) -> str:
    mean = mean_of(days)
    return "" if mean is None else f"{100 * mean:.1f}"
