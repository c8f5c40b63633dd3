"""What ticks share: results that are kept for the same objects, and batches at other instants."""

from datetime import datetime, timedelta

import polars as pl
import pytest

from models.columns import places, with_facts
from models.remembered import KEPT, remembered
from tests.models.tiny import NOW, tiny


def test_the_same_objects_are_asked_once_and_equal_ones_again() -> None:
    """A list that equals another one may become another; only the very same one is recognised."""
    asked: list[list[int]] = []

    @remembered
    def total(numbers: list[int]) -> int:
        asked.append(numbers)
        return sum(numbers)

    first, equal = [1, 2], [1, 2]
    assert [total(first), total(first), total(equal), total(first)] == [3, 3, 3, 3]
    assert [numbers is first for numbers in asked] == [True, False]


def test_only_the_latest_results_are_kept() -> None:
    """After `KEPT` others the first one is asked again."""
    asked: list[list[int]] = []

    @remembered
    def length(numbers: list[int]) -> int:
        asked.append(numbers)
        return len(numbers)

    lists = [[number] for number in range(KEPT + 1)]
    for numbers in (*lists, lists[0]):
        length(numbers)
    assert len(asked) == KEPT + 2


def test_a_batch_at_another_instant_keeps_its_other_tables() -> None:
    """Tables that are named are sorted by key, all others are the same frames."""
    batch = tiny(agents=[{"agent_id": "a"}], contacts=[{"contact_id": "c"}])
    agents = pl.concat([batch.agents.with_columns(agent_id=pl.lit("b")), batch.agents])

    later = batch.at(NOW + timedelta(seconds=5), agents=agents)

    assert later.now == NOW + timedelta(seconds=5)
    assert later.agents["agent_id"].to_list() == ["a", "b"]
    assert later.contacts is batch.contacts
    assert batch.now == NOW
    assert batch.agents["agent_id"].to_list() == ["a"]


def test_a_batch_at_another_instant_is_checked() -> None:
    """As when it is made: an aware instant, and the columns of the contract."""
    batch = tiny(agents=[{"agent_id": "a"}])
    with pytest.raises(ValueError, match="without a zone"):
        batch.at(datetime(2026, 11, 18))  # noqa: DTZ001 - it must be refused
    with pytest.raises(ValueError, match="agents has columns"):
        batch.at(NOW, agents=batch.agents.drop("site"))


def test_facts_are_added_in_order_and_null_where_nothing_is_known() -> None:
    """The same columns with and without facts; rows keep their order."""
    rows = pl.DataFrame({"name": ["z", "a", "m"]})
    facts = pl.DataFrame({"name": ["m", "z"], "level": [1, 2]})
    assert with_facts(rows, facts, "name")["level"].to_list() == [2, None, 1]
    nothing = with_facts(rows, facts.clear(), "name")
    assert nothing.schema == with_facts(rows, facts, "name").schema
    assert nothing["level"].to_list() == [None, None, None]


def test_places_of_unknown_names_are_minus_one() -> None:
    """Before, between and behind the known ones, and where there are none."""
    known = pl.Series(["b", "d"])
    names = pl.Series(["d", "a", "c", "e", "b", None])
    assert places(names, known).tolist() == [1, -1, -1, -1, 0, -1]
    assert places(names, known.clear()).tolist() == [-1] * 6
