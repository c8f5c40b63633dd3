"""Lists of lists as flat arrays: where each begins, and the pairs that classes stand for."""

import numpy as np

from models.problem import AssignmentProblem, Ints, Positions


def starts_of(keys: Ints | Positions, size: int) -> Ints:
    """Where each key from 0 to size - 1 begins once the keys are sorted, (size + 1,)."""
    start = np.zeros(size + 1, dtype=np.int64)
    np.cumsum(np.bincount(keys, minlength=size), out=start[1:])
    return start


def members_of(problem: AssignmentProblem, classes: Ints) -> tuple[Ints, Positions]:
    """Place in `classes`, and agent, of all members of these classes, in this order."""
    size = np.diff(problem.class_ptr)[classes]
    place = np.repeat(np.arange(len(classes)), size)
    within = np.arange(len(place)) - np.repeat(np.cumsum(size) - size, size)
    return place, problem.class_agent[problem.class_ptr[:-1][classes][place] + within]
