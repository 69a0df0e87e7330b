"""Predictions of labelled rows by models that did not learn them."""

from torch import Tensor

from autoal.data.rows import Rows
from autoal.model.learner import Learner


def out_of_sample(learner: Learner, rows: Rows, *, folds: int, seed: int) -> Tensor:
    """Class probabilities of labelled rows, (n, classes)."""
    raise NotImplementedError
