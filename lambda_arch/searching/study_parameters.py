"""The options of a space as parameters of an Optuna study."""

from dataclasses import dataclass

from lambda_arch.arch import STAGES, Architecture, Block, Lambda, ResNet
from lambda_arch.searching.search_space import Product, Space

NETWORK = ("depth", "image_size", "stem")
LAYER = ("k", "h", "u", "m")
Value = str | int | float | bool | None


@dataclass(frozen=True)
class Parameters:
    """Every option that differs between the architectures of a space, with its values.

    Options of stages are ``c4.k``; of blocks, where these are chosen one by one (``by_block``), ``c4.1.k``. A listing
    has the name of the architecture as its only parameter.
    """

    values: dict[str, tuple[Value, ...]]
    by_block: frozenset[int]

    @classmethod
    def of(cls, space: Space) -> "Parameters":
        """Return the parameters of a space."""
        products = [product for product in space.products if isinstance(product, Product)]
        if len(products) < len(space.products):
            return cls({"architecture": tuple(dict.fromkeys(map(str, space.architectures())))}, frozenset())
        slots = {id(slot): slot for product in products for slot in product.slots}
        columns = [column for slot in slots.values() for column in slot.columns]
        by_block = frozenset(
            i
            for product in products
            for i, blocks in enumerate(product.base.stages)
            for slot in product.slots
            for column in slot.columns
            if 0 < sum(place[0] == i for place in column.places) < len(blocks)
        )
        found: dict[str, dict[Value, None]] = {}
        for product in products:
            for name in NETWORK:
                found.setdefault(name, {})[getattr(product.base, name)] = None
        for column in columns:
            for block in column.blocks:
                for name, value in _of_block(block).items():
                    for place in column.places:
                        found.setdefault(_name(place, name, by_block), {})[value] = None
        values = {name: tuple(sorted(each, key=_order)) for name, each in found.items() if len(each) > 1}
        return cls(values, by_block)

    def settings(self, architecture: Architecture) -> dict[str, Value]:
        """Return the value of each parameter that an architecture has."""
        found: dict[str, Value] = {"architecture": str(architecture)}
        if isinstance(architecture, ResNet):
            found |= {name: getattr(architecture, name) for name in NETWORK}
            for i, blocks in enumerate(architecture.stages):
                for j, block in enumerate(blocks):
                    found |= {_name((i, j), name, self.by_block): value for name, value in _of_block(block).items()}
        return {name: value for name, value in found.items() if name in self.values}


def _name(place: tuple[int, int], option: str, by_block: frozenset[int]) -> str:
    stage, number = place
    return f"{STAGES[stage]}.{number + 1}.{option}" if stage in by_block else f"{STAGES[stage]}.{option}"


def _of_block(block: Block) -> dict[str, Value]:
    layer = block.layer
    found: dict[str, Value] = {"layer": "L" if isinstance(layer, Lambda) else "C", "se": float(block.se)}
    for name in LAYER:
        found[name] = getattr(layer, name) if isinstance(layer, Lambda) else None
    return found


def _order(value: Value) -> tuple[int, float, str]:
    return (0, float(value), "") if isinstance(value, int | float) else (1, 0.0, str(value))
