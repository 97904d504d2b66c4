"""Names of the evaluations of a lambda layer: an order of its products and a way to apply queries (``matrix/sum``)."""

from collections.abc import Iterator
from dataclasses import dataclass

from lambda_arch.arch.evaluation_shapes import FOLDS
from lambda_arch.errors import SetupError, did_you_mean

ORDERS = ("canonical", "convolution", "folded", "matrix", "queries_first", "fft", "fused")
APPLIES = ("product", "sum", "accumulate")
WITHOUT_APPLY = ("canonical", "queries_first", "fused")  # the first has its own modules, the others store no lambdas


@dataclass(frozen=True, slots=True)
class Evaluation:
    """One exact evaluation: the order of the products, how queries are applied, what is kept for the backward pass.

    ``order`` is ``canonical`` (the modules that the counters see), ``convolution``, ``folded``, ``matrix``,
    ``queries_first``, ``fft`` or ``fused``; ``apply`` is ``product``, ``sum`` or ``accumulate``. ``recompute`` frees
    the lambdas after the forward pass and computes them again in the backward pass. ``fold``, only of the folded order:
    the axis and the number of shifts that become channels, such as ``y8``; by default along x, as the scope wants.

    Raises SetupError for other names.
    """

    order: str = "canonical"
    apply: str = "product"
    recompute: bool = False
    fold: str = ""

    def __post_init__(self) -> None:
        if self.order not in ORDERS:
            raise SetupError(
                f"evaluation={self.order}: expected auto, or one of {', '.join(ORDERS)}"
                f"{did_you_mean(self.order, ('auto', *ORDERS))}"
            )
        if self.apply not in APPLIES:
            raise SetupError(
                f"evaluation={self.order}/{self.apply}: expected one of {', '.join(APPLIES)}"
                f"{did_you_mean(self.apply, APPLIES)}"
            )
        if self.fold and (self.order != "folded" or self.fold not in FOLDS):
            raise SetupError(
                f"evaluation={self.order}:{self.fold}: expected folded:FOLD, with one of {', '.join(FOLDS)}"
                f"{did_you_mean(self.fold, FOLDS)}"
            )
        if self.order == "canonical" and self.recompute:
            raise SetupError("evaluation=canonical/recompute: expected another order, such as convolution/recompute")
        if self.order in WITHOUT_APPLY:  # apply has no effect here: equal evaluations are equal values
            object.__setattr__(self, "apply", "product")

    def __str__(self) -> str:
        """Return the name that :func:`parse_evaluation` reads."""
        order = f"{self.order}:{self.fold}" if self.fold else self.order
        name = order if self.order in WITHOUT_APPLY else f"{order}/{self.apply}"
        return f"{name}/recompute" if self.recompute else name


CANONICAL = Evaluation()


def parse_evaluation(text: str) -> Evaluation:
    """Return the evaluation of a name: ``fft``, ``matrix/sum``, ``folded:y8/product/recompute``.

    Raises SetupError for an unknown name.
    """
    first, *rest = text.split("/")
    order, colon, fold = first.partition(":")
    if colon and not fold:
        raise SetupError(f"evaluation={text}: expected folded:FOLD, with one of {', '.join(FOLDS)}")
    recompute = rest[-1:] == ["recompute"]
    if recompute:
        rest = rest[:-1]
    if len(rest) > 1 or (rest and order in WITHOUT_APPLY):
        raise SetupError(f"evaluation={text}: expected ORDER or ORDER/APPLY, such as matrix/sum")
    return Evaluation(
        order, rest[0] if rest else ("product" if order in WITHOUT_APPLY else "accumulate"), recompute, fold
    )


def candidates() -> Iterator[Evaluation]:
    """Yield every evaluation, the canonical one first, except ``fused``, which needs Triton, and recomputing ones.

    Those of the folded order have its own fold.
    """
    for order in ORDERS[:-1]:
        for apply in APPLIES[:1] if order in WITHOUT_APPLY else APPLIES:
            yield Evaluation(order, apply)
