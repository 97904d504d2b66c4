"""The shape of a lambda layer's computation, which decides the fastest evaluation."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LayerShape:
    """The shape of a computation: ``b`` images, maps of ``height`` x ``width``, ``h``, ``k``, ``u``, value depth ``v``.

    ``scope``: rows and columns of the embeddings (at least 2 * side - 1 each for a global scope), None without position
    lambdas; ``content``: whether there are content lambdas; ``global_scope``: whether the scope is global.
    """

    b: int
    height: int
    width: int
    h: int
    k: int
    u: int
    v: int
    scope: tuple[int, int] | None
    content: bool = True
    global_scope: bool = False

    @property
    def n(self) -> int:
        """Positions of the map."""
        return self.height * self.width

    @property
    def reach(self) -> tuple[int, int]:
        """Rows and columns of the embeddings for offsets that occur on the map, those below its sides."""
        rows, columns = self.scope or (0, 0)
        return min(rows, 2 * self.height - 1), min(columns, 2 * self.width - 1)

    @property
    def pairs(self) -> int:
        """Pairs of positions within scope, the products of a convolution that skips its padding."""
        return self.pairs_down * _pairs(self.width, self.reach[1])

    @property
    def pairs_down(self) -> int:
        """Pairs of rows within scope."""
        return _pairs(self.height, self.reach[0])


def _pairs(side: int, scope: int) -> int:
    reach = scope // 2
    return side * scope - reach * (reach + 1) if scope else 0
