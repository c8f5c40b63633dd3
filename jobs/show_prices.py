"""What people see of prices."""

import polars as pl

from jobs.readers import Prices
from jobs.show import MOST_SHOWN, console, first_few, instant, print_rows
from models.sentences import length

GUARDS = (
    ("floor_cost_per_h", "the floor on the probability of resolving"),
    ("member_cost_per_h", "members of the queue only"),
    ("skill_cost_per_h", "required skills only"),
)


def print_prices(found: Prices) -> None:
    """The newest prices by skills, and what guard-rails cost."""
    run = found.run
    print_rows("Newest prices", ("", ""), run_rows(run))
    rows = [
        (row["skills"] or "(none)", f"{row['num_agents']:,}", f"{row['price_per_h']:,.2f}")
        for row in found.newest.head(MOST_SHOWN).iter_rows(named=True)
    ]
    if not rows:
        console.print("Prices of the hour: none yet")
    else:
        hour = f"{found.newest['hour_at'][0]:%H:%M} UTC"
        title = first_few(f"What one more hour of time is worth, from {hour} on", found.newest)
        print_rows(title, ("agents who can", "agents", "money per hour"), rows)
    costs = [(told, f"{cost:,.2f}") for name, told in GUARDS for cost in found.guards[name]]
    if costs:
        print_rows("What guard-rails cost now", ("", "money per hour"), costs)


def run_rows(run: pl.DataFrame) -> list[tuple[str, str]]:
    """One row of `price_run` as names and texts."""
    row = run.row(0, named=True)
    return [
        ("made from the state of", instant(row["priced_at"])),
        ("slow price made anew", "yes" if row["is_slow"] else "no"),
        ("agents with a price", f"{row['num_agents']:,}"),
        ("classes of contacts told apart", f"{row['num_classes']:,}"),
        ("contacts waiting", f"{row['num_contacts']:,}"),
        ("contacts expected in the next hour", f"{row['expected_per_h']:,.0f}"),
        ("how busy the day is, of its forecast", f"{row['day_factor']:.2f}"),
        ("window of the fast price", length(row["window_s"])),
        ("seconds", f"{row['made_s']:.3f}"),
    ]


def print_price_line(run: pl.DataFrame) -> None:
    """One run as one line, for a running job."""
    row = run.row(0, named=True)
    kind = "slow and fast" if row["is_slow"] else "fast"
    console.print(
        f"{row['priced_at']:%H:%M:%S}  {kind:<13}  agents {row['num_agents']:>5}"
        f"  classes {row['num_classes']:>3}  expected {row['expected_per_h']:>8,.0f} an hour"
        f"  {row['made_s'] * 1000:>5.0f} ms"
    )
