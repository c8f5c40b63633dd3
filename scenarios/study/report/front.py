"""Charts of two aims at once: what more service, or fewer lost customers, cost in money."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from scenarios.study.changes import Changes
from scenarios.study.report.style import GREY, WIDTH, bare, colour, look, svg_of
from scenarios.study.spec import Study


class Aim(Enum):
    """What money is weighed against."""

    SERVICE_LEVEL = "service_level"
    ABANDONMENT = "abandonment_rate"


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
    other: float
    """The other aim, in percent."""
    is_on_front: bool
    """Nothing else is at least as good in both and better in one."""


def pareto_points(study: Study, runs: pl.DataFrame, aim: Aim) -> list[ParetoPoint]:
    """Means over days of all overrides that change decisions only, so that money is comparable."""
    comparable = [one.name for one in study.overrides if _only_decides(one.changes)]
    found = (
        runs.filter(pl.col("override").is_in(comparable))
        .group_by("override", "policy", maintain_order=True)
        .agg(pl.col("value", aim.value).mean())
        .drop_nulls()
    )
    value, other = found["value"].to_numpy(), 100 * found[aim.value].to_numpy()
    good = -other if aim is Aim.ABANDONMENT else other
    return [
        ParetoPoint(
            str(override),
            str(policy),
            float(value[row]),
            float(other[row]),
            is_on_front=not np.any(
                (value >= value[row])
                & (good >= good[row])
                & ((value > value[row]) | (good > good[row]))
            ),
        )
        for row, (override, policy) in enumerate(found.select("override", "policy").iter_rows())
    ]


def pareto(study: Study, points: Sequence[ParetoPoint], aim: Aim) -> str:
    """Money against the other aim; the front is what no other point beats in both."""
    with look():
        # Points are pixels, so that names can be measured before anything is drawn.
        figure = Figure(figsize=(WIDTH, 4.6), dpi=72)
        axes = figure.subplots()
        bare(axes)
        front = sorted((one for one in points if one.is_on_front), key=lambda one: one.value)
        axes.plot(
            [one.other for one in front],
            [one.value for one in front],
            color=GREY,
            linewidth=1,
            zorder=1,
        )
        for one in points:
            tint = colour(study.policies.index(one.policy))
            face = tint if one.is_on_front else "white"
            at = (one.other, one.value)
            axes.plot(*at, "o", color=tint, markerfacecolor=face, markersize=8)
        axes.margins(x=0.2, y=0.12)
        low, high = axes.get_xlim()
        if aim is Aim.ABANDONMENT:
            low, high = high, low
        axes.set(xlim=(low, high), ylim=axes.get_ylim())
        axes.yaxis.set_major_formatter("{x:,.0f}")
        name = "service level" if aim is Aim.SERVICE_LEVEL else "abandonment"
        axes.set_xlabel(f"{name}, % (better to the right)")
        axes.set_ylabel("value of a day, money (better above)")
        _write_names(axes, study, points)
        return svg_of(figure)


def _write_names(axes: Axes, study: Study, points: Sequence[ParetoPoint]) -> None:
    """A name beside every place, moved up or down until it covers no other."""
    groups: dict[tuple[str, int, int], list[ParetoPoint]] = {}
    pixels = axes.transData.transform([(one.other, one.value) for one in points])
    for one, (x, y) in zip(points, pixels.tolist(), strict=True):
        groups.setdefault((one.policy, round(x / SAME), round(y / SAME)), []).append(one)
    # No name may cover a dot, and none another name: boxes (left, bottom, right, top).
    taken = [(x - DOT, y - DOT, x + DOT, y + DOT) for x, y in pixels.tolist()]
    for (policy, _, _), alike in groups.items():
        name = f"{policy}: {alike[0].override}"
        if len(alike) > 1:
            name += f" and {len(alike) - 1} alike"
        at = (alike[0].other, alike[0].value)
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
