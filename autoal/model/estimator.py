"""Scikit-learn estimators as learners."""

from __future__ import annotations

from copy import copy
from math import isfinite
from typing import Any

import numpy as np
import torch
from sklearn.base import clone
from sklearn.ensemble import BaggingClassifier, ExtraTreesClassifier, RandomForestClassifier
from torch import Tensor

from autoal.data.contract import Data
from autoal.data.rows import Rows
from autoal.data.texts import demand_encoded
from autoal.errors import UserError
from autoal.model.features import Features
from autoal.model.fitstep import Watch
from autoal.model.learner import Learner
from autoal.model.metrics import evaluation_metrics
from autoal.model.predictions import Given

BLOCK = 8192  # rows predicted at a time
SEED_LIMIT = 2**31  # upper bound of an estimator's seed
RAREST = 1e-7  # probability that counts, so that no log loss is infinite
# Ensembles whose members are each a plausible model: a draw is one of them.
DRAWN = (BaggingClassifier, ExtraTreesClassifier, RandomForestClassifier)

Matrix = np.ndarray[Any, Any]


class SklearnLearner(Learner):
    """A classifier with `predict_proba`, fitted afresh in every round.

    It reads the rows as they are stored, flattened; these are also the embeddings. Every
    `random_state` of None follows the experiment's seed. Each member of a forest or a bagging
    classifier is a draw.

    Args:
        estimator: cloned, and never fitted itself.
        data: the data whose classes it predicts.
    """

    def __init__(self, estimator: Any, data: Data) -> None:
        if isinstance(estimator, type):
            raise UserError(f"give an estimator, {estimator.__name__}(), not its class")
        if not hasattr(estimator, "predict_proba"):
            raise UserError(
                f"{type(estimator).__name__} has no predict_proba, and so no probabilities to "
                "query by: wrap it in sklearn.calibration.CalibratedClassifierCV"
            )
        data.setup()
        demand_encoded(data.train)
        self._estimator = estimator
        self._classes = len(data.classes)
        self._fitted: Any = None
        self._lesson: dict[str, Any] = {}  # a run that goes on fits it again from this

    @property
    def draws(self) -> bool:
        member = getattr(self._estimator, "estimator", None)  # None is a tree
        speaks = member is None or hasattr(member, "predict_proba")
        return isinstance(self._estimator, DRAWN) and speaks

    def fit(self, rows: Rows, *, first: bool, watch: Watch) -> int:
        seed = int(torch.randint(SEED_LIMIT, (1,)))
        self._lesson = {"inputs": rows.inputs.cpu(), "labels": rows.labels, "seed": seed}
        self._fitted = self._taught(_matrix(rows.inputs), rows.labels.numpy(), seed)
        return 0  # it has no steps to count

    def test(self, rows: Rows) -> dict[str, float]:
        metrics = evaluation_metrics(self._classes)
        metrics.update(_logits(self._fitted, rows.inputs, self._classes), rows.labels)
        found = {name: float(value) for name, value in metrics.compute().items()}
        if not isfinite(found["nll"]):
            raise UserError(f"{type(self._estimator).__name__} gave probabilities that are NaN")
        return found

    def look(self, rows: Rows, numbers: Tensor, seed: int, *, stages: bool = False) -> Features:
        fitted, classes = self._fitted, self._classes

        def inputs() -> Tensor:
            return rows.inputs[numbers.to(rows.inputs.device)].cpu()

        def drawn() -> Tensor:
            read = inputs()
            return torch.stack([_logits(member, read, classes) for member in _members(fitted)])

        width = int(np.prod(rows.shape)) if stages else None
        predictions = Given(
            lambda: _logits(fitted, inputs(), classes), drawn if self.draws else None
        )
        return Features(
            rows, numbers, lambda: inputs().flatten(1).float(), predictions, width=width
        )

    def fresh(self, share: float = 1.0) -> SklearnLearner:
        untaught = copy(self)
        untaught._fitted, untaught._lesson = None, {}
        return untaught

    def state_dict(self) -> dict[str, Any]:
        return self._lesson

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self._lesson, self._fitted = dict(state), None
        if state:
            inputs, labels = _matrix(state["inputs"]), state["labels"].numpy()
            self._fitted = self._taught(inputs, labels, state["seed"])

    def _taught(self, inputs: Matrix, labels: Matrix, seed: int) -> Any:
        """A fitted clone."""
        if len(np.unique(labels)) == 1:
            return _Constant(int(labels[0]))
        estimator = clone(self._estimator)
        unset = {
            name: seed
            for name, value in estimator.get_params().items()
            if name.rpartition("__")[2] == "random_state" and value is None
        }
        try:
            return estimator.set_params(**unset).fit(inputs, labels)
        except ValueError as error:
            raise UserError(f"{type(estimator).__name__} cannot learn: {error}") from error


class _Constant:
    """The prediction as long as all labelled rows are of one class."""

    def __init__(self, label: int) -> None:
        self.classes_ = np.array([label])

    def predict_proba(self, inputs: Matrix) -> Matrix:
        return np.ones((len(inputs), 1))


class _Member:
    """One estimator of an ensemble, which may read some columns and renumber the classes."""

    def __init__(self, member: Any, classes: Matrix, columns: Matrix | None) -> None:
        self.member = member
        self.classes_ = classes[member.classes_.astype(int)]
        self.columns = columns

    def predict_proba(self, inputs: Matrix) -> Matrix:
        return self.member.predict_proba(
            inputs if self.columns is None else inputs[:, self.columns]
        )


def _members(fitted: Any) -> list[Any]:
    if isinstance(fitted, _Constant):
        return [fitted]
    columns = getattr(fitted, "estimators_features_", [None] * len(fitted.estimators_))
    return [
        _Member(member, fitted.classes_, some)
        for member, some in zip(fitted.estimators_, columns, strict=True)
    ]


def _logits(fitted: Any, inputs: Tensor, classes: int) -> Tensor:
    """The log-probabilities of all classes, (n, classes), including unseen ones."""
    if fitted is None:
        return torch.zeros(len(inputs), classes)  # untaught: all are equally likely
    probs = torch.zeros(len(inputs), classes)
    columns = torch.from_numpy(fitted.classes_.astype(np.int64))
    for begin in range(0, len(inputs), BLOCK):
        try:
            block = fitted.predict_proba(_matrix(inputs[begin : begin + BLOCK]))
        except ValueError as error:
            raise UserError(f"{type(fitted).__name__} cannot predict: {error}") from error
        probs[begin : begin + BLOCK, columns] = torch.from_numpy(np.asarray(block)).float()
    return probs.clamp(min=RAREST).log()


def _matrix(inputs: Tensor) -> Matrix:
    """The inputs as a matrix, rows by columns."""
    return inputs.cpu().flatten(1).numpy()
