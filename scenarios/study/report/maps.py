"""Charts of classes and of what was possible."""

import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from scenarios.study.compare import mean_interval
from scenarios.study.report.curves import shown_overrides
from scenarios.study.report.style import WIDTH, bare, colour, look, svg_of
from scenarios.study.spec import Study

MOST_CLASSES = 14
"""Shown one by one; the busiest."""


def abandonment_by_class(study: Study, by_class: pl.DataFrame) -> str:
    """A panel per policy, a row per class: dots are overrides, mean over days."""
    overrides = shown_overrides(study)
    names = _busiest(by_class.filter(override=study.baseline_override))
    mean = by_class.group_by("override", "policy", "name").agg(pl.col("abandonment_rate").mean())
    height = 1.3 + 0.3 * len(names)
    with look():
        figure = Figure(figsize=(WIDTH, height), layout="constrained")
        panels = figure.subplots(1, len(study.policies), sharey=True, sharex=True, squeeze=False)
        for axes, policy in zip(panels.ravel(), study.policies, strict=True):
            bare(axes)
            for place, override in enumerate(overrides):
                found = mean.filter(override=override, policy=policy, name=pl.col("name"))
                share = dict(zip(found["name"], found["abandonment_rate"], strict=True))
                rows = [row for row, name in enumerate(names) if share.get(name) is not None]
                axes.plot(
                    [100 * share[names[row]] for row in rows],
                    [-row for row in rows],
                    "o",
                    color=colour(place),
                    markersize=7,
                    alpha=0.9,
                    label=override,
                )
            axes.set_title(policy)
            axes.set_xlabel("abandoned, %")
        panels[0, 0].set_yticks([-row for row in range(len(names))], names)
        panels[0, 0].set_ylim(0.6 - len(names), 0.6)
        panels[0, 0].set_xlim(left=-0.5)
        handles, labels = panels[0, 0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside upper left", ncols=4, frameon=False)
        return svg_of(figure)


def _busiest(by_class: pl.DataFrame) -> list[str]:
    totals = by_class.group_by("contact_class", "name").agg(pl.col("contacts").sum())
    return (
        totals.sort("contacts", descending=True).head(MOST_CLASSES).sort("contact_class")["name"]
    ).to_list()


def captured(study: Study, runs: pl.DataFrame) -> str:
    """Share of the hindsight bound, a row per override, a dot with its interval per policy."""
    names = shown_overrides(study)
    with look():
        pitch = 0.15 * len(study.policies) + 0.15
        figure = Figure(figsize=(WIDTH, 1.2 + pitch * len(names)), layout="constrained")
        axes = figure.subplots()
        bare(axes, grid="x")
        for place, policy in enumerate(study.policies):
            for row, name in enumerate(names):
                days = runs.filter(override=name, policy=policy)["captured"].drop_nulls()
                if days.is_empty():
                    continue
                share = mean_interval(100 * days.to_numpy())
                y = -row - 0.15 / pitch * (place - (len(study.policies) - 1) / 2)
                axes.errorbar(
                    share.mean,
                    y,
                    xerr=np.nan_to_num(share.half_width),
                    fmt="o",
                    color=colour(place),
                    label=policy if row == 0 else None,
                )
        axes.set_yticks([-row for row in range(len(names))], names)
        axes.set_ylim(-len(names) + 0.4, 0.6)
        axes.set_xlim(right=100)
        axes.set_xlabel("value captured, % of the hindsight bound")
        handles, labels = axes.get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside upper left", ncols=6, frameon=False)
        return svg_of(figure)


def price_map(prices: pl.DataFrame, override: str) -> str:
    """Price of an agent-hour by class and interval, mean over days, numbers in the cells."""
    mean = (
        prices.filter(override=override)
        .group_by("contact_class", "name", "from_s")
        .agg(pl.col("price_per_hour").mean())
        .sort("contact_class", "from_s")
    )
    wide = mean.pivot("from_s", index=["contact_class", "name"], values="price_per_hour")
    columns = [name for name in wide.columns if name not in {"contact_class", "name"}]
    peak = wide.select(pl.max_horizontal(columns)).to_series()
    wide = wide.with_columns(peak=peak).sort("peak", descending=True).head(2 * MOST_CLASSES)
    table = wide.sort("contact_class").select(columns).to_numpy()
    names = wide.sort("contact_class")["name"].to_list()
    with look():
        figure = Figure(figsize=(WIDTH, 1.4 + 0.3 * len(names)), layout="constrained")
        axes = figure.subplots()
        axes.grid(visible=False)
        image = axes.imshow(table, aspect="auto", cmap="cividis")
        _write_cells(axes, table)
        axes.set_yticks(range(len(names)), names)
        hours = [float(name) / 3600 for name in columns]
        axes.set_xticks(
            range(len(columns)), [f"{hour:.2f}".rstrip("0").rstrip(".") for hour in hours]
        )
        axes.tick_params(length=0)
        axes.set_xlabel("interval, hours since opening")
        figure.colorbar(image, ax=axes, label="money per agent-hour", pad=0.01)
        return svg_of(figure)


def _write_cells(axes: Axes, table: np.ndarray) -> None:
    middle = (table.max() + table.min()) / 2
    for (row, column), price in np.ndenumerate(table):
        tint = "white" if price < middle else "black"
        axes.text(column, row, f"{price:,.0f}", ha="center", va="center", fontsize=8.5, color=tint)
