"""What agents prefer, as weights of pairs (`docs/model.md` 6, "Preferences")."""

from dataclasses import replace

import pytest

from models.batch_problem import BatchProblem, build_problem
from models.policy import Policy
from tests.models.tiny import Row, ago, tiny

Tables = dict[str, list[Row]]


def stated(policy: Policy | None = None, /, **tables: list[Row]) -> BatchProblem:
    """Two agents and one email `c`, unless said otherwise."""
    base: Tables = {
        "agents": [{"agent_id": "a"}, {"agent_id": "b"}],
        "contacts": [{"contact_id": "c"}],
    }
    return build_problem(tiny(**base | tables), policy or Policy())


def weights(found: BatchProblem) -> dict[tuple[str, str], float]:
    """Weights that are not 0, by lead and agent."""
    if found.wishes is None:
        return {}
    table = found.wishes.rate[found.wishes.row]
    leads = found.conversations.units["lead_contact_id"].to_list()
    agents = found.agents.agents["agent_id"].to_list()
    return {
        (leads[i], agents[j]): float(table[i, j])
        for i in range(len(leads))
        for j in range(len(agents))
        if table[i, j] != 0
    }


def likes(agent_id: str, subject: str, weight: float = 0.5) -> Row:
    """A row of `agent_preferences`."""
    return {"agent_id": agent_id, "subject": subject, "weight": weight}


def asks(skill: str, contact_id: str = "c", importance: str = "required") -> Row:
    """A row of `contact_skills`."""
    return {
        "contact_id": contact_id,
        "skill": skill,
        "min_proficiency": 3,
        "importance": importance,
    }


@pytest.mark.parametrize(
    ("subject", "counts"),
    [
        ("queue:q", True),
        ("queue:other", False),
        ("channel:email", True),
        ("channel:voice", False),
        ("skill:refunds", True),
        ("skill:german", False),
        ("skill:language:es", True),
        ("refunds", False),
    ],
)
def test_a_preference_matches_queue_channel_or_skill(subject: str, counts: bool) -> None:
    """A Spanish email in queue q that asks for refunds."""
    found = stated(
        contacts=[{"contact_id": "c", "language": "es"}],
        contact_skills=[asks("refunds")],
        agent_preferences=[likes("b", subject)],
    )
    assert weights(found) == ({("c", "b"): 0.5} if counts else {})


def test_weights_of_one_pair_add_up() -> None:
    """Likes mail, avoids the queue: 0.75 - 0.5; each agent for themselves."""
    found = stated(
        agent_preferences=[
            likes("a", "channel:email", 0.75),
            likes("a", "queue:q", -0.5),
            likes("b", "queue:q", -1.0),
        ]
    )
    assert weights(found) == {("c", "a"): 0.25, ("c", "b"): -1.0}


def test_a_skill_that_is_no_longer_insisted_on_still_counts() -> None:
    """Dropped after 2 h for mail, but named all the same."""
    found = stated(
        contacts=[{"contact_id": "c", "entered_at": ago(3 * 3600)}],
        contact_skills=[asks("refunds", importance="low")],
        agent_preferences=[likes("b", "skill:refunds")],
    )
    assert found.conversations.requirements.is_empty()
    assert weights(found) == {("c", "b"): 0.5}


@pytest.mark.parametrize(
    ("done", "mentor", "presence", "counts"),
    [
        (0, None, "available", True),
        (2, None, "available", False),  # the quota of two is reached
        (1, "a", "busy", True),
        (1, "a", "away", False),
        (1, "gone", "available", False),
    ],
)
def test_a_quota_counts_while_it_is_open_and_the_mentor_is_there(
    done: int, mentor: str | None, presence: str, counts: bool
) -> None:
    """`quota_worth` for every contact of the skill."""
    row = {"agent_id": "b", "skill": "refunds", "quota": 2, "done": done}
    found = stated(
        replace(Policy(), quota_worth=2.5),
        agents=[{"agent_id": "a", "presence": presence}, {"agent_id": "b"}],
        contact_skills=[asks("refunds")],
        agent_quotas=[row | {"mentor_agent_id": mentor}],
        agent_preferences=[likes("b", "skill:refunds", 0.25)],
    )
    assert weights(found) == {("c", "b"): 2.75 if counts else 0.25}


def test_contacts_that_nobody_cares_about_weigh_nothing() -> None:
    """One row of zeros for all of them."""
    found = stated(
        contacts=[{"contact_id": "c"}, {"contact_id": "v", "channel": "voice"}],
        agent_preferences=[likes("a", "channel:voice")],
    )
    assert weights(found) == {("v", "a"): 0.5}
    assert found.wishes is not None
    assert len(found.wishes.rate) == 2


def test_without_a_wish_that_concerns_anybody_there_are_none() -> None:
    """None, so that a tick does not solve twice; weights of 0 and strangers are no wishes."""
    assert stated().wishes is None
    rows = [likes("a", "queue:q", 0.0), likes("gone", "queue:q"), likes("b", "queue:none")]
    assert stated(agent_preferences=rows).wishes is None
