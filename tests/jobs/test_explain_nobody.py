"""Why nobody takes a contact, and the smallest change that would give it to somebody."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import omniassign
from jobs.archive import archive_batch
from jobs.certify import PlanWitness
from jobs.config import Config
from jobs.decided_again import Loss
from jobs.kept_batches import batch_of
from jobs.readers import NotFoundError
from jobs.why_nobody import Slot, WhyNobody, why_nobody
from models.answers import (
    MOST_TOLD,
    Change,
    Conversation,
    Verdict,
    money,
    price_of_serving,
    slot_more,
)
from models.batch import Batch
from models.batch_problem import build_problem
from models.plan import Reason
from models.policy import Policy
from models.problem import MILLI
from models.sentences import length
from solver.assign import assign
from tests.models.tiny import Row, ago, pair_gains, serves, tiny

Ask = Callable[..., WhyNobody]


@pytest.fixture
def asked(tmp_path: Path) -> Ask:
    """Decides a batch, archives it and asks about a contact."""

    def ask(batch: Batch, contact_id: str, policy: Policy | None = None) -> WhyNobody:
        return why_nobody(archived(tmp_path, batch, policy), contact_id)

    return ask


def archived(folder: Path, batch: Batch, policy: Policy | None = None) -> Path:
    """The folder of an archive that holds the decided batch."""
    config = Config(policy=policy or Policy())
    plan = assign(batch, config.policy, config.solver)
    name = f"{batch.now:%Y%m%dT%H%M%S%f}-{plan.digest()[:8]}"
    archive_batch(folder / "archive" / name, batch, config, plan, None)
    return folder / "archive"


def rivals(**tables: list[Row]) -> Batch:
    """Emails rich and poor, of two customers, and one agent with one slot."""
    given: dict[str, list[Row]] = {
        "agents": [{"agent_id": "a"}],
        "agent_channels": serves("a", email=1),
        "contacts": [
            {"contact_id": "rich", "value": 900.0},
            {"contact_id": "poor", "value": 300.0},
        ],
    }
    return tiny(**(given | tables))


def test_who_lost_is_told_by_how_much(asked: Ask) -> None:
    """One slot: poor is served if it is worth more than what rich brings more; a second slot
    would go to poor, and bring what poor is worth.
    """
    batch = rivals()
    gains = pair_gains(build_problem(batch, Policy()))
    lost, own = gains["rich", "a"] - gains["poor", "a"], gains["poor", "a"]
    answer = asked(batch, "poor")
    assert answer.verdict is Verdict.COSTS
    assert answer.loss == Loss(lost / MILLI, lost / MILLI, exact=True)
    assert answer.slot == Slot("a", "email", (own / MILLI, own / MILLI), serves=True)
    assert answer.sentence == (
        f"poor would be served if it were worth over {money(lost)} more: poor would go to a"
        " instead of waiting; rich would wait instead of going to a. One more email slot of a"
        f" would serve it, too, and would be worth {money(own)}."
    )
    assert answer.obstacles.gives == ("a",)
    assert answer.as_decided


def test_what_is_not_worth_it_is_told_how_much_is_missing(asked: Ask) -> None:
    """A failure that costs 1,000 makes the pair negative, by as much as it lacks."""
    policy = replace(Policy(), failure_fixed=1_000.0, service_worth=0.0)
    batch = rivals(contacts=[{"contact_id": "poor", "value": 300.0}])
    missing = -pair_gains(build_problem(batch, policy))["poor", "a"]
    assert missing > 0
    answer = asked(batch, "poor", policy)
    assert (answer.verdict, answer.slot) == (Verdict.COSTS, None)
    assert answer.loss == Loss(missing / MILLI, missing / MILLI, exact=True)
    assert answer.sentence == (
        f"poor would be served if it were worth over {money(missing)} more: poor would go to a"
        " instead of waiting."
    )


def test_rules_that_keep_everybody_away_are_told_with_the_smallest_change(asked: Ask) -> None:
    """Only the skill is missing, one level of it, and it will be dropped two hours after entry:
    not at once, because somebody who is there has it.
    """
    batch = rivals(
        contact_skills=[
            {"contact_id": "poor", "skill": "tax", "min_proficiency": 5, "importance": "low"}
        ],
        contacts=[{"contact_id": "poor", "entered_at": ago(3600)}],
        agents=[{"agent_id": "a"}, {"agent_id": "b", "presence": "busy"}, {"agent_id": "c"}],
        agent_channels=[*serves("a", email=1), *serves("b", email=1), *serves("c", email=1)],
        agent_skills=[
            {"agent_id": "a", "skill": "tax", "proficiency": 4},
            {"agent_id": "b", "skill": "tax", "proficiency": 9},
            {"agent_id": "c", "skill": "tax", "proficiency": 3},
        ],
    )
    answer = asked(batch, "poor")
    assert (answer.verdict, answer.plan.decision) == (Verdict.NOT_ELIGIBLE, "unassigned")
    assert answer.sentence == (
        "poor needs tax at 5 and email: 0 of 3 agents; dropping tax at 5 gives 2 (a, c). tax at 4"
        " would do for a. It asks for less from 2026-11-18 11:00:00 UTC on."
    )
    assert (answer.loss, answer.slot, answer.changes) == (None, None, ())
    failing = {test.reason: test.num_failing for test in answer.obstacles.tests}
    assert failing == {Reason.SKILL_MISSING: 2, Reason.AT_CAPACITY: 1}


def test_money_does_not_help_against_contacts_that_come_first(asked: Ask) -> None:
    """The one slot is for who waited beyond the limit; a second one would serve both."""
    old = {"contact_id": "old", "entered_at": ago(900_000), "value": 1.0}
    batch = rivals(contacts=[{"contact_id": "rich", "value": 9_000.0}, old])
    answer = asked(batch, "rich")
    assert (answer.verdict, answer.loss) == (Verdict.NO_ROOM, None)
    assert answer.sentence == (
        "No plan serves rich, whatever it is worth: contacts that come first take every slot that"
        " it could have. One more email slot of a would serve it, too."
    )
    assert answer.as_decided


def test_an_archived_decision_in_tiers_is_the_decision(tmp_path: Path) -> None:
    """What tiers add to prices and rents is kept with them: the plan is the same to the byte."""
    old = {"contact_id": "old", "entered_at": ago(900_000), "value": 1.0}
    batch = rivals(contacts=[{"contact_id": "rich", "value": 9_000.0}, old])
    config, witness = Config(), PlanWitness()
    plan = assign(batch, config.policy, config.solver, witness=witness)
    assert plan.tier_weight_milli > 0
    archive_batch(tmp_path / "one", batch, config, plan, None, witness.solution)
    assert why_nobody(tmp_path / "one", "rich").as_decided


def test_a_site_that_is_full_is_no_question_of_money(asked: Ask) -> None:
    """Eligible, but nobody there takes anybody; a slot more would be for rich."""
    answer = asked(rivals(), "poor", replace(Policy(), site_caps={"porto": 0}))
    assert answer.verdict is Verdict.NO_ROOM
    assert "their sites take nobody new in this tick. One more email slot" in answer.sentence
    assert answer.sentence.endswith("but with other contacts.")


def test_who_has_an_agent_is_told_so(asked: Ask) -> None:
    """The plan's own sentence."""
    answer = asked(rivals(), "rich")
    assert (answer.verdict, answer.sentence) == (Verdict.CHOSEN, answer.plan.detail)
    assert answer.sentence.startswith("Goes to a: worth ")


def test_the_command_answers_for_people_and_programs(tmp_path: Path) -> None:
    """`explain CONTACT --why-nobody`, and one line for a contact that is not there."""
    archive = archived(tmp_path, rivals())
    words = ["explain", "poor", "--why-nobody", "--home", str(tmp_path)]
    assert "poor would be served if it were worth over" in " ".join(_call(*words).split())
    answer = json.loads(_call(*words, "--json"))
    assert (answer["verdict"], answer["slot"]["serves"]) == ("costs", True)
    assert answer["obstacles"]["num_agents"] == 1
    with pytest.raises(NotFoundError, match=r"contact 'pour' is not in .* such as poor"):
        why_nobody(archive, "pour")
    with pytest.raises(NotFoundError, match=r"no archived batch"):
        why_nobody(tmp_path / "none", "poor")


def test_an_archive_knows_of_which_ticks_it_has_the_batch(tmp_path: Path) -> None:
    """By the instant in the name; what a killed writer left, with a leading dot, is none."""
    batch = rivals()
    archive = archived(tmp_path, batch)
    assert batch_of(archive, batch.now) is not None
    assert batch_of(archive, ago(5)) is None
    assert batch_of(tmp_path / "none", batch.now) is None
    folder = next(archive.iterdir())
    folder.rename(archive / f".{folder.name}")
    assert batch_of(archive, batch.now) is None


@pytest.mark.parametrize(
    ("at_least", "at_most", "fewer", "said"),
    [
        (1_230, 1_230, (), "c would be served if it were worth over 1.23 more: "),
        (1_000, 1_230, (), "c would be served if it were worth over 1.00 to 1.23 more: "),
        (None, 1_230, (), "c would be served if it were worth up to 1.23 more: "),
        (-10, 1_230, (), "c would be served if it were worth up to 1.23 more: "),
        (0, 0, (), "c could be served, and the plan would be worth as much: "),
        (-9, -9, (), "c could be served, and the plan would be worth 0.009 more: it was not "),
        (5, 5, (0, 1), "c could be served, but 1 of tier 1 would no longer be served; "),
    ],
)
def test_the_price_is_said_as_exactly_as_it_is_known(
    at_least: int | None, at_most: int, fewer: tuple[int, ...], said: str
) -> None:
    """An amount, an interval, or what a tier would lose; then who would move."""
    only = Conversation("c", ("c",))
    changes = tuple(Change(only, None, f"a{n}", is_held=False) for n in range(MOST_TOLD + 1))
    told = price_of_serving(only, at_least, at_most, fewer, changes)
    assert told.startswith(said)
    assert told.endswith("; and 1 more would change.")


@pytest.mark.parametrize(
    ("worth", "serves", "said"),
    [
        (
            (10, 10),
            True,
            "One more chat slot of Ana would serve it, too, and would be worth 0.01.",
        ),
        ((10, 20), False, "One more chat slot of Ana would be worth 0.01 to 0.02, but with other"),
        (None, True, "One more chat slot of Ana would serve it, too."),
        (None, False, "Even one more chat slot of Ana would not serve it."),
    ],
)
def test_a_slot_more_is_said(worth: tuple[int, int] | None, serves: bool, said: str) -> None:
    """With its worth where it has one in money."""
    assert slot_more("Ana", "chat", worth, serves=serves).startswith(said)


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0.4, "0 s"),
        (59.6, "1 min"),
        (200.0, "3 min 20 s"),
        (3_600.0, "1 h"),
        (7_519.0, "2 h 5 min"),
        (90_061.0, "1 d 1 h"),
    ],
)
def test_lengths_of_time_are_said_in_two_units(seconds: float, said: str) -> None:
    """Rounded to seconds first, so that nothing is `60 s`."""
    assert length(seconds) == said


def _call(*words: str) -> Any:  # noqa: ANN401
    done = CliRunner().invoke(omniassign.app, list(words))
    if done.exception is not None:
        raise done.exception
    return done.stdout
