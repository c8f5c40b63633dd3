"""The certificate of a tick's plan, and whether the published tables say the same."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl

from data_io.publish import Published
from models.batch_problem import BatchProblem
from models.certificate import Certificate, Names, certify, weighted_problem
from models.problem import MILLI, AssignmentProblem, Ints
from models.solution import Proof, Solution, Termination
from models.tables import AssignmentEvent, Decision
from solver.form import LISTED_PAIRS, count_pairs


class PlanWitness:
    """Remembers what the last plan was made of; a `solver.assign.Witness`."""

    def __init__(self) -> None:
        """Start with nothing seen."""
        self._seen: tuple[BatchProblem, Solution] | None = None

    def __call__(self, stated: BatchProblem, solution: Solution) -> None:
        """Remember a plan."""
        self._seen = stated, solution

    @property
    def solution(self) -> Solution | None:
        """The last plan's solution, None before the first."""
        return None if self._seen is None else self._seen[1]

    @property
    def stated(self) -> BatchProblem | None:
        """The last plan's problem, None before the first."""
        return None if self._seen is None else self._seen[0]

    def certificate(self) -> bytes | None:
        """Content of the file that proves the last plan, None before the first."""
        return None if self._seen is None else certificate_of(*self._seen).to_bytes()


def certificate_of(stated: BatchProblem, solution: Solution) -> Certificate:
    """The certificate of a plan for a batch, with the ids of its contacts and agents."""
    units = stated.conversations.units
    names = Names(
        stated.batch.now,
        units.sort("conversation_idx")["lead_contact_id"].to_numpy().astype(np.str_),
        stated.agents.agents.sort("agent_idx")["agent_id"].to_numpy().astype(np.str_),
    )
    problem = stated.problem
    # Where pairs are few, explanations have listed them, and `certify` makes use of that.
    is_large = count_pairs(problem) > LISTED_PAIRS
    by_prices = solution.proof is Proof.PRICES or solution.rents is None
    weighted = weighted_problem(problem, solution)
    rents = _rents_of_prices(weighted, solution) if is_large and by_prices else None
    return certify(problem, solution, names, rents)


def differences(file: Mapping[str, Any], published: Published) -> list[str]:
    """Where the published tables of a tick are not what its certificate says, by contact id."""
    tick_at = published.manifest.tick_at
    if tick_at is None or tick_at.isoformat() != str(file["tick_at"]):
        return [f"the tables are of tick {tick_at}, the certificate of {file['tick_at']}"]
    agent_id, served = file["agent_id"].tolist(), np.flatnonzero(file["agent"] >= 0)
    stated = pl.DataFrame(
        {
            "contact_id": file["contact_id"][served].tolist(),
            "stated": [agent_id[agent] for agent in file["agent"][served].tolist()],
        },
        schema={"contact_id": pl.String, "stated": pl.String},
    )
    this_tick = pl.col("tick_at") == tick_at
    leads = published.assignment.filter(
        this_tick, event=AssignmentEvent.OFFERED.value, is_lead=True
    )
    held = published.unassigned.filter(this_tick, decision=Decision.HELD.value)
    held = held.filter(pl.col("contact_id").is_in(file["contact_id"].tolist()))
    rows = pl.concat([frame.select("contact_id", "agent_id") for frame in (leads, held)])
    both = rows.join(stated, on="contact_id", how="left")
    other = both.filter(pl.col("stated").ne_missing(pl.col("agent_id")))
    absent = stated.join(rows, on="contact_id", how="anti").height
    tick = published.tick.filter(this_tick).row(0, named=True)
    numbers = {
        "gain": round(tick["gain"] * MILLI) == file["gain"],
        "bound": round(tick["bound"] * MILLI) == file["bound"],
        "termination": (tick["termination"] == Termination.OPTIMAL.value) == bool(file["optimal"]),
    }
    found = [f"the published {name} is {tick[name]}" for name, same in numbers.items() if not same]
    if not other.is_empty():
        first = other["contact_id"][0]
        found.append(f"{other.height} published contacts have other agents, {first} first")
    if absent > tick["num_lost"]:
        found.append(f"{absent} contacts are not published, but {tick['num_lost']} were lost")
    return found


def _rents_of_prices(problem: AssignmentProblem, solution: Solution) -> Ints:
    """What each contact would earn at the prices, (C,), without a list of pairs."""
    # Compiled code takes seconds to load, which commands that only read should not pay for.
    from solver.claim import entry_prices, rents_by_class  # noqa: PLC0415
    from solver.rows import build_rows  # noqa: PLC0415

    rows = build_rows(problem)
    rents = np.zeros(problem.num_contacts, dtype=np.int64)
    rents[rows.contact] = rents_by_class(rows, entry_prices(problem, rows, solution.prices))
    return rents
