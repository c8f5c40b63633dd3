"""Compiled choice of the best mix of every agent at given rents, and steps along what follows.

Over a graph of listed pairs the choice is quick and, where a pair is missing, too low; over the
lists of a look at all pairs it is exact.
"""

from typing import NamedTuple

import numpy as np
from numba import njit, types

from models.problem import Floats, Ints, Positions
from solver.array_types import F8, I4, I8, I8S


class Graph(NamedTuple):
    """Pairs worth a thought, by node and by contact; the same pairs both times.

    Between the pairs of two nodes there may be room that is not used.
    """

    start: Ints
    """(N,) pairs of node n are start[n]:end[n]."""
    end: Ints
    contact: Positions
    gain: Floats
    row_start: Ints
    """(C + 1,)"""
    row_node: Positions
    row_gain: Floats


class Offers(NamedTuple):
    """The nodes and mixes of `MixForm`, as far as a look at them needs."""

    node_start: Ints
    node_lane: Ints
    slot_start: Ints
    """(N + 1,) where the best contacts of each node go in a `Choice`."""
    mix_start: Ints
    mix_count: Ints
    mix_cost: Ints


class Choice(NamedTuple):
    """What agents would take; A agents, C contacts, N nodes, P mixes."""

    taken: Ints
    """(C,) agents that would take the contact."""
    used: Ints
    """(N,) contacts that the node would take."""
    mix: Ints
    """(A,) best mix."""
    mix_worth: Floats
    """(P,)"""
    price: Floats
    """(N,) gain less rent and fee from which on a contact would be taken, of `entry_prices`."""
    found: Ints
    """(N,) how many contacts of the node are in `top`."""
    top: Floats
    """Worth of the best contacts of every node, summed up from the best."""
    who: Ints
    """Those contacts."""


INT = types.int64
GRAPH = types.NamedTuple((I8, I8, I4, F8, I8, I4, F8), Graph)  # type: ignore[no-untyped-call]
OFFERS = types.NamedTuple((I8, I8, I8, I8, I8S, I8), Offers)  # type: ignore[no-untyped-call]
CHOICE = types.NamedTuple((I8, I8, I8, F8, F8, I8, F8, I8), Choice)  # type: ignore[no-untyped-call]


@njit(types.int64(GRAPH, types.int64, F8, types.float64, types.int64, F8, I8), cache=True)
def _best_listed(
    graph: Graph, node: int, rent: Floats, fee: float, most: int, top: Floats, who: Ints
) -> int:
    """Write the largest gains less rent and fee of a node's pairs, if positive; their number."""
    found = 0
    for n in range(graph.start[node], graph.end[node]):
        worth = graph.gain[n] - rent[graph.contact[n]] - fee
        if worth <= 0.0 or (found == most and worth <= top[found - 1]):
            continue
        at = found
        if found < most:
            found += 1
        else:
            at -= 1
        while at > 0 and top[at - 1] < worth:
            top[at], who[at] = top[at - 1], who[at - 1]
            at -= 1
        top[at], who[at] = worth, graph.contact[n]
    return found


@njit(types.void(OFFERS, GRAPH, INT, F8, F8, CHOICE, I8), cache=True)
def _look_at_nodes(
    offers: Offers,
    graph: Graph,
    agent: int,
    rent: Floats,
    fee: Floats,
    choice: Choice,
    found: Ints,
) -> None:
    """Sum up the best contacts of the agent's nodes; their number by lane goes to `found`."""
    for node in range(offers.node_start[agent], offers.node_start[agent + 1]):
        first, last = offers.slot_start[node], offers.slot_start[node + 1]
        top, who = choice.top[first:last], choice.who[first:last]
        got = _best_listed(graph, node, rent, fee[node], last - first, top, who)
        found[offers.node_lane[node]] = got
        choice.found[node] = got
        for n in range(1, got):
            top[n] += top[n - 1]


@njit(types.void(OFFERS, INT, INT, CHOICE, I8), cache=True)
def _take(offers: Offers, agent: int, mix: int, choice: Choice, found: Ints) -> None:
    """Count what the agent takes by this mix."""
    for node in range(offers.node_start[agent], offers.node_start[agent + 1]):
        lane, first = offers.node_lane[node], offers.slot_start[node]
        used = min(offers.mix_count[mix, lane], found[lane])
        choice.used[node] = used
        for n in range(first, first + used):
            choice.taken[choice.who[n]] += 1


@njit(types.float64(OFFERS, GRAPH, F8, F8, CHOICE), cache=True)
def choose(offers: Offers, graph: Graph, rent: Floats, fee: Floats, choice: Choice) -> float:
    """What all agents would earn by their best mixes at these rents, over the graph alone."""
    total = 0.0
    choice.taken[:] = 0
    found = np.zeros(offers.mix_count.shape[1], dtype=np.int64)
    for agent in range(len(offers.node_start) - 1):
        _look_at_nodes(offers, graph, agent, rent, fee, choice, found)
        best, best_mix = -np.inf, -1
        for mix in range(offers.mix_start[agent], offers.mix_start[agent + 1]):
            worth = -float(offers.mix_cost[mix])
            for node in range(offers.node_start[agent], offers.node_start[agent + 1]):
                lane = offers.node_lane[node]
                used = min(offers.mix_count[mix, lane], found[lane])
                if used > 0:
                    worth += choice.top[offers.slot_start[node] + used - 1]
            choice.mix_worth[mix] = worth
            if worth > best:
                best, best_mix = worth, mix
        total += best
        choice.mix[agent] = best_mix
        _take(offers, agent, best_mix, choice, found)
    return total


@njit(types.void(OFFERS, CHOICE), cache=True)
def entry_prices(offers: Offers, choice: Choice) -> None:
    """Price every node at what a contact must be worth there to be taken, whatever mix takes it.

    With a mix that opens the lane it takes the place of the last one, where there is no room.
    """
    for agent in range(len(offers.node_start) - 1):
        best = choice.mix_worth[choice.mix[agent]]
        for node in range(offers.node_start[agent], offers.node_start[agent + 1]):
            first, price = offers.slot_start[node], np.inf
            for mix in range(offers.mix_start[agent], offers.mix_start[agent + 1]):
                count = offers.mix_count[mix, offers.node_lane[node]]
                if count == 0:
                    continue
                last = 0.0
                if count <= choice.found[node]:
                    before = choice.top[first + count - 2] if count > 1 else 0.0
                    last = choice.top[first + count - 1] - before
                price = min(price, best - choice.mix_worth[mix] + last)
            choice.price[node] = price


@njit(types.float64(F8, F8, F8, I8, types.float64), cache=True)
def turn(direction: Floats, rent: Floats, scale: Floats, taken: Ints, keep: float) -> float:
    """Turn the direction towards this round's subgradient, 1 - taken; its scaled square length.

    Contacts that nobody takes at no rent cannot go further down: they do not count.
    """
    square = 0.0
    for i in range(len(rent)):
        direction[i] = keep * direction[i] + (1.0 - keep) * (1 - taken[i])
        if rent[i] > 0.0 or direction[i] < 0.0:
            square += direction[i] * direction[i] * scale[i]
    return square


@njit(types.void(F8, F8, F8, types.float64), cache=True)
def descend(rent: Floats, direction: Floats, scale: Floats, step: float) -> None:
    """Move the rents against the direction, each by its scale, but not below 0."""
    for i in range(len(rent)):
        rent[i] = max(0.0, rent[i] - step * scale[i] * direction[i])


@njit(types.void(OFFERS, I8, I8, I8S, I8S, GRAPH, F8, F8, I8), cache=True)
def exact_worth(
    offers: Offers,
    agent_cap: Ints,
    mix_start: Ints,
    mix_count: Ints,
    step_cost: Ints,
    lists: Graph,
    rent: Floats,
    fee: Floats,
    worth: Ints,
) -> None:
    """What each agent (A,) would earn by its best mix, caps and load costs looked at one by one.

    The lists must have been refreshed over all pairs at these rents. Of a mix the contact worth
    most is taken while it is worth more than the next step of load (`models/bound.py`).
    """
    at = np.zeros(mix_count.shape[1], dtype=np.int64)
    last_step = step_cost.shape[1] - 1
    for agent in range(len(agent_cap)):
        nodes = range(offers.node_start[agent], offers.node_start[agent + 1])
        best = 0
        for mix in range(mix_start[agent], mix_start[agent + 1]):
            at[:] = 0
            total = 0
            for nth in range(agent_cap[agent]):
                top, top_lane = 0.0, -1
                for node in nodes:
                    lane = offers.node_lane[node]
                    if at[lane] < min(mix_count[mix, lane], lists.end[node] - lists.start[node]):
                        n = lists.start[node] + at[lane]
                        value = lists.gain[n] - rent[lists.contact[n]] - fee[node]
                        if value > top:
                            top, top_lane = value, lane
                cost = step_cost[agent, min(nth, last_step)] if last_step >= 0 else 0
                if top_lane < 0 or top <= cost:
                    break
                total += int(top) - cost
                at[top_lane] += 1
            best = max(best, total)
        worth[agent] = best
