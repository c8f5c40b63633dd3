"""Offers in the store: answered once, timed out, offered again, never with two agents."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

import data_io.store
from benchmarks.stand_in import (
    EVERY,
    NO_REJECTS,
    START,
    complete,
    stand_in_plan,
    stand_in_tables,
    stand_in_tick_row,
    tick_instant,
)
from data_io.arrivals import Arrived, OfferNews
from data_io.store import IN_MEMORY, Store
from models.plan import Plan
from models.policy import Policy
from models.tables import (
    AGENT_LOAD,
    CONTACTS,
    OFFERS,
    OUTLOOK,
    REQUEUE,
    RESPONSES,
    Channel,
    InputTables,
)

POLICY = Policy()
EVER = timedelta(days=36_500)
HOUR = timedelta(hours=1)


@pytest.fixture
def store() -> Iterator[Store]:
    """A store in memory: contact-0-0 is offered to agent-0 as a call, by the tick at START."""
    with Store.open(IN_MEMORY, "test", START) as opened:
        opened.replace_current(stand_in_tables(0, 1, 2), NO_REJECTS, START)
        commit(opened, 0)
        yield opened


def commit(store: Store, number: int) -> Plan:
    """Commit the stand-in's plan of the tick: the first waiting contact goes to agent-0."""
    tick_at = tick_instant(number)
    plan = stand_in_plan(store.read_batch(tick_at, tick_at), tick_at)
    store.commit(plan, stand_in_tick_row(plan))
    return plan


def answer(kind: str, response_id: str = "r1", tick: int = 0, at_s: float = 2.0) -> pl.DataFrame:
    """An answer of agent-0 to the offer of that tick."""
    return complete(
        RESPONSES,
        pl.DataFrame(
            {
                "response_id": [response_id],
                "contact_id": ["contact-0-0"],
                "tick_at": [tick_instant(tick)],
                "agent_id": ["agent-0"],
                "answer": [kind],
                "responded_at": [tick_instant(tick) + timedelta(seconds=at_s)],
            }
        ),
    )


def take(
    store: Store,
    number: int,
    responses: pl.DataFrame | None = None,
    policy: Policy = POLICY,
    **tables: pl.DataFrame,
) -> OfferNews:
    """What begins the tick of that number."""
    given = InputTables(**tables) if tables else None
    rows = RESPONSES.empty() if responses is None else responses
    return store.take(Arrived(tables=given, responses=rows), tick_instant(number), policy)


def waiting(store: Store, number: int) -> list[str]:
    """Contacts that the tick sees."""
    at = tick_instant(number)
    return store.read_batch(at, at).contacts["contact_id"].to_list()


def life(store: Store) -> list[tuple[datetime, str]]:
    """(instant, event) of everything that happened, in order."""
    events = store.read_output(EVER).assignment
    return (
        events.sort("event_at", "event", descending=[False, True])
        .select("event_at", "event")
        .rows()
    )


# ------------------------------------------------------------------ answers


def test_a_declined_contact_waits_again_at_its_age_and_weighs_on_nobody(store: Store) -> None:
    """Same version, same `entered_at`; the decline and the offer are in the batch."""
    before = store.read_batch(START, START).contacts
    news = take(store, 1, answer("declined"))
    assert news.responses.select("is_applied", "refusal").rows() == [(True, None)]
    batch = store.read_batch(tick_instant(1), tick_instant(1))
    assert_frame_equal(batch.contacts, before)
    assert batch.agent_load.is_empty()
    declined_at = START + timedelta(seconds=2)
    assert batch.declines.rows() == [("contact-0-0", "agent-0", declined_at)]
    assert batch.offers.select("contact_id", "offered_at", "event", "event_at").rows() == [
        ("contact-0-0", START, "declined", declined_at)
    ]


def test_it_may_be_offered_again_and_the_history_stays(store: Store) -> None:
    """The same version in a later tick, to the same agent: both offers are known apart."""
    take(store, 1, answer("declined"))
    assert commit(store, 1).assignments["contact_version"].to_list() == [1]
    take(store, 2, answer("accepted", "r2", tick=1))
    assert waiting(store, 2) == []
    assert [event for _, event in life(store)] == ["offered", "declined", "offered", "accepted"]
    batch = store.read_batch(tick_instant(2), tick_instant(2))
    assert batch.agent_load.select("contact_id", "agent_id", "state").rows() == [
        ("contact-0-0", "agent-0", "active")
    ]


def test_an_agent_is_remembered_for_what_somebody_else_got_meanwhile(store: Store) -> None:
    """Who declined a contact that is with another agent now may still have to pause: an hour."""
    take(store, 1, answer("declined"))
    commit(store, 1)
    later = START + timedelta(seconds=3_601)
    for instant, num_declines in ((tick_instant(2), 1), (later, 1), (later + EVERY, 0)):
        store.replace_current(InputTables(contacts=CONTACTS.empty()), NO_REJECTS, instant)
        batch = store.read_batch(instant, instant)
        assert batch.contacts.is_empty()
        assert batch.declines.height == num_declines


def test_the_same_drop_changes_nothing_the_second_time(store: Store) -> None:
    """In one tick, in the next tick, and after the contact was offered again."""
    drop = answer("declined")
    take(store, 1, drop)
    before = store.read_output(EVER)
    assert take(store, 1, drop).responses.is_empty()
    commit(store, 1)
    assert take(store, 2, drop).responses.is_empty()
    after = store.read_output(EVER)
    assert_frame_equal(before.response_result, after.response_result)
    assert [event for _, event in life(store)] == ["offered", "declined", "offered"]
    assert waiting(store, 2) == []


def test_a_response_is_remembered_when_it_was_refused(store: Store) -> None:
    """Completed before accepted is refused; that row stays refused when its turn would come."""
    early = answer("completed", "early")
    assert take(store, 1, early).responses["refusal"].to_list() == ["not_accepted_yet"]
    take(store, 2, answer("accepted", "then"))
    assert take(store, 3, early).responses.is_empty()
    assert [event for _, event in life(store)] == ["offered", "accepted"]
    results = store.read_output(EVER).response_result.sort("applied_at")
    assert results.select("response_id", "applied_at", "is_applied").rows() == [
        ("early", tick_instant(1), False),
        ("then", tick_instant(2), True),
    ]


def test_an_answer_to_an_offer_that_was_taken_back_is_refused(store: Store) -> None:
    """Accepted after the time-out: the contact may be with somebody else by now."""
    take(store, 5)
    assert life(store)[-1] == (tick_instant(5), "expired")
    late = take(store, 6, answer("accepted", at_s=26.0)).responses
    assert late.select("is_applied", "refusal").rows() == [(False, "offer_expired")]
    assert waiting(store, 6) == ["contact-0-0"]


def test_take_responses_alone_applies_them_too(store: Store) -> None:
    """The function for integrations in Python: the same rows, a transaction of its own."""
    results = store.take_responses(answer("declined"), tick_instant(1))
    assert results["is_applied"].to_list() == [True]
    assert store.take_responses(answer("declined"), tick_instant(1)).is_empty()
    assert waiting(store, 1) == ["contact-0-0"]


# ------------------------------------------------------------------ snapshot and clock


def test_an_offer_that_nobody_answers_expires_once(store: Store) -> None:
    """Calls: after 20 s; the agent has one decline more, and no second one for the same offer."""
    assert take(store, 4).events.is_empty()
    assert take(store, 5).events["event"].to_list() == ["expired"]
    assert take(store, 5).events.is_empty()
    assert take(store, 6).events.is_empty()
    batch = store.read_batch(tick_instant(6), tick_instant(6))
    assert batch.declines["declined_at"].to_list() == [tick_instant(5)]
    assert batch.offers["event"].to_list() == ["expired"]


def test_work_that_the_platform_shows_is_accepted_once(store: Store) -> None:
    """Observed in one snapshot, it is not observed again in the next."""
    load = complete(
        AGENT_LOAD,
        pl.DataFrame(
            {"contact_id": ["contact-0-0"], "agent_id": ["agent-0"], "state": ["active"]}
        ),
    )
    news = take(store, 1, agent_load=load, contacts=CONTACTS.empty())
    assert news.events["event"].to_list() == ["accepted"]
    assert take(store, 2).events.is_empty()
    assert take(store, 9).events.is_empty()
    # Said as well: recorded, and nothing changed.
    told = take(store, 3, answer("accepted")).responses
    assert told["refusal"].to_list() == ["repeated"]


def test_when_the_agent_leaves_the_offer_is_rescinded_without_blame(store: Store) -> None:
    """The contact waits again in the same tick; nothing counts as declined."""
    agents = stand_in_tables(0, 1, 2).agents
    assert agents is not None
    away = pl.when(agent_id="agent-0").then(pl.lit("away")).otherwise("presence")
    news = take(store, 1, agents=agents.with_columns(presence=away))
    assert news.events["event"].to_list() == ["rescinded"]
    batch = store.read_batch(tick_instant(1), tick_instant(1))
    assert batch.contacts["contact_id"].to_list() == ["contact-0-0"]
    assert batch.declines.is_empty()


def test_a_customer_who_left_while_it_rang_is_not_offered_again(store: Store) -> None:
    """Ten seconds after the contact was last seen; it must come back in a higher version."""
    contacts = stand_in_tables(0, 1, 2).contacts
    assert contacts is not None
    take(store, 1)  # still seen waiting at 5 s
    assert take(store, 2, contacts=contacts.clear()).events.is_empty()
    # Loads its agent until 15 s, and is cancelled then.
    assert store.read_batch(tick_instant(2), tick_instant(2)).agent_load.height == 1
    assert take(store, 3).events["event"].to_list() == ["cancelled"]
    assert store.read_batch(tick_instant(3), tick_instant(3)).agent_load.is_empty()
    take(store, 4, contacts=contacts)
    assert waiting(store, 4) == []
    take(store, 5, contacts=contacts.with_columns(version=pl.lit(2, pl.Int64)))
    assert waiting(store, 5) == ["contact-0-0"]


def test_a_slow_platform_does_not_make_an_agent_look_free(store: Store) -> None:
    """Accepted at 2 s, waiting until 30 s, then shown nowhere: loaded until 40 s, then not."""
    contacts = stand_in_tables(0, 1, 2).contacts
    assert contacts is not None
    take(store, 1, answer("accepted"))
    take(store, 6)
    for number, num_held in ((7, 1), (8, 0)):
        take(store, number, contacts=contacts.clear())
        load = store.read_batch(tick_instant(number), tick_instant(number)).agent_load
        assert load.height == num_held


def test_a_raised_version_ends_the_offer_so_that_nobody_accepts_it(store: Store) -> None:
    """The platform took the contact back: an answer to the old offer is refused."""
    contacts = stand_in_tables(0, 1, 2).contacts
    assert contacts is not None
    take(store, 1, contacts=contacts.with_columns(version=pl.lit(2, pl.Int64)))
    assert life(store)[-1] == (tick_instant(1), "rescinded")
    assert waiting(store, 1) == ["contact-0-0"]
    late = take(store, 2, answer("accepted")).responses
    assert late["refusal"].to_list() == ["offer_rescinded"]


def test_an_offer_that_nobody_is_asked_about_does_not_expire(store: Store) -> None:
    """Where the policy's time-out is 0 it stands for as long as the platform shows it waiting."""
    voice = replace(POLICY.channels[Channel.VOICE], accept_timeout_s=0.0)
    unasked = replace(POLICY, channels={**POLICY.channels, Channel.VOICE: voice})
    assert take(store, 999, policy=unasked).events.is_empty()
    batch = store.read_batch(tick_instant(999), tick_instant(999))
    assert batch.contacts.is_empty()
    # It weighs on its agent, and whoever looks for offers in the load finds it, however old.
    assert batch.agent_load["contact_id"].to_list() == ["contact-0-0"]
    assert batch.offers["event"].to_list() == ["offered"]


# ------------------------------------------------------------------ what a tick sees of it


def test_offers_of_the_source_stand_beside_those_of_the_store(store: Store) -> None:
    """Equal keys count once, as the store knows them."""
    theirs = complete(
        OFFERS,
        pl.DataFrame(
            {
                "contact_id": ["contact-0-0", "other"],
                "agent_id": ["agent-0", "agent-1"],
                "event": ["delivered", "accepted"],
            }
        ),
    )
    take(store, 1, offers=theirs)
    batch = store.read_batch(tick_instant(1), tick_instant(1))
    assert batch.offers.select("contact_id", "event").rows() == [
        ("contact-0-0", "offered"),
        ("other", "accepted"),
    ]


@pytest.mark.parametrize(
    ("profiles", "shift_h", "after_s", "seen"),
    [
        (None, 9, 3599, True),
        (None, 9, 3600, False),
        ("high", -1, 7_200, True),  # shift since an hour before the offer
        ("high", 1, 7_200, False),  # a new shift since: yesterday's places are free again
    ],
)
def test_old_offers_stay_as_long_as_a_rule_asks_for_them(
    store: Store, profiles: str | None, shift_h: float, after_s: int, seen: bool
) -> None:
    """An hour for the rate; since the start of the shift for capacity profiles."""
    store._database.run_text(
        f"UPDATE assignment SET profiles = {profiles!r}".replace("None", "NULL")
    )
    agents = stand_in_tables(0, 1, 2).agents
    assert agents is not None
    since = pl.lit(START + timedelta(hours=shift_h))
    later = START + timedelta(seconds=after_s)
    tables = InputTables(
        agents=agents.with_columns(shift_start_at=since), contacts=CONTACTS.empty()
    )
    store.replace_current(tables, NO_REJECTS, later)
    assert store.read_batch(later, later).offers.height == int(seen)


def test_an_expiry_is_remembered_as_long_as_asked_for(store: Store) -> None:
    """`auto_ready_s` may be longer than an hour: the agent rests until it is over."""
    take(store, 5)
    later = START + timedelta(hours=3)
    store.replace_current(InputTables(contacts=CONTACTS.empty()), NO_REJECTS, later)
    assert store.read_batch(later, later).offers.is_empty()
    assert store.read_batch(later, later, timedelta(hours=4)).offers["event"].to_list() == [
        "expired"
    ]


# ------------------------------------------------------------------ commit, output, crashes


def test_what_stands_beside_the_plan_is_stored(store: Store) -> None:
    """Requeue and outlook are the last tick's, and are published."""
    take(store, 1, answer("declined"))
    at = tick_instant(1)
    gone = complete(REQUEUE, pl.DataFrame({"contact_id": ["h"], "tick_at": [at]}))
    queue = complete(OUTLOOK, pl.DataFrame({"queue_id": ["queue"], "tick_at": [at]}))
    plan = replace(stand_in_plan(store.read_batch(at, at), at), requeue=gone, outlook=queue)
    store.commit(plan, stand_in_tick_row(plan))
    output = store.read_output(EVER)
    assert_frame_equal(output.requeue, gone)
    assert_frame_equal(output.outlook, queue)
    take(store, 2, answer("declined", "r2", tick=1))
    commit(store, 2)
    assert store.read_output(EVER).requeue.is_empty()


@pytest.mark.parametrize("step", ["advance_offers", "apply_responses"])
def test_a_kill_inside_leaves_neither_answers_nor_snapshot(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """Whatever part of the beginning fails, none of it happened, also after reopening."""
    path = tmp_path / "store.duckdb"

    def killed(*_: object) -> None:
        raise InterruptedError

    with Store.open(path, "test", START) as opened:
        opened.replace_current(stand_in_tables(0, 1, 2), NO_REJECTS, START)
        commit(opened, 0)
        before = opened.read_output(EVER)
        with monkeypatch.context() as patched:
            patched.setattr(data_io.store, step, killed)
            with pytest.raises(InterruptedError):
                take(opened, 1, answer("declined"), contacts=CONTACTS.empty())
        assert_frame_equal(opened.read_output(EVER).assignment, before.assignment)
        assert opened.read_batch(START, START).contacts.height == 1
    with Store.open(path, "test", START) as opened:
        assert opened.read_output(EVER).response_result.is_empty()
        assert opened.snapshot_at() == START
        assert take(opened, 1, answer("declined")).responses["is_applied"].to_list() == [True]


def test_old_responses_move_to_the_archive(store: Store, tmp_path: Path) -> None:
    """With the offers that they answered; a drop that comes again then is refused, not applied."""
    contacts = CONTACTS.empty()
    take(store, 1, answer("accepted"), contacts=contacts)
    later = START + timedelta(days=1)
    plan = stand_in_plan(store.read_batch(later, later), later)
    store.commit(plan, stand_in_tick_row(plan))
    retained = store.retain(later, tmp_path)
    assert (retained.num_assignments, retained.num_responses) == (2, 1)
    file = next((tmp_path / "response_result").iterdir())
    assert pl.read_parquet(file)["response_id"].to_list() == ["r1"]
    assert store.read_output(EVER).response_result.is_empty()
    again = store.take_responses(answer("accepted"), later)
    assert again["refusal"].to_list() == ["unknown_offer"]
