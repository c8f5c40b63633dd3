"""The command line, and the only module that sees both `jobs` and `scenarios`."""

import logging
import shutil
import sys
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Annotated

import polars as pl
import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from data_io.imports.anonymous_bank import read_bank_day
from data_io.publish import read_published
from data_io.store import Store
from jobs import cli, cli_certificate, cli_files, cli_import, cli_policy, cli_price, show
from jobs.clock import SimulatedClock, newest_grid_instant
from jobs.config import Config, ConfigError
from jobs.errors import EXPECTED, FailedTicksError
from jobs.runner import run
from jobs.tick import TickJob
from jobs.tick_report import TickReport
from models import kpis
from models.policy import Policy
from scenarios.centre import CentreSize
from scenarios.generate import generate_centre
from scenarios.live import LiveWorld, real_visits, world_of_bank_day, world_of_centre
from scenarios.planning import cli as planning_cli
from scenarios.study import cli as study_cli
from scenarios.study.errors import StudyError
from solver.child import SolverChild

START = datetime(2026, 11, 3, 14, tzinfo=UTC)
TICK = timedelta(seconds=5)
PRICES = timedelta(minutes=1)
"""A demonstration makes prices so often: it has one process for ticks and prices."""
MARK = ".omniassign-demo"
"""File that says that a folder is a demo's, to be removed by the next one."""

app = cli.app
app.add_typer(cli_certificate.app)
app.add_typer(cli_files.app)
app.add_typer(cli_import.app, name="import")
app.add_typer(cli_policy.app, name="policy")
app.add_typer(cli_price.app)
app.add_typer(study_cli.app)
app.add_typer(planning_cli.app, name="plan")


@app.command()
def demo(
    seed: int = 1,
    agents: Annotated[int, typer.Option(min=1, help="Agents of the generated centre.")] = 120,
    minutes: Annotated[int, typer.Option(min=1, help="Simulated minutes.")] = 30,
    prices: Annotated[
        bool, typer.Option("--prices/--no-prices", help="Price agents' time beside the ticks.")
    ] = True,
    home: Annotated[Path, typer.Option("--home")] = Path("var/demo"),
    as_json: cli.JsonOption = False,
) -> None:
    """Run the real job on a generated omnichannel centre, a tick every simulated 5 s."""
    settings = Config()
    size = CentreSize(num_agents=agents, duration=timedelta(minutes=minutes))
    centre = generate_centre(seed, size, START)
    live = LiveWorld(world_of_centre(centre, settings.policy, seed))
    stretch = centre.start_at, centre.end_at
    reports = play(live, settings, home, *stretch, prices=prices, as_json=as_json)
    summary = summarise(live, settings.policy, reports)
    if as_json:
        show.print_json(summary)
        return
    show.print_rows(
        f"{minutes} simulated minutes of a generated centre with {agents:,} agents",
        ("", ""),
        [(name, _text(value)) for name, value in summary.items()],
    )
    print_what_next(home)


@app.command()
def relive(
    path: Annotated[Path, typer.Argument(help="A month's file of the anonymous bank's log.")],
    day: Annotated[str, typer.Option("--date", help="Day of the log, such as 1999-02-16.")],
    at: Annotated[str, typer.Option("--at", help="Local time to start at.")] = "10:00",
    minutes: Annotated[int, typer.Option(min=1)] = 60,
    seed: int = 1,
    home: Annotated[Path, typer.Option("--home")] = Path("var/relive"),
    as_json: cli.JsonOption = False,
) -> None:
    """Replay real arrivals of the bank's log tick by tick; prints what happened then beside it."""
    settings = Config()
    bank_day = read_bank_day(path, cli_import.parse_day(day))
    local = cli_import.parse_time(at)
    start_at = bank_day.starts_at + timedelta(hours=local.hour, minutes=local.minute)
    end_at = start_at + timedelta(minutes=minutes)
    live = LiveWorld(world_of_bank_day(bank_day, start_at, end_at, settings.policy, seed))
    reports = play(live, settings, home, start_at, end_at, as_json=as_json)
    summary = summarise(live, settings.policy, reports)
    real = real_visits(bank_day, start_at, end_at, settings.policy)
    then = service_of(real, settings.policy)
    if as_json:
        show.print_json({"replayed": summary, "really": then, "assumptions": bank_day.assumptions})
        return
    show.print_rows(
        f"The bank on {day} from {at}, {minutes} minutes",
        ("", "replayed", "really"),
        [(name, _text(value), _text(then.get(name, ""))) for name, value in summary.items()],
    )
    for assumption in bank_day.assumptions:
        show.console.print(f"- {assumption}")


def play(
    live: LiveWorld,
    settings: Config,
    home: Path,
    start_at: datetime,
    end_at: datetime,
    *,
    prices: bool = False,
    as_json: bool,
) -> list[TickReport]:
    """The reports of all ticks of a simulated stretch, run by the real job on a new store.

    With prices, they are made after every tick on the `PRICES` grid. FailedTicksError when any
    tick failed.
    """
    # Compiled code takes seconds to load, which the other commands should not pay for.
    from jobs.price import run_price  # noqa: PLC0415

    clear_home(home)
    settings = replace(settings, store=replace(settings.store, home=home))
    reports: list[TickReport] = []
    columns = (TextColumn("ticks"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    progress = Progress(*columns, console=show.console, disable=as_json)
    bar = progress.add_task("ticks", total=(end_at - start_at) // TICK + 1)
    # What becomes of every offer is no news in a demonstration.
    logging.getLogger("jobs").setLevel(logging.WARNING)

    def after(report: TickReport) -> None:
        live.take_published(settings.store.published, report.tick_at)
        reports.append(report)
        if prices and newest_grid_instant(report.tick_at, PRICES) == report.tick_at:
            run_price(store, settings, report.tick_at)
        progress.advance(bar)

    with (
        Store.open(settings.store.database, "omniassign demo", start_at) as store,
        SolverChild() as child,
        progress,
    ):
        child.warm_up()
        job = TickJob(settings, store, live, child.solve)
        clock, never = SimulatedClock(start_at), threading.Event()
        most = run(job, clock, TICK, never, until=end_at - TICK, on_tick=after)
        # The last batch is kept, so that `explain` can be asked about it.
        job = replace(job, archive=home / "archive")
        last = run(job, clock, TICK, never, until=end_at, on_tick=after)
    if most.num_failed or last.num_failed:
        # A live job outlives a tick that fails; a demonstration must not look well with one.
        raise FailedTicksError(most.num_failed + last.num_failed, len(reports))
    return reports


def clear_home(home: Path) -> None:
    """Remove what an earlier demo left in its folder; ConfigError for any other folder."""
    mark = home / MARK
    if home.exists() and any(home.iterdir()) and not mark.exists():
        raise ConfigError(
            f"{home} holds files that no demo wrote; expected a new or empty folder: choose"
            " another --home"
        )
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(parents=True)
    mark.touch()


def summarise(
    live: LiveWorld, policy: Policy, reports: list[TickReport]
) -> dict[str, float | int | None]:
    """What a manager asks after a run, by name: what came, how it went, what it was worth."""
    census, num_ticks = live.world.census(), len(reports)
    milliseconds = [report.total_s * 1000 for report in reports]
    gain = sum(report.gain for report in reports)
    greedy = sum(report.greedy_gain for report in reports)
    return {
        "contacts in all, with those there at the start": census.arrived,
        "- done": census.handled,
        "- with an agent at the end": census.in_service,
        "- waiting at the end": census.waiting,
        "- gave up waiting": census.abandoned,
        **service_of(live.world.events(), policy),
        "decisions taken (ticks)": num_ticks,
        "- that knew what agents' time is worth": sum(r.priced_at is not None for r in reports),
        "contacts given to an agent by them": sum(report.num_assigned for report in reports),
        "- decided, but gone or changed before it was written": sum(r.num_lost for r in reports),
        "kept for a busy agent, in a tick": sum(report.num_held for report in reports) / num_ticks,
        "worth of all decisions, money": gain,
        "worth of a greedy choice in the same ticks, money": greedy,
        "- more than greedy, %": 100 * (gain / greedy - 1) if greedy else None,
        "most that any decisions could have been worth": sum(report.bound for report in reports),
        "- ticks proven to be the best possible": sum(r.termination == "optimal" for r in reports),
        "- largest gap of a tick to that, %": 100 * max(report.gap for report in reports),
        "time for a tick, ms: median": median(milliseconds),
        "- the slowest": max(milliseconds),
    }


def service_of(visits: pl.DataFrame, policy: Policy) -> dict[str, float | None]:
    """How customers fared, by name."""
    live = [channel for channel, numbers in policy.channels.items() if numbers.real_time]
    is_live = pl.col("channel").is_in(live)
    level, gave_up = kpis.service_level(visits), kpis.abandonment_rate(visits)
    return {
        "answered within their target, %": None if level is None else 100 * level,
        "gave up, % of those answered or gone": None if gave_up is None else 100 * gave_up,
        "mean wait for an answer, s: calls and chats": kpis.mean_answer_s(visits.filter(is_live)),
        "- messages, mail and cases": kpis.mean_answer_s(visits.filter(~is_live)),
    }


def print_what_next(home: Path) -> None:
    """Commands that a newcomer may try on what a demo has left, with ids that are there."""
    published = read_published(home / "published")
    given = published.assignment.sort("tick_at", "contact_id")["contact_id"].tail(1)
    waits = published.unassigned.sort("decision", "contact_id")["contact_id"].tail(1)
    # Started by a path, as the Makefile does, it is not found by its name alone.
    program = sys.argv[0] if Path(sys.argv[0]).name == "omniassign" else "omniassign"
    asks = (
        f"status --home {home}",
        *((f"prices --home {home}",) if len(published.price_run) else ()),
        *(f"explain {contact} --home {home}" for contact in given),
        *(f"explain {contact} --why-nobody --home {home}" for contact in waits),
        f"check --home {home}",
    )
    told = (
        "\nAsk on:",
        *(f"  {program} {ask}" for ask in asks),
        f"The decisions are Parquet files in {home / 'published'}, which any process may read"
        " while ticks run; CURRENT.json there names the newest (docs/tables.md).",
    )
    show.console.print("\n".join(told), soft_wrap=True, highlight=False, markup=False)


def _text(value: object) -> str:
    if isinstance(value, float):
        return f"{value:,.2f}" if abs(value) < 10 else f"{value:,.1f}"
    return "" if value is None else f"{value:,}" if isinstance(value, int) else str(value)


def main() -> None:
    """Entry point of `omniassign`: expected failures are one line and exit code 1."""
    logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s", level=logging.INFO)
    try:
        app()
    except (*EXPECTED, StudyError) as error:
        sys.stderr.write(f"omniassign: {error}\n")
        raise SystemExit(1) from None


if __name__ == "__main__":
    main()
