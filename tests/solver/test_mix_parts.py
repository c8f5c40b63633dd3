"""The parts of the method for mixes: form, looks at all pairs, and a search that can undo."""

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.engine_instances import Form, Size
from benchmarks.mixed_instances import build_mixed
from models.bound import configuration_bound
from models.problem import NOBODY, AssignmentProblem, Ints, Mixes
from solver.mix_board_kernels import MOST_A_STEP
from solver.mix_bound import Descent, bound_of_rents
from solver.mix_form import NO_NODE, MixForm, build_form
from solver.mix_search import Pass, Search
from solver.mix_start import cold_start
from solver.mix_survey import Survey


def never() -> bool:
    """There is always time."""
    return False


def with_everything(seed: int, form: Form) -> AssignmentProblem:
    """A small centre with agent caps below its mixes, load costs, sites, bans and only agents."""
    problem = build_mixed(seed, Size(150, 30), form)
    draw = np.random.default_rng(seed)
    pairs = problem.pairs
    some = draw.choice(len(pairs), 40, replace=False)
    only = np.full(150, NOBODY, dtype=np.int32)
    only[draw.choice(150, 10, replace=False)] = draw.integers(0, 30, 10)
    return replace(
        problem,
        agent_cap=draw.integers(0, 6, 30),
        load_cost=np.sort(draw.integers(0, 20_000, (30, 3)), axis=1),
        agent_site=draw.integers(NOBODY, 2, 30).astype(np.int32),
        site_cap=np.array([8, 11]),
        banned_contact=pairs.contact[some],
        banned_agent=pairs.agent[some],
        only_agent=only,
    )


@pytest.mark.parametrize("form", list(Form))
@pytest.mark.parametrize("seed", range(3))
def test_the_bound_by_class_is_that_of_the_definition(seed: int, form: Form) -> None:
    """To the unit, at any rents and site prices, whatever the problem has."""
    problem = with_everything(seed, form)
    nodes, draw = build_form(problem), np.random.default_rng(seed)
    for high in (1, 10_000, 200_000):
        rents = draw.integers(0, high, 150)
        site_price = draw.integers(0, high, 2)
        assert bound_of_rents(nodes, rents, site_price) == configuration_bound(
            problem, rents, site_price
        )


def test_gains_of_nodes_are_those_of_agents() -> None:
    """The network of nodes lists the pairs of the problem that some mix has room for."""
    problem = with_everything(1, Form.FULL)
    form = build_form(problem)
    pairs, nodes = problem.pairs, form.network.pairs
    node = form.node_of[pairs.agent, problem.contact_lane[pairs.contact]]
    room = node != NO_NODE
    assert (nodes.contact == pairs.contact[room]).all()
    assert (nodes.agent == node[room]).all()
    assert (nodes.gain == pairs.gain[room]).all()


def many_contacts(
    mixes: Mixes, cap: Ints, load_cost: Ints, contacts: int = 40
) -> AssignmentProblem:
    """Agents of whom every contact wants each; lanes in turn."""
    agents, lanes = len(cap), mixes.count.shape[1]
    base = build_mixed(0, Size(contacts, agents))
    return replace(
        base,
        contact_class=np.zeros(contacts, dtype=np.int32),
        class_ptr=np.array([0, agents]),
        class_agent=np.arange(agents, dtype=np.int32),
        contact_lane=(np.arange(contacts) % lanes).astype(np.int32),
        mixes=mixes,
        lane_cap=np.maximum.reduceat(mixes.count, mixes.start[:-1]),
        agent_cap=cap,
        load_cost=load_cost,
    )


def test_a_mix_above_the_agents_cap_is_replaced_by_its_largest_parts() -> None:
    """(2, 0, 2) with room for 3 in all: (2, 0, 1) or (1, 0, 2); within the cap it stays."""
    given = Mixes(np.array([0, 1, 2]), np.array([[2, 0, 2], [2, 0, 2]]))
    free = np.zeros((2, 0), dtype=np.int64)
    form = build_form(many_contacts(given, np.array([3, 4]), free))
    assert form.mix_count.tolist() == [[1, 0, 2], [2, 0, 1], [2, 0, 2]]
    assert form.mix_start.tolist() == [0, 2, 3]
    assert not form.is_cut_short
    # Whichever part is chosen, the mix that covers it is the one given.
    assert form.whole_mixes(np.array([1, 2])).tolist() == [[2, 0, 2], [2, 0, 2]]


def test_with_load_costs_all_parts_of_a_mix_are_listed_at_their_cost() -> None:
    """(1, 2) has 2 x 3 parts; the first contact costs 5, every later one 7."""
    given = Mixes(np.array([0, 1]), np.array([[1, 2]]))
    form = build_form(many_contacts(given, np.array([9]), np.array([[5, 7]])))
    listed = dict(zip(map(tuple, form.mix_count.tolist()), form.mix_cost.tolist(), strict=True))
    assert listed == {(0, 0): 0, (0, 1): 5, (1, 0): 5, (1, 1): 12, (0, 2): 12, (1, 2): 19}


def test_too_many_parts_are_cut_short_and_the_largest_mixes_stay_covered() -> None:
    """Of the 11 x 11 parts of (10, 10) 64 are kept, and the form says so."""
    given = Mixes(np.array([0, 1]), np.array([[10, 10]]))
    form = build_form(many_contacts(given, np.array([20]), np.array([[5]])))
    assert len(form.mix_count) == 64
    assert form.is_cut_short
    assert (form.slots == 10).all()


def test_mixes_covered_by_another_are_dropped() -> None:
    """(1, 0) is covered by (1, 1); what nobody asks for is not a mix of its own."""
    given = Mixes(np.array([0, 3]), np.array([[1, 0, 4], [1, 1, 0], [0, 1, 0]]))
    problem = many_contacts(given, np.array([9]), np.zeros((1, 0), dtype=np.int64))
    nobody_in_lane_2 = replace(problem, contact_lane=(np.arange(40) % 2).astype(np.int32))
    form = build_form(nobody_in_lane_2)
    assert form.mix_count.tolist() == [[1, 1, 0]]
    assert form.one_mix_each


def test_a_descent_lowers_the_bound_and_its_graph_tells_the_truth() -> None:
    """After a look the value over the graph is the bound over all pairs."""
    problem = build_mixed(2, Size(600, 120))
    form = build_form(problem)
    survey = Survey(form)
    start = cold_start(form, survey, np.random.default_rng(0), never)
    descent = start.descent
    before = descent.bound
    for _ in range(4):
        descent.go_down(40, float(start.gain), 0.3, never)
        descent.look(never)
    assert start.gain < descent.bound < before
    assert descent.proven is not None
    assert descent.proven.bound == configuration_bound(
        problem, descent.proven.rents, descent.proven.site_price
    )
    assert len(survey.graph.row_gain) <= (problem.pairs.gain > 0).sum()


def search_of(form: MixForm) -> tuple[Search, Descent]:
    """A search at the mixes that agents choose after a cold start, and where it starts."""
    survey = Survey(form)
    descent = cold_start(form, survey, np.random.default_rng(0), never).descent
    unit = descent.bound / max(int(descent.choice.used.sum()), 1)
    mixes, fee = descent.choice.mix.copy(), descent.fee()
    return Search(form, survey.graph, mixes, descent.choice.price, fee, unit), descent


def assert_books_kept(problem: AssignmentProblem) -> None:
    """The value that a search carries is the gain of its plan, and the best never falls."""
    search, descent = search_of(build_form(problem))
    best = -np.inf
    plan = Pass(eps=0.01, tries_per_agent=6.0, hot=0.03, cold=0.001)
    for value in search.run(plan, descent.losses(), np.random.default_rng(1), never):
        agent = search.agent
        served = np.flatnonzero(agent != NOBODY)
        pairs = problem.pairs
        key = pairs.contact.astype(np.int64) * problem.num_agents + pairs.agent
        place = np.searchsorted(key, served * problem.num_agents + agent[served])
        assert value == pairs.gain[place].sum()
        assert search.best >= max(best, value)
        best = search.best
    assert best > 0


def test_a_search_keeps_its_books() -> None:
    """Whatever it tries, and takes back."""
    assert_books_kept(build_mixed(2, Size(600, 120)))


def test_a_change_that_needs_more_log_than_there_is_is_given_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The log always has room for the next step, also after everybody was settled anew: a write
    beyond its end would go anywhere.
    """
    monkeypatch.setattr("solver.mix_search.LOGGED", 0)
    problem = build_mixed(2, Size(600, 120))
    search, _ = search_of(build_form(problem))
    room = int(search._log.size[MOST_A_STEP])
    assert room > 2 * int(search._board.open.max(initial=0))
    assert search.settle_all(0.01, never)
    assert search._log.size.tolist() == [0, 0, room]
    assert_books_kept(problem)
