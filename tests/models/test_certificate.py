"""The certificate: what it holds, what its checker accepts, and that it rejects all else."""

import inspect
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.corruptions import KINDS, corruptions
from benchmarks.differential import Tally, run_medium, run_small
from benchmarks.engine_instances import Size, build_instance
from benchmarks.small_instances import Family, draw_problem
from models.bound import configuration_bound, contact_rents, no_prices
from models.certificate import TIERS, Certificate, Names, certify, read_arrays
from models.check_certificate import FORMAT, check
from models.dense_problem import dense_problem
from models.problem import NO_TIER, NOBODY, AssignmentProblem, Ints, Mixes
from models.solution import Limit, Proof, Solution, SolveOptions, Termination
from solver.backend import assignment_gain
from solver.backends import auction, flow, greedy

Arrays = dict[str, Any]

DOC = Path(__file__).parents[2] / "docs" / "certificate.md"


def names_of(problem: AssignmentProblem) -> Names:
    """Numbers as ids."""
    contacts, agents = np.arange(problem.num_contacts), np.arange(problem.num_agents)
    tick_at = datetime(2026, 11, 3, 14, tzinfo=UTC)
    return Names(tick_at, contacts.astype(np.str_), agents.astype(np.str_))


def arrays_of(certificate: Certificate) -> Arrays:
    """The arrays as a reader of the file has them."""
    return dict(read_arrays(certificate.to_bytes()))


def honest(problem: AssignmentProblem) -> Arrays:
    """The certificate of the optimum of a network."""
    return arrays_of(
        certify(problem, flow.solve(problem, SolveOptions(), None), names_of(problem))
    )


def claim(
    problem: AssignmentProblem,
    agent: list[int],
    rent: list[int],
    **parts: Any,  # noqa: ANN401
) -> Certificate:
    """A certificate of this plan with these rents and the bound that they prove."""
    plan = np.array(agent, dtype=np.int32)
    prices, paid = no_prices(problem), np.array(rent, dtype=np.int64)
    gain, bound = assignment_gain(problem, plan), configuration_bound(problem, paid, prices.site)
    solution = Solution(
        agent=plan,
        gain=gain,
        bound=bound,
        prices=prices,
        termination=Termination.OPTIMAL if gain == bound else Termination.FEASIBLE,
        limit=None if gain == bound else Limit.METHOD,
        backend="by hand",
        proof=Proof.RENTS,
        rents=paid,
    )
    return certify(problem, replace(solution, **parts), names_of(problem))


def test_the_file_holds_what_the_format_states_and_nothing_else() -> None:
    """Every array of the format, none besides, none of them by pair."""
    problem = build_instance(1, Size(3_000, 400))
    arrays = honest(problem)
    assert set(arrays) == set(FORMAT)
    assert max(array.size for array in arrays.values()) < len(problem.pairs)
    assert str(arrays["tick_at"]) == "2026-11-03T14:00:00+00:00"


def test_an_optimum_by_hand_is_accepted_and_one_unit_less_is_not() -> None:
    """Two contacts want one agent: 7 - 5 is what the better one earns there, so rent 2 proves 7.

    Rents 2 and 0 with the agent's best of (7 - 2, 5 - 0) = 5 make 7; no rent makes 7 as well.
    """
    problem = dense_problem(np.array([[7], [5]]), np.array([1]))
    arrays = arrays_of(claim(problem, [0, NOBODY], [2, 0]))
    assert (int(arrays["bound"]), check(arrays)) == (7, [])
    less = arrays | {"bound": np.array(6), "rent_bound": np.array(6)}
    assert any("the rents prove 7, stated is 6" in text for text in check(less))


def test_a_choice_of_mixes_is_proven_by_rents() -> None:
    """One call (9) or two chats (5 and 6): 11 is best, and 0 rents prove max(9, 5 + 6) = 11."""
    problem = dense_problem(
        np.array([[9], [5], [6]]),
        np.array([2]),
        lane=np.array([0, 1, 1], dtype=np.int32),
        lane_cap=np.array([[1, 2]]),
        mixes=Mixes(np.array([0, 2]), np.array([[1, 0], [0, 2]])),
    )
    best = arrays_of(claim(problem, [NOBODY, 0, 0], [0, 0, 0]))
    assert (int(best["gain"]), int(best["bound"]), check(best)) == (11, 11, [])
    call = best | {"agent": np.array([0, NOBODY, 0]), "gain": np.array(15)}
    assert "an agent holds what fits none of its mixes" in check(call)


LIMITS: list[tuple[str, Callable[[Arrays], Arrays]]] = [
    ("a lane holds", lambda z: z | {"lane_cap": z["lane_cap"] * 0 + 1}),
    ("an agent holds more than", lambda z: z | {"agent_cap": z["agent_cap"] * 0 + 1}),
    ("none of its mixes", lambda z: z | {"mix_count": z["mix_count"] * 0 + 1}),
    ("a site holds", lambda z: z | {"site_cap": z["site_cap"] * 0 + 1}),
    ("more units", lambda z: z | {"unit_cap": np.array([6]), "unit_of_entry": np.array([3, 4])}),
    ("served by tier", lambda z: z | _one_of_two_served()),
    ("the gain is 12", lambda z: z | {"gain": np.array(11)}),
    ("above the bound", lambda z: z | {"bound": np.array(11)}),
    ("with a gap", lambda z: z | {"bound": np.array(13)}),
    ("is below what the rents prove", lambda z: z | {"rent_bound": np.array(13)}),
    ("a contact is listed twice", lambda z: z | {"contact_id": np.array(["a", "a"])}),
    ("not eligible", lambda z: z | {"only_agent": np.array([NOBODY, 0]), "class_ptr": _none()}),
    ("beyond 2^40", lambda z: z | {"base": np.array([1e12, 0.0])}),
    ("out of range, or one that is no number", lambda z: z | {"rate": z["rate"] * np.nan}),
    ("proof is hope", lambda z: z | {"proof": np.array("hope")}),
    ("array rent is missing", lambda z: z | {"rent": z["rent"].astype(np.float64)}),
    ("array rent has length 1", lambda z: z | {"rent": z["rent"][:1]}),
    ("array class_ptr does not rise", lambda z: z | {"class_ptr": np.array([0, 2, 2])[::-1]}),
    ("unit_of_entry has 0 values", lambda z: z | {"unit_cap": np.array([6])}),
]


def _one_of_two_served() -> Arrays:
    """Both contacts are of tier 0, of which one is said to be served."""
    one = np.array([1])
    return {"tier": np.array([0, 0]), "served": one, "tier_level": one - 1}


def _none() -> Ints:
    """Classes of which only the first has the agent."""
    return np.array([0, 2, 2])


@pytest.mark.parametrize(("said", "change"), LIMITS, ids=[said for said, _ in LIMITS])
def test_every_limit_has_its_own_words(said: str, change: Callable[[Arrays], Arrays]) -> None:
    """One agent with room for two holds two, worth 7 and 5; then one thing is changed."""
    problem = dense_problem(
        np.array([[7], [5]]),
        np.array([2]),
        agent_site=np.array([0], dtype=np.int32),
        site_cap=np.array([2]),
    )
    arrays = arrays_of(claim(problem, [0, 0], [7, 5]))
    assert check(arrays) == []
    assert any(said in text for text in check(change(arrays)))


def test_a_bound_by_search_is_told_from_one_by_rents() -> None:
    """12 is proven by rents; a search that claims 11 is believed only where it says so.

    One of two contacts (7 and 5) fits; rents of 7 and 5 prove 12, no rents would prove 7.
    """
    problem = dense_problem(np.array([[7], [5]]), np.array([1]))
    searched = claim(problem, [0, NOBODY], [7, 5], bound=11, proof=Proof.SEARCH)
    assert (searched.rent_bound, searched.bound, searched.proof) == (12, 11, "search")
    assert check(arrays_of(searched)) == []
    pretended = arrays_of(replace(searched, proof="rents"))
    assert check(pretended) == ["the bound is below what the rents prove"]


def test_tiers_are_counted_and_their_bound_is_not_claimed_to_be_checked() -> None:
    """Contact 1 is served before 0 though it is worth less: feasible, counted, proof TIERS."""
    problem = dense_problem(
        np.array([[7], [5]]), np.array([1]), tier=np.array([NO_TIER, 0], dtype=np.int32)
    )
    certificate = claim(problem, [NOBODY, 0], [0, 0], bound=5, served=(1,))
    assert (certificate.proof, certificate.rent_bound, certificate.bound) == (TIERS, 7, 5)
    arrays = arrays_of(certificate)
    assert check(arrays) == []
    assert check(arrays | {"served": np.array([0])})
    weighted = np.array([-3, 2**50])
    cut = claim(problem, [NOBODY, 0], [0, 0], bound=5, served=(1,), rents=weighted)
    assert cut.rent.tolist() == [0, 2**40]
    assert check(arrays_of(cut)) == []


def test_the_weight_of_a_tier_is_part_of_the_proof() -> None:
    """One slot for 7 without a tier or 5 with one: with weight 10 the rents 0 and 8 and the slot's
    price 7 prove 15 - 10 = 5, the most that a plan which serves the tier gains.
    """
    problem = dense_problem(
        np.array([[7], [5]]), np.array([1]), tier=np.array([NO_TIER, 0], dtype=np.int32)
    )
    solution = Solution(
        agent=np.array([NOBODY, 0], dtype=np.int32),
        gain=5,
        bound=5,
        prices=replace(no_prices(problem), agent=np.array([7])),
        termination=Termination.OPTIMAL,
        limit=None,
        backend="hand",
        served=(1,),
        tier_weight=10,
        tier_levels=(1,),
    )
    certificate = certify(problem, solution, names_of(problem))
    assert (certificate.rent.tolist(), certificate.proof) == ([0, 8], "prices")
    arrays = arrays_of(certificate)
    assert check(arrays) == []
    # Half the weight proves less: 8 + max(7 - 0, 10 - 8) - 5 = 10 is above 5.
    assert check(arrays | {"tier_weight": np.array(5)})
    assert check(arrays | {"tier_weight": np.array(2**41 - 1)})


def test_a_bound_by_knapsacks_is_told_from_one_by_rents() -> None:
    """Units 3 and 2 of 4: one of 7 and 5 fits, a knapsack proves 7, two contacts in a mix 12."""
    problem = dense_problem(
        np.array([[7], [5]]),
        np.array([2]),
        units=np.array([[3], [2]]),
        unit_cap=np.array([4]),
    )
    certificate = claim(problem, [0, NOBODY], [0, 0], bound=7, proof=Proof.UNITS)
    assert (certificate.proof, certificate.rent_bound) == (Proof.UNITS, 12)
    arrays = arrays_of(certificate)
    assert check(arrays) == []
    both = arrays | {"agent": np.array([0, 0]), "gain": np.array(12), "bound": np.array(12)}
    assert check(both) == ["an agent holds more units than its cap"]


def test_contacts_without_agents_and_agents_without_contacts_are_accepted() -> None:
    """Nothing to assign is a plan too; its bound is 0."""
    for contacts, agents in ((0, 0), (0, 3), (3, 0), (3, 1)):
        problem = dense_problem(np.zeros((contacts, agents), np.int64), np.ones(agents, np.int64))
        assert check(honest(problem)) == []


def test_an_auctions_rents_are_a_certificate_whoever_works_them_out() -> None:
    """Rents given and rents from listed pairs are the same bytes; more than one block of pairs."""
    problem = build_instance(3, Size(3_000, 400))
    solved = auction.solve(problem, SolveOptions(deadline_s=60.0), None)
    given = certify(problem, solved, names_of(problem), contact_rents(problem, solved.prices))
    assert given.to_bytes() == certify(problem, solved, names_of(problem)).to_bytes()
    arrays = arrays_of(given)
    assert check(arrays) == []
    assert dict(corruptions(given, arrays, 0)).keys() > {"better_pair_hidden", "bound_one_less"}


@pytest.mark.parametrize("family", Family)
def test_small_problems_agree_with_enumeration_and_the_checker_with_both(family: Family) -> None:
    """50 a family: optimum between gain and bound, honest accepted, corrupted rejected."""
    tally = Tally()
    for seed in range(50):
        run_small(family, seed, ("greedy", "flow", "auction"), tally)
    assert tally.wrong == []
    assert tally.accepted == tally.solved
    assert len(tally.rejected) >= 20


def test_medium_problems_agree_between_solvers() -> None:
    """The auction and the flow, and PuLP's programme on the first, which has lanes and sites."""
    tally = Tally()
    for seed in range(4):
        run_medium(seed, tally)
    assert tally.wrong == []
    assert tally.proven["medium auction"] == 4
    assert tally.proven["medium with lanes and sites lp"] == 1


def test_every_kind_of_corruption_is_met() -> None:
    """30 kinds and more, each applied to some of these problems and rejected each time."""
    met = set[str]()
    for family in (Family.NETWORK, Family.UNITS):
        for seed in range(30):
            problem = draw_problem(family, seed)
            certificate = certify(problem, _greedy(problem), names_of(problem))
            for kind, arrays in corruptions(certificate, arrays_of(certificate), seed):
                assert check(arrays), f"{kind} of {family} {seed} is accepted"
                met.add(kind)
    assert met == {kind.__name__ for kind in KINDS}


def _greedy(problem: AssignmentProblem) -> Solution:
    return greedy.solve(problem, SolveOptions(), None)


def test_a_damaged_file_is_never_accepted_as_another_claim() -> None:
    """Any byte of the file flipped: no file, a finding, or the very same arrays."""
    problem = draw_problem(Family.NETWORK, 4)
    content = certify(problem, _greedy(problem), names_of(problem)).to_bytes()
    before, spoilt = read_arrays(content), bytearray(content)
    for place in np.random.default_rng(0).integers(0, len(content), 300).tolist():
        spoilt[place] ^= 0xFF
        try:
            arrays = read_arrays(bytes(spoilt))
        except ValueError:
            arrays = {}
        same = arrays.keys() == before.keys() and all(
            np.array_equal(arrays[name], before[name]) for name in before
        )
        assert same or check(arrays)
        spoilt[place] ^= 0xFF


def listing(number: int) -> str:
    """A block of code of the page."""
    return str(re.findall(r"```python\n(.*?)```", DOC.read_text(encoding="utf-8"), re.S)[number])


def test_the_page_states_the_format_and_shows_the_checker() -> None:
    """Every array with its kind and shape, in order; the function as it runs."""
    rows = re.findall(r"^\| `(\w+)` \| (\w) \| (.*?) ?\|", DOC.read_text(encoding="utf-8"), re.M)
    stated = [(name, kind, ", ".join(shape)) for name, (kind, shape, _, _) in FORMAT.items()]
    assert rows == stated
    assert listing(1) == inspect.getsource(check)


def test_the_proof_in_30_lines_says_what_the_checker_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It runs on honest certificates, and stops at corrupted ones that are well formed."""
    code = listing(0)
    assert len([line for line in code.splitlines() if line.strip()]) <= 30
    path, program = tmp_path / "certificate.npz", compile(code, str(DOC), "exec")
    monkeypatch.chdir(tmp_path)

    def is_accepted(arrays: Arrays) -> bool:
        np.savez(path, **arrays)
        try:
            exec(program, {})
        except (AssertionError, KeyError):
            return False
        return True

    assert {corrupt.__name__ for corrupt in KINDS} > WELL_FORMED
    for seed in range(12):
        for family in (Family.NETWORK, Family.MIXES):
            problem = draw_problem(family, seed)
            certificate = certify(problem, _greedy(problem), names_of(problem))
            arrays = arrays_of(certificate)
            assert is_accepted(arrays)
            for kind, corrupted in corruptions(certificate, arrays, seed):
                assert kind not in WELL_FORMED or not is_accepted(corrupted), (kind, seed)


WELL_FORMED = {
    "agent_not_of_its_class",
    "pair_banned",
    "only_another_agent",
    "lane_over_its_cap",
    "agent_over_its_cap",
    "site_over_its_cap",
    "mix_that_does_not_fit",
    "gain_one_more",
    "gain_one_less",
    "bound_one_less",
    "rent_lowered",
    "rent_raised",
    "rent_below_zero",
    "site_price_below_zero",
    "better_pair_hidden",
    "value_changed",
    "load_cost_raised",
}
"""Corruptions of limits and numbers, not of the file's form."""
