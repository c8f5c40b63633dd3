"""The command that checks a published plan without trusting what made it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from data_io.certificate_files import CertificateError, read_certificate
from data_io.publish import read_published
from jobs import show
from jobs.certify import differences
from jobs.cli import ConfigOption, HomeOption, JsonOption, load
from jobs.clock import Stopwatch
from models.check_certificate import PROOFS, check
from models.problem import MILLI
from models.solution import relative_gap

app = typer.Typer()


@app.command("check")
def check_command(
    path: Annotated[
        Path | None,
        typer.Argument(help="A certificate, or a folder of published tables; else the home's."),
    ] = None,
    config: ConfigOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Check the last plan over all pairs: limits, gain and bound; exits with 1 if any is wrong.

    Of a folder, the published tables are compared with the certificate too.
    """
    watch = Stopwatch()
    path = path or load(config, home).store.published
    if path.is_dir():
        published = read_published(path)
        if published.manifest.certificate is None:
            raise CertificateError(
                f"certificate: {path} has none for tick {published.manifest.tick_at}, expected"
                " one: set certificate in [publish] and wait for the next tick"
            )
        path /= published.manifest.certificate
        file = read_certificate(path)
        with watch.stage("check"):
            findings = check(file) or differences(file, published)
    else:
        file = read_certificate(path)
        with watch.stage("check"):
            findings = check(file)
    seconds = watch.seconds("check")
    facts = None if findings else _facts(file)
    if as_json:
        verified = {} if facts is None else vars(facts)
        show.print_json({"file": path, "findings": findings, "seconds": seconds} | verified)
    elif facts is None:
        show.print_rows(f"REJECTED: {path}", ("",), [(finding,) for finding in findings])
    else:
        _print(path, facts, seconds)
    if findings:
        raise typer.Exit(1)


@dataclass(frozen=True)
class _Facts:
    """What an accepted certificate says, all of it checked but for `bound` where told."""

    tick_at: str
    num_contacts: int
    num_agents: int
    num_pairs: int
    """In classes; bans and locks are not taken off."""
    num_assigned: int
    gain: float
    bound: float
    gap: float
    bound_by_rents: float
    proof: str
    bound_checked: bool


def _facts(file: Mapping[str, Any]) -> _Facts:
    proof, gain, bound = str(file["proof"]), int(file["gain"]), int(file["bound"])
    return _Facts(
        tick_at=str(file["tick_at"]),
        num_contacts=len(file["agent"]),
        num_agents=len(file["agent_cap"]),
        num_pairs=int(np.diff(file["class_ptr"])[file["contact_class"]].sum()),
        num_assigned=int((file["agent"] >= 0).sum()),
        gain=gain / MILLI,
        bound=bound / MILLI,
        gap=relative_gap(gain, bound),
        bound_by_rents=int(file["rent_bound"]) / MILLI,
        proof=proof,
        bound_checked=PROOFS[proof],
    )


def _print(path: Path, facts: _Facts, seconds: float) -> None:
    bound = f"{facts.bound:,.2f} (gap {facts.gap:.4%})"
    if not facts.bound_checked:
        bound += f", by {facts.proof}: not checkable"
    rows = [
        ("tick", facts.tick_at),
        ("conversations, of which assigned", f"{facts.num_contacts:,}, {facts.num_assigned:,}"),
        ("agents", f"{facts.num_agents:,}"),
        ("pairs looked at", f"{facts.num_pairs:,}"),
        ("gain", f"{facts.gain:,.2f}"),
        ("upper bound", bound),
        ("upper bound by rents", f"{facts.bound_by_rents:,.2f}"),
        ("seconds", f"{seconds:.3f}"),
    ]
    show.print_rows(f"Accepted: {path}", ("", ""), rows)
