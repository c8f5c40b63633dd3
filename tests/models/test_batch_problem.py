"""Batch to plan and back: nothing is lost, nothing depends on the order of rows."""

import os
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.batch import Batch, empty_batch
from models.batch_problem import build_problem
from models.plan import Carried, Plan
from models.policy import Policy, ProfilePolicy
from models.problem import NOBODY
from models.solution import SolveOptions, Termination
from models.tables import (
    ASSIGNMENT,
    EXPLANATION,
    INPUT_TABLES,
    OUTLOOK,
    PRICE,
    REQUEUE,
    UNASSIGNED,
    Channel,
    Table,
)
from scenarios.generate import generate_batch
from solver.assign import assign
from solver.solve import solve
from tests.models.tiny import NOW, Row, ago, ahead, tiny

ROOT = Path(__file__).parents[2]

some = settings(max_examples=5, deadline=None)
seeds = st.integers(0, 2**32 - 1)


def plan_of(batch: Batch, policy: Policy | None = None, previous: Carried | None = None) -> Plan:
    """The plan by the flow."""
    return assign(batch, policy or Policy(), SolveOptions(), previous)


def small(seed: int) -> Batch:
    """A generated batch of 60 contacts and 20 agents, some on a call that ends soon."""
    batch = generate_batch(seed, 60, 20, NOW)
    soon = pl.lit(NOW + timedelta(seconds=40)).cast(pl.Datetime("us", "UTC"))
    full = batch.agents.with_columns(
        capacity_units=pl.when(pl.int_range(pl.len()) % 3 == 0)
        .then(33.0)
        .otherwise("capacity_units")
    )
    load = batch.agent_load.with_columns(expected_end_at=soon)
    return replace(batch, agents=full, agent_load=load)


@some
@given(seed=seeds)
def test_every_contact_comes_back_once(seed: int) -> None:
    """Each id is in exactly one of `assignments` and `unassigned`, and in `explanations`."""
    batch = small(seed)
    plan = plan_of(batch)
    ids = [*plan.assignments["contact_id"], *plan.unassigned["contact_id"]]
    assert sorted(ids) == batch.contacts["contact_id"].to_list()
    assert plan.explanations["contact_id"].to_list() == batch.contacts["contact_id"].to_list()
    assert set(plan.assignments["agent_id"]) <= set(batch.agents["agent_id"])


@some
@given(seed=seeds)
def test_a_held_contact_is_not_assigned(seed: int) -> None:
    """`held` goes to `unassigned`, with its agent and the time when they should be free."""
    plan = plan_of(small(seed))
    held = plan.unassigned.filter(pl.col("decision") == "held")
    assert set(held["contact_id"]).isdisjoint(plan.assignments["contact_id"])
    assert held["agent_id"].null_count() == held["next_chance_at"].null_count() == 0
    assert set(held["agent_id"]).isdisjoint(plan.assignments["agent_id"])


def test_generated_batches_do_hold_contacts() -> None:
    """The property above speaks of something: some seed has held contacts."""
    held = sum((plan_of(small(seed)).unassigned["decision"] == "held").sum() for seed in range(4))
    assert held > 0


@some
@given(seed=seeds)
def test_the_bound_is_never_below_the_gain(seed: int) -> None:
    """gain <= bound; equal for the flow, and the gain is that of the rows less load costs."""
    plan = plan_of(small(seed))
    assert plan.greedy_milli <= plan.gain_milli == plan.bound_milli
    held = plan.explanations.filter(pl.col("decision") == "held").unique("conversation_id")
    per_agent = plan.assignments.filter("is_lead")["agent_id"].value_counts()["count"]
    load = sum(20 * n * (n - 1) // 2 for n in per_agent)  # 0 + 20 + 40 ...
    total = sum([*plan.assignments["gain"], *held["gain"]])
    assert round(1000 * total) - load == plan.gain_milli


@some
@given(seed=seeds)
def test_the_contacts_of_a_conversation_share_one_decision(seed: int) -> None:
    """One agent and one lead per conversation; followers carry neither gain nor units."""
    batch = small(seed)
    plan = plan_of(batch)
    members = build_problem(batch, Policy()).conversations.members
    rows = (
        plan.assignments.join(members.select("contact_id", "conversation_idx"), on="contact_id")
        .group_by("conversation_idx")
        .agg(agents=pl.col("agent_id").n_unique(), leads=pl.col("is_lead").sum(), given=pl.len())
        .join(members.group_by("conversation_idx").len(), on="conversation_idx")
    )
    assert set(rows["agents"]) <= {1}
    assert set(rows["leads"]) <= {1}
    assert rows["given"].to_list() == rows["len"].to_list()
    followers = plan.assignments.filter(~pl.col("is_lead"))
    assert followers.select(pl.sum_horizontal("gain", "units")).to_series().sum() == 0


def shuffled(batch: Batch, seed: int) -> Batch:
    """The same rows, those of every table in another order."""
    frames = {
        table.name: getattr(batch, table.name).sample(fraction=1.0, shuffle=True, seed=seed)
        for table in INPUT_TABLES
    }
    return replace(batch, **frames)


@some
@given(seed=seeds)
def test_the_order_of_rows_does_not_matter(seed: int) -> None:
    """Shuffling every table leaves the digest of the plan unchanged."""
    batch = small(seed)
    assert plan_of(shuffled(batch, seed % 1000)).digest() == plan_of(batch).digest()


def test_the_order_of_equal_rows_does_not_matter_either() -> None:
    """Twelve identical emails and four identical agents: ties are broken by ids, not by place."""
    contacts = [{"contact_id": f"c{n:02}"} for n in range(12)]
    agents = [{"agent_id": f"a{n}", "capacity_units": 20.0} for n in range(4)]
    one = plan_of(tiny(contacts=contacts, agents=agents))
    other = plan_of(tiny(contacts=contacts[::-1], agents=agents[::-1]))
    assert one.digest() == other.digest()
    assert one.assignments.height == 8  # floor(20 / 10) each


PRINT_DIGEST = """
from datetime import UTC, datetime
from models.policy import Policy
from models.solution import SolveOptions
from scenarios.generate import generate_batch
from solver.assign import assign
batch = generate_batch(7, 60, 20, datetime(2026, 11, 18, 10, tzinfo=UTC))
policy = Policy(site_caps={"dublin": 3, "manila": 2})
print(assign(batch, policy, SolveOptions(deadline_s=60.0)).digest(), policy.digest())
"""


def test_another_hash_seed_gives_the_same_plan() -> None:
    """Another process, other string hashes than in this one, the same bytes."""
    seed = "2" if os.environ.get("PYTHONHASHSEED") == "1" else "1"
    other = subprocess.run(
        [sys.executable, "-c", PRINT_DIGEST],
        cwd=ROOT,
        env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert other.returncode == 0, other.stderr
    policy = replace(Policy(), site_caps={"dublin": 3, "manila": 2})
    # On a busy machine a fresh process may spend the usual deadline on loading.
    options = SolveOptions(deadline_s=60.0)
    here = assign(generate_batch(7, 60, 20, NOW), policy, options).digest()
    assert other.stdout.split() == [here, policy.digest()]


def frames(plan: Plan) -> list[tuple[Table, pl.DataFrame]]:
    """Frames of a plan with their contracts."""
    return [
        (ASSIGNMENT, plan.assignments),
        (UNASSIGNED, plan.unassigned),
        (EXPLANATION, plan.explanations),
        (PRICE, plan.prices),
        (REQUEUE, plan.requeue),
        (OUTLOOK, plan.outlook),
    ]


CONTACT: list[Row] = [{"contact_id": "c"}]
AGENT: list[Row] = [{"agent_id": "a"}]


@pytest.mark.parametrize(
    "batch",
    [
        generate_batch(3, 60, 20, NOW),
        empty_batch(NOW),
        tiny(agents=AGENT),
        tiny(contacts=CONTACT),
        tiny(agents=AGENT, contacts=CONTACT),
        tiny(agents=AGENT, contacts=CONTACT, agent_channels=[]),
    ],
    ids=["generated", "empty", "no contacts", "no agents", "one each", "no channels"],
)
def test_plans_follow_their_contracts(batch: Batch) -> None:
    """Columns, dtypes, keys, nulls and enums as `models/tables.py` says, whatever is empty."""
    plan = plan_of(batch)
    for table, frame in frames(plan):
        assert frame.schema == table.schema()
        assert frame.select(table.key).is_duplicated().sum() == 0
        for column in table.columns:
            values = frame[column.name]
            assert column.nullable or values.null_count() == 0, column.name
            assert not column.choices or set(values.drop_nulls()) <= set(column.choices)
            assert values.dtype != pl.Float64 or values.drop_nulls().is_finite().all()
    assert plan.tick_at == NOW
    assert plan.termination is Termination.OPTIMAL
    assert plan.policy_digest == Policy().digest()


def test_nothing_to_do_is_a_plan_of_nothing() -> None:
    """No contacts, no agents: gain and bound 0, empty frames."""
    plan = plan_of(empty_batch(NOW))
    assert (plan.gain_milli, plan.bound_milli, plan.greedy_milli) == (0, 0, 0)
    assert [frame.height for _, frame in frames(plan)] == [0] * 6


def test_an_assignment_names_versions_units_and_gain() -> None:
    """The row that integrations read, whole: versions of the snapshot and the lead's numbers."""
    plan = plan_of(
        tiny(
            agents=[{"agent_id": "a", "version": 8}],
            contacts=[
                {"contact_id": "c", "conversation_id": "t", "version": 3},
                {"contact_id": "d", "conversation_id": "t", "version": 4, "channel": "case"},
            ],
        )
    )
    rows = plan.assignments.select(
        "contact_id", "contact_version", "agent_version", "is_lead", "units", "event", "channel"
    )
    assert rows.rows() == [
        ("c", 3, 8, False, 0.0, "offered", "email"),
        ("d", 4, 8, True, 22.5, "offered", "case"),  # 20 + 0.25 * 10
    ]
    assert plan.assignments["gain"].to_list() == [0.0, plan.gain_milli / 1000]
    assert set(plan.assignments["tick_at"]) == set(plan.assignments["event_at"]) == {NOW}


def test_several_new_conversations_go_to_one_agent_in_a_tick() -> None:
    """Five emails, one agent, three new a tick: three go, the load costs 0 + 0.02 + 0.04."""
    plan = plan_of(tiny(agents=AGENT, contacts=[{"contact_id": f"c{n}"} for n in range(5)]))
    assert plan.assignments.height == 3
    assert round(1000 * sum(plan.assignments["gain"])) - 60 == plan.gain_milli


def test_a_site_takes_no_more_than_its_cap() -> None:
    """Porto may get one, Lima as many as it can: of three contacts two go."""
    agents = [
        {"agent_id": "p1", "capacity_units": 10.0},
        {"agent_id": "p2", "capacity_units": 10.0},
        {"agent_id": "l1", "site": "lima", "capacity_units": 10.0},
    ]
    contacts = [{"contact_id": f"c{n}"} for n in range(3)]
    policy = replace(Policy(), site_caps={"porto": 1})
    plan = plan_of(tiny(agents=agents, contacts=contacts), policy)
    assert plan.assignments["agent_id"].str.starts_with("p").sum() == 1
    assert plan.assignments.height == 2
    assert plan.site_prices["site"].to_list() == ["porto"]
    assert plan_of(tiny(agents=agents, contacts=contacts)).assignments.height == 3


def test_a_hint_maps_prices_back_to_positions() -> None:
    """Prices of the last plan find agent, lane and site again where the agents have changed."""
    policy = replace(Policy(), site_caps={"porto": 1, "lima": 1})
    contacts = [{"contact_id": f"c{n}"} for n in range(9)]
    before = tiny(
        contacts=contacts,
        agents=[
            {"agent_id": "b", "site": "lima"},
            {"agent_id": "c"},
            {"agent_id": "d"},
        ],
    )
    plan = plan_of(before, policy)
    after = build_problem(
        tiny(contacts=contacts, agents=[{"agent_id": name} for name in ("a", "c", "d")]), policy
    )
    hint = after.hint(plan.carried)
    assert hint is not None
    assert hint.prices is not None
    assert after.sites == ("porto",)
    email = list(Channel).index(Channel.EMAIL)
    known = {(row["agent_id"], row["channel"]): row for row in plan.prices.iter_rows(named=True)}
    for place, name in enumerate(("a", "c", "d")):
        row = known.get((name, "email"), {"lane_price": 0.0, "agent_price": 0.0})
        assert hint.prices.lane[place, email] == round(1000 * row["lane_price"])
        assert hint.prices.agent[place] == round(1000 * row["agent_price"])
    sites = dict(plan.site_prices.iter_rows())
    assert hint.prices.site.tolist() == [round(1000 * sites["porto"])]
    assert sites["porto"] > 0
    assert hint.rents is not None
    of_before = dict(plan.explanations.select("contact_id", "rent").iter_rows())
    leads = after.conversations.members.filter(pl.col("position") == 0).sort("conversation_idx")
    assert hint.rents.tolist() == [round(1000 * of_before[lead]) for lead in leads["contact_id"]]


@some
@given(seed=seeds)
def test_the_hint_of_the_same_batch_is_the_solution_s_prices(seed: int) -> None:
    """Out to money and back to thousandths loses nothing where there is a slot to price."""
    stated = build_problem(small(seed), Policy())
    solution = solve(stated.problem, SolveOptions())
    hint = stated.hint(stated.to_plan(solution).carried)
    assert hint is not None
    assert hint.prices is not None
    has_slot = (stated.problem.lane_cap > 0) & (stated.problem.agent_cap > 0)[:, None]
    assert np.array_equal(hint.prices.lane[has_slot], solution.prices.lane[has_slot])
    anywhere = has_slot.any(axis=1)
    assert np.array_equal(hint.prices.agent[anywhere], solution.prices.agent[anywhere])


def test_without_a_plan_there_is_no_hint() -> None:
    """The first tick has nothing to start from."""
    assert build_problem(tiny(), Policy()).hint(None) is None


@some
@given(seed=seeds)
def test_a_hint_never_changes_the_gain(seed: int) -> None:
    """With the last plan as hint, gain and bound are those without it."""
    batch = small(seed)
    first = plan_of(batch)
    again = plan_of(batch, previous=first.carried)
    assert (again.gain_milli, again.bound_milli) == (first.gain_milli, first.bound_milli)


@some
@given(seed=seeds, place=st.integers(0, 19))
def test_one_more_agent_never_lowers_the_gain(seed: int, place: int) -> None:
    """Taking away one agent's slots cannot help.

    Compared on the problem, where value at risk is fixed: in the batch itself one more agent
    shortens everybody's expected delay and so lowers what skipping a contact would cost.
    """
    problem = build_problem(small(seed), Policy()).problem
    slots = problem.agent_cap.copy()
    slots[place] = 0
    fewer = replace(problem, agent_cap=slots)
    assert solve(fewer, SolveOptions()).gain <= solve(problem, SolveOptions()).gain


@some
@given(seed=seeds)
def test_more_room_never_lowers_the_gain(seed: int) -> None:
    """One more slot for everybody cannot hurt, neither can lifting all bans and locks."""
    stated = build_problem(small(seed), Policy())
    problem = stated.problem
    gain = solve(problem, SolveOptions()).gain
    roomy = replace(problem, agent_cap=problem.agent_cap + 1, lane_cap=problem.lane_cap + 1)
    free = replace(problem, only_agent=np.full(problem.num_contacts, NOBODY, dtype=np.int32))
    assert solve(roomy, SolveOptions()).gain >= gain
    assert solve(free, SolveOptions()).gain >= gain


def test_a_batch_is_refused_where_columns_or_zone_are_wrong() -> None:
    """A naive instant or a frame that is not of its contract is a ValueError that says so."""
    batch = tiny(agents=AGENT, contacts=CONTACT)
    with pytest.raises(ValueError, match="without a zone; expected an aware UTC instant"):
        replace(batch, now=NOW.replace(tzinfo=None))
    with pytest.raises(ValueError, match=r"agents has columns.*validate the rows"):
        replace(batch, agents=batch.agents.drop("site"))


def test_the_prices_of_a_plan_cover_every_open_lane() -> None:
    """One row per agent and lane with a slot; who has none is not listed."""
    plan = plan_of(
        tiny(
            agents=[{"agent_id": "a"}, {"agent_id": "b", "presence": "away"}],
            agent_channels=[
                {"agent_id": name, "channel": channel, "max_items": 4}
                for name in ("a", "b")
                for channel in ("email", "case")
            ],
            contacts=[{"contact_id": "c", "due_at": ahead(60)}],
        )
    )
    assert plan.prices.select("agent_id", "channel", "free_slots").rows() == [
        ("a", "email", 3),
        ("a", "case", 4),
    ]


def test_lanes_with_profiles_have_prices_of_their_own() -> None:
    """A mail that takes a place of `complex` has a lane beside plain mail; both come back."""
    policy = replace(Policy(), profiles={"complex": ProfilePolicy(max_items=1)})
    batch = tiny(
        agents=AGENT,
        agent_channels=[{"agent_id": "a", "channel": "email", "max_items": 4}],
        contacts=[
            *({"contact_id": f"c{n}", "profiles": "complex"} for n in range(3)),
            {"contact_id": "d"},
        ],
    )
    plan = plan_of(batch, policy)
    assert plan.assignments["profiles"].to_list().count("complex") == 1
    rows = plan.prices.select("channel", "profiles", "free_slots").rows()
    assert rows == [("email", None, 3), ("email", "complex", 1)]
    again = build_problem(batch, policy)
    hint = again.hint(plan.carried)
    assert hint is not None
    assert hint.prices is not None
    lane = again.conversations.lanes.filter(pl.col("profiles") == "complex")["lane_idx"][0]
    priced = plan.prices.filter(pl.col("profiles") == "complex")["lane_price"][0]
    assert hint.prices.lane[0, lane] == round(1000 * priced)


def test_prices_of_older_ticks_without_profiles_are_still_a_hint() -> None:
    """They are those of the plain lanes."""
    batch = small(3)
    stated, plan = build_problem(batch, Policy()), plan_of(batch)
    older = replace(plan.carried, prices=plan.prices.drop("profiles"))
    hints = [stated.hint(carried) for carried in (plan.carried, older)]
    lanes = [hint.prices.lane for hint in hints if hint is not None and hint.prices is not None]
    assert len(lanes) == 2
    assert lanes[0].any()
    assert np.array_equal(lanes[0], lanes[1])


def test_who_waited_too_long_is_served_before_money_counts() -> None:
    """One slot: the mail of four days goes before the customer who is worth a hundred times it."""
    plan = plan_of(
        tiny(
            agents=[{"agent_id": "a", "capacity_units": 10.0}],
            contacts=[
                {"contact_id": "old", "entered_at": ago(4 * 86_400), "value": 1.0},
                {"contact_id": "rich", "value": 1e6},
            ],
        )
    )
    assert plan.assignments["contact_id"].to_list() == ["old"]
    assert plan.tier_levels[1] > 0  # 72 h is the limit of mail: starved, not yet twice as long
    assert plan.tier_weight_milli > 0


def test_without_tiers_the_problem_has_none() -> None:
    """Nobody starved, no strict class: the engine is not asked to look for tiers."""
    assert build_problem(tiny(agents=AGENT, contacts=CONTACT), Policy()).problem.tier is None


@pytest.mark.parametrize(
    ("contact", "tables", "seen"),
    [
        ({}, {}, False),
        ({"last_agent_id": "a"}, {}, True),
        ({"last_agent_id": "b"}, {}, False),
        ({"resolver_agent_id": "a"}, {}, True),
        ({"customer_id": "u"}, {}, False),
        (
            {"customer_id": "u"},
            {"customers": [{"customer_id": "u", "owner_agent_id": "a"}]},
            True,
        ),
        (
            {"customer_id": "u"},
            {"customer_agents": [{"customer_id": "u", "agent_id": "a", "score": 1.0}]},
            True,
        ),
        (
            {"customer_id": "u"},
            {"agent_load": [{"contact_id": "h", "agent_id": "a", "customer_id": "u"}]},
            True,
        ),
        (
            {"customer_id": "u"},
            {"agent_load": [{"contact_id": "h", "agent_id": "a", "customer_id": "v"}]},
            False,
        ),
    ],
)
def test_an_assignment_says_whether_the_agent_knows_the_customer(
    contact: Row, tables: dict[str, list[Row]], seen: bool
) -> None:
    """Last, owner, dedicated, resolver or holding something of them."""
    plan = plan_of(tiny(agents=AGENT, contacts=[{"contact_id": "c"} | contact], **tables))
    assert plan.assignments["seen_before"].to_list() == [seen]


def test_an_assignment_says_how_much_else_the_agent_will_see() -> None:
    """Two mails and a case of one customer wait, one item is held: each has three beside it."""
    customer = {"customer_id": "u"}
    contacts = [{"contact_id": name} | customer for name in ("c", "d")]
    contacts.append({"contact_id": "e", "channel": "case"} | customer)
    load = {"contact_id": "h", "agent_id": "a", "state": "parked"} | customer
    plan = plan_of(tiny(agents=AGENT, contacts=contacts, agent_load=[load]))
    assert plan.assignments["num_context"].to_list() == [3, 3, 3]
    assert plan_of(tiny(agents=AGENT, contacts=CONTACT)).assignments["num_context"][0] == 0


def test_an_assignment_says_whether_the_agent_is_borrowed() -> None:
    """`q` has one member, who is away, and `r` helps; a queue open to all borrows nobody."""
    queues: list[Row] = [
        {"queue_id": "q"},
        {"queue_id": "r", "arrivals_per_h": 0.0},
    ]
    plan = plan_of(
        tiny(
            queues=queues,
            agents=[{"agent_id": "a"}, {"agent_id": "b", "presence": "away"}],
            queue_members=[
                {"queue_id": "q", "agent_id": "b"},
                {"queue_id": "r", "agent_id": "a"},
            ],
            overflow=[
                {"queue_id": "q", "to_queue_id": "r", "condition": "waited", "threshold": 0.0}
            ],
            contacts=[
                {"contact_id": "c", "entered_at": ago(60)},
                {"contact_id": "d", "queue_id": "r"},
            ],
        )
    )
    assert plan.assignments.select("contact_id", "is_borrowed").rows() == [
        ("c", True),
        ("d", False),
    ]
    open_to_all = plan_of(
        tiny(
            agents=AGENT,
            contacts=[{"contact_id": "c", "language": "es"}],
            agent_skills=[{"agent_id": "a", "skill": "language:es", "proficiency": 9}],
            queue_members=[],
        )
    )
    assert open_to_all.assignments["is_borrowed"].to_list() == [False]


def test_a_plan_names_what_should_be_requeued_and_what_queues_expect() -> None:
    """Frames by their contracts: a mail of somebody gone, and one row for the queue."""
    plan = plan_of(
        tiny(
            agents=[
                {"agent_id": "a", "shift_end_at": ago(9 * 3600), "shift_start_at": ago(17 * 3600)}
            ],
            contacts=CONTACT,
            agent_load=[{"contact_id": "h", "agent_id": "a", "started_at": ago(12 * 3600)}],
        )
    )
    assert plan.requeue["contact_id"].to_list() == ["h"]
    assert plan.outlook.select("queue_id", "num_waiting").rows() == [("q", 1)]


def test_without_agents_everybody_waits_and_is_told_why() -> None:
    """Two contacts, no agent: both unassigned because nobody is present."""
    plan = plan_of(tiny(contacts=[{"contact_id": "c"}, {"contact_id": "d"}]))
    assert plan.unassigned["reason"].to_list() == ["no_present_agent"] * 2
