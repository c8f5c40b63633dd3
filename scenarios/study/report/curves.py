"""Charts over time and over numbers: service level by interval, sensitivity curves."""

from math import ceil

import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from scenarios.study.compare import mean_interval
from scenarios.study.report.style import WIDTH, bare, colour, label_ends, look, svg_of
from scenarios.study.spec import Study, Sweep

MOST_LINES = 6
"""More overrides in one panel cannot be told apart."""
ACROSS = 2
CLOSEST = 0.05
"""Of the range of a sweep: values that are closer cannot be told apart."""


def service_by_interval(study: Study, by_interval: pl.DataFrame) -> str:
    """A panel per policy, a line per override: mean over days of the service level, by entry."""
    names = shown_overrides(study)
    rows = ceil(len(study.policies) / ACROSS)
    with look():
        figure = Figure(figsize=(WIDTH, 0.4 + 2.9 * rows), layout="constrained")
        panels = figure.subplots(rows, ACROSS, sharey=True, squeeze=False).ravel()
        for axes in panels[len(study.policies) :]:
            axes.remove()
        for axes, policy in zip(panels, study.policies, strict=False):
            bare(axes)
            ends = []
            for place, name in enumerate(names):
                line = (
                    by_interval.filter(override=name, policy=policy)
                    .group_by("from_s")
                    .agg(pl.col("service_level").mean())
                    .sort("from_s")
                    .drop_nulls()
                )
                if line.is_empty():
                    continue
                hours = line["from_s"].to_numpy() / 3600
                level = 100 * line["service_level"].to_numpy()
                axes.plot(hours, level, color=colour(place), linewidth=2, marker="o", markersize=4)
                ends.append((hours[-1], level[-1], name, colour(place)))
            axes.set_ylim(0, 102)
            label_ends(axes, ends, gap=7.5)
            axes.set_title(policy)
            axes.set_xlabel("interval of entry, hours since opening")
            axes.set_ylabel("answered within target, %")
            axes.yaxis.set_tick_params(labelleft=True)
        return svg_of(figure)


def shown_overrides(study: Study) -> list[str]:
    """Overrides with a line of their own: the baseline, then those that are not of a sweep.

    Where all are, the ends of the sweeps.
    """
    named = [one.name for one in study.overrides if not one.is_swept]
    ends = [sweep.points[place].override for sweep in study.sweeps for place in (0, -1)]
    own = [name for name in named if name != study.baseline_override] or ends
    return list(dict.fromkeys([study.baseline_override, *own]))[:MOST_LINES]


def sensitivity(study: Study, sweep: Sweep, runs: pl.DataFrame) -> str:
    """Value, service level and abandonment over the number that is swept, a line per policy."""
    panels = (
        ("value", "Value of a day, money", 1.0),
        ("service_level", "Service level, %", 100.0),
        ("abandonment_rate", "Abandonment, %", 100.0),
    )
    with look():
        figure = Figure(figsize=(WIDTH, 3.3), layout="constrained")
        for axes, (column, title, factor) in zip(figure.subplots(1, 3), panels, strict=True):
            ends = []
            for place, policy in enumerate(study.policies):
                line = runs.filter(policy=policy)
                end = _curve(axes, sweep, line, (column, factor), colour(place))
                if end is not None:
                    ends.append((*end, policy, colour(place)))
            bare(axes)
            low, high = axes.get_ylim()
            label_ends(axes, ends, gap=0.08 * (high - low))
            if column == "value":
                axes.yaxis.set_major_formatter("{x:,.0f}")
            axes.set_title(title)
            values = [point.value for point in sweep.points]
            axes.set_xticks(_places(sweep), [f"{value:g}" for value in values])
        scale = "" if _to_scale(sweep) else " (not to scale)"
        figure.supxlabel(f"{sweep.name}, {sweep.unit}{scale}", fontsize="medium")
        return svg_of(figure)


def _curve(
    axes: Axes, sweep: Sweep, runs: pl.DataFrame, what: tuple[str, float], tint: str
) -> tuple[float, float] | None:
    """Draw one line, and return its end.

    Its bars are the intervals of the paired difference to its first point.
    """
    column, factor = what
    x, y, half = [], [], []
    first: pl.DataFrame | None = None
    for place, point in zip(_places(sweep), sweep.points, strict=True):
        days = runs.filter(override=point.override).select("day", level=factor * pl.col(column))
        days = days.drop_nulls()
        if days.is_empty():
            continue
        first = days if first is None else first
        pairs = days.join(first, on="day", suffix="_first")
        x.append(place)
        y.append(float(days["level"].to_numpy().mean()))
        half.append(mean_interval((pairs["level"] - pairs["level_first"]).to_numpy()).half_width)
    axes.errorbar(
        x,
        y,
        yerr=np.nan_to_num(half),
        color=tint,
        linewidth=2,
        marker="o",
        markersize=5,
        capsize=0,
    )
    return (x[-1], y[-1]) if x else None


def _to_scale(sweep: Sweep) -> bool:
    """No two values would be drawn on top of each other."""
    values = np.array([point.value for point in sweep.points])
    return len(values) < 2 or bool(np.diff(values).min() > CLOSEST * np.ptp(values))


def _places(sweep: Sweep) -> list[float]:
    """Where the values stand: to scale, or side by side where that cannot be read."""
    values = [point.value for point in sweep.points]
    return values if _to_scale(sweep) else [float(place) for place in range(len(values))]
