"""How all charts look: one palette that colour-blind people can tell apart, no decoration."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#5B5B5B")
"""Okabe and Ito's, the darker first."""
GREY = "#767676"
WIDTH = 11.2
"""Inches: the width of the page's column, so that text is as large as the page's."""

_LOOK: dict[Any, Any] = {
    "font.family": "sans-serif",
    "font.size": 10.5,
    "axes.titlesize": 11,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#999999",
    "axes.labelcolor": "#333333",
    "xtick.color": "#333333",
    "ytick.color": "#333333",
    "axes.grid": True,
    "grid.color": "#e6e6e6",
    "axes.axisbelow": True,
    # Text stays text: it can be searched, and weighs little.
    "svg.fonttype": "none",
    "svg.hashsalt": "study",
}


@contextmanager
def look() -> Iterator[None]:
    """Inside, figures have the look."""
    with mpl.rc_context(_LOOK):
        yield


def svg_of(figure: Figure) -> str:
    """The figure as an element of HTML."""
    found = io.StringIO()
    figure.savefig(
        found,
        format="svg",
        metadata=dict.fromkeys(("Date", "Creator", "Format", "Type")),
        bbox_inches="tight",
    )
    text = found.getvalue()
    return text[text.index("<svg") :]


def colour(place: int) -> str:
    """Of the policy or override in that place."""
    return COLOURS[place % len(COLOURS)]


def bare(axes: Axes, *, grid: str = "both") -> None:
    """No tick marks; lines of the grid only where values are read."""
    axes.tick_params(length=0)
    axes.grid(visible=False)
    axes.grid(visible=True, axis=grid)  # type: ignore[arg-type]


def label_ends(axes: Axes, ends: list[tuple[float, float, str, str]], gap: float) -> None:
    """Names beside the ends (x, y, name, colour) of curves, at least the gap apart."""
    heights: list[float] = []
    ordered = sorted(ends, key=lambda end: end[1])
    for _, y, _, _ in ordered:
        heights.append(max(y, heights[-1] + gap) if heights else y)
    # Names that were pushed above the chart push those below them down.
    top = axes.get_ylim()[1]
    for place in reversed(range(len(heights))):
        heights[place] = min(heights[place], top)
        top = heights[place] - gap
    for (x, _, name, tint), height in zip(ordered, heights, strict=True):
        axes.annotate(
            name,
            (x, height),
            xytext=(7, 0),
            textcoords="offset points",
            color=tint,
            va="center",
            annotation_clip=False,
        )
