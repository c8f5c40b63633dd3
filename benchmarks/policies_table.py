"""Tables of `benchmarks.policies`: paired differences with intervals, and the loss waterfall."""

import numpy as np
import polars as pl
from rich.console import Console
from rich.table import Table
from scipy import stats

from models.problem import Floats

BASE = "skills"
MONEY_ONLY, OURS, WRONG, LEARNED = (
    "ours, money only",
    "ours",
    "ours, wrong forecast",
    "ours, learned",
)
STEPS = (
    (
        MONEY_ONLY,
        None,
        "information: who comes, leaves when and takes how long; and what prices do not catch",
    ),
    (OURS, MONEY_ONLY, "guard-rails: floor on resolution, bonus per head against abandonment"),
    (WRONG, OURS, "forecast wrong by 20 % in every class"),
    (LEARNED, OURS, "learning: probabilities, lengths and rates from 20 past days"),
)
"""Policy, the one that it is held against (None: the bound), and why it earns less."""


def interval(values: Floats) -> str:
    """Mean and half-width of the 95 % interval."""
    number = len(values)
    if number < 2:
        return f"{values.mean():+.1f}"
    half = stats.t.ppf(0.975, number - 1) * values.std(ddof=1) / np.sqrt(number)
    return f"{values.mean():+.1f} ± {half:.1f}"


def mean(rows: pl.DataFrame, column: str) -> float:
    """Mean of a column."""
    return float(rows[column].to_numpy().mean())


def print_cell(
    console: Console, title: str, rows: pl.DataFrame, policies: tuple[str, ...]
) -> None:
    """A line per policy, skills-based routing among them.

    Differences are in per cent of the other's value, or in points.
    """
    wide = {
        name: rows.pivot("policy", index=["structure", "day"], values=name, sort_columns=False)
        for name in ("value", "abandoned")
    }
    bound = rows.group_by("structure", "day", maintain_order=True).agg(pl.col("bound").first())
    columns = (
        "policy",
        "captured %",
        "vs skills %",
        "vs myopic %",
        "vs best agent %",
        "vs fifo %",
        "abandoned %",
        "vs skills, points",
        "worst class %",
        "in target %",
        "wait s",
        "CPU s",
    )
    table = Table(
        *columns, expand=True, title=f"{title}: {bound.height} days", title_justify="left"
    )
    for policy in policies:
        own = rows.filter(pl.col("policy") == policy)
        value = wide["value"][policy].to_numpy()
        gone = wide["abandoned"][policy].to_numpy()
        against = [
            interval(100 * (value / wide["value"][other].to_numpy() - 1))
            if other in wide["value"].columns
            else ""
            for other in (BASE, "myopic", "best-agent", "fifo")
        ]
        table.add_row(
            policy,
            interval(100 * value / bound["bound"].to_numpy()).lstrip("+"),
            *against,
            f"{100 * gone.mean():.1f}",
            interval(100 * (gone - wide["abandoned"][BASE].to_numpy())),
            f"{100 * mean(own, 'worst_class'):.0f}",
            f"{100 * mean(own, 'service_level'):.0f}",
            f"{mean(own, 'mean_answer_s'):.0f}",
            f"{mean(own, 'cpu_s'):.1f}",
        )
    above = rows.filter(pl.col("value") > pl.col("bound") * (1 + 1e-9)).height
    console.print(table)
    console.print(f"runs worth more than their bound: {above} of {rows.height}\n")


def print_waterfall(console: Console, rows: pl.DataFrame) -> None:
    """From the bound down to what is learned and wrong, in per cent of the bound."""
    share = {
        str(policy): 100 * (own["value"] / own["bound"]).to_numpy()
        for (policy,), own in rows.sort("structure", "day").group_by("policy")
    }
    if not {MONEY_ONLY, OURS} <= share.keys():
        return
    console.print("Where the bound goes, % of it; the assignment of every tick is exact:")
    for policy, before, why in STEPS:
        if policy in share:
            high = 100.0 if before is None else share[before]
            console.print(f"  {interval(share[policy] - high):>14}  {why}")
    console.print(f"  {interval(share[OURS]).lstrip('+'):>14}  captured\n")
