"""The engine on networks and on mixed channels of every size, beside what else could be used.

    python -m benchmarks.engine [--quick] [--kinds network,mixed] [--sizes S,M,L,XL]
        [--seeds 0,1,2] [--forms rate,full] [--structures plain,ties,...] [--ticks cold,next]
        [--methods engine,ortools_flow,...] [--deadline-s 120] [--json FILE] [--read FILE...]

prints one JSON line per instance, method, start and target, then one per goal, and a table of the
goals to the error output. Every method runs in a process of its own, one at a time, and has 120 s.
Seconds are wall-clock from the problem in class form to the answer, with all that the method needs
(listing pairs, matrices, bounds); building the instance and loading libraries is not in them, and
peak memory is above the instance. Networks are solved to gaps of 0.1 %, 0.01 % and to proof,
mixed channels to 0.1 % (XL: 0.5 %), S to proof, too; cold, and on a next tick from what was found
on the tick before.

Slow peers are tried on one cold plain instance of each size, structures other than plain up to L
on the first seed, cold and with one rate; `--quick` is the first seed, plain, without slow peers.
`--read` judges the lines of earlier runs.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import product
from math import inf
from pathlib import Path

from rich.console import Console

from benchmarks.engine_goals import Finding, judge, table_of
from benchmarks.engine_instances import SIZES, Form, Structure
from benchmarks.engine_mixed_peers import MIXED_PEERS
from benchmarks.engine_peers import LIMIT_S, PEERS
from benchmarks.engine_runs import OURS, Case, Kind, Row, Start, Tick, measure

ALL_METHODS = ",".join(dict.fromkeys([OURS, *PEERS, *MIXED_PEERS]))


@dataclass(frozen=True)
class Task:
    """One method on one instance, in a process of its own."""

    case: Case
    method: str
    deadline_s: float = LIMIT_S

    @property
    def patience_s(self) -> float:
        """Seconds after which the process is killed: the engine solves several times."""
        solves = 1
        if self.method == OURS:
            solves = 1 + 2 * len(self.case.starts) * len(self.case.targets)
        return (solves + 1) * self.deadline_s


def main(arguments: list[str]) -> int:
    """Run every method on every case, or one in this process when asked to by itself."""
    if arguments[:1] == ["--one"]:
        task = read_task(arguments[1])
        for row in measure(task.case, task.method, task.deadline_s):
            print(json.dumps(asdict(row)), flush=True)
        return 0
    given = _parser().parse_args(arguments)
    if given.read:
        lines = [line for path in given.read for line in path.read_text("utf-8").splitlines()]
        rows = [read_row(line) for line in lines if line.startswith('{"case"')]
    else:
        rows = [row for task in tasks(given) for row in run(task)]
    findings = judge(rows)
    for one in findings:
        print(json.dumps(_told(one)), flush=True)
    Console(stderr=True, width=150).print(table_of(findings))
    if given.json:
        told = [asdict(row) for row in rows] + [_told(one) for one in findings]
        given.json.write_text("".join(json.dumps(line) + "\n" for line in told), "utf-8")
    return 0


def tasks(given: argparse.Namespace) -> Iterator[Task]:
    """What there is to do, smallest sizes first."""
    names = [name.split(",") for name in (given.sizes, given.kinds, given.forms, given.ticks)]
    seeds = [int(seed) for seed in given.seeds.split(",")]
    structures = [Structure(name) for name in given.structures.split(",")]
    if given.quick:
        seeds, structures = seeds[:1], [Structure.PLAIN]
    methods = given.methods.split(",")
    for (size, kind, form, tick), structure, seed in product(product(*names), structures, seeds):
        case = Case(Kind(kind), size, seed, Form(form), structure, Tick(tick))
        hard = structure is not Structure.PLAIN
        if hard and (size == "XL" or replace(case, structure=structure) != _simplest(case, seeds)):
            continue
        if OURS in methods:
            yield Task(case, OURS, given.deadline_s)
        for method in case.peers:
            slow = case.peers[method].is_slow
            if method not in methods or (case.kind is Kind.MIXED and tick == Tick.NEXT):
                continue
            if not slow or not (given.quick or hard or case != _simplest(case, seeds)):
                yield Task(case, method)


def _simplest(case: Case, seeds: Sequence[int]) -> Case:
    """That of its kind, size and structure which is tried most: first seed, one rate, cold."""
    return replace(case, seed=seeds[0], form=Form.RATE, tick=Tick.COLD)


def run(task: Task) -> list[Row]:
    """The rows of a task, printed as they come; one that says so if there is no answer."""
    rows = list(_in_a_process(task))
    for row in rows:
        print(json.dumps(asdict(row)), flush=True)
    return rows


def _in_a_process(task: Task) -> list[Row]:
    peer = task.case.peers.get(task.method)
    if peer is not None and not peer.tries(task.case.problem()):
        failed = f"not tried: did not finish with more than {peer.max_pairs:.0e} pairs"
        return [Row(task.case, task.method, failed=failed)]
    command = [sys.executable, "-m", "benchmarks.engine", "--one", json.dumps(asdict(task))]
    try:
        ended = subprocess.run(
            command, capture_output=True, text=True, timeout=task.patience_s, check=False
        )
    except subprocess.TimeoutExpired:
        return [Row(task.case, task.method, failed=f"not finished in {task.patience_s:.0f} s")]
    rows = [read_row(line) for line in ended.stdout.splitlines() if line.startswith("{")]
    if ended.returncode:
        why = " ".join(ended.stderr.strip().splitlines()[-1:])
        rows.append(Row(task.case, task.method, failed=why or f"ended by {-ended.returncode}"))
    return rows


def read_task(text: str) -> Task:
    """A task from its JSON."""
    fields = json.loads(text)
    return Task(**fields | {"case": _read_case(fields["case"])})


def read_row(line: str) -> Row:
    """A row from its line."""
    fields = json.loads(line)
    start = None if fields["start"] is None else Start(fields["start"])
    return Row(**fields | {"case": _read_case(fields["case"]), "start": start})


def _read_case(fields: dict[str, str | int]) -> Case:
    return Case(
        kind=Kind(str(fields["kind"])),
        size=str(fields["size"]),
        seed=int(fields["seed"]),
        form=Form(str(fields["form"])),
        structure=Structure(str(fields["structure"])),
        tick=Tick(str(fields["tick"])),
    )


def _told(one: Finding) -> dict[str, object]:
    """The finding as a line; JSON has no infinity."""
    told = asdict(one) | {"verdict": one.verdict}
    for name in ("measured", "in_cpu_time"):
        told[name] = [None if value == inf else round(value, 4) for value in getattr(one, name)]
    return told


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--kinds", default=",".join(Kind))
    parser.add_argument("--sizes", default=",".join(SIZES))
    parser.add_argument("--seeds", default="0,1,2")
    parser.add_argument("--forms", default=",".join(Form))
    parser.add_argument("--structures", default=",".join(Structure))
    parser.add_argument("--ticks", default=",".join(Tick))
    parser.add_argument("--methods", default=ALL_METHODS)
    parser.add_argument("--deadline-s", type=float, default=LIMIT_S)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--read", type=Path, nargs="+")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
