"""Looks at all pairs of a problem with mixes, and the graph of pairs worth a thought.

A look brings up to date, at given rents and prices, the best contacts of every node and the best
nodes of every contact. Together with what earlier looks found, as long as it is near to paying,
they are the graph on which rents are lowered and mixes searched: some hundredths of all pairs, and
all that matter.
"""

from collections.abc import Callable

import numpy as np

from models.problem import Floats, Ints
from solver.flat import starts_of
from solver.mix_bound_kernels import Graph
from solver.mix_form import MixForm
from solver.mix_survey_kernels import (
    Shortlists,
    best_of_rows,
    columns_of,
    put_in_order,
    refresh,
    rows_of,
)
from solver.rows import longest_slice
from solver.rows_kernels import contact_rents

SPARE = 16
"""Contacts on the list of a node beyond those that it may take."""

NODES_A_CONTACT = 8
"""That enter the graph in a look."""

KEPT_WITHIN = 0.5
"""Part of the mean gain, and of the price, that a pair may fall short of before it is dropped."""

PAIRS_BETWEEN_LOOKS = 5_000_000
"""At the clock."""


class Survey:
    """Lists and graph of one problem."""

    def __init__(self, form: MixForm) -> None:
        """Nothing is listed yet."""
        self._rows, nodes = form.rows, len(form.slots)
        self._contacts = form.problem.num_contacts
        self._buffer = np.empty(longest_slice(form.rows))
        self._chunk = max(1, PAIRS_BETWEEN_LOOKS // len(self._buffer))
        self.largest: Floats = np.empty(self._contacts)
        """(C,) largest gain of each contact, or 0; contacts are in the order of the rows here."""
        contact_rents(
            self._rows, np.zeros(len(self._rows.entry_agent)), self.largest, self._buffer
        )
        start = np.zeros(nodes + 1, dtype=np.int64)
        np.cumsum(form.slots + SPARE, out=start[1:])
        self._lists = Shortlists(
            start=start,
            size=np.zeros(nodes, dtype=np.int64),
            contact=np.zeros(start[-1], dtype=np.int32),
            gain=np.zeros(start[-1]),
            worth=np.zeros(start[-1]),
        )
        self._entry_worst = np.empty(len(self._rows.entry_agent))
        self._best_node = np.empty((self._contacts, NODES_A_CONTACT), dtype=np.int32)
        self._best_gain = np.empty((self._contacts, NODES_A_CONTACT))
        no_rows = np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int32), np.zeros(0)
        self.graph = Graph(
            start[:-1], start[:-1], np.zeros(0, dtype=np.int32), np.zeros(0), *no_rows
        )

    @property
    def lists(self) -> Graph:
        """The best contacts of every node at the last listing, best first; without rows."""
        lists = self._lists
        return self.graph._replace(
            start=lists.start[:-1],
            end=lists.start[:-1] + lists.size,
            contact=lists.contact,
            gain=lists.gain,
        )

    def list_contacts(self, rent: Floats, is_late: Callable[[], bool]) -> bool:
        """List the best contacts of every node at these rents (C,); False if it got late."""
        put_in_order(self._rows, self._lists, rent, self._entry_worst)
        for first in range(0, self._contacts, self._chunk):
            if is_late():
                return False
            last = min(first + self._chunk, self._contacts)
            refresh(self._rows, self._lists, rent, self._entry_worst, first, last, self._buffer)
        return True

    def extend_graph(self, rent: Floats, price: Floats, is_late: Callable[[], bool]) -> bool:
        """Add to the graph the lists and every contact's best nodes at these prices (N,)."""
        entry_price = price[self._rows.entry_agent]
        for first in range(0, self._contacts, self._chunk):
            if is_late():
                return False
            last = min(first + self._chunk, self._contacts)
            best_of_rows(
                self._rows, entry_price, first, last, self._buffer,
                self._best_node, self._best_gain,
            )  # fmt: skip
        near = float(self.largest.mean()) * KEPT_WITHIN
        node, contact, gain = pairs_of(self.graph)
        short = price[node] + rent[contact] - gain
        stays = short <= np.minimum(near, KEPT_WITHIN * price[node])
        known = node[stays], contact[stays], gain[stays]
        node, contact, gain = (
            np.concatenate(part)
            for part in zip(self._rows_found(), pairs_of(self.lists), known, strict=True)
        )
        keep = gain > 0
        self.graph = _graph(node[keep], contact[keep], gain[keep], len(price), len(rent))
        return True

    def _rows_found(self) -> tuple[Ints, Ints, Floats]:
        found = self._best_node >= 0
        contact = np.repeat(np.arange(self._contacts), found.sum(axis=1))
        return self._best_node[found].astype(np.int64), contact, self._best_gain[found]


def pairs_of(graph: Graph) -> tuple[Ints, Ints, Floats]:
    """Node, contact and gain of the pairs of a graph."""
    size = graph.end - graph.start
    node = np.repeat(np.arange(len(size)), size)
    place = np.arange(len(node)) + np.repeat(graph.start - (np.cumsum(size) - size), size)
    return node, graph.contact[place].astype(np.int64), graph.gain[place]


def _graph(node: Ints, contact: Ints, gain: Floats, nodes: int, contacts: int) -> Graph:
    """The graph of pairs that may be named several times."""
    start = starts_of(node, nodes)
    column, worth, size = columns_of(node, contact, gain, start, contacts)
    row_start, row_node, row_gain = rows_of(start, size, column, worth, contacts)
    return Graph(
        start[:-1].copy(), start[:-1] + size, column, worth, row_start, row_node, row_gain
    )
