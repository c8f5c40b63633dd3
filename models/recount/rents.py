"""The bound that rents prove, section 6 of `docs/model.md`, written a second time.

    D = sum of rents + sum over sites cap * price + sum over agents of their best count vector

An agent's count vector brings the largest of gain less rent less site price in every lane, less
the load costs of as many conversations. Where there are tiers, gains are raised by their levels.
"""

import numpy as np

from models.recount.case import Case
from models.recount.gain import rounded_down_if_in_doubt
from models.recount.numbers import Bools, Ints, first_of_runs, ints
from models.recount.pairs import pair_blocks
from models.recount.survey import load_costs


def rents_bound(case: Case) -> int | None:
    """What the plan's rents prove, thousandths; None where a negative one proves nothing."""
    rent, site = case.stated_rents, ints(case.quoted.site["milli"])
    if min(int(rent.min(initial=0)), int(site.min(initial=0))) < 0:
        return None
    agent, lane, worth = _worth_having(case, rent)
    best = _best_vectors(case, agent, lane, worth)
    caps = [case.policy.site_caps.get(name, 0) for name in case.quoted.site["site"]]
    return int(rent.sum() + best.sum() + (np.array(caps, dtype=np.int64) * site).sum())


def _worth_having(case: Case, rent: Ints) -> tuple[Ints, Ints, Ints]:
    """Agent, lane and what is left of every pair whose gain exceeds rent and site price."""
    eligibility, worth = case.eligibility, case.worth
    found: list[tuple[Ints, Ints, Ints]] = []
    for block in pair_blocks(eligibility):
        money = worth.gain(block.conversation, block.agent, block.entry)
        gain = rounded_down_if_in_doubt(money) + case.raised[block.conversation]
        left = gain - rent[block.conversation] - case.quoted.agent_site[block.agent]
        keep = (left > 0) & ~eligibility.barred(block.conversation, block.agent)
        lane = case.conversations.lane[block.conversation[keep]]
        found.append((block.agent[keep], lane, left[keep]))
    if not found:
        nothing = np.zeros(0, dtype=np.int64)
        return nothing, nothing, nothing
    agent, lane, left = (np.concatenate(part) for part in zip(*found, strict=True))
    return agent, lane, left


def _best_vectors(case: Case, agent: Ints, lane: Ints, worth: Ints) -> Ints:
    """(A,) what each agent's best count vector brings."""
    room, agents, size = case.room, len(case.agents), case.room.lane_cap.shape[1]
    most = int(room.lane_cap.max(initial=0))
    cell = agent * size + lane
    order = np.lexsort((-worth, cell))
    cell, worth = cell[order], worth[order]
    place = _place_in_run(cell)
    within = place < room.lane_cap.reshape(-1)[cell]
    top = np.zeros((agents * size, most + 1), dtype=np.int64)
    top[cell[within], place[within] + 1] = worth[within]
    brings = np.cumsum(top, axis=1).reshape(agents, size, most + 1)
    best = np.zeros(agents, dtype=np.int64)
    for pattern, vectors in enumerate(room.vectors):
        mine = np.flatnonzero(room.pattern == pattern)
        if vectors is None:
            best[mine] = _best_of_any(case, mine, top.reshape(agents, -1)[mine])
        else:
            value = brings[mine][:, np.arange(size), vectors].sum(axis=2)
            best[mine] = (value - load_costs(case.policy, vectors.sum(axis=1))).max(axis=1)
    return best


def _best_of_any(case: Case, agents: Ints, top: Ints) -> Ints:
    """The same where only caps and total limit what goes together: the largest, whatever lane."""
    largest = -np.sort(-top, axis=1)
    total = np.arange(largest.shape[1] + 1)
    costs = load_costs(case.policy, total)
    net = np.hstack([np.zeros((len(agents), 1), dtype=np.int64), np.cumsum(largest, axis=1)])
    allowed: Bools = total <= case.room.agent_cap[agents][:, None]
    best: Ints = np.where(allowed, net - costs, 0).max(axis=1)
    return best


def _place_in_run(ordered: Ints) -> Ints:
    begin = first_of_runs(ordered)
    size = np.diff(np.append(begin, len(ordered)))
    return np.arange(len(ordered)) - np.repeat(begin, size)
