"""Charts of two aims at once: what more service costs in money."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from scenarios.study.changes import Changes
from scenarios.study.report.style import GREY, WIDTH, bare, colour, look, svg_of
from scenarios.study.spec import Study

Box = tuple[float, float, float, float]
DOT, LINE, LETTER = 5.0, 11.0, 4.9
"""Points of a dot's radius, a line of text and a letter, a little too large."""
SAME = 3.0
"""Points: dots of a router that are closer share a name."""
SHIFTS = [0.0] + [sign * LINE * step for step in range(1, 12) for sign in (1, -1)]


@dataclass(frozen=True)
class ParetoPoint:
    """An override under a policy: what it earns and how it serves."""

    override: str
    policy: str
    value: float
    service_level: float
    is_on_front: bool
    """Nothing else is at least as good in both and better in one."""


def pareto_points(study: Study, runs: pl.DataFrame) -> list[ParetoPoint]:
    """Means over days of all overrides that change decisions only, so that money is comparable."""
    comparable = [one.name for one in study.overrides if _only_decides(one.changes)]
    found = (
        runs.filter(pl.col("override").is_in(comparable))
        .group_by("override", "policy", maintain_order=True)
        .agg(pl.col("value", "service_level").mean())
        .drop_nulls()
    )
    value, service = found["value"].to_numpy(), found["service_level"].to_numpy()
    return [
        ParetoPoint(
            str(override),
            str(policy),
            float(value[row]),
            float(service[row]),
            is_on_front=not np.any(
                (value >= value[row])
                & (service >= service[row])
                & ((value > value[row]) | (service > service[row]))
            ),
        )
        for row, (override, policy) in enumerate(found.select("override", "policy").iter_rows())
    ]


def pareto(study: Study, points: Sequence[ParetoPoint]) -> str:
    """Money against service level; the front is what no other point beats in both."""
    with look():
        # Points are pixels, so that names can be measured before anything is drawn.
        figure = Figure(figsize=(WIDTH, 4.6), dpi=72)
        axes = figure.subplots()
        bare(axes)
        front = sorted((one for one in points if one.is_on_front), key=lambda one: one.value)
        axes.plot(
            [100 * one.service_level for one in front],
            [one.value for one in front],
            color=GREY,
            linewidth=1,
            zorder=1,
        )
        for one in points:
            tint = colour(study.policies.index(one.policy))
            face = tint if one.is_on_front else "white"
            at = (100 * one.service_level, one.value)
            axes.plot(*at, "o", color=tint, markerfacecolor=face, markersize=8)
        axes.margins(x=0.2, y=0.12)
        axes.set(xlim=axes.get_xlim(), ylim=axes.get_ylim())
        axes.yaxis.set_major_formatter("{x:,.0f}")
        axes.set_xlabel("service level, % (better to the right)")
        axes.set_ylabel("value of a day, money (better above)")
        _write_names(axes, study, points)
        return svg_of(figure)


def _write_names(axes: Axes, study: Study, points: Sequence[ParetoPoint]) -> None:
    """A name beside every place, moved up or down until it covers no other."""
    groups: dict[tuple[str, int, int], list[ParetoPoint]] = {}
    pixels = axes.transData.transform([(100 * one.service_level, one.value) for one in points])
    for one, (x, y) in zip(points, pixels.tolist(), strict=True):
        groups.setdefault((one.policy, round(x / SAME), round(y / SAME)), []).append(one)
    # No name may cover a dot, and none another name: boxes (left, bottom, right, top).
    taken = [(x - DOT, y - DOT, x + DOT, y + DOT) for x, y in pixels.tolist()]
    for (policy, _, _), alike in groups.items():
        name = f"{policy}: {alike[0].override}"
        if len(alike) > 1:
            name += f" and {len(alike) - 1} alike"
        at = (100 * alike[0].service_level, alike[0].value)
        x, y = axes.transData.transform(at).tolist()
        width = LETTER * len(name)
        boxes = [
            (x + 2 * DOT, y + shift - LINE / 2, x + 2 * DOT + width, y + shift + LINE / 2)
            for shift in SHIFTS
        ]
        free = [box for box in boxes if not any(_overlap(box, other) for other in taken)]
        box = free[0] if free else boxes[0]
        taken.append(box)
        middle = (box[1] + box[3]) / 2
        far = abs(middle - y) > LINE
        axes.annotate(
            name,
            at,
            xytext=(box[0] - x, middle - y),
            textcoords="offset points",
            fontsize=8.5,
            color=colour(study.policies.index(policy)),
            va="center",
            arrowprops={"arrowstyle": "-", "color": "#bbbbbb"} if far else None,
        )


def _overlap(one: Box, other: Box) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def _only_decides(changes: Changes) -> bool:
    """Customers, agents and what both can do are those of the base."""
    return changes == Changes(tick_s=changes.tick_s, weigh=changes.weigh, errors=changes.errors)
