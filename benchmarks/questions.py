"""Does the stated loss of a forced pair equal solving again, and how long does an answer take?

    python -m benchmarks.questions [--questions 1000] [--seed 0] [--size M] [--json FILE]

asks random questions of random problems with lanes, sites and load costs (120 contacts x 30
agents, 20 questions each; a fifth of the gains are negative, every second problem is full of
ties). Every answer is compared, to the last milli-unit, with the same problem solved again by the
flow, with the contact allowed nowhere else and a prize for it that outweighs everything. Then the
time of an answer is measured on an instance of the engine's benchmark (M: 5,000 x 1,000, some
330,000 pairs), after its exchanges are laid out once. The exit code is 1 if any answer differs.
Milliseconds are CPU time.
"""

import argparse
import json
import sys
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from time import process_time

import numpy as np

from benchmarks.engine_instances import SIZES, Form, build_instance
from models.dense_problem import dense_problem
from models.lifted import largest_gain, lifted
from models.problem import MILLI, NOBODY, AssignmentProblem
from models.solution import SolveOptions
from solver.backends import flow
from solver.forced import build_exchanges, forced_pair

CONTACTS, AGENTS, LANES, SITES = 120, 30, 3, 3
PER_PROBLEM = 20
OPTIONS = SolveOptions()


@dataclass(frozen=True)
class Agreement:
    """Answers against solving again."""

    num_questions: int
    num_equal: int
    num_impossible: int
    """Among them: pairs that no plan contains, which both said."""
    num_free: int
    """Among them: a loss of 0."""
    longest_chain: int
    answer_ms: float
    """Mean, exchanges laid out once per problem not included."""
    solve_again_ms: float


@dataclass(frozen=True)
class Timing:
    """Milliseconds of CPU an answer takes on a large instance."""

    size: str
    num_pairs: int
    num_questions: int
    layout_ms: float
    """Once per plan."""
    median_ms: float
    p95_ms: float
    worst_ms: float


def main(arguments: list[str]) -> int:
    """Exit code: 0 if every answer equals solving again."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--questions", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--size", choices=sorted(SIZES), default="M")
    parser.add_argument("--json", type=Path, help="also write the result to this file")
    options = parser.parse_args(arguments)
    warm_up()
    agreement = compare(options.questions, options.seed)
    timing = time_answers(options.questions, options.seed, options.size)
    text = json.dumps({"agreement": asdict(agreement), "timing": asdict(timing)})
    print(text)
    if options.json:
        options.json.write_text(text + "\n", encoding="utf-8")
    return 0 if agreement.num_equal == agreement.num_questions else 1


def warm_up() -> None:
    """Load and, on the first run after an installation, compile what is timed."""
    problem = random_problem(np.random.default_rng(0))
    forced_pair(
        build_exchanges(problem, flow.solve(problem, OPTIONS, None).agent), *_some(problem)
    )


def compare(num_questions: int, seed: int) -> Agreement:
    """Ask, and solve again, PER_PROBLEM times per random problem."""
    draw = np.random.default_rng(seed)
    equal = impossible = free = longest = asked = 0
    answering = solving = 0.0
    while asked < num_questions:
        problem = random_problem(draw)
        plan = flow.solve(problem, OPTIONS, None)
        exchanges = build_exchanges(problem, plan.agent)
        for pair in draw.integers(
            len(problem.pairs), size=min(PER_PROBLEM, num_questions - asked)
        ):
            contact, agent = int(problem.pairs.contact[pair]), int(problem.pairs.agent[pair])
            begun = process_time()
            answer = forced_pair(exchanges, contact, agent)
            answered = process_time()
            again = loss_by_solving(problem, plan.gain, contact, agent)
            solving += process_time() - answered
            answering += answered - begun
            asked += 1
            stated = None if answer is None else answer.loss
            equal += stated == again
            impossible += answer is None and again is None
            free += stated == 0
            longest = max(longest, 0 if answer is None else len(answer.moves))
    return Agreement(
        num_questions=asked,
        num_equal=equal,
        num_impossible=impossible,
        num_free=free,
        longest_chain=longest,
        answer_ms=round(answering / asked * 1e3, 3),
        solve_again_ms=round(solving / asked * 1e3, 3),
    )


def loss_by_solving(
    problem: AssignmentProblem, gain: int, contact: int, to_agent: int
) -> int | None:
    """The loss by solving again, with the contact allowed nowhere else and a prize for it."""
    swing = 2 * largest_gain(problem) + int(problem.load_cost.max(initial=0))
    prize = int(2 ** (problem.num_contacts * swing).bit_length())
    here = np.arange(problem.num_contacts) == contact
    forced = replace(
        lifted(problem, prize * here.astype(np.int64)),
        only_agent=np.where(here, np.int32(to_agent), problem.only_agent),
    )
    found = flow.solve(forced, OPTIONS, None)
    return gain - (found.gain - prize) if found.agent[contact] == to_agent else None


def time_answers(num_questions: int, seed: int, size: str) -> Timing:
    """Ask random questions of one instance of the engine's benchmark."""
    problem = build_instance(seed, SIZES[size], Form.FULL)
    agent = flow.solve(problem, OPTIONS, None).agent
    begun = process_time()
    exchanges = build_exchanges(problem, agent)
    layout = process_time() - begun
    draw = np.random.default_rng(seed)
    spent = []
    for pair in draw.integers(len(problem.pairs), size=num_questions):
        contact, to_agent = int(problem.pairs.contact[pair]), int(problem.pairs.agent[pair])
        begun = process_time()
        forced_pair(exchanges, contact, to_agent)
        spent.append(process_time() - begun)
    median, p95, worst = np.percentile(np.array(spent) * 1e3, [50, 95, 100]).round(3).tolist()
    return Timing(
        size, len(problem.pairs), num_questions, round(layout * 1e3, 1), median, p95, worst
    )


def random_problem(draw: np.random.Generator) -> AssignmentProblem:
    """A network with every feature, scarce enough that forcing a pair moves others."""
    skill = draw.integers(0, 6, CONTACTS)
    has = draw.random((AGENTS, 6)) < 0.4
    lanes = draw.integers(1, 4, (AGENTS, LANES)) * (draw.random((AGENTS, LANES)) < 0.95)
    agent_cap = draw.integers(1, 5, AGENTS) * (draw.random(AGENTS) < 0.95)
    site = draw.integers(NOBODY, SITES, AGENTS).astype(np.int32)
    room = np.array([agent_cap[site == s].sum() for s in range(SITES)])
    open_share = draw.choice([0.0, 0.5, 0.7, 1.0], SITES, p=[0.02, 0.38, 0.3, 0.3])
    step = int(draw.choice([1, 500]))  # coarse gains have ties everywhere
    problem = dense_problem(
        draw.integers(-5_000, 20_000, (CONTACTS, AGENTS)) // step * step,
        agent_cap.astype(np.int64),
        eligible=has[:, skill].T,
        lane=draw.integers(0, LANES, CONTACTS).astype(np.int32),
        lane_cap=lanes.astype(np.int64),
        load_cost=np.sort(draw.integers(0, 4_000, (AGENTS, 3)), axis=1) // step * step,
        agent_site=site,
        site_cap=(room * open_share).astype(np.int64),
    )
    return replace(problem, base=draw.integers(-2_000, 2_000, CONTACTS) // step * step / MILLI)


def _some(problem: AssignmentProblem) -> tuple[int, int]:
    return int(problem.pairs.contact[0]), int(problem.pairs.agent[0])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
