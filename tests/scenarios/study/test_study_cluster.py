"""The same tasks by dask.distributed, where the extra `cluster` is installed."""

import warnings
from collections.abc import Iterator

import pytest

from scenarios.study.cluster import do_on_cluster
from scenarios.study.errors import StudyError

distributed = pytest.importorskip("distributed", reason="dask.distributed is not installed")


def halve(number: int) -> int:
    """Half of an even number."""
    if number % 2:
        raise ValueError(f"{number} is odd")
    return number // 2


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """Of a scheduler with two workers."""
    with (
        warnings.catch_warnings(),
        distributed.LocalCluster(
            n_workers=1, threads_per_worker=1, processes=False, dashboard_address=None
        ) as cluster,
    ):
        yield cluster.scheduler_address


def test_outcomes_are_those_of_processes_here(address: str) -> None:
    """Results, and the reason of a failure."""
    outcomes = {one.place: one for one in do_on_cluster([2, 4, 5, 2], halve, address)}
    assert [outcomes[place].result for place in range(4)] == [1, 2, None, 1]
    assert "ValueError: 5 is odd" in outcomes[2].failure


def test_nobody_at_the_address_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """With what was expected, and what to do."""
    monkeypatch.setattr("scenarios.study.cluster.TIMEOUT_S", 0.2)
    with pytest.raises(StudyError, match="expected the address of a running dask scheduler"):
        list(do_on_cluster([2], halve, "tcp://127.0.0.1:9"))
