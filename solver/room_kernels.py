"""Compiled questions about what still fits at an agent."""

from numba import njit

from models.problem import Ints


@njit("b1(i4, i4, i8[::1], i8[:, ::1], i8[:, ::1])", cache=True)
def fits_a_mix(agent: int, lane: int, start: Ints, count: Ints, held: Ints) -> bool:
    """Whether one more in that lane stays within a mix of the agent."""
    for mix in range(start[agent], start[agent + 1]):
        fits = True
        for other in range(count.shape[1]):
            if held[agent, other] + (other == lane) > count[mix, other]:
                fits = False
                break
        if fits:
            return True
    return False
