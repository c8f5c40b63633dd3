"""The published Erlang numbers, and the formula that each of them asks for."""

import csv
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from scenarios.erlang import (
    erlang_b,
    erlang_c,
    mean_queue,
    mean_wait,
    servers_for_blocking,
    servers_for_mean_wait,
    service_level,
    traffic_for_blocking,
)

LAST_DIGITS = 3.0
"""Units of the last published digit that may differ: some of them are cut or rounded twice."""
_EXACT = 1e-9
"""Relative difference that full-precision numbers may have."""

_Numbers = dict[str, float]

_FORMULAS: dict[tuple[str, str], Callable[[_Numbers], float]] = {
    ("ErlangB", "blocking"): lambda q: erlang_b(q["n"], q["x"]),
    ("ErlangB", "servers_for_blocking"): lambda q: servers_for_blocking(q["B"], q["x"]),
    ("ErlangB", "traffic_for_blocking"): lambda q: traffic_for_blocking(q["B"], q["n"]),
    ("ErlangC", "prob_wait"): lambda q: erlang_c(q["n"], q["x"]),
    ("ErlangC", "mean_wait_s"): lambda q: mean_wait(q["n"], q["x"], q["aht"]),
    ("ErlangC", "mean_queue_len"): lambda q: mean_queue(q["n"], q["x"]),
    ("ErlangC", "SL"): lambda q: service_level(q["n"], q["x"], q["aht"], q["t"]),
    ("ErlangC", "occupancy"): lambda q: q["x"] / q["n"],
    ("ErlangC", "servers_for_mean_wait"): lambda q: servers_for_mean_wait(
        q["w"], q["x"], q["aht"]
    ),
}


@dataclass(frozen=True)
class FormulaLine:
    """One published number beside ours."""

    model: str
    question: str
    published: float
    ours: float
    allowed: float
    """Difference that the printed digits allow."""


def read_formulas(folder: Path) -> list[FormulaLine]:
    """Every row of the published file, answered."""
    with (folder / "erlang_reference.csv").open(newline="") as file:
        return [_line(row) for row in csv.DictReader(file)]


def _line(row: dict[str, str]) -> FormulaLine:
    words = row["params"].partition("(")[0].strip()
    numbers = {name: float(value) for name, value in (w.split("=") for w in words.split(";"))}
    printed = row["published_value"]
    published = float(printed)
    last_digit = 10.0 ** -len(printed.partition(".")[2])
    return FormulaLine(
        model=row["model"],
        question=f"{row['quantity']} {words}",
        published=published,
        ours=_FORMULAS[row["model"], row["quantity"]](numbers),
        allowed=max(LAST_DIGITS * last_digit, _EXACT * published),
    )
