"""By which of the metrics in their records runs are compared."""

from collections.abc import Mapping

ACCURACY = "accuracy"
LOWER = ("nll", "ece", "soft_nll")  # of which less is better


def lower_is_better(metric: str) -> bool:
    """Also of validation rows."""
    return metric.removeprefix("val_") in LOWER


def result(metrics: Mapping[str, float], metric: str) -> float:
    """The metric of a round, with a minus where less is better, so that more always is."""
    return -metrics[metric] if lower_is_better(metric) else metrics[metric]


def words(metric: str) -> str:
    """What such results are called."""
    name = metric.replace("_", " ")
    return f"negative {name}" if lower_is_better(metric) else name
