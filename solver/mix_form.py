"""A problem with mixes as nodes, one per agent and lane, and what each agent can open of them.

A contact enters the node of its lane at an agent. Nodes are to contacts what agents are in the
network form, so they are an `AssignmentProblem` of their own, whose agents are the nodes and whose
caps are the slots that the chosen mixes open. All that is built for networks works on it.

Agents choose from mixes and parts of mixes (`solver/mix_parts.py`), which are not all listed; the
bound that is finally proven looks at caps and costs themselves (`solver/mix_bound.py`).
"""

from dataclasses import dataclass, replace

import numpy as np

from models.problem import NOBODY, AssignmentProblem, Ints, Positions
from solver.flat import members_of, starts_of
from solver.form import a_site_binds
from solver.mix_parts import list_mixes
from solver.rows import build_rows
from solver.rows_kernels import Rows

NO_NODE = -1


@dataclass(frozen=True, eq=False)
class MixForm:
    """N nodes sorted by agent and lane; P mixes sorted by agent."""

    problem: AssignmentProblem
    network: AssignmentProblem
    """The nodes as agents, each with all the slots that any mix opens."""
    rows: Rows
    """Of the network."""
    node_agent: Ints
    """(N,)"""
    node_lane: Ints
    node_of: Ints
    """(A, L) or NO_NODE where no contact may enter."""
    node_start: Ints
    """(A + 1,)"""
    slots: Ints
    """(N,) most contacts that the node takes in any mix."""
    mix_start: Ints
    """(A + 1,)"""
    mix_count: Ints
    """(P, L) slots that each mix opens; no other of its agent covers it at the same cost."""
    mix_cost: Ints
    """(P,) load cost of the mix when it is full, milli-units."""
    is_cut_short: bool
    """Whether a mix has more parts than are listed."""

    @property
    def mix_agent(self) -> Ints:
        """Agent of each mix, shape (P,)."""
        return np.repeat(np.arange(self.problem.num_agents), np.diff(self.mix_start))

    @property
    def one_mix_each(self) -> bool:
        """Whether no agent has a choice: then the nodes are a network, but for site caps."""
        return self.agents_with_choice == 0 and not self.mix_cost.any()

    @property
    def sites_bind(self) -> bool:
        """Whether a site could be full before its agents are."""
        return a_site_binds(self.problem)

    @property
    def agents_with_choice(self) -> int:
        """Number of agents with more than one mix."""
        return int(np.count_nonzero(np.diff(self.mix_start) > 1))

    def agent_at(self, node: Positions) -> Positions:
        """Agent of each contact (C,) that is given to a node, or NOBODY."""
        agents = np.append(self.node_agent, NOBODY).astype(np.int32)
        at: Positions = agents[node]
        return at

    def whole_mixes(self, mix: Ints) -> Ints:
        """For each agent's chosen mix (A,) a mix of the problem that covers it, shape (A, L)."""
        given = self.problem.all_mixes
        agent = np.repeat(np.arange(self.problem.num_agents), np.diff(given.start))
        covers = (given.count >= self.mix_count[mix][agent]).all(axis=1)
        first = np.flatnonzero(covers)
        found, at = np.unique(agent[first], return_index=True)
        covering = given.start[:-1].copy()
        covering[found] = first[at]
        return given.count[covering]

    def open_slots(self, mix: Ints) -> Ints:
        """Slots of every node (N,) when each agent has chosen its mix (A,)."""
        opened: Ints = self.mix_count[mix[self.node_agent], self.node_lane]
        return opened

    def with_slots(self, opened: Ints) -> AssignmentProblem:
        """The network with so many slots at each node, (N,)."""
        return replace(self.network, agent_cap=opened, lane_cap=opened[:, None].copy())


def build_form(problem: AssignmentProblem) -> MixForm:
    """The nodes and mixes of a problem whose pairs have no units of their own."""
    most = np.maximum.reduceat(problem.all_mixes.count, problem.all_mixes.start[:-1])
    most = np.minimum(most, problem.agent_cap[:, None])
    network, node_agent, node_lane = _network(problem, most)
    rows = build_rows(network)
    agents = problem.num_agents
    node_of = np.full((agents, problem.num_lanes), NO_NODE, dtype=np.int64)
    node_of[node_agent, node_lane] = np.arange(len(node_agent))
    asking = np.diff(rows.kind_start)[rows.entry_kind]
    demand = np.zeros((agents, problem.num_lanes), dtype=np.int64)
    demand[node_agent, node_lane] = np.bincount(
        rows.entry_agent, weights=asking, minlength=len(node_agent)
    ).astype(np.int64)
    listed = list_mixes(problem, demand)
    slots = np.minimum(most, demand)[node_agent, node_lane]
    return MixForm(
        problem=problem,
        network=replace(network, agent_cap=slots, lane_cap=slots[:, None].copy()),
        rows=rows,
        node_agent=node_agent,
        node_lane=node_lane,
        node_of=node_of,
        node_start=starts_of(node_agent, agents),
        slots=slots,
        mix_start=listed.start,
        mix_count=listed.count,
        mix_cost=listed.cost,
        is_cut_short=listed.is_cut_short,
    )


def _network(problem: AssignmentProblem, most: Ints) -> tuple[AssignmentProblem, Ints, Ints]:
    """The problem of the nodes that contacts may enter, with agent and lane of each."""
    lanes = max(problem.num_lanes, 1)
    key = problem.contact_class.astype(np.int64) * lanes + problem.contact_lane
    kinds, of = np.unique(key, return_inverse=True)
    kind, agent = members_of(problem, kinds // lanes)
    place = agent.astype(np.int64) * lanes + (kinds % lanes)[kind]
    useful = most.ravel()[place] > 0
    nodes, entry_node = np.unique(place[useful], return_inverse=True)
    node_agent, node_lane = nodes // lanes, nodes % lanes
    node_of = np.full(problem.num_agents * lanes + 1, NO_NODE, dtype=np.int64)
    node_of[nodes] = np.arange(len(nodes))

    contacts = np.arange(problem.num_contacts)
    only = _nodes_at(problem, node_of, contacts, problem.only_agent)
    # Contacts whose only agent has no such node get a class without agents.
    nowhere = (problem.only_agent != NOBODY) & (only == NO_NODE)
    ban = _nodes_at(problem, node_of, problem.banned_contact, problem.banned_agent)
    extra = _nodes_at(problem, node_of, problem.extra_contact, problem.extra_agent)
    nothing = np.zeros(len(nodes), dtype=np.int64)
    network = replace(
        problem,
        contact_class=np.where(nowhere, len(kinds), of).astype(np.int32),
        class_ptr=starts_of(kind[useful], len(kinds) + 1),
        class_agent=entry_node.astype(np.int32),
        only_agent=np.where(only == NO_NODE, NOBODY, only).astype(np.int32),
        banned_contact=problem.banned_contact[ban != NO_NODE],
        banned_agent=ban[ban != NO_NODE].astype(np.int32),
        rate=np.ascontiguousarray(problem.rate[:, node_agent]),
        extra_contact=problem.extra_contact[extra != NO_NODE],
        extra_agent=extra[extra != NO_NODE].astype(np.int32),
        extra_gain=problem.extra_gain[extra != NO_NODE],
        contact_lane=np.zeros(problem.num_contacts, dtype=np.int32),
        lane_cap=nothing[:, None].copy(),
        agent_cap=nothing,
        load_cost=np.zeros((len(nodes), 0), dtype=np.int64),
        agent_site=np.full(len(nodes), NOBODY, dtype=np.int32),
        site_cap=np.zeros(0, dtype=np.int64),
        mixes=None,
        tier=None,
    )
    return network, node_agent, node_lane


def _nodes_at(
    problem: AssignmentProblem, node_of: Ints, contact: Ints | Positions, agent: Positions
) -> Ints:
    """Node that each contact would enter at its agent, NO_NODE where there is none, or NOBODY."""
    nodes = np.full(len(agent), NO_NODE, dtype=np.int64)
    some, lane = agent != NOBODY, problem.contact_lane[contact]
    nodes[some] = node_of[agent[some].astype(np.int64) * max(problem.num_lanes, 1) + lane[some]]
    return nodes
