"""The benchmark's instances with mixed channels are what they are said to be."""

import numpy as np
import pytest

from benchmarks.engine_instances import Form, Size
from benchmarks.mixed_instances import build_mixed, new_contacts, next_mixed_tick

UNITS = np.array([100, 34, 20])


@pytest.mark.parametrize("form", list(Form))
def test_mixes_are_the_maximal_ones_of_100_66_or_40_units(form: Form) -> None:
    """Every mix fits into the agent's units, and one contact more in any lane does not."""
    problem = build_mixed(1, Size(60, 40), form)
    mixes = problem.all_mixes
    of = np.repeat(np.arange(40), np.diff(mixes.start))
    # 2, 4 mixes tell 66 from 100 units; 66 and 40 both have two, of which 40 has no pair 1 + 1.
    used = np.maximum.reduceat(mixes.count @ UNITS, mixes.start[:-1])
    free = np.array([100, 66, 40])[np.searchsorted([-100, -60, -40], -used)]
    assert set(free.tolist()) == {100, 66, 40}
    assert ((mixes.count @ UNITS) <= free[of]).all()
    assert ((mixes.count @ UNITS)[:, None] + UNITS > free[of][:, None]).all()
    assert (
        problem.agent_cap == np.maximum.reduceat(mixes.count.sum(axis=1), mixes.start[:-1])
    ).all()


def test_a_next_tick_keeps_most_contacts_and_agents() -> None:
    """Contacts that are not new are in the same lane; some agents have other mixes."""
    size = Size(400, 100)
    before, after = build_mixed(3, size), next_mixed_tick(3, size)
    stayed = np.setdiff1d(np.arange(400), new_contacts(3, size))
    assert 0.9 * 400 < len(stayed) < 400
    assert (before.contact_lane[stayed] == after.contact_lane[stayed]).all()
    changed = (before.lane_cap != after.lane_cap).any(axis=1)
    assert 0 < changed.sum() < 40
