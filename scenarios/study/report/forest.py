"""Charts of differences: a dot for each, with its interval, beside a line at nothing."""

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from scenarios.study.compare import Difference, Interval, Kind, Measure
from scenarios.study.report.numbers import signed
from scenarios.study.report.style import GREY, WIDTH, bare, colour, look, svg_of
from scenarios.study.spec import AS_IT_IS

ROW_INCHES = 0.3


@dataclass(frozen=True)
class _Panel:
    """One measure, and how it is told."""

    measure: Measure
    title: str
    unit: str
    factor: float
    is_relative: bool = False

    def interval(self, one: Difference) -> Interval:
        """The difference in the unit of the panel."""
        found = one.relative if self.is_relative else one.difference
        return Interval(self.factor * found.mean, self.factor * found.half_width)


_PANELS = (
    _Panel(Measure.VALUE, "Value of a day", "%", 100.0, is_relative=True),
    _Panel(Measure.SERVICE_LEVEL, "Service level", "points", 100.0),
    _Panel(Measure.ABANDONMENT, "Abandonment", "points", 100.0),
)


def forest(differences: Sequence[Difference], kind: Kind, policies: Sequence[str]) -> str:
    """Value, service level and abandonment against the baseline, a row per override and policy."""
    found = [one for one in differences if one.kind is kind]
    names = list(dict.fromkeys((one.override, one.policy) for one in found))
    names.sort(key=lambda name: [one.override for one in found].index(name[0]))
    groups = list(dict.fromkeys(override for override, _ in names))
    place = {name: -(row + 0.9 * groups.index(name[0])) for row, name in enumerate(names)}
    height = 1.1 + ROW_INCHES * (len(names) + 0.9 * len(groups))
    with look():
        figure = Figure(figsize=(WIDTH, height), layout="constrained")
        for axes, panel in zip(figure.subplots(1, 3, sharey=True), _PANELS, strict=True):
            rows = [one for one in found if one.measure is panel.measure]
            _draw(axes, panel, rows, place, policies)
        left = figure.axes[0]
        left.set_yticks([place[name] for name in names], [policy for _, policy in names])
        left.set_ylim(min(place.values()) - 0.7, max(place.values()) + 1.4)
        for group in groups:
            top = max(place[name] for name in names if name[0] == group)
            against = {one.against for one in found if one.override == group}
            left.annotate(
                _heading(kind, group, against.pop()),
                (0, top + 0.8),
                xycoords=("axes fraction", "data"),
                xytext=(-4, 0),
                textcoords="offset points",
                ha="right",
                va="center",
                weight="bold",
                annotation_clip=False,
            )
        return svg_of(figure)


def _heading(kind: Kind, override: str, against: str) -> str:
    if kind is Kind.POLICY or against == AS_IT_IS:
        return override
    return f"{override}\n(instead of {against})"


def _draw(
    axes: Axes,
    panel: _Panel,
    rows: Sequence[Difference],
    place: dict[tuple[str, str], float],
    policies: Sequence[str],
) -> None:
    """A dot, its interval and its number for every difference; unclear ones are hollow."""
    bare(axes, grid="x")
    axes.axvline(0, color=GREY, linewidth=1)
    for one in rows:
        interval, y = panel.interval(one), place[one.override, one.policy]
        tint = colour(policies.index(one.policy))
        axes.errorbar(
            interval.mean,
            y,
            xerr=interval.half_width,
            fmt="o",
            color=tint,
            markerfacecolor=tint if one.is_clear else "white",
            markersize=6,
            capsize=0,
            linewidth=1.6,
        )
        axes.annotate(
            signed(interval.mean),
            (interval.mean, y),
            xytext=(0, 6),
            textcoords="offset points",
            ha="center",
            va="bottom",
            fontsize=8.5,
            color="#333333",
        )
    axes.margins(x=0.12)
    axes.set_title(panel.title)
    axes.set_xlabel(f"difference, {panel.unit}")
    axes.tick_params(axis="y", labelleft=axes.get_subplotspec().is_first_col())  # type: ignore[union-attr]
