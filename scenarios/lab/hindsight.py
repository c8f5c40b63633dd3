"""A day of the lab as the hindsight bound sees it: everything that luck decided is known.

Groups are agents who share probabilities, handling times and duty, which keeps the bound sharp.
Emails lie still while anything else is held, so they cost the bound no time. A customer who may
come back is one more contact per attempt that their luck allows, worth its value again and, after
the first attempt, without waiting cost or loss: both only raise the bound.
"""

import numpy as np

from scenarios.lab.bound import DutyCells, HindsightDay, duty_cells, hindsight_bound
from scenarios.lab.centre import Flags, Floats, Ints, LabCentre, LabChannel
from scenarios.lab.day import Day
from solver.pricing.path import USUAL, PricePath, Search
from solver.pricing.slow import Signatures, signatures


def bound_of_day(centre: LabCentre, day: Day, iterations: int = USUAL.iterations) -> float:
    """Money: no router could have earned more on that day."""
    return price_path_of_day(centre, day, iterations).bound


def price_path_of_day(
    centre: LabCentre, day: Day, iterations: int = USUAL.iterations
) -> PricePath:
    """The bound with the prices of every group's time that prove it; groups: `duty_groups`."""
    return hindsight_bound(hindsight_day(centre, day), search=Search(iterations=iterations))


def hindsight_day(centre: LabCentre, day: Day) -> HindsightDay:
    """The day as N contacts, K classes, M groups and T ticks.

    Raises ValueError for centres that decide at events or plan heads instead of shifts.
    """
    if centre.tick_s <= 0 or centre.staffing is not None:
        raise ValueError(
            f"centre {centre.name}: tick {centre.tick_s} s, staffing"
            f" {'by heads' if centre.staffing is not None else 'by shifts'}; expected a tick above"
            " 0 and shifts: the bound knows no others"
        )
    classes, groups = centre.classes, duty_groups(centre)
    customer, attempt, kind, from_s, until_s = _visits(centre, day)
    first = attempt == 0
    value = day.value[customer]
    can_return = first & np.isin(customer, customer[~first])
    attention = np.where(classes.channel == LabChannel.EMAIL, 0.0, centre.attention)
    return HindsightDay(
        kind=kind,
        arrival_s=from_s,
        patience_s=until_s - from_s,
        value=value,
        loss=np.where(first & ~can_return, classes.loss_share[kind] * value, 0.0),
        waiting_cost=np.where(first, classes.waiting_cost[kind], 0.0),
        attention=attention[kind],
        effort=day.noise[customer, attempt],
        resolution=centre.p[:, groups.example],
        handling_s=centre.h[:, groups.example],
        eligible=centre.eligible[:, groups.example],
        duty=_duty(centre, groups, _longest_work_s(centre, day)),
        tick_s=centre.tick_s,
    )


def duty_groups(centre: LabCentre) -> Signatures:
    """Agents who share p, h, eligibility, shift and breaks."""
    shift = np.stack([centre.shift_from_s, centre.shift_until_s])
    tables = [centre.p, centre.h, centre.eligible.astype(np.float64), shift]
    if centre.breaks is not None:
        tables.append(_break_table(centre))
    return signatures(*tables)


def _visits(centre: LabCentre, day: Day) -> tuple[Ints, Ints, Ints, Floats, Floats]:
    """Customer, attempt, class, first and last instant of a start, of all visits possible."""
    number = len(day)
    mean_patience = centre.classes.patience_s
    rows = [np.arange(number)]
    kinds = [day.kind]
    from_s = [day.arrival_s]
    until_s = [day.arrival_s + mean_patience[day.kind] * day.patience[:, 0]]
    attempts = [np.zeros(number, dtype=np.int64)]
    for attempt in range(1, centre.attempts):
        row, kind, soonest, latest = _next_attempt(
            centre, day, attempt, (rows[-1], kinds[-1], from_s[-1], until_s[-1])
        )
        rows.append(row)
        kinds.append(kind)
        from_s.append(soonest)
        until_s.append(latest)
        attempts.append(np.full(len(row), attempt))
    return (
        np.concatenate(rows),
        np.concatenate(attempts),
        np.concatenate(kinds),
        np.concatenate(from_s),
        np.concatenate(until_s),
    )


def _next_attempt(
    centre: LabCentre, day: Day, attempt: int, before: tuple[Ints, Ints, Floats, Floats]
) -> tuple[Ints, Ints, Floats, Floats]:
    """Who may come back after the attempt before, in which class, and when they may be served.

    They come back `delay` after leaving, or after being served and not helped.
    """
    habits = centre.classes.habits
    row, kind, soonest, latest = before
    if habits is None:
        return row[:0], kind[:0], soonest[:0], latest[:0]
    last = attempt - 1
    luck, delay = day.returns[row, last], day.delay[row, last]
    redials = luck < habits.redial_share[kind]
    lowest_p = np.where(centre.eligible, centre.p, 1.0).min(axis=1)
    reconnects = (luck < habits.reconnect_share[kind]) & (day.outcome[row, last] >= lowest_p[kind])
    least_s = np.where(centre.eligible, centre.h, np.inf).min(axis=1)[kind]
    most_s = np.where(centre.eligible, centre.h, 0.0).max(axis=1)[kind]
    slowest = 1.0 + centre.slowdown * (centre.chats - 1)
    after_leaving = habits.redial_median_s[kind] * delay
    after_service = habits.reconnect_median_s[kind] * delay
    effort = day.noise[row, last]
    begin = np.minimum(
        np.where(redials, latest + after_leaving, np.inf),
        np.where(reconnects, soonest + least_s * effort + after_service, np.inf),
    )
    # An email may lie still for as long as the day lasts.
    still_s = np.where(centre.classes.channel[kind] == LabChannel.EMAIL, np.inf, 0.0)
    end = np.maximum(
        np.where(redials, latest + after_leaving, 0.0),
        np.where(reconnects, latest + most_s * effort * slowest + still_s + after_service, 0.0),
    )
    end = np.minimum(end, centre.horizon_s)
    moves = day.switch[row, last] < habits.switch_share[kind]
    next_kind = np.where(moves, habits.switch_to[kind], kind)
    patience = centre.classes.patience_s[next_kind] * day.patience[row, attempt]
    back = (redials | reconnects) & (begin < centre.horizon_s)
    return row[back], next_kind[back], begin[back], (end + patience)[back]


def _longest_work_s(centre: LabCentre, day: Day) -> float:
    """Seconds that anything held can take; without limit where emails may lie still."""
    if (centre.classes.channel == LabChannel.EMAIL).any():
        return np.inf
    slowest = 1.0 + centre.slowdown * (centre.chats - 1)
    return float(centre.h[centre.eligible].max() * day.noise.max(initial=0.0) * slowest)


def _duty(centre: LabCentre, groups: Signatures, longest_s: float) -> DutyCells:
    """Stretches of duty of all agents: shifts less the breaks that are taken for certain."""
    agent, from_s, until_s = _stretches(centre, longest_s)
    ticks = int(np.ceil((centre.horizon_s + centre.overtime_s) / centre.tick_s))
    return duty_cells(
        groups.of_agent[agent],
        from_s,
        until_s,
        finish_s=0.0,
        shape=(len(groups.example), ticks),
        tick_s=centre.tick_s,
    )


def _stretches(centre: LabCentre, longest_s: float) -> tuple[Ints, Floats, Floats]:
    """Agent, begin and end of every stretch of duty."""
    agents = np.arange(centre.num_agents)
    if centre.breaks is None:
        return agents, centre.shift_from_s, centre.shift_until_s
    who, begin, end = _certain_breaks(centre, longest_s)
    # Every break ends one stretch and begins the next.
    agent = np.concatenate([agents, who])
    from_s = np.concatenate([centre.shift_from_s, end])
    until_s = np.concatenate([begin, centre.shift_until_s])
    ends_of = np.concatenate([who, agents])
    first, last = np.lexsort((from_s, agent)), np.lexsort((until_s, ends_of))
    return agent[first], from_s[first], until_s[last]


def _certain_breaks(centre: LabCentre, longest_s: float) -> tuple[Ints, Floats, Floats]:
    """Breaks inside the shift that cannot be left out.

    A break that falls into another, which began late because work had to be finished, is left
    out: one is certain if the one before is over by then however late it began.
    """
    breaks = centre.breaks
    none = np.zeros(0)
    if breaks is None:
        return none.astype(np.int64), none, none
    order = np.lexsort((breaks.from_s, breaks.agent))
    who, begin, end = breaks.agent[order], breaks.from_s[order], breaks.until_s[order]
    inside = (begin >= centre.shift_from_s[who]) & (end <= centre.shift_until_s[who])
    who, begin, end = who[inside], begin[inside], end[inside]
    follows = np.concatenate([[False], who[1:] == who[:-1]])
    since_last_s = begin - np.concatenate([[0.0], end[:-1]])
    certain: Flags = ~follows | (since_last_s > longest_s)
    return who[certain], begin[certain], end[certain]


def _break_table(centre: LabCentre) -> Floats:
    """(2 B, A) begins and ends of each agent's breaks in order, B the most of one agent."""
    breaks = centre.breaks
    if breaks is None:
        return np.zeros((0, centre.num_agents))
    order = np.lexsort((breaks.from_s, breaks.agent))
    who = breaks.agent[order]
    place = np.arange(len(who)) - np.searchsorted(who, who)
    most = int(place.max(initial=-1)) + 1
    table = np.full((2, most, centre.num_agents), -1.0)
    table[0, place, who] = breaks.from_s[order]
    table[1, place, who] = breaks.until_s[order]
    return table.reshape(2 * most, -1)
