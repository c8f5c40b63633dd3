"""The nested capacities as one tree of nodes: lanes inside agents inside sites inside the sink.

A contact that is given to an agent sends one unit from the node it enters up to the sink. The
tree is all that the backends and the price recovery need to know of capacity.
"""

from dataclasses import dataclass

import numpy as np

from models.problem import NOBODY, AssignmentProblem, Ints, Positions

NO_PAIR = -1
UNLIMITED = 2**62


@dataclass(frozen=True, eq=False)
class CapacityTree:
    """N nodes: the A agents, the S sites, the sink, then the lanes whose cap can bind.

    A lane that cannot bind (its cap is not below the agent's, or nobody eligible enters it) is
    its agent's node. Every node but the sink has one arc to its parent, in parallel steps of
    ascending cost: only agents have more than one step (`load_cost`).
    """

    entry: Positions
    """(A, L) node that a contact enters."""
    parent: Positions
    """(N,) node above; the sink is its own parent."""
    cap: Ints
    """(N,) units that may pass; the sink takes all."""
    pair_node: Positions
    """(E,) node entered by each pair of `problem.pairs`."""
    num_agents: int
    num_sites: int

    @property
    def sink(self) -> int:
        """Node in which every unit ends."""
        return self.num_agents + self.num_sites

    @property
    def first_lane(self) -> int:
        """The first lane node; lane nodes go on to the end."""
        return self.sink + 1

    @property
    def num_nodes(self) -> int:
        """N."""
        return len(self.parent)


def build_tree(problem: AssignmentProblem) -> CapacityTree:
    """The capacity tree of a problem; its lane nodes are those that can bind."""
    agents, sites, lanes = problem.num_agents, len(problem.site_cap), problem.num_lanes
    sink, pairs = agents + sites, problem.pairs
    pair_lane = problem.contact_lane[pairs.contact]

    entered = np.zeros((agents, lanes), dtype=bool)
    entered[pairs.agent, pair_lane] = True
    binding = entered & (problem.lane_cap < problem.agent_cap[:, None])
    lane_agent, lane_kind = np.nonzero(binding)
    entry = np.repeat(np.arange(agents, dtype=np.int32)[:, None], lanes, axis=1)
    entry[binding] = sink + 1 + np.arange(len(lane_agent), dtype=np.int32)

    agent_parent = np.where(problem.agent_site == NOBODY, sink, agents + problem.agent_site)
    parent = np.concatenate([agent_parent, np.full(sites + 1, sink), lane_agent])
    lane_cap = problem.lane_cap[lane_agent, lane_kind]
    cap = np.concatenate([problem.agent_cap, problem.site_cap, [UNLIMITED], lane_cap])
    return CapacityTree(
        entry=entry,
        parent=parent.astype(np.int32),
        cap=cap.astype(np.int64),
        pair_node=entry[pairs.agent, pair_lane],
        num_agents=agents,
        num_sites=sites,
    )


def chosen_pairs(problem: AssignmentProblem, agent: Positions) -> Ints:
    """Position in `problem.pairs` of each contact's pair, or NO_PAIR, shape (C,).

    Raises ValueError when an assigned pair is not eligible.
    """
    pairs, width = problem.pairs, max(problem.num_agents, 1)
    assigned = np.flatnonzero(agent != NOBODY)
    keys = pairs.contact.astype(np.int64) * width + pairs.agent
    wanted = assigned * width + agent[assigned]
    place = np.searchsorted(keys, wanted)
    if (np.append(keys, -1)[place] != wanted).any():
        raise ValueError(
            "assignment: a contact has an agent it is not eligible for; expected only pairs of"
            " problem.pairs: check that the assignment belongs to this problem"
        )
    chosen = np.full(problem.num_contacts, NO_PAIR, dtype=np.int64)
    chosen[assigned] = place
    return chosen


def units_passing(tree: CapacityTree, chosen: Ints) -> Ints:
    """Units on each node's arc to its parent, shape (N,); the sink's entry is the total."""
    entered = tree.pair_node[chosen[chosen != NO_PAIR]]
    units = np.bincount(entered, minlength=tree.num_nodes).astype(np.int64)
    for level in (
        slice(tree.first_lane, None),
        slice(tree.num_agents),
        slice(tree.num_agents, tree.sink),
    ):
        np.add.at(units, tree.parent[level], units[level].copy())
    return units


def step_cost_at(problem: AssignmentProblem, step: Ints) -> Ints:
    """Load cost of each agent's step (0 is its first new contact), shape (A,)."""
    given = problem.load_cost.shape[1]
    if given == 0:
        return np.zeros(problem.num_agents, dtype=np.int64)
    cost: Ints = problem.load_cost[np.arange(problem.num_agents), np.minimum(step, given - 1)]
    return cost


def load_segments(problem: AssignmentProblem) -> tuple[Positions, Ints, Ints]:
    """Each agent's arc to its parent as parallel segments: agent, units, cost a unit.

    Every column of `load_cost` is one unit; the last takes the rest of the cap, of which no more
    than C units count. Segments without units are left out.
    """
    columns = max(problem.load_cost.shape[1], 1)
    cap = np.minimum(problem.agent_cap, problem.num_contacts)[:, None]
    units = np.clip(cap - np.arange(columns), 0, 1)
    units[:, -1:] = np.maximum(cap - (columns - 1), 0)
    cost = np.zeros_like(units)
    cost[:, : problem.load_cost.shape[1]] = problem.load_cost
    agent, column = np.nonzero(units)
    return agent.astype(np.int32), units[agent, column], cost[agent, column]
