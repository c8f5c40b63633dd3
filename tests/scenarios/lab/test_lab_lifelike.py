"""Lifelike centres: everything that the engine knows happens on one of their days."""

import polars as pl
import pytest

from models.kpis import AVAILABLE
from scenarios.lab.centre import LabCentre
from scenarios.lab.day import draw_day
from scenarios.lab.engine import simulate
from scenarios.lab.events import Events
from scenarios.lab.families import TUNING_STRUCTURES, Family, build_centre
from scenarios.lab.lifelike import lifelike
from scenarios.lab.rules.skills import SkillsBased


@pytest.fixture(scope="module")
def blended() -> tuple[LabCentre, Events]:
    """A day of a lifelike blend at overload under SBR."""
    centre = lifelike(build_centre(Family.BLEND, TUNING_STRUCTURES[0], 1.1), seed=1)
    return centre, simulate(centre, draw_day(centre, 401), SkillsBased())


def test_customers_come_back_and_change_channel(blended: tuple[LabCentre, Events]) -> None:
    """Second attempts exist, some of them in another channel, none beyond the third."""
    visit = blended[1].visit
    first = visit.filter(pl.col("attempt") == 0)
    again = visit.filter(pl.col("attempt") > 0).join(first, on="customer_id", suffix="_first")
    assert again.height > 50
    assert again.filter(pl.col("channel") != pl.col("channel_first")).height > 5
    assert visit["attempt"].max() == 2


def test_returns_are_those_that_were_announced(blended: tuple[LabCentre, Events]) -> None:
    """A visit says that its customer comes back if and only if there is a next attempt."""
    visit = blended[1].visit
    announced = visit.filter("comes_back").select("customer_id", pl.col("attempt") + 1)
    later = visit.filter(pl.col("attempt") > 0).select("customer_id", "attempt")
    assert announced.sort(pl.all()).equals(later.sort(pl.all()))


def test_everybody_takes_a_break_and_starts_nothing_in_it(
    blended: tuple[LabCentre, Events],
) -> None:
    """Nothing is begun in a span that is not available; breaks are whole but for shift ends."""
    centre, events = blended
    resting = events.agent_state.filter(pl.col("state") == "nonproductive")
    assert resting["agent_id"].n_unique() > 0.9 * centre.num_agents
    longest = (resting["ended_at"] - resting["started_at"]).dt.total_seconds().max()
    assert longest == 600
    begun = events.handling.join(
        events.agent_state.filter(pl.col("state") == AVAILABLE), on="agent_id"
    ).filter(pl.col("answered_at").is_between("started_at", "ended_at_right"))
    assert begun["visit_id"].n_unique() == events.handling.height


def test_conservation_holds_with_everything_at_once(blended: tuple[LabCentre, Events]) -> None:
    """Every visit has one outcome; nobody holds a call and something live beside it."""
    events = blended[1]
    ends = events.visit.select(pl.col("ended_at").is_not_null().all()).item()
    assert ends
    channel = events.visit.select("visit_id", "channel")
    held = events.handling.join(channel, on="visit_id").filter(pl.col("channel") != "email")
    calls = held.filter(pl.col("channel") == "voice")
    beside = calls.join(held, on="agent_id", suffix="_other").filter(
        (pl.col("visit_id") != pl.col("visit_id_other"))
        & (pl.col("answered_at_other") < pl.col("wrapped_up_at"))
        & (pl.col("wrapped_up_at_other") > pl.col("answered_at"))
    )
    assert calls.height > 100
    assert beside.is_empty()


def test_only_topics_with_channels_switch() -> None:
    """The blend moves from voice to chat to email and round; other families stay in class."""
    blend = lifelike(build_centre(Family.BLEND, TUNING_STRUCTURES[0], 0.8), seed=1)
    small = lifelike(build_centre(Family.SMALL, TUNING_STRUCTURES[0], 0.8), seed=1)
    assert blend.classes.habits is not None
    assert small.classes.habits is not None
    assert blend.classes.habits.switch_to[:6].tolist() == [1, 2, 0, 4, 5, 3]
    assert small.classes.habits.switch_share.max() == 0
