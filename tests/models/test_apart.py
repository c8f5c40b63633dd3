"""Section 3b of `docs/model.md`, rule 2: contacts that need different agents go apart."""

from dataclasses import replace

import pytest

from models.batch_problem import build_problem
from models.policy import Policy, VoiceFollow
from models.solution import SolveOptions
from solver.assign import assign
from tests.models.tiny import Row, ago, ahead, serves, tiny

Tables = dict[str, list[Row]]

TEAM: list[Row] = [{"agent_id": "french"}, {"agent_id": "german"}]


def speaks(agent_id: str, *codes: str) -> list[Row]:
    """Rows of `agent_skills` for languages."""
    return [
        {"agent_id": agent_id, "skill": f"language:{code}", "proficiency": 9} for code in codes
    ]


LANGUAGES = speaks("french", "fr") + speaks("german", "de")


def contact(contact_id: str, channel: str, language: str | None = None, **more: object) -> Row:
    """A contact of customer `u`."""
    row = {"contact_id": contact_id, "channel": channel, "customer_id": "u", "language": language}
    return row | more


CHAT = contact("chat", "chat", "fr")
MAIL = contact("mail", "email", "de")


def outcome(policy: Policy | None = None, /, **tables: list[Row]) -> dict[str, str]:
    """Agent of each contact, or the reason for which it waits."""
    base: Tables = {"agents": TEAM, "agent_skills": LANGUAGES, "contacts": [CHAT, MAIL]}
    plan = assign(tiny(**base | tables), policy or Policy(), SolveOptions())
    given = dict(plan.assignments.select("contact_id", "agent_id").iter_rows())
    return given | dict(plan.unassigned.select("contact_id", "reason").iter_rows())


def together(**tables: list[Row]) -> list[str]:
    """Contact ids of each conversation, joined, the lead first."""
    base: Tables = {"agents": TEAM, "agent_skills": LANGUAGES}
    members = build_problem(tiny(**base | tables), Policy()).conversations.members
    groups = members.group_by("conversation_idx", maintain_order=True).agg("contact_id")
    return sorted(" ".join(ids) for ids in groups["contact_id"])


def test_contacts_that_need_different_skills_go_to_different_agents() -> None:
    """Nobody speaks both languages: the chat goes to one agent, the mail to the other."""
    assert outcome() == {"chat": "french", "mail": "german"}


def test_contacts_of_different_teams_channels_go_to_different_agents() -> None:
    """One team serves chat, the other one mail, and nobody both."""
    channels = [*serves("french", chat=3), *serves("german", email=5)]
    contacts = [contact("chat", "chat"), contact("mail", "email")]
    found = outcome(agent_channels=channels, contacts=contacts)
    assert found == {"chat": "french", "mail": "german"}


BOTH = [*LANGUAGES, *speaks("both", "fr", "de")]
FULL: list[Row] = [
    {"contact_id": "h", "agent_id": "both", "channel": "voice", "started_at": ago(10)}
]


@pytest.mark.parametrize(
    ("third", "tables", "expected"),
    [
        ({}, {}, {"chat": "both", "mail": "both"}),
        # Busy is suitable: they wait together for who can take both.
        ({}, {"agent_load": FULL}, {"chat": "at_capacity", "mail": "at_capacity"}),
        ({"presence": "busy"}, {}, {"chat": "at_capacity", "mail": "at_capacity"}),
        # Away, off shift, or leaving before the chat could be finished: not suitable.
        ({"presence": "away"}, {}, {"chat": "french", "mail": "german"}),
        ({"shift_end_at": ago(1)}, {}, {"chat": "french", "mail": "german"}),
        ({"shift_end_at": ahead(500)}, {}, {"chat": "french", "mail": "german"}),
    ],
    ids=["free", "on a call", "busy", "away", "gone home", "leaving"],
)
def test_they_go_together_where_somebody_suits_both(
    third: Row, tables: Tables, expected: dict[str, str]
) -> None:
    """A third agent speaks both languages."""
    agents = [*TEAM, {"agent_id": "both"} | third]
    assert outcome(agents=agents, agent_skills=BOTH, **tables) == expected


def test_who_declined_is_suitable_all_the_same() -> None:
    """Declines and locks are not looked at: those of the one who speaks both part nothing."""
    declines: list[Row] = [
        {"contact_id": "mail", "agent_id": "both", "declined_at": ago(900 + n)} for n in range(6)
    ]
    found = outcome(agents=[*TEAM, {"agent_id": "both"}], agent_skills=BOTH, declines=declines)
    assert found == {"chat": "declined", "mail": "declined"}


def test_what_nobody_suits_leaves_the_others_alone() -> None:
    """The chat is taken; nobody speaks the language of the mail, or of either: then they stay."""
    portuguese = MAIL | {"language": "pt"}
    assert outcome(contacts=[CHAT, portuguese]) == {"chat": "french", "mail": "language_missing"}
    neither = [CHAT | {"language": "pt"}, portuguese]
    assert outcome(contacts=neither) == dict.fromkeys(["chat", "mail"], "language_missing")
    assert together(contacts=neither) == ["chat mail"]


PHONE: list[Row] = [{"agent_id": "phone"}]
DESK: Tables = {
    "agents": [*TEAM, *PHONE],
    "agent_channels": [
        *serves("french", chat=3, email=5),
        *serves("german", chat=3, email=5),
        *serves("phone", voice=1),
    ],
    "contacts": [contact("call", "voice", entered_at=ago(5)), CHAT, MAIL],
}
"""Who takes calls takes nothing else, and nobody speaks both languages of what is written."""


@pytest.mark.parametrize(
    ("follow", "expected"),
    [
        (VoiceFollow.KEEP_TEXT_OWNER, {"call": "phone", "chat": "french", "mail": "german"}),
        (
            VoiceFollow.MOVE_ALL_TO_VOICE_AGENT,
            {"call": "phone", "chat": "customer_locked", "mail": "customer_locked"},
        ),
        (
            VoiceFollow.REASSIGN_ON_TEXT_CONTACT,
            {"call": "phone", "chat": "customer_locked", "mail": "customer_locked"},
        ),
    ],
)
def test_what_follows_a_call_goes_apart_unless_it_waits_for_it(
    follow: VoiceFollow, expected: dict[str, str]
) -> None:
    """The voice exception comes first; a waiting follower stays one conversation."""
    assert outcome(replace(Policy(), voice_follow=follow), **DESK) == expected


@pytest.mark.parametrize("follow", list(VoiceFollow))
def test_without_the_voice_exception_all_go_apart(follow: VoiceFollow) -> None:
    """Who takes calls is on the phone, so the call goes nowhere; the others need not wait for it.

    Nobody is suitable for all of them, and for each of them somebody is.
    """
    talking: Row = {"contact_id": "h", "agent_id": "phone", "channel": "voice"}
    found = outcome(replace(Policy(), voice_follow=follow), **DESK, agent_load=[talking])
    assert found == {"call": "at_capacity", "chat": "french", "mail": "german"}


def test_what_is_put_off_or_a_second_call_takes_no_part() -> None:
    """Beside contacts that go apart: a mail on hold, and a call after the first one."""
    paused = contact("paused", "email", "de", hold_until=ahead(60))
    second = contact("second", "voice", entered_at=ago(1))
    found = outcome(
        replace(Policy(), voice_follow=VoiceFollow.KEEP_TEXT_OWNER),
        **DESK | {"contacts": [*DESK["contacts"], paused, second]},
    )
    assert found == {
        "call": "phone",
        "chat": "french",
        "mail": "german",
        "paused": "paused",
        "second": "lost_to",
    }


@pytest.mark.parametrize(
    ("change", "mails"),
    [
        ({}, ["mail second"]),  # whoever suits one of them suits both
        ({"entered_at": ago(900), "priority": 0, "value": 9.0}, ["second mail"]),
        ({"language": "fr"}, ["mail", "second"]),
        ({"language": None}, ["mail", "second"]),
        ({"channel": "case"}, ["mail", "second"]),
        ({"queue_id": "r"}, ["mail", "second"]),
    ],
)
def test_contacts_that_ask_for_the_same_stay_together(change: Row, mails: list[str]) -> None:
    """Beside the French chat there are two mails, both German and of one queue unless changed."""
    second = MAIL | {"contact_id": "second"} | change
    found = together(queues=[{"queue_id": "q"}, {"queue_id": "r"}], contacts=[CHAT, MAIL, second])
    assert found == ["chat", *mails]


@pytest.mark.parametrize(
    ("asks", "stays"),
    [
        ([("mail", "x", "required"), ("second", "x", "required")], True),
        ([("mail", "x", "required"), ("second", "y", "required")], False),
        ([("mail", "x", "required"), ("second", "x", "low")], True),  # not dropped yet
        ([("second", "x", "required")], False),
        # Nobody has `y`, so that it is dropped at once, but it stays named.
        ([("mail", "x", "required"), ("second", "x", "required"), ("second", "y", "low")], False),
    ],
)
def test_to_ask_for_the_same_is_to_name_the_same_skills(
    asks: list[tuple[str, str, str]], stays: bool
) -> None:
    """Skills insisted on, and those named in the match."""
    found = together(
        agent_skills=[*LANGUAGES, {"agent_id": "german", "skill": "x", "proficiency": 5}],
        contacts=[CHAT, MAIL, MAIL | {"contact_id": "second"}],
        contact_skills=[
            {"contact_id": name, "skill": skill, "min_proficiency": 3, "importance": importance}
            for name, skill, importance in asks
        ],
    )
    assert found == ["chat", *(["mail second"] if stays else ["mail", "second"])]


@pytest.mark.parametrize(
    ("first", "age_s", "stays"),
    [(5, 70, True), (6, 70, False), (5, 10, False), (5, 100, True)],
)
def test_to_ask_for_the_same_is_to_be_at_the_same_step(
    first: int, age_s: float, stays: bool
) -> None:
    """After 70 s the first mail is at its second step, which is the same for both.

    What the first step says counts in the match.
    """
    steps = [
        {"contact_id": name, "step": n, "alternative": 0, "skill": "x", "min_proficiency": least}
        | {"expires_s": 60.0}
        for name, levels in (("mail", (5, 3)), ("second", (first, 3)))
        for n, least in enumerate(levels)
    ]
    found = together(
        agent_skills=[*LANGUAGES, {"agent_id": "german", "skill": "x", "proficiency": 9}],
        contacts=[
            CHAT,
            MAIL | {"entered_at": ago(70)},
            MAIL | {"entered_at": ago(age_s), "contact_id": "second"},
        ],
        contact_steps=steps,
    )
    lead_first = "second mail" if age_s > 70 else "mail second"
    assert found == ["chat", *([lead_first] if stays else ["mail", "second"])]


def test_only_the_conversation_that_is_stuck_goes_apart() -> None:
    """Another customer's chat and mail, both in French, go to one agent."""
    others = [
        row | {"contact_id": f"v-{row['contact_id']}", "customer_id": "v", "language": "fr"}
        for row in (CHAT, MAIL)
    ]
    assert outcome(contacts=[CHAT, MAIL, *others]) == {
        "chat": "french",
        "mail": "german",
        "v-chat": "lost_to",
        "v-mail": "lost_to",
    }
    # One chat a tick and agent; without the first one it is free.
    assert outcome(contacts=[MAIL, *others]) == {
        "mail": "german",
        "v-chat": "french",
        "v-mail": "french",
    }
