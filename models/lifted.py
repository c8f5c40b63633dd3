"""Gains of chosen contacts raised by whole milli-units, without changing how any is rounded."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from models.problem import MILLI, NOBODY, AssignmentProblem, Floats, Ints, Positions

BLOCK = 2_000_000
"""Pairs listed at once while roundings are compared."""

NUDGE = 0.5 / MILLI
"""Money that brings a gain from the edge between two milli-units to the middle of one."""


def lifted(problem: AssignmentProblem, lift: Ints) -> AssignmentProblem:
    """The plain problem whose every gain is `lift[contact]` milli-units larger, to the unit.

    Raising `base` alone would do, but for gains that lie within a float's last digits of half a
    milli-unit: the larger sum may round to the other side. Those pairs, which are few, get an
    `extra_gain` of half a milli-unit that rounds them back. Tiers are dropped.

    Raises OverflowError when a gain exceeds LARGEST_GAIN.
    """
    raised = replace(problem, base=problem.base + lift / MILLI, tier=None)
    contact, agent, short = _rounded_away(problem, raised, lift)
    if len(contact) == 0:
        return raised
    nudged = replace(
        raised,
        extra_contact=np.append(raised.extra_contact, contact).astype(np.int32),
        extra_agent=np.append(raised.extra_agent, agent).astype(np.int32),
        extra_gain=np.append(raised.extra_gain, NUDGE * short),
    )
    still_short = _rounded_away(problem, nudged, lift)[2]
    if len(still_short):
        raise OverflowError(
            f"lift: {len(still_short)} gains cannot be raised by {int(lift.max()) / MILLI:,.0f}"
            " exactly, expected gains that floats tell apart by a milli-unit: check customer"
            " values"
        )
    return nudged


def largest_gain(problem: AssignmentProblem) -> int:
    """No gain is larger, or its loss, than these milli-units; read from the class form."""
    row_limit = np.abs(problem.rate).max(axis=1, initial=0.0)
    terms: Floats = np.abs(problem.term_coef) * row_limit[problem.term_row]
    money: Floats = np.abs(problem.base) + terms.sum(axis=1)
    np.add.at(money, problem.extra_contact, np.abs(problem.extra_gain))
    return int(np.ceil(money.max(initial=0.0) * MILLI)) + 1


def only_contacts(problem: AssignmentProblem, contacts: Ints) -> AssignmentProblem:
    """The problem with just these contacts (positions, ascending), in their order; plain."""
    place = np.full(problem.num_contacts, NOBODY, dtype=np.int32)
    place[contacts] = np.arange(len(contacts), dtype=np.int32)
    banned = place[problem.banned_contact] != NOBODY
    extra = place[problem.extra_contact] != NOBODY
    return replace(
        problem,
        contact_class=problem.contact_class[contacts],
        only_agent=problem.only_agent[contacts],
        banned_contact=place[problem.banned_contact[banned]],
        banned_agent=problem.banned_agent[banned],
        base=problem.base[contacts],
        term_row=problem.term_row[contacts],
        term_coef=problem.term_coef[contacts],
        extra_contact=place[problem.extra_contact[extra]],
        extra_agent=problem.extra_agent[extra],
        extra_gain=problem.extra_gain[extra],
        contact_lane=problem.contact_lane[contacts],
        units=None,
        tier=None,
    )


def _rounded_away(
    problem: AssignmentProblem, raised: AssignmentProblem, lift: Ints
) -> tuple[Ints, Positions, Ints]:
    """Contact, agent and missing milli-units of the pairs whose gain did not rise by its lift."""
    found: list[tuple[Ints, Positions, Ints]] = []
    for block in _blocks(problem, np.flatnonzero(lift)):
        before, after = only_contacts(problem, block).pairs, only_contacts(raised, block).pairs
        short = before.gain + lift[block][before.contact] - after.gain
        off = np.flatnonzero(short)
        if len(off):
            found.append((block[before.contact[off]], before.agent[off], short[off]))
    if not found:
        nothing = np.zeros(0, dtype=np.int64)
        return nothing, nothing.astype(np.int32), nothing
    contact, agent, short = (np.concatenate(part) for part in zip(*found, strict=True))
    return contact, agent, short


def _blocks(problem: AssignmentProblem, contacts: Ints) -> Iterator[Ints]:
    """The contacts in runs of about BLOCK pairs."""
    sizes = np.diff(problem.class_ptr)[problem.contact_class[contacts]]
    run = np.cumsum(sizes) // BLOCK
    edges = np.flatnonzero(np.diff(run, prepend=-1)) if len(run) else np.zeros(0, dtype=np.int64)
    yield from np.split(contacts, edges[1:])
