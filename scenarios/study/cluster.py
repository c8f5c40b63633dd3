"""The same tasks on many machines, by dask.distributed, which is an optional extra."""

import traceback
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from scenarios.study.errors import StudyError
from scenarios.study.workers import Outcome

T = TypeVar("T")
R = TypeVar("R")

TIMEOUT_S = 20


def do_on_cluster(
    tasks: Sequence[T], work: Callable[[T], R], address: str
) -> Iterator[Outcome[R]]:
    """Outcomes of all tasks, as they come, from the workers of the scheduler at that address.

    Its workers must have the same version of this package. A task whose worker dies goes to
    another, as often as the scheduler's setting `allowed-failures` says (3). StudyError where dask
    is missing or nobody answers at the address.
    """
    try:
        from distributed import Client, as_completed  # noqa: PLC0415 - an optional extra
    except ImportError:
        raise StudyError(
            "--scheduler needs dask.distributed, which is not installed; expected the extra"
            " `cluster`: pip install 'omniassign[cluster]', or leave --scheduler out"
        ) from None
    try:
        client = Client(address, timeout=TIMEOUT_S, set_as_default=False)  # type: ignore[no-untyped-call]
    except (OSError, ValueError) as error:
        found = str(error) or "no answer"
        raise StudyError(
            f"--scheduler {address}: {found}; expected the address of a running dask scheduler,"
            " such as tcp://host:8786: start one with `dask scheduler`"
        ) from None
    with client:
        futures = client.map(work, list(tasks), pure=False)
        place_of = {future.key: place for place, future in enumerate(futures)}
        for future in as_completed(futures, loop=client.loop):  # type: ignore[no-untyped-call]
            place = place_of[future.key]
            if future.status == "finished":
                yield Outcome(place, future.result())
            else:
                reason = "".join(traceback.format_exception(future.exception()))
                yield Outcome(place, None, reason)
            future.release()
