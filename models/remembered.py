"""Results that ticks share: what follows from objects that did not change is not asked again.

Policies and most tables stay the same objects from tick to tick, and several parts of a tick ask
the same of the same tables. Only for pure functions whose arguments nobody changes.
"""

from collections import deque
from collections.abc import Callable
from functools import wraps
from operator import is_
from typing import ParamSpec, TypeVar

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")

KEPT = 4
"""Results per function: one centre needs one or two at a time."""


def remembered(function: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
    """The function, with its latest results kept for when the same objects, not only equal ones,
    come again.
    """
    latest: deque[tuple[tuple[object, ...], Result]] = deque(maxlen=KEPT)

    @wraps(function)
    def of(*arguments: Arguments.args, **named: Arguments.kwargs) -> Result:
        given = (*arguments, *named, *named.values())
        for known, result in tuple(latest):
            if len(known) == len(given) and all(map(is_, known, given)):
                return result
        result = function(*arguments, **named)
        latest.appendleft((given, result))
        return result

    return of
