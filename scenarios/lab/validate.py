"""Published numbers beside ours: exact Erlang formulas, and simulated days of known examples.

    python -m scenarios.lab.validate [--days 1000] [--seed 1] [--processes 2] [--json]

reads ../shared/data/erlang and ../shared/data/contactcenters. Both sides of a simulated measure
are random, so the difference is held against the interval of a difference, half-width
`sqrt(theirs^2 + ours^2)`. One row in twenty of a right simulator may be outside of that with some
seeds; the exit code is 1 only if a row is so far outside that no row of a right simulator would
be, 95 times in 100 (Sidak), and 2 if the data is missing.
"""

import argparse
import json
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.progress import Progress
from rich.table import Table
from scipy.stats import norm

from scenarios.lab.engine import simulate
from scenarios.lab.examples import Example, read_examples
from scenarios.lab.formulas import read_formulas
from scenarios.lab.published import (
    Counts,
    Published,
    count_day,
    estimate,
    read_published,
    together,
)

DATA = Path(__file__).parents[3] / "shared" / "data"
CONFIDENCE = 0.95
"""That no row of a right simulator is outside."""
WIDTH = 160
"""Characters of the table, wherever it goes: numbers must not be cut."""
CHUNK = 10
"""Observations per task."""


@dataclass(frozen=True)
class Line:
    """One published number beside ours."""

    source: str
    measure: str
    published: float
    published_half_width: float
    ours: float
    our_half_width: float
    allowed: float
    """Half-width of the interval of the difference, at the published level."""
    is_inside: bool
    """The difference is allowed."""
    is_within_theirs: bool
    """Ours lies within their interval, though ours is random as well."""
    is_refuted: bool
    """Beyond chance, even among so many rows."""


def main(argv: list[str] | None = None) -> int:
    """Print the table or JSON; returns the exit code."""
    options = _options(argv)
    console = Console(stderr=True)
    if not DATA.is_dir():
        console.print("../shared/data is missing: nothing to compare with")
        return 2
    lines = formula_lines() + simulated_lines(options, console)
    if options.json:
        sys.stdout.write(json.dumps([asdict(line) for line in lines], indent=1) + "\n")
    else:
        _show(lines, Console(width=WIDTH))
    return 1 if any(line.is_refuted for line in lines) else 0


def formula_lines() -> list[Line]:
    """The published Erlang numbers."""
    return [
        Line(
            source=row.model,
            measure=row.question,
            published=row.published,
            published_half_width=0.0,
            ours=row.ours,
            our_half_width=0.0,
            allowed=row.allowed,
            is_inside=abs(row.ours - row.published) <= row.allowed,
            is_within_theirs=abs(row.ours - row.published) <= row.allowed,
            is_refuted=abs(row.ours - row.published) > row.allowed,
        )
        for row in read_formulas(DATA / "erlang")
    ]


def simulated_lines(options: argparse.Namespace, console: Console) -> list[Line]:
    """The published measures of the examples, simulated; shows how far it is."""
    rows = read_published(DATA / "contactcenters")
    lines = []
    with Progress(console=console) as progress:
        for example in read_examples(DATA / "contactcenters"):
            bar = progress.add_task(example.name, total=options.days)
            days = []
            for chunk in _observations(example.name, options):
                days += chunk
                progress.advance(bar, len(chunk))
            own = [row for row in rows if row.example == example.name]
            lines += [compare(example, row, days, len(rows)) for row in own]
    return lines


def compare(example: Example, row: Published, days: list[Counts], num_rows: int) -> Line:
    """One published measure beside ours, in a table of `num_rows` that are judged together."""
    ours = estimate(example.centre.num_intervals, row, days)
    theirs = (row.high - row.low) / 2
    each = 1 - (1 - CONFIDENCE ** (1 / num_rows)) / 2
    stretch = float(norm.ppf(each) / norm.ppf(0.5 + row.level / 2))
    rounding = 0.5 * 10.0**-row.decimals
    half_width = float((theirs**2 + ours.half_width**2) ** 0.5)
    difference = abs(ours.mean - row.mean)
    return Line(
        source=row.example,
        measure=f"{row.measure} {row.row}".strip(),
        published=row.mean,
        published_half_width=theirs,
        ours=ours.mean,
        our_half_width=ours.half_width,
        allowed=half_width + rounding,
        is_inside=difference <= half_width + rounding,
        is_within_theirs=row.low - rounding <= ours.mean <= row.high + rounding,
        is_refuted=difference > stretch * half_width + rounding,
    )


def observe(name: str, seed: int, begin: int, end: int) -> list[Counts]:
    """Observations `begin` to `end` of an example; the same whatever process makes them."""
    example = next(one for one in read_examples(DATA / "contactcenters") if one.name == name)
    return [
        together([_run(example, seed, day, run) for run in range(example.runs)])
        for day in range(begin, end)
    ]


def _run(example: Example, seed: int, day: int, run: int) -> Counts:
    drawn = example.draw((seed * 1_000_000 + day) * example.runs + run)
    return count_day(example, simulate(example.centre, drawn, example.router()))


def _observations(name: str, options: argparse.Namespace) -> Iterator[list[Counts]]:
    begins = range(0, options.days, CHUNK)
    ends = [min(begin + CHUNK, options.days) for begin in begins]
    task = partial(observe, name, options.seed)
    if options.processes == 1:
        yield from map(task, begins, ends)
        return
    with ProcessPoolExecutor(options.processes) as pool:
        yield from pool.map(task, begins, ends)


def _show(lines: list[Line], console: Console) -> None:
    table = Table("source", "measure", title="Published numbers beside ours")
    for heading in ("published", "+/-", "ours", "+/-", "difference", "allowed"):
        table.add_column(heading, justify="right")
    table.add_column("verdict")
    for line in lines:
        table.add_row(
            line.source,
            line.measure,
            *(
                f"{number:,.7g}"
                for number in (
                    line.published,
                    round(line.published_half_width, 6),
                    line.ours,
                    round(line.our_half_width, 6),
                    round(line.ours - line.published, 9),
                    round(line.allowed, 9),
                )
            ),
            "REFUTED" if line.is_refuted else "inside" if line.is_inside else "outside",
        )
    console.print(table)
    inside = sum(line.is_inside for line in lines)
    theirs = sum(line.is_within_theirs for line in lines)
    refuted = sum(line.is_refuted for line in lines)
    console.print(
        f"{inside} of {len(lines)} inside, {refuted} refuted;"
        f" {theirs} of ours lie within their interval alone"
    )


def _options(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m scenarios.lab.validate", description=__doc__)
    parser.add_argument("--days", type=int, default=1000, help="observations per example")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--json", action="store_true", help="JSON instead of a table")
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main())
