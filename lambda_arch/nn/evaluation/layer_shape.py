"""The sizes that decide which evaluation is fast."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LayerShape:
    """A lambda layer at work: ``b`` images, maps of ``height`` x ``width``, ``h``, ``k``, ``u``, value depth ``v``.

    ``scope`` is the rows and columns of the embeddings (both 2*side - 1 at least where the scope is global; none where
    there are no position lambdas); ``content`` whether there are content lambdas; ``global_scope`` whether the scope
    is global.
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
        """Rows and columns of the embeddings that the map can meet: an offset of its side or more meets nothing."""
        rows, columns = self.scope or (0, 0)
        return min(rows, 2 * self.height - 1), min(columns, 2 * self.width - 1)

    @property
    def pairs(self) -> int:
        """Pairs of positions within each other's scope, what a convolution that skips its padding multiplies."""
        return self.pairs_down * _pairs(self.width, self.reach[1])

    @property
    def pairs_down(self) -> int:
        """Pairs of rows within each other's scope."""
        return _pairs(self.height, self.reach[0])


def _pairs(side: int, scope: int) -> int:
    reach = scope // 2
    return side * scope - reach * (reach + 1) if scope else 0
