"""Parts of the price job: classes, what probes believe, history, cold start, closing, guards."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
import pytest

from data_io.price_store import PriceMemory, PriceQuestion
from data_io.visits import KIND, with_kinds
from jobs.price import make_prices, recipe_of
from jobs.price_classes import ContactClasses, build_classes
from jobs.price_future import (
    CLOSED_S,
    build_history,
    build_outlook,
    closing_in_s,
    look_of,
    staffed_rate,
    watched_slots,
)
from jobs.price_guards import guard_costs
from jobs.price_probe import INTERRUPTIBLE, Probed, probe
from jobs.price_settings import PriceConfig
from models.batch import Batch
from models.batch_problem import build_problem
from models.policy import Policy
from models.price_policy import PricePolicy
from models.tables import AGENT_PRICE, CALENDARS, INSTANT, QUEUE_PRICE
from scenarios.generate import generate_batch

NOW = datetime(2026, 11, 3, 14, tzinfo=UTC)
POLICY = Policy()
BATCH = generate_batch(5, 60, 20, NOW)
QUARTER = timedelta(minutes=15)
DAY = timedelta(days=1)


def looks(*stretches: tuple[datetime, datetime], is_kept: bool = True) -> pl.DataFrame:
    """A look in each quarter of an hour between two instants."""
    slots = [
        begin + number * QUARTER
        for begin, end in stretches
        for number in range((end - begin) // QUARTER)
    ]
    rows = {"slot_at": slots, "is_kept": [is_kept] * len(slots)}
    return pl.DataFrame(rows, schema={"slot_at": INSTANT, "is_kept": pl.Boolean})


def memory(watched_since: datetime = NOW) -> PriceMemory:
    """Of a store that has seen no visit, and looked all the time."""
    kind = dict.fromkeys(KIND, pl.String)
    times = {"watched_since": [watched_since], "priced_at": [None], "slow_at": [None]}
    return PriceMemory(
        arrivals=pl.DataFrame(schema=kind | {"slot_at": INSTANT, "num": pl.Int64}),
        values=pl.DataFrame(schema=kind | {"quantiles": pl.List(pl.Float64)}),
        departures=pl.DataFrame(
            schema={"queue_id": pl.String, "num_gone": pl.Int64, "num_left": pl.Int64}
        ),
        held=pl.DataFrame(schema={"contact_id": pl.String} | kind),
        agent_price=AGENT_PRICE.empty(),
        queue_price=QUEUE_PRICE.empty(),
        looks=looks((watched_since, NOW)),
        times=pl.DataFrame(times, schema=dict.fromkeys(times, INSTANT)),
    )


def classes_of(batch: Batch, most: int = 1000) -> ContactClasses:
    """Of contacts that all came while somebody watched."""
    return build_classes(batch, memory(NOW - timedelta(days=30)), POLICY, most)


def probed_of(batch: Batch) -> Probed:
    return probe(batch, classes_of(batch), POLICY)


def test_rare_classes_count_as_those_that_are_like_them() -> None:
    """No contact is lost, whatever the number of classes; of the same queue and channel if any."""
    for most in (1, 5, 1000):
        classes = classes_of(BATCH, most)
        assert classes.number <= most
        assert len(classes.waiting) == 60
        assert classes.arrivals["num"].sum() == 60
    classes = classes_of(BATCH, 5)
    kinds = classes.kinds.rename({name: f"of_{name}" for name in KIND})
    placed = with_kinds(BATCH.contacts, BATCH.contact_skills, BATCH.customers).join(
        classes.waiting.select("contact_id", "class_idx").join(kinds, on="class_idx"),
        on="contact_id",
    )
    kept = placed.join(classes.kinds, on=["queue_id", "channel"], how="semi")
    assert (kept["queue_id"] == kept["of_queue_id"]).all()
    assert (kept["channel"] == kept["of_channel"]).all()


def test_probes_are_believed_to_be_what_contacts_are() -> None:
    """Of every contact that waits alone in its conversation, the product's own build finds the
    same agents suitable, on duty or not, as of the probe of its class.
    """
    every_third = pl.int_range(pl.len()) % 3 == 0
    gone = pl.when(every_third).then(pl.lit("offline")).otherwise("presence")
    batch = BATCH.at(NOW, agents=BATCH.agents.with_columns(presence=gone))
    classes = classes_of(batch)
    probed = probe(batch, classes, POLICY)
    found = build_problem(batch, POLICY)
    sizes = found.conversations.members.group_by("conversation_idx").agg(
        pl.col("contact_id").first(), number=pl.len()
    )
    alone = (
        sizes.filter(pl.col("number") == 1)
        .join(
            found.conversations.units.select("conversation_idx", "class_idx"),
            on="conversation_idx",
        )
        .join(classes.waiting.select("contact_id", own="class_idx"), on="contact_id")
    )
    assert len(alone) > 40
    ours = probed.beliefs.allowed[alone["own"].to_numpy()]
    theirs = found.eligibility.suitable_off_duty[alone["class_idx"].to_numpy()]
    assert (ours == theirs).all()
    assert ours.any()
    assert not ours.all()


def test_what_a_contact_is_worth_grows_with_its_customer() -> None:
    """Money if resolved is benefit plus failure avoided: 4 + 4 and 2 % + 1 % of the value."""
    probed = probed_of(BATCH)
    assert probed.money_fixed == pytest.approx(8.0)
    assert probed.money_share == pytest.approx(0.03)
    assert (np.diff(probed.beliefs.values, axis=1) >= 0).all()


def test_history_lies_on_the_local_clock_and_says_what_was_watched() -> None:
    """Watched from 10:15 local time on until 14:00: of the half hour at 10, half was seen, of that
    at 14 nothing; a contact of 13:00 UTC came at 14:00 in Berlin, and one of the day before at 23.
    """
    classes = classes_of(BATCH)
    berlin = ZoneInfo("Europe/Berlin")
    watched = datetime(2026, 11, 2, 10, 15, tzinfo=berlin)
    slots = [datetime(2026, 11, 3, 13, tzinfo=UTC), datetime(2026, 11, 2, 22, 45, tzinfo=UTC)]
    arrivals = pl.DataFrame(
        {"class_idx": [0, 1], "slot_at": slots, "num": [3, 4]},
        schema={"class_idx": pl.UInt32, "slot_at": INSTANT, "num": pl.Int64},
    )
    history = build_history(
        replace(classes, arrivals=arrivals),
        watched_slots(memory(watched.astimezone(UTC)), NOW),
        watched,
        NOW.astimezone(berlin),
    )
    assert history.counts.shape == (2, 48, classes.number)
    assert history.counts[1, 28, 0] == 3
    assert history.counts[0, 47, 1] == 4
    assert history.counts.sum() == 7
    assert history.seen[0, 19:22].tolist() == [0.0, 0.5, 1.0]
    assert history.seen[1, 29:31].tolist() == [1.0, 0.0]  # until 15:00 in Berlin
    assert history.weekday.tolist() == [0, 1]  # Monday and Tuesday
    assert history.age_d.tolist() == [1.0, 0.0]


def steady(classes: ContactClasses, *stretches: tuple[datetime, datetime]) -> ContactClasses:
    """Five contacts of the first class in each quarter of an hour of these stretches."""
    arrivals = looks(*stretches).select(
        "slot_at",
        class_idx=pl.lit(0, pl.UInt32),
        num=pl.lit(5, pl.Int64),
    )
    return replace(classes, arrivals=arrivals)


def test_time_that_nobody_watched_is_no_quiet_time() -> None:
    """Ten contacts each half hour of the first and the last of four weeks, nobody there between
    them: ten are expected, not five. Where it was watched and nobody came, fewer are.
    """
    start = NOW - 28 * DAY
    weeks = ((start, start + 7 * DAY), (NOW - 7 * DAY, NOW))
    classes = steady(classes_of(BATCH), *weeks)
    policy = Policy(prices=PricePolicy(prior_contacts=1))
    probed = probe(BATCH, classes, policy)
    means = []
    for seen in (weeks, ((start, NOW),)):
        known = replace(memory(start), looks=looks(*seen))
        outlook = build_outlook(BATCH, classes, known, probed, policy)
        means.append(outlook.forecast.mean[:, :, 0].mean())
    assert means[0] == pytest.approx(10.0, rel=0.02)
    assert means[1] < 7


def test_short_gaps_and_silent_nights_were_watched() -> None:
    """Looks an hour apart leave nothing out, looks an hour and a quarter apart do. Where only
    visits are left, twelve hours without one are a night.
    """
    begin = NOW - DAY
    for gap, missing in ((4, 0), (5, 4)):
        seen = looks((begin, begin + 3 * QUARTER), (begin + (2 + gap) * QUARTER, NOW))
        found = watched_slots(replace(memory(begin), looks=seen), NOW)
        assert len(found) == 24 * 4 + 1 - missing
    old = looks((begin - DAY, begin - DAY / 2), is_kept=False)
    seen = pl.concat([old, looks((begin, NOW))])
    found = watched_slots(replace(memory(begin - DAY), looks=seen), NOW)
    assert len(found) == 48 * 4 + 1


def test_what_came_while_nobody_watched_is_left_out() -> None:
    """A contact that came in a gap and still waited after it tells nothing of how many came."""
    begin = NOW - DAY
    gap = (begin + DAY / 4, begin + DAY / 2)
    classes = steady(classes_of(BATCH), (begin, NOW))
    known = replace(memory(begin), looks=looks((begin, gap[0]), (gap[1], NOW)))
    history = build_history(classes, watched_slots(known, NOW), begin, NOW)
    # 18 of 24 hours were watched, but for the look that begins the gap.
    assert history.counts.sum() == 18 * 4 * 5
    assert history.seen.sum() == 18 * 2


def test_a_busy_day_counts_once() -> None:
    """Today lifts the day's factor; the forecast is that of the days before it. On the first day
    it is what is believed.
    """
    classes = steady(classes_of(BATCH), (NOW - timedelta(hours=6), NOW))
    probed = probe(BATCH, classes, POLICY)
    first = build_outlook(BATCH, classes, memory(NOW - timedelta(hours=6)), probed, POLICY)
    believed = staffed_rate(probed, classes.queues, POLICY)
    assert first.forecast.mean == pytest.approx(np.broadcast_to(believed, (7, 48, len(believed))))
    before = (NOW - 8 * DAY, NOW - DAY)
    outlooks = [
        build_outlook(BATCH, steady(classes, *came), memory(NOW - 8 * DAY), probed, POLICY)
        for came in ((before,), (before, *3 * ((NOW - timedelta(hours=6), NOW),)))
    ]
    assert (outlooks[0].forecast.mean == outlooks[1].forecast.mean).all()
    assert outlooks[0].factor < 1 < outlooks[1].factor


def test_what_is_believed_loads_the_staff() -> None:
    """Seconds of attention that the believed contacts take are the expected load of all who are
    there and serve any class that takes all of somebody: 0.85 of half an hour each.
    """
    classes = classes_of(BATCH)
    probed = probe(BATCH, classes, POLICY)
    rate = staffed_rate(probed, classes.queues, POLICY)
    beliefs = probed.beliefs
    takes_all = beliefs.attention >= INTERRUPTIBLE
    there = probed.agents.present & probed.agents.on_shift
    serving = (beliefs.allowed[takes_all].any(axis=0) & there).sum()
    spent = (rate * beliefs.attention * beliefs.handling_s[:, 0]).sum()
    assert serving > 5
    assert spent == pytest.approx(0.85 * 1800 * serving)
    assert (rate[~takes_all] == 0).all()


def test_the_day_ends_when_the_last_queue_closes() -> None:
    """All queues close at 16:00 UTC: in two hours; one without a calendar never does; and at 14:00
    one whose day ended at 13:00 has closed.
    """

    def with_hours(closes_hour: int) -> Batch:
        hours = {"calendar_id": "day", "time_zone": "UTC", "opens_minute": 8 * 60}
        rows = [{**hours, "weekday": day, "closes_minute": closes_hour * 60} for day in range(7)]
        calendars = pl.DataFrame(rows, schema=CALENDARS.schema())
        queues = BATCH.queues.with_columns(calendar_id=pl.lit("day"))
        return BATCH.at(NOW, queues=queues, calendars=calendars)

    assert closing_in_s(probed_of(with_hours(16))) == 7200
    assert closing_in_s(probed_of(with_hours(13))) == CLOSED_S
    always = BATCH.queues.with_columns(calendar_id=pl.lit(None, pl.String))
    assert closing_in_s(probed_of(BATCH.at(NOW, queues=always))) == np.inf


def test_a_guard_rail_that_keeps_nobody_away_costs_nothing() -> None:
    """The default floor lies below what anybody is believed to resolve; a floor of 0.8 costs, and
    so do required skills.
    """
    costs = []
    for policy in (POLICY, Policy(p_floor=0.8)):
        classes = classes_of(BATCH)
        probed = probe(BATCH, classes, policy)
        outlook = build_outlook(BATCH, classes, memory(), probed, policy)
        look = look_of(BATCH, classes, probed, outlook)
        costs.append(guard_costs(probed, look, recipe_of(PriceConfig(), classes.number), seed=0))
    assert costs[0].floor_per_h == 0
    assert costs[1].floor_per_h is not None
    assert costs[1].floor_per_h > 0
    assert costs[0].skill_per_h is not None
    assert costs[0].skill_per_h > 0


def test_a_busy_day_lifts_what_is_expected() -> None:
    """Ten times as many as believed came today so far: the factor is above 1, and so is what is
    expected, however strong the belief.
    """
    policy = Policy(prices=PricePolicy(prior_contacts=1e5))
    watched = NOW - timedelta(hours=2)
    expected = []
    for times in (1, 10):
        classes = classes_of(BATCH)
        probed = probe(BATCH, classes, policy)
        rate = staffed_rate(probed, classes.queues, policy)
        each = np.rint(times * rate / 2).astype(np.int64)
        slots = [watched + timedelta(minutes=15 * number) for number in range(8)]
        arrivals = pl.DataFrame(
            {
                "class_idx": np.tile(np.arange(len(rate)), 8).astype(np.uint32),
                "slot_at": [slot for slot in slots for _ in rate],
                "num": np.tile(each, 8),
            },
            schema={"class_idx": pl.UInt32, "slot_at": INSTANT, "num": pl.Int64},
        )
        seen = replace(classes, arrivals=arrivals)
        outlook = build_outlook(BATCH, seen, memory(watched), probed, policy)
        expected.append(outlook.factor)
    assert expected[0] == pytest.approx(1.0, abs=0.1)
    assert expected[1] > 1.3


def test_prices_move_from_those_before() -> None:
    """A fast price of 100 before adds 0.3 * 100 to what it would be after one of 0; also to that
    of an agent who was not there, who begins at the mean. The slow price, not due, stays.
    """
    prices = []
    agents = BATCH.agents.select("agent_id")[1:]
    before = NOW - timedelta(seconds=20)
    times = {"watched_since": [before], "priced_at": [before], "slow_at": [before]}
    for fast in (100.0, 0.0):
        old = agents.with_columns(
            priced_at=pl.lit(before),
            fast_made=pl.lit(fast),
            slow_made=pl.lit(0.01),
            skills=pl.lit(""),
        )
        rows = old.match_to_schema(
            AGENT_PRICE.schema(), missing_columns="insert", extra_columns="ignore"
        )
        known = replace(
            memory(),
            agent_price=rows,
            times=pl.DataFrame(times, schema=dict.fromkeys(times, INSTANT)),
        )
        made = make_prices(PriceQuestion(BATCH, known), POLICY, PriceConfig())
        assert not made.price_run["is_slow"].item()
        prices.append(made.agent_price)
    assert len(prices[0]) == len(agents) + 1
    assert (prices[0]["fast_made"] - prices[1]["fast_made"]).to_numpy() == pytest.approx(30.0)
    assert prices[0]["slow_made"].to_numpy() == pytest.approx(0.01)
