"""Interchangeable exact evaluations of the lambda layer: one file per order of its products, and a cost model.

Position lambdas are linear in the values and outputs are linear in the queries, so the products may be computed in any
order. Every order gives the same output; they differ in multiply-accumulates, memory and speed.
"""

from lambda_arch.arch.evaluation import APPLIES, CANONICAL, ORDERS, Evaluation, candidates, parse_evaluation
from lambda_arch.nn.evaluation.cost_model import choose
from lambda_arch.nn.evaluation.layer_shape import LayerShape
from lambda_arch.nn.evaluation.orders import evaluate, macs, maps

__all__ = [
    "APPLIES",
    "CANONICAL",
    "ORDERS",
    "Evaluation",
    "LayerShape",
    "candidates",
    "choose",
    "evaluate",
    "macs",
    "maps",
    "parse_evaluation",
]
