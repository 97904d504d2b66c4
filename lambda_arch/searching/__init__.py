"""Search for Pareto-optimal LambdaResNets: spaces, objectives, exact fronts and predicted accuracy.

>>> from lambda_arch import search
>>> front = search("ablation", where="params<=16M")
>>> str(front.architecture(0))
'lambda_resnet26:k=2,h=8,m=3@128'
"""

from typing import TYPE_CHECKING

from lambda_arch.lazy import lazy_names

if TYPE_CHECKING:
    from lambda_arch.searching.accuracy import AccuracyModel, fit, published_model
    from lambda_arch.searching.evolution import evolve
    from lambda_arch.searching.exploration import Exploration, explore
    from lambda_arch.searching.front import Front
    from lambda_arch.searching.latency import Latency
    from lambda_arch.searching.learning import read_evidence
    from lambda_arch.searching.linear_model import LinearModel, Prediction
    from lambda_arch.searching.metrics import METRICS, Constraint, Metric
    from lambda_arch.searching.optimization import Problem, make_problem
    from lambda_arch.searching.pareto_search import find_front, search
    from lambda_arch.searching.posterior import Posterior, learn
    from lambda_arch.searching.proposals import Proposals, propose
    from lambda_arch.searching.search_space import Space
    from lambda_arch.searching.space_file import read_space, space_of

_MODULES = {
    "AccuracyModel": "accuracy",
    "LinearModel": "linear_model",
    "Prediction": "linear_model",
    "fit": "accuracy",
    "published_model": "accuracy",
    "find_front": "pareto_search",
    "search": "pareto_search",
    "evolve": "evolution",
    "Exploration": "exploration",
    "explore": "exploration",
    "Front": "front",
    "Latency": "latency",
    "METRICS": "metrics",
    "Constraint": "metrics",
    "Metric": "metrics",
    "Problem": "optimization",
    "make_problem": "optimization",
    "Posterior": "posterior",
    "Proposals": "proposals",
    "learn": "posterior",
    "read_evidence": "learning",
    "propose": "proposals",
    "Space": "search_space",
    "read_space": "space_file",
    "space_of": "space_file",
}

__all__ = [
    "METRICS",
    "AccuracyModel",
    "Constraint",
    "Exploration",
    "Front",
    "Latency",
    "LinearModel",
    "Metric",
    "Posterior",
    "Prediction",
    "Problem",
    "Proposals",
    "Space",
    "evolve",
    "explore",
    "find_front",
    "fit",
    "learn",
    "make_problem",
    "propose",
    "published_model",
    "read_evidence",
    "read_space",
    "search",
    "space_of",
]

__getattr__, __dir__ = lazy_names(__name__, _MODULES)
