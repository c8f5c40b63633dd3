"""Section 5 of `docs/model.md`: what agents' time costs, and what a served head is worth, by hand.

Every number is asked of both implementations.
"""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

import models.agent_time
from models.agent_time import PRICES
from models.audit import audit, recount
from models.batch import Batch
from models.batch_problem import BatchProblem, build_problem
from models.certificate import Names, certify, read_arrays
from models.check_certificate import check
from models.gain import Term
from models.plan import Plan
from models.policy import Policy
from models.recount.price import price_of_time
from models.solution import Proof, SolveOptions, Termination
from models.tables import AGENT_PRICES, Channel
from solver.assign import assign
from solver.solve import solve
from tests.models.messy_rules import Rule, ruled_batch
from tests.models.tiny import Row, ago, ahead, pair_gains, tiny, with_channel

TWO: list[Row] = [{"agent_id": "a"}, {"agent_id": "b"}]
CALL: Row = {"contact_id": "c", "channel": "voice"}


def price(agent_id: str = "a", /, **numbers: float) -> Row:
    """A row of `agent_prices`; what is not named is free, the window is 600 s."""
    nothing = {"window_s": 600.0, "fast_price": 0.0, "slow_price": 0.0, "late_price": 0.0}
    return {"agent_id": agent_id} | nothing | numbers


def costs(batch: Batch, policy: Policy, term: str = "agent_time") -> list[float]:
    """A term of the first conversation with each agent, told alike by both implementations."""
    stated, tables = build_problem(batch, policy), recount(batch, policy)
    gain, agents = stated.gain, np.arange(stated.problem.num_agents)
    first = np.zeros(len(agents), dtype=np.int64)
    here = [column for column, name in enumerate(gain.rated) if name == term]
    one = sum(
        (gain.term_coef[0, column] * gain.rate[gain.term_row[0, column]] for column in here),
        start=np.zeros(len(agents)),
    )
    if term == Term.HEAD_WORTH:
        one = one + gain.head_worth[0]
    entry = tables.eligibility.entry(first, agents)
    other = getattr(tables.worth.terms(first, agents, entry), term)
    assert other.tolist() == pytest.approx(one.tolist(), rel=1e-12, abs=1e-15)
    found: list[float] = one.tolist()
    return found


@pytest.mark.parametrize(
    ("prices", "cost"),
    [
        ({"fast_price": 8.0}, 4.0),  # half of the window of 600 s
        ({"fast_price": 8.0, "window_s": 300.0}, 8.0),
        ({"fast_price": 8.0, "window_s": 100.0}, 8.0),  # never more than once
        ({"slow_price": 0.01}, 3.0),  # all 300 s lie within
        ({"slow_price": 0.01, "window_s": 100.0}, 1.0),
        ({"late_price": 0.01}, 0.0),  # nothing lies beyond
        ({"late_price": 0.01, "window_s": 100.0}, 2.0),
        # 8 * 1 + 0.003 * 100 + 0.01 * 200
        ({"fast_price": 8.0, "slow_price": 0.003, "late_price": 0.01, "window_s": 100.0}, 10.3),
        # 8 * 0.5 + 0.003 * 300
        ({"fast_price": 8.0, "slow_price": 0.003, "late_price": 0.01}, 4.9),
        ({}, 0.0),
    ],
)
def test_a_call_pays_for_each_of_its_seconds_and_its_share_of_the_window(
    prices: dict[str, float], cost: float
) -> None:
    """A call takes 300 s and all attention; `b`, without a row, costs nothing."""
    batch = tiny(agents=TWO, contacts=[CALL], agent_prices=[price(**prices)])
    assert costs(batch, Policy()) == pytest.approx([-cost, 0.0], rel=1e-12)


@pytest.mark.parametrize(
    ("channel", "share"),
    [
        ("voice", 1.0),
        ("video", 1.0),
        ("callback", 1.0),
        ("chat", 0.33),  # three of 33 units
        ("messaging", 0.05),
        ("social", 0.05),
        ("email", 0.05),
        ("case", 0.05),
    ],
)
def test_a_channel_pays_for_the_attention_that_it_takes(channel: str, share: float) -> None:
    """200 s of each at 0.03 a second: 6 for all of the attention."""
    batch = tiny(
        agents=[{"agent_id": "a"}],
        queues=[{"queue_id": "q", "mean_handle_s": 200.0}],
        contacts=[{"contact_id": "c", "channel": channel}],
        agent_prices=[price(slow_price=0.03)],
    )
    assert costs(batch, Policy()) == pytest.approx([-6.0 * share])


def test_the_lead_of_a_conversation_says_what_it_takes() -> None:
    """A mail that goes along with its customer's call pays nothing of its own: 300 s at 0.01."""
    contacts = [CALL | {"customer_id": "u"}, {"contact_id": "m", "customer_id": "u"}]
    batch = tiny(agents=TWO, contacts=contacts, agent_prices=[price(slow_price=0.01)])
    assert costs(batch, Policy()) == pytest.approx([-3.0, 0.0])


def test_the_gain_is_less_by_the_cost_and_by_nothing_else() -> None:
    """1.65 of a chat's gain: 0.33 of the fast price 5, as 480 s fill the window of 300 s."""
    tables = {"agents": TWO, "contacts": [{"contact_id": "c", "channel": "chat"}]}
    free, priced = (
        pair_gains(build_problem(tiny(**tables, agent_prices=rows), Policy()))
        for rows in ([], [price(fast_price=5.0, window_s=300.0)])
    )
    less = {pair: free[pair] - gain for pair, gain in priced.items()}
    assert less == {("c", "a"): 1650, ("c", "b"): 0}


def test_a_queue_says_what_a_head_is_worth_or_else_the_policy() -> None:
    """2.5 in `q`, 0 in `r`, which says so, and the policy's 0.75 in `s`."""
    policy = replace(Policy(), head_worth=0.75)
    for queue, worth in (("q", 2.5), ("r", 0.0), ("s", 0.75)):
        batch = tiny(
            agents=TWO,
            queues=[{"queue_id": name} for name in "qrs"],
            contacts=[{"contact_id": "c", "queue_id": queue}],
            queue_prices=[
                {"queue_id": "q", "head_worth": 2.5},
                {"queue_id": "r", "head_worth": 0.0},
            ],
        )
        assert costs(batch, policy, "head_worth") == [worth, worth]


def test_the_rows_of_others_change_nothing() -> None:
    """Prices of agents and queues that are not there have nobody to pay them."""
    tables = {"agents": TWO, "contacts": [CALL]}
    plain = build_problem(tiny(**tables), Policy())
    others = build_problem(
        tiny(
            **tables,
            agent_prices=[price("gone", fast_price=50.0)],
            queue_prices=[{"queue_id": "closed", "head_worth": 50.0}],
        ),
        Policy(),
    )
    assert same_gains(plain, others)


@pytest.mark.parametrize("seed", range(6))
def test_without_rows_the_gain_is_as_it_was_to_the_bit(seed: int) -> None:
    """No column is added, the base is the sum of its three older parts; free agents add no column
    either.
    """
    batch, policy = ruled_batch(seed, 25, 8, frozenset(Rule) - {Rule.PRICES})
    stated = build_problem(batch, policy)
    gain = stated.gain
    assert Term.AGENT_TIME not in gain.rated
    older = gain.match_base + gain.value_at_risk + gain.priority
    assert gain.base.tobytes() == older.tobytes()
    assert same_gains(stated, build_problem(all_free(batch), policy))


def all_free(batch: Batch) -> Batch:
    """The batch with a price of 0 for every agent."""
    rows = [price(agent_id) for agent_id in batch.agents["agent_id"]]
    return replace(batch, agent_prices=pl.DataFrame(rows, schema=AGENT_PRICES.schema()))


def same_gains(one: BatchProblem, other: BatchProblem) -> bool:
    """Whether everything that gains are made of is the same to the bit."""
    names = ("base", "term_row", "term_coef", "rate", "extra_gain")
    return all(
        getattr(one.problem, name).tobytes() == getattr(other.problem, name).tobytes()
        for name in names
    )


def test_who_waits_for_a_busy_agent_pays_for_their_time_as_well() -> None:
    """`b` is free in 30 s: the chat pays for their time what it would later, beside the hold."""
    tables: dict[str, list[Row]] = {
        "agents": TWO,
        "contacts": [{"contact_id": "c", "channel": "chat"}],
        "agent_load": [
            {"agent_id": "b", "contact_id": "h", "channel": "voice", "expected_end_at": ahead(30)}
        ],
    }
    batch = tiny(**tables, agent_prices=[price("b", fast_price=10.0)])
    # 0.33 of the attention, and 480 s of the window of 600 s: 0.33 * 0.8 * 10
    assert costs(batch, Policy()) == pytest.approx([0.0, -2.64])
    assert costs(batch, Policy(), "hold") == costs(tiny(**tables), Policy(), "hold")


def decided(policy: Policy = Policy(), /, **tables: list[Row]) -> tuple[BatchProblem, Plan]:  # noqa: B008 - frozen
    """A tiny batch and its plan, which the audit finds clean."""
    batch = tiny(**{"agents": TWO} | tables)
    stated = build_problem(batch, policy)
    plan = stated.to_plan(solve(stated.problem, SolveOptions()))
    assert audit(plan, recount(batch, policy)) == ()
    return stated, plan


def given(plan: Plan) -> dict[str, str]:
    """The agent of each assigned contact."""
    return dict(plan.assignments.select("contact_id", "agent_id").iter_rows())


def test_cheap_work_leaves_the_dear_agent_to_who_needs_them() -> None:
    """Both can take the call and `a` is better at it, by 0.6 * 0.2 * 14 = 1.68: not worth 3."""
    skills: dict[str, list[Row]] = {
        "contact_skills": [{"contact_id": "c", "skill": "x", "min_proficiency": 3}],
        "agent_skills": [
            {"agent_id": "a", "skill": "x", "proficiency": 9},
            {"agent_id": "b", "skill": "x", "proficiency": 7},
        ],
    }
    prices = {"agent_prices": [price(slow_price=0.01)]}
    assert given(decided(contacts=[CALL], **skills)[1]) == {"c": "a"}
    assert given(decided(contacts=[CALL], **skills, **prices)[1]) == {"c": "b"}


def test_who_is_worth_less_than_the_time_waits_until_a_head_is_worth_more() -> None:
    """300 s of a call at 1.0 a second are more than the call is worth, which is less than 300."""
    prices = {"agent_prices": [price("a", slow_price=1.0), price("b", slow_price=1.1)]}
    plan = decided(contacts=[CALL], **prices)[1]
    told = plan.explanations.row(0, named=True)
    assert (told["decision"], told["reason"]) == ("unassigned", "not_worth_it")
    assert told["detail"].startswith("Waits: even the best eligible agent, a, would cost more")
    assert told["detail"].endswith(
        " That counts 5 min of this agent's time, which others may need more: -300.00."
    )
    heads = {"queue_prices": [{"queue_id": "q", "head_worth": 300.0}]}
    stated, plan = decided(contacts=[CALL], **prices, **heads)
    assert given(plan) == {"c": "a"}
    told = plan.explanations.row(0, named=True)
    assert (told["agent_time"], told["head_worth"]) == (-300.0, 300.0)
    assert told["detail"].endswith(
        " That counts 5 min of this agent's time, which others may need more: -300.00."
        " That counts somebody served who could give up: 300.00."
    )
    assert pair_gains(stated)["c", "a"] == round(1000 * told["gain"])


def test_who_waited_too_long_is_served_at_any_price() -> None:
    """After 601 s a call has a tier, which comes before the 300 that it costs."""
    late = CALL | {"entered_at": ago(601)}
    prices = {"agent_prices": [price("a", slow_price=9.0), price("b", slow_price=8.0)]}
    plan = decided(contacts=[late], **prices)[1]
    assert given(plan) == {"c": "b"}
    assert plan.gain_milli < 0


def test_prices_of_one_agent_pay_for_all_lanes_that_they_mix() -> None:
    """`a` takes two chats and a mail at once: 2 * 0.33 * 480 / 600 + 0.05 * 600 / 600 of 10."""
    agents: list[Row] = [{"agent_id": "a"}]
    contacts: list[Row] = [
        {"contact_id": "c1", "channel": "chat"},
        {"contact_id": "c2", "channel": "chat"},
        {"contact_id": "m", "channel": "email"},
    ]
    policy = with_channel(Policy(), Channel.CHAT, max_new_per_tick=2)
    channels: list[Row] = [
        {"agent_id": "a", "channel": "chat", "max_items": 2},
        {"agent_id": "a", "channel": "email", "max_items": 1},
    ]
    tables = {"agents": agents, "agent_channels": channels, "contacts": contacts}
    free = decided(policy, **tables)[1]
    priced = decided(policy, **tables, agent_prices=[price(fast_price=10.0)])[1]
    assert given(free) == given(priced) == {"c1": "a", "c2": "a", "m": "a"}
    assert free.gain_milli - priced.gain_milli == 2 * 2640 + 500


def test_only_what_has_a_price_costs_a_pass_over_the_pairs() -> None:
    """One column of a slow price: nobody has a fast one, and no call lasts beyond the window."""
    prices = [price("a", slow_price=0.01), price("b", late_price=0.02)]
    found = build_problem(tiny(agents=TWO, contacts=[CALL], agent_prices=prices), Policy())
    assert found.gain.rated.count(Term.AGENT_TIME) == 1


def test_both_sums_of_the_second_implementation_have_the_prices() -> None:
    """What bounds and rents are made of is the sum of the terms: time -3 and head 2 among them."""
    batch = tiny(
        agents=TWO,
        contacts=[CALL],
        agent_prices=[price("a", slow_price=0.01)],
        queue_prices=[{"queue_id": "q", "head_worth": 2.0}],
    )
    worth, eligibility = recount(batch, Policy()).worth, recount(batch, Policy()).eligibility
    call, agents = np.zeros(2, dtype=np.int64), np.arange(2)
    entry = eligibility.entry(call, agents)
    terms = worth.terms(call, agents, entry)
    assert terms.agent_time.tolist() == pytest.approx([-3.0, 0.0])
    assert terms.head_worth.tolist() == [2.0, 2.0]
    assert worth.gain(call, agents, entry).tolist() == pytest.approx(terms.gain.tolist())


PRICED = frozenset({Rule.PRICES, Rule.PRIORITY, Rule.STATES, Rule.FAIRNESS, Rule.PREFERRED})


@pytest.mark.parametrize("seed", [2, 3, 8, 37])  # mixes, tiers, holds
def test_plans_under_prices_are_proven(seed: int) -> None:
    """Exact backends agree and reach their bound, the audit finds nothing, and the certificate
    proves it; with the prices' columns left out of it, it does not.
    """
    batch, policy = ruled_batch(seed, 14, 6, PRICED)
    policy = replace(policy, preference_share=0.0)
    stated, tables = build_problem(batch, policy), recount(batch, policy)
    problem = stated.problem
    found = [
        solve(problem, SolveOptions(backend=name, deadline_s=30.0)) for name in ("auto", "mixes")
    ]
    plans = [stated.to_plan(solution) for solution in found]
    assert {plan.termination for plan in plans} == {Termination.OPTIMAL}
    assert len({plan.gain_milli for plan in plans}) == 1
    assert all(plan.bound_milli == plan.gain_milli or plan.proof is Proof.SEARCH for plan in plans)
    assert [audit(plan, tables) for plan in plans] == [(), ()]
    names = Names(
        batch.now,
        np.arange(problem.num_contacts).astype(np.str_),
        np.arange(problem.num_agents).astype(np.str_),
    )
    arrays = dict(read_arrays(certify(problem, found[0], names).to_bytes()))
    assert check(arrays) == []
    is_price = np.array([name is Term.AGENT_TIME for name in stated.gain.rated])
    coef = np.where(is_price, 0.0, arrays["term_coef"])
    assert any("the gain is" in text for text in check(arrays | {"term_coef": coef}))


def test_a_plan_that_was_priced_otherwise_is_found_out() -> None:
    """Forgotten prices, a price that is a hundredth higher, and one of another agent."""
    tables: dict[str, list[Row]] = {"agents": TWO, "contacts": [CALL]}
    prices = [price("a", slow_price=0.01), price("b", slow_price=0.01)]
    true = tiny(**tables, agent_prices=prices)
    others = (
        tiny(**tables),
        tiny(**tables, agent_prices=[row | {"slow_price": 0.0101} for row in prices]),
        tiny(**tables, agent_prices=[price("b", slow_price=0.01)]),
    )
    policy = Policy()
    assert audit(assign(true, policy, SolveOptions()), recount(true, policy)) == ()
    for other in others:
        broken = {
            one.rule for one in audit(assign(other, policy, SolveOptions()), recount(true, policy))
        }
        assert {"gain", "term_agent_time"} <= broken


@pytest.mark.parametrize("attribute", ["fast_price", "slow_price", "late_price"])
def test_a_part_that_one_implementation_forgets_is_found(
    attribute: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Either of the two: the other one says what is missing."""
    prices = [
        price(name, fast_price=5.0, slow_price=0.01, late_price=0.02, window_s=100.0)
        for name in "ab"
    ]
    batch = tiny(agents=TWO, contacts=[CALL], agent_prices=prices)
    policy = Policy()
    plan = assign(batch, policy, SolveOptions())
    assert audit(plan, recount(batch, policy)) == ()
    less = replace(batch, agent_prices=batch.agent_prices.with_columns(**{attribute: 0.0}))
    with monkeypatch.context() as patch:
        patch.setattr(
            "models.recount.gain.price_of_time",
            lambda sides: price_of_time(replace(sides, batch=less)),
        )
        found = {one.rule for one in audit(plan, recount(batch, policy))}
    assert {"gain", "term_agent_time"} <= found
    kept = tuple(name for name in PRICES if name != attribute)
    amounts = models.agent_time._amounts
    place = [PRICES.index(name) for name in kept]
    with monkeypatch.context() as patch:
        patch.setattr(models.agent_time, "PRICES", kept)
        patch.setattr(models.agent_time, "_amounts", lambda *given: amounts(*given)[:, place])
        wrong = assign(batch, policy, SolveOptions())
    assert {one.rule for one in audit(wrong, recount(batch, policy))} >= {
        "gain",
        "term_agent_time",
    }
