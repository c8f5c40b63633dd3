"""The class form laid out for scans: every gain on the fly, no list of pairs.

Contacts with the same eligible agents and lane form a *kind*; contacts with an `only_agent` are
kinds of their own with one agent. A kind has one *entry* per eligible agent, contiguous, and the
rates that its contacts use are copied beside its entries, so that the gains of a contact's row or
of an agent's column are sums over contiguous slices. Pairs with extras or bans are listed as
overrides with their final gain.
"""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from models.problem import NOBODY, AssignmentProblem, Floats, Ints, Positions
from solver.flat import members_of, starts_of
from solver.rows_kernels import NOTHING, Rows, copy_rates, place_rates


def build_rows(problem: AssignmentProblem) -> Rows:
    """The layout of a problem.

    Raises OverflowError when a gain that is listed by pair exceeds LARGEST_GAIN.
    """
    of, kind_class, kind_lane_only = _kinds(problem)
    contact = np.argsort(of, kind="stable")
    kind = of[contact].astype(np.int32)
    kinds = len(kind_class)
    entry_kind, entry_agent = _entries(problem, kind_class, kind_lane_only)
    entry_start = starts_of(entry_kind, kinds)
    term_row = np.ascontiguousarray(problem.term_row[contact].T)
    place, filled_kind, filled_row = place_rates(term_row, kind, entry_start, len(problem.rate))
    agent_entry = np.argsort(entry_agent, kind="stable")
    pair_contact, pair_entry, pair_gain = _overrides(
        problem, of, contact, entry_start, entry_agent
    )
    by_entry = np.argsort(pair_entry, kind="stable")
    return Rows(
        contact=contact,
        kind=kind,
        kind_start=starts_of(kind, kinds),
        entry_start=entry_start,
        entry_kind=entry_kind,
        entry_agent=entry_agent,
        base=problem.base[contact].astype(np.float64),
        coef=np.ascontiguousarray(problem.term_coef[contact].T, dtype=np.float64),
        place=place,
        rates=copy_rates(
            np.array(problem.rate, dtype=np.float64, order="C"),
            filled_kind,
            filled_row,
            entry_start,
            entry_agent,
        ),
        override_start=starts_of(pair_contact, problem.num_contacts),
        override_entry=pair_entry,
        override_gain=pair_gain,
        column_start=starts_of(pair_entry[by_entry], len(entry_agent)),
        column_contact=pair_contact[by_entry],
        column_gain=pair_gain[by_entry],
        agent_start=starts_of(entry_agent[agent_entry], problem.num_agents),
        agent_entry=agent_entry,
    )


def longest_slice(rows: Rows) -> int:
    """Numbers that a buffer for any row, or any kind's part of a column, must hold."""
    rows_, columns = np.diff(rows.entry_start), np.diff(rows.kind_start)
    return int(max(rows_.max(initial=0), columns.max(initial=0), 1))


def is_eligible(
    problem: AssignmentProblem, contact: Ints | Positions, agent: Ints | Positions
) -> NDArray[np.bool_]:
    """Whether the agents are in the classes of the contacts; bans and `only_agent` aside."""
    width = max(problem.num_agents, 1)
    classes = np.repeat(np.arange(len(problem.class_ptr) - 1), np.diff(problem.class_ptr))
    keys = classes * width + problem.class_agent
    wanted = problem.contact_class[contact].astype(np.int64) * width + agent
    found: NDArray[np.bool_] = np.append(keys, -1)[np.searchsorted(keys, wanted)] == wanted
    return found


def restricted(problem: AssignmentProblem, contact: Ints, agent: Ints) -> AssignmentProblem:
    """The problem with only the named pairs, as far as they are eligible; so few that they may
    be listed.
    """
    keep = is_eligible(problem, contact, agent)
    contact, agent = contact[keep], agent[keep]
    order = np.lexsort((agent, contact))
    return replace(
        problem,
        contact_class=np.arange(problem.num_contacts, dtype=np.int32),
        class_ptr=starts_of(contact[order], problem.num_contacts),
        class_agent=agent[order].astype(np.int32),
    )


def _kinds(problem: AssignmentProblem) -> tuple[Ints, Ints, Ints]:
    """Kind of each contact; class, and the only agent or NOBODY, of each kind."""
    lanes, width = max(problem.num_lanes, 1), problem.num_agents + 1
    key = problem.contact_class.astype(np.int64) * lanes + problem.contact_lane
    key = key * width + problem.only_agent + 1
    kinds, of = np.unique(key, return_inverse=True)
    return of.astype(np.int64), kinds // width // lanes, kinds % width - 1


def _entries(
    problem: AssignmentProblem, kind_class: Ints, kind_only: Ints
) -> tuple[Positions, Positions]:
    """Kind and agent of every entry, sorted by kind and then agent."""
    kind, agent = members_of(problem, kind_class)
    keep = (kind_only[kind] == NOBODY) | (kind_only[kind] == agent)
    return kind[keep].astype(np.int32), agent[keep].astype(np.int32)


def _overrides(
    problem: AssignmentProblem, of: Ints, order: Ints, entry_start: Ints, entry_agent: Positions
) -> tuple[Ints, Ints, Floats]:
    """Contact (here), entry and gain of every pair with an extra or a ban, sorted by contact."""
    width = max(problem.num_agents, 1)
    extra = problem.extra_contact.astype(np.int64) * width + problem.extra_agent
    banned = problem.banned_contact.astype(np.int64) * width + problem.banned_agent
    pair = np.unique(np.concatenate([extra, banned]))
    contact, agent = pair // width, pair % width
    kind = np.repeat(np.arange(len(entry_start) - 1), np.diff(entry_start))
    keys = kind * width + entry_agent
    wanted = of[contact] * width + agent if len(pair) else pair
    entry = np.searchsorted(keys, wanted)
    inside = np.append(keys, -1)[entry] == wanted
    contact, agent, entry = contact[inside], agent[inside], entry[inside]
    # The listed gains of a problem of just these pairs: the definition itself, not a copy of it.
    listed = restricted(problem, contact, agent).pairs
    gain = np.full(len(contact), NOTHING)
    place = np.searchsorted(
        contact * width + agent, listed.contact.astype(np.int64) * width + listed.agent
    )
    gain[place] = listed.gain
    here = np.empty(problem.num_contacts, dtype=np.int64)
    here[order] = np.arange(problem.num_contacts)
    by_contact = np.argsort(here[contact], kind="stable")
    return here[contact][by_contact], entry[by_contact], gain[by_contact]
