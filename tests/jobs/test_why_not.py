"""Why not this agent: the rule, or the exact loss with who would move; from an archived batch."""

import json
import os
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

import omniassign
from jobs.archive import archive_batch
from jobs.config import Config
from jobs.decided_again import Loss
from jobs.errors import EXPECTED
from jobs.kept_batches import find_batch
from jobs.readers import NotFoundError
from jobs.why_not import slots_of_agent, why_not
from models.answers import MOST_TOLD, Change, Conversation, Verdict, money, price_of_forcing
from models.batch import Batch
from models.batch_problem import build_problem
from models.policy import Policy
from models.problem import MILLI, NOBODY
from models.solution import Limit, SolveOptions, Termination
from solver.assign import assign
from solver.solve import solve
from tests.models.tiny import ago, ahead, pair_gains, serves, tiny

Archive = Callable[..., Path]


@pytest.fixture
def archived(tmp_path: Path) -> Archive:
    """Decides a batch with the flow and archives it; the folder of the archive."""

    def make(batch: Batch, policy: Policy | None = None, backend: str = "flow") -> Path:
        config = Config(policy=policy or Policy(), solver=SolveOptions(backend=backend))
        plan = assign(batch, config.policy, config.solver)
        name = f"{batch.now:%Y%m%dT%H%M%S%f}-{plan.digest()[:8]}"
        archive_batch(tmp_path / "archive" / name, batch, config, plan, None)
        return tmp_path / "archive"

    return make


def test_the_archived_decision_itself_is_asked_about(tmp_path: Path) -> None:
    """Deciding again would give the optimum; the archive has a plan that serves nobody."""
    batch, config = rivals(), Config()
    stated = build_problem(batch, config.policy)
    best = solve(stated.problem, SolveOptions())
    idle = replace(
        best,
        agent=np.full_like(best.agent, NOBODY),
        gain=0,
        baseline=0,
        termination=Termination.FEASIBLE,
        limit=Limit.TIME,
    )
    plan = stated.to_plan(idle)
    archive_batch(tmp_path / "one", batch, config, plan, None, idle)
    answer = why_not(tmp_path / "one", "rich", "a1")
    assert answer.as_decided
    assert answer.plan.agent_id is None
    assert (answer.plan.decision, best.gain > 0) == ("unassigned", True)


def test_another_decision_than_the_archived_one_says_so(tmp_path: Path) -> None:
    """An archive without the decision, whose digest no deciding again can give."""
    batch, config = rivals(), Config()
    plan = replace(assign(batch, config.policy, config.solver), backend="another")
    archive_batch(tmp_path / "one", batch, config, plan, None)
    assert not why_not(tmp_path / "one", "rich", "a1").as_decided


def rivals(**tables: Any) -> Batch:  # noqa: ANN401
    """Emails rich and poor, of two customers, and agents a1 and a2 with one slot each.

    Skill `tax` is asked of both; only a1 has it, so one of them waits.
    """
    given = {
        "agents": [{"agent_id": "a1"}, {"agent_id": "a2"}],
        "agent_channels": [*serves("a1", email=1), *serves("a2", email=1)],
        "agent_skills": [
            {"agent_id": "a1", "skill": "tax", "proficiency": 8},
            {"agent_id": "a2", "skill": "tax", "proficiency": 2},
        ],
        "contacts": [
            {"contact_id": "rich", "value": 900.0},
            {"contact_id": "poor", "value": 300.0},
        ],
        "contact_skills": [
            {"contact_id": "rich", "skill": "tax", "min_proficiency": 5},
            {"contact_id": "poor", "skill": "tax", "min_proficiency": 5},
        ],
    }
    return tiny(**(given | tables))


def test_the_loss_is_the_difference_and_the_story_names_both(archived: Archive) -> None:
    """One slot: poor instead of rich loses the gain of rich less that of poor."""
    batch = rivals()
    gains = pair_gains(build_problem(batch, Policy()))
    answer = why_not(archived(batch), "poor", "a1")
    lost = (gains["rich", "a1"] - gains["poor", "a1"]) / MILLI
    assert answer.verdict is Verdict.COSTS
    assert answer.loss == Loss(lost, lost, exact=True)
    assert answer.sentence == (
        f"a1 could take poor, but the plan would be worth {money(round(lost * MILLI))} less: poor"
        " would go to a1 instead of waiting; rich would wait instead of going to a1."
    )
    assert answer.changes == (
        Change(Conversation("poor", ("poor",)), None, "a1", is_held=False),
        Change(Conversation("rich", ("rich",)), "a1", None, is_held=False),
    )
    assert answer.as_decided
    assert answer.plan.decision == "unassigned"
    assert answer.plan.agent_id is None
    assert answer.pair is not None
    assert answer.pair.gain == gains["poor", "a1"] / MILLI
    assert sum(answer.pair.terms.values()) == pytest.approx(answer.pair.gain, abs=1e-3)


def test_the_time_of_the_agent_is_named_in_money_and_in_words(archived: Archive) -> None:
    """0.05 of a1's attention for 600 s, the window: 0.05 * 8 = 0.4; heads of `q` are worth 2."""
    window = {"window_s": 600.0, "slow_price": 0.0, "late_price": 0.0}
    batch = rivals(
        agent_prices=[{"agent_id": "a1", "fast_price": 8.0} | window],
        queue_prices=[{"queue_id": "q", "head_worth": 2.0}],
    )
    folder = archived(batch)
    answer = why_not(folder, "poor", "a1")
    assert answer.pair is not None
    assert answer.pair.terms["agent_time"] == pytest.approx(-0.4)
    assert answer.pair.terms["head_worth"] == 2.0
    assert answer.sentence.endswith(
        " That counts 30 s of this agent's time, which others may need more: -0.40."
        " That counts somebody served who could give up: 2.00."
    )
    told = " ".join(_call("explain", "poor", "--why-not", "a1", "--archive", str(folder)).split())
    assert "agent_time: time of the agent that others may need" in told
    assert "head_worth: somebody served who could give up" in told


def test_a_chain_moves_a_third_party(archived: Archive) -> None:
    """poor to a1 sends rich to a2, who is weaker: the loss is that of all three pairs.

    Both agents may serve both; at the optimum rich has a1 and poor has a2.
    """
    levels = [("a1", 9), ("a2", 6)]
    batch = rivals(
        agent_skills=[{"agent_id": a, "skill": "tax", "proficiency": p} for a, p in levels]
    )
    gains = pair_gains(build_problem(batch, Policy()))
    answer = why_not(archived(batch), "poor", "a1")
    best = gains["rich", "a1"] + gains["poor", "a2"]
    swapped = gains["rich", "a2"] + gains["poor", "a1"]
    assert answer.loss is not None
    assert answer.loss.at_least == answer.loss.at_most == (best - swapped) / MILLI > 0
    told = [str(change) for change in answer.changes]
    assert told == ["poor would move from a2 to a1", "rich would move from a1 to a2"]
    assert answer.plan.agent_id == "a2"


def test_a_conversation_is_named_by_its_lead_and_members(archived: Archive) -> None:
    """Asked for a member, the answer is about all contacts of the customer."""
    batch = rivals(
        contacts=[
            {"contact_id": "rich", "value": 900.0},
            {"contact_id": "poor", "value": 300.0, "customer_id": "k", "entered_at": ago(20)},
            {"contact_id": "more", "value": 300.0, "customer_id": "k", "entered_at": ago(10)},
        ],
        customers=[{"customer_id": "k"}],
    )
    answer = why_not(archived(batch), "more", "a1")
    assert answer.contact_id == "more"
    assert answer.conversation == Conversation("poor", ("poor", "more"))
    assert "a1 could take poor (with more), but" in answer.sentence
    assert answer.verdict is Verdict.COSTS


@pytest.mark.parametrize(
    ("tables", "policy", "rule", "said"),
    [
        (
            {},
            Policy(),
            "skill_missing",
            "a2 cannot take poor: they lack what it requires: tax at 5",
        ),
        (
            {"agents": [{"agent_id": "a1"}, {"agent_id": "a2", "presence": "offline"}]},
            Policy(),
            "no_present_agent",
            "a2 cannot take poor: they are not present.",
        ),
        (
            {
                "contacts": [{"contact_id": "poor", "language": "de"}],
                "agent_skills": [{"agent_id": "a2", "skill": "tax", "proficiency": 9}],
                "contact_skills": [],
            },
            Policy(),
            "language_missing",
            "a2 cannot take poor: they do not speak its language well enough: de at",
        ),
        (
            {
                "agent_skills": [
                    {"agent_id": a, "skill": "tax", "proficiency": 9} for a in ("a1", "a2")
                ],
                "declines": [{"contact_id": "poor", "agent_id": "a2", "declined_at": ago(60)}],
            },
            Policy(),
            "declined",
            "a2 cannot take poor: they declined it.",
        ),
        (
            {
                "agent_skills": [
                    {"agent_id": a, "skill": "tax", "proficiency": 9} for a in ("a1", "a2")
                ],
                "customers": [{"customer_id": "k"}],
                "contacts": [{"contact_id": "poor", "customer_id": "k"}],
                "agent_load": [{"agent_id": "a1", "contact_id": "old", "customer_id": "k"}],
            },
            Policy(),
            "customer_locked",
            "a2 cannot take poor: they are not the one who is talking to this customer.",
        ),
    ],
)
def test_the_first_rule_that_fails_is_told(
    archived: Archive, tables: dict[str, Any], policy: Policy, rule: str, said: str
) -> None:
    """In the order of the rules, in plain words, with the skill where it is for a skill."""
    answer = why_not(archived(rivals(**tables), policy), "poor", "a2")
    assert (answer.verdict, answer.rule) == (Verdict.NOT_ELIGIBLE, rule)
    assert answer.sentence.startswith(said)
    assert (answer.loss, answer.changes, answer.pair) == (None, (), None)


def test_an_agent_who_is_chosen_already(archived: Archive) -> None:
    """The plan has the pair: no loss, and its terms."""
    answer = why_not(archived(rivals()), "rich", "a1")
    assert answer.verdict is Verdict.CHOSEN
    assert answer.pair is not None
    assert answer.plan.gain == answer.pair.gain


def test_a_site_without_room_takes_nobody(archived: Archive) -> None:
    """Eligible, but the site's cap is 0: no plan has the pair."""
    answer = why_not(archived(rivals(), replace(Policy(), site_caps={"porto": 0})), "poor", "a1")
    assert answer.verdict is Verdict.NO_ROOM
    assert "takes nobody new" in answer.sentence


def test_an_agent_who_is_free_soon_would_hold_it(archived: Archive) -> None:
    """a1 ends an item in 20 s: forcing poor on them means holding it, while rich waits."""
    batch = rivals(
        agent_load=[
            {
                "agent_id": "a1",
                "contact_id": "old",
                "started_at": ago(60),
                "expected_end_at": ahead(20),
                "units": 100.0,
            }
        ]
    )
    answer = why_not(archived(batch), "poor", "a1")
    assert answer.changes[0].is_held
    assert "poor would be held for a1" in answer.sentence


def test_an_unproven_plan_is_answered_with_what_was_found(archived: Archive) -> None:
    """Greedy gives rich to a1, a little better than a2, and leaves poor, whom only a1 can serve.

    Solving again with poor at a1 finds the better plan, and the answer says so.
    """
    batch = rivals(
        agent_skills=[
            {"agent_id": "a1", "skill": "tax", "proficiency": 9},
            {"agent_id": "a2", "skill": "tax", "proficiency": 8},
        ],
        contact_skills=[
            {"contact_id": "rich", "skill": "tax", "min_proficiency": 5},
            {"contact_id": "poor", "skill": "tax", "min_proficiency": 9},
        ],
    )
    gains = pair_gains(build_problem(batch, Policy()))
    better = gains["rich", "a2"] + gains["poor", "a1"] - gains["rich", "a1"]
    answer = why_not(archived(batch, backend="greedy"), "poor", "a1")
    assert answer.loss is not None
    assert answer.loss.at_most == -better / MILLI < 0
    assert answer.loss.at_least is not None
    assert answer.loss.at_least <= answer.loss.at_most
    assert f"and a plan worth {money(better)} more exists" in answer.sentence


def test_a_slot_more_gains_who_waits_and_a_slot_fewer_loses_who_is_served(
    archived: Archive,
) -> None:
    """a1's one email slot: one more serves poor, too, and without it nobody serves rich."""
    batch = rivals()
    gains = pair_gains(build_problem(batch, Policy()))
    told = slots_of_agent(archived(batch), "a1")
    (lane,) = told.lanes
    assert (lane.channel, lane.slots) == ("email", 1)
    assert lane.one_more == (gains["poor", "a1"] / MILLI,) * 2
    assert lane.one_fewer == (gains["rich", "a1"] / MILLI,) * 2


def test_a_slot_has_no_worth_in_money_where_contacts_come_first(archived: Archive) -> None:
    """`old` waited too long, so the next slot serves a contact instead of gaining money."""
    batch = rivals(
        contacts=[{"contact_id": "old", "entered_at": ago(900_000)}, {"contact_id": "rich"}],
        contact_skills=[],
    )
    with pytest.raises(EXPECTED, match="some contacts come before money"):
        slots_of_agent(archived(batch), "a1")


def test_what_is_not_in_the_batch_is_refused_with_the_nearest_ids(
    archived: Archive, tmp_path: Path
) -> None:
    """Contact, agent and batch, each in one line that says what to do."""
    archive = archived(rivals())
    with pytest.raises(NotFoundError, match=r"contact 'pour' is not in .* such as poor; correct"):
        why_not(archive, "pour", "a1")
    with pytest.raises(NotFoundError, match=r"agent 'a3' is not in .* such as a1, a2; correct"):
        why_not(archive, "poor", "a3")
    with pytest.raises(NotFoundError, match=r"no archived batch, .*; run ticks with --archive"):
        why_not(tmp_path / "none", "poor", "a1")


def test_the_newest_batch_answers(archived: Archive) -> None:
    """By the instant in its name; of two plans for one instant the one written last."""
    older = rivals()
    archived(older)
    archive = archived(replace(older, now=older.now + timedelta(seconds=5)))
    newest = find_batch(archive)
    assert newest.name > min(path.name for path in archive.iterdir())
    assert find_batch(newest) == newest
    twin = archive / f"{newest.name.split('-')[0]}-00000000"
    newest.rename(twin)  # sorts before, as a name; then a later plan for the same instant
    archived(replace(older, now=older.now + timedelta(seconds=5)))
    os.utime(twin, ns=(1, 1))
    assert find_batch(archive).name == newest.name


@pytest.mark.parametrize(
    ("at_least", "at_most", "said"),
    [
        (0, 0, "and the plan would be worth as much: "),
        (-5, 0, "and the plan would be worth as much: "),
        (1_230, 1_230, "but the plan would be worth 1.23 less: "),
        (1_000, 1_234, "but the plan would be worth 1.00 to 1.234 less: "),
        (-5, 1_000, "but the plan would be worth up to 1.00 less: "),
        (-200, -200, "and a plan worth 0.20 more exists: this one was not proven optimal: "),
        (-500, -200, "and a plan worth 0.20 more exists: this one was not proven optimal: "),
    ],
)
def test_the_price_is_said_as_exactly_as_it_is_known(
    at_least: int, at_most: int, said: str
) -> None:
    """One amount where it is proven, an interval where it is not; never more than is known."""
    only = Conversation("c", ("c",))
    changes = tuple(Change(only, None, f"a{n}", is_held=False) for n in range(MOST_TOLD + 2))
    told = price_of_forcing(only, "a9", at_least, at_most, (), changes)
    assert told.startswith(f"a9 could take c, {said}c would go to a0 instead of waiting; ")
    assert told.endswith("; and 2 more would change.")


def test_tiers_are_told_before_money() -> None:
    """The strictest tier in which anything changes, and then the money, more or less."""
    only = Conversation("c", ("c",))
    change = (Change(only, None, "a9", is_held=False),)
    assert price_of_forcing(only, "a9", -1_500, -1_500, (0, 1), change) == (
        "a9 could take c, but 1 of tier 1 would no longer be served; the plan would be worth 1.50"
        " more: c would go to a9 instead of waiting."
    )
    found = price_of_forcing(only, "a9", None, 200, (-2, 1), change)
    assert "and a plan that serves 2 more of tier 0 exists, worth 0.20 less" in found
    assert "up to 0.20 less" in price_of_forcing(only, "a9", None, 200, (0, 0), change)


def test_the_commands_answer_as_tables_and_as_json(archived: Archive) -> None:
    """`explain CONTACT --why-not AGENT` and `explain --agent AGENT`; anything else is refused."""
    archive = archived(rivals())
    asked = ["explain", "poor", "--why-not", "a1", "--archive", str(archive)]
    assert "poor would go to a1" in " ".join(_call(*asked).split())
    answer = json.loads(_call(*asked, "--json"))
    assert answer["verdict"] == "costs"
    assert answer["changes"][1]["conversation"]["lead"] == "rich"
    assert answer["loss"]["exact"] is True
    slots = ["explain", "--agent", "a1", "--home", str(archive.parent)]
    assert "one more gains" in _call(*slots)
    assert json.loads(_call(*slots, "--json"))["lanes"][0]["channel"] == "email"
    for words in (
        ["explain"],
        ["explain", "poor", "--agent", "a1"],
        ["explain", "--why-not", "a1"],
    ):
        with pytest.raises(EXPECTED, match="nothing that can be explained"):
            _call(*words)


def _call(*words: str) -> str:
    done = CliRunner().invoke(omniassign.app, list(words))
    if done.exception is not None:
        raise done.exception
    return done.stdout
