"""Is the price of one more agent-hour what it earns? Prices beside simulation, sign and slope.

    python -m benchmarks.agent_hour [--policy skills] [--structure cedar] [--days 60] [--json]

takes a centre of 35 agents in four groups over twelve hours with two peaks, prices every group and
hour from days of their own, and simulates one more agent for an hour on other days, the same
customers with and without, for 40 random (group, hour) pairs. Signs: the price is above 0, so is
the gain; and both are on the same side of an hour's wage, which is what a planner decides. Slope:
of the gain on the price, through the origin. Intervals are bootstraps over days and pairs.
The sampled programme is the product's estimate: it was chosen on a company for tuning, alder; the
exit code is 1 if it misses 95 % of signs or a slope within 0.7 and 1.3 (`methods.md` 10.2).
"""

import argparse
import json
import sys
from dataclasses import asdict, dataclass, replace

import numpy as np
from rich.console import Console
from rich.table import Table

from models.problem import Floats
from scenarios.lab.centre import LabCentre
from scenarios.lab.families import REPORTING_STRUCTURES, TUNING_STRUCTURES, Family, build_centre
from scenarios.lab.policies import SBR
from scenarios.planning.agent_hour import (
    HOUR_S,
    Estimate,
    Hour,
    estimate_prices,
    random_hours,
    simulate_hours,
)
from scenarios.planning.groups import group_agents

HOURS = 12
PROFILE = np.array([0.75, 0.9, 1.1, 1.15, 1.05, 0.9, 0.85, 1.0, 1.1, 1.0, 0.85, 0.7])
"""Of the mean rate, by hour."""
LOAD = 0.95
WAGE = 30.0
"""Money per hour that one more agent costs."""
PRICE_SEED = 20_001
SIMULATION_SEED = 30_001
PAIR_SEED = 5
RESAMPLES = 2000
CHOSEN = Estimate.SAMPLED
SIGN_GOAL = 0.95
SLOPE_GOAL = (0.7, 1.3)


@dataclass(frozen=True)
class Score:
    """How well one estimate tells the gain."""

    estimate: str
    sign: float
    """Share of pairs whose price and mean gain are both above 0."""
    wage_sign: float
    """Share of pairs whose price and mean gain are on the same side of the wage."""
    slope: float
    slope_low: float
    slope_high: float
    correlation: float


def main() -> int:
    """Print the table or JSON; returns the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--policy", default=SBR)
    names = [one.name for one in (*TUNING_STRUCTURES, *REPORTING_STRUCTURES)]
    parser.add_argument("--structure", choices=names, default=REPORTING_STRUCTURES[0].name)
    parser.add_argument("--days", type=int, default=60, help="simulated for every pair")
    parser.add_argument("--price-days", type=int, default=20)
    parser.add_argument("--pairs", type=int, default=40)
    parser.add_argument("--quick", action="store_true", help="6 days, 4 days of prices")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    days, price_days = (6, 4) if options.quick else (options.days, options.price_days)
    console = Console(stderr=True)
    centre = long_centre(options.structure)
    groups = len(group_agents(centre).groups)
    pairs = random_hours(groups, HOURS, options.pairs, PAIR_SEED)
    seeds = range(PRICE_SEED, PRICE_SEED + price_days)
    prices = {}
    for estimate in Estimate:
        with console.status(f"prices: {estimate}"):
            table = estimate_prices(centre, estimate, seeds)
        prices[estimate] = np.array([table[pair.group, pair.hour] for pair in pairs])
    gained = simulate(centre, pairs, days, options.policy, console)
    scores = [score(estimate, prices[estimate], gained) for estimate in Estimate]
    if options.json:
        sys.stdout.write(json.dumps([asdict(line) for line in scores], indent=1) + "\n")
    else:
        show(pairs, prices, gained, scores, options.policy)
    return 0 if all(is_good(line) for line in scores if line.estimate == CHOSEN) else 1


def long_centre(structure: str) -> LabCentre:
    """The small family for a working day, everybody there all day."""
    known = {one.name: one for one in (*TUNING_STRUCTURES, *REPORTING_STRUCTURES)}
    short = build_centre(Family.SMALL, known[structure], LOAD)
    per_hour = round(HOUR_S / short.interval_s)
    mean = short.classes.rate.mean(axis=1, keepdims=True)
    rate = mean * np.repeat(PROFILE / PROFILE.mean(), per_hour)
    horizon_s = HOURS * HOUR_S
    return replace(
        short,
        name="small, twelve hours",
        classes=replace(short.classes, rate=rate),
        horizon_s=horizon_s,
        shift_until_s=np.full(short.num_agents, horizon_s + short.overtime_s),
    )


def simulate(
    centre: LabCentre, pairs: list[Hour], days: int, policy: str, console: Console
) -> Floats:
    """(pairs, D) gains, hour by hour."""
    gained = np.zeros((len(pairs), days))
    seeds = range(SIMULATION_SEED, SIMULATION_SEED + days)
    for hour in range(HOURS):
        rows = [row for row, pair in enumerate(pairs) if pair.hour == hour]
        if rows:
            with console.status(f"simulating hour {hour + 1} of {HOURS}"):
                gained[rows] = simulate_hours(centre, [pairs[r] for r in rows], seeds, policy)
    return gained


def score(estimate: Estimate, price: Floats, gained: Floats) -> Score:
    """Signs, slope and correlation over the pairs."""
    mean = gained.mean(axis=1)
    rng = np.random.default_rng(1)
    pairs, days = gained.shape
    slopes = []
    for _ in range(RESAMPLES):
        rows = rng.integers(0, pairs, pairs)
        drawn = gained[np.ix_(rows, rng.integers(0, days, days))].mean(axis=1)
        slopes.append(slope_of(price[rows], drawn))
    low, high = np.quantile(slopes, [0.025, 0.975])
    return Score(
        estimate=str(estimate),
        sign=float(((price > 0) == (mean > 0)).mean()),
        wage_sign=float(((price > WAGE) == (mean > WAGE)).mean()),
        slope=slope_of(price, mean),
        slope_low=float(low),
        slope_high=float(high),
        correlation=float(np.corrcoef(price, mean)[0, 1]),
    )


def slope_of(price: Floats, gain: Floats) -> float:
    """Of the gain on the price, by least squares through the origin."""
    return float(price @ gain / (price @ price))


def is_good(line: Score) -> bool:
    """Both goals are met."""
    return line.sign >= SIGN_GOAL and SLOPE_GOAL[0] <= line.slope <= SLOPE_GOAL[1]


def show(
    pairs: list[Hour],
    prices: dict[Estimate, Floats],
    gained: Floats,
    scores: list[Score],
    policy: str,
) -> None:
    """The tables for people."""
    console = Console(width=120)
    table = Table(title=f"One more agent-hour under {policy}: price and gain (95 % interval)")
    for name in ("group", "hour", *prices, "gain", "±"):
        table.add_column(name, justify="right")
    mean = gained.mean(axis=1)
    half = 1.96 * gained.std(axis=1, ddof=1) / np.sqrt(gained.shape[1])
    order = sorted(range(len(pairs)), key=lambda row: (pairs[row].group, pairs[row].hour))
    for row in order:
        numbers = [*(price[row] for price in prices.values()), mean[row], half[row]]
        cells = [f"{number:.1f}" for number in numbers]
        table.add_row(str(pairs[row].group + 1), str(pairs[row].hour), *cells)
    console.print(table)
    told = Table(title=f"{gained.shape[0]} pairs, {gained.shape[1]} days; wage {WAGE:g}")
    for name in ("estimate", "signs", "side of the wage", "slope", "interval", "correlation"):
        told.add_column(name, justify="left" if name == "estimate" else "right")
    for line in scores:
        told.add_row(
            line.estimate,
            f"{line.sign:.0%}",
            f"{line.wage_sign:.0%}",
            f"{line.slope:.2f}",
            f"{line.slope_low:.2f} to {line.slope_high:.2f}",
            f"{line.correlation:.2f}",
        )
    console.print(told)


if __name__ == "__main__":
    sys.exit(main())
