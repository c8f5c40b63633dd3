"""The commands that make and show prices of agents' time."""

from dataclasses import asdict
from datetime import datetime
from typing import Annotated

import polars as pl
import typer

from data_io.lease import LeaseTakenError
from data_io.price_store import MadePrices
from data_io.store import Store
from jobs import show, show_prices
from jobs.cli import ConfigOption, HomeOption, JsonOption, load, parse_instant
from jobs.clock import SystemClock
from jobs.config import Config, ConfigError
from jobs.readers import NO_TICK, read_prices
from jobs.runner import publish_again, stop_on_signals

app = typer.Typer()


@app.command()
def price(
    once: Annotated[
        bool, typer.Option("--once", help="Make prices once, of the last tick, and end.")
    ] = False,
    at: Annotated[
        str | None,
        typer.Option("--at", help="With --once: the instant, ISO 8601, UTC if no zone is given."),
    ] = None,
    config: ConfigOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make prices of agents' time for a job that ticks, until SIGTERM or Ctrl-C.

    It runs beside `omniassign run` with the same --home: every tick uses the newest prices, and
    goes on without them if this job ends. With --once it works on the store itself where no job
    ticks, and answers one question of the job that does.
    """
    settings = load(config, home)
    instant = None if at is None else parse_instant(at)
    if once and _on_the_store(settings, instant, as_json=as_json):
        return
    # Compiled code takes seconds to load, which the other commands should not pay for.
    from jobs.price_runner import answer_questions  # noqa: PLC0415

    with stop_on_signals() as stop:
        summary = answer_questions(
            settings,
            SystemClock(),
            stop,
            most=1 if once else None,
            on_made=lambda made: _show(made, as_json=as_json),
        )
    if as_json:
        show.print_json(asdict(summary))
    else:
        show.console.print(
            f"stopped after {summary.num_runs} runs; {summary.num_failed} more failed"
        )


@app.command()
def prices(
    config: ConfigOption = None, home: HomeOption = None, as_json: JsonOption = False
) -> None:
    """What agents' time is worth, by skills and hour, and what guard-rails cost."""
    found = read_prices(load(config, home).store.published)
    if as_json:
        guards = {name: cost for name, _ in show_prices.GUARDS for cost in found.guards[name]}
        run = found.run.to_dicts()[0] | guards
        show.print_json({"run": run, "prices": found.by_hour.to_dicts()})
    else:
        show_prices.print_prices(found)


def _on_the_store(settings: Config, at: datetime | None, *, as_json: bool) -> bool:
    """Make prices in the store and publish them; False where another process writes it."""
    from jobs.price import run_price  # noqa: PLC0415

    try:
        store = Store.open(settings.store.database, "omniassign price", SystemClock().now())
    except LeaseTakenError:
        return False
    with store:
        newest = _newest_instant(store)
        now = at or newest
        if now > newest:
            raise ConfigError(
                f"price: --at is {now.isoformat()}, expected no later than {newest.isoformat()},"
                " the newest tick or snapshot; give an earlier instant, or leave --at out"
            )
        made = run_price(store, settings.at(now), now)
        publish_again(store, settings)
        stored = store.prices.runs_after(None).filter(pl.col("priced_at") <= now)
    if made is not None:
        _show(made, as_json=as_json)
    elif as_json:
        show.print_json(stored.sort("priced_at").to_dicts()[-1] | {"already_made": True})
    else:
        show.console.print("The newest prices are of this instant, or of a later one.")
    return True


def _newest_instant(store: Store) -> datetime:
    known = [at for at in (store.snapshot_at(), store.last_tick_at()) if at is not None]
    if not known:
        raise ConfigError(NO_TICK)
    return max(known)


def _show(made: MadePrices, *, as_json: bool) -> None:
    run: pl.DataFrame = made.price_run
    if as_json:
        show.print_json(run.to_dicts()[0])
    else:
        show_prices.print_price_line(run)
