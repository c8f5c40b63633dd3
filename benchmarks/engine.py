"""The engine on networks and on mixed channels of every size, beside what else could be used.

    python -m benchmarks.engine [--quick] [--kinds network,mixed] [--sizes S,M,L,XL]
        [--seeds 0,1,2] [--forms rate,full] [--structures plain,ties,...] [--ticks cold,next]
        [--methods engine,ortools_flow,...] [--deadline-s 120] [--json FILE] [--read FILE...]

prints one JSON line per instance, method, start and target, then one per goal, and a table of the
goals to the error output. One process at a time runs all quick methods on one instance, the engine
first, or one slow method, and each method has 120 s.
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
from collections.abc import Iterator
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
    """Methods on one instance, one after the other in a process of their own."""

    case: Case
    methods: tuple[str, ...]
    deadline_s: float = LIMIT_S

    @property
    def patience_s(self) -> float:
        """Seconds after which the process is killed: the engine solves several times."""
        solves = len(self.methods)
        if OURS in self.methods:
            solves += 2 * len(self.case.starts) * len(self.case.targets)
        return (solves + 1) * self.deadline_s


def main(arguments: list[str]) -> int:
    """Run every method on every case, or one in this process when asked to by itself."""
    if arguments[:1] == ["--one"]:
        task = read_task(arguments[1])
        for method in task.methods:
            for row in measure(task.case, method, task.deadline_s):
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
    for (size, kind, form, tick), structure, seed in product(product(*names), structures, seeds):
        case = Case(Kind(kind), size, seed, Form(form), structure, Tick(tick))
        # First seed, one rate, cold: the instance that is tried with everything.
        is_simplest = case == replace(case, seed=seeds[0], form=Form.RATE, tick=Tick.COLD)
        if structure is Structure.PLAIN:
            yield from _tasks_of(case, given, with_slow=is_simplest and not given.quick)
        elif is_simplest and size != "XL":
            yield from _tasks_of(case, given, with_slow=False)


def _tasks_of(case: Case, given: argparse.Namespace, with_slow: bool) -> Iterator[Task]:
    """Quick methods together, the engine first, whose memory is its own so; slow ones alone."""
    methods = given.methods.split(",")
    # Of mixed channels, what peers do on a next tick is what they do on any.
    peers = {} if (case.kind, case.tick) == (Kind.MIXED, Tick.NEXT) else case.peers
    asked = [name for name in peers if name in methods]
    slow = [name for name in asked if peers[name].is_slow(case.problem())]
    quick = [name for name in asked if name not in slow]
    together = tuple([OURS] * (OURS in methods) + quick)
    if together:
        yield Task(case, together, given.deadline_s)
    if with_slow:
        yield from (Task(case, (name,)) for name in slow)


def run(task: Task) -> list[Row]:
    """The rows of a task, printed as they come; one that says so if there is no answer."""
    rows = list(_in_a_process(task))
    for row in rows:
        print(json.dumps(asdict(row)), flush=True)
    return rows


def _in_a_process(task: Task) -> Iterator[Row]:
    case, tried = task.case, list(task.methods)
    for method in task.methods:
        peer = case.peers.get(method) if method != OURS else None
        if peer is not None and not peer.tries(case.problem()):
            failed = f"not tried: did not finish with more than {peer.max_pairs:.0e} pairs"
            yield Row(case, method, failed=failed)
            tried.remove(method)
    if not tried:
        return
    task = replace(task, methods=tuple(tried))
    command = [sys.executable, "-m", "benchmarks.engine", "--one", json.dumps(asdict(task))]
    try:
        ended = subprocess.run(
            command, capture_output=True, text=True, timeout=task.patience_s, check=False
        )
    except subprocess.TimeoutExpired:
        failed = f"not finished in {task.patience_s:.0f} s"
        yield from (Row(case, method, failed=failed) for method in tried)
        return
    yield from (read_row(line) for line in ended.stdout.splitlines() if line.startswith("{"))
    if ended.returncode:
        why = " ".join(ended.stderr.strip().splitlines()[-1:])
        yield Row(case, "+".join(tried), failed=why or f"ended by {-ended.returncode}")


def read_task(text: str) -> Task:
    """A task from its JSON."""
    fields = json.loads(text)
    known = {"case": _read_case(fields["case"]), "methods": tuple(fields["methods"])}
    return Task(**fields | known)


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
