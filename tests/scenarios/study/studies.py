"""A study that is as small as studies can be, for tests."""

from collections.abc import Callable, Iterator, Sequence
from copy import deepcopy
from typing import Any

from scenarios.study.read import build_study
from scenarios.study.spec import Study
from scenarios.study.workers import Outcome

TINY: dict[str, Any] = {
    "title": "Tiny",
    "question": "What if?",
    "policies": ["skills", "fifo"],
    "days": 3,
    "bound_iterations": 5,
    "centre": {
        "hours": 0.5,
        "classes": [
            {
                "name": "calls A",
                "channel": "voice",
                "per_hour": [60.0],
                "handle_s": 200.0,
                "value": 10.0,
                "target_s": 20.0,
                "patience_s": 100.0,
            },
            {
                "name": "calls B",
                "channel": "voice",
                "per_hour": [30.0, 40.0],
                "handle_s": 300.0,
                "value": 30.0,
                "target_s": 20.0,
                "patience_s": 100.0,
            },
        ],
        "teams": [
            {"name": "first", "agents": 3, "resolves": {"calls A": 0.8}},
            {"name": "second", "agents": 3, "resolves": {"calls A": 0.5, "calls B": 0.9}},
        ],
    },
    "overrides": {
        "spike": {"volume": [{"factor": 2.0}]},
        "heavier": {"weigh": [{"loss": 3.0}]},
    },
}
"""Two classes, two teams, half an hour."""


def tiny(**changes: Any) -> dict[str, Any]:  # noqa: ANN401
    """The tiny study's file, with other values for some of its keys."""
    return deepcopy(TINY) | changes


def tiny_study(**changes: Any) -> Study:  # noqa: ANN401
    """The tiny study, with other values for some of its keys."""
    return build_study("tiny", tiny(**changes))


def in_this_process(tasks: Sequence[Any], work: Callable[[Any], Any]) -> Iterator[Outcome[Any]]:
    """An engine without processes."""
    for place, task in enumerate(tasks):
        yield Outcome(place, work(task))
