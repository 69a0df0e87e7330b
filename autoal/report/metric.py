"""The metrics in records by which runs can be compared."""

from collections.abc import Mapping

ACCURACY = "accuracy"
LOWER = ("nll", "ece", "soft_nll")  # metrics of which less is better


def lower_is_better(metric: str) -> bool:
    """Whether less is better, also on validation rows."""
    return metric.removeprefix("val_") in LOWER


def result(metrics: Mapping[str, float], metric: str) -> float:
    """The metric of a round, negated if less is better, so that more always is."""
    return -metrics[metric] if lower_is_better(metric) else metrics[metric]


def words(metric: str) -> str:
    """The name of such results."""
    name = metric.replace("_", " ")
    return f"negative {name}" if lower_is_better(metric) else name
