"""Networks of a product, divided by the options of slots, and the cells in which they are looked for."""

from dataclasses import dataclass

import numpy as np

from lambda_arch.searching.arrays import Floats, Indices, Mask, Rows
from lambda_arch.searching.relaxation import Open, Relaxation


@dataclass(eq=False)
class Nodes:
    """Nodes of a tree (n): a set of its networks and a cell (or box) in which they may be.

    ``weights`` (n x 2): those of the bound; ``bound``: a lower bound of their first objective.
    """

    networks: Rows
    i: Rows
    j: Rows
    weights: Rows
    bound: Floats

    def __len__(self) -> int:
        return len(self.i)

    def rows(self, rows: Rows | Mask | slice) -> "Nodes":
        """Return some of them."""
        return Nodes(self.networks[rows], self.i[rows], self.j[rows], self.weights[rows], self.bound[rows])

    @staticmethod
    def all(parts: "list[Nodes]") -> "Nodes":
        """Return several together."""
        return Nodes(*(np.concatenate(each) for each in zip(*(vars(nodes).values() for nodes in parts), strict=True)))


class Tree:
    """The networks of a product, and what they were divided into; ``number`` and ``product`` say which.

    ``open``: the sets of networks; the first is all. A set other than that was made from its parent by an ``option`` of
    one more slot. ``first``: of each set, the least option that slots with each table may still get: equal slots get
    theirs in order, so that no combination is made twice.
    """

    def __init__(self, number: int, product: int, relaxation: Relaxation) -> None:
        self.number, self.product, self.relaxation = number, product, relaxation
        self.open = relaxation.all
        self.parent = self.option = np.array([-1])
        self.first = relaxation.starts[None]

    def divide(self, networks: Rows, option: Rows) -> Rows:
        """Add sets in which one more slot has an option; returns their numbers."""
        rows, table = np.arange(len(option)), self.relaxation.table[option]
        counts, first = self.open.counts[networks], self.first[networks]
        counts[rows, table] -= 1
        first[rows, table] = option
        fixed = self.open.fixed[networks] + self.relaxation.options[option]
        number = len(self.parent)
        self.open = Open(np.concatenate([self.open.fixed, fixed]), np.concatenate([self.open.counts, counts]))
        self.first = np.concatenate([self.first, first])
        self.parent = np.concatenate([self.parent, networks])
        self.option = np.concatenate([self.option, option])
        return number + rows

    def branch(self, nodes: Nodes, most: Floats) -> Nodes:
        """Divide nodes by the options of one slot each, as far as their bounds are less than ``most`` (n).

        It is a slot whose options are widest apart. Nodes without an open slot are left out.
        """
        relaxation = self.relaxation
        weighted = relaxation.weighted(nodes.weights)
        least = np.minimum.reduceat(weighted, relaxation.starts, axis=1)
        excess = weighted - least[:, relaxation.table]
        left = self.open.counts[nodes.networks] > 0
        possible = left[:, relaxation.table] & (nodes.bound[:, None] + excess < most[:, None])
        possible &= np.arange(len(relaxation.options)) >= self.first[nodes.networks][:, relaxation.table]
        spread = np.maximum.reduceat(np.where(possible, relaxation.size, 0.0), relaxation.starts, axis=1)
        table = np.where(left, spread, -1.0).argmax(axis=1)
        possible &= relaxation.table == table[:, None]
        row, option = np.nonzero(possible)
        children = nodes.rows(row)
        children.networks = self.divide(children.networks, option)
        children.bound = children.bound + excess[row, option]
        return children

    def options(self, networks: Rows, weights: Rows, instead: Indices, times: Indices) -> Indices:
        """Return the option of each slot (n x slots) of networks, among those of all tables.

        Each is of a set, with the cheapest options at weights (n x 2) in the open slots, but for other options
        ``instead`` in as many as ``times`` says (n x exchanges); -1 is none.
        """
        relaxation = self.relaxation
        exchanges = list(zip(instead.T, np.where(instead < 0, 0, times).T, strict=True))
        while (networks > 0).any():
            exchanges.append((self.option[networks], networks > 0))
            networks = np.where(networks > 0, self.parent[networks], 0)
        cheapest = relaxation.cheapest(relaxation.weighted(weights))
        chosen = np.empty((len(networks), sum(map(len, relaxation.slots))), np.int32)
        for table, slots in enumerate(relaxation.slots):
            taken = np.repeat(cheapest[:, table, None], len(slots), axis=1)
            done = np.zeros(len(networks), np.int64)
            for option, number in exchanges:
                end = done + np.where(relaxation.table[option] == table, number, 0)
                place = np.arange(len(slots))
                taken = np.where((place >= done[:, None]) & (place < end[:, None]), option[:, None], taken)
                done = end
            chosen[:, slots] = taken
        return chosen
