"""Labelling the rows that a growth makes."""

from __future__ import annotations

from pathlib import Path

from torch import Tensor

from autoal.cycle.hooks import GrowthRule
from autoal.data.contract import Data
from autoal.data.rows import Shown
from autoal.data.texts import parts
from autoal.errors import UserError
from autoal.exported.model import Model
from autoal.model.training import Training
from autoal.oracles.crowd import Crowd
from autoal.oracles.made import MadeRows, RealRows
from autoal.oracles.noise import Noisy
from autoal.oracles.question import Oracle
from autoal.oracles.truth import TrueLabels

NAME = "annotator"  # in records


def answering(oracle: Oracle, growth: GrowthRule, data: Data, training: Training) -> Oracle:
    """An oracle that also answers about the rows that a growth makes.

    Args:
        oracle: of real rows.
        growth: knows whether a model labels its rows.
        data: defines the classes.
        training: where such a model runs.
    """
    if growth.annotator is not None:
        return MadeRows(oracle, _Annotator(growth.annotator, data, training), NAME)
    if isinstance(oracle, TrueLabels | Noisy | Crowd):
        raise UserError(
            "made rows have no true label: give growth.annotator=, the folder of a model that "
            f"labels them, or oracle=language or people\n  {_makes_one()}"
        )
    return oracle


def inside(oracle: Oracle) -> Oracle:
    """The innermost oracle, wrapped so that it is never asked about rows it cannot know."""
    return RealRows(oracle) if isinstance(oracle, TrueLabels) else oracle


class _Annotator:
    """The model in a folder, which labels made rows with the data set's classes."""

    def __init__(self, folder: str, data: Data, training: Training) -> None:
        try:
            self.model = Model.read(Path(folder), training)
        except UserError as error:
            raise UserError(
                f"growth.annotator={folder}: {error}\n  {_makes_one(folder)}"
            ) from error
        if {*self.model.classes} != {*data.classes}:
            raise UserError(
                f"growth.annotator={folder} knows the classes {', '.join(self.model.classes)}, and "
                f"the data has {', '.join(data.classes)}"
            )
        self.order = [self.model.classes.index(name) for name in data.classes]

    def __call__(self, shown: Shown) -> Tensor:
        return self.model.predict(parts(shown))[:, self.order].argmax(1)


def _makes_one(folder: str = "runs/annotator/model") -> str:
    """The command whose model would be in this folder."""
    run = Path(folder).parent
    return (
        f"`python train.py data=<the same> encoder=sentence start=<many> rounds=0 out={run.parent} "
        f"name={run.name}` trains one, in {folder}"
    )
