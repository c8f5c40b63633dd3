"""The commands of a queue manager: decide, watch, explain."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, fields, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from data_io.imports.folder import FolderSource
from data_io.store import Store
from jobs import show, show_answer, show_status
from jobs.clock import Clock, SystemClock, newest_grid_instant
from jobs.config import Config, ConfigError, read_config
from jobs.kept_batches import batch_of
from jobs.over_limit import agents_over_limit
from jobs.readers import Answer, read_answer, read_status
from jobs.runner import repair_publication, run, stop_on_signals
from jobs.settings_text import each_setting
from jobs.tick import TickJob, run_tick
from models.tables import EARLIEST, LATEST, Decision
from solver.child import SolverChild
from solver.solve import check_backend

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)

ConfigOption = Annotated[
    Path | None, typer.Option("--config", help="TOML file; ./omniassign.toml where it exists.")
]
HomeOption = Annotated[
    Path | None, typer.Option("--home", help="Folder of the store and the published tables.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="JSON for programs.")]
ArchiveOption = Annotated[
    Path | None, typer.Option("--archive", help="Keep every batch here, for `replay`.")
]


@app.command()
def tick(
    at: Annotated[
        str | None,
        typer.Option("--at", help="Decision instant, ISO 8601, UTC if no zone is given."),
    ] = None,
    config: ConfigOption = None,
    home: HomeOption = None,
    keep: ArchiveOption = None,
    as_json: JsonOption = False,
) -> None:
    """Decide once: snapshot, assign, audit, commit, publish.

    The instant is --at, else now where a source folder is configured, else that of the snapshot
    in the store. Running the same tick again changes nothing.
    """
    settings = load(config, home)
    clock = SystemClock()
    with open_job(settings, clock, keep) as job:
        repair_publication(job)
        outcome = run_tick(job, _instant(at, job, clock))
    if as_json:
        show.print_json(show.report_json(outcome.report))
    else:
        title = "Tick, committed before" if outcome.report.already_committed else "Tick"
        show.print_report(outcome.report, title)


@app.command("run")
def run_command(
    every: Annotated[str, typer.Option(help="Length of a tick, such as 5s or 500ms.")] = "5s",
    config: ConfigOption = None,
    home: HomeOption = None,
    keep: ArchiveOption = None,
    as_json: JsonOption = False,
) -> None:
    """Decide at every multiple of --every until SIGTERM or Ctrl-C; the tick under way ends."""
    settings = load(config, home)
    if settings.source.folder is None:
        raise ConfigError("run: nothing feeds the store; set folder in [source] of the config")
    length = _duration(every)
    policy = replace(settings.policy, tick_s=length.total_seconds())
    settings = replace(settings, policy=policy)
    show.console.file.write(f'{{"settings": {settings.to_json()}}}\n')
    show.console.file.flush()
    with stop_on_signals() as stop, open_job(settings, SystemClock(), keep) as job:
        summary = run(
            job,
            SystemClock(),
            length,
            stop,
            on_tick=(
                (lambda report: show.print_json(show.report_json(report)))
                if as_json
                else show.print_tick_line
            ),
        )
    if as_json:
        show.print_json(asdict(summary))
    else:
        show.console.print(
            f"stopped after {summary.num_ticks} ticks; {summary.num_skipped} late ones skipped,"
            f" {summary.num_failed} failed"
        )


@app.command()
def status(
    kept: Annotated[
        Path | None,
        typer.Option("--archive", help="Kept batches, to name agents; HOME/archive by default."),
    ] = None,
    config: ConfigOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """The last tick, why contacts wait, and what is in quarantine; works while a job runs."""
    settings = load(config, home)
    window = timedelta(seconds=settings.publish.window_s)
    found = read_status(settings.store.published, window)
    over = agents_over_limit(kept or settings.store.home / "archive", found.tick["tick_at"].item())
    if not as_json:
        show_status.print_status(found, window, over)
        return
    frames = {field.name: getattr(found, field.name).to_dicts() for field in fields(found)}
    names = {"over_limit": None if over is None else over.to_dicts()}
    show.print_json(frames | {"tick": frames["tick"][0]} | names)


@app.command()
def explain(
    contact: Annotated[str | None, typer.Argument(help="Id of a waiting contact.")] = None,
    other: Annotated[
        str | None, typer.Option("--why-not", metavar="AGENT", help="Why not this agent?")
    ] = None,
    nobody: Annotated[
        bool, typer.Option("--why-nobody", help="What keeps everybody away, and what would do.")
    ] = False,
    agent: Annotated[
        str | None, typer.Option("--agent", help="What this agent's slots are worth instead.")
    ] = None,
    kept: Annotated[
        Path | None,
        typer.Option("--archive", help="Kept batches, or one of them; HOME/archive by default."),
    ] = None,
    config: ConfigOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Why this contact got its agent, or why it waits; works while a job runs.

    --why-not, --why-nobody and --agent look into the newest batch that `tick` or `run` kept with
    --archive.
    """
    settings = load(config, home)
    archive = kept or settings.store.home / "archive"
    asked = (contact is not None, other is not None, nobody, agent is not None)
    if asked == (True, False, False, False):
        answer = read_answer(settings.store.published, contact or "")
        _explain(answer, archive, as_json=as_json)
        return
    # The engine's compiled code takes seconds to load, which the others should not pay for.
    if asked == (True, True, False, False):
        from jobs.why_not import why_not  # noqa: PLC0415

        why = why_not(archive, contact or "", other or "")
        show.print_json(asdict(why)) if as_json else show_answer.print_why_not(why)
    elif asked == (True, False, True, False):
        from jobs.why_nobody import why_nobody  # noqa: PLC0415

        reasons = why_nobody(archive, contact or "")
        show.print_json(asdict(reasons)) if as_json else show_answer.print_why_nobody(reasons)
    elif asked == (False, False, False, True):
        from jobs.why_not import slots_of_agent  # noqa: PLC0415

        slots = slots_of_agent(archive, agent or "")
        show.print_json(asdict(slots)) if as_json else show_answer.print_slots(slots)
    else:
        raise ConfigError(
            "explain: nothing that can be explained, expected CONTACT, CONTACT --why-not AGENT,"
            " CONTACT --why-nobody, or --agent AGENT alone; name one of them"
        )


def _explain(answer: Answer, archive: Path, *, as_json: bool) -> None:
    if as_json:
        offers = {"offer": answer.offer, "offers": answer.offers.to_dicts()}
        show.print_json(answer.row | offers | {"next_chance_at": answer.next_chance_at})
        return
    waits = answer.decision == Decision.UNASSIGNED.value
    kept = waits and batch_of(archive, answer.tick_at) is not None
    hint = f"explain {answer.contact_id} --why-nobody --archive {archive}"
    show_answer.print_answer(
        answer, f"What would change that: omniassign {hint}" if kept else None
    )


@app.command("config")
def config_command(
    config: ConfigOption = None, home: HomeOption = None, as_json: JsonOption = False
) -> None:
    """All settings with what they are now, defaults included, and the ranges of their numbers."""
    settings = load(config, home)
    if as_json:
        show.console.file.write(settings.to_json() + "\n")
    else:
        typer.echo("\n".join(str(setting) for setting in each_setting(settings)))


def load(config: Path | None, home: Path | None) -> Config:
    """Settings of the file, with the home folder replaced where one is given."""
    settings = read_config(config)
    try:
        check_backend(settings.solver.backend)
    except ValueError as error:
        raise ConfigError(f"[solver] {error}") from None
    if home is None:
        return settings
    return replace(settings, store=replace(settings.store, home=home))


@contextmanager
def open_job(settings: Config, clock: Clock, keep: Path | None = None) -> Iterator[TickJob]:
    """The store, the source and a warm solver child of one job."""
    folder = settings.source.folder
    source = FolderSource(folder) if folder is not None else None
    with (
        Store.open(settings.store.database, "omniassign", clock.now()) as store,
        SolverChild(settings.solver.backend) as child,
    ):
        child.warm_up()
        yield TickJob(settings, store, source, child.solve, keep)


def parse_instant(text: str) -> datetime:
    """An ISO 8601 instant in UTC; UTC is meant where no zone is given. Raises ConfigError."""
    try:
        instant = datetime.fromisoformat(text)
        utc = instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)
    except (ValueError, OverflowError):
        raise ConfigError(f"{text!r} is not an instant; expected e.g. 2026-11-03T14:00") from None
    if not EARLIEST <= utc <= LATEST:
        raise ConfigError(f"{text!r} is out of range; expected {EARLIEST:%Y} to {LATEST:%Y}")
    return utc


def _instant(at: str | None, job: TickJob, clock: Clock) -> datetime:
    if at is not None:
        return parse_instant(at)
    if job.source is not None:
        return newest_grid_instant(clock.now(), timedelta(seconds=1))
    snapshot_at = job.store.snapshot_at()
    if snapshot_at is None:
        raise ConfigError(
            "tick: the store is empty; import a snapshot first, or set folder in [source]"
        )
    return snapshot_at


def _duration(text: str) -> timedelta:
    for unit, seconds in (("ms", 1e-3), ("s", 1.0), ("m", 60.0)):
        if text.endswith(unit):
            try:
                length = timedelta(seconds=float(text.removesuffix(unit)) * seconds)
            except (ValueError, OverflowError):
                break
            if timedelta(0) < length <= timedelta(days=1):
                return length
    raise ConfigError(f"--every is {text!r}; expected a length such as 5s, 500ms or 1m")
