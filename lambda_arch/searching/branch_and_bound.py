"""The front of a large space within a tolerance: bounds by relaxation, and networks close to them.

For three objectives that add up over blocks. Deep networks have so many choices that some are close to every point of
their convex hull. Where a network is found that is within the tolerance above the bound of a cell, the cell is done.
The networks of other cells are divided by the options of a slot, until bounds or networks suffice (Land and Doig, An
automatic method of solving discrete programming problems, 1960).
"""

from collections.abc import Callable, Iterator

import numpy as np

from lambda_arch.searching.arrays import Floats, Indices, Mask, Rows
from lambda_arch.searching.branching import Nodes, Tree
from lambda_arch.searching.cells import Cells
from lambda_arch.searching.rounding import EXCHANGES, Rounded, nearby

MOST_NODES = 1.0
"""How many nodes are tried for each cell; more are needed where products have few networks, far from their hull."""
RECORD = 4 + 2 * EXCHANGES
"""The length of a record: the tree, its networks, two weights, options and how often they are taken."""
BOXES, WIDEST = 40, 8
"""Into how many boxes the range of a product is divided, in each of two objectives, and the most cells of a box."""
HULL = 18
"""The first networks are those on the hull at so many weights of each of two objectives."""
KINDS = {"box": 10, "cell": 24, "divided": 8}
"""How many kinds of exchanges are tried close to the bound of a box, of a cell, and of a cell's divided networks."""
FAR = 2.0
"""Networks are kept whose weighted cost is above the least by up to so many times the tolerance."""
MANY = 10_000
"""If so many nodes are left, fewer kinds are tried for each."""
TOGETHER = 4096
"""For how many cells networks are looked for before what was found counts."""


class Search:
    """A search for networks that are enough in ``cells`` for all networks of some trees."""

    def __init__(self, trees: list[Tree], cells: Cells) -> None:
        self.trees, self.cells = trees, cells
        extents = [np.log(tree.relaxation.high[1:] / tree.relaxation.low[1:]) for tree in trees]
        self.size = np.clip(np.round(np.median(extents, axis=0) / cells.steps / BOXES), 1, WIDEST).astype(int)

    def run(self, passed: Callable[[Tree], None]) -> bool:
        """Let such networks be reached; False if there is too much to divide. ``passed`` is called with each tree."""
        for tree in self.trees:
            self._offer_hull(tree)
        self.cells.settle()
        boxes = [self._boxes(tree) for tree in self.trees]
        least = np.full(-(-np.array(self.cells.shape) // self.size), np.inf)
        for nodes in boxes:
            np.minimum.at(least, (nodes.i, nodes.j), nodes.bound)
        for is_best in (True, False):  # other products are often not needed then
            for tree, nodes in zip(self.trees, boxes, strict=True):
                self._try_boxes(tree, nodes.rows((nodes.bound <= least[nodes.i, nodes.j]) == is_best))
                if is_best:
                    passed(tree)
            self.cells.settle()
        waiting = [self._open_cells(tree, nodes) for tree, nodes in zip(self.trees, boxes, strict=True)]
        kinds, tried = KINDS["cell"], 0
        while number := sum(len(nodes) for nodes in waiting):
            tried += number
            if tried > MOST_NODES * np.isfinite(self.cells.wanted).sum():
                return False
            waiting = self._try_cells(waiting, kinds)
            waiting = [self._branch(tree, nodes) for tree, nodes in zip(self.trees, waiting, strict=True)]
            kinds = KINDS["divided" if sum(len(nodes) for nodes in waiting) > MANY else "cell"]
        return True

    def _offer_hull(self, tree: Tree) -> None:
        relaxation = tree.relaxation
        number = relaxation.weights.shape[1]
        every = np.arange(0, number, -(-number // HULL))
        weights = np.stack(np.meshgrid(every, every), axis=-1).reshape(-1, 2)
        cheapest = relaxation.cheapest(relaxation.weighted(weights))
        cheapest, rows = np.unique(cheapest, axis=0, return_index=True)
        totals = relaxation.fixed + (relaxation.options[cheapest] * relaxation.counts[:, None]).sum(axis=1)
        none = np.zeros((len(rows), EXCHANGES), np.int32)
        hull = Rounded(np.arange(len(rows)), totals, lambda some: (none[some], none[some]))
        self._offer(tree, np.zeros(len(rows), np.intp), weights[rows], hull)

    def _offer(self, tree: Tree, networks: Rows, weights: Rows, found: Rounded) -> None:
        """Offer what was found in sets of networks (n) with weights (n x 2)."""

        def records(rows: Rows) -> Indices:
            at = found.row[rows]
            columns = (np.full(len(at), tree.number), networks[at], weights[at], *found.exchanges(rows))
            return np.column_stack(columns).astype(np.int32)

        self.cells.offer(found.totals, records)

    def _boxes(self, tree: Tree) -> Nodes:
        """Return the boxes of cells in which a product may have networks without a substitute."""
        relaxation, cells = tree.relaxation, self.cells
        most = [-(-number // size) for number, size in zip(cells.shape, self.size, strict=True)]
        ends = [cells.of(np.array([relaxation.low[k + 1], relaxation.high[k + 1]]), k) // self.size[k] for k in (0, 1)]
        i, j = (np.arange(a, min(b + 1, n)) for (a, b), n in zip(ends, most, strict=True))
        upper = [
            edges[np.minimum((at + 1) * size, number)]
            for edges, at, size, number in zip(cells.edges, (i, j), self.size, cells.shape, strict=True)
        ]
        bound, weights = relaxation.bounds(*upper)
        exist = bound <= relaxation.worst
        done = cells.reached[np.ix_(i * self.size[0], j * self.size[1])] <= cells.allowed(bound)
        a, b = np.nonzero(exist & done)
        for rows, x, y in self._cells_of(i[a], j[b]):
            cells.want(x, y, bound[a[rows], b[rows]])
        a, b = np.nonzero(exist & ~done)
        return Nodes(np.zeros(len(a), np.intp), i[a], j[b], weights[a, b], bound[a, b])

    def _nodes_of(self, tree: Tree, boxes: Nodes) -> Iterator[tuple[Rows, Nodes]]:
        """Yield, for each place in a box, the boxes that have a cell there, and nodes of these cells."""
        for rows, i, j in self._cells_of(boxes.i, boxes.j):
            nodes = boxes.rows(rows)
            nodes.i, nodes.j = i, j
            nodes.bound = tree.relaxation.bound(tree.open.rows(nodes.networks), nodes.weights, self.cells.upper(i, j))
            yield rows, nodes

    def _cells_of(self, i: Rows, j: Rows) -> Iterator[tuple[Rows, Rows, Rows]]:
        """Yield, for each place in a box, the boxes that have a cell there, and these cells."""
        for place in np.ndindex(*(self.size if len(i) else (0,))):
            x, y = i * self.size[0] + place[0], j * self.size[1] + place[1]
            rows = np.flatnonzero((x < self.cells.shape[0]) & (y < self.cells.shape[1]))
            yield rows, x[rows], y[rows]

    def _is_open(self, tree: Tree, nodes: Nodes) -> Mask:
        """Return to which nodes their cells are open."""
        possible = nodes.bound <= tree.relaxation.worst
        return np.asarray(possible & self.cells.is_open(nodes.i, nodes.j, nodes.bound))

    def _open(self, tree: Tree, nodes: Nodes) -> Nodes:
        """Return the nodes whose cells are open to them."""
        return nodes.rows(self._is_open(tree, nodes))

    def _open_cells(self, tree: Tree, boxes: Nodes) -> Nodes:
        """Return the open cells of boxes, and note what is wanted in all of them."""
        found = [boxes.rows(np.empty(0, np.intp))]
        for _, nodes in self._nodes_of(tree, boxes):
            possible = nodes.bound <= tree.relaxation.worst
            self.cells.want(nodes.i[possible], nodes.j[possible], nodes.bound[possible])
            found.append(self._open(tree, nodes))
        return Nodes.all(found)

    def _try_boxes(self, tree: Tree, boxes: Nodes) -> None:
        """Offer networks close to the bounds in the middle of boxes with open cells."""
        is_open = np.zeros(len(boxes), np.bool_)
        for rows, nodes in self._nodes_of(tree, boxes):
            is_open[rows] |= self._is_open(tree, nodes)
        boxes = boxes.rows(is_open)
        middle = [
            np.minimum(at * size + size // 2, number - 1)
            for at, size, number in zip((boxes.i, boxes.j), self.size, self.cells.shape, strict=True)
        ]
        self._try(tree, boxes, self.cells.upper(*middle), KINDS["box"])

    def _try_cells(self, waiting: list[Nodes], kinds: int) -> list[Nodes]:
        """Bound the nodes as well as can be, offer networks close to the open ones, and return those."""
        found = []
        tried = 0
        for tree, nodes in zip(self.trees, waiting, strict=True):
            if not len(nodes):
                found.append(nodes)
                continue
            networks, upper = tree.open.rows(nodes.networks), self.cells.upper(nodes.i, nodes.j)
            nodes.weights, nodes.bound = tree.relaxation.climb(networks, nodes.weights, upper)
            left = self._open(tree, nodes)
            # what is found for every other cell may do for those between
            found.append(left.rows(np.lexsort((left.j, left.i, -_halvings(left.i) - _halvings(left.j)))))
            for start in range(0, len(left), TOGETHER):
                some = self._open(tree, found[-1].rows(slice(start, start + TOGETHER)))
                self._try(tree, some, self.cells.upper(some.i, some.j), kinds)
                tried += len(some)
                if tried >= TOGETHER:
                    self.cells.settle()
                    tried = 0
        self.cells.settle()
        return found

    def _try(self, tree: Tree, nodes: Nodes, points: Floats, kinds: int) -> None:
        """Offer networks close to points (n x 2) at the weights of nodes."""
        near = np.column_stack([nodes.bound, points])
        most = FAR * self.cells.tolerance * (tree.relaxation.at(nodes.weights) * np.abs(near)).sum(axis=1)
        for found in nearby(tree.relaxation, tree.open.rows(nodes.networks), nodes.weights, points, kinds, most):
            self._offer(tree, nodes.networks, nodes.weights, found)

    def _branch(self, tree: Tree, nodes: Nodes) -> Nodes:
        """Return the nodes that are still open, divided."""
        nodes = self._open(tree, nodes)
        found = [nodes.rows(slice(0))]
        for start in range(0, len(nodes), TOGETHER):
            some = nodes.rows(slice(start, start + TOGETHER))
            covered = self.cells.covered_from(some.i, some.j)
            found.append(tree.branch(some, np.minimum(covered, tree.relaxation.worst)))
        return Nodes.all(found)


def _halvings(numbers: Rows) -> Rows:
    """Return how often numbers can be halved, up to three times."""
    return np.asarray(sum((numbers % 2**k == 0).astype(np.intp) for k in (1, 2, 3)))
