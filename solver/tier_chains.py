"""More contacts of tiers in a given plan: whoever waits enters where others can make room.

Tier by tier, those of the tier who wait look for chains of moves among contacts of this and of
stricter tiers (`solver/tier_chains_kernels.py`); all others give way. Nobody of these tiers loses
their agent, so the counts are lexicographically those of the plan, or larger.
"""

from collections.abc import Callable

import numpy as np

from models.lifted import only_contacts
from models.problem import NO_TIER, NOBODY, AssignmentProblem, Ints, Positions
from solver.filling import filled, filled_from
from solver.form import count_pairs
from solver.tier_chains_kernels import NOBODY_YET, Marks, Seats, seat_again, serve_more

MOST_PAIRS = 2_000_000
"""Of all contacts of tiers; more are not listed."""

PAIRS_BETWEEN_LOOKS = 2_000_000
"""At the clock: some hundredths of a second."""


def with_more_of_tiers(
    problem: AssignmentProblem, agent: Positions, is_late: Callable[[], bool]
) -> Positions:
    """The plan (C,) with more of its tiers served where chains allow, and filled with who fits.

    Lexicographically as many of every tier, or more; with as many it gains as much, or more. Pair
    units are not for it.
    """
    held = _chained(problem, agent, is_late)
    if held is None:
        return filled(problem, agent)
    return filled(problem, filled_from(problem, held, agent))


def _chained(
    problem: AssignmentProblem, agent: Positions, is_late: Callable[[], bool]
) -> Positions | None:
    """Where contacts of tiers sit once there are no more chains; None where nobody is added."""
    tier = problem.tier
    if tier is None:
        return None
    tiered = np.flatnonzero(tier != NO_TIER)
    strict = only_contacts(problem, tiered)
    if not (agent[tiered] == NOBODY).any() or count_pairs(strict) > MOST_PAIRS:
        return None
    seats, before = _empty_seats(strict), agent[tiered].astype(np.int64)
    marks = Marks(
        line=np.zeros(len(tiered), dtype=np.int64),
        by=np.full(len(tiered), NOBODY_YET, dtype=np.int64),
        contact=np.zeros(len(tiered), dtype=np.int64),
        lane=np.zeros(seats.held.shape, dtype=np.int64),
        round=np.ones(1, dtype=np.int64),
    )
    for number in np.unique(tier[tiered]).tolist():
        mine = np.flatnonzero(tier[tiered] == number)
        seated = mine[before[mine] != NOBODY]
        seat_again(seats, seated, before[seated])
        waiting = mine[seats.agent[mine] == NOBODY]
        done = 0
        while done < len(waiting) and not is_late():
            done = serve_more(seats, marks, waiting, done, PAIRS_BETWEEN_LOOKS)
    if np.array_equal(seats.agent, before):
        return None
    held = np.full(problem.num_contacts, NOBODY, dtype=np.int32)
    held[tiered] = seats.agent
    return held


def _empty_seats(problem: AssignmentProblem) -> Seats:
    pairs, mixes = problem.pairs, problem.all_mixes
    best_first = np.lexsort((-pairs.gain, pairs.contact))
    nobody: Ints = np.full(problem.num_contacts, NOBODY, dtype=np.int64)
    return Seats(
        start=pairs.start,
        pair_agent=pairs.agent[best_first],
        lane=problem.contact_lane.astype(np.int32),
        agent_cap=problem.agent_cap,
        site=problem.agent_site.astype(np.int32),
        site_left=problem.site_cap.copy(),
        mix_start=np.ascontiguousarray(mixes.start, dtype=np.int64),
        mix_count=np.ascontiguousarray(mixes.count, dtype=np.int64),
        held=np.zeros(problem.lane_cap.shape, dtype=np.int64),
        agent=nobody,
        last=np.full(problem.num_agents, NOBODY_YET, dtype=np.int64),
        next=np.full(problem.num_contacts, NOBODY_YET, dtype=np.int64),
    )
