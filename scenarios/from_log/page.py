"""The prediction as one page of HTML that needs nothing else."""

from pathlib import Path

import jinja2
import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from scenarios.from_log.measures import Measure, Part
from scenarios.from_log.predict import Prediction, Variant
from scenarios.from_log.tables import heads_table
from scenarios.from_log.told import (
    error_sentences,
    fitted_sentences,
    keys_of,
    weekdays_told,
)
from scenarios.study.report import style
from scenarios.study.report.style import GREY, WIDTH, bare, colour, label_ends, look, svg_of

FOLDER = Path(style.__file__).parent
"""The templates and the style of all reports."""
CURVES = 4
LONGEST_S = 600


def write_page(path: Path, found: Prediction) -> None:
    """Write the page; the file is there as a whole or not at all."""
    unfinished = path.with_suffix(".unfinished")
    unfinished.write_text(build_page(found), encoding="utf-8")
    unfinished.replace(path)


def build_page(found: Prediction) -> str:
    """The page as text."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(FOLDER),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("from_log.html.j2").render(
        style=(FOLDER / "page.css").read_text(encoding="utf-8"),
        fitted=found.fit.month.name,
        month=found.month.name,
        days=weekdays_told(found),
        replications=found.replications["replication"].n_unique(),
        fit_sentences=fitted_sentences(found),
        error_sentences=error_sentences(found),
        measures=[str(measure) for measure in Measure],
        rows=_rows(found),
        hours=_hours(found),
        patience=_patience(found),
        heads=_heads(found),
    )


def _rows(found: Prediction) -> list[tuple[str, list[str]]]:
    """Name and cells of the table of the month."""
    fitted, month = found.fit.month.name, found.month.name
    names = {
        Variant.FORECAST: f"{fitted} only (the forecast)",
        Variant.HEADS: f"and {month}'s heads",
        Variant.CALLS: f"and {month}'s calls",
        Variant.AGAIN: f"{fitted} again, simulated",
    }
    rows = []
    for variant, name in names.items():
        mine = found.summary.filter(variant=str(variant), part=str(Part.ALL))
        numbers = mine.select("measure", "predicted", "low", "high", "real").rows()
        told = [
            (_number(measure, mid), _number(measure, max(low, 0.0)), _number(measure, high))
            for measure, mid, low, high, _ in numbers
        ]
        cells = [f"{mid} ({low} to {high})" if low != high else mid for mid, low, high in told]
        rows.append((name, cells))
        if variant in (Variant.CALLS, Variant.AGAIN):
            real = [_number(measure, value) for measure, _, _, _, value in numbers]
            rows.append((f"{month if variant is Variant.CALLS else fitted} as it was", real))
    return rows


def _number(measure: str, value: float) -> str:
    if Measure(measure) in (Measure.SERVICE_LEVEL, Measure.AT_ONCE, Measure.ABANDONED):
        return f"{100 * value:.1f} %"
    return f"{value:,.0f}" if measure == Measure.CALLS else f"{value:.1f} s"


def _hours(found: Prediction) -> str:
    """Calls, waits and abandonment by hour: the forecast's band beside what happened."""
    panels = (
        (Measure.CALLS, "Calls an hour", 1.0),
        (Measure.WAIT_S, "Mean wait of all, s", 1.0),
        (Measure.ABANDONED, "Abandoned, %", 100.0),
    )
    rows = found.summary.filter(part=str(Part.HOUR))
    keys = keys_of(rows, Part.HOUR)
    rows = rows.filter(pl.col("key").is_in(keys)).with_columns(hour=pl.col("key").cast(pl.Int64))
    with look():
        figure = Figure(figsize=(WIDTH, 8.4), layout="constrained")
        for axes, (measure, title, factor) in zip(figure.subplots(3, 1), panels, strict=True):
            _bands(axes, rows.filter(measure=str(measure)).sort("hour"), factor, found.month.name)
            axes.set_title(title)
            axes.set_ylim(bottom=0)
        return svg_of(figure)


def _bands(axes: Axes, rows: pl.DataFrame, factor: float, month: str) -> None:
    bare(axes)
    forecast = rows.filter(variant=str(Variant.FORECAST))
    calls = rows.filter(variant=str(Variant.CALLS))
    hour = forecast["hour"].to_numpy()
    low, high = (factor * forecast[side].to_numpy() for side in ("low", "high"))
    axes.fill_between(hour, np.clip(low, 0, None), high, color=colour(0), alpha=0.15, linewidth=0)
    ends = []
    for place, (line, column, name) in enumerate(
        (
            (forecast, "predicted", "forecast, 95 % band"),
            (calls, "predicted", f"with {month}'s heads and calls"),
            (calls, "real", f"{month} as it was"),
        )
    ):
        value = factor * line[column].to_numpy()
        axes.plot(line["hour"].to_numpy(), value, color=colour(place), linewidth=2)
        ends.append((float(line["hour"].max()), float(value[-1]), name, colour(place)))  # type: ignore[arg-type]
    bottom, top = axes.get_ylim()
    label_ends(axes, ends, gap=0.1 * (top - bottom))
    axes.set_xlabel("hour of entry")


def _patience(found: Prediction) -> str:
    """Kaplan-Meier curves of the classes with most abandonments, and exponentials beside them."""
    curves = dict(zip(found.fit.segments.names, found.fit.patience, strict=True))
    # Classes that differ by their head start alone share a curve.
    first = {curve.mean_s: name for name, curve in reversed(curves.items())}
    by_events = sorted(first.values(), key=lambda name: -curves[name].num_events)
    at_s = np.arange(0.0, LONGEST_S + 1)
    with look():
        figure = Figure(figsize=(WIDTH, 4.2), layout="constrained")
        axes = figure.subplots()
        bare(axes)
        ends = []
        for place, name in enumerate(by_events[:CURVES]):
            share = 100 * curves[name].share_after(at_s)
            axes.step(at_s, share, where="post", color=colour(place), linewidth=2)
            fitted = 100 * curves[name].exponential_after(at_s)
            axes.plot(at_s, fitted, color=colour(place), linewidth=1, linestyle="--")
            ends.append((at_s[-1], float(share[-1]), name, colour(place)))
        label_ends(axes, ends, gap=4.5)
        axes.set_ylim(0, 101)
        axes.set_xlabel("seconds in the queue")
        axes.set_ylabel("would still wait, %")
        return svg_of(figure)


def _heads(found: Prediction) -> str:
    """Heads through the day, mean over Sundays to Thursdays, in both months."""
    table = heads_table(found).filter(~pl.col("weekday").is_in(["Friday", "Saturday"]))
    mean = table.group_by("month", "from_s", maintain_order=True).agg(pl.col("heads").mean())
    with look():
        figure = Figure(figsize=(WIDTH, 3.4), layout="constrained")
        axes = figure.subplots()
        bare(axes)
        ends = []
        for tint, name in ((GREY, found.fit.month.name), (colour(2), found.month.name)):
            line = mean.filter(month=name).sort("from_s")
            hour = line["from_s"].to_numpy() / 3600
            axes.step(hour, line["heads"].to_numpy(), where="post", color=tint, linewidth=2)
            ends.append((23.5, float(line["heads"][-1]), name, tint))
        label_ends(axes, ends, gap=0.6)
        axes.set_xlabel("hour")
        axes.set_ylabel("agents there")
        return svg_of(figure)
